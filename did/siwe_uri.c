/* RFC 3986, appendix A, as far as ERC-4361 speaks of it: URI and authority. Nothing is decoded or resolved here. */
#include "did/siwe.h"

#include <string.h>

static bool is_alpha(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_hex(char c)
{
	return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

static bool is_one_of(char c, const char *set)
{
	return c != '\0' && strchr(set, c) != NULL;
}

/* unreserved / sub-delims / more */
static bool is_plain(char c, const char *more)
{
	return is_alpha(c) || is_digit(c) || is_one_of(c, "-._~") || is_one_of(c, "!$&'()*+,;=") || is_one_of(c, more);
}

/* *( unreserved / pct-encoded / sub-delims / more ) */
static bool all_plain(const char *at, const char *end, const char *more)
{
	while (at < end) {
		if (*at == '%') {
			if (end - at < 3 || !is_hex(at[1]) || !is_hex(at[2]))
				return false;
			at += 3;
		} else if (is_plain(*at++, more)) {
			continue;
		} else {
			return false;
		}
	}
	return true;
}

/* dec-octet 3( "." dec-octet ), without leading zeros */
static bool is_ipv4(const char *at, const char *end)
{
	for (unsigned octets = 0;; at++) {
		const char *start = at;
		unsigned value = 0;

		for (; at < end && is_digit(*at) && at - start < 3; at++)
			value = value * 10 + (unsigned)(*at - '0');
		if (at == start || value > 255 || (*start == '0' && at - start > 1))
			return false;
		if (++octets == 4)
			return at == end;
		if (at == end || *at != '.')
			return false;
	}
}

/* Eight groups of 1 to 4 digits, the last two maybe as IPv4; "::" once for one or more groups of zeros. */
static bool is_ipv6(const char *at, const char *end)
{
	unsigned groups = 0;
	bool gap = false;

	while (at < end) {
		const char *start;

		if (end - at >= 2 && at[0] == ':' && at[1] == ':') {
			if (gap)
				return false;
			gap = true;
			at += 2;
			continue;
		}
		if (groups > 0 && at[-1] != ':' && *at++ != ':')
			return false;
		start = at;
		while (at < end && is_hex(*at) && at - start < 4)
			at++;
		if (at == start)
			return false;
		if (at < end && *at == '.') {
			groups += 2;
			if (!is_ipv4(start, end))
				return false;
			break;
		}
		groups++;
	}
	return gap ? groups <= 7 : groups == 8;
}

/* "[" ( IPv6address / IPvFuture ) "]" without the brackets; IPvFuture = "v" 1*HEXDIG "." 1*( unreserved / sub-delims / ":" ) */
static bool is_ip_literal(const char *at, const char *end)
{
	const char *start;

	if (at == end || (*at != 'v' && *at != 'V'))
		return is_ipv6(at, end);
	start = ++at;
	while (at < end && is_hex(*at))
		at++;
	if (at == start || at == end || *at != '.' || at + 1 == end || memchr(at, '%', (size_t)(end - at)))
		return false;
	return all_plain(at + 1, end, ":");
}

static const char *find_last(const char *at, const char *end, char c)
{
	for (const char *p = end; p > at; p--)
		if (p[-1] == c)
			return p - 1;
	return NULL;
}

/* [ userinfo "@" ] host [ ":" port ]; *empty: the host has no character. */
static bool is_authority(bool *empty, const char *at, const char *end)
{
	const char *sign = memchr(at, '@', (size_t)(end - at)), *colon;

	if (sign) {
		if (!all_plain(at, sign, ":"))
			return false;
		at = sign + 1;
	}
	if (at < end && *at == '[') {
		const char *close = memchr(at, ']', (size_t)(end - at));

		*empty = false;
		if (!close || !is_ip_literal(at + 1, close))
			return false;
		at = close + 1;
		colon = at < end ? at : NULL;
		if (colon && *colon != ':')
			return false;
	} else {
		colon = find_last(at, end, ':');
		*empty = (colon ? colon : end) == at;
		/* reg-name; an IPv4address is one too */
		if (!all_plain(at, colon ? colon : end, ""))
			return false;
	}
	for (at = colon ? colon + 1 : end; at < end; at++)
		if (!is_digit(*at))
			return false;
	return true;
}

bool siwe_is_domain(struct did_slice text)
{
	bool empty = true;

	return text.len > 0 && is_authority(&empty, text.ptr, text.ptr + text.len) && !empty;
}

/* "//" authority path-abempty / path-absolute / path-rootless / path-empty */
static bool is_hier_part(const char *at, const char *end)
{
	if (end - at >= 2 && at[0] == '/' && at[1] == '/') {
		const char *path = memchr(at + 2, '/', (size_t)(end - at - 2));
		bool empty;

		if (!is_authority(&empty, at + 2, path ? path : end))
			return false;
		at = path ? path : end;
	}
	return all_plain(at, end, ":@/");
}

bool siwe_is_uri(struct did_slice text)
{
	const char *at = text.ptr, *end, *hash, *query;

	if (text.len == 0 || !is_alpha(*at))
		return false;
	end = at + text.len;
	while (at < end && (is_alpha(*at) || is_digit(*at) || is_one_of(*at, "+-.")))
		at++;
	if (at == end || *at++ != ':')
		return false;
	hash = memchr(at, '#', (size_t)(end - at));
	if (hash && !all_plain(hash + 1, end, ":@/?"))
		return false;
	end = hash ? hash : end;
	query = memchr(at, '?', (size_t)(end - at));
	if (query && !all_plain(query + 1, end, ":@/?"))
		return false;
	return is_hier_part(at, query ? query : end);
}
