/* Proofs of what changed, taken while nodes can still make them; and of what is in doubt, where they decide. */
#include "gateway/steward/index_internal.h"
#include "gateway/identity/agent_proof.h"
#include "gateway/identity/registry.h"
#include "gateway/runtime/log.h"
#include "gateway/runtime/metrics.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	PROOF_MS = 10000,
	PROOF_TRIES = 3, /* providers whose proof did not hold, before there is none */
};

struct taking {
	struct index_duty *duty;
	struct multicall_state state; /* what is proven; the URI only where it is proven whole */
	bool whole;
	char *text;
	size_t len;
	char why[AGENT_PROOF_WHY_SIZE];
	int err;
	bool done;
};

static void taking_clear(struct taking *taking)
{
	multicall_states_clear(&taking->state, 1);
	free(taking->text);
}

static int keep_state(struct taking *taking, const struct agent_proof *proof)
{
	struct multicall_state *state = &taking->state;

	*state = (struct multicall_state){.exists = proof->exists, .owner = proof->owner};
	if (proof->has_wallet)
		state->wallet = proof->wallet;
	state->uri_len = proof->uri_len;
	taking->whole = proof->uri_kind == AGENT_PROOF_URI_WHOLE;
	if (!proof->exists || !taking->whole || proof->uri_len == 0)
		return 0;
	state->uri = malloc(proof->uri_len);
	if (state->uri == NULL)
		return -ENOMEM;
	memcpy(state->uri, proof->uri, proof->uri_len);
	return 0;
}

static void on_take(void *arg, int err, struct agent_proof_taken *taken)
{
	struct taking *taking = arg;
	struct eth_rpc *rpc = taking->duty->ctx->rpc;

	(void)snprintf(taking->why, sizeof(taking->why), "%s", taken->why != NULL ? taken->why : "");
	if (err == 0)
		err = keep_state(taking, taken->proof);
	if (err == 0) {
		taking->text = taken->text;
		taking->len = taken->len;
		taken->text = NULL;
	}
	if (err == -EKEYREJECTED) {
		eth_rpc_distrust(rpc, eth_rpc_provider(rpc), "a proof that does not hold");
		metrics_add(METRIC_INDEX_LIES, 1);
	}
	taking->err = err;
	taking->done = true;
}

/* The proof is verified when it comes, against the block hash that states are read at. */
static int take(struct taking *taking, struct index_registry *registry, const uint8_t agent[static 32],
		const struct eth_hash *block, size_t uri_max)
{
	struct index_duty *duty = taking->duty;
	struct agent_proof_ask ask = {.at = eth_rpc_at_hash(block), .uri_max = uri_max, .codes = duty->codes, .ncodes = duty->ncodes};
	int err = 0;

	ask.key.chain = duty->ctx->chain->id;
	ask.key.registry = registry->address;
	u256_from_bytes(&ask.key.id, agent);
	for (unsigned i = 0; i < PROOF_TRIES; i++) {
		taking->done = false;
		err = agent_proof_take(duty->ctx->rpc, &ask, PROOF_MS, on_take, taking);
		if (err == 0)
			err = eth_rpc_turn_until(duty->ctx->rpc, &taking->done);
		if (err == 0)
			err = taking->err;
		if (err != -EKEYREJECTED)
			break;
	}
	if (err == -EPROTONOSUPPORT)
		registry->looked = false; /* another implementation than when last looked at */
	return err;
}

/* ---- the deciding word ---- */

static int ask_another(struct multicall_state *out, struct index_duty *duty, const struct multicall_ask *ask,
		       const struct eth_hash *block, unsigned provider)
{
	struct eth_rpc_at at = eth_rpc_at_hash(block);
	struct eth_rpc_answer *answer = NULL;
	struct eth_rpc_calls list;
	int err;

	eth_rpc_calls_init(&list);
	multicall_add(&list, NULL, ask, 1, &at);
	err = eth_rpc_wait_at(&answer, duty->ctx->rpc, provider, &list, PROOF_MS);
	if (err == 0)
		err = multicall_read(out, false, 1, answer->results);
	if (err == 0 && out->err != 0 && out->err != -EOVERFLOW) {
		err = out->err;
		multicall_states_clear(out, 1);
	}
	eth_rpc_answer_free(answer);
	eth_rpc_calls_clear(&list);
	return err;
}

