#include "gateway/record/failpoint.h"

#ifdef KEDGE_FAILPOINTS

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void failpoint_hit(const char *name)
{
	static unsigned long passes;
	const char *want = getenv("KEDGE_FAILPOINT"), *action;
	size_t len = strlen(name);
	unsigned long at = 1;

	if (!want || strncmp(want, name, len) != 0 || want[len] != ':')
		return;
	action = want + len + 1;
	if (strchr(action, ':'))
		at = strtoul(strchr(action, ':') + 1, NULL, 10);
	if (++passes != at)
		return;
	if (!strncmp(action, "kill", 4))
		raise(SIGKILL);
	if (!strncmp(action, "sleep", 5))
		sleep(1);
}

#else

/* ISO C forbids an empty translation unit. */
extern int failpoint_off;
int failpoint_off = 1;

#endif
