// What the gateway logs about agents by itself: identity, feedback and void entries (docs/formats.md section 4).
import { CHAIN, canonical, ethers, hash, hex, keyText, leafOf, sha256, utf8 } from './format.mjs';

const AT = 1790000000000;
const REPUTATION = '0x8004baa17c55a88189ae136b182e5fda19de9b63';
const CLIENT = '0x00000000000000000000000000000000000000c1';
const RESPONDER = '0x00000000000000000000000000000000000000d2';
const u64be = (n) => Buffer.from(BigInt(n).toString(16).padStart(16, '0'), 'hex');
const raw = (text) => Buffer.from(text.slice(2), 'hex');
const nul = Buffer.of(0);
const blockText = ({ chain, hash: of, number }) => `{"chain":"${chain}","hash":"${of}","number":${number}}`;
const blockOf = (number, chain = `eip155:${CHAIN}`) => ({ chain, hash: '0x' + hash(`block ${number}`), number });

export const identityUid = (subject, block) => hex(sha256(utf8('kedge/identity/v1'), nul, utf8(subject), nul, raw(block.hash)));
export const feedbackUid = (block, log) => hex(sha256(utf8('kedge/feedback/v1'), nul, utf8(block.chain), nul, raw(block.hash), u64be(log)));
export const voidUid = (target) => hex(sha256(utf8('kedge/void/v1'), nul, u64be(target)));

export const identityEntry = ({ at, subject, block, owner, wallet, uri, tier, evidence }) =>
  `{"at":${at},"block":${blockText(block)},"evidence":"${evidence}","kind":"identity","owner":"${owner}","subject":"${subject}",` +
  `"tier":"${tier}","uid":"${identityUid(subject, block)}","uri":"${hex(sha256(uri))}","v":1,"wallet":"${wallet}"}`;
export const feedbackEntry = ({ at, subject, block, event, issuer, log, payload, tx }) =>
  `{"at":${at},"block":${blockText(block)},"event":"${event}","issuer":"${block.chain}:${issuer}","kind":"feedback","log":${log},` +
  `"payload":"${hash(payload)}","subject":"${subject}","tx":"${tx}","uid":"${feedbackUid(block, log)}","v":1}`;
export const voidEntry = ({ at, subject, block, target }) =>
  `{"at":${at},"block":${blockText(block)},"kind":"void","subject":"${subject}","target":${target},"uid":"${voidUid(target)}","v":1}`;

function identity(said) {
  const { subject, block, uri } = said;
  const entry = identityEntry({ at: AT, ...said });
  return { kind: 'identity', subject, block, uriHex: hex(uri), uid: identityUid(subject, block), entry, leaf: hex(leafOf(entry)) };
}

// A text as the chain holds it: any bytes.
export function textOf(bytes) {
  const text = bytes.toString('utf8');
  return Buffer.from(text, 'utf8').equals(bytes) && !text.includes('\0') ? text : { bytes: '0x' + hex(bytes) };
}

function feedback({ subject, block, log, event, data, issuer, said }) {
  const payload = canonical({ client: CLIENT, registry: REPUTATION, ...said });
  const entry = feedbackEntry({ at: AT, subject, block, event, issuer, log, payload, tx: '0x' + hash(`tx ${log}`) });
  return { kind: 'feedback', event, subject, block, log, client: CLIENT, responder: RESPONDER, registry: REPUTATION, data, payload,
    uid: feedbackUid(block, log), entry, leaf: hex(leafOf(entry)) };
}

function given({ index, value, decimals, tags, endpoint, uri, feedbackHash, ...rest }) {
  const bytes = [...tags, endpoint, uri];
  const data = ethers.AbiCoder.defaultAbiCoder().encode(['uint64', 'int128', 'uint8', 'bytes', 'bytes', 'bytes', 'bytes', 'bytes32'],
    [index, value, decimals, ...bytes, feedbackHash]);
  const said = { decimals, endpoint: textOf(endpoint), feedbackHash, feedbackURI: textOf(uri), index: String(index), tag1: textOf(tags[0]), tag2: textOf(tags[1]),
    value: String(value) };
  return feedback({ event: 'feedback', issuer: CLIENT, data, said, ...rest });
}

function answered({ index, uri, responseHash, ...rest }) {
  const data = ethers.AbiCoder.defaultAbiCoder().encode(['uint64', 'bytes', 'bytes32'], [index, uri, responseHash]);
  const said = { index: String(index), responder: RESPONDER, responseHash, responseURI: textOf(uri) };
  return feedback({ event: 'response', issuer: RESPONDER, data, said, ...rest });
}

const revoked = ({ index, ...rest }) =>
  feedback({ event: 'revoked', issuer: CLIENT, data: '0x' + hex(u64be(index)), said: { index: String(index) }, ...rest });

function voided(said) {
  const { subject, block, target } = said;
  const entry = voidEntry({ at: AT, ...said });
  return { kind: 'void', subject, block, target, uid: voidUid(target), entry, leaf: hex(leafOf(entry)) };
}

const none = '0'.repeat(64);
const zero = '0x' + '0'.repeat(40);
const big = 2n ** 256n - 1n;

export function factVectors() {
  return [
    identity({ subject: keyText(0), block: blockOf(1), owner: CLIENT, wallet: zero, uri: utf8(''), tier: 'events', evidence: none }),
    identity({ subject: keyText(42), block: blockOf(7), owner: CLIENT, wallet: RESPONDER, uri: utf8('https://agent.example/card.json'), tier: 'rpc', evidence: none }),
    identity({ subject: keyText(42), block: blockOf(8), owner: RESPONDER, wallet: zero, uri: Buffer.from('ff00fe', 'hex'), tier: 'quorum', evidence: none }),
    identity({ subject: keyText(big, REPUTATION, 8453), block: blockOf(2 ** 53 - 1, 'eip155:8453'), owner: RESPONDER, wallet: CLIENT, uri: utf8('ä'), tier: 'proof',
      evidence: hash('proof') }),
    given({ subject: keyText(42), block: blockOf(9), log: 0, index: 1, value: 9977n, decimals: 2, tags: [utf8('speed'), utf8('')], endpoint: utf8('https://a.example'),
      uri: utf8('ipfs://x'), feedbackHash: '0x' + none }),
    given({ subject: keyText(42), block: blockOf(9), log: 3, index: 2n ** 64n - 1n, value: -(10n ** 38n), decimals: 18, tags: [Buffer.from('ff', 'hex'), Buffer.from('6100', 'hex')],
      endpoint: utf8('"\\\n'), uri: utf8('é€😀'), feedbackHash: '0x' + hash('f') }),
    given({ subject: keyText(1), block: blockOf(9), log: 4, index: 1, value: -1n, decimals: 0, tags: [utf8(''), utf8('')], endpoint: utf8(''), uri: utf8(''), feedbackHash: '0x' + none }),
    revoked({ subject: keyText(42), block: blockOf(10), log: 1, index: 1 }),
    answered({ subject: keyText(42), block: blockOf(11), log: 12, index: 1, uri: utf8('https://r.example'), responseHash: '0x' + hash('r') }),
    voided({ subject: keyText(42), block: blockOf(40), target: 0 }),
    voided({ subject: keyText(0), block: blockOf(41, 'eip155:1'), target: 123456789 }),
  ];
}
