// The reputation double and what stands for Multicall3 behave as the deployed contracts were seen to. Expectations are the
// observed ones, not what the doubles happen to do.
import test, { after } from 'node:test';
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { ethers, artefact, root as project, REGISTRY, REPUTATION, MULTICALL } from '../chain/lib.mjs';
import { startAnvil } from '../chain/anvil.mjs';
import { deploy } from '../chain/deploy.mjs';

const anvil = await startAnvil(0);
after(() => anvil.stop());
const { chain } = anvil;
const someone = ethers.Wallet.createRandom().address;
await deploy(anvil.url, { origin: 'localhost:8004/log', signer: someone, guardian: someone });
const identity = artefact('tests/contracts/IdentityRegistryDouble.json').face;
const { face, abi } = artefact('tests/contracts/ReputationRegistryDouble.json');
const [O, B, C, R] = (await chain.rpc('eth_accounts')).map((a) => ethers.getAddress(a));

const recorded = path.join(project, '../shared/vectors/erc8004-rpc');
const skip = fs.existsSync(recorded) ? false : 'skipped: no third-party vectors';
const read = (name) => JSON.parse(fs.readFileSync(path.join(recorded, name), 'utf8'));

const encode = (name, args) => face.encodeFunctionData(name, args);
const call = (from, name, ...args) => chain.must(from, REPUTATION, encode(name, args));
const view = async (name, ...args) => {
  const got = await chain.view(REPUTATION, face, name, args);
  return got instanceof ethers.Result ? got.toArray(true) : got;
};
const NONE = ethers.ZeroHash;
const feedback = (value, decimals, tag1 = '', tag2 = '', endpoint = '', uri = '', hash = NONE) =>
  [0, value, decimals, tag1, tag2, endpoint, uri, hash];

await chain.must(O, REGISTRY, identity.encodeFunctionData('register()'));

test('same ABI as recorded from the official sources', { skip }, () => {
  const plain = (list) => list.map((x) => JSON.stringify(x, (k, v) => (k === 'internalType' ? undefined
    : v && v.constructor === Object ? Object.fromEntries(Object.entries(v).sort()) : v))).sort();
  const official = plain(read('abi-ReputationRegistry.compiled.json'));
  assert.deepEqual(plain(abi), official);
  assert.deepEqual(plain(artefact('contracts-abi/ReputationRegistry.json').abi), official);
});

test('the topics of its events are the observed ones', () => {
  assert.deepEqual(['NewFeedback', 'FeedbackRevoked', 'ResponseAppended'].map((name) => face.getEvent(name).topicHash), [
    '0x6a4a61743519c9d648a14e6493f47dbe3ff1aa29e7785c96c8326a205e58febc',
    '0x25156fd3288212246d8b008d5921fde376c71ed14ac2e072a506eb06fde6d09d',
    '0xb1c6be0b5b8aef6539e2fac0fd131a2faa7b49edf8e505b5eb0ad487d56051d4']);
});

test('feedback: index from 1 a client, the event holds what the storage does not', async () => {
  const got = await call(B, 'giveFeedback', ...feedback(9977, 2, 'quality', 'a2a', 'https://a.example', 'ipfs://f', ethers.id('f')));
  const { name, args } = face.parseLog(got.logs[0]);
  assert.deepEqual([name, args.agentId, args.clientAddress, args.feedbackIndex, args.value, args.valueDecimals, args.tag1, args.tag2,
    args.endpoint, args.feedbackURI, args.feedbackHash],
  ['NewFeedback', 0n, B, 1n, 9977n, 2n, 'quality', 'a2a', 'https://a.example', 'ipfs://f', ethers.id('f')]);
  assert.equal(got.logs[0].topics[3], ethers.id('quality'));
  await call(C, 'giveFeedback', ...feedback(-32, 1, 'quality'));
  await call(B, 'giveFeedback', ...feedback(-(10n ** 38n), 18));
  assert.deepEqual(await view('readFeedback', 0, B, 1), [9977n, 2n, 'quality', 'a2a', false]);
  assert.deepEqual([await view('getClients', 0), await view('getLastIndex', 0, B), await view('getLastIndex', 0, R)], [[B, C], 2n, 0n]);
});

test('summary: the mean of all units, toward zero, in the commonest decimals', async () => {
  assert.deepEqual(await view('getSummary', 0, [B, C], 'quality', ''), [2n, 482n, 1n]);
  assert.deepEqual(await view('getSummary', 0, [R], '', ''), [0n, 0n, 0n]);
});

test('revoked by its client only once; responses by anybody', async () => {
  const got = await call(B, 'revokeFeedback', 0, 2);
  assert.equal(face.parseLog(got.logs[0]).name, 'FeedbackRevoked');
  assert.equal(BigInt(got.logs[0].topics[3]), 2n);
  assert.equal((await view('readFeedback', 0, B, 2))[4], true);
  const said = await call(R, 'appendResponse', 0, B, 1, 'https://r.example', ethers.id('r'));
  assert.equal(face.parseLog(said.logs[0]).args.responder, R);
  assert.deepEqual([await view('getResponseCount', 0, B, 1, []), await view('getResponseCount', 0, ethers.ZeroAddress, 0, [R]),
    await view('getResponseCount', 0, B, 2, [])], [1n, 1n, 0n]);
  const all = async (revoked) => (await view('readAllFeedback', 0, [], '', '', revoked))[1];
  assert.deepEqual([await all(false), await all(true)], [[1n, 1n], [1n, 2n, 1n]]);
});

