/*
 * What a process tells its operator: logfmt lines on stderr.
 *
 *   ts=2026-11-20T14:03:07.123Z level=info role=worker/2 msg=listening host=127.0.0.1 port=8004
 *
 * One line is one write(2) of at most LOG_LINE_MAX bytes, so lines of several processes never mix. A value is quoted
 * when it holds anything but plain visible bytes; control bytes and broken UTF-8 come out as \xNN; a line that would be
 * longer ends in " cut=1". Values are copied at the call; nothing is kept. Never pass a secret: a field whose key names
 * one ("secret", "password", "private", "seed", "token") is printed as [redacted], and an RPC address goes through
 * log_url(), which keeps scheme, host and port only.
 *
 *   log_info(log_msg("listening"), log_str("host", host), log_u64("port", port));
 *   log_error(log_msg("append failed"), log_rc(rc));
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

enum {
	LOG_LINE_MAX = 2048, /* bytes of one line, its LF included */
	LOG_VALUE_MAX = 512, /* bytes of one value before escaping; the rest is dropped and marked with "…" */
};

enum log_level {
	LOG_LEVEL_ERROR, /* somebody should look */
	LOG_LEVEL_WARN,
	LOG_LEVEL_INFO, /* the default */
	LOG_LEVEL_DEBUG,
};

enum log_kind {
	LOG_KIND_MSG,
	LOG_KIND_STR,
	LOG_KIND_U64,
	LOG_KIND_I64,
	LOG_KIND_HEX,
	LOG_KIND_URL,
	LOG_KIND_RC,
};

struct log_field {
	const char *key;
	enum log_kind kind;
	const void *bytes; /* MSG, STR, URL: NUL-terminated text or NULL ("-"); HEX: len bytes */
	size_t len;
	uint64_t number; /* U64, I64 and RC (as two's complement) */
};

static inline struct log_field log_msg(const char *message)
{
	return (struct log_field){.key = "msg", .kind = LOG_KIND_MSG, .bytes = message};
}

static inline struct log_field log_str(const char *key, const char *value)
{
	return (struct log_field){.key = key, .kind = LOG_KIND_STR, .bytes = value};
}

static inline struct log_field log_u64(const char *key, uint64_t value)
{
	return (struct log_field){.key = key, .kind = LOG_KIND_U64, .number = value};
}

static inline struct log_field log_i64(const char *key, int64_t value)
{
	return (struct log_field){.key = key, .kind = LOG_KIND_I64, .number = (uint64_t)value};
}

static inline struct log_field log_hex(const char *key, const void *bytes, size_t len)
{
	return (struct log_field){.key = key, .kind = LOG_KIND_HEX, .bytes = bytes, .len = len};
}

/* An address on the network without its user info, path and query, where API keys live. */
static inline struct log_field log_url(const char *key, const char *url)
{
	return (struct log_field){.key = key, .kind = LOG_KIND_URL, .bytes = url};
}

/* error=ENOENT and the like from 0 or a negative errno. */
static inline struct log_field log_rc(int rc)
{
	return (struct log_field){.key = "error", .kind = LOG_KIND_RC, .number = (uint64_t)(int64_t)rc};
}

/* Sets the role ("supervisor", "worker/0", "signer", "steward") and the least level shown. Call once at the start of a
 * process; without it the role is "kedge" and the level LOG_LEVEL_INFO. role is copied, at most 31 bytes. */
void log_init(const char *role, enum log_level level);

/* error, warn, info or debug. Returns 0, or -EINVAL for any other text. */
int log_level_parse(enum log_level *level, const char *text) __attribute__((warn_unused_result));

/* Writes one line when level is shown. errno is left as it was. */
void log_fields(enum log_level level, const struct log_field fields[], size_t count);

/* The line log_fields() would write, into out (at least LOG_LINE_MAX bytes), at unix_ms. Returns its length, LF
 * included. */
size_t log_format(char *out, enum log_level level, int64_t unix_ms, const struct log_field fields[], size_t count);

#define log_write(level, ...)                                                                                          \
	log_fields((level), (const struct log_field[]){__VA_ARGS__},                                                   \
		   sizeof((const struct log_field[]){__VA_ARGS__}) / sizeof(struct log_field))
#define log_error(...) log_write(LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_warn(...) log_write(LOG_LEVEL_WARN, __VA_ARGS__)
#define log_info(...) log_write(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(...) log_write(LOG_LEVEL_DEBUG, __VA_ARGS__)
