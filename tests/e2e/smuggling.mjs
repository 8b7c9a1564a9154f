// Requests on which two HTTP parsers could disagree, against the real port. Each carries an attestation that would be
// accepted, and is followed on the same connection by a request that would be accepted too: at most one answer may come,
// 4xx, 501 or 505, the connection ends, and the log holds nothing of either.   node smuggling.mjs --kedge FILE
import assert from 'node:assert/strict';
import { drive, kedgeBinary } from './harness.mjs';
import { agentSafe, claim, ethers, fund, registerBy, sign, uidOf } from './agents.mjs';

const zero = ethers.Wallet.createRandom();
let stack;
const uids = [];

function item() {
  const made = sign(stack, zero, { attestation: claim(0, 1) });
  uids.push(uidOf(made));
  return JSON.stringify(made);
}

const host = () => `Host: ${stack.host}\r\n`;
const json = 'Content-Type: application/json\r\n';
const whole = (body) => `POST /v1/attestations HTTP/1.1\r\n${host()}${json}Content-Length: ${body.length}\r\n\r\n${body}`;
const post = (headers, body) => `POST /v1/attestations HTTP/1.1\r\n${host()}${json}${headers}\r\n${body}`;
const get = (headers, line = 'GET /log/vkey HTTP/1.1') => `${line}\r\n${headers}\r\n`;
const chunked = (body) => `${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`;

