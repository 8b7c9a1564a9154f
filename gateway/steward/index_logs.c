/* Whether the logs shown of a block near the head are all there are. A bloom says of each address and topic whether it may be
 * there, but not how often, nor with what data; one provider may leave out, change or make up the rest. */
#include "gateway/steward/index_internal.h"
#include "gateway/identity/registry_event.h"

#include <errno.h>
#include <string.h>

enum {
	SECOND_MS = 5000,
};

/* ---- another provider's word ---- */

enum word { SAME, MORE, FEWER, OTHER, SILENT };

static bool same_log(const struct eth_rpc_log *a, const struct eth_rpc_log *b)
{
	return address_equal(&a->address, &b->address) && a->ntopics == b->ntopics &&
	       memcmp(a->topics, b->topics, a->ntopics * sizeof(a->topics[0])) == 0 && a->data_len == b->data_len &&
	       (a->data_len == 0 || memcmp(a->data, b->data, a->data_len) == 0) &&
	       memcmp(&a->tx, &b->tx, sizeof(a->tx)) == 0;
}

/* What b shows in the light of a; both ascend by index. */
static enum word compare(const struct eth_rpc_logs *a, const struct eth_rpc_logs *b)
{
	size_t i = 0, j = 0, only_a = 0, only_b = 0;

	while (i < a->n || j < b->n) {
		if (j == b->n || (i < a->n && a->rows[i].index < b->rows[j].index)) {
			only_a++;
			i++;
		} else if (i == a->n || b->rows[j].index < a->rows[i].index) {
			only_b++;
			j++;
		} else {
			if (!same_log(&a->rows[i++], &b->rows[j++])) {
				only_a++;
				only_b++;
			}
		}
	}
	if (only_b == 0)
		return only_a == 0 ? SAME : FEWER;
	return only_a == 0 ? MORE : OTHER;
}

static bool is_sound(const struct eth_rpc_logs *logs, const struct index_shown *shown)
{
	for (size_t i = 0; i < logs->n; i++)
		if (logs->rows[i].removed || logs->rows[i].number != shown->number ||
		    memcmp(&logs->rows[i].block, &shown->block, sizeof(shown->block)) != 0 ||
		    (i > 0 && logs->rows[i].index <= logs->rows[i - 1].index))
			return false;
	return shown->bits == NULL || index_bloom_allows(shown->bits, logs, false);
}

static enum word read_word(struct index_duty *duty, const struct index_shown *shown, const struct index_ask *ask,
			   const struct eth_rpc_answer *answer)
{
	struct eth_rpc_logs logs = {0};
	struct eth_rpc_block block;
	enum word word = SILENT;

	/* who does not know the block has no word on it */
	if (eth_rpc_result_block(&block, &answer->results[1]) == 0 && memcmp(&block.hash, &shown->block, 32) == 0 &&
	    eth_rpc_result_logs(&logs, &answer->results[0]) == 0) {
		index_logs_filter(&logs, ask);
		if (is_sound(&logs, shown))
			word = compare(shown->logs, &logs);
		else
			index_distrust(duty, UINT32_C(1) << answer->provider, "logs that their block rules out", shown->number,
				       shown->number);
	}
	eth_rpc_logs_clear(&logs);
	return word;
}

static enum word ask_word(struct index_duty *duty, const struct index_shown *shown, struct index_ask *ask, unsigned provider)
{
	struct eth_rpc_at at = eth_rpc_at_hash(&shown->block);
	struct eth_rpc_answer *answer = NULL;
	struct eth_rpc_calls list;
	enum word word = SILENT;

	ask->filter.by_hash = true;
	ask->filter.block = shown->block;
	eth_rpc_calls_init(&list);
	eth_rpc_add_logs(&list, &ask->filter);
	eth_rpc_add_block(&list, &at);
	if (duty->narrow && list.err == 0)
		list.calls[0].cap = ETH_RPC_HUGE;
	if (eth_rpc_wait_at(&answer, duty->ctx->rpc, provider, &list, duty->narrow ? INDEX_RPC_MS : SECOND_MS) == 0)
		word = read_word(duty, shown, ask, answer);
	eth_rpc_answer_free(answer);
	eth_rpc_calls_clear(&list);
	return word;
}

