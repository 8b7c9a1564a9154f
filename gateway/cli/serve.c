/* kedge serve: checks that it can start at all, then hands over to the supervisor. */
#include "gateway/cli/assertion.h"
#include "gateway/cli/cli.h"
#include "gateway/http/server.h"
#include "gateway/identity/layout.h"
#include "gateway/keyfile.h"
#include "gateway/runtime/log.h"
#include "gateway/runtime/metrics.h"
#include "gateway/steward/anchor.h"
#include "gateway/steward/files.h"
#include "gateway/steward/follow.h"
#include "gateway/steward/index.h"
#include "gateway/steward/notary.h"
#include "gateway/steward/links.h"
#include "gateway/steward/participants.h"
#include "gateway/steward/publish.h"
#include "gateway/steward/sign.h"
#include "gateway/supervisor.h"
#include "gateway/worker.h"
#include "sql/migrate.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char usage[] = "usage: kedge serve\n\n"
			    "Runs the gateway until SIGTERM, SIGINT or SIGHUP: workers, signer and stewards under one supervisor.\n"
			    "Settings come from the file KEDGE_CONFIG (else STATE/kedge.ini), and KEDGE_NAME variables over it:\n";

enum { WORKERS_MAX = 64, DUTIES_MAX = 7 + 2 * CHAINS_MAX };

struct duty_plan {
	const struct config *config;
	struct metrics *metrics;
	char name[32];
	const struct chains_chain *chain; /* NULL: none */
	int (*run)(struct steward_context *ctx);
	unsigned slot;
};

/* Everything the children are made of: it lives as long as they do. */
struct plans {
	struct chains chains;
	struct duty_plan duties[DUTIES_MAX];
	size_t nduties;
	struct worker_plan workers[WORKERS_MAX];
	char worker_names[WORKERS_MAX][24];
	struct supervisor_child children[WORKERS_MAX + DUTIES_MAX];
};

static int duty_run(void *arg)
{
	const struct duty_plan *plan = arg;
	struct steward_context ctx;
	int rc;

	signal(SIGPIPE, SIG_IGN);
	rc = metrics_attach(plan->metrics, plan->slot);
	if (rc == 0)
		rc = steward_open(&ctx, plan->config, plan->name, plan->chain);
	if (rc == 0) {
		rc = plan->run(&ctx);
		steward_close(&ctx);
	}
	if (rc != 0)
		log_error(log_msg("duty ended"), log_rc(rc));
	return rc == 0 ? 0 : 1;
}

static void print_setting(void *arg, const char *name, const char *fallback, const char *meaning)
{
	(void)arg;
	printf("  %-22s %s%s%s%s\n", name, meaning, *fallback ? " [" : "", fallback, *fallback ? "]" : "");
}

static int check_database(const struct config *config)
{
	char why[256];
	int rc = migrate_check(why, sizeof(why), config->database);

	if (rc == 0)
		return CLI_OK;
	cli_error("%s; %s", why,
		  rc == -EIO ? "is PostgreSQL running, and is `database` right? `kedge db migrate --create` makes a new one"
			     : "run `kedge db migrate`");
	return rc == -EIO ? CLI_UNREACHABLE : CLI_FALSE;
}

/* Workers share their port, and would share it with another gateway too: requests would go to either of two logs. */
static int check_port(const char *setting, const char *value)
{
	int fd, rc = worker_listen(&fd, value, false);

	if (rc == 0)
		close(fd);
	else if (rc == -EADDRINUSE)
		cli_error("setting %s: %s is taken by another process", setting, value);
	else if (rc == -EINVAL)
		cli_error("setting %s: '%s' is not ADDRESS:PORT, such as 127.0.0.1:8004 or [::1]:8004", setting, value);
	else
		cli_error("setting %s: %s: %s", setting, value, strerror(-rc));
	return rc == 0 ? CLI_OK : rc == -EINVAL ? CLI_USAGE : CLI_FALSE;
}

static int check_ports(const struct config *config)
{
	int rc = check_port("listen", config->listen);

	return rc == CLI_OK && *config->metrics_listen ? check_port("metrics_listen", config->metrics_listen) : rc;
}

/* Those of the duty that anchors; the log's was read already. */
static int check_keys(const struct config *config)
{
	char path[CLI_KEY_PATH_SIZE];
	int rc = *config->anchor_contract ? cli_check_key(path, config, "anchor") : 0;

	if (rc == 0 && *config->anchor_contract)
		rc = cli_check_key(path, config, "relayer");
	if (rc != 0)
		cli_error("%s: %s", path, keyfile_advice(rc));
	return rc == 0 ? CLI_OK : CLI_FALSE;
}

/* What the domain document lists; workers read it, and signing is not theirs. */
static int check_assertion(const struct config *config)
{
	const char *why = "";
	int rc = cli_assertion_check(&why, config, true);

	if (rc == -ENOENT)
		log_warn(log_msg("no assertion key: make one with `kedge keygen assertion`"));
	else if (rc != 0)
		cli_error("the assertion key: %s", why);
	return rc == 0 || rc == -ENOENT ? CLI_OK : CLI_FALSE;
}

static int open_socket(int *fd, const struct config *config)
{
	char path[CONFIG_TEXT_MAX + 32];
	int rc;

	snprintf(path, sizeof(path), "%s/run", config->state);
	if (mkdir(path, 0700) != 0 && errno != EEXIST) {
		cli_error("%s: %s", path, strerror(errno));
		return CLI_FALSE;
	}
	snprintf(path, sizeof(path), "%s/run/kedge.sock", config->state);
	rc = http_listen_unix(fd, path);
	if (rc == -EADDRINUSE)
		cli_error("%s: another gateway is running on this state folder", path);
	else if (rc != 0)
		cli_error("%s: %s", path, strerror(-rc));
	return rc == 0 ? CLI_OK : CLI_FALSE;
}

