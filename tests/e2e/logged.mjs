// What a gateway must have logged by itself, told from the chain alone: `identity` entries from eth_call at every block, `feedback`
// entries from the reputation registry's events as ethers reads them, `void` entries from the headers. The lines are made by
// tests/vectors/facts.mjs, which is docs/formats.md section 4 in JavaScript.
import assert from 'node:assert/strict';
import { until } from './harness.mjs';
import { readLog } from './reader.mjs';
import { Oracle } from './oracle.mjs';
import { REGISTRY, REPUTATION, artefact, ethers } from '../chain/lib.mjs';
import { canonical, hash, hex, keyText, sha256 } from '../vectors/format.mjs';
import { feedbackEntry, feedbackUid, identityEntry, identityUid, textOf, voidEntry, voidUid } from '../vectors/facts.mjs';

const ZERO = '0x' + '0'.repeat(40);
const NONE = '0'.repeat(64);
const { face } = artefact('tests/contracts/ReputationRegistryDouble.json');
const coder = ethers.AbiCoder.defaultAbiCoder();
const OWN = ['identity', 'feedback', 'void'];
const quantity = (n) => '0x' + n.toString(16);
const low = (topic) => '0x' + topic.slice(26).toLowerCase();
const bytes = (data) => Buffer.from(data.slice(2), 'hex');

// Texts are read as bytes: a chain's need not be UTF-8.
function payloadOf(event, log) {
  const data = (...types) => coder.decode(types, log.data);
  const client = low(log.topics[2]);
  const base = { client, registry: REPUTATION.toLowerCase() };
  if (event === 'FeedbackRevoked') return { event: 'revoked', issuer: client, said: { ...base, index: String(BigInt(log.topics[3])) } };
  if (event === 'ResponseAppended') {
    const [index, uri, responseHash] = data('uint64', 'bytes', 'bytes32');
    const responder = low(log.topics[3]);
    return { event: 'response', issuer: responder, said: { ...base, index: String(index), responder, responseHash, responseURI: textOf(bytes(uri)) } };
  }
  const [index, value, decimals, tag1, tag2, endpoint, uri, feedbackHash] =
    data('uint64', 'int128', 'uint8', 'bytes', 'bytes', 'bytes', 'bytes', 'bytes32');
  const [one, two, where, what] = [tag1, tag2, endpoint, uri].map((text) => textOf(bytes(text)));
  return { event: 'feedback', issuer: client, said: { ...base, decimals: Number(decimals), endpoint: where, feedbackHash, feedbackURI: what,
    index: String(index), tag1: one, tag2: two, value: String(value) } };
}

export class Logged {
  compared = { identity: 0, feedback: 0, void: 0, proofs: 0, attestations: 0 };

  // rpc: an honest node's address
  constructor(stack, rpc, reader) {
    Object.assign(this, { stack, reader });
    this.oracle = new Oracle(rpc, REGISTRY);
    this.chain = `eip155:${stack.record.chainId}`;
  }

  block({ number, hash: of }) {
    return { chain: this.chain, hash: of, number };
  }

  // Agents that the attestations name: [[key text, id]].
  known(entries) {
    const texts = new Set(entries.filter(({ kind }) => kind === 'attestation').flatMap(({ issuer, subject }) => [issuer, subject]));
    const prefix = keyText('').toLowerCase();
    return [...texts].filter((text) => text.startsWith(prefix)).map((text) => [text, Number(text.slice(prefix.length))]);
  }

  // Every fact up to block `final` about the agents that `entries` name: uid -> { kind, … }. since: of an agent id the block at which the log
  // came to know it; changes before the state then in force are not the log's.
  async wanted(entries, final, { since = () => 0, feedback = true } = {}) {
    const picture = await this.oracle.read(0, final);
    const agents = this.known(entries);
    const wanted = new Map();
    for (const [subject, id] of agents) {
      if (id >= picture.count) continue;
      const rows = picture.history(id);
      const first = rows.findLastIndex(({ block }) => block.number <= since(id));
      for (const { block, owner, wallet, uri } of rows.slice(Math.max(0, first)))
        wanted.set(identityUid(subject, this.block(block)),
          { kind: 'identity', id, subject, block: this.block(block), owner, wallet: wallet ?? ZERO, uri });
    }
    if (feedback) await this.#feedback(wanted, new Map(agents.map(([subject, id]) => [id, subject])), final);
    for (const { seq, kind, auth, subject } of entries) {
      if (kind !== 'attestation' || auth.block > final) continue;
      const header = picture.header(auth.block);
      if (header.hash !== auth.hash) wanted.set(voidUid(seq), { kind: 'void', subject, target: seq, block: this.block(header) });
    }
    return wanted;
  }

