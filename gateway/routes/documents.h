#pragma once
/* Ready answers of did.json, made once and sent until the chain's heads move.
 *
 * An answer belongs to (agent, content type, safe hash, latest hash), like the verdict it was made of: another head is
 * another key, so nothing here outlives what it says. Direct-mapped and bounded; a clash costs one answer made again. */
#include "did/agent_key.h"
#include "gateway/http/server.h"
#include "eth/keccak.h"

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

/* What documents say has changed otherwise than with the heads: nothing kept is found any more. */
void documents_forget_all(struct documents *documents);
