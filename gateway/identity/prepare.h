#pragma once
/* Register and rotate, in the words of the registry: what to sign and what to send, checked before it costs anything.
 *
 * The same operation serves HTTP and the command line: a question (struct prepare_ask) becomes either a refusal that
 * says who should do what next, or a plan: calldata, simulated at `latest` from the sender's account, with its gas and
 * price. Changing the wallet has two steps (facts/erc8004.md §1.2): without a signature the plan is typed data that the
 * NEW wallet signs, with a deadline counted from the latest block's time; with the signature it is the transaction that
 * the owner (or whom the owner approved) sends.
 *
 *   prepare_facts_…   what the chain says: asked for and read here, one batch
 *   prepare_check()   pure: the first rule that the question breaks, or none
 *   prepare_start()   all of it: read, check, simulate and price in two round trips
 *
 * Sources: erc-8004-contracts b9e466c; EIP-712, ERC-1271, ERC-6492; OP stack GasPriceOracle (predeploy 0x4200…000F). */
#include "did/agent_key.h"
#include "eth/rpc.h"
#include "eth/signature.h"
#include "gateway/identity/heads.h"
#include "gateway/identity/registry.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	PREPARE_DEADLINE_S = 240, /* after block time, unless asked for otherwise; the registry takes at most 300 */
	PREPARE_SIGNATURE_MAX = 16384, /* bytes of a contract wallet's signature */
};

enum prepare_verb {
	PREPARE_REGISTER,
	PREPARE_WALLET,
	PREPARE_UNSET_WALLET,
	PREPARE_URI,
	PREPARE_METADATA,
	PREPARE_TRANSFER,
	PREPARE_VERBS,
};

/* "register", "wallet", "unset-wallet", "uri", "metadata", "transfer". -ENOENT for any other. */
__attribute__((warn_unused_result)) int prepare_verb_parse(enum prepare_verb *out, const char *text);
const char *prepare_verb_name(enum prepare_verb verb);

/* The question. Everything is borrowed and must stay until the operation is done. */
struct prepare_ask {
	enum prepare_verb verb;
	struct agent_key agent;	 /* register: chain and registry only */
	struct eth_address from; /* who will send the transaction */
	/* register: the URI ("" with no metadata is register()), and any entries; uri: the URI; metadata: one entry */
	const char *uri;
	size_t uri_len;
	const struct registry_metadata *metadata;
	size_t metadata_count;
	struct eth_address wallet; /* wallet: the new one */
	uint64_t deadline;	   /* wallet: seconds since 1970 by block time; 0: choose (first step only) */
	const uint8_t *signature;  /* wallet: NULL for the first step */
	size_t signature_len;
	struct eth_address to; /* transfer: the receiver */
};

/* Why not, for a person and for a program. Texts are ASCII sentences. */
struct prepare_refusal {
	int error;	  /* as http_problem: -ENOENT, -EACCES, -EKEYREJECTED, -EEXIST, -EDOM, -EBADMSG, -EOVERFLOW */
	const char *rule; /* "unknown-agent", "not-authorised", "wrong-signer", … (docs/api.md lists them); static */
	const char *pointer; /* RFC 6901, the member of the HTTP body at fault; "" for none; static */
	char detail[512];    /* what is wrong */
	char next[512];	     /* what to do next */
};

enum { PREPARE_WARNINGS_MAX = 4, PREPARE_WARNING_SIZE = 256 };

/* What the chain says at its latest block. */
struct prepare_facts {
	struct heads_block block;
	struct u256 base_fee, tip; /* wei a gas; tip as the node suggests */
	bool registry_has_code;
	bool exists;
	struct eth_address owner, wallet; /* wallet zero: none */
	bool authorised;		  /* `from` is the owner, approved for the agent, or the owner's operator */
	bool other_has_code;		  /* the new wallet's (wallet) or the receiver's (transfer) address */
	uint64_t nonce;			  /* of `from`, pending included */
	struct u256 balance;		  /* of `from`, wei */
};

/* Adds the reads of a question to a batch (at most PREPARE_FACTS_CALLS of them), and takes their results.
 * Errors of the readers in registry.h; an absent agent is exists = false. A registry without code is
 * registry_has_code = false and nothing else of the agent is looked at. */
enum { PREPARE_FACTS_CALLS = 9 };
void prepare_facts_ask(struct eth_rpc_calls *list, const struct prepare_ask *ask);
__attribute__((warn_unused_result)) int prepare_facts_read(struct prepare_facts *out, const struct prepare_ask *ask,
							   const struct eth_rpc_result *results);

