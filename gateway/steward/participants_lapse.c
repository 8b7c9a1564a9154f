/* The end of links with agents: an owner's consent ends with the first final block in which another owns the agent, and stays so when the agent comes
 * back. What a registry's blocks changed is looked at as they become final; all links are when the duty is taken, after an alarm, and now
 * and then, since blocks that were stored may be mended. */
#include "gateway/steward/participants_internal.h"

#include "gateway/runtime/clock.h"
#include "gateway/runtime/log.h"
#include "gateway/runtime/metrics.h"

#include <errno.h>
#include <sodium.h>
#include <string.h>

enum { LINKS_AT_ONCE = 500, ALL_MS = 3600000 };

/* ---- one lapse ---- */

static struct agent_key agent_of(const struct store_lapse *lapse)
{
	struct agent_key key = {.chain = lapse->chain_id};

	memcpy(key.registry.bytes, lapse->registry, sizeof(lapse->registry));
	u256_from_bytes(&key.id, lapse->agent_id);
	return key;
}

/* NULL: it is gone, or another by now. */
static const struct participant_state_agent *find_link(const struct participants *p, const struct store_lapse *lapse)
{
	struct agent_key key = agent_of(lapse);

	if (p->state.life != PARTICIPANT_LIVE)
		return NULL;
	for (size_t i = 0; i < p->state.nagents; i++)
		if (p->state.agents[i].seq == lapse->seq && agent_key_compare(&p->state.agents[i].agent, &key) == 0)
			return &p->state.agents[i];
	return NULL;
}

static int append(struct participants *p, const struct participant_state_agent *link, const struct store_lapse *lapse)
{
	struct participant_change change = {.verb = PARTICIPANT_LAPSE, .object = {.kind = PARTICIPANT_AGENT, .agent = link->agent}, .has_owner = true,
					    .link = link->seq, .final = {.number = lapse->number}};

	memcpy(change.object.text, link->did, sizeof(change.object.text));
	memcpy(change.owner.bytes, lapse->owner, sizeof(change.owner.bytes));
	memcpy(change.final.hash, lapse->hash, sizeof(change.final.hash));
	randombytes_buf(change.salt, sizeof(change.salt));
	return participants_append(p, &change, NULL);
}

/* 1: done. 0: nothing to do, or it cannot be done. */
static int end_link(struct participants *p, const struct store_lapse *lapse)
{
	const struct participant_state_agent *link;
	char handle[PARTICIPANT_HANDLE_SIZE];
	int rc;

	if (lapse->handle.len >= sizeof(handle))
		return 0;
	memcpy(handle, lapse->handle.data, lapse->handle.len);
	handle[lapse->handle.len] = '\0';
	rc = participants_load(p, handle);
	link = rc == 0 ? find_link(p, lapse) : NULL;
	if (link)
		rc = append(p, link, lapse);
	if (rc == 0 && link)
		metrics_add(METRIC_PARTICIPANTS_LAPSED, 1);
	if (!participants_is_its_own(rc))
		return rc == 0 ? link != NULL : rc;
	log_error(log_msg("a link could not lapse"), log_str("handle", handle), log_u64("link", lapse->seq), log_rc(rc));
	return 0;
}

static int end_links(struct participants *p, const struct store_lapses *list, size_t *n)
{
	int rc = 0;

	for (size_t i = 0; rc >= 0 && i < list->n && steward_held(p->ctx); i++) {
		const struct agent_key key = agent_of(&list->rows[i]);

		/* of a registry that this gateway left nothing is said any more */
		if (!list->rows[i].lapsed || !chains_registry(&p->chains, key.chain, &key.registry))
			continue;
		rc = end_link(p, &list->rows[i]);
		*n += rc == 1;
	}
	return rc < 0 ? rc : steward_held(p->ctx) ? 0 : -ECANCELED;
}

/* ---- what became final ---- */

static struct participants_reach *find_reach(struct participants_lapses *lapses, uint32_t registry)
{
	for (size_t i = 0; i < lapses->nreaches; i++)
		if (lapses->reaches[i].registry == registry)
			return &lapses->reaches[i];
	return NULL;
}

static int look_since(struct participants *p, struct participants_reach *known, uint64_t upto, bool *more)
{
	struct store_lapses list;
	struct pg_op op = {0};
	size_t done = 0;
	int rc = pg_wait(p->ctx->base, &op, store_lapses_since(p->reader, &op, &list, known->registry, known->number, upto, LINKS_AT_ONCE));

	if (rc != 0)
		return rc;
	rc = end_links(p, &list, &done);
	/* as long as some of them go, those behind the limit come nearer */
	if (rc == 0 && list.n == LINKS_AT_ONCE && done > 0)
		*more = true;
	else if (rc == 0)
		known->number = upto;
	store_lapses_clear(&list);
	return rc;
}

