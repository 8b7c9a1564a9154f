// Receipts at each level, the policy and the chain to hold them against, and what must not pass: the same receipts with a
// stretch of bytes replaced, and receipts made wrong but signed right.
import { CHAIN, LogKey, ORIGIN, canonical, ethers, hash, hex, indexEntry, leafOf, mapOver, originHash, sha256, utf8 } from './format.mjs';
import { Tree, nodeHash } from './merkle.mjs';
import { agents, claim, record, salt } from './attestations.mjs';
import { log, logKey, tree } from './log.mjs';

const CONTRACT = '0x' + '5f'.repeat(20);
const CODE = '0x600160005260206000f3';
const otherKey = new LogKey(sha256(utf8('another log seed')));
const elsewhere = new LogKey(sha256(utf8('kedge test log seed')), 'elsewhere.example/log');
const blockHash = (n) => '0x' + hash(`block ${n}`);

// What an RPC would say: the contract's roots with the block they appeared in, the tags, the code.
const chain = {
  chainId: CHAIN, contract: CONTRACT, code: CODE, originHash: originHash(ORIGIN), latest: 1000, safe: 998, finalized: 996,
  blocks: [980, 990, 996, 997, 998, 1000].map((number) => ({ number, hash: blockHash(number) })),
  roots: [{ size: 65, since: 980 }, { size: 129, since: 997 }, { size: 300, since: 998 }].map((r) => ({ ...r, root: hex(tree.root(0, r.size)) })),
};
const policy = {
  v: 1, log: logKey.vkey, witnesses: { quorum: 0 },
  anchor: { chain: `eip155:${CHAIN}`, codeHash: ethers.keccak256(CODE), contract: CONTRACT, rpc: 'http://127.0.0.1:8545' },
};

const hashes = (proof) => proof.map(hex);

// The receipt of one record in a tree, as an object; `over` replaces members.
function receipt({ made, seq, size, level, block, of = log.entries, key = logKey, from = tree }) {
  const out = {
    v: 1, level, seq, entry: of[seq], payload: made.submission, evidence: made.evidence,
    inclusion: hashes(from.inclusion(seq, 0, size)), checkpoint: key.checkpoint(size, from.root(0, size)),
  };
  if (level !== 'logged') out.head = { entry: of[size - 1], inclusion: hashes(from.inclusion(size - 1, 0, size)) };
  if (block) out.anchor = { block: { hash: blockHash(block), number: block }, chain: `eip155:${CHAIN}`, contract: CONTRACT };
  return out;
}

const ofLog = (seq, size, level, block) => receipt({ made: log.records[seq], seq, size, level, block });
const bases = [
  { name: 'logged', receipt: ofLog(5, 7, 'logged'), offline: 'logged', online: 'logged' },
  { name: 'logged alone', receipt: ofLog(0, 1, 'logged'), offline: 'logged', online: 'logged' },
  { name: 'published', receipt: ofLog(10, 17, 'published'), offline: 'published', online: 'published' },
  { name: 'published first', receipt: ofLog(0, 2, 'published'), offline: 'published', online: 'published' },
  { name: 'anchored', receipt: ofLog(100, 129, 'anchored', 998), offline: 'published', online: 'anchored' },
  { name: 'anchored last', receipt: ofLog(253, 300, 'anchored', 998), offline: 'published', online: 'anchored' },
  { name: 'final', receipt: ofLog(20, 65, 'final', 990), offline: 'published', online: 'final' },
];
const base = (name) => structuredClone(bases.find((b) => b.name === name).receipt);

// The shortest stretch of bytes that turns one text into another, not cutting a character: at, how many go, what comes.
function splice(before, after) {
  const [a, b] = [Buffer.from(before), Buffer.from(after)];
  const inside = (bytes, i) => (bytes[i] & 0xc0) === 0x80;
  let at = 0;
  while (at < a.length && at < b.length && a[at] === b[at]) at++;
  while (at > 0 && (inside(a, at) || inside(b, at))) at--;
  let tail = 0;
  while (tail < Math.min(a.length, b.length) - at && a[a.length - 1 - tail] === b[b.length - 1 - tail]) tail++;
  while (tail > 0 && inside(a, a.length - tail)) tail--;
  return { at, remove: a.length - at - tail, insert: hex(b.subarray(at, b.length - tail)) };
}

