/* The contract ABI, read from bytes nobody vouches for. Every refusal of the header has its one place here. */

#include "eth/abi.h"

#include <errno.h>
#include <string.h>

#define WORD 32

/* Rounds up to whole words; callers keep `len` far below SIZE_MAX. */
static size_t padded(size_t len)
{
	return (len + WORD - 1) / WORD * WORD;
}

static void fail(struct abi_reader *reader, int err)
{
	if (reader->error == 0)
		reader->error = err;
}

/* Every word looked at is paid for here; see ABI_WORK_FACTOR. */
static bool spend(struct abi_reader *reader, size_t words)
{
	if (reader->error != 0)
		return false;
	if (words > reader->work) {
		reader->error = -EOVERFLOW;
		return false;
	}
	reader->work -= words;
	return true;
}

/* Opens a frame of `words` at `base`, which is inside the data and aligned. */
static void enter_frame(struct abi_reader *reader, size_t base, size_t words)
{
	if (reader->error != 0)
		return;
	if (words > (reader->len - base) / WORD) {
		fail(reader, -EBADMSG);
		return;
	}
	if (reader->depth == ABI_DEPTH_MAX) {
		fail(reader, -EOVERFLOW);
		return;
	}
	reader->frames[reader->depth++] =
		(struct abi_frame){.base = base, .next = base, .head_end = base + words * WORD};
}

void abi_reader_init(struct abi_reader *reader, const uint8_t *data, size_t len, size_t head_words)
{
	*reader = (struct abi_reader){.data = data, .len = len, .work = len / WORD * ABI_WORK_FACTOR};
	if (len == 0 && head_words > 0)
		fail(reader, -ENOENT);
	if (len % WORD != 0)
		fail(reader, -EBADMSG);
	enter_frame(reader, 0, head_words);
}

/* The next head word, or NULL after an error. */
static const uint8_t *next_word(struct abi_reader *reader)
{
	if (reader->error != 0)
		return NULL;
	struct abi_frame *frame = &reader->frames[reader->depth - 1];
	if (frame->next == frame->head_end)
		fail(reader, -EBADMSG);
	if (!spend(reader, 1))
		return NULL;
	const uint8_t *word = reader->data + frame->next;
	frame->next += WORD;
	return word;
}

/* Reads an offset or length: 0 to `limit`, compared before anything is cut off. */
static bool small_number(struct abi_reader *reader, size_t *out, const uint8_t *word, size_t limit)
{
	struct u256 value;
	uint64_t number;
	u256_from_bytes(&value, word);
	if (u256_to_u64(&number, &value) != 0 || number > limit) {
		fail(reader, -EBADMSG);
		return false;
	}
	*out = (size_t)number;
	return true;
}

/* Follows the offset in the next head word. */
static bool follow(struct abi_reader *reader, size_t *position)
{
	const uint8_t *word = next_word(reader);
	if (word == NULL)
		return false;
	const struct abi_frame *frame = &reader->frames[reader->depth - 1];
	size_t offset;
	if (!small_number(reader, &offset, word, reader->len - frame->base))
		return false;
	if (offset % WORD != 0 || offset < frame->head_end - frame->base) {
		fail(reader, -EBADMSG);
		return false;
	}
	*position = frame->base + offset;
	return true;
}

/* Follows the offset and reads the length word there; at most `(bytes left) / unit` units. */
static bool follow_to_length(struct abi_reader *reader, size_t *position, size_t *count, size_t unit)
{
	if (!follow(reader, position))
		return false;
	if (reader->len - *position < WORD) {
		fail(reader, -EBADMSG);
		return false;
	}
	const uint8_t *word = reader->data + *position;
	*position += WORD;
	return spend(reader, 1) && small_number(reader, count, word, (reader->len - *position) / unit);
}

void abi_get_word(struct abi_reader *reader, uint8_t out[static 32])
{
	const uint8_t *word = next_word(reader);
	if (word != NULL)
		memcpy(out, word, WORD);
	else
		memset(out, 0, WORD);
}

void abi_get_u256(struct abi_reader *reader, struct u256 *out)
{
	uint8_t word[WORD];
	abi_get_word(reader, word);
	u256_from_bytes(out, word);
}

void abi_get_uint(struct abi_reader *reader, struct u256 *out, unsigned bits)
{
	abi_get_u256(reader, out);
	if (u256_bits(out) > bits) {
		fail(reader, -EBADMSG);
		*out = (struct u256){0};
	}
}

void abi_get_int(struct abi_reader *reader, struct u256 *out, unsigned bits)
{
	abi_get_u256(reader, out);
	struct u256 magnitude = *out;
	if (out->limb[3] >> 63 != 0) {
		for (unsigned i = 0; i < 4; i++)
			magnitude.limb[i] = ~magnitude.limb[i];
	}
	/* A number of N bits has its sign and N-1 others, once the sign is taken out of all of them. */
	if (u256_bits(&magnitude) >= bits) {
		fail(reader, -EBADMSG);
		*out = (struct u256){0};
	}
}

