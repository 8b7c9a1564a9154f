#include "gateway/routes/documents.h"

#include "did/resolution.h"
#include "gateway/runtime/clock.h"

#include <stdlib.h>
#include <string.h>

enum { SLOTS = 1024 };

struct slot {
	struct http_response *response; /* NULL: empty */
	const char *type;
	bool host;
	struct agent_key agent;
	struct eth_hash safe, latest;
	uint64_t made_ms; /* of the steady clock */
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
	return !agent || (agent_key_compare(&slot->agent, agent) == 0 && clock_steady_ms() - slot->made_ms < DOCUMENTS_KEEP_MS &&
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
	slot->made_ms = clock_steady_ms();
}

bool documents_date(char out[static DOCUMENTS_DATE_SIZE], int64_t seconds)
{
	/* 1970-01-01 was a Thursday */
	static const char days[][4] = {"Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"};
	static const char months[][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
	char time[21];

	if (seconds <= 0 || resolution_time_format(time, seconds) != 0)
		return false;
	memcpy(out, "Thu, 01 Jan 1970 00:00:00 GMT", sizeof("Thu, 01 Jan 1970 00:00:00 GMT"));
	memcpy(out, days[seconds / 86400 % 7], 3);
	memcpy(out + 5, time + 8, 2);
	memcpy(out + 8, months[(time[5] - '0') * 10 + time[6] - '0' - 1], 3);
	memcpy(out + 12, time, 4);
	memcpy(out + 17, time + 11, 8);
	return true;
}

struct http_response *documents_make(struct documents **documents, const struct documents_answer *answer)
{
	static const struct http_pair headers[] = {{"Vary", "Accept"}, {NULL, NULL}};
	struct http_response *made;

	made = http_response_new(answer->type, answer->body, answer->len, answer->cache, headers);
	if (!made)
		return NULL;
	if (!*documents)
		*documents = documents_new();
	if (*documents)
		documents_keep(*documents, answer->agent, answer->type, &answer->safe, &answer->latest, made);
	return made;
}

void documents_forget(struct documents *documents, const struct agent_key *agent)
{
	for (size_t i = 0; documents && i < SLOTS; i++) {
		struct slot *slot = &documents->slots[i];

		if (!slot->response || slot->host || agent_key_compare(&slot->agent, agent) != 0)
			continue;
		http_response_unref(slot->response);
		*slot = (struct slot){.response = NULL};
	}
}

void documents_forget_all(struct documents *documents)
{
	for (size_t i = 0; documents && i < SLOTS; i++) {
		http_response_unref(documents->slots[i].response);
		documents->slots[i] = (struct slot){.response = NULL};
	}
}
