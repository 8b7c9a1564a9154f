#include "proof_world.h"
#include "eth/hex.h"
#include "eth/rlp.h"
#include "eth/state_proof.h"
#include "gateway/identity/layout.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

static void put(struct world_words *words, const void *key, size_t key_len, const uint8_t *value, size_t value_len)
{
	struct eth_hash hashed;
	size_t i = 0;

	keccak256(&hashed, key, key_len);
	while (i < words->n && memcmp(words->keys[i], hashed.bytes, 32) != 0)
		i++;
	assert(i < WORLD_SLOTS_MAX && value_len <= sizeof(words->values[0]));
	memcpy(words->keys[i], hashed.bytes, 32);
	memcpy(words->values[i], value, value_len);
	words->pairs[i] = (struct trie_pair){words->keys[i], 32, words->values[i], value_len};
	words->n += i == words->n;
}

void world_set(struct world *world, const struct eth_hash *slot, const struct eth_hash *word)
{
	struct rlp_writer writer;
	struct u256 number;
	uint8_t value[40];
	size_t len;
	int err;

	u256_from_bytes(&number, word->bytes);
	if (u256_is_zero(&number))
		return;
	rlp_writer_init(&writer, value, sizeof(value));
	rlp_put_u256(&writer, &number);
	err = rlp_writer_finish(&writer, &len);
	assert(err == 0);
	(void)err;
	put(&world->storage, slot->bytes, sizeof(slot->bytes), value, len);
}

static void put_account(struct world *world, const struct eth_address *address, uint64_t nonce, const struct eth_hash *storage,
			const struct eth_hash *code)
{
	struct rlp_writer writer;
	uint8_t value[160];
	size_t len, mark;
	int err;

	rlp_writer_init(&writer, value, sizeof(value));
	mark = rlp_list_begin(&writer);
	rlp_put_u64(&writer, nonce);
	rlp_put_u64(&writer, 1000 * nonce);
	rlp_put_bytes(&writer, storage->bytes, 32);
	rlp_put_bytes(&writer, code->bytes, 32);
	rlp_list_end(&writer, mark);
	err = rlp_writer_finish(&writer, &len);
	assert(err == 0);
	(void)err;
	put(&world->accounts, address->bytes, sizeof(address->bytes), value, len);
}

void world_init(struct world *world, uint64_t number)
{
	struct rlp_writer writer;

	memset(world, 0, sizeof(*world));
	world->is_proxy = true;
	memset(world->registry.bytes, 0x80, 20);
	memset(world->implementation.bytes, 0x72, 20);
	keccak256(&world->registry_code, "proxy", 5);
	keccak256(&world->implementation_code, "code", 4);
	for (uint8_t i = 0; i < 40; i++) {
		struct eth_hash slot = {{0xee, i, (uint8_t)number}}, word = {{0}};
		struct eth_address other = {{0x0e, i, (uint8_t)number}};

		word.bytes[31] = (uint8_t)(i + 1);
		world_set(world, &slot, &word);
		put_account(world, &other, i, &trie_empty_root, &state_empty_code);
	}
	rlp_writer_init(&writer, world->header, sizeof(world->header)); /* the number waits in it for world_seal() */
	rlp_put_u64(&writer, number);
	world->header_len = writer.used;
}

static void write_string(struct world *world, const struct eth_hash *slot, const uint8_t *bytes, size_t len)
{
	struct eth_hash word = {{0}}, at;

	if (len < 32) {
		memcpy(word.bytes, bytes, len);
		word.bytes[31] = (uint8_t)(2 * len);
		world_set(world, slot, &word);
		return;
	}
	for (size_t i = 0; i < 4; i++)
		word.bytes[31 - i] = (uint8_t)((2 * len + 1) >> (8 * i));
	world_set(world, slot, &word);
	for (size_t i = 0; 32 * i < len; i++) {
		size_t part = len - 32 * i < 32 ? len - 32 * i : 32;

		memset(word.bytes, 0, 32);
		memcpy(word.bytes, bytes + 32 * i, part);
		layout_slot_data(&at, slot, i);
		world_set(world, &at, &word);
	}
}

