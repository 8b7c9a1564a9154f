/* Slots and words of the registry; see the header. */
#include "gateway/identity/layout.h"
#include "eth/hex.h"

#include <errno.h>
#include <string.h>

/* Found by building IdentityRegistry 2.0.0 again as its deployment did (solc 0.8.24, shanghai, 200 runs, via IR): the init code
 * gives the canonical address by CREATE2 with salt 5, and this is keccak256 of the runtime code placed there. */
const struct eth_hash layout_code_2_0_0 = {{0xa5, 0xf9, 0x62, 0x4e, 0xa8, 0x5e, 0x45, 0xb3, 0xf4, 0xb8, 0x55,
					    0x85, 0x81, 0xf0, 0x3b, 0xfb, 0x3e, 0x6c, 0xef, 0xab, 0x27, 0x8d,
					    0x7b, 0xf0, 0x50, 0x0e, 0xc9, 0xbd, 0x06, 0x5d, 0xc1, 0x6f}};

/* ERC-7201 roots: "erc8004.identity.registry", "openzeppelin.storage.ERC721", "openzeppelin.storage.ERC721URIStorage". */
static const uint8_t registry_root[32] = {0xa0, 0x40, 0xf7, 0x82, 0x72, 0x9d, 0xe4, 0x97, 0x05, 0x18, 0x74,
					  0x18, 0x23, 0xec, 0x12, 0x76, 0xcb, 0xcd, 0x41, 0xa0, 0xc7, 0x49,
					  0x3f, 0x62, 0xd1, 0x73, 0x34, 0x15, 0x66, 0xa0, 0x4e, 0x00};
static const uint8_t erc721_root[32] = {0x80, 0xbb, 0x2b, 0x63, 0x8c, 0xc2, 0x0b, 0xc4, 0xd0, 0xa6, 0x0d,
					0x66, 0x94, 0x0f, 0x3a, 0xb4, 0xa0, 0x0c, 0x1d, 0x7b, 0x31, 0x34,
					0x97, 0xca, 0x82, 0xfb, 0x0b, 0x4a, 0xb0, 0x07, 0x93, 0x00};
static const uint8_t uri_root[32] = {0x05, 0x42, 0xa4, 0x18, 0x81, 0xee, 0x12, 0x8a, 0x36, 0x5a, 0x72,
				     0x7b, 0x28, 0x2c, 0x86, 0xfa, 0x85, 0x95, 0x79, 0x49, 0x0b, 0x9b,
				     0xb4, 0x5a, 0xab, 0x85, 0x03, 0x64, 0x8c, 0x8e, 0x79, 0x00};
static const uint8_t implementation_slot[32] = {0x36, 0x08, 0x94, 0xa1, 0x3b, 0xa1, 0xa3, 0x21, 0x06, 0x67, 0xc8,
						0x28, 0x49, 0x2d, 0xb9, 0x8d, 0xca, 0x3e, 0x20, 0x76, 0xcc, 0x37,
						0x35, 0xa9, 0x20, 0xa3, 0xca, 0x50, 0x5d, 0x38, 0x2b, 0xbc};

/* Each root ends in a zero byte (ERC-7201: "& ~0xff"), so a small member number is added without a carry. */
static void member(uint8_t out[static 32], const uint8_t root[static 32], uint8_t number)
{
	memcpy(out, root, 32);
	out[31] = number;
}

/* mapping: keccak256(key ‖ slot); a string key is not padded. */
static void mapped(struct eth_hash *out, const void *key, size_t key_len, const uint8_t slot[static 32])
{
	struct keccak hash;

	keccak_init(&hash);
	keccak_update(&hash, key, key_len);
	keccak_update(&hash, slot, 32);
	keccak_final(&hash, out);
}

void layout_slots_of(struct layout_slots *out, const struct u256 *id)
{
	static const char wallet_key[] = "agentWallet";
	struct eth_hash metadata;
	uint8_t key[32], slot[32];

	u256_to_bytes(key, id);
	member(slot, erc721_root, 2); /* _owners */
	mapped(&out->owner, key, sizeof(key), slot);
	mapped(&out->uri, key, sizeof(key), uri_root); /* _tokenURIs */
	member(slot, registry_root, 1);		       /* _metadata */
	mapped(&metadata, key, sizeof(key), slot);
	mapped(&out->wallet, wallet_key, sizeof(wallet_key) - 1, metadata.bytes);
}

