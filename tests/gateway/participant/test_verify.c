/* Signatures by keys and by contracts: what holds, what does not and why, and that a chain which cannot be read is no verdict. */
#include "gateway/participant/verify.h"
#include "tests/eth/fake_node.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CHAIN = 31337, SAFE = 20, LATEST = 30 };
#define MAGIC "0x1626ba7e00000000000000000000000000000000000000000000000000000000"
/* What the contract says at safe and at latest: shared->text is "SAFE LATEST", each "revert", "gas", "opcode", "megabytes", "error" or data. */

static struct fake_node node;
static struct event_base *base;
static struct eth_rpc *rpc;
static struct heads heads;
static struct signature_context *signatures;
static json_t *vectors;

/* More than any answer to this question: "0x" and zeros. */
static json_t *megabytes(void)
{
	size_t len = 3 << 20;
	char *text = malloc(len + 1);
	json_t *made;

	memset(text, '0', len);
	text[1] = 'x';
	text[len] = '\0';
	made = json_string(text);
	free(text);
	return made;
}

static json_t *reply(struct fake_shared *shared, const char *method, const json_t *params)
{
	const char *hash = json_string_value(json_object_get(json_array_get(params, 1), "blockHash"));
	const char *data = json_string_value(json_object_get(json_array_get(params, 0), "data"));
	const char *gas = json_string_value(json_object_get(json_array_get(params, 0), "gas"));
	char says[2][512];

	if (!data)
		data = json_string_value(json_object_get(json_array_get(params, 0), "input"));
	/* never without a bound: a stranger's contract may be anything */
	if (strcmp(method, "eth_call") != 0 || !hash || !data || strncmp(data, "0x1626ba7e", 10) != 0 || !gas || strcmp(gas, "0x4c4b40") != 0)
		return json_pack("{s:{s:i, s:s}}", "error", "code", -32602, "message", "invalid params");
	if (sscanf(shared->text, "%511s %511s", says[0], says[1]) != 2)
		abort();
	for (int i = 0; i < 2; i++) {
		const char *say = says[i];

		if ((hash[3] == 'a') != (i == 0))
			continue;
		if (strcmp(say, "revert") == 0)
			return json_pack("{s:{s:i, s:s, s:s}}", "error", "code", 3, "message", "execution reverted", "data", "0x");
		if (strcmp(say, "gas") == 0)
			return json_pack("{s:{s:i, s:s}}", "error", "code", -32000, "message", "out of gas");
		if (strcmp(say, "opcode") == 0)
			return json_pack("{s:{s:i, s:s}}", "error", "code", -32000, "message", "invalid opcode: INVALID");
		if (strcmp(say, "megabytes") == 0)
			return json_pack("{s:o}", "result", megabytes());
		if (strcmp(say, "error") == 0)
			return json_pack("{s:{s:i, s:s}}", "error", "code", -32000, "message", "header not found");
		return json_pack("{s:s}", "result", say);
	}
	abort();
}

static void serve(struct fake_shared *shared, unsigned number, int fd, const char *body, size_t len)
{
	(void)number;
	fake_answer(shared, fd, body, len, CHAIN, reply);
}

static void set_heads(int64_t age)
{
	struct heads_set set = {.latest = {.number = LATEST}, .safe = {.number = SAFE}};

	memset(&heads, 0, sizeof(heads));
	set.safe.hash.bytes[0] = 0x0a;
	set.latest.hash.bytes[0] = 0x0b;
	heads_update(&heads, &set, age);
}

static int setup(void **state)
{
	struct eth_rpc_config config = {.chain_id = CHAIN};

	(void)state;
	fake_node_start(&node, serve);
	config.url = node.url;
	base = event_base_new();
	signatures = signature_context_new((const uint8_t[32]){0});
	vectors = json_load_file(KEDGE_VECTORS "/participants.json", 0, NULL);
	return vectors && signatures ? eth_rpc_new(&rpc, base, &config) : -1;
}

static int teardown(void **state)
{
	(void)state;
	eth_rpc_free(rpc);
	event_base_free(base);
	signature_context_free(signatures);
	json_decref(vectors);
	fake_node_stop(&node);
	return 0;
}

