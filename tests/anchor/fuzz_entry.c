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
	union {
		struct entry_attestation attestation;
		struct entry_identity identity;
		struct entry_feedback feedback;
		struct entry_void voided;
		struct entry_change change;
		struct entry_erasure erasure;
		struct entry_index head;
	} any;
	char again[ENTRY_LINE_MAX];
	size_t len = 0, kinds = 0;
	enum entry_kind kind;

	if (entry_attestation_parse(&any.attestation, line, size) == 0 && ++kinds)
		check(entry_attestation_format(again, sizeof(again), &len, &any.attestation) == 0);
	if (entry_identity_parse(&any.identity, line, size) == 0 && ++kinds)
		check(entry_identity_format(again, sizeof(again), &len, &any.identity) == 0);
	if (entry_feedback_parse(&any.feedback, line, size) == 0 && ++kinds)
		check(entry_feedback_format(again, sizeof(again), &len, &any.feedback) == 0);
	if (entry_void_parse(&any.voided, line, size) == 0 && ++kinds)
		check(entry_void_format(again, sizeof(again), &len, &any.voided) == 0);
	if (entry_alias_parse(&any.change, line, size) == 0 && ++kinds)
		check(entry_alias_format(again, sizeof(again), &len, &any.change) == 0);
	if (entry_link_parse(&any.change, line, size) == 0 && ++kinds)
		check(entry_link_format(again, sizeof(again), &len, &any.change) == 0);
	if (entry_erasure_parse(&any.erasure, line, size) == 0 && ++kinds)
		check(entry_erasure_format(again, sizeof(again), &len, &any.erasure) == 0);
	if (entry_index_parse(&any.head, line, size) == 0 && ++kinds) {
		entry_index_format(again, &any.head);
		len = ENTRY_INDEX_SIZE;
	}
	check(kinds <= 1);
	check(len == (kinds ? size : 0) && (len == 0 || memcmp(again, line, len) == 0));
	check((entry_kind(&kind, line, size) == 0) == (kinds == 1));
	return 0;
}
