#pragma once
/* The participants duty as a process of its own on a migrated database, and people who ask it for changes as a worker would. People are letters: 'a'
 * is the account 0x6161…. Everything fails the running test if it cannot. */
#include "gateway/participant/state.h"
#include "gateway/steward/participants.h"
#include "sql/store_participant.h"
#include "tests/sql/fixture.h"
#include "tests/sql/log_fixture.h"

#include <sys/types.h>

enum { PEOPLE_CHAIN = 31337 };
#define PEOPLE_REGISTRY "0x8004000000000000000000000000000000000000"

extern struct log_fixture f;
extern struct config config;
extern struct agent_defaults agents;
extern const struct participant_terms terms;

void open_house(unsigned quota);
/* failpoint NULL: none. */
pid_t start_with(const char *failpoint);
pid_t start(void);
void stop(pid_t pid);

struct asked {
	uint8_t hash[32];
	char *body; /* for free() */
	size_t len;
};

struct eip155_account account(char who);
/* The same by an account's contract: it claims, judged at blocks 8 and 9. */
const char *claim_by_contract(const char *handle, const char *by);
/* A new message each time. */
struct participant_statement saying(const char *handle, enum participant_verb verb);
struct participant_statement linking(const char *handle, char who, bool controller);
struct participant_statement linking_foreign(const char *handle, unsigned n);

/* What a worker would have put into the queue, each letter of `by` having signed. */
struct asked make(struct participant_statement *said, const char *by, const json_t *profile);
void put(const uint8_t hash[static 32], bool by_operator, const char *body, size_t len);
/* "SEQ" of what was done, or the rule; waits for it. */
const char *answer(const uint8_t hash[static 32]);
struct asked ask_by(struct participant_statement said, const char *by);
const char *act(struct participant_statement said, const char *by);
const char *claim(const char *handle, const char *by);
/* What the operator wants. */
const char *order(const char *body);

/* ---- looking ---- */

#define SIZE "select size from log_head"
/* What a question to the database is answered with, now. */
void is(const char *question, const char *wanted);
/* Works all tables out anew, from spoilt ones, and compares. */
void tables_are_the_logs_fold(void);
