// The registry double behaves as the deployed Identity Registry was seen to: order of events, refusals, storage slots, wallet
// signatures. Expectations are the observed ones, not what the double happens to do.
import test, { after } from 'node:test';
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { ethers, artefact, root as project, REGISTRY, IMPLEMENTATION_SLOT } from '../chain/lib.mjs';
import { startAnvil } from '../chain/anvil.mjs';
import { deploy } from '../chain/deploy.mjs';

const anvil = await startAnvil(0);
after(() => anvil.stop());
const { chain } = anvil;
const signer = ethers.Wallet.createRandom();
const guardian = ethers.Wallet.createRandom();
const record = await deploy(anvil.url,
  { origin: 'localhost:8004/log', signer: signer.address, guardian: guardian.address, fund: [signer.address] });
const { face, abi } = artefact('tests/contracts/IdentityRegistryDouble.json');
const [O, B, C, R, V] = (await chain.rpc('eth_accounts')).map((a) => ethers.getAddress(a));

const recorded = path.join(project, '../shared/vectors/erc8004-rpc');
const skip = fs.existsSync(recorded) ? false : 'skipped: no third-party vectors';
const read = (name) => JSON.parse(fs.readFileSync(path.join(recorded, name), 'utf8'));

const encode = (name, args) => face.encodeFunctionData(name, args);
const call = (from, name, ...args) => chain.must(from, REGISTRY, encode(name, args));
const view = (name, ...args) => chain.view(REGISTRY, face, name, args);
const refusal = (from, name, ...args) => chain.refusal(from, REGISTRY, face, name, args);
const slot = (s) => chain.rpc('eth_getStorageAt', REGISTRY, s, 'latest');

// "Name:arg,arg": an indexed text shows as its hash.
function events(receipt) {
  return receipt.logs.map((log) => {
    assert.equal(ethers.getAddress(log.address), REGISTRY);
    const { name, args } = face.parseLog(log);
    return `${name}:${args.toArray().map((a) => (a?.hash ?? a).toString()).join(',')}`;
  });
}
const newId = (receipt) => face.parseLog(receipt.logs[0]).args[2];
const WALLET = ethers.id('agentWallet');
const wallet = (id, address) => `MetadataSet:${id},${WALLET},agentWallet,${address === '' ? '0x' : address.toLowerCase()}`;

const bytes32 = (n) => ethers.zeroPadValue(ethers.toBeHex(n), 32);
const plus = (base, n) => bytes32(BigInt(base) + BigInt(n));
const H = (key, base) => ethers.keccak256(ethers.concat([ethers.zeroPadValue(ethers.toBeHex(key), 32), base]));
const HS = (text, base) => ethers.keccak256(ethers.concat([ethers.toUtf8Bytes(text), base]));
const erc7201 = (name) =>
  bytes32(BigInt(ethers.keccak256(bytes32(BigInt(ethers.id(name)) - 1n))) & ~0xffn);
const I = '0xa040f782729de4970518741823ec1276cbcd41a0c7493f62d173341566a04e00';
const E = '0x80bb2b638cc20bc4d0a60d66940f3ab4a00c1d7b313497ca82fb0b4ab0079300';
const U = '0x0542a41881ee128a365a727b282c86fa859579490b9bb45aab8503648c8e7900';
const metadataSlot = (id, key) => HS(key, H(id, plus(I, 1)));

const TYPES = {
  AgentWalletSet: [
    { name: 'agentId', type: 'uint256' }, { name: 'newWallet', type: 'address' },
    { name: 'owner', type: 'address' }, { name: 'deadline', type: 'uint256' },
  ],
};
const domain = { name: 'ERC8004IdentityRegistry', version: '1', chainId: 31337, verifyingContract: REGISTRY };
const agree = (key, agentId, newWallet, owner, deadline) => key.signTypedData(domain, TYPES, { agentId, newWallet, owner, deadline });

