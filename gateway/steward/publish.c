#include "gateway/steward/publish.h"

#include "anchor/entry.h"
#include "gateway/record/failpoint.h"
#include "gateway/runtime/clock.h"
#include "gateway/runtime/log.h"
#include "gateway/runtime/metrics.h"
#include "gateway/steward/fold.h"
#include "gateway/steward/log_append.h"
#include "sql/listen.h"
#include "sql/store_chain.h"
#include "sql/store_checkpoint.h"
#include "sql/store_duty.h"
#include "sql/store_log.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { CHECKPOINT_WAIT_MS = 5000 };

struct publisher {
	struct steward_context *ctx;
	struct pg_conn *reader;
	struct node_cache cache;
	struct log_append append;
};

static int write_head(struct publisher *p, struct pg_txn *txn, bool *ended, const struct store_append_state *state,
		      const struct merkle_hash *map, const struct store_block *block)
{
	struct entry_index index = {.block_number = block->number, .map = *map, .size = state->head.size};
	char line[ENTRY_INDEX_SIZE];
	struct store_new_entry entry = {.kind = "index"};

	index.at = log_append_at(state);
	memcpy(index.block_hash, block->hash, 32);
	entry_index_format(line, &index);
	entry.line = pg_bytes(line, sizeof(line));
	FAILPOINT("publish.commit");
	return log_append_commit(&p->append, txn, ended, state, &entry, 1, true);
}

/* The map root the last index head committed to. */
static int last_map(struct publisher *p, struct merkle_hash *root, uint64_t index_size)
{
	struct pg_op op = {0};

	memset(root, 0, sizeof(*root));
	if (index_size == 0)
		return 0;
	return pg_wait(p->ctx->base, &op, store_map_head(p->reader, &op, root->bytes, index_size - 1));
}

static int append_locked(struct publisher *p, struct pg_txn *txn, bool *ended, struct fold *fold, uint64_t gathered,
			 uint64_t index_size, const struct store_block *block)
{
	struct store_fence fence = steward_fence(p->ctx);
	struct store_append_ask ask = {.nentries = 1};
	struct store_append_state state = {0};
	struct merkle_hash map;
	struct pg_op op = {0};
	int rc = pg_wait(p->ctx->base, &op, store_append_lock(txn, &op, &state, &ask));

	if (rc == 0)
		rc = store_duty_fence(txn, &fence);
	/* somebody else published meanwhile: look again */
	if (rc == 0 && state.head.index_size != index_size)
		rc = -EAGAIN;
	if (rc == 0)
		rc = fold_gather(fold, gathered, state.head.size);
	if (rc == 0)
		rc = last_map(p, &map, index_size);
	if (rc == 0)
		rc = fold_apply(fold, &map, txn, state.head.size);
	if (rc == 0)
		rc = write_head(p, txn, ended, &state, &map, block);
	store_append_state_clear(&state);
	return rc;
}

static int append_index_head(struct publisher *p, const struct store_head *head, const struct store_block *block)
{
	struct fold fold = {.base = p->ctx->base, .reader = p->reader, .hasher = &p->append.hasher, .cache = &p->cache};
	struct pg_txn *txn = NULL;
	bool ended = false;
	int rc = fold_gather(&fold, head->index_size, head->size);

	if (rc == 0)
		rc = pg_txn_begin(p->ctx->pg, &txn);
	if (rc == 0)
		rc = append_locked(p, txn, &ended, &fold, head->size, head->index_size, block);
	if (txn && !ended)
		pg_txn_rollback(txn);
	fold_clear(&fold);
	node_cache_trim(&p->cache);
	return rc;
}

/* The signer signs the size after each index head; when it has, that checkpoint is the published one. */
static int publish_size(struct publisher *p, uint64_t size)
{
	struct store_fence fence = steward_fence(p->ctx);
	uint64_t deadline = clock_wall_ms() + CHECKPOINT_WAIT_MS;
	int rc;

	do {
		struct pg_op op = {0};

		rc = pg_wait(p->ctx->base, &op, store_published_put(p->ctx->pg, &op, &fence, size));
		if (rc != -ENOENT)
			break;
		rc = steward_pause(p->ctx, 50);
		if (rc == 0)
			rc = -ETIMEDOUT;
	} while (rc == -ETIMEDOUT && clock_wall_ms() < deadline);
	if (rc == 0) {
		metrics_set(METRIC_LOG_PUBLISHED_SIZE, size);
		log_debug(log_msg("published"), log_u64("size", size));
	}
	return rc;
}

static int published_size(struct publisher *p, uint64_t *size, uint64_t *at)
{
	struct store_checkpoint row;
	struct pg_op op = {0};
	int rc = pg_wait(p->ctx->base, &op, store_published_latest(p->reader, &op, &row));

	*size = rc == 0 ? row.size : 0;
	*at = rc == 0 ? row.at : 0;
	return rc == -ENOENT ? 0 : rc;
}

static int round_of_publishing(void *arg, bool *more)
{
	struct publisher *p = arg;
	struct store_chain_head chain;
	struct store_head head;
	struct pg_op op = {0};
	char name[48];
	uint64_t size, at;
	int rc = pg_wait(p->ctx->base, &op, store_head(p->reader, &op, &head));

	(void)more;
	if (rc != 0)
		return rc;
	rc = published_size(p, &size, &at);
	if (rc == 0 && head.index_size > size)
		return publish_size(p, head.index_size);
	if (rc != 0 || (head.size == head.index_size && clock_wall_ms() < at + PUBLISH_HEARTBEAT_MS))
		return rc;
	snprintf(name, sizeof(name), "eip155:%ju", (uintmax_t)p->ctx->config->chain_id);
	rc = pg_wait(p->ctx->base, &op, store_chain_head(p->reader, &op, &chain, name));
	if (rc == 0)
		rc = append_index_head(p, &head, &chain.safe);
	if (rc == 0)
		rc = pg_wait(p->ctx->base, &op, store_head(p->reader, &op, &head));
	return rc == 0 ? publish_size(p, head.index_size) : rc;
}

int steward_publish_run(struct steward_context *ctx)
{
	const struct steward_rounds rounds = {.round = round_of_publishing, .pause_ms = (unsigned)ctx->config->publish_ms, .failure = "publishing"};
	struct publisher *p = calloc(1, sizeof(*p));
	int rc = p ? log_append_init(&p->append, ctx->base) : -ENOMEM;

	if (!p)
		return rc;
	p->ctx = ctx;
	if (rc == 0)
		rc = store_open(&p->reader, ctx->base, ctx->config->database, "kedge publish reader", STORE_READER, NULL, NULL);
	if (rc == 0)
		rc = steward_rounds(ctx, &rounds, p);
	pg_close(p->reader);
	node_cache_clear(&p->cache);
	log_append_clear(&p->append);
	free(p);
	return rc;
}
