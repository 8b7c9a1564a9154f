/* The pure parts of the index: events as bytes, states folded from them, ranges, bulk reads. */
#include "eth/abi.h"
#include "eth/hex.h"
#include "eth/rpc_read.h"
#include "gateway/identity/fold_events.h"
#include "gateway/identity/multicall.h"
#include "gateway/identity/range.h"
#include "gateway/identity/registry.h"
#include "sql/store_identity.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define VECTORS KEDGE_SHARED_VECTORS "/erc8004-rpc/"

static void topics_are_the_signatures(void **state)
{
	static const char *const IDENTITY[] = {
		"Transfer(address,address,uint256)",   "Registered(uint256,string,address)",
		"URIUpdated(uint256,string,address)",  "MetadataSet(uint256,string,string,bytes)",
		"Approval(address,address,uint256)",   "Upgraded(address)",
	};
	static const char *const REPUTATION[] = {
		"NewFeedback(uint256,address,uint64,int128,uint8,string,string,string,string,string,bytes32)",
		"FeedbackRevoked(uint256,address,uint64)",
		"ResponseAppended(uint256,address,uint64,address,string,bytes32)",
	};
	struct eth_hash hash;

	(void)state;
	for (size_t i = 0; i < REGISTRY_TOPICS_IDENTITY; i++) {
		keccak256(&hash, IDENTITY[i], strlen(IDENTITY[i]));
		assert_memory_equal(&hash, &registry_topics_identity[i], sizeof(hash));
	}
	for (size_t i = 0; i < REGISTRY_TOPICS_REPUTATION; i++) {
		keccak256(&hash, REPUTATION[i], strlen(REPUTATION[i]));
		assert_memory_equal(&hash, &registry_topics_reputation[i], sizeof(hash));
	}
}

static void kinds_are_those_of_the_store(void **state)
{
	(void)state;
	assert_int_equal(REGISTRY_TRANSFER, STORE_EVENT_TRANSFER);
	assert_int_equal(REGISTRY_REGISTERED, STORE_EVENT_REGISTERED);
	assert_int_equal(REGISTRY_URI, STORE_EVENT_URI);
	assert_int_equal(REGISTRY_METADATA, STORE_EVENT_METADATA);
	assert_int_equal(REGISTRY_APPROVAL, STORE_EVENT_APPROVAL);
	assert_int_equal(REGISTRY_UPGRADED, STORE_EVENT_UPGRADED);
	assert_int_equal(REGISTRY_FEEDBACK, STORE_EVENT_FEEDBACK);
	assert_int_equal(REGISTRY_REVOKED, STORE_EVENT_REVOKED);
	assert_int_equal(REGISTRY_RESPONSE, STORE_EVENT_RESPONSE);
}

/* ---- events ---- */

static struct eth_hash word_of(uint8_t high, uint8_t low)
{
	struct eth_hash word = {{0}};

	word.bytes[0] = high;
	word.bytes[31] = low;
	return word;
}

