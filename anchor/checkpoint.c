/* The three lines a log signs. Parsing is strict by writing again what was read. */
#include "anchor/checkpoint.h"

#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#define BASE64 sodium_base64_VARIANT_ORIGINAL

static int check_origin(const char *origin)
{
	static const uint8_t no_key[32];
	struct note_key key;

	return note_key_init(&key, origin, strnlen(origin, NOTE_NAME_MAX + 1), NOTE_ED25519, no_key);
}

int checkpoint_format(char out[static CHECKPOINT_TEXT_MAX], size_t *len, const struct checkpoint *checkpoint)
{
	char base64[sodium_base64_ENCODED_LEN(MERKLE_HASH_SIZE, BASE64)];
	char text[CHECKPOINT_TEXT_MAX + 1];

	if (checkpoint->size > MERKLE_SIZE_MAX || check_origin(checkpoint->origin) != 0)
		return -EINVAL;
	sodium_bin2base64(base64, sizeof(base64), checkpoint->root.bytes, MERKLE_HASH_SIZE, BASE64);
	*len = (size_t)snprintf(text, sizeof(text), "%s\n%llu\n%s\n", checkpoint->origin,
				(unsigned long long)checkpoint->size, base64);
	memcpy(out, text, *len);
	return 0;
}

/* The next line without its line feed; NULL if there is none. */
static const char *take_line(size_t *len, const char **at, const char *end)
{
	const char *line = *at, *stop = line < end ? memchr(line, '\n', (size_t)(end - line)) : NULL;

	*len = stop ? (size_t)(stop - line) : 0;
	if (!stop)
		return NULL;
	*at = stop + 1;
	return line;
}

int checkpoint_parse(struct checkpoint *checkpoint, const char *text, size_t len)
{
	const char *at = text, *end = text + len, *origin, *size, *root;
	size_t origin_len, size_len, root_len, bytes, again_len;
	char again[CHECKPOINT_TEXT_MAX];

	*checkpoint = (struct checkpoint){0};
	origin = take_line(&origin_len, &at, end);
	size = take_line(&size_len, &at, end);
	root = take_line(&root_len, &at, end);
	if (!origin || !size || !root || at != end || origin_len > NOTE_NAME_MAX || size_len < 1 || size_len > 20)
		return -EBADMSG;
	memcpy(checkpoint->origin, origin, origin_len);
	for (size_t i = 0; i < size_len; i++) {
		if (size[i] < '0' || size[i] > '9')
			return -EBADMSG;
		if (__builtin_mul_overflow(checkpoint->size, 10, &checkpoint->size) ||
		    __builtin_add_overflow(checkpoint->size, (uint64_t)(size[i] - '0'), &checkpoint->size))
			return -EOVERFLOW;
	}
	if (checkpoint->size > MERKLE_SIZE_MAX)
		return -EOVERFLOW;
	if (sodium_base642bin(checkpoint->root.bytes, MERKLE_HASH_SIZE, root, root_len, NULL, &bytes, NULL, BASE64) !=
		    0 ||
	    bytes != MERKLE_HASH_SIZE)
		return -EBADMSG;
	if (checkpoint_format(again, &again_len, checkpoint) != 0 || again_len != len || memcmp(again, text, len) != 0)
		return -EBADMSG;
	return 0;
}

int checkpoint_sign(char out[static CHECKPOINT_NOTE_MAX], size_t *len, uint64_t size, const struct merkle_hash *root,
		    const struct note_key *key, const uint8_t secret[static 64])
{
	struct checkpoint checkpoint = {.size = size, .root = *root};
	char text[CHECKPOINT_TEXT_MAX];
	size_t text_len;

	memcpy(checkpoint.origin, key->name, sizeof(checkpoint.origin));
	if (checkpoint_format(text, &text_len, &checkpoint) != 0)
		return -EINVAL;
	return note_sign(out, CHECKPOINT_NOTE_MAX, len, text, text_len, key, secret);
}

int checkpoint_open(struct checkpoint *checkpoint, const char *bytes, size_t len, const struct note_key *key)
{
	struct note note;
	int rc;

	if ((rc = note_parse(&note, bytes, len)) != 0 || (rc = note_verify(&note, key)) != 0 ||
	    (rc = checkpoint_parse(checkpoint, note.text, note.text_len)) != 0)
		return rc;
	/* a signature by the right key over another log's text says nothing about this log */
	return strcmp(checkpoint->origin, key->name) == 0 ? 0 : -ENOENT;
}
