// The whole voyage on real parts: two agents register, are resolved, one attests about the other, the log is published and
// anchored, the receipt climbs and verifies, a wallet is rotated. Fresh cluster, chain and keys each time.
//   node voyage.mjs --kedge FILE [--verify-with FILE] [--bytes few|some|all]
// --verify-with: another build of kedge for the thousands of runs of `verify`. --bytes: which bytes of a receipt are changed:
// every sixteenth or every fourth (default) with one of the three masks, or each with all three. The same in one process,
// always for all bytes and masks: tests/gateway/record/test_receipt.c.
import fs from 'node:fs';
import path from 'node:path';
import assert from 'node:assert/strict';
import { drive, kedgeBinary, settled, sleep, until } from './harness.mjs';
import { agentSafe, changeWallet, claim, ethers, fund, keyText, loadKey, message, registerBy, saveKey, sign, uidOf } from './agents.mjs';
import { LogReader, included, readLog } from './reader.mjs';
import { changedBytes } from './mutations.mjs';

const kedge = kedgeBinary();
const words = process.argv.slice(2);
const option = (name, otherwise) => (words.includes(name) ? words[words.indexOf(name) + 1] : otherwise);
const verifier = option('--verify-with', kedge);
const amount = option('--bytes', 'some');

const LEVELS = ['logged', 'published', 'anchored', 'final'];
const encoded = (did) => encodeURIComponent(did);
const lists = (document, address) => JSON.stringify(document).toLowerCase().includes(address.toLowerCase());

class Voyage {
  constructor(stack) {
    this.stack = stack;
  }

  did(id) {
    return `did:web:${this.stack.host.replace(':', '%3A')}:agent:${this.stack.record.chainId}:${id}`;
  }

  async get(target, status = 200, accept) {
    const answer = await this.stack.http(target, { headers: accept ? { accept } : {} });
    assert.equal(answer.status, status, `${target}: ${answer.status} ${answer.body}`);
    return answer;
  }

  // ---- who is who ----

  async register() {
    const { stack } = this;
    this.file0 = path.join(stack.state, 'agent0.key');
    await stack.cli(['keygen', 'agent', '--out', this.file0]);
    this.wallet0 = loadKey(this.file0);
    [this.owner1, this.first1, this.second1] = [0, 1, 2].map(() => ethers.Wallet.createRandom());
    this.fileOwner1 = saveKey(stack, 'owner1', this.owner1);
    this.fileSecond1 = saveKey(stack, 'second1', this.second1);
    await fund(stack, this.wallet0.address, this.owner1.address);
    const got = JSON.parse((await stack.cli(['agent', 'register', '--key', this.file0, '--json', '--wait', 'safe'])).stdout);
    assert.equal(got.agentId, '0');
    assert.equal(got.owner, this.wallet0.address);
    const one = await registerBy(stack, this.owner1, 'https://agent.example/registration.json');
    assert.equal(one.id, 1n);
    await changeWallet(stack, this.owner1, 1, this.first1);
    this.registeredAt = got.block;
    await agentSafe(stack, 1);
    await settled('agent 1 with its first wallet in its document', async () => lists(await this.document(1), this.first1.address));
  }

  async document(id) {
    return (await this.get(`/agent/${this.stack.record.chainId}/${id}/did.json`)).json();
  }

