// nginx with packaging/nginx.conf before a recorder: what of hostile requests gets through, and as what; events as they come;
// what is passed unchanged; its own words. Then before a kedge.   node front.mjs --kedge FILE
import fs from 'node:fs';
import http from 'node:http';
import http2 from 'node:http2';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import tls from 'node:tls';
import assert from 'node:assert/strict';
import { Front, drive, freePort, kedgeBinary, sleep, until } from './harness.mjs';

// Reads requests with its own eyes: heads and bodies by Content-Length; a chunked one is kept as it came.
class Recorder {
  requests = [];
  answer = (socket) => socket.write('HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\nok');

  async start() {
    this.server = net.createServer((socket) => {
      let bytes = Buffer.alloc(0);
      socket.on('error', () => {});
      socket.on('data', (part) => {
        bytes = Buffer.concat([bytes, part]);
        for (;;) {
          const end = bytes.indexOf('\r\n\r\n');
          if (end < 0) return;
          const head = bytes.subarray(0, end).toString('latin1');
          const length = Number(/^content-length: *(\d+)$/im.exec(head)?.[1] ?? 0);
          if (bytes.length < end + 4 + length) return;
          const request = { head, body: bytes.subarray(end + 4, end + 4 + length).toString('latin1') };
          bytes = bytes.subarray(end + 4 + length);
          this.requests.push(request);
          this.answer(socket, request);
        }
      });
    });
    await new Promise((resolve) => this.server.listen(0, '127.0.0.1', resolve));
    this.port = this.server.address().port;
  }
}

const recorder = new Recorder();
let front;

// Bytes over TLS, all that comes back until the other side closes or `ms` pass.
function raw(bytes, ms = 1500) {
  return new Promise((resolve) => {
    const parts = [];
    const socket = tls.connect({ port: front.port, host: '127.0.0.1', servername: 'localhost', ca: front.ca, ALPNProtocols: ['http/1.1'] });
    const done = () => {
      clearTimeout(timer);
      socket.destroy();
      resolve(Buffer.concat(parts).toString('latin1'));
    };
    const timer = setTimeout(done, ms);
    socket.on('secureConnect', () => socket.write(Buffer.from(bytes, 'latin1')));
    socket.on('data', (part) => parts.push(part));
    for (const event of ['end', 'error', 'close']) socket.on(event, done);
  });
}

const HOST = 'Host: localhost\r\n';
const FOLLOW = `GET /follow HTTP/1.1\r\n${HOST}\r\n`;
const post = (headers, body) => `POST /p HTTP/1.1\r\n${HOST}${headers}\r\n${body}`;
const CHUNKED = 'Transfer-Encoding: chunked\r\n';

