/* Calls for logs, proofs and words as text; readers of logs, headers and proofs, and all that they refuse. */
#include "vectors.h"
#include "eth/rpc_read.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define A1 "0x1111111111111111111111111111111111111111"
#define A2 "0x2222222222222222222222222222222222222222"
#define H(digit) "0x" digit digit digit digit digit digit digit digit
#define H1 H("11111111")
#define H2 H("22222222")
#define H3 H("33333333")

static void assert_call(const struct eth_rpc_calls *list, size_t i, const char *method, const char *params)
{
	assert_int_equal(list->err, 0);
	assert_true(i < list->n);
	assert_string_equal(list->calls[i].method, method);
	assert_string_equal(list->calls[i].params, params);
}

static void test_calls(void **state)
{
	struct eth_address addresses[2];
	struct eth_hash hashes[3];
	struct eth_rpc_filter filter = {.addresses = addresses, .naddresses = 2, .from = 16, .to = 255};
	struct eth_rpc_at at = eth_rpc_at_number(7);
	struct eth_rpc_calls list;

	(void)state;
	memset(&addresses[0], 0x11, 20);
	memset(&addresses[1], 0x22, 20);
	for (int i = 0; i < 3; i++)
		memset(&hashes[i], 0x11 * (i + 1), 32);
	eth_rpc_calls_init(&list);
	eth_rpc_add_logs(&list, &filter);
	filter.topics[0].values = hashes;
	filter.topics[0].n = 2;
	filter.topics[2].values = &hashes[2];
	filter.topics[2].n = 1;
	filter.naddresses = 1;
	filter.by_hash = true;
	filter.block = hashes[0];
	eth_rpc_add_logs(&list, &filter);
	filter = (struct eth_rpc_filter){.from = 5, .to = 5};
	eth_rpc_add_logs(&list, &filter);
	eth_rpc_add_proof(&list, &addresses[0], hashes, 2, &at);
	at = eth_rpc_at_hash(&hashes[2]);
	eth_rpc_add_proof(&list, &addresses[0], NULL, 0, &at);
	eth_rpc_add_storage(&list, &addresses[1], &hashes[0], &at);
	assert_call(&list, 0, "eth_getLogs", "[{\"fromBlock\":\"0x10\",\"toBlock\":\"0xff\",\"address\":[\"" A1 "\",\"" A2 "\"]}]");
	assert_call(&list, 1, "eth_getLogs",
		    "[{\"blockHash\":\"" H1 "\",\"address\":[\"" A1 "\"],\"topics\":[[\"" H1 "\",\"" H2 "\"],null,[\"" H3 "\"]]}]");
	assert_call(&list, 2, "eth_getLogs", "[{\"fromBlock\":\"0x5\",\"toBlock\":\"0x5\"}]");
	assert_call(&list, 3, "eth_getProof", "[\"" A1 "\",[\"" H1 "\",\"" H2 "\"],\"0x7\"]");
	assert_call(&list, 4, "eth_getProof", "[\"" A1 "\",[],{\"blockHash\":\"" H3 "\",\"requireCanonical\":true}]");
	assert_call(&list, 5, "eth_getStorageAt",
		    "[\"" A2 "\",\"" H1 "\",{\"blockHash\":\"" H3 "\",\"requireCanonical\":true}]");
	assert_int_equal(list.calls[0].cap, ETH_RPC_LARGE);
	assert_int_equal(list.calls[3].cap, ETH_RPC_LARGE);
	assert_int_equal(list.calls[5].cap, 0);
	eth_rpc_calls_clear(&list);
}

