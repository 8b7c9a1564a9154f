#pragma once
/* The index duty's insides, shared by its files. Private to them.
 *
 *   index.c           life of the duty, its place, one round
 *   index_backfill.c  finalized blocks by ranges
 *   index_near.c      blocks near the head, one by one
 *   index_settle.c    reorganisations and finality
 *   index_batch.c     logs as a provider sent them, checked and decoded
 *   index_blocks.c    blocks that one provider shows, in the light of the others'
 *   index_logs.c      whether those of a block near the head are all there are
 *   index_step.c      what one transaction stores: events, states folded from them
 *   index_read.c      states from storage in place of folded ones
 *   index_join.c      after the backfill: the stretch becomes part of the index when storage agrees with it
 *   index_compare.c   every agent's storage against its folded state
 *   index_watch.c     implementations behind the proxies
 *   index_proof.c     proofs of what changed, and of what is in doubt */
#include "eth/rpc_read.h"
#include "gateway/identity/fold_events.h"
#include "gateway/identity/layout.h"
#include "gateway/identity/multicall.h"
#include "gateway/identity/range.h"
#include "gateway/steward/index.h"
#include "sql/store_chain.h"
#include "sql/store_identity.h"

enum {
	INDEX_REGISTRIES_MAX = CHAINS_REGISTRIES_MAX + 1, /* and the ReputationRegistry */
	INDEX_PROOFS_MAX = 65536,			  /* proofs waiting to be taken; of more, the oldest go untaken */
	INDEX_SAMPLES = 64,
	INDEX_ALARM_LOG_MS = 60000,
	INDEX_LIE_LOG_MS = 5000,
};

struct index_registry {
	uint32_t id; /* its row */
	struct eth_address address;
	bool reputation;
	uint64_t start;
	int64_t indexed, fetched;
	bool known, looked; /* the layout is known; the implementation was looked at since the start */
	uint64_t odd_until; /* up to here another implementation ran, whose logs may be of another kind */
};

/* One log, decoded; what it points to is in the batch's answers. */
struct index_log {
	const struct index_registry *registry;
	uint64_t number;
	struct eth_hash block;
	bool has_time;
	uint64_t time;
	bool unread; /* of fold.event only kind and agent could be read: no event to store, but the agent's state is in doubt */
	struct fold_event fold;
};

/* Logs of consecutive blocks, ascending by (number, index). */
struct index_batch {
	struct index_log *logs;
	size_t n, room;
	struct eth_rpc_logs *answers;
	size_t nanswers, answers_room;
	bool upgraded; /* an Upgraded event is among them */
	const struct index_registry *odd; /* after -EBADMSG: only because its implementation is known was a log refused */
};

/* What one transaction will store. */
struct index_mark {
	struct index_registry *registry;
	struct eth_hash block;
	bool doubtful; /* the events do not determine it */
	bool broken;   /* events of it are missing or made up */
	bool absent;   /* by the events no such agent was minted: storage must say so, or the state is dropped */
	uint32_t read_by; /* whose word the state is, as bits; 0: events alone */
};

struct index_step {
	struct store_index_block *blocks;
	size_t nblocks, blocks_room;
	struct store_event *events;
	size_t nevents, events_room;
	struct store_state *states;
	struct index_mark *marks; /* one a state */
	size_t nstates, states_room, marks_room;
	void **owned; /* freed with the step */
	size_t nowned, owned_room;
	struct store_states prior; /* what folding began with, borrowed by states */
};

struct index_proof_job {
	size_t registry;
	uint8_t agent[32];
	uint64_t number;
	struct eth_hash block;
	struct eth_address owner, wallet; /* what it must prove; zero: no wallet */
	struct eth_hash uri;		  /* keccak256 of it */
	size_t uri_len;
	bool long_uri; /* only its name is stored */
	uint32_t by;   /* who said so, as bits */
	bool final; /* left the overlay as part of the final chain */
};

struct index_duty {
	struct steward_context *ctx;
	struct chains chains;
	struct index_registry registries[INDEX_REGISTRIES_MAX];
	size_t nregistries;
	struct eth_hash codes[LAYOUT_CODES_MAX]; /* implementations whose layout is known */
	size_t ncodes;

	bool loaded, has_place;
	struct store_index place;
	struct store_index_block *overlay; /* the final block and those above it, contiguous */
	size_t noverlay, overlay_room;
	struct store_chain_head heads;

