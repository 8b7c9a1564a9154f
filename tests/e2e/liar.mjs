// Providers that lie and fail, one fault after the other, with kedge between: never a wrong identity. Each fault is tried with
// the liar before an honest provider, where the answers must be right in time, and with the liar alone, where they may be missing
// or old but not wrong, and must be right again once it behaves. A table of cases and outcomes is printed.
//   node liar.mjs --kedge FILE [--cases TEXT] [--from TEXT] [--quick]
// --cases: only faults with that in their name. --from: the first with that in its name and all after it. --quick: one of each sort.
import assert from 'node:assert/strict';
import { drive, kedgeBinary, sleep, until } from './harness.mjs';
import { Chain } from '../chain/lib.mjs';
import { Judge } from './judge.mjs';
import { Moves } from './moves.mjs';
import { Provider, faults, recordedErrors } from './provider.mjs';

const kedge = kedgeBinary();
const words = process.argv.slice(2);
const only = words.includes('--cases') ? words[words.indexOf('--cases') + 1] : '';
const from = words.includes('--from') ? words[words.indexOf('--from') + 1] : '';
const quick = words.includes('--quick');
const SLOTS = 12;
const LIE = '66'.repeat(20); // what a liar says instead
const WATCH_MS = 2500;
const QUICK = ['every second log is missing', 'a storage proof with one wrong bit', 'another chain id', 'half a JSON', 'Base: block range too large'];

const errors = recordedErrors().filter(({ code }) => code !== 3);
if (errors.length) {
  let turn = 0;
  faults['recorded errors, one after the other'] = { answer: async ({ method }) => (method === 'eth_chainId' ? null : { error: errors[turn++ % errors.length] }) };
} else {
  console.log('recorded errors: skipped, no third-party vectors');
}

// Whatever is answered while the liar rules: right for the block it names, or no answer.
class Watch {
  constructor(judge, before) {
    this.judge = judge;
    this.before = before;
    this.said = { right: 0, none: 0 };
  }

  async ask(target) {
    const got = await this.judge.stack.http(target, { timeout: 60000 }).catch(() => null);
    assert.ok(!got?.body.toString().toLowerCase().includes(LIE), `${target}: the lie was believed: ${got?.body}`);
    return got;
  }

  // What is known of the chain as it is now, for blocks the answers name.
  async known() {
    return this.judge.oracle.read(0, await this.judge.chain.number());
  }

  async checkEnd(picture, id, end, what) {
    if (Number(end.block.number) > picture.last) picture = await this.known(); // it was mined meanwhile
    const header = picture.header(Number(end.block.number));
    assert.equal(end.block.hash, header?.hash, `${what}: block ${end.block.number}`);
    const truth = picture.at(id, header.number);
    assert.equal(end.exists, truth !== null, `${what}: exists`);
    if (truth) this.judge.state(end, truth, what);
  }

  async now(picture, id) {
    const what = `agent ${id} now`;
    const got = await this.ask(`/v1/agents/${id}`);
    if (!got || got.status >= 500) return void this.said.none++;
    if (got.status === 404) {
      assert.equal(this.before.at(id, this.before.last), null, `${what}: there was one before`);
      return void this.said.none++;
    }
    assert.equal(got.status, 200, `${what}: ${got.status} ${got.body}`);
    const said = got.json();
    for (const end of ['latest', 'safe']) await this.checkEnd(picture, id, said[end], `${what}, ${end}, tier ${said.tier}`);
    this.said.right++;
  }

  async then(picture, id) {
    const at = this.before.first + Math.floor(Math.random() * this.before.headers.length);
    const got = await this.ask(`/v1/agents/${id}?at=${at}`);
    if (!got || got.status >= 500) return void this.said.none++;
    const truth = picture.at(id, at);
    assert.equal(got.status, truth ? 200 : 404, `agent ${id} at ${at}: ${got.status} ${got.body}`);
    if (truth) this.judge.state(got.json(), truth, `agent ${id} at ${at}`);
    this.said.right++;
  }

  async look(ms) {
    const end = Date.now() + ms;
    const picture = await this.known();
    do {
      const ids = Array.from({ length: picture.count }, (_, id) => id).sort(() => Math.random() - 0.5).slice(0, 6);
      await Promise.all(ids.flatMap((id) => [this.now(picture, id), this.then(picture, id), this.ask(`/agent/31337/${id}/did.json`)]));
      await sleep(100);
    } while (Date.now() < end);
    await this.judge.tables(picture, true);
    return `${this.said.right} right, ${this.said.none} not answered`;
  }
}

class Trial {
  rows = [];

  constructor(stack) {
    this.stack = stack;
    this.chain = stack.chain;
    this.judge = new Judge(stack);
  }

  async begin() {
    const { stack } = this;
    await stack.keep(false);
    await stack.quit();
    this.honest = await new Provider(stack.record.rpc).start();
    this.liar = await new Provider(this.honest.url).start();
    this.chain = stack.chain = this.judge.chain = new Chain(this.honest.url);
    // contracts that act while they are minted to belong to the walk: here a backfill by events must be right as well
    this.moves = new Moves(stack.chain, 8004, { slots: SLOTS, upgrades: false });
    await this.moves.prepare();
    await this.act(40);
    await this.chain.rpc('anvil_mine', '0x470'); // most of it is old enough to be taken by ranges
    await this.act(12);
    this.moves.highest = await this.chain.number();
  }