static void test_calls_refused(void **state)
{
	struct eth_hash *slots = calloc(ETH_RPC_PROOF_SLOTS + 1, sizeof(*slots));
	struct eth_rpc_filter filters[] = {
		{.from = 6, .to = 5},
		{.to = 5, .naddresses = ETH_RPC_FILTER_MAX + 1},
		{.to = 5, .topics[3] = {.values = slots, .n = ETH_RPC_FILTER_MAX + 1}},
	};
	struct eth_rpc_at at = eth_rpc_at_tag(ETH_RPC_LATEST);
	struct eth_address address = {{0}};
	struct eth_rpc_calls list;

	(void)state;
	for (size_t i = 0; i < COUNT(filters); i++) {
		eth_rpc_calls_init(&list);
		eth_rpc_add_logs(&list, &filters[i]);
		assert_int_equal(list.err, -EINVAL);
		assert_int_equal(list.n, 0);
		eth_rpc_calls_clear(&list);
	}
	eth_rpc_calls_init(&list);
	eth_rpc_add_proof(&list, &address, slots, ETH_RPC_PROOF_SLOTS, &at);
	assert_int_equal(list.err, 0);
	eth_rpc_add_proof(&list, &address, slots, ETH_RPC_PROOF_SLOTS + 1, &at);
	assert_int_equal(list.err, -EINVAL);
	eth_rpc_calls_clear(&list);
	free(slots);
}

static json_t *json_of(const char *text)
{
	json_t *value = json_loads(text, JSON_DECODE_ANY, NULL);

	if (value == NULL)
		fail_msg("not JSON: %s", text);
	return value;
}

/* ---- logs ---- */

#define LOG                                                                                                                    \
	"{\"address\":\"" A1 "\",\"topics\":[\"" H1 "\",\"" H2 "\"],\"data\":\"0x0102\",\"blockNumber\":\"0x10\",\"blockHash\":\"" H3     \
	"\",\"transactionHash\":\"" H2 "\",\"transactionIndex\":\"0x0\",\"logIndex\":\"0x3\",\"removed\":false}"

static void test_logs(void **state)
{
	json_t *value = json_of("[" LOG "," LOG "]"), *second = json_array_get(value, 1);
	struct eth_rpc_result result = {.outcome = ETH_RPC_OK, .value = value};
	struct eth_rpc_logs logs;

	(void)state;
	json_object_set_new(second, "data", json_string("0x"));
	json_object_set_new(second, "topics", json_array());
	json_object_set_new(second, "blockTimestamp", json_string("0x6ab13b80"));
	json_object_set_new(second, "removed", json_true());
	assert_int_equal(eth_rpc_result_logs(&logs, &result), 0);
	assert_int_equal(logs.n, 2);
	assert_int_equal(logs.rows[0].number, 16);
	assert_int_equal(logs.rows[0].index, 3);
	assert_int_equal(logs.rows[0].ntopics, 2);
	assert_int_equal(logs.rows[0].topics[1].bytes[31], 0x22);
	assert_int_equal(logs.rows[0].block.bytes[0], 0x33);
	assert_int_equal(logs.rows[0].tx.bytes[0], 0x22);
	assert_int_equal(logs.rows[0].data_len, 2);
	assert_int_equal(logs.rows[0].data[1], 2);
	assert_false(logs.rows[0].removed || logs.rows[0].has_time);
	assert_int_equal(logs.rows[1].data_len, 0);
	assert_non_null(logs.rows[1].data);
	assert_int_equal(logs.rows[1].ntopics, 0);
	assert_true(logs.rows[1].removed && logs.rows[1].has_time && logs.rows[1].time == 0x6ab13b80);
	eth_rpc_logs_clear(&logs);
	json_decref(value);
	result.value = value = json_array();
	assert_int_equal(eth_rpc_result_logs(&logs, &result), 0);
	assert_int_equal(logs.n, 0);
	eth_rpc_logs_clear(&logs);
	json_decref(value);
}

