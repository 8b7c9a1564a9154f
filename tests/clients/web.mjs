// did:web by those who fetch did.json themselves: did-resolver with web-did-resolver, and Digital Bazaar's driver.
import assert from 'node:assert/strict';
import https from 'node:https';
import { Resolver } from 'did-resolver';
import { getResolver } from 'web-did-resolver';
import { driver } from '@digitalbazaar/did-method-web';
import * as Ed25519Multikey from '@digitalbazaar/ed25519-multikey';
import { addressOf, shapes } from './shapes.mjs';
import { check, get, world } from './world.mjs';

const w = world();
const kinds = shapes(w).filter(({ web }) => web);

async function webDidResolver() {
  const resolver = new Resolver(getResolver());
  for (const { name, did, keys, services } of kinds) {
    const { didDocument, didResolutionMetadata } = await resolver.resolve(did);
    assert.equal(didResolutionMetadata.error, undefined, `${name}: ${didResolutionMetadata.message}`);
    assert.equal(didDocument.id, did);
    assert.deepEqual(didDocument, (await get(addressOf(did))).json);
    assert.equal(didDocument.verificationMethod.length, keys, name);
    assert.equal(didDocument.service?.length ?? 0, services, name);
  }
  // a fragment is the client's own business
  const { didDocument } = await resolver.resolve(`${w.agent}#owner`);
  assert.equal(didDocument.id, w.agent);
  const absent = await resolver.resolve(w.absent);
  assert.equal(absent.didResolutionMetadata.error, 'notFound');
  assert.equal(absent.didDocument, null);
}

async function digitalBazaar() {
  const method = driver({ fetchOptions: { agent: new https.Agent({ keepAlive: false }) } });
  method.use({ multibaseMultikeyHeader: 'z6Mk', fromMultibase: Ed25519Multikey.from });
  for (const { name, did } of kinds) {
    const document = await method.get({ did });
    assert.equal(document.id, did, name);
    assert.ok(JSON.stringify(document).length <= 8192, name);
  }
  // a key by its URL, and what the library makes of it
  const host = await method.get({ did: w.did });
  for (const id of host.assertionMethod) {
    const node = await method.get({ url: id });
    assert.equal(node.id, id);
    assert.equal(node.controller, w.did);
    const pair = await Ed25519Multikey.from(node);
    assert.equal(pair.publicKeyMultibase, node.publicKeyMultibase);
  }
  const owner = await method.get({ url: `${w.agent}#owner` });
  assert.equal(owner.blockchainAccountId, `eip155:${w.chainId}:${w.alice.address}`);
  await assert.rejects(method.get({ did: w.absent }));
}

check('did:web', async () => {
  await webDidResolver();
  await digitalBazaar();
  return `${kinds.length} kinds of documents by web-did-resolver and @digitalbazaar/did-method-web`;
});
