/*
 * Who asks about agents (store_resolve.h, store_link_read.h). To set up the plan of such a statement is most of what it costs PostgreSQL,
 * three quarters of it and more; so what is asked in one turn of the loop, or while STORE_RESOLVER_UNDER_WAY statements are on their way
 * on each connection, travels together.
 */
#pragma once

#include "sql/pg.h"

enum { STORE_RESOLVER_CONNS = 4, STORE_RESOLVER_UNDER_WAY = 1, STORE_RESOLVER_WAITING = 4096, STORE_RESOLVER_WAIT_MS = 2000 };

/* What has waited for STORE_RESOLVER_WAIT_MS and not been sent is done with -ETIMEDOUT. */
struct store_resolver;
/* The connections, STORE_RESOLVER_CONNS at most, are borrowed. -EINVAL, -ENOMEM. */
int store_resolver_new(struct store_resolver **out, struct event_base *base, struct pg_conn *const *conns, size_t n) PG_MUST_CHECK;
/* After the connections were closed and with the loop at rest: what still waits is done with -EIO. NULL is fine. */
void store_resolver_free(struct store_resolver *resolver);
/* Calls that no statement has taken yet: statements under way are counted by their connections. */
size_t store_resolver_length(const struct store_resolver *resolver);
