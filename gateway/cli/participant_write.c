/* kedge participant claim, link, unlink, profile, erase. The gateway says who has to sign; what is signed is made here from the words of
 * the command and this gateway's configured host, never from an answer. */
#include "gateway/cli/participant.h"
#include "gateway/cli/query.h"
#include "gateway/cli/text.h"
#include "gateway/keyfile.h"

#include "eth/eip191.h"
#include "eth/hex.h"
#include "eth/signature.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { KEYS_MAX = 2, LIFE_MS = 3600 * 1000 };

struct keys {
	struct signature_context *context;
	uint8_t *secret[KEYS_MAX];
	struct eth_address address[KEYS_MAX];
	size_t count;
};

static int add_key(struct keys *keys, const char *path)
{
	uint8_t **secret = &keys->secret[keys->count];
	int rc = keyfile_read(secret, path);

	if (rc != 0) {
		cli_error("%s: %s", path, keyfile_advice(rc));
		return CLI_FALSE;
	}
	if (signature_key_address(keys->context, &keys->address[keys->count++], *secret) == 0)
		return CLI_OK;
	cli_error("%s: not a usable secp256k1 key", path);
	return CLI_FALSE;
}

static int load_keys(struct keys *keys, const struct cli_participant_words *w)
{
	uint8_t seed[32];
	int rc;

	randombytes_buf(seed, sizeof(seed));
	keys->context = signature_context_new(seed);
	if (!keys->context)
		return CLI_FALSE;
	rc = add_key(keys, w->key);
	return rc == CLI_OK && w->with ? add_key(keys, w->with) : rc;
}

static void drop_keys(struct keys *keys)
{
	for (size_t i = 0; i < keys->count; i++)
		keyfile_free(keys->secret[i]);
	signature_context_free(keys->context);
}

/* ---- one message ---- */

static json_t *sign(const struct cli_participant_change *change, const struct keys *keys, size_t key, const struct eip155_account *account)
{
	struct participant_statement said = change->said;
	char text[SIWE_MESSAGE_MAX], hex[HEX_DATA_SIZE(SIGNATURE_SIZE)];
	uint8_t random[16], bytes[SIGNATURE_SIZE];
	struct eth_signature signature;
	struct eth_hash digest;
	size_t len;

	said.account = *account;
	randombytes_buf(random, sizeof(random));
	sodium_bin2hex(said.nonce, sizeof(said.nonce), random, sizeof(random));
	said.issued.ms = (int64_t)time(NULL) * 1000;
	said.expires.ms = said.issued.ms + LIFE_MS;
	if (participant_statement_format(text, &len, sizeof(text), &said, &change->terms) != 0)
		return NULL;
	eip191_digest(&digest, text, len);
	if (signature_sign(keys->context, &signature, &digest, keys->secret[key]) != 0)
		return NULL;
	signature_serialize(bytes, &signature);
	hex_encode_data(hex, bytes, sizeof(bytes));
	return json_pack("{s:s%, s:s}", "message", text, len, "signature", hex);
}

/* Signs for an account that the gateway names, if one of the keys is its. */
static int sign_for(json_t *messages, const struct cli_participant_change *change, const struct keys *keys, const json_t *wanted)
{
	const char *did = cli_text_of(wanted, "account");
	struct eip155_account account;
	json_t *message;

	if (did_pkh_parse(&account, did, strlen(did)) != 0 || !chains_find(&change->chains, account.chain)) {
		cli_error("the gateway names an account that cannot sign here: %s", did);
		return CLI_FALSE;
	}
	for (size_t i = 0; i < keys->count; i++) {
		if (!address_equal(&keys->address[i], &account.address))
			continue;
		message = sign(change, keys, i, &account);
		if (message && json_array_append_new(messages, message) == 0)
			return CLI_OK;
		cli_error("the message cannot be signed");
		return CLI_FALSE;
	}
	cli_error("%s has to sign as well (%s): give its key with --with FILE; a wallet signs what POST /v1/participants/prepare answers", did,
		  cli_text_of(wanted, "signer"));
	return CLI_USAGE;
}

/* ---- the gateway ---- */

