/* DID documents of agents, with didDocumentMetadata: facts/did.md sections 1.4 and 6, W3C DID Resolution. */
#include "did/agent_document.h"
#include "did/registration_file.h"
#include "did/resolution.h"
#include "eth/hex.h"
#include "gateway/routes/view.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { VIEW_LINKS_MAX = 128 }; /* more than AGENT_DOCUMENT_LINKS_MAX has room for */

static bool is_ok(const struct store_file *file)
{
	return file && file->status.len == 2 && memcmp(file->status.data, "ok", 2) == 0;
}

/* The services of the file; NULL: none, for whatever reason. A new reference. */
static json_t *services_of(const struct service *service, const struct agent_key *key, const struct store_file *file)
{
	struct registration_file parsed;
	char did[AGENT_DID_SIZE];
	json_t *services = NULL;

	if (!is_ok(file) || !file->body.data || agent_did_format(did, key, &service->defaults) < 0 ||
	    registration_file_parse(&parsed, NULL, file->body.data, file->body.len) != 0)
		return NULL;
	if (registration_file_did_services(&services, &parsed, did) != 0)
		services = NULL;
	registration_file_clear(&parsed);
	return services;
}

static struct agent_authority authority_of(const struct reading_state *state)
{
	return (struct agent_authority){.owner = state->owner, .wallet = state->wallet};
}

/* Ids of the services from there on, a new reference; NULL: none. */
static json_t *ids_from(const json_t *services, size_t first)
{
	json_t *ids = first < json_array_size(services) ? json_array() : NULL;

	for (size_t i = first; ids && i < json_array_size(services); i++)
		(void)json_array_append(ids, json_object_get(json_array_get(services, i), "id"));
	return ids;
}

int view_now_document(struct jcs_buffer *out, json_t **dropped, const struct service *service, const struct agent_key *key,
		      const struct reading_now *now)
{
	const char *also[VIEW_LINKS_MAX];
	struct agent_document agent = {.key = *key, .safe = authority_of(&now->safe), .latest = authority_of(&now->latest), .also = also,
				       .nalso = now->links ? link_list_published(also, VIEW_LINKS_MAX, now->links) : 0,
				       .wallet_authenticates = service->config->wallet_authentication,
				       .services = services_of(service, key, now->file)};
	size_t kept = 0;
	int rc = agent_document_write(out, &kept, &agent, &service->defaults);

	if (dropped)
		*dropped = rc == 0 ? ids_from(agent.services, kept) : NULL;
	json_decref(agent.services);
	return rc;
}

int view_at_document(struct jcs_buffer *out, const struct service *service, const struct agent_key *key, const struct reading_at *at)
{
	struct agent_document agent = {.key = *key, .safe = authority_of(&at->state), .latest = authority_of(&at->state),
				       .wallet_authenticates = service->config->wallet_authentication};

	return agent_document_write(out, NULL, &agent, &service->defaults);
}

static void put_time(struct jcs_put *put, const char *name, const struct store_mark *mark)
{
	char text[21];

	if (mark->time > INT64_MAX || resolution_time_format(text, (int64_t)mark->time) != 0)
		put->err = -EINVAL;
	else
		jcs_put_plain(put, name, text, sizeof(text) - 1);
}

/* "versionId: the block of the last change"; updated only if it was, the next version only if there is one. */
static void put_version(struct jcs_put *put, const struct store_resolved *row)
{
	jcs_put_decimal(put, "versionId", row->state.number);
	put_time(put, "created", &row->created);
	if (row->created.number != row->state.number)
		put_time(put, "updated", &row->held.from);
	if (row->held.until.known) {
		jcs_put_decimal(put, "nextVersionId", row->held.until.number);
		put_time(put, "nextUpdate", &row->held.until);
	}
}

static void put_span(struct jcs_put *put, const char *name, const struct reading_scope *scope, const struct store_span *span)
{
	jcs_put_open(put, name, '{');
	view_put_block(put, "validFrom", scope, &span->from);
	view_put_block(put, "validUntil", scope, &span->until);
	jcs_put_close(put, '}');
}

/* Since when each key of the document has held, and until when. */
static void put_keys(struct jcs_put *put, const struct reading_scope *scope, const struct store_resolved *row, bool owner, bool wallet)
{
	jcs_put_open(put, "keys", '{');
	if (owner)
		put_span(put, "#owner", scope, &row->owner);
	if (wallet)
		put_span(put, "#agent-wallet", scope, &row->wallet);
	jcs_put_close(put, '}');
}