// The rows that docs/http.md leaves to a proxy, and others on which parsers disagree. `wants`: what kedge would be sent, if anything:
// whole bodies with their length. Where the framing is in doubt nothing behind it may be read as a request.
const rows = [
  ['a chunked body', post(CHUNKED, '5\r\nhello\r\n0\r\n\r\n'), { body: 'hello', follows: true }],
  ['chunks', post(CHUNKED, '2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n'), { body: 'hello', follows: true }],
  ['leading zeros of a chunk size', post(CHUNKED, '0005\r\nhello\r\n0\r\n\r\n'), { body: 'hello', follows: true }],
  ['a chunk extension', post(CHUNKED, '5;name=value\r\nhello\r\n0\r\n\r\n'), { body: 'hello', follows: true }],
  ['trailer fields', post(CHUNKED, '5\r\nhello\r\n0\r\nX-Trailer: 1\r\nContent-Length: 100\r\n\r\n'), { body: 'hello', follows: true }],
  ['a chunk size of bare LF', post(CHUNKED, '5\nhello\n0\n\n'), { body: 'hello' }],
  ['chunk size 0x5', post(CHUNKED, '0x5\r\nhello\r\n0\r\n\r\n')],
  ['chunk size -1', post(CHUNKED, '-1\r\nhello\r\n0\r\n\r\n')],
  ['chunk size of 17 digits', post(CHUNKED, '10000000000000005\r\nhello\r\n0\r\n\r\n')],
  ['a chunk longer than its size', post(CHUNKED, '3\r\nhello\r\n0\r\n\r\n')],
  ['chunk size of letters', post(CHUNKED, 'xyz\r\nhello\r\n0\r\n\r\n')],
  ['Content-Length and Transfer-Encoding', post(`Content-Length: 5\r\n${CHUNKED}`, '0\r\n\r\nGET /smuggled HTTP/1.1\r\n\r\n')],
  ['Transfer-Encoding and Content-Length', post(`${CHUNKED}Content-Length: 5\r\n`, '0\r\n\r\nGET /smuggled HTTP/1.1\r\n\r\n')],
  ['two Content-Length', post('Content-Length: 5\r\nContent-Length: 6\r\n', 'hello')],
  ['two equal Content-Length', post('Content-Length: 5\r\nContent-Length: 5\r\n', 'hello')],
  ['Content-Length +5', post('Content-Length: +5\r\n', 'hello')],
  ['Content-Length 10^20', post('Content-Length: 100000000000000000000\r\n', 'hello')],
  ['Transfer-Encoding xchunked', post('Transfer-Encoding: xchunked\r\n', '5\r\nhello\r\n0\r\n\r\n')],
  ['Transfer-Encoding gzip, chunked', post('Transfer-Encoding: gzip, chunked\r\n', '5\r\nhello\r\n0\r\n\r\n')],
  ['Transfer-Encoding in HTTP/1.0', `POST /p HTTP/1.0\r\n${HOST}${CHUNKED}\r\n5\r\nhello\r\n0\r\n\r\n`],
  ['two Host', `GET /p HTTP/1.1\r\n${HOST}Host: b.example\r\n\r\n`],
  ['no Host', 'GET /p HTTP/1.1\r\nX-A: b\r\n\r\n'],
  ['NUL in a value', `GET /p HTTP/1.1\r\n${HOST}X-A: b\0c\r\n\r\n`],
  ['HTTP/2.0 by name', `GET /p HTTP/2.0\r\n${HOST}\r\n`],
  ['CONNECT', 'CONNECT a.example:80 HTTP/1.1\r\nHost: a.example:80\r\n\r\n'],
  ['NUL in the path', `GET /p%00 HTTP/1.1\r\n${HOST}\r\n`],
  ['a way out of the root', `GET /../p HTTP/1.1\r\n${HOST}\r\n`],
];

async function hostile() {
  for (const [name, bytes, wants = {}] of rows) {
    recorder.requests = [];
    const text = await raw(bytes + FOLLOW, 700);
    const got = recorder.requests.map(({ head }) => head.split(' ')[1]);
    assert.ok(!got.includes('/smuggled'), name);
    if (wants.body === undefined) {
      assert.match(text, /^HTTP\/1\.1 (400|405|413|501|505) /, `${name}: ${text.slice(0, 200)}`);
      assert.deepEqual(got, [], `${name}: nothing goes on`);
      continue;
    }
    assert.deepEqual(got.slice(0, 1), ['/p'], name);
    assert.equal(recorder.requests[0].body, wants.body, name);
    assert.match(recorder.requests[0].head, /^content-length: 5$/im, name);
    assert.doesNotMatch(recorder.requests[0].head, /^(transfer-encoding|te|x-trailer|trailer|expect|upgrade):/im, name);
    if (wants.follows) assert.deepEqual(got, ['/p', '/follow'], name);
  }
  // fields that two readers could read differently do not go on
  recorder.requests = [];
  for (const field of ['Content-Length : 5', 'X_Under: 1', 'X A: 1', '(x): 1', 'TE: trailers', 'Upgrade: h2c', 'Connection: close, X-Secret', 'Keep-Alive: 5'])
    await raw(`GET /field HTTP/1.1\r\n${HOST}${field}\r\n\r\n`, 300);
  for (const { head } of recorder.requests) {
    assert.deepEqual(head.split('\r\n').slice(1).map((line) => line.split(':')[0].toLowerCase()).filter((field) => field !== 'host'), [], head);
  }
  return rows.length;
}

