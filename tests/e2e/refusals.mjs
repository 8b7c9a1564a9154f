// Every refusal of a bad attestation over HTTP, as data: status, problem type, pointer and rule, the same alone and in a
// batch; each type's page is served; nothing of it is stored.   node refusals.mjs --kedge FILE
import assert from 'node:assert/strict';
import { drive, kedgeBinary, until } from './harness.mjs';
import { agentSafe, claim, ethers, fund, keyText, registerBy, sign, uidOf } from './agents.mjs';
import { REGISTRY } from '../vectors/format.mjs';

const QUOTA = 3;
const [zero, one, two, stranger] = [0, 1, 2, 3].map(() => ethers.Wallet.createRandom());
const N = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n;
let stack;

// What cannot be signed as typed data at all gets some well-formed signature.
function signed(over = {}, more = {}, how = {}) {
  const item = { attestation: claim(0, 1, over), ...more };
  try {
    return sign(stack, zero, item, { issuer: 0, subject: 1, ...how });
  } catch (e) {
    if (!/^invalid|must be|cannot/.test(e.message) && !(e instanceof TypeError)) throw e;
    return { ...item, proof: sign(stack, zero, { attestation: claim(0, 1) }).proof };
  }
}
const withProof = (proof) => ({ ...signed(), proof });
const without = (member) => {
  const item = signed();
  delete item.attestation[member];
  return item;
};
const text = (item) => JSON.stringify(item);
// One change in the text of a good item, for what JSON.stringify would not write.
const edited = (from, to) => {
  const before = text(signed({ note: 'NOTE', round: 77 }));
  const after = before.replace(from, to);
  assert.notEqual(after, before);
  return after;
};
const nested = (depth) => '['.repeat(depth) + ']'.repeat(depth);
const context = (value) => signed({}, { context: value });
const context0 = (value) => ({ ...signed(), context: value });
const raw = (change) => {
  const item = signed();
  const bytes = ethers.getBytes(item.proof.signature);
  change(bytes);
  return { ...item, proof: { ...item.proof, signature: ethers.hexlify(bytes) } };
};
// The same signature with s replaced by n - s: valid for the same key, refused so that a proof has one spelling.
const highS = () => raw((bytes) => {
  const s = N - BigInt(ethers.hexlify(bytes.subarray(32, 64)));
  bytes.set(ethers.getBytes(ethers.toBeHex(s, 32)), 32);
  bytes[64] = 27 + 28 - bytes[64];
});

