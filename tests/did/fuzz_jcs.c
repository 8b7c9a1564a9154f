/* What the strict reader takes, jansson takes too and reads as the same value; its canonical form is taken again and is
 * its own canonical form. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "did/jcs.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool ok)
{
	if (!ok)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct jcs_buffer once = {0}, twice = {0};
	const char *text = (const char *)data;
	json_t *value, *again, *theirs;
	struct jcs_error err;

	theirs = json_loadb(size ? text : "", size, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, NULL);
	if (jcs_parse(&value, &err, text, size, NULL) != 0) {
		check(!value && err.code != JCS_OK && err.offset <= size);
		check(strnlen(err.pointer, sizeof(err.pointer)) < sizeof(err.pointer));
		/* the only things refused beyond what jansson refuses; jansson 2.14 overlooks a NUL byte after a number
		 */
		check(!theirs || err.code == JCS_NUMBER_RANGE || err.code == JCS_TOO_DEEP || memchr(data, '\0', size));
		json_decref(theirs);
		return 0;
	}
	check(theirs && json_equal(value, theirs));
	check(jcs_write(&once, value) == 0);
	check(jcs_parse(&again, &err, once.data, once.len, NULL) == 0);
	check(jcs_write(&twice, again) == 0);
	check(once.len == twice.len && memcmp(once.data, twice.data, once.len) == 0);
	json_decref(value);
	json_decref(again);
	json_decref(theirs);
	jcs_buffer_clear(&once);
	jcs_buffer_clear(&twice);
	return 0;
}
