/* The tables' rows of one participant, out of its state. */
#include "gateway/steward/participants_internal.h"

#include "did/did_pkh.h"
#include "gateway/links/link.h"
#include "sql/store_link.h"

#include <stdlib.h>
#include <string.h>

enum { CLAIMS_MAX = PARTICIPANT_FOREIGN_DIDS_MAX + PARTICIPANT_ACCOUNTS_MAX };

static void fill_accounts(struct store_participant_account rows[static PARTICIPANT_ACCOUNTS_MAX], const struct participant_state *state)
{
	for (size_t i = 0; i < state->naccounts; i++) {
		const struct participant_state_account *account = &state->accounts[i];

		rows[i] = (struct store_participant_account){
			.chain_id = account->account.chain, .controller = account->controller, .contract = account->contract,
			.safe_number = account->judged.safe.number, .latest_number = account->judged.latest.number, .seq = account->seq};
		memcpy(rows[i].address, account->account.address.bytes, 20);
		memcpy(rows[i].safe_hash, account->judged.safe.hash, 32);
		memcpy(rows[i].latest_hash, account->judged.latest.hash, 32);
	}
}

static void fill_agents(struct store_participant_agent rows[static PARTICIPANT_AGENTS_MAX], const struct participant_state *state)
{
	for (size_t i = 0; i < state->nagents; i++) {
		const struct participant_state_agent *agent = &state->agents[i];

		rows[i] = (struct store_participant_agent){.chain_id = agent->agent.chain, .owner_signed = agent->signed_by_owner,
							   .safe_number = agent->read.safe.number,
							   .latest_number = agent->read.latest.number, .seq = agent->seq};
		memcpy(rows[i].registry, agent->agent.registry.bytes, 20);
		u256_to_bytes(rows[i].agent_id, &agent->agent.id);
		memcpy(rows[i].owner, agent->owner.bytes, 20);
		memcpy(rows[i].safe_hash, agent->read.safe.hash, 32);
		memcpy(rows[i].latest_hash, agent->read.latest.hash, 32);
	}
}

/* What somebody else has to confirm: foreign DIDs by their documents, and accounts by the contracts that signed. */
static int put_links(struct participants *p, struct pg_txn *txn)
{
	const struct participant_state *state = &p->state;
	struct store_link_claim claims[CLAIMS_MAX];
	char texts[PARTICIPANT_ACCOUNTS_MAX][DID_PKH_TEXT_SIZE];
	size_t n = 0;

	for (size_t i = 0; i < state->nforeign; i++)
		claims[n++] = (struct store_link_claim){.kind = LINK_FOREIGN, .object = pg_text(state->foreign[i].did), .seq = state->foreign[i].seq};
	for (size_t i = 0; i < state->naccounts; i++) {
		if (!state->accounts[i].contract)
			continue;
		did_pkh_format(texts[i], &state->accounts[i].account);
		claims[n++] = (struct store_link_claim){.kind = LINK_CONTRACT, .object = pg_text(texts[i]), .seq = state->accounts[i].seq};
	}
	return store_link_put_participant(txn, pg_text(p->key), state->at, claims, n);
}

int participants_put(struct participants *p, struct pg_txn *txn, const uint8_t *claims)
{
	const struct participant_state *state = &p->state;
	struct store_participant_account accounts[PARTICIPANT_ACCOUNTS_MAX];
	struct store_participant_agent agents[PARTICIPANT_AGENTS_MAX];
	struct store_participant_foreign foreign[PARTICIPANT_FOREIGN_DIDS_MAX];
	struct store_participant_put put = {
		.row = {.key = pg_text(p->key), .handle = pg_text(state->handle), .claimed = state->created_seq, .created = state->created_at,
			.seq = state->seq, .at = state->at, .entries = state->entries},
		.claimant_chain = state->claimant.chain,
		.accounts = accounts, .naccounts = state->naccounts,
		.agents = agents, .nagents = state->nagents,
		.foreign = foreign, .nforeign = state->nforeign,
		.messages = p->messages, .messages_seqs = p->messages_seqs, .nmessages = p->nmessages,
		.claims = claims,
	};
	char *text;
	size_t len;
	int rc = participant_state_write(&text, &len, state);

	if (rc != 0)
		return rc;
	memcpy(put.claimant, state->claimant.address.bytes, 20);
	fill_accounts(accounts, state);
	fill_agents(agents, state);
	for (size_t i = 0; i < state->nforeign; i++)
		foreign[i] = (struct store_participant_foreign){.did = pg_text(state->foreign[i].did), .seq = state->foreign[i].seq};
	put.row.state = pg_bytes(text, len);
	rc = store_participant_put(txn, &put);
	free(text);
	return rc == 0 ? put_links(p, txn) : rc;
}
