// JSON-LD in safe mode, which refuses what would be lost: every kind of document, with contexts from packages only.
import assert from 'node:assert/strict';
import jsonld from 'jsonld';
import { loader } from './contexts.mjs';
import { resolverAddress, shapes } from './shapes.mjs';
import { check, get, world } from './world.mjs';

const w = world();
const SECURITY = 'https://w3id.org/security#';
const DID = 'https://www.w3.org/ns/did#';

// Every text of the document is still there after expansion: as an id, a type, a value.
function texts(value) {
  if (typeof value === 'string') return [value];
  return value && typeof value === 'object' ? Object.values(value).flatMap(texts) : [];
}

check('JSON-LD', async () => {
  let n = 0;
  for (const shape of shapes(w)) {
    const { json: document, status } = await get(resolverAddress(w, shape), 'application/did');
    assert.equal(status, 200, shape.name);
    assert.equal(document['@context'][0], 'https://www.w3.org/ns/did/v1');
    const [expanded, ...others] = await jsonld.expand(document, { documentLoader: loader(), safe: true });
    assert.equal(others.length, 0);
    assert.equal(expanded['@id'], shape.did);
    const quads = await jsonld.toRDF(document, { documentLoader: loader(), safe: true, format: 'application/n-quads' });
    assert.ok(quads.includes(`<${shape.did}>`), shape.name);
    const methods = expanded[`${SECURITY}verificationMethod`];
    assert.equal(methods.length, shape.keys, shape.name);
    assert.equal(expanded[`${DID}service`]?.length ?? 0, shape.services, shape.name);
    const { '@context': context, ...rest } = document;
    const kept = new Set([...texts(expanded), ...texts(expanded).map((text) => text.split('#').at(-1))]);
    for (const text of texts(rest)) assert.ok(kept.has(text), `${shape.name}: ${text} is lost`);
    n++;
  }
  // and what a signed document is
  await assert.rejects(jsonld.expand({ '@context': 'https://www.w3.org/ns/did/v1', id: 'did:example:1', lost: 1 }, { documentLoader: loader(), safe: true }));
  return `${n} documents in safe mode`;
});
