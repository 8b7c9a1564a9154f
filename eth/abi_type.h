#pragma once

/*
 * abi_type: canonical ABI type texts such as "(uint256,string[2][],bool)[]" as a flat, bounded tree, for code that
 * meets types as data. Code that knows its types needs only eth/abi.h.
 */

#include "eth/abi.h"

enum abi_kind {
	ABI_UINT,
	ABI_INT,
	ABI_ADDRESS,
	ABI_BOOL,
	ABI_FIXED_BYTES,
	ABI_BYTES,
	ABI_STRING,
	ABI_TUPLE,
	ABI_ARRAY,	  /* T[k] */
	ABI_DYNAMIC_ARRAY /* T[] */
};

/* One node. Children follow their parent: the first at `child`, the others by `next`; 0 ends the chain. */
struct abi_type {
	enum abi_kind kind;
	bool dynamic;
	/* uintN and intN: bits. bytesN: bytes. T[k]: k. Tuple: number of members. */
	size_t size;
	/* Words this takes in the head that holds it: 1 when dynamic. */
	size_t head_words;
	size_t child;
	size_t next;
};

/* Head words of one type, and of one array of k, at most this; keeps sums far from overflow. */
#define ABI_TYPE_WORDS_MAX (1u << 20)

/*
 * Parses one type; the root is types[0]. Aliases (uint, int, function, fixed) and spaces are refused, as is T[0].
 * Returns 0, -EBADMSG (not a canonical type), -ENOSPC (more than `types_size` nodes) or -EOVERFLOW (nested deeper than
 * ABI_DEPTH_MAX, or more than ABI_TYPE_WORDS_MAX words).
 */
__attribute__((warn_unused_result)) int abi_type_parse(struct abi_type *types, size_t types_size, size_t *count,
						       const char *text, size_t text_len);

/* The frame that a dynamic tuple or T[k] of this type opens, in words. */
size_t abi_type_frame_words(const struct abi_type *types, size_t index);

/*
 * Reads one whole value of a type and checks every rule of eth/abi.h on the way.
 * Returns the cursor's error, -EILSEQ (a string that is not UTF-8), or 0.
 */
__attribute__((warn_unused_result)) int abi_type_skip(struct abi_reader *reader, const struct abi_type *types,
						      size_t index);