struct got {
	bool done;
	int err;
	const char *rule;
	size_t signer;
};

static void on_verified(void *arg, int err, const char *rule, size_t signer)
{
	struct got *got = arg;

	assert_false(got->done);
	*got = (struct got){true, err, rule, signer};
}

static struct got verify(struct participant_change *change)
{
	const struct participant_verify_chain chains[] = {{.id = 1, .rpc = NULL, .heads = NULL}, {.id = CHAIN, .rpc = rpc, .heads = &heads}};
	struct got got = {.done = false};

	participant_verify(change, signatures, chains, 2, 3000, on_verified, &got);
	while (!got.done)
		assert_int_equal(event_base_loop(base, EVLOOP_ONCE), 0);
	return got;
}

/* The change of a vector, read from its payload, with another signature in place of one (NULL: as it is). */
static struct got with_signature(struct participant_change *change, size_t of, size_t signer, const char *signature)
{
	const json_t *payload = json_object_get(json_array_get(json_object_get(vectors, "changes"), of), "payload");

	assert_int_equal(participant_payload_read(change, json_string_value(payload), json_string_length(payload)), 0);
	for (size_t i = 0; i < change->nsigners; i++)
		change->signers[i].contract = false;
	if (signature) {
		change->signers[signer].signature = signature;
		change->signers[signer].signature_len = strlen(signature);
	}
	return verify(change);
}

static void contract_says(const char *safe, const char *latest)
{
	(void)snprintf(node.shared->text, sizeof(node.shared->text), "%s %s", safe, latest);
}

static void keys_need_no_chain(void **state)
{
	unsigned before = node.shared->requests;
	struct participant_change change;
	struct got got;

	(void)state;
	memset(&heads, 0, sizeof(heads));
	for (size_t i = 0; i < 2; i++) {
		got = with_signature(&change, i, 0, NULL);
		assert_int_equal(got.err, 0);
		assert_null(got.rule);
		assert_false(change.signers[0].contract);
		participant_change_clear(&change);
	}
	assert_int_equal(node.shared->requests, before);
}

/* A signature of the vector's own, changed. */
static const char *changed(const char *how)
{
	static const char order[] = "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141";
	static char text[300];
	struct participant_change change;
	const json_t *payload = json_object_get(json_array_get(json_object_get(vectors, "changes"), 0), "payload");

	assert_int_equal(participant_payload_read(&change, json_string_value(payload), json_string_length(payload)), 0);
	(void)snprintf(text, sizeof(text), "%s", change.signers[0].signature);
	participant_change_clear(&change);
	if (strcmp(how, "v") == 0) { /* 27, 28 as 0, 1 */
		text[130] = '0';
		text[131] = text[131] == 'b' ? '0' : '1';
	} else if (strcmp(how, "other v") == 0) {
		text[131] = text[131] == 'b' ? 'c' : 'b';
	} else if (strcmp(how, "high s") == 0) { /* n - s, digit by digit */
		int borrow = 0;

		for (int i = 63; i >= 0; i--) {
			const char *digits = "0123456789abcdef";
			int a = (int)(strchr(digits, order[i]) - digits), b = (int)(strchr(digits, text[66 + i]) - digits);
			int d = a - b - borrow;

			borrow = d < 0;
			text[66 + i] = digits[d + (borrow ? 16 : 0)];
		}
		text[131] = text[131] == 'b' ? 'c' : 'b';
	} else if (strcmp(how, "bad v") == 0) {
		memcpy(text + 130, "1d", 2);
	} else if (strcmp(how, "zero r") == 0) {
		memset(text + 2, '0', 64);
	} else if (strcmp(how, "short") == 0) {
		text[130] = '\0';
	} else if (strcmp(how, "long") == 0) {
		(void)strcat(text, "00");
	}
	return text;
}

