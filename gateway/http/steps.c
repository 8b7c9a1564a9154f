/* Handlers as tables of steps. A loop instead of recursion: a table of any length of steps that finish at once uses one
 * stack frame. */
#include <errno.h>

#include "gateway/http/internal.h"

static void run(struct http_request *req)
{
	req->stepping = true;
	while (req->step_due) {
		http_handler *step = req->steps[req->step];
		req->step_due = false;
		if (step == NULL) {
			http_fail(req, -EPROTO, NULL);
			break;
		}
		req->step++;
		step(req);
	}
	req->stepping = false;
}

static void advance(struct http_request *req)
{
	if (req->stepping) {
		req->step_due = true;
		return;
	}
	/* The answer of a step gives up the hold, and the loop still looks at req after it. */
	req->refs++;
	req->step_due = true;
	run(req);
	http_request_unref(req);
}

void http_steps(struct http_request *req, http_handler *const steps[])
{
	req->steps = steps;
	req->step = 0;
	advance(req);
}

void http_next(struct http_request *req)
{
	if (!req->held)
		return; /* the step has answered already */
	if (http_answered(req)) {
		http_request_release(req);
		return;
	}
	advance(req);
}

void http_goto(struct http_request *req, size_t index)
{
	req->step = index;
}
