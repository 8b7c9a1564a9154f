// An agent's whole life as a new user lives it, over HTTP with ethers as the wallet and on the command line: registered in
// every form, rotated to a key and to a contract wallet, given away, rotated again; and every mistake on the way, whose
// refusal must say what to do next. After each step the gateway's word must be the chain's.
//   node life.mjs --kedge FILE
import http from 'node:http';
import assert from 'node:assert/strict';
import { drive, kedgeBinary, until } from './harness.mjs';
import { ethers, fund, keyText, registry, saveKey } from './agents.mjs';
import { REGISTRY, artefact } from '../chain/lib.mjs';

const kedge = kedgeBinary();
const N = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n;
const NEVER = 4711;

class Life {
  refusals = 0;
  steps = 0;
  past = []; // { id, block, owner, wallet, uri } in order

  constructor(stack) {
    this.stack = stack;
  }

  // ---- the wallet's side ----

  async prepare(verb, body, status = 200) {
    const answer = await this.stack.post(`/v1/agents/prepare/${verb}`, body);
    assert.equal(answer.status, status, `${verb} ${JSON.stringify(body)}: ${answer.status} ${answer.body}`);
    const said = answer.json();
    if (status === 200) {
      assert.match(said.next, /[Ss]ign/);
      assert.equal(answer.headers['cache-control'], 'no-store');
    }
    return said;
  }

  // As eth_sendTransaction would do it, with the gas that the answer names.
  async send(wallet, { transaction, cost }) {
    const { chain, record } = this.stack;
    assert.equal(transaction.from, wallet.address);
    assert.equal(transaction.to, REGISTRY);
    assert.equal(Number(transaction.chainId), record.chainId);
    const before = BigInt(await chain.rpc('eth_getBalance', wallet.address, 'latest'));
    const raw = await wallet.signTransaction({
      type: 2, chainId: BigInt(transaction.chainId), nonce: Number(await chain.rpc('eth_getTransactionCount', wallet.address, 'pending')),
      to: transaction.to, data: transaction.data, value: transaction.value, gasLimit: transaction.gas,
      maxFeePerGas: BigInt(cost.maxFeePerGas), maxPriorityFeePerGas: BigInt(cost.maxPriorityFeePerGas),
    });
    const receipt = await chain.receipt(await chain.rpc('eth_sendRawTransaction', raw));
    assert.equal(receipt.status, '0x1');
    const paid = before - BigInt(await chain.rpc('eth_getBalance', wallet.address, 'latest'));
    assert.ok(paid > 0n && paid <= BigInt(cost.most), `paid ${paid}, at most ${cost.most}`);
    return receipt;
  }

  async asked(verb, wallet, body) {
    return this.send(wallet, await this.prepare(verb, { from: wallet.address, ...body }));
  }

  // Both steps of a rotation: `sign` gives the new wallet's signature of the typed data.
  async rotated(owner, id, wallet, sign) {
    const first = await this.prepare('wallet', { from: owner.address, agent: id, wallet });
    const { domain, types, message } = first.typedData;
    assert.equal(ethers.TypedDataEncoder.hash(domain, types, message), first.digest);
    assert.equal(ethers.TypedDataEncoder.hash(domain, first.typedDataV4.types.AgentWalletSet && types, first.typedDataV4.message), first.digest);
    assert.equal(message.deadline, first.deadline);
    assert.ok(!first.transaction);
    const signature = await sign.signTypedData(domain, types, message);
    return this.asked('wallet', owner, { agent: id, wallet, deadline: first.deadline, signature });
  }

  // ---- the command line ----

  async cli(...words) {
    const got = await this.stack.cli(['agent', ...words, '--json']);
    const said = JSON.parse(got.stdout);
    assert.match(got.stderr, /will cost {4}at most 0\.\d+ ETH/);
    assert.ok(BigInt(said.cost.paid) > 0n && BigInt(said.cost.paid) <= BigInt(said.cost.most));
    assert.match(said.transaction, /^0x[0-9a-f]{64}$/);
    return said;
  }

  // ---- what must be so ----

  onChain(name, ...args) {
    return this.stack.chain.view(REGISTRY, registry.face, name, args);
  }

  async truth(id, block, { owner, wallet, uri }) {
    const { stack } = this;
    assert.equal(await this.onChain('ownerOf', id), owner);
    assert.equal(await this.onChain('getAgentWallet', id), wallet ?? ethers.ZeroAddress);
    assert.equal(await this.onChain('tokenURI', id), uri);
    const wanted = { exists: true, owner, wallet: wallet ?? null, uri };
    const at = ({ block: _, ...rest }) => rest;
    await until(`agent ${id} at latest and safe`, async () => {
      const { status, body } = await stack.http(`/v1/agents/${id}`);
      if (status !== 200) return false;
      const said = JSON.parse(body);
      if (Number(said.safe.block.number) < block) return false;
      assert.deepEqual(at(said.safe), wanted, `${id} at safe`);
      assert.equal(said.agent, keyText(id));
      return JSON.stringify(at(said.latest)) === JSON.stringify(at(said.safe));
    });
    const account = (address) => `eip155:${stack.record.chainId}:${address}`;
    await until(`agent ${id} in its document`, async () => {
      const { status, body } = await stack.http(`/agent/${stack.record.chainId}/${id}/did.json`);
      if (status !== 200) return false;
      const keys = JSON.parse(body).verificationMethod.map((method) => method.blockchainAccountId);
      return JSON.stringify([...new Set(keys)].sort()) === JSON.stringify([...new Set([owner, wallet].filter(Boolean).map(account))].sort());
    });
    this.past.push({ id, block, ...wanted });
    this.steps++;
  }

