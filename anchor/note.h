/* Signed notes (C2SP signed-note): the form in which checkpoints are signed.
 *
 *	text, ending in a line feed
 *	(empty line)
 *	U+2014 SP key-name SP base64(key-id[4] || signature)      one line or more
 *
 * key-id = SHA-256(name || 0x0A || type || public key)[:4];  vkey = name+hex(key-id)+base64(type || public key).
 * Types: 0x01 Ed25519; 0x04 Ed25519 cosignature/v1, whose signature is u64be(time) || 64 bytes.
 * A name is 1..NOTE_NAME_MAX bytes of printable ASCII without space and '+'. Unknown keys are ignored, as the
 * specification demands; a known key whose signature fails condemns the note.
 * Ed25519 is libsodium's; call sodium_init() first. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define NOTE_MAX 131072		/* bytes of a whole note */
#define NOTE_SIGNATURES_MAX 32	/* verifiers must accept at least 16 */
#define NOTE_SIGNATURE_MAX 4096 /* bytes of one decoded signature with its key id; ML-DSA-44 has 2424 */
#define NOTE_SIGNATURE_KEPT 72	/* the longest we can check: a cosignature */
#define NOTE_NAME_MAX 255
#define NOTE_COSIGNED_MAX 4096 /* bytes of a text whose cosignatures can be checked; a checkpoint has 322 */
#define NOTE_KEY_TEXT_MAX (NOTE_NAME_MAX + 1 + 8 + 1 + 44 + 1) /* of a vkey, with NUL */
#define NOTE_LINE_MAX (3 + 1 + NOTE_NAME_MAX + 1 + 104 + 1)    /* of one of our signature lines, with line feed */

enum note_type { NOTE_ED25519 = 0x01, NOTE_COSIGNATURE = 0x04 };

struct note_key {
	char name[NOTE_NAME_MAX + 1];
	uint8_t id[4];
	uint8_t type; /* enum note_type */
	uint8_t public_key[32];
};

struct note_signature {
	const char *name; /* borrowed from the note, not terminated */
	size_t name_len;
	uint8_t key_id[4];
	size_t size;			    /* of the signature without the key id */
	uint8_t bytes[NOTE_SIGNATURE_KEPT]; /* its first bytes; all of it when size <= NOTE_SIGNATURE_KEPT */
};

struct note {
	const char *text; /* borrowed; ends in a line feed */
	size_t text_len;
	unsigned count;
	struct note_signature signatures[NOTE_SIGNATURES_MAX];
};

/* 0, or -EINVAL for a name or type that cannot be. */
__attribute__((warn_unused_result)) int note_key_init(struct note_key *key, const char *name, size_t name_len,
						      enum note_type type, const uint8_t public_key[static 32]);
/* Type Ed25519; `secret` is libsodium's 64-byte form, for note_sign(): keep it in sodium_malloc. 0 or -EINVAL. */
__attribute__((warn_unused_result)) int note_key_from_seed(struct note_key *key, uint8_t secret[static 64],
							   const char *name, size_t name_len,
							   const uint8_t seed[static 32]);
/* vkey text, strictly. 0; -EBADMSG; -ENOENT for a well-formed key of an unknown type. */
__attribute__((warn_unused_result)) int note_key_parse(struct note_key *key, const char *text, size_t len);
/* NUL-terminated vkey; returns its length. */
size_t note_key_format(char out[static NOTE_KEY_TEXT_MAX], const struct note_key *key);

/* Splits a note; everything stays borrowed from `bytes`. 0; -EBADMSG; -EILSEQ (invalid UTF-8 or a control character);
 * -EOVERFLOW (more than NOTE_MAX bytes, NOTE_SIGNATURES_MAX signatures or NOTE_SIGNATURE_MAX bytes in one). */
__attribute__((warn_unused_result)) int note_parse(struct note *note, const char *bytes, size_t len);
/* Every signature by that key (name and id) must hold, and there must be one. 0; -ENOENT: none; -EKEYREJECTED: a bad
 * one; -EINVAL: the key is not of type Ed25519. */
__attribute__((warn_unused_result)) int note_verify(const struct note *note, const struct note_key *key);
/* The same for a cosignature/v1 key (type 0x04); gives the newest time (seconds since 1970) it signed.
 * -EOVERFLOW: a text longer than NOTE_COSIGNED_MAX. */
__attribute__((warn_unused_result)) int note_verify_cosignature(uint64_t *time, const struct note *note,
								const struct note_key *key);

/* text || LF || signature line. Deterministic. `text` ends in a line feed and is otherwise as note_parse() wants it.
 * 0; -EINVAL; -ENOSPC. At most text_len + 1 + NOTE_LINE_MAX bytes; not NUL-terminated. */
__attribute__((warn_unused_result)) int note_sign(char *out, size_t size, size_t *len, const char *text,
						  size_t text_len, const struct note_key *key,
						  const uint8_t secret[static 64]);
