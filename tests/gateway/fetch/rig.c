#include "tests/gateway/fetch/rig.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static void make_certificate(struct rig *rig)
{
	char command[512];

	(void)snprintf(rig->folder, sizeof(rig->folder), "/tmp/kedge-fetch-XXXXXX");
	assert_non_null(mkdtemp(rig->folder));
	(void)snprintf(rig->ca, sizeof(rig->ca), "%s/cert.pem", rig->folder);
	(void)snprintf(command, sizeof(command),
		       "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=kedge "
		       "-addext subjectAltName=DNS:good.example,DNS:*.card.example -keyout %s/key.pem -out %s/cert.pem 2>/dev/null",
		       rig->folder, rig->folder);
	assert_int_equal(system(command), 0);
}

static void run_server(const struct rig *rig, int in, int out)
{
	char key[96];

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	(void)snprintf(key, sizeof(key), "%s/key.pem", rig->folder);
	(void)dup2(in, 0);
	(void)dup2(out, 1);
	(void)execlp("node", "node", KEDGE_FETCH_SERVER, key, rig->ca, (char *)NULL);
	_exit(127);
}

void rig_start(struct rig *rig)
{
	char line[64] = "";
	int out[2], in[2];
	unsigned tls, plain;

	make_certificate(rig);
	assert_true(pipe(out) == 0 && pipe(in) == 0);
	rig->server = fork();
	if (rig->server == 0) {
		(void)close(in[1]);
		run_server(rig, in[0], out[1]);
	}
	(void)close(out[1]);
	(void)close(in[0]);
	rig->input = in[1];
	for (size_t n = 0; n + 1 < sizeof(line) && strchr(line, '\n') == NULL; n++)
		assert_int_equal(read(out[0], line + n, 1), 1);
	(void)close(out[0]);
	assert_int_equal(sscanf(line, "%u %u", &tls, &plain), 2);
	rig->tls_port = (uint16_t)tls;
	rig->plain_port = (uint16_t)plain;
}

void rig_stop(struct rig *rig)
{
	char command[128];

	(void)close(rig->input);
	(void)kill(rig->server, SIGKILL);
	(void)waitpid(rig->server, NULL, 0);
	(void)snprintf(command, sizeof(command), "rm -r %s", rig->folder);
	assert_int_equal(system(command), 0);
}
