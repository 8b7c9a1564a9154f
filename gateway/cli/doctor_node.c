/* One provider under the doctor's eye. What it cannot do is said together with what kedge then does without. */
#include "eth/rpc_read.h"
#include "gateway/cli/doctor.h"
#include "gateway/identity/registry.h"
#include "gateway/runtime/clock.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { RPC_MS = 8000, SKEW_S = 15, BATCH = 100, PROOF_DEPTH = 1000 };

struct patient {
	struct cli_doctor *doctor;
	struct eth_rpc *rpc;
	unsigned provider;
	const struct chains_chain *chain;
	struct eth_address registry;
	struct heads_set heads;
};

/* Asks and clears the list. */
static int ask(struct eth_rpc_answer **out, const struct patient *p, struct eth_rpc_calls *list)
{
	int err = eth_rpc_wait_at(out, p->rpc, p->provider, list, RPC_MS);

	eth_rpc_calls_clear(list);
	return err;
}

/* A node's message, or what kind of refusal it is. The caller prints it through cli_doctor_say(), which escapes. */
static void word_of(char *out, size_t size, const struct eth_rpc_result *result)
{
	size_t len = result->message_len < size - 1 ? result->message_len : size - 1;

	if (result->message == NULL || len == 0) {
		snprintf(out, size, "an answer of another shape");
		return;
	}
	memcpy(out, result->message, len);
	out[len] = '\0';
}

static void say_heads(struct patient *p, bool *has_heads, const struct eth_rpc_result results[static 3])
{
	const char *why = NULL;
	const struct heads_set *set = &p->heads;
	uint64_t now = clock_wall_ms() / 1000;
	int err = heads_read(&p->heads, &why, results);

	*has_heads = err == 0;
	if (err != 0) {
		cli_doctor_say(p->doctor, CLI_DOCTOR_FAIL, "heads", "Use a node that serves the tags safe and finalized.",
			       "latest, safe and finalized cannot be had together%s%s", why ? ": " : "", why ? why : "");
		return;
	}
	cli_doctor_say(p->doctor, CLI_DOCTOR_OK, "heads", NULL, "latest %" PRIu64 ", safe %" PRIu64 " (%" PRIu64 " behind), finalized %" PRIu64 " (%" PRIu64 " behind)",
		       set->latest.number, set->safe.number, set->latest.number - set->safe.number, set->finalized.number,
		       set->latest.number - set->finalized.number);
	if (set->latest.time > now + SKEW_S)
		cli_doctor_say(p->doctor, CLI_DOCTOR_WARN, "clock", "Set this machine's clock (chrony or systemd-timesyncd).",
			       "the latest block is %" PRIu64 " s ahead of this machine's clock", set->latest.time - now);
	else if (p->doctor->config.head_age_s > 0 && now > set->latest.time + p->doctor->config.head_age_s)
		cli_doctor_say(p->doctor, CLI_DOCTOR_FAIL, "clock",
			       "The node is stuck or still syncing: use another one; or this machine's clock is fast.",
			       "the latest block is %" PRIu64 " s old", now - set->latest.time);
	else
		cli_doctor_say(p->doctor, CLI_DOCTOR_OK, "clock", NULL, "the latest block is %" PRIu64 " s old",
			       now > set->latest.time ? now - set->latest.time : 0);
}

