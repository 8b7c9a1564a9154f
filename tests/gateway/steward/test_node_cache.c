/* Every node that went in comes out the same, through all growing, and emptying leaves nothing. */
#include "gateway/steward/node_cache.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <string.h>

static void node_of(struct merkle_hash *hash, struct map_node *node, uint32_t n)
{
	memset(hash, 0, sizeof(*hash));
	memset(node, 0, sizeof(*node));
	/* many share their first bytes, which place them */
	hash->bytes[0] = (uint8_t)(n % 7);
	memcpy(hash->bytes + 20, &n, sizeof(n));
	memcpy(node->bytes + 1, &n, sizeof(n));
}

static void keeps_everything(void **state)
{
	struct node_cache cache = {0};
	struct merkle_hash hash;
	struct map_node node;

	(void)state;
	assert_null(node_cache_find(&cache, &(struct merkle_hash){{0}}));
	for (uint32_t n = 0; n < 3000; n++) {
		node_of(&hash, &node, n);
		assert_int_equal(node_cache_add(&cache, &hash, &node), 0);
		assert_int_equal(node_cache_add(&cache, &hash, &node), 0);
	}
	assert_int_equal(cache.count, 3000);
	for (uint32_t n = 0; n < 3000; n++) {
		const struct map_node *found;

		node_of(&hash, &node, n);
		found = node_cache_find(&cache, &hash);
		assert_non_null(found);
		assert_memory_equal(found, &node, sizeof(node));
	}
	node_of(&hash, &node, 3000);
	assert_null(node_cache_find(&cache, &hash));
	node_cache_trim(&cache);
	assert_int_equal(cache.count, 3000);
	node_cache_clear(&cache);
	assert_null(node_cache_find(&cache, &hash));
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(keeps_everything)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
