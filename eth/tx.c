/* Transactions of type 0 and 2. The order of the calls in put_fields and get_fields is the order of the fields on the
 * wire. */

#include "eth/tx.h"

#include "eth/rlp.h"

#include <errno.h>
#include <string.h>

/* Legacy v: 27 and 28 before EIP-155, "{0,1} + CHAIN_ID * 2 + 35" since. */
#define V_UNPROTECTED 27
#define V_PROTECTED 35

int tx_access_list(uint8_t *out, size_t out_size, size_t *len, const struct tx_access *entries, size_t count)
{
	struct rlp_writer writer;
	rlp_writer_init(&writer, out, out_size);
	size_t list = rlp_list_begin(&writer);
	for (size_t i = 0; i < count; i++) {
		size_t entry = rlp_list_begin(&writer);
		rlp_put_bytes(&writer, entries[i].address.bytes, sizeof(entries[i].address.bytes));
		size_t keys = rlp_list_begin(&writer);
		for (size_t k = 0; k < entries[i].key_count; k++)
			rlp_put_bytes(&writer, entries[i].keys[k].bytes, sizeof(entries[i].keys[k].bytes));
		rlp_list_end(&writer, keys);
		rlp_list_end(&writer, entry);
	}
	rlp_list_end(&writer, list);
	return rlp_writer_finish(&writer, len);
}

/* EIP-2930: [[{20 bytes}, [{32 bytes}...]]...]. The first error stays in the reader. */
static void check_access_list(struct rlp_reader *reader)
{
	struct eth_address address;
	struct eth_hash key;
	rlp_enter(reader);
	while (rlp_more(reader)) {
		rlp_enter(reader);
		rlp_get_fixed(reader, address.bytes, sizeof(address.bytes));
		rlp_enter(reader);
		while (rlp_more(reader))
			rlp_get_fixed(reader, key.bytes, sizeof(key.bytes));
		rlp_leave(reader);
		rlp_leave(reader);
	}
	rlp_leave(reader);
}

size_t tx_size_max(const struct tx *tx)
{
	/* Type, list prefix, nonce, chain id, gas: 37; fees and value: 99; to: 21; data prefix: 9; v, r, s: 75. */
	return 256 + tx->data_len + tx->access_list_len;
}

static int check_limits(const struct tx *tx)
{
	if (tx->type != TX_LEGACY && tx->type != TX_DYNAMIC_FEE)
		return -EINVAL;
	/* EIP-2681: the nonce is at most 2^64-2. */
	if (tx->chain_id > TX_CHAIN_ID_MAX || tx->nonce == UINT64_MAX)
		return -EINVAL;
	if (tx->access_list_len == 0)
		return 0;
	struct rlp_reader reader;
	rlp_reader_init(&reader, tx->access_list, tx->access_list_len);
	check_access_list(&reader);
	return tx->type == TX_DYNAMIC_FEE && rlp_reader_finish(&reader) == 0 ? 0 : -EINVAL;
}

/* The rules about fees that hold in every state. */
static bool fees_are_sane(const struct tx *tx)
{
	struct u256 total;
	if (tx->type == TX_DYNAMIC_FEE && u256_cmp(&tx->max_priority_fee, &tx->max_fee) > 0)
		return false;
	return u256_mul_u64(&total, &tx->max_fee, tx->gas_limit) == 0;
}

static void put_recipient(struct rlp_writer *writer, const struct tx *tx)
{
	rlp_put_bytes(writer, tx->to.bytes, tx->creation ? 0 : sizeof(tx->to.bytes));
}

static void put_fields(struct rlp_writer *writer, const struct tx *tx)
{
	static const uint8_t empty_list = 0xc0;
	bool legacy = tx->type == TX_LEGACY;
	if (!legacy)
		rlp_put_u64(writer, tx->chain_id);
	rlp_put_u64(writer, tx->nonce);
	if (!legacy)
		rlp_put_u256(writer, &tx->max_priority_fee);
	rlp_put_u256(writer, &tx->max_fee);
	rlp_put_u64(writer, tx->gas_limit);
	put_recipient(writer, tx);
	rlp_put_u256(writer, &tx->value);
	rlp_put_bytes(writer, tx->data, tx->data_len);
	if (!legacy && tx->access_list_len > 0)
		rlp_put_encoded(writer, tx->access_list, tx->access_list_len);
	else if (!legacy)
		rlp_put_encoded(writer, &empty_list, 1);
}

