/* Operations, and turning the loop for code that reads sequentially. */
#include <errno.h>

#include "sql/pg.h"
#include "sql/pg_internal.h"

void pg_op_start(struct pg_op *op)
{
	op->err = 0;
	op->done = false;
}

void pg_op_finish(struct pg_op *op, int err)
{
	op->err = err;
	op->done = true;
	if (op->on_done)
		op->on_done(op);
}

static int turn(struct event_base *base)
{
	return event_base_loop(base, EVLOOP_ONCE) == 0 ? 0 : -EIO;
}

int pg_wait(struct event_base *base, struct pg_op *op, int started)
{
	if (started)
		return started;
	while (!op->done) {
		const int err = turn(base);

		if (err)
			return err;
	}
	return op->err;
}

static void on_time(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	*(bool *)arg = true;
}

static bool flag_is_set(const void *arg)
{
	return *(const bool *)arg;
}

static bool conn_is_up(const void *arg)
{
	return pg_is_up(arg);
}

static int run_until(struct event_base *base, bool (*reached)(const void *arg), const void *arg, unsigned timeout_ms)
{
	const struct timeval tv = {.tv_sec = timeout_ms / 1000, .tv_usec = (suseconds_t)(timeout_ms % 1000) * 1000};
	struct event *timer = NULL;
	bool expired = false;
	int err = 0;

	if (timeout_ms) {
		timer = evtimer_new(base, on_time, &expired);
		if (!timer || event_add(timer, &tv)) {
			err = -ENOMEM;
			goto out;
		}
	}
	/* the timer's own word, not the clock's: it may fire a moment early, and then nothing would wake the loop again */
	while (!err && !reached(arg)) {
		err = turn(base);
		if (!err && expired && !reached(arg))
			err = -ETIMEDOUT;
	}
out:
	if (timer)
		event_free(timer);
	return err;
}

int pg_run_until(struct event_base *base, const bool *flag, unsigned timeout_ms)
{
	return run_until(base, flag_is_set, flag, timeout_ms);
}

int pg_wait_up(struct event_base *base, struct pg_conn *conn, unsigned timeout_ms)
{
	return run_until(base, conn_is_up, conn, timeout_ms);
}
