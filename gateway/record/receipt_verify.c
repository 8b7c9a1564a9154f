/*
 * The checks in the order a reader would make them: what was said, by whom, that the log holds it, that a chain holds
 * the log. A check that cannot even begin because an earlier one failed is left out; the earlier one has said FAILED.
 */
#include "gateway/record/receipt_verify.h"
#include "anchor/checkpoint.h"
#include "anchor/entry.h"
#include "did/jcs.h"
#include "eth/hex.h"
#include "gateway/record/attestation.h"
#include "gateway/record/receipt_anchor.h"
#include "gateway/record/receipt_view.h"
#include "gateway/record/typed.h"
#include <errno.h>
#include <inttypes.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct verifier {
	struct receipt_report *report;
	const struct receipt_policy *policy;
	struct merkle_hasher hasher;
	struct signature_context *recovery;
	struct receipt_view view;
	struct entry_attestation entry;
	struct checkpoint checkpoint;
	struct submission said;
	char origin[NOTE_NAME_MAX + 1];
	char host[NOTE_NAME_MAX + 1];
};

const char *receipt_verdict_text(enum receipt_verdict verdict)
{
	static const char *const texts[] = {"ok", "FAILED", "unconfirmed"};

	return texts[verdict];
}

bool receipt_note(struct receipt_report *r, const char *name, enum receipt_verdict verdict, const char *format, ...)
{
	struct receipt_check *check = &r->check[r->count < RECEIPT_CHECKS_MAX ? r->count++ : RECEIPT_CHECKS_MAX - 1];
	va_list ap;

	check->name = name;
	check->verdict = verdict;
	va_start(ap, format);
	(void)vsnprintf(check->text, sizeof(check->text), format, ap);
	va_end(ap);
	for (char *c = check->text; *c; c++)
		if (*c < 0x20 || *c > 0x7e)
			*c = '?';
	r->failed |= verdict == RECEIPT_FAILED;
	return verdict == RECEIPT_OK;
}

/* One check: ok with `good`, or FAILED with `bad`. */
static bool check(struct verifier *v, const char *name, bool holds, const char *good, const char *bad)
{
	return receipt_note(v->report, name, holds ? RECEIPT_OK : RECEIPT_FAILED, "%s", holds ? good : bad);
}

static bool check_entry(struct verifier *v)
{
	if (!check(v, "entry", !entry_attestation_parse(&v->entry, v->view.entry, strlen(v->view.entry)),
		   "the entry is an attestation line of the fixed template", "the entry is not an attestation line"))
		return false;
	sodium_bin2hex(v->report->uid, sizeof(v->report->uid), v->entry.uid.bytes, 32);
	(void)snprintf(v->report->issuer, sizeof(v->report->issuer), "%s", v->entry.issuer);
	(void)snprintf(v->report->subject, sizeof(v->report->subject), "%s", v->entry.subject);
	v->report->seq = v->view.seq;
	return true;
}

/* The policy's key and its origin. Lines of unknown keys say nothing (C2SP signed-note: verifiers ignore them); this
 * log writes none. */
static bool check_checkpoint(struct verifier *v)
{
	struct note_key key;
	size_t host_len;

	if (note_key_parse(&key, v->policy->vkey, strlen(v->policy->vkey)))
		return check(v, "checkpoint", false, "", "the policy's log key is no vkey");
	if (checkpoint_open(&v->checkpoint, v->view.checkpoint, strlen(v->view.checkpoint), &key))
		return check(v, "checkpoint", false, "", "the checkpoint is not signed by the policy's log key");
	(void)snprintf(v->origin, sizeof(v->origin), "%s", v->checkpoint.origin);
	host_len = strlen(v->origin);
	if (host_len > 4 && !strcmp(v->origin + host_len - 4, "/log"))
		host_len -= 4;
	(void)snprintf(v->host, sizeof(v->host), "%.*s", (int)host_len, v->origin);
	v->report->size = v->checkpoint.size;
	return receipt_note(v->report, "checkpoint", RECEIPT_OK, "size %" PRIu64 " of %s, signed by the policy's key",
			    v->checkpoint.size, v->origin);
}

