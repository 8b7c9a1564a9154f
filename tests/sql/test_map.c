/* The completeness map: what is new, subjects, nodes, and the way from a root down to a key. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "sql/store_duty.h"
#include "sql/store_map.h"
#include "tests/sql/fixture.h"
#include "tests/sql/log_fixture.h"

static struct log_fixture f;

static void on_commit(void *arg, int err, PGresult *res)
{
	PQclear(res);
	pg_op_finish(arg, err);
}

static int commit(struct pg_txn *txn)
{
	struct pg_op op = {0};

	return WAIT(&f, &op, pg_txn_commit(txn, on_commit, &op));
}

static void news_are_all_kinds_but_index(void **state)
{
	struct store_news news;
	struct store_news_entry e;
	uint8_t leaf[32];
	uint64_t count;
	struct pg_op op = {0};

	(void)state;
	assert_int_equal(log_fixture_append(&f, 8), 0);
	assert_int_equal(log_fixture_append_index(&f), 0); /* seq 8, where subject 1 would be */
	assert_int_equal(log_fixture_append(&f, 8), 0);	   /* 9 to 16: subjects 2 3 4 5 6 0 1 2 */
	assert_int_equal(WAIT(&f, &op, store_news(f.reader, &op, &news, 6, 11, 100)), 0);
	assert_int_equal(news.n, 4);
	for (size_t i = 0; i < 4; i++) {
		const uint64_t seq = (const uint64_t[]){6, 7, 9, 10}[i];

		assert_int_equal(store_news_get(&news, &e, i), 0);
		assert_int_equal(e.seq, seq);
		log_fixture_hash(leaf, 'l', seq);
		assert_memory_equal(e.leaf, leaf, 32);
		assert_int_equal(e.subject.data[8] - '0', seq % 7);
	}
	store_news_clear(&news);
	assert_int_equal(WAIT(&f, &op, store_news(f.reader, &op, &news, 0, UINT64_MAX, 5)), 0);
	assert_int_equal(news.n, 5);
	store_news_clear(&news);
	assert_int_equal(store_news(f.reader, &op, &news, 0, 1, 0), -EINVAL);
	assert_int_equal(WAIT(&f, &op, store_subject_leaves(f.reader, &op, &news, pg_text("subject 1"), 0, 16, 100)),
			 0);
	assert_int_equal(news.n, 2); /* 1 and 15 */
	assert_int_equal(store_news_get(&news, &e, 1), 0);
	assert_int_equal(e.seq, 15);
	store_news_clear(&news);
	assert_int_equal(WAIT(&f, &op, store_subject_count(f.reader, &op, &count, pg_text("subject 1"), 15)), 0);
	assert_int_equal(count, 1);
	assert_int_equal(WAIT(&f, &op, store_subject_count(f.reader, &op, &count, pg_text("nobody"), 15)), 0);
	assert_int_equal(count, 0);
}

static void subjects_are_written_and_replaced(void **state)
{
	struct store_subject in[2] = {{.key = pg_text("b"), .count = 1, .indexed_size = 9, .nedge = 1},
				      {.key = pg_text("a"), .count = 3, .indexed_size = 9, .nedge = 2}};
	const struct pg_bytes keys[] = {pg_text("c"), pg_text("b"), pg_text("a")};
	struct store_subjects list;
	struct store_subject out;
	struct pg_op op = {0};
	struct pg_txn *txn;

	(void)state;
	log_fixture_hash(in[0].edge[0], 's', 1);
	log_fixture_hash(in[1].edge[0], 's', 2);
	log_fixture_hash(in[1].edge[1], 's', 3);
	for (int round = 0; round < 2; round++) {
		in[0].count += (uint64_t)round;
		assert_int_equal(pg_txn_begin(f.writer, &txn), 0);
		assert_int_equal(store_subjects_put(txn, in, 2), 0);
		assert_int_equal(store_subjects_put(txn, NULL, 0), 0);
		assert_int_equal(commit(txn), 0);
		assert_int_equal(WAIT(&f, &op, store_subjects(f.reader, &op, &list, keys, 3)), 0);
		assert_int_equal(list.n, 2);
		assert_int_equal(store_subjects_get(&list, &out, 1), 0);
		assert_memory_equal(out.key.data, "b", 1);
		assert_int_equal(out.count, 1 + round);
		assert_int_equal(store_subjects_get(&list, &out, 0), 0);
		assert_int_equal(out.nedge, 2);
		assert_memory_equal(out.edge[1], in[1].edge[1], 32);
		store_subjects_clear(&list);
	}
}

static void inner(uint8_t body[STORE_MAP_NODE_BYTES], const uint8_t *left, const uint8_t *right)
{
	memset(body, 0, STORE_MAP_NODE_BYTES);
	body[0] = 3;
	if (left)
		memcpy(body + 1, left, 32);
	if (right)
		memcpy(body + 33, right, 32);
}

