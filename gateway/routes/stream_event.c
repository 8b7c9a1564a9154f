#include "gateway/routes/stream_event.h"

#include "did/did_web.h"
#include "did/jcs.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool is(struct pg_bytes bytes, const char *text)
{
	return bytes.data && bytes.len == strlen(text) && memcmp(bytes.data, text, bytes.len) == 0;
}

static json_t *load(struct pg_bytes bytes)
{
	return bytes.data ? json_loadb((const char *)bytes.data, bytes.len, JSON_REJECT_DUPLICATES, NULL) : NULL;
}

static json_t *text_of(struct pg_bytes bytes)
{
	return bytes.data ? json_stringn((const char *)bytes.data, bytes.len) : json_null();
}

/* ---- participant.did: who somebody is, in one line an entry ---- */

static bool is_participant(const struct store_stream_row *row)
{
	static const char prefix[] = "urn:kedge:p:";

	return row->subject.len > strlen(prefix) && memcmp(row->subject.data, prefix, strlen(prefix)) == 0;
}

/* Its handle stands in the payload of its first entry alone, and is gone with it. */
static json_t *participant_did(const struct service *service, const struct store_stream_row *row)
{
	json_auto_t *claim = load(row->first);
	const char *handle = json_string_value(json_object_get(claim, "handle"));
	char host[DID_WEB_HOST_DID_SIZE];

	if (!handle || did_web_from_host(host, sizeof(host), service->config->host) != 0)
		return json_null();
	return json_sprintf("%s:character:%s", host, handle);
}

static json_t *agent_did(const struct service *service, const struct store_stream_row *row)
{
	char did[AGENT_DID_SIZE];
	struct agent_key key;

	if (agent_key_parse(&key, (const char *)row->subject.data, row->subject.len) != 0 ||
	    agent_did_format(did, &key, &service->defaults) < 0)
		return json_null();
	return json_string(did);
}

/* versionId of the document that the entry made: its seq, or of an agent the block. An erasure makes none, and takes those before it. */
static json_t *version_of(const struct store_stream_row *row, const json_t *entry)
{
	json_int_t number = json_integer_value(json_object_get(json_object_get(entry, "block"), "number"));

	if (is_participant(row))
		return is(row->kind, "erasure") || !row->payload.data ? json_null() : json_sprintf("%ju", (uintmax_t)row->seq);
	return is(row->kind, "identity") ? json_sprintf("%ju", (uintmax_t)number) : json_null();
}

/* What changed, of kinds that have it in their payload. */
static int put_change(json_t *event, const struct store_stream_row *row)
{
	static const char *const members[] = {"handle", "object", "role", "verb"};
	json_auto_t *payload = load(row->payload);

	if (!is(row->kind, "alias") && !is(row->kind, "link"))
		return 0;
	if (!payload)
		return json_object_set_new(event, "erased", json_true());
	for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
		json_t *member = json_object_get(payload, members[i]);

		if (member && json_object_set(event, members[i], member) != 0)
			return -1;
	}
	return 0;
}

static int write_participant(char **out, size_t *len, const struct service *service, const struct store_stream_row *row)
{
	json_t *did = is_participant(row) ? participant_did(service, row) : agent_did(service, row);
	json_t *entry = load(row->line);
	json_auto_t *event = entry ? json_pack("{s:I, s:o, s:O, s:o, s:I, s:o, s:o}", "at", (json_int_t)row->at, "did", did, "entry", entry,
					       "kind", text_of(row->kind), "seq", (json_int_t)row->seq, "subject",
					       text_of(row->subject), "versionId", version_of(row, entry))
				   : NULL;
	struct jcs_buffer buffer = {0};
	int rc = event && put_change(event, row) == 0 ? jcs_write(&buffer, event) : -ENOMEM;

	if (!entry) {
		json_decref(did);
		rc = -EBADMSG;
	}
	json_decref(entry);
	if (rc != 0) {
		free(buffer.data);
		return rc;
	}
	*out = buffer.data;
	*len = buffer.len;
	return 0;
}

/* ---- the table ---- */

static const struct stream streams[] = {
	{"participant.did", {"alias", "erasure", "identity", "link"}, {"alias", "link", "erasure"}, write_participant},
};

enum { STREAMS = sizeof(streams) / sizeof(streams[0]) };

const struct stream *stream_find(const char *name)
{
	for (size_t i = 0; i < STREAMS; i++)
		if (strcmp(streams[i].name, name) == 0)
			return &streams[i];
	return NULL;
}

size_t stream_count(void)
{
	return STREAMS;
}

const struct stream *stream_at(size_t place)
{
	return &streams[place];
}

size_t stream_place(const struct stream *stream)
{
	return (size_t)(stream - streams);
}

static size_t texts_of(struct pg_bytes out[static STREAM_KINDS_MAX], const char *const *texts)
{
	size_t n = 0;

	for (; texts[n]; n++)
		out[n] = pg_text(texts[n]);
	return n;
}

int stream_read(struct pg_conn *conn, struct pg_op *op, struct store_stream_rows *out, const struct stream *stream, uint64_t from,
		unsigned limit)
{
	struct pg_bytes kinds[STREAM_KINDS_MAX], payloads[STREAM_KINDS_MAX];
	struct store_stream_ask ask = {.from = from, .kinds = kinds, .payloads = payloads, .limit = limit};

	ask.nkinds = texts_of(kinds, stream->kinds);
	ask.npayloads = texts_of(payloads, stream->payloads);
	return store_stream(conn, op, out, &ask);
}

int stream_event(struct http_buffer **out, const struct stream *stream, const struct service *service, const struct store_stream_row *row)
{
	char *data = NULL, *text;
	size_t len = 0, size;
	int rc = stream->write(&data, &len, service, row), n;

	if (rc != 0)
		return rc;
	size = len + row->kind.len + 64;
	text = malloc(size);
	*out = NULL;
	if (text) {
		n = snprintf(text, size, "id: %ju\nevent: %.*s\ndata: %.*s\n\n", (uintmax_t)row->seq + 1, (int)row->kind.len,
			     (const char *)row->kind.data, (int)len, data);
		*out = http_buffer_new(text, (size_t)n);
	}
	free(text);
	free(data);
	return *out ? 0 : -ENOMEM;
}
