/* /v1/streams over a real server and a real PostgreSQL: every entry once and in order, wherever a client begins, however slow it
 * is, and whatever connection is lost meanwhile. */
#include "gateway/routes/stream_hub.h"
#include "gateway/runtime/metrics.h"
#include "sql/listen.h"
#include "sql/store.h"
#include "tests/gateway/http/rig.h"
#include "tests/sql/fixture.h"

#include <arpa/inet.h>
#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#define PATH "/v1/streams/participant.did"

struct world {
	struct rig http;
	struct service service;
	struct config config;
	struct listen *listen;
	const char *conninfo;
	unsigned ready, lost;
};

static struct world w;
static struct rig_reply reply;

/* ---- the log, written from outside ---- */

/* Entry n is an index head where n % 5 is 1, an attestation where it is 2 or 3, else one of the stream: claims of a participant every 100,
 * links of it, identities. `extra` is run in the same transaction. */
static void append(unsigned count, const char *extra)
{
	static char sql[8192];

	snprintf(sql, sizeof(sql),
		 "BEGIN; SELECT size FROM log_head FOR UPDATE;"
		 "CREATE TEMP TABLE fresh ON COMMIT DROP AS SELECT n, CASE n %% 5 WHEN 1 THEN 'index' WHEN 2 THEN 'attestation' WHEN 3 THEN 'attestation'"
		 " ELSE CASE WHEN n %% 100 = 0 THEN 'alias' WHEN n %% 10 = 0 THEN 'link' ELSE 'identity' END END AS kind,"
		 " 'urn:kedge:p:' || md5((n / 100)::text) AS p FROM log_head, generate_series(size, size + %u - 1) AS n;"
		 "INSERT INTO entry (seq, at, kind, uid, subject, leaf, line) SELECT n, 1000 + n, kind,"
		 " CASE kind WHEN 'index' THEN NULL ELSE sha256(n::text::bytea) END,"
		 " CASE kind WHEN 'index' THEN NULL WHEN 'alias' THEN p WHEN 'link' THEN p"
		 "  ELSE 'eip155:31337/erc721:0x8004000000000000000000000000000000000000/' || n END, sha256(n::text::bytea),"
		 " '{\"at\":' || 1000 + n || CASE kind WHEN 'identity' THEN ',\"block\":{\"chain\":\"eip155:31337\",\"hash\":\"0x00\",\"number\":' || n * 2 || '}'"
		 "  ELSE '' END || ',\"kind\":\"' || kind || '\",\"v\":1}' FROM fresh;"
		 "INSERT INTO payload (seq, body) SELECT n, CASE kind WHEN 'alias' THEN '{\"handle\":\"h' || n / 100 || '\",\"salt\":\"00\",\"verb\":\"claim\"}'"
		 " ELSE '{\"object\":\"did:web:b.example\",\"salt\":\"00\",\"verb\":\"link\"}' END::bytea FROM fresh WHERE kind IN ('alias', 'link');"
		 "UPDATE log_head SET size = size + %u; %s; SELECT pg_notify('kedge_head', size::text) FROM log_head; COMMIT",
		 count, count, extra ? extra : "SELECT 1");
	fixture_sql(w.conninfo, sql);
}

static bool is_event(uint64_t seq)
{
	return seq % 5 == 0 || seq % 5 == 4;
}

static uint64_t log_size(void)
{
	return strtoull(fixture_sql(w.conninfo, "SELECT size FROM log_head"), NULL, 10);
}

/* ---- the gateway, as worker.c puts it together ---- */

static void on_notify(void *arg, const char *channel, const char *payload)
{
	(void)arg;
	(void)payload;
	assert_string_equal(channel, "kedge_head");
	stream_hub_poke(w.service.streams);
}

static void on_ready(void *arg)
{
	(void)arg;
	w.ready++;
	w.service.listening = true;
	stream_hub_poke(w.service.streams);
}

static void on_lost(void *arg)
{
	(void)arg;
	w.lost++;
	w.service.listening = false;
}

