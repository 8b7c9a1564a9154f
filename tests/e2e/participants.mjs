// Participants from end to end: ethers wallets and a contract wallet claim handles, link accounts, agents and foreign DIDs, change their
// minds and are erased; every refusal says what to do; documents are as docs/formats.md section 15 says, at every version, before and after
// the tables were worked out anew; and two workers see it at once.
//   node participants.mjs --kedge FILE
import assert from 'node:assert/strict';
import http from 'node:http';
import { createHash } from 'node:crypto';
import { drive, kedgeBinary, until } from './harness.mjs';
import { agentSafe, fund, keyText, registerBy, registry, saveKey } from './agents.mjs';
import { People, contractWallet, ethers, profileUrn } from './people.mjs';
import { REGISTRY, artefact } from '../chain/lib.mjs';
import { canonical, leafOf, mapOver } from '../vectors/format.mjs';
import { changeUid, erasureUid, handleHash, lapseUid } from '../vectors/participants.mjs';

const kedge = kedgeBinary();
const N = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n;
const sha256 = (text) => createHash('sha256').update(text).digest('hex');
const profile = { schema: 'coordination-games/enrollment@1.0', season: 1, participant_type: 'human', stakeholder_class: ['player', 'é'], erc8004_id: 2202 };

let stack, people, alice, bob, carol, stranger, contract, contractKey;
const say = (verb, more = {}) => ({ verb, handle: 'alice', ...more });

const method = (handle, wallet) => `${people.did(handle)}#eip155-${people.chain}-${wallet.address.toLowerCase()}`;
const sorted = (list) => [...list].sort();

// ---- messages that are refused, whoever signs ----

async function messageRefusals() {
  const claim = say('claim', { handle: 'mallory' });
  const edited = (from, to) => ({ edit: (text) => { assert.ok(text.includes(from), from); return text.replace(from, to); } });
  const past = Date.now() - 3600000;
  const rows = [
    [400, 'message-form', edited('wants you', 'asks you')],
    [422, 'wrong-domain', { host: 'evil.example' }],
    [422, 'wrong-domain', { edit: (text) => `https://${text}` }],
    [422, 'wrong-uri', edited('%3A', '%3a')],
    [422, 'wrong-uri', edited('URI: did:web:', 'URI: did:web:evil.example:')],
    [422, 'handle-form', edited(':character:mallory', ':character:ma')],
    [422, 'handle-case', edited(':character:mallory', ':character:Mallory')],
    [422, 'handle-reserved', edited(':character:mallory', ':character:admin')],
    [422, 'wrong-chain', { chain: 8453 }],
    [422, 'nonce-form', { nonce: 'abcdefgh' }],
    [422, 'time-form', { issuedAt: new Date().toISOString().replace('Z', '+00:00') }],
    [422, 'no-expiry', { edit: (text) => text.replace(/\nExpiration Time: .*/, '') }],
    [422, 'expiry-range', { life: 86401000 }],
    [422, 'expiry-range', { life: 0 }],
    [422, 'unexpected-line', { edit: (text) => text.replace('\nResources:', '\nRequest ID: 1\nResources:') }],
    [422, 'unknown-verb', edited('urn:kedge:v1:claim', 'urn:kedge:v1:steal')],
    [422, 'object-unexpected', edited('urn:kedge:v1:claim', 'urn:kedge:v1:claim\n- did:web:example.com')],
    [422, 'role-unexpected', edited('urn:kedge:v1:claim', 'urn:kedge:v1:claim\n- urn:kedge:v1:role:controller')],
    [422, 'statement', edited('I claim the handle mallory', 'I claim the handle alice')],
    [422, 'statement', edited('I claim', 'I hereby claim')],
    [422, 'expired', { now: past }],
    [422, 'not-yet-valid', { now: Date.now() + 360000 }],
  ];
  for (const [status, rule, how] of rows) {
    const one = await people.sign(stranger, claim, how);
    const said = await people.refused(await people.post([one]), status, rule);
    assert.match(said.pointer, /^\/messages\/0/);
  }
  const link = (object, how) => people.sign(stranger, say('link', { handle: 'mallory', object }), how);
  for (const object of [`did:pkh:eip155:${people.chain}:${stranger.address.toLowerCase()}`, 'did:web:EXAMPLE.com', 'did:key:z6Mk', people.did('bob'), people.did('bob').replace('bob', 'x')])
    await people.refused(await people.post([await link(object)]), 422, 'object-form');
  await people.refused(await people.post([await people.sign(stranger, say('link', { handle: 'mallory', object: 'x:y' }), { edit: (t) => t.replace('\n- x:y', '') })]), 422, 'object-missing');
  return rows.length + 6;
}

async function bodyRefusals() {
  const one = await people.sign(stranger, say('claim', { handle: 'mallory' }));
  const raw = (body, headers) => stack.http('/v1/participants', { method: 'POST', body, headers });
  const two = [one, await people.sign(bob, say('claim', { handle: 'mallory' }))];
  await people.refused(await raw('{', {}), 400, 'malformed');
  await people.refused(await raw('[]', {}), 400, 'malformed');
  await people.refused(await raw('{"messages":[],"messages":[]}', {}), 400, 'duplicate-key');
  await people.refused(await raw('{}', { 'content-type': 'text/plain' }), 415, 'unsupported-media-type');
  await people.refused(await people.stack.post('/v1/participants', { messages: [one], extra: 1 }), 422, 'unknown-member');
  for (const messages of [undefined, [], 'x', [{}], [{ message: 1, signature: '0x' }], [{ ...one, more: 1 }], [one.message]])
    await people.refused(await stack.post('/v1/participants', { messages }), 422, 'missing-member');
  await people.refused(await people.post([one, one, one]), 422, 'messages-number');
  await people.refused(await people.post(two), 422, 'messages-number');
  await people.refused(await people.post([one], profile), 422, 'profile-unexpected');
  const set = (p) => people.sign(alice, say('profile', { object: profileUrn(p) }));
  await people.refused(await people.post([await set(profile)]), 422, 'profile-missing');
  await people.refused(await people.post([await set(profile)], { ...profile, season: 2 }), 422, 'profile-hash');
  const bad = { ...profile, season: [] };
  assert.equal((await people.refused(await people.post([await set(bad)], bad), 422, 'profile-form')).pointer, '/profile/season');
  return 17;
}

