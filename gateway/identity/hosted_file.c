/* The typed data of a hosted file, once as words to hash and once as JSON to sign. */
#include "gateway/identity/hosted_file.h"

#include "eth/eip712.h"
#include "eth/hex.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const char TYPE_TEXT[] = "HostedFile(string host,string agent,string name,bytes32 content,uint256 number)";

bool hosted_file_name_ok(const char *name)
{
	size_t len = strlen(name);

	for (size_t i = 0; i < len; i++) {
		bool word = (name[i] >= 'a' && name[i] <= 'z') || (name[i] >= '0' && name[i] <= '9');

		if (!word && (i == 0 || strchr("._-", name[i]) == NULL))
			return false;
	}
	return len >= 1 && len <= HOSTED_FILE_NAME_MAX;
}

bool hosted_file_number_ok(uint64_t number, uint64_t now)
{
	return number < INT64_MAX && number + HOSTED_FILE_BEHIND_MS >= now && number <= now + HOSTED_FILE_AHEAD_MS;
}

void hosted_file_digest(struct eth_hash *digest, const struct hosted_file *file)
{
	struct eip712_domain domain = {.name = "kedge", .name_len = 5, .version = "1", .version_len = 1, .has_chain_id = true};
	struct eth_hash separator, type, words[5], message;
	char agent[AGENT_KEY_TEXT_SIZE];

	domain.chain_id = u256_from_u64(file->key->chain);
	eip712_domain_separator(&separator, &domain);
	eip712_type_hash(&type, TYPE_TEXT);
	agent_key_format(agent, file->key);
	eip712_word_bytes(&words[0], file->host, strlen(file->host));
	eip712_word_bytes(&words[1], agent, strlen(agent));
	eip712_word_bytes(&words[2], file->name, strlen(file->name));
	memcpy(words[3].bytes, file->content, 32);
	eip712_word_u64(&words[4], file->number);
	eip712_struct_hash(&message, &type, words, 5);
	eip712_digest(digest, &separator, &message);
}

json_t *hosted_file_json(const struct hosted_file *file)
{
	char agent[AGENT_KEY_TEXT_SIZE], content[HEX_DATA_SIZE(32)], number[24];

	agent_key_format(agent, file->key);
	hex_encode_data(content, file->content, 32);
	(void)snprintf(number, sizeof(number), "%" PRIu64, file->number);
	return json_pack("{s:{s:[{s:s,s:s},{s:s,s:s},{s:s,s:s}], s:[{s:s,s:s},{s:s,s:s},{s:s,s:s},{s:s,s:s},{s:s,s:s}]},"
			 "s:s, s:{s:s,s:s,s:I}, s:{s:s,s:s,s:s,s:s,s:s}}",
			 "types", "EIP712Domain", "name", "name", "type", "string", "name", "version", "type", "string", "name",
			 "chainId", "type", "uint256", "HostedFile", "name", "host", "type", "string", "name", "agent", "type", "string",
			 "name", "name", "type", "string", "name", "content", "type", "bytes32", "name", "number", "type", "uint256",
			 "primaryType", "HostedFile", "domain", "name", "kedge", "version", "1", "chainId", (json_int_t)file->key->chain,
			 "message", "host", file->host, "agent", agent, "name", file->name, "content", content, "number", number);
}
