/* The request object: memory, holds and what a handler may ask it. */
#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "gateway/http/internal.h"
#include "gateway/runtime/log.h"
#include "gateway/runtime/metrics.h"

/*
 * Blocks for requests and the bytes of answers, kept for the next: above 1 KiB malloc() takes its slow way, several times a
 * request. One process has one loop, so they need no owner.
 */
static union block {
	union block *next;
	struct http_request request;
	uint8_t bytes[HTTP_BLOCK];
} *blocks;
static size_t blocks_kept;
#ifdef __SANITIZE_ADDRESS__
static const size_t most_blocks = 0; /* it sees the use of what was freed */
#else
static const size_t most_blocks = 256;
#endif

void *http_block_new(void)
{
	union block *block = blocks;
	if (block == NULL)
		return malloc(sizeof(*block));
	blocks = block->next;
	blocks_kept--;
	return block;
}

void http_block_free(void *bytes)
{
	union block *block = bytes;
	if (block == NULL || blocks_kept >= most_blocks) {
		free(block);
		return;
	}
	block->next = blocks;
	blocks = block;
	blocks_kept++;
}

struct http_request *http_request_new(struct http_server *server, struct http_conn *slot, const char *target)
{
	struct http_request *req = http_block_new();
	if (req == NULL)
		return NULL;
	memset(req, 0, offsetof(struct http_request, first));
	req->refs = 1;
	req->server = server;
	/* only a connection's first of a run is sent in the same */
	req->run = slot->run == server->run ? server->run - 1 : server->run;
	slot->run = server->run;
	req->slot = slot;
	req->conn = slot->mhd;
	req->user = server->options.user;
	req->base = server->base;
	req->public_url = server->options.public_url;
	memcpy(req->remote, slot->remote, sizeof(req->remote));
	req->target = target ? http_request_copy(req, target, strlen(target)) : NULL;
	return req;
}

size_t http_bodies;

void http_request_unref(struct http_request *req)
{
	if (--req->refs > 0)
		return;
	while (req->deferred != NULL) {
		struct http_deferred *deferred = req->deferred;
		req->deferred = deferred->next;
		deferred->fn(deferred->arg);
	}
	if (req->answer != NULL)
		MHD_destroy_response(req->answer);
	if (req->shared != NULL)
		http_response_unref(req->shared);
	while (req->chunks != NULL) {
		struct http_chunk *chunk = req->chunks;
		req->chunks = chunk->next;
		free(chunk);
	}
	http_bodies -= req->body_room;
	free(req->body);
	http_block_free(req);
}

void http_request_release(struct http_request *req)
{
	if (!req->held) {
		log_error(log_msg("a handler answered twice"), log_str("path", req->path));
		return;
	}
	req->held = false;
	if (req->server != NULL) {
		LIST_REMOVE(req, held_link);
		req->server->held_count--;
	}
	metrics_sub(METRIC_HTTP_IN_FLIGHT, 1);
	http_request_unref(req);
}

void *http_alloc(struct http_request *req, size_t size)
{
	size_t unit = sizeof(max_align_t), units = size / unit + 1;
	if (units <= sizeof(req->first) / unit - req->first_used) {
		void *out = &req->first[req->first_used];
		req->first_used += units;
		return memset(out, 0, size);
	}
	if (size > SIZE_MAX / 2)
		return NULL;
	struct http_chunk *chunk = calloc(1, sizeof(*chunk) + size + 1);
	if (chunk == NULL)
		return NULL;
	chunk->next = req->chunks;
	req->chunks = chunk;
	return chunk->bytes;
}

char *http_request_copy(struct http_request *req, const char *text, size_t len)
{
	char *copy = http_alloc(req, len + 1);
	if (copy != NULL)
		memcpy(copy, text, len);
	return copy;
}

void *http_state(struct http_request *req, size_t size)
{
	if (req->state == NULL)
		req->state = http_alloc(req, size);
	return req->state;
}

