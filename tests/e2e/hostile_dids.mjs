// DIDs that must lead nowhere, made by rule: spellings of addresses, names that are not public, path tricks, names whose servers answer with addresses that are not
// public, and servers that misbehave. Each is { did, type, detail? }: the error it must be answered with. `port` is one where a trap listens.

const V4 = ['127.0.0.1', '10.0.0.1', '169.254.169.254', '192.168.1.1', '0.0.0.0'];
const octets = (address) => address.split('.').map(Number);
const whole = (address) => octets(address).reduce((sum, octet) => sum * 256 + octet, 0);
const hex = (n) => `0x${n.toString(16)}`;
const octal = (n) => `0${n.toString(8)}`;

// Every way in which URL parsers read an IPv4 address.
function spellings(address) {
  const [a, b, c, d] = octets(address);
  return [address, String(whole(address)), hex(whole(address)), octal(whole(address)), `${a}.${(b * 256 + c) * 256 + d}`, `${a}.${b}.${c * 256 + d}`,
    octets(address).map(hex).join('.'), octets(address).map(octal).join('.'), `${hex(a)}.${b}.${octal(c)}.${d}`, `0X${whole(address).toString(16).toUpperCase()}`,
    `${address}.`, `a.${d}`, `a.${hex(d)}`];
}

const V6 = ['::1', '::', '::ffff:127.0.0.1', '::ffff:7f00:1', 'fe80::1', 'fc00::1', 'fd12:3456::1', '64:ff9b::7f00:1', '2002:7f00:1::', '2001:db8::1', 'ff02::1', '2606:4700::1111'];
const escaped = (text) => encodeURIComponent(text);

// Refused by their spelling alone.
export function malformed(port) {
  const at = (host) => [`did:web:${host}`, `did:web:${host}%3A${port}`, `did:web:${host}%3A${port}:character:alice`];
  const found = [];
  for (const address of V4) for (const host of spellings(address)) found.push(`did:web:${host}`, `did:web:${host}%3A${port}:x`);
  for (const address of V6) found.push(...at(escaped(`[${address}]`)), ...at(escaped(address)).slice(0, 1));
  for (const inner of ['localhost', '127.0.0.1', '[::1]', 'a.internal']) {
    for (const outer of ['good.example%40', 'user%3Apass%40', 'good.example%3A443%40', '%40', 'good.example%23%40', 'good.example%2F%40', 'good.example%5C%40', 'good.example%3F%40'])
      found.push(`did:web:${outer}${escaped(inner)}%3A${port}:x`);
  }
  for (const host of ['localhost', 'LOCALHOST', 'a.localhost', 'printer.local', 'db.internal', 'metadata.google.internal', 'single', 'good.example.', '.good.example', 'good..example',
    '-good.example', 'good-.example', 'good_x.example', `${'a'.repeat(64)}.example`, `${'a.'.repeat(127)}example`, '%67ood.example', 'good%2Eexample', 'xn--%C3%A4.example'])
    found.push(...at(host).slice(0, 2));
  for (const tail of ['%3A', '%3A0', '%3A65536', '%3A99999', `%3A${port}%3A1`, '%3A-1', '%3A+1', '%3A1e3', '%3A08443', '%3A443%2F', '%3a443%2e', '%2F', '%3F', '%23', '%5C', '%00', '%0d%0a', '%20', '%2Fx', '%5Cx'])
    found.push(`did:web:good.example${tail}`);
  for (const path of [':..:x', ':.:x', ':%2e%2e:x', ':%2E%2e:x', ':.%2e:x', ':a::b', ':a%2Fb', ':a%5Cb', ':a%3Fb', ':a%23b', ':a%00b', ':a%0d%0ab', ':a%25%32%46b', ':%2e', ':a%20b', ':a%3Ab'])
    found.push(`did:web:good.example%3A8443${path}`);
  return [...new Set(found)].map((did) => ({ did, type: 'INVALID_DID' }));
}

