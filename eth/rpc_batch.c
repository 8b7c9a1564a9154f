/* The life of a batch: waiting, under way (once or several times), done. It is on one list until its callback has run.
 *
 * One provider today. What belongs to a provider stands in struct eth_rpc_provider, and a batch meets it only in
 * start() and on_http_done(), so that a pool can choose another one for each attempt. */
#include "eth/rpc_internal.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
	ATTEMPTS = 4, /* viem: three retries from 150 ms, doubling */
	RETRY_MS = 150,
	RETRY_AFTER_MAX_MS = 30000,
};

int64_t eth_rpc_now_ms(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* The same trouble again and again is one line. Texts from the node never get here, and from libcurl only visible
 * bytes. */
static void complain(struct eth_rpc *rpc, char text[static ETH_RPC_ERROR_MAX])
{
	char line[2 * ETH_RPC_ERROR_MAX];

	for (char *c = text; *c != '\0'; c++)
		if (*c < ' ' || *c == 0x7f)
			*c = ' ';
	if (strcmp(text, rpc->last_error) == 0)
		return;
	(void)snprintf(rpc->last_error, sizeof(rpc->last_error), "%s", text);
	if (rpc->on_log == NULL)
		return;
	(void)snprintf(line, sizeof(line), "%s: %s", rpc->provider.host, text);
	rpc->on_log(rpc->arg, line);
}

#define COMPLAIN(rpc, ...)                                                                                             \
	do {                                                                                                           \
		char complaint[ETH_RPC_ERROR_MAX];                                                                     \
		(void)snprintf(complaint, sizeof(complaint), __VA_ARGS__);                                             \
		complain(rpc, complaint);                                                                              \
	} while (0)

void eth_rpc_pump_in(struct eth_rpc *rpc, int64_t ms)
{
	struct timeval after = {.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000};

	if (ms <= 0)
		event_active(rpc->pump, EV_TIMEOUT, 0);
	else
		(void)evtimer_add(rpc->pump, &after);
}

void eth_rpc_pending_free(struct eth_rpc_pending *batch)
{
	if (batch->deadline != NULL)
		event_free(batch->deadline);
	free(batch->request);
	free(batch);
}

/* The batch is on neither list any more; `answer` is consumed, and there if and only if err is 0. */
static void finish(struct eth_rpc_pending *batch, int err, struct eth_rpc_answer *answer)
{
	struct eth_rpc *rpc = batch->rpc;
	bool take = answer != NULL && batch->take != NULL;

	rpc->length--;
	if (answer == NULL)
		rpc->stats.failures++;
	else
		rpc->last_error[0] = '\0';
	if (take)
		*batch->take = answer;
	if (batch->on_done != NULL)
		batch->on_done(batch->arg, err, answer != NULL ? answer->results : NULL, answer != NULL ? batch->n : 0);
	if (!take)
		eth_rpc_answer_free(answer);
	eth_rpc_pending_free(batch);
}

static void leave_provider(struct eth_rpc_pending *batch)
{
	TAILQ_REMOVE(&batch->rpc->under_way, batch, link);
	batch->rpc->provider.busy--;
	batch->post = NULL;
	eth_rpc_pump_in(batch->rpc, 0);
}

void eth_rpc_pending_cancel(struct eth_rpc_pending *batch, int err)
{
	if (batch->post != NULL) {
		eth_rpc_http_abort(batch->post);
		leave_provider(batch);
	} else {
		TAILQ_REMOVE(&batch->rpc->waiting, batch, link);
	}
	finish(batch, err, NULL);
}

void eth_rpc_on_deadline(evutil_socket_t fd, short what, void *arg)
{
	struct eth_rpc_pending *batch = arg;
	bool repeated = batch->attempts > 1;

	(void)fd;
	(void)what;
	COMPLAIN(batch->rpc, "no answer within the deadline%s%.150s", repeated ? ", after repeats; before that: " : "",
		 repeated ? batch->rpc->last_error : "");
	eth_rpc_pending_cancel(batch, -ETIMEDOUT);
}

/* Puts the batch back to be sent again later. false: this was its last chance. */
static bool again(struct eth_rpc_pending *batch, uint64_t retry_after_s)
{
	struct eth_rpc *rpc = batch->rpc;
	int64_t now = eth_rpc_now_ms(), pause;

	if (batch->once || batch->attempts >= ATTEMPTS)
		return false;
	pause = (int64_t)RETRY_MS << (batch->attempts - 1);
	pause += (int64_t)(rpc->next_id * 2654435761U %
			   (uint64_t)(pause / 4 + 1)); /* so that many do not come back at once */
	if (retry_after_s > 0) {
		int64_t asked =
			retry_after_s < RETRY_AFTER_MAX_MS / 1000 ? (int64_t)retry_after_s * 1000 : RETRY_AFTER_MAX_MS;

		pause = asked > pause ? asked : pause;
		rpc->provider.hold_until_ms = now + asked;
	}
	if (now + pause >= batch->deadline_ms)
		return false;
	batch->not_before_ms = now + pause;
	rpc->stats.retries++;
	TAILQ_INSERT_TAIL(&rpc->waiting, batch, link);
	return true;
}

static bool any_retryable(const struct eth_rpc_answer *answer)
{
	for (size_t i = 0; i < answer->n; i++)
		if (answer->results[i].outcome == ETH_RPC_RETRYABLE)
			return true;
	return false;
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
static int check_chain(struct eth_rpc_pending *batch, const struct eth_rpc_answer *answer)
{
	struct eth_rpc *rpc = batch->rpc;
	uint64_t chain_id = 0;

	if (!rpc->check_chain || !says_anything(answer))
		return 0;
	if (eth_rpc_result_u64(&chain_id, &answer->results[batch->n]) != 0) {
		COMPLAIN(rpc, "does not say its chain id (code %" PRId64 ")", answer->results[batch->n].code);
		return -EIO;
	}
	if (chain_id != rpc->chain_id) {
		COMPLAIN(rpc, "is of chain %" PRIu64 ", expected %" PRIu64, chain_id, rpc->chain_id);
		return -EXDEV;
	}
	return 0;
}

static void on_body(struct eth_rpc_pending *batch, const struct eth_rpc_http_answer *http)
{
	struct eth_rpc_answer *answer = NULL;
	int err = eth_rpc_answer_parse(&answer, http->body, http->len, batch->first_id,
				       batch->n + (batch->rpc->check_chain ? 1 : 0));

	if (err == -EBADMSG)
		COMPLAIN(batch->rpc, "the answer is not a JSON-RPC answer to what was asked");
	if (err == 0 && any_retryable(answer) && again(batch, http->retry_after_s)) {
		eth_rpc_answer_free(answer);
		return;
	}
	if (err == 0)
		err = check_chain(batch, answer);
	if (err != 0) {
		eth_rpc_answer_free(answer);
		answer = NULL;
	}
	if (err == -EBADMSG && again(batch, 0))
		return;
	finish(batch, err, answer);
}

/* RFC 9110 §15: what may be different next time. */
static bool is_retryable_status(long status)
{
	return status == 408 || status == 429 || status == 500 || status == 502 || status == 503 || status == 504;
}

static void on_http_done(void *arg, const struct eth_rpc_http_answer *http)
{
	struct eth_rpc_pending *batch = arg;
	struct eth_rpc *rpc = batch->rpc;
	bool retry = false;
	int err = -EIO;

	leave_provider(batch);
	rpc->stats.bytes_in += http->len;
	if (http->end == ETH_RPC_HTTP_TOO_LARGE) {
		COMPLAIN(rpc, "the answer is larger than %zu bytes", batch->cap);
		err = -EOVERFLOW;
	} else if (http->end == ETH_RPC_HTTP_BROKEN) {
		COMPLAIN(rpc, "%s", http->why);
		retry = true;
		/* curl is given the same time and its timer may come first */
		if (eth_rpc_now_ms() >= batch->deadline_ms)
			err = -ETIMEDOUT;
	} else if (http->status != 200) {
		COMPLAIN(rpc, "HTTP status %ld", http->status);
		retry = is_retryable_status(http->status);
	} else {
		on_body(batch, http);
		return;
	}
	if (retry && again(batch, http->retry_after_s))
		return;
	finish(batch, err, NULL);
}

static void start(struct eth_rpc_pending *batch)
{
	struct eth_rpc *rpc = batch->rpc;
	struct eth_rpc_provider *provider = &rpc->provider;
	int64_t left = batch->deadline_ms - eth_rpc_now_ms();
	int err;

	TAILQ_REMOVE(&rpc->waiting, batch, link);
	batch->attempts++;
	rpc->stats.batches++;
	rpc->stats.calls += batch->n;
	err = eth_rpc_http_post(&batch->post, provider->http, batch->request, batch->request_len, batch->cap,
				left > 1 ? (long)left : 1, batch->once, on_http_done, batch);
	if (err != 0) {
		finish(batch, err, NULL);
		return;
	}
	provider->busy++;
	TAILQ_INSERT_TAIL(&rpc->under_way, batch, link);
}

/* Starts what may start, in order of arrival; a batch that pauses lets others pass. */
void eth_rpc_on_pump(evutil_socket_t fd, short what, void *arg)
{
	struct eth_rpc *rpc = arg;
	int64_t now = eth_rpc_now_ms(), next = INT64_MAX;
	struct eth_rpc_pending *batch, *following;

	(void)fd;
	(void)what;
	for (batch = TAILQ_FIRST(&rpc->waiting); batch != NULL && rpc->provider.busy < rpc->provider.connections;
	     batch = following) {
		int64_t from = batch->not_before_ms > rpc->provider.hold_until_ms ? batch->not_before_ms
										  : rpc->provider.hold_until_ms;

		following = TAILQ_NEXT(batch, link);
		if (from <= now)
			start(batch);
		else if (from < next)
			next = from;
	}
	if (next != INT64_MAX)
		eth_rpc_pump_in(rpc, next - now);
}