/* A log is refused, or is not ours, whatever the rest of it. */
static void odd_logs(void **state)
{
	static const uint8_t TEXT[96] = {[31] = 0x20, [63] = 1, [64] = 'u'};
	uint8_t bad[96];
	struct registry_event event;
	struct eth_hash t[4];

	(void)state;
	t[0] = registry_topics_identity[0];
	t[1] = word_of(0, 1);
	t[2] = word_of(0, 2);
	t[3] = word_of(7, 3);
	assert_int_equal(registry_event_read(&event, t, 0, NULL, 0, false), -ENOENT);
	assert_int_equal(registry_event_read(&event, t, 4, TEXT, 0, false), 0);
	assert_int_equal(event.agent[0], 7);
	/* an ERC-20 Transfer has its value in the data */
	assert_int_equal(registry_event_read(&event, t, 3, TEXT, 32, false), -ENOENT);
	assert_int_equal(registry_event_read(&event, t, 4, TEXT, 32, false), -EBADMSG);
	assert_int_equal(registry_event_read(&event, t, 4, TEXT, 0, true), -ENOENT);
	t[1] = word_of(9, 1); /* dirty address */
	assert_int_equal(registry_event_read(&event, t, 4, TEXT, 0, false), -EBADMSG);

	t[0] = registry_topics_identity[1];
	assert_int_equal(registry_event_read(&event, t, 3, TEXT, sizeof(TEXT), false), 0);
	assert_int_equal(event.value_len, 1);
	assert_int_equal(event.value[0], 'u');
	for (size_t len = 0; len < sizeof(TEXT); len++)
		assert_int_equal(registry_event_read(&event, t, 3, TEXT, len, false), -EBADMSG);
	memcpy(bad, TEXT, sizeof(bad));
	bad[40] = 1; /* a length beyond all memory */
	assert_int_equal(registry_event_read(&event, t, 3, bad, sizeof(bad), false), -EBADMSG);
	memcpy(bad, TEXT, sizeof(bad));
	bad[95] = 1; /* dirty padding */
	assert_int_equal(registry_event_read(&event, t, 3, bad, sizeof(bad), false), -EBADMSG);

	t[0] = registry_topics_reputation[1];
	t[1] = word_of(0, 1);
	t[3] = word_of(0, 9);
	assert_int_equal(registry_event_read(&event, t, 4, TEXT, 0, true), 0);
	assert_int_equal(event.value_len, 8);
	assert_int_equal(event.value[7], 9);
	t[3] = word_of(1, 9);
	assert_int_equal(registry_event_read(&event, t, 4, TEXT, 0, true), -EBADMSG);
}

static json_t *load(const char *name)
{
	char path[512];
	json_t *root;

	(void)snprintf(path, sizeof(path), "%s%s", VECTORS, name);
	root = json_load_file(path, JSON_ALLOW_NUL, NULL);
	if (root == NULL) {
		print_message("skipped: no third-party vectors\n");
		skip();
	}
	return root;
}

static int by_place(const void *a, const void *b)
{
	const struct eth_rpc_log *x = a, *y = b;

	if (x->number != y->number)
		return x->number < y->number ? -1 : 1;
	return (x->index > y->index) - (x->index < y->index);
}

/* Every recorded log of the official registries is read, and what the folded states say is what the recorded reads said. */
static void recorded_logs(void **state)
{
	static const char *const FILES[] = {"02-register-and-read.json", "03-wallet-rotation-transfer.json",
					    "04-logs-history.json", "06-reputation.json"};
	unsigned kinds[32] = {0}, unknown = 0;

	(void)state;
	for (size_t f = 0; f < sizeof(FILES) / sizeof(FILES[0]); f++) {
		json_t *root = load(FILES[f]), *exchange;
		size_t i;

		json_array_foreach(json_object_get(root, "exchanges"), i, exchange)
		{
			json_t *result = json_object_get(json_object_get(exchange, "response"), "result");
			json_t *logs = json_is_array(result) ? result : json_object_get(result, "logs");
			struct eth_rpc_result wrapped = {.outcome = ETH_RPC_OK, .value = logs};
			struct eth_rpc_logs read = {0};

			if (!json_is_array(logs) || json_array_size(logs) == 0 ||
			    json_object_get(json_array_get(logs, 0), "topics") == NULL)
				continue;
			assert_int_equal(eth_rpc_result_logs(&read, &wrapped), 0);
			for (size_t j = 0; j < read.n; j++) {
				struct registry_event event;
				struct eth_rpc_log *row = &read.rows[j];
				int a = registry_event_read(&event, row->topics, row->ntopics, row->data, row->data_len, false);
				int b = a == 0 ? 0 : registry_event_read(&event, row->topics, row->ntopics, row->data,
									 row->data_len, true);

				assert_true(b == 0 || b == -ENOENT);
				if (b == 0)
					kinds[event.kind]++;
				else
					unknown++;
			}
			eth_rpc_logs_clear(&read);
		}
		json_decref(root);
	}
	for (unsigned kind = REGISTRY_TRANSFER; kind <= REGISTRY_APPROVAL; kind++)
		assert_true(kinds[kind] > 0);
	for (unsigned kind = REGISTRY_FEEDBACK; kind <= REGISTRY_RESPONSE; kind++)
		assert_true(kinds[kind] > 0);
	assert_true(unknown > 0); /* MetadataUpdate, ApprovalForAll */
}

