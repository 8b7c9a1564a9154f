/* From a request line, and the body of a POST, to what is asked: the DID URL and the options. */
#include "did/resolution_request.h"

#include "did/dereference.h"
#include "did/jcs.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

/* The order is that of the algorithm: everything unknown is found before anything is judged. */
enum option {
	OPTION_ACCEPT,
	OPTION_EXPAND,
	OPTION_VERSION_ID,
	OPTION_VERSION_TIME,
	OPTION_NO_CACHE,
	OPTION_SERVICE,
	OPTION_SERVICE_TYPE,
	OPTION_RELATIVE_REF,
	OPTION_RELATIONSHIP,
	OPTION_COUNT
};

static const char *const option_names[OPTION_COUNT] = {
	[OPTION_ACCEPT] = "accept",
	[OPTION_EXPAND] = "expandRelativeUrls",
	[OPTION_VERSION_ID] = "versionId",
	[OPTION_VERSION_TIME] = "versionTime",
	[OPTION_NO_CACHE] = "noCache",
	[OPTION_SERVICE] = "service",
	[OPTION_SERVICE_TYPE] = "serviceType",
	[OPTION_RELATIVE_REF] = "relativeRef",
	[OPTION_RELATIONSHIP] = "verificationRelationship",
};

enum { OPTION_NAME_MAX = 32 }; /* none is longer */

/* Where an option was found, and as what. */
enum kind { ABSENT, ENCODED /* of a query */, TEXT, FLAG, OTHER /* of a body */ };

struct value {
	enum kind kind;
	struct did_slice text;
	bool flag;
};

static enum resolution_code refuse(char detail[static RESOLUTION_DETAIL_SIZE], enum resolution_code code,
				   const char *why)
{
	snprintf(detail, RESOLUTION_DETAIL_SIZE, "%s", why);
	return code;
}

/* ---- the DID URL ---- */

/* Appends to the DID URL, which is the first thing in memory. */
static int put(struct resolution_request *out, const char *text, size_t more)
{
	if (more > DID_MAX - out->used || more >= out->room - out->used)
		return -ENOSPC;
	memcpy(out->memory + out->used, text, more);
	out->used += more;
	return 0;
}

/* The plain form: DID, query and fragment stand in their places in the request, but for the "#". */
static int read_plain(struct resolution_request *out, const char *path, size_t path_len, const char *query, size_t query_len)
{
	const char *escape = memmem(path, path_len, "%23", 3);
	size_t did_len = escape && (size_t)(escape - path) + 3 < path_len ? (size_t)(escape - path) : path_len;
	int rc = put(out, path, did_len);

	if (rc == 0 && query_len > 0)
		rc = put(out, "?", 1) != 0 ? -ENOSPC : put(out, query, query_len);
	if (rc == 0 && did_len < path_len)
		rc = put(out, "#", 1) != 0 ? -ENOSPC : put(out, path + did_len + 3, path_len - did_len - 3);
	return rc;
}

static int decode(struct resolution_request *out, const char *path, size_t path_len)
{
	size_t most = out->room - 1 < DID_MAX ? out->room - 1 : DID_MAX;

	return did_percent_decode(out->memory, &out->used, most, (struct did_slice){path, path_len});
}

/* The text of the DID URL. A fully encoded DID begins with did%3A and is decoded once; in the plain form the query belongs to
 * the DID URL, which is how the Universal Resolver reads it. */
static int read_text(struct resolution_request *out, bool encoded, const char *path, size_t path_len, const char *query,
		     size_t query_len)
{
	int rc = encoded ? decode(out, path, path_len) : read_plain(out, path, path_len, query, query_len);
	size_t len = rc == 0 ? out->used : 0;

	out->memory[len] = '\0';
	out->used = len + 1;
	if (rc != 0)
		return rc;
	/* a NUL inside would end the text for some readers only */
	if (memchr(out->memory, '\0', len))
		return -EBADMSG;
	return did_url_parse(&out->url, out->memory, len);
}

/* Whether what stands before the first of "/?#" is a DID: then it is the rest of the URL that is wrong. */
static bool begins_with_did(const char *text)
{
	struct did_url ignored;

	return did_parse(&ignored, text, strcspn(text, "/?#")) == 0;
}

/* Of a DID URL that is too long: whether the DID in it is one, as far as it stands there plain. */
static bool is_did_of_long_url(bool encoded, const char *path, size_t path_len)
{
	const char *slash = memchr(path, '/', path_len), *hash = memmem(path, path_len, "%23", 3);
	const char *end = slash && (!hash || slash < hash) ? slash : hash ? hash : path + path_len;
	struct did_url ignored;

	return !encoded && did_parse(&ignored, path, (size_t)(end - path)) == 0;
}

