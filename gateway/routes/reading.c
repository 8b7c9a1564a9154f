#include "gateway/routes/reading.h"

#include "did/resolution.h"
#include "gateway/identity/agent.h"
#include "gateway/runtime/clock.h"
#include "gateway/runtime/metrics.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { SAFE, LATEST };

struct now_read {
	struct http_request *req;
	const struct service_registry *registry;
	struct agent_key key;
	enum reading_parts parts;
	reading_on_now *on_now;
	void *arg;
	struct heads_set heads;
	unsigned waiting; /* for answers of the store */
	struct pg_op op, file_op;
	struct store_resolve_list list;
	struct store_agent_file stored;
	struct link_list *links;
	struct reading_now now;
};

struct at_read {
	struct http_request *req;
	const struct service_registry *registry;
	struct agent_key key;
	struct reading_when when;
	reading_on_at *on_at;
	void *arg;
	struct store_mark safe;
	struct pg_op op;
	struct store_resolve_list list;
	struct reading_at at;
	char *uri; /* taken from a direct read */
};

const char *reading_finality(const struct reading_scope *scope, uint64_t number)
{
	if (scope->has_final && number <= scope->final)
		return "final";
	return scope->has_safe && number <= scope->safe ? "safe" : "latest";
}

static struct store_mark mark_of(const struct heads_block *block)
{
	struct store_mark mark = {.known = true, .number = block->number, .time = block->time};

	memcpy(mark.hash, block->hash.bytes, 32);
	return mark;
}

struct store_mark reading_safe(const struct service_registry *registry)
{
	const struct heads_set *heads;

	if (heads_get(&heads, &registry->chain->heads, HEADS_AGE_MAX_MS) != 0)
		return (struct store_mark){.known = false};
	return mark_of(&heads->safe);
}

struct reading_scope reading_scope_of(const struct store_reach *reach, const struct store_mark *safe)
{
	return (struct reading_scope){.has_final = true, .final = reach->index.final_number,
				      .has_safe = safe->known && reach->safe_holds, .safe = safe->number};
}

static struct reading_scope scope_of_heads(const struct service_registry *registry)
{
	const struct heads_set *heads;

	if (heads_get(&heads, &registry->chain->heads, HEADS_AGE_MAX_MS) != 0)
		return (struct reading_scope){.has_final = false};
	return (struct reading_scope){.has_final = true, .final = heads->finalized.number, .has_safe = true, .safe = heads->safe.number};
}

static struct reading_state state_of_row(const struct store_resolved *row)
{
	struct reading_state state = {.exists = row->exists, .tier = row->state.tier};

	if (!row->exists)
		return state;
	memcpy(state.owner.bytes, row->state.owner, 20);
	if (row->state.has_wallet)
		memcpy(state.wallet.bytes, row->state.wallet, 20);
	state.uri = row->state.uri;
	return state;
}

static struct reading_state state_of_node(const struct agent_state *read)
{
	return (struct reading_state){.exists = read->exists, .owner = read->owner, .wallet = read->wallet, .tier = STORE_TIER_RPC,
				      .uri = {.data = (const uint8_t *)read->uri, .len = read->uri_len}};
}

/* ---- now ---- */

static void drop_now(void *arg)
{
	struct now_read *read = arg;

	store_resolve_clear(&read->list);
	store_agent_file_clear(&read->stored);
	link_list_free(read->links);
}

static void on_pair(void *arg, int err, struct agent_pair *pair)
{
	struct now_read *read = arg;
	struct reading_now *now = &read->now;

	if (err != 0) {
		read->on_now(read->arg, err, NULL);
		return;
	}
	now->safe = state_of_node(&pair->safe);
	now->latest = state_of_node(&pair->latest);
	read->on_now(read->arg, 0, now);
}

/* A snapshot says something only of the URI it was fetched from. A server that is away for a while takes nothing back; one that
 * is away for long does. */
static const struct store_file *file_of(const struct now_read *read)
{
	const struct store_resolved *rows = read->list.rows;
	const struct store_file *file = read->stored.has_file ? &read->stored.file : NULL;

	if (file && file->seen + READING_FILE_MS < clock_wall_ms())
		return NULL;
	for (size_t i = SAFE; file && i <= LATEST; i++) {
		const struct pg_bytes *uri = &rows[i].state.uri;

		if (!rows[i].exists || uri->len != file->uri.len || (uri->len > 0 && memcmp(uri->data, file->uri.data, uri->len) != 0))
			return NULL;
	}
	return file;
}