test('same ABI as recorded from the official sources, here and in contracts-abi', { skip }, () => {
  const plain = (list) => list.map((x) => JSON.stringify(x, (k, v) => (k === 'internalType' ? undefined
    : v && v.constructor === Object ? Object.fromEntries(Object.entries(v).sort()) : v))).sort();
  const official = plain(read('abi-IdentityRegistry.compiled.json'));
  assert.deepEqual(plain(abi), official);
  assert.deepEqual(plain(artefact('contracts-abi/IdentityRegistry.json').abi), official);
  console.log(`# ABI items compared: ${official.length}`);
});

test('selectors and topics of every function, event and error', { skip }, () => {
  const list = JSON.stringify(read('interface-selectors.json')).toLowerCase();
  let seen = 0;
  face.forEachFunction((f) => { assert.ok(list.includes(f.selector), f.format()); seen++; });
  face.forEachEvent((e) => { assert.ok(list.includes(e.topicHash), e.format()); seen++; });
  face.forEachError((e) => { assert.ok(list.includes(e.selector), e.format()); seen++; });
  console.log(`# selectors and topics found in the recorded list: ${seen}`);
});

test('a placed proxy: implementation slot, version 2, names, one initialisation, upgrades by the owner only', async () => {
  const implementation = ethers.dataSlice(await slot(IMPLEMENTATION_SLOT), 12);
  assert.equal(await slot('0xf0c57e16840df040f15088dc2f81fe391c3923bec73e23a9662efc9c229c6a00'), bytes32(2));
  assert.equal(ethers.dataSlice(await slot('0x9016d09d72d40fdae2fd8ceac6b6234c7706214fd39c1cd1e609a0528c199300'), 12), O.toLowerCase());
  assert.deepEqual([await view('name'), await view('symbol'), await view('getVersion'), await view('UPGRADE_INTERFACE_VERSION')],
    ['AgentIdentity', 'AGENT', '2.0.0', '5.0.0']);
  const about = await view('eip712Domain');
  assert.deepEqual([about.fields, about.name, about[2], about.chainId, about.verifyingContract],
    ['0x0f', 'ERC8004IdentityRegistry', '1', 31337n, REGISTRY]);
  for (const [id, want] of [['01ffc9a7', true], ['80ac58cd', true], ['5b5e139f', true], ['49064906', true], ['780e9d63', false], ['ffffffff', false]])
    assert.equal(await view('supportsInterface', '0x' + id), want, id);
  assert.equal(await refusal(O, 'initialize'), 'InvalidInitialization');
  assert.equal(await refusal(B, 'upgradeToAndCall', implementation, '0x'), 'OwnableUnauthorizedAccount');
  assert.equal(await refusal(O, 'upgradeToAndCall', record.anchor, '0x'), 'ERC1967InvalidImplementation');
  assert.equal(await chain.refusal(O, implementation, face, 'initialize', []), 'InvalidInitialization');
  assert.equal(await chain.refusal(O, implementation, face, 'upgradeToAndCall', [implementation, '0x']), 'UUPSUnauthorizedCallContext');
  assert.deepEqual(events(await call(O, 'upgradeToAndCall', implementation, '0x')), [`Upgraded:${ethers.getAddress(implementation)}`]);
});

test('before any registration: ownership questions are refused, the wallet is zero', async () => {
  for (const name of ['ownerOf', 'tokenURI', 'getApproved']) assert.equal(await refusal(O, name, 0), 'ERC721NonexistentToken', name);
  assert.equal(await refusal(O, 'isAuthorizedOrOwner', O, 0), 'ERC721NonexistentToken');
  assert.equal(await view('getAgentWallet', 0), ethers.ZeroAddress);
  assert.equal(await view('getMetadata', 0, 'agentWallet'), '0x');
  assert.equal(BigInt(await slot(I)), 0n);
  for (const gone of ['agentExists(uint256)', 'agentURI(uint256)', 'totalSupply()', 'tokenByIndex(uint256)'])
    await assert.rejects(chain.rpc('eth_call', { to: REGISTRY, data: ethers.concat([ethers.id(gone).slice(0, 10), bytes32(0)]) }),
      (e) => e.code === 3 && (e.data ?? '0x') === '0x', gone);
});