void world_agent(struct world *world, const struct u256 *id, const struct eth_address *owner, const struct eth_address *wallet,
		 const void *uri, size_t uri_len)
{
	struct layout_slots slots;
	struct eth_hash word = {{0}};

	layout_slots_of(&slots, id);
	memcpy(word.bytes + 12, owner->bytes, 20);
	world_set(world, &slots.owner, &word);
	if (wallet != NULL)
		write_string(world, &slots.wallet, wallet->bytes, 20);
	write_string(world, &slots.uri, uri, uri_len);
}

static void write_header(struct world *world, uint64_t number)
{
	static const uint8_t bloom[HEADER_BLOOM_SIZE], nonce[8];
	static const struct eth_hash some = {{0x5e}};
	struct rlp_writer writer;
	size_t mark;
	int err;

	rlp_writer_init(&writer, world->header, sizeof(world->header));
	mark = rlp_list_begin(&writer);
	rlp_put_bytes(&writer, some.bytes, 32);		       /* parentHash */
	rlp_put_bytes(&writer, some.bytes, 32);		       /* sha3Uncles */
	rlp_put_bytes(&writer, world->registry.bytes, 20);     /* miner */
	rlp_put_bytes(&writer, world->state_root.bytes, 32);
	rlp_put_bytes(&writer, some.bytes, 32);		       /* transactionsRoot */
	rlp_put_bytes(&writer, some.bytes, 32);		       /* receiptsRoot */
	rlp_put_bytes(&writer, bloom, sizeof(bloom));
	rlp_put_u64(&writer, 0); /* difficulty */
	rlp_put_u64(&writer, number);
	rlp_put_u64(&writer, 30000000); /* gasLimit */
	rlp_put_u64(&writer, 0);	/* gasUsed */
	rlp_put_u64(&writer, 1790000000 + 2 * number);
	rlp_put_bytes(&writer, "", 0);		/* extraData */
	rlp_put_bytes(&writer, some.bytes, 32); /* mixHash */
	rlp_put_bytes(&writer, nonce, sizeof(nonce));
	rlp_put_u64(&writer, 7); /* baseFeePerGas */
	rlp_list_end(&writer, mark);
	err = rlp_writer_finish(&writer, &world->header_len);
	assert(err == 0);
	(void)err;
	keccak256(&world->hash, world->header, world->header_len);
}

void world_seal(struct world *world)
{
	struct eth_hash slot, word = {{0}};
	struct trie_built built;
	struct rlp_reader reader;
	uint64_t number;

	layout_slot_implementation(&slot);
	memcpy(word.bytes + 12, world->implementation.bytes, 20);
	if (world->is_proxy)
		world_set(world, &slot, &word);
	trie_build(&built, world->storage.pairs, world->storage.n, NULL, 0);
	world->storage_root = built.root;
	trie_built_clear(&built);
	put_account(world, &world->registry, 1, &world->storage_root, &world->registry_code);
	put_account(world, &world->implementation, 1, &trie_empty_root, &world->implementation_code);
	trie_build(&built, world->accounts.pairs, world->accounts.n, NULL, 0);
	world->state_root = built.root;
	trie_built_clear(&built);
	rlp_reader_init(&reader, world->header, world->header_len);
	rlp_get_u64(&reader, &number);
	write_header(world, number);
}

struct agent_key world_key(const struct world *world, uint64_t id)
{
	return (struct agent_key){.chain = WORLD_CHAIN, .registry = world->registry, .id = u256_from_u64(id)};
}

static void collect(struct world *world, struct world_words *words, const void *key, size_t len)
{
	struct trie_built built;
	struct eth_hash hashed;

	keccak256(&hashed, key, len);
	trie_build(&built, words->pairs, words->n, hashed.bytes, 32);
	assert(world->n + built.n <= WORLD_NODES_MAX);
	memcpy(world->nodes + world->n, built.nodes, built.n * sizeof(built.nodes[0]));
	world->n += built.n;
}

void world_collect_account(struct world *world, const struct eth_address *address)
{
	collect(world, &world->accounts, address->bytes, sizeof(address->bytes));
}

void world_collect_slot(struct world *world, const struct eth_hash *slot)
{
	collect(world, &world->storage, slot->bytes, sizeof(slot->bytes));
}

