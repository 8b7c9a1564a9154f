/* What is made of the halves of an agent's links: state, who says so, where it stands, in which order. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "did/agent_document.h"
#include "did/did_pkh.h"
#include "gateway/links/link_list.h"

#define TOKEN "eip155:8453/erc721:0x8004000000000000000000000000000000000000/"
#define HERE "did:web:kedge.example"

enum { NOW = 10000000, FRESH = NOW - 1000, OLD = NOW - LINK_FOREIGN_MS - 1 };

static const struct agent_defaults defaults = {.host = "kedge.example", .chain = 8453, .registry = {{0x80, 0x04}}};
static const struct agent_key key = {.chain = 8453, .registry = {{0x80, 0x04}}, .id = {{7}}};

static struct eth_address account(uint8_t byte)
{
	struct eth_address address;

	memset(address.bytes, byte, 20);
	return address;
}

static struct link_agent agent_of(const struct link_claimed *claims, size_t nclaims, const struct link_consent *consents, size_t nconsents)
{
	return (struct link_agent){.key = &key, .defaults = &defaults, .now = NOW, .owner = {account(0x0a), account(0x0a)},
				   .wallet = {account(0x0b), account(0x0c)}, .claims = claims, .nclaims = nclaims, .consents = consents,
				   .nconsents = nconsents};
}

static struct link_claimed claim_of(enum link_kind kind, const char *object)
{
	return (struct link_claimed){.kind = kind, .object = object, .object_len = strlen(object), .since = 5000};
}

struct expected {
	const char *id;
	enum link_thing thing;
	const char *state;
	bool forward, reverse, published;
};

static void check(const struct link_list *list, const struct expected *rows, size_t n)
{
	assert_int_equal(list->n, n);
	for (size_t i = 0; i < n; i++) {
		const struct link_item *item = &list->items[i];

		assert_string_equal(item->id, rows[i].id);
		assert_string_equal(link_state_word(item->state), rows[i].state);
		assert_int_equal(item->thing, rows[i].thing);
		assert_int_equal(item->forward, rows[i].forward);
		assert_int_equal(item->reverse, rows[i].reverse);
		assert_int_equal(link_is_published(item), rows[i].published);
		assert_true(json_is_object(item->evidence));
	}
}

static void claims_of_every_kind(void **state)
{
	static char owner[DID_PKH_TEXT_SIZE], wallet[DID_PKH_TEXT_SIZE];

	(void)state;
	did_pkh_format(owner, &(struct eip155_account){.chain = 8453, .address = account(0x0a)});
	did_pkh_format(wallet, &(struct eip155_account){.chain = 8453, .address = account(0x0b)});
	struct link_claimed claims[] = {
		claim_of(LINK_OTHER, owner), claim_of(LINK_AGENT, "eip155:8453/erc721:0x8004000000000000000000000000000000000000/8"),
		claim_of(LINK_FOREIGN, "did:web:b.example"), claim_of(LINK_FOREIGN, "did:web:a.example"), claim_of(LINK_FOREIGN, "did:web:old.example"),
		claim_of(LINK_FOREIGN, "did:web:gone.example"), claim_of(LINK_AGENT, "eip155:8453/erc721:0x8004000000000000000000000000000000000000/9"),
		claim_of(LINK_AGENT, "eip155:1/erc721:0x8004000000000000000000000000000000000000/8"), claim_of(LINK_OTHER, HERE ":character:bob"),
		claim_of(LINK_OTHER, "did:key:z6Mk"), claim_of(LINK_OTHER, wallet),
		claim_of(LINK_OTHER, HERE ":character:alice"),
	};
	const struct link_consent consents[] = {{.handle = "alice", .owner = account(0x0a), .owner_signed = true, .seq = 3, .at = 4000, .watched = true},
						{.handle = "carol", .owner = account(0x0d), .seq = 4, .at = 4100},
						{.handle = "dave", .owner = account(0x0a), .seq = 5, .at = 4200, .interrupted = true}};
	const struct expected rows[] = {
		{HERE ":character:alice", LINK_PARTICIPANT, "proven", true, true, true},
		{HERE ":character:carol", LINK_PARTICIPANT, "lapsed", false, true, false},
		{HERE ":character:dave", LINK_PARTICIPANT, "lapsed", false, true, false},
		{"did:web:b.example", LINK_DID, "proven", true, true, true},
		{"did:web:a.example", LINK_DID, "one-way", true, false, false},
		{"did:web:old.example", LINK_DID, "unreachable", true, false, false},
		{"did:web:gone.example", LINK_DID, "revoked", true, false, false},
		{TOKEN "8", LINK_THE_AGENT, "proven", true, true, true},
		{TOKEN "9", LINK_THE_AGENT, "one-way", true, false, false},
		{"eip155:1/erc721:0x8004000000000000000000000000000000000000/8", LINK_THE_AGENT, "unreachable", true, false, false},
		/* the owner's account stands as controller */
		{owner, LINK_ACCOUNT, "proven", true, true, false},
		{HERE ":character:bob", LINK_PARTICIPANT, "one-way", true, false, false},
		{"did:key:z6Mk", LINK_DID, "unreachable", true, false, false},
		/* the wallet at safe only */
		{wallet, LINK_ACCOUNT, "one-way", true, false, false},
	};
	const char *ids[8];
	json_t *claimed, *all;

	claims[1].served = claims[1].back = claims[6].served = true;
	claims[2].state = claims[4].state = LINK_PROVEN;
	claims[2].good = claims[2].checked = FRESH;
	claims[2].evidence = "{\"url\":\"https://b.example\"} and more";
	claims[2].evidence_len = 27;
	claims[4].good = OLD;
	claims[5].state = LINK_REVOKED;
	claims[5].good = FRESH;
	struct link_agent agent = agent_of(claims, sizeof(claims) / sizeof(*claims), consents, 3);
	struct link_list *list = link_list_new();

	assert_int_equal(link_list_agent(list, &agent), 0);
	check(list, rows, sizeof(rows) / sizeof(*rows));
	assert_int_equal(link_list_published(ids, 8, list), 3);
	assert_string_equal(ids[2], TOKEN "8");
	assert_string_equal(json_string_value(json_object_get(json_object_get(list->items[3].evidence, "asked"), "url")), "https://b.example");
	assert_int_equal(list->items[5].since, OLD + LINK_FOREIGN_MS); /* it grew old then */
	assert_int_equal(list->items[1].since, 0);
	/* what is proven and stands elsewhere is no claim */
	claimed = link_list_claims(list);
	assert_int_equal(json_array_size(claimed), 10);
	json_decref(claimed);
	all = link_list_json(list);
	assert_int_equal(json_array_size(all), list->n);
	json_decref(all);
	/* what needs no claim comes once: the owner stands there already, and the wallet is another at latest */
	assert_int_equal(link_list_agent_built(list, &agent), 0);
	assert_int_equal(list->n, sizeof(rows) / sizeof(*rows) + 1);
	assert_string_equal(list->items[list->n - 1].id, TOKEN "7");
	link_list_free(list);
}

