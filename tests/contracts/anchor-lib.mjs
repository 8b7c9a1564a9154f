// One deployed KedgeAnchor as its tests use it.
import { ethers } from '../chain/lib.mjs';

const TYPES = {
  Anchor: [
    { name: 'originHash', type: 'bytes32' },
    { name: 'size', type: 'uint64' },
    { name: 'root', type: 'bytes32' },
  ],
};
export const ORIGIN = 'localhost:8004/log';
export const hex = (bytes) => ethers.hexlify(bytes);
const pad = (n) => ethers.zeroPadValue(ethers.toBeHex(n), 32);
// roots is the mapping of slot 0
export const rootSlot = (size) => ethers.keccak256(ethers.concat([pad(size), pad(0)]));

export class Anchor {
  static async create(chain, art, signer, from = undefined) {
    const self = new Anchor();
    Object.assign(self, { chain, face: art.face, signer });
    self.from = from ?? (await chain.rpc('eth_accounts'))[1];
    self.originHash = ethers.keccak256(ethers.toUtf8Bytes(ORIGIN));
    self.guardian = ethers.Wallet.createRandom().address;
    Object.assign(self, await chain.deploy(self.from, art, [self.originHash, signer.address, self.guardian]));
    return self;
  }

  domain() {
    return { name: 'KedgeAnchor', version: '1', chainId: 31337, verifyingContract: this.address };
  }

  digest(size, root) {
    return ethers.TypedDataEncoder.hash(this.domain(), TYPES, { originHash: this.originHash, size, root: hex(root) });
  }

  authorise(size, root, signer = this.signer) {
    return signer.signingKey.sign(this.digest(size, root)).serialized;
  }

  args(size, root, proof, authorisation = this.authorise(size, root)) {
    return [size, hex(root), proof.map(hex), authorisation];
  }

  submit(...of) {
    return this.chain.send(this.from, this.address, this.face.encodeFunctionData('anchor', this.args(...of)));
  }

  refusal(...of) {
    return this.chain.refusal(this.from, this.address, this.face, 'anchor', this.args(...of));
  }

  view(name, ...args) {
    return this.chain.view(this.address, this.face, name, args);
  }

  // A head that was never anchored, put into storage.
  async place(size, root) {
    await this.chain.rpc('anvil_setStorageAt', this.address, pad(1), pad(size));
    await this.chain.cheat('anvil_setStorageAt', this.address, rootSlot(size), hex(root));
  }
}
