/*
 * Fan-out of server-sent events, measured from outside. One file, because its halves are meant to be compared: three servers that
 * send the same bytes, and the load that is the same for all.
 *
 *   bench_streams kedge CONNINFO     the gateway's own: gateway/http, the hub and PostgreSQL (a migrated database). Prints its port
 *   bench_streams suspended          libmicrohttpd alone, as it is meant to be used: a content reader that suspends. Prints its port
 *   bench_streams load NAME PORT PID SUBSCRIBERS EVENTS [CONNINFO]
 *
 * The load opens the streams, makes one event after the other (an entry in the log, or POST /emit with its text), waits for each until all
 * have it, then a burst; before and after the streams are opened it sends requests whose answer is one turn of the loop late, one after the
 * other. It reads the server's CPU from /proc.
 * tests/bench/sse.mjs is the fourth server.
 */
#include "gateway/routes/stream_hub.h"
#include "sql/listen.h"
#include "sql/store.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <libpq-fe.h>
#include <microhttpd.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define CHECK(what)                                                                                                                      \
	do {                                                                                                                                 \
		if (!(what)) {                                                                                                               \
			fprintf(stderr, "bench_streams: %s: %s\n", #what, strerror(errno));                                                  \
			exit(1);                                                                                                             \
		}                                                                                                                            \
	} while (0)

enum { STREAMS_MAX = 50000, BURST = 100, WAITING = 1000, PAUSE_US = 100000 };

static void raise_descriptors(void)
{
	struct rlimit limit;

	CHECK(getrlimit(RLIMIT_NOFILE, &limit) == 0);
	limit.rlim_cur = limit.rlim_max;
	CHECK(setrlimit(RLIMIT_NOFILE, &limit) == 0);
}

/* ---- the gateway ---- */

static struct service service;
static struct config config;

static void on_notify(void *arg, const char *channel, const char *payload)
{
	(void)arg;
	(void)channel;
	(void)payload;
	stream_hub_poke(service.streams);
}

static void on_ready(void *arg)
{
	(void)arg;
	service.listening = true;
}

static void answer_waiting(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	http_reply(arg, 200, "text/plain", "ok", 2);
}

/* As if the database had answered. */
static void get_wait(struct http_request *req)
{
	static const struct timeval at_once = {0, 0};

	CHECK(event_base_once(http_base(req), -1, EV_TIMEOUT, answer_waiting, req, &at_once) == 0);
}

static void serve_kedge(const char *conninfo)
{
	struct http_options options = {.connections = STREAMS_MAX, .streams = STREAMS_MAX, .user = &service};
	struct listen_config listening = {.conninfo = conninfo, .channels = {"kedge_head"}, .on_notify = on_notify, .on_ready = on_ready};
	struct http_server *server;
	struct http_router *router;
	struct http_route routes[] = {routes_streams[0], {.method = "GET", .pattern = "/wait", .handler = get_wait}};
	struct listen *listen_conn;

	snprintf(config.host, sizeof(config.host), "kedge.example");
	service.config = &config;
	service.base = event_base_new();
	service.defaults = (struct agent_defaults){.host = config.host, .chain = 31337, .registry = {{0x80, 0x04}}};
	for (size_t i = 0; i < SERVICE_READERS; i++) {
		CHECK(store_open(&service.readers[i], service.base, conninfo, "bench reader", STORE_READER, NULL, NULL) == 0);
		CHECK(pg_wait_up(service.base, service.readers[i], 10000) == 0);
	}
	CHECK(stream_hub_new(&service.streams, &service) == 0);
	CHECK(listen_open(&listen_conn, service.base, &listening) == 0);
	CHECK(http_router_new(&router, routes, 2) == 0);
	CHECK(http_listen_tcp(&options.fd, "127.0.0.1", 0, false) == 0);
	options.router = router;
	CHECK(http_server_new(&server, service.base, &options) == 0);
	printf("%u\n", http_server_port(server));
	fflush(stdout);
	event_base_dispatch(service.base);
}

/* ---- libmicrohttpd as it is meant to be used ---- */

struct reader {
	struct MHD_Connection *conn;
	size_t next; /* of the bytes sent to all */
	bool suspended;
};

static char *said; /* everything that was emitted */
static size_t said_len;
static struct reader readers[STREAMS_MAX];
static size_t nreaders;
static struct MHD_Connection *waiting[64];
static size_t nwaiting;
static bool resumed_some; /* which MHD_get_timeout() does not see */

static ssize_t read_said(void *arg, uint64_t position, char *out, size_t room)
{
	struct reader *r = arg;
	size_t n = said_len - r->next < room ? said_len - r->next : room;

	(void)position;
	if (n == 0) {
		r->suspended = true;
		MHD_suspend_connection(r->conn);
		return 0;
	}
	memcpy(out, said + r->next, n);
	r->next += n;
	return (ssize_t)n;
}

static enum MHD_Result begin_reader(struct MHD_Connection *conn)
{
	struct reader *r = &readers[nreaders++];
	struct MHD_Response *response;

	*r = (struct reader){.conn = conn, .next = said_len};
	response = MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, 1024, read_said, r, NULL);
	MHD_add_response_header(response, "Content-Type", "text/event-stream");
	enum MHD_Result rc = MHD_queue_response(conn, 200, response);
	MHD_destroy_response(response);
	return rc;
}

