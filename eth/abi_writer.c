/* The contract ABI, written: heads are reserved when a frame opens, tails grow at the end. */

#include "eth/abi.h"

#include <errno.h>
#include <string.h>

#define WORD 32

void abi_selector(uint8_t out[static 4], const char *signature)
{
	struct eth_hash hash;
	keccak256(&hash, signature, strlen(signature));
	memcpy(out, hash.bytes, 4);
}

/* Rounds up to whole words; callers keep `len` far below SIZE_MAX. */
static size_t padded(size_t len)
{
	return (len + WORD - 1) / WORD * WORD;
}

void abi_writer_init(struct abi_writer *writer, uint8_t *out, size_t size)
{
	*writer = (struct abi_writer){.out = out, .size = size};
}

static void writer_fail(struct abi_writer *writer, int err)
{
	if (writer->error == 0)
		writer->error = err;
}

/* Appends `len` zero bytes and returns where they are, or NULL after an error. */
static uint8_t *reserve(struct abi_writer *writer, size_t len)
{
	if (writer->error != 0)
		return NULL;
	if (len > writer->size - writer->used) {
		writer->error = -ENOSPC;
		return NULL;
	}
	uint8_t *place = writer->out + writer->used;
	memset(place, 0, len);
	writer->used += len;
	return place;
}

void abi_put_selector(struct abi_writer *writer, const uint8_t selector[static 4])
{
	uint8_t *place = reserve(writer, 4);
	if (place != NULL)
		memcpy(place, selector, 4);
}

static void open_frame(struct abi_writer *writer, size_t words)
{
	if (words > SIZE_MAX / WORD) {
		writer_fail(writer, -ENOSPC);
		return;
	}
	if (writer->depth == ABI_DEPTH_MAX) {
		writer_fail(writer, -EOVERFLOW);
		return;
	}
	size_t base = writer->used;
	reserve(writer, words * WORD);
	if (writer->error == 0)
		writer->frames[writer->depth++] =
			(struct abi_frame){.base = base, .next = base, .head_end = writer->used};
}

void abi_put_word(struct abi_writer *writer, const uint8_t word[static 32])
{
	if (writer->error != 0)
		return;
	if (writer->depth == 0 ||
	    writer->frames[writer->depth - 1].next == writer->frames[writer->depth - 1].head_end) {
		writer->error = -EINVAL;
		return;
	}
	struct abi_frame *frame = &writer->frames[writer->depth - 1];
	memcpy(writer->out + frame->next, word, WORD);
	frame->next += WORD;
}

/* The next head word says that the member's tail begins at the end of what is written. */
static void put_offset(struct abi_writer *writer)
{
	if (writer->error == 0 && writer->depth == 0)
		writer->error = -EINVAL;
	if (writer->error == 0)
		abi_put_u64(writer, writer->used - writer->frames[writer->depth - 1].base);
}

/* A length word in a tail. */
static void append_length(struct abi_writer *writer, size_t len)
{
	struct u256 value = u256_from_u64(len);
	uint8_t *place = reserve(writer, WORD);
	if (place != NULL)
		u256_to_bytes(place, &value);
}

void abi_open(struct abi_writer *writer, size_t head_words)
{
	if (writer->depth != 0)
		writer_fail(writer, -EINVAL);
	if (writer->error == 0)
		open_frame(writer, head_words);
}

void abi_open_tuple(struct abi_writer *writer, size_t head_words)
{
	put_offset(writer);
	if (writer->error == 0)
		open_frame(writer, head_words);
}

void abi_open_array(struct abi_writer *writer, size_t count, size_t element_words)
{
	put_offset(writer);
	append_length(writer, count);
	if (element_words != 0 && count > SIZE_MAX / WORD / element_words)
		writer_fail(writer, -ENOSPC);
	if (writer->error == 0)
		open_frame(writer, count * element_words);
}

void abi_close(struct abi_writer *writer)
{
	if (writer->error != 0)
		return;
	if (writer->depth == 0 || writer->frames[writer->depth - 1].next != writer->frames[writer->depth - 1].head_end)
		writer->error = -EINVAL;
	else
		writer->depth--;
}

void abi_put_u64(struct abi_writer *writer, uint64_t value)
{
	struct u256 wide = u256_from_u64(value);
	abi_put_u256(writer, &wide);
}

void abi_put_u256(struct abi_writer *writer, const struct u256 *value)
{
	uint8_t word[WORD];
	u256_to_bytes(word, value);
	abi_put_word(writer, word);
}

void abi_put_bool(struct abi_writer *writer, bool value)
{
	abi_put_u64(writer, value ? 1 : 0);
}

void abi_put_address(struct abi_writer *writer, const struct eth_address *value)
{
	uint8_t word[WORD] = {0};
	memcpy(word + WORD - sizeof(value->bytes), value->bytes, sizeof(value->bytes));
	abi_put_word(writer, word);
}

void abi_put_fixed(struct abi_writer *writer, const void *data, size_t len)
{
	uint8_t word[WORD] = {0};
	if (len == 0 || len > WORD) {
		writer_fail(writer, -EINVAL);
		return;
	}
	memcpy(word, data, len);
	abi_put_word(writer, word);
}

void abi_put_bytes(struct abi_writer *writer, const void *data, size_t len)
{
	put_offset(writer);
	append_length(writer, len);
	if (len > SIZE_MAX - WORD)
		writer_fail(writer, -ENOSPC);
	uint8_t *place = writer->error == 0 ? reserve(writer, padded(len)) : NULL;
	if (place != NULL && len > 0)
		memcpy(place, data, len);
}

int abi_writer_finish(const struct abi_writer *writer, size_t *len)
{
	int err = writer->error;
	if (err == 0 && writer->depth != 0)
		err = -EINVAL;
	*len = err == 0 ? writer->used : 0;
	return err;
}