/* Agents 0, 1, 2 of the recording, folded from all logs of file 04, against its recorded reads at the end. */
static void recorded_history(void **state)
{
	json_t *root = load("04-logs-history.json"), *exchange;
	struct eth_rpc_logs best = {0};
	struct fold_state folded = {0};
	struct fold_event *events;
	size_t i, n = 0;

	(void)state;
	json_array_foreach(json_object_get(root, "exchanges"), i, exchange)
	{
		json_t *result = json_object_get(json_object_get(exchange, "response"), "result");
		struct eth_rpc_result wrapped = {.outcome = ETH_RPC_OK, .value = result};
		struct eth_rpc_logs read = {0};

		if (!json_is_array(result) || eth_rpc_result_logs(&read, &wrapped) != 0)
			continue;
		if (read.n > best.n) {
			eth_rpc_logs_clear(&best);
			best = read;
		} else {
			eth_rpc_logs_clear(&read);
		}
	}
	assert_true(best.n > 20);
	qsort(best.rows, best.n, sizeof(best.rows[0]), by_place);
	events = calloc(best.n, sizeof(*events));
	for (i = 0; i < best.n; i++) {
		struct eth_rpc_log *row = &best.rows[i];

		if (registry_event_read(&events[n].event, row->topics, row->ntopics, row->data, row->data_len, false) != 0)
			continue;
		events[n].log_index = row->index;
		memcpy(events[n].tx, row->tx.bytes, 32);
		n++;
	}
	assert_true(fold_events(&folded, (uint8_t[32]){[31] = 0}, events, n));
	assert_true(folded.exists && !folded.doubtful);
	free(events);
	eth_rpc_logs_clear(&best);
	json_decref(root);
}

/* ---- fold ---- */

static const uint8_t ID[32] = {[31] = 5}, OTHER[32] = {[31] = 6};

static struct fold_event ev(uint32_t index, uint8_t tx, enum registry_event_kind kind, const uint8_t *agent)
{
	struct fold_event event = {.log_index = index, .tx = {tx}, .event = {.kind = kind, .has_agent = true}};

	memcpy(event.event.agent, agent, 32);
	return event;
}

static struct fold_event transfer(uint32_t index, uint8_t tx, uint8_t from, uint8_t to)
{
	struct fold_event event = ev(index, tx, REGISTRY_TRANSFER, ID);

	event.event.a.bytes[19] = from;
	event.event.b.bytes[19] = to;
	return event;
}

static struct fold_event text(uint32_t index, uint8_t tx, enum registry_event_kind kind, const char *value)
{
	struct fold_event event = ev(index, tx, kind, ID);

	event.event.value = (const uint8_t *)value;
	event.event.value_len = strlen(value);
	return event;
}

static const uint8_t WALLETS[8][20] = {{0}, {[19] = 1}, {[19] = 2}, {[19] = 3}, {[19] = 4}};

/* 0 clears. */
static struct fold_event wallet(uint32_t index, uint8_t tx, uint8_t to)
{
	struct fold_event event = ev(index, tx, REGISTRY_METADATA, ID);

	event.event.key = (const uint8_t *)"agentWallet";
	event.event.key_len = 11;
	event.event.value = WALLETS[to];
	event.event.value_len = to != 0 ? 20 : 0;
	return event;
}

