// did-jwt: tokens that an agent's keys sign, judged by its document now and as of before its wallet was changed; and one by the
// gateway's assertion key.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { createJWT, EdDSASigner, ES256KSigner, hexToBytes, verifyJWT } from 'did-jwt';
import { Resolver } from 'did-resolver';
import { getResolver } from 'web-did-resolver';
import { check, get, world } from './world.mjs';

const w = world();
const now = new Resolver(getResolver());

// A resolver of one point in time: what a verifier of an old signature asks.
const as = (query) => new Resolver({
  web: async (did) => (await get(`${w.url}/1.0/identifiers/${encodeURIComponent(did)}?${query}`, 'application/did-resolution')).json,
});

const token = (key, issuer = w.agent) => createJWT({ claim: { says: 'so' } },
  { issuer, signer: ES256KSigner(hexToBytes(key.privateKey), true) }, { alg: 'ES256K-R' });

const holds = async (jwt, resolver, proofPurpose = 'assertionMethod') => {
  const { verified, signer, issuer } = await verifyJWT(jwt, { resolver, proofPurpose, policies: { iat: false } });
  assert.ok(verified);
  return { signer, issuer };
};
// no key of the document signed it, or it lists none that may
const fails = (jwt, resolver, proofPurpose = 'assertionMethod') =>
  assert.rejects(holds(jwt, resolver, proofPurpose), /^Error: (invalid_signature|no_suitable_keys)/);

check('did-jwt', async () => {
  const [byOwner, byFirst, bySecond, byStranger] = await Promise.all([w.alice, w.first, w.second, w.carol].map((key) => token(key)));
  const before = [`versionTime=${w.times.before}`, `versionId=${w.blocks.changed - 1}`, `versionId=${w.blocks.set}`, `versionTime=${w.times.set}`];
  const after = [`versionTime=${w.times.changed}`, `versionId=${w.blocks.changed}`];

  // now: the owner and the present wallet
  assert.equal((await holds(byOwner, now)).signer.id, `${w.agent}#owner`);
  assert.equal((await holds(byOwner, now, 'authentication')).signer.id, `${w.agent}#owner`);
  assert.equal((await holds(bySecond, now)).signer.id, `${w.agent}#agent-wallet`);
  await fails(bySecond, now, 'authentication'); // the wallet is not the identity's master
  await fails(byFirst, now);
  await fails(byStranger, now);
  // before the change: the one before, which still is good as of then
  for (const query of before) {
    assert.equal((await holds(byFirst, as(query))).signer.id, `${w.agent}#agent-wallet`, query);
    await fails(bySecond, as(query));
    await holds(byOwner, as(query));
    await fails(byStranger, as(query));
  }
  for (const query of after) {
    await holds(bySecond, as(query));
    await fails(byFirst, as(query));
  }
  // before the agent there was nobody
  await assert.rejects(holds(byOwner, as('versionId=0')), /Unable to resolve DID document/);
  // another agent's key says nothing for this one
  await fails(await token(w.bob), now);
  await holds(await token(w.bob, w.services), now);
  await holds(await token(w.carol, w.other), now);
  await fails(await token(w.carol, w.services), now);

  // the gateway itself
  const seed = fs.readFileSync(path.join(w.state, 'keys/assertion.key'), 'utf8').trim();
  const jwt = await createJWT({ claim: 1 }, { issuer: w.did, signer: EdDSASigner(hexToBytes(seed)) }, { alg: 'EdDSA' });
  const { signer } = await holds(jwt, now);
  assert.equal(signer.id, `${w.did}#${signer.publicKeyMultibase}`);
  await fails(await createJWT({ claim: 1 }, { issuer: w.did, signer: EdDSASigner(hexToBytes('07'.repeat(32))) }, { alg: 'EdDSA' }), now);
  return `tokens of owner, former and present wallet, now and at ${before.length + after.length} points in time`;
});
