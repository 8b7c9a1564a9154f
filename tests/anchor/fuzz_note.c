/* Signed notes, vkeys and checkpoints: whatever is accepted stays in bounds and is written again unchanged. */
#include <sodium.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "anchor/checkpoint.h"
#include "anchor/note.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(int ok)
{
	if (!ok)
		abort();
}

static void try_checkpoint(const char *text, size_t len)
{
	struct checkpoint checkpoint;
	char again[CHECKPOINT_TEXT_MAX];
	size_t again_len;

	if (checkpoint_parse(&checkpoint, text, len) != 0)
		return;
	check(checkpoint_format(again, &again_len, &checkpoint) == 0);
	check(again_len == len && memcmp(again, text, len) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char vkey[] = "localhost:8004/log+14edea9f+AepKbGPinFIKvvVQexMuxfmVR3auvr57kkIe6mkURtIs";
	static const char text_signed[] = "localhost:8004/log\n1234\nWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlo=\n";
	const char *text = (const char *)data;
	char again[NOTE_KEY_TEXT_MAX];
	struct checkpoint checkpoint;
	struct note_key key;
	struct note note;
	uint64_t time;

	check(sodium_init() >= 0);
	if (note_key_parse(&key, text, size) == 0)
		check(note_key_format(again, &key) == size && memcmp(again, text, size) == 0);
	try_checkpoint(text, size);
	check(note_key_parse(&key, vkey, strlen(vkey)) == 0);
	if (note_parse(&note, text, size) != 0)
		return 0;
	check(note.text == text && note.text_len < size && note.count > 0 && note.count <= NOTE_SIGNATURES_MAX);
	check(note.text_len > 0 && note.text[note.text_len - 1] == '\n');
	for (unsigned i = 0; i < note.count; i++) {
		const struct note_signature *signature = &note.signatures[i];

		check(signature->name > text && signature->name + signature->name_len < text + size);
		check(signature->size > 0 && signature->size <= NOTE_SIGNATURE_MAX);
	}
	/* a signature that verifies was made over exactly this text: the corpus holds the only one there is */
	if (note_verify(&note, &key) == 0)
		check(note.text_len == strlen(text_signed) && memcmp(note.text, text_signed, note.text_len) == 0);
	key.type = NOTE_COSIGNATURE;
	check(note_verify_cosignature(&time, &note, &key) != 0);
	key.type = NOTE_ED25519;
	if (checkpoint_open(&checkpoint, text, size, &key) == 0)
		check(checkpoint.size == 1234 && strcmp(checkpoint.origin, key.name) == 0);
	try_checkpoint(note.text, note.text_len);
	return 0;
}
