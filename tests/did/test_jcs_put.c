/* The writer of answers: what it writes is JSON in the order of the calls, and its first error sticks. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "did/jcs_put.h"

static void write_sample(struct jcs_put *put)
{
	jcs_put_open(put, NULL, '{');
	jcs_put_text(put, "b", "line\n\"quoted\"");
	jcs_put_open(put, "list", '[');
	jcs_put_text(put, NULL, "x");
	jcs_put_decimal(put, NULL, UINT64_MAX);
	jcs_put_decimal(put, NULL, 0);
	jcs_put_open(put, NULL, '{');
	jcs_put_close(put, '}');
	jcs_put_close(put, ']');
	jcs_put_joined(put, "joined", "did:x:y", "#z");
	jcs_put_joined(put, "empty", "", "");
	jcs_put_string(put, "part", "abcdef", 3);
	jcs_put_plain(put, "plain", "uvwxyz", 4);
	jcs_put_json(put, "json", "[1,2]!", 5);
	jcs_put_literal(put, "a", "null");
	jcs_put_close(put, '}');
}

static const char sample[] = "{\"b\":\"line\\n\\\"quoted\\\"\",\"list\":[\"x\",\"18446744073709551615\",\"0\",{}],\"joined\":\"did:x:y#z\","
			     "\"empty\":\"\",\"part\":\"abc\",\"plain\":\"uvwx\",\"json\":[1,2],\"a\":null}";

static void members_stand_in_the_order_of_the_calls(void **state)
{
	struct jcs_buffer out = {0};
	struct jcs_put put = {.out = &out};

	(void)state;
	write_sample(&put);
	assert_int_equal(put.err, 0);
	assert_int_equal(out.len, sizeof(sample) - 1);
	assert_memory_equal(out.data, sample, out.len);
	jcs_buffer_clear(&out);
}

/* Whatever the room, nothing is written beyond it, and too little is told. */
static void too_little_room_is_told(void **state)
{
	char room[sizeof(sample) + 8];

	(void)state;
	for (size_t cap = 0; cap < sizeof(sample); cap++) {
		struct jcs_buffer out = {.data = room, .cap = cap, .fixed = true};
		struct jcs_put put = {.out = &out};

		memset(room, '~', sizeof(room));
		write_sample(&put);
		assert_int_equal(put.err, cap < sizeof(sample) - 1 ? -ENOSPC : 0);
		assert_true(out.len <= cap);
		assert_int_equal(room[cap], '~');
		assert_memory_equal(room, sample, out.len);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(members_stand_in_the_order_of_the_calls),
		cmocka_unit_test(too_little_room_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
