#pragma once

/*
 * abi: Solidity's contract ABI: calls written, return data and logs read, both with a cursor that keeps its first error.
 * Source: Solidity documentation, "Contract ABI Specification".
 *
 * A frame is the head of a tuple: so many 32-byte words, of which a dynamic member takes one (its offset) and a static
 * tuple or T[k] takes as many as its members together. The outermost frame holds the arguments or the return values.
 * Members are written and read in order. Example, f(uint256,string,(address,bytes)[]) with one element:
 *
 *	abi_writer_init(&w, out, sizeof out);
 *	abi_put_selector(&w, selector);
 *	abi_open(&w, 3);
 *	abi_put_u64(&w, 7);
 *	abi_put_bytes(&w, "hi", 2);
 *	abi_open_array(&w, 1, 1);                       one element whose head part is one word (an offset)
 *	abi_open_tuple(&w, 2);                          that element: dynamic, for it holds bytes
 *	abi_put_address(&w, &who);
 *	abi_put_bytes(&w, data, data_len);
 *	abi_close(&w); abi_close(&w); abi_close(&w);
 *	err = abi_writer_finish(&w, &len);
 *
 * Rules for data from others. Refused with -EBADMSG:
 * - data whose length is not a multiple of 32;
 * - offsets that are not a multiple of 32, lie inside the frame's own head, or point past the end (compared as 256-bit);
 * - lengths that do not fit into what is left (compared as 256-bit, by division);
 * - bytes and string with a non-zero byte in the padding; bytesN with a non-zero byte after the Nth;
 * - bool other than 0 and 1; uintN, intN and address words out of range;
 * - frames left before all their members were read.
 *
 * -EOVERFLOW: more than ABI_DEPTH_MAX frames, or more work than ABI_WORK_FACTOR visits a word of data (tails may be
 * shared, which is legal; without a bound that is exponential).
 * -ENOENT: no data at all where some are expected: "0x" means no code at the address, never a zero.
 *
 * Accepted: bytes after the last tail, gaps between tails, shared tails.
 */

#include "eth/address.h"
#include "eth/u256.h"

#define ABI_DEPTH_MAX 16
#define ABI_WORK_FACTOR 4

struct abi_frame {
	size_t base;
	size_t next;
	size_t head_end;
};

/* ---- writing ---- */

struct abi_writer {
	uint8_t *out;
	size_t size;
	size_t used;
	struct abi_frame frames[ABI_DEPTH_MAX];
	unsigned depth;
	int error;
};

/* The first four bytes of keccak256 of a canonical signature such as "transfer(address,uint256)". */
void abi_selector(uint8_t out[static 4], const char *signature);

void abi_writer_init(struct abi_writer *writer, uint8_t *out, size_t size);
void abi_put_selector(struct abi_writer *writer, const uint8_t selector[static 4]);

/* Opens the outermost frame of `head_words` words. */
void abi_open(struct abi_writer *writer, size_t head_words);
/* The next member is a dynamic tuple, or a T[k] of dynamic T. A static one needs no frame: put its members in place. */
void abi_open_tuple(struct abi_writer *writer, size_t head_words);
/* The next member is a T[] of `count` elements, each with a head part of `element_words` words (1 where T is dynamic).
 */
void abi_open_array(struct abi_writer *writer, size_t count, size_t element_words);
void abi_close(struct abi_writer *writer);

void abi_put_u64(struct abi_writer *writer, uint64_t value);
void abi_put_u256(struct abi_writer *writer, const struct u256 *value);
void abi_put_bool(struct abi_writer *writer, bool value);
void abi_put_address(struct abi_writer *writer, const struct eth_address *value);
/* bytes32, or any word made elsewhere. */
void abi_put_word(struct abi_writer *writer, const uint8_t word[static 32]);
/* bytesN, `len` 1 to 32. */
void abi_put_fixed(struct abi_writer *writer, const void *data, size_t len);
/* bytes or string. */
void abi_put_bytes(struct abi_writer *writer, const void *data, size_t len);

/* Returns 0, -ENOSPC, -EOVERFLOW (too deep) or -EINVAL (a frame with missing or surplus members, or left open). */
__attribute__((warn_unused_result)) int abi_writer_finish(const struct abi_writer *writer, size_t *len);

/* ---- reading ---- */

struct abi_reader {
	const uint8_t *data;
	size_t len;
	struct abi_frame frames[ABI_DEPTH_MAX];
	unsigned depth;
	size_t work;
	int error;
};

/* `data` are borrowed; the outermost frame of `head_words` words is open already. */
void abi_reader_init(struct abi_reader *reader, const uint8_t *data, size_t len, size_t head_words);

/* After an error these write zero, "" or false. */
void abi_get_word(struct abi_reader *reader, uint8_t out[static 32]);
void abi_get_u256(struct abi_reader *reader, struct u256 *out);
/* uintN, N = `bits`, a multiple of 8 up to 256. */
void abi_get_uint(struct abi_reader *reader, struct u256 *out, unsigned bits);
/* intN in two's complement over 256 bits; refused unless the bits above N repeat the sign. */
void abi_get_int(struct abi_reader *reader, struct u256 *out, unsigned bits);
/* uint64: larger values are refused. */
void abi_get_u64(struct abi_reader *reader, uint64_t *out);
void abi_get_bool(struct abi_reader *reader, bool *out);
void abi_get_address(struct abi_reader *reader, struct eth_address *out);
/* bytesN, N = `len`, 1 to 32. */
void abi_get_fixed(struct abi_reader *reader, uint8_t *out, size_t len);
/* bytes: `out` points into the data. */
void abi_get_bytes(struct abi_reader *reader, const uint8_t **out, size_t *len);
/*
 * string: as abi_get_bytes. Returns the cursor's error, or -EILSEQ when the bytes are not UTF-8 (then they are there
 * all the same and the cursor goes on), or 0. A NUL inside is UTF-8 and is kept.
 */
__attribute__((warn_unused_result)) int abi_get_string(struct abi_reader *reader, const char **out, size_t *len);

/* The next member is a dynamic tuple or T[k] of dynamic T: opens its frame of `head_words` words. */
void abi_enter_tuple(struct abi_reader *reader, size_t head_words);
/* The next member is a T[], `element_words` words of head an element (at least 1). `count` is 0 after an error. */
void abi_enter_array(struct abi_reader *reader, size_t *count, size_t element_words);
void abi_leave(struct abi_reader *reader);

/* Returns the first error, or -EBADMSG when the outermost frame was not read to its end, or 0. */
__attribute__((warn_unused_result)) int abi_reader_finish(const struct abi_reader *reader);