static enum resolution_code read_url(struct resolution_request *out, char detail[static RESOLUTION_DETAIL_SIZE], bool encoded,
				     const char *path, size_t path_len, const char *query, size_t query_len)
{
	int rc = read_text(out, encoded, path, path_len, query, query_len);

	if (rc != 0)
		memset(&out->url, 0, sizeof(out->url));
	if (rc == -ENOSPC || rc == -EOVERFLOW)
		return is_did_of_long_url(encoded, path, path_len) ?
			       refuse(detail, RESOLUTION_INVALID_DID_URL, "The DID URL is longer than 2048 bytes.") :
			       refuse(detail, RESOLUTION_INVALID_DID, "The DID is longer than 2048 bytes.");
	if (rc != 0 && begins_with_did(out->memory))
		return refuse(detail, RESOLUTION_INVALID_DID_URL, "The DID URL does not have DID URL syntax.");
	if (rc != 0)
		return refuse(detail, RESOLUTION_INVALID_DID, "The identifier does not have DID syntax.");
	if (!did_slice_is(out->url.method, "web") && !did_slice_is(out->url.method, "pkh"))
		return refuse(detail, RESOLUTION_METHOD_NOT_SUPPORTED, "The methods web and pkh are supported.");
	return RESOLUTION_OK;
}

/* ---- finding options ---- */

/* Bytes of a stranger's text that may stand in a sentence: at most 64, and whole characters, or the answer would be no UTF-8. */
static size_t quotable(struct did_slice text)
{
	size_t len = text.len < 64 ? text.len : 64;

	while (len < text.len && len > 0 && ((unsigned char)text.ptr[len] & 0xc0) == 0x80)
		len--;
	return len;
}

static enum option option_of(struct did_slice name)
{
	enum option option = 0;

	while (option < OPTION_COUNT && !did_slice_is(name, option_names[option]))
		option++;
	return option;
}

static enum resolution_code take(struct value found[static OPTION_COUNT], char detail[static RESOLUTION_DETAIL_SIZE],
				 struct did_slice name, const struct value *value)
{
	enum option option = option_of(name);

	if (option == OPTION_COUNT) {
		snprintf(detail, RESOLUTION_DETAIL_SIZE, "The option \"%.*s\" is not supported.", (int)quotable(name), name.ptr);
		return RESOLUTION_FEATURE_NOT_SUPPORTED;
	}
	if (found[option].kind != ABSENT)
		return refuse(detail, RESOLUTION_INVALID_OPTIONS, "A parameter is given twice.");
	found[option] = *value;
	return RESOLUTION_OK;
}

static enum resolution_code collect(struct value found[static OPTION_COUNT], char detail[static RESOLUTION_DETAIL_SIZE],
				    struct did_slice query)
{
	enum resolution_code code = RESOLUTION_OK;
	struct did_params params;
	int rc = did_query_parse(&params, query);

	if (rc == -EEXIST)
		return refuse(detail, RESOLUTION_INVALID_OPTIONS, "A parameter is given twice.");
	if (rc == -EOVERFLOW)
		return refuse(detail, RESOLUTION_INVALID_OPTIONS, "There are more parameters than 16.");
	if (rc != 0)
		return refuse(detail, RESOLUTION_INVALID_OPTIONS, "The query is malformed.");
	/* the first error counts; what else was asked for says which form it is told in */
	for (size_t i = 0; i < params.count; i++) {
		const struct value value = {.kind = ENCODED, .text = params.items[i].value};
		struct did_slice name = params.items[i].name;
		char plain[OPTION_NAME_MAX];
		size_t len;

		/* one that is none is told as it was spelt: what it decodes to may be no text */
		if (did_percent_decode(plain, &len, sizeof(plain), name) == 0 && option_of((struct did_slice){plain, len}) != OPTION_COUNT)
			name = (struct did_slice){plain, len};
		if (code == RESOLUTION_OK)
			code = take(found, detail, name, &value);
		else if (option_of(name) != OPTION_COUNT)
			found[option_of(name)] = value;
	}
	return code;
}

/* body is what the values point into. */
static enum resolution_code collect_body(struct value found[static OPTION_COUNT], char detail[static RESOLUTION_DETAIL_SIZE], json_t *body)
{
	enum resolution_code code = RESOLUTION_OK;
	const char *name;
	json_t *item;

