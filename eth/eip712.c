/* Typed data: the words way first, then the engine, which reduces everything to it. */

#include "eth/eip712.h"

#include "eth/abi_type.h"

#include <errno.h>
#include <string.h>

/* ---- the words way ---- */

void eip712_type_hash(struct eth_hash *out, const char *encoded_type)
{
	keccak256(out, encoded_type, strlen(encoded_type));
}

void eip712_word_u64(struct eth_hash *out, uint64_t value)
{
	struct u256 wide = u256_from_u64(value);
	u256_to_bytes(out->bytes, &wide);
}

void eip712_word_u256(struct eth_hash *out, const struct u256 *value)
{
	u256_to_bytes(out->bytes, value);
}

void eip712_word_bool(struct eth_hash *out, bool value)
{
	eip712_word_u64(out, value ? 1 : 0);
}

void eip712_word_address(struct eth_hash *out, const struct eth_address *value)
{
	memset(out->bytes, 0, sizeof(out->bytes) - sizeof(value->bytes));
	memcpy(out->bytes + sizeof(out->bytes) - sizeof(value->bytes), value->bytes, sizeof(value->bytes));
}

void eip712_word_bytes(struct eth_hash *out, const void *data, size_t len)
{
	keccak256(out, data, len);
}

void eip712_struct_hash(struct eth_hash *out, const struct eth_hash *type_hash, const struct eth_hash *words,
			size_t count)
{
	struct keccak hash;
	keccak_init(&hash);
	keccak_update(&hash, type_hash->bytes, sizeof(type_hash->bytes));
	for (size_t i = 0; i < count; i++)
		keccak_update(&hash, words[i].bytes, sizeof(words[i].bytes));
	keccak_final(&hash, out);
}

void eip712_digest(struct eth_hash *out, const struct eth_hash *separator, const struct eth_hash *struct_hash)
{
	static const uint8_t prefix[2] = {0x19, 0x01};
	struct keccak hash;
	keccak_init(&hash);
	keccak_update(&hash, prefix, sizeof(prefix));
	keccak_update(&hash, separator->bytes, sizeof(separator->bytes));
	keccak_update(&hash, struct_hash->bytes, sizeof(struct_hash->bytes));
	keccak_final(&hash, out);
}

/* The text of EIP712Domain grows member by member, as the EIP leaves out those that are absent. */
struct domain_parts {
	struct keccak type;
	struct eth_hash words[5];
	size_t count;
};

static struct eth_hash *add_member(struct domain_parts *parts, const char *declaration)
{
	if (parts->count > 0)
		keccak_update(&parts->type, ",", 1);
	keccak_update(&parts->type, declaration, strlen(declaration));
	return &parts->words[parts->count++];
}

void eip712_domain_separator(struct eth_hash *out, const struct eip712_domain *domain)
{
	static const char name[] = "EIP712Domain(";
	struct domain_parts parts = {.count = 0};
	struct eth_hash type_hash;
	keccak_init(&parts.type);
	keccak_update(&parts.type, name, sizeof(name) - 1);
	if (domain->name != NULL)
		eip712_word_bytes(add_member(&parts, "string name"), domain->name, domain->name_len);
	if (domain->version != NULL)
		eip712_word_bytes(add_member(&parts, "string version"), domain->version, domain->version_len);
	if (domain->has_chain_id)
		eip712_word_u256(add_member(&parts, "uint256 chainId"), &domain->chain_id);
	if (domain->verifying_contract != NULL)
		eip712_word_address(add_member(&parts, "address verifyingContract"), domain->verifying_contract);
	if (domain->salt != NULL)
		*add_member(&parts, "bytes32 salt") = *domain->salt;
	keccak_update(&parts.type, ")", 1);
	keccak_final(&parts.type, &type_hash);
	eip712_struct_hash(out, &type_hash, parts.words, parts.count);
}

/* ---- the engine ---- */

struct engine {
	const struct eip712_type *types;
	size_t count;
};

/* encodeType goes either into a hash or into the caller's text. */
struct sink {
	struct keccak *hash;
	char *out;
	size_t size;
	size_t used;
	int error;
};

static void emit(struct sink *sink, const char *text)
{
	size_t len = strlen(text);
	if (sink->hash != NULL) {
		keccak_update(sink->hash, text, len);
		return;
	}
	if (sink->error != 0 || len > sink->size - sink->used) {
		sink->error = -ENOSPC;
		return;
	}
	memcpy(sink->out + sink->used, text, len);
	sink->used += len;
}

/* Solidity's identifiers; anything else could make two different types read the same. */
static bool is_identifier(const char *text)
{
	if (*text == '\0' || (*text >= '0' && *text <= '9'))
		return false;
	for (; *text != '\0'; text++) {
		char c = *text;
		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
		      c == '$'))
			return false;
	}
	return true;
}

