/* What the independent program under tests/vectors makes of docs/formats.md: names (section 1) and canonical JSON
 * (section 2). */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "did/agent_key.h"
#include "did/jcs.h"

static json_t *load(const char *path)
{
	json_error_t err;
	json_t *vectors = json_load_file(path, 0, &err);

	if (!vectors)
		fail_msg("%s: %s", path, err.text);
	return vectors;
}

static const char *text(const json_t *object, const char *name)
{
	return json_string_value(json_object_get(object, name));
}

static struct agent_defaults defaults_of(const json_t *vectors)
{
	struct agent_defaults defaults = {.host = "localhost:8004"};

	defaults.chain = (uint64_t)json_integer_value(json_object_get(vectors, "chainId"));
	assert_int_equal(address_parse(&defaults.registry, text(vectors, "registry"), 42), 0);
	return defaults;
}

/* A name as it stands in an attestation: text, or an integer that is read as its decimal. */
static int read_name(struct agent_key *key, const char *json, const struct agent_defaults *defaults)
{
	struct jcs_error err;
	char decimal[32];
	json_t *value;
	int rc;

	if (jcs_parse(&value, &err, json, strlen(json), NULL) != 0)
		return -EBADMSG;
	if (json_is_string(value)) {
		rc = agent_key_from_any(key, json_string_value(value), json_string_length(value), defaults);
	} else if (json_is_integer(value)) {
		snprintf(decimal, sizeof(decimal), "%lld", (long long)json_integer_value(value));
		rc = agent_key_from_any(key, decimal, strlen(decimal), defaults);
	} else {
		rc = -EBADMSG;
	}
	json_decref(value);
	return rc;
}

static void names(void **state)
{
	json_t *vectors = load(KEDGE_VECTORS "/names.json"), *one;
	struct agent_defaults defaults = defaults_of(vectors);
	char made[AGENT_KEY_TEXT_SIZE];
	struct agent_key key;
	size_t i;

	(void)state;
	assert_true(json_array_size(json_object_get(vectors, "read")) > 10);
	assert_true(json_array_size(json_object_get(vectors, "refused")) > 10);
	json_array_foreach(json_object_get(vectors, "read"), i, one)
	{
		if (read_name(&key, text(one, "json"), &defaults) != 0)
			fail_msg("%s is refused", text(one, "json"));
		agent_key_format(made, &key);
		assert_string_equal(made, text(one, "key"));
	}
	json_array_foreach(json_object_get(vectors, "refused"), i, one)
	{
		if (read_name(&key, json_string_value(one), &defaults) == 0)
			fail_msg("%s is taken", json_string_value(one));
	}
	json_decref(vectors);
}

static void check_canonical(const char *in, const char *expected)
{
	struct jcs_buffer buffer = {0};
	struct jcs_error err;
	json_t *value;

	if (jcs_parse(&value, &err, in, strlen(in), NULL) != 0)
		fail_msg("%s: %s at %zu", in, jcs_reason(err.code), err.offset);
	assert_int_equal(jcs_write(&buffer, value), 0);
	if (buffer.len != strlen(expected) || memcmp(buffer.data, expected, buffer.len) != 0)
		fail_msg("%.*s\nis not %s", (int)buffer.len, buffer.data, expected);
	json_decref(value);
	jcs_buffer_clear(&buffer);
}

static void submissions_become_payloads(void **state)
{
	json_t *vectors = load(KEDGE_VECTORS "/attestations.json"), *cases = json_object_get(vectors, "cases"), *one;
	size_t i;

	(void)state;
	assert_true(json_array_size(cases) > 10);
	json_array_foreach(cases, i, one)
	{
		check_canonical(text(one, "submission"), text(one, "payload"));
		check_canonical(text(one, "uidText"), text(one, "uidText"));
		check_canonical(text(one, "evidence"), text(one, "evidence"));
	}
	printf("%zu submissions\n", json_array_size(cases));
	json_decref(vectors);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names),
		cmocka_unit_test(submissions_become_payloads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
