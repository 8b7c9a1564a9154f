/* What is accepted, and every refusal with its place: the table below is the list of them. */
#include "gateway/record/attestation.h"
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
/* cmocka wants the four above first */
#include <cmocka.h>

static struct record_names names;

static int setup(void **state)
{
	static const char registry[] = "0x8004a169fb4a3325136eb29fa0ceb6d2e539a432";

	(void)state;
	names.origin = "localhost:8004/log";
	names.agents.host = "localhost:8004";
	names.agents.chain = 31337;
	return address_parse(&names.agents.registry, registry, strlen(registry));
}

#define SIG "0x" S16 S16 S16 S16 S16 S16 S16 S16 "1b"
#define S16 "1111111111111111"
#define PROOF "\"proof\":{\"type\":\"eip712\",\"signature\":\"" SIG "\"}"
/* An attestation whose members are HEAD, then claim and what is put after it. */
#define HEAD                                                                                                           \
	"\"schemaVersion\":\"attestation/"                                                                             \
	"v1\",\"id\":\"0x1\",\"issuer\":\"0\",\"issuerKind\":\"agent\",\"subject\":\"1\""
#define CLAIM ",\"claim\":{\"type\":\"t\",\"data\":{}}"
#define A(more) "{\"attestation\":{" HEAD CLAIM more "}," PROOF "}"
#define WITH(more) "{\"attestation\":{" HEAD CLAIM "}," PROOF "," more "}"
#define ONLY(members) "{\"attestation\":{" members "}," PROOF "}"
#define PROVED(proof) "{\"attestation\":{" HEAD CLAIM "}," proof "}"
#define KEY1 "eip155:31337/erc721:0x8004a169fb4a3325136eb29fa0ceb6d2e539a432/1"

