/* Recorded answers of real nodes, read by eth/rpc_read.h and proven: Ethereum mainnet, and the official registry on anvil. Every
 * header must hash to its block, every account and slot must be what the node said, and every byte changed must be noticed. */
#include "vectors.h"
#include "eth/bloom.h"
#include "eth/rpc_read.h"
#include "eth/state_proof.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define COLIBRI "colibri-mainnet-proofs/"

static const char *const blocks[] = {
	COLIBRI "eth_getBalance1/eth_getBlockByNumber_0x14d0303_false.json",
	COLIBRI "eth_getBlockByNumber1/eth_getBlockByNumber_0x152c765_false.json",
	COLIBRI "eth_getProof2/eth_getBlockByNumber_0x152b000_false.json",
	COLIBRI "eth_getTransactionByHash1/eth_getBlockByNumber_0x152aeef_false.json",
	COLIBRI "eth_getTransactionReceipt1/eth_getBlockByNumber_0x152afde_false.json",
	COLIBRI "eth_getTransaction_Type_4/eth_getBlockByNumber_0x15729f6_false.json",
};

static const char *const proofs[] = {
	COLIBRI "eth_call1/"
	"eth_getProof_0x43506849d7c04f9138d1a2050bbf3a0c054402dd____0x152b029.json",
	COLIBRI "eth_call1/"
	"eth_getProof_0x43506849d7c04f9138d1a2050bbf3a0c054402dd____0x152b02f.json",
	COLIBRI "eth_call1/"
	"eth_getProof_0x43506849d7c04f9138d1a2050bbf3a0c054402dd____0x152b031.json",
	COLIBRI "eth_call1/"
	"eth_getProof_0xa0b86991c6218b36c1d19d4a2e9eb0ce3606eb48___0x10d6a54a4754c8869d6886b5f5d7fbfa5b452223.json",
	COLIBRI "eth_getBalance1/"
	"eth_getProof_0x95222290DD7278Aa3Ddd389Cc1E1d165CC4BAfe5____0x14d0303.json",
	COLIBRI "eth_getBalance1/"
	"eth_getProof_0x95222290DD7278Aa3Ddd389Cc1E1d165CC4BAfe5____0x152afff.json",
	COLIBRI "eth_getProof1/"
	"eth_getProof_0xB685760EBD368a891F27ae547391F4E2A289895b___0x0000000000000000000000000000000000000000.json",
	COLIBRI "eth_getProof2/"
	"eth_getProof_0xB685760EBD368a891F27ae547391F4E2A289895b___0x0000000000000000000000000000000000000000.json",
	COLIBRI "eth_getStorageAt1/"
	"eth_getProof_0xa0b86991c6218b36c1d19d4a2e9eb0ce3606eb48___0x7050c9e0f4ca769c69bd3a8ef740bc37934f8e2c.json",
	COLIBRI "eth_getStorageAt_electra/"
	"eth_getProof_0xa0b86991c6218b36c1d19d4a2e9eb0ce3606eb48___0x7050c9e0f4ca769c69bd3a8ef740bc37934f8e2c.json",
	COLIBRI "eth_getTransactionCount1/"
	"eth_getProof_0xd2674dA94285660c9b2353131bef2d8211369A4B____0x150f6bd.json",
	COLIBRI "eth_getTransactionCount1/"
	"eth_getProof_0xd2674dA94285660c9b2353131bef2d8211369A4B____0x152b067.json",
};

static struct tally {
	unsigned headers, tied, accounts, absent_accounts, words, zeros, changes;
} tally;

static struct eth_rpc_result result_of(const json_t *value)
{
	return (struct eth_rpc_result){.outcome = ETH_RPC_OK, .value = value};
}

static void read_header(struct eth_rpc_header *out, const json_t *block)
{
	struct eth_rpc_result result = result_of(block);
	const struct eth_header *header = &out->header;

	assert_int_equal(eth_rpc_result_header(out, &result), 0);
	assert_hex_equal(header->hash.bytes, 32, text_of(block, "hash"));
	assert_hex_equal(header->parent.bytes, 32, text_of(block, "parentHash"));
	assert_hex_equal(header->state_root.bytes, 32, text_of(block, "stateRoot"));
	assert_hex_equal(header->bloom, sizeof(header->bloom), text_of(block, "logsBloom"));
	assert_int_equal(header->number, strtoull(text_of(block, "number"), NULL, 16));
	assert_int_equal(header->time, strtoull(text_of(block, "timestamp"), NULL, 16));
	tally.headers++;
}

