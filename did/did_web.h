#pragma once

/* did:web (w3c-ccg/did-method-web): host and DID, DID and URL. Parsing refuses what must never reach a resolver:
 * userinfo and path tricks by percent-encoding, IP addresses in any spelling, names that are not public. Addresses a
 * name resolves to are checked elsewhere, by whoever connects. */

#include "did/did.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DID_WEB_HOST_SIZE 254	  /* a DNS name with its NUL */
#define DID_WEB_HOST_DID_SIZE 272 /* "did:web:" HOST "%3A65535" and NUL */
#define DID_WEB_URL_SIZE (DID_MAX + 64)

struct did_web {
	char host[DID_WEB_HOST_SIZE]; /* lower case, without port */
	uint16_t port;		      /* 0 where the DID names none */
	struct did_slice path;	      /* "user:alice", a slice of the parsed text; empty for a domain */
};

/* Reads a foreign did:web. Refused (-EBADMSG, which is INVALID_DID): what did_parse refuses; another method; any
 * percent escape in the host segment but one %3A with a port of 1 to 65535; hosts without a dot, with empty labels,
 * labels that are not LDH or longer than 63, or an all-numeric or 0x last label (IPv4 in every spelling); localhost,
 * *.localhost, *.local, *.internal; path segments that are empty, ".", "..", or hold a percent escape of anything that
 * is not a letter, digit, "-", "_", "~" or a byte above 0x7f. -EOVERFLOW longer than DID_MAX. */
__attribute__((warn_unused_result)) int did_web_parse(struct did_web *out, const char *did, size_t len);

/* The https URL of the DID's document, NUL-terminated: https://HOST[:PORT]/.well-known/did.json, or with a path
 * https://HOST[:PORT]/a/b/did.json. Returns 0 or -ENOSPC. */
__attribute__((warn_unused_result)) int did_web_url(char *out, size_t cap, const struct did_web *web);

/* The DID of a host that is configured here, "example.com:8443" -> "did:web:example.com%3A8443", NUL-terminated. host
 * is what docs/formats.md section 1 calls host: a lower-case DNS name (localhost and other single labels are allowed
 * here, for development), optionally ":PORT" without leading zeros. An IP address is refused, as did:web forbids it:
 * use localhost.
 *
 * Returns 0, -EBADMSG or -ENOSPC. */
__attribute__((warn_unused_result)) int did_web_from_host(char *out, size_t cap, const char *host);