  async #feedback(wanted, subjects, final) {
    const logs = await this.oracle.rpc('eth_getLogs', { address: REPUTATION, fromBlock: '0x0', toBlock: quantity(final) });
    for (const log of logs) {
      const event = face.getEvent(log.topics[0])?.name;
      if (!['NewFeedback', 'FeedbackRevoked', 'ResponseAppended'].includes(event)) continue;
      const subject = subjects.get(Number(log.topics[1]));
      if (subject === undefined) continue;
      const { said, ...more } = payloadOf(event, log);
      const block = this.block({ number: Number(log.blockNumber), hash: log.blockHash });
      wanted.set(feedbackUid(block, Number(log.logIndex)),
        { kind: 'feedback', subject, block, log: Number(log.logIndex), tx: log.transactionHash, payload: canonical(said), ...more });
    }
  }

  // The entries as the tables have them now, without their place in a tree.
  async entries() {
    const rows = await this.stack.sql('SELECT seq, line FROM entry ORDER BY seq');
    return rows.map(([seq, line]) => ({ ...JSON.parse(line), seq: Number(seq) }));
  }

  async counts() {
    const rows = await this.stack.sql('SELECT kind, count(*) FROM entry GROUP BY kind');
    return Object.fromEntries([...OWN.map((kind) => [kind, 0]), ...rows.map(([kind, n]) => [kind, Number(n)])]);
  }

  // Until everything that must be there up to `final` is. Extra ones are judge()'s to find.
  async complete(final, options = {}, ms = 30000) {
    let missing = [];
    await until('the notary has logged what is final', async () => {
      const entries = await this.entries();
      const uids = new Set(entries.map(({ uid }) => uid));
      missing = [...await this.wanted(entries, final, options)].filter(([uid]) => !uids.has(uid));
      return missing.length === 0;
    }, ms, 200).catch((e) => {
      throw new Error(`${e.message}; missing: ${missing.slice(0, 4).map(([, { kind, subject, block }]) => `${kind} ${subject} ${block.number}`).join(', ')} of ${missing.length}`);
    });
  }

  // The published log against the chain up to `final`: what is wanted and nothing else, each line as it must be. former: uids that an
  // earlier chain of this database gave. Returns the log.
  async judge(final, { former = new Set(), proofs = () => false, sample = Infinity, ...options } = {}) {
    const { stack } = this;
    const [[size]] = await stack.sql('SELECT size FROM log_head');
    await until('the log is published', async () => Number((await stack.http('/log/checkpoint')).body.toString().split('\n')[1]) >= Number(size));
    const log = await readLog(stack, this.reader); // signature, root, every tile and bundle, the completeness map
    const entries = log.entries.map((line, seq) => ({ ...JSON.parse(line), seq }));
    const wanted = await this.wanted(entries, final, options);
    const bodies = new Map((await stack.sql(`SELECT e.seq, encode(p.body, 'hex') FROM entry e JOIN payload p USING (seq) WHERE kind IN ('identity', 'feedback')`))
      .map(([seq, body]) => [Number(seq), body]));
    for (const entry of entries) {
      if (!OWN.includes(entry.kind)) continue;
      const want = wanted.get(entry.uid);
      if (!want && former.has(entry.uid)) continue;
      assert.ok(want, `${entry.kind} entry ${entry.seq} of ${entry.subject} at ${entry.block.number}: no such fact, or twice`);
      wanted.delete(entry.uid);
      assert.equal(log.entries[entry.seq], this.line(want, entry), `entry ${entry.seq}`);
      if (want.kind === 'identity') assert.equal(bodies.get(entry.seq), hex(want.uri), `payload of ${entry.seq}`);
      if (want.kind === 'feedback') assert.equal(bodies.get(entry.seq), hex(Buffer.from(want.payload)), `payload of ${entry.seq}`);
      if (want.kind === 'identity') await this.evidence(want, entry, proofs(want));
      this.compared[want.kind]++;
    }
    assert.equal(wanted.size, 0, `missing: ${[...wanted.values()].map(({ kind, subject, block }) => `${kind} ${subject} ${block.number}`)}`);
    await this.answers(entries, sample);
    return log;
  }

  line(want, { at, tier, evidence }) {
    if (want.kind === 'identity') return identityEntry({ ...want, at, tier, evidence });
    return (want.kind === 'feedback' ? feedbackEntry : voidEntry)({ ...want, at });
  }

  // A proof's hash where there is one: that of the object served of this block.
  async evidence({ id, block }, { seq, tier, evidence }, must) {
    assert.ok(['proof', 'rpc', 'events', 'quorum'].includes(tier), `tier ${tier} of ${seq}`);
    assert.equal(tier === 'proof', evidence !== NONE, `evidence of ${seq}`);
    assert.ok(tier === 'proof' || !must, `entry ${seq} of agent ${id} at ${block.number}: ${tier}, and the proof was there`);
    if (tier !== 'proof') return;
    const { status, body } = await this.stack.http(`/v1/agents/${id}/proof?at=${block.number}`);
    assert.equal(status, 200, body.toString());
    assert.equal(hex(sha256(body)), evidence, `evidence of ${seq}`);
    assert.deepEqual([JSON.parse(body).block.hash, JSON.parse(body).block.number], [block.hash, String(block.number)]);
    this.compared.proofs++;
  }

  // Attestations say of themselves whether they are void: about `sample` of them are asked.
  async answers(entries, sample) {
    const voids = new Map(entries.filter(({ kind }) => kind === 'void').map((entry) => [entry.target, entry]));
    for (const { kind, uid, seq } of entries) {
      if (kind !== 'attestation' || Math.random() > sample / entries.length) continue;
      const { status, body } = await this.stack.http(`/v1/attestations/${uid}`);
      assert.equal(status, 200, body.toString());
      const said = JSON.parse(body);
      const found = voids.get(seq);
      assert.equal(said.seq, seq);
      assert.deepEqual(said.void, found ? { block: { ...found.block, number: String(found.block.number) }, seq: found.seq } : null, `void of ${uid}`);
      this.compared.attestations++;
    }
  }
}

export { face as reputation, hash };
