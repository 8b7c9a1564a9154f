/* The common life of the duties: connections, the lock, pauses, signals. */
#include "gateway/steward/steward.h"
#include "gateway/identity/heads.h"
#include "gateway/identity/rpc_metrics.h"
#include "gateway/runtime/log.h"
#include "sql/store.h"
#include "sql/store_duty.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

enum {
	RETRY_MS = 1000, /* between looks at a lock that another holds */
	UP_MS = 1000,
	FAILED_MS = 250,
	FAILED_MAX_MS = 8000,
	FAILED_LOG_MS = 60000,
};

static const int SIGNALS[STEWARD_SIGNALS] = {SIGTERM, SIGINT, SIGHUP};

static void on_signal(evutil_socket_t number, short what, void *arg)
{
	struct steward_context *ctx = arg;

	(void)number;
	(void)what;
	ctx->stop = true;
	steward_wake(ctx);
}

static void on_pg_state(void *arg, bool up)
{
	struct steward_context *ctx = arg;

	if (!up && ctx->held) {
		ctx->held = false;
		log_warn(log_msg("duty lost with its connection"), log_str("duty", ctx->duty));
		steward_wake(ctx);
	}
}

static void on_rpc_log(void *arg, const char *text)
{
	const struct steward_context *ctx = arg;

	log_warn(log_msg("rpc"), log_str("duty", ctx->duty), log_str("why", text));
}

static int open_chain(struct steward_context *ctx)
{
	const struct eth_rpc_config config = {
		.url = ctx->chain->urls,
		.chain_id = ctx->chain->id,
		.on_log = on_rpc_log,
		.arg = ctx,
	};
	int err = eth_rpc_new(&ctx->rpc, ctx->base, &config);

	if (err != 0)
		log_error(log_msg("the chain's endpoints cannot be used"), log_str("chain", ctx->chain->name), log_rc(err));
	return err;
}

/* "index", "index/CHAIN" */
static enum store_role role_of(const char *duty)
{
	size_t len = strcspn(duty, "/");

	return len == 5 && memcmp(duty, "index", len) == 0 ? STORE_WRITER_OF_MUCH : STORE_WRITER;
}

int steward_open(struct steward_context *ctx, const struct config *config, const char *duty,
		 const struct chains_chain *chain)
{
	char name[64];
	int err = -ENOMEM;

	*ctx = (struct steward_context){.duty = duty, .config = config, .chain = chain};
	ctx->base = event_base_new();
	if (ctx->base == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < STEWARD_SIGNALS; i++) {
		ctx->signals[i] = evsignal_new(ctx->base, SIGNALS[i], on_signal, ctx);
		if (ctx->signals[i] == NULL || event_add(ctx->signals[i], NULL) != 0)
			goto failed;
	}
	(void)snprintf(name, sizeof(name), "kedge steward/%s", duty);
	err = store_open(&ctx->pg, ctx->base, config->database, name, role_of(duty), on_pg_state, ctx);
	if (err == 0 && chain != NULL)
		err = open_chain(ctx);
	if (err == 0)
		return 0;
failed:
	steward_close(ctx);
	return err;
}

void steward_close(struct steward_context *ctx)
{
	eth_rpc_free(ctx->rpc);
	pg_close(ctx->pg);
	for (size_t i = 0; i < STEWARD_SIGNALS; i++)
		if (ctx->signals[i] != NULL)
			event_free(ctx->signals[i]);
	if (ctx->base != NULL)
		event_base_free(ctx->base);
	*ctx = (struct steward_context){0};
}

void steward_wake(struct steward_context *ctx)
{
	ctx->woken = true;
}

bool steward_held(const struct steward_context *ctx)
{
	return ctx->held && !ctx->stop;
}

struct store_fence steward_fence(const struct steward_context *ctx)
{
	return (struct store_fence){.duty = ctx->duty, .epoch = ctx->epoch};
}

void steward_fenced_off(struct steward_context *ctx)
{
	log_warn(log_msg("another holder took the duty over"), log_str("duty", ctx->duty),
		 log_u64("epoch", ctx->epoch));
	ctx->held = false;
	steward_wake(ctx);
}