const flip = (text) => (text[0] === '0' ? '1' : '0') + text.slice(1);
const changed = (name, change) => {
  const r = base(name);
  change(r);
  return canonical(r);
};
const renote = (r, size, root, key = logKey, origin = ORIGIN) => { r.checkpoint = key.checkpoint(size, root, origin); };
const root = (size) => tree.root(0, size);

// Every leaf of the object with its path.
function paths(value, path = []) {
  if (value === null || typeof value !== 'object') return [[path, value]];
  return Object.entries(value).flatMap(([k, v]) => paths(v, [...path, k]));
}
function put(object, path, value) {
  const last = path.at(-1);
  const holder = path.slice(0, -1).reduce((o, k) => o[k], object);
  holder[last] = value;
}

// Each member changed a little: a number by one, a text in its first character or, where that says little, its last.
function eachMember(name) {
  const out = [];
  for (const [path, value] of paths(base(name))) {
    const label = path.join('.');
    const onlyChain = label.startsWith('anchor.block.');
    const next = typeof value === 'number' ? value + 1 : typeof value === 'boolean' ? !value : value.startsWith('0x')
      ? '0x' + flip(value.slice(2)) : flip(value);
    out.push({ name: `${label} changed`, rpc: onlyChain, text: changed(name, (r) => put(r, path, next)) });
  }
  return out;
}

function texts(name) {
  const good = canonical(base(name));
  const r = base(name);
  const say = (label, text) => ({ name: label, text });
  const missing = Object.keys(r).map((k) => say(`without ${k}`, changed(name, (x) => delete x[k])));
  const inner = [['anchor', 'block'], ['anchor', 'chain'], ['anchor', 'contract'], ['head', 'entry'], ['head', 'inclusion'], ['payload', 'proof'], ['payload', 'attestation'],
    ['evidence', 'signer'], ['evidence', 'safe']].map(([a, b]) => say(`without ${a}.${b}`, changed(name, (x) => delete x[a][b])));
  const extra = [[], ['anchor'], ['anchor', 'block'], ['head'], ['payload'], ['payload', 'proof'], ['evidence'], ['evidence', 'safe']].map((at) =>
    say(`unknown member in ${at.join('.') || 'the receipt'}`, changed(name, (x) => { at.reduce((o, k) => o[k], x).extra = 1; })));
  const upper = (x) => x.replace(/[a-f]/, (c) => c.toUpperCase());
  return [
    say('empty', ''), say('null', 'null'), say('an array of it', `[${good}]`), say('cut', good.slice(0, -1)), say('space before', ' ' + good),
    say('space after', good + ' '), say('two line feeds after', good + '\n\n'), say('CRLF after', good + '\r\n'), say('byte order mark', '\ufeff' + good),
    say('twice', good + good), say('indented', JSON.stringify(JSON.parse(good), null, 1)), say('unsorted', JSON.stringify(r)),
    say('a member twice', good.replace(/,"v":1}$/, ',"v":1,"v":1}')), say('seq 1.0', good.replace(/"seq":(\d+)/, '"seq":$1.0')),
    say('seq with exponent', good.replace(/"seq":(\d+)/, '"seq":$1e0')), say('seq as text', good.replace(/"seq":(\d+)/, '"seq":"$1"')),
    say('seq negative', good.replace(/"seq":(\d+)/, '"seq":-$1')), say('seq beyond the size', changed(name, (x) => { x.seq += 1000; })),
    say('seq 2^53', changed(name, (x) => { x.seq = 2 ** 53; })), say('seq null', changed(name, (x) => { x.seq = null; })),
    say('an escape where none is needed', good.replace('"level"', '"l\\u0065vel"')), say('version 0', changed(name, (x) => { x.v = 0; })),
    say('version as text', changed(name, (x) => { x.v = '1'; })), say('an upper-case hash', changed(name, (x) => { x.inclusion[0] = upper(x.inclusion[0]); })),
    say('a prefixed hash', changed(name, (x) => { x.inclusion[0] = '0x' + x.inclusion[0]; })),
    say('a short hash', changed(name, (x) => { x.inclusion[0] = x.inclusion[0].slice(2); })),
    say('a hash too many', changed(name, (x) => { x.inclusion.push(x.inclusion[0]); })),
    say('a hash too few', changed(name, (x) => { x.inclusion.pop(); })), say('hashes reversed', changed(name, (x) => { x.inclusion.reverse(); })),
    say('no proof', changed(name, (x) => { x.inclusion = []; })), say('65 hashes', changed(name, (x) => { x.inclusion = Array(65).fill(x.inclusion[0]); })),
    say('head with a hash too many', changed(name, (x) => { x.head.inclusion.push(x.head.inclusion[0]); })),
    say('an upper-case contract', changed(name, (x) => { x.anchor.contract = upper(x.anchor.contract); })),
    say('level unknown', changed(name, (x) => { x.level = 'sure'; })), say('level witnessed', changed(name, (x) => { x.level = 'witnessed'; })),
    say('level below its parts', changed(name, (x) => { x.level = 'published'; })), say('level logged with a head', changed(name, (x) => { x.level = 'logged'; })),
    say('level above its parts', changed('published', (x) => { x.level = 'anchored'; })),
    say('published without a head', changed('logged', (x) => { x.level = 'published'; })),
    ...missing, ...inner, ...extra,
  ];
}

