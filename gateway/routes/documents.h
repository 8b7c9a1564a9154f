#pragma once
/* Ready answers of did.json and of the resolver, made once and sent until the chain's heads move. Of one content type there is one
 * answer to a DID, wherever it is asked.
 *
 * An answer belongs to (agent, content type, safe hash, latest hash), like the verdict it was made of: another head is
 * another key, so no key in it outlives its authority. Services come from registration files, which change without a block, so it is good for as
 * long as its own Cache-Control says. Direct-mapped and bounded; a clash costs one answer made again. */
#include "did/agent_key.h"
#include "gateway/http/server.h"
#include "eth/keccak.h"

enum { DOCUMENTS_KEEP_MS = 2000 };

struct documents;

struct documents *documents_new(void); /* NULL: out of memory */
void documents_free(struct documents *documents);

/* The answer, borrowed until the next call, or NULL. agent NULL: the host's own document, which no head changes; safe
 * and latest are not looked at then. type is compared as text. documents may be NULL: nothing is found. */
struct http_response *documents_find(struct documents *documents, const struct agent_key *agent, const char *type,
				     const struct eth_hash *safe, const struct eth_hash *latest);
/* Keeps a reference of its own. type is borrowed for ever: static text. */
void documents_keep(struct documents *documents, const struct agent_key *agent, const char *type,
		    const struct eth_hash *safe, const struct eth_hash *latest, struct http_response *response);

/* An answer to be made and kept. */
struct documents_answer {
	const struct agent_key *agent; /* NULL: the host's */
	const char *type;	       /* Content-Type, static text */
	struct eth_hash safe, latest;
	const char *body;
	size_t len;
	const char *cache;
};

/* Makes it (Vary: Accept) and keeps it, in a table that is made if there is none yet. The caller's reference; NULL: out of memory. */
struct http_response *documents_make(struct documents **documents, const struct documents_answer *answer);

/* What this agent's documents say has changed: those of others stay. */
void documents_forget(struct documents *documents, const struct agent_key *agent);
/* What documents say has changed otherwise than with the heads: nothing kept is found any more. */
void documents_forget_all(struct documents *documents);

/* RFC 9110 section 5.6.7, "Fri, 20 Nov 2026 17:00:00 GMT", NUL-terminated. false: not after 1970, or after 9999. */
enum { DOCUMENTS_DATE_SIZE = 32 };
bool documents_date(char out[static DOCUMENTS_DATE_SIZE], int64_t seconds);
