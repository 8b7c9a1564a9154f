/* Who lives here: the duty's rounds. A round takes the claims that are due and asks many together; what came is judged and written one after
 * the other, in plain sequence. */
#include "gateway/steward/links_internal.h"

#include "gateway/runtime/clock.h"
#include "gateway/runtime/log.h"
#include "sql/listen.h"

#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

enum { IDLE_MS = 1000, BUSY_MS = 50, SWEEP_MS = 600000 };

/* ---- one batch ---- */

static void clear_batch(struct links_duty *duty)
{
	for (size_t i = 0; i < duty->nchecks; i++)
		links_check_clear(&duty->checks[i]);
	duty->nchecks = 0;
	duty->active = 0;
	store_links_due_clear(&duty->due);
}

static int take_batch(struct links_duty *duty)
{
	struct pg_op op = {0};
	int rc = pg_wait(duty->ctx->base, &op, store_links_due(duty->reader, &op, &duty->due, clock_wall_ms(), LINKS_BATCH));

	duty->batch_ms = clock_steady_ms();
	for (size_t i = 0; rc == 0 && i < duty->due.n && i < sizeof(duty->checks) / sizeof(duty->checks[0]); i++)
		duty->checks[duty->nchecks++] = (struct links_check){.duty = duty, .due = &duty->due.rows[i]};
	return rc;
}

static int go_on(struct links_check *check)
{
	struct links_duty *duty = check->duty;
	int rc;

	switch (check->state) {
	case LINKS_WAITING:
		if (duty->active == LINKS_PARALLEL || clock_steady_ms() < check->again_ms)
			return 0;
		duty->active++;
		check->state = LINKS_ASKING;
		check->at = clock_wall_ms();
		check->began = clock_steady_ms();
		links_ask(check);
		return 0;
	case LINKS_ASKED:
		rc = links_put(check);
		links_check_clear(check);
		check->state = LINKS_DONE;
		duty->active--;
		return rc;
	case LINKS_ASKING:
	case LINKS_DONE:
		break;
	}
	return 0;
}

static int run_batch(struct links_duty *duty)
{
	size_t done = 0;

	while (done < duty->nchecks) {
		bool ready = false;

		done = 0;
		for (size_t i = 0; i < duty->nchecks; i++) {
			int rc = go_on(&duty->checks[i]);

			if (rc != 0)
				return rc;
			done += duty->checks[i].state == LINKS_DONE;
		}
		for (size_t i = 0; i < duty->nchecks; i++)
			ready = ready || duty->checks[i].state == LINKS_ASKED;
		if (!ready && done < duty->nchecks && steward_pause(duty->ctx, BUSY_MS) != 0)
			return -ECANCELED;
		if (!steward_held(duty->ctx))
			return -ECANCELED;
	}
	return 0;
}

/* ---- rounds ---- */

static int open_fetcher(struct links_duty *duty)
{
	const struct config *config = duty->ctx->config;
	const struct fetcher_config settings = {.allow = config->fetch_allow, .ca = config->fetch_ca, .nameserver = config->fetch_nameserver};
	int rc = fetcher_new(&duty->fetcher, duty->ctx->base, &settings);

	return rc == 0 ? foreign_new(&duty->foreign, duty->fetcher) : rc;
}

/* Whatever is under way is given up first, so that nothing points into the batch any more. */
static void drop_batch(struct links_duty *duty)
{
	fetcher_free(duty->fetcher);
	foreign_free(duty->foreign);
	duty->fetcher = NULL;
	duty->foreign = NULL;
	for (size_t i = 0; i < CHAINS_MAX; i++) {
		eth_rpc_free(duty->nodes[i].rpc);
		duty->nodes[i].rpc = NULL;
	}
	clear_batch(duty);
}

static int sweep(struct links_duty *duty)
{
	const struct store_fence fence = steward_fence(duty->ctx);
	uint64_t now = clock_wall_ms(), steady = clock_steady_ms();
	struct pg_op op = {0};
	int rc;

	bool back = now + 1000 < duty->wall_ms; /* the clock was set */

	duty->wall_ms = now;
	if (duty->swept_ms != 0 && steady - duty->swept_ms < SWEEP_MS && !back)
		return 0;
	rc = pg_wait(duty->ctx->base, &op,
		     store_link_sweep(duty->ctx->pg, &op, &fence, now > LINKS_ASKED_KEEP_MS ? now - LINKS_ASKED_KEEP_MS : 0, now));
	if (rc == 0)
		duty->swept_ms = steady;
	return rc;
}

static int round_of_checks(void *arg, bool *more)
{
	struct links_duty *duty = arg;
	int rc = duty->foreign ? 0 : open_fetcher(duty);

	if (rc == 0)
		rc = sweep(duty);
	if (rc == 0)
		rc = take_batch(duty);
	if (rc == 0)
		rc = run_batch(duty);
	if (rc != 0) {
		drop_batch(duty);
		return rc;
	}
	*more = duty->nchecks > 0;
	clear_batch(duty);
	return 0;
}

static const struct steward_rounds rounds = {.round = round_of_checks, .pause_ms = IDLE_MS, .failure = "asking about links"};

static void on_claims(void *arg, const char *channel, const char *payload)
{
	(void)channel;
	(void)payload;
	steward_wake(arg);
}

static void on_listening(void *arg)
{
	steward_wake(arg);
}

static int open_names(struct links_duty *duty)
{
	const struct config *config = duty->ctx->config;
	struct config_error why;
	uint8_t seed[32];
	int rc = chains_load(&duty->chains, &why, config);

	if (rc != 0) {
		log_error(log_msg("settings"), log_str("why", why.text));
		return rc;
	}
	duty->agents = (struct agent_defaults){.host = config->host, .chain = duty->chains.registries[0].chain_id,
					       .registry = duty->chains.registries[0].address};
	for (size_t i = 0; i < duty->chains.nchains; i++)
		duty->nodes[i].chain = &duty->chains.chains[i];
	if (sodium_init() < 0)
		return -ENOMEM;
	randombytes_buf(seed, sizeof(seed));
	duty->signatures = signature_context_new(seed);
	return duty->signatures ? 0 : -ENOMEM;
}

int steward_links_run(struct steward_context *ctx)
{
	const struct listen_config config = {.conninfo = ctx->config->database, .channels = {"kedge_links", "kedge_links_check"},
					     .on_notify = on_claims, .on_ready = on_listening, .arg = ctx};
	struct links_duty *duty = calloc(1, sizeof(*duty));
	struct listen *listen = NULL;
	int rc;

	if (!duty)
		return -ENOMEM;
	duty->ctx = ctx;
	rc = open_names(duty);
	if (rc == 0)
		rc = store_open(&duty->reader, ctx->base, ctx->config->database, "kedge links reader", STORE_READER, NULL, NULL);
	if (rc == 0)
		rc = listen_open(&listen, ctx->base, &config);
	if (rc == 0)
		rc = steward_rounds(ctx, &rounds, duty);
	listen_close(listen);
	drop_batch(duty);
	pg_close(duty->reader);
	signature_context_free(duty->signatures);
	free(duty);
	return rc;
}