static void put_signature(struct rlp_writer *writer, const struct tx *tx, const struct eth_signature *signature)
{
	struct u256 scalar;
	uint64_t v = signature->parity;
	if (tx->type == TX_LEGACY)
		v += tx->chain_id == 0 ? V_UNPROTECTED : tx->chain_id * 2 + V_PROTECTED;
	rlp_put_u64(writer, v);
	/* r and s are integers: their leading zeros go. */
	u256_from_bytes(&scalar, signature->r);
	rlp_put_u256(writer, &scalar);
	u256_from_bytes(&scalar, signature->s);
	rlp_put_u256(writer, &scalar);
}

/* With `signature` NULL, what is signed. */
static int encode(uint8_t *out, size_t out_size, size_t *len, const struct tx *tx,
		  const struct eth_signature *signature)
{
	static const uint8_t type = TX_DYNAMIC_FEE;
	struct rlp_writer writer;
	*len = 0;
	int err = check_limits(tx);
	if (err != 0)
		return err;
	rlp_writer_init(&writer, out, out_size);
	if (tx->type == TX_DYNAMIC_FEE)
		rlp_put_encoded(&writer, &type, 1);
	size_t list = rlp_list_begin(&writer);
	put_fields(&writer, tx);
	if (signature != NULL) {
		put_signature(&writer, tx, signature);
	} else if (tx->type == TX_LEGACY && tx->chain_id != 0) {
		/* EIP-155: hash nine elements, the last three being chainid, 0, 0. */
		rlp_put_u64(&writer, tx->chain_id);
		rlp_put_u64(&writer, 0);
		rlp_put_u64(&writer, 0);
	}
	rlp_list_end(&writer, list);
	return rlp_writer_finish(&writer, len);
}

int tx_encode_unsigned(uint8_t *out, size_t out_size, size_t *len, const struct tx *tx)
{
	return encode(out, out_size, len, tx, NULL);
}

int tx_encode_signed(uint8_t *out, size_t out_size, size_t *len, const struct tx *tx,
		     const struct eth_signature *signature)
{
	*len = 0;
	int err = signature_check(signature);
	return err != 0 ? err : encode(out, out_size, len, tx, signature);
}

int tx_signing_hash(struct eth_hash *out, uint8_t *scratch, size_t scratch_size, const struct tx *tx)
{
	size_t len;
	int err = tx_encode_unsigned(scratch, scratch_size, &len, tx);
	if (err == 0)
		keccak256(out, scratch, len);
	return err;
}

int tx_sign(const struct signature_context *context, uint8_t *raw, size_t raw_size, size_t *len, struct eth_hash *hash,
	    const struct tx *tx, const uint8_t key[static SIGNATURE_KEY_SIZE])
{
	struct eth_signature signature;
	struct eth_hash digest;
	*len = 0;
	if (tx->chain_id == 0 || !fees_are_sane(tx))
		return -EINVAL;
	int err = tx_signing_hash(&digest, raw, raw_size, tx);
	if (err == 0)
		err = signature_sign(context, &signature, &digest, key);
	if (err == 0)
		err = tx_encode_signed(raw, raw_size, len, tx, &signature);
	if (err == 0)
		keccak256(hash, raw, *len);
	return err;
}

/* ---- reading ---- */

static void fail(struct rlp_reader *reader, int err)
{
	if (reader->error == 0)
		reader->error = err;
}

static void get_recipient(struct rlp_reader *reader, struct tx *tx)
{
	const uint8_t *bytes;
	size_t len;
	rlp_get_bytes(reader, &bytes, &len);
	tx->creation = len == 0;
	if (len == sizeof(tx->to.bytes))
		memcpy(tx->to.bytes, bytes, len);
	else if (len != 0)
		fail(reader, -EBADMSG);
}

