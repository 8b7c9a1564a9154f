#include "eth/decimal.h"

#include <string.h>

char *decimal_put(char *at, uint64_t number)
{
	char digits[DECIMAL_MAX], *first = digits + DECIMAL_MAX;

	do
		*--first = (char)('0' + number % 10);
	while ((number /= 10) != 0);
	return mempcpy(at, first, (size_t)(digits + DECIMAL_MAX - first));
}
