// What an anchor costs, by the log's size, printed as a table; fails where the design's bounds are broken. The trees have
// equal leaves, so 2^30 of them are exact; the state before the first anchor is put in place by storage.
import assert from 'node:assert/strict';
import { ethers, artefact } from '../chain/lib.mjs';
import { startAnvil } from '../chain/anvil.mjs';
import { EqualLeaves, leafHash } from '../vectors/merkle.mjs';
import { Anchor } from './anchor-lib.mjs';

const TYPICAL = 75000;
const WORST = 110000;
const tree = new EqualLeaves(leafHash(Buffer.from('leaf')));
const anvil = await startAnvil(0);
let seed = 1;
const random = (n) => (seed = (seed * 48271) % 2147483647) % n;

// One anchor from `from` to `to` leaves on top of whatever the contract's head is.
async function step(anchor, from, to) {
  const proof = tree.consistency(from, to);
  const got = await anchor.submit(to, tree.root(0, to), proof);
  assert.equal(got.status, '0x1', `${from} -> ${to}`);
  return { gas: Number(got.gasUsed), hashes: proof.length };
}

async function alone(anchor, from, to) {
  await anchor.place(from, tree.root(0, from));
  return step(anchor, from, to);
}

async function steady(anchor, from, count) {
  await anchor.place(from, tree.root(0, from));
  const made = [];
  for (let size = from; made.length < count;) {
    const to = size + 1 + random(2000);
    made.push(await step(anchor, size, to));
    size = to;
  }
  return made;
}

const mean = (list) => Math.round(list.reduce((a, b) => a + b, 0) / list.length);

try {
  const { chain } = anvil;
  const [, account] = await chain.rpc('eth_accounts');
  const face = artefact('contracts-abi/KedgeAnchor.json');
  const first = await Anchor.create(chain, face, ethers.Wallet.createRandom());
  console.log(`deployment: ${first.gas}`);
  const opening = await first.submit(1000, tree.root(0, 1000), []);
  console.log(`first anchor, no proof: ${Number(opening.gasUsed)}`);
  const again = await first.submit(1000, tree.root(0, 1000), []);
  console.log(`the same again, quiet: ${Number(again.gasUsed)}`);
  console.log('| leaves | steady, batches of 1 to 2,000: mean / max | hashes | from 2^k | from any, +1,000: mean / max | 2^k-1 to 2^k+1 |');
  console.log('|---|---|---|---|---|---|');
  for (const bits of [10, 20, 24, 30]) {
    const n = 2 ** bits;
    const anchor = await Anchor.create(chain, face, ethers.Wallet.createRandom(), account);
    const flow = await steady(anchor, n, 60);
    const power = await alone(anchor, n, n + 1000);
    const any = [];
    for (let i = 0; i < 30; i++) {
      const from = n / 2 + random(n / 2);
      any.push(await alone(anchor, from, from + 1000));
    }
    const worst = await alone(anchor, n - 1, n + 1);
    const costs = flow.map((s) => s.gas);
    const others = any.map((s) => s.gas);
    console.log(`| 2^${bits} | ${mean(costs)} / ${Math.max(...costs)} | ${mean(flow.map((s) => s.hashes * 10)) / 10} | ${power.gas} | ` +
      `${mean(others)} / ${Math.max(...others)} | ${worst.gas} (${worst.hashes} hashes) |`);
    assert.ok(mean(costs) <= TYPICAL, `steady mean ${mean(costs)} at 2^${bits}`);
    for (const gas of [...costs, ...others, worst.gas]) assert.ok(gas <= WORST, `${gas} at 2^${bits}`);
  }
} finally {
  await anvil.stop();
}
