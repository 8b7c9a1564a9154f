// did:web of other hosts: a good one is fetched once for many, checked and remembered; every hostile one is refused, and the process is watched from outside by strace
// meanwhile: it connects to PostgreSQL, the node, the name server and the servers it was told of, and to nothing else. A worker full of servers that hang still answers.
//   node foreign.mjs --kedge FILE
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import fs from 'node:fs';
import https from 'node:https';
import net from 'node:net';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import { childrenOf, drive, kedgeBinary, sleep, until } from './harness.mjs';
import { root } from '../chain/lib.mjs';
import { Names } from './names.mjs';
import { answers, malformed, misbehaviours, unanswered } from './hostile_dids.mjs';

const kedge = kedgeBinary();
const PORT = 8443; // what the DIDs say
const WEB = [...Array(8)].map((_, i) => `w${i}.web.example`);
const bad = misbehaviours(gzipSync);
const hits = new Map();
let names, web, traps, trap;

// ---- the world ----

const named = new Map([...answers, ...unanswered.map(({ host }) => ({ host, none: true }))].map((row) => [row.host, row]));

// "rebound" is public at first and loopback ever after; "bound" the other way about.
function find(name, before) {
  if (name === 'rebound.names.example') return before === 0 ? { aaaa: ['2d00::1'] } : { a: ['127.0.0.1'], aaaa: ['::1'] };
  if (name === 'bound.names.example') return before === 0 ? { a: ['127.0.0.1'] } : { aaaa: ['2d00::1'] };
  const row = named.get(name);
  return row?.none ? undefined : row;
}

function serve(req, res) {
  const host = req.headers.host.split(':')[0];
  const segments = req.url.split('/').slice(1, -1);
  const did = `did:web:${host}%3A${PORT}:${segments.join(':')}`;
  hits.set(did, (hits.get(did) ?? 0) + 1);
  const kind = segments[0];
  if (bad[kind]) return bad[kind].done(res, did, trap);
  const document = { '@context': 'https://www.w3.org/ns/did/v1', id: did, alsoKnownAs: ['https://good.example/'],
    verificationMethod: [{ id: `${did}#key`, type: 'Multikey', controller: did, publicKeyMultibase: 'z6Mk' }], authentication: [`${did}#key`],
    service: [{ id: `${did}#files`, type: 'Files', serviceEndpoint: 'https://files.example/a/' }], serial: hits.get(did) };
  if (kind === 'good' || kind === 'short') {
    if (kind === 'short') res.setHeader('Cache-Control', 'max-age=1');
    return setTimeout(() => res.end(JSON.stringify(document)), 100);
  }
  return res.writeHead(404).end();
}

// Who connects here has gone where it must not.
async function setTraps() {
  traps = ['127.0.0.1', '::1'].map((host) => {
    const server = net.createServer((socket) => { server.caught = (server.caught ?? 0) + 1; socket.destroy(); });
    server.host = host;
    return server;
  });
  await new Promise((resolve) => traps[0].listen(0, '127.0.0.1', resolve));
  trap = traps[0].address().port;
  await new Promise((resolve) => traps[1].once('error', resolve).listen(trap, '::1', resolve));
  for (const server of traps) server.unref();
}

async function world(stack) {
  const [key, cert] = ['key', 'cert'].map((name) => path.join(stack.state, `web-${name}.pem`));
  const subjects = ['good.example', '*.web.example'].map((name) => `DNS:${name}`).join(',');
  execFileSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2', '-subj', '/CN=web',
    '-addext', `subjectAltName=${subjects}`, '-keyout', key, '-out', cert], { stdio: 'ignore' });
  web = https.createServer({ key: fs.readFileSync(key), cert: fs.readFileSync(cert) }, serve);
  await new Promise((resolve) => web.listen(0, '127.0.0.1', resolve));
  web.unref();
  names = await new Names(find).start();
  await setTraps();
  const allowed = ['good.example', ...WEB].map((host) => `${host}:${PORT}=127.0.0.1@${web.address().port}`);
  fs.writeFileSync(path.join(stack.state, 'allow.txt'), allowed.join('\n'));
  return { workers: 1, fetch_ca: cert, fetch_nameserver: `127.0.0.1:${names.port}`, fetch_allow: allowed.join('\nfetch_allow = ') };
}

