/*
 * Rows a second of the append transaction against this machine's yardstick: single-row INSERTs of the same bytes,
 * pipelined, each in a transaction of its own. Prints the settings that make the figures honest. Not a test.
 *
 *   bench_append_sql CONNINFO [SECONDS [SQL]]   CONNINFO of a role that may create databases; SQL runs after the
 *                                               migrations, to try a change of the schema
 */
#include <errno.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "sql/migrate.h"
#include "sql/store.h"
#include "sql/store_log.h"

enum { PAYLOAD = 700, BATCH_MAX = 1024, YARD_DEPTH = 64, SUBJECTS = 5000 };

static struct event_base *base;
static struct pg_conn *conn;
static struct pg_conn *yard;
static double seconds = 3;

static const Oid yard_types[] = {20, 17, 17, 17};
static const struct pg_statement yard_statements[] = {
	{.name = "yard",
	 .sql = "INSERT INTO yardstick VALUES ($1, $2, $3, $4)",
	 .nparams = 4,
	 .types = yard_types,
	 .write = true},
};
static const struct pg_statement_set yard_set = {yard_statements, 1};

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static void die(const char *what, int err)
{
	fprintf(stderr, "%s: %s; %s\n", what, strerror(-err), conn ? pg_last_error(conn) : "");
	exit(1);
}

static void execute(const char *conninfo, const char *sql, bool print)
{
	PGconn *pg = PQconnectdb(conninfo);
	PGresult *res = PQexec(pg, sql);

	if (PQresultStatus(res) != PGRES_COMMAND_OK && PQresultStatus(res) != PGRES_TUPLES_OK) {
		fprintf(stderr, "%s: %s", sql, PQerrorMessage(pg));
		exit(1);
	}
	for (int i = 0; print && i < PQntuples(res); i++)
		printf("%s = %s\n", PQgetvalue(res, i, 0), PQgetvalue(res, i, 1));
	PQclear(res);
	PQfinish(pg);
}

static int server_pid;

