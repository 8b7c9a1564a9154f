#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "gateway/runtime/log.h"

static const int64_t at = 1795183387123; /* 2026-11-20T14:03:07.123Z */

#define LINE(...)                                                                                                      \
	log_format(out, LOG_LEVEL_INFO, at, (const struct log_field[]){__VA_ARGS__},                                   \
		   sizeof((const struct log_field[]){__VA_ARGS__}) / sizeof(struct log_field))

static char out[LOG_LINE_MAX + 1];

static void expect(size_t len, const char *tail)
{
	static const char head[] = "ts=2026-11-20T14:03:07.123Z level=info role=worker/2 ";
	out[len] = '\0';
	assert_memory_equal(out, head, sizeof(head) - 1);
	assert_string_equal(out + sizeof(head) - 1, tail);
}

static void lines_are_logfmt(void **state)
{
	static const uint8_t bytes[] = {0xde, 0xad, 0x01};
	(void)state;
	log_init("worker/2", LOG_LEVEL_INFO);
	expect(LINE(log_msg("listening"), log_str("host", "127.0.0.1"), log_u64("port", 8004)),
	       "msg=listening host=127.0.0.1 port=8004\n");
	expect(LINE(log_i64("a", -1), log_u64("b", UINT64_MAX), log_hex("c", bytes, 3)),
	       "a=-1 b=18446744073709551615 c=dead01\n");
	expect(LINE(log_rc(-ENOENT), log_rc(0), log_rc(-99999)), "error=ENOENT error=0 error=-99999\n");
	expect(LINE(log_str("a", NULL), log_str("b", ""), log_str("c", "x y")), "a=- b=\"\" c=\"x y\"\n");
}

static void values_cannot_forge_lines(void **state)
{
	(void)state;
	expect(LINE(log_str("a", "x\nlevel=error")), "a=\"x\\x0alevel=error\"\n");
	expect(LINE(log_str("a", "x\" b=\"y\\")), "a=\"x\\\" b=\\\"y\\\\\"\n");
	expect(LINE(log_str("a", "\x1b[2J\x7f")), "a=\"\\x1b[2J\\x7f\"\n");
	expect(LINE(log_str("a", "\xc3\xa9\xff\xc0\xaf")), "a=\"\xc3\xa9\\xff\\xc0\\xaf\"\n");
	expect(LINE(log_str("a", "\xe2\x80")), "a=\"\\xe2\\x80\"\n");
}

static void secrets_are_not_written(void **state)
{
	(void)state;
	expect(LINE(log_str("rpcToken", "abc"), log_str("PASSWORD", "x"), log_u64("seed", 1),
		    log_hex("private_key", "k", 1)),
	       "rpcToken=[redacted] PASSWORD=[redacted] seed=[redacted] private_key=[redacted]\n");
	expect(LINE(log_url("rpc", "https://user:pw@base.example:8545/v2/APIKEY?x=1")),
	       "rpc=https://base.example:8545\n");
	expect(LINE(log_url("rpc", "https://base.example?APIKEY")), "rpc=https://base.example\n");
	expect(LINE(log_url("rpc", "user@host/path")), "rpc=host\n");
	expect(LINE(log_url("rpc", "")), "rpc=\"\"\n");
}

static void lines_are_bounded(void **state)
{
	static char text[4000];
	(void)state;
	memset(text, 'a', sizeof(text) - 1);
	size_t len = LINE(log_str("a", text));
	out[len] = '\0';
	assert_true(len < 700);
	assert_non_null(strstr(out, "a…\"\n"));
	memset(text, 1, sizeof(text) - 1);
	len = LINE(log_str("a", text), log_str("b", text), log_u64("c", 1));
	out[len] = '\0';
	assert_true(len <= LOG_LINE_MAX);
	assert_string_equal(out + len - 7, " cut=1\n");
	static uint8_t bytes[4000];
	len = LINE(log_hex("a", bytes, sizeof(bytes)), log_hex("b", bytes, sizeof(bytes)), log_hex("c", bytes, 4000),
		   log_hex("d", bytes, 4000));
	assert_true(len <= LOG_LINE_MAX);
}

static void levels_are_parsed_and_filter(void **state)
{
	enum log_level level;
	int pipes[2], saved = dup(STDERR_FILENO);
	char got[256];
	(void)state;
	assert_int_equal(log_level_parse(&level, "debug"), 0);
	assert_int_equal(level, LOG_LEVEL_DEBUG);
	assert_int_equal(log_level_parse(&level, "Debug"), -EINVAL);
	assert_int_equal(log_level_parse(&level, ""), -EINVAL);
	assert_int_equal(pipe2(pipes, O_NONBLOCK), 0);
	assert_int_equal(dup2(pipes[1], STDERR_FILENO), STDERR_FILENO);
	log_init("a-role-that-is-much-longer-than-there-is-room-for", LOG_LEVEL_WARN);
	errno = EBUSY;
	log_info(log_msg("unseen"));
	log_warn(log_msg("seen"));
	assert_int_equal(errno, EBUSY);
	dup2(saved, STDERR_FILENO);
	ssize_t n = read(pipes[0], got, sizeof(got) - 1);
	assert_true(n > 0);
	got[n] = '\0';
	assert_null(strstr(got, "unseen"));
	assert_non_null(strstr(got, "level=warn role=a-role-that-is-much-longer-than msg=seen\n"));
	close(saved);
	close(pipes[0]);
	close(pipes[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_are_logfmt),
		cmocka_unit_test(values_cannot_forge_lines),
		cmocka_unit_test(secrets_are_not_written),
		cmocka_unit_test(lines_are_bounded),
		cmocka_unit_test(levels_are_parsed_and_filter),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
