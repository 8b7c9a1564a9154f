/* The whole operation of a wish against a fake node: reads, simulation, price. */
#include "tests/gateway/identity/fake_prepare.h"
#include "tests/gateway/identity/prepare_wish.h"

static int setup(void **state)
{
	struct eth_rpc_config config = {.chain_id = 31337};
	struct fixture *f;

	if (setup_signatures(state) != 0)
		return 1;
	f = *state;
	fake_node_start(&f->node, fake_prepare);
	config.url = f->node.url;
	f->base = event_base_new();
	return eth_rpc_new(&f->rpc, f->base, &config);
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	eth_rpc_free(f->rpc);
	event_base_free(f->base);
	fake_node_stop(&f->node);
	return teardown_signatures(state);
}

static const struct operation {
	const char *why;
	enum prepare_verb verb;
	unsigned mode;
	const char *signature;
	uint64_t id;
	int result; /* 0 a plan, 1 a refusal, or an error */
	const char *rule, *word;
} OPERATIONS[] = {
	{"register", PREPARE_REGISTER, 0, NULL, 42, 0, NULL, NULL},
	{"uri", PREPARE_URI, 0, NULL, 42, 0, NULL, NULL},
	{"a registry without isAuthorizedOrOwner", PREPARE_URI, FAKE_PREPARE_OLD, NULL, 42, 0, NULL, NULL},
	{"a node that suggests no tip", PREPARE_URI, FAKE_PREPARE_NO_TIP, NULL, 42, 0, NULL, NULL},
	{"unknown agent", PREPARE_URI, 0, NULL, 7, 1, "unknown-agent", "no agent 7"},
	{"no registry", PREPARE_URI, FAKE_PREPARE_NO_CODE, NULL, 42, 1, "no-registry", "no contract"},
	{"the simulation reverts", PREPARE_URI, FAKE_PREPARE_REVERTS, NULL, 42, 1, "not-authorised",
	 "neither the agent's owner"},
	{"the node does not estimate", PREPARE_URI, FAKE_PREPARE_REFUSES, NULL, 42, 1, "node-refuses",
	 "exceeds? allowance"},
	{"the node is down", PREPARE_URI, FAKE_PREPARE_DOWN, NULL, 42, -EIO, NULL, NULL},
	{"wallet by its key", PREPARE_WALLET, 0, BY_WALLET, 42, 0, NULL, NULL},
	{"wallet by a contract", PREPARE_WALLET, FAKE_PREPARE_AGREES, "0x010203", 42, 0, NULL, NULL},
	{"a contract that says no", PREPARE_WALLET, FAKE_PREPARE_DISAGREES, "0x010203", 42, 1, "wrong-signer",
	 "ERC-1271"},
	{"a contract that reverts", PREPARE_WALLET, FAKE_PREPARE_DISAGREES | FAKE_PREPARE_REVERTS, "0x010203", 42, 1,
	 "wrong-signer", "ERC-1271"},
	{"unset", PREPARE_UNSET_WALLET, FAKE_PREPARE_HAS_WALLET, NULL, 42, 0, NULL, NULL},
	{"transfer", PREPARE_TRANSFER, 0, NULL, 42, 0, NULL, NULL},
};

static void a_wish_becomes_a_plan_or_a_refusal(void **state)
{
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof(OPERATIONS) / sizeof(OPERATIONS[0]); i++) {
		const struct operation *row = &OPERATIONS[i];
		struct prepare_ask ask = wish(row->verb);
		struct prepare_refusal refusal = {.rule = "", .detail = ""};
		struct prepare_plan plan;
		uint8_t signature[128];
		int result;

		f->node.shared->mode = row->mode;
		ask.agent.id = u256_from_u64(row->id);
		if (row->signature != NULL) {
			assert_int_equal(hex_decode_data(signature, sizeof(signature), &ask.signature_len,
							 row->signature, strlen(row->signature)),
					 0);
			ask.signature = signature;
			ask.deadline = DEADLINE;
		}
		result = prepare_wait(&plan, &refusal, f->rpc, f->signatures, &ask, 4000);
		if (result != row->result)
			fail_msg("%s: %d %s: %s", row->why, result, refusal.rule, refusal.detail);
		if (result == 1 && (strcmp(refusal.rule, row->rule) != 0 || strstr(refusal.detail, row->word) == NULL ||
				    refusal.next[0] == '\0'))
			fail_msg("%s: %s: %s / %s", row->why, refusal.rule, refusal.detail, refusal.next);
		if (result == 0) {
			assert_non_null(plan.data);
			assert_int_equal(plan.gas, 120000);
			assert_int_equal(plan.facts.nonce, 5);
			assert_non_null(plan.next);
		}
		prepare_plan_clear(&plan);
	}
}

