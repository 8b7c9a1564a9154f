/* Multikey, base58btc and segregated witness addresses: a text that is read is the one that is written, and nothing else is. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "did/base58.h"
#include "did/bech32.h"
#include "did/multikey.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(int ok)
{
	if (!ok)
		abort();
}

static void check_base58(const char *text, size_t len)
{
	uint8_t bytes[BASE58BTC_MAX], body[BASE58BTC_MAX];
	char again[BASE58BTC_TEXT_MAX + 1];
	int count = base58btc_decode(bytes, sizeof(bytes), text, len);
	int checked = base58btc_decode_checked(body, sizeof(body), text, len);

	check(count >= 0 || checked < 0);
	check(checked < 0 || (checked == count - 4 && memcmp(body, bytes, (size_t)checked) == 0));
	if (count < 0)
		return;
	check((size_t)base58btc_encode(again, sizeof(again), bytes, (size_t)count) == len && memcmp(again, text, len) == 0);
}

static void check_bytes(const uint8_t *data, size_t size)
{
	uint8_t back[BASE58BTC_MAX];
	char text[BASE58BTC_TEXT_MAX + 1];
	int length = base58btc_encode(text, sizeof(text), data, size);

	check((length < 0) == (size > BASE58BTC_MAX));
	if (length < 0)
		return;
	check((size_t)base58btc_decode(back, sizeof(back), text, (size_t)length) == size && memcmp(back, data, size) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data;
	char again[MULTIKEY_TEXT_SIZE];
	struct multikey key;

	check_base58(text, size);
	check_bytes(data, size);
	check(bech32_address_check(text, size) <= 16);
	if (multikey_decode(&key, text, size) != 0)
		return 0;
	check((size_t)multikey_encode(again, &key) == size && memcmp(again, text, size) == 0);
	check(key.len == (key.type == MULTIKEY_ED25519 ? 32u : 33u));
	return 0;
}
