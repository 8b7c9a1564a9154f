// docs/formats.md in JavaScript, one function a clause. Written from that page and the specifications it names, and from nothing
// else: it must not be made to agree with the C code by reading it.
import { createPrivateKey, createPublicKey, sign as edSign } from 'node:crypto';
import { ethers } from '../chain/lib.mjs';
import { Tree, leafHash, sha256 } from './merkle.mjs';

export { ethers, sha256 };
export const hex = (bytes) => Buffer.from(bytes).toString('hex');
export const utf8 = (text) => Buffer.from(text, 'utf8');
export const hash = (text) => hex(sha256(utf8(text)));
export const leafOf = (entry) => leafHash(utf8(entry));

// RFC 8785: members sorted by UTF-16 code units, which is how JavaScript compares; numbers and texts as ECMAScript writes them.
export function canonical(value) {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  if (value !== null && typeof value === 'object')
    return `{${Object.keys(value).sort().map((k) => `${JSON.stringify(k)}:${canonical(value[k])}`).join(',')}}`;
  return JSON.stringify(value);
}

// 1. Names
export const REGISTRY = '0x8004a169fb4a3325136eb29fa0ceb6d2e539a432';
export const CHAIN = 31337;
export const HOST = 'localhost:8004';
export const ORIGIN = `${HOST}/log`;
export const keyText = (id, registry = REGISTRY, chain = CHAIN) => `eip155:${chain}/erc721:${registry}/${id}`;
export const agentDid = (id) => `did:web:${HOST.replace(':', '%3A')}:agent:${CHAIN}:${id}`;
export const otherDid = (id, registry) => `did:web:${HOST.replace(':', '%3A')}:agent:eip155:${CHAIN}:${registry}:${id}`;

// 2. Attestation
export function uidText({ attestation, context = {}, salt }) {
  const what = { attestation };
  if ('game' in context) what.game = context.game;
  if ('surface' in context) what.surface = context.surface;
  if (salt !== undefined) what.salt = salt;
  return canonical(what);
}

export function evidenceOf({ chain = `eip155:${CHAIN}`, issuer, subject, signer, safe, latest, sameOwner }) {
  return { chain, issuer, latest, safe, sameOwner, signer, subject: { owner: subject }, v: 1 };
}

// 3. What an agent signs
const ATTESTATION = {
  Attestation: [
    { name: 'uid', type: 'bytes32' }, { name: 'log', type: 'string' }, { name: 'issuer', type: 'string' },
    { name: 'subject', type: 'string' }, { name: 'claimType', type: 'string' }, { name: 'gameId', type: 'string' },
    { name: 'hasRound', type: 'bool' }, { name: 'round', type: 'uint256' },
  ],
};

export function statement(uid, submission, issuer, subject, log = ORIGIN) {
  const { attestation, context } = submission;
  const hasRound = attestation.round !== undefined;
  return { uid: '0x' + uid, log, issuer, subject, claimType: attestation.claim.type, gameId: context?.game?.id ?? '', hasRound,
    round: hasRound ? attestation.round : 0 };
}

export const typedDigest = (said, chainId = CHAIN) =>
  ethers.TypedDataEncoder.hash({ name: 'kedge', version: '1', chainId }, ATTESTATION, said);

export const spoken = (said) => [
  'kedge attestation v1', `log: ${said.log}`, `issuer: ${said.issuer}`, `subject: ${said.subject}`, `claim: ${said.claimType}`,
  `game: ${said.gameId}`, `round: ${said.hasRound ? said.round : ''}`, `uid: ${said.uid}`,
].join('\n');

export const digestOf = (method, said) => (method === 'eip712' ? typedDigest(said) : ethers.hashMessage(spoken(said)));
export const signDigest = (key, digest) => new ethers.SigningKey(key).sign(digest).serialized;
export const testKey = (name) => '0x' + hash(`kedge test key ${name}`);
export const addressOf = (key) => ethers.computeAddress(key).toLowerCase();

// 4. Entries
export function attestationEntry({ at, evidence, evidenceHash, method, role, issuer, subject, payload, uid }) {
  const { number: block, hash: blockHash } = evidence.safe;
  return `{"at":${at},"auth":{"block":${block},"chain":"${evidence.chain}","evidence":"${evidenceHash}","hash":"${blockHash}",` +
    `"method":"${method}","role":"${role}","tier":"rpc"},"issuer":"${issuer}","kind":"attestation","payload":"${payload}",` +
    `"subject":"${subject}","uid":"${uid}","v":1}`;
}

const twenty = (n) => String(n).padStart(20, '0');
export const indexEntry = ({ at, block, map, size }) =>
  `{"at":"${twenty(at)}","block":{"hash":"${block.hash}","number":"${twenty(block.number)}"},"kind":"index","map":"${hex(map)}",` +
  `"size":"${twenty(size)}","v":1}`;

