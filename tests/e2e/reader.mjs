// A reader of the log that trusts nothing but a vkey: C2SP signed notes, checkpoints and tiles as docs/formats.md, section 5
// has them, verified with node's own Ed25519 and the recursive trees of tests/vectors/merkle.mjs.
import assert from 'node:assert/strict';
import { createPublicKey, verify } from 'node:crypto';
import { Tree, leafHash, sha256, verifyConsistency, verifyInclusion } from '../vectors/merkle.mjs';
import { mapOver, tiles } from '../vectors/format.mjs';

const SPKI = Buffer.from('302a300506032b6570032100', 'hex');

export class LogReader {
  constructor(vkey) {
    const [, name, id, key] = /^(\S+?)\+([0-9a-f]{8})\+(\S+)$/.exec(vkey.trim());
    const bytes = Buffer.from(key, 'base64');
    assert.equal(bytes.length, 33);
    assert.equal(bytes[0], 1);
    assert.equal(sha256(Buffer.from(name), Buffer.of(0x0a), bytes).subarray(0, 4).toString('hex'), id);
    this.name = name;
    this.id = Buffer.from(id, 'hex');
    this.key = createPublicKey({ key: Buffer.concat([SPKI, bytes.subarray(1)]), format: 'der', type: 'spki' });
  }

  // { size, root } of a signed note, or a failure.
  open(note) {
    const got = /^((\S+)\n(0|[1-9]\d*)\n([A-Za-z0-9+/]{43}=)\n)\n— (\S+) (\S+)\n$/.exec(note);
    assert.ok(got, `no checkpoint with one signature: ${JSON.stringify(note)}`);
    const [, text, origin, size, root, name, signature] = got;
    assert.equal(origin, this.name);
    assert.equal(name, this.name);
    const bytes = Buffer.from(signature, 'base64');
    assert.deepEqual(bytes.subarray(0, 4), this.id);
    assert.ok(verify(null, Buffer.from(text), this.key, bytes.subarray(4)), 'the signature of the checkpoint');
    return { size: Number(size), root: Buffer.from(root, 'base64') };
  }
}

const number = (n) => {
  const digits = String(n).padStart(Math.ceil(String(n).length / 3) * 3, '0').match(/.{3}/g);
  return digits.map((d, i) => (i < digits.length - 1 ? 'x' : '') + d).join('/');
};

function unbundle(bytes) {
  const entries = [];
  for (let at = 0; at < bytes.length;) {
    const length = bytes.readUInt16BE(at);
    assert.ok(length > 0 && at + 2 + length <= bytes.length, 'a bundle is whole');
    entries.push(bytes.subarray(at + 2, at + 2 + length).toString('utf8'));
    at += 2 + length;
  }
  return entries;
}

async function fetched(stack, path) {
  const { status, body } = await stack.http(`/log/${path}`);
  assert.equal(status, 200, `${path}: ${status}`);
  return body;
}

// Entries of the log before `size`, from its bundles.
export async function readEntries(stack, size) {
  const entries = [];
  for (let n = 0; n * 256 < size; n++) {
    const width = Math.min(256, size - n * 256);
    const got = unbundle(await fetched(stack, `tile/entries/${number(n)}${width < 256 ? `.p/${width}` : ''}`));
    assert.equal(got.length, width);
    entries.push(...got);
  }
  return entries;
}

// The whole published log: the checkpoint's signature, every entry, every tile, the root, the index head and its map.
// Returns { size, root, entries, tree }.
export async function readLog(stack, reader) {
  const note = (await fetched(stack, 'checkpoint')).toString('utf8');
  const { size, root } = reader.open(note);
  const entries = await readEntries(stack, size);
  const tree = new Tree(entries.map((line) => leafHash(Buffer.from(line, 'utf8'))));
  assert.deepEqual(tree.root(0, size), root, 'the root of all entries is the checkpoint\'s');
  for (const [path, bytes] of tiles(tree, entries, size)) assert.ok((await fetched(stack, path)).equals(bytes), `${path} is what the entries make`);
  checkIndexHeads(entries);
  assert.equal(JSON.parse(entries[size - 1]).kind, 'index', 'a published checkpoint ends in an index head');
  return { size, root, entries, tree, note };
}

function checkIndexHeads(entries) {
  let at = 0;
  entries.forEach((line, seq) => {
    const entry = JSON.parse(line);
    assert.ok(Number(entry.at) >= at, `time goes back at ${seq}`);
    at = Number(entry.at);
    if (entry.kind !== 'index') return;
    assert.equal(line.length, 271);
    assert.equal(Number(entry.size), seq);
  });
  const last = entries.findLastIndex((line) => JSON.parse(line).kind === 'index');
  if (last >= 0) assert.equal(JSON.parse(entries[last]).map, mapOver(entries, last).root.toString('hex'), 'the completeness map');
}

// An acknowledged checkpoint against the log as it is now, through a proof computed from its tiles.
export function consistent(log, { size, root }) {
  if (size === 0 || size > log.size) return false;
  return verifyConsistency(BigInt(size), root, BigInt(log.size), log.root, log.tree.consistency(size, log.size));
}

export function included(log, seq, line) {
  const leaf = leafHash(Buffer.from(line, 'utf8'));
  return verifyInclusion(leaf, BigInt(seq), BigInt(log.size), log.tree.inclusion(seq, 0, log.size), log.root);
}