  // The same refusal on both sides: status, rule, and words of the detail and of the next step.
  async refused(rule, { status, detail, next, http, cli, pointer }) {
    if (http) {
      const [verb, body] = http;
      const said = await this.prepare(verb, body, status);
      assert.equal(said.rule, rule, JSON.stringify(said));
      assert.match(said.detail, detail);
      assert.match(said.next, next);
      if (pointer !== undefined) assert.equal(said.pointer, pointer);
      this.refusals++;
    }
    if (cli) {
      const got = await this.stack.cli(['agent', ...cli, '--json'], { code: 1 });
      assert.match(got.stderr, detail);
      assert.match(got.stderr, new RegExp(`next: .*${next.source}`));
      assert.equal(JSON.parse(got.stdout).problem.rule, rule);
      this.refusals++;
    }
  }

  // ---- the life ----

  async people() {
    const { stack } = this;
    for (const name of ['owner', 'heir', 'first', 'second', 'stranger', 'operator']) {
      this[name] = ethers.Wallet.createRandom();
      this[`${name}Key`] = saveKey(stack, name, this[name]);
    }
    await fund(stack, this.owner.address, this.heir.address, this.stranger.address, this.operator.address);
    const [deployer] = await stack.chain.rpc('eth_accounts');
    this.contractKey = ethers.Wallet.createRandom();
    this.contract = (await stack.chain.deploy(deployer, artefact('tests/contracts/KeyWallet.json'), [this.contractKey.address])).address;
    this.contract2 = (await stack.chain.deploy(deployer, artefact('tests/contracts/KeyWallet.json'), [this.contractKey.address])).address;
  }

  async registerInAllForms() {
    const { stack, owner, ownerKey } = this;
    const sent = () => stack.chain.rpc('eth_getTransactionCount', owner.address, 'pending');
    const nonce = await sent();
    const dry = JSON.parse((await stack.cli(['agent', 'register', '--key', ownerKey, '--dry-run', '--json'])).stdout);
    assert.equal(dry.transaction.data, '0x1aa3a008');
    assert.match(dry.warnings[0], /set one later with the verb uri/);
    assert.equal(await sent(), nonce, '--dry-run sends nothing');
    const who = { owner: owner.address, wallet: owner.address };

    const bare = await this.asked('register', owner, {});
    await this.truth(0, Number(bare.blockNumber), { ...who, uri: '' });
    const withUri = await this.cli('register', '--key', ownerKey, '--uri', 'https://one.example/registration.json');
    assert.deepEqual([withUri.agentId, withUri.owner], ['1', owner.address]);
    await this.truth(1, Number(withUri.block), { ...who, uri: 'https://one.example/registration.json' });
    const full = await this.asked('register', owner, {
      uri: 'ipfs://two', metadata: [{ key: 'did', text: 'did:web:two.example' }, { key: 'raw', value: '0x00ff' }], registry: `${stack.record.chainId}:${REGISTRY}`,
    });
    await this.truth(2, Number(full.blockNumber), { ...who, uri: 'ipfs://two' });
    assert.equal(await this.onChain('getMetadata', 2, 'raw'), '0x00ff');
    const named = await this.cli('register', '--key', ownerKey, '--uri', 'ipfs://three', '--metadata', 'did=did:web:three.example',
      '--metadata-hex', 'raw=0x01', '--wait', 'safe');
    assert.equal(named.level, 'safe');
    await this.truth(3, Number(named.block), { ...who, uri: 'ipfs://three' });
    assert.equal(ethers.toUtf8String(await this.onChain('getMetadata', 3, 'did')), 'did:web:three.example');
    assert.equal(await this.onChain('getMetadata', 3, 'raw'), '0x01');

    await this.refused('reserved-key', {
      status: 422, detail: /agentWallet/, next: /verb wallet/, pointer: '/metadata',
      http: ['register', { from: owner.address, metadata: [{ key: 'agentWallet', value: owner.address }] }],
      cli: ['register', '--key', ownerKey, '--metadata', 'agentWallet=x'],
    });
  }

  async rotateToKeys() {
    const { stack, owner, ownerKey, first, second, secondKey } = this;
    const said = { owner: owner.address, uri: '' };
    let receipt = await this.rotated(owner, '0', first.address, first);
    await this.truth(0, Number(receipt.blockNumber), { ...said, wallet: first.address });
    let got = await this.cli('wallet', '0', '--key', ownerKey, '--wallet-key', secondKey);
    assert.equal(got.wallet, second.address);
    await this.truth(0, Number(got.block), { ...said, wallet: second.address });
    // the typed data goes elsewhere to be signed, and the signature comes back
    const typed = JSON.parse((await stack.cli(['agent', 'wallet', `${stack.record.chainId}:0`, '--wallet', first.address, '--typed-data'])).stdout);
    const signature = await first.signTypedData(typed.domain, typed.types, typed.message);
    got = await this.cli('wallet', `${stack.record.chainId}:${REGISTRY}:0`, '--key', ownerKey, '--wallet', first.address, '--deadline',
      typed.message.deadline, '--signature', signature);
    await this.truth(0, Number(got.block), { ...said, wallet: first.address });
    // all ways to name it
    for (const agent of [0, '0', 'agent:0', `erc8004:${stack.record.chainId}:0`, keyText(0), `${stack.record.chainId}:${REGISTRY}:0`]) {
      const answer = await this.prepare('wallet', { from: owner.address, agent, wallet: second.address });
      assert.equal(answer.agent, keyText(0), agent);
    }
  }

