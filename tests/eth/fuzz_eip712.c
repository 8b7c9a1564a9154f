/* Typed data made of hostile type tables and values: the engine must end, within its limits, and say the same twice. The input is
 * read as a stream: types, their fields by small choices or raw text, then a value tree. */
#include "eth/eip712.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { TYPES = 6, FIELDS = 6, VALUES = 256, TEXT = 24 };

struct input {
	const uint8_t *data;
	size_t size;
	struct eip712_field fields[TYPES][FIELDS];
	struct eip712_type types[TYPES];
	char texts[TYPES * FIELDS * 2 + TYPES][TEXT];
	size_t ntexts;
	struct eip712_value values[VALUES];
	size_t nvalues;
};

static uint8_t next(struct input *in)
{
	if (in->size == 0)
		return 0;
	in->size--;
	return *in->data++;
}

static const char *text(struct input *in)
{
	static const char *const usual[] = {"A", "B", "C", "D", "E", "F", "uint256", "int8", "address", "bytes32", "bytes", "string",
					    "bool", "A[]", "B[2]", "C[][3]", "uint8[]", "uint7", "bytes33", "A[", "A[0]", ""};
	uint8_t choice = next(in);
	char *out;

	if (choice < 200)
		return usual[choice % (sizeof(usual) / sizeof(usual[0]))];
	out = in->texts[in->ntexts++];
	for (size_t i = 0; i < TEXT - 1 && (out[i] = (char)next(in)) != 0; i++)
		;
	out[TEXT - 1] = '\0';
	return out;
}

static void make_value(struct input *in, struct eip712_value *value, unsigned depth)
{
	static const uint8_t bytes[40] = {1, 2, 3};
	size_t count;

	memset(value, 0, sizeof(*value));
	value->kind = (enum eip712_kind)(next(in) % 4);
	value->boolean = next(in) & 1;
	value->negative = next(in) & 1;
	value->number = u256_from_u64(next(in));
	value->data = bytes;
	value->len = next(in) % sizeof(bytes);
	if (value->kind != EIP712_ITEMS || depth > 20)
		return;
	count = next(in) % 5;
	if (count > VALUES - in->nvalues)
		count = VALUES - in->nvalues;
	struct eip712_value *items = in->values + in->nvalues;

	in->nvalues += count;
	value->items = items;
	value->count = count;
	for (size_t i = 0; i < count; i++)
		make_value(in, &items[i], depth + 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct input in;
	struct eip712_value value;
	struct eth_hash once, again;
	char encoded[4096];
	size_t count, length;
	int rc;

	memset(&in, 0, sizeof(in));
	in.data = data;
	in.size = size;
	count = 1 + next(&in) % TYPES;
	for (size_t i = 0; i < count; i++) {
		in.types[i] = (struct eip712_type){.name = text(&in), .fields = in.fields[i], .field_count = next(&in) % FIELDS};
		for (size_t j = 0; j < in.types[i].field_count; j++)
			in.fields[i][j] = (struct eip712_field){.name = text(&in), .type = text(&in)};
	}
	make_value(&in, &value, 0);
	rc = eip712_hash(&once, in.types, count, in.types[0].name, &value);
	if (rc == 0 && (eip712_hash(&again, in.types, count, in.types[0].name, &value) != 0 || memcmp(&once, &again, sizeof(once)) != 0))
		abort();
	/* what can be hashed has an encodable type */
	if (eip712_encode_type(encoded, sizeof(encoded), &length, in.types, count, in.types[0].name) != 0 && rc == 0)
		abort();
	return 0;
}
