#include "gateway/steward/sign.h"

#include "anchor/checkpoint.h"
#include "gateway/keyfile.h"
#include "gateway/record/failpoint.h"
#include "gateway/runtime/log.h"
#include "gateway/runtime/metrics.h"
#include "gateway/steward/guard.h"
#include "sql/listen.h"
#include "sql/store_checkpoint.h"
#include "sql/store_log.h"

#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { POLL_MS = 1000, LEAVES_AT_ONCE = 16384 };

struct signer {
	struct steward_context *ctx;
	struct note_key key;
	uint8_t *secret; /* 64 bytes, guarded memory */
	struct guard guard;
	struct merkle_hasher hasher;
	struct merkle_hash *leaves; /* LEAVES_AT_ONCE */
	bool settled; /* the checkpoint of the guard's size is in the database */
};

static int load_key(struct signer *s)
{
	const char *origin = s->ctx->config->origin;
	char path[CONFIG_TEXT_MAX + 32];
	uint8_t *seed;
	int rc;

	snprintf(path, sizeof(path), "%s/keys/log.key", s->ctx->config->state);
	rc = keyfile_read(&seed, path);
	if (rc != 0) {
		log_error(log_msg("log key"), log_str("file", path), log_str("advice", keyfile_advice(rc)));
		return rc;
	}
	s->secret = sodium_malloc(64);
	rc = s->secret ? note_key_from_seed(&s->key, s->secret, origin, strlen(origin), seed) : -ENOMEM;
	keyfile_free(seed);
	return rc;
}

static int open_guard(struct signer *s)
{
	char path[CONFIG_TEXT_MAX + 32];
	int fresh = 0, rc;

	snprintf(path, sizeof(path), "%s/signer.state", s->ctx->config->state);
	rc = guard_open(&s->guard, &fresh, path);
	if (rc == -EBADMSG)
		log_error(log_msg("signer.state is damaged: the signer will not sign, since it cannot know what it signed before; "
				  "restore the file from a backup"),
			  log_str("file", path));
	else if (rc != 0)
		log_error(log_msg("signer.state"), log_str("file", path), log_rc(rc));
	return rc;
}

/*
 * Signs the guard's tree and stores the checkpoint. The same again gives the same bytes.
 *
 * to_publish: the row is waited for and referred to later, so it must be on disk. Any other is only on its way into
 * receipts: its entries and its (size, root) in the guard are on disk already, so a receipt does not wait for this row,
 * and if a crash takes it, a later checkpoint covers the same entries.
 */
static int store_signed(struct signer *s, bool to_publish)
{
	struct store_fence fence = steward_fence(s->ctx);
	struct store_checkpoint row = {.size = s->guard.edge.size};
	struct merkle_hash root;
	struct pg_op op = {0};
	int rc;

	merkle_edge_root(&s->hasher, &root, &s->guard.edge);
	memcpy(row.root, root.bytes, 32);
	row.at = 0;
	_Static_assert(CHECKPOINT_NOTE_MAX <= STORE_NOTE_MAX, "a checkpoint fits its row");
	rc = checkpoint_sign(row.note, &row.note_len, row.size, &root, &s->key, s->secret);
	if (rc != 0)
		return rc;
	FAILPOINT("sign.signed");
	rc = pg_wait(s->ctx->base, &op,
		     to_publish ? store_checkpoint_put(s->ctx->pg, &op, &fence, &row) :
				  store_checkpoint_put_soon(s->ctx->pg, &op, &fence, &row));
	if (rc == -EEXIST) {
		log_error(log_msg("the database holds another root for a size this key signed: a split log. Refusing"),
			  log_u64("size", row.size));
		metrics_add(METRIC_SIGN_REFUSED, 1);
		return -EKEYREJECTED;
	}
	if (rc == 0)
		metrics_add(METRIC_SIGN_CHECKPOINTS, 1);
	FAILPOINT("sign.stored");
	return rc;
}

/* Brings edge from its size to `size` by the leaves in the database. */
static int grow(struct signer *s, struct merkle_edge *edge, uint64_t size)
{
	while (edge->size < size) {
		uint64_t left = size - edge->size;
		size_t n = left < LEAVES_AT_ONCE ? (size_t)left : LEAVES_AT_ONCE;
		struct pg_op op = {0};
		int rc = pg_wait(s->ctx->base, &op,
				 store_leaves(s->ctx->pg, &op, (uint8_t(*)[32])(void *)s->leaves, edge->size, n));

		for (size_t i = 0; rc == 0 && i < n; i++)
			rc = merkle_edge_append(&s->hasher, edge, &s->leaves[i]);
		if (rc != 0)
			return rc;
	}
	return 0;
}

