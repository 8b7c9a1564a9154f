// The only provider leaves a registration out of a block so full of other logs that its bloom says nothing: who was not told of is
// found in storage.
//   node omitted.mjs --kedge FILE
import assert from 'node:assert/strict';
import { drive, kedgeBinary, until } from './harness.mjs';
import { REGISTRY } from '../chain/lib.mjs';
import { ethers } from './agents.mjs';
import { Provider } from './provider.mjs';

const kedge = kedgeBinary();
const face = new ethers.Interface(['function register(string)']);
const owner = ethers.Wallet.createRandom();
// calldata: how many logs it writes, each with four topics from the hash of a counter
const RUNTIME = '6000355b80600052602060002080600101806001018060010160006000a4600190038060035700';
const SIZE = (RUNTIME.length / 2).toString(16).padStart(2, '0');

const bits = (bloom) => [...bloom.slice(2)].reduce((n, digit) => n + parseInt(digit, 16).toString(2).replaceAll('0', '').length, 0);
const tip = async (stack) => Number((await stack.sql('SELECT tip_number FROM chain_index'))[0][0]);

// One block: a crowd of logs, and registrations in it.
async function fullBlock(stack, crowd, uris) {
  const { chain } = stack;
  await stack.keep(false);
  await chain.rpc('evm_setAutomine', false);
  let nonce = Number(await chain.rpc('eth_getTransactionCount', owner.address, 'latest'));
  const send = async (to, data) => chain.rpc('eth_sendRawTransaction', await owner.signTransaction(
    { to, data, nonce: nonce++, chainId: 31337, gasLimit: 3_000_000, gasPrice: 3_000_000_000n, type: 0 }));
  await send(crowd, `0x${(300).toString(16).padStart(64, '0')}`);
  for (const uri of uris) await send(REGISTRY, face.encodeFunctionData('register', [uri]));
  await chain.rpc('evm_mine');
  await chain.rpc('evm_setAutomine', true);
  const block = await chain.rpc('eth_getBlockByNumber', 'latest', false);
  assert.equal(block.transactions.length, uris.length + 1);
  assert.ok(bits(block.logsBloom) > 1000, 'the bloom says something');
  await stack.keep(true);
  return Number(block.number);
}

async function steps(stack) {
  const { chain } = stack;
  await chain.cheat('anvil_setBalance', owner.address, '0x3635c9adc5dea00000');
  const { contractAddress: crowd } = await chain.sendSigned(owner, null, `0x60${SIZE}600c60003960${SIZE}6000f3${RUNTIME}`);
  await stack.quit();
  const liar = await new Provider(stack.record.rpc).start();
  const omit = (from, until) => liar.behave({
    answer: async (call, answer) => (call.method === 'eth_getLogs' && Array.isArray(answer.result)
      ? { result: answer.result.filter(({ address, blockNumber }) => address.toLowerCase() !== REGISTRY.toLowerCase() || Number(blockNumber) < from || Number(blockNumber) > until) } : null),
  });
  const env = { KEDGE_RPC_URL: liar.url };
  await stack.serve(env);
  await fullBlock(stack, crowd, ['first']);
  const from = await chain.number() + 1;
  omit(from, Infinity);
  const block = await fullBlock(stack, crowd, ['left out', 'left out too']);
  await until('that block in the index', async () => (await tip(stack)) > block + 1);
  omit(from, block);
  const last = await fullBlock(stack, crowd, ['last']);
  await until('that block in the index', async () => (await tip(stack)) > last + 1);
  // the patrol comes once a minute, and at the start
  await stack.quit();
  await stack.serve(env);
  for (const [id, uri] of ['first', 'left out', 'left out too', 'last'].entries())
    await until(`agent ${id} from the index`, async () => {
      const answer = (await stack.http(`/v1/agents/${id}`)).json();
      return answer.index === 'current' && answer.latest.uri === uri && answer.safe.exists;
    }, 60000);
  assert.equal((await stack.http(`/v1/agents?owner=${owner.address}`)).json().agents.length, 4);
  await stack.quit();
  await liar.stop();
}

drive({ kedge, slots: 4, settings: { anchor_contract: '' } }, steps);
