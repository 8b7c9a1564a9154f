/* Typed data: the EIP's own example both ways, what the engine refuses, and others' vectors through tables built from
 * JSON. */

#include "eth/eip712.h"

#include "eth/signature.h"

#include "vectors.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* ---- the words way ---- */

static void the_example_of_the_eip(void **state)
{
	static const struct eth_address wallet_cow = {{0xCD, 0x2a, 0x3d, 0x9F, 0x93, 0x8E, 0x13, 0xCD, 0x94, 0x7E,
						       0xc0, 0x5A, 0xbC, 0x7F, 0xE7, 0x34, 0xDf, 0x8D, 0xD8, 0x26}};
	struct eth_address contract, wallet_bob;
	struct eth_hash separator, person, mail, word[3], from[2], digest;
	(void)state;
	memset(contract.bytes, 0xcc, 20);
	memset(wallet_bob.bytes, 0xbb, 20);
	struct eip712_domain domain = {.name = "Ether Mail",
				       .name_len = 10,
				       .version = "1",
				       .version_len = 1,
				       .has_chain_id = true,
				       .chain_id = u256_from_u64(1),
				       .verifying_contract = &contract};
	eip712_domain_separator(&separator, &domain);
	assert_hex_equal(separator.bytes, 32, "f2cee375fa42b42143804025fc449deafd50cc031ca257e0b194a650a912090f");
	eip712_type_hash(&person, "Person(string name,address wallet)");
	eip712_type_hash(&mail, "Mail(Person from,Person to,string contents)Person(string name,address wallet)");
	assert_hex_equal(mail.bytes, 32, "a0cedeb2dc280ba39b857546d74f5549c3a1d7bdc2dd96bf881f76108e23dac2");
	eip712_word_bytes(&from[0], "Cow", 3);
	eip712_word_address(&from[1], &wallet_cow);
	eip712_struct_hash(&word[0], &person, from, 2);
	eip712_word_bytes(&from[0], "Bob", 3);
	eip712_word_address(&from[1], &wallet_bob);
	eip712_struct_hash(&word[1], &person, from, 2);
	eip712_word_bytes(&word[2], "Hello, Bob!", 11);
	eip712_struct_hash(&word[0], &mail, word, 3);
	assert_hex_equal(word[0].bytes, 32, "c52c0ee5d84264471806290a3f2c4cecfc5490626bf912d01f240d7a274b371e");
	eip712_digest(&digest, &separator, &word[0]);
	assert_hex_equal(digest.bytes, 32, "be609aee343fb3c4b28e1df9e632fca64fcfaede20f02e86244efddf30957bd2");
}

/* What agents sign (docs/formats.md §3); the hashes are from an independent encoder. */
static void an_attestation(void **state)
{
	static const char log[] = "kedge.example/log",
			  issuer[] = "eip155:8453/erc721:0x8004a169fb4a3325136eb29fa0ceb6d2e539a432/0",
			  subject[] = "eip155:8453/erc721:0x8004a169fb4a3325136eb29fa0ceb6d2e539a432/1",
			  claim[] = "round.outcome";
	struct eth_hash separator, type, words[8], digest;
	struct eip712_domain domain = {.name = "kedge",
				       .name_len = 5,
				       .version = "1",
				       .version_len = 1,
				       .has_chain_id = true,
				       .chain_id = u256_from_u64(8453)};
	(void)state;
	eip712_domain_separator(&separator, &domain);
	eip712_type_hash(&type, "Attestation(bytes32 uid,string log,string issuer,string subject,string claimType,"
				"string gameId,bool hasRound,uint256 round)");
	memset(words[0].bytes, 0x11, 32);
	eip712_word_bytes(&words[1], log, strlen(log));
	eip712_word_bytes(&words[2], issuer, strlen(issuer));
	eip712_word_bytes(&words[3], subject, strlen(subject));
	eip712_word_bytes(&words[4], claim, strlen(claim));
	eip712_word_bytes(&words[5], "", 0);
	eip712_word_bool(&words[6], true);
	eip712_word_u64(&words[7], 3);
	eip712_struct_hash(&digest, &type, words, 8);
	assert_hex_equal(digest.bytes, 32, "15b0cc1304ed8a4ad5ef12275b737b76d2963f96045bf5587198ab5bb75c7301");
	eip712_digest(&digest, &separator, &digest);
	assert_hex_equal(separator.bytes, 32, "f9abc1751c1dab41df2ac42e509c91a27e214efc1abee0b7f962a166c4bba0d2");
	assert_hex_equal(digest.bytes, 32, "4f09c067e271015819cd9696b9a40f8b3dfa9fd92bbc558454cadad9ec8e0cb5");
}