/* What comes from the index beside the authorities. Of a file and of links it may be a moment behind, as it is after every block: where the
 * services are is no question of authority, and must not come and go with it. One that is being made, or has an alarm, knows neither. */
static void add_file(struct now_read *read)
{
	struct reading_now *now = &read->now;
	uint64_t latest = read->heads.latest.number;

	if (!(read->parts & READING_FILE) || read->file_op.err != 0 || read->op.err != 0 || read->list.n != 2 ||
	    !store_reach_has(&read->list.rows[LATEST].reach, latest > READING_BEHIND ? latest - READING_BEHIND : 0))
		return;
	now->file = file_of(read);
	now->links_known = reading_links(&read->links, http_user(read->req), &read->key, now, &read->stored.links) == 0;
	now->links = read->links;
}

static struct reading_state state_of_verdict(const struct authority_at *at)
{
	return (struct reading_state){.exists = at->exists, .owner = at->owner, .wallet = at->wallet, .tier = STORE_TIER_RPC};
}

static void on_verdict(void *arg, int err, const struct authority *verdicts, size_t n)
{
	struct now_read *read = arg;
	struct reading_now *now = &read->now;

	if (err == 0 && n == 1)
		err = verdicts[0].err;
	if (err != 0) {
		read->on_now(read->arg, err, NULL);
		return;
	}
	/* the cache may have newer heads than those seen before the index was asked */
	now->safe_block = mark_of(&verdicts[0].safe_block);
	now->latest_block = mark_of(&verdicts[0].latest_block);
	now->safe = state_of_verdict(&verdicts[0].safe);
	now->latest = state_of_verdict(&verdicts[0].latest);
	add_file(read);
	read->on_now(read->arg, 0, now);
}

/* Without the URI the authority cache has it, or reads it for all who ask at once. */
static void ask_node(struct now_read *read)
{
	struct service_chain *chain = read->registry->chain;
	int rc;

	if (http_answered(read->req)) { /* it has its answer, or has gone: nobody waits for the node's */
		read->on_now(read->arg, -ETIMEDOUT, NULL);
		return;
	}
	metrics_add(METRIC_AGENT_READS_CHAIN, 1);
	read->now = (struct reading_now){.scope = scope_of_heads(read->registry), .safe_block = mark_of(&read->heads.safe),
					 .latest_block = mark_of(&read->heads.latest)};
	if (read->parts & READING_URI)
		rc = agent_read_pair(chain->rpc_reads, &read->key, &read->heads, true, SERVICE_RPC_MS, on_pair, read);
	else
		rc = authority_get(chain->authority, &read->key, on_verdict, read);
	if (rc != 0)
		read->on_now(read->arg, rc, NULL);
}

static bool is_block(const struct store_mark *mark, const struct heads_block *block)
{
	return mark->known && mark->number == block->number && memcmp(mark->hash, block->hash.bytes, 32) == 0;
}

static void on_stored(struct pg_op *op)
{
	struct now_read *read = op->arg;
	const struct store_resolved *rows = read->list.rows;

	if (--read->waiting > 0)
		return;
	if (read->op.err != 0 || !store_reach_has(&rows[LATEST].reach, read->heads.latest.number) ||
	    !is_block(&rows[SAFE].at, &read->heads.safe) || !is_block(&rows[LATEST].at, &read->heads.latest)) {
		ask_node(read);
		return;
	}
	metrics_add(METRIC_AGENT_READS_INDEX, 1);
	read->now = (struct reading_now){.indexed = true, .safe_block = rows[SAFE].at, .latest_block = rows[LATEST].at,
					 .safe = state_of_row(&rows[SAFE]), .latest = state_of_row(&rows[LATEST]),
					 .row = &rows[LATEST]};
	read->now.scope = reading_scope_of(&rows[LATEST].reach, &read->now.safe_block);
	add_file(read);
	read->on_now(read->arg, 0, &read->now);
}

/* Both questions travel together. */
static void ask_store(struct now_read *read, const struct store_mark *safe)
{
	struct service *service = http_user(read->req);
	uint32_t registry = read->registry->in_index;
	uint8_t id[32];

	u256_to_bytes(id, &read->key.id);
	if (store_resolve_pair(service->resolver, &read->op, &read->list, registry, id, safe, read->heads.latest.number) != 0) {
		ask_node(read);
		return;
	}
	read->waiting = 1;
	if (read->parts & READING_FILE && store_agent_file(service->resolver, &read->file_op, &read->stored, registry, id) == 0)
		read->waiting = 2;
	else
		read->parts &= ~(unsigned)READING_FILE;
}

