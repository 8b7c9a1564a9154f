#include "eth/state_proof.h"
#include "eth/rlp.h"

#include <errno.h>
#include <string.h>

const struct eth_hash state_empty_code = {{0xc5, 0xd2, 0x46, 0x01, 0x86, 0xf7, 0x23, 0x3c, 0x92, 0x7e, 0x7d,
					   0xb2, 0xdc, 0xc7, 0x03, 0xc0, 0xe5, 0x00, 0xb6, 0x53, 0xca, 0x82,
					   0x27, 0x3b, 0x7b, 0xfa, 0xd8, 0x04, 0x5d, 0x85, 0xa4, 0x70}};

/* Yellow Paper §4.1: rlp([nonce, balance, storageRoot, codeHash]). */
static int read_account(struct state_account *out, const uint8_t *value, size_t len)
{
	struct rlp_reader reader;

	rlp_reader_init(&reader, value, len);
	rlp_enter(&reader);
	rlp_get_u64(&reader, &out->nonce);
	rlp_get_u256(&reader, &out->balance);
	rlp_get_fixed(&reader, out->storage.bytes, sizeof(out->storage.bytes));
	rlp_get_fixed(&reader, out->code.bytes, sizeof(out->code.bytes));
	rlp_leave(&reader);
	out->exists = true;
	return rlp_reader_finish(&reader) == 0 ? 0 : -EBADMSG;
}

static int read_word(struct eth_hash *word, const uint8_t *value, size_t len)
{
	struct rlp_reader reader;
	struct u256 number;

	rlp_reader_init(&reader, value, len);
	rlp_get_u256(&reader, &number);
	if (rlp_reader_finish(&reader) != 0)
		return -EBADMSG;
	u256_to_bytes(word->bytes, &number);
	return 0;
}

static int judge_account(struct state_account *out, int err, const uint8_t *value, size_t len)
{
	*out = (struct state_account){.storage = trie_empty_root, .code = state_empty_code};
	if (err == -ENOENT)
		return 0;
	return err != 0 ? err : read_account(out, value, len);
}

static int judge_word(struct eth_hash *word, int err, const uint8_t *value, size_t len)
{
	memset(word, 0, sizeof(*word));
	if (err == -ENOENT)
		return 0;
	return err != 0 ? err : read_word(word, value, len);
}

int state_proof_account(struct state_account *out, const struct eth_hash *state_root, const struct eth_address *address,
			const struct trie_node *nodes, size_t n)
{
	const uint8_t *value;
	struct eth_hash key;
	size_t len;
	int err;

	keccak256(&key, address->bytes, sizeof(address->bytes));
	err = trie_prove(&value, &len, state_root, key.bytes, sizeof(key.bytes), nodes, n);
	return judge_account(out, err, value, len);
}

int state_proof_word(struct eth_hash *word, const struct eth_hash *storage, const struct eth_hash *slot,
		     const struct trie_node *nodes, size_t n)
{
	const uint8_t *value;
	struct eth_hash key;
	size_t len;
	int err;

	keccak256(&key, slot->bytes, sizeof(slot->bytes));
	err = trie_prove(&value, &len, storage, key.bytes, sizeof(key.bytes), nodes, n);
	return judge_word(word, err, value, len);
}

int state_set_account(struct state_account *out, struct trie_set *set, const struct eth_hash *state_root,
		      const struct eth_address *address)
{
	const uint8_t *value;
	struct eth_hash key;
	size_t len;
	int err;

	keccak256(&key, address->bytes, sizeof(address->bytes));
	err = trie_set_prove(&value, &len, set, state_root, key.bytes, sizeof(key.bytes));
	return judge_account(out, err, value, len);
}

int state_set_word(struct eth_hash *word, struct trie_set *set, const struct eth_hash *storage, const struct eth_hash *slot)
{
	const uint8_t *value;
	struct eth_hash key;
	size_t len;
	int err;

	keccak256(&key, slot->bytes, sizeof(slot->bytes));
	err = trie_set_prove(&value, &len, set, storage, key.bytes, sizeof(key.bytes));
	return judge_word(word, err, value, len);
}
