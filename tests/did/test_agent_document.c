/* The documents this host publishes. Expected bytes are written out whole: they are what the world reads. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "did/agent_document.h"
#include "did/did_pkh.h"
#include "did/jcs_put.h"

#define CONTEXT                                                                                                        \
	"\"@context\":[\"https://www.w3.org/ns/did/v1\",{\"blockchainAccountId\":\"https://w3id.org/"                  \
	"security#blockchainAccountId\","                                                                              \
	"\"EcdsaSecp256k1RecoveryMethod2020\":\"https://identity.foundation/EcdsaSecp256k1RecoverySignature2020#"      \
	"EcdsaSecp256k1RecoveryMethod2020\"}],"
#define DID "did:web:kedge.example:agent:8453:42"
#define IDENTITY                                                                                                       \
	"\"id\":\"" DID "\",\"alsoKnownAs\":[\"eip155:8453/erc721:0x8004A169FB4a3325136EB29fA0ceB6D2e539a432/42\"]"
#define OWNER "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"
#define WALLET "0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359"
#define THIRD "0xdbF03B407c01E7cD3CBea99509d93f8DDDC8C6FB"
#define METHOD(name, account)                                                                                          \
	"{\"id\":\"" DID "#" name "\",\"type\":\"EcdsaSecp256k1RecoveryMethod2020\",\"controller\":\"" DID             \
	"\",\"blockchainAccountId\":\"eip155:8453:" account "\"}"

static struct agent_defaults defaults = {.host = "kedge.example", .chain = 8453};

static struct eth_address address(const char *text)
{
	struct eth_address out;

	assert_int_equal(address_parse(&out, text, strlen(text)), 0);
	return out;
}

static struct agent_document agent(const char *safe_owner, const char *latest_owner, const char *safe_wallet,
				   const char *latest_wallet)
{
	struct agent_document out = {0};

	defaults.registry = address("0x8004A169FB4a3325136EB29fA0ceB6D2e539a432");
	out.key = (struct agent_key){.chain = 8453, .registry = defaults.registry, .id = u256_from_u64(42)};
	out.safe.owner = address(safe_owner);
	out.latest.owner = address(latest_owner);
	if (safe_wallet)
		out.safe.wallet = address(safe_wallet);
	if (latest_wallet)
		out.latest.wallet = address(latest_wallet);
	return out;
}

static void check(const struct agent_document *input, const char *expected)
{
	struct jcs_buffer out = {0};
	size_t kept;

	assert_int_equal(agent_document_write(&out, &kept, input, &defaults), 0);
	assert_int_equal(out.len, strlen(expected));
	assert_memory_equal(out.data, expected, out.len);
	assert_int_equal(kept, 0);
	jcs_buffer_clear(&out);
}

static void owner_and_wallet(void **state)
{
	struct agent_document input = agent(OWNER, OWNER, WALLET, WALLET);

	(void)state;
	check(&input, "{" CONTEXT IDENTITY ",\"controller\":\"did:pkh:eip155:8453:" OWNER
		      "\",\"verificationMethod\":[" METHOD("owner", OWNER) "," METHOD(
			      "agent-wallet", WALLET) "],\"authentication\":[\"" DID "#owner\"],"
						      "\"assertionMethod\":[\"" DID "#owner\",\"" DID
						      "#agent-wallet\"],\"capabilityInvocation\":[\"" DID "#owner\"]}");
	input.wallet_authenticates = true;
	check(&input, "{" CONTEXT IDENTITY ",\"controller\":\"did:pkh:eip155:8453:" OWNER
		      "\",\"verificationMethod\":[" METHOD("owner", OWNER) "," METHOD(
			      "agent-wallet", WALLET) "],\"authentication\":[\"" DID "#owner\",\"" DID
						      "#agent-wallet\"],\"assertionMethod\":[\"" DID "#owner\",\"" DID
						      "#agent-wallet\"],"
						      "\"capabilityInvocation\":[\"" DID "#owner\"]}");
}

static void a_wallet_that_is_the_owner_is_listed_twice(void **state)
{
	struct agent_document input = agent(OWNER, OWNER, OWNER, OWNER);

	(void)state;
	check(&input, "{" CONTEXT IDENTITY ",\"controller\":\"did:pkh:eip155:8453:" OWNER
		      "\",\"verificationMethod\":[" METHOD("owner", OWNER) "," METHOD(
			      "agent-wallet", OWNER) "],\"authentication\":[\"" DID "#owner\"],"
						     "\"assertionMethod\":[\"" DID "#owner\",\"" DID
						     "#agent-wallet\"],\"capabilityInvocation\":[\"" DID "#owner\"]}");
}

static void between_latest_and_safe_neither_wallet_is_listed(void **state)
{
	struct agent_document inputs[] = {agent(OWNER, OWNER, WALLET, THIRD), agent(OWNER, OWNER, WALLET, NULL),
					  agent(OWNER, OWNER, NULL, WALLET), agent(OWNER, OWNER, NULL, NULL)};

	(void)state;
	for (size_t i = 0; i < sizeof(inputs) / sizeof(inputs[0]); i++) {
		inputs[i].wallet_authenticates = true;
		check(&inputs[i],
		      "{" CONTEXT IDENTITY ",\"controller\":\"did:pkh:eip155:8453:" OWNER
		      "\",\"verificationMethod\":[" METHOD("owner", OWNER) "],\"authentication\":[\"" DID
									   "#owner\"],\"assertionMethod\":[\"" DID
									   "#owner\"],\"capabilityInvocation\":[\"" DID
									   "#owner\"]}");
	}
}

static void between_latest_and_safe_neither_owner_is_listed(void **state)
{
	struct agent_document input = agent(OWNER, THIRD, WALLET, WALLET);

	(void)state;
	check(&input, "{" CONTEXT IDENTITY ",\"verificationMethod\":[" METHOD(
			      "agent-wallet", WALLET) "],\"assertionMethod\":[\"" DID "#agent-wallet\"]}");
	input = agent(OWNER, THIRD, WALLET, NULL);
	check(&input, "{" CONTEXT IDENTITY "}");
}

static json_t *service(unsigned i, size_t padding)
{
	char id[64], url[2100] = "https://agent.example/";

	snprintf(id, sizeof(id), DID "#s%u", i);
	memset(url + 22, 'x', padding);
	return json_pack("{s:s, s:s, s:s}", "id", id, "type", "https://eips.ethereum.org/EIPS/eip-8004#A2A",
			 "serviceEndpoint", url);
}

static void services_are_listed_while_they_fit(void **state)
{
	struct agent_document input = agent(OWNER, OWNER, WALLET, WALLET);
	json_t *services = json_array(), *document;
	struct jcs_buffer out = {0};
	size_t kept;

	(void)state;
	for (unsigned i = 0; i < 8; i++)
		json_array_append_new(services, service(i, 1200));
	/* a small one behind the first that does not fit is dropped too: what is kept is a beginning of the list */
	json_array_append_new(services, service(8, 1));
	input.services = services;
	assert_int_equal(agent_document_write(&out, &kept, &input, &defaults), 0);
	assert_in_range(out.len, DID_DOCUMENT_MAX - 1500, DID_DOCUMENT_MAX);
	assert_in_range(kept, 1, 7);
	document = json_loadb(out.data, out.len, JSON_REJECT_DUPLICATES, NULL);
	assert_int_equal(json_array_size(json_object_get(document, "service")), kept);
	for (size_t i = 0; i < kept; i++)
		assert_true(json_equal(json_array_get(json_object_get(document, "service"), i), json_array_get(services, i)));
	json_decref(document);
	json_decref(services);
	jcs_buffer_clear(&out);
}

