/* The registries' logs: one row an event, and a reader for what its data holds. */
#include "gateway/identity/registry_event.h"
#include "eth/abi.h"

#include <errno.h>
#include <string.h>

enum { TRANSFER, REGISTERED, URI_UPDATED, METADATA_SET, APPROVAL, UPGRADED };
enum { FEEDBACK, REVOKED, RESPONSE };

/* facts/erc8004.md §1.1; the tests derive them again from the signatures. */
const struct eth_hash registry_topics_identity[REGISTRY_TOPICS_IDENTITY] = {
	[TRANSFER] = {{0xdd, 0xf2, 0x52, 0xad, 0x1b, 0xe2, 0xc8, 0x9b, 0x69, 0xc2, 0xb0, 0x68, 0xfc, 0x37, 0x8d, 0xaa,
		       0x95, 0x2b, 0xa7, 0xf1, 0x63, 0xc4, 0xa1, 0x16, 0x28, 0xf5, 0x5a, 0x4d, 0xf5, 0x23, 0xb3, 0xef}},
	[REGISTERED] = {{0xca, 0x52, 0xe6, 0x2c, 0x36, 0x7d, 0x81, 0xbb, 0x2e, 0x32, 0x8e, 0xb7, 0x95, 0xf7, 0xc7, 0xba,
			 0x24, 0xaf, 0xb4, 0x78, 0x40, 0x8a, 0x26, 0xc0, 0xe2, 0x01, 0xd1, 0x55, 0xc4, 0x49, 0xbc, 0x4a}},
	[URI_UPDATED] = {{0x3a, 0x2c, 0x7f, 0xff, 0xc2, 0xcb, 0xa7, 0x58, 0x2c, 0x69, 0x0e, 0x3b, 0x82, 0xc4, 0x53, 0xea,
			  0x02, 0xa3, 0x08, 0x32, 0x6a, 0x98, 0xa3, 0xad, 0x75, 0x76, 0xc6, 0x06, 0x33, 0x64, 0x09, 0xfb}},
	[METADATA_SET] = {{0x2c, 0x14, 0x9e, 0xd5, 0x48, 0xc6, 0xd2, 0x99, 0x3c, 0xd7, 0x3e, 0xfe, 0x18, 0x7d, 0xf6, 0xec,
			   0xca, 0xbe, 0x45, 0x38, 0x09, 0x1b, 0x33, 0xad, 0xbd, 0x25, 0xfa, 0xfd, 0xb8, 0xa1, 0x46, 0x8b}},
	[APPROVAL] = {{0x8c, 0x5b, 0xe1, 0xe5, 0xeb, 0xec, 0x7d, 0x5b, 0xd1, 0x4f, 0x71, 0x42, 0x7d, 0x1e, 0x84, 0xf3,
		       0xdd, 0x03, 0x14, 0xc0, 0xf7, 0xb2, 0x29, 0x1e, 0x5b, 0x20, 0x0a, 0xc8, 0xc7, 0xc3, 0xb9, 0x25}},
	[UPGRADED] = {{0xbc, 0x7c, 0xd7, 0x5a, 0x20, 0xee, 0x27, 0xfd, 0x9a, 0xde, 0xba, 0xb3, 0x20, 0x41, 0xf7, 0x55,
		       0x21, 0x4d, 0xbc, 0x6b, 0xff, 0xa9, 0x0c, 0xc0, 0x22, 0x5b, 0x39, 0xda, 0x2e, 0x5c, 0x2d, 0x3b}},
};

/* §1.3. */
const struct eth_hash registry_topics_reputation[REGISTRY_TOPICS_REPUTATION] = {
	[FEEDBACK] = {{0x6a, 0x4a, 0x61, 0x74, 0x35, 0x19, 0xc9, 0xd6, 0x48, 0xa1, 0x4e, 0x64, 0x93, 0xf4, 0x7d, 0xbe,
		       0x3f, 0xf1, 0xaa, 0x29, 0xe7, 0x78, 0x5c, 0x96, 0xc8, 0x32, 0x6a, 0x20, 0x5e, 0x58, 0xfe, 0xbc}},
	[REVOKED] = {{0x25, 0x15, 0x6f, 0xd3, 0x28, 0x82, 0x12, 0x24, 0x6d, 0x8b, 0x00, 0x8d, 0x59, 0x21, 0xfd, 0xe3,
		      0x76, 0xc7, 0x1e, 0xd1, 0x4a, 0xc2, 0xe0, 0x72, 0xa5, 0x06, 0xeb, 0x06, 0xfd, 0xe6, 0xd0, 0x9d}},
	[RESPONSE] = {{0xb1, 0xc6, 0xbe, 0x0b, 0x5b, 0x8a, 0xef, 0x65, 0x39, 0xe2, 0xfa, 0xc0, 0xfd, 0x13, 0x1a, 0x2f,
		       0xaa, 0x7b, 0x49, 0xed, 0xf8, 0xe5, 0x05, 0xb5, 0xeb, 0x0a, 0xd4, 0x87, 0xd5, 0x60, 0x51, 0xd4}},
};

static const char WALLET_KEY[] = "agentWallet";

/* The indexed members of each event as topics after the first. */
enum member { NONE, AGENT, A, B, HASHED, U64 };

struct row {
	const struct eth_hash *topic;
	enum registry_event_kind kind;
	enum member members[3];
};

