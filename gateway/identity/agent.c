/* Agents read from storage. agent_read() is the one way to the node; the others arrange queries for it. */
#include "gateway/identity/agent.h"
#include "gateway/identity/registry.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* A string of REGISTRY_URI_MAX bytes in ABI form, in hex, with its JSON frame. */
enum { URI_ANSWER_CAP = 2 * (REGISTRY_URI_MAX + 128) + 1024 };

struct read {
	agent_on_read *on_read;
	void *arg;
	size_t n;
	bool with_uri[];
};

void agent_state_clear(struct agent_state *state)
{
	free(state->uri);
	*state = (struct agent_state){0};
}

void agent_pair_clear(struct agent_pair *pair)
{
	agent_state_clear(&pair->safe);
	agent_state_clear(&pair->latest);
}

static void ask(struct eth_rpc_calls *list, const struct agent_query *query)
{
	const struct eth_address *registry = &query->key.registry;
	struct eth_rpc_at at = eth_rpc_at_hash(&query->block);
	uint8_t data[REGISTRY_CALL_ID_SIZE];

	registry_call_owner_of(data, &query->key.id);
	eth_rpc_add_call(list, registry, data, sizeof(data), &at);
	registry_call_wallet(data, &query->key.id);
	eth_rpc_add_call(list, registry, data, sizeof(data), &at);
	if (!query->with_uri)
		return;
	registry_call_token_uri(data, &query->key.id);
	eth_rpc_add_call(list, registry, data, sizeof(data), &at);
	if (list->err == 0)
		list->calls[list->n - 1].cap = URI_ANSWER_CAP;
}

/* An absent agent is a state, not an error; getAgentWallet and tokenURI are then not looked at. */
static void read_state(struct agent_answer *out, const struct eth_rpc_result *results, bool with_uri)
{
	struct agent_state *state = &out->state;

	out->err = registry_read_owner(&state->owner, &results[0]);
	if (out->err == -ENOENT) {
		*out = (struct agent_answer){0};
		return;
	}
	state->exists = true;
	if (out->err == 0)
		out->err = registry_read_wallet(&state->wallet, &results[1]);
	if (out->err == 0 && with_uri)
		out->err = registry_read_uri(&state->uri, &state->uri_len, &results[2]);
	if (out->err == -ENOENT) /* the parts of one block contradict each other */
		out->err = -EBADMSG;
	if (out->err != 0)
		agent_state_clear(state);
}

static void on_results(void *arg, int err, const struct eth_rpc_result *results, size_t n)
{
	struct read *read = arg;
	struct agent_answer *answers = err == 0 ? calloc(read->n, sizeof(*answers)) : NULL;
	size_t at = 0;

	(void)n;
	if (err == 0 && answers == NULL)
		err = -ENOMEM;
	for (size_t i = 0; err == 0 && i < read->n; i++) {
		read_state(&answers[i], results + at, read->with_uri[i]);
		at += read->with_uri[i] ? 3 : 2;
	}
	read->on_read(read->arg, err, answers, err == 0 ? read->n : 0);
	for (size_t i = 0; answers != NULL && i < read->n; i++)
		agent_state_clear(&answers[i].state);
	free(answers);
	free(read);
}

int agent_read(struct eth_rpc *rpc, const struct agent_query *queries, size_t n, unsigned deadline_ms,
	       agent_on_read *on_read, void *arg)
{
	struct eth_rpc_calls list;
	struct read *read;
	int err;

	if (n == 0)
		return -EINVAL;
	if (n > ETH_RPC_CALLS_MAX)
		return -EOVERFLOW;
	read = malloc(sizeof(*read) + n * sizeof(read->with_uri[0]));
	if (read == NULL)
		return -ENOMEM;
	read->on_read = on_read;
	read->arg = arg;
	read->n = n;
	eth_rpc_calls_init(&list);
	for (size_t i = 0; i < n; i++) {
		ask(&list, &queries[i]);
		read->with_uri[i] = queries[i].with_uri;
	}
	err = eth_rpc_batch_list(rpc, &list, deadline_ms, on_results, read);
	eth_rpc_calls_clear(&list);
	if (err != 0)
		free(read);
	return err;
}

/* Reading at a block given in any way: first the block, then the agent at its hash. */
struct read_at {
	struct eth_rpc *rpc;
	struct agent_query query;
	struct heads_block block;
	int64_t deadline_ms;
	agent_on_read_at *on_read;
	void *arg;
};

static void end_read_at(struct read_at *read, int err, struct agent_state *state)
{
	read->on_read(read->arg, err, err == 0 ? &read->block : NULL, err == 0 ? state : NULL);
	free(read);
}

static void on_state_at(void *arg, int err, struct agent_answer *answers, size_t n)
{
	struct read_at *read = arg;

	if (err == 0 && n == 1)
		err = answers[0].err;
	end_read_at(read, err, err == 0 ? &answers[0].state : NULL);
}

