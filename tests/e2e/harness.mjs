// A whole kedge for a test: private PostgreSQL, local chain, fresh keys, `kedge serve`, all on free ports and in one
// temporary folder. stop() ends everything and fails when a process, a port or a sanitizer's report is left behind.
import fs from 'node:fs';
import http from 'node:http';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { Chain, root, sleep } from '../chain/lib.mjs';
import { Front } from './tls.mjs';

export { Front, sleep };

const cluster = path.join(root, 'tests/pg/cluster.sh');
const chainScript = path.join(root, 'tests/chain/chain.mjs');
const PSQL = '/usr/lib/postgresql/15/bin/psql';
const REPORT = /ERROR: (Address|Leak|UndefinedBehavior)Sanitizer|runtime error:|SUMMARY: \w+Sanitizer/;

export const FAST = { publish_ms: 200, anchor_ms: 500, follow_ms: 100, head_age_s: 0 };

// A port that nobody listens on, below those the kernel hands out for outgoing connections.
export async function freePort() {
  for (;;) {
    const port = 10000 + Math.floor(Math.random() * 22000);
    const free = await new Promise((resolve) => {
      const server = net.createServer();
      server.once('error', () => resolve(false));
      server.listen({ port, host: '127.0.0.1', exclusive: true }, () => server.close(() => resolve(true)));
    });
    if (free) return port;
  }
}

const listens = (port) => new Promise((resolve) => {
  const socket = net.connect({ port, host: '127.0.0.1' });
  socket.once('connect', () => { socket.destroy(); resolve(true); });
  socket.once('error', () => resolve(false));
});

// Whatever it did: { code, stdout, stderr }, code null when a signal ended it.
export function run(file, args, options = {}) {
  const { input, ...more } = options;
  return new Promise((resolve) => {
    const child = execFile(file, args, { maxBuffer: 64 << 20, timeout: 90000, ...more }, (error, stdout, stderr) =>
      resolve({ code: error ? (typeof error.code === 'number' ? error.code : null) : 0, stdout, stderr: stderr || (error?.message ?? '') }));
    child.stdin?.on('error', () => {});
    child.stdin?.end(input);
  });
}

// Asks again until it holds; what `probe` gives is returned. It may throw or give something false meanwhile; an assertion
// that fails is the end.
export async function until(what, probe, ms = 30000, step = 50) {
  const end = Date.now() + ms;
  let last = null;
  for (;;) {
    try {
      const got = await probe();
      if (got) return got;
      last = null;
    } catch (e) {
      if (e.code === 'ERR_ASSERTION') throw e;
      last = e;
    }
    if (Date.now() > end) throw new Error(`not within ${ms} ms: ${what}${last ? `: ${last.message}` : ''}`);
    await sleep(step);
  }
}

// As until(), but `times` answers in a row must hold: each worker learns of new blocks by itself.
export function settled(what, probe, ms = 30000, times = 12) {
  let streak = 0;
  return until(what, async () => {
    streak = (await probe()) ? streak + 1 : 0;
    return streak >= times;
  }, ms, 20);
}

function readOr(file, otherwise) {
  try {
    return fs.readFileSync(file, 'utf8');
  } catch {
    return otherwise;
  }
}

// Children of a process with the names the supervisor gave them: [{ pid, name }].
export function childrenOf(pid) {
  return readOr(`/proc/${pid}/task/${pid}/children`, '').split(' ').filter(Boolean)
    .map((child) => ({ pid: Number(child), name: readOr(`/proc/${child}/comm`, '').trim() })).filter(({ name }) => name);
}

export const alive = (pid) => !['', 'Z', 'X'].includes(readOr(`/proc/${pid}/stat`, '').replace(/^.*\) /s, '').slice(0, 1));

export class Stack {
  #keeping = false;
  #mining = Promise.resolve();
  #stopped = false;
  processes = [];

