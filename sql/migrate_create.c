/* The database itself, which cannot be made over a connection to it. */
#include "sql/migrate.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static void say(char *why, size_t why_size, const char *text)
{
	snprintf(why, why_size, "%s", text);
	why[strcspn(why, "\n")] = '\0';
}

/* name gets the database's name, of at most NAMEDATALEN - 1 bytes. */
static int read_name(char name[static 64], char *why, size_t why_size, const char *conninfo)
{
	char *reason = NULL;
	PQconninfoOption *parsed = PQconninfoParse(conninfo, &reason);
	size_t len = 0;

	for (PQconninfoOption *o = parsed; o && o->keyword; o++) {
		if (strcmp(o->keyword, "dbname") != 0 || !o->val)
			continue;
		len = strlen(o->val);
		if (len < 64)
			memcpy(name, o->val, len + 1);
	}
	PQconninfoFree(parsed);
	if (reason || len == 0 || len >= 64) {
		say(why, why_size, reason ? reason : len == 0 ? "names no dbname" : "the dbname is too long");
		PQfreemem(reason);
		return -EINVAL;
	}
	return 0;
}

static PGresult *create(PGconn *pg, const char *name)
{
	const char *const values[1] = {name};
	PGresult *res = PQexecParams(pg, "SELECT 1 FROM pg_database WHERE datname = $1", 1, NULL, values, NULL, NULL, 0);
	char sql[256];

	if (PQresultStatus(res) != PGRES_TUPLES_OK || PQntuples(res) > 0)
		return res;
	PQclear(res);
	char *quoted = PQescapeIdentifier(pg, name, strlen(name));

	if (!quoted)
		return NULL;
	snprintf(sql, sizeof(sql), "CREATE DATABASE %s ENCODING 'UTF8' TEMPLATE template0", quoted);
	PQfreemem(quoted);
	return PQexec(pg, sql);
}

int migrate_create_database(char *why, size_t why_size, const char *conninfo)
{
	char name[64];
	/* The first dbname is read as a whole conninfo, the second overrides the one in it. */
	const char *const keywords[] = {"dbname", "dbname", NULL};
	const char *const values[] = {conninfo, "postgres", NULL};
	int err = read_name(name, why, why_size, conninfo);

	if (err)
		return err;
	PGconn *pg = PQconnectdbParams(keywords, values, 1);

	if (PQstatus(pg) == CONNECTION_OK) {
		PGresult *res = create(pg, name);
		const ExecStatusType status = PQresultStatus(res);

		err = status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK ? 0 : -EPROTO;
		PQclear(res);
	} else {
		err = -EIO;
	}
	if (err)
		say(why, why_size, PQerrorMessage(pg));
	PQfinish(pg);
	return err;
}
