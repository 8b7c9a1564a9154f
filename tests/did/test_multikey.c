/* Public keys as Multikey texts. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "did/base58.h"
#include "did/multikey.h"

/* did:key test vector: seed of 32 zero bytes. */
static void ed25519_as_in_did_key(void **state)
{
	static const uint8_t key[32] = {0x3b, 0x6a, 0x27, 0xbc, 0xce, 0xb6, 0xa4, 0x2d, 0x62, 0xa3, 0xa8,
					0xd0, 0x2a, 0x6f, 0x0d, 0x73, 0x65, 0x32, 0x15, 0x77, 0x1d, 0xe2,
					0x43, 0xa6, 0x3a, 0xc0, 0x48, 0xa1, 0x8b, 0x59, 0xda, 0x29};
	char out[MULTIKEY_ED25519_SIZE];
	uint8_t ones[32];

	(void)state;
	multikey_ed25519(out, key);
	assert_string_equal(out, "z6MkiTBz1ymuepAQ4HEHYSF1H8quG5GLVVQR3djdX3mDooWp");
	memset(ones, 0xff, sizeof(ones));
	multikey_ed25519(out, ones);
	assert_int_equal(strlen(out), MULTIKEY_ED25519_SIZE - 1);
	memset(ones, 0, sizeof(ones));
	multikey_ed25519(out, ones);
	assert_int_equal(strlen(out), MULTIKEY_ED25519_SIZE - 1);
}

/* Keys of Controlled Identifiers 1.0 (Ed25519, P-256) and of the did:key method's test vectors (secp256k1). */
static void texts_are_keys_and_the_reverse(void **state)
{
	static const struct {
		const char *text;
		enum multikey_type type;
		size_t len;
		uint8_t first;
	} cases[] = {
		{"z6MkmM42vxfqZQsv4ehtTjFFxQ4sQKS2w6WR7emozFAn5cxu", MULTIKEY_ED25519, 32, 0},
		{"z6MkiTBz1ymuepAQ4HEHYSF1H8quG5GLVVQR3djdX3mDooWp", MULTIKEY_ED25519, 32, 0x3b},
		{"zQ3shokFTS3brHcDQrn82RUDfCZESWL1ZdCEJwekUDPQiYBme", MULTIKEY_SECP256K1, 33, 0},
		{"zDnaerx9CtbPJ1q36T5Ln5wYt3MQYeGRG5ehnPAmxcf5mDZpv", MULTIKEY_P256, 33, 0},
	};
	char again[MULTIKEY_TEXT_SIZE];
	struct multikey key;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		if (multikey_decode(&key, cases[i].text, strlen(cases[i].text)) != 0)
			fail_msg("%s is refused", cases[i].text);
		assert_int_equal(key.type, cases[i].type);
		assert_int_equal(key.len, cases[i].len);
		assert_true(cases[i].first == 0 || key.bytes[0] == cases[i].first);
		assert_int_equal(multikey_encode(again, &key), strlen(cases[i].text));
		assert_string_equal(again, cases[i].text);
	}
}

static void texts_refused(void **state)
{
	static const struct {
		const char *text;
		int rc;
	} cases[] = {
		{"", -EBADMSG},
		{"z", -EBADMSG},
		{"z0", -EBADMSG},						   /* no base58 */
		{"6MkmM42vxfqZQsv4ehtTjFFxQ4sQKS2w6WR7emozFAn5cxu", -EOPNOTSUPP}, /* no multibase prefix */
		{"u7QEuxxx", -EOPNOTSUPP},					   /* base64url */
		{"Z6MkmM42vxfqZQsv4ehtTjFFxQ4sQKS2w6WR7emozFAn5cxu", -EOPNOTSUPP},
		{"z6MkmM42vxfqZQsv4ehtTjFFxQ4sQKS2w6WR7emozFAn5cx", -EOPNOTSUPP},   /* a digit less is another number altogether */
		{"z6MkmM42vxfqZQsv4ehtTjFFxQ4sQKS2w6WR7emozFAn5cxu ", -EBADMSG},
		{"z6LSbysY2xFMRpGMhb7tFTLMpeuPRaqaWM1yECx2AtzE3KCc", -EOPNOTSUPP}, /* X25519 */
		{"z3u2en7t5LR2WtQH5PfFqMqwVHBeXouLzo6haApm8XHqvjxq", -EOPNOTSUPP}, /* an Ed25519 secret */
	};
	struct multikey key;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		if (multikey_decode(&key, cases[i].text, strlen(cases[i].text)) != cases[i].rc)
			fail_msg("%s", cases[i].text);
}

/* Prefix and length made to disagree, and points that are not compressed ones. */
static void bytes_refused(void **state)
{
	static const struct {
		uint8_t bytes[36];
		size_t len;
		int rc;
	} cases[] = {
		{{0xed, 0x01}, 34, 0},
		{{0xed, 0x01}, 33, -EBADMSG},
		{{0xed, 0x01}, 35, -EBADMSG},
		{{0xed, 0x01}, 2, -EOPNOTSUPP},
		{{0xed, 0x02}, 34, -EOPNOTSUPP},
		{{0xed}, 1, -EOPNOTSUPP},
		{{0xe7, 0x01, 2}, 35, 0},
		{{0xe7, 0x01, 3}, 35, 0},
		{{0xe7, 0x01, 4}, 35, -EBADMSG},
		{{0xe7, 0x01, 0}, 35, -EBADMSG},
		{{0xe7, 0x01, 2}, 34, -EBADMSG},
		{{0x80, 0x24, 2}, 35, 0},
		{{0x80, 0x24, 5}, 35, -EBADMSG},
		{{0x80, 0x24, 2}, 36, -EBADMSG},
		{{0, 0xed, 0x01}, 35, -EOPNOTSUPP},
	};
	char text[60] = "z";
	struct multikey key;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int length = base58btc_encode(text + 1, sizeof(text) - 1, cases[i].bytes, cases[i].len);

		assert_true(length > 0);
		if (multikey_decode(&key, text, (size_t)length + 1) != cases[i].rc)
			fail_msg("case %zu: %s", i, text);
	}
	key = (struct multikey){.type = MULTIKEY_P256, .len = 32, .bytes = {2}};
	assert_int_equal(multikey_encode(text, &key), -EINVAL);
	key = (struct multikey){.type = MULTIKEY_P256, .len = 33, .bytes = {6}};
	assert_int_equal(multikey_encode(text, &key), -EINVAL);
	key = (struct multikey){.type = (enum multikey_type)3, .len = 33, .bytes = {2}};
	assert_int_equal(multikey_encode(text, &key), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ed25519_as_in_did_key),
		cmocka_unit_test(texts_are_keys_and_the_reverse),
		cmocka_unit_test(texts_refused),
		cmocka_unit_test(bytes_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
