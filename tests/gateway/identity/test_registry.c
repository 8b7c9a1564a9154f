/* The registry's bytes, held against what the official contract answered (vectors erc8004-rpc 00, 02, 03, 13). */
#include "eth/abi.h"
#include "eth/hex.h"
#include "gateway/identity/registry.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define VECTORS KEDGE_SHARED_VECTORS "/erc8004-rpc/"
#define REGISTRY "0x8004A169FB4a3325136EB29fA0ceB6D2e539a432"
#define OWNER "000000000000000000000000f39fd6e51aad88f6f4ce6ab8827279cfffb92266"
#define ZERO "0000000000000000000000000000000000000000000000000000000000000000"
#define NONEXISTENT "7e2732890000000000000000000000000000000000000000000000000000000000000004"

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

static struct eth_address address_of(const char *text)
{
	struct eth_address address;

	assert_int_equal(address_parse(&address, text, strlen(text)), 0);
	return address;
}

/* A result as the parser would hand it over. */
static struct eth_rpc_answer *answer_of(const char *response_without_frame)
{
	struct eth_rpc_answer *answer;
	char *body = malloc(strlen(response_without_frame) + 64);

	(void)sprintf(body, "[{\"jsonrpc\":\"2.0\",\"id\":1,%s}]", response_without_frame);
	assert_int_equal(eth_rpc_answer_parse(&answer, body, strlen(body), 1, 1), 0);
	free(body);
	return answer;
}

static const struct {
	const char *why, *response;
	int owner, wallet;
} ADDRESSES[] = {
	{"an address", "\"result\":\"0x" OWNER "\"", 0, 0},
	{"zero", "\"result\":\"0x" ZERO "\"", -EBADMSG, 0},
	{"no code there", "\"result\":\"0x\"", -ENXIO, -ENXIO},
	{"31 bytes", "\"result\":\"0x0000000000000000000000f39fd6e51aad88f6f4ce6ab8827279cfffb92266\"", -EBADMSG,
	 -EBADMSG},
	{"two words", "\"result\":\"0x" OWNER ZERO "\"", -EBADMSG, -EBADMSG},
	{"dirty upper bytes", "\"result\":\"0x000000000000000000000001f39fd6e51aad88f6f4ce6ab8827279cfffb92266\"",
	 -EBADMSG, -EBADMSG},
	{"upper case", "\"result\":\"0x000000000000000000000000F39FD6E51AAD88F6F4CE6AB8827279CFFFB92266\"", 0, 0},
	{"null", "\"result\":null", -EBADMSG, -EBADMSG},
	{"a bare address", "\"result\":\"0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266\"", -EBADMSG, -EBADMSG},
	{"no such agent", "\"error\":{\"code\":3,\"message\":\"execution reverted\",\"data\":\"0x" NONEXISTENT "\"}",
	 -ENOENT, -ENOENT},
	{"another revert", "\"error\":{\"code\":3,\"message\":\"execution reverted\",\"data\":\"0x08c379a0\"}", -EPROTO,
	 -EPROTO},
	{"a revert without data", "\"error\":{\"code\":3,\"message\":\"execution reverted\",\"data\":\"0x\"}", -EPROTO,
	 -EPROTO},
	{"an unknown block", "\"error\":{\"code\":-32001,\"message\":\"Resource not found\"}", -ESTALE, -ESTALE},
	{"busy", "\"error\":{\"code\":-32005,\"message\":\"rate limit\"}", -EAGAIN, -EAGAIN},
	{"that selector's bytes in another error",
	 "\"error\":{\"code\":-32000,\"message\":\"no\",\"data\":\"0x" NONEXISTENT "\"}", -EIO, -EIO},
};

static void addresses_are_read_in_one_shape_only(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(ADDRESSES) / sizeof(ADDRESSES[0]); i++) {
		struct eth_rpc_answer *answer = answer_of(ADDRESSES[i].response);
		struct eth_address found;
		int owner = registry_read_owner(&found, &answer->results[0]);
		int wallet = registry_read_wallet(&found, &answer->results[0]);

		if (owner != ADDRESSES[i].owner || wallet != ADDRESSES[i].wallet)
			fail_msg("%s: %d, %d", ADDRESSES[i].why, owner, wallet);
		eth_rpc_answer_free(answer);
	}
}

