/* The pure half: what test_hostile.c sees through a socket, and what libmicrohttpd would refuse before it gets here. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "gateway/http/policy.h"

static const struct {
	const char *method, *version;
	const char *fields; /* "Name: value" lines, LF between */
	unsigned status;
} rows[] = {
	{"GET", "HTTP/1.1", "Host: a", 0},
	{"GET", "HTTP/1.0", "", 0},
	{"GET", "HTTP/1.1", "", 400},
	{"GET", "HTTP/1.1", "host: a\nHOST: a", 400},
	{"POST", "HTTP/1.1", "Host: a\nContent-Length: 5", 0},
	{"POST", "HTTP/1.1", "Host: a\nContent-Length: 5 ", 0},
	{"POST", "HTTP/1.1", "Host: a\nContent-Length: ", 400},
	{"POST", "HTTP/1.1", "Host: a\nContent-Length: +5", 400},
	{"POST", "HTTP/1.1", "Host: a\nContent-Length: -5", 400},
	{"POST", "HTTP/1.1", "Host: a\nContent-Length: 5,5", 400},
	{"POST", "HTTP/1.1", "Host: a\nContent-Length: 5 5", 400},
	{"POST", "HTTP/1.1", "Host: a\nContent-Length: 0x5", 400},
	{"POST", "HTTP/1.1", "Host: a\nContent-Length: 999999999999999999", 0},
	{"POST", "HTTP/1.1", "Host: a\nContent-Length: 9999999999999999999", 413},
	{"POST", "HTTP/1.1", "Host: a\nContent-Length: 5\ncontent-length: 5", 400},
	{"POST", "HTTP/1.1", "Host: a\nContent-Length: 0\nTransfer-Encoding: chunked", 400},
	{"POST", "HTTP/1.1", "Host: a\nTransfer-Encoding: chunked", 0},
	{"POST", "HTTP/1.1", "Host: a\nTransfer-Encoding: CHUNKED", 0},
	{"POST", "HTTP/1.1", "Host: a\nTransfer-Encoding: ", 400},
	{"POST", "HTTP/1.1", "Host: a\nTransfer-Encoding: chunked;q=1", 400},
	{"POST", "HTTP/1.1", "Host: a\nTransfer-Encoding: \"chunked\"", 400},
	{"POST", "HTTP/1.0", "Transfer-Encoding: chunked", 400},
	{"POST", "HTTP/1.1", "Host: a\nTransfer_Encoding: chunked", 0},
	{"GET", "HTTP/1.1", "Host: a\nContent-Length: 0", 0},
	{"GET", "HTTP/1.1", "Host: a\nContent-Length: 1", 400},
	{"DELETE", "HTTP/1.1", "Host: a\nContent-Length: 1", 400},
	{"OPTIONS", "HTTP/1.1", "Host: a\nTransfer-Encoding: chunked", 400},
	{"POST", "HTTP/1.1", "Host: a\nExpect: 100-continue", 0},
	{"POST", "HTTP/1.1", "Host: a\nExpect: 100-Continue", 0},
	{"POST", "HTTP/1.1", "Host: a\nExpect: 100-continue, x", 417},
	{"GET", "HTTP/1.1", "Host: a\nX-A: b\tc", 0},
	{"GET", "HTTP/1.1", "Host: a\nX-A: b\rc", 400},
	{"GET", "HTTP/1.1", "Host: a\nX(A: b", 400},
	{"GET", "HTTP/1.1", "Host: a@b", 400},
	{"GET", "HTTP/1.1", "Host: a?b", 400},
	{"GET", "HTTP/1.1", "Host: a\tb", 400},
	{"GET", "HTTP/1.1", "Host: \xc3\xa9", 400},
	{"GET", "HTTP/0.9", "Host: a", 505},
	{"GET", "HTTP/1.10", "Host: a", 505},
	{"GET", "", "Host: a", 400},
	{"GE T", "HTTP/1.1", "Host: a", 400},
	{"", "HTTP/1.1", "Host: a", 400},
};

static unsigned judge(const char *method, const char *version, const char *fields)
{
	struct http_policy policy;
	http_policy_begin(&policy, method, version);
	while (*fields != '\0') {
		size_t len = strcspn(fields, "\n"), name = strcspn(fields, ":");
		http_policy_field(&policy, fields, name, fields + name + 2, len - name - 2);
		fields += len + (fields[len] == '\n');
	}
	unsigned status = http_policy_end(&policy);
	assert_int_equal(status == 0, policy.reason == NULL);
	return status;
}

static void heads_are_judged(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		unsigned status = judge(rows[i].method, rows[i].version, rows[i].fields);
		if (status != rows[i].status)
			print_error("%s %s %s: %u\n", rows[i].method, rows[i].version, rows[i].fields, status);
		assert_int_equal(status, rows[i].status);
	}
}

static void every_byte_of_a_name_and_a_value_is_judged(void **state)
{
	static const char tokens[] = "!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
	(void)state;
	for (int c = 0; c < 256; c++) {
		struct http_policy policy;
		char byte = (char)(unsigned char)c;
		http_policy_begin(&policy, "GET", "HTTP/1.0");
		http_policy_field(&policy, &byte, 1, "x", 1);
		assert_int_equal(http_policy_end(&policy), c != 0 && strchr(tokens, c) ? 0 : 400);
		http_policy_begin(&policy, "GET", "HTTP/1.0");
		http_policy_field(&policy, "X", 1, &byte, 1);
		assert_int_equal(http_policy_end(&policy), c == '\t' || (c >= ' ' && c != 0x7f) ? 0 : 400);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(heads_are_judged),
		cmocka_unit_test(every_byte_of_a_name_and_a_value_is_judged),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
