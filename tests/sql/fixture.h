/*
 * A PostgreSQL for tests: the cluster ctest started (KEDGE_TEST_PG_DIR), or the one KEDGE_TEST_PG names (libpq keywords
 * of a role that may create databases), or a private one of this binary's own, removed at exit. Each test binary works
 * in databases of its own.
 */
#pragma once

#include <event2/event.h>
#include <libpq-fe.h>
#include <stdbool.h>
#include <stddef.h>

/* libpq keywords of the server's default database as kedge_owner. Starts a cluster if there is none; aborts if it
 * cannot. */
const char *fixture_server(void);

/* Creates an empty database, dropped at exit. Valid until exit. */
const char *fixture_database(void);

/* The same with all migrations applied. */
const char *fixture_migrated(void);

/* The given keywords with another user. Valid until exit. */
const char *fixture_as(const char *conninfo, const char *user);

/* Runs SQL on a short connection of its own; aborts on an error. Returns the first field of the first row, "" if none.
 * Valid until exit. */
const char *fixture_sql(const char *conninfo, const char *sql);

/* The SQLSTATE the SQL fails with, "00000" if it succeeds. */
const char *fixture_sqlstate(const char *conninfo, const char *sql);
