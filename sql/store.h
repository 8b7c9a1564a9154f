/*
 * Opens a connection that knows every statement of the stores. Sizes and seqs are numbers of entries, times are
 * milliseconds since 1970, hashes are raw 32 bytes, texts are UTF-8 without a terminating zero.
 *
 * Conventions of all store_ functions: they start an operation (pg.h, struct pg_op) and fill caller-owned outputs;
 * an output that holds a `res` borrows from it and is released by its _clear function, after success only (clearing a
 * zeroed or failed one is harmless). -ENOENT is "no such row".
 *
 * NOTIFY channels, sent inside the transactions that cause them; the payload is decimal:
 *   kedge_head        the log's new size
 *   kedge_checkpoint  size of a new commit checkpoint
 *   kedge_published   size of a newly published checkpoint
 *   kedge_chain       number of the newest block of chain_head
 *   kedge_anchor      size of an anchor whose state changed
 *   kedge_index       number of the newest block of a chain's index, after a step forward or back (store_identity.h)
 *   kedge_participant_request  of a request that waits for the duty (store_participant.h)
 *   kedge_participant          of a request that was answered
 *   kedge_links        a subject whose claims or their states changed (store_link.h); no number
 *   kedge_links_check  a subject whose claims are to be asked at once
 */
#pragma once

#include "sql/pg.h"

/* A duty's claim (store_duty.h), checked in the transaction of the write that takes it: -ESTALE if another took over.
 */
struct store_fence {
	const char *duty;
	uint64_t epoch;
};

enum store_role {
	STORE_READER,
	STORE_WRITER, /* bounds the time it may sit idle holding the log's head: 5 s */
	/* The same, and its statements may take ten minutes: a registry of hundreds of thousands of agents joins the index in
	 * one transaction, and leaves it in one. */
	STORE_WRITER_OF_MUCH,
};

int store_open(struct pg_conn **conn, struct event_base *base, const char *conninfo, const char *application_name,
	       enum store_role role, void (*on_state)(void *arg, bool up), void *arg) PG_MUST_CHECK;

/* The sets and settings store_open() uses, for callers who fill a pg_config themselves. */
/* *out gets the list, which lives for ever; returns its length. */
size_t store_statement_sets(const struct pg_statement_set **out);
extern const char *const store_reader_settings[];
extern const char *const store_writer_settings[];
