// pkh-did-resolver beside this gateway: the documents, and every difference between them, listed.
import assert from 'node:assert/strict';
import { Resolver } from 'did-resolver';
import { getResolver } from 'pkh-did-resolver';
import { resolverAddress, shapes } from './shapes.mjs';
import { check, get, world } from './world.mjs';

const RECOVERY = 'EcdsaSecp256k1RecoveryMethod2020';
// The draft's vectors have all four relationships; pkh-did-resolver 2.0.0 two of them.
const RELATIONSHIPS = ['/capabilityDelegation', '/capabilityInvocation'];
// It has one form for all of Tezos: that of tz2.
const digest = (type) => [`/@context/1/${RECOVERY}`, `/@context/1/${type}`, ...RELATIONSHIPS, '/verificationMethod/0/type'];
const DIFFERENCES = {
  eip155: RELATIONSHIPS,
  bip122: RELATIONSHIPS,
  tz1: digest('Ed25519PublicKeyBLAKE2BDigestSize20Base58CheckEncoded2021'),
  tz2: RELATIONSHIPS,
  tz3: digest('P256PublicKeyBLAKE2BDigestSize20Base58CheckEncoded2021'),
};
// What it does not take at all.
const UNSUPPORTED = ['solana', 'arweave'];

function differences(a, b, at = '') {
  if (a !== null && b !== null && typeof a === 'object' && typeof b === 'object' && Array.isArray(a) === Array.isArray(b)) {
    const names = [...new Set([...Object.keys(a), ...Object.keys(b)])].sort();
    return names.flatMap((name) => differences(a[name], b[name], `${at}/${name}`));
  }
  return a === b ? [] : [at];
}

const w = world();

check('did:pkh', async () => {
  const resolver = new Resolver(getResolver());
  const seen = {};
  for (const shape of shapes(w).filter(({ did }) => did.startsWith('did:pkh:'))) {
    const [, , namespace, , address] = shape.did.split(':');
    const kind = namespace === 'tezos' ? address.slice(0, 3) : namespace;
    const ours = await get(resolverAddress(w, shape), 'application/did+ld+json');
    assert.equal(ours.status, 200, shape.did);
    const theirs = await resolver.resolve(shape.did, { accept: 'application/did+ld+json' });
    seen[kind] = (seen[kind] ?? 0) + 1;
    if (UNSUPPORTED.includes(kind)) {
      assert.match(String(theirs.didResolutionMetadata.message ?? theirs.didResolutionMetadata.error), /./);
      assert.equal(theirs.didDocument, null);
      continue;
    }
    assert.equal(theirs.didResolutionMetadata.error, undefined, shape.did);
    assert.deepEqual(differences(ours.json, theirs.didDocument), DIFFERENCES[kind], shape.did);
  }
  assert.deepEqual(Object.keys(seen).sort(), [...Object.keys(DIFFERENCES), ...UNSUPPORTED].sort());
  return `${Object.entries(seen).map(([kind, n]) => `${n} ${kind}`).join(', ')} beside pkh-did-resolver`;
});
