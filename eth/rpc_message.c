/* JSON-RPC messages: what is asked, and the answer taken apart. A node is not trusted to be well: the answer is bounded
 * before it becomes a tree, and is refused as a whole unless every id of the batch is answered exactly once. */
#include "eth/rpc_message.h"
#include "eth/hex.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	DEPTH_MAX = 32,
	VALUES_MAX = 1 << 18, /* a jansson value takes some 50 bytes: this bounds the tree to tens of MiB */
	VALUES_HUGE = 1 << 22, /* a log has some 27 */
	CALL_FRAME = 80,      /* bytes of a call around its method and params, the id at its longest */
};

int eth_rpc_request(char **out, size_t *out_len, uint64_t first_id, const struct eth_rpc_call *calls, size_t n)
{
	size_t room = 3, len = 0;
	char *text;

	if (n == 0)
		return -EINVAL;
	if (n > ETH_RPC_CALLS_MAX)
		return -EOVERFLOW;
	for (size_t i = 0; i < n; i++) {
		room += CALL_FRAME + strlen(calls[i].method) + strlen(calls[i].params);
		if (room > ETH_RPC_REQUEST_MAX)
			return -EOVERFLOW;
	}
	text = malloc(room);
	if (text == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		int wrote = snprintf(text + len, room - len,
				     "%s{\"jsonrpc\":\"2.0\",\"id\":%" PRIu64 ",\"method\":\"%s\",\"params\":%s}",
				     i == 0 ? "[" : ",", first_id + i, calls[i].method, calls[i].params);

		if (wrote < 0 || (size_t)wrote >= room - len) {
			free(text);
			return -EINVAL;
		}
		len += (size_t)wrote;
	}
	text[len++] = ']';
	text[len] = '\0';
	*out = text;
	*out_len = len;
	return 0;
}

/* Bounds nesting and the number of values by looking at the punctuation outside strings. It need not be exact: whatever
 * passes is still parsed strictly, whatever is refused had more than any node sends. */
static int check_bounds(const char *body, size_t len, size_t most)
{
	size_t depth = 0, values = 0;
	bool in_string = false;

	for (size_t i = 0; i < len; i++) {
		char c = body[i];

		if (in_string) {
			if (c == '\\')
				i++;
			else if (c == '"')
				in_string = false;
			continue;
		}
		if (c == '"')
			in_string = true;
		else if (c == '[' || c == '{')
			depth++;
		else if ((c == ']' || c == '}') && depth > 0)
			depth--;
		if (c == '[' || c == '{' || c == ',' || c == ':')
			values++;
		if (depth > DEPTH_MAX || values > most)
			return -EOVERFLOW;
	}
	return 0;
}

/* What is under construction: the answer, and where the next revert's bytes go. */
struct parse {
	struct eth_rpc_answer *answer;
	size_t body_len;
	size_t bytes_used;
	long status;
};

/* The hex of a revert: `data` itself, `data.data` (some gateways wrap it), or after the word that Parity's line puts
 * first. */
static const json_t *revert_text(const json_t *data, size_t *skip)
{
	static const char LEAD[] = "Reverted ";

	*skip = 0;
	if (json_is_object(data))
		data = json_object_get(data, "data");
	if (!json_is_string(data))
		return NULL;
	if (json_string_length(data) >= sizeof(LEAD) - 1 &&
	    memcmp(json_string_value(data), LEAD, sizeof(LEAD) - 1) == 0)
		*skip = sizeof(LEAD) - 1;
	return data;
}

static int read_revert(struct parse *parse, struct eth_rpc_result *result, const json_t *data)
{
	size_t skip, len, room = parse->body_len / 2 + 1;
	const json_t *text = revert_text(data, &skip);

	if (text == NULL)
		return 0;
	if (parse->answer->bytes == NULL) {
		parse->answer->bytes = malloc(room);
		if (parse->answer->bytes == NULL)
			return -ENOMEM;
	}
	if (hex_decode_data(parse->answer->bytes + parse->bytes_used, room - parse->bytes_used, &len,
			    json_string_value(text) + skip, json_string_length(text) - skip) != 0)
		return 0; /* not hex: some nodes put words there; the revert stands without data */
	result->revert = parse->answer->bytes + parse->bytes_used;
	result->revert_len = len;
	parse->bytes_used += len;
	return 0;
}

