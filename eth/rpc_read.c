/* Calls for logs, proofs and storage words, and the reader of logs. */
#include "eth/rpc_read.h"
#include "eth/hex.h"
#include "eth/rpc_member.h"
#include "eth/rpc_text.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static void put_hashes(struct eth_rpc_text *text, const struct eth_hash *values, size_t n)
{
	eth_rpc_put(text, "[");
	for (size_t i = 0; i < n; i++) {
		eth_rpc_put(text, i > 0 ? "," : "");
		eth_rpc_put_data(text, values[i].bytes, sizeof(values[i].bytes));
	}
	eth_rpc_put(text, "]");
}

static bool filter_is_sound(const struct eth_rpc_filter *filter)
{
	for (size_t i = 0; i < ETH_RPC_TOPICS; i++)
		if (filter->topics[i].n > ETH_RPC_FILTER_MAX)
			return false;
	return filter->naddresses <= ETH_RPC_FILTER_MAX && (filter->by_hash || filter->from <= filter->to);
}

/* Places after the last one that is asked for are left out: a trailing null would also demand that a topic is there. */
static void put_topics(struct eth_rpc_text *text, const struct eth_rpc_filter *filter)
{
	size_t n = ETH_RPC_TOPICS;

	while (n > 0 && filter->topics[n - 1].n == 0)
		n--;
	if (n == 0)
		return;
	eth_rpc_put(text, ",\"topics\":[");
	for (size_t i = 0; i < n; i++) {
		eth_rpc_put(text, i > 0 ? "," : "");
		if (filter->topics[i].n == 0)
			eth_rpc_put(text, "null");
		else
			put_hashes(text, filter->topics[i].values, filter->topics[i].n);
	}
	eth_rpc_put(text, "]");
}

static void put_filter(struct eth_rpc_text *text, const struct eth_rpc_filter *filter)
{
	eth_rpc_put(text, "[{");
	if (filter->by_hash) {
		eth_rpc_put(text, "\"blockHash\":");
		eth_rpc_put_data(text, filter->block.bytes, sizeof(filter->block.bytes));
	} else {
		eth_rpc_put(text, "\"fromBlock\":");
		eth_rpc_put_quantity(text, filter->from);
		eth_rpc_put(text, ",\"toBlock\":");
		eth_rpc_put_quantity(text, filter->to);
	}
	for (size_t i = 0; i < filter->naddresses; i++) {
		eth_rpc_put(text, i > 0 ? "," : ",\"address\":[");
		eth_rpc_put_address(text, &filter->addresses[i]);
	}
	eth_rpc_put(text, filter->naddresses > 0 ? "]" : "");
	put_topics(text, filter);
	eth_rpc_put(text, "}]");
}

static void add_large(struct eth_rpc_calls *list, const char *method, struct eth_rpc_text *params)
{
	eth_rpc_add_text(list, method, params);
	if (list->err == 0)
		list->calls[list->n - 1].cap = ETH_RPC_LARGE;
}

void eth_rpc_add_logs(struct eth_rpc_calls *list, const struct eth_rpc_filter *filter)
{
	struct eth_rpc_text text = {0};

	if (filter_is_sound(filter))
		put_filter(&text, filter);
	else
		text.err = -EINVAL;
	add_large(list, "eth_getLogs", &text);
}

void eth_rpc_add_proof(struct eth_rpc_calls *list, const struct eth_address *address, const struct eth_hash *slots, size_t n,
		       const struct eth_rpc_at *at)
{
	struct eth_rpc_text text = {0};

	if (n > ETH_RPC_PROOF_SLOTS)
		text.err = -EINVAL;
	eth_rpc_put(&text, "[");
	eth_rpc_put_address(&text, address);
	eth_rpc_put(&text, ",");
	put_hashes(&text, slots, n > ETH_RPC_PROOF_SLOTS ? 0 : n);
	eth_rpc_put(&text, ",");
	eth_rpc_put_at(&text, at);
	eth_rpc_put(&text, "]");
	add_large(list, "eth_getProof", &text);
}

