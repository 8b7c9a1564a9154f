/* CIDs in every base, what is no CID, and files that are put together from blocks nobody can forge. The first vectors are
 * kubo's own: `echo hello world | ipfs add`, the empty directory, and the raw leaf of "hello world". */
#include "gateway/fetch/cid.h"

#include <errno.h>
#include <setjmp.h>
#include <sodium.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const char HELLO_V0[] = "QmT78zSuBmuS4z925WZfrqQ1qHaJ56DQaTfyMUF7F8ff5o";
static const char HELLO_V1[] = "bafybeicg2rebjoofv4kbyovkw7af3rpiitvnl6i7ckcywaq6xjcxnc2mby";
static const uint8_t HELLO_BLOCK[] = "\x0a\x12\x08\x02\x12\x0chello world\n\x18\x0c";
static const char RAW_V1[] = "bafkreifzjut3te2nhyekklss27nh3k72ysco7y32koao5eei66wof36n5e";

static struct cid cid_of(const char *text)
{
	struct cid cid;

	assert_int_equal(cid_parse(&cid, text, strlen(text)), 0);
	return cid;
}

static void every_base_gives_the_same_cid(void **state)
{
	static const char *const spellings[] = {
		"QmT78zSuBmuS4z925WZfrqQ1qHaJ56DQaTfyMUF7F8ff5o",
		"bafybeicg2rebjoofv4kbyovkw7af3rpiitvnl6i7ckcywaq6xjcxnc2mby",
		"BAFYBEICG2REBJOOFV4KBYOVKW7AF3RPIITVNL6I7CKCYWAQ6XJCXNC2MBY",
		"k2jmtxt4nv2kx0qz1ncwpjwzdixb27xsgqxk7kgho4nnmjceustvi80e",
		"zdj7WaCPMsy3FP2whSwpFXHjDEaTVmjnddYSn5W2Gdn4aEZFj",
		"f0170122046d44814b9c5af141c3aaab7c05dc5e844ead5f91f12858b021eba45768b4c0e",
	};
	struct cid first = cid_of(HELLO_V0);
	char text[CID_TEXT_SIZE];

	(void)state;
	for (size_t i = 0; i < sizeof(spellings) / sizeof(spellings[0]); i++) {
		struct cid cid = cid_of(spellings[i]);

		assert_true(cid_equal(&first, &cid));
	}
	assert_int_equal(cid_format(text, &first), strlen(HELLO_V1));
	assert_string_equal(text, HELLO_V1);
	first = cid_of(RAW_V1);
	assert_int_equal(first.codec, CID_RAW);
	(void)cid_format(text, &first);
	assert_string_equal(text, RAW_V1);
	assert_int_equal(cid_check(&first, (const uint8_t *)"hello world", 11), 0);
	assert_int_equal(cid_check(&first, (const uint8_t *)"hello worle", 11), -EKEYREJECTED);
}

static void what_is_none_is_refused(void **state)
{
	static const struct {
		const char *text;
		int rc;
	} cases[] = {
		{"", -EBADMSG},
		{"Qm", -EBADMSG},
		{"hello world", -EBADMSG},
		{"QmT78zSuBmuS4z925WZfrqQ1qHaJ56DQaTfyMUF7F8ff5", -EBADMSG},
		{"QmT78zSuBmuS4z925WZfrqQ1qHaJ56DQaTfyMUF7F8ff50", -EBADMSG},
		{"QmT78zSuBmuS4z925WZfrqQ1qHaJ56DQaTfyMUF7F8ff5oo", -EBADMSG},
		{"bafybeicg2rebjoofv4kbyovkw7af3rpiitvnl6i7ckcywaq6xjcxnc2mbz", -EBADMSG}, /* bits behind the end */
		{"bafybeicg2rebjoofv4kbyovkw7af3rpiitvnl6i7ckcywaq6xjcxnc2mb", -EBADMSG},
		{"bafybeicg2rebjoofv4kbyovkw7af3rpiitvnl6i7ckcywaq6xjcxnc2mbya", -EBADMSG},
		{"bAFYBEICG2REBJOOFV4KBYOVKW7AF3RPIITVNL6I7CKCYWAQ6XJCXNC2MBY", -EBADMSG},
		{"f0170122046d44814b9c5af141c3aaab7c05dc5e844ead5f91f12858b021eba45768b4c0", -EBADMSG},
		{"f122046d44814b9c5af141c3aaab7c05dc5e844ead5f91f12858b021eba45768b4c0e", -EBADMSG}, /* v0 in multibase */
		{"f01f00012046d44814b9c5af141c3aaab7c05dc5e844ead5f91f12858b021eba45768b4c0e", -EBADMSG}, /* long varint */
		{"zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz", -EBADMSG},
		{"bafyreiaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", -EOPNOTSUPP}, /* dag-cbor */
		{"bafybwiaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", -EOPNOTSUPP}, /* keccak-256 */
		{"bajybeiaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", -EOPNOTSUPP}, /* version 2 */
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct cid cid;
		int rc = cid_parse(&cid, cases[i].text, strlen(cases[i].text));

		if (rc != cases[i].rc)
			fail_msg("%s: %d in place of %d", cases[i].text, rc, cases[i].rc);
	}
}