  async rotateToContracts() {
    const { owner, ownerKey, contract, contract2, contractKey } = this;
    const receipt = await this.rotated(owner, '1', contract, contractKey);
    await this.truth(1, Number(receipt.blockNumber), { owner: owner.address, wallet: contract, uri: 'https://one.example/registration.json' });
    const typed = JSON.parse((await this.stack.cli(['agent', 'wallet', '2', '--wallet', contract2, '--typed-data'])).stdout);
    const signature = await contractKey.signTypedData(typed.domain, typed.types, typed.message);
    const got = await this.cli('wallet', '2', '--key', ownerKey, '--wallet', contract2, '--deadline', typed.message.deadline, '--signature', signature);
    await this.truth(2, Number(got.block), { owner: owner.address, wallet: contract2, uri: 'ipfs://two' });
  }

  // A signature of agent `id`'s wallet change by `signer`, and the words for both sides that use it.
  async consent(id, owner, wallet, signer, over = {}) {
    const first = await this.prepare('wallet', { from: owner.address, agent: id, wallet });
    const { domain, types, message } = first.typedData;
    const said = { ...message, ...over };
    const deadline = String(said.deadline);
    const signature = await signer.signTypedData(domain, types, said);
    return { signature, deadline, ...this.withConsent(id, owner, wallet, deadline, signature) };
  }

  withConsent(id, owner, wallet, deadline, signature) {
    const key = owner === this.owner ? this.ownerKey : this.heirKey;
    return {
      http: ['wallet', { from: owner.address, agent: String(id), wallet, deadline, signature }],
      cli: ['wallet', String(id), '--key', key, '--wallet', wallet, '--deadline', deadline, '--signature', signature],
    };
  }

  async mistakesOfSigning() {
    const { stack, owner, ownerKey, first, firstKey, second, contract2, stranger } = this;
    const now = await stack.chain.time();
    const at = (wallet, signer, over) => this.consent('0', owner, wallet, signer, over);

    await this.refused('wrong-signer', { status: 403, pointer: '/signature', detail: /made by 0x\w+ \(the owner\), but the new wallet 0x\w+ must sign/,
      next: /the owner only sends/, ...await at(second.address, owner) });
    await this.refused('wrong-signer', { status: 403, detail: new RegExp(`made by ${stranger.address}`), next: new RegExp(`Let ${second.address} sign exactly`),
      ...await at(second.address, stranger) });
    await this.refused('wrong-signer', { status: 403, detail: /must sign/, next: /fresh prepare/, ...await at(second.address, second, { agentId: '1' }) });
    await this.refused('wrong-signer', { status: 403, detail: /ERC-1271/, next: /isValidSignature takes/, ...await at(contract2, stranger) });
    await this.refused('expired', { status: 422, pointer: '/deadline', detail: /seconds later/, next: /new deadline/, ...await at(second.address, second, { deadline: now - 100 }) });
    await this.refused('deadline-too-far', { status: 422, pointer: '/deadline', detail: /at most 300/, next: /sign again/,
      ...await at(second.address, second, { deadline: now + 4000 }) });
    await this.refused('expired', { status: 422, detail: /has passed/, next: /without deadline/,
      http: ['wallet', { from: owner.address, agent: '0', wallet: second.address, deadline: now - 50 }],
      cli: ['wallet', '0', '--wallet', second.address, '--deadline', String(now - 50), '--typed-data'] });
    await this.refused('deadline-too-far', { status: 422, detail: /the registry takes at most 300/, next: /leave it out/,
      http: ['wallet', { from: owner.address, agent: '0', wallet: second.address, deadline: String(now + 3000) }],
      cli: ['wallet', '0', '--wallet', second.address, '--deadline', String(now + 3000), '--typed-data'] });

    const good = await at(second.address, second);
    const { r, s, v } = ethers.Signature.from(good.signature);
    const spelt = (bytes) => this.withConsent('0', owner, second.address, good.deadline, bytes);
    const high = ethers.concat([r, ethers.toBeHex(N - BigInt(s), 32), ethers.toBeHex(55 - v, 1)]);
    await this.refused('high-s', { status: 403, pointer: '/signature', detail: /high s/, next: /replace s by n - s/, ...spelt(high) });
    await this.refused('signature-form', { status: 403, detail: /v is [01]/, next: /Add 27/, ...spelt(ethers.concat([r, s, ethers.toBeHex(v - 27, 1)])) });
    await this.refused('signature-form', { status: 403, detail: /64 bytes/, next: /65-byte form/, ...spelt(ethers.concat([r, s])) });
    await this.refused('undeployed-wallet', { status: 403, detail: /not supported by the registry/, next: /Deploy the wallet first/,
      ...spelt(ethers.concat([good.signature, '0x' + '6492'.repeat(16)])) });
    await this.refused('wallet-already-set', { status: 409, detail: /is the agent's wallet already/, next: /Nothing needs to be done/,
      http: ['wallet', { from: owner.address, agent: '0', wallet: first.address }], cli: ['wallet', '0', '--key', ownerKey, '--wallet-key', firstKey] });
    await this.refused('zero-wallet', { status: 422, detail: /zero address/, next: /unset-wallet/,
      http: ['wallet', { from: owner.address, agent: '0', wallet: ethers.ZeroAddress }], cli: ['wallet', '0', '--wallet', ethers.ZeroAddress, '--typed-data'] });
    await this.truth(0, 0, { owner: owner.address, wallet: first.address, uri: '' });
    this.past.pop();
  }

