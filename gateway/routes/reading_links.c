/* The links of an agent that is read: what the store has becomes what gateway/links judges. */
#include "gateway/routes/reading.h"

#include "gateway/runtime/clock.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct link_agent facts_of(const struct service *service, const struct agent_key *key, const struct reading_now *now)
{
	return (struct link_agent){.key = key, .defaults = &service->defaults, .now = clock_wall_ms(),
				   .owner = {now->safe.owner, now->latest.owner}, .wallet = {now->safe.wallet, now->latest.wallet}};
}

static struct link_claimed claim_of(const struct service *service, const struct store_link_row *row, uint64_t now)
{
	struct link_claimed claim = {.kind = row->kind, .state = row->state, .object = (const char *)row->object.data, .object_len = row->object.len,
				   .since = row->since, .checked = row->checked, .good = row->good,
				   .evidence = (const char *)row->evidence.data, .evidence_len = row->evidence.len,
				   .back = row->back && row->back_seen + READING_FILE_MS >= now};
	struct agent_key other;

	memcpy(claim.back_content, row->back_content, 32);
	claim.served = row->kind == LINK_AGENT && agent_key_parse(&other, claim.object, claim.object_len) == 0 && service_serves(service, &other);
	return claim;
}

static struct link_consent consent_of(const struct store_link_consent *row, const struct reading_now *now)
{
	struct link_consent consent = {.owner_signed = row->owner_signed, .interrupted = row->interrupted,
				       .watched = row->upto + READING_BEHIND >= now->latest_block.number, .seq = row->seq, .at = row->at,
				       .safe_number = row->safe_number, .latest_number = row->latest_number};

	(void)snprintf(consent.handle, sizeof(consent.handle), "%.*s", (int)row->handle.len, (const char *)row->handle.data);
	memcpy(consent.owner.bytes, row->owner, 20);
	memcpy(consent.safe_hash, row->safe_hash, 32);
	memcpy(consent.latest_hash, row->latest_hash, 32);
	return consent;
}

static bool claims_stand(const struct store_file *file)
{
	return file && file->status.len == 2 && memcmp(file->status.data, "ok", 2) == 0;
}

int reading_links(struct link_list **out, const struct service *service, const struct agent_key *key, const struct reading_now *now,
		  const struct store_links *stored)
{
	struct link_agent facts = facts_of(service, key, now);
	size_t nclaims = claims_stand(now->file) ? stored->nclaims : 0;
	struct link_claimed *claims = NULL;
	struct link_consent *consents = NULL;
	int rc = -ENOMEM;

	*out = NULL;
	if (nclaims == 0 && stored->nconsents == 0)
		return 0;
	claims = calloc(nclaims + 1, sizeof(*claims));
	consents = calloc(stored->nconsents + 1, sizeof(*consents));
	*out = link_list_new();
	if (!claims || !consents || !*out)
		goto out;
	for (size_t i = 0; i < nclaims; i++)
		claims[i] = claim_of(service, &stored->claims[i], facts.now);
	for (size_t i = 0; i < stored->nconsents; i++)
		consents[i] = consent_of(&stored->consents[i], now);
	if (now->file)
		memcpy(facts.content, now->file->content, 32);
	facts.claims = claims;
	facts.nclaims = nclaims;
	facts.consents = consents;
	facts.nconsents = stored->nconsents;
	rc = link_list_agent(*out, &facts);
out:
	free(claims);
	free(consents);
	if (rc != 0) {
		link_list_free(*out);
		*out = NULL;
	}
	return rc;
}

int reading_links_all(struct link_list **out, const struct service *service, const struct agent_key *key, const struct reading_now *now)
{
	struct link_agent facts = facts_of(service, key, now);
	struct link_list *all = link_list_new();
	int rc = all ? 0 : -ENOMEM;

	for (size_t i = 0; rc == 0 && now->links && i < now->links->n; i++)
		rc = link_list_add(all, now->links->items[i].id, &now->links->items[i], json_incref(now->links->items[i].evidence));
	if (rc == 0)
		rc = link_list_agent_built(all, &facts);
	if (rc != 0) {
		link_list_free(all);
		all = NULL;
	}
	*out = all;
	return rc;
}