// What must pass, as it was sent.
async function passes() {
  const target = '/1.0/identifiers/did%3Aweb%3Alocalhost%253A8004%3Aagent%3A31337%3A0?versionId=1&x=%2F..%2F//';
  recorder.requests = [];
  recorder.answer = (socket) => socket.write('HTTP/1.1 410 Gone\r\nContent-Type: application/did-resolution\r\nETag: "x"\r\nVary: Accept\r\n' +
    'Cache-Control: public, max-age=2\r\nAccess-Control-Allow-Origin: *\r\nContent-Length: 2\r\n\r\n{}');
  const got = await front.get(target, { headers: { accept: 'application/did+json', 'if-none-match': '"a"', 'last-event-id': '7', authorization: 'x' } });
  assert.equal(got.status, 410);
  for (const [name, value] of Object.entries({ 'content-type': 'application/did-resolution', etag: '"x"', vary: 'Accept', 'cache-control': 'public, max-age=2' }))
    assert.equal(got.headers[name], value);
  assert.equal(got.headers['access-control-allow-origin'], '*');
  const [{ head }] = recorder.requests;
  assert.equal(head.split(' ')[1], target);
  assert.match(head, /^accept: application\/did\+json$/im);
  assert.match(head, /^if-none-match: "a"$/im);
  assert.match(head, /^last-event-id: 7$/im);
  // kedge's own refusals, also of what is too large for it
  recorder.answer = (socket) => socket.write('HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/problem+json\r\nRetry-After: 9\r\nContent-Length: 2\r\n\r\n{}');
  const busy = await front.get('/x', { method: 'POST', body: Buffer.alloc(4 << 20, 32) });
  assert.deepEqual([busy.status, busy.headers['retry-after'], busy.body.toString()], [503, '9', '{}']);
  assert.equal(recorder.requests.at(-1).body.length, 4 << 20);
  assert.equal((await front.get('/x', { method: 'POST', body: Buffer.alloc(6 << 20, 32) })).status, 413);
}

// Each event is there before the next is sent.
async function streams() {
  let send;
  recorder.answer = (socket) => {
    socket.write('HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: no-store\r\nTransfer-Encoding: chunked\r\n\r\n');
    send = (text) => socket.write(`${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n`);
  };
  const over = async (open) => {
    send = null;
    const seen = [];
    const close = open((text) => seen.push(text));
    await until('the stream to open', () => send);
    for (let n = 1; n <= 5; n++) {
      send(`id: ${n}\n\n`);
      await until(`event ${n}`, () => seen.join('') === Array.from({ length: n }, (_, i) => `id: ${i + 1}\n\n`).join(''), 2000, 5);
    }
    close();
  };
  const ask = '/v1/streams/participant.did';
  await over((on) => {
    const socket = tls.connect({ port: front.port, host: '127.0.0.1', servername: 'localhost', ca: front.ca, ALPNProtocols: ['http/1.1'] });
    let head = true;
    socket.on('secureConnect', () => socket.write(`GET ${ask} HTTP/1.1\r\n${HOST}\r\n`));
    socket.on('data', (part) => {
      let text = part.toString();
      if (head) text = text.slice(text.indexOf('\r\n\r\n') + 4);
      head = false;
      on(text.replace(/^[0-9a-f]+\r\n/gm, '').replaceAll('\r\n', ''));
    });
    return () => socket.destroy();
  });
  await over((on) => {
    const session = http2.connect(`https://localhost:${front.port}`, { ca: front.ca });
    const stream = session.request({ ':path': ask });
    stream.on('data', (part) => on(part.toString()));
    return () => session.destroy();
  });
}

// Nobody behind it, and too many connections of one address.
async function ownWords() {
  recorder.answer = (socket) => socket.destroy();
  const away = await front.get('/x');
  assert.deepEqual([away.status, away.headers['content-type'], away.headers['access-control-allow-origin']], [503, 'application/problem+json', '*']);
  assert.ok(Number(away.headers['retry-after']) > 0);
  assert.equal(away.json().status, 503);
  recorder.answer = () => {};
  const waiting = Array.from({ length: 110 }, () => front.get('/x', { timeout: 1500 }).catch((e) => e));
  await sleep(1000);
  const refused = (await Promise.all(waiting)).filter(({ status }) => status === 503);
  assert.ok(refused.length >= 8 && refused.length <= 12, `${refused.length} of 110 refused`);
  assert.match(refused[0].json().title, /Too many connections/);
}

