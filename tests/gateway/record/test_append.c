/* The group commit on a real PostgreSQL: dedup, quota, proofs, lost commits both ways, two workers, kills at every
 * step. */
#include "gateway/record/receipt_fetch.h"
#include "sql/store_anchor.h"
#include "tests/gateway/record/proxy.h"
#include "tests/gateway/record/world.h"
#include "tests/sql/fixture.h"
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
/* cmocka wants the four above first */
#include <cmocka.h>

static const struct append_config generous = {.open_quota = 100000, .poll_ms = 30};

static const char *new_log(void)
{
	return fixture_as(fixture_migrated(), "kedge_app");
}

static void test_new_then_duplicate(void **state)
{
	struct world_result first, second;
	struct world w;

	(void)state;
	world_open(&w, new_log(), NULL, &generous);
	assert_int_equal(world_submit(&w, &first, 1), 0);
	world_wait(&w);
	world_check_receipt(&w, &first);
	assert_false(first.duplicate);
	assert_int_equal(first.seq, 0);
	assert_int_equal(world_submit(&w, &second, 1), 0);
	world_wait(&w);
	world_check_receipt(&w, &second);
	assert_true(second.duplicate);
	assert_int_equal(second.seq, 0);
	/* nothing else was logged meanwhile: the original's receipt, byte for byte */
	assert_int_equal(first.len, second.len);
	assert_memory_equal(first.receipt, second.receipt, first.len);
	assert_int_equal(world_check_log(&w), 1);
	world_result_clear(&first);
	world_result_clear(&second);
	world_close(&w);
}

static void test_twins_in_one_batch(void **state)
{
	static const unsigned numbers[] = {5, 6, 5, 7, 6, 5};
	struct world_result r[6];
	struct append_stats stats;
	struct world w;

	(void)state;
	world_open(&w, new_log(), NULL, &generous);
	for (size_t i = 0; i < 6; i++)
		assert_int_equal(world_submit(&w, &r[i], numbers[i]), 0);
	world_wait(&w);
	append_stats(w.append, &stats);
	assert_int_equal(stats.transactions, 1);
	for (size_t i = 0; i < 6; i++) {
		world_check_receipt(&w, &r[i]);
		assert_int_equal(r[i].duplicate, i == 2 || i >= 4);
		assert_int_equal(r[i].seq, numbers[i] - 5);
		world_result_clear(&r[i]);
	}
	assert_int_equal(world_check_log(&w), 3);
	world_close(&w);
}

static void test_quota(void **state)
{
	const struct append_config three = {.open_quota = 3, .poll_ms = 30}, none = {.open_quota = 0};
	const char *conninfo = new_log();
	struct world_result r[8];
	struct world w;

	(void)state;
	world_open(&w, conninfo, NULL, &three);
	for (unsigned i = 0; i < 5; i++)
		assert_int_equal(world_submit(&w, &r[i], i), 0);
	world_wait(&w);
	for (unsigned i = 0; i < 5; i++) {
		assert_int_equal(r[i].err, i < 3 ? 0 : -EDQUOT);
		assert_int_equal(r[i].logged, i < 3);
		world_result_clear(&r[i]);
	}
	assert_int_equal(world_submit(&w, &r[5], 0), 0); /* a duplicate costs nothing */
	assert_int_equal(world_submit(&w, &r[6], 9), 0);
	world_wait(&w);
	world_check_receipt(&w, &r[5]);
	assert_true(r[5].duplicate);
	assert_int_equal(r[6].err, -EDQUOT);
	world_result_clear(&r[5]);
	assert_int_equal(world_check_log(&w), 3);
	world_close(&w);

	world_open(&w, conninfo, NULL, &none);
	assert_int_equal(world_submit(&w, &r[7], 10), 0);
	world_wait(&w);
	assert_int_equal(r[7].err, -EDQUOT);
	world_close(&w);
	assert_string_equal(fixture_sql(conninfo, "SELECT count FROM quota"), "3");
}

