// Compiles the project's Solidity and writes, or with --check compares, the committed artefacts.
import fs from 'node:fs';
import path from 'node:path';
import { createRequire } from 'node:module';
import { fileURLToPath, pathToFileURL } from 'node:url';

const here = path.dirname(fileURLToPath(import.meta.url));
const root = path.resolve(here, '../..');
const solc = createRequire(import.meta.url)('solc');

// artefact <- contract of source; a proxy is placed by its runtime code, everything else is deployed. The official
// registry's ABI is the double's: the tests hold both against the recorded one.
const artefacts = [
  { file: 'contracts-abi/KedgeAnchor.json', source: 'contracts-abi/KedgeAnchor.sol', contract: 'KedgeAnchor' },
  { file: 'tests/contracts/IdentityRegistryDouble.json', source: 'tests/contracts/IdentityRegistryDouble.sol',
    contract: 'IdentityRegistryDouble' },
  { file: 'contracts-abi/IdentityRegistry.json', source: 'tests/contracts/IdentityRegistryDouble.sol',
    contract: 'IdentityRegistryDouble', abiOnly: true },
  { file: 'tests/contracts/IdentityRegistryProxy.json', source: 'tests/contracts/IdentityRegistryDouble.sol',
    contract: 'IdentityRegistryProxy', runtime: true },
  { file: 'tests/contracts/KeyWallet.json', source: 'tests/contracts/TestAccounts.sol', contract: 'KeyWallet' },
  { file: 'tests/contracts/PassingReceiver.json', source: 'tests/contracts/TestAccounts.sol', contract: 'PassingReceiver' },
  { file: 'tests/contracts/RefusingReceiver.json', source: 'tests/contracts/TestAccounts.sol', contract: 'RefusingReceiver' },
  { file: 'tests/contracts/Puppet.json', source: 'tests/contracts/TestAccounts.sol', contract: 'Puppet' },
  { file: 'tests/contracts/IdentityRegistryNext.json', source: 'tests/contracts/IdentityRegistryDouble.sol',
    contract: 'IdentityRegistryNext' },
  { file: 'tests/contracts/ReputationRegistryDouble.json', source: 'tests/contracts/ReputationRegistryDouble.sol',
    contract: 'ReputationRegistryDouble' },
  { file: 'contracts-abi/ReputationRegistry.json', source: 'tests/contracts/ReputationRegistryDouble.sol',
    contract: 'ReputationRegistryDouble', abiOnly: true },
  { file: 'tests/contracts/Multicall3Double.json', source: 'tests/contracts/Multicall3Double.sol', contract: 'Multicall3Double',
    runtime: true },
];

export function compile() {
  const sources = {};
  for (const { source } of artefacts)
    sources[source] = { content: fs.readFileSync(path.join(root, source), 'utf8') };
  const input = {
    language: 'Solidity',
    sources,
    settings: {
      evmVersion: 'cancun',
      optimizer: { enabled: true, runs: 1000000 },
      // The bytes depend on the code alone, not on comments or file names.
      metadata: { appendCBOR: false, bytecodeHash: 'none' },
      outputSelection: { '*': { '*': ['abi', 'evm.bytecode.object', 'evm.deployedBytecode.object'] } },
    },
  };
  const find = (name) => {
    try {
      return { contents: fs.readFileSync(path.join(here, 'node_modules', name), 'utf8') };
    } catch {
      return { error: `${name}: not found` };
    }
  };
  const output = JSON.parse(solc.compile(JSON.stringify(input), { import: find }));
  const faults = (output.errors ?? []).filter((e) => !e.sourceLocation?.file.startsWith('@openzeppelin/'));
  if (faults.length) throw new Error(faults.map((e) => e.formattedMessage).join('\n'));
  return artefacts.map(({ file, source, contract, runtime, abiOnly }) => {
    const made = output.contracts[source][contract];
    const body = { abi: JSON.parse(JSON.stringify(made.abi, (k, v) => (k === 'internalType' ? undefined : v))) };
    if (!abiOnly) body.bytecode = '0x' + made.evm.bytecode.object;
    if (runtime) body.runtime = '0x' + made.evm.deployedBytecode.object;
    return { file, text: JSON.stringify(body, null, 1) + '\n' };
  });
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const check = process.argv.includes('--check');
  let differing = 0;
  for (const { file, text } of compile()) {
    const full = path.join(root, file);
    if (!check) {
      fs.writeFileSync(full, text);
      console.log(`${file}: written, ${text.length} bytes`);
    } else if (!fs.existsSync(full) || fs.readFileSync(full, 'utf8') !== text) {
      console.error(`${file}: differs from what its source compiles to`);
      differing++;
    } else {
      console.log(`${file}: same`);
    }
  }
  process.exitCode = differing ? 1 : 0;
}
