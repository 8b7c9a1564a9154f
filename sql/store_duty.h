/*
 * Duties: a duty runs where its session-level advisory lock is held. Taking it raises its epoch; every write of the
 * duty checks that epoch in its own transaction, so a holder that lost its connection without noticing cannot write.
 * Writes outside a pg_txn take the claim as `fence` (NULL: unfenced).
 */
#pragma once

#include "sql/store.h"

/*
 * Tries to take the duty on this connection. -EAGAIN: another session holds it. The lock is held until the connection
 * is lost or closed (on_state down); taking it again on the connection that holds it just raises the epoch.
 */
int store_duty_take(struct pg_conn *conn, struct pg_op *op, uint64_t *epoch, const char *name) PG_MUST_CHECK;

/*
 * Queues the check in a transaction: if the epoch is no longer the given one, the transaction fails with -ESTALE (at
 * its next result or at commit). Holds off a new holder until the transaction ends.
 */
int store_duty_fence(struct pg_txn *txn, const struct store_fence *fence) PG_MUST_CHECK;
