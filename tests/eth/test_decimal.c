#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "eth/decimal.h"

static void assert_digits(uint64_t number)
{
	char expected[32], out[DECIMAL_MAX + 2];
	size_t len = (size_t)snprintf(expected, sizeof(expected), "%" PRIu64, number);

	memset(out, 'x', sizeof(out));
	assert_ptr_equal(decimal_put(out, number), out + len);
	assert_memory_equal(out, expected, len);
	assert_int_equal(out[len], 'x');
}

static void digits(void **state)
{
	(void)state;
	assert_digits(0);
	assert_digits(UINT64_MAX);
	for (uint64_t power = 1;; power *= 10) {
		assert_digits(power - 1);
		assert_digits(power);
		assert_digits(power + 1);
		if (power > UINT64_MAX / 10)
			break;
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(digits)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
