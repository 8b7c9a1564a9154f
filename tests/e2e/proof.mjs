// Proofs of agents as a user has them: taken over HTTP and from the command line, compared with what the chain itself says by ethers,
// checked by `kedge verify` with and without an endpoint, and refused when anything about them is changed.
//   node proof.mjs --kedge FILE
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { drive, kedgeBinary, until } from './harness.mjs';
import { agentSafe, changeWallet, ethers, fund, keyText, registerBy, registry } from './agents.mjs';
import { REGISTRY, hexNumber } from '../chain/lib.mjs';

const kedge = kedgeBinary();
const same = (a, b) => assert.equal(String(a).toLowerCase(), String(b).toLowerCase());

async function steps(stack) {
  const owner = ethers.Wallet.createRandom(), wallet = ethers.Wallet.createRandom(), heir = ethers.Wallet.createRandom();
  const counts = { proofs: 0, verified: 0, refused: 0 };
  await fund(stack, owner.address, heir.address);
  const send = (by, name, ...args) => stack.chain.sendSigned(by, REGISTRY, registry.face.encodeFunctionData(name, args));
  const long = `data:application/json;base64,${'QUJD'.repeat(250)}`;
  const { id, block: born } = await registerBy(stack, owner, 'https://card.example.com/a.json');
  const other = await registerBy(stack, owner, long);
  await agentSafe(stack, id);
  await agentSafe(stack, other.id);

  const policy = path.join(stack.state, 'policy.json');
  fs.writeFileSync(policy, (await stack.cli(['policy', '--chain', stack.chainFile])).stdout);
  const made = JSON.parse(fs.readFileSync(policy, 'utf8'));
  assert.deepEqual(made.registryCode, [stack.record.registryCode]);
  const named = (address) => `eip155:${stack.record.chainId}/erc721:${address.toLowerCase()}`;
  assert.deepEqual(made.registries, [named(stack.record.registry), named(stack.record.registry2)]);

  const fetchProof = async (agent, at, status = 200) => {
    const answer = await stack.http(`/v1/agents/${agent}/proof${at === undefined ? '' : `?at=${at}`}`);
    assert.equal(answer.status, status, `${agent} ${at}: ${answer.status} ${answer.body}`);
    if (status === 200) counts.proofs++;
    return answer;
  };
  // The object against the chain's own words at its block.
  const compare = async (answer, agent) => {
    const object = answer.json();
    const block = await stack.chain.rpc('eth_getBlockByNumber', hexNumber(object.block.number), false);
    const at = hexNumber(object.block.number);
    assert.equal(object.block.hash, block.hash);
    assert.equal(ethers.keccak256(object.header), block.hash);
    assert.equal(object.agent, keyText(agent).replace(/\/[^/]*$/, `/${agent}`));
    const hashes = object.nodes.map((node) => ethers.keccak256(node));
    assert.deepEqual(hashes, [...new Set(hashes)].sort());
    assert.equal(object.registryCode, ethers.keccak256(await stack.chain.rpc('eth_getCode', REGISTRY, at)));
    assert.equal(object.implementation.code, stack.record.registryCode);
    if (!object.exists) return object;
    same(object.owner, await stack.chain.view(REGISTRY, registry.face, 'ownerOf', [agent], at));
    same(object.wallet ?? ethers.ZeroAddress, await stack.chain.view(REGISTRY, registry.face, 'getAgentWallet', [agent], at));
    if (object.uri !== undefined) assert.equal(object.uri, await stack.chain.view(REGISTRY, registry.face, 'tokenURI', [agent], at));
    return object;
  };
  let files = 0;
  const save = (bytes) => {
    const file = path.join(stack.state, `proof-${files++}.json`);
    fs.writeFileSync(file, bytes);
    return file;
  };
  const verify = async (bytes, code, ...more) => {
    const got = await stack.cli(['verify', save(bytes), ...more], { code });
    if (code === 0) counts.verified++;
    if (code === 1) counts.refused++;
    return got;
  };
  const trusted = ['--policy', policy];

  // ---- at a head ----

  const safe = await fetchProof(id);
  assert.equal(safe.headers['content-type'], 'application/json');
  assert.match(safe.headers['cache-control'], /max-age=2,/);
  assert.equal((await compare(safe, id)).exists, true);
  const said = (await verify(safe.body, 0, ...trusted)).stdout;
  assert.match(said, new RegExp(`^ok +agent +${named(REGISTRY)}/${id}\n`));
  assert.match(said, /ok +registry +is one that the policy names\n/);
  assert.match(said, new RegExp(`ok +owner +${owner.address}\n`));
  assert.match(said, /ok +block +is the chain's block \d+, (safe|final)\n/);
  for (const at of ['safe', 'finalized', 'latest']) await compare(await fetchProof(id, at), id);
  assert.equal((await compare(await fetchProof(other.id, 'latest'), other.id)).uri, long);
  await verify((await fetchProof(other.id)).body, 0, ...trusted);

  // ---- nobody ----

  const nobody = await fetchProof(777);
  assert.equal((await compare(nobody, 777)).exists, false);
  assert.match((await verify(nobody.body, 0, ...trusted)).stdout, /ok +absent +.*\/777 was not registered/);

  // ---- from the command line, and what an endpoint adds ----

  const printed = (await stack.cli(['agent', 'proof', id])).stdout;
  assert.equal(JSON.parse(printed).exists, true);
  await verify(printed, 0, ...trusted);
  await verify(printed, 3, ...trusted, '--offline');
  const { hash, number } = JSON.parse(printed).block;
  await verify(printed, 0, ...trusted, '--offline', '--block', hash);
  await verify(printed, 1, ...trusted, '--offline', '--block', stack.record.registryCode);
  await verify(printed, 4, ...trusted, '--rpc', 'http://127.0.0.1:9');
  await stack.keep(false);
  const young = (await stack.cli(['agent', 'proof', id])).stdout;
  assert.match((await verify(young, 3, ...trusted, '--level', 'final')).stdout, /\nholds at block \d+, which is safe and not final yet\n$/);
  await stack.keep(true);
  assert.match((await verify(printed, 2, '--agent', id)).stderr, /without a --policy .*give CHAIN:0xREGISTRY:ID/);
  await until('a final block', async () => BigInt((await stack.chain.rpc('eth_getBlockByNumber', 'finalized', false)).number) >= BigInt(number));
  await verify(printed, 0, ...trusted, '--level', 'final', '--rpc', stack.record.rpc);
  // without a policy this release's own implementation is the only one known, and the demo's double is another
  assert.match((await verify(printed, 1)).stdout, /layout: unknown/);
  const report = JSON.parse((await verify(printed, 0, ...trusted, '--json')).stdout);
  assert.equal(report.proven.owner, owner.address);
  assert.equal(report.failed, false);

  // ---- whose proof it is ----

  const policyOf = (registries) => {
    const file = path.join(stack.state, `policy-${files++}.json`);
    fs.writeFileSync(file, JSON.stringify({ ...made, registries }));
    return ['--policy', file];
  };
  const key = `${named(REGISTRY)}/${id}`, block = ['--offline', '--block', hash], chain = stack.record.chainId;
  for (const meant of [key, id, `${chain}:${id}`, `${chain}:${REGISTRY}:${id}`]) await verify(printed, 0, ...trusted, '--agent', meant);
  for (const meant of [other.id, `${chain}:${other.id}`, `${chain}:${stack.record.registry2}:${id}`, `1:${REGISTRY}:${id}`]) {
    const got = await verify(printed, 1, ...trusted, '--agent', meant);
    assert.match(got.stdout, new RegExp(`^FAILED +agent +${key}; .*not of eip155:`), meant);
  }
  for (const meant of ['x', '', '1:', '042', `${chain}:${id}x`, `1:${id}`]) await verify(printed, 2, ...trusted, '--agent', meant);
  // a registry that the verifier did not name is nobody's; where none is named the verifier is told so
  assert.match((await verify(printed, 1, ...policyOf([named(stack.record.registry2)]))).stdout, /FAILED +registry/);
  assert.match((await verify(printed, 1, ...policyOf([]))).stdout, /FAILED +registry/);
  const unnamed = await verify(printed, 3, ...policyOf(undefined));
  assert.match(unnamed.stdout, /unconfirmed +registry +nobody named it/);
  assert.equal(JSON.parse((await verify(printed, 3, ...policyOf(undefined), '--json')).stdout).confirmed, 'none');
  await verify(printed, 0, ...policyOf(undefined), '--agent', key);
  // a block's hash says nothing of its chain: every digit of it changed
  assert.match((await verify(printed, 3, ...policyOf(undefined), ...block)).stdout, /unconfirmed +chain/);
  assert.match((await verify(printed, 3, ...policyOf([named(REGISTRY), `eip155:1/erc721:${REGISTRY.toLowerCase()}`]), ...block)).stdout,
    /unconfirmed +chain/);
  for (let at = 0; at < String(chain).length; at++)
    for (let by = 1; by < 10; by++) {
      const digits = [...String(chain)];
      digits[at] = String((Number(digits[at]) + by) % 10);
      const wrong = String(printed).replace(`eip155:${chain}`, `eip155:${digits.join('')}`);
      await verify(wrong, 1, ...trusted, ...block);
      if (by === 1) await verify(wrong, 1, ...policyOf(undefined), ...block, '--agent', key);
      // an endpoint of another chain is no endpoint of this one
      if (by === 1) await verify(wrong, digits[0] === '0' ? 1 : 4, ...policyOf(undefined), '--rpc', stack.record.rpc);
    }
  // what does not hold is nobody's word, but says whose it was to be
  assert.match((await verify(String(printed).replace('"exists":true', '"exists":false'), 1, ...trusted)).stdout,
    new RegExp(`^unconfirmed +agent +${key}, as the object says\nFAILED +proof`));

  // ---- then and now ----

  const rotated = await changeWallet(stack, owner, id, wallet);
  const moved = Number((await send(owner, 'transferFrom', owner.address, heir.address, id)).blockNumber);
  await send(heir, 'setAgentURI', id, long);
  await until('the heir at safe', async () => (await stack.http(`/v1/agents/${id}`)).json().safe.owner === heir.address);
  for (const [at, holder, purse] of [[born - 1, null], [born, owner, owner], [rotated - 1, owner, owner], [rotated, owner, wallet],
    [moved, heir, null]]) {
    const answer = await fetchProof(id, at);
    const object = await compare(answer, id);
    assert.equal(object.block.number, String(at));
    assert.equal(object.exists, holder !== null);
    if (holder) {
      same(object.owner, holder.address);
      same(object.wallet, purse && purse.address);
    }
    await until(`block ${at} to be safe`, async () => Number((await stack.chain.rpc('eth_getBlockByNumber', 'safe', false)).number) >= at);
    await verify(answer.body, 0, ...trusted);
  }
  await until('a final answer', async () => /immutable/.test((await fetchProof(id, born)).headers['cache-control']));

  // ---- stored proofs: those of the index, taken at each change ----

  const stored = await until('stored proofs', async () => {
    const rows = await stack.sql(`SELECT number, encode(body, 'hex') FROM agent_proof WHERE agent_id = decode('${
      BigInt(id).toString(16).padStart(64, '0')}', 'hex') ORDER BY number`);
    return rows.length >= 2 && rows;
  }, 10000).catch(() => []);
  for (const [at, body] of stored) {
    const bytes = Buffer.from(body, 'hex');
    assert.equal(JSON.parse(bytes).block.number, at);
    await verify(bytes, 0, ...trusted);
    assert.deepEqual((await fetchProof(id, at)).body, bytes);
  }

  // ---- what does not hold ----

  const text = safe.body.toString();
  for (const at of [0, 1, 40, 200, Math.floor(text.length / 2), text.length - 40, text.length - 2]) {
    const bytes = Buffer.from(text);
    bytes[at] ^= 1;
    const got = await stack.cli(['verify', save(bytes), ...trusted], { code: null });
    assert.notEqual(got.code, 0, `byte ${at}`);
    counts.refused++;
  }
  await verify(JSON.stringify({ ...JSON.parse(text), owner: heir.address.toLowerCase() }), 1, ...trusted);
  await verify(JSON.stringify({ ...JSON.parse(text), note: 'x' }), 1, ...trusted);

  // ---- questions without an answer ----

  for (const [agent, at, status, type] of [[id, 'yesterday', 400, 'malformed'], [id, 99999999, 404, 'not-found'], ['x', 'safe', 400, 'malformed'],
    ['1:5', 'safe', 404, 'not-found'], [id, '2026-11-20T17:00:00Z', 400, 'malformed']]) {
    const problem = (await fetchProof(agent, at, status)).json();
    assert.match(problem.type, new RegExp(`/problems/${type}$`));
    assert.ok(problem.detail);
  }
  assert.equal((await stack.cli(['agent', 'proof', 'nobody!'], { code: 2 })).stdout, '');
  return `${counts.proofs} proofs, ${counts.verified} verified, ${counts.refused} refused, ${stored.length} stored by the index`;
}

await drive({ kedge }, steps);
