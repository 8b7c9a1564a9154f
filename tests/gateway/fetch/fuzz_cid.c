/* The first byte says what the rest is: a CID's text, its bytes, or a block of a DAG whose links all lead back to it. */
#include "gateway/fetch/cid.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool ok)
{
	if (!ok)
		abort();
}

static void check_cid(const struct cid *cid)
{
	char text[CID_TEXT_SIZE];
	struct cid again;
	size_t len = cid_format(text, cid);

	check(len < sizeof(text) && cid_parse(&again, text, len) == 0 && cid_equal(cid, &again));
}

static void walk_block(const uint8_t *block, size_t len)
{
	struct cid root = {.codec = CID_DAG_PB};
	uint8_t body[256];
	struct cid_walk walk;
	int rc;

	crypto_hash_sha256(root.digest, block, len);
	rc = cid_walk_begin(&walk, &root, "a/b", body, sizeof(body));
	for (unsigned i = 0; rc == 0 && cid_walk_wants(&walk) != NULL; i++) {
		check(i <= CID_BLOCKS_MAX);
		/* stands in for a node whose hash would match */
		walk.wanted[walk.nwanted - 1] = root;
		rc = cid_walk_take(&walk, block, len);
	}
	check(walk.len <= sizeof(body));
	cid_walk_clear(&walk);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cid cid;

	if (size == 0)
		return 0;
	if (data[0] == 't' && cid_parse(&cid, (const char *)data + 1, size - 1) == 0)
		check_cid(&cid);
	if (data[0] == 'b' && cid_from_bytes(&cid, data + 1, size - 1) == 0)
		check_cid(&cid);
	if (data[0] == 'n')
		walk_block(data + 1, size - 1);
	return 0;
}