/* What the owner's file says of a participant whose consent is another's does not stand for a consent. */
static void a_file_is_no_consent(void **state)
{
	const struct link_claimed claim = claim_of(LINK_OTHER, HERE ":character:carol");
	const struct link_consent consent = {.handle = "carol", .owner = account(0x0d), .seq = 4, .at = 4100};
	static const struct expected rows[] = {{HERE ":character:carol", LINK_PARTICIPANT, "lapsed", true, true, false}};
	struct link_agent agent = agent_of(&claim, 1, &consent, 1);
	struct link_list *list = link_list_new();

	(void)state;
	assert_int_equal(link_list_agent(list, &agent), 0);
	check(list, rows, 1);
	link_list_free(list);
}

static void consent_needs_one_owner_all_the_time(void **state)
{
	const struct eth_address a = account(0x0a), b = account(0x0b), none = {{0}};

	(void)state;
	assert_int_equal(link_consent_state(true, &a, &a, &a, false, true), LINK_PROVEN);
	assert_int_equal(link_consent_state(true, &a, &b, &a, false, true), LINK_LAPSED);
	assert_int_equal(link_consent_state(true, &a, &a, &b, false, true), LINK_LAPSED);
	assert_int_equal(link_consent_state(true, &a, &none, &a, false, true), LINK_LAPSED);
	assert_int_equal(link_consent_state(true, &a, &a, &a, true, true), LINK_LAPSED);
	/* what the index has not come to may be anything; what ended has */
	assert_int_equal(link_consent_state(true, &a, &a, &a, false, false), LINK_UNREACHABLE);
	assert_int_equal(link_consent_state(true, &a, &b, &b, false, false), LINK_LAPSED);
	assert_int_equal(link_consent_state(true, &a, &a, &a, true, false), LINK_LAPSED);
	assert_int_equal(link_consent_state(false, &a, &none, &none, false, true), LINK_UNREACHABLE);
}

