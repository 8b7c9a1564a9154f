#pragma once
/* Who may speak for an agent now: owner and wallet at `safe` and at `latest`, cached by (agent, safe hash, latest
 * hash).
 *
 * A verdict never outlives the heads it was read at: another head is another key. When the heads were not confirmed
 * lately, or the node cannot be read, the answer is an error and the caller says 503 (DESIGN §12 "authority cache").
 * Bounded (least recently used goes), one read under way for a key however many ask (single flight).
 * One thread, one loop. */
#include "did/agent_key.h"
#include "eth/rpc.h"
#include "gateway/identity/heads.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* At one block. All zero when the agent does not exist there. */
struct authority_at {
	bool exists;
	struct eth_address owner;
	struct eth_address wallet; /* zero: none */
};

struct authority {
	int err; /* 0, or why this key could not be judged: as agent_answer.err, and -EAGAIN where its block went away
		  */
	struct authority_at safe, latest;
	struct heads_block safe_block, latest_block;
};

struct authority_config {
	size_t capacity;      /* agents kept; 0 for 4096 */
	int64_t max_age_ms;   /* of the heads; 0 for HEADS_AGE_MAX_MS */
	unsigned deadline_ms; /* of a read; 0 for 2000 */
};

struct authority_stats {
	uint64_t hits, misses, joined, evicted, failures;
};

enum { AUTHORITY_KEYS_MAX = 1024 };

struct authority_cache;

/* rpc and heads must outlive the cache. config may be NULL. -ENOMEM. */
__attribute__((warn_unused_result)) int authority_new(struct authority_cache **out, struct eth_rpc *rpc,
						      const struct heads *heads, const struct authority_config *config);
/* Everything under way ends with -ECANCELED first. */
void authority_free(struct authority_cache *cache);
void authority_stats(const struct authority_cache *cache, struct authority_stats *out);

/* What is known right now, without asking anybody: 0, -ENOENT (not cached at these heads), -EAGAIN (heads too old).
 * Under a microsecond. */
__attribute__((warn_unused_result)) int authority_peek(struct authority *out, struct authority_cache *cache,
						       const struct agent_key *key);

/* verdicts[i] answers keys[i]; NULL and 0 when err is negative. Borrowed during the callback.
 * err: -EAGAIN heads too old (also if they became so meanwhile), -ETIMEDOUT, -EIO, … as eth_rpc_batch(): all are 503.
 */
typedef void authority_on_verdicts(void *arg, int err, const struct authority *verdicts, size_t n);

/* All keys of an ingest batch: what is cached is taken, the rest is read in one JSON-RPC batch; doubles are fine.
 * Returns 0: on_verdicts runs exactly once, *before this returns* when everything was cached, or when nothing could be
 * asked (err -EAGAIN: the node's queue is full). Negative: it never runs: -EAGAIN heads too old, -EINVAL no keys,
 * -EOVERFLOW over AUTHORITY_KEYS_MAX keys, -ENOMEM. */
__attribute__((warn_unused_result)) int authority_get_many(struct authority_cache *cache, const struct agent_key *keys,
							   size_t n, authority_on_verdicts *on_verdicts, void *arg);
/* One key. */
__attribute__((warn_unused_result)) int authority_get(struct authority_cache *cache, const struct agent_key *key,
						      authority_on_verdicts *on_verdicts, void *arg);

enum authority_role { AUTHORITY_NONE, AUTHORITY_WALLET, AUTHORITY_OWNER };

/* May `signer` speak for the agent: wallet or owner at both safe and latest. The wallet wins where it is both
 * (docs/formats.md §4). The zero address never may. A signer that is owner at one end and wallet at the other speaks
 * in the role held at safe. AUTHORITY_NONE also when err is set. */
enum authority_role authority_role(const struct authority *verdict, const struct eth_address *signer);
