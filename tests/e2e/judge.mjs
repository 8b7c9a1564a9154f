// Compares what a gateway says of the agents of a registry, over HTTP and in its tables, with the oracle: every agent at every
// block, histories, who speaks for whom, searches; no phantom, no gap, nothing of a branch that was dropped.
import assert from 'node:assert/strict';
import http from 'node:http';
import { until } from './harness.mjs';
import { REGISTRY, ethers } from '../chain/lib.mjs';
import { Oracle } from './oracle.mjs';

const ID = (hex) => Number(BigInt('0x' + hex));
const checksummed = (address) => address && ethers.getAddress(address);
const isUtf8 = (bytes) => Buffer.from(bytes.toString('utf8')).equals(bytes);

// `work` on every item, eight at a time.
async function each(items, work) {
  let next = 0;
  await Promise.all(Array.from({ length: 8 }, async () => {
    while (next < items.length) await work(items[next++]);
  }));
}

export class Judge {
  compared = { states: 0, answers: 0, rows: 0, events: 0 };

  constructor(stack, registry = REGISTRY) {
    this.stack = stack;
    this.chain = stack.chain;
    this.oracle = new Oracle(stack.record.rpc, registry);
    this.registry = registry.toLowerCase();
    this.agent = new http.Agent({ keepAlive: true, maxSockets: 8 });
  }

  async get(target, status = 200) {
    const answer = await this.stack.http(target, { agent: this.agent });
    assert.equal(answer.status, status, `${target}: ${answer.status} ${answer.body}`);
    return answer.json();
  }

  // Until the index stands where the chain does; the hash says it is this branch.
  async caughtUp(ms = 60000) {
    const head = await this.chain.rpc('eth_getBlockByNumber', 'latest', false);
    const finalized = await this.chain.rpc('eth_getBlockByNumber', 'finalized', false);
    let seen = null;
    await until(`the index at block ${Number(head.number)} ${head.hash}`, async () => {
      seen = await this.place();
      return seen && seen.hash === head.hash && seen.final >= Number(finalized.number);
    }, ms, 30).catch((e) => { throw new Error(`${e.message}; it stands at ${JSON.stringify(seen)}`); });
    return Number(head.number);
  }

  // Everything, with the chain standing still. Returns the picture it was judged by. share: of the answers as of a block; light:
  // neither who spoke for whom nor searches.
  async judge({ share = 1, ms, light = false } = {}) {
    const last = await this.caughtUp(ms);
    const picture = await this.oracle.read(0, last);
    await this.tables(picture);
    await this.http(picture, share, light);
    if (!light) await this.searches(picture);
    return picture;
  }

  async place() {
    const [row] = await this.stack.sql(`SELECT tip_number, '0x' || encode(tip_hash, 'hex'), final_number FROM chain_index WHERE chain_id = ${this.stack.record.chainId}`);
    return row ? { tip: Number(row[0]), hash: row[1], final: Number(row[2]) } : null;
  }

  // ---- what the tables hold ----

  // Up to wherever the index says it has come: no more, no less. Above it may be what a backfill has not yet compared with
  // storage, and nothing is answered from that. While it may be moving, looked at between two moves.
  async tables(whole, moving = false) {
    for (let tries = 0; ; tries++) {
      const place = await this.place();
      if (moving && !place) return;
      try {
        await this.tablesAt(whole, place);
        return;
      } catch (e) {
        if (!moving || tries > 20 || JSON.stringify(await this.place()) === JSON.stringify(place)) throw e;
      }
    }
  }

  async tablesAt(whole, place) {
    const { stack } = this;
    const chainId = stack.record.chainId;
    assert.equal(place.hash, whole.header(place.tip)?.hash, `the tip ${place.tip} of the index`);
    const picture = whole.upTo(place.tip);
    const canonical = (number, hash, what) => assert.equal(hash, picture.header(Number(number))?.hash, `${what} of block ${number}: not on this chain`);
    const blocks = await stack.sql(`SELECT number, '0x' || encode(hash, 'hex'), '0x' || encode(parent, 'hex'), time FROM block
      WHERE chain_id = ${chainId} AND number <= ${place.tip}`);
    for (const [number, hash, parent, time] of blocks) {
      canonical(number, hash, 'block');
      const header = picture.header(Number(number));
      // a finalized block that was taken from its logs alone names no parent
      assert.deepEqual([/^0x0+$/.test(parent) ? header.parent : parent, Number(time)], [header.parent, header.time], `block ${number}`);
    }
    const [registry] = await stack.sql(`SELECT id FROM registry WHERE chain_id = ${chainId} AND address = decode('${this.registry.slice(2)}', 'hex')`);
    assert.ok(registry, 'the registry is indexed');
    await this.states(picture, registry[0]);
    await this.events(picture, registry[0]);
    this.compared.rows += blocks.length;
  }

