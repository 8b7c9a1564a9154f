/* Participants' tables, the queue to their duty, and the erasure of payloads. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "sql/store_duty.h"
#include "sql/store_participant.h"
#include "tests/sql/fixture.h"
#include "tests/sql/log_fixture.h"

static struct log_fixture f;
static uint64_t epoch;
static struct store_fence fence = {.duty = "participants"};

static const char *key_of(char who)
{
	static char key[4][64];
	static unsigned turn;
	char *out = key[turn++ % 4];

	snprintf(out, 64, "urn:kedge:p:%032x", (unsigned)who);
	return out;
}

static const char *text(struct pg_bytes bytes)
{
	static char out[8][128];
	static unsigned turn;
	char *to = out[turn++ % 8];

	snprintf(to, 128, "%.*s", (int)bytes.len, bytes.data ? (const char *)bytes.data : "");
	return to;
}

static const char *sql(const char *query)
{
	return fixture_sql(f.conninfo, query);
}

/* ---- writing in an append ---- */

struct writing {
	struct pg_txn *txn;
	struct store_append_state state;
};

static void begin(struct writing *w)
{
	struct pg_op op = {0};

	assert_int_equal(pg_txn_begin(f.writer, &w->txn), 0);
	assert_int_equal(WAIT(&f, &op, store_append_lock(w->txn, &op, &w->state, &(struct store_append_ask){.nentries = 1})), 0);
	assert_int_equal(store_duty_fence(w->txn, &fence), 0);
}

/* One entry of that kind; erases NULL: none. */
static int commit(struct writing *w, const char *kind, const char *subject, const uint8_t *uid, const uint64_t *erases)
{
	uint8_t edge[STORE_EDGE_MAX][32], leaf[32], own[32];
	uint64_t size = w->state.head.size;
	struct store_new_entry entry = {.kind = kind, .subject = pg_text(subject), .leaf = leaf, .line = pg_text("line"), .erases = erases};
	struct pg_op op = {0};
	size_t nedge = 0;

	log_fixture_hash(leaf, 'l', size);
	log_fixture_hash(own, 'u', size);
	entry.uid = uid ? uid : own;
	if (!erases)
		entry.payload = pg_text("payload");
	for (uint64_t bits = size + 1; bits; bits &= bits - 1)
		log_fixture_hash(edge[nedge++], 'e', bits);
	store_append_state_clear(&w->state);
	return WAIT(&f, &op, store_append_commit(w->txn, &op, &(struct store_append){.old_size = size, .at = w->state.clock_ms, .entries = &entry,
										     .nentries = 1, .edge = edge, .nedge = nedge}));
}

static struct store_participant_put put_of(char who, const char *handle, uint64_t seq)
{
	struct store_participant_put put = {.row = {.key = pg_text(key_of(who)), .handle = pg_text(handle), .claimed = seq, .created = 1000 + seq,
						    .seq = seq, .at = 1000 + seq, .entries = 1, .state = pg_text("{}")},
					    .claimant_chain = 1};

	memset(put.claimant, who, sizeof(put.claimant));
	return put;
}

static int put(const struct store_participant_put *what)
{
	struct writing w;

	begin(&w);
	assert_int_equal(store_participant_put(w.txn, what), 0);
	return commit(&w, "alias", text(what->row.key), NULL, NULL);
}

static int claim(char who, const char *handle, uint64_t seq)
{
	struct store_participant_put what = put_of(who, handle, seq);
	uint8_t claimed[32];

	log_fixture_hash(claimed, handle[0], 0);
	what.claims = claimed;
	return put(&what);
}

static struct store_participant_found found;
static const struct store_participant *find(const char *handle)
{
	struct pg_op op = {0};
	uint8_t claimed[32];

	log_fixture_hash(claimed, handle[0], 0);
	store_participant_found_clear(&found);
	assert_int_equal(WAIT(&f, &op, store_participant_find(f.reader, &op, &found, pg_text(handle), claimed)), 0);
	return found.live ? &found.row : NULL;
}

