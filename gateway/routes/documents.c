#include "gateway/routes/documents.h"

#include <stdlib.h>
#include <string.h>

enum { SLOTS = 1024 };

struct slot {
	struct http_response *response; /* NULL: empty */
	const char *type;
	bool host;
	struct agent_key agent;
	struct eth_hash safe, latest;
};

struct documents {
	struct slot slots[SLOTS];
};

struct documents *documents_new(void)
{
	return calloc(1, sizeof(struct documents));
}

void documents_free(struct documents *documents)
{
	if (!documents)
		return;
	for (size_t i = 0; i < SLOTS; i++)
		http_response_unref(documents->slots[i].response);
	free(documents);
}

/* Neighbouring ids and the few types spread well; who makes them clash on purpose gets answers made anew. */
static struct slot *slot_of(struct documents *documents, const struct agent_key *agent, const char *type)
{
	uint64_t mix = strlen(type);

	if (agent)
		mix += (agent->id.limb[0] + 1) * 8 + agent->chain * 31;
	return &documents->slots[(mix * UINT64_C(0x9e3779b97f4a7c15)) >> 54];
}

static bool holds(const struct slot *slot, const struct agent_key *agent, const char *type, const struct eth_hash *safe,
		  const struct eth_hash *latest)
{
	if (!slot->response || strcmp(slot->type, type) != 0 || slot->host != !agent)
		return false;
	return !agent || (agent_key_compare(&slot->agent, agent) == 0 &&
			  memcmp(slot->safe.bytes, safe->bytes, sizeof(safe->bytes)) == 0 &&
			  memcmp(slot->latest.bytes, latest->bytes, sizeof(latest->bytes)) == 0);
}

struct http_response *documents_find(struct documents *documents, const struct agent_key *agent, const char *type,
				     const struct eth_hash *safe, const struct eth_hash *latest)
{
	const struct slot *slot;

	if (!documents)
		return NULL;
	slot = slot_of(documents, agent, type);
	return holds(slot, agent, type, safe, latest) ? slot->response : NULL;
}

void documents_keep(struct documents *documents, const struct agent_key *agent, const char *type,
		    const struct eth_hash *safe, const struct eth_hash *latest, struct http_response *response)
{
	struct slot *slot = slot_of(documents, agent, type);

	http_response_unref(slot->response);
	*slot = (struct slot){.response = http_response_ref(response), .type = type, .host = !agent};
	if (!agent)
		return;
	slot->agent = *agent;
	slot->safe = *safe;
	slot->latest = *latest;
}

void documents_forget_all(struct documents *documents)
{
	for (size_t i = 0; documents && i < SLOTS; i++) {
		http_response_unref(documents->slots[i].response);
		documents->slots[i] = (struct slot){.response = NULL};
	}
}
