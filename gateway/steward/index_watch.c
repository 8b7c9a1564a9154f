/* What is behind each registry's proxy, and proofs of what changed while nodes can still make them. */
#include "gateway/steward/index_internal.h"
#include "gateway/identity/agent_proof.h"
#include "gateway/runtime/log.h"
#include "gateway/runtime/metrics.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	PROOF_MS = 10000,
	PROOF_TRIES = 3, /* providers whose proof did not hold, before the change stays without one */
};

/* ---- implementations ---- */

static int ask_one(struct eth_rpc_answer **answer, struct index_duty *duty, const struct eth_address *address,
		   const struct eth_hash *slot)
{
	struct eth_rpc_at at = eth_rpc_at_tag(ETH_RPC_LATEST);
	struct eth_rpc_calls list;
	int err;

	eth_rpc_calls_init(&list);
	if (slot != NULL)
		eth_rpc_add_storage(&list, address, slot, &at);
	else
		eth_rpc_add_code(&list, address, &at);
	err = eth_rpc_wait(answer, duty->ctx->rpc, &list, INDEX_RPC_MS);
	eth_rpc_calls_clear(&list);
	return err;
}

/* An empty slot: the registry is no proxy, and its own code is the implementation. */
static int read_implementation(struct eth_address *implementation, struct eth_hash *code_hash, struct index_duty *duty,
			       const struct index_registry *registry)
{
	struct eth_rpc_answer *answer = NULL;
	struct eth_hash slot, word;
	uint8_t *code = NULL;
	size_t len = 0;
	int err;

	layout_slot_implementation(&slot);
	err = ask_one(&answer, duty, &registry->address, &slot);
	if (err == 0)
		err = eth_rpc_result_hash(&word, &answer->results[0]);
	if (err == 0)
		err = layout_read_address(implementation, &word);
	eth_rpc_answer_free(answer);
	answer = NULL;
	if (err == 0 && address_is_zero(implementation))
		*implementation = registry->address;
	if (err == 0)
		err = ask_one(&answer, duty, implementation, NULL);
	if (err == 0)
		err = eth_rpc_result_data_take(&code, &len, &answer->results[0]);
	if (err == 0 && len == 0)
		err = -ENXIO;
	if (err == 0)
		keccak256(code_hash, code, len);
	eth_rpc_answer_free(answer);
	free(code);
	return err;
}

static int store_implementation(struct index_duty *duty, struct index_registry *registry,
				const struct eth_address *implementation, const struct eth_hash *code_hash)
{
	const struct store_fence fence = steward_fence(duty->ctx);
	struct pg_op op = {0};
	bool known = false;
	int err;

	for (size_t i = 0; i < duty->ncodes; i++)
		known = known || memcmp(&duty->codes[i], code_hash, sizeof(*code_hash)) == 0;
	err = pg_wait(duty->ctx->base, &op,
		      store_registry_implementation(duty->ctx->pg, &op, &fence, registry->id, implementation->bytes,
						    code_hash->bytes, known));
	if (err != 0)
		return index_written(duty, err);
	if (!known)
		log_error(log_msg("the registry's implementation is not known here: its agents are not proved (setting registry_code)"),
			  log_str("chain", duty->ctx->chain->name), log_hex("registry", registry->address.bytes, 20),
			  log_hex("implementation", implementation->bytes, 20), log_hex("code", code_hash->bytes, 32));
	else
		log_info(log_msg("the registry's implementation is known"), log_hex("registry", registry->address.bytes, 20),
			 log_hex("implementation", implementation->bytes, 20));
	registry->known = known;
	registry->looked = true;
	return 0;
}