/* CPU seconds the server's process has used, 0 if it is not on this machine: what other load cannot blur. */
static double server_cpu(void)
{
	char path[64];
	unsigned long user = 0, system = 0;

	snprintf(path, sizeof(path), "/proc/%d/stat", server_pid);
	FILE *file = fopen(path, "r");

	if (!file)
		return 0;
	if (fscanf(file, "%*d (%*[^)]) %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user, &system) != 2)
		user = system = 0;
	fclose(file);
	return (double)(user + system) / (double)sysconf(_SC_CLK_TCK);
}

static void find_server(const char *conninfo)
{
	PGconn *pg = PQconnectdb(conninfo);
	PGresult *res = PQexec(pg, "SELECT pid FROM pg_stat_activity WHERE application_name = 'bench'");

	server_pid = PQntuples(res) == 1 ? (int)strtol(PQgetvalue(res, 0, 0), NULL, 10) : 0;
	PQclear(res);
	PQfinish(pg);
}

/* 32 bytes that differ in every row and are spread like hashes. */
static void fake_hash(uint8_t out[static 32], uint64_t n)
{
	uint64_t x = n * UINT64_C(0x9e3779b97f4a7c15) + 1;

	for (int i = 0; i < 32; i++) {
		x ^= x >> 12;
		x ^= x << 25;
		x ^= x >> 27;
		out[i] = (uint8_t)((x * UINT64_C(0x2545f4914f6cdd1d)) >> 56);
	}
}

struct row {
	uint8_t uid[32], leaf[32], evidence[32];
	char line[640], payload[PAYLOAD], subject[80], issuer[80];
};

static struct row rows[BATCH_MAX];
static struct store_new_entry entries[BATCH_MAX];
static uint8_t uids[BATCH_MAX][32];

static void make_rows(uint64_t seq, size_t n)
{
	static uint64_t serial;

	for (size_t i = 0; i < n; i++) {
		struct row *r = &rows[i];

		serial++;
		fake_hash(r->uid, serial);
		fake_hash(r->leaf, ~serial);
		fake_hash(r->evidence, seq / 1000);
		memset(r->line, 'l', sizeof(r->line));
		memset(r->payload, 'p', sizeof(r->payload));
		memcpy(r->payload, r->uid, 32);
		const int n1 = snprintf(r->subject, sizeof(r->subject), "eip155:8453/erc721:0x%040d/%u", 7,
					(unsigned)r->uid[0] * 256 % SUBJECTS + r->uid[1]);
		const int n2 = snprintf(r->issuer, sizeof(r->issuer), "eip155:8453/erc721:0x%040d/%u", 7, r->uid[2]);

		memcpy(uids[i], r->uid, 32);
		entries[i] = (struct store_new_entry){.kind = "attestation",
						      .uid = r->uid,
						      .issuer = pg_bytes(r->issuer, (size_t)n2),
						      .subject = pg_bytes(r->subject, (size_t)n1),
						      .leaf = r->leaf,
						      .line = pg_bytes(r->line, sizeof(r->line)),
						      .payload = pg_bytes(r->payload, sizeof(r->payload)),
						      .evidence_hash = r->evidence,
						      .evidence = pg_text("{\"chain\":\"eip155:8453\"}")};
	}
}

static uint8_t tile_hashes[STORE_TILE_BYTES];

/* One append of n rows, with the tiles it completes. */
static void append(size_t n)
{
	struct store_append_state state;
	struct store_new_tile tiles[8];
	struct pg_op op = {0};
	struct pg_txn *txn;
	size_t ntiles = 0;
	uint8_t edge[STORE_EDGE_MAX][32] = {{0}};
	size_t nedge = 0;
	int err = pg_txn_begin(conn, &txn);

	if (err)
		die("begin", err);
	err = pg_wait(base, &op,
		      store_append_lock(txn, &op, &state,
					&(struct store_append_ask){.nentries = n, .uids = uids, .nuids = n}));
	if (err)
		die("lock", err);
	for (uint64_t t = state.head.size / 256; t < (state.head.size + n) / 256; t++)
		tiles[ntiles++] =
			(struct store_new_tile){.level = 0, .index = t, .hashes = tile_hashes, .root = tile_hashes};
	for (uint64_t bits = state.head.size + n; bits; bits &= bits - 1)
		nedge++;
	const struct store_append a = {.old_size = state.head.size,
				       .at = state.clock_ms,
				       .entries = entries,
				       .nentries = n,
				       .tiles = tiles,
				       .ntiles = ntiles,
				       .edge = edge,
				       .nedge = nedge};

	err = pg_wait(base, &op, store_append_commit(txn, &op, &a));
	if (err)
		die("append", err);
	store_append_state_clear(&state);
}

static int compare(const void *a, const void *b)
{
	const double x = *(const double *)a;
	const double y = *(const double *)b;

	return (x > y) - (x < y);
}

static void measure(size_t batch, double yardstick)
{
	static double took[200000];
	const double start = now();
	const double cpu = server_cpu();
	size_t n = 0;

	while (now() - start < seconds && n < sizeof(took) / sizeof(*took)) {
		make_rows(n * batch, batch);
		const double before = now();

		append(batch);
		took[n++] = now() - before;
	}
	const double rate = (double)(n * batch) / (now() - start);

	qsort(took, n, sizeof(*took), compare);
	printf("%6zu %10.0f %8.2f %8.2f %8.2f %12.1f\n", batch, rate, rate / yardstick, took[n / 2] * 1e3,
	       took[n * 99 / 100] * 1e3, (server_cpu() - cpu) * 1e6 / (double)(n * batch));
	fflush(stdout);
}

static size_t answered;

static void on_yard(void *arg, int err, PGresult *res)
{
	(void)arg;
	PQclear(res);
	if (err)
		die("yardstick", err);
	answered++;
}

static double measure_yardstick(void)
{
	const double start = now();
	size_t asked = 0;

	while (now() - start < seconds) {
		while (asked - answered < YARD_DEPTH) {
			struct pg_params params;

			make_rows(asked, 1);
			pg_params_init(&params);
			pg_param_u64(&params, asked++);
			pg_param_hash(&params, rows[0].uid);
			pg_param_bytes(&params, pg_bytes(rows[0].line, sizeof(rows[0].line)));
			pg_param_bytes(&params, pg_bytes(rows[0].payload, sizeof(rows[0].payload)));
			const int err = pg_query(yard, &yard_statements[0], &params, on_yard, NULL);

			pg_params_clear(&params);
			if (err)
				die("yardstick", err);
		}
		event_base_loop(base, EVLOOP_ONCE);
	}
	return (double)answered / (now() - start);
}

int main(int argc, char **argv)
{
	static const size_t batches[] = {1, 16, 64, 256, 1024};
	char db[1024];
	char why[256];
	struct pg_op op = {0};
	int err;

	if (argc < 2) {
		fprintf(stderr, "usage: bench_append_sql CONNINFO [SECONDS [SQL]]\n");
		return 2;
	}
	if (argc > 2)
		seconds = strtod(argv[2], NULL);
	execute(argv[1], "DROP DATABASE IF EXISTS bench_append_sql WITH (FORCE)", false);
	execute(argv[1], "CREATE DATABASE bench_append_sql", false);
	snprintf(db, sizeof(db), "%s dbname=bench_append_sql", argv[1]);
	if (migrate_apply(NULL, why, sizeof(why), db)) {
		fprintf(stderr, "%s\n", why);
		return 1;
	}
	if (argc > 3)
		execute(db, argv[3], false);
	execute(db, "CREATE TABLE yardstick (n bigint PRIMARY KEY, uid bytea UNIQUE, line bytea, body bytea)", false);
	execute(db,
		"SELECT name, current_setting(name) FROM unnest(ARRAY['server_version', 'fsync', 'synchronous_commit',"
		" 'full_page_writes', 'data_checksums', 'shared_buffers', 'max_wal_size']) name",
		true);
	base = event_base_new();
	err = store_open(&conn, base, db, "bench", STORE_WRITER, NULL, NULL);
	if (!err)
		err = pg_open(&yard, base, &(struct pg_config){.conninfo = db, .sets = &yard_set, .nsets = 1});
	if (!err)
		err = pg_wait_up(base, conn, 5000);
	if (!err)
		err = pg_wait_up(base, yard, 5000);
	if (!err)
		err = pg_wait(base, &op, store_head_create(conn, &op, "bench/log"));
	if (err)
		die("opening", err);
	find_server(db);
	const double yardstick = measure_yardstick();

	printf("yardstick: pipelined single-row autocommit INSERT, depth %d: %.0f rows/s\n", YARD_DEPTH, yardstick);
	printf("%6s %10s %8s %8s %8s %12s\n", "batch", "rows/s", "ratio", "p50 ms", "p99 ms", "CPU us/row");
	for (size_t i = 0; i < sizeof(batches) / sizeof(*batches); i++)
		measure(batches[i], yardstick);
	pg_close(conn);
	pg_close(yard);
	event_base_free(base);
	execute(argv[1], "DROP DATABASE bench_append_sql WITH (FORCE)", false);
	return 0;
}