// ---- signatures ----

async function signatureRefusals() {
  const claim = say('claim', { handle: 'mallory' });
  const one = await people.sign(stranger, claim);
  const bytes = (change) => {
    const raw = ethers.getBytes(one.signature);
    change(raw);
    return { ...one, signature: ethers.hexlify(raw) };
  };
  const highS = bytes((raw) => {
    raw.set(ethers.getBytes(ethers.toBeHex(N - BigInt(ethers.hexlify(raw.subarray(32, 64))), 32)), 32);
    raw[64] = 55 - raw[64];
  });
  await people.refused(await people.post([highS]), 403, 'high-s');
  await people.refused(await people.post([bytes((raw) => { raw[64] = 55 - raw[64]; })]), 403, 'wrong-signer');
  await people.refused(await people.post([bytes((raw) => { raw[64] = 29; })]), 403, 'signature-form');
  for (const signature of ['0x', 'x', '0x00', one.signature.slice(0, -2), `0x${'00'.repeat(2000)}`])
    assert.equal((await people.refused(await people.post([{ ...one, signature }]), 403, 'signature-form')).pointer, '/messages/0/signature');
  const forged = { message: one.message, signature: await bob.signMessage(one.message) };
  await people.refused(await people.post([forged]), 403, 'wrong-signer');
  const refusing = contractWallet(contract.address, stranger);
  await people.refused(await people.post([await people.sign(refusing, claim)]), 403, 'contract-refuses');
  await people.refused(await people.post([await people.sign(contractWallet(REGISTRY, stranger), claim)]), 403, 'contract-refuses');
  return 11;
}

// ---- a life ----

async function claims() {
  await people.get('/v1/participants/alice', 404);
  await people.document('alice', 404);
  const prepared = await people.done(await stack.post('/v1/participants/prepare', { verb: 'claim', handle: 'Alice', account: alice.address.toLowerCase() }), 200);
  assert.equal(prepared.did, people.did('alice'));
  assert.deepEqual(prepared.messages.map(({ account, signer }) => [account, signer]), [[people.pkh(alice), 'controller']]);
  const signed = [{ message: prepared.messages[0].message, signature: await alice.signMessage(prepared.messages[0].message) }];
  const claimed = await people.done(await people.post(signed));
  assert.deepEqual([claimed.handle, claimed.did, claimed.verb, claimed.versionId], ['alice', people.did('alice'), 'claim', String(claimed.seq)]);
  assert.match(claimed.participant, /^urn:kedge:p:[0-9a-f]{32}$/);
  // the answer again, with v as 0 or 1 and in capitals too
  const raw = ethers.getBytes(signed[0].signature);
  raw[64] -= 27;
  for (const signature of [signed[0].signature, ethers.hexlify(raw), `0x${signed[0].signature.slice(2).toUpperCase()}`])
    assert.deepEqual(await people.done(await people.post([{ ...signed[0], signature }]), 200), { ...claimed, status: 200 });
  // nobody else, and nothing more for the same account
  await people.refused(await people.post([await people.sign(bob, say('claim'))]), 409, 'handle-taken');
  await people.refused(await people.post([await people.sign(alice, say('claim', { handle: 'alice2' }))]), 409, 'one-handle');
  await people.refused(await stack.post('/v1/participants/prepare', { verb: 'claim', handle: 'alice', account: bob.address }), 409, 'handle-taken');
  const document = await people.document('alice');
  assert.deepEqual(document, {
    '@context': document['@context'], id: people.did('alice'), alsoKnownAs: [people.pkh(alice)], controller: people.did('alice').replace(':character:alice', ''),
    verificationMethod: [{ id: method('alice', alice), type: 'EcdsaSecp256k1RecoveryMethod2020', controller: people.did('alice'),
      blockchainAccountId: `eip155:${people.chain}:${alice.address}` }],
    authentication: [method('alice', alice)], assertionMethod: [method('alice', alice)],
  });
  return claimed;
}

