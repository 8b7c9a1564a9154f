/* Registration files kept here: owners put and remove them with a signature, everybody reads them. A file must be a
 * registration file: this is no place for anything else. */
#include "did/registration_file.h"
#include "eth/hex.h"
#include "gateway/identity/hosted_file.h"
#include "gateway/routes/view.h"
#include "gateway/runtime/clock.h"

#include <errno.h>
#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

enum { SIGN_SIZE = 65 };

struct hosted_request {
	struct http_request *req;
	struct service *service;
	const struct service_registry *registry;
	struct agent_key key;
	uint8_t id[32];
	const char *name;
	struct hosted_file file;
	struct eth_address signer;
	bool remove;
	struct pg_op op;
	struct store_hosted_list list;
};

static void drop(void *arg)
{
	struct hosted_request *state = arg;

	store_hosted_clear(&state->list);
}

static void resume(struct pg_op *op)
{
	http_next(op->arg);
}

static void refuse(struct http_request *req, const char *type, const char *detail, const char *next)
{
	http_problem(req, &(struct http_problem){.type = type, .detail = detail, .next = next});
}

/* PUBLIC_URL/files/CHAIN/REGISTRY/ID/NAME */
static void write_uri(char *out, size_t size, const struct hosted_request *state, const char *name)
{
	char address[ADDRESS_TEXT_SIZE], id[U256_DECIMAL_SIZE];

	address_format_lower(address, &state->key.registry);
	u256_format_decimal(id, &state->key.id);
	(void)snprintf(out, size, "%s/files/%" PRIu64 "/%s/%s/%s", state->service->config->public_url, state->key.chain, address, id, name);
}

/* State with service and memory; NULL: answered. */
static struct hosted_request *new_state(struct http_request *req)
{
	struct hosted_request *state = http_state(req, sizeof(*state));

	if (state == NULL || http_defer(req, drop, state) != 0) {
		http_fail(req, -ENOMEM, NULL);
		return NULL;
	}
	state->req = req;
	state->service = http_user(req);
	state->op = (struct pg_op){.on_done = resume, .arg = req};
	return state;
}

/* The same for routes of an {id}, and {name} where there is one. */
static struct hosted_request *begin(struct http_request *req, bool has_name)
{
	struct hosted_request *state = new_state(req);

	if (state == NULL)
		return NULL;
	state->registry = service_agent_of(&state->key, req);
	if (state->registry == NULL)
		return NULL;
	u256_to_bytes(state->id, &state->key.id);
	state->name = has_name ? http_param(req, "name") : "";
	state->file = (struct hosted_file){.host = state->service->config->host, .key = &state->key, .name = state->name};
	if (has_name && !hosted_file_name_ok(state->name)) {
		refuse(req, "unprocessable", "A file's name has 1 to 64 characters of a-z, 0-9, '.', '_' and '-', the first a letter or digit.",
		       "Choose another name, such as registration.json.");
		return NULL;
	}
	if (state->registry->in_index == 0) {
		http_problem(req, &(struct http_problem){.type = "not-indexed", .detail = "The index of this registry has not begun."});
		return NULL;
	}
	return state;
}

/* Takes the body as the file; false: it was refused. Its drift, if wanted, is a new reference. */
static bool read_body(struct hosted_request *state, json_t **drift)
{
	struct registration_error err;
	struct registration_file parsed;
	char detail[256];
	json_t *summary;
	size_t len;
	const uint8_t *body = http_body(state->req, &len);

	if (registration_file_parse(&parsed, &err, body, len) != 0) {
		(void)snprintf(detail, sizeof(detail), "The body is no registration file (%s)%s%s", registration_refusal_word(err.refusal),
			       err.json.code != JCS_OK ? ": " : ".", err.json.code != JCS_OK ? jcs_reason(err.json.code) : "");
		http_problem(state->req, &(struct http_problem){.type = "unprocessable", .detail = detail, .pointer = err.json.pointer,
								.next = "Send the JSON of ERC-8004's registration-v1."});
		return false;
	}
	crypto_hash_sha256(state->file.content, body, len);
	if (drift != NULL) {
		summary = registration_file_summary(&parsed);
		*drift = json_incref(json_object_get(summary, "drift"));
		json_decref(summary);
	}
	registration_file_clear(&parsed);
	return true;
}

/* ---- prepare ---- */