  async states(picture, registry) {
    const COLUMNS = 'encode(s.owner, \'hex\'), coalesce(encode(s.wallet, \'hex\'), \'\'), encode(u.body, \'hex\')';
    const read = ([id, number, owner, wallet, uri, changed]) =>
      ({ id: ID(id), number: Number(number), owner: '0x' + owner, wallet: wallet === '' ? null : '0x' + wallet, uri, changed: Number(changed) });
    const rows = (await this.stack.sql(`SELECT encode(s.agent_id, 'hex'), s.number, ${COLUMNS}, s.changed FROM agent_state s JOIN uri u ON u.hash = s.uri
      WHERE s.registry = ${registry} AND s.number <= ${picture.last} ORDER BY s.agent_id, s.number`)).map(read);
    const wanted = [];
    const now = [];
    for (let id = 0; id < picture.count; id++) {
      const history = picture.history(id);
      for (const { block, owner, wallet, uri } of history) wanted.push({ id, number: block.number, owner, wallet, uri: uri.toString('hex') });
      const { block, owner, wallet, uri } = history.at(-1);
      now.push({ id, number: block.number, owner, wallet, uri: uri.toString('hex') });
    }
    same(rows.map(({ changed, ...row }) => row), wanted, 'agent_state');
    const kept = (await this.stack.sql(`SELECT encode(s.agent_id, 'hex'), s.number, ${COLUMNS}, 0 FROM agent_now s JOIN uri u ON u.hash = s.uri
      WHERE s.registry = ${registry} ORDER BY s.agent_id`)).map(read).map(({ changed, ...row }) => row);
    same(kept, now, 'agent_now');
    this.compared.rows += rows.length + kept.length;
  }

  // Every log of the registry is there, with its place, and no other.
  async events(picture, registry) {
    const TOPICS = {
      [ethers.id('Transfer(address,address,uint256)')]: [1, 3], [ethers.id('Registered(uint256,string,address)')]: [2, 1],
      [ethers.id('URIUpdated(uint256,string,address)')]: [3, 1], [ethers.id('MetadataSet(uint256,string,string,bytes)')]: [4, 1],
      [ethers.id('Approval(address,address,uint256)')]: [5, 3], [ethers.id('Upgraded(address)')]: [6, null],
    };
    const logs = await this.oracle.logs(picture.first, picture.last);
    const wanted = [];
    for (const { topics, blockNumber, logIndex, transactionHash } of logs) {
      const [kind, at] = TOPICS[topics[0]] ?? [];
      if (kind) wanted.push([Number(blockNumber), Number(logIndex), transactionHash, kind, at === null ? '' : topics[at].slice(2)].join(' '));
    }
    const rows = await this.stack.sql(`SELECT number, log_index, '0x' || encode(tx, 'hex'), kind, coalesce(encode(agent_id, 'hex'), '')
      FROM agent_event WHERE registry = ${registry} AND number <= ${picture.last} ORDER BY number, log_index`);
    same(rows.map((row) => row.join(' ')), wanted, 'agent_event');
    this.compared.events += rows.length;
  }

  // ---- what it answers ----

  block(picture, said, what) {
    const header = picture.header(Number(said.number));
    assert.ok(header, `${what}: block ${said.number}`);
    assert.ok(['latest', 'safe', 'final'].includes(said.finality), `${what}: finality ${said.finality}`);
    // of a final block in which nothing happened nothing is kept
    if (said.hash === null && said.finality === 'final') return header.number;
    assert.equal(said.hash, header.hash, `${what}: the hash of block ${said.number}`);
    assert.equal(Date.parse(said.time) / 1000, header.time, `${what}: the time of block ${said.number}`);
    return header.number;
  }

  state(said, want, what) {
    assert.equal(said.owner, checksummed(want.owner), `${what}: owner`);
    assert.equal(said.wallet, checksummed(want.wallet), `${what}: wallet`);
    // text that is none has no place in JSON: it must not be said to be another text
    assert.equal(said.uri ?? null, isUtf8(want.uri) ? want.uri.toString('utf8') : null, `${what}: uri`);
    if (!isUtf8(want.uri)) assert.equal(said.uriBytes?.replace(/^0x/, ''), want.uri.toString('hex'), `${what}: uriBytes`);
  }

  async http(picture, share, light) {
    const asked = [];
    for (let id = 0; id <= picture.count; id++)
      for (let n = picture.first; n <= picture.last; n++) if (share === 1 || Math.random() < share) asked.push([id, n]);
    await each(asked, ([id, n]) => this.asOf(picture, id, n));
    await each(Array.from({ length: picture.count }, (_, id) => id), async (id) => {
      await this.history(picture, id);
      if (!light) await this.authority(picture, id);
    });
    const beyond = await this.stack.http(`/v1/agents/0?at=${picture.last + 1000}`, { agent: this.agent });
    assert.equal(beyond.status, 503, `beyond the tip: ${beyond.status} ${beyond.body}`);
    assert.match(beyond.json().type, /not-indexed$/);
  }

