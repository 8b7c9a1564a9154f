// An agent whose wallet was rotated a hundred times, resolved as of random blocks: kedge from its index, and ethr-did-resolver
// walking as many changes of an EthereumDIDRegistry on the same chain, in one run. The node is 50 ms away for both; kedge's way
// to it is counted, and what it asks on behalf of a resolution must be nothing.
//   node asof.mjs --kedge FILE [--rotations N] [--requests N] [--delay MS]
import fs from 'node:fs';
import assert from 'node:assert/strict';
import net from 'node:net';
import { createRequire } from 'node:module';
import { drive, kedgeBinary, sleep, until } from '../e2e/harness.mjs';
import { ethers, fund, registerBy, changeWallet } from '../e2e/agents.mjs';
import { Judge } from '../e2e/judge.mjs';
import { Provider } from '../e2e/provider.mjs';

const peers = createRequire(new URL('./npm/package.json', import.meta.url));
const peerFile = (name) => JSON.parse(fs.readFileSync(new URL(`./npm/node_modules/${name}`, import.meta.url), 'utf8'));
const kedge = kedgeBinary();
const words = process.argv.slice(2);
const option = (name, otherwise) => Number(words.includes(name) ? words[words.indexOf(name) + 1] : otherwise);
const rotations = option('--rotations', 100);
const requests = option('--requests', 4000);
const delay = option('--delay', 50);

const percentile = (sorted, p) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * p))];
const ms = (n) => `${n < 10 ? n.toFixed(3) : n.toFixed(0)} ms`;
const between = (first, last) => first + Math.floor(Math.random() * (last - first + 1));

// A node far away, that counts what it is asked.
class FarNode extends Provider {
  methods = {};

  constructor(honest, wait) {
    super(honest);
    this.behave({
      http: async ({ calls }, response, forward) => {
        for (const { method } of calls) this.methods[method] = (this.methods[method] ?? 0) + 1;
        await sleep(wait);
        return forward();
      },
    });
  }

  // How often each method was asked since the last look.
  look() {
    const seen = this.methods;
    this.methods = {};
    return seen;
  }
}

// What was asked but the heads, which the follower looks at for ever.
const reads = (methods) => Object.keys(methods).filter((name) => name !== 'eth_chainId' && name !== 'eth_getBlockByNumber');

// One connection, one request after the other, without the weight of node's HTTP client.
class Line {
  #waiting = null;
  #bytes = Buffer.alloc(0);

