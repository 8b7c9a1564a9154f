// Kills every part of a running kedge under load, at random instants and inside each step of an append and of signing, and
// cuts its connections inside a step. Nothing is repaired by hand: PostgreSQL and `kedge serve` are started again as a
// service manager would. The oracle is the clients' own list. Then the same of the duties that follow the chain, while it moves and is
// reorganised: what the index holds and what the notary logged is held against the chain.
//   node kill.mjs --kedge FILE [--rounds 10] [--seed S] [--only NAME,…]      quiet, moving: all of the one part, or the other
// The build needs KEDGE_FAILPOINTS.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { alive, childrenOf, drive, kedgeBinary, sleep, until } from '../e2e/harness.mjs';
import { agentSafe, ethers, fund, registerBy } from '../e2e/agents.mjs';
import { LogReader, consistent, readLog } from '../e2e/reader.mjs';
import { Judge } from '../e2e/judge.mjs';
import { Logged } from '../e2e/logged.mjs';
import { Provider } from '../e2e/provider.mjs';
import { Chain } from '../chain/lib.mjs';
import { Lives } from './lives.mjs';
import { Load } from './load.mjs';
import { Unrest } from './unrest.mjs';

const words = process.argv.slice(2);
const option = (name, otherwise) => (words.includes(name) ? words[words.indexOf(name) + 1] : otherwise);
const rounds = Number(option('--rounds', 10));
const only = option('--only', '').split(',').filter(Boolean);

const APPEND = ['append.locked', 'append.insert', 'append.commit', 'append.committed', 'append.sign-wait', 'append.answer'];
const SIGN = ['sign.checked', 'sign.guarded', 'sign.signed', 'sign.stored'];
const PUBLISH = ['publish.commit'];
const PEOPLE = ['participants.commit', 'participants.committed', 'participants.erase', 'participants.erased'];
const NOTARY = ['notary.commit', 'notary.committed'];
const SLOTS = 5; // `safe` is so many blocks behind the newest, `finalized` twice as many
// Steps inside an open transaction, where a cut connection means "not persisted".
const OPEN = ['append.locked', 'append.insert', 'append.commit'];

const kill = (pid) => {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (e) {
    if (e.code !== 'ESRCH') throw e;
  }
};
const pick = (list) => list[Math.floor(Math.random() * list.length)];

class Kills {
  took = {};

  constructor(stack) {
    this.stack = stack;
  }

  async child(name) {
    const found = await until(`a child ${name}`, () => {
      const list = childrenOf(this.stack.gateway.pid).filter((child) => child.name === name || child.name.startsWith(`${name}/`));
      return list.length && list;
    });
    kill(pick(found).pid);
  }

  // As a service manager does: again, until it stays.
  async supervise(env = {}, wait = true) {
    const { stack } = this;
    for (let tries = 0; ; tries++) {
      await stack.serve(env, false);
      const ended = await Promise.race([stack.gateway.ended, sleep(1500)]);
      if (!ended) break;
      assert.ok(tries < 20, `kedge serve does not start: ${JSON.stringify(ended)}`);
      await sleep(200);
    }
    if (wait) await stack.ready();
  }

  async supervisor() {
    const { stack } = this;
    const orphans = childrenOf(stack.gateway.pid);
    kill(stack.gateway.pid);
    await stack.gateway.ended;
    await this.supervise();
    await until('the orphans to end', () => !orphans.some(({ pid }) => alive(pid)), 15000);
  }

  async backends() {
    return (await this.stack.sql("select pid from pg_stat_activity where usename = 'kedge_app'")).map(([pid]) => Number(pid));
  }

  async terminateBackend() {
    await this.stack.sql(`select pg_terminate_backend(${pick(await this.backends())})`);
  }

  async killBackend() {
    kill(pick(await this.backends()));
  }

  async postgres() {
    const { stack } = this;
    const place = fs.existsSync(path.join(stack.clusterDir, 'place')) ? fs.readFileSync(path.join(stack.clusterDir, 'place'), 'utf8').trim() : stack.clusterDir;
    const pid = Number(fs.readFileSync(path.join(place, 'data/postmaster.pid'), 'utf8').split('\n')[0]);
    process.kill(pid, 'SIGQUIT'); // immediate shutdown: no checkpoint, recovery at the next start
    await until('PostgreSQL to end', () => !alive(pid));
    await sleep(Math.random() * 1500);
    await until('PostgreSQL', () => stack.pg('start', stack.clusterDir).then(() => true), 60000);
  }

  // As when the power goes.
  async everything() {
    const { stack } = this;
    const pids = [stack.gateway.pid, ...childrenOf(stack.gateway.pid).map(({ pid }) => pid)];
    const database = this.postgres();
    pids.forEach(kill);
    await Promise.all([database, stack.gateway.ended]);
    await this.supervise();
  }

