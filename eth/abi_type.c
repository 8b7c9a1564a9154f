/* Type texts: recursive descent over ranges of the text, bounded by ABI_DEPTH_MAX and by the caller's array. */

#include "eth/abi_type.h"

#include <errno.h>
#include <string.h>

struct parser {
	struct abi_type *types;
	size_t size;
	size_t count;
};

static bool starts_with(const char *text, size_t len, const char *prefix)
{
	size_t prefix_len = strlen(prefix);
	return len >= prefix_len && memcmp(text, prefix, prefix_len) == 0;
}

/* A decimal from 1 to `max` without leading zeros. */
static bool parse_number(size_t *out, const char *text, size_t len, size_t max)
{
	size_t value = 0;
	if (len == 0 || len > 7 || text[0] == '0')
		return false;
	for (size_t i = 0; i < len; i++) {
		if (text[i] < '0' || text[i] > '9')
			return false;
		value = value * 10 + (size_t)(text[i] - '0');
	}
	*out = value;
	return value <= max;
}

static bool set_plain(struct abi_type *type, enum abi_kind kind, bool dynamic)
{
	type->kind = kind;
	type->dynamic = dynamic;
	return true;
}

static bool parse_elementary(struct abi_type *type, const char *text, size_t len)
{
	static const struct {
		const char *name;
		enum abi_kind kind;
		bool dynamic;
	} plain[] = {{"address", ABI_ADDRESS, false},
		     {"bool", ABI_BOOL, false},
		     {"bytes", ABI_BYTES, true},
		     {"string", ABI_STRING, true}};
	type->head_words = 1;
	for (size_t i = 0; i < sizeof(plain) / sizeof(plain[0]); i++) {
		if (len == strlen(plain[i].name) && starts_with(text, len, plain[i].name))
			return set_plain(type, plain[i].kind, plain[i].dynamic);
	}
	if (starts_with(text, len, "bytes") && parse_number(&type->size, text + 5, len - 5, 32))
		return set_plain(type, ABI_FIXED_BYTES, false);
	if (starts_with(text, len, "uint") && parse_number(&type->size, text + 4, len - 4, 256))
		return type->size % 8 == 0 && set_plain(type, ABI_UINT, false);
	if (starts_with(text, len, "int") && parse_number(&type->size, text + 3, len - 3, 256))
		return type->size % 8 == 0 && set_plain(type, ABI_INT, false);
	return false;
}

static int parse_type(struct parser *parser, size_t *index, const char *text, size_t len, unsigned depth);

/* `text` ends with "]": the last suffix is the outermost array. */
static int parse_array(struct parser *parser, size_t index, const char *text, size_t len, unsigned depth)
{
	size_t open = len - 1;
	size_t child, fixed = 0;
	while (open > 0 && text[open] != '[')
		open--;
	bool dynamic = open == len - 2;
	if (!dynamic && !parse_number(&fixed, text + open + 1, len - open - 2, ABI_TYPE_WORDS_MAX))
		return -EBADMSG;
	int err = parse_type(parser, &child, text, open, depth + 1);
	if (err != 0)
		return err;
	struct abi_type *type = &parser->types[index];
	const struct abi_type *element = &parser->types[child];
	type->kind = dynamic ? ABI_DYNAMIC_ARRAY : ABI_ARRAY;
	type->child = child;
	type->size = fixed;
	type->dynamic = dynamic || element->dynamic;
	/* Both factors are at most 2^20, and the product need fit only where it is used: in a head. */
	if (!dynamic && fixed * element->head_words > ABI_TYPE_WORDS_MAX)
		return -EOVERFLOW;
	type->head_words = type->dynamic ? 1 : fixed * element->head_words;
	return 0;
}

/* Where the member that starts at `from` ends: at a comma outside inner parentheses, or at `len`. */
static size_t member_end(const char *text, size_t len, size_t from)
{
	size_t nested = 0;
	size_t i = from;
	for (; i < len; i++) {
		if (text[i] == ',' && nested == 0)
			break;
		if (text[i] == '(')
			nested++;
		if (text[i] == ')' && nested > 0)
			nested--;
	}
	return i;
}

