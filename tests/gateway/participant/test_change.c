/* Changes, payloads, uids and entries against the independent program's vectors; what messages may not be together; every rule has a
 * row that says what to do. */
#include "anchor/entry.h"
#include "eth/eip191.h"
#include "eth/hex.h"
#include "eth/signature.h"
#include "gateway/participant/change.h"
#include "gateway/participant/rule.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static json_t *vectors;
static struct agent_defaults agents;
static uint64_t chains[2];
static struct participant_terms terms = {.agents = &agents, .chains = chains, .nchains = 2};
static struct signature_context *signatures;

static const char *text(const json_t *object, const char *name)
{
	const char *found = json_string_value(json_object_get(object, name));

	if (!found)
		fail_msg("no %s", name);
	return found;
}

static int setup(void **state)
{
	(void)state;
	vectors = json_load_file(KEDGE_VECTORS "/participants.json", 0, NULL);
	signatures = signature_context_new((const uint8_t[32]){0});
	if (!vectors || !signatures)
		return -1;
	agents.host = text(vectors, "host");
	agents.chain = (uint64_t)json_integer_value(json_object_get(vectors, "chain"));
	for (size_t i = 0; i < 2; i++)
		chains[i] = (uint64_t)json_integer_value(json_array_get(json_object_get(vectors, "chains"), i));
	return address_parse(&agents.registry, text(vectors, "registry"), ADDRESS_TEXT_SIZE - 1);
}

static int teardown(void **state)
{
	(void)state;
	json_decref(vectors);
	signature_context_free(signatures);
	return 0;
}

static void assert_hex(const uint8_t bytes[static 32], const char *hex)
{
	char mine[65];

	sodium_bin2hex(mine, sizeof(mine), bytes, 32);
	assert_string_equal(mine, hex);
}

static const json_t *change_at(size_t i)
{
	return json_array_get(json_object_get(vectors, "changes"), i);
}

static void payloads_are_read_and_written_again(void **state)
{
	struct participant_change change;
	const json_t *one;
	size_t i, len;
	char *again;

	(void)state;
	json_array_foreach(json_object_get(vectors, "changes"), i, one)
	{
		const char *payload = text(one, "payload");
		uint8_t uid[32];

		if (participant_payload_read(&change, payload, strlen(payload)) != 0)
			fail_msg("%zu: not read: %s", i, payload);
		assert_string_equal(participant_verb_word(change.verb), text(one, "verb"));
		assert_int_equal(participant_payload_write(&again, &len, &change), 0);
		assert_int_equal(len, strlen(payload));
		assert_memory_equal(again, payload, len);
		free(again);
		participant_change_uid(uid, &change);
		assert_hex(uid, text(one, "uid"));
		participant_change_clear(&change);
	}
	assert_true(i >= 11);
}

static void entries_are_these_lines(void **state)
{
	const json_t *one;
	size_t i;

	(void)state;
	json_array_foreach(json_object_get(vectors, "changes"), i, one)
	{
		const char *line = text(one, "entry"), *payload = text(one, "payload");
		bool alias = strcmp(text(one, "kind"), "alias") == 0;
		char again[ENTRY_LINE_MAX];
		struct entry_change entry;
		uint8_t hash[32];
		size_t len;

		assert_int_equal((alias ? entry_alias_parse : entry_link_parse)(&entry, line, strlen(line)), 0);
		assert_int_equal((alias ? entry_alias_format : entry_link_format)(again, sizeof(again), &len, &entry), 0);
		assert_int_equal(len, strlen(line));
		assert_memory_equal(again, line, len);
		assert_string_equal(entry.subject, text(one, "subject"));
		assert_hex(entry.uid.bytes, text(one, "uid"));
		crypto_hash_sha256(hash, (const uint8_t *)payload, strlen(payload));
		assert_memory_equal(hash, entry.payload.bytes, 32);
	}
	json_array_foreach(json_object_get(vectors, "erasures"), i, one)
	{
		const char *line = text(one, "entry");
		struct entry_erasure entry;
		uint8_t uid[32];

		assert_int_equal(entry_erasure_parse(&entry, line, strlen(line)), 0);
		assert_int_equal(entry.target, json_integer_value(json_object_get(one, "target")));
		participant_erasure_uid(uid, entry.target);
		assert_memory_equal(uid, entry.uid.bytes, 32);
		assert_hex(uid, text(one, "uid"));
	}
	assert_true(i >= 3);
}

