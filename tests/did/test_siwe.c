/* ERC-4361: the vectors of spruceid/siwe where they are (third-party data: read where it is, never copied), and tables of our
 * own: what each part may be, and that what was read is written again. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "did/siwe.h"
#include "eth/eip191.h"
#include "eth/hex.h"
#include "eth/signature.h"
#include <jansson.h>

#define ADDRESS "0xe5A12547fe4E872D192E3eCecb76F2Ce1aeA4946"
#define HEAD "service.org wants you to sign in with your Ethereum account:\n" ADDRESS "\n\n"
#define MIDDLE "URI: https://service.org/login\nVersion: 1\nChain ID: 1\nNonce: 12341234\nIssued At: 2022-03-17T12:45:13.610Z"
#define TAIL                                                                                                                   \
	"\nExpiration Time: 2023-03-17T12:45:13.610Z\nNot Before: 2022-03-17T12:45:13.610Z\nRequest ID: some_id\nResources:\n"    \
	"- https://service.org/login\n- urn:a:b"
#define WHOLE HEAD "A statement.\n\n" MIDDLE TAIL

static struct did_slice slice(const char *text)
{
	return (struct did_slice){text, text ? strlen(text) : 0};
}

static json_t *vectors(const char *name)
{
	char path[512];
	json_t *found;

	(void)snprintf(path, sizeof(path), "%s/eth/siwe/test/%s.json", KEDGE_SHARED_VECTORS, name);
	found = json_load_file(path, 0, NULL);
	if (!found) {
		printf("skipped: no third-party vectors\n");
		skip();
	}
	return found;
}

static void assert_written_again(const struct siwe_message *message, const char *text, size_t len)
{
	char again[SIWE_MESSAGE_MAX];
	size_t again_len = 0;

	assert_int_equal(siwe_format(again, &again_len, sizeof(again), NULL, message), 0);
	assert_int_equal(again_len, len);
	assert_memory_equal(again, text, len);
	if (len > 0)
		assert_int_equal(siwe_format(again, &again_len, len - 1, NULL, message), -ENOSPC);
}

/* ---- third-party vectors ---- */

static void assert_field(const json_t *fields, const char *name, struct did_slice got)
{
	const char *expected = json_string_value(json_object_get(fields, name));

	if (!expected)
		assert_null(got.ptr);
	else if (got.len != strlen(expected) || memcmp(got.ptr, expected, got.len) != 0)
		fail_msg("%s: %.*s, not %s", name, (int)got.len, got.ptr, expected);
}

static void assert_fields(const json_t *fields, const struct siwe_message *m)
{
	const json_t *resources = json_object_get(fields, "resources");
	char address[ADDRESS_TEXT_SIZE];

	assert_field(fields, "scheme", m->scheme);
	assert_field(fields, "domain", m->domain);
	assert_field(fields, "statement", m->statement);
	assert_field(fields, "uri", m->uri);
	assert_field(fields, "nonce", m->nonce);
	assert_field(fields, "issuedAt", m->issued_at.text);
	assert_field(fields, "expirationTime", m->expiration_time.text);
	assert_field(fields, "notBefore", m->not_before.text);
	assert_field(fields, "requestId", m->request_id);
	assert_int_equal(m->chain_id, json_integer_value(json_object_get(fields, "chainId")));
	address_format_eip55(address, &m->address);
	assert_string_equal(address, json_string_value(json_object_get(fields, "address")));
	assert_int_equal(m->nresources, json_array_size(resources));
	for (size_t i = 0; i < m->nresources; i++)
		assert_true(did_slice_is(m->resources[i], json_string_value(json_array_get(resources, i))));
}

static void parses_what_it_should(void **state)
{
	json_t *cases = vectors("parsing_positive"), *of;
	const char *name;
	size_t n = 0;

	(void)state;
	json_object_foreach(cases, name, of)
	{
		const char *text = json_string_value(json_object_get(of, "message"));
		enum siwe_part part = SIWE_NONE;
		struct siwe_message message;

		if (siwe_parse(&message, &part, text, strlen(text)) != 0)
			fail_msg("%s: refused for its %s", name, siwe_part_name(part));
		assert_fields(json_object_get(of, "fields"), &message);
		assert_written_again(&message, text, strlen(text));
		n++;
	}
	printf("%zu messages\n", n);
	json_decref(cases);
}

