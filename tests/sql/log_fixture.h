/* A migrated database with a log in it, a writer and a reader, and appends with invented hashes. */
#pragma once

#include <event2/event.h>
#include <stdint.h>

#include "sql/store_log.h"

struct log_fixture {
	const char *conninfo;
	struct event_base *base;
	struct pg_conn *writer;
	struct pg_conn *reader;
};

/* Connects as kedge_app to a new database; the log's head exists. */
void log_fixture_open(struct log_fixture *f);
/* The same for an existing database. */
void log_fixture_connect(struct log_fixture *f, const char *conninfo);
void log_fixture_close(struct log_fixture *f);

/* 32 bytes that depend on a number and a purpose. */
void log_fixture_hash(uint8_t out[static 32], char purpose, uint64_t number);

/*
 * Appends n attestations as one transaction: entry seq has uid hash('u', seq), leaf hash('l', seq), line "line SEQ",
 * payload "payload SEQ", one shared evidence, issuer "issuer", subject "subject SEQ%7". Writes no tiles. Returns the
 * commit's result.
 */
int log_fixture_append(struct log_fixture *f, size_t n);

/* Appends one index head. */
int log_fixture_append_index(struct log_fixture *f);

#define WAIT(f, op, start) pg_wait((f)->base, op, start)