function handshake(options) {
  return new Promise((resolve) => {
    const socket = tls.connect({ port: front.port, host: '127.0.0.1', servername: 'localhost', ca: front.ca, ...options }, () => {
      resolve(socket.getProtocol());
      socket.destroy();
    });
    socket.on('error', (e) => resolve(e.code));
  });
}

async function secrets() {
  assert.equal(await handshake({}), 'TLSv1.3');
  assert.equal(await handshake({ maxVersion: 'TLSv1.2' }), 'TLSv1.2');
  for (const maxVersion of ['TLSv1.1', 'TLSv1'])
    assert.match(await handshake({ minVersion: maxVersion, maxVersion, ciphers: 'DEFAULT@SECLEVEL=0' }), /^(ERR_SSL|ECONNRESET|EPROTO)/);
  assert.match(await handshake({ maxVersion: 'TLSv1.2', ciphers: 'ECDHE-ECDSA-AES128-SHA' }), /^(ERR_SSL|ECONNRESET|EPROTO)/);
  const session = http2.connect(`https://localhost:${front.port}`, { ca: front.ca });
  await new Promise((resolve) => session.once('connect', resolve));
  assert.equal(session.alpnProtocol, 'h2');
  session.destroy();
  // plain http on that port is told so, and nothing goes on
  const plain = await new Promise((resolve) => http.get({ port: front.port, host: '127.0.0.1' }, (answer) => resolve(answer.resume().statusCode)));
  assert.equal(plain, 400);
}

await recorder.start();
const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'kedge-front-'));
let count;
try {
  front = new Front(path.join(dir, 'nginx'), await freePort(), `127.0.0.1:${recorder.port}`);
  await front.start();
  await secrets();
  count = await hostile();
  await passes();
  await streams();
  await ownWords();
} finally {
  await front?.stop();
  recorder.server.close();
  fs.rmSync(dir, { recursive: true, force: true });
}

drive({ kedge: kedgeBinary(), tls: true }, async (stack) => {
  const did = `did:web:localhost%3A${stack.port}`;
  const document = (await stack.http('/.well-known/did.json')).json();
  assert.equal(document.id, did);
  assert.equal(stack.url, `https://localhost:${stack.port}`);
  const envelope = (await stack.http(`/1.0/identifiers/${encodeURIComponent(did)}`)).json();
  assert.deepEqual(envelope.didDocument, document);
  const chunky = await new Promise((resolve, reject) => {
    const request = stack.request('/v1/attestations/prepare', { method: 'POST', headers: { 'content-type': 'application/json', 'transfer-encoding': 'chunked' } }, resolve);
    request.on('error', reject);
    request.write('{"attest');
    request.end('ation":');
  });
  assert.equal(chunky.statusCode, 400);
  assert.match(chunky.headers['content-type'], /problem\+json/);
  chunky.resume();
  const big = await stack.http('/v1/attestations', { method: 'POST', body: Buffer.alloc((4 << 20) + 1, 32) });
  assert.equal(big.status, 413);
  assert.match(big.headers['content-type'], /problem\+json/);
  // what the gateway refuses by the head alone, while nginx still writes: its own words come through, every time
  for (let i = 0; i < 20; i++) {
    const body = Buffer.alloc(3 << 20, 32);
    const over = await stack.http('/1.0/identifiers/did:web:x', { method: 'POST', headers: { 'content-type': 'application/json' }, body });
    assert.equal(over.status, 413, `${i}: ${over.body}`);
    assert.equal((await stack.http('/v1/nothing', { method: 'POST', body })).status, 404);
  }
  assert.equal((await stack.http('/nothing')).status, 404);
  return `${count} hostile requests before a recorder`;
});
