/* Entry lines: one meaning a line, one line a meaning. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "anchor/entry.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(int ok)
{
	if (!ok)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *line = (const char *)data;
	struct entry_attestation attestation;
	struct entry_index head;
	char again[ENTRY_LINE_MAX];
	size_t len = 0;
	enum entry_kind kind;
	int is_attestation = entry_attestation_parse(&attestation, line, size) == 0;
	int is_index = entry_index_parse(&head, line, size) == 0;

	check(!(is_attestation && is_index));
	if (is_attestation)
		check(entry_attestation_format(again, sizeof(again), &len, &attestation) == 0);
	if (is_index) {
		entry_index_format(again, &head);
		len = ENTRY_INDEX_SIZE;
	}
	check(len == (is_attestation || is_index ? size : 0) && (len == 0 || memcmp(again, line, len) == 0));
	check((entry_kind(&kind, line, size) == 0) == (is_attestation || is_index));
	return 0;
}
