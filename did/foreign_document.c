/* The shape of a stranger's DID document. */
#include "did/foreign_document.h"

#include "did/dereference.h"
#include "did/did.h"
#include "did/jcs.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct check {
	char *why;
	json_t *seen; /* ids of verification methods and services, as members */
};

__attribute__((format(printf, 2, 3))) static int refuse(struct check *check, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(check->why, FOREIGN_DOCUMENT_WHY_SIZE, format, args);
	va_end(args);
	return -EBADMSG;
}

/* ---- kinds of values ---- */

static bool is_did(const json_t *value)
{
	struct did_url ignored;

	return json_is_string(value) && did_parse(&ignored, json_string_value(value), json_string_length(value)) == 0;
}

static bool is_did_url(const json_t *value)
{
	struct did_url ignored;

	return json_is_string(value) && did_url_parse(&ignored, json_string_value(value), json_string_length(value)) == 0;
}

/* An absolute URI, as far as telling it from a relative one goes: scheme, colon, and something without spaces. */
static bool is_uri(const json_t *value)
{
	const char *text = json_string_value(value);
	size_t n = 0;

	if (!text || !((text[0] >= 'a' && text[0] <= 'z') || (text[0] >= 'A' && text[0] <= 'Z')))
		return false;
	while ((text[n] >= 'a' && text[n] <= 'z') || (text[n] >= 'A' && text[n] <= 'Z') || (text[n] >= '0' && text[n] <= '9') ||
	       (text[n] && strchr("+-.", text[n])))
		n++;
	if (text[n] != ':' || text[n + 1] == '\0')
		return false;
	for (const char *at = text; *at; at++)
		if ((unsigned char)*at <= ' ' || *at == 0x7f)
			return false;
	return true;
}

static bool is_text(const json_t *value)
{
	return json_is_string(value);
}

static bool is_context(const json_t *value)
{
	return json_is_string(value) || json_is_object(value);
}

static bool is_endpoint(const json_t *value)
{
	return is_uri(value) || json_is_object(value);
}

/* ---- members ---- */

/* Absent, or a list of such items. */
static int check_list(struct check *check, const json_t *document, const char *name, bool (*is)(const json_t *), const char *what)
{
	const json_t *list = json_object_get(document, name), *item;
	size_t i;

	if (list && !json_is_array(list))
		return refuse(check, "%s is no list.", name);
	json_array_foreach(list, i, item) if (!is(item)) return refuse(check, "%s: item %zu is no %s.", name, i, what);
	return 0;
}

/* The same, or one such item alone. */
static int check_set(struct check *check, const json_t *object, const char *name, bool (*is)(const json_t *), const char *what)
{
	const json_t *value = json_object_get(object, name);

	if (!value || json_is_array(value))
		return check_list(check, object, name, is, what);
	return is(value) ? 0 : refuse(check, "%s is no %s.", name, what);
}

/* -EBADMSG for the second of one id. */
static int check_once(struct check *check, const char *where, const json_t *id)
{
	if (json_object_get(check->seen, json_string_value(id)))
		return refuse(check, "%s: two have one id.", where);
	return json_object_set_new(check->seen, json_string_value(id), json_true()) == 0 ? 0 : -ENOMEM;
}

static int check_method(struct check *check, const char *where, const json_t *method)
{
	if (!json_is_object(method))
		return refuse(check, "%s: a verification method is no object.", where);
	if (!is_did_url(json_object_get(method, "id")))
		return refuse(check, "%s: the id of a verification method is no absolute DID URL.", where);
	if (!is_text(json_object_get(method, "type")))
		return refuse(check, "%s: a verification method has no type.", where);
	if (!is_did(json_object_get(method, "controller")))
		return refuse(check, "%s: the controller of a verification method is no DID.", where);
	return check_once(check, where, json_object_get(method, "id"));
}

