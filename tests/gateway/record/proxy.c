#include "tests/gateway/record/proxy.h"
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>
/* cmocka wants the four above first */
#include <cmocka.h>

#define SOCKET_NAME ".s.PGSQL.5432"

static int unix_socket(const char *dir, struct sockaddr_un *address)
{
	memset(address, 0, sizeof(*address));
	address->sun_family = AF_UNIX;
	(void)snprintf(address->sun_path, sizeof(address->sun_path), "%.80s/%s", dir, SOCKET_NAME);
	return socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
}

static int write_all(int fd, const char *bytes, size_t len)
{
	while (len) {
		ssize_t n = send(fd, bytes, len, MSG_NOSIGNAL);

		if (n <= 0)
			return -1;
		bytes += n;
		len -= (size_t)n;
	}
	return 0;
}

/* One connection, until either side ends it or the mode strikes. */
static void relay(int client, int server, volatile int *mode)
{
	static char bytes[1 << 20];
	bool swallowing = false;

	for (;;) {
		struct pollfd fds[2] = {{.fd = client, .events = POLLIN}, {.fd = server, .events = POLLIN}};
		ssize_t n;

		if (poll(fds, 2, -1) < 0)
			return;
		if (fds[0].revents) {
			bool commit;

			n = recv(client, bytes, sizeof(bytes), 0);
			if (n <= 0)
				return;
			commit = memmem(bytes, (size_t)n, "pg_commit", 9);
			if (commit && *mode == PROXY_LOSE_COMMIT) {
				*mode = PROXY_PASS;
				return;
			}
			swallowing |= commit && *mode == PROXY_LOSE_REPLY;
			if (write_all(server, bytes, (size_t)n))
				return;
		}
		if (fds[1].revents) {
			n = recv(server, bytes, sizeof(bytes), 0);
			if (n <= 0)
				return;
			if (swallowing) {
				if (!memmem(bytes, (size_t)n, "COMMIT", 6))
					continue;
				*mode = PROXY_PASS;
				return;
			}
			if (write_all(client, bytes, (size_t)n))
				return;
		}
	}
}

static _Noreturn void serve(int listener, const char *dir, volatile int *mode)
{
	struct sockaddr_un address;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (;;) {
		int client = accept(listener, NULL, NULL), server = unix_socket(dir, &address);

		if (client >= 0 && server >= 0 && !connect(server, (struct sockaddr *)&address, sizeof(address)))
			relay(client, server, mode);
		if (client >= 0)
			close(client);
		if (server >= 0)
			close(server);
	}
}

void proxy_start(struct proxy *p, const char *conninfo)
{
	char dir[256], rest[256];
	struct sockaddr_un address;
	int listener;

	assert_int_equal(sscanf(conninfo, "host=%255s %255[^\n]", dir, rest), 2);
	strcpy(p->dir, "/tmp/kedge-proxy.XXXXXX");
	assert_non_null(mkdtemp(p->dir));
	(void)snprintf(p->conninfo, sizeof(p->conninfo), "host=%s %s", p->dir, rest);
	p->mode = mmap(NULL, sizeof(int), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_true((const void *)(uintptr_t)p->mode != MAP_FAILED);
	listener = unix_socket(p->dir, &address);
	assert_int_equal(bind(listener, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(listener, 8), 0);
	p->pid = fork();
	assert_true(p->pid >= 0);
	if (!p->pid)
		serve(listener, dir, p->mode);
	close(listener);
}

void proxy_stop(struct proxy *p)
{
	char path[128];

	kill(p->pid, SIGKILL);
	waitpid(p->pid, NULL, 0);
	(void)snprintf(path, sizeof(path), "%s/%s", p->dir, SOCKET_NAME);
	unlink(path);
	rmdir(p->dir);
	munmap((void *)(uintptr_t)p->mode, sizeof(int));
}
