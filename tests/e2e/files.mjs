// Registration files as a user meets them: found behind URIs of several forms, changing, confirmed by the domains they name, standing
// in DID documents and searches; and kept here, signed for by owners with ethers as the wallet.
//   node files.mjs --kedge FILE
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import https from 'node:https';
import path from 'node:path';
import { drive, kedgeBinary, sleep, until } from './harness.mjs';
import { agentSafe, ethers, fund, keyText, registerBy, registry } from './agents.mjs';
import { REGISTRY } from '../chain/lib.mjs';

const kedge = kedgeBinary();
const pages = new Map(); // "host/path" -> text
const TYPE = 'https://eips.ethereum.org/EIPS/eip-8004#registration-v1';

async function webServer(stack) {
  const [key, cert] = ['key', 'cert'].map((name) => path.join(stack.state, `web-${name}.pem`));
  execFileSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2', '-subj', '/CN=web',
    '-addext', 'subjectAltName=DNS:card.example.com,DNS:api.example.com', '-keyout', key, '-out', cert], { stdio: 'ignore' });
  const server = https.createServer({ key: fs.readFileSync(key), cert: fs.readFileSync(cert) }, (req, res) => {
    const page = pages.get(req.headers.host + req.url);
    if (page === undefined) res.writeHead(404).end();
    else res.end(page);
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  server.unref();
  const to = `127.0.0.1@${server.address().port}`;
  // the operator vouches for agents of its own: nobody below
  const own = `7 ${stack.record.chainId}:${REGISTRY}:123456789012345678901`;
  return { own_agents: own, fetch_allow: `card.example.com:443=${to} api.example.com:443=${to}`, fetch_ca: cert, file_refresh_s: 1 };
}

const sha256 = (bytes) => `0x${createHash('sha256').update(bytes).digest('hex')}`;

async function steps(stack) {
  const chainId = stack.record.chainId;
  const agentRegistry = `eip155:${chainId}:${REGISTRY}`;
  const owner = ethers.Wallet.createRandom(), heir = ethers.Wallet.createRandom(), stranger = ethers.Wallet.createRandom();
  await fund(stack, owner.address, heir.address);
  const get = async (target, status = 200) => {
    const answer = await stack.http(target);
    assert.equal(answer.status, status, `${target}: ${answer.status} ${answer.body}`);
    return answer.json();
  };
  const send = (wallet, name, ...args) => stack.chain.sendSigned(wallet, REGISTRY, registry.face.encodeFunctionData(name, args));
  const seen = (id, what, probe) => until(`${what} of agent ${id}`, async () => {
    const answer = await stack.http(`/v1/agents/${id}/file`);
    return answer.status === 200 && probe(answer.json()) && answer.json();
  });
  const card = (id, name, more = {}) => JSON.stringify({
    type: TYPE, name, description: 'd', image: 'i', registrations: [{ agentId: Number(id), agentRegistry }],
    services: [{ name: 'A2A', endpoint: 'https://api.example.com/a2a', version: '0.3.0' }, { name: 'web', endpoint: 'https://card.example.com/' }],
    ...more,
  });

  // ---- what a URI leads to ----

  const { id } = await registerBy(stack, owner, 'https://card.example.com/a.json');
  await seen(id, 'no file yet', (file) => file.status === 'http' && file.file === null && file.sha256 === null);
  await agentSafe(stack, id);
  pages.set('api.example.com/.well-known/agent-registration.json', JSON.stringify({ registrations: [{ agentId: String(id), agentRegistry: agentRegistry.toLowerCase() }] }));
  const first = card(id, 'First');
  pages.set('card.example.com/a.json', first);
  // a failing file is left alone for a minute: a new URI is looked at at once
  await send(owner, 'setAgentURI', id, 'https://card.example.com/a.json?2');
  pages.set('card.example.com/a.json?2', first);
  const found = await seen(id, 'the file and its domains', (file) => file.status === 'ok' && file.domains.length === 2);
  assert.equal(found.sha256, sha256(first));
  assert.equal(found.namesAgent, true);
  assert.equal(found.file.name, 'First');
  assert.deepEqual(found.file.drift, []);
  assert.equal(found.agent, keyText(id));
  assert.deepEqual(found.domains.map(({ domain, state }) => [domain, state]), [['api.example.com', 'proved'], ['card.example.com', 'served']]);
  const raw = await stack.http(`/v1/agents/${id}/file/raw`);
  assert.equal(raw.body.toString(), first);
  assert.match(raw.headers['content-security-policy'], /default-src 'none'/);
  assert.equal(raw.headers['x-content-type-options'], 'nosniff');
  const document = await until('services in the document', async () => {
    const said = JSON.parse((await stack.http(`/agent/${chainId}/${id}/did.json`)).body);
    return said.service?.length === 2 && said;
  });
  assert.equal(document.service[0].serviceEndpoint, 'https://api.example.com/a2a');
  assert.equal((await get('/v1/agents?service=a2a')).agents.length, 1);
  assert.equal((await get('/v1/agents?q=fir')).agents[0].name, 'First');

  // ---- it changes without an event ----

  await sleep(1100);
  const then = new Date().toISOString().replace(/\.\d+Z/, 'Z');
  await sleep(1100);
  pages.set('card.example.com/a.json?2', card(id, 'Second', { x402support: true }));
  const changed = await seen(id, 'the change', (file) => file.file?.name === 'Second');
  assert.deepEqual(changed.file.drift, ['x402-case']);
  const before = await get(`/v1/agents/${id}/file?at=${then}`);
  assert.equal(before.file.name, 'First');
  assert.equal(before.domains, undefined);
  assert.equal((await get('/v1/agents?q=second')).agents.length, 1);
  pages.delete('card.example.com/a.json?2');
  const gone = await seen(id, 'the loss', (file) => file.status === 'http');
  assert.equal(gone.file, null);
  assert.equal(gone.lastGood.file.name, 'Second');
  // a server that is away for a while takes nothing back
  assert.equal((await get(`/agent/${chainId}/${id}/did.json`)).service.length, 2);
  await get(`/v1/agents/${id}/file/raw`, 404);
  await get(`/v1/agents/${id}/file?at=2020-01-01T00:00:00Z`, 404);
  await get(`/v1/agents/${id}/file?at=yesterday`, 400);
  await get(`/v1/agents/${Number(id) + 1000}/file`, 404);

  // ---- other forms, and places that are not gone to ----

  const forms = [
    [`data:application/json;base64,${Buffer.from('{"name":"data"}').toString('base64')}`, 'ok', 'data'],
    ['data:application/json,%7B%22name%22%3A%22percent%22%7D', 'ok', 'percent'],
    ['{"name":"bare"}', 'ok', 'bare'], ['', 'none'], ['https://127.0.0.1/x', 'bad-host'], ['https://metadata.internal/', 'bad-host'],
    ['http://card.example.com/', 'not-https'], ['ipfs://QmT78zSuBmuS4z925WZfrqQ1qHaJ56DQaTfyMUF7F8ff5o', 'ipfs-off'], ['hello', 'bad-uri'],
    ['data:application/json;base64,bm8=', 'not-json'], ['{}', 'not-registration'],
  ];
  for (const [uri, status, name] of forms) {
    const made = await registerBy(stack, owner, uri);
    const file = await seen(made.id, `${uri}`, () => true);
    assert.equal(file.status, status, uri);
    assert.equal(file.file?.name, name);
    assert.equal(file.uri, uri);
  }

  // ---- files kept here ----

  const base = `/v1/agents/${chainId}:${REGISTRY}:${id}/files/registration.json`;
  const hosted = card(id, 'Hosted');
  const prepare = async (body) => {
    const answer = await stack.post(`${base}/prepare`, body);
    assert.equal(answer.status, 200, answer.body.toString());
    return answer.json();
  };
  const signed = async (wallet, prepared, target = prepared.target) => {
    const { domain, types, message } = prepared.typedData;
    const { EIP712Domain, ...rest } = types;
    assert.ok(EIP712Domain);
    return target.replace('0x…', await wallet.signTypedData(domain, rest, message));
  };
  const put = async (target, body, status) => {
    const answer = await stack.http(target, { method: 'PUT', body });
    assert.equal(answer.status, status, `${target}: ${answer.status} ${answer.body}`);
    return answer.json();
  };
  const ready = await prepare(hosted);
  assert.equal(ready.typedData.message.content, sha256(hosted));
  assert.equal(ready.uri, `${stack.url}/files/${chainId}/${REGISTRY.toLowerCase()}/${id}/registration.json`);
  await put(await signed(stranger, ready), hosted, 403);
  assert.match((await put(await signed(owner, ready), hosted.replace('Hosted', 'Forged'), 403)).next, /the very bytes that were prepared/);
  await put(await signed(owner, ready), '{}', 422);
  await put(await signed(owner, ready), '<html>', 422);
  await put(ready.target.replace('0x…', '0x00'), hosted, 400);
  await put((await signed(owner, ready)).replace(/number=\d+/, 'number=1700000000000'), hosted, 422);
  await put((await signed(owner, ready)).replace('registration.json', 'Registration.json'), hosted, 422);
  const target = await signed(owner, ready);
  const stored = await put(target, hosted, 200);
  assert.equal(stored.uri, ready.uri);
  assert.equal(stored.sha256, sha256(hosted));
  await put(target, hosted, 409);
  const served = await stack.http(new URL(stored.uri).pathname);
  assert.equal(served.body.toString(), hosted);
  assert.equal(served.headers.etag, `"${sha256(hosted).slice(2)}"`);
  assert.equal((await stack.http(new URL(stored.uri).pathname, { headers: { 'if-none-match': served.headers.etag } })).status, 304);
  assert.deepEqual((await get(`/v1/agents/${id}/files`)).files.map(({ name, owner: by }) => [name, by]), [['registration.json', owner.address]]);
  // whoever has a file kept here has no part in whom the host vouches for
  const vouched = { registrations: [{ agentId: 7, agentRegistry }, { agentId: '123456789012345678901', agentRegistry }] };
  assert.deepEqual(await get('/.well-known/agent-registration.json'), vouched);
  await send(owner, 'setAgentURI', id, stored.uri);
  const own = await seen(id, 'the hosted file', (file) => file.file?.name === 'Hosted');
  assert.equal(own.namesAgent, true);

  // ---- a new owner ----

  const old = await signed(owner, await prepare(card(id, 'Too late')));
  await sleep(1100);
  const given = await send(owner, 'transferFrom', owner.address, heir.address, id);
  await until('the heir at safe', async () => (await get(`/v1/agents/${id}`)).safe.owner === heir.address);
  await put(old, card(id, 'Too late'), 403);
  assert.equal((await get(`/v1/agents/${id}/file?at=${Number(given.blockNumber)}`)).file.name, 'Hosted');
  await put(await signed(heir, await prepare(card(id, 'Heir'))), card(id, 'Heir'), 200);
  await seen(id, "the heir's file", (file) => file.file?.name === 'Heir');
  const removal = await prepare(undefined);
  assert.equal(removal.method, 'DELETE');
  const removed = await stack.http(await signed(heir, removal), { method: 'DELETE' });
  assert.equal(removed.status, 200, removed.body.toString());
  await get(new URL(stored.uri).pathname, 404);
  assert.deepEqual(await get('/.well-known/agent-registration.json'), vouched);
  return `${forms.length + 6} files seen, 2 kept, 9 refusals`;
}

await drive({ kedge, settings: webServer }, steps);
