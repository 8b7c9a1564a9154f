#pragma once
/* Agents as JSON, alike in every route. uint256 and block numbers are texts, addresses EIP-55, null is "none" or "not kept". */
#include "did/jcs_put.h"
#include "gateway/routes/reading.h"

#include <jansson.h>

/* {"number","hash","time","finality"}; null if the mark is not known. */
json_t *view_block(const struct reading_scope *scope, const struct store_mark *mark);
/* The same, written; and of a block of which only the number is known. */
void view_put_block(struct jcs_put *put, const char *name, const struct reading_scope *scope, const struct store_mark *mark);
void view_put_block_number(struct jcs_put *put, const char *name, const struct reading_scope *scope, uint64_t number);
json_t *view_block_number(const struct reading_scope *scope, uint64_t number);

const char *view_tier(enum store_tier tier); /* "events", "rpc", "quorum", "proof" */

/* Cache-Control of an answer as of the past, with that tier. settled: nothing about it, its end included, can change any more. For
 * ever only where more than one provider, or a proof, stands for it: a correction would not reach such a cache. */
const char *view_cache(bool settled, enum store_tier tier);

/* "owner", "wallet", "uri", and for a URI that is no UTF-8 text null and "uriBytes" in hex. */
__attribute__((warn_unused_result)) int view_put_state(json_t *object, const struct reading_state *state);
json_t *view_uri(const struct pg_bytes *uri);
json_t *view_number(uint64_t number);
json_t *view_address(const uint8_t address[static 20]);

/* {"tip":"N","final":"N"} */
json_t *view_index(const struct store_reach *reach);

/* "agent" and "did". */
__attribute__((warn_unused_result)) int view_put_name(json_t *object, const struct service *service, const struct agent_key *key);

/* Answers with a JSON value, whose reference is taken; NULL: out of memory. */
void view_reply(struct http_request *req, unsigned status, const char *type, json_t *value);

/* The answer to a reading that failed: problem documents with what to do next. */
/* No such agent, as of that block, the newest known. */
void view_absent(struct http_request *req, uint64_t number);
void view_cannot_read(struct http_request *req);
void view_at_failed(struct http_request *req, const struct service_registry *registry, int err);

/* ---- DID documents and what is said beside them (view_document.c) ---- */

/* Appends the current document, with the services of the registration file. *dropped (may be NULL): ids of services that did not
 * fit, a new reference, or NULL. Errors of agent_document_write(). */
__attribute__((warn_unused_result)) int view_now_document(struct jcs_buffer *out, json_t **dropped, const struct service *service,
							  const struct agent_key *key, const struct reading_now *now);
/* As of a block: chain state alone. What a web server said then is no function of the block, and would change with what this
 * gateway happened to fetch; such a document could not be the same for ever. */
__attribute__((warn_unused_result)) int view_at_document(struct jcs_buffer *out, const struct service *service,
							 const struct agent_key *key, const struct reading_at *at);
/* The host's own, with the keys that are listed now (host_keys.c). */
__attribute__((warn_unused_result)) int view_host_document(json_t **document, const struct service *service);

/* Appends didDocumentMetadata. 0 or -ENOMEM. */
__attribute__((warn_unused_result)) int view_now_metadata(struct jcs_buffer *out, const struct reading_now *now, const json_t *dropped);
__attribute__((warn_unused_result)) int view_at_metadata(struct jcs_buffer *out, const struct reading_at *at);
/* When what the document says last changed, in seconds since 1970; 0: not known. */
int64_t view_at_modified(const struct reading_at *at);
/* The blocks a current document is of, as keys of ready answers. */
void view_heads(struct eth_hash *safe, struct eth_hash *latest, const struct reading_now *now);
/* Whether the metadata too can never change: all that it gives an end has one, and a final one. */
bool view_at_is_settled(const struct reading_at *at);
