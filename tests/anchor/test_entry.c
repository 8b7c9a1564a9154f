/* The templates against the lines of docs/formats.md, and lines that are almost one. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "anchor/entry.h"

#define H1 "1111111111111111111111111111111111111111111111111111111111111111"
#define H2 "2222222222222222222222222222222222222222222222222222222222222222"
#define H3 "abababababababababababababababababababababababababababababababab"
#define HF "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"
#define A1 "eip155:8453/erc721:0x8004a169fb4a3325136eb29fa0ceb6d2e539a432/42"
#define A0 "eip155:8453/erc721:0x8004a169fb4a3325136eb29fa0ceb6d2e539a432/0"

#define ATTESTATION                                                                                                    \
	"{\"at\":1777593600000,\"auth\":{\"block\":41663783,\"chain\":\"eip155:8453\",\"evidence\":\"" H1              \
	"\",\"hash\":\"0x" H2 "\",\"method\":\"eip712\",\"role\":\"wallet\",\"tier\":\"rpc\"},\"issuer\":\"" A1        \
	"\",\"kind\":\"attestation\",\"payload\":\"" H3 "\",\"subject\":\"" A0 "\",\"uid\":\"" HF "\",\"v\":1}"
#define INDEX                                                                                                          \
	"{\"at\":\"00000001777593600000\",\"block\":{\"hash\":\"0x" H2                                                 \
	"\",\"number\":\"00000000000041663783\"},\"kind\":\"index\",\"map\":\"" H3                                     \
	"\",\"size\":\"00000000000000000007\",\"v\":1}"

#define P1 "urn:kedge:p:0123456789abcdef0123456789abcdef"
#define CHANGE(kind)                                                                                                   \
	"{\"at\":1777593600000,\"kind\":\"" kind "\",\"payload\":\"" H3 "\",\"subject\":\"" P1 "\",\"uid\":\"" HF "\",\"v\":1}"
#define ERASURE                                                                                                        \
	"{\"at\":1777593600000,\"by\":\"operator\",\"kind\":\"erasure\",\"reason\":\"law\",\"request\":\"" H1                    \
	"\",\"subject\":\"" P1 "\",\"target\":9007199254740991,\"uid\":\"" HF "\",\"v\":1}"

static struct entry_attestation example(void)
{
	struct entry_attestation entry = {
		.at = UINT64_C(1777593600000),
		.auth = {.block = 41663783, .chain = "eip155:8453", .method = ENTRY_EIP712, .role = ENTRY_WALLET},
		.issuer = A1,
		.subject = A0,
	};

	memset(entry.auth.evidence.bytes, 0x11, 32);
	memset(entry.auth.hash, 0x22, 32);
	memset(entry.payload.bytes, 0xab, 32);
	memset(entry.uid.bytes, 0xff, 32);
	return entry;
}

static void test_attestation_line(void **state)
{
	struct entry_attestation entry = example(), back;
	char line[ENTRY_LINE_MAX];
	enum entry_kind kind;
	size_t len;

	(void)state;
	assert_int_equal(entry_attestation_format(line, sizeof(line), &len, &entry), 0);
	assert_int_equal(len, strlen(ATTESTATION));
	assert_memory_equal(line, ATTESTATION, len);
	assert_int_equal(entry_attestation_format(line, len - 1, &len, &entry), -ENOSPC);
	assert_int_equal(entry_attestation_parse(&back, ATTESTATION, strlen(ATTESTATION)), 0);
	assert_memory_equal(&back, &entry, sizeof(entry));
	assert_int_equal(entry_kind(&kind, ATTESTATION, strlen(ATTESTATION)), 0);
	assert_int_equal(kind, ENTRY_ATTESTATION);
}

static void test_every_choice_is_written_and_read(void **state)
{
	(void)state;
	for (int method = 0; method < 2; method++) {
		for (int role = 0; role < 2; role++) {
			struct entry_attestation entry = example(), back;
			char line[ENTRY_LINE_MAX];
			size_t len;

			entry.auth.method = (enum entry_method)method;
			entry.auth.role = (enum entry_role)role;
			assert_int_equal(entry_attestation_format(line, sizeof(line), &len, &entry), 0);
			assert_int_equal(memmem(line, len, method ? "\"eip191\"" : "\"eip712\"", 8) != NULL, 1);
			assert_int_equal(memmem(line, len, role ? "\"owner\"" : "\"wallet\"", role ? 7 : 8) != NULL, 1);
			assert_int_equal(entry_attestation_parse(&back, line, len), 0);
			assert_memory_equal(&back, &entry, sizeof(entry));
		}
	}
}

static void test_index_line(void **state)
{
	struct entry_index head = {.at = UINT64_C(1777593600000), .block_number = 41663783, .size = 7}, back;
	char line[ENTRY_INDEX_SIZE];
	enum entry_kind kind;

	(void)state;
	memset(head.block_hash, 0x22, 32);
	memset(head.map.bytes, 0xab, 32);
	entry_index_format(line, &head);
	assert_int_equal(strlen(INDEX), ENTRY_INDEX_SIZE);
	assert_memory_equal(line, INDEX, ENTRY_INDEX_SIZE);
	assert_int_equal(entry_index_parse(&back, line, sizeof(line)), 0);
	assert_memory_equal(&back, &head, sizeof(head));
	assert_int_equal(entry_kind(&kind, line, sizeof(line)), 0);
	assert_int_equal(kind, ENTRY_INDEX);
	head.at = head.block_number = head.size = UINT64_MAX;
	entry_index_format(line, &head);
	assert_int_equal(entry_index_parse(&back, line, sizeof(line)), 0);
	assert_memory_equal(&back, &head, sizeof(head));
}

/* Replaces the first `from` in a line by `to`. */
static size_t edit(char *out, const char *line, const char *from, const char *to)
{
	const char *at = strstr(line, from);

	assert_non_null(at);
	return (size_t)sprintf(out, "%.*s%s%s", (int)(at - line), line, to, at + strlen(from));
}

