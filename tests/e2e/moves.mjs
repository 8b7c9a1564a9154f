// Random moves on the local chain, the same for the same seed: everything an ERC-8004 agent can meet, several in a block at
// times, and reorganisations between them. Only the chain is touched; who reads it is another's business.
import { REGISTRY, artefact, ethers } from '../chain/lib.mjs';

const { face } = artefact('tests/contracts/IdentityRegistryDouble.json');
const puppets = artefact('tests/contracts/Puppet.json');
const coder = ethers.AbiCoder.defaultAbiCoder();
const NONE = ethers.ZeroAddress;
const TYPES = {
  AgentWalletSet: [
    { name: 'agentId', type: 'uint256' }, { name: 'newWallet', type: 'address' }, { name: 'owner', type: 'address' },
    { name: 'deadline', type: 'uint256' },
  ],
};

// mulberry32: 32 bits of state are enough for a walk.
export class Dice {
  #state;

  constructor(seed) {
    this.#state = seed >>> 0;
  }

  roll() {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let t = this.#state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  }

  below(n) {
    return Math.floor(this.roll() * n);
  }

  of(list) {
    return list[this.below(list.length)];
  }

  chance(p) {
    return this.roll() < p;
  }

  bytes(n) {
    return Buffer.from(Array.from({ length: n }, () => this.below(256)));
  }
}

// How often each move comes.
const WEIGHTS = {
  register: 14, registerPuppet: 9, transfer: 14, selfTransfer: 4, toPuppet: 5, setWallet: 14, setContractWallet: 5, unset: 6, replay: 5,
  setUri: 14, sameUri: 2, metadata: 4, approve: 3, approveAll: 2, byOperator: 5, byApproved: 3, severalInOne: 5, refused: 4, upgrade: 1,
};
const BAG = Object.entries(WEIGHTS).flatMap(([name, n]) => Array(n).fill(name));

const call = (name, ...args) => face.encodeFunctionData(name, args);
const step = (data, { idAt = 0, last = false, target = REGISTRY } = {}) => ({ target, data, idAt, last });
const act = (data) => puppets.face.encodeFunctionData('act', [REGISTRY, data]);

// The encoding of `string` and `bytes` is the same; ethers takes no text that is not UTF-8.
const withBytes = (name, types, args) => ethers.concat([face.getFunction(name).selector, coder.encode(types, args)]);
const registerWith = (uri) => withBytes('register(string)', ['bytes'], [uri]);
const setUriTo = (id, uri) => withBytes('setAgentURI', ['uint256', 'bytes'], [id, uri]);

export class Moves {
  counts = {}; // of each kind: [sent, mined well]
  reorgs = { depths: [], replaced: 0, rolledBack: 0 };
  done = 0;

  // slots: as anvil was started with; blocks below its `finalized` are never touched.
  constructor(chain, seed, { slots, upgrades = true }) {
    this.chain = chain;
    this.dice = new Dice(seed);
    this.window = 2 * slots;
    this.upgrades = upgrades;
    this.highest = 0;
    this.pending = [];
  }

  // Contracts and finality before the walk begins; automatic mining ends.
  async prepare() {
    const { chain, dice } = this;
    const accounts = (await chain.rpc('eth_accounts')).map((a) => ethers.getAddress(a));
    [this.deployer] = accounts;
    this.accounts = accounts.slice(1, 7);
    this.keys = Array.from({ length: 8 }, () => new ethers.Wallet('0x' + dice.bytes(32).toString('hex')));
    const deploy = async (name, args = []) => (await chain.deploy(this.deployer, artefact(`tests/contracts/${name}.json`), args)).address;
    this.puppets = [await deploy('Puppet'), await deploy('Puppet'), await deploy('Puppet')];
    this.keyWallet = await deploy('KeyWallet', [this.keys[0].address]);
    this.implementations = [
      ethers.dataSlice(await chain.rpc('eth_getStorageAt', REGISTRY, '0x360894a13ba1a3210667c828492db98dca3e2076cc3735a920a3ca505d382bbc', 'latest'), 12),
      await deploy('IdentityRegistryNext'),
    ];
    await chain.rpc('anvil_mine', '0x' + (this.window + 2).toString(16));
    await chain.rpc('evm_setAutomine', false);
    this.highest = await chain.number();
  }

