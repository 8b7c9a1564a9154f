/* The hot path of every answer: members in their canonical order (by UTF-16 code unit, here plain ASCII), values
 * inserted as they are. */
#include "gateway/record/receipt.h"
#include <errno.h>
#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define INTEGER_MAX ((UINT64_C(1) << 53) - 1)

static const char *const level_texts[] = {"logged", "published", "anchored", "final"};

const char *receipt_level_text(enum receipt_level level)
{
	return level_texts[level];
}

int receipt_level_parse(enum receipt_level *level, const char *text)
{
	for (unsigned i = 0; i < sizeof(level_texts) / sizeof(level_texts[0]); i++)
		if (!strcmp(text, level_texts[i])) {
			*level = (enum receipt_level)i;
			return 0;
		}
	return -ENOENT;
}

/* Appends to a buffer that receipt_write has sized for everything that can come. */
struct out {
	char *at;
};

static void put(struct out *o, const char *text, size_t len)
{
	memcpy(o->at, text, len);
	o->at += len;
}

static void put_text(struct out *o, const char *text)
{
	put(o, text, strlen(text));
}

static void put_number(struct out *o, uint64_t n)
{
	o->at += sprintf(o->at, "%" PRIu64, n);
}

static void put_hex(struct out *o, const uint8_t *bytes, size_t len)
{
	sodium_bin2hex(o->at, len * 2 + 1, bytes, len);
	o->at += len * 2;
}

/* RFC 8785 §3.2.2.2: the two-character escapes where JSON has them, \u00xx for other controls, everything else as it
 * is. */
static void put_string(struct out *o, const char *text, size_t len)
{
	static const char shorts[32] = {['\b'] = 'b', ['\f'] = 'f', ['\n'] = 'n', ['\r'] = 'r', ['\t'] = 't'};

	*o->at++ = '"';
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)text[i];

		if (c == '"' || c == '\\') {
			*o->at++ = '\\';
			*o->at++ = (char)c;
		} else if (c >= 0x20) {
			*o->at++ = (char)c;
		} else if (shorts[c]) {
			*o->at++ = '\\';
			*o->at++ = shorts[c];
		} else {
			o->at += sprintf(o->at, "\\u%04x", c);
		}
	}
	*o->at++ = '"';
}

static void put_proof(struct out *o, const struct merkle_hash *hashes, size_t count)
{
	put_text(o, "[");
	for (size_t i = 0; i < count; i++) {
		put_text(o, i ? ",\"" : "\"");
		put_hex(o, hashes[i].bytes, 32);
		put_text(o, "\"");
	}
	put_text(o, "]");
}

static void put_anchor(struct out *o, const struct receipt_parts *p)
{
	put_text(o, "\"anchor\":{\"block\":{\"hash\":\"0x");
	put_hex(o, p->block_hash, 32);
	put_text(o, "\",\"number\":");
	put_number(o, p->block_number);
	put_text(o, "},\"chain\":\"eip155:");
	put_number(o, p->chain_id);
	put_text(o, "\",\"contract\":\"0x");
	put_hex(o, p->contract, 20);
	put_text(o, "\"},");
}

static void put_head(struct out *o, const struct receipt_parts *p)
{
	put_text(o, ",\"head\":{\"entry\":");
	put_string(o, p->head_entry, p->head_entry_len);
	put_text(o, ",\"inclusion\":");
	put_proof(o, p->head_inclusion, p->head_inclusion_len);
	put_text(o, "}");
}

static void put_receipt(struct out *o, const struct receipt_parts *p)
{
	put_text(o, "{");
	if (p->level >= RECEIPT_ANCHORED)
		put_anchor(o, p);
	put_text(o, "\"checkpoint\":");
	put_string(o, p->checkpoint, p->checkpoint_len);
	put_text(o, ",\"entry\":");
	put_string(o, p->entry, p->entry_len);
	put_text(o, ",\"evidence\":");
	put(o, p->evidence, p->evidence_len);
	if (p->level >= RECEIPT_PUBLISHED)
		put_head(o, p);
	put_text(o, ",\"inclusion\":");
	put_proof(o, p->inclusion, p->inclusion_len);
	put_text(o, ",\"level\":\"");
	put_text(o, receipt_level_text(p->level));
	put_text(o, "\",\"payload\":");
	put(o, p->payload, p->payload_len);
	put_text(o, ",\"seq\":");
	put_number(o, p->seq);
	put_text(o, ",\"v\":1}");
}

int receipt_write(char **out, size_t *len, const struct receipt_parts *p)
{
	bool published = p->level >= RECEIPT_PUBLISHED;
	size_t head_len = published ? p->head_entry_len : 0, head_proof = published ? p->head_inclusion_len : 0;
	size_t raw, size;
	struct out o;

	if (p->inclusion_len > MERKLE_PROOF_MAX || head_proof > MERKLE_PROOF_MAX || p->seq > INTEGER_MAX)
		return -EOVERFLOW;
	if (p->level >= RECEIPT_ANCHORED && p->block_number > INTEGER_MAX)
		return -EOVERFLOW;
	raw = p->payload_len + p->evidence_len + p->entry_len + p->checkpoint_len + head_len;
	if (p->payload_len > RECEIPT_MAX || p->evidence_len > RECEIPT_MAX || p->entry_len > RECEIPT_MAX ||
	    p->checkpoint_len > RECEIPT_MAX || raw > RECEIPT_MAX)
		return -EOVERFLOW;
	/* A text grows at most six-fold; a hash takes 64 digits, quotes and a comma; the template with anchor is below
	 * 600. */
	size = p->payload_len + p->evidence_len + 6 * (p->entry_len + p->checkpoint_len + head_len) +
	       67 * (p->inclusion_len + head_proof) + 640;
	o.at = malloc(size);
	if (!o.at)
		return -ENOMEM;
	*out = o.at;
	put_receipt(&o, p);
	*len = (size_t)(o.at - *out);
	if (*len > RECEIPT_MAX) {
		free(*out);
		*out = NULL;
		return -EOVERFLOW;
	}
	return 0;
}
