// Puts the doubles at their canonical addresses and deploys KedgeAnchor on a local anvil.
import { Chain, REGISTRY, REGISTRY2, REPUTATION, MULTICALL, IMPLEMENTATION_SLOT, artefact, ethers } from './lib.mjs';

const FUNDS = '0x3635c9adc5dea00000'; // 1000 ether
const LOCAL_CHAIN = 31337;

const proxy = artefact('tests/contracts/IdentityRegistryProxy.json');

// An initialised proxy at `address` in front of `implementation`.
async function placeProxy(chain, deployer, address, implementation, initialize) {
  await chain.cheat('anvil_setCode', address, proxy.runtime);
  await chain.cheat('anvil_setStorageAt', address, IMPLEMENTATION_SLOT, ethers.zeroPadValue(implementation.address, 32));
  await chain.must(deployer, address, initialize);
}

// Returns the deployment record (docs/formats.md, section 10).
export async function deploy(url, { origin, signer, guardian, fund = [] }) {
  const chain = new Chain(url);
  const chainId = Number(await chain.rpc('eth_chainId'));
  // What is signed on a demo chain must mean nothing anywhere else.
  if (chainId !== LOCAL_CHAIN) throw new Error(`chain id ${chainId}: not a local chain`);
  const [deployer] = await chain.rpc('eth_accounts');
  const anchor = artefact('contracts-abi/KedgeAnchor.json');
  const registry = artefact('tests/contracts/IdentityRegistryDouble.json');
  const reputation = artefact('tests/contracts/ReputationRegistryDouble.json');

  const implementation = await chain.deploy(deployer, registry);
  const initialize = registry.face.encodeFunctionData('initialize');
  for (const address of [REGISTRY, REGISTRY2]) await placeProxy(chain, deployer, address, implementation, initialize);
  await placeProxy(chain, deployer, REPUTATION, await chain.deploy(deployer, reputation),
    reputation.face.encodeFunctionData('initialize', [REGISTRY]));
  await chain.cheat('anvil_setCode', MULTICALL, artefact('tests/contracts/Multicall3Double.json').runtime);

  const originHash = ethers.keccak256(ethers.toUtf8Bytes(origin));
  const placed = await chain.deploy(deployer, anchor, [originHash, signer, guardian]);
  for (const address of fund) await chain.cheat('anvil_setBalance', address, FUNDS);
  // The deployment is final before anybody looks at it.
  await chain.rpc('anvil_mine', '0x5');
  const codeHash = async (address) => ethers.keccak256(await chain.rpc('eth_getCode', address, 'latest'));
  return {
    v: 1,
    chainId,
    rpc: url,
    registry: REGISTRY.toLowerCase(),
    registryCode: await codeHash(implementation.address),
    registry2: REGISTRY2.toLowerCase(),
    reputation: REPUTATION.toLowerCase(),
    multicall: MULTICALL.toLowerCase(),
    anchor: placed.address.toLowerCase(),
    anchorCodeHash: await codeHash(placed.address),
    anchorBlock: placed.block,
    signer: signer.toLowerCase(),
    guardian: guardian.toLowerCase(),
  };
}