static int sign_size(struct signer *s, uint64_t size, const uint8_t (*expected)[32], size_t count, bool to_publish)
{
	struct merkle_edge edge = s->guard.edge;
	uint8_t bytes[MERKLE_EDGE_MAX * MERKLE_HASH_SIZE];
	int rc = grow(s, &edge, size);

	if (rc != 0)
		return rc;
	if (merkle_edge_count(size) != count || merkle_edge_encode(bytes, &edge) != count * 32 ||
	    memcmp(bytes, expected, count * 32) != 0) {
		log_error(log_msg("the log's head does not extend what was signed. Refusing"), log_u64("size", size),
			  log_u64("signed", s->guard.edge.size));
		metrics_add(METRIC_SIGN_REFUSED, 1);
		return -EKEYREJECTED;
	}
	FAILPOINT("sign.checked");
	rc = guard_advance(&s->guard, &edge);
	if (rc != 0) {
		log_error(log_msg("signer.state cannot be written; nothing is signed"), log_rc(rc));
		return rc;
	}
	FAILPOINT("sign.guarded");
	return store_signed(s, to_publish);
}

/* A fresh guard on a log that has checkpoints knows nothing of what its key signed: an operator has to decide. */
static int check_start(struct signer *s)
{
	struct store_checkpoint row;
	struct pg_op op = {0};
	int rc;

	if (s->guard.edge.size > 0)
		return 0;
	rc = pg_wait(s->ctx->base, &op, store_checkpoint_latest(s->ctx->pg, &op, &row));
	if (rc == -ENOENT)
		return 0;
	if (rc != 0)
		return rc;
	log_error(log_msg("signer.state is missing, but the log has signed checkpoints: restore the file, or give the log a new key "
			  "and origin. Refusing"),
		  log_u64("signed", row.size));
	return -EKEYREJECTED;
}

static int round_of_signing(struct signer *s)
{
	struct store_head head;
	struct pg_op op = {0};
	int rc = pg_wait(s->ctx->base, &op, store_head(s->ctx->pg, &op, &head));

	if (rc != 0)
		return rc == -ENOENT ? 0 : rc;
	if (strcmp(head.origin, s->ctx->config->origin) != 0 || head.size < s->guard.edge.size) {
		log_error(log_msg("this is not the log that was signed before. Refusing"), log_str("origin", head.origin),
			  log_u64("size", head.size), log_u64("signed", s->guard.edge.size));
		metrics_add(METRIC_SIGN_REFUSED, 1);
		return -EKEYREJECTED;
	}
	if (!s->settled && s->guard.edge.size > 0 && (rc = store_signed(s, true)) != 0)
		return rc;
	s->settled = true;
	/* before the size goes on: only what ends in an index head can be published */
	if (head.index_size > s->guard.edge.size)
		rc = sign_size(s, head.index_size, (const uint8_t(*)[32])head.index_edge, head.nindex_edge, true);
	if (rc == 0 && head.size > s->guard.edge.size)
		rc = sign_size(s, head.size, (const uint8_t(*)[32])head.edge, head.nedge, false);
	if (rc == 0)
		metrics_set(METRIC_LOG_SIZE, head.size);
	return rc;
}

static void on_head(void *arg, const char *channel, const char *payload)
{
	(void)channel;
	(void)payload;
	steward_wake(arg);
}

static void on_listening(void *arg)
{
	steward_wake(arg);
}

static int duty(struct signer *s)
{
	struct steward_trouble trouble = {0};
	struct steward_context *ctx = s->ctx;
	int rc;

	while ((rc = steward_take(ctx)) == 0) {
		s->settled = false;
		if ((rc = check_start(s)) == -EKEYREJECTED)
			return rc;
		while (steward_held(ctx)) {
			unsigned pause = POLL_MS;

			rc = round_of_signing(s);
			if (rc == -EKEYREJECTED)
				return rc;
			if (rc == -ESTALE) {
				steward_fenced_off(ctx);
				break;
			}
			if (rc != 0) {
				s->settled = false;
				pause = steward_failed(&trouble, ctx, "signing", rc);
			} else {
				steward_recovered(&trouble, ctx);
			}
			if (steward_pause(ctx, pause) != 0)
				break;
		}
	}
	return rc == -ECANCELED ? 0 : rc;
}

int steward_sign_run(struct steward_context *ctx)
{
	struct signer s = {.ctx = ctx, .guard = {.fd = -1}};
	struct listen_config config = {.conninfo = ctx->config->database, .channels = {"kedge_head"}, .on_notify = on_head,
				       .on_ready = on_listening, .arg = ctx};
	struct listen *listen = NULL;
	int rc = sodium_init() < 0 ? -ENOMEM : 0;

	if (rc == 0)
		rc = merkle_hasher_init(&s.hasher);
	s.leaves = calloc(LEAVES_AT_ONCE, sizeof(*s.leaves));
	if (rc == 0 && !s.leaves)
		rc = -ENOMEM;
	if (rc == 0)
		rc = load_key(&s);
	if (rc == 0)
		rc = open_guard(&s);
	if (rc == 0)
		rc = listen_open(&listen, ctx->base, &config);
	if (rc == 0)
		rc = duty(&s);
	listen_close(listen);
	guard_close(&s.guard);
	free(s.leaves);
	sodium_free(s.secret);
	merkle_hasher_clear(&s.hasher);
	return rc;
}
