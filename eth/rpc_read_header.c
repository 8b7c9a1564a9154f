/* A block object's header fields, written as the RLP that the block's hash is taken of. */
#include "eth/hex.h"
#include "eth/rlp.h"
#include "eth/rpc_member.h"
#include "eth/rpc_read.h"

#include <errno.h>
#include <string.h>

enum kind { FIXED, QUANTITY, EXTRA };

/* The fields in the order of eth/header.h. */
static const struct field {
	const char *name;
	enum kind kind;
	size_t size;
} fields[HEADER_FIELDS_MAX] = {
	{"parentHash", FIXED, 32},
	{"sha3Uncles", FIXED, 32},
	{"miner", FIXED, 20},
	{"stateRoot", FIXED, 32},
	{"transactionsRoot", FIXED, 32},
	{"receiptsRoot", FIXED, 32},
	{"logsBloom", FIXED, HEADER_BLOOM_SIZE},
	{"difficulty", QUANTITY, 0},
	{"number", QUANTITY, 0},
	{"gasLimit", QUANTITY, 0},
	{"gasUsed", QUANTITY, 0},
	{"timestamp", QUANTITY, 0},
	{"extraData", EXTRA, 0},
	{"mixHash", FIXED, 32},
	{"nonce", FIXED, 8},
	{"baseFeePerGas", QUANTITY, 0},
	{"withdrawalsRoot", FIXED, 32},
	{"blobGasUsed", QUANTITY, 0},
	{"excessBlobGas", QUANTITY, 0},
	{"parentBeaconBlockRoot", FIXED, 32},
	{"requestsHash", FIXED, 32},
};

/* Members of a block object that are not of its header (execution-apis; totalDifficulty by older nodes). */
static const char *const beside[] = {"hash", "size", "totalDifficulty", "transactions", "uncles", "withdrawals"};

static bool is_there(const json_t *object, const char *name)
{
	const json_t *value = json_object_get(object, name);

	return value != NULL && !json_is_null(value);
}

static void put_fixed(struct rlp_writer *writer, int *err, const json_t *object, const struct field *field)
{
	uint8_t bytes[HEADER_BLOOM_SIZE];

	eth_rpc_member_fixed(bytes, err, field->size, object, field->name);
	if (*err == 0)
		rlp_put_bytes(writer, bytes, field->size);
}

static void put_quantity(struct rlp_writer *writer, int *err, const json_t *object, const struct field *field)
{
	struct u256 value;

	eth_rpc_member_u256(&value, err, object, field->name);
	if (*err == -EOVERFLOW)
		*err = -EBADMSG;
	if (*err == 0)
		rlp_put_u256(writer, &value);
}

static void put_extra(struct rlp_writer *writer, int *err, const json_t *object, const struct field *field)
{
	uint8_t bytes[HEADER_EXTRA_MAX];
	const char *text;
	size_t text_len, len;

	if (*err == 0)
		*err = eth_rpc_member_text(&text, &text_len, object, field->name);
	if (*err == 0)
		*err = hex_decode_data(bytes, sizeof(bytes), &len, text, text_len);
	if (*err == -ENOSPC)
		*err = -EPROTONOSUPPORT;
	if (*err == 0)
		rlp_put_bytes(writer, bytes, len);
}

static void put_field(struct rlp_writer *writer, int *err, const json_t *object, const struct field *field)
{
	switch (field->kind) {
	case FIXED:
		put_fixed(writer, err, object, field);
		return;
	case QUANTITY:
		put_quantity(writer, err, object, field);
		return;
	case EXTRA:
		put_extra(writer, err, object, field);
		return;
	}
}

/* The fields there are, up to the first of a later fork that is not. */
static size_t count_fields(const json_t *object)
{
	size_t n = HEADER_FIELDS_MIN;

	while (n < HEADER_FIELDS_MAX && is_there(object, fields[n].name))
		n++;
	return n;
}

/* Whether a member may be of the header in a way that the first n fields do not say. */
static bool is_unknown(const char *name, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(name, fields[i].name) == 0)
			return false;
	for (size_t i = 0; i < sizeof(beside) / sizeof(beside[0]); i++)
		if (strcmp(name, beside[i]) == 0)
			return false;
	return true;
}

static bool has_unknown(const json_t *object, size_t n)
{
	for (void *iter = json_object_iter((json_t *)(uintptr_t)object); iter != NULL;
	     iter = json_object_iter_next((json_t *)(uintptr_t)object, iter))
		if (!json_is_null(json_object_iter_value(iter)) && is_unknown(json_object_iter_key(iter), n))
			return true;
	return false;
}

int eth_rpc_result_header(struct eth_rpc_header *out, const struct eth_rpc_result *result)
{
	struct rlp_writer writer;
	struct eth_hash stated, found;
	const json_t *object;
	size_t n, mark;
	int err = eth_rpc_result_object(&object, result);

	memset(out, 0, sizeof(*out));
	if (err != 0)
		return err;
	n = count_fields(object);
	rlp_writer_init(&writer, out->rlp, sizeof(out->rlp));
	mark = rlp_list_begin(&writer);
	for (size_t i = 0; i < n; i++)
		put_field(&writer, &err, object, &fields[i]);
	rlp_list_end(&writer, mark);
	eth_rpc_member_hash(&stated, &err, object, "hash");
	if (err == 0)
		err = rlp_writer_finish(&writer, &out->rlp_len);
	if (err != 0)
		return err;
	keccak256(&found, out->rlp, out->rlp_len);
	if (memcmp(found.bytes, stated.bytes, sizeof(found.bytes)) != 0)
		return has_unknown(object, n) ? -EPROTONOSUPPORT : -EKEYREJECTED;
	return header_parse(&out->header, out->rlp, out->rlp_len);
}
