// Accounts of every namespace served and their did:pkh documents (docs/formats.md section 13): the documents as the vectors of the
// did:pkh draft show them, the accounts as ChainAgnostic/namespaces describes them.
import { ethers, hash } from './format.mjs';
import { base58, base58check, bech32 } from './base58.mjs';

const bytes = (name, length) => Buffer.from(hash(`account ${name}`) + hash(`account ${name} more`), 'hex').subarray(0, length);
const versioned = (version, body) => base58check(Buffer.concat([Buffer.from(version), body]));
const lower = '0x' + bytes('ethereum', 20).toString('hex');

const BITCOIN = '000000000019d6689c085ae165831e93';
const LITECOIN = '12a765e31ffd4059bada1e25190f6e98';
const SOLANA = '5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp';
const TEZOS = versioned([0x57, 0x52, 0x00], Buffer.from('7a06a770', 'hex')); // NetXdQprcVkpaWU
const TZ = { tz1: [0x06, 0xa1, 0x9f], tz2: [0x06, 0xa1, 0xa1], tz3: [0x06, 0xa1, 0xa4] };

const SECURITY = 'https://w3id.org/security#';
const RECOVERY = 'EcdsaSecp256k1RecoveryMethod2020';
const IRI = {
  [RECOVERY]: `https://identity.foundation/EcdsaSecp256k1RecoverySignature2020#${RECOVERY}`,
  RsaVerificationKey2018: 'https://w3c-ccg.github.io/security-vocab/#RsaVerificationKey2018',
};

// `methods`: [fragment, type]
function document(account, methods, publicKeyJwk) {
  const id = `did:pkh:${account}`;
  const terms = { blockchainAccountId: `${SECURITY}blockchainAccountId` };
  if (publicKeyJwk) terms.publicKeyJwk = { '@id': `${SECURITY}publicKeyJwk`, '@type': '@json' };
  for (const [, type] of methods) terms[type] = IRI[type] ?? SECURITY + type;
  const ids = methods.map(([fragment]) => `${id}#${fragment}`);
  return {
    '@context': ['https://www.w3.org/ns/did/v1', terms], id,
    verificationMethod: methods.map(([fragment, type]) => ({
      id: `${id}#${fragment}`, type, controller: id, blockchainAccountId: account, ...(publicKeyJwk ? { publicKeyJwk } : {}) })),
    authentication: ids, assertionMethod: ids, capabilityDelegation: ids, capabilityInvocation: ids,
  };
}

const recovery = (account) => document(account, [['blockchainAccountId', RECOVERY]]);
const solana = (key) => document(`solana:${SOLANA}:${base58(key)}`,
  [['controller', 'Ed25519VerificationKey2018'], ['SolanaMethod2021', 'SolanaMethod2021']],
  { kty: 'OKP', crv: 'Ed25519', x: key.toString('base64url') });
const tezos = (kind, type) => document(`tezos:${TEZOS}:${versioned(TZ[kind], bytes(kind, 20))}`,
  [['blockchainAccountId', type], ['TezosMethod2021', 'TezosMethod2021']]);
const arweave = (chain, key) => document(`arweave:${chain}:${key.toString('base64url').replaceAll('_', '%5F')}`,
  [['blockchainAccountId', 'RsaVerificationKey2018']]);

// A key whose text has the one character that CAIP-10 lacks, and one whose bytes begin with zeros.
const underscored = Buffer.from('ff'.repeat(4) + bytes('underscored', 28).toString('hex'), 'hex');
const zeros = Buffer.concat([Buffer.alloc(5), bytes('zeros', 27)]);

