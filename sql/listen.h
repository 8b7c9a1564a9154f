/*
 * A connection that only listens. A notification is a hint: its reader selects what is newer than what it knows.
 * After every (re)connect LISTEN is sent again and on_ready is called once it is in force: notifications sent
 * while the connection was down are lost, so the reader must select again then.
 */
#pragma once

#include <event2/event.h>

#include "sql/pg.h"

#define LISTEN_CHANNELS_MAX 8

struct listen;

struct listen_config {
	const char *conninfo;
	const char *channels[LISTEN_CHANNELS_MAX]; /* plain lower-case identifiers; NULL ends the list */
	void (*on_notify)(void *arg, const char *channel, const char *payload);
	void (*on_ready)(void *arg); /* LISTEN is in force: select again. May be NULL */
	void (*on_lost)(void *arg);  /* the connection was lost or could not be made. May be NULL */
	void *arg;
};

/* Returns 0, -EINVAL, -ENOMEM. Channel names other than [a-z_]+ are -EINVAL. */
int listen_open(struct listen **out, struct event_base *base, const struct listen_config *config) PG_MUST_CHECK;
/* Safe in callbacks; NULL is fine. */
void listen_close(struct listen *listen);
