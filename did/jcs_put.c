/* JSON in the order of the calls, into a buffer. */
#include "did/jcs_put.h"

#include <string.h>

static void bytes(struct jcs_put *put, const char *text, size_t len)
{
	struct jcs_buffer *out = put->out;

	if (put->err == 0 && len > out->cap - out->len)
		put->err = jcs_buffer_grow(out, len);
	if (put->err != 0)
		return;
	memcpy(out->data + out->len, text, len);
	out->len += len;
}

/* Comma, name and colon before a value. */
static void begin(struct jcs_put *put, const char *name)
{
	if (put->comma)
		bytes(put, ",", 1);
	put->comma = true;
	if (!name)
		return;
	bytes(put, "\"", 1);
	bytes(put, name, strlen(name));
	bytes(put, "\":", 2);
}

void jcs_put_open(struct jcs_put *put, const char *name, char bracket)
{
	begin(put, name);
	bytes(put, &bracket, 1);
	put->comma = false;
}

void jcs_put_close(struct jcs_put *put, char bracket)
{
	bytes(put, &bracket, 1);
	put->comma = true;
}

void jcs_put_string(struct jcs_put *put, const char *name, const char *text, size_t len)
{
	begin(put, name);
	if (put->err == 0)
		put->err = jcs_write_string(put->out, text, len);
}

void jcs_put_text(struct jcs_put *put, const char *name, const char *text)
{
	jcs_put_string(put, name, text, strlen(text));
}

void jcs_put_joined(struct jcs_put *put, const char *name, const char *text, const char *more)
{
	begin(put, name);
	bytes(put, "\"", 1);
	if (put->err == 0)
		put->err = jcs_write_escaped(put->out, text, strlen(text));
	if (put->err == 0)
		put->err = jcs_write_escaped(put->out, more, strlen(more));
	bytes(put, "\"", 1);
}

void jcs_put_json(struct jcs_put *put, const char *name, const char *json, size_t len)
{
	begin(put, name);
	bytes(put, json, len);
}

void jcs_put_literal(struct jcs_put *put, const char *name, const char *json)
{
	jcs_put_json(put, name, json, strlen(json));
}

void jcs_put_decimal(struct jcs_put *put, const char *name, uint64_t number)
{
	char text[24];
	char *at = text + sizeof(text);

	do
		*--at = (char)('0' + number % 10);
	while ((number /= 10) != 0);
	begin(put, name);
	bytes(put, "\"", 1);
	bytes(put, at, (size_t)(text + sizeof(text) - at));
	bytes(put, "\"", 1);
}
