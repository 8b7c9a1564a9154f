// The gateway's own document and its assertion key: signed documents, a change of the key while it runs, and what is refused.
// node signed.mjs --kedge FILE
import fs from 'node:fs';
import path from 'node:path';
import assert from 'node:assert/strict';
import { drive, kedgeBinary, settled, until } from './harness.mjs';

const DAY = 86400000;

class Signed {
  constructor(stack) {
    this.stack = stack;
    this.did = `did:web:${stack.host.replace(':', '%3A')}`;
    this.pub = path.join(stack.state, 'keys/assertion.pub');
  }

  async document() {
    const answer = await this.stack.http('/.well-known/did.json');
    assert.equal(answer.status, 200);
    return answer.json();
  }

  // The assertion keys that every worker lists, once they all do: two workers answer new connections in turn.
  async listed(keys, why) {
    const wanted = [`${this.did}#log-key`, ...keys.map((key) => `${this.did}#${key}`)];
    await settled(why, async () => JSON.stringify((await this.document()).assertionMethod) === JSON.stringify(wanted), 10000, 24);
  }

  async keygen(...words) {
    return JSON.parse((await this.stack.cli(['keygen', 'assertion', ...words, '--json'])).stdout);
  }

  file(name, text) {
    const file = path.join(this.stack.state, name);
    fs.writeFileSync(file, text);
    return file;
  }

  async sign(document, ...words) {
    const got = await this.stack.cli(['sign', this.file('document.json', JSON.stringify(document)), ...words]);
    return got.stdout;
  }

  async verify(text, code, ...words) {
    const got = await this.stack.cli(['verify', this.file('signed.json', text), ...words], { code });
    return got.stdout;
  }

  async theDocument() {
    const { stack, did } = this;
    const document = await this.document();
    const { publicKeyMultibase } = await this.keygen('--show');
    assert.equal(document.id, did);
    assert.ok(!('alsoKnownAs' in document));
    assert.deepEqual(document.verificationMethod.map(({ id }) => id), [`${did}#log-key`, `${did}#${publicKeyMultibase}`]);
    for (const method of document.verificationMethod) {
      assert.deepEqual([method.type, method.controller], ['Multikey', did]);
      assert.match(method.publicKeyMultibase, /^z6Mk[1-9A-HJ-NP-Za-km-z]{44}$/);
    }
    assert.equal(document.verificationMethod[1].publicKeyMultibase, publicKeyMultibase);
    // what it names is there
    const services = Object.fromEntries(document.service.map(({ id, serviceEndpoint }) => [id.slice(did.length), serviceEndpoint]));
    const at = (url) => url.slice(stack.url.length);
    assert.equal((await stack.http(`${at(services['#log'].uri)}/vkey`)).body.toString().trim(), services['#log'].vkey);
    assert.equal((await stack.http(at(services['#resolver']) + encodeURIComponent(did))).status, 200);
    for (const list of ['#agents', '#participants'])
      assert.equal((await stack.http(at(services[list]))).status, 200);
    await this.listed([publicKeyMultibase], 'the key from every worker');
    assert.deepEqual((await stack.http(`/1.0/identifiers/${did}`)).json().didDocument, document);
  }