async function accounts() {
  const object = people.pkh(bob);
  await people.refused(await people.post([await people.sign(alice, say('link', { object }))]), 403, 'account-missing');
  await people.refused(await people.post([await people.sign(bob, say('link', { object }))]), 403, 'controller-missing');
  await people.refused(await people.post([await people.sign(bob, say('link', { object, controller: true }))]), 403, 'controller-missing');
  await people.refused(await people.post([await people.sign(bob, say('link', { object })), await people.sign(carol, say('link', { object }))]), 403, 'not-controller');
  await people.refused(await people.post([await people.sign(alice, say('link', { object })), await people.sign(bob, say('link', { object, controller: true }))]), 422, 'messages-differ');
  await people.refused(await people.post([await people.sign(alice, say('link', { object })), await people.sign(alice, say('link', { object }))]), 422, 'same-signer');
  await people.refused(await people.post([await people.sign(alice, say('unlink', { object }))]), 409, 'not-linked');
  const messages = [await people.sign(alice, say('link', { object })), await people.sign(bob, say('link', { object }))];
  const linked = await people.done(await people.post(messages));
  assert.deepEqual(await people.done(await people.post(messages.toReversed()), 200), { ...linked, status: 200 });
  await people.refused(await people.post([await people.sign(alice, say('link', { object })), await people.sign(bob, say('link', { object }))]), 409, 'already-linked');
  // bob is known, but may not act
  await people.refused(await people.post([await people.sign(bob, say('erase'))]), 403, 'not-controller');
  assert.deepEqual((await people.document('alice')).alsoKnownAs, [people.pkh(alice), people.pkh(bob)]);
  assert.equal((await people.document('alice')).verificationMethod.length, 1);
  await people.refused(await people.post([await people.sign(alice, say('unlink', { object: people.pkh(alice) }))]), 409, 'last-controller');
  // a message counts once, also beside a fresh one
  await people.change(bob, say('unlink', { object }));
  await people.refused(await people.post(messages), 409, 'replayed');
  await people.refused(await people.post([messages[0], await people.sign(bob, say('link', { object }))]), 409, 'replayed');
  // a contract wallet as second controller
  const prepared = await people.done(await stack.post('/v1/participants/prepare', { verb: 'link', handle: 'alice', object: contract.address, role: 'controller' }), 200);
  assert.deepEqual(prepared.messages.map(({ account, signer }) => [account, signer]), [[people.pkh(alice), 'controller'], [people.pkh(contract), 'account']]);
  const signed = [];
  for (const [i, wallet] of [alice, contract].entries())
    signed.push({ message: prepared.messages[i].message, signature: await wallet.signMessage(prepared.messages[i].message) });
  await people.done(await people.post(signed));
  const { didDocument, didDocumentMetadata } = await people.resolve('alice');
  assert.deepEqual(didDocument.authentication, [method('alice', alice), method('alice', contract)]);
  assert.deepEqual(didDocumentMetadata.gateway.accountKinds, { [method('alice', contract).slice(people.did('alice').length)]: 'contract' });
  // and it may act
  await people.change([contract, bob], say('link', { object }));
  assert.deepEqual((await people.get('/v1/participants/alice')).accounts.map(({ account, role, kind }) => [account, role, kind]),
    [[people.pkh(alice), 'controller', 'key'], [people.pkh(contract), 'controller', 'contract'], [object, 'account', 'key']]);
}

async function agents() {
  await fund(stack, alice.address, bob.address, carol.address);
  const ids = [];
  for (const wallet of [alice, bob, carol, carol]) ids.push((await registerBy(stack, wallet)).id);
  for (const id of ids) await agentSafe(stack, id);
  const [alices, bobsAgent, carols, second] = ids.map((id) => people.agentDid(id));
  await people.refused(await people.post([await people.sign(alice, say('link', { object: people.agentDid(424242) }))]), 404, 'unknown-agent');
  await people.refused(await people.post([await people.sign(alice, say('link', { object: people.agentDid(1).replace(/agent:.*/, `agent:eip155:${people.chain}:0x00000000000000000000000000000000000000ff:1`) }))]), 404, 'unserved-agent');
  // the owner is the account that signs
  await people.change(alice, say('link', { object: alices }));
  // the owner is an account of the participant: its own word, or a controller's, does
  await people.refused(await people.post([await people.sign(stranger, say('link', { object: bobsAgent }))]), 403, 'not-controller');
  await people.change(contract, say('link', { object: bobsAgent }));
  // the owner is somebody else: both
  await people.refused(await people.post([await people.sign(alice, say('link', { object: carols }))]), 403, 'owner-missing');
  await people.refused(await people.post([await people.sign(carol, say('link', { object: carols }))]), 403, 'controller-missing');
  await people.refused(await people.post([await people.sign(carol, say('link', { object: carols })), await people.sign(bob, say('link', { object: carols }))]), 403, 'not-controller');
  await people.refused(await people.post([await people.sign(alice, say('link', { object: carols })), await people.sign(bob, say('link', { object: carols }))]), 403, 'owner-missing');
  const prepared = await people.done(await stack.post('/v1/participants/prepare', { verb: 'link', handle: 'alice', object: String(ids[2]) }), 200);
  assert.deepEqual(prepared.messages.map(({ account, signer }) => [account, signer]), [[people.pkh(alice), 'controller'], [people.pkh(carol), 'owner']]);
  const signed = [];
  for (const [i, wallet] of [alice, carol].entries())
    signed.push({ message: prepared.messages[i].message, signature: await wallet.signMessage(prepared.messages[i].message) });
  await people.done(await people.post(signed));
  await people.change([alice, carol], say('link', { object: second }));
  assert.deepEqual(sorted((await people.document('alice')).alsoKnownAs), sorted([...[alice, contract, bob].map((w) => people.pkh(w)), alices, bobsAgent, carols, second]));
  assert.deepEqual((await people.get(`/v1/participants?agent=${ids[2]}`)).participants.map(({ handle }) => handle), ['alice']);
  assert.deepEqual((await people.get(`/v1/participants?agent=${encodeURIComponent(keyText(ids[0], REGISTRY.toLowerCase(), people.chain))}`)).participants.map(({ handle }) => handle), ['alice']);
  assert.deepEqual((await people.get('/v1/participants?agent=424242')).participants, []);
  // the owner takes its agent back
  await people.refused(await people.post([await people.sign(bob, say('unlink', { object: second }))]), 403, 'not-owner');
  await people.change(carol, say('unlink', { object: second }));
  // a transfer ends what its owner consented to, before anybody says so
  await stack.keep(false);
  const given = await stack.chain.sendSigned(carol, REGISTRY, registry.face.encodeFunctionData('transferFrom', [carol.address, stranger.address, ids[2]]));
  assert.equal(given.status, '0x1');
  await until('the new owner at latest', async () => (await people.get(`/v1/agents/${ids[2]}`)).latest.owner === stranger.address);
  // between two owners nobody links it, neither the old one nor the new
  for (const owner of [carol, stranger])
    await people.refused(await people.post([await people.sign(alice, say('link', { object: carols })), await people.sign(owner, say('link', { object: carols }))]), 409, 'owner-changing');
  await until('the transferred agent out of the document', async () => !(await people.document('alice')).alsoKnownAs.includes(carols));
  const { didDocumentMetadata } = await people.resolve('alice');
  const lapsed = didDocumentMetadata.gateway.claims.find(({ id }) => id === carols);
  assert.deepEqual([lapsed.state, lapsed.direction, lapsed.evidence.owner], ['lapsed', 'forward', carol.address]);
  assert.equal((await people.get('/v1/participants/alice')).agents.find(({ did }) => did === carols).state, 'lapsed');
  // and the log says so when nothing can take it back any more
  await stack.keep(true);
  await until('the lapse', async () => !(await people.get('/v1/participants/alice')).agents.some(({ did }) => did === carols));
  return { ids, alices, bobsAgent, carols };
}

