/*
 * What the stores share: starting one statement as an operation and decoding its result. Not for others.
 */
#pragma once

#include <string.h>

#include "sql/store_file.h"
#include "sql/store_identity.h"

#define STORE_COUNT(array) (sizeof(array) / sizeof((array)[0]))

struct store_call {
	struct pg_op *op;
	void *out;
	void *out2;
	size_t n;
	/* Fills the outputs; sets *keep if an output now borrows from res. Returns 0 or the operation's error. */
	int (*decode)(struct store_call *call, PGresult *res, bool *keep);
};

/* Runs one statement outside transactions; clears the params. `call` is copied. */
int store_start(struct pg_conn *conn, const struct pg_statement *statement, struct pg_params *params,
		const struct store_call *call);
/* The same inside a transaction. */
int store_start_txn(struct pg_txn *txn, const struct pg_statement *statement, struct pg_params *params,
		    const struct store_call *call);
/* A statement whose failure shows at commit; clears the params. */
int store_queue(struct pg_txn *txn, const struct pg_statement *statement, struct pg_params *params);

/* Decoders. */
int store_decode_written(struct store_call *call, PGresult *res, bool *keep); /* 0; -ENOENT if there is no row */
int store_decode_list(struct store_call *call, PGresult *res, bool *keep);    /* out: size_t *n, out2: PGresult ** */
int store_decode_hashes(struct store_call *call, PGresult *res, bool *keep);  /* out: n hashes as one bytea */

/*
 * An array for free() with an element of `size` bytes, zero before `get` fills it, for each row of the result; *n says how
 * many. NULL with *n = 0 and *err: -ENOMEM or get()'s error. *err is not touched else.
 */
void *store_rows(int *err, size_t *n, const PGresult *res, size_t size, int (*get)(void *into, const PGresult *res, int row));

/* The first parameters of a statement about one agent: its registry and its id. */
void store_param_agent(struct pg_params *params, uint32_t registry, const uint8_t agent_id[static 32]);
/* The fence's two parameters: both NULL if there is none. */
void store_param_fence(struct pg_params *params, const struct store_fence *fence);
/*
 * The same address as a list of hashes. C17 knows no conversion to a pointer to an array of const that its own warnings
 * accept.
 */
static inline const uint8_t (*store_as_hashes(const uint8_t *bytes))[32]
{
	const uint8_t(*hashes)[32];

	memcpy(&hashes, &bytes, sizeof(bytes));
	return hashes;
}

/* An edge column: n hashes end to end. */
int store_get_edge(uint8_t (*edge)[32], size_t *nedge, size_t max, const PGresult *res, int row, int column);

/*
 * One transaction in one round trip: `queue` queues its statements, the operation is done with its commit. What they
 * find wrong they say by failing (kedge_fence(), kedge_require()).
 */
int store_transact(struct pg_conn *conn, struct pg_op *op, int (*queue)(struct pg_txn *txn, const void *what),
		   const void *what);

/* Columns of an array of structs as array parameters; `offset` and `flag` are offsetof(). */
struct store_columns {
	const uint8_t *rows;
	size_t n, stride;
	struct pg_bytes *bytes; /* scratch, owned */
	uint64_t *numbers;
};
int store_columns_init(struct store_columns *columns, const void *rows, size_t n, size_t stride);
void store_columns_clear(struct store_columns *columns);
void store_column_u64(struct pg_params *params, struct store_columns *columns, size_t offset);
void store_column_i64(struct pg_params *params, struct store_columns *columns, size_t offset);
void store_column_u32(struct pg_params *params, struct store_columns *columns, size_t offset);	 /* and enums */
void store_column_bool(struct pg_params *params, struct store_columns *columns, size_t offset);	 /* 0 and 1 */
void store_column_bytea(struct pg_params *params, struct store_columns *columns, size_t offset); /* struct pg_bytes */
void store_column_text(struct pg_params *params, struct store_columns *columns, size_t offset);
void store_column_fixed(struct pg_params *params, struct store_columns *columns, size_t offset, size_t len);
/* NULL where the bool at `flag` is false. */
void store_column_fixed_if(struct pg_params *params, struct store_columns *columns, size_t offset, size_t len,
			   size_t flag);
/* 20 bytes; NULL for zero. */
void store_column_address(struct pg_params *params, struct store_columns *columns, size_t offset);