static enum MHD_Result answer_ok(struct MHD_Connection *conn)
{
	struct MHD_Response *response = MHD_create_response_from_buffer(2, (void *)(uintptr_t) "ok", MHD_RESPMEM_PERSISTENT);
	enum MHD_Result rc = MHD_queue_response(conn, 200, response);

	MHD_destroy_response(response);
	return rc;
}

static enum MHD_Result on_access(void *cls, struct MHD_Connection *conn, const char *url, const char *method, const char *version,
				 const char *upload, size_t *upload_len, void **context)
{
	static int asked, resumed;

	(void)cls;
	(void)method;
	(void)version;
	if (*context == NULL) {
		*context = &asked;
		return MHD_YES;
	}
	if (*upload_len > 0) {
		said = realloc(said, said_len + *upload_len);
		memcpy(said + said_len, upload, *upload_len);
		said_len += *upload_len;
		*upload_len = 0;
		return MHD_YES;
	}
	if (strcmp(url, "/emit") == 0) {
		for (size_t i = 0; i < nreaders; i++)
			if (readers[i].suspended) {
				readers[i].suspended = false;
				MHD_resume_connection(readers[i].conn);
				resumed_some = true;
			}
		return answer_ok(conn);
	}
	if (strcmp(url, "/wait") == 0 && *context == &asked) {
		*context = &resumed;
		waiting[nwaiting++] = conn;
		MHD_suspend_connection(conn);
		return MHD_YES;
	}
	return strcmp(url, "/wait") == 0 ? answer_ok(conn) : begin_reader(conn);
}

static void serve_suspended(void)
{
	int fd;

	CHECK(http_listen_tcp(&fd, "127.0.0.1", 0, false) == 0);
	struct MHD_Daemon *daemon =
		MHD_start_daemon(MHD_USE_EPOLL | MHD_USE_TURBO | MHD_ALLOW_SUSPEND_RESUME, 0, NULL, NULL, on_access, NULL, MHD_OPTION_LISTEN_SOCKET,
				 fd, MHD_OPTION_CONNECTION_LIMIT, (unsigned)STREAMS_MAX, MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)8192,
				 MHD_OPTION_CONNECTION_MEMORY_INCREMENT, (size_t)1024, MHD_OPTION_END);

	CHECK(daemon != NULL);
	printf("%u\n", http_listen_port(fd));
	fflush(stdout);
	struct pollfd ready = {.fd = MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd, .events = POLLIN};
	for (;;) {
		MHD_UNSIGNED_LONG_LONG ms = 1000;

		if (MHD_get_timeout(daemon, &ms) != MHD_YES || ms > 1000)
			ms = 1000;
		poll(&ready, 1, resumed_some ? 0 : (int)ms);
		resumed_some = nwaiting > 0;
		/* as if the database had answered */
		for (; nwaiting > 0; nwaiting--)
			MHD_resume_connection(waiting[nwaiting - 1]);
		MHD_run(daemon);
		resumed_some = resumed_some || nwaiting > 0;
	}
}

/* ---- the load ---- */

struct client {
	int fd;
	size_t bytes; /* since the head */
	bool begun;
	size_t wanted;
};

static struct client *clients;
static size_t nclients, nreached;
static int epoll;
static double *latencies, started; /* of the event that is on its way */

static double now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

static int connect_to(unsigned port)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM, 0), on = 1;

	CHECK(fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0);
	CHECK(setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) == 0);
	return fd;
}

/* CPU of a process's threads so far in µs, and its resident memory in KiB. schedstat counts nanoseconds, stat only ticks. */
static double cpu_us(int pid)
{
	char path[400], line[128];
	double total = 0;

	snprintf(path, sizeof(path), "/proc/%d/task", pid);
	DIR *tasks = opendir(path);
	CHECK(tasks);
	for (struct dirent *task; (task = readdir(tasks)) != NULL;) {
		if (*task->d_name == '.')
			continue;
		snprintf(path, sizeof(path), "/proc/%d/task/%s/schedstat", pid, task->d_name);
		FILE *file = fopen(path, "r");
		if (file && fgets(line, sizeof(line), file))
			total += strtod(line, NULL) / 1e3;
		if (file)
			fclose(file);
	}
	closedir(tasks);
	return total;
}

