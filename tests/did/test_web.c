/* did:web: which DIDs are refused before anything is connected, and where the others live. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "did/did_web.h"

static void parts_and_urls(void **state)
{
	static const struct {
		const char *did;
		const char *host;
		uint16_t port;
		const char *url;
	} cases[] = {
		{"did:web:example.com", "example.com", 0, "https://example.com/.well-known/did.json"},
		{"did:web:Example.COM:U:a", "example.com", 0, "https://example.com/U/a/did.json"},
		{"did:web:a-1.example%3A1", "a-1.example", 1, "https://a-1.example:1/.well-known/did.json"},
		{"did:web:x.example%3a65535:b", "x.example", 65535, "https://x.example:65535/b/did.json"},
		{"did:web:x.example:%C3%A9%41", "x.example", 0, "https://x.example/%C3%A9%41/did.json"},
		{"did:web:1.2.3.example:...", "1.2.3.example", 0, "https://1.2.3.example/.../did.json"},
		{"did:web:xn--bcher-kva.example", "xn--bcher-kva.example", 0,
		 "https://xn--bcher-kva.example/.well-known/did.json"},
	};
	char url[DID_WEB_URL_SIZE];
	struct did_web web;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		if (did_web_parse(&web, cases[i].did, strlen(cases[i].did)) != 0)
			fail_msg("%s is refused", cases[i].did);
		assert_string_equal(web.host, cases[i].host);
		assert_int_equal(web.port, cases[i].port);
		assert_int_equal(did_web_url(url, sizeof(url), &web), 0);
		assert_string_equal(url, cases[i].url);
		assert_int_equal(did_web_url(url, strlen(cases[i].url) + 1, &web), 0);
		assert_int_equal(did_web_url(url, strlen(cases[i].url), &web), -ENOSPC);
	}
}

static void refused(void **state)
{
	static const char *const dids[] = {
		"did:pkh:example.com",
		"did:web:example.com/x",
		"did:web:example.com#x",
		"did:web:-a.example",
		"did:web:a-.example",
		"did:web:a_b.example",
		"did:web:a..example",
		"did:web:.example",
		"did:web:example.com%3A0",
		"did:web:example.com%3A080",
		"did:web:example.com%3A65536",
		"did:web:example.com%3A8x",
		"did:web:example.com%3A80%2F",
		"did:web:example%3A80.com",
		"did:web:exa%6Dple.com",
		"did:web:%C3%A9.example",
		"did:web:1.2.3.4",
		"did:web:a.0x7f",
		"did:web:a.0X7f",
		"did:web:a.99",
		"did:web:a.localhost",
		"did:web:printer.local",
		"did:web:db.INTERNAL",
		"did:web:localhost%3A8004",
		"did:web:a.example:.",
		"did:web:a.example:x:..",
		"did:web:a.example:%2E",
		"did:web:a.example:x%3Ay",
		"did:web:a.example:x%5Cy",
		"did:web:a.example:x%20y",
		"did:web:a.example:%25",
		"did:web:a.example:%00",
		"did:web:a.example:%7F",
		"did:web::a.example",
		"did:web:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.example",
	};
	char long_host[300] = "did:web:";
	struct did_web web;

	(void)state;
	for (size_t i = 0; i < sizeof(dids) / sizeof(dids[0]); i++)
		if (did_web_parse(&web, dids[i], strlen(dids[i])) != -EBADMSG)
			fail_msg("%s is taken", dids[i]);
	for (size_t i = 0; i < 127; i++)
		memcpy(long_host + 8 + 2 * i, i < 126 ? "a." : "b", i < 126 ? 2 : 1);
	assert_int_equal(did_web_parse(&web, long_host, 8 + 253), 0);
	memcpy(long_host + 8 + 252, "bc", 2);
	assert_int_equal(did_web_parse(&web, long_host, 8 + 254), -EBADMSG);
}

static void the_did_of_this_host(void **state)
{
	static const struct {
		const char *host;
		const char *did;
	} cases[] = {
		{"kedge.example", "did:web:kedge.example"},
		{"kedge.example:8443", "did:web:kedge.example%3A8443"},
		{"localhost:8004", "did:web:localhost%3A8004"},
		{"gateway", "did:web:gateway"},
		{"127.0.0.1:8004", NULL},
		{"Kedge.example", NULL},
		{"kedge.example:", NULL},
		{"kedge.example:080", NULL},
		{"kedge.example:99999", NULL},
		{"", NULL},
		{":80", NULL},
		{"kedge.example/x", NULL},
		{"[::1]:80", NULL},
		{"a@b.example", NULL},
		{"kedge.example.", NULL},
		{"a%3A.example", NULL},
	};
	char did[DID_WEB_HOST_DID_SIZE];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int rc = did_web_from_host(did, sizeof(did), cases[i].host);

		if (rc != (cases[i].did ? 0 : -EBADMSG))
			fail_msg("%s", cases[i].host);
		if (cases[i].did)
			assert_string_equal(did, cases[i].did);
	}
	assert_int_equal(did_web_from_host(did, 12, "kedge.example"), -ENOSPC);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parts_and_urls),
		cmocka_unit_test(refused),
		cmocka_unit_test(the_did_of_this_host),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
