/* Migrations: blocking, on a connection of their own, each in one transaction with its own record. */
#include "sql/migrate.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The advisory lock that orders concurrent migrations: "kedgemig" as a number. */
#define LOCK "7738702835227552103"

static int fail(char *why, size_t why_size, int err, const char *text)
{
	if (why && why_size) {
		snprintf(why, why_size, "%s", text);
		why[strcspn(why, "\n")] = '\0';
	}
	return err;
}

/* Runs SQL that answers with a status or rows; *res (may be NULL) is the caller's. */
static int run(PGconn *pg, PGresult **res, char *why, size_t why_size, const char *sql)
{
	PGresult *r = PQexec(pg, sql);
	const ExecStatusType status = PQresultStatus(r);
	int err = 0;

	if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK)
		err = fail(why, why_size, PQstatus(pg) == CONNECTION_OK ? -EPROTO : -EIO, PQerrorMessage(pg));
	if (res && !err)
		*res = r;
	else
		PQclear(r);
	return err;
}

static int open_connection(PGconn **pg, char *why, size_t why_size, const char *conninfo)
{
	*pg = PQconnectdb(conninfo);
	if (PQstatus(*pg) == CONNECTION_OK)
		return 0;
	fail(why, why_size, -EIO, PQerrorMessage(*pg));
	PQfinish(*pg);
	*pg = NULL;
	return -EIO;
}

/* What is recorded must be a prefix of the list; *recorded gets its length. */
static int compare(PGconn *pg, size_t *recorded, char *why, size_t why_size, const struct migration *list, size_t n)
{
	PGresult *res = NULL;
	char text[256];
	int err;

	*recorded = 0;
	err = run(pg, &res, why, why_size, "SELECT to_regclass('schema_migration') IS NOT NULL");
	if (err)
		return err;
	const bool exists = *PQgetvalue(res, 0, 0) == 't';

	PQclear(res);
	if (!exists)
		return 0;
	err = run(pg, &res, why, why_size, "SELECT number, name, sha256 FROM schema_migration ORDER BY number");
	if (err)
		return err;
	for (int i = 0; !err && i < PQntuples(res); i++) {
		const size_t at = (size_t)i;

		if (at < n && strtoul(PQgetvalue(res, i, 0), NULL, 10) == list[at].number &&
		    !strcmp(PQgetvalue(res, i, 1), list[at].name) && !strcmp(PQgetvalue(res, i, 2), list[at].sha256))
			continue;
		snprintf(text, sizeof(text), "the database has migration %.64s, this program %s", PQgetvalue(res, i, 1),
			 at < n ? "another one in its place" : "does not know it");
		err = fail(why, why_size, -ESTALE, text);
	}
	*recorded = (size_t)PQntuples(res);
	PQclear(res);
	return err;
}

static int record(PGconn *pg, char *why, size_t why_size, const struct migration *m)
{
	char number[16];
	const char *const values[] = {number, m->name, m->sha256};
	int err = 0;

	snprintf(number, sizeof(number), "%u", m->number);
	PGresult *res = PQexecParams(pg, "INSERT INTO schema_migration (number, name, sha256) VALUES ($1, $2, $3)", 3,
				     NULL, values, NULL, NULL, 0);

	if (PQresultStatus(res) != PGRES_COMMAND_OK)
		err = fail(why, why_size, -EPROTO, PQerrorMessage(pg));
	PQclear(res);
	return err;
}

static int apply_one(PGconn *pg, char *why, size_t why_size, const struct migration *m)
{
	char *sql = malloc(m->sql_len + 1);
	int err;

	if (!sql)
		return fail(why, why_size, -ENOMEM, "out of memory");
	memcpy(sql, m->sql, m->sql_len);
	sql[m->sql_len] = '\0';
	err = run(pg, NULL, why, why_size, "BEGIN");
	if (!err)
		err = run(pg, NULL, why, why_size, sql);
	if (!err)
		err = record(pg, why, why_size, m);
	if (!err)
		err = run(pg, NULL, why, why_size, "COMMIT");
	else
		run(pg, NULL, NULL, 0, "ROLLBACK");
	free(sql);
	return err;
}

int migrate_apply_list(size_t *applied, char *why, size_t why_size, const char *conninfo, const struct migration *list,
		       size_t n)
{
	PGconn *pg;
	size_t recorded = 0;
	int err = open_connection(&pg, why, why_size, conninfo);

	if (applied)
		*applied = 0;
	if (err)
		return err;
	err = run(pg, NULL, why, why_size, "SET client_min_messages = warning; SELECT pg_advisory_lock(" LOCK ")");
	if (!err)
		err = compare(pg, &recorded, why, why_size, list, n);
	if (!err && recorded == 0)
		err = run(pg, NULL, why, why_size,
			  "CREATE TABLE IF NOT EXISTS schema_migration ("
			  "number integer PRIMARY KEY, name text NOT NULL UNIQUE, sha256 text NOT NULL,"
			  "applied_at timestamptz NOT NULL DEFAULT now());"
			  "COMMENT ON TABLE schema_migration IS 'Which migrations ran, and the SHA-256 of each file.'");
	for (size_t i = recorded; !err && i < n; i++) {
		err = apply_one(pg, why, why_size, &list[i]);
		if (!err && applied)
			++*applied;
	}
	PQfinish(pg);
	return err;
}

int migrate_check_list(char *why, size_t why_size, const char *conninfo, const struct migration *list, size_t n)
{
	PGconn *pg;
	size_t recorded = 0;
	int err = open_connection(&pg, why, why_size, conninfo);

	if (err)
		return err;
	err = compare(pg, &recorded, why, why_size, list, n);
	if (!err && recorded < n)
		err = fail(why, why_size, -ENOENT, "the database lacks migrations of this program");
	PQfinish(pg);
	return err;
}

int migrate_apply(size_t *applied, char *why, size_t why_size, const char *conninfo)
{
	return migrate_apply_list(applied, why, why_size, conninfo, migrate_embedded, migrate_nembedded);
}

int migrate_check(char *why, size_t why_size, const char *conninfo)
{
	return migrate_check_list(why, why_size, conninfo, migrate_embedded, migrate_nembedded);
}
