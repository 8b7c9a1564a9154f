/* The message as ERC-4361's ABNF has it, line by line: one table of its lines for reader and writer. */
#include "did/siwe.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static const char wants[] = " wants you to sign in with your Ethereum account:";

static const char *const names[] = {
	[SIWE_NONE] = "",
	[SIWE_LENGTH] = "the whole message",
	[SIWE_SCHEME] = "scheme",
	[SIWE_DOMAIN] = "domain",
	[SIWE_ADDRESS] = "address",
	[SIWE_STATEMENT] = "statement",
	[SIWE_URI] = "URI",
	[SIWE_VERSION] = "Version",
	[SIWE_CHAIN_ID] = "Chain ID",
	[SIWE_NONCE] = "Nonce",
	[SIWE_ISSUED_AT] = "Issued At",
	[SIWE_EXPIRATION_TIME] = "Expiration Time",
	[SIWE_NOT_BEFORE] = "Not Before",
	[SIWE_REQUEST_ID] = "Request ID",
	[SIWE_RESOURCES] = "Resources",
	[SIWE_END] = "what stands after the message",
};

const char *siwe_part_name(enum siwe_part part)
{
	return part <= SIWE_END ? names[part] : "";
}

/* ---- what each part may be ---- */

static bool is_alnum(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

static bool all_of(struct did_slice text, const char *more)
{
	for (size_t i = 0; i < text.len; i++)
		if (!is_alnum(text.ptr[i]) && (text.ptr[i] == '\0' || !strchr(more, text.ptr[i])))
			return false;
	return true;
}

/* ALPHA *( ALPHA / DIGIT / "+" / "-" / "." ) */
static bool scheme_ok(struct did_slice text)
{
	return text.len > 0 && is_alnum(*text.ptr) && !(*text.ptr >= '0' && *text.ptr <= '9') && all_of(text, "+-.");
}

/* *( reserved / unreserved / " " ) */
static bool statement_ok(struct did_slice text)
{
	return all_of(text, ":/?#[]@!$&'()*+,;=-._~ ");
}

/* 8*( ALPHA / DIGIT ) */
static bool nonce_ok(struct did_slice text)
{
	return text.len >= 8 && all_of(text, "");
}

/* *pchar: what a URI's path may hold in one segment */
static bool request_id_ok(struct did_slice text)
{
	char uri[SIWE_MESSAGE_MAX + 2] = {'a', ':'};

	if (text.len > SIWE_MESSAGE_MAX || (text.len > 0 && memchr(text.ptr, '/', text.len)) ||
	    (text.len > 0 && (memchr(text.ptr, '?', text.len) || memchr(text.ptr, '#', text.len))))
		return false;
	if (text.len > 0)
		memcpy(uri + 2, text.ptr, text.len);
	return siwe_is_uri((struct did_slice){uri, text.len + 2});
}

/* ---- reading ---- */

struct reader {
	const char *at, *end; /* at NULL: behind the last line */
	enum siwe_part part;  /* the first that is wrong */
};

static void wrong(struct reader *in, enum siwe_part part)
{
	if (in->part == SIWE_NONE)
		in->part = part;
}

/* Up to the next LF or the end. */
static struct did_slice next_line(struct reader *in, enum siwe_part part)
{
	struct did_slice line = {in->at, 0};
	const char *lf;

	if (!in->at) {
		wrong(in, part);
		return (struct did_slice){"", 0};
	}
	lf = memchr(in->at, '\n', (size_t)(in->end - in->at));
	line.len = (size_t)((lf ? lf : in->end) - in->at);
	in->at = lf ? lf + 1 : NULL;
	return line;
}

static bool begins(const struct reader *in, const char *with)
{
	size_t len = strlen(with);

	return in->at && (size_t)(in->end - in->at) >= len && memcmp(in->at, with, len) == 0;
}

/* The line that begins so, without that. */
static struct did_slice field(struct reader *in, const char *label, enum siwe_part part)
{
	bool there = begins(in, label);
	struct did_slice line = next_line(in, part);

	if (!there) {
		wrong(in, part);
		return (struct did_slice){"", 0};
	}
	return (struct did_slice){line.ptr + strlen(label), line.len - strlen(label)};
}

static struct did_slice optional(struct reader *in, const char *label, enum siwe_part part)
{
	return begins(in, label) ? field(in, label, part) : (struct did_slice){NULL, 0};
}

static void read_first(struct reader *in, struct siwe_message *out)
{
	struct did_slice line = next_line(in, SIWE_DOMAIN);
	size_t tail = sizeof(wants) - 1;
	const char *colon;

	if (line.len < tail || memcmp(line.ptr + line.len - tail, wants, tail) != 0) {
		wrong(in, SIWE_DOMAIN);
		return;
	}
	line.len -= tail;
	colon = line.len >= 3 ? memmem(line.ptr, line.len, "://", 3) : NULL;
	if (colon) {
		out->scheme = (struct did_slice){line.ptr, (size_t)(colon - line.ptr)};
		if (!scheme_ok(out->scheme))
			wrong(in, SIWE_SCHEME);
		line = (struct did_slice){colon + 3, line.len - out->scheme.len - 3};
	}
	out->domain = line;
	if (!siwe_is_domain(line))
		wrong(in, SIWE_DOMAIN);
}

static void read_address(struct reader *in, struct siwe_message *out)
{
	struct did_slice line = next_line(in, SIWE_ADDRESS);
	char spelt[ADDRESS_TEXT_SIZE];

	if (address_parse(&out->address, line.ptr, line.len) != 0) {
		wrong(in, SIWE_ADDRESS);
		return;
	}
	address_format_eip55(spelt, &out->address);
	if (memcmp(spelt, line.ptr, line.len) != 0)
		wrong(in, SIWE_ADDRESS);
}

/* LF [ statement LF ] LF: an empty line that is followed by the URI is the one LF, with no statement before it. */
static void read_statement(struct reader *in, struct siwe_message *out)
{
	struct did_slice line;

	if (next_line(in, SIWE_STATEMENT).len != 0)
		wrong(in, SIWE_STATEMENT);
	line = next_line(in, SIWE_STATEMENT);
	if (line.len == 0 && begins(in, "URI: "))
		return;
	out->statement = line;
	if (!statement_ok(line) || next_line(in, SIWE_STATEMENT).len != 0)
		wrong(in, SIWE_STATEMENT);
}

static void read_chain_id(struct reader *in, struct siwe_message *out)
{
	struct did_slice line = field(in, "Chain ID: ", SIWE_CHAIN_ID);
	bool ok = line.len > 0 && (line.len == 1 || *line.ptr != '0');

	for (size_t i = 0; ok && i < line.len; i++)
		ok = line.ptr[i] >= '0' && line.ptr[i] <= '9' && !__builtin_mul_overflow(out->chain_id, 10, &out->chain_id) &&
		     !__builtin_add_overflow(out->chain_id, (uint64_t)(line.ptr[i] - '0'), &out->chain_id);
	if (!ok)
		wrong(in, SIWE_CHAIN_ID);
}

static void read_time(struct reader *in, struct siwe_time *out, struct did_slice text, enum siwe_part part)
{
	out->text = text;
	if (text.ptr && siwe_time_parse(&out->ms, text) != 0)
		wrong(in, part);
}

static int read_resources(struct reader *in, struct siwe_message *out)
{
	if (!begins(in, "Resources:"))
		return 0;
	if (next_line(in, SIWE_RESOURCES).len != strlen("Resources:"))
		wrong(in, SIWE_RESOURCES);
	out->has_resources = true;
	while (begins(in, "- ")) {
		struct did_slice resource = field(in, "- ", SIWE_RESOURCES);

		if (out->nresources == SIWE_RESOURCES_MAX) {
			wrong(in, SIWE_RESOURCES);
			return -EOVERFLOW;
		}
		if (!siwe_is_uri(resource))
			wrong(in, SIWE_RESOURCES);
		out->resources[out->nresources++] = resource;
	}
	return 0;
}

static int read_message(struct reader *in, struct siwe_message *out)
{
	int rc;

	read_first(in, out);
	read_address(in, out);
	read_statement(in, out);
	out->uri = field(in, "URI: ", SIWE_URI);
	if (!siwe_is_uri(out->uri))
		wrong(in, SIWE_URI);
	if (!did_slice_is(field(in, "Version: ", SIWE_VERSION), "1"))
		wrong(in, SIWE_VERSION);
	read_chain_id(in, out);
	out->nonce = field(in, "Nonce: ", SIWE_NONCE);
	if (!nonce_ok(out->nonce))
		wrong(in, SIWE_NONCE);
	read_time(in, &out->issued_at, field(in, "Issued At: ", SIWE_ISSUED_AT), SIWE_ISSUED_AT);
	read_time(in, &out->expiration_time, optional(in, "Expiration Time: ", SIWE_EXPIRATION_TIME), SIWE_EXPIRATION_TIME);
	read_time(in, &out->not_before, optional(in, "Not Before: ", SIWE_NOT_BEFORE), SIWE_NOT_BEFORE);
	out->request_id = optional(in, "Request ID: ", SIWE_REQUEST_ID);
	if (out->request_id.ptr && !request_id_ok(out->request_id))
		wrong(in, SIWE_REQUEST_ID);
	rc = read_resources(in, out);
	if (in->at)
		wrong(in, SIWE_END);
	return rc;
}

int siwe_parse(struct siwe_message *out, enum siwe_part *part, const char *text, size_t len)
{
	struct reader in = {.at = text, .end = text + len, .part = SIWE_NONE};
	int rc = 0;

	memset(out, 0, sizeof(*out));
	if (len > SIWE_MESSAGE_MAX) {
		in.part = SIWE_LENGTH;
		rc = -EOVERFLOW;
	} else {
		rc = read_message(&in, out);
	}
	if (part)
		*part = in.part;
	if (rc == 0 && in.part != SIWE_NONE)
		rc = -EBADMSG;
	return rc;
}

/* ---- writing ---- */

struct writer {
	char *out;
	size_t len, cap;
	bool full;
};

static void put(struct writer *w, const char *text, size_t len)
{
	w->full |= len > w->cap - w->len;
	if (w->full)
		return;
	if (len > 0)
		memcpy(w->out + w->len, text, len);
	w->len += len;
}

static void put_text(struct writer *w, const char *text)
{
	put(w, text, strlen(text));
}

static void put_slice(struct writer *w, const char *label, struct did_slice text)
{
	if (!text.ptr)
		return;
	put_text(w, label);
	put(w, text.ptr, text.len);
}

static bool time_ok(struct did_slice text, bool required)
{
	int64_t ms;

	return text.ptr ? siwe_time_parse(&ms, text) == 0 : !required;
}

/* The first part that could not be read again. */
static enum siwe_part first_wrong(const struct siwe_message *m)
{
	if (m->scheme.ptr && !scheme_ok(m->scheme))
		return SIWE_SCHEME;
	if (!m->domain.ptr || !siwe_is_domain(m->domain))
		return SIWE_DOMAIN;
	if (m->statement.ptr && !statement_ok(m->statement))
		return SIWE_STATEMENT;
	if (!siwe_is_uri(m->uri))
		return SIWE_URI;
	if (!m->nonce.ptr || !nonce_ok(m->nonce))
		return SIWE_NONCE;
	if (!time_ok(m->issued_at.text, true))
		return SIWE_ISSUED_AT;
	if (!time_ok(m->expiration_time.text, false))
		return SIWE_EXPIRATION_TIME;
	if (!time_ok(m->not_before.text, false))
		return SIWE_NOT_BEFORE;
	if (m->request_id.ptr && !request_id_ok(m->request_id))
		return SIWE_REQUEST_ID;
	if (m->nresources > (m->has_resources ? SIWE_RESOURCES_MAX : 0))
		return SIWE_RESOURCES;
	for (size_t i = 0; i < m->nresources; i++)
		if (!siwe_is_uri(m->resources[i]))
			return SIWE_RESOURCES;
	return SIWE_NONE;
}

static void write_message(struct writer *w, const struct siwe_message *m)
{
	char number[24], address[ADDRESS_TEXT_SIZE];

	put_slice(w, "", m->scheme);
	if (m->scheme.ptr)
		put_text(w, "://");
	put_slice(w, "", m->domain);
	put_text(w, wants);
	put_text(w, "\n");
	address_format_eip55(address, &m->address);
	put_text(w, address);
	put_text(w, "\n\n");
	put_slice(w, "", m->statement);
	if (m->statement.ptr)
		put_text(w, "\n");
	put_slice(w, "\nURI: ", m->uri);
	(void)snprintf(number, sizeof(number), "%ju", (uintmax_t)m->chain_id);
	put_text(w, "\nVersion: 1\nChain ID: ");
	put_text(w, number);
	put_slice(w, "\nNonce: ", m->nonce);
	put_slice(w, "\nIssued At: ", m->issued_at.text);
	put_slice(w, "\nExpiration Time: ", m->expiration_time.text);
	put_slice(w, "\nNot Before: ", m->not_before.text);
	put_slice(w, "\nRequest ID: ", m->request_id);
	if (m->has_resources)
		put_text(w, "\nResources:");
	for (size_t i = 0; i < m->nresources; i++)
		put_slice(w, "\n- ", m->resources[i]);
}

int siwe_format(char *out, size_t *len, size_t cap, enum siwe_part *part, const struct siwe_message *message)
{
	struct writer w = {.out = out, .cap = cap < SIWE_MESSAGE_MAX ? cap : SIWE_MESSAGE_MAX};
	enum siwe_part found = first_wrong(message);

	if (part)
		*part = found;
	if (found != SIWE_NONE)
		return -EINVAL;
	write_message(&w, message);
	if (w.full)
		return -ENOSPC;
	*len = w.len;
	return 0;
}