/* Every fact that a header holds, changed in the block object, breaks the hash. */
static void change_header(const json_t *block)
{
	static const char *const names[] = {"parentHash", "stateRoot", "logsBloom", "timestamp", "number", "extraData",
					    "nonce",	  "miner",     "gasUsed",   "mixHash"};
	json_t *copy = json_deep_copy(block);

	for (size_t i = 0; i < COUNT(names); i++) {
		char *text = strdup(text_of(block, names[i]));
		struct eth_rpc_result result = result_of(copy);
		struct eth_rpc_header header;
		size_t last = strlen(text) - 1;

		if (last < 2 || strcmp(text, "0x0") == 0) {
			free(text);
			continue;
		}
		text[last] = text[last] == 'a' ? 'b' : 'a';
		json_object_set_new(copy, names[i], json_string(text));
		assert_int_equal(eth_rpc_result_header(&header, &result), -EKEYREJECTED);
		json_object_set(copy, names[i], json_object_get(block, names[i]));
		free(text);
	}
	json_decref(copy);
}

/* Changes each byte of a proof's nodes in turn and wants the proof refused. */
static void change_nodes(const struct eth_hash *root, const struct eth_hash *key, const struct trie_node *nodes, size_t n)
{
	struct trie_node copy[TRIE_DEPTH_MAX];

	memcpy(copy, nodes, n * sizeof(*nodes));
	for (size_t i = 0; i < n; i++) {
		uint8_t *bytes = malloc(nodes[i].len);

		memcpy(bytes, nodes[i].data, nodes[i].len);
		copy[i].data = bytes;
		for (size_t at = 0; at < nodes[i].len; at++) {
			const uint8_t *value;
			size_t len;
			int err;

			bytes[at] ^= (uint8_t)(1 + at % 255);
			err = trie_prove(&value, &len, root, key->bytes, sizeof(key->bytes), copy, n);
			assert_int_equal(err, -EKEYREJECTED);
			bytes[at] = nodes[i].data[at];
			tally.changes++;
		}
		copy[i] = nodes[i];
		free(bytes);
	}
}

static void check_words(const struct eth_rpc_proof *proof)
{
	for (size_t i = 0; i < proof->nslots; i++) {
		const struct eth_rpc_slot_proof *slot = &proof->slots[i];
		struct eth_hash at, word, stated, key;

		u256_to_bytes(at.bytes, &slot->slot);
		u256_to_bytes(stated.bytes, &slot->value);
		assert_int_equal(state_proof_word(&word, &proof->storage, &at, slot->nodes, slot->n), 0);
		assert_memory_equal(word.bytes, stated.bytes, sizeof(word.bytes));
		if (u256_is_zero(&slot->value))
			tally.zeros++;
		else
			tally.words++;
		keccak256(&key, at.bytes, sizeof(at.bytes));
		if (memcmp(proof->storage.bytes, trie_empty_root.bytes, 32) != 0)
			change_nodes(&proof->storage, &key, slot->nodes, slot->n);
		at.bytes[31] ^= 1; /* the proof of a slot is not that of its neighbour, unless both are absent on one path */
		if (!u256_is_zero(&slot->value) && state_proof_word(&word, &proof->storage, &at, slot->nodes, slot->n) == 0)
			assert_memory_not_equal(word.bytes, stated.bytes, sizeof(word.bytes));
	}
}

/* `root` NULL: the account proof rests on its own first node. */
static void check_proof(const json_t *value, const struct eth_hash *root)
{
	struct eth_rpc_result result = result_of(value);
	struct state_account account;
	struct eth_rpc_proof proof;
	struct eth_hash own, key;

	assert_int_equal(eth_rpc_result_proof(&proof, &result), 0);
	keccak256(&own, proof.nodes[0].data, proof.nodes[0].len);
	if (root == NULL)
		root = &own;
	else
		tally.tied++;
	assert_int_equal(state_proof_account(&account, root, &proof.address, proof.nodes, proof.n), 0);
	if (account.exists) {
		tally.accounts++;
		assert_int_equal(account.nonce, proof.nonce);
		assert_int_equal(u256_cmp(&account.balance, &proof.balance), 0);
	} else {
		tally.absent_accounts++;
		assert_true(u256_is_zero(&proof.balance));
	}
	assert_memory_equal(account.storage.bytes, proof.storage.bytes, 32);
	assert_memory_equal(account.code.bytes, proof.code.bytes, 32);
	keccak256(&key, proof.address.bytes, sizeof(proof.address.bytes));
	change_nodes(root, &key, proof.nodes, proof.n);
	check_words(&proof);
	eth_rpc_proof_clear(&proof);
}

