#pragma once
/* Between the files of the duty "files". */
#include "did/registration_file.h"
#include "gateway/fetch/content.h"
#include "gateway/steward/files.h"
#include "sql/store_file.h"

enum { FILES_BATCH = 64, FILES_RUN = 8, FILES_SERVICE_MAX = 256, FILES_AGAIN_MS = 200 };

enum files_state {
	FILES_WAITING, /* not begun, or its host is busy */
	FILES_FETCHING,
	FILES_FETCHED, /* content is there, or why not */
	FILES_ASKING,  /* domains are asked */
	FILES_ASKED,
	FILES_DONE,
};

struct files_domain {
	struct files_look *look;
	char name[DID_WEB_HOST_SIZE];
	const char *state; /* NULL: could not be asked now */
	uint64_t at;
};

/* One look at one agent's file. */
struct files_look {
	struct files_duty *duty;
	enum files_state state;
	uint64_t again_ms; /* FILES_WAITING: not before */
	struct agent_key key;
	const struct store_file_due *due;
	struct fetch_content content;
	uint8_t hash[32];
	bool has_hash;
	struct registration_file file;
	bool parsed, back;
	const char *status;
	char detail[STORE_FILE_DETAIL_MAX];
	struct files_domain domains[FILES_DOMAINS];
	size_t ndomains;
	unsigned pending;
};

struct files_duty {
	struct steward_context *ctx;
	struct pg_conn *reader;
	struct fetcher *fetcher;
	struct fetch_gateways gateways;
	struct chains chains;
	struct agent_defaults agents; /* what DIDs in files are held against */
	struct store_files_due due;
	struct files_look looks[FILES_BATCH];
	size_t nlooks;
	unsigned active;
};

/* files_own.c: true if the URI is of a file kept here, whose content the look then has. Turns the loop for SQL. */
bool files_look_own(struct files_look *look);
/* Of this host's own domain what setting own_agents says of the agent, "proved" or "other": that its file is kept or read here is no
 * sign that the operator vouches for it. NULL: another domain. */
const char *files_own_domain(const struct files_look *look, const char *domain);
/* files_look.c: what goes on by itself ends in steward_wake(). */
void files_look_begin(struct files_look *look);
/* Reads the content, and asks the domains that have not been asked lately. Turns the loop for SQL. */
__attribute__((warn_unused_result)) int files_look_read(struct files_look *look);
/* files_put.c: writes what was found. 0 also when the agent is gone. Turns the loop for SQL. */
__attribute__((warn_unused_result)) int files_look_put(struct files_look *look);
void files_look_clear(struct files_look *look);