static const struct {
	const char *from, *to;
} bad_attestations[] = {
	{"{", " {"},
	{"}", "} "},
	{"\"at\":", "\"at\": "},
	{":1777593600000", ":01777593600000"},
	{":1777593600000", ":\"1777593600000\""},
	{":1777593600000", ":-1"},
	{":1777593600000", ":1e3"},
	{":1777593600000", ":"},
	{":1777593600000", ":9007199254740992"},
	{":1777593600000", ":99999999999999999999"},
	{"41663783", "041663783"},
	{"eip155:8453\"", "eip155:08453\""},
	{"eip155:8453\"", "eip155:\""},
	{"eip155:8453\"", "eip156:8453\""},
	{"eip155:8453\"", "eip155:8a\""},
	{"eip155:8453\"", "\""},
	{"eip155:8453\"", "eip155:111111111111111111111111111111111\""},
	{H1, "1"},
	{H1, H1 "1"},
	{"abab", "aBab"},
	{"abab", "agab"},
	{"0x" H2, H2},
	{"0x" H2, "0X" H2},
	{"eip712", "eip191 "},
	{"eip712", "erc1271"},
	{"eip712", "EIP712"},
	{"wallet", "owners"},
	{"wallet", ""},
	{"rpc", "proof"},
	{A1, ""},
	{A1, "A"},
	{A1, "a b"},
	{A1, "a\\u0041"},
	{A1, "a\"b"},
	{A1, "\xc3\xa9"},
	{A1, "a.b"},
	{A1, "a_b"},
	{A1, A1 A1 A1},
	{"attestation", "identity"},
	{"\"v\":1", "\"v\":2"},
	{",\"v\":1", ""},
	{"\"v\":1}", "\"v\":1}\n"},
	{"\"v\":1}", "\"v\":1,\"w\":1}"},
	{"\"auth\"", "\"Auth\""},
	{"\"subject\"", "\"object\""},
};

static void test_attestations_refused(void **state)
{
	char line[4096];

	(void)state;
	for (size_t i = 0; i < sizeof(bad_attestations) / sizeof(bad_attestations[0]); i++) {
		struct entry_attestation entry;
		enum entry_kind kind;
		size_t len = edit(line, ATTESTATION, bad_attestations[i].from, bad_attestations[i].to);

		if (entry_attestation_parse(&entry, line, len) != -EBADMSG || entry_kind(&kind, line, len) != -EBADMSG)
			fail_msg("accepted: %s", line);
	}
}

