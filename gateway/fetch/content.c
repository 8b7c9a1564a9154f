/* Four ways to the bytes behind a URI, one after the other where they need the network. */
#include "gateway/fetch/content.h"
#include "gateway/fetch/fetch_internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { AGAIN_MS = 200 };

/* ---- gateways ---- */

int fetch_gateways_parse(struct fetch_gateways *out, const char *text)
{
	memset(out, 0, sizeof(*out));
	while (*(text += strspn(text, " ")) != '\0') {
		size_t len = strcspn(text, " "), path;
		struct uri_web *web = &out->list[out->n];

		if (out->n == FETCH_GATEWAYS_MAX || uri_web_read(web, text, len) != 0 || strchr(web->path, '?') != NULL)
			return -EINVAL;
		path = strlen(web->path);
		if (path + CID_TEXT_SIZE + 16 > sizeof(web->path))
			return -EINVAL;
		if (web->path[path - 1] != '/')
			memcpy(web->path + path, "/", 2);
		out->n++;
		text += len;
	}
	return 0;
}

/* ---- ends ---- */

static void finish(struct fetch_content *content, const char *status, const char *detail)
{
	content->status = status;
	(void)snprintf(content->detail, sizeof(content->detail), "%s", detail);
	for (char *p = content->detail; *p != '\0'; p++)
		if (*p < ' ' || *p > '~')
			*p = '?';
	if (strcmp(status, "ok") != 0)
		content->len = 0;
	content->on_done(content);
}

static void finish_uri(struct fetch_content *content, int rc)
{
	switch (rc) {
	case -EOVERFLOW:
	case -ENOSPC:
		finish(content, "uri-too-large", "The URI is longer than is read.");
		return;
	case -EOPNOTSUPP:
		finish(content, "unsupported", "The CID is of a version, codec or hash that is not read.");
		return;
	default:
		finish(content, "bad-uri", "The URI is malformed, or in none of the known forms.");
		return;
	}
}

/* ---- https ---- */

static void on_fetched(void *arg, const struct fetch_answer *answer)
{
	struct fetch_content *content = arg;

	if (answer->end == FETCH_OK) {
		memcpy(content->body, answer->body != NULL ? answer->body : (const uint8_t *)"", answer->len);
		content->len = answer->len;
	}
	finish(content, fetch_word(answer->end), answer->why);
}

static int begin_web(struct fetch_content *content, const struct uri_web *web)
{
	const struct fetch_request request = {
		.http = !web->tls,
		.host = web->host,
		.port = web->port,
		.path = web->path,
		.accept = "application/json, */*;q=0.5",
		.cap = FETCH_CONTENT_MAX,
		.redirects = true,
	};

	/* on another port of a host may be anybody who has an account there */
	if (web->tls && web->port == 443)
		memcpy(content->host, web->host, sizeof(content->host));
	return fetch_get(content->fetcher, &request, on_fetched, content);
}

/* ---- ipfs ---- */

static void next_block(struct fetch_content *content);

static size_t gateway_count(const struct fetch_content *content)
{
	return content->gateways->n > 0 ? content->gateways->n : content->own_gateway.host[0] != '\0' ? 1 : 0;
}

static void finish_walk(struct fetch_content *content, int rc)
{
	switch (rc) {
	case 0:
		content->len = content->walk.len;
		finish(content, "ok", "");
		return;
	case -ENOENT:
		finish(content, "ipfs-missing", "The path is not in the directory.");
		return;
	case -EISDIR:
		finish(content, "ipfs-directory", "The path ends in a directory.");
		return;
	case -EOVERFLOW:
		finish(content, "too-large", "The file, or its number of blocks, is over the limit.");
		return;
	case -EOPNOTSUPP:
		finish(content, "unsupported", "A sharded directory, a symbolic link, or blocks of another codec or hash.");
		return;
	case -EKEYREJECTED:
		finish(content, "ipfs-unverified", "No gateway gave the block that the CID names.");
		return;
	default:
		finish(content, "ipfs-broken", "A block is not a node of its codec.");
		return;
	}
}

/* Whether another gateway may still have the block. */
static bool try_next(struct fetch_content *content)
{
	size_t n = gateway_count(content);

	content->gateway = content->gateway + 1 < n ? content->gateway + 1 : 0;
	return ++content->tried < n;
}

