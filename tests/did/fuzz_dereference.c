/* DID URLs against documents of any shape, and references against bases. The input is PATH LF OPTIONS LF DOCUMENT; the first two also stand for
 * base and reference. */
#include "did/dereference.h"
#include "did/jcs.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool ok)
{
	if (!ok)
		abort();
}

static char *take_line(const uint8_t **data, size_t *size)
{
	const uint8_t *end = *size ? memchr(*data, '\n', *size) : NULL;
	size_t len = end ? (size_t)(end - *data) : *size;
	char *line = malloc(len + 1);

	check(line != NULL);
	if (len)
		memcpy(line, *data, len);
	line[len] = '\0';
	*data += len + (end != NULL);
	*size -= len + (end != NULL);
	return line;
}

/* What goes into a header is visible ASCII, and one URI. */
static void check_location(const char *location)
{
	check(strlen(location) < DEREFERENCE_URL_SIZE);
	for (const char *at = location; *at; at++)
		check(*at > ' ' && *at <= '~' && *at != '"' && *at != '<' && *at != '\\');
}

/* Scheme and authority of the base, whatever the reference was, and no way up in the path. */
static void check_reference(const char *base, const char *reference)
{
	char made[DEREFERENCE_URL_SIZE];
	const char *slashes = strstr(base, "://");
	size_t before;

	if (dereference_reference(made, base, reference) != 0)
		return;
	check_location(made);
	check(slashes != NULL);
	before = (size_t)(slashes - base) + 3 + strcspn(slashes + 3, "/?#");
	check(strncmp(made, base, before) == 0 && (made[before] == '\0' || strchr("/?#", made[before])));
	made[before + strcspn(made + before, "?#")] = '\0';
	check(!strstr(made + before, "/../"));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct resolution_request request = {.memory = NULL};
	char *path = take_line(&data, &size), *options = take_line(&data, &size);
	char detail[RESOLUTION_DETAIL_SIZE], location[DEREFERENCE_URL_SIZE];
	json_t *document = NULL, *content;
	struct jcs_error err;
	bool whole;

	request.room = resolution_request_room(strlen(path), strlen(options), 0);
	request.memory = malloc(request.room);
	check(request.memory != NULL);
	check_reference(path, options);
	if (jcs_parse(&document, &err, (const char *)data, size, NULL) == 0 && json_is_object(document) &&
	    resolution_request_parse(&request, detail, path, strlen(path), options, strlen(options), NULL, 0) == RESOLUTION_OK) {
		enum resolution_code code = dereference_content(&content, &whole, detail, document, &request);

		check((code == RESOLUTION_OK) == (content != NULL) && (code == RESOLUTION_OK) == (*detail == '\0'));
		check(!content || json_is_object(content));
		json_decref(content);
		if (dereference_location(location, detail, document, &request) == RESOLUTION_OK)
			check_location(location);
	}
	json_decref(document);
	free(request.memory);
	free(path);
	free(options);
	return 0;
}
