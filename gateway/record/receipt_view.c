#include "gateway/record/receipt_view.h"
#include "did/jcs.h"
#include "eth/hex.h"
#include "eth/u256.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>

static int refuse(char *why, size_t size, const char *text)
{
	(void)snprintf(why, size, "%s", text);
	return -EBADMSG;
}

static bool listed(const char *const *names, const char *name)
{
	for (; names && *names; names++)
		if (!strcmp(*names, name))
			return true;
	return false;
}

bool receipt_members(json_t *object, const char *const *required, const char *const *optional)
{
	void *it;

	if (!json_is_object(object))
		return false;
	for (it = json_object_iter(object); it; it = json_object_iter_next(object, it))
		if (!listed(required, json_object_iter_key(it)) && !listed(optional, json_object_iter_key(it)))
			return false;
	for (; *required; required++)
		if (!json_object_get(object, *required))
			return false;
	return true;
}

int receipt_chain_parse(uint64_t *chain_id, const json_t *value)
{
	const char *text = json_string_value(value);
	struct u256 number;

	if (!text || strncmp(text, "eip155:", 7) != 0 || u256_parse_decimal(&number, text + 7, strlen(text + 7)) ||
	    u256_to_u64(chain_id, &number))
		return -EBADMSG;
	return 0;
}

static int read_number(uint64_t *out, const json_t *value)
{
	if (!json_is_integer(value) || json_integer_value(value) < 0)
		return -EBADMSG;
	*out = (uint64_t)json_integer_value(value);
	return 0;
}

/* Lower case only: docs/formats.md §8 "hashes are lower-case hex". */
static int read_digits(uint8_t *out, size_t size, const char *text)
{
	char with_prefix[HEX_DATA_SIZE(32)];

	if (strlen(text) != size * 2 || strspn(text, "0123456789abcdef") != size * 2)
		return -EBADMSG;
	(void)snprintf(with_prefix, sizeof(with_prefix), "0x%s", text);
	return hex_decode_fixed(out, size, with_prefix, size * 2 + 2);
}

static int read_hex(uint8_t *out, size_t size, const json_t *value)
{
	const char *text = json_string_value(value);

	return text && !strncmp(text, "0x", 2) ? read_digits(out, size, text + 2) : -EBADMSG;
}

static int read_proof(struct receipt_proof *proof, const json_t *value)
{
	if (!json_is_array(value) || json_array_size(value) > MERKLE_PROOF_MAX)
		return -EBADMSG;
	proof->count = json_array_size(value);
	for (size_t i = 0; i < proof->count; i++) {
		const char *text = json_string_value(json_array_get(value, i));

		if (!text || read_digits(proof->hashes[i].bytes, 32, text))
			return -EBADMSG;
	}
	return 0;
}

static int read_head(struct receipt_view *v, json_t *head)
{
	static const char *const members[] = {"entry", "inclusion", NULL};

	if (!receipt_members(head, members, NULL) || read_proof(&v->head_inclusion, json_object_get(head, "inclusion")))
		return -EBADMSG;
	v->head_entry = json_string_value(json_object_get(head, "entry"));
	return v->head_entry ? 0 : -EBADMSG;
}

static int read_anchor(struct receipt_view *v, json_t *anchor)
{
	static const char *const members[] = {"block", "chain", "contract", NULL}, *const block_members[] = {
											   "hash", "number", NULL};
	json_t *block = json_object_get(anchor, "block");

	v->has_anchor = true;
	if (!receipt_members(anchor, members, NULL) || !receipt_members(block, block_members, NULL) ||
	    receipt_chain_parse(&v->chain_id, json_object_get(anchor, "chain")) ||
	    read_hex(v->contract, sizeof(v->contract), json_object_get(anchor, "contract")) ||
	    read_hex(v->block_hash, sizeof(v->block_hash), json_object_get(block, "hash")) ||
	    read_number(&v->block_number, json_object_get(block, "number")))
		return -EBADMSG;
	return 0;
}

static int read_parts(struct receipt_view *v, char *why, size_t why_size)
{
	static const char *const required[] = {"checkpoint", "entry", "evidence", "inclusion", "level",
					       "payload",    "seq",   "v",	  NULL};
	static const char *const optional[] = {"anchor", "head", NULL};
	json_t *head = json_object_get(v->json, "head"), *anchor = json_object_get(v->json, "anchor");
	const char *level = json_string_value(json_object_get(v->json, "level"));

	if (!receipt_members(v->json, required, optional))
		return refuse(why, why_size, "the members are not those of a receipt");
	if (json_integer_value(json_object_get(v->json, "v")) != 1)
		return refuse(why, why_size, "v is not 1");
	if (!level || receipt_level_parse(&v->level, level))
		return refuse(why, why_size, "there is no such level");
	if ((head != NULL) != (v->level >= RECEIPT_PUBLISHED) || (anchor != NULL) != (v->level >= RECEIPT_ANCHORED))
		return refuse(why, why_size, "head and anchor are not those of the level");
	v->entry = json_string_value(json_object_get(v->json, "entry"));
	v->checkpoint = json_string_value(json_object_get(v->json, "checkpoint"));
	v->payload = json_object_get(v->json, "payload");
	v->evidence = json_object_get(v->json, "evidence");
	if (!v->entry || !v->checkpoint || read_number(&v->seq, json_object_get(v->json, "seq")) ||
	    read_proof(&v->inclusion, json_object_get(v->json, "inclusion")))
		return refuse(why, why_size, "entry, checkpoint, seq or inclusion has the wrong form");
	if (head && read_head(v, head))
		return refuse(why, why_size, "head has the wrong form");
	if (anchor && read_anchor(v, anchor))
		return refuse(why, why_size, "anchor has the wrong form");
	return 0;
}

static int parse_canonical(struct receipt_view *v, char *why, size_t why_size, const char *text, size_t len)
{
	/* An item's depth is bounded by the log; a receipt wraps it once. */
	static const struct jcs_limits limits = {.bytes = RECEIPT_MAX, .depth = JCS_MAX_DEPTH + 1};
	struct jcs_buffer canonical = {0};
	struct jcs_error error;
	int rc = jcs_parse(&v->json, &error, text, len, &limits);

	if (rc == -ENOMEM)
		return rc;
	if (rc)
		return refuse(why, why_size, jcs_reason(error.code));
	rc = jcs_write(&canonical, v->json);
	if (!rc && (canonical.len != len || memcmp(canonical.data, text, len) != 0))
		rc = refuse(why, why_size, "the bytes are not the canonical form (RFC 8785)");
	jcs_buffer_clear(&canonical);
	return rc;
}

int receipt_view_parse(struct receipt_view *v, char *why, size_t why_size, const uint8_t *bytes, size_t len)
{
	int rc;

	memset(v, 0, sizeof(*v));
	(void)snprintf(why, why_size, "out of memory");
	if (len && bytes[len - 1] == '\n')
		len--;
	rc = parse_canonical(v, why, why_size, (const char *)bytes, len);
	if (!rc)
		rc = read_parts(v, why, why_size);
	if (rc)
		receipt_view_clear(v);
	return rc == 0 || rc == -ENOMEM ? rc : -EBADMSG;
}

void receipt_view_clear(struct receipt_view *v)
{
	json_decref(v->json);
	memset(v, 0, sizeof(*v));
}