  async mistakesOfAsking() {
    const { stack, owner, stranger, strangerKey, contract, ownerKey } = this;
    const from = owner.address;
    const strange = { status: 403, pointer: '/from', detail: /may not act for agent 0: it is neither its owner/, next: new RegExp(`owner's account ${owner.address}`) };
    const by = { from: stranger.address, agent: '0' };
    await this.refused('not-authorised', { ...strange, http: ['uri', { ...by, uri: 'x' }], cli: ['uri', '0', 'x', '--key', strangerKey] });
    await this.refused('not-authorised', { ...strange, http: ['transfer', { ...by, to: stranger.address }], cli: ['transfer', '0', stranger.address, '--key', strangerKey] });
    await this.refused('not-authorised', { ...strange, http: ['metadata', { ...by, key: 'k', text: '' }], cli: ['metadata', '0', 'k', '', '--key', strangerKey] });
    await this.refused('not-authorised', { ...strange, http: ['unset-wallet', by], cli: ['unset-wallet', '0', '--key', strangerKey] });
    await this.refused('reserved-key', { status: 422, pointer: '/key', detail: /keeps the key agentWallet/, next: /unset-wallet/,
      http: ['metadata', { from, agent: '0', key: 'agentWallet', value: '0x00' }], cli: ['metadata', '0', 'agentWallet', 'x', '--key', ownerKey] });
    const unknown = { status: 404, pointer: '/agent', detail: /no agent 4711/, next: /verb register/ };
    for (const [verb, body, words] of [['uri', { uri: 'x' }, ['x']], ['unset-wallet', {}, []], ['transfer', { to: from }, [from]],
      ['metadata', { key: 'k', text: 'v' }, ['k', 'v']]])
      await this.refused('unknown-agent', { ...unknown, http: [verb, { from, agent: NEVER, ...body }], cli: [verb, String(NEVER), ...words, '--key', ownerKey] });
    await this.refused('receiver-refuses', { status: 422, detail: /does not accept ERC-721/, next: /ordinary account/,
      http: ['transfer', { from, agent: '0', to: contract }], cli: ['transfer', '0', contract, '--key', ownerKey] });
    await this.refused('zero-address', { status: 422, detail: /zero address/, next: /Name the account/,
      http: ['transfer', { from, agent: '0', to: ethers.ZeroAddress }], cli: ['transfer', '0', ethers.ZeroAddress, '--key', ownerKey] });
    await this.refusedBodies(from);
    await this.refusedWords();
    const nowhere = await stack.cli(['agent', 'uri', '0', 'x', '--key', ownerKey], { code: 1, env: { KEDGE_REGISTRY: `0x${'de'.repeat(20)}` } });
    assert.match(nowhere.stderr, /no contract at 0x[^]*next: Check the settings chain_id, registry and rpc_url/);
    const elsewhere = await stack.cli(['agent', 'uri', '0', 'x', '--key', ownerKey], { code: 4, env: { KEDGE_CHAIN_ID: '1' } });
    assert.match(elsewhere.stderr, /chain[^]*kedge doctor/);
    // one that cannot pay is told before anything is sent
    const poor = ethers.Wallet.createRandom();
    const got = await stack.cli(['agent', 'register', '--key', saveKey(stack, 'poor', poor)], { code: 1 });
    assert.match(got.stdout + got.stderr, /fund the account first[^]*not sent/);
    const answer = await this.prepare('register', { from: poor.address });
    assert.match(answer.warnings.join(), /holds 0 wei .* fund the account first/);
  }