// [name, item (object, text or bytes), status, type, pointer, rule]
const rows = () => [
  // 400: not JSON that this log can keep
  ['half an object', text(signed()).slice(0, -1), 400, 'malformed', '/proof', undefined, 'alone'],
  ['a trailing comma', edited('"note":"NOTE",', '"note":"NOTE",,'), 400, 'malformed', '/attestation'],
  ['a single quote', edited('"NOTE"', "'NOTE'"), 400, 'malformed', '/attestation/note'],
  ['two values', `${text(signed())} ${text(signed())}`, 400, 'malformed', '', undefined, 'alone'],
  ['a leading zero', edited('"round":77', '"round":077'), 400, 'malformed', '/attestation/round'],
  ['NaN', edited('"round":77', '"round":NaN'), 400, 'malformed', '/attestation/round'],
  ['a byte order mark', `\ufeff${text(signed())}`, 400, 'malformed'],
  ['a raw control character', edited('NOTE', 'a\u0001b'), 400, 'malformed', '/attestation/note'],
  ['a member twice', edited('"note":"NOTE"', '"note":"NOTE","note":"other"'), 400, 'duplicate-key', '/attestation/note'],
  ['a member twice, one escaped', edited('"note":"NOTE"', '"note":"NOTE","n\\u006fte":"other"'), 400, 'duplicate-key', '/attestation/note'],
  ['invalid UTF-8', Buffer.from(edited('NOTE', '\u00ff'), 'latin1'), 400, 'bad-encoding', '/attestation/note'],
  ['overlong UTF-8', Buffer.from(edited('NOTE', '\u00c0\u00af'), 'latin1'), 400, 'bad-encoding', '/attestation/note'],
  ['half a surrogate pair', edited('NOTE', '\\ud83d'), 400, 'bad-encoding', '/attestation/note'],
  ['NUL', edited('NOTE', 'a\\u0000b'), 400, 'bad-encoding', '/attestation/note'],
  ['an integer beyond 2^53-1', edited('"round":77', '"round":9007199254740992'), 400, 'bad-number', '/attestation/round'],
  ['a number beyond a double', edited('"round":77', '"round":1e400'), 400, 'bad-number', '/attestation/round'],
  ['33 levels', edited('"NOTE"', nested(33)), 400, 'too-deep', null],
  ['10,000 levels', edited('"NOTE"', nested(10000)), 400, 'too-deep', null],
  // 413
  ['32 KiB', signed({ claim: { type: 't', data: { x: 'x'.repeat(32768) } } }), 413, 'too-large', ''],
  // 422: shape
  ['a text', '"attestation"', 422, 'invalid-attestation', ''],
  ['a number', '7', 422, 'invalid-attestation', ''],
  ['null', 'null', 422, 'invalid-attestation', ''],
  ['an unknown member', { ...signed(), extra: 1 }, 422, 'unknown-member', '/extra'],
  ['an unknown member that needs escaping', { ...signed(), 'a/b~c': 1 }, 422, 'unknown-member', '/a~1b~0c'],
  ['no attestation', { proof: signed().proof }, 422, 'missing-member', '/attestation'],
  ['attestation as text', { ...signed(), attestation: 'x' }, 422, 'invalid-attestation', '/attestation'],
  ...['schemaVersion', 'id', 'issuer', 'issuerKind', 'subject', 'claim'].map((m) => [`no ${m}`, without(m), 422, 'missing-member', `/attestation/${m}`]),
  ['another schema', signed({ schemaVersion: 'attestation/v2' }), 422, 'schema-version', '/attestation/schemaVersion'],
  ['an empty id', signed({ id: '' }), 422, 'invalid-attestation', '/attestation/id'],
  ['issuer as object', signed({ issuer: {} }), 422, 'invalid-attestation', '/attestation/issuer'],
  ['subject as a fraction', signed({ subject: 1.5 }), 422, 'invalid-attestation', '/attestation/subject'],
  ['subject as a negative number', signed({ subject: -1 }), 422, 'invalid-attestation', '/attestation/subject'],
  ['an unknown issuerKind', signed({ issuerKind: 'human' }), 422, 'invalid-attestation', '/attestation/issuerKind'],
  ['claim as text', { ...signed(), attestation: { ...claim(0, 1), claim: 'x' } }, 422, 'invalid-attestation', '/attestation/claim'],
  ['no claim type', signed({ claim: { data: {} } }), 422, 'missing-member', '/attestation/claim/type'],
  ['an empty claim type', signed({ claim: { type: '', data: {} } }), 422, 'invalid-attestation', '/attestation/claim/type'],
  ['a claim type of 257 characters', signed({ claim: { type: 'ü'.repeat(257), data: {} } }), 422, 'invalid-attestation', '/attestation/claim/type'],
  ['a line feed in the claim type', signed({ claim: { type: 'a\nuid: 0x00', data: {} } }), 422, 'control-character', '/attestation/claim/type'],
  ['DEL in the claim type', signed({ claim: { type: 'a\u007f', data: {} } }), 422, 'control-character', '/attestation/claim/type'],
  ['no claim data', signed({ claim: { type: 't' } }), 422, 'missing-member', '/attestation/claim/data'],
  ['claim data as a list', signed({ claim: { type: 't', data: [] } }), 422, 'invalid-attestation', '/attestation/claim/data'],
  ['a note of 201 code points', signed({ note: '😀'.repeat(201) }), 422, 'note-too-long', '/attestation/note'],
  ['a note that is no text', signed({ note: 7 }), 422, 'invalid-attestation', '/attestation/note'],
  ['confidence above 1', signed({ confidence: 1.0000001 }), 422, 'confidence-range', '/attestation/confidence'],
  ['confidence below 0', signed({ confidence: -0.1 }), 422, 'confidence-range', '/attestation/confidence'],
  ['confidence as text', signed({ confidence: '0.5' }), 422, 'invalid-attestation', '/attestation/confidence'],
  ['a negative round', signed({ round: -1 }), 422, 'round-range', '/attestation/round'],
  ['half a round', signed({ round: 1.5 }), 422, 'round-range', '/attestation/round'],
  ['a round as text', signed({ round: '8' }), 422, 'round-range', '/attestation/round'],
  ['issuedAt as a list', signed({ issuedAt: [] }), 422, 'invalid-attestation', '/attestation/issuedAt'],
  ['evidenceRefs as an object', signed({ evidenceRefs: {} }), 422, 'invalid-attestation', '/attestation/evidenceRefs'],
  ['an evidence reference as text', signed({ evidenceRefs: [{}, 'x'] }), 422, 'invalid-attestation', '/attestation/evidenceRefs/1'],
  ['evidence for some eyes only', signed({ evidenceRefs: [{ visibility: 'viewer-visible' }] }), 422, 'evidence-visibility',
    '/attestation/evidenceRefs/0/visibility'],
  ['context as text', context0('x'), 422, 'invalid-attestation', '/context'],
  ['an unknown member of context', context0({ games: {} }), 422, 'unknown-member', '/context/games'],
  ['game as text', context0({ game: 'g' }), 422, 'invalid-attestation', '/context/game'],
  ['an unknown member of game', context0({ game: { id: 'g', name: 'n' } }), 422, 'unknown-member', '/context/game/name'],
  ['no game id', context0({ game: {} }), 422, 'missing-member', '/context/game/id'],
  ['a game id of 129 characters', context({ game: { id: 'g'.repeat(129) } }), 422, 'invalid-attestation', '/context/game/id'],
  ['a line feed in the game id', context({ game: { id: 'g\nround: 9' } }), 422, 'control-character', '/context/game/id'],
  ['a game type that is no text', context({ game: { id: 'g', type: 1 } }), 422, 'invalid-attestation', '/context/game/type'],
  ['relay as a list', context0({ relay: [] }), 422, 'invalid-attestation', '/context/relay'],
  ['an empty surface', context0({ surface: '' }), 422, 'invalid-attestation', '/context/surface'],
  ['a short salt', signed({}, { salt: 'ab'.repeat(15) }), 422, 'salt-form', '/salt'],
  ['a salt in capitals', signed({}, { salt: 'AB'.repeat(16) }), 422, 'salt-form', '/salt'],
  ['an embargo', context({ release: { round: 9 } }), 422, 'embargo-not-offered', '/context/release'],
  ['an unknown name', signed({ subject: 'somebody' }), 422, 'unknown-name', '/attestation/subject'],
  ['an id with a leading zero', signed({ issuer: '007' }), 422, 'unknown-name', '/attestation/issuer'],
  ['another host\'s agent', signed({ subject: 'did:web:elsewhere.example:agent:31337:1' }), 422, 'unknown-name', '/attestation/subject'],
  ['about itself', signed({ subject: 0 }), 422, 'self-attestation', '/attestation/subject'],
  ['about itself, in another spelling', signed({ subject: keyText(0) }), 422, 'self-attestation', '/attestation/subject'],
  ['nobody', signed({ subject: 98 }, {}, { subject: 98 }), 422, 'unknown-subject', '/attestation/subject', 'subject'],
  // 422: proof
  ['no proof', { attestation: claim(0, 1) }, 422, 'missing-member', '/proof'],
  ['a proof as text', withProof('0x00'), 422, 'invalid-attestation', '/proof'],
  ['an unknown kind of proof', withProof({ ...signed().proof, type: 'eip1271' }), 422, 'proof-form', '/proof/type'],
  ['an unknown member of the proof', withProof({ ...signed().proof, by: '0x' }), 422, 'unknown-member', '/proof/by'],
  ['no signature', withProof({ type: 'eip712' }), 422, 'missing-member', '/proof/signature'],
  ['a signature too short', withProof({ type: 'eip712', signature: '0x' + 'ab'.repeat(64) }), 422, 'proof-form', '/proof/signature'],
  ['a signature in capitals', withProof({ type: 'eip712', signature: '0x' + 'AB'.repeat(65) }), 422, 'proof-form', '/proof/signature'],
  // 403: rules
  ['a system issuer', signed({ issuerKind: 'system' }), 403, 'not-admitted', '/attestation/issuer', 'issuer'],
  ['a plugin issuer', signed({ issuerKind: 'plugin' }), 403, 'not-admitted', '/attestation/issuer', 'issuer'],
  ['a surface', context({ surface: 'a'.repeat(64) }), 403, 'not-admitted', '/context/surface', 'surface'],
  ['another chain', signed({ subject: 'eip155:1/erc721:' + REGISTRY + '/1' }), 403, 'not-admitted', '/attestation/subject', 'registry'],
  ['another registry', signed({ issuer: keyText(1, '0x' + '11'.repeat(20)) }), 403, 'not-admitted', '/attestation/issuer', 'registry'],
  ['high s', highS(), 403, 'not-admitted', '/proof/signature', 'signature'],
  ['v 0', raw((b) => { b[64] -= 27; }), 403, 'not-admitted', '/proof/signature', 'signature'],
  ['v 29', raw((b) => { b[64] = 29; }), 403, 'not-admitted', '/proof/signature', 'signature'],
  ['r 0', raw((b) => { b.fill(0, 0, 32); }), 403, 'not-admitted', '/proof/signature', 'signature'],
  ['s 0', raw((b) => { b.fill(0, 32, 64); }), 403, 'not-admitted', '/proof/signature', 'signature'],
  ['r at n', raw((b) => { b.set(ethers.getBytes(ethers.toBeHex(N, 32)), 0); }), 403, 'not-admitted', '/proof/signature', 'signature'],
  ['a stranger', sign(stack, stranger, { attestation: claim(0, 1) }), 403, 'not-admitted', '/proof/signature', 'authority'],
  ['the subject itself', sign(stack, one, { attestation: claim(0, 1) }), 403, 'not-admitted', '/proof/signature', 'authority'],
  ['an issuer that does not exist', sign(stack, zero, { attestation: claim(99, 1) }), 403, 'not-admitted', '/attestation/issuer', 'authority'],
  ['a proof of the other kind', withProof({ type: 'eip191', signature: signed().proof.signature }), 403, 'not-admitted', '/proof/signature', 'authority'],
  ['another attestation\'s proof', withProof(sign(stack, zero, { attestation: claim(0, 1) }).proof), 403, 'not-admitted', '/proof/signature', 'authority'],
  ['changed after it was signed', { ...signed(), attestation: { ...signed().attestation, note: 'else' } }, 403, 'not-admitted', '/proof/signature', 'authority'],
  ['moved into a game after it was signed', { ...signed(), context: { game: { id: 'g' } } }, 403, 'not-admitted', '/proof/signature', 'authority'],
  ['meant for another log', sign({ ...stack, origin: 'elsewhere.example/log' }, zero, { attestation: claim(0, 1) }), 403, 'not-admitted',
    '/proof/signature', 'authority'],
];