static long rss_kib(int pid)
{
	char path[64], line[256];
	long kib = 0;

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	FILE *file = fopen(path, "r");
	CHECK(file);
	while (fgets(line, sizeof(line), file))
		sscanf(line, "VmRSS: %ld", &kib);
	fclose(file);
	return kib;
}

static void take(struct client *c)
{
	char bytes[65536];
	ssize_t n;

	while ((n = recv(c->fd, bytes, sizeof(bytes) - 1, MSG_DONTWAIT)) > 0) {
		char *end = NULL;

		bytes[n] = '\0';
		if (!c->begun && (end = strstr(bytes, "\r\n\r\n")))
			n -= end + 4 - bytes;
		if (!c->begun && !end)
			continue;
		c->begun = true;
		bool before = c->bytes < c->wanted;
		c->bytes += (size_t)n;
		if (before && c->bytes >= c->wanted)
			latencies[nreached++] = now_us() - started;
	}
	CHECK(n < 0 && errno == EAGAIN);
}

static void turn(int ms)
{
	struct epoll_event events[256];
	int n = epoll_wait(epoll, events, 256, ms);

	for (int i = 0; i < n; i++)
		take(&clients[events[i].data.u64]);
}

static void open_streams(unsigned port, const char *path, size_t count)
{
	char request[256];
	int len = snprintf(request, sizeof(request), "GET %s HTTP/1.1\r\nHost: kedge.example\r\n\r\n", path);

	epoll = epoll_create1(0);
	for (nclients = 0; nclients < count; nclients++) {
		struct epoll_event event = {.events = EPOLLIN, .data.u64 = nclients};
		struct client *c = &clients[nclients];

		*c = (struct client){.fd = connect_to(port), .wanted = SIZE_MAX};
		CHECK(send(c->fd, request, (size_t)len, 0) == len);
		CHECK(epoll_ctl(epoll, EPOLL_CTL_ADD, c->fd, &event) == 0);
		turn(0);
	}
	for (size_t i = 0; i < nclients; i++)
		while (!clients[i].begun)
			turn(100);
	for (double end = now_us() + 500000; now_us() < end;)
		turn(10);
}

/* Entries of the log, each an event of the same length, from seq 10,000,000 on. */
static void emit_entries(PGconn *pg, unsigned count)
{
	char sql[2048];

	snprintf(sql, sizeof(sql),
		 "BEGIN; INSERT INTO entry (seq, at, kind, uid, subject, leaf, line) SELECT n, 1764000000000, 'identity', sha256(n::text::bytea),"
		 " 'eip155:31337/erc721:0x8004000000000000000000000000000000000000/' || n, sha256(n::text::bytea),"
		 " '{\"at\":1764000000000,\"block\":{\"chain\":\"eip155:31337\",\"hash\":\"0x' || repeat('ab', 32) || '\",\"number\":' || n || '},\"evidence\":\"' || repeat('0', 64)"
		 " || '\",\"kind\":\"identity\",\"owner\":\"0x' || repeat('cd', 20) || '\",\"subject\":\"eip155:31337/erc721:0x8004000000000000000000000000000000000000/' || n ||"
		 " '\",\"tier\":\"rpc\",\"uid\":\"' || repeat('1', 64) || '\",\"uri\":\"' || repeat('2', 64) || '\",\"v\":1,\"wallet\":\"0x' || repeat('ef', 20) || '\"}'"
		 " FROM log_head, generate_series(size, size + %u - 1) AS n; UPDATE log_head SET size = size + %u;"
		 " SELECT pg_notify('kedge_head', size::text) FROM log_head; COMMIT",
		 count, count);
	PGresult *res = PQexec(pg, sql);
	if (PQresultStatus(res) != PGRES_COMMAND_OK) {
		fprintf(stderr, "%s", PQerrorMessage(pg));
		exit(1);
	}
	PQclear(res);
}

/* The same bytes for the servers that know no log. */
static char event_text[2048];

static void make_text(void)
{
	int n = snprintf(event_text, sizeof(event_text), "id: 10000001\nevent: identity\ndata: ");

	memset(event_text + n, 'x', (size_t)(856 - n));
	memcpy(event_text + 854, "\n\n", 3);
}

