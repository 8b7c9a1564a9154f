#include "gateway/record/typed.h"
#include "did/jcs.h"
#include "eth/eip191.h"
#include "eth/eip712.h"
#include "eth/hex.h"
#include <errno.h>
#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* docs/formats.md §3. */
#define TYPE_TEXT                                                                                                      \
	"Attestation(bytes32 uid,string log,string issuer,string subject,string claimType,string gameId,bool "         \
	"hasRound,"                                                                                                    \
	"uint256 round)"

static int put(struct jcs_buffer *b, const char *bytes, size_t len)
{
	if (b->cap - b->len < len) {
		size_t cap = (b->len + len) * 2;
		char *data = realloc(b->data, cap);

		if (!data)
			return -ENOMEM;
		b->data = data;
		b->cap = cap;
	}
	memcpy(b->data + b->len, bytes, len);
	b->len += len;
	return 0;
}

static int put_text(struct jcs_buffer *b, const char *text)
{
	return put(b, text, strlen(text));
}

static int put_value(struct jcs_buffer *b, const char *before, const json_t *value)
{
	int rc = value ? put_text(b, before) : 0;

	return rc || !value ? rc : jcs_write(b, value);
}

static int put_string(struct jcs_buffer *b, const char *before, const char *text)
{
	int rc = text ? put_text(b, before) : 0;

	return rc || !text ? rc : jcs_write_string(b, text, strlen(text));
}

/* docs/formats.md §2 "uid", the members in canonical order; the attestation comes canonicalised. */
static int hash_uid(struct merkle_hasher *hasher, uint8_t uid[static 32], const char *attestation, size_t len,
		    const json_t *game, const char *surface, const char *salt)
{
	struct jcs_buffer b = {0};
	struct merkle_hash hash;
	int rc;

	if ((rc = put_text(&b, "{\"attestation\":")) || (rc = put(&b, attestation, len)) ||
	    (rc = put_value(&b, ",\"game\":", game)) || (rc = put_string(&b, ",\"salt\":", salt)) ||
	    (rc = put_string(&b, ",\"surface\":", surface)) || (rc = put_text(&b, "}")))
		goto out;
	merkle_sha256(hasher, &hash, b.data, b.len);
	memcpy(uid, hash.bytes, 32);
out:
	jcs_buffer_clear(&b);
	return rc == -ENOMEM || !rc ? rc : -EBADMSG;
}

int typed_uid(struct merkle_hasher *hasher, uint8_t uid[static 32], const json_t *attestation, const json_t *game,
	      const char *surface, const char *salt)
{
	struct jcs_buffer b = {0};
	int rc = jcs_write(&b, attestation);

	if (!rc)
		rc = hash_uid(hasher, uid, b.data, b.len, game, surface, salt);
	jcs_buffer_clear(&b);
	return rc == -ENOMEM || !rc ? rc : -EBADMSG;
}

int typed_content(struct merkle_hasher *hasher, struct typed_content *c, const struct submission *s)
{
	struct jcs_buffer b = {0};
	struct merkle_hash hash;
	size_t at, end;
	int rc;

	memset(c, 0, sizeof(*c));
	rc = put_text(&b, "{\"attestation\":");
	at = b.len;
	if (rc || (rc = jcs_write(&b, s->attestation)))
		goto out;
	end = b.len;
	if ((rc = put_value(&b, ",\"context\":", s->context)) || (rc = put_value(&b, ",\"proof\":", s->proof)) ||
	    (rc = put_string(&b, ",\"salt\":", s->salt)) || (rc = put_text(&b, "}")))
		goto out;
	rc = hash_uid(hasher, c->uid, b.data + at, end - at, s->game,
		      json_string_value(json_object_get(s->context, "surface")), s->salt);
	if (rc)
		goto out;
	merkle_sha256(hasher, &hash, b.data, b.len);
	memcpy(c->payload_hash, hash.bytes, 32);
	c->payload = b.data;
	c->payload_len = b.len;
	return 0;
out:
	jcs_buffer_clear(&b);
	return rc == -ENOMEM ? rc : -EBADMSG;
}

void typed_content_release(struct typed_content *c)
{
	c->payload = NULL;
	c->payload_len = 0;
}

void typed_content_clear(struct typed_content *c)
{
	free(c->payload);
	typed_content_release(c);
}

void typed_fields_of(struct typed_fields *f, const struct submission *s, const char *origin,
		     const uint8_t uid[static 32])
{
	memcpy(f->uid, uid, 32);
	f->log = origin;
	f->issuer = s->issuer;
	f->subject = s->subject;
	f->claim_type = s->claim_type;
	f->game_id = s->game_id;
	f->has_round = s->has_round;
	f->round = s->round;
	f->chain_id = s->issuer_key.chain;
}

/* What all messages of a chain share, made once: five of an item's fifteen permutations. */
static void domain_and_type(struct eth_hash *separator, struct eth_hash *type, uint64_t chain_id)
{
	static struct {
		bool known;
		uint64_t chain_id;
		struct eth_hash separator, type;
	} last;
	struct eip712_domain domain = {
		.name = "kedge", .name_len = 5, .version = "1", .version_len = 1, .has_chain_id = true};

	if (!last.known || last.chain_id != chain_id) {
		domain.chain_id = u256_from_u64(chain_id);
		eip712_domain_separator(&last.separator, &domain);
		eip712_type_hash(&last.type, TYPE_TEXT);
		last.chain_id = chain_id;
		last.known = true;
	}
	*separator = last.separator;
	*type = last.type;
}

