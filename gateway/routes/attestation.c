/* /v1/attestations: submit (ingest.c), prepare, and read back by uid, with or without the receipt. */
#include "anchor/entry.h"
#include "did/jcs.h"
#include "gateway/record/fact.h"
#include "gateway/record/receipt.h"
#include "gateway/record/receipt_fetch.h"
#include "gateway/record/typed.h"
#include "gateway/routes/ingest.h"
#include "gateway/routes/service.h"
#include "sql/store_log.h"

#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- prepare ---- */

/* What is signed does not depend on the proof, so a submission without one gets a placeholder to be parsed with. */
static char *with_proof(const uint8_t *body, size_t length, size_t *out_length)
{
	static const char placeholder[] = "0x0000000000000000000000000000000000000000000000000000000000000000000000000000000000000000"
					  "000000000000000000000000000000000000000000";
	json_auto_t *submission = json_loadb((const char *)body, length, JSON_REJECT_DUPLICATES, NULL);
	char *text = NULL;

	_Static_assert(sizeof(placeholder) == 132 + 1, "0x and 130 digits");
	if (json_is_object(submission) && !json_object_get(submission, "proof") &&
	    json_object_set_new(submission, "proof", json_pack("{s:s, s:s}", "type", "eip712", "signature", placeholder)) == 0)
		text = json_dumps(submission, JSON_COMPACT);
	if (text) {
		*out_length = strlen(text);
		return text;
	}
	/* as it came: whatever is wrong with it, submission_parse says it better */
	text = malloc(length + 1);
	if (text) {
		memcpy(text, body, length);
		text[length] = '\0';
		*out_length = length;
	}
	return text;
}

static json_t *prepared(struct service *service, const struct submission *submission)
{
	char text[TYPED_TEXT_SIZE], uid_text[65];
	const json_t *surface = json_object_get(submission->context, "surface");
	struct typed_fields fields;
	uint8_t uid[32];
	size_t length;

	if (typed_uid(&service->hasher, uid, submission->attestation, submission->game, json_string_value(surface),
		      submission->salt) != 0)
		return NULL;
	typed_fields_of(&fields, submission, service->names.origin, uid);
	if (typed_eip191_text(text, &length, sizeof(text), &fields) != 0)
		return NULL;
	sodium_bin2hex(uid_text, sizeof(uid_text), uid, sizeof(uid));
	return json_pack("{s:s, s:s, s:s, s:s%, s:o}", "uid", uid_text, "issuer", submission->issuer, "subject",
			 submission->subject, "message", text, length, "typedData", typed_eip712_json(&fields));
}

static void post_prepare(struct http_request *req)
{
	struct refusal why = {.code = REFUSAL_NONE};
	struct service *service = http_user(req);
	struct submission submission;
	size_t length, text_length = 0;
	const uint8_t *body = http_body(req, &length);
	char *text = with_proof(body, length, &text_length);
	int rc = text ? submission_parse(&submission, &why, &service->names, (const uint8_t *)text, text_length) : -ENOMEM;

	free(text);
	if (rc != 0) {
		if (why.code == REFUSAL_NONE)
			http_fail(req, rc, NULL);
		else
			http_problem(req, &(struct http_problem){.type = refusal_row(why.code)->type, .detail = why.detail,
								.pointer = why.pointer, .rule = refusal_row(why.code)->rule});
		return;
	}
	json_auto_t *answer = prepared(service, &submission);
	char *json = answer ? json_dumps(answer, JSON_COMPACT) : NULL;

	submission_clear(&submission);
	if (json)
		http_reply_take(req, 200, "application/json", json, strlen(json), free);
	else
		http_fail(req, -ENOMEM, NULL);
}

/* ---- reading back ---- */

static int wish_of(struct receipt_wish *wish, struct http_request *req)
{
	const char *uid = http_param(req, "uid"), *level = NULL;
	const struct service *service = http_user(req);
	size_t length = 0;
	int rc;

	memset(wish, 0, sizeof(*wish));
	wish->has_anchor = service->has_anchor;
	wish->chain_id = service->config->chain_id;
	memcpy(wish->contract, service->anchor_contract.bytes, sizeof(wish->contract));
	if (strncmp(uid, "0x", 2) == 0)
		uid += 2;
	if (strlen(uid) != 64 || strspn(uid, "0123456789abcdef") != 64 ||
	    sodium_hex2bin(wish->uid, 32, uid, 64, NULL, &length, NULL) != 0) {
		http_fail(req, -EBADMSG, "A uid is 64 lower-case hex digits.");
		return -EBADMSG;
	}
	rc = http_query(req, &level, "level");
	if (rc == 0)
		rc = receipt_level_parse(&wish->level, level);
	else if (rc == -ENOENT)
		rc = 0;
	if (rc != 0)
		http_fail(req, -EBADMSG, "level is one of logged, published, anchored, final.");
	return rc;
}

/* Common to both reads: 0 if there are parts to show, else the request is answered. */
static int check_fetched(struct http_request *req, int err)
{
	switch (err) {
	case 0:
		return 0;
	case -ENOENT:
		http_fail(req, -ENOENT, "No attestation with this uid is logged here.");
		return err;
	case -EINPROGRESS:
		http_set_header(req, "Retry-After", "1");
		http_reply(req, 202, "application/json", "{\"level\":\"pending\"}", 19);
		return err;
	case -ENODATA:
		http_problem(req, &(struct http_problem){.type = "gone", .detail = "The payload was erased."});
		return err;
	default:
		http_fail(req, err, NULL);
		return err;
	}
}