static void handles_are_kept_as_these_hashes(void **state)
{
	const json_t *one;
	uint8_t hash[32];
	size_t i;

	(void)state;
	json_array_foreach(json_object_get(vectors, "handles"), i, one)
	{
		participant_change_handle_hash(hash, text(one, "handle"));
		assert_hex(hash, text(one, "hash"));
	}
}

/* The messages of the i-th vector as somebody would send them; *of keeps them. */
static size_t signed_of(struct participant_signed list[static PARTICIPANT_SIGNERS_MAX], json_t **of, size_t i)
{
	json_t *payload = json_loads(text(change_at(i), "payload"), 0, NULL);
	const json_t *one;
	size_t n;

	json_array_foreach(json_object_get(payload, "messages"), n, one)
	{
		list[n] = (struct participant_signed){.message = text(one, "message"), .signature = text(one, "signature")};
		list[n].message_len = strlen(list[n].message);
		list[n].signature_len = strlen(list[n].signature);
	}
	*of = payload;
	return n;
}

/* What a key signed, recovered by what the message says: the vectors' signatures are ethers'. */
static void assert_signed(const struct participant_signer *signer)
{
	struct eth_signature signature;
	struct eth_hash digest;
	uint8_t bytes[65];

	if (signer->signature_len != 132)
		return; /* a contract's */
	assert_int_equal(hex_decode_fixed(bytes, sizeof(bytes), signer->signature, signer->signature_len), 0);
	assert_int_equal(signature_parse(&signature, bytes, sizeof(bytes)), 0);
	eip191_digest(&digest, signer->message, signer->message_len);
	assert_int_equal(signature_verify(signatures, &signature, &digest, &signer->account.address), 0);
}

static void messages_make_the_change(void **state)
{
	(void)state;
	for (size_t i = 0; i < json_array_size(json_object_get(vectors, "changes")); i++) {
		struct participant_signed list[PARTICIPANT_SIGNERS_MAX];
		struct participant_change made, read;
		struct participant_refusal why;
		const char *payload = text(change_at(i), "payload");
		uint8_t uid[32];
		json_t *of;
		size_t n = signed_of(list, &of, i);

		if (n > 0) {
			/* in the other order too */
			for (int turn = 0; turn < 2; turn++) {
				struct participant_signed first = list[0];

				if (participant_change_make(&made, &why, list, n, json_object_get(of, "profile"), &terms) != 0)
					fail_msg("%zu: %s", i, why.rule);
				participant_change_uid(uid, &made);
				assert_hex(uid, text(change_at(i), "uid"));
				if (n == 2) {
					list[0] = list[1];
					list[1] = first;
				}
			}
			assert_int_equal(participant_payload_read(&read, payload, strlen(payload)), 0);
			assert_int_equal(made.verb, read.verb);
			assert_string_equal(made.handle, read.handle);
			assert_string_equal(made.object.text, read.object.text);
			assert_int_equal(made.object.kind, read.object.kind);
			assert_int_equal(made.controller, read.controller);
			assert_int_equal(made.nsigners, read.nsigners);
			for (size_t j = 0; j < n; j++) {
				assert_memory_equal(made.signers[j].hash, read.signers[j].hash, 32);
				assert_memory_equal(made.signers[j].account.address.bytes, read.signers[j].account.address.bytes, 20);
				assert_int_equal(made.signers[j].expires_ms, read.signers[j].expires_ms);
				assert_signed(&made.signers[j]);
			}
			participant_change_clear(&read);
		}
		json_decref(of);
	}
}

