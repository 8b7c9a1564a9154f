#pragma once
/* Reading an agent for an answer: from the index where that reaches, else from the chain's node.
 *
 * What comes from the index comes from one statement, so of one branch; it is taken for "now" only if its blocks of the
 * heads' numbers have the heads' hashes. Either way nothing is a mix of two branches. All of a reading borrows from the
 * request and lives as long as it. */
#include "gateway/links/link_list.h"
#include "gateway/routes/service.h"
#include "sql/store_link_read.h"
#include "sql/store_resolve.h"

enum { READING_FILE_MS = 14 * 86400 * 1000, READING_BEHIND = 32 /* blocks */ };

/* How much of the chain is settled, for the one branch that a reading is of. */
struct reading_scope {
	bool has_final, has_safe;
	uint64_t final, safe; /* block numbers */
};

/* "final", "safe" or "latest". */
const char *reading_finality(const struct reading_scope *scope, uint64_t number);

/* What the registry holds at the end of one block. */
struct reading_state {
	bool exists;
	struct eth_address owner, wallet; /* wallet zero: none */
	struct pg_bytes uri;		  /* data NULL: absent, or not asked for */
	enum store_tier tier;
};

/* Now: at both ends of uncertainty. */
struct reading_now {
	bool indexed; /* from the index; else the node's word */
	struct reading_scope scope;
	struct store_mark safe_block, latest_block; /* time 0 where not indexed */
	struct reading_state safe, latest;
	const struct store_resolved *row; /* of latest; NULL if not indexed */
	/* What the URI held at both ends (as far as the index knows) led to when it could last be had, if that is not too long
	 * ago and the index not far behind; else NULL. */
	const struct store_file *file;
	/* The same of links; those of the file only while `file` is one. NULL: none, or (links_known false) nothing can be said of them now. */
	bool links_known;
	const struct link_list *links;
};

enum reading_parts {
	READING_KEYS = 0, /* owner and wallet; URIs only if they cost nothing */
	READING_URI = 1,
	READING_FILE = 2, /* and links; where indexed */
};

/* Calls on_now exactly once, maybe before it returns. err: 0; -EAGAIN and the rest: the chain cannot be read now (now is NULL). */
typedef void reading_on_now(void *arg, int err, const struct reading_now *now);
void reading_now(struct http_request *req, const struct service_registry *registry, const struct agent_key *key,
		 enum reading_parts parts, reading_on_now *on_now, void *arg);

/* The links of a reading, from what the store has; *out NULL: none. For link_list_free(). 0, -EINVAL, -ENOMEM. */
__attribute__((warn_unused_result)) int reading_links(struct link_list **out, const struct service *service, const struct agent_key *key,
						      const struct reading_now *now, const struct store_links *stored);
/* All of them in one list, a new one, with those that need no claim. */
__attribute__((warn_unused_result)) int reading_links_all(struct link_list **out, const struct service *service, const struct agent_key *key,
							  const struct reading_now *now);

/* A point of the past: `123`, `2026-11-20T17:00:00Z`, or an instant with a fraction, as snapshots of files have them. */
struct reading_when {
	bool by_time;
	uint64_t at; /* block number, or seconds since 1970: blocks have no fractions */
	unsigned ms; /* of the fraction, cut */
};
/* 0 or -EBADMSG: neither a decimal number below 2^63 without leading zeros nor such a time (RFC 3339 in UTC with "T" and "Z", a
 * fraction of at most nine digits). */
__attribute__((warn_unused_result)) int reading_when_parse(struct reading_when *out, const char *text);

struct reading_at {
	bool indexed;
	struct reading_scope scope;
	bool has_number; /* false: by time, and the index kept only which state was in force then */
	uint64_t number;
	struct store_mark block; /* known only if the index kept it, or the node gave it */
	const char *finality;	 /* of all that the answer depends on */
	struct reading_state state;
	const struct store_resolved *row; /* NULL if not indexed */
};

/* Whether nothing about the answer, its end included, can change any more. */
bool reading_is_settled(const struct reading_at *at);

/* As reading_now(). err: 0 (state.exists or not); -ENOENT there was no registry yet (at is NULL); -ERANGE there is no such
 * block yet; -EALREADY the index has not come there and the node cannot say; the rest as there. */
typedef void reading_on_at(void *arg, int err, const struct reading_at *at);
void reading_at(struct http_request *req, const struct service_registry *registry, const struct agent_key *key,
		const struct reading_when *when, reading_on_at *on_at, void *arg);

/* The chain's safe head, for the store's readers; known false if the heads are too old to say. */
struct store_mark reading_safe(const struct service_registry *registry);
/* What the index and the heads say together. */
struct reading_scope reading_scope_of(const struct store_reach *reach, const struct store_mark *safe);