static void test_many(void **state)
{
	enum { N = 1500 };
	static struct world_result r[N];
	struct world w;

	(void)state;
	world_open(&w, new_log(), NULL, &generous);
	for (unsigned i = 0; i < N; i++) {
		assert_int_equal(world_submit(&w, &r[i], i), 0);
		if (i % 97 == 0)
			world_run(&w, 1);
	}
	world_wait(&w);
	for (unsigned i = 0; i < N; i++) {
		world_check_receipt(&w, &r[i]);
		assert_int_equal(r[i].seq, i);
		world_result_clear(&r[i]);
	}
	assert_int_equal(world_check_log(&w), N);
	world_close(&w);
}

/* What became of a commit is read from the log, whichever way it was lost; nobody is told twice or wrongly. */
static void lose(enum proxy_mode mode)
{
	enum { N = 20 };
	const char *conninfo = new_log();
	struct world_result r[N];
	struct append_stats stats;
	struct proxy proxy;
	struct world w;

	proxy_start(&proxy, conninfo);
	world_open(&w, conninfo, proxy.conninfo, &generous);
	assert_int_equal(world_submit(&w, &r[0], 0), 0);
	world_wait(&w);
	*proxy.mode = (int)mode;
	for (unsigned i = 1; i < N; i++)
		assert_int_equal(world_submit(&w, &r[i], i), 0);
	world_wait(&w);
	append_stats(w.append, &stats);
	assert_int_equal(*proxy.mode, PROXY_PASS);
	assert_true(stats.retries >= 1);
	for (unsigned i = 0; i < N; i++) {
		world_check_receipt(&w, &r[i]);
		assert_false(r[i].duplicate);
		assert_int_equal(r[i].seq, i);
		world_result_clear(&r[i]);
	}
	assert_int_equal(world_check_log(&w), N);
	world_close(&w);
	proxy_stop(&proxy);
}

static void test_commit_lost_before_the_server(void **state)
{
	(void)state;
	lose(PROXY_LOSE_COMMIT);
}

static void test_commit_reply_lost(void **state)
{
	(void)state;
	lose(PROXY_LOSE_REPLY);
}

static void test_backends_terminated(void **state)
{
	enum { N = 300 };
	static struct world_result r[N];
	const char *owner = fixture_migrated(), *conninfo = fixture_as(owner, "kedge_app");
	struct world w;

	(void)state;
	world_open(&w, conninfo, NULL, &generous);
	for (unsigned i = 0; i < N; i++) {
		assert_int_equal(world_submit(&w, &r[i], i), 0);
		if (i % 60 == 30) {
			world_run(&w, i % 7);
			fixture_sql(conninfo,
				    "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = "
				    "current_database() AND pid <> pg_backend_pid() AND usename = 'kedge_app'");
		}
	}
	world_wait(&w);
	for (unsigned i = 0; i < N; i++) {
		world_check_receipt(&w, &r[i]);
		assert_false(r[i].duplicate);
		world_result_clear(&r[i]);
	}
	assert_int_equal(world_check_log(&w), N);
	world_close(&w);
}

static void test_without_signer(void **state)
{
	const struct append_config hasty = {.open_quota = 10, .deadline_ms = 400, .poll_ms = 30, .queue_max = 2};
	struct world_result r[4];
	struct append_stats stats;
	struct world w;

	(void)state;
	world_open(&w, new_log(), NULL, &hasty);
	w.signing = false;
	assert_int_equal(world_submit(&w, &r[0], 1), 0);
	assert_int_equal(world_submit(&w, &r[1], 1), 0);
	assert_int_equal(world_submit(&w, &r[2], 2), -EAGAIN); /* the queue is bounded */
	world_wait(&w);
	assert_int_equal(r[0].err, -ETIMEDOUT);
	assert_true(r[0].logged);
	assert_int_equal(r[1].err, -ETIMEDOUT);
	assert_true(r[1].duplicate);
	append_stats(w.append, &stats);
	assert_int_equal(stats.queued + stats.waiting, 0);
	w.signing = true;
	assert_int_equal(world_submit(&w, &r[3], 1), 0); /* the item stayed logged */
	world_wait(&w);
	world_check_receipt(&w, &r[3]);
	assert_true(r[3].duplicate);
	world_result_clear(&r[3]);
	assert_int_equal(world_check_log(&w), 1);
	world_close(&w);
}

