/* The one table of settings. A setting is added here and nowhere else. */
#include "gateway/config.h"

#include <ctype.h>
#include <errno.h>
#include <ini.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum kind { TEXT, LIST, NUMBER, FLAG }; /* LIST: items with spaces between; in the file also a line each */

struct setting {
	const char *name;
	enum kind kind;
	size_t offset;
	const char *fallback;
	uint64_t low, high; /* NUMBER only */
	const char *meaning;
};

#define AT(member) offsetof(struct config, member)

static const struct setting settings[] = {
	{"state", TEXT, AT(state), "", 0, 0, "folder of keys/, run/ and signer.state (default ~/.local/state/kedge, as root /var/lib/kedge)"},
	{"public_url", TEXT, AT(public_url), "http://localhost:8004", 0, 0, "the URL the world sees, without a path; DIDs and the log's name come from it"},
	{"listen", TEXT, AT(listen), "127.0.0.1:8004", 0, 0, "address and port for HTTP"},
	{"metrics_listen", TEXT, AT(metrics_listen), "127.0.0.1:8005", 0, 0, "address and port for /metrics; empty for none"},
	{"database", TEXT, AT(database), "dbname=kedge", 0, 0, "libpq connection string"},
	{"owner_database", TEXT, AT(owner_database), "", 0, 0, "the same for `kedge db migrate`, as the role that owns the schema; empty: as database"},
	{"rpc_url", LIST, AT(rpc_url), "http://127.0.0.1:8545", 0, 0, "JSON-RPC endpoints of the default chain, space between, best first"},
	{"rpc_quorum", NUMBER, AT(rpc_quorum), "0", 0, 16, "providers that must name the same finalized block; 0 for no comparison"},
	{"chain_id", NUMBER, AT(chain_id), "8453", 1, UINT64_MAX >> 11, "chain of the default identity registry"},
	{"registry", TEXT, AT(registry), "0x8004a169fb4a3325136eb29fa0ceb6d2e539a432", 0, 0, "address of the default ERC-8004 IdentityRegistry"},
	{"registry_start", NUMBER, AT(registry_start), "41663783", 0, UINT64_MAX >> 11, "block the index of the default registry begins at"},
	{"registry_code", LIST, AT(registry_code), "", 0, 0, "code hashes of implementations whose storage layout is known, space between; empty: the one this release knows"},
	{"registries", LIST, AT(registries), "", 0, 0, "other registries served: CHAIN:0xADDRESS:START, space between"},
	{"rpc_others", LIST, AT(rpc_others), "", 0, 0, "endpoints of other chains: CHAIN=URL, space between"},
	{"multicall", TEXT, AT(multicall), "0xca11bde05977b3631167028862be2a173976ca11", 0, 0, "address of Multicall3; empty to read in plain batches"},
	{"reputation", TEXT, AT(reputation), "", 0, 0, "address of the ReputationRegistry whose feedback is logged; empty for none"},
	{"ipfs_gateways", LIST, AT(ipfs_gateways), "", 0, 0, "URLs that ipfs paths are appended to, space between; empty: ipfs is not fetched"},
	{"fetch_allow", LIST, AT(fetch_allow), "", 0, 0, "tests only: HOST:PORT=ADDRESS or HOST:PORT=ADDRESS@PORT items exempt from the address rules of fetches"},
	{"fetch_ca", TEXT, AT(fetch_ca), "", 0, 0, "tests only: PEM file trusted for the hosts of fetch_allow"},
	{"fetch_nameserver", TEXT, AT(fetch_nameserver), "", 0, 0, "tests only: ADDRESS[:PORT] of the name server that fetches ask"},
	{"own_agents", LIST, AT(own_agents), "", 0, 0, "agents whose endpoints may be on this host: `42`, CHAIN:42 or CHAIN:0xREGISTRY:42, space between"},
	{"file_refresh_s", NUMBER, AT(file_refresh_s), "3600", 1, 604800, "a registration file is fetched again after this many seconds"},
	{"anchor_contract", TEXT, AT(anchor_contract), "", 0, 0, "address of KedgeAnchor; empty for no anchoring"},
	{"workers", NUMBER, AT(workers), "0", 0, 256, "worker processes; 0 for one a core"},
	{"streams", NUMBER, AT(streams), "2000", 1, 100000, "event streams a worker holds open; more are refused"},
	{"publish_ms", NUMBER, AT(publish_ms), "2000", 50, 3600000, "least time between published checkpoints"},
	{"anchor_ms", NUMBER, AT(anchor_ms), "60000", 100, 86400000, "least time between anchors"},
	{"follow_ms", NUMBER, AT(follow_ms), "1000", 50, 60000, "time between looks at the chain's heads"},
	{"head_age_s", NUMBER, AT(head_age_s), "120", 0, 86400, "oldest latest block that is believed to be the head; 0 for any"},
	{"open_quota", NUMBER, AT(open_quota), "0", 0, 1000000000, "attestations an issuer may log a day outside games"},
	{"participant_quota", NUMBER, AT(participant_quota), "0", 0, 1000000000, "handles that participants may claim here a day (UTC)"},
	{"anchor_fee_cap_gwei", NUMBER, AT(anchor_fee_cap_gwei), "100", 1, 1000000, "highest maxFeePerGas an anchor may offer"},
	{"anchor_daily_gwei", NUMBER, AT(anchor_daily_gwei), "0", 0, UINT64_MAX >> 11, "most the anchors of one day may cost; 0 for no limit"},
	{"wallet_authentication", FLAG, AT(wallet_authentication), "false", 0, 0, "list an agent's wallet under authentication too"},
};