  async resolveBoth() {
    const { stack } = this;
    for (const [id, addresses] of [[0, [this.wallet0.address]], [1, [this.owner1.address, this.first1.address]]]) {
      const did = this.did(id);
      const document = await this.document(id);
      assert.equal(document.id, did);
      for (const address of addresses) assert.ok(lists(document, `eip155:${stack.record.chainId}:${address}`), `${address} in ${did}`);
      for (const target of [did, encoded(did)]) {
        const envelope = (await this.get(`/1.0/identifiers/${target}`, 200, 'application/did-resolution')).json();
        assert.deepEqual(envelope.didDocument, document);
        assert.equal(envelope.didResolutionMetadata.contentType, 'application/did');
        const bare = await this.get(`/1.0/identifiers/${target}`, 200, 'application/did');
        assert.match(bare.headers['content-type'], /^application\/did\b/);
        assert.deepEqual(bare.json(), document);
      }
      assert.deepEqual(JSON.parse((await stack.cli(['resolve', did])).stdout), document);
      const shown = JSON.parse((await stack.cli(['agent', 'show', id])).stdout);
      assert.equal(shown.agent, keyText(id));
      assert.equal(shown.did, did);
    }
    const missing = (await this.get(`/1.0/identifiers/${this.did(7)}`, 404)).json();
    assert.equal(missing.didDocument, null);
    assert.equal(missing.didResolutionMetadata.error.type, 'https://www.w3.org/ns/did#NOT_FOUND');
    await this.get(`/agent/${stack.record.chainId}/7/did.json`, 404);
    // Agent 0 of another chain's registry at the same address, and of another registry here, are nobody this gateway may speak of.
    for (const elsewhere of [`1:${stack.record.registry.toLowerCase()}`, `${stack.record.chainId}:0x${'de'.repeat(20)}`]) {
      const did = `did:web:${stack.host.replace(':', '%3A')}:agent:eip155:${elsewhere}:0`;
      assert.equal((await this.get(`/1.0/identifiers/${did}`, 404)).json().didResolutionMetadata.error.type, 'https://www.w3.org/ns/did#NOT_FOUND');
      await this.get(`/agent/eip155/${elsewhere.replace(':', '/')}/0/did.json`, 404);
    }
    const pkh = `did:pkh:eip155:${stack.record.chainId}:${this.wallet0.address}`;
    assert.equal((await this.get(`/1.0/identifiers/${pkh}`, 200, 'application/did')).json().id, pkh);
    const host = (await this.get('/.well-known/did.json')).json();
    assert.equal(host.id, `did:web:${stack.host.replace(':', '%3A')}`);
    assert.ok(JSON.stringify(host).includes(this.vkey) && lists(host, stack.record.anchor));
  }

  // Bytes after the head of an answer to a request with that Host line, over a socket of its own.
  async withHost(target, host) {
    const { bytes, closed } = await this.stack.raw(`GET ${target} HTTP/1.1\r\nHost: ${host}\r\nAccept: application/json\r\nConnection: close\r\n\r\n`);
    assert.ok(closed);
    const text = bytes.toString('latin1');
    assert.match(text, /^HTTP\/1\.1 200 /, `${target} with Host ${host}: ${text.slice(0, 200)}`);
    const cut = text.indexOf('\r\n\r\n');
    const head = text.slice(0, cut).split('\r\n').filter((line) => !/^(date|age):/i.test(line)).join('\n');
    return { head, body: text.slice(cut + 4) };
  }

  async hostHeader() {
    const { stack } = this;
    const final = `/1.0/identifiers/${this.did(0)}?versionId=${this.registeredAt}`;
    await settled('the block of agent 0 to be final', async () => (await this.get(final)).json().didDocumentMetadata.gateway.finality === 'final');
    const targets = ['/.well-known/did.json', `/agent/${stack.record.chainId}/0/did.json`, final, '/log/vkey',
      `/1.0/identifiers/${encoded(this.did(1))}`];
    const hosts = ['evil.example', 'localhost:1', `${stack.host}.`, 'LOCALHOST', '[::1]:80', '127.0.0.1', 'a'.repeat(200), 'evil.example:8004'];
    const varying = /identifiers\/did%3A/; // its metadata names the newest block, which moves
    for (const target of targets) {
      const right = await this.withHost(target, stack.host);
      for (const host of hosts) {
        const got = await this.withHost(target, host);
        assert.ok(!got.body.includes('evil.example') && !got.body.includes('aaaaaaaa'), target);
        if (!varying.test(target)) assert.deepEqual(got, right, `${target} with Host ${host}`);
      }
    }
  }

  // ---- the record ----