static void open_world(const struct http_options *given, bool listens)
{
	struct http_options options = given ? *given : (struct http_options){.fd = -1};
	struct listen_config config = {.channels = {"kedge_head"}, .on_notify = on_notify, .on_ready = on_ready, .on_lost = on_lost};
	struct eth_address registry = {{0x80, 0x04}};

	w = (struct world){.conninfo = fixture_migrated()};
	fixture_sql(w.conninfo, "INSERT INTO log_head (origin) VALUES ('kedge.example/log')");
	w.http.base = event_base_new();
	assert_non_null(w.http.base);
	snprintf(w.config.host, sizeof(w.config.host), "kedge.example:8004");
	w.service.config = &w.config;
	w.service.base = w.http.base;
	w.service.defaults = (struct agent_defaults){.host = w.config.host, .chain = 31337, .registry = registry};
	for (size_t i = 0; i < SERVICE_READERS; i++) {
		assert_int_equal(store_open(&w.service.readers[i], w.http.base, w.conninfo, "test", STORE_READER, NULL, NULL), 0);
		assert_int_equal(pg_wait_up(w.http.base, w.service.readers[i], 10000), 0);
	}
	assert_int_equal(stream_hub_new(&w.service.streams, &w.service), 0);
	if (listens) {
		config.conninfo = w.conninfo;
		assert_int_equal(listen_open(&w.listen, w.http.base, &config), 0);
		for (int i = 0; i < 2000 && w.ready == 0; i++)
			rig_turn(&w.http, 2);
		assert_int_equal(w.ready, 1);
	}
	assert_int_equal(http_router_new(&w.http.router, routes_streams, routes_streams_count), 0);
	assert_int_equal(http_listen_tcp(&options.fd, "127.0.0.1", 0, true), 0);
	options.router = w.http.router;
	options.user = &w.service;
	options.public_url = "https://kedge.example";
	assert_int_equal(http_server_new(&w.http.server, w.http.base, &options), 0);
}

static void close_world(void)
{
	http_server_free(w.http.server);
	listen_close(w.listen);
	for (size_t i = 0; i < SERVICE_READERS; i++)
		pg_close(w.service.readers[i]);
	stream_hub_free(w.service.streams);
	http_router_free(w.http.router);
	event_base_free(w.http.base);
}

/* ---- a client ---- */

struct client {
	int fd;
	char *bytes;
	size_t len, room;
	bool closed;
	/* of what came last: */
	uint64_t seqs[20000];
	size_t nseqs;
	uint64_t last_id; /* as a browser would keep it */
};

static struct client clients[24];

