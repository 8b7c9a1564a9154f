/* libcurl asks for two things of a loop: watch these sockets, wake me then. Both are answered with libevent events;
 * when one fires, libcurl is told, and then asked which transfers ended. */
#include "eth/rpc_http.h"

#include <curl/curl.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	HEADER_MAX = 64 * 1024,
	BODY_START = 4096,
	CONNECT_MS = 3000,
};

struct eth_rpc_http {
	struct event_base *base;
	CURLM *multi;
	struct event *timer;
	struct curl_slist *headers;
	char *url;
};

struct eth_rpc_post {
	struct eth_rpc_http *http;
	CURL *easy;
	eth_rpc_http_on_done *on_done;
	void *arg;
	char *body;
	size_t len, room, cap, header_len;
	bool too_large;
	char error[CURL_ERROR_SIZE];
};

/* Without the milliseconds that libcurl puts into some texts: the same trouble is to be the same text. */
static const char *why_of(const struct eth_rpc_post *post, CURLcode code)
{
	bool timed = code == CURLE_COULDNT_CONNECT || code == CURLE_OPERATION_TIMEDOUT;

	return post->error[0] != '\0' && !timed ? post->error : curl_easy_strerror(code);
}

/* Asked for after each socket action; a callback may start or abort posts, so nothing is kept across it. */
static void collect(struct eth_rpc_http *http)
{
	CURLMsg *message;
	int left;

	while ((message = curl_multi_info_read(http->multi, &left)) != NULL) {
		struct eth_rpc_http_answer answer = {.end = ETH_RPC_HTTP_BROKEN};
		struct eth_rpc_post *post;
		CURLcode code = message->data.result;
		curl_off_t retry_after = 0;
		CURL *easy = message->easy_handle;

		if (message->msg != CURLMSG_DONE || curl_easy_getinfo(easy, CURLINFO_PRIVATE, &post) != CURLE_OK)
			continue;
		(void)curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &answer.status);
		(void)curl_easy_getinfo(easy, CURLINFO_RETRY_AFTER, &retry_after);
		if (post->too_large || code == CURLE_FILESIZE_EXCEEDED)
			answer.end = ETH_RPC_HTTP_TOO_LARGE;
		else if (code == CURLE_OK)
			answer.end = ETH_RPC_HTTP_ANSWERED;
		else if (code == CURLE_COULDNT_RESOLVE_HOST || code == CURLE_COULDNT_CONNECT)
			answer.end = ETH_RPC_HTTP_UNSENT;
		answer.retry_after_s = retry_after > 0 ? (uint64_t)retry_after : 0;
		answer.why = why_of(post, code);
		answer.body = post->body;
		answer.len = post->len;
		post->on_done(post->arg, &answer);
		eth_rpc_http_abort(post);
	}
}

static void on_socket_event(evutil_socket_t fd, short what, void *arg)
{
	struct eth_rpc_http *http = arg;
	int action = ((what & EV_READ) != 0 ? CURL_CSELECT_IN : 0) | ((what & EV_WRITE) != 0 ? CURL_CSELECT_OUT : 0);
	int running;

	(void)curl_multi_socket_action(http->multi, fd, action, &running);
	collect(http);
}

static void on_timer_event(evutil_socket_t fd, short what, void *arg)
{
	struct eth_rpc_http *http = arg;
	int running;

	(void)fd;
	(void)what;
	(void)curl_multi_socket_action(http->multi, CURL_SOCKET_TIMEOUT, 0, &running);
	collect(http);
}

/* libcurl: watch this socket for `what`, or no longer. The event is kept as the socket's private pointer. */
static int on_curl_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *socket_arg)
{
	struct eth_rpc_http *http = arg;
	struct event *watch = socket_arg;
	short flags = EV_PERSIST;

	(void)easy;
	if (watch != NULL)
		event_free(watch);
	watch = NULL;
	if (what != CURL_POLL_REMOVE) {
		if ((what & CURL_POLL_IN) != 0)
			flags |= EV_READ;
		if ((what & CURL_POLL_OUT) != 0)
			flags |= EV_WRITE;
		watch = event_new(http->base, fd, flags, on_socket_event, http);
		if (watch == NULL || event_add(watch, NULL) != 0) {
			if (watch != NULL)
				event_free(watch);
			return -1;
		}
	}
	(void)curl_multi_assign(http->multi, fd, watch);
	return 0;
}

