/* Signed notes. Base64 is accepted only in the one spelling that encoding gives, so no two texts mean one signature. */
#include "anchor/note.h"

#include <errno.h>
#include <sodium.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define BASE64 sodium_base64_VARIANT_ORIGINAL
#define DASH_LEN sizeof(dash)

static const char dash[] = {'\xe2', '\x80', '\x94', ' '}; /* U+2014 and a space begin a signature line */

/* "key names ... non-empty and MUST NOT have any Unicode spaces or plus (U+002B)"; ours are ASCII besides. */
static bool name_ok(const char *name, size_t len)
{
	if (len < 1 || len > NOTE_NAME_MAX)
		return false;
	for (size_t i = 0; i < len; i++)
		if (name[i] <= ' ' || name[i] > '~' || name[i] == '+')
			return false;
	return true;
}

static int decode_base64(uint8_t *out, size_t size, size_t *len, const char *text, size_t text_len)
{
	char again[sodium_base64_ENCODED_LEN(NOTE_SIGNATURE_MAX, BASE64)];
	const char *end;

	if (text_len % 4 || text_len >= sizeof(again) ||
	    sodium_base642bin(out, size, text, text_len, NULL, len, &end, BASE64) != 0 || end != text + text_len)
		return -EBADMSG;
	sodium_bin2base64(again, sizeof(again), out, *len, BASE64);
	return memcmp(again, text, text_len) == 0 ? 0 : -EBADMSG;
}

/* signed-note: "key ID = SHA-256(key name || 0x0A || signature type || public key)[:4]" */
static void compute_id(uint8_t id[static 4], const char *name, size_t name_len, uint8_t type,
		       const uint8_t public_key[static 32])
{
	const uint8_t middle[2] = {0x0A, type};
	crypto_hash_sha256_state state;
	uint8_t hash[crypto_hash_sha256_BYTES];

	crypto_hash_sha256_init(&state);
	crypto_hash_sha256_update(&state, (const uint8_t *)name, name_len);
	crypto_hash_sha256_update(&state, middle, sizeof(middle));
	crypto_hash_sha256_update(&state, public_key, 32);
	crypto_hash_sha256_final(&state, hash);
	memcpy(id, hash, 4);
}

int note_key_init(struct note_key *key, const char *name, size_t name_len, enum note_type type,
		  const uint8_t public_key[static 32])
{
	*key = (struct note_key){.type = (uint8_t)type};
	if (!name_ok(name, name_len) || (type != NOTE_ED25519 && type != NOTE_COSIGNATURE))
		return -EINVAL;
	memcpy(key->name, name, name_len);
	memcpy(key->public_key, public_key, 32);
	compute_id(key->id, name, name_len, key->type, public_key);
	return 0;
}

int note_key_from_seed(struct note_key *key, uint8_t secret[static 64], const char *name, size_t name_len,
		       const uint8_t seed[static 32])
{
	uint8_t public_key[crypto_sign_PUBLICKEYBYTES];

	if (crypto_sign_seed_keypair(public_key, secret, seed) != 0)
		return -EINVAL;
	return note_key_init(key, name, name_len, NOTE_ED25519, public_key);
}

size_t note_key_format(char out[static NOTE_KEY_TEXT_MAX], const struct note_key *key)
{
	char base64[sodium_base64_ENCODED_LEN(33, BASE64)];
	uint8_t blob[33] = {key->type};

	memcpy(blob + 1, key->public_key, 32);
	sodium_bin2base64(base64, sizeof(base64), blob, sizeof(blob), BASE64);
	return (size_t)snprintf(out, NOTE_KEY_TEXT_MAX, "%s+%02x%02x%02x%02x+%s", key->name, key->id[0], key->id[1],
				key->id[2], key->id[3], base64);
}