// ---- the watch ----

// Every address that a process, or a child of its, connects or sends to.
class Watch {
  async start(stack, pid) {
    this.file = path.join(stack.state, 'strace.txt');
    fs.writeFileSync(this.file, '');
    this.child = spawn('strace', ['-f', '-qq', '-s', '0', '-e', 'trace=connect,sendto,sendmsg,sendmmsg', '-e', 'signal=none', '-o', this.file, '-p', String(pid)],
      { stdio: ['ignore', 'ignore', 'pipe'] });
    this.said = '';
    this.child.stderr.on('data', (text) => { this.said += text; });
    this.ended = new Promise((resolve) => this.child.once('close', resolve));
    this.child.once('error', (e) => { this.said += e.message; });
    await until('strace to hold the worker', () => {
      assert.ok(this.child.exitCode === null && this.child.pid, `strace does not watch: ${this.said}`);
      return /^TracerPid:\t[1-9]/m.test(fs.readFileSync(`/proc/${pid}/status`, 'utf8'));
    }, 10000);
  }

  async stop() {
    this.child.kill('SIGINT');
    await this.ended;
  }

  // "v4 ADDRESS PORT", "v6 ADDRESS PORT", "unix"
  seen() {
    const found = new Map();
    for (const line of fs.readFileSync(this.file, 'utf8').split('\n')) {
      const v4 = line.match(/sa_family=AF_INET, sin_port=htons\((\d+)\), sin_addr=inet_addr\("([^"]+)"\)/);
      const v6 = line.match(/sa_family=AF_INET6, sin6_port=htons\((\d+)\).*inet_pton\(AF_INET6, "([^"]+)"/);
      const other = line.match(/sa_family=(AF_\w+)/);
      const target = v4 ? `v4 ${v4[2]} ${v4[1]}` : v6 ? `v6 ${v6[2]} ${v6[1]}` : other ? other[1] : null;
      if (target) found.set(target, (found.get(target) ?? 0) + 1);
    }
    return found;
  }
}

// ---- asking ----

let stack;

async function resolve(did, { query = '', accept = 'application/did-resolution', encoded = true } = {}) {
  const target = `/1.0/identifiers/${encoded ? encodeURIComponent(did) : did}${query}`;
  const answer = await stack.http(target, { headers: { accept } });
  return { status: answer.status, headers: answer.headers, body: answer.body, json: () => JSON.parse(answer.body) };
}

const STATUS = { INVALID_DID: 400, NOT_FOUND: 404, INVALID_DID_DOCUMENT: 500, INTERNAL_ERROR: 500 };

// Refused for its own reason: a budget that was spent is none.
async function refused({ did, type, detail }, options = {}) {
  for (;;) {
    const answer = await resolve(did, options);
    const body = answer.json();
    const { error } = body.didResolutionMetadata;
    if (/Too many documents/.test(error?.detail ?? '')) {
      assert.ok(Number(answer.headers['retry-after']) > 0);
      await sleep(200);
      continue;
    }
    assert.ok(error, `${did} resolves`);
    assert.equal(error.type, `https://www.w3.org/ns/did#${type}`, `${did}: ${JSON.stringify(error)}`);
    assert.equal(answer.status, STATUS[type], did);
    if (detail) assert.match(error.detail, detail, did);
    assert.equal(body.didDocument, null, did);
    assert.deepEqual(body.didDocumentMetadata, {}, did);
    assert.equal(answer.headers['cache-control'], 'no-store');
    return;
  }
}