static int post(struct cli_response *out, const struct cli_participant_change *change, const char *url, const char *path, const json_t *body)
{
	char *text = json_dumps(body, JSON_COMPACT);
	int rc = text ? cli_request(out, &change->config, url, "POST", path, NULL, text) : CLI_FALSE;

	free(text);
	return rc;
}

/* *out: the accounts that have to sign. */
static int prepare(json_t **out, const struct cli_participant_change *change, const struct keys *keys, const char *url)
{
	const struct participant_statement *said = &change->said;
	char account[DID_PKH_TEXT_SIZE];
	json_auto_t *body = NULL, *answer = NULL;
	struct cli_response response;
	int rc;

	eip155_account_format(account, &(struct eip155_account){.chain = change->chain, .address = keys->address[0]});
	body = json_pack("{s:s, s:s, s:s, s:s*, s:s*, s:O*}", "verb", participant_verb_word(said->verb), "handle", said->handle, "account", account,
			 "object", said->object.kind == PARTICIPANT_NOTHING || change->profile ? NULL : said->object.text, "role",
			 said->controller ? "controller" : NULL, "profile", change->profile);
	rc = body ? post(&response, change, url, "/v1/participants/prepare", body) : CLI_FALSE;
	if (rc != CLI_OK)
		return rc;
	answer = json_loadb(response.body, response.length, 0, NULL);
	if (response.status != 200 || !json_is_array(json_object_get(answer, "messages")))
		rc = cli_problem(&response);
	else
		*out = json_incref(json_object_get(answer, "messages"));
	cli_response_clear(&response);
	return rc;
}

static void print_done(const struct cli_participant_change *change, const json_t *answer, long status)
{
	printf("%-12s %s%s%s\n", participant_verb_word(change->said.verb), change->said.handle, change->said.object.text[0] ? " " : "",
	       change->said.object.text);
	printf("did          %s\nparticipant  %s\nversion      %s\nstatus       %s\n", cli_text_of(answer, "did"), cli_text_of(answer, "participant"),
	       cli_text_of(answer, "versionId"), status == 201 ? "logged" : "was logged before");
}

static int submit(const struct cli_participant_change *change, const struct cli_participant_words *w, json_t *messages)
{
	json_auto_t *body = json_pack("{s:O, s:O*}", "messages", messages, "profile", change->profile), *answer = NULL;
	struct cli_response response;
	int rc = body ? post(&response, change, w->url, "/v1/participants", body) : CLI_FALSE;

	if (rc != CLI_OK)
		return rc;
	answer = json_loadb(response.body, response.length, 0, NULL);
	if ((response.status != 200 && response.status != 201) || !json_is_object(answer)) {
		rc = cli_problem(&response);
	} else if (w->json) {
		json_dumpf(answer, stdout, JSON_COMPACT | JSON_ENSURE_ASCII);
		putchar('\n');
	} else {
		cli_escape_json(answer);
		print_done(change, answer, response.status);
	}
	cli_response_clear(&response);
	return rc;
}

static int act(const struct cli_participant_change *change, const struct cli_participant_words *w)
{
	json_auto_t *wanted = NULL, *messages = json_array();
	struct keys keys = {0};
	json_t *one;
	size_t i;
	int rc = load_keys(&keys, w);

	if (rc == CLI_OK)
		rc = prepare(&wanted, change, &keys, w->url);
	json_array_foreach(wanted, i, one)
	{
		if (rc == CLI_OK)
			rc = sign_for(messages, change, &keys, one);
	}
	drop_keys(&keys);
	return rc == CLI_OK ? submit(change, w, messages) : rc;
}

int cli_participant_write(enum participant_verb verb, int argc, char **argv)
{
	struct cli_participant_change change = {.profile = NULL};
	struct cli_participant_words w = {.key = NULL};
	bool done;
	int rc = cli_participant_words_parse(&w, &done, verb, argc, argv);

	if (rc != CLI_OK || done)
		return rc;
	if (sodium_init() < 0)
		return CLI_FALSE;
	if (w.operator_asks)
		return cli_participant_erase(&w);
	rc = cli_participant_words_change(&change, &w, verb);
	if (rc == CLI_OK)
		rc = act(&change, &w);
	cli_participant_words_clear(&change);
	return rc;
}
