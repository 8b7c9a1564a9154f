/* A live state as one canonical JSON text, so that a row holds what every answer needs. */
#include "did/jcs.h"
#include "eth/hex.h"
#include "gateway/participant/state.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* ---- writing ---- */

static json_t *block_json(const struct participant_block *block)
{
	char hash[HEX_DATA_SIZE(32)];

	hex_encode_data(hash, block->hash, 32);
	return json_pack("{s:s, s:I}", "hash", hash, "number", (json_int_t)block->number);
}

static json_t *read_json(const struct participant_read *read)
{
	return json_pack("{s:o, s:o}", "latest", block_json(&read->latest), "safe", block_json(&read->safe));
}

static json_t *account_json(const struct participant_state_account *account)
{
	char did[DID_PKH_TEXT_SIZE];

	did_pkh_format(did, &account->account);
	return json_pack("{s:s, s:b, s:o*, s:I}", "account", did, "controller", account->controller, "judged",
			 account->contract ? read_json(&account->judged) : NULL, "seq", (json_int_t)account->seq);
}

static json_t *agent_json(const struct participant_state_agent *agent)
{
	char key[AGENT_KEY_TEXT_SIZE], owner[ADDRESS_TEXT_SIZE];

	agent_key_format(key, &agent->agent);
	address_format_lower(owner, &agent->owner);
	return json_pack("{s:s, s:s, s:s, s:o, s:I, s:b}", "agent", key, "did", agent->did, "owner", owner, "read", read_json(&agent->read),
			 "seq", (json_int_t)agent->seq, "signed", agent->signed_by_owner);
}

static int put_lists(json_t *object, const struct participant_state *state)
{
	json_t *accounts = json_array(), *agents = json_array(), *foreign = json_array();
	int rc = 0;

	for (size_t i = 0; i < state->naccounts; i++)
		rc |= json_array_append_new(accounts, account_json(&state->accounts[i]));
	for (size_t i = 0; i < state->nagents; i++)
		rc |= json_array_append_new(agents, agent_json(&state->agents[i]));
	for (size_t i = 0; i < state->nforeign; i++)
		rc |= json_array_append_new(foreign, json_pack("{s:s, s:I}", "did", state->foreign[i].did, "seq",
							       (json_int_t)state->foreign[i].seq));
	rc |= json_object_set_new(object, "accounts", accounts);
	rc |= json_object_set_new(object, "agents", agents);
	rc |= json_object_set_new(object, "foreign", foreign);
	return rc == 0 ? 0 : -ENOMEM;
}

int participant_state_write(char **out, size_t *len, const struct participant_state *state)
{
	json_auto_t *object = NULL;
	struct jcs_buffer buffer = {0};
	char claimant[DID_PKH_TEXT_SIZE];
	int rc;

	if (state->life != PARTICIPANT_LIVE)
		return -EINVAL;
	did_pkh_format(claimant, &state->claimant);
	object = json_pack("{s:I, s:s, s:{s:I, s:I}, s:I, s:s, s:O*, s:I, s:I}", "at", (json_int_t)state->at, "claimant", claimant, "created",
			   "at", (json_int_t)state->created_at, "seq", (json_int_t)state->created_seq, "entries", (json_int_t)state->entries,
			   "handle", state->handle, "profile", state->profile, "profileSeq", (json_int_t)state->profile_seq, "seq",
			   (json_int_t)state->seq);
	rc = object ? put_lists(object, state) : -ENOMEM;
	if (rc == 0)
		rc = jcs_write(&buffer, object);
	if (rc != 0) {
		jcs_buffer_clear(&buffer);
		return rc;
	}
	*out = buffer.data;
	*len = buffer.len;
	return 0;
}

/* ---- reading: what the tables hold was written above, so anything else is one failure ---- */

struct reader {
	bool bad;
};

static const char *text_of(struct reader *in, const json_t *object, const char *name)
{
	const char *text = json_string_value(json_object_get(object, name));

	in->bad |= text == NULL;
	return text ? text : "";
}

static uint64_t number_of(struct reader *in, const json_t *object, const char *name)
{
	const json_t *value = json_object_get(object, name);

	in->bad |= !json_is_integer(value) || json_integer_value(value) < 0;
	return (uint64_t)json_integer_value(value);
}

static bool bool_of(struct reader *in, const json_t *object, const char *name)
{
	const json_t *value = json_object_get(object, name);

	in->bad |= !json_is_boolean(value);
	return json_is_true(value);
}