  async asOf(picture, id, n) {
    const what = `agent ${id} at ${n}`;
    const [row, next] = id < picture.count ? picture.inForce(id, n) : [null, null];
    const said = await this.get(`/v1/agents/${id}?at=${n}`, row ? 200 : 404);
    this.compared.answers++;
    if (!row) return;
    this.state(said, picture.at(id, n), what);
    assert.equal(said.exists, true, what);
    assert.equal(this.block(picture, said.at, what), n, what);
    assert.equal(this.block(picture, said.validFrom, what), row.block.number, `${what}: validFrom`);
    assert.equal(said.validFrom.hash, row.block.hash, `${what}: validFrom`);
    assert.equal(said.validUntil && this.block(picture, said.validUntil, what), next && next.block.number, `${what}: validUntil`);
    assert.equal(Number(said.index.tip), picture.last, `${what}: tip`);
    assert.equal(said.at.finality === 'final', n <= Number(said.index.final), `${what}: finality ${said.at.finality} with ${said.index.final} final`);
    assert.ok(['proof', 'quorum', 'rpc', 'events'].includes(said.tier), `${what}: tier ${said.tier}`);
  }

  async history(picture, id) {
    const wanted = picture.history(id).toReversed();
    const changes = [];
    for (let before = ''; before !== null;) {
      const page = await this.get(`/v1/agents/${id}/history?limit=7${before && `&before=${before}`}`);
      assert.ok(page.changes.length <= 7);
      changes.push(...page.changes);
      before = page.next;
      assert.ok(changes.length <= wanted.length, `agent ${id}: ${changes.length} changes, not ${wanted.length}`);
    }
    assert.deepEqual(changes.map(({ block }) => Number(block.number)), wanted.map(({ block }) => block.number), `agent ${id}: blocks of its history`);
    changes.forEach((said, i) => {
      const what = `agent ${id}, change at ${said.block.number}`;
      this.block(picture, said.block, what);
      this.state(said, wanted[i], what);
      if (wanted[i].changed[0] === 'registered') assert.ok(said.changed.includes('registered'), what);
      else assert.deepEqual([...said.changed].sort(), [...wanted[i].changed].sort(), what);
    });
    this.compared.states += changes.length;
  }

  // Owner and wallet speak, and whoever spoke before and does not now does not.
  async authority(picture, id) {
    const rows = picture.history(id);
    const everybody = [...new Set(rows.flatMap(({ owner, wallet }) => [owner, wallet]).filter(Boolean)), '0x' + '12'.repeat(20)];
    for (const { block, owner, wallet } of rows.slice(-4))
      for (const address of everybody.slice(-4)) {
        const said = await this.get(`/v1/agents/${id}/authority?address=${address}&at=${block.number}`);
        const speaks = address === owner || address === wallet;
        assert.equal(said.speaks, speaks, `${address} for agent ${id} at ${block.number}`);
        if (!speaks) assert.equal(said.role, null);
        else assert.ok((said.role === 'owner' && address === owner) || (said.role === 'wallet' && address === wallet), `role ${said.role}`);
        this.compared.answers++;
      }
  }

  async searches(picture) {
    const now = Array.from({ length: picture.count }, (_, id) => picture.at(id, picture.last));
    for (const which of ['owner', 'wallet'])
      for (const address of new Set(now.map((state) => state[which]).filter(Boolean))) {
        const found = [];
        for (let after = ''; after !== null;) {
          const page = await this.get(`/v1/agents?${which}=${address}&limit=10${after && `&after=${encodeURIComponent(after)}`}`);
          found.push(...page.agents.map(({ agent }) => agent));
          after = page.next;
          assert.ok(found.length <= now.length, `agents of ${address}: pages without end`);
        }
        const ids = found.map((key) => Number(/(\d+)$/.exec(key)[1]));
        assert.deepEqual(ids, now.flatMap((state, id) => (state[which] === address ? [id] : [])), `agents whose ${which} is ${address}`);
        this.compared.answers++;
      }
  }
}

// Says the first place where they differ instead of two walls of text.
function same(got, wanted, what) {
  const text = (row) => (row === undefined ? 'nothing' : JSON.stringify(row).slice(0, 400));
  for (let i = 0; i < Math.max(got.length, wanted.length); i++)
    assert.equal(text(got[i]), text(wanted[i]), `${what}, row ${i} of ${got.length} (${wanted.length} wanted)`);
}