  async count() {
    const I = '0xa040f782729de4970518741823ec1276cbcd41a0c7493f62d173341566a04e00';
    return Number(BigInt(await this.chain.rpc('eth_getStorageAt', REGISTRY, I, 'latest')));
  }

  // An agent and its owner now, or null when there is none yet.
  async agent() {
    const n = await this.count();
    if (n === 0) return null;
    const id = this.dice.chance(0.3) ? Math.max(0, n - 1 - this.dice.below(3)) : this.dice.below(n);
    return { id, owner: await this.chain.view(REGISTRY, face, 'ownerOf', [id]) };
  }

  uri() {
    const { dice } = this;
    switch (dice.below(9)) {
      case 0: return Buffer.alloc(0);
      case 1: return Buffer.from(`https://agent-${dice.below(50)}.example/registration.json`);
      case 2: return Buffer.from('ipfs://bafkreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy');
      case 3: return Buffer.from(`data:application/json;base64,${dice.bytes(60 + dice.below(700)).toString('base64')}`);
      case 4: return dice.bytes(1 + dice.below(80)); // hardly ever UTF-8
      case 5: return Buffer.from('Grüße \u{1f916}\u0000 \u202e"\\ \n');
      case 6: return dice.bytes(31 + dice.below(3)); // around the edge of short and long storage
      case 7: return dice.chance(0.3) ? dice.bytes(10240) : Buffer.from('x'.repeat(31));
      default: return Buffer.from(`u${dice.below(5)}`);
    }
  }

  async signature(key, id, wallet, owner) {
    const deadline = (await this.chain.time()) + 280;
    const domain = { name: 'ERC8004IdentityRegistry', version: '1', chainId: 31337, verifyingContract: REGISTRY };
    return [deadline, await key.signTypedData(domain, TYPES, { agentId: id, newWallet: wallet, owner, deadline })];
  }

  // From the owner itself, or through it where it is a puppet.
  as(owner, data) {
    if (this.puppets.includes(owner)) return { from: this.dice.of(this.accounts), to: owner, data: act(data) };
    return { from: owner, to: REGISTRY, data };
  }

  run(puppet, steps, onReceipt) {
    return { from: this.dice.of(this.accounts), to: puppet, data: puppets.face.encodeFunctionData('run', [steps, onReceipt]) };
  }

  // ---- the moves: a transaction, or null when there is nothing to do it with ----

  register() {
    const { dice } = this;
    const from = dice.of(this.accounts);
    const uri = this.uri();
    const metadata = Array.from({ length: dice.below(3) }, (_, i) => [Buffer.from(`key${i}`), dice.bytes(dice.below(50))]);
    const data = dice.of([
      () => call('register()'), () => registerWith(uri),
      () => withBytes('register(string,(string,bytes)[])', ['bytes', 'tuple(bytes,bytes)[]'], [uri, metadata]),
    ])();
    return { from, to: REGISTRY, data };
  }

  async registerPuppet() {
    const { dice } = this;
    const [me, friend] = dice.chance(0.5) ? this.puppets : [...this.puppets].reverse();
    const outer = dice.chance(0.5) ? step(call('register()')) : step(registerWith(this.uri()));
    const deadline = (await this.chain.time()) + 200;
    const away = (to) => step(call('transferFrom', me, to, 0), { idAt: 68 });
    const next = await this.count(); // the id the token will have if nothing comes before it in its block
    const onReceipt = dice.of([
      [],
      [away(dice.of(this.accounts))],
      [step(call('setAgentWallet', 0, friend, deadline, '0x'), { idAt: 4 })],
      [step(setUriTo(0, this.uri()), { idAt: 4 })],
      [step(call('setAgentWallet', 0, friend, deadline, '0x'), { idAt: 4 }), step(setUriTo(0, this.uri()), { idAt: 4 }), away(friend)],
      [away(friend), step(puppets.face.encodeFunctionData('act', [REGISTRY, call('transferFrom', friend, me, next)]), { target: friend })],
      [step(call('unsetAgentWallet', 0), { idAt: 4 }), away(me)],
      [step(registerWith(this.uri()))],
    ]);
    if (onReceipt.length) onReceipt.at(-1).last = true;
    return this.run(me, [outer], onReceipt);
  }

