/* Anchors, their attempts, chain heads and duties: what is kept across a restart, and who may write it. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "sql/store_anchor.h"
#include "sql/store_chain.h"
#include "sql/store_duty.h"
#include "tests/sql/fixture.h"
#include "tests/sql/log_fixture.h"

static struct log_fixture f;

static struct store_attempt attempt(uint64_t nonce, uint64_t created)
{
	static struct store_attempt a;

	memset(&a, 0, sizeof(a));
	log_fixture_hash(a.hash, 't', nonce * 1000 + created);
	log_fixture_hash(a.root, 'r', nonce);
	memset(a.contract, 0xcc, 20);
	memset(a.sender, 0x55, 20);
	a.chain_id = 31337;
	a.nonce = nonce;
	a.old_size = 10;
	a.size = 20 + nonce;
	a.max_fee = UINT64_C(123456789012);
	a.max_priority_fee = 7;
	a.gas = 80000;
	a.created = created;
	a.raw_len = (size_t)snprintf((char *)a.raw, sizeof(a.raw), "raw %llu", (unsigned long long)nonce);
	return a;
}

static void unfinished_attempts_survive_whole_and_in_order(void **state)
{
	const uint64_t nonces[] = {4, 3, 3}, created[] = {5, 9, 6};
	struct store_attempts list;
	struct store_attempt got;
	uint8_t unknown[32] = {0};
	uint8_t sender[20];
	uint64_t last;
	struct pg_op op = {0};

	(void)state;
	memset(sender, 0x55, 20);
	for (size_t i = 0; i < 3; i++) {
		const struct store_attempt a = attempt(nonces[i], created[i]);

		assert_int_equal(WAIT(&f, &op, store_attempt_put(f.writer, &op, NULL, &a)), 0);
		assert_int_equal(WAIT(&f, &op, store_attempt_put(f.writer, &op, NULL, &a)), 0);
	}
	assert_int_equal(WAIT(&f, &op, store_attempts_unfinished(f.reader, &op, &list, 31337, sender)), 0);
	assert_int_equal(list.n, 3);
	for (size_t i = 0; i < 3; i++) {
		const struct store_attempt a = attempt((const uint64_t[]){3, 3, 4}[i], (const uint64_t[]){6, 9, 5}[i]);

		assert_int_equal(store_attempts_get(&list, &got, i), 0);
		assert_memory_equal(got.hash, a.hash, 32);
		assert_memory_equal(got.root, a.root, 32);
		assert_memory_equal(got.contract, a.contract, 20);
		assert_memory_equal(got.sender, a.sender, 20);
		assert_int_equal(got.raw_len, a.raw_len);
		assert_memory_equal(got.raw, a.raw, a.raw_len);
		assert_int_equal(got.nonce, a.nonce);
		assert_int_equal(got.old_size, 10);
		assert_int_equal(got.size, a.size);
		assert_int_equal(got.max_fee, a.max_fee);
		assert_int_equal(got.max_priority_fee, 7);
		assert_int_equal(got.gas, 80000);
		assert_int_equal(got.created, a.created);
		assert_int_equal(got.chain_id, 31337);
		assert_string_equal(got.outcome, "");
	}
	assert_int_equal(store_attempts_get(&list, &got, 0), 0);
	store_attempts_clear(&list);
	assert_int_equal(WAIT(&f, &op, store_attempt_last(f.reader, &op, &last, 31337, sender)), 0);
	assert_int_equal(last, 9);
	assert_int_equal(WAIT(&f, &op, store_attempt_finish(f.writer, &op, NULL, got.hash, "final", 99)), 0);
	assert_int_equal(WAIT(&f, &op, store_attempt_finish(f.writer, &op, NULL, unknown, "final", 99)), -ENOENT);
	assert_int_equal(store_attempt_finish(f.writer, &op, NULL, got.hash, "", 99), -EINVAL);
	/* nonce 3 is decided: its other attempt is not to be watched again */
	assert_int_equal(WAIT(&f, &op, store_attempts_unfinished(f.reader, &op, &list, 31337, sender)), 0);
	assert_int_equal(list.n, 1);
	assert_int_equal(store_attempts_get(&list, &got, 0), 0);
	assert_int_equal(got.nonce, 4);
	store_attempts_clear(&list);
	sender[0] = 0;
	assert_int_equal(WAIT(&f, &op, store_attempt_last(f.reader, &op, &last, 31337, sender)), 0);
	assert_int_equal(last, 0);
	assert_int_equal(WAIT(&f, &op, store_attempts_unfinished(f.reader, &op, &list, 31337, sender)), 0);
	assert_int_equal(list.n, 0);
	store_attempts_clear(&list);
}

static int put_anchor(uint64_t size, char root, enum store_anchor_level level, bool has_tx)
{
	struct store_anchor a = {.size = size, .block_number = size * 10, .level = level, .has_tx = has_tx, .at = size};
	struct pg_op op = {0};

	log_fixture_hash(a.root, root, size);
	log_fixture_hash(a.block_hash, 'b', size);
	log_fixture_hash(a.tx, 'x', size);
	return WAIT(&f, &op, store_anchor_put(f.writer, &op, NULL, &a));
}