static void print_tally(const char *what)
{
	print_message("%s: %u headers, %u accounts (%u tied to a header), %u absent, %u words, %u zero words proven; %u single-byte "
		      "changes refused\n",
		      what, tally.headers, tally.accounts, tally.tied, tally.absent_accounts, tally.words, tally.zeros,
		      tally.changes);
}

static void test_mainnet(void **state)
{
	struct eth_hash roots[COUNT(blocks)];
	(void)state;

	memset(&tally, 0, sizeof(tally));
	for (size_t i = 0; i < COUNT(blocks); i++) {
		json_t *file = vectors_load(blocks[i]);
		struct eth_rpc_header header;

		read_header(&header, json_object_get(file, "result"));
		change_header(json_object_get(file, "result"));
		roots[i] = header.header.state_root;
		json_decref(file);
	}
	for (size_t i = 0; i < COUNT(proofs); i++) {
		json_t *file = vectors_load(proofs[i]);
		const struct eth_hash *root = NULL;
		struct eth_rpc_result result = result_of(json_object_get(file, "result"));
		struct eth_rpc_proof proof;
		struct eth_hash own;

		assert_int_equal(eth_rpc_result_proof(&proof, &result), 0);
		keccak256(&own, proof.nodes[0].data, proof.nodes[0].len);
		for (size_t j = 0; j < COUNT(roots); j++)
			if (memcmp(own.bytes, roots[j].bytes, 32) == 0)
				root = &roots[j];
		eth_rpc_proof_clear(&proof);
		check_proof(json_object_get(file, "result"), root);
		json_decref(file);
	}
	print_tally("mainnet");
	assert_int_equal(tally.headers, 6);
	assert_true(tally.accounts == 12 && tally.tied >= 1 && tally.words >= 8);
}

static void test_generated(void **state)
{
	json_t *file = vectors_load("generated/eth_getProof_anvil.json");
	struct eth_rpc_header header;

	(void)state;
	memset(&tally, 0, sizeof(tally));
	read_header(&header, json_object_get(file, "block"));
	check_proof(json_object_get(file, "contract"), &header.header.state_root);
	check_proof(json_object_get(file, "absent_account"), &header.header.state_root);
	check_proof(json_object_get(file, "eoa_account"), &header.header.state_root);
	json_decref(file);
	print_tally("anvil, generated");
	assert_true(tally.absent_accounts == 1 && tally.accounts == 2 && tally.words >= 9 && tally.zeros >= 3);
}

/* Proofs name their block by a tag or number; the header with their state root is among those recorded. */
static void test_registry(void **state)
{
	json_t *file = vectors_load("../erc8004-rpc/05-storage-proofs.json"), *exchange;
	struct eth_rpc_header headers[8];
	unsigned nheaders = 0, nproofs = 0;
	size_t i;

	(void)state;
	memset(&tally, 0, sizeof(tally));
	json_array_foreach(json_object_get(file, "exchanges"), i, exchange)
		if (strcmp(text_of(json_object_get(exchange, "request"), "method"), "eth_getBlockByNumber") == 0)
			read_header(&headers[nheaders++], json_object_get(json_object_get(exchange, "response"), "result"));
	json_array_foreach(json_object_get(file, "exchanges"), i, exchange) {
		const json_t *value = json_object_get(json_object_get(exchange, "response"), "result");
		const struct eth_hash *root = NULL;
		struct bytes first;
		struct eth_hash own;

		if (strcmp(text_of(json_object_get(exchange, "request"), "method"), "eth_getProof") != 0)
			continue;
		first = hex_bytes(json_string_value(json_array_get(json_object_get(value, "accountProof"), 0)));
		keccak256(&own, first.data, first.len);
		free(first.data);
		for (size_t j = 0; j < nheaders; j++)
			if (memcmp(headers[j].header.state_root.bytes, own.bytes, 32) == 0)
				root = &headers[j].header.state_root;
		assert_non_null(root);
		check_proof(value, root);
		nproofs++;
	}
	json_decref(file);
	print_tally("anvil, official registry");
	assert_true(nheaders == 3 && nproofs == 6 && tally.words > 30 && tally.zeros >= 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_mainnet),
		cmocka_unit_test(test_generated),
		cmocka_unit_test(test_registry),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
