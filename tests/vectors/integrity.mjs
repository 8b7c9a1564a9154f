// Signed documents (docs/formats.md section 14): eddsa-jcs-2022 from the W3C text, with node's own Ed25519.
import { createPrivateKey, createPublicKey, sign } from 'node:crypto';
import { canonical, hash, hex, sha256, utf8 } from './format.mjs';
import { base58 } from './base58.mjs';

const TERMS = 'https://w3id.org/security/data-integrity/v2';
const CREDENTIALS = 'https://www.w3.org/ns/credentials/v2';

export const seedOf = (name) => Buffer.from(hash(`kedge test seed ${name}`), 'hex');
const keyOf = (seed) => createPrivateKey({ key: Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), seed]), format: 'der', type: 'pkcs8' });
const publicOf = (seed) => createPublicKey(keyOf(seed)).export({ format: 'der', type: 'spki' }).subarray(-32);
export const multikeyOf = (seed) => 'z' + base58(Buffer.concat([Buffer.of(0xed, 0x01), publicOf(seed)]));

function injected(context) {
  const list = [context].flat();
  return list.includes(TERMS) || list.includes(CREDENTIALS) ? context : [...list, TERMS];
}

const hashData = (config, unsecured) => Buffer.concat([sha256(utf8(canonical(config))), sha256(utf8(canonical(unsecured)))]);

// `proof`: members over the usual ones; `raw`: as written, without injection
export function secured(document, seed, proof = {}, { raw = false } = {}) {
  const unsecured = { ...document };
  if ('@context' in document && !raw) unsecured['@context'] = injected(document['@context']);
  const config = {
    type: 'DataIntegrityProof', cryptosuite: 'eddsa-jcs-2022', created: '2026-11-20T17:00:00Z',
    verificationMethod: `did:web:localhost%3A8004#${multikeyOf(seed)}`, proofPurpose: 'assertionMethod', ...proof,
  };
  if ('@context' in unsecured && !('@context' in proof)) config['@context'] = unsecured['@context'];
  for (const name of Object.keys(config)) if (config[name] === undefined) delete config[name];
  const proofValue = 'z' + base58(sign(null, hashData(config, unsecured), keyOf(seed)));
  return { ...unsecured, proof: { ...config, proofValue } };
}

const seed = seedOf('assertion');
const other = seedOf('another');
const at = (time) => Date.parse(time) / 1000;
const CREATED = '2026-11-20T17:00:00Z';
const plain = { b: [1, 0.1, 'ü'], a: { name: 'a document without a context' } };
const credential = { '@context': [CREDENTIALS, { term: 'https://example.com/term' }], id: 'urn:uuid:1', type: ['VerifiableCredential'], issuer: 'did:web:localhost%3A8004',
  credentialSubject: { id: 'did:example:1' } };

