/* A worker's append engine on a real PostgreSQL with a signer beside it in the same loop. */
#pragma once

#include "gateway/record/append.h"
#include "sql/store.h"
#include "sql/store_checkpoint.h"
#include "sql/store_log.h"
#include "tests/gateway/record/fixture.h"

struct world {
	struct fixture f;
	const char *conninfo;
	struct event_base *base;
	struct pg_conn *writer, *reader, *signer;
	struct append *append;
	/* the signer: reads the committed head, signs it, stores it; never anything it was told */
	struct event *sign_timer;
	struct pg_op sign_op;
	struct store_head head;
	struct store_checkpoint checkpoint;
	bool signing, sign_busy;
	unsigned waiting; /* submitted and unanswered */
};

struct world_result {
	struct world *w;
	bool done;
	int err;
	bool duplicate, logged;
	uint64_t seq;
	char *receipt; /* malloc'd; NULL on error */
	size_t len;
};

/* writer_conninfo NULL: the same as conninfo. config's base and connections are filled here. */
void world_open(struct world *w, const char *conninfo, const char *writer_conninfo, const struct append_config *config);
void world_close(struct world *w);

/* Submits a fixture item of that number; returns append_submit's value. */
int world_submit(struct world *w, struct world_result *r, unsigned number);
/* Turns the loop until everything submitted is answered; fails the test after 20 s. */
void world_wait(struct world *w);
/* Turns the loop for a while. */
void world_run(struct world *w, unsigned ms);
void world_result_clear(struct world_result *r);

/* err 0, and the receipt verifies at `logged` with that seq. */
void world_check_receipt(struct world *w, const struct world_result *r);
/* Every leaf, tile, head and checkpoint in the database equals a naive construction over the entry lines. Returns the
 * size. */
uint64_t world_check_log(struct world *w);