	struct range range;
	bool correct;	       /* the next block takes over what storage says of all agents */
	unsigned contradicted; /* backfills in a row that storage contradicted */
	uint32_t backfilled_by; /* providers of the last one, as bits */
	struct store_index_block samples[INDEX_SAMPLES]; /* of the blocks its logs named */
	uint32_t sampled;	/* how many there were to choose from */
	unsigned read_by;	/* who gave the last answer about states */
	unsigned short_rounds; /* rounds in a row that latest was below the tip */
	unsigned stale_rounds; /* the same for states near the head that nobody had */
	unsigned unheard_rounds; /* the same for logs that one provider alone showed */
	int64_t unheard_until_ms; /* until then no other is asked */
	size_t group;		  /* blocks of a step near the head; fewer after an answer that was too large */
	bool narrow;		  /* one block was still too much: of the next only the registries' logs are asked, however many */
	bool contested;		  /* another provider shows other logs of the blocks under way */
	bool logs_alone;	  /* the logs under way are one provider's word */
	unsigned logs_by, disproved_rounds; /* whose; rounds in a row that a proof contradicted them */
	bool no_multicall, plain_warned;
	bool fork; /* headers that cannot be hashed here are the chain's, as far as can be told */
	unsigned fork_rounds;
	int64_t alarm_logged_ms, progress_logged_ms, lie_logged_ms;
	uint64_t lies_untold;
	bool alarm, alarm_stored; /* it stands; the database says so, or may */
	int64_t alarm_since_ms;

	size_t patrol_registry; /* the patrol's place */
	bool patrol_within;	/* patrol_after is the last agent looked at; false: from the first on */
	uint8_t patrol_after[32];
	int64_t patrol_ms, patrol_corrected_ms;

	struct index_proof_job *proofs; /* those that wait: proofs_at to nproofs */
	size_t proofs_at, nproofs, proofs_room;
	uint64_t unproven_told;
	struct steward_trouble trouble;
};

/* Grows an array of `size`-byte members to hold one more. */
__attribute__((warn_unused_result)) int index_grow(void *array, size_t *room, size_t n, size_t size);

/* ---- index_batch.c ---- */

void index_batch_clear(struct index_batch *batch);

/* The filter for logs of the registries whose bit is set in `mask`. Out: addresses and topics, which the filter borrows. */
enum { INDEX_TOPICS_MAX = 9 };
struct index_ask {
	struct eth_address addresses[INDEX_REGISTRIES_MAX];
	struct eth_hash topics[INDEX_TOPICS_MAX];
	struct eth_rpc_filter filter; /* points into this: do not copy */
};
void index_ask_init(struct index_ask *ask, const struct index_duty *duty, uint32_t mask);

/* Takes an answer's logs over (also on failure), after checking that they are what was asked: of those registries, of
 * those topics, of blocks from..to (of `block` if not NULL), ascending, not removed, one hash a number and continuing what
 * is there. -EBADMSG with *why in words: the provider is wrong. -ENOMEM. */
__attribute__((warn_unused_result)) int index_batch_add(struct index_batch *batch, const char **why,
							struct eth_rpc_logs *logs, const struct index_duty *duty,
							const struct index_ask *ask, uint64_t from, uint64_t to,
							const struct eth_hash *block);

/* A batch of which the first call is for logs. -EOVERFLOW: its answer is too large for this client or its provider. alone: it is of
 * one block, and may be as large as one makes it: then every provider is asked until one gives it. */
__attribute__((warn_unused_result)) int index_wait_logs(struct eth_rpc_answer **out, struct index_duty *duty,
							struct eth_rpc_calls *list, bool alone);

/* Whoever answered an untruth (providers as bits) is set aside, counted, and told of, now and then. */
void index_distrust(struct index_duty *duty, uint32_t providers, const char *why, uint64_t from, uint64_t to);

/* Whether a verified header's bloom says that logs of those registries are in the block. */
enum index_bloom {
	INDEX_BLOOM_NONE,   /* certainly none */
	INDEX_BLOOM_MAYBE,  /* its bits are there, as they could be by chance in so full a bloom */
	INDEX_BLOOM_SURELY, /* so empty a bloom has them by chance once in a million */
};
/* Whether the bloom allows these logs; exactly: whether it is the bloom of these logs and no others. */
bool index_bloom_allows(const uint8_t bloom[static 256], const struct eth_rpc_logs *logs, bool exactly);
/* Leaves those of the registries' logs that are indexed. */
void index_logs_filter(struct eth_rpc_logs *logs, const struct index_ask *ask);

enum index_bloom index_bloom(const uint8_t bloom[static 256], const struct index_duty *duty, uint32_t mask);

/* ---- index_blocks.c ---- */

