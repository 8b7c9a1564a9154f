/* Asking: another host for its document, or a chain for what an account's contract says of a signature. */
#include "gateway/steward/links_internal.h"

#include "did/did_pkh.h"
#include "did/foreign_document.h"
#include "did/participant_handle.h"
#include "gateway/runtime/clock.h"
#include "gateway/runtime/log.h"

#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

enum { HEADS_FRESH_MS = 5000, CHAIN_DEADLINE_MS = 4000, CHAIN_DOWN_MS = 10000, LINKS_AGAIN_MS = 200 };

static void answered(struct links_check *check, enum link_reverse reverse, const char *why)
{
	check->reverse = reverse;
	(void)snprintf(check->why, sizeof(check->why), "%s", why);
	check->state = LINKS_ASKED;
	check->took = clock_steady_ms() - check->began;
	steward_wake(check->duty->ctx);
}

static void put_off(struct links_check *check)
{
	check->busy = true;
	check->state = LINKS_ASKED;
	steward_wake(check->duty->ctx);
}

/* The host is asked by others of this batch, or has been for this second: many links of one host follow each other, rather than each of them waiting
 * for the next round. */
static void wait_for_host(struct links_check *check)
{
	uint64_t now = clock_steady_ms();

	if (now - check->duty->batch_ms >= LINKS_PATIENCE_MS) {
		put_off(check);
		return;
	}
	check->state = LINKS_WAITING;
	check->again_ms = now + LINKS_AGAIN_MS;
	check->duty->active--;
}

/* ---- documents of other hosts ---- */

/* did: room for a participant's. -EBADMSG: who claims is nobody. */
static int subject_of(struct link_subject *out, char did[static PARTICIPANT_DID_SIZE], const struct links_check *check)
{
	const struct store_link_due *due = check->due;
	char handle[PARTICIPANT_HANDLE_SIZE];

	*out = (struct link_subject){.did = NULL};
	if (!due->has_seq)
		return agent_key_parse(&out->agent, (const char *)due->subject.data, due->subject.len);
	if (!due->handle.data || due->handle.len >= sizeof(handle))
		return -EBADMSG;
	memcpy(handle, due->handle.data, due->handle.len);
	handle[due->handle.len] = '\0';
	out->did = did;
	return participant_did_format(did, handle, check->duty->agents.host) > 0 ? 0 : -EBADMSG;
}

static void object_text(char out[static LINK_OBJECT_SIZE], const struct links_check *check)
{
	size_t len = check->due->object.len < LINK_OBJECT_SIZE ? check->due->object.len : LINK_OBJECT_SIZE - 1;

	memcpy(out, check->due->object.data, len);
	out[len] = '\0';
}

static void read_document(struct links_check *check, const char *text, size_t len)
{
	char own[PARTICIPANT_DID_SIZE], did[LINK_OBJECT_SIZE], why[FOREIGN_DOCUMENT_WHY_SIZE];
	struct link_subject subject;
	json_t *document = NULL;

	object_text(did, check);
	(void)crypto_hash_sha256(check->hash, (const uint8_t *)text, len);
	check->has_hash = true;
	if (subject_of(&subject, own, check) != 0)
		put_off(check);
	else if (foreign_document_parse(&document, why, text, len, did) != 0)
		answered(check, LINK_UNKNOWN, why);
	else if (link_confirms(document, &subject, &check->duty->agents))
		answered(check, LINK_CONFIRMED, "");
	else
		answered(check, LINK_DENIED, "The document does not list the subject in alsoKnownAs.");
	json_decref(document);
}

static void on_document(void *arg, const struct foreign_answer *answer)
{
	struct links_check *check = arg;

	switch (answer->end) {
	case FOREIGN_OK:
		read_document(check, answer->text, answer->len);
		return;
	case FOREIGN_BUSY:
		wait_for_host(check);
		return;
	case FOREIGN_NOT_FOUND:
		answered(check, LINK_DENIED, answer->why);
		return;
	case FOREIGN_INVALID_DID:
	case FOREIGN_INVALID_DOCUMENT:
	case FOREIGN_FAILED:
		break;
	}
	answered(check, LINK_UNKNOWN, answer->why);
}

