/* The list of assertion keys: its text, what a rotation makes of it, and its file. */
#include "gateway/assertion.h"
#include "did/resolution.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { PATH_SIZE = 4096 };

/* ---- text ---- */

static struct assertion_key *find(struct assertion_keys *keys, const char *text)
{
	for (size_t i = 0; i < keys->count; i++)
		if (strcmp(keys->items[i].text, text) == 0)
			return &keys->items[i];
	return NULL;
}

static struct assertion_key *find_next(struct assertion_keys *keys)
{
	for (size_t i = 0; i < keys->count; i++)
		if (keys->items[i].next)
			return &keys->items[i];
	return NULL;
}

static int parse_line(struct assertion_key *out, const char *line, size_t len)
{
	const char *space = memchr(line, ' ', len);
	size_t key_len = space ? (size_t)(space - line) : len, rest;
	struct multikey key;

	memset(out, 0, sizeof(*out));
	if (multikey_decode(&key, line, key_len) != 0 || key.type != MULTIKEY_ED25519)
		return -EBADMSG;
	memcpy(out->key, key.bytes, 32);
	multikey_ed25519(out->text, out->key);
	if (!space)
		return 0;
	rest = len - key_len - 1;
	out->next = rest == 4 && memcmp(space + 1, "next", 4) == 0;
	if (out->next)
		return 0;
	if (rest != 6 + 20 || memcmp(space + 1, "until ", 6) != 0 || resolution_time_parse(&out->until, space + 7, 20) != 0 || out->until == 0)
		return -EBADMSG;
	return 0;
}

int assertion_parse(struct assertion_keys *out, const char *text, size_t len)
{
	struct assertion_keys keys = {0};

	while (len > 0) {
		const char *end = memchr(text, '\n', len);
		struct assertion_key *key = &keys.items[keys.count];
		struct assertion_key read;

		if (!end || keys.count == ASSERTION_KEYS_MAX || parse_line(&read, text, (size_t)(end - text)) != 0)
			return -EBADMSG;
		if (find(&keys, read.text) || (keys.count == 0) != (!read.next && !read.until) || (read.next && find_next(&keys)))
			return -EBADMSG;
		*key = read;
		keys.count++;
		len -= (size_t)(end - text) + 1;
		text = end + 1;
	}
	if (keys.count == 0)
		return -EBADMSG;
	*out = keys;
	return 0;
}

size_t assertion_format(char out[static ASSERTION_TEXT_SIZE], const struct assertion_keys *keys)
{
	size_t at = 0;

	out[0] = '\0';
	for (size_t i = 0; i < keys->count; i++) {
		const struct assertion_key *key = &keys->items[i];
		char until[21] = "";

		if (key->until && resolution_time_format(until, key->until) != 0)
			continue;
		at += (size_t)snprintf(out + at, ASSERTION_TEXT_SIZE - at, "%s%s%s%s\n", key->text, key->next ? " next" : "",
				       key->until ? " until " : "", until);
	}
	return at;
}

/* ---- rotation ---- */

bool assertion_is_listed(const struct assertion_key *key, int64_t now)
{
	return key->until == 0 || now < key->until;
}

static void remove_at(struct assertion_keys *keys, size_t index)
{
	keys->count--;
	memmove(&keys->items[index], &keys->items[index + 1], (keys->count - index) * sizeof(keys->items[0]));
}

static void remove_ended(struct assertion_keys *keys, int64_t now)
{
	for (size_t i = keys->count; i-- > 0;)
		if (!assertion_is_listed(&keys->items[i], now))
			remove_at(keys, i);
}

void assertion_begin(struct assertion_keys *keys, const uint8_t key[static 32])
{
	*keys = (struct assertion_keys){.count = 1};
	memcpy(keys->items[0].key, key, 32);
	multikey_ed25519(keys->items[0].text, key);
}

int assertion_announce(struct assertion_keys *keys, const uint8_t key[static 32], int64_t now)
{
	struct assertion_keys one;

	assertion_begin(&one, key);
	remove_ended(keys, now);
	if (find(keys, one.items[0].text) || find_next(keys))
		return -EEXIST;
	if (keys->count == ASSERTION_KEYS_MAX)
		return -EOVERFLOW;
	keys->items[keys->count] = one.items[0];
	keys->items[keys->count++].next = true;
	return 0;
}