/* What the ERC-8004 registry on Base demands under setAgentWallet; separator and type hash as read from its bytecode.
 */
static void the_domain_of_the_registry(void **state)
{
	struct eth_address registry;
	struct eth_hash separator, type;
	struct eip712_domain domain = {.name = "ERC8004IdentityRegistry",
				       .name_len = 23,
				       .version = "1",
				       .version_len = 1,
				       .has_chain_id = true,
				       .chain_id = u256_from_u64(8453),
				       .verifying_contract = &registry};
	(void)state;
	hex_fixed(registry.bytes, 20, "0x8004a169fb4a3325136eb29fa0ceb6d2e539a432");
	eip712_domain_separator(&separator, &domain);
	assert_hex_equal(separator.bytes, 32, "3c574eb86858114261f06b40574c0b741b4f10df45c714346723cdaf021f2d45");
	eip712_type_hash(&type, "AgentWalletSet(uint256 agentId,address newWallet,address owner,uint256 deadline)");
	assert_hex_equal(type.bytes, 32, "678b53cd718d595370ab070ebf48edfdcd834beac116bf23e625fc7f4d5b7d32");
}

static void absent_members_are_left_out_of_the_domain(void **state)
{
	struct eip712_domain domain = {0};
	struct eth_hash separator, salt;
	(void)state;
	eip712_domain_separator(&separator, &domain);
	/* keccak256(keccak256("EIP712Domain()")) */
	assert_hex_equal(separator.bytes, 32, "6192106f129ce05c9075d319c1fa6ea9b3ae37cbd0c1ef92e2be7137bb07baa1");
	memset(salt.bytes, 0x12, 32);
	domain.name = "n";
	domain.name_len = 1;
	domain.salt = &salt;
	eip712_domain_separator(&separator, &domain);
	assert_hex_equal(separator.bytes, 32, "03043b9ba5d593a784482c2b4d68cd2640225a889e0706ed7b2bf581fe4248a9");
}

/* ---- the engine ---- */

static int hash_one(struct eth_hash *out, const char *type, const struct eip712_value *value)
{
	struct eip712_field field = {.name = "x", .type = type};
	struct eip712_type types = {.name = "A", .fields = &field, .field_count = 1};
	struct eip712_value root = {.kind = EIP712_ITEMS, .items = value, .count = 1};
	return eip712_hash(out, &types, 1, "A", &root);
}

