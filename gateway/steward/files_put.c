/* What was found goes into the store, with the time of the next look. */
#include "gateway/steward/files_internal.h"

#include "gateway/links/claims.h"
#include "gateway/runtime/clock.h"
#include "gateway/runtime/metrics.h"

#include <errno.h>
#include <string.h>

enum { FIXED_S = 7 * 86400 };

static bool same_bytes(struct pg_bytes a, struct pg_bytes b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

static bool is_ok(struct pg_bytes status)
{
	return status.len == 2 && memcmp(status.data, "ok", 2) == 0;
}

/* What a URI says by itself can change only with the URI. */
static bool is_settled(const struct files_look *look)
{
	static const char *const words[] = {"none", "bad-uri", "unsupported", "uri-too-large", "ipfs-missing", "ipfs-directory"};

	if (look->has_hash)
		return look->content.fixed;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strcmp(look->status, words[i]) == 0)
			return true;
	return false;
}

/* A failing file is left alone for as long as it has been failing: each wait is twice the one before. */
static uint64_t failing_s(const struct files_look *look, const struct store_files *before, uint64_t now)
{
	uint64_t since = now, wait;

	for (size_t i = 0; i < before->n; i++) {
		if (is_ok(before->rows[i].status) || !same_bytes(before->rows[i].uri, look->due->uri))
			break;
		since = before->rows[i].at;
	}
	wait = now > since ? (now - since) / 1000 : 0;
	wait = wait > FILES_RETRY_S ? wait : FILES_RETRY_S;
	return wait < FILES_RETRY_MAX_S ? wait : FILES_RETRY_MAX_S;
}

static uint64_t domain_wait_s(const struct files_domain *domain)
{
	if (domain->state == NULL) /* its host was busy */
		return FILES_RETRY_S;
	return strcmp(domain->state, "failed") == 0 ? FILES_DOMAIN_RETRY_S : FILES_DOMAIN_REFRESH_S;
}

static uint64_t due_at(const struct files_look *look, const struct store_files *before, uint64_t now)
{
	uint64_t wait = look->duty->ctx->config->file_refresh_s;

	if (is_settled(look))
		wait = FIXED_S;
	else if (!look->has_hash)
		wait = failing_s(look, before, now);
	for (size_t i = 0; i < look->ndomains; i++) {
		uint64_t most = domain_wait_s(&look->domains[i]);

		wait = wait < most ? wait : most;
	}
	/* up to a tenth later, by the id, so that agents of one age do not stay together for ever */
	return now + wait * 1000 + wait * 100 * look->due->agent_id[31] / 256;
}

/* At most max bytes, whole characters. */
static struct pg_bytes cut_text(const char *text, size_t max)
{
	size_t len = text != NULL ? strlen(text) : 0;

	if (len > max)
		for (len = max; len > 0 && ((unsigned char)text[len] & 0xc0) == 0x80; len--)
			;
	return text != NULL ? pg_bytes(text, len) : (struct pg_bytes){0};
}

static size_t service_names(struct pg_bytes *out, const struct registration_file *file)
{
	size_t n = 0;

	for (size_t i = 0; i < file->nservices; i++)
		if (strlen(file->services[i].name) <= FILES_SERVICE_MAX)
			out[n++] = pg_text(file->services[i].name);
	return n;
}

static size_t claims_of(struct store_link_claim out[static LINK_CLAIMS_MAX], struct link_claim claims[static LINK_CLAIMS_MAX],
			const struct files_look *look)
{
	size_t n = look->parsed ? link_claims_of_file(claims, &look->file, &look->key, &look->duty->agents) : 0;

	for (size_t i = 0; i < n; i++)
		out[i] = (struct store_link_claim){.kind = claims[i].kind, .object = pg_text(claims[i].object)};
	return n;
}

static int put_file(struct files_look *look, const struct store_files *before)
{
	const struct store_fence fence = steward_fence(look->duty->ctx);
	struct pg_bytes services[REGISTRATION_FILE_SERVICES];
	struct link_claim claimed[LINK_CLAIMS_MAX];
	struct store_link_claim claims[LINK_CLAIMS_MAX];
	char subject[AGENT_KEY_TEXT_SIZE];
	uint64_t now = clock_wall_ms();
	struct store_file file = {
		.registry = look->due->registry,
		.at = now,
		.uri = look->due->uri,
		.status = pg_text(look->status),
		.detail = pg_text(look->detail),
		.has_content = look->has_hash,
		.back = look->back,
	};
	struct store_file_now after = {
		.due = due_at(look, before, now),
		/* the network's failures say nothing of the file, as long as the URI is the one it was found at */
		.keep = !look->has_hash && !is_settled(look) && before->n > 0 && same_bytes(before->rows[0].uri, look->due->uri),
		.services = services,
		.claims = claims,
		.nclaims = claims_of(claims, claimed, look),
	};
	struct pg_op op = {0};

	agent_key_format(subject, &look->key);
	after.subject = pg_text(subject);
	memcpy(file.agent_id, look->due->agent_id, sizeof(file.agent_id));
	memcpy(file.content, look->hash, sizeof(file.content));
	if (look->parsed) {
		file.body = pg_bytes(look->content.body, look->content.len);
		file.name = after.name = cut_text(look->file.name, STORE_FILE_NAME_MAX);
		after.nservices = service_names(services, &look->file);
	}
	return pg_wait(look->duty->ctx->base, &op, store_file_put(look->duty->ctx->pg, &op, &fence, &file, &after));
}

static int put_domains(struct files_look *look)
{
	const struct store_fence fence = steward_fence(look->duty->ctx);
	struct store_domain rows[FILES_DOMAINS];
	struct pg_op op = {0};
	size_t n = 0;

	for (size_t i = 0; i < look->ndomains; i++)
		if (look->domains[i].state != NULL)
			rows[n++] = (struct store_domain){.domain = pg_text(look->domains[i].name),
							  .state = pg_text(look->domains[i].state), .at = look->domains[i].at};
	return pg_wait(look->duty->ctx->base, &op,
		       store_domains_put(look->duty->ctx->pg, &op, &fence, look->due->registry, look->due->agent_id, rows, n));
}

int files_look_put(struct files_look *look)
{
	struct files_duty *duty = look->duty;
	struct store_files before = {0};
	struct pg_op op = {0};
	int rc;

	/* stopping is no finding */
	if (strcmp(look->status, "canceled") == 0)
		return 0;
	rc = pg_wait(duty->ctx->base, &op,
		     store_file_list(duty->reader, &op, &before, look->due->registry, look->due->agent_id, STORE_FILE_NEWEST, FILES_RUN));
	if (rc == 0)
		rc = put_file(look, &before);
	/* what could not be read says nothing of domains: they stay as they were */
	if (rc == 0 && look->parsed)
		rc = put_domains(look);
	store_files_clear(&before);
	metrics_add(look->parsed ? METRIC_FILE_LOOKS_OK : METRIC_FILE_LOOKS_FAILED, 1);
	/* gone from the index while it was looked at */
	return rc == -ENOENT ? 0 : rc;
}
