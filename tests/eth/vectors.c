/* Loading third-party vectors; see the header. */

#include "vectors.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <zlib.h>

void vectors_need(void)
{
	struct stat info;
	if (stat(KEDGE_SHARED_VECTORS "/eth", &info) != 0) {
		print_message("skipped: no third-party vectors\n");
		skip();
	}
}

json_t *vectors_try(const char *relative)
{
	vectors_need();
	char path[1024];
	snprintf(path, sizeof(path), KEDGE_SHARED_VECTORS "/eth/%s", relative);
	gzFile file = gzopen(path, "rb");
	if (file == NULL)
		fail_msg("cannot open %s", path);
	size_t size = 1 << 16, used = 0;
	char *text = malloc(size);
	for (int got; (got = gzread(file, text + used, (unsigned)(size - used))) > 0;) {
		used += (size_t)got;
		if (used == size)
			text = realloc(text, size *= 2);
	}
	gzclose(file);
	json_t *root = json_loadb(text, used, JSON_ALLOW_NUL | JSON_REJECT_DUPLICATES, NULL);
	free(text);
	return root;
}

json_t *vectors_load(const char *relative)
{
	json_t *root = vectors_try(relative);
	if (root == NULL)
		fail_msg("%s is not JSON", relative);
	return root;
}

static int digit(char c)
{
	const char *digits = "0123456789abcdef0123456789ABCDEF";
	const char *at = c == '\0' ? NULL : strchr(digits, c);
	return at == NULL ? -1 : (int)(at - digits) % 16;
}

struct bytes hex_bytes(const char *text)
{
	if (text[0] == '0' && text[1] == 'x')
		text += 2;
	size_t len = strlen(text) / 2;
	struct bytes out = {.data = malloc(len + 1), .len = len};
	assert_int_equal(strlen(text) % 2, 0);
	for (size_t i = 0; i < len; i++) {
		int high = digit(text[2 * i]), low = digit(text[2 * i + 1]);
		assert_true(high >= 0 && low >= 0);
		out.data[i] = (uint8_t)(high << 4 | low);
	}
	/* A copy of the exact size, so that the sanitizer sees the first byte read too far. */
	uint8_t *exact = malloc(len > 0 ? len : 1);
	memcpy(exact, out.data, len);
	free(out.data);
	out.data = exact;
	return out;
}

void hex_fixed(uint8_t *out, size_t size, const char *text)
{
	struct bytes bytes = hex_bytes(text);
	assert_int_equal(bytes.len, size);
	memcpy(out, bytes.data, size);
	free(bytes.data);
}

void assert_hex_equal(const void *data, size_t len, const char *expected)
{
	struct bytes bytes = hex_bytes(expected);
	assert_int_equal(len, bytes.len);
	assert_memory_equal(data, bytes.data, len);
	free(bytes.data);
}

const char *text_of(const json_t *object, const char *name)
{
	const char *text = json_string_value(json_object_get(object, name));
	if (text == NULL)
		fail_msg("vector without \"%s\"", name);
	return text;
}
