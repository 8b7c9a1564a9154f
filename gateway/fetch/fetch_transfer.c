/* The transfer itself: libcurl on libevent, told as little as possible: the addresses to connect to, one URL, no redirects. */
#include "gateway/fetch/fetch_internal.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { BODY_START = 8192, PAGE_MAX = 65536, RESOLVE_MAX = DID_WEB_HOST_SIZE + 16 + FETCH_ADDRESSES_MAX * (INET6_ADDRSTRLEN + 3) };

/* ---- how it ended ---- */

static bool is_tls_error(CURLcode code)
{
	static const CURLcode codes[] = {CURLE_SSL_CONNECT_ERROR, CURLE_PEER_FAILED_VERIFICATION, CURLE_SSL_CERTPROBLEM,
					 CURLE_SSL_CIPHER,	  CURLE_SSL_CACERT_BADFILE,	  CURLE_SSL_ISSUER_ERROR,
					 CURLE_SSL_INVALIDCERTSTATUS, CURLE_USE_SSL_FAILED};

	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++)
		if (code == codes[i])
			return true;
	return false;
}

static enum fetch_end end_of(const struct fetch_flight *flight, CURLcode code, long status)
{
	curl_off_t connected = 0;

	(void)curl_easy_getinfo(flight->easy, CURLINFO_APPCONNECT_TIME_T, &connected);
	if (connected == 0 && !flight->tls)
		(void)curl_easy_getinfo(flight->easy, CURLINFO_CONNECT_TIME_T, &connected);
	if (flight->denied)
		return FETCH_BAD_ADDRESS;
	if (flight->encoded)
		return FETCH_ENCODED;
	if (status >= 300 && status < 400 && (code == CURLE_OK || flight->not_ok))
		return FETCH_REDIRECT;
	if (flight->not_ok || (code == CURLE_OK && status != 200))
		return FETCH_HTTP;
	if (flight->too_large || code == CURLE_FILESIZE_EXCEEDED)
		return FETCH_TOO_LARGE;
	if (code == CURLE_OK)
		return FETCH_OK;
	if (code == CURLE_COULDNT_CONNECT || code == CURLE_COULDNT_RESOLVE_HOST)
		return FETCH_CONNECT;
	if (code == CURLE_OPERATION_TIMEDOUT)
		return connected > 0 ? FETCH_TIMEOUT : FETCH_CONNECT;
	return is_tls_error(code) ? FETCH_TLS : FETCH_BROKEN;
}

/* F4: same host and port, https. The flight goes on with another path, from the lookup. */
static bool follow(struct fetch_flight *flight)
{
	const char *target = NULL;
	struct uri_web web;

	if (!flight->follow || flight->hops_left == 0 ||
	    curl_easy_getinfo(flight->easy, CURLINFO_REDIRECT_URL, &target) != CURLE_OK || target == NULL)
		return false;
	if (uri_web_read(&web, target, strlen(target)) != 0 || !web.tls || !flight->tls ||
	    strcmp(web.host, flight->host) != 0 || web.port != flight->port)
		return false;
	fetch_transfer_end(flight);
	flight->hops_left--;
	(void)snprintf(flight->path, sizeof(flight->path), "%s", web.path);
	return true;
}

static void content_type_of(char *out, size_t size, CURL *easy)
{
	const char *type = NULL;
	size_t n = 0;

	(void)curl_easy_getinfo(easy, CURLINFO_CONTENT_TYPE, &type);
	for (; type != NULL && type[n] != '\0' && type[n] != ';' && type[n] != ' ' && n + 1 < size; n++)
		out[n] = type[n] > ' ' && type[n] <= '~' ? (char)tolower((unsigned char)type[n]) : '?';
	out[n] = '\0';
}