	json_object_foreach(body, name, item)
	{
		struct value value = {.kind = OTHER};

		if (json_is_string(item))
			value = (struct value){.kind = TEXT, .text = {json_string_value(item), json_string_length(item)}};
		else if (json_is_boolean(item))
			value = (struct value){.kind = FLAG, .flag = json_is_true(item)};
		code = take(found, detail, (struct did_slice){name, strlen(name)}, &value);
		if (code != RESOLUTION_OK)
			break;
	}
	return code;
}

static enum resolution_code read_body(json_t **out, char detail[static RESOLUTION_DETAIL_SIZE], const char *body, size_t len)
{
	static const struct jcs_limits limits = {.bytes = RESOLUTION_BODY_MAX, .depth = 2};
	struct jcs_error err;

	*out = NULL;
	if (len == 0)
		return RESOLUTION_OK;
	if (jcs_parse(out, &err, body, len, &limits) != 0) {
		snprintf(detail, RESOLUTION_DETAIL_SIZE, "The body is no JSON object of options: %.100s", jcs_reason(err.code));
		return err.code == JCS_MEMORY ? RESOLUTION_INTERNAL_ERROR : RESOLUTION_INVALID_OPTIONS;
	}
	if (json_is_object(*out))
		return RESOLUTION_OK;
	json_decref(*out);
	*out = NULL;
	return refuse(detail, RESOLUTION_INVALID_OPTIONS, "The body is no JSON object of options.");
}

/* ---- reading options ---- */

/* The value as a text of its own, decoded. */
static const char *read_value(struct resolution_request *out, const struct value *value)
{
	size_t room = out->room - out->used, len = value->text.len;
	char *text = out->memory + out->used;

	if (room == 0 || value->text.len > RESOLUTION_VALUE_MAX || (value->kind != ENCODED && value->kind != TEXT))
		return NULL;
	if (value->kind == ENCODED && did_percent_decode(text, &len, room - 1, value->text) != 0)
		return NULL;
	if (value->kind == TEXT && len > room - 1)
		return NULL;
	if (value->kind == TEXT)
		memcpy(text, value->text.ptr, len);
	text[len] = '\0';
	out->used += len + 1;
	return len > 0 ? text : NULL;
}

/* A number in decimal without leading zeros. */
static bool read_version(uint64_t *out, const char *text)
{
	size_t len = text ? strlen(text) : 0;

	if (len == 0 || len > 20 || (len > 1 && text[0] == '0'))
		return false;
	*out = 0;
	for (size_t i = 0; i < len; i++)
		if (text[i] < '0' || text[i] > '9' || __builtin_mul_overflow(*out, (uint64_t)10, out) ||
		    __builtin_add_overflow(*out, (uint64_t)(text[i] - '0'), out))
			return false;
	return true;
}

/* The words of a query; of a body, true and false alone. */
static bool read_flag(struct resolution_request *out, bool *flag, const struct value *value)
{
	const char *text = value->kind == ENCODED ? read_value(out, value) : NULL;

	*flag = value->kind == FLAG ? value->flag : text && strcmp(text, "true") == 0;
	return value->kind == FLAG || *flag || (text && strcmp(text, "false") == 0);
}

static bool read_time(int64_t *out, const char *text)
{
	return text && resolution_time_parse(out, text, strlen(text)) == 0;
}

static bool read_relationship(const char **out, const char *text)
{
	for (size_t i = 0; text && i < DEREFERENCE_RELATIONSHIPS; i++)
		if (strcmp(text, dereference_relationships[i]) == 0)
			*out = dereference_relationships[i];
	return *out != NULL;
}

/* Of those that are simply texts. */
static bool read_text_option(struct resolution_request *out, const char **text, const struct value *value)
{
	if (value->kind == ABSENT)
		return true;
	*text = read_value(out, value);
	return *text != NULL;
}

