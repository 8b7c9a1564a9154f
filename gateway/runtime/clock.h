#pragma once
/* The wall clock, for what is compared with times of others: rows, blocks, entries. Deadlines of one's own use timers. */
#include <stdint.h>

/* Milliseconds since 1970. */
uint64_t clock_wall_ms(void);
/* Milliseconds of a clock that nobody sets, some 4 ms coarse: how old something is that this process keeps, how long it has waited. */
uint64_t clock_steady_ms(void);
