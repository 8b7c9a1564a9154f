/* Walking a path through nodes that come from a list in the order of the path, or from a set by their hash. A node is
 * hashed before it is read, so a reader only ever sees bytes that the root vouches for. */

#include "eth/trie.h"
#include "eth/rlp.h"

#include <errno.h>
#include <string.h>

#define BRANCH 16 /* children of a branch; the 17th item is its value */

const struct eth_hash trie_empty_root = {{0x56, 0xe8, 0x1f, 0x17, 0x1b, 0xcc, 0x55, 0xa6, 0xff, 0x83, 0x45,
					  0xe6, 0x92, 0xc0, 0xf8, 0x6e, 0x5b, 0x48, 0xe0, 0x1b, 0x99, 0x6c,
					  0xad, 0xc0, 0x01, 0x62, 0x2f, 0xb5, 0xe3, 0x63, 0xb4, 0x21}};

/* Where nodes come from: a set, or a list of which `at` are used. */
struct source {
	struct trie_set *set;
	const struct trie_node *nodes;
	size_t n, at;
};

/* A key as nibbles, of which `at` are behind. */
struct path {
	const uint8_t *key;
	size_t nibbles, at;
};

/* An item of a node. A string's bytes are its payload; a list's are the whole encoded list. */
struct item {
	bool list;
	const uint8_t *data;
	size_t len;
};

struct node {
	struct item items[BRANCH + 1];
	size_t n;
};

static bool same(const struct eth_hash *a, const struct eth_hash *b)
{
	return memcmp(a->bytes, b->bytes, sizeof(a->bytes)) == 0;
}

static unsigned nibble(const uint8_t *bytes, size_t i)
{
	return i % 2 == 0 ? bytes[i / 2] >> 4 : bytes[i / 2] & 15U;
}

static struct trie_set_row *find(const struct trie_set *set, const struct eth_hash *hash)
{
	size_t low = 0, high = set->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = memcmp(set->rows[middle].hash.bytes, hash->bytes, sizeof(hash->bytes));

