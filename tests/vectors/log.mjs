// A log of 300 entries, its trees, proofs, tiles, checkpoints and completeness maps.
import {
  CHAIN, LogKey, ORIGIN, anchorDigest, addressOf, edge, hash, hex, indexEntry, keyText, leafOf, mapKey, mapOver, mapRoot, mapValue, originHash, sha256,
  signDigest, subLogRoot, testKey, tiles, utf8,
} from './format.mjs';
import { Tree } from './merkle.mjs';
import { agents, claim, record } from './attestations.mjs';

export const SEED = sha256(utf8('kedge test log seed'));
export const logKey = new LogKey(SEED);
const START = 1790000000000;
// Sizes whose last entry is an index head.
export const PUBLISHED = [2, 4, 9, 17, 65, 129, 255, 256, 257, 300];
export const SIZE = 300;
const names = Object.keys(agents);

// The entry at each seq, and the whole records behind them.
function makeLog() {
  const entries = [];
  const records = [];
  for (let seq = 0; seq < SIZE; seq++) {
    const at = START + Math.floor(seq / 3) * 500;
    if (PUBLISHED.includes(seq + 1)) {
      const block = { hash: '0x' + hash(`block ${40 + seq}`), number: 40 + seq };
      entries.push(indexEntry({ at, block, map: mapOver(entries, seq).root, size: seq }));
      records.push(null);
      continue;
    }
    const from = agents[names[seq % 3 === 2 ? 2 : seq % 2]];
    const meant = agents[names[(seq * seq + 3) % names.length]];
    const about = meant === from ? agents.other : meant;
    const made = record({
      submission: { attestation: claim({ issuer: from.key, subject: about.key, round: seq }), context: { game: { id: `game ${seq % 5}` } } },
      from, about, method: seq % 4 ? 'eip712' : 'eip191', at, number: 40 + seq,
    });
    entries.push(made.entry);
    records.push(made);
  }
  return { entries, records };
}

export const log = makeLog();
export const tree = new Tree(log.entries.map(leafOf));

export function logVectors() {
  const sizes = [0, 1, 2, 3, 4, 7, 8, 9, 64, 65, 100, 128, 255, 256, 257, 299, 300];
  const inclusion = [];
  const consistency = [];
  for (const size of sizes) {
    for (const index of [...new Set([0, 1, Math.floor(size / 3), size - 2, size - 1])].filter((i) => i >= 0 && i < size))
      inclusion.push({ index, size, proof: tree.inclusion(index, 0, size).map(hex) });
    for (const from of sizes.filter((m) => m > 0 && m <= size)) consistency.push({ from, to: size, proof: tree.consistency(from, size).map(hex) });
  }
  return {
    origin: ORIGIN, seed: hex(SEED), publicKey: hex(logKey.publicKey), keyId: hex(logKey.id), vkey: logKey.vkey,
    entries: log.entries,
    leaves: tree.leaves.map(hex),
    roots: Array.from({ length: SIZE + 1 }, (_, n) => hex(tree.root(0, n))),
    edges: sizes.map((size) => ({ size, hashes: edge(tree, size).map(hex) })),
    inclusion, consistency,
    tiles: [1, 255, 256, 257, 300].map((size) => ({
      size, files: tiles(tree, log.entries, size).map(([path, data]) => ({ path, length: data.length, sha256: hex(sha256(data)) })),
    })),
    checkpoints: [0, 1, 3, ...PUBLISHED].map((size) => ({ size, published: PUBLISHED.includes(size), note: logKey.checkpoint(size, tree.root(0, size)) })),
  };
}

// Two texts whose keys begin with the same bits, so that the map is deep below them.
function closeTexts(bits) {
  const seen = new Map();
  for (let i = 0; ; i++) {
    const text = keyText(i);
    const start = mapKey(text).readUInt32BE() >>> (32 - bits);
    if (seen.has(start)) return [seen.get(start), text];
    seen.set(start, text);
  }
}

export function mapVectors() {
  const growing = [];
  const pairs = [];
  const texts = [...Array.from({ length: 24 }, (_, i) => keyText(i)), keyText((2n ** 256n - 1n).toString()), 'urn:kedge:p:' + 'ab'.repeat(16), ...closeTexts(24)];
  growing.push({ root: hex(mapRoot([])) });
  for (const [i, text] of texts.entries()) {
    const pair = { key: mapKey(text), value: sha256(utf8(`value ${i}`)) };
    const known = pairs.findIndex(({ key }) => key.equals(pair.key));
    known < 0 ? pairs.push(pair) : pairs.splice(known, 1, pair);
    growing.push({ text, key: hex(pair.key), value: hex(pair.value), root: hex(mapRoot(pairs)) });
  }
  // A value that changes, a key that does not.
  pairs[3].value = sha256(utf8('another value'));
  growing.push({ text: texts[3], key: hex(pairs[3].key), value: hex(pairs[3].value), root: hex(mapRoot(pairs)) });
  const subLogs = [1, 2, 3, 4, 7, 8, 200].map((count) => {
    const items = Array.from({ length: count }, (_, i) => ({ seq: i * i + i * 2 ** 40, leaf: sha256(utf8(`leaf ${i}`)) }));
    return { count, items: items.map(({ seq, leaf }) => ({ seq, leaf: hex(leaf) })), root: hex(subLogRoot(items)), value: hex(mapValue(items)) };
  });
  const overLog = PUBLISHED.map((size) => {
    const { pairs: all, root } = mapOver(log.entries, size - 1);
    return { size: size - 1, root: hex(root), subjects: all.map(({ text, key, items, value }) =>
      ({ text, key: hex(key), seqs: items.map(({ seq }) => seq), subLogRoot: hex(subLogRoot(items)), value: hex(value) })) };
  });
  return { growing, subLogs, log: overLog };
}

export function anchorVectors() {
  const key = testKey('anchor');
  const cases = [
    { origin: ORIGIN, chainId: CHAIN, contract: '0x' + '5f'.repeat(20), size: 1 },
    { origin: ORIGIN, chainId: CHAIN, contract: '0x' + '5f'.repeat(20), size: 300 },
    { origin: 'log.example.org/log', chainId: CHAIN, contract: '0x' + '00'.repeat(19) + '01', size: 65 },
    { origin: ORIGIN, chainId: 1, contract: '0x' + '5f'.repeat(20), size: 65 },
    { origin: ORIGIN, chainId: CHAIN, contract: '0x' + '5f'.repeat(20), size: '18446744073709551615', root: sha256(utf8('far')) },
  ];
  return { signer: addressOf(key), key, cases: cases.map((c) => {
    const whole = { ...c, root: c.root ?? tree.root(0, c.size) };
    const digest = anchorDigest(whole);
    return { ...c, size: String(c.size), originHash: originHash(c.origin), root: hex(whole.root), digest, signature: signDigest(key, digest) };
  }) };
}
