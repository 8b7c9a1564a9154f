#pragma once
/* Several scripted nodes and a client of all of them: what each does wrong is set by the test, at any time. */
#include "eth/rpc.h"
#include "tests/eth/fake_node.h"

enum { FAKE_CHAIN = 8453, FAKE_NODES_MAX = 3 };

enum fake_fault {
	WELL,
	BROKEN_OFF, /* the connection is cut in the answer */
	HANGS_UP,
	SILENT,
	HALF_JSON,
	NOT_JSON,
	WRONG_IDS,
	HUGE,
	STATUS, /* the HTTP status in shared->text */
	LATER,	/* 429 with Retry-After: 2 */
	OTHER_CHAIN,
	NO_CHAIN,
	WHOLE_ERROR,  /* shared->text is the error object */
	CALL_ERROR,   /* the same for each call, but not for eth_chainId */
	STATUS_ERROR, /* the same, with the HTTP status before a space */
	NULL_RESULT,
	EMPTY_RESULT,
	NUL_MESSAGE,
};

struct fake_stand {
	struct fake_node nodes[FAKE_NODES_MAX];
	unsigned n;
	struct event_base *base;
	struct eth_rpc *rpc;
	unsigned log_lines;
};

/* n nodes, well, answering "0xa", "0xb", "0xc"; every URL holds the word secret, which no log line may. */
void fake_stand_open(struct fake_stand *stand, unsigned n);
void fake_stand_close(struct fake_stand *stand);
/* What the node does from now on. */
void fake_stand_set(struct fake_stand *stand, unsigned node, enum fake_fault fault, const char *text);
/* Nobody listens there from now on. */
void fake_stand_lose(struct fake_stand *stand, unsigned node);

int64_t fake_now_ms(void);

#define FAKE_UNKNOWN_BLOCK "{\"code\":-32000,\"message\":\"header not found\"}"