static void refuses_what_it_should(void **state)
{
	json_t *cases = vectors("parsing_negative"), *text;
	const char *name;
	size_t n = 0;

	(void)state;
	json_object_foreach(cases, name, text)
	{
		enum siwe_part part = SIWE_NONE;
		struct siwe_message message;

		if (siwe_parse(&message, &part, json_string_value(text), json_string_length(text)) != -EBADMSG)
			fail_msg("%s: taken", name);
		assert_int_not_equal(part, SIWE_NONE);
		n++;
	}
	printf("%zu messages\n", n);
	json_decref(cases);
}

static struct did_slice member(const json_t *object, const char *name)
{
	return slice(json_string_value(json_object_get(object, name)));
}

/* An object of the vectors as a message. What the struct cannot hold (an address in another spelling, a chain that is no
 * number, another version) is refused here. */
static int message_of(struct siwe_message *m, const json_t *of)
{
	struct did_slice address = member(of, "address"), version = member(of, "version");
	const json_t *resources = json_object_get(of, "resources");
	char spelt[ADDRESS_TEXT_SIZE];

	memset(m, 0, sizeof(*m));
	m->domain = member(of, "domain");
	m->statement = member(of, "statement");
	m->uri = member(of, "uri");
	m->nonce = member(of, "nonce");
	m->issued_at.text = member(of, "issuedAt");
	m->expiration_time.text = member(of, "expirationTime");
	m->not_before.text = member(of, "notBefore");
	m->request_id = member(of, "requestId");
	m->has_resources = resources != NULL;
	for (; m->nresources < json_array_size(resources); m->nresources++)
		m->resources[m->nresources] = slice(json_string_value(json_array_get(resources, m->nresources)));
	if (!json_is_integer(json_object_get(of, "chainId")) || !version.ptr || !did_slice_is(version, "1") || !address.ptr ||
	    address_parse(&m->address, address.ptr, address.len) != 0)
		return -EINVAL;
	m->chain_id = (uint64_t)json_integer_value(json_object_get(of, "chainId"));
	address_format_eip55(spelt, &m->address);
	return did_slice_is(address, spelt) ? 0 : -EINVAL;
}

static void objects_are_refused(void **state)
{
	json_t *cases = vectors("parsing_negative_objects"), *of;
	char text[SIWE_MESSAGE_MAX];
	struct siwe_message m;
	const char *name;
	size_t n = 0, len;

	(void)state;
	json_object_foreach(cases, name, of)
	{
		if (message_of(&m, of) == 0 && siwe_format(text, &len, sizeof(text), NULL, &m) != -EINVAL)
			fail_msg("%s: written", name);
		n++;
	}
	printf("%zu objects\n", n);
	json_decref(cases);
}

/* Whether a message of the vectors holds at its time, as a host that expects `domainBinding` and `matchNonce` would say. v of 0
 * and 1, which signature_parse() refuses, is what some wallets write. */
static bool holds(const json_t *of)
{
	struct did_slice signature = member(of, "signature"), domain = member(of, "domainBinding"), nonce = member(of, "matchNonce");
	struct did_slice time = member(of, "time");
	struct signature_context *context = signature_context_new((const uint8_t[32]){0});
	struct eth_signature parsed;
	char text[SIWE_MESSAGE_MAX];
	struct siwe_message m, again;
	struct eth_hash digest;
	uint8_t bytes[65];
	int64_t now = INT64_C(1790000000000);
	bool ok;
	size_t len;

	if (time.ptr)
		assert_int_equal(siwe_time_parse(&now, time), 0);
	ok = message_of(&m, of) == 0 && siwe_format(text, &len, sizeof(text), NULL, &m) == 0 && siwe_parse(&again, NULL, text, len) == 0;
	if (ok && again.expiration_time.text.ptr)
		ok = now < again.expiration_time.ms;
	if (ok && again.not_before.text.ptr)
		ok = now >= again.not_before.ms;
	if (ok && domain.ptr)
		ok = did_slice_is(again.domain, domain.ptr);
	if (ok && nonce.ptr)
		ok = did_slice_is(again.nonce, nonce.ptr);
	if (ok)
		ok = hex_decode_fixed(bytes, sizeof(bytes), signature.ptr, signature.len) == 0;
	if (ok) {
		bytes[64] = bytes[64] < 2 ? (uint8_t)(bytes[64] + 27) : bytes[64];
		eip191_digest(&digest, text, len);
		ok = signature_parse(&parsed, bytes, sizeof(bytes)) == 0 && signature_verify(context, &parsed, &digest, &m.address) == 0;
	}
	signature_context_free(context);
	return ok;
}

