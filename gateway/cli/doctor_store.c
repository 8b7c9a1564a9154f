/* The database under the doctor's eye: reachable, of this program's schema, and how far the index is. */
#include "gateway/cli/doctor.h"
#include "gateway/runtime/clock.h"
#include "sql/migrate.h"
#include "sql/store.h"
#include "sql/store_identity.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { UP_MS = 5000, STILL_S = 300 };

static void say_index(struct cli_doctor *doctor, struct pg_conn *conn, const struct chains_chain *chain)
{
	struct store_index index;
	struct pg_op op = {0};
	uint64_t now = clock_wall_ms();
	char name[64];
	int err = pg_wait(doctor->base, &op, store_index(conn, &op, &index, chain->id));

	snprintf(name, sizeof(name), "index %" PRIu64, chain->id);
	if (err == -ENOENT)
		cli_doctor_say(doctor, CLI_DOCTOR_WARN, name, "Run `kedge serve`; until then agents are read from the chain directly.",
			       "nothing of %s is indexed yet", chain->name);
	else if (err != 0)
		cli_doctor_say(doctor, CLI_DOCTOR_FAIL, name, "Look at the database's log.", "it cannot be read: %s", strerror(-err));
	else if (now > index.updated + STILL_S * UINT64_C(1000))
		cli_doctor_say(doctor, CLI_DOCTOR_WARN, name,
			       "Is `kedge serve` running, and does the chain move? If so, the log of its process index says what holds it.",
			       "at block %" PRIu64 ", which it came to %" PRIu64 " s ago", index.tip_number, (now - index.updated) / 1000);
	else if (index.tip_number < index.target)
		cli_doctor_say(doctor, CLI_DOCTOR_WARN, name, "It is catching up: look again later.",
			       "at block %" PRIu64 ", final %" PRIu64 ", going to %" PRIu64 " (%" PRIu64 " left)", index.tip_number,
			       index.final_number, index.target, index.target - index.tip_number);
	else
		cli_doctor_say(doctor, CLI_DOCTOR_OK, name, NULL, "at block %" PRIu64 ", final %" PRIu64, index.tip_number,
			       index.final_number);
}

/* One that the settings name, one they named once, or the ReputationRegistry. */
static void say_registry(struct cli_doctor *doctor, const struct store_registry *row)
{
	const struct chains_registry *served;
	const struct chains *chains = &doctor->chains;
	struct eth_address address;
	char text[ADDRESS_TEXT_SIZE], reach[64];
	bool feedback;

	memcpy(address.bytes, row->address, sizeof(address.bytes));
	address_format_eip55(text, &address);
	served = chains_registry(chains, row->chain_id, &address);
	feedback = chains->has_reputation && chains->chains[0].id == row->chain_id && address_equal(&chains->reputation, &address);
	if (row->indexed < (int64_t)row->start_block)
		snprintf(reach, sizeof(reach), "nothing indexed yet from block %" PRIu64, row->start_block);
	else
		snprintf(reach, sizeof(reach), "indexed from block %" PRIu64 " to %" PRId64, row->start_block, row->indexed);
	if (served != NULL && served->start != row->start_block)
		cli_doctor_say(doctor, CLI_DOCTOR_FAIL, "registry",
			       "Set it back (registry_start, or registries): an index that began elsewhere would have a hole; or use a new database.",
			       "%" PRIu64 ":%s begins at block %" PRIu64 " in the settings, but at %" PRIu64 " in its index", row->chain_id, text,
			       served->start, row->start_block);
	else
		cli_doctor_say(doctor, CLI_DOCTOR_OK, feedback ? "feedback" : "registry", NULL, "%" PRIu64 ":%s %s%s", row->chain_id, text,
			       reach, served != NULL || feedback ? "" : ", not served any more");
}

static void say_missing(struct cli_doctor *doctor, const struct store_registries *list, const struct chains_registry *served)
{
	char text[ADDRESS_TEXT_SIZE];

	for (size_t i = 0; i < list->n; i++)
		if (list->rows[i].chain_id == served->chain_id && memcmp(list->rows[i].address, served->address.bytes, 20) == 0)
			return;
	address_format_eip55(text, &served->address);
	cli_doctor_say(doctor, CLI_DOCTOR_WARN, "registry", "Run `kedge serve` with these settings; until then its agents are read from the chain.",
		       "%" PRIu64 ":%s has no index yet", served->chain_id, text);
}

static void say_registries(struct cli_doctor *doctor, struct pg_conn *conn)
{
	struct store_registries list = {0};
	struct pg_op op = {0};

	if (pg_wait(doctor->base, &op, store_registries(conn, &op, &list)) != 0)
		return;
	for (size_t i = 0; i < list.n; i++)
		say_registry(doctor, &list.rows[i]);
	for (size_t i = 0; i < doctor->chains.nregistries; i++)
		say_missing(doctor, &list, &doctor->chains.registries[i]);
	store_registries_clear(&list);
}

void cli_doctor_store(struct cli_doctor *doctor)
{
	struct pg_conn *conn = NULL;
	char why[256];
	int err = migrate_check(why, sizeof(why), doctor->config.database);

	doctor->where = "database";
	if (err == -EIO) {
		doctor->unreachable = true;
		cli_doctor_say(doctor, CLI_DOCTOR_FAIL, "reachable", "Start PostgreSQL, correct the setting database, or make a new one with `kedge db migrate --create`.", "%s", why);
		return;
	}
	cli_doctor_say(doctor, CLI_DOCTOR_OK, "reachable", NULL, "PostgreSQL answers");
	if (err != 0) {
		cli_doctor_say(doctor, CLI_DOCTOR_FAIL, "schema",
			       err == -ENOENT ? "Run `kedge db migrate`." : "Use the program version that made it, or a new database.", "%s",
			       why);
		return;
	}
	cli_doctor_say(doctor, CLI_DOCTOR_OK, "schema", NULL, "as this program wants it");
	err = store_open(&conn, doctor->base, doctor->config.database, "kedge doctor", STORE_READER, NULL, NULL);
	if (err == 0)
		err = pg_wait_up(doctor->base, conn, UP_MS);
	if (err != 0) {
		cli_doctor_say(doctor, CLI_DOCTOR_FAIL, "statements", "Look at the database's log.", "the reader's connection fails");
	} else {
		say_registries(doctor, conn);
		for (size_t i = 0; i < doctor->chains.nchains; i++)
			say_index(doctor, conn, &doctor->chains.chains[i]);
	}
	pg_close(conn);
}
