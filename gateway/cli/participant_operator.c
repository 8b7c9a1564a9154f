/* kedge participant erase --operator, rebuild: asked for through the queue of the duty `participants`, which alone writes; on a connection
 * of its own. */
#include "gateway/cli/participant.h"
#include "gateway/cli/query.h"
#include "gateway/participant/rule.h"
#include "gateway/runtime/clock.h"
#include "sql/store_participant.h"

#include <errno.h>
#include <event2/event.h>
#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { WAIT_S = 60, POLL_MS = 100, OPEN_MAX = 2000 };

static const char rebuild_usage[] = "usage: kedge participant rebuild [--timeout S] [--json]\n\n"
				    "Works the tables of participants out anew from the log, in one transaction, by the running gateway.\n\n"
				    "  --timeout S  how long it is waited for [60]";

struct answer {
	char key[64], rule[64];
	uint64_t seq;
};

static int seconds(unsigned *out, const char *text)
{
	char *end;
	unsigned long value;

	*out = WAIT_S;
	if (!text)
		return CLI_OK;
	value = strtoul(text, &end, 10);
	if (*end || text[0] < '1' || text[0] > '9' || value > 86400) {
		cli_error("--timeout: %s: seconds are wanted, at most 86400", text);
		return CLI_USAGE;
	}
	*out = (unsigned)value;
	return CLI_OK;
}

static void copy_text(char *out, size_t size, struct pg_bytes text)
{
	snprintf(out, size, "%.*s", text.data ? (int)text.len : 0, text.data ? (const char *)text.data : "");
}

static int wait_answer(struct answer *out, struct event_base *base, struct pg_conn *conn, const uint8_t hash[static 32], unsigned wait_s)
{
	uint64_t start = clock_steady_ms();

	do {
		struct store_participant_requests list = {0};
		struct pg_op op = {0};
		int rc = pg_wait(base, &op, store_participant_answers(conn, &op, &list, hash, 1));
		bool answered = rc == 0 && list.n == 1;

		if (answered) {
			copy_text(out->key, sizeof(out->key), list.rows[0].key);
			copy_text(out->rule, sizeof(out->rule), list.rows[0].rule);
			out->seq = list.rows[0].seq;
		}
		store_participant_requests_clear(&list);
		if (rc != 0 || answered)
			return rc;
		nanosleep(&(struct timespec){.tv_nsec = POLL_MS * 1000000L}, NULL);
	} while (clock_steady_ms() - start < (uint64_t)wait_s * 1000);
	return -ETIMEDOUT;
}

static int ask(struct answer *out, struct event_base *base, struct pg_conn *conn, const char *body, unsigned wait_s)
{
	struct store_participant_request request = {.by_operator = true, .body = pg_text(body)};
	struct pg_op op = {0};
	int rc;

	randombytes_buf(request.hash, sizeof(request.hash));
	rc = pg_wait(base, &op, store_participant_ask(conn, &op, &request, OPEN_MAX));
	if (rc == 0)
		rc = wait_answer(out, base, conn, request.hash, wait_s);
	if (rc == 0 && out->rule[0]) {
		cli_error("refused: %s", participant_rule(out->rule)->detail);
		fprintf(stderr, "  rule: %s\n  next: %s\n", out->rule, participant_rule(out->rule)->next);
		return CLI_FALSE;
	}
	if (rc == 0)
		return CLI_OK;
	if (rc == -ETIMEDOUT) {
		cli_error("not done within %u s; it waits in the queue and is done once `kedge serve` runs", wait_s);
		return CLI_NOT_YET;
	}
	cli_error("the database does not take it: %s", strerror(-rc));
	return CLI_UNREACHABLE;
}

/* CLI_OK with the answer, or printed why not. */
static int order(struct answer *out, const json_t *wish, const char *timeout)
{
	struct event_base *base;
	struct pg_conn *conn = NULL;
	struct config config;
	unsigned wait_s;
	char *body;
	int rc = seconds(&wait_s, timeout);

	if (rc == CLI_OK)
		rc = cli_config(&config);
	if (rc != CLI_OK)
		return rc;
	base = event_base_new();
	body = json_dumps(wish, JSON_COMPACT | JSON_SORT_KEYS);
	rc = base && body ? store_open(&conn, base, config.database, "kedge participant", STORE_WRITER, NULL, NULL) : -ENOMEM;
	if (rc == 0) {
		rc = ask(out, base, conn, body, wait_s);
	} else {
		cli_error("the database cannot be opened: %s", strerror(-rc));
		rc = CLI_UNREACHABLE;
	}
	pg_close(conn);
	if (base)
		event_base_free(base);
	free(body);
	return rc;
}

int cli_participant_erase(const struct cli_participant_words *w)
{
	static const char *const reasons[] = {"request", "law", "mistake"};
	char handle[PARTICIPANT_HANDLE_SIZE];
	struct answer answer = {.seq = 0};
	bool known = false;
	int rc;

	for (size_t i = 0; w->reason && i < sizeof(reasons) / sizeof(reasons[0]); i++)
		known = known || strcmp(w->reason, reasons[i]) == 0;
	if (w->key || w->url || !known) {
		cli_error(known ? "--operator: it goes without --key and --url" : "--reason is one of request, law, mistake");
		return CLI_USAGE;
	}
	if (w->request && (strlen(w->request) != 64 || strspn(w->request, "0123456789abcdef") != 64)) {
		cli_error("--request: %s: 64 hex digits in lower case are wanted, a SHA-256", w->request);
		return CLI_USAGE;
	}
	if (participant_handle_fold(handle, w->word[0], strlen(w->word[0])) != 0) {
		cli_error("handle: %s: 3 to 20 of a-z, 0-9, _ and - are wanted", w->word[0]);
		return CLI_USAGE;
	}
	if (!w->yes) {
		cli_error("erase: %s: this is for ever; say --yes if you mean it", handle);
		return CLI_USAGE;
	}
	json_auto_t *wish = json_pack("{s:s, s:s, s:s, s:s*}", "verb", "erase", "handle", handle, "reason", w->reason, "request", w->request);

	rc = order(&answer, wish, w->timeout);
	if (rc == CLI_OK && w->json)
		printf("{\"handle\":\"%s\",\"participant\":\"%s\",\"seq\":%" PRIu64 "}\n", handle, answer.key, answer.seq);
	else if (rc == CLI_OK)
		printf("erased       %s\nparticipant  %s\nlast entry   %" PRIu64 "\n", handle, answer.key, answer.seq);
	return rc;
}

int cli_participant_rebuild(int argc, char **argv)
{
	const char *timeout = NULL;
	bool done, json = false;
	const struct cli_option options[] = {{.name = "timeout", .value = &timeout}, {.name = "json", .flag = &json}, {.name = NULL}};
	struct answer answer = {.seq = 0};
	int rc = cli_parse(&done, NULL, NULL, argc, argv, options, 0, 0, rebuild_usage);

	if (rc != CLI_OK || done)
		return rc;
	if (sodium_init() < 0)
		return CLI_FALSE;
	json_auto_t *wish = json_pack("{s:s}", "verb", "rebuild");

	rc = order(&answer, wish, timeout);
	if (rc == CLI_OK)
		printf(json ? "{\"rebuilt\":%" PRIu64 "}\n" : "%" PRIu64 " participants worked out anew\n", answer.seq);
	return rc;
}