  async random(name, strike, times = rounds) {
    const { stack, load, lives } = this;
    const took = [];
    for (let n = 0; n < times; n++) {
      await sleep(Math.random() * 600);
      await strike();
      took.push(await load.progress());
      await lives.progress();
      await stack.ready();
    }
    this.took[name] = Math.max(...took);
    console.log(`${name}: ${times} kills, acknowledged again within ${this.took[name]} ms`);
  }

  killed() {
    return fs.readFileSync(this.stack.log('serve'), 'utf8').match(/child ended.*signal=9/g)?.length ?? 0;
  }

  // kedge runs with the failpoint until it has struck `times` times, then without.
  async failpoint(name, pass, times = 2) {
    const { stack, load } = this;
    await stack.quit();
    const before = this.killed();
    await this.supervise({ KEDGE_FAILPOINT: `${name}:kill:${pass}` }, false);
    await until(`${name} to strike at pass ${pass}`, () => this.killed() >= before + times, 60000);
    await stack.quit();
    await this.supervise();
    const took = await load.progress();
    await this.lives.progress();
    console.log(`${name}:kill:${pass}: struck ${this.killed() - before} times, acknowledged again within ${took} ms`);
  }

  // A step is held for a second; the connection whose transaction is open that long is cut meanwhile.
  async cut(name) {
    const { stack, load } = this;
    await stack.quit();
    const cut = until(`a transaction held at ${name}`, async () => {
      const got = await stack.sql(`select pg_terminate_backend(pid) from pg_stat_activity where usename = 'kedge_app'
        and xact_start < now() - interval '250 milliseconds' and wait_event = 'ClientRead'`);
      return got.length > 0;
    }, 30000, 20);
    await Promise.all([cut, this.supervise({ KEDGE_FAILPOINT: `${name}:sleep:3` }, false)]);
    const took = await load.progress();
    await stack.quit();
    await this.supervise();
    await load.progress();
    console.log(`${name}: connection cut, acknowledged again within ${took} ms`);
  }

  // Everything acknowledged against the log as it stands: read from its tiles, and from the tables.
  async judge() {
    const { stack, load } = this;
    const most = Math.max(...load.acknowledged.values(), ...this.lives.acknowledged.values(), ...[...load.notes.keys()].map((size) => size - 1));
    await until('the published log to hold all that was acknowledged', async () => {
      const { status, body } = await stack.http('/log/checkpoint');
      return status === 200 && Number(body.toString().split('\n')[1]) > most;
    });
    const log = await readLog(stack, load.reader);
    load.see(log.note);
    const uids = log.entries.map((line) => JSON.parse(line).uid);
    assert.equal(new Set(uids.filter(Boolean)).size, uids.filter(Boolean).length, 'a uid is logged once');
    for (const [uid, seq] of load.acknowledged) assert.equal(uids[seq], uid, `${uid} was acknowledged at ${seq}`);
    for (const [size, root] of load.notes) assert.ok(consistent(log, { size, root }), `the acknowledged checkpoint of size ${size}`);
    const signed = await stack.sql("select size, encode(root, 'hex'), encode(convert_to(note, 'UTF8'), 'hex') from checkpoint where size <= " + log.size);
    for (const [size, root, note] of signed) {
      load.see(Buffer.from(note, 'hex').toString('utf8'));
      assert.equal(log.tree.root(0, Number(size)).toString('hex'), root, `the signed checkpoint of size ${size}`);
    }
    for (const [size, root] of await stack.sql("select size, encode(root, 'hex') from anchor where size <= " + log.size))
      assert.equal(log.tree.root(0, Number(size)).toString('hex'), root, `the anchor of size ${size}`);
    const [[count, low, high, head]] = await stack.sql('select count(*), min(seq), max(seq), (select size from log_head) from entry');
    assert.deepEqual([Number(low), Number(high) + 1, Number(head)], [0, Number(count), Number(count)], 'no gap');
    return { size: log.size, signed: signed.length, lives: await this.lives.judge(uids) };
  }

  async anchorsGoOn(since) {
    const { stack } = this;
    return until('an anchor after the last kill', async () => {
      const [[size]] = await stack.sql('select coalesce(max(size), 0) from anchor where level >= 2');
      return Number(size) > since;
    }, 60000, 200);
  }

  wants(name, part) {
    return !only.length || only.includes(name) || only.includes(part);
  }

