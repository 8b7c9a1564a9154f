// A JSON-RPC provider that lies or fails as it is told, in front of an honest node. It speaks as geth, reth, Base, Infura,
// Alchemy and Coinbase were seen to; texts recorded from a node are read from ../shared where that is present.
import fs from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import { ethers, root } from '../chain/lib.mjs';

const recorded = path.join(root, '../shared/vectors/erc8004-rpc');

// Error objects of recorded answers to eth_getLogs and eth_call, deduplicated; [] without the folder.
export function recordedErrors() {
  if (!fs.existsSync(recorded)) return [];
  const found = new Map();
  const visit = (value) => {
    if (Array.isArray(value)) value.forEach(visit);
    else if (value && typeof value === 'object') {
      if (value.error && typeof value.error === 'object' && Number.isInteger(value.error.code))
        found.set(`${value.error.code} ${value.error.message}`.slice(0, 80), value.error);
      Object.values(value).forEach(visit);
    }
  };
  for (const name of fs.readdirSync(recorded).filter((file) => /^\d\d-.*\.json$/.test(file)))
    visit(JSON.parse(fs.readFileSync(path.join(recorded, name), 'utf8')));
  return [...found.values()];
}

const span = ({ fromBlock, toBlock }) => (toBlock === undefined || fromBlock === undefined ? 1 : Number(toBlock) - Number(fromBlock) + 1);
const isLogs = (call) => call.method === 'eth_getLogs';
const fail = (code, message, data) => ({ error: { code, message, ...(data === undefined ? {} : { data }) } });

// Wrong only where it is easy to overlook: one bit in the middle.
function flipped(hex) {
  const at = 2 + Math.floor((hex.length - 2) / 2);
  return hex.slice(0, at) + (parseInt(hex[at], 16) ^ 1).toString(16) + hex.slice(at + 1);
}

const each = (change) => async (call, answer) => (answer.result === undefined || answer.result === null ? null : change(call, answer.result));
const ofMethod = (method, change) => each((call, result) => (call.method === method ? change(result, call) : null));
const tooLong = (most, code, text) => async (call) => (isLogs(call) && span(call.params[0]) > most ? fail(code, text(call.params[0])) : null);

// ---- faults: `answer` changes one answer of a batch (null: leaves it), `http` what the whole request gets ----

const body = (status, text, headers = {}) => async (request, response) => {
  response.writeHead(status, { 'content-type': 'application/json', ...headers });
  response.end(text);
};

