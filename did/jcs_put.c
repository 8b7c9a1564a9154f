/* JSON in the order of the calls, into a buffer. */
#include "did/jcs_put.h"

#include "eth/decimal.h"

/* Room for so many more bytes; false: there is none. */
static bool room(struct jcs_put *put, size_t more)
{
	if (put->err == 0 && more > put->out->cap - put->out->len)
		put->err = jcs_buffer_grow(put->out, more);
	return put->err == 0;
}

/* Comma, name and colon before a value, and room for so much behind them: where it begins. NULL: there is none. */
static char *begin(struct jcs_put *put, struct jcs_text name, size_t more)
{
	char *at;

	if (!room(put, put->comma + (name.ptr ? name.len + strlen("\"\":") : 0) + more))
		return NULL;
	at = put->out->data + put->out->len;
	if (put->comma)
		*at++ = ',';
	put->comma = true;
	if (name.ptr) {
		*at++ = '"';
		at = mempcpy(at, name.ptr, name.len);
		*at++ = '"';
		*at++ = ':';
	}
	return at;
}

static void end(struct jcs_put *put, const char *at)
{
	put->out->len = (size_t)(at - put->out->data);
}

void jcs_put_open_named(struct jcs_put *put, struct jcs_text name, char bracket)
{
	char *at = begin(put, name, 1);

	if (at) {
		*at++ = bracket;
		end(put, at);
	}
	put->comma = false;
}

void jcs_put_close(struct jcs_put *put, char bracket)
{
	if (room(put, 1))
		put->out->data[put->out->len++] = bracket;
	put->comma = true;
}

void jcs_put_string_named(struct jcs_put *put, struct jcs_text name, struct jcs_text text)
{
	char *at = begin(put, name, text.len + 2);

	if (at) {
		end(put, at);
		put->err = jcs_write_string(put->out, text.ptr, text.len);
	}
}

void jcs_put_plain_named(struct jcs_put *put, struct jcs_text name, struct jcs_text text)
{
	jcs_put_joined_named(put, name, text, (struct jcs_text){"", 0});
}

void jcs_put_joined_named(struct jcs_put *put, struct jcs_text name, struct jcs_text text, struct jcs_text more)
{
	char *at = begin(put, name, text.len + more.len + 2);

	if (!at)
		return;
	*at++ = '"';
	at = mempcpy(mempcpy(at, text.ptr, text.len), more.ptr, more.len);
	*at++ = '"';
	end(put, at);
}

void jcs_put_json_named(struct jcs_put *put, struct jcs_text name, struct jcs_text json)
{
	char *at = begin(put, name, json.len);

	if (at)
		end(put, mempcpy(at, json.ptr, json.len));
}

void jcs_put_decimal(struct jcs_put *put, const char *name, uint64_t number)
{
	char text[DECIMAL_MAX];

	jcs_put_plain(put, name, text, (size_t)(decimal_put(text, number) - text));
}