/* Any number of "[]" and "[k]", k without leading zeros. */
static bool are_suffixes(const char *text)
{
	while (*text == '[') {
		size_t digits = strspn(text + 1, "0123456789");
		if (text[1 + digits] != ']' || digits > 7 || (digits > 0 && text[1] == '0'))
			return false;
		text += digits + 2;
	}
	return *text == '\0';
}

static bool find_type(const struct engine *engine, size_t *index, const char *name, size_t len)
{
	for (size_t i = 0; i < engine->count; i++) {
		if (strlen(engine->types[i].name) == len && memcmp(engine->types[i].name, name, len) == 0) {
			*index = i;
			return true;
		}
	}
	return false;
}

static bool is_elementary(struct abi_type *type, const char *text, size_t len)
{
	size_t count;
	return len > 0 && text[len - 1] != ']' && text[0] != '(' && abi_type_parse(type, 1, &count, text, len) == 0;
}

/* The types that `primary` needs, itself first, each once, the others sorted by name. */
static int collect(const struct engine *engine, size_t order[static EIP712_TYPES_MAX], size_t *count, size_t primary)
{
	bool seen[EIP712_TYPES_MAX] = {false};
	struct abi_type ignored;
	order[0] = primary;
	seen[primary] = true;
	*count = 1;
	for (size_t i = 0; i < *count; i++) {
		const struct eip712_type *type = &engine->types[order[i]];
		if (!is_identifier(type->name))
			return -EBADMSG;
		if (type->field_count > EIP712_FIELDS_MAX)
			return -EOVERFLOW;
		for (size_t f = 0; f < type->field_count; f++) {
			const char *text = type->fields[f].type;
			size_t base = strcspn(text, "["), found;
			if (!is_identifier(type->fields[f].name) || !are_suffixes(text + base))
				return -EBADMSG;
			if (is_elementary(&ignored, text, base))
				continue;
			if (!find_type(engine, &found, text, base))
				return -ENOENT;
			if (!seen[found]) {
				seen[found] = true;
				order[(*count)++] = found;
			}
		}
	}
	/* "…the set of referenced struct types is collected, sorted by name and appended to the encoding." */
	for (size_t i = 2; i < *count; i++) {
		size_t moving = order[i], j = i;
		for (; j > 1 && strcmp(engine->types[order[j - 1]].name, engine->types[moving].name) > 0; j--)
			order[j] = order[j - 1];
		order[j] = moving;
	}
	return 0;
}

static int emit_type(const struct engine *engine, struct sink *sink, size_t primary)
{
	size_t order[EIP712_TYPES_MAX], count;
	int err = collect(engine, order, &count, primary);
	if (err != 0)
		return err;
	for (size_t i = 0; i < count; i++) {
		const struct eip712_type *type = &engine->types[order[i]];
		emit(sink, type->name);
		for (size_t f = 0; f < type->field_count; f++) {
			emit(sink, f == 0 ? "(" : ",");
			emit(sink, type->fields[f].type);
			emit(sink, " ");
			emit(sink, type->fields[f].name);
		}
		emit(sink, type->field_count == 0 ? "()" : ")");
	}
	return sink->error;
}

int eip712_encode_type(char *out, size_t out_size, size_t *len, const struct eip712_type *types, size_t type_count,
		       const char *primary)
{
	struct engine engine = {.types = types, .count = type_count};
	struct sink sink = {.out = out, .size = out_size};
	size_t index;
	*len = 0;
	if (type_count > EIP712_TYPES_MAX)
		return -EOVERFLOW;
	if (!find_type(&engine, &index, primary, strlen(primary)))
		return -ENOENT;
	int err = emit_type(&engine, &sink, index);
	if (err == 0)
		*len = sink.used;
	return err;
}

static int integer_word(struct eth_hash *out, const struct abi_type *type, const struct eip712_value *value)
{
	static const struct u256 zero, one = {.limb = {1}};
	struct u256 word = value->number;
	if (value->kind != EIP712_INTEGER)
		return -EBADMSG;
	bool negative = value->negative && !u256_is_zero(&value->number);
	if (type->kind == ABI_UINT && (negative || u256_bits(&word) > type->size))
		return -EBADMSG;
	if (negative) {
		/* -2^(N-1) is the least; both steps wrap on purpose and cannot be wrong. */
		struct u256 below;
		if (u256_sub(&below, &word, &one) != 0 || u256_bits(&below) >= type->size)
			return -EBADMSG;
		int wraps = u256_sub(&word, &zero, &word);
		(void)wraps;
	} else if (type->kind == ABI_INT && u256_bits(&word) >= type->size) {
		return -EBADMSG;
	}
	eip712_word_u256(out, &word);
	return 0;
}

