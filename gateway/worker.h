#pragma once
/* One worker: a loop, an HTTP server on the shared port and on the gateway's own socket, its connections, and the tables that
 * its handlers use (gateway/routes/service.h). It shares nothing with its siblings but PostgreSQL. */
#include "gateway/config.h"
#include "gateway/runtime/metrics.h"

#include <stdbool.h>

struct worker_plan {
	const struct config *config;
	struct metrics *metrics;
	unsigned number;    /* 0 also serves /metrics */
	const char *vkey;   /* the log's public key */
	int local_fd;	    /* the gateway's own socket, listening, shared by all workers */
};

/* A listening socket on "127.0.0.1:8004" or "[::1]:8004"; shared: by SO_REUSEPORT. 0; -EINVAL for another form; errors of the socket. */
__attribute__((warn_unused_result)) int worker_listen(int *fd, const char *text, bool shared);

/* Runs until SIGTERM; then finishes what it has begun. Returns an exit status. `arg` is a struct worker_plan. */
int worker_run(void *arg);
