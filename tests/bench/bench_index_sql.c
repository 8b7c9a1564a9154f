/*
 * The index's store by itself: 50,000 events (10,000 agents, 40,000 states) in steps of 5,000, then answers as of a
 * block for agents of 100 changes. Prints events a second, and microseconds an answer. Not a test.
 *
 *   bench_index_sql CONNINFO [EVENTS [STEP]]   CONNINFO of a role that may create databases
 */
#include <errno.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "sql/migrate.h"
#include "sql/store.h"
#include "sql/store_identity.h"

enum { CHAIN = 8453, ASKS = 20000, ROTATING = 100 };

static struct event_base *base;
static struct pg_conn *conn;

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static void must(const char *what, int err)
{
	if (!err)
		return;
	fprintf(stderr, "%s: %s; %s\n", what, strerror(-err), conn ? pg_last_error(conn) : "");
	exit(1);
}

static void number_id(uint8_t out[static 32], uint64_t number)
{
	memset(out, 0, 32);
	for (int i = 0; i < 8; i++)
		out[31 - i] = (uint8_t)(number >> (8 * i));
}

struct step {
	struct store_index index;
	struct store_index_block *blocks;
	struct store_event *events;
	struct store_state *states;
	char (*uris)[64];
};

/* Two events a block; every fifth registers an agent, the others change one of the agents there are. */
static void fill(struct step *s, uint32_t registry, uint64_t first, uint64_t n)
{
	for (uint64_t i = 0; i < n; i++) {
		const uint64_t event = first + i, number = 1 + event / 2, agents = 1 + event / 5;
		const uint64_t agent = event % 5 == 0 ? event / 5
				       : event % 2    ? event % ROTATING % agents
						      : event * 7919 % agents;
		struct store_event *e = &s->events[i];
		struct store_state *state = &s->states[i];

		s->blocks[i / 2] =
			(struct store_index_block){.number = number, .time = 1000 + 2 * number, .final = true};
		number_id(s->blocks[i / 2].hash, number);
		number_id(s->blocks[i / 2].parent, number - 1);
		*e = (struct store_event){.registry = registry,
					  .number = number,
					  .log_index = (uint32_t)(i % 2),
					  .has_agent = true,
					  .kind = event % 5 ? STORE_EVENT_TRANSFER : STORE_EVENT_REGISTERED};
		number_id(e->tx, event);
		number_id(e->agent_id, agent);
		memset(e->a, 1, 20);
		memset(e->b, (int)(event % 250), 20);
		snprintf(s->uris[i], sizeof(s->uris[i]), "https://agents.example/registration/%llu.json",
			 (unsigned long long)agent);
		if (event % 5 == 0)
			e->value = pg_text(s->uris[i]);
		*state = (struct store_state){.registry = registry,
					      .number = number,
					      .has_wallet = event % 3 == 0,
					      .uri = pg_text(s->uris[i]),
					      .tier = STORE_TIER_RPC};
		number_id(state->agent_id, agent);
		memset(state->owner, (int)(event % 250), 20);
		memset(state->wallet, (int)(event % 249), 20);
	}
}

/* Two states of one agent in one block are one: the later one. */
static size_t distinct(struct store_state *states, size_t n)
{
	size_t kept = 0;

	for (size_t i = 0; i < n; i++) {
		if (kept && states[kept - 1].number == states[i].number &&
		    !memcmp(states[kept - 1].agent_id, states[i].agent_id, 32))
			kept--;
		states[kept++] = states[i];
	}
	return kept;
}

