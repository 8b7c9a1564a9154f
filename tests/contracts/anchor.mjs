// KedgeAnchor: what it accepts, what it refuses and with which word, and its two proof checkers against third-party vectors and
// against RFC 9162 written out in JavaScript.
import test, { after } from 'node:test';
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { ethers, artefact, root as project, RpcError } from '../chain/lib.mjs';
import { startAnvil } from '../chain/anvil.mjs';
import { EqualLeaves, Tree, leafHash, verifyConsistency, verifyInclusion } from '../vectors/merkle.mjs';
import { Anchor, hex, rootSlot } from './anchor-lib.mjs';

const anvil = await startAnvil(0);
after(() => anvil.stop());
const { chain } = anvil;
const art = artefact('contracts-abi/KedgeAnchor.json');
const signer = ethers.Wallet.createRandom();
const leaves = Array.from({ length: 300 }, (_, i) => leafHash(Buffer.from(`leaf ${i}`)));
const tree = new Tree(leaves);
const fresh = () => Anchor.create(chain, art, signer);
const head = async (anchor) => (await anchor.view('head')).toArray();
const vectorFolder = path.join(project, '../shared/vectors/tlog');

// An anchor of the first `size` leaves on top of `from`.
const grow = (anchor, from, size) => anchor.submit(size, tree.root(0, size), from ? tree.consistency(from, size) : []);
const onto = (from, size) => [size, tree.root(0, size), tree.consistency(from, size)];

test('deployment fixes origin, signer and guardian, and starts empty', async () => {
  const anchor = await fresh();
  assert.equal(await anchor.view('originHash'), anchor.originHash);
  assert.equal(await anchor.view('signer'), signer.address);
  assert.equal(await anchor.view('guardian'), anchor.guardian);
  assert.deepEqual(await head(anchor), [0n, ethers.ZeroHash]);
  const zero = art.bytecode + art.face.encodeDeploy([anchor.originHash, ethers.ZeroAddress, anchor.guardian]).slice(2);
  await assert.rejects(chain.rpc('eth_call', { from: anchor.from, data: zero }),
    (e) => e instanceof RpcError && art.face.parseError(e.data).name === 'BadSignature');
});

test('anchors follow each other, from any submitter, and every root stays', async () => {
  const anchor = await fresh();
  const sizes = [1, 2, 3, 7, 8, 64, 65, 255, 256, 257, 300];
  let from = 0;
  for (const [i, size] of sizes.entries()) {
    anchor.from = (await chain.rpc('eth_accounts'))[i % 3];
    const got = await grow(anchor, from, size);
    assert.equal(got.status, '0x1', `${from} -> ${size}`);
    assert.equal(got.logs.length, 1);
    const event = art.face.parseLog(got.logs[0]);
    assert.equal(event.name, 'Anchored');
    assert.deepEqual(event.args.toArray(), [BigInt(size), hex(tree.root(0, size))]);
    assert.equal(got.logs[0].topics[1], ethers.zeroPadValue(ethers.toBeHex(size), 32));
    assert.deepEqual(await head(anchor), [BigInt(size), hex(tree.root(0, size))]);
    from = size;
  }
  for (const size of sizes) {
    assert.equal(await anchor.view('roots', size), hex(tree.root(0, size)));
    assert.equal(await chain.rpc('eth_getStorageAt', anchor.address, rootSlot(size), 'latest'), hex(tree.root(0, size)));
  }
  assert.equal(await anchor.view('roots', 299), ethers.ZeroHash);
});

test('a repetition of a kept root is quiet, whoever sends it and whatever it carries', async () => {
  const anchor = await fresh();
  await grow(anchor, 0, 10);
  await grow(anchor, 10, 20);
  for (const size of [10, 20]) {
    const got = await anchor.submit(size, tree.root(0, size), [leaves[0]], '0x');
    assert.equal(got.status, '0x1');
    assert.equal(got.logs.length, 0);
  }
  assert.deepEqual(await head(anchor), [20n, hex(tree.root(0, 20))]);
});

