/* Appends for tests. Hashes are invented: sql/ knows nothing of what they mean. */
#include "tests/sql/log_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "sql/store.h"
#include "tests/sql/fixture.h"

void log_fixture_connect(struct log_fixture *f, const char *conninfo)
{
	const char *app = fixture_as(conninfo, "kedge_app");
	struct pg_op op = {0};

	f->conninfo = conninfo;
	f->base = event_base_new();
	assert_int_equal(store_open(&f->writer, f->base, app, "test writer", STORE_WRITER, NULL, NULL), 0);
	assert_int_equal(store_open(&f->reader, f->base, app, "test reader", STORE_READER, NULL, NULL), 0);
	if (pg_wait_up(f->base, f->writer, 5000) || pg_wait_up(f->base, f->reader, 5000))
		fail_msg("%s", pg_last_error(f->writer));
	assert_int_equal(WAIT(f, &op, store_head_create(f->writer, &op, "test/log")), 0);
}

void log_fixture_open(struct log_fixture *f)
{
	log_fixture_connect(f, fixture_migrated());
}

void log_fixture_close(struct log_fixture *f)
{
	pg_close(f->writer);
	pg_close(f->reader);
	event_base_free(f->base);
}

void log_fixture_hash(uint8_t out[static 32], char purpose, uint64_t number)
{
	memset(out, purpose, 32);
	for (int i = 0; i < 8; i++)
		out[i] = (uint8_t)(number >> (56 - 8 * i));
}

struct texts {
	uint8_t uid[32], leaf[32];
	char line[32], payload[32], subject[32];
};

static void fill(struct store_new_entry *entry, struct texts *t, uint64_t seq)
{
	static const uint8_t evidence_hash[32] = {1, 2, 3};

	log_fixture_hash(t->uid, 'u', seq);
	log_fixture_hash(t->leaf, 'l', seq);
	snprintf(t->line, sizeof(t->line), "line %llu", (unsigned long long)seq);
	snprintf(t->payload, sizeof(t->payload), "payload %llu", (unsigned long long)seq);
	snprintf(t->subject, sizeof(t->subject), "subject %llu", (unsigned long long)(seq % 7));
	*entry = (struct store_new_entry){.kind = "attestation",
					  .uid = t->uid,
					  .issuer = pg_text("issuer"),
					  .subject = pg_text(t->subject),
					  .leaf = t->leaf,
					  .line = pg_text(t->line),
					  .payload = pg_text(t->payload),
					  .evidence_hash = evidence_hash,
					  .evidence = pg_text("evidence")};
}

static int append(struct log_fixture *f, size_t n, bool index)
{
	struct store_append_state state;
	struct pg_op op = {0};
	struct pg_txn *txn;
	uint8_t edge[STORE_EDGE_MAX][32];
	size_t nedge = 0;

	assert_int_equal(pg_txn_begin(f->writer, &txn), 0);
	assert_int_equal(WAIT(f, &op, store_append_lock(txn, &op, &state, &(struct store_append_ask){.nentries = n})),
			 0);
	const uint64_t size = state.head.size;
	struct store_new_entry *entries = calloc(n, sizeof(*entries));
	struct texts *texts = calloc(n, sizeof(*texts));

	for (size_t i = 0; i < n; i++)
		fill(&entries[i], &texts[i], size + i);
	if (index)
		entries[0] = (struct store_new_entry){
			.kind = "index", .leaf = texts[0].leaf, .line = pg_text(texts[0].line)};
	for (uint64_t bits = size + n; bits; bits &= bits - 1)
		log_fixture_hash(edge[nedge++], 'e', bits);
	store_append_state_clear(&state);
	const int err = WAIT(f, &op,
			     store_append_commit(txn, &op,
						 &(struct store_append){.old_size = size,
									.at = state.clock_ms,
									.entries = entries,
									.nentries = n,
									.edge = edge,
									.nedge = nedge,
									.ends_in_index = index}));

	free(entries);
	free(texts);
	return err;
}

int log_fixture_append(struct log_fixture *f, size_t n)
{
	return append(f, n, false);
}

int log_fixture_append_index(struct log_fixture *f)
{
	return append(f, 1, true);
}