		if (order == 0)
			return &set->rows[middle];
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

static int fetch(struct trie_node *out, struct source *source, const struct eth_hash *hash)
{
	struct eth_hash found;
	struct trie_set_row *row;

	if (source->set != NULL) {
		row = find(source->set, hash);
		if (row == NULL)
			return -EKEYREJECTED;
		row->used = true;
		*out = row->node;
		return 0;
	}
	if (source->at == source->n)
		return -EKEYREJECTED;
	*out = source->nodes[source->at++];
	if (out->len > TRIE_NODE_MAX)
		return -EOVERFLOW;
	keccak256(&found, out->data, out->len);
	return same(&found, hash) ? 0 : -EKEYREJECTED;
}

static int read_node(struct node *out, const struct trie_node *bytes)
{
	struct rlp_reader reader;

	out->n = 0;
	rlp_reader_init(&reader, bytes->data, bytes->len);
	rlp_enter(&reader);
	while (rlp_more(&reader) && out->n < BRANCH + 1) {
		struct item *item = &out->items[out->n++];

		item->list = rlp_next_is_list(&reader);
		if (item->list)
			rlp_get_encoded(&reader, &item->data, &item->len);
		else
			rlp_get_bytes(&reader, &item->data, &item->len);
	}
	rlp_leave(&reader);
	if (rlp_reader_finish(&reader) != 0 || (out->n != 2 && out->n != BRANCH + 1))
		return -EBADMSG;
	return 0;
}

/* Appendix D: a child is its node's hash, or the node itself where that is shorter than a hash. */
static bool is_child(const struct item *item)
{
	return item->list ? item->len < sizeof(struct eth_hash) : item->len == sizeof(struct eth_hash);
}

static bool is_empty(const struct item *item)
{
	return !item->list && item->len == 0;
}

/* Ends in a value (0), in absence (-ENOENT), or in *child to go on with (*child NULL: ended). */
static int step_branch(const struct item **child, const struct item **value, struct path *path, const struct node *node)
{
	for (size_t i = 0; i < BRANCH; i++)
		if (!is_empty(&node->items[i]) && !is_child(&node->items[i]))
			return -EBADMSG;
	if (node->items[BRANCH].list)
		return -EBADMSG;
	if (path->at == path->nibbles) {
		*value = &node->items[BRANCH];
		return is_empty(*value) ? -ENOENT : 0;
	}
	*child = &node->items[nibble(path->key, path->at++)];
	return is_empty(*child) ? -ENOENT : 0;
}

/* Appendix C: the first nibble says odd (1) and leaf (2); an even path is preceded by a zero nibble. */
static int step_short(const struct item **child, const struct item **value, struct path *path, const struct node *node)
{
	const struct item *prefix = &node->items[0], *rest = &node->items[1];
	unsigned flag;
	size_t first, nibbles;
	bool leaf;

	if (prefix->list || prefix->len == 0 || prefix->len > TRIE_KEY_MAX + 1)
		return -EBADMSG;
	flag = prefix->data[0] >> 4;
	first = (flag & 1) != 0 ? 1 : 2;
	nibbles = 2 * prefix->len - first;
	leaf = (flag & 2) != 0;
	if (flag > 3 || (first == 2 && (prefix->data[0] & 15) != 0))
		return -EBADMSG;
	if (leaf ? rest->list || rest->len == 0 : nibbles == 0 || !is_child(rest))
		return -EBADMSG;
	if (nibbles > path->nibbles - path->at)
		return -ENOENT;
	for (size_t i = 0; i < nibbles; i++)
		if (nibble(prefix->data, first + i) != nibble(path->key, path->at + i))
			return -ENOENT;
	path->at += nibbles;
	if (!leaf) {
		*child = rest;
		return 0;
	}
	*value = rest;
	return path->at == path->nibbles ? 0 : -ENOENT;
}

/* From the root's node to the end of the path. Each turn but the last uses up part of the path. */
static int walk(const struct item **value, struct node *node, struct trie_node bytes, struct source *source,
		struct path *path)
{
	for (;;) {
		const struct item *child = NULL;
		struct eth_hash hash;
		int err = read_node(node, &bytes);

		if (err == 0)
			err = node->n == 2 ? step_short(&child, value, path, node) : step_branch(&child, value, path, node);
		if (err != 0 || child == NULL)
			return err;
		if (child->list) {
			bytes = (struct trie_node){.data = child->data, .len = child->len};
			continue;
		}
		memcpy(hash.bytes, child->data, sizeof(hash.bytes));
		err = fetch(&bytes, source, &hash);
		if (err != 0)
			return err;
		if (bytes.len < sizeof(hash)) /* it should have been inline */
			return -EBADMSG;
	}
}

static int prove(const uint8_t **value, size_t *value_len, struct source *source, const struct eth_hash *root,
		 const uint8_t *key, size_t key_len)
{
	struct path path = {.key = key, .nibbles = 2 * key_len};
	const struct item *found = NULL;
	struct trie_node bytes;
	struct node node;
	int err;

	*value = NULL;
	*value_len = 0;
	if (key_len > TRIE_KEY_MAX)
		return -EOVERFLOW;
	err = fetch(&bytes, source, root);
	if (err == 0)
		err = walk(&found, &node, bytes, source, &path);
	if ((err == 0 || err == -ENOENT) && source->at < source->n)
		return -EKEYREJECTED;
	if (err == 0) {
		*value = found->data;
		*value_len = found->len;
	}
	return err;
}

int trie_prove(const uint8_t **value, size_t *value_len, const struct eth_hash *root, const uint8_t *key, size_t key_len,
	       const struct trie_node *nodes, size_t n)
{
	struct source source = {.nodes = nodes, .n = n};

	*value = NULL;
	*value_len = 0;
	if (n > TRIE_DEPTH_MAX)
		return -EOVERFLOW;
	if (same(root, &trie_empty_root)) {
		if (key_len > TRIE_KEY_MAX)
			return -EOVERFLOW;
		return n == 0 || (n == 1 && nodes[0].len == 1 && nodes[0].data[0] == 0x80) ? -ENOENT : -EKEYREJECTED;
	}
	return prove(value, value_len, &source, root, key, key_len);
}

int trie_set_init(struct trie_set *out, struct trie_set_row *rows, size_t n)
{
	*out = (struct trie_set){.rows = rows, .n = n};
	for (size_t i = 0; i < n; i++) {
		keccak256(&rows[i].hash, rows[i].node.data, rows[i].node.len);
		rows[i].used = false;
		if (i > 0 && memcmp(rows[i - 1].hash.bytes, rows[i].hash.bytes, sizeof(rows[i].hash.bytes)) >= 0)
			return -EBADMSG;
	}
	return 0;
}

int trie_set_prove(const uint8_t **value, size_t *value_len, struct trie_set *set, const struct eth_hash *root,
		   const uint8_t *key, size_t key_len)
{
	struct source source = {.set = set};

	*value = NULL;
	*value_len = 0;
	if (same(root, &trie_empty_root))
		return key_len > TRIE_KEY_MAX ? -EOVERFLOW : -ENOENT;
	return prove(value, value_len, &source, root, key, key_len);
}

bool trie_set_all_used(const struct trie_set *set)
{
	for (size_t i = 0; i < set->n; i++)
		if (!set->rows[i].used)
			return false;
	return true;
}