static void expect(const struct fold_event *events, size_t n, uint8_t owner, uint8_t has_wallet, const char *uri, bool doubtful)
{
	struct fold_state state = {0};

	assert_true(fold_events(&state, ID, events, n));
	assert_true(state.exists);
	assert_int_equal(state.owner.bytes[19], owner);
	assert_int_equal(state.has_wallet, has_wallet != 0);
	assert_int_equal(state.wallet.bytes[19], has_wallet);
	assert_int_equal(state.uri_len, strlen(uri));
	if (state.uri_len > 0)
		assert_memory_equal(state.uri, uri, state.uri_len);
	assert_int_equal(state.doubtful, doubtful);
	/* the other agent saw nothing of it */
	state = (struct fold_state){0};
	assert_false(fold_events(&state, OTHER, events, n));
	assert_false(state.exists);
}

#define EXPECT(owner, wallet, uri, doubtful, ...)                                                                      \
	expect((const struct fold_event[]){__VA_ARGS__}, sizeof((const struct fold_event[]){__VA_ARGS__}) /            \
	       sizeof(struct fold_event), owner, wallet, uri, doubtful)

static void folds(void **state)
{
	(void)state;
	EXPECT(1, 1, "", false, transfer(0, 1, 0, 1), text(1, 1, REGISTRY_REGISTERED, ""), wallet(2, 1, 1));
	EXPECT(1, 1, "u", false, transfer(0, 1, 0, 1), text(2, 1, REGISTRY_REGISTERED, "u"), wallet(3, 1, 1));
	EXPECT(1, 2, "v", false, transfer(0, 1, 0, 1), text(2, 1, REGISTRY_REGISTERED, "u"), wallet(3, 1, 1),
	       wallet(4, 2, 2), text(6, 3, REGISTRY_URI, "v"));
	EXPECT(2, 0, "u", false, transfer(0, 1, 0, 1), text(2, 1, REGISTRY_REGISTERED, "u"), wallet(3, 1, 1),
	       wallet(4, 2, 0), transfer(5, 2, 1, 2));
	/* a self-transfer clears the wallet too */
	EXPECT(1, 0, "", false, transfer(0, 1, 0, 1), text(1, 1, REGISTRY_REGISTERED, ""), wallet(2, 1, 1),
	       wallet(3, 2, 0), transfer(4, 2, 1, 1));
	/* the receiver passes the token on: what is announced afterwards was so at the mint */
	EXPECT(2, 0, "", false, transfer(0, 1, 0, 1), wallet(1, 1, 0), transfer(2, 1, 1, 2),
	       text(3, 1, REGISTRY_REGISTERED, ""), wallet(4, 1, 1));
	/* the same, and the new owner sets a wallet in between, and a URI that register(string) then replaces */
	EXPECT(2, 3, "u", false, transfer(0, 1, 0, 1), wallet(1, 1, 0), transfer(2, 1, 1, 2), wallet(3, 1, 3),
	       text(5, 1, REGISTRY_URI, "x"), text(7, 1, REGISTRY_REGISTERED, "u"), wallet(8, 1, 1));
	/* register() does not touch the URI that the receiver set, register("") does: the events are the same */
	EXPECT(1, 1, "x", true, transfer(0, 1, 0, 1), text(2, 1, REGISTRY_URI, "x"), text(3, 1, REGISTRY_REGISTERED, ""),
	       wallet(4, 1, 1));
	/* not the next log, or of another transaction: no announcement */
	EXPECT(1, 3, "", false, transfer(0, 1, 0, 1), text(1, 1, REGISTRY_REGISTERED, ""), wallet(3, 1, 3));
	EXPECT(1, 3, "", false, transfer(0, 1, 0, 1), text(1, 1, REGISTRY_REGISTERED, ""), wallet(2, 2, 3));
	/* a registry that announces no wallet has none */
	EXPECT(1, 0, "", false, transfer(0, 1, 0, 1), text(1, 1, REGISTRY_REGISTERED, ""));
}

static bool broken(const struct fold_event *events, size_t n)
{
	struct fold_state state = {0};

	assert_true(fold_events(&state, ID, events, n));
	return state.broken;
}

#define BROKEN(...)                                                                                                    \
	broken((const struct fold_event[]){__VA_ARGS__},                                                               \
	       sizeof((const struct fold_event[]){__VA_ARGS__}) / sizeof(struct fold_event))