  async transfer() {
    const agent = await this.agent();
    if (!agent) return null;
    const to = this.dice.of(this.accounts);
    const name = this.dice.of(['transferFrom', 'safeTransferFrom(address,address,uint256)']);
    return this.as(agent.owner, call(name, agent.owner, to, agent.id));
  }

  async selfTransfer() {
    const agent = await this.agent();
    return agent && this.as(agent.owner, call('transferFrom', agent.owner, agent.owner, agent.id));
  }

  async toPuppet() {
    const agent = await this.agent();
    return agent && this.as(agent.owner, call('transferFrom', agent.owner, this.dice.of(this.puppets), agent.id));
  }

  async setWallet() {
    const agent = await this.agent();
    if (!agent) return null;
    const key = this.dice.of(this.keys);
    const [deadline, signature] = await this.signature(key, agent.id, key.address, agent.owner);
    const made = this.as(agent.owner, call('setAgentWallet', agent.id, key.address, deadline, signature));
    this.lastSet = made;
    return made;
  }

  async setContractWallet() {
    const agent = await this.agent();
    if (!agent) return null;
    const wallet = this.dice.of([this.keyWallet, ...this.puppets]);
    const [deadline, signature] = await this.signature(this.keys[0], agent.id, wallet, agent.owner);
    return this.as(agent.owner, call('setAgentWallet', agent.id, wallet, deadline, signature));
  }

  async unset() {
    const agent = await this.agent();
    return agent && this.as(agent.owner, call('unsetAgentWallet', agent.id));
  }

  // The same signature again: it has no nonce, so it works while its owner and deadline do.
  replay() {
    return this.lastSet ?? null;
  }

  async setUri() {
    const agent = await this.agent();
    return agent && this.as(agent.owner, setUriTo(agent.id, this.uri()));
  }

  async sameUri() {
    const agent = await this.agent();
    if (!agent) return null;
    const answer = await this.chain.rpc('eth_call', { to: REGISTRY, data: call('tokenURI', agent.id) }, 'latest');
    const [now] = coder.decode(['bytes'], answer);
    return this.as(agent.owner, setUriTo(agent.id, now));
  }

  async metadata() {
    const agent = await this.agent();
    if (!agent) return null;
    const key = this.dice.of(['did', 'name', '', 'agentWallet ', 'x'.repeat(200)]);
    return this.as(agent.owner, call('setMetadata', agent.id, key, this.dice.bytes(this.dice.below(100))));
  }

  async approve() {
    const agent = await this.agent();
    return agent && this.as(agent.owner, call('approve', this.dice.of([NONE, ...this.accounts]), agent.id));
  }

  async approveAll() {
    const agent = await this.agent();
    return agent && this.as(agent.owner, call('setApprovalForAll', this.dice.of(this.accounts), this.dice.chance(0.7)));
  }

  // Whoever the owner lets act, in the same block as the permission.
  async byOperator() {
    const agent = await this.agent();
    if (!agent) return null;
    const operator = this.dice.of(this.accounts);
    await this.send('approveAll', this.as(agent.owner, call('setApprovalForAll', operator, true)));
    const data = this.dice.of([
      () => setUriTo(agent.id, this.uri()), () => call('unsetAgentWallet', agent.id), () => call('transferFrom', agent.owner, operator, agent.id),
    ])();
    return { from: operator, to: REGISTRY, data };
  }

  async byApproved() {
    const agent = await this.agent();
    if (!agent) return null;
    const approved = this.dice.of(this.accounts);
    await this.send('approve', this.as(agent.owner, call('approve', approved, agent.id)));
    return { from: approved, to: REGISTRY, data: call('transferFrom', agent.owner, this.dice.of(this.accounts), agent.id) };
  }

