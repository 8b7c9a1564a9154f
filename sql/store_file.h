/*
 * Registration files: snapshots of what agents' URIs lead to, when to look again, which domains name the agent back,
 * and the files this gateway hosts. Migration 0002; docs/formats.md section 12. Times are milliseconds since 1970.
 *
 * Snapshots are of agents in agent_now: when a reorganisation takes the agent or the URI away, store_index_drop() takes
 * the snapshots of them too. One writer (duty "files", fenced) for all but hosted files, which any worker writes.
 * Texts must be UTF-8 without NUL: anything else is -EILSEQ (NUL) or -EPROTO (PostgreSQL refuses it).
 */
#pragma once

#include "sql/store.h"
#include "sql/store_link.h"

enum {
	STORE_FILE_MAX = 262144,       /* bytes of a snapshot's body */
	STORE_FILE_STATUS_MAX = 32,    /* of its status, */
	STORE_FILE_DETAIL_MAX = 512,   /* its detail */
	STORE_FILE_NAME_MAX = 1024,    /* and the name in it */
	STORE_FILE_SERVICES_MAX = 256, /* service names searched for */
	STORE_HOSTED_MAX = 65536,      /* bytes of a hosted file */
	STORE_HOSTED_FILES = 8,	       /* of an agent */
};

/* A snapshot. Borrowed bytes: the caller's when written, the list's `res` when read. */
struct store_file {
	uint32_t registry;
	uint8_t agent_id[32];
	uint64_t at, seen;	/* first and last seen so */
	struct pg_bytes uri;	/* the URI's bytes as the registry holds them */
	struct pg_bytes status; /* "ok", or a word of docs/formats.md section 12 */
	struct pg_bytes detail; /* for people; may be empty */
	bool has_content;
	uint8_t content[32];  /* SHA-256 of the bytes fetched */
	struct pg_bytes body; /* those bytes; data NULL: not kept, or (reading) not asked for */
	struct pg_bytes name; /* data NULL: none */
	bool back;	      /* its registrations name this agent */
};

/* What is searched for and when to look again. */
struct store_file_now {
	uint64_t due;
	bool keep;			 /* name and services stay as they are: the file could not be had this time */
	struct pg_bytes name;		 /* data NULL: none */
	const struct pg_bytes *services; /* service names; compared in lower case */
	size_t nservices;
	/* What it claims of others, unless `keep`: then they stay. subject: the agent's key text; data NULL: claims are left alone. */
	struct pg_bytes subject;
	const struct store_link_claim *claims;
	size_t nclaims;
};

/*
 * What was found at file->at (`seen` is not read). If URI, status, content, name and `back` are those of the agent's
 * newest snapshot only its `seen` moves, and it keeps its detail; otherwise it is a new snapshot, at least 1 ms after
 * the newest. Sets *now either way. -ENOENT: the agent, or its URI, is not in the index (any more): nothing written.
 * -ESTALE, -EOVERFLOW (a limit above).
 */
int store_file_put(struct pg_conn *conn, struct pg_op *op, const struct store_fence *fence,
		   const struct store_file *file, const struct store_file_now *now) PG_MUST_CHECK;

/* Snapshots of an agent. */
struct store_files {
	struct store_file *rows;
	size_t n;
	PGresult *res;
};
void store_files_clear(struct store_files *list);

#define STORE_FILE_NEWEST ((uint64_t)INT64_MAX)

/* The snapshot in force at an instant: the newest with at <= `at`; STORE_FILE_NEWEST for the newest. One row with its
 * body, or -ENOENT. */
int store_file_at(struct pg_conn *conn, struct pg_op *op, struct store_files *out, uint32_t registry,
		  const uint8_t agent_id[static 32], uint64_t at) PG_MUST_CHECK;
/* Newest first, those with at < before (STORE_FILE_NEWEST: all), at most limit (1 to 1000, else -EINVAL), without
 * bodies. */