  static async open(port, host) {
    const line = new Line();
    line.host = host;
    line.socket = net.connect({ port, host: '127.0.0.1', noDelay: true });
    line.socket.on('data', (part) => line.#take(part));
    await new Promise((resolve, reject) => { line.socket.once('connect', resolve); line.socket.once('error', reject); });
    return line;
  }

  #take(part) {
    this.#bytes = this.#bytes.length ? Buffer.concat([this.#bytes, part]) : part;
    const head = this.#bytes.indexOf('\r\n\r\n');
    if (head < 0) return;
    const length = Number(/content-length: *(\d+)/i.exec(this.#bytes.latin1Slice(0, head))[1]);
    if (this.#bytes.length < head + 4 + length) return;
    const whole = this.#bytes;
    this.#bytes = Buffer.alloc(0);
    this.#waiting({ status: Number(whole.latin1Slice(9, 12)), body: whole.subarray(head + 4) });
  }

  get(target) {
    return new Promise((resolve) => {
      this.#waiting = resolve;
      this.socket.write(`GET ${target} HTTP/1.1\r\nHost: ${this.host}\r\nAccept: application/did-resolution\r\n\r\n`);
    });
  }
}

// Milliseconds of `n` runs of `work`, sorted.
async function timed(n, work) {
  const took = [];
  for (let i = 0; i < n; i++) {
    const start = process.hrtime.bigint();
    await work(i);
    took.push(Number(process.hrtime.bigint() - start) / 1e6);
  }
  return took.sort((a, b) => a - b);
}

// ---- kedge ----

async function rotate(stack) {
  const owner = ethers.Wallet.createRandom();
  await fund(stack, owner.address);
  const { id, block } = await registerBy(stack, owner, 'https://agent.example/registration.json');
  const epochs = [{ block, wallet: owner.address }];
  for (let n = 0; n < rotations; n++) {
    const wallet = ethers.Wallet.createRandom();
    epochs.push({ block: await changeWallet(stack, owner, id, wallet), wallet: wallet.address });
  }
  await stack.chain.rpc('anvil_mine', '0x10');
  return { id, epochs, last: await stack.chain.number() };
}

async function measureKedge(stack, node, { id, epochs, last }) {
  const line = await Line.open(stack.port, stack.host);
  const did = `did:web:${stack.host.replace(':', '%3A')}:agent:${stack.record.chainId}:${id}`;
  const walletAt = (n) => epochs.findLast(({ block }) => block <= n).wallet;
  const ways = {
    '/1.0/identifiers/{did}?versionId=N': [(n) => `/1.0/identifiers/${did}?versionId=${n}`, (text, wallet) => text.includes(wallet)],
    '/v1/agents/{id}?at=N': [(n) => `/v1/agents/${id}?at=${n}`, (text, wallet) => JSON.parse(text).wallet === wallet],
  };
  let best = null;
  for (const [name, [target, right]] of Object.entries(ways)) {
    for (let i = 0; i < 200; i++) await line.get(target(between(epochs[0].block, last))); // every worker has seen it
    node.look();
    const idle = Date.now();
    const took = await timed(requests, async () => {
      const n = between(epochs[0].block, last);
      const { status, body } = await line.get(target(n));
      assert.equal(status, 200, `${n}: ${body}`);
      assert.ok(right(body.toString('utf8'), walletAt(n)), `the wallet of block ${n} is in the answer: ${body}`);
    });
    const seconds = (Date.now() - idle) / 1000;
    const asked = node.look();
    await sleep(seconds * 1000);
    const { eth_getBlockByNumber: quiet = 0 } = node.look();
    const { eth_getBlockByNumber: heads = 0 } = asked;
    assert.deepEqual(reads(asked), [], 'resolving asked the node');
    const p50 = percentile(took, 0.5);
    console.log(`kedge ${name}: ${requests} resolutions as of random blocks, p50 ${ms(p50)}, p99 ${ms(percentile(took, 0.99))}; ` +
      `0 calls to the node (but for the follower's own look at its heads: ${heads} meanwhile, ${quiet} in as long a time without a request)`);
    best = Math.max(best ?? 0, p50);
  }
  line.socket.destroy();
  return best; // the slower of the two ways
}

// ---- ethr-did-resolver ----

async function measureEthr(stack) {
  const { Resolver } = peers('did-resolver');
  const { getResolver } = peers('ethr-did-resolver');
  const { abi, bytecode } = peerFile('ethr-did-registry/artifacts/contracts/EthereumDIDRegistry.sol/EthereumDIDRegistry.json');
  const theirs = peers('ethers');
  const face = new ethers.Interface(abi);
  const [deployer] = await stack.chain.rpc('eth_accounts');
  const { address } = await stack.chain.deploy(deployer, { face, bytecode });
  const identity = ethers.Wallet.createRandom();
  await fund(stack, identity.address);
  const epochs = [];
  const type = ethers.encodeBytes32String('veriKey');
  for (let n = 0; n < rotations; n++) {
    const wallet = ethers.Wallet.createRandom().address;
    const got = await stack.chain.sendSigned(identity, address, face.encodeFunctionData('addDelegate', [identity.address, type, wallet, 10 ** 9]));
    assert.equal(got.status, '0x1');
    epochs.push({ block: Number(got.blockNumber), wallet });
  }
  const last = await stack.chain.number();
  const figures = {};
  for (const [name, wait, times] of [[`a node ${delay} ms away`, delay, 6], ['the node beside it', 0, 20]]) {
    const node = await new FarNode(stack.record.rpc, wait).start();
    const provider = new theirs.JsonRpcProvider(node.url, 31337, { staticNetwork: true });
    const resolver = new Resolver(getResolver({ networks: [{ name: 'local', chainId: 31337, provider, registry: address }] }));
    const took = await timed(times, async () => {
      const n = between(epochs[0].block, last);
      const { didDocument, didResolutionMetadata } = await resolver.resolve(`did:ethr:local:${identity.address}?versionId=${n}`);
      assert.ok(!didResolutionMetadata.error, JSON.stringify(didResolutionMetadata));
      const text = JSON.stringify(didDocument);
      for (const { block, wallet } of epochs) assert.equal(text.includes(wallet), block <= n, `delegate of block ${block} at ${n}`);
    });
    const asked = Object.values(node.look()).reduce((a, b) => a + b, 0);
    figures[wait] = percentile(took, 0.5);
    console.log(`ethr-did-resolver ${peerFile('ethr-did-resolver/package.json').version}, ${name}: ${times} resolutions, p50 ${ms(figures[wait])}, ` +
      `most ${ms(took.at(-1))}; ${Math.round(asked / times)} calls to the node each`);
    provider.destroy();
    await node.stop();
  }
  return figures;
}

let node = null;
await drive({
  kedge, slots: 2,
  settings: async (stack) => {
    node = await new FarNode(stack.record.rpc, delay).start();
    return { rpc_url: node.url, anchor_contract: '', follow_ms: 1000 };
  },
}, async (stack) => {
  await stack.keep(false);
  const agent = await rotate(stack);
  await new Judge(stack).caughtUp();
  await until('every worker at the tip', async () => (await stack.http(`/v1/agents/${agent.id}?at=${agent.last}`)).status === 200);
  await until('the index has taken the proofs of its last changes', async () => {
    node.look();
    await sleep(2000);
    return reads(node.look()).length === 0;
  }, 120000);
  const ours = await measureKedge(stack, node, agent);
  const theirs = await measureEthr(stack);
  await node.stop();
  return `${rotations} changes each; as of a block kedge answers ${Math.round(theirs[delay] / ours)} times as fast as ethr-did-resolver with a node ${delay} ms away, ` +
    `${Math.round(theirs[0] / ours)} times with the node beside it`;
});