static bool proven(struct verifier *v, const char *line, uint64_t seq, const struct receipt_proof *proof)
{
	struct merkle_hash leaf;

	merkle_leaf(&v->hasher, &leaf, line, strlen(line));
	return !merkle_verify_inclusion(&v->hasher, &v->checkpoint.root, &leaf, seq, v->checkpoint.size, proof->hashes,
					proof->count);
}

static bool check_inclusion(struct verifier *v)
{
	if (!proven(v, v->view.entry, v->view.seq, &v->view.inclusion))
		return check(v, "inclusion", false, "",
			     "the proof does not lead from the entry at seq to the checkpoint's root");
	return receipt_note(v->report, "inclusion", RECEIPT_OK, "entry %" PRIu64 " is in that tree", v->view.seq);
}

/* docs/formats.md §5: "A published checkpoint of size S has an index head with `size` S-1 as its last leaf." */
static bool check_head(struct verifier *v)
{
	struct entry_index head;

	if (entry_index_parse(&head, v->view.head_entry, strlen(v->view.head_entry)))
		return check(v, "head", false, "", "the head is not an index line");
	return check(v, "head",
		     v->checkpoint.size > 0 && head.size == v->checkpoint.size - 1 &&
			     proven(v, v->view.head_entry, head.size, &v->view.head_inclusion),
		     "the checkpoint is a published one: an index head is its last leaf",
		     "the index head is not the last leaf of the checkpoint");
}

/* SHA-256 of a value's canonical bytes. */
static bool hash_is(struct verifier *v, const json_t *value, const struct merkle_hash *expected)
{
	struct jcs_buffer b = {0};
	struct merkle_hash hash = {{0}};

	if (!jcs_write(&b, value))
		merkle_sha256(&v->hasher, &hash, b.data, b.len);
	jcs_buffer_clear(&b);
	return merkle_hash_equal(&hash, expected);
}

/*
 * The names as sent lead to the entry's key texts. A short name needs a default registry; that of the entry's key is taken, and
 * that it was meant is what the signature says, which binds the whole key text.
 */
static bool check_payload(struct verifier *v)
{
	struct record_names names = {.origin = v->origin, .agents = {.host = v->host}};
	struct agent_key issuer, subject;
	struct refusal why;

	if (!check(v, "payload", hash_is(v, v->view.payload, &v->entry.payload), "its hash is the entry's",
		   "its hash is not the entry's"))
		return false;
	if (agent_key_parse(&issuer, v->entry.issuer, strlen(v->entry.issuer)) ||
	    agent_key_parse(&subject, v->entry.subject, strlen(v->entry.subject)))
		return check(v, "names", false, "", "the entry's issuer or subject is no agent");
	names.issuer = &issuer;
	names.subject = &subject;
	if (submission_take(&v->said, &why, &names, json_incref(v->view.payload))) {
		receipt_note(v->report, "names", RECEIPT_FAILED, "%s: %s", why.pointer, why.detail);
		return false;
	}
	return check(v, "names", !strcmp(v->said.issuer, v->entry.issuer) && !strcmp(v->said.subject, v->entry.subject),
		     "issuer and subject as sent are the entry's",
		     "issuer or subject as sent is another than the entry's");
}

static bool check_uid(struct verifier *v)
{
	struct typed_content content;
	bool same = false;

	if (!typed_content(&v->hasher, &content, &v->said)) {
		same = !memcmp(content.uid, v->entry.uid.bytes, 32);
		typed_content_clear(&content);
	}
	return check(v, "uid", same, "the uid is that of this attestation", "the uid is that of another attestation");
}

/* The evidence object read once: who held which key where. */
struct evidence {
	struct eth_address signer, safe_owner, safe_wallet, latest_owner, latest_wallet, subject_owner;
	bool same_owner;
	bool far; /* the subject is of another chain than the issuer: `subject` says which, and of which block it is */
	uint64_t subject_chain;
};