async function foreignAndProfile() {
  const object = 'did:web:example.com%3A8443:user:alice';
  await people.refused(await people.post([await people.sign(bob, say('link', { object }))]), 403, 'not-controller');
  await people.change(alice, say('link', { object }));
  await people.refused(await people.post([await people.sign(alice, say('link', { object }))]), 409, 'already-linked');
  const { didDocument, didDocumentMetadata } = await people.resolve('alice');
  assert.ok(!didDocument.alsoKnownAs.includes(object));
  assert.equal(didDocumentMetadata.gateway.claims.find(({ id }) => id === object).direction, 'forward'); // one-way, or nobody is there
  const prepared = await people.done(await stack.post('/v1/participants/prepare', { verb: 'profile', handle: 'alice', profile }), 200);
  assert.equal(prepared.object, profileUrn(profile));
  await people.done(await people.post([{ message: prepared.messages[0].message, signature: await alice.signMessage(prepared.messages[0].message) }], profile));
  await people.refused(await people.post([await people.sign(alice, say('profile', { object: profileUrn(profile) }))], profile), 409, 'unchanged');
  const document = await people.document('alice');
  assert.deepEqual(document.coordinationGames, profile);
  assert.deepEqual(document['@context'][1].coordinationGames, { '@id': 'https://cooperation.games/ns#coordinationGames', '@type': '@json' });
  await people.change(alice, say('unlink', { object }));
}

// Membership ends, and with it what rested on it alone.
async function leaving({ alices, bobsAgent }) {
  await people.change(bob, say('unlink', { object: people.pkh(bob) }));
  const { alsoKnownAs } = await people.document('alice');
  assert.deepEqual(sorted(alsoKnownAs), sorted([people.pkh(alice), people.pkh(contract), alices]));
  assert.ok(!alsoKnownAs.includes(bobsAgent));
}

// ---- versions ----

// The document at each of its versions is what the log held then: an agent that was sold since among them.
async function versions(claimed, { bobsAgent }) {
  const { versions: all, next } = await people.get('/v1/participants/alice/history');
  assert.equal(next, null);
  assert.deepEqual(all.map(({ verb }) => verb), ['claim', 'link', 'unlink', 'link', 'link', 'link', 'link', 'link', 'link', 'unlink', 'lapse', 'link', 'profile', 'unlink', 'unlink']);
  assert.equal(all[0].versionId, claimed.versionId);
  const log = await stack.sql("select seq, kind, subject, line, encode(uid, 'hex') from entry order by seq");
  const mine = log.filter(([, , subject]) => subject === claimed.participant);
  assert.deepEqual(mine.map(([seq]) => seq), all.map(({ versionId }) => versionId));
  let also = [];
  for (const [i, version] of all.entries()) {
    const [seq, kind, , line, uid] = mine[i];
    const entry = JSON.parse(line);
    assert.equal(kind, ['claim', 'profile'].includes(version.verb) ? 'alias' : 'link');
    assert.deepEqual(Object.keys(entry), ['at', 'kind', 'payload', 'subject', 'uid', 'v']);
    // nothing of the person is in the line, and what is outside it is what it commits to
    const payload = JSON.parse((await stack.sql(`select convert_from(body, 'UTF8') from payload where seq = ${seq}`))[0][0]);
    assert.equal(sha256(canonical(payload)), entry.payload);
    assert.equal(version.verb === 'lapse' ? lapseUid(payload.link) : changeUid(payload.messages.map(({ message }) => message)), uid);
    assert.match(payload.salt, /^[0-9a-f]{64}$/);
    await people.get(`/v1/attestations/${uid}`, 404); // it is no attestation
    const { didDocument, didDocumentMetadata: metadata } = await people.resolve('alice', `?versionId=${version.versionId}`);
    assert.equal(metadata.versionId, version.versionId);
    assert.equal(metadata.created, all[0].at);
    assert.equal(metadata.updated, i === 0 ? undefined : version.at);
    assert.equal(metadata.nextVersionId, all[i + 1]?.versionId);
    assert.equal(metadata.nextUpdate, all[i + 1]?.at);
    if (version.verb === 'claim') also = [people.pkh(alice)];
    else if (version.verb === 'link' && !version.object.startsWith('did:web:example.com')) also.push(version.object);
    else if (['unlink', 'lapse'].includes(version.verb)) also = also.filter((did) => did !== version.object);
    // bob's leaving took the agent with it that was linked because it was his
    if (i === all.length - 1) also = also.filter((did) => did !== bobsAgent);
    assert.deepEqual(sorted(didDocument.alsoKnownAs), sorted(also), `version ${i}`);
    assert.deepEqual(didDocument.coordinationGames, i < 12 ? undefined : profile);
    // between two versions it is the earlier one's
    if (all[i + 1] && BigInt(all[i + 1].versionId) > BigInt(version.versionId) + 1n)
      assert.deepEqual(await people.resolve('alice', `?versionId=${BigInt(version.versionId) + 1n}`), await people.resolve('alice', `?versionId=${version.versionId}`));
    // by time: the last one of that second
    const last = all.findLast(({ at }) => at <= version.at);
    assert.equal((await people.resolve('alice', `?versionTime=${version.at}`)).didDocumentMetadata.versionId, last.versionId);
  }
  const { headers } = await stack.http(`/1.0/identifiers/${people.did('alice')}?versionId=${all[0].versionId}`);
  assert.equal(headers['last-modified'], new Date(all[0].at).toUTCString());
  await people.resolve('alice', `?versionId=${BigInt(all[0].versionId) - 1n}`, 404);
  await people.resolve('alice', '?versionTime=2020-01-01T00:00:00Z', 404);
  await people.resolve('alice', '?versionId=1000000', 404);
  assert.equal((await people.resolve('alice', '?versionTime=2100-01-01T00:00:00Z')).didDocumentMetadata.versionId, all.at(-1).versionId);
  const paged = await people.get('/v1/participants/alice/history?limit=5');
  assert.deepEqual((await people.get(`/v1/participants/alice/history?limit=5&after=${paged.next}`)).versions, all.slice(5, 10));
  return all;
}