static void prepare_file(struct http_request *req)
{
	struct hosted_request *state = begin(req, true);
	char target[AGENT_KEY_TEXT_SIZE + 256], uri[CONFIG_TEXT_MAX + 256], address[ADDRESS_TEXT_SIZE], id[U256_DECIMAL_SIZE];
	json_t *answer, *drift = NULL;
	size_t len;

	if (state == NULL)
		return;
	(void)http_body(req, &len);
	state->remove = len == 0;
	state->file.number = clock_wall_ms();
	if (!state->remove && !read_body(state, &drift))
		return;
	address_format_lower(address, &state->key.registry);
	u256_format_decimal(id, &state->key.id);
	(void)snprintf(target, sizeof(target), "/v1/agents/%" PRIu64 ":%s:%s/files/%s?number=%" PRIu64 "&signature=0x…", state->key.chain,
		       address, id, state->name, state->file.number);
	write_uri(uri, sizeof(uri), state, state->name);
	answer = json_pack("{s:o, s:s, s:s, s:s, s:o*}", "typedData", hosted_file_json(&state->file), "method",
			   state->remove ? "DELETE" : "PUT", "target", target, "uri", uri, "drift", drift);
	if (answer != NULL)
		json_object_set_new(answer, "next",
				    json_string(state->remove ? "Sign typedData as the agent's owner, put the signature into target, and send "
								"the request within an hour."
							      : "Sign typedData as the agent's owner, put the signature into target, and send "
								"the same bytes as body within an hour; then set the agent's URI to uri."));
	view_reply(req, 200, "application/json", answer);
}

/* ---- put and delete ---- */

/* number=, signature= */
static bool read_proof(struct hosted_request *state)
{
	const char *number, *signature;
	uint8_t bytes[SIGN_SIZE];
	struct eth_signature parsed;
	struct reading_when when;
	struct eth_hash digest;

	if (http_query(state->req, &number, "number") != 0 || http_query(state->req, &signature, "signature") != 0 ||
	    reading_when_parse(&when, number) != 0 || when.by_time ||
	    hex_decode_fixed(bytes, sizeof(bytes), signature, strlen(signature)) != 0) {
		refuse(state->req, "malformed", "number= is a decimal number and signature= 0x and 130 hex digits.",
		       "POST the file to …/files/{name}/prepare: its answer has the number and what to sign.");
		return false;
	}
	state->file.number = when.at;
	if (!hosted_file_number_ok(when.at, clock_wall_ms())) {
		refuse(state->req, "unprocessable", "The number is not of the last hour: it is the time of signing in milliseconds since 1970.",
		       "Prepare and sign again.");
		return false;
	}
	hosted_file_digest(&digest, &state->file);
	if (signature_parse(&parsed, bytes, sizeof(bytes)) == 0 &&
	    signature_recover(state->service->signatures, &state->signer, &parsed, &digest) == 0)
		return true;
	refuse(state->req, "bad-signature", "No key can have made this signature.", "Sign exactly the typedData of the prepare route.");
	return false;
}

static void on_authority(void *arg, int err, const struct authority *verdicts, size_t n)
{
	struct hosted_request *state = arg;
	const struct authority *verdict = n == 1 ? verdicts : NULL;
	char detail[256], signer[ADDRESS_TEXT_SIZE];

	if (err == 0 && verdict != NULL)
		err = verdict->err;
	if (err != 0 || verdict == NULL) {
		view_cannot_read(state->req);
	} else if (!verdict->safe.exists || !verdict->latest.exists) {
		refuse(state->req, "not-found", "The registry has no agent with this id at its safe block.",
		       "Register it first; a new agent is safe after a moment.");
	} else if (!address_equal(&verdict->safe.owner, &state->signer) || !address_equal(&verdict->latest.owner, &state->signer)) {
		address_format_eip55(signer, &state->signer);
		(void)snprintf(detail, sizeof(detail), "The signature is by %s, which is not the agent's owner at both safe and latest.", signer);
		refuse(state->req, "bad-signature", detail,
		       "Sign exactly the typedData of the prepare route, with the key of the agent's owner, and send the very bytes that were "
		       "prepared; contract accounts cannot sign for files.");
	} else {
		http_next(state->req);
	}
}

static void check_owner(struct http_request *req)
{
	struct hosted_request *state = http_state(req, sizeof(*state));

	if (authority_get(state->registry->chain->authority, &state->key, on_authority, state) != 0)
		view_cannot_read(req);
}