/* A block object read, and hashed where its members are known. Errors as eth_rpc_result_header(), but -EPROTONOSUPPORT. */
struct index_header {
	struct store_index_block block;
	bool hashed;
	struct eth_rpc_header full; /* zero unless hashed */
};
__attribute__((warn_unused_result)) int index_take_block(struct index_header *out, const struct eth_rpc_result *result);
/* 0: others (with rpc_quorum: as many as make a quorum) show the same blocks, or there are none, or none of them answers for
 * long and rpc_quorum is not set. -EAGAIN: not so; who is found out is distrusted. hashed: one a block. */
__attribute__((warn_unused_result)) int index_blocks_agree(struct index_duty *duty, unsigned provider,
							   const struct store_index_block *blocks, const bool *hashed, size_t n);
/* A header that cannot be hashed: 0 where others say so too, or the only provider says so for long. -EAGAIN. */
__attribute__((warn_unused_result)) int index_fork_agree(struct index_duty *duty, unsigned provider,
							 const struct store_index_block *block);
/* A header of the newest blocks could be hashed. */
void index_fork_over(struct index_duty *duty);
bool index_wants_quorum(const struct index_duty *duty);
/* Nobody else has a word: -EAGAIN some rounds; then 0 and a line in the log, and for a while nobody is asked. With
 * rpc_quorum always -EAGAIN. */
__attribute__((warn_unused_result)) int index_unheard(struct index_duty *duty, const char *what, uint64_t number);
bool index_is_unheard(const struct index_duty *duty);
void index_heard(struct index_duty *duty);

/* ---- index_logs.c ---- */

/* The registries' logs of one block near the head, as one provider shows them: checked, ascending. */
struct index_shown {
	uint64_t number;
	struct eth_hash block;
	const uint8_t *bits; /* the block's bloom; NULL: not known */
	const struct eth_rpc_logs *logs;
	unsigned provider;
};
/* 0: another provider (with rpc_quorum: as many as make a quorum) shows the same, or there is none, or none of them answers
 * for long and rpc_quorum is not set. -EAGAIN: not so. ask: for the registries meant; its filter is changed. */
__attribute__((warn_unused_result)) int index_logs_agree(struct index_duty *duty, const struct index_shown *shown,
							 struct index_ask *ask);
/* What is wrong with one block's logs by what a known implementation always logs together; *of: whose. NULL: nothing. */
const char *index_logs_fault(const struct index_registry **of, const struct index_log *logs, size_t n);

/* ---- index_step.c ---- */

void index_step_clear(struct index_step *step);
__attribute__((warn_unused_result)) int index_step_block(struct index_step *step, const struct store_index_block *block);
/* Adds the batch's events, and the states at the end of each block that the events say, tier events. before: the block
 * whose end they start from, all of which is stored; negative for none. */
__attribute__((warn_unused_result)) int index_step_fold(struct index_step *step, struct index_duty *duty,
							const struct index_batch *batch, int64_t before);
/* Adds or replaces a state; uri is copied. */
__attribute__((warn_unused_result)) int index_step_state(struct index_step *step, struct index_registry *registry,
							 const struct store_state *state, const struct eth_hash *block);
/* Forgets one. */
void index_step_drop_state(struct index_step *step, size_t at);
/* A URI as it is stored: longer than the schema holds, it is named by length and hash. -ENOMEM. */
__attribute__((warn_unused_result)) int index_step_uri(struct pg_bytes *out, struct index_step *step, const uint8_t *uri,
						       size_t len);
/* Whether it is such a name. (A contract's own URI may be the same text: the name is believed only of what is long.) */
bool index_names_long_uri(const struct pg_bytes *uri);
/* Stores it, and on success makes `place` the duty's. mask: registries complete up to indexed_to now, provisionally or for
 * good. */
__attribute__((warn_unused_result)) int index_step_commit(struct index_duty *duty, const struct index_step *step,
							  const struct store_index *place, uint32_t mask,
							  uint64_t indexed_to, bool provisional);
/* After any write: -ESTALE gives the duty up; whatever failed, what is in memory is read again. Returns err. */
int index_written(struct index_duty *duty, int err);

/* ---- index_read.c ---- */

/* Replaces states by what storage says at their blocks; those whose block nobody keeps stay as folded, and absent ones are
 * dropped. doubtful: only the doubtful ones, which stay as folded whatever goes wrong. latest: the chain's newest block; near it
 * a state that nobody has is waited for. Errors: those of the reads, to be tried again. */
__attribute__((warn_unused_result)) int index_read_states(struct index_duty *duty, struct index_step *step,
							  bool doubtful, uint64_t latest);

