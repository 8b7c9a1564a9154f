#include "gateway/steward/guard.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

static const char magic[16] = "kedge signer v1\n";

enum { COUNTER_AT = 16, SIZE_AT = 24, EDGE_AT = 32, SUM_AT = GUARD_RECORD - 32 };

static void put_u64(uint8_t *out, uint64_t value)
{
	for (int i = 7; i >= 0; i--, value >>= 8)
		out[i] = (uint8_t)value;
}

static uint64_t get_u64(const uint8_t *in)
{
	uint64_t value = 0;

	for (int i = 0; i < 8; i++)
		value = value << 8 | in[i];
	return value;
}

static int checksum(struct merkle_hash *out, const uint8_t record[static GUARD_RECORD])
{
	struct merkle_hasher hasher;
	int rc = merkle_hasher_init(&hasher);

	if (rc == 0)
		merkle_sha256(&hasher, out, record, SUM_AT);
	merkle_hasher_clear(&hasher);
	return rc;
}

static int read_record(struct guard *guard, const uint8_t record[static GUARD_RECORD])
{
	struct merkle_hash sum;
	uint64_t size = get_u64(record + SIZE_AT);
	int rc = checksum(&sum, record);

	if (rc != 0)
		return rc;
	if (memcmp(record, magic, sizeof(magic)) != 0 || memcmp(sum.bytes, record + SUM_AT, 32) != 0)
		return -EBADMSG;
	guard->counter = get_u64(record + COUNTER_AT);
	return merkle_edge_decode(&guard->edge, size, record + EDGE_AT, (size_t)merkle_edge_count(size) * MERKLE_HASH_SIZE);
}

static int write_record(const struct guard *guard, const struct merkle_edge *edge, uint64_t counter)
{
	uint8_t record[GUARD_RECORD] = {0};
	struct merkle_hash sum;
	ssize_t written;
	int rc;

	memcpy(record, magic, sizeof(magic));
	put_u64(record + COUNTER_AT, counter);
	put_u64(record + SIZE_AT, edge->size);
	merkle_edge_encode(record + EDGE_AT, edge);
	rc = checksum(&sum, record);
	if (rc != 0)
		return rc;
	memcpy(record + SUM_AT, sum.bytes, 32);
	written = pwrite(guard->fd, record, sizeof(record), (off_t)(counter % 2) * GUARD_RECORD);
	if (written != GUARD_RECORD)
		return written < 0 ? -errno : -EIO;
	return fdatasync(guard->fd) == 0 ? 0 : -errno;
}

static int load(struct guard *guard)
{
	struct guard found[2];
	int rc[2];

	for (int i = 0; i < 2; i++) {
		uint8_t record[GUARD_RECORD] = {0};

		memset(&found[i], 0, sizeof(found[i]));
		if (pread(guard->fd, record, sizeof(record), (off_t)i * GUARD_RECORD) < 0)
			return -errno;
		rc[i] = read_record(&found[i], record);
	}
	if (rc[0] != 0 && rc[1] != 0)
		return -EBADMSG;
	int newest = rc[1] == 0 && (rc[0] != 0 || found[1].counter > found[0].counter);

	guard->counter = found[newest].counter;
	guard->edge = found[newest].edge;
	return 0;
}

static int create(struct guard *guard, const char *path)
{
	struct merkle_edge empty = {0};
	char copy[4096];
	int folder, rc = write_record(guard, &empty, 0);

	if (rc != 0)
		return rc;
	if ((size_t)snprintf(copy, sizeof(copy), "%s", path) >= sizeof(copy))
		return -ENAMETOOLONG;
	folder = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (folder < 0)
		return -errno;
	rc = fsync(folder) == 0 ? 0 : -errno;
	close(folder);
	return rc;
}

int guard_open(struct guard *guard, int *fresh, const char *path)
{
	struct stat st;
	int rc;

	memset(guard, 0, sizeof(*guard));
	guard->fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (guard->fd < 0)
		return -errno;
	if (flock(guard->fd, LOCK_EX | LOCK_NB) != 0 || fstat(guard->fd, &st) != 0) {
		rc = -errno;
		close(guard->fd);
		return rc;
	}
	*fresh = st.st_size == 0;
	rc = *fresh ? create(guard, path) : load(guard);
	if (rc != 0)
		close(guard->fd);
	return rc;
}

void guard_close(struct guard *guard)
{
	if (guard->fd >= 0)
		close(guard->fd);
	guard->fd = -1;
}

int guard_advance(struct guard *guard, const struct merkle_edge *edge)
{
	int rc;

	if (edge->size < guard->edge.size)
		return -EINVAL;
	rc = write_record(guard, edge, guard->counter + 1);
	if (rc != 0)
		return rc;
	guard->counter++;
	guard->edge = *edge;
	return 0;
}