void abi_get_u64(struct abi_reader *reader, uint64_t *out)
{
	struct u256 value;
	abi_get_uint(reader, &value, 64);
	*out = value.limb[0];
}

void abi_get_bool(struct abi_reader *reader, bool *out)
{
	struct u256 value;
	abi_get_uint(reader, &value, 1);
	*out = value.limb[0] == 1;
}

void abi_get_address(struct abi_reader *reader, struct eth_address *out)
{
	struct u256 value;
	uint8_t word[WORD];
	abi_get_uint(reader, &value, 160);
	u256_to_bytes(word, &value);
	memcpy(out->bytes, word + WORD - sizeof(out->bytes), sizeof(out->bytes));
}

static bool all_zero(const uint8_t *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (bytes[i] != 0)
			return false;
	}
	return true;
}

void abi_get_fixed(struct abi_reader *reader, uint8_t *out, size_t len)
{
	uint8_t word[WORD];
	abi_get_word(reader, word);
	if (len == 0 || len > WORD) {
		fail(reader, -EINVAL);
		return;
	}
	if (!all_zero(word + len, WORD - len)) {
		fail(reader, -EBADMSG);
		memset(word, 0, sizeof(word));
	}
	memcpy(out, word, len);
}

void abi_get_bytes(struct abi_reader *reader, const uint8_t **out, size_t *len)
{
	static const uint8_t nothing;
	size_t position, count;
	*out = &nothing;
	*len = 0;
	if (!follow_to_length(reader, &position, &count, 1) || !spend(reader, padded(count) / WORD))
		return;
	/* All positions are whole words, so what fits unpadded fits padded. */
	if (!all_zero(reader->data + position + count, padded(count) - count)) {
		fail(reader, -EBADMSG);
		return;
	}
	*out = reader->data + position;
	*len = count;
}

/* The length of the UTF-8 sequence at the start of `len` bytes by RFC 3629's table, or 0. */
static size_t utf8_sequence(const uint8_t *p, size_t len)
{
	uint8_t low = 0x80, high = 0xbf;
	size_t size;
	if (p[0] < 0x80)
		return 1;
	if (p[0] >= 0xc2 && p[0] <= 0xdf) {
		size = 2;
	} else if (p[0] >= 0xe0 && p[0] <= 0xef) {
		size = 3;
		low = p[0] == 0xe0 ? 0xa0 : low;
		high = p[0] == 0xed ? 0x9f : high;
	} else if (p[0] >= 0xf0 && p[0] <= 0xf4) {
		size = 4;
		low = p[0] == 0xf0 ? 0x90 : low;
		high = p[0] == 0xf4 ? 0x8f : high;
	} else {
		return 0;
	}
	if (size > len || p[1] < low || p[1] > high)
		return 0;
	for (size_t i = 2; i < size; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	}
	return size;
}

int abi_get_string(struct abi_reader *reader, const char **out, size_t *len)
{
	const uint8_t *bytes;
	abi_get_bytes(reader, &bytes, len);
	*out = (const char *)bytes;
	if (reader->error != 0)
		return reader->error;
	for (size_t i = 0, step; i < *len; i += step) {
		step = utf8_sequence(bytes + i, *len - i);
		if (step == 0)
			return -EILSEQ;
	}
	return 0;
}

void abi_enter_tuple(struct abi_reader *reader, size_t head_words)
{
	size_t position;
	if (follow(reader, &position))
		enter_frame(reader, position, head_words);
}

void abi_enter_array(struct abi_reader *reader, size_t *count, size_t element_words)
{
	size_t position, elements;
	*count = 0;
	if (element_words == 0 || element_words > SIZE_MAX / WORD) {
		fail(reader, -EINVAL);
		return;
	}
	if (!follow_to_length(reader, &position, &elements, element_words * WORD))
		return;
	enter_frame(reader, position, elements * element_words);
	*count = reader->error == 0 ? elements : 0;
}

void abi_leave(struct abi_reader *reader)
{
	if (reader->error != 0)
		return;
	const struct abi_frame *frame = &reader->frames[reader->depth - 1];
	if (reader->depth == 1)
		fail(reader, -EINVAL);
	else if (frame->next != frame->head_end)
		fail(reader, -EBADMSG);
	else
		reader->depth--;
}

int abi_reader_finish(const struct abi_reader *reader)
{
	if (reader->error != 0)
		return reader->error;
	if (reader->depth != 1 || reader->frames[0].next != reader->frames[0].head_end)
		return -EBADMSG;
	return 0;
}
