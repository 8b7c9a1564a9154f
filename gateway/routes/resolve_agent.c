/* Agents of this host. A version is a block number or an instant, answered as of then from the index; the document is what the current one was
 * then. */
#include "gateway/routes/resolve.h"

#include <errno.h>
#include <string.h>

static const char current_cache[] = "public, max-age=2, must-revalidate";
static const char final_cache[] = "public, max-age=3600";

/* The document and, from `split` on, its metadata. One for all answers: each is written and handed over within one call of the loop, and
 * the buffer soon has the room that most of them need. */
static struct jcs_buffer texts;
static size_t split;

static void hand_over(struct resolving *r, struct resolve_found *found)
{
	found->document = (struct resolution_text){texts.data, split};
	found->metadata = (struct resolution_text){texts.data + split, texts.len - split};
	resolve_found(r, found);
}

/* ---- now ---- */

static int write_now(const struct resolving *r, const struct reading_now *now)
{
	json_auto_t *dropped = NULL;
	int rc;

	texts.len = 0;
	rc = view_now_document(&texts, &dropped, r->service, &r->key, now);
	split = texts.len;
	return rc == 0 ? view_now_metadata(&texts, now, dropped) : rc;
}

static void on_now(void *arg, int err, const struct reading_now *now)
{
	struct resolving *r = arg;

	if (err != 0) {
		resolve_later(r, 1, "The chain cannot be read now; try again.");
		return;
	}
	if (!now->latest.exists) {
		resolve_error(r, RESOLUTION_NOT_FOUND, "The registry has no agent with this id.");
		return;
	}
	/* what the node said has no version, and the index may know it in a moment: kept only where there is no index */
	if (write_now(r, now) == 0)
		hand_over(r, &(struct resolve_found){.cache = current_cache, .agent = &r->key, .heads = now,
							     .keep = now->indexed || r->registry->in_index == 0});
	else
		resolve_error(r, RESOLUTION_INTERNAL_ERROR, NULL);
}

bool resolve_send_ready(struct resolving *r)
{
	const struct heads_set *heads;
	struct http_response *ready = NULL;

	if (r->host)
		ready = documents_find(r->service->documents, NULL, r->type, NULL, NULL);
	/* the same heads that reading_now() would ask about, and as fresh */
	else if (r->registry && heads_get(&heads, &r->registry->chain->heads, HEADS_AGE_MAX_MS) == 0)
		ready = documents_find(r->service->documents, &r->key, r->type, &heads->safe.hash, &heads->latest.hash);
	if (ready)
		http_reply_shared(r->req, ready);
	return ready != NULL;
}

/* ---- then ---- */

static void reply_not_then(struct resolving *r, int err)
{
	switch (err) {
	case -ENOENT:
		resolve_error(r, RESOLUTION_NOT_FOUND, "The agent did not exist then.");
		break;
	case -ERANGE:
		resolve_error(r, RESOLUTION_NOT_FOUND, "There is no such block yet.");
		break;
	case -EALREADY:
		resolve_later(r, 1, "The index has not come to that block yet, and the node does not say what was then; try again later.");
		break;
	default:
		resolve_later(r, 1, "The chain cannot be read now; try again.");
	}
}

static int write_then(const struct resolving *r, const struct reading_at *at)
{
	int rc;

	texts.len = 0;
	rc = view_at_document(&texts, r->service, &r->key, at);
	split = texts.len;
	return rc == 0 ? view_at_metadata(&texts, at) : rc;
}

static void on_then(void *arg, int err, const struct reading_at *at)
{
	struct resolving *r = arg;
	bool final;

	if (err != 0 || !at->state.exists) {
		reply_not_then(r, err != 0 ? err : -ENOENT);
		return;
	}
	/* The document of a final block does not change with the chain, only with the settings (wallet_authentication); what stands
	 * beside it does until every key in it has ended. */
	final = at->indexed && strcmp(at->finality, "final") == 0;
	if (write_then(r, at) == 0)
		hand_over(r, &(struct resolve_found){.cache = final ? final_cache : current_cache,
							     .cache_metadata = final && view_at_is_settled(at) ? final_cache : current_cache,
							     .modified = view_at_modified(at)});
	else
		resolve_error(r, RESOLUTION_INTERNAL_ERROR, NULL);
}

/* ---- which ---- */

bool resolve_is_agent(struct resolving *r)
{
	const struct did_slice *did = &r->request.url.did;

	if (agent_did_parse(&r->key, did->ptr, did->len, &r->service->defaults) == 0)
		r->registry = service_registry(r->service, &r->key);
	return r->registry != NULL;
}

void resolve_agent(struct resolving *r)
{
	const struct resolution_options *options = &r->request.options;
	struct reading_when when = {.by_time = options->has_version_time, .at = options->version_id};

	if (options->has_version_time)
		when.at = options->version_time > 0 ? (uint64_t)options->version_time : 0;
	if (resolve_wants_version(r))
		reading_at(r->req, r->registry, &r->key, &when, on_then, r);
	else
		reading_now(r->req, r->registry, &r->key, READING_FILE, on_now, r);
}
