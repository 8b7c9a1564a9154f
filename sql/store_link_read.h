/*
 * Reading links: what an agent's file or a participant claims of others, who of them says the same, and what somebody wants asked anew.
 * Migrations 0007 and 0009; what it comes to: gateway/links/link.h. Times are milliseconds since 1970.
 */
#pragma once

#include "sql/store_file.h"
#include "sql/store_resolver.h"

/* A claim. Texts borrow from the result. */
struct store_link_row {
	uint8_t kind, state; /* enum link_kind, enum link_state */
	struct pg_bytes object;
	uint64_t since;
	uint64_t checked, good; /* 0: never */
	bool has_seq;
	uint64_t seq;		  /* of a participant's */
	struct pg_bytes evidence; /* JSON, or data NULL */
	/* Of another agent's: its file, when last had, is one, of its present URI, and claims the subject. */
	bool back;
	uint8_t back_content[32];
	uint64_t back_seen;
};

/* A participant's link with an agent. */
struct store_link_consent {
	struct pg_bytes handle; /* data NULL when read of the participant */
	uint8_t owner[20];	/* who consented */
	bool owner_signed;
	uint64_t seq, at; /* of the entry that made it */
	uint64_t safe_number, latest_number;
	uint8_t safe_hash[32], latest_hash[32];
	bool interrupted; /* the index knows of a block after those at whose end another owned it */
	uint64_t upto;	  /* and knows all up to this one; 0 also where it knows nothing */
};

enum { STORE_LINK_CONSENTS_MAX = 64 }; /* of an agent, by handle; others are not read */

/* Of an agent, or of a participant. */
struct store_links {
	struct store_link_row *claims; /* in the subject's order */
	size_t nclaims;
	struct store_link_consent *consents; /* of an agent by handle, of a participant by seq */
	size_t nconsents;
	PGresult *res; /* private; NULL where somebody else holds it */
};
void store_links_clear(struct store_links *links);

/* The agent's file as it was when it could last be had, and the agent's links: the claims are those of that file's URI. */
struct store_agent_file {
	bool has_file;
	struct store_file file;
	struct store_links links;
	void *bytes; /* private */
};
void store_agent_file_clear(struct store_agent_file *file);
/* Always an answer; where there are no links it costs two index probes more than the file alone. */
int store_agent_file(struct store_resolver *resolver, struct pg_op *op, struct store_agent_file *out, uint32_t registry,
		     const uint8_t agent_id[static 32]) PG_MUST_CHECK;

/* A participant's, nothing if there is none of that handle. */
int store_participant_links(struct pg_conn *conn, struct pg_op *op, struct store_links *out, struct pg_bytes handle) PG_MUST_CHECK;

/* Whoever can be asked whether it confirms a claim of the subject is asked as soon as may be, but not twice within 10 s. */
struct store_link_ask {
	uint64_t claims; /* to be asked about; 0: nothing there that could be asked */
	uint64_t wait;	 /* not before so many ms; then nothing was done */
};
int store_link_ask(struct pg_conn *conn, struct pg_op *op, struct store_link_ask *out, struct pg_bytes subject) PG_MUST_CHECK;