/* Whoever shows a log that the other does not is believed: it carries the block's hash, and what it makes of its agent is
 * read from storage and proved. Where each shows what the other does not, the logs must make the state that is proved. */
int index_logs_agree(struct index_duty *duty, const struct index_shown *shown, struct index_ask *ask)
{
	bool quorum = index_wants_quorum(duty);
	unsigned wanted = quorum ? (unsigned)duty->ctx->config->rpc_quorum - 1 : 1, heard = 0;
	unsigned providers = eth_rpc_providers(duty->ctx->rpc);

	if (providers < 2 || index_is_unheard(duty))
		return 0;
	for (unsigned i = 1; i < providers && heard < wanted; i++) {
		unsigned other = (shown->provider + i) % providers;
		enum word word = ask_word(duty, shown, ask, other);

		if (word == MORE || (word == OTHER && quorum)) {
			index_distrust(duty, UINT32_C(1) << shown->provider, "logs left out that another provider shows", shown->number,
				       shown->number);
			return -EAGAIN;
		}
		if (word == FEWER)
			index_distrust(duty, UINT32_C(1) << other, "logs left out that another provider shows", shown->number,
				       shown->number);
		duty->contested = duty->contested || word == OTHER;
		heard += word == SAME || ((word == FEWER || word == OTHER) && !quorum);
	}
	if (heard < wanted)
		return index_unheard(duty, "logs", shown->number);
	index_heard(duty);
	return 0;
}

/* ---- what the known contract always writes together ---- */

static bool is_next(const struct index_log *a, const struct index_log *b)
{
	return a->registry == b->registry && a->fold.log_index + 1 == b->fold.log_index &&
	       memcmp(a->fold.tx, b->fold.tx, sizeof(a->fold.tx)) == 0 && a->fold.event.has_agent &&
	       memcmp(a->fold.event.agent, b->fold.event.agent, 32) == 0;
}

static bool sets_wallet(const struct index_log *log, bool cleared)
{
	struct eth_address wallet;
	bool has_wallet;

	return registry_event_is_wallet(&wallet, &has_wallet, &log->fold.event) && has_wallet != cleared;
}

static bool is_mint(const struct index_log *log)
{
	return log->fold.event.kind == REGISTRY_TRANSFER && address_is_zero(&log->fold.event.a);
}

/* The other half of a registration, in the same transaction. */
static bool has_other_half(const struct index_log *logs, size_t n, size_t at)
{
	bool mint = is_mint(&logs[at]);

	for (size_t i = 0; i < n; i++) {
		bool wanted = mint ? i > at && logs[i].fold.event.kind == REGISTRY_REGISTERED : i < at && is_mint(&logs[i]);

		if (wanted && logs[i].registry == logs[at].registry &&
		    memcmp(logs[i].fold.tx, logs[at].fold.tx, sizeof(logs[i].fold.tx)) == 0 &&
		    memcmp(logs[i].fold.event.agent, logs[at].fold.event.agent, 32) == 0)
			return true;
	}
	return false;
}

/* IdentityRegistryUpgradeable b9e466c: _update() logs MetadataSet(agentWallet, "") right before each Transfer that is no
 * mint; register() mints, and later logs Registered and MetadataSet(agentWallet) with nothing between. */
const char *index_logs_fault(const struct index_registry **of, const struct index_log *logs, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const struct index_log *log = &logs[i];
		bool ends = i + 1 == n;

		*of = log->registry;
		if (!log->registry->known || log->registry->reputation || log->number <= log->registry->odd_until || log->unread)
			continue;
		if (log->fold.event.kind == REGISTRY_TRANSFER && !is_mint(log) &&
		    (i == 0 || !is_next(&logs[i - 1], log) || !sets_wallet(&logs[i - 1], true)))
			return "a Transfer without what the registry logs before it";
		if (log->fold.event.kind == REGISTRY_REGISTERED &&
		    (ends || !is_next(log, &logs[i + 1]) || !sets_wallet(&logs[i + 1], false)))
			return "a registration without what the registry logs after it";
		if ((is_mint(log) || log->fold.event.kind == REGISTRY_REGISTERED) && !has_other_half(logs, n, i))
			return "half of a registration";
	}
	return NULL;
}