enum { SETTINGS = sizeof(settings) / sizeof(settings[0]) };

__attribute__((format(printf, 2, 3))) static int refuse(struct config_error *err, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(err->text, sizeof(err->text), format, args);
	va_end(args);
	return -EINVAL;
}

static const struct setting *find(const char *name)
{
	for (size_t i = 0; i < SETTINGS; i++)
		if (strcmp(settings[i].name, name) == 0)
			return &settings[i];
	return NULL;
}

static int set_number(struct config *config, struct config_error *err, const struct setting *s, const char *value)
{
	uint64_t number = 0;

	if (!*value)
		return refuse(err, "%s: empty; give a number from %ju to %ju", s->name, (uintmax_t)s->low, (uintmax_t)s->high);
	for (const char *p = value; *p; p++) {
		unsigned digit = (unsigned)(*p - '0');

		if (digit > 9 || number > (UINT64_MAX - digit) / 10)
			return refuse(err, "%s: '%s' is not a number from %ju to %ju", s->name, value,
				      (uintmax_t)s->low, (uintmax_t)s->high);
		number = number * 10 + digit;
	}
	if (number < s->low || number > s->high)
		return refuse(err, "%s: %s is outside %ju to %ju", s->name, value, (uintmax_t)s->low, (uintmax_t)s->high);
	memcpy((char *)config + s->offset, &number, sizeof(number));
	return 0;
}

static int set_flag(struct config *config, struct config_error *err, const struct setting *s, const char *value)
{
	bool flag;

	if (strcmp(value, "true") == 0)
		flag = true;
	else if (strcmp(value, "false") == 0)
		flag = false;
	else
		return refuse(err, "%s: '%s' is neither true nor false", s->name, value);
	memcpy((char *)config + s->offset, &flag, sizeof(flag));
	return 0;
}

static int set_text(struct config *config, struct config_error *err, const struct setting *s, const char *value)
{
	size_t size = strlen(value) + 1;

	if (size > CONFIG_TEXT_MAX)
		return refuse(err, "%s: longer than %d bytes", s->name, CONFIG_TEXT_MAX - 1);
	memcpy((char *)config + s->offset, value, size);
	return 0;
}

int config_set(struct config *config, struct config_error *err, const char *name, const char *value)
{
	const struct setting *s = find(name);

	if (!s)
		return refuse(err, "unknown setting '%s'; `kedge serve --help` lists them", name);
	switch (s->kind) {
	case NUMBER:
		return set_number(config, err, s, value);
	case FLAG:
		return set_flag(config, err, s, value);
	case TEXT:
	case LIST:
		return set_text(config, err, s, value);
	}
	return -EINVAL;
}

enum { LINE_MAX_BYTES = 198 }; /* libinih reads lines into 200 bytes */

