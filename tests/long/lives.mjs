// People who never give up: one life after the other (a handle, a link, a profile, often an end), each message sent again until it is
// acknowledged. What was acknowledged is in the log at that place, once, and the tables are what the log says.
import assert from 'node:assert/strict';
import { sleep } from '../e2e/harness.mjs';
import { People, ethers, profileUrn } from '../e2e/people.mjs';
import { changeUid } from '../vectors/participants.mjs';

const TABLES = ['participant', 'participant_account', 'participant_agent', 'participant_foreign', 'participant_message', 'handle_claimed'];

export class Lives {
  acknowledged = new Map(); // uid -> seq
  living = new Map(); // handle -> season of its profile
  ended = new Set();
  count = 0;
  retries = 0;
  #stopping = false;

  constructor(stack) {
    this.stack = stack;
    this.people = new People(stack);
    this.over = this.#live();
    this.failed = this.over.then(() => new Promise(() => {}));
    this.failed.catch(() => {});
  }

  async #change(wallet, said, profile) {
    const messages = [await this.people.sign(wallet, said, { life: 86400000 })];
    while (!this.#stopping) {
      try {
        const answer = await this.people.post(messages, profile);
        if (answer.status !== 503) {
          assert.ok([200, 201].includes(answer.status), `${answer.status} ${answer.body}`);
          // of an erasure the last entry is answered, which has a uid of its own
          if (said.verb !== 'erase') this.acknowledged.set(changeUid(messages.map(({ message }) => message)), answer.json().seq);
          this.count++;
          return true;
        }
      } catch (e) {
        if (e instanceof assert.AssertionError) throw e;
      }
      this.retries++;
      await sleep(50);
    }
    return false;
  }

  async #live() {
    for (let n = 0; !this.#stopping; n++) {
      const wallet = ethers.Wallet.createRandom();
      const handle = `life-${n}`;
      const profile = { schema: 'coordination-games/enrollment@1.0', season: n };
      if (!(await this.#change(wallet, { verb: 'claim', handle }))) return;
      if (!(await this.#change(wallet, { verb: 'link', handle, object: 'did:web:example.com' }))) return;
      if (!(await this.#change(wallet, { verb: 'profile', handle, object: profileUrn(profile) }, profile))) return;
      if (n % 2 === 0) this.living.set(handle, n);
      else if (await this.#change(wallet, { verb: 'erase', handle })) this.ended.add(handle);
    }
  }

  async progress(ms = 60000) {
    const [start, before] = [Date.now(), this.count];
    while (this.count === before) {
      if (Date.now() - start > ms) throw new Error('no participant is changed any more');
      await Promise.race([sleep(20), this.failed]);
    }
    return Date.now() - start;
  }

  async #dump() {
    const all = {};
    for (const table of TABLES) all[table] = (await this.stack.sql(`select t::text from ${table} t order by 1`)).flat();
    return all;
  }

  async stop() {
    this.#stopping = true;
    await this.over;
  }

  async judge(uids) {
    for (const [uid, seq] of this.acknowledged) assert.equal(uids[seq], uid, `${uid} was acknowledged at ${seq}`);
    const before = await this.#dump();
    await this.stack.cli(['participant', 'rebuild']);
    assert.deepEqual(await this.#dump(), before);
    for (const [handle, season] of [...this.living].slice(-50)) assert.equal((await this.people.document(handle)).coordinationGames.season, season);
    for (const handle of [...this.ended].slice(-50)) await this.people.document(handle, 410);
    const [[payloads]] = await this.stack.sql("select count(*) from payload join entry e using (seq) where kind in ('alias', 'link') and not exists (select from participant p where p.key = e.subject)");
    assert.equal(payloads, '0', 'payloads of people who are gone');
    return `${this.count} changes of ${this.living.size + this.ended.size} people, each once`;
  }
}
