/* Listening sockets are made here rather than by libmicrohttpd, so that TCP, unix and inherited ones are one case to
 * it. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "gateway/http/server.h"

enum { BACKLOG = 4096 };

union address {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
	struct sockaddr_un local;
};

static int fill_address(union address *out, socklen_t *len, const char *host, uint16_t port)
{
	memset(out, 0, sizeof(*out));
	if (inet_pton(AF_INET, host, &out->v4.sin_addr) == 1) {
		out->v4.sin_family = AF_INET;
		out->v4.sin_port = htons(port);
		*len = sizeof(out->v4);
		return 0;
	}
	if (inet_pton(AF_INET6, host, &out->v6.sin6_addr) == 1) {
		out->v6.sin6_family = AF_INET6;
		out->v6.sin6_port = htons(port);
		*len = sizeof(out->v6);
		return 0;
	}
	return -EINVAL;
}

int http_listen_tcp(int *fd, const char *host, uint16_t port, bool reuseport)
{
	union address address;
	socklen_t len;
	int on = 1, rc = fill_address(&address, &len, host, port);
	if (rc != 0)
		return rc;
	int sock = socket(address.any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (sock < 0)
		return -errno;
	if (setsockopt(sock, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) != 0 ||
	    (reuseport && setsockopt(sock, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on)) != 0) ||
	    bind(sock, &address.any, len) != 0 || listen(sock, BACKLOG) != 0) {
		rc = -errno;
		close(sock);
		return rc;
	}
	*fd = sock;
	return 0;
}

/* A socket file whose owner has died refuses connections; a live one must not be stolen. */
static int remove_stale(const union address *address)
{
	struct stat st;
	if (lstat(address->local.sun_path, &st) != 0)
		return errno == ENOENT ? 0 : -errno;
	if (!S_ISSOCK(st.st_mode))
		return -EEXIST;
	int probe = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (probe < 0)
		return -errno;
	int rc = connect(probe, &address->any, sizeof(address->local)) == 0 || errno == EAGAIN ? -EADDRINUSE : 0;
	close(probe);
	if (rc == 0 && unlink(address->local.sun_path) != 0)
		rc = -errno;
	return rc;
}

int http_listen_unix(int *fd, const char *path)
{
	union address address = {.local = {.sun_family = AF_UNIX}};
	size_t len = strlen(path);
	if (len == 0 || len >= sizeof(address.local.sun_path))
		return -EINVAL;
	memcpy(address.local.sun_path, path, len + 1);
	int rc = remove_stale(&address);
	if (rc != 0)
		return rc;
	int sock = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (sock < 0)
		return -errno;
	/* The mode of the socket node comes from the mask, so there is no moment in which others could connect. */
	mode_t mask = umask(0177);
	int bound = bind(sock, &address.any, sizeof(address.local));
	rc = bound != 0 ? -errno : 0;
	umask(mask);
	if (rc == 0 && listen(sock, BACKLOG) != 0)
		rc = -errno;
	if (rc != 0) {
		close(sock);
		return rc;
	}
	*fd = sock;
	return 0;
}

uint16_t http_listen_port(int fd)
{
	union address address = {0};
	socklen_t len = sizeof(address);
	if (getsockname(fd, &address.any, &len) != 0)
		return 0;
	if (address.any.sa_family == AF_INET)
		return ntohs(address.v4.sin_port);
	return address.any.sa_family == AF_INET6 ? ntohs(address.v6.sin6_port) : 0;
}
