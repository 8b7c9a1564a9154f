// What people get wrong at the command line: an agent's developer, an operator, a verifier. Each mistake ends with the exit
// code that it is, and with words that say what is wrong and what to do, and that are true.
//   node words.mjs --kedge FILE
import fs from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import assert from 'node:assert/strict';
import { drive, kedgeBinary, until } from './harness.mjs';
import { ethers, fund, registerBy, registry, saveKey, agentSafe } from './agents.mjs';

const kedge = kedgeBinary();

class Words {
  mistakes = 0;

  constructor(stack) {
    this.stack = stack;
  }

  // `kedge WORDS…` must end with `code` and say `expected`, on whichever of its two outputs.
  async wrong(code, words, expected, more = {}) {
    const got = await this.stack.cli(words, { code, ...more });
    const said = got.stdout + got.stderr;
    for (const pattern of [expected].flat()) assert.match(said, pattern, words.join(' '));
    this.mistakes++;
    return said;
  }

  async people() {
    const { stack } = this;
    this.owner = ethers.Wallet.createRandom();
    this.ownerKey = saveKey(stack, 'owner', this.owner);
    await fund(stack, this.owner.address);
    this.agent = await registerBy(stack, this.owner, 'https://one.example/registration.json');
    await agentSafe(stack, this.agent.id);
  }

  file(name, text) {
    const file = path.join(this.stack.state, name);
    fs.writeFileSync(file, text, { mode: 0o600 });
    return file;
  }

  async keys() {
    const zero = this.file('zero.key', `${'0'.repeat(64)}\n`);
    for (const words of [['agent', 'register', '--key', zero], ['agent', 'wallet', '0', '--key', this.ownerKey, '--wallet-key', zero]])
      await this.wrong(1, words, /zero\.key: not a usable secp256k1 key/);
    const hex = this.owner.privateKey.slice(2);
    const read = (file, expected) => this.wrong(1, ['agent', 'unset-wallet', '0', '--key', file], expected);
    await read(this.file('prefixed.key', `0x${hex}\n`), /not a key: one line of 64 hex digits, without 0x/);
    await read(this.file('empty.key', ''), /not a key/);
    await read(this.stack.state, /not a key/);
    await read(path.join(this.stack.state, 'nobody.key'), /no such key; make one with `kedge keygen`/);
    const open = this.file('open.key', `${hex}\n`);
    fs.chmodSync(open, 0o640);
    await read(open, /readable by nobody else: chmod 600/);
    await this.wrong(1, ['keygen', 'agent', '--out', path.join(this.stack.state, 'nowhere/new.key')], /there is no such folder/);
    await this.wrong(1, ['keygen', 'agent', '--out', this.ownerKey], /there is a key already; move it away first/);
  }

  // 2: the words; 3: not yet; 4: nobody answers; and 1 where the answer is no, so that a script cannot take one for the other.
  async exits() {
    const { stack, owner, agent } = this;
    const id = String(agent.id);
    await this.wrong(2, ['agent', 'authority', id, '0x12'], [/400 The request is malformed/, /40 hex digits/]);
    await this.wrong(2, ['agent', 'authority', id, `${owner.address.slice(0, -1)}${owner.address.endsWith('0') ? 1 : 0}`], /EIP-55/);
    await this.wrong(2, ['agent', 'show', id, '--at', 'yesterday'], /a block number, or an instant as 2026-/);
    await this.wrong(2, ['agent', 'show', '0x1'], /An id is decimal/);
    await this.wrong(2, ['agent', 'history', id, '--limit', '0'], /a number from 1 to 1000/);
    await this.wrong(2, ['resolve', 'nobody'], /INVALID_DID/);
    await this.wrong(2, ['resolve', `did:web:${stack.host.replace(':', '%3A')}:agent:${stack.record.chainId}:${id}`, '--version-id', 'x'], /a decimal number .* a block number/);
    await this.wrong(1, ['resolve', 'did:example:1'], /METHOD_NOT_SUPPORTED/);
    await this.wrong(1, ['resolve', `did:web:${stack.host.replace(':', '%3A')}#nobody`], /404 .*NOT_FOUND: The document has nothing of that name/);
    await this.wrong(2, ['resolve', '..'], /400 The request head breaks HTTP\/1\.1: the path is malformed/);
    await this.wrong(1, ['resolve', 'did:example:1', '--url', `${stack.url}/elsewhere`], /404 There is no such resource: no route has this path/);
    await this.wrong(3, ['agent', 'show', id, '--at', '99999999'], /beyond the newest block known here/);
    await this.wrong(3, ['agent', 'authority', id, owner.address, '--at', '2099-01-01T00:00:00Z'], /beyond the newest block/);
    await this.wrong(1, ['agent', 'authority', id, ethers.ZeroAddress], /does not speak/);
    await this.wrong(1, ['agent', 'show', '4711'], /no agent with this id/);
    await this.wrong(1, ['agent', 'show', id, '--at', '0'], [/registered later, in block/, /Ask for a later block/]);
    await this.wrong(1, ['agent', 'proof', id, '--at', '99999999'], [/no such block/, /up to the newest one/]);
  }

