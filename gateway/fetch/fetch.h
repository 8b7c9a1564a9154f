#pragma once
/* GET from hosts that strangers name, on the caller's loop, under the rules F1-F9 (docs/formats.md section 12):
 *
 *   F2  a host is a public DNS name: at least one dot, LDH labels, no number at the end, not localhost, *.local, *.internal
 *	 (and no port below 1024 but 443 and 80: those speak other protocols)
 *   F3  names are looked up here (libevent's resolver: never the hosts file, never a search list), EVERY address is held against
 *	 the list of fetch_address_denied(), one denied refuses all; the connection goes to a checked address only, and the socket's
 *	 address is checked again when it is opened. There is no second lookup, so a name cannot be bound again in between
 *   F4  no redirect, or where asked for: at most 2, https, same host and port, every hop looked up and checked anew
 *   F5  connect 2 s, all in all 5 s, the body counted while it comes, no decompression, HTTPS only, certificates checked
 *   F7  one flight for the same request; a failure is remembered 5 s, doubling to 30 s; at most `per_host` at once and `rate` a
 *	 second to one host
 *   F9  tests: `allow` exempts HOST:PORT pairs from F2, F3 and the ban on http, and `ca` is trusted for these and no others
 *
 * One thread, one loop. */
#include "gateway/fetch/uri.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

struct event_base;
struct fetcher;

enum {
	FETCH_ADDRESSES_MAX = 16, /* of one name; more are not tried, but all are checked */
	FETCH_CONNECT_MS = 2000,
	FETCH_TOTAL_MS = 5000,
	FETCH_HEADER_MAX = 32768,
	FETCH_REDIRECTS_MAX = 2,
	FETCH_NEGATIVE_MS = 5000,
	FETCH_NEGATIVE_MAX_MS = 30000,
	FETCH_FLIGHTS_MAX = 64,
	FETCH_HOSTS_MAX = 1024, /* hosts and failures remembered */
};

/* How it ended. fetch_word() gives the word stored and shown. */
enum fetch_end {
	FETCH_OK,	    /* status 200, the whole body */
	FETCH_HTTP,	    /* another status: 404, 500, … */
	FETCH_REDIRECT,	    /* a redirect that may not be followed */
	FETCH_BAD_HOST,	    /* F2 */
	FETCH_BAD_ADDRESS,  /* F3: a private, local or reserved address */
	FETCH_NOT_HTTPS,    /* plain http */
	FETCH_DNS,	    /* no such name, or no answer */
	FETCH_CONNECT,	    /* refused, unreachable, or not within 2 s */
	FETCH_TLS,	    /* handshake or certificate */
	FETCH_TIMEOUT,
	FETCH_TOO_LARGE,    /* body over the cap, or head over FETCH_HEADER_MAX */
	FETCH_ENCODED,	    /* Content-Encoding other than identity */
	FETCH_BROKEN,	    /* not HTTP, cut short, … */
	FETCH_CANCELED,	    /* fetcher_free() */
};

/* "ok", "http", "redirect", "bad-host", "bad-address", "not-https", "dns", "connect", "tls", "timeout", "too-large",
 * "encoded", "broken", "canceled". */
const char *fetch_word(enum fetch_end end);

/* Addresses of a name, v4 and v6, or none. err: 0 or -ENOENT, -ETIMEDOUT, -EIO. */
typedef void fetch_on_addresses(void *arg, int err, const struct sockaddr_storage *addresses, size_t n);
/* A resolver in place of DNS, for tests. Must call on_addresses exactly once, not from within. The fetcher must live then. */
typedef int fetch_resolve(void *resolve_arg, const char *host, fetch_on_addresses *on_addresses, void *arg);

struct fetcher_config {
	const char *allow; /* setting fetch_allow: HOST:PORT=ADDRESS or HOST:PORT=ADDRESS@PORT, space between; NULL or "": none */
	const char *ca;	   /* setting fetch_ca: PEM file, NULL or "": the system's */
	unsigned per_host; /* 0: 4 */
	unsigned rate;	   /* a second and host, with bursts of twice that; 0: 10 */
	const char *nameserver; /* setting fetch_nameserver: ADDRESS[:PORT]; NULL or "": those of /etc/resolv.conf as it was at the first lookup */
	fetch_resolve *resolve; /* NULL: DNS */
	void *resolve_arg;
};

/* 0, -EINVAL (an item of allow, or nameserver, that cannot be read), -ENOMEM. config may be NULL. */
__attribute__((warn_unused_result)) int fetcher_new(struct fetcher **out, struct event_base *base,
						    const struct fetcher_config *config);
/* All flights end with FETCH_CANCELED, called back from here. NULL is fine. */
void fetcher_free(struct fetcher *fetcher);

struct fetch_request {
	bool http;	    /* plain http: FETCH_NOT_HTTPS but for exempt hosts */
	const char *host;   /* lower case DNS name */
	uint16_t port;	    /* 0: 443, or 80 */
	const char *path;   /* "/a/b?c", percent-encoded already, visible ASCII */
	const char *accept; /* Accept header; NULL: all types */
	size_t cap;	    /* bytes of the body; at least 1 */
	bool redirects;	    /* F4's option */
	bool fresh;	    /* a failure that is remembered is passed over; a flight under way is not */
	unsigned total_ms;  /* 0: FETCH_TOTAL_MS, which is also the most */
};

struct fetch_answer {
	enum fetch_end end;
	long status;		    /* HTTP; 0 if none came */
	const uint8_t *body;	    /* with FETCH_OK */
	size_t len;
	const char *content_type;   /* lower case, without parameters; "" if none */
	const char *why;	    /* a sentence for people, never NULL; no secrets, may quote the far side's words */
	bool has_max_age;	    /* Cache-Control: max-age, or no-store, no-cache, private (0) */
	uint64_t max_age_s;
	bool remembered; /* a former failure, given again (F7) */
};

/* Borrowed during the callback. */
typedef void fetch_on_done(void *arg, const struct fetch_answer *answer);

/* 0: on_done runs exactly once, from the loop, never from within this call. -EAGAIN the host's or all flights are taken, or its
 * rate is spent: ask again later; -EINVAL a request that is malformed; -ENOMEM. */
__attribute__((warn_unused_result)) int fetch_get(struct fetcher *fetcher, const struct fetch_request *request,
						  fetch_on_done *on_done, void *arg);

/* F2 and F3 alone. */
bool fetch_host_allowed(const char *host);
/* Any address that is not global unicast, by the tables in address.c, those inside v4-mapped, NAT64 and 6to4 too; any
 * family but inet and inet6. */
bool fetch_address_denied(const struct sockaddr *address);
