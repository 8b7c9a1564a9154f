/*
 * The platform's `id` rule (facts/coordination-games.md §1.4). Its encoder is JavaScript: keys sorted by UTF-16 code
 * unit and put back into an object, so keys that look like array indices come first in numeric order, `__proto__` is
 * lost, and a fraction throws. Where any of that could matter nothing is said.
 */
#include "did/jcs.h"
#include "eth/hex.h"
#include "eth/keccak.h"
#include "gateway/record/attestation.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

static bool plain(json_t *value);

static bool plain_object(json_t *object)
{
	void *it;

	for (it = json_object_iter(object); it; it = json_object_iter_next(object, it)) {
		const char *key = json_object_iter_key(it);

		if (!strcmp(key, "__proto__") || strspn(key, "0123456789") == strlen(key))
			return false;
		if (!plain(json_object_iter_value(it)))
			return false;
	}
	return true;
}

/* Depth is bounded by the parser's limit. */
static bool plain(json_t *value)
{
	if (json_is_real(value))
		return floor(json_real_value(value)) == json_real_value(value);
	if (json_is_object(value))
		return plain_object(value);
	for (size_t i = 0; json_is_array(value) && i < json_array_size(value); i++)
		if (!plain(json_array_get(value, i)))
			return false;
	return true;
}

static int add(json_t *object, const char *key, json_t *value)
{
	return json_object_set(object, key, value);
}

static bool hash_matches(const char *id, const json_t *preimage)
{
	char text[HEX_DATA_SIZE(32)] = "";
	struct jcs_buffer b = {0};
	struct eth_hash hash;

	if (!jcs_write(&b, preimage)) {
		keccak256(&hash, b.data, b.len);
		hex_encode_data(text, hash.bytes, sizeof(hash.bytes));
	}
	jcs_buffer_clear(&b);
	return !strcmp(text, id);
}

enum submission_id_match submission_id_check(const json_t *attestation, const json_t *game)
{
	json_t *claim = json_object_get(attestation, "claim"), *data = json_object_get(claim, "data");
	json_t *round = json_object_get(attestation, "round"), *about = json_object_get(attestation, "subject");
	json_t *type = json_object_get(data, "gameType"), *version = json_object_get(data, "schemaVersion");
	const char *id = json_string_value(json_object_get(attestation, "id"));
	enum submission_id_match match = SUBMISSION_ID_UNKNOWN;
	json_t *preimage;

	if (!type)
		type = json_object_get(game, "type");
	if (!id || !round || !json_is_string(type) || !json_is_string(about) || !plain(data))
		return SUBMISSION_ID_UNKNOWN;
	preimage = json_object();
	if (preimage && !add(preimage, "claimType", json_object_get(claim, "type")) && !add(preimage, "data", data) &&
	    !add(preimage, "gameType", type) && !add(preimage, "round", round) && !add(preimage, "subject", about) &&
	    (!json_is_string(version) || !add(preimage, "schemaVersion", version)))
		match = hash_matches(id, preimage) ? SUBMISSION_ID_MATCHES : SUBMISSION_ID_DIFFERS;
	json_decref(preimage);
	return match;
}
