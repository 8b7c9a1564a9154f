#include "did/participant_handle.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { HANDLE_MIN = 3 };

/* Sorted by sense. Words of fewer than three letters cannot be handles anyway. */
static const char *const reserved[] = {
	/* paths and documents of this host */
	"well-known", "agent", "agents", "character", "characters", "participant", "participants", "attestation", "attestations", "did",
	"did-json", "files", "log", "identifiers", "problems", "metrics", "healthz", "readyz", "openapi", "streams", "projector", "projectors",
	"api", "www", "prepare" /* POST /v1/participants/prepare */,
	/* issuers and keys */
	"kedge", "system", "plugin", "gateway", "log-key", "assertion-key", "owner", "agent-wallet", "controller",
	/* who speaks with authority */
	"admin", "administrator", "operator", "root", "support", "help", "security", "abuse", "postmaster", "hostmaster", "webmaster",
	"moderator", "staff", "official",
	/* nobody and everybody */
	"null", "undefined", "none", "nan", "true", "false", "anonymous", "nobody", "everyone", "everybody", "here", "all", "channel", "you",
};

static bool is_handle_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
}

int participant_handle_fold(char out[static PARTICIPANT_HANDLE_SIZE], const char *text, size_t len)
{
	if (len < HANDLE_MIN || len > PARTICIPANT_HANDLE_MAX)
		return -EBADMSG;
	for (size_t i = 0; i < len; i++) {
		out[i] = text[i] >= 'A' && text[i] <= 'Z' ? (char)(text[i] - 'A' + 'a') : text[i];
		if (!is_handle_char(out[i]))
			return -EBADMSG;
	}
	out[len] = '\0';
	return 0;
}

bool participant_handle_reserved(const char *handle)
{
	for (size_t i = 0; i < sizeof(reserved) / sizeof(reserved[0]); i++)
		if (strcmp(reserved[i], handle) == 0)
			return true;
	return false;
}

int participant_did_format(char out[static PARTICIPANT_DID_SIZE], const char *handle, const char *host)
{
	char domain[DID_WEB_HOST_DID_SIZE];

	if (did_web_from_host(domain, sizeof(domain), host) != 0)
		return -EBADMSG;
	return snprintf(out, PARTICIPANT_DID_SIZE, "%s:character:%s", domain, handle);
}

int participant_did_parse(char handle[static PARTICIPANT_HANDLE_SIZE], const char *did, size_t len, const char *host)
{
	char prefix[PARTICIPANT_DID_SIZE];
	int n = participant_did_format(prefix, "", host);

	if (n < 0 || len < (size_t)n || memcmp(did, prefix, (size_t)n) != 0)
		return -ENOENT;
	did += n;
	len -= (size_t)n;
	if (participant_handle_fold(handle, did, len) != 0)
		return -EBADMSG;
	return memcmp(handle, did, len) == 0 ? 0 : -EILSEQ;
}