/* Nobody can do anything about it, so nobody is told to. */
static void what_cannot_be_said_has_no_advice(void **state)
{
	const struct link_consent consent = {.handle = "alice", .owner = account(0x0a)};
	struct link_agent agent = agent_of(NULL, 0, &consent, 1);
	struct link_list *list = link_list_new();
	json_t *all, *one;

	(void)state;
	assert_int_equal(link_list_agent(list, &agent), 0);
	all = link_list_json(list);
	one = json_array_get(all, 0);
	assert_string_equal(json_string_value(json_object_get(one, "state")), "unreachable");
	assert_false(json_is_true(json_object_get(one, "published")));
	assert_non_null(json_object_get(json_object_get(one, "evidence"), "detail"));
	assert_null(json_object_get(one, "next"));
	json_decref(all);
	link_list_free(list);
}

/* A document has so much room for links; what does not fit is named as a claim that is proven. */
static void what_has_no_room_is_left_out(void **state)
{
	static struct link_consent consents[64];
	size_t room = AGENT_DOCUMENT_LINKS_MAX / (strlen(HERE ":character:h00") + 3);
	struct link_agent agent = agent_of(NULL, 0, consents, 64);
	struct link_list *list = link_list_new();
	const char *ids[64];
	json_t *claims;

	(void)state;
	for (size_t i = 0; i < 64; i++) {
		consents[i] = (struct link_consent){.owner = account(0x0a), .watched = true};
		(void)snprintf(consents[i].handle, sizeof(consents[i].handle), "h%02u", (unsigned)i);
	}
	assert_int_equal(link_list_agent(list, &agent), 0);
	assert_int_equal(link_list_published(ids, 64, list), room);
	assert_string_equal(ids[0], HERE ":character:h00");
	claims = link_list_claims(list);
	assert_int_equal(json_array_size(claims), 64 - room);
	json_decref(claims);
	link_list_free(list);
}

static void evidence_is_an_object_or_nothing(void **state)
{
	static const char *const refused[] = {"", "[]", "{", "1", "{\"a\":1,\"a\":2}", "{\"a\":\"\\u0000\"}", "{\"a\":\"\xff\"}"};

	(void)state;
	for (size_t i = 0; i < sizeof(refused) / sizeof(*refused); i++)
		assert_null(link_evidence_read(refused[i], strlen(refused[i])));
	assert_null(link_evidence_read(NULL, 0));
	json_t *read = link_evidence_read("{\"a\":1}", 7);

	assert_non_null(read);
	json_decref(read);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(claims_of_every_kind), cmocka_unit_test(a_file_is_no_consent), cmocka_unit_test(consent_needs_one_owner_all_the_time),
		cmocka_unit_test(what_cannot_be_said_has_no_advice),
		cmocka_unit_test(what_has_no_room_is_left_out), cmocka_unit_test(evidence_is_an_object_or_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
