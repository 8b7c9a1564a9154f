// A chain that does not stand still while a gateway is killed: random moves of agents, feedback on those the log knows, and
// reorganisations, some deeper than `safe`, so that attestations lose the block they rest on.
import { sleep } from '../e2e/harness.mjs';
import { registry } from '../e2e/agents.mjs';
import { Moves } from '../e2e/moves.mjs';
import { reputation } from '../e2e/logged.mjs';
import { REGISTRY, REPUTATION, ethers } from '../chain/lib.mjs';

const AGENTS_MAX = 24; // everything at every block is read once for each by the oracle
const TYPES = {
  AgentWalletSet: [
    { name: 'agentId', type: 'uint256' }, { name: 'newWallet', type: 'address' }, { name: 'owner', type: 'address' },
    { name: 'deadline', type: 'uint256' },
  ],
};

// Moves of agents whose owners the node holds the keys of; the load's agents are others.
class Strangers extends Moves {
  async agent() {
    for (let tries = 0; tries < 8; tries++) {
      const found = await super.agent();
      if (!found || this.accounts.includes(found.owner) || this.puppets.includes(found.owner)) return found;
    }
    return null;
  }

  async next() {
    const full = (await this.count()) >= AGENTS_MAX;
    for (;;) {
      const [kind, tx] = await super.next();
      if (!full || !['register', 'registerPuppet', 'severalInOne'].includes(kind)) return [kind, tx];
    }
  }
}

export class Unrest {
  #stopping = false;
  counts = { own: 0, feedback: 0 };

  // wallets: owners of agents 0, 1, …, which the log knows; slots: as anvil was started with
  constructor(stack, wallets, { seed = Date.now() % 1000000, slots }) {
    Object.assign(this, { stack, wallets, seed, chain: stack.chain });
    this.moves = new Strangers(stack.chain, seed, { slots, upgrades: false });
  }

  // While blocks still come by themselves.
  prepare() {
    return this.moves.prepare();
  }

  start() {
    this.turning = this.#turns();
    this.failed = this.turning.then(() => new Promise(() => {}));
    this.failed.catch(() => {});
  }

  // The chain stands still then, and all of it but what is younger than `finalized`.
  async stop(slots) {
    this.#stopping = true;
    await this.turning;
    await this.moves.mine();
    await this.moves.regrow();
    await this.chain.rpc('anvil_mine', '0x' + (2 * slots + 2).toString(16));
  }

  async #turns() {
    const { moves, moves: { dice } } = this;
    while (!this.#stopping) {
      for (let n = 1 + dice.below(3); n > 0; n--) await (dice.chance(0.5) ? this.#own() : moves.move());
      await moves.mine(dice.below(3));
      if (dice.chance(0.2)) {
        // attestations are taken at the newest `safe` meanwhile, which the deeper half takes back
        await sleep(200 + dice.below(500));
        const depth = Math.min(1 + dice.below(moves.window), await moves.loose());
        if (depth > 0) {
          await moves.reorganise(depth);
          await moves.regrow();
        }
      }
      await sleep(100 + dice.below(200));
    }
  }

  // Something about an agent that the log knows.
  async #own() {
    const { dice } = this.moves;
    const id = dice.below(this.wallets.length);
    const owner = this.wallets[id];
    const kind = dice.of(['uri', 'uri', 'wallet', 'unset', 'feedback', 'feedback', 'revoke', 'response']);
    if (['uri', 'wallet', 'unset'].includes(kind)) {
      const data = await this.#change(kind, id, owner);
      await this.#sendBy(owner, REGISTRY, data);
      this.counts.own++;
      return;
    }
    const from = dice.of(this.moves.accounts);
    const args = {
      feedback: () => ['giveFeedback', id, dice.below(2000) - 1000, dice.below(19), dice.of(['', 'quality', 'é']), `t${dice.below(9)}`, '', 'ipfs://x', ethers.ZeroHash],
      revoke: () => ['revokeFeedback', id, 1 + dice.below(6)],
      response: () => ['appendResponse', id, dice.of(this.moves.accounts), 1 + dice.below(4), 'https://r.example', ethers.ZeroHash],
    }[kind]();
    const [name, ...rest] = args;
    await this.moves.send(kind, { from, to: REPUTATION, data: reputation.encodeFunctionData(name, rest) });
    this.counts.feedback++;
  }

  async #change(kind, id, owner) {
    const { dice } = this.moves;
    if (kind === 'uri') return registry.face.encodeFunctionData('setAgentURI', [id, `https://a${id}.example/${dice.below(1000)}`]);
    if (kind === 'unset') return registry.face.encodeFunctionData('unsetAgentWallet', [id]);
    const wallet = ethers.Wallet.createRandom();
    const deadline = (await this.chain.time()) + 280;
    const domain = { name: 'ERC8004IdentityRegistry', version: '1', chainId: this.stack.record.chainId, verifyingContract: REGISTRY };
    const signature = await wallet.signTypedData(domain, TYPES, { agentId: id, newWallet: wallet.address, owner: owner.address, deadline });
    return registry.face.encodeFunctionData('setAgentWallet', [id, wallet.address, deadline, signature]);
  }

  // Sent and left to the next block; one that a reorganisation takes back is gone.
  async #sendBy(wallet, to, data) {
    const { chain } = this;
    const [nonce, price] = await Promise.all([chain.rpc('eth_getTransactionCount', wallet.address, 'pending'), chain.rpc('eth_gasPrice')]);
    const raw = await wallet.signTransaction({ type: 2, chainId: BigInt(this.stack.record.chainId), nonce: Number(nonce), to, data, gasLimit: 500000n,
      maxFeePerGas: BigInt(price) * 4n, maxPriorityFeePerGas: 1000000n });
    const hash = await chain.rpc('eth_sendRawTransaction', raw);
    this.moves.pending.push({ kind: 'own', hash });
  }

  figures() {
    return `${this.moves.figures()}, of them ${this.counts.feedback} of feedback; ${this.counts.own} changes of known agents; seed ${this.seed}`;
  }
}
