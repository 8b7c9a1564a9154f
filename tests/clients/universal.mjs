// Veramo, which takes this gateway for a Universal Resolver: DIDs of both methods, errors as objects.
import assert from 'node:assert/strict';
import { Resolver } from 'did-resolver';
import { getUniversalResolverFor } from '@veramo/did-resolver';
import { shapes } from './shapes.mjs';
import { check, get, world } from './world.mjs';

const w = world();

check('Universal Resolver', async () => {
  const resolver = new Resolver(getUniversalResolverFor(['web', 'pkh', 'unsupported'], `${w.url}/1.0/identifiers/`));
  const kinds = shapes(w).filter(({ query }) => !query);
  for (const { name, did, keys } of kinds) {
    const { didDocument, didResolutionMetadata, didDocumentMetadata } = await resolver.resolve(did);
    assert.equal(didResolutionMetadata.error, undefined, `${name}: ${JSON.stringify(didResolutionMetadata)}`);
    assert.equal(didResolutionMetadata.contentType, 'application/did');
    assert.equal(didDocument.id, did);
    assert.equal(didDocument.verificationMethod.length, keys, name);
    assert.equal(typeof didDocumentMetadata, 'object');
  }
  for (const [did, error] of [[w.absent, 'NOT_FOUND'], ['did:unsupported:123456789abcdefghi', 'METHOD_NOT_SUPPORTED'],
    ['did:pkh:cosmos:cosmoshub-3:cosmos1t2uflqwqe0fsj0shcfkrvpukewcw40yjj6hdc0', 'FEATURE_NOT_SUPPORTED'], ['did:pkh:eip155:1:0x12', 'INVALID_DID']]) {
    const { didDocument, didResolutionMetadata, didDocumentMetadata } = await resolver.resolve(did);
    assert.equal(didResolutionMetadata.error.type, `https://www.w3.org/ns/did#${error}`);
    assert.equal(didDocument, null);
    assert.deepEqual(didDocumentMetadata, {});
  }
  const refused = (await get(`${w.url}/1.0/identifiers/did:pkh:cosmos:cosmoshub-3:cosmos1t2uflqwqe0fsj0shcfkrvpukewcw40yjj6hdc0`)).json;
  assert.match(refused.didResolutionMetadata.error.detail, /namespace cosmos is not served/);
  return `${kinds.length} DIDs by @veramo/did-resolver`;
});