static void client_open(struct client *c, const char *target, const char *headers)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(http_server_port(w.http.server))};
	const int bytes = 65536;
	char request[512];

	*c = (struct client){.fd = socket(AF_INET, SOCK_STREAM, 0)};
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(setsockopt(c->fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes)), 0);
	assert_int_equal(connect(c->fd, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(fcntl(c->fd, F_SETFL, O_NONBLOCK), 0);
	rig_send(c->fd, request,
		 (size_t)snprintf(request, sizeof(request), "GET %s HTTP/1.1\r\nHost: a.example\r\n%s\r\n", target, headers ? headers : ""));
}

static void client_take(struct client *c)
{
	ssize_t n;

	do {
		if (c->room - c->len < 65536) {
			c->room = c->room * 2 + 131072;
			c->bytes = realloc(c->bytes, c->room);
			assert_non_null(c->bytes);
		}
		n = recv(c->fd, c->bytes + c->len, 65535, 0);
		if (n > 0)
			c->len += (size_t)n;
	} while (n > 0);
	c->closed = c->closed || n == 0 || errno != EAGAIN;
	c->bytes[c->len] = '\0';
}

static void client_close(struct client *c)
{
	close(c->fd);
	free(c->bytes);
	c->bytes = NULL;
}

/* What came, as a client of server-sent events sees it (WHATWG HTML §9.2.6): seqs of the events and the last id. */
static void client_parse(struct client *c)
{
	bool whole, has_data = false;
	char *body = rig_unchunk(c->bytes, c->len, &whole), *next;
	uint64_t id = c->last_id = 0;

	c->nseqs = 0;
	for (char *line = body; (next = strchr(line, '\n')) != NULL; line = next + 1) {
		*next = '\0';
		if (strncmp(line, "id: ", 4) == 0)
			id = strtoull(line + 4, NULL, 10);
		else if (strncmp(line, "data: ", 6) == 0)
			has_data = true;
		else
			assert_true(*line == '\0' || *line == ':' || strncmp(line, "event: ", 7) == 0 || strncmp(line, "retry: ", 7) == 0);
		if (*line != '\0')
			continue;
		assert_true(id >= c->last_id);
		c->last_id = id;
		if (has_data) {
			assert_true(c->nseqs < 20000);
			c->seqs[c->nseqs++] = id - 1;
		}
		has_data = false;
	}
	free(body);
}

/* Exactly the stream's entries of [from, to), each once and in order. */
static bool client_has(struct client *c, uint64_t from, uint64_t to)
{
	size_t i = 0;

	if (c->len == 0 || !strstr(c->bytes, "\r\n\r\n"))
		return false;
	client_parse(c);
	for (uint64_t seq = from; seq < to; seq++) {
		if (!is_event(seq))
			continue;
		if (i == c->nseqs)
			return false;
		assert_int_equal(c->seqs[i++], seq);
	}
	assert_int_equal(i, c->nseqs);
	return true;
}

static void wait_has(struct client *c, uint64_t from, uint64_t to)
{
	bool has = false;

	for (int i = 0; i < 1500 && !has; i++) {
		rig_turn(&w.http, i < 50 ? 1 : 10);
		client_take(c);
		has = client_has(c, from, to);
	}
	if (!has)
		fail_msg("%zu events of [%ju, %ju), last id %ju", c->nseqs, (uintmax_t)from, (uintmax_t)to, (uintmax_t)c->last_id);
}

static void ask(const char *target, const char *headers)
{
	char request[512];
	int fd = rig_connect(&w.http);

	rig_send(fd, request,
		 (size_t)snprintf(request, sizeof(request), "GET %s HTTP/1.1\r\nHost: a.example\r\n%s\r\n", target, headers ? headers : ""));
	rig_receive_one(&w.http, &reply, fd);
	close(fd);
}

/* ---- tests ---- */

static void an_event_says_who_changed_and_how(void **state)
{
	const char *key = fixture_sql(fixture_server(), "SELECT md5('0')");
	char expected[1024];
	struct client *c = &clients[0];

	(void)state;
	open_world(NULL, true);
	append(11, NULL);
	client_open(c, PATH "?from=0", NULL);
	wait_has(c, 0, 11);
	assert_non_null(strstr(c->bytes, "Content-Type: text/event-stream\r\n"));
	assert_non_null(strstr(c->bytes, "Vary: Accept\r\n"));
	assert_non_null(strstr(c->bytes, "retry: "));
	snprintf(expected, sizeof(expected),
		 "id: 1\nevent: alias\ndata: {\"at\":1000,\"did\":\"did:web:kedge.example%%3A8004:character:h0\",\"entry\":{\"at\":1000,\"kind\":\"alias\",\"v\":1},"
		 "\"handle\":\"h0\",\"kind\":\"alias\",\"seq\":0,\"subject\":\"urn:kedge:p:%s\",\"verb\":\"claim\",\"versionId\":\"0\"}\n\n",
		 key);
	assert_non_null(strstr(c->bytes, expected));
	snprintf(expected, sizeof(expected),
		 "id: 11\nevent: link\ndata: {\"at\":1010,\"did\":\"did:web:kedge.example%%3A8004:character:h0\",\"entry\":{\"at\":1010,\"kind\":\"link\",\"v\":1},"
		 "\"kind\":\"link\",\"object\":\"did:web:b.example\",\"seq\":10,\"subject\":\"urn:kedge:p:%s\",\"verb\":\"link\",\"versionId\":\"10\"}\n\n",
		 key);
	assert_non_null(strstr(c->bytes, expected));
	assert_non_null(strstr(c->bytes, "id: 5\nevent: identity\ndata: {\"at\":1004,\"did\":\"did:web:kedge.example%3A8004:agent:31337:4\",\"entry\":{\"at\":1004,"
					 "\"block\":{\"chain\":\"eip155:31337\",\"hash\":\"0x00\",\"number\":8},\"kind\":\"identity\",\"v\":1},\"kind\":\"identity\","
					 "\"seq\":4,\"subject\":\"eip155:31337/erc721:0x8004000000000000000000000000000000000000/4\",\"versionId\":\"8\"}\n\n"));
	client_close(c);
	/* an empty Accept is none */
	client_open(c, PATH "?from=0", "Accept:\r\n");
	wait_has(c, 0, 11);
	client_close(c);
	close_world();
}

static void of_the_erased_nothing_is_left_but_their_key(void **state)
{
	const char *key = fixture_sql(fixture_server(), "SELECT md5('0')");
	char expected[512];
	struct client *c = &clients[0], *live = &clients[1];

	(void)state;
	open_world(NULL, true);
	client_open(live, PATH "?from=0", NULL);
	rig_turn(&w.http, 30);
	append(11, NULL);
	wait_has(live, 0, 11);
	assert_non_null(strstr(live->bytes, "character:h0"));
	/* the events are kept in memory, but no longer than the payloads */
	fixture_sql(w.conninfo, "BEGIN; DELETE FROM payload;"
				"INSERT INTO entry (seq, at, kind, uid, subject, leaf, line) SELECT 11, 1011, 'erasure', sha256('e'), subject, sha256('e'),"
				" '{\"at\":1011,\"by\":\"participant\",\"kind\":\"erasure\",\"target\":0,\"v\":1}' FROM entry WHERE seq = 0;"
				"UPDATE log_head SET size = 12; SELECT pg_notify('kedge_head', '12'); COMMIT");
	rig_turn(&w.http, 100);
	client_open(c, PATH "?from=0", NULL);
	for (int i = 0; i < 500 && (c->len == 0 || !strstr(c->bytes, "event: erasure")); i++) {
		rig_turn(&w.http, 2);
		client_take(c);
	}
	assert_null(strstr(c->bytes, "h0"));
	assert_null(strstr(c->bytes, "b.example"));
	snprintf(expected, sizeof(expected), "data: {\"at\":1010,\"did\":null,\"entry\":{\"at\":1010,\"kind\":\"link\",\"v\":1},\"erased\":true,\"kind\":\"link\",\"seq\":10,"
					     "\"subject\":\"urn:kedge:p:%s\",\"versionId\":null}\n\n", key);
	assert_non_null(strstr(c->bytes, expected));
	snprintf(expected, sizeof(expected), "id: 12\nevent: erasure\ndata: {\"at\":1011,\"did\":null,\"entry\":{\"at\":1011,\"by\":\"participant\",\"kind\":\"erasure\",\"target\":0,\"v\":1},"
					     "\"kind\":\"erasure\",\"seq\":11,\"subject\":\"urn:kedge:p:%s\",\"versionId\":null}\n\n", key);
	assert_non_null(strstr(c->bytes, expected));
	/* who has them is given the erasure, and nothing again */
	client_take(live);
	client_parse(live);
	assert_int_equal(live->nseqs, 6);
	assert_int_equal(live->seqs[5], 11);
	client_parse(c);
	assert_int_equal(c->nseqs, 6);
	client_close(live);
	client_close(c);
	close_world();
}

static void a_client_begins_where_it_says(void **state)
{
	struct client *all = &clients[0], *now = &clients[1], *later = &clients[2], *back = &clients[3], *end = &clients[4];

	(void)state;
	open_world(NULL, true);
	append(2000, NULL); /* many pages */
	client_open(all, PATH "?from=0", NULL);
	wait_has(all, 0, 2000);
	client_open(now, PATH, NULL);
	wait_has(now, 0, 0);
	assert_int_equal(now->last_id, 2000); /* it could come back already */
	client_open(later, PATH "?from=1234", NULL);
	wait_has(later, 1234, 2000);
	/* the browser's word goes before that of the URL */
	client_open(back, PATH "?from=0", "Last-Event-ID: 1990\r\n");
	wait_has(back, 1990, 2000);
	client_open(end, PATH "?from=2000", "Last-Event-ID:\r\n");
	wait_has(end, 0, 0);
	append(37, NULL);
	wait_has(all, 0, 2037);
	wait_has(now, 2000, 2037);
	wait_has(later, 1234, 2037);
	wait_has(back, 1990, 2037);
	wait_has(end, 2000, 2037);
	assert_int_equal(all->last_id, 2036);
	for (int i = 0; i < 5; i++)
		client_close(&clients[i]);
	/* the last one has gone; who comes next finds what was logged meanwhile */
	rig_turn(&w.http, 20);
	assert_int_equal(http_server_streams(w.http.server), 0);
	append(100, NULL);
	client_open(back, PATH "?from=2037", NULL);
	wait_has(back, 2037, 2137);
	client_close(back);
	close_world();
}

static void what_is_no_stream_is_refused_with_words(void **state)
{
	static const struct {
		const char *target, *headers;
		unsigned status;
		const char *text;
	} rows[] = {
		{"/v1/streams/none", NULL, 404, "Streams: participant.did"},
		{PATH "?from=x", NULL, 400, "plain decimal"},
		{PATH "?from=", NULL, 400, "plain decimal"},
		{PATH "?from=01", NULL, 400, "plain decimal"},
		{PATH "?from=-1", NULL, 400, "plain decimal"},
		{PATH "?from=9007199254740992", NULL, 400, "plain decimal"},
		{PATH "?from=99999999999999999999", NULL, 400, "plain decimal"},
		{PATH "?from=1&from=2", NULL, 400, "more than once"},
		{PATH "?since=1", NULL, 400, "from, limit"},
		{PATH "?from=0", "Last-Event-ID: x\r\n", 400, "plain decimal"},
		{PATH "?limit=0", NULL, 400, "1 to 1000"},
		{PATH "?limit=1001", NULL, 400, "1 to 1000"},
		{PATH, "Accept: application/json\r\n", 406, "text/event-stream"},
		{PATH "?from=21", NULL, 404, "not that large"},
		{PATH, "Last-Event-ID: 9007199254740991\r\n", 404, "begin again with ?from=0"},
		{PATH "?from=21", "Accept: application/x-ndjson\r\n", 404, "not that large"},
	};

	(void)state;
	open_world(NULL, true);
	append(20, NULL);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		ask(rows[i].target, rows[i].headers);
		if (rig_status(&reply) != rows[i].status || !rig_has(&reply, rows[i].text))
			fail_msg("%s %s: %s", rows[i].target, rows[i].headers ? rows[i].headers : "", reply.bytes);
	}
	assert_int_equal(http_server_streams(w.http.server), 0);
	close_world();
}

