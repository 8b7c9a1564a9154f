// What the registry really held, read from the node by calls of its own: no line of kedge takes part. For every block and
// every agent owner, wallet and URI as `eth_call` gives them at that block; the history that must follow from it; and the
// registry's logs. Addresses are lower case, a URI is bytes, a missing agent is null.
//   node oracle.mjs --rpc URL [--registry 0x…]   holds the calls against the storage itself, and prints how many agreed
import assert from 'node:assert/strict';
import { pathToFileURL } from 'node:url';
import { REGISTRY, ethers } from '../chain/lib.mjs';

const OWNER_OF = '0x6352211e';
const TOKEN_URI = '0xc87b56dd';
const GET_WALLET = '0x00339509';
const NO_TOKEN = '0x7e273289'; // ERC721NonexistentToken
const ZERO = '0x' + '0'.repeat(40);
const BATCH = 300;

const word = (n) => BigInt(n).toString(16).padStart(64, '0');
const quantity = (n) => '0x' + n.toString(16);

// Many calls in few requests: [{ result } | { error }], in the order asked.
export async function ask(url, calls) {
  const answers = [];
  for (let from = 0; from < calls.length; from += BATCH) {
    const part = calls.slice(from, from + BATCH).map(([method, ...params], id) => ({ jsonrpc: '2.0', id, method, params }));
    const got = await (await fetch(url, {
      method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(part), signal: AbortSignal.timeout(60000),
    })).json();
    assert.equal(got.length, part.length);
    got.sort((a, b) => a.id - b.id);
    answers.push(...got);
  }
  return answers;
}

function needed({ result, error }, what) {
  assert.ok(error === undefined && result !== null && result !== undefined, `${what}: ${error?.message ?? 'nothing'}`);
  return result;
}

// One ABI `bytes` or `string`, as bytes: texts need not be UTF-8.
function bytesOf(answer) {
  const whole = Buffer.from(answer.slice(2), 'hex');
  assert.equal(BigInt('0x' + whole.subarray(0, 32).toString('hex')), 32n);
  const length = Number(BigInt('0x' + whole.subarray(32, 64).toString('hex')));
  assert.ok(64 + length <= whole.length);
  return whole.subarray(64, 64 + length);
}

function addressOf(answer) {
  assert.match(answer, /^0x0{24}[0-9a-f]{40}$/i);
  return '0x' + answer.slice(26).toLowerCase();
}

const sameState = (a, b) => a === b || (a !== null && b !== null && a.owner === b.owner && a.wallet === b.wallet && a.uri.equals(b.uri));

function differences(before, now) {
  if (before === null) return ['registered'];
  return [before.owner !== now.owner && 'owner', before.wallet !== now.wallet && 'wallet', !before.uri.equals(now.uri) && 'uri'].filter(Boolean);
}

export class Oracle {
  #byHash = new Map(); // block hash -> states, index = agent id

  constructor(url, registry = REGISTRY) {
    this.url = url;
    this.registry = registry;
    this.calls = 0;
  }

  async rpc(...call) {
    const [answer] = await ask(this.url, [call]);
    return needed(answer, call[0]);
  }

  // Blocks first..last as they are now: [{ number, hash, parent, time }].
  async headers(first, last) {
    const calls = [];
    for (let n = first; n <= last; n++) calls.push(['eth_getBlockByNumber', quantity(n), false]);
    return (await ask(this.url, calls)).map((answer, i) => {
      const b = needed(answer, `block ${first + i}`);
      return { number: Number(b.number), hash: b.hash, parent: b.parentHash, time: Number(b.timestamp) };
    });
  }