export const faults = {
  // lies about logs
  'no logs where there are some': { answer: ofMethod('eth_getLogs', () => ({ result: [] })) },
  'every second log is missing': { answer: ofMethod('eth_getLogs', (logs) => ({ result: logs.filter((_, i) => i % 2) })) },
  'transfers left out beside other logs': {
    answer: ofMethod('eth_getLogs', (logs) => {
      const kept = logs.filter(({ topics }) => topics[0] !== ethers.id('Transfer(address,address,uint256)') || /^0x0+$/.test(topics[1]));
      return { result: kept.length ? kept : logs };
    }),
  },
  'transfers that a pruned node leaves out': {
    // the state at the end of a backfill is one that it does not keep any more
    answer: async (call, answer, state) => {
      if (call.method === 'eth_getBlockByNumber' && answer.result) (state.seen ??= new Map()).set(answer.result.hash, Number(answer.result.number));
      const hash = ['eth_call', 'eth_getProof'].includes(call.method) && call.params.at(-1)?.blockHash;
      if (hash && !(state.seen?.get(hash) > Number(state.frozen.latest) - 128)) return fail(-32000, 'missing trie node 6666 (path ) state 0x66 is not available');
      return isLogs(call) && call.params[0].fromBlock && answer.result
        ? { result: answer.result.filter(({ topics }) => topics[0] !== ethers.id('Transfer(address,address,uint256)') || /^0x0+$/.test(topics[1])) } : null;
    },
  },
  'wallets of other values': {
    // what no bloom says: the data; of one who is asked alone it is seen in nothing else
    alone: false,
    answer: ofMethod('eth_getLogs', (logs) => ({ result: logs.map((log) => (log.data.endsWith('0000000000000000000000000000000000000000000000000000000000000014' + log.data.slice(-64)) ? { ...log, data: log.data.slice(0, -64) + '66'.repeat(20) + '00'.repeat(12) } : log)) })),
  },
  'logs of another block': {
    answer: ofMethod('eth_getLogs', (logs) => ({ result: logs.map((log) => ({ ...log, blockHash: flipped(log.blockHash) })) })),
  },
  'logs of another contract': {
    answer: ofMethod('eth_getLogs', (logs) => ({ result: logs.map((log) => ({ ...log, address: '0x' + '66'.repeat(20) })) })),
  },
  'a transfer that never was': {
    answer: ofMethod('eth_getLogs', (logs) => ({
      result: logs.flatMap((log) => (log.topics[0] === ethers.id('Transfer(address,address,uint256)')
        ? [log, { ...log, logIndex: '0x7f', topics: [log.topics[0], log.topics[2], '0x' + '66'.repeat(20).padStart(64, '0'), log.topics[3]] }] : [log])),
    })),
  },
  'logs at places that no block has': {
    answer: ofMethod('eth_getLogs', (logs) => ({ result: logs.map((log) => ({ ...log, logIndex: ethers.toQuantity(0x80000000 + Number(log.logIndex)) })) })),
  },
  'logs that cannot be read': {
    answer: ofMethod('eth_getLogs', (logs) => ({ result: logs.map((log) => (log.data === '0x' ? { ...log, data: '0x' + '00'.repeat(32) } : log)) })),
  },
  // lies about state
  'a proof with one wrong bit': {
    answer: ofMethod('eth_getProof', (proof) => ({ result: { ...proof, accountProof: proof.accountProof.map((node, i) => (i ? node : flipped(node))) } })),
  },
  'a storage proof with one wrong bit': {
    answer: ofMethod('eth_getProof', (proof) => ({
      result: { ...proof, storageProof: proof.storageProof.map((item) => ({ ...item, proof: item.proof.map((node, i, all) => (i === all.length - 1 ? flipped(node) : node)) })) },
    })),
  },
  'a proved value that is another': {
    answer: ofMethod('eth_getProof', (proof) => ({ result: { ...proof, storageProof: proof.storageProof.map((item) => ({ ...item, value: '0x' + '66'.repeat(20) })) } })),
  },
  'the proof of another block': {
    call: (call) => (call.method === 'eth_getProof' ? { ...call, params: [call.params[0], call.params[1], 'earliest'] } : call),
  },
  'no proof at all': { answer: ofMethod('eth_getProof', (proof) => ({ result: { ...proof, accountProof: [], storageProof: [] } })) },
  'proofs only of the newest block': {
    answer: async (call) => (call.method === 'eth_getProof' && call.params[2] !== 'latest' ? fail(-32602, 'distance to target block exceeds maximum proof window') : null),
  },
  'another owner, with the true proof': {
    // who is asked for a state and nothing else (a direct read, tier "rpc") can only be believed; what is stored must not be its
    alone: false, watch: false,
    // single calls and Multicall3 alike: the addresses of the agents' owners are replaced where they stand
    answer: async (call, answer, state) => (call.method === 'eth_call' && typeof answer.result === 'string' && state.owner
      ? { result: answer.result.replaceAll(state.owner.slice(2).toLowerCase(), '66'.repeat(20)) } : null),
  },
  '"0x" where there is a contract': { answer: ofMethod('eth_call', () => ({ result: '0x' })) },
  // lies about the chain
  'another chain id': { answer: async (call) => (call.method === 'eth_chainId' ? { result: '0x1' } : null) },
  'a head that stands still': {
    call: (call, state) => (call.method === 'eth_getBlockByNumber' && ['latest', 'safe', 'finalized'].includes(call.params[0]) && state.frozen?.[call.params[0]]
      ? { ...call, params: [state.frozen[call.params[0]], call.params[1]] } : call),
  },
  'a head that jumps back every second time': {
    call: (call, state) => (call.method === 'eth_getBlockByNumber' && call.params[0] === 'latest' && state.frozen && (state.turn = !state.turn)
      ? { ...call, params: [state.frozen.latest, call.params[1]] } : call),
  },
  'a header that does not hash to its hash': {
    answer: each((call, result) => (call.method.startsWith('eth_getBlockBy') ? { result: { ...result, stateRoot: flipped(result.stateRoot) } } : null)),
  },
  'a header without its bloom bits': {
    answer: each((call, result) => (call.method.startsWith('eth_getBlockBy') ? { result: { ...result, logsBloom: '0x' + '00'.repeat(256) } }
      : isLogs(call) ? { result: [] } : null)),
  },
  'a header of a fork that nobody knows': {
    answer: each((call, result) => (call.method.startsWith('eth_getBlockBy') && result.number !== '0x0'
      ? { result: { ...result, timestamp: ethers.toQuantity(Number(result.timestamp) + 100000), unknownRoot: '0x1' } }
      : isLogs(call) ? { result: result.map(({ blockTimestamp, ...log }) => log) } : null)),
  },
  'a header with a time that is too wide': {
    answer: each((call, result) => (call.method === 'eth_getBlockByNumber' && /^0x/.test(call.params[0]) ? { result: { ...result, timestamp: '0x10000000000000000' } } : null)),
  },
  'a block of another number': {
    answer: each((call, result) => (call.method === 'eth_getBlockByNumber' && /^0x/.test(call.params[0]) ? { result: { ...result, number: ethers.toQuantity(Number(result.number) + 1) } } : null)),
  },
  // refusals in providers' own words
  'Infura: range exceeds limit': { backfill: true, answer: tooLong(100, -32602, (asked) => `range ${span(asked)} exceeds limit of 100`) },
  'Base: block range too large': { backfill: true, answer: tooLong(200, -32000, () => 'block range too large') },
  'reth: query exceeds max results': {
    backfill: true,
    answer: async (call, answer) => (isLogs(call) && answer.result?.length > 4 && span(call.params[0]) > 1
      ? fail(-32602, `query exceeds max results 4, retry with the range ${Number(call.params[0].fromBlock)}-${Number(call.params[0].fromBlock) + Math.floor(span(call.params[0]) / 2) - 1}`) : null),
  },
  'Coinbase: please limit the query': { backfill: true, answer: tooLong(50, -32602, () => 'please limit the query to at most 50 blocks') },
  'Alchemy: response size exceeded': {
    backfill: true,
    answer: tooLong(300, -32602, ({ fromBlock }) => `Log response size exceeded. You can make eth_getLogs requests with up to a 2K block range and no limit on the response size, or you can request any block range with a cap of 10K logs in the response. Based on your parameters and the response size limit, this block range should work: [${fromBlock}, ${ethers.toQuantity(Number(fromBlock) + 299)}]`),
  },
  'HTTP 413 for a long range': {
    backfill: true,
    http: async (request, response, forward) => {
      if (request.calls.some((call) => isLogs(call) && span(call.params[0]) > 128)) return body(413, '{"error":"too large"}')(request, response);
      return forward();
    },
  },
  '-32005 limit exceeded': { answer: async (call) => (call.method === 'eth_chainId' ? null : fail(-32005, 'limit exceeded')) },
  'geth: missing trie node': { answer: async (call) => (['eth_call', 'eth_getProof'].includes(call.method) ? fail(-32000, 'missing trie node 6666 (path ) state 0x66 is not available') : null) },
  'geth: header not found': { answer: async (call) => (['eth_call', 'eth_getLogs', 'eth_getProof'].includes(call.method) ? fail(-32000, 'header not found') : null) },
  '\\u0000 in a message': {
    answer: async (call) => (['eth_call', 'eth_getLogs'].includes(call.method)
      ? fail(-32603, 'internal\u0000\u0001\u001f error \u0000'.repeat(20)) : null),
  },
  // failing transports
  'HTTP 429': { http: body(429, '{"jsonrpc":"2.0","id":null,"error":{"code":429,"message":"Too Many Requests"}}') },
  'HTTP 429 with Retry-After': { http: body(429, 'slow down', { 'retry-after': '1', 'content-type': 'text/plain' }) },
  'HTTP 429 with Retry-After of a year': { http: body(429, '', { 'retry-after': '31536000' }) },
  'HTTP 503 in HTML': { http: body(503, '<html><body>503 Service Unavailable</body></html>', { 'content-type': 'text/html' }) },
  'HTTP 200 in HTML': { http: body(200, '<html>please log in</html>', { 'content-type': 'text/html' }) },
  'half a JSON': {
    http: async (request, response, forward) => {
      const text = await forward(true);
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': text.length });
      response.write(text.slice(0, text.length >> 1));
      setTimeout(() => response.destroy(), 20);
    },
  },
  'half a JSON with a whole length': {
    http: async (request, response, forward) => {
      const text = await forward(true);
      return body(200, text.slice(0, text.length >> 1))(request, response);
    },
  },
  '50 MB': {
    http: async (request, response) => {
      response.writeHead(200, { 'content-type': 'application/json' });
      const part = Buffer.alloc(1 << 20, 0x20);
      response.on('error', () => {});
      let left = 50;
      const more = () => {
        while (left > 0 && !response.destroyed) {
          left--;
          if (!response.write(part)) return response.once('drain', more);
        }
        response.end('[]');
      };
      more();
    },
  },
  'never an answer': { http: async () => {} },
  'a byte a second': {
    http: async (request, response, forward) => {
      const text = await forward(true);
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': text.length });
      let at = 0;
      const timer = setInterval(() => (response.destroyed || at >= text.length ? clearInterval(timer) : response.write(text[at++])), 1000);
    },
  },
  'the connection closed at once': { http: async (request, response) => response.socket.destroy() },
  'the same key twice': {
    http: async (request, response, forward) => {
      // a reader that takes the last one takes the lie
      const twice = [].concat(JSON.parse(await forward(true))).map((answer) => `${JSON.stringify(answer).slice(0, -1)},"result":"0x${'66'.repeat(20).padStart(64, '0')}"}`);
      return body(200, request.calls.length > 1 || request.batch ? `[${twice}]` : twice[0])(request, response);
    },
  },
  'answers under wrong ids': {
    http: async (request, response, forward) => {
      const got = JSON.parse(await forward(true));
      if (!Array.isArray(got) || got.length < 2) return body(200, JSON.stringify(Array.isArray(got) ? got.map((a) => ({ ...a, id: 77 })) : { ...got, id: 77 }))(request, response);
      return body(200, JSON.stringify(got.map((answer, i) => ({ ...answer, id: 100000 + i }))))(request, response);
    },
  },
  'one answer for many': {
    http: async (request, response, forward) => {
      const got = JSON.parse(await forward(true));
      return body(200, JSON.stringify(Array.isArray(got) ? got.slice(0, 1).map((a) => ({ ...a, id: 'x' })) : { jsonrpc: '2.0' }))(request, response);
    },
  },
  'null for everything': { answer: async (call) => (call.method === 'eth_chainId' ? null : { result: null }) },
  'results of other types': { answer: async (call) => (call.method === 'eth_chainId' ? null : { result: call.method === 'eth_call' ? 7 : { a: [] } }) },
  'arrays 5,000 deep': { http: body(200, '['.repeat(5000) + ']'.repeat(5000)) },
};

