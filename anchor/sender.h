/* The anchor sender: a pure state machine that brings (size, root) into the contract with the fewest transactions and
 * never loses count. Event in, actions out; no I/O, no clock (time comes with the events), no RLP and no keys.
 *
 * What it holds to (DESIGN section 6; facts/eth-client.md section 2):
 *  - one unconfirmed nonce at a time, derived from the chain's count at `latest` and the stored attempts, never from
 * memory;
 *  - SIGN, then STORE, and only after SENDER_STORED a BROADCAST: nothing leaves that could be forgotten;
 *  - every attempt's hash is watched until one of its nonce is final; block hashes are compared, never heights;
 *  - a replacement raises both fees by ceil(10 %), at least 1 wei, and carries the newest (size, root);
 *  - on any revert the contract's head is read again before anything else; only an unexplained one halts;
 *  - the truth about an anchor is the contract's head at a block hash, not a receipt.
 *
 * How to drive it: step with an event, carry out the actions in their order, step again with each answer. Every
 * ESTIMATE, SIGN, STORE and BROADCAST is answered by exactly one event; until then at most one of them is open. A VIEW
 * is sent every poll interval (about a block time) and whenever READ asks for one. The struct is flat: after a restart
 * call sender_init(), sender_restore() for each stored attempt with a nonce above every forgotten one, then TARGET and
 * VIEW.
 *
 * Money: fees are wei per gas, amounts are wei, both saturating at UINT64_MAX (18.4 ETH). Times: milliseconds, any
 * epoch that survives a restart. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "anchor/merkle.h"

#define SENDER_ATTEMPTS_MAX 64 /* watched at a time, over all nonces; when full, nothing new is signed */
#define SENDER_BUMPS_MAX 16    /* attempts a nonce; then only rebroadcast */
#define SENDER_ACTIONS_MAX 80  /* of one step */

struct sender_config {
	uint64_t interval_ms;	 /* between anchors, if there is anything new: 60000 */
	uint64_t entries_max;	 /* new entries that do not wait for the interval: 10000 */
	uint64_t heartbeat_ms;	 /* the budget never stretches the interval beyond this: 86400000 */
	uint64_t resubmit_ms;	 /* an attempt unmined for so long is replaced: 20000 */
	uint64_t rebroadcast_ms; /* an accepted, unmined attempt is sent again after this: 12000 */
	uint64_t fee_cap;	 /* highest max fee per gas ever signed */
	uint64_t tip_min;	 /* lowest priority fee per gas */
	uint64_t base_multiple;	 /* max fee = base_multiple * base fee + tip: 2..10 */
	uint64_t daily_budget;	 /* wei a day; 0: none */
};

/* What is to be anchored, or was found in the contract. Size 0 is the contract's beginning. */
struct sender_head {
	uint64_t size;
	struct merkle_hash root;
};

/* One signed transaction. The caller stores it with its raw bytes; `hash` is the transaction hash. */
struct sender_attempt {
	uint64_t nonce;
	uint64_t gas; /* gas limit */
	uint64_t max_fee;
	uint64_t tip;
	uint64_t from_size; /* the contract's head it extends: the consistency proof is from_size -> target.size */
	struct sender_head target;
	uint8_t hash[32];
	uint64_t signed_at;
	/* memory only, rebuilt from views; sender_restore() clears them */
	bool sent;	  /* broadcast since it was last known not to be included */
	bool accepted;	  /* and a node said that it has it */
	bool included;	  /* a receipt in a canonical block up to `latest` */
	bool reverted;	  /* and it failed there */
	uint64_t since;	  /* first broadcast of that stretch */
	uint64_t sent_at; /* last broadcast of it */
	uint64_t block;	  /* where it is included */
	uint8_t block_hash[32];
};

struct sender_block {
	uint64_t number;
	uint8_t hash[32];
	struct sender_head head; /* the contract's (size, root), read at this block hash */
	uint64_t nonce;		 /* eth_getTransactionCount of the relayer at this block hash */
};

/* The receipt of a watched hash, if the node has one. */
struct sender_receipt {
	uint8_t hash[32];
	uint64_t block;
	uint8_t block_hash[32];	    /* as the receipt says */
	uint8_t canonical_hash[32]; /* of the block at that height now, asked separately; else the receipt does not
				       count */
	bool success;
};

/* All that was read in one poll. Receipts are asked for the hashes of sender_watched(). */
struct sender_view {
	struct sender_block latest, safe, finalized;
	uint64_t base_fee; /* of `latest` */
	uint64_t tip;	   /* suggested */
	uint64_t balance;  /* of the relayer at `latest` */
	uint64_t l1_fee;   /* data fee of one anchor: 0 where there is none */
	const struct sender_receipt *receipts;
	size_t receipt_count;
};

/* What became of a broadcast, by sender_classify(). */
enum sender_outcome {
	SENDER_ACCEPTED,      /* the node has it: taken now, or "already known" */
	SENDER_NONCE_TOO_LOW, /* used: look at receipts before anything else */
	SENDER_NONCE_TOO_HIGH,
	SENDER_UNDERPRICED, /* a replacement must pay more */
	SENDER_FEE_TOO_LOW, /* below the base fee of now */
	SENDER_NO_FUNDS,
	SENDER_UNKNOWN, /* no answer, rate limit, anything else: it may or may not be there */
};

