/* The templates of docs/formats.md section 4. A reader walks a line with a sticky error; what it read is written again
 * and must give the same bytes, so a line has one meaning and a meaning one line. */
#include "anchor/entry.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define NUMBER_LIMIT (UINT64_C(1) << 53) /* formats section 4: JSON integers */

static const char *const methods[] = {[ENTRY_EIP712] = "eip712", [ENTRY_EIP191] = "eip191"};
static const char *const roles[] = {[ENTRY_WALLET] = "wallet", [ENTRY_OWNER] = "owner"};
static const char *const tiers[] = {[ENTRY_RPC] = "rpc"};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static bool text_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == ':' || c == '/' || c == '-';
}

static bool text_ok(const char *text, size_t max)
{
	size_t len = strnlen(text, max + 1);

	if (len < 1 || len > max)
		return false;
	for (size_t i = 0; i < len; i++)
		if (!text_char(text[i]))
			return false;
	return true;
}

/* "eip155:" and a decimal number without leading zeros */
static bool chain_ok(const char *chain)
{
	const char *digits = chain + 7;

	if (!text_ok(chain, ENTRY_CHAIN_MAX) || strncmp(chain, "eip155:", 7) != 0)
		return false;
	return *digits && strspn(digits, "0123456789") == strlen(digits) && (digits[0] != '0' || !digits[1]);
}

static const char *hex(char out[static 65], const uint8_t bytes[static 32])
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < 32; i++) {
		out[2 * i] = digits[bytes[i] >> 4];
		out[2 * i + 1] = digits[bytes[i] & 15];
	}
	out[64] = '\0';
	return out;
}

int entry_attestation_format(char *out, size_t size, size_t *len, const struct entry_attestation *entry)
{
	char evidence[65], hash[65], payload[65], uid[65], line[ENTRY_LINE_MAX + 1];
	int n;

	if (entry->at >= NUMBER_LIMIT || entry->auth.block >= NUMBER_LIMIT || !chain_ok(entry->auth.chain) ||
	    !text_ok(entry->issuer, ENTRY_TEXT_MAX) || !text_ok(entry->subject, ENTRY_TEXT_MAX) ||
	    (size_t)entry->auth.method >= COUNT(methods) || (size_t)entry->auth.role >= COUNT(roles) ||
	    (size_t)entry->auth.tier >= COUNT(tiers))
		return -EINVAL;
	n = snprintf(line, sizeof(line),
		     "{\"at\":%llu,\"auth\":{\"block\":%llu,\"chain\":\"%s\",\"evidence\":\"%s\",\"hash\":\"0x%s\","
		     "\"method\":\"%s\",\"role\":\"%s\",\"tier\":\"%s\"},\"issuer\":\"%s\",\"kind\":\"attestation\","
		     "\"payload\":\"%s\",\"subject\":\"%s\",\"uid\":\"%s\",\"v\":1}",
		     (unsigned long long)entry->at, (unsigned long long)entry->auth.block, entry->auth.chain,
		     hex(evidence, entry->auth.evidence.bytes), hex(hash, entry->auth.hash),
		     methods[entry->auth.method], roles[entry->auth.role], tiers[entry->auth.tier], entry->issuer,
		     hex(payload, entry->payload.bytes), entry->subject, hex(uid, entry->uid.bytes));
	if (n < 0 || (size_t)n >= sizeof(line))
		return -EINVAL;
	if ((size_t)n > size)
		return -ENOSPC;
	memcpy(out, line, (size_t)n);
	*len = (size_t)n;
	return 0;
}

void entry_index_format(char out[static ENTRY_INDEX_SIZE], const struct entry_index *entry)
{
	char hash[65], map[65], line[ENTRY_INDEX_SIZE + 1];

	snprintf(line, sizeof(line),
		 "{\"at\":\"%020llu\",\"block\":{\"hash\":\"0x%s\",\"number\":\"%020llu\"},\"kind\":\"index\","
		 "\"map\":\"%s\",\"size\":\"%020llu\",\"v\":1}",
		 (unsigned long long)entry->at, hex(hash, entry->block_hash), (unsigned long long)entry->block_number,
		 hex(map, entry->map.bytes), (unsigned long long)entry->size);
	memcpy(out, line, ENTRY_INDEX_SIZE);
}

struct reader {
	const char *at, *end;
	bool bad;
};

static void read_literal(struct reader *in, const char *text)
{
	size_t len = strlen(text);

	if (in->bad || (size_t)(in->end - in->at) < len || memcmp(in->at, text, len) != 0)
		in->bad = true;
	else
		in->at += len;
}

static uint64_t read_number(struct reader *in)
{
	uint64_t value = 0;
	const char *start = in->at;

	for (; !in->bad && in->at < in->end && *in->at >= '0' && *in->at <= '9'; in->at++)
		if (__builtin_mul_overflow(value, 10, &value) ||
		    __builtin_add_overflow(value, (uint64_t)(*in->at - '0'), &value))
			in->bad = true;
	in->bad |= in->at == start;
	return value;
}

