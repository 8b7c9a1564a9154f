#include "gateway/steward/fold.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { NEWS_AT_ONCE = 50000, SUBJECTS_AT_ONCE = 256, NODES_AT_ONCE = 1024 };

static int reserve(void *array, size_t *room, size_t wanted, size_t size)
{
	void **pointer = array, *grown;
	size_t bigger = *room ? *room : 256;

	if (wanted <= *room)
		return 0;
	while (bigger < wanted)
		bigger *= 2;
	grown = reallocarray(*pointer, bigger, size);
	if (!grown)
		return -ENOMEM;
	*pointer = grown;
	*room = bigger;
	return 0;
}

static int take_news(struct fold *fold, const struct store_news *news)
{
	int rc = reserve(&fold->items, &fold->room, fold->count + news->n, sizeof(*fold->items));

	for (size_t i = 0; rc == 0 && i < news->n; i++) {
		struct fold_item *item = &fold->items[fold->count];
		struct store_news_entry entry;

		rc = store_news_get(news, &entry, i);
		if (rc != 0)
			break;
		if (!entry.subject.data || entry.subject.len >= sizeof(item->key))
			return -EPROTO;
		memset(item->key, 0, sizeof(item->key));
		memcpy(item->key, entry.subject.data, entry.subject.len);
		item->seq = entry.seq;
		memcpy(item->leaf.bytes, entry.leaf, 32);
		fold->count++;
	}
	return rc;
}

int fold_gather(struct fold *fold, uint64_t from, uint64_t below)
{
	while (from < below) {
		struct store_news news = {0};
		struct pg_op op = {0};
		int rc = pg_wait(fold->base, &op, store_news(fold->reader, &op, &news, from, below, NEWS_AT_ONCE));
		size_t n = news.n;

		if (rc == 0)
			rc = take_news(fold, &news);
		store_news_clear(&news);
		if (rc != 0)
			return rc;
		if (n < NEWS_AT_ONCE)
			return 0;
		from = fold->items[fold->count - 1].seq + 1;
	}
	return 0;
}

static int by_key_and_seq(const void *a, const void *b)
{
	const struct fold_item *x = a, *y = b;
	int order = strcmp(x->key, y->key);

	if (order != 0)
		return order;
	return x->seq < y->seq ? -1 : x->seq > y->seq;
}

static int by_map_key(const void *a, const void *b)
{
	const struct map_change *x = a, *y = b;

	return memcmp(x->key.bytes, y->key.bytes, 32);
}

/* One subject: its items are first[0..n). `row` holds its state as of the last index head and becomes the new one. */
static int fold_subject(struct fold *fold, struct store_subject *row, const struct fold_item *first, size_t n, uint64_t size)
{
	struct map_change *change = &fold->changes[fold->nchanges];
	uint8_t bytes[MERKLE_EDGE_MAX * MERKLE_HASH_SIZE];
	struct merkle_edge edge;
	struct merkle_hash root;
	int rc = merkle_edge_decode(&edge, row->count, row->edge[0], row->nedge * 32);

	for (size_t i = 0; rc == 0 && i < n; i++) {
		struct merkle_hash leaf;

		/* already counted: the state is ahead of the last head, which no transaction can have written */
		if (first[i].seq < row->indexed_size && row->count > 0)
			return -EBADMSG;
		map_sub_leaf(fold->hasher, &leaf, first[i].seq, &first[i].leaf);
		rc = merkle_edge_append(fold->hasher, &edge, &leaf);
	}
	if (rc != 0)
		return rc;
	row->key = pg_text(first[0].key);
	row->count = edge.size;
	row->indexed_size = size;
	row->nedge = merkle_edge_encode(bytes, &edge) / 32;
	memcpy(row->edge, bytes, row->nedge * 32);
	merkle_edge_root(fold->hasher, &root, &edge);
	map_key(fold->hasher, &change->key, first[0].key, strlen(first[0].key));
	map_value(fold->hasher, &change->value, edge.size, &root);
	fold->nchanges++;
	return 0;
}

static size_t run_length(const struct fold *fold, size_t at)
{
	size_t n = 1;

	while (at + n < fold->count && strcmp(fold->items[at + n].key, fold->items[at].key) == 0)
		n++;
	return n;
}

/* Where the state of `key` stands in the rows read, or a zeroed row for a new subject. */
static int state_of(struct store_subject *out, const struct store_subjects *known, const char *key)
{
	memset(out, 0, sizeof(*out));
	for (size_t i = 0; i < known->n; i++) {
		struct store_subject row;
		int rc = store_subjects_get(known, &row, i);

		if (rc != 0)
			return rc;
		if (row.key.len == strlen(key) && memcmp(row.key.data, key, row.key.len) == 0) {
			*out = row;
			return 0;
		}
	}
	return 0;
}

/* Folds up to SUBJECTS_AT_ONCE subjects from items[*at] on and queues their rows. */
static int fold_some(struct fold *fold, size_t *at, struct store_subject *rows, struct pg_txn *txn, uint64_t size)
{
	struct pg_bytes keys[SUBJECTS_AT_ONCE];
	size_t starts[SUBJECTS_AT_ONCE], lengths[SUBJECTS_AT_ONCE], n = 0;
	struct store_subjects known = {0};
	struct pg_op op = {0};
	int rc;

	while (*at < fold->count && n < SUBJECTS_AT_ONCE) {
		starts[n] = *at;
		lengths[n] = run_length(fold, *at);
		keys[n] = pg_text(fold->items[*at].key);
		*at += lengths[n++];
	}
	rc = reserve(&fold->changes, &fold->changes_room, fold->nchanges + n, sizeof(*fold->changes));
	if (rc == 0)
		rc = pg_wait(fold->base, &op, store_subjects(fold->reader, &op, &known, keys, n));
	for (size_t i = 0; rc == 0 && i < n; i++) {
		rc = state_of(&rows[i], &known, fold->items[starts[i]].key);
		if (rc == 0)
			rc = fold_subject(fold, &rows[i], &fold->items[starts[i]], lengths[i], size);
	}
	if (rc == 0)
		rc = store_subjects_put(txn, rows, n);
	store_subjects_clear(&known);
	return rc;
}

