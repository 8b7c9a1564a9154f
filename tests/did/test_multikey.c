/* base58btc (draft-msporny-base58 test vectors) and the Multikey text of an Ed25519 key. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "did/multikey.h"

static void base58_of_the_draft(void **state)
{
	static const struct {
		const char *bytes;
		size_t len;
		const char *text;
	} cases[] = {
		{"Hello World!", 12, "2NEpo7TZRRrLZSi2U"},
		{"The quick brown fox jumps over the lazy dog.", 44,
		 "USm3fpXnKG5EUBx2ndxBDMPVciP5hGey2Jh4NDv6gmeo1LkMeiKrLJUUBk6Z"},
		{"\x00\x00\x28\x7f\xb4\xcd", 6, "11233QC4"},
		{"", 0, ""},
		{"\x00", 1, "1"},
		{"\x00\x00\x00", 3, "111"},
		{"\x39", 1, "z"},
		{"\x3a", 1, "21"},
	};
	char out[80];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(base58btc_encode(out, sizeof(out), (const uint8_t *)cases[i].bytes, cases[i].len),
				 strlen(cases[i].text));
		assert_string_equal(out, cases[i].text);
	}
}

static void limits_are_kept(void **state)
{
	uint8_t bytes[129];
	char out[256];

	(void)state;
	memset(bytes, 0xff, sizeof(bytes));
	assert_int_equal(base58btc_encode(out, sizeof(out), bytes, 129), -EOVERFLOW);
	assert_int_equal(base58btc_encode(out, sizeof(out), bytes, 128), 175);
	assert_int_equal(base58btc_encode(out, 176, bytes, 128), 175);
	assert_int_equal(base58btc_encode(out, 175, bytes, 128), -ENOSPC);
	assert_int_equal(base58btc_encode(out, 0, bytes, 0), -ENOSPC);
}

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(base58_of_the_draft),
		cmocka_unit_test(limits_are_kept),
		cmocka_unit_test(ed25519_as_in_did_key),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
