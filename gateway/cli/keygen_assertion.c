/* kedge keygen assertion: the gateway's assertion key, and its change while verifiers know both. Each step leaves a state from which
 * the same command goes on: a key is on the disk before it is listed, listed before it is current, and current in the list before
 * its private half takes the other's place. */
#include "gateway/cli/assertion.h"
#include "gateway/cli/cli.h"
#include "gateway/keyfile.h"
#include "gateway/runtime/clock.h"
#include "did/resolution.h"

#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { OVERLAP_DAYS = 30, OVERLAP_MAX = 3650, DAY = 86400 };

struct keys {
	char state[CONFIG_TEXT_MAX];
	char path[CONFIG_TEXT_MAX + 32], next_path[CONFIG_TEXT_MAX + 32]; /* private halves */
	struct assertion_keys list;
	int64_t now;
};

void cli_public_half(uint8_t public_key[static 32], const uint8_t seed[static 32])
{
	uint8_t secret[64];

	crypto_sign_seed_keypair(public_key, secret, seed);
	sodium_memzero(secret, sizeof(secret));
}

/* The public half of a key file. Errors of keyfile_read(). */
static int read_public(uint8_t public_key[static 32], const char *path)
{
	uint8_t *seed;
	int rc = keyfile_read(&seed, path);

	if (rc != 0)
		return rc;
	cli_public_half(public_key, seed);
	keyfile_free(seed);
	return 0;
}

static int fail(const char *path, const char *why)
{
	cli_error("%s: %s", path, why);
	return CLI_FALSE;
}

static int store(const struct keys *keys)
{
	int rc = assertion_store(&keys->list, keys->state);

	return rc == 0 ? CLI_OK : fail("keys/assertion.pub", strerror(-rc));
}

static void find_paths(struct keys *keys, const struct config *config)
{
	snprintf(keys->state, sizeof(keys->state), "%s", config->state);
	snprintf(keys->path, sizeof(keys->path), "%s/keys/assertion.key", config->state);
	snprintf(keys->next_path, sizeof(keys->next_path), "%s/keys/assertion-next.key", config->state);
	keys->now = (int64_t)(clock_wall_ms() / 1000);
}

/* The list, made of the key where there is none yet, and then written if it is to be. -ENOENT: neither. */
static int load(struct keys *keys, bool write)
{
	uint8_t public_key[32];
	int rc = assertion_load(&keys->list, NULL, keys->state);

	if (rc != -ENOENT)
		return rc;
	rc = read_public(public_key, keys->path);
	if (rc != 0)
		return rc;
	assertion_begin(&keys->list, public_key);
	return write ? assertion_store(&keys->list, keys->state) : 0;
}

/* ---- showing ---- */

static void show_json(const struct keys *keys)
{
	json_auto_t *others = json_array(), *out = NULL;

	for (size_t i = 1; i < keys->list.count; i++) {
		const struct assertion_key *key = &keys->list.items[i];
		json_t *one = json_pack("{s:s, s:b}", "publicKeyMultibase", key->text, "next", key->next);
		char until[21];

		if (key->until && resolution_time_format(until, key->until) == 0)
			json_object_set_new(one, "until", json_string(until));
		if (assertion_is_listed(key, keys->now))
			json_array_append(others, one);
		json_decref(one);
	}
	out = json_pack("{s:s, s:O}", "publicKeyMultibase", keys->list.items[0].text, "others", others);
	json_dumpf(out, stdout, JSON_COMPACT);
	putchar('\n');
}

static int show(const struct keys *keys, bool json)
{
	if (json) {
		show_json(keys);
		return CLI_OK;
	}
	printf("publicKeyMultibase %s\n", keys->list.items[0].text);
	for (size_t i = 1; i < keys->list.count; i++) {
		const struct assertion_key *key = &keys->list.items[i];
		char until[21] = "";

		if (key->until && resolution_time_format(until, key->until) == 0 && assertion_is_listed(key, keys->now))
			printf("former %s until %s\n", key->text, until);
		if (key->next)
			printf("next %s\n", key->text);
	}
	return CLI_OK;
}

