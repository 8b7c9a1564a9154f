// What the chain scripts and the contract tests share: JSON-RPC over fetch, transactions from keys or from anvil's
// unlocked accounts, the committed artefacts. ethers is used for encoding and signatures only; other folders get it
// from here, because node looks for packages beside the importing file.
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import * as ethers from 'ethers';

export { ethers };
export const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');
export const REGISTRY = '0x8004A169FB4a3325136EB29fA0ceB6D2e539a432';
export const REGISTRY2 = '0x8004A818BFB912233c491871b3d84c89A494BD9e'; // where testnets have it: another registry of the same chain here
export const REPUTATION = '0x8004BAa17C55a88189AE136b182e5fdA19dE9b63';
export const MULTICALL = '0xcA11bde05977b3631167028862bE2a173976CA11';
export const IMPLEMENTATION_SLOT = '0x360894a13ba1a3210667c828492db98dca3e2076cc3735a920a3ca505d382bbc';

export const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
export const hexNumber = (n) => '0x' + BigInt(n).toString(16);

export function artefact(file) {
  const body = JSON.parse(fs.readFileSync(path.join(root, file), 'utf8'));
  return { ...body, face: new ethers.Interface(body.abi) };
}

export class RpcError extends Error {
  constructor(method, error) {
    super(`${method}: ${error.message}`);
    this.code = error.code;
    this.data = error.data;
  }
}

export class Chain {
  #next = 1;

  constructor(url) {
    this.url = url;
  }

  async rpc(method, ...params) {
    const answer = await fetch(this.url, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ jsonrpc: '2.0', id: this.#next++, method, params }),
      signal: AbortSignal.timeout(30000),
    });
    const { result, error } = await answer.json();
    if (error) throw new RpcError(method, error);
    return result;
  }

  // A cheat leaks into the state of the block before it until the next one is mined.
  async cheat(method, ...params) {
    await this.rpc(method, ...params);
    await this.rpc('evm_mine');
  }

  async number() {
    return Number(await this.rpc('eth_blockNumber'));
  }

  async time() {
    return Number((await this.rpc('eth_getBlockByNumber', 'latest', false)).timestamp);
  }

  async receipt(hash) {
    for (let tries = 0; tries < 600; tries++) {
      const found = await this.rpc('eth_getTransactionReceipt', hash);
      if (found) return found;
      await sleep(10);
    }
    throw new Error(`no receipt for ${hash}`);
  }

  // From an unlocked account. Returns the receipt, whatever its status.
  async send(from, to, data, more = {}) {
    const tx = { from, data, gas: '0xf00000', ...more };
    if (to) tx.to = to;
    return this.receipt(await this.rpc('eth_sendTransaction', tx));
  }

  // The same, and a failed transaction throws.
  async must(from, to, data, more = {}) {
    const got = await this.send(from, to, data, more);
    if (got.status !== '0x1') throw new Error(`transaction to ${to ?? 'create'} failed`);
    return got;
  }

  // Signed here by an ethers wallet, for accounts the node does not hold.
  async sendSigned(wallet, to, data, gasLimit = 3000000n) {
    const [nonce, price, chainId] = await Promise.all([
      this.rpc('eth_getTransactionCount', wallet.address, 'pending'),
      this.rpc('eth_gasPrice'),
      this.rpc('eth_chainId'),
    ]);
    const raw = await wallet.signTransaction({
      type: 2, chainId: BigInt(chainId), nonce: Number(nonce), to, data, gasLimit,
      maxFeePerGas: BigInt(price) * 2n, maxPriorityFeePerGas: 1000000n,
    });
    return this.receipt(await this.rpc('eth_sendRawTransaction', raw));
  }

  async deploy(from, { face, bytecode }, args = []) {
    const got = await this.must(from, null, bytecode + face.encodeDeploy(args).slice(2));
    return { address: ethers.getAddress(got.contractAddress), block: Number(got.blockNumber), gas: Number(got.gasUsed) };
  }

  // One view of a contract; the decoded values, unwrapped when there is one.
  async view(to, face, name, args = [], block = 'latest', overrides = undefined) {
    const call = { to, data: face.encodeFunctionData(name, args) };
    const answer = await this.rpc('eth_call', call, block, ...(overrides ? [overrides] : []));
    const values = face.decodeFunctionResult(name, answer);
    return values.length === 1 ? values[0] : values;
  }

  // What a call is refused with: the text of a require, the name of an error, '' without a word; null if it is not refused.
  async refusal(from, to, face, name, args) {
    try {
      await this.rpc('eth_call', { from, to, data: face.encodeFunctionData(name, args) }, 'latest');
      return null;
    } catch (e) {
      if (!(e instanceof RpcError) || e.code !== 3) throw e;
      if (!e.data || e.data === '0x') return '';
      const parsed = face.parseError(e.data);
      return parsed.name === 'Error' ? parsed.args[0] : parsed.name;
    }
  }
}
