/* Who lives here: the queue, and the append of one change. */
#include "gateway/steward/participants_internal.h"

#include "did/jcs.h"
#include "gateway/participant/rule.h"
#include "gateway/record/failpoint.h"
#include "gateway/runtime/clock.h"
#include "gateway/runtime/log.h"
#include "gateway/runtime/metrics.h"
#include "sql/listen.h"
#include "sql/store_duty.h"

#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

enum { REQUESTS_AT_ONCE = 32, SWEEP_MS = 60000 };

/* ---- state ---- */

int participants_load(struct participants *p, const char *handle)
{
	struct store_participant_found found;
	uint8_t claimed[32];
	struct pg_op op = {0};
	int rc;

	participant_state_clear(&p->state);
	p->state = (struct participant_state){.life = PARTICIPANT_UNKNOWN};
	p->key[0] = '\0';
	p->nmessages = 0;
	participant_change_handle_hash(claimed, handle);
	rc = pg_wait(p->ctx->base, &op, store_participant_find(p->reader, &op, &found, pg_text(handle), claimed));
	if (rc != 0)
		return rc;
	if (found.live && found.row.key.len != sizeof(p->key) - 1) {
		rc = -EPROTO;
	} else if (found.live) {
		memcpy(p->key, found.row.key.data, sizeof(p->key) - 1);
		p->key[sizeof(p->key) - 1] = '\0';
		rc = participant_state_read(&p->state, (const char *)found.row.state.data, found.row.state.len);
	} else if (found.claimed_once) {
		p->state.life = PARTICIPANT_ERASED;
	}
	store_participant_found_clear(&found);
	return rc;
}

/* ---- one change ---- */

static void new_key(char out[static PARTICIPANT_KEY_SIZE])
{
	static const char prefix[] = "urn:kedge:p:";
	uint8_t random[16];

	randombytes_buf(random, sizeof(random));
	memcpy(out, prefix, sizeof(prefix) - 1);
	sodium_bin2hex(out + sizeof(prefix) - 1, PARTICIPANT_KEY_SIZE - (sizeof(prefix) - 1), random, sizeof(random));
}

static int make_row(struct participants *p, struct store_new_entry *row, const struct participant_change *change, uint64_t at, char **payload)
{
	bool alias = change->verb == PARTICIPANT_CLAIM || change->verb == PARTICIPANT_PROFILE;
	struct entry_change entry = {.at = at};
	size_t len = 0, payload_len = 0;
	int rc = participant_payload_write(payload, &payload_len, change);

	if (rc != 0)
		return rc;
	crypto_hash_sha256(entry.payload.bytes, (const uint8_t *)*payload, payload_len);
	participant_change_uid(entry.uid.bytes, change);
	memcpy(p->uids[0], entry.uid.bytes, 32);
	memcpy(entry.subject, p->key, sizeof(p->key));
	rc = (alias ? entry_alias_format : entry_link_format)(p->lines[0], ENTRY_LINE_MAX, &len, &entry);
	*row = (struct store_new_entry){.kind = alias ? "alias" : "link", .uid = p->uids[0], .subject = pg_text(p->key),
					.line = pg_bytes(p->lines[0], len), .payload = pg_bytes(*payload, payload_len)};
	return rc;
}

static void note_messages(struct participants *p, const struct participant_change *change, uint64_t seq)
{
	p->nmessages = change->nsigners;
	for (size_t i = 0; i < change->nsigners; i++) {
		memcpy(p->messages[i], change->signers[i].hash, 32);
		p->messages_seqs[i] = seq;
	}
}