static void a_page_lists_the_same_events(void **state)
{
	uint64_t next = 0, seq = 0;
	char target[128];

	(void)state;
	open_world(NULL, true);
	append(300, NULL);
	for (int page = 0; next < 300; page++) {
		assert_true(page < 10);
		snprintf(target, sizeof(target), PATH "?from=%ju&limit=25", (uintmax_t)next);
		ask(target, "Accept: application/x-ndjson\r\n");
		assert_int_equal(rig_status(&reply), 200);
		assert_true(rig_has(&reply, "Content-Type: application/x-ndjson\r\n"));
		unsigned lines = 0;
		char *line = strstr(reply.bytes, "\r\n\r\n") + 4;
		for (char *end; (end = strchr(line, '\n')) != NULL; line = end + 1) {
			char expected[32];

			if (strncmp(line, "{\"next\":", 8) == 0) {
				next = strtoull(line + 8, NULL, 10);
				assert_non_null(strstr(line, ",\"size\":300}\n"));
				assert_string_equal(end + 1, "");
				continue;
			}
			while (!is_event(seq))
				seq++;
			snprintf(expected, sizeof(expected), "\"seq\":%ju,", (uintmax_t)seq++);
			*end = '\0';
			assert_non_null(strstr(line, expected));
			lines++;
		}
		assert_in_range(lines, 1, 25);
	}
	assert_int_equal(seq, 300);
	assert_int_equal(next, 300);
	ask(PATH "?from=300", "Accept: text/html, application/x-ndjson;q=0.5\r\n");
	assert_string_equal(rig_body(&reply), "{\"next\":300,\"size\":300}\n");
	close_world();
}

