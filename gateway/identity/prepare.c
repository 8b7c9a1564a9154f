/* The operation: one batch of reads, the checks, one batch that simulates and prices, the plan. */
#include "gateway/identity/prepare.h"

#include <errno.h>
#include <stdlib.h>

struct prepare {
	struct eth_rpc *rpc;
	const struct signature_context *signatures;
	const struct prepare_ask *ask;
	int64_t deadline_ms;
	prepare_on_done *on_done;
	void *arg;
	struct prepare_plan plan;
	struct prepare_refusal refusal;
	bool ask_wallet;
};

static const char *const NEXT[PREPARE_VERBS] = {
	[PREPARE_REGISTER] =
		"Sign and send `transaction` from the account `from`. The new agent's id is in the Registered "
		"event of its receipt.",
	[PREPARE_WALLET] = "Sign and send `transaction` from the account `from` before the deadline.",
	[PREPARE_UNSET_WALLET] =
		"Sign and send `transaction` from the account `from`. The agent then has its owner only.",
	[PREPARE_URI] = "Sign and send `transaction` from the account `from`.",
	[PREPARE_METADATA] = "Sign and send `transaction` from the account `from`.",
	[PREPARE_TRANSFER] =
		"Sign and send `transaction` from the account `from`. The new owner then sets a wallet with the "
		"verb wallet, and looks through URI and metadata.",
};
static const char NEXT_SIGN[] =
	"Let the new wallet sign `typedData` (ethers: signTypedData(domain, types, message); others: "
	"eth_signTypedData_v4 "
	"with `typedDataV4`). Then send the same request again with `deadline` and `signature` before the deadline.";

void prepare_plan_clear(struct prepare_plan *plan)
{
	free(plan->data);
	*plan = (struct prepare_plan){0};
}

static void finish(struct prepare *op, int err, bool refused)
{
	op->on_done(op->arg, err, err == 0 && refused ? &op->refusal : NULL, err == 0 && !refused ? &op->plan : NULL);
	prepare_plan_clear(&op->plan);
	free(op);
}

static unsigned time_left(const struct prepare *op)
{
	int64_t left = op->deadline_ms - heads_now_ms();

	return left <= 0 ? 0 : (unsigned)left;
}

static void on_simulated(void *arg, int err, const struct eth_rpc_result *results, size_t n)
{
	struct prepare *op = arg;

	(void)n;
	if (err == 0)
		err = prepare_simulation_read(&op->refusal, &op->plan, op->ask, op->ask_wallet, results);
	if (err == 0)
		op->plan.next = NEXT[op->ask->verb];
	finish(op, err == 1 ? 0 : err, err == 1);
}

static int simulate(struct prepare *op)
{
	struct prepare_plan *plan = &op->plan;
	struct eth_rpc_calls list;
	int err = prepare_calldata(&plan->data, &plan->data_len, op->ask, &plan->facts);

	if (err != 0)
		return err;
	if (time_left(op) == 0)
		return -ETIMEDOUT;
	eth_rpc_calls_init(&list);
	err = prepare_simulation_ask(&list, op->ask, plan, op->ask_wallet);
	if (err == 0)
		err = eth_rpc_batch_list(op->rpc, &list, time_left(op), on_simulated, op);
	eth_rpc_calls_clear(&list);
	return err;
}

static void on_facts(void *arg, int err, const struct eth_rpc_result *results, size_t n)
{
	struct prepare *op = arg;
	const struct prepare_ask *ask = op->ask;
	struct prepare_plan *plan = &op->plan;
	int checked;

	(void)n;
	if (err == 0)
		err = prepare_facts_read(&plan->facts, ask, results);
	if (err != 0) {
		finish(op, err, false);
		return;
	}
	checked = prepare_check(&op->refusal, ask, &plan->facts, op->signatures);
	if (checked < 0) {
		finish(op, 0, true);
		return;
	}
	op->ask_wallet = checked > 0;
	if (ask->verb == PREPARE_WALLET) {
		plan->deadline = ask->deadline != 0 ? ask->deadline : plan->facts.block.time + PREPARE_DEADLINE_S;
		prepare_digest(&plan->digest, ask, &plan->facts.owner, plan->deadline);
		plan->sign_first = ask->signature == NULL;
		plan->next = NEXT_SIGN;
	}
	if (plan->sign_first) {
		finish(op, 0, false);
		return;
	}
	err = simulate(op);
	if (err != 0)
		finish(op, err, false);
}

int prepare_start(struct eth_rpc *rpc, const struct signature_context *signatures, const struct prepare_ask *ask,
		  unsigned deadline_ms, prepare_on_done *on_done, void *arg)
{
	struct eth_rpc_calls list;
	struct prepare *op;
	int err;

	if (ask->signature_len > PREPARE_SIGNATURE_MAX || (ask->signature != NULL && ask->deadline == 0) ||
	    (ask->verb == PREPARE_METADATA && ask->metadata_count != 1))
		return -EINVAL;
	op = calloc(1, sizeof(*op));
	if (op == NULL)
		return -ENOMEM;
	op->rpc = rpc;
	op->signatures = signatures;
	op->ask = ask;
	op->deadline_ms = heads_now_ms() + deadline_ms;
	op->on_done = on_done;
	op->arg = arg;
	eth_rpc_calls_init(&list);
	prepare_facts_ask(&list, ask);
	err = eth_rpc_batch_list(rpc, &list, deadline_ms, on_facts, op);
	eth_rpc_calls_clear(&list);
	if (err != 0)
		free(op);
	return err;
}

struct wait {
	bool done;
	int err;
	struct prepare_plan *plan;
	struct prepare_refusal *refusal;
};

static void on_waited(void *arg, int err, const struct prepare_refusal *refusal, struct prepare_plan *plan)
{
	struct wait *wait = arg;

	if (plan != NULL) {
		*wait->plan = *plan;
		plan->data = NULL;
	}
	if (refusal != NULL) {
		*wait->refusal = *refusal;
		err = 1;
	}
	wait->err = err;
	wait->done = true;
}

int prepare_wait(struct prepare_plan *plan, struct prepare_refusal *refusal, struct eth_rpc *rpc,
		 const struct signature_context *signatures, const struct prepare_ask *ask, unsigned deadline_ms)
{
	struct wait wait = {.plan = plan, .refusal = refusal};
	int err;

	*plan = (struct prepare_plan){0};
	err = prepare_start(rpc, signatures, ask, deadline_ms, on_waited, &wait);
	if (err == 0)
		err = eth_rpc_turn_until(rpc, &wait.done);
	return err != 0 ? err : wait.err;
}
