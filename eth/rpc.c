/* The life of a batch: waiting, under way (once or several times), done. It is on one list until its callback has run.
 *
 * One provider today. What belongs to a provider stands in struct provider, and a batch meets it only in start() and
 * on_http_done(), so that a pool can choose another one for each attempt. */
#include "eth/rpc.h"
#include "eth/rpc_http.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <time.h>

enum {
	CONNECTIONS = 4,
	QUEUE = 256,
	ATTEMPTS = 4,           /* viem: three retries from 150 ms, doubling */
	RETRY_MS = 150,
	RETRY_AFTER_MAX_MS = 30000,
	DEADLINE_MAX_MS = 600000,
	ERROR_TEXT = 256,
};

struct batch {
	TAILQ_ENTRY(batch) link;
	struct eth_rpc *rpc;
	char *request;
	size_t request_len;
	uint64_t first_id;
	size_t n;              /* the caller's calls; the chain id is asked after them */
	size_t cap;
	bool once;             /* holds a transaction */
	unsigned attempts;
	int64_t deadline_ms, not_before_ms;
	struct event *deadline;
	struct eth_rpc_post *post;
	eth_rpc_on_done *on_done;
	void *arg;
	struct eth_rpc_answer **take; /* where eth_rpc_wait() wants the whole answer */
};

TAILQ_HEAD(batch_list, batch);

struct provider {
	struct eth_rpc_http *http;
	char host[ERROR_TEXT / 2];
	unsigned connections, busy;
	int64_t hold_until_ms; /* Retry-After */
};

struct eth_rpc {
	struct event_base *base;
	struct provider provider;
	uint64_t chain_id;
	bool check_chain;
	size_t queue, length;
	uint64_t next_id;
	struct batch_list waiting, under_way;
	struct event *pump;
	struct eth_rpc_stats stats;
	char last_error[ERROR_TEXT];
	void (*on_log)(void *arg, const char *text);
	void *arg;
};

