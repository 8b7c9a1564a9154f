/* Which of the forms a token URI has, tried from the surest sign to the weakest. */
#include "gateway/fetch/uri.h"
#include "eth/hex.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

struct span {
	const char *ptr;
	size_t len;
};

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static bool begins(struct span text, const char *prefix)
{
	size_t len = strlen(prefix);

	return text.len >= len && strncasecmp(text.ptr, prefix, len) == 0;
}

static struct span after(struct span text, size_t n)
{
	return (struct span){text.ptr + n, text.len - n};
}

static struct span trimmed(struct span text)
{
	while (text.len > 0 && is_space(text.ptr[0]))
		text = after(text, 1);
	while (text.len > 0 && is_space(text.ptr[text.len - 1]))
		text.len--;
	return text;
}

/* The byte of the percent escape that stands at `at`; -1: none does. */
static int escaped(struct span text, size_t at)
{
	bool room = text.len - at >= 3 && text.ptr[at] == '%';
	int high = room ? hex_digit(text.ptr[at + 1]) : -1, low = room ? hex_digit(text.ptr[at + 2]) : -1;

	return high < 0 || low < 0 ? -1 : high * 16 + low;
}

static int percent_decode(uint8_t *out, size_t *out_len, size_t cap, struct span text)
{
	size_t len = 0;

	for (size_t i = 0; i < text.len; i++) {
		bool is_escape = text.ptr[i] == '%';
		int byte = is_escape ? escaped(text, i) : (unsigned char)text.ptr[i];

		if (byte < 0)
			return -EBADMSG;
		if (len == cap)
			return -ENOSPC;
		out[len++] = (uint8_t)byte;
		i += is_escape ? 2 : 0;
	}
	*out_len = len;
	return 0;
}

/* ---- base64 ---- */

static int base64_value(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	if (c == '+' || c == '-')
		return 62;
	return c == '/' || c == '_' ? 63 : -1;
}

/* Padding may be left out; when it stands there it must be whole (RFC 4648 §3.2). */
static int strip_padding(size_t *len, const char *text)
{
	size_t pads = 0;

	while (pads < 2 && pads < *len && text[*len - 1 - pads] == '=')
		pads++;
	if (pads != 0 && *len % 4 != 0)
		return -EBADMSG;
	*len -= pads;
	return *len % 4 == 1 ? -EBADMSG : 0;
}

/* RFC 4648 §3.5: pad bits that are not zero would let one content have many texts. */
static int read_base64(uint8_t *out, size_t *out_len, size_t cap, const char *text, size_t len)
{
	bool standard = false, url = false;
	unsigned bits = 0, held = 0;
	size_t n = 0;
	int rc = strip_padding(&len, text);

	for (size_t i = 0; rc == 0 && i < len; i++) {
		int value = base64_value(text[i]);

		if (value < 0)
			return -EBADMSG;
		standard = standard || text[i] == '+' || text[i] == '/';
		url = url || text[i] == '-' || text[i] == '_';
		held = held << 6 | (unsigned)value;
		bits += 6;
		if (bits < 8)
			continue;
		if (n == cap)
			return -ENOSPC;
		bits -= 8;
		out[n++] = (uint8_t)(held >> bits);
		held &= (1U << bits) - 1;
	}
	if (rc != 0 || held != 0 || (standard && url))
		return -EBADMSG;
	*out_len = n;
	return 0;
}

/* ---- data: ---- */

static bool label_is_base64(struct span head)
{
	static const char word[] = ";base64";
	size_t len = strlen(word);

	return head.len >= len && strncasecmp(head.ptr + head.len - len, word, len) == 0;
}

/* RFC 2397: data:[<mediatype>][;base64],<data> */
static int read_data(struct uri *out, uint8_t *body, size_t cap, struct span text)
{
	const char *comma = memchr(text.ptr, ',', text.len);
	struct span head, data;

	if (comma == NULL)
		return -EBADMSG;
	head = (struct span){text.ptr, (size_t)(comma - text.ptr)};
	data = trimmed(after(text, head.len + 1));
	out->kind = URI_BYTES;
	out->form = "data-percent";
	if (!label_is_base64(head))
		return percent_decode(body, &out->len, cap, data);
	/* "{" and "%" are in neither alphabet: whoever wrote this forgot to encode, and 8004scan reads it all the same */
	if (begins(data, "{") || begins(data, "%7b")) {
		out->form = "data-json";
		return percent_decode(body, &out->len, cap, data);
	}
	out->form = "data-base64";
	return read_base64(body, &out->len, cap, data.ptr, data.len);
}

