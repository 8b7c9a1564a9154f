// Attestations from the submission to the leaf: uid, payload, evidence, both kinds of signature, the entry.
import {
  CHAIN, ORIGIN, REGISTRY, addressOf, agentDid, attestationEntry, canonical, digestOf, ethers, evidenceOf, hash, hex, keyText,
  leafOf, otherDid, sha256, signDigest, spoken, statement, testKey, typedDigest, uidText,
} from './format.mjs';

export const OTHER_REGISTRY = '0x00000000000000000000000000000000000000ff';
const ZERO = '0x' + '0'.repeat(40);
const block = (n) => ({ hash: '0x' + hash(`block ${n}`), number: n });

// Everything kedge makes of a submission by issuer `from` about `about`. `signs` is whose key signs: wallet or owner.
export function record({ submission, from, about, method, role = 'wallet', signs = role, at = 1790000000000, number = 40, wrong = {} }) {
  const key = testKey(`${from.name} ${signs}`);
  const signer = addressOf(key);
  const holder = { owner: addressOf(testKey(`${from.name} owner`)), wallet: from.noWallet ? ZERO : addressOf(testKey(`${from.name} wallet`)) };
  const uid = hash(uidText(submission));
  const said = statement(uid, submission, from.key, about.key, wrong.log ?? ORIGIN);
  const digest = wrong.chainId ? typedDigest(said, wrong.chainId) : digestOf(method, said);
  const signature = wrong.signature?.(signDigest(key, digest)) ?? signDigest(key, digest);
  const whole = { ...submission, proof: { type: wrong.type ?? method, signature } };
  const payload = canonical(whole);
  const owner = addressOf(testKey(`${about.name} owner`));
  const evidence = evidenceOf({ issuer: { latest: holder, safe: holder }, subject: owner, signer, safe: block(number),
    latest: block(number + 2), sameOwner: owner === holder.owner, ...wrong.evidence });
  const evidenceText = canonical(evidence);
  const parts = { at, evidence, evidenceHash: hash(evidenceText), method, role, issuer: from.key, subject: about.key,
    payload: hash(payload), uid, ...wrong.entry };
  const entry = attestationEntry(parts);
  return { submission: whole, uid, uidText: uidText(submission), payload, evidence, evidenceText, said, digest, signature, signer, entry,
    leaf: leafOf(entry), method, role };
}

export const agents = {
  zero: { name: 'zero', key: keyText(0) },
  one: { name: 'one', key: keyText(1) },
  seven: { name: 'seven', key: keyText(7) },
  owned: { name: 'owned', key: keyText(12), noWallet: true },
  huge: { name: 'huge', key: keyText((2n ** 256n - 1n).toString()) },
  other: { name: 'other', key: keyText(5, OTHER_REGISTRY) },
};

export const claim = (over = {}) => ({
  schemaVersion: 'attestation/v1', id: '0x' + 'ab'.repeat(32), issuer: '1', issuerKind: 'agent', subject: '7',
  claim: { type: 'peer.assessment', data: { tag: 'reliable' } }, issuedAt: '2026-05-01T18:22:07.412Z', ...over,
});
export const salt = (name) => hash(`salt ${name}`);

// sent: the same submission as another client might have written it, with the signature put in for @SIGNATURE@.
const cases = [
  { name: 'nothing but an attestation', submission: { attestation: claim() }, from: 'one', about: 'seven', method: 'eip712' },
  { name: 'the same in words', submission: { attestation: claim() }, from: 'one', about: 'seven', method: 'eip191' },
  { name: 'game, type, round, surface and salt',
    submission: { attestation: claim({ round: 8, note: 'kept every promise', confidence: 0.62 }),
      context: { game: { id: 'game-7f', type: 'oathbreaker' }, surface: 'a'.repeat(64) }, salt: salt('game') },
    from: 'one', about: 'seven', method: 'eip712' },
  { name: 'the same in words, game and round',
    submission: { attestation: claim({ round: 8 }), context: { game: { id: 'game-7f' } } }, from: 'one', about: 'seven', method: 'eip191' },
  { name: 'round 0 is a round', submission: { attestation: claim({ round: 0 }) }, from: 'one', about: 'seven', method: 'eip712' },
  { name: 'round 0 in words', submission: { attestation: claim({ round: 0 }) }, from: 'one', about: 'seven', method: 'eip191' },
  { name: 'the largest round', submission: { attestation: claim({ round: Number.MAX_SAFE_INTEGER }) }, from: 'one', about: 'seven', method: 'eip712' },
  { name: 'salt alone', submission: { attestation: claim(), salt: salt('alone').slice(0, 32) }, from: 'one', about: 'seven', method: 'eip712' },
  { name: 'surface alone', submission: { attestation: claim(), context: { surface: 'b'.repeat(64) } }, from: 'one', about: 'seven', method: 'eip712' },
  { name: 'context that the uid does not hold',
    submission: { attestation: claim(), context: { game: { id: 'g' }, relay: { index: 41, timestamp: 1777593600000, turn: 8 } } },
    from: 'one', about: 'seven', method: 'eip712' },
  { name: 'agent 0, by its owner', submission: { attestation: claim({ issuer: 'agent:0' }) }, from: 'zero', about: 'seven', method: 'eip712', role: 'owner' },
  { name: 'a cleared wallet', submission: { attestation: claim({ issuer: 12, subject: 1 }) }, from: 'owned', about: 'one', method: 'eip191', role: 'owner' },
  { name: 'the largest id, an agent of another registry',
    submission: { attestation: claim({ issuer: agents.huge.key, subject: agents.other.key }) }, from: 'huge', about: 'other', method: 'eip712' },
  { name: 'a DID and a number', submission: { attestation: claim({ issuer: agentDid(1), subject: 7 }) }, from: 'one', about: 'seven', method: 'eip712' },
  { name: 'texts that need care',
    submission: { attestation: claim({ claim: { type: 'peer.überprüfung', data: {
      '\u20ac': 'Euro', '\r': 'return', '\ufb33': 'dalet dagesh', 1: 'one', '\ud83d\ude00': 'grin', '\u0080': 'control', '\u00f6': 'o',
      'a"b\\c': '"\\/\b\f\n\r\t\u0001\u001f\u007f\u2028\u2029', '': 'empty name', list: [null, true, false, [], {}],
    } }, note: 'Ångström e\u0301 \ud83d\udc69\u200d\ud83d\ude80 日本語' }), context: { game: { id: 'Spiel „7“ \ud83c\udfb2' } } },
    from: 'one', about: 'seven', method: 'eip712' },
  { name: 'the same texts in words',
    submission: { attestation: claim({ claim: { type: 'peer.überprüfung', data: {} } }), context: { game: { id: 'Spiel „7“ \ud83c\udfb2' } } },
    from: 'one', about: 'seven', method: 'eip191' },
  { name: 'numbers',
    submission: { attestation: claim({ confidence: 0.1, claim: { type: 'n', data: { list: [0, -0, 1, -1, 0.5, 1e-6, 1e-7, 1.5e-300, 5e-324,
      0.30000000000000004, 333333333.3333333, 4.5, 2e-3, 9007199254740991, -9007199254740991, 1234567890.125] } } }) },
    from: 'one', about: 'seven', method: 'eip712' },
  { name: 'written loosely',
    sent: ' {\n "proof" : { "signature":"@SIGNATURE@" , "type":"eip712" },"attestation": {"subject":"7","note":"\\u00e9\\ud83d\\ude00\\/", "round":8.0, ' +
      '"confidence":62E-2,"claim":{"data":{},"type":"t\\u0079pe"},"issuer":"1","id":"x","schemaVersion":"attestation/v1","issuerKind":"agent"},\t"context":{"game":{"id":"g"}}}\r\n',
    from: 'one', about: 'seven', method: 'eip712' },
];

