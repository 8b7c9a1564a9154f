/* POST /v1/participants: signed messages become a change. What needs no state is checked here, then the duty `participants` judges. */
#include "gateway/participant/queue.h"
#include "gateway/participant/verify.h"
#include "gateway/routes/participant_wish.h"
#include "gateway/routes/view_participant.h"
#include "gateway/runtime/clock.h"

#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BODY_CAP = 65536, DEADLINE_MS = 15000 };

struct change_request {
	struct participant_wish wish; /* first: participant_wish_begin() */
	struct participant_signed list[PARTICIPANT_SIGNERS_MAX];
	uint8_t uid[32];
	struct store_participant_requests answers;
	struct store_participant_messages used;
	struct participant_verify_chain chains[CHAINS_MAX];
};

static void drop(void *arg)
{
	struct change_request *c = arg;

	store_participant_requests_clear(&c->answers);
	store_participant_messages_clear(&c->used);
}

/* The on_done of every operation: its step has op.err. */
static void resume(struct pg_op *op)
{
	http_next(op->arg);
}

static void refuse(struct change_request *c, const char *rule, const char *pointer, const char *detail)
{
	view_participant_refuse(c->wish.req, rule, pointer, detail);
}

/* ---- the body ---- */

static void refuse_shape(struct change_request *c, const char *pointer, const char *detail)
{
	http_problem(c->wish.req, &(struct http_problem){.type = "unprocessable", .rule = "missing-member", .pointer = pointer, .detail = detail,
							 .next = "Send {\"messages\":[{\"message\",\"signature\"}], \"profile\"}: one message or two, a profile only "
								 "with `profile`."});
}

/* Hex in one letter case, in memory of the request. */
static const char *lower(struct http_request *req, const char *text)
{
	size_t len = strlen(text);
	char *out = http_alloc(req, len + 1);

	for (size_t i = 0; out && i < len; i++)
		out[i] = i > 1 && text[i] >= 'A' && text[i] <= 'F' ? (char)(text[i] - 'A' + 'a') : text[i];
	return out;
}

static bool read_messages(struct change_request *c, size_t *n)
{
	const json_t *messages = json_object_get(c->wish.body, "messages");
	char *pointer = c->wish.pointer;

	*n = json_array_size(messages);
	if (!json_is_array(messages) || *n < 1) {
		refuse_shape(c, "/messages", "The list of signed messages is missing.");
		return false;
	}
	if (*n > PARTICIPANT_SIGNERS_MAX) {
		refuse(c, "messages-number", "/messages", NULL);
		return false;
	}
	for (size_t i = 0; i < *n; i++) {
		const json_t *one = json_array_get(messages, i), *message = json_object_get(one, "message");
		const char *signature = json_string_value(json_object_get(one, "signature"));

		(void)snprintf(pointer, sizeof(c->wish.pointer), "/messages/%zu", i);
		if (!json_is_string(message) || !signature || json_object_size(one) != 2) {
			refuse_shape(c, pointer, "This is not a message with its signature.");
			return false;
		}
		c->list[i] = (struct participant_signed){.message = json_string_value(message), .message_len = json_string_length(message)};
		c->list[i].signature = lower(c->wish.req, signature);
		c->list[i].signature_len = strlen(signature);
		if (!c->list[i].signature) {
			http_fail(c->wish.req, -ENOMEM, NULL);
			return false;
		}
	}
	return true;
}

/* Where in the body: the message, or the profile. */
static const char *place(struct change_request *c, const struct participant_refusal *why)
{
	if (why->message >= 0)
		(void)snprintf(c->wish.pointer, sizeof(c->wish.pointer), "/messages/%d/message", why->message);
	else
		(void)snprintf(c->wish.pointer, sizeof(c->wish.pointer), "%s%s", strncmp(why->rule, "profile", 7) == 0 ? "/profile" : "/messages",
			       why->pointer);
	return c->wish.pointer;
}

static void refuse_messages(struct change_request *c, const struct participant_refusal *why)
{
	char detail[160] = "";

	if (why->part != SIWE_NONE)
		(void)snprintf(detail, sizeof(detail), "The text is no ERC-4361 message: its part \"%s\" is wrong or not where it belongs.",
			       siwe_part_name(why->part));
	else if (why->why && strcmp(why->rule, "profile-form") == 0)
		(void)snprintf(detail, sizeof(detail), "The profile has another form: %s.", why->why);
	refuse(c, why->rule, place(c, why), detail[0] ? detail : NULL);
}

