/* Any bytes are a file or are refused; what is read stays within its limits and can be shown. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "did/registration_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool ok)
{
	if (!ok)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char domains[4][DID_WEB_HOST_SIZE];
	struct registration_error err;
	struct registration_file file;
	json_t *services = NULL, *summary;

	if (registration_file_parse(&file, &err, data, size) != 0) {
		check(err.refusal != REGISTRATION_OK && file.root == NULL);
		return 0;
	}
	check(file.nservices <= REGISTRATION_FILE_SERVICES && file.nregistrations <= REGISTRATION_FILE_ENTRIES);
	check(file.drift < UINT32_C(1) << DRIFT_COUNT);
	for (size_t i = 0; i < file.nregistrations; i++) {
		struct agent_key key = {.chain = file.registrations[i].chain, .registry = file.registrations[i].registry,
					.id = file.registrations[i].agent_id};

		check(registration_file_names(&file, &key));
	}
	summary = registration_file_summary(&file);
	check(summary != NULL && registration_file_did_services(&services, &file, "did:web:example.com") == 0);
	check(json_array_size(services) <= file.nservices);
	check(registration_file_domains(domains, 4, &file) <= 4);
	json_decref(services);
	json_decref(summary);
	registration_file_clear(&file);
	return 0;
}