static void ask_document(struct links_check *check)
{
	char did[LINK_OBJECT_SIZE];
	struct did_web web;

	object_text(did, check);
	if (did_web_parse(&web, did, strlen(did)) == 0 && did_web_url(check->url, sizeof(check->url), &web) != 0)
		check->url[0] = '\0';
	foreign_get(check->duty->foreign, did, strlen(did), true, on_document, check);
}

/* ---- contracts ---- */

static void on_rpc_log(void *arg, const char *text)
{
	const struct steward_context *ctx = arg;

	log_warn(log_msg("rpc"), log_str("duty", ctx->duty), log_str("why", text));
}

static int read_heads(struct links_duty *duty, struct links_chain *node)
{
	const struct eth_rpc_config config = {.url = node->chain->urls, .chain_id = node->chain->id, .on_log = on_rpc_log, .arg = duty->ctx};
	const struct heads_set *known;
	struct heads_set set;
	int rc = 0;

	if (node->rpc && heads_get(&known, &node->heads, HEADS_FRESH_MS) == 0)
		return 0;
	if (clock_steady_ms() < node->again_ms)
		return -EAGAIN;
	if (!node->rpc)
		rc = eth_rpc_new(&node->rpc, duty->ctx->base, &config);
	if (rc == 0)
		rc = heads_wait(&set, node->rpc, CHAIN_DEADLINE_MS);
	if (rc == 0)
		heads_update(&node->heads, &set, 0);
	else
		node->again_ms = clock_steady_ms() + CHAIN_DOWN_MS;
	return rc;
}

/* NULL: not served. */
static struct links_chain *find_node(struct links_duty *duty, uint64_t chain)
{
	for (size_t i = 0; i < duty->chains.nchains; i++)
		if (duty->nodes[i].chain->id == chain)
			return &duty->nodes[i];
	return NULL;
}

static void on_verified(void *arg, int err, const char *rule, size_t signer)
{
	struct links_check *check = arg;

	(void)signer;
	if (err != 0)
		answered(check, LINK_UNKNOWN, "The account's chain could not be read.");
	else if (rule)
		answered(check, LINK_DENIED, "The account's contract does not say any more that it signed.");
	else
		answered(check, LINK_CONFIRMED, "");
}

/* The change that linked the account, of whose signers only that account stays. */
static int read_change(struct links_check *check)
{
	char did[LINK_OBJECT_SIZE];
	struct eip155_account account;
	int rc;

	object_text(did, check);
	if (!check->due->payload.data || did_pkh_parse(&account, did, strlen(did)) != 0)
		return -EBADMSG;
	rc = participant_payload_read(&check->change, (const char *)check->due->payload.data, check->due->payload.len);
	if (rc != 0)
		return rc;
	check->has_change = true;
	for (size_t i = 0; i < check->change.nsigners; i++) {
		const struct eip155_account *by = &check->change.signers[i].account;

		if (by->chain != account.chain || !address_equal(&by->address, &account.address))
			continue;
		check->change.signers[0] = check->change.signers[i];
		check->change.nsigners = 1;
		return 0;
	}
	return -EBADMSG;
}

static void ask_contract(struct links_check *check)
{
	struct links_duty *duty = check->duty;
	struct links_chain *node;

	if (read_change(check) != 0) {
		answered(check, LINK_UNKNOWN, "What the account signed is not there to be asked about.");
		return;
	}
	node = find_node(duty, check->change.signers[0].account.chain);
	if (!node) {
		answered(check, LINK_UNKNOWN, "This gateway does not read the account's chain.");
		return;
	}
	if (read_heads(duty, node) != 0) {
		answered(check, LINK_UNKNOWN, "The account's chain could not be read.");
		return;
	}
	check->chain = (struct participant_verify_chain){.id = node->chain->id, .rpc = node->rpc, .heads = &node->heads};
	participant_verify(&check->change, duty->signatures, &check->chain, 1, CHAIN_DEADLINE_MS, on_verified, check);
}

void links_ask(struct links_check *check)
{
	if (check->due->kind == STORE_LINK_CONTRACT)
		ask_contract(check);
	else
		ask_document(check);
}

void links_check_clear(struct links_check *check)
{
	if (check->has_change)
		participant_change_clear(&check->change);
	check->has_change = false;
}
