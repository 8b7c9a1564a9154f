/* Logs as they came. A provider may leave out, add, reorder or misplace; what can be noticed is noticed here. */
#include "gateway/steward/index_internal.h"
#include "eth/bloom.h"
#include "gateway/identity/heads.h"
#include "gateway/identity/registry_event.h"
#include "gateway/runtime/log.h"
#include "gateway/runtime/metrics.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* With so few of its 2,048 bits set, a bloom holds three bits of an address and three of one of nine topics by chance about
 * once in a million: (150/2048)^6 × 9. */
enum { SPARSE_BITS = 150 };

int index_grow(void *array, size_t *room, size_t n, size_t size)
{
	void **place = array;
	void *grown;
	size_t wanted = *room < 16 ? 16 : *room * 2;

	if (n < *room)
		return 0;
	grown = reallocarray(*place, wanted, size);
	if (grown == NULL)
		return -ENOMEM;
	*place = grown;
	*room = wanted;
	return 0;
}

void index_batch_clear(struct index_batch *batch)
{
	for (size_t i = 0; i < batch->nanswers; i++)
		eth_rpc_logs_clear(&batch->answers[i]);
	free(batch->answers);
	free(batch->logs);
	*batch = (struct index_batch){0};
}

void index_ask_init(struct index_ask *ask, const struct index_duty *duty, uint32_t mask)
{
	size_t n = 0, ntopics = 0;
	bool identity = false, reputation = false;

	*ask = (struct index_ask){0};
	for (size_t i = 0; i < duty->nregistries; i++) {
		if ((mask & (UINT32_C(1) << i)) == 0)
			continue;
		ask->addresses[n++] = duty->registries[i].address;
		identity = identity || !duty->registries[i].reputation;
		reputation = reputation || duty->registries[i].reputation;
	}
	for (size_t i = 0; identity && i < REGISTRY_TOPICS_IDENTITY; i++)
		ask->topics[ntopics++] = registry_topics_identity[i];
	for (size_t i = 0; reputation && i < REGISTRY_TOPICS_REPUTATION; i++)
		ask->topics[ntopics++] = registry_topics_reputation[i];
	ask->filter.addresses = ask->addresses;
	ask->filter.naddresses = n;
	ask->filter.topics[0].values = ask->topics;
	ask->filter.topics[0].n = ntopics;
}

static const struct index_registry *registry_of(const struct index_duty *duty, const struct eth_address *address)
{
	for (size_t i = 0; i < duty->nregistries; i++)
		if (address_equal(&duty->registries[i].address, address))
			return &duty->registries[i];
	return NULL;
}

static bool was_asked(const struct index_ask *ask, const struct eth_rpc_log *row)
{
	bool address = false, topic = false;

	for (size_t i = 0; i < ask->filter.naddresses; i++)
		address = address || address_equal(&ask->addresses[i], &row->address);
	for (size_t i = 0; row->ntopics > 0 && i < ask->filter.topics[0].n; i++)
		topic = topic || memcmp(&ask->topics[i], &row->topics[0], sizeof(row->topics[0])) == 0;
	return address && topic;
}

static const char *fault_of(const struct eth_rpc_log *row, const struct index_ask *ask, uint64_t from, uint64_t to,
			    const struct eth_hash *block)
{
	if (row->removed)
		return "a removed log in an answer to eth_getLogs";
	if (row->index > INT32_MAX)
		return "a log's place that no block has";
	if (!was_asked(ask, row))
		return "a log that was not asked for";
	if (row->number < from || row->number > to)
		return "a log of a block outside the range";
	if (block != NULL && memcmp(block, &row->block, sizeof(*block)) != 0)
		return "a log of another block than asked for";
	return NULL;
}

