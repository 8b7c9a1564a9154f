/* Files that this gateway itself keeps are read where they lie: its public name may not lead here from within. */
#include "gateway/steward/files_internal.h"

#include "gateway/config.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The file's name, if the URI is PUBLIC_URL/files/CHAIN/REGISTRY/ID/NAME of this very agent. */
static bool own_name(struct pg_bytes *name, const struct files_look *look)
{
	char prefix[CONFIG_TEXT_MAX + 256], address[ADDRESS_TEXT_SIZE], id[U256_DECIMAL_SIZE];
	size_t len;

	address_format_lower(address, &look->key.registry);
	u256_format_decimal(id, &look->key.id);
	len = (size_t)snprintf(prefix, sizeof(prefix), "%s/files/%" PRIu64 "/%s/%s/", look->duty->ctx->config->public_url, look->key.chain,
			       address, id);
	if (look->due->uri.len <= len || memcmp(look->due->uri.data, prefix, len) != 0)
		return false;
	*name = pg_bytes(look->due->uri.data + len, look->due->uri.len - len);
	return true;
}

static void keep(struct fetch_content *content, const struct store_hosted *row)
{
	content->body = malloc(row->body.len > 0 ? row->body.len : 1);
	if (content->body == NULL)
		return;
	if (row->body.len > 0)
		memcpy(content->body, row->body.data, row->body.len);
	content->len = row->body.len;
	content->status = "ok";
	content->detail[0] = '\0';
}

const char *files_own_domain(const struct files_look *look, const char *domain)
{
	const struct config *config = look->duty->ctx->config;
	size_t len = strcspn(config->host, ":");
	struct config_error err;
	struct chains chains;

	if (len != strlen(domain) || memcmp(domain, config->host, len) != 0)
		return NULL;
	return chains_load(&chains, &err, config) == 0 && chains_owns(&chains, look->key.chain, &look->key.registry, &look->key.id) ? "proved" :
																      "other";
}

bool files_look_own(struct files_look *look)
{
	struct files_duty *duty = look->duty;
	struct store_hosted_list list = {0};
	struct pg_op op = {0};
	struct pg_bytes name;
	int rc;

	if (!own_name(&name, look))
		return false;
	look->content = (struct fetch_content){.status = "http", .detail = "No such file is hosted here.", .form = "own"};
	rc = pg_wait(duty->ctx->base, &op,
		     store_hosted_get(duty->reader, &op, &list, look->due->registry, look->due->agent_id, name));
	if (rc == 0)
		keep(&look->content, &list.rows[0]);
	store_hosted_clear(&list);
	look->state = rc == 0 || rc == -ENOENT ? FILES_FETCHED : FILES_WAITING;
	return true;
}
