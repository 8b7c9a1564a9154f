// The gateway is away while its newest blocks are replaced and the chain goes on for long; the provider it asks first still shows
// the old ones. Nothing of them becomes final.
//   node away.mjs --kedge FILE
import assert from 'node:assert/strict';
import { drive, kedgeBinary, sleep, until } from './harness.mjs';
import { REGISTRY } from '../chain/lib.mjs';
import { ethers } from './agents.mjs';
import { Provider } from './provider.mjs';

const kedge = kedgeBinary();
const face = new ethers.Interface(['function register(string)']);
const owner = ethers.Wallet.createRandom();

async function steps(stack) {
  const { chain } = stack;
  const place = async () => (await stack.sql('SELECT final_number, tip_number FROM chain_index'))[0].map(Number);
  const register = async (uri) => Number((await chain.sendSigned(owner, REGISTRY, face.encodeFunctionData('register', [uri]))).blockNumber);
  await chain.cheat('anvil_setBalance', owner.address, '0x3635c9adc5dea00000');
  await stack.keep(false);
  await register('stays');
  await chain.rpc('anvil_mine', '0x8');
  const gone = await register('goes');
  await chain.rpc('evm_mine');
  const tip = await chain.number();
  await until('the newest block in the index', async () => (await place())[1] === tip);
  assert.ok((await place())[0] < gone);
  await stack.quit();
  const former = new Map();
  for (let number = gone - 2; number <= tip; number++) {
    const name = ethers.toQuantity(number);
    former.set(name, await chain.rpc('eth_getBlockByNumber', name, false));
  }
  await chain.rpc('anvil_reorg', tip - gone + 1, []);
  assert.notEqual((await chain.rpc('eth_getBlockByNumber', ethers.toQuantity(gone), false)).hash, former.get(ethers.toQuantity(gone)).hash);
  await chain.rpc('anvil_mine', '0x480');
  await register('later');
  await chain.rpc('anvil_mine', '0x20');
  const liar = await new Provider(stack.record.rpc).start();
  liar.behave({
    answer: async (call) => (call.method === 'eth_getBlockByNumber' && former.has(call.params[0]) ? { result: former.get(call.params[0]) } : null),
  });
  await stack.serve({ KEDGE_RPC_URL: `${liar.url} ${stack.record.rpc}` });
  const newest = await chain.number();
  const end = Date.now() + 60000;
  for (let at = [0, 0]; at[1] < newest; await sleep(100)) {
    const answer = await stack.http(`/v1/agents/1?at=${tip}`);
    // until the index has looked it is of the block it names, and says that this one is not settled
    assert.ok(answer.status !== 200 || answer.json().at.finality === 'latest', `agent 1 was not registered in block ${tip}: ${answer.body}`);
    at = await place();
    assert.ok(Date.now() < end, `the index stands at ${at}`);
  }
  assert.ok(liar.calls > 0, 'nothing was asked');
  assert.equal((await stack.http('/v1/agents/1')).json().latest.uri, 'later');
  assert.equal((await stack.sql('SELECT count(*) FROM agent_state'))[0][0], '2');
  await stack.quit();
  await liar.stop();
}

drive({ kedge, slots: 8, settings: { anchor_contract: '' } }, steps);