enum sender_event_kind {
	SENDER_TARGET,		/* a published checkpoint: .target */
	SENDER_VIEW,		/* .view */
	SENDER_ESTIMATED,	/* .gas: the limit to sign, margin included */
	SENDER_ESTIMATE_REVERT, /* the contract refuses it */
	SENDER_ESTIMATE_FAILED, /* no answer */
	SENDER_SIGNED,		/* .hash */
	SENDER_SIGN_FAILED,
	SENDER_STORED,
	SENDER_STORE_FAILED, /* or unsure: harmless, as it is not sent and its nonce is used by the next one */
	SENDER_SENT,	     /* .outcome, .hash of the BROADCAST it answers */
	SENDER_RESUME,	     /* an operator lifts a halt */
};

struct sender_event {
	enum sender_event_kind kind;
	uint64_t now;
	struct sender_head target;
	struct sender_view view;
	uint64_t gas;
	uint8_t hash[32];
	enum sender_outcome outcome;
};

enum sender_action_kind {
	SENDER_READ,	  /* send a VIEW now */
	SENDER_ESTIMATE,  /* eth_call and estimate .attempt (from_size, target) at `latest` */
	SENDER_SIGN,	  /* sign .attempt; answer with the hash, keep the raw bytes. If target.size <= from_size,
			     with an empty proof: it only uses up a nonce whose anchor the contract already has */
	SENDER_STORE,	  /* store .attempt and its raw bytes durably */
	SENDER_BROADCAST, /* eth_sendRawTransaction of the stored raw bytes of .attempt.hash */
	SENDER_REACHED, /* the contract's head at .level is now .attempt.target, at .block: raise levels up to that size
			 */
	SENDER_FORGET,	/* .attempt.nonce is used by one of ours, at `finalized`: nothing stored with that nonce or a
			     lower one needs watching, nor what is stored later (a STORE may be under way) */
	SENDER_ALARM,	/* .alarm */
};

enum sender_level { SENDER_LATEST, SENDER_SAFE, SENDER_FINALIZED };

enum sender_alarm {
	SENDER_ALARM_LOST,     /* a nonce was used, final, by none of our hashes: the key is shared. Halts */
	SENDER_ALARM_CONFLICT, /* the contract holds another root for our size. Halts */
	SENDER_ALARM_AHEAD,    /* the contract is further than our log: the log was rolled back, or is being restored.
				  Waits */
	SENDER_ALARM_REVERT,   /* the contract refuses what should extend its head. Halts */
	SENDER_ALARM_FINALITY, /* the finalized head went backwards */
	SENDER_ALARM_FEE_CAP,  /* a replacement would pass the cap; the old one is kept alive */
	SENDER_ALARM_FUNDS,    /* the balance does not cover an anchor */
	SENDER_ALARM_GAP,      /* the chain waits for a nonce below ours that we do not know, or a node says one far above */
	SENDER_ALARM_FULL,     /* too many unfinal attempts */
};

struct sender_action {
	enum sender_action_kind kind;
	enum sender_alarm alarm;
	enum sender_level level;
	struct sender_attempt attempt;
	struct sender_block block; /* of REACHED */
};

enum sender_phase { SENDER_RESTING, SENDER_ESTIMATING, SENDER_SIGNING, SENDER_STORING, SENDER_SENDING };

struct sender {
	struct sender_config config;
	enum sender_phase phase;
	bool viewed;	     /* a view has come */
	bool bump;	     /* the node wants a better price for the newest attempt */
	bool lost, conflict; /* halts, until SENDER_RESUME */
	unsigned refusals;   /* unexplained reverts at refused_head; two halt, until the head moves or RESUME */
	unsigned lost_views, gap_views; /* views in a row that showed the oddity; nodes lag, so five make an alarm */
	uint64_t refused_head;
	struct sender_head target;     /* newest published checkpoint */
	struct sender_head reached[3]; /* last reported, by enum sender_level */
	struct sender_block latest;    /* of the last view, as the four below */
	uint64_t base_fee, tip, balance, l1_fee;
	uint64_t final_nonce;	     /* highest count seen at `finalized` */
	uint64_t last_at, last_gas;  /* of the newest nonce */
	uint32_t alarms;	     /* bit set of those raised and still true */
	struct sender_attempt draft; /* being estimated, signed, stored */
	size_t count;
	struct sender_attempt attempts[SENDER_ATTEMPTS_MAX]; /* by nonce, then age */
};

/* `last_at`: when the newest stored attempt was signed, 0 if there is none. */
void sender_init(struct sender *sender, const struct sender_config *config, uint64_t last_at);
/* A stored attempt, oldest first. 0; -ENOSPC; -EINVAL if called after the first event. */
__attribute__((warn_unused_result)) int sender_restore(struct sender *sender, const struct sender_attempt *attempt);
/* One step; returns the number of actions written. */
size_t sender_step(struct sender *sender, struct sender_action actions[static SENDER_ACTIONS_MAX],
		   const struct sender_event *event);
/* The attempts whose receipts a view must ask for; returns how many. Valid until the next step. */
size_t sender_watched(const struct sender_attempt **attempts, const struct sender *sender);
/* The meaning of an error message of eth_sendRawTransaction (geth, reth, anvil and gateways in front of them). */
enum sender_outcome sender_classify(const char *message, size_t len);
/* For logs and metrics. */
const char *sender_alarm_name(enum sender_alarm alarm);
