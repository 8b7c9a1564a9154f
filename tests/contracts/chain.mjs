// The chain script as others use it: the record appears whole, the keeper makes activity safe, and nothing is left behind however
// the script ends.
import test from 'node:test';
import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { Chain, artefact, ethers, root as project, sleep } from '../chain/lib.mjs';

const script = path.join(project, 'tests/chain/chain.mjs');
const [signer, guardian, relayer] = [1, 2, 3].map(() => ethers.Wallet.createRandom());
const given = ['--origin', 'localhost:8004/log', '--signer', signer.address, '--guardian', guardian.address, '--port', '0'];

function start(more = [], through = null) {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'kedge-chain-'));
  const line = [process.execPath, script, '--dir', dir, ...given, ...more];
  // A shell in between, so that the script's parent can be killed without it.
  const child = through ? spawn('sh', ['-c', '"$@"; true', 'sh', ...line], { stdio: ['ignore', 'pipe', 'inherit'] })
    : spawn(line[0], line.slice(1), { stdio: ['ignore', 'pipe', 'inherit'] });
  return { dir, child };
}

async function ready({ dir, child }) {
  const [text] = await once(child.stdout, 'data');
  assert.match(text.toString(), /^ready http:\/\/127\.0\.0\.1:\d+\n$/);
  const record = JSON.parse(fs.readFileSync(path.join(dir, 'chain.json'), 'utf8'));
  assert.equal(text.toString(), `ready ${record.rpc}\n`);
  assert.deepEqual(fs.readdirSync(dir), ['chain.json']);
  return record;
}

async function gone(url) {
  for (let tries = 0; tries < 100; tries++) {
    try {
      await new Chain(url).rpc('eth_chainId');
    } catch {
      return true;
    }
    await sleep(50);
  }
  return false;
}

test('the record appears, given addresses have funds, activity becomes safe and finalized', async () => {
  const run = start(['--fund', `${relayer.address},${signer.address}`]);
  try {
    const record = await ready(run);
    const chain = new Chain(record.rpc);
    assert.equal(record.chainId, 31337);
    for (const { address } of [relayer, signer]) assert.ok(BigInt(await chain.rpc('eth_getBalance', address, 'safe')) >= 10n ** 18n);
    const before = await chain.number();
    await sleep(1000);
    assert.equal(await chain.number(), before, 'a quiet chain stands still');
    const { face } = artefact('contracts-abi/IdentityRegistry.json');
    const got = await chain.sendSigned(relayer, record.registry, face.encodeFunctionData('register()'));
    assert.equal(got.status, '0x1');
    await sleep(2500);
    assert.equal(await chain.view(record.registry, face, 'ownerOf', [0], 'finalized'), relayer.address);
    assert.equal(await chain.number(), Number(got.blockNumber) + 5);
    run.child.kill('SIGTERM');
    const [code] = await once(run.child, 'exit');
    assert.equal(code, 0);
    assert.ok(await gone(record.rpc));
  } finally {
    run.child.kill('SIGKILL');
    fs.rmSync(run.dir, { recursive: true });
  }
});

test('without the keeper only transactions make blocks', async () => {
  const run = start(['--no-keeper', '--fund', relayer.address]);
  try {
    const chain = new Chain((await ready(run)).rpc);
    const before = await chain.number();
    await chain.sendSigned(relayer, relayer.address, '0x');
    await sleep(1500);
    assert.equal(await chain.number(), before + 1);
  } finally {
    run.child.kill('SIGINT');
    await once(run.child, 'exit');
    fs.rmSync(run.dir, { recursive: true });
  }
});

test('anvil ends with the script, and the script with its parent, even killed', async () => {
  for (const [through, signal] of [[null, 'SIGKILL'], [null, 'SIGHUP'], ['sh', 'SIGKILL']]) {
    const run = start([], through);
    const { rpc } = await ready(run);
    run.child.kill(signal);
    assert.ok(await gone(rpc), `${through} ${signal}`);
    fs.rmSync(run.dir, { recursive: true });
  }
});

test('wrong usage is said, with exit code 2', async () => {
  for (const wrong of [['--signer', '0x12'], ['--port', 'x'], ['--fund', 'me'], ['--unknown']]) {
    const child = spawn(process.execPath, [script, '--dir', os.tmpdir(), ...given, ...wrong], { stdio: 'ignore' });
    const [code] = await once(child, 'exit');
    assert.equal(code, 2, wrong.join(' '));
  }
});
