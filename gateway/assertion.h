#pragma once
/* The gateway's assertion keys (Ed25519). Who signs reads the private half of the current one, STATE/keys/assertion.key; nobody else
 * has to. Which public halves the domain document lists stands in STATE/keys/assertion.pub, a key a line:
 *
 *   z6Mk…                             the current one, first
 *   z6Mk… next                        becomes the current one at the next rotation; listed already, so that verifiers know it by then
 *   z6Mk… until 2026-12-20T17:00:00Z  a former one, listed until then for what it signed
 *
 * `kedge keygen assertion` writes it; workers look at it once a second. */
#include "did/multikey.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

enum { ASSERTION_KEYS_MAX = 8 };

struct assertion_key {
	uint8_t key[32];
	char text[MULTIKEY_ED25519_SIZE]; /* the same as Multikey */
	bool next;
	int64_t until; /* seconds since 1970; 0: no end */
};

struct assertion_keys {
	size_t count; /* 0: there is none */
	struct assertion_key items[ASSERTION_KEYS_MAX]; /* the current one first */
};

#define ASSERTION_TEXT_SIZE 1024 /* so many keys, with NUL */

/* The file's text. -EBADMSG: no keys, too many, a line of another form, a key twice, a first line that is not the current key's, more
 * than one next. */
__attribute__((warn_unused_result)) int assertion_parse(struct assertion_keys *out, const char *text, size_t len);
size_t assertion_format(char out[static ASSERTION_TEXT_SIZE], const struct assertion_keys *keys);

/* Whether the key is listed at that time. */
bool assertion_is_listed(const struct assertion_key *key, int64_t now);

/* What a rotation changes; pure. Keys whose time is over are left out each time. */
/* The first key of all. */
void assertion_begin(struct assertion_keys *keys, const uint8_t key[static 32]);
/* Lists the next key. -EEXIST: there is one, or the key is listed; -EOVERFLOW: too many. */
__attribute__((warn_unused_result)) int assertion_announce(struct assertion_keys *keys, const uint8_t key[static 32], int64_t now);
/* The next key becomes the current one, and that one stays until then (not after now: not at all). -ENOENT: there is no next. */
__attribute__((warn_unused_result)) int assertion_rotate(struct assertion_keys *keys, int64_t now, int64_t until);
/* That key becomes the current one, and the one before is listed no longer: also where there is room for no key more. -EEXIST: the key is
 * listed. */
__attribute__((warn_unused_result)) int assertion_replace(struct assertion_keys *keys, const uint8_t key[static 32], int64_t now);
/* Takes a former or next key out before its time. -ENOENT: not listed; -EPERM: it is the current one. */
__attribute__((warn_unused_result)) int assertion_drop(struct assertion_keys *keys, const char *text, int64_t now);

/* What tells one writing of the file from another. */
struct assertion_stamp {
	bool present;
	ino_t inode;
	off_t size;
	struct timespec changed;
};

/* Reads STATE/keys/assertion.pub. stamp may be NULL. Without the file: -ENOENT, and no keys. Other errors: -EBADMSG, or of the file
 * system; *out is as it was. */
__attribute__((warn_unused_result)) int assertion_load(struct assertion_keys *out, struct assertion_stamp *stamp, const char *state);
/* Whether the file is another than the stamp's. */
bool assertion_changed(const struct assertion_stamp *stamp, const char *state);
/* Writes it, whole or not at all, and to the disk. Errors of the file system. */
__attribute__((warn_unused_result)) int assertion_store(const struct assertion_keys *keys, const char *state);
