/* Taking a proof from a node: the header, then the slots every agent has, then what those say is still missing: the
 * implementation's account and the rest of a long URI. All of one provider, so that a wrong answer has one name. */
#include "gateway/identity/agent_proof.h"
#include "eth/state_proof.h"
#include "gateway/identity/heads.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	CHUNK = 256, /* slots in one eth_getProof of a long URI */
	BASE_SLOTS = 4,
	PROOFS_MAX = 2 + LAYOUT_DATA_SLOTS_MAX / CHUNK, /* registry, implementation, the URI's data */
	ANY = -1,
};

struct take {
	struct eth_rpc *rpc;
	struct agent_proof_ask ask;
	struct eth_hash codes[LAYOUT_CODES_MAX];
	int64_t deadline_ms;
	agent_proof_on_take *on_take;
	void *arg;
	int provider;	/* whom to ask: ANY at first, then who answered */
	unsigned tried; /* bits of those that failed */
	bool settled;	/* the answer is proven to be an error: nobody could say otherwise */
	struct eth_rpc_header header;
	struct layout_slots slots;
	struct eth_rpc_proof proofs[PROOFS_MAX];
	size_t n;
	char why[AGENT_PROOF_WHY_SIZE];
};

static int start(struct take *take);
static void on_head(void *arg, int err, const struct eth_rpc_result *results, size_t n);
static void on_base(void *arg, int err, const struct eth_rpc_result *results, size_t n);
static void on_rest(void *arg, int err, const struct eth_rpc_result *results, size_t n);

__attribute__((format(printf, 3, 4))) static int refuse(struct take *take, int err, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(take->why, sizeof(take->why), format, args);
	va_end(args);
	return err;
}

static void drop_proofs(struct take *take)
{
	while (take->n > 0)
		eth_rpc_proof_clear(&take->proofs[--take->n]);
}

static void take_free(struct take *take)
{
	drop_proofs(take);
	free(take);
}

static void end(struct take *take, int err, struct agent_proof *proof, char *text, size_t len)
{
	struct agent_proof_taken taken = {.proof = proof, .text = text, .len = len, .why = take->why};

	take->on_take(take->arg, err, &taken);
	free(taken.text);
	take_free(take);
}

/* What says something about one provider only, so that another may do better. */
static bool another_may_help(int err)
{
	switch (err) {
	case -EKEYREJECTED:
	case -EBADMSG:
	case -EOVERFLOW:
	case -EOPNOTSUPP:
	case -ESTALE:
	case -ENOENT:
	case -EPROTONOSUPPORT:
	case -EAGAIN:
	case -ETIMEDOUT:
	case -EIO:
		return true;
	default:
		return false;
	}
}

static int next_provider(const struct take *take)
{
	unsigned n = eth_rpc_providers(take->rpc);

	for (unsigned i = 0; i < n; i++)
		if ((take->tried >> i & 1) == 0)
			return (int)i;
	return ANY;
}

/* Goes on with another provider, or ends. */
static void fail(struct take *take, int err)
{
	int next = ANY;

	if (take->provider != ANY) {
		if (err == -EKEYREJECTED || err == -EBADMSG)
			eth_rpc_distrust(take->rpc, (unsigned)take->provider, "a proof of an agent that does not hold");
		take->tried |= 1U << take->provider;
		if (another_may_help(err) && !take->settled)
			next = next_provider(take);
	}
	if (next != ANY) {
		take->provider = next;
		drop_proofs(take);
		if (start(take) == 0)
			return;
	}
	end(take, err, NULL, NULL, 0);
}

/* One provider gets half of the time that is left while there are others: one that hangs must not take it all. */
static int send_batch(struct take *take, const struct eth_rpc_calls *list, eth_rpc_on_done *on_done)
{
	int64_t left = take->deadline_ms - heads_now_ms();

	if (left <= 0)
		return refuse(take, -ETIMEDOUT, "the deadline passed");
	if (take->provider == ANY)
		return eth_rpc_batch_list(take->rpc, list, (unsigned)left, on_done, take);
	if (left > 1 && (take->tried | 1U << take->provider) + 1 != 1U << eth_rpc_providers(take->rpc))
		left /= 2;
	return eth_rpc_batch_at(take->rpc, (unsigned)take->provider, list, (unsigned)left, on_done, take);
}

static void add_base(struct eth_rpc_calls *list, const struct take *take, const struct eth_hash *block)
{
	struct eth_rpc_at at = eth_rpc_at_hash(block);
	struct eth_hash slots[BASE_SLOTS] = {{{0}}, take->slots.owner, take->slots.wallet, take->slots.uri};

	layout_slot_implementation(&slots[0]);
	eth_rpc_add_proof(list, &take->ask.key.registry, slots, BASE_SLOTS, &at);
}

/* Where the hash is known, header and first proof come together. */
static int start(struct take *take)
{
	struct eth_rpc_calls list;
	int err;

	eth_rpc_calls_init(&list);
	eth_rpc_add_block(&list, &take->ask.at);
	if (take->ask.at.kind == ETH_RPC_AT_HASH)
		add_base(&list, take, &take->ask.at.hash);
	err = send_batch(take, &list, on_head);
	eth_rpc_calls_clear(&list);
	return err;
}