static const struct row IDENTITY[] = {
	{&registry_topics_identity[TRANSFER], REGISTRY_TRANSFER, {A, B, AGENT}},
	{&registry_topics_identity[REGISTERED], REGISTRY_REGISTERED, {AGENT, A, NONE}},
	{&registry_topics_identity[URI_UPDATED], REGISTRY_URI, {AGENT, A, NONE}},
	{&registry_topics_identity[METADATA_SET], REGISTRY_METADATA, {AGENT, HASHED, NONE}},
	{&registry_topics_identity[APPROVAL], REGISTRY_APPROVAL, {A, B, AGENT}},
	{&registry_topics_identity[UPGRADED], REGISTRY_UPGRADED, {A, NONE, NONE}},
};

static const struct row REPUTATION[] = {
	{&registry_topics_reputation[FEEDBACK], REGISTRY_FEEDBACK, {AGENT, A, HASHED}},
	{&registry_topics_reputation[REVOKED], REGISTRY_REVOKED, {AGENT, A, U64}},
	{&registry_topics_reputation[RESPONSE], REGISTRY_RESPONSE, {AGENT, A, B}},
	{&registry_topics_identity[UPGRADED], REGISTRY_UPGRADED, {A, NONE, NONE}},
};

static const struct row *find_row(const struct eth_hash *topics, size_t ntopics, bool reputation)
{
	const struct row *rows = reputation ? REPUTATION : IDENTITY;
	size_t n = reputation ? sizeof(REPUTATION) / sizeof(REPUTATION[0]) : sizeof(IDENTITY) / sizeof(IDENTITY[0]);

	for (size_t i = 0; ntopics > 0 && i < n; i++) {
		size_t members = 1;

		if (memcmp(topics, rows[i].topic, sizeof(*topics)) != 0)
			continue;
		while (members < 4 && rows[i].members[members - 1] != NONE)
			members++;
		return ntopics == members ? &rows[i] : NULL;
	}
	return NULL;
}

static int topic_address(struct eth_address *out, const struct eth_hash *topic)
{
	static const uint8_t ZERO[12];

	memcpy(out->bytes, topic->bytes + 12, sizeof(out->bytes));
	return memcmp(topic->bytes, ZERO, sizeof(ZERO)) == 0 ? 0 : -EBADMSG;
}

static int read_member(struct registry_event *out, enum member member, const struct eth_hash *topic)
{
	static const uint8_t ZERO[24];

	switch (member) {
	case AGENT:
		out->has_agent = true;
		memcpy(out->agent, topic->bytes, sizeof(out->agent));
		return 0;
	case A:
		return topic_address(&out->a, topic);
	case B:
		return topic_address(&out->b, topic);
	case U64:
		memcpy(out->index, topic->bytes + 24, sizeof(out->index));
		out->value = out->index;
		out->value_len = sizeof(out->index);
		return memcmp(topic->bytes, ZERO, sizeof(ZERO)) == 0 ? 0 : -EBADMSG;
	case HASHED: /* keccak256 of a text that stands in the data too */
	case NONE:
		break;
	}
	return 0;
}

/* (string) or (string key, bytes value). */
static int read_texts(struct registry_event *out, const uint8_t *data, size_t len, bool with_key)
{
	struct abi_reader reader;

	abi_reader_init(&reader, data, len, with_key ? 2 : 1);
	if (with_key)
		abi_get_bytes(&reader, &out->key, &out->key_len);
	abi_get_bytes(&reader, &out->value, &out->value_len);
	return abi_reader_finish(&reader) == 0 ? 0 : -EBADMSG;
}

static int read_data(struct registry_event *out, const uint8_t *data, size_t len)
{
	switch (out->kind) {
	case REGISTRY_REGISTERED:
	case REGISTRY_URI:
		return read_texts(out, data, len, false);
	case REGISTRY_METADATA:
		return read_texts(out, data, len, true);
	case REGISTRY_FEEDBACK:
	case REGISTRY_RESPONSE:
		out->value = data;
		out->value_len = len;
		return 0;
	case REGISTRY_TRANSFER:
	case REGISTRY_APPROVAL:
	case REGISTRY_UPGRADED:
	case REGISTRY_REVOKED:
		break;
	}
	return len == 0 ? 0 : -EBADMSG;
}

int registry_event_read(struct registry_event *out, const struct eth_hash *topics, size_t ntopics, const uint8_t *data,
			size_t data_len, bool reputation)
{
	const struct row *row = find_row(topics, ntopics, reputation);
	int err = 0;

	*out = (struct registry_event){0};
	if (row == NULL)
		return -ENOENT;
	out->kind = row->kind;
	for (size_t i = 0; i + 1 < ntopics; i++)
		if (read_member(out, row->members[i], &topics[i + 1]) != 0)
			err = -EBADMSG;
	return err == 0 ? read_data(out, data, data_len) : err;
}

bool registry_event_is_identity(const struct registry_event *event)
{
	struct eth_address wallet;
	bool has_wallet;

	return event->kind == REGISTRY_TRANSFER || event->kind == REGISTRY_REGISTERED || event->kind == REGISTRY_URI ||
	       registry_event_is_wallet(&wallet, &has_wallet, event);
}

bool registry_event_is_wallet(struct eth_address *wallet, bool *has_wallet, const struct registry_event *event)
{
	*wallet = (struct eth_address){0};
	*has_wallet = false;
	if (event->kind != REGISTRY_METADATA || event->key_len != sizeof(WALLET_KEY) - 1 ||
	    memcmp(event->key, WALLET_KEY, event->key_len) != 0)
		return false;
	/* address(bytes20(value)): shorter values are padded on the right */
	if (event->value_len > 0)
		memcpy(wallet->bytes, event->value,
		       event->value_len < sizeof(wallet->bytes) ? event->value_len : sizeof(wallet->bytes));
	*has_wallet = !address_is_zero(wallet);
	return true;
}
