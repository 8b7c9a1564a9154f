/*
 * Resolving agents from the index: an answer comes from one statement and so from one snapshot of it. Tables of migration 0002;
 * who writes them: store_identity.h.
 *
 * Every answer says how far the index reaches, so that "not registered by then" and "not indexed yet" are never mixed
 * up: store_reach_has().
 */
#pragma once

#include "sql/store_identity.h"
#include "sql/store_resolver.h"

/* How far the index of a registry's chain reaches. */
struct store_reach {
	struct store_index index;
	uint64_t start_block; /* of the registry: nothing was before */
	int64_t indexed;      /* of the registry, as struct store_registry.indexed */
	uint64_t final_time;  /* seconds since 1970, of index.final_number's block; 0 unknown */
	bool safe_holds;      /* the `safe` block given stands in the index with that hash: all below it is of its branch */
};

/* Whether all that happened up to the end of that block is in. A registry added later lacks what is between `indexed`
 * and the chain's final block until it has caught up. */
bool store_reach_has(const struct store_reach *reach, uint64_t number);

/* A block the index keeps: those of the overlay, and of the finalized ones those in which something happened. */
struct store_mark {
	bool known;
	uint64_t number;
	uint8_t hash[32];
	uint64_t time; /* seconds since 1970 */
};

/* From when until when something held. until.known false: it still does at the tip. */
struct store_span {
	struct store_mark from, until;
};

struct store_resolved {
	struct store_reach reach;
	struct store_mark at; /* by number: that block, if kept; by time: the newest kept that is not later */
	bool exists;	      /* registered by then; the members below are valid only if so, but `created` */
	struct store_state state; /* uri is the list's */
	struct store_span held;	  /* the state as a whole */
	struct store_span owner, wallet; /* each address; wallet is of the present wallet, also where there is none */
	struct store_mark created;	 /* the first state, also when it is later than asked */
};

struct store_resolve_list {
	struct store_resolved *rows; /* one for each ask, in order */
	size_t n;
	void *uris; /* private */
};
void store_resolve_clear(struct store_resolve_list *list);

enum { STORE_RESOLVE_MAX = 16 };
/* The agent at the ends of `n` blocks, STORE_RESOLVE_MAX at most. safe: the chain's safe head, NULL if unknown. -ENOENT: the index knows no such
 * registry, or nothing of its chain yet. About twenty index probes a block. Whether a block is the one meant says its hash
 * in rows[].at, where there is one. -EAGAIN: too many wait, or no connection stands. */
int store_resolve(struct store_resolver *resolver, struct pg_op *op, struct store_resolve_list *out, uint32_t registry,
		  const uint8_t agent_id[static 32], const struct store_mark *safe, const uint64_t *numbers, size_t n) PG_MUST_CHECK;

/* The same at the safe head and at `latest`, in that order, for an answer about now: of the first its state, and of its spans only when
 * `held` began. */
int store_resolve_pair(struct store_resolver *resolver, struct pg_op *op, struct store_resolve_list *out, uint32_t registry,
		       const uint8_t agent_id[static 32], const struct store_mark *safe, uint64_t latest) PG_MUST_CHECK;

/* The same at the newest block not later than `time` (seconds since 1970). The block itself is known (at, exactly) from
 * index.final_number on; before that only which state was in force. */
int store_resolve_time(struct store_resolver *resolver, struct pg_op *op, struct store_resolve_list *out, uint32_t registry,
		       const uint8_t agent_id[static 32], const struct store_mark *safe, uint64_t time) PG_MUST_CHECK;

/* ---- history ---- */

enum {
	STORE_HISTORY_MAX = 1000,
	STORE_HISTORY_BYTES = 1 << 20, /* of URIs and events in a page; it ends with the first row that goes beyond */
	STORE_HISTORY_EVENTS = 64,     /* of one block */
	STORE_HISTORY_VALUE = 1024,    /* bytes of an event's value */
};

struct store_history_event {
	struct store_event event; /* key: its first 128 bytes. value: data NULL if longer than STORE_HISTORY_VALUE */
	uint64_t value_len;
};

struct store_history_row {
	struct store_mark block;
	struct store_state state; /* uri as in store_resolved */
	const struct store_history_event *events;
	size_t nevents;
	bool events_left_out;
};

struct store_history_page {
	struct store_reach reach;
	struct store_history_row *rows; /* newest first */
	size_t n;
	bool more; /* there are older ones */
	struct store_history_event *events;
	struct store_state who; /* what all rows share */
	PGresult *res;
};
void store_history_page_clear(struct store_history_page *page);

/* The agent's changes in blocks below `before`, newest first, at most `limit` (1 to STORE_HISTORY_MAX), each with the
 * agent's events of its block. n 0: none. -ENOENT as above. */
int store_history_page(struct pg_conn *conn, struct pg_op *op, struct store_history_page *out, uint32_t registry,
		       const uint8_t agent_id[static 32], const struct store_mark *safe, uint64_t before,
		       unsigned limit) PG_MUST_CHECK;