// `width` at a time.
async function each(list, width, work) {
  const rest = [...list];
  await Promise.all([...Array(width)].map(async () => { while (rest.length) await work(rest.shift()); }));
}

// ---- steps ----

async function goodDocuments() {
  const did = `did:web:good.example%3A${PORT}:good`;
  const many = await Promise.all([...Array(20)].map((_, i) => resolve(did, { accept: i % 2 ? 'application/did' : 'application/did-resolution' })));
  for (const [i, answer] of many.entries()) {
    assert.equal(answer.status, 200, answer.body.toString());
    const document = i % 2 ? answer.json() : answer.json().didDocument;
    assert.equal(document.id, did);
    assert.equal(document.serial, 1, 'one flight for all');
  }
  assert.match(many[0].headers['cache-control'], /^public, max-age=(5\d|60)$/);
  assert.equal(many[0].headers.vary, 'Accept');
  assert.deepEqual(many[0].json().didDocumentMetadata, {});
  assert.equal((await resolve(did)).json().didDocument.serial, 1, 'remembered');
  const fresh = await resolve(did, { query: '?noCache=true' });
  assert.equal(fresh.json().didDocument.serial, 2);
  assert.equal(fresh.headers['cache-control'], 'no-store');
  assert.equal((await resolve(did)).json().didDocument.serial, 2);
  const plain = await resolve(did, { encoded: false });
  assert.equal(plain.json().didDocument.serial, 2);
  const key = await resolve(`${did}#key`, { accept: 'application/did-url-dereferencing' });
  assert.equal(key.json().content.id, `${did}#key`);
  const place = await resolve(`${did}?service=files&relativeRef=b%3Fc`, { accept: 'text/uri-list' });
  assert.equal(place.status, 303);
  assert.equal(place.headers.location, 'https://files.example/a/b?c');
  const short = `did:web:good.example%3A${PORT}:short`;
  assert.equal((await resolve(short)).json().didDocument.serial, 1);
  await sleep(1200);
  assert.equal((await resolve(short)).json().didDocument.serial, 2, 'good as long as its host said');
  const version = await resolve(did, { query: '?versionId=1' });
  assert.equal(version.status, 501);
  for (const own of [`did:web:LOCALHOST%3A${stack.port}`, `did:web:localhost%3A${stack.port}:nobody`]) assert.ok([400, 404].includes((await resolve(own)).status), own);
}

async function hostileDocuments() {
  const cases = Object.entries(bad).map(([kind, row], i) => ({ ...row, did: `did:web:${WEB[i % WEB.length]}%3A${PORT}:${kind}` }));
  await each(cases, 16, (row) => refused(row));
  // remembered, with the same words, without another question
  for (const row of cases.filter(({ did }) => /:(missing|to-loopback|bomb|twice|other)$/.test(did))) {
    await refused(row, { query: '?noCache=true' });
    const before = hits.get(row.did);
    for (let n = 0; n < 3; n++) await refused(row);
    assert.equal(hits.get(row.did), before, row.did);
  }
  return cases.length;
}

async function hostileNames() {
  const cases = [...answers, ...unanswered].map((row) => ({ ...row, did: `did:web:${row.host}%3A${trap}:x` }));
  await each(cases, 8, (row) => refused(row));
  for (const { host } of cases) assert.ok(names.times(host).length >= 2, `${host} was looked up, in both families`);
  return cases.length;
}

// The address that was checked is the one that is connected to: there is no second look between the two.
async function rebinding() {
  const failed = { type: 'INTERNAL_ERROR' };
  await refused({ did: `did:web:rebound.names.example%3A${trap}:x`, ...failed, detail: /cannot be connected to|not come in time/ });
  assert.equal(names.times('rebound.names.example').length, 2, 'one question in each family');
  await refused({ did: `did:web:rebound.names.example%3A${trap}:x`, ...failed, detail: /not on the public internet/ }, { query: '?noCache=true' });
  await refused({ did: `did:web:bound.names.example%3A${trap}:x`, ...failed, detail: /not on the public internet/ });
  return 3;
}

