#pragma once
/* Whether a link holds: one judge for every pair of identities (facts: DID, table 2.4). A link is a claim of its subject (the forward half) that its
 * object, or who speaks for that, confirms (the reverse half). Pure: the halves are the caller's knowledge. Nothing is followed further: that the
 * object is linked with a third says nothing about the subject. */
#include <stdbool.h>
#include <stdint.h>

enum link_kind {
	LINK_FOREIGN = 1, /* another host's did:web: its document lists the subject in alsoKnownAs */
	LINK_AGENT = 2,	  /* another agent, named in a registration file: its own file names the subject */
	LINK_CONTRACT = 3, /* an account of a participant that signed by its contract: the contract still says so */
	LINK_OTHER = 4,	  /* did:pkh, this host's DIDs, other methods: known without asking, or by nobody */
};

/* The values are stored (migration 0009). */
enum link_state {
	LINK_ONE_WAY = 0, /* claimed; not confirmed, or not asked yet */
	LINK_PROVEN = 1,
	LINK_UNREACHABLE = 2, /* it cannot be said now */
	LINK_REVOKED = 3,     /* was proven; the reverse half is gone */
	LINK_LAPSED = 4,      /* was consented to by an owner who is none any more */
};

enum link_reverse {
	LINK_NOT_ASKED,
	LINK_CONFIRMED,
	LINK_DENIED,  /* asked, and it does not say so */
	LINK_UNKNOWN, /* asked, and nothing came that says either */
	LINK_CONSENT_ENDED,
};

enum {
	LINK_FOREIGN_MS = 300 * 1000,	     /* a foreign half is as good as its last success, so long */
	LINK_CONTRACT_MS = 2 * 86400 * 1000, /* the same of a contract's word */
	LINK_AHEAD_MS = 60 * 1000,	     /* clocks differ by no more */
	LINK_AGENTS_MAX = 8,		     /* claims of one file that are kept, of each kind */
	LINK_FOREIGN_MAX = 8,
};

/* What was known before, and what was learned. before: what is stored, ONE_WAY of a new claim; good: when it was last confirmed (ms), 0:
 * never. Only what is proven stays so through an answer that says nothing: what was denied a minute ago does not come back by silence. */
struct link_fact {
	enum link_kind kind;
	enum link_state before;
	enum link_reverse reverse;
	uint64_t good, now;
};

/* What is stored after asking. */
enum link_state link_judge(const struct link_fact *fact);

/* What holds at an instant, of a stored state: a proven one whose last success is too old is unreachable. Of kinds FOREIGN and CONTRACT;
 * the others do not age. */
enum link_state link_now(enum link_kind kind, enum link_state stored, uint64_t good, uint64_t now);

/* Since when that state holds, what is stored being `stored` since `since`: by growing old it became so later. 0: nobody knows, where the clock
 * was set back. */
uint64_t link_since(enum link_kind kind, enum link_state state, enum link_state stored, uint64_t since, uint64_t good, uint64_t now);

/* "one-way", "proven", "unreachable", "revoked", "lapsed". */
const char *link_state_word(enum link_state state);
