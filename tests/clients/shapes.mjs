// Every kind of DID document that this gateway serves, and what there must be in it. A new kind is a line here; every part that
// goes over documents goes over these.
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const here = path.dirname(fileURLToPath(import.meta.url));
const accounts = JSON.parse(fs.readFileSync(path.join(here, '../vectors/accounts.json'), 'utf8')).documents;

// did: of the world; web: it has a did.json of its own; keys, services: how many it must list
export const shapes = (w) => [
  { name: 'host', did: w.did, web: true, keys: 2, services: 4 },
  { name: 'agent', did: w.agent, web: true, keys: 2, services: 0 },
  { name: 'agent with services', did: w.services, web: true, keys: 2, services: 8 },
  { name: 'agent of another registry', did: w.other, web: true, keys: 2, services: 0 },
  { name: 'participant', did: w.participant, web: true, keys: 2, services: 0 },
  { name: 'agent as of a block', did: w.agent, query: `versionId=${w.blocks.set}`, keys: 2, services: 0 },
  ...accounts.map(({ id, verificationMethod }) => ({ name: id.split(':').slice(2, 3).join(), did: id, keys: verificationMethod.length, services: 0 })),
];

// Where a did:web document is, by the method's own rule.
export function addressOf(did) {
  const [host, ...tail] = did.slice('did:web:'.length).split(':');
  return `https://${decodeURIComponent(host)}/${tail.length ? tail.join('/') : '.well-known'}/did.json`;
}

export const resolverAddress = (w, { did, query }) => `${w.url}/1.0/identifiers/${encodeURIComponent(did)}${query ? `?${query}` : ''}`;

// DIDs that were given up: 410, and no document.
export const deactivated = (w) => [w.erased];