static void claimed_once_and_for_ever(void **state)
{
	struct store_participant_put other;

	(void)state;
	assert_null(find("alice"));
	assert_false(found.claimed_once);
	assert_int_equal(found.log_size, 0);
	assert_int_equal(claim('a', "alice", 0), 0);
	assert_non_null(find("alice"));
	assert_true(found.claimed_once);
	assert_int_equal(found.log_size, 1);
	assert_string_equal(text(found.row.key), key_of('a'));
	assert_string_equal(text(found.row.state), "{}");
	assert_int_equal(found.row.created, 1000);
	/* not twice: by its hash, by the handle itself, nor by an account that has one; and nothing of it is in the log then */
	assert_int_equal(claim('b', "alice", 1), -EEXIST);
	other = put_of('b', "alice", 1);
	assert_int_equal(put(&other), -EEXIST);
	other = put_of('b', "bob", 1);
	memset(other.claimant, 'a', sizeof(other.claimant));
	assert_int_equal(put(&other), -EEXIST);
	assert_string_equal(sql("select count(*) from entry"), "1");
	assert_int_equal(claim('b', "bob", 1), 0);
	assert_string_equal(sql("select count(*) from handle_claimed"), "2");
}

static struct store_participant_claim claim_facts(char who, const char *handle)
{
	struct store_participant_claim out;
	struct pg_op op = {0};
	uint8_t claimed[32], address[20];

	log_fixture_hash(claimed, handle[0], 0);
	memset(address, who, sizeof(address));
	assert_int_equal(WAIT(&f, &op, store_participant_claim(f.reader, &op, &out, pg_text(handle), claimed, 1, address)), 0);
	return out;
}

static void what_a_claim_is_held_against(void **state)
{
	struct store_participant_claim facts = claim_facts('a', "alice");

	(void)state;
	assert_true(facts.taken && facts.claimed_once && facts.has_another);
	facts = claim_facts('z', "zoe");
	assert_false(facts.taken || facts.claimed_once || facts.has_another);
	assert_int_equal(facts.today, 0); /* those above are of 1970 */
	sql("update handle_claimed set at = (extract(epoch from now()) * 1000)::bigint");
	assert_int_equal(claim_facts('z', "zoe").today, 2);
	sql("update handle_claimed set at = (extract(epoch from date_trunc('day', now() at time zone 'utc') at time zone 'utc') * 1000)::bigint - 1");
	assert_int_equal(claim_facts('z', "zoe").today, 0);
}

/* ---- what is linked ---- */

static const char *names(const struct store_participant_filter *filter)
{
	static char out[256];
	struct store_participants list;
	struct pg_op op = {0};
	size_t at = 0;

	out[0] = '\0';
	assert_int_equal(WAIT(&f, &op, store_participants(f.reader, &op, &list, filter)), 0);
	for (size_t i = 0; i < list.n; i++)
		at += (size_t)snprintf(out + at, sizeof(out) - at, "%s%.*s", i ? " " : "", (int)list.rows[i].handle.len,
				       (const char *)list.rows[i].handle.data);
	store_participants_clear(&list);
	return out;
}

static void links_take_the_place_of_links(void **state)
{
	struct store_participant_account accounts[] = {{.chain_id = 1, .controller = true, .seq = 0},
						       {.chain_id = 7, .contract = true, .safe_number = 5, .latest_number = 6, .seq = 2}};
	struct store_participant_agent agents[] = {{.chain_id = 1, .owner_signed = true, .safe_number = 5, .latest_number = 6, .seq = 3}};
	struct store_participant_foreign foreign[] = {{.did = pg_text("did:web:example.com"), .seq = 4}};
	struct store_participant_put what = put_of('a', "alice", 0);
	struct store_participant_filter by_account = {.by = STORE_PARTICIPANT_ACCOUNT, .chain_id = 7, .limit = 10};
	struct store_participant_filter by_agent = {.by = STORE_PARTICIPANT_AGENT, .chain_id = 1, .limit = 10};
	uint8_t messages[2][32];
	uint64_t seqs[2] = {5, 5};

	(void)state;
	memset(accounts[0].address, 'a', 20);
	memset(accounts[1].address, 's', 20);
	memset(accounts[1].safe_hash, 5, 32);
	memset(agents[0].registry, 'r', 20);
	memset(agents[0].agent_id, 0xff, 32);
	memset(by_account.address, 's', 20);
	memset(by_agent.address, 'r', 20);
	memset(by_agent.agent_id, 0xff, 32);
	log_fixture_hash(messages[0], 'm', 1);
	log_fixture_hash(messages[1], 'm', 2);
	what.accounts = accounts;
	what.naccounts = 2;
	what.agents = agents;
	what.nagents = 1;
	what.foreign = foreign;
	what.nforeign = 1;
	what.messages = messages;
	what.messages_seqs = seqs;
	what.nmessages = 2;
	what.row.seq = 5;
	what.row.at = 2000;
	what.row.entries = 4;
	what.row.state = pg_text("{\"a\":1}");
	assert_int_equal(put(&what), 0);
	assert_non_null(find("alice"));
	assert_int_equal(found.row.seq, 5);
	assert_int_equal(found.row.created, 1000);
	assert_string_equal(text(found.row.state), "{\"a\":1}");
	assert_string_equal(sql("select string_agg(concat_ws(' ', chain_id, encode(address, 'escape'), controller, contract, safe_number, left(encode(safe_hash, 'hex'), 2),"
				" latest_number, seq), ', ' order by chain_id) from participant_account"),
			    "1 aaaaaaaaaaaaaaaaaaaa t f 0, 7 ssssssssssssssssssss f t 5 05 6 2");
	assert_string_equal(names(&by_account), "alice");
	by_account.chain_id = 1;
	assert_string_equal(names(&by_account), "");
	by_account.chain_id = UINT64_MAX;
	assert_string_equal(names(&by_account), "alice");
	assert_string_equal(names(&by_agent), "alice");
	/* the same messages do not count again, whoever's they would be */
	what.row.seq = 6;
	what.nmessages = 1;
	assert_int_equal(put(&what), -EEXIST);
	what.nmessages = 0;
	what.naccounts = 1;
	what.nagents = 0;
	what.nforeign = 0;
	assert_int_equal(put(&what), 0);
	assert_string_equal(names(&by_account), "");
	assert_string_equal(names(&by_agent), "");
	assert_string_equal(sql("select count(*) from participant_foreign"), "0");
	assert_string_equal(sql("select count(*) from participant_message"), "2");
}