#define WORD(hex) "00000000000000000000000000000000000000000000000000000000000000" hex

static const struct {
	const char *why, *data;
	int err;
	size_t len;
} URIS[] = {
	{"empty", WORD("20") WORD("00"), 0, 0},
	{"two bytes", WORD("20") WORD("02") "6869000000000000000000000000000000000000000000000000000000000000", 0, 2},
	{"a NUL inside", WORD("20") WORD("03") "6800690000000000000000000000000000000000000000000000000000000000", 0,
	 3},
	{"not UTF-8", WORD("20") WORD("01") "ff00000000000000000000000000000000000000000000000000000000000000", 0, 1},
	{"no code there", "", -ENXIO, 0},
	{"only the offset", WORD("20"), -EBADMSG, 0},
	{"an offset past the end", WORD("40") WORD("00"), -EBADMSG, 0},
	{"an offset into the head", WORD("00") WORD("00"), -EBADMSG, 0},
	{"an odd offset", WORD("21") WORD("00") WORD("00"), -EBADMSG, 0},
	{"a length past the end", WORD("20") WORD("21") ZERO, -EBADMSG, 0},
	{"a length of 2^255", WORD("20") "8000000000000000000000000000000000000000000000000000000000000000" ZERO,
	 -EBADMSG, 0},
	{"dirty padding", WORD("20") WORD("01") "6801000000000000000000000000000000000000000000000000000000000000",
	 -EBADMSG, 0},
	{"half a word", WORD("20") "0000", -EBADMSG, 0},
};

static void uris_are_read_strictly(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(URIS) / sizeof(URIS[0]); i++) {
		struct eth_rpc_answer *answer;
		char response[1024], *uri;
		size_t len;
		int err;

		(void)snprintf(response, sizeof(response), "\"result\":\"0x%s\"", URIS[i].data);
		answer = answer_of(response);
		err = registry_read_uri(&uri, &len, &answer->results[0]);
		if (err != URIS[i].err || len != URIS[i].len)
			fail_msg("%s: %d, %zu", URIS[i].why, err, len);
		assert_true((uri != NULL) == (err == 0));
		free(uri);
		eth_rpc_answer_free(answer);
	}
}

static void a_uri_over_the_limit_is_an_error_of_its_own(void **state)
{
	size_t len = REGISTRY_URI_MAX + 32, out_len;
	char *response = malloc(2 * len + 256), *uri, *at = response;
	struct eth_rpc_answer *answer;

	(void)state;
	at += sprintf(at, "\"result\":\"0x%s%064zx", WORD("20"), (size_t)REGISTRY_URI_MAX + 1);
	for (size_t i = 0; i < len; i++)
		at += sprintf(at, "%s", i <= REGISTRY_URI_MAX ? "61" : "00");
	(void)sprintf(at, "\"");
	answer = answer_of(response);
	assert_int_equal(registry_read_uri(&uri, &out_len, &answer->results[0]), -EOVERFLOW);
	assert_null(uri);
	eth_rpc_answer_free(answer);
	free(response);
}

static void selectors_are_those_of_the_signatures(void **state)
{
	static const struct {
		void (*build)(uint8_t out[static REGISTRY_CALL_ID_SIZE], const struct u256 *id);
		const char *signature;
	} FIXED[] = {
		{registry_call_owner_of, "ownerOf(uint256)"},
		{registry_call_wallet, "getAgentWallet(uint256)"},
		{registry_call_token_uri, "tokenURI(uint256)"},
		{registry_call_unset_wallet, "unsetAgentWallet(uint256)"},
	};
	struct eth_address a = {{1}};
	struct u256 id = u256_from_u64(258);
	uint8_t two[REGISTRY_CALL_TWO_SIZE], selector[4];

	(void)state;
	for (size_t i = 0; i < sizeof(FIXED) / sizeof(FIXED[0]); i++) {
		uint8_t data[REGISTRY_CALL_ID_SIZE];

		FIXED[i].build(data, &id);
		abi_selector(selector, FIXED[i].signature);
		assert_memory_equal(data, selector, 4);
		assert_int_equal(data[34], 1);
		assert_int_equal(data[35], 2);
	}
	registry_call_is_authorised(two, &a, &id);
	abi_selector(selector, "isAuthorizedOrOwner(address,uint256)");
	assert_memory_equal(two, selector, 4);
	assert_int_equal(two[4 + 12], 1);
	assert_int_equal(two[67], 2);
}