async function malformedNames() {
  const shared = path.join(root, '../shared/vectors/did-vectors.json');
  const vectors = fs.existsSync(shared) ? JSON.parse(fs.readFileSync(shared)).did_web_refuse.cases : [];
  const cases = [...vectors.map(({ did, error }) => ({ did, type: error })), ...malformed(trap)];
  const before = names.asked.length;
  await each(cases, 8, async (row) => {
    await refused(row);
    // plain too, where it can stand in a path at all, and is not read as a DID URL with a fragment or a query
    if (!/%23.|[?#]/.test(row.did) && !/%00|%0[ad]/i.test(row.did)) await refused(row, { encoded: false });
  });
  assert.equal(names.asked.length, before, 'no name was looked up');
  return [cases.length, vectors.length];
}

// 32 flights that hang: others are told to come again, and everything else goes on.
async function crowded() {
  const hanging = WEB.flatMap((host) => [...Array(4)].map((_, i) => resolve(`did:web:${host}%3A${PORT}:hang:${i}`)));
  await sleep(500);
  const started = Date.now();
  const turned = await resolve(`did:web:good.example%3A${PORT}:good:more`);
  assert.equal(turned.status, 500, turned.body.toString());
  assert.match(turned.json().didResolutionMetadata.error.detail, /Too many documents/);
  assert.ok(Number(turned.headers['retry-after']) > 0);
  assert.equal((await resolve(`did:web:good.example%3A${PORT}:good`)).status, 200, 'what is remembered needs no flight');
  assert.equal((await stack.http('/.well-known/did.json')).status, 200);
  assert.ok(Date.now() - started < 3000);
  for (const answer of await Promise.all(hanging)) assert.equal(answer.json().didResolutionMetadata.error.type, 'https://www.w3.org/ns/did#INTERNAL_ERROR');
  assert.equal((await resolve(`did:web:good.example%3A${PORT}:good:more`)).status, 200);
}

async function steps(made) {
  stack = made;
  const worker = await until('the worker', () => childrenOf(stack.gateway.pid).find(({ name }) => name === 'worker/0'));
  const watch = new Watch();
  await watch.start(stack, worker.pid);
  await goodDocuments();
  const servers = await hostileDocuments();
  const leading = await hostileNames();
  const rebound = await rebinding();
  const [spelt, given] = await malformedNames();
  await crowded();
  await watch.stop();

  const node = new URL(stack.record.rpc);
  const expected = new Set([`v4 127.0.0.1 ${node.port}`, `v4 127.0.0.1 ${names.port}`, `v4 127.0.0.1 ${web.address().port}`, 'AF_UNIX', 'AF_UNSPEC', `v6 2d00::1 ${trap}`]);
  const seen = watch.seen();
  for (const [target, times] of seen) assert.ok(expected.has(target), `${times} × connected to ${target}`);
  // the watch saw what there was to see
  assert.ok(seen.get(`v4 127.0.0.1 ${web.address().port}`) >= servers, `connections to the servers: ${JSON.stringify([...seen])}`);
  assert.ok(seen.has(`v4 127.0.0.1 ${names.port}`));
  for (const server of traps) assert.equal(server.caught, undefined, `a trap on ${server.host} was sprung`);
  const generated = servers + leading + rebound + spelt - given;
  assert.ok(generated >= 200);
  const counted = (await (await fetch(`http://127.0.0.1:${stack.metricsPort}/metrics`)).text()).match(/kedge_foreign_documents_total\{result="\w+"\} \d+/g);
  return `${given} given and ${generated} generated DIDs refused (${servers} servers, ${leading + rebound} names), ${seen.size} kinds of places connected to; ${counted.join(', ').replaceAll('kedge_foreign_documents_total', '')}`;
}

await drive({ kedge, settings: world }, steps);