static void test_logs_refused(void **state)
{
	static const struct {
		const char *name, *value;
		int expected;
	} cases[] = {
		{"address", "\"0x11\"", -EBADMSG},
		{"address", "null", -EBADMSG},
		{"topics", "null", -EBADMSG},
		{"topics", "{}", -EBADMSG},
		{"topics", "[null]", -EBADMSG},
		{"topics", "[\"0x11\"]", -EBADMSG},
		{"topics", "[\"" H1 "\",\"" H1 "\",\"" H1 "\",\"" H1 "\",\"" H1 "\"]", -EBADMSG},
		{"data", "null", -EBADMSG},
		{"data", "\"\"", -EBADMSG},
		{"data", "\"0x1\"", -EBADMSG},
		{"data", "\"0xgg\"", -EBADMSG},
		{"data", "[1]", -EBADMSG},
		{"blockNumber", "null", -EBADMSG},
		{"blockNumber", "16", -EBADMSG},
		{"blockNumber", "\"16\"", -EBADMSG},
		{"blockNumber", "\"0x010\"", -EBADMSG},
		{"blockNumber", "\"0x10000000000000000\"", -EOVERFLOW},
		{"blockHash", "null", -EBADMSG},
		{"transactionHash", "\"0x\"", -EBADMSG},
		{"logIndex", "\"0x100000000\"", -EOVERFLOW},
		{"logIndex", "null", -EBADMSG},
		{"removed", "\"false\"", -EBADMSG},
		{"removed", "null", -EBADMSG},
		{"blockTimestamp", "\"soon\"", -EBADMSG},
		{"blockTimestamp", "1", -EBADMSG},
	};
	static const char *const shapes[] = {"null", "{}", "\"0x\"", "[null]", "[[]]", "[1]", "true"};
	struct eth_rpc_result result = {.outcome = ETH_RPC_OK};
	struct eth_rpc_logs logs;

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		json_t *value = json_of("[" LOG "," LOG "]");
		int err;

		json_object_set_new(json_array_get(value, 1), cases[i].name, json_of(cases[i].value));
		result.value = value;
		err = eth_rpc_result_logs(&logs, &result);
		if (err != cases[i].expected)
			fail_msg("%s %s: %d, not %d", cases[i].name, cases[i].value, err, cases[i].expected);
		assert_null(logs.rows);
		json_decref(value);
	}
	for (size_t i = 0; i < COUNT(shapes); i++) {
		json_t *value = json_of(shapes[i]);

		result.value = value;
		assert_int_equal(eth_rpc_result_logs(&logs, &result), -EBADMSG);
		json_decref(value);
	}
	result = (struct eth_rpc_result){.outcome = ETH_RPC_LIMIT};
	assert_int_equal(eth_rpc_result_logs(&logs, &result), -EAGAIN);
}

/* ---- headers ---- */

#define BLOOM                                                                                                                  \
	"0x" ZEROS64 ZEROS64 ZEROS64 ZEROS64 ZEROS64 ZEROS64 ZEROS64 ZEROS64
#define ZEROS64 "0000000000000000000000000000000000000000000000000000000000000000"

/* The hash is made from the RLP that this test writes down: own block, London fork. */
static const char block_text[] =
	"{\"parentHash\":\"" H1 "\",\"sha3Uncles\":\"" H2 "\",\"miner\":\"" A1 "\",\"stateRoot\":\"" H3 "\",\"transactionsRoot\":\"" H1
	"\",\"receiptsRoot\":\"" H2 "\",\"logsBloom\":\"" BLOOM
	"\",\"difficulty\":\"0x0\",\"number\":\"0x10\",\"gasLimit\":\"0x1c9c380\",\"gasUsed\":\"0x5208\",\"timestamp\":\"0x6ab13b80\","
	"\"extraData\":\"0x\",\"mixHash\":\"" H3 "\",\"nonce\":\"0x0000000000000000\",\"baseFeePerGas\":\"0x7\","
	"\"totalDifficulty\":\"0x0\",\"size\":\"0x200\",\"uncles\":[],\"transactions\":[]}";