void eth_rpc_add_storage(struct eth_rpc_calls *list, const struct eth_address *address, const struct eth_hash *slot,
			 const struct eth_rpc_at *at)
{
	struct eth_rpc_text text = {0};

	eth_rpc_put(&text, "[");
	eth_rpc_put_address(&text, address);
	eth_rpc_put(&text, ",");
	eth_rpc_put_data(&text, slot->bytes, sizeof(slot->bytes));
	eth_rpc_put(&text, ",");
	eth_rpc_put_at(&text, at);
	eth_rpc_put(&text, "]");
	eth_rpc_add_text(list, "eth_getStorageAt", &text);
}

void eth_rpc_logs_clear(struct eth_rpc_logs *logs)
{
	free(logs->rows);
	free(logs->bytes);
	*logs = (struct eth_rpc_logs){0};
}

static int read_topics(struct eth_rpc_log *out, const json_t *topics)
{
	if (!json_is_array(topics) || json_array_size(topics) > ETH_RPC_TOPICS)
		return -EBADMSG;
	out->ntopics = (unsigned)json_array_size(topics);
	for (size_t i = 0; i < out->ntopics; i++) {
		const json_t *topic = json_array_get(topics, i);
		int err = !json_is_string(topic) ? -EBADMSG
						 : hex_decode_fixed(out->topics[i].bytes, sizeof(out->topics[i].bytes),
								    json_string_value(topic), json_string_length(topic));

		if (err != 0)
			return err;
	}
	return 0;
}

/* Decodes into what is left of the common memory, which was sized by the lengths of the texts. */
static int read_data(struct eth_rpc_log *out, uint8_t **free_bytes, size_t *room, const json_t *object)
{
	const char *text;
	size_t len;
	int err = eth_rpc_member_text(&text, &len, object, "data");

	if (err == 0)
		err = hex_decode_data(*free_bytes, *room, &out->data_len, text, len);
	if (err != 0)
		return -EBADMSG;
	out->data = *free_bytes;
	*free_bytes += out->data_len;
	*room -= out->data_len;
	return 0;
}

static int read_optional(struct eth_rpc_log *out, const json_t *object)
{
	const json_t *removed = json_object_get(object, "removed"), *time = json_object_get(object, "blockTimestamp");
	int err = 0;

	if (removed != NULL && !json_is_boolean(removed))
		return -EBADMSG;
	out->removed = json_is_true(removed);
	if (time == NULL || json_is_null(time))
		return 0;
	out->has_time = true;
	eth_rpc_member_u64(&out->time, &err, object, "blockTimestamp");
	return err;
}

static int read_log(struct eth_rpc_log *out, uint8_t **free_bytes, size_t *room, const json_t *object)
{
	uint64_t index = 0;
	int err = json_is_object(object) ? 0 : -EBADMSG;

	eth_rpc_member_fixed(out->address.bytes, &err, sizeof(out->address.bytes), object, "address");
	eth_rpc_member_u64(&out->number, &err, object, "blockNumber");
	eth_rpc_member_hash(&out->block, &err, object, "blockHash");
	eth_rpc_member_hash(&out->tx, &err, object, "transactionHash");
	eth_rpc_member_u64(&index, &err, object, "logIndex");
	if (err == 0 && index > UINT32_MAX)
		err = -EOVERFLOW;
	out->index = (uint32_t)index;
	if (err == 0)
		err = read_topics(out, json_object_get(object, "topics"));
	if (err == 0)
		err = read_data(out, free_bytes, room, object);
	return err != 0 ? err : read_optional(out, object);
}

int eth_rpc_result_logs(struct eth_rpc_logs *out, const struct eth_rpc_result *result)
{
	int err = eth_rpc_result_error(result);
	size_t n, room = 0;
	uint8_t *free_bytes;

	*out = (struct eth_rpc_logs){0};
	if (err != 0)
		return err;
	if (!json_is_array(result->value))
		return -EBADMSG;
	n = json_array_size(result->value);
	for (size_t i = 0; i < n; i++)
		room += json_string_length(json_object_get(json_array_get(result->value, i), "data")) / 2;
	out->rows = calloc(n + 1, sizeof(*out->rows));
	out->bytes = malloc(room + 1);
	if (out->rows == NULL || out->bytes == NULL)
		err = -ENOMEM;
	free_bytes = out->bytes;
	for (; err == 0 && out->n < n; out->n++)
		err = read_log(&out->rows[out->n], &free_bytes, &room, json_array_get(result->value, out->n));
	if (err != 0)
		eth_rpc_logs_clear(out);
	return err;
}
