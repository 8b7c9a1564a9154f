#include "gateway/routes/ingest.h"

#include "gateway/record/admission.h"
#include "gateway/routes/service.h"
#include "gateway/runtime/metrics.h"

#include <errno.h>
#include <event2/event.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SLICE = 16, KEYS_AT_ONCE = 1024 };

struct item {
	struct submission submission;
	struct typed_content content;
	struct admission admission;
	struct refusal refusal; /* code REFUSAL_NONE: none */
	unsigned status;
	bool alive;	  /* not refused and not answered yet */
	char *answer;	  /* its JSON, malloc'd */
	size_t answer_len;
	struct ingest *ingest;
};

struct ingest {
	struct http_request *req;
	struct service *service;
	struct batch batch;
	struct item *items;
	struct agent_key *keys; /* distinct issuers and subjects of the items alive */
	struct authority *verdicts;
	size_t nkeys, asked;
	size_t parsed;
	size_t pending;
	bool submitted;
	struct event *turn;
};

static void finish(struct ingest *in);

/* ---- answers ---- */

static void set_answer(struct item *item, unsigned status, char *answer, size_t length)
{
	item->alive = false;
	item->status = status;
	item->answer = answer;
	item->answer_len = length;
}

static void answer_refusal(struct item *item)
{
	const struct refusal_row *row = refusal_row(item->refusal.code);
	char uid[65] = "", type[CONFIG_TEXT_MAX + 64];

	snprintf(type, sizeof(type), "%s/problems/%s", item->ingest->service->config->public_url, row->type);
	if (item->content.payload)
		sodium_bin2hex(uid, sizeof(uid), item->content.uid, 32);
	json_auto_t *problem = json_pack("{s:i, s:s, s:s, s:s, s:s, s:s*, s:s}", "status", row->status, "type", type, "title",
					 row->title, "detail", item->refusal.detail, "pointer", item->refusal.pointer, "rule",
					 row->rule, "next", http_problem_find(row->type)->remedy);
	json_auto_t *answer = json_pack("{s:i, s:O, s:s*}", "status", row->status, "problem", problem, "uid", uid[0] ? uid : NULL);
	char *text = answer ? json_dumps(answer, JSON_COMPACT) : NULL;

	metrics_add(METRIC_ATTESTATIONS_REFUSED, 1);
	set_answer(item, (unsigned)row->status, text, text ? strlen(text) : 0);
}

static void refuse(struct item *item, enum refusal_code code, const char *detail)
{
	refusal_set(&item->refusal, code, "", "%s", detail);
	answer_refusal(item);
}

static const char *id_matches(const struct item *item)
{
	switch (item->submission.id_matches) {
	case SUBMISSION_ID_MATCHES:
		return "\"idMatches\":true,";
	case SUBMISSION_ID_DIFFERS:
		return "\"idMatches\":false,";
	case SUBMISSION_ID_UNKNOWN:
		break;
	}
	return "";
}

static void answer_logged(struct item *item, const struct append_outcome *outcome)
{
	unsigned status = outcome->duplicate ? 200 : 201;
	size_t receipt_len = 0, size;
	char *receipt = NULL, *text;
	char uid[65];
	int written;

	if (receipt_write(&receipt, &receipt_len, outcome->parts) != 0) {
		refuse(item, REFUSAL_STORE, "logged, but its receipt could not be written; fetch it by uid");
		return;
	}
	sodium_bin2hex(uid, sizeof(uid), item->content.uid, 32);
	size = receipt_len + 256;
	text = malloc(size);
	if (text) {
		written = snprintf(text, size, "{%s\"receipt\":", id_matches(item));
		memcpy(text + written, receipt, receipt_len);
		written += (int)receipt_len;
		written += snprintf(text + written, size - (size_t)written, ",\"seq\":%ju,\"status\":%u,\"uid\":\"%s\"}",
				    (uintmax_t)outcome->seq, status, uid);
		set_answer(item, status, text, (size_t)written);
	} else {
		set_answer(item, 503, NULL, 0);
	}
	free(receipt);
	metrics_add(outcome->duplicate ? METRIC_ATTESTATIONS_DUPLICATE : METRIC_ATTESTATIONS_NEW, 1);
}

static void on_appended(void *arg, const struct append_outcome *outcome)
{
	struct item *item = arg;
	struct ingest *in = item->ingest;

	switch (outcome->err) {
	case 0:
		answer_logged(item, outcome);
		break;
	case -EDQUOT:
		refuse(item, REFUSAL_QUOTA, "the issuer has logged as many attestations outside games today as this log allows; try tomorrow");
		break;
	case -ETIMEDOUT:
		refuse(item, outcome->logged ? REFUSAL_UNSIGNED : REFUSAL_STORE,
		       outcome->logged ? "logged; send the same item again to get its receipt" : "not logged in time; send the same item again");
		break;
	default:
		refuse(item, REFUSAL_STORE, "the log could not be written; send the same item again");
		break;
	}
	if (--in->pending == 0 && in->submitted)
		finish(in);
}