static void the_cost_counts_what_estimates_leave_out(void **state)
{
	struct fixture *f = *state;
	struct prepare_ask ask = wish(PREPARE_URI);
	struct prepare_refusal refusal;
	struct prepare_plan plan;
	char fee[U256_DECIMAL_SIZE];

	f->node.shared->mode = 0;
	assert_int_equal(prepare_wait(&plan, &refusal, f->rpc, f->signatures, &ask, 4000), 0);
	assert_false(plan.has_l1_fee);
	/* 120,000 gas at 2 × 1 gwei + 1 gwei */
	u256_format_decimal(fee, &plan.fee);
	assert_string_equal(fee, "360000000000000");
	assert_int_equal(plan.warning_count, 0);
	prepare_plan_clear(&plan);
	f->node.shared->mode = FAKE_PREPARE_L1 | FAKE_PREPARE_POOR;
	assert_int_equal(prepare_wait(&plan, &refusal, f->rpc, f->signatures, &ask, 4000), 0);
	assert_true(plan.has_l1_fee);
	u256_format_decimal(fee, &plan.fee);
	assert_string_equal(fee, "360000001000000");
	assert_int_equal(plan.warning_count, 1);
	assert_non_null(strstr(plan.warnings[0], "holds 1 wei"));
	assert_non_null(strstr(plan.warnings[0], "fund the account"));
	json_auto_t *answer = prepare_json(&ask, &plan);

	assert_string_equal(json_string_value(json_object_get(json_object_get(answer, "cost"), "l1Fee")), "1000000");
	assert_string_equal(json_string_value(json_object_get(json_object_get(answer, "transaction"), "gas")),
			    "0x1d4c0");
	assert_string_equal(json_string_value(json_object_get(json_object_get(answer, "transaction"), "chainId")),
			    "0x7a69");
	prepare_plan_clear(&plan);
}

static void the_first_step_is_what_the_wallet_signs(void **state)
{
	struct fixture *f = *state;
	struct prepare_ask ask = wish(PREPARE_WALLET);
	struct prepare_refusal refusal;
	struct prepare_plan plan;

	f->node.shared->mode = 0;
	assert_int_equal(prepare_wait(&plan, &refusal, f->rpc, f->signatures, &ask, 4000), 0);
	assert_true(plan.sign_first);
	assert_null(plan.data);
	assert_int_equal(plan.deadline, DEADLINE); /* 240 s after block time */
	is_hex(plan.digest.bytes, 32, DIGEST);
	json_auto_t *answer = prepare_json(&ask, &plan);

	assert_non_null(json_object_get(answer, "typedData"));
	assert_non_null(json_object_get(answer, "typedDataV4"));
	assert_null(json_object_get(answer, "transaction"));
	assert_string_equal(json_string_value(json_object_get(answer, "deadline")), "1700000240");
	assert_string_equal(json_string_value(json_object_get(json_object_get(answer, "block"), "time")),
			    "2023-11-14T22:13:20Z");
	prepare_plan_clear(&plan);
}

static void a_transfer_says_what_it_takes_along(void **state)
{
	struct fixture *f = *state;
	struct prepare_ask ask = wish(PREPARE_TRANSFER);
	struct prepare_refusal refusal;
	struct prepare_plan plan;

	f->node.shared->mode = FAKE_PREPARE_HAS_WALLET;
	ask.to = address_of(OWNER);
	assert_int_equal(prepare_wait(&plan, &refusal, f->rpc, f->signatures, &ask, 4000), 0);
	assert_int_equal(plan.warning_count, 2);
	assert_non_null(strstr(plan.warnings[0], "clears the agent's wallet " WALLET));
	assert_non_null(strstr(plan.warnings[0], "Metadata and URI survive"));
	assert_non_null(strstr(plan.warnings[1], "only clears the wallet"));
	prepare_plan_clear(&plan);
}

