// The link matrix: each pair of identities in each state it can be in, as documents, metadata and …/links say it, all three alike; with hosts served over TLS by this
// test, transfers and a reorganisation on the chain, and lapses in the log.
//   node links.mjs --kedge FILE
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import https from 'node:https';
import path from 'node:path';
import { drive, kedgeBinary, settled, sleep, until } from './harness.mjs';
import { agentSafe, fund, keyText, registerBy, registry } from './agents.mjs';
import { People, contractWallet, ethers } from './people.mjs';
import { REGISTRY, artefact } from '../chain/lib.mjs';

const kedge = kedgeBinary();
const HOSTS = ['one', 'two', 'three', 'cycle', 'person', 'away'].map((name) => `${name}.example.com`);
const also = new Map(); // host -> what its document lists; a number: that status instead
const hits = new Map();
const DUE_MS = 20000;

async function webServer(stack) {
  const [key, cert] = ['key', 'cert'].map((name) => path.join(stack.state, `web-${name}.pem`));
  execFileSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2', '-subj', '/CN=web',
    '-addext', `subjectAltName=${HOSTS.map((host) => `DNS:${host}`).join(',')}`, '-keyout', key, '-out', cert], { stdio: 'ignore' });
  const server = https.createServer({ key: fs.readFileSync(key), cert: fs.readFileSync(cert) }, (req, res) => {
    const { host } = req.headers, list = also.get(host);
    hits.set(host, (hits.get(host) ?? 0) + 1);
    if (!Array.isArray(list) || req.url !== '/.well-known/did.json') res.writeHead(typeof list === 'number' ? list : 404).end();
    else res.writeHead(200, { 'Cache-Control': 'no-store' }).end(JSON.stringify({ id: `did:web:${host}`, alsoKnownAs: list }));
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  server.unref();
  const to = `127.0.0.1@${server.address().port}`;
  return { fetch_allow: HOSTS.map((host) => `${host}:443=${to}`).join('\nfetch_allow = '), fetch_ca: cert, file_refresh_s: 1, participant_quota: 1000, workers: 2 };
}

let stack, people, chainId, alice, bob, carol, heir;

// ---- what is said of a subject, everywhere ----

const agent = (id) => ({ name: `agent ${id}`, links: `/v1/agents/${id}/links`, document: `/agent/${chainId}/${id}/did.json`, did: people.agentDid(id), id });
const person = (handle) => ({ name: handle, links: `/v1/participants/${handle}/links`, document: `/character/${handle}/did.json`, did: people.did(handle), handle });
const caip19 = (id) => `eip155:${chainId}/erc721:${REGISTRY}/${id}`;

async function look(subject) {
  const [{ links }, document, resolved] = await Promise.all([people.get(subject.links), people.get(subject.document),
    people.get(`/1.0/identifiers/${subject.did}`)]);
  return { links, document, resolved: resolved.didDocument, claims: resolved.didDocumentMetadata.gateway.claims ?? [] };
}

// It is in that state, and all three say so; apart: it never stands in alsoKnownAs. What one worker has just learned the other learns within two seconds.
async function stands(subject, id, state, { apart = false, direction } = {}) {
  let seen;
  try {
    return await until(`${subject.name} and ${id} ${state}`, async () => {
      seen = await look(subject);
      const link = seen.links.find((one) => one.id === id);
      const claim = seen.claims.find((one) => one.id === id);
      const published = state === 'proven' && !apart;
      return link?.state === state && link.published === published && (direction === undefined || link.direction === direction) &&
        (link.next === undefined) === (state === 'proven' || link.evidence.detail !== undefined) && [seen.document, seen.resolved].every(({ alsoKnownAs }) => alsoKnownAs.includes(id) === published) &&
        (state === 'proven' ? claim === undefined : claim?.state === state && claim.direction === link.direction) && link;
    }, DUE_MS);
  } catch (e) {
    console.error(JSON.stringify(seen, null, 1));
    throw e;
  }
}

const gone = (subject, id) => until(`${subject.name} without ${id}`, async () => {
  const { links, document, resolved, claims } = await look(subject);
  return ![...links, ...claims].some((one) => one.id === id) && ![document, resolved].some(({ alsoKnownAs }) => alsoKnownAs.includes(id));
}, DUE_MS);

// As often as this test wants.
async function check(subject, checking) {
  await stack.sql('delete from link_asked');
  const answer = await stack.post(`${subject.links}/check`);
  assert.equal(answer.status, 202, answer.body.toString());
  assert.equal(answer.json().checking, checking);
  assert.equal(answer.headers.location, subject.links);
}

const older = (object, ms) => stack.sql(`update link_claim set good = good - ${ms}, due = due + 3600000 where object = '${object}'`);

// ---- registration files ----

const uri = (name, { dids = [], agents = [], more = [] } = {}) => `data:application/json,${encodeURIComponent(JSON.stringify({
  type: 'https://eips.ethereum.org/EIPS/eip-8004#registration-v1', name, description: 'd', image: 'i',
  services: dids.map((endpoint, i) => ({ name: ['DID', 'did', 'Did'][i % 3], endpoint })),
  registrations: [...agents.map((id) => ({ agentId: Number(id), agentRegistry: `eip155:${chainId}:${REGISTRY}` })), ...more],
}))}`;
const send = (wallet, name, ...args) => stack.chain.sendSigned(wallet, REGISTRY, registry.face.encodeFunctionData(name, args));
const write = (wallet, id, name, said) => send(wallet, 'setAgentURI', id, uri(name, said));

// ---- pairs ----

// Another host's DID, of whoever: claim() makes it claimed; proof is what the other document must list.
async function foreign(subject, host, proofs, number) {
  const did = `did:web:${host}`;
  also.set(host, ['did:web:nobody.example.com', 'https://nobody.example.com/']);
  await check(subject, number);
  await stands(subject, did, 'one-way', { direction: 'forward' });
  for (const proof of proofs) {
    also.set(host, ['did:web:nobody.example.com', proof]);
    await check(subject, number);
    const link = await stands(subject, did, 'proven', { direction: 'both' });
    assert.equal(link.evidence.asked.url, `https://${host}/.well-known/did.json`);
    assert.match(link.evidence.asked.sha256, /^0x[0-9a-f]{64}$/);
    also.set(host, []);
    await check(subject, number);
    await stands(subject, did, 'revoked');
  }
  // silence takes nothing back for five minutes, and then it does; what was revoked does not come back by it
  also.set(host, 503);
  await check(subject, number);
  await stands(subject, did, 'unreachable');
  also.set(host, [proofs[0]]);
  await check(subject, number);
  await stands(subject, did, 'proven');
  also.set(host, 503);
  const before = hits.get(host);
  await check(subject, number);
  await until('the host was asked', () => hits.get(host) > before);
  await stands(subject, did, 'proven');
  await older(did, 301000);
  await stands(subject, did, 'unreachable');
  also.set(host, [proofs[0]]);
  await check(subject, number);
  await stands(subject, did, 'proven');
}

async function agentsAndForeign() {
  const { id } = await registerBy(stack, alice);
  const subject = agent(id);
  also.set(HOSTS[5], 500);
  also.set(HOSTS[3], [people.agentDid(4242)]); // whom it knows is another
  await write(alice, id, 'foreign', { dids: [`did:web:${HOSTS[0]}`, `did:web:${HOSTS[3]}`, `did:web:${HOSTS[5]}`, 'did:key:z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK',
    people.pkh(alice), people.pkh(heir), people.did('nobody'), subject.did] });
  await agentSafe(stack, id);
  await stands(subject, `did:web:${HOSTS[0]}`, 'one-way'); // it has none
  await foreign(subject, HOSTS[0], [subject.did, caip19(id), caip19(id).toLowerCase()], 3);
  // all at once, each in its own state
  await stands(subject, `did:web:${HOSTS[3]}`, 'one-way');
  await stands(subject, `did:web:${HOSTS[5]}`, 'unreachable');
  await stands(subject, 'did:key:z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK', 'unreachable');
  await stands(subject, people.pkh(alice), 'proven', { apart: true });
  await stands(subject, people.pkh(heir), 'one-way', { apart: true });
  await stands(subject, people.did('nobody'), 'one-way');
  const { links } = await people.get(subject.links);
  assert.deepEqual(links.filter(({ id: of }) => of === caip19(id) || of === subject.did).map(({ evidence }) => evidence), [{ role: 'token' }]);
  assert.equal((await people.get(subject.document)).controller, people.pkh(alice));
  // what the file does not say any more is claimed no more
  await write(alice, id, 'nothing');
  await gone(subject, `did:web:${HOSTS[0]}`);
  await gone(subject, `did:web:${HOSTS[3]}`);
  // as of a block a document is chain state alone
  const then = await people.get(`/1.0/identifiers/${subject.did}?versionId=${await safeBlock()}`);
  assert.deepEqual([then.didDocument.alsoKnownAs, then.didDocumentMetadata.gateway.claims], [[caip19(id)], undefined]);
  await checking(subject);
}

const safeBlock = async () => Number((await stack.sql('select safe_number from chain_head'))[0][0]);

// Whoever waits may ask, from any page, but not all the time.
async function checking(subject) {
  await write(alice, subject.id, 'again', { dids: [`did:web:${HOSTS[0]}`] });
  await stands(subject, `did:web:${HOSTS[0]}`, 'proven');
  await check(subject, 1);
  const headers = { origin: 'https://wallet.example' };
  const again = await stack.post(`${subject.links}/check`, undefined, { headers });
  assert.equal(again.status, 429, again.body.toString());
  assert.ok(Number(again.headers['retry-after']) >= 1 && Number(again.headers['retry-after']) <= 10);
  assert.match(again.json().next, /Retry-After/);
  for (const target of [`${subject.links}/check`, '/v1/participants/prepare', '/v1/agents/prepare/uri', '/v1/attestations/prepare', `/v1/agents/${subject.id}/files/a.json/prepare`]) {
    const preflight = await stack.http(target, { method: 'OPTIONS', headers: { ...headers, 'access-control-request-method': 'POST', 'access-control-request-headers': 'content-type' } });
    assert.equal(preflight.status, 204, target);
    assert.match(preflight.headers['access-control-allow-methods'], /POST/);
    assert.equal(preflight.headers['access-control-allow-origin'], '*');
    const asked = await stack.post(target, target.endsWith('/check') ? undefined : {}, { headers });
    assert.equal(asked.headers['access-control-allow-origin'], '*', target);
  }
  // what changes something is not for other pages
  const change = await stack.post('/v1/participants', { messages: [] }, { headers });
  assert.equal(change.headers['access-control-allow-origin'], undefined);
  await people.get('/v1/agents/424242/links', 404);
  assert.equal((await stack.post('/v1/agents/424242/links/check')).status, 404);
  assert.equal((await stack.post('/v1/participants/nobody/links/check')).status, 404);
}

async function agentsAndAgents() {
  const ids = [];
  for (let i = 0; i < 4; i++) ids.push((await registerBy(stack, bob)).id);
  const [a, b, c, lone] = ids;
  for (const id of ids) await agentSafe(stack, id);
  // a knows b, b knows c, c knows a: nobody is known back
  for (const [from, to] of [[a, b], [b, c], [c, a]]) await write(bob, from, `cycle ${from}`, { agents: [from, to] });
  for (const [from, to] of [[a, b], [b, c], [c, a]]) await stands(agent(from), caip19(to), 'one-way', { direction: 'forward' });
  assert.ok(!(await people.get(agent(a).links)).links.some(({ id }) => id === caip19(c)), 'nothing is followed');
  // back, by the agent's DID; and both at once
  await write(bob, b, 'back', { dids: [people.agentDid(a)], agents: [c] });
  for (const [from, to] of [[a, b], [b, a]]) await stands(agent(from), caip19(to), 'proven', { direction: 'both' });
  await stands(agent(b), caip19(c), 'one-way');
  await write(bob, b, 'no more', { agents: [c] });
  await stands(agent(a), caip19(b), 'one-way');
  // of another chain nobody can be asked; of an agent that is not there, nothing comes back
  await write(bob, lone, 'lone', { agents: [424242], more: [{ agentId: 1, agentRegistry: `eip155:8453:${REGISTRY}` }] });
  await stands(agent(lone), `eip155:8453/erc721:${REGISTRY}/1`, 'unreachable');
  await stands(agent(lone), caip19(424242), 'one-way');
  return ids;
}

// ---- participants ----

const say = (verb, more = {}) => ({ verb, handle: 'alice', ...more });

async function accounts() {
  const key = ethers.Wallet.createRandom(), [deployer] = await stack.chain.rpc('eth_accounts');
  const deploy = (address) => stack.chain.deploy(deployer, artefact('tests/contracts/KeyWallet.json'), [address]);
  const contract = contractWallet((await deploy(key.address)).address, key), other = (await deploy(heir.address)).address;
  await until('both contracts in a safe block', async () => (await stack.chain.rpc('eth_getCode', other, 'safe')) !== '0x');
  const began = await stack.chain.number();
  await until('the gateway at that block', async () => (await safeBlock()) >= began);
  const subject = person('alice');
  await people.change(alice, say('claim'));
  await people.change([alice, contract], say('link', { object: people.pkh(contract), controller: true }));
  await stands(subject, people.pkh(alice), 'proven', { direction: 'both' });
  await stands(subject, people.pkh(contract), 'proven');
  const methods = async () => (await people.get(subject.document)).verificationMethod.length;
  assert.equal(await methods(), 2);
  // it changes its mind, and back
  const [own, others] = await Promise.all([contract.address, other].map((address) => stack.chain.rpc('eth_getCode', address, 'latest')));
  const become = async (code) => {
    await stack.chain.cheat('anvil_setCode', contract.address, code);
    const at = await stack.chain.number();
    await until('the contract in a safe block', async () => (await safeBlock()) > at);
    await sleep(5100); // so old may the heads be that the duty asks at
    await check(subject, 1);
  };
  await become(others);
  await stands(subject, people.pkh(contract), 'revoked');
  assert.equal(await methods(), 1);
  const resolved = await people.resolve('alice');
  assert.deepEqual([resolved.didDocument.verificationMethod.length, resolved.didDocumentMetadata.gateway.accountKinds], [1, {}]);
  await become(own);
  await stands(subject, people.pkh(contract), 'proven');
  // a yes is good for two days
  await older(people.pkh(contract), 2 * 86400000 + 1000);
  await stands(subject, people.pkh(contract), 'unreachable');
  assert.equal(await methods(), 1);
  await check(subject, 1);
  await stands(subject, people.pkh(contract), 'proven');
  // as of a version the log's word stands
  const [, linked] = (await people.get('/v1/participants/alice/history')).versions;
  assert.equal((await people.resolve('alice', `?versionId=${linked.versionId}`)).didDocument.verificationMethod.length, 2);
  await people.change(alice, say('unlink', { object: people.pkh(contract) }));
  await gone(subject, people.pkh(contract));
}

async function peopleAndForeign() {
  const subject = person('alice'), did = `did:web:${HOSTS[4]}`;
  also.set(HOSTS[4], 404);
  const { versionId } = await people.change(alice, say('link', { object: did }));
  await stands(subject, did, 'one-way');
  await foreign(subject, HOSTS[4], [people.did('alice')], 1);
  assert.ok(!(await people.resolve('alice', `?versionId=${versionId}`)).didDocument.alsoKnownAs.includes(did));
  await people.change(alice, say('unlink', { object: did }));
  await gone(subject, did);
  await people.change(alice, say('link', { object: did }));
  await stands(subject, did, 'proven');
}

// ---- owners ----

const lapses = () => stack.sql("select count(*) from payload p join entry e using (seq) where e.kind = 'link' and convert_from(p.body, 'UTF8') like '%\"verb\":\"lapse\"%'").then(([[n]]) => Number(n));
const owned = (id, wallet) => until(`${id} of ${wallet.address}`, async () => (await people.get(`/v1/agents/${id}`)).latest.owner === wallet.address);
const give = async (from, to, id) => assert.equal((await send(from, 'transferFrom', from.address, to.address, id)).status, '0x1');

async function owners() {
  const { id } = await registerBy(stack, carol);
  await agentSafe(stack, id);
  const [character, its] = [person('alice'), agent(id)], [did, handle] = [people.agentDid(id), people.did('alice')];
  // its file says so, the participant does not
  await write(carol, id, 'says alice', { dids: [handle] });
  await stands(its, handle, 'one-way', { direction: 'forward' });
  await write(carol, id, 'says nothing');
  await gone(its, handle);
  const linked = await people.change([alice, carol], say('link', { object: did }));
  const both = async (state, more) => {
    await stands(character, did, state);
    return stands(its, handle, state, more);
  };
  const { evidence } = await both('proven', { direction: 'both' });
  assert.deepEqual([evidence.seq, evidence.owner, evidence.consent], [linked.versionId, carol.address, 'signed']);
  // sold: at once, before it is safe, and before it is logged
  await stack.keep(false);
  const logged = await lapses();
  await give(carol, heir, id);
  const sold = await stack.chain.number();
  await owned(id, heir);
  await both('lapsed', { direction: 'reverse' });
  // not sold after all
  const [, from, to] = await stack.chain.rpc('eth_accounts');
  await stack.chain.rpc('anvil_dropAllTransactions');
  await stack.chain.rpc('anvil_reorg', (await stack.chain.number()) - sold + 1, [[{ from, to, value: '0x1' }, 0]]);
  await stack.chain.rpc('evm_mine');
  await stack.chain.rpc('anvil_dropAllTransactions');
  assert.equal(registry.face.decodeFunctionResult('ownerOf', await stack.chain.rpc('eth_call', { to: REGISTRY, data: registry.face.encodeFunctionData('ownerOf', [id]) }, 'latest'))[0], carol.address);
  await owned(id, carol);
  await both('proven', { direction: 'both' });
  await stack.keep(true);
  await until('the index is where the chain is', async () => (await people.get(`/v1/agents/${id}`)).index === 'current');
  assert.equal(await lapses(), logged);
  // sold, and given back before anything is final: the same owner, and another ownership
  await stack.keep(false);
  await give(carol, heir, id);
  await owned(id, heir);
  await give(heir, carol, id);
  await owned(id, carol);
  await both('lapsed', { direction: 'reverse' });
  await stack.keep(true);
  await until('the lapse in the log', async () => (await lapses()) === logged + 1);
  await gone(character, did);
  await gone(its, handle);
  assert.ok((await people.resolve('alice', `?versionId=${linked.versionId}`)).didDocument.alsoKnownAs.includes(did), 'as of then it is as it was');
  const last = (await people.get('/v1/participants/alice/history')).versions.at(-1);
  assert.deepEqual([last.verb, last.object], ['lapse', did]);
  // its owner may consent anew, and take it back
  await people.change([alice, carol], say('link', { object: did }));
  await both('proven', { direction: 'both' });
  await people.change(carol, say('unlink', { object: did }));
  await gone(character, did);
  await gone(its, handle);
  // a sale that lasts
  await people.change([alice, carol], say('link', { object: did }));
  await both('proven');
  await give(carol, heir, id);
  await until('its lapse in the log', async () => (await lapses()) === logged + 2);
  await gone(character, did);
  await give(heir, carol, id);
  await until('the owner at safe', async () => (await people.get(`/v1/agents/${id}`)).safe.owner === carol.address);
  await gone(its, handle);
  await people.change([alice, carol], say('link', { object: did }));
  await both('proven');
  return its;
}

// While the chain cannot be read nobody knows who owns what.
async function silence(its) {
  const subject = person('alice');
  stack.stopChain();
  const state = async () => (await people.get(subject.links)).links.find(({ id }) => id === its.did)?.state;
  await settled('nobody says who owns it', async () => (await state()) === 'unreachable' && (await stack.http(its.links)).status === 503, 40000);
  assert.ok(!(await people.get(subject.document)).alsoKnownAs.includes(its.did));
  stack.continueChain();
  await settled('they say it again', async () => (await state()) === 'proven' && (await stack.http(its.links)).status === 200, 40000);
}

async function commandLine(its) {
  assert.match((await stack.cli(['agent', 'links', String(its.id)])).stdout, /^proven +both +did:web:.*:character:alice$/m);
  const { stdout } = await stack.cli(['participant', 'links', 'alice', '--json']);
  assert.deepEqual(JSON.parse(stdout).links.map(({ id }) => id), (await people.get('/v1/participants/alice/links')).links.map(({ id }) => id));
}

// What is erased takes its links along, on both sides.
async function erasure(its) {
  const { participant } = await people.get('/v1/participants/alice');
  await people.change(alice, say('erase'));
  await gone(its, people.did('alice'));
  for (const target of ['/v1/participants/alice/links', '/character/alice/did.json']) await people.get(target, 410);
  assert.equal((await stack.post('/v1/participants/alice/links/check')).status, 410);
  assert.deepEqual(await stack.sql(`select 1 from link_claim where subject = '${participant}'`), []);
  assert.deepEqual(await stack.sql(`select 1 from participant_agent where key = '${participant}'`), []);
}

async function steps(given) {
  stack = given;
  people = new People(stack);
  chainId = stack.record.chainId;
  [alice, bob, carol, heir] = Array.from({ length: 4 }, () => ethers.Wallet.createRandom());
  await fund(stack, alice.address, bob.address, carol.address, heir.address);
  await agentsAndForeign();
  const ids = await agentsAndAgents();
  await accounts();
  await peopleAndForeign();
  const its = await owners();
  await silence(its);
  await commandLine(its);
  const lapsed = await lapses();
  await erasure(its);
  assert.equal(keyText(ids[0], REGISTRY.toLowerCase(), chainId), caip19(ids[0]).toLowerCase());
  return `${[...hits.values()].reduce((a, b) => a + b, 0)} requests to other hosts, ${lapsed} lapses`;
}

await drive({ kedge, settings: webServer, slots: 4 }, steps);