export function integrityVectors() {
  const sign_ = [
    { name: 'a plain document', document: plain },
    { name: 'an empty one', document: {} },
    { name: 'a credential, whose context maps the terms', document: credential },
    { name: 'a context that does not: appended to', document: { '@context': ['https://www.w3.org/ns/did/v1'], id: 'did:example:1' } },
    { name: 'a context that is a text', document: { '@context': 'https://www.w3.org/ns/did/v1', id: 'did:example:1' } },
    { name: 'a context that is the text that maps them', document: { '@context': TERMS, id: 'did:example:1' } },
    { name: 'a context that is an object', document: { '@context': { name: 'https://schema.org/name' }, name: 'x' } },
    { name: 'all options', document: plain, options: { expires: '2026-12-20T17:00:00Z', domain: 'localhost:8004', challenge: 'ch\u00e4llenge', proofPurpose: 'authentication' } },
  ].map(({ name, document, options = {} }) => ({ name, document, options: { created: CREATED, ...options }, signed: secured(document, seed, options) }));

  const good = secured(plain, seed);
  const full = secured(plain, seed, { expires: '2026-11-20T18:00:00Z', domain: 'one.example', challenge: 'abc' });
  const changed = (change, from = good) => {
    const copy = JSON.parse(JSON.stringify(from));
    change(copy, copy.proof);
    return copy;
  };
  const value = good.proof.proofValue;
  const now = at(CREATED);
  const judge = [
    ['holds', good], ['holds', full, { domain: 'one.example', challenge: 'abc', purpose: 'assertionMethod' }], ['holds', full],
    ['holds', secured(credential, seed)], ['holds', secured(plain, seed, { created: undefined })],
    ['holds', secured(plain, seed, { created: '2026-11-20T18:00:00.123456+01:00' })], ['holds', secured(plain, seed, { created: '2026-11-20T10:00:00-07:00' })],
    ['holds', secured(plain, seed, { created: '2026-11-20T17:05:00Z' })], ['early', secured(plain, seed, { created: '2026-11-20T17:05:01Z' })],
    ['early', secured(plain, seed, { created: '2026-11-20T17:00:00-01:00' })],
    ['holds', secured(plain, seed, { id: 'urn:uuid:2', nonce: 'x', unknown: [1] })], ['holds', secured(plain, seed, { domain: ['one.example'] }), { domain: 'one.example' }],
    ['holds', { ...good, proof: [good.proof] }], ['holds', { ...good, proof: [secured(plain, other).proof, good.proof] }, { index: 1 }],
    ['signature', { ...good, proof: [secured(plain, other).proof, good.proof] }, { index: 0 }],
    ['holds', secured({ ...credential, '@context': ['https://example.com/a'] }, seed, {}, { raw: true })],
    ['holds', changed((d) => d['@context'].push('https://example.com/more'), secured(credential, seed))],
    ['holds', changed((d) => { d['@context'] = [TERMS, 'https://example.com/more']; }, secured({ '@context': TERMS }, seed))],
    ['context', changed((d) => d['@context'].reverse(), secured(credential, seed))], ['context', changed((d) => d['@context'].pop(), secured(credential, seed))],
    ['context', changed((d) => { delete d['@context']; }, secured(credential, seed))],
    ['context', changed((d) => { d['@context'] = CREDENTIALS; }, secured(credential, seed))],
    ['signature', changed((d, p) => { delete p['@context']; }, secured(credential, seed))],
    ['unsigned', plain], ['unsigned', { proof: 'text' }], ['unsigned', { ...good, proof: [] }], ['unsigned', good, { index: 1 }],
    ['unsigned', { ...good, proof: Array(17).fill(good.proof) }], ['shape', { ...good, proof: [1] }],
    ['shape', changed((d, p) => delete p.type)], ['suite', changed((d, p) => { p.type = 'Ed25519Signature2020'; })],
    ['suite', changed((d, p) => { p.cryptosuite = 'eddsa-rdfc-2022'; })], ['suite', changed((d, p) => delete p.cryptosuite)],
    ['chain', secured(plain, seed, { previousProof: 'urn:uuid:1' })],
    ['shape', changed((d, p) => delete p.verificationMethod)], ['shape', changed((d, p) => { p.verificationMethod = { id: 'x' }; })],
    ['shape', changed((d, p) => delete p.proofPurpose)], ['shape', changed((d, p) => delete p.proofValue)], ['shape', changed((d, p) => { p.proofValue = 1; })],
    ['shape', changed((d, p) => { p.proofValue = ''; })], ['shape', changed((d, p) => { p.proofValue = value.slice(1); })],
    ['shape', changed((d, p) => { p.proofValue = 'u' + Buffer.alloc(64).toString('base64url'); })], ['shape', changed((d, p) => { p.proofValue = value.slice(0, 60); })],
    ['shape', changed((d, p) => { p.proofValue = `${value}1`; })], ['shape', changed((d, p) => { p.proofValue = `${value} `; })],
    ...['2026-11-20T17:00:00', '2026-11-20', '2026-11-20T17:00:00.Z', '2026-11-20T17:00:00z', '2026-11-20 17:00:00Z', '2026-02-30T17:00:00Z', '2026-11-20T17:00:00+15:00',
      '2026-11-20T17:00:00+14:01', '2026-11-20T17:00:00+1:00', '2026-11-20T17:00:00+01:60', '2026-11-20T17:00:00+0100', '26-11-20T17:00:00Z', '', 'now', 5, null]
      .map((created) => ['shape', secured(plain, seed, { created })]),
    ['shape', secured(plain, seed, { expires: 'never' })], ['shape', secured(plain, seed, { domain: [] })], ['shape', secured(plain, seed, { domain: [1] })],
    ['shape', secured(plain, seed, { domain: 1 })], ['shape', secured(plain, seed, { challenge: 1 })],
    ['purpose', good, { purpose: 'authentication' }], ['domain', good, { domain: 'one.example' }], ['domain', full, { domain: 'two.example' }],
    ['domain', secured(plain, seed, { domain: ['one.example', 'two.example'] }), { domain: 'one.example' }],
    ['challenge', good, { challenge: 'abc' }], ['challenge', full, { challenge: 'abcd' }],
    ['holds', full, { now: at('2026-11-20T17:59:59Z') }], ['expired', full, { now: at('2026-11-20T18:00:00Z') }], ['expired', full, { now: at('2027-01-01T00:00:00Z') }],
    ['signature', secured(plain, other)], ['signature', changed((d) => { d.a.name += '.'; })], ['signature', changed((d) => { d.more = 1; })],
    ['signature', changed((d) => { d.b.reverse(); })], ['signature', changed((d, p) => { p.created = '2026-11-20T16:59:59Z'; })],
    ['signature', changed((d, p) => { p.verificationMethod += 'x'; })], ['signature', changed((d, p) => { p.nonce = 'x'; })],
    ['signature', changed((d, p) => { p['@context'] = []; d['@context'] = []; })],
    ['signature', changed((d, p) => { p.proofValue = 'z' + '1'.repeat(64); })],
  ].map(([verdict, document, wish = {}]) => ({ verdict, document, wish: { now, ...wish } }));
  return { seed: hex(seed), publicKeyMultibase: multikeyOf(seed), verificationMethod: `did:web:localhost%3A8004#${multikeyOf(seed)}`, sign: sign_, judge };
}
