/* The forms of token URIs, and texts that are none. */
#include "gateway/fetch/uri.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define V0 "QmT78zSuBmuS4z925WZfrqQ1qHaJ56DQaTfyMUF7F8ff5o"
#define V1 "bafybeicg2rebjoofv4kbyovkw7af3rpiitvnl6i7ckcywaq6xjcxnc2mby"

static uint8_t body[URI_TEXT_MAX];

static int read_text(struct uri *uri, const char *text)
{
	return uri_read(uri, body, sizeof(body), text, strlen(text));
}

static void every_form_is_known(void **state)
{
	static const struct {
		const char *text, *form;
		enum uri_kind kind;
		const char *bytes;
	} cases[] = {
		{"", "none", URI_NONE, NULL},
		{" \n", "none", URI_NONE, NULL},
		{"data:application/json;base64,eyJuYW1lIjoibiJ9", "data-base64", URI_BYTES, "{\"name\":\"n\"}"},
		{"DATA:application/json;BASE64,eyJuYW1lIjoibiJ9", "data-base64", URI_BYTES, "{\"name\":\"n\"}"},
		{"data:application/json;charset=utf-8;base64,e30=", "data-base64", URI_BYTES, "{}"},
		{"data:application/json;base64,e30", "data-base64", URI_BYTES, "{}"},
		{"data:;base64,Pz8_", "data-base64", URI_BYTES, "???"},
		{"data:application/json,%7B%22name%22%3A%22n%22%7D", "data-percent", URI_BYTES, "{\"name\":\"n\"}"},
		{"data:application/json;utf8,{\"name\":\"n\"}", "data-percent", URI_BYTES, "{\"name\":\"n\"}"},
		{"data:,", "data-percent", URI_BYTES, ""},
		{"data:application/json;base64,{\"name\":\"n\"}", "data-json", URI_BYTES, "{\"name\":\"n\"}"},
		{"data:application/json;base64,%7B%7D", "data-json", URI_BYTES, "{}"},
		{" {\"name\":\"100%\"} ", "json", URI_BYTES, "{\"name\":\"100%\"}"},
		{"https://a.example/card.json", "https", URI_WEB, NULL},
		{"HTTP://a.example", "http", URI_WEB, NULL},
		{"ipfs://" V0, "ipfs", URI_IPFS, NULL},
		{"ipfs://ipfs/" V1 "/a.json", "ipfs", URI_IPFS, NULL},
		{V0, "ipfs-cid", URI_IPFS, NULL},
		{V1 "/a.json", "ipfs-cid", URI_IPFS, NULL},
		{"/ipfs/" V1, "ipfs-cid", URI_IPFS, NULL},
		{"https://ipfs.io/ipfs/" V0 "/a.json?x=1", "ipfs-gateway", URI_IPFS, NULL},
		{"https://" V1 ".ipfs.dweb.link/a.json", "ipfs-gateway", URI_IPFS, NULL},
		{"https://a.example/ipfs/notacid", "https", URI_WEB, NULL},
		{"ar://abc", "other", URI_OTHER, NULL},
		{"ipns://k51qzi5uqu5d", "other", URI_OTHER, NULL},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct uri uri;
		int rc = read_text(&uri, cases[i].text);

		if (rc != 0 || uri.kind != cases[i].kind || strcmp(uri.form, cases[i].form) != 0)
			fail_msg("%s: %d, form %s", cases[i].text, rc, uri.form);
		if (cases[i].bytes &&
		    (uri.len != strlen(cases[i].bytes) || memcmp(body, cases[i].bytes, uri.len) != 0))
			fail_msg("%s: %.*s", cases[i].text, (int)uri.len, (const char *)body);
	}
}

