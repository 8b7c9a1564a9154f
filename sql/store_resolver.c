/* Questions about agents, gathered into statements. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "sql/store_resolve_internal.h"

struct ask {
	STAILQ_ENTRY(ask) link;
	struct pg_op *op;
	struct store_resolve_list *out;
	size_t n;
	struct store_question questions[];
};

STAILQ_HEAD(asks, ask);

struct statement {
	struct store_resolver *resolver;
	unsigned *under_way; /* on its connection */
	struct asks asks;
};

struct store_resolver {
	struct pg_conn *conns[STORE_RESOLVER_CONNS];
	unsigned under_way[STORE_RESOLVER_CONNS];
	size_t nconns, next;
	struct event *turn;
	struct asks waiting;
	size_t nwaiting, length;
};

static void finish(struct store_resolver *resolver, struct ask *ask, int err)
{
	struct pg_op *op = ask->op;

	free(ask);
	resolver->length--;
	pg_op_finish(op, err);
}

static void plan_turn(struct store_resolver *resolver)
{
	event_active(resolver->turn, EV_TIMEOUT, 0);
}

static void on_result(void *arg, int err, PGresult *res)
{
	struct statement *statement = arg;
	struct store_resolver *resolver = statement->resolver;
	struct ask *ask;
	size_t place = 1;
	int row = 0;

	--*statement->under_way;
	while ((ask = STAILQ_FIRST(&statement->asks))) {
		STAILQ_REMOVE_HEAD(&statement->asks, link);
		int rc = err != 0 ? err : store_get_resolved(ask->out, res, &row, place, ask->n);

		place += ask->n;
		finish(resolver, ask, rc);
	}
	PQclear(res);
	free(statement);
	if (resolver->nwaiting > 0)
		plan_turn(resolver);
}

/* The place of the connection for the next statement: one that stands before one that may in a moment; SIZE_MAX: it has to wait for
 * another one's end. */
static size_t choose(struct store_resolver *resolver)
{
	bool stands = false;

	for (size_t i = 0; i < 2 * resolver->nconns; i++) {
		size_t at = resolver->next++ % resolver->nconns;
		bool up = pg_is_up(resolver->conns[at]);

		stands = stands || up;
		if (resolver->under_way[at] < STORE_RESOLVER_UNDER_WAY && (up || (i >= resolver->nconns && !stands)))
			return at;
	}
	return SIZE_MAX;
}

/* Moves asks from those that wait, as many as a statement takes and at least one. Returns how many rows they are. */
static size_t take(struct asks *asks, struct store_resolver *resolver)
{
	struct ask *ask;
	size_t n = 0;

	STAILQ_INIT(asks);
	while ((ask = STAILQ_FIRST(&resolver->waiting)) && (n == 0 || n + ask->n <= STORE_RESOLVER_ROWS)) {
		STAILQ_REMOVE_HEAD(&resolver->waiting, link);
		STAILQ_INSERT_TAIL(asks, ask, link);
		resolver->nwaiting--;
		n += ask->n;
	}
	return n;
}

static int hand_over(struct statement *statement, struct pg_conn *conn, size_t n)
{
	struct store_question *questions = malloc(n * sizeof(*questions)), *at = questions;
	struct pg_params params;
	struct ask *ask;
	int err;

	if (!questions)
		return -ENOMEM;
	STAILQ_FOREACH(ask, &statement->asks, link)
	{
		memcpy(at, ask->questions, ask->n * sizeof(*at));
		at += ask->n;
	}
	store_param_questions(&params, questions, n);
	err = pg_query(conn, store_resolve_statement, &params, on_result, statement);
	pg_params_clear(&params);
	free(questions);
	return err;
}

static void refuse(struct store_resolver *resolver, struct asks *asks, int err)
{
	struct ask *ask;

	while ((ask = STAILQ_FIRST(asks))) {
		STAILQ_REMOVE_HEAD(asks, link);
		finish(resolver, ask, err);
	}
}

