import { onchainTable, primaryKey, index } from 'ponder';

// What kedge keeps: every event, every state of an agent by block, and the states of now.
export const event = onchainTable('event', (t) => ({
  block: t.bigint().notNull(), logIndex: t.integer().notNull(), tx: t.hex().notNull(), agent: t.bigint().notNull(), kind: t.integer().notNull(),
  a: t.hex(), b: t.hex(), key: t.text(), value: t.text(),
}), (table) => ({ pk: primaryKey({ columns: [table.block, table.logIndex] }), byAgent: index().on(table.agent, table.block) }));

export const state = onchainTable('state', (t) => ({
  agent: t.bigint().notNull(), block: t.bigint().notNull(), owner: t.hex().notNull(), wallet: t.hex(), uri: t.text().notNull(),
}), (table) => ({ pk: primaryKey({ columns: [table.agent, table.block] }) }));

export const agent = onchainTable('agent', (t) => ({
  id: t.bigint().primaryKey(), owner: t.hex().notNull(), wallet: t.hex(), uri: t.text().notNull(),
}), (table) => ({ byOwner: index().on(table.owner), byWallet: index().on(table.wallet) }));