/* ---- the end ---- */

static void free_ingest(void *arg)
{
	struct ingest *in = arg;

	for (size_t i = 0; in->items && i < in->batch.count; i++) {
		submission_clear(&in->items[i].submission);
		typed_content_clear(&in->items[i].content);
		free(in->items[i].answer);
	}
	free(in->items);
	free(in->keys);
	free(in->verdicts);
	if (in->turn)
		event_free(in->turn);
}

static void reply_single(struct ingest *in)
{
	struct item *item = &in->items[0];
	const struct refusal_row *row = refusal_row(item->refusal.code);

	if (item->refusal.code != REFUSAL_NONE) {
		http_problem(in->req, &(struct http_problem){.type = row->type, .detail = item->refusal.detail,
							    .pointer = item->refusal.pointer, .rule = row->rule});
		return;
	}
	if (!item->answer) {
		http_fail(in->req, -ENOMEM, NULL);
		return;
	}
	http_reply_take(in->req, item->status, "application/json", item->answer, item->answer_len, free);
	item->answer = NULL;
}

static void reply_batch(struct ingest *in)
{
	static const char head[] = "{\"results\":[", lost[] = "{\"status\":503}";
	size_t size = sizeof(head) + 2, at;
	char *text;

	for (size_t i = 0; i < in->batch.count; i++)
		size += 1 + (in->items[i].answer ? in->items[i].answer_len : sizeof(lost));
	text = malloc(size);
	if (!text) {
		http_fail(in->req, -ENOMEM, NULL);
		return;
	}
	memcpy(text, head, sizeof(head) - 1);
	at = sizeof(head) - 1;
	for (size_t i = 0; i < in->batch.count; i++) {
		const struct item *item = &in->items[i];

		if (i > 0)
			text[at++] = ',';
		memcpy(text + at, item->answer ? item->answer : lost, item->answer ? item->answer_len : sizeof(lost) - 1);
		at += item->answer ? item->answer_len : sizeof(lost) - 1;
	}
	text[at++] = ']';
	text[at++] = '}';
	http_reply_take(in->req, 207, "application/json", text, at, free);
}

static void finish(struct ingest *in)
{
	if (in->batch.form == BATCH_SINGLE)
		reply_single(in);
	else
		reply_batch(in);
}

/* ---- the chain ---- */

static void submit(struct ingest *in)
{
	in->pending = 1; /* ours, so that nothing finishes before all are in */
	for (size_t i = 0; i < in->batch.count; i++) {
		struct item *item = &in->items[i];
		struct append_item append;
		int rc;

		if (!item->alive)
			continue;
		append_item_make(&append, &item->submission, &item->content, &item->admission);
		rc = append_submit(in->service->append, &append, on_appended, item);
		if (rc == 0) {
			typed_content_release(&item->content);
			in->pending++;
		} else {
			refuse(item, rc == -EAGAIN ? REFUSAL_BUSY : REFUSAL_STORE, "the queue is full; send the same item again");
		}
	}
	in->submitted = true;
	if (--in->pending == 0)
		finish(in);
}

static const struct authority *verdict_of(const struct ingest *in, const struct agent_key *key)
{
	size_t low = 0, high = in->nkeys;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = agent_key_compare(key, &in->keys[middle]);

		if (order == 0)
			return &in->verdicts[middle];
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return NULL;
}

static void judge(struct ingest *in)
{
	for (size_t i = 0; i < in->batch.count; i++) {
		struct item *item = &in->items[i];
		const struct authority *issuer = verdict_of(in, &item->submission.issuer_key);
		const struct authority *subject = verdict_of(in, &item->submission.subject_key);

		if (!item->alive)
			continue;
		if (!issuer || !subject) {
			refuse(item, REFUSAL_CHAIN, "who the issuer is was not read; send the same item again");
			continue;
		}
		struct admission_facts facts = {.issuer = *issuer, .subject = *subject};

		if (admission_authority(&in->service->hasher, &item->admission, &item->refusal, &item->submission, &facts) != 0)
			answer_refusal(item);
	}
	submit(in);
}

static void chain_failed(struct ingest *in)
{
	for (size_t i = 0; i < in->batch.count; i++)
		if (in->items[i].alive)
			refuse(&in->items[i], REFUSAL_CHAIN,
			       "who the issuer is cannot be read from the chain now; send the same item again");
	finish(in);
}

static void ask_chain(struct ingest *in);

static void on_verdicts(void *arg, int err, const struct authority *verdicts, size_t n)
{
	struct ingest *in = arg;

	if (err != 0) {
		chain_failed(in);
		return;
	}
	memcpy(in->verdicts + in->asked, verdicts, n * sizeof(*verdicts));
	in->asked += n;
	ask_chain(in);
}