static bool say_first(struct patient *p, bool *has_heads)
{
	struct eth_rpc_answer *answer = NULL;
	struct eth_rpc_calls list;
	uint64_t chain = 0;
	const char *version;
	char word[160];
	int err;

	eth_rpc_calls_init(&list);
	heads_ask(&list);
	eth_rpc_add_chain_id(&list);
	eth_rpc_add(&list, "web3_clientVersion", "[]");
	err = ask(&answer, p, &list);
	if (err != 0) {
		cli_doctor_say(p->doctor, CLI_DOCTOR_FAIL, "reachable",
			       "Check the URL and the network; a node that does not answer JSON-RPC batches cannot be used.", "%s",
			       *eth_rpc_last_error(p->rpc) ? eth_rpc_last_error(p->rpc) : "no answer");
		return false;
	}
	cli_doctor_say(p->doctor, CLI_DOCTOR_OK, "reachable", NULL, "answers batches");
	if (eth_rpc_result_u64(&chain, &answer->results[3]) != 0 || chain != p->chain->id)
		cli_doctor_say(p->doctor, CLI_DOCTOR_FAIL, "chain id",
			       "This is another chain's node: correct its URL, or the setting chain_id. It is never believed.",
			       "%" PRIu64 ", not %" PRIu64, chain, p->chain->id);
	else
		cli_doctor_say(p->doctor, CLI_DOCTOR_OK, "chain id", NULL, "%" PRIu64, chain);
	version = json_string_value(answer->results[4].value);
	word_of(word, sizeof(word), &answer->results[4]);
	if (version)
		cli_doctor_say(p->doctor, CLI_DOCTOR_OK, "client", NULL, "%.160s", version);
	else
		cli_doctor_say(p->doctor, CLI_DOCTOR_OK, "client", NULL, "does not say what it is: %s", word);
	say_heads(p, has_heads, answer->results);
	eth_rpc_answer_free(answer);
	return true;
}

static void say_proofs(struct patient *p)
{
	const struct heads_set *set = &p->heads;
	uint64_t deep = set->latest.number > PROOF_DEPTH ? set->latest.number - PROOF_DEPTH : 0;
	const struct {
		const char *name;
		struct eth_rpc_at at;
	} places[] = {{"proof latest", eth_rpc_at_number(set->latest.number)},
		      {"proof safe", eth_rpc_at_number(set->safe.number)},
		      {"proof finalized", eth_rpc_at_number(set->finalized.number)},
		      {"proof -1000", eth_rpc_at_number(deep)}};
	char word[200];

	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		struct eth_rpc_answer *answer = NULL;
		struct eth_rpc_proof proof;
		struct eth_rpc_calls list;
		int err;

		eth_rpc_calls_init(&list);
		eth_rpc_add_proof(&list, &p->registry, NULL, 0, &places[i].at);
		err = ask(&answer, p, &list);
		if (err == 0 && eth_rpc_result_proof(&proof, &answer->results[0]) == 0) {
			eth_rpc_proof_clear(&proof);
			cli_doctor_say(p->doctor, CLI_DOCTOR_OK, places[i].name, NULL, "eth_getProof at block %" PRIu64,
				       places[i].at.number);
		} else {
			if (err == 0)
				word_of(word, sizeof(word), &answer->results[0]);
			cli_doctor_say(p->doctor, CLI_DOCTOR_WARN, places[i].name,
				       i == 3 ? "Proofs must be taken within the node's window: keep kedge running."
					      : "Evidence from this node stays at tier rpc or quorum; use one with a proof window "
						"(reth: --rpc.eth-proof-window).",
				       "no eth_getProof at block %" PRIu64 ": %s", places[i].at.number,
				       err == 0 ? word : eth_rpc_last_error(p->rpc));
		}
		eth_rpc_answer_free(answer);
	}
}

static int ask_logs(char *word, size_t size, const struct patient *p, const struct eth_rpc_filter *filter)
{
	struct eth_rpc_answer *answer = NULL;
	struct eth_rpc_logs logs;
	struct eth_rpc_calls list;
	int err;

	eth_rpc_calls_init(&list);
	eth_rpc_add_logs(&list, filter);
	err = ask(&answer, p, &list);
	if (err != 0) {
		snprintf(word, size, "%s", eth_rpc_last_error(p->rpc));
		return err;
	}
	word_of(word, size, &answer->results[0]);
	err = eth_rpc_result_logs(&logs, &answer->results[0]);
	if (err == 0)
		eth_rpc_logs_clear(&logs);
	eth_rpc_answer_free(answer);
	return err;
}

