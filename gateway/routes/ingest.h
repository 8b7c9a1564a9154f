#pragma once
/* POST /v1/attestations: one object, an array or NDJSON. Each item is parsed, its signature recovered, its issuer and subject
 * looked up on the chain (one JSON-RPC batch for all that is not cached), and queued for the group commit; the answer goes out
 * when the last item has its outcome. The work is cut into slices of a few items a turn of the loop, so that a large batch
 * does not hold up a small one. */
#include "gateway/http/server.h"

void ingest_post(struct http_request *req);
