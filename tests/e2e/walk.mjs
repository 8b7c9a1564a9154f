// A random walk over the chain while `kedge serve` follows it: every kind of operation, several a block, receivers that act
// while they are minted to, upgrades, and reorganisations of 1 to 20 blocks. In pauses and at the end everything the gateway says
// of every agent at every block is compared with the oracle, and its tables with the chain: no phantom, no gap, nothing of
// a branch that was dropped.
//   node walk.mjs --kedge FILE [--ops N] [--seed S] [--pauses N] [--again]
// --again: when all of it is old, an index made from nothing, mostly out of events, must come to the same.
import { drive, kedgeBinary, sleep } from './harness.mjs';
import { Chain } from '../chain/lib.mjs';
import { Judge } from './judge.mjs';
import { Moves } from './moves.mjs';
import { compareWithStorage } from './oracle.mjs';
import { Provider } from './provider.mjs';

const kedge = kedgeBinary();
const words = process.argv.slice(2);
const option = (name, otherwise) => Number(words.includes(name) ? words[words.indexOf(name) + 1] : otherwise);
const amount = option('--ops', 150);
const seed = option('--seed', Date.now() % 1000000);
const pauses = option('--pauses', 3);
const SLOTS = 12; // `finalized` is 24 blocks behind: deeper than any reorganisation

async function walk(stack) {
  console.log(`seed ${seed}, ${amount} operations`);
  const moves = new Moves(stack.chain, seed, { slots: SLOTS });
  const judge = new Judge(stack);
  const { dice } = moves;
  await moves.prepare();
  try {
    for (let pause = 1; pause <= pauses; pause++) {
      while (moves.done < (amount * pause) / pauses) await turn(moves, dice);
      await moves.mine();
      await moves.regrow();
      // the last one is judged twice: with the overlay, and when all of it is final
      await judge.judge({ share: pause === pauses ? 1 : 0.1 });
    }
    await stack.chain.rpc('anvil_mine', '0x' + (2 * SLOTS + 3).toString(16));
    const picture = await judge.judge({ share: 0.2 });
    if (words.includes('--again')) await again(stack, judge);
    const checked = await compareWithStorage(judge.oracle, picture, 10);
    const { states, answers, rows, events } = judge.compared;
    return `seed ${seed}: ${moves.figures()}; ${picture.last + 1} blocks, ${picture.count} agents; ${answers} answers, ${states} changes, ${rows} rows and ` +
      `${events} events as the oracle has them; the oracle as the storage ${checked} times`;
  } catch (e) {
    e.message = `seed ${seed}, after ${moves.figures()}: ${e.message}`;
    throw e;
  }
}

async function again(stack, judge) {
  await stack.quit();
  await stack.sql('TRUNCATE chain_index, registry, block CASCADE');
  await stack.chain.rpc('anvil_mine', '0x4b0');
  await stack.serve();
  const started = Date.now();
  await judge.caughtUp();
  console.log(`indexed again in ${Date.now() - started} ms`);
  await judge.judge({ share: 0.05 });
}

async function turn(moves, dice) {
  for (let n = dice.of([1, 1, 1, 2, 3, 5]); n > 0; n--) await moves.move();
  await moves.mine(dice.chance(0.3) ? dice.below(4) : 0);
  if (dice.chance(0.12)) {
    const depth = Math.min(1 + dice.below(20), await moves.loose());
    if (depth > 0) await moves.reorganise(depth);
  }
  // sometimes the gateway looks in between, sometimes it meets several changes at once
  if (dice.chance(0.25)) await sleep(dice.below(250));
}

let node = null; // between kedge, the walker and anvil, so that mining and reading take turns
drive({
  kedge, slots: SLOTS,
  settings: async (stack) => {
    node = await new Provider(stack.record.rpc).start();
    await stack.keep(false);
    stack.chain = new Chain(node.url);
    return { rpc_url: node.url, anchor_contract: '' };
  },
}, async (stack) => {
  const figures = await walk(stack);
  await stack.quit();
  await node.stop();
  return figures;
});
