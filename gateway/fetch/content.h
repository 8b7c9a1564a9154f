#pragma once
/* From a token URI to the bytes it leads to, whatever form it has: decoded, fetched, or put together from IPFS blocks that
 * were checked against their CIDs. */
#include "gateway/fetch/fetch.h"

struct event;

enum {
	FETCH_CONTENT_MAX = 262144, /* bytes; as REGISTRATION_FILE_MAX */
	FETCH_CONTENT_MS = 30000,   /* all blocks of an IPFS file together */
	FETCH_GATEWAYS_MAX = 8,
};

/* IPFS gateways of the setting ipfs_gateways: URL prefixes that a CID is appended to. */
struct fetch_gateways {
	struct uri_web list[FETCH_GATEWAYS_MAX];
	size_t n;
};
/* 0, or -EINVAL: an item that is no https or http URL. */
__attribute__((warn_unused_result)) int fetch_gateways_parse(struct fetch_gateways *out, const char *text);

struct fetch_content;

/* Status is "ok" or a word of docs/formats.md section 12, part "content". */
typedef void fetch_on_content(struct fetch_content *content);

struct fetch_content {
	/* in */
	fetch_on_content *on_done;
	void *arg;
	/* out, valid until fetch_content_clear() */
	const char *status;
	char detail[256]; /* for people, printable ASCII */
	uint8_t *body;
	size_t len;
	const char *form; /* of the URI, uri.h */
	char host[DID_WEB_HOST_SIZE]; /* https host that served it at port 443, "" for other forms */
	bool fixed; /* the same URI can never lead to other content: data, JSON, ipfs */

	/* private */
	struct fetcher *fetcher;
	const struct fetch_gateways *gateways;
	struct uri_web own_gateway; /* of a gateway URL, when no other is configured */
	struct cid_walk walk;
	size_t gateway, tried;
	struct event *timer;
	int64_t deadline_ms;
};

/* Begins. on_done runs exactly once after 0 was returned, perhaps before it returns. -EAGAIN: the host's budget is spent, nothing
 * was begun; -ENOMEM. The struct must stay where it is until fetch_content_clear(), and gateways live as long. */
__attribute__((warn_unused_result)) int fetch_content_get(struct fetch_content *content, struct fetcher *fetcher,
							  const struct fetch_gateways *gateways, const char *text, size_t len);
/* After on_done ran, or after fetcher_free(); on a zeroed one harmless. on_done is not called. */
void fetch_content_clear(struct fetch_content *content);
