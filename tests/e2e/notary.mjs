// What the gateway logs by itself about the agents that the log knows: identities, feedback, voids; from the real chain, database and
// processes, read back from the published log and held against what the chain says by calls of this test's own.
//   node notary.mjs --kedge FILE
import assert from 'node:assert/strict';
import fs from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import { drive, kedgeBinary, sleep, until } from './harness.mjs';
import { agentSafe, changeWallet, claim, ethers, fund, keyText, registerBy, registry, sign, uidOf } from './agents.mjs';
import { LogReader } from './reader.mjs';
import { Logged, reputation } from './logged.mjs';
import { Judge } from './judge.mjs';
import { Provider } from './provider.mjs';
import { Chain, REGISTRY, REPUTATION } from '../chain/lib.mjs';

const kedge = kedgeBinary();
const SLOTS = 6; // `safe` is 6 blocks behind the newest, `finalized` 12
const QUIET_MS = 2500; // more than two rounds of the notary, which looks every second
const coder = ethers.AbiCoder.defaultAbiCoder();

class Walk {
  constructor(stack) {
    this.stack = stack;
    this.chain = stack.chain;
  }

  mine(n = 1) {
    return this.chain.rpc('anvil_mine', '0x' + n.toString(16));
  }

  // What the steps send, in one block and in their order.
  async block(...steps) {
    const { chain } = this;
    const under = [];
    for (const step of steps) {
      under.push(step());
      await until('it is in the pool', async () => Number((await chain.rpc('txpool_status')).pending) === under.length, 10000, 5);
    }
    await this.mine();
    const got = await Promise.all(under);
    for (const receipt of got) assert.ok(receipt?.status === undefined || receipt.status === '0x1', 'mined well');
    return got;
  }

  send(by, to, face, name, ...args) {
    return () => this.chain.sendSigned(by, to, face.encodeFunctionData(name, args));
  }

  on(by, name, ...args) {
    return this.send(by, REGISTRY, registry.face, name, ...args);
  }

  // texts: bytes are taken as they are
  feedback(by, id, value, decimals, texts = ['', '', '', ''], of = ethers.ZeroHash) {
    const raw = texts.map((text) => (typeof text === 'string' ? Buffer.from(text) : text));
    const data = ethers.concat([reputation.getFunction('giveFeedback').selector,
      coder.encode(['uint256', 'int128', 'uint8', 'bytes', 'bytes', 'bytes', 'bytes', 'bytes32'], [id, value, decimals, ...raw, of])]);
    return () => this.chain.sendSigned(by, REPUTATION, data);
  }

  about(by, name, ...args) {
    return this.send(by, REPUTATION, reputation, name, ...args);
  }

  async attest(wallet, issuer, subject) {
    const { stack } = this;
    const item = sign(stack, wallet, { attestation: claim(issuer, subject) });
    const answer = await until('an attestation is taken', async () => {
      const got = await stack.post('/v1/attestations', item);
      assert.ok([200, 201, 503].includes(got.status), `${got.status} ${got.body}`);
      return got.status !== 503 && got;
    });
    const { entry } = (await stack.http(`/v1/attestations/${uidOf(item)}`)).json();
    return { uid: uidOf(item), seq: answer.json().seq, block: entry.auth.block, hash: entry.auth.hash };
  }

  // The last blocks become others, as many as they were; the first of them holds a transaction, so that none has its hash.
  async reorganise(depth) {
    const [, from, to] = await this.chain.rpc('eth_accounts');
    await this.chain.rpc('anvil_dropAllTransactions');
    const before = await this.chain.rpc('eth_getBlockByNumber', 'latest', false);
    await this.chain.rpc('anvil_reorg', depth, [[{ from, to, value: '0x1' }, 0]]);
    const after = await this.chain.rpc('eth_getBlockByNumber', before.number, false);
    assert.ok(after && after.hash !== before.hash, 'reorganised');
  }

  async finalized() {
    return Number((await this.chain.rpc('eth_getBlockByNumber', 'finalized', false)).number);
  }
}

const alarm = (stack) => new Promise((resolve, reject) => {
  http.get({ host: '127.0.0.1', port: stack.metricsPort, path: '/metrics' }, (answer) => {
    const parts = [];
    answer.on('data', (part) => parts.push(part));
    answer.on('end', () => resolve(/^kedge_index_alarm\S* 1$/m.test(Buffer.concat(parts).toString())));
  }).on('error', reject);
});