/* Same owner, wallet and URI, or both absent. Two URIs that are too long to read (err -EOVERFLOW) are taken for the same. */
bool index_same_state(const struct multicall_state *a, const struct multicall_state *b);
/* Reads agents at one block. tier says where from. Errors as multicall_read() and eth_rpc_wait(). */
__attribute__((warn_unused_result)) int index_read_agents(struct multicall_state *states, enum store_tier *tier,
							  struct index_duty *duty, const struct multicall_ask *asks,
							  size_t n, const struct eth_hash *block);

/* ---- index_backfill.c ---- */

/* Takes finalized blocks from..to for the registries of mask, provisionally: their `fetched` moves, the place does not.
 * -ECANCELED when the duty was lost or asked to stop. */
__attribute__((warn_unused_result)) int index_backfill(struct index_duty *duty, uint32_t mask, uint64_t from,
						       uint64_t to);

/* ---- index_join.c ---- */

/* Fetches what is missing up to `to` for every registry, compares with storage, and makes it part of the index. */
__attribute__((warn_unused_result)) int index_join(struct index_duty *duty, uint64_t to);

/* ---- index_near.c ---- */

/* Takes the next group of blocks above the tip. 0; -EAGAIN: not now, the chain moved or a node is behind. */
__attribute__((warn_unused_result)) int index_near(struct index_duty *duty);

/* ---- index_compare.c ---- */

/* Reads every agent of the registries of mask at a block, and counts those whose stored state differs, and ids that are
 * agents there and not known here. step not NULL: the differing states are added to it, as of `number`.
 * -ESTALE: no node has that state. */
struct index_verdict {
	uint64_t compared, differ, unread, missing;
	uint64_t owners; /* of those that differ: in the owner */
	bool known; /* every registry with a difference is of a known implementation: its events must determine its states */
};
struct index_look {
	uint32_t mask;
	uint64_t number;
	struct eth_hash block;
	const struct index_batch *later; /* agents in these logs may differ; NULL: none */
};
__attribute__((warn_unused_result)) int index_compare(struct index_verdict *out, struct index_step *step,
						      struct index_duty *duty, const struct index_look *look);

/* Now and then a page of agents, at a block a little behind the tip: what slipped in all the same. A difference lets all of them
 * be compared in the next block. */
void index_patrol(struct index_duty *duty);

/* ---- index_settle.c ---- */

/* Brings the overlay in line with the heads: drops what is no longer in the chain, makes final what is. 0; -EAGAIN: ask
 * again later; -EUCLEAN: the alarm stands, nothing may be written. */
__attribute__((warn_unused_result)) int index_settle(struct index_duty *duty);
/* The chain does not link to the tip: back to the common ancestor. */
__attribute__((warn_unused_result)) int index_walk_back(struct index_duty *duty);
/* Drops all above the final block, the overlay and what is provisional: it is taken again. */
__attribute__((warn_unused_result)) int index_overlay_restart(struct index_duty *duty);
/* A block linked to what the alarm was about. */
void index_end_alarm(struct index_duty *duty);
/* Puts blocks on the overlay in memory. */
__attribute__((warn_unused_result)) int index_overlay_add(struct index_duty *duty, const struct store_index_block *block);

/* ---- index_watch.c ---- */

/* Looks at the implementations of registries not looked at yet. Failures are logged and tried again. */
void index_watch(struct index_duty *duty);
/* Logs of that block are not those of the registry's known implementation. True: another one ran there, they may be. */
bool index_is_odd_at(struct index_duty *duty, const struct index_registry *registry, uint64_t number,
		     const struct eth_hash *block);

/* ---- index_proof.c ---- */

/* What an agent's storage is at a block where the answer of provider `doubted` is in doubt: by proof where the layout is known,
 * else by another provider's word. -ENOENT: there is neither; or errors of the read. */
__attribute__((warn_unused_result)) int index_decide(struct multicall_state *out, bool *proven, struct index_duty *duty,
						     struct index_registry *registry, const uint8_t agent[static 32],
						     const struct eth_hash *block, unsigned doubted);
bool index_proofs_wait(const struct index_duty *duty);
/* Notes the states of a stored step for proving. */
void index_proofs_note(struct index_duty *duty, const struct index_step *step);
/* Takes proofs that wait, at most `most`. */
void index_proofs_take(struct index_duty *duty, unsigned most);
/* Before the overlay lets go of blocks up to `number`, which are final: what waits to be proven in them stays due. */
void index_proofs_final(struct index_duty *duty, uint64_t number);