/* A process that appends all the time while clients come in. */
static void there_is_no_seam_between_the_past_and_the_present(void **state)
{
	enum { CLIENTS = 24, ROUNDS = 150 };
	uint64_t from[CLIENTS];

	(void)state;
	open_world(NULL, true);
	append(400, NULL);
	pid_t writer = fork();
	if (writer == 0) {
		for (int i = 0; i < ROUNDS; i++)
			append(1 + (unsigned)i % 13, NULL);
		_exit(0);
	}
	for (int i = 0; i < CLIENTS; i++) {
		char target[128];

		from[i] = i % 3 == 0 ? 0 : log_size() - (unsigned)(i % 7);
		snprintf(target, sizeof(target), PATH "?from=%ju", (uintmax_t)from[i]);
		client_open(&clients[i], target, NULL);
		for (int k = 0; k < 10; k++) {
			rig_turn(&w.http, 5);
			client_take(&clients[i]);
		}
	}
	for (int status = 0; waitpid(writer, &status, WNOHANG) == 0;)
		rig_turn(&w.http, 5);
	uint64_t size = log_size();
	assert_true(size > 1200);
	for (int i = 0; i < CLIENTS; i++) {
		wait_has(&clients[i], from[i], size);
		client_close(&clients[i]);
	}
	close_world();
}

