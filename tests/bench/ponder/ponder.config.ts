// The same events for ponder: see backfill.sh.
import { createConfig } from 'ponder';

const abi = [
  { type: 'event', name: 'Transfer', inputs: [{ name: 'from', type: 'address', indexed: true }, { name: 'to', type: 'address', indexed: true }, { name: 'id', type: 'uint256', indexed: true }] },
  { type: 'event', name: 'Registered', inputs: [{ name: 'id', type: 'uint256', indexed: true }, { name: 'uri', type: 'string', indexed: false }, { name: 'owner', type: 'address', indexed: true }] },
  { type: 'event', name: 'URIUpdated', inputs: [{ name: 'id', type: 'uint256', indexed: true }, { name: 'uri', type: 'string', indexed: false }, { name: 'by', type: 'address', indexed: true }] },
  {
    type: 'event', name: 'MetadataSet',
    inputs: [{ name: 'id', type: 'uint256', indexed: true }, { name: 'hashed', type: 'string', indexed: true }, { name: 'key', type: 'string', indexed: false }, { name: 'value', type: 'bytes', indexed: false }],
  },
] as const;

export default createConfig({
  database: { kind: 'postgres', connectionString: process.env.KEDGE_BENCH_PG! },
  chains: { local: { id: 31337, rpc: process.env.KEDGE_BENCH_URL! } },
  contracts: {
    Registry: { chain: 'local', abi, address: '0x8004a169fb4a3325136eb29fa0ceb6d2e539a432', startBlock: 1, endBlock: Number(process.env.KEDGE_BENCH_END) },
  },
});
