/* The same code against a real EVM node: register, read, change the wallet, and a reorganisation under it all. */
#include "eth/signature.h"
#include "eth/tx.h"
#include "gateway/identity/agent.h"
#include "gateway/identity/authority.h"
#include "gateway/identity/registry.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum { CHAIN = 31337, DEADLINE_MS = 5000 };

struct account {
	uint8_t key[SIGNATURE_KEY_SIZE];
	struct eth_address address;
};

static struct signature_context *crypto;
static struct account owner, wallet;
static struct agent_key agent;
static struct event_base *base;
static struct eth_rpc *rpc;
static char folder[] = "/tmp/kedge-identity-XXXXXX", url[256];
static pid_t chain;

static void make_account(struct account *account)
{
	randombytes_buf(account->key, sizeof(account->key));
	assert_int_equal(signature_key_address(crypto, &account->address, account->key), 0);
}

static void start_chain(void)
{
	char text[ADDRESS_TEXT_SIZE], ready[256] = "";
	FILE *out;
	int pipes[2];

	address_format_lower(text, &owner.address);
	assert_int_equal(pipe(pipes), 0);
	chain = fork();
	if (chain == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGTERM);
		(void)dup2(pipes[1], STDOUT_FILENO);
		(void)execlp("node", "node", KEDGE_CHAIN_SCRIPT, "--dir", folder, "--origin", "example.test/log",
			     "--signer", text, "--guardian", text, "--fund", text, "--port", "0", "--no-keeper",
			     (char *)NULL);
		_exit(127);
	}
	(void)close(pipes[1]);
	out = fdopen(pipes[0], "r");
	if (fgets(ready, sizeof(ready), out) == NULL || sscanf(ready, "ready %255s", url) != 1)
		fail_msg("the chain does not start: %s", ready);
	(void)fclose(out);
}

/* One call, straight down; the answer is the caller's. */
static struct eth_rpc_answer *ask(const char *method, const char *params)
{
	struct eth_rpc_answer *answer;
	struct eth_rpc_calls list;

	eth_rpc_calls_init(&list);
	eth_rpc_add(&list, method, params);
	assert_int_equal(eth_rpc_wait(&answer, rpc, &list, DEADLINE_MS), 0);
	eth_rpc_calls_clear(&list);
	return answer;
}

static void mine(unsigned blocks)
{
	char params[32];

	(void)snprintf(params, sizeof(params), "[\"0x%x\"]", blocks);
	eth_rpc_answer_free(ask("anvil_mine", params));
}

static void await_receipt(struct eth_rpc_receipt *receipt, struct eth_rpc_answer **keep, const struct eth_hash *hash)
{
	struct eth_rpc_calls list;

	eth_rpc_calls_init(&list);
	eth_rpc_add_receipt(&list, hash);
	for (int tries = 0; tries < 500; tries++) {
		int err;

		assert_int_equal(eth_rpc_wait(keep, rpc, &list, DEADLINE_MS), 0);
		err = eth_rpc_result_receipt(receipt, &(*keep)->results[0]);
		if (err == 0) {
			eth_rpc_calls_clear(&list);
			return;
		}
		assert_int_equal(err, -ENOENT);
		eth_rpc_answer_free(*keep);
		(void)usleep(10000);
	}
	fail_msg("no receipt");
}

/* Signs with the owner's key, sends, waits; *keep holds what the receipt points into. */
static void transact(struct eth_rpc_receipt *receipt, struct eth_rpc_answer **keep, const uint8_t *data, size_t len)
{
	const struct eth_rpc_at latest = eth_rpc_at_tag(ETH_RPC_LATEST);
	struct tx tx = {.type = TX_DYNAMIC_FEE,
			.chain_id = CHAIN,
			.gas_limit = 500000,
			.to = agent.registry,
			.data = data,
			.data_len = len,
			.max_fee = u256_from_u64(UINT64_C(100000000000)),
			.max_priority_fee = u256_from_u64(1)};
	struct eth_rpc_answer *answer;
	struct eth_rpc_calls list;
	struct eth_hash hash, told;
	uint8_t raw[4096];
	size_t raw_len;

	eth_rpc_calls_init(&list);
	eth_rpc_add_nonce(&list, &owner.address, &latest);
	eth_rpc_add_estimate_gas(&list, &owner.address, &agent.registry, data, len);
	assert_int_equal(eth_rpc_wait(&answer, rpc, &list, DEADLINE_MS), 0);
	assert_int_equal(eth_rpc_result_u64(&tx.nonce, &answer->results[0]), 0);
	assert_int_equal(eth_rpc_result_u64(&tx.gas_limit, &answer->results[1]), 0);
	eth_rpc_answer_free(answer);
	eth_rpc_calls_clear(&list);
	assert_int_equal(tx_sign(crypto, raw, sizeof(raw), &raw_len, &hash, &tx, owner.key), 0);
	eth_rpc_add_send_raw(&list, raw, raw_len);
	assert_int_equal(eth_rpc_wait(&answer, rpc, &list, DEADLINE_MS), 0);
	assert_int_equal(eth_rpc_result_hash(&told, &answer->results[0]), 0);
	assert_memory_equal(&told, &hash, sizeof(hash));
	eth_rpc_answer_free(answer);
	eth_rpc_calls_clear(&list);
	await_receipt(receipt, keep, &hash);
	assert_true(receipt->success);
}