static bool read_address(struct eth_address *out, const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text && strspn(text, "0x123456789abcdef") == strlen(text) && !address_parse(out, text, strlen(text));
}

static bool read_block(uint64_t *number, uint8_t hash[static 32], json_t *block)
{
	static const char *const members[] = {"hash", "number", NULL};
	const char *text = json_string_value(json_object_get(block, "hash"));

	if (!receipt_members(block, members, NULL) || !text || hex_decode_fixed(hash, 32, text, strlen(text)) ||
	    !json_is_integer(json_object_get(block, "number")))
		return false;
	*number = (uint64_t)json_integer_value(json_object_get(block, "number"));
	return true;
}

static bool read_holders(struct evidence *e, json_t *json)
{
	static const char *const issuer_members[] = {"latest", "safe", NULL},
				 *const agent_members[] = {"owner", "wallet", NULL},
				 *const subject_members[] = {"owner", NULL},
				 *const far_members[] = {"chain", "owner", "safe", NULL};
	json_t *issuer = json_object_get(json, "issuer"), *safe = json_object_get(issuer, "safe"),
	       *latest = json_object_get(issuer, "latest"), *subject = json_object_get(json, "subject"),
	       *same = json_object_get(json, "sameOwner");
	uint8_t hash[32];
	uint64_t number;

	if (!receipt_members(issuer, issuer_members, NULL) || !receipt_members(safe, agent_members, NULL) ||
	    !receipt_members(latest, agent_members, NULL) || !receipt_members(subject, e->far ? far_members : subject_members, NULL) ||
	    !json_is_boolean(same))
		return false;
	if (e->far && (receipt_chain_parse(&e->subject_chain, json_object_get(subject, "chain")) ||
		       !read_block(&number, hash, json_object_get(subject, "safe"))))
		return false;
	e->same_owner = json_is_true(same);
	return read_address(&e->signer, json, "signer") && read_address(&e->safe_owner, safe, "owner") &&
	       read_address(&e->safe_wallet, safe, "wallet") && read_address(&e->latest_owner, latest, "owner") &&
	       read_address(&e->latest_wallet, latest, "wallet") && read_address(&e->subject_owner, subject, "owner");
}

static bool check_evidence(struct verifier *v, struct evidence *e)
{
	static const char *const members[] = {"chain",	"issuer",  "latest", "safe", "sameOwner",
					      "signer", "subject", "v",	     NULL};
	json_t *json = v->view.evidence;
	const char *chain = json_string_value(json_object_get(json, "chain"));
	uint64_t safe, latest, chain_id;
	uint8_t safe_hash[32], latest_hash[32];

	*e = (struct evidence){.far = v->said.subject_key.chain != v->said.issuer_key.chain};
	if (!check(v, "evidence", hash_is(v, json, &v->entry.auth.evidence), "its hash is the entry's",
		   "its hash is not the entry's"))
		return false;
	if (!receipt_members(json, members, NULL) || json_integer_value(json_object_get(json, "v")) != 1 ||
	    !read_holders(e, json) || !read_block(&safe, safe_hash, json_object_get(json, "safe")) ||
	    !read_block(&latest, latest_hash, json_object_get(json, "latest")) ||
	    receipt_chain_parse(&chain_id, json_object_get(json, "chain")))
		return check(v, "evidence-form", false, "", "the evidence has another form than version 1");
	if (!check(v, "evidence-block",
		   safe == v->entry.auth.block && !memcmp(safe_hash, v->entry.auth.hash, 32) && latest >= safe &&
			   !strcmp(chain, v->entry.auth.chain) && chain_id == v->said.issuer_key.chain &&
			   (!e->far || e->subject_chain == v->said.subject_key.chain),
		   "chain and safe block are the entry's, and the chain the issuer's",
		   "chain or safe block is not the entry's, or the chain not the issuer's"))
		return false;
	return check(v, "same-owner", e->same_owner == address_equal(&e->safe_owner, &e->subject_owner),
		     e->same_owner ? "issuer and subject have one owner, and it says so"
				   : "issuer and subject have different owners",
		     "sameOwner contradicts the owners");
}