static void values_must_be_of_their_type(void **state)
{
	static const uint8_t zeros[33];
	static const struct eip712_value two[2] = {{.kind = EIP712_BOOL}, {.kind = EIP712_BOOL}};
#define INTEGER(neg, low)                                                                                              \
	{                                                                                                              \
		.kind = EIP712_INTEGER, .negative = neg, .number = {.limb = {low} }                                    \
	}
#define BYTES(n)                                                                                                       \
	{                                                                                                              \
		.kind = EIP712_BYTES, .data = zeros, .len = n                                                          \
	}
#define ITEMS(n)                                                                                                       \
	{                                                                                                              \
		.kind = EIP712_ITEMS, .items = two, .count = n                                                         \
	}
	static const struct {
		const char *type;
		struct eip712_value value;
		int err;
	} cases[] = {
		{"uint8", INTEGER(false, 255), 0},
		{"uint8", INTEGER(false, 256), -EBADMSG},
		{"uint8", INTEGER(true, 1), -EBADMSG},
		{"uint8", INTEGER(true, 0), 0},
		{"uint256", {.kind = EIP712_INTEGER, .number = {.limb = {1, 1, 1, UINT64_MAX}}}, 0},
		{"int8", INTEGER(false, 127), 0},
		{"int8", INTEGER(false, 128), -EBADMSG},
		{"int8", INTEGER(true, 128), 0},
		{"int8", INTEGER(true, 129), -EBADMSG},
		{"int256", {.kind = EIP712_INTEGER, .negative = true, .number = {.limb = {[3] = 1ull << 63}}}, 0},
		{"int256", {.kind = EIP712_INTEGER, .number = {.limb = {[3] = 1ull << 63}}}, -EBADMSG},
		{"bool", {.kind = EIP712_BOOL, .boolean = true}, 0},
		{"bool", INTEGER(false, 1), -EBADMSG},
		{"uint8", {.kind = EIP712_BOOL}, -EBADMSG},
		{"address", BYTES(20), 0},
		{"address", BYTES(19), -EBADMSG},
		{"address", BYTES(32), -EBADMSG},
		{"address", INTEGER(false, 1), -EBADMSG},
		{"bytes4", BYTES(4), 0},
		{"bytes4", BYTES(3), -EBADMSG},
		{"bytes4", BYTES(5), -EBADMSG},
		{"bytes32", BYTES(33), -EBADMSG},
		{"bytes", BYTES(0), 0},
		{"string", BYTES(33), 0},
		{"string", ITEMS(0), -EBADMSG},
		{"bool[2]", ITEMS(2), 0},
		{"bool[2]", ITEMS(1), -EBADMSG},
		{"bool[1]", ITEMS(2), -EBADMSG},
		{"bool[]", ITEMS(0), 0},
		{"bool[]", ITEMS(2), 0},
		{"bool[][]", ITEMS(2), -EBADMSG},
		{"uint8[]", ITEMS(2), -EBADMSG},
		{"bool[]", BYTES(2), -EBADMSG},
		{"bool[", ITEMS(2), -EBADMSG},
		{"bool]", ITEMS(2), -ENOENT},
		{"bool[]x", ITEMS(2), -EBADMSG},
		{"bool[02]", ITEMS(2), -EBADMSG},
		{"bool[2", ITEMS(2), -EBADMSG},
		{"bool[99999999]", ITEMS(2), -EBADMSG},
		{"bool[],bool y", ITEMS(2), -EBADMSG},
		{"uint", INTEGER(false, 1), -ENOENT},
		{"uint7", INTEGER(false, 1), -ENOENT},
		{"Nobody", ITEMS(2), -ENOENT},
		{"", ITEMS(2), -ENOENT},
		{"(bool,bool)", ITEMS(2), -ENOENT},
		{"A", ITEMS(2), -EBADMSG},
	};
	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct eth_hash out;
		int err = hash_one(&out, cases[i].type, &cases[i].value);
		if (err != cases[i].err)
			fail_msg("case %zu, %s gave %d", i, cases[i].type, err);
	}
}

static void types_must_be_types(void **state)
{
	static const struct eip712_field good = {"x", "bool"}, bad_name = {"x y", "bool"}, empty_name = {"", "bool"},
					 digit = {"1x", "bool"};
	static const struct {
		struct eip712_type type;
		int err;
	} cases[] = {{{"A", &good, 1}, 0},
		     {{"$_a1", &good, 1}, 0},
		     {{"A", &bad_name, 1}, -EBADMSG},
		     {{"A", &empty_name, 1}, -EBADMSG},
		     {{"A", &digit, 1}, -EBADMSG},
		     {{"A(bool x)B", &good, 1}, -EBADMSG},
		     {{"", &good, 1}, -EBADMSG},
		     {{"A", &good, EIP712_FIELDS_MAX + 1}, -EOVERFLOW}};
	char out[64];
	size_t len;
	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++)
		assert_int_equal(eip712_encode_type(out, sizeof(out), &len, &cases[i].type, 1, cases[i].type.name),
				 cases[i].err);
	assert_int_equal(eip712_encode_type(out, sizeof(out), &len, &cases[0].type, 1, "B"), -ENOENT);
	assert_int_equal(eip712_encode_type(out, sizeof(out), &len, &cases[0].type, EIP712_TYPES_MAX + 1, "A"),
			 -EOVERFLOW);
	assert_int_equal(eip712_encode_type(out, sizeof(out), &len, &cases[0].type, 1, "A"), 0);
	assert_int_equal(len, 9);
	assert_memory_equal(out, "A(bool x)", 9);
	for (size_t size = 0; size < 9; size++)
		assert_int_equal(eip712_encode_type(out, size, &len, &cases[0].type, 1, "A"), -ENOSPC);
}

