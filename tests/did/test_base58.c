/* base58btc (draft-msporny-base58 test vectors), Base58Check, and the addresses of BIP 173 and BIP 350. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "did/base58.h"
#include "did/bech32.h"

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
	uint8_t back[80];
	char out[80];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(base58btc_encode(out, sizeof(out), (const uint8_t *)cases[i].bytes, cases[i].len),
				 strlen(cases[i].text));
		assert_string_equal(out, cases[i].text);
		assert_int_equal(base58btc_decode(back, sizeof(back), cases[i].text, strlen(cases[i].text)), cases[i].len);
		assert_memory_equal(back, cases[i].bytes, cases[i].len);
	}
}

static void limits_are_kept(void **state)
{
	uint8_t bytes[129], back[129];
	char out[256];

	(void)state;
	memset(bytes, 0xff, sizeof(bytes));
	assert_int_equal(base58btc_encode(out, sizeof(out), bytes, 129), -EOVERFLOW);
	assert_int_equal(base58btc_encode(out, sizeof(out), bytes, 128), 175);
	assert_int_equal(base58btc_encode(out, 176, bytes, 128), 175);
	assert_int_equal(base58btc_encode(out, 175, bytes, 128), -ENOSPC);
	assert_int_equal(base58btc_encode(out, 0, bytes, 0), -ENOSPC);
	assert_int_equal(base58btc_encode(out, sizeof(out), bytes, 128), BASE58BTC_TEXT_MAX);
	assert_int_equal(base58btc_decode(back, 128, out, BASE58BTC_TEXT_MAX), 128);
	assert_memory_equal(back, bytes, 128);
	assert_int_equal(base58btc_decode(back, 127, out, BASE58BTC_TEXT_MAX), -ENOSPC);
	memset(out, 'z', sizeof(out));
	assert_int_equal(base58btc_decode(back, sizeof(back), out, BASE58BTC_TEXT_MAX), -EOVERFLOW); /* 129 bytes */
	assert_int_equal(base58btc_decode(back, sizeof(back), out, BASE58BTC_TEXT_MAX + 1), -EOVERFLOW);
	memset(out, '1', sizeof(out));
	assert_int_equal(base58btc_decode(back, sizeof(back), out, 128), 128);
	assert_int_equal(base58btc_decode(back, sizeof(back), out, 129), -EOVERFLOW);
}

static void characters_outside_the_alphabet(void **state)
{
	static const char *const texts[] = {"0", "O", "I", "l", " ", "2NEpo7TZRRrLZSi2U ", "+", "\xc3\xa9", "-"};
	uint8_t out[BASE58BTC_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		assert_int_equal(base58btc_decode(out, sizeof(out), texts[i], strlen(texts[i])), -EBADMSG);
	assert_int_equal(base58btc_decode(out, sizeof(out), "2N\0po", 5), -EBADMSG);
}

/* Every length both ways, and no other text for the same bytes. */
static void every_length_comes_back(void **state)
{
	uint8_t bytes[BASE58BTC_MAX], back[BASE58BTC_MAX];
	char text[BASE58BTC_TEXT_MAX + 1];

	(void)state;
	srand(58);
	for (size_t len = 0; len <= BASE58BTC_MAX; len++) {
		int n;

		for (size_t i = 0; i < len; i++)
			bytes[i] = i < len % 5 ? 0 : (uint8_t)rand();
		n = base58btc_encode(text, sizeof(text), bytes, len);
		assert_true(n >= 0 && n <= BASE58BTC_TEXT_MAX);
		assert_int_equal(base58btc_decode(back, sizeof(back), text, (size_t)n), len);
		assert_memory_equal(back, bytes, len);
	}
}

static void checksums(void **state)
{
	/* the address of the key 1, and one of BIP 13 */
	static const char *const texts[] = {"1BgGZ9tcN4rm9KBzDn7KprQz87SZ26SAMH", "3P14159f73E4gFr7JterCCQh9QjiTjiZrG"};
	char wrong[64];
	uint8_t out[BASE58BTC_MAX];

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		size_t len = strlen(texts[i]);

		assert_int_equal(base58btc_decode_checked(out, sizeof(out), texts[i], len), 21);
		assert_int_equal(base58btc_decode_checked(out, 20, texts[i], len), -ENOSPC);
		for (size_t at = 0; at < len; at++) {
			memcpy(wrong, texts[i], len + 1);
			wrong[at] = wrong[at] == '2' ? '3' : '2';
			assert_int_equal(base58btc_decode_checked(out, sizeof(out), wrong, len), -EBADMSG);
		}
	}
	assert_int_equal(base58btc_decode_checked(out, sizeof(out), "", 0), -EBADMSG);
	assert_int_equal(base58btc_decode_checked(out, sizeof(out), "111", 3), -EBADMSG);
	/* nothing, and its checksum */
	assert_int_equal(base58btc_decode_checked(out, sizeof(out), "3QJmnh", 6), 0);
}

/* The valid addresses of BIP 350 in lower case, and some of its invalid ones. */
static void segwit_addresses(void **state)
{
	static const struct {
		const char *text;
		int version;
	} cases[] = {
		{"bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4", 0},
		{"tb1qrp33g0q5c5txsp9arysrx4k6zdkfs4nce4xj0gdcccefvpysxf3q0sl5k7", 0},
		{"bc1pw508d6qejxtdg4y5r3zarvary0c5xw7kw508d6qejxtdg4y5r3zarvary0c5xw7kt5nd6y", 1},
		{"bc1sw50qgdz25j", 16},
		{"bc1zw508d6qejxtdg4y5r3zarvaryvaxxpcs", 2},
		{"tb1qqqqqp399et2xygdj5xreqhjjvcmzhxw4aywxecjdzew6hylgvsesrxh6hy", 0},
		{"tb1pqqqqp399et2xygdj5xreqhjjvcmzhxw4aywxecjdzew6hylgvsesf3hn0c", 1},
		{"bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqzk5jj0", 1},
		{"BC1QW508D6QEJXTDG4Y5R3ZARVARY0C5XW7KV8F3T4", -EBADMSG}, /* upper case: valid there, another spelling here */
		{"bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqh2y7hd", -EBADMSG}, /* Bech32 instead of Bech32m */
		{"bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kemeawh", -EBADMSG},		       /* Bech32m instead of Bech32 */
		{"bc1p38j9r5y49hruaue7wxjce0updqjuyyx0kh56v8s25huc6995vvpql3jow4", -EBADMSG}, /* a character outside */
		{"bc1pw5dgrnzv", -EBADMSG},						       /* one byte */
		{"bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7v8n0nx0muaewav253zgeav", -EBADMSG}, /* 41 bytes */
		{"bc1qr508d6qejxtdg4y5r3zarvaryv98gj9p", -EBADMSG},			       /* version 0 of 16 bytes */
		{"tb1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vq47Zagq", -EBADMSG}, /* mixed case */
		{"bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7v07qwwzcrf", -EBADMSG}, /* more than 4 bits of padding */
		{"tb1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vpggkg4j", -EBADMSG},   /* padding not zero */
		{"bc1gmk9yu", -EBADMSG},						       /* nothing */
		{"", -EBADMSG},
		{"1", -EBADMSG},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		if (bech32_address_check(cases[i].text, strlen(cases[i].text)) != cases[i].version)
			fail_msg("%s", cases[i].text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(base58_of_the_draft),
		cmocka_unit_test(limits_are_kept),
		cmocka_unit_test(characters_outside_the_alphabet),
		cmocka_unit_test(every_length_comes_back),
		cmocka_unit_test(checksums),
		cmocka_unit_test(segwit_addresses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
