// A chain that takes back what it called finalized: an alarm, never silence. While it lasts agents are read directly, and as of a
// block only what was final before is answered: whether the chain or the node broke its word nobody can tell from here. An index
// made anew ends it.
//   node deep.mjs --kedge FILE
import assert from 'node:assert/strict';
import http from 'node:http';
import { drive, kedgeBinary, sleep, until } from './harness.mjs';
import { changeWallet, ethers, fund, registerBy } from './agents.mjs';
import { Judge } from './judge.mjs';

const kedge = kedgeBinary();

function metrics(stack) {
  return new Promise((resolve, reject) => {
    http.get({ host: '127.0.0.1', port: stack.metricsPort, path: '/metrics' }, (answer) => {
      const parts = [];
      answer.on('data', (part) => parts.push(part));
      answer.on('end', () => resolve(Buffer.concat(parts).toString('utf8')));
    }).on('error', reject);
  });
}

const alarms = async (stack) => (await metrics(stack)).split('\n').filter((line) => line.startsWith('kedge_index_alarm'))
  .reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0);

drive({ kedge, slots: 2, settings: { anchor_contract: '' } }, async (stack) => {
  const { chain } = stack;
  await stack.keep(false);
  const judge = new Judge(stack);
  const [one, two, three] = [1, 2, 3].map(() => ethers.Wallet.createRandom());
  await fund(stack, one.address, two.address, three.address);
  await chain.rpc('anvil_mine', '0x8');
  await registerBy(stack, one, 'https://one.example/');
  const fork = await chain.number();
  await registerBy(stack, two, 'https://two.example/');
  await changeWallet(stack, one, 0, three);
  await chain.rpc('anvil_mine', '0x8');
  const former = await judge.judge();
  const { final } = await judge.place();
  assert.equal(await alarms(stack), 0);

  // The branch with agent 1 of `two` was final; in the new one the id is another's, and agent 0 was never rotated.
  await chain.rpc('anvil_rollback', (await chain.number()) - fork);
  await registerBy(stack, three, 'https://three.example/');
  await chain.rpc('anvil_mine', '0xc');
  const started = Date.now();
  await until('the alarm', () => alarms(stack), 30000);
  const ms = Date.now() - started;

  const last = await chain.number();
  const picture = await judge.oracle.read(0, last);
  const end = Date.now() + 3000;
  let told = 0;
  do {
    for (const id of [0, 1]) {
      const now = await stack.http(`/v1/agents/${id}`);
      if (now.status === 200) {
        const said = now.json();
        assert.equal(said.index, 'syncing', `agent ${id}: ${now.body}`);
        for (const which of ['latest', 'safe']) judge.state(said[which], picture.at(id, Number(said[which].block.number)), `agent ${id}, ${which}`);
        told++;
      } else {
        assert.ok(now.status >= 500, `agent ${id}: ${now.status} ${now.body}`);
      }
      for (const n of [fork + 1, fork + 2, fork + 6, last]) {
        const then = await stack.http(`/v1/agents/${id}?at=${n}`);
        const what = `agent ${id} at ${n}`;
        const answers = [picture.at(id, n), n <= final ? former.at(id, n) : null]; // read directly, or from the index
        if (then.status === 200) judge.state(then.json(), answers[then.json().index === null ? 0 : 1] ?? {}, what);
        else assert.ok(then.status >= 500 || (then.status === 404 && answers.includes(null)), `${what}: ${then.status} ${then.body}`);
      }
    }
    await sleep(100);
  } while (Date.now() < end);
  assert.ok(told > 0, 'agents are read directly meanwhile');

  await stack.quit();
  await stack.sql('TRUNCATE chain_index, registry, block, chain_head CASCADE');
  await stack.serve();
  await judge.judge();
  assert.equal(await alarms(stack), 0);
  return `alarm ${ms} ms after the chain broke its word; ${told} direct answers meanwhile, all right; right again from an empty index`;
});
