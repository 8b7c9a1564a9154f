/* Documents of other hosts. The DID is that of the input's id where it has one, so that the checks behind it are reached. */
#include "did/foreign_document.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool ok)
{
	if (!ok)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	json_t *loose = json_loadb((const char *)data, size, 0, NULL), *document;
	const char *id = json_string_value(json_object_get(loose, "id"));
	char why[FOREIGN_DOCUMENT_WHY_SIZE];
	int rc = foreign_document_parse(&document, why, data, size, id ? id : "did:web:a.example");

	check((rc == 0) == (document != NULL) && (rc == 0) == (*why == '\0'));
	check(strnlen(why, sizeof(why)) < sizeof(why));
	if (rc == 0)
		check(json_is_object(document) && id && strcmp(json_string_value(json_object_get(document, "id")), id) == 0);
	json_decref(document);
	json_decref(loose);
	return 0;
}