// Names and what their servers answer: A and AAAA records, now and (a list of lists) the next time.
const PUBLIC6 = '2d00::1'; // global unicast that nobody has: connecting there ends at the first router
export const answers = [
  ...['0.1.2.3', '10.1.2.3', '100.64.0.1', '127.0.0.1', '127.255.255.254', '169.254.169.254', '172.16.0.1', '172.31.255.255', '192.0.0.1', '192.0.2.1', '192.88.99.1', '192.168.0.1', '198.18.0.1',
    '198.19.255.255', '198.51.100.1', '203.0.113.1', '224.0.0.1', '239.255.255.255', '240.0.0.1', '255.255.255.255'].map((a) => ({ a: [a] })),
  ...['::', '::1', '::7f00:1', '::ffff:127.0.0.1', '::ffff:10.0.0.1', '::ffff:169.254.169.254', '64:ff9b::7f00:1', '64:ff9b::a00:1', '64:ff9b:1::1', '100::1', '2001::1', '2001:db8::1', '2002:7f00:1::',
    '2002:c0a8:1::', '3fff::1', '5f00::1', 'fc00::1', 'fdff::1', 'fe80::1', 'fec0::1', 'ff02::1', '4000::1', 'e000::1'].map((aaaa) => ({ aaaa: [aaaa] })),
  { a: ['127.0.0.1'], aaaa: [PUBLIC6] }, { a: ['10.0.0.1', '192.168.0.1'] }, { aaaa: [PUBLIC6, '::1'] }, { aaaa: ['::1', PUBLIC6] },
  { a: [...Array(15)].map((_, i) => `10.0.0.${i + 1}`) }, { aaaa: [...[...Array(20)].map((_, i) => `2d00::${i + 1}`), 'fe80::1'] }, { a: ['127.0.0.1'], cname: true },
].map((row, i) => ({ ...row, host: `h${i}.names.example`, type: 'INTERNAL_ERROR', detail: /not on the public internet/ }));

export const unanswered = [{ host: 'none.names.example', type: 'INTERNAL_ERROR', detail: /name has no address/ }];

// What a server does, by the last segment of the path; done(res, did, trap) with the DID that was asked for.
const pour = (res, block) => {
  const more = () => { while (!res.destroyed && res.write(block)); };
  res.on('drain', more);
  more();
};
const to = (where) => (res, did, trap) => res.writeHead(302, { Location: where.replace('TRAP', trap) }).end();
const says = (text) => (res, did) => res.end(text.replaceAll('DID', did));
const deep = (n) => `{"id":"DID","x":${'['.repeat(n)}${']'.repeat(n)}}`;

