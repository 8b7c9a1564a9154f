/* Data Integrity proofs: reading any document ends in a verdict, what is signed here holds, and does not with another key; and no
 * document that is looked at is changed. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "did/data_integrity.h"
#include "did/jcs.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(int ok)
{
	if (!ok)
		abort();
}

/* The Ed25519 key of 32 zero bytes as seed. */
static const uint8_t seed[32];
static const uint8_t key[32] = {0x3b, 0x6a, 0x27, 0xbc, 0xce, 0xb6, 0xa4, 0x2d, 0x62, 0xa3, 0xa8, 0xd0, 0x2a, 0x6f, 0x0d, 0x73,
				0x65, 0x32, 0x15, 0x77, 0x1d, 0xe2, 0x43, 0xa6, 0x3a, 0xc0, 0x48, 0xa1, 0x8b, 0x59, 0xda, 0x29};

static void look(json_t *document)
{
	struct data_integrity_wish wish = {.purpose = "assertionMethod", .domain = "a", .challenge = "b", .now = 1795194000};
	struct data_integrity_proof said;
	uint8_t found[32];

	for (size_t i = 0; i < data_integrity_count(document); i++) {
		if (data_integrity_read(&said, document, i) != DATA_INTEGRITY_OK)
			continue;
		(void)!data_integrity_key(found, document, said.verification_method, said.purpose, said.created);
		check(data_integrity_verify(document, i, &wish, key) <= DATA_INTEGRITY_SIGNATURE);
		wish.domain = wish.challenge = wish.purpose = NULL;
		check(data_integrity_verify(document, i, &wish, key) <= DATA_INTEGRITY_SIGNATURE);
	}
	check(data_integrity_verify(document, data_integrity_count(document), &wish, key) == DATA_INTEGRITY_UNSIGNED);
}

static void sign(json_t *document)
{
	struct data_integrity_options options = {.verification_method = "did:example:1#k", .purpose = "assertionMethod", .created = 1000,
						 .expires = 2000};
	struct data_integrity_wish wish = {.now = 1000};
	json_t *made;
	int rc = data_integrity_sign(&made, document, &options, seed);

	if (rc != 0) {
		check(made == NULL);
		return;
	}
	check(data_integrity_verify(made, 0, &wish, key) == DATA_INTEGRITY_OK);
	check(data_integrity_verify(made, 0, &wish, seed) == DATA_INTEGRITY_SIGNATURE);
	wish.now = 2000;
	check(data_integrity_verify(made, 0, &wish, key) == DATA_INTEGRITY_EXPIRED);
	json_decref(made);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct jcs_error err;
	json_t *document, *before;

	if (jcs_parse(&document, &err, (const char *)data, size, NULL) != 0)
		return 0;
	before = json_deep_copy(document);
	look(document);
	sign(document);
	check(json_equal(document, before));
	json_decref(before);
	json_decref(document);
	return 0;
}