static void emit_text(int fd, unsigned count)
{
	static char request[1 << 20];
	char answer[4096];
	size_t len = strlen(event_text);
	int n = snprintf(request, sizeof(request), "POST /emit HTTP/1.1\r\nHost: kedge.example\r\nContent-Length: %zu\r\n\r\n", len * count);

	for (unsigned i = 0; i < count; i++)
		memcpy(request + (size_t)n + i * len, event_text, len);
	CHECK(send(fd, request, (size_t)n + count * len, 0) == (ssize_t)((size_t)n + count * len));
	CHECK(recv(fd, answer, sizeof(answer), MSG_DONTWAIT) != 0);
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

struct source {
	PGconn *pg;
	int fd;
};

static void emit(const struct source *source, unsigned count)
{
	if (source->pg)
		emit_entries(source->pg, count);
	else
		emit_text(source->fd, count);
}

/* Emits, and waits until all have the bytes. Of an event `bytes` says how many those are; 0: whatever comes first, at least one. */
static void fan_out(const struct source *source, unsigned count, size_t bytes)
{
	for (size_t i = 0; i < nclients; i++)
		clients[i].wanted = clients[i].bytes + (bytes ? bytes : 1);
	nreached = 0;
	started = now_us();
	emit(source, count);
	while (nreached < nclients)
		turn(1000);
}

/* How dear a request is that waits, one after the other over one connection: to be taken from the CPU of the server. */
static void ask_waiting(unsigned port)
{
	static const char request[] = "GET /wait HTTP/1.1\r\nHost: kedge.example\r\n\r\n";
	const ssize_t len = (ssize_t)strlen(request);
	char answer[8192];
	int fd = connect_to(port);

	for (unsigned i = 0; i < WAITING; i++) {
		CHECK(send(fd, request, (size_t)len, 0) == len);
		CHECK(recv(fd, answer, sizeof(answer), 0) > 12 && memcmp(answer + 9, "200", 3) == 0);
	}
	close(fd);
}

static double waiting_cost(unsigned port, int pid)
{
	double least = 1e9;

	/* the least of several: what others on the machine do only adds */
	for (int i = 0; i < 8; i++) {
		double before = cpu_us(pid), each;

		ask_waiting(port);
		each = (cpu_us(pid) - before) / WAITING;
		least = each < least ? each : least;
	}
	return least;
}

static void load(char **argv, int argc)
{
	const char *name = argv[0];
	unsigned port = (unsigned)atoi(argv[1]), events = (unsigned)atoi(argv[4]);
	int pid = atoi(argv[2]);
	size_t count = (size_t)atoi(argv[3]), per_event;
	struct source source = {.pg = argc > 5 ? PQconnectdb(argv[5]) : NULL};
	bool log = argc > 5;

	raise_descriptors();
	clients = calloc(count, sizeof(*clients));
	latencies = calloc(count * events, sizeof(double));
	make_text();
	if (!log)
		source.fd = connect_to(port);
	long empty = rss_kib(pid);
	double alone = waiting_cost(port, pid);
	open_streams(port, "/v1/streams/participant.did", count);
	long full = rss_kib(pid);
	double beside = waiting_cost(port, pid);

	size_t head = clients[0].bytes;
	fan_out(&source, 1, 0);
	for (double end = now_us() + 500000; now_us() < end;)
		turn(10);
	per_event = clients[0].bytes - head;
	double before = cpu_us(pid), *all = latencies;
	for (unsigned i = 0; i < events; i++) {
		latencies = all + i * count;
		fan_out(&source, 1, per_event);
		usleep(PAUSE_US);
	}
	latencies = all;
	double each = (cpu_us(pid) - before) / ((double)events * (double)count);
	qsort(all, count * events, sizeof(double), by_value);
	double p50 = all[count * events / 2], p99 = all[count * events * 99 / 100];

	before = cpu_us(pid);
	started = now_us();
	fan_out(&source, BURST, (per_event - 8) * BURST); /* whatever the size of its chunks */
	double took = now_us() - started, burst = (cpu_us(pid) - before) / (BURST * (double)count);
	printf("  %-34s %6.2f us CPU a delivery (%zu streams, %u events of %zu bytes), p50 %.1f ms, p99 %.1f ms; burst of %d: %.2f us, %.0f/s;"
	       " %.1f KiB a stream; a request that waits %.1f us alone, %.1f us beside the streams\n",
	       name, each, count, events, per_event, p50 / 1e3, p99 / 1e3, BURST, burst, BURST * (double)count / took * 1e6,
	       (double)(full - empty) / (double)count, alone, beside);
}

int main(int argc, char **argv)
{
	signal(SIGPIPE, SIG_IGN);
	raise_descriptors();
	if (argc == 3 && strcmp(argv[1], "kedge") == 0)
		serve_kedge(argv[2]);
	else if (argc == 2 && strcmp(argv[1], "suspended") == 0)
		serve_suspended();
	else if ((argc == 7 || argc == 8) && strcmp(argv[1], "load") == 0)
		load(argv + 2, argc - 2);
	else
		return 2;
	return 0;
}
