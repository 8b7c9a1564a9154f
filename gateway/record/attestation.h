/*
 * A submission as it arrives: bytes to a checked struct submission. Pure: no I/O, no clock.
 *
 * Shape and limits: docs/formats.md §2, DESIGN §5.1. AttestationV1 is taken as the platform sends it, drift included:
 * `round` and `issuedAt` are optional, `issuedAt` is text or integer milliseconds, unknown members of the attestation
 * are kept. Members of the submission itself and of `context` are a closed list.
 */
#pragma once

#include "did/agent_key.h"
#include "gateway/record/refusal.h"
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SUBMISSION_MAX 32768u /* an item of this many bytes or more is refused (DESIGN §5.1) */
#define SUBMISSION_DEPTH_MAX 32u
#define SUBMISSION_NOTE_MAX 200u       /* code points */
#define SUBMISSION_GAME_ID_MAX 128u    /* characters */
#define SUBMISSION_CLAIM_TYPE_MAX 256u /* characters, so that every signed text has a bound */
#define BATCH_ITEMS_MAX 1024u
#define BATCH_BYTES_MAX ((size_t)4 * 1024 * 1024)

enum submission_id_match { SUBMISSION_ID_UNKNOWN, SUBMISSION_ID_MATCHES, SUBMISSION_ID_DIFFERS };

/* Who kedge is, as far as names in an attestation go: all from configuration, nothing from a request. */
struct record_names {
	const char *origin; /* HOST[:PORT]/log */
	struct agent_defaults agents; /* host, and the default registry: what short names mean */
	/* The other registries served (id ignored), also of other chains; agents of no registry here are refused (rule
	 * `registry`). */
	const struct agent_key *others;
	size_t nothers;
	/* A verifier, who knows no defaults, says whom the names must mean: a short name is then of that one's registry.
	 * NULL at a gateway. */
	const struct agent_key *issuer, *subject;
};

struct submission {
	json_t *json; /* owned; everything below that points into JSON is borrowed from it */
	json_t *attestation;
	json_t *proof;
	json_t *context; /* NULL if absent */
	json_t *game;	 /* context.game; NULL if absent */
	struct agent_key issuer_key;
	struct agent_key subject_key;
	char issuer[AGENT_KEY_TEXT_SIZE]; /* key text, NUL-terminated */
	char subject[AGENT_KEY_TEXT_SIZE];
	const char *claim_type;
	const char *game_id; /* "" if absent */
	const char *salt;    /* NULL if absent */
	bool has_round;
	uint64_t round; /* 0 if absent */
	enum submission_id_match id_matches;
};

/*
 * Parses one item. On 0 the caller owns *s and clears it with submission_clear.
 * Returns -EBADMSG refused, *why says which rule and where; -ENOMEM. *s is empty then.
 * What is not offered here (issuerKind, release, surface) is refused only after the members were found right.
 */
__attribute__((warn_unused_result)) int submission_parse(struct submission *s, struct refusal *why,
							 const struct record_names *names, const uint8_t *bytes,
							 size_t len);

/* Form and names alone, from parsed JSON whose reference is taken in any case: what a verifier asks, who has no offers
 * and limits of a gateway to enforce. id_matches is not computed. */
__attribute__((warn_unused_result)) int submission_take(struct submission *s, struct refusal *why,
							const struct record_names *names, json_t *json);

void submission_clear(struct submission *s);

/* Gives up the JSON and everything borrowed from it; names, keys and id_matches stay. */
void submission_drop_json(struct submission *s);

/*
 * The platform's `id` rule (facts/coordination-games.md §1.4): id = 0x ‖ keccak256 of the canonical JSON of
 * {claimType, data, gameType, round, subject[, schemaVersion:"v2"]}, game type from claim.data.gameType or
 * context.game.type, schemaVersion where claim.data has it. UNKNOWN where the platform's encoder would throw (a
 * fraction, no round, no game type).
 */
enum submission_id_match submission_id_check(const json_t *attestation, const json_t *game);

/* One item's place in the request body. */
struct batch_span {
	size_t at;
	size_t len;
};

enum batch_form { BATCH_SINGLE, BATCH_ARRAY, BATCH_NDJSON };

struct batch {
	enum batch_form form;
	size_t count;
	struct batch_span item[BATCH_ITEMS_MAX];
};

/*
 * Finds the items of a body without parsing them, so that a bad item spoils nobody else's: NDJSON by content type
 * (ndjson true; empty lines are skipped), else by first byte an array or one object. Returns 0, or -EBADMSG with *why
 * (no items, over 1,024, over 4 MiB, brackets that never close, bytes after the array).
 */
__attribute__((warn_unused_result)) int batch_split(struct batch *b, struct refusal *why, const uint8_t *body,
						    size_t len, bool ndjson);

/* Whether a Content-Type means NDJSON (application/x-ndjson, application/ndjson, application/jsonl, any parameters);
 * -EINVAL for one that is neither that nor JSON (415). NULL is JSON. */
__attribute__((warn_unused_result)) int batch_content_type(bool *ndjson, const char *content_type);
