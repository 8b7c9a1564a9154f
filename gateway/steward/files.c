/* Who lives here: the duty's rounds. A round takes the agents that are due and looks at many of them together; what
 * arrives is worked off one after the other, in plain sequence. */
#include "gateway/steward/files_internal.h"

#include "gateway/runtime/clock.h"
#include "gateway/runtime/log.h"
#include "sql/listen.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { IDLE_MS = 5000, BUSY_MS = 50 };

/* ---- one batch ---- */

static void clear_batch(struct files_duty *duty)
{
	for (size_t i = 0; i < duty->nlooks; i++)
		files_look_clear(&duty->looks[i]);
	duty->nlooks = 0;
	duty->active = 0;
	store_files_due_clear(&duty->due);
	memset(&duty->due, 0, sizeof(duty->due));
}

static int take_batch(struct files_duty *duty)
{
	struct pg_op op = {0};
	int rc = pg_wait(duty->ctx->base, &op, store_file_due(duty->reader, &op, &duty->due, clock_wall_ms(), FILES_BATCH));

	for (size_t i = 0; rc == 0 && i < duty->due.n; i++) {
		struct files_look *look = &duty->looks[duty->nlooks++];
		const struct store_file_due *due = &duty->due.rows[i];

		memset(look, 0, sizeof(*look));
		look->duty = duty;
		look->due = due;
		look->key.chain = due->chain_id;
		memcpy(look->key.registry.bytes, due->address, sizeof(due->address));
		u256_from_bytes(&look->key.id, due->agent_id);
	}
	return rc;
}

static int go_on(struct files_look *look)
{
	struct files_duty *duty = look->duty;
	int rc = 0;

	switch (look->state) {
	case FILES_WAITING:
		if (duty->active >= FILES_PARALLEL || clock_wall_ms() < look->again_ms)
			return 0;
		files_look_begin(look);
		if (look->state != FILES_WAITING)
			duty->active++;
		return 0;
	case FILES_FETCHED:
		return files_look_read(look);
	case FILES_ASKED:
		rc = files_look_put(look);
		files_look_clear(look);
		look->state = FILES_DONE;
		duty->active--;
		return rc;
	case FILES_FETCHING:
	case FILES_ASKING:
	case FILES_DONE:
		break;
	}
	return 0;
}

static bool is_ready(const struct files_look *look)
{
	return look->state == FILES_FETCHED || look->state == FILES_ASKED;
}

static int run_batch(struct files_duty *duty)
{
	size_t done = 0;

	while (done < duty->nlooks) {
		bool ready = false;

		done = 0;
		for (size_t i = 0; i < duty->nlooks; i++) {
			int rc = go_on(&duty->looks[i]);

			if (rc != 0)
				return rc;
			ready = ready || is_ready(&duty->looks[i]);
			done += duty->looks[i].state == FILES_DONE;
		}
		if (!ready && done < duty->nlooks && steward_pause(duty->ctx, BUSY_MS) != 0)
			return -ECANCELED;
	}
	return 0;
}

/* ---- rounds ---- */

static int open_fetcher(struct files_duty *duty)
{
	const struct config *config = duty->ctx->config;
	const struct fetcher_config settings = {.allow = config->fetch_allow, .ca = config->fetch_ca, .nameserver = config->fetch_nameserver};

	return fetcher_new(&duty->fetcher, duty->ctx->base, &settings);
}

/* Whatever is under way is given up first, so that nothing points into the batch any more. */
static void drop_batch(struct files_duty *duty)
{
	fetcher_free(duty->fetcher);
	duty->fetcher = NULL;
	clear_batch(duty);
}

static int round_of_looks(void *arg, bool *more)
{
	struct files_duty *duty = arg;
	int rc = duty->fetcher != NULL ? 0 : open_fetcher(duty);

	if (rc == 0)
		rc = take_batch(duty);
	if (rc == 0)
		rc = run_batch(duty);
	if (rc != 0) {
		drop_batch(duty);
		return rc;
	}
	*more = duty->nlooks == FILES_BATCH;
	clear_batch(duty);
	return 0;
}

static const struct steward_rounds rounds = {.round = round_of_looks, .pause_ms = IDLE_MS, .failure = "looking at files"};

static void on_index(void *arg, const char *channel, const char *payload)
{
	(void)channel;
	(void)payload;
	steward_wake(arg);
}

int steward_files_check(struct config_error *err, const struct config *config)
{
	const struct fetcher_config settings = {.allow = config->fetch_allow, .ca = config->fetch_ca, .nameserver = config->fetch_nameserver};
	struct event_base *base = event_base_new();
	struct fetch_gateways gateways;
	struct fetcher *fetcher = NULL;
	int rc = base != NULL ? 0 : -ENOMEM;

	if (rc == 0 && (rc = fetch_gateways_parse(&gateways, config->ipfs_gateways)) != 0)
		(void)snprintf(err->text, sizeof(err->text), "ipfs_gateways: not at most %d https:// or http:// URLs without a query",
			       FETCH_GATEWAYS_MAX);
	else if (rc == 0 && (rc = fetcher_new(&fetcher, base, &settings)) != 0)
		(void)snprintf(err->text, sizeof(err->text), "fetch_allow, fetch_nameserver: not items HOST:PORT=ADDRESS, or no ADDRESS[:PORT]");
	else if (rc != 0)
		(void)snprintf(err->text, sizeof(err->text), "out of memory");
	fetcher_free(fetcher);
	if (base != NULL)
		event_base_free(base);
	return rc;
}

int steward_files_run(struct steward_context *ctx)
{
	const struct listen_config config = {.conninfo = ctx->config->database, .channels = {"kedge_index"}, .on_notify = on_index,
					     .arg = ctx};
	struct files_duty *duty = calloc(1, sizeof(*duty));
	struct listen *listen = NULL;
	struct config_error why;
	int rc = -ENOMEM;

	if (duty == NULL)
		return rc;
	duty->ctx = ctx;
	rc = chains_load(&duty->chains, &why, ctx->config);
	if (rc != 0)
		log_error(log_msg("settings"), log_str("why", why.text));
	duty->agents = (struct agent_defaults){.host = ctx->config->host, .chain = duty->chains.registries[0].chain_id,
					       .registry = duty->chains.registries[0].address};
	if (rc == 0 && (rc = fetch_gateways_parse(&duty->gateways, ctx->config->ipfs_gateways)) != 0)
		log_error(log_msg("ipfs_gateways: not URLs"));
	if (rc == 0 && (rc = open_fetcher(duty)) != 0)
		log_error(log_msg("fetch_allow cannot be read"), log_str("fetch_allow", ctx->config->fetch_allow));
	if (rc == 0)
		rc = store_open(&duty->reader, ctx->base, ctx->config->database, "kedge files reader", STORE_READER, NULL, NULL);
	if (rc == 0)
		rc = listen_open(&listen, ctx->base, &config);
	if (rc == 0)
		rc = steward_rounds(ctx, &rounds, duty);
	listen_close(listen);
	drop_batch(duty);
	pg_close(duty->reader);
	free(duty);
	return rc;
}
