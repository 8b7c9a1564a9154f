/* The fold and the judge: a participant's life as rows of changes, each with the state it leaves or the rule that refuses it. */
#include "gateway/participant/rule.h"
#include "gateway/participant/state.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CHAIN = 31337 };

/* People are letters: 'a' is the account 0xaaaa…; agents are digits, owned by a letter. */
static struct eip155_account account(char who)
{
	struct eip155_account out = {.chain = CHAIN};

	memset(out.address.bytes, who, sizeof(out.address.bytes));
	return out;
}

/* Verb, object, signers: "claim", "a"; "link b", "ab"; "link B" (as controller), "ab"; "link 1:c" (agent 1, owned by c), "ac"; "link /x" (foreign x); "profile x"; "erase". */
static void change_of(struct participant_change *out, const char *what, const char *by)
{
	const char *object = strchr(what, ' ') ? strchr(what, ' ') + 1 : "";

	*out = (struct participant_change){.handle = "alice"};
	assert_int_equal(participant_verb_parse(&out->verb, what, strcspn(what, " ")), 0);
	if (out->verb == PARTICIPANT_PROFILE) {
		out->object.kind = PARTICIPANT_CONTENT;
		out->profile = out->json = *object == '-' ? json_object() : json_pack("{s:s}", "season", object);
	} else if (*object == '/') {
		out->object.kind = PARTICIPANT_FOREIGN;
		(void)snprintf(out->object.text, sizeof(out->object.text), "did:web:example.com:%s", object + 1);
	} else if (*object >= '0' && *object <= '9') {
		out->object.kind = PARTICIPANT_AGENT;
		out->object.agent = (struct agent_key){.chain = CHAIN, .id = u256_from_u64(strtoul(object, NULL, 10))};
		(void)snprintf(out->object.text, sizeof(out->object.text), "did:web:h:agent:%d:%lu", CHAIN, strtoul(object, NULL, 10));
		if (strchr(object, ':')) {
			out->has_owner = true;
			out->owner = account(strchr(object, ':')[1]).address;
		}
	} else if (*object) {
		struct eip155_account of = account((char)(*object | 0x20));

		out->controller = *object < 'a';
		participant_object_account(&out->object, &of);
	}
	for (; *by; by++)
		out->signers[out->nsigners++] = (struct participant_signer){.account = account(*by)};
}

/* "aB 1:c+ 2:a /x {season}": accounts (upper case: controllers), agents with owner and "+" if it signed, foreign DIDs, profile. */
static const char *text_of(const struct participant_state *state)
{
	static char text[2048];
	char decimal[U256_DECIMAL_SIZE];
	size_t n = 0;

	text[0] = '\0';
	if (state->life != PARTICIPANT_LIVE)
		return state->life == PARTICIPANT_ERASED ? "erased" : "unknown";
	for (size_t i = 0; i < state->naccounts; i++)
		text[n++] = (char)(state->accounts[i].account.address.bytes[0] & (state->accounts[i].controller ? ~0x20 : ~0));
	text[n] = '\0';
	for (size_t i = 0; i < state->nagents; i++) {
		u256_format_decimal(decimal, &state->agents[i].agent.id);
		n += (size_t)snprintf(text + n, sizeof(text) - n, " %s:%c%s", decimal, state->agents[i].owner.bytes[0],
				      state->agents[i].signed_by_owner ? "+" : "");
	}
	for (size_t i = 0; i < state->nforeign; i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, " /%s", strrchr(state->foreign[i].did, ':') + 1);
	if (state->profile)
		(void)snprintf(text + n, sizeof(text) - n, " {%s}", json_string_value(json_object_get(state->profile, "season")));
	return text;
}

