#include "gateway/links/link.h"

static uint64_t lifetime(enum link_kind kind)
{
	switch (kind) {
	case LINK_FOREIGN:
		return LINK_FOREIGN_MS;
	case LINK_CONTRACT:
		return LINK_CONTRACT_MS;
	case LINK_AGENT:
	case LINK_OTHER:
		break;
	}
	return UINT64_MAX;
}

/* Another host's clock may be a little ahead. More than that is a clock that was set back, and nobody knows how old it is. */
static bool is_fresh(enum link_kind kind, uint64_t good, uint64_t now)
{
	uint64_t most = lifetime(kind);

	if (good == 0 || most == UINT64_MAX)
		return good != 0;
	return now < good ? good - now <= LINK_AHEAD_MS : now - good <= most;
}

enum link_state link_judge(const struct link_fact *fact)
{
	switch (fact->reverse) {
	case LINK_CONFIRMED:
		return LINK_PROVEN;
	case LINK_DENIED:
		return fact->good != 0 ? LINK_REVOKED : LINK_ONE_WAY;
	case LINK_UNKNOWN:
		return fact->before == LINK_PROVEN && is_fresh(fact->kind, fact->good, fact->now) ? LINK_PROVEN : LINK_UNREACHABLE;
	case LINK_CONSENT_ENDED:
		return LINK_LAPSED;
	case LINK_NOT_ASKED:
		break;
	}
	return LINK_ONE_WAY;
}

enum link_state link_now(enum link_kind kind, enum link_state stored, uint64_t good, uint64_t now)
{
	return stored == LINK_PROVEN && !is_fresh(kind, good, now) ? LINK_UNREACHABLE : stored;
}

uint64_t link_since(enum link_kind kind, enum link_state state, enum link_state stored, uint64_t since, uint64_t good, uint64_t now)
{
	if (state == stored)
		return since <= now + LINK_AHEAD_MS ? since : 0;
	return good != 0 && good <= now ? good + lifetime(kind) : 0;
}

const char *link_state_word(enum link_state state)
{
	switch (state) {
	case LINK_PROVEN:
		return "proven";
	case LINK_UNREACHABLE:
		return "unreachable";
	case LINK_REVOKED:
		return "revoked";
	case LINK_LAPSED:
		return "lapsed";
	case LINK_ONE_WAY:
		break;
	}
	return "one-way";
}