/* request NULL: nobody asked. */
static int append_locked(struct participants *p, struct pg_txn *txn, bool *ended, struct store_append_state *head,
			 const struct participant_change *change, const uint8_t *request, char **payload)
{
	const struct store_fence fence = steward_fence(p->ctx);
	const struct store_append_ask ask = {.nentries = 1};
	struct store_participant_request answer = {.key = pg_text(p->key)};
	uint8_t claimed[32];
	struct pg_op op = {0};
	int rc = pg_wait(p->ctx->base, &op, store_append_lock(txn, &op, head, &ask));

	if (rc == 0)
		rc = store_duty_fence(txn, &fence);
	if (rc == 0)
		rc = make_row(p, &p->entries[0], change, log_append_at(head), payload);
	if (rc == 0)
		rc = participant_state_apply(&p->state, change, head->head.size, log_append_at(head));
	note_messages(p, change, head->head.size);
	participant_change_handle_hash(claimed, change->handle);
	if (rc == 0)
		rc = participants_put(p, txn, change->verb == PARTICIPANT_CLAIM ? claimed : NULL);
	if (request)
		memcpy(answer.hash, request, sizeof(answer.hash));
	answer.seq = head->head.size;
	if (rc == 0 && request)
		rc = store_participant_answer(txn, &answer);
	FAILPOINT("participants.commit");
	if (rc == 0)
		rc = log_append_commit(&p->append, txn, ended, head, p->entries, 1, false);
	FAILPOINT("participants.committed");
	return rc;
}

int participants_append(struct participants *p, const struct participant_change *change, const uint8_t *request)
{
	struct store_append_state head = {0};
	struct pg_txn *txn = NULL;
	char *payload = NULL;
	bool ended = false;
	int rc;

	if (change->verb == PARTICIPANT_CLAIM)
		new_key(p->key);
	rc = pg_txn_begin(p->ctx->pg, &txn);
	if (rc == 0)
		rc = append_locked(p, txn, &ended, &head, change, request, &payload);
	if (txn && !ended)
		pg_txn_rollback(txn);
	store_append_state_clear(&head);
	free(payload);
	if (rc == 0)
		log_info(log_msg("participant changed"), log_str("key", p->key), log_str("verb", participant_verb_word(change->verb)),
			 log_u64("seq", p->state.seq));
	return rc;
}

/* ---- judging ---- */

static int refuse(struct participants *p, const uint8_t request[static 32], const char *rule)
{
	const struct store_fence fence = steward_fence(p->ctx);
	struct store_participant_request answer = {.rule = pg_text(rule)};
	struct pg_op op = {0};
	int rc;

	memcpy(answer.hash, request, sizeof(answer.hash));
	FAILPOINT("participants.refuse");
	rc = pg_wait(p->ctx->base, &op, store_participant_refuse(p->ctx->pg, &op, &fence, &answer));
	if (rc == 0)
		metrics_add(METRIC_PARTICIPANTS_REFUSED, 1);
	return rc;
}

/* Whether a message of it counted before: it counts once. */
static int was_used(struct participants *p, const struct participant_change *change, bool *used)
{
	uint8_t hashes[PARTICIPANT_SIGNERS_MAX][32];
	struct store_participant_messages list;
	struct pg_op op = {0};
	int rc;

	for (size_t i = 0; i < change->nsigners; i++)
		memcpy(hashes[i], change->signers[i].hash, 32);
	rc = pg_wait(p->ctx->base, &op, store_participant_messages(p->reader, &op, &list, hashes, change->nsigners));
	if (rc != 0)
		return rc;
	*used = list.n > 0;
	store_participant_messages_clear(&list);
	return 0;
}

static int claim_facts(struct participants *p, const struct participant_change *change, struct participant_claim *out)
{
	struct store_participant_claim facts;
	uint8_t claimed[32];
	struct pg_op op = {0};
	int rc;

	*out = (struct participant_claim){.taken = false};
	if (change->verb != PARTICIPANT_CLAIM || change->nsigners != 1)
		return 0;
	participant_change_handle_hash(claimed, change->handle);
	rc = pg_wait(p->ctx->base, &op,
		     store_participant_claim(p->reader, &op, &facts, pg_text(change->handle), claimed, change->signers[0].account.chain,
					     change->signers[0].account.address.bytes));
	if (rc == 0)
		*out = (struct participant_claim){.taken = facts.taken, .erased = facts.claimed_once, .has_another = facts.has_another,
						  .quota = facts.today >= p->ctx->config->participant_quota};
	return rc;
}