static const struct refused {
	const char *json;
	enum refusal_code code;
	const char *pointer;
} refused[] = {
	/* 400: bytes */
	{"", REFUSAL_SYNTAX, ""},
	{"{", REFUSAL_SYNTAX, ""},
	{"nul", REFUSAL_SYNTAX, ""},
	{A("") "x", REFUSAL_SYNTAX, ""},
	{"\xef\xbb\xbf{}", REFUSAL_SYNTAX, ""},
	{A(",\"note\":1,\"note\":2"), REFUSAL_DUPLICATE_KEY, "/attestation/note"},
	{A(",\"note\":1,\"\\u006eote\":2"), REFUSAL_DUPLICATE_KEY, "/attestation/note"},
	{A(",\"note\":\"\xff\""), REFUSAL_ENCODING, "/attestation/note"},
	{A(",\"note\":\"\xc0\xaf\""), REFUSAL_ENCODING, "/attestation/note"},
	{A(",\"note\":\"\\ud800\""), REFUSAL_ENCODING, "/attestation/note"},
	{A(",\"note\":\"\\u0000\""), REFUSAL_ENCODING, "/attestation/note"},
	{A(",\"round\":9007199254740992"), REFUSAL_NUMBER, "/attestation/round"},
	{A(",\"round\":-9007199254740992"), REFUSAL_NUMBER, "/attestation/round"},
	{A(",\"x\":1e400"), REFUSAL_NUMBER, "/attestation/x"},
	/* 422: the submission */
	{"[]", REFUSAL_SHAPE, ""},
	{"3", REFUSAL_SHAPE, ""},
	{"{}", REFUSAL_MEMBER_MISSING, "/attestation"},
	{"{\"attestation\":[]," PROOF "}", REFUSAL_SHAPE, "/attestation"},
	{WITH("\"more\":1"), REFUSAL_MEMBER_UNKNOWN, "/more"},
	{WITH("\"a/b~c\":1"), REFUSAL_MEMBER_UNKNOWN, "/a~1b~0c"},
	{PROVED("\"salt\":\"00112233445566778899aabbccddeeff\""), REFUSAL_MEMBER_MISSING, "/proof"},
	/* the attestation */
	{ONLY("\"id\":\"0x1\""), REFUSAL_MEMBER_MISSING, "/attestation/schemaVersion"},
	{ONLY("\"schemaVersion\":1"), REFUSAL_FIELD, "/attestation/schemaVersion"},
	{ONLY("\"schemaVersion\":\"attestation/v2\""), REFUSAL_SCHEMA_VERSION, "/attestation/schemaVersion"},
	{ONLY("\"schemaVersion\":\"attestation/v1\""), REFUSAL_MEMBER_MISSING, "/attestation/id"},
	{ONLY("\"schemaVersion\":\"attestation/v1\",\"id\":\"\""), REFUSAL_FIELD, "/attestation/id"},
	{ONLY("\"schemaVersion\":\"attestation/v1\",\"id\":7"), REFUSAL_FIELD, "/attestation/id"},
	{ONLY("\"schemaVersion\":\"attestation/v1\",\"id\":\"1\""), REFUSAL_MEMBER_MISSING, "/attestation/issuer"},
	{ONLY("\"schemaVersion\":\"attestation/v1\",\"id\":\"1\",\"issuer\":null"), REFUSAL_FIELD,
	 "/attestation/issuer"},
	{ONLY("\"schemaVersion\":\"attestation/v1\",\"id\":\"1\",\"issuer\":-1"), REFUSAL_FIELD, "/attestation/issuer"},
	{ONLY("\"schemaVersion\":\"attestation/v1\",\"id\":\"1\",\"issuer\":1.5"), REFUSAL_FIELD,
	 "/attestation/issuer"},
	{ONLY("\"schemaVersion\":\"attestation/v1\",\"id\":\"1\",\"issuer\":0"), REFUSAL_MEMBER_MISSING,
	 "/attestation/issuerKind"},
	{ONLY("\"schemaVersion\":\"attestation/v1\",\"id\":\"1\",\"issuer\":0,\"issuerKind\":\"human\""), REFUSAL_FIELD,
	 "/attestation/issuerKind"},
	{ONLY("\"schemaVersion\":\"attestation/v1\",\"id\":\"1\",\"issuer\":0,\"issuerKind\":\"agent\""),
	 REFUSAL_MEMBER_MISSING, "/attestation/subject"},
	{ONLY("\"schemaVersion\":\"attestation/v1\",\"id\":\"1\",\"issuer\":0,\"issuerKind\":\"agent\",\"subject\":[]"),
	 REFUSAL_FIELD, "/attestation/subject"},
	{ONLY(HEAD), REFUSAL_MEMBER_MISSING, "/attestation/claim"},
	{ONLY(HEAD ",\"claim\":\"t\""), REFUSAL_FIELD, "/attestation/claim"},
	{ONLY(HEAD ",\"claim\":{\"data\":{}}"), REFUSAL_MEMBER_MISSING, "/attestation/claim/type"},
	{ONLY(HEAD ",\"claim\":{\"type\":\"\",\"data\":{}}"), REFUSAL_FIELD, "/attestation/claim/type"},
	{ONLY(HEAD ",\"claim\":{\"type\":\"a\\nround: 9\",\"data\":{}}"), REFUSAL_CONTROL, "/attestation/claim/type"},
	{ONLY(HEAD ",\"claim\":{\"type\":\"a\x7f\",\"data\":{}}"), REFUSAL_CONTROL, "/attestation/claim/type"},
	{ONLY(HEAD ",\"claim\":{\"type\":\"t\"}"), REFUSAL_MEMBER_MISSING, "/attestation/claim/data"},
	{ONLY(HEAD ",\"claim\":{\"type\":\"t\",\"data\":[]}"), REFUSAL_FIELD, "/attestation/claim/data"},
	{A(",\"note\":null"), REFUSAL_FIELD, "/attestation/note"},
	{A(",\"confidence\":\"1\""), REFUSAL_FIELD, "/attestation/confidence"},
	{A(",\"confidence\":1.0000001"), REFUSAL_CONFIDENCE, "/attestation/confidence"},
	{A(",\"confidence\":-0.1"), REFUSAL_CONFIDENCE, "/attestation/confidence"},
	{A(",\"round\":-1"), REFUSAL_ROUND, "/attestation/round"},
	{A(",\"round\":1.5"), REFUSAL_ROUND, "/attestation/round"},
	{A(",\"round\":\"8\""), REFUSAL_ROUND, "/attestation/round"},
	{A(",\"round\":null"), REFUSAL_ROUND, "/attestation/round"},
	{A(",\"issuedAt\":1.5"), REFUSAL_FIELD, "/attestation/issuedAt"},
	{A(",\"issuedAt\":true"), REFUSAL_FIELD, "/attestation/issuedAt"},
	{A(",\"evidenceRefs\":{}"), REFUSAL_FIELD, "/attestation/evidenceRefs"},
	{A(",\"evidenceRefs\":[{},3]"), REFUSAL_FIELD, "/attestation/evidenceRefs/1"},
	{A(",\"evidenceRefs\":[{\"visibility\":\"public\"},{\"visibility\":\"viewer-visible\"}]"),
	 REFUSAL_EVIDENCE_VISIBILITY, "/attestation/evidenceRefs/1/visibility"},
	/* names */
	{A(",\"x\":0"), REFUSAL_NONE, ""}, /* the base itself is fine: nothing below is refused for another reason */
	{ONLY("\"schemaVersion\":\"attestation/"
	      "v1\",\"id\":\"1\",\"issuer\":\"bob\",\"issuerKind\":\"agent\",\"subject\":\"1\"" CLAIM),
	 REFUSAL_NAME, "/attestation/issuer"},
	{ONLY("\"schemaVersion\":\"attestation/v1\",\"id\":\"1\",\"issuer\":\"0\",\"issuerKind\":\"agent\",\"subject\":"
	      "\"09329112-ba7b-4fba-b624-7b83e6ce9f48\"" CLAIM),
	 REFUSAL_NAME, "/attestation/subject"},
	{ONLY("\"schemaVersion\":\"attestation/"
	      "v1\",\"id\":\"1\",\"issuer\":\"0\",\"issuerKind\":\"agent\",\"subject\":\"007\"" CLAIM),
	 REFUSAL_NAME, "/attestation/subject"},
	{ONLY("\"schemaVersion\":\"attestation/v1\",\"id\":\"1\",\"issuer\":\"0\",\"issuerKind\":\"agent\",\"subject\":"
	      "\"eip155:1/erc721:0x8004a169fb4a3325136eb29fa0ceb6d2e539a432/1\"" CLAIM),
	 REFUSAL_REGISTRY, "/attestation/subject"},
	{ONLY("\"schemaVersion\":\"attestation/"
	      "v1\",\"id\":\"1\",\"issuer\":1,\"issuerKind\":\"agent\",\"subject\":\"" KEY1 "\"" CLAIM),
	 REFUSAL_SELF, "/attestation/subject"},
	/* context */
	{WITH("\"context\":[]"), REFUSAL_SHAPE, "/context"},
	{WITH("\"context\":{\"team\":1}"), REFUSAL_MEMBER_UNKNOWN, "/context/team"},
	{WITH("\"context\":{\"game\":\"g\"}"), REFUSAL_FIELD, "/context/game"},
	{WITH("\"context\":{\"game\":{}}"), REFUSAL_MEMBER_MISSING, "/context/game/id"},
	{WITH("\"context\":{\"game\":{\"id\":\"\"}}"), REFUSAL_FIELD, "/context/game/id"},
	{WITH("\"context\":{\"game\":{\"id\":\"a\\tb\"}}"), REFUSAL_CONTROL, "/context/game/id"},
	{WITH("\"context\":{\"game\":{\"id\":\"g\",\"type\":1}}"), REFUSAL_FIELD, "/context/game/type"},
	{WITH("\"context\":{\"game\":{\"id\":\"g\",\"more\":1}}"), REFUSAL_MEMBER_UNKNOWN, "/context/game/more"},
	{WITH("\"context\":{\"relay\":7}"), REFUSAL_FIELD, "/context/relay"},
	{WITH("\"context\":{\"surface\":7}"), REFUSAL_FIELD, "/context/surface"},
	{WITH("\"salt\":\"00112233445566778899aabbccddeef\""), REFUSAL_SALT, "/salt"},
	{WITH("\"salt\":\"00112233445566778899AABBCCDDEEFF\""), REFUSAL_SALT, "/salt"},
	{WITH("\"salt\":5"), REFUSAL_SALT, "/salt"},
	/* what is not offered here */
	{ONLY("\"schemaVersion\":\"attestation/"
	      "v1\",\"id\":\"1\",\"issuer\":\"system:oathbreaker\",\"issuerKind\":\"system\","
	      "\"subject\":\"1\"" CLAIM),
	 REFUSAL_ISSUER_KIND, "/attestation/issuer"},
	{ONLY("\"schemaVersion\":\"attestation/v1\",\"id\":\"1\",\"issuer\":\"plugin:x\",\"issuerKind\":\"plugin\","
	      "\"subject\":\"1\"" CLAIM),
	 REFUSAL_ISSUER_KIND, "/attestation/issuer"},
	{WITH("\"context\":{\"release\":{\"round\":9}}"), REFUSAL_RELEASE, "/context/release"},
	{WITH("\"context\":{\"surface\":\"0xabc\"}"), REFUSAL_SURFACE, "/context/surface"},
	/* proof */
	{PROVED("\"proof\":\"0x\""), REFUSAL_SHAPE, "/proof"},
	{PROVED("\"proof\":{}"), REFUSAL_MEMBER_MISSING, "/proof/type"},
	{PROVED("\"proof\":{\"type\":\"eip712\"}"), REFUSAL_MEMBER_MISSING, "/proof/signature"},
	{PROVED("\"proof\":{\"type\":\"eip1271\",\"signature\":\"" SIG "\"}"), REFUSAL_PROOF, "/proof/type"},
	{PROVED("\"proof\":{\"type\":\"eip191\",\"signature\":\"0x1b\"}"), REFUSAL_PROOF, "/proof/signature"},
	{PROVED("\"proof\":{\"type\":\"eip191\",\"signature\":\"" S16 SIG "\"}"), REFUSAL_PROOF, "/proof/signature"},
	{PROVED("\"proof\":{\"type\":\"eip191\",\"signature\":\"" SIG "\",\"by\":1}"), REFUSAL_MEMBER_UNKNOWN,
	 "/proof/by"},
};