static void what_is_none_is_refused(void **state)
{
	static const struct {
		const char *text;
		int rc;
	} cases[] = {
		{"hello", -EILSEQ},
		{"//a.example/x", -EILSEQ},
		{"a.example/card.json", -EILSEQ},
		{"\x01", -EILSEQ},
		{"[]", -EILSEQ},
		{"data:application/json;base64", -EBADMSG},
		{"data:;base64,e30==", -EBADMSG},
		{"data:;base64,e3=", -EBADMSG},
		{"data:;base64,e", -EBADMSG},
		{"data:;base64,e31", -EBADMSG}, /* bits behind the end */
		{"data:;base64,e 30", -EBADMSG},
		{"data:;base64,e3\n0=", -EBADMSG},
		{"data:;base64,+-==", -EBADMSG}, /* two alphabets */
		{"data:;base64,=", -EBADMSG},
		{"data:,%", -EBADMSG},
		{"data:,%4", -EBADMSG},
		{"data:,%gg", -EBADMSG},
		{"https://", -EBADMSG},
		{"https:///x", -EBADMSG},
		{"https://user@a.example/", -EBADMSG},
		{"https://a.example:443@evil.example/", -EBADMSG},
		{"https://a.example:0/", -EBADMSG},
		{"https://a.example:65536/", -EBADMSG},
		{"https://a.example:/", -EBADMSG},
		{"https://a.example:80a/", -EBADMSG},
		{"https://[::1]/", -EBADMSG},
		{"https://a.example%2f.evil.example/", -EBADMSG},
		{"https://a.example\\@evil.example/", -EBADMSG},
		{"https://a.example/a b", -EBADMSG},
		{"https://a.example/\r\nHost: evil", -EBADMSG},
		{"https://a.example/\xc3\xa9", -EBADMSG},
		{"https://a.example/%zz", -EBADMSG},
		{"https://xn--\xc3\xa9.example/", -EBADMSG},
		{"ipfs://", -EBADMSG},
		{"ipfs://hello", -EBADMSG},
		{"ipfs://" V0 "x", -EBADMSG},
		{"ipfs://" V0 "@x", -EBADMSG},
		{"ipfs://" V0 "/%00", -EBADMSG},
		{"ipfs://" V0 "/%0a", -EBADMSG},
		{"ipfs://" V0 "/%", -EBADMSG},
		{"ipfs://bafyreiaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", -EOPNOTSUPP},
	};
	static char large[URI_TEXT_MAX + 1];
	struct uri uri;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int rc = read_text(&uri, cases[i].text);

		if (rc != cases[i].rc)
			fail_msg("%s: %d in place of %d", cases[i].text, rc, cases[i].rc);
	}
	memset(large, 'a', sizeof(large));
	memcpy(large, "data:,", 6);
	assert_int_equal(uri_read(&uri, body, sizeof(body), large, URI_TEXT_MAX), 0);
	assert_int_equal(uri.len, URI_TEXT_MAX - 6);
	assert_int_equal(uri_read(&uri, body, 100, large, URI_TEXT_MAX), -ENOSPC);
	assert_int_equal(uri_read(&uri, body, sizeof(body), large, sizeof(large)), -EOVERFLOW);
	memcpy(large, "https://a.example/", 18);
	assert_int_equal(uri_read(&uri, body, sizeof(body), large, 8 + 9 + URI_PATH_MAX - 2), 0);
	assert_int_equal(uri_read(&uri, body, sizeof(body), large, 8 + 9 + URI_PATH_MAX - 1), -EOVERFLOW);
	memcpy(large, "{}", 2);
	assert_int_equal(uri_read(&uri, body, 1, large, 2), -ENOSPC);
}

static void web_urls_are_taken_apart(void **state)
{
	static const struct {
		const char *text, *host, *path;
		uint16_t port;
		bool tls;
	} cases[] = {
		{"https://A.Example", "a.example", "/", 443, true},
		{"https://a.example:8443/x?y=%20#z", "a.example", "/x?y=%20", 8443, true},
		{"http://a.example?x#y", "a.example", "/?x", 80, false},
		{"https://a.example#/x", "a.example", "/", 443, true},
		{"https://127.0.0.1/../x", "127.0.0.1", "/../x", 443, true},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct uri_web web;

		assert_int_equal(uri_web_read(&web, cases[i].text, strlen(cases[i].text)), 0);
		assert_string_equal(web.host, cases[i].host);
		assert_string_equal(web.path, cases[i].path);
		assert_int_equal(web.port, cases[i].port);
		assert_int_equal(web.tls, cases[i].tls);
	}
}

static void gateway_urls_become_cids(void **state)
{
	struct uri uri;

	(void)state;
	assert_int_equal(read_text(&uri, "https://gw.example:444/ipfs/" V0 "/a%20b/?filename=x"), 0);
	assert_string_equal(uri.ipfs.path, "a b");
	assert_true(uri.ipfs.has_gateway);
	assert_string_equal(uri.ipfs.gateway.host, "gw.example");
	assert_string_equal(uri.ipfs.gateway.path, "/ipfs/");
	assert_int_equal(uri.ipfs.gateway.port, 444);
	assert_int_equal(read_text(&uri, "https://" V1 ".ipfs.dweb.link"), 0);
	assert_string_equal(uri.ipfs.path, "");
	assert_string_equal(uri.ipfs.gateway.host, "dweb.link");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_form_is_known),
		cmocka_unit_test(what_is_none_is_refused),
		cmocka_unit_test(web_urls_are_taken_apart),
		cmocka_unit_test(gateway_urls_become_cids),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