static int check_methods(struct check *check, const json_t *document)
{
	const json_t *list = json_object_get(document, "verificationMethod"), *item;
	int rc = 0;
	size_t i;

	if (list && !json_is_array(list))
		return refuse(check, "verificationMethod is no list.");
	json_array_foreach(list, i, item) if (rc == 0) rc = check_method(check, "verificationMethod", item);
	return rc;
}

/* Methods by reference or by value. */
static int check_relationship(struct check *check, const json_t *document, const char *name)
{
	const json_t *list = json_object_get(document, name), *item;
	int rc = 0;
	size_t i;

	if (list && !json_is_array(list))
		return refuse(check, "%s is no list.", name);
	json_array_foreach(list, i, item)
	{
		if (json_is_string(item) && !is_did_url(item))
			return refuse(check, "%s: item %zu is no absolute DID URL.", name, i);
		if (rc == 0 && !json_is_string(item))
			rc = check_method(check, name, item);
	}
	return rc;
}

static int check_service(struct check *check, const json_t *service)
{
	int rc;

	if (!json_is_object(service))
		return refuse(check, "service: an item is no object.");
	if (!is_uri(json_object_get(service, "id")))
		return refuse(check, "service: an id is no absolute URI.");
	if (!json_object_get(service, "type") || !json_object_get(service, "serviceEndpoint"))
		return refuse(check, "service: an item has no type, or no serviceEndpoint.");
	rc = check_set(check, service, "type", is_text, "text");
	if (rc == 0)
		rc = check_set(check, service, "serviceEndpoint", is_endpoint, "absolute URI or map");
	return rc == 0 ? check_once(check, "service", json_object_get(service, "id")) : rc;
}

static int check_services(struct check *check, const json_t *document)
{
	const json_t *list = json_object_get(document, "service"), *item;
	int rc = 0;
	size_t i;

	if (list && !json_is_array(list))
		return refuse(check, "service is no list.");
	json_array_foreach(list, i, item) if (rc == 0) rc = check_service(check, item);
	return rc;
}

static int check_id(struct check *check, const json_t *document, const char *did)
{
	const json_t *id = json_object_get(document, "id");

	if (!json_is_string(id))
		return refuse(check, "It has no id.");
	if (strcmp(json_string_value(id), did) != 0)
		return refuse(check, "Its id is another DID.");
	return 0;
}

static int check_document(struct check *check, const json_t *document, const char *did)
{
	int rc;

	if (!json_is_object(document))
		return refuse(check, "It is no object.");
	rc = check_id(check, document, did);
	if (rc == 0)
		rc = check_set(check, document, "@context", is_context, "text or object");
	if (rc == 0)
		rc = check_list(check, document, "alsoKnownAs", is_uri, "absolute URI");
	if (rc == 0)
		rc = check_set(check, document, "controller", is_did, "DID");
	if (rc == 0)
		rc = check_methods(check, document);
	for (size_t i = 0; rc == 0 && i < DEREFERENCE_RELATIONSHIPS; i++)
		rc = check_relationship(check, document, dereference_relationships[i]);
	return rc == 0 ? check_services(check, document) : rc;
}

int foreign_document_parse(json_t **out, char why[static FOREIGN_DOCUMENT_WHY_SIZE], const void *bytes, size_t len, const char *did)
{
	static const struct jcs_limits limits = {.bytes = FOREIGN_DOCUMENT_MAX, .depth = FOREIGN_DOCUMENT_DEPTH};
	struct check check = {.why = why, .seen = json_object()};
	struct jcs_error err;
	int rc;

	why[0] = '\0';
	*out = NULL;
	rc = check.seen ? jcs_parse(out, &err, bytes, len, &limits) : -ENOMEM;
	if (rc != 0 && rc != -ENOMEM) {
		snprintf(why, FOREIGN_DOCUMENT_WHY_SIZE, "At byte %zu: %s", err.offset, jcs_reason(err.code));
		rc = -EBADMSG;
	}
	if (rc == 0)
		rc = check_document(&check, *out, did);
	json_decref(check.seen);
	if (rc == 0)
		return 0;
	json_decref(*out);
	*out = NULL;
	return rc;
}