  async attest() {
    const { stack } = this;
    const receipt = path.join(stack.state, 'attested.json');
    const got = await stack.cli(['attest', '--key', this.file0, '--issuer', '0', '--subject', 'agent:1', '--type', 'peer.assessment', '--data',
      '{"tag":"reliable"}', '--note', 'kept every promise', '--confidence', '0.62', '--round', '3', '--game', 'voyage', '--out', receipt]);
    this.uid = /^uid\s+([0-9a-f]{64})$/m.exec(got.stdout)[1];
    assert.match(got.stdout, /^status logged$/m);
    const first = JSON.parse(fs.readFileSync(receipt, 'utf8'));
    assert.equal(first.level, 'logged');
    await stack.cli(['verify', receipt, '--policy', this.policy, '--level', 'logged']);

    // by text: what prepare gives is what the agent's own software makes
    const spoken = { attestation: claim(0, keyText(1), { round: 0, note: 'Zeugnis für 1 ✓' }), context: { game: { id: 'voyage' } } };
    const prepared = (await stack.post('/v1/attestations/prepare', spoken)).json();
    const own = message(stack, spoken, 0, 1);
    assert.equal(prepared.message, own);
    assert.equal(prepared.uid, uidOf(spoken));
    const { domain, types, message: typed } = prepared.typedData;
    const plain = { ...types };
    delete plain.EIP712Domain;
    assert.equal(ethers.TypedDataEncoder.hash(domain, plain, typed).length, 66);
    const proof = { type: 'eip191', signature: await this.wallet0.signMessage(own) };
    const logged = await stack.post('/v1/attestations', { ...spoken, proof });
    assert.equal(logged.status, 201, logged.body.toString());
    const { uid, seq, receipt: given } = logged.json();
    assert.equal(uid, uidOf(spoken));
    assert.equal(given.seq, seq);
    this.spoken = { uid, seq };
    // and the prepared typed data is what is accepted too, over another salt
    const salted = { ...spoken, salt: 'ab'.repeat(16) };
    const other = (await stack.post('/v1/attestations/prepare', salted)).json();
    const typedTypes = { ...other.typedData.types };
    delete typedTypes.EIP712Domain;
    const signature = await this.wallet0.signTypedData(other.typedData.domain, typedTypes, other.typedData.message);
    assert.equal((await stack.post('/v1/attestations', { ...salted, proof: { type: 'eip712', signature } })).status, 201);
  }

  async batch() {
    const { stack } = this;
    const good = [1, 2, 3].map((n) => sign(stack, this.wallet0, { attestation: claim(0, 1, { round: n }), context: { game: { id: 'voyage' } } },
      { method: n === 2 ? 'eip191' : 'eip712' }));
    const bad = { ...good[0], attestation: { ...good[0].attestation, confidence: 2 } };
    const answer = await stack.post('/v1/attestations', [good[0], bad, good[1], good[0], good[2]]);
    assert.equal(answer.status, 207, answer.body.toString());
    const { results } = answer.json();
    assert.equal(results.length, 5);
    assert.deepEqual(results.map(({ status }) => status).filter((_, i) => i !== 0 && i !== 3), [422, 201, 201]);
    assert.deepEqual([results[0].status, results[3].status].sort(), [200, 201], 'the same item twice is logged once');
    assert.equal(results[0].seq, results[3].seq);
    assert.equal(results[1].problem.pointer, '/attestation/confidence');
    assert.equal(new Set([0, 2, 4].map((i) => results[i].seq)).size, 3);
    const again = await stack.post('/v1/attestations', good[1]);
    assert.equal(again.status, 200);
    assert.equal(again.json().seq, results[2].seq);
    const lines = good.map((item) => JSON.stringify(item)).join('\n') + '\n';
    const ndjson = await stack.post('/v1/attestations', lines, { headers: { 'content-type': 'application/x-ndjson' } });
    assert.equal(ndjson.status, 207, ndjson.body.toString());
    assert.deepEqual(ndjson.json().results.map(({ status }) => status), [200, 200, 200]);
    this.batchSeqs = [results[0], results[2], results[4]];
  }

  async climb() {
    const { stack } = this;
    this.receipts = {};
    let seen = 0;
    for (const level of LEVELS) {
      const file = path.join(stack.state, `receipt-${level}.json`);
      await stack.cli(['receipt', this.uid, '--level', level, '--wait', '30', '--out', file]);
      const receipt = JSON.parse(fs.readFileSync(file, 'utf8'));
      const at = LEVELS.indexOf(receipt.level);
      assert.ok(at >= LEVELS.indexOf(level) && at >= seen, `asked ${level}, had ${LEVELS[seen]}, got ${receipt.level}`);
      seen = at;
      await stack.cli(['verify', file, '--policy', this.policy, '--level', level]);
      this.receipts[level] = file;
    }
    // a fresh one is not final while no block comes: 202, exit 3
    await stack.keep(false);
    const fresh = sign(stack, this.wallet0, { attestation: claim(0, 1), context: { game: { id: 'voyage' } } });
    assert.equal((await stack.post('/v1/attestations', fresh)).status, 201);
    const early = await stack.http(`/v1/attestations/${uidOf(fresh)}/receipt?level=final`);
    assert.equal(early.status, 202);
    assert.ok(Number(early.headers['retry-after']) > 0);
    await stack.cli(['receipt', uidOf(fresh), '--level', 'final'], { code: 3 });
    const young = path.join(stack.state, 'young.json');
    const { body } = await stack.http(`/v1/attestations/${uidOf(fresh)}/receipt`);
    fs.writeFileSync(young, body);
    await stack.cli(['verify', young, '--policy', this.policy, '--level', 'final'], { code: 3 });
    await stack.keep(true);
    const anchored = fs.readFileSync(this.receipts.anchored, 'utf8');
    await stack.cli(['verify', this.receipts.anchored, '--policy', this.policy, '--offline'], { code: 3 });
    fs.writeFileSync(young, anchored + '\n');
    await stack.cli(['verify', young, '--policy', this.policy]);
    fs.writeFileSync(young, anchored + '\n\n');
    await stack.cli(['verify', young, '--policy', this.policy], { code: 1 });
    await this.strangersPolicy();
  }