static void test_every_changed_or_missing_byte_matters(void **state)
{
	static const char *const lines[] = {ATTESTATION, INDEX};

	(void)state;
	for (size_t l = 0; l < 2; l++) {
		size_t len = strlen(lines[l]);
		char line[ENTRY_LINE_MAX], again[ENTRY_LINE_MAX];

		for (size_t i = 0; i < len; i++) {
			struct entry_attestation attestation;
			struct entry_index head;
			size_t again_len = 0;

			assert_int_not_equal(entry_attestation_parse(&attestation, lines[l], i), 0);
			assert_int_not_equal(entry_index_parse(&head, lines[l], i), 0);
			for (unsigned bit = 0; bit < 8; bit++) {
				memcpy(line, lines[l], len);
				line[i] = (char)(line[i] ^ (1 << bit));
				/* read or refused: never read as the original */
				if (entry_attestation_parse(&attestation, line, len) == 0)
					assert_int_equal(entry_attestation_format(again, sizeof(again), &again_len,
										  &attestation),
							 0);
				else if (entry_index_parse(&head, line, len) == 0)
					entry_index_format(again, &head), again_len = ENTRY_INDEX_SIZE;
				else
					continue;
				assert_int_equal(again_len, len);
				assert_memory_equal(again, line, len);
			}
		}
	}
}

static void test_index_heads_refused(void **state)
{
	static const struct {
		const char *from, *to;
	} cases[] = {
		{"\"00000001777593600000\"", "\"0000001777593600000\""},
		{"\"00000001777593600000\"", "\"000000001777593600000\""},
		{"00000001777593600000", "99999999999999999999"},
		{"00000001777593600000", "18446744073709551616"},
		{"00000001777593600000", "        777593600000"},
		{"0x" H2, H2},
		{"abab", "ABab"},
		{"index", "Index"},
		{"00000000000000000007", "0000000000000000000x"},
		{"\"v\":1", "\"v\":0"},
		{"v\":1}", "v\":1}\n"},
	};
	char line[4096];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct entry_index head;
		size_t len = edit(line, INDEX, cases[i].from, cases[i].to);

		if (entry_index_parse(&head, line, len) != -EBADMSG)
			fail_msg("accepted: %s", line);
	}
}

static void test_what_a_template_cannot_hold(void **state)
{
	struct entry_attestation entry;
	char line[ENTRY_LINE_MAX];
	size_t len;

	(void)state;
#define REFUSED(change)                                                                                                \
	do {                                                                                                           \
		entry = example();                                                                                     \
		change;                                                                                                \
		assert_int_equal(entry_attestation_format(line, sizeof(line), &len, &entry), -EINVAL);                 \
	} while (0)
	REFUSED(entry.at = UINT64_C(1) << 53);
	REFUSED(entry.auth.block = UINT64_MAX);
	REFUSED(entry.auth.chain[0] = '\0');
	REFUSED(entry.issuer[0] = '\0');
	REFUSED(entry.issuer[3] = '"');
	REFUSED(entry.subject[3] = 'X');
	REFUSED(memset(entry.subject, 'a', sizeof(entry.subject))); /* not terminated */
	REFUSED(entry.auth.method = (enum entry_method)2);
	REFUSED(entry.auth.role = (enum entry_role)2);
	REFUSED(entry.auth.tier = (enum entry_tier)1);
#undef REFUSED
}

static void test_longest_line_fits(void **state)
{
	struct entry_attestation entry = example(), back;
	char line[ENTRY_LINE_MAX];
	size_t len;

	(void)state;
	memset(entry.issuer, 'i', ENTRY_TEXT_MAX);
	memset(entry.subject, 's', ENTRY_TEXT_MAX);
	memset(entry.auth.chain + 7, '9', ENTRY_CHAIN_MAX - 7);
	entry.at = entry.auth.block = (UINT64_C(1) << 53) - 1;
	assert_int_equal(entry_attestation_format(line, sizeof(line), &len, &entry), 0);
	print_message("longest attestation line: %zu of %d bytes\n", len, ENTRY_LINE_MAX);
	assert_int_equal(entry_attestation_parse(&back, line, len), 0);
	assert_memory_equal(&back, &entry, sizeof(entry));
}

static void test_changes_of_participants(void **state)
{
	struct entry_change change = {.at = UINT64_C(1777593600000), .subject = P1}, back;
	static const struct {
		const char *line;
		enum entry_kind kind;
		int (*format)(char *out, size_t size, size_t *len, const struct entry_change *entry);
		int (*parse)(struct entry_change *entry, const char *line, size_t len);
	} kinds[] = {{CHANGE("alias"), ENTRY_ALIAS, entry_alias_format, entry_alias_parse},
		     {CHANGE("link"), ENTRY_LINK, entry_link_format, entry_link_parse}};

	(void)state;
	memset(change.payload.bytes, 0xab, 32);
	memset(change.uid.bytes, 0xff, 32);
	for (size_t i = 0; i < 2; i++) {
		char line[ENTRY_LINE_MAX];
		enum entry_kind kind;
		size_t len;

		assert_int_equal(kinds[i].format(line, sizeof(line), &len, &change), 0);
		assert_int_equal(len, strlen(kinds[i].line));
		assert_memory_equal(line, kinds[i].line, len);
		assert_int_equal(kinds[i].parse(&back, line, len), 0);
		assert_memory_equal(&back, &change, sizeof(change));
		assert_int_equal(kinds[1 - i].parse(&back, line, len), -EBADMSG);
		assert_int_equal(entry_kind(&kind, line, len), 0);
		assert_int_equal(kind, kinds[i].kind);
	}
}