static void registering_gives_an_agent_that_reads_back(void **state)
{
	static const char URI[] = "https://agent.example/a.json";
	const struct eth_rpc_at latest = eth_rpc_at_tag(ETH_RPC_LATEST), first = eth_rpc_at_number(0);
	struct eth_rpc_receipt receipt;
	struct eth_rpc_answer *keep;
	struct agent_state found;
	struct heads_block block;
	uint8_t *data;
	size_t len;

	(void)state;
	assert_int_equal(registry_call_register(&data, &len, URI, strlen(URI)), 0);
	transact(&receipt, &keep, data, len);
	free(data);
	assert_int_equal(registry_read_registered(&agent.id, &agent.registry, &receipt), 0);
	assert_true(u256_is_zero(&agent.id)); /* the first id of all is 0, and it is an agent */
	assert_int_equal(agent_wait_at(&found, &block, rpc, &agent, &latest, true, DEADLINE_MS), 0);
	assert_true(found.exists);
	assert_memory_equal(&found.owner, &owner.address, 20);
	assert_memory_equal(&found.wallet, &owner.address, 20);
	assert_string_equal(found.uri, URI);
	assert_memory_equal(&block.hash, &receipt.block, 32);
	agent_state_clear(&found);
	eth_rpc_answer_free(keep);
	/* Before the registry was deployed there was no code: an error, and not an absent agent. */
	assert_int_equal(agent_wait_at(&found, &block, rpc, &agent, &first, false, DEADLINE_MS), -ENXIO);
	mine(5);
}

static void an_agent_that_never_was_is_absent(void **state)
{
	const struct eth_rpc_at latest = eth_rpc_at_tag(ETH_RPC_LATEST), future = eth_rpc_at_number(1000000);
	struct agent_key nobody = agent;
	struct agent_state found;
	struct heads_block block;

	(void)state;
	nobody.id = u256_from_u64(12345);
	assert_int_equal(agent_wait_at(&found, &block, rpc, &nobody, &latest, true, DEADLINE_MS), 0);
	assert_false(found.exists);
	assert_int_equal(agent_wait_at(&found, &block, rpc, &agent, &future, true, DEADLINE_MS), -ENOENT);
}

static void sign(uint8_t out[static 65], const struct eth_hash *digest, const struct account *account)
{
	struct eth_signature signature;

	assert_int_equal(signature_sign(crypto, &signature, digest, account->key), 0);
	signature_serialize(out, &signature);
}

static void change_wallet(uint64_t block_time)
{
	const struct registry registry = {.chain_id = CHAIN, .address = agent.registry};
	struct eth_rpc_receipt receipt;
	struct eth_rpc_answer *keep;
	uint8_t signature[65], *data;
	struct eth_hash digest;
	size_t len;

	registry_wallet_digest(&digest, &registry, &agent.id, &wallet.address, &owner.address, block_time + 200);
	sign(signature, &digest, &wallet);
	assert_int_equal(registry_call_set_wallet(&data, &len, &agent.id, &wallet.address, block_time + 200, signature, 65),
			 0);
	transact(&receipt, &keep, data, len);
	eth_rpc_answer_free(keep);
	free(data);
}

static void between_latest_and_safe_a_changed_wallet_is_neither(void **state)
{
	struct heads_set heads;
	struct agent_pair pair;

	(void)state;
	assert_int_equal(heads_wait(&heads, rpc, DEADLINE_MS), 0);
	change_wallet(heads.latest.time);
	assert_int_equal(heads_wait(&heads, rpc, DEADLINE_MS), 0);
	assert_int_equal(heads.safe.number, heads.latest.number - 2);
	assert_int_equal(agent_wait_pair(&pair, rpc, &agent, &heads, false, DEADLINE_MS), 0);
	assert_memory_equal(&pair.latest.wallet, &wallet.address, 20);
	assert_memory_equal(&pair.safe.wallet, &owner.address, 20);
	agent_pair_clear(&pair);
}

static struct authority verdict;
static int verdict_err;

static void on_verdicts(void *arg, int err, const struct authority *verdicts, size_t n)
{
	bool *done = arg;

	verdict_err = err;
	if (n == 1)
		verdict = verdicts[0];
	*done = true;
}