void reading_now(struct http_request *req, const struct service_registry *registry, const struct agent_key *key,
		 enum reading_parts parts, reading_on_now *on_now, void *arg)
{
	struct now_read *read = http_alloc(req, sizeof(*read));
	const struct heads_set *heads;
	struct store_mark safe;
	int rc = read ? heads_get(&heads, &registry->chain->heads, HEADS_AGE_MAX_MS) : -ENOMEM;

	if (rc == 0)
		rc = http_defer(req, drop_now, read);
	if (rc != 0) {
		on_now(arg, rc, NULL);
		return;
	}
	*read = (struct now_read){.req = req, .registry = registry, .key = *key, .parts = parts, .on_now = on_now, .arg = arg,
				  .heads = *heads, .op = {.on_done = on_stored, .arg = read}};
	read->file_op = read->op;
	safe = mark_of(&heads->safe);
	if (registry->in_index != 0)
		ask_store(read, &safe);
	else
		ask_node(read);
}

/* ---- at a point of the past ---- */

/* Takes the fraction out: "2026-11-20T17:00:00.25Z" becomes 250 and the time without it. */
static int take_fraction(char plain[static 21], unsigned *ms, const char *text, size_t length)
{
	enum { WHOLE = 19 };
	size_t digits = length > WHOLE && text[WHOLE] == '.' ? strspn(text + WHOLE + 1, "0123456789") : 0;

	if (digits == 0 || digits > 9 || strcmp(text + WHOLE + 1 + digits, "Z") != 0)
		return -EBADMSG;
	memcpy(plain, text, WHOLE);
	memcpy(plain + WHOLE, "Z", 2);
	*ms = 0;
	for (size_t i = 0; i < 3; i++)
		*ms = *ms * 10 + (i < digits ? (unsigned)(text[WHOLE + 1 + i] - '0') : 0);
	return 0;
}

int reading_when_parse(struct reading_when *out, const char *text)
{
	size_t length = strlen(text), digits = strspn(text, "0123456789");
	char plain[21];
	unsigned ms = 0;
	int64_t seconds;

	if (digits == length && length > 0 && length <= 19 && (length == 1 || text[0] != '0')) {
		*out = (struct reading_when){.at = strtoull(text, NULL, 10)};
		return out->at <= INT64_MAX ? 0 : -EBADMSG;
	}
	if (take_fraction(plain, &ms, text, length) == 0) {
		text = plain;
		length = strlen(plain);
	}
	if (resolution_time_parse(&seconds, text, length) != 0 || seconds < 0)
		return -EBADMSG;
	*out = (struct reading_when){.by_time = true, .at = (uint64_t)seconds, .ms = ms};
	return 0;
}

bool reading_is_settled(const struct reading_at *at)
{
	return at->indexed && strcmp(at->finality, "final") == 0 && at->state.exists && at->row->held.until.known &&
	       at->row->held.until.number <= at->scope.final;
}

static void drop_at(void *arg)
{
	struct at_read *read = arg;

	store_resolve_clear(&read->list);
	free(read->uri);
}

static void on_node(void *arg, int err, const struct heads_block *block, struct agent_state *state)
{
	struct at_read *read = arg;
	struct reading_at *at = &read->at;

	if (err == 0 && read->when.by_time && block->time > read->when.at)
		err = -ESTALE;
	if (err != 0) {
		/* -ENOENT: no such block; -ESTALE: its state is not kept */
		read->on_at(read->arg, err == -ENOENT ? -ERANGE : err == -ESTALE ? -EALREADY : err, NULL);
		return;
	}
	*at = (struct reading_at){.scope = scope_of_heads(read->registry), .has_number = true, .number = block->number,
				  .block = mark_of(block), .state = state_of_node(state)};
	at->finality = reading_finality(&at->scope, block->number);
	read->uri = state->uri;
	state->uri = NULL;
	read->on_at(read->arg, 0, at);
}

/* Of instants the node is asked only whether its newest block is not later: which one was the newest at an earlier instant is
 * a search that no one call answers. */
