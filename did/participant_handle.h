#pragma once

/* The name of a participant on this host (docs/formats.md section 1): a handle, and the did:web it stands in. */

#include "did/did_web.h"

#include <stdbool.h>
#include <stddef.h>

#define PARTICIPANT_HANDLE_MAX 20
#define PARTICIPANT_HANDLE_SIZE (PARTICIPANT_HANDLE_MAX + 1)
/* did:web:HOST ":character:" HANDLE with its NUL, rounded up */
#define PARTICIPANT_DID_SIZE (DID_WEB_HOST_DID_SIZE + 40)

/* Folds a handle, [a-zA-Z0-9_-]{3,20}, to lower case, NUL-terminated; whatever is reserved is a handle here too.
 * Returns 0 or -EBADMSG. */
__attribute__((warn_unused_result)) int participant_handle_fold(char out[static PARTICIPANT_HANDLE_SIZE], const char *text,
								size_t len);

/* Whether nobody may claim it: words of this host's paths and formats, and of authority. */
bool participant_handle_reserved(const char *handle);

/* did:web:HOST:character:HANDLE, NUL-terminated. Returns the length, or -EBADMSG if host is not a host. */
__attribute__((warn_unused_result)) int participant_did_format(char out[static PARTICIPANT_DID_SIZE], const char *handle,
							       const char *host);

/* Reads a participant DID of this host.
 * Returns 0; -EILSEQ: it is one, but in another spelling, whose right one `handle` gets; -EBADMSG: what stands in place of the
 * handle is none; -ENOENT: any other DID. */
__attribute__((warn_unused_result)) int participant_did_parse(char handle[static PARTICIPANT_HANDLE_SIZE], const char *did,
							      size_t len, const char *host);