  // settings: lines of kedge.ini over FAST, or a function of the stack once its chain is there; env: more variables for
  // `kedge serve`; quota: KEDGE_OPEN_QUOTA; slots: `safe` is that many blocks behind the newest, `finalized` twice as many;
  // tls: nginx is in front, and the public URL is https
  constructor({ kedge, settings = {}, env = {}, quota = 1000000, slots = 2, tls = false } = {}) {
    this.kedge = path.resolve(kedge);
    this.tls = tls;
    this.settings = settings;
    this.more = env;
    this.slots = slots;
    this.state = fs.mkdtempSync(path.join(os.tmpdir(), 'kedge-e2e-'));
    this.clusterDir = path.join(this.state, 'cluster');
    this.logs = path.join(this.state, 'logs');
    this.san = path.join(this.state, 'san');
    for (const folder of [this.logs, this.san, path.join(this.state, 'run')]) fs.mkdirSync(folder, { mode: 0o700 });
    const logged = `log_path=${this.san}/report:abort_on_error=1:print_stacktrace=1`;
    this.env = {
      PATH: process.env.PATH, HOME: this.state, LC_ALL: 'C.UTF-8', KEDGE_STATE: this.state, KEDGE_OPEN_QUOTA: String(quota),
      ASAN_OPTIONS: `${logged}:detect_leaks=1`, UBSAN_OPTIONS: `${logged}:halt_on_error=1`,
      LSAN_OPTIONS: 'exitcode=23',
    };
  }

  static async start(options) {
    const stack = new Stack(options);
    for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP']) process.once(signal, () => { stack.#slay(); process.exit(1); });
    stack.#watch();
    try {
      await stack.prepare();
      await stack.serve();
      await stack.front?.start();
      return stack;
    } catch (e) {
      await stack.fail(e);
      throw e;
    }
  }

  log(name) {
    return path.join(this.logs, `${name}.log`);
  }

  spawn(name, file, args, env = this.env) {
    const out = fs.openSync(this.log(name), 'a');
    const child = spawn(file, args, { stdio: ['ignore', out, out], env });
    fs.closeSync(out);
    child.ended = new Promise((resolve) => child.once('exit', (code, signal) => resolve({ code, signal })));
    child.on('error', (e) => fs.appendFileSync(this.log(name), `${e.message}\n`));
    this.processes.push(child);
    return child;
  }

  // `kedge WORDS…`; `code` is what it must end with, null for "whatever".
  async cli(words, { code = 0, input, env = {} } = {}) {
    const got = await run(this.kedge, words.map(String), { env: { ...this.env, ...env }, input });
    if (REPORT.test(got.stderr)) throw new Error(`kedge ${words.join(' ')}: ${got.stderr}`);
    if (code !== null && got.code !== code)
      throw new Error(`kedge ${words.join(' ')}: exit ${got.code}, not ${code}\n${got.stdout}${got.stderr}`);
    return got;
  }

  async address(role) {
    return JSON.parse((await this.cli(['keygen', role, '--show', '--json'])).stdout).address;
  }

  async pg(...words) {
    const got = await run('/bin/bash', [cluster, ...words], { env: { ...this.env, LC_ALL: 'C' } });
    if (got.code !== 0) throw new Error(`cluster.sh ${words.join(' ')}: ${got.stderr}`);
    return got.stdout.trim();
  }

  // Rows of a query as superuser, each an array of texts.
  async sql(query) {
    this.conninfo ??= await this.pg('conninfo', this.clusterDir, 'postgres');
    const got = await run(PSQL, ['-XAtq', '-F', '\t', '-d', this.conninfo, '-c', query], { env: this.env });
    if (got.code !== 0) throw new Error(`${query}: ${got.stderr}`);
    return got.stdout.split('\n').filter(Boolean).map((line) => line.split('\t'));
  }