static void judge(struct authority_cache *cache)
{
	bool done = false;

	assert_int_equal(authority_get(cache, &agent, on_verdicts, &done), 0);
	assert_int_equal(eth_rpc_turn_until(rpc, &done), 0);
	assert_int_equal(verdict_err, 0);
}

static void a_reorganisation_takes_verdicts_back(void **state)
{
	struct authority_cache *cache;
	struct heads heads = {0};
	struct heads_set set;
	struct agent_state found;
	struct heads_block block;
	struct eth_rpc_at gone;

	(void)state;
	assert_int_equal(authority_new(&cache, rpc, &heads, NULL), 0);
	assert_int_equal(heads_wait(&set, rpc, DEADLINE_MS), 0);
	heads_update(&heads, &set, 0);
	judge(cache);
	assert_int_equal(verdict.err, 0);
	assert_int_equal(authority_role(&verdict, &owner.address), AUTHORITY_WALLET); /* the role held at safe */
	assert_int_equal(authority_role(&verdict, &wallet.address), AUTHORITY_NONE);  /* not yet at safe */

	gone = eth_rpc_at_hash(&set.latest.hash);
	eth_rpc_answer_free(ask("anvil_reorg", "[1, []]")); /* the wallet change is undone */
	assert_int_equal(agent_wait_at(&found, &block, rpc, &agent, &gone, false, DEADLINE_MS), -ENOENT);
	assert_int_equal(heads_wait(&set, rpc, DEADLINE_MS), 0);
	heads_update(&heads, &set, 0);
	judge(cache);
	assert_int_equal(verdict.err, 0);
	assert_memory_equal(&verdict.latest.wallet, &owner.address, 20);

	change_wallet(set.latest.time);
	mine(5);
	assert_int_equal(heads_wait(&set, rpc, DEADLINE_MS), 0);
	heads_update(&heads, &set, 0);
	judge(cache);
	assert_int_equal(authority_role(&verdict, &wallet.address), AUTHORITY_WALLET);
	authority_free(cache);
}

static void reverts_are_told_in_words(void **state)
{
	const struct registry registry = {.chain_id = CHAIN, .address = agent.registry};
	struct eth_rpc_answer *answer;
	struct eth_rpc_calls list;
	uint8_t signature[65], *data;
	struct eth_hash digest;
	char text[160];
	size_t len;

	(void)state;
	registry_wallet_digest(&digest, &registry, &agent.id, &wallet.address, &owner.address, 1);
	sign(signature, &digest, &wallet);
	assert_int_equal(registry_call_set_wallet(&data, &len, &agent.id, &wallet.address, 1, signature, 65), 0);
	eth_rpc_calls_init(&list);
	eth_rpc_add_estimate_gas(&list, &owner.address, &agent.registry, data, len);
	assert_int_equal(eth_rpc_wait(&answer, rpc, &list, DEADLINE_MS), 0);
	assert_int_equal(answer->results[0].outcome, ETH_RPC_REVERT);
	registry_revert_text(text, sizeof(text), answer->results[0].revert, answer->results[0].revert_len);
	assert_non_null(strstr(text, "the deadline has passed"));
	eth_rpc_answer_free(answer);
	eth_rpc_calls_clear(&list);
	free(data);
}

static int setup(void **state)
{
	struct eth_rpc_config config = {.url = url, .chain_id = CHAIN};
	char path[128];
	json_t *record;
	const char *registry;
	uint8_t seed[32];

	(void)state;
	randombytes_buf(seed, sizeof(seed));
	crypto = signature_context_new(seed);
	make_account(&owner);
	make_account(&wallet);
	assert_non_null(mkdtemp(folder));
	start_chain();
	(void)snprintf(path, sizeof(path), "%s/chain.json", folder);
	record = json_load_file(path, 0, NULL);
	registry = json_string_value(json_object_get(record, "registry"));
	assert_non_null(registry);
	assert_int_equal(address_parse(&agent.registry, registry, strlen(registry)), 0);
	agent.chain = CHAIN;
	json_decref(record);
	(void)unlink(path);
	(void)rmdir(folder);
	base = event_base_new();
	return eth_rpc_new(&rpc, base, &config);
}

static int teardown(void **state)
{
	(void)state;
	eth_rpc_free(rpc);
	event_base_free(base);
	(void)kill(chain, SIGTERM);
	(void)waitpid(chain, NULL, 0);
	signature_context_free(crypto);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(registering_gives_an_agent_that_reads_back),
		cmocka_unit_test(an_agent_that_never_was_is_absent),
		cmocka_unit_test(between_latest_and_safe_a_changed_wallet_is_neither),
		cmocka_unit_test(a_reorganisation_takes_verdicts_back),
		cmocka_unit_test(reverts_are_told_in_words),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
