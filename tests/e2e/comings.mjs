// Registries that come to the settings and leave them, with blocks above the final one taken without them: none of their agents
// is lost by that, and none is told as it was.
//   node comings.mjs --kedge FILE
import assert from 'node:assert/strict';
import { drive, kedgeBinary, sleep, until } from './harness.mjs';
import { REGISTRY, REGISTRY2 } from '../chain/lib.mjs';
import { ethers } from './agents.mjs';

const kedge = kedgeBinary();
const face = new ethers.Interface(['function register(string)', 'function transferFrom(address,address,uint256)']);
const [first, second, third] = [0, 1, 2].map(() => ethers.Wallet.createRandom());

async function send(chain, wallet, to, data) {
  await chain.cheat('anvil_setBalance', wallet.address, '0x3635c9adc5dea00000');
  const receipt = await chain.sendSigned(wallet, to, data);
  assert.equal(receipt.status, '0x1');
  return Number(receipt.blockNumber);
}

const register = (chain, to, uri) => send(chain, first, to, face.encodeFunctionData('register', [uri]));
const pass = (chain, id, from, to) => send(chain, from, REGISTRY2, face.encodeFunctionData('transferFrom', [from.address, to.address, id]));

const place = async (stack) => (await stack.sql('SELECT final_number, tip_number FROM chain_index'))[0]?.map(Number) ?? [-1, -1];
const taken = (stack, block) => until(`block ${block} in the index`, async () => (await place(stack))[1] >= block);
const final = (stack, block) => until(`block ${block} final`, async () => (await place(stack))[0] >= block, 60000);

// Every agent of the second registry, from the index: its owners one after the other.
async function expect(stack, owners, what) {
  for (const [id, line] of owners.entries()) {
    const target = `/v1/agents/31337:${REGISTRY2}:${id}`;
    let told = null;
    await until(`${what}: agent ${id} from the index`, async () => {
      const answer = await stack.http(target);
      told = answer.json();
      assert.notEqual(answer.status, 404, `${what}: agent ${id}: ${told.detail}`);
      return answer.status === 200 && told.index === 'current';
    });
    assert.equal(told.latest.owner, line.at(-1).address, `${what}: agent ${id}`);
    const { changes } = (await stack.http(`${target}/history`)).json();
    assert.deepEqual(changes.map(({ owner }) => owner).reverse(), line.map(({ address }) => address), `${what}: history of agent ${id}`);
  }
}

async function steps(stack) {
  const { chain } = stack;
  await taken(stack, await register(chain, REGISTRY, 'of the first'));
  // It begins in blocks that are taken already, none of which is final yet.
  await stack.keep(false);
  const start = await register(chain, REGISTRY2, 'one');
  await taken(stack, start);
  assert.ok((await place(stack))[0] < start, 'the block is final already');
  await stack.quit();
  const more = { KEDGE_REGISTRIES: `31337:${REGISTRY2}:${start}` };
  await stack.serve(more);
  await expect(stack, [[first]], 'begun above the final block');
  await stack.keep(true);
  await final(stack, start);
  await expect(stack, [[first]], 'begun above the final block, now final');
  // It is taken out while what happened last is not final, and comes back after more has happened.
  await stack.keep(false);
  await taken(stack, await pass(chain, 0, first, second));
  await stack.quit();
  await stack.serve();
  await register(chain, REGISTRY2, 'two');
  const last = await pass(chain, 0, second, third);
  await stack.keep(true);
  await final(stack, last + 2);
  await stack.quit();
  await stack.serve(more);
  await expect(stack, [[first, second, third], [first]], 'taken out and back');
  // The same, and nothing becomes final meanwhile.
  await stack.keep(false);
  await sleep(500);
  await stack.quit();
  await stack.serve();
  await taken(stack, await pass(chain, 1, first, second));
  await stack.quit();
  await stack.serve(more);
  await expect(stack, [[first, second, third], [first, second]], 'taken out and back at once');
  await stack.quit();
}

drive({ kedge, slots: 8, settings: { anchor_contract: '' } }, steps);
