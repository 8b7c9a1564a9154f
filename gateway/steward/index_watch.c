/* What is behind each registry's proxy. */
#include "gateway/steward/index_internal.h"
#include "gateway/runtime/log.h"
#include "gateway/runtime/metrics.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int ask_one(struct eth_rpc_answer **answer, struct index_duty *duty, const struct eth_address *address,
		   const struct eth_hash *slot, struct eth_rpc_at at)
{
	struct eth_rpc_quorum quorum;
	struct eth_rpc_calls list;
	int err;

	eth_rpc_calls_init(&list);
	if (slot != NULL)
		eth_rpc_add_storage(&list, address, slot, &at);
	else
		eth_rpc_add_code(&list, address, &at);
	/* what is known of a registry says how much is believed of its events: not one provider's word where a quorum is set */
	err = index_wants_quorum(duty) ? eth_rpc_quorum_wait(answer, &quorum, duty->ctx->rpc, &list,
							     (unsigned)duty->ctx->config->rpc_quorum, INDEX_RPC_MS)
				       : eth_rpc_wait(answer, duty->ctx->rpc, &list, INDEX_RPC_MS);
	eth_rpc_calls_clear(&list);
	return err;
}

/* An empty slot: the registry is no proxy, and its own code is the implementation. */
static int read_implementation(struct eth_address *implementation, struct eth_hash *code_hash, struct index_duty *duty,
			       const struct index_registry *registry, struct eth_rpc_at at)
{
	struct eth_rpc_answer *answer = NULL;
	struct eth_hash slot, word;
	uint8_t *code = NULL;
	size_t len = 0;
	int err;

	layout_slot_implementation(&slot);
	err = ask_one(&answer, duty, &registry->address, &slot, at);
	if (err == 0)
		err = eth_rpc_result_hash(&word, &answer->results[0]);
	if (err == 0)
		err = layout_read_address(implementation, &word);
	eth_rpc_answer_free(answer);
	answer = NULL;
	if (err == 0 && address_is_zero(implementation))
		*implementation = registry->address;
	if (err == 0)
		err = ask_one(&answer, duty, implementation, NULL, at);
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

static bool is_known(const struct index_duty *duty, const struct eth_hash *code_hash)
{
	for (size_t i = 0; i < duty->ncodes; i++)
		if (memcmp(&duty->codes[i], code_hash, sizeof(*code_hash)) == 0)
			return true;
	return false;
}

bool index_is_odd_at(struct index_duty *duty, const struct index_registry *registry, uint64_t number,
		     const struct eth_hash *block)
{
	struct index_registry *own = &duty->registries[registry - duty->registries];
	struct eth_address implementation;
	struct eth_hash code_hash;

	own->looked = false;
	if (read_implementation(&implementation, &code_hash, duty, own, eth_rpc_at_hash(block)) != 0 ||
	    is_known(duty, &code_hash))
		return false;
	own->odd_until = number;
	return true;
}

static int store_implementation(struct index_duty *duty, struct index_registry *registry,
				const struct eth_address *implementation, const struct eth_hash *code_hash)
{
	const struct store_fence fence = steward_fence(duty->ctx);
	struct pg_op op = {0};
	bool known = false;
	int err;

	known = is_known(duty, code_hash);
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
		err = read_implementation(&implementation, &code_hash, duty, registry, eth_rpc_at_tag(ETH_RPC_LATEST));
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