  // What answers call an agent can be asked for again.
  async names() {
    const { stack, agent } = this;
    const { agent: key, did } = JSON.parse((await stack.cli(['agent', 'show', agent.id, '--json'])).stdout);
    for (const word of [key, key.toUpperCase(), `${stack.record.chainId}:${agent.id}`, `${stack.record.chainId}:${stack.record.registry}:${agent.id}`]) {
      assert.equal(JSON.parse((await stack.cli(['agent', 'show', word])).stdout).agent, key);
      assert.equal(JSON.parse((await stack.cli(['agent', 'proof', word])).stdout).agent, key);
      assert.equal(JSON.parse((await stack.cli(['agent', 'uri', word, 'x', '--dry-run'])).stdout).agent, key);
    }
    const forms = /an agent is `42`, `CHAIN:42`, `CHAIN:0xREGISTRY:42` or `eip155:CHAIN\/erc721:0xREGISTRY\/42`/;
    for (const word of ['nobody', 'eip155:1/erc721:0x12/0', did, '', ':0', '1:', '1::0'])
      await this.wrong(2, ['agent', 'uri', word, 'x', '--dry-run'], word === '1::0' ? /registry's address is 0x/ : forms);
    await this.wrong(2, ['agent', 'show', 'nobody'], forms);
    for (const [word, expected] of [['0x12', /--registry: 0x12: a registry is CHAIN or CHAIN:0xADDRESS/], ['99', /--registry: 99: no endpoint/],
      ['', /--registry: : a registry is CHAIN/], [`${stack.record.chainId}:0x12`, /address is 0x and 40/]])
      await this.wrong(2, ['agent', 'register', '--registry', word, '--dry-run', '--from', this.owner.address], expected);
    // a URI of bytes that are no text is not none
    const odd = registry.face.getFunction('setAgentURI').selector +
      ethers.AbiCoder.defaultAbiCoder().encode(['uint256', 'bytes'], [agent.id, '0xff00fe']).slice(2);
    await stack.chain.sendSigned(this.owner, stack.record.registry, odd);
    await until('the odd URI', async () => /\n {2}uri {5}0xff00fe\n/.test((await stack.cli(['agent', 'history', agent.id, '--limit', '1'])).stdout));
    assert.match((await stack.cli(['agent', 'search', '--owner', this.owner.address])).stdout, /\n {2}uri {5}0xff00fe\n/);
    const past = (await stack.cli(['agent', 'authority', agent.id, this.owner.address, '--at', agent.block + 1])).stdout;
    assert.match(past, new RegExp(`\nblock   ${agent.block + 1}  (20\\S+Z  )?(latest|safe|final)\n`));
    assert.ok(!past.includes('none'), past);
  }

  async addresses() {
    const { stack, agent } = this;
    const show = ['agent', 'show', String(agent.id), '--url'];
    await stack.cli([...show, `${stack.url}/`]);
    await stack.cli([...show, stack.host]);
    await this.wrong(4, [...show, 'http://127.0.0.1:1'], [/no answer from http:\/\/127\.0\.0\.1:1: .*Couldn't connect/, /--url is a gateway's address/]);
    await this.wrong(1, [...show, stack.record.rpc], /is no answer of a kedge gateway: check --url/);
    const nowhere = await this.wrong(4, show.slice(0, 3), [/is `kedge serve` running, and KEDGE_STATE its folder\?/, /--url/],
      { env: { KEDGE_STATE: path.join(stack.state, 'elsewhere') } });
    assert.ok(!nowhere.includes('port 80'), nowhere);
  }

  // Two transactions at once get in each other's way. What becomes of one whose sending nobody answered: unheard.mjs.
  async transactions() {
    const { stack } = this;
    const server = http.createServer(async (request, response) => {
      const parts = [];
      for await (const part of request) parts.push(part);
      const calls = JSON.parse(Buffer.concat(parts).toString());
      const sends = calls.find(({ method }) => method === 'eth_sendRawTransaction');
      const asked = calls.filter((call) => call !== sends);
      const answers = asked.length === 0 ? [] : await (await fetch(stack.record.rpc,
        { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(asked) })).json();
      if (sends) answers.push({ jsonrpc: '2.0', id: sends.id, error: { code: -32003, message: 'replacement transaction underpriced' } });
      response.end(JSON.stringify(answers));
    });
    await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
    try {
      await this.wrong(1, ['agent', 'register', '--key', this.ownerKey, '--uri', 'https://two.example/a.json'],
        /replacement transaction underpriced\n {2}next: if another transaction of this account is on its way, wait for it/,
        { env: { KEDGE_RPC_URL: `http://127.0.0.1:${server.address().port}` } });
    } finally {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    }
  }

  // What `kedge serve` would find out again and again in its children, it says once and ends.
  async settings() {
    const { stack } = this;
    const serve = (code, env, expected) => this.wrong(code, ['serve'], expected, { env });
    await serve(2, { KEDGE_ANCHOR_CONTRACT: '0x12' }, /anchor_contract: '0x12' is not an address of 0x and 40 hex digits/);
    await serve(2, { KEDGE_RPC_URL: 'nonsense' }, /rpc_url: URL 1 \('\.\.\.'\) does not begin with http/);
    await serve(2, { KEDGE_REGISTRIES: `1:${stack.record.registry}:0` }, /chain 1 has a registry but no URL: 1=https:\/\/\.\.\./);
    for (const listen of ['x', '18014', 'localhost', '127.0.0.1:99999', '127.0.0.1:'])
      await serve(2, { KEDGE_LISTEN: listen }, /setting listen: '.*' is not ADDRESS:PORT, such as 127\.0\.0\.1:8004/);
    const free = { KEDGE_LISTEN: '127.0.0.1:0', KEDGE_METRICS_LISTEN: '' };
    await serve(2, { ...free, KEDGE_METRICS_LISTEN: 'x' }, /setting metrics_listen: 'x' is not ADDRESS:PORT/);
    await serve(1, { ...free, KEDGE_METRICS_LISTEN: stack.host.replace('localhost', '127.0.0.1') }, /metrics_listen: \S+ is taken by another process/);
    await serve(1, free, /another gateway is running on this state folder/);
    const keys = path.join(stack.state, 'keys');
    for (const role of ['log', 'anchor', 'relayer']) {
      fs.renameSync(path.join(keys, `${role}.key`), path.join(keys, 'away'));
      try {
        await serve(1, free, new RegExp(`keys/${role}\\.key: no such key; make one with .kedge keygen`));
        const { checks } = JSON.parse((await stack.cli(['doctor', '--json'], { code: 1 })).stdout);
        const found = checks.filter(({ state }) => state === 'fail');
        assert.deepEqual(found.map(({ next }) => /`kedge keygen (\w+)`/.exec(next)[1]), [role]);
      } finally {
        fs.renameSync(path.join(keys, 'away'), path.join(keys, `${role}.key`));
      }
    }
    const absent = { KEDGE_DATABASE: (await stack.pg('conninfo', stack.clusterDir, 'kedge_app')).replace(/dbname=\S+/, 'dbname=nowhere') };
    for (const words of [['serve'], ['db', 'check'], ['db', 'migrate'], ['doctor']])
      await this.wrong(4, words, [/"nowhere" does not exist/, /`kedge db migrate --create`/], { env: { ...absent, KEDGE_OWNER_DATABASE: '', ...free } });
  }

  async doctor() {
    const { stack } = this;
    const elsewhere = path.join(stack.state, 'elsewhere');
    const lost = await this.wrong(4, ['doctor'], [/settings +file +there is no \S+elsewhere\/kedge\.ini/, /-> Set KEDGE_STATE to the gateway's folder/,
      /settings +key +\S+log\.key: no such key/], { env: { KEDGE_STATE: elsewhere, KEDGE_DATABASE: 'host=/nowhere' } });
    assert.ok(!lost.includes('layout'), lost);
    const other = await this.wrong(1, ['doctor'], [/registry +0x\S+ could not be read: the node is of chain 31337, not 1\n +-> Mend the chain's endpoints/],
      { env: { KEDGE_CHAIN_ID: '1' } });
    assert.ok(!other.includes('layout'), other);
    await this.wrong(4, ['agent', 'uri', '0', 'x', '--dry-run'], /the node is of chain 31337, not 1; check the settings rpc_url and chain_id/,
      { env: { KEDGE_CHAIN_ID: '1' } });
  }
}

await drive({ kedge }, async (stack) => {
  const words = new Words(stack);
  await words.people();
  await words.keys();
  await words.exits();
  await words.names();
  await words.addresses();
  await words.transactions();
  await words.settings();
  await words.doctor();
  return `${words.mistakes} mistakes, each told what it is`;
});