  async prepare() {
    this.port = await freePort();
    do this.metricsPort = await freePort(); while (this.metricsPort === this.port);
    this.url = `http${this.tls ? 's' : ''}://localhost:${this.port}`;
    this.host = `localhost:${this.port}`;
    this.listen = this.port;
    if (this.tls) {
      do this.listen = await freePort(); while ([this.port, this.metricsPort].includes(this.listen));
      this.front = new Front(path.join(this.state, 'front'), this.port, `127.0.0.1:${this.listen}`, this.env);
    }
    this.origin = `${this.host}/log`;
    const started = this.pg('start', this.clusterDir);
    this.env.KEDGE_PUBLIC_URL = this.url;
    for (const role of ['log', 'assertion', 'anchor', 'relayer', 'guardian']) await this.cli(['keygen', role]);
    await started;
    await this.startChain();
    const [app, owner] = await Promise.all(['kedge_app', 'kedge_owner'].map((role) => this.pg('conninfo', this.clusterDir, role)));
    const settings = {
      state: this.state, public_url: this.url, listen: `127.0.0.1:${this.listen}`, metrics_listen: `127.0.0.1:${this.metricsPort}`,
      database: app, owner_database: owner, rpc_url: this.record.rpc, chain_id: this.record.chainId, anchor_contract: this.record.anchor,
      registry_start: 0, registry_code: this.record.registryCode, multicall: this.record.multicall, reputation: this.record.reputation, ...FAST,
      ...(typeof this.settings === 'function' ? await this.settings(this) : this.settings),
    };
    const text = Object.entries(settings).map(([name, value]) => `${name} = ${value}\n`).join('');
    fs.writeFileSync(path.join(this.state, 'kedge.ini'), text);
    await this.cli(['db', 'migrate', '--create']);
  }

  async startChain() {
    const dir = path.join(this.state, 'run/chain');
    const [signer, guardian, relayer] = await Promise.all(['anchor', 'guardian', 'relayer'].map((role) => this.address(role)));
    this.chainProcess = this.spawn('chain', process.execPath, [chainScript, '--dir', dir, '--origin', this.origin, '--signer', signer,
      '--guardian', guardian, '--fund', relayer, '--port', '0', '--no-keeper', '--slots', String(this.slots)]);
    this.chainFile = path.join(dir, 'chain.json');
    this.record = await until('the local chain', () => {
      assert.equal(this.chainProcess.exitCode, null, 'the chain ended');
      return JSON.parse(fs.readFileSync(this.chainFile, 'utf8'));
    });
    this.chain = new Chain(this.record.rpc);
    this.keep(true);
    this.#mine();
  }

  // Blocks come five a second while keep is true. keep(false) returns when the last one is mined: then only transactions
  // make blocks, and the distance from latest to safe stands still.
  async keep(on) {
    this.#keeping = on;
    if (!on) await this.#mining;
  }

  async #mine() {
    while (!this.#stopped) {
      if (this.#keeping) await (this.#mining = this.chain.rpc('evm_mine').catch(() => {}));
      await sleep(200);
    }
  }

  // The node stands still without an answer, as one that hangs does; and goes on.
  stopChain() {
    for (const { pid } of childrenOf(this.chainProcess.pid)) process.kill(pid, 'SIGSTOP');
  }

  continueChain() {
    for (const { pid } of childrenOf(this.chainProcess.pid)) process.kill(pid, 'SIGCONT');
  }

  async serve(env = {}, wait = true) {
    // it must not outlive this process either
    this.gateway = this.spawn('serve', 'setpriv', ['--pdeathsig', 'KILL', '--', this.kedge, 'serve'], { ...this.env, ...this.more, ...env });
    if (wait) await this.ready();
  }

  async ready(ms = 60000) {
    const { gateway } = this;
    return until('/readyz', async () => {
      assert.ok(gateway.exitCode === null && gateway.signalCode === null, 'kedge serve ended');
      const { status, body } = await this.http('/readyz', { local: true });
      if (status !== 200) throw new Error(`${status} ${body}`);
      return true;
    }, ms, 100);
  }