/* ---- steps ---- */

static int begin(struct keys *keys)
{
	uint8_t public_key[32];
	int rc;

	if (assertion_load(&keys->list, NULL, keys->state) != -ENOENT && access(keys->path, F_OK) != 0) {
		cli_error("keys/assertion.pub lists a key whose private half is not here; move that file away first");
		return CLI_FALSE;
	}
	rc = keyfile_create(keys->path, NULL);
	if (rc != 0)
		return fail(keys->path, cli_why_not_made(rc));
	rc = read_public(public_key, keys->path);
	if (rc != 0)
		return fail(keys->path, keyfile_advice(rc));
	assertion_begin(&keys->list, public_key);
	return store(keys);
}

/* Makes the next key, unless there is one. */
static int make_next(struct keys *keys, uint8_t public_key[static 32])
{
	int rc = keyfile_create(keys->next_path, NULL);

	if (rc != 0 && rc != -EEXIST)
		return fail(keys->next_path, cli_why_not_made(rc));
	rc = read_public(public_key, keys->next_path);
	return rc == 0 ? CLI_OK : fail(keys->next_path, keyfile_advice(rc));
}

/* Makes the next key, unless there is one, and lists it, unless it is. */
static int announce(struct keys *keys)
{
	uint8_t public_key[32];
	int rc = make_next(keys, public_key);

	if (rc != CLI_OK)
		return rc;
	rc = assertion_announce(&keys->list, public_key, keys->now);
	if (rc == -EOVERFLOW) {
		cli_error("%d keys are listed, which is as many as can be; take one out with --drop KEY", ASSERTION_KEYS_MAX);
		return CLI_FALSE;
	}
	if (rc == 0)
		return store(keys);
	for (size_t i = 1; i < keys->list.count; i++)
		if (keys->list.items[i].next && memcmp(keys->list.items[i].key, public_key, 32) == 0)
			return CLI_OK;
	cli_error("the key in %s is not the one listed as next; take that one out with --drop KEY", keys->next_path);
	return CLI_FALSE;
}

/* A key that leaked goes whatever else is listed: a new one takes its place, rather than one of its own that may not be there. */
static int replace(struct keys *keys)
{
	uint8_t public_key[32];
	int rc = make_next(keys, public_key);

	return rc == CLI_OK && assertion_replace(&keys->list, public_key, keys->now) != 0 ? fail(keys->next_path, "this key is listed already") : rc;
}

static bool has_next(const struct keys *keys)
{
	for (size_t i = 0; i < keys->list.count; i++)
		if (keys->list.items[i].next)
			return true;
	return false;
}

static int rotate(struct keys *keys, long days)
{
	uint8_t public_key[32];
	int rc = CLI_OK;

	/* a rotation that was cut off has its new key in the first place already */
	if (read_public(public_key, keys->next_path) != 0 || memcmp(public_key, keys->list.items[0].key, 32) != 0) {
		bool at_once = days == 0 && !has_next(keys);

		rc = at_once ? replace(keys) : announce(keys);
		if (rc == CLI_OK && !at_once && assertion_rotate(&keys->list, keys->now, keys->now + days * DAY) != 0)
			rc = CLI_FALSE;
		if (rc == CLI_OK)
			rc = store(keys);
	}
	if (rc == CLI_OK && rename(keys->next_path, keys->path) != 0)
		return fail(keys->path, strerror(errno));
	return rc;
}

