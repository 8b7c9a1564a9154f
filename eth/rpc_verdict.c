/* What came back, judged: an answer for the caller, one that another provider may better, or none.
 *
 * A batch is judged as a whole, because its answers are to come from one provider: the caller may compare them. */
#include "eth/rpc_internal.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* In place of an answer, where HTTP 413 alone says that a range was too large. */
static struct eth_rpc_answer *limit_answer(size_t n)
{
	static const char MESSAGE[] = "HTTP status 413";
	struct eth_rpc_answer *answer = calloc(1, sizeof(*answer));

	if (answer == NULL)
		return NULL;
	answer->n = n;
	answer->whole = true;
	answer->results = calloc(n, sizeof(*answer->results));
	if (answer->results == NULL) {
		free(answer);
		return NULL;
	}
	for (size_t i = 0; i < n; i++)
		answer->results[i] = (struct eth_rpc_result){
			.outcome = ETH_RPC_LIMIT, .code = 413, .message = MESSAGE, .message_len = sizeof(MESSAGE) - 1};
	return answer;
}

static bool says_anything(const struct eth_rpc_answer *answer)
{
	for (size_t i = 0; i < answer->n; i++)
		if (answer->results[i].outcome == ETH_RPC_OK || answer->results[i].outcome == ETH_RPC_REVERT)
			return true;
	return false;
}

/* The last result names the chain. Whoever cannot say it is not believed in the rest either; only when the node refused
 * everything is there nothing to believe, and its reasons are passed on. */
static int check_chain(const struct eth_rpc_pending *batch, const struct eth_rpc_answer *answer)
{
	struct eth_rpc *rpc = batch->rpc;
	uint64_t chain_id = 0;

	if (!rpc->check_chain || !says_anything(answer))
		return 0;
	if (eth_rpc_result_u64(&chain_id, &answer->results[batch->n]) != 0) {
		eth_rpc_complain(rpc, batch->provider, "does not say its chain id (code %" PRId64 ")",
				 answer->results[batch->n].code);
		return -EIO;
	}
	if (chain_id != rpc->chain_id) {
		eth_rpc_complain(rpc, batch->provider, "the node is of chain %" PRIu64 ", not %" PRIu64, chain_id,
				 rpc->chain_id);
		return -EXDEV;
	}
	return 0;
}

struct census {
	unsigned busy;	  /* retryable */
	unsigned limited; /* … for the rate */
	unsigned missing; /* method, block or state not there, refused for a reason that may be this one's own, or too much for it where
			     the caller cannot ask for less */
};

static struct census count(const struct eth_rpc_pending *batch, const struct eth_rpc_answer *answer)
{
	struct census census = {0};

	for (size_t i = 0; i < answer->n; i++) {
		const struct eth_rpc_result *result = &answer->results[i];

		census.busy += result->outcome == ETH_RPC_RETRYABLE;
		census.limited += result->hint.rate;
		census.missing += result->outcome == ETH_RPC_NO_METHOD || result->outcome == ETH_RPC_UNKNOWN_BLOCK ||
				  (result->outcome == ETH_RPC_REFUSED && i < batch->n) || result->hint.batch ||
				  (result->outcome == ETH_RPC_LIMIT && !batch->has_logs);
		census.missing += result->outcome == ETH_RPC_OK && i < batch->n && batch->blocks[i] &&
				  json_is_null(result->value);
	}
	if (answer->whole && census.busy == 0 && census.missing == 0 && answer->results[0].outcome == ETH_RPC_REFUSED)
		census.missing = (unsigned)answer->n;
	return census;
}

static void judge_answer(struct eth_rpc_judged *out, const struct eth_rpc_pending *batch)
{
	struct census census;
	int err = check_chain(batch, out->answer);

	if (err != 0) {
		eth_rpc_answer_free(out->answer);
		*out = (struct eth_rpc_judged){.verdict = ETH_RPC_VERDICT_ELSEWHERE,
					       .end = ETH_RPC_POOL_FAILED,
					       .untruth = err == -EXDEV,
					       .err = err};
		return;
	}
	census = count(batch, out->answer);
	out->end = census.limited > 0		   ? ETH_RPC_POOL_LIMITED
		   : census.busy == out->answer->n ? ETH_RPC_POOL_FAILED
						   : ETH_RPC_POOL_ANSWERED;
	out->lacks = census.busy * 2 + census.missing;
	out->verdict = ETH_RPC_VERDICT_DONE;
	if (census.busy > 0)
		out->verdict = ETH_RPC_VERDICT_AGAIN;
	else if (census.missing > 0)
		out->verdict = ETH_RPC_VERDICT_ELSEWHERE;
}

