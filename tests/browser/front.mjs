// Following the stream through the TLS front, whose nginx stays while the gateway behind it goes and comes back: it answers 503 meanwhile, which
// ends a browser's EventSource for good, but not follow().
//   node front.mjs --kedge FILE
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import path from 'node:path';
import readline from 'node:readline';
import { drive, kedgeBinary, sleep, until } from '../e2e/harness.mjs';
import { root } from '../chain/lib.mjs';
import { World, judgeEvents } from './world.mjs';

const events = [];

function follow(stack) {
  const child = spawn(process.execPath, [path.join(root, 'tests/browser/follower.mjs'), stack.url],
    { stdio: ['ignore', 'pipe', 'inherit'], env: { ...stack.env, NODE_EXTRA_CA_CERTS: stack.front.certificate } });
  readline.createInterface({ input: child.stdout }).on('line', (line) => events.push({ ...JSON.parse(line), seen: Date.now() }));
  child.ended = new Promise((resolve) => child.once('exit', resolve));
  return child;
}

drive({ kedge: kedgeBinary(), tls: true, settings: { workers: 2 } }, async (stack) => {
  const world = new World(stack);
  await world.prepare();
  const child = follow(stack);
  try {
    await until('the past', () => events.some(({ seq }) => seq === world.marker));
    // an event is not held back on the way: it comes long before the next heartbeat would push it
    const before = events.length;
    await world.change();
    const logged = Date.now();
    await until('a live event', () => events.length > before, 5000);
    const delay = events.at(-1).seen - logged;
    await stack.quit();
    await until('the front says so', async () => (await stack.front.get('/v1/streams/participant.did')).status === 503);
    await sleep(1500);
    assert.equal(child.exitCode, null, 'a 503 does not end it');
    await stack.serve();
    const known = events.length;
    await world.change();
    await until('the event after the restart', () => events.length > known, 40000);
    await judgeEvents(world, events.map(({ seen, ...event }) => event));
    return `${events.length} events through nginx, over a restart; a live one ${Math.max(delay, 0)} ms after the test saw its entry`;
  } finally {
    child.kill('SIGTERM');
    await child.ended;
  }
});
