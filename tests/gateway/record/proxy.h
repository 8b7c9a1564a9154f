/* A process between libpq and PostgreSQL that loses a commit on demand, before or after it reached the server. */
#pragma once

#include <sys/types.h>

enum proxy_mode {
	PROXY_PASS,
	PROXY_LOSE_COMMIT, /* the next COMMIT is not handed on: nothing persists */
	PROXY_LOSE_REPLY,  /* the next COMMIT is, its answer is not: it persists unheard */
};

struct proxy {
	pid_t pid;
	volatile int *mode; /* shared; falls back to PROXY_PASS once it struck */
	char dir[64];
	char conninfo[512];
};

/* conninfo: libpq keywords with host=DIRECTORY. Call before anything else is opened: it forks. */
void proxy_start(struct proxy *p, const char *conninfo);
void proxy_stop(struct proxy *p);
