/* Checks shared by the readers of a submission. Each returns 0, or -EBADMSG with *why filled. Private to the record. */
#pragma once

#include "gateway/record/attestation.h"

/* Fills *why; always -EBADMSG. */
__attribute__((format(printf, 4, 5))) int submission_refuse(struct refusal *why, enum refusal_code code,
							    const char *pointer, const char *format, ...);

/* Refuses an object's first member that is not in `allowed` (NULL-terminated). parent: the object's pointer. */
int submission_members(struct refusal *why, json_t *object, const char *parent, const char *const *allowed);

/* A member that must be there as text of 1 character or more; *out borrows it. */
int submission_text(struct refusal *why, const json_t *object, const char *parent, const char *key, const char **out);

/* Code points of text that jcs_parse found to be UTF-8. */
size_t submission_code_points(const char *text);
bool submission_has_control(const char *text);

/* An integer from 0 to 2^53-1; 1.0 is the same number as 1 (RFC 8785 writes both as 1). */
bool submission_natural(uint64_t *out, const json_t *value);

/* s->attestation whole; fills claim_type, has_round, round. */
int submission_attestation(struct submission *s, struct refusal *why);