/* *rule: why not; NULL: it may. */
static int judge(struct participants *p, struct participant_change *change, const char **rule)
{
	struct participant_claim claim;
	bool used = false;
	int rc = participants_load(p, change->handle);

	if (rc == 0)
		rc = was_used(p, change, &used);
	if (rc == 0)
		rc = claim_facts(p, change, &claim);
	if (rc != 0)
		return rc;
	*rule = used ? "replayed" : participant_state_judge(change, &p->state, &claim);
	return 0;
}

static int answer_change(struct participants *p, const struct store_participant_request *request)
{
	struct participant_change change;
	const char *rule = NULL;
	int rc = participant_payload_read(&change, (const char *)request->body.data, request->body.len);

	if (rc == -EBADMSG)
		return refuse(p, request->hash, "internal");
	if (rc != 0)
		return rc;
	rc = judge(p, &change, &rule);
	if (rc == 0 && rule) {
		rc = refuse(p, request->hash, rule);
	} else if (rc == 0 && change.verb == PARTICIPANT_ERASE) {
		struct participants_cause cause = {.by = ENTRY_BY_PARTICIPANT, .reason = ENTRY_FOR_REQUEST};

		participant_change_uid(cause.request, &change);
		rc = participants_erase(p, request->hash, &cause);
	} else if (rc == 0) {
		rc = participants_append(p, &change, request->hash);
	}
	if (rc == 0 && !rule)
		metrics_add(METRIC_PARTICIPANTS_CHANGED, 1);
	if (rc == 0 && !rule && change.verb == PARTICIPANT_LINK && change.object.kind == PARTICIPANT_AGENT)
		participants_lapse_from(p, &change.object.agent, change.read.latest.number);
	participant_change_clear(&change);
	return rc;
}

/* ---- what the operator wants: docs/operation.md ---- */

static bool read_cause(struct participants_cause *out, const json_t *body)
{
	static const char *const reasons[] = {[ENTRY_FOR_REQUEST] = "request", [ENTRY_FOR_LAW] = "law", [ENTRY_FOR_MISTAKE] = "mistake"};
	const char *reason = json_string_value(json_object_get(body, "reason"));
	const char *request = json_string_value(json_object_get(body, "request"));
	size_t len = 0;

	*out = (struct participants_cause){.by = ENTRY_BY_OPERATOR};
	if (!reason || (request && (sodium_hex2bin(out->request, 32, request, strlen(request), NULL, &len, NULL) != 0 || len != 32)))
		return false;
	for (enum entry_reason i = ENTRY_FOR_REQUEST; i <= ENTRY_FOR_MISTAKE; i++) {
		out->reason = i;
		if (strcmp(reason, reasons[i]) == 0)
			return true;
	}
	return false;
}

static int erase_for_operator(struct participants *p, const uint8_t request[static 32], const json_t *body)
{
	const char *handle = json_string_value(json_object_get(body, "handle"));
	char folded[PARTICIPANT_HANDLE_SIZE];
	struct participants_cause cause;
	int rc;

	if (!handle || participant_handle_fold(folded, handle, strlen(handle)) != 0 || !read_cause(&cause, body))
		return refuse(p, request, "internal");
	rc = participants_load(p, folded);
	if (rc != 0)
		return rc;
	if (p->state.life != PARTICIPANT_LIVE)
		return refuse(p, request, p->state.life == PARTICIPANT_ERASED ? "erased" : "no-participant");
	rc = participants_erase(p, request, &cause);
	if (rc == 0)
		metrics_add(METRIC_PARTICIPANTS_CHANGED, 1);
	return rc;
}