static void messages_are_found_again(void **state)
{
	struct store_participant_messages list;
	struct pg_op op = {0};
	uint8_t hashes[2][32];

	(void)state;
	log_fixture_hash(hashes[0], 'm', 2);
	log_fixture_hash(hashes[1], 'm', 3);
	assert_int_equal(WAIT(&f, &op, store_participant_messages(f.reader, &op, &list, hashes, 2)), 0);
	assert_int_equal(list.n, 1);
	assert_int_equal(list.rows[0].seq, 5);
	assert_string_equal(text(list.rows[0].key), key_of('a'));
	store_participant_messages_clear(&list);
}

static void lists_go_by_handle(void **state)
{
	struct store_participant_filter all = {.by = STORE_PARTICIPANT_ALL, .limit = 2};
	struct store_participants list;
	struct pg_op op = {0};

	(void)state;
	assert_int_equal(claim('c', "carol", 2), 0);
	assert_string_equal(names(&all), "alice bob");
	all.after = pg_text("bob");
	assert_string_equal(names(&all), "carol");
	all.after = pg_text("carol");
	assert_string_equal(names(&all), "");
	all.limit = 0;
	assert_int_equal(store_participants(f.reader, &op, &list, &all), -EINVAL);
	all.limit = 1001;
	assert_int_equal(store_participants(f.reader, &op, &list, &all), -EINVAL);
	/* whom the log knows, each once, whatever else it holds */
	assert_int_equal(log_fixture_append(&f, 3), 0);
	assert_int_equal(WAIT(&f, &op, store_participant_keys(f.reader, &op, &list, (struct pg_bytes){0}, 10)), 0);
	assert_int_equal(list.n, 3);
	assert_string_equal(text(list.rows[0].key), key_of('a'));
	assert_string_equal(text(list.rows[2].key), key_of('c'));
	store_participants_clear(&list);
	assert_int_equal(WAIT(&f, &op, store_participant_keys(f.reader, &op, &list, pg_text(key_of('a')), 1)), 0);
	assert_int_equal(list.n, 1);
	assert_string_equal(text(list.rows[0].key), key_of('b'));
	store_participants_clear(&list);
}