static void on_block(void *arg, const struct fetch_answer *answer)
{
	struct fetch_content *content = arg;
	const struct cid *wanted = cid_walk_wants(&content->walk);
	bool good = answer->end == FETCH_OK && wanted != NULL && cid_check(wanted, answer->body, answer->len) == 0;
	int rc;

	if (!good && answer->end != FETCH_CANCELED && try_next(content)) {
		next_block(content);
		return;
	}
	if (!good && answer->end != FETCH_OK) {
		finish(content, fetch_word(answer->end), answer->why);
		return;
	}
	rc = good ? cid_walk_take(&content->walk, answer->body, answer->len) : -EKEYREJECTED;
	content->tried = 0;
	if (rc == 0 && cid_walk_wants(&content->walk) != NULL)
		next_block(content);
	else
		finish_walk(content, rc);
}

/* application/vnd.ipld.raw: the block itself (IPFS trustless gateway specification). */
static int ask_block(struct fetch_content *content)
{
	const struct uri_web *web = content->gateways->n > 0 ? &content->gateways->list[content->gateway] : &content->own_gateway;
	char cid[CID_TEXT_SIZE], path[URI_PATH_MAX];
	struct fetch_request request = {
		.http = !web->tls,
		.host = web->host,
		.port = web->port,
		.path = path,
		.accept = "application/vnd.ipld.raw",
		.cap = CID_BLOCK_MAX,
		.redirects = true,
	};

	(void)cid_format(cid, cid_walk_wants(&content->walk));
	if ((size_t)snprintf(path, sizeof(path), "%s%s?format=raw", web->path, cid) >= sizeof(path))
		return -EOVERFLOW;
	return fetch_get(content->fetcher, &request, on_block, content);
}

static void on_again(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	next_block(arg);
}

/* Within a walk a spent budget is waited for. */
static void next_block(struct fetch_content *content)
{
	struct timeval soon = {.tv_usec = AGAIN_MS * 1000L};
	int rc;

	if (fetch_now_ms() > content->deadline_ms) {
		finish(content, "timeout", "The blocks did not come in time.");
		return;
	}
	rc = ask_block(content);
	if (rc == 0)
		return;
	if (rc == -EAGAIN && content->timer == NULL)
		content->timer = evtimer_new(content->fetcher->base, on_again, content);
	if (rc != -EAGAIN || content->timer == NULL || evtimer_add(content->timer, &soon) != 0)
		finish(content, "broken", "The block could not be asked for.");
}

static int begin_ipfs(struct fetch_content *content, const struct uri_ipfs *ipfs)
{
	int rc;

	if (ipfs->has_gateway)
		content->own_gateway = ipfs->gateway;
	if (gateway_count(content) == 0) {
		finish(content, "ipfs-off", "No IPFS gateway is configured.");
		return 0;
	}
	rc = cid_walk_begin(&content->walk, &ipfs->cid, ipfs->path, content->body, FETCH_CONTENT_MAX);
	return rc == 0 ? ask_block(content) : rc;
}

/* ---- all ---- */

static int begin(struct fetch_content *content, const struct uri *uri)
{
	content->form = uri->form;
	content->fixed = uri->kind != URI_WEB;
	switch (uri->kind) {
	case URI_NONE:
		finish(content, "none", "The registry holds no URI.");
		return 0;
	case URI_BYTES:
		content->len = uri->len;
		finish(content, "ok", "");
		return 0;
	case URI_WEB:
		return begin_web(content, &uri->web);
	case URI_IPFS:
		return begin_ipfs(content, &uri->ipfs);
	case URI_OTHER:
		break;
	}
	finish(content, "unsupported", uri->scheme);
	return 0;
}

int fetch_content_get(struct fetch_content *content, struct fetcher *fetcher, const struct fetch_gateways *gateways,
		      const char *text, size_t len)
{
	struct uri *uri = malloc(sizeof(*uri));
	int rc = -ENOMEM;

	content->fetcher = fetcher;
	content->gateways = gateways;
	content->deadline_ms = fetch_now_ms() + FETCH_CONTENT_MS;
	content->form = "none";
	content->body = malloc(FETCH_CONTENT_MAX);
	if (uri != NULL && content->body != NULL) {
		rc = uri_read(uri, content->body, FETCH_CONTENT_MAX, text, len);
		if (rc == 0)
			rc = begin(content, uri);
		else {
			content->fixed = true;
			finish_uri(content, rc);
			rc = 0;
		}
	}
	free(uri);
	if (rc != 0)
		fetch_content_clear(content);
	return rc;
}

void fetch_content_clear(struct fetch_content *content)
{
	if (content->timer != NULL)
		event_free(content->timer);
	cid_walk_clear(&content->walk);
	free(content->body);
	content->timer = NULL;
	content->body = NULL;
	content->len = 0;
}
