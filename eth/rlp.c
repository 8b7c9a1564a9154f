/* RLP in its canonical form: the writer first, then the reader, whose one place of judgement is read_head(). */

#include "eth/rlp.h"

#include <errno.h>
#include <string.h>

#define SHORT_MAX 55

/* ---- writing ---- */

void rlp_writer_init(struct rlp_writer *writer, uint8_t *out, size_t size)
{
	*writer = (struct rlp_writer){.out = out, .size = size};
}

static bool has_room(struct rlp_writer *writer, size_t len)
{
	if (writer->error != 0)
		return false;
	if (writer->out != NULL && len > writer->size - writer->used)
		writer->error = -ENOSPC;
	return writer->error == 0;
}

static void append(struct rlp_writer *writer, const void *data, size_t len)
{
	if (!has_room(writer, len))
		return;
	if (writer->out != NULL && len > 0)
		memcpy(writer->out + writer->used, data, len);
	writer->used += len;
}

/* The prefix of a string (`base` 0x80) or list (0xc0) with `len` bytes of payload. Returns its size. */
static size_t make_head(uint8_t out[static 9], uint8_t base, size_t len)
{
	if (len <= SHORT_MAX) {
		out[0] = (uint8_t)(base + len);
		return 1;
	}
	size_t bytes = 0;
	for (size_t rest = len; rest != 0; rest >>= 8)
		bytes++;
	out[0] = (uint8_t)(base + SHORT_MAX + bytes);
	for (size_t i = 0; i < bytes; i++)
		out[1 + i] = (uint8_t)(len >> (8 * (bytes - 1 - i)));
	return 1 + bytes;
}

void rlp_put_bytes(struct rlp_writer *writer, const void *data, size_t len)
{
	const uint8_t *bytes = data;
	if (len != 1 || bytes[0] >= 0x80) {
		uint8_t head[9];
		append(writer, head, make_head(head, 0x80, len));
	}
	append(writer, data, len);
}

void rlp_put_u64(struct rlp_writer *writer, uint64_t value)
{
	struct u256 wide = u256_from_u64(value);
	rlp_put_u256(writer, &wide);
}

void rlp_put_u256(struct rlp_writer *writer, const struct u256 *value)
{
	uint8_t bytes[32] = {0};
	size_t len = u256_to_minimal(bytes, value);
	rlp_put_bytes(writer, bytes, len);
}

void rlp_put_encoded(struct rlp_writer *writer, const void *data, size_t len)
{
	append(writer, data, len);
}

size_t rlp_list_begin(struct rlp_writer *writer)
{
	writer->depth++;
	return writer->used;
}

void rlp_list_end(struct rlp_writer *writer, size_t mark)
{
	if (writer->error != 0)
		return;
	if (writer->depth == 0 || mark > writer->used) {
		writer->error = -EINVAL;
		return;
	}
	writer->depth--;
	uint8_t head[9];
	size_t payload = writer->used - mark;
	size_t head_len = make_head(head, 0xc0, payload);
	if (!has_room(writer, head_len))
		return;
	if (writer->out != NULL) {
		memmove(writer->out + mark + head_len, writer->out + mark, payload);
		memcpy(writer->out + mark, head, head_len);
	}
	writer->used += head_len;
}

int rlp_writer_finish(const struct rlp_writer *writer, size_t *len)
{
	int err = writer->error;
	if (err == 0 && writer->depth != 0)
		err = -EINVAL;
	*len = err == 0 ? writer->used : 0;
	return err;
}

/* ---- reading ---- */

struct item {
	bool list;
	size_t head;	/* bytes of prefix: 0 for a byte that stands for itself */
	size_t payload; /* bytes after it */
};

/* Judges the prefix at the start of `len` bytes. Returns 0 or -EBADMSG. */
static int read_head(struct item *item, const uint8_t *data, size_t len)
{
	if (len == 0)
		return -EBADMSG;
	uint8_t first = data[0];
	item->list = first >= 0xc0;
	if (first < 0x80) {
		item->head = 0;
		item->payload = 1;
		return 0;
	}
	size_t code = first - (item->list ? 0xc0u : 0x80u);
	item->head = 1;
	item->payload = code;
	if (code > SHORT_MAX) {
		size_t bytes = code - SHORT_MAX;
		/* A length has no leading zero, and is in the long form only when the short one cannot hold it. */
		if (bytes > len - 1 || bytes > sizeof(size_t) || data[1] == 0)
			return -EBADMSG;
		item->payload = 0;
		for (size_t i = 0; i < bytes; i++)
			item->payload = item->payload << 8 | data[1 + i];
		if (item->payload <= SHORT_MAX)
			return -EBADMSG;
		item->head = 1 + bytes;
	}
	if (item->payload > len - item->head)
		return -EBADMSG;
	/* "For a single byte whose value is in the [0x00, 0x7f] range, that byte is its own RLP encoding." */
	if (!item->list && item->payload == 1 && data[item->head] < 0x80)
		return -EBADMSG;
	return 0;
}

