/* Identity, feedback and void entries against the vectors of the independent program. */
#include "anchor/entry.h"
#include "did/agent_key.h"
#include "eth/hex.h"
#include "gateway/record/fact.h"

#include <errno.h>
#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
/* cmocka wants the four above first */
#include <cmocka.h>

static json_t *vectors;

static int setup(void **state)
{
	(void)state;
	vectors = json_load_file(KEDGE_VECTORS "/facts.json", 0, NULL);
	return vectors ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	json_decref(vectors);
	return 0;
}

static const char *text(const json_t *object, const char *key)
{
	const char *value = json_string_value(json_object_get(object, key));

	assert_non_null(value);
	return value;
}

static void hash_of(uint8_t out[static 32], const char *hex)
{
	assert_int_equal(hex_decode_fixed(out, 32, hex, strlen(hex)), 0);
}

static void same_uid(const uint8_t uid[static 32], const json_t *one)
{
	char hex[HEX_DATA_SIZE(32)];

	hex_encode_data(hex, uid, 32);
	assert_string_equal(hex + 2, text(one, "uid"));
}

static void block_of(uint8_t hash[static 32], const json_t *one)
{
	hash_of(hash, text(json_object_get(one, "block"), "hash"));
}

static void one_identity(const json_t *one)
{
	struct entry_identity entry;
	char again[ENTRY_LINE_MAX];
	uint8_t uid[32], block[32];
	const char *line = text(one, "entry");
	size_t len;

	assert_int_equal(entry_identity_parse(&entry, line, strlen(line)), 0);
	assert_int_equal(entry_identity_format(again, sizeof(again), &len, &entry), 0);
	assert_int_equal(len, strlen(line));
	assert_memory_equal(again, line, len);
	block_of(block, one);
	fact_identity_uid(uid, text(one, "subject"), block);
	same_uid(uid, one);
	assert_memory_equal(uid, entry.uid.bytes, 32);
}

static void one_feedback(const json_t *one)
{
	static const char *const events[] = {"feedback", "revoked", "response"};
	const char *line = text(one, "entry"), *data = text(one, "data");
	struct fact_feedback fact = {.event = FACT_FEEDBACK};
	uint8_t uid[32], block[32], hash[32], bytes[4096];
	struct entry_feedback entry;
	char *payload;
	size_t len = 0;

	assert_int_equal(entry_feedback_parse(&entry, line, strlen(line)), 0);
	assert_string_equal(events[entry.event], text(one, "event"));
	block_of(block, one);
	fact_feedback_uid(uid, text(json_object_get(one, "block"), "chain"), block,
			  (uint64_t)json_integer_value(json_object_get(one, "log")));
	same_uid(uid, one);
	assert_int_equal(hex_decode_data(bytes, sizeof(bytes), &len, data, strlen(data)), 0);
	fact.event = (enum fact_event)entry.event;
	assert_int_equal(address_parse(&fact.client, text(one, "client"), 42), 0);
	assert_int_equal(address_parse(&fact.responder, text(one, "responder"), 42), 0);
	assert_int_equal(address_parse(&fact.registry, text(one, "registry"), 42), 0);
	fact.data = bytes;
	fact.len = len;
	assert_int_equal(fact_feedback_payload(&payload, &len, &fact), 0);
	assert_int_equal(len, strlen(text(one, "payload")));
	assert_memory_equal(payload, text(one, "payload"), len);
	fact_hash(hash, payload, len);
	assert_memory_equal(hash, entry.payload.bytes, 32);
	free(payload);
	/* every shorter datum is refused, and none is read past its end */
	for (size_t cut = 0; cut < fact.len; cut++) {
		uint8_t *exact = malloc(cut ? cut : 1);

		memcpy(exact, bytes, cut);
		assert_int_equal(fact_feedback_payload(&payload, &len,
						       &(struct fact_feedback){.event = fact.event, .data = exact, .len = cut}),
				 -EBADMSG);
		free(exact);
	}
}