  // Ends `kedge serve`; anything but a clean end within the supervisor's own grace fails.
  async quit(signal = 'SIGTERM') {
    const { gateway } = this;
    if (!gateway || gateway.exitCode !== null || gateway.signalCode !== null) return;
    gateway.kill(signal);
    const end = await Promise.race([gateway.ended, sleep(15000)]);
    if (!end) throw new Error('kedge serve does not end');
    if (signal !== 'SIGKILL' && end.code !== 0) throw new Error(`kedge serve ended with ${end.code ?? end.signal}`);
  }

  // Node's own request to the public address, or to the socket.
  request(target, { local = false, ...options }, on) {
    if (local) return http.request({ socketPath: path.join(this.state, 'run/kedge.sock'), path: target, ...options }, on);
    return this.front ? this.front.request(target, options, on) : http.request({ host: '127.0.0.1', port: this.port, path: target, ...options }, on);
  }

  // { status, headers, body (Buffer), json() }. Over TCP unless `local`.
  http(target, { method = 'GET', body, headers = {}, local = false, agent, timeout = 30000 } = {}) {
    const bytes = body === undefined ? undefined : Buffer.from(typeof body === 'object' && !Buffer.isBuffer(body) ? JSON.stringify(body) : body);
    const sent = { host: this.host, ...headers };
    if (bytes) Object.assign(sent, { 'content-type': 'application/json', 'content-length': bytes.length, ...headers });
    return new Promise((resolve, reject) => {
      const request = this.request(target, { local, method, headers: sent, agent: agent ?? false, timeout }, (answer) => {
        const parts = [];
        answer.on('data', (part) => parts.push(part));
        answer.on('error', reject);
        answer.on('end', () => {
          const whole = Buffer.concat(parts);
          resolve({ status: answer.statusCode, headers: answer.headers, body: whole, json: () => JSON.parse(whole.toString('utf8')) });
        });
      });
      request.on('timeout', () => request.destroy(new Error('no answer in time')));
      request.on('error', reject);
      request.end(bytes);
    });
  }

  post(target, body, more = {}) {
    return this.http(target, { method: 'POST', body, ...more });
  }

  // Bytes out, everything that comes back until the other side closes or `ms` pass: { bytes, closed }.
  raw(bytes, { ms = 3000, end = false } = {}) {
    return new Promise((resolve) => {
      const parts = [];
      const socket = net.connect({ host: '127.0.0.1', port: this.port, allowHalfOpen: true });
      const done = (closed) => {
        clearTimeout(timer);
        socket.destroy();
        resolve({ bytes: Buffer.concat(parts), closed });
      };
      const timer = setTimeout(() => done(false), ms);
      socket.on('connect', () => (end ? socket.end(bytes) : socket.write(bytes)));
      socket.on('data', (part) => parts.push(part));
      socket.on('end', () => done(true));
      socket.on('error', () => done(true));
    });
  }

  sanitizerReports() {
    const found = fs.readdirSync(this.san).map((name) => readOr(path.join(this.san, name), ''));
    for (const name of fs.readdirSync(this.logs)) {
      const text = readOr(path.join(this.logs, name), '');
      const at = text.search(REPORT);
      if (at >= 0) found.push(text.slice(at, at + 4000));
    }
    return found.filter(Boolean);
  }

