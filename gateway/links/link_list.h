#pragma once
/* All links of one identity, as they are shown: documents publish from here, metadata and /links say the rest, so that a link has one state wherever
 * it is asked about. Pure: what is known of each half is the caller's. */
#include "did/agent_key.h"
#include "gateway/links/link.h"

#include <jansson.h>
#include <stddef.h>

enum link_thing { LINK_DID, LINK_THE_AGENT, LINK_ACCOUNT, LINK_PARTICIPANT };

struct link_item {
	char *id; /* as it is published: a DID, or an agent as CAIP-19 or by its DID */
	enum link_thing thing;
	enum link_state state;
	bool forward, reverse; /* who says so: the subject, the object */
	bool apart;	       /* stands elsewhere in the document than in alsoKnownAs, or holds by its form */
	bool left_out;	       /* would be published, but the document has no room */
	uint64_t since;	       /* when the state became so (ms); 0: not kept */
	uint64_t checked;      /* when it was last judged (ms); 0: never */
	json_t *evidence;      /* an object */
};

struct link_list {
	struct link_item *items; /* in the order they are published */
	size_t n;
};

struct link_list *link_list_new(void); /* NULL: out of memory */
void link_list_free(struct link_list *list);
/* Copies item and id (item->id and ->evidence are not looked at), takes the reference to the evidence (NULL is -ENOMEM). */
__attribute__((warn_unused_result)) int link_list_add(struct link_list *list, const char *id, const struct link_item *item, json_t *evidence);
struct link_item *link_list_find(const struct link_list *list, const char *id);

/* In alsoKnownAs. */
bool link_is_published(const struct link_item *item);
/* Their ids, at most max; borrowed. */
size_t link_list_published(const char **ids, size_t max, const struct link_list *list);

/* [{"id","kind","direction","state","published","since","checkedAt","evidence"}] of all. NULL: out of memory. */
json_t *link_list_json(const struct link_list *list);
/* [{"id","direction","state","checkedAt","evidence"}] of what is claimed and stands nowhere in the document. Empty: none. */
json_t *link_list_claims(const struct link_list *list);

/* ---- of an agent ---- */

/* A claim of its file. */
struct link_claimed {
	enum link_kind kind;
	enum link_state state; /* as stored */
	const char *object;    /* a DID, or another agent's key text; not NUL-terminated */
	size_t object_len;
	uint64_t since, checked, good;
	const char *evidence; /* JSON, maybe; not NUL-terminated */
	size_t evidence_len;
	/* of another agent */
	bool served; /* by a registry that is looked at here */
	bool back;   /* its file names the subject */
	uint8_t back_content[32];
};

/* A participant that linked it. */
struct link_consent {
	char handle[32];
	struct eth_address owner; /* who consented */
	bool owner_signed;
	bool interrupted; /* another owned it since */
	bool watched;	  /* and all blocks since then are known, near to the newest */
	uint64_t seq, at;
	uint64_t safe_number, latest_number;
	uint8_t safe_hash[32], latest_hash[32];
};

struct link_agent {
	const struct agent_key *key;
	const struct agent_defaults *defaults;
	uint64_t now;
	struct eth_address owner[2], wallet[2]; /* at `safe` and at `latest`; zero: none */
	uint8_t content[32];			/* SHA-256 of the file that claims */
	const struct link_claimed *claims;	/* in the file's order */
	size_t nclaims;
	const struct link_consent *consents; /* by handle */
	size_t nconsents;
};

/* Participants, foreign DIDs, agents, the rest. Returns 0, -EINVAL (the host), -ENOMEM. */
__attribute__((warn_unused_result)) int link_list_agent(struct link_list *list, const struct link_agent *agent);
/* What needs no claim: its token, its owner's and its wallet's account. */
__attribute__((warn_unused_result)) int link_list_agent_built(struct link_list *list, const struct link_agent *agent);

/* Whether an owner's consent still holds. known false: who owns it cannot be said. watched false: whether another did since cannot. */
enum link_state link_consent_state(bool known, const struct eth_address *consented, const struct eth_address *safe,
				   const struct eth_address *latest, bool interrupted, bool watched);

/* What such a link rests on, with the word that there is nothing to be done about one that is unreachable. Gives back what it got. */
json_t *link_consent_evidence(json_t *evidence, enum link_state state);

/* What was stored as evidence, if it is a JSON object; else NULL. A new reference. */
json_t *link_evidence_read(const char *text, size_t len);
/* "2026-11-20T17:00:00Z" of milliseconds, null for 0. A new reference. */
json_t *link_time_json(uint64_t ms);
/* {"number","hash"} */
json_t *link_block_json(uint64_t number, const uint8_t hash[static 32]);
