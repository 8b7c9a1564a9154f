/* Names by libevent's resolver: A and AAAA together, from the servers of /etc/resolv.conf as they were at start. The hosts
 * file and search lists are left out, because they lead to names of this network. */
#include "gateway/fetch/fetch_internal.h"

#include <errno.h>
#include <event2/dns.h>
#include <stdlib.h>
#include <string.h>

enum { RAW_MAX = 64 };

struct query {
	fetch_on_addresses *on_addresses;
	void *arg;
	unsigned pending;
	int err;
	struct sockaddr_storage addresses[RAW_MAX];
	size_t n;
};

static int dns_error(int result)
{
	switch (result) {
	case DNS_ERR_NONE:
	case DNS_ERR_NODATA:
		return 0;
	case DNS_ERR_NOTEXIST:
		return -ENOENT;
	case DNS_ERR_TIMEOUT:
		return -ETIMEDOUT;
	default:
		return -EIO;
	}
}

static void add_v4(struct query *query, const uint8_t *bytes)
{
	struct sockaddr_in v4 = {.sin_family = AF_INET};

	memcpy(&v4.sin_addr, bytes, 4);
	memcpy(&query->addresses[query->n++], &v4, sizeof(v4));
}

static void add_v6(struct query *query, const uint8_t *bytes)
{
	struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};

	memcpy(&v6.sin6_addr, bytes, 16);
	memcpy(&query->addresses[query->n++], &v6, sizeof(v6));
}

static void on_reply(int result, char type, int count, int ttl, void *addresses, void *arg)
{
	size_t width = type == DNS_IPv6_AAAA ? 16 : 4;
	struct query *query = arg;

	(void)ttl;
	if (result != DNS_ERR_NONE)
		query->err = query->err != 0 ? query->err : dns_error(result);
	for (int i = 0; result == DNS_ERR_NONE && i < count && query->n < RAW_MAX; i++) {
		const uint8_t *bytes = (const uint8_t *)addresses + (size_t)i * width;

		if (type == DNS_IPv4_A)
			add_v4(query, bytes);
		else if (type == DNS_IPv6_AAAA)
			add_v6(query, bytes);
	}
	if (--query->pending > 0)
		return;
	query->on_addresses(query->arg, query->n > 0 ? 0 : query->err != 0 ? query->err : -ENOENT, query->addresses, query->n);
	free(query);
}

/* libevent would write lines of its own to stderr; what matters of them is in the answers. */
static void on_log(int is_warning, const char *text)
{
	(void)is_warning;
	(void)text;
}

static int open_dns(struct fetcher *fetcher)
{
	if (fetcher->dns != NULL)
		return 0;
	evdns_set_log_fn(on_log);
	fetcher->dns = evdns_base_new(fetcher->base, EVDNS_BASE_DISABLE_WHEN_INACTIVE);
	if (fetcher->dns == NULL)
		return -ENOMEM;
	/* without the file the resolver asks 127.0.0.1, as resolv.conf(5) says */
	if (fetcher->nameserver == NULL)
		(void)evdns_base_resolv_conf_parse(fetcher->dns, DNS_OPTION_NAMESERVERS | DNS_OPTION_MISC, "/etc/resolv.conf");
	else if (evdns_base_nameserver_ip_add(fetcher->dns, fetcher->nameserver) != 0)
		return -EINVAL;
	evdns_base_search_clear(fetcher->dns);
	(void)evdns_base_set_option(fetcher->dns, "timeout:", "1.5");
	(void)evdns_base_set_option(fetcher->dns, "attempts:", "2");
	/* names whose own servers never answer must not make a good resolver look dead to everybody else */
	(void)evdns_base_set_option(fetcher->dns, "max-timeouts:", "255");
	(void)evdns_base_set_option(fetcher->dns, "initial-probe-timeout:", "1");
	return 0;
}

int fetch_dns_resolve(void *resolve_arg, const char *host, fetch_on_addresses *on_addresses, void *arg)
{
	struct fetcher *fetcher = resolve_arg;
	struct query *query = calloc(1, sizeof(*query));

	if (query == NULL || open_dns(fetcher) != 0) {
		free(query);
		return -ENOMEM;
	}
	query->on_addresses = on_addresses;
	query->arg = arg;
	/* libevent answers from the loop, never from within these calls */
	if (evdns_base_resolve_ipv4(fetcher->dns, host, DNS_QUERY_NO_SEARCH, on_reply, query) != NULL)
		query->pending++;
	if (evdns_base_resolve_ipv6(fetcher->dns, host, DNS_QUERY_NO_SEARCH, on_reply, query) != NULL)
		query->pending++;
	if (query->pending > 0)
		return 0;
	free(query);
	return -EIO;
}