/* pg_run_until() ends at the flag, whoever sets it: a signal, a notification, a lost lock. */
static int turn(struct steward_context *ctx, unsigned ms)
{
	int err = ctx->woken ? 0 : pg_run_until(ctx->base, &ctx->woken, ms);

	ctx->woken = false;
	return err == -EIO ? err : 0;
}

int steward_pause(struct steward_context *ctx, unsigned ms)
{
	if (ctx->stop || !ctx->held)
		return -ECANCELED;
	if (ctx->rpc)
		rpc_metrics_count(&ctx->rpc_counted, ctx->rpc);
	if (turn(ctx, ms > 0 ? ms : 1) != 0)
		return -ECANCELED;
	return ctx->stop || !ctx->held ? -ECANCELED : 0;
}

static int try_take(struct steward_context *ctx)
{
	struct pg_op op = {0};
	int err = pg_is_up(ctx->pg) ? 0 : pg_wait_up(ctx->base, ctx->pg, UP_MS);

	if (err != 0)
		return err;
	err = pg_wait(ctx->base, &op, store_duty_take(ctx->pg, &op, &ctx->epoch, ctx->duty));
	if (err == 0 && !pg_is_up(ctx->pg))
		err = -EIO;
	ctx->held = err == 0;
	return err;
}

int steward_take(struct steward_context *ctx)
{
	struct steward_trouble trouble = {0};

	while (!ctx->stop) {
		int err = try_take(ctx);

		if (err == 0) {
			steward_recovered(&trouble, ctx);
			log_info(log_msg("duty taken"), log_str("duty", ctx->duty), log_u64("epoch", ctx->epoch));
			return 0;
		}
		/* Another holder is the ordinary state of a second steward. */
		if (err != -EAGAIN || !pg_is_up(ctx->pg))
			(void)steward_failed(&trouble, ctx, "no database", err);
		if (!ctx->stop && turn(ctx, RETRY_MS) != 0)
			return -EIO;
	}
	return -ECANCELED;
}

unsigned steward_failed(struct steward_trouble *trouble, const struct steward_context *ctx, const char *what, int err)
{
	int64_t now = heads_now_ms();
	unsigned pause = FAILED_MS;

	if (trouble->rounds == 0 || trouble->err != err || now - trouble->logged_ms >= FAILED_LOG_MS) {
		log_warn(log_msg(what), log_str("duty", ctx->duty), log_rc(err),
			 log_u64("rounds", trouble->rounds + 1));
		trouble->logged_ms = now;
	}
	trouble->err = err;
	for (unsigned i = 0; i < trouble->rounds && pause < FAILED_MAX_MS; i++)
		pause *= 2;
	trouble->rounds++;
	return pause;
}

void steward_recovered(struct steward_trouble *trouble, const struct steward_context *ctx)
{
	if (trouble->rounds > 0)
		log_info(log_msg("recovered"), log_str("duty", ctx->duty), log_u64("rounds", trouble->rounds));
	*trouble = (struct steward_trouble){0};
}

/* One round and the pause behind it. False: the duty is not this one's any more. */
static bool go_round(struct steward_context *ctx, const struct steward_rounds *rounds, struct steward_trouble *trouble, void *duty)
{
	unsigned pause = rounds->pause_ms;
	bool more = false;
	int rc = rounds->round(duty, &more);

	if (rc == -ESTALE)
		steward_fenced_off(ctx);
	if (rc == -ECANCELED || rc == -ESTALE)
		return false;
	if (rc != 0)
		pause = steward_failed(trouble, ctx, rounds->failure, rc);
	else
		steward_recovered(trouble, ctx);
	return steward_pause(ctx, rc == 0 && more ? 1 : pause) == 0;
}

int steward_rounds(struct steward_context *ctx, const struct steward_rounds *rounds, void *duty)
{
	struct steward_trouble trouble = {0};
	int rc;

	while ((rc = steward_take(ctx)) == 0) {
		if (rounds->taken != NULL)
			rounds->taken(duty);
		while (steward_held(ctx) && go_round(ctx, rounds, &trouble, duty))
			;
	}
	return rc == -ECANCELED ? 0 : rc;
}