static void on_block(void *arg, int err, const struct eth_rpc_result *results, size_t n)
{
	struct read_at *read = arg;
	struct eth_rpc_block block;
	int64_t left = read->deadline_ms - heads_now_ms();

	if (err == 0 && n == 1)
		err = eth_rpc_result_block(&block, &results[0]);
	if (err == 0 && left <= 0)
		err = -ETIMEDOUT;
	if (err == 0) {
		read->block = (struct heads_block){.number = block.number, .hash = block.hash, .time = block.time};
		read->query.block = block.hash;
		err = agent_read(read->rpc, &read->query, 1, (unsigned)left, on_state_at, read);
	}
	if (err != 0)
		end_read_at(read, err, NULL);
}

int agent_read_at(struct eth_rpc *rpc, const struct agent_key *key, const struct eth_rpc_at *at, bool with_uri,
		  unsigned deadline_ms, agent_on_read_at *on_read, void *arg)
{
	struct read_at *read = calloc(1, sizeof(*read));
	struct eth_rpc_calls list;
	int err;

	if (read == NULL)
		return -ENOMEM;
	read->rpc = rpc;
	read->query = (struct agent_query){.key = *key, .with_uri = with_uri};
	read->deadline_ms = heads_now_ms() + deadline_ms;
	read->on_read = on_read;
	read->arg = arg;
	eth_rpc_calls_init(&list);
	eth_rpc_add_block(&list, at);
	err = eth_rpc_batch_list(rpc, &list, deadline_ms, on_block, read);
	eth_rpc_calls_clear(&list);
	if (err != 0)
		free(read);
	return err;
}

struct read_pair {
	struct heads_set heads;
	agent_on_pair *on_pair;
	void *arg;
};

static void on_pair_states(void *arg, int err, struct agent_answer *answers, size_t n)
{
	struct read_pair *read = arg;
	struct agent_pair pair = {.safe_block = read->heads.safe, .latest_block = read->heads.latest};

	if (err == 0 && n == 2)
		err = answers[0].err != 0 ? answers[0].err : answers[1].err;
	if (err == 0) {
		pair.safe = answers[0].state;
		pair.latest = answers[1].state;
	}
	read->on_pair(read->arg, err, err == 0 ? &pair : NULL);
	if (err == 0) { /* a URI that was taken is NULL in the pair, and must be here too */
		answers[0].state.uri = pair.safe.uri;
		answers[1].state.uri = pair.latest.uri;
	}
	free(read);
}

int agent_read_pair(struct eth_rpc *rpc, const struct agent_key *key, const struct heads_set *heads, bool with_uri,
		    unsigned deadline_ms, agent_on_pair *on_pair, void *arg)
{
	const struct agent_query queries[] = {
		{.key = *key, .block = heads->safe.hash, .with_uri = with_uri},
		{.key = *key, .block = heads->latest.hash, .with_uri = with_uri},
	};
	struct read_pair *read = malloc(sizeof(*read));
	int err;

	if (read == NULL)
		return -ENOMEM;
	*read = (struct read_pair){.heads = *heads, .on_pair = on_pair, .arg = arg};
	err = agent_read(rpc, queries, 2, deadline_ms, on_pair_states, read);
	if (err != 0)
		free(read);
	return err;
}

struct wait {
	bool done;
	int err;
	struct heads_block *block;
	struct agent_state *state;
	struct agent_pair *pair;
};

static void on_waited_at(void *arg, int err, const struct heads_block *block, struct agent_state *state)
{
	struct wait *wait = arg;

	if (err == 0) {
		*wait->state = *state;
		state->uri = NULL;
		if (wait->block != NULL)
			*wait->block = *block;
	}
	wait->err = err;
	wait->done = true;
}

int agent_wait_at(struct agent_state *out, struct heads_block *block, struct eth_rpc *rpc, const struct agent_key *key,
		  const struct eth_rpc_at *at, bool with_uri, unsigned deadline_ms)
{
	struct wait wait = {.block = block, .state = out};
	int err = agent_read_at(rpc, key, at, with_uri, deadline_ms, on_waited_at, &wait);

	if (err == 0)
		err = eth_rpc_turn_until(rpc, &wait.done);
	return err != 0 ? err : wait.err;
}

static void on_waited_pair(void *arg, int err, struct agent_pair *pair)
{
	struct wait *wait = arg;

	if (err == 0) {
		*wait->pair = *pair;
		pair->safe.uri = NULL;
		pair->latest.uri = NULL;
	}
	wait->err = err;
	wait->done = true;
}

int agent_wait_pair(struct agent_pair *out, struct eth_rpc *rpc, const struct agent_key *key,
		    const struct heads_set *heads, bool with_uri, unsigned deadline_ms)
{
	struct wait wait = {.pair = out};
	int err = agent_read_pair(rpc, key, heads, with_uri, deadline_ms, on_waited_pair, &wait);

	if (err == 0)
		err = eth_rpc_turn_until(rpc, &wait.done);
	return err != 0 ? err : wait.err;
}
