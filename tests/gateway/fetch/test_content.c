/* From URIs of every form to their bytes, with gateways that lie. */
#include "gateway/fetch/content.h"
#include "tests/gateway/fetch/rig.h"

#include <errno.h>
#include <event2/event.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct rig rig;
static struct event_base *base;
static struct fetcher *fetcher;
static char cids[4][80]; /* folder, file, raw, shard */

static void on_done(struct fetch_content *content)
{
	bool *done = content->arg;

	assert_false(*done);
	*done = true;
}

static void get(struct fetch_content *content, const char *gateways_text, const char *uri)
{
	static struct fetch_gateways gateways;
	bool done = false;

	assert_int_equal(fetch_gateways_parse(&gateways, gateways_text), 0);
	*content = (struct fetch_content){.on_done = on_done, .arg = &done};
	assert_int_equal(fetch_content_get(content, fetcher, &gateways, uri, strlen(uri)), 0);
	while (!done)
		assert_int_equal(event_base_loop(base, EVLOOP_ONCE), 0);
}

static void expect(const char *gateways, const char *uri, const char *status, const char *body)
{
	struct fetch_content content;

	get(&content, gateways, uri);
	if (strcmp(content.status, status) != 0 || content.len != strlen(body) || memcmp(content.body, body, content.len) != 0)
		fail_msg("%s: %s (%s), %zu bytes", uri, content.status, content.detail, content.len);
	fetch_content_clear(&content);
}

static void what_needs_no_network_is_decoded(void **state)
{
	struct fetch_content content;

	(void)state;
	expect("", "data:application/json;base64,e30", "ok", "{}");
	expect("", "{}", "ok", "{}");
	expect("", "", "none", "");
	expect("", "hello", "bad-uri", "");
	expect("", "data:;base64,e", "bad-uri", "");
	expect("", "ar://x", "unsupported", "");
	expect("", "bafyreiaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "unsupported", "");
	get(&content, "", "data:,x");
	assert_true(content.fixed);
	assert_string_equal(content.form, "data-percent");
	assert_string_equal(content.host, "");
	fetch_content_clear(&content);
}

static void web_files_are_fetched(void **state)
{
	struct fetch_content content;

	(void)state;
	expect("", "https://good.example/ok", "ok", "{\"name\":\"n\"}");
	expect("", "https://good.example/one", "ok", "{\"name\":\"n\"}");
	expect("", "https://good.example/404", "http", "");
	expect("", "https://good.example/endless", "too-large", "");
	expect("", "https://localhost/", "bad-host", "");
	expect("", "https://127.0.0.1/", "bad-host", "");
	expect("", "http://plain.card.example/", "not-https", "");
	get(&content, "", "https://good.example/ok");
	assert_false(content.fixed);
	assert_string_equal(content.host, "good.example");
	fetch_content_clear(&content);
	get(&content, "", "https://good.example:8443/ok");
	assert_string_equal(content.status, "ok");
	assert_string_equal(content.host, ""); /* who listens there need not be who has the domain */
	fetch_content_clear(&content);
}

static void ipfs_needs_no_trust_in_a_gateway(void **state)
{
	static const char whole[] = "{\"name\":\"from ipfs\",\"services\":[]}";
	static const char GOOD[] = "https://good.example/ipfs/", LYING[] = "https://good.example/lying", NONE[] = "https://good.example/none/";
	char uri[256], both[256];

	(void)state;
	(void)snprintf(uri, sizeof(uri), "ipfs://%s", cids[1]);
	expect("", uri, "ipfs-off", "");
	expect(GOOD, uri, "ok", whole);
	expect(LYING, uri, "ipfs-unverified", "");
	expect("https://good.example/decoded/", uri, "ipfs-unverified", "");
	expect(NONE, uri, "http", "");
	(void)snprintf(both, sizeof(both), "%s %s %s", LYING, NONE, GOOD);
	expect(both, uri, "ok", whole);
	(void)snprintf(uri, sizeof(uri), "ipfs://%s/card.json", cids[0]);
	expect(GOOD, uri, "ok", whole);
	(void)snprintf(uri, sizeof(uri), "ipfs://%s/other.json", cids[0]);
	expect(GOOD, uri, "ipfs-missing", "");
	expect(GOOD, cids[0], "ipfs-directory", "");
	expect(GOOD, cids[2], "ok", "{\"name\":\"n\"}");
	(void)snprintf(uri, sizeof(uri), "%s/card.json", cids[3]);
	expect(GOOD, uri, "unsupported", "");
	/* a gateway's URL is good for its own content */
	(void)snprintf(uri, sizeof(uri), "https://good.example/ipfs/%s/card.json", cids[0]);
	expect("", uri, "ok", whole);
}

static void gateways_are_urls(void **state)
{
	static const char *const bad[] = {"x", "ftp://a.example/", "https://a.example/?x=", "https://u@a.example/"};
	struct fetch_gateways gateways;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(fetch_gateways_parse(&gateways, bad[i]), -EINVAL);
	assert_int_equal(fetch_gateways_parse(&gateways, " https://a.example/ipfs  https://b.example/ipfs/ "), 0);
	assert_int_equal(gateways.n, 2);
	assert_string_equal(gateways.list[0].path, "/ipfs/");
	assert_string_equal(gateways.list[1].path, "/ipfs/");
}

static int setup(void **state)
{
	struct fetch_content content;
	char allow[128];

	(void)state;
	rig_start(&rig);
	base = event_base_new();
	(void)snprintf(allow, sizeof(allow), "good.example:443=127.0.0.1@%u good.example:8443=127.0.0.1@%u", rig.tls_port, rig.tls_port);
	assert_int_equal(fetcher_new(&fetcher, base, &(struct fetcher_config){.allow = allow, .ca = rig.ca, .rate = 1000}), 0);
	get(&content, "", "https://good.example/cids");
	assert_int_equal(sscanf((const char *)content.body, "%79s %79s %79s %79s", cids[0], cids[1], cids[2], cids[3]), 4);
	fetch_content_clear(&content);
	for (size_t i = 0; i < 4; i++)
		cids[i][strspn(cids[i], "abcdefghijklmnopqrstuvwxyz234567")] = '\0';
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	fetcher_free(fetcher);
	event_base_free(base);
	rig_stop(&rig);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_needs_no_network_is_decoded),
		cmocka_unit_test(web_files_are_fetched),
		cmocka_unit_test(ipfs_needs_no_trust_in_a_gateway),
		cmocka_unit_test(gateways_are_urls),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
