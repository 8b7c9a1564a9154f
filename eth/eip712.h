#pragma once

/*
 * eip712: typed structured data. Two ways in:
 *
 * - the words way, for types known when this is compiled: hash the type text once, fill an array of 32-byte words, one
 *   a member in order, and call eip712_struct_hash. Nothing can fail and nothing is parsed.
 * - the engine, for types and values that are data (eip712_hash).
 *
 * Source: EIP-712. Every member becomes one word: integers, bool and address as 256-bit big-endian (intN
 * sign-extended), bytesN padded on the right, bytes and string as their keccak256, arrays as keccak256 of their
 * elements' words, structs as their hashStruct.
 */

#include "eth/address.h"
#include "eth/u256.h"

/* Only members that are present are in the domain's type; the order is the EIP's. Texts are bytes with a length. */
struct eip712_domain {
	const char *name; /* NULL: absent */
	size_t name_len;
	const char *version; /* NULL: absent */
	size_t version_len;
	bool has_chain_id;
	struct u256 chain_id;
	const struct eth_address *verifying_contract; /* NULL: absent */
	const struct eth_hash *salt;		      /* NULL: absent */
};

void eip712_domain_separator(struct eth_hash *out, const struct eip712_domain *domain);

/* keccak256 of the whole encodeType text, e.g. "Mail(Person from,string contents)Person(string name)". */
void eip712_type_hash(struct eth_hash *out, const char *encoded_type);

/* One member as a word. */
void eip712_word_u64(struct eth_hash *out, uint64_t value);
void eip712_word_u256(struct eth_hash *out, const struct u256 *value);
void eip712_word_bool(struct eth_hash *out, bool value);
void eip712_word_address(struct eth_hash *out, const struct eth_address *value);
/* bytes or string. A bytes32 needs no help: it is the word. */
void eip712_word_bytes(struct eth_hash *out, const void *data, size_t len);

/* keccak256(type hash ‖ words). `words` may be NULL when `count` is 0. */
void eip712_struct_hash(struct eth_hash *out, const struct eth_hash *type_hash, const struct eth_hash *words,
			size_t count);

/* What is signed: keccak256(0x19 ‖ 0x01 ‖ separator ‖ struct hash). */
void eip712_digest(struct eth_hash *out, const struct eth_hash *separator, const struct eth_hash *struct_hash);

/* ---- the engine ---- */

#define EIP712_TYPES_MAX 64
#define EIP712_FIELDS_MAX 64
/* Structs and arrays inside each other. Values that contain themselves cannot be made here; types may be recursive. */
#define EIP712_DEPTH_MAX 16

struct eip712_field {
	const char *name;
	const char *type; /* "uint8", "Person", "Person[2][]", … */
};

struct eip712_type {
	const char *name;
	const struct eip712_field *fields;
	size_t field_count;
};

enum eip712_kind {
	EIP712_INTEGER, /* uintN, intN */
	EIP712_BOOL,
	EIP712_BYTES, /* address (20 bytes), bytesN, bytes, string */
	EIP712_ITEMS  /* a struct's members in the order of its type, or an array's elements */
};

struct eip712_value {
	enum eip712_kind kind;
	bool boolean;
	bool negative;	     /* the integer is -number */
	struct u256 number;  /* the integer's magnitude */
	const uint8_t *data; /* EIP712_BYTES */
	size_t len;
	const struct eip712_value *items; /* EIP712_ITEMS */
	size_t count;
};

/*
 * Writes encodeType(primary): the primary type, then the structs it refers to, sorted by name. No terminator.
 * Returns 0, -ENOSPC, -ENOENT (a struct that is not in `types`), -EBADMSG (a type text that is none) or -EOVERFLOW (a
 * limit).
 */
__attribute__((warn_unused_result)) int eip712_encode_type(char *out, size_t out_size, size_t *len,
							   const struct eip712_type *types, size_t type_count,
							   const char *primary);

/*
 * hashStruct(value) of type `primary`.
 * Returns 0, as eip712_encode_type, or -EBADMSG (a value that is not of its type: kind, range, number of members or
 * elements).
 */
__attribute__((warn_unused_result)) int eip712_hash(struct eth_hash *out, const struct eip712_type *types,
						    size_t type_count, const char *primary,
						    const struct eip712_value *value);
