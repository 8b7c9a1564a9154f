/* Results and errors of DID resolution as the HTTP binding words them. */
#include "did/resolution.h"

#include "did/jcs_put.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define ROW(name, title, status)                                                                                       \
	{                                                                                                              \
		#name, "https://www.w3.org/ns/did#" #name, title, status                                               \
	}
#define CID_ROW(name, title)                                                                                           \
	{                                                                                                              \
		#name, "https://w3id.org/security#" #name, title, 500                                                  \
	}

/* DID Resolution, section 10 (errors) and the HTTP binding's table; any other error is a 500. */
static const struct resolution_error table[] = {
	[RESOLUTION_OK] = {"", "", "", 200},
	[RESOLUTION_INVALID_DID] = ROW(INVALID_DID, "The DID is not valid.", 400),
	[RESOLUTION_INVALID_DID_URL] = ROW(INVALID_DID_URL, "The DID URL is not valid.", 400),
	[RESOLUTION_INVALID_OPTIONS] = ROW(INVALID_OPTIONS, "A resolution option is not valid.", 400),
	[RESOLUTION_NOT_FOUND] = ROW(NOT_FOUND, "The DID was not found.", 404),
	[RESOLUTION_REPRESENTATION_NOT_SUPPORTED] =
		ROW(REPRESENTATION_NOT_SUPPORTED, "The representation asked for is not supported.", 406),
	[RESOLUTION_INVALID_DID_DOCUMENT] = ROW(INVALID_DID_DOCUMENT, "The DID document is not valid.", 500),
	[RESOLUTION_METHOD_NOT_SUPPORTED] = ROW(METHOD_NOT_SUPPORTED, "The DID method is not supported.", 501),
	[RESOLUTION_FEATURE_NOT_SUPPORTED] = ROW(FEATURE_NOT_SUPPORTED, "The feature asked for is not supported.", 501),
	[RESOLUTION_INVALID_VERIFICATION_METHOD] =
		CID_ROW(INVALID_VERIFICATION_METHOD, "The DID URL names no verification method."),
	[RESOLUTION_INVALID_RELATIONSHIP_FOR_VERIFICATION_METHOD] =
		CID_ROW(INVALID_RELATIONSHIP_FOR_VERIFICATION_METHOD, "The verification method is not authorised for this."),
	[RESOLUTION_INTERNAL_ERROR] = ROW(INTERNAL_ERROR, "An internal error happened.", 500),
};

const struct resolution_error *resolution_error(enum resolution_code code)
{
	return (size_t)code < sizeof(table) / sizeof(table[0]) ? &table[code] : &table[RESOLUTION_INTERNAL_ERROR];
}

static void put_or(struct jcs_put *put, const char *name, struct resolution_text text, const char *otherwise)
{
	if (text.ptr)
		jcs_put_json(put, name, text.ptr, text.len);
	else
		jcs_put_literal(put, name, otherwise);
}

int resolution_write(struct jcs_buffer *out, enum resolution_form form, struct resolution_text content,
		     struct resolution_text metadata, struct resolution_text warnings)
{
	bool dereferencing = form == RESOLUTION_DEREFERENCING;
	struct jcs_put put = {.out = out};

	if (!dereferencing && form != RESOLUTION_RESULT)
		return -EINVAL;
	jcs_put_open(&put, NULL, '{');
	if (!dereferencing)
		put_or(&put, "didDocument", content, "null");
	jcs_put_open(&put, dereferencing ? "dereferencingMetadata" : "didResolutionMetadata", '{');
	jcs_put_text(&put, "contentType", RESOLUTION_DOCUMENT_TYPE);
	if (warnings.ptr)
		jcs_put_json(&put, "warnings", warnings.ptr, warnings.len);
	jcs_put_close(&put, '}');
	if (dereferencing) {
		put_or(&put, "content", content, "null");
		put_or(&put, "contentStream", content, "null");
	}
	put_or(&put, dereferencing ? "contentMetadata" : "didDocumentMetadata", metadata, "{}");
	jcs_put_close(&put, '}');
	return put.err;
}

