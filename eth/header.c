#include "eth/header.h"
#include "eth/rlp.h"

#include <errno.h>
#include <string.h>

static void skip_fixed(struct rlp_reader *reader, size_t size)
{
	uint8_t bytes[32];

	rlp_get_fixed(reader, bytes, size);
}

static void skip_u256(struct rlp_reader *reader)
{
	struct u256 value;

	rlp_get_u256(reader, &value);
}

static void skip_u64(struct rlp_reader *reader)
{
	uint64_t value;

	rlp_get_u64(reader, &value);
}

static void get_hash(struct rlp_reader *reader, struct eth_hash *out)
{
	rlp_get_fixed(reader, out->bytes, sizeof(out->bytes));
}

/* Yellow Paper §4.4.2: the fifteen fields of every block. */
static void get_first(struct rlp_reader *reader, struct eth_header *out, size_t *extra_len)
{
	const uint8_t *extra;

	get_hash(reader, &out->parent);
	skip_fixed(reader, 32); /* sha3Uncles */
	skip_fixed(reader, 20); /* miner */
	get_hash(reader, &out->state_root);
	get_hash(reader, &out->transactions_root);
	get_hash(reader, &out->receipts_root);
	rlp_get_fixed(reader, out->bloom, sizeof(out->bloom));
	skip_u256(reader); /* difficulty */
	rlp_get_u64(reader, &out->number);
	rlp_get_u64(reader, &out->gas_limit);
	rlp_get_u64(reader, &out->gas_used);
	rlp_get_u64(reader, &out->time);
	rlp_get_bytes(reader, &extra, extra_len);
	skip_fixed(reader, 32); /* mixHash */
	skip_fixed(reader, 8);	/* nonce */
}

/* What later forks added; `fields` is how many there are in all. */
static void get_later(struct rlp_reader *reader, unsigned fields)
{
	if (fields >= 16)
		skip_u256(reader); /* baseFeePerGas, EIP-1559 */
	if (fields >= 17)
		skip_fixed(reader, 32); /* withdrawalsRoot, EIP-4895 */
	if (fields >= 19) {
		skip_u64(reader); /* blobGasUsed, EIP-4844 */
		skip_u64(reader); /* excessBlobGas */
	}
	if (fields >= 20)
		skip_fixed(reader, 32); /* parentBeaconBlockRoot, EIP-4788 */
	if (fields >= 21)
		skip_fixed(reader, 32); /* requestsHash, EIP-7685 */
}

static int count_fields(unsigned *out, const uint8_t *rlp, size_t len)
{
	const uint8_t *item;
	struct rlp_reader reader;
	size_t item_len;

	*out = 0;
	rlp_reader_init(&reader, rlp, len);
	rlp_enter(&reader);
	while (rlp_more(&reader)) {
		rlp_get_encoded(&reader, &item, &item_len);
		++*out;
	}
	rlp_leave(&reader);
	return rlp_reader_finish(&reader);
}

int header_parse(struct eth_header *out, const uint8_t *rlp, size_t len)
{
	struct rlp_reader reader;
	size_t extra_len;
	unsigned fields;
	int err;

	memset(out, 0, sizeof(*out));
	if (len > HEADER_SIZE_MAX)
		return -EOVERFLOW;
	err = count_fields(&fields, rlp, len);
	if (err != 0)
		return err;
	if (fields < HEADER_FIELDS_MIN || fields > HEADER_FIELDS_MAX || fields == 18)
		return -EPROTONOSUPPORT;
	out->fields = fields;
	rlp_reader_init(&reader, rlp, len);
	rlp_enter(&reader);
	get_first(&reader, out, &extra_len);
	get_later(&reader, fields);
	rlp_leave(&reader);
	err = rlp_reader_finish(&reader);
	if (err == 0 && extra_len > HEADER_EXTRA_MAX)
		err = -EOVERFLOW;
	if (err == 0)
		keccak256(&out->hash, rlp, len);
	return err;
}
