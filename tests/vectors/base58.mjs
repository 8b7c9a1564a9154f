// base58btc, Base58Check and Bech32 by their own papers (draft-msporny-base58, BIP 173, BIP 350): with BigInt, and only to write.
import { createHash } from 'node:crypto';

const ALPHABET = '123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz';
const sha256 = (bytes) => createHash('sha256').update(bytes).digest();

export function base58(bytes) {
  let n = BigInt('0x0' + Buffer.from(bytes).toString('hex'));
  let text = '';
  for (; n > 0n; n /= 58n) text = ALPHABET[Number(n % 58n)] + text;
  const zeros = [...bytes].findIndex((byte) => byte !== 0);
  return '1'.repeat(zeros < 0 ? bytes.length : zeros) + text;
}

export const base58check = (bytes) => base58(Buffer.concat([bytes, sha256(sha256(bytes)).subarray(0, 4)]));

const CHARS = 'qpzry9x8gf2tvdw0s3jn54khce6mua7l';

function checksum(prefix, words, constant) {
  const input = [...[...prefix].map((c) => c.charCodeAt(0) >> 5), 0, ...[...prefix].map((c) => c.charCodeAt(0) & 31), ...words, 0, 0, 0, 0, 0, 0];
  // as a polynomial over GF(32), reduced by the generator one word at a time
  let sum = 1n;
  for (const word of input) {
    const top = sum >> 25n;
    sum = ((sum & 0x1ffffffn) << 5n) ^ BigInt(word);
    [0x3b6a57b2n, 0x26508e6dn, 0x1ea119fan, 0x3d4233ddn, 0x2a1462b3n].forEach((g, i) => {
      if ((top >> BigInt(i)) & 1n) sum ^= g;
    });
  }
  sum ^= constant;
  return [25n, 20n, 15n, 10n, 5n, 0n].map((shift) => Number((sum >> shift) & 31n));
}

// `words` for what no encoder would write
export function bech32(prefix, version, program, { constant = version === 0 ? 1n : 0x2bc830a3n, words } = {}) {
  const bits = [...program].map((byte) => byte.toString(2).padStart(8, '0')).join('');
  const five = words ?? (bits.match(/.{1,5}/g) ?? []).map((group) => parseInt(group.padEnd(5, '0'), 2));
  const data = [version, ...five];
  return `${prefix}1${[...data, ...checksum(prefix, data, constant)].map((word) => CHARS[word]).join('')}`;
}