static void read_block(struct reader *in, struct participant_block *out, const json_t *object, const char *name)
{
	const json_t *block = json_object_get(object, name);
	const char *hash = text_of(in, block, "hash");

	in->bad |= hex_decode_fixed(out->hash, 32, hash, strlen(hash)) != 0;
	out->number = number_of(in, block, "number");
}

static void read_read(struct reader *in, struct participant_read *out, const json_t *read)
{
	read_block(in, &out->latest, read, "latest");
	read_block(in, &out->safe, read, "safe");
}

static void read_pkh(struct reader *in, struct eip155_account *out, const json_t *object, const char *name)
{
	const char *did = text_of(in, object, name);

	in->bad |= did_pkh_parse(out, did, strlen(did)) != 0;
}

static void copy_text(struct reader *in, char *out, size_t size, const char *text)
{
	size_t len = strlen(text);

	in->bad |= len >= size;
	if (len < size)
		memcpy(out, text, len + 1);
}

static void read_account(struct reader *in, struct participant_state_account *out, const json_t *one)
{
	const json_t *judged = json_object_get(one, "judged");

	read_pkh(in, &out->account, one, "account");
	out->controller = bool_of(in, one, "controller");
	out->contract = judged != NULL;
	if (judged)
		read_read(in, &out->judged, judged);
	out->seq = number_of(in, one, "seq");
}

static void read_agent(struct reader *in, struct participant_state_agent *out, const json_t *one)
{
	const char *key = text_of(in, one, "agent"), *owner = text_of(in, one, "owner");

	in->bad |= agent_key_parse(&out->agent, key, strlen(key)) != 0 || address_parse(&out->owner, owner, strlen(owner)) != 0;
	copy_text(in, out->did, sizeof(out->did), text_of(in, one, "did"));
	read_read(in, &out->read, json_object_get(one, "read"));
	out->signed_by_owner = bool_of(in, one, "signed");
	out->seq = number_of(in, one, "seq");
}

static void read_lists(struct reader *in, struct participant_state *out, const json_t *object)
{
	const json_t *accounts = json_object_get(object, "accounts"), *agents = json_object_get(object, "agents");
	const json_t *foreign = json_object_get(object, "foreign");

	in->bad |= json_array_size(accounts) > PARTICIPANT_ACCOUNTS_MAX || json_array_size(agents) > PARTICIPANT_AGENTS_MAX ||
		   json_array_size(foreign) > PARTICIPANT_FOREIGN_DIDS_MAX;
	for (size_t i = 0; !in->bad && i < json_array_size(accounts); i++)
		read_account(in, &out->accounts[out->naccounts++], json_array_get(accounts, i));
	for (size_t i = 0; !in->bad && i < json_array_size(agents); i++)
		read_agent(in, &out->agents[out->nagents++], json_array_get(agents, i));
	for (size_t i = 0; !in->bad && i < json_array_size(foreign); i++) {
		struct participant_state_foreign *one = &out->foreign[out->nforeign++];

		copy_text(in, one->did, sizeof(one->did), text_of(in, json_array_get(foreign, i), "did"));
		one->seq = number_of(in, json_array_get(foreign, i), "seq");
	}
}

int participant_state_read(struct participant_state *out, const char *text, size_t len)
{
	struct reader in = {.bad = false};
	struct jcs_error err;
	const json_t *created;
	json_t *object = NULL;
	int rc;

	*out = (struct participant_state){.life = PARTICIPANT_LIVE};
	rc = jcs_parse(&object, &err, text, len, NULL);
	if (rc != 0)
		return rc == -ENOMEM ? rc : -EBADMSG;
	created = json_object_get(object, "created");
	copy_text(&in, out->handle, sizeof(out->handle), text_of(&in, object, "handle"));
	read_pkh(&in, &out->claimant, object, "claimant");
	out->created_at = number_of(&in, created, "at");
	out->created_seq = number_of(&in, created, "seq");
	out->at = number_of(&in, object, "at");
	out->seq = number_of(&in, object, "seq");
	out->entries = number_of(&in, object, "entries");
	out->profile_seq = number_of(&in, object, "profileSeq");
	out->profile = json_incref(json_object_get(object, "profile"));
	read_lists(&in, out, object);
	json_decref(object);
	if (!in.bad)
		return 0;
	participant_state_clear(out);
	return -EBADMSG;
}
