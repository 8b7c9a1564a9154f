// Other people's DID clients against a kedge behind its TLS front: node clients.mjs --kedge FILE [PART …]
// Makes a world of agents, then runs each part in a process of its own, which trusts the front's certificate as an operator would
// say it (NODE_EXTRA_CA_CERTS) and reads the world from a file. A new kind of document is a line in shapes.mjs.
import fs from 'node:fs';
import path from 'node:path';
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { drive, kedgeBinary } from '../e2e/harness.mjs';
import { REGISTRY2 } from '../chain/lib.mjs';
import { build } from './world.mjs';

const here = path.dirname(fileURLToPath(import.meta.url));
const parts = ['web', 'universal', 'pkh', 'tokens', 'linked', 'integrity', 'suite'];
const asked = process.argv.slice(2).filter((word) => parts.includes(word));

function run(part, env) {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [path.join(here, `${part}.mjs`)], { env, stdio: ['ignore', 'inherit', 'inherit'] });
    child.once('exit', (code, signal) => resolve(code ?? signal));
  });
}

const settings = (stack) => ({ workers: 2, participant_quota: 10, registries: `${stack.record.chainId}:${REGISTRY2}:0` });

drive({ kedge: kedgeBinary(), tls: true, settings }, async (stack) => {
  const file = path.join(stack.state, 'world.json');
  fs.writeFileSync(file, JSON.stringify(await build(stack), null, 1));
  const env = { ...stack.env, NODE_EXTRA_CA_CERTS: stack.front.certificate, KEDGE_WORLD: file };
  const failed = [];
  for (const part of asked.length ? asked : parts) if ((await run(part, env)) !== 0) failed.push(part);
  if (failed.length) throw new Error(`failed: ${failed.join(', ')}`);
});