static void removed_but_for_the_handle(void **state)
{
	struct pg_op op = {0};
	struct writing w;

	(void)state;
	begin(&w);
	assert_int_equal(store_participant_remove(w.txn, pg_text(key_of('a'))), 0);
	assert_int_equal(commit(&w, "alias", "x", NULL, NULL), 0);
	assert_null(find("alice"));
	assert_true(found.claimed_once);
	assert_string_equal(sql("select (select count(*) from participant_account) + (select count(*) from participant_message)"), "0");
	assert_int_equal(claim('a', "alice", 9), -EEXIST);
	begin(&w);
	assert_int_equal(store_participant_remove_all(w.txn), 0);
	for (uint64_t at = 5; at < 7; at++)
		assert_int_equal(WAIT(&f, &op, store_participant_keep_claimed(w.txn, &op, (const uint8_t[32]){1}, at)), 0);
	assert_int_equal(commit(&w, "alias", "x", NULL, NULL), 0);
	assert_string_equal(sql("select count(*) from participant"), "0");
	assert_string_equal(sql("select count(*) from handle_claimed"), "4");
	assert_string_equal(sql("select at from handle_claimed where get_byte(hash, 0) = 1"), "5");
}

/* ---- erasing payloads ---- */

static void payloads_go_by_an_erasure_alone(void **state)
{
	const char *app = fixture_as(f.conninfo, "kedge_app");
	uint64_t target = 1;
	struct writing w;
	uint8_t uid[32];

	(void)state;
	assert_string_equal(sql("select count(*) from payload where seq = 1"), "1");
	assert_string_equal(fixture_sqlstate(app, "delete from payload where seq = 1"), "42501");
	assert_string_equal(fixture_sqlstate(app, "select kedge_erase_payload(1)"), "P0002");
	/* an erasure of another entry, or one that is none by its kind, is no leave */
	begin(&w);
	assert_int_equal(commit(&w, "erasure", "x", (const uint8_t[32]){7}, &target), -ENOENT);
	assert_string_equal(sql("select count(*) from payload where seq = 1"), "1");
	const char *hex = sql("select encode(sha256('kedge/erasure/v1'::bytea || '\\x00'::bytea || int8send(1)), 'hex')");

	for (size_t i = 0; i < 32; i++) {
		unsigned byte;

		assert_int_equal(sscanf(hex + 2 * i, "%2x", &byte), 1);
		uid[i] = (uint8_t)byte;
	}
	begin(&w);
	assert_int_equal(commit(&w, "void", "x", uid, &target), -ENOENT);
	begin(&w);
	assert_int_equal(commit(&w, "erasure", "x", uid, &target), 0);
	assert_string_equal(sql("select count(*) from payload where seq = 1"), "0");
	assert_string_equal(sql("select count(*) from entry where seq = 1"), "1");
	/* again is harmless */
	assert_string_equal(fixture_sqlstate(app, "select kedge_erase_payload(1)"), "00000");
	assert_string_equal(fixture_sqlstate(app, "delete from handle_claimed"), "42501");
	assert_string_equal(fixture_sqlstate(app, "update handle_claimed set at = 0"), "42501");
	assert_string_equal(fixture_sqlstate(app, "delete from entry"), "42501");
}

/* ---- the queue ---- */

static int ask(unsigned number, bool by_operator, const char *body, uint64_t most)
{
	struct store_participant_request request = {.by_operator = by_operator, .body = pg_text(body)};
	struct pg_op op = {0};

	log_fixture_hash(request.hash, 'q', number);
	return WAIT(&f, &op, store_participant_ask(f.writer, &op, &request, most));
}

/* "BODY!" for the operator's. */
static const char *open_requests(unsigned limit)
{
	static char out[256];
	struct store_participant_requests list;
	struct pg_op op = {0};
	size_t at = 0;

	out[0] = '\0';
	assert_int_equal(WAIT(&f, &op, store_participant_open(f.reader, &op, &list, limit)), 0);
	for (size_t i = 0; i < list.n; i++)
		at += (size_t)snprintf(out + at, sizeof(out) - at, "%s%s%s", i ? " " : "", text(list.rows[i].body),
				       list.rows[i].by_operator ? "!" : "");
	store_participant_requests_clear(&list);
	return out;
}

/* "RULE" or "KEY SEQ" of the answer, "" for none. */
static const char *answer_to(unsigned number)
{
	static char out[256];
	struct store_participant_requests list;
	struct pg_op op = {0};
	uint8_t hash[32];

	out[0] = '\0';
	log_fixture_hash(hash, 'q', number);
	assert_int_equal(WAIT(&f, &op, store_participant_answers(f.reader, &op, &list, hash, 1)), 0);
	if (list.n == 1 && list.rows[0].rule.data)
		snprintf(out, sizeof(out), "%s", text(list.rows[0].rule));
	else if (list.n == 1)
		snprintf(out, sizeof(out), "%s %llu", text(list.rows[0].key), (unsigned long long)list.rows[0].seq);
	store_participant_requests_clear(&list);
	return out;
}