  async signAndVerify() {
    const { did } = this;
    const { publicKeyMultibase } = await this.keygen('--show');
    const text = await this.sign({ '@context': ['https://www.w3.org/ns/credentials/v2'], note: 'größer', list: [1, 0.1, { x: null }] });
    const document = JSON.parse(text);
    assert.equal(document.proof.verificationMethod, `${did}#${publicKeyMultibase}`);
    assert.equal(document.proof.cryptosuite, 'eddsa-jcs-2022');
    assert.match(await this.verify(text, 0, '--did', did), /holds: signed by did:web:/);
    await this.verify(text, 0, '--did', did, '--url', this.stack.url);
    await this.verify(text, 0, '--key', publicKeyMultibase);
    await this.verify(text, 0, '--did', did, '--document', this.file('did.json', JSON.stringify(await this.document())));
    // white space and order are nothing, anything else is
    await this.verify(JSON.stringify(document, null, 2), 0, '--did', did);
    await this.verify(text.replace('größer', 'grösser'), 1, '--did', did);
    await this.verify(text.replace(/"list":\[1/, '"list":[2'), 1, '--did', did);
    await this.verify(text.replace('assertionMethod', 'authentication'), 1, '--did', did);
    await this.verify(text.replace(`#${publicKeyMultibase}`, '#log-key'), 1, '--did', did);
    // what the document says of the key counts
    const listed = await this.document();
    const changed = (change) => this.file('changed.json', JSON.stringify({ ...listed, verificationMethod: listed.verificationMethod.map((one) => ({ ...one, ...change })) }));
    assert.match(await this.verify(text, 1, '--did', did, '--document', changed({ revoked: '2020-01-01T00:00:00Z' })), /was revoked/);
    assert.match(await this.verify(text, 1, '--did', did, '--document', changed({ expires: '2020-01-01T00:00:00Z' })), /has expired/);
    assert.match(await this.verify(text, 1, '--did', did, '--document', changed({ controller: 'did:web:other.example' })), /controlled by another/);
    const more = { ...document, '@context': [...document['@context'], 'https://other.example/terms'] };
    assert.match(await this.verify(JSON.stringify(more), 0, '--did', did), /context .*was not signed/);
    // a name that is cut within a character leaves no check out
    for (const lead of ['', 'a']) {
      const named = { ...document, proof: { ...document.proof, verificationMethod: `${did}#${lead}${'é'.repeat(300)}` } };
      const { checks } = JSON.parse(await this.verify(JSON.stringify(named), 1, '--did', did, '--json'));
      assert.deepEqual(checks.map(({ name, verdict }) => [name, verdict]), [['proof', 'ok'], ['key', 'FAILED']]);
    }
    // whose it is is for the verifier to say
    const agent = `${did}:agent:${this.stack.record.chainId}:0`;
    await this.verify(text, 2);
    await this.verify(text, 1, '--did', agent);
    await this.verify(text, 2, '--did', 'did:web:localhost'); // no such DID can be
    await this.verify(text, 4, '--did', did, '--url', 'http://127.0.0.1:9');
    // for one verifier, one question, a while
    const soon = new Date(Date.now() + DAY).toISOString().replace(/\.\d+/, '');
    const locked = await this.sign({ a: 1 }, '--domain', 'one.example', '--challenge', 'abc', '--expires', soon);
    const asked = ['--domain', 'one.example', '--challenge', 'abc', '--did', did];
    await this.verify(locked, 0, ...asked);
    await this.verify(locked, 1, '--domain', 'two.example', '--did', did);
    await this.verify(locked, 1, '--challenge', 'abd', '--did', did);
    await this.verify(locked, 1, ...asked, '--purpose', 'authentication');
    await this.verify(locked, 1, ...asked, '--at', soon);
    await this.verify(locked, 1, ...asked, '--at', '2020-01-01T00:00:00Z');
    // signed by a key of one's own
    const own = this.file('own.key', `${'7'.repeat(64)}\n`);
    fs.chmodSync(own, 0o600);
    const other = await this.sign({ a: 1 }, '--key', own, '--method', 'did:example:1#k');
    assert.equal(JSON.parse(other).proof.verificationMethod, 'did:example:1#k');
    await this.verify(other, 1, '--key', publicKeyMultibase);
    for (const [input, words, code] of [['[1]', [], 1], ['{"a":1,"a":2}', [], 1], ['{"proof":{}}', [], 1], ['{"a":1e17}', [], 1], ['{}', ['--key', own], 2],
      ['{}', ['--expires', '2020-01-01T00:00:00Z'], 2], ['{}', ['--expires', 'soon'], 2]])
      await this.stack.cli(['sign', '-', ...words], { code, input });
    return text;
  }

  async rotation(before) {
    const { stack, did } = this;
    const { publicKeyMultibase: first } = await this.keygen('--show');
    const secret = fs.readFileSync(path.join(stack.state, 'keys/assertion.key'), 'utf8');
    // announced: listed, but not signing yet
    const announced = await this.keygen('--next');
    const next = announced.others[0].publicKeyMultibase;
    assert.deepEqual(announced, { publicKeyMultibase: first, others: [{ publicKeyMultibase: next, next: true }] });
    assert.deepEqual(await this.keygen('--next'), announced);
    await this.listed([first, next], 'the next key from every worker');
    assert.equal(JSON.parse(await this.sign({})).proof.verificationMethod, `${did}#${first}`);
    // changed: both are good, and the former private half is nowhere
    const rotated = await this.keygen('--rotate', '--overlap', '2');
    assert.equal(rotated.publicKeyMultibase, next);
    assert.equal(rotated.others[0].publicKeyMultibase, first);
    assert.ok(Math.abs(Date.parse(rotated.others[0].until) - Date.now() - 2 * DAY) < 60000);
    await this.listed([next, first], 'the new key, and the former one');
    const after = await this.sign({ a: 2 });
    assert.equal(JSON.parse(after).proof.verificationMethod, `${did}#${next}`);
    await this.verify(before, 0, '--did', did);
    await this.verify(after, 0, '--did', did);
    assert.deepEqual(fs.readdirSync(path.join(stack.state, 'keys')).filter((name) => name.startsWith('assertion')).sort(), ['assertion.key', 'assertion.pub']);
    assert.notEqual(fs.readFileSync(path.join(stack.state, 'keys/assertion.key'), 'utf8'), secret);
    // the former one's time ends by itself
    const end = new Date(Date.now() + 3000).toISOString().replace(/\.\d+/, '');
    this.write(fs.readFileSync(this.pub, 'utf8').replace(/ until .*/, ` until ${end}`));
    await this.listed([next, first], 'the former key, for three seconds more');
    await this.listed([next], 'the former key is over');
    assert.match(await this.verify(before, 1, '--did', did), /FAILED +key .* or no longer/);
    await this.verify(after, 0, '--did', did);
    return next;
  }

  // As `kedge keygen` does: never half a file.
  write(text) {
    fs.writeFileSync(`${this.pub}.new`, text);
    fs.renameSync(`${this.pub}.new`, this.pub);
  }

  async damage(current) {
    const { stack } = this;
    const good = `${current}\n`;
    this.write('nonsense\n');
    await until('the complaint of a worker', () => fs.readFileSync(stack.log('serve'), 'utf8').includes('assertion.pub cannot be read'));
    await this.listed([current], 'what was known before');
    await stack.cli(['keygen', 'assertion', '--next'], { code: 1 });
    this.write(good);
    // taken out before its time; never the current one
    const made = await this.keygen('--rotate');
    assert.equal(made.others[0].publicKeyMultibase, current);
    await stack.cli(['keygen', 'assertion', '--drop', made.publicKeyMultibase], { code: 1 });
    assert.deepEqual((await this.keygen('--drop', current)).others, []);
    await this.listed([made.publicKeyMultibase], 'the key that was dropped is gone');
    // at once, also where there is room for no key more
    for (let n = 1; n < 8; n++) await this.keygen('--rotate');
    await stack.cli(['keygen', 'assertion', '--rotate'], { code: 1 });
    const full = await this.keygen('--rotate', '--overlap', '0');
    assert.equal(full.others.length, 7);
    for (const { publicKeyMultibase } of full.others) await this.keygen('--drop', publicKeyMultibase);
    await this.listed([full.publicKeyMultibase], 'the one that took the place of another');
    const compromised = await this.keygen('--rotate', '--overlap', '0');
    assert.deepEqual(compromised.others, []);
    await this.listed([compromised.publicKeyMultibase], 'none but the new one');
    for (const words of [['--rotate', '--next'], ['--overlap', '3'], ['--rotate', '--overlap', '-1'], ['--rotate', '--overlap', 'x'], ['--next', '--show']])
      await stack.cli(['keygen', 'assertion', ...words], { code: 2 });
    await stack.cli(['keygen', 'log', '--rotate'], { code: 2 });
    await stack.cli(['keygen', 'assertion'], { code: 1 });
    return compromised.publicKeyMultibase;
  }

  // A change that was cut off between list and key, a key that is not the list's, a private half kept elsewhere.
  async starts(current) {
    const { stack } = this;
    const key = path.join(stack.state, 'keys/assertion.key');
    const refuses = async (words) => {
      await stack.serve({}, false);
      const { code } = await stack.gateway.ended;
      assert.equal(code, 1);
      assert.match(fs.readFileSync(stack.log('serve'), 'utf8'), words);
    };
    await stack.quit();
    const next = (await this.keygen('--next')).others[0].publicKeyMultibase;
    const list = fs.readFileSync(this.pub, 'utf8');
    this.write(`${next}\n${current} until 2126-01-01T00:00:00Z\n`);
    await refuses(/its change was cut off; finish it with/);
    assert.match((await stack.cli(['doctor'], { code: null })).stdout, /fail +settings +assertion key +its change was cut off/);
    assert.equal((await this.keygen('--rotate')).publicKeyMultibase, next);
    assert.ok(!fs.existsSync(key.replace('.key', '-next.key')));
    this.write(list.split('\n')[0] + '\n');
    await refuses(/another key than the first of keys\/assertion.pub/);
    fs.rmSync(this.pub);
    await stack.serve();
    await this.listed([next], 'the list made anew of the key');
    await stack.quit();
    fs.renameSync(key, path.join(stack.state, 'elsewhere.key'));
    await stack.serve();
    await this.listed([next], 'the list without the private half');
    await stack.cli(['sign', '-'], { code: 1, input: '{}' });
    await stack.quit();
    fs.rmSync(this.pub);
    await stack.serve();
    await this.listed([], 'no assertion key at all');
    assert.match((await stack.cli(['doctor'], { code: null })).stdout, /warn +settings +assertion key +there is none/);
    assert.match(fs.readFileSync(stack.log('serve'), 'utf8'), /no assertion key: make one with/);
    await this.keygen();
    await until('a key made meanwhile', async () => (await this.document()).assertionMethod.length === 2);
  }
}

drive({ kedge: kedgeBinary(), settings: { workers: 2 } }, async (stack) => {
  const signed = new Signed(stack);
  await signed.theDocument();
  const before = await signed.signAndVerify();
  const second = await signed.rotation(before);
  await signed.starts(await signed.damage(second));
});