/* Keys beginning 00, 01 and 1; hashes are names here: the store believes them. */
static void the_way_to_a_key_follows_its_bits_from_the_top(void **state)
{
	uint8_t hashes[6][32], bodies[6][STORE_MAP_NODE_BYTES], key[32] = {0};
	enum { ROOT, LEFT, LEAF00, LEAF01, CHAIN, ABSENT };
	static struct store_map_node path[257];
	const uint8_t none[32] = {0};
	size_t n;
	uint8_t root[32];
	struct pg_op op = {0};
	struct pg_txn *txn;

	(void)state;
	for (size_t i = 0; i < 6; i++)
		log_fixture_hash(hashes[i], 'm', i);
	inner(bodies[ROOT], hashes[LEFT], hashes[CHAIN]);
	inner(bodies[LEFT], hashes[LEAF00], hashes[LEAF01]);
	inner(bodies[LEAF00], NULL, NULL);
	inner(bodies[LEAF01], NULL, NULL);
	bodies[LEAF00][0] = bodies[LEAF01][0] = 2;
	inner(bodies[CHAIN], NULL, hashes[ABSENT]);
	assert_int_equal(pg_txn_begin(f.writer, &txn), 0);
	assert_int_equal(store_map_nodes_put(txn, hashes, bodies, 5), 0);
	assert_int_equal(store_map_nodes_put(txn, hashes, bodies, 2), 0);
	assert_int_equal(store_map_head_put(txn, 8, hashes[ROOT]), 0);
	assert_int_equal(commit(txn), 0);

	assert_int_equal(WAIT(&f, &op, store_map_head(f.reader, &op, root, 8)), 0);
	assert_memory_equal(root, hashes[ROOT], 32);
	assert_int_equal(WAIT(&f, &op, store_map_head(f.reader, &op, root, 9)), -ENOENT);

	key[0] = 0x40; /* 01... */
	assert_int_equal(WAIT(&f, &op, store_map_path(f.reader, &op, path, &n, hashes[ROOT], key)), 0);
	assert_int_equal(n, 3);
	assert_memory_equal(path[0].hash, hashes[ROOT], 32);
	assert_memory_equal(path[1].hash, hashes[LEFT], 32);
	assert_memory_equal(path[2].hash, hashes[LEAF01], 32);
	assert_memory_equal(path[2].body, bodies[LEAF01], STORE_MAP_NODE_BYTES);
	key[0] = 0x20; /* 00... */
	assert_int_equal(WAIT(&f, &op, store_map_path(f.reader, &op, path, &n, hashes[ROOT], key)), 0);
	assert_memory_equal(path[2].hash, hashes[LEAF00], 32);
	key[0] = 0x80; /* 10...: an empty branch */
	assert_int_equal(WAIT(&f, &op, store_map_path(f.reader, &op, path, &n, hashes[ROOT], key)), 0);
	assert_int_equal(n, 2);
	key[0] = 0xc0; /* 11...: a node that is not there */
	assert_int_equal(WAIT(&f, &op, store_map_path(f.reader, &op, path, &n, hashes[ROOT], key)), -EPROTO);
	assert_int_equal(WAIT(&f, &op, store_map_path(f.reader, &op, path, &n, none, key)), 0);
	assert_int_equal(n, 0);

	assert_int_equal(WAIT(&f, &op, store_map_nodes(f.reader, &op, path, &n, hashes, 6)), 0);
	assert_int_equal(n, 5);
}

static void a_way_as_long_as_a_key_is_walked_to_its_end(void **state)
{
	static uint8_t hashes[257][32], bodies[257][STORE_MAP_NODE_BYTES];
	static struct store_map_node path[257];
	uint8_t key[32];
	size_t n;
	struct pg_op op = {0};
	struct pg_txn *txn;

	(void)state;
	for (size_t i = 0; i < 32; i++)
		key[i] = (uint8_t)(i * 37 + 11);
	for (uint64_t i = 0; i < 257; i++)
		log_fixture_hash(hashes[i], 'd', i);
	for (size_t i = 0; i < 256; i++) {
		const int bit = key[i / 8] >> (7 - i % 8) & 1;

		inner(bodies[i], bit ? NULL : hashes[i + 1], bit ? hashes[i + 1] : NULL);
	}
	inner(bodies[256], key, key);
	bodies[256][0] = 2;
	assert_int_equal(pg_txn_begin(f.writer, &txn), 0);
	assert_int_equal(store_map_nodes_put(txn, hashes, bodies, 257), 0);
	assert_int_equal(commit(txn), 0);
	assert_int_equal(WAIT(&f, &op, store_map_path(f.reader, &op, path, &n, hashes[0], key)), 0);
	assert_int_equal(n, 257);
	for (size_t i = 0; i < 257; i++)
		assert_memory_equal(path[i].hash, hashes[i], 32);
}

static int set_up(void **state)
{
	(void)state;
	log_fixture_open(&f);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	log_fixture_close(&f);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(news_are_all_kinds_but_index),
		cmocka_unit_test(subjects_are_written_and_replaced),
		cmocka_unit_test(the_way_to_a_key_follows_its_bits_from_the_top),
		cmocka_unit_test(a_way_as_long_as_a_key_is_walked_to_its_end),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