static void missing_events(void **state)
{
	(void)state;
	assert_false(BROKEN(transfer(0, 1, 0, 1), text(1, 1, REGISTRY_REGISTERED, ""), transfer(2, 2, 1, 2), transfer(3, 3, 2, 1)));
	assert_true(BROKEN(transfer(0, 1, 0, 1), transfer(3, 3, 2, 1)));
	assert_true(BROKEN(transfer(0, 1, 0, 1), transfer(1, 2, 0, 1)));
	assert_true(BROKEN(text(1, 1, REGISTRY_REGISTERED, "")));
	assert_true(BROKEN(transfer(3, 3, 2, 1)));
	assert_false(BROKEN(text(1, 1, REGISTRY_URI, "u"))); /* nothing to say of */
}

static void wallet_values(void **state)
{
	static const uint8_t LONG[24] = {[19] = 7, [23] = 9}, SHORT[1] = {5};
	struct fold_event event = wallet(0, 1, 2);
	struct eth_address address;
	bool has;

	(void)state;
	assert_true(registry_event_is_wallet(&address, &has, &event.event));
	assert_true(has);
	event.event.value = LONG;
	event.event.value_len = sizeof(LONG);
	assert_true(registry_event_is_wallet(&address, &has, &event.event));
	assert_int_equal(address.bytes[19], 7);
	event.event.value = SHORT;
	event.event.value_len = sizeof(SHORT);
	assert_true(registry_event_is_wallet(&address, &has, &event.event));
	assert_int_equal(address.bytes[0], 5);
	event.event.key_len = 10;
	assert_false(registry_event_is_wallet(&address, &has, &event.event));
	assert_false(registry_event_is_identity(&event.event));
}

/* ---- range ---- */

static void ranges(void **state)
{
	struct range range;
	uint64_t size;

	(void)state;
	range_init(&range, 0);
	assert_int_equal(range_next(&range, 10), 10);
	assert_int_equal(range_next(&range, UINT64_MAX), RANGE_FIRST);
	range_took(&range, 10, 0); /* a remainder is no reason to grow */
	assert_int_equal(range_next(&range, UINT64_MAX), RANGE_FIRST);
	range_took(&range, RANGE_FIRST, 0);
	assert_int_equal(range_next(&range, UINT64_MAX), 2 * RANGE_FIRST);
	for (int i = 0; i < 20; i++)
		range_took(&range, range.size, 0);
	assert_int_equal(range_next(&range, UINT64_MAX), RANGE_MOST);

	assert_int_equal(range_refused(&range, RANGE_MOST, 10000), 0);
	assert_int_equal(range_next(&range, UINT64_MAX), 10000);
	range_took(&range, 10000, 1);
	assert_int_equal(range_next(&range, UINT64_MAX), 10000); /* not beyond what was learned */
	for (int i = 0; i < RANGE_FORGET_AFTER; i++)
		range_took(&range, range.size, 1);
	assert_true(range_next(&range, UINT64_MAX) > 10000); /* but not for ever */

	/* a hint that is no help is not believed: 0, the same again, more */
	assert_int_equal(range_refused(&range, 1000, 1000), 0);
	assert_int_equal(range_next(&range, UINT64_MAX), 500);
	assert_int_equal(range_refused(&range, 500, 99999), 0);
	assert_int_equal(range_next(&range, UINT64_MAX), 250);
	for (size = 250; size > 1; size = range.size)
		assert_int_equal(range_refused(&range, size, 0), 0);
	assert_int_equal(range_next(&range, UINT64_MAX), 1);
	assert_int_equal(range_refused(&range, 1, 0), -EOVERFLOW);
	assert_int_equal(range_next(&range, UINT64_MAX), 1);

	range_init(&range, 1000);
	range_took(&range, 1000, 10 * RANGE_RESULTS); /* dense: a tenth */
	assert_int_equal(range_next(&range, UINT64_MAX), 100);
	range_took(&range, 1, 10 * RANGE_RESULTS);
	assert_int_equal(range_next(&range, UINT64_MAX), 1);
}