static void ask_node_at(struct at_read *read)
{
	struct eth_rpc_at block = read->when.by_time ? eth_rpc_at_tag(ETH_RPC_LATEST) : eth_rpc_at_number(read->when.at);
	const struct heads_set *heads;
	int rc = heads_get(&heads, &read->registry->chain->heads, HEADS_AGE_MAX_MS);

	if (http_answered(read->req)) {
		read->on_at(read->arg, -ETIMEDOUT, NULL);
		return;
	}
	if (read->when.by_time ? read->when.at > clock_wall_ms() / 1000 : rc == 0 && read->when.at > heads->latest.number)
		rc = -ERANGE;
	if (rc == 0) {
		metrics_add(METRIC_AGENT_READS_CHAIN, 1);
		rc = agent_read_at(read->registry->chain->rpc_reads, &read->key, &block, true, SERVICE_RPC_MS, on_node, read);
	}
	if (rc != 0)
		read->on_at(read->arg, rc, NULL);
}

/* Whether the index knows all up to that instant. Beyond its tip it does only while the tip is the head: then nothing
 * younger is known to anybody. */
static bool has_instant(const struct at_read *read, const struct store_resolved *row)
{
	const struct store_reach *reach = &row->reach;
	const struct heads_set *heads;

	if (!store_reach_has(reach, reach->index.tip_number))
		return false;
	if (read->when.at <= reach->index.tip_time)
		return true;
	return read->when.at <= clock_wall_ms() / 1000 && heads_get(&heads, &read->registry->chain->heads, HEADS_AGE_MAX_MS) == 0 &&
	       memcmp(heads->latest.hash.bytes, reach->index.tip_hash, 32) == 0;
}

static const char *finality_of_instant(const struct reading_at *at, const struct store_resolved *row, uint64_t time)
{
	if (row->reach.final_time != 0 && time <= row->reach.final_time)
		return "final";
	/* a safe block at that very instant, or before a younger safe one */
	if (at->has_number && at->scope.has_safe && (at->number < at->scope.safe || (at->number == at->scope.safe && time == row->at.time)))
		return "safe";
	return "latest";
}

static void on_row(struct pg_op *op)
{
	struct at_read *read = op->arg;
	const struct store_resolved *row = read->list.rows;
	struct reading_at *at = &read->at;

	if (op->err != 0 || !(read->when.by_time ? has_instant(read, row) : store_reach_has(&row->reach, read->when.at))) {
		ask_node_at(read);
		return;
	}
	metrics_add(METRIC_AGENT_READS_INDEX, 1);
	*at = (struct reading_at){.indexed = true, .scope = reading_scope_of(&row->reach, &read->safe), .row = row,
				  .state = state_of_row(row), .number = read->when.at, .has_number = true, .block = row->at};
	if (read->when.by_time) {
		/* below the final block only blocks with events are kept: the true one may be a later, quiet one */
		at->has_number = row->at.known && row->at.number >= row->reach.index.final_number;
		at->number = at->has_number ? row->at.number : 0;
		at->block.known = at->has_number;
		at->finality = finality_of_instant(at, row, read->when.at);
	} else {
		at->finality = reading_finality(&at->scope, at->number);
	}
	read->on_at(read->arg, 0, at);
}

void reading_at(struct http_request *req, const struct service_registry *registry, const struct agent_key *key,
		const struct reading_when *when, reading_on_at *on_at, void *arg)
{
	struct at_read *read = http_alloc(req, sizeof(*read));
	int rc = read ? http_defer(req, drop_at, read) : -ENOMEM;
	const struct store_mark *safe;
	struct service *service = http_user(req);
	uint8_t id[32];

	if (rc == 0 && !when->by_time && when->at < registry->start)
		rc = -ENOENT;
	if (rc != 0) {
		on_at(arg, rc, NULL);
		return;
	}
	*read = (struct at_read){.req = req, .registry = registry, .key = *key, .when = *when, .on_at = on_at, .arg = arg,
				 .safe = reading_safe(registry), .op = {.on_done = on_row, .arg = read}};
	safe = read->safe.known ? &read->safe : NULL;
	u256_to_bytes(id, &key->id);
	rc = -ENOENT;
	if (registry->in_index != 0 && when->by_time)
		rc = store_resolve_time(service->resolver, &read->op, &read->list, registry->in_index, id, safe, when->at);
	else if (registry->in_index != 0)
		rc = store_resolve(service->resolver, &read->op, &read->list, registry->in_index, id, safe, &when->at, 1);
	if (rc != 0)
		ask_node_at(read);
}
