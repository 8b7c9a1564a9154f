/* A log fixture with an index of one chain in it, and steps put together from invented blocks and agents. */
#pragma once

#include "sql/store_file.h"
#include "sql/store_identity.h"
#include "tests/sql/log_fixture.h"

enum { INDEX_CHAIN = 31337, INDEX_ROWS = 64 };

struct index_fixture {
	struct log_fixture log;
	uint64_t epoch;
	struct store_fence fence; /* of duty "index" */
	uint32_t registry;
};

void index_fixture_open(struct index_fixture *f);
void index_fixture_close(struct index_fixture *f);

/* A step under construction; borrows what it is given. */
struct index_build {
	struct store_index index;
	struct store_index_block blocks[INDEX_ROWS];
	struct store_event events[INDEX_ROWS];
	struct store_state states[INDEX_ROWS];
	struct store_proof proofs[INDEX_ROWS];
	struct store_index_step step;
};

/* Block n of a branch (a letter): hash of both, time 1000 + 2 n. */
void index_block(struct store_index_block *out, uint64_t number, char branch, bool final);
void index_place(struct store_index *out, uint64_t final_number, uint64_t tip_number, char branch);
/* Agent ids from a small number; 256 is 2^256 - 1. */
void index_id(uint8_t out[static 32], unsigned id);

void build_start(struct index_build *b, uint64_t final_number, uint64_t tip_number, char branch);
/* Blocks [from, to], final up to index.final_number. */
void build_blocks(struct index_build *b, uint64_t from, uint64_t to, char branch);
struct store_event *build_event(struct index_build *b, const struct index_fixture *f, unsigned id, uint64_t number,
				enum store_event_kind kind);
/* owner and wallet: 20 such bytes; wallet 0: none. */
struct store_state *build_state(struct index_build *b, const struct index_fixture *f, unsigned id, uint64_t number,
				uint8_t owner, uint8_t wallet, const char *uri);
void build_proof(struct index_build *b, const struct index_fixture *f, unsigned id, uint64_t number, const char *body);
int build_put(struct index_build *b, struct index_fixture *f);

/* "OWNER WALLET URI CHANGED TIER @NUMBER" of the state at the end of a block (or at an instant), "" for none; owner and
 * wallet as their first byte, changed as its number. Valid until the next call. */
const char *state_text(struct index_fixture *f, unsigned id, bool at_time, uint64_t at);
/* Of agent_now, the same without changed and tier. */
const char *now_text(struct index_fixture *f, unsigned id);
/* All rows of all index tables as one text: what must be equal for two indexes to be equal. Not `updated`. */
const char *index_text(struct index_fixture *f);