/* A recursive type is legal; a value as deep as the limit passes, one deeper does not. */
static void depth_is_bounded(void **state)
{
	static const struct eip712_field field = {"next", "A[]"};
	static const struct eip712_type type = {"A", &field, 1};
	struct eip712_value chain[2 * EIP712_DEPTH_MAX];
	struct eth_hash out;
	(void)state;
	/* chain[0] is a struct holding an array (1), holding a struct (2), … and at last an empty array. */
	for (size_t length = 1; length <= EIP712_DEPTH_MAX; length++) {
		size_t levels = 2 * length;
		for (size_t i = 0; i < levels; i++)
			chain[i] = (struct eip712_value){
				.kind = EIP712_ITEMS, .items = &chain[i + 1], .count = i + 1 < levels ? 1 : 0};
		assert_int_equal(eip712_hash(&out, &type, 1, "A", &chain[0]),
				 levels <= EIP712_DEPTH_MAX ? 0 : -EOVERFLOW);
	}
}

static void limits_of_the_engine(void **state)
{
	static const struct eip712_field unknown = {"x", "B"}, good = {"x", "bool"};
	static const struct eip712_type types[] = {{"A", &good, 1}, {"C", &unknown, 1}};
	static const struct eip712_value yes = {.kind = EIP712_BOOL, .boolean = true};
	static const struct eip712_value root = {.kind = EIP712_ITEMS, .items = &yes, .count = 1};
	struct eth_hash out;
	(void)state;
	assert_int_equal(eip712_hash(&out, types, 2, "A", &root), 0);
	assert_int_equal(eip712_hash(&out, types, 2, "B", &root), -ENOENT);
	assert_int_equal(eip712_hash(&out, types, 2, "C", &root), -ENOENT);
	assert_int_equal(eip712_hash(&out, types, EIP712_TYPES_MAX + 1, "A", &root), -EOVERFLOW);
	assert_int_equal(eip712_hash(&out, types, 2, "A", &yes), -EBADMSG);
}

static void referenced_types_are_sorted(void **state)
{
	static const struct eip712_field z[] = {{"m", "M[2]"}, {"b", "B"}, {"z", "Z[]"}}, m[] = {{"a", "Aa"}},
					 b[] = {{"x", "int8"}}, aa[] = {{"s", "string[][3]"}};
	static const struct eip712_type types[] = {
		{"Z", z, 3}, {"M", m, 1}, {"B", b, 1}, {"Aa", aa, 1}, {"Unused", b, 1}};
	static const char expected[] = "Z(M[2] m,B b,Z[] z)Aa(string[][3] s)B(int8 x)M(Aa a)";
	char out[128];
	size_t len;
	(void)state;
	assert_int_equal(eip712_encode_type(out, sizeof(out), &len, types, COUNT(types), "Z"), 0);
	assert_int_equal(len, strlen(expected));
	assert_memory_equal(out, expected, len);
}

/* ---- third-party vectors ---- */

/* Values of one case live in pools that are reset for the next. */
static struct {
	struct eip712_type types[EIP712_TYPES_MAX];
	struct eip712_field fields[EIP712_TYPES_MAX][EIP712_FIELDS_MAX];
	size_t type_count;
	struct eip712_value values[8192];
	size_t value_count;
	uint8_t *blobs[8192];
	size_t blob_count;
} pool;

static void pool_clear(void)
{
	for (size_t i = 0; i < pool.blob_count; i++)
		free(pool.blobs[i]);
	pool.type_count = pool.value_count = pool.blob_count = 0;
}

static void load_types(const json_t *types)
{
	const char *name;
	json_t *fields, *field;
	size_t i;
	json_object_foreach((json_t *)(uintptr_t)types, name, fields)
	{
		struct eip712_type *type = &pool.types[pool.type_count];
		assert_true(pool.type_count < EIP712_TYPES_MAX);
		*type = (struct eip712_type){.name = name, .fields = pool.fields[pool.type_count]};
		type->field_count = json_array_size(fields);
		json_array_foreach(fields, i, field)
		{
			pool.fields[pool.type_count][i] =
				(struct eip712_field){text_of(field, "name"), text_of(field, "type")};
		}
		pool.type_count++;
	}
}