int index_decide(struct multicall_state *out, bool *proven, struct index_duty *duty, struct index_registry *registry,
		 const uint8_t agent[static 32], const struct eth_hash *block, unsigned doubted)
{
	struct multicall_ask ask = {.registry = registry->address};
	unsigned providers = eth_rpc_providers(duty->ctx->rpc);
	struct taking taking = {.duty = duty};

	*out = (struct multicall_state){0};
	*proven = false;
	memcpy(ask.agent, agent, sizeof(ask.agent));
	if (registry->known && take(&taking, registry, agent, block, REGISTRY_URI_MAX) == 0 &&
	    (taking.whole || taking.state.uri_len > REGISTRY_URI_MAX)) {
		*proven = true;
		*out = taking.state;
		out->err = taking.whole ? 0 : -EOVERFLOW;
		taking.state = (struct multicall_state){0};
		taking_clear(&taking);
		return 0;
	}
	taking_clear(&taking);
	return providers > 1 ? ask_another(out, duty, &ask, block, (doubted + 1) % providers) : -ENOENT;
}

/* ---- proofs to keep ---- */

bool index_proofs_wait(const struct index_duty *duty)
{
	return duty->proofs_at < duty->nproofs;
}

/* Room for one more. The taken ones at the front are given up, and the oldest of too many. */
static int make_room(struct index_duty *duty)
{
	if (duty->nproofs - duty->proofs_at >= INDEX_PROOFS_MAX) {
		if (duty->proofs[duty->proofs_at].number != duty->unproven_told) {
			duty->unproven_told = duty->proofs[duty->proofs_at].number;
			log_warn(log_msg("too many states wait to be proven: the oldest are not"), log_u64("block", duty->unproven_told));
		}
		duty->proofs_at++;
	}
	if (duty->proofs_at > 0 && duty->proofs_at >= duty->nproofs / 2) {
		duty->nproofs -= duty->proofs_at;
		memmove(duty->proofs, duty->proofs + duty->proofs_at, duty->nproofs * sizeof(duty->proofs[0]));
		duty->proofs_at = 0;
	}
	return index_grow(&duty->proofs, &duty->proofs_room, duty->nproofs, sizeof(*duty->proofs));
}

void index_proofs_note(struct index_duty *duty, const struct index_step *step)
{
	for (size_t i = 0; i < step->nstates; i++) {
		const struct index_registry *registry = step->marks[i].registry;
		const struct store_state *state = &step->states[i];
		struct index_proof_job *job;

		if (!registry->known)
			continue;
		if (make_room(duty) != 0) {
			log_warn(log_msg("no memory to note what is to be proven"), log_u64("block", state->number));
			return;
		}
		job = &duty->proofs[duty->nproofs++];
		*job = (struct index_proof_job){.registry = (size_t)(registry - duty->registries), .number = state->number,
						.block = step->marks[i].block, .uri_len = state->uri.len,
						.long_uri = index_names_long_uri(&state->uri), .by = step->marks[i].read_by};
		memcpy(job->agent, state->agent_id, 32);
		memcpy(job->owner.bytes, state->owner, 20);
		if (state->has_wallet)
			memcpy(job->wallet.bytes, state->wallet, 20);
		keccak256(&job->uri, state->uri.data, state->uri.len);
	}
}

static bool proves(const struct taking *taking, const struct index_proof_job *job)
{
	const struct multicall_state *state = &taking->state;
	struct eth_hash uri;

	if (!state->exists || !address_equal(&state->owner, &job->owner) || !address_equal(&state->wallet, &job->wallet))
		return false;
	if (!taking->whole) /* of what is not in the proof its length is */
		return job->long_uri ? state->uri_len > REGISTRY_URI_MAX : state->uri_len == job->uri_len;
	keccak256(&uri, state->uri, state->uri_len);
	return memcmp(&uri, &job->uri, sizeof(uri)) == 0;
}

static int put(struct index_duty *duty, const struct index_proof_job *job, const struct taking *taking)
{
	const struct store_fence fence = steward_fence(duty->ctx);
	struct store_proof proof = {.registry = duty->registries[job->registry].id, .number = job->number,
				    .body = pg_bytes(taking->text, taking->len)};
	struct pg_op op = {0};
	int err;

	memcpy(proof.agent_id, job->agent, 32);
	err = pg_wait(duty->ctx->base, &op, store_proof_put(duty->ctx->pg, &op, &fence, duty->ctx->chain->id, &proof));
	if (err == -ENOENT)
		return 0; /* reorganised away */
	if (err == 0)
		metrics_add(METRIC_INDEX_PROOFS, 1);
	return err == -ESTALE ? index_written(duty, err) : err;
}

/* A block that was replaced by another of its number since must not get the former one's proof. */
static bool still_there(const struct index_duty *duty, const struct index_proof_job *job)
{
	uint64_t first = duty->noverlay > 0 ? duty->overlay[0].number : 0;

	if (job->final)
		return true;
	return duty->noverlay > 0 && job->number >= first && job->number - first < duty->noverlay &&
	       memcmp(duty->overlay[job->number - first].hash, job->block.bytes, 32) == 0;
}

