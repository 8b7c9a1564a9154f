#pragma once
/* What a token URI is: seven forms are met in the wild (8004scan, "agent metadata parsing"), and bare CIDs and gateway URLs.
 * Pure: classifies, and decodes what needs no network. The text comes from a contract and may be any bytes. */
#include "did/did_web.h"
#include "gateway/fetch/cid.h"

#include <stddef.h>
#include <stdint.h>

enum {
	URI_TEXT_MAX = 65536, /* longer ones are refused */
	URI_PATH_MAX = 4096,  /* path and query of an http(s) URL, path below a CID */
	URI_IPFS_PATH_MAX = 512,
};

enum uri_kind {
	URI_NONE,  /* empty: the agent has no file */
	URI_BYTES, /* the content stands in the URI itself */
	URI_WEB,   /* http or https */
	URI_IPFS,
	URI_OTHER, /* a scheme that is not fetched: ar, ipns, ftp, … */
};

/* http(s) URL. Fragments are dropped, since they are never sent. */
struct uri_web {
	bool tls;
	char host[DID_WEB_HOST_SIZE]; /* lower case; letters, digits, "-", ".", and nothing of it checked beyond that */
	uint16_t port;
	char path[URI_PATH_MAX]; /* with "/" before and the query behind */
};

struct uri_ipfs {
	struct cid cid;
	char path[URI_IPFS_PATH_MAX]; /* percent-decoded, without leading or trailing "/"; "" for the CID itself */
	bool has_gateway;	      /* the URI was a gateway URL: web holds its host, tls and port, and path the prefix
					 that a CID is appended to */
	struct uri_web gateway;
};

struct uri {
	enum uri_kind kind;
	const char *form; /* "none", "data-base64", "data-percent", "data-json" (base64 label, JSON inside), "json", "https",
			     "http", "ipfs", "ipfs-cid", "ipfs-gateway", "other" */
	char scheme[16];  /* URI_OTHER: lower case, cut */
	size_t len;	  /* URI_BYTES: bytes written to body */
	union {
		struct uri_web web;
		struct uri_ipfs ipfs;
	};
};

/* White space around the text is ignored. Data URIs: any media type, parameters ignored; base64 is the standard or the URL
 * alphabet, padded or not, without white space, and no bits after the end (RFC 4648 §3.5, §4, §5); a percent-encoded body
 * may hold any byte.
 *
 * Out: body  at most cap bytes; len of them are written for URI_BYTES only. cap = len is always enough.
 * Returns 0; -EBADMSG not a URI, or one whose parts are malformed (userinfo, port, percent, control bytes, base64);
 * -EILSEQ nothing that could be one (no scheme and not JSON, not a CID); -EOVERFLOW over a limit; -ENOSPC;
 * -EOPNOTSUPP a CID of a codec or hash that is not read here. */
__attribute__((warn_unused_result)) int uri_read(struct uri *out, uint8_t *body, size_t cap, const char *text, size_t len);

/* One http(s) URL alone, as in a redirect. 0, -EBADMSG (also another scheme), -EOVERFLOW. */
__attribute__((warn_unused_result)) int uri_web_read(struct uri_web *out, const char *text, size_t len);