test('stale: size zero, a size at or below the head with another root, a size between anchors', async () => {
  const anchor = await fresh();
  const nothing = tree.root(0, 0);
  assert.equal(await anchor.refusal(0, nothing, []), 'Stale');
  assert.equal(await anchor.refusal(0, Buffer.alloc(32), []), 'Stale');
  await grow(anchor, 0, 10);
  await grow(anchor, 10, 20);
  for (const size of [0, 1, 9, 10, 15, 20])
    assert.equal(await anchor.refusal(size, leafHash(Buffer.from('other')), []), 'Stale', `size ${size}`);
  assert.equal(await anchor.refusal(15, Buffer.alloc(32), []), 'Stale');
});

test('bad proof: every changed, missing, added, swapped hash, and the proof of another pair', async () => {
  const anchor = await fresh();
  assert.equal(await anchor.refusal(10, tree.root(0, 10), [leaves[0]]), 'BadProof');
  assert.equal(await anchor.refusal(10, Buffer.alloc(32), []), 'BadProof');
  let tried = 0;
  let from = 0;
  for (const [m, n] of [[1, 2], [7, 13], [64, 100], [127, 129], [129, 300]]) {
    await anchor.place(m, tree.root(0, m));
    const [size, root, proof] = onto(m, n);
    const wrong = [[], [...proof, leaves[0]], [...proof, proof.at(-1)], proof.slice(1), proof.slice(0, -1), [...proof].reverse()]
      .filter((p) => p.length !== proof.length || p.some((h, i) => !h.equals(proof[i])));
    for (let i = 0; i < proof.length; i++) {
      for (const bit of [0, 7, 128, 255]) {
        const changed = Buffer.from(proof[i]);
        changed[bit >> 3] ^= 1 << (bit & 7);
        wrong.push([...proof.slice(0, i), changed, ...proof.slice(i + 1)]);
      }
    }
    for (const p of wrong) {
      assert.equal(await anchor.refusal(size, root, p), 'BadProof', `${m} -> ${n}`);
      tried++;
    }
    // A proof binds the roots, and the size only as far as it changes the path; what is signed binds the rest.
    const longer = verifyConsistency(BigInt(m), tree.root(0, m), BigInt(n + 1), root, proof);
    assert.equal(await anchor.refusal(size + 1, root, proof), longer ? null : 'BadProof');
    assert.equal(await anchor.refusal(size, leafHash(root), proof), 'BadProof');
    assert.equal(await anchor.refusal(size, root, proof), null);
    from = m;
  }
  // A tree that rewrites a leaf the head already covers has no proof at all.
  const forged = [...leaves];
  forged[5] = leafHash(Buffer.from('rewritten'));
  const other = new Tree(forged);
  for (const proof of [other.consistency(from, 300), tree.consistency(from, 300)])
    assert.equal(await anchor.refusal(300, other.root(0, 300), proof), 'BadProof');
  console.log(`# tampered consistency proofs refused: ${tried}`);
});

