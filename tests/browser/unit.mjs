// /client.mjs against a server of this test's own, that answers as a gateway does, or as none should.
//   node unit.mjs
import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import http from 'node:http';
import test from 'node:test';
import { Resolver } from './world.mjs';
import { GatewayError, connect, getResolver } from '../../gateway/web/client.mjs';

const NS = 'https://www.w3.org/ns/did#';
const asked = [];
let answer = (request, response) => response.end(); // set by each test
const server = http.createServer((request, response) => {
  asked.push({ url: request.url, headers: request.headers });
  answer(request, response);
});
await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
const url = `http://127.0.0.1:${server.address().port}`;
const gateway = connect(url, { timeout: 500 });

const json = (status, value, headers = {}) => (request, response) => {
  response.writeHead(status, { 'content-type': 'application/json', ...headers });
  response.end(typeof value === 'string' ? value : JSON.stringify(value));
};
const envelope = (didDocument, didDocumentMetadata = {}, error) =>
  ({ didDocument, didResolutionMetadata: { contentType: 'application/did', ...(error && { error }) }, didDocumentMetadata });
const last = () => asked[asked.length - 1];
test.after(() => server.closeAllConnections() ?? server.close());

test('a DID with a port, a version and what stands in a DID URL reach the gateway unchanged', async () => {
  const did = 'did:web:localhost%3A8004:agent:31337:1';
  answer = json(200, envelope({ id: did }));
  assert.deepEqual((await gateway.resolve(did)).didDocument, { id: did });
  assert.equal(last().url, '/1.0/identifiers/did%3Aweb%3Alocalhost%253A8004%3Aagent%3A31337%3A1');
  assert.equal(last().headers.accept, 'application/did-resolution');
  for (const [at, query] of [
    [{ block: 12 }, 'versionId=12'], [{ block: 12n }, 'versionId=12'], [{ block: '12' }, 'versionId=12'],
    [{ time: new Date('2026-11-20T17:00:00.999Z') }, 'versionTime=2026-11-20T17%3A00%3A00Z'],
    [{ time: '2026-11-20T18:00:00+01:00' }, 'versionTime=2026-11-20T17%3A00%3A00Z'],
  ]) {
    await gateway.resolveAt(did, at);
    assert.equal(last().url.split('?')[1], query);
  }
  for (const at of [undefined, {}, 12, { block: -1 }, { block: '1e3' }, { block: 1.5 }, { time: 'then' }]) await assert.rejects(gateway.resolveAt(did, at), TypeError);
  // a participant's version is a seq of the log
  await gateway.resolve('did:web:localhost%3A8004:character:alice', { versionId: 7 });
  assert.equal(last().url, '/1.0/identifiers/did%3Aweb%3Alocalhost%253A8004%3Acharacter%3Aalice?versionId=7');
});

test('an error is a result without a document, and the gateway\'s own object', async () => {
  const error = { type: `${NS}NOT_FOUND`, title: 'The DID was not found.', detail: 'The registry has no agent with this id.', status: 404 };
  answer = json(404, envelope(null, {}, error));
  const result = await gateway.resolve('did:web:a.example:agent:1:2');
  assert.equal(result.didDocument, null);
  assert.deepEqual(result.didResolutionMetadata.error, error);
  assert.deepEqual(result.didDocumentMetadata, {});
});

test('what was erased is no error: 410, no document, deactivated', async () => {
  answer = json(410, envelope(null, { deactivated: true }));
  for (const result of [await gateway.resolve('did:web:a.example:character:bob'), await new Resolver(getResolver(url)).resolve('did:web:a.example:character:bob')]) {
    assert.equal(result.didDocument, null);
    assert.equal(result.didDocumentMetadata.deactivated, true);
    assert.equal(result.didResolutionMetadata.error, undefined);
  }
});

test('a gateway that does not answer as one is an internal error with words', async () => {
  const problem = { type: 'https://g.example/problems/busy', title: 'The gateway is busy', status: 503, next: 'Try again after Retry-After seconds.' };
  const cases = [
    [json(503, problem), /The gateway is busy/, /Retry-After/],
    [json(200, 'hello'), /not JSON/, /Is this a gateway/],
    [json(200, { a: 1 }), /no resolution result/, /Is this a gateway/],
    [json(200, '[]'), /no resolution result/, /./],
    [json(200, 'null'), /no resolution result/, /./],
    [json(200, `"${'x'.repeat(2 << 20)}"`), /too large/, /./],
    [(request, response) => response.writeHead(302, { location: '/elsewhere' }).end(), /not reached/, /./],
    [(request, response) => response.destroy(), /not reached/, /./],
    [() => {}, /not reached/, /./],
    [(request, response) => response.writeHead(200).write('{"didDocument":'), /not reached/, /./],
  ];
  for (const [how, title, next] of cases) {
    answer = how;
    const started = Date.now();
    const { didDocument, didResolutionMetadata: { error }, didDocumentMetadata } = await gateway.resolve('did:web:a.example');
    assert.ok(Date.now() - started < 3000);
    assert.equal(didDocument, null);
    assert.equal(error.type, `${NS}INTERNAL_ERROR`);
    assert.match(error.title, title);
    assert.match(error.next, next);
    assert.deepEqual(didDocumentMetadata, {});
  }
  const nobody = await connect('http://127.0.0.1:1').resolve('did:web:a.example');
  assert.match(nobody.didResolutionMetadata.error.title, /not reached/);
});

