/* From a request line to what is asked: the DID URL and the options. */
#include "did/resolution.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

/* The order is that of the algorithm: everything unknown is found before anything is judged. */
enum option { OPTION_ACCEPT, OPTION_EXPAND, OPTION_VERSION_ID, OPTION_VERSION_TIME, OPTION_NO_CACHE, OPTION_COUNT };

static const char *const option_names[OPTION_COUNT] = {
	[OPTION_ACCEPT] = "accept",	   [OPTION_EXPAND] = "expandRelativeUrls",
	[OPTION_VERSION_ID] = "versionId", [OPTION_VERSION_TIME] = "versionTime",
	[OPTION_NO_CACHE] = "noCache",
};

struct found {
	bool present[OPTION_COUNT];
	struct did_slice value[OPTION_COUNT];
};

static enum resolution_code refuse(char detail[static RESOLUTION_DETAIL_SIZE], enum resolution_code code,
				   const char *why)
{
	snprintf(detail, RESOLUTION_DETAIL_SIZE, "%s", why);
	return code;
}

/* Fills out->text. A fully encoded DID begins with did%3A and is decoded once; in the plain form the query belongs to
 * the DID URL, which is how the Universal Resolver reads it. */
static int read_text(struct resolution_request *out, bool *encoded, const char *path, size_t path_len,
		     const char *query, size_t query_len)
{
	size_t len = path_len, extra = query ? query_len + 1 : 0;
	int rc;

	*encoded = path_len >= 6 && strncasecmp(path, "did%3A", 6) == 0;
	if (*encoded) {
		rc = did_percent_decode(out->text, &len, DID_MAX, (struct did_slice){path, path_len});
		if (rc != 0) {
			out->text[0] = '\0';
			return rc;
		}
	} else {
		if (path_len > DID_MAX || extra > DID_MAX - path_len)
			return -ENOSPC;
		memcpy(out->text, path, path_len);
		if (query) {
			out->text[path_len] = '?';
			memcpy(out->text + path_len + 1, query, query_len);
			len += extra;
		}
	}
	out->text[len] = '\0';
	/* a NUL inside would end the text for some readers only */
	if (memchr(out->text, '\0', len))
		return -EBADMSG;
	return did_url_parse(&out->url, out->text, len);
}

/* Whether what stands before the first of "/?#" is a DID: then it is the rest of the URL that is wrong. */
static bool begins_with_did(const char *text)
{
	struct did_url ignored;

	return did_parse(&ignored, text, strcspn(text, "/?#")) == 0;
}

static enum resolution_code collect(struct found *found, char detail[static RESOLUTION_DETAIL_SIZE],
				    struct did_slice query)
{
	struct did_params params;
	int rc = did_query_parse(&params, query);

	if (rc == -EEXIST)
		return refuse(detail, RESOLUTION_INVALID_OPTIONS, "A parameter is given twice.");
	if (rc != 0)
		return refuse(detail, RESOLUTION_INVALID_OPTIONS, "The query is malformed.");
	for (size_t i = 0; i < params.count; i++) {
		enum option option = 0;

		while (option < OPTION_COUNT && !did_slice_is(params.items[i].name, option_names[option]))
			option++;
		if (option == OPTION_COUNT) {
			snprintf(detail, RESOLUTION_DETAIL_SIZE, "The option \"%.*s\" is not supported.",
				 (int)(params.items[i].name.len < 64 ? params.items[i].name.len : 64),
				 params.items[i].name.ptr);
			return RESOLUTION_FEATURE_NOT_SUPPORTED;
		}
		if (found->present[option])
			return refuse(detail, RESOLUTION_INVALID_OPTIONS, "A parameter is given twice.");
		found->present[option] = true;
		found->value[option] = params.items[i].value;
	}
	return RESOLUTION_OK;
}

static bool read_flag(bool *out, struct did_slice value)
{
	*out = did_slice_is(value, "true");
	return *out || did_slice_is(value, "false");
}

/* A block number in decimal without leading zeros. */
static bool read_block(uint64_t *out, struct did_slice value)
{
	if (value.len == 0 || value.len > 20 || (value.len > 1 && value.ptr[0] == '0'))
		return false;
	*out = 0;
	for (size_t i = 0; i < value.len; i++) {
		char c = value.ptr[i];

		if (c < '0' || c > '9' || __builtin_mul_overflow(*out, (uint64_t)10, out) ||
		    __builtin_add_overflow(*out, (uint64_t)(c - '0'), out))
			return false;
	}
	return true;
}