/* ---- the same again? ---- */

static void look_for_answer(struct http_request *req)
{
	struct change_request *c = http_state(req, sizeof(*c));
	int rc = store_participant_answers(service_reader(c->wish.service), &c->wish.op, &c->answers, c->uid, 1);

	if (rc != 0)
		http_fail(req, rc, NULL);
}

static void look_for_messages(struct http_request *req)
{
	struct change_request *c = http_state(req, sizeof(*c));
	uint8_t hashes[PARTICIPANT_SIGNERS_MAX][32];
	int rc = c->wish.op.err;

	for (size_t i = 0; i < c->wish.change.nsigners; i++)
		memcpy(hashes[i], c->wish.change.signers[i].hash, 32);
	if (rc == 0)
		rc = store_participant_messages(service_reader(c->wish.service), &c->wish.op, &c->used, hashes, c->wish.change.nsigners);
	if (rc != 0)
		http_fail(req, rc, NULL);
}

/* The last of the three: a change that is made meanwhile and whose messages were found already has to be in the state. */
static void look_for_participant(struct http_request *req)
{
	struct change_request *c = http_state(req, sizeof(*c));
	int rc = c->wish.op.err;

	if (rc == 0)
		rc = participant_wish_find(&c->wish);
	if (rc != 0)
		http_fail(req, rc, NULL);
}

static void answer_done(struct change_request *c, unsigned status, const char *key, size_t key_len, uint64_t seq)
{
	const struct participant_change *change = &c->wish.change;
	char did[PARTICIPANT_DID_SIZE];
	json_t *answer = NULL;

	if (participant_did_format(did, change->handle, c->wish.service->config->host) > 0)
		answer = json_pack("{s:s, s:s, s:s%, s:I, s:i, s:s}", "did", did, "handle", change->handle, "participant", key, key_len, "seq",
				   (json_int_t)seq, "status", (int)status, "verb", participant_verb_word(change->verb));
	if (answer && change->verb != PARTICIPANT_ERASE)
		(void)json_object_set_new(answer, "versionId", view_number(seq));
	view_reply(c->wish.req, status, "application/json", answer);
}

/* Whether all of its messages counted for one entry. */
static bool used_together(const struct change_request *c)
{
	for (size_t i = 1; i < c->used.n; i++)
		if (c->used.rows[i].seq != c->used.rows[0].seq)
			return false;
	return c->used.n > 0 && c->used.n == c->wish.change.nsigners;
}

/* An answer that was lost is given again, while what it told of stands. */
static void answer_again(struct http_request *req)
{
	struct change_request *c = http_state(req, sizeof(*c));
	const struct store_participant_request *answer = c->answers.n == 1 && !c->answers.rows[0].rule.data ? &c->answers.rows[0] : NULL;
	struct participant_change *change = &c->wish.change;

	if (!participant_wish_found(&c->wish))
		return;
	if (answer && change->verb == PARTICIPANT_ERASE)
		answer_done(c, 200, (const char *)answer->key.data, answer->key.len, answer->seq);
	else if (used_together(c) && participant_state_stands(&c->wish.state, change, c->used.rows[0].seq))
		answer_done(c, 200, c->wish.key, strlen(c->wish.key), c->used.rows[0].seq);
	else if (answer || c->used.n > 0)
		refuse(c, "replayed", "/messages", NULL);
	else
		http_next(req);
}

/* ---- is it time, who signed, whose agent ---- */

static void check_time(struct http_request *req)
{
	struct change_request *c = http_state(req, sizeof(*c));
	struct participant_refusal why;

	if (participant_change_timely(&why, &c->wish.change, (int64_t)clock_wall_ms()) != 0)
		refuse(c, why.rule, place(c, &why), NULL);
	else
		http_next(req);
}

/* Which of the messages as sent is the signer's: signers are sorted. */
static size_t sent_as(const struct change_request *c, size_t signer)
{
	return c->list[0].message == c->wish.change.signers[signer].message ? 0 : 1;
}

static void on_verified(void *arg, int err, const char *rule, size_t signer)
{
	struct change_request *c = arg;

	if (err != 0) {
		view_cannot_read(c->wish.req);
		return;
	}
	if (!rule) {
		http_next(c->wish.req);
		return;
	}
	(void)snprintf(c->wish.pointer, sizeof(c->wish.pointer), "/messages/%zu/signature", sent_as(c, signer));
	refuse(c, rule, c->wish.pointer, NULL);
}