int note_key_parse(struct note_key *key, const char *text, size_t len)
{
	const char *plus = len ? memchr(text, '+', len) : NULL;
	uint8_t blob[64];
	char again[NOTE_KEY_TEXT_MAX];
	size_t name_len, blob_len;

	*key = (struct note_key){0};
	if (!plus || len >= NOTE_KEY_TEXT_MAX)
		return -EBADMSG;
	name_len = (size_t)(plus - text);
	if (!name_ok(text, name_len) || len < name_len + 10 || plus[9] != '+')
		return -EBADMSG;
	if (decode_base64(blob, sizeof(blob), &blob_len, plus + 10, len - name_len - 10) != 0 || blob_len < 1)
		return -EBADMSG;
	if (blob[0] != NOTE_ED25519 && blob[0] != NOTE_COSIGNATURE)
		return -ENOENT;
	if (blob_len != 33 || note_key_init(key, text, name_len, (enum note_type)blob[0], blob + 1) != 0)
		return -EBADMSG;
	if (note_key_format(again, key) != len || memcmp(again, text, len) != 0)
		return -EBADMSG; /* the id in the text is not this key's, or is written otherwise */
	return 0;
}

/* Well-formed UTF-8 (no overlong forms, surrogates, or values past U+10FFFF) without control characters but LF. */
static bool text_ok(const char *bytes, size_t len)
{
	const uint8_t *p = (const uint8_t *)bytes, *end = p + len;

	while (p < end) {
		uint32_t value, least;
		unsigned more;

		if (*p < 0x80) {
			if (*p < 0x20 && *p != '\n')
				return false;
			p++;
			continue;
		}
		more = *p >= 0xf0 ? 3 : *p >= 0xe0 ? 2 : 1;
		if (*p < 0xc2 || *p > 0xf4 || (size_t)(end - p) <= more)
			return false;
		value = *p++ & (0x3fU >> more);
		least = more == 3 ? 0x10000 : more == 2 ? 0x800 : 0x80;
		while (more--) {
			if ((*p & 0xc0) != 0x80)
				return false;
			value = value << 6 | (*p++ & 0x3f);
		}
		if (value < least || value > 0x10ffff || (value >= 0xd800 && value <= 0xdfff))
			return false;
	}
	return true;
}

/* One line without its line feed. The name is any that has no space; whether we know it is settled by comparing. */
static int parse_signature(struct note_signature *out, const char *line, size_t len)
{
	uint8_t blob[NOTE_SIGNATURE_MAX];
	const char *space;
	size_t blob_len, text_len;

	*out = (struct note_signature){0};
	if (len < DASH_LEN || memcmp(line, dash, DASH_LEN) != 0)
		return -EBADMSG;
	out->name = line + DASH_LEN;
	space = memchr(out->name, ' ', len - DASH_LEN);
	if (!space || space == out->name || memchr(out->name, '+', (size_t)(space - out->name)))
		return -EBADMSG;
	out->name_len = (size_t)(space - out->name);
	text_len = len - DASH_LEN - out->name_len - 1;
	if (text_len > sodium_base64_ENCODED_LEN(NOTE_SIGNATURE_MAX, BASE64) - 1)
		return -EOVERFLOW;
	if (decode_base64(blob, sizeof(blob), &blob_len, space + 1, text_len) != 0 || blob_len < 5)
		return -EBADMSG;
	memcpy(out->key_id, blob, 4);
	out->size = blob_len - 4;
	memcpy(out->bytes, blob + 4, out->size < NOTE_SIGNATURE_KEPT ? out->size : NOTE_SIGNATURE_KEPT);
	return 0;
}

int note_parse(struct note *note, const char *bytes, size_t len)
{
	const char *end = bytes + len, *line, *split;

	*note = (struct note){0};
	if (len > NOTE_MAX)
		return -EOVERFLOW;
	if (len == 0 || end[-1] != '\n')
		return -EBADMSG;
	if (!text_ok(bytes, len))
		return -EILSEQ;
	/* signatures hold no empty line, so the last one is the separator */
	split = end;
	do {
		split = memrchr(bytes, '\n', (size_t)(split - bytes));
	} while (split && split > bytes && split[-1] != '\n');
	if (!split || split == bytes)
		return -EBADMSG;
	note->text = bytes;
	note->text_len = (size_t)(split - bytes);
	for (line = split + 1; line < end;) {
		const char *stop = memchr(line, '\n', (size_t)(end - line));
		int rc;

		if (note->count == NOTE_SIGNATURES_MAX)
			return -EOVERFLOW;
		rc = parse_signature(&note->signatures[note->count], line, (size_t)(stop - line));
		if (rc != 0)
			return rc;
		note->count++;
		line = stop + 1;
	}
	return note->count ? 0 : -EBADMSG;
}

