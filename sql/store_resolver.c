/* Questions about agents, gathered into statements. */
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "sql/store_resolve_internal.h"

struct ask {
	STAILQ_ENTRY(ask) link;
	struct pg_op *op;
	void *out;
	size_t n;
	uint64_t until; /* monotonic ms */
	max_align_t questions[];
};

STAILQ_HEAD(asks, ask);

struct statement {
	struct store_resolver *resolver;
	const struct store_kind *kind;
	unsigned *under_way; /* on its connection */
	struct asks asks;
};

struct store_resolver {
	struct pg_conn *conns[STORE_RESOLVER_CONNS];
	unsigned under_way[STORE_RESOLVER_CONNS];
	size_t nconns, next;
	struct event *turn, *expiry;
	struct asks waiting[STORE_KINDS_N];
	size_t nwaiting;
};

static const struct store_kind *const kinds[STORE_KINDS_N] = {
	[STORE_KIND_STATES] = &store_kind_states,
	[STORE_KIND_FILES] = &store_kind_files,
};

static void finish(struct ask *ask, int err)
{
	struct pg_op *op = ask->op;

	free(ask);
	pg_op_finish(op, err);
}

static void plan_turn(struct store_resolver *resolver)
{
	event_active(resolver->turn, EV_TIMEOUT, 0);
}

/* Whether the row is there and of the question at that place. */
static bool is_of(const PGresult *res, int row, size_t place)
{
	int err = 0;

	return row < PQntuples(res) && pg_get_u64(&err, res, row, 0) == place && err == 0;
}

/* The rows from *row on that are of an ask whose first question stands at that place. */
static int take_rows(const struct store_kind *kind, const struct ask *ask, const PGresult *res, int *row, size_t place)
{
	int first = *row;

	while (*row - first < (int)ask->n && is_of(res, *row, place + (size_t)(*row - first)))
		++*row;
	if (*row == first)
		return -ENOENT;
	return *row - first == (int)ask->n ? kind->take(ask->out, res, first, ask->n) : -EPROTO;
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
		int rc = err != 0 ? err : take_rows(statement->kind, ask, res, &row, place);

		place += ask->n;
		finish(ask, rc);
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
		size_t at = resolver->next;
		bool up = pg_is_up(resolver->conns[at]);

		resolver->next = at + 1 < resolver->nconns ? at + 1 : 0;
		stands = stands || up;
		if (resolver->under_way[at] < STORE_RESOLVER_UNDER_WAY && (up || (i >= resolver->nconns && !stands)))
			return at;
	}
	return SIZE_MAX;
}

/* The first that waits goes over to others. */
static void move_first(struct asks *to, struct store_resolver *resolver, enum store_kind_of kind)
{
	struct ask *ask = STAILQ_FIRST(&resolver->waiting[kind]);

	STAILQ_REMOVE_HEAD(&resolver->waiting[kind], link);
	STAILQ_INSERT_TAIL(to, ask, link);
	resolver->nwaiting--;
}

/* As many as a statement takes and at least one. Returns how many questions they are. */
static size_t take_asks(struct asks *asks, struct store_resolver *resolver, enum store_kind_of kind)
{
	struct ask *ask;
	size_t n = 0;

	while ((ask = STAILQ_FIRST(&resolver->waiting[kind])) && (n == 0 || n + ask->n <= kinds[kind]->rows)) {
		n += ask->n;
		move_first(asks, resolver, kind);
	}
	return n;
}

static int hand_over(struct statement *statement, struct pg_conn *conn, size_t n)
{
	const struct store_kind *kind = statement->kind;
	uint8_t *questions = malloc(n * kind->question), *at = questions;
	struct store_columns columns;
	struct pg_params params;
	struct ask *ask;
	int err;

	if (!questions)
		return -ENOMEM;
	STAILQ_FOREACH(ask, &statement->asks, link)
		at = mempcpy(at, ask->questions, ask->n * kind->question);
	err = store_columns_init(&columns, questions, n, kind->question);
	if (err == 0) {
		pg_params_init(&params);
		kind->params(&params, &columns);
		err = pg_query(conn, kind->statement, &params, on_result, statement);
		pg_params_clear(&params);
		store_columns_clear(&columns);
	}
	free(questions);
	return err;
}

static void refuse(struct asks *asks, int err)
{
	struct ask *ask;

	while ((ask = STAILQ_FIRST(asks))) {
		STAILQ_REMOVE_HEAD(asks, link);
		finish(ask, err);
	}
}