test('three ways to register: ids from 0, events in the official order', async () => {
  const minted = (to, id) => `Transfer:${ethers.ZeroAddress},${to},${id}`;
  assert.deepEqual(events(await call(O, 'register()')), [minted(O, 0), `Registered:0,,${O}`, wallet(0, O)]);
  assert.deepEqual(events(await call(O, 'register(string)', 'https://a.example/1.json')),
    [minted(O, 1), 'MetadataUpdate:1', `Registered:1,https://a.example/1.json,${O}`, wallet(1, O)]);
  const metadata = [['agentName', '0x6167656e742074776f'], ['did', '0x6469643a7765623a74776f2e6578616d706c65']];
  assert.deepEqual(events(await call(B, 'register(string,(string,bytes)[])', 'ipfs://bafybei', metadata)), [
    minted(B, 2), 'MetadataUpdate:2', `Registered:2,ipfs://bafybei,${B}`, wallet(2, B),
    `MetadataSet:2,${ethers.id('agentName')},agentName,${metadata[0][1]}`, `MetadataSet:2,${ethers.id('did')},did,${metadata[1][1]}`,
  ]);
  assert.deepEqual(events(await call(B, 'register(string,(string,bytes)[])', '', [])),
    [minted(B, 3), 'MetadataUpdate:3', `Registered:3,,${B}`, wallet(3, B)]);
  assert.equal(await refusal(B, 'register(string,(string,bytes)[])', '', [['agentWallet', '0x01']]), 'reserved key');
  assert.equal(await view('getAgentWallet', 2), B);
});

test('storage lies where the official contract keeps it', async () => {
  for (const [name, want] of [['erc8004.identity.registry', I], ['openzeppelin.storage.ERC721', E], ['openzeppelin.storage.ERC721URIStorage', U]])
    assert.equal(erc7201(name), want, name);
  const right = (text) => ethers.concat([ethers.zeroPadBytes(ethers.toUtf8Bytes(text), 31), ethers.toBeHex(text.length * 2, 1)]);
  const address = (a) => ethers.zeroPadValue(a, 32).toLowerCase();
  assert.equal(BigInt(await slot(I)), 4n);
  assert.equal(await slot(E), right('AgentIdentity'));
  assert.equal(await slot(plus(E, 1)), right('AGENT'));
  assert.equal(await slot(H(2, plus(E, 2))), address(B));
  assert.equal(BigInt(await slot(H(B, plus(E, 3)))), 2n);
  assert.equal(await slot(H(1, U)), right('https://a.example/1.json'));
  assert.equal(await slot(metadataSlot(2, 'agentWallet')), (B + '00'.repeat(11) + '28').toLowerCase());
  assert.equal(await slot(metadataSlot(2, 'did')), right('did:web:two.example'));
  await call(B, 'approve', R, 2);
  assert.equal(await slot(H(2, plus(E, 4))), address(R));
  await call(B, 'setApprovalForAll', V, true);
  assert.equal(BigInt(await slot(H(V, H(B, plus(E, 5))))), 1n);
  const long = 'data:application/json;base64,' + 'A'.repeat(768);
  await call(O, 'setAgentURI', 1, long);
  assert.equal(BigInt(await slot(H(1, U))), BigInt(long.length * 2 + 1));
  const start = ethers.keccak256(H(1, U));
  let stored = '0x';
  for (let i = 0; i * 32 < long.length; i++) stored = ethers.concat([stored, await slot(plus(start, i))]);
  assert.equal(ethers.toUtf8String(ethers.dataSlice(stored, 0, long.length)), long);
});

test('the recorded slot numbers of agents 0, 1 and 2', { skip }, () => {
  const { slots } = read('00-vectors.json');
  for (const id of [0, 1, 2]) {
    const want = slots[`agent${id}`];
    assert.deepEqual([H(id, plus(E, 2)), H(id, plus(E, 4)), H(id, U), metadataSlot(id, 'agentWallet'), metadataSlot(id, 'did')],
      [want.owner, want.tokenApproval, want.uri, want.wallet, want.metaDid]);
  }
});