function checkpoints(name) {
  const size = 65;
  const good = base(name).checkpoint;
  const make = (label, change) => ({ name: `checkpoint: ${label}`, text: changed(name, change) });
  const note = (label, text) => make(label, (r) => { r.checkpoint = text; });
  return [
    make('of another size, signed', (r) => renote(r, size + 1, root(size))), make('of another root, signed', (r) => renote(r, size, root(64))),
    make('of another origin, by the log\'s key', (r) => renote(r, size, root(size), logKey, 'elsewhere.example/log')),
    make('by another key of that name', (r) => renote(r, size, root(size), otherKey)),
    make('of another log', (r) => renote(r, size, root(size), elsewhere, 'elsewhere.example/log')),
    make('of an older tree', (r) => renote(r, 17, root(17))), make('of a newer tree', (r) => renote(r, 129, root(129))),
    make('of size 0', (r) => renote(r, 0, root(0))),
    note('without signature', good.slice(0, good.indexOf('\n\n') + 2)), note('without blank line', good.replace('\n\n', '\n')),
    note('without final line feed', good.slice(0, -1)), note('with a hyphen', good.replace('—', '-')), note('padding cut', good.replace('=\n\n', '\n\n')),
    note('size with a zero before', good.replace(`\n${size}\n`, `\n0${size}\n`)), note('CRLF', good.replaceAll('\n', '\r\n')),
    note('unsigned line added', good.replace('\n\n', '\nmore\n\n')), note('signature by the key twice, once wrong', good + good.split('\n\n')[1].replace(/[A-Za-z](.{20}=*\n)$/, 'z$1')),
  ];
}

// Signed and proven as it should be, but not true. A log of two: the attestation and its index head.
function forge(name, { wrong = {}, head = {}, last, seq = 0, ...rest } = {}) {
  const made = record({ submission: { attestation: claim() }, from: agents.one, about: agents.seven, method: 'eip712', ...rest, wrong });
  const block = { hash: blockHash(41), number: 41 };
  const index = last ?? indexEntry({ at: 1790000000500, block, map: mapOver([made.entry], 1).root, size: 1, ...head });
  const of = [made.entry, index];
  const shape = receipt({ made, seq, size: 2, level: 'published', of, from: new Tree(of.map(leafOf)) });
  return { name, text: canonical(shape) };
}