static const struct {
	const char *what, *by, *then; /* the state after it, or "!rule" */
} life[] = {
	{"link b", "ab", "!no-participant"},
	{"erase", "a", "!no-participant"},
	{"claim", "a", "A"},
	/* accounts */
	{"link b", "a", "!account-missing"},
	{"link b", "b", "!controller-missing"},
	{"link B", "b", "!controller-missing"}, /* nobody appoints himself */
	{"link b", "c", "!not-controller"},
	{"link b", "bc", "!not-controller"},
	{"link b", "ac", "!account-missing"},
	{"link b", "ba", "Ab"},
	{"link b", "ab", "!already-linked"},
	{"link c", "bc", "!not-controller"}, /* b may not act */
	{"link B", "b", "!controller-missing"},
	{"link B", "ab", "AB"},
	{"link B", "ab", "!already-linked"},
	{"link b", "ab", "!already-linked"},
	{"link a", "ba", "!already-linked"},
	{"link c", "bc", "ABc"},
	/* agents */
	{"link 1:d", "a", "!owner-missing"},
	{"link 1:d", "d", "!controller-missing"},
	{"link 1:d", "cd", "!not-controller"},
	{"link 1:d", "ac", "!owner-missing"},
	{"link 1:d", "e", "!not-controller"},
	{"link 1", "a", "!owner-missing"},
	{"link 1:d", "ad", "ABc 1:d+"},
	{"link 1:d", "ad", "!already-linked"},
	{"link 2:c", "c", "ABc 1:d+ 2:c+"}, /* an account of the participant speaks for its own agent */
	{"link 3:c", "b", "ABc 1:d+ 2:c+ 3:c"}, /* and need not, if a controller does */
	{"link 4:c", "d", "!not-controller"},
	{"link 5:a", "a", "ABc 1:d+ 2:c+ 3:c 5:a+"},
	{"link 6:a", "b", "ABc 1:d+ 2:c+ 3:c 5:a+ 6:a"},
	{"link 7:a", "ba", "ABc 1:d+ 2:c+ 3:c 5:a+ 6:a 7:a+"},
	{"link 1:e", "ae", "ABc 1:e+ 2:c+ 3:c 5:a+ 6:a 7:a+"}, /* a new owner agrees anew */
	{"unlink 7", "c", "!not-owner"},
	{"unlink 7:a", "c", "!not-owner"},
	{"unlink 7", "b", "ABc 1:e+ 2:c+ 3:c 5:a+ 6:a"},
	{"unlink 7", "b", "!not-linked"},
	{"unlink 1:e", "e", "ABc 2:c+ 3:c 5:a+ 6:a"},
	/* foreign DIDs and the profile */
	{"link /x", "c", "!not-controller"},
	{"link /x", "a", "ABc 2:c+ 3:c 5:a+ 6:a /x"},
	{"link /x", "a", "!already-linked"},
	{"link /y", "b", "ABc 2:c+ 3:c 5:a+ 6:a /x /y"},
	{"unlink /x", "c", "!not-controller"},
	{"unlink /z", "a", "!not-linked"},
	{"unlink /x", "a", "ABc 2:c+ 3:c 5:a+ 6:a /y"},
	{"profile -", "a", "!unchanged"},
	{"profile s", "c", "!not-controller"},
	{"profile s", "a", "ABc 2:c+ 3:c 5:a+ 6:a /y {s}"},
	{"profile s", "a", "!unchanged"},
	{"profile t", "b", "ABc 2:c+ 3:c 5:a+ 6:a /y {t}"},
	{"profile -", "b", "ABc 2:c+ 3:c 5:a+ 6:a /y"},
	/* unlinking accounts takes with it what rested on membership alone */
	{"unlink c", "d", "!not-controller"},
	{"unlink d", "d", "!not-controller"},
	{"unlink d", "a", "!not-linked"},
	{"unlink c", "c", "AB 2:c+ 5:a+ 6:a /y"},
	{"unlink a", "b", "B 2:c+ 5:a+ /y"},
	{"unlink b", "b", "!last-controller"},
	{"link 8:c", "c", "!controller-missing"},
	{"link c", "bc", "Bc 2:c+ 5:a+ /y"},
	{"unlink b", "b", "!last-controller"},
	{"unlink b", "c", "!not-controller"},
	{"lapse 2:z", "", "Bc 5:a+ /y"},
	{"claim", "z", "!handle-taken"},
	{"erase", "c", "!not-controller"},
	{"erase", "b", "erased"},
	{"link z", "bz", "!erased"},
	{"claim", "b", "!handle-erased"},
};