test('a proof of a cleared wallet is a proof of exclusion, of a set one holds its 20 bytes', async () => {
  await call(O, 'unsetAgentWallet', 0);
  const proof = await chain.rpc('eth_getProof', REGISTRY, [metadataSlot(0, 'agentWallet'), metadataSlot(2, 'agentWallet')], 'latest');
  assert.deepEqual(proof.storageProof.map((p) => BigInt(p.value)), [0n, BigInt((B + '00'.repeat(11) + '28').toLowerCase())]);
});

test('wallet: set by its own signature, rotated, replayed while the deadline lives, unset', async () => {
  const [w1, w2] = [ethers.Wallet.createRandom(), ethers.Wallet.createRandom()];
  const id = newId(await call(O, 'register()'));
  const deadline = (await chain.time()) + 200;
  const sig1 = await agree(w1, id, w1.address, O, deadline);
  assert.deepEqual(events(await call(O, 'setAgentWallet', id, w1.address, deadline, sig1)), [wallet(id, w1.address)]);
  await call(O, 'setAgentWallet', id, w2.address, deadline, await agree(w2, id, w2.address, O, deadline));
  assert.equal(await view('getAgentWallet', id), w2.address);
  assert.deepEqual(events(await call(O, 'unsetAgentWallet', id)), [wallet(id, '')]);
  assert.equal(await view('getAgentWallet', id), ethers.ZeroAddress);
  assert.equal(await slot(metadataSlot(id, 'agentWallet')), ethers.ZeroHash);
  await call(O, 'setAgentWallet', id, w1.address, deadline, sig1);
  assert.equal(await view('getAgentWallet', id), w1.address);
});

test('wallet: refusals, each with its word', async () => {
  const w = ethers.Wallet.createRandom();
  const id = newId(await call(O, 'register()'));
  const now = await chain.time();
  const deadline = now + 200;
  const good = await agree(w, id, w.address, O, deadline);
  const order = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n;
  const parts = ethers.Signature.from(good);
  const twin = ethers.concat([parts.r, ethers.toBeHex(order - BigInt(parts.s), 32), parts.v === 27 ? '0x1c' : '0x1b']);
  const put = (from, ...rest) => refusal(from, 'setAgentWallet', id, ...rest);
  assert.equal(await put(C, w.address, deadline, good), 'Not authorized');
  assert.equal(await put(O, ethers.ZeroAddress, deadline, good), 'bad wallet');
  assert.equal(await put(O, w.address, now - 1, await agree(w, id, w.address, O, now - 1)), 'expired');
  assert.equal(await put(O, w.address, now + 9999, await agree(w, id, w.address, O, now + 9999)), 'deadline too far');
  const bad = {
    'by another key': await agree(ethers.Wallet.createRandom(), id, w.address, O, deadline),
    'for another agent': await agree(w, id + 1n, w.address, O, deadline),
    'for another owner': await agree(w, id, w.address, B, deadline),
    'with another deadline': await agree(w, id, w.address, O, deadline + 1),
    'high s': twin, 'empty': '0x', 'too short': ethers.dataSlice(good, 0, 64),
  };
  for (const [name, signature] of Object.entries(bad)) assert.equal(await put(O, w.address, deadline, signature), 'invalid wallet sig', name);
  assert.equal(await put(O, w.address, deadline, good), null);
  assert.equal(await refusal(O, 'setAgentWallet', 99999, w.address, deadline, good), 'ERC721NonexistentToken');
});

test('wallet: a contract that says yes by EIP-1271, and one whose key did not sign', async () => {
  const key = ethers.Wallet.createRandom();
  const { address } = await chain.deploy(O, artefact('tests/contracts/KeyWallet.json'), [key.address]);
  const id = newId(await call(O, 'register()'));
  const deadline = (await chain.time()) + 200;
  const stranger = await agree(ethers.Wallet.createRandom(), id, address, O, deadline);
  assert.equal(await refusal(O, 'setAgentWallet', id, address, deadline, stranger), 'invalid wallet sig');
  await call(O, 'setAgentWallet', id, address, deadline, await agree(key, id, address, O, deadline));
  assert.equal(await view('getAgentWallet', id), address);
});

