#pragma once

/* Data Integrity proofs of cryptosuite eddsa-jcs-2022 (W3C VC Data Integrity 1.0, Data Integrity EdDSA Cryptosuites 1.0, section
 * 3.3): a JSON object is signed by Ed25519 over SHA-256(canonical proof options) followed by SHA-256(canonical document), and
 * carries the proof as its member `proof`. Pure: the caller says what the time is, and where keys come from. */

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DATA_INTEGRITY_PROOFS_MAX 16 /* of a proof set; a longer one is refused whole */

/* What a new proof says. Texts are borrowed. */
struct data_integrity_options {
	const char *verification_method; /* URL of the key: DID#FRAGMENT */
	const char *purpose;		 /* "assertionMethod" */
	int64_t created;		 /* seconds since 1970 */
	int64_t expires;		 /* the same, after created; 0: it does not expire */
	const char *domain;		 /* NULL: none */
	const char *challenge;		 /* NULL: none */
};

/* Signs. If the document has an `@context`, the proof repeats it, and where it maps none of the terms of Data Integrity (neither
 * https://w3id.org/security/data-integrity/v2 nor https://www.w3.org/ns/credentials/v2), the first of these is appended to both
 * (section 2.4.2). A document without one stays without.
 *
 * Out: *out a new reference: a copy of the document with `proof` as its last member; other members are shared with it.
 *
 * In: document an object, borrowed; seed the Ed25519 seed, 32 secret bytes.
 *
 * Returns 0, -EINVAL (no object, an `@context` that is no text, object or array, a text missing, a time outside the years 1970 to
 * 9999, expires not after created, a number that has no canonical form), -EEXIST (it has a `proof`), -EOVERFLOW (as jcs_write()),
 * -ENOMEM. */
__attribute__((warn_unused_result)) int data_integrity_sign(json_t **out, json_t *document, const struct data_integrity_options *options,
							    const uint8_t seed[static 32]);

/* Why a proof does not hold. data_integrity_words() words it; the numbers are not kept anywhere. */
enum data_integrity_code {
	DATA_INTEGRITY_OK = 0,
	DATA_INTEGRITY_UNSIGNED,  /* no object, or no `proof` at that index */
	DATA_INTEGRITY_SHAPE,	  /* a member of the proof is missing or of another type; times that are none */
	DATA_INTEGRITY_SUITE,	  /* not a DataIntegrityProof of eddsa-jcs-2022 */
	DATA_INTEGRITY_CHAIN,	  /* previousProof: proof chains are not read */
	DATA_INTEGRITY_PURPOSE,	  /* made for another purpose */
	DATA_INTEGRITY_DOMAIN,	  /* made for another domain, or for none */
	DATA_INTEGRITY_CHALLENGE, /* made for another challenge, or for none */
	DATA_INTEGRITY_EARLY,	  /* created later than now, by more than five minutes */
	DATA_INTEGRITY_EXPIRED,	  /* at or after expires */
	DATA_INTEGRITY_CONTEXT,	  /* the document's @context does not begin with the proof's */
	DATA_INTEGRITY_SIGNATURE, /* the key did not sign this */
	DATA_INTEGRITY_MEMORY,	  /* the allocator failed: not the proof's fault */
};

const char *data_integrity_words(enum data_integrity_code code);

/* How many proofs a document carries: 0 where `proof` is absent or neither object nor array, or is an array of more than
 * DATA_INTEGRITY_PROOFS_MAX. The proofs of a set are independent of each other. */
size_t data_integrity_count(const json_t *document);

/* What the proof at an index says, checked for shape only: nothing of it may be believed before data_integrity_verify(). Texts are
 * borrowed from the document; NULL or 0 where absent. Returns DATA_INTEGRITY_OK, _UNSIGNED, _SHAPE, _SUITE or _CHAIN. */
struct data_integrity_proof {
	const char *verification_method, *purpose, *challenge;
	const json_t *domain;  /* a text, or an array of texts */
	bool has_created, has_expires;
	int64_t created, expires; /* seconds since 1970, fractions dropped */
	bool more_context; /* @context goes on behind the proof's own: what stands there is not signed, and changes what terms mean */
};
enum data_integrity_code data_integrity_read(struct data_integrity_proof *out, const json_t *document, size_t index);

/* What the verifier wants of a proof. */
struct data_integrity_wish {
	const char *purpose;   /* NULL: any */
	const char *domain;    /* NULL: not looked at; else the proof must name this one and no other */
	const char *challenge; /* NULL: not looked at */
	int64_t now;	       /* seconds since 1970 */
};

/* Judges the proof at an index with the Ed25519 key that its verificationMethod names (see data_integrity_key()). Only if this
 * returns DATA_INTEGRITY_OK did that key sign the document: all of it but `proof`, and but what `@context` holds behind the
 * proof's own. */
enum data_integrity_code data_integrity_verify(json_t *document, size_t index, const struct data_integrity_wish *wish,
					       const uint8_t key[static 32]);

/* XML Schema's dateTimeStamp, years 1970 to 9999, as seconds since 1970: a date and time, maybe a fraction, which is dropped, and always
 * a zone. Returns whether it is one. */
bool data_integrity_time(int64_t *out, const char *text);

/* The Ed25519 key that a DID document (or other controlled identifier document) lists under that id and purpose, as Multikey or
 * Ed25519VerificationKey2020 (Controlled Identifiers 1.0, section 3.3), if it is still good at `now`, seconds since 1970 (section 2.2,
 * expires and revoked).
 *
 * Returns 0, -ENOENT (no such verification method; method is not of document.id), -EACCES (it is not listed under purpose, or that is none
 * that may sign), -EXDEV (its controller is not document.id), -EKEYREVOKED and -EKEYEXPIRED (at or after that instant),
 * -EOPNOTSUPP (another type of key), -EBADMSG (no document, or a key or one of those instants that cannot be read). */
__attribute__((warn_unused_result)) int data_integrity_key(uint8_t key[static 32], const json_t *document, const char *method,
							   const char *purpose, int64_t now);