static int parse(struct submission *s, struct refusal *why, const char *json)
{
	memset(why, 0, sizeof(*why));
	return submission_parse(s, why, &names, (const uint8_t *)json, strlen(json));
}

static void test_refusals(void **state)
{
	struct submission s;
	struct refusal why;

	(void)state;
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		int rc = parse(&s, &why, refused[i].json);

		if (why.code != refused[i].code || strcmp(why.pointer, refused[i].pointer) != 0)
			print_error("case %zu %s: got %d at %s (%s)\n", i, refused[i].json, (int)why.code, why.pointer,
				    why.detail);
		assert_int_equal(why.code, refused[i].code);
		assert_string_equal(why.pointer, refused[i].pointer);
		assert_int_equal(rc, refused[i].code == REFUSAL_NONE ? 0 : -EBADMSG);
		if (rc) {
			assert_null(s.json);
			assert_true(*why.detail);
		}
		submission_clear(&s);
	}
}

/* Every code that parsing can give is in the table above, and every row says what HTTP needs. */
static void test_table_is_whole(void **state)
{
	(void)state;
	for (unsigned code = REFUSAL_SYNTAX; code < REFUSAL_COUNT; code++) {
		const struct refusal_row *row = refusal_row((enum refusal_code)code);
		bool seen = false;

		assert_true(*row->type && *row->title && row->status >= 400);
		assert_true(row->status != 403 || row->rule);
		for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
			seen |= refused[i].code == code;
		if (code == REFUSAL_BATCH || code == REFUSAL_BATCH_TOO_LARGE || code == REFUSAL_DEPTH ||
		    code == REFUSAL_NOTE || code == REFUSAL_ITEM_TOO_LARGE || code == REFUSAL_SUBJECT ||
		    code >= REFUSAL_SIGNATURE)
			continue; /* by size below, by test_batch, test_admission, the engine */
		if (!seen)
			print_error("no case for code %u\n", code);
		assert_true(seen);
	}
}

