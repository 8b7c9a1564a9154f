/* The part of the verifier that compares with the chain. Private to the record. */
#pragma once

#include "anchor/checkpoint.h"
#include "gateway/record/receipt_verify.h"
#include "gateway/record/receipt_view.h"

/* Adds a check line; returns whether it is ok. */
__attribute__((format(printf, 4, 5))) bool receipt_note(struct receipt_report *r, const char *name,
							enum receipt_verdict verdict, const char *format, ...);

/* Raises r->level to anchored or final as far as policy and chain confirm it. chain NULL: nothing was asked. */
void receipt_check_anchor(struct receipt_report *r, const struct receipt_view *view,
			  const struct checkpoint *checkpoint, const struct receipt_policy *policy,
			  const struct receipt_chain *chain);
