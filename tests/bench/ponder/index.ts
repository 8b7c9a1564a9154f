import { ponder } from 'ponder:registry';
import { agent, event, state } from 'ponder:schema';

type Change = { owner?: `0x${string}`; wallet?: `0x${string}` | null; uri?: string };

async function put({ event: e, context }: any, id: bigint, row: any, change: Change | null) {
  const { db } = context;
  await db.insert(event).values({ block: e.block.number, logIndex: e.log.logIndex, tx: e.transaction.hash, agent: id, ...row });
  if (!change) return;
  const now = await db.insert(agent).values({ id, owner: '0x', wallet: null, uri: '', ...change }).onConflictDoUpdate(change);
  const { owner, wallet, uri } = now;
  await db.insert(state).values({ agent: id, block: e.block.number, owner, wallet, uri }).onConflictDoUpdate({ owner, wallet, uri });
}

ponder.on('Registry:Transfer', (given: any) =>
  put(given, given.event.args.id, { kind: 1, a: given.event.args.from, b: given.event.args.to }, { owner: given.event.args.to }));
ponder.on('Registry:Registered', (given: any) =>
  put(given, given.event.args.id, { kind: 2, a: given.event.args.owner, value: given.event.args.uri }, { uri: given.event.args.uri }));
ponder.on('Registry:URIUpdated', (given: any) =>
  put(given, given.event.args.id, { kind: 3, a: given.event.args.by, value: given.event.args.uri }, { uri: given.event.args.uri }));
ponder.on('Registry:MetadataSet', (given: any) => {
  const { id, key, value } = given.event.args;
  return put(given, id, { kind: 4, key, value }, key === 'agentWallet' ? { wallet: value === '0x' ? null : value } : null);
});