static double insert(uint32_t registry, uint64_t total, uint64_t per_step)
{
	struct step s = {.blocks = calloc(per_step, sizeof(*s.blocks)),
			 .events = calloc(per_step, sizeof(*s.events)),
			 .states = calloc(per_step, sizeof(*s.states)),
			 .uris = calloc(per_step, sizeof(*s.uris))};
	struct pg_op op = {0};
	double spent = 0;

	if (!s.blocks || !s.events || !s.states || !s.uris)
		must("memory", -ENOMEM);
	for (uint64_t first = 0; first < total; first += per_step) {
		const uint64_t last = (first + per_step) / 2;

		fill(&s, registry, first, per_step);
		s.index = (struct store_index){.final_number = last, .tip_number = last, .tip_time = 1000 + 2 * last};
		number_id(s.index.final_hash, last);
		number_id(s.index.tip_hash, last);
		const struct store_index_step step = {.chain_id = CHAIN,
						      .index = &s.index,
						      .blocks = s.blocks,
						      .nblocks = per_step / 2,
						      .events = s.events,
						      .nevents = per_step,
						      .states = s.states,
						      .nstates = distinct(s.states, per_step),
						      .indexed = &registry,
						      .nindexed = 1,
						      .indexed_to = last};
		const double start = now();

		must("step", pg_wait(base, &op, store_index_step(conn, &op, NULL, &step)));
		spent += now() - start;
	}
	free(s.blocks);
	free(s.events);
	free(s.states);
	free(s.uris);
	return spent;
}

static double answer(uint32_t registry, uint64_t blocks, bool at_time)
{
	struct store_states list;
	struct store_index index;
	struct pg_op op = {0};
	uint8_t agent[32];
	const double start = now();

	for (uint64_t i = 0; i < ASKS; i++) {
		const uint64_t number = blocks / 10 + i * 7919 % (blocks - blocks / 10);

		number_id(agent, i % ROTATING);
		must("as of", pg_wait(base, &op,
				      store_state_at(conn, &op, &list, &index, registry, agent, at_time,
						     at_time ? 1000 + 2 * number : number)));
		store_states_clear(&list);
	}
	return now() - start;
}

static void execute(const char *conninfo, const char *sql)
{
	PGconn *pg = PQconnectdb(conninfo);
	PGresult *res = PQexec(pg, sql);

	if (PQresultStatus(res) != PGRES_COMMAND_OK) {
		fprintf(stderr, "%s: %s", sql, PQerrorMessage(pg));
		exit(1);
	}
	PQclear(res);
	PQfinish(pg);
}

int main(int argc, char **argv)
{
	const uint64_t total = argc > 2 ? strtoull(argv[2], NULL, 10) : 50000;
	const uint64_t per_step = argc > 3 ? strtoull(argv[3], NULL, 10) : 5000;
	const uint8_t address[20] = {0x80};
	struct store_registry registry;
	struct pg_op op = {0};
	char name[64], sql[128], conninfo[512], why[256];

	if (argc < 2 || !per_step || per_step % 2 || total % per_step)
		must("bench_index_sql CONNINFO [EVENTS [STEP]], a multiple of an even STEP", -EINVAL);
	snprintf(name, sizeof(name), "bench_index_%ld", (long)getpid());
	snprintf(sql, sizeof(sql), "CREATE DATABASE %s", name);
	execute(argv[1], sql);
	snprintf(conninfo, sizeof(conninfo), "%s dbname=%s", argv[1], name);
	if (migrate_apply(NULL, why, sizeof(why), conninfo))
		must(why, -EPROTO);
	base = event_base_new();
	must("open", store_open(&conn, base, conninfo, "bench", STORE_WRITER, NULL, NULL));
	must("connect", pg_wait_up(base, conn, 5000));
	must("registry", pg_wait(base, &op, store_registry_open(conn, &op, &registry, NULL, CHAIN, address, 1)));
	const double spent = insert(registry.id, total, per_step);

	printf("%llu events in steps of %llu: %.2f s, %.0f events/s\n", (unsigned long long)total,
	       (unsigned long long)per_step, spent, (double)total / spent);
	for (int by_time = 0; by_time < 2; by_time++)
		printf("as of %s: %.0f us an answer, one at a time\n", by_time ? "an instant" : "a block",
		       answer(registry.id, total / 2, by_time) / ASKS * 1e6);
	pg_close(conn);
	event_base_free(base);
	snprintf(sql, sizeof(sql), "DROP DATABASE %s", name);
	execute(argv[1], sql);
	return 0;
}