const MINING = new Set(['evm_mine', 'anvil_mine', 'anvil_reorg', 'anvil_rollback']);

// anvil 1.7.1 reads a block it is asked for by hash from its newest state while that block is the newest one: with the next one
// being mined meanwhile the answer is of that one (1,075 of 10,628 calls when tried). No node of a public chain does so; here
// reading and mining take turns.
class Gate {
  #inside = 0;
  #alone = false;
  #waiting = [];

  async pass(alone, work) {
    while (this.#alone || (alone ? this.#inside > 0 : this.#waiting.some((w) => w.alone))) await new Promise((resolve) => this.#waiting.push({ alone, resolve }));
    if (alone) this.#alone = true;
    else this.#inside++;
    try {
      return await work();
    } finally {
      if (alone) this.#alone = false;
      else this.#inside--;
      const woken = this.#waiting;
      this.#waiting = [];
      // who mines goes first, or a busy reader would keep it out
      for (const { resolve } of woken.sort((a, b) => b.alone - a.alone)) resolve();
    }
  }
}

export class Provider {
  #server;
  #gate = new Gate();
  #fault = null;
  state = {};
  calls = 0; // under the present fault
  total = 0; // since the start

  constructor(honest) {
    this.honest = honest;
  }

  async start() {
    this.#server = http.createServer((request, response) => this.#serve(request, response).catch((e) => {
      if (!response.headersSent) response.writeHead(500);
      response.end(String(e));
    }));
    await new Promise((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    this.url = `http://127.0.0.1:${this.#server.address().port}`;
    return this;
  }

  stop() {
    this.#server.closeAllConnections();
    return new Promise((resolve) => this.#server.close(resolve));
  }

  // null: honest again
  behave(name, state = {}) {
    this.#fault = name === null ? null : (typeof name === 'string' ? faults[name] : name);
    if (name !== null && !this.#fault) throw new Error(`no fault ${name}`);
    this.state = state;
    this.calls = 0;
    if (name === null) this.#server.closeAllConnections(); // what hangs is over
  }

  #forward(text, alone) {
    return this.#gate.pass(alone, async () => {
      const answer = await fetch(this.honest, { method: 'POST', headers: { 'content-type': 'application/json' }, body: text, signal: AbortSignal.timeout(60000) });
      return answer.text();
    });
  }

  async #answers(calls, fault) {
    const asked = fault.call ? calls.map((call) => fault.call(call, this.state)) : calls;
    const got = [].concat(JSON.parse(await this.#forward(JSON.stringify(asked))));
    if (!fault.answer) return got;
    const byId = new Map(got.map((answer) => [answer.id, answer]));
    return Promise.all(calls.map(async (call) => {
      const changed = await fault.answer(call, byId.get(call.id) ?? {}, this.state);
      return changed ? { jsonrpc: '2.0', id: call.id, ...changed } : byId.get(call.id);
    }));
  }

  async #serve(request, response) {
    const parts = [];
    for await (const part of request) parts.push(part);
    const text = Buffer.concat(parts).toString('utf8');
    const parsed = JSON.parse(text);
    const calls = [].concat(parsed);
    this.total += calls.length;
    this.calls += calls.length;
    const fault = this.#fault;
    const send = (whole) => {
      response.writeHead(200, { 'content-type': 'application/json' });
      response.end(whole);
    };
    if (!fault) return send(await this.#forward(text, calls.some(({ method }) => MINING.has(method))));
    if (fault.http) {
      // forward(): the honest answer goes out; forward(true): its text
      const forward = async (only) => {
        const whole = await this.#forward(text);
        return only ? whole : send(whole);
      };
      return fault.http({ calls, batch: Array.isArray(parsed) }, response, forward);
    }
    const answers = await this.#answers(calls, fault);
    return send(JSON.stringify(Array.isArray(parsed) ? answers : answers[0]));
  }
}
