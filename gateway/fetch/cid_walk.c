/* From a root through directories to a file, and through the file's blocks in order. */
#include "gateway/fetch/cid.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* ---- protocol buffers, as DAG-PB and UnixFS use them ---- */

enum { WIRE_VARINT = 0, WIRE_BYTES = 2 };

struct reader {
	const uint8_t *at, *end;
	bool failed;
};

struct field {
	unsigned number, wire;
	uint64_t value;	      /* WIRE_VARINT */
	const uint8_t *bytes; /* WIRE_BYTES */
	size_t len;
};

static uint64_t varint(struct reader *r)
{
	uint64_t value = 0;

	for (unsigned shift = 0; shift < 64 && r->at < r->end; shift += 7) {
		uint8_t byte = *r->at++;

		value |= (uint64_t)(byte & 0x7f) << shift;
		if ((byte & 0x80) == 0)
			return value;
	}
	r->failed = true;
	return 0;
}

static bool next_field(struct reader *r, struct field *out)
{
	uint64_t tag;

	if (r->failed || r->at == r->end)
		return false;
	tag = varint(r);
	*out = (struct field){.number = (unsigned)(tag >> 3 & 0xffff), .wire = (unsigned)(tag & 7)};
	if (tag >> 3 > 0xffff || (out->wire != WIRE_VARINT && out->wire != WIRE_BYTES)) {
		r->failed = true;
	} else if (out->wire == WIRE_VARINT) {
		out->value = varint(r);
	} else {
		uint64_t len = varint(r);

		if (r->failed || len > (uint64_t)(r->end - r->at)) {
			r->failed = true;
			return false;
		}
		out->bytes = r->at;
		out->len = (size_t)len;
		r->at += len;
	}
	return !r->failed;
}

/* ---- nodes ---- */

enum unixfs_type { UNIXFS_RAW = 0, UNIXFS_DIRECTORY = 1, UNIXFS_FILE = 2, UNIXFS_SYMLINK = 4, UNIXFS_SHARD = 5, UNIXFS_NONE = 99 };

struct link {
	struct cid cid;
	int rc; /* of the CID */
	const uint8_t *name;
	size_t name_len;
};

struct node {
	struct link links[CID_LINKS_MAX];
	size_t nlinks;
	enum unixfs_type type;
	const uint8_t *data;
	size_t data_len;
};

/* PBLink { Hash = 1, Name = 2, Tsize = 3 } */
static int read_link(struct node *node, const uint8_t *bytes, size_t len)
{
	struct reader r = {bytes, bytes + len, false};
	struct link link = {.rc = -EBADMSG};
	struct field field;

	if (node->nlinks == CID_LINKS_MAX)
		return -EOVERFLOW;
	while (next_field(&r, &field)) {
		if (field.number == 1 && field.wire == WIRE_BYTES)
			link.rc = cid_from_bytes(&link.cid, field.bytes, field.len);
		if (field.number == 2 && field.wire == WIRE_BYTES) {
			link.name = field.bytes;
			link.name_len = field.len;
		}
	}
	if (r.failed)
		return -EBADMSG;
	node->links[node->nlinks++] = link;
	return 0;
}

/* unixfs.Data { Type = 1, Data = 2, filesize = 3, blocksizes = 4, … } */
static int read_unixfs(struct node *node, const uint8_t *bytes, size_t len)
{
	struct reader r = {bytes, bytes + len, false};
	struct field field;

	while (next_field(&r, &field)) {
		if (field.number == 1 && field.wire == WIRE_VARINT)
			node->type = field.value <= UNIXFS_SHARD ? (enum unixfs_type)field.value : UNIXFS_NONE;
		if (field.number == 2 && field.wire == WIRE_BYTES) {
			node->data = field.bytes;
			node->data_len = field.len;
		}
	}
	return r.failed ? -EBADMSG : 0;
}

/* PBNode { Links = 2 repeated, Data = 1 } */
static int read_node(struct node *node, const uint8_t *block, size_t len)
{
	struct reader r = {block, block + len, false};
	struct field field;
	int rc = 0;

	node->nlinks = 0;
	node->type = UNIXFS_NONE;
	node->data = NULL;
	node->data_len = 0;
	while (rc == 0 && next_field(&r, &field)) {
		if (field.number == 1 && field.wire == WIRE_BYTES)
			rc = read_unixfs(node, field.bytes, field.len);
		else if (field.number == 2 && field.wire == WIRE_BYTES)
			rc = read_link(node, field.bytes, field.len);
		else
			rc = -EBADMSG;
	}
	if (rc == 0 && r.failed)
		rc = -EBADMSG;
	return rc == 0 && node->type == UNIXFS_NONE ? -EBADMSG : rc;
}

