#include "gateway/keyfile.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LINE = 65 }; /* 64 digits and a line feed */

int keyfile_read(uint8_t **out_32, const char *path)
{
	char line[LINE + 1];
	struct stat st;
	ssize_t got;
	size_t length = 0;
	uint8_t *key;
	int fd, rc = 0;

	if (sodium_init() < 0)
		return -ENOMEM;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? -ENOENT : -EACCES;
	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
		rc = -EBADMSG;
	else if ((st.st_mode & 077) != 0)
		rc = -EACCES;
	if (rc != 0) {
		close(fd);
		return rc;
	}
	got = read(fd, line, sizeof(line));
	close(fd);
	key = sodium_malloc(32);
	if (!key)
		return -ENOMEM;
	if (got != LINE || line[64] != '\n' || sodium_hex2bin(key, 32, line, 64, NULL, &length, NULL) != 0 || length != 32)
		rc = -EBADMSG;
	sodium_memzero(line, sizeof(line));
	if (rc != 0) {
		sodium_free(key);
		return rc;
	}
	sodium_mprotect_readonly(key);
	*out_32 = key;
	return 0;
}

void keyfile_free(uint8_t *key_32)
{
	if (key_32)
		sodium_free(key_32);
}

static int write_line(int fd, const char line[static LINE])
{
	for (size_t done = 0; done < LINE;) {
		ssize_t n = write(fd, line + done, LINE - done);

		if (n < 0 && errno != EINTR)
			return -errno;
		if (n > 0)
			done += (size_t)n;
	}
	return fsync(fd) == 0 ? 0 : -errno;
}

static int sync_folder(const char *path)
{
	char copy[4096];
	int fd, rc;

	if ((size_t)snprintf(copy, sizeof(copy), "%s", path) >= sizeof(copy))
		return -ENAMETOOLONG;
	fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	rc = fsync(fd) == 0 ? 0 : -errno;
	close(fd);
	return rc;
}

int keyfile_create(const char *path, int (*accept)(const uint8_t key[static 32]))
{
	char line[LINE + 1];
	uint8_t key[32];
	int fd, rc;

	if (sodium_init() < 0)
		return -ENOMEM;
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	do
		randombytes_buf(key, sizeof(key));
	while (accept && !accept(key));
	sodium_bin2hex(line, sizeof(line), key, sizeof(key));
	line[64] = '\n';
	rc = write_line(fd, line);
	if (close(fd) != 0 && rc == 0)
		rc = -errno;
	sodium_memzero(key, sizeof(key));
	sodium_memzero(line, sizeof(line));
	if (rc == 0)
		rc = sync_folder(path);
	if (rc != 0)
		unlink(path);
	return rc;
}

const char *keyfile_advice(int error)
{
	switch (-error) {
	case ENOENT:
		return "no such key; make one with `kedge keygen`";
	case EACCES:
		return "the key file must be yours and readable by nobody else: chmod 600";
	case EBADMSG:
		return "not a key: one line of 64 hex digits, without 0x, is expected";
	case ENOMEM:
		return "out of memory (or of lockable memory: ulimit -l)";
	default:
		return strerror(-error);
	}
}