test('bad signature: another signer, root, size, origin, contract, chain; high s; odd v; odd length', async () => {
  const anchor = await fresh();
  const other = await fresh();
  const [size, root] = [10, tree.root(0, 10)];
  const good = anchor.authorise(size, root);
  const parts = ethers.Signature.from(good);
  const order = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n;
  const twin = ethers.concat([parts.r, ethers.toBeHex(order - BigInt(parts.s), 32), parts.v === 27 ? '0x1c' : '0x1b']);
  // The twin is a good signature to ecrecover: only the bound on s refuses it.
  const recovered = await chain.rpc('eth_call', {
    to: ethers.toBeHex(1, 20),
    data: ethers.concat([anchor.digest(size, root), ethers.toBeHex(twin.slice(-2) === '1c' ? 28 : 27, 32),
      ethers.dataSlice(twin, 0, 64)]),
  });
  assert.equal(ethers.getAddress(ethers.dataSlice(recovered, 12)), signer.address);
  const elsewhere = (change) => {
    const types = { Anchor: [{ name: 'originHash', type: 'bytes32' }, { name: 'size', type: 'uint64' }, { name: 'root', type: 'bytes32' }] };
    return signer.signTypedData({ ...anchor.domain(), ...change }, types, { originHash: anchor.originHash, size, root: hex(root) });
  };
  const wrong = {
    'another signer': anchor.authorise(size, root, ethers.Wallet.createRandom()),
    'another size': anchor.authorise(11, root),
    'another root': anchor.authorise(size, leaves[0]),
    'another contract': other.authorise(size, root),
    'another chain': await elsewhere({ chainId: 8453 }),
    'another name': await elsewhere({ name: 'kedge' }),
    'another version': await elsewhere({ version: '2' }),
    'high s': twin,
    'v of 0': ethers.concat([ethers.dataSlice(good, 0, 64), parts.v === 27 ? '0x00' : '0x01']),
    'v of 29': ethers.concat([ethers.dataSlice(good, 0, 64), '0x1d']),
    'the other v': ethers.concat([ethers.dataSlice(good, 0, 64), parts.v === 27 ? '0x1c' : '0x1b']),
    'zero r and s': ethers.concat([new Uint8Array(64), '0x1b']),
    'empty': '0x',
    '64 bytes': ethers.dataSlice(good, 0, 64),
    '66 bytes': ethers.concat([good, '0x00']),
    'compact': parts.compactSerialized,
  };
  anchor.originHash = ethers.id('another origin');
  wrong['another origin'] = anchor.authorise(size, root);
  anchor.originHash = await anchor.view('originHash');
  for (const [name, authorisation] of Object.entries(wrong))
    assert.equal(await anchor.refusal(size, root, [], authorisation), 'BadSignature', name);
  assert.equal(await anchor.refusal(size, root, [], good), null);
  const sent = await anchor.submit(size, root, [], wrong['another signer']);
  assert.equal(sent.status, '0x0');
  assert.deepEqual(await head(anchor), [0n, ethers.ZeroHash]);
});

test('ether sent along is refused, and there is no other way in', async () => {
  const anchor = await fresh();
  const value = '0x1';
  assert.equal((await chain.send(anchor.from, anchor.address, '0x', { value })).status, '0x0');
  const writers = art.abi.filter((x) => x.type === 'function' && !['view', 'pure'].includes(x.stateMutability));
  assert.deepEqual(writers.map((x) => x.name), ['anchor']);
});

// The contract's verdict. A root for the size is put into the call's state, since an inclusion is checked against an anchored one.
function included(anchor, leaf, index, size, proof, root) {
  return chain.view(anchor.address, art.face, 'verifyInclusion', [leaf, index, size, proof], 'latest',
    { [anchor.address]: { stateDiff: { [rootSlot(size)]: root } } });
}
const consistent = (anchor, ...of) => chain.view(anchor.address, art.face, 'verifyConsistency', of);

// Some vectors have hashes that are too short; padded, they are still hashes of nothing in the tree.
const fits = (hash) => /^[0-9a-f]{0,64}$/.test(hash);
const word = (hash) => '0x' + hash.padEnd(64, '0');
const vectors = (name) => JSON.parse(fs.readFileSync(path.join(vectorFolder, name), 'utf8')).cases;
const skip = fs.existsSync(vectorFolder) ? false : 'skipped: no third-party vectors';

test('third-party inclusion vectors through verifyInclusion', { skip }, async () => {
  const anchor = await fresh();
  let [good, bad, unfit] = [0, 0, 0];
  for (const c of vectors('inclusion.json')) {
    // A bytes32 or a uint64 cannot hold some; all of those are refusals.
    if (![c.root, c.leafHash, ...c.proof].every(fits) || BigInt(c.leafIdx) >= 1n << 64n || BigInt(c.treeSize) >= 1n << 64n) {
      assert.equal(c.wantErr, true, c.name);
      unfit++;
      continue;
    }
    const got = await included(anchor, word(c.leafHash), c.leafIdx, c.treeSize, c.proof.map(word), word(c.root));
    assert.equal(got, !c.wantErr, `${c.name}: ${c.desc}`);
    got ? good++ : bad++;
  }
  assert.ok(good > 0 && bad > 0);
  console.log(`# inclusion vectors: ${good} accepted, ${bad} refused, ${unfit} not expressible (all refusals)`);
});

