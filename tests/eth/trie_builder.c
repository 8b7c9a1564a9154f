/* See the header. One recursion: what the pairs [0, n) look like below `depth` nibbles. */
#include "trie_builder.h"
#include "eth/rlp.h"

#include <assert.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

struct made {
	uint8_t *data;
	size_t len;
};

/* Whose proof is being collected; nodes come in from the leaf upwards. */
struct wanted {
	struct trie_built *out;
	const uint8_t *key;
	size_t nibbles;
};

static unsigned nibble(const uint8_t *key, size_t i)
{
	return i % 2 == 0 ? key[i / 2] >> 4 : key[i / 2] & 15U;
}

/* Appendix C. */
static size_t hex_prefix(uint8_t *out, const uint8_t *key, size_t from, size_t to, bool leaf)
{
	size_t n = 0, at = from;
	unsigned flag = leaf ? 2 : 0;

	if ((to - from) % 2 != 0)
		out[n++] = (uint8_t)((flag + 1) << 4 | nibble(key, at++));
	else
		out[n++] = (uint8_t)(flag << 4);
	for (; at < to; at += 2)
		out[n++] = (uint8_t)(nibble(key, at) << 4 | nibble(key, at + 1));
	return n;
}

static struct made finish(struct rlp_writer *writer, size_t mark)
{
	struct made made = {.data = writer->out};
	int err;

	rlp_list_end(writer, mark);
	err = rlp_writer_finish(writer, &made.len);
	assert(err == 0);
	(void)err;
	return made;
}

static struct rlp_writer begin(size_t extra)
{
	struct rlp_writer writer;
	size_t size = 1024 + extra;

	rlp_writer_init(&writer, malloc(size), size);
	return writer;
}

/* Writes a child into its parent, and keeps it for the proof if it is on the path and not inline. */
static void put_child(struct rlp_writer *writer, struct made child, struct wanted *wanted, bool on_path)
{
	struct eth_hash hash;

	if (child.len < 32) {
		rlp_put_encoded(writer, child.data, child.len);
		free(child.data);
		return;
	}
	keccak256(&hash, child.data, child.len);
	rlp_put_bytes(writer, hash.bytes, sizeof(hash.bytes));
	if (on_path)
		wanted->out->nodes[wanted->out->n++] = (struct trie_node){.data = child.data, .len = child.len};
	else
		free(child.data);
}

static struct made make(const struct trie_pair *pairs, size_t n, size_t depth, struct wanted *wanted, bool on_path);

static struct made make_leaf(const struct trie_pair *pair, size_t depth)
{
	struct rlp_writer writer = begin(pair->value_len + pair->key_len);
	size_t mark = rlp_list_begin(&writer);
	uint8_t path[TRIE_KEY_MAX + 1];

	rlp_put_bytes(&writer, path, hex_prefix(path, pair->key, depth, 2 * pair->key_len, true));
	rlp_put_bytes(&writer, pair->value, pair->value_len);
	return finish(&writer, mark);
}

static struct made make_extension(const struct trie_pair *pairs, size_t n, size_t depth, size_t to, struct wanted *wanted,
				  bool on_path)
{
	struct rlp_writer writer = begin(0);
	size_t mark = rlp_list_begin(&writer);
	uint8_t path[TRIE_KEY_MAX + 1];
	bool goes_on = on_path && wanted->nibbles >= to;

	for (size_t i = depth; goes_on && i < to; i++)
		goes_on = nibble(wanted->key, i) == nibble(pairs[0].key, i);
	rlp_put_bytes(&writer, path, hex_prefix(path, pairs[0].key, depth, to, false));
	put_child(&writer, make(pairs, n, to, wanted, goes_on), wanted, goes_on);
	return finish(&writer, mark);
}

static struct made make_branch(const struct trie_pair *pairs, size_t n, size_t depth, struct wanted *wanted, bool on_path)
{
	const struct trie_pair *own = 2 * pairs[0].key_len == depth ? &pairs[0] : NULL;
	struct rlp_writer writer = begin(own != NULL ? own->value_len : 0);
	size_t mark = rlp_list_begin(&writer), at = own != NULL ? 1 : 0;

	for (unsigned i = 0; i < 16; i++) {
		size_t first = at;
		bool goes_on = on_path && wanted->nibbles > depth && nibble(wanted->key, depth) == i;

		while (at < n && nibble(pairs[at].key, depth) == i)
			at++;
		if (at == first)
			rlp_put_bytes(&writer, "", 0);
		else
			put_child(&writer, make(pairs + first, at - first, depth + 1, wanted, goes_on), wanted, goes_on);
	}
	rlp_put_bytes(&writer, own != NULL ? (const void *)own->value : "", own != NULL ? own->value_len : 0);
	return finish(&writer, mark);
}

static struct made make(const struct trie_pair *pairs, size_t n, size_t depth, struct wanted *wanted, bool on_path)
{
	size_t to = depth;

	if (n == 1)
		return make_leaf(pairs, depth);
	while (to < 2 * pairs[0].key_len && to < 2 * pairs[n - 1].key_len &&
	       nibble(pairs[0].key, to) == nibble(pairs[n - 1].key, to))
		to++;
	return to > depth ? make_extension(pairs, n, depth, to, wanted, on_path)
			  : make_branch(pairs, n, depth, wanted, on_path);
}

static int by_key(const void *left, const void *right)
{
	const struct trie_pair *a = left, *b = right;
	size_t len = a->key_len < b->key_len ? a->key_len : b->key_len;
	int order = len > 0 ? memcmp(a->key, b->key, len) : 0;

	if (order != 0)
		return order;
	return a->key_len < b->key_len ? -1 : a->key_len > b->key_len;
}

void trie_build(struct trie_built *out, struct trie_pair *pairs, size_t npairs, const uint8_t *key, size_t key_len)
{
	struct wanted wanted = {.out = out, .key = key, .nibbles = 2 * key_len};
	struct made root;

	memset(out, 0, sizeof(*out));
	out->root = trie_empty_root;
	if (npairs == 0)
		return;
	qsort(pairs, npairs, sizeof(*pairs), by_key);
	root = make(pairs, npairs, 0, &wanted, true);
	keccak256(&out->root, root.data, root.len);
	out->nodes[out->n++] = (struct trie_node){.data = root.data, .len = root.len};
	for (size_t i = 0; i < out->n / 2; i++) {
		struct trie_node swap = out->nodes[i];

		out->nodes[i] = out->nodes[out->n - 1 - i];
		out->nodes[out->n - 1 - i] = swap;
	}
}

void trie_built_clear(struct trie_built *built)
{
	for (size_t i = 0; i < built->n; i++) {
		union {
			const uint8_t *shown;
			uint8_t *owned;
		} node = {.shown = built->nodes[i].data};

		free(node.owned);
	}
	built->n = 0;
}
