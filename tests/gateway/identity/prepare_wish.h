#pragma once
/* The same wish for both tests of prepare: owner 0x2222…'s, about agent 42 of chain 31337. */
#include "eth/hex.h"
#include "gateway/identity/prepare.h"
#include "tests/eth/fake_node.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* The keys 0x1111… and 0x2222…. */
#define WALLET "0x19E7E376E7C213B7E7e7e46cc70A5dD086DAff2A"
#define OWNER "0x1563915e194D8CfBA1943570603F7606A3115508"
#define REGISTRY "0x8004A169FB4a3325136EB29fA0ceB6D2e539a432"
#define STRANGER "0x00000000000000000000000000000000000000bb"
/* ethers: agent 42 of chain 31337, deadline 1700000240, signed by the wallet and by the owner. */
#define DIGEST "0x6fe006cbc77f6b560366c39bd246b39dfeedd0a16b8c4b390f9820e55a5b6937"
#define BY_WALLET                                                                                                      \
	"0x54838c9491e249b7ad6d5c6c24727801528d9e4aa5f873016e6fe2ec9efe34385cd96280ea29c4b057c436f91a6ff271735a87d141" \
	"9ef6"                                                                                                         \
	"a19aa2fc9c65638d291b"
#define BY_OWNER                                                                                                       \
	"0x59593283de6a399d59088714f7164f1c8582ffded787460b90f7b9732b06e5fa633023fd0c8793189af04d6309722db65adf334208" \
	"b8c2"                                                                                                         \
	"e17e691ed362398c351b"
/* BY_WALLET with s replaced by n - s and v by 28: the other spelling of the same consent. */
#define HIGH_S                                                                                                         \
	"0x54838c9491e249b7ad6d5c6c24727801528d9e4aa5f873016e6fe2ec9efe3438a3269d7f15d63b4fa83bc906e5900d8d47"         \
	"5455156da9a99a252f61f06ad2b4181c"
#define V_ZERO                                                                                                         \
	"0x54838c9491e249b7ad6d5c6c24727801528d9e4aa5f873016e6fe2ec9efe34385cd96280ea29c4b057c436f91a6ff271735a87d141" \
	"9ef6"                                                                                                         \
	"a19aa2fc9c65638d2900"
#define MAGIC_6492 "6492649264926492649264926492649264926492649264926492649264926492"

enum { TIME = 1700000000, DEADLINE = 1700000240 };

struct fixture {
	struct fake_node node;
	struct event_base *base;
	struct eth_rpc *rpc;
	struct signature_context *signatures;
};

static inline struct eth_address address_of(const char *text)
{
	struct eth_address address;

	assert_int_equal(address_parse(&address, text, strlen(text)), 0);
	return address;
}

/* Owner 0x2222…'s wish about agent 42, by default to make 0x1111… its wallet. */
static inline struct prepare_ask wish(enum prepare_verb verb)
{
	return (struct prepare_ask){
		.verb = verb,
		.agent = {.chain = 31337, .registry = address_of(REGISTRY), .id = u256_from_u64(42)},
		.from = address_of(OWNER),
		.uri = "",
		.wallet = address_of(WALLET),
		.to = address_of(STRANGER)};
}

static inline struct prepare_facts facts_of(void)
{
	return (struct prepare_facts){.block = {.number = 10, .time = TIME},
				      .registry_has_code = true,
				      .exists = true,
				      .owner = address_of(OWNER),
				      .authorised = true};
}

static inline int setup_signatures(void **state)
{
	static const uint8_t seed[32] = {1};
	struct fixture *f = calloc(1, sizeof(*f));

	f->signatures = signature_context_new(seed);
	*state = f;
	return f->signatures == NULL;
}

static inline int teardown_signatures(void **state)
{
	struct fixture *f = *state;

	signature_context_free(f->signatures);
	free(f);
	return 0;
}

static inline void is_hex(const uint8_t *data, size_t len, const char *expected)
{
	char *text = malloc(HEX_DATA_SIZE(len));

	hex_encode_data(text, data, len);
	assert_string_equal(text, expected);
	free(text);
}
