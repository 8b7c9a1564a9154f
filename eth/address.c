/* Addresses: their texts, and those of contracts to be. */

#include "eth/address.h"

#include "eth/hex.h"
#include "eth/rlp.h"

#include <errno.h>
#include <string.h>

int address_parse(struct eth_address *out, const char *text, size_t len)
{
	int err = hex_decode_fixed(out->bytes, sizeof(out->bytes), text, len);
	if (err != 0)
		return err;
	bool lower = false, upper = false;
	for (size_t i = 2; i < len; i++) {
		lower = lower || (text[i] >= 'a' && text[i] <= 'f');
		upper = upper || (text[i] >= 'A' && text[i] <= 'F');
	}
	if (!lower || !upper)
		return 0;
	char expected[ADDRESS_TEXT_SIZE];
	address_format_eip55(expected, out);
	return memcmp(expected, text, len) == 0 ? 0 : -EILSEQ;
}

void address_format_lower(char out[static ADDRESS_TEXT_SIZE], const struct eth_address *address)
{
	hex_encode_data(out, address->bytes, sizeof(address->bytes));
}

static void make_eip55(char out[static ADDRESS_TEXT_SIZE], const struct eth_address *address)
{
	struct eth_hash hash;
	address_format_lower(out, address);
	/* EIP-55: hash the lower-case digits without prefix; a letter is upper case where the hash's nibble is 8 or
	 * more. */
	keccak256(&hash, out + 2, 2 * sizeof(address->bytes));
	for (size_t i = 0; i < 2 * sizeof(address->bytes); i++) {
		unsigned nibble = i % 2 == 0 ? hash.bytes[i / 2] >> 4 : hash.bytes[i / 2] & 15;
		if (nibble >= 8 && out[2 + i] >= 'a')
			out[2 + i] = (char)(out[2 + i] - 'a' + 'A');
	}
}

/*
 * The texts that were made last, one a slot: answers name the same accounts again and again, and the hash is the dearest part of most of
 * them. Addresses are spread evenly, and whoever makes some that share a slot has them hashed as if there was none.
 */
enum { EIP55_KEPT = 4096 };

void address_format_eip55(char out[static ADDRESS_TEXT_SIZE], const struct eth_address *address)
{
	static _Thread_local struct {
		struct eth_address address;
		char text[ADDRESS_TEXT_SIZE]; /* empty: nothing yet */
	} kept[EIP55_KEPT];
	size_t slot = (address->bytes[0] | (size_t)address->bytes[1] << 8) % EIP55_KEPT;

	if (kept[slot].text[0] == '\0' || !address_equal(&kept[slot].address, address)) {
		make_eip55(kept[slot].text, address);
		kept[slot].address = *address;
	}
	memcpy(out, kept[slot].text, ADDRESS_TEXT_SIZE);
}

bool address_equal(const struct eth_address *a, const struct eth_address *b)
{
	return memcmp(a->bytes, b->bytes, sizeof(a->bytes)) == 0;
}

bool address_is_zero(const struct eth_address *address)
{
	static const struct eth_address zero;
	return address_equal(address, &zero);
}

static void last_20(struct eth_address *out, const struct eth_hash *hash)
{
	memcpy(out->bytes, hash->bytes + 12, sizeof(out->bytes));
}

void address_create(struct eth_address *out, const struct eth_address *sender, uint64_t nonce)
{
	/* Always one byte of list prefix, 21 of sender and at most 9 of nonce. */
	uint8_t encoded[31];
	struct rlp_writer writer;
	rlp_writer_init(&writer, encoded, sizeof(encoded));
	size_t list = rlp_list_begin(&writer);
	rlp_put_bytes(&writer, sender->bytes, sizeof(sender->bytes));
	rlp_put_u64(&writer, nonce);
	rlp_list_end(&writer, list);
	struct eth_hash hash;
	keccak256(&hash, encoded, writer.used);
	last_20(out, &hash);
}

void address_create2(struct eth_address *out, const struct eth_address *deployer, const struct eth_hash *salt,
		     const struct eth_hash *init_code_hash)
{
	static const uint8_t prefix = 0xff;
	struct keccak running;
	struct eth_hash hash;
	keccak_init(&running);
	keccak_update(&running, &prefix, 1);
	keccak_update(&running, deployer->bytes, sizeof(deployer->bytes));
	keccak_update(&running, salt->bytes, sizeof(salt->bytes));
	keccak_update(&running, init_code_hash->bytes, sizeof(init_code_hash->bytes));
	keccak_final(&running, &hash);
	last_20(out, &hash);
}