function forgeries() {
  const someone = '0x' + '11'.repeat(20);
  const honest = record({ submission: { attestation: claim() }, from: agents.one, about: agents.seven, method: 'eip712' });
  const holder = honest.evidence.issuer.safe;
  const order = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n;
  const twin = (text) => {
    const { r, s, v } = ethers.Signature.from(text);
    return ethers.concat([r, ethers.toBeHex(order - BigInt(s), 32), v === 27 ? '0x1c' : '0x1b']);
  };
  const holders = (safe, latest) => ({ evidence: { issuer: { latest: { ...holder, ...latest }, safe: { ...holder, ...safe } } } });
  const entry = (over) => ({ wrong: { entry: over } });
  return [
    forge('signed by a stranger', { signs: 'stranger' }),
    forge('signed by the wallet, said to be the owner', { role: 'owner', signs: 'wallet' }),
    forge('signed by the owner, said to be the wallet', { signs: 'owner' }),
    forge('no longer the wallet at the latest block', { wrong: holders({}, { wallet: someone }) }),
    forge('not yet the wallet at the safe block', { wrong: holders({ wallet: someone }, {}) }),
    forge('another signer in the evidence', { wrong: { evidence: { signer: holder.owner } } }),
    forge('signed for another log', { wrong: { log: 'elsewhere.example/log' } }),
    forge('signed for another chain', { wrong: { chainId: 1 } }),
    forge('a high s', { wrong: { signature: twin } }),
    forge('v of 0 and 1', { wrong: { signature: (s) => s.slice(0, -2) + (s.endsWith('1b') ? '00' : '01') } }),
    forge('the other v', { wrong: { signature: (s) => s.slice(0, -2) + (s.endsWith('1b') ? '1c' : '1b') } }),
    forge('an upper-case signature', { wrong: { signature: (s) => s.replace(/[a-f]/, (c) => c.toUpperCase()) } }),
    forge('a proof of the other type', { wrong: { type: 'eip191' } }),
    forge('another method in the entry', entry({ method: 'eip191' })),
    forge('another uid in the entry', entry({ uid: hash('another') })),
    forge('another payload in the entry', entry({ payload: hash('another') })),
    forge('other evidence in the entry', entry({ evidenceHash: hash('another') })),
    forge('another subject in the entry', entry({ subject: agents.zero.key })),
    forge('another issuer in the entry', entry({ issuer: agents.zero.key })),
    forge('another block in the entry', entry({ evidence: { ...honest.evidence, safe: { ...honest.evidence.safe, number: 39 } } })),
    forge('another block hash in the entry', entry({ evidence: { ...honest.evidence, safe: { ...honest.evidence.safe, hash: blockHash(39) } } })),
    forge('another chain in the entry', entry({ evidence: { ...honest.evidence, chain: 'eip155:1' } })),
    forge('another chain in the evidence', { wrong: { evidence: { chain: 'eip155:1' } } }),
    forge('an index head of another size', { head: { size: 0 } }),
    forge('an index head of a larger size', { head: { size: 2 } }),
    forge('a last leaf that is no index head', { last: honest.entry }),
    forge('the entry is the index head', { seq: 1 }),
  ];
}

function policies() {
  const { anchor } = policy;
  const other = (label, over, rpc = false) => ({ name: label, rpc, policy: { ...policy, ...over } });
  return [
    other('another log key', { log: otherKey.vkey }), other('another log', { log: elsewhere.vkey }),
    other('another contract', { anchor: { ...anchor, contract: '0x' + '5e'.repeat(20) } }),
    other('another chain', { anchor: { ...anchor, chain: 'eip155:1' } }),
    other('another code', { anchor: { ...anchor, codeHash: '0x' + '00'.repeat(32) } }, true),
  ];
}

export function receiptVectors() {
  const against = (name, list) => list.map(({ text, ...more }) => {
    const found = { of: name, ...more, ...splice(canonical(base(name)), text) };
    if (!found.remove && !found.insert) throw new Error(`${found.name}: changes nothing`);
    return found;
  });
  const withLine = changed('final', (r) => { r.checkpoint += `— witness.example ${Buffer.alloc(76, 7).toString('base64')}\n`; });
  // The sibling of the last two leaves of a forged pair, to be sure the forgeries' own trees are what they claim.
  const proof = forge('honest', { submission: { attestation: claim(), salt: salt('forge') } });
  const shown = JSON.parse(proof.text);
  if (nodeHash(leafOf(shown.entry), leafOf(shown.head.entry)).toString('base64') !== shown.checkpoint.split('\n')[2]) throw new Error('forge');
  return {
    note: 'receipts: what a verifier confirms without an RPC and with one that answers as in chain. refused: receipt `of` with `remove` bytes at ' +
      '`at` replaced by `insert` (hex) must fail; where rpc is true only the chain can tell. forged: must fail. accepted: must pass at level without an RPC. ' +
      'policies: the receipt named final must fail under each.',
    policy, offlinePolicy: { v: 1, log: policy.log, witnesses: policy.witnesses }, chain,
    receipts: bases.map(({ receipt: r, ...more }) => ({ ...more, text: canonical(r) })),
    accepted: [{ name: 'one final line feed', level: 'published', text: canonical(base('published')) + '\n' },
      { name: 'a signature line of an unknown key', level: 'published', text: withLine },
      { name: 'a log of two, as the forgeries are', level: 'published', text: proof.text }],
    refused: [...against('final', [...eachMember('final'), ...texts('final'), ...checkpoints('final')].filter((x) => !/published without|above its parts/.test(x.name))),
      ...against('published', texts('final').filter((x) => /above its parts/.test(x.name))),
      ...against('logged', texts('final').filter((x) => /published without/.test(x.name)))],
    forged: forgeries(),
    policies: policies(),
  };
}