// ---- reading ----

async function reading() {
  const answer = await stack.http('/character/alice/did.json');
  assert.equal(answer.headers['content-type'], 'application/json');
  assert.equal(answer.headers.vary, 'Accept');
  assert.equal(answer.headers['access-control-allow-origin'], '*');
  assert.ok(answer.body.length <= 8000);
  assert.equal((await stack.http('/character/alice/did.json', { headers: { 'if-none-match': answer.headers.etag } })).status, 304);
  for (const type of ['application/did', 'application/did+json', 'application/did+ld+json']) {
    const typed = await stack.http('/character/alice/did.json', { headers: { accept: type } });
    assert.equal(typed.headers['content-type'], type);
    assert.deepEqual(typed.json(), answer.json());
    const bare = await stack.http(`/1.0/identifiers/${people.did('alice')}`, { headers: { accept: type } });
    assert.deepEqual(bare.json(), answer.json());
  }
  assert.equal((await people.get('/character/Alice/did.json', 404)).detail, 'Handles are in lower case: this one is spelt alice.');
  await people.get('/character/a/did.json', 404);
  const { didResolutionMetadata } = await people.resolve('ALICE', '', 404);
  assert.match(didResolutionMetadata.error.detail, /alice/);
  await people.resolve('no-one', '', 404);
  await people.resolve('no.body', '', 404);
  // the list
  await people.change(carol, say('claim', { handle: 'carol' }));
  assert.deepEqual((await people.get('/v1/participants')).participants.map(({ handle }) => handle), ['alice', 'carol']);
  const page = await people.get('/v1/participants?limit=1');
  assert.deepEqual([page.participants.length, page.next], [1, 'alice']);
  assert.deepEqual((await people.get('/v1/participants?limit=1&after=alice')).participants.map(({ handle }) => handle), ['carol']);
  for (const account of [alice.address, `eip155:${people.chain}:${alice.address}`, people.pkh(alice), people.pkh(alice).toLowerCase()])
    assert.deepEqual((await people.get(`/v1/participants?account=${account}`)).participants.map(({ handle }) => handle), ['alice']);
  assert.deepEqual((await people.get(`/v1/participants?account=${stranger.address}`)).participants, []);
  assert.deepEqual((await people.get(`/v1/participants?account=eip155:1:${alice.address}`)).participants, []);
  for (const query of ['account=x', 'agent=x', 'limit=0', 'limit=1001', 'limit=x', 'after=-', `account=${alice.address}&agent=1`, 'handle=alice'])
    await people.get(`/v1/participants?${query}`, 400);
}

// Whoever is asked: each worker has connections of its own, and what a change was answered for is seen by all of them.
async function everyWorker() {
  const seasons = [];
  for (let season = 2; season < 12; season++) {
    const next = { ...profile, season };
    await people.change(alice, say('profile', { object: profileUrn(next) }), next);
    const seen = await Promise.all(Array.from({ length: 8 }, () => people.document('alice')));
    seasons.push(...seen.map(({ coordinationGames }) => coordinationGames.season === season));
  }
  assert.ok(seasons.every(Boolean));
  return seasons.length;
}

// The same change, asked for by many at once, is made once.
async function atOnce() {
  const messages = [await people.sign(bob, say('claim', { handle: 'bobby' }))];
  const answers = await Promise.all(Array.from({ length: 12 }, () => people.post(messages)));
  const all = await Promise.all(answers.map((answer) => people.done(answer, answer.status)));
  assert.ok(answers.every(({ status }) => [200, 201].includes(status)));
  assert.deepEqual([...new Set(all.map(({ seq }) => seq))].length, 1);
  // and of many who want the same handle one gets it
  const wallets = Array.from({ length: 10 }, () => ethers.Wallet.createRandom());
  const race = await Promise.all(wallets.map(async (wallet) => people.post([await people.sign(wallet, say('claim', { handle: 'prize' }))])));
  assert.deepEqual(sorted(race.map(({ status }) => status)), [201, ...Array(9).fill(409)]);
}