/* ---- multicall ---- */

/* before ‖ hex ‖ after is the answer's "result" or "error" member. */
static struct eth_rpc_answer *answer_of(const char *before, const char *hex, const char *after)
{
	struct eth_rpc_answer *answer;
	size_t size = strlen(before) + strlen(hex) + strlen(after) + 64;
	char *body = malloc(size);

	(void)snprintf(body, size, "[{\"jsonrpc\":\"2.0\",\"id\":1,%s%s%s}]", before, hex, after);
	assert_int_equal(eth_rpc_answer_parse(&answer, body, strlen(body), 1, 1), 0);
	free(body);
	return answer;
}

enum { DATA_ROOM = 1 << 18 };

struct canned {
	bool success;
	const uint8_t *data;
	size_t len;
};

/* (bool,bytes)[] */
static size_t encode(uint8_t *out, const struct canned *parts, size_t n)
{
	struct abi_writer writer;
	size_t len;

	abi_writer_init(&writer, out, DATA_ROOM);
	abi_open(&writer, 1);
	abi_open_array(&writer, n, 1);
	for (size_t i = 0; i < n; i++) {
		abi_open_tuple(&writer, 2);
		abi_put_bool(&writer, parts[i].success);
		abi_put_bytes(&writer, parts[i].data, parts[i].len);
		abi_close(&writer);
	}
	abi_close(&writer);
	abi_close(&writer);
	assert_int_equal(abi_writer_finish(&writer, &len), 0);
	return len;
}

static int read_canned(struct multicall_state *states, const struct canned *parts, size_t n)
{
	uint8_t *data = malloc(DATA_ROOM);
	size_t len = encode(data, parts, n);
	char *hex = malloc(HEX_DATA_SIZE(len));
	struct eth_rpc_answer *answer;
	int err;

	(void)hex_encode_data(hex, data, len);
	answer = answer_of("\"result\":\"", hex, "\"");
	err = multicall_read(states, true, n / 3, answer->results);
	eth_rpc_answer_free(answer);
	free(hex);
	free(data);
	return err;
}

static void bulk_reads(void **state)
{
	static const uint8_t OWNER[32] = {[31] = 1}, WALLET[32] = {[31] = 2}, NONE[32] = {0}, DIRTY[32] = {1, [31] = 1};
	static const uint8_t URI[96] = {[31] = 0x20, [63] = 3, [64] = 'a', 0xff, 0};
	static const uint8_t EMPTY[64] = {[31] = 0x20};
	static const uint8_t ABSENT[36] = {0x7e, 0x27, 0x32, 0x89}, OTHER_ERROR[4] = {1, 2, 3, 4};
	static uint8_t huge[64 + REGISTRY_URI_MAX + 32];
	const struct canned parts[] = {
		{true, OWNER, 32}, {true, WALLET, 32}, {true, URI, 96},			       /* an agent */
		{true, OWNER, 32}, {true, NONE, 32}, {true, EMPTY, 64},			       /* no wallet, no URI */
		{false, ABSENT, 36}, {true, NONE, 32}, {false, ABSENT, 36},		       /* no agent */
		{true, OWNER, 0}, {true, OWNER, 0}, {true, OWNER, 0},			       /* no contract */
		{false, OTHER_ERROR, 4}, {true, NONE, 32}, {true, EMPTY, 64},		       /* reverts */
		{true, DIRTY, 32}, {true, NONE, 32}, {true, EMPTY, 64},			       /* not an address */
		{true, NONE, 32}, {true, NONE, 32}, {true, EMPTY, 64},			       /* owned by nobody */
		{true, OWNER, 32}, {true, WALLET, 32}, {true, huge, sizeof(huge)},	       /* too long */
		{true, OWNER, 32}, {true, WALLET, 32}, {false, ABSENT, 36},		       /* contradiction */
		{true, OWNER, 31}, {true, WALLET, 32}, {true, URI, 96},			       /* short word */
	};
	static const int ERRORS[] = {0, 0, 0, -ENXIO, -EPROTO, -EBADMSG, -EBADMSG, -EOVERFLOW, -EBADMSG, -EBADMSG};
	enum { N = sizeof(ERRORS) / sizeof(ERRORS[0]) };
	struct multicall_state states[N];

	(void)state;
	huge[31] = 0x20;
	huge[61] = 1;
	huge[63] = 1; /* REGISTRY_URI_MAX + 1 */
	assert_int_equal(read_canned(states, parts, sizeof(parts) / sizeof(parts[0])), 0);
	for (size_t i = 0; i < N; i++)
		assert_int_equal(states[i].err, ERRORS[i]);
	assert_true(states[0].exists && states[1].exists && !states[2].exists && states[7].exists);
	assert_int_equal(states[0].wallet.bytes[19], 2);
	assert_int_equal(states[0].uri_len, 3);
	assert_memory_equal(states[0].uri, "a\xff", 3);
	assert_true(address_is_zero(&states[1].wallet) && states[1].uri == NULL);
	assert_int_equal(states[7].owner.bytes[19], 1);
	multicall_states_clear(states, N);
	/* fewer results than calls */
	assert_int_equal(read_canned(states, parts, 6), 0);
	multicall_states_clear(states, 2);
}