/* Pure. The first rule that the question breaks by these facts.
 * Returns 0: none; 1: none, but only the new wallet's contract can say whether the signature is its own (ERC-1271), so
 * it has to be asked; or the refusal's negative errno, with *out filled. */
__attribute__((warn_unused_result)) int prepare_check(struct prepare_refusal *out, const struct prepare_ask *ask,
						      const struct prepare_facts *facts,
						      const struct signature_context *signatures);

/* The plan. */
struct prepare_plan {
	struct prepare_facts facts;
	/* wallet, first step: nothing to send yet */
	bool sign_first;
	uint64_t deadline;	/* wallet: asked for or chosen */
	struct eth_hash digest; /* wallet: what the new wallet signs */
	/* otherwise: the transaction, to the registry, value 0 */
	uint8_t *data;
	size_t data_len;
	uint64_t gas;	     /* limit: the node's estimate and a fifth */
	struct u256 max_fee; /* wei a gas: 2 × base fee + tip */
	bool has_l1_fee;     /* an OP-stack chain: it charges for its L1 data, and no estimate includes that */
	struct u256 l1_fee;  /* wei */
	struct u256 fee;     /* wei: gas × max_fee + l1_fee, the most it can cost now */
	size_t warning_count;
	char warnings[PREPARE_WARNINGS_MAX][PREPARE_WARNING_SIZE];
	const char *next; /* what to do with it; static */
};
void prepare_plan_clear(struct prepare_plan *plan);

/* Calldata of a question (with its signature, for wallet). A transfer moves the agent from its owner, by
 * safeTransferFrom when the receiver has code. *out is malloc'd. -EOVERFLOW, -ENOMEM. */
__attribute__((warn_unused_result)) int prepare_calldata(uint8_t **out, size_t *out_len, const struct prepare_ask *ask,
							 const struct prepare_facts *facts);

/* Adds the call at `latest`, its gas estimate, its L1 fee and, if asked for, the new wallet's consent (ERC-1271); and
 * reads the results into a plan that has facts, digest and data: gas, fees and warnings. ask: -ENOMEM, -EINVAL. read:
 * 0; 1 with *refusal filled; or negative: not known, as eth_rpc_result_error(). */
__attribute__((warn_unused_result)) int prepare_simulation_ask(struct eth_rpc_calls *list,
							       const struct prepare_ask *ask,
							       const struct prepare_plan *plan, bool ask_wallet);
__attribute__((warn_unused_result)) int prepare_simulation_read(struct prepare_refusal *refusal,
								struct prepare_plan *plan,
								const struct prepare_ask *ask, bool ask_wallet,
								const struct eth_rpc_result *results);

/* err 0: exactly one of refusal and plan is not NULL. The plan is borrowed; its data may be taken by setting the
 * pointer to NULL. err negative: the chain could not be read, as agent_answer (-EAGAIN, -EIO, -ETIMEDOUT, …). */
typedef void prepare_on_done(void *arg, int err, const struct prepare_refusal *refusal, struct prepare_plan *plan);

/* Reads, checks, simulates and prices. `rpc` must be of the agent's chain. Starting errors as eth_rpc_batch(). */
__attribute__((warn_unused_result)) int prepare_start(struct eth_rpc *rpc, const struct signature_context *signatures,
						      const struct prepare_ask *ask, unsigned deadline_ms,
						      prepare_on_done *on_done, void *arg);

/* Straight down, for the command line. 0 with *plan filled (for prepare_plan_clear()); 1 with *refusal filled; or a
 * negative errno of both kinds above. */
__attribute__((warn_unused_result)) int prepare_wait(struct prepare_plan *plan, struct prepare_refusal *refusal,
						     struct eth_rpc *rpc, const struct signature_context *signatures,
						     const struct prepare_ask *ask, unsigned deadline_ms);

/* What the new wallet signs, as a digest and as JSON. */
void prepare_digest(struct eth_hash *out, const struct prepare_ask *ask, const struct eth_address *owner,
		    uint64_t deadline);
/* The typed data of a wallet change. `v4` adds the domain's own type, which eth_signTypedData_v4 wants and ethers'
 * signTypedData(domain, types, message) refuses. A new reference; NULL: no memory. */
json_t *prepare_typed_data(const struct prepare_ask *ask, const struct eth_address *owner, uint64_t deadline, bool v4);

/* The answer of POST /v1/agents/prepare/{verb} (docs/api.md). A new reference; NULL: no memory. */
json_t *prepare_json(const struct prepare_ask *ask, const struct prepare_plan *plan);