static void test_erasures(void **state)
{
	struct entry_erasure erasure = {.at = UINT64_C(1777593600000), .subject = P1, .target = (UINT64_C(1) << 53) - 1}, back;
	char line[ENTRY_LINE_MAX];
	enum entry_kind kind;
	size_t len;

	(void)state;
	memset(erasure.request.bytes, 0x11, 32);
	memset(erasure.uid.bytes, 0xff, 32);
	for (int by = 0; by < 2; by++)
		for (int reason = 0; reason < 3; reason++) {
			erasure.by = (enum entry_by)by;
			erasure.reason = (enum entry_reason)reason;
			assert_int_equal(entry_erasure_format(line, sizeof(line), &len, &erasure), 0);
			assert_int_equal(by == ENTRY_BY_OPERATOR && reason == ENTRY_FOR_LAW,
					 len == strlen(ERASURE) && memcmp(line, ERASURE, len) == 0);
			assert_int_equal(entry_erasure_parse(&back, line, len), 0);
			assert_memory_equal(&back, &erasure, sizeof(erasure));
			assert_int_equal(entry_kind(&kind, line, len), 0);
			assert_int_equal(kind, ENTRY_ERASURE);
		}
	erasure.reason = (enum entry_reason)3;
	assert_int_equal(entry_erasure_format(line, sizeof(line), &len, &erasure), -EINVAL);
	erasure.reason = ENTRY_FOR_REQUEST;
	erasure.target++;
	assert_int_equal(entry_erasure_format(line, sizeof(line), &len, &erasure), -EINVAL);
}

static const struct {
	const char *line, *from, *to;
} bad_changes[] = {
	{CHANGE("alias"), "\"alias\"", "\"aliases\""},
	{CHANGE("alias"), "\"alias\"", "\"Alias\""},
	{CHANGE("alias"), "\"alias\"", "\"index\""},
	{CHANGE("link"), "urn:kedge", "urn:Kedge"},
	{CHANGE("link"), P1, ""},
	{CHANGE("link"), P1, "urn:kedge:p:\\u0061"},
	{CHANGE("link"), "abab", "abaB"},
	{CHANGE("link"), "\"payload\"", "\"evidence\""},
	{CHANGE("link"), ",\"v\":1", ",\"v\":2"},
	{CHANGE("link"), ":1777593600000", ":01777593600000"},
	{CHANGE("link"), "1}", "1}\n"},
	{CHANGE("link"), "\"kind\"", "\"by\":\"operator\",\"kind\""},
	{ERASURE, "\"operator\"", "\"court\""},
	{ERASURE, "\"operator\"", "\"\""},
	{ERASURE, "\"law\"", "\"laws\""},
	{ERASURE, "\"law\"", "\"spite\""},
	{ERASURE, "9007199254740991", "9007199254740992"},
	{ERASURE, "9007199254740991", "07"},
	{ERASURE, "9007199254740991", "\"7\""},
	{ERASURE, "9007199254740991", "-7"},
	{ERASURE, "\"request\":\"" H1, "\"request\":\""},
	{ERASURE, "\"by\":\"operator\",", ""},
};

static void test_changes_refused(void **state)
{
	char line[4096];
	enum entry_kind kind;

	(void)state;
	for (size_t i = 0; i < sizeof(bad_changes) / sizeof(bad_changes[0]); i++) {
		size_t len = edit(line, bad_changes[i].line, bad_changes[i].from, bad_changes[i].to);

		if (entry_kind(&kind, line, len) != -EBADMSG)
			fail_msg("accepted: %s", line);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_attestation_line),
		cmocka_unit_test(test_every_choice_is_written_and_read),
		cmocka_unit_test(test_index_line),
		cmocka_unit_test(test_attestations_refused),
		cmocka_unit_test(test_every_changed_or_missing_byte_matters),
		cmocka_unit_test(test_index_heads_refused),
		cmocka_unit_test(test_what_a_template_cannot_hold),
		cmocka_unit_test(test_longest_line_fits),
		cmocka_unit_test(test_changes_of_participants),
		cmocka_unit_test(test_erasures),
		cmocka_unit_test(test_changes_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
