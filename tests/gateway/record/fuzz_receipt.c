/* Any bytes as a receipt and as a policy: a report, never a crash; and only signed bytes confirm. */
#include "gateway/record/receipt_verify.h"
#include <stdlib.h>
#include <string.h>

/* The key of the fixture that made the corpus (tests/gateway/record/fixture.c). */
#define VKEY "localhost:8004/log+32a42791+AaL6L0o1W6LpB6UwCenjfK3fesfmagi6B2MfVTBys/JM"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct receipt_policy policy = {
		.vkey = VKEY, .has_anchor = true, .chain_id = 31337, .contract = {0xa1, 0xa2, 0xa3}};
	struct receipt_chain chain = {
		.has_chain_id = true, .chain_id = 31337, .has_root = true, .has_safe = true, .safe = 100};
	struct receipt_policy parsed;
	struct receipt_question question;
	struct receipt_report report;
	char why[128];

	(void)!receipt_policy_parse(&parsed, why, sizeof(why), data, size);
	(void)!receipt_question(&question, data, size, &policy);
	receipt_verify(&report, data, size, &policy, &chain);
	if (report.count == 0 || report.count > RECEIPT_CHECKS_MAX || (report.failed && report.confirmed))
		abort();
	return 0;
}