async function prepares() {
  const ask = (body) => stack.post('/v1/participants/prepare', body);
  const rows = [
    [{ handle: 'x' }, 422, 'unknown-verb'], [{ verb: 'lapse', handle: 'alice' }, 422, 'unknown-verb'], [{ verb: 'claim', handle: 'x!', account: alice.address }, 422, 'handle-form'],
    [{ verb: 'claim', handle: 'Root', account: alice.address }, 422, 'handle-reserved'], [{ verb: 'claim', handle: 'newone' }, 422, 'missing-member'],
    [{ verb: 'claim', handle: 'newone', account: 'x' }, 422, 'account-form'], [{ verb: 'claim', handle: 'newone', account: `eip155:8453:${alice.address}` }, 422, 'wrong-chain'],
    [{ verb: 'claim', handle: 'newone', account: stranger.address, object: 'x' }, 422, 'object-unexpected'], [{ verb: 'link', handle: 'alice' }, 422, 'object-missing'],
    [{ verb: 'link', handle: 'alice', object: 'what' }, 422, 'object-form'], [{ verb: 'link', handle: 'alice', object: `eip155:8453:${bob.address}` }, 422, 'wrong-chain'],
    [{ verb: 'link', handle: 'alice', object: bob.address, role: 'boss' }, 422, 'role-form'], [{ verb: 'erase', handle: 'alice', role: 'account' }, 422, 'role-unexpected'],
    [{ verb: 'profile', handle: 'alice' }, 422, 'profile-missing'], [{ verb: 'erase', handle: 'alice', profile: {} }, 422, 'profile-unexpected'],
    [{ verb: 'profile', handle: 'alice', profile: { season: 1 } }, 422, 'profile-form'], [{ verb: 'erase', handle: 'no-one' }, 404, 'no-participant'],
    [{ verb: 'erase', handle: 'alice', account: bob.address }, 403, 'not-controller'], [{ verb: 'unlink', handle: 'alice', object: stranger.address }, 409, 'not-linked'],
    [{ verb: 'link', handle: 'alice', object: stranger.address, account: bob.address }, 403, 'not-controller'], [{ verb: 'link', handle: 'alice', object: '424242' }, 404, 'unknown-agent'],
    [{ verb: 'claim', handle: 'newone', account: alice.address }, 409, 'one-handle'], [{ verb: 'claim', handle: 'newone', account: alice.address, extra: 1 }, 422, 'unknown-member'],
  ];
  for (const [body, status, rule] of rows) await people.refused(await ask(body), status, rule);
  return rows.length;
}

// ---- the tables are a copy ----

const TABLES = ['participant', 'participant_account', 'participant_agent', 'participant_foreign', 'participant_message', 'handle_claimed'];
const dump = async () => {
  const all = {};
  for (const table of TABLES) all[table] = (await stack.sql(`select t::text from ${table} t order by 1`)).flat();
  return all;
};

async function rebuild(handles) {
  const look = async () => {
    const seen = [];
    for (const handle of handles) seen.push(await people.get(`/v1/participants/${handle}`), await people.document(handle));
    return seen;
  };
  const [before, seen] = [await dump(), await look()];
  assert.ok(before.participant.length >= handles.length);
  await stack.sql("update participant_account set controller = not controller; delete from participant_agent; update participant set state = '{}', seq = seq + 1, at = at + 1");
  const { stdout } = await stack.cli(['participant', 'rebuild', '--json']);
  assert.deepEqual(JSON.parse(stdout), { rebuilt: before.participant.length });
  assert.deepEqual(await dump(), before);
  assert.deepEqual(await look(), seen);
}

// ---- the end ----

async function erasure(claimed, all) {
  await people.refused(await people.post([await people.sign(carol, say('erase'))]), 403, 'not-controller');
  const erase = [await people.sign(contract, say('erase'))];
  const count = (await stack.sql(`select count(*) from entry where subject = '${claimed.participant}'`))[0][0];
  const gone = await people.done(await people.post(erase));
  assert.equal(gone.participant, claimed.participant);
  assert.equal((await people.done(await people.post(erase), 200)).seq, gone.seq);
  for (const target of ['/v1/participants/alice', '/v1/participants/alice/history', '/character/alice/did.json'])
    assert.equal((await people.get(target, 410)).rule, 'erased');
  for (const query of ['', `?versionId=${all[3].versionId}`, `?versionTime=${all[3].at}`, '?versionId=1000000']) {
    const answer = await stack.http(`/1.0/identifiers/${people.did('alice')}${query}`);
    assert.equal(answer.status, 410);
    assert.equal(answer.json().didDocument, null);
    assert.deepEqual(answer.json().didDocumentMetadata, { deactivated: true });
  }
  await people.refused(await people.post([await people.sign(stranger, say('claim'))]), 410, 'handle-erased');
  await people.refused(await people.post([await people.sign(alice, say('link', { object: 'did:web:example.com' }))]), 410, 'erased');
  await people.refused(await stack.post('/v1/participants/prepare', { verb: 'claim', handle: 'alice', account: stranger.address }), 410, 'handle-erased');
  assert.ok(!(await people.get('/v1/participants')).participants.some(({ handle }) => handle === 'alice'));
  // the log keeps its lines and says which payloads are gone; nothing of the person is left anywhere
  const erased = await stack.sql(`select seq, line, encode(uid, 'hex') from entry where subject = '${claimed.participant}' and kind = 'erasure' order by seq`);
  assert.equal(erased.length, Number(count));
  assert.equal(erased.at(-1)[0], String(gone.seq));
  const targets = erased.map(([, line, uid]) => {
    const { by, reason, target, request } = JSON.parse(line);
    assert.deepEqual([by, reason, uid, request], ['participant', 'request', erasureUid(target), changeUid([erase[0].message])]);
    return String(target);
  });
  assert.deepEqual(targets, (await stack.sql(`select seq from entry where subject = '${claimed.participant}' and kind <> 'erasure' order by seq`)).flat());
  assert.deepEqual(await stack.sql(`select seq from payload where seq in (${targets.join(',')})`), []);
  assert.deepEqual((await stack.sql(`select encode(hash, 'hex') from handle_claimed where encode(hash, 'hex') = '${handleHash('alice')}'`)).length, 1);
  const left = (await stack.sql(`select (select count(*) from participant where key = '${claimed.participant}') + (select count(*) from participant_message where key = '${claimed.participant}')
    + (select count(*) from participant_request where body is not null)`))[0][0];
  assert.equal(left, '0');
  // the account may begin anew, under another name
  await people.change(alice, say('claim', { handle: 'alice-again' }));
  return targets.length;
}