static void get_access_list(struct rlp_reader *reader, struct tx *tx)
{
	struct rlp_reader list;
	rlp_get_encoded(reader, &tx->access_list, &tx->access_list_len);
	if (reader->error != 0)
		return;
	rlp_reader_init(&list, tx->access_list, tx->access_list_len);
	check_access_list(&list);
	int err = rlp_reader_finish(&list);
	if (err != 0)
		fail(reader, err);
}

static void get_fields(struct rlp_reader *reader, struct tx *tx)
{
	bool legacy = tx->type == TX_LEGACY;
	if (!legacy)
		rlp_get_u64(reader, &tx->chain_id);
	rlp_get_u64(reader, &tx->nonce);
	if (!legacy)
		rlp_get_u256(reader, &tx->max_priority_fee);
	rlp_get_u256(reader, &tx->max_fee);
	rlp_get_u64(reader, &tx->gas_limit);
	get_recipient(reader, tx);
	rlp_get_u256(reader, &tx->value);
	rlp_get_bytes(reader, &tx->data, &tx->data_len);
	if (!legacy)
		get_access_list(reader, tx);
}

/* Splits a legacy v into chain id and parity. */
static int split_v(struct tx *tx, uint8_t *parity, uint64_t v)
{
	if (v == V_UNPROTECTED || v == V_UNPROTECTED + 1) {
		tx->chain_id = 0;
		*parity = (uint8_t)(v - V_UNPROTECTED);
		return 0;
	}
	/* Chain id 0 under EIP-155 does not exist. */
	if (v < V_PROTECTED + 2)
		return -EBADMSG;
	tx->chain_id = (v - V_PROTECTED) / 2;
	*parity = (uint8_t)((v - V_PROTECTED) % 2);
	return tx->chain_id <= TX_CHAIN_ID_MAX ? 0 : -EOVERFLOW;
}

static void get_signature(struct rlp_reader *reader, struct tx *tx, struct eth_signature *signature)
{
	struct u256 r, s;
	uint64_t v;
	int err = 0;
	rlp_get_u64(reader, &v);
	rlp_get_u256(reader, &r);
	rlp_get_u256(reader, &s);
	u256_to_bytes(signature->r, &r);
	u256_to_bytes(signature->s, &s);
	if (reader->error != 0)
		return;
	if (tx->type == TX_LEGACY)
		err = split_v(tx, &signature->parity, v);
	else if (v <= 1)
		signature->parity = (uint8_t)v;
	else
		err = -EBADMSG;
	if (err == 0)
		err = signature_check(signature);
	if (err != 0)
		fail(reader, err);
}

int tx_decode(struct tx *out, struct eth_signature *signature, const uint8_t *raw, size_t len)
{
	struct rlp_reader reader;
	memset(out, 0, sizeof(*out));
	memset(signature, 0, sizeof(*signature));
	/* EIP-2718: types are below 0x80; a legacy transaction begins with a list prefix, 0xc0 or more. */
	if (len == 0 || (raw[0] >= 0x80 && raw[0] < 0xc0))
		return -EBADMSG;
	if (raw[0] < 0xc0 && raw[0] != TX_DYNAMIC_FEE)
		return -ENOTSUP;
	out->type = raw[0] == TX_DYNAMIC_FEE ? TX_DYNAMIC_FEE : TX_LEGACY;
	size_t skip = out->type == TX_DYNAMIC_FEE ? 1 : 0;
	rlp_reader_init(&reader, raw + skip, len - skip);
	rlp_enter(&reader);
	get_fields(&reader, out);
	get_signature(&reader, out, signature);
	rlp_leave(&reader);
	int err = rlp_reader_finish(&reader);
	if (err != 0)
		return err;
	if (out->chain_id > TX_CHAIN_ID_MAX)
		return -EOVERFLOW;
	return out->nonce != UINT64_MAX && fees_are_sane(out) ? 0 : -EBADMSG;
}

int tx_sender(const struct signature_context *context, struct eth_address *out, uint8_t *scratch, size_t scratch_size,
	      const struct tx *tx, const struct eth_signature *signature)
{
	struct eth_hash digest;
	int err = tx_signing_hash(&digest, scratch, scratch_size, tx);
	return err != 0 ? err : signature_recover(context, out, signature, &digest);
}
