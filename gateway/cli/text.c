/* Foreign text for a terminal. */
#include "gateway/cli/text.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* One scalar value of UTF-8 (RFC 3629: no surrogates, nothing overlong): its length, or 0 if the bytes are none. */
static size_t scalar(uint32_t *out, const unsigned char *text, size_t len)
{
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	size_t n = text[0] >= 0xf0 && text[0] < 0xf8 ? 4 : text[0] >= 0xe0 ? 3 : text[0] >= 0xc0 ? 2 : 0;

	if (n == 0 || text[0] >= 0xf8 || n > len)
		return 0;
	*out = text[0] & (0x7fu >> n);
	for (size_t i = 1; i < n; i++) {
		if ((text[i] & 0xc0) != 0x80)
			return 0;
		*out = *out << 6 | (text[i] & 0x3f);
	}
	return *out < least[n] || *out > 0x10ffff || (*out >= 0xd800 && *out <= 0xdfff) ? 0 : n;
}

/* What stands for the first byte or character; returns how many bytes of text that is. */
static size_t escape_one(char out[static CLI_ESCAPED_ONE], const unsigned char *text, size_t len)
{
	uint32_t value;
	size_t n;

	if (text[0] >= 0x20 && text[0] < 0x7f) {
		out[0] = (char)text[0];
		out[1] = '\0';
		return 1;
	}
	n = scalar(&value, text, len);
	if (n != 0)
		snprintf(out, CLI_ESCAPED_ONE, "\\u{%x}", (unsigned)value);
	else
		snprintf(out, CLI_ESCAPED_ONE, "\\x%02x", text[0]);
	return n != 0 ? n : 1;
}

size_t cli_escape(char *out, size_t size, const char *text, size_t len)
{
	size_t at = 0, used = 0;
	char one[CLI_ESCAPED_ONE];

	out[0] = '\0';
	while (at < len) {
		size_t n = escape_one(one, (const unsigned char *)text + at, len - at), m = strlen(one);

		if (m >= size - used)
			break;
		memcpy(out + used, one, m + 1);
		used += m;
		at += n;
	}
	return at;
}

void cli_print(FILE *to, const char *text)
{
	size_t len = strlen(text);
	char one[CLI_ESCAPED_ONE];

	for (size_t at = 0; at < len;) {
		at += escape_one(one, (const unsigned char *)text + at, len - at);
		fputs(one, to);
	}
}

json_t *cli_json_text(const char *text)
{
	size_t len = strlen(text), size = len * (CLI_ESCAPED_ONE - 1) + 1;
	json_t *made = json_string(text);
	char *escaped = made ? NULL : malloc(size);

	if (escaped) {
		cli_escape(escaped, size, text, len);
		made = json_string(escaped);
	}
	free(escaped);
	return made;
}

static void escape_string(json_t *value)
{
	size_t len = json_string_length(value), size = len * (CLI_ESCAPED_ONE - 1) + 1;
	char *text = malloc(size);

	if (text)
		cli_escape(text, size, json_string_value(value), len);
	(void)json_string_set(value, text ? text : "");
	free(text);
}

void cli_escape_json(json_t *value)
{
	const char *name;
	json_t *inner;
	size_t i;

	if (json_is_string(value))
		escape_string(value);
	json_array_foreach(value, i, inner) {
		cli_escape_json(inner);
	}
	json_object_foreach(value, name, inner) {
		cli_escape_json(inner);
	}
}