/* In transactions of store_identity.h: the fence, with the shared lock of those who refer to rows of uri; a place. */
int store_queue_fence_shared(struct pg_txn *txn, const struct store_fence *fence);
int store_queue_index(struct pg_txn *txn, uint64_t chain_id, const struct store_index *index);

/* 20 bytes into out; zero and false for SQL NULL. */
bool store_get_address(int *err, uint8_t out[static 20], const PGresult *res, int row, int column);
/* 2^63 - 1 for anything above. */
static inline int64_t store_clamp(uint64_t number)
{
	return number < INT64_MAX ? (int64_t)number : INT64_MAX;
}

/* registry, agent_id, at, seen, uri, status, detail, content, body, name, back; texts and bytes borrow from them. */
enum { STORE_FILE_FIELDS = 11 };
int store_file_of(struct store_file *out, const struct pg_bytes fields[static STORE_FILE_FIELDS]);

/* Lists of store_identity.h, for its other readers: out is the list. */
#define STORE_STATE_COLUMNS                                                                                            \
	"s.registry::bigint, s.agent_id, s.number, s.owner, s.wallet, u.body, s.changed::bigint, s.tier::bigint,"      \
	" b.hash, b.parent, b.time, b.final, n.number, n.time"
/* After FROM ... s. What is stored above the tip is provisional: nothing is answered from it. */
#define STORE_STATE_JOINS                                                                                              \
	" JOIN uri u ON u.hash = s.uri JOIN block b ON b.chain_id = s.chain_id AND b.number = s.number"                \
	" LEFT JOIN LATERAL (SELECT t.number, c.time FROM agent_state t JOIN block c ON c.chain_id = t.chain_id"       \
	" AND c.number = t.number WHERE t.registry = s.registry AND t.agent_id = s.agent_id AND t.number > s.number"   \
	" AND t.number <= (SELECT p.tip_number FROM chain_index p WHERE p.chain_id = s.chain_id)"                      \
	" ORDER BY t.number LIMIT 1) n ON true"
#define STORE_EVENT_COLUMNS                                                                                            \
	"e.registry::bigint, e.number, e.log_index::bigint, e.tx, e.agent_id, e.kind::bigint, e.a, e.b, e.key, "       \
	"e.value"
#define STORE_REGISTRY_COLUMNS                                                                                         \
	"r.id::bigint, r.chain_id, r.address, r.start_block, r.indexed, r.implementation, r.code_hash, r.known,"                \
	" coalesce(r.fetched, r.indexed), r.followed"
#define STORE_BLOCK_COLUMNS "b.number, b.hash, b.parent, b.time, b.final"
int store_get_registry(void *into, const PGresult *res, int row); /* struct store_registry */
int store_decode_states(struct store_call *call, PGresult *res, bool *keep); /* struct store_states */
int store_decode_events(struct store_call *call, PGresult *res, bool *keep); /* struct store_events */
int store_decode_blocks(struct store_call *call, PGresult *res, bool *keep); /* struct store_index_blocks */

extern const struct pg_statement_set store_append_set;
extern const struct pg_statement_set store_log_set;
extern const struct pg_statement_set store_checkpoint_set;
extern const struct pg_statement_set store_map_set;
extern const struct pg_statement_set store_chain_set;
extern const struct pg_statement_set store_anchor_set;
extern const struct pg_statement_set store_duty_set;
extern const struct pg_statement_set store_resolve_set;
extern const struct pg_statement_set store_history_page_set;
extern const struct pg_statement_set store_identity_set;
extern const struct pg_statement_set store_identity_step_set;
extern const struct pg_statement_set store_identity_back_set;
extern const struct pg_statement_set store_identity_mend_set;
extern const struct pg_statement_set store_identity_search_set;
extern const struct pg_statement_set store_file_set;
extern const struct pg_statement_set store_hosted_set;
extern const struct pg_statement_set store_link_read_set;
extern const struct pg_statement_set store_notary_set;
extern const struct pg_statement_set store_participant_set;
extern const struct pg_statement_set store_participant_put_set;
extern const struct pg_statement_set store_participant_request_set;
extern const struct pg_statement_set store_stream_set;
extern const struct pg_statement_set store_link_set;
extern const struct pg_statement_set store_lapse_set;