static int refuse(unsigned number, const char *rule)
{
	struct store_participant_request answer = {.rule = pg_text(rule)};
	struct pg_op op = {0};

	log_fixture_hash(answer.hash, 'q', number);
	return WAIT(&f, &op, store_participant_refuse(f.writer, &op, &fence, &answer));
}

static void requests_are_answered_once(void **state)
{
	struct store_participant_request answer = {.key = pg_text("urn:x"), .seq = 7};
	struct writing w;

	(void)state;
	assert_int_equal(ask(1, false, "one", 3), 0);
	assert_int_equal(ask(2, true, "two", 3), 0);
	assert_int_equal(ask(1, false, "again", 3), 0); /* it is there already */
	assert_string_equal(open_requests(10), "one two!");
	assert_string_equal(open_requests(1), "one");
	assert_string_equal(answer_to(1), "");
	assert_int_equal(ask(3, false, "three", 3), 0);
	assert_int_equal(ask(4, false, "four", 3), -EDQUOT);
	assert_int_equal(refuse(1, "handle-taken"), 0);
	assert_string_equal(answer_to(1), "handle-taken");
	assert_string_equal(sql("select count(*) from participant_request where body is null"), "1");
	/* what was refused may be asked again; what was done was done */
	assert_int_equal(ask(1, false, "anew", 3), 0);
	assert_string_equal(answer_to(1), "");
	assert_string_equal(open_requests(10), "anew two! three");
	log_fixture_hash(answer.hash, 'q', 2);
	begin(&w);
	assert_int_equal(store_participant_answer(w.txn, &answer), 0);
	assert_int_equal(commit(&w, "alias", "x", NULL, NULL), 0);
	assert_string_equal(answer_to(2), "urn:x 7");
	assert_int_equal(ask(2, false, "two", 3), 0);
	assert_string_equal(answer_to(2), "urn:x 7");
	assert_string_equal(open_requests(10), "anew three");
}

static void answers_go_after_a_while(void **state)
{
	struct pg_op op = {0};

	(void)state;
	assert_int_equal(WAIT(&f, &op, store_participant_sweep(f.writer, &op, &fence, 600000)), 0);
	assert_string_equal(answer_to(2), "urn:x 7");
	sql("update participant_request set answered = answered - 600001 where answered is not null");
	assert_int_equal(WAIT(&f, &op, store_participant_sweep(f.writer, &op, &fence, 600000)), 0);
	assert_string_equal(answer_to(2), "");
	assert_string_equal(open_requests(10), "anew three");
}

static void another_holder_writes_no_more(void **state)
{
	struct store_participant_put what = put_of('d', "dave", 20);
	struct pg_op op = {0};
	struct writing w;
	uint64_t size = strtoull(sql("select size from log_head"), NULL, 10);

	(void)state;
	sql("update duty set epoch = epoch + 1 where name = 'participants'");
	assert_int_equal(refuse(3, "x"), -ESTALE);
	assert_int_equal(WAIT(&f, &op, store_participant_sweep(f.writer, &op, &fence, 0)), 0); /* nothing to sweep asks no fence */
	begin(&w);
	assert_int_equal(store_participant_put(w.txn, &what), 0);
	assert_int_equal(commit(&w, "alias", "x", NULL, NULL), -ESTALE);
	assert_int_equal(strtoull(sql("select size from log_head"), NULL, 10), size);
	assert_null(find("dave"));
}

static int setup(void **state)
{
	struct pg_op op = {0};

	(void)state;
	log_fixture_open(&f);
	assert_int_equal(WAIT(&f, &op, store_duty_take(f.writer, &op, &epoch, "participants")), 0);
	fence.epoch = epoch;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	store_participant_found_clear(&found);
	log_fixture_close(&f);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(claimed_once_and_for_ever),
		cmocka_unit_test(what_a_claim_is_held_against),
		cmocka_unit_test(links_take_the_place_of_links),
		cmocka_unit_test(messages_are_found_again),
		cmocka_unit_test(lists_go_by_handle),
		cmocka_unit_test(removed_but_for_the_handle),
		cmocka_unit_test(payloads_go_by_an_erasure_alone),
		cmocka_unit_test(requests_are_answered_once),
		cmocka_unit_test(answers_go_after_a_while),
		cmocka_unit_test(another_holder_writes_no_more),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
