/* The list of assertion keys: its text, what a rotation makes of it, and its file. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "gateway/assertion.h"

#define A "z6MkmM42vxfqZQsv4ehtTjFFxQ4sQKS2w6WR7emozFAn5cxu"
#define B "z6MkiTBz1ymuepAQ4HEHYSF1H8quG5GLVVQR3djdX3mDooWp"
#define C "z6MkrJVnaZkeFzdQyMZu1cgjg7k1pZZ6pvBQ7XJPt4swbTQ2"
#define UNTIL " until 2026-12-20T17:00:00Z\n"
#define THEN INT64_C(1797786000)

static void key_of(uint8_t out[static 32], const char *text)
{
	struct multikey key;

	assert_int_equal(multikey_decode(&key, text, strlen(text)), 0);
	memcpy(out, key.bytes, 32);
}

static int parse(struct assertion_keys *keys, const char *text)
{
	return assertion_parse(keys, text, strlen(text));
}

static void texts(void **state)
{
	static const char *const good[] = {A "\n", A "\n" B " next\n", A "\n" B UNTIL, A "\n" B UNTIL C " next\n", A "\n" C " next\n" B UNTIL};
	char again[ASSERTION_TEXT_SIZE];
	struct assertion_keys keys;

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		if (parse(&keys, good[i]) != 0)
			fail_msg("%s is refused", good[i]);
		assert_int_equal(assertion_format(again, &keys), strlen(good[i]));
		assert_string_equal(again, good[i]);
	}
}

static void texts_refused(void **state)
{
	static const char *const bad[] = {
		"", "\n", A, A "\n\n", " " A "\n", A " \n", A "\r\n", A "\n" A " next\n", A "\n" B "\n", B " next\n" A "\n", B UNTIL A "\n",
		A "\n" B " next\n" C " next\n", A "\n" B " Next\n", A "\n" B " until 2026-12-20\n", A "\n" B " until 2026-12-20T17:00:00+01:00\n",
		A "\n" B " until 1970-01-01T00:00:00Z\n", A "\n" B " until\n", A "\n" B "  next\n", A "\n" B " next x\n",
		"zDnaerx9CtbPJ1q36T5Ln5wYt3MQYeGRG5ehnPAmxcf5mDZpv\n", "# a comment\n", A "\n" A UNTIL,
	};
	char long_text[2000] = "";
	struct assertion_keys keys = {.count = 7};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (parse(&keys, bad[i]) != -EBADMSG)
			fail_msg("%s is taken", bad[i]);
		assert_int_equal(keys.count, 7);
	}
	for (int i = 0; i <= ASSERTION_KEYS_MAX; i++) {
		uint8_t key[32] = {(uint8_t)i};
		char text[MULTIKEY_ED25519_SIZE];

		multikey_ed25519(text, key);
		snprintf(long_text + strlen(long_text), 100, "%s%s", text, i ? UNTIL : "\n");
		assert_int_equal(parse(&keys, long_text), i < ASSERTION_KEYS_MAX ? 0 : -EBADMSG);
	}
	/* as many as there can be fit what they are written to */
	assert_true(strlen(long_text) < ASSERTION_TEXT_SIZE);
}

static void expect(const struct assertion_keys *keys, const char *text)
{
	char made[ASSERTION_TEXT_SIZE];

	assertion_format(made, keys);
	assert_string_equal(made, text);
}

static void a_rotation(void **state)
{
	struct assertion_keys keys;
	uint8_t a[32], b[32], c[32];

	(void)state;
	key_of(a, A);
	key_of(b, B);
	key_of(c, C);
	assertion_begin(&keys, a);
	expect(&keys, A "\n");
	assert_int_equal(assertion_rotate(&keys, THEN - 10, THEN), -ENOENT);
	assert_int_equal(assertion_announce(&keys, a, 0), -EEXIST);
	assert_int_equal(assertion_announce(&keys, b, 0), 0);
	expect(&keys, A "\n" B " next\n");
	assert_int_equal(assertion_announce(&keys, c, 0), -EEXIST); /* one at a time */
	assert_int_equal(assertion_rotate(&keys, THEN - 10, THEN), 0);
	expect(&keys, B "\n" A UNTIL);
	assert_true(assertion_is_listed(&keys.items[0], INT64_MAX));
	assert_true(assertion_is_listed(&keys.items[1], THEN - 1));
	assert_false(assertion_is_listed(&keys.items[1], THEN));
	assert_int_equal(assertion_announce(&keys, c, THEN - 1), 0);
	expect(&keys, B "\n" A UNTIL C " next\n");
	/* overlap 0: the one before is not listed at all; and A's time is over */
	assert_int_equal(assertion_rotate(&keys, THEN, THEN), 0);
	expect(&keys, C "\n");
}