  // States of agents 0, 1, … at a block, up to the first that does not exist.
  async #read(number, likely) {
    const states = [];
    for (let width = likely + 3; ; width = 16) {
      const start = states.length;
      const calls = [];
      for (let id = start; id < start + width; id++)
        for (const selector of [OWNER_OF, GET_WALLET, TOKEN_URI])
          calls.push(['eth_call', { to: this.registry, data: selector + word(id) }, quantity(number)]);
      this.calls += calls.length;
      const got = await ask(this.url, calls);
      for (let i = 0; i < width; i++) {
        const [owner, wallet, uri] = got.slice(i * 3, i * 3 + 3);
        if (owner.error || owner.result === '0x') {
          // the registry may not be there yet: then a call gives "0x"
          assert.ok(owner.result === '0x' || (owner.error.code === 3 && owner.error.data?.startsWith(NO_TOKEN)), JSON.stringify(owner));
          return states;
        }
        const key = addressOf(needed(wallet, 'getAgentWallet'));
        states.push({ owner: addressOf(owner.result), wallet: key === ZERO ? null : key, uri: Buffer.from(bytesOf(needed(uri, 'tokenURI'))) });
      }
    }
  }

  // Reads first..last, what is known of the same block excepted. The chain must stand still meanwhile.
  async read(first, last) {
    const headers = await this.headers(first, last);
    headers.forEach((h, i) => assert.ok(i === 0 || h.parent === headers[i - 1].hash, `block ${h.number} follows the one before`));
    let likely = 0;
    for (const { number, hash } of headers) {
      if (!this.#byHash.has(hash)) this.#byHash.set(hash, await this.#read(number, likely));
      likely = this.#byHash.get(hash).length;
    }
    const again = await this.headers(last, last);
    assert.equal(again[0].hash, headers.at(-1).hash, 'the chain moved while it was read');
    return new Picture(headers, headers.map(({ hash }) => this.#byHash.get(hash)));
  }

  // The registry's logs of first..last, as the node has them.
  logs(first, last) {
    return this.rpc('eth_getLogs', { address: this.registry, fromBlock: quantity(first), toBlock: quantity(last) });
  }

  // The same states another way: from the storage slots, pinned by the block's hash.
  async fromStorage(hash, count) {
    const plus = (base, n) => '0x' + word(BigInt(base) + BigInt(n));
    const H = (key, base) => ethers.keccak256('0x' + word(key) + base.slice(2));
    const I = '0xa040f782729de4970518741823ec1276cbcd41a0c7493f62d173341566a04e00';
    const E = '0x80bb2b638cc20bc4d0a60d66940f3ab4a00c1d7b313497ca82fb0b4ab0079300';
    const U = '0x0542a41881ee128a365a727b282c86fa859579490b9bb45aab8503648c8e7900';
    const walletSlot = (id) => ethers.keccak256(ethers.concat([ethers.toUtf8Bytes('agentWallet'), H(id, plus(I, 1))]));
    const slots = [I];
    for (let id = 0; id < count; id++) slots.push(H(id, plus(E, 2)), walletSlot(id), H(id, U));
    const at = async (list) => (await ask(this.url, list.map((slot) => ['eth_getStorageAt', this.registry, slot, { blockHash: hash }])))
      .map((answer) => needed(answer, 'storage').padEnd(66, '0'));
    const [next, ...words] = await at(slots);
    assert.equal(Number(BigInt(next)), count, 'the number of agents');
    const states = [];
    for (let id = 0; id < count; id++) {
      const [owner, wallet, head] = words.slice(id * 3, id * 3 + 3);
      let uri = Buffer.from(head.slice(2), 'hex');
      if (uri[31] & 1) {
        const length = Number((BigInt(head) - 1n) / 2n);
        const start = ethers.keccak256(H(id, U));
        const parts = await at(Array.from({ length: Math.ceil(length / 32) }, (_, i) => plus(start, i)));
        uri = Buffer.from(parts.map((p) => p.slice(2)).join(''), 'hex').subarray(0, length);
      } else {
        uri = uri.subarray(0, uri[31] / 2);
      }
      const short = Buffer.from(wallet.slice(2), 'hex');
      assert.ok(BigInt(wallet) === 0n || short[31] === 40, 'a wallet is 20 bytes');
      states.push({ owner: '0x' + owner.slice(26).toLowerCase(), wallet: BigInt(wallet) === 0n ? null : '0x' + short.subarray(0, 20).toString('hex'), uri });
    }
    return states;
  }
}

// What was read of a run of blocks.
export class Picture {
  #histories = new Map();

  constructor(headers, states) {
    this.headers = headers;
    this.states = states;
    this.first = headers[0].number;
    this.last = headers.at(-1).number;
  }

  get count() {
    return this.states.at(-1).length;
  }

  // The same, ending earlier.
  upTo(last) {
    const n = last - this.first + 1;
    return n === this.headers.length ? this : new Picture(this.headers.slice(0, n), this.states.slice(0, n));
  }

  header(number) {
    return this.headers[number - this.first];
  }

  at(id, number) {
    return this.states[number - this.first][id] ?? null;
  }

  // [{ block, changed, …state }], oldest first: the blocks at whose end the state differs from that at the end of the one before.
  history(id) {
    let found = this.#histories.get(id);
    if (!found) {
      found = [];
      let before = null;
      for (const header of this.headers) {
        const now = this.at(id, header.number);
        assert.ok(now !== null || before === null, `agent ${id} is gone at ${header.number}`);
        if (!sameState(before, now)) found.push({ block: header, changed: differences(before, now), ...now });
        before = now;
      }
      this.#histories.set(id, found);
    }
    return found;
  }

  // The row of the history in force at `number`, and the one after it: [row | null, row | null].
  inForce(id, number) {
    const rows = this.history(id);
    const after = rows.findIndex(({ block }) => block.number > number);
    const next = after < 0 ? rows.length : after;
    return [rows[next - 1] ?? null, rows[next] ?? null];
  }
}

async function main(words) {
  const option = (name, otherwise) => (words.includes(name) ? words[words.indexOf(name) + 1] : otherwise);
  const oracle = new Oracle(option('--rpc', 'http://127.0.0.1:8545'), option('--registry', REGISTRY));
  const last = Number(await oracle.rpc('eth_blockNumber'));
  const picture = await oracle.read(0, last);
  const compared = await compareWithStorage(oracle, picture);
  const changes = Array.from({ length: picture.count }, (_, id) => picture.history(id).length).reduce((a, b) => a + b, 0);
  console.log(`${last + 1} blocks, ${picture.count} agents, ${changes} changes; ${compared} states agree with the storage`);
}

// How many states of `picture` the storage was compared with; every `step`th block.
export async function compareWithStorage(oracle, picture, step = 1) {
  let compared = 0;
  for (let n = picture.first; n <= picture.last; n += step) {
    const states = picture.states[n - picture.first];
    if (states.length === 0) continue;
    assert.deepEqual(await oracle.fromStorage(picture.header(n).hash, states.length), states, `block ${n}`);
    compared += states.length;
  }
  return compared;
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) await main(process.argv.slice(2));
