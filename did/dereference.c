/* Objects, services and places that a DID URL names. Documents are strangers' as often as not: every member may be of any type. */
#include "did/dereference.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

const char *const dereference_relationships[DEREFERENCE_RELATIONSHIPS] = {
	"authentication", "assertionMethod", "keyAgreement", "capabilityInvocation", "capabilityDelegation",
};

static enum resolution_code refuse(char detail[static RESOLUTION_DETAIL_SIZE], enum resolution_code code, const char *why)
{
	snprintf(detail, RESOLUTION_DETAIL_SIZE, "%s", why);
	return code;
}

/* ---- names ---- */

/* Whether text is the DID, "#" and the fragment, or the relative form of that. */
static bool is_named(const json_t *text, const struct did_url *url, struct did_slice fragment)
{
	const char *at = json_string_value(text);
	size_t len = json_string_length(text);

	if (!at)
		return false;
	if (len > url->did.len && memcmp(at, url->did.ptr, url->did.len) == 0) {
		at += url->did.len;
		len -= url->did.len;
	}
	return len == fragment.len + 1 && *at == '#' && (fragment.len == 0 || memcmp(at + 1, fragment.ptr, fragment.len) == 0);
}

/* The option `service`: an id, its fragment with or without "#". */
static bool is_service(const json_t *id, const struct did_url *url, const char *wanted)
{
	struct did_slice fragment = {wanted, strlen(wanted)};

	if (json_is_string(id) && strcmp(json_string_value(id), wanted) == 0)
		return true;
	if (fragment.len > url->did.len && memcmp(wanted, url->did.ptr, url->did.len) == 0 && wanted[url->did.len] == '#')
		fragment = (struct did_slice){wanted + url->did.len, fragment.len - url->did.len};
	if (*fragment.ptr == '#')
		fragment = (struct did_slice){fragment.ptr + 1, fragment.len - 1};
	return is_named(id, url, fragment);
}

static bool has_type(const json_t *type, const char *wanted)
{
	const json_t *item;
	size_t i;

	if (json_is_string(type))
		return strcmp(json_string_value(type), wanted) == 0;
	json_array_foreach(type, i, item) if (json_is_string(item) && strcmp(json_string_value(item), wanted) == 0) return true;
	return false;
}

/* ---- services ---- */

static bool is_selected(const json_t *service, const struct resolution_request *request)
{
	const struct resolution_options *options = &request->options;

	if (options->service && !is_service(json_object_get(service, "id"), &request->url, options->service))
		return false;
	return !options->service_type || has_type(json_object_get(service, "type"), options->service_type);
}

/* The services selected, a new reference; NULL without memory. */
static json_t *select_services(json_t *document, const struct resolution_request *request)
{
	json_t *services = json_object_get(document, "service"), *selected = json_array(), *service;
	size_t i;

	json_array_foreach(services, i, service)
	{
		if (!is_selected(service, request) || json_array_append(selected, service) == 0)
			continue;
		json_decref(selected);
		return NULL;
	}
	return selected;
}

/* The document with those services only, a new reference, or NULL and *code. */
static json_t *reduce(enum resolution_code *code, char detail[static RESOLUTION_DETAIL_SIZE], json_t *document,
		      const struct resolution_request *request)
{
	json_auto_t *selected = select_services(document, request);
	json_t *reduced;

	if (selected && json_array_size(selected) == 0) {
		*code = refuse(detail, RESOLUTION_NOT_FOUND, "The document has no such service.");
		return NULL;
	}
	reduced = selected ? json_copy(document) : NULL;
	if (reduced && json_object_set(reduced, "service", selected) == 0)
		return reduced;
	json_decref(reduced);
	*code = RESOLUTION_INTERNAL_ERROR;
	return NULL;
}

/* ---- objects ---- */

static json_t *find_in(json_t *list, const struct did_url *url)
{
	json_t *item;
	size_t i;

	json_array_foreach(list, i, item) if (json_is_object(item) && is_named(json_object_get(item, "id"), url, url->fragment)) return item;
	return NULL;
}

static json_t *find_method(json_t *document, const struct did_url *url)
{
	json_t *found = find_in(json_object_get(document, "verificationMethod"), url);

	for (size_t i = 0; !found && i < DEREFERENCE_RELATIONSHIPS; i++)
		found = find_in(json_object_get(document, dereference_relationships[i]), url);
	return found;
}

/* Controlled Identifiers 1.0, section 2.2: id, type and controller are REQUIRED. */
static bool is_method(const json_t *object)
{
	return json_is_string(json_object_get(object, "id")) && json_is_string(json_object_get(object, "type")) &&
	       json_is_string(json_object_get(object, "controller"));
}

/* By reference or by value. */
static bool is_listed(json_t *list, const struct did_url *url)
{
	json_t *item;
	size_t i;

	json_array_foreach(list, i, item) if (json_is_string(item) && is_named(item, url, url->fragment)) return true;
	return find_in(list, url) != NULL;
}

static enum resolution_code check_method(char detail[static RESOLUTION_DETAIL_SIZE], json_t *document, const struct resolution_request *request)
{
	const struct did_url *url = &request->url;
	json_t *method = url->has_fragment ? find_method(document, url) : NULL;

