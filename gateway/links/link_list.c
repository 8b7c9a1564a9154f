#include "gateway/links/link_list.h"

#include "did/resolution.h"
#include "eth/hex.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ITEMS_MAX = 256 };

static const char *const things[] = {[LINK_DID] = "did", [LINK_THE_AGENT] = "agent", [LINK_ACCOUNT] = "account", [LINK_PARTICIPANT] = "participant"};

struct link_list *link_list_new(void)
{
	return calloc(1, sizeof(struct link_list));
}

void link_list_free(struct link_list *list)
{
	if (!list)
		return;
	for (size_t i = 0; i < list->n; i++) {
		free(list->items[i].id);
		json_decref(list->items[i].evidence);
	}
	free(list->items);
	free(list);
}

int link_list_add(struct link_list *list, const char *id, const struct link_item *item, json_t *evidence)
{
	struct link_item *items;

	if (!evidence || list->n >= ITEMS_MAX)
		goto no_memory;
	items = realloc(list->items, (list->n + 1) * sizeof(*items));
	if (!items)
		goto no_memory;
	list->items = items;
	items += list->n;
	*items = *item;
	items->evidence = evidence;
	items->id = strdup(id);
	if (!items->id)
		goto no_memory;
	list->n++;
	return 0;
no_memory:
	json_decref(evidence);
	return -ENOMEM;
}

struct link_item *link_list_find(const struct link_list *list, const char *id)
{
	for (size_t i = 0; i < list->n; i++)
		if (strcmp(list->items[i].id, id) == 0)
			return &list->items[i];
	return NULL;
}

bool link_is_published(const struct link_item *item)
{
	return item->state == LINK_PROVEN && !item->apart && !item->left_out;
}

size_t link_list_published(const char **ids, size_t max, const struct link_list *list)
{
	size_t n = 0;

	for (size_t i = 0; i < list->n && n < max; i++)
		if (link_is_published(&list->items[i]))
			ids[n++] = list->items[i].id;
	return n;
}

/* ---- JSON ---- */

json_t *link_time_json(uint64_t ms)
{
	char text[21];

	return ms > 0 && ms <= INT64_MAX && resolution_time_format(text, (int64_t)(ms / 1000)) == 0 ? json_string(text) : json_null();
}

json_t *link_block_json(uint64_t number, const uint8_t hash[static 32])
{
	char text[HEX_DATA_SIZE(32)], digits[24];

	hex_encode_data(text, hash, 32);
	(void)snprintf(digits, sizeof(digits), "%" PRIu64, number);
	return json_pack("{s:s, s:s}", "number", digits, "hash", text);
}

json_t *link_evidence_read(const char *text, size_t len)
{
	json_t *value = text ? json_loadb(text, len, JSON_REJECT_DUPLICATES, NULL) : NULL;

	if (json_is_object(value))
		return value;
	json_decref(value);
	return NULL;
}

static const char *direction(const struct link_item *item)
{
	if (item->forward && item->reverse)
		return "both";
	return item->forward ? "forward" : "reverse";
}

/* What would prove it; NULL also where nothing can here, as `detail` says. */
static const char *next_of(const struct link_item *item)
{
	if (item->state == LINK_PROVEN || json_object_get(item->evidence, "detail"))
		return NULL;
	if (item->state == LINK_LAPSED)
		return "Link it anew, with the consent of the agent's present owner.";
	switch (item->thing) {
	case LINK_DID:
		return "Let its document list this one in alsoKnownAs, then POST to links/check.";
	case LINK_THE_AGENT:
		return "Let its registration file, or its owner, name this one.";
	case LINK_ACCOUNT:
		return "The account has to own the agent or be its wallet; of a participant, to confirm its signature.";
	case LINK_PARTICIPANT:
		return "Let the participant link the agent: POST /v1/participants/prepare.";
	}
	return NULL;
}

json_t *link_list_json(const struct link_list *list)
{
	json_t *all = json_array();

	for (size_t i = 0; all && i < list->n; i++) {
		const struct link_item *item = &list->items[i];
		json_t *one = json_pack("{s:s, s:s, s:s, s:s, s:b, s:o, s:o, s:O, s:s*}", "id", item->id, "kind", things[item->thing], "direction",
					direction(item), "state", link_state_word(item->state), "published", (int)link_is_published(item), "since",
					link_time_json(item->since), "checkedAt", link_time_json(item->checked), "evidence", item->evidence, "next", next_of(item));

		if (json_array_append_new(all, one) != 0) {
			json_decref(all);
			return NULL;
		}
	}
	return all;
}

json_t *link_list_claims(const struct link_list *list)
{
	json_t *claims = json_array();

	for (size_t i = 0; claims && i < list->n; i++) {
		const struct link_item *item = &list->items[i];

		if (link_is_published(item) || (item->apart && item->state == LINK_PROVEN))
			continue;
		if (json_array_append_new(claims, json_pack("{s:s, s:s, s:s, s:o, s:O}", "id", item->id, "direction", direction(item), "state",
							    link_state_word(item->state), "checkedAt", link_time_json(item->checked),
							    "evidence", item->evidence)) != 0) {
			json_decref(claims);
			return NULL;
		}
	}
	return claims;
}
