/* The templates of docs/formats.md section 4, as tables: a field is the text before it, its type and where it is kept. One walk
 * writes them, one reads them with a sticky error; what was read is written again and must give the same bytes, so a line
 * has one meaning and a meaning one line. All kinds share the two walks, so they are one file, and a long one. */
#include "anchor/entry.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define NUMBER_LIMIT (UINT64_C(1) << 53) /* formats section 4: JSON integers */
#define END "\",\"v\":1}"

enum type { NUMBER, HASH, ADDRESS, TEXT, CHAIN, CHOICE };

struct field {
	const char *before;
	enum type type;
	size_t offset;
	const char *const *names; /* CHOICE: in the order of the enum, NULL ends them */
};

struct template {
	const struct field *fields;
	size_t count;
	const char *end;
	size_t size; /* of the struct */
};

static const char *const methods[] = {[ENTRY_EIP712] = "eip712", [ENTRY_EIP191] = "eip191", NULL};
static const char *const roles[] = {[ENTRY_WALLET] = "wallet", [ENTRY_OWNER] = "owner", NULL};
static const char *const tiers[] = {[ENTRY_RPC] = "rpc", NULL};
static const char *const sources[] = {[ENTRY_FROM_EVENTS] = "events", [ENTRY_FROM_RPC] = "rpc", [ENTRY_FROM_QUORUM] = "quorum",
				      [ENTRY_FROM_PROOF] = "proof", NULL};
static const char *const events[] = {[ENTRY_EVENT_FEEDBACK] = "feedback", [ENTRY_EVENT_REVOKED] = "revoked",
				     [ENTRY_EVENT_RESPONSE] = "response", NULL};

static const char *const bys[] = {[ENTRY_BY_PARTICIPANT] = "participant", [ENTRY_BY_OPERATOR] = "operator", NULL};
static const char *const reasons[] = {[ENTRY_FOR_REQUEST] = "request", [ENTRY_FOR_LAW] = "law", [ENTRY_FOR_MISTAKE] = "mistake", NULL};

#define AT(member) offsetof(struct entry_attestation, member)
static const struct field attestation_fields[] = {
	{"{\"at\":", NUMBER, AT(at), NULL},
	{",\"auth\":{\"block\":", NUMBER, AT(auth.block), NULL},
	{",\"chain\":\"", CHAIN, AT(auth.chain), NULL},
	{"\",\"evidence\":\"", HASH, AT(auth.evidence), NULL},
	{"\",\"hash\":\"0x", HASH, AT(auth.hash), NULL},
	{"\",\"method\":\"", CHOICE, AT(auth.method), methods},
	{"\",\"role\":\"", CHOICE, AT(auth.role), roles},
	{"\",\"tier\":\"", CHOICE, AT(auth.tier), tiers},
	{"\"},\"issuer\":\"", TEXT, AT(issuer), NULL},
	{"\",\"kind\":\"attestation\",\"payload\":\"", HASH, AT(payload), NULL},
	{"\",\"subject\":\"", TEXT, AT(subject), NULL},
	{"\",\"uid\":\"", HASH, AT(uid), NULL},
};
#undef AT

#define BLOCK(type)                                                                                                    \
	{",\"block\":{\"chain\":\"", CHAIN, offsetof(struct type, block.chain), NULL},                                 \
		{"\",\"hash\":\"0x", HASH, offsetof(struct type, block.hash), NULL},                                   \
	{                                                                                                              \
		"\",\"number\":", NUMBER, offsetof(struct type, block.number), NULL                                    \
	}

#define AT(member) offsetof(struct entry_identity, member)
static const struct field identity_fields[] = {
	{"{\"at\":", NUMBER, AT(at), NULL},
	BLOCK(entry_identity),
	{"},\"evidence\":\"", HASH, AT(evidence), NULL},
	{"\",\"kind\":\"identity\",\"owner\":\"0x", ADDRESS, AT(owner), NULL},
	{"\",\"subject\":\"", TEXT, AT(subject), NULL},
	{"\",\"tier\":\"", CHOICE, AT(source), sources},
	{"\",\"uid\":\"", HASH, AT(uid), NULL},
	{"\",\"uri\":\"", HASH, AT(uri), NULL},
	{"\",\"v\":1,\"wallet\":\"0x", ADDRESS, AT(wallet), NULL},
};
#undef AT