  // The chain only grows: whatever is acknowledged is in the log, once, for ever.
  async quiet() {
    const strikes = {
      worker: () => this.child('worker'), sign: () => this.child('sign'), follow: () => this.child('follow'),
      publish: () => this.child('publish'), anchor: () => this.child('anchor'), participants: () => this.child('participants'),
      supervisor: () => this.supervisor(),
      'terminated backend': () => this.terminateBackend(), 'killed backend': () => this.killBackend(), postgres: () => this.postgres(),
      everything: () => this.everything(),
    };
    for (const [name, strike] of Object.entries(strikes)) if (this.wants(name, 'quiet')) await this.random(name, strike);
    for (const name of [...APPEND, ...SIGN, ...PUBLISH, ...PEOPLE]) {
      if (!this.wants(name, 'quiet')) continue;
      await this.failpoint(name, 1);
      await this.failpoint(name, 2 + Math.floor(Math.random() * 5), 1);
    }
    for (const name of OPEN) if (this.wants(`cut ${name}`, 'quiet')) await this.cut(name);
    await this.load.progress();
    const middle = Math.max(...this.load.acknowledged.values());
    await this.anchorsGoOn(middle);
  }

  // The chain moves and is reorganised: facts about agents are logged once each, and the index is the chain's. Half as many kills of a part:
  // every block of it is read back for every agent.
  async moving(wallets) {
    const { stack, load } = this;
    const strikes = {
      index: () => this.child('index'), notary: () => this.child('notary'), files: () => this.child('files'),
      'moving follow': () => this.child('follow'), 'moving backend': () => this.killBackend(), 'moving postgres': () => this.postgres(),
      'moving everything': () => this.everything(),
    };
    const names = [...Object.keys(strikes), ...NOTARY, 'cut notary.commit'];
    if (!names.some((name) => this.wants(name, 'moving'))) return '';
    const logged = new Logged(stack, stack.record.rpc, load.reader);
    const judge = new Judge(stack);
    const unrest = new Unrest(stack, wallets, { seed: Number(option('--seed', Date.now() % 1000000)), slots: SLOTS });
    await unrest.prepare();
    await stack.keep(false);
    await judge.caughtUp();
    await logged.complete(Number((await stack.chain.rpc('eth_getBlockByNumber', 'finalized', false)).number));
    unrest.start();
    load.failed = Promise.race([load.failed, unrest.failed, this.lives.failed]);
    for (const [name, strike] of Object.entries(strikes)) if (this.wants(name, 'moving')) await this.random(name, strike, Math.ceil(rounds / 2));
    for (const name of NOTARY) {
      if (!this.wants(name, 'moving')) continue;
      await this.failpoint(name, 1);
      await this.failpoint(name, 2, 1);
    }
    if (this.wants('cut notary.commit', 'moving')) await this.cut('notary.commit');
    await load.progress();
    await load.stop();
    await unrest.stop(SLOTS);
    const stopped = Date.now();
    const picture = await judge.judge({ share: 0.1 });
    const final = Number((await stack.chain.rpc('eth_getBlockByNumber', 'finalized', false)).number);
    await logged.complete(final, {}, 120000);
    await logged.judge(final, { sample: 300 });
    const { identity, feedback, void: gone, proofs } = logged.compared;
    console.log(`index and log held against the chain in ${Date.now() - stopped} ms`);
    return `; ${unrest.figures()}; ${picture.last + 1} blocks and ${picture.count} agents as the oracle has them, ${identity} identity (${proofs} proved), ${feedback} feedback ` +
      `and ${gone} void entries, each once`;
  }

  async run() {
    const { stack } = this;
    const wallets = Array.from({ length: 6 }, () => ethers.Wallet.createRandom());
    await fund(stack, ...wallets.map(({ address }) => address));
    for (const wallet of wallets) await registerBy(stack, wallet);
    await agentSafe(stack, wallets.length - 1);
    this.load = new Load(stack, new LogReader((await stack.http('/log/vkey')).body.toString()), wallets);
    this.lives = new Lives(stack);
    await this.load.progress();
    await this.quiet();
    const moved = await this.moving(wallets);
    await Promise.all([this.load.stop(), this.lives.stop()]);
    const { size, signed, lives } = await this.judge();
    return `log of ${size}, ${this.load.acknowledged.size} acknowledged entries in place, ${this.load.notes.size} checkpoints seen consistent, ` +
      `${signed} signed ones with one root a size, ${this.load.retries} retries; ${lives}${moved}`;
  }
}

let node = null; // between kedge, the chain and who moves it: see provider.mjs
drive({
  kedge: kedgeBinary(), slots: SLOTS,
  settings: async (stack) => {
    node = await new Provider(stack.record.rpc).start();
    await stack.keep(false);
    stack.chain = new Chain(node.url);
    await stack.chain.rpc('evm_setAutomine', false);
    await stack.keep(true);
    return { rpc_url: node.url, participant_quota: 1000000 };
  },
}, async (stack) => {
  const figures = await new Kills(stack).run();
  await stack.quit();
  await node.stop();
  return figures;
});