void layout_slot_implementation(struct eth_hash *out)
{
	memcpy(out->bytes, implementation_slot, sizeof(out->bytes));
}

/* Storage is 2^256 slots in a circle, so the sum wraps. */
void layout_slot_data(struct eth_hash *out, const struct eth_hash *slot, size_t i)
{
	struct u256 sum, add = u256_from_u64(i);
	struct eth_hash first;

	keccak256(&first, slot->bytes, sizeof(slot->bytes));
	u256_from_bytes(&sum, first.bytes);
	(void)!u256_add(&sum, &sum, &add);
	u256_to_bytes(out->bytes, &sum);
}

static bool is_zero(const uint8_t *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (bytes[i] != 0)
			return false;
	return true;
}

int layout_read_address(struct eth_address *out, const struct eth_hash *word)
{
	if (!is_zero(word->bytes, 12))
		return -EBADMSG;
	memcpy(out->bytes, word->bytes + 12, sizeof(out->bytes));
	return 0;
}

int layout_read_wallet(struct eth_address *out, bool *has_wallet, const struct eth_hash *word)
{
	*out = (struct eth_address){0};
	*has_wallet = !is_zero(word->bytes, sizeof(word->bytes));
	if (!*has_wallet)
		return 0;
	if (word->bytes[31] != 2 * sizeof(out->bytes) || !is_zero(word->bytes + 20, 11))
		return -EBADMSG;
	memcpy(out->bytes, word->bytes, sizeof(out->bytes));
	return address_is_zero(out) ? -EBADMSG : 0;
}

int layout_string_length(size_t *len, size_t *slots, const struct eth_hash *word)
{
	uint64_t doubled = 0;

	*len = *slots = 0;
	if ((word->bytes[31] & 1) == 0) {
		if (word->bytes[31] > 62)
			return -EBADMSG;
		*len = word->bytes[31] / 2;
		return is_zero(word->bytes + *len, 31 - *len) ? 0 : -EBADMSG;
	}
	for (size_t i = 24; i < 32; i++)
		doubled = doubled << 8 | word->bytes[i];
	if (!is_zero(word->bytes, 24) || doubled / 2 > SIZE_MAX / 4)
		return -EOVERFLOW;
	if (doubled / 2 < 32)
		return -EBADMSG;
	*len = (size_t)(doubled / 2);
	*slots = (*len + 31) / 32;
	return 0;
}

int layout_string_read(uint8_t *out, size_t *len, size_t room, const struct eth_hash *word, const struct eth_hash *data,
		       size_t slots)
{
	size_t wanted, last;
	int err = layout_string_length(len, &wanted, word);

	if (err != 0)
		return err;
	if (slots != wanted)
		return -EINVAL;
	if (*len > room)
		return -ENOSPC;
	if (slots == 0) {
		memcpy(out, word->bytes, *len);
		return 0;
	}
	for (size_t i = 0; i < slots - 1; i++)
		memcpy(out + 32 * i, data[i].bytes, 32);
	last = *len - 32 * (slots - 1);
	memcpy(out + 32 * (slots - 1), data[slots - 1].bytes, last);
	return is_zero(data[slots - 1].bytes + last, 32 - last) ? 0 : -EBADMSG;
}

int layout_codes_parse(struct eth_hash codes[static LAYOUT_CODES_MAX], size_t *n, const char *text)
{
	*n = 0;
	for (text += strspn(text, " "); *text != '\0'; text += strspn(text, " ")) {
		size_t len = strcspn(text, " ");

		if (*n == LAYOUT_CODES_MAX)
			return -EOVERFLOW;
		if (hex_decode_fixed(codes[*n].bytes, sizeof(codes[*n].bytes), text, len) != 0)
			return -EBADMSG;
		++*n;
		text += len;
	}
	if (*n == 0)
		codes[(*n)++] = layout_code_2_0_0;
	return 0;
}