static int answer_operator(struct participants *p, const struct store_participant_request *request)
{
	struct jcs_error err;
	json_t *body = NULL;
	const char *verb;
	int rc = jcs_parse(&body, &err, (const char *)request->body.data, request->body.len, NULL);

	if (rc == -ENOMEM)
		return rc;
	verb = json_string_value(json_object_get(body, "verb"));
	if (verb && strcmp(verb, "erase") == 0)
		rc = erase_for_operator(p, request->hash, body);
	else if (verb && strcmp(verb, "rebuild") == 0)
		rc = participants_rebuild(p, request->hash);
	else
		rc = refuse(p, request->hash, "internal");
	json_decref(body);
	return rc;
}

/* ---- the duty ---- */

/* A failure of this request alone: it would fail for ever, and everything behind it wait. */
bool participants_is_its_own(int rc)
{
	return rc == -EPROTO || rc == -EINVAL || rc == -EBADMSG || rc == -EOVERFLOW || rc == -EEXIST || rc == -ENOENT || rc == -ENOSPC;
}

static int answer_one(struct participants *p, const struct store_participant_request *request)
{
	int rc = request->by_operator ? answer_operator(p, request) : answer_change(p, request);

	if (!participants_is_its_own(rc))
		return rc;
	log_error(log_msg("a request about a participant failed"), log_rc(rc));
	return refuse(p, request->hash, "internal");
}

static int sweep(struct participants *p)
{
	const struct store_fence fence = steward_fence(p->ctx);
	struct pg_op op = {0};
	uint64_t now = clock_wall_ms();

	if (now >= p->swept_ms && now < p->swept_ms + SWEEP_MS)
		return 0;
	p->swept_ms = now;
	return pg_wait(p->ctx->base, &op, store_participant_sweep(p->ctx->pg, &op, &fence, PARTICIPANTS_KEPT_MS));
}

static int round_of_answers(void *arg, bool *more)
{
	struct participants *p = arg;
	struct store_participant_requests list;
	struct pg_op op = {0};
	int rc = pg_wait(p->ctx->base, &op, store_participant_open(p->reader, &op, &list, REQUESTS_AT_ONCE));

	if (rc != 0)
		return rc;
	*more = list.n == REQUESTS_AT_ONCE;
	for (size_t i = 0; rc == 0 && i < list.n && steward_held(p->ctx); i++)
		rc = answer_one(p, &list.rows[i]);
	store_participant_requests_clear(&list);
	if (rc == 0)
		rc = participants_lapse(p, more);
	return rc == 0 ? sweep(p) : rc;
}

static void on_taken(void *arg)
{
	struct participants *p = arg;

	memset(&p->lapses, 0, sizeof(p->lapses));
}

static const struct steward_rounds rounds = {.round = round_of_answers, .taken = on_taken, .pause_ms = PARTICIPANTS_PAUSE_MS,
					     .failure = "participants not changed"};

static void on_request(void *arg, const char *channel, const char *payload)
{
	(void)channel;
	(void)payload;
	steward_wake(arg);
}

static void on_listening(void *arg)
{
	steward_wake(arg);
}

int steward_participants_run(struct steward_context *ctx)
{
	struct participants *p = calloc(1, sizeof(*p));
	const struct listen_config config = {.conninfo = ctx->config->database, .channels = {"kedge_participant_request", "kedge_index"},
					     .on_notify = on_request, .on_ready = on_listening, .arg = ctx};
	struct listen *listen = NULL;
	struct config_error why;
	int rc = p && sodium_init() >= 0 ? log_append_init(&p->append, ctx->base) : -ENOMEM;

	if (!p)
		return rc;
	p->ctx = ctx;
	if (rc == 0 && (rc = chains_load(&p->chains, &why, ctx->config)) != 0)
		log_error(log_msg("settings"), log_str("why", why.text));
	if (rc == 0)
		rc = store_open(&p->reader, ctx->base, ctx->config->database, "kedge participants reader", STORE_READER, NULL, NULL);
	if (rc == 0)
		rc = listen_open(&listen, ctx->base, &config);
	if (rc == 0)
		rc = steward_rounds(ctx, &rounds, p);
	listen_close(listen);
	pg_close(p->reader);
	participant_state_clear(&p->state);
	log_append_clear(&p->append);
	free(p);
	return rc;
}