static void a_slow_client_gets_everything_at_its_own_pace(void **state)
{
	struct http_options options = {.fd = -1, .stream_queue = 20000};
	struct client *slow = &clients[0], *quick = &clients[1];

	(void)state;
	open_world(&options, true);
	client_open(slow, PATH "?from=0", NULL);
	client_open(quick, PATH "?from=0", NULL);
	rig_turn(&w.http, 50);
	for (int i = 0; i < 8; i++) {
		append(1000, NULL); /* 3,200 events: more than are kept, and than the kernel takes */
		for (int k = 0; k < 20; k++) {
			rig_turn(&w.http, 3);
			client_take(quick);
		}
	}
	wait_has(quick, 0, 8000);
	assert_int_equal(http_server_streams(w.http.server), 2);
	wait_has(slow, 0, 8000);
	append(10, NULL);
	wait_has(slow, 0, 8010);
	client_close(slow);
	client_close(quick);
	close_world();
}

static void a_lost_connection_to_the_database_loses_no_event(void **state)
{
	static const char terminate[] = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = current_database()"
					" AND pid <> pg_backend_pid()";
	struct client *old = &clients[0], *fresh = &clients[1];

	(void)state;
	open_world(NULL, true);
	append(500, NULL);
	client_open(old, PATH "?from=0", NULL);
	wait_has(old, 0, 500);
	for (int round = 0; round < 3; round++) {
		unsigned ready = w.ready;
		uint64_t size = log_size();

		/* at once, and while it is in the middle of pages */
		client_open(fresh, PATH "?from=0", NULL);
		fixture_sql(w.conninfo, terminate);
		append(100, NULL);
		fixture_sql(w.conninfo, terminate);
		for (int i = 0; i < 2000 && w.ready == ready; i++) {
			rig_turn(&w.http, 5);
			if (i % 20 == 0)
				stream_hub_tick(w.service.streams);
		}
		assert_true(w.lost > 0);
		stream_hub_tick(w.service.streams);
		wait_has(old, 0, size + 100);
		for (int i = 0; i < 20; i++) {
			rig_turn(&w.http, 20);
			stream_hub_tick(w.service.streams);
		}
		client_take(fresh);
		/* it is refused, or has everything */
		if (strncmp(fresh->bytes, "HTTP/1.1 503", 12) != 0)
			wait_has(fresh, 0, size + 100);
		client_close(fresh);
	}
	client_close(old);
	close_world();
}

static void without_notifications_the_log_is_looked_at_now_and_then(void **state)
{
	struct client *c = &clients[0];

	(void)state;
	open_world(NULL, false);
	client_open(c, PATH "?from=0", NULL);
	rig_turn(&w.http, 30);
	append(20, NULL);
	rig_turn(&w.http, 50);
	client_take(c);
	assert_true(client_has(c, 0, 0));
	stream_hub_tick(w.service.streams);
	wait_has(c, 0, 20);
	client_close(c);
	close_world();
}