/* The last byte counts: the same list with a growing service never passes the limit, and reaches it. */
static void the_limit_is_exact(void **state)
{
	struct agent_document input = agent(OWNER, OWNER, WALLET, WALLET);
	struct jcs_buffer out = {0};
	size_t largest = 0;

	(void)state;
	for (size_t padding = 0; padding < 1900; padding++) {
		input.services = json_pack("[o, o, o, o]", service(1, 1900), service(2, 1500), service(3, 1200),
					   service(4, padding));
		out.len = 0;
		assert_int_equal(agent_document_write(&out, NULL, &input, &defaults), 0);
		assert_in_range(out.len, 1, DID_DOCUMENT_MAX);
		largest = out.len > largest ? out.len : largest;
		json_decref(input.services);
	}
	assert_int_equal(largest, DID_DOCUMENT_MAX);
	jcs_buffer_clear(&out);
}

static void links_stand_behind_the_token(void **state)
{
	static const char *const links[] = {"did:web:kedge.example:character:alice", "did:web:else.example"};
	struct agent_document input = agent(OWNER, THIRD, WALLET, NULL);
	const char *many[200];
	struct jcs_buffer out = {0};

	(void)state;
	input.also = links;
	input.nalso = 2;
	check(&input, "{" CONTEXT "\"id\":\"" DID "\",\"alsoKnownAs\":[\"eip155:8453/erc721:0x8004A169FB4a3325136EB29fA0ceB6D2e539a432/42\","
		      "\"did:web:kedge.example:character:alice\",\"did:web:else.example\"]}");
	for (size_t i = 0; i < 200; i++)
		many[i] = links[i % 2];
	input = agent(OWNER, OWNER, WALLET, WALLET);
	input.also = many;
	input.nalso = 200;
	assert_int_equal(agent_document_write(&out, NULL, &input, &defaults), 0);
	assert_in_range(out.len, 2500, 4000);
	jcs_buffer_clear(&out);
}

