// A few agents on the local chain, playing a game: what ./up shows. Keys are made by `kedge keygen`, agents register and
// attest by `kedge`, as anybody would; only their gas is a gift of the local chain.
//   node demo.mjs --dir STATE --kedge FILE --url URL
import fs from 'node:fs';
import path from 'node:path';
import { execFile } from 'node:child_process';
import { parseArgs } from 'node:util';
import { Chain, ethers, sleep } from './lib.mjs';

const usage = 'usage: node demo.mjs --dir STATE --kedge FILE --url URL';
const NAMES = ['alice', 'bob', 'carol'];
const ROUNDS = 3;
const GIFT = '0xde0b6b3a7640000'; // 1 ether

function options() {
  const { values } = parseArgs({ options: { dir: { type: 'string' }, kedge: { type: 'string' }, url: { type: 'string' } } });
  for (const name of ['dir', 'kedge', 'url']) if (!values[name]) throw new Error(`--${name} is missing`);
  return values;
}

let wanted;

function kedge(words, input) {
  return new Promise((resolve, reject) => {
    const child = execFile(wanted.kedge, words, { env: { ...process.env, KEDGE_STATE: wanted.dir }, timeout: 30000 }, (error, stdout, stderr) =>
      (error ? reject(new Error(`kedge ${words.slice(0, 2).join(' ')}: ${stderr || error.message}`)) : resolve(stdout)));
    child.stdin.end(input);
  });
}

// An agent of a former ./up --keep is used again; to another the gas is given here.
async function meet(chain, name) {
  const folder = path.join(wanted.dir, 'agents');
  const key = path.join(folder, `${name}.key`);
  const card = path.join(folder, `${name}.json`);
  fs.mkdirSync(folder, { recursive: true, mode: 0o700 });
  if (fs.existsSync(card)) {
    const known = JSON.parse(fs.readFileSync(card, 'utf8'));
    if (await kedge(['agent', 'show', known.id]).then(() => true, () => false)) return { ...known, key };
  }
  if (!fs.existsSync(key)) await kedge(['keygen', 'agent', '--out', key]);
  const { address } = JSON.parse(await kedge(['keygen', 'agent', '--out', key, '--show', '--json']));
  await chain.cheat('anvil_setBalance', address, GIFT);
  return { name, address, key, card };
}

async function join({ name, address, key, card, id }) {
  if (id !== undefined) return { id, name, address, key };
  const got = JSON.parse(await kedge(['agent', 'register', '--key', key, '--json']));
  fs.writeFileSync(card, JSON.stringify({ id: got.agentId, name, address }) + '\n');
  return { id: got.agentId, name, address, key };
}

async function isSafe(id) {
  const shown = await kedge(['agent', 'show', id]).catch(() => null);
  return shown !== null && JSON.parse(shown).safe.exists;
}

// Who kept the oath is decided by the names and the round, so that every demo is the same game.
const keeps = (player, round) => (player.name.length + round) % 3 !== 0;

async function play(agents, game) {
  const uids = [];
  for (let round = 1; round <= ROUNDS; round++) {
    for (const [i, from] of agents.entries()) {
      const about = agents[(i + round) % agents.length === i ? (i + 1) % agents.length : (i + round) % agents.length];
      const kept = keeps(about, round);
      const attestation = {
        schemaVersion: 'attestation/v1', issuer: from.id, issuerKind: 'agent', subject: about.id,
        claim: { type: 'peer.assessment', data: { tag: kept ? 'kept-oath' : 'broke-oath' } },
        note: `${about.name} ${kept ? 'kept' : 'broke'} the oath of round ${round}`, confidence: kept ? 0.9 : 0.7, round,
        issuedAt: new Date().toISOString(),
      };
      attestation.id = ethers.id(JSON.stringify(attestation));
      const said = await kedge(['attest', '--key', from.key, '--file', '-'], JSON.stringify({ attestation, context: { game } }));
      uids.push(/^uid\s+([0-9a-f]{64})$/m.exec(said)[1]);
    }
  }
  return uids;
}

async function main() {
  const { rpc } = JSON.parse(fs.readFileSync(path.join(wanted.dir, 'chain.json'), 'utf8'));
  const chain = new Chain(rpc);
  // Gifts first: a cheat leaks into the block before it, which then has no proof, and so must not be one in which an agent changed.
  const met = [], agents = [];
  for (const name of NAMES) met.push(await meet(chain, name));
  for (const one of met) agents.push(await join(one));
  const until = Date.now() + 12000;
  for (const { id, name } of agents)
    while (!(await isSafe(id))) {
      if (Date.now() > until) throw new Error(`agent ${id} (${name}) does not become safe`);
      await sleep(100);
    }
  const game = { id: `demo-${Date.now().toString(36)}`, type: 'oathbreaker' };
  const uids = await play(agents, game);
  for (const { id, name, address } of agents) console.log(`agent ${id}  ${name.padEnd(5)}  ${address}`);
  console.log(`game ${game.id}: ${uids.length} attestations in ${ROUNDS} rounds; the last one:`);
  console.log(`uid ${uids.at(-1)}`);
  console.log(`${wanted.url}/v1/attestations/${uids.at(-1)}`);
}

try {
  wanted = options();
} catch (e) {
  console.error(`${e.message}\n${usage}`);
  process.exit(2);
}
main().catch((e) => {
  console.error(`demo: ${e.message}`);
  process.exit(1);
});
