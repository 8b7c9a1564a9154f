/* The signer and the publisher as they run, on a real PostgreSQL: an empty log gets its first index head and published checkpoint;
 * and whatever contradicts what was signed is refused, again after a restart. */
#include "anchor/checkpoint.h"
#include "gateway/keyfile.h"
#include "gateway/steward/publish.h"
#include "gateway/steward/sign.h"
#include "sql/store.h"
#include "sql/store_log.h"
#include "tests/sql/fixture.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* exit status of a duty that refused for good */
enum { REFUSED = 77 };

struct house {
	struct config config;
	char state[64];
};

static void open_house(struct house *h)
{
	struct event_base *base = event_base_new();
	struct pg_conn *conn = NULL;
	struct pg_op op = {0};
	char path[128];

	memset(h, 0, sizeof(*h));
	snprintf(h->state, sizeof(h->state), "/tmp/kedge-sign-XXXXXX");
	assert_non_null(mkdtemp(h->state));
	snprintf(path, sizeof(path), "%s/keys", h->state);
	assert_int_equal(mkdir(path, 0700), 0);
	snprintf(path, sizeof(path), "%s/keys/log.key", h->state);
	assert_int_equal(keyfile_create(path, NULL), 0);
	strcpy(h->config.state, h->state);
	strcpy(h->config.host, "localhost:8004");
	strcpy(h->config.origin, "localhost:8004/log");
	snprintf(h->config.database, sizeof(h->config.database), "%s", fixture_migrated());
	h->config.chain_id = 31337;
	h->config.publish_ms = 50;
	assert_int_equal(store_open(&conn, base, h->config.database, "test", STORE_WRITER, NULL, NULL), 0);
	if (pg_wait(base, &op, store_head_create(conn, &op, h->config.origin)) != 0)
	if (pg_wait(base, &op, store_head_create(conn, &op, h->config.origin)) != 0)
		fail_msg("%d %s %s", op.err, pg_last_error(conn), h->config.database);
	pg_close(conn);
	event_base_free(base);
	fixture_sql(h->config.database,
		    "insert into chain_head (chain, latest_number, latest_hash, safe_number, safe_hash, finalized_number, finalized_hash, read_at) "
		    "values ('eip155:31337', 9, sha256('9'), 7, sha256('7'), 5, sha256('5'), 1)");
}

static void close_house(struct house *h)
{
	char text[128];

	snprintf(text, sizeof(text), "rm -rf %s", h->state);
	assert_int_equal(system(text), 0);
}

static pid_t start(struct house *h, const char *duty, int (*run)(struct steward_context *))
{
	pid_t pid = fork();

	if (pid == 0) {
		struct steward_context ctx;
		int rc = steward_open(&ctx, &h->config, duty, NULL);

		if (rc == 0) {
			rc = run(&ctx);
			steward_close(&ctx);
		}
		_exit(rc == 0 ? 0 : rc == -EKEYREJECTED ? REFUSED : 1);
	}
	assert_true(pid > 0);
	return pid;
}

static int stop(pid_t pid)
{
	int status;

	kill(pid, SIGTERM);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

/* The exit status of a duty that is expected to end by itself within 10 s; 255 if it did not. */
static int ended(pid_t pid)
{
	for (int i = 0; i < 500; i++) {
		int status;

		if (waitpid(pid, &status, WNOHANG) == pid)
			return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
		nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL);
	}
	stop(pid);
	return 255;
}

static void wait_for(const struct house *h, const char *question)
{
	for (int i = 0; i < 500; i++) {
		if (strcmp(fixture_sql(h->config.database, question), "t") == 0)
			return;
		nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL);
	}
	fail_msg("never true: %s", question);
}