/* ---- a small maker of blocks, independent of the reader ---- */

struct block {
	uint8_t bytes[4096];
	size_t len;
	struct cid cid;
};

static void put(struct block *b, const void *bytes, size_t len)
{
	assert_true(b->len + len <= sizeof(b->bytes));
	memcpy(b->bytes + b->len, bytes, len);
	b->len += len;
}

static void put_field(struct block *b, uint8_t tag, const void *bytes, size_t len)
{
	uint8_t head[3] = {tag, (uint8_t)(len & 0x7f), 0};

	if (len > 127) {
		head[1] |= 0x80;
		head[2] = (uint8_t)(len >> 7);
	}
	put(b, head, len > 127 ? 3 : 2);
	put(b, bytes, len);
}

static void name_block(struct block *b, enum cid_codec codec)
{
	b->cid.codec = codec;
	crypto_hash_sha256(b->cid.digest, b->bytes, b->len);
}

static void raw_block(struct block *b, const char *text)
{
	b->len = 0;
	put(b, text, strlen(text));
	name_block(b, CID_RAW);
}

static void put_link(struct block *b, const struct block *to, const char *name)
{
	uint8_t cid[36] = {1, (uint8_t)to->cid.codec, 0x12, 32};
	struct block link = {.len = 0};

	memcpy(cid + 4, to->cid.digest, 32);
	put_field(&link, 0x0a, cid, sizeof(cid));
	put_field(&link, 0x12, name, strlen(name));
	put(&link, "\x18\x05", 2);
	put_field(b, 0x12, link.bytes, link.len);
}

static void end_node(struct block *b, uint8_t type, const char *data)
{
	struct block unixfs = {.len = 0};

	put(&unixfs, "\x08", 1);
	put(&unixfs, &type, 1);
	if (data != NULL)
		put_field(&unixfs, 0x12, data, strlen(data));
	put_field(b, 0x0a, unixfs.bytes, unixfs.len);
	name_block(b, CID_DAG_PB);
}

struct tree {
	struct block leaf[3], file, inner, root;
};

/* root/ (directory) -> a -> inner/ -> file.json of three leaves: one raw, one dag-pb, one raw */
static void make_tree(struct tree *t)
{
	memset(t, 0, sizeof(*t));
	raw_block(&t->leaf[0], "{\"na");
	end_node(&t->leaf[1], 2, "me\":");
	raw_block(&t->leaf[2], "\"n\"}");
	for (size_t i = 0; i < 3; i++)
		put_link(&t->file, &t->leaf[i], "");
	end_node(&t->file, 2, NULL);
	put_link(&t->inner, &t->leaf[0], "other");
	put_link(&t->inner, &t->file, "file.json");
	end_node(&t->inner, 1, NULL);
	put_link(&t->root, &t->inner, "a");
	end_node(&t->root, 1, NULL);
}

static const struct block *find_block(const struct tree *t, const struct cid *cid)
{
	const struct block *all[] = {&t->leaf[0], &t->leaf[1], &t->leaf[2], &t->file, &t->inner, &t->root};

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		if (cid_equal(&all[i]->cid, cid))
			return all[i];
	fail_msg("a block that is not in the tree is wanted");
	return all[0];
}

static int walk_tree(const struct tree *t, const struct cid *root, const char *path, char *body, size_t cap, size_t *len)
{
	const struct cid *wanted;
	struct cid_walk walk;
	int rc = cid_walk_begin(&walk, root, path, (uint8_t *)body, cap);

	assert_int_equal(rc, 0);
	while (rc == 0 && (wanted = cid_walk_wants(&walk)) != NULL) {
		const struct block *block = find_block(t, wanted);

		rc = cid_walk_take(&walk, block->bytes, block->len);
	}
	*len = walk.len;
	assert_true(rc == 0 || cid_walk_wants(&walk) == NULL);
	cid_walk_clear(&walk);
	return rc;
}