async function operatorErases() {
  const before = await people.get('/v1/participants/carol');
  await stack.cli(['participant', 'erase', 'carol'], { code: 2 });
  await stack.cli(['participant', 'erase', 'carol', '--operator', '--reason', 'spite', '--yes'], { code: 2 });
  await stack.cli(['participant', 'erase', 'carol', '--operator', '--reason', 'law'], { code: 2 });
  const letter = sha256('a letter');
  const { stdout } = await stack.cli(['participant', 'erase', 'Carol', '--operator', '--reason', 'law', '--request', letter, '--yes', '--json']);
  assert.equal(JSON.parse(stdout).participant, before.participant);
  const [[line]] = await stack.sql(`select line from entry where subject = '${before.participant}' and kind = 'erasure'`);
  const { by, reason, request } = JSON.parse(line);
  assert.deepEqual([by, reason, request], ['operator', 'law', letter]);
  await people.document('carol', 410);
  await stack.cli(['participant', 'erase', 'carol', '--operator', '--reason', 'law', '--yes'], { code: 1 });
  await stack.cli(['participant', 'erase', 'no-one', '--operator', '--reason', 'law', '--yes'], { code: 1 });
}

// What the completeness map counts: every entry of a participant, erasures too.
async function complete(key) {
  const size = 1 + Number((await stack.sql("select max(seq) from entry where kind <> 'index'"))[0][0]);
  await until('an index head over all of it', async () => Number((await stack.sql('select max(size) from map_head'))[0][0]) >= size);
  const head = Number((await stack.sql('select max(size) from map_head'))[0][0]);
  const entries = (await stack.sql(`select line from entry where seq < ${head} order by seq`)).flat();
  const { pairs, root } = mapOver(entries, head);
  assert.equal((await stack.sql(`select encode(root, 'hex') from map_head where size = ${head}`))[0][0], root.toString('hex'));
  const own = pairs.find(({ text }) => text === key);
  assert.equal(String(own.items.length), (await stack.sql(`select count from subject where key = '${key}'`))[0][0]);
  assert.equal(leafOf(entries[0]).length, 32);
}

// The duty dies right after each of its commits: what was asked for is answered all the same, and made once.
async function dyingDuty() {
  await stack.quit();
  await stack.serve({ KEDGE_FAILPOINT: 'participants.committed:kill' });
  const wallet = ethers.Wallet.createRandom();
  const { seq, participant } = await people.change(wallet, say('claim', { handle: 'phoenix' }));
  const messages = [await people.sign(wallet, say('link', { handle: 'phoenix', object: 'did:web:example.com' }))];
  const linked = await people.done(await people.post(messages));
  assert.deepEqual(await people.done(await people.post(messages), 200), { ...linked, status: 200 });
  const { seq: last } = await people.change(wallet, say('erase', { handle: 'phoenix' }));
  const entries = await stack.sql(`select seq, kind from entry where subject = '${participant}' order by seq`);
  assert.deepEqual(entries, [[String(seq), 'alias'], [String(linked.seq), 'link'], [String(last - 1), 'erasure'], [String(last), 'erasure']]);
  await people.document('phoenix', 410);
}

async function quota() {
  await stack.sql("update handle_claimed set at = at - 86400000");
  const limited = { KEDGE_PARTICIPANT_QUOTA: '1' };
  await stack.quit();
  await stack.serve(limited);
  await people.change(ethers.Wallet.createRandom(), say('claim', { handle: 'first' }));
  const second = ethers.Wallet.createRandom();
  const said = await people.refused(await people.post([await people.sign(second, say('claim', { handle: 'second' }))]), 429, 'quota');
  assert.match(said.next, /participant_quota/);
  await people.refused(await stack.post('/v1/participants/prepare', { verb: 'claim', handle: 'second', account: second.address }), 429, 'quota');
  // what was refused may be asked again when it may be
  await stack.sql("update handle_claimed set at = at - 86400000");
  await people.change(second, say('claim', { handle: 'second' }));
}

// ---- the command line ----