/* The first option whose value is not valid, or NULL. */
static const char *read_options(struct resolution_request *out, const struct value found[static OPTION_COUNT])
{
	struct resolution_options *options = &out->options;

	options->has_version_id = found[OPTION_VERSION_ID].kind != ABSENT;
	options->has_version_time = found[OPTION_VERSION_TIME].kind != ABSENT;
	if (!read_text_option(out, &options->accept, &found[OPTION_ACCEPT]))
		return "accept must be a media type.";
	if (found[OPTION_EXPAND].kind != ABSENT && !read_flag(out, &options->expand_relative, &found[OPTION_EXPAND]))
		return "expandRelativeUrls must be true or false.";
	if (found[OPTION_NO_CACHE].kind != ABSENT && !read_flag(out, &options->no_cache, &found[OPTION_NO_CACHE]))
		return "noCache must be true or false.";
	if (options->has_version_id && !read_version(&options->version_id, read_value(out, &found[OPTION_VERSION_ID])))
		return "versionId must be a decimal number without leading zeros; of an agent it is a block number.";
	if (options->has_version_time && !read_time(&options->version_time, read_value(out, &found[OPTION_VERSION_TIME])))
		return "versionTime must have the form YYYY-MM-DDThh:mm:ssZ.";
	if (options->has_version_id && options->has_version_time)
		return "versionId and versionTime cannot be combined.";
	if (!read_text_option(out, &options->service, &found[OPTION_SERVICE]))
		return "service must be the id of a service, at most 2048 bytes.";
	if (!read_text_option(out, &options->service_type, &found[OPTION_SERVICE_TYPE]))
		return "serviceType must be a type of services.";
	if (!read_text_option(out, &options->relative_ref, &found[OPTION_RELATIVE_REF]))
		return "relativeRef must be a relative reference.";
	if (found[OPTION_RELATIONSHIP].kind != ABSENT &&
	    !read_relationship(&options->relationship, read_value(out, &found[OPTION_RELATIONSHIP])))
		return "verificationRelationship must be authentication, assertionMethod, keyAgreement, capabilityInvocation or "
		       "capabilityDelegation.";
	return NULL;
}

/* What is well-formed and known, but leads nowhere. */
static enum resolution_code judge(const struct resolution_request *request, char detail[static RESOLUTION_DETAIL_SIZE])
{
	const struct resolution_options *options = &request->options;

	if (options->relative_ref && !options->service && !options->service_type)
		return refuse(detail, RESOLUTION_INVALID_DID_URL, "relativeRef needs service or serviceType beside it.");
	if (request->url.path.len > 0)
		return refuse(detail, RESOLUTION_NOT_FOUND, "A DID URL with a path names nothing here.");
	if (did_slice_is(request->url.method, "pkh") && (options->has_version_id || options->has_version_time))
		return refuse(detail, RESOLUTION_FEATURE_NOT_SUPPORTED, "did:pkh has no versions.");
	return RESOLUTION_OK;
}

/* The DID URL, and every option once more with its NUL. */
size_t resolution_request_room(size_t path_len, size_t query_len, size_t body_len)
{
	size_t url = path_len + query_len + 2, most = DID_MAX + 1;

	return (url < most ? url : most) + query_len + body_len + OPTION_COUNT;
}

enum resolution_code resolution_request_parse(struct resolution_request *out, char detail[static RESOLUTION_DETAIL_SIZE],
					      const char *path, size_t path_len, const char *query, size_t query_len,
					      const char *body, size_t body_len)
{
	bool encoded = path_len >= 6 && strncasecmp(path, "did%3A", 6) == 0;
	struct value found[OPTION_COUNT] = {{.kind = ABSENT}};
	enum resolution_code code;
	json_auto_t *options = NULL;
	const char *fault;

	out->options = (struct resolution_options){.accept = NULL};
	out->dereferences = false;
	out->used = 0;
	detail[0] = '\0';
	code = read_url(out, detail, encoded, path, path_len, query, query_len);
	if (code == RESOLUTION_OK)
		code = read_body(&options, detail, body, body_len);
	if (code == RESOLUTION_OK)
		code = collect(found, detail, out->url.query);
	if (code == RESOLUTION_OK && encoded)
		code = collect(found, detail, (struct did_slice){query, query_len});
	if (code == RESOLUTION_OK)
		code = collect_body(found, detail, options);
	out->dereferences = out->url.has_fragment || found[OPTION_SERVICE].kind != ABSENT || found[OPTION_SERVICE_TYPE].kind != ABSENT ||
			    found[OPTION_RELATIONSHIP].kind != ABSENT;
	if (code != RESOLUTION_OK)
		return code;
	fault = read_options(out, found);
	if (fault)
		return refuse(detail, RESOLUTION_INVALID_OPTIONS, fault);
	return judge(out, detail);
}

enum resolution_offer resolution_request_offer(const struct resolution_request *request)
{
	const struct resolution_options *options = &request->options;

	if (options->service || options->service_type)
		return RESOLUTION_OFFER_SERVICE;
	return request->url.has_fragment || options->relationship ? RESOLUTION_OFFER_PART : RESOLUTION_OFFER_DOCUMENT;
}
