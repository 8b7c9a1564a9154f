/* AgentProof objects, made and checked. Both ways run through prove(), which finds out what a set of nodes says under a header,
 * and render(), which writes the one object that says so: an object is true if rendering what was proven gives its bytes. */
#include "gateway/identity/agent_proof.h"
#include "eth/hex.h"
#include "eth/state_proof.h"

#include <errno.h>
#include <stdarg.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TYPE "AgentProof"

/* What prove() works on, beside its result. */
struct work {
	const uint8_t *header;
	size_t header_len;
	struct trie_set set;
	size_t uri_max; /* a longer URI is not proven but for its length */
	const struct agent_proof_trust *trust;
	char *why;
};

__attribute__((format(printf, 3, 4))) static int refuse(char *why, int err, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(why, AGENT_PROOF_WHY_SIZE, format, args);
	va_end(args);
	return err;
}

void agent_proof_clear(struct agent_proof *proof)
{
	free(proof->uri);
	*proof = (struct agent_proof){0};
}

static bool same_hash(const struct eth_hash *a, const struct eth_hash *b)
{
	return memcmp(a->bytes, b->bytes, sizeof(a->bytes)) == 0;
}

/* ---- proving ---- */

static int prove_word(struct eth_hash *word, struct work *work, const struct eth_hash *storage, const struct eth_hash *slot,
		      const char *what)
{
	int err = state_set_word(word, &work->set, storage, slot);

	return err == 0 ? 0 : refuse(work->why, err, "the nodes do not prove the slot of the %s", what);
}

static int prove_header(struct agent_proof *out, struct work *work)
{
	const struct eth_hash *wanted = work->trust->block;
	int err = header_parse(&out->header, work->header, work->header_len);

	if (err == -EPROTONOSUPPORT)
		return refuse(work->why, err, "header: a fork this release does not know");
	if (err != 0)
		return refuse(work->why, err, "header: not a block header");
	if (wanted != NULL && !same_hash(wanted, &out->header.hash))
		return refuse(work->why, -ESTALE, "block %" PRIu64 " of the proof is not the block trusted", out->header.number);
	return 0;
}

/* The layout is the implementation's, so its code must be known before any slot means something. */
static int prove_code(struct agent_proof *out, struct eth_hash *storage, struct work *work)
{
	struct state_account registry, implementation;
	struct eth_hash slot, word;
	char address[ADDRESS_TEXT_SIZE], code[HEX_DATA_SIZE(32)];
	int err = state_set_account(&registry, &work->set, &out->header.state_root, &out->key.registry);

	if (err != 0)
		return refuse(work->why, err, "the nodes do not prove the registry's account");
	if (same_hash(&registry.code, &state_empty_code))
		return refuse(work->why, -ENXIO, "there is no code at the registry's address");
	*storage = registry.storage;
	out->registry_code = registry.code;
	layout_slot_implementation(&slot);
	err = prove_word(&word, work, storage, &slot, "implementation");
	if (err == 0 && layout_read_address(&out->implementation, &word) != 0)
		err = refuse(work->why, -EPROTONOSUPPORT, "layout: unknown (the implementation slot holds no address)");
	if (err != 0)
		return err;
	if (address_is_zero(&out->implementation)) {
		out->implementation = out->key.registry;
		implementation = registry;
	} else {
		err = state_set_account(&implementation, &work->set, &out->header.state_root, &out->implementation);
		if (err != 0)
			return refuse(work->why, err, "the nodes do not prove the implementation's account");
	}
	out->implementation_code = implementation.code;
	for (size_t i = 0; i < work->trust->ncodes; i++)
		if (same_hash(&work->trust->codes[i], &implementation.code))
			return 0;
	address_format_eip55(address, &out->implementation);
	hex_encode_data(code, implementation.code.bytes, sizeof(implementation.code.bytes));
	return refuse(work->why, -EPROTONOSUPPORT, "layout: unknown (implementation %s, code %s)", address, code);
}

static int prove_uri_data(struct agent_proof *out, struct work *work, const struct eth_hash *storage,
			  const struct eth_hash *slot, const struct eth_hash *word, size_t slots)
{
	struct eth_hash *data = calloc(slots + 1, sizeof(*data));
	int err = 0;

	out->uri = calloc(1, out->uri_len + 1);
	if (data == NULL || out->uri == NULL)
		err = refuse(work->why, -ENOMEM, "out of memory");
	for (size_t i = 0; err == 0 && i < slots; i++) {
		struct eth_hash at;

		layout_slot_data(&at, slot, i);
		err = prove_word(&data[i], work, storage, &at, "uri's data");
	}
	if (err == 0 && layout_string_read((uint8_t *)out->uri, &out->uri_len, out->uri_len, word, data, slots) != 0)
		err = refuse(work->why, -EPROTONOSUPPORT, "layout: unknown (the uri's slots do not hold a string)");
	free(data);
	return err;
}

