/* From messages to a change: each read by itself, then held against the other. */
#include "gateway/participant/change.h"

#include "did/jcs.h"

#include <errno.h>
#include <sodium.h>
#include <string.h>

void participant_change_clear(struct participant_change *change)
{
	json_decref(change->json);
	change->json = NULL;
}

static int refuse(struct participant_refusal *why, const char *rule, int message)
{
	why->rule = rule;
	why->message = message;
	return -EBADMSG;
}

static void set_signer(struct participant_signer *signer, const struct participant_signed *from,
		       const struct participant_statement *said)
{
	*signer = (struct participant_signer){
		.account = said->account,
		.message = from->message,
		.message_len = from->message_len,
		.signature = from->signature,
		.signature_len = from->signature_len,
		.issued_ms = said->issued.ms,
		.expires_ms = said->expires.ms,
	};
	crypto_hash_sha256(signer->hash, (const uint8_t *)from->message, from->message_len);
}

static bool same_change(const struct participant_change *change, const struct participant_statement *said)
{
	return change->verb == said->verb && change->controller == said->controller && strcmp(change->handle, said->handle) == 0 &&
	       strcmp(change->object.text, said->object.text) == 0;
}

static bool same_account(const struct eip155_account *a, const struct eip155_account *b)
{
	return a->chain == b->chain && address_equal(&a->address, &b->address);
}

/* Two voices are heard where two have to agree: of a link to an account or an agent. */
static bool may_be_two(const struct participant_change *change)
{
	return change->verb == PARTICIPANT_LINK &&
	       (change->object.kind == PARTICIPANT_ACCOUNT || change->object.kind == PARTICIPANT_AGENT);
}

static void sort_signers(struct participant_change *change)
{
	struct participant_signer first = change->signers[0];

	if (change->nsigners == 2 && memcmp(first.hash, change->signers[1].hash, 32) > 0) {
		change->signers[0] = change->signers[1];
		change->signers[1] = first;
	}
}

/* Names the message of the list as sent, whatever the order of signers is. */
static int read_messages(struct participant_change *out, struct participant_refusal *why, const struct participant_signed *list,
			 size_t n, const struct participant_terms *terms)
{
	if (n < 1 || n > PARTICIPANT_SIGNERS_MAX)
		return refuse(why, "messages-number", -1);
	for (size_t i = 0; i < n; i++) {
		struct participant_statement said;
		enum participant_fault fault;

		if (participant_statement_read(&said, &fault, &why->part, list[i].message, list[i].message_len, terms) != 0)
			return refuse(why, participant_fault_word(fault), (int)i);
		if (i == 0) {
			out->verb = said.verb;
			out->object = said.object;
			out->controller = said.controller;
			memcpy(out->handle, said.handle, sizeof(out->handle));
		} else if (!same_change(out, &said)) {
			return refuse(why, "messages-differ", (int)i);
		}
		set_signer(&out->signers[out->nsigners++], &list[i], &said);
	}
	if (n == 2 && !may_be_two(out))
		return refuse(why, "messages-number", 1);
	if (n == 2 && same_account(&out->signers[0].account, &out->signers[1].account))
		return refuse(why, "same-signer", 1);
	sort_signers(out);
	return 0;
}

static int check_profile(struct participant_refusal *why, const struct participant_change *change, const json_t *profile)
{
	uint8_t hash[32];
	char bytes[PARTICIPANT_PROFILE_MAX];
	struct jcs_buffer buffer = {.data = bytes, .cap = sizeof(bytes), .fixed = true};

	if (change->verb != PARTICIPANT_PROFILE)
		return profile ? refuse(why, "profile-unexpected", -1) : 0;
	if (!profile)
		return refuse(why, "profile-missing", -1);
	if (participant_profile_check(why->pointer, &why->why, profile) != 0 || jcs_write(&buffer, profile) != 0)
		return refuse(why, "profile-form", -1);
	crypto_hash_sha256(hash, (const uint8_t *)buffer.data, buffer.len);
	return memcmp(hash, change->object.content, 32) == 0 ? 0 : refuse(why, "profile-hash", -1);
}

int participant_change_make(struct participant_change *out, struct participant_refusal *why, const struct participant_signed *list,
			    size_t n, const json_t *profile, const struct participant_terms *terms)
{
	int rc;

	*out = (struct participant_change){.profile = profile};
	*why = (struct participant_refusal){.rule = "", .message = -1};
	rc = read_messages(out, why, list, n, terms);
	return rc == 0 ? check_profile(why, out, profile) : rc;
}

int participant_change_timely(struct participant_refusal *why, const struct participant_change *change, int64_t now_ms)
{
	*why = (struct participant_refusal){.rule = "", .message = -1};
	for (size_t i = 0; i < change->nsigners; i++) {
		const struct participant_statement said = {.issued.ms = change->signers[i].issued_ms, .expires.ms = change->signers[i].expires_ms};
		enum participant_fault fault = participant_statement_timely(&said, now_ms);

		if (fault != PARTICIPANT_FINE)
			return refuse(why, participant_fault_word(fault), change->nsigners == 1 ? 0 : -1);
	}
	return 0;
}

/* ---- names that are hashes ---- */

static void begin(crypto_hash_sha256_state *state, const char *domain)
{
	crypto_hash_sha256_init(state);
	/* with its NUL: the 0x00 of the format */
	crypto_hash_sha256_update(state, (const uint8_t *)domain, strlen(domain) + 1);
}

static void number_uid(uint8_t out[static 32], const char *domain, uint64_t number)
{
	crypto_hash_sha256_state state;
	uint8_t bytes[8];

	for (size_t i = 0; i < 8; i++)
		bytes[i] = (uint8_t)(number >> (56 - 8 * i));
	begin(&state, domain);
	crypto_hash_sha256_update(&state, bytes, sizeof(bytes));
	crypto_hash_sha256_final(&state, out);
}

void participant_change_uid(uint8_t out[static 32], const struct participant_change *change)
{
	crypto_hash_sha256_state state;

	if (change->verb == PARTICIPANT_LAPSE) {
		number_uid(out, "kedge/lapse/v1", change->link);
		return;
	}
	begin(&state, "kedge/change/v1");
	for (size_t i = 0; i < change->nsigners; i++)
		crypto_hash_sha256_update(&state, change->signers[i].hash, 32);
	crypto_hash_sha256_final(&state, out);
}

void participant_erasure_uid(uint8_t out[static 32], uint64_t target)
{
	number_uid(out, "kedge/erasure/v1", target);
}

void participant_change_handle_hash(uint8_t out[static 32], const char *handle)
{
	crypto_hash_sha256_state state;

	begin(&state, "kedge/handle/v1");
	crypto_hash_sha256_update(&state, (const uint8_t *)handle, strlen(handle));
	crypto_hash_sha256_final(&state, out);
}