  async refusedBodies(from) {
    const say = async (rule, status, verb, body, pointer, detail, next) =>
      this.refused(rule, { status, pointer, detail, next, http: [verb, body] });
    await say('unknown-member', 422, 'uri', { from, agent: '0', url: 'x' }, '/url', /means nothing/, /This verb takes: from agent uri/);
    await say('unknown-member', 422, 'register', { from, agent: '0' }, '/agent', /means nothing/, /from registry uri metadata/);
    await say('missing-member', 422, 'uri', { from, agent: '0' }, '/uri', /uri is missing/, /Add it/);
    await say('missing-member', 422, 'wallet', { from, agent: '0', wallet: from, signature: '0x00' }, '/deadline', /without its deadline/, /typed data/);
    await say('missing-member', 422, 'metadata', { from, agent: '0', key: 'k' }, '/value', /exactly one/, /`value`/);
    await say('unprocessable', 422, 'register', { from: from.slice(0, 41) }, '/from', /not an address/, /40 hex digits/);
    await say('unprocessable', 422, 'register', { from: from.replace(/[a-f]/, (x) => x.toUpperCase()) === from ? from.toUpperCase() : from.replace(/[a-f]/, (x) => x.toUpperCase()) },
      '/from', /checksum|not an address/, /lower case|40 hex/);
    await say('unprocessable', 422, 'uri', { from, agent: 'nobody', uri: '' }, '/agent', /does not name an agent/, /CHAIN:ID/);
    await say('not-found', 404, 'uri', { from, agent: '1:0', uri: '' }, '/agent', /not served here/, /Ask a gateway.* Served here: 31337:0x8004A169/);
    await say('reverted', 422, 'uri', { from, agent: '0', uri: 'x'.repeat(65536) }, '', /ran out of gas/, /shorten them/);
    await say('too-large', 413, 'uri', { from, agent: '0', uri: 'x'.repeat(65537) }, '/uri', /longer than/, /IPFS/);
    await say('not-found', 404, 'sell', { from }, undefined, /no such verb/, /register, wallet/);
    await say('duplicate-key', 400, 'register', `{"from":"${from}","from":"${from}"}`, '/from', /byte/, /each member once/);
    await say('malformed', 400, 'register', '{', '', /byte/, /one JSON object/);
    const { stack } = this;
    const plain = await stack.http('/v1/agents/prepare/register', { method: 'POST', body: '{}', headers: { 'content-type': 'text/plain' } });
    assert.equal(plain.status, 415);
    assert.match(plain.json().next, /application\/json/);
  }

  // Words that cannot be meant end with 2 and say what would be right.
  async refusedWords() {
    const { stack, ownerKey, second, secondKey } = this;
    const rows = [
      [['wallet', '0', '--key', ownerKey], /either --wallet-key FILE or --wallet ADDRESS/],
      [['wallet', '0', '--key', ownerKey, '--wallet', second.address], /print what it has to sign with --typed-data/],
      [['wallet', '0', '--key', ownerKey, '--wallet-key', secondKey, '--signature', '0x00'], /give --wallet ADDRESS and the --deadline/],
      [['wallet', '0', '--key', ownerKey, '--wallet', second.address, '--signature', '0x00'], /the --deadline of the typed data/],
      [['wallet', '0', '--wallet-key', secondKey], /kedge keygen agent/],
      [['uri', 'x', 'y', '--key', ownerKey], /`CHAIN:42`/],
      [['uri', '99:1', 'y', '--key', ownerKey], /no endpoint of that chain/],
      [['transfer', '0', '0x12', '--key', ownerKey], /40 hex digits/],
      [['metadata', '0', 'k', 'zz', '--hex', '--key', ownerKey], /even number of hex digits/],
      [['register', '--key', ownerKey, '--metadata', 'noequals'], /KEY=VALUE/],
      [['register', '--key', ownerKey, '--wait', 'soon'], /mined, safe, final/],
      [['register', '--key', ownerKey, '--timeout', '0'], /seconds are wanted/],
      [['register', '--key', ownerKey, '--from', second.address], /without --key/],
      [['register', '--dry-run'], /name the account that would send/],
      [['register', '--uri', 'x'], /--key/],
      [['marry', '0'], /no such verb/],
    ];
    for (const [words, expected] of rows) {
      const got = await stack.cli(['agent', ...words], { code: 2 });
      assert.match(got.stderr, expected, words.join(' '));
      this.refusals++;
    }
    for (const words of [[], ['register'], ['wallet'], ['history'], ['authority'], ['search'], ['show']])
      assert.match((await stack.cli(['agent', ...words, '--help'])).stdout, /usage: kedge agent/);
  }

  async describe() {
    const { owner, ownerKey, first } = this;
    const said = { owner: owner.address, wallet: first.address };
    const receipt = await this.asked('uri', owner, { agent: '0', uri: 'https://zero.example/a.json' });
    await this.truth(0, Number(receipt.blockNumber), { ...said, uri: 'https://zero.example/a.json' });
    const got = await this.cli('uri', '0', 'https://zero.example/b.json', '--key', ownerKey);
    await this.truth(0, Number(got.block), { ...said, uri: 'https://zero.example/b.json' });
    await this.asked('metadata', owner, { agent: '0', key: 'did', text: 'did:web:zero.example' });
    assert.equal(ethers.toUtf8String(await this.onChain('getMetadata', 0, 'did')), 'did:web:zero.example');
    await this.cli('metadata', '0', 'raw', '0xc0ffee', '--hex', '--key', ownerKey);
    assert.equal(await this.onChain('getMetadata', 0, 'raw'), '0xc0ffee');
  }

  // Whom the owner approved may act for the agent too.
  async operate() {
    const { stack, owner, operator, operatorKey } = this;
    const approve = registry.face.encodeFunctionData('approve', [operator.address, 3]);
    assert.equal((await stack.chain.sendSigned(owner, REGISTRY, approve)).status, '0x1');
    const receipt = await this.asked('uri', operator, { agent: '3', uri: 'ipfs://three-by-operator' });
    await this.truth(3, Number(receipt.blockNumber), { owner: owner.address, wallet: owner.address, uri: 'ipfs://three-by-operator' });
    const got = await this.cli('unset-wallet', '3', '--key', operatorKey);
    assert.equal(got.wallet, null);
    await this.truth(3, Number(got.block), { owner: owner.address, wallet: null, uri: 'ipfs://three-by-operator' });
  }

