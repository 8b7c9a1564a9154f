/* Retrieving a verification method from a document (Controlled Identifiers 1.0, section 3.3), as far as an Ed25519 key goes. */
#include "did/data_integrity.h"
#include "did/multikey.h"

#include <errno.h>
#include <string.h>

static const char *text_of(const json_t *object, const char *name)
{
	return json_string_value(json_object_get(object, name));
}

static bool is_text(const json_t *value, const char *text)
{
	return json_is_string(value) && strcmp(json_string_value(value), text) == 0;
}

/* The object with that id in an array of objects and references. */
static const json_t *find(const json_t *methods, const char *id)
{
	size_t i;
	json_t *one;

	json_array_foreach(methods, i, one) if (is_text(json_object_get(one, "id"), id)) return one;
	return NULL;
}

static bool refers_to(const json_t *relationship, const char *id)
{
	size_t i;
	json_t *one;

	json_array_foreach(relationship, i, one) if (is_text(one, id)) return true;
	return false;
}

/* DID#FRAGMENT, DID the document's own id. */
static bool is_own(const char *document_id, const char *method)
{
	size_t len = strlen(document_id);

	return strncmp(method, document_id, len) == 0 && method[len] == '#' && method[len + 1] != '\0';
}

/* A proof's purpose is the signer's word: it must not lead to a member that is no verification relationship. */
static bool is_relationship(const char *purpose)
{
	static const char *const known[] = {"assertionMethod", "authentication", "capabilityInvocation", "capabilityDelegation"};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (strcmp(known[i], purpose) == 0)
			return true;
	return false;
}

/* 0 before that instant and where there is none, over at it and after it. */
static int check_end(const json_t *method, const char *name, int64_t now, int over)
{
	const json_t *value = json_object_get(method, name);
	int64_t end;

	if (!value)
		return 0;
	if (!json_is_string(value) || !data_integrity_time(&end, json_string_value(value)))
		return -EBADMSG;
	return now >= end ? over : 0;
}

/* "systems depending on the value are expected to not verify any proofs associated with the verification method at or after the time of
 * revocation" (Controlled Identifiers 1.0, section 2.2), and the same of expiration. */
static int check_ends(const json_t *method, int64_t now)
{
	int rc = check_end(method, "revoked", now, -EKEYREVOKED);

	return rc == 0 ? check_end(method, "expires", now, -EKEYEXPIRED) : rc;
}

int data_integrity_key(uint8_t key[static 32], const json_t *document, const char *method, const char *purpose, int64_t now)
{
	const char *id = text_of(document, "id"), *type, *text;
	const json_t *relationship = json_object_get(document, purpose), *found;
	struct multikey decoded;
	int rc;

	if (!id)
		return -EBADMSG;
	if (!is_own(id, method))
		return -ENOENT;
	if (!is_relationship(purpose))
		return -EACCES;
	/* an embedded method is of that relationship only */
	found = find(relationship, method);
	if (!found) {
		found = find(json_object_get(document, "verificationMethod"), method);
		if (!found)
			return -ENOENT;
		if (!refers_to(relationship, method))
			return -EACCES;
	}
	/* step 10: a document may hold another's key, and does not become its signer */
	if (!is_text(json_object_get(found, "controller"), id))
		return -EXDEV;
	type = text_of(found, "type");
	if (!type || (strcmp(type, "Multikey") != 0 && strcmp(type, "Ed25519VerificationKey2020") != 0))
		return -EOPNOTSUPP;
	text = text_of(found, "publicKeyMultibase");
	rc = text ? multikey_decode(&decoded, text, strlen(text)) : -EBADMSG;
	if (rc != 0)
		return rc;
	if (decoded.type != MULTIKEY_ED25519)
		return -EOPNOTSUPP;
	rc = check_ends(found, now);
	if (rc == 0)
		memcpy(key, decoded.bytes, 32);
	return rc;
}
