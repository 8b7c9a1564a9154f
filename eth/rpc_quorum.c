/* Asking every provider the same and counting who agrees. One batch a provider, pinned to it; the answers are kept
 * until the count is made. */
#include "eth/rpc_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { GRACE_MS = 250 }; /* once it is decided, for the others to be heard, so that a dissenter is named */

struct asking;

struct slot {
	struct asking *asking;
	struct eth_rpc_pending *pending; /* NULL: done */
	struct eth_rpc_answer *answer;
	int err;
};

struct asking {
	struct eth_rpc *rpc;
	struct slot slots[ETH_RPC_PROVIDERS_MAX];
	unsigned n, need;
	size_t calls;
	bool ending, graced;
	struct event *grace;
	eth_rpc_on_quorum *on_done;
	void *arg;
	struct eth_rpc_answer **take; /* where eth_rpc_quorum_wait() wants the answer */
};

/* Members of blocks and receipts that some nodes send and others do not; what matters hangs on the hash beside them. */
static bool is_optional(const char *name)
{
	static const char *const NAMES[] = {"totalDifficulty",
					    "size",
					    "author",
					    "sealFields",
					    "blockTimestamp",
					    "blobGasPrice",
					    "blobGasUsed",
					    "depositNonce",
					    "l1Fee",
					    "l1GasPrice",
					    "l1GasUsed",
					    "l1FeeScalar",
					    "l1BlobBaseFee",
					    "operatorFeeScalar",
					    "daFootprintGasScalar"};

	for (size_t i = 0; i < sizeof(NAMES) / sizeof(NAMES[0]); i++)
		if (strcmp(name, NAMES[i]) == 0)
			return true;
	return false;
}

static bool same_text(const json_t *a, const json_t *b)
{
	size_t len = json_string_length(a);
	const char *x = json_string_value(a), *y = json_string_value(b);

	if (len != json_string_length(b))
		return false;
	if (len >= 2 && x[0] == '0' && x[1] == 'x')
		return strncasecmp(x, y, len) == 0 && memchr(x, '\0', len) == NULL && memchr(y, '\0', len) == NULL;
	return memcmp(x, y, len) == 0;
}

static bool same_json(const json_t *a, const json_t *b);

/* Every member of a that counts is in b and the same. */
static bool within(const json_t *a, const json_t *b)
{
	const char *name;
	json_t *value;

	json_object_foreach((json_t *)(uintptr_t)a, name, value)
	{
		const json_t *other = json_object_get(b, name);

		if (other == NULL ? !is_optional(name) && !json_is_null(value) : !same_json(value, other))
			return false;
	}
	return true;
}

/* Depth is bounded by the parser. */
static bool same_json(const json_t *a, const json_t *b)
{
	if (json_typeof(a) != json_typeof(b))
		return false;
	if (json_is_string(a))
		return same_text(a, b);
	if (json_is_object(a))
		return within(a, b) && within(b, a);
	if (json_is_array(a)) {
		if (json_array_size(a) != json_array_size(b))
			return false;
		for (size_t i = 0; i < json_array_size(a); i++)
			if (!same_json(json_array_get(a, i), json_array_get(b, i)))
				return false;
		return true;
	}
	return json_equal(a, b) != 0;
}

static bool same_result(const struct eth_rpc_result *a, const struct eth_rpc_result *b)
{
	if (a->outcome != b->outcome)
		return false;
	if (a->outcome == ETH_RPC_REVERT)
		return a->revert_len == b->revert_len &&
		       (a->revert_len == 0 || memcmp(a->revert, b->revert, a->revert_len) == 0);
	return same_json(a->value, b->value);
}

static bool agree(const struct eth_rpc_answer *a, const struct eth_rpc_answer *b, size_t calls)
{
	for (size_t i = 0; i < calls; i++)
		if (!same_result(&a->results[i], &b->results[i]))
			return false;
	return true;
}

/* Every call has a result that is something, or a revert. */
static bool answers(const struct slot *slot, size_t calls)
{
	if (slot->answer == NULL)
		return false;
	for (size_t i = 0; i < calls; i++) {
		const struct eth_rpc_result *result = &slot->answer->results[i];

		if (result->outcome != ETH_RPC_REVERT && (result->outcome != ETH_RPC_OK || json_is_null(result->value)))
			return false;
	}
	return true;
}

/* The largest group of equal answers; of equally large ones that of the provider that stands first. */
static unsigned count(struct eth_rpc_quorum *out, const struct asking *asking)
{
	uint32_t answered = 0;
	unsigned first = 0;

	*out = (struct eth_rpc_quorum){.asked = asking->n};
	for (unsigned i = 0; i < asking->n; i++)
		if (answers(&asking->slots[i], asking->calls))
			answered |= UINT32_C(1) << i;
	out->answered = (unsigned)__builtin_popcount(answered);
	for (unsigned i = 0; i < asking->n; i++) {
		uint32_t group = 0;

		for (unsigned j = 0; j < asking->n && (answered >> i & 1) != 0; j++)
			if ((answered >> j & 1) != 0 &&
			    agree(asking->slots[i].answer, asking->slots[j].answer, asking->calls))
				group |= UINT32_C(1) << j;
		if ((unsigned)__builtin_popcount(group) > out->agreed) {
			out->agreed = (unsigned)__builtin_popcount(group);
			out->agreeing = group;
			first = i;
		}
	}
	out->dissenting = answered & ~out->agreeing;
	return first;
}