static void ask_chain(struct ingest *in)
{
	const struct agent_key *keys = in->keys + in->asked;
	size_t left = in->nkeys - in->asked, n = 0;
	const struct service_registry *registry;

	if (left == 0) {
		judge(in);
		return;
	}
	/* they are sorted, so those of one chain stand together */
	while (n < left && n < KEYS_AT_ONCE && keys[n].chain == keys[0].chain)
		n++;
	registry = service_registry(in->service, &keys[0]);
	if (!registry || authority_get_many(registry->chain->authority, keys, n, on_verdicts, in) != 0)
		chain_failed(in);
}

static int by_key(const void *a, const void *b)
{
	return agent_key_compare(a, b);
}

static void collect_keys(struct ingest *in)
{
	size_t n = 0;

	for (size_t i = 0; i < in->batch.count; i++) {
		if (!in->items[i].alive)
			continue;
		in->keys[n++] = in->items[i].submission.issuer_key;
		in->keys[n++] = in->items[i].submission.subject_key;
	}
	if (n > 1)
		qsort(in->keys, n, sizeof(*in->keys), by_key);
	for (size_t i = 0; i < n; i++)
		if (in->nkeys == 0 || agent_key_compare(&in->keys[in->nkeys - 1], &in->keys[i]) != 0)
			in->keys[in->nkeys++] = in->keys[i];
	if (in->nkeys == 0)
		finish(in);
	else
		ask_chain(in);
}

/* ---- parsing ---- */

static void parse_item(struct ingest *in, struct item *item, const uint8_t *bytes, size_t length)
{
	struct service *service = in->service;
	int rc = submission_parse(&item->submission, &item->refusal, &service->names, bytes, length);

	if (rc == 0)
		rc = typed_content(&service->hasher, &item->content, &item->submission);
	if (rc == 0) {
		metrics_add(METRIC_RECOVERS, 1);
		rc = admission_signature(service->signatures, &item->admission, &item->refusal, &item->submission,
					 service->names.origin, item->content.uid);
	}
	if (rc == 0) {
		/* texts and payload are all that is needed from here on; the tree is twenty times their size */
		submission_drop_json(&item->submission);
		item->alive = true;
	} else if (item->refusal.code != REFUSAL_NONE)
		answer_refusal(item);
	else
		refuse(item, REFUSAL_STORE, "out of memory; send the same item again");
}

static void parse_slice(evutil_socket_t fd, short what, void *arg)
{
	struct ingest *in = arg;
	size_t length, end = in->parsed + SLICE;
	const uint8_t *body = http_body(in->req, &length);

	(void)fd;
	(void)what;
	if (http_answered(in->req)) {
		/* nobody waits any more, and nothing is logged yet: the late answer only gives the request up */
		http_fail(in->req, -ETIMEDOUT, NULL);
		return;
	}
	for (; in->parsed < in->batch.count && in->parsed < end; in->parsed++)
		parse_item(in, &in->items[in->parsed], body + in->batch.item[in->parsed].at, in->batch.item[in->parsed].len);
	if (in->parsed < in->batch.count)
		event_active(in->turn, EV_TIMEOUT, 0);
	else
		collect_keys(in);
}

static int prepare(struct ingest *in)
{
	size_t n = in->batch.count;

	in->items = calloc(n, sizeof(*in->items));
	in->keys = calloc(2 * n, sizeof(*in->keys));
	in->verdicts = calloc(2 * n, sizeof(*in->verdicts));
	in->turn = n > SLICE ? event_new(http_base(in->req), -1, 0, parse_slice, in) : NULL;
	if (!in->items || !in->keys || !in->verdicts || (n > SLICE && !in->turn))
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		in->items[i].ingest = in;
	return 0;
}

void ingest_post(struct http_request *req)
{
	struct ingest *in = http_state(req, sizeof(*in));
	struct refusal why = {.code = REFUSAL_NONE};
	const uint8_t *body;
	bool ndjson = false;
	size_t length;

	if (!in || http_defer(req, free_ingest, in) != 0) {
		http_fail(req, -ENOMEM, NULL);
		return;
	}
	in->req = req;
	in->service = http_user(req);
	if (batch_content_type(&ndjson, http_header(req, "Content-Type")) != 0) {
		http_problem(req, &(struct http_problem){.type = "unsupported-media-type",
							.detail = "Send application/json or application/x-ndjson."});
		return;
	}
	body = http_body(req, &length);
	if (batch_split(&in->batch, &why, body, length, ndjson) != 0) {
		http_problem(req, &(struct http_problem){.type = refusal_row(why.code)->type, .detail = why.detail,
							.pointer = why.pointer, .rule = refusal_row(why.code)->rule});
		return;
	}
	if (prepare(in) != 0) {
		http_fail(req, -ENOMEM, NULL);
		return;
	}
	parse_slice(-1, 0, in);
}