static void one_void(const json_t *one)
{
	const char *line = text(one, "entry");
	struct entry_void entry;
	uint8_t uid[32];

	assert_int_equal(entry_void_parse(&entry, line, strlen(line)), 0);
	fact_void_uid(uid, (uint64_t)json_integer_value(json_object_get(one, "target")));
	same_uid(uid, one);
}

static void test_vectors(void **state)
{
	static const char *const kinds[] = {[ENTRY_IDENTITY] = "identity", [ENTRY_FEEDBACK] = "feedback", [ENTRY_VOID] = "void"};
	unsigned seen[3] = {0};
	json_t *one;
	size_t i;

	(void)state;
	json_array_foreach(json_object_get(vectors, "cases"), i, one)
	{
		const char *line = text(one, "entry");
		enum entry_kind kind;

		assert_int_equal(entry_kind(&kind, line, strlen(line)), 0);
		assert_true(kind >= ENTRY_IDENTITY);
		assert_string_equal(kinds[kind], text(one, "kind"));
		seen[kind - ENTRY_IDENTITY]++;
		if (kind == ENTRY_IDENTITY)
			one_identity(one);
		else if (kind == ENTRY_FEEDBACK)
			one_feedback(one);
		else
			one_void(one);
	}
	print_message("identity %u, feedback %u, void %u\n", seen[0], seen[1], seen[2]);
	assert_true(seen[0] >= 4 && seen[1] >= 5 && seen[2] >= 2);
}

/* A line has one meaning and a meaning one line: no changed byte is read as the same kind with the same content. */
static void test_every_changed_byte_matters(void **state)
{
	json_t *one;
	size_t i;

	(void)state;
	json_array_foreach(json_object_get(vectors, "cases"), i, one)
	{
		const char *line = text(one, "entry");
		size_t len = strlen(line);
		char changed[ENTRY_LINE_MAX];
		enum entry_kind kind;

		for (size_t at = 0; at < len; at++) {
			struct entry_identity identity;
			char again[ENTRY_LINE_MAX];
			size_t again_len;

			memcpy(changed, line, len);
			changed[at] ^= 0x01;
			if (entry_identity_parse(&identity, changed, len) == 0) {
				assert_int_equal(entry_identity_format(again, sizeof(again), &again_len, &identity), 0);
				assert_memory_equal(again, changed, len);
			}
			changed[at] = (char)(line[at] | 0x80);
			assert_int_equal(entry_kind(&kind, changed, len), -EBADMSG);
		}
		for (size_t cut = 0; cut < len; cut++)
			assert_int_equal(entry_kind(&kind, line, cut), -EBADMSG);
	}
}

static const struct {
	const char *from, *to;
} refused[] = {
	{"\"kind\":\"identity\"", "\"kind\":\"index\""},
	{"\"tier\":\"rpc\"", "\"tier\":\"guess\""},
	{"\"tier\":\"rpc\"", "\"tier\":\"rpcs\""},
	{"\"number\":7", "\"number\":07"},
	{"\"number\":7", "\"number\":9007199254740992"},
	{"\"number\":7", "\"number\":\"7\""},
	{"\"owner\":\"0x", "\"owner\":\"0X"},
	{"00c1", "00C1"},
	{"\"v\":1", "\"v\":2"},
	{"eip155:31337\",", "eip155:031337\","},
	{"/42\"", "/42 \""},
	{"{\"at\"", "{ \"at\""},
};

static void test_refusals(void **state)
{
	const char *line = text(json_array_get(json_object_get(vectors, "cases"), 1), "entry");

	(void)state;
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		const char *at = strstr(line, refused[i].from);
		char changed[ENTRY_LINE_MAX * 2];
		enum entry_kind kind;
		int len;

		assert_non_null(at);
		len = snprintf(changed, sizeof(changed), "%.*s%s%s", (int)(at - line), line, refused[i].to, at + strlen(refused[i].from));
		if (entry_kind(&kind, changed, (size_t)len) != -EBADMSG)
			fail_msg("accepted: %s", changed);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_vectors),
		cmocka_unit_test(test_every_changed_byte_matters),
		cmocka_unit_test(test_refusals),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