static bool is_by(const struct note_signature *signature, const struct note_key *key)
{
	return signature->name_len == strlen(key->name) &&
	       memcmp(signature->name, key->name, signature->name_len) == 0 &&
	       memcmp(signature->key_id, key->id, 4) == 0;
}

int note_verify(const struct note *note, const struct note_key *key)
{
	int rc = -ENOENT;

	if (key->type != NOTE_ED25519)
		return -EINVAL;
	for (unsigned i = 0; i < note->count; i++) {
		const struct note_signature *signature = &note->signatures[i];

		if (!is_by(signature, key))
			continue;
		if (signature->size != 64 || crypto_sign_verify_detached(signature->bytes, (const uint8_t *)note->text,
									 note->text_len, key->public_key) != 0)
			return -EKEYREJECTED;
		rc = 0;
	}
	return rc;
}

/* tlog-cosignature: the signed message is "cosignature/v1" LF "time " seconds LF and the note's text */
static bool cosignature_ok(uint64_t time, const uint8_t signature[static 64], const struct note *note,
			   const struct note_key *key)
{
	char message[64 + NOTE_COSIGNED_MAX];
	int head = snprintf(message, 64, "cosignature/v1\ntime %llu\n", (unsigned long long)time);

	memcpy(message + head, note->text, note->text_len);
	return crypto_sign_verify_detached(signature, (const uint8_t *)message, (size_t)head + note->text_len,
					   key->public_key) == 0;
}

int note_verify_cosignature(uint64_t *time, const struct note *note, const struct note_key *key)
{
	int rc = -ENOENT;

	*time = 0;
	if (key->type != NOTE_COSIGNATURE)
		return -EINVAL;
	if (note->text_len > NOTE_COSIGNED_MAX)
		return -EOVERFLOW;
	for (unsigned i = 0; i < note->count; i++) {
		const struct note_signature *signature = &note->signatures[i];
		uint64_t at = 0;

		if (!is_by(signature, key))
			continue;
		for (unsigned j = 0; j < 8; j++)
			at = at << 8 | signature->bytes[j];
		if (signature->size != 72 || !cosignature_ok(at, signature->bytes + 8, note, key))
			return -EKEYREJECTED;
		*time = at > *time ? at : *time;
		rc = 0;
	}
	return rc;
}

int note_sign(char *out, size_t size, size_t *len, const char *text, size_t text_len, const struct note_key *key,
	      const uint8_t secret[static 64])
{
	char base64[sodium_base64_ENCODED_LEN(68, BASE64)];
	uint8_t blob[68];
	size_t name_len = strlen(key->name), total;

	if (key->type != NOTE_ED25519 || text_len == 0 || text_len > NOTE_MAX || text[text_len - 1] != '\n' ||
	    !text_ok(text, text_len))
		return -EINVAL;
	total = text_len + 1 + DASH_LEN + name_len + 1 + sizeof(base64) - 1 + 1;
	if (total > NOTE_MAX)
		return -EINVAL;
	if (size < total)
		return -ENOSPC;
	memcpy(blob, key->id, 4);
	if (crypto_sign_detached(blob + 4, NULL, (const uint8_t *)text, text_len, secret) != 0)
		return -EINVAL;
	sodium_bin2base64(base64, sizeof(base64), blob, sizeof(blob), BASE64);
	memmove(out, text, text_len);
	out += text_len;
	*out++ = '\n';
	memcpy(out, dash, DASH_LEN);
	memcpy(out + DASH_LEN, key->name, name_len);
	out += DASH_LEN + name_len;
	*out++ = ' ';
	memcpy(out, base64, sizeof(base64) - 1);
	out[sizeof(base64) - 1] = '\n';
	*len = total;
	return 0;
}
