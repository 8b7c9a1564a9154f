/* Files of gateway/web. They change with kedge's release alone, and their ETags with them. */
#include "gateway/routes/service.h"
#include "gateway/web/web.h"

static void get_client(struct http_request *req)
{
	/* pages of other origins that admit only what says it may be embedded (COEP: require-corp) */
	http_set_header(req, "Cross-Origin-Resource-Policy", "cross-origin");
	http_reply(req, 200, "text/javascript; charset=utf-8", web_client, web_client_len);
}

static const char *const no_query[] = {NULL};

const struct http_route routes_web[] = {
	{"GET", "/client.mjs", get_client, 0, 0, "public, max-age=300", "The client for browsers and Node, an ES module", "service", no_query},
};
const size_t routes_web_count = sizeof(routes_web) / sizeof(routes_web[0]);
