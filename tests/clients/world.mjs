// What the parts are tried on: an agent whose wallet was changed twice, one with services, one of another registry, and what is said
// of them outside, so that nothing has to be taken from the gateway's own word.
import fs from 'node:fs';
import { REGISTRY, REGISTRY2 } from '../chain/lib.mjs';
import { agentSafe, changeWallet, ethers, fund, registerBy, registry } from '../e2e/agents.mjs';
import { settled, sleep, until } from '../e2e/harness.mjs';
import { People, profileUrn } from '../e2e/people.mjs';

// A registration file in the URI itself, with every kind of service.
const FILE = {
  type: 'https://eips.ethereum.org/EIPS/eip-8004#registration-v1', name: 'Bob', description: 'keeps promises', image: 'https://bob.example/i.png',
  services: [
    { name: 'A2A', endpoint: 'https://bob.example/.well-known/agent-card.json', version: '0.3.0' },
    { name: 'MCP', endpoint: 'https://bob.example/mcp?x=1&y=2' },
    { name: 'web', endpoint: 'https://bob.example/' },
    { name: 'web', endpoint: 'https://bob.example/second' },
    { name: 'email', endpoint: 'bob@bob.example' },
    { name: 'OASF', endpoint: 'ipfs://bafybeigdyrzt5sfp7udm7hu76uh7y26nf3efuylqabf3oclgtqy55fbzdi' },
    { name: 'Größe & mehr "x" <b>', endpoint: 'https://bob.example/gr%C3%B6%C3%9Fe' },
    { name: 'DID', endpoint: 'did:web:bob.example' },
  ],
  registrations: [{ agentId: 1, agentRegistry: `eip155:31337:${REGISTRY}` }],
};

const dataUri = (value) => `data:application/json;base64,${Buffer.from(JSON.stringify(value)).toString('base64')}`;
const iso = (seconds) => new Date(seconds * 1000).toISOString().replace('.000', '');

async function registerIn(stack, wallet, to, uri) {
  const got = await stack.chain.sendSigned(wallet, to, registry.face.encodeFunctionData('register(string)', [uri]));
  if (got.status !== '0x1') throw new Error('register failed');
}

async function timeOf(stack, number) {
  return Number((await stack.chain.rpc('eth_getBlockByNumber', `0x${number.toString(16)}`, false)).timestamp);
}

// One with two controllers, an agent, a profile and a foreign DID; and one that is no more.
async function participants(stack, alice, bob, carol) {
  const people = new People(stack);
  const profile = { schema: 'coordination-games/enrollment@1.0', season: 1, participant_type: 'human', stakeholder_class: ['player'] };
  const say = (verb, more = {}) => ({ verb, handle: 'alice', ...more });
  await people.change(alice, say('claim'));
  await people.change([alice, bob], say('link', { object: people.pkh(bob), controller: true }));
  await people.change(alice, say('link', { object: people.agentDid(0) }));
  await people.change(alice, say('link', { object: 'did:web:alice.example' }));
  await people.change(alice, say('profile', { object: profileUrn(profile) }), profile);
  await people.change(carol, say('claim', { handle: 'carol' }));
  await people.change(carol, say('erase', { handle: 'carol' }));
}

export async function build(stack) {
  const [alice, first, second, bob, carol] = Array.from({ length: 5 }, () => ethers.Wallet.createRandom());
  await fund(stack, alice.address, bob.address, carol.address);
  await registerBy(stack, alice);
  await registerBy(stack, bob, dataUri(FILE));
  await registerIn(stack, carol, REGISTRY2, '');
  await agentSafe(stack, 1);
  const set = await changeWallet(stack, alice, 0, first);
  // each change in a second of its own, so that an instant tells one from the other
  const after = await timeOf(stack, set);
  await until('the next second', async () => (await stack.chain.time()) > after + 1);
  const changed = await changeWallet(stack, alice, 0, second);
  await participants(stack, alice, bob, carol);
  const did = `did:web:${stack.host.replace(':', '%3A')}`;
  const document = async (tail) => (await stack.http(`/${tail}/did.json`)).json();
  await settled('the new wallet', async () => JSON.stringify(await document('agent/31337/0')).includes(second.address), 30000, 24);
  await settled('the services', async () => (await document('agent/31337/1')).service, 30000, 24);
  await settled('both versions', async () => (await stack.http(`/1.0/identifiers/${did}:agent:31337:0?versionId=${changed}`)).status === 200, 30000, 12);
  await sleep(1100); // tokens are made in whole seconds
  return {
    url: stack.url, host: stack.host, did, kedge: stack.kedge, chainId: stack.record.chainId, state: stack.state,
    agent: `${did}:agent:31337:0`, services: `${did}:agent:31337:1`,
    participant: `${did}:character:alice`, erased: `${did}:character:carol`,
    other: `${did}:agent:eip155:31337:${REGISTRY2.toLowerCase()}:0`, absent: `${did}:agent:31337:999`,
    file: FILE, alice: key(alice), first: key(first), second: key(second), bob: key(bob), carol: key(carol),
    blocks: { set, changed }, times: { set: iso(after), before: iso((await timeOf(stack, changed)) - 1), changed: iso(await timeOf(stack, changed)) },
  };
}

const key = (wallet) => ({ address: wallet.address, privateKey: wallet.privateKey });

// In a part.
export const world = () => JSON.parse(fs.readFileSync(process.env.KEDGE_WORLD, 'utf8'));

// One line a thing that was seen; the part fails at the first that is not so.
export async function check(part, steps) {
  try {
    const seen = await steps();
    console.log(`${part}: ${seen}`);
  } catch (e) {
    console.error(`${part}: ${e.stack ?? e}`);
    process.exit(1);
  }
  process.exit(0);
}

// fetch() as every client of this folder has it, JSON read where there is some.
export async function get(url, accept, more = {}) {
  const answer = await fetch(url, { redirect: 'manual', ...more, headers: { ...(accept ? { accept } : {}), ...more.headers } });
  const text = await answer.text();
  let json;
  try {
    json = JSON.parse(text);
  } catch { /* no JSON */ }
  return { status: answer.status, type: answer.headers.get('content-type') ?? '', headers: answer.headers, text, json };
}