static void check_signatures(struct http_request *req)
{
	struct change_request *c = http_state(req, sizeof(*c));
	struct service *service = c->wish.service;

	for (size_t i = 0; i < service->nchains; i++)
		c->chains[i] = (struct participant_verify_chain){
			.id = service->chains[i].id, .rpc = service->chains[i].rpc_reads, .heads = &service->chains[i].heads};
	participant_verify(&c->wish.change, service->signatures, c->chains, service->nchains, SERVICE_RPC_MS, on_verified, c);
}

/* An owner is read where it has a say: to link an agent, and to unlink it if no controller speaks. */
static bool needs_owner(const struct participant_wish *wish)
{
	const struct participant_change *change = &wish->change;

	if (change->object.kind != PARTICIPANT_AGENT)
		return false;
	for (size_t i = 0; change->verb == PARTICIPANT_UNLINK && i < change->nsigners; i++) {
		const struct participant_state_account *by = participant_state_account(&wish->state, &change->signers[i].account);

		if (by && by->controller)
			return false;
	}
	return true;
}

static void check_owner(struct http_request *req)
{
	struct change_request *c = http_state(req, sizeof(*c));

	if (needs_owner(&c->wish))
		participant_wish_read_owner(&c->wish, http_next);
	else
		http_next(req);
}

/* ---- the duty's word ---- */

static void on_answer(void *arg, int err, const struct store_participant_request *answer)
{
	struct change_request *c = arg;
	char rule[33];

	if (err == -EDQUOT || err == -EAGAIN) {
		http_fail(c->wish.req, -EBUSY, "Many changes are waiting.");
	} else if (err != 0) {
		http_fail(c->wish.req, err, NULL);
	} else if (answer->rule.data) {
		(void)snprintf(rule, sizeof(rule), "%.*s", (int)answer->rule.len, (const char *)answer->rule.data);
		refuse(c, rule, NULL, NULL);
	} else {
		answer_done(c, 201, (const char *)answer->key.data, answer->key.len, answer->seq);
	}
}

static void ask_duty(struct http_request *req)
{
	struct change_request *c = http_state(req, sizeof(*c));
	struct store_participant_request request = {.by_operator = false};
	char *payload = NULL;
	size_t len = 0;
	int rc;

	randombytes_buf(c->wish.change.salt, sizeof(c->wish.change.salt));
	rc = participant_payload_write(&payload, &len, &c->wish.change);
	memcpy(request.hash, c->uid, sizeof(request.hash));
	request.body = pg_bytes(payload, len);
	if (rc == 0)
		rc = participant_queue_ask(c->wish.service->participants, &request, on_answer, c);
	free(payload);
	if (rc != 0)
		http_fail(req, rc == -EAGAIN ? -EBUSY : rc, NULL);
}

static http_handler *const change_steps[] = {look_for_answer, look_for_messages, look_for_participant, answer_again, check_time,
					     check_signatures, check_owner, ask_duty, NULL};

static void post_change(struct http_request *req)
{
	static const char *const members[] = {"messages", "profile", NULL};
	struct change_request *c = participant_wish_begin(req, sizeof(*c), members);
	struct participant_refusal why;
	size_t n;

	if (!c)
		return;
	if (http_defer(req, drop, c) != 0) {
		http_fail(req, -ENOMEM, NULL);
		return;
	}
	c->wish.op = (struct pg_op){.on_done = resume, .arg = req};
	if (!read_messages(c, &n))
		return;
	if (participant_change_make(&c->wish.change, &why, c->list, n, json_object_get(c->wish.body, "profile"), &c->wish.terms) != 0) {
		refuse_messages(c, &why);
		return;
	}
	participant_change_uid(c->uid, &c->wish.change);
	http_steps(req, change_steps);
}

static const char *const no_query[] = {NULL};

const struct http_route routes_participant_change[] = {
	{"POST", "/v1/participants", post_change, BODY_CAP, DEADLINE_MS, NULL, "Changes a participant by signed messages (ERC-4361)",
	 "participants", no_query},
};
const size_t routes_participant_change_count = sizeof(routes_participant_change) / sizeof(routes_participant_change[0]);