static int prove_uri(struct agent_proof *out, struct work *work, const struct eth_hash *storage,
		     const struct layout_slots *slots)
{
	struct eth_hash word;
	size_t data;
	int err = prove_word(&word, work, storage, &slots->uri, "uri");

	if (err != 0)
		return err;
	if (layout_string_length(&out->uri_len, &data, &word) != 0)
		return refuse(work->why, -EPROTONOSUPPORT, "layout: unknown (the uri's slot does not hold a string)");
	if (out->uri_len > work->uri_max) {
		out->uri_kind = AGENT_PROOF_URI_OMITTED;
		return 0;
	}
	out->uri_kind = AGENT_PROOF_URI_WHOLE;
	return prove_uri_data(out, work, storage, &slots->uri, &word, data);
}

static int prove_agent(struct agent_proof *out, struct work *work, const struct eth_hash *storage)
{
	struct layout_slots slots;
	struct eth_hash word;
	int err;

	layout_slots_of(&slots, &out->key.id);
	err = prove_word(&word, work, storage, &slots.owner, "owner");
	if (err == 0 && layout_read_address(&out->owner, &word) != 0)
		err = refuse(work->why, -EPROTONOSUPPORT, "layout: unknown (the owner's slot does not hold an address)");
	if (err != 0)
		return err;
	out->exists = !address_is_zero(&out->owner);
	if (!out->exists)
		return 0;
	err = prove_word(&word, work, storage, &slots.wallet, "wallet");
	if (err == 0 && layout_read_wallet(&out->wallet, &out->has_wallet, &word) != 0)
		err = refuse(work->why, -EPROTONOSUPPORT, "layout: unknown (the wallet's slot does not hold an address)");
	return err != 0 ? err : prove_uri(out, work, storage, &slots);
}

/* out->key is set. */
static int prove(struct agent_proof *out, struct work *work)
{
	struct eth_hash storage;
	int err = prove_header(out, work);

	if (err == 0)
		err = prove_code(out, &storage, work);
	return err != 0 ? err : prove_agent(out, work, &storage);
}

/* ---- the object ---- */

static json_t *data_text(const void *data, size_t len)
{
	char *text = malloc(HEX_DATA_SIZE(len));
	json_t *value = NULL;

	if (text != NULL)
		value = json_stringn(text, hex_encode_data(text, data, len));
	free(text);
	return value;
}

static json_t *address_text(const struct eth_address *address)
{
	return data_text(address->bytes, sizeof(address->bytes));
}

static json_t *number_text(uint64_t number)
{
	return json_sprintf("%" PRIu64, number);
}

/* Sets the one of uri, uriData and uriLength that says it: text where the bytes are one, else the bytes, else how many. */
static int render_uri(json_t *object, const struct agent_proof *proof)
{
	json_t *text;

	if (proof->uri_kind == AGENT_PROOF_URI_OMITTED)
		return json_object_set_new(object, "uriLength", number_text(proof->uri_len));
	text = memchr(proof->uri, 0, proof->uri_len) == NULL ? json_stringn(proof->uri, proof->uri_len) : NULL;
	if (text != NULL)
		return json_object_set_new(object, "uri", text);
	return json_object_set_new(object, "uriData", data_text(proof->uri, proof->uri_len));
}

static int render_state(json_t *object, const struct agent_proof *proof)
{
	int failed = json_object_set_new(object, "exists", json_boolean(proof->exists));

	if (!proof->exists)
		return failed;
	failed |= json_object_set_new(object, "owner", address_text(&proof->owner));
	failed |= json_object_set_new(object, "wallet", proof->has_wallet ? address_text(&proof->wallet) : json_null());
	return failed | render_uri(object, proof);
}

static int render_nodes(json_t *object, const struct trie_set *set)
{
	json_t *nodes = json_array();
	int failed = nodes == NULL;

	for (size_t i = 0; !failed && i < set->n; i++)
		if (set->rows[i].used)
			failed |= json_array_append_new(nodes, data_text(set->rows[i].node.data, set->rows[i].node.len));
	return failed | json_object_set_new(object, "nodes", nodes);
}

