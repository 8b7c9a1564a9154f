/* A look: the content, what it says, and whether the domains it names say so too. */
#include "gateway/steward/files_internal.h"

#include "gateway/runtime/clock.h"

#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

static const char DOMAIN_PATH[] = "/.well-known/agent-registration.json";

/* ---- content ---- */

static void on_content(struct fetch_content *content)
{
	struct files_look *look = content->arg;

	look->state = FILES_FETCHED;
	steward_wake(look->duty->ctx);
}

void files_look_begin(struct files_look *look)
{
	struct files_duty *duty = look->duty;

	if (files_look_own(look))
		return;
	look->content = (struct fetch_content){.on_done = on_content, .arg = look};
	look->state = FILES_FETCHING;
	if (fetch_content_get(&look->content, duty->fetcher, &duty->gateways, (const char *)look->due->uri.data,
			      look->due->uri.len) == 0)
		return;
	look->state = FILES_WAITING;
	look->again_ms = clock_wall_ms() + FILES_AGAIN_MS;
}

static void parse(struct files_look *look)
{
	const struct fetch_content *content = &look->content;
	struct registration_error err;

	look->status = content->status;
	(void)snprintf(look->detail, sizeof(look->detail), "%s", content->detail);
	if (strcmp(content->status, "ok") != 0)
		return;
	crypto_hash_sha256(look->hash, content->body, content->len);
	look->has_hash = true;
	look->parsed = registration_file_parse(&look->file, &err, content->body, content->len) == 0;
	if (look->parsed) {
		look->back = registration_file_names(&look->file, &look->key);
		return;
	}
	look->status = registration_refusal_word(err.refusal);
	if (err.refusal == REGISTRATION_NOT_JSON || err.refusal == REGISTRATION_TOO_DEEP)
		(void)snprintf(look->detail, sizeof(look->detail), "At byte %zu: %s", err.json.offset, jcs_reason(err.json.code));
}

/* ---- domains ---- */

static void domain_done(struct files_look *look)
{
	if (--look->pending > 0)
		return;
	look->state = FILES_ASKED;
	steward_wake(look->duty->ctx);
}

static void on_domain(void *arg, const struct fetch_answer *answer)
{
	struct files_domain *domain = arg;
	struct files_look *look = domain->look;
	int rc;

	domain->state = "failed";
	if (answer->end == FETCH_OK) {
		rc = registration_domain_names(answer->body, answer->len, &look->key);
		domain->state = rc == 0 ? "proved" : rc == -ENOENT ? "other" : "malformed";
	} else if (answer->end == FETCH_HTTP && (answer->status == 404 || answer->status == 410)) {
		domain->state = "missing";
	}
	domain->at = clock_wall_ms();
	if (answer->end == FETCH_CANCELED)
		domain->state = NULL;
	domain_done(look);
}

static void ask(struct files_look *look, struct files_domain *domain)
{
	const struct fetch_request request = {
		.host = domain->name,
		.path = DOMAIN_PATH,
		.accept = "application/json",
		.cap = REGISTRATION_FILE_MAX,
		.redirects = true,
	};

	if (fetch_get(look->duty->fetcher, &request, on_domain, domain) == 0)
		look->pending++;
}

/* A domain is known when it was asked lately, whatever it said. */
static bool is_known(struct files_domain *domain, const struct store_domains *stored)
{
	static const char *const states[] = {"proved", "other", "malformed", "failed", "missing", "served"};
	uint64_t now = clock_wall_ms(), keep_s;

	for (size_t i = 0; i < stored->n; i++) {
		const struct store_domain *row = &stored->rows[i];

		if (row->domain.len != strlen(domain->name) || memcmp(row->domain.data, domain->name, row->domain.len) != 0)
			continue;
		for (size_t k = 0; k < sizeof(states) / sizeof(states[0]); k++)
			if (row->state.len == strlen(states[k]) && memcmp(row->state.data, states[k], row->state.len) == 0)
				domain->state = states[k];
		domain->at = row->at;
		if (domain->state == NULL || strcmp(domain->state, "served") == 0)
			return false;
		keep_s = strcmp(domain->state, "failed") == 0 ? FILES_DOMAIN_RETRY_S : FILES_DOMAIN_REFRESH_S;
		return now < row->at + keep_s * 1000;
	}
	return false;
}

static void ask_domains(struct files_look *look, const struct store_domains *stored)
{
	char names[FILES_DOMAINS][DID_WEB_HOST_SIZE];

	look->ndomains = registration_file_domains(names, FILES_DOMAINS, &look->file);
	/* one for this function, so that no answer can end the asking before it is over */
	look->pending = 1;
	for (size_t i = 0; i < look->ndomains; i++) {
		struct files_domain *domain = &look->domains[i];
		const char *own = files_own_domain(look, names[i]);

		domain->look = look;
		memcpy(domain->name, names[i], sizeof(names[i]));
		/* ERC-8004: not needed where the file itself is served from that domain. But the file must name this agent: an URI
		 * may point to anybody's file. */
		if (own != NULL || (look->back && strcmp(domain->name, look->content.host) == 0)) {
			domain->state = own != NULL ? own : "served";
			domain->at = clock_wall_ms();
		} else if (!is_known(domain, stored)) {
			ask(look, domain);
		}
	}
	domain_done(look);
}

int files_look_read(struct files_look *look)
{
	struct files_duty *duty = look->duty;
	struct store_domains stored = {0};
	struct pg_op op = {0};
	int rc = 0;

	parse(look);
	look->state = FILES_ASKED;
	if (!look->parsed || look->file.nservices == 0)
		return 0;
	rc = pg_wait(duty->ctx->base, &op,
		     store_domains(duty->reader, &op, &stored, look->due->registry, look->due->agent_id));
	if (rc == 0) {
		look->state = FILES_ASKING;
		ask_domains(look, &stored);
	}
	store_domains_clear(&stored);
	return rc;
}

void files_look_clear(struct files_look *look)
{
	fetch_content_clear(&look->content);
	registration_file_clear(&look->file);
	look->parsed = false;
}