	if (!method || !is_method(method))
		return refuse(detail, RESOLUTION_INVALID_VERIFICATION_METHOD, "The document has no verification method of that name.");
	/* Controlled Identifiers 1.0, section 3.3, step 10 */
	if (!did_slice_is(url->did, json_string_value(json_object_get(method, "controller"))))
		return refuse(detail, RESOLUTION_INVALID_VERIFICATION_METHOD, "Another DID controls that verification method.");
	if (!is_listed(json_object_get(document, request->options.relationship), url)) {
		snprintf(detail, RESOLUTION_DETAIL_SIZE, "The document does not list that verification method under %s.",
			 request->options.relationship);
		return RESOLUTION_INVALID_RELATIONSHIP_FOR_VERIFICATION_METHOD;
	}
	return RESOLUTION_OK;
}

/* The object, with the context that its terms are of. */
static json_t *with_context(json_t *part, json_t *document)
{
	json_t *context = json_object_get(document, "@context"), *made = json_object();

	if (context && !json_object_get(part, "@context") && json_object_set(made, "@context", context) != 0) {
		json_decref(made);
		return NULL;
	}
	if (json_object_update(made, part) == 0)
		return made;
	json_decref(made);
	return NULL;
}

static enum resolution_code find(json_t **content, char detail[static RESOLUTION_DETAIL_SIZE], json_t *document,
				 const struct resolution_request *request)
{
	json_t *found = find_method(document, &request->url);

	if (!found)
		found = find_in(json_object_get(document, "service"), &request->url);
	if (!found)
		return refuse(detail, RESOLUTION_NOT_FOUND, "The document has nothing of that name.");
	*content = with_context(found, document);
	return *content ? RESOLUTION_OK : RESOLUTION_INTERNAL_ERROR;
}

enum resolution_code dereference_content(json_t **content, bool *whole, char detail[static RESOLUTION_DETAIL_SIZE], json_t *document,
					 const struct resolution_request *request)
{
	const struct resolution_options *options = &request->options;
	enum resolution_code code = RESOLUTION_OK;
	json_auto_t *reduced = NULL;

	*content = NULL;
	*whole = !request->url.has_fragment;
	detail[0] = '\0';
	reduced = options->service || options->service_type ? reduce(&code, detail, document, request) : json_incref(document);
	if (code == RESOLUTION_OK && options->relationship)
		code = check_method(detail, reduced, request);
	if (code != RESOLUTION_OK)
		return code;
	if (!*whole)
		return find(content, detail, reduced, request);
	*content = json_incref(reduced);
	return RESOLUTION_OK;
}

/* ---- places ---- */

/* The first endpoint that is a URI, of a text or of a set with texts in it; maps are passed over (section 5.4.1). */
static const char *first_endpoint(const json_t *endpoint)
{
	const json_t *item;
	size_t i;

	if (json_is_string(endpoint))
		return json_string_value(endpoint);
	json_array_foreach(endpoint, i, item) if (json_is_string(item)) return json_string_value(item);
	return NULL;
}

static const char *find_endpoint(json_t *services)
{
	const char *found = NULL;
	json_t *service;
	size_t i;

	json_array_foreach(services, i, service) if (!found) found = first_endpoint(json_object_get(service, "serviceEndpoint"));
	return found;
}

static enum resolution_code add_fragment(char out[static DEREFERENCE_URL_SIZE], char detail[static RESOLUTION_DETAIL_SIZE],
					 struct did_slice fragment)
{
	size_t len = strlen(out);

	if (strchr(out, '#'))
		return refuse(detail, RESOLUTION_INVALID_DID_URL, "The service endpoint has a fragment of its own.");
	if (fragment.len + 1 >= DEREFERENCE_URL_SIZE - len)
		return refuse(detail, RESOLUTION_INVALID_DID_URL, "The URL is too long.");
	snprintf(out + len, DEREFERENCE_URL_SIZE - len, "#%.*s", (int)fragment.len, fragment.ptr);
	return RESOLUTION_OK;
}

enum resolution_code dereference_location(char out[static DEREFERENCE_URL_SIZE], char detail[static RESOLUTION_DETAIL_SIZE], json_t *document,
					  const struct resolution_request *request)
{
	json_auto_t *services = select_services(document, request);
	const char *endpoint = find_endpoint(services);
	int rc;

	detail[0] = '\0';
	if (!services)
		return RESOLUTION_INTERNAL_ERROR;
	if (json_array_size(services) == 0)
		return refuse(detail, RESOLUTION_NOT_FOUND, "The document has no such service.");
	if (!endpoint)
		return refuse(detail, RESOLUTION_NOT_FOUND, "The service has no endpoint that is a URI.");
	rc = request->options.relative_ref ? dereference_reference(out, endpoint, request->options.relative_ref) :
					     dereference_uri(out, endpoint);
	if (rc == -EBADMSG)
		return refuse(detail, RESOLUTION_NOT_FOUND,
			      request->options.relative_ref ? "The service's endpoint is no URL that a relative reference can be put to." :
							      "The service's endpoint is no URI.");
	if (rc != 0)
		return refuse(detail, RESOLUTION_INVALID_DID_URL,
			      rc == -ENOSPC ? "The URL is too long." : "relativeRef does not stay below the service's endpoint.");
	return request->url.has_fragment ? add_fragment(out, detail, request->url.fragment) : RESOLUTION_OK;
}
