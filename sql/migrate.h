/*
 * The schema's migrations: sql/migrations/NNNN_name.sql, embedded at build, numbered from 0001 without gaps, each run
 * once in one transaction, forward only; number, name and SHA-256 are recorded in table schema_migration.
 * Blocking, on a connection of its own, serialised by an advisory lock. For start-up and `kedge db`, not for the loop.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "sql/pg.h"

/*
 * Makes the database that conninfo names, unless it is there; over the server's database "postgres", with the rights of
 * conninfo's user. -EINVAL: conninfo cannot be read or names no database. -EIO: cannot connect. -EPROTO: refused.
 */
int migrate_create_database(char *why, size_t why_size, const char *conninfo) PG_MUST_CHECK;

/*
 * Empties the index of the registries (migration 0002), so that it is filled anew from the chains: after an alarm, when the
 * chain really is another. What is nowhere else stays: hosted files, the log. Its duties notice by their fence. With the
 * rights of the schema's owner. -EIO: cannot connect. -EPROTO: refused.
 */
int migrate_reindex(char *why, size_t why_size, const char *conninfo) PG_MUST_CHECK;

struct migration {
	unsigned number;
	const char *name;   /* "0001_log" */
	const char *sha256; /* lower-case hex of the file */
	const uint8_t *sql; /* the file */
	size_t sql_len;
};

extern const struct migration migrate_embedded[];
extern const size_t migrate_nembedded;

/*
 * Applies what is missing. `applied` (may be NULL) gets the number run. `why` gets one line on failure.
 * -ESTALE: what is recorded differs from what is embedded (or is newer); nothing was changed.
 * -EIO: cannot connect. -EPROTO: a migration failed and was rolled back.
 */
int migrate_apply(size_t *applied, char *why, size_t why_size, const char *conninfo) PG_MUST_CHECK;

/* 0 if exactly the embedded migrations are recorded; -ENOENT some are missing; -ESTALE a mismatch; -EIO. Changes
 * nothing. */
int migrate_check(char *why, size_t why_size, const char *conninfo) PG_MUST_CHECK;

/* The same over a given list: what tests use. */
int migrate_apply_list(size_t *applied, char *why, size_t why_size, const char *conninfo, const struct migration *list,
		       size_t n) PG_MUST_CHECK;
int migrate_check_list(char *why, size_t why_size, const char *conninfo, const struct migration *list,
		       size_t n) PG_MUST_CHECK;