void participants_lapse_from(struct participants *p, const struct agent_key *agent, uint64_t number)
{
	struct participants_lapses *lapses = &p->lapses;

	for (size_t i = 0; i < lapses->nreaches; i++) {
		struct participants_reach *known = &lapses->reaches[i];

		if (known->chain_id == agent->chain && memcmp(known->address, agent->registry.bytes, 20) == 0 && known->number > number)
			known->number = number;
	}
	/* those that the look at all links has passed */
	for (size_t i = 0; i < lapses->nthen; i++)
		if (lapses->then[i].chain_id == agent->chain && lapses->then[i].number > number)
			lapses->then[i].number = number;
}

/* ---- all links ---- */

static void begin_all(struct participants_lapses *lapses, const struct participants_reach *now, size_t n)
{
	lapses->all = true;
	lapses->begun = false;
	lapses->all_ms = clock_steady_ms();
	lapses->nthen = n;
	memcpy(lapses->then, now, n * sizeof(*now));
}

static void end_all(struct participants_lapses *lapses)
{
	lapses->all = false;
	lapses->nreaches = lapses->nthen;
	memcpy(lapses->reaches, lapses->then, lapses->nthen * sizeof(lapses->then[0]));
	lapses->nthen = 0;
}

static int look_among(struct participants *p, bool *more)
{
	struct participants_lapses *lapses = &p->lapses;
	struct store_lapses list;
	struct pg_op op = {0};
	size_t done = 0;
	int rc = pg_wait(p->ctx->base, &op,
			 store_lapses_among(p->reader, &op, &list, lapses->begun ? &lapses->after : NULL, LINKS_AT_ONCE));

	if (rc != 0)
		return rc;
	rc = end_links(p, &list, &done);
	if (rc == 0 && list.n == 0) {
		end_all(lapses);
	} else if (rc == 0) {
		const struct store_lapse *last = &list.rows[list.n - 1];
		size_t len = last->key.len < sizeof(lapses->after_key) ? last->key.len : sizeof(lapses->after_key);

		lapses->after = *last;
		memcpy(lapses->after_key, last->key.data, len);
		lapses->after.key = pg_bytes(lapses->after_key, len);
		lapses->begun = true;
		*more = true;
	}
	store_lapses_clear(&list);
	return rc;
}

/* ---- a round ---- */

/* Of registries that are served, without those whose chain has an alarm: after it, all links are looked at. */
static size_t served(const struct participants *p, struct participants_reach out[static CHAINS_REGISTRIES_MAX],
		     const struct store_lapse_reaches *list)
{
	size_t n = 0;

	for (size_t i = 0; i < list->n && n < CHAINS_REGISTRIES_MAX; i++) {
		const struct store_lapse_reach *row = &list->rows[i];
		struct eth_address address;

		memcpy(address.bytes, row->address, sizeof(address.bytes));
		if (row->alarm || !chains_registry(&p->chains, row->chain_id, &address))
			continue;
		out[n] = (struct participants_reach){.registry = row->registry, .chain_id = row->chain_id, .number = row->number};
		memcpy(out[n++].address, row->address, sizeof(row->address));
	}
	return n;
}

static bool are_all_due(struct participants_lapses *lapses, const struct participants_reach *now, size_t n)
{
	uint64_t time = clock_steady_ms();

	if (lapses->all_ms == 0 || time - lapses->all_ms > ALL_MS)
		return true;
	for (size_t i = 0; i < n; i++) {
		const struct participants_reach *known = find_reach(lapses, now[i].registry);

		if (!known || now[i].number < known->number)
			return true;
	}
	return false;
}

int participants_lapse(struct participants *p, bool *more)
{
	struct participants_lapses *lapses = &p->lapses;
	struct participants_reach now[CHAINS_REGISTRIES_MAX];
	struct store_lapse_reaches list;
	struct pg_op op = {0};
	size_t n;
	int rc = pg_wait(p->ctx->base, &op, store_lapse_reach(p->reader, &op, &list));

	if (rc != 0)
		return rc;
	n = served(p, now, &list);
	store_lapse_reaches_clear(&list);
	/* one that an alarm took away is unknown when it is back */
	for (size_t i = lapses->nreaches; i-- > 0;) {
		bool there = false;

		for (size_t k = 0; k < n; k++)
			there = there || now[k].registry == lapses->reaches[i].registry;
		if (!there)
			lapses->reaches[i] = lapses->reaches[--lapses->nreaches];
	}
	if (!lapses->all && n > 0 && are_all_due(lapses, now, n))
		begin_all(lapses, now, n);
	if (lapses->all)
		return look_among(p, more);
	for (size_t i = 0; rc == 0 && i < n; i++) {
		struct participants_reach *known = find_reach(lapses, now[i].registry);

		if (known && known->number < now[i].number)
			rc = look_since(p, known, now[i].number, more);
	}
	return rc;
}
