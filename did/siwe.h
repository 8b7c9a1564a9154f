#pragma once

/* Messages of ERC-4361 ("Sign-In with Ethereum"): what an account signs by personal_sign when it says something to a host.
 *
 *   [ scheme "://" ] domain " wants you to sign in with your Ethereum account:" LF
 *   address LF LF [ statement LF ] LF
 *   "URI: " uri LF "Version: 1" LF "Chain ID: " chain-id LF "Nonce: " nonce LF "Issued At: " issued-at
 *   [ LF "Expiration Time: " … ] [ LF "Not Before: " … ] [ LF "Request ID: " … ] [ LF "Resources:" *( LF "- " URI ) ]
 *
 * The parser is strict: what it accepts, the formatter writes again byte for byte. Beyond the ABNF it wants the address in
 * its EIP-55 spelling, a domain with a host in it, a chain id without leading zeros and times that exist. Signatures,
 * clocks and what is expected of a message are the caller's. Source: ERC-4361 (final), RFC 3986, RFC 3339, EIP-55. */

#include "did/did.h"
#include "eth/address.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SIWE_MESSAGE_MAX 4096 /* bytes; longer ones are refused */
#define SIWE_RESOURCES_MAX 16

enum siwe_part {
	SIWE_NONE,
	SIWE_LENGTH, /* the message as a whole is too long */
	SIWE_SCHEME,
	SIWE_DOMAIN,
	SIWE_ADDRESS,
	SIWE_STATEMENT,
	SIWE_URI,
	SIWE_VERSION,
	SIWE_CHAIN_ID,
	SIWE_NONCE,
	SIWE_ISSUED_AT,
	SIWE_EXPIRATION_TIME,
	SIWE_NOT_BEFORE,
	SIWE_REQUEST_ID,
	SIWE_RESOURCES,
	SIWE_END, /* something stands after the message */
};

/* An instant as it was spelt, and what it means. */
struct siwe_time {
	struct did_slice text; /* ptr NULL: absent */
	int64_t ms;	       /* since 1970, a finer fraction cut; a leap second is the second after it */
};

/* Slices are of the text that was parsed, or of the caller's; ptr NULL: absent. */
struct siwe_message {
	struct did_slice scheme;
	struct did_slice domain;
	struct eth_address address;
	struct did_slice statement; /* absent and empty are two things */
	struct did_slice uri;
	uint64_t chain_id;
	struct did_slice nonce;
	struct siwe_time issued_at;
	struct siwe_time expiration_time;
	struct siwe_time not_before;
	struct did_slice request_id;
	bool has_resources; /* the line "Resources:" is there, maybe with nothing after it */
	struct did_slice resources[SIWE_RESOURCES_MAX];
	size_t nresources;
};

/* Returns 0; -EBADMSG with *part (may be NULL) saying which part is wrong, missing or out of its place; -EOVERFLOW: longer
 * than SIWE_MESSAGE_MAX, or more resources than SIWE_RESOURCES_MAX. */
__attribute__((warn_unused_result)) int siwe_parse(struct siwe_message *out, enum siwe_part *part, const char *text,
						   size_t len);

/* Writes the message, not NUL-terminated. Of times only the text counts.
 * Returns 0; -EINVAL with *part: a part that siwe_parse() would refuse; -ENOSPC: more than cap bytes (SIWE_MESSAGE_MAX
 * always suffices for what can be read again), or resources beyond the limit. */
__attribute__((warn_unused_result)) int siwe_format(char *out, size_t *len, size_t cap, enum siwe_part *part,
						    const struct siwe_message *message);

/* "domain", "Chain ID", … as a person finds it in the message. */
const char *siwe_part_name(enum siwe_part part);

/* RFC 3986: URI, and authority with a host that is not empty. */
bool siwe_is_uri(struct did_slice text);
bool siwe_is_domain(struct did_slice text);

/* RFC 3339 date-time, years 0 to 9999. Returns 0 or -EBADMSG. */
__attribute__((warn_unused_result)) int siwe_time_parse(int64_t *ms, struct did_slice text);