static void say_logs(struct patient *p)
{
	static const uint64_t ranges[] = {100000, 50000, 10000, 5000, 2000, 1000, 500, 100, 10, 1};
	struct eth_rpc_filter filter = {.addresses = &p->registry, .naddresses = 1, .by_hash = true, .block = p->heads.latest.hash};
	uint64_t top = p->heads.finalized.number;
	char word[200];

	if (ask_logs(word, sizeof(word), p, &filter) == 0)
		cli_doctor_say(p->doctor, CLI_DOCTOR_OK, "logs by hash", NULL, "eth_getLogs with blockHash (EIP-234)");
	else
		cli_doctor_say(p->doctor, CLI_DOCTOR_FAIL, "logs by hash",
			       "Use a node with EIP-234: without it a reorganisation cannot be told from an empty block.", "%s", word);
	filter.by_hash = false;
	filter.to = top;
	for (size_t i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++) {
		filter.from = top + 1 > ranges[i] ? top + 1 - ranges[i] : 0;
		if (ask_logs(word, sizeof(word), p, &filter) != 0)
			continue;
		cli_doctor_say(p->doctor, ranges[i] >= 1000 || filter.from == 0 ? CLI_DOCTOR_OK : CLI_DOCTOR_WARN, "logs range",
			       ranges[i] >= 1000 || filter.from == 0 ? NULL : "The first indexing will be slow; use another node for it.",
			       "%" PRIu64 " blocks in one eth_getLogs", filter.to - filter.from + 1);
		return;
	}
	cli_doctor_say(p->doctor, CLI_DOCTOR_FAIL, "logs range", "Use a node that serves eth_getLogs.", "not even one block: %s", word);
}

static void say_pinned(struct patient *p)
{
	struct eth_rpc_at at = eth_rpc_at_hash(&p->heads.latest.hash);
	struct eth_rpc_answer *answer = NULL;
	uint8_t data[REGISTRY_CALL_ID_SIZE];
	struct eth_rpc_calls list;
	struct u256 zero = u256_from_u64(0);
	char word[200] = "no answer";
	enum eth_rpc_outcome outcome = ETH_RPC_REFUSED;

	registry_call_owner_of(data, &zero);
	eth_rpc_calls_init(&list);
	eth_rpc_add_call(&list, &p->registry, data, sizeof(data), &at);
	if (ask(&answer, p, &list) == 0) {
		outcome = answer->results[0].outcome;
		word_of(word, sizeof(word), &answer->results[0]);
	}
	if (outcome == ETH_RPC_OK || outcome == ETH_RPC_REVERT)
		cli_doctor_say(p->doctor, CLI_DOCTOR_OK, "calls by hash", NULL, "eth_call at a block hash (EIP-1898)");
	else
		cli_doctor_say(p->doctor, CLI_DOCTOR_FAIL, "calls by hash",
			       "Use a node with EIP-1898: kedge reads agents at one block hash only.", "%s", word);
	eth_rpc_answer_free(answer);
}

static void say_batches(struct patient *p)
{
	struct eth_rpc_answer *answer = NULL;
	struct eth_rpc_calls list;
	uint64_t number;
	size_t good = 0;
	int err;

	eth_rpc_calls_init(&list);
	for (size_t i = 0; i < BATCH; i++)
		eth_rpc_add(&list, "eth_blockNumber", "[]");
	err = ask(&answer, p, &list);
	for (size_t i = 0; err == 0 && i < answer->n; i++)
		good += eth_rpc_result_u64(&number, &answer->results[i]) == 0;
	if (good == BATCH)
		cli_doctor_say(p->doctor, CLI_DOCTOR_OK, "batch size", NULL, "%d calls in one batch", BATCH);
	else
		cli_doctor_say(p->doctor, CLI_DOCTOR_WARN, "batch size",
			       "Batches this large are refused here: a backfill takes longer, and many agents at once may fail.",
			       "%zu of %d calls in one batch were answered", good, BATCH);
	eth_rpc_answer_free(answer);
}

void cli_doctor_node(struct cli_doctor *doctor, struct cli_doctor_node *out, struct eth_rpc *rpc, unsigned provider,
		     const struct chains_chain *chain)
{
	struct patient p = {.doctor = doctor, .rpc = rpc, .provider = provider, .chain = chain};
	const struct chains_registry *registry = chains_first(&doctor->chains, chain->id);

	if (registry)
		p.registry = registry->address;
	out->answers = say_first(&p, &out->has_heads);
	if (!out->answers || !out->has_heads)
		return;
	out->heads = p.heads;
	say_batches(&p);
	say_pinned(&p);
	say_logs(&p);
	say_proofs(&p);
}