static void verifies(void **state)
{
	const char *const files[] = {"verification_positive", "verification_negative"};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		json_t *cases = vectors(files[i]), *of;
		const char *name;

		json_object_foreach(cases, name, of) if (holds(of) != (i == 0)) fail_msg("%s: %s", files[i], name);
		printf("%s: %zu\n", files[i], json_object_size(cases));
		json_decref(cases);
	}
}

/* Contract wallets: the message is one, and its 65 or 66 bytes are no signature of the account's key, so only the contract can say
 * (its answer was not recorded). */
static void contract_wallets_sign_otherwise(void **state)
{
	json_t *cases = vectors("eip1271"), *of;
	const char *name;

	(void)state;
	json_object_foreach(cases, name, of)
	{
		const char *text = json_string_value(json_object_get(of, "message"));
		struct signature_context *context = signature_context_new((const uint8_t[32]){0});
		struct did_slice signature = member(of, "signature");
		struct eth_signature parsed;
		struct siwe_message m;
		struct eth_hash digest;
		uint8_t bytes[80];
		size_t len;

		assert_int_equal(siwe_parse(&m, NULL, text, strlen(text)), 0);
		assert_written_again(&m, text, strlen(text));
		assert_int_equal(hex_decode_data(bytes, sizeof(bytes), &len, signature.ptr, signature.len), 0);
		eip191_digest(&digest, text, strlen(text));
		if (signature_parse(&parsed, bytes, len) == 0)
			assert_int_not_equal(signature_verify(context, &parsed, &digest, &m.address), 0);
		signature_context_free(context);
	}
	json_decref(cases);
}

/* ---- our own ---- */

static void every_form_is_written_again(void **state)
{
	static const char *const texts[] = {
		WHOLE,
		HEAD "\n" MIDDLE,			/* no statement */
		HEAD "\n\n" MIDDLE,			/* an empty one */
		HEAD "URI: x\n\n" MIDDLE,		/* one that looks like the next line */
		HEAD "\n" MIDDLE "\nRequest ID: ",	/* empty, which is not absent */
		HEAD "\n" MIDDLE "\nResources:",
		HEAD "\n" MIDDLE "\nRequest ID: %20:@!$&'()*+,;=-._~aZ9",
		"a+b-c.9://" HEAD "\n" MIDDLE,
		HEAD "\nURI: urn:kedge:v1:x\nVersion: 1\nChain ID: 0\nNonce: aZ09aZ09\nIssued At: 0000-01-01T00:00:00Z",
		HEAD "\nURI: a:\nVersion: 1\nChain ID: 18446744073709551615\nNonce: aZ09aZ09\nIssued At: 9999-12-31t23:59:59.999999999z",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		enum siwe_part part = SIWE_NONE;
		struct siwe_message m;

		if (siwe_parse(&m, &part, texts[i], strlen(texts[i])) != 0)
			fail_msg("%zu: refused for its %s", i, siwe_part_name(part));
		assert_written_again(&m, texts[i], strlen(texts[i]));
	}
}

static void absent_and_empty_differ(void **state)
{
	struct siwe_message m;

	(void)state;
	assert_int_equal(siwe_parse(&m, NULL, HEAD "\n" MIDDLE, strlen(HEAD "\n" MIDDLE)), 0);
	assert_null(m.statement.ptr);
	assert_null(m.request_id.ptr);
	assert_false(m.has_resources);
	assert_int_equal(siwe_parse(&m, NULL, HEAD "\n\n" MIDDLE, strlen(HEAD "\n\n" MIDDLE)), 0);
	assert_non_null(m.statement.ptr);
	assert_int_equal(m.statement.len, 0);
}