static void on_receipt(void *arg, int err, uint64_t seq, const struct receipt_parts *parts)
{
	struct http_request *req = arg;
	char *text = NULL;
	size_t length = 0;

	(void)seq;
	if (check_fetched(req, err) != 0)
		return;
	err = receipt_write(&text, &length, parts);
	if (err != 0) {
		http_fail(req, err, NULL);
		return;
	}
	http_set_cache(req, parts->level == RECEIPT_FINAL ? "public, max-age=31536000, immutable" : "no-cache");
	http_reply_take(req, 200, "application/json", text, length, free);
}

/* An attestation that was read, while it is looked whether a void entry names it. */
struct shown {
	struct pg_op op;
	struct http_request *req;
	struct store_entry voided;
	char *text; /* the answer, up to its last member */
	size_t size;
	int length;
};

static void free_shown(struct shown *shown)
{
	store_entry_clear(&shown->voided);
	free(shown->text);
	free(shown);
}

/* The last member: what the log itself says against the attestation. */
static int write_void(struct shown *shown, bool voided)
{
	char *to = shown->text + shown->length;
	size_t left = shown->size - (size_t)shown->length;
	struct entry_void entry;
	char hash[65];
	int rc;

	if (!voided) {
		shown->length += snprintf(to, left, ",\"void\":null}");
		return 0;
	}
	rc = entry_void_parse(&entry, (const char *)shown->voided.line.data, shown->voided.line.len);
	if (rc != 0)
		return rc;
	sodium_bin2hex(hash, sizeof(hash), entry.block.hash, 32);
	shown->length += snprintf(to, left, ",\"void\":{\"block\":{\"chain\":\"%s\",\"hash\":\"0x%s\",\"number\":\"%ju\"},\"seq\":%ju}}",
				  entry.block.chain, hash, (uintmax_t)entry.block.number, (uintmax_t)shown->voided.seq);
	return 0;
}

static void on_void(struct pg_op *op)
{
	struct shown *shown = op->arg;
	int rc = op->err == 0 || op->err == -ENOENT ? write_void(shown, op->err == 0) : op->err;

	if (rc != 0) {
		http_fail(shown->req, rc, NULL);
	} else {
		http_reply_take(shown->req, 200, "application/json", shown->text, (size_t)shown->length, free);
		shown->text = NULL;
	}
	free_shown(shown);
}

static int write_entry(struct shown *shown, uint64_t seq, const struct receipt_parts *parts)
{
	shown->size = parts->entry_len + parts->payload_len + parts->evidence_len + 512;
	shown->text = malloc(shown->size);
	if (!shown->text)
		return -ENOMEM;
	shown->length = snprintf(shown->text, shown->size,
				 "{\"entry\":%.*s,\"evidence\":%.*s,\"level\":\"%s\",\"payload\":%.*s,\"seq\":%ju", (int)parts->entry_len,
				 parts->entry, (int)parts->evidence_len, parts->evidence, receipt_level_text(parts->level),
				 (int)parts->payload_len, parts->payload, (uintmax_t)seq);
	return 0;
}

static void on_entry(void *arg, int err, uint64_t seq, const struct receipt_parts *parts)
{
	struct http_request *req = arg;
	struct shown *shown;
	uint8_t uid[32];
	int rc;

	if (check_fetched(req, err) != 0)
		return;
	shown = calloc(1, sizeof(*shown));
	rc = shown ? write_entry(shown, seq, parts) : -ENOMEM;
	if (rc == 0) {
		shown->req = req;
		shown->op.on_done = on_void;
		shown->op.arg = shown;
		fact_void_uid(uid, seq);
		rc = store_entry_by_uid(service_reader(http_user(req)), &shown->op, &shown->voided, uid);
	}
	if (rc == 0)
		return;
	if (shown)
		free_shown(shown);
	http_fail(req, rc, NULL);
}

static void fetch(struct http_request *req, receipt_on_fetched *on_fetched)
{
	struct receipt_wish wish;
	int rc;

	if (wish_of(&wish, req) != 0)
		return;
	rc = receipt_fetch(service_reader(http_user(req)), &wish, on_fetched, req);
	if (rc != 0)
		http_fail(req, rc, NULL);
}

static void get_attestation(struct http_request *req)
{
	fetch(req, on_entry);
}

static void get_receipt(struct http_request *req)
{
	fetch(req, on_receipt);
}

static const char *const no_query[] = {NULL};
static const char *const level_query[] = {"level", NULL};

const struct http_route routes_attestation[] = {
	{"POST", "/v1/attestations", ingest_post, BATCH_BYTES_MAX, 15000, NULL, "Submit one attestation, an array or NDJSON",
	 "attestations", no_query},
	{"POST", "/v1/attestations/prepare", post_prepare, SUBMISSION_MAX, 0, "no-store",
	 "The uid, typed data and message to sign for a submission", "attestations", no_query},
	{"GET", "/v1/attestations/{uid}", get_attestation, 0, 0, "no-cache", "An attestation by uid", "attestations", no_query},
	{"GET", "/v1/attestations/{uid}/receipt", get_receipt, 0, 0, "no-cache",
	 "Its receipt, at least at ?level=; 202 when the log has not come that far", "attestations", level_query},
};
const size_t routes_attestation_count = sizeof(routes_attestation) / sizeof(routes_attestation[0]);