test('third-party consistency vectors through verifyConsistency', { skip }, async () => {
  const anchor = await fresh();
  let [good, bad, unfit] = [0, 0, 0];
  for (const c of vectors('consistency.json')) {
    if (![c.root1, c.root2, ...c.proof].every(fits)) {
      assert.equal(c.wantErr, true, c.name);
      unfit++;
      continue;
    }
    const got = await consistent(anchor, c.size1, word(c.root1), c.size2, word(c.root2), c.proof.map(word));
    assert.equal(got, !c.wantErr, `${c.name}: ${c.desc}`);
    got ? good++ : bad++;
  }
  assert.ok(good > 0 && bad > 0);
  console.log(`# consistency vectors: ${good} accepted, ${bad} refused, ${unfit} not expressible`);
});

// A proof made wrong in one of a few ways, or left as it is.
function bend(proof, random) {
  const at = random(proof.length || 1);
  const flipped = Buffer.from(proof[at] ?? leaves[0]);
  flipped[random(32)] ^= 1 << random(8);
  const ways = [proof, [...proof.slice(0, at), flipped, ...proof.slice(at + 1)], [...proof, leaves[0]], proof.slice(0, -1)];
  return ways[random(ways.length)];
}

test('verdicts equal RFC 9162 on small and huge trees, right and wrong proofs', async () => {
  const anchor = await fresh();
  let seed = 7;
  const random = (n) => Math.floor(((seed = (seed * 48271) % 2147483647) / 2147483647) * n);
  const equal = new EqualLeaves(leaves[0]);
  const count = { true: 0, false: 0 };
  for (let i = 0; i < 400; i++) {
    const [t, limit] = i % 2 ? [tree, 300] : [equal, 2 ** (1 + random(51))];
    const n = 1 + random(limit);
    const m = 1 + random(n);
    const path2 = bend(t.consistency(m, n), random);
    const r1 = t.root(0, m);
    const r2 = random(8) ? t.root(0, n) : leaves[1];
    const want = verifyConsistency(BigInt(m), r1, BigInt(n), r2, path2);
    assert.equal(await consistent(anchor, m, hex(r1), n, hex(r2), path2.map(hex)), want, `consistency ${m} ${n}`);
    count[want]++;
    const index = random(n);
    const path1 = bend(t.inclusion(index, 0, n), random);
    const leaf = t.root(index, index + 1);
    const asked = random(8) ? index : random(n + 2);
    const want1 = verifyInclusion(leaf, BigInt(asked), BigInt(n), path1, r2);
    assert.equal(await included(anchor, hex(leaf), asked, n, path1.map(hex), hex(r2)), want1, `inclusion ${asked} ${n}`);
    count[want1]++;
  }
  assert.ok(count.true > 100 && count.false > 100);
  console.log(`# random proofs: ${count.true} accepted, ${count.false} refused, all as RFC 9162 says`);
});

test('inclusion needs an anchored size', async () => {
  const anchor = await fresh();
  await grow(anchor, 0, 10);
  const proof = (size) => tree.inclusion(3, 0, size).map(hex);
  assert.equal(await anchor.view('verifyInclusion', hex(leaves[3]), 3, 10, proof(10)), true);
  assert.equal(await anchor.view('verifyInclusion', hex(leaves[3]), 4, 10, proof(10)), false);
  assert.equal(await anchor.view('verifyInclusion', hex(leaves[4]), 3, 10, proof(10)), false);
  assert.equal(await anchor.view('verifyInclusion', hex(leaves[3]), 3, 11, proof(11)), false);
  // Without the look at the root, the zero leaf would be "in" every one-leaf tree that was never anchored.
  assert.equal(await anchor.view('verifyInclusion', ethers.ZeroHash, 0, 1, []), false);
});
