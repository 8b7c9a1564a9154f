#include "tests/gateway/identity/proof_changes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Whether a place is in the header or the nodes, which are most of the text and hashed. */
static bool is_hashed(const char *text, const char *at)
{
	const char *header = strstr(text, "\"header\":\""), *nodes = strstr(text, "\"nodes\":[");

	return (at >= header && at < strchr(header, ',')) || (at >= nodes && at < strchr(nodes, ']'));
}

/* Every digit of the agent's key becomes each other digit, the others the next (of what is hashed a sample): changes that leave
 * the form as it is, so that only what the digit says can tell them. */
static void change_digits(unsigned *changes, const char *text, size_t len, proof_verify *verify)
{
	size_t step = getenv("KEDGE_LONG") != NULL ? 1 : 1 + len / 50;
	char *copy = malloc(len);

	memcpy(copy, text, len);
	for (size_t i = 0; i < len; i++) {
		bool hashed = is_hashed(text, text + i), is_key = text + i < strchr(text, ',');

		if (text[i] < '0' || text[i] > '9' || (hashed && i % step != 0))
			continue;
		for (int by = 1; by < (is_key ? 10 : 2); by++) {
			copy[i] = (char)('0' + (text[i] - '0' + by) % 10);
			if (verify(copy, len) == 0)
				fail_msg("digit %zu of %zu changed from %c to %c", i, len, text[i], copy[i]);
			(*changes)++;
		}
		copy[i] = text[i];
	}
	free(copy);
}

/* Every byte of the text (with KEDGE_LONG; else a sample) becomes another one. */
static void change_bytes(unsigned *changes, const char *text, size_t len, proof_verify *verify)
{
	size_t step = getenv("KEDGE_LONG") != NULL ? 1 : 1 + len / 150;
	char *copy = malloc(len);

	memcpy(copy, text, len);
	for (size_t i = 0; i < len; i += step) {
		copy[i] ^= (char)(1 + i % 127);
		if (verify(copy, len) == 0)
			fail_msg("byte %zu of %zu changed from %c to %c", i, len, text[i], copy[i]);
		copy[i] = text[i];
		(*changes)++;
	}
	for (size_t cut = 1; cut < len; cut += len / 20)
		assert_int_not_equal(verify(text, len - cut), 0);
	free(copy);
}

void proof_changes(unsigned *bytes, unsigned *digits, const char *text, size_t len, proof_verify *verify)
{
	change_bytes(bytes, text, len, verify);
	change_digits(digits, text, len, verify);
}
