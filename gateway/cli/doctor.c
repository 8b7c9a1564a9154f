/* kedge doctor: is everything around the gateway as it must be? One line a check, each with what to do. */
#include "gateway/cli/doctor.h"
#include "gateway/cli/assertion.h"
#include "gateway/cli/cli.h"
#include "gateway/steward/files.h"
#include "gateway/cli/text.h"
#include "gateway/keyfile.h"

#include <errno.h>
#include <event2/event.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char usage[] = "usage: kedge doctor [--json]\n\n"
			    "Looks at the settings' file and keys, every chain endpoint (reachable, chain id, heads, clock, proofs, logs, batches,\n"
			    "agreement), the registries and contracts, the relayer's balance, the database and the index. Changes nothing.\n"
			    "Secrets in URLs are not shown.\n\n"
			    "Exit codes: 0 nothing failed, 1 something did, 2 settings, 4 a chain or the database does not answer.";

static const char *const states[] = {"ok", "warn", "fail"};

void cli_doctor_say(struct cli_doctor *doctor, enum cli_doctor_state state, const char *name, const char *next,
		    const char *format, ...)
{
	char said[512], detail[1024];
	va_list args;

	va_start(args, format);
	vsnprintf(said, sizeof(said), format, args);
	va_end(args);
	cli_escape(detail, sizeof(detail), said, strlen(said));
	doctor->count[state]++;
	json_array_append_new(doctor->findings,
			      json_pack("{s:s, s:s, s:s, s:s, s:s*}", "where", doctor->where, "check", name, "state", states[state],
					"detail", detail, "next", next));
	if (doctor->json)
		return;
	printf("%-5s %-28s %-16s %s\n", states[state], doctor->where, name, detail);
	if (next)
		printf("      %-28s %-16s -> %s\n", "", "", next);
	fflush(stdout);
}

static void look_at_chain(struct cli_doctor *doctor, const struct chains_chain *chain)
{
	struct eth_rpc_config config = {.url = chain->urls}; /* any chain id: what it says is a finding */
	struct cli_doctor_node nodes[ETH_RPC_PROVIDERS_MAX] = {0};
	struct eth_rpc *rpc = NULL;
	bool answered = false;
	unsigned n;

	doctor->where = chain->name;
	if (eth_rpc_new(&rpc, doctor->base, &config) != 0) {
		cli_doctor_say(doctor, CLI_DOCTOR_FAIL, "endpoints", "Correct the settings rpc_url and rpc_others.",
			       "the endpoints cannot be used");
		return;
	}
	n = eth_rpc_providers(rpc);
	for (unsigned i = 0; i < n; i++) {
		struct eth_rpc_provider_stats stats;
		char where[96];

		if (eth_rpc_provider_stats(&stats, rpc, i) != 0)
			continue;
		snprintf(where, sizeof(where), "%s %s", chain->name, stats.host);
		doctor->where = where;
		cli_doctor_node(doctor, &nodes[i], rpc, i, chain);
		answered = answered || nodes[i].answers;
		doctor->where = chain->name;
	}
	if (!answered) {
		doctor->unreachable = true;
	} else {
		cli_doctor_agreement(doctor, rpc, nodes, n);
		cli_doctor_contracts(doctor, chain);
	}
	eth_rpc_free(rpc);
}

static void say_key(struct cli_doctor *doctor, const char *role, const char *next)
{
	char path[CLI_KEY_PATH_SIZE];
	int err = cli_check_key(path, &doctor->config, role);

	if (err == 0)
		cli_doctor_say(doctor, CLI_DOCTOR_OK, "key", NULL, "%s", path);
	else
		cli_doctor_say(doctor, CLI_DOCTOR_FAIL, "key", next, "%s: %s", path, keyfile_advice(err));
}

static void say_assertion(struct cli_doctor *doctor)
{
	const char *why = NULL;
	int rc = cli_assertion_check(&why, &doctor->config, false);

	if (rc == 0)
		cli_doctor_say(doctor, CLI_DOCTOR_OK, "assertion key", NULL, "%s/keys/assertion.pub", doctor->config.state);
	else
		cli_doctor_say(doctor, rc == -ENOENT ? CLI_DOCTOR_WARN : CLI_DOCTOR_FAIL, "assertion key",
			       rc == -ENOENT ? "Make it with `kedge keygen assertion`, if the gateway is to sign anything." : NULL, "%s", why);
}

/* The relayer's key is looked at with its balance. */
static void look_at_settings(struct cli_doctor *doctor)
{
	if (*doctor->config.file)
		cli_doctor_say(doctor, CLI_DOCTOR_OK, "file", NULL, "%s", doctor->config.file);
	else
		cli_doctor_say(doctor, CLI_DOCTOR_WARN, "file", "Set KEDGE_STATE to the gateway's folder, or KEDGE_CONFIG to its file.",
			       "there is no %s/kedge.ini: all is as by default, and by KEDGE_ variables", doctor->config.state);
	say_key(doctor, "log", "Make it with `kedge keygen log`: without it nothing starts.");
	say_assertion(doctor);
	if (*doctor->config.anchor_contract)
		say_key(doctor, "anchor", "Make it with `kedge keygen anchor`: its address is the contract's signer.");
}

static int result_of(const struct cli_doctor *doctor)
{
	if (doctor->unreachable)
		return CLI_UNREACHABLE;
	return doctor->count[CLI_DOCTOR_FAIL] > 0 ? CLI_FALSE : CLI_OK;
}

static void print_summary(const struct cli_doctor *doctor)
{
	if (!doctor->json) {
		printf("%u ok, %u to look at, %u failed\n", doctor->count[CLI_DOCTOR_OK], doctor->count[CLI_DOCTOR_WARN],
		       doctor->count[CLI_DOCTOR_FAIL]);
		return;
	}
	json_auto_t *all = json_pack("{s:i, s:i, s:i, s:O}", "ok", (int)doctor->count[CLI_DOCTOR_OK], "warn",
				     (int)doctor->count[CLI_DOCTOR_WARN], "fail", (int)doctor->count[CLI_DOCTOR_FAIL], "checks",
				     doctor->findings);

	json_dumpf(all, stdout, JSON_INDENT(2));
	putchar('\n');
}

int cli_doctor(int argc, char **argv)
{
	struct cli_doctor doctor = {.where = "settings"};
	const struct cli_option options[] = {{.name = "json", .flag = &doctor.json}, {.name = NULL}};
	struct config_error err;
	const char *word[1];
	bool done;
	int rc = cli_parse(&done, word, NULL, argc, argv, options, 0, 0, usage);

	if (rc != CLI_OK || done)
		return rc;
	rc = cli_config(&doctor.config);
	if (rc != CLI_OK)
		return rc;
	if (chains_load(&doctor.chains, &err, &doctor.config) != 0 || steward_files_check(&err, &doctor.config) != 0) {
		cli_error("%s", err.text);
		return CLI_USAGE;
	}
	doctor.base = event_base_new();
	doctor.findings = json_array();
	if (sodium_init() < 0 || !doctor.base || !doctor.findings)
		return CLI_FALSE;
	look_at_settings(&doctor);
	for (size_t i = 0; i < doctor.chains.nchains; i++)
		look_at_chain(&doctor, &doctor.chains.chains[i]);
	cli_doctor_store(&doctor);
	print_summary(&doctor);
	json_decref(doctor.findings);
	event_base_free(doctor.base);
	return result_of(&doctor);
}
