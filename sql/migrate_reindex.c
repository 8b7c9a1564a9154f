/* The index made anew: everything the chain and the web can tell again goes, and who fills it is told by its fence. */
#include "sql/migrate.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* Hosted files, the log and whom it knows stay: nobody else has them. The notary looks at everything again; what it logged it
 * finds by its uid. One implicit transaction. */
static const char reindex[] =
	"UPDATE duty SET epoch = epoch + 1 WHERE name = 'index' OR name LIKE 'index/%' OR name IN ('notary', 'files');"
	/* what participants claim is the log's word, not the index's */
	"CREATE TEMPORARY TABLE kept ON COMMIT DROP AS SELECT * FROM link_claim WHERE seq IS NOT NULL;"
	"TRUNCATE chain_index, block, agent_event, agent_state, agent_proof, agent_now, file, file_now, domain_proof, uri, link_claim;"
	"INSERT INTO link_claim SELECT * FROM kept;"
	"UPDATE registry SET indexed = start_block - 1, fetched = NULL, followed = false, implementation = NULL, code_hash = NULL, known = false;"
	"UPDATE known_agent SET logged = -1, feedback = -1;"
	"UPDATE logged_identity SET seq = 0, checked = 0;";

int migrate_reindex(char *why, size_t why_size, const char *conninfo)
{
	PGconn *pg = PQconnectdb(conninfo);
	int err = -EIO;

	if (PQstatus(pg) == CONNECTION_OK) {
		PGresult *res = PQexec(pg, reindex);

		err = PQresultStatus(res) == PGRES_COMMAND_OK ? 0 : -EPROTO;
		PQclear(res);
	}
	if (err) {
		snprintf(why, why_size, "%s", PQerrorMessage(pg));
		why[strcspn(why, "\n")] = '\0';
	}
	PQfinish(pg);
	return err;
}
