#pragma once
/* Files that are served as they are, embedded when kedge is built. */
#include <stddef.h>
#include <stdint.h>

extern const uint8_t web_client[]; /* client.mjs */
extern const size_t web_client_len;