#define AT(member) offsetof(struct entry_feedback, member)
static const struct field feedback_fields[] = {
	{"{\"at\":", NUMBER, AT(at), NULL},
	BLOCK(entry_feedback),
	{"},\"event\":\"", CHOICE, AT(event), events},
	{"\",\"issuer\":\"", TEXT, AT(issuer), NULL},
	{"\",\"kind\":\"feedback\",\"log\":", NUMBER, AT(log), NULL},
	{",\"payload\":\"", HASH, AT(payload), NULL},
	{"\",\"subject\":\"", TEXT, AT(subject), NULL},
	{"\",\"tx\":\"0x", HASH, AT(tx), NULL},
	{"\",\"uid\":\"", HASH, AT(uid), NULL},
};
#undef AT

#define AT(member) offsetof(struct entry_void, member)
static const struct field void_fields[] = {
	{"{\"at\":", NUMBER, AT(at), NULL},
	BLOCK(entry_void),
	{"},\"kind\":\"void\",\"subject\":\"", TEXT, AT(subject), NULL},
	{"\",\"target\":", NUMBER, AT(target), NULL},
	{",\"uid\":\"", HASH, AT(uid), NULL},
};
#undef AT

#define AT(member) offsetof(struct entry_change, member)
#define CHANGE(kind)                                                                                                   \
	{                                                                                                              \
		{"{\"at\":", NUMBER, AT(at), NULL},                                                                    \
		{",\"kind\":\"" kind "\",\"payload\":\"", HASH, AT(payload), NULL},                                     \
		{"\",\"subject\":\"", TEXT, AT(subject), NULL},                                                        \
		{"\",\"uid\":\"", HASH, AT(uid), NULL},                                                                \
	}
static const struct field alias_fields[] = CHANGE("alias"), link_fields[] = CHANGE("link");
#undef AT

#define AT(member) offsetof(struct entry_erasure, member)
static const struct field erasure_fields[] = {
	{"{\"at\":", NUMBER, AT(at), NULL},
	{",\"by\":\"", CHOICE, AT(by), bys},
	{"\",\"kind\":\"erasure\",\"reason\":\"", CHOICE, AT(reason), reasons},
	{"\",\"request\":\"", HASH, AT(request), NULL},
	{"\",\"subject\":\"", TEXT, AT(subject), NULL},
	{"\",\"target\":", NUMBER, AT(target), NULL},
	{",\"uid\":\"", HASH, AT(uid), NULL},
};
#undef AT

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const struct template attestation = {attestation_fields, COUNT(attestation_fields), END, sizeof(struct entry_attestation)},
			     identity = {identity_fields, COUNT(identity_fields), "\"}", sizeof(struct entry_identity)},
			     feedback = {feedback_fields, COUNT(feedback_fields), END, sizeof(struct entry_feedback)},
			     voided = {void_fields, COUNT(void_fields), END, sizeof(struct entry_void)},
			     alias = {alias_fields, COUNT(alias_fields), END, sizeof(struct entry_change)},
			     link = {link_fields, COUNT(link_fields), END, sizeof(struct entry_change)},
			     erasure = {erasure_fields, COUNT(erasure_fields), END, sizeof(struct entry_erasure)};

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

/* ---- writing ---- */

struct writer {
	char line[ENTRY_LINE_MAX];
	size_t len;
	bool bad;
};

static void put(struct writer *out, const char *text)
{
	size_t len = strlen(text);

	out->bad |= len > sizeof(out->line) - out->len;
	if (out->bad)
		return;
	memcpy(out->line + out->len, text, len);
	out->len += len;
}

static void put_hex(struct writer *out, const uint8_t *bytes, size_t n)
{
	static const char digits[] = "0123456789abcdef";
	char text[65];

	for (size_t i = 0; i < n; i++) {
		text[2 * i] = digits[bytes[i] >> 4];
		text[2 * i + 1] = digits[bytes[i] & 15];
	}
	text[2 * n] = '\0';
	put(out, text);
}

static void put_number(struct writer *out, uint64_t number)
{
	char text[24];

	out->bad |= number >= NUMBER_LIMIT;
	snprintf(text, sizeof(text), "%llu", (unsigned long long)number);
	put(out, text);
}

