/* DID URLs, did:web and did:pkh: slices lie inside the text in their order, and what is refused stays refused when
 * formatted. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "did/did_pkh.h"
#include "did/did_web.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool ok)
{
	if (!ok)
		abort();
}

static void check_parts(const struct did_url *url, const char *text, size_t len)
{
	size_t sum = url->did.len + url->path.len + (url->has_query ? url->query.len + 1 : 0) +
		     (url->has_fragment ? url->fragment.len + 1 : 0);

	check(sum == len && url->did.ptr == text);
	check(url->did.len == 5 + url->method.len + url->id.len);
}

static void check_web(const char *text, size_t len)
{
	char url[DID_WEB_URL_SIZE];
	struct did_web web;

	if (did_web_parse(&web, text, len) != 0)
		return;
	check(did_web_url(url, sizeof(url), &web) == 0);
	check(strncmp(url, "https://", 8) == 0 && !strpbrk(url + 8, "@\\?#[] ") && strchr(web.host, '.'));
	check(!strstr(url + 8, "/../") && !strstr(url + 8, "/./") && !strstr(url + 8, "//"));
}

static void check_pkh(const char *text, size_t len)
{
	struct eip155_account account, again;
	char minted[DID_PKH_TEXT_SIZE], words[DID_PKH_WORDS_SIZE];
	json_t *document;

	if (did_pkh_document(&document, text, len) == 0) {
		const char *id = json_string_value(json_object_get(document, "id"));

		check(id && strlen(id) == len && memcmp(id, text, len) == 0);
		check(json_dumpb(document, NULL, 0, JSON_COMPACT) < 8000);
	}
	json_decref(document);
	did_pkh_words(words, text, len);
	check(strlen(words) > 0 && strlen(words) < sizeof(words) - 1);
	if (did_pkh_parse(&account, text, len) != 0)
		return;
	check(did_pkh_parse(&again, minted, did_pkh_format(minted, &account)) == 0);
	check(again.chain == account.chain && address_equal(&again.address, &account.address));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data;
	struct did_params params;
	struct did_url url;
	char decoded[256];
	size_t len;

	if (did_url_parse(&url, text, size) == 0) {
		check_parts(&url, text, size);
		if (url.has_query && did_query_parse(&params, url.query) == 0)
			for (size_t i = 0; i < params.count; i++)
				check(params.items[i].name.len > 0);
	}
	if (did_percent_decode(decoded, &len, sizeof(decoded), (struct did_slice){text, size}) == 0)
		check(len <= size && !memchr(decoded, '\0', len < size ? len : 0));
	check_web(text, size);
	check_pkh(text, size);
	return 0;
}
