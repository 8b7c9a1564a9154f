/* Members of result objects. */
#include "eth/rpc_member.h"
#include "eth/hex.h"

#include <errno.h>

int eth_rpc_member_text(const char **text, size_t *len, const json_t *object, const char *name)
{
	const json_t *value = json_object_get(object, name);

	if (!json_is_string(value))
		return -EBADMSG;
	*text = json_string_value(value);
	*len = json_string_length(value);
	return 0;
}

void eth_rpc_member_u64(uint64_t *out, int *err, const json_t *object, const char *name)
{
	const char *text;
	size_t len;

	if (*err == 0)
		*err = eth_rpc_member_text(&text, &len, object, name);
	if (*err == 0)
		*err = hex_decode_quantity_u64(out, text, len);
}

void eth_rpc_member_u256(struct u256 *out, int *err, const json_t *object, const char *name)
{
	const char *text;
	size_t len;

	if (*err == 0)
		*err = eth_rpc_member_text(&text, &len, object, name);
	if (*err == 0)
		*err = u256_parse_quantity(out, text, len);
}

void eth_rpc_member_fixed(uint8_t *out, int *err, size_t size, const json_t *object, const char *name)
{
	const char *text;
	size_t len;

	if (*err == 0)
		*err = eth_rpc_member_text(&text, &len, object, name);
	if (*err == 0)
		*err = hex_decode_fixed(out, size, text, len);
}

void eth_rpc_member_hash(struct eth_hash *out, int *err, const json_t *object, const char *name)
{
	eth_rpc_member_fixed(out->bytes, err, sizeof(out->bytes), object, name);
}

int eth_rpc_result_object(const json_t **object, const struct eth_rpc_result *result)
{
	int err = eth_rpc_result_error(result);

	if (err != 0)
		return err;
	if (json_is_null(result->value))
		return -ENOENT;
	*object = result->value;
	return json_is_object(result->value) ? 0 : -EBADMSG;
}
