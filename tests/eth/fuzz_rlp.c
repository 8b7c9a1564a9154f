/* Any bytes: rlp_check never misbehaves, and what it accepts is what the writer makes of it. */

#include "eth/rlp.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void copy(struct rlp_reader *reader, struct rlp_writer *writer)
{
	while (rlp_more(reader)) {
		if (rlp_next_is_list(reader)) {
			size_t mark = rlp_list_begin(writer);
			rlp_enter(reader);
			copy(reader, writer);
			rlp_leave(reader);
			rlp_list_end(writer, mark);
		} else {
			const uint8_t *bytes;
			size_t len;
			rlp_get_bytes(reader, &bytes, &len);
			rlp_put_bytes(writer, bytes, len);
		}
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct rlp_reader reader;
	struct rlp_writer writer;
	uint8_t *out = malloc(size + 1);
	uint64_t number;
	struct u256 wide;
	size_t len;
	if (out == NULL)
		return 0;
	rlp_reader_init(&reader, data, size);
	rlp_writer_init(&writer, out, size);
	copy(&reader, &writer);
	int err = rlp_reader_finish(&reader);
	if (err == 0 && (rlp_writer_finish(&writer, &len) != 0 || len != size || memcmp(out, data, size) != 0))
		abort();
	if (rlp_check(data, size) == 0 && err != 0)
		abort();
	rlp_reader_init(&reader, data, size);
	rlp_get_u64(&reader, &number);
	rlp_reader_init(&reader, data, size);
	rlp_get_u256(&reader, &wide);
	free(out);
	return 0;
}
