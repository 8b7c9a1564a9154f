#pragma once
/* Duty "files": looks at the registration files of all agents of the index, again and again: what the URI leads to is
 * stored whenever it changed (docs/formats.md section 12), with what it says about itself confirmed: back-reference and
 * endpoint domains. Many fetches are under way at once; hosts that fail are left alone for longer and longer. */
#include "gateway/config.h"
#include "gateway/steward/steward.h"

enum {
	FILES_PARALLEL = 16,		/* agents looked at together */
	FILES_DOMAINS = 4,		/* endpoint domains asked of one agent */
	FILES_RETRY_S = 60,		/* after a failure, doubling ... */
	FILES_RETRY_MAX_S = 86400,	/* ... to this */
	FILES_DOMAIN_REFRESH_S = 86400, /* a domain is asked again after this long, */
	FILES_DOMAIN_RETRY_S = 3600,	/* one that could not be asked after this */
};

/* 0, or -EINVAL with err filled: a setting of files (ipfs_gateways, fetch_allow, fetch_ca) that cannot be read. Its text is not told: a
 * gateway's URL may hold a key. */
__attribute__((warn_unused_result)) int steward_files_check(struct config_error *err, const struct config *config);

__attribute__((warn_unused_result)) int steward_files_run(struct steward_context *ctx);