/* One change in a good message, and the part that is blamed. */
static const struct {
	const char *from, *to;
	enum siwe_part part;
} refused[] = {
	{"service.org wants", "://service.org wants", SIWE_SCHEME},
	{"service.org wants", "1a://service.org wants", SIWE_SCHEME},
	{"service.org wants", "h_p://service.org wants", SIWE_SCHEME},
	{"service.org wants", "https://service.org/ wants", SIWE_DOMAIN},
	{"service.org wants", "https:// wants", SIWE_DOMAIN},
	{"service.org wants", "service.org  wants", SIWE_DOMAIN},
	{"service.org wants", ":80 wants", SIWE_DOMAIN},
	{"service.org wants", "user@ wants", SIWE_DOMAIN},
	{"service.org wants", "a@b@c wants", SIWE_DOMAIN},
	{"service.org wants", "a:b wants", SIWE_DOMAIN},
	{"service.org wants", "[::1 wants", SIWE_DOMAIN},
	{"service.org wants", "[1:2] wants", SIWE_DOMAIN},
	{"service.org wants", "a%2 wants", SIWE_DOMAIN},
	{"service.org wants", "\xc3\xa9.org wants", SIWE_DOMAIN},
	{"wants you", "wants  you", SIWE_DOMAIN},
	{"account:", "account", SIWE_DOMAIN},
	{"account:\n", "account:\r\n", SIWE_DOMAIN},
	{ADDRESS, "0xe5a12547fe4e872d192e3ececb76f2ce1aea4946", SIWE_ADDRESS},
	{ADDRESS, "0xE5A12547FE4E872D192E3ECECB76F2CE1AEA4946", SIWE_ADDRESS},
	{ADDRESS, ADDRESS "\r", SIWE_ADDRESS},
	{ADDRESS, ADDRESS "0", SIWE_ADDRESS},
	{ADDRESS "\n\n", ADDRESS "\n", SIWE_STATEMENT},
	{ADDRESS "\n\n", ADDRESS "\n \n", SIWE_STATEMENT},
	{"A statement.\n", "A statement.", SIWE_STATEMENT},
	{"A statement.", "A\nstatement.", SIWE_STATEMENT},
	{"A statement.", "A\tstatement.", SIWE_STATEMENT},
	{"A statement.", "A \"statement\".", SIWE_STATEMENT},
	{"A statement.", "100%.", SIWE_STATEMENT},
	{"A statement.", "\xc3\xa9", SIWE_STATEMENT},
	{"A statement.\n\n", "A statement.\n\n\n", SIWE_URI},
	{"URI: ", "URI:", SIWE_URI},
	{"URI: ", "uri: ", SIWE_URI},
	{"URI: https", "URI:  https", SIWE_URI},
	{"URI: https://service.org/login", "URI: ", SIWE_URI},
	{"URI: https://service.org/login", "URI: /login", SIWE_URI},
	{"URI: https://service.org/login", "URI: a:b c", SIWE_URI},
	{"URI: https://service.org/login", "URI: a:b|c", SIWE_URI},
	{"URI: https://service.org/login", "URI: a:%zz", SIWE_URI},
	{"URI: https://service.org/login", "URI: a:#b#c", SIWE_URI},
	{"URI: https://service.org/login", "URI: a://b:x/", SIWE_URI},
	{"URI: https://service.org/login", "URI: a://[::g]/", SIWE_URI},
	{"URI: https://service.org/login", "URI: a://[/]", SIWE_URI},
	{"Version: 1", "Version: 01", SIWE_VERSION},
	{"Version: 1", "Version: 1 ", SIWE_VERSION},
	{"Chain ID: 1", "Chain ID: 01", SIWE_CHAIN_ID},
	{"Chain ID: 1", "Chain ID: ", SIWE_CHAIN_ID},
	{"Chain ID: 1", "Chain ID: -1", SIWE_CHAIN_ID},
	{"Chain ID: 1", "Chain ID: 0x1", SIWE_CHAIN_ID},
	{"Chain ID: 1", "Chain ID: 18446744073709551616", SIWE_CHAIN_ID},
	{"Nonce: 12341234", "Nonce: 1234123", SIWE_NONCE},
	{"Nonce: 12341234", "Nonce: 1234-1234", SIWE_NONCE},
	{"Nonce: 12341234", "Nonce: 1234 1234", SIWE_NONCE},
	{"Issued At: 2022-03-17", "Issued At: 2022-3-17", SIWE_ISSUED_AT},
	{"Issued At: 2022-03-17", "Issued At:2022-03-17", SIWE_ISSUED_AT},
	{"Expiration Time: 2023-03-17", "Expiration Time: 2023-02-29", SIWE_EXPIRATION_TIME},
	{"Not Before: 2022-03-17", "Not Before: 2022-13-17", SIWE_NOT_BEFORE},
	{"Request ID: some_id", "Request ID: some/id", SIWE_REQUEST_ID},
	{"Request ID: some_id", "Request ID: a?b", SIWE_REQUEST_ID},
	{"Request ID: some_id", "Request ID: a#b", SIWE_REQUEST_ID},
	{"Request ID: some_id", "Request ID: a b", SIWE_REQUEST_ID},
	{"Request ID: some_id", "Request ID: %0", SIWE_REQUEST_ID},
	{"Resources:", "Resources: ", SIWE_RESOURCES},
	{"- urn:a:b", "- ", SIWE_RESOURCES},
	{"- urn:a:b", "- urn a", SIWE_RESOURCES},
	{"- urn:a:b", "-urn:a:b", SIWE_END},
	{"- urn:a:b", "- urn:a:b\n", SIWE_END},
	{"- urn:a:b", "- urn:a:b\nResources:", SIWE_END},
	{"Resources:", "Resource:", SIWE_END},
	{"\nRequest ID: some_id", "\nRequest ID: some_id\nRequest ID: some_id", SIWE_END},
};

