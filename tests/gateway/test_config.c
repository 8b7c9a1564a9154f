/* Settings come from defaults, file and environment in that order, and anything unknown is refused by name. */
#include "gateway/config.h"

#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void file_then_environment(void **state)
{
	char path[] = "/tmp/kedge-config-XXXXXX";
	char *environment[] = {"HOME=/home/x", "KEDGE_OPEN_QUOTA=7", NULL};
	const char *text = "# comment\nopen_quota = 5\nworkers = 3\npublic_url = https://Example.ORG:8443/\n";
	int fd = mkstemp(path);
	struct config_error err;
	struct config config;

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
	assert_int_equal(config_load(&config, &err, path, environment), 0);
	unlink(path);
	assert_int_equal(config.open_quota, 7);
	assert_int_equal(config.workers, 3);
	assert_string_equal(config.host, "example.org:8443");
	assert_string_equal(config.origin, "example.org:8443/log");
	assert_string_equal(config.public_url, "https://Example.ORG:8443");
	assert_int_equal(config.publish_ms, 2000);
}

static void refusals(void **state)
{
	static const struct {
		const char *variable, *says;
	} cases[] = {
		{"KEDGE_OPEN_QOUTA=7", "unknown setting 'open_qouta'"},
		{"KEDGE_WORKERS=many", "not a number"},
		{"KEDGE_WORKERS=", "empty"},
		{"KEDGE_WORKERS=-1", "not a number"},
		{"KEDGE_WORKERS=257", "outside 0 to 256"},
		{"KEDGE_CHAIN_ID=99999999999999999999999", "not a number"},
		{"KEDGE_WALLET_AUTHENTICATION=yes", "neither true nor false"},
		{"KEDGE_PUBLIC_URL=ftp://x", "does not begin with"},
		{"KEDGE_PUBLIC_URL=http://", "no host name"},
		{"KEDGE_PUBLIC_URL=http://a/b", "more than scheme"},
		{"KEDGE_PUBLIC_URL=http://a@b", "more than scheme"},
		{"KEDGE_PUBLIC_URL=http://a:0", "bad port"},
		{"KEDGE_PUBLIC_URL=http://a:65536", "bad port"},
		{"KEDGE_PUBLIC_URL=http://a:", "bad port"},
		{"KEDGE_PUBLIC_URL=http://127.0.0.1:8004", "names an address"},
		{"KEDGE_PUBLIC_URL=http://0x7f000001", "names an address"},
		{"KEDGE_PUBLIC_URL=http://1.2.0x3", "names an address"},
		{"KEDGE_PUBLIC_URL=http://host.", "names an address"},
		{"KEDGE_CONFIG=/nonexistent/kedge.ini", "cannot be read"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char variable[128];
		char *environment[] = {variable, NULL};
		struct config_error err = {""};
		struct config config;

		snprintf(variable, sizeof(variable), "%s", cases[i].variable);
		assert_int_equal(config_load(&config, &err, NULL, environment), -EINVAL);
		if (!strstr(err.text, cases[i].says))
			fail_msg("%s: said '%s'", cases[i].variable, err.text);
	}
}

static void lines_a_file_may_not_have(void **state)
{
	static const struct {
		const char *text, *says;
	} cases[] = {
		{"workers = 1\n  open_quota = 5\n", "line 2: indented"},
		{"workers = 1\n\topen_quota = 5\n", "line 2: indented"},
		{"\n# c\nrpc_url = http://localhost/"
		 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
		 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n",
		 "line 3: longer than"},
		{"workers = 1\n[serve]\nopen_quota = 5\n", "line 3: section [serve]"},
		{"workers\n", "line 1: not `name = value`"},
		{"worker = 1\n", "line 1: unknown setting 'worker'"},
		{"workers = 1\nopen_quota = 5\nworkers = 1\n", "line 3: workers: stands there twice"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char path[] = "/tmp/kedge-config-XXXXXX";
		char *environment[] = {NULL};
		struct config_error err = {""};
		struct config config;
		int fd = mkstemp(path);

		assert_true(fd >= 0);
		assert_int_equal(write(fd, cases[i].text, strlen(cases[i].text)), (ssize_t)strlen(cases[i].text));
		close(fd);
		assert_int_equal(config_load(&config, &err, path, environment), -EINVAL);
		unlink(path);
		if (!strstr(err.text, cases[i].says))
			fail_msg("%s: said '%s'", cases[i].text, err.text);
	}
}

/* Addresses of providers hold keys and are long: the file's lines are not. */
static void lists_go_on(void **state)
{
	char path[] = "/tmp/kedge-config-XXXXXX";
	char *plain[] = {NULL}, *over[] = {"KEDGE_RPC_URL=http://over", NULL};
	const char *text = "rpc_url = http://a\nworkers = 3\nrpc_url = http://b http://c\nregistries = x\nrpc_url=http://d\n";
	struct config_error err;
	struct config config;
	int fd = mkstemp(path);

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	assert_int_equal(config_load(&config, &err, path, plain), 0);
	assert_string_equal(config.rpc_url, "http://a http://b http://c http://d");
	assert_string_equal(config.registries, "x");
	assert_int_equal(config_load(&config, &err, path, over), 0);
	assert_string_equal(config.rpc_url, "http://over");
	for (unsigned i = 0; i < 20; i++)
		assert_true(dprintf(fd, "rpc_url = http://%0150u\n", i) > 0);
	assert_int_equal(config_load(&config, &err, path, plain), -EINVAL);
	assert_non_null(strstr(err.text, "rpc_url: longer than 2047 bytes"));
	close(fd);
	unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(file_then_environment), cmocka_unit_test(refusals),
					   cmocka_unit_test(lines_a_file_may_not_have), cmocka_unit_test(lists_go_on)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