static void keys_are_dropped(void **state)
{
	struct assertion_keys keys;

	(void)state;
	assert_int_equal(parse(&keys, A "\n" B UNTIL C " next\n"), 0);
	assert_int_equal(assertion_drop(&keys, A, 0), -EPERM);
	assert_int_equal(assertion_drop(&keys, "x", 0), -ENOENT);
	assert_int_equal(assertion_drop(&keys, B, 0), 0);
	expect(&keys, A "\n" C " next\n");
	assert_int_equal(assertion_drop(&keys, C, 0), 0);
	expect(&keys, A "\n");
}

static void no_more_than_fit(void **state)
{
	struct assertion_keys keys;
	uint8_t key[32] = {0};

	(void)state;
	assertion_begin(&keys, key);
	for (uint8_t i = 1; i < ASSERTION_KEYS_MAX; i++) {
		key[0] = i;
		assert_int_equal(assertion_announce(&keys, key, 0), 0);
		if (i + 1 < ASSERTION_KEYS_MAX)
			assert_int_equal(assertion_rotate(&keys, 0, THEN), 0);
	}
	assert_int_equal(assertion_rotate(&keys, 0, THEN), 0);
	key[0] = 0xee;
	assert_int_equal(assertion_announce(&keys, key, 0), -EOVERFLOW);
	/* one that leaked makes room itself */
	assert_int_equal(assertion_replace(&keys, keys.items[1].key, 0), -EEXIST);
	assert_int_equal(assertion_replace(&keys, key, 0), 0);
	assert_memory_equal(keys.items[0].key, key, 32);
	assert_true(keys.items[0].until == 0 && !keys.items[0].next);
	assert_int_equal(keys.count, ASSERTION_KEYS_MAX);
	key[0] = 0xef;
	assert_int_equal(assertion_announce(&keys, key, THEN), 0); /* the former ones have ended */
	assert_int_equal(keys.count, 2);
}

static void the_file(void **state)
{
	char state_folder[] = "/tmp/kedge-assertion-XXXXXX", folder[64], path[80];
	struct assertion_stamp stamp = {0}, other;
	struct assertion_keys keys = {.count = 3}, read;
	FILE *f;

	(void)state;
	assert_non_null(mkdtemp(state_folder));
	snprintf(folder, sizeof(folder), "%s/keys", state_folder);
	snprintf(path, sizeof(path), "%s/assertion.pub", folder);
	assert_int_equal(mkdir(folder, 0700), 0);
	assert_int_equal(assertion_load(&keys, &stamp, state_folder), -ENOENT);
	assert_int_equal(keys.count, 0);
	assert_false(assertion_changed(&stamp, state_folder));
	assert_int_equal(parse(&keys, A "\n" B UNTIL), 0);
	assert_int_equal(assertion_store(&keys, state_folder), 0);
	assert_true(assertion_changed(&stamp, state_folder));
	assert_int_equal(assertion_load(&read, &stamp, state_folder), 0);
	assert_memory_equal(&read, &keys, sizeof(keys));
	assert_false(assertion_changed(&stamp, state_folder));
	/* the same text written again is another writing */
	assert_int_equal(assertion_store(&keys, state_folder), 0);
	assert_true(assertion_changed(&stamp, state_folder));
	f = fopen(path, "w");
	fputs("broken\n", f);
	fclose(f);
	other = stamp;
	assert_int_equal(assertion_load(&read, &other, state_folder), -EBADMSG);
	assert_memory_equal(&read, &keys, sizeof(keys)); /* as it was */
	assert_false(assertion_changed(&other, state_folder)); /* and is not read again and again */
	unlink(path);
	assert_true(assertion_changed(&other, state_folder));
	rmdir(folder);
	assert_true(assertion_store(&keys, state_folder) < 0);
	rmdir(state_folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(texts),	   cmocka_unit_test(texts_refused),    cmocka_unit_test(a_rotation),
		cmocka_unit_test(keys_are_dropped), cmocka_unit_test(no_more_than_fit), cmocka_unit_test(the_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