static struct participant_claim claim_of(const struct participant_state *state)
{
	return (struct participant_claim){.taken = state->life == PARTICIPANT_LIVE, .erased = state->life == PARTICIPANT_ERASED};
}

/* Through the tables' text and back, the state is the same. */
static void assert_kept(const struct participant_state *state)
{
	struct participant_state back;
	char *first, *second;
	size_t len, again;

	if (state->life != PARTICIPANT_LIVE)
		return;
	assert_int_equal(participant_state_write(&first, &len, state), 0);
	assert_int_equal(participant_state_read(&back, first, len), 0);
	assert_int_equal(participant_state_write(&second, &again, &back), 0);
	assert_int_equal(len, again);
	assert_memory_equal(first, second, len);
	assert_int_equal(back.seq, state->seq);
	assert_int_equal(back.entries, state->entries);
	free(first);
	free(second);
	participant_state_clear(&back);
}

static void a_life(void **state)
{
	struct participant_state *alice = calloc(1, sizeof(*alice));
	uint64_t seq = 100;

	(void)state;
	for (size_t i = 0; i < sizeof(life) / sizeof(life[0]); i++) {
		struct participant_claim claim = claim_of(alice);
		struct participant_change change;
		const char *rule = NULL;

		change_of(&change, life[i].what, life[i].by);
		if (change.verb != PARTICIPANT_LAPSE)
			rule = participant_state_judge(&change, alice, &claim);
		if (rule) {
			if (life[i].then[0] != '!' || strcmp(life[i].then + 1, rule) != 0)
				fail_msg("%zu: %s by %s: %s, not %s", i, life[i].what, life[i].by, rule, life[i].then);
			assert_string_equal(participant_rule(rule)->word, rule);
		} else {
			assert_false(participant_state_stands(alice, &change, seq) && change.verb != PARTICIPANT_UNLINK);
			if (change.verb == PARTICIPANT_ERASE)
				participant_state_erase(alice, seq, 1000 * seq);
			else
				assert_int_equal(participant_state_apply(alice, &change, seq, 1000 * seq), 0);
			if (strcmp(text_of(alice), life[i].then) != 0)
				fail_msg("%zu: %s by %s: %s, not %s", i, life[i].what, life[i].by, text_of(alice), life[i].then);
			assert_int_equal(alice->seq, seq);
			assert_int_equal(participant_state_stands(alice, &change, seq),
					 change.verb != PARTICIPANT_ERASE && change.verb != PARTICIPANT_LAPSE);
			seq++;
		}
		assert_kept(alice);
		participant_change_clear(&change);
	}
	participant_state_clear(alice);
	free(alice);
}

static void claims_are_bounded(void **state)
{
	struct participant_state *nobody = calloc(1, sizeof(*nobody));
	struct participant_change change;

	(void)state;
	change_of(&change, "claim", "a");
	assert_null(participant_state_judge(&change, nobody, &(struct participant_claim){0}));
	assert_string_equal(participant_state_judge(&change, nobody, &(struct participant_claim){.has_another = true}), "one-handle");
	assert_string_equal(participant_state_judge(&change, nobody, &(struct participant_claim){.quota = true}), "quota");
	assert_string_equal(participant_state_judge(&change, nobody, &(struct participant_claim){.erased = true}), "handle-erased");
	free(nobody);
}

