// Puts the registry double at its canonical address and deploys KedgeAnchor on a local anvil.
import { Chain, REGISTRY, IMPLEMENTATION_SLOT, artefact, ethers } from './lib.mjs';

const FUNDS = '0x3635c9adc5dea00000'; // 1000 ether
const LOCAL_CHAIN = 31337;

// Returns the deployment record (docs/formats.md, section 10).
export async function deploy(url, { origin, signer, guardian, fund = [] }) {
  const chain = new Chain(url);
  const chainId = Number(await chain.rpc('eth_chainId'));
  // What is signed on a demo chain must mean nothing anywhere else.
  if (chainId !== LOCAL_CHAIN) throw new Error(`chain id ${chainId}: not a local chain`);
  const [deployer] = await chain.rpc('eth_accounts');
  const anchor = artefact('contracts-abi/KedgeAnchor.json');
  const registry = artefact('tests/contracts/IdentityRegistryDouble.json');
  const proxy = artefact('tests/contracts/IdentityRegistryProxy.json');

  const implementation = await chain.deploy(deployer, registry);
  const padded = ethers.zeroPadValue(implementation.address, 32);
  await chain.cheat('anvil_setCode', REGISTRY, proxy.runtime);
  await chain.cheat('anvil_setStorageAt', REGISTRY, IMPLEMENTATION_SLOT, padded);
  await chain.must(deployer, REGISTRY, registry.face.encodeFunctionData('initialize'));

  const originHash = ethers.keccak256(ethers.toUtf8Bytes(origin));
  const placed = await chain.deploy(deployer, anchor, [originHash, signer, guardian]);
  for (const address of fund) await chain.cheat('anvil_setBalance', address, FUNDS);
  // The deployment is final before anybody looks at it.
  await chain.rpc('anvil_mine', '0x5');
  const code = await chain.rpc('eth_getCode', placed.address, 'latest');
  return {
    v: 1,
    chainId,
    rpc: url,
    registry: REGISTRY.toLowerCase(),
    anchor: placed.address.toLowerCase(),
    anchorCodeHash: ethers.keccak256(code),
    anchorBlock: placed.block,
    signer: signer.toLowerCase(),
    guardian: guardian.toLowerCase(),
  };
}