static void store(struct http_request *req)
{
	struct hosted_request *state = http_state(req, sizeof(*state));
	char uri[CONFIG_TEXT_MAX + 256];
	struct store_hosted row;
	size_t len;
	const uint8_t *body = http_body(req, &len);
	int rc;

	write_uri(uri, sizeof(uri), state, state->name);
	row = (struct store_hosted){.registry = state->registry->in_index, .name = pg_text(state->name), .uri = pg_text(uri),
				    .body = pg_bytes(body, len), .number = state->file.number, .at = clock_wall_ms()};
	memcpy(row.agent_id, state->id, sizeof(state->id));
	memcpy(row.content, state->file.content, sizeof(row.content));
	memcpy(row.owner, state->signer.bytes, sizeof(row.owner));
	if (state->remove)
		rc = store_hosted_delete(state->service->writer, &state->op, row.registry, state->id, row.name, row.uri, row.number);
	else
		rc = store_hosted_put(state->service->writer, &state->op, &row);
	if (rc != 0)
		http_fail(req, rc, NULL);
}

static void answer_stored(struct http_request *req)
{
	struct hosted_request *state = http_state(req, sizeof(*state));
	char uri[CONFIG_TEXT_MAX + 256], hash[HEX_DATA_SIZE(32)];

	write_uri(uri, sizeof(uri), state, state->name);
	hex_encode_data(hash, state->file.content, 32);
	switch (state->op.err) {
	case 0:
		view_reply(req, 200, "application/json",
			   state->remove ? json_pack("{s:s, s:b}", "uri", uri, "removed", 1) : json_pack("{s:s, s:s}", "uri", uri, "sha256", hash));
		return;
	case -EEXIST:
		refuse(req, "conflict", "A later write, or this one, was already taken.", "Prepare and sign again if it should still be done.");
		return;
	case -EDQUOT:
		refuse(req, "quota", "An agent may have 8 files here.", "Remove one first, or write over one.");
		return;
	case -ENOENT:
		refuse(req, "not-found", "There is no such file.", "GET …/files lists the agent's files.");
		return;
	default:
		http_fail(req, state->op.err, NULL);
	}
}

static http_handler *const write_steps[] = {check_owner, store, answer_stored, NULL};

static void put_file(struct http_request *req)
{
	struct hosted_request *state = begin(req, true);

	if (state != NULL && read_body(state, NULL) && read_proof(state))
		http_steps(req, write_steps);
}

static void delete_file(struct http_request *req)
{
	struct hosted_request *state = begin(req, true);

	if (state == NULL)
		return;
	state->remove = true;
	if (read_proof(state))
		http_steps(req, write_steps);
}

/* ---- reading ---- */

static void find_file(struct http_request *req)
{
	struct hosted_request *state = http_state(req, sizeof(*state));
	int rc = store_hosted_get(service_reader(state->service), &state->op, &state->list, state->registry->in_index, state->id,
				  pg_text(state->name));

	if (rc != 0)
		http_fail(req, rc, NULL);
}

static void answer_file(struct http_request *req)
{
	struct hosted_request *state = http_state(req, sizeof(*state));
	const struct store_hosted *row = state->list.rows;
	char hex[65], etag[72];

	if (state->op.err != 0) {
		http_fail(req, state->op.err, state->op.err == -ENOENT ? "No such file is hosted for that agent." : NULL);
		return;
	}
	sodium_bin2hex(hex, sizeof(hex), row->content, sizeof(row->content));
	(void)snprintf(etag, sizeof(etag), "\"%s\"", hex);
	http_set_etag(req, etag);
	http_set_header(req, "Content-Security-Policy", "default-src 'none'; sandbox");
	http_reply(req, 200, "application/json", row->body.data, row->body.len);
}

static http_handler *const read_steps[] = {find_file, answer_file, NULL};

static void get_file(struct http_request *req)
{
	struct hosted_request *state = new_state(req);
	char id[256];
	int length;

	if (state == NULL)
		return;
	length = snprintf(id, sizeof(id), "%s:%s:%s", http_param(req, "chain"), http_param(req, "registry"), http_param(req, "id"));
	state->name = http_param(req, "name");
	if (length < 0 || (size_t)length >= sizeof(id) || !hosted_file_name_ok(state->name) ||
	    service_agent_id(&state->key, &state->registry, state->service, id) != 0 || state->registry->in_index == 0) {
		http_fail(req, -ENOENT, "No such file is hosted here.");
		return;
	}
	u256_to_bytes(state->id, &state->key.id);
	http_steps(req, read_steps);
}

