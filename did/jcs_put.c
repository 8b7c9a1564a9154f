/* JSON in the order of the calls, into a buffer. */
#include "did/jcs_put.h"

#include <string.h>

/* Room for so many more bytes; false: there is none. */
static bool room(struct jcs_put *put, size_t more)
{
	if (put->err == 0 && more > put->out->cap - put->out->len)
		put->err = jcs_buffer_grow(put->out, more);
	return put->err == 0;
}

static void bytes(struct jcs_put *put, const char *text, size_t len)
{
	if (!room(put, len))
		return;
	memcpy(put->out->data + put->out->len, text, len);
	put->out->len += len;
}

/* Comma, name and colon before a value, and room for so much behind them. */
static bool begin(struct jcs_put *put, const char *name, size_t more)
{
	size_t len = name ? strlen(name) : 0;
	char *at;

	if (!room(put, (put->comma ? 1 : 0) + (name ? len + 3 : 0) + more))
		return false;
	at = put->out->data + put->out->len;
	if (put->comma)
		*at++ = ',';
	put->comma = true;
	if (name) {
		*at++ = '"';
		at = mempcpy(at, name, len);
		*at++ = '"';
		*at++ = ':';
	}
	put->out->len = (size_t)(at - put->out->data);
	return true;
}

void jcs_put_open(struct jcs_put *put, const char *name, char bracket)
{
	if (begin(put, name, 1))
		put->out->data[put->out->len++] = bracket;
	put->comma = false;
}

void jcs_put_close(struct jcs_put *put, char bracket)
{
	bytes(put, &bracket, 1);
	put->comma = true;
}

void jcs_put_string(struct jcs_put *put, const char *name, const char *text, size_t len)
{
	if (begin(put, name, len + 2))
		put->err = jcs_write_string(put->out, text, len);
}

void jcs_put_text(struct jcs_put *put, const char *name, const char *text)
{
	jcs_put_string(put, name, text, strlen(text));
}

void jcs_put_plain(struct jcs_put *put, const char *name, const char *text, size_t len)
{
	char *at;

	if (!begin(put, name, len + 2))
		return;
	at = put->out->data + put->out->len;
	*at = '"';
	memcpy(at + 1, text, len);
	at[len + 1] = '"';
	put->out->len += len + 2;
}

void jcs_put_joined(struct jcs_put *put, const char *name, const char *text, const char *more)
{
	size_t len = strlen(text), more_len = strlen(more);
	char *at;

	if (!begin(put, name, len + more_len + 2))
		return;
	at = put->out->data + put->out->len;
	*at++ = '"';
	at = mempcpy(mempcpy(at, text, len), more, more_len);
	*at++ = '"';
	put->out->len = (size_t)(at - put->out->data);
}

void jcs_put_json(struct jcs_put *put, const char *name, const char *json, size_t len)
{
	if (begin(put, name, len))
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
	jcs_put_plain(put, name, at, (size_t)(text + sizeof(text) - at));
}
