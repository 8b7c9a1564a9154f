/* Memory of the canonical writer's output: the caller's, or a heap block that doubles. */
#include "did/jcs.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int jcs_buffer_grow(struct jcs_buffer *buffer, size_t more)
{
	size_t cap;
	char *grown;

	if (more <= buffer->cap - buffer->len)
		return 0;
	if (buffer->fixed)
		return -ENOSPC;
	if (more > SIZE_MAX / 4 || buffer->len > SIZE_MAX / 4)
		return -ENOMEM;
	cap = (buffer->len + more) * 2;
	if (cap < 1024)
		cap = 1024;
	grown = realloc(buffer->data, cap);
	if (!grown)
		return -ENOMEM;
	buffer->data = grown;
	buffer->cap = cap;
	return 0;
}

void jcs_buffer_clear(struct jcs_buffer *buffer)
{
	if (!buffer->fixed)
		free(buffer->data);
	memset(buffer, 0, sizeof(*buffer));
}