void typed_eip712_digest(struct eth_hash *digest, const struct typed_fields *f)
{
	struct eth_hash separator, type, words[8], message;

	domain_and_type(&separator, &type, f->chain_id);
	memcpy(words[0].bytes, f->uid, 32);
	eip712_word_bytes(&words[1], f->log, strlen(f->log));
	eip712_word_bytes(&words[2], f->issuer, strlen(f->issuer));
	eip712_word_bytes(&words[3], f->subject, strlen(f->subject));
	eip712_word_bytes(&words[4], f->claim_type, strlen(f->claim_type));
	eip712_word_bytes(&words[5], f->game_id, strlen(f->game_id));
	eip712_word_bool(&words[6], f->has_round);
	eip712_word_u64(&words[7], f->has_round ? f->round : 0);
	eip712_struct_hash(&message, &type, words, 8);
	eip712_digest(digest, &separator, &message);
}

int typed_eip191_text(char *text, size_t *len, size_t size, const struct typed_fields *f)
{
	char uid[65], round[24] = "";
	int n;

	sodium_bin2hex(uid, sizeof(uid), f->uid, 32);
	if (f->has_round)
		(void)snprintf(round, sizeof(round), "%" PRIu64, f->round);
	n = snprintf(
		text, size,
		"kedge attestation v1\nlog: %s\nissuer: %s\nsubject: %s\nclaim: %s\ngame: %s\nround: %s\nuid: 0x%s",
		f->log, f->issuer, f->subject, f->claim_type, f->game_id, round, uid);
	if (n < 0 || (size_t)n >= size)
		return -ENOSPC;
	*len = (size_t)n;
	return 0;
}

int typed_eip191_digest(struct eth_hash *digest, const struct typed_fields *f)
{
	char text[TYPED_TEXT_SIZE];
	size_t len;
	int rc = typed_eip191_text(text, &len, sizeof(text), f);

	if (!rc)
		eip191_digest(digest, text, len);
	return rc;
}

json_t *typed_eip712_json(const struct typed_fields *f)
{
	char uid[HEX_DATA_SIZE(32)], round[24];

	hex_encode_data(uid, f->uid, 32);
	(void)snprintf(round, sizeof(round), "%" PRIu64, f->has_round ? f->round : 0);
	return json_pack("{s:{s:[{s:s,s:s},{s:s,s:s},{s:s,s:s}],"
			 "s:[{s:s,s:s},{s:s,s:s},{s:s,s:s},{s:s,s:s},{s:s,s:s},{s:s,s:s},{s:s,s:s},{s:s,s:s}]},"
			 "s:s,s:{s:s,s:s,s:I},s:{s:s,s:s,s:s,s:s,s:s,s:s,s:b,s:s}}",
			 "types", "EIP712Domain", "name", "name", "type", "string", "name", "version", "type", "string",
			 "name", "chainId", "type", "uint256", "Attestation", "name", "uid", "type", "bytes32", "name",
			 "log", "type", "string", "name", "issuer", "type", "string", "name", "subject", "type",
			 "string", "name", "claimType", "type", "string", "name", "gameId", "type", "string", "name",
			 "hasRound", "type", "bool", "name", "round", "type", "uint256", "primaryType", "Attestation",
			 "domain", "name", "kedge", "version", "1", "chainId", (json_int_t)f->chain_id, "message",
			 "uid", uid, "log", f->log, "issuer", f->issuer, "subject", f->subject, "claimType",
			 f->claim_type, "gameId", f->game_id, "hasRound", (int)f->has_round, "round", round);
}

const char *typed_method_text(enum typed_method method)
{
	return method == TYPED_EIP712 ? "eip712" : "eip191";
}

int typed_recover(const struct signature_context *context, struct eth_address *signer, enum typed_method *method,
		  const json_t *proof, const struct typed_fields *f)
{
	const char *type = json_string_value(json_object_get(proof, "type"));
	const char *text = json_string_value(json_object_get(proof, "signature"));
	uint8_t bytes[SIGNATURE_SIZE];
	struct eth_signature signature;
	struct eth_hash digest;
	int rc;

	if (!type || !text || hex_decode_fixed(bytes, sizeof(bytes), text, strlen(text)))
		return -EBADMSG;
	if (!strcmp(type, "eip712")) {
		*method = TYPED_EIP712;
		typed_eip712_digest(&digest, f);
	} else if (!strcmp(type, "eip191")) {
		*method = TYPED_EIP191;
		rc = typed_eip191_digest(&digest, f);
		if (rc)
			return -EBADMSG;
	} else {
		return -EBADMSG;
	}
	if (signature_parse(&signature, bytes, sizeof(bytes)) ||
	    signature_recover(context, signer, &signature, &digest))
		return -EKEYREJECTED;
	return 0;
}