static void complete(struct fetch_flight *flight, CURLcode code)
{
	char why[FETCH_WHY_MAX], type[128];
	enum fetch_end end;
	long status = 0;

	(void)curl_easy_getinfo(flight->easy, CURLINFO_RESPONSE_CODE, &status);
	end = end_of(flight, code, status);
	if (end == FETCH_REDIRECT && follow(flight)) {
		fetch_start(flight);
		return;
	}
	content_type_of(type, sizeof(type), flight->easy);
	if (end == FETCH_OK)
		why[0] = '\0';
	else if (end == FETCH_HTTP || end == FETCH_REDIRECT)
		(void)snprintf(why, sizeof(why), "The server answered %ld.", status);
	else if (end == FETCH_TOO_LARGE)
		(void)snprintf(why, sizeof(why), "The answer is larger than %zu bytes.", flight->cap);
	else if (end == FETCH_ENCODED)
		(void)snprintf(why, sizeof(why), "The answer is compressed, though that was not asked for.");
	else if (end == FETCH_BAD_ADDRESS)
		(void)snprintf(why, sizeof(why), "The connection would have gone to an address that was not checked.");
	else
		(void)snprintf(why, sizeof(why), "%s", flight->error[0] != '\0' ? flight->error : curl_easy_strerror(code));
	fetch_finish(flight, end, status, type, why);
}

static void collect(struct fetcher *fetcher)
{
	CURLMsg *message;
	int left;

	while ((message = curl_multi_info_read(fetcher->multi, &left)) != NULL) {
		struct fetch_flight *flight;
		CURLcode code = message->data.result;

		if (message->msg == CURLMSG_DONE &&
		    curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &flight) == CURLE_OK)
			complete(flight, code);
	}
}

/* ---- libcurl on the loop ---- */

static void on_socket_event(evutil_socket_t fd, short what, void *arg)
{
	struct fetcher *fetcher = arg;
	int action = ((what & EV_READ) != 0 ? CURL_CSELECT_IN : 0) | ((what & EV_WRITE) != 0 ? CURL_CSELECT_OUT : 0), running;

	(void)curl_multi_socket_action(fetcher->multi, fd, action, &running);
	collect(fetcher);
}

static void on_timer_event(evutil_socket_t fd, short what, void *arg)
{
	struct fetcher *fetcher = arg;
	int running;

	(void)fd;
	(void)what;
	(void)curl_multi_socket_action(fetcher->multi, CURL_SOCKET_TIMEOUT, 0, &running);
	collect(fetcher);
}

static int on_curl_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *socket_arg)
{
	struct fetcher *fetcher = arg;
	struct event *watch = socket_arg;
	short flags = EV_PERSIST;

	(void)easy;
	if (watch != NULL)
		event_free(watch);
	watch = NULL;
	if (what != CURL_POLL_REMOVE) {
		flags = (short)(flags | ((what & CURL_POLL_IN) != 0 ? EV_READ : 0) | ((what & CURL_POLL_OUT) != 0 ? EV_WRITE : 0));
		watch = event_new(fetcher->base, fd, flags, on_socket_event, fetcher);
		if (watch == NULL || event_add(watch, NULL) != 0) {
			if (watch != NULL)
				event_free(watch);
			return -1;
		}
	}
	(void)curl_multi_assign(fetcher->multi, fd, watch);
	return 0;
}

static int on_curl_timer(CURLM *multi, long timeout_ms, void *arg)
{
	struct fetcher *fetcher = arg;
	struct timeval after = {.tv_sec = timeout_ms / 1000, .tv_usec = (timeout_ms % 1000) * 1000};

	(void)multi;
	return timeout_ms < 0 ? evtimer_del(fetcher->timer) : evtimer_add(fetcher->timer, &after);
}

int fetch_transfer_open(struct fetcher *fetcher)
{
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		return -ENOMEM;
	fetcher->multi = curl_multi_init();
	fetcher->timer = evtimer_new(fetcher->base, on_timer_event, fetcher);
	if (fetcher->multi == NULL || fetcher->timer == NULL) {
		fetch_transfer_close(fetcher);
		return -ENOMEM;
	}
	(void)curl_multi_setopt(fetcher->multi, CURLMOPT_SOCKETFUNCTION, on_curl_socket);
	(void)curl_multi_setopt(fetcher->multi, CURLMOPT_SOCKETDATA, fetcher);
	(void)curl_multi_setopt(fetcher->multi, CURLMOPT_TIMERFUNCTION, on_curl_timer);
	(void)curl_multi_setopt(fetcher->multi, CURLMOPT_TIMERDATA, fetcher);
	(void)curl_multi_setopt(fetcher->multi, CURLMOPT_PIPELINING, CURLPIPE_NOTHING);
	return 0;
}