static void send_some(struct store_resolver *resolver, enum store_kind_of kind, size_t at)
{
	struct statement *statement = malloc(sizeof(*statement));
	struct asks asks = STAILQ_HEAD_INITIALIZER(asks);
	size_t n = take_asks(&asks, resolver, kind);
	int err;

	if (!statement) {
		refuse(&asks, -ENOMEM);
		return;
	}
	statement->resolver = resolver;
	statement->kind = kinds[kind];
	statement->under_way = &resolver->under_way[at];
	STAILQ_INIT(&statement->asks);
	STAILQ_CONCAT(&statement->asks, &asks);
	err = hand_over(statement, resolver->conns[at], n);
	if (err == 0) {
		++*statement->under_way;
		return;
	}
	refuse(&statement->asks, err);
	free(statement);
}

static void on_turn(evutil_socket_t fd, short what, void *arg)
{
	struct store_resolver *resolver = arg;
	size_t at;

	(void)fd;
	(void)what;
	/* one of each kind to the same connection: what is asked for one answer comes back together */
	while (resolver->nwaiting > 0 && (at = choose(resolver)) != SIZE_MAX) {
		for (enum store_kind_of kind = 0; kind < STORE_KINDS_N; kind++) {
			if (!STAILQ_EMPTY(&resolver->waiting[kind]))
				send_some(resolver, kind, at);
		}
	}
}

static void arm(struct store_resolver *resolver, uint64_t until)
{
	uint64_t now;

	if (evtimer_pending(resolver->expiry, NULL))
		return;
	now = pg_now_ms();
	pg_after_ms(resolver->expiry, until > now ? until - now : 1);
}

/* A kind's asks wait in the order they came in. */
static void on_expiry(evutil_socket_t fd, short what, void *arg)
{
	struct store_resolver *resolver = arg;
	const uint64_t now = pg_now_ms();
	struct asks late = STAILQ_HEAD_INITIALIZER(late);
	struct ask *ask;

	(void)fd;
	(void)what;
	for (enum store_kind_of kind = 0; kind < STORE_KINDS_N; kind++) {
		while ((ask = STAILQ_FIRST(&resolver->waiting[kind])) && ask->until <= now)
			move_first(&late, resolver, kind);
		if (ask)
			arm(resolver, ask->until);
	}
	refuse(&late, -ETIMEDOUT);
}

int store_resolver_new(struct store_resolver **out, struct event_base *base, struct pg_conn *const *conns, size_t n)
{
	struct store_resolver *resolver;

	*out = NULL;
	if (n == 0 || n > STORE_RESOLVER_CONNS)
		return -EINVAL;
	resolver = calloc(1, sizeof(*resolver));
	if (!resolver)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		resolver->conns[i] = conns[i];
	resolver->nconns = n;
	for (size_t i = 0; i < STORE_KINDS_N; i++)
		STAILQ_INIT(&resolver->waiting[i]);
	resolver->turn = event_new(base, -1, 0, on_turn, resolver);
	resolver->expiry = evtimer_new(base, on_expiry, resolver);
	if (!resolver->turn || !resolver->expiry) {
		store_resolver_free(resolver);
		return -ENOMEM;
	}
	*out = resolver;
	return 0;
}

void store_resolver_free(struct store_resolver *resolver)
{
	if (!resolver)
		return;
	resolver->nwaiting = 0;
	for (size_t i = 0; i < STORE_KINDS_N; i++)
		refuse(&resolver->waiting[i], -EIO);
	if (resolver->turn)
		event_free(resolver->turn);
	if (resolver->expiry)
		event_free(resolver->expiry);
	free(resolver);
}

size_t store_resolver_length(const struct store_resolver *resolver)
{
	return resolver->nwaiting;
}

int store_resolver_ask(struct store_resolver *resolver, enum store_kind_of kind, struct pg_op *op, void *out, const void *questions,
		       size_t n)
{
	size_t size = n * kinds[kind]->question;
	struct ask *ask;

	if (resolver->nwaiting >= STORE_RESOLVER_WAITING)
		return -EAGAIN;
	ask = malloc(sizeof(*ask) + size);
	if (!ask)
		return -ENOMEM;
	ask->op = op;
	ask->out = out;
	ask->n = n;
	memcpy(ask->questions, questions, size);
	ask->until = pg_now_ms() + STORE_RESOLVER_WAIT_MS;
	arm(resolver, ask->until);
	pg_op_start(op);
	STAILQ_INSERT_TAIL(&resolver->waiting[kind], ask, link);
	resolver->nwaiting++;
	plan_turn(resolver);
	return 0;
}
