/* Answers: exactly one a request, dropped silently when the server has given its own already. */
#include <event2/event.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/http/internal.h"
#include "gateway/runtime/log.h"

static const char hex[] = "0123456789abcdef";

void http_etag(char out[static HTTP_ETAG_MAX], const char *content_type, const void *body, size_t len)
{
	/* Fetched once and reused: both cost more than hashing a small body (facts, tlog-anchoring §4). */
	static EVP_MD *sha256;
	static EVP_MD_CTX *ctx;
	uint8_t digest[EVP_MAX_MD_SIZE] = {0};
	if (ctx == NULL) {
		sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
		ctx = EVP_MD_CTX_new();
	}
	if (sha256 == NULL || ctx == NULL || EVP_DigestInit_ex2(ctx, sha256, NULL) != 1 ||
	    EVP_DigestUpdate(ctx, content_type, strlen(content_type) + 1) != 1 || EVP_DigestUpdate(ctx, body, len) != 1 ||
	    EVP_DigestFinal_ex(ctx, digest, NULL) != 1)
		abort();
	char *at = out;
	*at++ = '"';
	for (size_t i = 0; i < 16; i++) {
		*at++ = hex[digest[i] >> 4];
		*at++ = hex[digest[i] & 15];
	}
	*at++ = '"';
	*at = '\0';
}

bool http_etag_matches(const char *if_none_match, const char *etag)
{
	size_t len = strlen(etag);
	for (const char *at = if_none_match; *at != '\0';) {
		at += strspn(at, " \t,");
		if (*at == '*')
			return true;
		if (strncmp(at, "W/", 2) == 0)
			at += 2;
		if (strncmp(at, etag, len) == 0)
			return true;
		if (*at == '"')
			at += 1 + strcspn(at + 1, "\"");
		at += strcspn(at, ",");
	}
	return false;
}

static void add(struct MHD_Response *response, const char *name, const char *value)
{
	if (MHD_add_response_header(response, name, value) != MHD_YES)
		log_error(log_msg("a response header was refused"), log_str("name", name));
}

static bool is_clean(const char *text)
{
	for (; *text != '\0'; text++) {
		unsigned char c = (unsigned char)*text;
		if (c < ' ' || c == 0x7f)
			return false;
	}
	return true;
}

void http_set_header(struct http_request *req, const char *name, const char *value)
{
	struct http_extra *extra = NULL;
	size_t size = value != NULL ? strlen(value) + 1 : 0;
	if (value != NULL && is_clean(value))
		extra = http_alloc(req, sizeof(*extra) + size);
	if (extra == NULL) {
		log_error(log_msg("a response header was not set"), log_str("name", name));
		return;
	}
	extra->name = name;
	memcpy(extra->value, value, size);
	extra->next = req->extras;
	req->extras = extra;
}

void http_set_cache(struct http_request *req, const char *cache_control)
{
	req->cache = cache_control;
}

void http_set_etag(struct http_request *req, const char *etag)
{
	req->etag = http_request_copy(req, etag, strlen(etag));
}

static bool is_fresh(const struct http_request *req, const char *etag)
{
	const char *have = req->reads ? http_header(req, "If-None-Match") : NULL;
	return have != NULL && http_etag_matches(have, etag);
}

static const char no_store[] = "no-store";

static const char *cache_of(const struct http_request *req)
{
	if (req->cache != NULL)
		return req->cache;
	return req->match.route != NULL && req->match.route->cache != NULL ? req->match.route->cache : no_store;
}

static void decorate(struct http_request *req, struct MHD_Response *response, unsigned status)
{
	add(response, MHD_HTTP_HEADER_CACHE_CONTROL, status < 400 ? cache_of(req) : no_store);
	if (req->reads || req->match.open[0] != '\0' || (req->match.route != NULL && http_route_is_open(req->match.route))) {
		/* DID resolution by browsers: "*" on every read, errors included. */
		add(response, MHD_HTTP_HEADER_ACCESS_CONTROL_ALLOW_ORIGIN, "*");
		add(response, MHD_HTTP_HEADER_ACCESS_CONTROL_EXPOSE_HEADERS, "ETag, Location, Retry-After");
	}
	add(response, "X-Content-Type-Options", "nosniff");
	for (const struct http_extra *extra = req->extras; extra != NULL; extra = extra->next)
		add(response, extra->name, extra->value);
}

