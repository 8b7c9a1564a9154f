/* Checkpoints: stored once, found by what they cover, published after they were signed. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "sql/listen.h"
#include "sql/store_checkpoint.h"
#include "tests/sql/fixture.h"
#include "tests/sql/log_fixture.h"

static struct log_fixture f;

static int put_by(int (*how)(struct pg_conn *, struct pg_op *, const struct store_fence *, const struct store_checkpoint *),
		  uint64_t size, char root)
{
	static struct store_checkpoint c;
	struct pg_op op = {0};

	c.size = size;
	log_fixture_hash(c.root, root, size);
	c.at = 1000 + size;
	c.note_len = (size_t)snprintf(c.note, sizeof(c.note), "note %llu", (unsigned long long)size);
	return WAIT(&f, &op, how(f.writer, &op, NULL, &c));
}

static int put(uint64_t size, char root)
{
	return put_by(store_checkpoint_put, size, root);
}

static struct store_checkpoint got;

#define GET(call) (memset(&got, 0, sizeof(got)), WAIT(&f, &op, call))

static void nothing_is_found_before_the_first(void **state)
{
	struct pg_op op = {0};

	(void)state;
	assert_int_equal(GET(store_checkpoint_latest(f.reader, &op, &got)), -ENOENT);
	assert_int_equal(GET(store_published_latest(f.reader, &op, &got)), -ENOENT);
	assert_int_equal(WAIT(&f, &op, store_published_put(f.writer, &op, NULL, 5)), -ENOENT);
}

static void the_largest_is_found_for_what_it_covers(void **state)
{
	struct pg_op op = {0};

	(void)state;
	assert_int_equal(put(5, 'r'), 0);
	assert_int_equal(put(9, 'r'), 0);
	assert_int_equal(put(7, 'r'), 0);
	assert_int_equal(GET(store_checkpoint_latest(f.reader, &op, &got)), 0);
	assert_int_equal(got.size, 9);
	assert_int_equal(got.at, 1009);
	assert_int_equal(got.note_len, 6);
	assert_memory_equal(got.note, "note 9", 6);
	assert_int_equal(GET(store_checkpoint_at(f.reader, &op, &got, 7)), 0);
	assert_int_equal(got.size, 7);
	assert_int_equal(GET(store_checkpoint_at(f.reader, &op, &got, 8)), -ENOENT);
	assert_int_equal(GET(store_checkpoint_covering(f.reader, &op, &got, 8)), 0);
	assert_int_equal(got.size, 9);
	assert_int_equal(GET(store_checkpoint_covering(f.reader, &op, &got, 9)), -ENOENT);
	assert_int_equal(GET(store_checkpoint_covering(f.reader, &op, &got, UINT64_MAX)), -ENOENT);
}

static void the_same_again_is_fine_and_another_root_is_not(void **state)
{
	(void)state;
	assert_int_equal(put(9, 'r'), 0);
	assert_int_equal(put(9, 'x'), -EEXIST);
	assert_string_equal(fixture_sql(f.conninfo, "SELECT count(*) FROM checkpoint"), "3");
}

/* One that need not be on disk obeys the same rules, and among themselves they agree on what is stored. */
static void one_put_soon_is_like_any_other(void **state)
{
	struct pg_op op = {0};

	(void)state;
	assert_int_equal(put_by(store_checkpoint_put_soon, 10, 'r'), 0);
	assert_int_equal(GET(store_checkpoint_latest(f.reader, &op, &got)), 0);
	assert_int_equal(got.size, 10);
	assert_int_equal(put_by(store_checkpoint_put_soon, 10, 'r'), 0);
	assert_int_equal(put(10, 'r'), 0);
	assert_int_equal(put_by(store_checkpoint_put_soon, 10, 'x'), -EEXIST);
	assert_int_equal(put_by(store_checkpoint_put_soon, 9, 'x'), -EEXIST);
	assert_string_equal(fixture_sql(f.conninfo, "SELECT count(*) FROM checkpoint"), "4");
}

static void published_ones_are_found_apart(void **state)
{
	struct pg_op op = {0};

	(void)state;
	assert_int_equal(WAIT(&f, &op, store_published_put(f.writer, &op, NULL, 7)), 0);
	assert_int_equal(WAIT(&f, &op, store_published_put(f.writer, &op, NULL, 7)), 0);
	assert_int_equal(WAIT(&f, &op, store_published_put(f.writer, &op, NULL, 8)), -ENOENT);
	assert_int_equal(GET(store_published_latest(f.reader, &op, &got)), 0);
	assert_int_equal(got.size, 7);
	assert_memory_equal(got.note, "note 7", 6);
	assert_true(got.at > UINT64_C(1600000000000));
	assert_int_equal(GET(store_published_covering(f.reader, &op, &got, 6)), 0);
	assert_int_equal(GET(store_published_covering(f.reader, &op, &got, 7)), -ENOENT);
}

struct heard {
	char text[200];
	bool ready, done;
};

static void on_notify(void *arg, const char *channel, const char *payload)
{
	struct heard *h = arg;
	const size_t at = strlen(h->text);

	snprintf(h->text + at, sizeof(h->text) - at, "%s=%s;", channel, payload);
	h->done = !strcmp(channel, "kedge_published");
}

static void on_ready(void *arg)
{
	((struct heard *)arg)->ready = true;
}

static void each_change_is_notified_once(void **state)
{
	struct heard h = {0};
	struct listen *listen;
	struct pg_op op = {0};
	char expected[100];

	(void)state;
	assert_int_equal(
		listen_open(&listen, f.base,
			    &(struct listen_config){.conninfo = f.conninfo,
						    .channels = {"kedge_head", "kedge_checkpoint", "kedge_published"},
						    .on_notify = on_notify,
						    .on_ready = on_ready,
						    .arg = &h}),
		0);
	assert_int_equal(pg_run_until(f.base, &h.ready, 5000), 0);
	assert_int_equal(log_fixture_append(&f, 2), 0);
	assert_int_equal(put(11, 'r'), 0);
	assert_int_equal(put(11, 'r'), 0);
	assert_int_equal(put_by(store_checkpoint_put_soon, 12, 'r'), 0);
	assert_int_equal(WAIT(&f, &op, store_published_put(f.writer, &op, NULL, 11)), 0);
	assert_int_equal(pg_run_until(f.base, &h.done, 5000), 0);
	snprintf(expected, sizeof(expected), "kedge_head=%s;kedge_checkpoint=11;kedge_checkpoint=12;kedge_published=11;",
		 fixture_sql(f.conninfo, "SELECT size FROM log_head"));
	assert_string_equal(h.text, expected);
	listen_close(listen);
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
		cmocka_unit_test(nothing_is_found_before_the_first),
		cmocka_unit_test(the_largest_is_found_for_what_it_covers),
		cmocka_unit_test(the_same_again_is_fine_and_another_root_is_not),
		cmocka_unit_test(one_put_soon_is_like_any_other),
		cmocka_unit_test(published_ones_are_found_apart),
		cmocka_unit_test(each_change_is_notified_once),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