static bool is_asked_for(const struct take *take)
{
	const struct eth_rpc_at *at = &take->ask.at;
	const struct eth_header *header = &take->header.header;

	switch (at->kind) {
	case ETH_RPC_AT_HASH:
		return memcmp(at->hash.bytes, header->hash.bytes, sizeof(header->hash.bytes)) == 0;
	case ETH_RPC_AT_NUMBER:
		return at->number == header->number;
	case ETH_RPC_AT_TAG:
		break;
	}
	return true;
}

static int ask_base(struct take *take)
{
	struct eth_rpc_calls list;
	int err;

	eth_rpc_calls_init(&list);
	add_base(&list, take, &take->header.header.hash);
	err = send_batch(take, &list, on_base);
	eth_rpc_calls_clear(&list);
	return err;
}

static void on_head(void *arg, int err, const struct eth_rpc_result *results, size_t n)
{
	struct take *take = arg;

	if (err != 0) {
		refuse(take, err, "%s", eth_rpc_last_error(take->rpc));
		fail(take, err);
		return;
	}
	take->provider = (int)eth_rpc_provider(take->rpc);
	err = eth_rpc_result_header(&take->header, &results[0]);
	if (err != 0)
		refuse(take, err, err == -EPROTONOSUPPORT ? "header: a fork this release does not know" : "the block's header cannot be had");
	else if (!is_asked_for(take))
		err = refuse(take, -EKEYREJECTED, "the provider gave another block");
	if (err == 0 && n > 1) {
		on_base(take, 0, results + 1, n - 1);
		return;
	}
	if (err == 0)
		err = ask_base(take);
	if (err != 0)
		fail(take, err);
}

static int read_proof(struct take *take, const struct eth_rpc_result *result)
{
	int err = eth_rpc_result_proof(&take->proofs[take->n], result);

	if (err == 0)
		take->n++;
	else
		refuse(take, err, err == -EOPNOTSUPP ? "the provider does not serve eth_getProof"
			       : err == -ESTALE	     ? "the provider keeps no state of that block"
						     : "the provider gave no proof");
	return err;
}

static int read_word(struct eth_hash *word, const struct state_account *account, const struct eth_rpc_proof *proof,
		     const struct eth_hash *slot)
{
	struct u256 wanted;

	u256_from_bytes(&wanted, slot->bytes);
	for (size_t i = 0; i < proof->nslots; i++)
		if (u256_cmp(&proof->slots[i].slot, &wanted) == 0)
			return state_proof_word(word, &account->storage, slot, proof->slots[i].nodes, proof->slots[i].n);
	return -EKEYREJECTED;
}

/* What the first proof says is still needed. */
struct rest {
	struct eth_address implementation; /* zero: the registry is no proxy */
	size_t slots;			   /* of the URI's data */
};

/* The proof is checked here too, so that the questions that follow are not led by a lie. */
static int judge_base(struct rest *rest, struct take *take)
{
	const struct eth_rpc_proof *proof = &take->proofs[0];
	struct eth_hash slot, implementation, owner, uri;
	struct state_account account;
	struct eth_address holder;
	size_t len;
	int err = state_proof_account(&account, &take->header.header.state_root, &take->ask.key.registry, proof->nodes,
				      proof->n);

	*rest = (struct rest){0};
	if (err == 0 && memcmp(account.code.bytes, state_empty_code.bytes, sizeof(account.code.bytes)) == 0)
		return refuse(take, -ENXIO, "there is no code at the registry's address");
	layout_slot_implementation(&slot);
	if (err == 0)
		err = read_word(&implementation, &account, proof, &slot);
	if (err == 0)
		err = read_word(&owner, &account, proof, &take->slots.owner);
	if (err == 0)
		err = read_word(&uri, &account, proof, &take->slots.uri);
	if (err != 0)
		return refuse(take, err, "the provider's proof does not hold");
	/* words of another shape are of an unknown layout, which agent_proof_build() says */
	if (layout_read_address(&rest->implementation, &implementation) != 0)
		return 0;
	if (layout_read_address(&holder, &owner) == 0 && !address_is_zero(&holder) &&
	    (layout_string_length(&len, &rest->slots, &uri) != 0 || len > take->ask.uri_max))
		rest->slots = 0;
	return 0;
}

static int ask_rest(struct take *take, const struct rest *rest)
{
	struct eth_rpc_at at = eth_rpc_at_hash(&take->header.header.hash);
	struct eth_hash slots[CHUNK];
	struct eth_rpc_calls list;
	int err;

	eth_rpc_calls_init(&list);
	if (!address_is_zero(&rest->implementation))
		eth_rpc_add_proof(&list, &rest->implementation, NULL, 0, &at);
	for (size_t first = 0; first < rest->slots; first += CHUNK) {
		size_t n = rest->slots - first < CHUNK ? rest->slots - first : CHUNK;

		for (size_t i = 0; i < n; i++)
			layout_slot_data(&slots[i], &take->slots.uri, first + i);
		eth_rpc_add_proof(&list, &take->ask.key.registry, slots, n, &at);
	}
	err = send_batch(take, &list, on_rest);
	eth_rpc_calls_clear(&list);
	return err;
}