static void publishes_the_first_head(void **state)
{
	struct house h;
	pid_t signer, publisher;

	(void)state;
	open_house(&h);
	signer = start(&h, "sign", steward_sign_run);
	publisher = start(&h, "publish", steward_publish_run);
	wait_for(&h, "select exists(select from published where size = 1)");
	assert_int_equal(stop(publisher), 0);
	assert_int_equal(stop(signer), 0);
	/* over nothing the map is 32 zero bytes, and the head names the safe block */
	assert_string_equal(fixture_sql(h.config.database,
					"select line like '%\"kind\":\"index\",\"map\":\"' || repeat('0', 64) || '\",\"size\":\"' || repeat('0', 20) "
					"|| '\",\"v\":1}' and line like '%\"number\":\"00000000000000000007\"%' from entry where seq = 0"),
			    "t");
	/* nothing new: nothing is appended */
	publisher = start(&h, "publish", steward_publish_run);
	nanosleep(&(struct timespec){.tv_nsec = 400000000}, NULL);
	assert_int_equal(stop(publisher), 0);
	assert_string_equal(fixture_sql(h.config.database, "select size from log_head"), "1");
	close_house(&h);
}

/* A log of one index head, signed and published; both duties stopped. */
static void open_signed_house(struct house *h)
{
	pid_t signer, publisher;

	open_house(h);
	signer = start(h, "sign", steward_sign_run);
	publisher = start(h, "publish", steward_publish_run);
	wait_for(h, "select exists(select from published where size = 1)");
	assert_int_equal(stop(publisher), 0);
	assert_int_equal(stop(signer), 0);
}

static void refuses_another_root_for_a_signed_size(void **state)
{
	struct house h;

	(void)state;
	open_signed_house(&h);
	/* an operator who rewrites history: the leaf, the edge and the size all agree with each other, but not with what was signed */
	fixture_sql(h.config.database, "insert into entry (seq, at, kind, leaf, line) select 1, at, kind, sha256('x'), line from entry where seq = 0");
	fixture_sql(h.config.database, "update log_head set size = 2, edge = sha256('forged')");
	for (int i = 0; i < 2; i++)
		assert_int_equal(ended(start(&h, "sign", steward_sign_run)), REFUSED);
	assert_string_equal(fixture_sql(h.config.database, "select max(size) from checkpoint"), "1");
	close_house(&h);
}

static void refuses_a_log_that_became_shorter(void **state)
{
	struct house h;

	(void)state;
	open_signed_house(&h);
	fixture_sql(h.config.database, "update log_head set size = 0, edge = '', index_size = 0, index_edge = ''");
	for (int i = 0; i < 2; i++)
		assert_int_equal(ended(start(&h, "sign", steward_sign_run)), REFUSED);
	close_house(&h);
}

static void refuses_to_start_without_its_memory(void **state)
{
	struct house h;
	char path[128];

	(void)state;
	open_signed_house(&h);
	snprintf(path, sizeof(path), "%s/signer.state", h.state);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(ended(start(&h, "sign", steward_sign_run)), REFUSED);
	/* and again, although the file exists by now */
	assert_int_equal(ended(start(&h, "sign", steward_sign_run)), REFUSED);
	close_house(&h);
}

static void signs_the_same_pair_again(void **state)
{
	struct house h;
	char note[2048];
	pid_t signer;

	(void)state;
	open_signed_house(&h);
	snprintf(note, sizeof(note), "%s", fixture_sql(h.config.database, "select encode(convert_to(note, 'UTF8'), 'hex') from checkpoint"));
	/* the crash between the guard and the table */
	fixture_sql(h.config.database, "delete from published");
	fixture_sql(h.config.database, "delete from checkpoint");
	signer = start(&h, "sign", steward_sign_run);
	wait_for(&h, "select exists(select from checkpoint where size = 1)");
	assert_int_equal(stop(signer), 0);
	assert_string_equal(fixture_sql(h.config.database, "select encode(convert_to(note, 'UTF8'), 'hex') from checkpoint"), note);
	close_house(&h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(publishes_the_first_head),
		cmocka_unit_test(refuses_another_root_for_a_signed_size),
		cmocka_unit_test(refuses_a_log_that_became_shorter),
		cmocka_unit_test(refuses_to_start_without_its_memory),
		cmocka_unit_test(signs_the_same_pair_again),
	};

	if (sodium_init() < 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
