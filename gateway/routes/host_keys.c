/* The host's own document: which assertion keys it lists is read from the file that `kedge keygen assertion` writes, at start and
 * whenever it is another one; a worker never sees a private half. */
#include "did/host_document.h"
#include "gateway/routes/documents.h"
#include "gateway/routes/view.h"
#include "gateway/runtime/clock.h"
#include "gateway/runtime/log.h"

#include <errno.h>
#include <string.h>

static int64_t now(void)
{
	return (int64_t)(clock_wall_ms() / 1000);
}

static size_t listed(const struct assertion_keys *keys)
{
	size_t n = 0;

	for (size_t i = 0; i < keys->count; i++)
		n += assertion_is_listed(&keys->items[i], now());
	return n;
}

void service_keys_look(struct service *service)
{
	struct service_keys *keys = &service->keys;
	size_t count;
	int rc;

	if (!keys->read || assertion_changed(&keys->stamp, service->config->state)) {
		rc = assertion_load(&keys->assertion, &keys->stamp, service->config->state);
		if (rc != 0 && rc != -ENOENT)
			log_error(log_msg("keys/assertion.pub cannot be read; the keys before it stay listed"), log_rc(rc));
		keys->read = true;
		documents_forget_all(service->documents);
	}
	/* a former key's time may be over */
	count = listed(&keys->assertion);
	if (count != keys->listed)
		documents_forget_all(service->documents);
	keys->listed = count;
}

int view_host_document(json_t **document, const struct service *service)
{
	const struct assertion_keys *keys = &service->keys.assertion;
	struct host_document host = {.host = service->config->host, .base_url = service->config->public_url, .log_vkey = service->vkey,
				     .anchor_chain = service->config->chain_id, .has_anchor = service->has_anchor,
				     .anchor_contract = service->anchor_contract};

	memcpy(host.log_key, service->log_key.public_key, 32);
	for (size_t i = 0; i < keys->count && host.nassertion < HOST_DOCUMENT_KEYS_MAX; i++)
		if (assertion_is_listed(&keys->items[i], now()))
			memcpy(host.assertion_keys[host.nassertion++], keys->items[i].key, 32);
	return host_document_build(document, &host);
}