void fetch_transfer_close(struct fetcher *fetcher)
{
	if (fetcher->multi != NULL)
		(void)curl_multi_cleanup(fetcher->multi);
	if (fetcher->timer != NULL)
		event_free(fetcher->timer);
	curl_global_cleanup();
}

/* ---- what comes ---- */

static size_t on_curl_body(char *bytes, size_t size, size_t n, void *arg)
{
	struct fetch_flight *flight = arg;
	size_t more = size * n;
	long status = 0;

	(void)curl_easy_getinfo(flight->easy, CURLINFO_RESPONSE_CODE, &status);
	flight->not_ok = status != 200;
	/* libcurl names a redirect's target only when all of the answer came: pages about it are passed over */
	if (flight->not_ok && status >= 300 && status < 400 && (flight->passed_over += more) <= PAGE_MAX)
		return more;
	flight->too_large = !flight->not_ok && more > flight->cap - flight->len;
	if (flight->not_ok || flight->too_large)
		return 0;
	if (flight->len + more > flight->room) {
		size_t room = (flight->len + more) * 2 > BODY_START ? (flight->len + more) * 2 : BODY_START;
		uint8_t *grown = realloc(flight->body, room);

		if (grown == NULL)
			return 0;
		flight->body = grown;
		flight->room = room;
	}
	memcpy(flight->body + flight->len, bytes, more);
	flight->len += more;
	return more;
}

/* The value of header line `name:`, without white space around it; NULL for another header. */
static const char *value_of(size_t *out_len, const char *line, size_t len, const char *name)
{
	size_t n = strlen(name);

	if (len <= n || line[n] != ':' || strncasecmp(line, name, n) != 0)
		return NULL;
	line += n + 1;
	len -= n + 1;
	while (len > 0 && isspace((unsigned char)line[0])) {
		line++;
		len--;
	}
	while (len > 0 && isspace((unsigned char)line[len - 1]))
		len--;
	*out_len = len;
	return line;
}

/* Of several lines, which are one list (RFC 9110 §5.3), and of what contradicts itself the shorter time counts. */
static void keep_at_most(struct fetch_flight *flight, uint64_t seconds)
{
	flight->max_age_s = flight->has_max_age && flight->max_age_s < seconds ? flight->max_age_s : seconds;
	flight->has_max_age = true;
}

static void read_cache_control(struct fetch_flight *flight, const char *value, size_t len)
{
	char text[256];
	const char *age;

	(void)snprintf(text, sizeof(text), "%.*s", (int)(len < 255 ? len : 255), value);
	for (char *p = text; *p != '\0'; p++)
		*p = (char)tolower((unsigned char)*p);
	if (strstr(text, "no-store") != NULL || strstr(text, "no-cache") != NULL || strstr(text, "private") != NULL) {
		keep_at_most(flight, 0);
	} else if ((age = strstr(text, "max-age=")) != NULL && isdigit((unsigned char)age[8])) {
		keep_at_most(flight, strtoull(age + 8, NULL, 10));
	}
}

static size_t on_curl_header(char *line, size_t size, size_t n, void *arg)
{
	struct fetch_flight *flight = arg;
	size_t len = size * n, value_len;
	const char *value;

	flight->header_len += len;
	if (memchr(line, '\0', len) != NULL) /* RFC 9110 §5.5: dangerous; refuse */
		return 0;
	if (flight->header_len > FETCH_HEADER_MAX) {
		flight->too_large = true;
		return 0;
	}
	value = value_of(&value_len, line, len, "content-encoding");
	if (value != NULL && value_len > 0 && (value_len != 8 || strncasecmp(value, "identity", 8) != 0)) {
		flight->encoded = true;
		return 0;
	}
	value = value_of(&value_len, line, len, "cache-control");
	if (value != NULL)
		read_cache_control(flight, value, value_len);
	return len;
}