static void yes_and_no_are_read_in_one_shape_only(void **state)
{
	static const struct {
		const char *response;
		int err;
		bool value;
	} rows[] = {
		{"\"result\":\"0x" ZERO "\"", 0, false},
		{"\"result\":\"0x0000000000000000000000000000000000000000000000000000000000000001\"", 0, true},
		{"\"result\":\"0x0000000000000000000000000000000000000000000000000000000000000002\"", -EBADMSG, false},
		{"\"result\":\"0x01\"", -EBADMSG, false},
		{"\"result\":\"0x\"", -ENXIO, false},
		{"\"result\":true", -EBADMSG, false},
		{"\"error\":{\"code\":3,\"message\":\"execution reverted\",\"data\":\"0x" NONEXISTENT "\"}", -ENOENT,
		 false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct eth_rpc_answer *answer = answer_of(rows[i].response);
		bool value = true;
		int err = registry_read_bool(&value, &answer->results[0]);

		if (err != rows[i].err || (err == 0 && value != rows[i].value))
			fail_msg("%s: %d", rows[i].response, err);
		eth_rpc_answer_free(answer);
	}
}

static void calls_with_texts_have_their_selectors_and_limits(void **state)
{
	struct eth_address a = {{1}}, b = {{2}};
	struct u256 id = u256_from_u64(0);
	uint8_t *data, selector[4], signature[65] = {9};
	char *large = calloc(1, REGISTRY_URI_MAX + 1);
	size_t len;

	(void)state;
	assert_int_equal(registry_call_register(&data, &len, "", 0), 0);
	abi_selector(selector, "register()");
	assert_memory_equal(data, selector, 4);
	assert_int_equal(len, 4);
	free(data);
	assert_int_equal(registry_call_register(&data, &len, "x", 1), 0);
	abi_selector(selector, "register(string)");
	assert_memory_equal(data, selector, 4);
	assert_int_equal(len, 4 + 96);
	free(data);
	assert_int_equal(registry_call_set_uri(&data, &len, &id, "x", 1), 0);
	abi_selector(selector, "setAgentURI(uint256,string)");
	assert_memory_equal(data, selector, 4);
	free(data);
	assert_int_equal(registry_call_transfer(&data, &len, &a, &b, &id), 0);
	abi_selector(selector, "transferFrom(address,address,uint256)");
	assert_memory_equal(data, selector, 4);
	assert_int_equal(len, 4 + 96);
	free(data);
	assert_int_equal(registry_call_set_wallet(&data, &len, &id, &a, 5, signature, 65), 0);
	abi_selector(selector, "setAgentWallet(uint256,address,uint256,bytes)");
	assert_memory_equal(data, selector, 4);
	free(data);
	assert_int_equal(registry_call_register(&data, &len, large, REGISTRY_URI_MAX), 0);
	free(data);
	assert_int_equal(registry_call_register(&data, &len, large, REGISTRY_URI_MAX + 1), -EOVERFLOW);
	free(large);
}

struct counts {
	unsigned reads, absent, no_code, writes, registered, other;
};

static size_t call_data(uint8_t *out, size_t room, const json_t *request, struct eth_address *to)
{
	const json_t *transaction = json_array_get(json_object_get(request, "params"), 0);
	const json_t *data = json_object_get(transaction, "data"), *address = json_object_get(transaction, "to");
	size_t len = 0;

	if (!json_is_string(data) || !json_is_string(address) ||
	    hex_decode_data(out, room, &len, json_string_value(data), json_string_length(data)) != 0)
		return 0;
	*to = address_of(json_string_value(address));
	return len;
}

/* One recorded read: our calldata is theirs, and what we read is what their bytes say. */
static void check_read(const json_t *exchange, const uint8_t *data, struct counts *counts)
{
	const json_t *response = json_object_get(exchange, "response"), *result = json_object_get(response, "result");
	char *text = json_dumps(response, JSON_COMPACT), *frame = malloc(strlen(text) + 3), *uri = NULL;
	uint8_t ours[3][REGISTRY_CALL_ID_SIZE], bytes[4096];
	struct eth_rpc_answer *answer;
	struct eth_address address;
	size_t len = 0, uri_len = 0;
	struct u256 id;
	int err, which;

	u256_from_bytes(&id, data + 4);
	registry_call_owner_of(ours[0], &id);
	registry_call_wallet(ours[1], &id);
	registry_call_token_uri(ours[2], &id);
	for (which = 0; which < 3 && memcmp(ours[which], data, REGISTRY_CALL_ID_SIZE) != 0; which++)
		;
	(void)sprintf(frame, "[%s]", text);
	assert_int_equal(eth_rpc_answer_parse(&answer, frame, strlen(frame),
					      (uint64_t)json_integer_value(json_object_get(response, "id")), 1),
			 0);
	if (which == 3) {
		counts->other++;
		goto out;
	}
	err = which == 0   ? registry_read_owner(&address, &answer->results[0])
	      : which == 1 ? registry_read_wallet(&address, &answer->results[0])
			   : registry_read_uri(&uri, &uri_len, &answer->results[0]);
	if (result == NULL) {
		assert_int_equal(err, -ENOENT);
		counts->absent++;
		goto out;
	}
	assert_int_equal(
		hex_decode_data(bytes, sizeof(bytes), &len, json_string_value(result), json_string_length(result)), 0);
	if (len == 0) {
		assert_int_equal(err, -ENXIO);
		counts->no_code++;
		goto out;
	}
	assert_int_equal(err, 0);
	counts->reads++;
	if (which < 2) {
		assert_memory_equal(address.bytes, bytes + 12, 20);
	} else {
		assert_int_equal(uri_len, ((size_t)bytes[62] << 8) + bytes[63]);
		assert_memory_equal(uri, bytes + 64, uri_len);
	}
out:
	free(uri);
	free(text);
	free(frame);
	eth_rpc_answer_free(answer);
}

/* One recorded transaction: taken apart by position and built again. */
static void check_write(const uint8_t *data, size_t len, struct counts *counts)
{
	uint8_t selector[4], *ours = NULL;
	struct eth_address wallet;
	struct u256 id;
	size_t ours_len = 0;

	u256_from_bytes(&id, data + 4);
	abi_selector(selector, "setAgentWallet(uint256,address,uint256,bytes)");
	if (memcmp(data, selector, 4) == 0 && len == 4 + 32 * 5 + 96) {
		uint64_t deadline = 0;

		for (size_t i = 0; i < 8; i++)
			deadline = deadline << 8 | data[4 + 64 + 24 + i];
		memcpy(wallet.bytes, data + 4 + 32 + 12, 20);
		assert_int_equal(registry_call_set_wallet(&ours, &ours_len, &id, &wallet, deadline, data + 164, 65), 0);
	}
	abi_selector(selector, "register(string)");
	if (memcmp(data, selector, 4) == 0)
		assert_int_equal(registry_call_register(&ours, &ours_len, (const char *)data + 4 + 64,
							((size_t)data[4 + 62] << 8) + data[4 + 63]),
				 0);
	abi_selector(selector, "setAgentURI(uint256,string)");
	if (memcmp(data, selector, 4) == 0)
		assert_int_equal(registry_call_set_uri(&ours, &ours_len, &id, (const char *)data + 4 + 96,
						       ((size_t)data[4 + 94] << 8) + data[4 + 95]),
				 0);
	if (ours == NULL) {
		counts->other++;
		return;
	}
	assert_int_equal(ours_len, len);
	assert_memory_equal(ours, data, len);
	free(ours);
	counts->writes++;
}

static void check_receipt(const json_t *exchange, struct counts *counts)
{
	const char *label = json_string_value(json_object_get(exchange, "label")), *mark;
	struct eth_rpc_result result = {.outcome = ETH_RPC_OK,
					.value = json_object_get(json_object_get(exchange, "response"), "result")};
	struct eth_address registry = address_of(REGISTRY), another = {{1}};
	struct eth_rpc_receipt receipt;
	struct u256 id;
	uint64_t number;

	mark = label != NULL ? strstr(label, "-> agentId ") : NULL;
	if (mark == NULL || json_is_null(result.value)) {
		counts->other++;
		return;
	}
	assert_int_equal(eth_rpc_result_receipt(&receipt, &result), 0);
	assert_true(receipt.success);
	assert_int_equal(registry_read_registered(&id, &registry, &receipt), 0);
	assert_int_equal(u256_to_u64(&number, &id), 0);
	assert_int_equal(number, strtoull(mark + 11, NULL, 10));
	assert_int_equal(registry_read_registered(&id, &another, &receipt), -ENOENT);
	counts->registered++;
}

static void recorded_exchanges_are_read_and_built_alike(void **state)
{
	static const char *const FILES[] = {"02-register-and-read.json", "03-wallet-rotation-transfer.json",
					    "13-extra-errors-upgrade.json"};
	struct counts counts = {0};

	(void)state;
	for (size_t f = 0; f < sizeof(FILES) / sizeof(FILES[0]); f++) {
		json_t *root = load(FILES[f]);
		const json_t *list = json_object_get(root, "exchanges");

		for (size_t i = 0; i < json_array_size(list); i++) {
			const json_t *exchange = json_array_get(list, i),
				     *request = json_object_get(exchange, "request");
			const char *method = json_string_value(json_object_get(request, "method"));
			struct eth_address to;
			uint8_t data[4096];
			size_t len = call_data(data, sizeof(data), request, &to);

			if (method != NULL && strcmp(method, "eth_getTransactionReceipt") == 0)
				check_receipt(exchange, &counts);
			else if (method != NULL && strcmp(method, "eth_call") == 0 && len == REGISTRY_CALL_ID_SIZE)
				check_read(exchange, data, &counts);
			else if (len > 36)
				check_write(data, len, &counts);
			else
				counts.other++;
		}
		json_decref(root);
	}
	print_message(
		"%u reads, %u absent agents, %u without code, %u transactions, %u registrations; %u of other kinds\n",
		counts.reads, counts.absent, counts.no_code, counts.writes, counts.registered, counts.other);
	assert_true(counts.reads >= 20 && counts.absent >= 2 && counts.no_code >= 1 && counts.writes >= 5);
	assert_int_equal(counts.registered, 4);
}

static void the_wallet_digest_is_the_recorded_one(void **state)
{
	struct eth_address wallet = address_of("0x90f79bf6eb2c4f870365e785982e1f101e93b906");
	struct eth_address owner = address_of("0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266");
	const struct registry registry = {.chain_id = 8453, .address = address_of(REGISTRY)};
	struct u256 id = u256_from_u64(1);
	struct eth_hash digest;
	char text[HEX_DATA_SIZE(32)];

	(void)state;
	registry_wallet_digest(&digest, &registry, &id, &wallet, &owner, 1790000200);
	(void)hex_encode_data(text, digest.bytes, 32);
	assert_string_equal(text, "0xe30d6ac0bd5fcfce70cbc11cbb1b608d4729846f7b672935057a98c9d34dd23e");
}

static void revert(char *text, size_t size, const char *hex)
{
	uint8_t data[512];
	size_t len;

	assert_int_equal(hex_decode_data(data, sizeof(data), &len, hex, strlen(hex)), 0);
	registry_revert_text(text, size, data, len);
}

static void reverts_say_what_to_do_next(void **state)
{
	char text[160];

	(void)state;
	revert(text, sizeof(text), "0x" NONEXISTENT);
	assert_string_equal(text, "there is no agent with this id");
	revert(text, sizeof(text),
	       "0x08c379a0" WORD("20") WORD("07") "6578706972656400000000000000000000000000000000000000000000000000");
	assert_non_null(strstr(text, "ask for a new one"));
	revert(text, sizeof(text),
	       "0x08c379a0" WORD("20") WORD("03") "1b5b6d0000000000000000000000000000000000000000000000000000000000");
	assert_string_equal(text, "reverted: \\x1b[m");
	revert(text, sizeof(text), "0x08c379a0" WORD("20"));
	assert_string_equal(text, "reverted with a message that cannot be read");
	revert(text, sizeof(text), "0x");
	assert_non_null(strstr(text, "without a reason"));
	revert(text, sizeof(text), "0xdeadbeef");
	assert_string_equal(text, "reverted with the unknown error 0xdeadbeef");
}

static void reverts_have_a_name_and_a_next_step(void **state)
{
	static const struct {
		const char *data, *rule, *word;
	} rows[] = {
		{"0x" NONEXISTENT, "unknown-agent", "register the agent first"},
		{"0x08c379a0" WORD("20") WORD("07") "6578706972656400000000000000000000000000000000000000000000000000",
		 "expired", "new deadline"},
		{"0x177e802f", "not-authorised", "approve"},
		{"0x64a0ae92", "receiver-refuses", "onERC721Received"},
		{"0x08c379a0" WORD("20") WORD("03") "1b5b6d0000000000000000000000000000000000000000000000000000000000",
		 "reverted", "Check every value"},
		{"0x08c379a0", "reverted", "Check"},
		{"0x4e487b71", "reverted", "Check"},
		{"0xdead", "reverted", "long texts"},
		{"0x", "reverted", "more gas than a block has"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const char *next = NULL;
		uint8_t data[256];
		size_t len;

		assert_int_equal(hex_decode_data(data, sizeof(data), &len, rows[i].data, strlen(rows[i].data)), 0);
		assert_string_equal(registry_revert_rule(&next, data, len), rows[i].rule);
		assert_non_null(strstr(next, rows[i].word));
		assert_string_equal(registry_revert_rule(NULL, data, len), rows[i].rule);
	}
}

/* Every require text and custom error of the interface list has a sentence of its own. */
static void every_error_of_the_interface_is_known(void **state)
{
	static const char *const ERRORS[] = {"ERC721NonexistentToken(uint256)",
					     "ERC721InsufficientApproval(address,uint256)",
					     "ERC721IncorrectOwner(address,uint256,address)",
					     "ERC721InvalidReceiver(address)",
					     "ERC721InvalidOwner(address)",
					     "ERC721InvalidApprover(address)",
					     "ERC721InvalidOperator(address)",
					     "ERC721InvalidSender(address)",
					     "OwnableUnauthorizedAccount(address)",
					     "OwnableInvalidOwner(address)",
					     "InvalidInitialization()",
					     "NotInitializing()",
					     "UUPSUnauthorizedCallContext()",
					     "UUPSUnsupportedProxiableUUID(bytes32)",
					     "ERC1967InvalidImplementation(address)",
					     "ERC1967NonPayable()",
					     "AddressEmptyCode(address)",
					     "FailedCall()"};

	(void)state;
	for (size_t i = 0; i < sizeof(ERRORS) / sizeof(ERRORS[0]); i++) {
		uint8_t selector[4];
		char text[160];

		abi_selector(selector, ERRORS[i]);
		registry_revert_text(text, sizeof(text), selector, 4);
		if (strstr(text, "unknown") != NULL)
			fail_msg("%s", ERRORS[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(addresses_are_read_in_one_shape_only),
		cmocka_unit_test(uris_are_read_strictly),
		cmocka_unit_test(a_uri_over_the_limit_is_an_error_of_its_own),
		cmocka_unit_test(selectors_are_those_of_the_signatures),
		cmocka_unit_test(calls_with_texts_have_their_selectors_and_limits),
		cmocka_unit_test(recorded_exchanges_are_read_and_built_alike),
		cmocka_unit_test(the_wallet_digest_is_the_recorded_one),
		cmocka_unit_test(yes_and_no_are_read_in_one_shape_only),
		cmocka_unit_test(reverts_say_what_to_do_next),
		cmocka_unit_test(reverts_have_a_name_and_a_next_step),
		cmocka_unit_test(every_error_of_the_interface_is_known),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