int assertion_rotate(struct assertion_keys *keys, int64_t now, int64_t until)
{
	struct assertion_key *next = find_next(keys), was = keys->items[0];

	if (!next)
		return -ENOENT;
	was.until = until;
	keys->items[0] = *next;
	keys->items[0].next = false;
	*next = was;
	remove_ended(keys, now);
	return 0;
}

int assertion_replace(struct assertion_keys *keys, const uint8_t key[static 32], int64_t now)
{
	struct assertion_keys one;

	assertion_begin(&one, key);
	remove_ended(keys, now);
	if (find(keys, one.items[0].text))
		return -EEXIST;
	keys->items[0] = one.items[0];
	return 0;
}

int assertion_drop(struct assertion_keys *keys, const char *text, int64_t now)
{
	struct assertion_key *key = find(keys, text);

	if (!key)
		return -ENOENT;
	if (key == keys->items)
		return -EPERM;
	remove_at(keys, (size_t)(key - keys->items));
	remove_ended(keys, now);
	return 0;
}

/* ---- file ---- */

static int path_of(char out[static PATH_SIZE], const char *state, const char *name)
{
	return (size_t)snprintf(out, PATH_SIZE, "%s/keys/%s", state, name) < PATH_SIZE ? 0 : -ENAMETOOLONG;
}

static struct assertion_stamp stamp_of(const struct stat *st)
{
	return (struct assertion_stamp){.present = true, .inode = st->st_ino, .size = st->st_size, .changed = st->st_mtim};
}

int assertion_load(struct assertion_keys *out, struct assertion_stamp *stamp, const char *state)
{
	char path[PATH_SIZE], text[ASSERTION_TEXT_SIZE];
	struct stat st;
	ssize_t got;
	int fd, rc = path_of(path, state, "assertion.pub");

	if (rc != 0)
		return rc;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0) {
		rc = -errno;
		if (rc == -ENOENT) {
			out->count = 0;
			if (stamp)
				stamp->present = false;
		} else if (stamp && stat(path, &st) == 0) {
			*stamp = stamp_of(&st); /* one that cannot be opened is said so once */
		}
		return rc;
	}
	got = fstat(fd, &st) == 0 ? read(fd, text, sizeof(text)) : -1;
	rc = got < 0 ? -errno : 0;
	close(fd);
	if (rc == 0 && stamp)
		*stamp = stamp_of(&st);
	return rc == 0 ? assertion_parse(out, text, (size_t)got) : rc;
}

bool assertion_changed(const struct assertion_stamp *stamp, const char *state)
{
	char path[PATH_SIZE];
	struct assertion_stamp now;
	struct stat st;

	if (path_of(path, state, "assertion.pub") != 0)
		return false;
	if (stat(path, &st) != 0)
		return errno == ENOENT && stamp->present;
	now = stamp_of(&st);
	return !stamp->present || now.inode != stamp->inode || now.size != stamp->size || now.changed.tv_sec != stamp->changed.tv_sec ||
	       now.changed.tv_nsec != stamp->changed.tv_nsec;
}

static int write_whole(int fd, const char *text, size_t len)
{
	while (len > 0) {
		ssize_t n = write(fd, text, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : -EIO;
		text += n;
		len -= (size_t)n;
	}
	return fsync(fd) == 0 ? 0 : -errno;
}

static int sync_folder(const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int rc;

	if (fd < 0)
		return -errno;
	rc = fsync(fd) == 0 ? 0 : -errno;
	close(fd);
	return rc;
}

int assertion_store(const struct assertion_keys *keys, const char *state)
{
	char path[PATH_SIZE], fresh[PATH_SIZE], folder[PATH_SIZE], text[ASSERTION_TEXT_SIZE];
	size_t len = assertion_format(text, keys);
	int fd, rc = path_of(path, state, "assertion.pub");

	if (rc == 0)
		rc = path_of(fresh, state, "assertion.pub.new");
	if (rc == 0)
		rc = path_of(folder, state, "");
	if (rc != 0)
		return rc;
	fd = open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (fd < 0)
		return -errno;
	rc = write_whole(fd, text, len);
	if (close(fd) != 0 && rc == 0)
		rc = -errno;
	if (rc == 0 && rename(fresh, path) != 0)
		rc = -errno;
	if (rc != 0) {
		unlink(fresh);
		return rc;
	}
	return sync_folder(folder);
}