  async giveAway() {
    const { owner, ownerKey, heir, heirKey, second, first } = this;
    const uri = 'https://zero.example/b.json';
    const old = await this.consent('0', owner, second.address, second);
    const answer = await this.prepare('transfer', { from: owner.address, agent: '0', to: heir.address });
    assert.match(answer.warnings[0], new RegExp(`clears the agent's wallet ${first.address}.*Metadata and URI survive`));
    const receipt = await this.send(owner, answer);
    await this.truth(0, Number(receipt.blockNumber), { owner: heir.address, wallet: null, uri });
    assert.equal(ethers.toUtf8String(await this.onChain('getMetadata', 0, 'did')), 'did:web:zero.example');
    // the signature named the former owner
    await this.refused('not-authorised', { status: 403, detail: /neither its owner/, next: new RegExp(heir.address), http: old.http, cli: old.cli });
    await this.refused('wrong-signer', { status: 403, detail: new RegExp(`the new wallet ${second.address} must sign`), next: /former owner/,
      ...this.withConsent('0', heir, second.address, old.deadline, old.signature) });
    const args = [0, second.address, old.deadline, old.signature];
    assert.equal(await this.stack.chain.refusal(heir.address, REGISTRY, registry.face, 'setAgentWallet', args), 'invalid wallet sig');
    await this.refused('no-wallet', { status: 409, detail: /has no wallet/, next: /set one with the verb wallet/,
      http: ['unset-wallet', { from: heir.address, agent: '0' }], cli: ['unset-wallet', '0', '--key', heirKey] });
    // another agent goes by the command line
    const got = await this.cli('transfer', '2', heir.address, '--key', ownerKey);
    assert.equal(got.owner, heir.address);
    await this.truth(2, Number(got.block), { owner: heir.address, wallet: null, uri: 'ipfs://two' });
  }

  async liveOn() {
    const { heir, heirKey, first, second, secondKey, contract, contractKey } = this;
    const said = { owner: heir.address, uri: 'https://zero.example/b.json' };
    let got = await this.cli('wallet', '0', '--key', heirKey, '--wallet-key', secondKey);
    await this.truth(0, Number(got.block), { ...said, wallet: second.address });
    const self = await this.prepare('transfer', { from: heir.address, agent: '0', to: heir.address });
    assert.match(self.warnings.join(), /only clears the wallet/);
    got = await this.cli('transfer', '0', heir.address, '--key', heirKey);
    await this.truth(0, Number(got.block), { ...said, wallet: null });
    let receipt = await this.rotated(heir, '0', contract, contractKey);
    await this.truth(0, Number(receipt.blockNumber), { ...said, wallet: contract });
    receipt = await this.rotated(heir, '0', first.address, first);
    await this.truth(0, Number(receipt.blockNumber), { ...said, wallet: first.address });
    receipt = await this.asked('unset-wallet', heir, { agent: '0' });
    await this.truth(0, Number(receipt.blockNumber), { ...said, wallet: null });
    got = await this.cli('wallet', '0', '--key', heirKey, '--wallet-key', secondKey, '--wait', 'final');
    assert.equal(got.level, 'final');
    await this.truth(0, Number(got.block), { ...said, wallet: second.address });
  }

  // ---- looking back ----

  async remember() {
    const last = Math.max(...this.past.map(({ block }) => block));
    for (const id of [0, 1, 2, 3]) {
      const mine = this.past.filter((row) => row.id === id);
      const history = await until(`the history of agent ${id} to be final`, async () => {
        const answer = await this.stack.http(`/v1/agents/${id}/history`);
        assert.equal(answer.status, 200, answer.body.toString());
        return Number(answer.json().index.final) >= last && answer.json();
      });
      await this.rememberChanges(id, mine, history);
      await this.rememberStates(id, mine, last);
    }
    await this.askBack();
  }

  // Every change, nothing else, the newest first; the command line says the same.
  async rememberChanges(id, mine, { agent, changes, next }) {
    const before = [{}, ...mine];
    const expected = mine.map((row, i) => ({
      block: String(row.block), owner: row.owner, wallet: row.wallet, uri: row.uri,
      changed: i === 0 ? ['registered', 'owner', 'wallet', ...(row.uri ? ['uri'] : [])] : ['owner', 'wallet', 'uri'].filter((name) => row[name] !== before[i][name]),
    })).reverse();
    assert.equal(agent, keyText(id));
    assert.equal(next, null);
    assert.deepEqual(changes.map(({ block, owner, wallet, uri, changed }) => ({ block: block.number, owner, wallet, uri, changed })), expected);
    for (const { block, events } of changes) {
      assert.equal(block.finality, 'final');
      assert.ok(events.length > 0 && events.every(({ tx }) => /^0x[0-9a-f]{64}$/.test(tx)), 'each change names its events');
    }
    const said = JSON.parse((await this.stack.cli(['agent', 'history', String(id), '--json'])).stdout);
    assert.deepEqual(said.changes, changes);
    const shown = (await this.stack.cli(['agent', 'history', String(id), '--limit', '1'])).stdout;
    assert.match(shown, new RegExp(`^block ${mine.at(-1).block} .*\n  owner   ${mine.at(-1).owner}\n  wallet  ${mine.at(-1).wallet ?? 'none'}\n`));
    if (mine.length > 1) assert.match(shown, /more: --before \d+/);
  }

