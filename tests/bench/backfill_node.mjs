// A JSON-RPC provider that knows one thing, quickly: a chain whose registry logged EVENTS events in the recorded shapes (anvil's
// logs of the official registry: facts in ../shared/facts/erc8004.md §7). Headers hash to their hashes, blooms are true, and
// Multicall3 answers from the state the events led to. Nothing in it is slow, so that what is measured is whoever asks.
//   node backfill_node.mjs --events N [--blocks PER_EVENT] [--range MOST] [--latency MS]
// --range: longer ranges are refused in the words of Base's public endpoint. Prints URL, last block, bytes of logs, agents and the
// registry's code hash; GET / lists the ranges answered since the last look.
import http from 'node:http';
import { ethers, REGISTRY, MULTICALL } from '../chain/lib.mjs';

const words = process.argv.slice(2);
const option = (name, otherwise) => Number(words.includes(name) ? words[words.indexOf(name) + 1] : otherwise);
const EVENTS = option('--events', 50000);
const LATENCY = option('--latency', 0);
const SPREAD = option('--blocks', 2);
const RANGE = option('--range', Infinity);
const QUIET = 1200; // blocks at the end without events: what is taken block by block is not measured
const LAST = SPREAD * EVENTS + QUIET;
const GENESIS = 1767225600;
export const CODE = '0x6001600155';

const hex = (n) => '0x' + n.toString(16);
const word = (n) => BigInt(n).toString(16).padStart(64, '0');
const pad = (bytes) => bytes.padEnd(Math.ceil(bytes.length / 64) * 64, '0');
const TOPIC = Object.fromEntries(['Transfer(address,address,uint256)', 'Registered(uint256,string,address)', 'URIUpdated(uint256,string,address)',
  'MetadataSet(uint256,string,string,bytes)'].map((text) => [text.split('(')[0], ethers.id(text)]));
const WALLET_KEY = Buffer.from('agentWallet').toString('hex');
const WALLET_HASH = ethers.id('agentWallet');

// Small, fast and the same every time.
let seed = 8004;
function dice(n) {
  seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
  return Math.floor((seed / 4294967296) * n);
}

const ADDRESSES = Array.from({ length: 4096 }, (_, i) => ethers.keccak256(ethers.toBeHex(i + 1, 32)).slice(26));

// ---- events ----

const agents = []; // { owner, wallet, uri } as hex without 0x
const logs = []; // [block, topics, data, index, tx]
const uriOf = (id, n) => Buffer.from(`https://agents.example.org/${id}/registration-${n}.json?v=${'x'.repeat(dice(60))}`).toString('hex');
const textData = (text) => word(32) + word(text.length / 2) + pad(text);
const walletData = (value) => word(64) + word(128) + word(11) + pad(WALLET_KEY) + word(value.length / 2) + pad(value);

const topicOf = (address) => '0x' + address.padStart(64, '0');
const idTopic = (id) => '0x' + word(id);
const metadata = (id, value) => [[TOPIC.MetadataSet, idTopic(id), WALLET_HASH], walletData(value)];

function moves(n) {
  const kind = agents.length < 8 ? 0 : dice(10);
  if (kind < 4) {
    const id = agents.length;
    const owner = ADDRESSES[dice(4096)];
    agents.push({ owner, wallet: owner, uri: uriOf(id, 0) });
    return [[[TOPIC.Transfer, topicOf(''), topicOf(owner), idTopic(id)], ''],
      [[TOPIC.Registered, idTopic(id), topicOf(owner)], textData(agents[id].uri)], metadata(id, owner)];
  }
  const id = dice(agents.length);
  const agent = agents[id];
  if (kind < 6) {
    agent.uri = uriOf(id, n);
    return [[[TOPIC.URIUpdated, idTopic(id), topicOf(agent.owner)], textData(agent.uri)]];
  }
  if (kind < 9) {
    agent.wallet = ADDRESSES[dice(4096)];
    return [metadata(id, agent.wallet)];
  }
  const from = agent.owner;
  agent.owner = ADDRESSES[dice(4096)];
  agent.wallet = '';
  return [metadata(id, ''), [[TOPIC.Transfer, topicOf(from), topicOf(agent.owner), idTopic(id)], '']];
}

const perBlock = new Map(); // block -> its logs
for (let n = 0; n < EVENTS;) {
  const block = 1 + Math.floor((n / EVENTS) * (SPREAD * EVENTS - 1));
  const tx = ethers.keccak256(ethers.toBeHex(n + 1, 32));
  for (const [topics, data] of moves(n)) {
    if (!perBlock.has(block)) perBlock.set(block, []);
    const list = perBlock.get(block);
    list.push({ topics, data, index: list.length, tx });
    n++;
  }
}

