/* Any bytes are one of the forms or are refused; what comes out fits where it must go. */
#include "gateway/fetch/fetch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool ok)
{
	if (!ok)
		abort();
}

static void check_web(const struct uri_web *web)
{
	char text[URI_PATH_MAX + DID_WEB_HOST_SIZE + 32];
	struct uri_web again;

	check(web->path[0] == '/' && web->port != 0 && web->host[0] != '\0');
	for (const char *p = web->path; *p; p++)
		check(*p > ' ' && *p <= '~');
	(void)snprintf(text, sizeof(text), "%s://%s:%u%s", web->tls ? "https" : "http", web->host, web->port, web->path);
	check(uri_web_read(&again, text, strlen(text)) == 0);
	check(strcmp(again.host, web->host) == 0 && strcmp(again.path, web->path) == 0 && again.port == web->port);
	(void)fetch_host_allowed(web->host);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *body = malloc(size + 1);
	struct uri uri;

	if (body == NULL)
		return 0;
	if (uri_read(&uri, body, size, (const char *)data, size) == 0) {
		check(uri.form != NULL && uri.len <= size);
		if (uri.kind == URI_WEB)
			check_web(&uri.web);
		if (uri.kind == URI_IPFS && uri.ipfs.has_gateway)
			check_web(&uri.ipfs.gateway);
		if (uri.kind == URI_IPFS)
			check(strlen(uri.ipfs.path) < URI_IPFS_PATH_MAX);
	}
	free(body);
	return 0;
}