  // Every process that has this stack's folder in its environment, or its database as its working directory.
  leftovers() {
    const place = readOr(path.join(this.clusterDir, 'place'), this.clusterDir).trim();
    const found = [];
    for (const pid of fs.readdirSync('/proc').filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)) {
      let cwd = '';
      try {
        cwd = fs.readlinkSync(`/proc/${pid}/cwd`);
      } catch { /* gone, or another user's */ }
      const mine = readOr(`/proc/${pid}/environ`, '').split('\0').includes(`KEDGE_STATE=${this.state}`);
      if ((mine || cwd.startsWith(place)) && alive(pid)) found.push(`${pid} ${readOr(`/proc/${pid}/comm`, '').trim()}`);
    }
    return found;
  }

  #slay() {
    this.#stopped = true;
    for (const child of this.processes) {
      for (const { pid } of child.pid ? childrenOf(child.pid) : []) try { process.kill(pid, 'SIGKILL'); } catch { /* gone */ }
      if (child.pid && child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
    }
  }

  // Whatever becomes of this process, PostgreSQL and the folder do not outlive it for long.
  #watch() {
    const script = 'while kill -0 "$1" 2>/dev/null; do sleep 1; done; "$2" drop "$3"; rm -rf "$4"';
    this.watcher = spawn('/bin/bash', ['-c', script, 'watch', String(process.pid), cluster, this.clusterDir, this.state],
      { stdio: 'ignore', detached: true, cwd: '/', env: { PATH: process.env.PATH } });
    this.watcher.unref();
  }

  #unwatch() {
    try {
      if (this.watcher?.pid) process.kill(-this.watcher.pid, 'SIGKILL');
    } catch { /* gone */ }
    this.watcher = null;
  }

  async takeDown() {
    this.#stopped = true;
    this.#keeping = false;
    await this.front?.stop();
    await this.quit();
    this.chainProcess?.kill('SIGTERM');
    await this.chainProcess?.ended;
    const left = await this.#empty();
    await this.pg('drop', this.clusterDir);
    const reports = this.sanitizerReports();
    if (reports.length) throw new Error(`sanitizer:\n${reports.join('\n')}`);
    if (left.length) throw new Error(`processes left: ${left.join(', ')}`);
    for (const port of [this.port, this.listen, this.metricsPort, Number(new URL(this.record.rpc).port)])
      if (await listens(port)) throw new Error(`port ${port} is still open`);
  }

  // Who is left beside PostgreSQL, which is asked to go afterwards.
  async #empty() {
    const others = () => this.leftovers().filter((line) => !/ (postgres|bash|psql)$/.test(line));
    for (let tries = 0; tries < 20 && others().length; tries++) await sleep(100);
    return others();
  }

  async stop() {
    try {
      await this.takeDown();
      const left = this.leftovers();
      if (left.length) throw new Error(`processes left: ${left.join(', ')}`);
    } catch (e) {
      await this.fail(e);
      throw e;
    }
    this.#unwatch();
    fs.rmSync(this.state, { recursive: true, force: true });
  }

  // Shows what the pieces said, and leaves nothing running. KEEP=1 in the environment leaves the folder.
  async fail(error) {
    if (this.failed) return;
    this.failed = true;
    console.error(`\nfailed: ${error.stack ?? error}`);
    for (const report of this.sanitizerReports()) console.error(`\n--- sanitizer\n${report.slice(0, 6000)}`);
    for (const name of fs.readdirSync(this.logs)) {
      const text = readOr(path.join(this.logs, name), '').trimEnd().split('\n').slice(-40).join('\n');
      if (text) console.error(`\n--- ${name}\n${text}`);
    }
    await this.front?.stop();
    this.#slay();
    await this.pg('drop', this.clusterDir).catch((e) => console.error(e.message));
    this.#unwatch();
    if (process.env.KEEP) console.error(`kept: ${this.state}`);
    else fs.rmSync(this.state, { recursive: true, force: true });
  }
}

// The skeleton of every driver: options from the command line, one stack, its end in any case, exit 1 on a failure.
export async function drive(options, steps) {
  const started = Date.now();
  let stack = null;
  try {
    stack = await Stack.start(options);
    const up = Date.now() - started;
    const figures = await steps(stack);
    await stack.stop();
    console.log(`ok in ${Date.now() - started} ms (${up} ms to ready)${figures ? `: ${figures}` : ''}`);
  } catch (e) {
    await stack?.fail(e);
    process.exit(1);
  }
  process.exit(0);
}

export function kedgeBinary(argv = process.argv.slice(2)) {
  const at = argv.indexOf('--kedge');
  const found = at >= 0 ? argv[at + 1] : null;
  if (!found || !fs.existsSync(found)) {
    console.error(`usage: node ${path.basename(process.argv[1])} --kedge FILE …`);
    process.exit(2);
  }
  return found;
}