void world_collect_agent(struct world *world, const struct u256 *id, size_t uri_len)
{
	struct layout_slots slots;
	struct eth_hash slot;

	world_drop_nodes(world);
	world_collect_account(world, &world->registry);
	world_collect_account(world, &world->implementation);
	layout_slot_implementation(&slot);
	world_collect_slot(world, &slot);
	layout_slots_of(&slots, id);
	world_collect_slot(world, &slots.owner);
	world_collect_slot(world, &slots.wallet);
	world_collect_slot(world, &slots.uri);
	for (size_t i = 0; uri_len > 31 && 32 * i < uri_len; i++) {
		layout_slot_data(&slot, &slots.uri, i);
		world_collect_slot(world, &slot);
	}
}

void world_drop_nodes(struct world *world)
{
	while (world->n > 0) {
		struct trie_built one = {.nodes = {world->nodes[--world->n]}, .n = 1};

		trie_built_clear(&one);
	}
}

void world_clear(struct world *world)
{
	world_drop_nodes(world);
}

/* ---- answers ---- */

static json_t *data(const void *bytes, size_t len)
{
	char *text = malloc(HEX_DATA_SIZE(len));
	json_t *value;

	assert(text != NULL);
	value = json_stringn(text, hex_encode_data(text, bytes, len));
	free(text);
	return value;
}

static json_t *quantity(uint64_t number)
{
	char text[HEX_QUANTITY_SIZE];

	return json_stringn(text, hex_encode_quantity(text, number));
}

json_t *world_block(const struct world *world)
{
	static const char *const names[] = {"parentHash",	"sha3Uncles", "miner",	    "stateRoot", "transactionsRoot", "receiptsRoot",
					    "logsBloom",	"difficulty", "number",	    "gasLimit",	 "gasUsed",	     "timestamp",
					    "extraData",	"mixHash",    "nonce",	    "baseFeePerGas"};
	json_t *block = json_object();
	struct rlp_reader reader;

	rlp_reader_init(&reader, world->header, world->header_len);
	rlp_enter(&reader);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		const uint8_t *bytes;
		size_t len;
		struct u256 number;

		rlp_get_bytes(&reader, &bytes, &len);
		if ((i < 7 || i > 11) && i != 15) {
			json_object_set_new(block, names[i], data(bytes, len));
			continue;
		}
		(void)!u256_from_minimal(&number, bytes, len);
		json_object_set_new(block, names[i], quantity(number.limb[0]));
	}
	json_object_set_new(block, "hash", data(world->hash.bytes, 32));
	json_object_set_new(block, "transactions", json_array());
	return block;
}

/* The nodes collected, as an array; they are dropped. */
static json_t *take_nodes(struct world *world)
{
	json_t *nodes = json_array();

	for (size_t i = 0; i < world->n; i++)
		json_array_append_new(nodes, data(world->nodes[i].data, world->nodes[i].len));
	world_drop_nodes(world);
	return nodes;
}

json_t *world_proof(struct world *world, const struct eth_address *address, const json_t *slots)
{
	bool registry = address_equal(address, &world->registry);
	json_t *out = json_object(), *list = json_array(), *slot;
	size_t i;

	world_drop_nodes(world);
	world_collect_account(world, address);
	json_object_set_new(out, "accountProof", take_nodes(world));
	json_object_set_new(out, "address", data(address->bytes, 20));
	json_object_set_new(out, "balance", json_string("0x3e8"));
	json_object_set_new(out, "nonce", json_string("0x1"));
	json_object_set_new(out, "codeHash", data(registry ? world->registry_code.bytes : world->implementation_code.bytes, 32));
	json_object_set_new(out, "storageHash", data(registry ? world->storage_root.bytes : trie_empty_root.bytes, 32));
	json_array_foreach((json_t *)(uintptr_t)slots, i, slot) {
		struct eth_hash key;
		int err = hex_decode_fixed(key.bytes, 32, json_string_value(slot), json_string_length(slot));

		assert(err == 0);
		(void)err;
		if (registry) /* the others have no storage */
			world_collect_slot(world, &key);
		json_array_append_new(list, json_pack("{s:O,s:s,s:o}", "key", slot, "value", "0x0", "proof", take_nodes(world)));
	}
	json_object_set_new(out, "storageProof", list);
	return out;
}
