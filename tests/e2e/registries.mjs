// One gateway, two registries of one chain and one of another: every agent is read from its own chain, by every form of its id,
// agents of all of them attest about each other, and one chain's silence is not the other's.
//   node registries.mjs --kedge FILE
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { drive, kedgeBinary, settled, sleep, until } from './harness.mjs';
import { startAnvil } from '../chain/anvil.mjs';
import { deploy } from '../chain/deploy.mjs';
import { REGISTRY, REGISTRY2 } from '../chain/lib.mjs';
import { claim, ethers, fund, registry, uidOf } from './agents.mjs';
import { digestOf, keyText, signDigest, statement } from '../vectors/format.mjs';

const kedge = kedgeBinary();
const OTHER = 31338;
let other; // the second chain

async function secondChain(stack) {
  other = await startAnvil(0);
  await deploy(other.url, { origin: stack.origin, signer: await stack.address('anchor'), guardian: await stack.address('guardian') });
  await other.chain.rpc('anvil_setChainId', OTHER);
  const mine = async () => {
    for (;;) {
      if (!other.still) await other.chain.rpc('evm_mine').catch(() => {});
      await sleep(200);
    }
  };
  mine();
  return { registries: `31337:${REGISTRY2}:0 ${OTHER}:${REGISTRY}:0`, rpc_others: `${OTHER}=${other.url}` };
}

async function register(chain, chainId, wallet, to, uri) {
  await chain.cheat('anvil_setBalance', wallet.address, '0x3635c9adc5dea00000');
  const data = registry.face.encodeFunctionData('register(string)', [uri]);
  const nonce = Number(await chain.rpc('eth_getTransactionCount', wallet.address, 'latest'));
  const raw = await wallet.signTransaction({ to, data, nonce, chainId, gasLimit: 1000000, gasPrice: 3000000000n, type: 0 });
  const hash = await chain.rpc('eth_sendRawTransaction', raw);
  const receipt = await until('a receipt', () => chain.rpc('eth_getTransactionReceipt', hash));
  assert.equal(receipt.status, '0x1');
}

async function attest(stack, wallet, issuer, subject, status = 201) {
  const submission = { attestation: claim(issuer, subject) };
  const said = statement(uidOf(submission), submission, issuer, subject, stack.origin);
  const item = { ...submission, proof: { type: 'eip191', signature: signDigest(wallet.privateKey, digestOf('eip191', said)) } };
  const answer = await stack.post('/v1/attestations', item);
  assert.equal(answer.status, status, answer.body.toString());
  return answer.json();
}

async function steps(stack) {
  const get = async (target, status = 200) => {
    const answer = await stack.http(target);
    assert.equal(answer.status, status, `${target}: ${answer.status} ${answer.body}`);
    return answer.json();
  };
  const [one, two, three] = [0, 1, 2].map(() => ethers.Wallet.createRandom());
  await register(stack.chain, 31337, one, REGISTRY, 'one');
  await register(stack.chain, 31337, two, REGISTRY2, 'two');
  await register(other.chain, OTHER, three, REGISTRY, 'three');
  const agents = [
    { key: keyText(0), owner: one, ids: ['0', '31337:0', `31337:${REGISTRY}:0`], uri: 'one', did: 'agent:31337:0' },
    { key: keyText(0, REGISTRY2.toLowerCase()), owner: two, ids: [`31337:${REGISTRY2}:0`, `31337:${REGISTRY2.toLowerCase()}:0`], uri: 'two',
      did: `agent:eip155:31337:${REGISTRY2.toLowerCase()}:0` },
    { key: keyText(0, undefined, OTHER), owner: three, ids: [`${OTHER}:0`, `${OTHER}:${REGISTRY}:0`], uri: 'three',
      did: `agent:eip155:${OTHER}:${REGISTRY.toLowerCase()}:0` },
  ];
  for (const { key, owner, ids, uri, did } of agents) {
    for (const id of ids) {
      await settled(`agent ${id} from the index`, async () => {
        const { status, body } = await stack.http(`/v1/agents/${id}`);
        const agent = JSON.parse(body);
        return status === 200 && agent.safe.exists && agent.index === 'current';
      }, 30000, 3);
      const agent = await get(`/v1/agents/${id}`);
      assert.equal(agent.agent, key);
      assert.equal(agent.latest.owner, owner.address);
      assert.equal(agent.latest.uri, uri);
      assert.equal((await get(`/v1/agents/${id}/history`)).changes.length, 1);
      assert.ok((await get(`/v1/agents/${id}/authority?address=${owner.address}`)).speaks);
    }
    const name = `did:web:${stack.host.replace(':', '%3A')}:${did}`;
    // between a new head and the index's next step the node is asked, who knows no versions
    const resolved = await until(`${name} from the index`, async () => {
      const answer = await get(`/1.0/identifiers/${name}`);
      return answer.didDocumentMetadata.versionId && answer;
    });
    assert.equal(resolved.didDocument.id, name);
    assert.ok(JSON.stringify(resolved.didDocument).includes(owner.address));
    const then = await get(`/1.0/identifiers/${name}?versionId=${resolved.didDocumentMetadata.versionId}`);
    assert.deepEqual({ ...then.didDocument, service: 0 }, { ...resolved.didDocument, service: 0 });
    const told = await stack.cli(['resolve', name, '--version-time', new Date().toISOString().replace(/\.\d+/, '')]);
    assert.deepEqual(JSON.parse(told.stdout), then.didDocument);
    const found = await get(`/v1/agents?owner=${owner.address}`);
    assert.deepEqual(found.agents.map((row) => row.agent), [key]);
  }
  await get(`/v1/agents/${OTHER}:${REGISTRY2}:0`, 404);
  await get('/v1/agents/1:0', 404);
  const policy = path.join(stack.state, 'policy.json');
  fs.writeFileSync(policy, (await stack.cli(['policy', '--chain', stack.chainFile])).stdout);
  let logged = 0;
  for (const from of agents)
    for (const about of agents) {
      if (from === about) continue;
      const { uid, receipt } = await until(`${from.key} about ${about.key}`, () => attest(stack, from.owner, from.key, about.key), 20000);
      const file = path.join(stack.state, `receipt-${logged}.json`);
      fs.writeFileSync(file, JSON.stringify(receipt));
      await stack.cli(['verify', file, '--policy', policy, '--level', 'logged']);
      const { evidence } = await get(`/v1/attestations/${uid}`);
      assert.equal(evidence.chain, from.key.split('/')[0]);
      assert.equal(evidence.subject.chain, from.key.split('/')[0] === about.key.split('/')[0] ? undefined : about.key.split('/')[0]);
      logged++;
    }
  await attest(stack, one, agents[1].key, agents[0].key, 403); // another registry's agent 0 has another owner
  // The second chain stands still: its agents cannot be told, those of the first can.
  other.still = true;
  other.child.kill('SIGSTOP');
  await until('the second chain to be missed', async () => (await stack.http(`/v1/agents/${OTHER}:0`)).status === 503, 40000, 500);
  await get('/v1/agents/0');
  assert.equal((await stack.http('/readyz')).status, 200);
  await get(`/v1/agents/${OTHER}:0?at=${(await get(`/v1/agents/${OTHER}:0/history`)).changes[0].block.number}`);
  other.child.kill('SIGCONT');
  other.still = false;
  await until('the second chain to be back', async () => (await stack.http(`/v1/agents/${OTHER}:0`)).status === 200, 40000, 200);
  return `3 registries on 2 chains, ${logged} attestations between them`;
}

drive({ kedge, settings: secondChain }, steps);
