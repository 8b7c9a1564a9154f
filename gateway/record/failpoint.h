/*
 * Named places where a kill test may end the process: KEDGE_FAILPOINT="name:kill[:n]" raises SIGKILL at the nth pass
 * (first is 1). Compiled in only with KEDGE_FAILPOINTS; otherwise a statement without effect.
 *
 * "name:sleep:n" waits once, at the nth pass, for one second, so that a test can cut a connection inside a step.
 */
#pragma once

#ifdef KEDGE_FAILPOINTS
void failpoint_hit(const char *name);
#define FAILPOINT(name) failpoint_hit(name)
#else
#define FAILPOINT(name) ((void)0)
#endif
