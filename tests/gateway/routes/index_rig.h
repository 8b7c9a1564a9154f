#pragma once
/* The routes of agents over a real server, a real PostgreSQL with the rows of tests/sql/index_rows.h, and a fake node.
 *
 * Chain 31337 (default) is indexed; its heads are set by the test, at first latest 40, safe 34, finalized 30; its node
 * refuses everything, so that whoever asks it gets 503. Chain 8453 is not indexed; its node is tests/gateway/identity/fake_registry.h. */
#include "gateway/routes/service.h"
#include "tests/eth/fake_node.h"
#include "tests/gateway/http/rig.h"

#include <jansson.h>

struct index_rig {
	struct rig http;
	struct service service;
	struct config config;
	struct http_route routes[48];
	struct fake_node node;
	const char *conninfo;
};

void index_rig_open(struct index_rig *rig);
/* The same with routes of the test's own beside the others. */
void index_rig_open_with(struct index_rig *rig, const struct http_route *own, size_t n);
void index_rig_close(struct index_rig *rig);

/* The heads of the default chain, by block numbers of the fixture. */
void index_rig_heads(struct index_rig *rig, unsigned latest, unsigned safe, unsigned finalized);

/* GET. accept NULL: no Accept. */
void index_rig_get(struct index_rig *rig, struct rig_reply *reply, const char *target, const char *accept);
/* Any request. headers: lines with their CR LF, or NULL; body NULL: none. */
void index_rig_ask(struct index_rig *rig, struct rig_reply *reply, const char *method, const char *target, const char *headers,
		   const char *body);
/* GET that must answer with that status and JSON, which the caller frees. */
json_t *index_rig_json(struct index_rig *rig, struct rig_reply *reply, const char *target, unsigned status);
/* The text at a JSON path of members and indexes, "a.b.0.c": "(null)" for null or what is not there, "true", "false". Valid until the next call but seven. */
const char *index_rig_text(const json_t *value, const char *path);