/* Where blocks are final within a round, or after a pause, they would else be gone before their proofs are asked for. */
void index_proofs_final(struct index_duty *duty, uint64_t number)
{
	for (size_t i = duty->proofs_at; i < duty->nproofs; i++)
		if (duty->proofs[i].number <= number)
			duty->proofs[i].final = still_there(duty, &duty->proofs[i]);
}

/* A final state is mended in place, to what was proven. */
static int mend(struct index_duty *duty, const struct index_proof_job *job, const struct multicall_state *proven)
{
	const struct store_fence fence = steward_fence(duty->ctx);
	struct store_state state = {.registry = duty->registries[job->registry].id, .number = job->number,
				    .has_wallet = !address_is_zero(&proven->wallet),
				    .uri = pg_bytes(proven->uri_len > 0 ? (const void *)proven->uri : "", proven->uri_len)};
	struct pg_op op = {0};
	int err;

	memcpy(state.agent_id, job->agent, 32);
	memcpy(state.owner, proven->owner.bytes, 20);
	memcpy(state.wallet, proven->wallet.bytes, 20);
	err = pg_wait(duty->ctx->base, &op, store_state_mend(duty->ctx->pg, &op, &fence, &state));
	return err == 0 ? 0 : index_written(duty, err);
}

/* The blocks of the others are taken again, and with them what is to be proven. */
static void keep_final_jobs(struct index_duty *duty)
{
	size_t n = duty->proofs_at;

	for (size_t i = duty->proofs_at; i < duty->nproofs; i++)
		if (duty->proofs[i].final)
			duty->proofs[n++] = duty->proofs[i];
	duty->nproofs = n;
}

/* A state that was stored and is now disproved: whatever came of those blocks is taken again; behind what is final already it
 * becomes what was proven. whole: with its URI. */
static int disproved(struct index_duty *duty, const struct index_proof_job *job, const struct taking *whole)
{
	struct index_proof_job again = *job;

	log_error(log_msg(job->final ? "a proof contradicts a final state of the index: it is mended"
				     : "a proof contradicts a stored state: the blocks that are not final are taken again"),
		  log_u64("block", job->number), log_hex("agent", job->agent, 32));
	if (job->by != 0)
		index_distrust(duty, job->by, "a state that a proof contradicts", job->number, job->number);
	if (!job->final) {
		keep_final_jobs(duty);
		return index_overlay_restart(duty);
	}
	duty->correct = true; /* what was said of one block may have been said of others */
	if (!whole->state.exists || !whole->whole)
		return 0;
	if (mend(duty, job, &whole->state) != 0)
		return -EIO;
	if (make_room(duty) != 0)
		return 0;
	again.owner = whole->state.owner;
	again.wallet = whole->state.wallet;
	again.uri_len = whole->state.uri_len;
	again.long_uri = false;
	keccak256(&again.uri, whole->state.uri, whole->state.uri_len);
	again.by = 0;
	duty->proofs[duty->nproofs++] = again; /* to keep the proof of what it is now */
	return 0;
}

/* The proof kept left a long URI out, or was of another state: one with all of it says what the state is. */
static int check_whole(bool *holds, struct index_duty *duty, const struct index_proof_job *job)
{
	struct taking whole = {.duty = duty};
	int err = take(&whole, &duty->registries[job->registry], job->agent, &job->block, REGISTRY_URI_MAX);

	*holds = err == 0 && proves(&whole, job);
	err = err == 0 && !*holds ? disproved(duty, job, &whole) : 0;
	taking_clear(&whole);
	return err;
}

static int take_one(struct index_duty *duty, const struct index_proof_job *job)
{
	struct taking taking = {.duty = duty};
	bool holds = false;
	int err = take(&taking, &duty->registries[job->registry], job->agent, &job->block, AGENT_PROOF_URI_MAX);

	if (err != 0 && err != -ESTALE && err != -ENOENT)
		log_warn(log_msg("no proof of a change"), log_u64("block", job->number), log_hex("agent", job->agent, 32),
			 log_str("why", taking.why), log_rc(err));
	if (err == 0) {
		holds = proves(&taking, job);
		if (!holds && taking.whole)
			err = disproved(duty, job, &taking);
		else if (!taking.whole && !(holds && job->long_uri))
			err = check_whole(&holds, duty, job);
		if (err == 0 && holds)
			err = put(duty, job, &taking);
	} else {
		err = 0;
	}
	taking_clear(&taking);
	return err;
}

void index_proofs_take(struct index_duty *duty, unsigned most)
{
	for (unsigned i = 0; i < most && index_proofs_wait(duty) && steward_held(duty->ctx); i++) {
		struct index_proof_job job = duty->proofs[duty->proofs_at++];

		if (still_there(duty, &job) && take_one(duty, &job) != 0)
			duty->proofs_at = duty->nproofs; /* no database: what is in memory is read again */
	}
}