/* ---- where it goes ---- */

static bool same_address(const struct sockaddr_storage *a, const struct sockaddr *b)
{
	struct sockaddr_in6 a6, b6;
	struct sockaddr_in a4, b4;

	if (a->ss_family != b->sa_family)
		return false;
	if (b->sa_family == AF_INET) {
		memcpy(&a4, a, sizeof(a4));
		memcpy(&b4, b, sizeof(b4));
		return a4.sin_addr.s_addr == b4.sin_addr.s_addr;
	}
	memcpy(&a6, a, sizeof(a6));
	memcpy(&b6, b, sizeof(b6));
	return memcmp(&a6.sin6_addr, &b6.sin6_addr, 16) == 0;
}

/* The last gate: whatever libcurl believes, only a checked address gets a socket. */
static curl_socket_t on_curl_open(void *arg, curlsocktype purpose, struct curl_sockaddr *address)
{
	struct fetch_flight *flight = arg;
	bool known = false;

	for (size_t i = 0; i < flight->naddresses; i++)
		known = known || same_address(&flight->addresses[i], &address->addr);
	if (purpose != CURLSOCKTYPE_IPCXN || !known || (flight->exempt == NULL && fetch_address_denied(&address->addr))) {
		flight->denied = true;
		return CURL_SOCKET_BAD;
	}
	return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

/* "+HOST:PORT:ADDRESS,ADDRESS" for CURLOPT_RESOLVE. */
static int name_addresses(struct fetch_flight *flight)
{
	char text[RESOLVE_MAX];
	unsigned port = flight->exempt != NULL ? flight->exempt->to_port : flight->port;
	size_t n = (size_t)snprintf(text, sizeof(text), "+%s:%u:", flight->host, port);

	for (size_t i = 0; i < flight->naddresses; i++) {
		const struct sockaddr_storage *address = &flight->addresses[i];
		bool v6 = address->ss_family == AF_INET6;
		struct sockaddr_in6 in6;
		struct sockaddr_in in4;
		char plain[INET6_ADDRSTRLEN];

		memcpy(&in6, address, sizeof(in6));
		memcpy(&in4, address, sizeof(in4));
		if (inet_ntop(address->ss_family, v6 ? (const void *)&in6.sin6_addr : (const void *)&in4.sin_addr, plain,
			      sizeof(plain)) == NULL)
			return -EINVAL;
		n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%s%s%s", i > 0 ? "," : "", v6 ? "[" : "", plain,
				      v6 ? "]" : "");
	}
	flight->resolve = curl_slist_append(NULL, text);
	return flight->resolve != NULL ? 0 : -ENOMEM;
}

/* "HOST:PORT:ADDRESS:PORT" for an exemption that leads to another port. */
static int redirect_port(struct fetch_flight *flight)
{
	char text[DID_WEB_HOST_SIZE + 32];

	if (flight->exempt == NULL || flight->exempt->to_port == flight->port)
		return 0;
	(void)snprintf(text, sizeof(text), "%s:%u::%u", flight->host, flight->port, flight->exempt->to_port);
	flight->connect_to = curl_slist_append(NULL, text);
	return flight->connect_to != NULL ? 0 : -ENOMEM;
}

static int make_headers(struct fetch_flight *flight)
{
	char line[512];

	(void)snprintf(line, sizeof(line), "Accept: %s", flight->accept);
	flight->headers = curl_slist_append(NULL, line);
	return flight->headers != NULL ? 0 : -ENOMEM;
}

static bool set_target(struct fetch_flight *flight)
{
	char url[URI_PATH_MAX + DID_WEB_HOST_SIZE + 32];
	CURL *easy = flight->easy;
	bool ok;

	(void)snprintf(url, sizeof(url), "%s://%s:%u%s", flight->tls ? "https" : "http", flight->host, flight->port, flight->path);
	ok = curl_easy_setopt(easy, CURLOPT_URL, url) == CURLE_OK;
	ok = ok && curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L) == CURLE_OK;
	ok = ok && curl_easy_setopt(easy, CURLOPT_RESOLVE, flight->resolve) == CURLE_OK;
	ok = ok && curl_easy_setopt(easy, CURLOPT_CONNECT_TO, flight->connect_to) == CURLE_OK;
	ok = ok && curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, on_curl_open) == CURLE_OK;
	ok = ok && curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, flight) == CURLE_OK;
	ok = ok && curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, flight->tls ? "https" : "http") == CURLE_OK;
	ok = ok && curl_easy_setopt(easy, CURLOPT_PROXY, "") == CURLE_OK;
	ok = ok && curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L) == CURLE_OK;
	ok = ok && curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2) == CURLE_OK;
	/* F9: the test authority is believed for exempt hosts only, and there nobody else is */
	if (flight->exempt != NULL && flight->fetcher->ca != NULL) {
		ok = ok && curl_easy_setopt(easy, CURLOPT_CAINFO, flight->fetcher->ca) == CURLE_OK;
		ok = ok && curl_easy_setopt(easy, CURLOPT_CAPATH, NULL) == CURLE_OK;
	}
	return ok;
}