static const struct eip712_type *find(const char *name, size_t len)
{
	for (size_t i = 0; i < pool.type_count; i++) {
		if (strlen(pool.types[i].name) == len && memcmp(pool.types[i].name, name, len) == 0)
			return &pool.types[i];
	}
	return NULL;
}

static void load_number(struct eip712_value *out, const json_t *value)
{
	out->kind = EIP712_INTEGER;
	if (json_is_integer(value)) {
		json_int_t number = json_integer_value(value);
		out->negative = number < 0;
		out->number = u256_from_u64((uint64_t)(number < 0 ? -number : number));
		return;
	}
	const char *text = json_string_value(value);
	out->negative = text[0] == '-';
	text += out->negative ? 1 : 0;
	assert_int_equal(u256_parse_decimal(&out->number, text, strlen(text)), 0);
}

static void load_bytes(struct eip712_value *out, const json_t *value)
{
	struct bytes bytes = hex_bytes(json_string_value(value));
	assert_true(pool.blob_count < COUNT(pool.blobs));
	pool.blobs[pool.blob_count++] = bytes.data;
	*out = (struct eip712_value){.kind = EIP712_BYTES, .data = bytes.data, .len = bytes.len};
}

static void load_value(struct eip712_value *out, const char *type, size_t len, const json_t *value)
{
	const struct eip712_type *structure = find(type, len);
	*out = (struct eip712_value){0};
	if (type[len - 1] == ']' || structure != NULL) {
		size_t count = structure != NULL ? structure->field_count : json_array_size(value);
		struct eip712_value *items = &pool.values[pool.value_count];
		pool.value_count += count;
		assert_true(pool.value_count <= COUNT(pool.values));
		*out = (struct eip712_value){.kind = EIP712_ITEMS, .items = items, .count = count};
		while (structure == NULL && type[--len] != '[')
			;
		for (size_t i = 0; i < count; i++) {
			if (structure == NULL)
				load_value(&items[i], type, len, json_array_get(value, i));
			else
				load_value(&items[i], structure->fields[i].type, strlen(structure->fields[i].type),
					   json_object_get(value, structure->fields[i].name));
		}
	} else if (strncmp(type, "uint", 4) == 0 || strncmp(type, "int", 3) == 0) {
		load_number(out, value);
	} else if (strcmp(type, "bool") == 0 || strncmp(type, "bool[", 5) == 0) {
		*out = (struct eip712_value){.kind = EIP712_BOOL, .boolean = json_is_true(value)};
	} else if (strncmp(type, "string", 6) == 0) {
		*out = (struct eip712_value){.kind = EIP712_BYTES,
					     .data = (const uint8_t *)json_string_value(value),
					     .len = json_string_length(value)};
	} else {
		load_bytes(out, value);
	}
}

static void load_separator(struct eth_hash *out, const json_t *json)
{
	struct eip712_domain domain = {0};
	struct eth_address contract;
	struct eth_hash salt;
	const json_t *name = json_object_get(json, "name"), *version = json_object_get(json, "version"),
		     *chain = json_object_get(json, "chainId"), *salt_text = json_object_get(json, "salt"),
		     *contract_text = json_object_get(json, "verifyingContract");
	domain.name = json_string_value(name);
	domain.name_len = json_string_length(name);
	domain.version = json_string_value(version);
	domain.version_len = json_string_length(version);
	if (chain != NULL) {
		struct eip712_value number = {0};
		load_number(&number, chain);
		domain.has_chain_id = true;
		domain.chain_id = number.number;
	}
	if (contract_text != NULL) {
		assert_int_equal(address_parse(&contract, json_string_value(contract_text), 42), 0);
		domain.verifying_contract = &contract;
	}
	if (salt_text != NULL) {
		hex_fixed(salt.bytes, 32, json_string_value(salt_text));
		domain.salt = &salt;
	}
	eip712_domain_separator(out, &domain);
}