// ---- headers ----

const bits = new Map();
function addTo(bloom, item) {
  let at = bits.get(item);
  if (!at) {
    const hash = Buffer.from(ethers.keccak256(item).slice(2), 'hex');
    at = [0, 2, 4].map((i) => hash.readUInt16BE(i) & 2047);
    bits.set(item, at);
  }
  for (const bit of at) bloom[255 - (bit >> 3)] |= 1 << (bit & 7);
}

const ZERO32 = '0x' + '0'.repeat(64);
const headers = new Map(); // number -> { fields, hash }, made when asked for
const numbers = new Map(); // hash -> number
const quantity = (n) => (n === 0 ? '0x' : ethers.toBeHex(n));

// Only the last blocks are linked, which is what a reader can tell: of the others it never sees two neighbours.
function header(number) {
  const found = headers.get(number);
  if (found) return found;
  const bloom = Buffer.alloc(256);
  for (const { topics } of perBlock.get(number) ?? []) {
    addTo(bloom, REGISTRY);
    for (const topic of topics) addTo(bloom, topic);
  }
  const parent = number > LAST - QUIET ? header(number - 1).hash : '0x' + word(number);
  const fields = [parent, ZERO32, '0x' + '0'.repeat(40), ethers.toBeHex(number, 32), ZERO32, ZERO32, '0x' + bloom.toString('hex'), '0x',
    quantity(number), quantity(30000000), quantity(21000), quantity(GENESIS + 2 * number), '0x', ZERO32, '0x0000000000000000', quantity(1000000)];
  const made = { fields, hash: ethers.keccak256(ethers.encodeRlp(fields)) };
  headers.set(number, made);
  numbers.set(made.hash, number);
  return made;
}

for (let number = LAST - QUIET; number <= LAST; number++) header(number);

function block(number, full) {
  if (number > LAST) return null;
  if (number === undefined || number < 0) return null;
  const { fields: f, hash: own32 } = header(number);
  const zero = (text) => (text === '0x' ? '0x0' : hex(BigInt(text)));
  const own = perBlock.get(number) ?? [];
  const hashesOfTx = [...new Set(own.map(({ tx }) => tx))];
  return {
    number: hex(number), hash: own32, parentHash: f[0], sha3Uncles: f[1], miner: f[2], stateRoot: f[3], transactionsRoot: f[4],
    receiptsRoot: f[5], logsBloom: f[6], difficulty: '0x0', gasLimit: zero(f[9]), gasUsed: zero(f[10]), timestamp: zero(f[11]), extraData: '0x',
    mixHash: ZERO32, nonce: f[14], baseFeePerGas: zero(f[15]), size: '0x300', totalDifficulty: '0x0', uncles: [],
    transactions: full ? hashesOfTx.map((hash, i) => ({
      hash, type: '0x2', chainId: '0x7a69', nonce: '0x1', blockHash: own32, blockNumber: hex(number), transactionIndex: hex(i),
      from: '0x' + ADDRESSES[0], to: REGISTRY.toLowerCase(), value: '0x0', gas: '0x30d40', gasPrice: '0x1', maxFeePerGas: '0x1',
      maxPriorityFeePerGas: '0x1', input: '0x', r: ZERO32, s: ZERO32, v: '0x0', yParity: '0x0', accessList: [],
    })) : hashesOfTx,
  };
}

// ---- logs: one text, of which every answer is a piece ----

const texts = [];
const blocks = [...perBlock.keys()]; // ascending
const starts = []; // of each one's first log in the text
let length = 0;
for (const number of blocks) {
  starts.push(length);
  const { hash } = header(number);
  for (const { topics, data, index, tx } of perBlock.get(number)) {
    const text = JSON.stringify({ address: REGISTRY.toLowerCase(), topics, data: '0x' + data, blockHash: hash, blockNumber: hex(number),
      blockTimestamp: hex(GENESIS + 2 * number), transactionHash: tx, transactionIndex: '0x0', logIndex: hex(index), removed: false }) + ',';
    texts.push(text);
    length += text.length;
  }
}
starts.push(length);
const whole = Buffer.from(texts.join(''), 'latin1');
texts.length = 0;

// The first of blocks that is not before `number`.
function placeOf(number) {
  let low = 0;
  for (let high = blocks.length; low < high;) {
    const middle = (low + high) >> 1;
    if (blocks[middle] < number) low = middle + 1;
    else high = middle;
  }
  return low;
}