  // At each block from the registration on: the state then, its limits, and who spoke.
  async rememberStates(id, mine, last) {
    const { stack } = this;
    const everyone = [...new Set(this.past.flatMap(({ owner, wallet }) => [owner, wallet]).filter(Boolean))];
    const early = await stack.http(`/v1/agents/${id}?at=${mine[0].block - 1}`);
    assert.equal(early.status, 404);
    for (const [i, row] of mine.entries()) {
      const until = mine[i + 1]?.block ?? null;
      for (const at of new Set([row.block, (until ?? last + 1) - 1])) {
        const answer = await stack.http(`/v1/agents/${id}?at=${at}`);
        assert.equal(answer.status, 200, `${id} at ${at}: ${answer.body}`);
        const said = answer.json();
        assert.deepEqual([said.owner, said.wallet, said.uri, said.validFrom.number, said.validUntil?.number ?? null],
          [row.owner, row.wallet, row.uri, String(row.block), until === null ? null : String(until)], `${id} at ${at}`);
        assert.equal(await stack.chain.view(REGISTRY, registry.face, 'ownerOf', [id], ethers.toQuantity(at)), said.owner);
      }
      for (const address of everyone) {
        const said = (await stack.http(`/v1/agents/${id}/authority?address=${address}&at=${row.block}`)).json();
        const role = address === row.wallet ? 'wallet' : address === row.owner ? 'owner' : null;
        assert.deepEqual([said.speaks, said.role], [role !== null, role], `${address} for ${id} at ${row.block}`);
        this.asOf = (this.asOf ?? 0) + 1;
      }
    }
  }

  // What a verifier asks on the command line.
  async askBack() {
    const { stack, owner, heir, first, second, stranger } = this;
    const rotation = this.past.find(({ id, wallet }) => id === 0 && wallet === first.address);
    const speaks = async (words, code, expected) => assert.match((await stack.cli(['agent', 'authority', '0', ...words], { code })).stdout, expected);
    await speaks([first.address, '--at', String(rotation.block)], 0, /speaks for .* as its wallet\nblock +\d+ .*\nsince/);
    await speaks([first.address], 1, /does not speak/);
    await speaks([owner.address], 1, /does not speak/);
    await speaks([second.address], 0, /as its wallet/);
    await speaks([heir.address], 0, /as its owner/);
    await speaks([stranger.address, '--at', String(rotation.block)], 1, /does not speak/);
    const then = JSON.parse((await stack.cli(['agent', 'show', '0', '--at', String(rotation.block)])).stdout);
    assert.deepEqual([then.owner, then.wallet], [owner.address, first.address]);
    const found = async (...words) => JSON.parse((await stack.cli(['agent', 'search', ...words, '--json'])).stdout).agents.map(({ agent }) => agent).sort();
    assert.deepEqual(await found('--owner', heir.address), [keyText(0), keyText(2)].sort());
    assert.deepEqual(await found('--owner', owner.address), [keyText(1), keyText(3)].sort());
    assert.deepEqual(await found('--wallet', second.address), [keyText(0)]);
    assert.deepEqual(await found('--wallet', first.address), []);
    assert.match((await stack.cli(['agent', 'search', '--wallet', second.address])).stdout, new RegExp(`^${keyText(0)}\n  owner   ${heir.address}\n`));
    const version = await stack.http(`/1.0/identifiers/did:web:${stack.host.replace(':', '%3A')}:agent:${stack.record.chainId}:0?versionId=${rotation.block}`);
    assert.equal(version.status, 200);
    assert.ok(version.body.includes(first.address) && version.body.includes(owner.address) && !version.body.includes(heir.address));
  }

  // A chain that does not answer is said to be so, within its time.
  async silence() {
    const { stack, owner, ownerKey } = this;
    await stack.keep(false);
    const waits = await stack.cli(['agent', 'register', '--key', ownerKey, '--wait', 'final', '--timeout', '1'], { code: 3 });
    assert.match(waits.stderr, /mined, but not final within 1 s; look at the transaction again later\n {2}transaction: 0x[0-9a-f]{64}\n/);
    stack.stopChain();
    try {
      const answer = await until('the gateway to miss the chain', async () => {
        const got = await stack.post('/v1/agents/prepare/register', { from: owner.address });
        return got.status === 503 && got;
      });
      assert.match(answer.json().next, /again after Retry-After/);
      assert.ok(Number(answer.headers['retry-after']) > 0);
      const got = await stack.cli(['agent', 'register', '--key', ownerKey], { code: 4 });
      assert.match(got.stderr, /kedge doctor/);
    } finally {
      stack.continueChain();
      await stack.keep(true);
    }
  }