/* Freed with work under way: everything is answered, nothing is touched afterwards (ASan watches). */
static void test_freed_in_the_middle(void **state)
{
	enum { N = 40 };
	struct world_result r[N];
	struct world w;

	(void)state;
	for (unsigned turns = 0; turns < 4; turns++) {
		world_open(&w, new_log(), NULL, &generous);
		for (unsigned i = 0; i < N; i++)
			assert_int_equal(world_submit(&w, &r[i], i), 0);
		world_run(&w, turns * 2);
		world_close(&w);
		for (unsigned i = 0; i < N; i++) {
			assert_true(r[i].done);
			assert_true(r[i].err == 0 || r[i].err == -ECANCELED);
			world_result_clear(&r[i]);
		}
	}
}

/* ---- two processes ---- */

enum { SHARED = 400, OWN = 150 };

struct board {
	int64_t seqs[2][SHARED + OWN]; /* -1 unknown */
	int fresh[2];
};

static void work(struct board *board, int side, const char *conninfo, bool signing)
{
	static struct world_result r[SHARED + OWN];
	struct world w;

	world_open(&w, conninfo, NULL, &generous);
	w.signing = signing;
	for (unsigned i = 0; i < SHARED + OWN; i++) {
		unsigned number = i < SHARED ? (side ? SHARED - 1 - i : i) : 10000u * ((unsigned)side + 1) + i;

		assert_int_equal(world_submit(&w, &r[i], number), 0);
		if (i % 23 == 0)
			world_run(&w, 2);
	}
	world_wait(&w);
	for (unsigned i = 0; i < SHARED + OWN; i++) {
		unsigned slot = i < SHARED && side ? SHARED - 1 - i : i;

		world_check_receipt(&w, &r[i]);
		board->seqs[side][slot] = (int64_t)r[i].seq;
		board->fresh[side] += !r[i].duplicate;
		world_result_clear(&r[i]);
	}
	if (signing) /* until the other one has its checkpoints too */
		while (board->fresh[1] + board->fresh[0] < SHARED + 2 * OWN && board->seqs[1][SHARED + OWN - 1] < 0)
			world_run(&w, 20);
	world_close(&w);
}

