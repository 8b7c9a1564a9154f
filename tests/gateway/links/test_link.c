/* The judge: every row of what was known and what was learned. */
#include "gateway/links/link.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <cmocka.h>

enum { NOW = 1000000000, OLD = NOW - LINK_FOREIGN_MS - 1, EDGE = NOW - LINK_FOREIGN_MS };

static void every_answer_makes_its_state(void **state)
{
	static const struct {
		const char *name;
		struct link_fact fact;
		enum link_state is;
	} cases[] = {
		{"not asked", {.kind = LINK_FOREIGN, .reverse = LINK_NOT_ASKED}, LINK_ONE_WAY},
		{"not asked, whatever was", {.kind = LINK_FOREIGN, .before = LINK_PROVEN, .reverse = LINK_NOT_ASKED, .good = NOW}, LINK_ONE_WAY},
		{"confirmed", {.kind = LINK_FOREIGN, .reverse = LINK_CONFIRMED}, LINK_PROVEN},
		{"confirmed again", {.kind = LINK_FOREIGN, .before = LINK_REVOKED, .reverse = LINK_CONFIRMED, .good = OLD}, LINK_PROVEN},
		{"never confirmed", {.kind = LINK_FOREIGN, .reverse = LINK_DENIED}, LINK_ONE_WAY},
		{"confirmed once", {.kind = LINK_FOREIGN, .before = LINK_PROVEN, .reverse = LINK_DENIED, .good = NOW}, LINK_REVOKED},
		{"confirmed long ago", {.kind = LINK_FOREIGN, .before = LINK_UNREACHABLE, .reverse = LINK_DENIED, .good = 1}, LINK_REVOKED},
		{"silent from the start", {.kind = LINK_FOREIGN, .reverse = LINK_UNKNOWN}, LINK_UNREACHABLE},
		{"silent, fresh", {.kind = LINK_FOREIGN, .before = LINK_PROVEN, .reverse = LINK_UNKNOWN, .good = NOW - 1}, LINK_PROVEN},
		{"silent, just fresh", {.kind = LINK_FOREIGN, .before = LINK_PROVEN, .reverse = LINK_UNKNOWN, .good = EDGE}, LINK_PROVEN},
		{"silent, too old", {.kind = LINK_FOREIGN, .before = LINK_PROVEN, .reverse = LINK_UNKNOWN, .good = OLD}, LINK_UNREACHABLE},
		{"silent, another's clock", {.kind = LINK_FOREIGN, .before = LINK_PROVEN, .reverse = LINK_UNKNOWN, .good = NOW + 60000}, LINK_PROVEN},
		{"silent, the clock went back", {.kind = LINK_FOREIGN, .before = LINK_PROVEN, .reverse = LINK_UNKNOWN, .good = NOW + 60001}, LINK_UNREACHABLE},
		{"silent after a denial", {.kind = LINK_FOREIGN, .before = LINK_REVOKED, .reverse = LINK_UNKNOWN, .good = NOW - 1}, LINK_UNREACHABLE},
		{"a contract ages slower", {.kind = LINK_CONTRACT, .before = LINK_PROVEN, .reverse = LINK_UNKNOWN, .good = OLD}, LINK_PROVEN},
		{"but it does", {.kind = LINK_CONTRACT, .before = LINK_PROVEN, .reverse = LINK_UNKNOWN, .good = NOW - LINK_CONTRACT_MS - 1}, LINK_UNREACHABLE},
		{"a contract's no", {.kind = LINK_CONTRACT, .before = LINK_PROVEN, .reverse = LINK_DENIED, .good = NOW}, LINK_REVOKED},
		{"agents do not age", {.kind = LINK_AGENT, .before = LINK_PROVEN, .reverse = LINK_UNKNOWN, .good = 1}, LINK_PROVEN},
		{"the consent ended", {.kind = LINK_AGENT, .before = LINK_PROVEN, .reverse = LINK_CONSENT_ENDED, .good = NOW}, LINK_LAPSED},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct link_fact fact = cases[i].fact;

		fact.now = NOW;
		if (link_judge(&fact) != cases[i].is)
			fail_msg("%s: %s", cases[i].name, link_state_word(link_judge(&fact)));
	}
}

static void what_is_stored_ages(void **state)
{
	static const struct {
		enum link_kind kind;
		enum link_state stored;
		uint64_t good;
		enum link_state is;
	} cases[] = {
		{LINK_FOREIGN, LINK_PROVEN, NOW, LINK_PROVEN},	       {LINK_FOREIGN, LINK_PROVEN, EDGE, LINK_PROVEN},
		{LINK_FOREIGN, LINK_PROVEN, NOW + 60000, LINK_PROVEN}, {LINK_FOREIGN, LINK_PROVEN, NOW + 60001, LINK_UNREACHABLE},
		{LINK_CONTRACT, LINK_PROVEN, NOW + 60001, LINK_UNREACHABLE}, {LINK_AGENT, LINK_PROVEN, NOW + 60001, LINK_PROVEN},
		{LINK_FOREIGN, LINK_PROVEN, OLD, LINK_UNREACHABLE},    {LINK_FOREIGN, LINK_PROVEN, 0, LINK_UNREACHABLE},
		{LINK_CONTRACT, LINK_PROVEN, OLD, LINK_PROVEN},	       {LINK_AGENT, LINK_PROVEN, 1, LINK_PROVEN},
		{LINK_FOREIGN, LINK_ONE_WAY, OLD, LINK_ONE_WAY},       {LINK_FOREIGN, LINK_REVOKED, NOW, LINK_REVOKED},
		{LINK_FOREIGN, LINK_UNREACHABLE, NOW, LINK_UNREACHABLE}, {LINK_OTHER, LINK_LAPSED, NOW, LINK_LAPSED},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_int_equal(link_now(cases[i].kind, cases[i].stored, cases[i].good, NOW), cases[i].is);
}

static void since_when(void **state)
{
	(void)state;
	assert_int_equal(link_since(LINK_FOREIGN, LINK_PROVEN, LINK_PROVEN, 7, NOW, NOW), 7);
	assert_int_equal(link_since(LINK_FOREIGN, LINK_UNREACHABLE, LINK_PROVEN, 7, OLD, NOW), OLD + LINK_FOREIGN_MS);
	assert_int_equal(link_since(LINK_CONTRACT, LINK_UNREACHABLE, LINK_PROVEN, 7, 9, NOW), 9 + LINK_CONTRACT_MS);
	/* no later than now */
	assert_int_equal(link_since(LINK_FOREIGN, LINK_REVOKED, LINK_REVOKED, NOW + 60001, 0, NOW), 0);
	assert_int_equal(link_since(LINK_FOREIGN, LINK_UNREACHABLE, LINK_PROVEN, 7, NOW + 60001, NOW), 0);
}

static void each_state_has_its_word(void **state)
{
	static const char *const words[] = {"one-way", "proven", "unreachable", "revoked", "lapsed"};

	(void)state;
	for (int i = LINK_ONE_WAY; i <= LINK_LAPSED; i++)
		assert_string_equal(link_state_word((enum link_state)i), words[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_answer_makes_its_state),
		cmocka_unit_test(what_is_stored_ages),
		cmocka_unit_test(since_when),
		cmocka_unit_test(each_state_has_its_word),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