/* One change in a payload; it is none then. */
static const struct {
	size_t of;
	const char *from, *to;
} bad_payloads[] = {
	{0, "{", " {"},
	{0, "\"v\":1", "\"v\":2"},
	{0, "\"v\":1", "\"v\":1,\"w\":1"},
	{0, "\"verb\":\"claim\"", "\"verb\":\"erase\""},
	{0, "\"verb\":\"claim\"", "\"verb\":\"own\""},
	{0, "\"handle\":\"alice\"", "\"handle\":\"bob\""},
	{0, "\"handle\":\"alice\",", ""},
	{0, "\"method\":\"eip191\"", "\"method\":\"eip712\""},
	{0, "\"method\":\"eip191\"", "\"method\":\"erc1271\""},
	{0, "\"salt\":\"", "\"salt\":\"0"},
	{0, "wants you", "asks you"},
	{0, ":character:alice", ":character:al"},
	{1, "\"role\":\"account\"", "\"role\":\"owner\""},
	{1, ",\"role\":\"account\"", ""},
	{2, "\"number\":44", "\"number\":-44"},
	{2, "\"number\":44", "\"number\":044"},
	{2, "\"hash\":\"0x", "\"hash\":\"0X"},
	{3, "\"consent\":\"signed\",", "\"consent\":\"given\","},
	{3, "\"agent\":\"eip155:31337/", "\"agent\":\"eip155:031337/"},
	{3, "\"owner\":\"0x", "\"owner\":\""},
	{6, "\"profile\":{", "\"profile\":{\"a\":1.0,"},
	{10, "\"link\":123456789", "\"link\":1.5"},
	{10, "\"link\":123456789,", ""},
};

static void payloads_of_other_forms_are_refused(void **state)
{
	struct participant_change change;
	char payload[PARTICIPANT_PAYLOAD_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof(bad_payloads) / sizeof(bad_payloads[0]); i++) {
		const char *whole = text(change_at(bad_payloads[i].of), "payload"), *at = strstr(whole, bad_payloads[i].from);
		int len;

		if (!at)
			fail_msg("%zu: no %s", i, bad_payloads[i].from);
		len = snprintf(payload, sizeof(payload), "%.*s%s%s", (int)(at - whole), whole, bad_payloads[i].to, at + strlen(bad_payloads[i].from));
		if (participant_payload_read(&change, payload, (size_t)len) != -EBADMSG)
			fail_msg("%zu: taken: %s", i, payload);
	}
	for (size_t i = 0; i < json_array_size(json_object_get(vectors, "changes")); i++) {
		const char *whole = text(change_at(i), "payload");

		for (size_t cut = 0; cut < strlen(whole); cut += 7)
			assert_int_equal(participant_payload_read(&change, whole, cut), -EBADMSG);
	}
}

static const char *make(const struct participant_signed *list, size_t n, const json_t *profile)
{
	struct participant_change change;
	struct participant_refusal why;
	int rc = participant_change_make(&change, &why, list, n, profile, &terms);

	assert_int_equal(rc, why.rule[0] ? -EBADMSG : 0);
	return why.rule;
}

static struct participant_signed unsigned_message(const char *verb, const char *with, const char *name)
{
	const json_t *one;
	size_t i;

	json_array_foreach(json_object_get(vectors, "statements"), i, one) if (strcmp(text(one, "verb"), verb) == 0 &&
									      strcmp(text(one, "name"), name) == 0 &&
									      strstr(text(one, "message"), with)) return (
		struct participant_signed){.message = text(one, "message"), .message_len = strlen(text(one, "message")), .signature = "0x",
					   .signature_len = 2};
	fail_msg("no vector %s %s", verb, with);
	return (struct participant_signed){0};
}

