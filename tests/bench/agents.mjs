// Registers COUNT agents with fresh keys on the local chain and writes "AGENTID HEXKEY" lines.
//   node agents.mjs CHAIN_JSON COUNT > agents.txt
import { readFileSync } from "node:fs";
import { ethers } from "../chain/lib.mjs";

const record = JSON.parse(readFileSync(process.argv[2], "utf8"));
const count = Number(process.argv[3]);
const provider = new ethers.JsonRpcProvider(record.rpc, record.chainId, { staticNetwork: true, batchMaxCount: 100 });
const registry = new ethers.Interface(["function register() returns (uint256)",
  "event Registered(uint256 indexed agentId, string agentURI, address indexed owner)"]);
const wallets = Array.from({ length: count }, () => new ethers.Wallet(ethers.hexlify(ethers.randomBytes(32)), provider));
const fees = { maxFeePerGas: 10n ** 11n, maxPriorityFeePerGas: 10n ** 9n };
for (const wallet of wallets)
  await provider.send("anvil_setBalance", [wallet.address, "0x56bc75e2d63100000"]);
await provider.send("evm_mine", []);
const hashes = [];
for (const wallet of wallets) {
  const raw = await wallet.signTransaction({ type: 2, chainId: record.chainId, nonce: 0, to: record.registry, gasLimit: 400000n,
    data: registry.encodeFunctionData("register()", []), ...fees });
  hashes.push(await provider.send("eth_sendRawTransaction", [raw]));
}
for (let i = 0; i < 8; i++) await provider.send("evm_mine", []);
for (const [i, hash] of hashes.entries()) {
  let receipt = null;
  while (!receipt) receipt = await provider.send("eth_getTransactionReceipt", [hash]);
  const log = receipt.logs.map((l) => registry.parseLog(l)).find((l) => l?.name === "Registered");
  console.log(`${log.args.agentId} ${wallets[i].privateKey.slice(2)}`);
}
provider.destroy();
