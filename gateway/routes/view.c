#include "gateway/routes/view.h"

#include "did/resolution.h"
#include "eth/decimal.h"
#include "eth/hex.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

json_t *view_number(uint64_t number)
{
	char text[24];

	snprintf(text, sizeof(text), "%ju", (uintmax_t)number);
	return json_string(text);
}

json_t *view_block_number(const struct reading_scope *scope, uint64_t number)
{
	return json_pack("{s:o, s:n, s:n, s:s}", "number", view_number(number), "hash", "time", "finality",
			 reading_finality(scope, number));
}

json_t *view_block(const struct reading_scope *scope, const struct store_mark *mark)
{
	char hash[HEX_DATA_SIZE(32)], time[21];
	bool timed = mark->time != 0 && mark->time <= INT64_MAX && resolution_time_format(time, (int64_t)mark->time) == 0;

	if (!mark->known)
		return json_null();
	hex_encode_data(hash, mark->hash, 32);
	return json_pack("{s:o, s:s, s:s?, s:s}", "number", view_number(mark->number), "hash", hash, "time", timed ? time : NULL,
			 "finality", reading_finality(scope, mark->number));
}

void view_put_block_number(struct jcs_put *put, const char *name, const struct reading_scope *scope, uint64_t number)
{
	jcs_put_open(put, name, '{');
	jcs_put_decimal(put, "number", number);
	jcs_put_literal(put, "hash", "null");
	jcs_put_literal(put, "time", "null");
	jcs_put_text(put, "finality", reading_finality(scope, number));
	jcs_put_close(put, '}');
}

void view_put_block(struct jcs_put *put, const char *name, const struct reading_scope *scope, const struct store_mark *mark)
{
	static const char to_number[] = "{\"number\":\"", to_hash[] = "\",\"hash\":\"", to_time[] = "\",\"time\":", to_finality[] = ",\"finality\":\"";
	char text[192], *at = text;

	if (!mark->known) {
		jcs_put_literal(put, name, "null");
		return;
	}
	at = mempcpy(at, to_number, sizeof(to_number) - 1);
	at = decimal_put(at, mark->number);
	at = mempcpy(at, to_hash, sizeof(to_hash) - 1);
	at += hex_encode_data(at, mark->hash, 32);
	at = mempcpy(at, to_time, sizeof(to_time) - 1);
	if (mark->time != 0 && mark->time <= INT64_MAX && resolution_time_format(at + 1, (int64_t)mark->time) == 0) {
		at[0] = at[21] = '"';
		at += 22;
	} else {
		at = mempcpy(at, "null", 4);
	}
	at = mempcpy(at, to_finality, sizeof(to_finality) - 1);
	at = stpcpy(stpcpy(at, reading_finality(scope, mark->number)), "\"}");
	jcs_put_json(put, name, text, (size_t)(at - text));
}

const char *view_cache(bool settled, enum store_tier tier)
{
	if (!settled)
		return "public, max-age=2, must-revalidate";
	return tier >= STORE_TIER_QUORUM ? "public, max-age=31536000, immutable" : "public, max-age=3600";
}

const char *view_tier(enum store_tier tier)
{
	switch (tier) {
	case STORE_TIER_EVENTS:
		return "events";
	case STORE_TIER_QUORUM:
		return "quorum";
	case STORE_TIER_PROOF:
		return "proof";
	case STORE_TIER_RPC:
		break;
	}
	return "rpc";
}

json_t *view_address(const uint8_t address[static 20])
{
	char text[ADDRESS_TEXT_SIZE];
	struct eth_address value;

	memcpy(value.bytes, address, 20);
	if (address_is_zero(&value))
		return json_null();
	address_format_eip55(text, &value);
	return json_string(text);
}

/* The contract holds any bytes; what is not UTF-8 text cannot stand in JSON. */
json_t *view_uri(const struct pg_bytes *uri)
{
	json_t *text = uri->data ? json_stringn((const char *)uri->data, uri->len) : NULL;

	return text ? text : json_null();
}

static json_t *bytes_json(const struct pg_bytes *bytes)
{
	char *text = malloc(2 * bytes->len + 3);
	json_t *value = NULL;

	if (text) {
		hex_encode_data(text, bytes->data, bytes->len);
		value = json_string(text);
	}
	free(text);
	return value;
}

int view_put_state(json_t *object, const struct reading_state *state)
{
	int rc = 0;

	if (!state->exists)
		return 0;
	rc |= json_object_set_new(object, "owner", view_address(state->owner.bytes));
	rc |= json_object_set_new(object, "wallet", view_address(state->wallet.bytes));
	rc |= json_object_set_new(object, "uri", view_uri(&state->uri));
	if (state->uri.data && json_is_null(json_object_get(object, "uri")))
		rc |= json_object_set_new(object, "uriBytes", bytes_json(&state->uri));
	return rc == 0 ? 0 : -ENOMEM;
}

json_t *view_index(const struct store_reach *reach)
{
	return json_pack("{s:o, s:o}", "tip", view_number(reach->index.tip_number), "final", view_number(reach->index.final_number));
}

int view_put_name(json_t *object, const struct service *service, const struct agent_key *key)
{
	char text[AGENT_KEY_TEXT_SIZE], did[AGENT_DID_SIZE];

	agent_key_format(text, key);
	if (agent_did_format(did, key, &service->defaults) < 0)
		return -EPROTO;
	if (json_object_set_new(object, "agent", json_string(text)) != 0 || json_object_set_new(object, "did", json_string(did)) != 0)
		return -ENOMEM;
	return 0;
}

void view_reply(struct http_request *req, unsigned status, const char *type, json_t *value)
{
	char *text = value ? json_dumps(value, JSON_COMPACT) : NULL;

	json_decref(value);
	if (text)
		http_reply_take(req, status, type, text, strlen(text), free);
	else
		http_fail(req, -ENOMEM, NULL);
}

void view_cannot_read(struct http_request *req)
{
	http_problem(req, &(struct http_problem){.type = "upstream", .detail = "The chain cannot be read now."});
}

void view_absent(struct http_request *req, uint64_t number)
{
	char detail[96];

	snprintf(detail, sizeof(detail), "The registry has no agent with this id at block %ju.", (uintmax_t)number);
	http_problem(req, &(struct http_problem){.type = "not-found", .detail = detail,
						 .next = "Check the id; one that was just registered is known a second or two after its block."});
}

void view_at_failed(struct http_request *req, const struct service_registry *registry, int err)
{
	char detail[160];

	switch (err) {
	case -ENOENT:
		snprintf(detail, sizeof(detail), "The registry begins at block %ju; there was no agent before.", (uintmax_t)registry->start);
		http_problem(req, &(struct http_problem){.type = "not-found", .detail = detail,
							 .next = "Ask for a later block or instant, or without `at` for what holds now."});
		break;
	case -ERANGE:
		http_problem(req, &(struct http_problem){.type = "not-indexed", .retry_after = 2,
							.detail = "That is beyond the newest block known here; ask for an earlier one, or again later."});
		break;
	case -EALREADY:
		http_problem(req, &(struct http_problem){.type = "not-indexed", .retry_after = 30,
							.detail = "The index has not come to that block yet, and the node does not say what was then."});
		break;
	default:
		view_cannot_read(req);
	}
}
