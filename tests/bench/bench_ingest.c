/* Attestations per second over HTTP, verified, fsynced and signed for: the load side of tests/bench/ingest.sh.
 *
 * Reads agents (lines "AGENTID HEXKEY"), makes and signs COUNT unique submissions beforehand, then posts them over C
 * kept-alive connections for at most SECONDS, one item a request or BATCH an array, and prints accepted items, rate and
 * latency from the request's first byte to the receipt's last. One thread on epoll; the body is only searched for
 * statuses. */
#include "eth/hex.h"
#include "eth/signature.h"
#include "gateway/record/attestation.h"
#include "gateway/record/typed.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum { AGENTS_MAX = 4096, CONNECTIONS_MAX = 1024, ANSWER_MAX = 16 << 20 };

struct plan {
	const char *origin, *host, *registry;
	uint64_t chain;
	unsigned port, connections, batch, seconds;
	size_t count;
};

static struct {
	char id[32];
	uint8_t key[32];
} agents[AGENTS_MAX];
static size_t nagents;

struct body {
	char *text;
	size_t length;
	size_t items;
};

struct connection {
	int fd;
	const struct body *body;
	char head[256];
	size_t head_len, sent;
	char *answer;
	size_t got, wanted, head_end;
	uint64_t began;
};

static uint64_t now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
}

static double cpu_seconds(void)
{
	struct rusage use;

	getrusage(RUSAGE_SELF, &use);
	return (double)(use.ru_utime.tv_sec + use.ru_stime.tv_sec) +
	       (double)(use.ru_utime.tv_usec + use.ru_stime.tv_usec) / 1e6;
}