test('every transfer clears the wallet, to oneself too, and says so before the Transfer', async () => {
  const id = newId(await call(O, 'register(string)', 'https://a.example/x'));
  const w = ethers.Wallet.createRandom();
  await call(O, 'setMetadata', id, 'did', '0x01');
  await call(O, 'approve', R, id);
  assert.deepEqual(events(await call(O, 'transferFrom', O, C, id)), [wallet(id, ''), `Transfer:${O},${C},${id}`]);
  assert.equal(await view('getAgentWallet', id), ethers.ZeroAddress);
  assert.equal(await view('getApproved', id), ethers.ZeroAddress);
  // What the seller said stays.
  assert.deepEqual([await view('tokenURI', id), await view('getMetadata', id, 'did')], ['https://a.example/x', '0x01']);
  const deadline = (await chain.time()) + 200;
  assert.equal(await refusal(C, 'setAgentWallet', id, w.address, deadline, await agree(w, id, w.address, O, deadline)), 'invalid wallet sig');
  await call(C, 'setAgentWallet', id, w.address, deadline, await agree(w, id, w.address, C, deadline));
  assert.deepEqual(events(await call(C, 'safeTransferFrom(address,address,uint256)', C, C, id)), [wallet(id, ''), `Transfer:${C},${C},${id}`]);
  assert.equal(await view('getAgentWallet', id), ethers.ZeroAddress);
});

test('operators act, strangers do not, the reserved key is nobody\'s', async () => {
  const id = newId(await call(B, 'register()'));
  await call(B, 'approve', R, id);
  for (const who of [B, R, V]) {
    assert.equal(await view('isAuthorizedOrOwner', who, id), true);
    assert.deepEqual(events(await call(who, 'setAgentURI', id, 'u')), [`MetadataUpdate:${id}`, `URIUpdated:${id},u,${who}`]);
    assert.deepEqual(events(await call(who, 'setMetadata', id, 'k', '0x02')), [`MetadataSet:${id},${ethers.id('k')},k,0x02`]);
    assert.equal(await refusal(who, 'setMetadata', id, 'agentWallet', '0x'), 'reserved key');
  }
  assert.equal(await view('isAuthorizedOrOwner', C, id), false);
  for (const [name, ...args] of [['setMetadata', id, 'k', '0x'], ['setAgentURI', id, ''], ['unsetAgentWallet', id]])
    assert.equal(await refusal(C, name, ...args), 'Not authorized', name);
  for (const [name, ...args] of [['setMetadata', 99999, 'k', '0x'], ['setAgentURI', 99999, ''], ['unsetAgentWallet', 99999]])
    assert.equal(await refusal(C, name, ...args), 'ERC721NonexistentToken', name);
  assert.equal(await refusal(C, 'transferFrom', B, C, id), 'ERC721InsufficientApproval');
  assert.equal(await refusal(B, 'transferFrom', C, C, id), 'ERC721IncorrectOwner');
  assert.equal(await refusal(B, 'transferFrom', B, ethers.ZeroAddress, id), 'ERC721InvalidReceiver');
  assert.equal(await refusal(B, 'balanceOf', ethers.ZeroAddress), 'ERC721InvalidOwner');
});