  async doctor() {
    const { stack } = this;
    const { checks } = JSON.parse((await stack.cli(['doctor', '--json'])).stdout);
    const of = (check) => checks.filter((row) => row.check === check);
    for (const check of ['reachable', 'chain id', 'client', 'heads', 'clock', 'proof latest', 'proof finalized', 'logs by hash', 'logs range',
      'calls by hash', 'batch size', 'registry', 'layout', 'KedgeAnchor', 'relayer', 'schema'])
      assert.ok(of(check).length && of(check).every(({ state }) => state === 'ok'), `${check}: ${JSON.stringify(of(check))}`);
    for (const row of checks) assert.ok(row.state === 'ok' || row.next, `${row.check} says what to do`);
    const secret = 'hunter2';
    const bad = await stack.cli(['doctor'], { code: 4, env: { KEDGE_RPC_URL: `http://user:${secret}@127.0.0.1:1/${secret}` } });
    assert.match(bad.stdout, /fail .*reachable/);
    assert.ok(!(bad.stdout + bad.stderr).includes(secret), 'secrets are not shown');
    const other = await stack.cli(['doctor'], { code: 1, env: { KEDGE_CHAIN_ID: '1' } });
    assert.match(other.stdout, /fail .*chain id +31337, not 1/);
    const down = await stack.cli(['doctor'], { code: 4, env: { KEDGE_DATABASE: 'host=/nowhere dbname=x' } });
    assert.match(down.stdout, /Start PostgreSQL/);
    await this.twoNodes();
  }

  // Beside the chain's node stands one that bends its answers: each weakness is found, and said what it costs.
  async twoNodes() {
    const { stack } = this;
    const { rpc } = stack.record;
    const refuse = (code, message) => () => ({ error: { code, message } });
    const bends = [
      { name: 'nothing', code: 0, bend: {}, lines: [/ok .*agreement +2 providers name the same finalized block/] },
      { name: 'poor', code: 0, bend: {
        eth_getProof: refuse(-32601, 'the method eth_getProof does not exist'),
        eth_getLogs: ({ params: [{ fromBlock, toBlock, blockHash }] }) =>
          (!blockHash && Number(toBlock) - Number(fromBlock) > 20 ? { error: { code: -32005, message: 'range too \u001b[31mlarge' } } : null),
        web3_clientVersion: refuse(-32601, 'no'),
      }, lines: [/warn .*proof latest +no eth_getProof at block \d+: the method/, /-> Evidence from this node stays at tier rpc or quorum/,
        /warn .*logs range +10 blocks in one eth_getLogs/, /ok .*client +does not say what it is/] },
      { name: 'another fork', code: 1, bend: {
        eth_getBlockByNumber: ({ params: [at] }, result) => (at === 'finalized' || /^0x/.test(at) ? { result: { ...result, hash: '0x' + 'ab'.repeat(32) } } : null),
      }, lines: [/fail .*agreement +1 of 2 providers name the same finalized block/, /compare the block with an explorer/] },
      { name: 'old', code: 1, bend: { eth_call: refuse(-32602, 'invalid argument 1: json: cannot unmarshal'),
        eth_getLogs: ({ params: [{ blockHash }] }) => (blockHash ? { error: { code: -32602, message: 'unknown field blockHash' } } : null) },
      lines: [/fail .*calls by hash +invalid argument/, /-> Use a node with EIP-1898/, /fail .*logs by hash +unknown field/] },
      { name: 'stuck', code: 1, env: { KEDGE_HEAD_AGE_S: '60' }, bend: {
        eth_getBlockByNumber: (_, result) => ({ result: { ...result, timestamp: ethers.toQuantity(Number(result.timestamp) - 3600) } }),
      }, lines: [/fail .*clock +the latest block is 36\d\d s old/, /stuck or still syncing/] },
      { name: 'ahead', code: 0, bend: {
        eth_getBlockByNumber: (_, result) => ({ result: { ...result, timestamp: ethers.toQuantity(Number(result.timestamp) + 3600) } }),
      }, lines: [/warn .*clock +the latest block is 3[56]\d\d s ahead/, /Set this machine's clock/] },
    ];
    for (const { name, code, bend, lines, env } of bends) {
      const server = http.createServer(async (request, response) => {
        const parts = [];
        for await (const part of request) parts.push(part);
        const calls = JSON.parse(Buffer.concat(parts).toString());
        const answers = await (await fetch(rpc, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(calls) })).json();
        const bent = answers.map((answer) => {
          const call = calls.find(({ id }) => id === answer.id);
          const other = bend[call.method]?.(call, answer.result);
          return other ? { jsonrpc: '2.0', id: answer.id, ...other } : answer;
        });
        response.setHeader('content-type', 'application/json').end(JSON.stringify(bent));
      });
      await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
      try {
        const got = await stack.cli(['doctor'], { code, env: { ...env, KEDGE_RPC_URL: `${rpc} http://127.0.0.1:${server.address().port}` } });
        for (const line of lines) assert.match(got.stdout, line, `${name}:\n${got.stdout}`);
        assert.ok(!got.stdout.includes('\u001b'), 'a node moves no terminal');
      } finally {
        server.closeAllConnections();
        await new Promise((resolve) => server.close(resolve));
      }
    }
  }
}

await drive({ kedge }, async (stack) => {
  const life = new Life(stack);
  await life.people();
  await life.registerInAllForms();
  await life.rotateToKeys();
  await life.rotateToContracts();
  await life.mistakesOfSigning();
  await life.mistakesOfAsking();
  await life.describe();
  await life.operate();
  await life.giveAway();
  await life.liveOn();
  await life.remember();
  await life.doctor();
  await life.silence();
  return `${life.steps} steps of four agents, ${life.refusals} refusals that say what to do next, ${life.asOf} questions about the past`;
});
