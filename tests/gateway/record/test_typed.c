/* The typed data a wallet is shown, the text it may sign instead, and what both refuse to hold. The bytes:
 * test_vectors.c. */
#include "did/jcs.h"
#include "tests/gateway/record/fixture.h"
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
/* cmocka wants the four above first */
#include <cmocka.h>

static struct typed_fields fields(void)
{
	struct typed_fields f = {.log = FIXTURE_ORIGIN,
				 .issuer = "eip155:31337/erc721:0x8004a169fb4a3325136eb29fa0ceb6d2e539a432/0",
				 .subject = "eip155:31337/erc721:0x8004a169fb4a3325136eb29fa0ceb6d2e539a432/1",
				 .claim_type = "peer.assessment",
				 .game_id = "g \"1\"",
				 .has_round = true,
				 .round = UINT64_C(9007199254740991),
				 .chain_id = FIXTURE_CHAIN};

	memset(f.uid, 0xab, sizeof(f.uid));
	return f;
}

static void assert_canonical(json_t *json, const char *expected)
{
	struct jcs_buffer b = {0};

	assert_non_null(json);
	assert_int_equal(jcs_write(&b, json), 0);
	assert_int_equal(b.len, strlen(expected));
	assert_memory_equal(b.data, expected, b.len);
	jcs_buffer_clear(&b);
	json_decref(json);
}

#define UID "0xabababababababababababababababababababababababababababababababab"
#define TYPES                                                                                                          \
	"\"types\":{\"Attestation\":[{\"name\":\"uid\",\"type\":\"bytes32\"},{\"name\":\"log\",\"type\":\"string\"},"  \
	"{\"name\":\"issuer\",\"type\":\"string\"},{\"name\":\"subject\",\"type\":\"string\"},"                        \
	"{\"name\":\"claimType\",\"type\":\"string\"},{\"name\":\"gameId\",\"type\":\"string\"},"                      \
	"{\"name\":\"hasRound\",\"type\":\"bool\"},{\"name\":\"round\",\"type\":\"uint256\"}],"                        \
	"\"EIP712Domain\":[{\"name\":\"name\",\"type\":\"string\"},{\"name\":\"version\",\"type\":\"string\"},"        \
	"{\"name\":\"chainId\",\"type\":\"uint256\"}]}"
#define MESSAGE(game, has_round, round)                                                                                \
	"{\"domain\":{\"chainId\":31337,\"name\":\"kedge\",\"version\":\"1\"},\"message\":{\"claimType\":"             \
	"\"peer.assessment\",\"gameId\":\"" game "\",\"hasRound\":" has_round ",\"issuer\":"                           \
	"\"eip155:31337/erc721:0x8004a169fb4a3325136eb29fa0ceb6d2e539a432/0\",\"log\":\"localhost:8004/log\","         \
	"\"round\":\"" round "\",\"subject\":\"eip155:31337/erc721:0x8004a169fb4a3325136eb29fa0ceb6d2e539a432/1\","    \
	"\"uid\":\"" UID "\"},\"primaryType\":\"Attestation\"," TYPES "}"

static void test_typed_data(void **state)
{
	struct typed_fields f = fields();

	(void)state;
	assert_canonical(typed_eip712_json(&f), MESSAGE("g \\\"1\\\"", "true", "9007199254740991"));
	f.has_round = false; /* docs/formats.md §3: "`round` is its value or 0" */
	f.game_id = "";
	assert_canonical(typed_eip712_json(&f), MESSAGE("", "false", "0"));
}

static void test_text(void **state)
{
	struct typed_fields f = fields();
	char text[TYPED_TEXT_SIZE];
	size_t len, need;

	(void)state;
	f.has_round = false;
	f.game_id = "";
	assert_int_equal(typed_eip191_text(text, &need, sizeof(text), &f), 0);
	assert_string_equal(text, "kedge attestation v1\nlog: localhost:8004/log\n"
				  "issuer: eip155:31337/erc721:0x8004a169fb4a3325136eb29fa0ceb6d2e539a432/0\n"
				  "subject: eip155:31337/erc721:0x8004a169fb4a3325136eb29fa0ceb6d2e539a432/1\n"
				  "claim: peer.assessment\ngame: \nround: \nuid: " UID);
	assert_int_equal(typed_eip191_text(text, &len, need, &f), -ENOSPC);
	assert_int_equal(typed_eip191_text(text, &len, need + 1, &f), 0);
	assert_int_equal(len, need);
}

/* The longest submission that parses still has its text: the bound of typed.h. */
static void test_longest_text(void **state)
{
	struct typed_fields f = fields();
	char claim[SUBMISSION_CLAIM_TYPE_MAX * 4 + 1] = "", game[SUBMISSION_GAME_ID_MAX * 4 + 1] = "",
						   log[NOTE_NAME_MAX + 1], key[AGENT_KEY_TEXT_SIZE];
	struct eth_hash digest;

	(void)state;
	for (size_t i = 0; i < SUBMISSION_CLAIM_TYPE_MAX; i++)
		memcpy(claim + 4 * i, "\xf0\x9f\x9a\xa2", 5);
	for (size_t i = 0; i < SUBMISSION_GAME_ID_MAX; i++)
		memcpy(game + 4 * i, "\xf0\x9f\x9a\xa2", 5);
	memset(log, 'l', sizeof(log) - 1);
	log[sizeof(log) - 1] = '\0';
	memset(key, '9', sizeof(key) - 1);
	key[sizeof(key) - 1] = '\0';
	f.claim_type = claim;
	f.game_id = game;
	f.log = log;
	f.issuer = f.subject = key;
	assert_int_equal(typed_eip191_digest(&digest, &f), 0);
}

static void test_recover_refuses(void **state)
{
	static const char *const proofs[] = {
		"{}",
		"{\"type\":\"eip712\"}",
		"{\"type\":7,\"signature\":\"0x00\"}",
		"{\"type\":\"eip712\",\"signature\":\"0x00\"}",
		"{\"type\":\"eip712\",\"signature\":\"00\"}",
	};
	struct typed_fields f = fields();
	struct fixture fixture;
	struct eth_address signer;
	enum typed_method method;

	(void)state;
	fixture_init(&fixture);
	for (size_t i = 0; i < sizeof(proofs) / sizeof(proofs[0]); i++) {
		json_t *proof = json_loads(proofs[i], 0, NULL);

		assert_non_null(proof);
		assert_int_equal(typed_recover(fixture.secp, &signer, &method, proof, &f), -EBADMSG);
		json_decref(proof);
	}
	fixture_clear(&fixture);
}

/* A digest is its own fields' alone, whatever was asked before. */
static void test_digest_of_another_chain(void **state)
{
	struct typed_fields f = fields(), other = f;
	struct eth_hash first, second, again;

	(void)state;
	other.chain_id = 8453;
	typed_eip712_digest(&first, &f);
	typed_eip712_digest(&second, &other);
	typed_eip712_digest(&again, &f);
	assert_memory_equal(again.bytes, first.bytes, sizeof(first.bytes));
	assert_memory_not_equal(second.bytes, first.bytes, sizeof(first.bytes));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_typed_data),
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_longest_text),
		cmocka_unit_test(test_digest_of_another_chain),
		cmocka_unit_test(test_recover_refuses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
