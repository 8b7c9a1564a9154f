// Starts and stops one anvil on the loopback.
import net from 'node:net';
import path from 'node:path';
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { Chain, sleep } from './lib.mjs';

const binary = path.join(path.dirname(fileURLToPath(import.meta.url)), 'node_modules/@foundry-rs/anvil-linux-amd64/bin/anvil');

// The port the kernel gave for `wanted` (0: any), or null if it is taken.
function probe(wanted) {
  return new Promise((resolve) => {
    const server = net.createServer();
    server.once('error', () => resolve(null));
    server.listen({ port: wanted, host: '127.0.0.1', exclusive: true }, () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

// `wanted` or the next free one; 0 is any.
async function freePort(wanted) {
  for (let port = wanted; port < wanted + 100 && port < 65536; port++) {
    const got = await probe(port);
    if (got) return got;
  }
  throw new Error(`no free port from ${wanted} on`);
}

async function answers(chain, child) {
  for (let tries = 0; tries < 400 && child.exitCode === null && child.signalCode === null; tries++) {
    try {
      await chain.rpc('eth_chainId');
      return true;
    } catch {
      await sleep(25);
    }
  }
  return false;
}

// setpriv lets anvil die with this process, however it ends. Between the probe and anvil's own bind another process
// may take the port: then the next one is tried. With `state` the chain lives on in that file. `safe` is `slots` blocks
// behind the newest one, `finalized` twice as many.
export async function startAnvil(wanted = 0, state = '', slots = 2) {
  const keeps = state ? ['--state', state, '--preserve-historical-states'] : [];
  for (let tries = 0; tries < 5; tries++) {
    const port = await freePort(wanted);
    const child = spawn('setpriv', ['--pdeathsig', 'KILL', '--', binary, '--chain-id', '31337', '--slots-in-an-epoch', String(slots),
      '--port', String(port), '--host', '127.0.0.1', '--quiet', ...keeps], { stdio: ['ignore', 'ignore', 'inherit'] });
    let problem = null;
    child.once('error', (e) => { problem = e; });
    const chain = new Chain(`http://127.0.0.1:${port}`);
    if (await answers(chain, child)) return { chain, child, url: chain.url, stop: () => stopAnvil(child) };
    child.kill('SIGKILL');
    if (problem) throw problem;
  }
  throw new Error('anvil does not start');
}

function stopAnvil(child) {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
  return new Promise((resolve) => {
    const hard = setTimeout(() => child.kill('SIGKILL'), 5000);
    child.once('exit', () => {
      clearTimeout(hard);
      resolve();
    });
    child.kill('SIGTERM');
  });
}