static unsigned worker_count(const struct config *config)
{
	long cores = sysconf(_SC_NPROCESSORS_ONLN);
	uint64_t wanted = config->workers ? config->workers : cores > 0 ? (uint64_t)cores : 1;

	return wanted < WORKERS_MAX ? (unsigned)wanted : WORKERS_MAX;
}

static void add_duty(struct plans *plans, const char *name, const struct chains_chain *chain,
		     int (*run)(struct steward_context *ctx))
{
	struct duty_plan *duty = &plans->duties[plans->nduties++];

	*duty = (struct duty_plan){.chain = chain, .run = run};
	/* the default chain's duties have the plain name */
	if (chain && chain != &plans->chains.chains[0])
		snprintf(duty->name, sizeof(duty->name), "%s/%ju", name, (uintmax_t)chain->id);
	else
		snprintf(duty->name, sizeof(duty->name), "%s", name);
}

static void plan_duties(struct plans *plans, const struct config *config)
{
	add_duty(plans, "sign", NULL, steward_sign_run);
	add_duty(plans, "publish", NULL, steward_publish_run);
	add_duty(plans, "notary", NULL, steward_notary_run);
	add_duty(plans, "files", NULL, steward_files_run);
	add_duty(plans, "participants", NULL, steward_participants_run);
	add_duty(plans, "links", NULL, steward_links_run);
	for (size_t i = 0; i < plans->chains.nchains; i++)
		add_duty(plans, "follow", &plans->chains.chains[i], steward_follow_run);
	for (size_t i = 0; i < plans->chains.nchains; i++)
		add_duty(plans, "index", &plans->chains.chains[i], steward_index_run);
	if (*config->anchor_contract)
		add_duty(plans, "anchor", &plans->chains.chains[0], steward_anchor_run);
}

static int supervise(struct plans *plans, const struct config *config, int local_fd, const char *vkey)
{
	struct metrics *metrics;
	unsigned count = worker_count(config), slots;
	size_t n = 0;
	int rc;

	plan_duties(plans, config);
	slots = count + (unsigned)plans->nduties;
	rc = metrics_new(&metrics, slots + 1);
	if (rc != 0) {
		cli_error("out of memory");
		return CLI_FALSE;
	}
	for (size_t i = 0; i < plans->nduties; i++) {
		struct duty_plan *duty = &plans->duties[i];

		duty->config = config;
		duty->metrics = metrics;
		duty->slot = count + (unsigned)i;
		plans->children[n++] = (struct supervisor_child){.name = duty->name, .run = duty_run, .arg = duty};
	}
	for (unsigned i = 0; i < count; i++) {
		plans->workers[i] = (struct worker_plan){.config = config, .metrics = metrics, .number = i, .vkey = vkey,
							 .local_fd = local_fd};
		snprintf(plans->worker_names[i], sizeof(plans->worker_names[i]), "worker/%u", i);
		plans->children[n++] = (struct supervisor_child){.name = plans->worker_names[i], .run = worker_run,
								 .arg = &plans->workers[i]};
	}
	if (metrics_attach(metrics, slots) != 0)
		return CLI_FALSE;
	rc = supervisor_run(plans->children, n);
	metrics_free(metrics);
	return rc == 0 ? CLI_OK : CLI_FALSE;
}

/* What a child would else find out, again and again. */
static int load_settings(struct chains *chains, const struct config *config)
{
	struct eth_hash codes[LAYOUT_CODES_MAX];
	const char *anchor = config->anchor_contract;
	struct eth_address address;
	struct config_error why;
	size_t n;

	if (chains_load(chains, &why, config) != 0 || steward_files_check(&why, config) != 0)
		cli_error("%s", why.text);
	else if (layout_codes_parse(codes, &n, config->registry_code) != 0)
		cli_error("registry_code: not at most %d hashes of 0x and 64 hex digits, spaces between", LAYOUT_CODES_MAX);
	else if (*anchor && address_parse(&address, anchor, strlen(anchor)) != 0)
		cli_error("anchor_contract: '%s' is not an address of 0x and 40 hex digits", anchor);
	else
		return CLI_OK;
	return CLI_USAGE;
}

int cli_serve(int argc, char **argv)
{
	static struct config config; /* the children's too */
	static struct plans plans;
	const struct cli_option options[] = {{.name = NULL}};
	char path[CONFIG_TEXT_MAX + 32], vkey[NOTE_KEY_TEXT_MAX];
	bool done;
	int fd, rc = cli_parse(&done, NULL, NULL, argc, argv, options, 0, 0, usage);

	if (done)
		config_describe(print_setting, NULL);
	if (rc != CLI_OK || done)
		return rc;
	log_init("supervisor", LOG_LEVEL_INFO);
	rc = cli_config(&config);
	if (rc == CLI_OK)
		rc = load_settings(&plans.chains, &config);
	if (rc == CLI_OK)
		rc = check_database(&config);
	if (rc == CLI_OK)
		rc = cli_own_vkey(vkey, &config);
	if (rc == CLI_OK)
		rc = check_keys(&config);
	if (rc == CLI_OK)
		rc = check_assertion(&config);
	if (rc == CLI_OK)
		rc = check_ports(&config);
	if (rc == CLI_OK)
		rc = open_socket(&fd, &config);
	if (rc != CLI_OK)
		return rc;
	rc = supervise(&plans, &config, fd, vkey);
	close(fd);
	snprintf(path, sizeof(path), "%s/run/kedge.sock", config.state);
	unlink(path);
	return rc;
}