static void put_choice(struct writer *out, const char *const *names, const void *at)
{
	unsigned choice, count = 0;

	memcpy(&choice, at, sizeof(choice));
	while (names[count])
		count++;
	if (choice < count)
		put(out, names[choice]);
	else
		out->bad = true;
}

static void put_field(struct writer *out, const struct field *field, const void *entry)
{
	const uint8_t *at = (const uint8_t *)entry + field->offset;
	uint64_t number;

	put(out, field->before);
	switch (field->type) {
	case NUMBER:
		memcpy(&number, at, sizeof(number));
		put_number(out, number);
		break;
	case HASH:
		put_hex(out, at, 32);
		break;
	case ADDRESS:
		put_hex(out, at, 20);
		break;
	case TEXT:
		out->bad |= !text_ok((const char *)at, ENTRY_TEXT_MAX);
		if (!out->bad)
			put(out, (const char *)at);
		break;
	case CHAIN:
		out->bad |= !chain_ok((const char *)at);
		if (!out->bad)
			put(out, (const char *)at);
		break;
	case CHOICE:
		put_choice(out, field->names, at);
		break;
	}
}

static int format(char *out, size_t size, size_t *len, const struct template *template, const void *entry)
{
	struct writer line = {.len = 0};

	for (size_t i = 0; i < template->count; i++)
		put_field(&line, &template->fields[i], entry);
	put(&line, template->end);
	if (line.bad)
		return -EINVAL;
	if (line.len > size)
		return -ENOSPC;
	memcpy(out, line.line, line.len);
	*len = line.len;
	return 0;
}

/* ---- reading ---- */

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