int store_file_list(struct pg_conn *conn, struct pg_op *op, struct store_files *out, uint32_t registry,
		    const uint8_t agent_id[static 32], uint64_t before, unsigned limit) PG_MUST_CHECK;

/*
 * The agents whose file is to be looked at, at most limit (1 to 1000): those whose file_now.due <= now, the longest due
 * first and at most half of limit (so that neither kind starves the other), then those never looked at or whose URI is
 * another one since. Every one of them stays in the list until store_file_put() is called for it with the URI given
 * here.
 */
struct store_file_due {
	uint32_t registry;
	uint64_t chain_id;
	uint8_t address[20]; /* of the registry */
	uint8_t agent_id[32];
	struct pg_bytes uri;
};
struct store_files_due {
	struct store_file_due *rows;
	size_t n;
	PGresult *res;
};
void store_files_due_clear(struct store_files_due *list);
int store_file_due(struct pg_conn *conn, struct pg_op *op, struct store_files_due *out, uint64_t now,
		   unsigned limit) PG_MUST_CHECK;

/* ---- domains ---- */

struct store_domain {
	struct pg_bytes domain; /* 1 to 255 bytes */
	struct pg_bytes state;	/* a word of docs/formats.md section 12, 1 to 32 bytes */
	uint64_t at;		/* when last looked */
};
struct store_domains {
	struct store_domain *rows;
	size_t n;
	PGresult *res;
};
void store_domains_clear(struct store_domains *list);

/* These are the agent's domains now (distinct); others it had are deleted. -ENOENT: no such agent. */
int store_domains_put(struct pg_conn *conn, struct pg_op *op, const struct store_fence *fence, uint32_t registry,
		      const uint8_t agent_id[static 32], const struct store_domain *domains, size_t n) PG_MUST_CHECK;
/* Ascending by domain. */
int store_domains(struct pg_conn *conn, struct pg_op *op, struct store_domains *out, uint32_t registry,
		  const uint8_t agent_id[static 32]) PG_MUST_CHECK;

/* ---- hosted files ---- */

struct store_hosted {
	uint32_t registry;
	uint8_t agent_id[32];
	struct pg_bytes name; /* [a-z0-9][a-z0-9._-]{0,63} */
	struct pg_bytes uri;  /* where it is found; not read */
	struct pg_bytes body; /* data NULL in lists */
	uint64_t size;	      /* of body; not read when written */
	uint8_t content[32];  /* SHA-256 of body */
	uint8_t owner[20];    /* who signed for it */
	uint64_t number;      /* of the write, below 2^63 */
	uint64_t at;
};
struct store_hosted_list {
	struct store_hosted *rows;
	size_t n;
	PGresult *res;
};
void store_hosted_clear(struct store_hosted_list *list);

/*
 * Writes or replaces a file; an agent whose URI is the file's becomes due, here and when it is removed. `number` must be above every number of an earlier write or deletion for that agent, so
 * that no signature counts twice. -EEXIST: it is not; -EDQUOT: a ninth file; -EOVERFLOW: the body is too long; -EINVAL:
 * the name. Nothing is written then, and the number stays free.
 */
int store_hosted_put(struct pg_conn *conn, struct pg_op *op, const struct store_hosted *file) PG_MUST_CHECK;
/* -EEXIST as above, -ENOENT: no such file (the number stays free). */
int store_hosted_delete(struct pg_conn *conn, struct pg_op *op, uint32_t registry, const uint8_t agent_id[static 32],
			struct pg_bytes name, struct pg_bytes uri, uint64_t number) PG_MUST_CHECK;
/* One row with its body, or -ENOENT. */
int store_hosted_get(struct pg_conn *conn, struct pg_op *op, struct store_hosted_list *out, uint32_t registry,
		     const uint8_t agent_id[static 32], struct pg_bytes name) PG_MUST_CHECK;
/* All of an agent, by name, without bodies. */
int store_hosted(struct pg_conn *conn, struct pg_op *op, struct store_hosted_list *out, uint32_t registry,
		 const uint8_t agent_id[static 32]) PG_MUST_CHECK;