async function commandLine() {
  const [key, friend] = [ethers.Wallet.createRandom(), ethers.Wallet.createRandom()];
  const [keyFile, friendFile] = [saveKey(stack, 'dora', key), saveKey(stack, 'friend', friend)];
  const json = async (...words) => JSON.parse((await stack.cli(['participant', ...words, '--json'])).stdout);
  assert.match((await stack.cli(['participant', '--help'])).stdout, /claim HANDLE/);
  for (const verb of ['claim', 'link', 'unlink', 'profile', 'erase', 'show', 'links', 'list', 'history', 'rebuild']) await stack.cli(['participant', verb, '--help']);
  await stack.cli(['participant', 'steal'], { code: 2 });
  await stack.cli(['participant', 'claim', 'dora'], { code: 2 });
  const claimed = await json('claim', 'Dora', '--key', keyFile);
  assert.deepEqual([claimed.handle, claimed.verb, claimed.status], ['dora', 'claim', 201]);
  assert.match((await stack.cli(['participant', 'claim', 'dora', '--key', friendFile], { code: 1 })).stderr, /handle-taken/);
  assert.match((await stack.cli(['participant', 'link', 'dora', friend.address, '--key', keyFile], { code: 2 })).stderr, /--with/);
  assert.equal((await json('link', 'dora', friend.address, '--role', 'controller', '--key', keyFile, '--with', friendFile)).verb, 'link');
  assert.equal((await json('link', 'dora', 'did:web:example.com', '--key', friendFile)).verb, 'link');
  const file = saveKey(stack, 'unused', friend).replace('unused.key', 'profile.json');
  (await import('node:fs')).writeFileSync(file, JSON.stringify(profile));
  assert.equal((await json('profile', 'dora', file, '--key', keyFile)).verb, 'profile');
  await fund(stack, key.address);
  const { id } = await registerBy(stack, key);
  await agentSafe(stack, id);
  assert.match((await stack.cli(['participant', 'link', 'dora', String(id), '--key', keyFile])).stdout, /link/);
  const shown = (await stack.cli(['participant', 'show', 'dora'])).stdout;
  for (const text of ['dora', people.pkh(key), people.pkh(friend), people.agentDid(id), 'did:web:example.com', 'proven', 'controller']) assert.ok(shown.includes(text), text);
  assert.deepEqual(await json('show', 'dora'), await people.get('/v1/participants/dora'));
  assert.ok((await stack.cli(['participant', 'list'])).stdout.includes('dora'));
  assert.deepEqual((await json('list', '--account', friend.address)).participants.map(({ handle }) => handle), ['dora']);
  assert.match((await stack.cli(['participant', 'history', 'dora'])).stdout, /claim[^]*link[^]*profile/);
  assert.equal((await json('unlink', 'dora', friend.address, '--key', friendFile)).verb, 'unlink');
  assert.match((await stack.cli(['participant', 'unlink', 'dora', key.address, '--key', keyFile], { code: 1 })).stderr, /last-controller/);
  // what another gateway answers moves no terminal
  const other = http.createServer((request, response) => response.end(JSON.stringify(request.url.endsWith('/prepare') ? { messages: [] } : { did: '\u009b31m\u2028' })));
  await new Promise((resolve) => other.listen(0, '127.0.0.1', resolve));
  const said = (await stack.cli(['participant', 'claim', 'elsewhere', '--key', keyFile, '--json', '--url', `http://127.0.0.1:${other.address().port}`])).stdout;
  other.close();
  assert.match(said, /^[ -~]+\n$/);
  assert.deepEqual(JSON.parse(said), { did: '\u009b31m\u2028' });
  await stack.cli(['participant', 'erase', 'dora', '--key', keyFile], { code: 2 });
  assert.equal((await json('erase', 'dora', '--key', keyFile, '--yes')).verb, 'erase');
  assert.match((await stack.cli(['participant', 'show', 'dora'], { code: 1 })).stderr, /erased/);
  assert.match((await stack.cli(['resolve', people.did('dora')], { code: 1 })).stderr, /410 the DID was given up/);
}

async function steps(given) {
  stack = given;
  people = new People(stack);
  [alice, bob, carol, stranger, contractKey] = Array.from({ length: 5 }, () => ethers.Wallet.createRandom());
  const [deployer] = await stack.chain.rpc('eth_accounts');
  contract = contractWallet((await stack.chain.deploy(deployer, artefact('tests/contracts/KeyWallet.json'), [contractKey.address])).address, contractKey);
  await until('the contract wallet in a safe block', async () => (await stack.chain.rpc('eth_getCode', contract.address, 'safe')) !== '0x');
  const began = await stack.chain.number();
  await until('the gateway at that block', async () => Number((await stack.sql('select safe_number from chain_head'))[0][0]) >= began);
  let refusals = await messageRefusals();
  refusals += await bodyRefusals();
  refusals += await signatureRefusals();
  assert.deepEqual(await stack.sql("select kind from entry where kind in ('alias', 'link', 'erasure')"), []);
  const claimed = await claims();
  await accounts();
  const linked = await agents();
  await foreignAndProfile();
  await leaving(linked);
  const all = await versions(claimed, linked);
  await reading();
  refusals += await prepares();
  const seen = await everyWorker();
  await atOnce();
  await rebuild(['alice', 'carol', 'bobby', 'prize']);
  const targets = await erasure(claimed, all);
  await operatorErases();
  await rebuild(['bobby', 'prize', 'alice-again']);
  await commandLine();
  await complete(claimed.participant);
  await dyingDuty();
  await quota();
  return `${refusals} refusals of messages, ${all.length} versions, ${seen} reads after changes, ${targets} payloads erased`;
}

await drive({ kedge, settings: { participant_quota: 1000, workers: 2 } }, steps);