static void a_deadline_that_is_near_is_said_so(void **state)
{
	struct fixture *f = *state;
	struct prepare_ask ask = wish(PREPARE_WALLET);
	struct prepare_refusal refusal;
	struct prepare_plan plan;

	f->node.shared->mode = FAKE_PREPARE_AGREES;
	ask.signature = (const uint8_t *)"x";
	ask.signature_len = 1;
	ask.deadline = TIME + 29;
	assert_int_equal(prepare_wait(&plan, &refusal, f->rpc, f->signatures, &ask, 4000), 0);
	assert_int_equal(plan.warning_count, 1);
	assert_non_null(strstr(plan.warnings[0], "Only 29 seconds"));
	prepare_plan_clear(&plan);
	ask.deadline = TIME + 30;
	assert_int_equal(prepare_wait(&plan, &refusal, f->rpc, f->signatures, &ask, 4000), 0);
	assert_int_equal(plan.warning_count, 0);
	prepare_plan_clear(&plan);
}

/* Ether is gone before anybody notices that nobody reads it. */
static void a_uri_that_leads_to_no_file_is_said_so(void **state)
{
	static const struct {
		const char *uri;
		size_t warnings;
	} rows[] = {{"", 0}, {"https://a.example/x", 0}, {"HTTPS://a.example/x", 0}, {"data:,%7B%7D", 0}, {"ipfs://x", 0}, {"/ipfs/x", 0},
		    {"{\"name\":\"a\"}", 0}, {"QmdfTb", 0}, {"bafkrei", 0}, {"a.example/x.json", 1}, {"http://a.example/x", 1},
		    {"ftp://a.example/x", 1}, {"x", 1}};
	struct fixture *f = *state;
	struct prepare_refusal refusal;
	struct prepare_plan plan;

	f->node.shared->mode = 0;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct prepare_ask ask = wish(PREPARE_URI);

		ask.uri = rows[i].uri;
		ask.uri_len = strlen(rows[i].uri);
		assert_int_equal(prepare_wait(&plan, &refusal, f->rpc, f->signatures, &ask, 4000), 0);
		if (plan.warning_count != rows[i].warnings)
			fail_msg("%s: %zu warnings", rows[i].uri, plan.warning_count);
		if (plan.warning_count > 0)
			assert_non_null(strstr(plan.warnings[0], "none of https, ipfs or data"));
		prepare_plan_clear(&plan);
	}
}

static void misuse_is_told_at_once(void **state)
{
	struct fixture *f = *state;
	struct prepare_ask ask = wish(PREPARE_WALLET);
	struct prepare_refusal refusal;
	struct prepare_plan plan;

	ask.signature = (const uint8_t *)"x";
	ask.signature_len = 1;
	assert_int_equal(prepare_wait(&plan, &refusal, f->rpc, f->signatures, &ask, 4000), -EINVAL);
	ask.deadline = DEADLINE;
	ask.signature_len = PREPARE_SIGNATURE_MAX + 1;
	assert_int_equal(prepare_wait(&plan, &refusal, f->rpc, f->signatures, &ask, 4000), -EINVAL);
	ask = wish(PREPARE_METADATA);
	assert_int_equal(prepare_wait(&plan, &refusal, f->rpc, f->signatures, &ask, 4000), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_wish_becomes_a_plan_or_a_refusal, setup, teardown),
		cmocka_unit_test_setup_teardown(the_cost_counts_what_estimates_leave_out, setup, teardown),
		cmocka_unit_test_setup_teardown(the_first_step_is_what_the_wallet_signs, setup, teardown),
		cmocka_unit_test_setup_teardown(a_transfer_says_what_it_takes_along, setup, teardown),
		cmocka_unit_test_setup_teardown(a_uri_that_leads_to_no_file_is_said_so, setup, teardown),
		cmocka_unit_test_setup_teardown(a_deadline_that_is_near_is_said_so, setup, teardown),
		cmocka_unit_test_setup_teardown(misuse_is_told_at_once, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
