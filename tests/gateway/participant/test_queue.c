/* A worker's end of the queue, on a real PostgreSQL; this test is the duty. */
#include "gateway/participant/queue.h"
#include "tests/sql/fixture.h"
#include "tests/sql/log_fixture.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

static struct log_fixture f;
static struct participant_queue *queue;

struct told {
	unsigned times;
	int err;
	char text[64]; /* rule, or key and seq */
};

static void on_answer(void *arg, int err, const struct store_participant_request *answer)
{
	struct told *told = arg;

	told->times++;
	told->err = err;
	if (answer && answer->rule.data)
		snprintf(told->text, sizeof(told->text), "%.*s", (int)answer->rule.len, (const char *)answer->rule.data);
	else if (answer)
		snprintf(told->text, sizeof(told->text), "%.*s %ju", (int)answer->key.len, (const char *)answer->key.data, (uintmax_t)answer->seq);
}

static void open_queue(void)
{
	log_fixture_open(&f);
	assert_int_equal(participant_queue_new(&queue, f.base, f.writer, f.reader), 0);
}

static void close_queue(void)
{
	log_fixture_close(&f);
	participant_queue_free(queue);
}

static int ask(struct told *told, uint8_t what)
{
	struct store_participant_request request = {.body = pg_text("body")};

	memset(request.hash, what, sizeof(request.hash));
	return participant_queue_ask(queue, &request, on_answer, told);
}

static void turn(unsigned ms)
{
	event_base_loopexit(f.base, &(struct timeval){.tv_usec = (suseconds_t)ms * 1000});
	event_base_dispatch(f.base);
}

static void turn_until(const unsigned *times, unsigned wanted)
{
	for (int i = 0; i < 200 && *times < wanted; i++)
		turn(20);
	assert_int_equal(*times, wanted);
}

static void all_who_ask_are_told_once(void **state)
{
	struct told a = {0}, again = {0}, b = {0}, late = {0};

	(void)state;
	open_queue();
	assert_int_equal(ask(&a, 1), 0);
	assert_int_equal(ask(&again, 1), 0);
	assert_int_equal(ask(&b, 2), 0);
	turn(300);
	assert_int_equal(a.times + again.times + b.times, 0);
	assert_string_equal(fixture_sql(f.conninfo, "select count(*) from participant_request where body = 'body'"), "2");
	fixture_sql(f.conninfo, "update participant_request set answered = 1, body = null, key = 'urn', seq = 7 where hash = decode(repeat('01', 32), 'hex')");
	participant_queue_hint(queue);
	turn_until(&again.times, 1);
	assert_int_equal(a.times, 1);
	assert_int_equal(b.times, 0);
	assert_string_equal(a.text, "urn 7");
	assert_string_equal(again.text, "urn 7");
	/* nobody says that it was answered: it is looked at now and then */
	fixture_sql(f.conninfo, "update participant_request set answered = 1, body = null, rule = 'quota' where hash = decode(repeat('02', 32), 'hex')");
	turn_until(&b.times, 1);
	assert_string_equal(b.text, "quota");
	assert_int_equal(b.err, 0);
	/* what was done stays answered */
	assert_int_equal(ask(&late, 1), 0);
	turn_until(&late.times, 1);
	assert_string_equal(late.text, "urn 7");
	close_queue();
	assert_int_equal(a.times + again.times + b.times + late.times, 4);
}

static void full_queues_say_so(void **state)
{
	struct told told[PARTICIPANT_QUEUE_WAITING] = {{0}}, more = {0};

	(void)state;
	open_queue();
	fixture_sql(f.conninfo, "insert into participant_request (hash, at, operator, body) select sha256(n::text::bytea), 1, false, 'x' from generate_series(1, 998) n");
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(ask(&told[i], (uint8_t)i), 0);
	turn_until(&told[2].times, 1);
	assert_int_equal(told[2].err, -EDQUOT);
	fixture_sql(f.conninfo, "delete from participant_request");
	for (unsigned i = 3; i < PARTICIPANT_QUEUE_WAITING + 1; i++)
		assert_int_equal(ask(&told[i % PARTICIPANT_QUEUE_WAITING], (uint8_t)i), 0);
	assert_int_equal(ask(&more, 1), -EAGAIN);
	turn(100);
	close_queue();
	assert_int_equal(more.times, 0);
	for (unsigned i = 1; i < PARTICIPANT_QUEUE_WAITING; i++)
		/* aborted: not even in the queue when the connection closed */
		if (told[i].times != 1 || (i == 2 ? told[i].err != -EDQUOT : told[i].err != -ECANCELED && told[i].err != -ECONNABORTED))
			fail_msg("%u: told %u times, %d", i, told[i].times, told[i].err);
	assert_int_equal(told[0].times, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_who_ask_are_told_once),
		cmocka_unit_test(full_queues_say_so),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