static void block_rlp(struct eth_hash *hash)
{
	static const char hex[] = "f901f8"
				  "a0" "1111111111111111111111111111111111111111111111111111111111111111"
				  "a0" "2222222222222222222222222222222222222222222222222222222222222222"
				  "94" "1111111111111111111111111111111111111111"
				  "a0" "3333333333333333333333333333333333333333333333333333333333333333"
				  "a0" "1111111111111111111111111111111111111111111111111111111111111111"
				  "a0" "2222222222222222222222222222222222222222222222222222222222222222"
				  "b90100" ZEROS64 ZEROS64 ZEROS64 ZEROS64 ZEROS64 ZEROS64 ZEROS64 ZEROS64
				  "80" "10" "8401c9c380" "825208" "846ab13b80" "80"
				  "a0" "3333333333333333333333333333333333333333333333333333333333333333"
				  "88" "0000000000000000" "07";
	struct bytes bytes = hex_bytes(hex);

	assert_int_equal(bytes.len, 3 + 0x1f8);
	keccak256(hash, bytes.data, bytes.len);
	free(bytes.data);
}

static json_t *block_json(void)
{
	json_t *block = json_of(block_text);
	char text[67] = "0x";
	struct eth_hash hash;

	block_rlp(&hash);
	for (size_t i = 0; i < 32; i++)
		snprintf(text + 2 + 2 * i, 3, "%02x", hash.bytes[i]);
	json_object_set_new(block, "hash", json_string(text));
	return block;
}

static void test_header(void **state)
{
	json_t *block = block_json();
	struct eth_rpc_result result = {.outcome = ETH_RPC_OK, .value = block};
	struct eth_rpc_header header;
	struct eth_hash hash;

	(void)state;
	block_rlp(&hash);
	assert_int_equal(eth_rpc_result_header(&header, &result), 0);
	assert_int_equal(header.rlp_len, 3 + 0x1f8);
	assert_int_equal(header.header.fields, 16);
	assert_int_equal(header.header.number, 16);
	assert_int_equal(header.header.gas_used, 21000);
	assert_memory_equal(header.header.hash.bytes, hash.bytes, 32);
	/* what is not of the header cannot hurt while the hash is right */
	json_object_set_new(block, "l1BlockNumber", json_string("0x1"));
	assert_int_equal(eth_rpc_result_header(&header, &result), 0);
	json_decref(block);
}