test('a receiver that passes the token on: the events end in a wallet that storage does not have', async () => {
  const heir = ethers.Wallet.createRandom().address;
  const receiver = artefact('tests/contracts/PassingReceiver.json');
  const { address } = await chain.deploy(O, receiver, [heir]);
  const got = await chain.must(O, address, receiver.face.encodeFunctionData('register', [REGISTRY]));
  const id = newId(got);
  assert.deepEqual(events(got), [
    `Transfer:${ethers.ZeroAddress},${address},${id}`, wallet(id, ''), `Transfer:${address},${heir},${id}`,
    `Registered:${id},,${address}`, wallet(id, address),
  ]);
  assert.equal(await view('ownerOf', id), heir);
  assert.equal(await view('getAgentWallet', id), ethers.ZeroAddress);
  const refusing = artefact('tests/contracts/RefusingReceiver.json');
  const other = await chain.deploy(O, refusing);
  assert.equal(await chain.refusal(O, other.address, new ethers.Interface([...refusing.abi, ...abi.filter((x) => x.type === 'error')]),
    'register', [REGISTRY]), 'ERC721InvalidReceiver');
});

test('safe is two blocks behind, finalized four; a fresh rotation is not safe yet', async () => {
  const w = ethers.Wallet.createRandom();
  const got = await call(O, 'register()');
  const id = newId(got);
  await chain.rpc('anvil_mine', '0x5');
  const deadline = (await chain.time()) + 200;
  await call(O, 'setAgentWallet', id, w.address, deadline, await agree(w, id, w.address, O, deadline));
  const at = (tag) => chain.view(REGISTRY, face, 'getAgentWallet', [id], tag);
  assert.deepEqual([await at('latest'), await at('safe')], [w.address, O]);
  const numbers = await Promise.all(['latest', 'safe', 'finalized'].map(async (t) => Number((await chain.rpc('eth_getBlockByNumber', t, false)).number)));
  assert.deepEqual([numbers[0] - numbers[1], numbers[0] - numbers[2]], [2, 4]);
  await chain.rpc('anvil_mine', '0x2');
  assert.equal(await at('safe'), w.address);
});

test('the deployment record names what is there', async () => {
  assert.deepEqual(Object.keys(record), ['v', 'chainId', 'rpc', 'registry', 'registryCode', 'registry2', 'reputation',
    'multicall', 'anchor', 'anchorCodeHash', 'anchorBlock', 'signer', 'guardian']);
  for (const registry of [record.registry, record.registry2]) {
    const implementation = ethers.dataSlice(await chain.rpc('eth_getStorageAt', registry, IMPLEMENTATION_SLOT, 'finalized'), 12);
    assert.equal(ethers.keccak256(await chain.rpc('eth_getCode', implementation, 'finalized')), record.registryCode);
  }
  const anchor = artefact('contracts-abi/KedgeAnchor.json').face;
  assert.equal(ethers.keccak256(await chain.rpc('eth_getCode', record.anchor, 'finalized')), record.anchorCodeHash);
  assert.equal(await chain.rpc('eth_getCode', record.anchor, '0x' + (record.anchorBlock - 1).toString(16)), '0x');
  assert.equal(await chain.view(record.anchor, anchor, 'originHash'), ethers.id('localhost:8004/log'));
  assert.deepEqual([record.signer, record.guardian], [signer.address.toLowerCase(), guardian.address.toLowerCase()]);
  assert.ok(BigInt(await chain.rpc('eth_getBalance', signer.address, 'finalized')) > 0n);
  assert.equal((await chain.view(record.anchor, anchor, 'signer')).toLowerCase(), record.signer);
  assert.equal((await chain.view(record.anchor, anchor, 'guardian')).toLowerCase(), record.guardian);
});

test('a second registry of the same chain has ids and a domain of its own', async () => {
  const there = (name, args = []) => chain.view(record.registry2, face, name, args);
  await chain.must(V, record.registry2, encode('register(string)', ['https://second.example/0.json']));
  assert.deepEqual([await there('ownerOf', [0]), await there('tokenURI', [0])], [V, 'https://second.example/0.json']);
  assert.notEqual(await view('ownerOf', 0), V);
  assert.equal((await there('eip712Domain')).verifyingContract.toLowerCase(), record.registry2);
});

