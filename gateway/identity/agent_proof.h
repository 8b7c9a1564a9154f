#pragma once
/* Proof of what a registry holds about an agent at the end of one block: an AgentProof object (docs/formats.md section 11).
 *
 * It rests on a block hash alone. The header gives the state root; under it lie the registry's account, its implementation
 * slot, the implementation's account and so its code hash, which must be one whose storage layout is known; then the agent's
 * slots, present or absent. Whoever trusts the block hash needs to believe nobody else; but which agent, of which registry on
 * which chain, is for the verifier to compare (trust->key): anyone can deploy a registry with the same code.
 *
 * The text is canonical JSON (RFC 8785); every byte of it is checked, and every node in it is needed. */
#include "did/agent_key.h"
#include "did/jcs.h"
#include "eth/rpc.h"
#include "eth/rpc_read.h"
#include "gateway/identity/layout.h"

#include <stdbool.h>
#include <stddef.h>

enum {
	AGENT_PROOF_MAX = 4 << 20,   /* bytes of an object */
	AGENT_PROOF_URI_MAX = 4096,  /* a longer URI is left out of proofs taken without being asked (it needs a slot per 32 bytes) */
	AGENT_PROOF_WHY_SIZE = 160,  /* what went wrong, in words */
};

enum agent_proof_uri {
	AGENT_PROOF_URI_WHOLE,	 /* uri and uri_len are proven */
	AGENT_PROOF_URI_OMITTED, /* only uri_len is proven */
};

/* What an object proves. */
struct agent_proof {
	struct agent_key key;
	struct eth_header header; /* .hash is what it all rests on */
	struct eth_address implementation; /* the registry itself if its implementation slot is empty */
	struct eth_hash implementation_code, registry_code;
	bool exists; /* false: proven that no such agent is registered; nothing below is set then */
	struct eth_address owner;
	bool has_wallet;
	struct eth_address wallet;
	enum agent_proof_uri uri_kind;
	char *uri; /* any bytes, NUL-terminated, owned; NULL if omitted */
	size_t uri_len;
};
void agent_proof_clear(struct agent_proof *proof);

/* What the verifier accepts. */
struct agent_proof_trust {
	const struct eth_hash *block; /* NULL: any; then proof.header.hash says what it rests on */
	const struct agent_key *key;  /* NULL: any; else the agent meant. Header and nodes do not say of which chain they are: this does */
	const struct eth_hash *codes; /* accepted implementations, see layout_codes_parse() */
	size_t ncodes;
};

/* Checks an object, offline. why is always filled (a lower-case sentence, "" for 0). Returns
 *   0
 *   -EBADMSG          not a canonical AgentProof object, or its parts do not fit together
 *   -EILSEQ           not UTF-8
 *   -EOVERFLOW        larger than allowed
 *   -EKEYREJECTED     the nodes do not prove what is stated, or some are not needed
 *   -EPROTONOSUPPORT  "layout: unknown": an implementation not accepted, or a header of an unknown fork
 *   -ESTALE           proven, but for another block than trust->block
 *   -EXDEV            proven, but of another agent, registry or chain than trust->key
 *   -ENXIO            proven that there is no code at the registry's address
 *   -ENOMEM */
__attribute__((warn_unused_result)) int agent_proof_verify(struct agent_proof *out, char why[static AGENT_PROOF_WHY_SIZE],
							   const char *text, size_t len,
							   const struct agent_proof_trust *trust);

/* Whether a JSON value calls itself an AgentProof (its "type" member); says nothing about its truth. */
bool agent_proof_is(const json_t *value);

/* Makes an object from what nodes gave, keeping only the nodes that are needed. The result is proven by making it: out is
 * filled as by agent_proof_verify(). *text is malloc'd and NUL-terminated. A URI longer than uri_max is left out.
 * Errors as agent_proof_verify(). */
struct agent_proof_parts {
	struct agent_key key;
	const uint8_t *header;
	size_t header_len;
	const struct trie_node *nodes; /* of all proofs, in any order, repeats allowed */
	size_t n;
	size_t uri_max; /* at most REGISTRY_URI_MAX */
};
__attribute__((warn_unused_result)) int agent_proof_build(struct agent_proof *out, char **text, size_t *len,
							  char why[static AGENT_PROOF_WHY_SIZE],
							  const struct agent_proof_parts *parts,
							  const struct agent_proof_trust *trust);

/* What to prove. `codes` as above, copied. */
struct agent_proof_ask {
	struct agent_key key;
	struct eth_rpc_at at; /* a tag or number is first turned into one hash */
	size_t uri_max;	      /* a longer URI is left out, saying so; at most REGISTRY_URI_MAX */
	const struct eth_hash *codes;
	size_t ncodes; /* at most LAYOUT_CODES_MAX */
};

/* What taking gave. On err 0 proof and text are set, borrowed; the text may be taken by setting the pointer to NULL (free()
 * it then). On any error why says what went wrong and who was asked. */
struct agent_proof_taken {
	struct agent_proof *proof;
	char *text; /* the object, NUL-terminated */
	size_t len;
	const char *why;
};

/* Ends with
 *   0                 verified here
 *   -EKEYREJECTED     header or proofs do not hold; who gave them was set aside (eth_rpc_distrust) and the others did no better
 *   -EPROTONOSUPPORT  layout: unknown
 *   -EOPNOTSUPP       no provider serves eth_getProof
 *   -ESTALE           none does for that block: too old, or no longer canonical
 *   -ENOENT           no such block
 *   -ENXIO            no code at the registry's address
 *   others as of eth_rpc_batch() and eth_rpc_result_error() */
typedef void agent_proof_on_take(void *arg, int err, struct agent_proof_taken *taken);

/* Asks for header and proofs, makes the object and verifies it before saying so: two or three batches, all after the first of one provider.
 * A provider that fails, hangs or lies is followed by the next, each once, while the deadline lasts. Starting errors as
 * eth_rpc_batch(), and -EINVAL; on_take then never runs. */
__attribute__((warn_unused_result)) int agent_proof_take(struct eth_rpc *rpc, const struct agent_proof_ask *ask,
							 unsigned deadline_ms, agent_proof_on_take *on_take, void *arg);

/* The same straight down, not from a callback. *proof (may be NULL) and *text are the caller's on 0; why always filled. */
__attribute__((warn_unused_result)) int agent_proof_wait(struct agent_proof *proof, char **text, size_t *len,
							 char why[static AGENT_PROOF_WHY_SIZE], struct eth_rpc *rpc,
							 const struct agent_proof_ask *ask, unsigned deadline_ms);