static void test_header_refused(void **state)
{
	static const struct {
		const char *name, *value; /* NULL: removed */
		int expected;
	} cases[] = {
		{"hash", NULL, -EBADMSG},
		{"hash", "\"" H1 "\"", -EKEYREJECTED},
		{"parentHash", NULL, -EBADMSG},
		{"parentHash", "\"" H2 "\"", -EKEYREJECTED},
		{"parentHash", "\"0x11\"", -EBADMSG},
		{"miner", "\"" A2 "\"", -EKEYREJECTED},
		{"stateRoot", "\"" H1 "\"", -EKEYREJECTED},
		{"stateRoot", "null", -EBADMSG},
		{"logsBloom", "\"0x00\"", -EBADMSG},
		{"difficulty", "\"0x1\"", -EKEYREJECTED},
		{"difficulty", "\"0x01\"", -EBADMSG},
		{"number", "\"0x11\"", -EKEYREJECTED},
		{"number", "17", -EBADMSG},
		{"timestamp", "\"0x0\"", -EKEYREJECTED},
		{"extraData", "\"0x00\"", -EKEYREJECTED},
		{"extraData", "\"0x0\"", -EBADMSG},
		{"nonce", "\"0x0\"", -EBADMSG},
		{"baseFeePerGas", NULL, -EKEYREJECTED},
		{"baseFeePerGas", "null", -EKEYREJECTED},
		{"baseFeePerGas", "\"0x8\"", -EKEYREJECTED},
		{"withdrawalsRoot", "\"" H1 "\"", -EKEYREJECTED},
		/* a field after one that is missing, or of a name not known: of a fork to come, so nobody is blamed */
		{"blobGasUsed", "\"0x0\"", 0},
		{"requestsHash", "\"" H1 "\"", 0},
	};
	struct eth_rpc_result result = {.outcome = ETH_RPC_OK};
	struct eth_rpc_header header;
	json_t *value;

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		int err;

		value = block_json();
		if (cases[i].value == NULL)
			json_object_del(value, cases[i].name);
		else
			json_object_set_new(value, cases[i].name, json_of(cases[i].value));
		result.value = value;
		err = eth_rpc_result_header(&header, &result);
		if (err != cases[i].expected)
			fail_msg("%s %s: %d, not %d", cases[i].name, cases[i].value, err, cases[i].expected);
		json_object_set_new(value, "stateRoot", json_string(H1)); /* with a wrong hash, the odd member is what counts */
		if (cases[i].expected == 0)
			assert_int_equal(eth_rpc_result_header(&header, &result), -EPROTONOSUPPORT);
		json_decref(value);
	}
	value = block_json();
	json_object_set_new(value, "stateRoot", json_string(H1));
	json_object_set_new(value, "blockAccessListHash", json_string(H1));
	result.value = value;
	assert_int_equal(eth_rpc_result_header(&header, &result), -EPROTONOSUPPORT);
	json_decref(value);
	value = block_json();
	char *extra = malloc(2 * (HEADER_EXTRA_MAX + 1) + 3);
	strcpy(extra, "0x");
	for (size_t i = 0; i <= HEADER_EXTRA_MAX; i++)
		strcpy(extra + 2 + 2 * i, "00");
	json_object_set_new(value, "extraData", json_string(extra));
	result.value = value;
	assert_int_equal(eth_rpc_result_header(&header, &result), -EPROTONOSUPPORT);
	free(extra);
	json_decref(value);
	result.value = value = json_null();
	assert_int_equal(eth_rpc_result_header(&header, &result), -ENOENT);
	result.value = value = json_array();
	assert_int_equal(eth_rpc_result_header(&header, &result), -EBADMSG);
	json_decref(value);
	result = (struct eth_rpc_result){.outcome = ETH_RPC_UNKNOWN_BLOCK};
	assert_int_equal(eth_rpc_result_header(&header, &result), -ESTALE);
}

/* ---- proofs ---- */

#define SLOT "{\"key\":\"0x1\",\"value\":\"0xff\",\"proof\":[\"0x0102\",\"0x\"]}"
#define PROOF                                                                                                                  \
	"{\"address\":\"" A1 "\",\"balance\":\"0x5\",\"nonce\":\"0x2\",\"codeHash\":\"" H1 "\",\"storageHash\":\"" H2 "\",\"accountProof\":" \
	"[\"0xaa\",\"0xbbcc\"],\"storageProof\":[" SLOT "," SLOT "]}"

static void test_proof(void **state)
{
	json_t *value = json_of(PROOF), *second = json_array_get(json_object_get(value, "storageProof"), 1);
	struct eth_rpc_result result = {.outcome = ETH_RPC_OK, .value = value};
	struct eth_rpc_proof proof;
	struct u256 wide;

	(void)state;
	json_object_set_new(second, "key", json_string(H3));
	json_object_set_new(second, "value", json_string("0x0"));
	json_object_set_new(second, "proof", json_array());
	assert_int_equal(eth_rpc_result_proof(&proof, &result), 0);
	assert_int_equal(proof.nonce, 2);
	assert_int_equal(proof.n, 2);
	assert_int_equal(proof.nodes[1].len, 2);
	assert_int_equal(proof.nodes[1].data[1], 0xcc);
	assert_int_equal(proof.nslots, 2);
	assert_int_equal(proof.slots[0].slot.limb[0], 1);
	assert_int_equal(proof.slots[0].value.limb[0], 0xff);
	assert_int_equal(proof.slots[0].n, 2);
	assert_int_equal(proof.slots[0].nodes[1].len, 0);
	memset(&wide, 0x33, sizeof(wide));
	assert_int_equal(u256_cmp(&proof.slots[1].slot, &wide), 0);
	assert_int_equal(proof.slots[1].n, 0);
	eth_rpc_proof_clear(&proof);
	json_decref(value);
}