/* The longest names there can be, every key, and links: still a document that everybody takes. */
static void the_longest_names_fit(void **state)
{
	struct agent_document input = agent(OWNER, OWNER, WALLET, WALLET);
	struct agent_defaults long_host = defaults;
	struct jcs_buffer out = {0};
	const char *many[64];
	char host[254 + 6];

	(void)state;
	for (size_t i = 0; i < 253; i++)
		host[i] = i % 63 == 62 ? '.' : 'a';
	memcpy(host + 253, ":65535", 7);
	long_host.host = host;
	input.key.registry = address(WALLET);
	input.key.chain = UINT64_MAX;
	memset(&input.key.id, 0xff, sizeof(input.key.id));
	input.wallet_authenticates = true;
	for (size_t i = 0; i < 64; i++)
		many[i] = "https://links.example/of/some/length/that/people/choose";
	input.also = many;
	input.nalso = 64;
	assert_int_equal(agent_document_write(&out, NULL, &input, &long_host), 0);
	assert_in_range(out.len, 6000, DID_DOCUMENT_MAX);
	jcs_buffer_clear(&out);
}

/* did:pkh documents and agents' documents say the same in the same words. */
static void the_parts_are_those_of_did_pkh(void **state)
{
	json_auto_t *context = did_pkh_context();
	json_auto_t *method = did_pkh_method("did:x:y", "owner", "eip155:1:0xabc");
	struct jcs_buffer out = {0};
	struct jcs_put put = {.out = &out};
	json_t *written;

	(void)state;
	jcs_put_open(&put, NULL, '{');
	did_pkh_put_context(&put);
	jcs_put_open(&put, "methods", '[');
	did_pkh_put_method(&put, "did:x:y", "#owner", "eip155:1:0xabc");
	jcs_put_close(&put, ']');
	jcs_put_close(&put, '}');
	assert_int_equal(put.err, 0);
	written = json_loadb(out.data, out.len, JSON_REJECT_DUPLICATES, NULL);
	assert_true(json_equal(json_object_get(written, "@context"), context));
	assert_true(json_equal(json_array_get(json_object_get(written, "methods"), 0), method));
	json_decref(written);
	jcs_buffer_clear(&out);
}

static void misuse_is_refused(void **state)
{
	struct agent_document input = agent(OWNER, OWNER, NULL, NULL);
	struct jcs_buffer out = {0}, small = {.data = (char[100]){0}, .cap = 100, .fixed = true};
	struct agent_defaults bad = defaults;

	(void)state;
	bad.host = "10.0.0.1:80";
	assert_int_equal(agent_document_write(&out, NULL, &input, &bad), -EINVAL);
	input.services = json_pack("{}");
	assert_int_equal(agent_document_write(&out, NULL, &input, &defaults), -EINVAL);
	json_decref(input.services);
	input.services = json_pack("[{s:i}]", "id", 1);
	assert_int_equal(agent_document_write(&out, NULL, &input, &defaults), -EINVAL);
	json_decref(input.services);
	input.services = json_pack("[s]", "x");
	assert_int_equal(agent_document_write(&out, NULL, &input, &defaults), -EINVAL);
	json_decref(input.services);
	input.services = NULL;
	assert_int_equal(out.len, 0);
	assert_int_equal(agent_document_write(&small, NULL, &input, &defaults), -ENOSPC);
	assert_int_equal(small.len, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(owner_and_wallet),
		cmocka_unit_test(a_wallet_that_is_the_owner_is_listed_twice),
		cmocka_unit_test(between_latest_and_safe_neither_wallet_is_listed),
		cmocka_unit_test(between_latest_and_safe_neither_owner_is_listed),
		cmocka_unit_test(services_are_listed_while_they_fit),
		cmocka_unit_test(the_limit_is_exact),
		cmocka_unit_test(links_stand_behind_the_token),
		cmocka_unit_test(the_longest_names_fit),
		cmocka_unit_test(the_parts_are_those_of_did_pkh),
		cmocka_unit_test(misuse_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
