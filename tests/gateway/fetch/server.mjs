// A web server that misbehaves as the path says. usage: server.mjs KEY CERT; prints its https and its http port.
import { createServer } from 'node:https';
import { createServer as createPlain } from 'node:http';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { blocks, names } from './blocks.mjs';

const [key, cert] = process.argv.slice(2).map((path) => readFileSync(path));
let counted = 0, turns = 0;
let port = 0;

function drip(res, text, ms) {
	const timer = setInterval(() => res.write(text), ms);
	res.on('close', () => clearInterval(timer));
}

function pour(res) {
	const block = Buffer.alloc(65536, 'x');
	const more = () => {
		while (!res.destroyed && res.write(block));
	};
	res.on('drain', more);
	more();
}

// Cards of agents of chain 31337, as the duty "files" meets them.
const REGISTRY = 'eip155:31337:0x8004A169FB4a3325136EB29fA0ceB6D2e539a432';
const named = (id) => ({ registrations: [{ agentId: id, agentRegistry: REGISTRY }] });
const card = (id) => ({
	type: 'https://eips.ethereum.org/EIPS/eip-8004#registration-v1', name: `Agent ${id}`, description: 'd', image: 'i', ...named(id),
	services: ['one.card', 'two.card', 'three.card', 'good'].map((host) => ({ name: 'A2A', endpoint: `https://${host}.example/x` })),
});
const known = { 'one.card.example': named(42), 'three.card.example': named(43) };
let changes = 0;

const pages = {
	'/card': (req, res) => res.end(JSON.stringify(card(42))),
	'/changing': (req, res) => res.end(JSON.stringify({ name: `v${++changes}` })),
	'/.well-known/agent-registration.json': (req, res) =>
		known[req.headers.host] ? res.end(JSON.stringify(known[req.headers.host])) : res.writeHead(404).end(),
	'/ok': (req, res) => res.setHeader('Content-Type', 'Application/JSON; charset=utf-8').setHeader('Cache-Control', 'public, max-age=60').end('{"name":"n"}'),
	'/echo': (req, res) => res.end(`${req.headers.host} ${req.headers.accept} ${req.headers['accept-encoding'] ?? '-'} ${req.url}`),
	'/count': (req, res) => setTimeout(() => res.end(String(++counted)), 50),
	'/empty': (req, res) => res.end(),
	'/one': (req, res) => res.writeHead(302, { Location: '/ok' }).end(),
	'/one-page': (req, res) => res.writeHead(301, { Location: '/ok' }).end('<html>moved</html>'.repeat(20)),
	'/one-endless': (req, res) => pour(res.writeHead(301, { Location: '/ok' })),
	'/two': (req, res) => res.writeHead(307, { Location: `https://good.example:${port}/one` }).end(),
	'/three': (req, res) => res.writeHead(301, { Location: '/two' }).end(),
	'/loop': (req, res) => res.writeHead(302, { Location: '/loop' }).end(),
	'/other-host': (req, res) => res.writeHead(302, { Location: `https://bad.example:${port}/ok` }).end(),
	'/other-port': (req, res) => res.writeHead(302, { Location: 'https://good.example/ok' }).end(),
	'/to-http': (req, res) => res.writeHead(302, { Location: `http://good.example:${port}/ok` }).end(),
	'/to-file': (req, res) => res.writeHead(302, { Location: 'file:///etc/passwd' }).end(),
	'/to-userinfo': (req, res) => res.writeHead(302, { Location: `https://good.example:${port}@127.0.0.1/ok` }).end(),
	'/no-location': (req, res) => res.writeHead(302).end(),
	'/404': (req, res) => res.writeHead(404).end('{"name":"n"}'),
	'/500': (req, res) => res.writeHead(500).end(),
	'/204': (req, res) => res.writeHead(204).end(),
	'/206': (req, res) => res.writeHead(206).end('x'),
	'/gzip': (req, res) => res.setHeader('Content-Encoding', 'gzip').end(gzipSync(Buffer.alloc(50_000_000))),
	'/announced': (req, res) => res.setHeader('Content-Length', '100000000').write('x'),
	'/endless': (req, res) => pour(res),
	'/lying-length': (req, res) => res.socket.end('HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\n0123456789'),
	'/slow': (req, res) => drip(res, 'x', 200),
	'/hang': () => {},
	'/cut': (req, res) => {
		res.socket.write('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n0123456789');
		setTimeout(() => res.socket.destroy(), 20);
	},
	'/heads': (req, res) => {
		for (let i = 0; i < 200; i++) res.setHeader(`X-${i}`, 'x'.repeat(400));
		res.end('x');
	},
	'/garbage': (req, res) => res.socket.end('SSH-2.0-OpenSSH_9.2\r\n'),
	'/html': (req, res) => res.setHeader('Content-Type', 'text/html').end('<html></html>'),
	'/cids': (req, res) => res.end(names.join(' ')),
	'/exact': (req, res) => res.end('x'.repeat(1000)),
};