// What a receipt does to the token while `register` goes on. The events end in what register announces; the storage does not.
const puppets = artefact('tests/contracts/Puppet.json');
const puppet = async () => (await chain.deploy(O, puppets)).address;
const run = (who, steps, onReceipt) => chain.must(O, who, puppets.face.encodeFunctionData('run', [steps, onReceipt]));
const step = (data, { idAt = 0, last = false, target = REGISTRY } = {}) => ({ target, data, idAt, last });
const of = async (id) => [await view('ownerOf', id), await view('getAgentWallet', id), await view('tokenURI', id)];
const nextId = async () => BigInt(await slot(I));

test('a receiver that sets another wallet and another URI while it is being minted to', async () => {
  const [me, other] = [await puppet(), await puppet()];
  const id = await nextId();
  const deadline = (await chain.time()) + 200;
  const steps = [step(encode('setAgentWallet', [0, other, deadline, '0x']), { idAt: 4 }), step(encode('setAgentURI', [0, 'inner']), { idAt: 4, last: true })];
  const got = events(await run(me, [step(encode('register()'))], steps));
  assert.deepEqual(got.slice(1), [wallet(id, other), `MetadataUpdate:${id}`, `URIUpdated:${id},inner,${me}`, `Registered:${id},,${me}`, wallet(id, me)]);
  assert.deepEqual(await of(id), [me, other, 'inner']);
  await run(me, [step(encode('register(string)', ['outer']))], [step(encode('setAgentURI', [0, 'inner']), { idAt: 4, last: true })]);
  assert.deepEqual(await of(id + 1n), [me, me, 'outer']);
});

test('a receiver that gives the token away and gets it back has no wallet, whatever the last event says', async () => {
  const [me, friend] = [await puppet(), await puppet()];
  const id = await nextId();
  const back = puppets.face.encodeFunctionData('act', [REGISTRY, encode('transferFrom', [friend, me, id])]);
  const got = events(await run(me, [step(encode('register()'))],
    [step(encode('transferFrom', [me, friend, 0]), { idAt: 68 }), step(back, { target: friend, last: true })]));
  assert.equal(got.at(-1), wallet(id, me));
  assert.deepEqual(await of(id), [me, ethers.ZeroAddress, '']);
});

test('a receiver that registers again while it is being minted to: two agents, the inner one announced first', async () => {
  const me = await puppet();
  const id = await nextId();
  const got = events(await run(me, [step(encode('register(string)', ['outer']))], [step(encode('register(string)', ['inner']), { last: true })]));
  assert.deepEqual(got.filter((e) => e.startsWith('Registered')), [`Registered:${id + 1n},inner,${me}`, `Registered:${id},outer,${me}`]);
  assert.deepEqual([await of(id), await of(id + 1n)], [[me, me, 'outer'], [me, me, 'inner']]);
});

test('several operations in one transaction, and a receiver that refuses undoes them', async () => {
  const me = await puppet();
  const id = await nextId();
  await run(me, [step(encode('register()')), step(encode('setAgentURI', [id, 'a'])), step(encode('transferFrom', [me, B, id]))], []);
  assert.deepEqual(await of(id), [B, ethers.ZeroAddress, 'a']);
  const refused = await chain.send(O, me, puppets.face.encodeFunctionData('run', [[step(encode('register()'))], [step(encode('setAgentURI', [id, 'x']), { last: true })]]));
  assert.equal(refused.status, '0x0');
  assert.equal(await nextId(), id + 1n);
});

test('an upgrade: Upgraded is said, another code hash behind the same proxy, the state stays', async () => {
  const next = artefact('tests/contracts/IdentityRegistryNext.json');
  const { address } = await chain.deploy(O, next);
  const before = await of(0);
  assert.deepEqual(events(await call(O, 'upgradeToAndCall', address, '0x')), [`Upgraded:${address}`]);
  assert.equal(ethers.dataSlice(await slot(IMPLEMENTATION_SLOT), 12), address.toLowerCase());
  assert.notEqual(ethers.keccak256(await chain.rpc('eth_getCode', address, 'latest')), record.registryCode);
  assert.equal(await chain.view(REGISTRY, next.face, 'next'), true);
  assert.deepEqual(await of(0), before);
});
