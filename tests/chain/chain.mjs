// The local chain as one process: anvil, the contracts, the deployment record, and the keeper that keeps `safe` and
// `finalized` moving. Ends, and takes anvil with it, on SIGTERM, SIGINT, SIGHUP or when its parent is gone.
import fs from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { sleep, ethers } from './lib.mjs';
import { startAnvil } from './anvil.mjs';
import { deploy } from './deploy.mjs';

const usage = `usage: node chain.mjs --dir DIR --origin HOST:PORT/log --signer 0x… --guardian 0x… [--fund 0x…,0x…]
                      [--port N] [--no-keeper] [--slots N] [--state FILE]
DIR gets chain.json, whole, once everything is in place; then "ready URL" is printed.
--port: the first port to try (default 8545, then the next free one; 0: any)
--no-keeper: mine nothing by itself
--slots: \`safe\` is that many blocks behind the newest, \`finalized\` twice as many (default 2)
--state: keep the chain in FILE, and its deployment in FILE.json; an existing one goes on`;

function options() {
  const { values } = parseArgs({
    options: {
      dir: { type: 'string' }, origin: { type: 'string' }, signer: { type: 'string' }, guardian: { type: 'string' },
      fund: { type: 'string', default: '' }, port: { type: 'string', default: '8545' },
      'no-keeper': { type: 'boolean', default: false }, state: { type: 'string', default: '' },
      slots: { type: 'string', default: '2' }, help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    console.log(usage);
    process.exit(0);
  }
  for (const name of ['dir', 'origin', 'signer', 'guardian'])
    if (!values[name]) throw new Error(`--${name} is missing`);
  const port = Number(values.port);
  if (!Number.isInteger(port) || port < 0 || port > 65535) throw new Error(`--port ${values.port}: not a port`);
  const slots = Number(values.slots);
  if (!Number.isInteger(slots) || slots < 1 || slots > 64) throw new Error(`--slots ${values.slots}: not 1 to 64`);
  const fund = values.fund.split(',').filter(Boolean);
  for (const address of [values.signer, values.guardian, ...fund])
    if (!ethers.isAddress(address)) throw new Error(`${address}: not an address`);
  return { ...values, port, slots, fund, keeper: !values['no-keeper'] };
}

function writeWhole(file, text) {
  const part = `${file}.${process.pid}`;
  fs.writeFileSync(part, text);
  fs.renameSync(part, file);
}

// Five blocks after activity carry it past `safe` (two behind) and `finalized` (four behind); one a minute otherwise.
// While a chain stays busy they come once a second, so that it does not grow by five blocks a transaction.
async function keep(chain, stopping) {
  let known = await chain.number();
  let seen = known;
  let last = Date.now();
  while (!stopping.aborted) {
    await sleep(200);
    const now = await chain.number();
    const quiet = now === seen;
    const age = Date.now() - last;
    seen = now;
    if (now !== known && (quiet || age > 1000)) await chain.rpc('anvil_mine', '0x5');
    else if (age > 60000) await chain.rpc('evm_mine');
    else continue;
    known = seen = await chain.number();
    last = Date.now();
  }
}

// What was deployed on a kept chain, or null for a new one. Deployed for others it is of no use.
function kept({ state, origin, signer, guardian }) {
  if (!state || !fs.existsSync(state) || !fs.existsSync(`${state}.json`)) return null;
  const { origin: its, record } = JSON.parse(fs.readFileSync(`${state}.json`, 'utf8'));
  if (its !== origin || record.signer !== signer.toLowerCase() || record.guardian !== guardian.toLowerCase())
    throw new Error(`${state}: a chain of another gateway`);
  return record;
}

async function place(anvil, wanted, known) {
  if (!known) return deploy(anvil.url, wanted);
  if (!known.registryCode) throw new Error(`${wanted.state}: a chain of an older kedge, start anew without it`);
  const code = await anvil.chain.rpc('eth_getCode', known.anchor, 'latest');
  if (ethers.keccak256(code) !== known.anchorCodeHash) throw new Error(`${wanted.state}: the contract is not on it`);
  return { ...known, rpc: anvil.url };
}

async function main() {
  const parent = process.ppid;
  let wanted;
  try {
    wanted = options();
  } catch (e) {
    console.error(`${e.message}\n${usage}`);
    process.exit(2);
  }
  const stopping = new AbortController();
  let anvil = null;
  const end = async (code) => {
    if (stopping.signal.aborted) return;
    stopping.abort();
    await anvil?.stop();
    process.exit(code);
  };
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP']) process.on(signal, () => end(0));
  setInterval(() => process.ppid !== parent && end(0), 500);

  try {
    fs.rmSync(path.join(wanted.dir, 'chain.json'), { force: true });
    const known = kept(wanted);
    if (wanted.state && !known) fs.rmSync(wanted.state, { force: true });
    anvil = await startAnvil(wanted.port, wanted.state, wanted.slots);
    if (stopping.signal.aborted) return anvil.stop();
    anvil.child.once('exit', () => end(1));
    const record = await place(anvil, wanted, known);
    if (wanted.state) writeWhole(`${wanted.state}.json`, JSON.stringify({ origin: wanted.origin, record }) + '\n');
    fs.mkdirSync(wanted.dir, { recursive: true });
    writeWhole(path.join(wanted.dir, 'chain.json'), JSON.stringify(record) + '\n');
    console.log(`ready ${anvil.url}`);
    if (wanted.keeper) await keep(anvil.chain, stopping.signal);
  } catch (e) {
    if (stopping.signal.aborted) return;
    console.error(`chain: ${e.message}`);
    await end(1);
  }
}

main();
