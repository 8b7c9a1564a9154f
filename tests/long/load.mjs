// Clients that never give up: each sends signed batches and sends the same again until every item is acknowledged. What was
// acknowledged, (uid, seq, checkpoint), is the oracle of the kill runs.
import assert from 'node:assert/strict';
import http from 'node:http';
import { sleep } from '../e2e/harness.mjs';
import { claim, sign, uidOf } from '../e2e/agents.mjs';

export class Load {
  acknowledged = new Map(); // uid -> seq
  notes = new Map(); // size -> root, over every checkpoint ever seen
  retries = 0;
  #stopping = false;

  constructor(stack, reader, wallets, { clients = 3, batch = 6 } = {}) {
    Object.assign(this, { stack, reader, wallets, batch, counts: Array(clients).fill(0) });
    this.clients = this.counts.map((_, n) => this.#client(n));
    this.failed = Promise.all(this.clients).then(() => new Promise(() => {}));
    this.failed.catch(() => {});
  }

  see(note) {
    const { size, root } = this.reader.open(note);
    const known = this.notes.get(size);
    assert.ok(!known || known.equals(root), `two roots for size ${size}`);
    this.notes.set(size, root);
  }

  #acknowledge({ uid, seq, receipt }) {
    const known = this.acknowledged.get(uid);
    assert.ok(known === undefined || known === seq, `${uid} was at ${known} and is at ${seq}`);
    assert.equal(receipt.seq, seq);
    this.acknowledged.set(uid, seq);
    this.see(receipt.checkpoint);
  }

  #items(n) {
    return Array.from({ length: this.batch }, (_, i) => {
      const from = (n + i) % this.wallets.length;
      return sign(this.stack, this.wallets[from], { attestation: claim(from, (from + 1) % this.wallets.length) });
    });
  }

  async #client(n) {
    const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
    while (!this.#stopping) {
      let left = this.#items(n);
      // a client alone at times, so that single posts are killed too
      if (n === 0) left = left.slice(0, 1);
      while (left.length && !this.#stopping) left = await this.#send(left, agent, n);
    }
    agent.destroy();
  }

  // The items that are still to be sent again.
  async #send(items, agent, n) {
    const again = async () => {
      this.retries++;
      await sleep(50);
      return items;
    };
    let answer;
    try {
      answer = await this.stack.post('/v1/attestations', items.length === 1 ? items[0] : items, { agent, timeout: 20000 });
    } catch {
      return again();
    }
    if (answer.status === 503) return again();
    assert.ok([200, 201, 207].includes(answer.status), `${answer.status} ${answer.body}`);
    const results = answer.status === 207 ? answer.json().results : [answer.json()];
    assert.equal(results.length, items.length);
    const left = [];
    results.forEach((result, i) => {
      if (result.status === 200 || result.status === 201) {
        assert.equal(result.uid, uidOf(items[i]));
        this.#acknowledge(result);
        this.counts[n]++;
      } else {
        assert.equal(result.status, 503, JSON.stringify(result));
        left.push(items[i]);
      }
    });
    if (left.length) {
      this.retries++;
      await sleep(50);
    }
    return left;
  }

  // Every client got something acknowledged after this was called. Returns how long that took.
  async progress(ms = 60000) {
    const start = Date.now();
    const before = [...this.counts];
    while (!this.counts.every((count, n) => count > before[n])) {
      if (Date.now() - start > ms) throw new Error(`nothing is acknowledged any more: ${before} -> ${this.counts}`);
      await Promise.race([sleep(20), this.failed]);
    }
    return Date.now() - start;
  }

  async stop() {
    this.#stopping = true;
    await Promise.all(this.clients);
  }
}