int http_defer(struct http_request *req, void (*fn)(void *), void *arg)
{
	struct http_deferred *deferred = http_alloc(req, sizeof(*deferred));
	if (deferred == NULL) {
		fn(arg);
		return -ENOMEM;
	}
	*deferred = (struct http_deferred){.next = req->deferred, .fn = fn, .arg = arg};
	req->deferred = deferred;
	return 0;
}

bool http_answered(const struct http_request *req)
{
	return req->answered || req->conn == NULL;
}

void *http_user(const struct http_request *req)
{
	return req->user;
}

const struct http_route *http_request_route(const struct http_request *req)
{
	return req->match.route;
}

const char *http_method(const struct http_request *req)
{
	return req->method;
}

const char *http_path(const struct http_request *req)
{
	return req->path;
}

const char *http_query_string(const struct http_request *req)
{
	return req->query_string;
}

const char *http_remote(const struct http_request *req)
{
	return req->remote;
}

struct event_base *http_base(const struct http_request *req)
{
	return req->base;
}

static const char *find_param(const struct http_request *req, const char *const texts[], const char *name)
{
	size_t len = strlen(name);
	for (size_t i = 0; i < req->match.count; i++) {
		const struct http_span *span = &req->match.params[i].name;
		if (span->len == len && memcmp(span->ptr, name, len) == 0)
			return texts[i];
	}
	log_error(log_msg("a handler asked for a parameter its pattern lacks"), log_str("name", name));
	return "";
}

const char *http_param(const struct http_request *req, const char *name)
{
	return find_param(req, req->params, name);
}

const char *http_param_raw(const struct http_request *req, const char *name)
{
	return find_param(req, req->params_raw, name);
}

int http_query(const struct http_request *req, const char **value, const char *name)
{
	*value = NULL;
	for (size_t i = 0; i < req->query_count; i++) {
		if (strcmp(req->query[i].name, name) != 0)
			continue;
		if (*value != NULL)
			return -EBADMSG;
		*value = req->query[i].value;
	}
	return *value ? 0 : -ENOENT;
}

const char *http_header(const struct http_request *req, const char *name)
{
	if (req->conn == NULL)
		return NULL;
	return MHD_lookup_connection_value(req->conn, MHD_HEADER_KIND, name);
}

enum { ACCEPT_LINES_MAX = 8 }; /* more than any client sends */

struct accept {
	const char *lines[ACCEPT_LINES_MAX];
	size_t count, size;
};

static enum MHD_Result take_accept(void *arg, enum MHD_ValueKind kind, const char *name, const char *value)
{
	struct accept *accept = arg;
	(void)kind;
	if (value == NULL || accept->count == ACCEPT_LINES_MAX || strcasecmp(name, "Accept") != 0)
		return MHD_YES;
	accept->lines[accept->count++] = value;
	accept->size += strlen(value) + sizeof(", ");
	return MHD_YES;
}

const char *http_accept(struct http_request *req)
{
	struct accept accept = {.count = 0};
	if (req->conn != NULL)
		MHD_get_connection_values(req->conn, MHD_HEADER_KIND, take_accept, &accept);
	if (accept.count < 2)
		return accept.lines[0];
	char *list = http_alloc(req, accept.size + 1), *at = list;
	for (size_t i = 0; list != NULL && i < accept.count; i++) {
		at = stpcpy(at, i > 0 ? ", " : "");
		at = stpcpy(at, accept.lines[i]);
	}
	return list;
}

const uint8_t *http_body(const struct http_request *req, size_t *len)
{
	static const uint8_t nothing[1];
	*len = req->body_len;
	return req->body ? req->body : nothing;
}

bool http_body_is(const struct http_request *req, const char *media_type)
{
	const char *type = http_header(req, "Content-Type");
	size_t len = strlen(media_type);
	if (type == NULL || strncasecmp(type, media_type, len) != 0)
		return false;
	type += len;
	type += strspn(type, " \t");
	return *type == '\0' || *type == ';';
}
