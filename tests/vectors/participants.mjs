// Participants: the messages accounts sign, the payloads and entries made of them, erasures (docs/formats.md sections 1, 4 and 13).
import { CHAIN, HOST, REGISTRY, agentDid, canonical, ethers, hash, hex, keyText, leafOf, otherDid, sha256, testKey, utf8 } from './format.mjs';

const AT = 1790000000000;
const nul = Buffer.of(0);
const u64be = (n) => Buffer.from(BigInt(n).toString(16).padStart(16, '0'), 'hex');
const DOMAIN = `did:web:${HOST.replace(':', '%3A')}`;
const OTHER_REGISTRY = '0x00000000000000000000000000000000000000ff';

export const participantDid = (handle) => `${DOMAIN}:character:${handle}`;
export const handleHash = (handle) => hex(sha256(utf8('kedge/handle/v1'), nul, utf8(handle)));
export const participantKey = (name) => `urn:kedge:p:${hash(`participant ${name}`).slice(0, 32)}`;
const account = (name) => ethers.computeAddress(testKey(name));
export const pkh = (address, chain = CHAIN) => `did:pkh:eip155:${chain}:${ethers.getAddress(address)}`;
export const profileUrn = (profile) => `urn:kedge:v1:content:${hash(canonical(profile))}`;

// The one sentence of a change.
export function sentence({ verb, handle, object, controller }, host = HOST) {
  const it = object?.replaceAll('%3A', ':');
  return {
    claim: `I claim the handle ${handle} on ${host}. This account may act for it.`,
    link: `I link ${it} with the participant ${handle} of ${host}${controller ? `, and it may act for ${handle}` : ''}.`,
    unlink: `I unlink ${it} from the participant ${handle} of ${host}.`,
    profile: `I set the profile of the participant ${handle} of ${host}.`,
    erase: `I erase the participant ${handle} of ${host} for ever.`,
  }[verb];
}

export function messageOf(said, host = HOST) {
  const { verb, handle, object, controller, address, chain = CHAIN, nonce, issuedAt, expirationTime } = said;
  const resources = [`urn:kedge:v1:${verb}`, ...(object ? [object] : []), ...(controller ? ['urn:kedge:v1:role:controller'] : [])];
  return `${host} wants you to sign in with your Ethereum account:\n${ethers.getAddress(address)}\n\n${sentence(said, host)}\n\n` +
    `URI: did:web:${host.replace(':', '%3A')}:character:${handle}\nVersion: 1\nChain ID: ${chain}\nNonce: ${nonce}\nIssued At: ${issuedAt}\n` +
    `Expiration Time: ${expirationTime}\nResources:${resources.map((r) => `\n- ${r}`).join('')}`;
}

export const changeUid = (messages) =>
  hex(sha256(utf8('kedge/change/v1'), nul, ...messages.map((m) => sha256(utf8(m))).sort(Buffer.compare)));
export const lapseUid = (link) => hex(sha256(utf8('kedge/lapse/v1'), nul, u64be(link)));
export const erasureUid = (target) => hex(sha256(utf8('kedge/erasure/v1'), nul, u64be(target)));

export const changeEntry = ({ at, kind, payload, subject, uid }) =>
  `{"at":${at},"kind":"${kind}","payload":"${hash(payload)}","subject":"${subject}","uid":"${uid}","v":1}`;
export const erasureEntry = ({ at, by, reason, request, subject, target }) =>
  `{"at":${at},"by":"${by}","kind":"erasure","reason":"${reason}","request":"${request}","subject":"${subject}","target":${target},` +
  `"uid":"${erasureUid(target)}","v":1}`;

// ---- vectors ----

let made = 0;
function statement(name, said) {
  const whole = { handle: 'alice', address: account(name), chain: CHAIN, nonce: hash(`nonce ${made++}`).slice(0, 32), issuedAt: '2026-11-20T17:00:00Z',
    expirationTime: '2026-11-20T17:10:00Z', ...said };
  const message = messageOf(whole);
  return { name, ...whole, message, hash: hash(message) };
}

// The key text of an agent of the default registry.
const agentOf = (object) => (object?.startsWith(`${DOMAIN}:agent:`) ? { agent: keyText(object.split(':').pop()) } : {});
const sign = (name, message) => new ethers.SigningKey(testKey(name)).sign(ethers.hashMessage(message)).serialized;
const byHash = (a, b) => Buffer.compare(sha256(utf8(a.message)), sha256(utf8(b.message)));
const block = (n) => ({ hash: '0x' + hash(`block ${n}`), number: n });
const judged = { latest: block(44), safe: block(40) };

// `by`: who signs, each a name, or { name, judged, signature } for a contract.
function change({ by, said, kind, subject, more = {} }) {
  const messages = by.map((one) => {
    const { name, judged: at, signature } = typeof one === 'string' ? { name: one } : one;
    const { message } = statement(name, said);
    return { ...(at ? { judged: at } : {}), message, method: at ? 'erc1271' : 'eip191', signature: signature ?? sign(name, message) };
  }).sort(byHash);
  const { verb, handle = 'alice', object, controller } = said;
  const role = object?.startsWith('did:pkh:') && verb === 'link' ? { role: controller ? 'controller' : 'account' } : {};
  const body = { ...agentOf(object), ...(verb === 'claim' ? { handle } : {}), messages, ...(object ? { object } : {}), ...role, salt: hash(`salt ${made}`), v: 1, verb, ...more };
  return logged({ kind, subject, body, uid: changeUid(messages.map((m) => m.message)) });
}

