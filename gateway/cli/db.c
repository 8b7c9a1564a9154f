/* kedge db: the schema. Blocking, on a connection of its own. */
#include "gateway/cli/cli.h"
#include "sql/migrate.h"
#include "sql/store.h"
#include "sql/store_log.h"

#include <errno.h>
#include <event2/event.h>
#include <stdio.h>
#include <string.h>

static const char usage[] = "usage: kedge db migrate [--create]\n"
			    "       kedge db check\n"
			    "       kedge db reindex --yes\n\n"
			    "  migrate   apply what is missing, one transaction each, and make the empty log of this origin\n"
			    "  check     exit 0 if the database is exactly as this program wants it\n"
			    "  reindex   empty the index of the registries, to be filled anew from the chains: after the index's alarm,\n"
			    "            when the chain really is another, or is to be trusted again. The log and hosted files stay\n\n"
			    "  --create  make the database first, if it does not exist\n"
			    "  --yes     meant: until the index has caught up, agents are read from the node, and their past is not answered";

static int create_database(const struct config *config)
{
	char why[256];
	int rc = migrate_create_database(why, sizeof(why), config->database);

	if (rc == 0)
		return CLI_OK;
	cli_error("%s%s", rc == -EINVAL ? "setting database: " : "", why);
	return rc == -EINVAL ? CLI_USAGE : rc == -EIO ? CLI_UNREACHABLE : CLI_FALSE;
}

static int create_log(const struct config *config)
{
	struct event_base *base = event_base_new();
	struct pg_conn *conn = NULL;
	struct pg_op op = {0};
	int rc = base ? store_open(&conn, base, config->database, "kedge db", STORE_WRITER, NULL, NULL) : -ENOMEM;

	if (rc == 0)
		rc = pg_wait(base, &op, store_head_create(conn, &op, config->origin));
	if (rc == -EEXIST)
		cli_error("the database holds another origin's log, not %s: check public_url, or use another database", config->origin);
	else if (rc != 0)
		cli_error("the log's head cannot be made: %s", strerror(-rc));
	pg_close(conn);
	if (base)
		event_base_free(base);
	return rc == 0 ? CLI_OK : CLI_FALSE;
}

/* What the store said, and where it does not answer, what may be the matter. */
static int failed(int rc, const char *why)
{
	cli_error("%s%s", why, rc != -EIO ? "" : "; is PostgreSQL running, and are the settings database and owner_database right? "
						   "`kedge db migrate --create` makes a new one");
	return rc == -EIO ? CLI_UNREACHABLE : CLI_FALSE;
}

static int migrate(const struct config *config)
{
	size_t applied = 0;
	char why[256];
	int rc = migrate_apply(&applied, why, sizeof(why), config->database);

	if (rc != 0)
		return failed(rc, why);
	printf("%zu migrations applied\n", applied);
	return create_log(config);
}

static int rebuild_index(const struct config *config, bool yes)
{
	char why[256];
	int rc;

	if (!yes) {
		cli_error("this empties the index; say --yes if you mean it");
		return CLI_USAGE;
	}
	rc = migrate_reindex(why, sizeof(why), config->database);
	if (rc == 0) {
		puts("the index is empty; a running gateway fills it anew");
		return CLI_OK;
	}
	return failed(rc, why);
}

int cli_db(int argc, char **argv)
{
	const char *word[1] = {NULL};
	bool done, create = false, yes = false;
	const struct cli_option options[] = {{.name = "create", .flag = &create}, {.name = "yes", .flag = &yes}, {.name = NULL}};
	struct config config;
	char why[256];
	int rc = cli_parse(&done, word, NULL, argc, argv, options, 1, 1, usage);

	if (rc != CLI_OK || done)
		return rc;
	rc = cli_config(&config);
	if (rc != CLI_OK)
		return rc;
	if (*config.owner_database)
		memcpy(config.database, config.owner_database, sizeof(config.database));
	if (strcmp(word[0], "migrate") == 0) {
		rc = create ? create_database(&config) : CLI_OK;
		return rc == CLI_OK ? migrate(&config) : rc;
	}
	if (strcmp(word[0], "check") == 0) {
		rc = migrate_check(why, sizeof(why), config.database);
		if (rc == 0) {
			puts("the database is as it should be");
			return CLI_OK;
		}
		return failed(rc, why);
	}
	if (strcmp(word[0], "reindex") == 0)
		return rebuild_index(&config, yes);
	fprintf(stderr, "kedge: no such word: db %s\n%s\n", word[0], usage);
	return CLI_USAGE;
}