// What is wrong with a whole body: [name, body, headers, status, type]
const bodies = () => [
  ['nothing', '', {}, 400, 'malformed'],
  ['an empty list', '[]', {}, 400, 'malformed'],
  ['a list without end', `[${text(signed())}`, {}, 400, 'malformed'],
  ['bytes after the list', '[1] 2', {}, 400, 'malformed'],
  ['1,025 items', `[${Array(1025).fill('1').join(',')}]`, {}, 413, 'too-large'],
  ['a form', 'a=b', { 'content-type': 'application/x-www-form-urlencoded' }, 415, 'unsupported-media-type'],
];

// What strangers can cause to be stored; the gateway logs facts of its own meanwhile.
const snapshot = async () => JSON.stringify(await stack.sql(`select count(*), count(body), count(distinct evidence), (select coalesce(sum(count), 0) from quota)
  from entry left join payload using (seq) where kind = 'attestation'`));

const pages = new Map();
async function page(type) {
  if (!pages.has(type)) {
    const answer = await stack.http(`/problems/${type}`);
    assert.equal(answer.status, 200, `/problems/${type}`);
    assert.match(answer.headers['content-type'], /^text\/html/);
    pages.set(type, answer.body.toString());
  }
  assert.ok(pages.get(type).includes(type));
}

