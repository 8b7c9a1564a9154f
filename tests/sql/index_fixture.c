#include "tests/sql/index_fixture.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "sql/store_duty.h"
#include "tests/sql/fixture.h"

void index_fixture_open(struct index_fixture *f)
{
	struct store_registry registry;
	uint8_t address[20];
	struct pg_op op = {0};

	memset(f, 0, sizeof(*f));
	memset(address, 0x88, sizeof(address));
	log_fixture_open(&f->log);
	assert_int_equal(WAIT(&f->log, &op, store_duty_take(f->log.writer, &op, &f->epoch, "index")), 0);
	f->fence = (struct store_fence){"index", f->epoch};
	assert_int_equal(WAIT(&f->log, &op,
			      store_registry_open(f->log.writer, &op, &registry, &f->fence, INDEX_CHAIN, address, 10)),
			 0);
	f->registry = registry.id;
	assert_int_equal(WAIT(&f->log, &op,
			      store_registries_follow(f->log.writer, &op, &f->fence, INDEX_CHAIN, &f->registry, 1)),
			 0);
}

void index_fixture_close(struct index_fixture *f)
{
	log_fixture_close(&f->log);
}

void index_block(struct store_index_block *out, uint64_t number, char branch, bool final)
{
	*out = (struct store_index_block){.number = number, .time = 1000 + 2 * number, .final = final};
	log_fixture_hash(out->hash, branch, number);
	log_fixture_hash(out->parent, branch, number - 1);
}

void index_place(struct store_index *out, uint64_t final_number, uint64_t tip_number, char branch)
{
	*out = (struct store_index){.final_number = final_number,
				    .tip_number = tip_number,
				    .tip_time = 1000 + 2 * tip_number,
				    .target = 1000,
				    .updated = 1};
	log_fixture_hash(out->final_hash, 'a', final_number);
	log_fixture_hash(out->tip_hash, branch, tip_number);
}

void index_id(uint8_t out[static 32], unsigned id)
{
	memset(out, id == 256 ? 0xff : 0, 32);
	if (id < 256)
		out[31] = (uint8_t)id;
}

void build_start(struct index_build *b, uint64_t final_number, uint64_t tip_number, char branch)
{
	memset(b, 0, sizeof(*b));
	index_place(&b->index, final_number, tip_number, branch);
	b->step = (struct store_index_step){.chain_id = INDEX_CHAIN,
					    .index = &b->index,
					    .blocks = b->blocks,
					    .events = b->events,
					    .states = b->states,
					    .proofs = b->proofs};
}

void build_blocks(struct index_build *b, uint64_t from, uint64_t to, char branch)
{
	for (uint64_t n = from; n <= to; n++)
		index_block(&b->blocks[b->step.nblocks++], n, branch, n <= b->index.final_number);
}

struct store_event *build_event(struct index_build *b, const struct index_fixture *f, unsigned id, uint64_t number,
				enum store_event_kind kind)
{
	struct store_event *event = &b->events[b->step.nevents];

	*event = (struct store_event){.registry = f->registry,
				      .number = number,
				      .log_index = (uint32_t)b->step.nevents++,
				      .has_agent = true,
				      .kind = kind};
	index_id(event->agent_id, id);
	log_fixture_hash(event->tx, 't', number);
	return event;
}

struct store_state *build_state(struct index_build *b, const struct index_fixture *f, unsigned id, uint64_t number,
				uint8_t owner, uint8_t wallet, const char *uri)
{
	struct store_state *state = &b->states[b->step.nstates++];

	*state = (struct store_state){.registry = f->registry,
				      .number = number,
				      .has_wallet = wallet != 0,
				      .uri = pg_text(uri),
				      .tier = STORE_TIER_RPC};
	index_id(state->agent_id, id);
	memset(state->owner, owner, 20);
	memset(state->wallet, wallet, 20);
	return state;
}

void build_proof(struct index_build *b, const struct index_fixture *f, unsigned id, uint64_t number, const char *body)
{
	struct store_proof *proof = &b->proofs[b->step.nproofs++];

	*proof = (struct store_proof){.registry = f->registry, .number = number, .body = pg_text(body)};
	index_id(proof->agent_id, id);
}

int build_put(struct index_build *b, struct index_fixture *f)
{
	struct pg_op op = {0};

	return WAIT(&f->log, &op, store_index_step(f->log.writer, &op, &f->fence, &b->step));
}

const char *state_text(struct index_fixture *f, unsigned id, bool at_time, uint64_t at)
{
	static char text[256];
	struct store_states list;
	struct store_index index;
	uint8_t agent[32];
	struct pg_op op = {0};

	index_id(agent, id);
	text[0] = '\0';
	const int err =
		WAIT(&f->log, &op, store_state_at(f->log.reader, &op, &list, &index, f->registry, agent, at_time, at));

	if (err == -ENOENT)
		return text;
	assert_int_equal(err, 0);
	assert_int_equal(list.n, 1);
	const struct store_state *s = &list.rows[0].state;

	assert_memory_equal(s->agent_id, agent, 32);
	assert_int_equal(list.rows[0].block.number, s->number);
	assert_int_equal(list.rows[0].block.time, 1000 + 2 * s->number);
	snprintf(text, sizeof(text), "%02x %02x %.*s %d %d @%llu", s->owner[0], s->has_wallet ? s->wallet[0] : 0,
		 (int)s->uri.len, (const char *)s->uri.data, s->changed, (int)s->tier, (unsigned long long)s->number);
	store_states_clear(&list);
	return text;
}

const char *now_text(struct index_fixture *f, unsigned id)
{
	char sql[512], hex[65];
	uint8_t agent[32];

	index_id(agent, id);
	for (size_t i = 0; i < 32; i++)
		snprintf(hex + 2 * i, 3, "%02x", agent[i]);
	snprintf(sql, sizeof(sql),
		 "SELECT encode(substr(owner, 1, 1), 'hex') || ' ' || coalesce(encode(substr(wallet, 1, 1), 'hex'), "
		 "'00')"
		 " || ' ' || convert_from(body, 'UTF8') || ' @' || number FROM agent_now a JOIN uri u ON u.hash = a.uri"
		 " WHERE registry = %u AND agent_id = '\\x%s'",
		 f->registry, hex);
	return fixture_sql(f->log.conninfo, sql);
}

const char *index_text(struct index_fixture *f)
{
	return fixture_sql(f->log.conninfo, "SELECT string_agg(t, E'\\n' ORDER BY t) FROM ("
					    "SELECT 'block ' || t::text FROM block t"
					    " UNION ALL SELECT 'event ' || t::text FROM agent_event t"
					    " UNION ALL SELECT 'state ' || t::text FROM agent_state t"
					    " UNION ALL SELECT 'proof ' || t::text FROM agent_proof t"
					    " UNION ALL SELECT 'now ' || t::text FROM agent_now t"
					    " UNION ALL SELECT 'uri ' || t::text FROM uri t"
					    " UNION ALL SELECT 'file ' || t::text FROM file t"
					    " UNION ALL SELECT 'file_now ' || t::text FROM file_now t"
					    " UNION ALL SELECT 'domain ' || t::text FROM domain_proof t"
					    " UNION ALL SELECT 'registry ' || t::text FROM registry t"
					    " UNION ALL SELECT 'place ' || final_number || final_hash::text || "
					    "tip_number || tip_hash::text FROM chain_index"
					    ") x(t)");
}
