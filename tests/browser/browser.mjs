// /client.mjs from a running gateway: in Node with did-resolver, and in a real browser on a page of another origin; and both over the
// death of its workers and a restart of the gateway while they follow the stream. What the two found is compared with each other and with the gateway's own words.
//   node browser.mjs --kedge FILE [--chromium FILE]        without --chromium only Node's part is run, and says so
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { childrenOf, drive, kedgeBinary, sleep, until } from '../e2e/harness.mjs';
import { root } from '../chain/lib.mjs';
import { Resolver, World, judgeEvents } from './world.mjs';

const kedge = kedgeBinary();
const words = process.argv.slice(2);
const chromium = words.includes('--chromium') ? words[words.indexOf('--chromium') + 1] : null;
const page = fs.readFileSync(path.join(root, 'tests/browser/page.html'));

// ---- Node ----

async function served(stack) {
  const { status, headers, body } = await stack.http('/client.mjs');
  assert.equal(status, 200);
  assert.deepEqual(body, fs.readFileSync(path.join(root, 'gateway/web/client.mjs')));
  assert.match(headers['content-type'], /^text\/javascript/);
  assert.equal(headers['access-control-allow-origin'], '*');
  assert.equal(headers['cross-origin-resource-policy'], 'cross-origin');
  assert.match(headers['cache-control'], /public, max-age=\d+/);
  const again = await stack.http('/client.mjs', { headers: { 'if-none-match': headers.etag } });
  assert.deepEqual([again.status, again.body.length], [304, 0]);
  const file = path.join(stack.state, 'client.mjs');
  fs.writeFileSync(file, body);
  const { paths } = (await stack.http('/openapi.json')).json();
  for (const of of ['/client.mjs', '/v1/streams/{name}', '/1.0/identifiers/{did}', '/v1/agents/{id}/authority']) assert.ok(paths[of]?.get, of);
  return import(pathToFileURL(file));
}

async function asNode(stack, world) {
  const { connect, getResolver, GatewayError } = await served(stack);
  assert.throws(() => connect(), TypeError);
  const gateway = connect(stack.url);
  const resolver = new Resolver(getResolver(stack.url));
  const { did, block, time } = world;
  const wallets = [world.first.address, world.second.address];
  const found = {
    url: gateway.url,
    now: await gateway.resolve(did),
    then: await gateway.resolveAt(did, { block }),
    atTime: await gateway.resolveAt(did, { time: new Date(time) }),
    version: await resolver.resolve(`${did}?versionId=${block}`),
    pkh: await resolver.resolve(`did:pkh:eip155:1:${wallets[0]}`),
    unknown: await gateway.resolve(world.other),
    speaks: await Promise.all(wallets.map((wallet) => gateway.authority(did, wallet))),
    spoke: await Promise.all(wallets.map((wallet) => gateway.authority(BigInt(world.id), wallet, { block }))),
  };
  // and what it is: the wallet of then, and the wallet of now
  const account = (result) => result.didDocument.verificationMethod.find(({ id }) => id.endsWith('#agent-wallet')).blockchainAccountId;
  assert.equal(account(found.now), `eip155:${stack.record.chainId}:${world.second.address}`);
  for (const result of [found.then, found.atTime, found.version]) {
    assert.equal(result.didDocument.id, did);
    assert.equal(account(result), `eip155:${stack.record.chainId}:${world.first.address}`);
    assert.equal(result.didDocumentMetadata.versionId, String(block));
    assert.equal(result.didDocumentMetadata.nextVersionId, String(world.moved));
  }
  assert.equal(found.pkh.didDocument.id, `did:pkh:eip155:1:${wallets[0]}`);
  assert.equal(found.unknown.didDocument, null);
  assert.equal(found.unknown.didResolutionMetadata.error.type, 'https://www.w3.org/ns/did#NOT_FOUND');
  assert.equal((await resolver.resolve(world.other)).didResolutionMetadata.error, 'notFound');
  assert.deepEqual(found.speaks.map(({ speaks, role }) => [speaks, role]), [[false, null], [true, 'wallet']]);
  assert.deepEqual(found.spoke.map(({ speaks, role }) => [speaks, role]), [[true, 'wallet'], [false, null]]);
  await assert.rejects(gateway.authority('nonsense', wallets[0]), (error) => {
    found.refused = { known: error instanceof GatewayError, status: error.status, problem: error.problem };
    return error.status === 400 && /next/.test(Object.keys(error.problem).join());
  });
  await assert.rejects(gateway.follow(() => {}, { from: 2 ** 40 }).done, /not that large/);
  return { found, gateway };
}

// Follows from the first entry on; `caught` when it has the marker's, `done` when it has a later one.
function followed(gateway, world) {
  const events = [];
  let caught;
  const isCaught = new Promise((resolve) => { caught = resolve; });
  const follow = gateway.follow((event) => {
    events.push(event);
    if (event.seq === world.marker) caught();
    if (event.seq > world.marker) follow.stop();
  }, { from: 0 });
  return { events, caught: isCaught, done: follow.done };
}

// ---- the browser ----

class Browser {
  constructor(stack, world) {
    this.profile = path.join(stack.state, 'chromium');
    this.logs = stack.log('chromium');
    this.hears = {};
    for (const name of ['caught', 'end']) this[name] = new Promise((resolve, reject) => { this.hears[name] = { resolve, reject }; });
    for (const name of ['caught', 'end']) this[name].catch(() => {});
    this.server = http.createServer((request, response) => this.answer(request, response));
    this.wallets = [world.first.address, world.second.address];
    this.task = { gateway: stack.url, did: world.did, other: world.other, wallets: this.wallets, block: world.block, time: world.time, marker: world.marker };
  }

