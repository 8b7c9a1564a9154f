#pragma once
/* What keygen, sign and serve share about the assertion key. */
#include "gateway/assertion.h"
#include "gateway/config.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* `kedge keygen assertion` in all its forms (keygen_assertion.c). */
struct cli_rotation {
	bool next, rotate, show, json;
	const char *overlap; /* days, as text; NULL: not given */
	const char *drop;    /* Multikey; NULL: not given */
};
int cli_keygen_assertion(const struct cli_rotation *rotation);

/* STATE/keys, made if it is not there. CLI_OK, or CLI_FALSE after printing why. */
__attribute__((warn_unused_result)) int cli_keys_folder(char *folder, size_t size, const struct config *config);

/* keyfile_create()'s error in words. */
const char *cli_why_not_made(int error);

/* Whether assertion.pub says what assertion.key is, so that what is signed can be verified; write: it is made of the key where there
 * is none yet. Returns 0; -ENOENT no key at all, which a gateway can do without; another error: it must not start. *why: the error in
 * words. */
__attribute__((warn_unused_result)) int cli_assertion_check(const char **why, const struct config *config, bool write);

/* The public half of an Ed25519 seed. */
void cli_public_half(uint8_t public_key[static 32], const uint8_t seed[static 32]);
