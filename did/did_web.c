/* did:web: what may be asked for, and where it lives. */
#include "did/did_web.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_ldh(char c)
{
	return is_digit(c) || (c >= 'a' && c <= 'z') || c == '-';
}

/* RFC 1035 labels of letters, digits and hyphens. */
static bool label_ok(const char *label, size_t len)
{
	if (len == 0 || len > 63 || label[0] == '-' || label[len - 1] == '-')
		return false;
	for (size_t i = 0; i < len; i++)
		if (!is_ldh(label[i]))
			return false;
	return true;
}

/* URL parsers read a host whose last label is a number, decimal, octal or hexadecimal, as an IPv4 address. */
static bool label_is_number(const char *label, size_t len)
{
	size_t i = 0;

	if (len >= 2 && label[0] == '0' && label[1] == 'x')
		return true;
	while (i < len && is_digit(label[i]))
		i++;
	return i == len;
}

static bool host_ok(const char *host, size_t len)
{
	size_t start = 0;

	if (len == 0 || len >= DID_WEB_HOST_SIZE)
		return false;
	for (size_t i = 0; i <= len; i++) {
		if (i < len && host[i] != '.')
			continue;
		if (!label_ok(host + start, i - start))
			return false;
		if (i == len && label_is_number(host + start, i - start))
			return false;
		start = i + 1;
	}
	return true;
}

static bool ends_with(const char *host, size_t len, const char *suffix)
{
	size_t n = strlen(suffix);

	return len >= n && memcmp(host + len - n, suffix, n) == 0;
}

/* Names that only a private network answers. */
static bool host_is_public(const char *host, size_t len)
{
	return memchr(host, '.', len) && !ends_with(host, len, ".localhost") && !ends_with(host, len, ".local") &&
	       !ends_with(host, len, ".internal");
}

/* 1 to 65535 in decimal without leading zeros, or 0. */
static uint16_t port_value(const char *text, size_t len)
{
	unsigned port = 0;

	if (len == 0 || len > 5 || text[0] == '0')
		return 0;
	for (size_t i = 0; i < len; i++) {
		if (!is_digit(text[i]))
			return 0;
		port = port * 10 + (unsigned)(text[i] - '0');
	}
	return port <= 65535 ? (uint16_t)port : 0;
}

static int parse_authority(struct did_web *out, const char *text, size_t len)
{
	const char *escape = memchr(text, '%', len);
	size_t host_len = escape ? (size_t)(escape - text) : len;

	if (escape) {
		if (len - host_len < 3 || escape[1] != '3' || (escape[2] | 0x20) != 'a')
			return -EBADMSG;
		out->port = port_value(escape + 3, len - host_len - 3);
		if (out->port == 0)
			return -EBADMSG;
	}
	if (host_len >= DID_WEB_HOST_SIZE)
		return -EBADMSG;
	for (size_t i = 0; i < host_len; i++)
		out->host[i] = text[i] >= 'A' && text[i] <= 'Z' ? (char)(text[i] | 0x20) : text[i];
	out->host[host_len] = '\0';
	return host_ok(out->host, host_len) && host_is_public(out->host, host_len) ? 0 : -EBADMSG;
}

/* A resolver that decodes and one that does not must reach the same place, so escapes of anything with a meaning in a
 * path are refused. text is well-formed. */
static bool segment_ok(const char *text, size_t len)
{
	if (len == 0 || (len == 1 && text[0] == '.') || (len == 2 && text[0] == '.' && text[1] == '.'))
		return false;
	for (size_t i = 0; i < len; i++) {
		struct did_slice escape = {text + i, 3};
		size_t n;
		char c;

		if (text[i] != '%')
			continue;
		if (did_percent_decode(&c, &n, 1, escape) != 0)
			return false;
		if ((unsigned char)c < 0x80 && !is_ldh(c) && !(c >= 'A' && c <= 'Z') && c != '_' && c != '~')
			return false;
		i += 2;
	}
	return true;
}

static bool path_ok(struct did_slice path)
{
	size_t start = 0;

	for (size_t i = 0; i <= path.len; i++) {
		if (i < path.len && path.ptr[i] != ':')
			continue;
		if (!segment_ok(path.ptr + start, i - start))
			return false;
		start = i + 1;
	}
	return true;
}

int did_web_parse(struct did_web *out, const char *did, size_t len)
{
	struct did_url url;
	const char *colon;
	size_t authority;
	int rc;

	memset(out, 0, sizeof(*out));
	rc = did_parse(&url, did, len);
	if (rc != 0)
		return rc;
	if (!did_slice_is(url.method, "web"))
		return -EBADMSG;
	colon = memchr(url.id.ptr, ':', url.id.len);
	authority = colon ? (size_t)(colon - url.id.ptr) : url.id.len;
	rc = parse_authority(out, url.id.ptr, authority);
	if (rc != 0 || !colon)
		return rc;
	out->path = (struct did_slice){colon + 1, url.id.len - authority - 1};
	return path_ok(out->path) ? 0 : -EBADMSG;
}

int did_web_url(char *out, size_t cap, const struct did_web *web)
{
	char port[8] = "";
	int n;

	if (web->port)
		snprintf(port, sizeof(port), ":%u", (unsigned)web->port);
	if (web->path.len == 0) {
		n = snprintf(out, cap, "https://%s%s/.well-known/did.json", web->host, port);
		return n >= 0 && (size_t)n < cap ? 0 : -ENOSPC;
	}
	n = snprintf(out, cap, "https://%s%s/%.*s/did.json", web->host, port, (int)web->path.len, web->path.ptr);
	if (n < 0 || (size_t)n >= cap)
		return -ENOSPC;
	for (char *c = out + strlen("https://") + strlen(web->host) + strlen(port); *c; c++)
		if (*c == ':')
			*c = '/';
	return 0;
}

int did_web_from_host(char *out, size_t cap, const char *host)
{
	const char *colon = strchr(host, ':');
	size_t host_len = colon ? (size_t)(colon - host) : strlen(host);
	int n;

	if (!host_ok(host, host_len))
		return -EBADMSG;
	if (colon && port_value(colon + 1, strlen(colon + 1)) == 0)
		return -EBADMSG;
	n = snprintf(out, cap, "did:web:%.*s%s%s", (int)host_len, host, colon ? "%3A" : "", colon ? colon + 1 : "");
	return n >= 0 && (size_t)n < cap ? 0 : -ENOSPC;
}