void rlp_reader_init(struct rlp_reader *reader, const uint8_t *data, size_t len)
{
	*reader = (struct rlp_reader){.data = data, .end = {len}};
}

static void fail(struct rlp_reader *reader, int err)
{
	if (reader->error == 0)
		reader->error = err;
}

/* Moves to the payload of the next item, which must be a list or not as told. Returns false after any error. */
static bool next_item(struct rlp_reader *reader, struct item *item, bool list)
{
	if (reader->error != 0)
		return false;
	if (reader->pos == reader->end[reader->depth] ||
	    read_head(item, reader->data + reader->pos, reader->end[reader->depth] - reader->pos) != 0 ||
	    item->list != list) {
		fail(reader, -EBADMSG);
		return false;
	}
	reader->pos += item->head;
	return true;
}

void rlp_get_bytes(struct rlp_reader *reader, const uint8_t **out, size_t *len)
{
	static const uint8_t nothing;
	struct item item;
	*out = &nothing;
	*len = 0;
	if (!next_item(reader, &item, false))
		return;
	*out = reader->data + reader->pos;
	*len = item.payload;
	reader->pos += item.payload;
}

void rlp_get_fixed(struct rlp_reader *reader, uint8_t *out, size_t size)
{
	const uint8_t *bytes;
	size_t len;
	rlp_get_bytes(reader, &bytes, &len);
	if (len != size)
		fail(reader, -EBADMSG);
	if (reader->error == 0)
		memcpy(out, bytes, size);
	else
		memset(out, 0, size);
}

void rlp_get_u64(struct rlp_reader *reader, uint64_t *out)
{
	struct u256 value;
	*out = 0;
	rlp_get_u256(reader, &value);
	if (u256_to_u64(out, &value) != 0)
		fail(reader, -EOVERFLOW);
}

void rlp_get_u256(struct rlp_reader *reader, struct u256 *out)
{
	const uint8_t *bytes;
	size_t len;
	rlp_get_bytes(reader, &bytes, &len);
	int err = u256_from_minimal(out, bytes, len);
	if (err != 0)
		fail(reader, err);
}

void rlp_get_encoded(struct rlp_reader *reader, const uint8_t **out, size_t *len)
{
	const uint8_t *bytes;
	size_t ignored;
	size_t start = reader->pos;
	unsigned depth = reader->depth;
	do {
		if (rlp_next_is_list(reader))
			rlp_enter(reader);
		else
			rlp_get_bytes(reader, &bytes, &ignored);
		while (reader->error == 0 && reader->depth > depth && !rlp_more(reader))
			rlp_leave(reader);
	} while (reader->error == 0 && reader->depth > depth);
	static const uint8_t nothing;
	*out = reader->error == 0 ? reader->data + start : &nothing;
	*len = reader->error == 0 ? reader->pos - start : 0;
}

void rlp_enter(struct rlp_reader *reader)
{
	struct item item;
	if (!next_item(reader, &item, true))
		return;
	if (reader->depth == RLP_DEPTH_MAX) {
		fail(reader, -EOVERFLOW);
		return;
	}
	reader->end[++reader->depth] = reader->pos + item.payload;
}

void rlp_leave(struct rlp_reader *reader)
{
	if (reader->error != 0)
		return;
	if (reader->depth == 0 || reader->pos != reader->end[reader->depth])
		fail(reader, -EBADMSG);
	else
		reader->depth--;
}

bool rlp_more(const struct rlp_reader *reader)
{
	return reader->error == 0 && reader->pos < reader->end[reader->depth];
}

bool rlp_next_is_list(const struct rlp_reader *reader)
{
	return rlp_more(reader) && reader->data[reader->pos] >= 0xc0;
}

int rlp_reader_finish(const struct rlp_reader *reader)
{
	if (reader->error != 0)
		return reader->error;
	return reader->depth == 0 && reader->pos == reader->end[0] ? 0 : -EBADMSG;
}

int rlp_check(const uint8_t *data, size_t len)
{
	struct rlp_reader reader;
	const uint8_t *item;
	size_t item_len;
	rlp_reader_init(&reader, data, len);
	rlp_get_encoded(&reader, &item, &item_len);
	return rlp_reader_finish(&reader);
}