static void read_hex(struct reader *in, uint8_t *out, size_t n)
{
	if (in->bad || (size_t)(in->end - in->at) < 2 * n) {
		in->bad = true;
		return;
	}
	for (size_t i = 0; i < 2 * n; i++, in->at++) {
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

static void read_choice(struct reader *in, void *at, const char *const *names)
{
	for (unsigned i = 0; names[i]; i++) {
		struct reader try = *in;

		read_literal(&try, names[i]);
		if (!try.bad && try.at < try.end && *try.at == '"') {
			*in = try;
			memcpy(at, &i, sizeof(i));
			return;
		}
	}
	in->bad = true;
}

static void read_field(struct reader *in, const struct field *field, void *entry)
{
	uint8_t *at = (uint8_t *)entry + field->offset;
	uint64_t number;

	read_literal(in, field->before);
	switch (field->type) {
	case NUMBER:
		number = read_number(in);
		memcpy(at, &number, sizeof(number));
		break;
	case HASH:
		read_hex(in, at, 32);
		break;
	case ADDRESS:
		read_hex(in, at, 20);
		break;
	case TEXT:
		read_text(in, (char *)at, ENTRY_TEXT_MAX);
		break;
	case CHAIN:
		read_text(in, (char *)at, ENTRY_CHAIN_MAX);
		break;
	case CHOICE:
		read_choice(in, at, field->names);
		break;
	}
}

static int parse(void *entry, const struct template *template, const char *line, size_t len)
{
	struct reader in = {line, line + len, len > ENTRY_LINE_MAX};
	char again[ENTRY_LINE_MAX];
	size_t again_len;

	memset(entry, 0, template->size);
	for (size_t i = 0; i < template->count; i++)
		read_field(&in, &template->fields[i], entry);
	read_literal(&in, template->end);
	if (in.bad || format(again, sizeof(again), &again_len, template, entry) != 0 || again_len != len ||
	    memcmp(again, line, len) != 0)
		return -EBADMSG;
	return 0;
}

/* ---- the kinds ---- */

int entry_attestation_format(char *out, size_t size, size_t *len, const struct entry_attestation *entry)
{
	return format(out, size, len, &attestation, entry);
}

int entry_attestation_parse(struct entry_attestation *entry, const char *line, size_t len)
{
	return parse(entry, &attestation, line, len);
}

int entry_identity_format(char *out, size_t size, size_t *len, const struct entry_identity *entry)
{
	return format(out, size, len, &identity, entry);
}

int entry_identity_parse(struct entry_identity *entry, const char *line, size_t len)
{
	return parse(entry, &identity, line, len);
}

int entry_feedback_format(char *out, size_t size, size_t *len, const struct entry_feedback *entry)
{
	return format(out, size, len, &feedback, entry);
}

int entry_feedback_parse(struct entry_feedback *entry, const char *line, size_t len)
{
	return parse(entry, &feedback, line, len);
}

int entry_void_format(char *out, size_t size, size_t *len, const struct entry_void *entry)
{
	return format(out, size, len, &voided, entry);
}

int entry_void_parse(struct entry_void *entry, const char *line, size_t len)
{
	return parse(entry, &voided, line, len);
}

int entry_alias_format(char *out, size_t size, size_t *len, const struct entry_change *entry)
{
	return format(out, size, len, &alias, entry);
}

int entry_alias_parse(struct entry_change *entry, const char *line, size_t len)
{
	return parse(entry, &alias, line, len);
}

int entry_link_format(char *out, size_t size, size_t *len, const struct entry_change *entry)
{
	return format(out, size, len, &link, entry);
}

int entry_link_parse(struct entry_change *entry, const char *line, size_t len)
{
	return parse(entry, &link, line, len);
}

int entry_erasure_format(char *out, size_t size, size_t *len, const struct entry_erasure *entry)
{
	return format(out, size, len, &erasure, entry);
}

int entry_erasure_parse(struct entry_erasure *entry, const char *line, size_t len)
{
	return parse(entry, &erasure, line, len);
}

/* An index head has numbers of constant width, and so a template of its own. */
void entry_index_format(char out[static ENTRY_INDEX_SIZE], const struct entry_index *entry)
{
	struct writer line = {.len = 0};
	char number[24];

	put(&line, "{\"at\":\"");
	snprintf(number, sizeof(number), "%020llu", (unsigned long long)entry->at);
	put(&line, number);
	put(&line, "\",\"block\":{\"hash\":\"0x");
	put_hex(&line, entry->block_hash, 32);
	put(&line, "\",\"number\":\"");
	snprintf(number, sizeof(number), "%020llu", (unsigned long long)entry->block_number);
	put(&line, number);
	put(&line, "\"},\"kind\":\"index\",\"map\":\"");
	put_hex(&line, entry->map.bytes, 32);
	put(&line, "\",\"size\":\"");
	snprintf(number, sizeof(number), "%020llu", (unsigned long long)entry->size);
	put(&line, number);
	put(&line, "\",\"v\":1}");
	memcpy(out, line.line, ENTRY_INDEX_SIZE);
}

int entry_index_parse(struct entry_index *entry, const char *line, size_t len)
{
	struct reader in = {line, line + len, len != ENTRY_INDEX_SIZE};
	char again[ENTRY_INDEX_SIZE];

	*entry = (struct entry_index){0};
	read_literal(&in, "{\"at\":\"");
	entry->at = read_number(&in);
	read_literal(&in, "\",\"block\":{\"hash\":\"0x");
	read_hex(&in, entry->block_hash, 32);
	read_literal(&in, "\",\"number\":\"");
	entry->block_number = read_number(&in);
	read_literal(&in, "\"},\"kind\":\"index\",\"map\":\"");
	read_hex(&in, entry->map.bytes, 32);
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
	static const struct {
		const struct template *template;
		enum entry_kind kind;
	} kinds[] = {{&attestation, ENTRY_ATTESTATION}, {&identity, ENTRY_IDENTITY}, {&feedback, ENTRY_FEEDBACK}, {&voided, ENTRY_VOID},
		     {&alias, ENTRY_ALIAS}, {&link, ENTRY_LINK}, {&erasure, ENTRY_ERASURE}};
	union {
		struct entry_attestation attestation;
		struct entry_identity identity;
		struct entry_feedback feedback;
		struct entry_void voided;
		struct entry_change change;
		struct entry_erasure erasure;
		struct entry_index index;
	} any;

	if (entry_index_parse(&any.index, line, len) == 0) {
		*kind = ENTRY_INDEX;
		return 0;
	}
	for (size_t i = 0; i < COUNT(kinds); i++)
		if (parse(&any, kinds[i].template, line, len) == 0) {
			*kind = kinds[i].kind;
			return 0;
		}
	return -EBADMSG;
}
