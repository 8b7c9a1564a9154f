/* Content negotiation (RFC 9110 section 12.5.1) over the few types that are served. */
#include "did/resolution.h"

#include "did/did.h"

#include <string.h>
#include <strings.h>

#define ACCEPT_MAX 1024
#define RANGES_MAX 32
#define PROFILE "https://w3id.org/did-resolution"

/* One media range of the header. */
struct range {
	struct did_slice type; /* "application/did", without parameters */
	unsigned quality;      /* thousandths */
	bool profile;	       /* profile="https://w3id.org/did-resolution" */
};

struct ranges {
	size_t count;
	struct range items[RANGES_MAX];
};

/* A type that may be answered with. */
struct offer {
	const char *type;
	bool profile; /* only if the range has the profile (true) or only if not (false) */
	enum resolution_form form;
	enum resolution_offer least; /* there from this on */
};

/* How well the header likes an offer; compared member by member. */
struct rank {
	unsigned quality;
	unsigned exactness; /* 3 named, 2 type/any, 1 any, 0 not at all */
	bool metadata;
	size_t position; /* in the header, smaller is better */
};

static const struct offer resolver_offers[] = {
	{"application/did-resolution", false, RESOLUTION_RESULT, RESOLUTION_OFFER_DOCUMENT},
	{"application/ld+json", true, RESOLUTION_RESULT, RESOLUTION_OFFER_DOCUMENT},
	{"application/did-url-dereferencing", false, RESOLUTION_DEREFERENCING, RESOLUTION_OFFER_DOCUMENT},
	{"application/did", false, RESOLUTION_CONTENT, RESOLUTION_OFFER_DOCUMENT},
	{"application/did+json", false, RESOLUTION_CONTENT, RESOLUTION_OFFER_DOCUMENT},
	{"application/did+ld+json", false, RESOLUTION_CONTENT, RESOLUTION_OFFER_DOCUMENT},
	{"application/json", false, RESOLUTION_CONTENT, RESOLUTION_OFFER_DOCUMENT},
	{"application/ld+json", false, RESOLUTION_CONTENT, RESOLUTION_OFFER_DOCUMENT},
	{"text/uri-list", false, RESOLUTION_LOCATION, RESOLUTION_OFFER_SERVICE},
};

static const struct offer document_offers[] = {
	{"application/json", false, RESOLUTION_CONTENT, RESOLUTION_OFFER_DOCUMENT},
	{"application/did", false, RESOLUTION_CONTENT, RESOLUTION_OFFER_DOCUMENT},
	{"application/did+json", false, RESOLUTION_CONTENT, RESOLUTION_OFFER_DOCUMENT},
	{"application/did+ld+json", false, RESOLUTION_CONTENT, RESOLUTION_OFFER_DOCUMENT},
	{"application/ld+json", false, RESOLUTION_CONTENT, RESOLUTION_OFFER_DOCUMENT},
};

static struct did_slice trim(const char *text, size_t len)
{
	while (len > 0 && (*text == ' ' || *text == '\t')) {
		text++;
		len--;
	}
	while (len > 0 && (text[len - 1] == ' ' || text[len - 1] == '\t'))
		len--;
	return (struct did_slice){text, len};
}

/* What stands before the next separator outside a quoted string; *text moves behind it, to NULL at the end. */
static struct did_slice next_part(const char **text, const char *end, char separator)
{
	const char *start = *text, *at = start;
	bool quoted = false;

	for (; at < end && (quoted || *at != separator); at++) {
		if (quoted && *at == '\\' && end - at > 1)
			at++;
		else if (*at == '"')
			quoted = !quoted;
	}
	*text = at < end ? at + 1 : NULL;
	return trim(start, (size_t)(at - start));
}

static bool is_text(struct did_slice slice, const char *text)
{
	return slice.len == strlen(text) && strncasecmp(slice.ptr, text, slice.len) == 0;
}

/* weight = "0" [ "." 0*3DIGIT ] / "1" [ "." 0*3"0" ]; anything else counts as not acceptable. */
static unsigned weight(struct did_slice text)
{
	unsigned value, unit = 100;

	if (text.len == 0 || text.len > 5 || (text.ptr[0] != '0' && text.ptr[0] != '1') ||
	    (text.len > 1 && text.ptr[1] != '.'))
		return 0;
	value = text.ptr[0] == '1' ? 1000 : 0;
	for (size_t i = 2; i < text.len; i++, unit /= 10) {
		if (text.ptr[i] < '0' || text.ptr[i] > '9')
			return 0;
		value += (unsigned)(text.ptr[i] - '0') * unit;
	}
	return value <= 1000 ? value : 0;
}

