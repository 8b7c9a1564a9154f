/* policy.json, docs/formats.md §9: what a verifier trusts. */
#include "anchor/checkpoint.h"
#include "did/jcs.h"
#include "eth/address.h"
#include "eth/hex.h"
#include "gateway/record/receipt_verify.h"
#include "gateway/record/receipt_view.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>

#define POLICY_BYTES_MAX 65536u

static int refuse(char *why, size_t size, const char *text)
{
	(void)snprintf(why, size, "%s", text);
	return -EBADMSG;
}

static int read_log(struct receipt_policy *p, char *why, size_t why_size, const json_t *value)
{
	const char *text = json_string_value(value);
	struct note_key key;

	if (!text || strlen(text) >= sizeof(p->vkey) || note_key_parse(&key, text, strlen(text)) ||
	    key.type != NOTE_ED25519)
		return refuse(why, why_size, "log is not an Ed25519 vkey (ORIGIN+KEYID+KEY)");
	(void)snprintf(p->vkey, sizeof(p->vkey), "%s", text);
	return 0;
}

static int read_anchor(struct receipt_policy *p, char *why, size_t why_size, json_t *anchor)
{
	static const char *const required[] = {"chain", "codeHash", "contract", NULL}, *const optional[] = {"rpc",
													    NULL};
	const char *contract = json_string_value(json_object_get(anchor, "contract"));
	const char *code = json_string_value(json_object_get(anchor, "codeHash"));
	const json_t *rpc = json_object_get(anchor, "rpc");
	struct eth_address address;

	if (!receipt_members(anchor, required, optional))
		return refuse(why, why_size, "anchor has chain, contract, codeHash and perhaps rpc");
	if (receipt_chain_parse(&p->chain_id, json_object_get(anchor, "chain")))
		return refuse(why, why_size, "anchor.chain is not eip155:NUMBER");
	if (!contract || address_parse(&address, contract, strlen(contract)))
		return refuse(why, why_size, "anchor.contract is not an address");
	if (!code || hex_decode_fixed(p->code_hash, sizeof(p->code_hash), code, strlen(code)))
		return refuse(why, why_size, "anchor.codeHash is not 32 bytes of 0x hex");
	if (rpc && (!json_is_string(rpc) || json_string_length(rpc) >= sizeof(p->rpc)))
		return refuse(why, why_size, "anchor.rpc is not a URL");
	memcpy(p->contract, address.bytes, sizeof(p->contract));
	(void)snprintf(p->rpc, sizeof(p->rpc), "%s", rpc ? json_string_value(rpc) : "");
	p->has_anchor = true;
	return 0;
}

/* Implementations of IdentityRegistry whose storage the verifier can read; used by `kedge verify` of agent proofs. */
static int read_codes(struct receipt_policy *p, char *why, size_t why_size, const json_t *list)
{
	if (!list) {
		p->registry_codes[p->nregistry_codes++] = layout_code_2_0_0;
		return 0;
	}
	if (!json_is_array(list) || json_array_size(list) > LAYOUT_CODES_MAX)
		return refuse(why, why_size, "registryCode is not a list of at most 16 code hashes");
	for (; p->nregistry_codes < json_array_size(list); p->nregistry_codes++) {
		const char *code = json_string_value(json_array_get(list, p->nregistry_codes));
		struct eth_hash *out = &p->registry_codes[p->nregistry_codes];

		if (!code || hex_decode_fixed(out->bytes, sizeof(out->bytes), code, strlen(code)))
			return refuse(why, why_size, "registryCode holds what is not 32 bytes of 0x hex");
	}
	return 0;
}

/* The registries whose agents the verifier means, as key texts without the agent: `eip155:C/erc721:0x…`. */
static int read_registries(struct receipt_policy *p, char *why, size_t why_size, const json_t *list)
{
	static const char wrong[] = "registries is not a list of at most 16 texts eip155:CHAIN/erc721:0xREGISTRY in lower case";

	if (!list)
		return 0;
	if (!json_is_array(list) || json_array_size(list) > POLICY_REGISTRIES_MAX)
		return refuse(why, why_size, wrong);
	p->names_registries = true;
	for (; p->nregistries < json_array_size(list); p->nregistries++) {
		const json_t *item = json_array_get(list, p->nregistries);
		char key[AGENT_KEY_TEXT_SIZE];
		int n = snprintf(key, sizeof(key), "%s/0", json_is_string(item) ? json_string_value(item) : "");

		if (n < 0 || (size_t)n >= sizeof(key) || agent_key_parse(&p->registries[p->nregistries], key, (size_t)n) != 0)
			return refuse(why, why_size, wrong);
	}
	return 0;
}

static int read_policy(struct receipt_policy *p, char *why, size_t why_size, json_t *json)
{
	static const char *const required[] = {"log", "v", NULL}, *const optional[] = {"anchor", "registries",
												   "registryCode", "witnesses", NULL};
	static const char *const witness_members[] = {"quorum", NULL};
	json_t *anchor = json_object_get(json, "anchor"), *witnesses = json_object_get(json, "witnesses");
	int rc;

	if (!receipt_members(json, required, optional))
		return refuse(why, why_size, "a policy has v, log and perhaps anchor, registries, registryCode and witnesses");
	if (json_integer_value(json_object_get(json, "v")) != 1)
		return refuse(why, why_size, "v is not 1");
	rc = read_log(p, why, why_size, json_object_get(json, "log"));
	if (!rc && anchor)
		rc = read_anchor(p, why, why_size, anchor);
	if (!rc)
		rc = read_codes(p, why, why_size, json_object_get(json, "registryCode"));
	if (!rc)
		rc = read_registries(p, why, why_size, json_object_get(json, "registries"));
	if (rc || !witnesses)
		return rc;
	if (!receipt_members(witnesses, witness_members, NULL) ||
	    !json_is_integer(json_object_get(witnesses, "quorum")) ||
	    json_integer_value(json_object_get(witnesses, "quorum")) != 0)
		return refuse(why, why_size, "witnesses.quorum is not 0, and receipts carry no cosignatures yet");
	return 0;
}

int receipt_policy_parse(struct receipt_policy *p, char *why, size_t why_size, const uint8_t *bytes, size_t len)
{
	static const struct jcs_limits limits = {.bytes = POLICY_BYTES_MAX, .depth = 8};
	struct jcs_error error;
	json_t *json;
	int rc;

	memset(p, 0, sizeof(*p));
	rc = jcs_parse(&json, &error, (const char *)bytes, len, &limits);
	if (rc == -ENOMEM)
		return rc;
	if (rc)
		return refuse(why, why_size, jcs_reason(error.code));
	rc = read_policy(p, why, why_size, json);
	json_decref(json);
	return rc;
}

int receipt_question(struct receipt_question *q, const uint8_t *bytes, size_t len, const struct receipt_policy *policy)
{
	struct receipt_view v;
	struct checkpoint checkpoint;
	struct note note;
	char why[128];
	int rc = receipt_view_parse(&v, why, sizeof(why), bytes, len);

	if (rc)
		return rc;
	rc = -ENOENT;
	if (v.has_anchor && policy->has_anchor) {
		rc = -EBADMSG;
		if (!note_parse(&note, v.checkpoint, strlen(v.checkpoint)) &&
		    !checkpoint_parse(&checkpoint, note.text, note.text_len)) {
			q->chain_id = policy->chain_id;
			memcpy(q->contract, policy->contract, sizeof(q->contract));
			q->size = checkpoint.size;
			q->block_number = v.block_number;
			rc = 0;
		}
	}
	receipt_view_clear(&v);
	return rc;
}