static bool set_limits(struct fetch_flight *flight, long total_ms)
{
	CURL *easy = flight->easy;
	bool ok = curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, total_ms) == CURLE_OK;

	ok = ok && curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS,
				    total_ms < FETCH_CONNECT_MS ? total_ms : (long)FETCH_CONNECT_MS) == CURLE_OK;
	ok = ok && curl_easy_setopt(easy, CURLOPT_MAXFILESIZE_LARGE, (curl_off_t)flight->cap) == CURLE_OK;
	ok = ok && curl_easy_setopt(easy, CURLOPT_HTTP_CONTENT_DECODING, 0L) == CURLE_OK;
	ok = ok && curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1) == CURLE_OK;
	ok = ok && curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, 1L) == CURLE_OK;
	ok = ok && curl_easy_setopt(easy, CURLOPT_FORBID_REUSE, 1L) == CURLE_OK;
	ok = ok && curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L) == CURLE_OK;
	ok = ok && curl_easy_setopt(easy, CURLOPT_USERAGENT, "kedge/" KEDGE_VERSION) == CURLE_OK;
	ok = ok && curl_easy_setopt(easy, CURLOPT_HTTPHEADER, flight->headers) == CURLE_OK;
	ok = ok && curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, flight->error) == CURLE_OK;
	ok = ok && curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_curl_body) == CURLE_OK;
	ok = ok && curl_easy_setopt(easy, CURLOPT_WRITEDATA, flight) == CURLE_OK;
	ok = ok && curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_curl_header) == CURLE_OK;
	ok = ok && curl_easy_setopt(easy, CURLOPT_HEADERDATA, flight) == CURLE_OK;
	return ok && curl_easy_setopt(easy, CURLOPT_PRIVATE, flight) == CURLE_OK;
}

int fetch_transfer_begin(struct fetch_flight *flight)
{
	int64_t left = flight->deadline_ms - fetch_now_ms();

	flight->len = flight->header_len = flight->passed_over = 0;
	flight->too_large = flight->encoded = flight->denied = flight->not_ok = flight->has_max_age = false;
	flight->error[0] = '\0';
	flight->easy = curl_easy_init();
	if (flight->easy == NULL || name_addresses(flight) != 0 || redirect_port(flight) != 0 || make_headers(flight) != 0 ||
	    !set_target(flight) ||
	    !set_limits(flight, left > 1 ? (long)left : 1L) ||
	    curl_multi_add_handle(flight->fetcher->multi, flight->easy) != CURLM_OK)
		return -ENOMEM;
	return 0;
}

void fetch_transfer_end(struct fetch_flight *flight)
{
	if (flight->easy != NULL) {
		(void)curl_multi_remove_handle(flight->fetcher->multi, flight->easy);
		curl_easy_cleanup(flight->easy);
	}
	curl_slist_free_all(flight->headers);
	curl_slist_free_all(flight->resolve);
	curl_slist_free_all(flight->connect_to);
	flight->easy = NULL;
	flight->headers = flight->resolve = flight->connect_to = NULL;
}
