// The assertions of the W3C DID Resolution test suite (w3c-ccg/did-resolution-mocha-test-suite 2649fdf; listed in words, written
// anew), for every kind of DID served here.
import assert from 'node:assert/strict';
import { deactivated, resolverAddress, shapes } from './shapes.mjs';
import { check, get, world } from './world.mjs';

const w = world();
const at = (tail) => `${w.url}/1.0/identifiers/${tail}`;
const contains = (type, part, what) => assert.ok(type.includes(part), `${what}: Content-Type ${type} is not ${part}`);
const isObject = (value) => value !== null && typeof value === 'object' && !Array.isArray(value);

// The result's schema, as far as the specification fixes it.
function checkEnvelope(result, what) {
  assert.ok(isObject(result), what);
  assert.deepEqual(Object.keys(result).filter((name) => ['didDocument', 'didResolutionMetadata', 'didDocumentMetadata'].includes(name)).length, 3, what);
  assert.ok(isObject(result.didResolutionMetadata) && isObject(result.didDocumentMetadata), what);
  for (const name of ['created', 'updated', 'nextUpdate'])
    if (name in result.didDocumentMetadata) assert.match(result.didDocumentMetadata[name], /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/, what);
  for (const name of ['versionId', 'nextVersionId', 'canonicalId'])
    if (name in result.didDocumentMetadata) assert.equal(typeof result.didDocumentMetadata[name], 'string', what);
}

function checkDocument(document, did, what) {
  assert.ok(isObject(document), what);
  assert.equal(document.id, did, what);
  for (const { id, type, controller } of document.verificationMethod) {
    assert.ok(id.startsWith(`${did}#`) && typeof type === 'string' && controller.startsWith('did:'), `${what}: ${id}`);
  }
  const ids = document.verificationMethod.map(({ id }) => id);
  for (const name of ['authentication', 'assertionMethod', 'keyAgreement', 'capabilityInvocation', 'capabilityDelegation'])
    for (const one of document[name] ?? []) assert.ok(ids.includes(one), `${what}: ${name} ${one}`);
  for (const service of document.service ?? []) {
    assert.ok(service.id.startsWith(`${did}#`), what);
    assert.ok(service.type && service.serviceEndpoint, what);
  }
  assert.equal(new Set([...ids, ...(document.service ?? []).map(({ id }) => id)]).size, ids.length + (document.service ?? []).length, `${what}: ids twice`);
  for (const one of document.alsoKnownAs ?? []) assert.match(one, /^[a-z][a-z0-9+.-]*:/, what);
}

async function valid(shape) {
  const { did, query } = shape;
  const url = resolverAddress(w, shape);
  const plain = await get(at(did + (query ? `?${query}` : '')));
  const encoded = await get(url);
  for (const answer of [plain, encoded]) {
    assert.equal(answer.status, 200, did);
    checkEnvelope(answer.json, did);
    checkDocument(answer.json.didDocument, did, did);
    contains(answer.type, answer.json.didResolutionMetadata.contentType, did);
    assert.equal(answer.headers.get('access-control-allow-origin'), '*');
  }
  assert.deepEqual(plain.json.didDocument, encoded.json.didDocument);
  for (const accept of ['application/did-resolution', 'application/ld+json;profile="https://w3id.org/did-resolution"', '*/*']) {
    const answer = await get(url, accept);
    assert.equal(answer.status, 200);
    checkEnvelope(answer.json, did);
  }
  for (const accept of ['application/did', 'application/did+json', 'application/did+ld+json', 'application/json']) {
    const answer = await get(url, accept);
    assert.equal(answer.status, 200, `${did} as ${accept}`);
    contains(answer.type, accept, did);
    assert.ok(!('didResolutionMetadata' in answer.json), accept);
    assert.deepEqual(answer.json, plain.json.didDocument);
  }
}