static void test_sizes(void **state)
{
	char *json = malloc(2 * SUBMISSION_MAX), *at;
	struct submission s;
	struct refusal why;

	(void)state;
	assert_non_null(json);
	for (unsigned extra = 0; extra < 2; extra++) {
		strcpy(json, "{\"attestation\":{" HEAD CLAIM ",\"x\":\"");
		at = json + strlen(json);
		while ((size_t)(at - json) + strlen("\"}," PROOF "}") < SUBMISSION_MAX - 1 + extra)
			*at++ = 'x';
		strcpy(at, "\"}," PROOF "}");
		assert_int_equal(strlen(json), SUBMISSION_MAX - 1 + extra);
		assert_int_equal(parse(&s, &why, json), extra ? -EBADMSG : 0);
		assert_int_equal(why.code, extra ? REFUSAL_ITEM_TOO_LARGE : REFUSAL_NONE);
		submission_clear(&s);
	}
	for (unsigned points = 200; points <= 201; points++) {
		strcpy(json, "{\"attestation\":{" HEAD CLAIM ",\"note\":\"");
		for (unsigned i = 0; i < points; i++)
			strcat(json, "\xf0\x9f\x9a\xa2");
		strcat(json, "\"}," PROOF "}");
		assert_int_equal(parse(&s, &why, json), points == 200 ? 0 : -EBADMSG);
		assert_int_equal(why.code, points == 200 ? REFUSAL_NONE : REFUSAL_NOTE);
		submission_clear(&s);
	}
	for (unsigned depth = 29; depth <= 31; depth++) { /* the item and its attestation are two levels more */
		strcpy(json, "{\"attestation\":{" HEAD CLAIM ",\"x\":");
		for (unsigned i = 0; i < depth; i++)
			strcat(json, "[");
		for (unsigned i = 0; i < depth; i++)
			strcat(json, "]");
		strcat(json, "}," PROOF "}");
		assert_int_equal(parse(&s, &why, json), depth <= 30 ? 0 : -EBADMSG);
		assert_int_equal(why.code, depth <= 30 ? REFUSAL_NONE : REFUSAL_DEPTH);
		submission_clear(&s);
	}
	free(json);
}