static void messages_that_do_not_fit_together(void **state)
{
	struct participant_signed claim = unsigned_message("claim", "", "alice"), link = unsigned_message("link", "did:pkh", "alice"),
				  role = unsigned_message("link", "role:controller", "bob"), profile = unsigned_message("profile", "", "alice"),
				  erase = unsigned_message("erase", "", "alice"),
				  foreign = unsigned_message("link", "I link did:web:example.com with", "alice"),
				  none = {.message = "", .signature = "0x", .signature_len = 2};
	json_t *right = json_loads(text(json_object_get(vectors, "profile"), "json"), 0, NULL), *wrong = json_deep_copy(right), *empty = json_object();

	(void)state;
	json_object_set_new(wrong, "season", json_integer(2));
	assert_string_equal(make(&claim, 0, NULL), "messages-number");
	assert_string_equal(make((struct participant_signed[]){link, link, link}, 3, NULL), "messages-number");
	assert_string_equal(make((struct participant_signed[]){claim, claim}, 2, NULL), "messages-number");
	assert_string_equal(make((struct participant_signed[]){foreign, foreign}, 2, NULL), "messages-number");
	assert_string_equal(make((struct participant_signed[]){erase, erase}, 2, NULL), "messages-number");
	assert_string_equal(make((struct participant_signed[]){link, link}, 2, NULL), "same-signer");
	assert_string_equal(make((struct participant_signed[]){link, role}, 2, NULL), "messages-differ");
	assert_string_equal(make((struct participant_signed[]){link, claim}, 2, NULL), "messages-differ");
	assert_string_equal(make((struct participant_signed[]){link, none}, 2, NULL), "message-form");
	assert_string_equal(make(&claim, 1, right), "profile-unexpected");
	assert_string_equal(make(&profile, 1, NULL), "profile-missing");
	assert_string_equal(make(&profile, 1, wrong), "profile-hash");
	assert_string_equal(make(&profile, 1, empty), "profile-hash");
	json_object_set_new(wrong, "season", json_real(1.5));
	assert_string_equal(make(&profile, 1, wrong), "profile-form");
	assert_string_equal(make(&profile, 1, right), "");
	assert_string_equal(make(&claim, 1, NULL), "");
	json_decref(right);
	json_decref(wrong);
	json_decref(empty);
}

static void both_messages_must_be_in_time(void **state)
{
	struct participant_change change = {.nsigners = 2, .signers = {{.issued_ms = 1000000, .expires_ms = 2000000}, {.issued_ms = 1500000, .expires_ms = 1800000}}};
	struct participant_refusal why;

	(void)state;
	assert_int_equal(participant_change_timely(&why, &change, 1700000), 0);
	assert_int_equal(participant_change_timely(&why, &change, 1800000), -EBADMSG);
	assert_string_equal(why.rule, "expired");
	assert_int_equal(participant_change_timely(&why, &change, 1199999), -EBADMSG);
	assert_string_equal(why.rule, "not-yet-valid");
}

static void every_rule_says_what_to_do(void **state)
{
	const struct participant_rule *rules;
	size_t n;

	(void)state;
	rules = participant_rules(&n);
	for (size_t i = 0; i < n; i++) {
		assert_true(strlen(rules[i].detail) > 10 && strlen(rules[i].next) > 10);
		assert_ptr_equal(participant_rule(rules[i].word), &rules[i]);
		assert_true(rules[i].next[strlen(rules[i].next) - 1] == '.' && rules[i].detail[strlen(rules[i].detail) - 1] == '.');
	}
	for (enum participant_fault fault = PARTICIPANT_NOT_A_MESSAGE; fault < PARTICIPANT_FAULTS; fault++)
		if (participant_rule(participant_fault_word(fault)) == rules)
			fail_msg("no row for %s", participant_fault_word(fault));
	assert_ptr_equal(participant_rule("no such word"), rules);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(payloads_are_read_and_written_again),
		cmocka_unit_test(entries_are_these_lines),
		cmocka_unit_test(handles_are_kept_as_these_hashes),
		cmocka_unit_test(messages_make_the_change),
		cmocka_unit_test(payloads_of_other_forms_are_refused),
		cmocka_unit_test(messages_that_do_not_fit_together),
		cmocka_unit_test(both_messages_must_be_in_time),
		cmocka_unit_test(every_rule_says_what_to_do),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