export function accountVectors() {
  const documents = [
    recovery(`eip155:1:${lower}`), recovery(`eip155:8453:${ethers.getAddress(lower)}`), recovery(`eip155:0:${lower}`),
    recovery(`bip122:${BITCOIN}:${versioned([0x00], bytes('p2pkh', 20))}`), recovery(`bip122:${BITCOIN}:${versioned([0x05], bytes('p2sh', 20))}`),
    recovery(`bip122:${LITECOIN}:${versioned([0x30], bytes('litecoin', 20))}`),
    recovery(`bip122:${BITCOIN}:${bech32('bc', 0, bytes('p2wpkh', 20))}`), recovery(`bip122:${BITCOIN}:${bech32('bc', 0, bytes('p2wsh', 32))}`),
    recovery(`bip122:${BITCOIN}:${bech32('bc', 1, bytes('p2tr', 32))}`), recovery(`bip122:${LITECOIN}:${bech32('ltc', 0, bytes('ltc', 20))}`),
    recovery(`bip122:${BITCOIN}:${bech32('bc', 16, bytes('short', 2))}`),
    solana(bytes('solana', 32)), solana(zeros), solana(Buffer.alloc(32)), solana(Buffer.alloc(32, 0xff)),
    tezos('tz1', 'Ed25519PublicKeyBLAKE2BDigestSize20Base58CheckEncoded2021'), tezos('tz2', RECOVERY),
    tezos('tz3', 'P256PublicKeyBLAKE2BDigestSize20Base58CheckEncoded2021'),
    arweave('7wIU', bytes('arweave', 32)), arweave('1', underscored),
  ];
  const p2pkh = versioned([0x00], bytes('p2pkh', 20));
  const p2wpkh = bech32('bc', 0, bytes('p2wpkh', 20));
  const key = bytes('arweave', 32).toString('base64url');
  const tz1 = versioned(TZ.tz1, bytes('tz1', 20));
  const swapped = (text, at) => text.slice(0, at) + text[at + 1] + text[at] + text.slice(at + 2);
  const refused = [
    [`eip155:01:${lower}`, 'leading zero'], [`eip155:1:${lower.toUpperCase()}`, 'upper case'], [`eip155:1:${lower.slice(2)}`, 'no 0x'],
    [`bip122:${BITCOIN}:${swapped(p2pkh, 9)}`, 'checksum'], [`bip122:${BITCOIN}:${p2pkh}1`, 'too long'], [`bip122:${BITCOIN}:1${p2pkh}`, 'another zero byte'],
    [`bip122:${BITCOIN}:${base58(Buffer.concat([Buffer.of(0), bytes('p2pkh', 20), Buffer.alloc(4)]))}`, 'no checksum'],
    [`bip122:${BITCOIN}:${versioned([0x00], bytes('p2pkh', 21))}`, '21 bytes of hash'], [`bip122:${BITCOIN}:${versioned([0x00], bytes('p2pkh', 19))}`, '19'],
    [`bip122:${BITCOIN.slice(1)}:${p2pkh}`, '31 digits of a genesis'], [`bip122:${LITECOIN.toUpperCase()}:${p2pkh}`, 'upper case genesis'],
    [`bip122:${BITCOIN}:${p2wpkh.toUpperCase()}`, 'upper case is another spelling'], [`bip122:${BITCOIN}:${swapped(p2wpkh, 12)}`, 'bech32 checksum'],
    [`bip122:${BITCOIN}:${bech32('bc', 0, bytes('p2wpkh', 20), { constant: 0x2bc830a3n })}`, 'bech32m of version 0'],
    [`bip122:${BITCOIN}:${bech32('bc', 1, bytes('p2tr', 32), { constant: 1n })}`, 'bech32 of version 1'],
    [`bip122:${BITCOIN}:${bech32('bc', 0, bytes('p2wpkh', 21))}`, 'version 0 of 21 bytes'], [`bip122:${BITCOIN}:${bech32('bc', 1, bytes('p2tr', 41))}`, '41 bytes'],
    [`bip122:${BITCOIN}:${bech32('bc', 1, bytes('p2tr', 1))}`, 'one byte'], [`bip122:${BITCOIN}:${bech32('bc', 17, bytes('p2tr', 32))}`, 'version 17'],
    [`bip122:${BITCOIN}:${bech32('bc', 1, [], { words: [0, 0, 0, 1] })}`, 'padding that is not zero'],
    [`bip122:${BITCOIN}:${bech32('bc', 1, [], { words: [0, 0, 0, 0, 0, 0] })}`, 'five bits left over'], [`bip122:${BITCOIN}:${bech32('', 0, bytes('p2wpkh', 20))}`, 'no prefix'],
    [`bip122:${BITCOIN}:bc1`, 'nothing'], [`bip122:${BITCOIN}:bc1q${'q'.repeat(100)}`, 'too long'], [`bip122:${BITCOIN}:x`, 'nothing known'],
    [`solana:${SOLANA}:${base58(bytes('solana', 31))}`, '31 bytes'], [`solana:${SOLANA}:${base58(Buffer.concat([Buffer.of(1), bytes('solana', 32)]))}`, '33 bytes'],
    [`solana:${SOLANA}:1${base58(bytes('solana', 32))}`, 'a zero byte more'], [`solana:${SOLANA}:${'0'.repeat(43)}`, 'no base58'],
    [`solana:${SOLANA.slice(1)}:${base58(bytes('solana', 32))}`, '31 characters of a genesis'], [`solana:${'0'.repeat(32)}:${base58(bytes('solana', 32))}`, 'no base58 either'],
    [`tezos:${TEZOS}:${swapped(tz1, 9)}`, 'checksum'], [`tezos:${swapped(TEZOS, 7)}:${tz1}`, 'checksum of the chain'],
    [`tezos:${TEZOS}:${versioned([0x06, 0xa1, 0xa6], bytes('tz4', 20))}`, 'tz4'], [`tezos:${TEZOS}:${versioned([0x02, 0x5a, 0x79], bytes('KT1', 20))}`, 'KT1'],
    [`tezos:${TEZOS}:${versioned(TZ.tz1, bytes('tz1', 21))}`, '21 bytes'], [`tezos:mainnet:${tz1}`, 'no chain'],
    [`arweave:7wIU:${key.slice(1)}`, '42 characters'], [`arweave:7wIU:${key}A`, '44 characters'], [`arweave:7wIU:${key.slice(0, -1)}B`, 'bits left over'],
    [`arweave:1:${underscored.toString('base64url')}`, 'an underscore, which CAIP-10 lacks'],
    [`arweave:1:${underscored.toString('base64url').replaceAll('_', '%5f')}`, 'lower-case escape'], [`arweave:1:%41${key.slice(1)}`, 'an escape too many'],
  ].map(([account, why]) => ({ did: `did:pkh:${account}`, why }));
  const unserved = ['cosmos:cosmoshub-3:cosmos1t2uflqwqe0fsj0shcfkrvpukewcw40yjj6hdc0', 'hedera:mainnet:0.0.1234567890-zbhlt', 'abc:a_b:x.y-z']
    .map((account) => ({ did: `did:pkh:${account}`, namespace: account.split(':')[0] }));
  return { documents, refused, unserved };
}