/* ---- http(s) ---- */

static int read_port(uint16_t *port, struct span text)
{
	unsigned value = 0;

	if (text.len == 0 || text.len > 5)
		return -EBADMSG;
	for (size_t i = 0; i < text.len; i++) {
		if (text.ptr[i] < '0' || text.ptr[i] > '9')
			return -EBADMSG;
		value = value * 10 + (unsigned)(text.ptr[i] - '0');
	}
	*port = (uint16_t)value;
	return value == 0 || value > 65535 ? -EBADMSG : 0;
}

static int read_authority(struct uri_web *out, struct span text)
{
	const char *colon = memchr(text.ptr, ':', text.len);
	size_t len = colon != NULL ? (size_t)(colon - text.ptr) : text.len;

	out->port = out->tls ? 443 : 80;
	if (colon != NULL && read_port(&out->port, after(text, len + 1)) != 0)
		return -EBADMSG;
	if (len == 0 || len >= sizeof(out->host))
		return -EBADMSG;
	/* userinfo, brackets, escapes and every other trick with a host end here */
	for (size_t i = 0; i < len; i++) {
		if (!isalnum((unsigned char)text.ptr[i]) && text.ptr[i] != '-' && text.ptr[i] != '.')
			return -EBADMSG;
		out->host[i] = (char)tolower((unsigned char)text.ptr[i]);
	}
	out->host[len] = '\0';
	return 0;
}

/* Path and query; visible ASCII only, so that nothing can end a request line. */
static int read_target(struct uri_web *out, struct span text)
{
	const char *hash = memchr(text.ptr, '#', text.len);
	size_t n = 0;

	if (hash != NULL)
		text.len = (size_t)(hash - text.ptr);
	if (text.len + 2 > sizeof(out->path))
		return -EOVERFLOW;
	if (text.len == 0 || text.ptr[0] != '/')
		out->path[n++] = '/';
	for (size_t i = 0; i < text.len; i++) {
		char c = text.ptr[i];

		if (c <= ' ' || c > '~' || c == '\\' || c == '"' || c == '<' || c == '>' || (c == '%' && escaped(text, i) < 0))
			return -EBADMSG;
		out->path[n++] = c;
	}
	out->path[n] = '\0';
	return 0;
}

static int read_web(struct uri_web *out, struct span text)
{
	size_t end;

	memset(out, 0, sizeof(*out));
	out->tls = begins(text, "https://");
	if (!out->tls && !begins(text, "http://"))
		return -EBADMSG;
	text = after(text, out->tls ? 8 : 7);
	for (end = 0; end < text.len && text.ptr[end] != '/' && text.ptr[end] != '?' && text.ptr[end] != '#'; end++)
		;
	if (read_authority(out, (struct span){text.ptr, end}) != 0)
		return -EBADMSG;
	return read_target(out, after(text, end));
}

int uri_web_read(struct uri_web *out, const char *text, size_t len)
{
	return read_web(out, (struct span){text, len});
}

/* ---- ipfs ---- */

/* "a/b/" below a CID; escapes are decoded, since directory entries are named by plain bytes. */
static int read_ipfs_path(struct uri_ipfs *out, struct span text)
{
	size_t len;
	int rc;

	for (size_t i = 0; i < text.len; i++)
		if (text.ptr[i] == '?' || text.ptr[i] == '#')
			text.len = i;
	while (text.len > 0 && text.ptr[0] == '/')
		text = after(text, 1);
	while (text.len > 0 && text.ptr[text.len - 1] == '/')
		text.len--;
	rc = percent_decode((uint8_t *)out->path, &len, sizeof(out->path) - 1, text);
	if (rc != 0)
		return rc == -ENOSPC ? -EOVERFLOW : rc;
	out->path[len] = '\0';
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)out->path[i] < 0x20 || out->path[i] == 0x7f)
			return -EBADMSG;
	return 0;
}

