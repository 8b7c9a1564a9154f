/* POST /v1/agents/prepare/{verb}: a wish in JSON becomes what to sign and what to send (docs/api.md). */
#include "gateway/routes/wish.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

enum { BODY_CAP = 256 * 1024 };

static void answer_error(struct wish *wish, int err)
{
	if (err == -EOVERFLOW)
		(void)wish_refuse(wish, "too-large", "", "Put less into it: texts together have at most 64 KiB.",
				  "This is too large for one transaction.");
	else if (err == -ENOMEM || err == -EINVAL)
		http_fail(wish->req, err == -EINVAL ? -EPROTO : err, NULL);
	else
		http_problem(wish->req,
			     &(struct http_problem){.type = err == -EAGAIN ? "busy" : "upstream",
						    .detail = "The chain cannot be read now.",
						    .next = "Send the same request again after Retry-After seconds."});
}

static void on_prepared(void *arg, int err, const struct prepare_refusal *refusal, struct prepare_plan *plan)
{
	struct wish *wish = arg;
	char *text = NULL;

	if (err != 0) {
		answer_error(wish, err);
		return;
	}
	if (refusal != NULL) {
		http_problem(wish->req, &(struct http_problem){.error = refusal->error,
							       .detail = refusal->detail,
							       .pointer = refusal->pointer,
							       .rule = refusal->rule,
							       .next = refusal->next});
		return;
	}
	json_auto_t *answer = prepare_json(&wish->ask, plan);

	if (answer != NULL)
		text = json_dumps(answer, JSON_COMPACT);
	if (text != NULL)
		http_reply_take(wish->req, 200, "application/json", text, strlen(text), free);
	else
		http_fail(wish->req, -ENOMEM, NULL);
}

static void post_prepare(struct http_request *req)
{
	struct wish *wish = http_state(req, sizeof(*wish));
	const struct service_registry *registry;
	int err;

	if (wish == NULL) {
		http_fail(req, -ENOMEM, NULL);
		return;
	}
	wish->req = req;
	wish->service = http_user(req);
	if (!wish_read(wish))
		return;
	registry = service_registry(wish->service, &wish->ask.agent);
	err = registry == NULL ? -EAGAIN
			       : prepare_start(registry->chain->rpc_reads, wish->service->signatures, &wish->ask,
					       SERVICE_RPC_MS, on_prepared, wish);
	if (err != 0)
		answer_error(wish, err);
}

static const char *const no_query[] = {NULL};

const struct http_route routes_prepare[] = {
	{"POST", "/v1/agents/prepare/{verb}", post_prepare, BODY_CAP, 0, "no-store",
	 "What to sign and send to register an agent or change one", "agents", no_query},
};
const size_t routes_prepare_count = sizeof(routes_prepare) / sizeof(routes_prepare[0]);
