#pragma once
/* did:web of other hosts, resolved to documents that were checked (did/foreign_document.h), over the fetcher and its rules, with a memory of its own:
 *
 *   F4  no redirect
 *   F5  64 KiB, 16 levels, no name twice
 *   F6  404 and 410: there is no such DID; anything else that is no document: it cannot be said; never a document beside an error
 *   F7  one flight for a DID; what failed is remembered 5 s, doubling to 30 s; a document as long as its Cache-Control says, at most
 *	 300 s, and 60 s where it says nothing; a failure takes the place of no document that is still good
 *
 * All of it is bounded: flights at once, new ones a second (a TLS handshake is some milliseconds of this process), what is remembered
 * in number and in bytes. Nothing of a document is followed: neither its @context nor its controller, alsoKnownAs or services. One thread, one loop. */
#include "gateway/fetch/fetch.h"

enum {
	FOREIGN_FLIGHTS_MAX = 32,
	FOREIGN_RATE = 50, /* new flights a second, with bursts of twice that */
	FOREIGN_ENTRIES_MAX = 1024,
	FOREIGN_BYTES_MAX = 8 << 20,
	FOREIGN_FRESH_S = 60,
	FOREIGN_FRESH_MAX_S = 300,
};

enum foreign_end {
	FOREIGN_OK,
	FOREIGN_INVALID_DID,	  /* not a did:web that may be resolved (F1, F2) */
	FOREIGN_NOT_FOUND,
	FOREIGN_INVALID_DOCUMENT, /* there is one, but it is malformed or another DID's */
	FOREIGN_FAILED,
	FOREIGN_BUSY, /* nobody was asked: this host's or the gateway's budget is spent */
};

struct foreign_answer {
	enum foreign_end end;
	const char *text; /* FOREIGN_OK: the document, len bytes of JSON as the host wrote it; foreign_document_parse() makes a tree of it */
	size_t len;
	const char *why;  /* a sentence in ASCII, "" for FOREIGN_OK */
	unsigned seconds; /* a document: how long it may be kept, 0: not at all; else: when to ask again */
	bool remembered;
};

/* Borrowed during the callback. */
typedef void foreign_on_done(void *arg, const struct foreign_answer *answer);

struct foreign;

/* fetcher is borrowed. 0 or -ENOMEM. */
__attribute__((warn_unused_result)) int foreign_new(struct foreign **out, struct fetcher *fetcher);
/* After fetcher_free(), which ends what is under way. NULL is fine. */
void foreign_free(struct foreign *foreign);

/* Resolves a DID, len bytes. no_cache: what is remembered is passed over, though not a flight under way. on_done runs exactly once, perhaps from
 * within. */
void foreign_get(struct foreign *foreign, const char *did, size_t len, bool no_cache, foreign_on_done *on_done, void *arg);