static void read_hash(struct reader *in, uint8_t out[static 32])
{
	if (in->bad || in->end - in->at < 64) {
		in->bad = true;
		return;
	}
	for (size_t i = 0; i < 64; i++, in->at++) {
		char c = *in->at;
		int digit = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;

		in->bad |= digit < 0;
		out[i / 2] = (uint8_t)(out[i / 2] << 4 | (digit & 15));
	}
}

/* Everything up to the next quote; `out` was zeroed and holds max + 1 bytes. */
static void read_text(struct reader *in, char *out, size_t max)
{
	size_t len = 0;

	while (!in->bad && in->at < in->end && text_char(*in->at)) {
		if (len == max)
			in->bad = true;
		else
			out[len++] = *in->at++;
	}
}

static unsigned read_choice(struct reader *in, const char *const *names, size_t count)
{
	for (unsigned i = 0; i < count; i++) {
		struct reader try = *in;

		read_literal(&try, names[i]);
		read_literal(&try, "\"");
		if (!try.bad) {
			*in = try;
			return i;
		}
	}
	in->bad = true;
	return 0;
}

int entry_attestation_parse(struct entry_attestation *entry, const char *line, size_t len)
{
	struct reader in = {line, line + len, len > ENTRY_LINE_MAX};
	char again[ENTRY_LINE_MAX];
	size_t again_len;

	*entry = (struct entry_attestation){0};
	read_literal(&in, "{\"at\":");
	entry->at = read_number(&in);
	read_literal(&in, ",\"auth\":{\"block\":");
	entry->auth.block = read_number(&in);
	read_literal(&in, ",\"chain\":\"");
	read_text(&in, entry->auth.chain, ENTRY_CHAIN_MAX);
	read_literal(&in, "\",\"evidence\":\"");
	read_hash(&in, entry->auth.evidence.bytes);
	read_literal(&in, "\",\"hash\":\"0x");
	read_hash(&in, entry->auth.hash);
	read_literal(&in, "\",\"method\":\"");
	entry->auth.method = (enum entry_method)read_choice(&in, methods, COUNT(methods));
	read_literal(&in, ",\"role\":\"");
	entry->auth.role = (enum entry_role)read_choice(&in, roles, COUNT(roles));
	read_literal(&in, ",\"tier\":\"");
	entry->auth.tier = (enum entry_tier)read_choice(&in, tiers, COUNT(tiers));
	read_literal(&in, "},\"issuer\":\"");
	read_text(&in, entry->issuer, ENTRY_TEXT_MAX);
	read_literal(&in, "\",\"kind\":\"attestation\",\"payload\":\"");
	read_hash(&in, entry->payload.bytes);
	read_literal(&in, "\",\"subject\":\"");
	read_text(&in, entry->subject, ENTRY_TEXT_MAX);
	read_literal(&in, "\",\"uid\":\"");
	read_hash(&in, entry->uid.bytes);
	read_literal(&in, "\",\"v\":1}");
	if (in.bad || entry_attestation_format(again, sizeof(again), &again_len, entry) != 0 || again_len != len ||
	    memcmp(again, line, len) != 0)
		return -EBADMSG;
	return 0;
}

int entry_index_parse(struct entry_index *entry, const char *line, size_t len)
{
	struct reader in = {line, line + len, len != ENTRY_INDEX_SIZE};
	char again[ENTRY_INDEX_SIZE];

	*entry = (struct entry_index){0};
	read_literal(&in, "{\"at\":\"");
	entry->at = read_number(&in);
	read_literal(&in, "\",\"block\":{\"hash\":\"0x");
	read_hash(&in, entry->block_hash);
	read_literal(&in, "\",\"number\":\"");
	entry->block_number = read_number(&in);
	read_literal(&in, "\"},\"kind\":\"index\",\"map\":\"");
	read_hash(&in, entry->map.bytes);
	read_literal(&in, "\",\"size\":\"");
	entry->size = read_number(&in);
	read_literal(&in, "\",\"v\":1}");
	if (in.bad)
		return -EBADMSG;
	entry_index_format(again, entry);
	return memcmp(again, line, len) == 0 ? 0 : -EBADMSG;
}

int entry_kind(enum entry_kind *kind, const char *line, size_t len)
{
	struct entry_attestation attestation;
	struct entry_index head;

	if (entry_index_parse(&head, line, len) == 0) {
		*kind = ENTRY_INDEX;
		return 0;
	}
	if (entry_attestation_parse(&attestation, line, len) == 0) {
		*kind = ENTRY_ATTESTATION;
		return 0;
	}
	return -EBADMSG;
}