// DID documents of did:web:good.example%3APORT:did:KIND, as the resolver of other hosts meets them.
const documents = {
	ok: (res, id) => res.end(` {"@context":"https://www.w3.org/ns/did/v1", "id":"${id}", "x":1.0}\n`),
	count: (res, id) => setTimeout(() => res.end(JSON.stringify({ id, n: ++counted })), 50),
	second: (res, id) => res.setHeader('Cache-Control', 'max-age=1').end(JSON.stringify({ id, n: ++counted })),
	long: (res, id) => res.setHeader('Cache-Control', 'public, max-age=100000000000000000000000').end(JSON.stringify({ id })),
	none: (res, id) => res.setHeader('Cache-Control', 'no-store').end(JSON.stringify({ id, n: ++counted })),
	turns: (res, id) => res.writeHead([200, 429, 404][turns++ % 3], { 'Cache-Control': 'max-age=100' }).end(JSON.stringify({ id })),
	lines: (res, id) => res.setHeader('Cache-Control', ['no-store', 'max-age=600']).end(JSON.stringify({ id, n: ++counted })),
	mine: (res, id) => res.setHeader('Cache-Control', 'private, max-age=600').end(JSON.stringify({ id, n: ++counted })),
	other: (res) => res.end('{"id":"did:web:other.example"}'),
	html: (res) => res.end('<html></html>'),
	empty: (res) => res.end(),
	twice: (res, id) => res.end(`{"id":"did:web:other.example","id":"${id}"}`),
	deep: (res, id) => res.end(`{"id":"${id}","x":${'['.repeat(16)}${']'.repeat(16)}}`),
	relative: (res, id) => res.end(`{"id":"${id}","authentication":["#k"]}`),
	full: (res, id) => res.end(JSON.stringify({ id, x: 'x'.repeat(65536 - 16 - id.length) })),
	large: (res, id) => res.end(JSON.stringify({ id, x: 'x'.repeat(65536 - 15 - id.length) })),
	endless: (res) => pour(res),
	gzip: (res) => pages['/gzip'](null, res),
	404: (res, id) => res.writeHead(404).end(JSON.stringify({ id })),
	410: (res) => res.writeHead(410).end(),
	403: (res) => res.writeHead(403).end(),
	500: (res) => res.writeHead(500).end(),
	redirect: (res) => res.writeHead(302, { Location: '/did/ok/did.json' }).end(),
	garbage: (res) => pages['/garbage'](null, res),
	cut: (res) => pages['/cut'](null, res),
	hang: () => {},
};

// An IPFS gateway at /ipfs/; /lying/ gives other bytes, /decoded/ forgets that a block was asked for.
function gateway(req, res) {
	const [, kind, cid] = new URL(req.url, 'https://x').pathname.split('/');
	const block = blocks.get(cid);
	if (req.headers.accept !== 'application/vnd.ipld.raw' || !req.url.endsWith('?format=raw')) res.writeHead(400).end();
	else if (!block) res.writeHead(404).end();
	else res.end(kind === 'ipfs' ? block : kind === 'lying' ? Buffer.concat([block, Buffer.from(' ')]) : '{"name":"n"}');
}

// DID documents that the test writes beside the certificate, NAME.json each; `hang` in one is a host that never answers, `500` one that fails.
function kept(req, res, name) {
	const path = join(dirname(process.argv[3]), `${name}.json`);
	const text = /^[a-z]+$/.test(name) && existsSync(path) ? readFileSync(path, 'utf8') : null;
	if (text === null) res.writeHead(404).end();
	else if (text === '500') res.writeHead(500).end();
	else if (text !== 'hang') res.end(text);
}

function answer(req, res) {
	if (req.url.startsWith('/kept/')) return kept(req, res, req.url.split('/')[2]);
	if (/^\/(ipfs|lying|decoded)\//.test(req.url)) return gateway(req, res);
	const [, did, kind, file] = req.url.split('/');
	if (did === 'did' && file === 'did.json' && documents[kind]) return documents[kind](res, `did:web:good.example%3A${port}:did:${kind}`);
	const page = pages[new URL(req.url, 'https://x').pathname];
	if (page) page(req, res);
	else res.writeHead(404).end();
}

const secure = createServer({ key, cert }, answer);
const plain = createPlain(answer);
secure.listen(0, '127.0.0.1', () =>
	plain.listen(0, '127.0.0.1', () => {
		port = secure.address().port;
		console.log(`${port} ${plain.address().port}`);
	}),
);
process.stdin.on('end', () => process.exit(0)).resume();