/* ---- the walk ---- */

int cid_walk_begin(struct cid_walk *walk, const struct cid *root, const char *path, uint8_t *body, size_t cap)
{
	memset(walk, 0, sizeof(*walk));
	if (strlen(path) >= sizeof(walk->path))
		return -EOVERFLOW;
	walk->wanted = malloc(CID_LINKS_MAX * sizeof(*walk->wanted));
	if (walk->wanted == NULL)
		return -ENOMEM;
	memcpy(walk->path, path, strlen(path) + 1);
	walk->wanted[walk->nwanted++] = *root;
	walk->body = body;
	walk->cap = cap;
	return 0;
}

const struct cid *cid_walk_wants(const struct cid_walk *walk)
{
	return walk->nwanted > 0 ? &walk->wanted[walk->nwanted - 1] : NULL;
}

void cid_walk_clear(struct cid_walk *walk)
{
	free(walk->wanted);
	memset(walk, 0, sizeof(*walk));
}

static int push(struct cid_walk *walk, const struct link *link)
{
	if (link->rc != 0)
		return link->rc;
	if (walk->nwanted == CID_LINKS_MAX)
		return -EOVERFLOW;
	walk->wanted[walk->nwanted++] = link->cid;
	return 0;
}

static int add_bytes(struct cid_walk *walk, const uint8_t *bytes, size_t len)
{
	if (len > walk->cap - walk->len)
		return -EOVERFLOW;
	if (len > 0)
		memcpy(walk->body + walk->len, bytes, len);
	walk->len += len;
	return 0;
}

/* The entry of the path's first segment, which is then taken off the path. */
static int enter(struct cid_walk *walk, const struct node *node)
{
	size_t len = strcspn(walk->path, "/"), rest = len + strspn(walk->path + len, "/");

	if (len == 0)
		return -EISDIR;
	for (size_t i = 0; i < node->nlinks; i++) {
		const struct link *link = &node->links[i];

		if (link->name_len != len || memcmp(link->name, walk->path, len) != 0)
			continue;
		memmove(walk->path, walk->path + rest, strlen(walk->path + rest) + 1);
		return push(walk, link);
	}
	return -ENOENT;
}

static int take_node(struct cid_walk *walk, const struct node *node)
{
	int rc = 0;

	switch (node->type) {
	case UNIXFS_DIRECTORY:
		/* below a file's root there are no directories */
		return walk->len == 0 && walk->nwanted == 0 ? enter(walk, node) : -EBADMSG;
	case UNIXFS_RAW:
	case UNIXFS_FILE:
		if (walk->path[0] != '\0')
			return -ENOENT;
		rc = add_bytes(walk, node->data, node->data_len);
		for (size_t i = node->nlinks; rc == 0 && i > 0; i--)
			rc = push(walk, &node->links[i - 1]);
		return rc;
	case UNIXFS_SYMLINK:
	case UNIXFS_SHARD:
		return -EOPNOTSUPP;
	case UNIXFS_NONE:
		break;
	}
	return -EBADMSG;
}

static int take(struct cid_walk *walk, const struct cid *cid, const uint8_t *block, size_t len)
{
	struct node *node;
	int rc = len <= CID_BLOCK_MAX ? cid_check(cid, block, len) : -EOVERFLOW;

	if (rc == 0 && ++walk->blocks > CID_BLOCKS_MAX)
		rc = -EOVERFLOW;
	if (rc != 0)
		return rc;
	if (cid->codec == CID_RAW)
		return walk->path[0] == '\0' ? add_bytes(walk, block, len) : -ENOENT;
	node = malloc(sizeof(*node));
	if (node == NULL)
		return -ENOMEM;
	rc = read_node(node, block, len);
	if (rc == 0)
		rc = take_node(walk, node);
	free(node);
	return rc;
}

int cid_walk_take(struct cid_walk *walk, const uint8_t *block, size_t len)
{
	struct cid cid;
	int rc;

	if (walk->nwanted == 0)
		return -EBADMSG;
	cid = walk->wanted[--walk->nwanted];
	rc = take(walk, &cid, block, len);
	if (rc != 0)
		walk->nwanted = 0;
	return rc;
}
