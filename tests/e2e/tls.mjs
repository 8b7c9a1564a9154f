// nginx as a TLS front, by tests/setup/front.sh and so with packaging/nginx.conf.
import fs from 'node:fs';
import https from 'node:https';
import path from 'node:path';
import { spawn } from 'node:child_process';
import { root } from '../chain/lib.mjs';

export class Front {
  // dir: a folder of its own; upstream: ADDRESS:PORT
  constructor(dir, port, upstream, env = process.env) {
    Object.assign(this, { dir, port, upstream, env });
    this.certificate = path.join(dir, 'cert.pem');
    this.log = path.join(dir, 'front.log');
  }

  async start() {
    fs.mkdirSync(this.dir, { recursive: true });
    const out = fs.openSync(this.log, 'a');
    this.child = spawn('setpriv', ['--pdeathsig', 'TERM', '--', path.join(root, 'tests/setup/front.sh'), this.dir, String(this.port), this.upstream],
      { stdio: ['ignore', out, out], env: this.env });
    fs.closeSync(out);
    this.ended = new Promise((resolve) => this.child.once('exit', (code, signal) => resolve(code ?? signal)));
    for (let tries = 0; ; tries++) {
      const answers = await this.get('/').then(() => true, () => false);
      if (answers) return;
      if (this.child.exitCode !== null || tries === 200) throw new Error(`the front does not start: ${fs.readFileSync(this.log, 'utf8')}`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  get ca() {
    return fs.readFileSync(this.certificate);
  }

  request(target, options, on) {
    return https.request({ host: '127.0.0.1', port: this.port, servername: 'localhost', ca: this.ca, path: target, agent: false, ...options,
      headers: { host: `localhost:${this.port}`, ...options.headers } }, on);
  }

  // { status, headers, body (Buffer), json() }
  get(target, { body, ...options } = {}) {
    return new Promise((resolve, reject) => {
      const request = this.request(target, { ...options, headers: { ...(body ? { 'content-length': body.length } : {}), ...options.headers } }, (answer) => {
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
      request.end(body);
    });
  }

  async stop() {
    if (!this.child || this.child.exitCode !== null) return;
    this.child.kill('SIGTERM');
    await this.ended;
  }
}
