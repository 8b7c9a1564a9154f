/* A file that claims and a document that confirms: the same bytes as either. What is claimed keeps its bounds, is read from its own spelling again as
 * the same, and no claim is its subject. */
#include "did/did_web.h"
#include "did/foreign_document.h"
#include "gateway/links/claims.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool ok)
{
	if (!ok)
		abort();
}

static void check_claim(const struct link_claim *claim, const struct agent_key *subject, const struct agent_defaults *defaults)
{
	struct agent_key key;
	struct did_web web;
	size_t len = strnlen(claim->object, sizeof(claim->object));

	check(len > 0 && len < sizeof(claim->object));
	if (claim->kind == LINK_AGENT)
		check(agent_key_parse(&key, claim->object, len) == 0 && agent_key_compare(&key, subject) != 0);
	else
		check(strncmp(claim->object, "did:", 4) == 0 && agent_did_parse(&key, claim->object, len, defaults) != 0);
	if (claim->kind == LINK_FOREIGN)
		check(did_web_parse(&web, claim->object, len) == 0);
}

static void check_file(const uint8_t *data, size_t size, const struct agent_key *subject, const struct agent_defaults *defaults)
{
	struct link_claim claims[LINK_CLAIMS_MAX];
	struct registration_file file;
	size_t n;

	if (registration_file_parse(&file, NULL, data, size) != 0)
		return;
	n = link_claims_of_file(claims, &file, subject, defaults);
	check(n <= LINK_CLAIMS_MAX);
	for (size_t i = 0; i < n; i++) {
		check_claim(&claims[i], subject, defaults);
		for (size_t k = 0; k < i; k++)
			check(strcmp(claims[i].object, claims[k].object) != 0);
	}
	registration_file_clear(&file);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct agent_defaults defaults = {.host = "gate.example:8443", .chain = 31337};
	const struct link_subject agent = {.agent = {.chain = 31337, .id = u256_from_u64(42)}};
	const struct link_subject participant = {.did = "did:web:gate.example%3A8443:character:ann"};
	json_t *document = json_loadb((const char *)data, size, 0, NULL);
	bool agreed = link_confirms(document, &agent, &defaults);

	(void)link_confirms(document, &participant, &defaults);
	/* who confirms one agent by one name confirms no other by it */
	if (agreed && json_array_size(json_object_get(document, "alsoKnownAs")) == 1) {
		const struct link_subject other = {.agent = {.chain = 31337, .id = u256_from_u64(43)}};

		check(!link_confirms(document, &other, &defaults) && !link_confirms(document, &participant, &defaults));
	}
	json_decref(document);
	check_file(data, size, &agent.agent, &defaults);
	return 0;
}