static void run_case(struct eth_hash *separator, struct eth_hash *structure, struct eth_hash *digest,
		     const json_t *item, const json_t *message)
{
	struct eip712_value root;
	const char *primary = text_of(item, "primaryType");
	pool_clear();
	load_types(json_object_get(item, "types"));
	load_separator(separator, json_object_get(item, "domain"));
	load_value(&root, primary, strlen(primary), message);
	int err = eip712_hash(structure, pool.types, pool.type_count, primary, &root);
	if (err != 0)
		fail_msg("%d", err);
	eip712_digest(digest, separator, structure);
}

static void check_signature(const struct signature_context *context, const struct eth_hash *digest, const json_t *item,
			    const struct eth_address *signer)
{
	struct bytes data = hex_bytes(text_of(item, "signature"));
	struct eth_signature signature;
	assert_int_equal(signature_parse(&signature, data.data, data.len), 0);
	assert_int_equal(signature_verify(context, &signature, digest, signer), 0);
	free(data.data);
}

static void ethers_typed_data(void **state)
{
	(void)state;
	json_t *root = vectors_load("ethers/typed-data.json.gz"), *item;
	const uint8_t seed[32] = {9};
	struct signature_context *context = signature_context_new(seed);
	size_t i, signatures = 0;
	json_array_foreach(root, i, item)
	{
		struct eth_hash separator, structure, digest, encoded_hash;
		run_case(&separator, &structure, &digest, item, json_object_get(item, "data"));
		assert_hex_equal(digest.bytes, 32, text_of(item, "digest"));
		struct bytes encoded = hex_bytes(text_of(item, "encoded"));
		keccak256(&encoded_hash, encoded.data, encoded.len);
		assert_memory_equal(&structure, &encoded_hash, sizeof(structure));
		free(encoded.data);
		if (json_object_get(item, "signature") == NULL)
			continue;
		uint8_t key[32];
		struct eth_address signer;
		hex_fixed(key, 32, text_of(item, "privateKey"));
		assert_int_equal(signature_key_address(context, &signer, key), 0);
		check_signature(context, &digest, item, &signer);
		signatures++;
	}
	assert_int_equal(i, 130);
	print_message("ethers typed-data: %zu cases, %zu with signatures\n", i, signatures);
	pool_clear();
	signature_context_free(context);
	json_decref(root);
}

static void generated_extra(void **state)
{
	(void)state;
	json_t *root = vectors_load("generated/eip712_extra.json"), *item;
	const uint8_t seed[32] = {9};
	struct signature_context *context = signature_context_new(seed);
	size_t i;
	json_array_foreach(json_object_get(root, "cases"), i, item)
	{
		struct eth_hash separator, structure, digest;
		struct eth_address signer;
		char text[1024];
		size_t len;
		run_case(&separator, &structure, &digest, item, json_object_get(item, "message"));
		assert_hex_equal(separator.bytes, 32, text_of(item, "domainSeparator"));
		assert_hex_equal(structure.bytes, 32, text_of(item, "structHash"));
		assert_hex_equal(digest.bytes, 32, text_of(item, "digest"));
		assert_int_equal(eip712_encode_type(text, sizeof(text), &len, pool.types, pool.type_count,
						    text_of(item, "primaryType")),
				 0);
		assert_int_equal(len, strlen(text_of(item, "encodeType")));
		assert_memory_equal(text, text_of(item, "encodeType"), len);
		assert_int_equal(address_parse(&signer, text_of(item, "signer"), 42), 0);
		check_signature(context, &digest, item, &signer);
	}
	assert_int_equal(i, 7);
	print_message("generated eip712: %zu cases\n", i);
	pool_clear();
	signature_context_free(context);
	json_decref(root);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_example_of_the_eip),
		cmocka_unit_test(an_attestation),
		cmocka_unit_test(the_domain_of_the_registry),
		cmocka_unit_test(absent_members_are_left_out_of_the_domain),
		cmocka_unit_test(values_must_be_of_their_type),
		cmocka_unit_test(types_must_be_types),
		cmocka_unit_test(depth_is_bounded),
		cmocka_unit_test(limits_of_the_engine),
		cmocka_unit_test(referenced_types_are_sorted),
		cmocka_unit_test(ethers_typed_data),
		cmocka_unit_test(generated_extra),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
