/* Checkpoints (C2SP tlog-checkpoint) of this log: three lines, no extension lines.
 *
 *	origin LF size in decimal LF base64(root) LF
 *
 * The key's name is the origin (docs/formats.md section 5). */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "anchor/merkle.h"
#include "anchor/note.h"

#define CHECKPOINT_TEXT_MAX (NOTE_NAME_MAX + 1 + 20 + 1 + 44 + 1)
#define CHECKPOINT_NOTE_MAX (CHECKPOINT_TEXT_MAX + 1 + NOTE_LINE_MAX) /* with one signature, ours */

struct checkpoint {
	char origin[NOTE_NAME_MAX + 1];
	uint64_t size; /* at most MERKLE_SIZE_MAX */
	struct merkle_hash root;
};

/* The note's text, not NUL-terminated. 0; -EINVAL for an origin that cannot be a key name or a size over the limit. */
__attribute__((warn_unused_result)) int checkpoint_format(char out[static CHECKPOINT_TEXT_MAX], size_t *len,
							  const struct checkpoint *checkpoint);
/* Strict inverse: no leading zeros, canonical base64, exactly three lines. 0; -EBADMSG; -EOVERFLOW for a size over
 * MERKLE_SIZE_MAX. */
__attribute__((warn_unused_result)) int checkpoint_parse(struct checkpoint *checkpoint, const char *text, size_t len);

/* Format and sign; the origin is the key's name. Equal inputs give equal bytes. 0; -EINVAL. */
__attribute__((warn_unused_result)) int checkpoint_sign(char out[static CHECKPOINT_NOTE_MAX], size_t *len,
							uint64_t size, const struct merkle_hash *root,
							const struct note_key *key, const uint8_t secret[static 64]);
/* Parse a signed note, verify it by `key` and parse its text; the origin must be the key's name.
 * 0; -EBADMSG, -EILSEQ, -EOVERFLOW as the parsers; -ENOENT: not signed by the key or of another origin;
 * -EKEYREJECTED: bad signature. */
__attribute__((warn_unused_result)) int checkpoint_open(struct checkpoint *checkpoint, const char *bytes, size_t len,
							const struct note_key *key);
