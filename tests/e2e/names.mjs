// A name server of the test's own: A and AAAA records of a table, nothing lives long, and every question is kept.
import dgram from 'node:dgram';

const A = 1, CNAME = 5, AAAA = 28, NXDOMAIN = 3;

function v6(text) {
  const mapped = text.match(/^(.*:)(\d+)\.(\d+)\.(\d+)\.(\d+)$/);
  const plain = mapped ? `${mapped[1]}${((+mapped[2] << 8) | +mapped[3]).toString(16)}:${((+mapped[4] << 8) | +mapped[5]).toString(16)}` : text;
  const [left, right] = plain.split('::').map((half) => half.split(':').filter(Boolean));
  const groups = right ? [...left, ...Array(8 - left.length - right.length).fill('0'), ...right] : left;
  return Buffer.from(groups.flatMap((group) => [parseInt(group, 16) >> 8, parseInt(group, 16) & 255]));
}

const labels = (name) => Buffer.concat([...name.split('.').map((label) => Buffer.from([label.length, ...Buffer.from(label)])), Buffer.from([0])]);

function record(name, type, data) {
  const head = Buffer.alloc(10);
  head.writeUInt16BE(type, 0);
  head.writeUInt16BE(1, 2);
  head.writeUInt16BE(data.length, 8); // and a TTL of zero
  return Buffer.concat([name, head, data]);
}

export class Names {
  asked = [];

  // find(name, times asked before) gives { a, aaaa, cname }, or nothing where there is no such name
  constructor(find) {
    this.find = find;
    this.socket = dgram.createSocket('udp4', (packet, from) => this.#answer(packet, from));
  }

  async start() {
    await new Promise((resolve) => this.socket.bind(0, '127.0.0.1', resolve));
    this.socket.unref();
    this.port = this.socket.address().port;
    return this;
  }

  times(name) {
    return this.asked.filter((question) => question.name === name);
  }

  #answer(packet, from) {
    const parts = [];
    let at = 12;
    while (packet[at]) {
      parts.push(packet.subarray(at + 1, at + 1 + packet[at]).toString('latin1'));
      at += 1 + packet[at];
    }
    const name = parts.join('.').toLowerCase();
    const type = packet.readUInt16BE(at + 1);
    const found = this.find(name, this.asked.filter((question) => question.name === name && question.type === type).length);
    this.asked.push({ name, type });
    const own = Buffer.from([0xc0, 12]);
    const alias = labels(`alias.${name}`);
    const rows = !found ? [] : type === A ? (found.a ?? []).map((text) => Buffer.from(text.split('.').map(Number))) : type === AAAA ? (found.aaaa ?? []).map(v6) : [];
    const records = rows.map((data) => record(found.cname ? alias : own, type, data));
    if (found?.cname && rows.length) records.unshift(record(own, CNAME, alias));
    const head = Buffer.alloc(12);
    head.writeUInt16BE(packet.readUInt16BE(0), 0);
    head.writeUInt16BE(0x8180 | (found ? 0 : NXDOMAIN), 2);
    head.writeUInt16BE(1, 4);
    head.writeUInt16BE(records.length, 6);
    this.socket.send(Buffer.concat([head, packet.subarray(12, at + 5), ...records]), from.port, from.address);
  }
}