  async severalInOne() {
    const me = this.dice.of(this.puppets);
    const id = await this.count();
    const steps = [step(call('register()')), step(setUriTo(id, this.uri()))];
    if (this.dice.chance(0.5)) steps.push(step(call('transferFrom', me, me, id)));
    if (this.dice.chance(0.5)) steps.push(step(call('transferFrom', me, this.dice.of(this.accounts), id)));
    return this.run(me, steps, []);
  }

  // What the registry refuses: nothing may come of it.
  async refused() {
    const n = await this.count();
    const stranger = this.dice.of(this.accounts);
    return { from: stranger, to: REGISTRY, data: this.dice.of([
      call('setAgentURI', n + 50, 'nobody'), call('register(string,(string,bytes)[])', 'x', [['agentWallet', '0x00']]),
      call('unsetAgentWallet', n + 1), call('transferFrom', stranger, stranger, n + 7),
    ]) };
  }

  upgrade() {
    if (!this.upgrades) return null;
    return { from: this.deployer, to: REGISTRY, data: call('upgradeToAndCall', this.dice.of(this.implementations), '0x') };
  }

  // ---- sending, mining, undoing ----

  async send(kind, tx) {
    const gas = tx.data.length > 8000 ? '0xb00000' : '0x200000';
    const hash = await this.chain.rpc('eth_sendTransaction', { gas, ...tx });
    this.pending.push({ kind, hash });
    this.done++;
  }

  async next() {
    for (;;) {
      const kind = this.dice.of(BAG);
      const tx = await this[kind]();
      if (tx) return [kind, tx];
    }
  }

  async move() {
    const [kind, tx] = await this.next();
    await this.send(kind, tx);
  }

  async mine(empty = 0) {
    do await this.chain.rpc('evm_mine'); while (Number((await this.chain.rpc('txpool_status')).pending) > 0);
    for (let n = 0; n < empty; n++) await this.chain.rpc('evm_mine');
    for (const { kind, hash } of this.pending) {
      const receipt = await this.chain.rpc('eth_getTransactionReceipt', hash);
      const count = (this.counts[kind] ??= [0, 0]);
      count[0]++;
      if (receipt?.status === '0x1') count[1]++;
    }
    this.pending = [];
    this.highest = Math.max(this.highest, await this.chain.number());
  }

  // As long again as it ever was: a real chain's `finalized` never goes back, and here it follows the length.
  async regrow() {
    for (let left = this.highest - (await this.chain.number()); left > 0; left--) await this.chain.rpc('evm_mine');
  }

  // Blocks that may be taken back now.
  async loose() {
    return (await this.chain.number()) - (this.highest - this.window);
  }

  // The last `depth` blocks become others: empty ones, some with other transactions in them, or fewer.
  async reorganise(depth) {
    const { chain, dice } = this;
    await chain.rpc('anvil_dropAllTransactions');
    this.reorgs.depths.push(depth);
    if (dice.chance(0.4)) {
      await chain.rpc('anvil_rollback', depth);
      this.reorgs.rolledBack++;
      return;
    }
    const instead = [];
    for (let n = dice.below(4); n > 0; n--) {
      // by the same account only once: the nonce is the node's to choose
      const [, tx] = dice.chance(0.5) ? ['register', this.register()] : await this.next();
      if (!instead.some(([{ from }]) => from === tx.from) && this.pending.length === 0) instead.push([{ gas: '0x500000', ...tx }, dice.below(depth)]);
    }
    await chain.rpc('anvil_dropAllTransactions'); // what a move may have sent ahead
    this.pending = [];
    this.reorgs.replaced += instead.length;
    await chain.rpc('anvil_reorg', depth, instead);
  }

  figures() {
    const { depths, replaced, rolledBack } = this.reorgs;
    const [sent, well] = Object.values(this.counts).reduce(([a, b], [c, d]) => [a + c, b + d], [0, 0]);
    return `${this.done} operations (${well} of ${sent} mined well), ${depths.length} reorganisations of depth ${Math.min(...depths)} to ` +
      `${Math.max(...depths)} (${rolledBack} shortened the chain, ${replaced} transactions put in their place)`;
  }
}
