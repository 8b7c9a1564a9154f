#pragma once
/* A JSON-RPC node that says what a test wants: a child process on a free loopback port, a further child a connection.
 * What happened is counted in shared memory, and the test steers through it. */
#include <jansson.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct fake_shared {
	atomic_uint requests;	 /* HTTP requests received */
	atomic_uint connections; /* accepted */
	atomic_uint mode;	 /* the test's own */
	atomic_uint calls;	 /* JSON-RPC calls answered by fake_answer() */
	char text[4096];	 /* the test's own */
};

struct fake_node {
	struct fake_shared *shared;
	pid_t pid;
	char url[64];
};

/* Answers one request, in a child: `number` counts from 1. Returning closes nothing; the connection is read on. */
typedef void fake_handler(struct fake_shared *shared, unsigned number, int fd, const char *body, size_t len);

void fake_node_start(struct fake_node *node, fake_handler *handler);
void fake_node_stop(struct fake_node *node);

/* A complete HTTP response. `headers` are lines each ended by CR LF, or "". */
void fake_http(int fd, int status, const char *headers, const char *body, size_t len);
void fake_http_text(int fd, int status, const char *headers, const char *body);

/* Answers a batch: `reply` gives {"result": …} or {"error": …} for each call, a new reference. The answers come in the
 * reverse order of the calls. eth_chainId is answered with chain_id and not counted. */
typedef json_t *fake_reply(struct fake_shared *shared, const char *method, const json_t *params);
void fake_answer(struct fake_shared *shared, int fd, const char *body, size_t len, uint64_t chain_id,
		 fake_reply *reply);
