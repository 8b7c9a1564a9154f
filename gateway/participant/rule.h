#pragma once
/* Everything that a change of a participant may be refused for: one row a rule, by its word. The words of did/participant_statement.h
 * are among them. The duty stores the word of a refusal, and whoever answers finds the rest here. */
#include <stddef.h>

struct participant_rule {
	const char *word;
	const char *type; /* of gateway/http/problem.h */
	const char *detail; /* a sentence */
	const char *next;   /* what to do, a sentence */
};

/* Never NULL: for an unknown word the row "internal". */
const struct participant_rule *participant_rule(const char *word);
/* All rows, for the documentation's and the tests' sake. */
const struct participant_rule *participant_rules(size_t *count);