static bool check_signature(struct verifier *v, const struct evidence *e)
{
	struct typed_fields fields;
	struct eth_address signer;
	enum typed_method method = TYPED_EIP712;
	char text[ADDRESS_TEXT_SIZE];
	int rc;

	typed_fields_of(&fields, &v->said, v->origin, v->entry.uid.bytes);
	rc = typed_recover(v->recovery, &signer, &method, v->said.proof, &fields);
	if (rc || !address_equal(&signer, &e->signer) ||
	    (method == TYPED_EIP712) != (v->entry.auth.method == ENTRY_EIP712))
		return check(v, "signature", false, "", "the proof is not by the signer that the evidence names");
	address_format_eip55(text, &signer);
	return receipt_note(v->report, "signature", RECEIPT_OK, "%s by %s", typed_method_text(method), text);
}

/* docs/formats.md §4 "wallet wins when both match"; a cleared wallet is the zero address and nobody's. */
static bool check_authority(struct verifier *v, const struct evidence *e)
{
	bool wallet = address_equal(&e->signer, &e->safe_wallet), owner = address_equal(&e->signer, &e->safe_owner);
	bool still = address_equal(&e->signer, &e->latest_wallet) || address_equal(&e->signer, &e->latest_owner);
	enum entry_role role = wallet ? ENTRY_WALLET : ENTRY_OWNER;

	if (address_is_zero(&e->signer) || (!wallet && !owner) || !still || role != v->entry.auth.role)
		return check(v, "authority", false, "",
			     "by the evidence the signer did not speak for the issuer in that role");
	return receipt_note(v->report, "authority", RECEIPT_OK,
			    "%s of the issuer at block %" PRIu64 " (tier rpc: the gateway's word, from one node)",
			    wallet ? "wallet" : "owner", v->entry.auth.block);
}

static bool check_all(struct verifier *v, const struct receipt_chain *chain)
{
	struct receipt_report *r = v->report;
	struct evidence evidence;

	if (!check_entry(v) || !check_checkpoint(v) || !check_inclusion(v) || !check_payload(v) || !check_uid(v) ||
	    !check_evidence(v, &evidence) || !check_signature(v, &evidence) || !check_authority(v, &evidence))
		return false;
	r->level = RECEIPT_LOGGED;
	r->confirmed = true;
	if (v->view.level < RECEIPT_PUBLISHED || !check_head(v))
		return true;
	r->level = RECEIPT_PUBLISHED;
	if (v->view.level >= RECEIPT_ANCHORED)
		receipt_check_anchor(r, &v->view, &v->checkpoint, v->policy, chain);
	return true;
}

void receipt_verify(struct receipt_report *r, const uint8_t *bytes, size_t len, const struct receipt_policy *policy,
		    const struct receipt_chain *chain)
{
	static const uint8_t no_secret_here[32];
	struct verifier v = {.report = r, .policy = policy};
	char why[128] = "";

	memset(r, 0, sizeof(*r));
	v.recovery = signature_context_new(no_secret_here);
	if (!v.recovery || sodium_init() < 0 || merkle_hasher_init(&v.hasher)) {
		receipt_note(r, "form", RECEIPT_FAILED, "out of memory");
	} else if (receipt_view_parse(&v.view, why, sizeof(why), bytes, len)) {
		receipt_note(r, "form", RECEIPT_FAILED, "%s", why);
	} else {
		receipt_note(r, "form", RECEIPT_OK, "canonical JSON, level %s", receipt_level_text(v.view.level));
		check_all(&v, chain);
	}
	r->confirmed = r->confirmed && !r->failed;
	submission_clear(&v.said);
	receipt_view_clear(&v.view);
	merkle_hasher_clear(&v.hasher);
	signature_context_free(v.recovery);
}
