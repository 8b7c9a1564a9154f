#pragma once

/*
 * rlp: Recursive Length Prefix, written and read in its one canonical form.
 *
 * Both sides keep their first error and do nothing after it, so a caller writes or reads a whole structure and asks
 * once at the end. Source: Yellow Paper, Appendix B; ethereum.org "RLP". Integers are big-endian without leading zeros,
 * and zero is the empty string.
 *
 * The reader refuses (-EBADMSG) everything the canonical rule excludes:
 *   a single byte below 0x80 in a longer form (0x81 0x00 … 0x81 0x7f);
 *   the long form for a length below 56; a length with a leading zero byte; a length of more than 8 bytes;
 *   a string or list that ends after its container; bytes after the end;
 *   a list where a string is expected and the reverse;
 *   integers with leading zeros; fixed-size strings of another size.
 * And -EOVERFLOW: an integer too large for its type, or lists nested deeper than RLP_DEPTH_MAX.
 */

#include "eth/u256.h"

/* Transactions need 4, blocks 4, proofs 2. */
#define RLP_DEPTH_MAX 32

/* Writes to the caller's buffer. With `out` NULL it only counts. Members are private but for reading `used`. */
struct rlp_writer {
	uint8_t *out;
	size_t size;
	size_t used;
	unsigned depth;
	int error;
};

void rlp_writer_init(struct rlp_writer *writer, uint8_t *out, size_t size);

void rlp_put_bytes(struct rlp_writer *writer, const void *data, size_t len);
void rlp_put_u64(struct rlp_writer *writer, uint64_t value);
void rlp_put_u256(struct rlp_writer *writer, const struct u256 *value);
/* Bytes that are RLP already; they are not checked. */
void rlp_put_encoded(struct rlp_writer *writer, const void *data, size_t len);

/* Opens a list. Returns a mark that the matching rlp_list_end must be given. Lists close in the reverse order. */
size_t rlp_list_begin(struct rlp_writer *writer);
void rlp_list_end(struct rlp_writer *writer, size_t mark);

/*
 * Returns 0, -ENOSPC (the buffer was too small) or -EINVAL (a list is still open, or was closed twice).
 * Out:  len   bytes written, or counted
 */
__attribute__((warn_unused_result)) int rlp_writer_finish(const struct rlp_writer *writer, size_t *len);

/*
 * A cursor over borrowed bytes: a sequence of items, most often one list that the caller then enters.
 * After an error every rlp_get_ writes zero or nothing ("" for bytes), rlp_more says false, and `error` stays.
 */
struct rlp_reader {
	const uint8_t *data;
	size_t pos;
	size_t end[RLP_DEPTH_MAX + 1];
	unsigned depth;
	int error;
};

void rlp_reader_init(struct rlp_reader *reader, const uint8_t *data, size_t len);

/* The next item is a string; `out` points into the data and is valid as long as they are. */
void rlp_get_bytes(struct rlp_reader *reader, const uint8_t **out, size_t *len);
/* The next item is a string of exactly `size` bytes. */
void rlp_get_fixed(struct rlp_reader *reader, uint8_t *out, size_t size);
void rlp_get_u64(struct rlp_reader *reader, uint64_t *out);
void rlp_get_u256(struct rlp_reader *reader, struct u256 *out);
/* The next item whatever it is, checked all the way down, with its prefix. */
void rlp_get_encoded(struct rlp_reader *reader, const uint8_t **out, size_t *len);

/* Steps into the list that is the next item; out of it again, which demands that nothing of it is left. */
void rlp_enter(struct rlp_reader *reader);
void rlp_leave(struct rlp_reader *reader);

/* Whether the list (or, outside all lists, the data) has another item. */
bool rlp_more(const struct rlp_reader *reader);
/* Whether the next item is a list. False at the end and after an error. */
bool rlp_next_is_list(const struct rlp_reader *reader);

/* Returns the first error, -EBADMSG when bytes or open lists are left, or 0. */
__attribute__((warn_unused_result)) int rlp_reader_finish(const struct rlp_reader *reader);

/* Whether the bytes are exactly one canonical item. Returns 0, -EBADMSG or -EOVERFLOW (too deep). */
__attribute__((warn_unused_result)) int rlp_check(const uint8_t *data, size_t len);