static void what_keys_did_not_sign(void **state)
{
	static const struct {
		const char *how, *rule;
	} cases[] = {
		{"v", NULL},		    {"other v", "wrong-signer"}, {"high s", "high-s"},	    {"bad v", "signature-form"},
		{"zero r", "signature-form"}, {"short", "signature-form"},	 {"long", "signature-form"},
	};
	struct participant_change change;

	(void)state;
	set_heads(0);
	contract_says("0x", "0x");
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct got got = with_signature(&change, 0, 0, changed(cases[i].how));

		assert_int_equal(got.err, 0);
		if (!cases[i].rule != !got.rule || (got.rule && strcmp(got.rule, cases[i].rule) != 0))
			fail_msg("%s: %s", cases[i].how, got.rule ? got.rule : "taken");
		participant_change_clear(&change);
	}
	for (size_t i = 0; i < 4; i++) {
		static const char *const none[] = {"", "0x1", "zz", "0xzz"};

		assert_string_equal(with_signature(&change, 0, 0, none[i]).rule, "signature-form");
		participant_change_clear(&change);
	}
}

static void contracts_agree_at_both_heads(void **state)
{
	struct participant_change change;
	struct got got;
	size_t contract;

	(void)state;
	set_heads(0);
	contract_says(MAGIC, MAGIC);
	got = with_signature(&change, 2, 0, NULL);
	assert_int_equal(got.err, 0);
	assert_null(got.rule);
	contract = change.signers[0].contract ? 0 : 1;
	assert_true(change.signers[contract].contract && !change.signers[1 - contract].contract);
	assert_int_equal(change.signers[contract].judged.safe.number, SAFE);
	assert_int_equal(change.signers[contract].judged.latest.number, LATEST);
	assert_int_equal(change.signers[contract].judged.latest.hash[0], 0x0b);
	participant_change_clear(&change);
	/* a key's account may have code and speak through that: EIP-7702 */
	got = with_signature(&change, 0, 0, changed("long"));
	assert_null(got.rule);
	assert_true(change.signers[0].contract);
	participant_change_clear(&change);
}

static void contracts_that_do_not_agree(void **state)
{
	static const struct {
		const char *safe, *latest, *rule;
	} cases[] = {
		{"0xffffffff00000000000000000000000000000000000000000000000000000000", MAGIC, "contract-refuses"},
		{MAGIC, "0xffffffff00000000000000000000000000000000000000000000000000000000", "contract-refuses"},
		{"0x", MAGIC, "contract-refuses"},
		{MAGIC, "0x", "contract-refuses"},
		{"revert", "revert", "contract-refuses"},
		{MAGIC, "revert", "contract-refuses"},
		{"gas", "gas", "contract-refuses"},
		{MAGIC, "gas", "contract-refuses"},
		{"opcode", "opcode", "contract-refuses"},
		{"megabytes", "megabytes", "contract-refuses"},
		{"0x1626ba7e", "0x1626ba7e", "contract-refuses"},
		{"0x1626ba7e00000000000000000000000000000000000000000000000000000001", MAGIC, "contract-refuses"},
		{MAGIC "00", MAGIC, "contract-refuses"},
		{"0x", "0x", "signature-form"},
	};
	struct participant_change change;

	(void)state;
	set_heads(0);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct got got;

		contract_says(cases[i].safe, cases[i].latest);
		got = with_signature(&change, 2, 0, NULL);
		assert_int_equal(got.err, 0);
		if (!got.rule || strcmp(got.rule, cases[i].rule) != 0)
			fail_msg("%zu: %s", i, got.rule ? got.rule : "taken");
		/* which of the messages */
		assert_true(change.signers[got.signer].signature_len == 2);
		participant_change_clear(&change);
	}
}

static void a_chain_that_cannot_be_read_is_no_verdict(void **state)
{
	struct participant_change change;
	struct got got;

	(void)state;
	contract_says(MAGIC, MAGIC);
	set_heads(HEADS_AGE_MAX_MS + 1);
	got = with_signature(&change, 2, 0, NULL);
	assert_int_equal(got.err, -EAGAIN);
	assert_null(got.rule);
	participant_change_clear(&change);
	set_heads(0);
	contract_says("error", MAGIC);
	got = with_signature(&change, 2, 0, NULL);
	assert_true(got.err < 0 && !got.rule);
	participant_change_clear(&change);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keys_need_no_chain),
		cmocka_unit_test(what_keys_did_not_sign),
		cmocka_unit_test(contracts_agree_at_both_heads),
		cmocka_unit_test(contracts_that_do_not_agree),
		cmocka_unit_test(a_chain_that_cannot_be_read_is_no_verdict),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
