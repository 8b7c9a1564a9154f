// What a person's wallet does at a gateway, by ethers and docs/formats.md section 15 alone: messages, signatures, changes.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { ethers } from './agents.mjs';
import { messageOf, pkh, profileUrn } from '../vectors/participants.mjs';

export { pkh, profileUrn };
const iso = (ms) => new Date(ms).toISOString().replace(/\.\d+Z/, 'Z');
export const nonce = () => randomBytes(16).toString('hex');

export class People {
  constructor(stack) {
    this.stack = stack;
    this.chain = stack.record.chainId;
  }

  did(handle) {
    return `did:web:${this.stack.host.replace(':', '%3A')}:character:${handle}`;
  }

  agentDid(id) {
    return `did:web:${this.stack.host.replace(':', '%3A')}:agent:${this.chain}:${id}`;
  }

  pkh(wallet) {
    return pkh(wallet.address, this.chain);
  }

  // { wallet: { address, signMessage } } signs for `said`: verb, handle, object, controller; or another text altogether.
  async sign(wallet, said, { edit = (text) => text, now = Date.now(), life = 600000, host = this.stack.host, ...more } = {}) {
    const text = messageOf({ address: wallet.address, chain: this.chain, nonce: nonce(), issuedAt: iso(now), expirationTime: iso(now + life), ...said, ...more }, host);
    const message = edit(text);
    return { message, signature: await wallet.signMessage(message) };
  }

  post(messages, profile) {
    return this.stack.post('/v1/participants', { messages, ...(profile ? { profile } : {}) });
  }

  // What was asked for happened, and what the answer says of it.
  async done(answer, status = 201) {
    assert.equal(answer.status, status, `${answer.status} ${answer.body}`);
    return answer.json();
  }

  // Each of `wallets` signs the same.
  async change(wallets, said, profile) {
    const messages = [];
    for (const wallet of [wallets].flat()) messages.push(await this.sign(wallet, said));
    return this.done(await this.post(messages, profile));
  }

  async refused(answer, status, rule) {
    const said = answer.json();
    assert.equal(answer.status, status, `${rule}: ${answer.status} ${answer.body}`);
    assert.equal(said.rule, rule, answer.body.toString());
    assert.ok(said.next?.length > 10 && said.detail?.length > 10, `${rule} does not say what to do: ${answer.body}`);
    assert.match(answer.headers['content-type'], /application\/problem\+json/);
    return said;
  }

  async get(target, status = 200) {
    const answer = await this.stack.http(target);
    assert.equal(answer.status, status, `${target}: ${answer.status} ${answer.body}`);
    return answer.json();
  }

  document(handle, status = 200) {
    return this.get(`/character/${handle}/did.json`, status);
  }

  async resolve(handle, query = '', status = 200) {
    return this.get(`/1.0/identifiers/${this.did(handle)}${query}`, status);
  }
}

// A contract wallet (ERC-1271) that agrees to what its key signed.
export const contractWallet = (address, key) => ({ address, signMessage: (text) => key.signMessage(text) });
export { ethers };