test('a document is of the DID asked for, and beside an error there is none', async () => {
  const did = 'did:web:a.example:x';
  answer = json(200, envelope({ id: did }));
  for (const asked of [did, `${did}?versionId=5#key`, `${did}/path`]) assert.equal((await gateway.resolve(asked)).didDocument.id, did);
  for (const document of [{ id: 'did:web:b.example' }, { id: `${did}#key` }, {}, did, true, [], 7]) {
    answer = json(200, envelope(document));
    const { didDocument, didResolutionMetadata: { error }, didDocumentMetadata } = await gateway.resolve(did);
    assert.deepEqual([didDocument, error.type, didDocumentMetadata], [null, `${NS}INVALID_DID_DOCUMENT`, {}]);
    assert.match(error.title, /another DID/);
    assert.equal((await new Resolver(getResolver(url)).resolve(did)).didResolutionMetadata.error, 'invalidDidDocument');
  }
  const error = { type: `${NS}NOT_FOUND`, title: 'The DID was not found.' };
  answer = json(404, envelope({ id: did }, {}, error));
  assert.equal((await new Resolver(getResolver(url)).resolve(did)).didDocument, null);
});

test('what no path can hold is no DID, and nobody is asked', async () => {
  const before = asked.length;
  for (const text of ['.', '..', 'did:web:\ud800']) {
    const { didDocument, didResolutionMetadata: { error } } = await gateway.resolve(text);
    assert.deepEqual([didDocument, error.type], [null, `${NS}INVALID_DID`]);
  }
  assert.equal(asked.length, before);
});

test('a timeout that is longer than timers go is no timeout', async () => {
  const did = 'did:web:a.example';
  answer = (request, response) => setTimeout(() => json(200, envelope({ id: did }))(request, response), 50);
  for (const timeout of [Infinity, 2 ** 31]) assert.equal((await gateway.resolve(did, { timeout })).didDocument?.id, did);
});

test('the caller\'s own signal is the caller\'s own error', async () => {
  answer = () => {};
  const stop = new AbortController();
  setTimeout(() => stop.abort(new Error('enough')), 50);
  await assert.rejects(gateway.resolve('did:web:a.example', { signal: stop.signal }), /enough/);
  await assert.rejects(gateway.resolve('did:web:a.example', { signal: stop.signal }), /enough/);
});

test('did-resolver gets methods, words, and versions out of DID URLs', async () => {
  const resolver = new Resolver(getResolver(`${url}/`));
  const did = 'did:web:localhost%3A8004:agent:31337:1';
  answer = json(200, envelope({ id: did }, { versionId: '5' }));
  const result = await resolver.resolve(`${did}?versionId=5&service=x#owner`);
  assert.equal(result.didDocument.id, did);
  assert.equal(last().url, '/1.0/identifiers/did%3Aweb%3Alocalhost%253A8004%3Aagent%3A31337%3A1?versionId=5');
  await resolver.resolve(`${did}?versionTime=2026-11-20T17:00:00Z`);
  assert.equal(last().url.split('?')[1], 'versionTime=2026-11-20T17%3A00%3A00Z');
  await resolver.resolve('did:pkh:eip155:1:0xb9c5714089478a327f09197987f16f9e5d936e8a');
  assert.equal(last().url, '/1.0/identifiers/did%3Apkh%3Aeip155%3A1%3A0xb9c5714089478a327f09197987f16f9e5d936e8a');
  for (const [name, word] of [['NOT_FOUND', 'notFound'], ['INVALID_DID', 'invalidDid'], ['METHOD_NOT_SUPPORTED', 'unsupportedDidMethod'],
    ['INTERNAL_ERROR', 'internalError'], ['SOMETHING_NEW', 'internalError']]) {
    const error = { type: NS + name, title: 'T.', detail: 'D.', next: 'N.' };
    answer = json(400, envelope(null, {}, error));
    const { didDocument, didResolutionMetadata } = await resolver.resolve(did);
    assert.equal(didDocument, null);
    assert.deepEqual(didResolutionMetadata, { contentType: 'application/did', error: word, message: 'T. D. N.', problem: error });
  }
  const before = asked.length;
  assert.equal((await resolver.resolve('did:example:1')).didResolutionMetadata.error, 'unsupportedDidMethod');
  assert.equal(asked.length, before);
});