async function expect(problem, [name, , status, type, pointer = '', rule]) {
  assert.equal(problem.type, `${stack.url}/problems/${type}`, `${name}: ${JSON.stringify(problem)}`);
  assert.equal(problem.status, status, name);
  if (pointer !== null) assert.equal(problem.pointer ?? '', pointer, `${name}: ${JSON.stringify(problem)}`);
  assert.equal(problem.rule, rule, name);
  assert.ok(problem.title && problem.detail, `${name}: a title and a detail`);
  await page(type);
}

async function single(row) {
  const [name, item, status] = row;
  const body = typeof item === 'string' || Buffer.isBuffer(item) ? item : text(item);
  const answer = await stack.post('/v1/attestations', body);
  assert.equal(answer.status, status, `${name}: ${answer.status} ${answer.body}`);
  assert.equal(answer.headers['content-type'], 'application/problem+json', name);
  await expect(answer.json(), row);
  return answer.json();
}

const bytesOf = (item) => (Buffer.isBuffer(item) ? item : Buffer.from(typeof item === 'string' ? item : text(item)));

// All of them in one list, between two that are good and known already.
async function inOneBatch(all, good, singles) {
  const wanted = all.filter(([, item, , , , , where]) => where !== 'alone' && bytesOf(item).length < 33000);
  const parts = [Buffer.from(`[${text(good)}`), ...wanted.flatMap(([, item]) => [Buffer.from(','), bytesOf(item)]), Buffer.from(`,${text(good)}]`)];
  const answer = await stack.post('/v1/attestations', Buffer.concat(parts));
  assert.equal(answer.status, 207, answer.body.toString().slice(0, 500));
  const { results } = answer.json();
  assert.equal(results.length, wanted.length + 2);
  for (const end of [results[0], results.at(-1)]) assert.equal(end.status, 200);
  for (const [i, row] of wanted.entries()) {
    const got = results[i + 1];
    assert.equal(got.status, row[2], row[0]);
    await expect(got.problem, row);
    const plain = ({ type, status: code, detail, pointer = '', rule }) => ({ type, code, detail: detail.replace(/block \d+$/, 'block'), pointer, rule });
    assert.deepEqual(plain(got.problem), plain(singles.get(row[0])), `${row[0]}: alone and in a batch`);
  }
  return wanted.length;
}

