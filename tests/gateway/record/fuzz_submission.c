/* Any bytes: parsed or refused with a place; what parses has a uid, a payload that parses again to the same uid, and
 * signed texts. */
#include "gateway/record/attestation.h"
#include "gateway/record/typed.h"
#include <stdlib.h>
#include <string.h>

static struct record_names names = {
	.origin = "localhost:8004/log",
	.agents = {.host = "localhost:8004", .chain = 31337, .registry = {{0x80, 0x04, 0xa1, 0x69}}},
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(struct merkle_hasher *hasher, const struct submission *s)
{
	struct typed_content first, second;
	struct typed_fields fields;
	struct submission again;
	struct refusal why;
	struct eth_hash digest;

	if (typed_content(hasher, &first, s))
		abort();
	if (first.payload_len < SUBMISSION_MAX) {
		if (submission_parse(&again, &why, &names, (const uint8_t *)first.payload, first.payload_len) ||
		    typed_content(hasher, &second, &again) || memcmp(first.uid, second.uid, 32) != 0 ||
		    memcmp(first.payload_hash, second.payload_hash, 32) != 0)
			abort();
		typed_content_clear(&second);
		submission_clear(&again);
	}
	typed_fields_of(&fields, s, names.origin, first.uid);
	typed_eip712_digest(&digest, &fields);
	if (typed_eip191_digest(&digest, &fields))
		abort();
	typed_content_clear(&first);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct merkle_hasher hasher;
	static struct batch batch;
	struct refusal why;
	struct submission s;

	if (!hasher.ctx && merkle_hasher_init(&hasher))
		abort();
	for (int ndjson = 0; ndjson < 2; ndjson++)
		if (!batch_split(&batch, &why, data, size, ndjson))
			for (size_t i = 0; i < batch.count; i++)
				if (batch.item[i].at + batch.item[i].len > size)
					abort();
	if (submission_parse(&s, &why, &names, data, size)) {
		if (why.code == REFUSAL_NONE || s.json)
			abort();
		return 0;
	}
	check(&hasher, &s);
	submission_clear(&s);
	return 0;
}