test('authority takes an agent in every form, and no other host\'s', async () => {
  const yes = { agent: 'x', speaks: true };
  answer = json(200, yes);
  const port = server.address().port;
  const registry = '0x8004A169FB4a3325136EB29fA0ceB6D2e539a432';
  for (const [agent, path] of [
    [42, '42'], [42n, '42'], ['8453:42', '8453%3A42'], [`8453:${registry}:42`, `8453%3A${registry}%3A42`],
    [`eip155:8453/erc721:${registry.toLowerCase()}/42`, `8453%3A${registry.toLowerCase()}%3A42`],
    [`did:web:127.0.0.1%3A${port}:agent:8453:42`, '8453%3A42'],
    [`did:web:127.0.0.1%3a${port}:agent:eip155:8453:${registry}:42`, `8453%3A${registry}%3A42`],
    ['../x', '..%2Fx'],
  ]) {
    assert.deepEqual(await gateway.authority(agent, '0xabc'), yes);
    assert.equal(last().url, `/v1/agents/${path}/authority?address=0xabc`);
  }
  await gateway.authority(1, '0xabc', { block: 7 });
  assert.equal(last().url, '/v1/agents/1/authority?address=0xabc&at=7');
  await gateway.authority(1, '0xabc', { time: '2026-11-20T17:00:00Z' });
  assert.equal(last().url, '/v1/agents/1/authority?address=0xabc&at=2026-11-20T17%3A00%3A00Z');
  for (const host of ['b.example', '%', `127.0.0.1%253A${port}`]) await assert.rejects(gateway.authority(`did:web:${host}:agent:8453:42`, '0xabc'), /is not an agent of/);
  const problem = { type: 'https://g.example/problems/not-indexed', title: 'The index has not come there', status: 503, detail: 'D.', next: 'Ask for an earlier block.' };
  answer = json(503, problem, { 'retry-after': '3' });
  await assert.rejects(gateway.authority(1, '0xabc'), (error) => {
    assert.ok(error instanceof GatewayError);
    assert.deepEqual([error.status, error.problem, error.retryAfter], [503, problem, 3]);
    assert.equal(error.message, 'The index has not come there D. Ask for an earlier block.');
    return true;
  });
});

test('an address that is none is refused at once', () => {
  for (const bad of ['', 'gateway.example', 'ftp://a.example', undefined]) assert.throws(() => connect(bad), TypeError);
  assert.throws(() => connect(), /give the address of one/);
  assert.equal(connect('https://a.example/').url, 'https://a.example');
  assert.equal(connect(new URL('https://a.example/kedge/?x#y')).url, 'https://a.example/kedge');
});

// ---- the stream ----