/* `text` is what stands between the parentheses. */
static int parse_tuple(struct parser *parser, size_t index, const char *text, size_t len, unsigned depth)
{
	size_t last = 0, words = 0;
	bool dynamic = false;
	for (size_t from = 0, end; from <= len; from = end + 1) {
		size_t child;
		end = member_end(text, len, from);
		int err = parse_type(parser, &child, text + from, end - from, depth + 1);
		if (err != 0)
			return err;
		if (last == 0)
			parser->types[index].child = child;
		else
			parser->types[last].next = child;
		last = child;
		parser->types[index].size++;
		dynamic = dynamic || parser->types[child].dynamic;
		words += parser->types[child].head_words;
		if (words > ABI_TYPE_WORDS_MAX)
			return -EOVERFLOW;
	}
	parser->types[index].kind = ABI_TUPLE;
	parser->types[index].dynamic = dynamic;
	parser->types[index].head_words = dynamic ? 1 : words;
	return 0;
}

static int parse_type(struct parser *parser, size_t *index, const char *text, size_t len, unsigned depth)
{
	if (len == 0)
		return -EBADMSG;
	if (depth == ABI_DEPTH_MAX)
		return -EOVERFLOW;
	if (parser->count == parser->size)
		return -ENOSPC;
	*index = parser->count++;
	parser->types[*index] = (struct abi_type){0};
	if (text[len - 1] == ']')
		return parse_array(parser, *index, text, len, depth);
	if (text[0] == '(' && text[len - 1] == ')' && len > 1)
		return parse_tuple(parser, *index, text + 1, len - 2, depth);
	return parse_elementary(&parser->types[*index], text, len) ? 0 : -EBADMSG;
}

int abi_type_parse(struct abi_type *types, size_t types_size, size_t *count, const char *text, size_t text_len)
{
	struct parser parser = {.types = types, .size = types_size};
	size_t root;
	int err = parse_type(&parser, &root, text, text_len, 0);
	*count = err == 0 ? parser.count : 0;
	return err;
}

size_t abi_type_frame_words(const struct abi_type *types, size_t index)
{
	const struct abi_type *type = &types[index];
	if (type->kind == ABI_ARRAY)
		return type->size * types[type->child].head_words;
	size_t words = 0;
	if (type->kind == ABI_TUPLE) {
		for (size_t i = type->child; i != 0; i = types[i].next)
			words += types[i].head_words;
	}
	return words;
}

/* The cursor's error goes before a string that is not UTF-8, wherever in the value that was. */
static int first(int a, int b)
{
	return a != 0 ? a : b;
}

static int skip_elementary(struct abi_reader *reader, const struct abi_type *type)
{
	struct u256 number;
	struct eth_address address;
	uint8_t bytes[32];
	const uint8_t *data;
	const char *text;
	size_t len;
	bool boolean;
	if (type->kind == ABI_STRING)
		return abi_get_string(reader, &text, &len);
	if (type->kind == ABI_UINT)
		abi_get_uint(reader, &number, (unsigned)type->size);
	else if (type->kind == ABI_INT)
		abi_get_int(reader, &number, (unsigned)type->size);
	else if (type->kind == ABI_ADDRESS)
		abi_get_address(reader, &address);
	else if (type->kind == ABI_BOOL)
		abi_get_bool(reader, &boolean);
	else if (type->kind == ABI_FIXED_BYTES)
		abi_get_fixed(reader, bytes, type->size);
	else
		abi_get_bytes(reader, &data, &len);
	return reader->error;
}

static int skip_elements(struct abi_reader *reader, const struct abi_type *types, size_t child, size_t count)
{
	int err = 0;
	for (size_t i = 0; i < count && reader->error == 0; i++)
		err = first(err, abi_type_skip(reader, types, child));
	return first(reader->error, err);
}

static int skip_members(struct abi_reader *reader, const struct abi_type *types, size_t child)
{
	int err = 0;
	for (size_t i = child; i != 0 && reader->error == 0; i = types[i].next)
		err = first(err, abi_type_skip(reader, types, i));
	return first(reader->error, err);
}

int abi_type_skip(struct abi_reader *reader, const struct abi_type *types, size_t index)
{
	const struct abi_type *type = &types[index];
	int err;
	if (type->kind != ABI_TUPLE && type->kind != ABI_ARRAY && type->kind != ABI_DYNAMIC_ARRAY)
		return skip_elementary(reader, type);
	size_t count = type->size;
	if (type->kind == ABI_DYNAMIC_ARRAY)
		abi_enter_array(reader, &count, types[type->child].head_words);
	else if (type->dynamic)
		abi_enter_tuple(reader, abi_type_frame_words(types, index));
	if (type->kind == ABI_TUPLE)
		err = skip_members(reader, types, type->child);
	else
		err = skip_elements(reader, types, type->child, count);
	if (type->dynamic)
		abi_leave(reader);
	return first(reader->error, err);
}