void index_watch(struct index_duty *duty)
{
	uint64_t unknown = 0;

	for (size_t i = 0; i < duty->nregistries && steward_held(duty->ctx); i++) {
		struct index_registry *registry = &duty->registries[i];
		struct eth_address implementation;
		struct eth_hash code_hash;
		int err;

		if (registry->reputation || registry->looked) {
			unknown += !registry->reputation && !registry->known;
			continue;
		}
		err = read_implementation(&implementation, &code_hash, duty, registry);
		if (err == 0)
			err = store_implementation(duty, registry, &implementation, &code_hash);
		if (err == -ENXIO) {
			log_error(log_msg("there is no contract at the registry's address"), log_str("chain", duty->ctx->chain->name),
				  log_hex("registry", registry->address.bytes, 20));
			registry->looked = true; /* until it is upgraded, or the duty starts again */
			registry->known = false;
		} else if (err != 0) {
			log_warn(log_msg("the registry's implementation could not be read"), log_rc(err));
		}
		unknown += !registry->known;
	}
	metrics_set(METRIC_INDEX_UNKNOWN, unknown);
}

/* ---- proofs ---- */

void index_proofs_note(struct index_duty *duty, const struct index_step *step)
{
	for (size_t i = 0; i < step->nstates; i++) {
		const struct index_registry *registry = step->marks[i].registry;
		struct index_proof_job *job;

		if (!registry->known)
			continue;
		if (duty->nproofs == INDEX_PROOFS_MAX)
			memmove(duty->proofs, duty->proofs + 1, --duty->nproofs * sizeof(duty->proofs[0]));
		job = &duty->proofs[duty->nproofs++];
		*job = (struct index_proof_job){.registry = (size_t)(registry - duty->registries),
						.number = step->states[i].number,
						.block = step->marks[i].block};
		memcpy(job->agent, step->states[i].agent_id, 32);
	}
}

struct taking {
	struct index_duty *duty;
	char *text;
	size_t len;
	char why[AGENT_PROOF_WHY_SIZE];
	int err;
	bool done;
};

static void on_take(void *arg, int err, struct agent_proof_taken *taken)
{
	struct taking *taking = arg;
	struct eth_rpc *rpc = taking->duty->ctx->rpc;

	(void)snprintf(taking->why, sizeof(taking->why), "%s", taken->why != NULL ? taken->why : "");
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

/* The proof is verified when it comes, against the block hash the state was read at. */
static int take(struct taking *taking, const struct index_proof_job *job)
{
	struct index_duty *duty = taking->duty;
	struct index_registry *registry = &duty->registries[job->registry];
	struct agent_proof_ask ask = {.at = eth_rpc_at_hash(&job->block), .uri_max = AGENT_PROOF_URI_MAX,
				      .codes = duty->codes, .ncodes = duty->ncodes};
	int err = 0;

	ask.key.chain = duty->ctx->chain->id;
	ask.key.registry = registry->address;
	u256_from_bytes(&ask.key.id, job->agent);
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
	if (err != 0 && err != -ESTALE && err != -ENOENT)
		log_warn(log_msg("no proof of a change"), log_u64("block", job->number), log_hex("agent", job->agent, 32),
			 log_str("why", taking->why), log_rc(err));
	return err;
}

static int put(struct index_duty *duty, const struct index_proof_job *job, const char *text, size_t len)
{
	const struct store_fence fence = steward_fence(duty->ctx);
	struct store_proof proof = {.registry = duty->registries[job->registry].id, .number = job->number,
				    .body = pg_bytes(text, len)};
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

	return duty->noverlay > 0 && job->number >= first && job->number - first < duty->noverlay &&
	       memcmp(duty->overlay[job->number - first].hash, job->block.bytes, 32) == 0;
}

void index_proofs_take(struct index_duty *duty, unsigned most)
{
	for (unsigned i = 0; i < most && duty->nproofs > 0 && steward_held(duty->ctx); i++) {
		struct index_proof_job job = duty->proofs[0];
		struct taking taking = {.duty = duty};

		memmove(duty->proofs, duty->proofs + 1, --duty->nproofs * sizeof(duty->proofs[0]));
		if (!still_there(duty, &job))
			continue;
		if (take(&taking, &job) == 0 && put(duty, &job, taking.text, taking.len) != 0)
			duty->nproofs = 0; /* no database: what is in memory is read again */
		free(taking.text);
	}
}