static int on_curl_timer(CURLM *multi, long timeout_ms, void *arg)
{
	struct eth_rpc_http *http = arg;
	struct timeval after = {.tv_sec = timeout_ms / 1000, .tv_usec = (timeout_ms % 1000) * 1000};

	(void)multi;
	if (timeout_ms < 0)
		return evtimer_del(http->timer);
	return evtimer_add(http->timer, &after);
}

static size_t on_curl_body(char *bytes, size_t size, size_t n, void *arg)
{
	struct eth_rpc_post *post = arg;
	size_t more = size * n;

	if (more > post->cap - post->len) {
		post->too_large = true;
		return 0;
	}
	if (post->len + more > post->room) {
		size_t room = (post->len + more) * 2 > BODY_START ? (post->len + more) * 2 : BODY_START;
		char *grown = realloc(post->body, room);

		if (grown == NULL)
			return 0;
		post->body = grown;
		post->room = room;
	}
	memcpy(post->body + post->len, bytes, more);
	post->len += more;
	return more;
}

/* A header that never ends would otherwise grow in libcurl until the deadline. */
static size_t on_curl_header(char *bytes, size_t size, size_t n, void *arg)
{
	struct eth_rpc_post *post = arg;

	if (memchr(bytes, '\0', size * n) != NULL) /* RFC 9110 §5.5: dangerous; refuse */
		return 0;
	post->header_len += size * n;
	if (post->header_len > HEADER_MAX) {
		post->too_large = true;
		return 0;
	}
	return size * n;
}