/* Against the row before it. */
static const char *order_fault(const struct eth_rpc_log *row, const struct eth_rpc_log *last)
{
	bool same = last->number == row->number, same_hash = memcmp(&last->block, &row->block, sizeof(row->block)) == 0;

	if (last->number > row->number || (same && last->index >= row->index))
		return "logs out of order, or one twice";
	if (same != same_hash)
		return "two hashes of one block, or one hash of two";
	if (same && (last->has_time != row->has_time || last->time != row->time))
		return "two times of one block";
	return last->has_time && row->has_time && last->time > row->time ? "a later block with an earlier time" : NULL;
}

/* A bloom says nothing of data, order and place: a true log made unreadable would be one left out. The contract that is known
 * writes none such, so near the head (where it is the one that runs) its provider is wrong. Another contract's is kept for the
 * agent it names: storage has the word about that one. */
static int add_log(struct index_batch *batch, const char **why, const struct index_duty *duty,
		   const struct eth_rpc_log *row, bool near)
{
	const struct index_registry *registry = registry_of(duty, &row->address);
	struct index_log *log;
	int err = index_grow(&batch->logs, &batch->room, batch->n, sizeof(*batch->logs));

	if (err != 0)
		return err;
	if (registry == NULL) {
		*why = "a log of a contract that is not followed";
		return -EBADMSG;
	}
	log = &batch->logs[batch->n];
	*log = (struct index_log){.registry = registry,
				  .number = row->number,
				  .block = row->block,
				  .has_time = row->has_time,
				  .time = row->time,
				  .fold.log_index = row->index};
	memcpy(log->fold.tx, row->tx.bytes, sizeof(log->fold.tx));
	err = registry_event_read(&log->fold.event, row->topics, row->ntopics, row->data, row->data_len,
				  registry->reputation);
	if (err != 0 && near && registry->known && !registry->reputation && row->number > registry->odd_until) {
		*why = "a log that the registry does not write";
		batch->odd = registry;
		return -EBADMSG;
	}
	if (err == -ENOENT)
		return 0;
	if (err != 0) {
		log_warn(log_msg("a log of the registry cannot be read"), log_u64("block", row->number),
			 log_u64("index", row->index), log_hex("registry", row->address.bytes, 20));
		log->unread = true;
	}
	if (log->fold.event.kind == REGISTRY_REVOKED)
		log->fold.event.value = NULL; /* it would point into a member that moves: see index_step.c */
	batch->upgraded = batch->upgraded || log->fold.event.kind == REGISTRY_UPGRADED;
	batch->n++;
	return 0;
}

int index_batch_add(struct index_batch *batch, const char **why, struct eth_rpc_logs *logs, const struct index_duty *duty,
		    const struct index_ask *ask, uint64_t from, uint64_t to, const struct eth_hash *block)
{
	int err = index_grow(&batch->answers, &batch->answers_room, batch->nanswers, sizeof(*batch->answers));
	size_t had = batch->n;

	*why = NULL;
	batch->odd = NULL;
	for (size_t i = 0; err == 0 && i < logs->n; i++) {
		*why = fault_of(&logs->rows[i], ask, from, to, block);
		if (*why == NULL && i > 0)
			*why = order_fault(&logs->rows[i], &logs->rows[i - 1]);
		err = *why != NULL ? -EBADMSG : add_log(batch, why, duty, &logs->rows[i], block != NULL);
	}
	if (err != 0) {
		batch->n = had;
		eth_rpc_logs_clear(logs);
		return err;
	}
	/* the rows are decoded: of the answer only what data points to is needed, but the two are freed as one */
	batch->answers[batch->nanswers++] = *logs;
	*logs = (struct eth_rpc_logs){0};
	return 0;
}

static unsigned bits_of(const uint8_t bloom[static 256])
{
	unsigned bits = 0;

	for (size_t i = 0; i < 256; i++)
		bits += (unsigned)__builtin_popcount(bloom[i]);
	return bits;
}

static bool holds_topic(const uint8_t bloom[static 256], bool reputation)
{
	const struct eth_hash *topics = reputation ? registry_topics_reputation : registry_topics_identity;
	size_t n = reputation ? REGISTRY_TOPICS_REPUTATION : REGISTRY_TOPICS_IDENTITY;

	for (size_t i = 0; i < n; i++)
		if (bloom_may_contain_topic(bloom, &topics[i]))
			return true;
	return false;
}