void http_answer_problem(struct http_request *req, const struct http_problem *problem)
{
	char json[HTTP_PROBLEM_MAX];
	unsigned status = http_problem_of(problem)->status;
	unsigned wait = problem->retry_after ? problem->retry_after : status == 503 || status == 429 ? 1 : 0;
	if (http_answered(req))
		return;
	size_t len = http_problem_json(json, problem, req->public_url);
	req->answer_len = len;
	struct MHD_Response *response = MHD_create_response_from_buffer(len, json, MHD_RESPMEM_MUST_COPY);
	if (response != NULL) {
		char seconds[16];
		add(response, MHD_HTTP_HEADER_CONTENT_TYPE, "application/problem+json");
		snprintf(seconds, sizeof(seconds), "%u", wait);
		if (wait != 0)
			add(response, MHD_HTTP_HEADER_RETRY_AFTER, seconds);
	}
	http_answer_set(req, status, response);
}

void http_problem(struct http_request *req, const struct http_problem *problem)
{
	http_answer_problem(req, problem);
	http_request_release(req);
}

/* Of a 304 (bare) all but the body and what it is. */
static struct MHD_Response *make_of(struct http_response *shared, bool bare)
{
	struct MHD_Response *response = MHD_create_response_from_buffer(bare ? 0 : shared->len, bare ? NULL : shared->bytes, MHD_RESPMEM_PERSISTENT);
	if (response == NULL)
		return NULL;
	if (!bare)
		add(response, MHD_HTTP_HEADER_CONTENT_TYPE, shared->content_type);
	add(response, MHD_HTTP_HEADER_ETAG, shared->etag);
	add(response, MHD_HTTP_HEADER_CACHE_CONTROL, shared->cache);
	add(response, MHD_HTTP_HEADER_ACCESS_CONTROL_ALLOW_ORIGIN, "*");
	add(response, MHD_HTTP_HEADER_ACCESS_CONTROL_EXPOSE_HEADERS, "ETag, Location, Retry-After");
	add(response, "X-Content-Type-Options", "nosniff");
	for (size_t i = 0; i < HTTP_SHARED_HEADERS && shared->headers[i].name != NULL; i++)
		add(response, shared->headers[i].name, shared->headers[i].value);
	return response;
}

/*
 * A shared answer as libmicrohttpd takes it. Who is told "close" needs one of its own, and so does the first who asks: of most answers
 * that are kept nobody asks again, and some thirty small pieces of memory are better given back while they are at hand.
 */
static struct MHD_Response *of_shared(struct http_request *req, bool close)
{
	struct http_response *shared = req->shared;
	bool fresh = is_fresh(req, shared->etag), bare = fresh && !close;
	struct MHD_Response **kept = bare ? &shared->not_modified : &shared->full;
	req->answer_status = bare ? 304 : 200;
	if (close || !shared->asked) {
		shared->asked = true;
		return req->answer = make_of(shared, bare);
	}
	if (*kept == NULL)
		*kept = make_of(shared, bare);
	return *kept;
}

/* However little at a time a client takes, it does not keep its answer, and what that was made of, for ever. */
static int64_t due_of(const struct http_request *req)
{
	const struct http_options *options = &req->server->options;
	return http_now_ms() + options->send_ms + (int64_t)((uint64_t)req->answer_len * 1000 / options->send_rate);
}

enum MHD_Result http_answer_queue(struct http_request *req)
{
	struct http_server *server = req->server;
	struct MHD_Response *response = req->answer;
	bool close = req->close || server->draining;
	if (req->shared != NULL && response == NULL)
		response = of_shared(req, close);
	if (response == NULL)
		return MHD_NO;
	if (close)
		add(response, MHD_HTTP_HEADER_CONNECTION, "close");
	req->slot->due_ms = due_of(req);
	enum MHD_Result queued = MHD_queue_response(req->conn, req->answer_status, response);
	if (queued == MHD_YES && req->full_us != 0 && server->options.on_answered != NULL)
		server->options.on_answered(server->options.user, req->match.route, req->answer_status,
					    http_now_us() - req->full_us);
	req->stage = HTTP_STAGE_DONE;
	/* What is answered at once is sent at once. */
	server->busy = server->busy || req->run != server->run;
	return queued;
}

/* Between two runs of the daemon, while all that the answer was made of is at hand; where the daemon does not take it so, it fetches
 * it in its next run. */
static void queue_early(struct http_request *req)
{
	if (!req->server->running && !req->close && !req->server->draining && http_answer_queue(req) == MHD_YES)
		http_wait_no_more(req);
	else
		req->stage = HTTP_STAGE_DISPATCHED;
}

void http_answer_set(struct http_request *req, unsigned status, struct MHD_Response *response)
{
	if (http_answered(req)) {
		if (response != NULL)
			MHD_destroy_response(response);
		return;
	}
	req->answered = true;
	req->answer = response; /* NULL, out of memory: the connection is closed when it comes to fetch it */
	req->answer_status = status;
	if (response != NULL)
		decorate(req, response, status);
	if (req->suspended) {
		event_del(&req->deadline);
		req->suspended = false;
		MHD_resume_connection(req->conn);
		http_server_kick(req->server);
	} else if (req->waits) {
		queue_early(req);
		http_server_kick(req->server);
	}
}

