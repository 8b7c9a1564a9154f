/* Where tests get their PostgreSQL from. */
#include "tests/sql/fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sql/migrate.h"

enum { DATABASES_MAX = 64, DROPS_MAX = 50 };

static char **kept; /* all that was answered: tests poll, so it grows */
static size_t nkept, kept_room;
static char own_dir[64];
static char server[512];
static char databases[DATABASES_MAX][64];
static size_t ndatabases;

static void die(const char *what, const char *detail)
{
	fprintf(stderr, "fixture: %s: %s\n", what, detail);
	exit(1);
}

static const char *keep(const char *text)
{
	char *copy = strdup(text);

	if (nkept == kept_room) {
		kept_room = kept_room ? 2 * kept_room : 64;
		kept = realloc(kept, kept_room * sizeof(*kept));
	}
	if (!copy || !kept)
		die("out of room", text);
	kept[nkept++] = copy;
	return copy;
}

static void script(const char *verb, const char *dir, char *out, size_t out_size)
{
	char command[1024];

	snprintf(command, sizeof(command), "%s %s %s", KEDGE_CLUSTER_SH, verb, dir);
	FILE *pipe = popen(command, "r");

	if (!pipe)
		die("cannot run", command);
	if (out && !fgets(out, (int)out_size, pipe))
		out[0] = '\0';
	if (out)
		out[strcspn(out, "\n")] = '\0';
	if (pclose(pipe) != 0)
		die("failed", command);
}

static void at_exit(void)
{
	char sql[128];

	for (size_t i = 0; i < ndatabases; i++) {
		snprintf(sql, sizeof(sql), "DROP DATABASE IF EXISTS %.63s WITH (FORCE)", databases[i]);
		/* an autovacuum worker in the database is a superuser's, and so cannot be forced out: it leaves by itself */
		for (int tries = 0; tries < DROPS_MAX && strcmp(fixture_sqlstate(server, sql), "00000") != 0; tries++)
			usleep(100000);
	}
	if (own_dir[0])
		script("drop", own_dir, NULL, 0);
	while (nkept)
		free(kept[--nkept]);
	free(kept);
	kept = NULL;
}

const char *fixture_server(void)
{
	const char *given = getenv("KEDGE_TEST_PG");
	const char *dir = getenv("KEDGE_TEST_PG_DIR");

	if (server[0])
		return server;
	if (given) {
		snprintf(server, sizeof(server), "%s", given);
	} else if (dir) {
		script("conninfo", dir, server, sizeof(server));
	} else {
		snprintf(own_dir, sizeof(own_dir), "/tmp/kedge-test-pg-%ld", (long)getpid());
		script("start", own_dir, NULL, 0);
		script("conninfo", own_dir, server, sizeof(server));
	}
	atexit(at_exit);
	return server;
}

const char *fixture_database(void)
{
	char text[700];

	fixture_server();
	if (ndatabases == DATABASES_MAX)
		die("too many databases", "");
	snprintf(databases[ndatabases], sizeof(databases[0]), "t_%ld_%zu", (long)getpid(), ndatabases);
	snprintf(text, sizeof(text), "CREATE DATABASE %s", databases[ndatabases]);
	fixture_sql(server, text);
	snprintf(text, sizeof(text), "%s dbname=%s", server, databases[ndatabases++]);
	return keep(text);
}

const char *fixture_migrated(void)
{
	const char *conninfo = fixture_database();
	char why[256];

	if (migrate_apply(NULL, why, sizeof(why), conninfo))
		die("migrating", why);
	return conninfo;
}

const char *fixture_as(const char *conninfo, const char *user)
{
	char text[700];

	snprintf(text, sizeof(text), "%s user=%s", conninfo, user);
	return keep(text);
}

static PGresult *execute(PGconn **pg, const char *conninfo, const char *sql)
{
	*pg = PQconnectdb(conninfo);
	if (PQstatus(*pg) != CONNECTION_OK)
		die(conninfo, PQerrorMessage(*pg));
	PQclear(PQexec(*pg, "SET client_min_messages = error"));
	return PQexec(*pg, sql);
}

const char *fixture_sql(const char *conninfo, const char *sql)
{
	PGconn *pg;
	PGresult *res = execute(&pg, conninfo, sql);
	const ExecStatusType status = PQresultStatus(res);

	if (status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK)
		die(sql, PQerrorMessage(pg));
	const char *value = keep(PQntuples(res) ? PQgetvalue(res, 0, 0) : "");

	PQclear(res);
	PQfinish(pg);
	return value;
}

const char *fixture_sqlstate(const char *conninfo, const char *sql)
{
	PGconn *pg;
	PGresult *res = execute(&pg, conninfo, sql);
	const char *state = PQresultErrorField(res, PG_DIAG_SQLSTATE);
	const char *value = keep(state ? state : "00000");

	PQclear(res);
	PQfinish(pg);
	return value;
}
