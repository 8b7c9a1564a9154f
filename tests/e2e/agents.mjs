// What an agent's own software does, by ethers and docs/formats.md: keys, registering, changing the wallet, signing.
import fs from 'node:fs';
import path from 'node:path';
import { REGISTRY, artefact, ethers } from '../chain/lib.mjs';
import { settled } from './harness.mjs';
import { digestOf, hash, keyText, signDigest, spoken, statement, uidText } from '../vectors/format.mjs';

export { ethers, keyText };
export const registry = artefact('tests/contracts/IdentityRegistryDouble.json');

const WALLET_TYPES = {
  AgentWalletSet: [
    { name: 'agentId', type: 'uint256' }, { name: 'newWallet', type: 'address' }, { name: 'owner', type: 'address' },
    { name: 'deadline', type: 'uint256' },
  ],
};

// A key in kedge's own form: one line of hex, 0600.
export function saveKey(stack, name, wallet) {
  const file = path.join(stack.state, `${name}.key`);
  fs.writeFileSync(file, `${wallet.privateKey.slice(2)}\n`, { mode: 0o600 });
  return file;
}

export const loadKey = (file) => new ethers.Wallet('0x' + fs.readFileSync(file, 'utf8').trim());

export async function fund(stack, ...addresses) {
  for (const address of addresses) await stack.chain.cheat('anvil_setBalance', address, '0x3635c9adc5dea00000');
}

export async function registerBy(stack, wallet, uri = '') {
  const got = await stack.chain.sendSigned(wallet, REGISTRY, registry.face.encodeFunctionData('register(string)', [uri]));
  if (got.status !== '0x1') throw new Error('register failed');
  for (const log of got.logs) {
    const event = registry.face.parseLog(log);
    if (event?.name === 'Registered') return { id: event.args.agentId, block: Number(got.blockNumber) };
  }
  throw new Error('no Registered event');
}

// Every worker takes this agent for one that exists.
export const agentSafe = (stack, id) => settled(`agent ${id}`, async () => {
  const { status, body } = await stack.http(`/v1/agents/${id}`);
  return status === 200 && JSON.parse(body).safe.exists;
});

// The registry's own typed data, signed by the new wallet and sent by the owner.
export async function changeWallet(stack, owner, id, wallet) {
  const deadline = (await stack.chain.time()) + 240;
  const domain = { name: 'ERC8004IdentityRegistry', version: '1', chainId: stack.record.chainId, verifyingContract: REGISTRY };
  const said = { agentId: id, newWallet: wallet.address, owner: owner.address, deadline };
  const signature = await wallet.signTypedData(domain, WALLET_TYPES, said);
  const data = registry.face.encodeFunctionData('setAgentWallet', [id, wallet.address, deadline, signature]);
  const got = await stack.chain.sendSigned(owner, REGISTRY, data);
  if (got.status !== '0x1') throw new Error('setAgentWallet failed');
  return Number(got.blockNumber);
}

let made = 0;
export function claim(issuer, subject, over = {}) {
  return {
    schemaVersion: 'attestation/v1', id: '0x' + hash(`attestation ${process.pid} ${made++}`), issuer: String(issuer), issuerKind: 'agent',
    subject: String(subject), claim: { type: 'peer.assessment', data: { tag: 'reliable', n: made } }, issuedAt: new Date().toISOString(),
    ...over,
  };
}

export const uidOf = (submission) => hash(uidText(submission));
export const said = (stack, submission, issuer, subject) =>
  statement(uidOf(submission), submission, keyText(issuer), keyText(subject), stack.origin);
export const message = (stack, submission, issuer, subject) => spoken(said(stack, submission, issuer, subject));

// The submission with its proof. issuer and subject are ids, however the attestation spells them.
export function sign(stack, wallet, submission, { issuer = submission.attestation.issuer, subject = submission.attestation.subject,
  method = 'eip712' } = {}) {
  const digest = digestOf(method, said(stack, submission, issuer, subject));
  return { ...submission, proof: { type: method, signature: signDigest(wallet.privateKey, digest) } };
}
