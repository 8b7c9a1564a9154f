/* A type text, a zero byte, and data: neither the type parser nor the cursor may misbehave or run long. */

#include "eth/abi_type.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_as(const char *type, size_t type_len, const uint8_t *data, size_t size)
{
	struct abi_type types[64];
	struct abi_reader reader;
	size_t count;
	if (abi_type_parse(types, 64, &count, type, type_len) != 0)
		return;
	abi_reader_init(&reader, data, size, types[0].head_words);
	if (abi_type_skip(&reader, types, 0) == 0 && abi_reader_finish(&reader) != 0)
		__builtin_trap();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const fixed[] = {"string", "(string,uint256,bytes)[]", "string[][][]",
					    "(bool,int8,address)[3]", "bytes4[2][]"};
	const uint8_t *end = size > 0 ? memchr(data, 0, size) : NULL;
	if (end != NULL)
		read_as((const char *)data, (size_t)(end - data), end + 1, size - (size_t)(end + 1 - data));
	for (size_t i = 0; i < sizeof(fixed) / sizeof(fixed[0]); i++)
		read_as(fixed[i], strlen(fixed[i]), data, size - size % 32);
	return 0;
}
