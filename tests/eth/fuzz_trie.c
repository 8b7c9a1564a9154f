/* Nodes of a path made to fit: the input is a key and nodes, of which the last is hashed into the place that its parent leaves
 * for it (32 bytes 0xff), and so on up to the root. So the reader sees any bytes that a root could vouch for. */
#include "eth/state_proof.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define NODES_MAX 8

/* Puts a child's hash where the parent has room for one. */
static void tie(uint8_t *parent, size_t len, const struct trie_node *child)
{
	static const uint8_t room[32] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
					 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
					 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
	struct eth_hash hash;
	uint8_t *at = len > 0 ? memmem(parent, len, room, sizeof(room)) : NULL;

	keccak256(&hash, child->data, child->len);
	if (at != NULL)
		memcpy(at, hash.bytes, sizeof(hash.bytes));
}

/* Two bytes of length, then the node; the rest is the last node. Exact copies, so that the sanitizer sees every step too far. */
static size_t split(struct trie_node *nodes, uint8_t **owned, const uint8_t *data, size_t size)
{
	size_t n = 0;

	while (n < NODES_MAX && size >= 2) {
		size_t len = (size_t)data[0] << 8 | data[1];

		data += 2;
		size -= 2;
		len = len > size ? size : len;
		owned[n] = malloc(len > 0 ? len : 1);
		memcpy(owned[n], data, len);
		nodes[n] = (struct trie_node){.data = owned[n], .len = len};
		n++;
		data += len;
		size -= len;
	}
	return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct trie_node nodes[NODES_MAX];
	struct state_account account;
	uint8_t *owned[NODES_MAX], key[TRIE_KEY_MAX];
	struct eth_address address = {{0}};
	struct eth_hash root, word;
	const uint8_t *value;
	size_t key_len = size > 0 ? data[0] % 33 : 0, n, len;
	int err;

	if (size < 1 + key_len)
		return 0;
	memcpy(key, data + 1, key_len);
	n = split(nodes, owned, data + 1 + key_len, size - 1 - key_len);
	for (size_t i = n; i-- > 1;)
		tie(owned[i - 1], nodes[i - 1].len, &nodes[i]);
	keccak256(&root, n > 0 ? nodes[0].data : NULL, n > 0 ? nodes[0].len : 0);
	err = trie_prove(&value, &len, &root, key, key_len, nodes, n);
	if ((err == 0) != (value != NULL) || (err == 0 && len == 0))
		abort();
	if ((err == 0 || err == -ENOENT) && n > 1 && /* a proof has one spelling */
	    trie_prove(&value, &len, &root, key, key_len, nodes, n - 1) != -EKEYREJECTED)
		abort();
	(void)!state_proof_account(&account, &root, &address, nodes, n);
	(void)!state_proof_word(&word, &root, &root, nodes, n);
	for (size_t i = 0; i < n; i++)
		free(owned[i]);
	return 0;
}