static void put(struct participant_state *state, const char *what, const char *by, const char *rule)
{
	struct participant_change change;
	const char *got;

	change_of(&change, what, by);
	got = participant_state_judge(&change, state, &(struct participant_claim){0});
	if ((got == NULL) != (rule == NULL) || (got && strcmp(got, rule) != 0))
		fail_msg("%s by %s: %s", what, by, got ? got : "taken");
	if (!got)
		assert_int_equal(participant_state_apply(state, &change, state->seq + 1, 0), 0);
	participant_change_clear(&change);
}

static void everything_is_bounded(void **state)
{
	struct participant_state *alice = calloc(1, sizeof(*alice));
	struct participant_change change;
	char what[32], by[3] = "A?";

	(void)state;
	put(alice, "claim", "A", NULL);
	for (int i = 0; i < 16; i++) {
		(void)snprintf(what, sizeof(what), "link %c", 'b' + i);
		by[1] = (char)('b' + i);
		put(alice, what, by, i < 15 ? NULL : "too-many-accounts");
	}
	for (int i = 0; i <= 32; i++) {
		(void)snprintf(what, sizeof(what), "link %d:A", i);
		put(alice, what, "A", i < 32 ? NULL : "too-many-agents");
	}
	for (int i = 0; i <= 16; i++) {
		(void)snprintf(what, sizeof(what), "link /%d", i);
		put(alice, what, "A", i < 16 ? NULL : "too-many-foreign");
	}
	assert_kept(alice);
	/* the fold holds against what no judge let through */
	change_of(&change, "link z", "Az");
	assert_int_equal(participant_state_apply(alice, &change, 1, 1), -EOVERFLOW);
	change_of(&change, "link /z", "A");
	assert_int_equal(participant_state_apply(alice, &change, 1, 1), -EOVERFLOW);
	change_of(&change, "link 99:A", "A");
	change.consent = PARTICIPANT_CONSENT_SIGNED;
	assert_int_equal(participant_state_apply(alice, &change, 1, 1), -EOVERFLOW);
	for (int i = 0; alice->entries < PARTICIPANT_ENTRIES_FULL; i++)
		put(alice, i % 2 ? "profile s" : "profile t", "A", NULL);
	put(alice, "profile u", "A", "too-many-changes");
	put(alice, "link 99:A", "A", "too-many-changes");
	/* whatever is linked can go */
	for (int i = 0; i < 32; i++) {
		(void)snprintf(what, sizeof(what), "unlink %d", i);
		put(alice, what, "A", NULL);
	}
	while (alice->naccounts > 1) {
		(void)snprintf(what, sizeof(what), "unlink %c", alice->accounts[1].account.address.bytes[0]);
		put(alice, what, "A", NULL);
	}
	for (int i = 0; i < 16; i++) {
		(void)snprintf(what, sizeof(what), "unlink /%d", i);
		put(alice, what, "A", NULL);
	}
	assert_true(alice->entries < PARTICIPANT_ENTRIES_MAX);
	alice->entries = PARTICIPANT_ENTRIES_MAX;
	change_of(&change, "unlink A", "A");
	assert_int_equal(participant_state_apply(alice, &change, 1, 1), -EOVERFLOW);
	participant_state_clear(alice);
	free(alice);
}