static void anchors_rise_and_are_found_by_level(void **state)
{
	struct store_anchor a;
	struct store_anchors list;
	struct pg_op op = {0};

	(void)state;
	assert_int_equal(WAIT(&f, &op, store_anchor_latest(f.reader, &op, &a, STORE_ANCHOR_LATEST)), -ENOENT);
	assert_int_equal(put_anchor(20, 'r', STORE_ANCHOR_FINAL, false), 0);
	assert_int_equal(put_anchor(30, 'r', STORE_ANCHOR_SAFE, true), 0);
	assert_int_equal(put_anchor(40, 'r', STORE_ANCHOR_LATEST, true), 0);
	assert_int_equal(put_anchor(40, 'z', STORE_ANCHOR_LATEST, true), -EEXIST);
	assert_int_equal(WAIT(&f, &op, store_anchor_latest(f.reader, &op, &a, STORE_ANCHOR_LATEST)), 0);
	assert_int_equal(a.size, 40);
	assert_true(a.has_tx);
	assert_int_equal(WAIT(&f, &op, store_anchor_covering(f.reader, &op, &a, 5, STORE_ANCHOR_SAFE)), 0);
	assert_int_equal(a.size, 30);
	assert_int_equal(WAIT(&f, &op, store_anchor_covering(f.reader, &op, &a, 20, STORE_ANCHOR_FINAL)), -ENOENT);
	assert_int_equal(WAIT(&f, &op, store_anchor_covering(f.reader, &op, &a, 19, STORE_ANCHOR_FINAL)), 0);
	assert_int_equal(a.size, 20);
	assert_false(a.has_tx);
	assert_int_equal(a.block_number, 200);
	assert_int_equal(put_anchor(40, 'r', STORE_ANCHOR_FINAL, false), 0);
	assert_int_equal(WAIT(&f, &op, store_anchor_latest(f.reader, &op, &a, STORE_ANCHOR_FINAL)), 0);
	assert_int_equal(a.size, 40);
	assert_true(a.has_tx); /* raising a level does not forget it */
	assert_int_equal(WAIT(&f, &op, store_anchors_rising(f.reader, &op, &list)), 0);
	assert_int_equal(list.n, 1);
	assert_int_equal(store_anchors_get(&list, &a, 0), 0);
	assert_int_equal(a.size, 30);
	store_anchors_clear(&list);
	assert_int_equal(WAIT(&f, &op, store_anchors(f.reader, &op, &list, 40, 10)), 0);
	assert_int_equal(list.n, 2);
	assert_int_equal(store_anchors_get(&list, &a, 1), 0);
	assert_int_equal(a.size, 20);
	store_anchors_clear(&list);
	assert_int_equal(WAIT(&f, &op, store_anchor_drop(f.writer, &op, NULL, 30)), 0);
	assert_int_equal(WAIT(&f, &op, store_anchor_drop(f.writer, &op, NULL, 30)), -ENOENT);
}

static int put_chain(struct pg_conn *conn, const struct store_fence *fence, uint64_t latest)
{
	struct store_chain_head h = {.latest = {.number = latest}, .safe = {.number = 2}, .read_at = 1000 + latest};
	struct pg_op op = {0};

	log_fixture_hash(h.latest.hash, 'L', latest);
	log_fixture_hash(h.safe.hash, 'S', 2);
	return WAIT(&f, &op, store_chain_head_put(conn, &op, fence, "eip155:31337", &h));
}

static void the_chain_head_is_one_row_a_chain(void **state)
{
	struct store_chain_head h;
	uint8_t hash[32];
	struct pg_op op = {0};

	(void)state;
	assert_int_equal(WAIT(&f, &op, store_chain_head(f.reader, &op, &h, "eip155:31337")), -ENOENT);
	assert_int_equal(put_chain(f.writer, NULL, 5), 0);
	assert_int_equal(put_chain(f.writer, NULL, 6), 0);
	assert_int_equal(WAIT(&f, &op, store_chain_head(f.reader, &op, &h, "eip155:31337")), 0);
	assert_int_equal(h.latest.number, 6);
	log_fixture_hash(hash, 'L', 6);
	assert_memory_equal(h.latest.hash, hash, 32);
	assert_int_equal(h.safe.number, 2);
	assert_int_equal(h.finalized.number, 0);
	assert_int_equal(h.read_at, 1006);
	assert_string_equal(fixture_sql(f.conninfo, "SELECT count(*) FROM chain_head"), "1");
}

static void a_duty_has_one_holder_whose_successor_ends_its_writes(void **state)
{
	const char *conninfo = f.conninfo;
	struct log_fixture g;
	uint64_t epoch, other;
	struct pg_op op = {0};

	(void)state;
	log_fixture_connect(&g, conninfo);
	assert_int_equal(WAIT(&g, &op, store_duty_take(g.writer, &op, &epoch, "follow")), 0);
	assert_int_equal(epoch, 1);
	assert_int_equal(WAIT(&f, &op, store_duty_take(f.writer, &op, &other, "follow")), -EAGAIN);
	assert_int_equal(WAIT(&f, &op, store_duty_take(f.writer, &op, &other, "anchor")), 0);
	assert_int_equal(put_chain(f.writer, &(struct store_fence){"follow", epoch}, 7), 0);
	assert_int_equal(put_chain(f.writer, &(struct store_fence){"nonsense", 1}, 7), -ESTALE);
	pg_close(g.writer);
	g.writer = NULL;
	do {
		(void)!WAIT(&f, &op, store_duty_take(f.writer, &op, &other, "follow"));
	} while (op.err == -EAGAIN);
	assert_int_equal(op.err, 0);
	assert_int_equal(other, 2);
	assert_int_equal(put_chain(f.writer, &(struct store_fence){"follow", epoch}, 8), -ESTALE);
	assert_int_equal(put_chain(f.writer, &(struct store_fence){"follow", other}, 9), 0);
	log_fixture_close(&g);
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
		cmocka_unit_test(unfinished_attempts_survive_whole_and_in_order),
		cmocka_unit_test(anchors_rise_and_are_found_by_level),
		cmocka_unit_test(the_chain_head_is_one_row_a_chain),
		cmocka_unit_test(a_duty_has_one_holder_whose_successor_ends_its_writes),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