static size_t collect(struct trie_node *out, const struct take *take)
{
	size_t n = 0;

	for (size_t i = 0; i < take->n; i++) {
		const struct eth_rpc_proof *proof = &take->proofs[i];

		for (size_t j = 0; j < proof->n; j++, n++)
			if (out != NULL)
				out[n] = proof->nodes[j];
		for (size_t slot = 0; slot < proof->nslots; slot++)
			for (size_t j = 0; j < proof->slots[slot].n; j++, n++)
				if (out != NULL)
					out[n] = proof->slots[slot].nodes[j];
	}
	return n;
}

static void finish(struct take *take)
{
	const struct agent_proof_trust trust = {.block = &take->header.header.hash, .codes = take->codes,
						.ncodes = take->ask.ncodes};
	struct agent_proof_parts parts = {.key = take->ask.key, .header = take->header.rlp,
					  .header_len = take->header.rlp_len, .uri_max = take->ask.uri_max};
	size_t n = collect(NULL, take), len = 0;
	struct trie_node *nodes = calloc(n + 1, sizeof(*nodes));
	struct agent_proof proof = {0};
	char *text = NULL;
	int err = nodes == NULL ? refuse(take, -ENOMEM, "out of memory") : 0;

	if (err == 0) {
		parts.nodes = nodes;
		parts.n = collect(nodes, take);
		err = agent_proof_build(&proof, &text, &len, take->why, &parts, &trust);
	}
	free(nodes);
	take->settled = err == -EPROTONOSUPPORT || err == -ENXIO;
	if (err != 0)
		fail(take, err);
	else
		end(take, 0, &proof, text, len);
	agent_proof_clear(&proof);
}

static void on_base(void *arg, int err, const struct eth_rpc_result *results, size_t n)
{
	struct take *take = arg;
	struct rest rest;

	(void)n;
	if (err != 0)
		refuse(take, err, "%s", eth_rpc_last_error(take->rpc));
	else
		err = read_proof(take, &results[0]);
	if (err == 0)
		err = judge_base(&rest, take);
	if (err == 0 && address_is_zero(&rest.implementation) && rest.slots == 0) {
		finish(take);
		return;
	}
	if (err == 0)
		err = ask_rest(take, &rest);
	if (err != 0)
		fail(take, err);
}

static void on_rest(void *arg, int err, const struct eth_rpc_result *results, size_t n)
{
	struct take *take = arg;

	if (err != 0)
		refuse(take, err, "%s", eth_rpc_last_error(take->rpc));
	for (size_t i = 0; err == 0 && i < n; i++)
		err = read_proof(take, &results[i]);
	if (err == 0)
		finish(take);
	else
		fail(take, err);
}

int agent_proof_take(struct eth_rpc *rpc, const struct agent_proof_ask *ask, unsigned deadline_ms,
		     agent_proof_on_take *on_take, void *arg)
{
	struct take *take;
	int err;

	if (ask->ncodes > LAYOUT_CODES_MAX || ask->uri_max > REGISTRY_URI_MAX)
		return -EINVAL;
	take = calloc(1, sizeof(*take));
	if (take == NULL)
		return -ENOMEM;
	take->rpc = rpc;
	take->ask = *ask;
	memcpy(take->codes, ask->codes, ask->ncodes * sizeof(*ask->codes));
	take->deadline_ms = heads_now_ms() + deadline_ms;
	take->on_take = on_take;
	take->arg = arg;
	take->provider = ANY;
	layout_slots_of(&take->slots, &ask->key.id);
	err = start(take);
	if (err != 0)
		take_free(take);
	return err;
}

struct wait {
	bool done;
	int err;
	struct agent_proof *proof;
	char **text;
	size_t *len;
	char *why;
};

static void on_waited(void *arg, int err, struct agent_proof_taken *taken)
{
	struct wait *wait = arg;

	snprintf(wait->why, AGENT_PROOF_WHY_SIZE, "%s", taken->why);
	if (err == 0) {
		*wait->text = taken->text;
		*wait->len = taken->len;
		taken->text = NULL;
	}
	if (err == 0 && wait->proof != NULL) {
		*wait->proof = *taken->proof;
		taken->proof->uri = NULL;
	}
	wait->err = err;
	wait->done = true;
}

int agent_proof_wait(struct agent_proof *proof, char **text, size_t *len, char why[static AGENT_PROOF_WHY_SIZE],
		     struct eth_rpc *rpc, const struct agent_proof_ask *ask, unsigned deadline_ms)
{
	struct wait wait = {.proof = proof, .text = text, .len = len, .why = why};
	int err;

	why[0] = '\0';
	*text = NULL;
	*len = 0;
	err = agent_proof_take(rpc, ask, deadline_ms, on_waited, &wait);
	if (err == 0)
		err = eth_rpc_turn_until(rpc, &wait.done);
	return err != 0 ? err : wait.err;
}