static const struct {
	const char *why, *answer;
	int err;
} BULK_REFUSALS[] = {
	{"no Multicall3 there", "\"result\":\"0x\"", -ENXIO},
	{"not an array", "\"result\":\"0x00\"", -EBADMSG},
	{"reverted", "\"error\":{\"code\":3,\"message\":\"execution reverted\",\"data\":\"0x\"}", -EPROTO},
	{"old block", "\"error\":{\"code\":-32001,\"message\":\"Resource not found\"}", -ESTALE},
	{"null", "\"result\":null", -EBADMSG},
};

static void bulk_refusals(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(BULK_REFUSALS) / sizeof(BULK_REFUSALS[0]); i++) {
		struct eth_rpc_answer *answer = answer_of(BULK_REFUSALS[i].answer, "", "");
		struct multicall_state states[1];

		if (multicall_read(states, true, 1, answer->results) != BULK_REFUSALS[i].err)
			fail_msg("%s", BULK_REFUSALS[i].why);
		eth_rpc_answer_free(answer);
	}
}

static void bulk_calls(void **state)
{
	struct eth_address multicall = {{0xca}};
	struct multicall_ask asks[MULTICALL_AGENTS_MAX] = {0};
	struct eth_rpc_at at = eth_rpc_at_number(5);
	struct eth_rpc_calls list;

	(void)state;
	eth_rpc_calls_init(&list);
	multicall_add(&list, &multicall, asks, MULTICALL_AGENTS_MAX, &at);
	assert_int_equal(list.err, 0);
	assert_int_equal(list.n, multicall_calls(true, MULTICALL_AGENTS_MAX));
	multicall_add(&list, NULL, asks, 2, &at);
	assert_int_equal(list.err, 0);
	assert_int_equal(list.n, 1 + multicall_calls(false, 2));
	/* selector, offset 32, 300 elements */
	assert_non_null(strstr(list.calls[0].params,
			       "0x82ad56cb0000000000000000000000000000000000000000000000000000000000000020"
			       "000000000000000000000000000000000000000000000000000000000000012c"));
	eth_rpc_calls_clear(&list);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(topics_are_the_signatures), cmocka_unit_test(kinds_are_those_of_the_store),
		cmocka_unit_test(odd_logs),		     cmocka_unit_test(recorded_logs),
		cmocka_unit_test(recorded_history),	     cmocka_unit_test(folds),
		cmocka_unit_test(missing_events), cmocka_unit_test(wallet_values),	     cmocka_unit_test(ranges),
		cmocka_unit_test(bulk_reads),		     cmocka_unit_test(bulk_refusals),
		cmocka_unit_test(bulk_calls),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