  // Another log's key, another contract: nothing of it may pass.
  async strangersPolicy() {
    const { stack } = this;
    const policy = JSON.parse(fs.readFileSync(this.policy, 'utf8'));
    const file = path.join(stack.state, 'stranger.json');
    const other = { ...policy, anchor: { ...policy.anchor, contract: '0x' + '11'.repeat(20) } };
    const code = { ...policy, anchor: { ...policy.anchor, codeHash: '0x' + '11'.repeat(32) } };
    for (const changed of [other, code]) {
      fs.writeFileSync(file, JSON.stringify(changed));
      await stack.cli(['verify', this.receipts.anchored, '--policy', file], { code: 1 });
    }
    const { publicKey } = (await import('node:crypto')).generateKeyPairSync('ed25519');
    const raw = Buffer.concat([Buffer.of(1), publicKey.export({ format: 'der', type: 'spki' }).subarray(-32)]);
    const id = (await import('../vectors/merkle.mjs')).sha256(Buffer.from(stack.origin), Buffer.of(0x0a), raw).subarray(0, 4).toString('hex');
    fs.writeFileSync(file, JSON.stringify({ ...policy, log: `${stack.origin}+${id}+${raw.toString('base64')}` }));
    await stack.cli(['verify', this.receipts.anchored, '--policy', file], { code: 1 });
  }

  async readTheLog() {
    const { stack } = this;
    const vkey = JSON.parse((await stack.cli(['keygen', 'log', '--show', '--json'])).stdout).vkey;
    assert.equal(vkey, this.vkey);
    const reader = new LogReader(vkey);
    const log = await readLog(stack, reader);
    for (const { uid, seq } of [this.spoken, ...this.batchSeqs]) {
      assert.equal(JSON.parse(log.entries[seq]).uid, uid);
      assert.ok(included(log, seq, log.entries[seq]));
    }
    const receipt = JSON.parse(fs.readFileSync(this.receipts.anchored, 'utf8'));
    assert.equal(receipt.entry, log.entries[receipt.seq]);
    const { size, root } = reader.open(receipt.checkpoint);
    assert.ok(root.equals(log.tree.root(0, size)));
    const face = new ethers.Interface(['function roots(uint64) view returns (bytes32)']);
    assert.equal(await stack.chain.view(stack.record.anchor, face, 'roots', [size], 'safe'), '0x' + root.toString('hex'));
    this.size = log.size;
  }

  // ---- another wallet ----

  // Nothing is left to be anchored, so that no transaction but ours moves the chain.
  async quiet() {
    const { stack } = this;
    const done = async () => {
      const { body } = await stack.http('/log/checkpoint');
      const size = Number(body.toString().split('\n')[1]);
      const [[held]] = await stack.sql('select coalesce(max(size), 0) from anchor where level = 3');
      const [[count]] = await stack.sql("select count(*) from entry where kind <> 'index' and seq >= " + size);
      return Number(held) === size && count === '0';
    };
    await until('a quiet log', async () => {
      if (!(await done())) return false;
      await sleep(700);
      return done();
    }, 40000, 200);
    await stack.keep(false);
  }

  async currentHas(address) {
    return lists(await this.document(1), address);
  }

