/* What was found of a DID, as the answer that was asked for: the document, a part of it, or a place that one of its services leads to; alone or
 * with metadata. */
#include "gateway/routes/resolve.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- errors ---- */

/* Errors have metadata whatever was asked for (the Universal Resolver does so): those of DID URLs for DID URLs. */
static enum resolution_form error_form(const struct resolving *r)
{
	return r->request.dereferences || r->accept.form == RESOLUTION_DEREFERENCING ? RESOLUTION_DEREFERENCING : RESOLUTION_RESULT;
}

static void reply_buffer(struct resolving *r, unsigned status, const char *type, struct jcs_buffer *buffer)
{
	http_reply_take(r->req, status, type, buffer->data, buffer->len, free);
}

static const char *envelope_type(enum resolution_form form)
{
	return form == RESOLUTION_DEREFERENCING ? RESOLUTION_DEREFERENCING_TYPE : RESOLUTION_TYPE;
}

void resolve_error(struct resolving *r, enum resolution_code code, const char *detail)
{
	enum resolution_form form = error_form(r);
	struct jcs_buffer buffer = {0};

	if (resolution_write_error(&buffer, form, code, detail && *detail ? detail : NULL) == 0) {
		reply_buffer(r, (unsigned)resolution_error(code)->status, envelope_type(form), &buffer);
		return;
	}
	jcs_buffer_clear(&buffer);
	http_fail(r->req, -ENOMEM, NULL);
}

void resolve_later(struct resolving *r, unsigned seconds, const char *detail)
{
	char text[16];

	snprintf(text, sizeof(text), "%u", seconds);
	http_set_header(r->req, "Retry-After", text);
	resolve_error(r, RESOLUTION_INTERNAL_ERROR, detail);
}

/* ---- headers ---- */

bool resolve_wants_version(const struct resolving *r)
{
	return r->request.options.has_version_id || r->request.options.has_version_time;
}

static const char *cache_of(const struct resolving *r, const struct resolve_found *found, bool metadata)
{
	if (r->request.options.no_cache || strcmp(http_method(r->req), "POST") == 0)
		return "no-store";
	return metadata && found->cache_metadata ? found->cache_metadata : found->cache;
}

static void set_headers(struct resolving *r, const struct resolve_found *found, bool metadata)
{
	char date[DOCUMENTS_DATE_SIZE];

	http_set_cache(r->req, cache_of(r, found, metadata));
	http_set_header(r->req, "Vary", "Accept");
	if (documents_date(date, found->modified))
		http_set_header(r->req, "Last-Modified", date);
}

/* ---- whole documents ---- */

/* As a shared answer, kept for whoever asks the same next. */
static bool send_kept(struct resolving *r, const struct resolve_found *found, bool metadata, struct resolution_text body)
{
	struct documents_answer answer = {.agent = found->agent, .type = r->type, .body = body.ptr, .len = body.len,
					  .cache = metadata && found->cache_metadata ? found->cache_metadata : found->cache};
	struct http_response *made;

	if (!found->keep || !r->type)
		return false;
	if (found->heads)
		view_heads(&answer.safe, &answer.latest, found->heads);
	made = documents_make(&r->service->documents, &answer);
	if (made)
		http_reply_shared(r->req, made);
	http_response_unref(made);
	return made != NULL;
}

static void send_whole(struct resolving *r, const struct resolve_found *found)
{
	/* one for all answers: it is copied before this returns, and has soon the room that most need */
	static struct jcs_buffer whole;
	bool metadata = r->accept.form != RESOLUTION_CONTENT;
	struct resolution_text body = found->document;

	whole.len = 0;
	if (metadata && resolution_write(&whole, r->accept.form, found->document, found->metadata, found->warnings) != 0) {
		resolve_error(r, RESOLUTION_INTERNAL_ERROR, NULL);
		return;
	}
	if (metadata)
		body = (struct resolution_text){whole.data, whole.len};
	if (send_kept(r, found, metadata, body))
		return;
	set_headers(r, found, metadata);
	http_reply(r->req, 200, r->accept.content_type, body.ptr, body.len);
}

/* ---- parts and places ---- */

