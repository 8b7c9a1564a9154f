// A registry that is added later, from a provider that leaves its transfers out, and a state that slipped in all the same: the
// first is fetched again until storage agrees with it, the second is found by the patrol.
//   node late.mjs --kedge FILE
import assert from 'node:assert/strict';
import { drive, kedgeBinary, sleep, until } from './harness.mjs';
import { REGISTRY, REGISTRY2 } from '../chain/lib.mjs';
import { ethers } from './agents.mjs';
import { Provider } from './provider.mjs';

const kedge = kedgeBinary();
const face = new ethers.Interface(['function register(string)', 'function transferFrom(address,address,uint256)', 'function ownerOf(uint256) view returns (address)']);
const TRANSFER = ethers.id('Transfer(address,address,uint256)');
const owners = [0, 1].map(() => ethers.Wallet.createRandom());

async function send(chain, wallet, to, data) {
  await chain.cheat('anvil_setBalance', wallet.address, '0x3635c9adc5dea00000');
  const nonce = Number(await chain.rpc('eth_getTransactionCount', wallet.address, 'latest'));
  const raw = await wallet.signTransaction({ to, data, nonce, chainId: 31337, gasLimit: 1000000, gasPrice: 3000000000n, type: 0 });
  const hash = await chain.rpc('eth_sendRawTransaction', raw);
  const receipt = await until('a receipt', () => chain.rpc('eth_getTransactionReceipt', hash));
  assert.equal(receipt.status, '0x1');
  return Number(receipt.blockNumber);
}

// Agent 0 of a registry, with its second owner. The block of the transfer.
async function passOn(chain, to) {
  await send(chain, owners[0], to, face.encodeFunctionData('register', ['one']));
  return send(chain, owners[0], to, face.encodeFunctionData('transferFrom', [owners[0].address, owners[1].address, 0]));
}

const indexed = (registry, block) => async (stack) => (await stack.sql(
  `SELECT encode(s.owner, 'hex') FROM agent_state s JOIN registry r ON r.id = s.registry WHERE r.address = '\\x${registry.slice(2)}'`
  + ` AND r.indexed >= ${block} AND s.number <= r.indexed ORDER BY s.number DESC LIMIT 1`))[0]?.[0];
const truth = owners[1].address.slice(2).toLowerCase();

async function late(stack, liar, block) {
  liar.behave({
    answer: async (call, answer) => (call.method === 'eth_getLogs' && answer.result
      ? { result: answer.result.filter(({ address, topics }) => address.toLowerCase() !== REGISTRY2.toLowerCase() || topics[0] !== TRANSFER || /^0x0+$/.test(topics[1])) } : null),
  });
  const more = { KEDGE_RPC_URL: liar.url, KEDGE_REGISTRIES: `31337:${REGISTRY2}:0` };
  await stack.serve(more);
  const end = Date.now() + 8000;
  for (; Date.now() < end; await sleep(200)) {
    const owner = await indexed(REGISTRY2, block)(stack);
    assert.ok(owner === undefined || owner === truth, `the lie was taken: owner ${owner}`);
  }
  assert.ok(liar.calls > 0, 'nothing was asked');
  liar.behave(null);
  const healed = Date.now();
  await until('the registry in the index', async () => (await indexed(REGISTRY2, block)(stack)) === truth, 60000);
  await stack.quit();
  return `a later registry right ${Date.now() - healed} ms after its provider behaves`;
}

async function slipped(stack, block) {
  await stack.sql(`UPDATE agent_state s SET owner = '\\x${'66'.repeat(20)}' FROM registry r WHERE r.id = s.registry AND r.address = '\\x${REGISTRY.slice(2)}' AND s.number = ${block}`);
  await stack.serve();
  const started = Date.now();
  await until('the state that is', async () => (await indexed(REGISTRY, block)(stack)) === truth, 60000);
  await stack.quit();
  return `a state that slipped in is found after ${Date.now() - started} ms`;
}

async function steps(stack) {
  const blocks = [];
  for (const registry of [REGISTRY, REGISTRY2]) blocks.push(await passOn(stack.chain, registry));
  await until('finality', async () => Number((await stack.chain.rpc('eth_getBlockByNumber', 'finalized', false)).number) > blocks[1], 60000);
  await until('the first registry in the index', async () => (await indexed(REGISTRY, blocks[0])(stack)) === truth, 60000);
  await stack.quit();
  const liar = await new Provider(stack.record.rpc).start();
  const said = [await late(stack, liar, blocks[1]), await slipped(stack, blocks[0])];
  await liar.stop();
  return said.join('; ');
}

drive({ kedge, slots: 8, settings: { anchor_contract: '' } }, steps);