/* What may not be stored needs none, unless somebody asks whether it has changed. */
static bool wants_etag(const struct http_request *req)
{
	return strcmp(cache_of(req), no_store) != 0 || http_header(req, "If-None-Match") != NULL;
}

/* Gives up ownership of body in every case. */
static struct MHD_Response *make(struct http_request *req, unsigned *status, const char *content_type, void *body,
				 size_t len, void (*free_body)(void *), bool copy)
{
	char made[HTTP_ETAG_MAX];
	const char *etag = req->etag;
	if (etag == NULL && *status == 200 && req->reads && wants_etag(req)) {
		http_etag(made, content_type != NULL ? content_type : "", body, len);
		etag = made;
	}
	bool fresh = etag != NULL && *status == 200 && is_fresh(req, etag);
	req->answer_len = fresh ? 0 : len;
	struct MHD_Response *response;
	void *block = copy && !fresh && len <= HTTP_BLOCK ? http_block_new() : NULL;
	if (block != NULL)
		response = MHD_create_response_from_buffer_with_free_callback(len, memcpy(block, body, len), http_block_free);
	else if (copy || fresh)
		response = MHD_create_response_from_buffer(fresh ? 0 : len, body, MHD_RESPMEM_MUST_COPY);
	else if (free_body != NULL)
		response = MHD_create_response_from_buffer_with_free_callback(len, body, free_body);
	else
		response = MHD_create_response_from_buffer(len, body, MHD_RESPMEM_PERSISTENT);
	if (free_body != NULL && (fresh || response == NULL))
		free_body(body);
	if (response == NULL)
		http_block_free(block);
	if (response == NULL)
		return NULL;
	if (fresh)
		*status = 304;
	else if (content_type != NULL)
		add(response, MHD_HTTP_HEADER_CONTENT_TYPE, content_type);
	if (etag != NULL && *status < 400)
		add(response, MHD_HTTP_HEADER_ETAG, etag);
	return response;
}

static void reply(struct http_request *req, unsigned status, const char *content_type, void *body, size_t len,
		  void (*free_body)(void *), bool copy)
{
	if (http_answered(req)) {
		if (free_body != NULL)
			free_body(body);
	} else {
		struct MHD_Response *response = make(req, &status, content_type, body, len, free_body, copy);
		http_answer_set(req, status, response);
	}
	http_request_release(req);
}

void http_reply(struct http_request *req, unsigned status, const char *content_type, const void *body, size_t len)
{
	union {
		const void *in;
		void *out;
	} bytes = {.in = body}; /* libmicrohttpd's prototype lacks const; it copies */
	reply(req, status, content_type, bytes.out, len, NULL, true);
}

void http_reply_take(struct http_request *req, unsigned status, const char *content_type, void *body, size_t len,
		     void (*free_body)(void *))
{
	reply(req, status, content_type, body, len, free_body, false);
}

void http_reply_shared(struct http_request *req, struct http_response *response)
{
	if (!http_answered(req)) {
		req->shared = http_response_ref(response);
		req->answer_len = response->len;
		http_answer_set(req, 200, NULL);
	}
	http_request_release(req);
}

struct http_response *http_response_new(const char *content_type, const void *body, size_t len, const char *cache,
					const struct http_pair *headers)
{
	size_t n = 0, values = 0;
	for (; headers != NULL && headers[n].name != NULL; n++)
		values += strlen(headers[n].value) + 1;
	struct http_response *shared = n <= HTTP_SHARED_HEADERS ? malloc(sizeof(*shared) + len + values) : NULL;
	if (shared == NULL)
		return NULL;
	*shared = (struct http_response){.refs = 1, .len = len, .content_type = content_type, .cache = cache};
	memcpy(shared->bytes, len > 0 ? body : "", len);
	http_etag(shared->etag, content_type, shared->bytes, len);
	for (size_t i = 0, at = len; i < n; i++) {
		size_t size = strlen(headers[i].value) + 1;
		shared->headers[i] = (struct http_pair){headers[i].name, memcpy(shared->bytes + at, headers[i].value, size)};
		at += size;
	}
	return shared;
}

struct http_response *http_response_ref(struct http_response *response)
{
	response->refs++;
	return response;
}

void http_response_unref(struct http_response *response)
{
	if (response == NULL || --response->refs > 0)
		return;
	if (response->full != NULL)
		MHD_destroy_response(response->full);
	if (response->not_modified != NULL)
		MHD_destroy_response(response->not_modified);
	free(response);
}

const char *http_response_etag(const struct http_response *response)
{
	return response->etag;
}