struct file_reading {
	struct config *config;
	struct config_error *err;
	FILE *file;
	unsigned line;
	bool failed;
	bool seen[SETTINGS];
};

/* libinih takes an indented line for more of the value above, and cuts a long one in two: neither may happen silently. */
static char *read_line(char *text, int size, void *user)
{
	struct file_reading *reading = user;
	char *got = fgets(text, size, reading->file);
	size_t length = got ? strlen(got) : 0;

	if (!got || reading->failed)
		return NULL;
	reading->line++;
	if (length > LINE_MAX_BYTES && got[length - 1] != '\n') {
		refuse(reading->err, "line %u: longer than %d bytes; a list goes on in another line of the same name; give any other "
				     "setting as an environment variable", reading->line, LINE_MAX_BYTES);
		reading->failed = true;
		return NULL;
	}
	if ((*got == ' ' || *got == '\t') && got[strspn(got, " \t\r\n")] != '\0') {
		refuse(reading->err, "line %u: indented; a setting begins at the start of its line", reading->line);
		reading->failed = true;
		return NULL;
	}
	return got;
}

/* A list goes on where its name stands again; of two values for anything else one would be lost silently. */
static int set_from_line(struct file_reading *reading, struct config_error *err, const char *name, const char *value)
{
	const struct setting *s = find(name);
	char joined[2 * CONFIG_TEXT_MAX];
	bool again = s && reading->seen[s - settings];

	if (s)
		reading->seen[s - settings] = true;
	if (!again)
		return config_set(reading->config, err, name, value);
	if (s->kind != LIST)
		return refuse(err, "%s: stands there twice", name);
	snprintf(joined, sizeof(joined), "%s %s", (const char *)reading->config + s->offset, value);
	return set_text(reading->config, err, s, joined);
}

static int on_line(void *user, const char *section, const char *name, const char *value)
{
	struct file_reading *reading = user;
	struct config_error inner;

	if (*section) {
		refuse(reading->err, "line %u: section [%s]: settings stand before any section", reading->line, section);
		reading->failed = true;
		return 0;
	}
	if (set_from_line(reading, &inner, name, value ? value : "") != 0) {
		refuse(reading->err, "line %u: %s", reading->line, inner.text);
		reading->failed = true;
		return 0;
	}
	return 1;
}

static int load_file(struct config *out, struct config_error *err, const char *path)
{
	struct file_reading reading = {.config = out, .err = err, .file = fopen(path, "r")};
	struct config_error inner;
	int line;

	if (!reading.file)
		return refuse(err, "%s: cannot be read: %s", path, strerror(errno));
	line = ini_parse_stream(read_line, &reading, on_line, &reading);
	fclose(reading.file);
	if (line == 0 && !reading.failed)
		return 0;
	if (!reading.failed)
		return refuse(err, "%.200s, line %d: not `name = value`", path, line);
	inner = *err;
	return refuse(err, "%.200s, %s", path, inner.text);
}

/* Variables that steer the process and are no settings. */
static bool is_control(const char *name)
{
	static const char *const control[] = {"config", "failpoint", "test_pg"};

	for (size_t i = 0; i < sizeof(control) / sizeof(control[0]); i++)
		if (strcmp(name, control[i]) == 0)
			return true;
	return false;
}

static int load_environment(struct config *out, struct config_error *err, char *const *environment)
{
	for (; environment && *environment; environment++) {
		const char *variable = *environment, *equals = strchr(variable, '=');
		struct config_error inner;
		char name[64];
		size_t length;

		if (strncmp(variable, "KEDGE_", 6) != 0 || !equals)
			continue;
		length = (size_t)(equals - variable) - 6;
		if (length >= sizeof(name))
			return refuse(err, "unknown variable %.*s", (int)(equals - variable), variable);
		for (size_t i = 0; i < length; i++)
			name[i] = (char)tolower((unsigned char)variable[6 + i]);
		name[length] = '\0';
		if (is_control(name))
			continue;
		if (config_set(out, err, name, equals + 1) != 0) {
			inner = *err;
			return refuse(err, "environment: %s", inner.text);
		}
	}
	return 0;
}