static void send_place(struct resolving *r, const struct resolve_found *found, json_t *document)
{
	char location[DEREFERENCE_URL_SIZE];
	enum resolution_code code = dereference_location(location, r->detail, document, &r->request);

	if (code != RESOLUTION_OK) {
		resolve_error(r, code, r->detail);
		return;
	}
	set_headers(r, found, false);
	http_set_header(r->req, "Location", location);
	http_reply(r->req, 303, NULL, "", 0);
}

static void send_part(struct resolving *r, const struct resolve_found *found, json_t *document)
{
	struct resolution_text part = {0}, metadata = {0};
	struct jcs_buffer buffer = {0};
	json_auto_t *content = NULL;
	enum resolution_code code;
	char *text;
	bool whole;

	code = dereference_content(&content, &whole, r->detail, document, &r->request);
	text = code == RESOLUTION_OK ? json_dumps(content, JSON_COMPACT) : NULL;
	if (code == RESOLUTION_OK && !text)
		code = RESOLUTION_INTERNAL_ERROR;
	if (code != RESOLUTION_OK) {
		resolve_error(r, code, r->detail);
		return;
	}
	part = (struct resolution_text){text, strlen(text)};
	if (whole)
		metadata = found->metadata;
	set_headers(r, found, r->accept.form != RESOLUTION_CONTENT);
	if (r->accept.form == RESOLUTION_CONTENT)
		http_reply(r->req, 200, r->accept.content_type, part.ptr, part.len);
	else if (resolution_write(&buffer, r->accept.form, part, metadata, found->warnings) == 0)
		http_reply(r->req, 200, r->accept.content_type, buffer.data, buffer.len);
	else
		resolve_error(r, RESOLUTION_INTERNAL_ERROR, NULL);
	jcs_buffer_clear(&buffer);
	free(text);
}

/* relativeRef names a resource at the service's endpoint: whoever does not ask for the document is sent there. */
static bool wants_place(const struct resolving *r)
{
	return r->accept.form == RESOLUTION_LOCATION || (r->request.options.relative_ref && r->accept.form != RESOLUTION_CONTENT);
}

static void send_named(struct resolving *r, const struct resolve_found *found)
{
	json_auto_t *document = json_loadb(found->document.ptr, found->document.len, JSON_REJECT_DUPLICATES, NULL);

	if (!document)
		resolve_error(r, RESOLUTION_INTERNAL_ERROR, NULL);
	else if (wants_place(r))
		send_place(r, found, document);
	else
		send_part(r, found, document);
}

/* ---- all of it ---- */

/* 410 whatever was asked for: there is no content that could stand alone. */
static void send_gone(struct resolving *r, const struct resolve_found *found)
{
	static const char deactivated[] = "{\"deactivated\":true}";
	struct resolution_text metadata = found->metadata;
	enum resolution_form form = error_form(r);
	struct jcs_buffer buffer = {0};

	if (!metadata.ptr)
		metadata = (struct resolution_text){deactivated, sizeof(deactivated) - 1};
	if (resolution_write(&buffer, form, (struct resolution_text){0}, metadata, found->warnings) == 0)
		reply_buffer(r, 410, envelope_type(form), &buffer);
	else
		http_fail(r->req, -ENOMEM, NULL);
}

void resolve_found(struct resolving *r, const struct resolve_found *found)
{
	if (!found->document.ptr)
		send_gone(r, found);
	else if (resolution_request_offer(&r->request) == RESOLUTION_OFFER_DOCUMENT)
		send_whole(r, found);
	else
		send_named(r, found);
}

void resolve_found_tree(struct resolving *r, json_t *document, const json_t *metadata, struct resolve_found *found)
{
	char *text = json_dumps(document, JSON_COMPACT), *beside = metadata ? json_dumps(metadata, JSON_COMPACT) : NULL;

	json_decref(document);
	if (text && (beside || !metadata)) {
		found->document = (struct resolution_text){text, strlen(text)};
		found->metadata = (struct resolution_text){beside, beside ? strlen(beside) : 0};
		resolve_found(r, found);
	} else {
		resolve_error(r, RESOLUTION_INTERNAL_ERROR, NULL);
	}
	free(text);
	free(beside);
}