static void free_asking(struct asking *asking)
{
	if (asking->grace != NULL)
		event_free(asking->grace);
	for (unsigned i = 0; i < asking->n; i++)
		eth_rpc_answer_free(asking->slots[i].answer);
	free(asking);
}

static void end(struct asking *asking)
{
	struct eth_rpc_quorum quorum;
	unsigned first;
	int err = 0;

	asking->ending = true;
	for (unsigned i = 0; i < asking->n; i++)
		if (asking->slots[i].pending != NULL)
			eth_rpc_pending_cancel(asking->slots[i].pending, -EIO);
	first = count(&quorum, asking);
	if (quorum.agreed < asking->need)
		err = quorum.answered < asking->need ? -EIO : -ENOTUNIQ;
	for (unsigned i = 0; i < asking->n && err == -EIO; i++)
		if (asking->slots[i].err == -ECANCELED)
			err = -ECANCELED;
	if (err == 0) {
		quorum.results = asking->slots[first].answer->results;
		quorum.n = asking->calls;
		asking->rpc->answering = first;
	}
	asking->on_done(asking->arg, err, &quorum);
	if (err == 0 && asking->take != NULL) {
		*asking->take = asking->slots[first].answer;
		asking->slots[first].answer = NULL;
	}
	free_asking(asking);
}

static void on_grace(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	end(arg);
}

static void on_slot(void *arg, int err, const struct eth_rpc_result *results, size_t n)
{
	static const struct timeval GRACE = {.tv_usec = GRACE_MS * 1000L};
	struct slot *slot = arg;
	struct asking *asking = slot->asking;
	struct eth_rpc_quorum quorum;
	unsigned waiting = 0;

	(void)results;
	(void)n;
	slot->pending = NULL;
	slot->err = err;
	if (asking->ending)
		return;
	for (unsigned i = 0; i < asking->n; i++)
		waiting += asking->slots[i].pending != NULL;
	(void)count(&quorum, asking);
	if (waiting == 0)
		end(asking);
	else if (!asking->graced && (quorum.agreed >= asking->need || quorum.agreed + waiting < asking->need))
		asking->graced = evtimer_add(asking->grace, &GRACE) == 0;
}

static int start(struct asking *asking, const struct eth_rpc_calls *list, unsigned deadline_ms)
{
	struct eth_rpc *rpc = asking->rpc;

	if (rpc->length + asking->n > rpc->queue)
		return -EAGAIN;
	for (unsigned i = 0; i < asking->n; i++) {
		struct slot *slot = &asking->slots[i];
		const struct eth_rpc_ask ask = {list->calls, list->n, deadline_ms,  UINT32_C(1) << i,
						on_slot,     slot,    &slot->answer};
		int err;

		slot->asking = asking;
		err = eth_rpc_enqueue(&slot->pending, rpc, &ask);
		if (err != 0) {
			asking->ending = true;
			while (i-- > 0)
				eth_rpc_pending_cancel(asking->slots[i].pending, err);
			return err;
		}
	}
	return 0;
}

static int ask_all(struct eth_rpc *rpc, const struct eth_rpc_calls *list, unsigned deadline_ms,
		   const struct asking *what)
{
	struct asking *asking;
	int err = list->err;

	if (err == 0 && (what->need == 0 || what->need > rpc->pool.n))
		err = -EINVAL;
	for (size_t i = 0; i < list->n && err == 0; i++)
		if (!eth_rpc_is_read(list->calls[i].method))
			err = -EINVAL;
	if (err != 0)
		return err;
	asking = calloc(1, sizeof(*asking));
	if (asking == NULL)
		return -ENOMEM;
	*asking = *what;
	asking->rpc = rpc;
	asking->n = rpc->pool.n;
	asking->calls = list->n;
	asking->grace = evtimer_new(rpc->base, on_grace, asking);
	err = asking->grace == NULL ? -ENOMEM : start(asking, list, deadline_ms);
	if (err != 0)
		free_asking(asking);
	return err;
}

int eth_rpc_quorum(struct eth_rpc *rpc, const struct eth_rpc_calls *list, unsigned need, unsigned deadline_ms,
		   eth_rpc_on_quorum *on_done, void *arg)
{
	const struct asking what = {.need = need, .on_done = on_done, .arg = arg};

	return ask_all(rpc, list, deadline_ms, &what);
}

struct wait {
	bool done;
	int err;
	struct eth_rpc_quorum *quorum;
};

static void on_waited(void *arg, int err, const struct eth_rpc_quorum *quorum)
{
	struct wait *wait = arg;

	wait->done = true;
	wait->err = err;
	*wait->quorum = *quorum;
}

int eth_rpc_quorum_wait(struct eth_rpc_answer **out, struct eth_rpc_quorum *quorum, struct eth_rpc *rpc,
			const struct eth_rpc_calls *list, unsigned need, unsigned deadline_ms)
{
	struct wait wait = {.quorum = quorum};
	const struct asking what = {.need = need, .on_done = on_waited, .arg = &wait, .take = out};
	int err;

	*out = NULL;
	*quorum = (struct eth_rpc_quorum){0};
	err = ask_all(rpc, list, deadline_ms, &what);
	if (err == 0)
		err = eth_rpc_turn_until(rpc, &wait.done);
	return err != 0 ? err : wait.err;
}