static _Noreturn void die(const char *what)
{
	fprintf(stderr, "bench_ingest: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void read_agents(const char *path)
{
	char hex[80];
	FILE *f = fopen(path, "r");

	if (!f)
		die(path);
	while (nagents < AGENTS_MAX && fscanf(f, "%31s %79s", agents[nagents].id, hex) == 2) {
		size_t length;

		if (sodium_hex2bin(agents[nagents].key, 32, hex, 64, NULL, &length, NULL) != 0 || length != 32)
			die("agents file");
		nagents++;
	}
	fclose(f);
	if (nagents < 2)
		die("fewer than two agents");
}

/* ---- making ---- */

static char *make_item(struct merkle_hasher *hasher, const struct signature_context *context,
		       const struct record_names *names, size_t n, uint64_t salt)
{
	size_t issuer = n % nagents, subject = (n * 7 + 1 + n / nagents) % nagents;
	char text[1024], proof[HEX_DATA_SIZE(65)], *out;
	struct eth_signature signature;
	struct typed_fields fields;
	struct refusal why = {.code = REFUSAL_NONE};
	struct submission parsed;
	struct eth_hash digest;
	uint8_t uid[32], bytes[65];
	int length, attestation;

	if (issuer == subject)
		subject = (subject + 1) % nagents;
	attestation = snprintf(
		text, sizeof(text),
		"{\"attestation\":{\"schemaVersion\":\"attestation/v1\",\"id\":\"0x%064jx\",\"issuer\":\"%s\","
		"\"issuerKind\":\"agent\",\"subject\":\"%s\",\"claim\":{\"type\":\"peer.assessment\",\"data\":{\"tag\":"
		"\"reliable\",\"n\":%zu,\"run\":\"%ju\"}},\"note\":\"keeps promises under "
		"pressure\",\"confidence\":0.62,"
		"\"round\":%zu,\"issuedAt\":\"2026-05-01T18:22:07.412Z\"},\"context\":{\"game\":{\"id\":\"bench\"}}",
		(uintmax_t)n, agents[issuer].id, agents[subject].id, n, (uintmax_t)salt, n % 100);
	length = snprintf(text + attestation, sizeof(text) - (size_t)attestation,
			  ",\"proof\":{\"type\":\"eip712\",\"signature\":\"0x%0130d\"}}", 0);
	if (submission_parse(&parsed, &why, names, (const uint8_t *)text, (size_t)(attestation + length)) != 0) {
		fprintf(stderr, "%s %s\n", why.pointer, why.detail);
		die("item");
	}
	if (typed_uid(hasher, uid, parsed.attestation, parsed.game, NULL, NULL) != 0)
		die("uid");
	typed_fields_of(&fields, &parsed, names->origin, uid);
	typed_eip712_digest(&digest, &fields);
	if (signature_sign(context, &signature, &digest, agents[issuer].key) != 0)
		die("sign");
	submission_clear(&parsed);
	signature_serialize(bytes, &signature);
	hex_encode_data(proof, bytes, sizeof(bytes));
	if (asprintf(&out, "%.*s,\"proof\":{\"type\":\"eip712\",\"signature\":\"%s\"}}", attestation, text, proof) < 0)
		die("memory");
	return out;
}

static struct body *make_bodies(size_t *count, const struct plan *plan)
{
	struct record_names names = {.origin = plan->origin, .agents = {.host = plan->host, .chain = plan->chain}};
	size_t nbodies = plan->count / plan->batch, n = 0;
	struct body *bodies = calloc(nbodies, sizeof(*bodies));
	struct signature_context *context;
	struct merkle_hasher hasher;
	uint8_t seed[32];
	uint64_t salt;

	randombytes_buf(seed, sizeof(seed));
	randombytes_buf(&salt, sizeof(salt));
	context = signature_context_new(seed);
	if (!bodies || !context || merkle_hasher_init(&hasher) != 0 ||
	    address_parse(&names.agents.registry, plan->registry, strlen(plan->registry)) != 0)
		die("setting up");
	for (size_t i = 0; i < nbodies; i++) {
		size_t room = plan->batch * 1024 + 16, at = 0;
		char *text = malloc(room);

		if (!text)
			die("memory");
		if (plan->batch > 1)
			text[at++] = '[';
		for (size_t j = 0; j < plan->batch; j++) {
			char *item = make_item(&hasher, context, &names, n++, salt);
			size_t length = strlen(item);

			if (j > 0)
				text[at++] = ',';
			memcpy(text + at, item, length);
			at += length;
			free(item);
		}
		if (plan->batch > 1)
			text[at++] = ']';
		bodies[i] = (struct body){.text = realloc(text, at), .length = at, .items = plan->batch};
	}
	signature_context_free(context);
	merkle_hasher_clear(&hasher);
	*count = nbodies;
	return bodies;
}

/* ---- sending ---- */

static void open_connection(struct connection *c, int epoll, unsigned port)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct epoll_event event = {.events = EPOLLIN, .data.ptr = c};
	int one = 1;

	c->fd = socket(AF_INET, SOCK_STREAM, 0);
	if (c->fd < 0 || connect(c->fd, (struct sockaddr *)&address, sizeof(address)) != 0)
		die("connect");
	setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	c->answer = malloc(ANSWER_MAX);
	if (!c->answer || epoll_ctl(epoll, EPOLL_CTL_ADD, c->fd, &event) != 0)
		die("epoll");
}

static void send_body(struct connection *c, const struct body *body)
{
	struct iovec parts[2];
	size_t left;

	c->body = body;
	c->head_len = (size_t)snprintf(c->head, sizeof(c->head),
				       "POST /v1/attestations HTTP/1.1\r\nHost: bench\r\nContent-Type: "
				       "application/json\r\nContent-Length: %zu\r\n\r\n",
				       body->length);
	c->got = c->wanted = c->head_end = 0;
	c->began = now_us();
	parts[0] = (struct iovec){c->head, c->head_len};
	parts[1] = (struct iovec){body->text, body->length};
	left = c->head_len + body->length;
	while (left > 0) {
		/* blocking: the gateway reads as fast as it can, and a loopback buffer holds most bodies whole */
		ssize_t n = writev(c->fd, parts, 2);

		if (n < 0)
			die("send");
		left -= (size_t)n;
		for (int i = 0; i < 2; i++) {
			size_t step = (size_t)n < parts[i].iov_len ? (size_t)n : parts[i].iov_len;

			parts[i].iov_base = (char *)parts[i].iov_base + step;
			parts[i].iov_len -= step;
			n -= (ssize_t)step;
		}
	}
}

/* 1 when the answer is whole. */
static int receive(struct connection *c)
{
	ssize_t n = recv(c->fd, c->answer + c->got, ANSWER_MAX - 1 - c->got, 0);

	if (n <= 0)
		die("the gateway closed a connection");
	c->got += (size_t)n;
	c->answer[c->got] = '\0';
	if (c->wanted == 0) {
		char *end = strstr(c->answer, "\r\n\r\n"), *length;

		if (!end)
			return 0;
		length = strcasestr(c->answer, "Content-Length:");
		if (!length || length > end)
			die("an answer without length");
		c->head_end = (size_t)(end - c->answer) + 4;
		c->wanted = c->head_end + strtoul(length + 15, NULL, 10);
	}
	return c->got >= c->wanted;
}

static size_t accepted(const struct connection *c)
{
	size_t n = 0;

	for (const char *p = c->answer; (p = strstr(p, "\"status\":201")); p++)
		n++;
	return n;
}

static int by_size(const void *a, const void *b)
{
	const uint32_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

static void run(const struct plan *plan, const struct body *bodies, size_t nbodies)
{
	static struct connection connections[CONNECTIONS_MAX];
	uint32_t *latency = calloc(nbodies, sizeof(*latency));
	size_t next = 0, done = 0, good = 0, other = 0, busy = 0;
	int epoll = epoll_create1(0);
	uint64_t start, end;
	double cpu;

	if (!latency)
		die("memory");
	for (unsigned i = 0; i < plan->connections; i++)
		open_connection(&connections[i], epoll, plan->port);
	cpu = cpu_seconds();
	start = now_us();
	end = start + (uint64_t)plan->seconds * 1000000;
	for (unsigned i = 0; i < plan->connections && next < nbodies; i++, busy++)
		send_body(&connections[i], &bodies[next++]);
	while (busy > 0) {
		struct epoll_event events[64];
		int n = epoll_wait(epoll, events, 64, 30000);

		if (n <= 0)
			die("no answer for 30 s");
		for (int i = 0; i < n; i++) {
			struct connection *c = events[i].data.ptr;
			size_t ok;

			if (!receive(c))
				continue;
			ok = accepted(c);
			good += ok;
			other += c->body->items - ok;
			if (ok < c->body->items && other < 3 * plan->batch)
				fprintf(stderr, "%.600s\n", c->answer);
			latency[done++] = (uint32_t)(now_us() - c->began);
			busy--;
			if (next < nbodies && now_us() < end) {
				send_body(c, &bodies[next++]);
				busy++;
			}
		}
	}
	double seconds = (double)(now_us() - start) / 1e6;

	cpu = cpu_seconds() - cpu;

	qsort(latency, done, sizeof(*latency), by_size);
	printf("connections %u batch %u agents %zu: accepted %zu other %zu in %.2f s = %.0f/s; to receipt p50 %.2f ms "
	       "p99 %.2f ms max %.2f ms%s; load generator %.1f us CPU an item\n",
	       plan->connections, plan->batch, nagents, good, other, seconds, (double)good / seconds,
	       latency[done / 2] / 1e3, latency[done * 99 / 100] / 1e3, latency[done - 1] / 1e3,
	       next == nbodies ? " (ran out of prepared items)" : "", good ? cpu * 1e6 / (double)good : 0);
	free(latency);
}

int main(int argc, char **argv)
{
	struct plan plan;
	struct body *bodies;
	size_t nbodies;

	if (argc != 11 || sodium_init() < 0) {
		fprintf(stderr,
			"usage: bench_ingest AGENTS ORIGIN HOST CHAIN REGISTRY PORT CONNECTIONS BATCH SECONDS COUNT\n");
		return 2;
	}
	read_agents(argv[1]);
	plan = (struct plan){.origin = argv[2],
			     .host = argv[3],
			     .chain = strtoull(argv[4], NULL, 10),
			     .registry = argv[5],
			     .port = (unsigned)atoi(argv[6]),
			     .connections = (unsigned)atoi(argv[7]),
			     .batch = (unsigned)atoi(argv[8]),
			     .seconds = (unsigned)atoi(argv[9]),
			     .count = strtoull(argv[10], NULL, 10)};
	if (plan.connections < 1 || plan.connections > CONNECTIONS_MAX || plan.batch < 1 ||
	    plan.batch > BATCH_ITEMS_MAX)
		return 2;
	bodies = make_bodies(&nbodies, &plan);
	fprintf(stderr, "prepared %zu items\n", nbodies * plan.batch);
	run(&plan, bodies, nbodies);
	return 0;
}