static int get_node(void *arg, struct map_node *out, const struct merkle_hash *hash)
{
	struct fold *fold = arg;
	const struct map_node *node = node_cache_find(fold->cache, hash);

	if (node) {
		*out = *node;
		return 0;
	}
	if (reserve(&fold->missing, &fold->missing_room, fold->nmissing + 1, sizeof(*fold->missing)) != 0)
		return -ENOMEM;
	fold->missing[fold->nmissing++] = *hash;
	return -EAGAIN;
}

static int put_node(void *arg, const struct merkle_hash *hash, const struct map_node *node)
{
	struct fold *fold = arg;

	if (reserve(&fold->fresh, &fold->fresh_room, fold->nfresh + 1, sizeof(*fold->fresh)) != 0)
		return -ENOMEM;
	fold->fresh[fold->nfresh++] = *hash;
	return node_cache_add(fold->cache, hash, node);
}

static int fetch_missing(struct fold *fold)
{
	struct store_map_node *found = calloc(NODES_AT_ONCE, sizeof(*found));
	int rc = found ? 0 : -ENOMEM;

	for (size_t at = 0; rc == 0 && at < fold->nmissing;) {
		size_t n = fold->nmissing - at < NODES_AT_ONCE ? fold->nmissing - at : NODES_AT_ONCE, nfound = 0;
		struct pg_op op = {0};

		rc = pg_wait(fold->base, &op, store_map_nodes(fold->reader, &op, found, &nfound,
							     (const uint8_t(*)[32])fold->missing[at].bytes, n));
		for (size_t i = 0; rc == 0 && i < nfound; i++) {
			struct merkle_hash hash;
			struct map_node node;

			memcpy(hash.bytes, found[i].hash, 32);
			memcpy(node.bytes, found[i].body, MAP_NODE_SIZE);
			rc = node_cache_add(fold->cache, &hash, &node);
		}
		/* a node that is nowhere would be asked for again for ever */
		if (rc == 0 && nfound == 0)
			rc = -EBADMSG;
		at += n;
	}
	free(found);
	return rc;
}

static int update_map(struct fold *fold, struct merkle_hash *root)
{
	struct map_store store = {.get = get_node, .put = put_node, .arg = fold};
	int rc;

	qsort(fold->changes, fold->nchanges, sizeof(*fold->changes), by_map_key);
	for (;;) {
		fold->nmissing = 0;
		fold->nfresh = 0;
		rc = map_update(fold->hasher, root, &store, fold->changes, fold->nchanges);
		if (rc != -EAGAIN)
			return rc;
		rc = fetch_missing(fold);
		if (rc != 0)
			return rc;
	}
}

static int put_nodes(struct fold *fold, struct pg_txn *txn)
{
	uint8_t(*hashes)[32] = calloc(NODES_AT_ONCE, sizeof(*hashes));
	uint8_t(*bodies)[STORE_MAP_NODE_BYTES] = calloc(NODES_AT_ONCE, sizeof(*bodies));
	int rc = hashes && bodies ? 0 : -ENOMEM;

	for (size_t at = 0; rc == 0 && at < fold->nfresh;) {
		size_t n = 0;

		for (; n < NODES_AT_ONCE && at < fold->nfresh; at++, n++) {
			const struct map_node *node = node_cache_find(fold->cache, &fold->fresh[at]);

			if (!node) {
				rc = -EPROTO;
				break;
			}
			memcpy(hashes[n], fold->fresh[at].bytes, 32);
			memcpy(bodies[n], node->bytes, MAP_NODE_SIZE);
		}
		if (rc == 0)
			rc = store_map_nodes_put(txn, (const uint8_t(*)[32])hashes,
						 (const uint8_t(*)[STORE_MAP_NODE_BYTES])bodies, n);
	}
	free(hashes);
	free(bodies);
	return rc;
}

int fold_apply(struct fold *fold, struct merkle_hash *root, struct pg_txn *txn, uint64_t size)
{
	struct store_subject *rows = calloc(SUBJECTS_AT_ONCE, sizeof(*rows));
	int rc = rows ? 0 : -ENOMEM;

	fold->nchanges = 0;
	if (fold->count > 1)
		qsort(fold->items, fold->count, sizeof(*fold->items), by_key_and_seq);
	for (size_t at = 0; rc == 0 && at < fold->count;)
		rc = fold_some(fold, &at, rows, txn, size);
	free(rows);
	if (rc == 0 && fold->nchanges > 0)
		rc = update_map(fold, root);
	if (rc == 0 && fold->nchanges > 0)
		rc = put_nodes(fold, txn);
	if (rc == 0)
		rc = store_map_head_put(txn, size, root->bytes);
	return rc;
}

void fold_clear(struct fold *fold)
{
	free(fold->items);
	free(fold->changes);
	free(fold->missing);
	free(fold->fresh);
	memset(fold, 0, sizeof(*fold));
}
