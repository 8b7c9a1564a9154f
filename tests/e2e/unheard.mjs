// `kedge agent` when the node's answers get lost: what was sent is found again, and nothing is sent twice.
//   node unheard.mjs --kedge FILE
import assert from 'node:assert/strict';
import path from 'node:path';
import { drive, kedgeBinary } from './harness.mjs';
import { Provider } from './provider.mjs';

const kedge = kedgeBinary();
const sends = (calls) => calls.some(({ method }) => method === 'eth_sendRawTransaction');

async function steps(stack) {
  const { chain } = stack;
  const key = path.join(stack.state, 'owner.key');
  const { address } = JSON.parse((await stack.cli(['keygen', 'agent', '--out', key, '--json'])).stdout);
  await chain.cheat('anvil_setBalance', address, '0x3635c9adc5dea00000');
  const provider = await new Provider(stack.record.rpc).start();
  const env = { KEDGE_RPC_URL: provider.url };
  const nonce = async () => Number(await chain.rpc('eth_getTransactionCount', address, 'pending'));
  const register = (uri, code, more = []) => stack.cli(['agent', 'register', '--key', key, '--uri', uri, '--json', ...more], { env, code });

  // The transaction arrives, its answer does not.
  provider.behave({
    http: async ({ calls }, response, forward) => {
      if (!sends(calls)) return forward();
      await forward(true);
      response.socket.destroy();
    },
  });
  const told = JSON.parse((await register('one', 0)).stdout);
  assert.equal(await nonce(), 1);
  assert.equal(told.agentId, '0');

  // Nothing is answered for some seconds after it was sent.
  let silent = 0;
  provider.behave({
    http: async ({ calls }, response, forward) => {
      if (sends(calls)) silent = Date.now() + 3000;
      else if (Date.now() < silent) return response.socket.destroy();
      return forward();
    },
  });
  await register('two', 0);
  assert.equal(await nonce(), 2);

  // Something before the node asks it twice, and hands on the second answer.
  provider.behave({
    http: async ({ calls, batch }, response, forward) => {
      if (!sends(calls)) return forward();
      const answers = [].concat(JSON.parse(await forward(true))).map((answer, i) => (calls[i].method === 'eth_sendRawTransaction'
        ? { jsonrpc: '2.0', id: answer.id, error: { code: -32000, message: 'already known' } } : answer));
      response.writeHead(200, { 'content-type': 'application/json' });
      response.end(JSON.stringify(batch ? answers : answers[0]));
    },
  });
  await register('three', 0);
  assert.equal(await nonce(), 3);

  // It does not arrive at all: nobody can say so, but what to look for is said.
  provider.behave({ http: async ({ calls }, response, forward) => (sends(calls) ? response.socket.destroy() : forward()) });
  const lost = await register('four', 4, ['--timeout', '3']);
  assert.match(lost.stderr, /0x[0-9a-f]{64}/, lost.stderr);
  assert.match(lost.stderr, /before you send it again/, lost.stderr);
  assert.equal(await nonce(), 3);
  await provider.stop();
}

drive({ kedge, settings: { anchor_contract: '' } }, steps);
