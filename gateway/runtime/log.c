/* One bounded buffer on the stack, one write(2): nothing here allocates, locks or fails. */
#include "gateway/runtime/log.h"

#include "gateway/runtime/clock.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static const char cut_mark[] = " cut=1";
enum { LINE_ROOM = LOG_LINE_MAX - 1 - (int)sizeof(cut_mark) };

static struct {
	char role[32];
	enum log_level level;
} self = {.role = "kedge", .level = LOG_LEVEL_INFO};

static const char *const level_names[] = {
	[LOG_LEVEL_ERROR] = "error",
	[LOG_LEVEL_WARN] = "warn",
	[LOG_LEVEL_INFO] = "info",
	[LOG_LEVEL_DEBUG] = "debug",
};

struct line {
	char *out;
	size_t len;
	bool cut;
};

static void put(struct line *line, const char *bytes, size_t len)
{
	if (line->cut || len > (size_t)LINE_ROOM - line->len) {
		line->cut = true;
		return;
	}
	memcpy(line->out + line->len, bytes, len);
	line->len += len;
}

/* Bytes of the UTF-8 sequence at p, or 0 when it is not one (Unicode 15 table 3-7). */
static size_t utf8_length(const unsigned char *p, size_t left)
{
	size_t n = p[0] < 0x80			 ? 1
		   : p[0] >= 0xc2 && p[0] < 0xe0 ? 2
		   : (p[0] & 0xf0) == 0xe0	 ? 3
		   : p[0] >= 0xf0 && p[0] < 0xf5 ? 4
						 : 0;
	if (n == 0 || n > left)
		return 0;
	for (size_t i = 1; i < n; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	}
	if ((p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] > 0x9f) || (p[0] == 0xf0 && p[1] < 0x90) ||
	    (p[0] == 0xf4 && p[1] > 0x8f))
		return 0;
	return n;
}

static bool is_plain(const unsigned char *p, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (p[i] <= ' ' || p[i] >= 0x7f || p[i] == '"' || p[i] == '=' || p[i] == '\\')
			return false;
	}
	return len > 0;
}

static void put_text(struct line *line, const char *text, size_t len)
{
	const unsigned char *p = (const unsigned char *)text;
	size_t shown = len > LOG_VALUE_MAX ? LOG_VALUE_MAX : len;
	if (shown == len && is_plain(p, len)) {
		put(line, text, len);
		return;
	}
	put(line, "\"", 1);
	for (size_t i = 0; i < shown;) {
		size_t n = utf8_length(p + i, len - i);
		char escaped[5];
		if (n == 0 || p[i] < ' ' || p[i] == 0x7f) {
			snprintf(escaped, sizeof(escaped), "\\x%02x", p[i]);
			put(line, escaped, 4);
			i++;
			continue;
		}
		if (p[i] == '"' || p[i] == '\\')
			put(line, "\\", 1);
		put(line, text + i, n);
		i += n;
	}
	if (shown < len)
		put(line, "…", strlen("…"));
	put(line, "\"", 1);
}

/* Keeps scheme and authority without user info. */
static void put_url(struct line *line, const char *url)
{
	const char *start = strstr(url, "://");
	start = start ? start + 3 : url;
	size_t end = strcspn(start, "/?#");
	const char *at = memrchr(start, '@', end);
	size_t skip = at ? (size_t)(at - start) + 1 : 0;
	char shown[256];
	int n = snprintf(shown, sizeof(shown), "%.*s%.*s", (int)(start - url < 16 ? start - url : 16), url,
			 (int)(end - skip < 200 ? end - skip : 200), start + skip);
	put_text(line, shown, n > 0 ? (size_t)n : 0);
}

static void put_hex(struct line *line, const unsigned char *bytes, size_t len)
{
	char pair[3];
	for (size_t i = 0; i < len && i < LOG_VALUE_MAX / 2; i++) {
		snprintf(pair, sizeof(pair), "%02x", bytes[i]);
		put(line, pair, 2);
	}
}

static void put_rc(struct line *line, int rc)
{
	const char *name = rc <= 0 && rc > INT32_MIN ? strerrorname_np(-rc) : NULL;
	char number[16];
	if (name == NULL) {
		snprintf(number, sizeof(number), "%d", rc);
		name = number;
	}
	put(line, name, strlen(name));
}

static bool names_a_secret(const char *key)
{
	static const char *const words[] = {"secret", "password", "private", "seed", "token"};
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (strcasestr(key, words[i]) != NULL)
			return true;
	}
	return false;
}

static void put_field(struct line *line, const struct log_field *field)
{
	char number[24];
	int n = 0;
	put(line, " ", 1);
	put(line, field->key, strlen(field->key));
	put(line, "=", 1);
	if (names_a_secret(field->key)) {
		put(line, "[redacted]", 10);
		return;
	}
	if (field->bytes == NULL && field->kind != LOG_KIND_U64 && field->kind != LOG_KIND_I64 &&
	    field->kind != LOG_KIND_RC) {
		put(line, "-", 1);
		return;
	}
	switch (field->kind) {
	case LOG_KIND_MSG:
	case LOG_KIND_STR:
		put_text(line, field->bytes, strlen(field->bytes));
		break;
	case LOG_KIND_URL:
		put_url(line, field->bytes);
		break;
	case LOG_KIND_HEX:
		put_hex(line, field->bytes, field->len);
		break;
	case LOG_KIND_U64:
		n = snprintf(number, sizeof(number), "%" PRIu64, field->number);
		break;
	case LOG_KIND_I64:
		n = snprintf(number, sizeof(number), "%" PRId64, (int64_t)field->number);
		break;
	case LOG_KIND_RC:
		put_rc(line, (int)(int64_t)field->number);
		break;
	}
	put(line, number, (size_t)n);
}

size_t log_format(char *out, enum log_level level, int64_t unix_ms, const struct log_field fields[], size_t count)
{
	struct line line = {.out = out};
	char stamp[48];
	time_t seconds = (time_t)(unix_ms / 1000);
	struct tm utc;
	gmtime_r(&seconds, &utc);
	size_t n = strftime(stamp, sizeof(stamp), "ts=%Y-%m-%dT%H:%M:%S", &utc);
	put(&line, stamp, n);
	n = (size_t)snprintf(stamp, sizeof(stamp), ".%03uZ level=%s role=", (unsigned)(unix_ms % 1000),
			     level_names[level]);
	put(&line, stamp, n);
	put_text(&line, self.role, strlen(self.role));
	for (size_t i = 0; i < count; i++)
		put_field(&line, &fields[i]);
	if (line.cut) {
		memcpy(out + line.len, cut_mark, sizeof(cut_mark) - 1);
		line.len += sizeof(cut_mark) - 1;
	}
	out[line.len++] = '\n';
	return line.len;
}

void log_fields(enum log_level level, const struct log_field fields[], size_t count)
{
	if (level > self.level)
		return;
	int saved = errno;
	char out[LOG_LINE_MAX];
	size_t len = log_format(out, level, (int64_t)clock_wall_ms(), fields, count);
	ssize_t written = write(STDERR_FILENO, out, len);
	(void)written; /* a closed stderr must not stop the gateway */
	errno = saved;
}

void log_init(const char *role, enum log_level level)
{
	snprintf(self.role, sizeof(self.role), "%s", role);
	self.level = level;
}

int log_level_parse(enum log_level *level, const char *text)
{
	for (size_t i = 0; i < sizeof(level_names) / sizeof(level_names[0]); i++) {
		if (strcmp(text, level_names[i]) == 0) {
			*level = (enum log_level)i;
			return 0;
		}
	}
	return -EINVAL;
}