int resolution_write_error(struct jcs_buffer *out, enum resolution_form form, enum resolution_code code, const char *detail)
{
	const struct resolution_error *row = resolution_error(code);
	bool dereferencing = form == RESOLUTION_DEREFERENCING;
	struct jcs_put put = {.out = out};
	char status[16];

	snprintf(status, sizeof(status), "%d", row->status);
	jcs_put_open(&put, NULL, '{');
	if (!dereferencing)
		jcs_put_literal(&put, "didDocument", "null");
	jcs_put_open(&put, dereferencing ? "dereferencingMetadata" : "didResolutionMetadata", '{');
	jcs_put_text(&put, "contentType", RESOLUTION_DOCUMENT_TYPE);
	jcs_put_open(&put, "error", '{');
	jcs_put_text(&put, "type", row->type);
	jcs_put_text(&put, "title", row->title);
	if (detail)
		jcs_put_text(&put, "detail", detail);
	jcs_put_literal(&put, "status", status);
	jcs_put_close(&put, '}');
	jcs_put_close(&put, '}');
	if (dereferencing) {
		jcs_put_literal(&put, "content", "null");
		jcs_put_literal(&put, "contentStream", "null");
	}
	jcs_put_literal(&put, dereferencing ? "contentMetadata" : "didDocumentMetadata", "{}");
	jcs_put_close(&put, '}');
	return put.err;
}

/* Days from 1970-01-01 to a civil date (proleptic Gregorian), by counting years that begin in March. */
static int64_t days_from_civil(int64_t year, unsigned month, unsigned day)
{
	int64_t y = month <= 2 ? year - 1 : year;
	unsigned shifted = (month + 9) % 12;
	int64_t day_of_year = (153 * (int64_t)shifted + 2) / 5 + day - 1;

	return y * 365 + y / 4 - y / 100 + y / 400 + day_of_year - 719468;
}

static unsigned month_days(unsigned year, unsigned month)
{
	static const unsigned char days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);

	return month == 2 && leap ? 29 : days[month - 1];
}

static unsigned number(const char *text, size_t len)
{
	unsigned value = 0;

	for (size_t i = 0; i < len; i++)
		value = value * 10 + (unsigned)(text[i] - '0');
	return value;
}

int resolution_time_parse(int64_t *out, const char *text, size_t len)
{
	static const char form[] = "0000-00-00T00:00:00Z";
	unsigned year, month, day, hour, minute, second;

	if (len != sizeof(form) - 1)
		return -EBADMSG;
	for (size_t i = 0; i < len; i++)
		if (form[i] == '0' ? text[i] < '0' || text[i] > '9' : text[i] != form[i])
			return -EBADMSG;
	year = number(text, 4);
	month = number(text + 5, 2);
	day = number(text + 8, 2);
	hour = number(text + 11, 2);
	minute = number(text + 14, 2);
	second = number(text + 17, 2);
	if (year < 1970 || month < 1 || month > 12 || day < 1 || day > month_days(year, month) || hour > 23 ||
	    minute > 59 || second > 59)
		return -EBADMSG;
	*out = days_from_civil(year, month, day) * 86400 + (int64_t)hour * 3600 + (int64_t)minute * 60 + second;
	return 0;
}

static void put_two(char *out, unsigned value)
{
	out[0] = (char)('0' + value / 10);
	out[1] = (char)('0' + value % 10);
}

int resolution_time_format(char out[static 21], int64_t seconds)
{
	enum { YEAR_0_TO_1970 = 719468, ERA = 146097 /* 400 years */ };
	int64_t last = days_from_civil(10000, 1, 1) * 86400 - 1;
	unsigned rest, days, era, year, month;

	if (seconds < 0 || seconds > last)
		return -EINVAL;
	rest = (unsigned)(seconds % 86400);
	/* years that begin in March, so that the day that some have and some have not is their last */
	days = (unsigned)(seconds / 86400) + YEAR_0_TO_1970;
	era = days / ERA;
	days %= ERA;
	year = (days - days / 1460 + days / 36524 - days / (ERA - 1)) / 365;
	days -= 365 * year + year / 4 - year / 100;
	month = (5 * days + 2) / 153;
	days -= (153 * month + 2) / 5;
	year += 400 * era + (month >= 10);
	month = month < 10 ? month + 3 : month - 9;
	memcpy(out, "0000-00-00T00:00:00Z", 21);
	put_two(out, year / 100);
	put_two(out + 2, year % 100);
	put_two(out + 5, month);
	put_two(out + 8, days + 1);
	put_two(out + 11, rest / 3600);
	put_two(out + 14, rest / 60 % 60);
	put_two(out + 17, rest % 60);
	return 0;
}