static json_t *array_of(size_t n, const char *item)
{
	json_t *array = json_array();

	for (size_t i = 0; i < n; i++)
		json_array_append_new(array, json_of(item));
	return array;
}

static void test_proof_refused(void **state)
{
	static const struct {
		const char *name, *value; /* of the proof, or with a dot before it of its second slot */
		int expected;
	} cases[] = {
		{"address", "null", -EBADMSG},		{"address", "\"0x\"", -EBADMSG},
		{"balance", "5", -EBADMSG},		{"nonce", "\"0x10000000000000000\"", -EOVERFLOW},
		{"codeHash", "\"0x\"", -EBADMSG},	{"storageHash", "null", -EBADMSG},
		{"accountProof", "null", -EBADMSG},	{"accountProof", "{}", -EBADMSG},
		{"accountProof", "[1]", -EBADMSG},	{"accountProof", "[\"aa\"]", -EBADMSG},
		{"accountProof", "[\"0xa\"]", -EBADMSG}, {"storageProof", "null", -EBADMSG},
		{"storageProof", "{}", -EBADMSG},	{"storageProof", "[null]", -EBADMSG},
		{"storageProof", "[[]]", -EBADMSG},	{".key", "null", -EBADMSG},
		{".key", "\"0x\"", -EBADMSG},		{".key", "\"1\"", -EBADMSG},
		{".key", "\"0xg\"", -EBADMSG},		{".key", "\"" H1 "1\"", -EBADMSG},
		{".value", "\"\"", -EBADMSG},		{".value", "1", -EBADMSG},
		{".proof", "null", -EBADMSG},		{".proof", "[null]", -EBADMSG},
		{".proof", "[\"0x0\"]", -EBADMSG},	{".proof", "\"0x00\"", -EBADMSG},
	};
	static const char *const shapes[] = {"null", "[]", "\"0x\"", "{}", "1"};
	struct eth_rpc_result result = {.outcome = ETH_RPC_OK};
	struct eth_rpc_proof proof;
	json_t *value;

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		const char *name = cases[i].name;
		int err;

		value = json_of(PROOF);
		json_object_set_new(name[0] == '.' ? json_array_get(json_object_get(value, "storageProof"), 1) : value,
				    name[0] == '.' ? name + 1 : name, json_of(cases[i].value));
		result.value = value;
		err = eth_rpc_result_proof(&proof, &result);
		if (err != cases[i].expected)
			fail_msg("%s %s: %d, not %d", name, cases[i].value, err, cases[i].expected);
		assert_null(proof.memory);
		json_decref(value);
	}
	for (size_t i = 0; i < COUNT(shapes); i++) {
		result.value = value = json_of(shapes[i]);
		assert_int_equal(eth_rpc_result_proof(&proof, &result), -EBADMSG);
		json_decref(value);
	}
	result.value = value = json_of(PROOF);
	json_object_set_new(value, "accountProof", array_of(TRIE_DEPTH_MAX + 1, "\"0x00\""));
	assert_int_equal(eth_rpc_result_proof(&proof, &result), -EOVERFLOW);
	json_object_set_new(value, "accountProof", array_of(TRIE_DEPTH_MAX, "\"0x00\""));
	json_object_set_new(value, "storageProof", array_of(ETH_RPC_PROOF_SLOTS + 1, SLOT));
	assert_int_equal(eth_rpc_result_proof(&proof, &result), -EOVERFLOW);
	json_decref(value);
	result = (struct eth_rpc_result){.outcome = ETH_RPC_NO_METHOD};
	assert_int_equal(eth_rpc_result_proof(&proof, &result), -EOPNOTSUPP);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_calls),	cmocka_unit_test(test_calls_refused),  cmocka_unit_test(test_logs),
		cmocka_unit_test(test_logs_refused), cmocka_unit_test(test_header),    cmocka_unit_test(test_header_refused),
		cmocka_unit_test(test_proof),	cmocka_unit_test(test_proof_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