  answer(request, response) {
    if (request.method !== 'POST') {
      response.writeHead(request.url === '/' ? 200 : 404, { 'content-type': 'text/html' });
      response.end(request.url === '/' ? page : '');
      return;
    }
    const parts = [];
    request.on('data', (part) => parts.push(part));
    request.on('end', () => {
      const name = request.url.slice(1), said = JSON.parse(Buffer.concat(parts).toString());
      if (name === 'begin') this.begun = said;
      if (name === 'failed') this.fail(new Error(`in the browser: ${said.error}`));
      this.hears[name]?.resolve(said);
      response.writeHead(200, { 'content-type': 'application/json' });
      response.end(JSON.stringify(name === 'begin' ? this.task : {}));
    });
  }

  fail(error) {
    for (const { reject } of Object.values(this.hears)) reject(error);
  }

  async start(ms = 90000) {
    await new Promise((resolve) => this.server.listen(0, '127.0.0.1', resolve));
    // another host name than the gateway's, and another port: another site
    const url = `http://127.0.0.1:${this.server.address().port}/`;
    const out = fs.openSync(this.logs, 'a');
    this.child = spawn(chromium, ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
      '--disable-component-update', '--disable-sync', '--disable-dev-shm-usage', `--user-data-dir=${this.profile}`, '--remote-debugging-port=0', url],
    { stdio: ['ignore', out, out], detached: true });
    fs.closeSync(out);
    this.ended = new Promise((resolve) => this.child.once('exit', resolve));
    this.child.once('error', (error) => this.fail(error));
    this.ended.then((code) => this.fail(new Error(`chromium ended: ${code}`)));
    this.timer = setTimeout(() => this.fail(new Error(`nothing from the browser within ${ms} ms; it ${this.begun ? 'began' : 'never began'}`)), ms);
  }

  // It and its children are a group of their own.
  async stop() {
    clearTimeout(this.timer);
    if (this.child?.pid && this.child.exitCode === null) {
      process.kill(-this.child.pid, 'SIGTERM');
      if (!(await Promise.race([this.ended.then(() => true), sleep(5000)]))) process.kill(-this.child.pid, 'SIGKILL');
      await this.ended;
    }
    await new Promise((resolve) => { this.server.close(resolve); this.server.closeAllConnections(); });
  }
}

const plain = (value) => JSON.parse(JSON.stringify(value));

function compare(node, browser) {
  // a current answer names the blocks it was read at, which move
  const still = ({ didDocument, didDocumentMetadata: { gateway, ...metadata }, didResolutionMetadata }) => ({ didDocument, metadata, didResolutionMetadata });
  // in the moment after a block the node is asked, which does not know since when
  const timeless = ({ agent, address, speaks, role }) => ({ agent, address, speaks, role });
  assert.deepEqual(still(browser.now), still(plain(node.now)));
  for (const name of ['then', 'atTime', 'version', 'pkh', 'unknown']) {
    const [a, b] = [browser[name], plain(node[name])].map(({ didDocumentMetadata, ...rest }) => ({ ...rest, versionId: didDocumentMetadata.versionId }));
    assert.deepEqual(a, b, name);
  }
  assert.deepEqual(browser.speaks.map(timeless), plain(node.speaks).map(timeless));
  assert.deepEqual(browser.spoke.map(({ speaks, role }) => [speaks, role]), plain(node.spoke).map(({ speaks, role }) => [speaks, role]));
  assert.deepEqual(browser.refused, plain(node.refused));
  assert.deepEqual([browser.legacy.status, browser.legacy.body.didDocument], [200, plain(node.now.didDocument)]);
  assert.ok(browser.legacy.etag, 'ETag is exposed');
}

async function steps(stack) {
  const world = new World(stack);
  await world.prepare();
  world.other = `did:web:localhost%3A${stack.port}:agent:${stack.record.chainId}:4040`;
  const browser = chromium ? new Browser(stack, world) : null;
  try {
    await browser?.start();
    const { found, gateway } = await asNode(stack, world);
    const mine = followed(gateway, world);
    await mine.caught;
    await browser?.caught;
    // the workers die, and when they are back the gateway is stopped and started in order
    const workers = () => childrenOf(stack.gateway.pid).filter(({ name }) => name.startsWith('worker')).map(({ pid }) => pid);
    const before = workers();
    assert.equal(before.length, 2);
    for (const pid of before) process.kill(pid, 'SIGKILL');
    await until('they are back', () => workers().filter((pid) => !before.includes(pid)).length === 2);
    await stack.ready();
    await stack.quit();
    await stack.serve();
    await world.change();
    await Promise.race([mine.done, sleep(30000).then(() => assert.fail('the event after the restart did not come'))]);
    await judgeEvents(world, mine.events);
    if (!browser) return `${mine.events.length} events in Node; no browser`;
    const theirs = await browser.end;
    assert.equal(theirs.url, stack.url);
    compare(found, theirs);
    await judgeEvents(world, theirs.followed);
    await judgeEvents(world, theirs.sourced);
    assert.equal(theirs.id, theirs.followed.at(-1).id);
    return `${mine.events.length} events in Node and twice in ${/Chrom\w+\/\d+/.exec(browser.begun.agent)?.[0] ?? browser.begun.agent}, over a death and a restart`;
  } finally {
    await browser?.stop();
  }
}

drive({ kedge, settings: { workers: 2 } }, steps);