// [path, status, error]
const refused = [
  ['not-a-did', 400, 'INVALID_DID'], ['did:example', 400, 'INVALID_DID'], ['did:', 400, 'INVALID_DID'], ['did:pkh:', 400, 'INVALID_DID'],
  ['did:pkh:eip155:1:0xab16a96D359eC26a11e2C2b3d8f8B8942d5BfcdB', 400, 'INVALID_DID'],
  ['did:unsupported:123456789abcdefghi', 501, 'METHOD_NOT_SUPPORTED'],
  ['did:pkh:cosmos:cosmoshub-3:cosmos1t2uflqwqe0fsj0shcfkrvpukewcw40yjj6hdc0', 501, 'FEATURE_NOT_SUPPORTED'],
  [encodeURIComponent(w.absent), 404, 'NOT_FOUND'], [encodeURIComponent(`${w.did}:nothing`), 404, 'NOT_FOUND'],
  [`${encodeURIComponent(w.agent)}?versionId=01`, 400, 'INVALID_OPTIONS'], [`${encodeURIComponent(w.agent)}?versionTime=yesterday`, 400, 'INVALID_OPTIONS'],
];

async function errors() {
  for (const [tail, status, error] of refused) {
    for (const accept of [undefined, 'application/did', 'application/did-resolution']) {
      const answer = await get(at(tail), accept);
      assert.equal(answer.status, status, tail);
      checkEnvelope(answer.json, tail);
      assert.equal(answer.json.didDocument, null, tail);
      assert.deepEqual(answer.json.didDocumentMetadata, {}, tail);
      assert.equal(answer.json.didResolutionMetadata.error.type, `https://www.w3.org/ns/did#${error}`, tail);
    }
  }
  for (const did of deactivated(w)) {
    const answer = await get(at(encodeURIComponent(did)));
    assert.equal(answer.status, 410, did);
    checkEnvelope(answer.json, did);
    assert.equal(answer.json.didDocument, null, did);
    assert.equal(answer.json.didDocumentMetadata.deactivated, true, did);
  }
  assert.ok((await get(at(''))).status >= 400);
  const odd = await get(at(encodeURIComponent(w.did)), 'application/x-nothing');
  assert.ok([200, 406].includes(odd.status));
}

// The suite's dereferencing, where it is offered.
async function dereferencing() {
  const DEREFERENCING = 'application/did-url-dereferencing';
  const envelope = async (tail, what) => {
    const { status, json, type } = await get(at(tail), DEREFERENCING);
    assert.equal(status, 200, what);
    for (const name of ['dereferencingMetadata', 'contentMetadata']) assert.ok(isObject(json[name]), what);
    assert.deepEqual(json.content, json.contentStream, what);
    contains(type, DEREFERENCING, what);
    contains(type, json.dereferencingMetadata.contentType, what);
    return json.contentStream;
  };
  let n = 0;
  for (const { did, query } of shapes(w).filter((shape) => !shape.query)) {
    const bare = await envelope(encodeURIComponent(did), did);
    assert.equal(bare.id, did);
    for (const { id } of [...bare.verificationMethod, ...(bare.service ?? [])]) {
      const part = await envelope(encodeURIComponent(id), id);
      assert.equal(part.id, id);
      assert.deepEqual(part['@context'], bare['@context']);
      const alone = await get(at(encodeURIComponent(id)), 'application/json');
      assert.equal(alone.json.id, id);
      n++;
    }
    assert.equal(query, undefined);
  }
  const absent = await get(at(encodeURIComponent(`${w.agent}#nothing`)), DEREFERENCING);
  assert.equal(absent.status, 404);
  const service = await get(at(`${w.services}?service=mcp`), 'text/uri-list');
  assert.equal(service.status, 303);
  assert.equal(service.headers.get('location'), 'https://bob.example/mcp?x=1&y=2');
  assert.equal(service.text, '');
  return n;
}

check('DID Resolution suite', async () => {
  const kinds = shapes(w);
  for (const shape of kinds) await valid(shape);
  await errors();
  // a resolver that lists its properties dereferences
  const offered = (await get(`${w.url}/1.0/properties`)).status === 200;
  const parts = offered ? `${await dereferencing()} parts dereferenced` : 'dereferencing is not offered';
  return `${kinds.length} DIDs, ${refused.length} errors, ${parts}`;
});