/* Gateways send JSON-RPC errors with HTTP statuses that suit them: Base a range limit with 413 and a size limit with
 * 500, Alchemy with 400. Where the status is about who asks, the body is of no use to the caller. */
static bool body_may_tell(long status)
{
	return status == 200 || status == 400 || status == 413 || status == 422 || status == 429 || status >= 500;
}

static void judge_status(struct eth_rpc_judged *out, const struct eth_rpc_pending *batch, long status)
{
	enum eth_rpc_outcome outcome = eth_rpc_errors_status(status);

	eth_rpc_complain(batch->rpc, batch->provider, "HTTP status %ld", status);
	*out = (struct eth_rpc_judged){.verdict = ETH_RPC_VERDICT_ELSEWHERE, .end = ETH_RPC_POOL_FAILED, .err = -EIO};
	if (outcome == ETH_RPC_RETRYABLE) {
		out->verdict = ETH_RPC_VERDICT_AGAIN;
		out->end = status == 429 ? ETH_RPC_POOL_LIMITED : ETH_RPC_POOL_FAILED;
	} else if (outcome == ETH_RPC_LIMIT && batch->has_logs) {
		out->answer = limit_answer(batch->n + (batch->rpc->check_chain ? 1 : 0));
		out->verdict = out->answer != NULL ? ETH_RPC_VERDICT_DONE : ETH_RPC_VERDICT_FAILED;
		out->end = ETH_RPC_POOL_ANSWERED;
		out->err = out->answer != NULL ? 0 : -ENOMEM;
	}
}

static void judge_body(struct eth_rpc_judged *out, const struct eth_rpc_pending *batch,
		       const struct eth_rpc_http_answer *http)
{
	int err = -EBADMSG;

	*out = (struct eth_rpc_judged){.verdict = ETH_RPC_VERDICT_AGAIN, .end = ETH_RPC_POOL_FAILED};
	if (body_may_tell(http->status))
		err = eth_rpc_answer_parse_status(&out->answer, http->body, http->len,
						  http->status == 200 ? 0 : http->status, batch->cap > ETH_RPC_LARGE, batch->first_id,
						  batch->n + (batch->rpc->check_chain ? 1 : 0));
	if (err == 0) {
		judge_answer(out, batch);
		return;
	}
	if (http->status != 200) {
		judge_status(out, batch, http->status);
		return;
	}
	out->answer = NULL;
	out->err = err;
	if (err == -ENOMEM)
		out->verdict = ETH_RPC_VERDICT_FAILED;
	else if (err == -EOVERFLOW)
		out->verdict = ETH_RPC_VERDICT_ELSEWHERE;
	eth_rpc_complain(batch->rpc, batch->provider,
			 err == -EBADMSG ? "the answer is not a JSON-RPC answer to what was asked"
					 : "the answer has more values than allowed");
}

void eth_rpc_judge(struct eth_rpc_judged *out, struct eth_rpc_pending *batch, const struct eth_rpc_http_answer *http)
{
	struct eth_rpc *rpc = batch->rpc;

	*out = (struct eth_rpc_judged){.end = ETH_RPC_POOL_FAILED};
	switch (http->end) {
	case ETH_RPC_HTTP_TOO_LARGE:
		eth_rpc_complain(rpc, batch->provider, "the answer is larger than %zu bytes", batch->cap);
		out->verdict = ETH_RPC_VERDICT_ELSEWHERE;
		out->err = -EOVERFLOW;
		break;
	case ETH_RPC_HTTP_BROKEN:
	case ETH_RPC_HTTP_UNSENT:
		eth_rpc_complain(rpc, batch->provider, "%s", http->why);
		out->verdict = ETH_RPC_VERDICT_AGAIN;
		/* curl is given the same time and its timer may come first */
		out->err = eth_rpc_now_ms() >= batch->deadline_ms ? -ETIMEDOUT : -EIO;
		break;
	case ETH_RPC_HTTP_ANSWERED:
		judge_body(out, batch, http);
		break;
	}
	/* Sent once: whatever came back is the answer, or the end; only what was never sent may go to another. */
	if (batch->once && http->end == ETH_RPC_HTTP_UNSENT)
		out->verdict = ETH_RPC_VERDICT_ELSEWHERE;
	else if (batch->once)
		out->verdict = out->answer != NULL ? ETH_RPC_VERDICT_DONE : ETH_RPC_VERDICT_FAILED;
}