test('refusals in the official words', async () => {
  const refusal = (from, name, ...args) => chain.refusal(from, REPUTATION, face, name, args);
  for (const [want, from, name, ...args] of [
    ['too many decimals', B, 'giveFeedback', ...feedback(1, 19)],
    ['value too large', B, 'giveFeedback', ...feedback(10n ** 38n + 1n, 0)],
    ['value too large', B, 'giveFeedback', ...feedback(-(10n ** 38n) - 1n, 0)],
    ['Self-feedback not allowed', O, 'giveFeedback', ...feedback(1, 0)],
    ['index must be > 0', B, 'revokeFeedback', 0, 0],
    ['index out of bounds', B, 'revokeFeedback', 0, 3],
    ['index out of bounds', R, 'revokeFeedback', 0, 1],
    ['Already revoked', B, 'revokeFeedback', 0, 2],
    ['Empty URI', R, 'appendResponse', 0, B, 1, '', NONE],
    ['index out of bounds', R, 'appendResponse', 0, B, 9, 'x', NONE],
    ['clientAddresses required', R, 'getSummary', 0, [], '', ''],
    ['InvalidInitialization', O, 'initialize', REGISTRY],
    ['OwnableUnauthorizedAccount', B, 'upgradeToAndCall', REGISTRY, '0x'],
  ]) assert.equal(await refusal(from, name, ...args), want, `${name} ${args}`);
  // the identity registry's own error comes through
  const unknown = { from: B, to: REPUTATION, data: encode('giveFeedback', [7, 1, 0, '', '', '', '', NONE]) };
  await assert.rejects(chain.rpc('eth_call', unknown, 'latest'), (e) => e.code === 3 && e.data.startsWith('0x7e273289'));
});

test('storage lies where the official contract keeps it', async () => {
  const H = (key, base) => ethers.keccak256(ethers.concat([ethers.zeroPadValue(ethers.toBeHex(key), 32), base]));
  const at = (slot) => chain.rpc('eth_getStorageAt', REPUTATION, slot, 'latest');
  const root = '0xa03d7693f2b3746b2d03f163c788147b71aa82854399a21fdf4de143ba778300';
  const plus = (n) => ethers.toBeHex(BigInt(root) + BigInt(n), 32);
  assert.equal(ethers.dataSlice(await at(ethers.ZeroHash), 12), REGISTRY.toLowerCase());
  const word = BigInt(await at(H(2, H(B, H(0, root)))));
  assert.deepEqual([BigInt.asIntN(128, word), (word >> 128n) & 0xffn, (word >> 136n) & 0xffn], [-(10n ** 38n), 18n, 1n]);
  assert.equal(BigInt(await at(H(B, H(0, plus(1))))), 2n);
  assert.equal(BigInt(await at(H(0, plus(5)))), 2n);
});

test('Multicall3: one answer a call, failures allowed where said, a block hash of the past', async () => {
  const multi = artefact('tests/contracts/Multicall3Double.json').face;
  const ask = (name, ...args) => chain.view(MULTICALL, multi, name, args);
  const owner = (id) => identity.encodeFunctionData('ownerOf', [id]);
  const got = await ask('aggregate3', [[REGISTRY, true, owner(0)], [REGISTRY, true, owner(99)], [someone, true, owner(0)]]);
  assert.deepEqual(got.map(([ok, data]) => [ok, data.slice(0, 10)]), [[true, '0x00000000'], [false, '0x7e273289'], [true, '0x']]);
  assert.equal(ethers.getAddress(ethers.dataSlice(got[0][1], 12)), O);
  assert.equal(await chain.refusal(B, MULTICALL, multi, 'aggregate3', [[[REGISTRY, false, owner(99)]]]), 'Multicall3: call failed');
  assert.equal(await chain.refusal(B, MULTICALL, multi, 'aggregate', [[[REGISTRY, owner(99)]]]), 'Multicall3: call failed');
  const tip = await chain.rpc('eth_getBlockByNumber', 'latest', false);
  const [number, hash] = await ask('blockAndAggregate', [[REGISTRY, owner(0)]]);
  assert.equal(hash, ethers.ZeroHash);
  assert.ok(number >= BigInt(tip.number));
  const before = await chain.rpc('eth_getBlockByNumber', ethers.toQuantity(Number(tip.number) - 1), false);
  assert.equal(await ask('getBlockHash', Number(before.number)), before.hash);
  assert.equal(await ask('getChainId'), 31337n);
  for (const [name, selector] of [['aggregate3', '0x82ad56cb'], ['aggregate', '0x252dba42'], ['tryAggregate', '0xbce38bd7'],
    ['getBlockHash', '0xee82ac5e'], ['getEthBalance', '0x4d2301cc'], ['aggregate3Value', '0x174dea71'], ['tryBlockAndAggregate', '0x399542e9'],
    ['blockAndAggregate', '0xc3077fa9']]) assert.equal(multi.getFunction(name).selector, selector, name);
  // pinned to a block by its hash, as the gateway reads
  const pinned = await chain.rpc('eth_call', { to: MULTICALL, data: multi.encodeFunctionData('getBlockNumber') }, { blockHash: before.hash });
  assert.equal(BigInt(pinned), BigInt(before.number));
});