static const char *variable(char *const *environment, const char *name)
{
	size_t length = strlen(name);

	for (; environment && *environment; environment++)
		if (strncmp(*environment, name, length) == 0 && (*environment)[length] == '=')
			return *environment + length + 1;
	return NULL;
}

static void default_state(char out[static CONFIG_TEXT_MAX], char *const *environment)
{
	const char *state = variable(environment, "KEDGE_STATE"), *home = variable(environment, "HOME");

	if (state)
		snprintf(out, CONFIG_TEXT_MAX, "%s", state);
	else if (geteuid() == 0 || !home)
		snprintf(out, CONFIG_TEXT_MAX, "/var/lib/kedge");
	else
		snprintf(out, CONFIG_TEXT_MAX, "%s/.local/state/kedge", home);
}

int config_load(struct config *out, struct config_error *err, const char *path, char *const *environment)
{
	char beside[CONFIG_TEXT_MAX + 16];
	int rc;

	memset(out, 0, sizeof(*out));
	for (size_t i = 0; i < SETTINGS; i++)
		if ((rc = config_set(out, err, settings[i].name, settings[i].fallback)) != 0)
			return rc;
	default_state(out->state, environment);
	snprintf(beside, sizeof(beside), "%s/kedge.ini", out->state);
	if (!path)
		path = variable(environment, "KEDGE_CONFIG");
	if (!path && access(beside, F_OK) == 0)
		path = beside;
	if (path && (rc = load_file(out, err, path)) != 0)
		return rc;
	snprintf(out->file, sizeof(out->file), "%s", path ? path : "");
	if ((rc = load_environment(out, err, environment)) != 0)
		return rc;
	return config_finish(out, err);
}

static bool host_char(char c)
{
	return isalnum((unsigned char)c) || c == '-' || c == '.';
}

/* An IPv4 address in any form ends in a label of digits, or of hex digits after 0x (WHATWG URL, "ends in a number"); a trailing
 * dot leaves an empty label. */
static bool is_address(const char *host, size_t length)
{
	const char *colon = memchr(host, ':', length), *end = colon ? colon : host + length, *label = end;

	while (label > host && label[-1] != '.')
		label--;
	if (label == end)
		return true;
	if (end - label > 1 && label[0] == '0' && (label[1] == 'x' || label[1] == 'X'))
		return true;
	for (; label < end; label++)
		if (!isdigit((unsigned char)*label))
			return false;
	return true;
}

int config_finish(struct config *config, struct config_error *err)
{
	const char *url = config->public_url, *host, *p;
	size_t length;
	char lower[CONFIG_TEXT_MAX];

	if (strncmp(url, "https://", 8) == 0)
		host = url + 8;
	else if (strncmp(url, "http://", 7) == 0)
		host = url + 7;
	else
		return refuse(err, "public_url: '%.200s' does not begin with https:// or http://", url);
	for (p = host; host_char(*p); p++)
		;
	if (p == host || p - host > 253)
		return refuse(err, "public_url: '%.200s' has no host name", url);
	if (*p == ':') {
		unsigned long port = strtoul(p + 1, NULL, 10);
		const char *digits = ++p;

		while (isdigit((unsigned char)*p))
			p++;
		if (p == digits || p - digits > 5 || *digits == '0' || port > 65535)
			return refuse(err, "public_url: '%.200s' has a bad port", url);
	}
	length = (size_t)(p - host);
	if (*p == '/' && p[1] == '\0')
		config->public_url[p - url] = '\0';
	if (*p)
		return refuse(err, "public_url: '%.200s' has more than scheme, host and port", url);
	if (is_address(host, length))
		return refuse(err, "public_url: '%.200s' names an address; did:web needs a host name, such as localhost", url);
	for (size_t i = 0; i < length; i++)
		lower[i] = (char)tolower((unsigned char)host[i]);
	lower[length] = '\0';
	snprintf(config->host, sizeof(config->host), "%.*s", (int)length, lower);
	snprintf(config->origin, sizeof(config->origin), "%.*s/log", (int)length, lower);
	return 0;
}

void config_describe(void (*visit)(void *arg, const char *name, const char *fallback, const char *meaning), void *arg)
{
	for (size_t i = 0; i < SETTINGS; i++)
		visit(arg, settings[i].name, settings[i].fallback, settings[i].meaning);
}