static void what_cannot_follow_leaves_no_trace(void **state)
{
	struct participant_state *alice = calloc(1, sizeof(*alice)), *before = calloc(1, sizeof(*before));
	static const char *const changes[][2] = {{"link b", "ab"}, {"unlink a", "a"}, {"profile s", "a"}, {"lapse 1:a", ""}, {"erase", "a"}};
	static const char *const then[][2] = {{"claim", "a"}, {"link b", "a"}, {"link 1", "a"}, {"unlink b", "a"}, {"unlink /x", "a"}, {"lapse 1:a", ""}, {"erase", "a"}};
	struct participant_change change;

	(void)state;
	for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
		change_of(&change, changes[i][0], changes[i][1]);
		assert_int_equal(participant_state_apply(alice, &change, 1, 1), -EBADMSG);
		assert_memory_equal(alice, before, sizeof(*alice));
		participant_change_clear(&change);
	}
	put(alice, "claim", "a", NULL);
	*before = *alice;
	for (size_t i = 0; i < sizeof(then) / sizeof(then[0]); i++) {
		change_of(&change, then[i][0], then[i][1]);
		assert_int_equal(participant_state_apply(alice, &change, 9, 9), -EBADMSG);
		assert_memory_equal(alice, before, sizeof(*alice));
		participant_change_clear(&change);
	}
	participant_state_clear(alice);
	free(alice);
	free(before);
}

/* The vectors' payloads, folded as the log would have them. */
static void payloads_fold(void **state)
{
	static const char *const left[] = {"1", "2", "3", "3 1", "3 2", "3 2 1", "3 2 1 p", "3 2 1", "3 1 1", "2 0 1"};
	json_t *vectors = json_load_file(KEDGE_VECTORS "/participants.json", 0, NULL);
	const json_t *changes = json_object_get(vectors, "changes");
	struct participant_state *alice = calloc(1, sizeof(*alice));
	char text[64];

	(void)state;
	assert_non_null(vectors);
	for (size_t i = 0; i < sizeof(left) / sizeof(left[0]); i++) {
		const json_t *payload = json_object_get(json_array_get(changes, i), "payload");

		assert_int_equal(participant_state_take(alice, json_string_value(payload), json_string_length(payload), i, 1000 + i), 0);
		(void)snprintf(text, sizeof(text), "%zu %zu %zu %s", alice->naccounts, alice->nagents, alice->nforeign, alice->profile ? "p" : "");
		if (strncmp(text, left[i], strlen(left[i])) != 0)
			fail_msg("%zu: %s, not %s", i, text, left[i]);
		assert_kept(alice);
	}
	assert_true(alice->accounts[1].contract && alice->accounts[1].judged.safe.number == 40);
	/* an erased payload, or an erasure entry, is the end; and nothing follows it */
	assert_int_equal(participant_state_take(alice, NULL, 0, 50, 2000), 0);
	assert_string_equal(text_of(alice), "erased");
	assert_int_equal(participant_state_take(alice, "x", 1, 51, 2000), 0);
	assert_int_equal(alice->seq, 50);
	memset(alice, 0, sizeof(*alice));
	assert_int_equal(participant_state_take(alice, "{}", 2, 1, 1), -EBADMSG);
	assert_string_equal(text_of(alice), "unknown");
	free(alice);
	json_decref(vectors);
}

static void other_texts_are_no_states(void **state)
{
	struct participant_state *alice = calloc(1, sizeof(*alice)), *back = calloc(1, sizeof(*back));
	size_t len;
	char *text;

	(void)state;
	assert_int_equal(participant_state_write(&text, &len, alice), -EINVAL);
	put(alice, "claim", "a", NULL);
	put(alice, "link 1:a", "a", NULL);
	put(alice, "link /x", "a", NULL);
	assert_int_equal(participant_state_write(&text, &len, alice), 0);
	for (size_t cut = 0; cut < len; cut++)
		assert_int_equal(participant_state_read(back, text, cut), -EBADMSG);
	memcpy(strstr(text, "\"seq\":"), "\"sec\":", 6);
	assert_int_equal(participant_state_read(back, text, len), -EBADMSG);
	free(text);
	participant_state_clear(alice);
	free(alice);
	free(back);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_life),
		cmocka_unit_test(claims_are_bounded),
		cmocka_unit_test(everything_is_bounded),
		cmocka_unit_test(what_cannot_follow_leaves_no_trace),
		cmocka_unit_test(payloads_fold),
		cmocka_unit_test(other_texts_are_no_states),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
