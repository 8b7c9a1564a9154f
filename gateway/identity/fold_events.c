/* Events in order, with one look ahead: at a mint, for what register() will announce when the receiver has returned. */
#include "gateway/identity/fold_events.h"

#include <string.h>

static bool is_of(const struct fold_event *event, const uint8_t agent[static 32])
{
	return event->event.has_agent && memcmp(event->event.agent, agent, 32) == 0;
}

static bool same_tx(const struct fold_event *a, const struct fold_event *b)
{
	return memcmp(a->tx, b->tx, sizeof(a->tx)) == 0;
}

/* Registered and the MetadataSet(agentWallet) behind it come from one uninterrupted stretch of code. */
static bool is_announcement(const struct fold_event *events, size_t at, const uint8_t agent[static 32])
{
	const struct fold_event *event = &events[at], *before = at > 0 ? &events[at - 1] : NULL;
	struct eth_address wallet;
	bool has_wallet;

	return before != NULL && before->event.kind == REGISTRY_REGISTERED && is_of(before, agent) &&
	       same_tx(before, event) && before->log_index + 1 == event->log_index &&
	       registry_event_is_wallet(&wallet, &has_wallet, &event->event);
}

/* The place of the announcement that belongs to the mint at `at`; n if there is none. */
static size_t announcement_of(const struct fold_event *events, size_t n, size_t at, const uint8_t agent[static 32])
{
	for (size_t i = at + 1; i < n && same_tx(&events[at], &events[i]); i++)
		if (is_of(&events[i], agent) && is_announcement(events, i, agent))
			return i;
	return n;
}

static void set_wallet(struct fold_state *state, const struct registry_event *event)
{
	(void)registry_event_is_wallet(&state->wallet, &state->has_wallet, event);
}

static void set_uri(struct fold_state *state, const struct registry_event *event)
{
	state->uri = event->value_len > 0 ? event->value : NULL;
	state->uri_len = event->value_len;
}

static void mint(struct fold_state *state, const struct fold_event *events, size_t n, size_t at,
		 const uint8_t agent[static 32])
{
	size_t announced = announcement_of(events, n, at, agent);

	*state = (struct fold_state){.exists = true, .owner = events[at].event.b, .doubtful = state->doubtful,
				     .broken = state->broken || state->exists};
	if (announced < n)
		set_wallet(state, &events[announced].event);
}

/* Whether the mint of this agent stands before `at` in the same transaction: then an announcement was counted there. */
static bool minted_here(const struct fold_event *events, size_t at, const uint8_t agent[static 32])
{
	for (size_t i = at; i-- > 0 && same_tx(&events[i], &events[at]);)
		if (is_of(&events[i], agent) && events[i].event.kind == REGISTRY_TRANSFER &&
		    address_is_zero(&events[i].event.a))
			return true;
	return false;
}

static bool apply(struct fold_state *state, const struct fold_event *events, size_t n, size_t at,
		  const uint8_t agent[static 32])
{
	const struct registry_event *event = &events[at].event;

	switch (event->kind) {
	case REGISTRY_TRANSFER:
		if (address_is_zero(&event->a)) {
			mint(state, events, n, at, agent);
			return true;
		}
		state->broken = state->broken || !state->exists || !address_equal(&state->owner, &event->a);
		state->owner = event->b;
		return true;
	case REGISTRY_REGISTERED:
		state->broken = state->broken || !state->exists;
		if (event->value_len == 0 && state->uri_len > 0)
			state->doubtful = true; /* register() kept it, register("") did not */
		else
			set_uri(state, event);
		return true;
	case REGISTRY_URI:
		set_uri(state, event);
		return true;
	case REGISTRY_METADATA:
		if (!registry_event_is_identity(event))
			return false;
		if (!is_announcement(events, at, agent) || !minted_here(events, at, agent))
			set_wallet(state, event);
		return true;
	case REGISTRY_APPROVAL:
	case REGISTRY_UPGRADED:
	case REGISTRY_FEEDBACK:
	case REGISTRY_REVOKED:
	case REGISTRY_RESPONSE:
		break;
	}
	return false;
}

bool fold_events(struct fold_state *state, const uint8_t agent[static 32], const struct fold_event *events, size_t n)
{
	bool any = false;

	for (size_t i = 0; i < n; i++)
		if (is_of(&events[i], agent) && apply(state, events, n, i, agent))
			any = true;
	return any;
}