static int drop(struct keys *keys, const char *text)
{
	const struct assertion_key *key = NULL;
	bool next;
	int rc;

	for (size_t i = 0; i < keys->list.count; i++)
		if (strcmp(keys->list.items[i].text, text) == 0)
			key = &keys->list.items[i];
	next = key && key->next;
	rc = assertion_drop(&keys->list, text, keys->now);
	if (rc != 0) {
		cli_error(rc == -EPERM ? "that is the current key; replace it with --rotate --overlap 0" : "no such key is listed");
		return CLI_FALSE;
	}
	rc = store(keys);
	/* what is gone from the list is not to come back by itself */
	if (rc == CLI_OK && next && unlink(keys->next_path) != 0 && errno != ENOENT)
		return fail(keys->next_path, strerror(errno));
	return rc;
}

static int overlap_days(long *days, const char *text)
{
	char *end;

	*days = OVERLAP_DAYS;
	if (!text)
		return CLI_OK;
	errno = 0;
	*days = strtol(text, &end, 10);
	if (errno != 0 || *end || end == text || *days < 0 || *days > OVERLAP_MAX) {
		cli_error("--overlap is a number of days, 0 to %d", OVERLAP_MAX);
		return CLI_USAGE;
	}
	return CLI_OK;
}

int cli_keygen_assertion(const struct cli_rotation *rotation)
{
	bool changes = rotation->next || rotation->rotate || rotation->drop;
	char folder[CONFIG_TEXT_MAX + 8];
	struct config config;
	struct keys keys = {0};
	long days;
	int rc;

	if (rotation->next + rotation->rotate + rotation->show + (rotation->drop != NULL) > 1 || (rotation->overlap && !rotation->rotate)) {
		cli_error("one of --next, --rotate, --drop and --show at a time; --overlap goes with --rotate");
		return CLI_USAGE;
	}
	rc = overlap_days(&days, rotation->overlap);
	if (rc == CLI_OK)
		rc = cli_config(&config);
	if (rc == CLI_OK)
		rc = cli_keys_folder(folder, sizeof(folder), &config);
	if (rc != CLI_OK)
		return rc;
	if (sodium_init() < 0)
		return CLI_FALSE;
	find_paths(&keys, &config);
	if (changes || rotation->show) {
		rc = load(&keys, changes);
		if (rc == -EBADMSG) {
			cli_error("%s/keys/assertion.pub is not a list of keys; move it away, it is made anew of the key", config.state);
			return CLI_FALSE;
		}
		if (rc != 0)
			return fail(keys.path, keyfile_advice(rc));
	}
	if (rotation->next)
		rc = announce(&keys);
	else if (rotation->rotate)
		rc = rotate(&keys, days);
	else if (rotation->drop)
		rc = drop(&keys, rotation->drop);
	else if (!rotation->show)
		rc = begin(&keys);
	return rc == CLI_OK ? show(&keys, rotation->json) : rc;
}

int cli_assertion_check(const char **why, const struct config *config, bool write)
{
	struct keys keys = {0};
	uint8_t public_key[32];
	int rc;

	if (sodium_init() < 0)
		return -ENOMEM;
	find_paths(&keys, config);
	rc = load(&keys, write);
	if (rc == -ENOENT) {
		*why = "there is none; make one with `kedge keygen assertion`";
		return rc;
	}
	*why = rc == -EBADMSG ? "keys/assertion.pub is not a list of keys, or keys/assertion.key not a key" : keyfile_advice(rc);
	if (rc != 0)
		return rc;
	/* the private half need not be on this machine */
	rc = read_public(public_key, keys.path);
	if (rc == -ENOENT || (rc == 0 && memcmp(public_key, keys.list.items[0].key, 32) == 0))
		return 0;
	if (rc != 0)
		*why = keyfile_advice(rc);
	else if (read_public(public_key, keys.next_path) == 0 && memcmp(public_key, keys.list.items[0].key, 32) == 0)
		*why = "its change was cut off; finish it with `kedge keygen assertion --rotate`";
	else
		*why = "keys/assertion.key is another key than the first of keys/assertion.pub; move that file away to have it made anew";
	return -EBADMSG;
}