static void test_two_processes(void **state)
{
	const char *conninfo = new_log();
	struct board *board = mmap(NULL, sizeof(*board), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct world w;
	pid_t child;
	int status;

	(void)state;
	assert_true(board != MAP_FAILED);
	memset(board->seqs, 0xff, sizeof(board->seqs));
	child = fork();
	assert_true(child >= 0);
	if (!child) {
		work(board, 1, conninfo, false);
		_exit(0);
	}
	work(board, 0, conninfo, true);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	assert_int_equal(board->fresh[0] + board->fresh[1], SHARED + 2 * OWN);
	assert_true(board->fresh[0] > OWN && board->fresh[1] > OWN); /* they did meet */
	for (unsigned i = 0; i < SHARED; i++)
		assert_int_equal(board->seqs[0][i], board->seqs[1][i]);
	world_open(&w, conninfo, NULL, &generous);
	assert_int_equal(world_check_log(&w), SHARED + 2 * OWN);
	world_close(&w);
	munmap(board, sizeof(*board));
}

/* ---- kills ---- */

static void test_killed_at_every_step(void **state)
{
#ifdef KEDGE_FAILPOINTS
	static const char *const places[] = {"append.locked",	 "append.insert",    "append.commit",
					     "append.committed", "append.sign-wait", "append.answer"};
	enum { N = 6 };
	struct world_result r[N + 1];
	struct world w;

	(void)state;
	for (size_t p = 0; p < sizeof(places) / sizeof(places[0]); p++) {
		const char *conninfo = new_log();
		pid_t child = fork();
		char failpoint[64];
		int status;

		assert_true(child >= 0);
		if (!child) {
			world_open(&w, conninfo, NULL, &generous);
			world_submit(&w, &r[N], 100);
			world_wait(&w);
			(void)snprintf(failpoint, sizeof(failpoint), "%s:kill", places[p]);
			setenv("KEDGE_FAILPOINT", failpoint, 1);
			for (unsigned i = 0; i < N; i++)
				(void)world_submit(&w, &r[i], i);
			world_wait(&w);
			_exit(0);
		}
		assert_int_equal(waitpid(child, &status, 0), child);
		assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
		world_open(&w, conninfo, NULL, &generous);
		for (unsigned i = 0; i < N; i++)
			assert_int_equal(world_submit(&w, &r[i], i), 0);
		world_wait(&w);
		for (unsigned i = 0; i < N; i++) {
			world_check_receipt(&w, &r[i]);
			assert_int_equal(r[i].duplicate, r[0].duplicate); /* all or nothing */
			assert_true(p < 3 || r[i].duplicate);		  /* committed before the kill */
			assert_int_equal(r[i].seq, i + 1);
			world_result_clear(&r[i]);
		}
		assert_int_equal(world_check_log(&w), N + 1);
		world_close(&w);
	}
#else
	(void)state;
	skip();
#endif
}

/* ---- receipts by uid ---- */

struct fetched {
	bool done;
	int err;
	char *bytes;
	size_t len;
};

static void on_fetched(void *arg, int err, uint64_t seq, const struct receipt_parts *parts)
{
	struct fetched *f = arg;

	(void)seq;
	f->done = true;
	f->err = err;
	if (!err)
		assert_int_equal(receipt_write(&f->bytes, &f->len, parts), 0);
}

/* Returns the error; 0: the receipt had that level and verified at it. */
static int fetch(struct world *w, const uint8_t uid[static 32], enum receipt_level level, bool exact,
		 enum receipt_level expected)
{
	static const uint8_t contract[20] = {0xa1, 0xa2, 0xa3};
	struct receipt_wish wish = {.exact = exact, .level = level, .has_anchor = true, .chain_id = FIXTURE_CHAIN};
	struct receipt_policy policy;
	struct receipt_report report;
	struct receipt_chain chain;
	struct fetched f = {0};

	memcpy(wish.uid, uid, 32);
	memcpy(wish.contract, contract, 20);
	assert_int_equal(receipt_fetch(w->reader, &wish, on_fetched, &f), 0);
	assert_int_equal(pg_run_until(w->base, &f.done, 10000), 0);
	if (f.err)
		return f.err;
	fixture_policy(&w->f, &policy);
	fixture_chain(&w->f, &chain, (const uint8_t *)f.bytes, f.len, &policy);
	receipt_verify(&report, (const uint8_t *)f.bytes, f.len, &policy, &chain);
	for (size_t i = 0; i < report.count && report.failed; i++)
		print_error("%s %s: %s\n", report.check[i].name, receipt_verdict_text(report.check[i].verdict),
			    report.check[i].text);
	assert_true(report.confirmed);
	assert_int_equal(report.level, expected);
	free(f.bytes);
	return 0;
}

/* What the steward's publish does, without its map. */
static void append_index_head(struct world *w)
{
	struct store_append_state locked;
	struct store_append_ask ask = {.nentries = 1};
	struct entry_index head = {.block_number = 44};
	struct merkle_edge edge;
	struct merkle_hash leaf;
	struct store_new_entry entry = {.kind = "index"};
	struct store_append append = {.entries = &entry, .nentries = 1, .ends_in_index = true};
	uint8_t bytes[MERKLE_HASH_SIZE * MERKLE_EDGE_MAX];
	char line[ENTRY_INDEX_SIZE];
	struct pg_txn *txn;
	struct pg_op op = {0};

	assert_int_equal(pg_txn_begin(w->signer, &txn), 0);
	assert_int_equal(pg_wait(w->base, &op, store_append_lock(txn, &op, &locked, &ask)), 0);
	head.at = locked.clock_ms;
	head.size = locked.head.size;
	entry_index_format(line, &head);
	merkle_leaf(&w->f.hasher, &leaf, line, sizeof(line));
	assert_int_equal(merkle_edge_decode(&edge, head.size, locked.head.edge[0], locked.head.nedge * 32), 0);
	assert_int_equal(merkle_edge_append(&w->f.hasher, &edge, &leaf), 0);
	merkle_edge_encode(bytes, &edge);
	entry.leaf = leaf.bytes;
	entry.line = pg_bytes(line, sizeof(line));
	append.old_size = head.size;
	append.at = head.at;
	append.edge = (const uint8_t(*)[32])bytes;
	append.nedge = merkle_edge_count(edge.size);
	assert_int_equal(pg_wait(w->base, &op, store_append_commit(txn, &op, &append)), 0);
	store_append_state_clear(&locked);
}

static void test_fetch_levels(void **state)
{
	static const uint8_t block_hash[32] = {0xb1, 0x0c};
	struct store_anchor anchor = {.block_number = 77, .level = STORE_ANCHOR_SAFE};
	struct store_checkpoint checkpoint;
	struct world_result r[30];
	struct fixture_item item;
	struct world w;
	struct pg_op op = {0};
	uint8_t unknown[32] = {0};

	(void)state;
	world_open(&w, new_log(), NULL, &generous);
	for (unsigned i = 0; i < 30; i++)
		assert_int_equal(world_submit(&w, &r[i], i), 0);
	world_wait(&w);
	for (unsigned i = 0; i < 30; i++)
		world_result_clear(&r[i]);
	fixture_item(&w.f, &item, 12, TYPED_EIP712);
	assert_int_equal(fetch(&w, unknown, RECEIPT_LOGGED, false, 0), -ENOENT);
	assert_int_equal(fetch(&w, item.content.uid, RECEIPT_LOGGED, false, RECEIPT_LOGGED), 0);
	assert_int_equal(fetch(&w, item.content.uid, RECEIPT_PUBLISHED, false, 0), -EINPROGRESS);

	append_index_head(&w);
	world_run(&w, 200);
	assert_int_equal(pg_wait(w.base, &op, store_published_put(w.signer, &op, NULL, 31)), 0);
	assert_int_equal(fetch(&w, item.content.uid, RECEIPT_LOGGED, false, RECEIPT_PUBLISHED), 0);
	assert_int_equal(fetch(&w, item.content.uid, RECEIPT_LOGGED, true, RECEIPT_LOGGED), 0);
	assert_int_equal(fetch(&w, item.content.uid, RECEIPT_ANCHORED, false, 0), -EINPROGRESS);

	assert_int_equal(pg_wait(w.base, &op, store_checkpoint_at(w.reader, &op, &checkpoint, 31)), 0);
	anchor.size = 31;
	memcpy(anchor.root, checkpoint.root, 32);
	memcpy(anchor.block_hash, block_hash, 32);
	assert_int_equal(pg_wait(w.base, &op, store_anchor_put(w.signer, &op, NULL, &anchor)), 0);
	assert_int_equal(fetch(&w, item.content.uid, RECEIPT_LOGGED, false, RECEIPT_ANCHORED), 0);
	assert_int_equal(fetch(&w, item.content.uid, RECEIPT_FINAL, true, 0), -EINPROGRESS);
	anchor.level = STORE_ANCHOR_FINAL;
	assert_int_equal(pg_wait(w.base, &op, store_anchor_put(w.signer, &op, NULL, &anchor)), 0);
	assert_int_equal(fetch(&w, item.content.uid, RECEIPT_LOGGED, false, RECEIPT_FINAL), 0);
	assert_int_equal(fetch(&w, item.content.uid, RECEIPT_ANCHORED, true, RECEIPT_ANCHORED), 0);
	fixture_item_clear(&item);
	world_close(&w);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_new_then_duplicate),
		cmocka_unit_test(test_twins_in_one_batch),
		cmocka_unit_test(test_quota),
		cmocka_unit_test(test_many),
		cmocka_unit_test(test_commit_lost_before_the_server),
		cmocka_unit_test(test_commit_reply_lost),
		cmocka_unit_test(test_backends_terminated),
		cmocka_unit_test(test_without_signer),
		cmocka_unit_test(test_freed_in_the_middle),
		cmocka_unit_test(test_two_processes),
		cmocka_unit_test(test_killed_at_every_step),
		cmocka_unit_test(test_fetch_levels),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