static void refusals_name_the_part(void **state)
{
	char text[2048];

	(void)state;
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		const char *at = strstr(WHOLE, refused[i].from);
		enum siwe_part part = SIWE_NONE;
		struct siwe_message m;
		int len;

		assert_non_null(at);
		len = snprintf(text, sizeof(text), "%.*s%s%s", (int)(at - WHOLE), WHOLE, refused[i].to, at + strlen(refused[i].from));
		if (siwe_parse(&m, &part, text, (size_t)len) != -EBADMSG || part != refused[i].part)
			fail_msg("%zu (%s): part %s", i, refused[i].to, siwe_part_name(part));
	}
}

static void no_message_ends_early(void **state)
{
	struct siwe_message m;
	size_t whole = 0;

	(void)state;
	for (size_t len = 0; len <= strlen(WHOLE); len++)
		whole += siwe_parse(&m, NULL, WHOLE, len) == 0;
	/* a message is one as soon as its issue time is: every fraction of a second, and then where optional parts end */
	assert_true(whole > 0 && whole < 60);
	assert_int_equal(siwe_parse(&m, NULL, WHOLE "\0", strlen(WHOLE) + 1), -EBADMSG);
}

static void limits(void **state)
{
	static char text[SIWE_MESSAGE_MAX + 2], out[SIWE_MESSAGE_MAX];
	struct siwe_message m;
	enum siwe_part part;
	size_t len = (size_t)sprintf(text, "%s", HEAD "\n" MIDDLE "\nResources:"), n = 0, start = len;

	(void)state;
	for (; n < SIWE_RESOURCES_MAX; n++)
		len += (size_t)sprintf(text + len, "\n- a:%zu", n);
	assert_int_equal(siwe_parse(&m, &part, text, len), 0);
	assert_int_equal(m.nresources, SIWE_RESOURCES_MAX);
	len += (size_t)sprintf(text + len, "\n- a:b");
	assert_int_equal(siwe_parse(&m, &part, text, len), -EOVERFLOW);
	assert_int_equal(part, SIWE_RESOURCES);
	len = start + (size_t)sprintf(text + start, "\n- a:");
	memset(text + len, 'b', sizeof(text) - len);
	assert_int_equal(siwe_parse(&m, &part, text, SIWE_MESSAGE_MAX), 0);
	assert_written_again(&m, text, SIWE_MESSAGE_MAX);
	assert_int_equal(siwe_parse(&m, &part, text, SIWE_MESSAGE_MAX + 1), -EOVERFLOW);
	assert_int_equal(part, SIWE_LENGTH);
	/* what could not be read again is not written */
	assert_int_equal(siwe_parse(&m, &part, WHOLE, strlen(WHOLE)), 0);
	m.nresources = SIWE_RESOURCES_MAX + 1;
	assert_int_equal(siwe_format(out, &len, sizeof(out), &part, &m), -EINVAL);
	assert_int_equal(part, SIWE_RESOURCES);
	m.nresources = 1;
	m.has_resources = false;
	assert_int_equal(siwe_format(out, &len, sizeof(out), &part, &m), -EINVAL);
	m.nresources = 0;
	m.scheme = slice("");
	assert_int_equal(siwe_format(out, &len, sizeof(out), &part, &m), -EINVAL);
	assert_int_equal(part, SIWE_SCHEME);
}