static void find_list(struct http_request *req)
{
	struct hosted_request *state = http_state(req, sizeof(*state));
	int rc = store_hosted(service_reader(state->service), &state->op, &state->list, state->registry->in_index, state->id);

	if (rc != 0)
		http_fail(req, rc, NULL);
}

static void answer_list(struct http_request *req)
{
	struct hosted_request *state = http_state(req, sizeof(*state));
	json_t *files = json_array();

	for (size_t i = 0; state->op.err == 0 && i < state->list.n; i++) {
		const struct store_hosted *row = &state->list.rows[i];
		char uri[CONFIG_TEXT_MAX + 256], hash[HEX_DATA_SIZE(32)], name[HOSTED_FILE_NAME_MAX + 1];

		(void)snprintf(name, sizeof(name), "%.*s", (int)row->name.len, (const char *)row->name.data);
		write_uri(uri, sizeof(uri), state, name);
		hex_encode_data(hash, row->content, 32);
		json_array_append_new(files, json_pack("{s:s, s:s, s:s, s:I, s:o, s:o}", "name", name, "uri", uri, "sha256", hash, "size",
						       (json_int_t)row->size, "owner", view_address(row->owner), "number",
						       view_number(row->number)));
	}
	if (state->op.err == 0) {
		view_reply(req, 200, "application/json", json_pack("{s:o}", "files", files));
		return;
	}
	json_decref(files);
	http_fail(req, state->op.err, NULL);
}

static http_handler *const list_steps[] = {find_list, answer_list, NULL};

static void get_list(struct http_request *req)
{
	if (begin(req, false) != NULL)
		http_steps(req, list_steps);
}

/* ---- /.well-known/agent-registration.json ---- */

/* A number where JavaScript reads it exactly, else a text. */
static json_t *agent_id_json(const struct u256 *id)
{
	char text[U256_DECIMAL_SIZE];
	uint64_t small;

	if (u256_to_u64(&small, id) == 0 && small <= UINT64_C(9007199254740991))
		return json_integer((json_int_t)small);
	u256_format_decimal(text, id);
	return json_string(text);
}

/* Only agents the operator named: whoever has a file kept here does not control this host by that. */
static void get_agents(struct http_request *req)
{
	const struct chains *settings = &((struct service *)http_user(req))->settings;
	json_t *list = json_array();

	for (size_t i = 0; i < settings->nown; i++) {
		const struct chains_own *own = &settings->own[i];
		char address[ADDRESS_TEXT_SIZE], registry[ADDRESS_TEXT_SIZE + 32];

		address_format_eip55(address, &own->registry);
		(void)snprintf(registry, sizeof(registry), "eip155:%" PRIu64 ":%s", own->chain_id, address);
		json_array_append_new(list, json_pack("{s:o, s:s}", "agentId", agent_id_json(&own->id), "agentRegistry", registry));
	}
	view_reply(req, 200, "application/json", json_pack("{s:o}", "registrations", list));
}

static const char *const no_query[] = {NULL}, *const proof_query[] = {"number", "signature", NULL};
static const char short_cache[] = "public, max-age=60, must-revalidate";

const struct http_route routes_hosted[] = {
	{"POST", "/v1/agents/{id}/files/{name}/prepare", prepare_file, STORE_HOSTED_MAX, 0, "no-store",
	 "What an owner signs to have a file kept here; without a body, to have it removed", "files", no_query},
	{"PUT", "/v1/agents/{id}/files/{name}", put_file, STORE_HOSTED_MAX, 0, NULL, "Keeps a registration file, signed for by the owner",
	 "files", proof_query},
	{"DELETE", "/v1/agents/{id}/files/{name}", delete_file, 0, 0, NULL, "Removes it", "files", proof_query},
	{"GET", "/v1/agents/{id}/files", get_list, 0, 0, "public, max-age=5, must-revalidate", "The files kept for an agent", "files", no_query},
	{"GET", "/files/{chain}/{registry}/{id}/{name}", get_file, 0, 0, short_cache, "A file kept here", "files", NULL},
	{"GET", "/.well-known/agent-registration.json", get_agents, 0, 0, short_cache,
	 "The agents that the operator vouches for (ERC-8004, endpoint domain verification)", "files", NULL},
};
const size_t routes_hosted_count = sizeof(routes_hosted) / sizeof(routes_hosted[0]);
