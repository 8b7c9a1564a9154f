#include "tests/eth/fake_node.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { REQUEST_MAX = 8 << 20 };

static void die(const char *what)
{
	perror(what);
	_exit(99);
}

static void write_all(int fd, const char *bytes, size_t len)
{
	while (len > 0) {
		ssize_t n = write(fd, bytes, len);

		if (n <= 0)
			_exit(0); /* the client has gone, which tests do on purpose */
		bytes += n;
		len -= (size_t)n;
	}
}

void fake_http(int fd, int status, const char *headers, const char *body, size_t len)
{
	char head[1024];
	int n = snprintf(head, sizeof(head),
			 "HTTP/1.1 %d X\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n%s\r\n", status,
			 len, headers);

	write_all(fd, head, (size_t)n);
	write_all(fd, body, len);
}

void fake_http_text(int fd, int status, const char *headers, const char *body)
{
	fake_http(fd, status, headers, body, strlen(body));
}

void fake_answer(struct fake_shared *shared, int fd, const char *body, size_t len, uint64_t chain_id, fake_reply *reply)
{
	json_t *calls = json_loadb(body, len, 0, NULL), *answers = json_array();
	char chain[32], *text;

	(void)snprintf(chain, sizeof(chain), "0x%" PRIx64, chain_id);
	if (!json_is_array(calls))
		die("not a batch");
	for (size_t i = json_array_size(calls); i > 0; i--) {
		json_t *call = json_array_get(calls, i - 1);
		const char *method = json_string_value(json_object_get(call, "method"));
		json_t *answer;

		if (strcmp(method, "eth_chainId") == 0) {
			answer = json_pack("{s:s}", "result", chain);
		} else {
			atomic_fetch_add(&shared->calls, 1);
			answer = reply(shared, method, json_object_get(call, "params"));
		}
		json_object_set_new(answer, "jsonrpc", json_string("2.0"));
		json_object_set(answer, "id", json_object_get(call, "id"));
		json_array_append_new(answers, answer);
	}
	text = json_dumps(answers, JSON_COMPACT);
	fake_http_text(fd, 200, "", text);
	free(text);
	json_decref(calls);
	json_decref(answers);
}

/* Reads one request's body; 0 at the end of the connection. */
static size_t read_request(int fd, char *buffer)
{
	size_t have = 0, head = 0, length = 0;

	for (;;) {
		const char *end;
		ssize_t n = read(fd, buffer + have, REQUEST_MAX - have - 1);

		if (n <= 0)
			return 0;
		have += (size_t)n;
		buffer[have] = '\0';
		end = head == 0 ? strstr(buffer, "\r\n\r\n") : NULL;
		if (end != NULL) {
			const char *line = strcasestr(buffer, "\r\nContent-Length:");

			head = (size_t)(end - buffer) + 4;
			length = line != NULL ? strtoul(line + 17, NULL, 10) : 0;
		}
		if (head != 0 && have >= head + length) {
			memmove(buffer, buffer + head, length);
			buffer[length] = '\0';
			return length;
		}
	}
}

static void serve(struct fake_shared *shared, int fd, fake_handler *handler)
{
	char *buffer = malloc(REQUEST_MAX);
	size_t len;

	while ((len = read_request(fd, buffer)) > 0)
		handler(shared, atomic_fetch_add(&shared->requests, 1) + 1, fd, buffer, len);
	_exit(0);
}

void fake_node_start(struct fake_node *node, fake_handler *handler)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t size = sizeof(address);
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	node->shared = mmap(NULL, sizeof(*node->shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (listener < 0 || node->shared == MAP_FAILED ||
	    bind(listener, (const struct sockaddr *)&address, sizeof(address)) != 0 || listen(listener, 64) != 0 ||
	    getsockname(listener, (struct sockaddr *)&address, &size) != 0)
		die("fake node");
	(void)snprintf(node->url, sizeof(node->url), "http://127.0.0.1:%u/", ntohs(address.sin_port));
	node->pid = fork();
	if (node->pid == 0) {
		(void)setpgid(0, 0);
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		(void)signal(SIGCHLD, SIG_IGN);
		(void)signal(SIGPIPE, SIG_IGN);
		for (;;) {
			int fd = accept(listener, NULL, NULL);

			if (fd < 0)
				continue;
			atomic_fetch_add(&node->shared->connections, 1);
			if (fork() == 0) {
				(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
				serve(node->shared, fd, handler);
			}
			(void)close(fd);
		}
	}
	(void)setpgid(node->pid, node->pid);
	(void)close(listener);
}

void fake_node_stop(struct fake_node *node)
{
	(void)kill(-node->pid, SIGKILL);
	(void)waitpid(node->pid, NULL, 0);
	(void)munmap(node->shared, sizeof(*node->shared));
}