enum index_bloom index_bloom(const uint8_t bloom[static 256], const struct index_duty *duty, uint32_t mask)
{
	bool maybe = false;

	for (size_t i = 0; !maybe && i < duty->nregistries; i++)
		maybe = (mask & (UINT32_C(1) << i)) != 0 &&
			bloom_may_contain_address(bloom, &duty->registries[i].address) &&
			holds_topic(bloom, duty->registries[i].reputation);
	if (!maybe)
		return INDEX_BLOOM_NONE;
	return bits_of(bloom) <= SPARSE_BITS ? INDEX_BLOOM_SURELY : INDEX_BLOOM_MAYBE;
}

bool index_bloom_allows(const uint8_t bloom[static 256], const struct eth_rpc_logs *logs, bool exactly)
{
	uint8_t sum[BLOOM_SIZE] = {0};

	for (size_t i = 0; i < logs->n; i++) {
		const struct eth_rpc_log *row = &logs->rows[i];

		bloom_add(sum, row->address.bytes, sizeof(row->address.bytes));
		for (unsigned t = 0; t < row->ntopics; t++)
			bloom_add(sum, row->topics[t].bytes, sizeof(row->topics[t].bytes));
	}
	for (size_t i = 0; i < sizeof(sum); i++)
		if ((sum[i] & ~bloom[i]) != 0 || (exactly && sum[i] != bloom[i]))
			return false;
	return true;
}

void index_logs_filter(struct eth_rpc_logs *logs, const struct index_ask *ask)
{
	size_t n = 0;

	for (size_t i = 0; i < logs->n; i++)
		if (was_asked(ask, &logs->rows[i]))
			logs->rows[n++] = logs->rows[i];
	logs->n = n;
}

static int check_limit(struct eth_rpc_answer **answer)
{
	for (size_t i = 0; i < (*answer)->n; i++)
		if ((*answer)->results[i].outcome == ETH_RPC_LIMIT) {
			eth_rpc_answer_free(*answer);
			*answer = NULL;
			return -EOVERFLOW;
		}
	return 0;
}

int index_wait_logs(struct eth_rpc_answer **out, struct index_duty *duty, struct eth_rpc_calls *list, bool alone)
{
	unsigned providers = eth_rpc_providers(duty->ctx->rpc);
	int err;

	if (alone && list->err == 0)
		list->calls[0].cap = ETH_RPC_HUGE;
	err = eth_rpc_wait(out, duty->ctx->rpc, list, INDEX_RPC_MS);
	if (err == 0)
		err = check_limit(out);
	for (unsigned i = 0; alone && err == -EOVERFLOW && providers > 1 && i < providers; i++) {
		err = eth_rpc_wait_at(out, duty->ctx->rpc, i, list, INDEX_RPC_MS);
		if (err == 0)
			err = check_limit(out);
	}
	return err;
}

void index_distrust(struct index_duty *duty, uint32_t providers, const char *why, uint64_t from, uint64_t to)
{
	int64_t now = heads_now_ms();

	metrics_add(METRIC_INDEX_LIES, 1);
	for (unsigned i = 0; i < ETH_RPC_PROVIDERS_MAX; i++)
		if ((providers & (UINT32_C(1) << i)) != 0)
			eth_rpc_distrust(duty->ctx->rpc, i, why);
	duty->lies_untold++;
	if (duty->lie_logged_ms != 0 && now - duty->lie_logged_ms < INDEX_LIE_LOG_MS)
		return;
	log_warn(log_msg("a provider's answer is not believed"), log_str("chain", duty->ctx->chain->name), log_str("why", why),
		 log_u64("from", from), log_u64("to", to), log_u64("times", duty->lies_untold));
	duty->lie_logged_ms = now;
	duty->lies_untold = 0;
}