static int bytes_word(struct eth_hash *out, const struct abi_type *type, const struct eip712_value *value)
{
	struct eth_address address;
	if (value->kind != EIP712_BYTES)
		return -EBADMSG;
	if (type->kind == ABI_BYTES || type->kind == ABI_STRING) {
		eip712_word_bytes(out, value->data, value->len);
		return 0;
	}
	size_t expected = type->kind == ABI_ADDRESS ? sizeof(address.bytes) : type->size;
	if (value->len != expected)
		return -EBADMSG;
	if (type->kind == ABI_ADDRESS) {
		memcpy(address.bytes, value->data, sizeof(address.bytes));
		eip712_word_address(out, &address);
		return 0;
	}
	memset(out->bytes, 0, sizeof(out->bytes));
	memcpy(out->bytes, value->data, value->len);
	return 0;
}

static int hash_value(const struct engine *engine, struct eth_hash *out, const char *type, size_t len,
		      const struct eip712_value *value, unsigned depth);

static int hash_struct(const struct engine *engine, struct eth_hash *out, size_t index,
		       const struct eip712_value *value, unsigned depth)
{
	const struct eip712_type *type = &engine->types[index];
	struct keccak hash;
	struct eth_hash word;
	struct sink sink = {.hash = &hash};
	if (depth == EIP712_DEPTH_MAX)
		return -EOVERFLOW;
	if (value->kind != EIP712_ITEMS || value->count != type->field_count)
		return -EBADMSG;
	keccak_init(&hash);
	int err = emit_type(engine, &sink, index);
	if (err != 0)
		return err;
	keccak_final(&hash, &word);
	keccak_init(&hash);
	keccak_update(&hash, word.bytes, sizeof(word.bytes));
	for (size_t i = 0; i < type->field_count; i++) {
		const char *field = type->fields[i].type;
		err = hash_value(engine, &word, field, strlen(field), &value->items[i], depth + 1);
		if (err != 0)
			return err;
		keccak_update(&hash, word.bytes, sizeof(word.bytes));
	}
	keccak_final(&hash, out);
	return 0;
}

/* The last suffix of a type text, the outermost array: sets where it opens; false when it says another `count`. */
static bool array_suffix(size_t *open, const char *type, size_t len, size_t count)
{
	size_t at = len - 1, k = 0;
	while (at > 0 && type[at] != '[')
		at--;
	*open = at;
	for (size_t i = at + 1; i < len - 1; i++)
		k = k * 10 + (size_t)(type[i] - '0');
	return at == len - 2 || k == count;
}

static int hash_array(const struct engine *engine, struct eth_hash *out, const char *type, size_t len,
		      const struct eip712_value *value, unsigned depth)
{
	struct keccak hash;
	struct eth_hash word;
	size_t element;
	if (depth == EIP712_DEPTH_MAX)
		return -EOVERFLOW;
	if (value->kind != EIP712_ITEMS || !array_suffix(&element, type, len, value->count))
		return -EBADMSG;
	keccak_init(&hash);
	for (size_t i = 0; i < value->count; i++) {
		int err = hash_value(engine, &word, type, element, &value->items[i], depth + 1);
		if (err != 0)
			return err;
		keccak_update(&hash, word.bytes, sizeof(word.bytes));
	}
	keccak_final(&hash, out);
	return 0;
}

static int hash_value(const struct engine *engine, struct eth_hash *out, const char *type, size_t len,
		      const struct eip712_value *value, unsigned depth)
{
	struct abi_type elementary;
	size_t index;
	if (len > 0 && type[len - 1] == ']')
		return hash_array(engine, out, type, len, value, depth);
	if (!is_elementary(&elementary, type, len)) {
		if (!find_type(engine, &index, type, len))
			return -ENOENT;
		return hash_struct(engine, out, index, value, depth);
	}
	if (elementary.kind == ABI_UINT || elementary.kind == ABI_INT)
		return integer_word(out, &elementary, value);
	if (elementary.kind != ABI_BOOL)
		return bytes_word(out, &elementary, value);
	if (value->kind != EIP712_BOOL)
		return -EBADMSG;
	eip712_word_bool(out, value->boolean);
	return 0;
}

int eip712_hash(struct eth_hash *out, const struct eip712_type *types, size_t type_count, const char *primary,
		const struct eip712_value *value)
{
	struct engine engine = {.types = types, .count = type_count};
	size_t index;
	if (type_count > EIP712_TYPES_MAX)
		return -EOVERFLOW;
	if (!find_type(&engine, &index, primary, strlen(primary)))
		return -ENOENT;
	return hash_struct(&engine, out, index, value, 0);
}