const asked = [];
function getLogs({ fromBlock, toBlock, blockHash, topics }) {
  const from = blockHash ? numbers.get(blockHash) : Number(fromBlock);
  const to = blockHash ? from : Math.min(Number(toBlock), LAST);
  if (to - from + 1 > RANGE) return null;
  if (!blockHash) asked.push(`${from} ${to}`);
  const piece = whole.subarray(starts[placeOf(from)], starts[placeOf(to + 1)]);
  const trimmed = piece.subarray(0, Math.max(piece.length - 1, 0));
  const first = topics?.[0];
  if (Array.isArray(first) ? first.length >= 4 : !first) return Buffer.concat([Buffer.from('['), trimmed, Buffer.from(']')]);
  return Buffer.from(JSON.stringify(JSON.parse(`[${trimmed}]`).filter((log) => [first].flat().includes(log.topics[0]))));
}

// ---- states ----

const NONE = (id) => [false, '7e273289' + word(id)];
function read(selector, id) {
  const agent = id < BigInt(agents.length) ? agents[Number(id)] : null;
  if (selector === '00339509') return [true, word('0x' + (agent?.wallet || '0'))];
  if (!agent) return NONE(id);
  return selector === '6352211e' ? [true, word('0x' + agent.owner)] : [true, textData(agent.uri)];
}

// aggregate3 of calls that are all selector and id: every element has the same size.
function aggregate(data) {
  const body = data.slice(10);
  const count = Number('0x' + body.slice(64, 128));
  const elements = [];
  for (let i = 0; i < count; i++) {
    const at = 128 + count * 64 + i * 384 + 256;
    const [success, bytes] = read(body.slice(at, at + 8), BigInt('0x' + body.slice(at + 8, at + 72)));
    elements.push(word(success ? 1 : 0) + word(64) + word(bytes.length / 2) + pad(bytes));
  }
  let at = count * 32;
  const offsets = elements.map((text) => { const mine = word(at); at += text.length / 2; return mine; });
  return '0x' + word(32) + word(count) + offsets.join('') + elements.join('');
}

const TAGS = { latest: LAST, safe: LAST - 30, finalized: LAST - 60, earliest: 0 };
const numberOf = (text) => (text in TAGS ? TAGS[text] : Number(text));

function answer({ method, params = [] }) {
  switch (method) {
    case 'eth_chainId': return '"0x7a69"';
    case 'net_version': return '"31337"';
    case 'eth_blockNumber': return JSON.stringify(hex(LAST));
    case 'eth_getLogs': return getLogs(params[0]);
    case 'eth_getBlockByNumber': return JSON.stringify(block(numberOf(params[0]), params[1]));
    case 'eth_getBlockByHash': return JSON.stringify(block(numbers.get(params[0]), params[1]));
    case 'eth_getCode': return JSON.stringify(CODE);
    case 'eth_getStorageAt': return JSON.stringify(ZERO32);
    case 'eth_call':
      return params[0].to.toLowerCase() === MULTICALL.toLowerCase() ? JSON.stringify(aggregate(params[0].data ?? params[0].input)) : '"0x"';
    default: return null;
  }
}

function respond(request, response, text) {
  if (request.method === 'GET') {
    response.end(asked.splice(0).join('\n') + '\n');
    return;
  }
  const call = JSON.parse(text);
  const parts = [];
  for (const one of [].concat(call)) {
    const result = answer(one);
    parts.push(Buffer.from(`${parts.length ? ',' : ''}{"jsonrpc":"2.0","id":${JSON.stringify(one.id)},`));
    const error = one.method === 'eth_getLogs' ? { code: -32000, message: 'block range too large' } : { code: -32601, message: `the method ${one.method} does not exist` };
    parts.push(Buffer.from(result === null ? `"error":${JSON.stringify(error)}` : '"result":'));
    if (result !== null) parts.push(Buffer.from(result));
    parts.push(Buffer.from('}'));
  }
  const body = Array.isArray(call) ? Buffer.concat([Buffer.from('['), ...parts, Buffer.from(']')]) : Buffer.concat(parts);
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': body.length });
  response.end(body);
}

const server = http.createServer((request, response) => {
  const parts = [];
  request.on('data', (part) => parts.push(part));
  request.on('end', () => {
    const go = () => respond(request, response, Buffer.concat(parts).toString('utf8'));
    if (LATENCY) setTimeout(go, LATENCY);
    else go();
  });
});
server.keepAliveTimeout = 60000;
server.listen(0, '127.0.0.1', () => {
  console.log(`http://127.0.0.1:${server.address().port} ${LAST} ${whole.length} ${agents.length} ${ethers.keccak256(CODE)}`);
});