  async act(n) {
    for (let done = 0; done < n; done++) {
      const { dice } = this.moves;
      const kind = dice.of(['register', 'register', 'transfer', 'setWallet', 'unset', 'setUri', 'selfTransfer', 'setContractWallet']);
      const tx = await this.moves[kind]();
      if (tx) await this.moves.send(kind, tx);
      if (done % 3 === 2) await this.moves.mine();
    }
    await this.moves.mine(2);
  }

  async serve(alone, more = {}) {
    await this.stack.serve({ KEDGE_RPC_URL: alone ? this.liar.url : `${this.liar.url} ${this.honest.url}`, ...more });
  }

  async forget() {
    await this.stack.sql('TRUNCATE chain_index, registry, block, chain_head CASCADE');
  }

  async picture() {
    return this.judge.oracle.read(0, await this.chain.number());
  }

  async state() {
    const number = async (tag) => (await this.chain.rpc('eth_getBlockByNumber', tag, false)).number;
    const count = await this.moves.count();
    const owner = (await this.picture()).at(count - 1, await this.chain.number()).owner;
    return { owner, frozen: { latest: await number('latest'), safe: await number('safe'), finalized: await number('finalized') } };
  }

  // Fault while the chain goes on.
  async atTheHead(name, alone) {
    this.liar.behave(null);
    await this.serve(alone);
    await this.judge.caughtUp();
    const before = await this.picture();
    this.liar.behave(name, await this.state());
    await this.act(5);
    return this.outcome(alone, before, faults[name]);
  }

  // A head that stands still can only be told from a quiet chain by its age: here blocks come twice a second.
  async standingStill(name, alone) {
    this.liar.behave(null);
    await this.serve(alone, { KEDGE_HEAD_AGE_S: '3' });
    await this.judge.caughtUp();
    const before = await this.picture();
    this.liar.behave(name, await this.state());
    await this.act(5);
    const wanted = await this.chain.number();
    const started = Date.now();
    let mining = true;
    const miner = (async () => { for (; mining; await sleep(500)) await this.chain.rpc('evm_mine'); })();
    try {
      const said = await new Watch(this.judge, before).look(alone ? 8000 : 1000);
      if (!alone) await until(`block ${wanted} in the index`, async () => (await this.judge.place()).tip >= wanted, 60000);
      const ms = Date.now() - started;
      if (alone) {
        this.liar.behave(null);
        await this.stack.ready(60000);
      }
      mining = false;
      await miner;
      await this.judge.judge({ share: 0.002, light: true });
      return alone ? said : `right in ${ms} ms (${said} meanwhile)`;
    } finally {
      mining = false;
    }
  }

  // Fault from the first request on, with everything still to be fetched.
  async fromTheStart(name, alone) {
    await this.forget();
    const before = await this.picture();
    this.liar.behave(name, await this.state());
    await this.serve(alone);
    return this.outcome(alone && !faults[name].backfill, before, faults[name]);
  }

  async outcome(alone, before, { watch = true }) {
    const started = Date.now();
    let said = '';
    if (alone) {
      said = await new Watch(this.judge, before).look(WATCH_MS);
      assert.ok(this.liar.calls > 0, 'the fault was not met');
      this.liar.behave(null);
      const healed = Date.now();
      await this.judge.judge({ share: 0.002, ms: 90000, light: true });
      return `${said}; right ${Date.now() - healed} ms after it behaves`;
    }
    let wrong = null;
    const look = watch ? new Watch(this.judge, before).look(500).catch((e) => { wrong = e; }) : 'not looked at';
    await this.judge.caughtUp(90000);
    const ms = Date.now() - started;
    said = await look;
    if (wrong) throw wrong;
    assert.ok(this.liar.calls > 0, 'the fault was not met');
    await this.judge.judge({ share: 0.002, light: true });
    return `right in ${ms} ms (${said} meanwhile)`;
  }

  async one(name, place, alone) {
    const who = `${name} | ${place === 'fromTheStart' ? 'backfill' : 'head'} | ${alone ? 'alone' : 'honest second'}`;
    try {
      this.rows.push([who, await this[place](name, alone)]);
    } catch (e) {
      this.rows.push([who, `FAILED: ${e.message.split('\n').slice(0, 6).join(' ').slice(0, 400)}`]);
      this.failed = true;
    }
    console.log(this.rows.at(-1).join(' | '));
    this.liar.behave(null);
    await this.stack.quit();
    if (this.rows.at(-1)[1].startsWith('FAILED')) await this.forget(); // the next case is another one
  }

  async all() {
    await this.begin();
    const cases = Object.entries(faults);
    for (const [name, { backfill, alone }] of cases.slice(Math.max(0, cases.findIndex(([name]) => name.includes(from))))) {
      if (!name.includes(only) || (quick && !QUICK.includes(name) && !only)) continue;
      const places = /stands still/.test(name) ? ['standingStill'] : backfill ? ['fromTheStart'] : /log|transfer|header/.test(name) ? ['atTheHead', 'fromTheStart'] : ['atTheHead'];
      for (const place of places)
        for (const single of alone === false ? [false] : [false, true]) await this.one(name, place, single);
    }
    await this.liar.stop();
    await this.honest.stop();
    assert.ok(!this.failed, 'a fault led to a wrong answer, or kedge did not recover from it');
    return `${this.rows.length} cases`;
  }
}

drive({ kedge, slots: SLOTS, settings: { anchor_contract: '' } }, (stack) => new Trial(stack).all());