  async rotate() {
    const { stack } = this;
    await this.quiet();
    const before = await stack.chain.number();
    const got = JSON.parse((await stack.cli(['agent', 'wallet', '1', '--key', this.fileOwner1, '--wallet-key', this.fileSecond1, '--json'])).stdout);
    assert.equal(got.wallet, this.second1.address);
    this.rotatedAt = Number(got.block);
    assert.equal(this.rotatedAt, before + 1);
    const neither = async () => !(await this.currentHas(this.first1.address)) && !(await this.currentHas(this.second1.address));
    await settled('neither wallet listed', async () => {
      assert.ok(!(await this.currentHas(this.second1.address)), 'the new wallet is not listed before it is safe');
      return neither();
    });
    for (let n = 0; n < 20; n++) assert.ok(await neither(), 'neither wallet between latest and safe');
    assert.ok(await this.currentHas(this.owner1.address), 'the owner stays');
    assert.equal(await stack.chain.number(), this.rotatedAt, 'the chain stood still');
    for (const wallet of [this.first1, this.second1]) await this.refused(wallet);
    await stack.chain.rpc('evm_mine');
    await sleep(400);
    assert.ok(await neither(), 'one block further it is still not safe');
    await stack.chain.rpc('evm_mine');
    await settled('the new wallet in the document', async () => {
      assert.ok(!(await this.currentHas(this.first1.address)));
      return this.currentHas(this.second1.address);
    });
    await stack.keep(true);
  }

  async refused(wallet) {
    const item = sign(this.stack, wallet, { attestation: claim(1, 0) });
    const answer = await this.stack.post('/v1/attestations', item);
    assert.equal(answer.status, 403, answer.body.toString());
    const problem = answer.json();
    assert.equal(problem.rule, 'authority');
    assert.equal(problem.type, `${this.stack.url}/problems/not-admitted`);
    assert.equal((await this.stack.http(`/v1/attestations/${uidOf(item)}`)).status, 404);
  }

  async asOf() {
    const { stack } = this;
    const at = async (block) => (await this.get(`/1.0/identifiers/${this.did(1)}?versionId=${block}`)).json();
    const old = await at(this.rotatedAt - 1);
    assert.ok(lists(old.didDocument, this.first1.address) && !lists(old.didDocument, this.second1.address));
    // a version is named by the block that made it; it was in force until the next
    assert.ok(Number(old.didDocumentMetadata.versionId) < this.rotatedAt);
    assert.equal(old.didDocumentMetadata.nextVersionId, String(this.rotatedAt));
    const now = await at(this.rotatedAt);
    assert.ok(!lists(now.didDocument, this.first1.address) && lists(now.didDocument, this.second1.address));
    const told = await stack.cli(['resolve', this.did(1), '--version-id', this.rotatedAt - 1]);
    assert.deepEqual(JSON.parse(told.stdout), old.didDocument);
    const future = await this.get(`/1.0/identifiers/${this.did(1)}?versionId=99999999`, 404);
    assert.equal(future.json().didDocument, null);
    await this.refused(this.first1);
    const item = sign(stack, this.second1, { attestation: claim(1, 0) });
    const answer = await until('the new wallet accepted', async () => {
      const got = await stack.post('/v1/attestations', item);
      assert.ok(got.status === 201 || got.status === 403, got.body.toString()); // 403: a worker that has not the head yet
      return got.status === 201 && got;
    });
    const byOwner = sign(stack, this.owner1, { attestation: claim(1, 0) }, { method: 'eip191' });
    assert.equal((await stack.post('/v1/attestations', byOwner)).status, 201);
    const file = path.join(stack.state, 'after.json');
    await stack.cli(['receipt', answer.json().uid, '--level', 'anchored', '--wait', '30', '--out', file]);
    await stack.cli(['verify', file, '--policy', this.policy]);
    // what was said before by the old key still holds
    await stack.cli(['verify', this.receipts.anchored, '--policy', this.policy]);
  }

  async sail() {
    const { stack } = this;
    this.policy = path.join(stack.state, 'policy.json');
    fs.writeFileSync(this.policy, (await stack.cli(['policy', '--chain', stack.chainFile])).stdout);
    this.vkey = (await this.get('/log/vkey')).body.toString().trim();
    const took = [];
    const steps = ['register', 'resolveBoth', 'hostHeader', 'attest', 'batch', 'climb', 'readTheLog', 'rotate', 'asOf'];
    for (const step of steps) {
      const start = Date.now();
      await this[step]();
      took.push(`${step} ${Date.now() - start}`);
    }
    const start = Date.now();
    const { bytes, tried, online } = await changedBytes(stack, verifier, this.receipts.anchored, this.policy, amount);
    took.push(`bytes ${Date.now() - start}`);
    console.log(took.join(' ms, ') + ' ms');
    return `log of ${this.size} read, receipt of ${bytes} bytes, ${tried} changes noticed, ${online} of them by the chain alone`;
  }
}

drive({ kedge }, (stack) => new Voyage(stack).sail());
