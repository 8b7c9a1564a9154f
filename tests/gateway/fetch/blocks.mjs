// A small UnixFS tree, made without the code under test: names = [directory, file of three leaves, one raw leaf, sharded directory].
import { createHash } from 'node:crypto';

export const blocks = new Map();

const ALPHABET = 'abcdefghijklmnopqrstuvwxyz234567';

function base32(bytes) {
	const bits = [...bytes].map((byte) => byte.toString(2).padStart(8, '0')).join('');
	return bits.match(/.{1,5}/g).map((five) => ALPHABET[parseInt(five.padEnd(5, '0'), 2)]).join('');
}

function keep(codec, block) {
	const cid = Buffer.concat([Buffer.from([1, codec, 0x12, 32]), createHash('sha256').update(block).digest()]);
	const text = `b${base32(cid)}`;
	blocks.set(text, block);
	return { cid, text };
}

const length = (n) => (n < 128 ? [n] : [(n & 127) | 128, n >> 7]);
const field = (tag, bytes) => Buffer.concat([Buffer.from([tag, ...length(bytes.length)]), bytes]);
const link = (to, name) => field(0x12, Buffer.concat([field(0x0a, to.cid), field(0x12, Buffer.from(name)), Buffer.from([0x18, 1])]));
const node = (type, links) => keep(0x70, Buffer.concat([...links, field(0x0a, Buffer.from([0x08, type]))]));

const text = '{"name":"from ipfs","services":[]}';
const leaves = [text.slice(0, 9), text.slice(9, 20), text.slice(20)].map((part) => keep(0x55, Buffer.from(part)));
const file = node(2, leaves.map((leaf) => link(leaf, '')));
const folder = node(1, [link(file, 'card.json')]);
const raw = keep(0x55, Buffer.from('{"name":"n"}'));
const shard = node(5, [link(file, '00card.json')]);

export const names = [folder, file, raw, shard].map((it) => it.text);