static void test_long_texts(void **state)
{
	static const struct {
		const char *before, *after;
		unsigned max;
		const char *pointer;
	} cases[] = {
		{"{\"attestation\":{" HEAD ",\"claim\":{\"type\":\"", "\",\"data\":{}}}," PROOF "}",
		 SUBMISSION_CLAIM_TYPE_MAX, "/attestation/claim/type"},
		{"{\"attestation\":{" HEAD CLAIM "}," PROOF ",\"context\":{\"game\":{\"id\":\"", "\"}}}",
		 SUBMISSION_GAME_ID_MAX, "/context/game/id"},
	};
	char json[4096];
	struct submission s;
	struct refusal why;

	(void)state;
	for (size_t i = 0; i < 2; i++)
		for (unsigned over = 0; over < 2; over++) {
			strcpy(json, cases[i].before);
			for (unsigned n = 0; n < cases[i].max + over; n++)
				strcat(json, "\xe2\x9c\x93");
			strcat(json, cases[i].after);
			assert_int_equal(parse(&s, &why, json), over ? -EBADMSG : 0);
			assert_string_equal(why.pointer, over ? cases[i].pointer : "");
			submission_clear(&s);
		}
}

/* The drift of facts/coordination-games.md §1.1 and §1.6: all of this is taken. */
static void test_accepted(void **state)
{
	static const char *const accepted[] = {
		A(""),
		A(",\"round\":0"),
		A(",\"round\":9007199254740991"),
		A(",\"round\":8.0"),
		A(",\"issuedAt\":1777593600000"),
		A(",\"issuedAt\":\"2026-05-01T18:22:07.412Z\""),
		A(",\"issuedAt\":\"yesterday\""),
		A(",\"confidence\":0,\"evidenceRefs\":[]"),
		A(",\"confidence\":1,\"evidenceRefs\":[{\"kind\":\"relay\",\"id\":\"relay:41\",\"visibility\":"
		  "\"public\"}]"),
		A(",\"polarity\":-1,\"nested\":{\"deep\":[null,true]}"),
		WITH("\"context\":{}"),
		WITH("\"context\":{\"game\":{\"id\":\"g\",\"type\":\"oathbreaker\"},\"relay\":{\"index\":41,\"turn\":"
		     "null}}"),
		PROVED("\"proof\":{\"type\":\"eip191\",\"signature\":\"" SIG "\"}"),
	};
	struct submission s;
	struct refusal why;

	(void)state;
	for (size_t i = 0; i < sizeof(accepted) / sizeof(accepted[0]); i++) {
		int rc = parse(&s, &why, accepted[i]);

		if (rc)
			print_error("%s: %s %s\n", accepted[i], why.pointer, why.detail);
		assert_int_equal(rc, 0);
		submission_clear(&s);
	}
}