/* JSON-RPC 2.0 §5.1: an error has an integer code and a text; data may be anything. */
static int read_error(struct parse *parse, struct eth_rpc_result *result, const json_t *error)
{
	const json_t *code = json_object_get(error, "code"), *message = json_object_get(error, "message");
	const json_t *data = json_object_get(error, "data");

	if (!json_is_integer(code) || !json_is_string(message))
		return -EBADMSG;
	result->code = json_integer_value(code);
	result->message = json_string_value(message);
	result->message_len = json_string_length(message);
	result->outcome =
		eth_rpc_errors_classify(&result->hint, parse->status, result->code, result->message, result->message_len,
					json_is_string(data) || json_is_object(data));
	if (result->outcome == ETH_RPC_LIMIT && json_is_string(data) && !result->hint.has_range &&
	    result->hint.blocks == 0 && !result->hint.batch) /* some put the advice there */
		eth_rpc_errors_hint(&result->hint, json_string_value(data), json_string_length(data));
	return result->outcome == ETH_RPC_REVERT ? read_revert(parse, result, data) : 0;
}

static bool is_version_2(const json_t *object)
{
	const json_t *version = json_object_get(object, "jsonrpc");

	return json_is_string(version) && json_string_length(version) == 3 &&
	       memcmp(json_string_value(version), "2.0", 3) == 0;
}

/* One member of the array. `seen` marks the ids already answered. */
static int read_response(struct parse *parse, bool *seen, uint64_t first_id, const json_t *response)
{
	const json_t *id = json_object_get(response, "id"), *value = json_object_get(response, "result");
	const json_t *error = json_object_get(response, "error");
	struct eth_rpc_result *result;
	uint64_t index;

	if (!is_version_2(response) || !json_is_integer(id) || json_integer_value(id) < 0)
		return -EBADMSG;
	index = (uint64_t)json_integer_value(id) - first_id;
	if (index >= parse->answer->n || seen[index] || (value == NULL) == (error == NULL))
		return -EBADMSG;
	seen[index] = true;
	result = &parse->answer->results[index];
	if (error != NULL)
		return read_error(parse, result, error);
	result->outcome = ETH_RPC_OK;
	result->value = value;
	return 0;
}

static int read_batch(struct parse *parse, uint64_t first_id, const json_t *array)
{
	size_t n = parse->answer->n;
	bool *seen;
	int err = 0;

	if (json_array_size(array) != n)
		return -EBADMSG;
	seen = calloc(n, sizeof(*seen));
	if (seen == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < n && err == 0; i++)
		err = read_response(parse, seen, first_id, json_array_get(array, i));
	free(seen);
	return err;
}

/* The batch refused as a whole. No call was executed, so this cannot be a revert. */
static int read_whole_error(struct parse *parse, const json_t *object)
{
	struct eth_rpc_result whole = {0};
	const json_t *error = json_object_get(object, "error");
	int err;

	if (!is_version_2(object) || error == NULL || json_object_get(object, "result") != NULL)
		return -EBADMSG;
	err = read_error(parse, &whole, error);
	if (whole.outcome == ETH_RPC_REVERT)
		whole.outcome = ETH_RPC_REFUSED;
	parse->answer->whole = true;
	whole.revert = NULL;
	whole.revert_len = 0;
	for (size_t i = 0; i < parse->answer->n; i++)
		parse->answer->results[i] = whole;
	return err;
}

int eth_rpc_answer_parse(struct eth_rpc_answer **out, const char *body, size_t len, uint64_t first_id, size_t n)
{
	return eth_rpc_answer_parse_status(out, body, len, 0, false, first_id, n);
}

int eth_rpc_answer_parse_status(struct eth_rpc_answer **out, const char *body, size_t len, long status,
				bool huge, uint64_t first_id, size_t n)
{
	struct parse parse = {.body_len = len, .status = status};
	int err = check_bounds(body, len, huge ? VALUES_HUGE : VALUES_MAX);

	if (err != 0)
		return err;
	if (n == 0 || n > ETH_RPC_CALLS_MAX)
		return -EINVAL;
	parse.answer = calloc(1, sizeof(*parse.answer));
	if (parse.answer == NULL)
		return -ENOMEM;
	parse.answer->n = n;
	parse.answer->results = calloc(n, sizeof(*parse.answer->results));
	/* JSON_ALLOW_NUL: nodes put the raw bytes of custom errors into messages. */
	parse.answer->root = json_loadb(body, len, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, NULL);
	if (parse.answer->results == NULL)
		err = -ENOMEM;
	else if (json_is_array(parse.answer->root))
		err = read_batch(&parse, first_id, parse.answer->root);
	else
		err = json_is_object(parse.answer->root) ? read_whole_error(&parse, parse.answer->root) : -EBADMSG;
	if (err != 0) {
		eth_rpc_answer_free(parse.answer);
		return err;
	}
	*out = parse.answer;
	return 0;
}

void eth_rpc_answer_free(struct eth_rpc_answer *answer)
{
	if (answer == NULL)
		return;
	json_decref(answer->root);
	free(answer->results);
	free(answer->bytes);
	free(answer);
}