static bool read_time(int64_t *out, struct did_slice value)
{
	char text[24];
	size_t len;

	return did_percent_decode(text, &len, sizeof(text), value) == 0 && resolution_time_parse(out, text, len) == 0;
}

static bool read_accept(struct resolution_request *out, struct did_slice value)
{
	size_t len;

	if (did_percent_decode(out->accept, &len, sizeof(out->accept) - 1, value) != 0 || len == 0)
		return false;
	out->accept[len] = '\0';
	out->options.accept = (struct did_slice){out->accept, len};
	return true;
}

/* The first option whose value is not valid, or NULL. */
static const char *read_options(struct resolution_request *out, const struct found *found)
{
	struct resolution_options *options = &out->options;

	options->has_version_id = found->present[OPTION_VERSION_ID];
	options->has_version_time = found->present[OPTION_VERSION_TIME];
	if (found->present[OPTION_ACCEPT] && !read_accept(out, found->value[OPTION_ACCEPT]))
		return "accept must be a media type.";
	if (found->present[OPTION_EXPAND] && !read_flag(&options->expand_relative, found->value[OPTION_EXPAND]))
		return "expandRelativeUrls must be true or false.";
	if (found->present[OPTION_NO_CACHE] && !read_flag(&options->no_cache, found->value[OPTION_NO_CACHE]))
		return "noCache must be true or false.";
	if (options->has_version_id && !read_block(&options->version_id, found->value[OPTION_VERSION_ID]))
		return "versionId must be a decimal block number.";
	if (options->has_version_time && !read_time(&options->version_time, found->value[OPTION_VERSION_TIME]))
		return "versionTime must have the form YYYY-MM-DDThh:mm:ssZ.";
	if (options->has_version_id && options->has_version_time)
		return "versionId and versionTime cannot be combined.";
	return NULL;
}

static enum resolution_code read_url(struct resolution_request *out, char detail[static RESOLUTION_DETAIL_SIZE],
				     bool *encoded, const char *path, size_t path_len, const char *query,
				     size_t query_len)
{
	int rc = read_text(out, encoded, path, path_len, query, query_len);

	if (rc == -ENOSPC || rc == -EOVERFLOW)
		return refuse(detail, RESOLUTION_INVALID_DID, "The DID is longer than 2048 bytes.");
	if (rc != 0 && begins_with_did(out->text))
		return refuse(detail, RESOLUTION_INVALID_DID_URL, "The DID URL does not have DID URL syntax.");
	if (rc != 0)
		return refuse(detail, RESOLUTION_INVALID_DID, "The identifier does not have DID syntax.");
	if (!did_slice_is(out->url.method, "web") && !did_slice_is(out->url.method, "pkh"))
		return refuse(detail, RESOLUTION_METHOD_NOT_SUPPORTED, "The methods web and pkh are supported.");
	return RESOLUTION_OK;
}

enum resolution_code resolution_request_parse(struct resolution_request *out,
					      char detail[static RESOLUTION_DETAIL_SIZE], const char *path,
					      size_t path_len, const char *query, size_t query_len)
{
	struct found found = {0};
	enum resolution_code code;
	const char *fault;
	bool encoded;

	memset(out, 0, sizeof(*out));
	detail[0] = '\0';
	code = read_url(out, detail, &encoded, path, path_len, query, query_len);
	if (code == RESOLUTION_OK)
		code = collect(&found, detail, out->url.query);
	if (code == RESOLUTION_OK && encoded && query)
		code = collect(&found, detail, (struct did_slice){query, query_len});
	if (code != RESOLUTION_OK)
		return code;
	fault = read_options(out, &found);
	if (fault)
		return refuse(detail, RESOLUTION_INVALID_OPTIONS, fault);
	if (out->url.path.len > 0)
		return refuse(detail, RESOLUTION_NOT_FOUND, "A DID URL with a path names nothing here.");
	if (out->url.has_fragment)
		return refuse(detail, RESOLUTION_FEATURE_NOT_SUPPORTED, "Dereferencing of fragments is not supported.");
	if (did_slice_is(out->url.method, "pkh") && (out->options.has_version_id || out->options.has_version_time))
		return refuse(detail, RESOLUTION_FEATURE_NOT_SUPPORTED, "did:pkh has no versions.");
	return RESOLUTION_OK;
}
