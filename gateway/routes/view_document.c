/* DID documents of agents, with didDocumentMetadata: facts/did.md sections 1.4 and 6, W3C DID Resolution. */
#include "did/agent_document.h"
#include "did/registration_file.h"
#include "did/resolution.h"
#include "eth/hex.h"
#include "gateway/routes/view.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

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

int view_now_document(json_t **document, json_t **dropped, const struct service *service, const struct agent_key *key,
		      const struct reading_now *now)
{
	struct agent_document agent = {.key = *key, .safe = authority_of(&now->safe), .latest = authority_of(&now->latest),
				       .wallet_authenticates = service->config->wallet_authentication,
				       .services = services_of(service, key, now->file)};
	int rc = agent_document_build(document, dropped, &agent, &service->defaults);

	json_decref(agent.services);
	return rc;
}

int view_at_document(json_t **document, const struct service *service, const struct agent_key *key, const struct reading_at *at)
{
	struct agent_document agent = {.key = *key, .safe = authority_of(&at->state), .latest = authority_of(&at->state),
				       .wallet_authenticates = service->config->wallet_authentication};

	return agent_document_build(document, NULL, &agent, &service->defaults);
}

static int put_time(json_t *object, const char *name, const struct store_mark *mark)
{
	char text[21];

	if (mark->time > INT64_MAX || resolution_time_format(text, (int64_t)mark->time) != 0)
		return -EINVAL;
	return json_object_set_new(object, name, json_string(text));
}

/* "versionId: the block of the last change"; updated only if it was, the next version only if there is one. */
static int put_version(json_t *metadata, const struct store_resolved *row)
{
	int rc = json_object_set_new(metadata, "versionId", view_number(row->state.number));

	rc |= put_time(metadata, "created", &row->created);
	if (row->created.number != row->state.number)
		rc |= put_time(metadata, "updated", &row->held.from);
	if (row->held.until.known) {
		rc |= json_object_set_new(metadata, "nextVersionId", view_number(row->held.until.number));
		rc |= put_time(metadata, "nextUpdate", &row->held.until);
	}
	return rc;
}

static json_t *span_json(const struct reading_scope *scope, const struct store_span *span)
{
	return json_pack("{s:o, s:o}", "validFrom", view_block(scope, &span->from), "validUntil", view_block(scope, &span->until));
}

/* Since when each key of the document has held, and until when. */
static int put_keys(json_t *gateway, const struct reading_scope *scope, const struct store_resolved *row, bool owner, bool wallet)
{
	json_t *keys = json_object();
	int rc = 0;

	if (owner)
		rc |= json_object_set_new(keys, "#owner", span_json(scope, &row->owner));
	if (wallet)
		rc |= json_object_set_new(keys, "#agent-wallet", span_json(scope, &row->wallet));
	return rc | json_object_set_new(gateway, "keys", keys);
}

/* Takes gateway. */
static json_t *with_gateway(json_t *metadata, json_t *gateway, int rc)
{
	if (rc == 0 && json_object_set(metadata, "gateway", gateway) != 0)
		rc = -ENOMEM;
	json_decref(gateway);
	if (rc == 0)
		return metadata;
	json_decref(metadata);
	return NULL;
}

/* Where the services come from, and what is known against it (docs/formats.md section 12). */
static json_t *file_json(const struct store_file *file)
{
	char hash[HEX_DATA_SIZE(32)], seen[21] = "";
	json_t *json = json_pack("{s:s%, s:b}", "status", (const char *)file->status.data, file->status.len, "namesAgent", file->back);

	if (file->has_content) {
		hex_encode_data(hash, file->content, 32);
		json_object_set_new(json, "sha256", json_string(hash));
	}
	if (resolution_time_format(seen, (int64_t)(file->seen / 1000)) == 0)
		json_object_set_new(json, "seen", json_string(seen));
	return json;
}

json_t *view_now_metadata(const struct reading_now *now, json_t *dropped)
{
	enum store_tier tier = now->safe.exists && now->safe.tier < now->latest.tier ? now->safe.tier : now->latest.tier;
	json_t *metadata = json_object();
	json_t *gateway = json_pack("{s:s, s:o, s:o, s:s}", "index", now->indexed ? "current" : "syncing", "latest",
				    view_block(&now->scope, &now->latest_block), "safe", view_block(&now->scope, &now->safe_block), "tier",
				    view_tier(tier));
	int rc = gateway ? 0 : -ENOMEM;

	if (rc == 0 && now->row) {
		bool owner = address_equal(&now->safe.owner, &now->latest.owner);
		bool wallet = address_equal(&now->safe.wallet, &now->latest.wallet) && !address_is_zero(&now->latest.wallet);

		rc = put_version(metadata, now->row) | put_keys(gateway, &now->scope, now->row, owner, wallet);
	}
	if (rc == 0 && now->file)
		rc = json_object_set_new(gateway, "registrationFile", file_json(now->file));
	if (rc == 0 && dropped)
		rc = json_object_set(gateway, "servicesLeftOut", dropped);
	return with_gateway(metadata, gateway, rc);
}

json_t *view_at_metadata(const struct reading_at *at)
{
	json_t *metadata = json_object();
	json_t *gateway = json_pack("{s:s, s:s, s:s}", "finality", at->finality, "index", at->indexed ? "current" : "syncing", "tier",
				    view_tier(at->state.tier));
	int rc = gateway ? 0 : -ENOMEM;

	if (rc == 0 && at->has_number)
		rc = json_object_set_new(gateway, "block", at->block.known ? view_block(&at->scope, &at->block) :
									     view_block_number(&at->scope, at->number));
	if (rc == 0 && at->row)
		rc = put_version(metadata, at->row) |
		     put_keys(gateway, &at->scope, at->row, true, !address_is_zero(&at->state.wallet)) |
		     json_object_set_new(gateway, "validFrom", view_block(&at->scope, &at->row->held.from)) |
		     json_object_set_new(gateway, "validUntil", view_block(&at->scope, &at->row->held.until));
	else if (rc == 0)
		rc = json_object_set_new(metadata, "versionId", view_number(at->number));
	return with_gateway(metadata, gateway, rc);
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