static void test_names(void **state)
{
	static const char *const forms[] = {
		"\"1\"",
		"1",
		"1.0",
		"\"agent:1\"",
		"\"erc8004:31337:1\"",
		"\"erc8004:31337:0x8004A169FB4a3325136EB29fA0ceB6D2e539a432:1\"",
		"\"EIP155:31337/ERC721:0x8004A169FB4A3325136EB29FA0CEB6D2E539A432/1\"",
		"\"did:web:localhost%3A8004:agent:31337:1\"",
	};
	char json[2048];
	struct submission s;
	struct refusal why;

	(void)state;
	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		(void)snprintf(json, sizeof(json),
			       "{\"attestation\":{\"schemaVersion\":\"attestation/"
			       "v1\",\"id\":\"1\",\"issuer\":0,\"issuerKind\":"
			       "\"agent\",\"subject\":%s" CLAIM "}," PROOF "}",
			       forms[i]);
		if (parse(&s, &why, json))
			print_error("%s: %s\n", forms[i], why.detail);
		assert_string_equal(s.subject, KEY1);
		submission_clear(&s);
	}
}

/* facts/coordination-games.md §1.6: "id is the real value for this body". */
static void test_platform_id(void **state)
{
#define BODY(id, more)                                                                                                 \
	"{\"schemaVersion\":\"attestation/v1\",\"id\":\"" id                                                           \
	"\",\"issuer\":\"tragedy-of-the-commons:system\",\"issuerKind\":"                                              \
	"\"system\",\"subject\":\"09329112-ba7b-4fba-b624-7b83e6ce9f48\",\"claim\":{\"type\":\"tragedy.round_choice."  \
	"v1\","                                                                                                        \
	"\"data\":{\"gameType\":\"tragedy-of-the-commons\",\"schemaVersion\":\"v2\",\"round\":5,\"actor\":"            \
	"\"09329112-ba7b-4fba-b624-7b83e6ce9f48\",\"actionType\":\"extract_tile\",\"action\":{\"tileId\":\"0,0\","     \
	"\"resource\":"                                                                                                \
	"\"water\",\"level\":\"low\"},\"before\":{\"resources\":{\"grain\":0,\"timber\":2,\"ore\":1,\"fish\":1,"       \
	"\"water\":2,"                                                                                                 \
	"\"energy\":3},\"influence\":1,\"vp\":2,\"structures\":[\"structure-camp-1\"],\"roads\":[\"road-1\"]}" more    \
	"}},"                                                                                                          \
	"\"confidence\":1,\"round\":5}"
#define REAL "0xb5bdf86bd5f7c3d24c926e95edcf14c9527de20071d398d702b638b3b30d94a7"
	static const struct {
		const char *json;
		enum submission_id_match match;
	} cases[] = {
		{BODY(REAL, ""), SUBMISSION_ID_MATCHES},
		{BODY("0x00", ""), SUBMISSION_ID_DIFFERS},
		{BODY(REAL, ",\"more\":1"), SUBMISSION_ID_DIFFERS},
		{BODY(REAL, ",\"more\":0.5"), SUBMISSION_ID_UNKNOWN},
		{BODY(REAL, ",\"10\":1"), SUBMISSION_ID_UNKNOWN},
		{BODY(REAL, ",\"__proto__\":{}"), SUBMISSION_ID_UNKNOWN},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		json_t *json = json_loads(cases[i].json, 0, NULL);

		assert_non_null(json);
		assert_int_equal(submission_id_check(json, NULL), cases[i].match);
		json_decref(json);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_refusals),    cmocka_unit_test(test_table_is_whole), cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_long_texts),  cmocka_unit_test(test_accepted),	   cmocka_unit_test(test_names),
		cmocka_unit_test(test_platform_id),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
