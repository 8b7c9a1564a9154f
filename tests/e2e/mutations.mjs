// Bytes of a receipt changed, up to every one: `kedge verify` must notice each change.
import fs from 'node:fs';
import path from 'node:path';
import assert from 'node:assert/strict';
import { run } from './harness.mjs';

const MASKS = [0x01, 0x20, 0x80];

// At a level that needs no chain an intact receipt gives 0 and a changed one 1. What the receipt says about the anchor's
// block is the chain's to confirm: changes there that hold without it are tried again with it.
export async function changedBytes(stack, kedge, receipt, policy, amount) {
  const bytes = fs.readFileSync(receipt);
  const env = { ...stack.env, ASAN_OPTIONS: `${stack.env.ASAN_OPTIONS}:detect_leaks=0` };
  const folder = fs.mkdtempSync(path.join(stack.state, 'bytes-'));
  const verify = (file, ...more) => run(kedge, ['verify', file, '--policy', policy, ...more], { env });
  assert.equal((await verify(receipt, '--offline', '--level', 'published')).code, 0);
  assert.equal((await verify(receipt)).code, 0);
  const anchor = bytes.indexOf('"anchor":{') + '"anchor":'.length;
  const anchorEnd = bytes.indexOf('},"checkpoint"') + 1;
  assert.ok(anchor > 9 && anchorEnd > anchor);

  const cases = [];
  const seed = Math.floor(Math.random() * 48);
  const step = { few: 16, some: 4, all: 1 }[amount];
  for (let at = seed % step; at < bytes.length; at += step)
    for (const mask of amount === 'all' ? MASKS : [MASKS[(at + seed) % 3]]) cases.push([at, mask]);
  const tried = cases.length;
  let online = 0;
  const tryOne = async ([at, mask], file) => {
    const changed = Buffer.from(bytes);
    changed[at] ^= mask;
    fs.writeFileSync(file, changed);
    const first = await verify(file, '--offline', '--level', 'published');
    if (first.code === 1) return;
    const where = `byte ${at} (${JSON.stringify(bytes.subarray(Math.max(0, at - 30), at + 10).toString())}) ^ ${mask}`;
    assert.equal(first.code, 0, `${where}: exit ${first.code} ${first.stderr}`);
    assert.ok(at >= anchor && at < anchorEnd, `${where} is not noticed without the chain`);
    online++;
    const second = await verify(file);
    assert.notEqual(second.code, 0, `${where} is not noticed`);
    assert.ok(second.code === 1 || second.code === 3, `${where}: exit ${second.code} ${second.stderr}`);
  };
  await Promise.all([0, 1].map(async (n) => {
    const file = path.join(folder, `${n}.json`);
    for (let one = cases.pop(); one; one = cases.pop()) await tryOne(one, file);
  }));
  fs.rmSync(folder, { recursive: true });
  return { bytes: bytes.length, tried, online };
}