static void files_are_put_together_from_their_blocks(void **state)
{
	struct cid hello = cid_of(HELLO_V0);
	struct cid_walk walk;
	struct tree t;
	char body[32];
	size_t len;

	(void)state;
	make_tree(&t);
	assert_int_equal(walk_tree(&t, &t.root.cid, "a/file.json", body, sizeof(body), &len), 0);
	assert_int_equal(len, 12);
	assert_memory_equal(body, "{\"name\":\"n\"}", 12);
	assert_int_equal(walk_tree(&t, &t.file.cid, "", body, 12, &len), 0);
	assert_int_equal(walk_tree(&t, &t.file.cid, "", body, 11, &len), -EOVERFLOW);
	assert_int_equal(walk_tree(&t, &t.root.cid, "a", body, sizeof(body), &len), -EISDIR);
	assert_int_equal(walk_tree(&t, &t.root.cid, "", body, sizeof(body), &len), -EISDIR);
	assert_int_equal(walk_tree(&t, &t.root.cid, "b", body, sizeof(body), &len), -ENOENT);
	assert_int_equal(walk_tree(&t, &t.root.cid, "a/file.json/x", body, sizeof(body), &len), -ENOENT);
	assert_int_equal(walk_tree(&t, &t.leaf[0].cid, "x", body, sizeof(body), &len), -ENOENT);
	/* kubo's block */
	assert_int_equal(cid_walk_begin(&walk, &hello, "", (uint8_t *)body, sizeof(body)), 0);
	assert_int_equal(cid_walk_take(&walk, HELLO_BLOCK, sizeof(HELLO_BLOCK) - 1), 0);
	assert_null(cid_walk_wants(&walk));
	assert_int_equal(walk.len, 12);
	assert_memory_equal(body, "hello world\n", 12);
	cid_walk_clear(&walk);
}

static int take_one(struct block *b, uint8_t type, const char *path)
{
	uint8_t body[64];
	struct cid_walk walk;
	int rc;

	if (type != 99)
		end_node(b, type, "x");
	else
		name_block(b, CID_DAG_PB);
	assert_int_equal(cid_walk_begin(&walk, &b->cid, path, body, sizeof(body)), 0);
	rc = cid_walk_take(&walk, b->bytes, b->len);
	cid_walk_clear(&walk);
	return rc;
}

static void what_is_no_file_is_refused(void **state)
{
	static const struct {
		const char *bytes;
		size_t len;
		int rc;
	} cases[] = {
		{"", 0, -EBADMSG},		      /* no UnixFS data */
		{"\x0a", 1, -EBADMSG},		      /* cut */
		{"\x0a\x7f\x08\x02", 4, -EBADMSG},    /* longer than there is */
		{"\x0a\x02\x08\x09", 4, -EBADMSG},    /* a type that is none */
		{"\x0a\x02\x08\x04", 4, -EOPNOTSUPP}, /* symlink */
		{"\x0a\x02\x08\x05", 4, -EOPNOTSUPP}, /* sharded directory */
		{"\x0a\x02\x08\x01", 4, -EISDIR},     /* the empty directory, QmUNLL… */
		{"\x1a\x00", 2, -EBADMSG},	      /* a field that DAG-PB does not have */
		{"\x08\x01", 2, -EBADMSG},	      /* data as a number */
		{"\x12\x00\x0a\x02\x08\x02", 6, -EBADMSG},		    /* a link without a CID */
		{"\x12\x03\x0a\x01\x00\x0a\x02\x08\x02", 9, -EBADMSG},	    /* a link whose CID is none */
		{"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", 10, -EBADMSG}, /* a varint without an end */
	};
	struct block b, loop = {.len = 0};
	uint8_t body[8];
	struct cid_walk walk;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int rc;

		b.len = 0;
		put(&b, cases[i].bytes, cases[i].len);
		rc = take_one(&b, 99, "");
		if (rc != cases[i].rc)
			fail_msg("case %zu: %d in place of %d", i, rc, cases[i].rc);
	}
	/* another block than the one named */
	raw_block(&loop, "abc");
	assert_int_equal(cid_walk_begin(&walk, &loop.cid, "", body, sizeof(body)), 0);
	assert_int_equal(cid_walk_take(&walk, (const uint8_t *)"abd", 3), -EKEYREJECTED);
	assert_int_equal(cid_walk_take(&walk, (const uint8_t *)"abc", 3), -EBADMSG);
	cid_walk_clear(&walk);
}

/* Nodes that fan out again and again would be a bomb: the same block many times, with nothing in it. */
static void a_fan_has_an_end(void **state)
{
	struct block leaf = {.len = 0}, fan = {.len = 0};
	const struct cid *wanted;
	struct cid_walk walk;
	unsigned taken = 0;
	uint8_t body[8];
	int rc;

	(void)state;
	end_node(&leaf, 2, NULL);
	for (unsigned i = 0; i < 70; i++)
		put_link(&fan, &leaf, "");
	end_node(&fan, 2, NULL);
	rc = cid_walk_begin(&walk, &fan.cid, "", body, sizeof(body));
	while (rc == 0 && (wanted = cid_walk_wants(&walk)) != NULL) {
		const struct block *block = cid_equal(wanted, &fan.cid) ? &fan : &leaf;

		rc = cid_walk_take(&walk, block->bytes, block->len);
		taken++;
	}
	assert_int_equal(rc, -EOVERFLOW);
	assert_int_equal(taken, CID_BLOCKS_MAX + 1);
	cid_walk_clear(&walk);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_base_gives_the_same_cid),
		cmocka_unit_test(what_is_none_is_refused),
		cmocka_unit_test(files_are_put_together_from_their_blocks),
		cmocka_unit_test(what_is_no_file_is_refused),
		cmocka_unit_test(a_fan_has_an_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
