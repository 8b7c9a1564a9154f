/* kedge keygen: makes a key, or shows the public part of one. The secret never leaves its file. */
#include "anchor/note.h"
#include "did/multikey.h"
#include "eth/signature.h"
#include "gateway/cli/assertion.h"
#include "gateway/cli/cli.h"
#include "gateway/keyfile.h"

#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static const char usage[] =
	"usage: kedge keygen ROLE [--out FILE] [--show] [--json]\n"
	"       kedge keygen assertion --next | --rotate [--overlap DAYS] | --drop KEY\n\n"
	"Makes the key of a role, one line of hex in STATE/keys/ROLE.key with mode 0600, and prints its public part.\n"
	"An existing key is never overwritten.\n\n"
	"  log        Ed25519, signs checkpoints (only the signer process reads it)\n"
	"  assertion  Ed25519, signs what the gateway itself asserts\n"
	"  anchor     secp256k1, authorises anchors\n"
	"  relayer    secp256k1, pays the gas of anchors\n"
	"  guardian   secp256k1, replaces the anchor key; keep it offline\n"
	"  agent      secp256k1, an agent's wallet; wants --out FILE\n\n"
	"  --out FILE  write it there instead\n"
	"  --show      make nothing; print the public part of the existing key\n"
	"  --json      print JSON\n\n"
	"The assertion key can be changed while the gateway runs. STATE/keys/assertion.pub says which public halves the domain document\n"
	"lists; the private half of a former key is gone.\n\n"
	"  --next          make the next key and list it, so that verifiers know it before it signs\n"
	"  --rotate        make the next key (or one made now) the current one\n"
	"  --overlap DAYS  list the former one for so long, 30 if not said; 0: it is listed no longer\n"
	"  --drop KEY      list that former or next key no longer";

static const struct role {
	const char *name;
	bool ethereum;
} roles[] = {{"log", false}, {"assertion", false}, {"anchor", true}, {"relayer", true}, {"guardian", true}, {"agent", true}};

static struct signature_context *context(void)
{
	static struct signature_context *made;
	uint8_t seed[32];

	if (!made && sodium_init() >= 0) {
		randombytes_buf(seed, sizeof(seed));
		made = signature_context_new(seed);
	}
	return made;
}

static int usable(const uint8_t key[static 32])
{
	struct eth_address address;

	return signature_key_address(context(), &address, key) == 0;
}

static int show_address(const uint8_t key[static 32], bool json)
{
	char text[ADDRESS_TEXT_SIZE];
	struct eth_address address;

	if (signature_key_address(context(), &address, key) != 0) {
		cli_error("not a usable secp256k1 key");
		return CLI_FALSE;
	}
	address_format_eip55(text, &address);
	printf(json ? "{\"address\":\"%s\"}\n" : "address %s\n", text);
	return CLI_OK;
}

static int show_log_key(bool json)
{
	char vkey[NOTE_KEY_TEXT_MAX];
	struct config config;
	int rc = cli_config(&config);

	if (rc == CLI_OK)
		rc = cli_own_vkey(vkey, &config);
	if (rc == CLI_OK)
		printf(json ? "{\"vkey\":\"%s\"}\n" : "vkey %s\n", vkey);
	return rc;
}

static int show_multikey(const uint8_t seed[static 32], bool json)
{
	char text[MULTIKEY_ED25519_SIZE];
	uint8_t public_key[32], secret[64];

	crypto_sign_seed_keypair(public_key, secret, seed);
	sodium_memzero(secret, sizeof(secret));
	multikey_ed25519(text, public_key);
	printf(json ? "{\"publicKeyMultibase\":\"%s\"}\n" : "publicKeyMultibase %s\n", text);
	return CLI_OK;
}

int cli_keys_folder(char *folder, size_t size, const struct config *config)
{
	snprintf(folder, size, "%s/keys", config->state);
	if ((mkdir(config->state, 0700) != 0 && errno != EEXIST) || (mkdir(folder, 0700) != 0 && errno != EEXIST)) {
		cli_error("%s: %s", folder, strerror(errno));
		return CLI_FALSE;
	}
	return CLI_OK;
}

static int key_path(char *path, size_t size, const char *role)
{
	char folder[CONFIG_TEXT_MAX + 8];
	struct config config;
	int rc = cli_config(&config);

	if (rc == CLI_OK)
		rc = cli_keys_folder(folder, sizeof(folder), &config);
	if (rc == CLI_OK)
		snprintf(path, size, "%s/%s.key", folder, role);
	return rc;
}

static int show(const struct role *role, const char *path, bool json)
{
	uint8_t *key;
	int rc = keyfile_read(&key, path);

	if (rc != 0) {
		cli_error("%s: %s", path, keyfile_advice(rc));
		return CLI_FALSE;
	}
	if (role->ethereum)
		rc = show_address(key, json);
	else if (strcmp(role->name, "log") == 0)
		rc = show_log_key(json);
	else
		rc = show_multikey(key, json);
	keyfile_free(key);
	return rc;
}

const char *cli_why_not_made(int error)
{
	switch (-error) {
	case EEXIST:
		return "there is a key already; move it away first, it is never overwritten";
	case ENOENT:
	case ENOTDIR:
		return "there is no such folder; make it first";
	default:
		return strerror(-error);
	}
}

int cli_keygen(int argc, char **argv)
{
	const char *word[1] = {NULL}, *out = NULL;
	struct cli_rotation rotation = {0};
	bool done, only_show = false, json = false;
	const struct cli_option options[] = {{.name = "out", .value = &out}, {.name = "show", .flag = &only_show},
					     {.name = "next", .flag = &rotation.next}, {.name = "rotate", .flag = &rotation.rotate},
					     {.name = "overlap", .value = &rotation.overlap}, {.name = "drop", .value = &rotation.drop},
					     {.name = "json", .flag = &json}, {.name = NULL}};
	char path[CONFIG_TEXT_MAX + 64];
	const struct role *role = NULL;
	int rc = cli_parse(&done, word, NULL, argc, argv, options, 1, 1, usage);

	if (rc != CLI_OK || done)
		return rc;
	for (size_t i = 0; i < sizeof(roles) / sizeof(roles[0]); i++)
		if (strcmp(roles[i].name, word[0]) == 0)
			role = &roles[i];
	if (role && out && strcmp(role->name, "log") == 0) {
		cli_error("the log's key lies in STATE/keys/log.key: its name is this gateway's origin");
		return CLI_USAGE;
	}
	if (!role || (!out && strcmp(word[0], "agent") == 0)) {
		fprintf(stderr, "kedge: %s\n%s\n", role ? "an agent's key wants --out FILE" : "no such role", usage);
		return CLI_USAGE;
	}
	if (rotation.next || rotation.rotate || rotation.overlap || rotation.drop || (strcmp(role->name, "assertion") == 0 && !out)) {
		if (strcmp(role->name, "assertion") != 0 || out) {
			fprintf(stderr, "kedge: --next, --rotate, --overlap and --drop are for the gateway's own assertion key\n%s\n", usage);
			return CLI_USAGE;
		}
		rotation.show = only_show;
		rotation.json = json;
		return cli_keygen_assertion(&rotation);
	}
	if (!out && (rc = key_path(path, sizeof(path), role->name)) != CLI_OK)
		return rc;
	if (!out)
		out = path;
	if (!only_show) {
		rc = keyfile_create(out, role->ethereum ? usable : NULL);
		if (rc != 0) {
			cli_error("%s: %s", out, cli_why_not_made(rc));
			return CLI_FALSE;
		}
	}
	return show(role, out, json);
}