static json_t *render_value(const struct agent_proof *proof, const struct work *work)
{
	char key[AGENT_KEY_TEXT_SIZE];
	json_t *object = json_object();
	int failed = object == NULL;

	agent_key_format(key, &proof->key);
	failed |= json_object_set_new(object, "type", json_string(TYPE));
	failed |= json_object_set_new(object, "v", json_integer(1));
	failed |= json_object_set_new(object, "agent", json_string(key));
	failed |= json_object_set_new(object, "header", data_text(work->header, work->header_len));
	failed |= json_object_set_new(object, "block",
				      json_pack("{s:o*, s:o*, s:o*}", "hash", data_text(proof->header.hash.bytes, 32), "number",
						number_text(proof->header.number), "timestamp", number_text(proof->header.time)));
	failed |= json_object_set_new(object, "registryCode", data_text(proof->registry_code.bytes, 32));
	failed |= json_object_set_new(object, "implementation",
				      json_pack("{s:o*, s:o*}", "address", address_text(&proof->implementation), "code",
						data_text(proof->implementation_code.bytes, 32)));
	failed |= render_state(object, proof);
	failed |= render_nodes(object, &work->set);
	if (failed) {
		json_decref(object);
		return NULL;
	}
	return object;
}

/* The object as malloc'd text with a NUL behind it. */
static int render(char **text, size_t *len, const struct agent_proof *proof, const struct work *work)
{
	json_auto_t *object = render_value(proof, work);
	struct jcs_buffer buffer = {0};
	int err = object == NULL ? -ENOMEM : jcs_write(&buffer, object);

	if (err == 0)
		err = jcs_buffer_grow(&buffer, 1);
	if (err != 0) {
		jcs_buffer_clear(&buffer);
		return refuse(work->why, err, "out of memory");
	}
	buffer.data[buffer.len] = '\0';
	*text = buffer.data;
	*len = buffer.len;
	return 0;
}

/* ---- making ---- */

static int by_hash(const void *left, const void *right)
{
	const struct trie_set_row *a = left, *b = right;

	return memcmp(a->hash.bytes, b->hash.bytes, sizeof(a->hash.bytes));
}

/* The nodes in ascending order, each once. */
static int sort_nodes(struct work *work, const struct trie_node *nodes, size_t n)
{
	struct trie_set_row *rows = calloc(n + 1, sizeof(*rows));
	size_t kept = 0;

	if (rows == NULL)
		return refuse(work->why, -ENOMEM, "out of memory");
	for (size_t i = 0; i < n; i++) {
		rows[i].node = nodes[i];
		keccak256(&rows[i].hash, nodes[i].data, nodes[i].len);
	}
	qsort(rows, n, sizeof(*rows), by_hash);
	for (size_t i = 0; i < n; i++)
		if (kept == 0 || by_hash(&rows[kept - 1], &rows[i]) != 0)
			rows[kept++] = rows[i];
	return trie_set_init(&work->set, rows, kept);
}

int agent_proof_build(struct agent_proof *out, char **text, size_t *len, char why[static AGENT_PROOF_WHY_SIZE],
		      const struct agent_proof_parts *parts, const struct agent_proof_trust *trust)
{
	struct work work = {.header = parts->header, .header_len = parts->header_len, .uri_max = parts->uri_max,
			    .trust = trust, .why = why};
	int err = parts->uri_max > REGISTRY_URI_MAX ? -EINVAL : sort_nodes(&work, parts->nodes, parts->n);

	why[0] = '\0';
	*text = NULL;
	*out = (struct agent_proof){.key = parts->key};
	if (err == 0)
		err = prove(out, &work);
	if (err == 0)
		err = render(text, len, out, &work);
	if (err == 0 && *len > AGENT_PROOF_MAX) {
		free(*text);
		*text = NULL;
		err = refuse(why, -EOVERFLOW, "the proof is larger than %d bytes", AGENT_PROOF_MAX);
	}
	free(work.set.rows);
	if (err != 0)
		agent_proof_clear(out);
	return err;
}

/* ---- checking ---- */

bool agent_proof_is(const json_t *value)
{
	const char *type = json_string_value(json_object_get(value, "type"));

	return type != NULL && strcmp(type, TYPE) == 0;
}

/* A text of an object taken apart: what is needed to prove, as bytes. */
struct parsed {
	json_t *root;
	uint8_t *bytes, *free_bytes; /* header and nodes one behind the other */
	size_t room;
	struct trie_set_row *rows;
};

static int parse_data(const uint8_t **data, size_t *len, struct parsed *parsed, const json_t *value)
{
	if (!json_is_string(value) || hex_decode_data(parsed->free_bytes, parsed->room, len, json_string_value(value),
						      json_string_length(value)) != 0)
		return -EBADMSG;
	*data = parsed->free_bytes;
	parsed->free_bytes += *len;
	parsed->room -= *len;
	return 0;
}