async function steps(stack) {
  const walk = new Walk(stack);
  const judge = new Judge(stack);
  const logged = new Logged(stack, stack.record.rpc, new LogReader((await stack.http('/log/vkey')).body.toString()));
  const [alice, bob, carol, dora, erin, fresh, other] = Array.from({ length: 7 }, () => ethers.Wallet.createRandom());
  await fund(stack, ...[alice, bob, carol, dora, erin].map(({ address }) => address));
  await stack.chain.rpc('evm_setAutomine', false);
  const current = async () => {
    await judge.caughtUp();
    return walk.finalized();
  };
  const mark = (said) => process.env.VERBOSE && console.log(`${((Date.now() - began) / 1000).toFixed(1)} s: ${said}`);
  const began = Date.now();

  // Alice 0, Bob 1, Carol 2, Dora 3; feedback before anybody attests, the setting being off.
  await walk.block(() => registerBy(stack, alice, 'https://alice.example/a.json'));
  await walk.block(() => registerBy(stack, bob, ''));
  await walk.block(() => registerBy(stack, carol, 'https://carol.example/'), () => registerBy(stack, dora, 'https://dora.example/'));
  await walk.block(walk.feedback(erin, 0, 87n, 0, ['quality', 'a2a', 'https://e.example', 'ipfs://f'], ethers.id('f')), walk.feedback(alice, 2, -32n, 1));
  await walk.mine(2 * SLOTS + 1);
  for (const id of [0, 1, 2, 3]) await agentSafe(stack, id);
  mark('registered');

  // ---- what is in force when the log comes to know an agent ----

  const first = await walk.attest(alice, 0, 1);
  const met = await current();
  const since = new Map([[0, met], [1, met]]);
  const known = { since: (id) => since.get(id), feedback: false };
  await logged.complete(met, known);
  assert.deepEqual(await logged.counts().then(({ identity, feedback, void: none }) => [identity, feedback, none]), [2, 0, 0]);
  mark('known');

  // ---- one entry a change, at finality ----

  await walk.block(() => changeWallet(stack, alice, 0, fresh).then(() => undefined));
  await walk.block(walk.on(alice, 'setAgentURI', 0, 'https://alice.example/b.json'), walk.on(bob, 'setAgentURI', 1, 'x'.repeat(300)),
    walk.on(bob, 'transferFrom', bob.address, erin.address, 1), walk.on(carol, 'setAgentURI', 2, 'https://carol.example/2'));
  await walk.block(walk.on(alice, 'setAgentURI', 0, 'https://alice.example/b.json'), walk.on(alice, 'setMetadata', 0, 'note', '0x00'));
  await walk.block(walk.on(alice, 'unsetAgentWallet', 0), walk.on(dora, 'transferFrom', dora.address, carol.address, 3));
  await walk.block(() => changeWallet(stack, alice, 0, other).then(() => undefined), walk.on(alice, 'setAgentURI', 0, ''));
  await judge.caughtUp();
  const changed = (id) => stack.sql(`SELECT count(*) FROM agent_state s JOIN agent_proof USING (registry, agent_id, number)
    WHERE agent_id = decode('${BigInt(id).toString(16).padStart(64, '0')}', 'hex') AND s.number > ${met}`).then(([[n]]) => Number(n));
  await until('the index has proofs of all changes', async () => (await changed(0)) === 4 && (await changed(1)) === 1);
  await sleep(QUIET_MS);
  assert.equal((await logged.counts()).identity, 2, 'nothing is logged before it is final');
  await walk.mine(2 * SLOTS);
  const then = await current();
  await logged.complete(then, known);
  assert.equal((await logged.counts()).identity, 7);
  await logged.judge(then, { ...known, proofs: ({ block }) => block.number > met });
  assert.equal((await logged.counts()).feedback, 0, 'setting reputation is empty');
  mark('changes');

  // ---- feedback: what was said before the setting was on, too ----

  await stack.quit();
  await stack.serve({ KEDGE_REPUTATION: stack.record.reputation });
  known.feedback = true;
  await logged.complete(await current(), known);
  assert.equal((await logged.counts()).feedback, 1);
  await walk.block(walk.feedback(dora, 0, -(10n ** 38n), 18, [Buffer.from('ff00', 'hex'), 'a\0b', '"\\\n', 'é€😀']),
    walk.feedback(dora, 2, 1n, 0), walk.feedback(erin, 0, 0n, 2, ['quality', '', '', '']), walk.feedback(dora, 1, 5n, 0));
  await walk.block(walk.about(erin, 'revokeFeedback', 0, 1), walk.about(alice, 'appendResponse', 0, dora.address, 1, 'https://alice.example/r', ethers.id('r')),
    walk.about(carol, 'appendResponse', 0, dora.address, 1, 'ipfs://spam', ethers.ZeroHash));
  await walk.mine(2 * SLOTS);
  await logged.complete(await current(), known);
  assert.equal((await logged.counts()).feedback, 7);
  mark('feedback');

  // an agent that the log meets later brings its feedback with it, and of its states the one in force
  await walk.attest(alice, 0, 2);
  since.set(2, await current());
  await logged.complete(since.get(2), known);
  assert.equal((await logged.counts()).identity, 8);
  assert.equal((await logged.counts()).feedback, 9);

  // ---- a block that an attestation rests on goes away ----

  const stays = await walk.attest(alice, 0, 1);
  await walk.mine(2);
  await judge.caughtUp();
  await walk.block(walk.on(carol, 'setAgentURI', 2, 'https://never.example/'));
  await judge.caughtUp();
  const goes = await until('an attestation admitted at a later block', async () => {
    const made = await walk.attest(alice, 0, 2);
    return made.block > stays.block && made;
  });
  const latest = await walk.chain.number();
  assert.equal(goes.block, latest - SLOTS);
  assert.ok((await walk.finalized()) < stays.block);
  const receipt = path.join(stack.state, 'goes.json');
  const policy = path.join(stack.state, 'policy.json');
  fs.writeFileSync(policy, (await stack.cli(['policy', '--chain', stack.chainFile])).stdout);
  const verify = async () => {
    fs.writeFileSync(receipt, (await stack.http(`/v1/attestations/${goes.uid}/receipt?level=published`)).body);
    await stack.cli(['verify', receipt, '--policy', policy, '--level', 'published']);
  };
  await until('it is published', async () => (await stack.http(`/v1/attestations/${goes.uid}/receipt?level=published`)).status === 200);
  await verify();
  await walk.reorganise(SLOTS + 1);
  await walk.mine(SLOTS);
  assert.equal((await stack.http(`/v1/attestations/${goes.uid}`)).json().void, null, 'not before it is final');
  await walk.mine(SLOTS + 1);
  const after = await current();
  await logged.complete(after, known);
  await logged.judge(after, known);
  assert.equal((await logged.counts()).void, 1);
  const said = (await stack.http(`/v1/attestations/${goes.uid}`)).json();
  assert.equal(Number(said.void.block.number), goes.block);
  assert.notEqual(said.void.block.hash, goes.hash);
  await verify();
  for (const { uid } of [first, stays]) assert.equal((await stack.http(`/v1/attestations/${uid}`)).json().void, null);
  mark('void');

  // ---- a chain that breaks its word: nothing is logged until there is an index of the new one ----

  const lost = await walk.attest(alice, 0, 1);
  await walk.block(walk.on(erin, 'setAgentURI', 1, 'https://lost.example/'));
  await walk.mine(2 * SLOTS + 1);
  await logged.complete(await current(), known);
  const before = await logged.counts();
  assert.equal(before.identity, 9);
  const former = new Set((await logged.entries()).map(({ uid }) => uid));
  await walk.reorganise((await walk.chain.number()) - lost.block + 1);
  await until('the alarm', () => alarm(stack));
  await walk.mine(2 * SLOTS);
  await sleep(QUIET_MS);
  assert.deepEqual(await logged.counts().then(({ identity, feedback, void: gone }) => [identity, feedback, gone]),
    [before.identity, before.feedback, before.void], 'nothing is logged while the alarm lasts');
  assert.ok(await alarm(stack), 'the alarm lasts');
  assert.equal((await stack.http(`/v1/attestations/${lost.uid}`)).json().void, null);
  mark('alarm');
  await stack.quit();
  await stack.cli(['db', 'reindex', '--yes']);
  await stack.serve({ KEDGE_REPUTATION: stack.record.reputation });
  const end = await current();
  for (const id of [0, 1, 2]) since.set(id, end);
  await logged.complete(end, known);
  await logged.judge(end, { ...known, former });
  assert.ok((await stack.http(`/v1/attestations/${lost.uid}`)).json().void, 'void in the new chain');
  assert.equal(await alarm(stack), false);
  mark('reindexed');
  const { identity, feedback, void: gone, proofs, attestations } = logged.compared;
  const total = await logged.counts();
  return `${total.identity} identity, ${total.feedback} feedback and ${total.void} void entries; ${identity + feedback + gone} lines, ${proofs} proofs and ` +
    `${attestations} attestations compared`;
}

let node = null; // reading and mining take turns: see provider.mjs
drive({
  kedge, slots: SLOTS,
  settings: async (stack) => {
    node = await new Provider(stack.record.rpc).start();
    await stack.keep(false);
    stack.chain = new Chain(node.url);
    return { rpc_url: node.url, anchor_contract: '', reputation: '' };
  },
}, async (stack) => {
  const figures = await steps(stack);
  await stack.quit();
  await node.stop();
  return figures;
});
