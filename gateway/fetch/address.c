/* Which hosts and addresses a stranger's URL may lead to (F2, F3). The tables are IANA's special-purpose registries (RFC 6890
 * and its updates): whatever is not global unicast is refused, and so is an IPv6 address that carries a refused IPv4 one. */
#include "gateway/fetch/fetch.h"

#include "did/did_web.h"

#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

struct range4 {
	uint32_t network;
	unsigned bits;
};

#define NET4(a, b, c, d) ((uint32_t)(a) << 24 | (uint32_t)(b) << 16 | (uint32_t)(c) << 8 | (uint32_t)(d))

static const struct range4 DENIED4[] = {
	{NET4(0, 0, 0, 0), 8}, /* "this network" */
	{NET4(10, 0, 0, 0), 8}, /* private */
	{NET4(100, 64, 0, 0), 10}, /* shared (carrier-grade NAT) */
	{NET4(127, 0, 0, 0), 8}, /* loopback */
	{NET4(169, 254, 0, 0), 16}, /* link-local: cloud metadata */
	{NET4(172, 16, 0, 0), 12}, /* private */
	{NET4(192, 0, 0, 0), 24}, /* IETF protocol assignments */
	{NET4(192, 0, 2, 0), 24}, /* documentation */
	{NET4(192, 31, 196, 0), 24}, /* AS112 */
	{NET4(192, 52, 193, 0), 24}, /* AMT */
	{NET4(192, 88, 99, 0), 24}, /* 6to4 relay, deprecated */
	{NET4(192, 168, 0, 0), 16}, /* private */
	{NET4(192, 175, 48, 0), 24}, /* AS112 */
	{NET4(198, 18, 0, 0), 15}, /* benchmarking */
	{NET4(198, 51, 100, 0), 24}, /* documentation */
	{NET4(203, 0, 113, 0), 24}, /* documentation */
	{NET4(224, 0, 0, 0), 4}, /* multicast */
	{NET4(240, 0, 0, 0), 4}, /* reserved, broadcast */
};

struct range6 {
	uint8_t network[16];
	unsigned bits;
	int inner; /* where an IPv4 address stands that is judged instead; -1: denied as such */
};

static const struct range6 DENIED6[] = {
	{{0}, 96, -1}, /* ::, ::1, v4-compatible */
	{{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff}, 96, 12}, /* v4-mapped */
	{{0, 0x64, 0xff, 0x9b}, 96, 12}, /* NAT64 */
	{{0, 0x64, 0xff, 0x9b, 0, 1}, 48, -1}, /* NAT64, local use */
	{{0x01, 0}, 64, -1}, /* discard only */
	{{0x20, 0x01, 0, 0}, 23, -1}, /* IETF protocol assignments, Teredo among them */
	{{0x20, 0x01, 0x0d, 0xb8}, 32, -1}, /* documentation */
	{{0x20, 0x02}, 16, 2}, /* 6to4 */
	{{0x3f, 0xff}, 20, -1}, /* documentation */
	{{0x5f, 0}, 16, -1}, /* segment routing */
	{{0xfc}, 7, -1}, /* unique local */
	{{0xfe, 0x80}, 10, -1}, /* link-local */
	{{0xfe, 0xc0}, 10, -1}, /* site-local, deprecated */
	{{0xff}, 8, -1}, /* multicast */
};

static bool denied4(uint32_t address)
{
	for (size_t i = 0; i < sizeof(DENIED4) / sizeof(DENIED4[0]); i++)
		if ((address ^ DENIED4[i].network) >> (32 - DENIED4[i].bits) == 0)
			return true;
	return false;
}

static bool in_range6(const struct range6 *range, const uint8_t address[static 16])
{
	unsigned bytes = range->bits / 8, bits = range->bits % 8;

	if (memcmp(address, range->network, bytes) != 0)
		return false;
	return bits == 0 || (address[bytes] ^ range->network[bytes]) >> (8 - bits) == 0;
}

static bool denied_inside(const struct range6 *range, const uint8_t address[static 16])
{
	const uint8_t *at = address + range->inner;
	uint32_t inner = NET4(at[0], at[1], at[2], at[3]);

	return denied4(inner);
}

static bool denied6(const uint8_t address[static 16])
{
	for (size_t i = 0; i < sizeof(DENIED6) / sizeof(DENIED6[0]); i++) {
		if (!in_range6(&DENIED6[i], address))
			continue;
		if (DENIED6[i].inner < 0 || denied_inside(&DENIED6[i], address))
			return true;
		if (DENIED6[i].inner == 12)
			return false; /* it is an IPv4 address in other clothes */
	}
	/* nothing else is given out at all */
	return (address[0] & 0xe0) != 0x20;
}

bool fetch_address_denied(const struct sockaddr *address)
{
	if (address->sa_family == AF_INET) {
		struct sockaddr_in v4;

		memcpy(&v4, address, sizeof(v4));
		return denied4(ntohl(v4.sin_addr.s_addr));
	}
	if (address->sa_family == AF_INET6) {
		struct sockaddr_in6 v6;

		memcpy(&v6, address, sizeof(v6));
		return v6.sin6_scope_id != 0 || denied6(v6.sin6_addr.s6_addr);
	}
	return true;
}

bool fetch_host_allowed(const char *host)
{
	char did[DID_WEB_HOST_DID_SIZE];
	struct did_web web;
	size_t len = strlen(host);

	/* did:web has the same rules for hosts, and its own tests for them */
	if (len >= DID_WEB_HOST_SIZE || strpbrk(host, ":%") != NULL)
		return false;
	(void)snprintf(did, sizeof(did), "did:web:%s", host);
	return did_web_parse(&web, did, strlen(did)) == 0 && web.port == 0 && web.path.len == 0 &&
	       strcmp(web.host, host) == 0;
}
