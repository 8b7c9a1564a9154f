/*
 * What a client still sends when its answer is out already: taken for a moment and thrown away. A close with bytes unread is a reset,
 * and the client, or a proxy that is still writing, may never see the answer (RFC 9112 §9.6: close the write side, then read until
 * the client closes). Of requests that were answered before they had come; streams do it themselves, within their own limit.
 */
#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "gateway/http/internal.h"

enum { LINGERS_MAX = 256, LINGER_MS = 5000, LINGER_BYTES = 8 << 20, TURN_BYTES = 256 << 10 };

struct http_linger {
	LIST_ENTRY(http_linger) link;
	struct http_server *server;
	struct event *readable;
	int fd;
	size_t left;
	int64_t due_ms;
};

/* reset: of a client that takes nothing the kernel would keep what it holds for minutes. */
static void end(struct http_linger *linger, bool reset)
{
	const struct linger hard = {.l_onoff = 1};
	LIST_REMOVE(linger, link);
	linger->server->linger_count--;
	if (linger->readable != NULL)
		event_free(linger->readable);
	if (reset)
		setsockopt(linger->fd, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
	close(linger->fd);
	free(linger);
}

static void on_readable(evutil_socket_t fd, short what, void *arg)
{
	static uint8_t nothing[65536];
	struct http_linger *linger = arg;
	size_t taken = 0;
	(void)what;
	while (taken < TURN_BYTES) {
		ssize_t n = recv(fd, nothing, sizeof(nothing), MSG_DONTWAIT);
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		if (n <= 0 || (size_t)n >= linger->left) {
			end(linger, n > 0);
			return;
		}
		linger->left -= (size_t)n;
		taken += (size_t)n;
	}
}

void http_linger(struct http_server *server, int fd)
{
	struct http_linger *linger = fd >= 0 && server->linger_count < LINGERS_MAX ? calloc(1, sizeof(*linger)) : NULL;
	if (linger == NULL) {
		if (fd >= 0)
			close(fd);
		return;
	}
	linger->fd = fd;
	linger->server = server;
	linger->left = LINGER_BYTES;
	linger->due_ms = http_now_ms() + LINGER_MS;
	LIST_INSERT_HEAD(&server->lingers, linger, link);
	server->linger_count++;
	shutdown(linger->fd, SHUT_WR);
	linger->readable = event_new(server->base, linger->fd, EV_READ | EV_PERSIST, on_readable, linger);
	if (linger->readable == NULL || event_add(linger->readable, NULL) != 0)
		end(linger, false);
}

void http_lingers_tick(struct http_server *server, int64_t now)
{
	struct http_linger *linger, *next;
	for (linger = LIST_FIRST(&server->lingers); linger != NULL; linger = next) {
		next = LIST_NEXT(linger, link);
		if (now >= linger->due_ms)
			end(linger, true);
	}
}

void http_lingers_free(struct http_server *server)
{
	struct http_linger *linger;
	while ((linger = LIST_FIRST(&server->lingers)) != NULL) {
		/* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): what is freed left the list by LIST_REMOVE, which it does not follow */
		end(linger, false);
	}
}