/* CID[/path] */
static int read_ipfs(struct uri *out, const char *form, struct span text)
{
	struct cid cid;
	size_t end = 0;
	int rc;

	while (end < text.len && isalnum((unsigned char)text.ptr[end]))
		end++;
	if (end < text.len && strchr("/?#", text.ptr[end]) == NULL)
		return -EBADMSG;
	rc = cid_parse(&cid, text.ptr, end);
	if (rc != 0)
		return rc;
	out->kind = URI_IPFS;
	out->form = form;
	memset(&out->ipfs, 0, sizeof(out->ipfs));
	out->ipfs.cid = cid;
	return read_ipfs_path(&out->ipfs, after(text, end));
}

/* https://GATEWAY/ipfs/CID/path and https://CID.ipfs.GATEWAY/path: a statement about a CID, whoever serves it. */
static bool read_gateway(struct uri *out)
{
	struct uri_web web = out->web;
	size_t label = strcspn(web.host, ".");
	struct cid cid;

	if (strncmp(web.path, "/ipfs/", 6) == 0) {
		struct uri inner = *out;

		if (read_ipfs(&inner, "ipfs-gateway", (struct span){web.path + 6, strlen(web.path + 6)}) != 0)
			return false;
		*out = inner;
	} else if (strncmp(web.host + label, ".ipfs.", 6) == 0 && cid_parse(&cid, web.host, label) == 0) {
		out->kind = URI_IPFS;
		out->form = "ipfs-gateway";
		memset(&out->ipfs, 0, sizeof(out->ipfs));
		out->ipfs.cid = cid;
		if (read_ipfs_path(&out->ipfs, (struct span){web.path, strlen(web.path)}) != 0) {
			out->kind = URI_WEB;
			out->web = web;
			return false;
		}
		memmove(web.host, web.host + label + 6, strlen(web.host + label + 6) + 1);
	} else {
		return false;
	}
	out->ipfs.has_gateway = true;
	out->ipfs.gateway = web;
	memcpy(out->ipfs.gateway.path, "/ipfs/", 7);
	return true;
}

/* ---- all ---- */

static int read_scheme(struct uri *out, struct span text)
{
	size_t len = 0;

	if (text.len == 0 || !isalpha((unsigned char)text.ptr[0]))
		return -EILSEQ;
	while (len < text.len && (isalnum((unsigned char)text.ptr[len]) || strchr("+-.", text.ptr[len]) != NULL) &&
	       text.ptr[len] != '\0')
		len++;
	if (len == text.len || text.ptr[len] != ':')
		return -EILSEQ;
	out->kind = URI_OTHER;
	out->form = "other";
	for (size_t i = 0; i < len && i + 1 < sizeof(out->scheme); i++)
		out->scheme[i] = (char)tolower((unsigned char)text.ptr[i]);
	return 0;
}

static int read_bare(struct uri *out, struct span text)
{
	int rc = read_ipfs(out, "ipfs-cid", text);

	if (rc != -EBADMSG || out->kind == URI_IPFS)
		return rc;
	return read_scheme(out, text);
}

static int read_json(struct uri *out, uint8_t *body, size_t cap, struct span text)
{
	if (text.len > cap)
		return -ENOSPC;
	memcpy(body, text.ptr, text.len);
	out->kind = URI_BYTES;
	out->form = "json";
	out->len = text.len;
	return 0;
}

int uri_read(struct uri *out, uint8_t *body, size_t cap, const char *text_ptr, size_t text_len)
{
	struct span text = trimmed((struct span){text_ptr, text_len});
	int rc;

	memset(out, 0, sizeof(*out));
	out->form = "none";
	if (text_len > URI_TEXT_MAX)
		return -EOVERFLOW;
	if (text.len == 0)
		return 0;
	if (text.ptr[0] == '{')
		return read_json(out, body, cap, text);
	if (begins(text, "data:"))
		return read_data(out, body, cap, text);
	if (begins(text, "ipfs://ipfs/"))
		return read_ipfs(out, "ipfs", after(text, 12));
	if (begins(text, "ipfs://"))
		return read_ipfs(out, "ipfs", after(text, 7));
	if (begins(text, "/ipfs/"))
		return read_ipfs(out, "ipfs-cid", after(text, 6));
	if (begins(text, "https://") || begins(text, "http://")) {
		rc = read_web(&out->web, text);
		if (rc != 0)
			return rc;
		out->kind = URI_WEB;
		out->form = out->web.tls ? "https" : "http";
		(void)read_gateway(out);
		return 0;
	}
	return read_bare(out, text);
}