const event = (seq, more = {}) => `id: ${seq + 1}\nevent: identity\ndata: ${JSON.stringify({ seq, kind: 'identity', ...more })}\n\n`;
const stream = (...parts) => async (request, response) => {
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  for (const part of parts) {
    if (part === 'break') return response.destroy();
    if (part === 'end') return response.end();
    response.write(part);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
};

// Connections answered one after the other; the last one stays.
function following(...connections) {
  const urls = [];
  answer = (request, response) => {
    urls.push(request.url);
    assert.equal(request.headers['last-event-id'], undefined); // which would cost browsers a preflight
    connections[Math.min(urls.length, connections.length) - 1](request, response);
  };
  return urls;
}

test('a stream is followed over breaks: each event once, from the place it has', { timeout: 30000 }, async () => {
  const urls = following(
    stream('retry: 1\nid: 3\n\n', event(3), event(4).slice(0, 20), 'break'),
    (request, response) => response.destroy(),
    json(503, { title: 'busy' }, { 'retry-after': '1' }),
    stream('retry: 1\nid: 4\n\n', event(3), event(4) + event(6).slice(0, 30), event(6).slice(30), ':\n\n', ':\nid: 90\n\n', 'end'),
    stream('id: 90\n\n', event(95, { did: 'did:web:ä.example' })));
  const got = [];
  const follow = gateway.follow(async (e) => {
    await new Promise((resolve) => setTimeout(resolve, 20));
    got.push(e);
    if (e.seq === 95) follow.stop();
  }, { from: 3 });
  await follow.done;
  assert.deepEqual(got.map(({ id, seq }) => [id, seq]), [[4, 3], [5, 4], [7, 6], [96, 95]]);
  assert.equal(got[3].did, 'did:web:ä.example');
  assert.equal(follow.id, 96);
  assert.deepEqual(urls, [3, 4, 4, 4, 90].map((from) => `/v1/streams/participant.did?from=${from}`));
});

test('without a place it begins now, and has one before the first event', { timeout: 10000 }, async () => {
  const urls = following(stream('retry: 1\nid: 12\n\n', 'break'), stream('id: 12\n\n', event(12)));
  const follow = gateway.follow(() => follow.stop(), { stream: 'other' });
  await follow.done;
  assert.deepEqual(urls, ['/v1/streams/other', '/v1/streams/other?from=12']);
});

test('a connection that went silent is given up, but not while an event is worked on', { timeout: 20000 }, async () => {
  const urls = following(stream('retry: 1\n', event(0)), stream(event(1)));
  const got = [];
  const follow = gateway.follow(async ({ seq }) => {
    got.push([seq, urls.length]);
    await new Promise((resolve) => setTimeout(resolve, 1500));
    if (seq === 1) follow.stop();
    else got.push(['worked', urls.length]);
  }, { from: 0, silence: 600 });
  await follow.done;
  assert.deepEqual(got, [[0, 1], ['worked', 1], [1, 2]]);
});

test('what onEvent throws ends it, at the event', { timeout: 10000 }, async () => {
  following(stream(event(0), event(1), event(2)));
  const follow = gateway.follow(({ seq }) => {
    if (seq === 1) throw new Error('mine');
  }, { from: 0 });
  await assert.rejects(follow.done, /mine/);
  assert.equal(follow.id, 1); // seq 0 was taken, seq 1 was not
});

test('a refusal that repeating does not help ends it too', { timeout: 10000 }, async () => {
  const problem = { type: 'x', title: 'There is no such resource', status: 404, detail: 'The log is not that large.', next: 'begin again with ?from=0' };
  const urls = following(json(404, problem));
  await assert.rejects(gateway.follow(() => {}, { from: 99 }).done, (error) => error instanceof GatewayError && error.status === 404 && error.problem.next === problem.next);
  assert.equal(urls.length, 1);
});

test('who never was a gateway is not followed; who was one and shows a page for a while is', { timeout: 20000 }, async () => {
  const page = (request, response) => response.writeHead(200, { 'content-type': 'text/html' }).end('<p>hello');
  let urls = following(page);
  await assert.rejects(gateway.follow(() => {}, { from: 0, signal: AbortSignal.timeout(3000) }).done, (error) => error instanceof GatewayError && /Is this a gateway/.test(error.message));
  assert.equal(urls.length, 1);
  urls = following(stream('retry: 1\nid: 3\n\n', 'end'), page, stream('retry: 1\n', event(3)));
  const follow = gateway.follow(() => follow.stop(), { from: 3, signal: AbortSignal.timeout(9000) });
  await follow.done;
  assert.equal(urls.length, 3);
});

test('a place is a number, and never goes back', { timeout: 10000 }, async () => {
  const urls = following(stream('retry: 1\nid: 3\n\n', 'data: {"seq":1}\n\n', event(4), 'id: x\n\n', 'id: 2\ndata: {"seq":1}\n\n', 'id: -1\n\n', 'end'),
    stream('id: 5\n\n', event(4), event(5)));
  const got = [];
  const follow = gateway.follow(({ seq }) => {
    got.push(seq);
    if (seq === 5) follow.stop();
  }, { from: 3, signal: AbortSignal.timeout(6000) });
  await follow.done;
  assert.deepEqual([got, urls], [[4, 5], [3, 5].map((from) => `/v1/streams/participant.did?from=${from}`)]);
});

test('whoever is told to wait for months waits, and does not ask without end', { timeout: 10000 }, async () => {
  for (const seconds of ['2147484', '9e9', 'Infinity']) {
    const urls = following(json(503, { title: 'busy' }, { 'retry-after': seconds }));
    const follow = gateway.follow(() => {}, { from: 0 });
    await new Promise((resolve) => setTimeout(resolve, 300));
    follow.stop();
    await follow.done;
    assert.equal(urls.length, 1, seconds);
  }
});

test('a signal that outlives it keeps nothing of it', { timeout: 10000 }, async () => {
  const { signal } = new AbortController();
  following(stream(event(0)));
  const follow = gateway.follow(() => follow.stop(), { from: 0, signal });
  await follow.done;
  await assert.rejects(gateway.follow(() => { throw new Error('mine'); }, { from: 0, signal }).done, /mine/);
  assert.equal(getEventListeners(signal, 'abort').length, 0);
});

test('it stops when it is told to: while it waits, reads, or comes back', { timeout: 10000 }, async () => {
  for (const how of [() => {}, stream('id: 1\n\n'), json(503, {}, { 'retry-after': '60' })]) {
    following(how);
    const stop = new AbortController();
    const follow = gateway.follow(() => {}, { from: 0, signal: stop.signal });
    await new Promise((resolve) => setTimeout(resolve, 100));
    stop.abort();
    await follow.done;
  }
  await gateway.follow(() => {}, { signal: AbortSignal.abort() }).done;
});