// [name, bytes] with `n` the length of the body and `b` the body
const rows = () => {
  const b = item();
  const n = b.length;
  const inner = whole(item()); // what a fooled server would take for a second request
  return [
    ['Content-Length and Transfer-Encoding', post(`Content-Length: ${n}\r\nTransfer-Encoding: chunked\r\n`, chunked(b))],
    ['Transfer-Encoding and Content-Length', post(`Transfer-Encoding: chunked\r\nContent-Length: ${n}\r\n`, chunked(b))],
    ['CL.TE', post(`Content-Length: ${5 + inner.length}\r\nTransfer-Encoding: chunked\r\n`, `0\r\n\r\n${inner}`)],
    ['TE.CL', post('Content-Length: 4\r\nTransfer-Encoding: chunked\r\n', chunked(inner))],
    ['two different Content-Length', post(`Content-Length: ${n}\r\nContent-Length: 0\r\n`, b)],
    ['two different Content-Length, the short one first', post(`Content-Length: 0\r\nContent-Length: ${n}\r\n`, b)],
    ['two equal Content-Length', post(`Content-Length: ${n}\r\nContent-Length: ${n}\r\n`, b)],
    ['a list of Content-Length', post(`Content-Length: ${n}, ${n}\r\n`, b)],
    ['Content-Length +', post(`Content-Length: +${n}\r\n`, b)],
    ['Content-Length -', post(`Content-Length: -${n}\r\n`, b)],
    ['Content-Length 0x', post(`Content-Length: 0x${n.toString(16)}\r\n`, b)],
    ['Content-Length with a space inside', post(`Content-Length: ${String(n).slice(0, 1)} ${String(n).slice(1)}\r\n`, b)],
    ['Content-Length 10^20', post('Content-Length: 100000000000000000000\r\n', b)],
    ['Content-Length 2^64 and more', post(`Content-Length: ${2n ** 64n + BigInt(n)}\r\n`, b)],
    ['Transfer-Encoding xchunked', post('Transfer-Encoding: xchunked\r\n', chunked(b))],
    ['Transfer-Encoding gzip, chunked', post('Transfer-Encoding: gzip, chunked\r\n', chunked(b))],
    ['Transfer-Encoding chunked, identity', post('Transfer-Encoding: chunked, identity\r\n', chunked(b))],
    ['Transfer-Encoding identity beside a length', post(`Transfer-Encoding: identity\r\nContent-Length: ${n}\r\n`, b)],
    ['two Transfer-Encoding', post('Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n', chunked(b))],
    ['Transfer-Encoding after a vertical tab', post('Transfer-Encoding: \vchunked\r\n', chunked(b))],
    ['Transfer-Encoding in quotes', post('Transfer-Encoding: "chunked"\r\n', chunked(b))],
    ['Transfer-Encoding in HTTP/1.0', `POST /v1/attestations HTTP/1.0\r\n${host()}${json}Transfer-Encoding: chunked\r\n\r\n${chunked(b)}`],
    ['a space before the colon', post(`Content-Length : ${n}\r\n`, b)],
    ['a tab before the colon', post(`Content-Length\t: ${n}\r\n`, b)],
    ['a space before the colon of the coding', post(`Transfer-Encoding : chunked\r\nContent-Length: ${n}\r\n`, b)],
    ['a space before the name', post(` Content-Length: ${n}\r\n`, b)],
    ['a name with a NUL', post(`Content-Length\0: ${n}\r\n`, b)],
    ['obs-fold of a length', post(`Content-Length:\r\n ${n}\r\n`, b)],
    ['obs-fold of a coding', post('Transfer-Encoding:\r\n\tchunked\r\n', chunked(b))],
    ['obs-fold', get(`${host()}X-A: b\r\n c\r\n`)],
    ['two Host', get(`${host()}Host: b.example\r\n`)],
    ['the same Host twice', get(host() + host())],
    ['no Host', get('X-A: b\r\n')],
    ['no header at all', get('')],
    ['a Host with a path', get('Host: a/b\r\n')],
    ['NUL in a value', get(`${host()}X-A: b\0c\r\n`)],
    ['NUL at the end of a value', get(`${host()}X-A: b\0\r\n`)],
    ['bare CR in a value', get(`${host()}X-A: b\rc\r\n`)],
    ['bare CR hiding a length', post(`X-A: b\rContent-Length: ${n}\r\n`, b)],
    ['bare LF hiding a length', post(`X-A: b\nContent-Length: ${n}\r\n`, b)],
    ['bare LF after the request line', `GET /log/vkey HTTP/1.1\n${host()}\r\n`],
    ['chunk size -1', post('Transfer-Encoding: chunked\r\n', `-1\r\n${b}\r\n0\r\n\r\n`)],
    ['chunk size 0x', post('Transfer-Encoding: chunked\r\n', `0x${chunked(b)}`)],
    ['chunk size of 17 digits', post('Transfer-Encoding: chunked\r\n', `10000000000000${n.toString(16).padStart(3, '0')}\r\n${b}\r\n0\r\n\r\n`)],
    ['a chunk longer than its size', post('Transfer-Encoding: chunked\r\n', `${(n - 2).toString(16)}\r\n${b}\r\n0\r\n\r\n`)],
    ['a head of 20 KB', get(`${host()}X-A: ${'a'.repeat(20000)}\r\n`)],
    ['200 headers', get(host() + Array.from({ length: 200 }, (_, i) => `X-${i}: a\r\n`).join(''))],
    ['GET with a body', get(`${host()}Content-Length: ${inner.length}\r\n`) + inner],
    ['GET with a chunked body', get(`${host()}Transfer-Encoding: chunked\r\n`) + chunked(inner)],
    ['another expectation', post(`Expect: 200-ok\r\nContent-Length: ${n}\r\n`, b)],
    ['HTTP/2.0', get(host(), 'GET /log/vkey HTTP/2.0')],
    ['HTTP/1.2', get(host(), 'GET /log/vkey HTTP/1.2')],
    ['http/1.1', get(host(), 'GET /log/vkey http/1.1')],
    ['a space after the version', get(host(), 'GET /log/vkey HTTP/1.1 ')],
    ['a space in the target', get(host(), 'GET /log/vkey x HTTP/1.1')],
    ['CONNECT', get(host(), 'CONNECT a.example:80 HTTP/1.1')],
    ['a method with a bracket', get(host(), 'G(T /log/vkey HTTP/1.1')],
    ['dot segments', get(host(), 'GET /log/../log/vkey HTTP/1.1')],
    ['encoded dot segments', get(host(), 'GET /log/%2e%2e/vkey HTTP/1.1')],
    ['NUL in the path', get(host(), 'GET /log/vkey%00 HTTP/1.1')],
    ['an encoded line feed in the path', get(host(), 'GET /log/vkey%0aX HTTP/1.1')],
    ['the preface of HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
    ['a TLS hello', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n'],
  ];
};

// How many answers a client reads out of these bytes. What libmicrohttpd refuses by itself it sends with its head twice
// (docs/http.md): by its Content-Length that is one answer, and what follows it is none.
function answersIn(bytes) {
  const text = bytes.toString('latin1');
  let at = 0;
  for (let n = 0; ; n++) {
    const head = /^HTTP\/1\.[01] (\d{3}) [^]*?\r\n\r\n/.exec(text.slice(at));
    if (!head) return n;
    if (head[1] === '100') n--;
    at += head[0].length + Number(/^content-length: (\d+)/im.exec(head[0])?.[1] ?? 0);
  }
}

async function one([name, bytes]) {
  const follow = whole(item());
  const { bytes: back, closed } = await stack.raw(Buffer.from(bytes + follow, 'latin1'), { ms: 8000 });
  const text = back.toString('latin1');
  const answers = answersIn(back);
  const status = Number(/^HTTP\/1\.[01] (\d{3}) /.exec(text)?.[1] ?? 0);
  assert.ok(status === 0 || (status >= 400 && status < 500) || status === 501 || status === 505, `${name}: ${text.slice(0, 300)}`);
  assert.ok(answers <= 1 && !/HTTP\/1\.[01] 2/.test(text), `${name}: ${answers} answers: ${text.slice(0, 2000)}`);
  assert.ok(closed, `${name}: the connection stays open after ${status}`);
  return status;
}

drive({ kedge: kedgeBinary() }, async (made) => {
  stack = made;
  await fund(stack, zero.address);
  await registerBy(stack, zero);
  await registerBy(stack, zero);
  await agentSafe(stack, 1);
  const known = sign(stack, zero, { attestation: claim(0, 1) });
  assert.equal((await stack.post('/v1/attestations', known)).status, 201);
  // the followers alone are good: two of them on one connection give two answers
  const { bytes } = await stack.raw(whole(JSON.stringify(known)) + whole(JSON.stringify(known)), { ms: 1500 });
  assert.equal(answersIn(bytes), 2);

  const count = async () => (await stack.sql("select count(*) from entry where kind <> 'index'"))[0][0];
  const before = await count();
  const wrong = [];
  const statuses = {};
  const table = rows();
  for (const row of table) await one(row).then((s) => { statuses[s] = (statuses[s] ?? 0) + 1; }, (e) => wrong.push(e.message));
  assert.deepEqual(wrong, []);
  assert.equal(await count(), before, 'nothing was logged');
  for (const uid of uids) assert.equal((await stack.http(`/v1/attestations/${uid}`)).status, 404);
  assert.equal((await stack.http('/healthz')).status, 200);
  return `${table.length} hostile requests: ${Object.entries(statuses).map(([s, n]) => `${n}× ${s === '0' ? 'closed' : s}`).join(', ')}`;
});
