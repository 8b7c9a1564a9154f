#pragma once
/* Content identifiers of IPFS, and files checked against them block by block, so that no gateway has to be believed.
 *
 * Read: CIDv0 (base58btc) and CIDv1 (multibase b, B, z, k, f) with sha2-256, of codec raw or dag-pb. Source: multiformats/cid,
 * multihash, multibase; DAG-PB and UnixFS specifications of ipld and ipfs. Sharded (HAMT) directories, symlinks and other
 * codecs are -EOPNOTSUPP. Pure. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	CID_TEXT_SIZE = 64,	/* cid_format() with its NUL */
	CID_BLOCK_MAX = 2 << 20, /* bytes of one block; bitswap's own limit */
	CID_LINKS_MAX = 512,	/* links of one node, and blocks wanted at one time */
	CID_BLOCKS_MAX = 64,	/* blocks of one walk */
};

enum cid_codec { CID_RAW = 0x55, CID_DAG_PB = 0x70 };

struct cid {
	enum cid_codec codec;
	uint8_t digest[32]; /* SHA-256 of the block */
};

/* 0; -EBADMSG not a CID; -EOPNOTSUPP a CID with another version, hash, or codec. */
__attribute__((warn_unused_result)) int cid_parse(struct cid *out, const char *text, size_t len);
/* The same from binary, as in links: all len bytes must be the CID. */
__attribute__((warn_unused_result)) int cid_from_bytes(struct cid *out, const uint8_t *bytes, size_t len);
/* CIDv1 in base32, which every gateway takes also for what was written as v0. Returns the length. */
size_t cid_format(char out[static CID_TEXT_SIZE], const struct cid *cid);
bool cid_equal(const struct cid *a, const struct cid *b);

/* The block is the one the CID names: 0 or -EKEYREJECTED. */
__attribute__((warn_unused_result)) int cid_check(const struct cid *cid, const uint8_t *block, size_t len);

/*
 * A walk from a root along a path to a file, and through the file's blocks in order:
 *
 *	cid_walk_begin(&walk, &root, "registration.json", body, cap);
 *	while ((wanted = cid_walk_wants(&walk)))
 *		fetch that block; err = cid_walk_take(&walk, block, len);
 *	walk.len bytes of the file stand in body.
 */
struct cid_walk {
	struct cid *wanted; /* a stack, the next on top; owned */
	size_t nwanted;
	char path[512]; /* what of the path is left */
	uint8_t *body;	/* the caller's */
	size_t len, cap;
	unsigned blocks; /* taken so far */
};

/* -ENOMEM, -EOVERFLOW (path). */
__attribute__((warn_unused_result)) int cid_walk_begin(struct cid_walk *walk, const struct cid *root, const char *path,
						       uint8_t *body, size_t cap);
/* NULL: the file is whole. */
const struct cid *cid_walk_wants(const struct cid_walk *walk);
/* Takes the block wanted. 0; -EKEYREJECTED its hash is another; -EBADMSG not a node of its codec; -ENOENT the path is not
 * in the directory; -EISDIR the path ends in a directory; -EOVERFLOW the file is over cap, or has too many blocks;
 * -EOPNOTSUPP; -ENOMEM. After an error the walk is at its end. */
__attribute__((warn_unused_result)) int cid_walk_take(struct cid_walk *walk, const uint8_t *block, size_t len);
void cid_walk_clear(struct cid_walk *walk);
