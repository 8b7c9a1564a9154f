#pragma once
/* Secret keys on disk: one line of 64 lower-case hex digits, mode 0600, made by `kedge keygen`. Roles of a gateway lie in
 * STATE/keys/ROLE.key; an agent's wallet is any file of this form. */
#include <stddef.h>
#include <stdint.h>

/* Reads the key at path into guarded memory (sodium_malloc); free with keyfile_free, which wipes it.
 * Returns 0; -ENOENT no such file; -EACCES unreadable, or readable by others; -EBADMSG not a file of 64 hex digits and a line feed;
 * -ENOMEM. */
__attribute__((warn_unused_result)) int keyfile_read(uint8_t **out_32, const char *path);
void keyfile_free(uint8_t *key_32);

/* Writes a new random key, 0600, fsynced with its folder; never overwrites. accept, if given, decides whether 32 random bytes are a
 * usable key (secp256k1 refuses a few). Returns 0; -EEXIST; -EIO and other negative errno of the file system. */
__attribute__((warn_unused_result)) int keyfile_create(const char *path, int (*accept)(const uint8_t key[static 32]));

/* What to tell the person about an error of keyfile_read. Never holds key material. */
const char *keyfile_advice(int error);
