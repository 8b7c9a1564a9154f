// Digital Bazaar's Data Integrity with eddsa-jcs-2022 beside `kedge sign` and `kedge verify`: what one signs the other verifies, by
// the domain document; and what one refuses the other does.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { execFile } from 'node:child_process';
import { DataIntegrityProof } from '@digitalbazaar/data-integrity';
import * as Ed25519Multikey from '@digitalbazaar/ed25519-multikey';
import { createSignCryptosuite, createVerifyCryptosuite } from '@digitalbazaar/eddsa-jcs-2022-cryptosuite';
import jsigs from 'jsonld-signatures';
import { loader } from './contexts.mjs';
import { addressOf } from './shapes.mjs';
import { check, get, world } from './world.mjs';

const w = world();
const { purposes: { AssertionProofPurpose } } = jsigs;
const CONTEXT = 'https://w3id.org/security/data-integrity/v2';

// An unknown KEDGE_ variable is an error to kedge.
const { KEDGE_WORLD, ...cli } = process.env;
const kedge = (words, input) => new Promise((resolve) => {
  const child = execFile(w.kedge, words, { env: cli }, (error, stdout, stderr) => resolve({ code: error?.code ?? 0, stdout, stderr }));
  child.stdin.end(input);
});

async function sign(document, ...words) {
  const { code, stdout, stderr } = await kedge(['sign', '-', ...words], JSON.stringify(document));
  assert.equal(code, 0, stderr);
  return JSON.parse(stdout);
}
const verify = async (document) => (await kedge(['verify', '-', '--did', w.did], JSON.stringify(document))).code;

check('Data Integrity', async () => {
  const did = (await get(addressOf(w.did))).json;
  // a verification method is fetched as its document says, with that document's context
  const methods = did.verificationMethod.map((method) => [method.id, { '@context': 'https://w3id.org/security/multikey/v1', ...method }]);
  const documentLoader = loader(new Map([[w.did, did], ...methods]));
  const theirs = async (document) => {
    const suite = new DataIntegrityProof({ cryptosuite: createVerifyCryptosuite() });
    const { verified, error } = await jsigs.verify(structuredClone(document), { suite, purpose: new AssertionProofPurpose(), documentLoader });
    return verified || (error ? false : verified);
  };
  const samples = [
    { '@context': ['https://www.w3.org/ns/credentials/v2'], id: 'urn:uuid:1', type: ['VerifiableCredential'], issuer: w.did,
      credentialSubject: { id: w.agent } },
    { '@context': 'https://www.w3.org/ns/did/v1', id: w.agent },
    { '@context': [CONTEXT, 'https://www.w3.org/ns/credentials/v2'], note: 'größer \u20ac \ud83d\ude00', n: [1, 0.1, 1e21, -0.5e-7, -0], '\ufb33': 1, '\u{1f600}': 2 },
    // cryptosuite 1.0.0 compares the items of a context by identity, and so holds no object in one for equal to itself
    { '@context': [CONTEXT, { note: 'https://schema.org/text' }], note: 'x' },
  ];
  for (const sample of samples) {
    const ours = await sign(sample);
    assert.equal(await theirs(ours), ![sample['@context']].flat().some((one) => typeof one === 'object'), JSON.stringify(ours));
    assert.equal(await verify(ours), 0);
    const changed = { ...ours, '@context': ours['@context'], added: true };
    assert.equal(await theirs(changed), false);
    assert.equal(await verify(changed), 1);
  }
  // the other way: the key file's seed in their hands
  const seed = Buffer.from(fs.readFileSync(path.join(w.state, 'keys/assertion.key'), 'utf8').trim(), 'hex');
  const pair = await Ed25519Multikey.generate({ seed, controller: w.did });
  assert.ok(did.assertionMethod.includes(pair.id), `${pair.id} is how they would name it`);
  const suite = new DataIntegrityProof({ signer: pair.signer(), cryptosuite: createSignCryptosuite(), date: new Date() });
  for (const sample of samples) {
    const made = await jsigs.sign({ ...sample, '@context': [sample['@context'], CONTEXT].flat() }, { suite, purpose: new AssertionProofPurpose(), documentLoader });
    assert.equal(await verify(made), 0, JSON.stringify(made));
    assert.equal(await verify({ ...made, added: true }), 1);
  }
  return `${samples.length} documents each way by @digitalbazaar/data-integrity and kedge`;
});
