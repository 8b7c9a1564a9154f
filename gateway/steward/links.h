#pragma once
/* Duty "links": asks, of what files and participants claim, those who have to confirm it: the documents of other hosts, and the contracts of accounts that
 * signed by them. What came of it is judged by gateway/links/link.h and stored (sql/store_link.h), from where documents are made.
 *
 * A foreign document is asked again at half the time that its word is good for, so that one failure costs nothing; what is not proven less and
 * less often. */
#include "gateway/steward/steward.h"

enum {
	LINKS_PARALLEL = 32,		 /* asked together */
	LINKS_SLOW_MS = 1500,		 /* who takes longer waits for those who do not, proven or not */
	LINKS_PATIENCE_MS = 2000,	 /* of a batch with a host that is asked enough for the moment */
	LINKS_REFRESH_S = 150,		 /* of a proven foreign link; LINK_FOREIGN_MS / 2 */
	LINKS_UNSURE_S = 30,		 /* one that is proven still, though nothing was heard this time */
	LINKS_RETRY_S = 60,		 /* one that is not proven, doubling ... */
	LINKS_RETRY_MAX_S = 86400,	 /* ... to this */
	LINKS_BUSY_S = 5,		 /* nobody could be asked */
	LINKS_CONTRACT_S = 86400,	 /* a contract, */
	LINKS_CONTRACT_RETRY_S = 600,	 /* whose chain could not be read */
};

__attribute__((warn_unused_result)) int steward_links_run(struct steward_context *ctx);