static int64_t now_ms(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* The same trouble again and again is one line. Texts from the node never get here; from libcurl only printable ones. */
__attribute__((format(printf, 2, 3))) static void complain(struct eth_rpc *rpc, const char *format, ...)
{
	char text[ERROR_TEXT], line[2 * ERROR_TEXT];
	va_list args;

	va_start(args, format);
	(void)vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	for (char *c = text; *c != '\0'; c++)
		if (*c < ' ' || *c == 0x7f)
			*c = ' ';
	if (strcmp(text, rpc->last_error) == 0)
		return;
	memcpy(rpc->last_error, text, sizeof(text));
	if (rpc->on_log == NULL)
		return;
	(void)snprintf(line, sizeof(line), "%s: %s", rpc->provider.host, text);
	rpc->on_log(rpc->arg, line);
}

static void wake_in(struct eth_rpc *rpc, int64_t ms)
{
	struct timeval after = {.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000};

	if (ms <= 0)
		event_active(rpc->pump, EV_TIMEOUT, 0);
	else
		(void)evtimer_add(rpc->pump, &after);
}

static void batch_free(struct batch *batch)
{
	if (batch->deadline != NULL)
		event_free(batch->deadline);
	free(batch->request);
	free(batch);
}

/* The batch is on neither list any more; `answer` is consumed. */
static void finish(struct batch *batch, int err, struct eth_rpc_answer *answer)
{
	struct eth_rpc *rpc = batch->rpc;
	bool take = err == 0 && batch->take != NULL;

	rpc->length--;
	if (err != 0)
		rpc->stats.failures++;
	else
		rpc->last_error[0] = '\0';
	if (take)
		*batch->take = answer;
	if (batch->on_done != NULL)
		batch->on_done(batch->arg, err, err == 0 ? answer->results : NULL, err == 0 ? batch->n : 0);
	if (!take)
		eth_rpc_answer_free(answer);
	batch_free(batch);
}

static void leave_provider(struct batch *batch)
{
	TAILQ_REMOVE(&batch->rpc->under_way, batch, link);
	batch->rpc->provider.busy--;
	batch->post = NULL;
	wake_in(batch->rpc, 0);
}

static void on_deadline(evutil_socket_t fd, short what, void *arg)
{
	struct batch *batch = arg;

	(void)fd;
	(void)what;
	if (batch->post != NULL) {
		eth_rpc_http_abort(batch->post);
		leave_provider(batch);
	} else {
		TAILQ_REMOVE(&batch->rpc->waiting, batch, link);
	}
	complain(batch->rpc, "no answer within the deadline%s%s", batch->attempts > 1 ? ", after repeats; before that: " : "",
		 batch->attempts > 1 ? batch->rpc->last_error : "");
	finish(batch, -ETIMEDOUT, NULL);
}

/* Puts the batch back to be sent again later. false: this was its last chance. */
static bool again(struct batch *batch, uint64_t retry_after_s)
{
	struct eth_rpc *rpc = batch->rpc;
	int64_t now = now_ms(), pause;

	if (batch->once || batch->attempts >= ATTEMPTS)
		return false;
	pause = (int64_t)RETRY_MS << (batch->attempts - 1);
	pause += (int64_t)(rpc->next_id * 2654435761U % (uint64_t)(pause / 4 + 1)); /* so that many do not come back at once */
	if (retry_after_s > 0) {
		int64_t asked = retry_after_s < RETRY_AFTER_MAX_MS / 1000 ? (int64_t)retry_after_s * 1000 : RETRY_AFTER_MAX_MS;

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
static int check_chain(struct batch *batch, const struct eth_rpc_answer *answer)
{
	struct eth_rpc *rpc = batch->rpc;
	uint64_t chain_id = 0;

	if (!rpc->check_chain || !says_anything(answer))
		return 0;
	if (eth_rpc_result_u64(&chain_id, &answer->results[batch->n]) != 0) {
		complain(rpc, "does not say its chain id (code %" PRId64 ")", answer->results[batch->n].code);
		return -EIO;
	}
	if (chain_id != rpc->chain_id) {
		complain(rpc, "is of chain %" PRIu64 ", expected %" PRIu64, chain_id, rpc->chain_id);
		return -EXDEV;
	}
	return 0;
}

static void on_body(struct batch *batch, const struct eth_rpc_http_answer *http)
{
	struct eth_rpc_answer *answer = NULL;
	int err = eth_rpc_answer_parse(&answer, http->body, http->len, batch->first_id,
				       batch->n + (batch->rpc->check_chain ? 1 : 0));

	if (err == -EBADMSG)
		complain(batch->rpc, "the answer is not a JSON-RPC answer to what was asked");
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
	struct batch *batch = arg;
	struct eth_rpc *rpc = batch->rpc;
	bool retry = false;
	int err = -EIO;

	leave_provider(batch);
	rpc->stats.bytes_in += http->len;
	if (http->end == ETH_RPC_HTTP_TOO_LARGE) {
		complain(rpc, "the answer is larger than %zu bytes", batch->cap);
		err = -EOVERFLOW;
	} else if (http->end == ETH_RPC_HTTP_BROKEN) {
		complain(rpc, "%s", http->why);
		retry = true;
	} else if (http->status != 200) {
		complain(rpc, "HTTP status %ld", http->status);
		retry = is_retryable_status(http->status);
	} else {
		on_body(batch, http);
		return;
	}
	if (retry && again(batch, http->retry_after_s))
		return;
	finish(batch, err, NULL);
}

static void start(struct batch *batch)
{
	struct eth_rpc *rpc = batch->rpc;
	struct provider *provider = &rpc->provider;
	int64_t left = batch->deadline_ms - now_ms();
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
static void on_pump(evutil_socket_t fd, short what, void *arg)
{
	struct eth_rpc *rpc = arg;
	int64_t now = now_ms(), next = INT64_MAX;
	struct batch *batch, *following;

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
		wake_in(rpc, next - now);
}

/* Reads may be repeated; a transaction may not, and neither may what is not known to be a read. */
static bool is_read(const char *method)
{
	static const char *const READS[] = {"eth_get", "eth_call", "eth_chainId", "eth_blockNumber", "eth_estimateGas",
					    "eth_gasPrice", "eth_feeHistory", "eth_maxPriorityFeePerGas", "eth_syncing",
					    "net_version", "web3_clientVersion"};

	for (size_t i = 0; i < sizeof(READS) / sizeof(READS[0]); i++)
		if (strncmp(method, READS[i], strlen(READS[i])) == 0)
			return true;
	return false;
}

static int make_request(struct batch *batch, const struct eth_rpc_call *calls, size_t n)
{
	struct eth_rpc *rpc = batch->rpc;
	struct eth_rpc_call *all;
	int err;

	if (n == 0)
		return -EINVAL;
	if (n >= ETH_RPC_CALLS_MAX)
		return -EOVERFLOW;
	all = malloc((n + 1) * sizeof(*all));
	if (all == NULL)
		return -ENOMEM;
	memcpy(all, calls, n * sizeof(*all));
	all[n] = (struct eth_rpc_call){.method = "eth_chainId", .params = "[]"};
	batch->first_id = rpc->next_id;
	batch->n = n;
	for (size_t i = 0; i < n; i++) {
		size_t cap = calls[i].cap != 0 ? calls[i].cap : ETH_RPC_SMALL;

		batch->cap = cap < ETH_RPC_LARGE - batch->cap ? batch->cap + cap : ETH_RPC_LARGE;
		batch->once = batch->once || !is_read(calls[i].method);
	}
	err = eth_rpc_request(&batch->request, &batch->request_len, batch->first_id, all, rpc->check_chain ? n + 1 : n);
	free(all);
	/* Ids stay below 2^53, which every JSON library in between keeps exact. */
	rpc->next_id = rpc->next_id + n + 1 < (UINT64_C(1) << 52) ? rpc->next_id + n + 1 : 1;
	return err;
}

static int enqueue(struct eth_rpc *rpc, const struct eth_rpc_call *calls, size_t n, unsigned deadline_ms,
		   eth_rpc_on_done *on_done, void *arg, struct eth_rpc_answer **take)
{
	struct timeval deadline;
	struct batch *batch;
	int err = -ENOMEM;

	if (deadline_ms == 0 || deadline_ms > DEADLINE_MAX_MS)
		return -EINVAL;
	if (rpc->length >= rpc->queue)
		return -EAGAIN;
	batch = calloc(1, sizeof(*batch));
	if (batch == NULL)
		return err;
	batch->rpc = rpc;
	batch->on_done = on_done;
	batch->arg = arg;
	batch->take = take;
	batch->deadline_ms = now_ms() + deadline_ms;
	batch->deadline = evtimer_new(rpc->base, on_deadline, batch);
	deadline = (struct timeval){.tv_sec = deadline_ms / 1000, .tv_usec = deadline_ms % 1000 * 1000};
	if (batch->deadline != NULL)
		err = make_request(batch, calls, n);
	if (err == 0 && evtimer_add(batch->deadline, &deadline) != 0)
		err = -ENOMEM;
	if (err != 0) {
		batch_free(batch);
		return err;
	}
	TAILQ_INSERT_TAIL(&rpc->waiting, batch, link);
	rpc->length++;
	wake_in(rpc, 0);
	return 0;
}

int eth_rpc_batch(struct eth_rpc *rpc, const struct eth_rpc_call *calls, size_t n, unsigned deadline_ms,
		  eth_rpc_on_done *on_done, void *arg)
{
	return enqueue(rpc, calls, n, deadline_ms, on_done, arg, NULL);
}

int eth_rpc_batch_list(struct eth_rpc *rpc, const struct eth_rpc_calls *list, unsigned deadline_ms,
		       eth_rpc_on_done *on_done, void *arg)
{
	return list->err != 0 ? list->err : enqueue(rpc, list->calls, list->n, deadline_ms, on_done, arg, NULL);
}

struct wait {
	bool done;
	int err;
};

static void on_waited(void *arg, int err, const struct eth_rpc_result *results, size_t n)
{
	struct wait *wait = arg;

	(void)results;
	(void)n;
	wait->err = err;
	wait->done = true;
}

int eth_rpc_turn_until(struct eth_rpc *rpc, const bool *done)
{
	while (!*done)
		if (event_base_loop(rpc->base, EVLOOP_ONCE) != 0)
			return -EIO;
	return 0;
}

int eth_rpc_wait(struct eth_rpc_answer **out, struct eth_rpc *rpc, const struct eth_rpc_calls *list,
		 unsigned deadline_ms)
{
	struct wait wait = {0};
	int err = list->err;

	*out = NULL;
	if (err == 0)
		err = enqueue(rpc, list->calls, list->n, deadline_ms, on_waited, &wait, out);
	if (err == 0)
		err = eth_rpc_turn_until(rpc, &wait.done);
	return err != 0 ? err : wait.err;
}

int eth_rpc_new(struct eth_rpc **out, struct event_base *base, const struct eth_rpc_config *config)
{
	struct eth_rpc *rpc = calloc(1, sizeof(*rpc));
	int err;

	if (rpc == NULL)
		return -ENOMEM;
	rpc->base = base;
	rpc->chain_id = config->chain_id;
	rpc->check_chain = config->chain_id != 0;
	rpc->queue = config->queue != 0 ? config->queue : QUEUE;
	rpc->next_id = 1;
	rpc->on_log = config->on_log;
	rpc->arg = config->arg;
	rpc->provider.connections = config->connections != 0 ? config->connections : CONNECTIONS;
	TAILQ_INIT(&rpc->waiting);
	TAILQ_INIT(&rpc->under_way);
	rpc->pump = evtimer_new(base, on_pump, rpc);
	if (rpc->pump == NULL) {
		free(rpc);
		return -ENOMEM;
	}
	err = eth_rpc_http_new(&rpc->provider.http, rpc->provider.host, sizeof(rpc->provider.host), base, config->url,
			       rpc->provider.connections);
	if (err != 0) {
		event_free(rpc->pump);
		free(rpc);
		return err;
	}
	*out = rpc;
	return 0;
}

void eth_rpc_free(struct eth_rpc *rpc)
{
	struct batch *batch;

	if (rpc == NULL)
		return;
	rpc->queue = 0; /* callbacks that start another batch are told -EAGAIN */
	while ((batch = TAILQ_FIRST(&rpc->under_way)) != NULL) {
		eth_rpc_http_abort(batch->post);
		leave_provider(batch);
		finish(batch, -ECANCELED, NULL);
	}
	while ((batch = TAILQ_FIRST(&rpc->waiting)) != NULL) {
		TAILQ_REMOVE(&rpc->waiting, batch, link);
		finish(batch, -ECANCELED, NULL);
	}
	eth_rpc_http_free(rpc->provider.http);
	event_free(rpc->pump);
	free(rpc);
}

void eth_rpc_stats(const struct eth_rpc *rpc, struct eth_rpc_stats *out)
{
	*out = rpc->stats;
}

const char *eth_rpc_last_error(const struct eth_rpc *rpc)
{
	return rpc->last_error;
}
