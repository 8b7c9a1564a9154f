#pragma once
/* The parent of all of kedge's processes: starts each child, restarts one that dies (with back-off), and takes all of them
 * down on SIGTERM, SIGINT or SIGHUP. It holds no state and no connection, so nothing is lost with it: a child whose parent
 * vanished gets SIGTERM from the kernel. */
#include <stddef.h>

struct supervisor_child {
	const char *name;      /* as in the log and in /proc/PID/comm, at most 15 bytes */
	int (*run)(void *arg); /* in the child; its value is the exit status */
	void *arg;
};

enum {
	SUPERVISOR_CHILDREN = 300,
	SUPERVISOR_BACKOFF_MS = 100,      /* first restart after this, doubling */
	SUPERVISOR_BACKOFF_MAX_MS = 5000, /* up to this */
	SUPERVISOR_STEADY_MS = 10000,     /* alive this long, and the back-off starts anew */
	SUPERVISOR_GRACE_MS = 8000,       /* between SIGTERM and SIGKILL at the end */
};

/* Runs until a stop signal; returns 0, or -EINVAL for too many children, or a negative errno of fork at the very start.
 * The caller must be single-threaded. */
__attribute__((warn_unused_result)) int supervisor_run(const struct supervisor_child *children, size_t count);
