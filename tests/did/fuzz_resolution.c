/* Resolution requests and Accept headers. The input is PATH LF QUERY LF ACCEPT; what is missing is absent. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "did/resolution.h"

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

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t path_len = 0, query_len = 0, accept_len = 0;
	char *path = take_line(&data, &size, &path_len);
	char *query = take_line(&data, &size, &query_len);
	char *accept = take_line(&data, &size, &accept_len);
	char detail[RESOLUTION_DETAIL_SIZE], time[21];
	struct resolution_request request;
	struct resolution_accept chosen;
	int64_t seconds;

	if (path) {
		enum resolution_code code =
			resolution_request_parse(&request, detail, path, path_len, query, query_len);

		check(code <= RESOLUTION_INTERNAL_ERROR && strnlen(detail, sizeof(detail)) < sizeof(detail));
		check((code == RESOLUTION_OK) == (detail[0] == '\0'));
		if (code == RESOLUTION_OK)
			check(request.url.did.ptr == request.text && request.url.path.len == 0);
	}
	if (resolution_negotiate(&chosen, accept) == RESOLUTION_OK)
		check(chosen.envelope == (strcmp(chosen.content_type, RESOLUTION_TYPE) == 0));
	check(resolution_document_type(accept) != NULL);
	if (path && resolution_time_parse(&seconds, path, path_len) == 0)
		check(resolution_time_format(time, seconds) == 0 && memcmp(time, path, 20) == 0);
	free(path);
	free(query);
	free(accept);
	return 0;
}
