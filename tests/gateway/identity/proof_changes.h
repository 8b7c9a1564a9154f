#pragma once
/* Small changes of a proof's text, each of which must make it fail. */
#include <stddef.h>

/* 0: it holds */
typedef int proof_verify(const char *text, size_t len);

/* Changes bytes (with KEDGE_LONG every one, else a sample), cuts the end, and changes digits to digits: of the agent's key each to
 * each other one, the others to the next. Fails the test if the text still holds. The counts are added to. */
void proof_changes(unsigned *bytes, unsigned *digits, const char *text, size_t len, proof_verify *verify);
