#pragma once
/* Between the files of the duty "links". */
#include "did/agent_key.h"
#include "did/did_web.h"
#include "eth/signature.h"
#include "gateway/fetch/foreign.h"
#include "gateway/identity/heads.h"
#include "gateway/links/claims.h"
#include "gateway/participant/verify.h"
#include "gateway/steward/links.h"
#include "sql/store_link.h"

enum { LINKS_BATCH = 128, LINKS_WHY_SIZE = 400, LINKS_ASKED_KEEP_MS = 3600000 };

enum links_state {
	LINKS_WAITING, /* for others to be done */
	LINKS_ASKING,
	LINKS_ASKED,
	LINKS_DONE,
};

/* One claim, and what came of asking. */
struct links_check {
	struct links_duty *duty;
	enum links_state state;
	const struct store_link_due *due;
	uint64_t at;    /* when it was asked, */
	uint64_t began; /* and by the steady clock */
	uint64_t took;  /* until there was an answer, in ms */
	uint64_t again_ms; /* waiting: not before, by the steady clock */
	bool busy;   /* nobody was asked: no answer */
	enum link_reverse reverse;
	char url[DID_WEB_URL_SIZE]; /* "": none was asked */
	bool has_hash;
	uint8_t hash[32]; /* of what came */
	char why[LINKS_WHY_SIZE];
	bool has_change; /* of a contract: the change whose message it signed, and who */
	struct participant_change change;
	struct participant_verify_chain chain;
};

/* A chain that is served; its node is looked for when the first account of it is due. */
struct links_chain {
	const struct chains_chain *chain;
	struct eth_rpc *rpc;
	struct heads heads;
	uint64_t again_ms; /* not read before */
};

struct links_duty {
	struct steward_context *ctx;
	struct pg_conn *reader;
	struct fetcher *fetcher;
	struct foreign *foreign;
	struct signature_context *signatures;
	struct chains chains;
	struct agent_defaults agents;
	struct links_chain nodes[CHAINS_MAX];
	struct store_links_due due;
	struct links_check checks[LINKS_BATCH + LINKS_BATCH / 4];
	size_t nchecks;
	unsigned active;
	uint64_t batch_ms; /* when it was taken, by the steady clock */
	uint64_t swept_ms, wall_ms; /* the last sweep, of the steady clock; the last round, of the wall's */
};

/* links_ask.c: begins to ask; what goes on by itself ends in steward_wake(). Turns the loop for a chain's heads. */
void links_ask(struct links_check *check);
void links_check_clear(struct links_check *check);
/* links_put.c: judges and writes. 0 also when the claim is gone. Turns the loop for SQL. */
__attribute__((warn_unused_result)) int links_put(struct links_check *check);
