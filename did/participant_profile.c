/* The coordinationGames extension: fields of coordination-games/enrollment@1.0 as the Observatory's documents have them. */
#include "did/jcs.h"
#include "did/participant_document.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { TEXT_CHARACTERS_MAX = 128, LIST_MAX = 16 };

static const char schema[] = "coordination-games/enrollment@1.0";

enum shape { SCHEMA, TEXT, TEXT_OR_NUMBER, TEXTS };

static const struct member {
	const char *name;
	enum shape shape;
} members[] = {
	{"schema", SCHEMA},		{"season", TEXT_OR_NUMBER},	{"participant_type", TEXT}, {"primary_class", TEXT},
	{"stakeholder_class", TEXTS}, {"erc8004_id", TEXT_OR_NUMBER}, {"erc8004_network", TEXT}, {"enrolled_at", TEXT},
};

/* 1 to 128 characters, none of them a control character. jansson's texts are UTF-8. */
static bool text_ok(const json_t *value)
{
	const char *text = json_string_value(value);
	size_t characters = 0;

	for (; text && *text; text++) {
		if ((unsigned char)*text < 0x20 || *text == 0x7f)
			return false;
		characters += ((unsigned char)*text & 0xc0) != 0x80;
	}
	return text && characters >= 1 && characters <= TEXT_CHARACTERS_MAX;
}

static const char *check_member(char pointer[static PARTICIPANT_POINTER_SIZE], const struct member *member, const json_t *value)
{
	static const char text[] = "a text of 1 to 128 characters without control characters belongs here";

	(void)snprintf(pointer, PARTICIPANT_POINTER_SIZE, "/%s", member->name);
	switch (member->shape) {
	case SCHEMA:
		return json_is_string(value) && strcmp(json_string_value(value), schema) == 0
			       ? NULL
			       : "the schema is coordination-games/enrollment@1.0";
	case TEXT:
		return text_ok(value) ? NULL : text;
	case TEXT_OR_NUMBER:
		return text_ok(value) || (json_is_integer(value) && json_integer_value(value) >= 0)
			       ? NULL
			       : "a text of 1 to 128 characters or an integer from 0 belongs here";
	case TEXTS:
		break;
	}
	if (!json_is_array(value) || json_array_size(value) > LIST_MAX)
		return "a list of at most 16 texts belongs here";
	for (size_t i = 0; i < json_array_size(value); i++) {
		(void)snprintf(pointer, PARTICIPANT_POINTER_SIZE, "/%s/%zu", member->name, i);
		if (!text_ok(json_array_get(value, i)))
			return text;
	}
	return NULL;
}

static int check_size(const json_t *profile)
{
	char bytes[PARTICIPANT_PROFILE_MAX];
	struct jcs_buffer buffer = {.data = bytes, .cap = sizeof(bytes), .fixed = true};
	int rc = jcs_write(&buffer, profile);

	return rc == -ENOSPC ? -EOVERFLOW : rc;
}

int participant_profile_check(char pointer[static PARTICIPANT_POINTER_SIZE], const char **why, const json_t *profile)
{
	size_t known = 0;
	int rc;

	*pointer = '\0';
	*why = "a profile is a JSON object";
	if (!json_is_object(profile))
		return -EBADMSG;
	if (json_object_size(profile) == 0)
		return 0;
	for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
		const json_t *value = json_object_get(profile, members[i].name);

		known += value != NULL;
		if (!value && members[i].shape != SCHEMA)
			continue;
		*why = check_member(pointer, &members[i], value);
		if (*why)
			return -EBADMSG;
	}
	*pointer = '\0';
	*why = "it has a member that profiles do not have";
	if (known != json_object_size(profile))
		return -EBADMSG;
	*why = "it has more than 2,048 bytes";
	rc = check_size(profile);
	return rc == -EINVAL ? -EBADMSG : rc;
}