// 5. Log: C2SP signed-note, tlog-checkpoint, tlog-tiles
export class LogKey {
  constructor(seed, name = ORIGIN) {
    this.name = name;
    const der = Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), seed]);
    this.secret = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
    this.publicKey = createPublicKey(this.secret).export({ format: 'der', type: 'spki' }).subarray(-32);
    this.id = sha256(utf8(name), Buffer.of(0x0a, 0x01), this.publicKey).subarray(0, 4);
  }

  get vkey() {
    return `${this.name}+${hex(this.id)}+${Buffer.concat([Buffer.of(1), this.publicKey]).toString('base64')}`;
  }

  line(text) {
    return `— ${this.name} ${Buffer.concat([this.id, edSign(null, utf8(text), this.secret)]).toString('base64')}\n`;
  }

  checkpoint(size, root, origin = ORIGIN) {
    const text = `${origin}\n${size}\n${Buffer.from(root).toString('base64')}\n`;
    return `${text}\n${this.line(text)}`;
  }
}

// "x001/x234/067"
function tileNumber(n) {
  const digits = String(n).padStart(Math.ceil(String(n).length / 3) * 3, '0').match(/.{3}/g);
  return digits.map((d, i) => (i < digits.length - 1 ? 'x' : '') + d).join('/');
}

// Every tile and bundle of a tree of `size` entries: [path, bytes].
export function tiles(tree, entries, size) {
  const made = [];
  for (let level = 0, span = 1; Math.floor(size / span) > 0; level++, span *= 256) {
    const count = Math.floor(size / span);
    for (let n = 0; n * 256 < count; n++) {
      const width = Math.min(256, count - n * 256);
      const hashes = Array.from({ length: width }, (_, i) => tree.root((n * 256 + i) * span, (n * 256 + i + 1) * span));
      const tail = width < 256 ? `.p/${width}` : '';
      made.push([`tile/${level}/${tileNumber(n)}${tail}`, Buffer.concat(hashes)]);
      if (level > 0) continue;
      const bundle = entries.slice(n * 256, n * 256 + width).map((entry) => {
        const data = utf8(entry);
        return Buffer.concat([Buffer.of(data.length >> 8, data.length & 255), data]);
      });
      made.push([`tile/entries/${tileNumber(n)}${tail}`, Buffer.concat(bundle)]);
    }
  }
  return made;
}

// The roots of the perfect subtrees that make up the tree, largest first.
export function edge(tree, size) {
  const made = [];
  for (let lo = 0, left = size; left > 0;) {
    const k = 2 ** Math.floor(Math.log2(left));
    made.push(tree.root(lo, lo + k));
    [lo, left] = [lo + k, left - k];
  }
  return made;
}

// 6. Completeness map
export const mapKey = (text) => sha256(utf8('kedge/map/v1'), Buffer.of(0), utf8(text));
const u64be = (n) => {
  const out = Buffer.alloc(8);
  out.writeBigUInt64BE(BigInt(n));
  return out;
};
export const subLogRoot = (items) => new Tree(items.map(({ seq, leaf }) => sha256(Buffer.of(0), u64be(seq), leaf))).root(0, items.length);
export const mapValue = (items) => sha256(u64be(items.length), subLogRoot(items));

const bit = (key, d) => (key[d >> 3] >> (7 - (d & 7))) & 1;
// `pairs` of { key, value }
export function mapRoot(pairs, depth = 0) {
  if (pairs.length === 0) return Buffer.alloc(32);
  if (pairs.length === 1) return sha256(Buffer.of(2), pairs[0].key, pairs[0].value);
  const side = (b) => mapRoot(pairs.filter(({ key }) => bit(key, depth) === b), depth + 1);
  return sha256(Buffer.of(3), side(0), side(1));
}

// The map over the entries before `size`: subject -> { key, count, root, value }, and its root.
export function mapOver(entries, size) {
  const subjects = new Map();
  for (let seq = 0; seq < size; seq++) {
    const { kind, subject } = JSON.parse(entries[seq]);
    if (kind === 'index') continue;
    if (!subjects.has(subject)) subjects.set(subject, []);
    subjects.get(subject).push({ seq, leaf: leafOf(entries[seq]) });
  }
  const pairs = [...subjects].map(([text, items]) => ({ text, key: mapKey(text), items, value: mapValue(items) }));
  return { pairs, root: mapRoot(pairs) };
}

// 7. Anchor
const ANCHOR = {
  Anchor: [{ name: 'originHash', type: 'bytes32' }, { name: 'size', type: 'uint64' }, { name: 'root', type: 'bytes32' }],
};
export const originHash = (origin) => ethers.keccak256(utf8(origin));
export const anchorDigest = ({ origin, chainId, contract, size, root }) =>
  ethers.TypedDataEncoder.hash({ name: 'KedgeAnchor', version: '1', chainId, verifyingContract: contract }, ANCHOR,
    { originHash: originHash(origin), size, root: '0x' + hex(root) });
