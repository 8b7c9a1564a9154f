// What the client is tried on: an agent that changes, and what the log says of it.
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { until } from '../e2e/harness.mjs';
import { agentSafe, changeWallet, claim, ethers, fund, registerBy, sign } from '../e2e/agents.mjs';
import { root } from '../chain/lib.mjs';

// did-resolver is among other people's clients.
const packages = createRequire(path.join(root, 'tests/clients/package.json'));
export const { Resolver } = await import(pathToFileURL(packages.resolve('did-resolver')));

export class World {
  constructor(stack) {
    this.stack = stack;
    [this.owner, this.first, this.second] = Array.from({ length: 3 }, () => ethers.Wallet.createRandom());
  }

  async events() {
    const rows = await this.stack.sql("SELECT seq, line FROM entry WHERE kind = 'identity' ORDER BY seq");
    return rows.map(([seq, line]) => ({ seq: Number(seq), entry: JSON.parse(line) }));
  }

  // An agent that the log knows, its wallet set once and changed once, all of it logged.
  async prepare() {
    const { stack } = this;
    await fund(stack, this.owner.address);
    const { id } = await registerBy(stack, this.owner, 'https://a.example/agent.json');
    const { id: subject } = await registerBy(stack, this.owner);
    this.id = Number(id);
    this.did = `did:web:localhost%3A${stack.port}:agent:${stack.record.chainId}:${id}`;
    await agentSafe(stack, subject);
    const item = sign(stack, this.owner, { attestation: claim(this.id, Number(subject)) });
    await until('the attestation is taken', async () => (await stack.post('/v1/attestations', item)).status === 201);
    await this.logged(1); // who it is when the log comes to know it
    this.block = await changeWallet(stack, this.owner, this.id, this.first);
    await this.logged(2);
    this.moved = await changeWallet(stack, this.owner, this.id, this.second);
    await this.logged(3);
    await until('the change is safe', async () => {
      const { safe, latest } = (await stack.http(`/v1/agents/${this.id}`)).json();
      return [safe, latest].every(({ wallet }) => wallet === this.second.address);
    });
    const then = (await stack.http(`/v1/agents/${this.id}?at=${this.block}`)).json();
    this.time = then.at.time;
    this.marker = (await this.events()).at(-1).seq;
  }

  // Until so many identities of the agent are in the log.
  logged(n) {
    return until(`${n} identities`, async () => (await this.events()).filter(({ entry }) => entry.subject.endsWith(`/${this.id}`)).length >= n);
  }

  async change() {
    await changeWallet(this.stack, this.owner, this.id, ethers.Wallet.createRandom());
    await until('it is logged', async () => (await this.events()).at(-1).seq > this.marker);
  }
}

// Every identity of the log up to the last one given, once and in order, and as the log has it.
export async function judgeEvents(world, events) {
  const wanted = await world.events();
  assert.ok(wanted.length >= 4);
  assert.deepEqual(events.map(({ seq, entry }) => ({ seq, entry })), wanted.slice(0, events.length));
  assert.ok(events.at(-1).seq > world.marker);
  for (const { id, seq, kind, at, subject, did, versionId, entry } of events) {
    assert.deepEqual([id, kind, at, subject], [seq + 1, 'identity', entry.at, entry.subject]);
    assert.equal(versionId, String(entry.block.number));
    assert.equal(did, `did:web:localhost%3A${world.stack.port}:agent:${world.stack.record.chainId}:${subject.split('/').at(-1)}`);
  }
  // the version an event names is the document it speaks of
  const { entry, did, versionId } = events.at(-2);
  const { didDocument } = (await world.stack.http(`/1.0/identifiers/${encodeURIComponent(did)}?versionId=${versionId}`)).json();
  assert.equal(didDocument.controller.split(':').at(-1).toLowerCase(), entry.owner);
}