static void read_parameter(struct range *range, struct did_slice part)
{
	const char *equals = memchr(part.ptr, '=', part.len);
	struct did_slice name, value;

	if (!equals)
		return;
	name = trim(part.ptr, (size_t)(equals - part.ptr));
	value = trim(equals + 1, part.len - (size_t)(equals - part.ptr) - 1);
	if (value.len >= 2 && value.ptr[0] == '"' && value.ptr[value.len - 1] == '"')
		value = (struct did_slice){value.ptr + 1, value.len - 2};
	if (is_text(name, "q"))
		range->quality = weight(value);
	else if (is_text(name, "profile"))
		range->profile = did_slice_is(value, PROFILE);
}

static bool read_ranges(struct ranges *out, const char *accept)
{
	size_t len = strnlen(accept, ACCEPT_MAX + 1);
	const char *end = accept + len, *at = accept;

	out->count = 0;
	if (len > ACCEPT_MAX)
		return false;
	while (at) {
		struct did_slice element = next_part(&at, end, ',');
		const char *inner = element.ptr;
		struct range range = {.quality = 1000};

		if (element.len == 0)
			continue;
		if (out->count == RANGES_MAX)
			return false;
		range.type = next_part(&inner, element.ptr + element.len, ';');
		while (inner)
			read_parameter(&range, next_part(&inner, element.ptr + element.len, ';'));
		out->items[out->count++] = range;
	}
	return true;
}

static unsigned exactness(const struct range *range, const struct offer *offer)
{
	if (is_text(range->type, offer->type))
		return range->profile == offer->profile || !is_text(range->type, "application/ld+json") ? 3 : 0;
	if (offer->profile)
		return 0;
	if (is_text(range->type, strncmp(offer->type, "text/", 5) == 0 ? "text/*" : "application/*"))
		return 2;
	return is_text(range->type, "*/*") ? 1 : 0;
}

/* The most exact range decides about an offer, whatever less exact ones say. */
static struct rank rank_offer(const struct offer *offer, const struct ranges *ranges)
{
	struct rank best = {.metadata = offer->form == RESOLUTION_RESULT || offer->form == RESOLUTION_DEREFERENCING};

	for (size_t i = 0; i < ranges->count; i++) {
		unsigned exact = exactness(&ranges->items[i], offer);

		if (exact <= best.exactness)
			continue;
		best.exactness = exact;
		best.quality = ranges->items[i].quality;
		best.position = i;
	}
	return best;
}

static bool better(const struct rank *a, const struct rank *b)
{
	if (a->quality != b->quality)
		return a->quality > b->quality;
	if (a->exactness != b->exactness)
		return a->exactness > b->exactness;
	if (a->metadata != b->metadata)
		return a->metadata;
	return a->position < b->position;
}

static const struct offer *choose(const struct offer *offers, size_t count, const char *accept, enum resolution_offer has)
{
	const struct offer *chosen = NULL;
	struct rank best = {0};
	struct ranges ranges;

	if (!read_ranges(&ranges, accept))
		return NULL;
	/* an empty header field asks for nothing in particular */
	if (ranges.count == 0)
		return &offers[0];
	for (size_t i = 0; i < count; i++) {
		struct rank rank = rank_offer(&offers[i], &ranges);

		if (offers[i].least > has || rank.quality == 0 || (chosen && !better(&rank, &best)))
			continue;
		chosen = &offers[i];
		best = rank;
	}
	return chosen;
}

static const char *content_type(const struct offer *offer, enum resolution_form form)
{
	switch (form) {
	case RESOLUTION_RESULT:
		return RESOLUTION_TYPE;
	case RESOLUTION_DEREFERENCING:
		return RESOLUTION_DEREFERENCING_TYPE;
	case RESOLUTION_LOCATION:
		return "";
	case RESOLUTION_CONTENT:
		break;
	}
	return offer->type;
}

enum resolution_code resolution_negotiate(struct resolution_accept *out, const char *accept, enum resolution_offer offer)
{
	size_t count = sizeof(resolver_offers) / sizeof(resolver_offers[0]);
	const struct offer *chosen = choose(resolver_offers, count, accept ? accept : "", offer);

	if (!chosen)
		return RESOLUTION_REPRESENTATION_NOT_SUPPORTED;
	out->form = chosen->form;
	/* whoever asks for a result of something that is no document gets the result there is */
	if (offer != RESOLUTION_OFFER_DOCUMENT && out->form == RESOLUTION_RESULT)
		out->form = RESOLUTION_DEREFERENCING;
	out->content_type = content_type(chosen, out->form);
	return RESOLUTION_OK;
}

const char *resolution_document_type(const char *accept)
{
	size_t count = sizeof(document_offers) / sizeof(document_offers[0]);
	const struct offer *offer = choose(document_offers, count, accept ? accept : "", RESOLUTION_OFFER_DOCUMENT);

	return offer ? offer->type : document_offers[0].type;
}
