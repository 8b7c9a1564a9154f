// One block with more logs than an answer usually holds, which anybody can have made for a few cents: the index goes on, near the
// head and by ranges, also where the first provider refuses so large an answer.
//   node crowd.mjs --kedge FILE
import assert from 'node:assert/strict';
import { drive, kedgeBinary, until } from './harness.mjs';
import { REGISTRY } from '../chain/lib.mjs';
import { ethers } from './agents.mjs';
import { Provider } from './provider.mjs';

const kedge = kedgeBinary();
const face = new ethers.Interface(['function register(string)', 'function setApprovalForAll(address,bool)']);
const owner = ethers.Wallet.createRandom();
const APPROVALS = 12000, NOTES = 40000;

// calldata: how often it approves 0x55 for agent 0, and how many logs of no registry it writes after that
function assemble() {
  const word = (n, size = 1) => n.toString(16).padStart(2 * size, '0');
  let code = `63095ea7b360e01b600052${'6055600452'}6000602452`; // the call's data
  const loop = (from, body) => {
    code += `60${word(from)}35`; // how often
    const end = code.length / 2 + 7 + body.length / 2 + 8;
    const head = code.length / 2;
    code += `5b8015${'61'}${word(end, 2)}57${body}60019003${'61'}${word(head, 2)}56`;
    assert.equal(code.length / 2, end, 'a jump that misses');
    code += '5b50';
  };
  loop(0, `6000600060446000600073${REGISTRY.slice(2).toLowerCase()}5af150`);
  loop(32, '60006000a0');
  code += '00';
  return `0x60${word(code.length / 2)}600c60003960${word(code.length / 2)}6000f3${code}`;
}

const numbers = (...list) => `0x${list.map((n) => n.toString(16).padStart(64, '0')).join('')}`;
const approvals = async (stack) => Number((await stack.sql('SELECT count(*) FROM agent_event WHERE kind = 5'))[0][0]);

async function caughtUp(stack, block, what) {
  await until(`${what}: block ${block} in the index`, async () => Number((await stack.sql('SELECT tip_number FROM chain_index'))[0]?.[0]) >= block, 60000);
  assert.equal(await approvals(stack), APPROVALS + 1, what);
}

async function steps(stack) {
  const { chain } = stack;
  await stack.quit();
  const frugal = await new Provider(stack.record.rpc).start();
  frugal.behave({
    answer: async (call, answer) => (call.method === 'eth_getLogs' && answer.result?.length > 10000
      ? { error: { code: -32008, message: 'Response is too big' } } : null),
  });
  const served = () => stack.serve({ KEDGE_RPC_URL: `${frugal.url} ${stack.record.rpc}` });
  await chain.rpc('evm_setBlockGasLimit', ethers.toQuantity(400_000_000));
  await chain.cheat('anvil_setBalance', owner.address, '0x3635c9adc5dea00000');
  const send = async (to, data, gas = 3_000_000n) => {
    const receipt = await chain.sendSigned(owner, to, data, gas);
    assert.equal(receipt.status, '0x1');
    return receipt;
  };
  await send(REGISTRY, face.encodeFunctionData('register', ['one']));
  const { contractAddress } = await send(null, assemble());
  await send(REGISTRY, face.encodeFunctionData('setApprovalForAll', [contractAddress, true]));
  await served();
  const many = await send(contractAddress, numbers(APPROVALS, 0), 390_000_000n);
  assert.equal(many.logs.length, APPROVALS);
  // few bits in its bloom, so all of its logs are asked for: all of these
  const sparse = await send(contractAddress, numbers(1, NOTES), 390_000_000n);
  assert.equal(sparse.logs.length, NOTES + 1);
  await caughtUp(stack, Number(sparse.blockNumber) + 1, 'near the head');
  await until('the agent from the index', async () => (await stack.http('/v1/agents/0')).json().index === 'current');
  await stack.quit();
  await stack.keep(false);
  await chain.rpc('anvil_mine', '0x420'); // old enough to be taken by ranges
  await stack.keep(true);
  await stack.sql('TRUNCATE chain_index, registry, block, chain_head CASCADE');
  await served();
  await caughtUp(stack, Number(sparse.blockNumber) + 1000, 'by ranges');
  await stack.quit();
  await frugal.stop();
  return `a block of ${APPROVALS} approvals for ${Number(many.gasUsed).toLocaleString('en')} gas`;
}

drive({ kedge, slots: 8, settings: { anchor_contract: '' } }, steps);