static void uris(void **state)
{
	static const char *const good[] = {
		"a:", "a:b", "urn:a:b", "did:web:localhost%3A8004:character:alice", "did:pkh:eip155:1:0xab", "file:///etc", "http://a", "http://a:/",
		"http://[v1.a:b]:80/", "http://[1:2:3:4:5:6:7:8]", "http://[::]", "http://[::1.2.3.4]", "http://[1::8]", "http://[1:2:3:4:5:6:7::]",
		"http://[1:2:3:4:5:6:1.2.3.4]", "a:?", "a:#", "a:b?c=d/?e#f/?", "mailto:a@b", "a://u:p@h", "a:/", "a:a//b", "x+y-z.0:1",
	};
	static const char *const bad[] = {
		"", ":", "a", "/a", "1a:b", "a b:c", "a:\\", "a:<b>", "a:\"", "a:`", "a:^", "a:{", "a:\x7f", "a:[", "a:b[c]", "a:#[", "http://[1:2:3:4:5:6:7]",
		"http://[1:2:3:4:5:6:7:8:9]", "http://[1::2::3]", "http://[:::]", "http://[1:]", "http://[12345::]", "http://[::1.2.3]", "http://[::1.2.3.256]",
		"http://[::01.2.3.4]", "http://[::1.2.3.4:1]", "http://[1:2:3:4:5:6:7:1.2.3.4]", "http://[v.a]", "http://[v1.]", "http://[v1a]", "http://[::1]x",
		"http://[1:2:3:4:5:6:7:8::]", "http://a]", "a:%", "a:%4", "a:%4g", "a://b@c@d",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		if (!siwe_is_uri(slice(good[i])))
			fail_msg("refused: %s", good[i]);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (siwe_is_uri(slice(bad[i])))
			fail_msg("taken: %s", bad[i]);
}

static void times(void **state)
{
	static const struct {
		const char *text;
		int64_t ms;
	} good[] = {
		{"1970-01-01T00:00:00Z", 0},
		{"1970-01-01T00:00:00.5Z", 500},
		{"1970-01-01T00:00:00.123456789Z", 123},
		{"1969-12-31T23:59:59Z", -1000},
		{"2000-02-29T00:00:00Z", INT64_C(951782400000)},
		{"2021-09-30T16:25:24-02:00", INT64_C(1633026324000)},
		{"2021-09-30t16:25:24+00:00", INT64_C(1633019124000)},
		{"2016-12-31T23:59:60Z", INT64_C(1483228800000)},
		{"2016-12-31T15:59:60-08:00", INT64_C(1483228800000)},
		{"0000-01-01T00:00:00Z", INT64_C(-62167219200000)},
		{"9999-12-31T23:59:59z", INT64_C(253402300799000)},
	};
	static const char *const bad[] = {
		"", "1970-01-01", "1970-01-01T00:00Z", "1970-01-01T00:00:00", "1970-01-01 00:00:00Z", "1970-01-01T00:00:00.Z", "1970-1-01T00:00:00Z",
		"1970-00-01T00:00:00Z", "1970-01-00T00:00:00Z", "1970-04-31T00:00:00Z", "1900-02-29T00:00:00Z", "1970-01-01T24:00:00Z", "1970-01-01T00:60:00Z",
		"1970-01-01T00:00:61Z", "1970-01-01T00:00:60Z", "1970-01-01T00:00:00+24:00", "1970-01-01T00:00:00+01:60", "1970-01-01T00:00:00+0100",
		"1970-01-01T00:00:00+01", "1970-01-01T00:00:00ZZ", " 1970-01-01T00:00:00Z", "+970-01-01T00:00:00Z", "1970-01-01T00:00:00,5Z", "10000-01-01T00:00:00Z",
	};
	int64_t ms;

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		if (siwe_time_parse(&ms, slice(good[i].text)) != 0 || ms != good[i].ms)
			fail_msg("%s", good[i].text);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (siwe_time_parse(&ms, slice(bad[i])) != -EBADMSG)
			fail_msg("taken: %s", bad[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parses_what_it_should),
		cmocka_unit_test(refuses_what_it_should),
		cmocka_unit_test(objects_are_refused),
		cmocka_unit_test(verifies),
		cmocka_unit_test(contract_wallets_sign_otherwise),
		cmocka_unit_test(every_form_is_written_again),
		cmocka_unit_test(absent_and_empty_differ),
		cmocka_unit_test(refusals_name_the_part),
		cmocka_unit_test(no_message_ends_early),
		cmocka_unit_test(limits),
		cmocka_unit_test(uris),
		cmocka_unit_test(times),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