export function attestationVectors() {
  return cases.map(({ name, sent, from, about, ...rest }) => {
    let { submission } = rest;
    if (sent) {
      submission = JSON.parse(sent);
      delete submission.proof;
    }
    const made = record({ ...rest, submission, from: agents[from], about: agents[about] });
    const out = {
      name, submission: sent ? sent.replace('@SIGNATURE@', made.signature) : JSON.stringify(made.submission),
      issuer: made.said.issuer, subject: made.said.subject, uidText: made.uidText, uid: made.uid, payload: made.payload,
      payloadHash: hash(made.payload), method: made.method, role: made.role, signer: made.signer, digest: made.digest, signature: made.signature,
      evidence: made.evidenceText, evidenceHash: hash(made.evidenceText), at: 1790000000000, entry: made.entry, leaf: hex(made.leaf),
    };
    if (made.method === 'eip191') out.spoken = spoken(made.said);
    return out;
  });
}

// Forms in which an attestation may name an agent, and what is none. As JSON texts, since a number is one of them.
export function nameVectors() {
  const mixed = ethers.getAddress(REGISTRY);
  const most = (2n ** 256n - 1n).toString();
  const over = (2n ** 256n).toString();
  const read = [
    [`"${keyText(42)}"`, keyText(42)], [`"${keyText(0)}"`, keyText(0)], [`"${keyText(most)}"`, keyText(most)],
    [`"eip155:${CHAIN}/erc721:${mixed}/42"`, keyText(42)], [`"${keyText(42).toUpperCase().replace('0X', '0x')}"`, keyText(42)],
    ['"42"', keyText(42)], ['42', keyText(42)], ['"0"', keyText(0)], ['0', keyText(0)], [`"${most}"`, keyText(most)],
    ['9007199254740991', keyText('9007199254740991')], ['"agent:42"', keyText(42)], ['"agent:0"', keyText(0)],
    [`"erc8004:${CHAIN}:42"`, keyText(42)], [`"erc8004:${CHAIN}:${REGISTRY}:42"`, keyText(42)], [`"erc8004:${CHAIN}:${mixed}:42"`, keyText(42)],
    [`"${agentDid(42)}"`, keyText(42)], [`"${otherDid(42, OTHER_REGISTRY)}"`, keyText(42, OTHER_REGISTRY)],
  ];
  const refused = ['""', '"-1"', '-1', '1.5', '"042"', '"agent:042"', '"agent:"', '"+42"', '"0x2a"', '" 42"', '"42 "', 'null', 'true', '{}', '[42]',
    `"${over}"`, `"agent:${over}"`, `"${keyText(over)}"`, `"${keyText('042')}"`, `"eip155:0${CHAIN}/erc721:${REGISTRY}/42"`,
    `"eip155:${CHAIN}/erc721:${REGISTRY.slice(0, -1)}/42"`, `"eip155:${CHAIN}/erc721:${REGISTRY}0/42"`, `"eip155:${CHAIN}/erc20:${REGISTRY}/42"`,
    `"eip155:${CHAIN}/erc721:${REGISTRY}"`, `"eip155:${CHAIN}/erc721:${REGISTRY}/"`, `"${keyText(42)}/"`, `"${keyText(42)}\\u0000"`,
    `"erc8004:${CHAIN}"`, `"erc8004::42"`, `"did:web:elsewhere.example:agent:${CHAIN}:42"`, `"${agentDid(42)}:x"`, `"${agentDid('042')}"`];
  return { registry: REGISTRY, chainId: CHAIN, read: read.map(([json, key]) => ({ json, key })), refused };
}