async function quota() {
  for (let n = 0; n < QUOTA; n++) {
    const item = sign(stack, two, { attestation: claim(2, 1) });
    assert.equal((await stack.post('/v1/attestations', item)).status, 201);
  }
  const before = await snapshot();
  const over = sign(stack, two, { attestation: claim(2, 1) });
  await single(['one too many', over, 403, 'not-admitted', '', 'quota']);
  await single(['one too many, in a game', sign(stack, two, { attestation: claim(2, 1), context: { game: { id: 'g' } } }), 403, 'not-admitted', '', 'quota']);
  assert.equal((await stack.http(`/v1/attestations/${uidOf(over)}`)).status, 404);
  assert.equal(await snapshot(), before);
}

// Without the chain nobody's authority can be told: 503, and nothing is stored.
async function chainGone() {
  const before = await snapshot();
  const fresh = sign(stack, one, { attestation: claim(1, 0) });
  await stack.keep(false);
  await stack.stopChain();
  // a worker may answer from what it knows until its heads are ten seconds old
  await until('/readyz to name the chain', async () => {
    for (let n = 0; n < 8; n++) {
      const ready = await stack.http('/readyz');
      if (ready.status !== 503 || !/chain/.test(ready.body.toString())) return false;
    }
    return true;
  }, 30000, 300);
  const answer = await stack.post('/v1/attestations', sign(stack, stranger, { attestation: claim(1, 0) }));
  assert.equal(answer.status, 503, answer.body.toString());
  assert.ok(Number(answer.headers['retry-after']) > 0);
  await expect(answer.json(), ['no chain', null, 503, 'chain-unavailable', '']);
  assert.equal((await stack.post('/v1/attestations', fresh)).status, 503);
  assert.equal(await snapshot(), before);
  await stack.continueChain();
  await stack.keep(true);
  await stack.ready();
  assert.equal((await until('the chain back', async () => {
    const got = await stack.post('/v1/attestations', fresh);
    return got.status !== 503 && got;
  })).status, 201);
}

drive({ kedge: kedgeBinary(), quota: QUOTA }, async (made) => {
  stack = made;
  await fund(stack, zero.address, one.address, two.address);
  for (const wallet of [zero, one, two]) await registerBy(stack, wallet);
  await agentSafe(stack, 2);
  const good = signed();
  assert.equal((await stack.post('/v1/attestations', good)).status, 201);
  const before = await snapshot();
  const all = rows();
  const singles = new Map();
  const wrong = [];
  for (const row of all) await single(row).then((problem) => singles.set(row[0], problem), (e) => wrong.push(e.message));
  assert.deepEqual(wrong, []);
  assert.equal(singles.size, all.length, 'two rows of one name');
  assert.equal(await snapshot(), before, 'a refusal stores nothing');
  const batched = await inOneBatch(all, good, singles);
  for (const [name, body, headers, status, type] of bodies()) {
    const answer = await stack.post('/v1/attestations', body, { headers });
    assert.equal(answer.status, status, `${name}: ${answer.status} ${answer.body}`);
    await expect(answer.json(), [name, null, status, type, null]);
  }
  const head = `POST /v1/attestations HTTP/1.1\r\nHost: ${stack.host}\r\nContent-Type: application/json\r\nContent-Length: ${(4 << 20) + 1}\r\n\r\n`;
  assert.match((await stack.raw(head)).bytes.toString(), /^HTTP\/1.1 413 /, 'more than 4 MiB, refused by the head alone');
  assert.equal(await snapshot(), before, 'a refusal stores nothing');
  await quota();
  await chainGone();
  return `${all.length} refusals, ${batched} of them also in a batch, ${pages.size} problem pages`;
});