static int parse_nodes(struct work *work, struct parsed *parsed, const json_t *nodes)
{
	size_t n = json_array_size(nodes);

	if (!json_is_array(nodes))
		return refuse(work->why, -EBADMSG, "nodes: not an array");
	parsed->rows = calloc(n + 1, sizeof(*parsed->rows));
	if (parsed->rows == NULL)
		return refuse(work->why, -ENOMEM, "out of memory");
	for (size_t i = 0; i < n; i++) {
		struct trie_node *node = &parsed->rows[i].node;

		if (parse_data(&node->data, &node->len, parsed, json_array_get(nodes, i)) != 0)
			return refuse(work->why, -EBADMSG, "nodes: not hex data");
	}
	if (trie_set_init(&work->set, parsed->rows, n) != 0)
		return refuse(work->why, -EBADMSG, "nodes: not in ascending order of their hashes");
	return 0;
}

static int parse(struct agent_proof *out, struct work *work, struct parsed *parsed, const char *text, size_t len)
{
	const struct jcs_limits limits = {.bytes = AGENT_PROOF_MAX, .depth = 3};
	struct jcs_error error;
	const json_t *key;
	int err = jcs_parse(&parsed->root, &error, text, len, &limits);

	if (err != 0)
		return refuse(work->why, err, "%s", jcs_reason(error.code));
	if (!agent_proof_is(parsed->root))
		return refuse(work->why, -EBADMSG, "not an %s object", TYPE);
	key = json_object_get(parsed->root, "agent");
	if (!json_is_string(key) || agent_key_parse(&out->key, json_string_value(key), json_string_length(key)) != 0)
		return refuse(work->why, -EBADMSG, "agent: not a key text");
	parsed->room = len / 2;
	parsed->free_bytes = parsed->bytes = malloc(parsed->room + 1);
	if (parsed->bytes == NULL)
		return refuse(work->why, -ENOMEM, "out of memory");
	if (parse_data(&work->header, &work->header_len, parsed, json_object_get(parsed->root, "header")) != 0)
		return refuse(work->why, -EBADMSG, "header: not hex data");
	work->uri_max = json_object_get(parsed->root, "uriLength") != NULL ? 0 : REGISTRY_URI_MAX;
	return parse_nodes(work, parsed, json_object_get(parsed->root, "nodes"));
}

/* Why the text is not the one that was proven: a member that says something else, or, if all of them say the same, a form or a
 * member that does not belong there. */
static int judge_difference(char *why, const json_t *stated, const char *proven, size_t len)
{
	json_auto_t *object = NULL;
	struct jcs_error error;
	const char *name;
	json_t *value;

	if (jcs_parse(&object, &error, proven, len, NULL) != 0)
		return refuse(why, -ENOMEM, "out of memory");
	json_object_foreach(object, name, value)
		if (!json_equal(value, json_object_get(stated, name)))
			return refuse(why, -EKEYREJECTED, "%s: not what the nodes prove", name);
	return refuse(why, -EBADMSG, "not canonical JSON, or a member that does not belong there");
}

static int compare(const struct agent_proof *proven, struct work *work, const struct parsed *parsed, const char *text,
		   size_t len)
{
	size_t found_len = 0;
	char *found = NULL;
	int err = render(&found, &found_len, proven, work);

	if (err != 0)
		return err;
	if (found == NULL || found_len != len || memcmp(found, text, len) != 0)
		err = judge_difference(work->why, parsed->root, found, found_len);
	free(found);
	return err;
}

/* A state root does not say of which chain it is: two chains may have one history up to a block, or one invented for the other. */
static int expect_key(const struct agent_proof *proven, const struct work *work)
{
	char wanted[AGENT_KEY_TEXT_SIZE];

	if (work->trust->key == NULL || agent_key_compare(work->trust->key, &proven->key) == 0)
		return 0;
	agent_key_format(wanted, work->trust->key);
	return refuse(work->why, -EXDEV, "the proof is of another agent, not of %s", wanted);
}

int agent_proof_verify(struct agent_proof *out, char why[static AGENT_PROOF_WHY_SIZE], const char *text, size_t len,
		       const struct agent_proof_trust *trust)
{
	struct work work = {.trust = trust, .why = why};
	struct parsed parsed = {0};
	int err;

	why[0] = '\0';
	*out = (struct agent_proof){0};
	err = parse(out, &work, &parsed, text, len);
	if (err == 0)
		err = prove(out, &work);
	if (err == 0 && !trie_set_all_used(&work.set))
		err = refuse(why, -EKEYREJECTED, "nodes: some are not needed");
	if (err == 0)
		err = compare(out, &work, &parsed, text, len);
	if (err == 0)
		err = expect_key(out, &work);
	json_decref(parsed.root);
	free(parsed.bytes);
	free(parsed.rows);
	if (err != 0)
		agent_proof_clear(out);
	return err;
}
