/* Resolution requests and Accept headers. The input is PATH LF QUERY LF ACCEPT LF BODY; what is missing is absent. */
#include <jansson.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "did/resolution_request.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool ok)
{
	if (!ok)
		abort();
}

/* A copy of the next line of its exact size, NUL-terminated, or NULL. */
static char *take_line(const uint8_t **data, size_t *size, size_t *len)
{
	const uint8_t *end;
	char *line;

	if (!*data)
		return NULL;
	end = *size ? memchr(*data, '\n', *size) : NULL;
	*len = end ? (size_t)(end - *data) : *size;
	line = malloc(*len + 1);
	check(line != NULL);
	if (*len)
		memcpy(line, *data, *len);
	line[*len] = '\0';
	*size -= *len + (end != NULL);
	*data = end ? end + 1 : NULL;
	return line;
}

static void check_request(const char *path, size_t path_len, const char *query, size_t query_len, const char *body, size_t body_len)
{
	struct resolution_request request = {.room = resolution_request_room(path_len, query_len, body_len)};
	char detail[RESOLUTION_DETAIL_SIZE];
	enum resolution_code code;

	request.memory = malloc(request.room);
	check(request.memory != NULL);
	code = resolution_request_parse(&request, detail, path, path_len, query, query_len, body, body_len);

	check(code <= RESOLUTION_INTERNAL_ERROR && strnlen(detail, sizeof(detail)) < sizeof(detail));
	check((code == RESOLUTION_OK) == (detail[0] == '\0'));
	json_t *text = json_string(detail); /* it stands in the answer: NULL where it is no UTF-8 */
	check(text != NULL);
	json_decref(text);
	check(request.used <= request.room);
	if (code == RESOLUTION_OK) {
		check(request.url.did.ptr == request.memory && request.url.path.len == 0);
		check(!request.options.relative_ref || resolution_request_offer(&request) == RESOLUTION_OFFER_SERVICE);
	}
	free(request.memory);
}

static void check_accept(const char *accept)
{
	static const char *const types[] = {[RESOLUTION_RESULT] = RESOLUTION_TYPE, [RESOLUTION_DEREFERENCING] = RESOLUTION_DEREFERENCING_TYPE,
					    [RESOLUTION_LOCATION] = ""};
	struct resolution_accept chosen;

	for (int offer = RESOLUTION_OFFER_DOCUMENT; offer <= RESOLUTION_OFFER_SERVICE; offer++) {
		if (resolution_negotiate(&chosen, accept, (enum resolution_offer)offer) != RESOLUTION_OK)
			continue;
		check(chosen.form == RESOLUTION_CONTENT ? *chosen.content_type : strcmp(chosen.content_type, types[chosen.form]) == 0);
		check(offer == RESOLUTION_OFFER_SERVICE || chosen.form != RESOLUTION_LOCATION);
		check(offer == RESOLUTION_OFFER_DOCUMENT || chosen.form != RESOLUTION_RESULT);
	}
	check(resolution_document_type(accept) != NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t path_len = 0, query_len = 0, accept_len = 0, body_len = 0;
	char *path = take_line(&data, &size, &path_len);
	char *query = take_line(&data, &size, &query_len);
	char *accept = take_line(&data, &size, &accept_len);
	char *body = take_line(&data, &size, &body_len);
	int64_t seconds;
	char time[21];

	if (path)
		check_request(path, path_len, query, query_len, body, body_len);
	check_accept(accept);
	if (path && resolution_time_parse(&seconds, path, path_len) == 0)
		check(resolution_time_format(time, seconds) == 0 && memcmp(time, path, 20) == 0);
	free(path);
	free(query);
	free(accept);
	free(body);
	return 0;
}
