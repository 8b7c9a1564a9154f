/* Keccak-256 against known hashes, and the running form against the one-shot form at every length around the rate. */

#include "eth/keccak.h"

#include "vectors.h"

#include <stdlib.h>
#include <string.h>

static void known_hashes(void **state)
{
	static const struct {
		const char *text, *hash;
	} cases[] = {{"", "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470"},
		     {"abc", "4e03657aea45a94fc7d47ba826c8d667c0d1e6e33a64a036ec44f58fa12d6c45"},
		     {"transfer(address,uint256)", "a9059cbb2ab09eb219583f4a59a5d0623ade346d962bcd4e46b11da047c9049b"},
		     {"The quick brown fox jumps over the lazy dog",
		      "4d741b6f1eb29cb2a9b9911c82f56fa8d73b04959d3d9d222895df6c0b28aa15"}};
	struct eth_hash hash;
	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		keccak256(&hash, cases[i].text, strlen(cases[i].text));
		assert_hex_equal(hash.bytes, 32, cases[i].hash);
	}
	keccak256(&hash, NULL, 0);
	assert_hex_equal(hash.bytes, 32, cases[0].hash);
}

static void pieces_equal_the_whole(void **state)
{
	uint8_t data[3 * KECCAK_RATE + 2];
	(void)state;
	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)(i * 7 + 1);
	for (size_t len = 0; len <= sizeof(data); len++) {
		struct eth_hash whole, pieces;
		struct keccak running;
		keccak256(&whole, data, len);
		for (size_t step = 1; step < 300; step += 45) {
			keccak_init(&running);
			for (size_t at = 0; at < len; at += step)
				keccak_update(&running, data + at, len - at < step ? len - at : step);
			keccak_final(&running, &pieces);
			assert_memory_equal(&pieces, &whole, sizeof(whole));
		}
	}
}

/* The last byte of a block takes both padding bits; a full block is followed by one of padding alone. */
static void padding_at_the_rate(void **state)
{
	uint8_t data[KECCAK_RATE + 1];
	struct eth_hash hash;
	(void)state;
	memset(data, 'a', sizeof(data));
	keccak256(&hash, data, 135);
	assert_hex_equal(hash.bytes, 32, "34367dc248bbd832f4e3e69dfaac2f92638bd0bbd18f2912ba4ef454919cf446");
	keccak256(&hash, data, 136);
	assert_hex_equal(hash.bytes, 32, "a6c4d403279fe3e0af03729caada8374b5ca54d8065329a3ebcaeb4b60aa386e");
	keccak256(&hash, data, 137);
	assert_hex_equal(hash.bytes, 32, "d869f639c7046b4929fc92a4d988a8b22c55fbadb802c0c66ebcd484f1915f39");
}

static void ethers_hashes(void **state)
{
	(void)state;
	json_t *root = vectors_load("ethers/hashes.json.gz"), *item;
	size_t i;
	json_array_foreach(root, i, item)
	{
		struct bytes data = hex_bytes(text_of(item, "data"));
		struct eth_hash hash;
		keccak256(&hash, data.data, data.len);
		assert_hex_equal(hash.bytes, 32, text_of(item, "keccak256"));
		free(data.data);
	}
	assert_true(i > 0);
	print_message("ethers hashes: %zu cases\n", i);
	json_decref(root);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(known_hashes), cmocka_unit_test(pieces_equal_the_whole),
					   cmocka_unit_test(padding_at_the_rate), cmocka_unit_test(ethers_hashes)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
