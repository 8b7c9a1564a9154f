#pragma once
/* The misbehaving web server (server.mjs) with a certificate made for the run; it ends with its parent. */
#include <stdint.h>
#include <sys/types.h>

struct rig {
	char folder[64], ca[96]; /* ca: PEM of the only authority, good for good.example and *.card.example */
	uint16_t tls_port, plain_port;
	pid_t server;
	int input; /* closed: the server ends */
};

/* Fails the running test if anything is missing. */
void rig_start(struct rig *rig);
void rig_stop(struct rig *rig);