function lapse({ subject, object, link, owner }) {
  const evidence = { final: block(60), owner };
  return logged({ kind: 'link', subject, body: { ...agentOf(object), evidence, link, object, salt: hash(`salt lapse ${link}`), v: 1, verb: 'lapse' }, uid: lapseUid(link) });
}

function logged({ kind, subject, body, uid }) {
  const payload = canonical(body);
  const entry = changeEntry({ at: AT + made, kind, payload, subject, uid });
  return { kind, subject, verb: body.verb, payload, uid, entry, leaf: hex(leafOf(entry)) };
}

function erasure(said) {
  const entry = erasureEntry({ at: AT, ...said });
  return { kind: 'erasure', ...said, uid: erasureUid(said.target), entry, leaf: hex(leafOf(entry)) };
}

export function participantVectors() {
  made = 0;
  const alice = account('alice'), bob = account('bob'), safe = account('a contract');
  const subject = participantKey('alice');
  const profile = { schema: 'coordination-games/enrollment@1.0', season: 1, participant_type: 'human', primary_class: 'weaver',
    stakeholder_class: ['player', 'é'], erc8004_id: 2202, erc8004_network: 'base', enrolled_at: '2026-05-12' };
  const foreign = 'did:web:example.com%3A8443:user:alice';
  const agentRead = (consent, owner = alice) => ({ ...(consent ? { consent } : {}), latest: block(44), owner: owner.toLowerCase(), safe: block(40) });
  const statements = [
    statement('alice', { verb: 'claim' }),
    statement('alice', { verb: 'claim', handle: 'a_-', chain: 1, nonce: 'aZ09'.repeat(4), issuedAt: '2026-11-20T17:00:00.000Z', expirationTime: '2026-11-21T17:00:00.000Z' }),
    statement('alice', { verb: 'claim', handle: 'x'.repeat(20), nonce: 'b'.repeat(64), issuedAt: '1970-01-01T00:00:00Z', expirationTime: '1970-01-01T00:00:00.001Z' }),
    statement('alice', { verb: 'link', object: pkh(bob) }),
    statement('bob', { verb: 'link', object: pkh(bob), controller: true }),
    statement('bob', { verb: 'link', object: pkh(bob, 1), chain: 1 }),
    statement('alice', { verb: 'link', object: agentDid(0) }),
    statement('alice', { verb: 'link', object: agentDid(2n ** 256n - 1n) }),
    statement('alice', { verb: 'link', object: otherDid(42, OTHER_REGISTRY) }),
    statement('alice', { verb: 'link', object: 'did:web:example.com' }),
    statement('alice', { verb: 'link', object: foreign }),
    statement('bob', { verb: 'unlink', object: pkh(bob) }),
    statement('alice', { verb: 'unlink', object: agentDid(0) }),
    statement('alice', { verb: 'unlink', object: foreign }),
    statement('alice', { verb: 'profile', object: profileUrn(profile) }),
    statement('alice', { verb: 'erase' }),
  ];
  const changes = [
    change({ by: ['alice'], said: { verb: 'claim' }, kind: 'alias', subject }),
    change({ by: ['alice', 'bob'], said: { verb: 'link', object: pkh(bob) }, kind: 'link', subject }),
    change({ by: ['alice', { name: 'a contract', judged, signature: '0x' }], said: { verb: 'link', object: pkh(safe), controller: true }, kind: 'link', subject }),
    change({ by: ['alice', 'carol'], said: { verb: 'link', object: agentDid(1) }, kind: 'link', subject, more: { evidence: agentRead('signed', account('carol')) } }),
    change({ by: ['alice'], said: { verb: 'link', object: agentDid(2) }, kind: 'link', subject, more: { evidence: agentRead('linked', bob) } }),
    change({ by: ['alice'], said: { verb: 'link', object: foreign }, kind: 'link', subject }),
    change({ by: ['alice'], said: { verb: 'profile', object: profileUrn(profile) }, kind: 'alias', subject, more: { profile } }),
    change({ by: ['alice'], said: { verb: 'profile', object: profileUrn({}) }, kind: 'alias', subject, more: { profile: {} } }),
    change({ by: ['carol'], said: { verb: 'unlink', object: agentDid(1) }, kind: 'link', subject, more: { evidence: agentRead(null, account('carol')) } }),
    change({ by: ['bob'], said: { verb: 'unlink', object: pkh(bob) }, kind: 'link', subject }),
    lapse({ subject, object: agentDid(2), link: 123456789, owner: '0x' + '0'.repeat(38) + 'c1' }),
  ];
  const erased = changes[0];
  const erasures = [
    erasure({ subject, target: 0, by: 'participant', reason: 'request', request: erased.uid }),
    erasure({ subject, target: 7, by: 'operator', reason: 'law', request: '0'.repeat(64) }),
    erasure({ subject: `eip155:${CHAIN}/erc721:${REGISTRY}/1`, target: 2 ** 53 - 1, by: 'operator', reason: 'mistake', request: hash('a letter') }),
  ];
  return {
    host: HOST, chain: CHAIN, registry: REGISTRY, chains: [CHAIN, 1],
    handles: ['alice', 'a_-', 'x'.repeat(20)].map((handle) => ({ handle, hash: handleHash(handle), did: participantDid(handle) })),
    statements: statements.map((s) => JSON.parse(JSON.stringify(s, (_, v) => (typeof v === 'bigint' ? String(v) : v)))),
    profile: { json: canonical(profile), urn: profileUrn(profile) },
    changes, erasures,
  };
}
