#pragma once
/* The signer's memory: the largest tree it ever signed, on disk before the signature exists.
 *
 * STATE/signer.state holds two records of 4096 bytes, written in turn, each whole in one sector-aligned pwrite and fdatasynced:
 *
 *	"kedge signer v1\n" || u64be(counter) || u64be(size) || edge: 32 bytes for each set bit of size || zeros || SHA-256 of all before
 *
 * A torn write spoils the older record's successor only; the other record still holds, and a signature is made after the
 * write, so the valid record of the higher counter covers everything that was ever signed. The file is locked (flock): two
 * signers on one key would be two logs. */
#include "anchor/merkle.h"

#include <stdint.h>

enum { GUARD_RECORD = 4096 };

struct guard {
	int fd;
	uint64_t counter;
	struct merkle_edge edge; /* of the largest signed tree; its size is edge.size */
};

/* Opens or creates the file; *fresh says that it did not exist. Returns 0; -EWOULDBLOCK another signer holds it; -EBADMSG neither record
 * is whole (the file was damaged or is not one); other negative errno of the file system. */
__attribute__((warn_unused_result)) int guard_open(struct guard *guard, int *fresh, const char *path);
void guard_close(struct guard *guard);

/* Records edge as signed. It must not be smaller than the one held. 0 (on disk), -EINVAL, or the file system's error: then
 * nothing may be signed, and the guard still holds the former edge. */
__attribute__((warn_unused_result)) int guard_advance(struct guard *guard, const struct merkle_edge *edge);