static void send_some(struct store_resolver *resolver, size_t at)
{
	struct statement *statement = malloc(sizeof(*statement));
	struct asks asks;
	size_t n = take(&asks, resolver);
	int err = -ENOMEM;

	if (statement) {
		statement->resolver = resolver;
		statement->under_way = &resolver->under_way[at];
		STAILQ_INIT(&statement->asks);
		STAILQ_CONCAT(&statement->asks, &asks);
		err = hand_over(statement, resolver->conns[at], n);
		if (err == 0)
			++*statement->under_way;
		else
			STAILQ_CONCAT(&asks, &statement->asks);
	}
	if (err != 0) {
		free(statement);
		refuse(resolver, &asks, err);
	}
}

static void on_turn(evutil_socket_t fd, short what, void *arg)
{
	struct store_resolver *resolver = arg;
	size_t at;

	(void)fd;
	(void)what;
	while (resolver->nwaiting > 0 && (at = choose(resolver)) != SIZE_MAX)
		send_some(resolver, at);
}

int store_resolver_new(struct store_resolver **out, struct event_base *base, struct pg_conn *const *conns, size_t n)
{
	struct store_resolver *resolver = n > 0 && n <= STORE_RESOLVER_CONNS ? calloc(1, sizeof(*resolver)) : NULL;

	*out = resolver;
	if (!resolver)
		return n > 0 && n <= STORE_RESOLVER_CONNS ? -ENOMEM : -EINVAL;
	memcpy(resolver->conns, conns, n * sizeof(*conns));
	resolver->nconns = n;
	STAILQ_INIT(&resolver->waiting);
	resolver->turn = event_new(base, -1, 0, on_turn, resolver);
	if (resolver->turn)
		return 0;
	store_resolver_free(resolver);
	*out = NULL;
	return -ENOMEM;
}

void store_resolver_free(struct store_resolver *resolver)
{
	if (!resolver)
		return;
	resolver->nwaiting = 0;
	refuse(resolver, &resolver->waiting, -EIO);
	if (resolver->turn)
		event_free(resolver->turn);
	free(resolver);
}

size_t store_resolver_length(const struct store_resolver *resolver)
{
	return resolver->length;
}

static struct ask *ask_new(struct pg_op *op, struct store_resolve_list *out, size_t n)
{
	struct ask *ask = malloc(sizeof(*ask) + n * sizeof(*ask->questions));

	*out = (struct store_resolve_list){0};
	if (!ask)
		return NULL;
	ask->op = op;
	ask->out = out;
	ask->n = n;
	pg_op_start(op);
	return ask;
}

static struct store_question question(uint32_t registry, const uint8_t agent_id[static 32], const struct store_mark *safe)
{
	struct store_question q = {.registry = registry, .safe = -1, .time = -1};

	memcpy(q.agent_id, agent_id, sizeof(q.agent_id));
	if (safe && safe->number <= INT64_MAX) {
		q.safe = (int64_t)safe->number;
		memcpy(q.safe_hash, safe->hash, sizeof(q.safe_hash));
	}
	return q;
}

static int wait_for_turn(struct store_resolver *resolver, struct ask *ask)
{
	STAILQ_INSERT_TAIL(&resolver->waiting, ask, link);
	resolver->nwaiting++;
	resolver->length++;
	plan_turn(resolver);
	return 0;
}

int store_resolve(struct store_resolver *resolver, struct pg_op *op, struct store_resolve_list *out, uint32_t registry,
		  const uint8_t agent_id[static 32], const struct store_mark *safe, const uint64_t *numbers, size_t n)
{
	struct ask *ask;

	if (n == 0 || n > INT16_MAX)
		return -EINVAL;
	if (resolver->nwaiting >= STORE_RESOLVER_WAITING)
		return -EAGAIN;
	ask = ask_new(op, out, n);
	if (!ask)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		ask->questions[i] = question(registry, agent_id, safe);
		/* no block has such a number */
		ask->questions[i].number = store_clamp(numbers[i]);
	}
	return wait_for_turn(resolver, ask);
}

int store_resolve_time(struct store_resolver *resolver, struct pg_op *op, struct store_resolve_list *out, uint32_t registry,
		       const uint8_t agent_id[static 32], const struct store_mark *safe, uint64_t time)
{
	struct ask *ask;

	if (resolver->nwaiting >= STORE_RESOLVER_WAITING)
		return -EAGAIN;
	ask = ask_new(op, out, 1);
	if (!ask)
		return -ENOMEM;
	ask->questions[0] = question(registry, agent_id, safe);
	ask->questions[0].time = store_clamp(time);
	return wait_for_turn(resolver, ask);
}