export const misbehaviours = (gzip) => {
  const bomb = gzip(Buffer.alloc(50_000_000, ' '));
  const failed = (detail) => ({ type: 'INTERNAL_ERROR', detail });
  const invalid = (detail) => ({ type: 'INVALID_DID_DOCUMENT', detail });
  return {
    gone: { type: 'NOT_FOUND', detail: /410/, done: (res) => res.writeHead(410).end() },
    missing: { type: 'NOT_FOUND', detail: /404/, done: (res, did) => res.writeHead(404).end(JSON.stringify({ id: did })) },
    broken: { ...failed(/500/), done: (res) => res.writeHead(500).end() },
    teapot: { ...failed(/418/), done: (res, did) => res.writeHead(418).end(JSON.stringify({ id: did })) },
    partial: { ...failed(/206/), done: (res, did) => res.writeHead(206).end(JSON.stringify({ id: did })) },
    nothing: { ...failed(/204/), done: (res) => res.writeHead(204).end() },
    'to-loopback': { ...failed(/redirect/), done: to('https://127.0.0.1:TRAP/did.json') },
    'to-http': { ...failed(/redirect/), done: to('http://127.0.0.1:TRAP/did.json') },
    'to-six': { ...failed(/redirect/), done: to('https://[::1]:TRAP/did.json') },
    'to-metadata': { ...failed(/redirect/), done: to('http://169.254.169.254/latest/meta-data/') },
    'to-other': { ...failed(/redirect/), done: to('https://other.example/did.json') },
    'to-self': { ...failed(/redirect/), done: to('/good/did.json') },
    'to-scheme': { ...failed(/redirect/), done: to('//127.0.0.1:TRAP/did.json') },
    'to-file': { ...failed(/redirect/), done: to('file:///etc/passwd') },
    'to-gopher': { ...failed(/redirect/), done: to('gopher://127.0.0.1:TRAP/_x') },
    'to-userinfo': { ...failed(/redirect/), done: to('https://good.example:8443@127.0.0.1:TRAP/') },
    'to-many': { ...failed(/redirect/), done: (res) => res.writeHead(300, { Location: '/good/did.json' }).end('x'.repeat(5000)) },
    slow: { ...failed(/in time/), done: (res) => { const timer = setInterval(() => res.write(' '), 100); res.on('close', () => clearInterval(timer)); } },
    hang: { ...failed(/in time/), done: () => {} },
    endless: { ...failed(/larger/), done: (res) => pour(res, Buffer.alloc(65536, ' ')) },
    announced: { ...failed(/larger/), done: (res) => { res.setHeader('Content-Length', '100000000'); res.write(' '); } },
    large: { ...failed(/larger/), done: (res, did) => res.end(JSON.stringify({ id: did, x: 'x'.repeat(70000) })) },
    heads: { ...failed(/larger/), done: (res) => { for (let i = 0; i < 200; i++) res.setHeader(`X-${i}`, 'x'.repeat(400)); res.end('{}'); } },
    bomb: { ...failed(/compressed/), done: (res) => res.setHeader('Content-Encoding', 'gzip').end(bomb) },
    deflate: { ...failed(/compressed/), done: (res) => res.setHeader('Content-Encoding', 'deflate').end(bomb) },
    unnamed: { ...failed(/larger|cut short/), done: (res) => res.end(gzip(Buffer.from([...Array(300000)].map(() => Math.floor(Math.random() * 256))))) },
    cut: { ...failed(/cut short/), done: (res) => { res.socket.write('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n0123456789'); setTimeout(() => res.socket.destroy(), 20); } },
    garbage: { ...failed(/cut short/), done: (res) => res.socket.end('SSH-2.0-OpenSSH_9.2\r\n') },
    html: { ...invalid(/byte/), done: says('<html></html>') },
    empty: { ...invalid(/byte/), done: says('') },
    bom: { ...invalid(/byte/), done: says('\ufeff{"id":"DID"}') },
    cutjson: { ...invalid(/byte/), done: says('{"id":"DID"') },
    trailing: { ...invalid(/byte/), done: says('{"id":"DID"}{}') },
    twice: { ...invalid(/byte/), done: says('{"id":"did:web:other.example","id":"DID"}') },
    twicedeep: { ...invalid(/byte/), done: says('{"id":"DID","x":[{"a":1,"a":2}]}') },
    escapedtwice: { ...invalid(/byte/), done: says('{"id":"DID","\\u0069d":"did:web:other.example"}') },
    deep16: { ...invalid(/byte/), done: says(deep(16)) },
    deep1000: { ...invalid(/byte/), done: says(deep(1000)) },
    deep30000: { ...invalid(/byte/), done: says(deep(30000)) },
    utf8: { ...invalid(/byte/), done: (res, did) => res.end(Buffer.concat([Buffer.from(`{"id":"${did}","x":"`), Buffer.from([0xff]), Buffer.from('"}')])) },
    nul: { ...invalid(/byte/), done: says('{"id":"DID","x":"\\u0000"}') },
    list: { ...invalid(/object/), done: says('[{"id":"DID"}]') },
    noid: { ...invalid(/no id/), done: says('{}') },
    other: { ...invalid(/another DID/), done: says('{"id":"did:web:other.example"}') },
    upper: { ...invalid(/another DID/), done: (res, did) => res.end(JSON.stringify({ id: did.replace('example', 'EXAMPLE') })) },
    fragment: { ...invalid(/another DID/), done: says('{"id":"DID#x"}') },
    relative: { ...invalid(/absolute DID URL/), done: says('{"id":"DID","authentication":["#k"]}') },
    keyless: { ...invalid(/no type/), done: says('{"id":"DID","verificationMethod":[{"id":"DID#k","controller":"DID"}]}') },
    samekeys: { ...invalid(/two have one id/), done: says('{"id":"DID","verificationMethod":[{"id":"DID#k","type":"T","controller":"DID"},{"id":"DID#k","type":"T","controller":"DID"}]}') },
    wrong: { ...invalid(/alsoKnownAs/), done: says('{"id":"DID","alsoKnownAs":"https://a.example"}') },
    service: { ...invalid(/service/), done: says('{"id":"DID","service":[{"id":"DID#s"}]}') },
  };
};