static void silence_is_filled_with_the_place(void **state)
{
	struct http_options options = {.fd = -1, .stream_silence_ms = 100, .idle_ms = 100};
	struct client *c = &clients[0];

	(void)state;
	open_world(&options, true);
	append(5, NULL);
	client_open(c, PATH, NULL);
	rig_turn(&w.http, 300);
	client_take(c);
	assert_non_null(strstr(c->bytes, ":\nid: 5\n\n"));
	/* entries of other kinds move the place too, so that a client which comes back is near the head */
	append(1, NULL);
	append(3, NULL);
	rig_turn(&w.http, 400);
	client_take(c);
	client_parse(c);
	assert_int_equal(c->nseqs, 1);
	assert_int_equal(c->last_id, 9);
	client_close(c);
	close_world();
}

static void what_is_no_entry_is_passed_over(void **state)
{
	struct client *live = &clients[0], *past = &clients[1];

	(void)state;
	open_world(NULL, true);
	client_open(live, PATH, NULL);
	rig_turn(&w.http, 30);
	append(11, "UPDATE entry SET line = 'broken' WHERE seq = 5; UPDATE payload SET body = 'broken' WHERE seq = 10");
	client_open(past, PATH "?from=0", NULL);
	for (int i = 0; i < 2; i++) {
		struct client *c = &clients[i];

		for (int k = 0; k < 200 && c->nseqs < 4; k++) {
			rig_turn(&w.http, 5);
			client_take(c);
			if (c->len > 0)
				client_parse(c);
		}
		assert_int_equal(c->nseqs, 4);
		assert_int_equal(c->seqs[0], 0);
		assert_int_equal(c->seqs[1], 4);
		assert_int_equal(c->seqs[2], 9);
		assert_int_equal(c->seqs[3], 10);
		client_close(c);
	}
	close_world();
}

static void subscribers_may_go_and_the_server_be_freed_while_pages_are_read(void **state)
{
	struct metrics *metrics;

	(void)state;
	assert_int_equal(metrics_new(&metrics, 1), 0);
	assert_int_equal(metrics_attach(metrics, 0), 0);
	open_world(NULL, true);
	append(3000, NULL);
	for (int round = 0; round < 6; round++) {
		for (int i = 0; i < 12; i++)
			client_open(&clients[i], PATH "?from=0", NULL);
		for (int k = 0; k < round * 3; k++)
			event_base_loop(w.http.base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
		for (int i = 0; i < 12; i++)
			client_close(&clients[i]);
		rig_turn(&w.http, 30);
		assert_int_equal(http_server_streams(w.http.server), 0);
	}
	client_open(&clients[0], PATH "?from=0", NULL);
	wait_has(&clients[0], 0, 3000);
	client_close(&clients[0]);
	rig_turn(&w.http, 20);
	assert_int_equal(metrics_read(metrics, METRIC_STREAMS), 0);
	assert_true(metrics_read(metrics, METRIC_STREAM_EVENTS) >= 1200);
	for (int i = 0; i < 12; i++)
		client_open(&clients[i], PATH "?from=0", NULL);
	for (int k = 0; k < 12; k++)
		event_base_loop(w.http.base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
	close_world();
	for (int i = 0; i < 12; i++)
		client_close(&clients[i]);
	metrics_free(metrics);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_event_says_who_changed_and_how),
		cmocka_unit_test(of_the_erased_nothing_is_left_but_their_key),
		cmocka_unit_test(a_client_begins_where_it_says),
		cmocka_unit_test(what_is_no_stream_is_refused_with_words),
		cmocka_unit_test(a_page_lists_the_same_events),
		cmocka_unit_test(there_is_no_seam_between_the_past_and_the_present),
		cmocka_unit_test(a_slow_client_gets_everything_at_its_own_pace),
		cmocka_unit_test(a_lost_connection_to_the_database_loses_no_event),
		cmocka_unit_test(without_notifications_the_log_is_looked_at_now_and_then),
		cmocka_unit_test(silence_is_filled_with_the_place),
		cmocka_unit_test(what_is_no_entry_is_passed_over),
		cmocka_unit_test(subscribers_may_go_and_the_server_be_freed_while_pages_are_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