/* Where the services come from, and what is known against it (docs/formats.md section 12). */
static void put_file(struct jcs_put *put, const struct store_file *file)
{
	char hash[HEX_DATA_SIZE(32)], seen[21];

	jcs_put_open(put, "registrationFile", '{');
	jcs_put_string(put, "status", (const char *)file->status.data, file->status.len);
	jcs_put_literal(put, "namesAgent", file->back ? "true" : "false");
	if (file->has_content) {
		hex_encode_data(hash, file->content, 32);
		jcs_put_text(put, "sha256", hash);
	}
	if (resolution_time_format(seen, (int64_t)(file->seen / 1000)) == 0)
		jcs_put_text(put, "seen", seen);
	jcs_put_close(put, '}');
}

static void put_dropped(struct jcs_put *put, const json_t *dropped)
{
	const json_t *id;
	size_t i;

	jcs_put_open(put, "servicesLeftOut", '[');
	json_array_foreach(dropped, i, id) {
		jcs_put_string(put, NULL, json_string_value(id), json_string_length(id));
	}
	jcs_put_close(put, ']');
}

/* What is claimed and not published. */
static void put_claims(struct jcs_put *put, const struct link_list *links)
{
	json_auto_t *claims = link_list_claims(links);
	char *text = claims ? json_dumps(claims, JSON_COMPACT) : NULL;

	if (!text)
		put->err = -ENOMEM;
	else if (json_array_size(claims) > 0)
		jcs_put_json(put, "claims", text, strlen(text));
	free(text);
}

/* Closes what is open; out is as before if something failed. */
static int end(struct jcs_put *put, size_t start)
{
	jcs_put_close(put, '}');
	jcs_put_close(put, '}');
	if (put->err != 0)
		put->out->len = start;
	return put->err;
}

int view_now_metadata(struct jcs_buffer *out, const struct reading_now *now, const json_t *dropped)
{
	enum store_tier tier = now->safe.exists && now->safe.tier < now->latest.tier ? now->safe.tier : now->latest.tier;
	struct jcs_put put = {.out = out};
	size_t start = out->len;

	jcs_put_open(&put, NULL, '{');
	if (now->row)
		put_version(&put, now->row);
	jcs_put_open(&put, "gateway", '{');
	jcs_put_text(&put, "index", now->indexed ? "current" : "syncing");
	view_put_block(&put, "latest", &now->scope, &now->latest_block);
	view_put_block(&put, "safe", &now->scope, &now->safe_block);
	jcs_put_text(&put, "tier", view_tier(tier));
	if (now->row)
		put_keys(&put, &now->scope, now->row, address_equal(&now->safe.owner, &now->latest.owner),
			 address_equal(&now->safe.wallet, &now->latest.wallet) && !address_is_zero(&now->latest.wallet));
	if (now->file)
		put_file(&put, now->file);
	if (dropped)
		put_dropped(&put, dropped);
	if (now->links)
		put_claims(&put, now->links);
	return end(&put, start);
}

int view_at_metadata(struct jcs_buffer *out, const struct reading_at *at)
{
	struct jcs_put put = {.out = out};
	size_t start = out->len;

	jcs_put_open(&put, NULL, '{');
	if (at->row)
		put_version(&put, at->row);
	else
		jcs_put_decimal(&put, "versionId", at->number);
	jcs_put_open(&put, "gateway", '{');
	jcs_put_text(&put, "finality", at->finality);
	jcs_put_text(&put, "index", at->indexed ? "current" : "syncing");
	jcs_put_text(&put, "tier", view_tier(at->state.tier));
	if (at->has_number && at->block.known)
		view_put_block(&put, "block", &at->scope, &at->block);
	else if (at->has_number)
		view_put_block_number(&put, "block", &at->scope, at->number);
	if (at->row) {
		put_keys(&put, &at->scope, at->row, true, !address_is_zero(&at->state.wallet));
		view_put_block(&put, "validFrom", &at->scope, &at->row->held.from);
		view_put_block(&put, "validUntil", &at->scope, &at->row->held.until);
	}
	return end(&put, start);
}

int64_t view_at_modified(const struct reading_at *at)
{
	return at->row && at->row->held.from.time <= INT64_MAX ? (int64_t)at->row->held.from.time : 0;
}

void view_heads(struct eth_hash *safe, struct eth_hash *latest, const struct reading_now *now)
{
	memcpy(safe->bytes, now->safe_block.hash, sizeof(safe->bytes));
	memcpy(latest->bytes, now->latest_block.hash, sizeof(latest->bytes));
}

static bool has_ended(const struct reading_at *at, const struct store_span *span)
{
	return span->until.known && span->until.number <= at->scope.final;
}

bool view_at_is_settled(const struct reading_at *at)
{
	return reading_is_settled(at) && has_ended(at, &at->row->owner) &&
	       (address_is_zero(&at->state.wallet) || has_ended(at, &at->row->wallet));
}