static int read_host(char *out, size_t size, const char *url)
{
	char *scheme = NULL, *host = NULL, *port = NULL;
	CURLU *parts = curl_url();
	int err = -ENOMEM;

	if (parts == NULL)
		return err;
	err = -EINVAL;
	if (curl_url_set(parts, CURLUPART_URL, url, CURLU_NON_SUPPORT_SCHEME) == CURLUE_OK &&
	    curl_url_get(parts, CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK &&
	    curl_url_get(parts, CURLUPART_HOST, &host, 0) == CURLUE_OK &&
	    (strcmp(scheme, "http") == 0 || strcmp(scheme, "https") == 0) && host[0] != '\0') {
		(void)curl_url_get(parts, CURLUPART_PORT, &port, 0);
		(void)snprintf(out, size, "%s%s%s", host, port != NULL ? ":" : "", port != NULL ? port : "");
		err = 0;
	}
	curl_free(scheme);
	curl_free(host);
	curl_free(port);
	curl_url_cleanup(parts);
	return err;
}

static struct curl_slist *make_headers(void)
{
	static const char *const LINES[] = {"Content-Type: application/json", "Accept: application/json", "Expect:"};
	struct curl_slist *list = NULL;

	for (size_t i = 0; i < sizeof(LINES) / sizeof(LINES[0]); i++) {
		struct curl_slist *longer = curl_slist_append(list, LINES[i]);

		if (longer == NULL) {
			curl_slist_free_all(list);
			return NULL;
		}
		list = longer;
	}
	return list;
}

int eth_rpc_http_new(struct eth_rpc_http **out, char *host_out, size_t host_size, struct event_base *base,
		     const char *url, unsigned connections)
{
	struct eth_rpc_http *http;
	int err;

	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		return -ENOMEM;
	err = read_host(host_out, host_size, url);
	if (err != 0)
		goto no_curl;
	err = -ENOMEM;
	http = calloc(1, sizeof(*http));
	if (http == NULL)
		goto no_curl;
	http->base = base;
	http->url = strdup(url);
	http->headers = make_headers();
	http->multi = curl_multi_init();
	http->timer = evtimer_new(base, on_timer_event, http);
	if (http->url == NULL || http->headers == NULL || http->multi == NULL || http->timer == NULL) {
		eth_rpc_http_free(http);
		return -ENOMEM;
	}
	(void)curl_multi_setopt(http->multi, CURLMOPT_SOCKETFUNCTION, on_curl_socket);
	(void)curl_multi_setopt(http->multi, CURLMOPT_SOCKETDATA, http);
	(void)curl_multi_setopt(http->multi, CURLMOPT_TIMERFUNCTION, on_curl_timer);
	(void)curl_multi_setopt(http->multi, CURLMOPT_TIMERDATA, http);
	(void)curl_multi_setopt(http->multi, CURLMOPT_MAXCONNECTS, (long)connections);
	(void)curl_multi_setopt(http->multi, CURLMOPT_PIPELINING, CURLPIPE_NOTHING);
	*out = http;
	return 0;
no_curl:
	curl_global_cleanup();
	return err;
}

void eth_rpc_http_free(struct eth_rpc_http *http)
{
	if (http == NULL)
		return;
	/* libcurl closes its kept connections here and tells on_curl_socket, so the timer goes last. */
	if (http->multi != NULL)
		(void)curl_multi_cleanup(http->multi);
	if (http->timer != NULL)
		event_free(http->timer);
	curl_slist_free_all(http->headers);
	free(http->url);
	free(http);
	curl_global_cleanup();
}

/* Everything a configured URL must not be able to turn into: another host, another protocol, a proxy, a decompressed
 * flood. */
static bool set_options(struct eth_rpc_post *post, const char *body, size_t len, long timeout_ms, bool fresh)
{
	CURL *easy = post->easy;
	bool ok = curl_easy_setopt(easy, CURLOPT_URL, post->http->url) == CURLE_OK;

	ok = ok && curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)len) == CURLE_OK;
	ok = ok && curl_easy_setopt(easy, CURLOPT_POSTFIELDS, body) == CURLE_OK;
	ok = ok && curl_easy_setopt(easy, CURLOPT_HTTPHEADER, post->http->headers) == CURLE_OK;
	ok = ok && curl_easy_setopt(easy, CURLOPT_USERAGENT, "kedge/" KEDGE_VERSION) == CURLE_OK;
	ok = ok && curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https") == CURLE_OK;
	ok = ok && curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L) == CURLE_OK;
	ok = ok && curl_easy_setopt(easy, CURLOPT_PROXY, "") == CURLE_OK;
	ok = ok && curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L) == CURLE_OK;
	ok = ok && curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1) == CURLE_OK;
	ok = ok && curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L) == CURLE_OK;
	ok = ok && curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, fresh ? 1L : 0L) == CURLE_OK;
	ok = ok && curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, timeout_ms) == CURLE_OK;
	ok = ok && curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS,
				    timeout_ms < CONNECT_MS ? timeout_ms : (long)CONNECT_MS) == CURLE_OK;
	ok = ok && curl_easy_setopt(easy, CURLOPT_MAXFILESIZE_LARGE, (curl_off_t)post->cap) == CURLE_OK;
	ok = ok && curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, post->error) == CURLE_OK;
	ok = ok && curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_curl_body) == CURLE_OK;
	ok = ok && curl_easy_setopt(easy, CURLOPT_WRITEDATA, post) == CURLE_OK;
	ok = ok && curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_curl_header) == CURLE_OK;
	ok = ok && curl_easy_setopt(easy, CURLOPT_HEADERDATA, post) == CURLE_OK;
	return ok && curl_easy_setopt(easy, CURLOPT_PRIVATE, post) == CURLE_OK;
}

int eth_rpc_http_post(struct eth_rpc_post **out, struct eth_rpc_http *http, const char *body, size_t len, size_t cap,
		      long timeout_ms, bool fresh, eth_rpc_http_on_done *on_done, void *arg)
{
	struct eth_rpc_post *post = calloc(1, sizeof(*post));

	if (post == NULL)
		return -ENOMEM;
	post->http = http;
	post->cap = cap;
	post->on_done = on_done;
	post->arg = arg;
	post->easy = curl_easy_init();
	if (post->easy == NULL || !set_options(post, body, len, timeout_ms, fresh) ||
	    curl_multi_add_handle(http->multi, post->easy) != CURLM_OK) {
		if (post->easy != NULL)
			curl_easy_cleanup(post->easy);
		free(post);
		return -ENOMEM;
	}
	*out = post;
	return 0;
}

void eth_rpc_http_abort(struct eth_rpc_post *post)
{
	(void)curl_multi_remove_handle(post->http->multi, post->easy);
	curl_easy_cleanup(post->easy);
	free(post->body);
	free(post);
}
