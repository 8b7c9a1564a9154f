#include "gateway/supervisor.h"

#include "gateway/runtime/log.h"
#include "gateway/runtime/metrics.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

struct slot {
	pid_t pid; /* 0: not running */
	int64_t started, due;
	int64_t backoff;
};

static int64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static _Noreturn void become(const struct supervisor_child *child, pid_t parent, const sigset_t *old)
{
	/* a child must not outlive its supervisor: two generations would share one port */
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	prctl(PR_SET_NAME, child->name);
	sigprocmask(SIG_SETMASK, old, NULL);
	if (getppid() != parent)
		_exit(1);
	log_init(child->name, LOG_LEVEL_INFO);
	exit(child->run(child->arg));
}

static int start(struct slot *slot, const struct supervisor_child *child, const sigset_t *old)
{
	pid_t parent = getpid(), pid = fork();

	if (pid < 0)
		return -errno;
	if (pid == 0)
		become(child, parent, old);
	slot->pid = pid;
	slot->started = now_ms();
	return 0;
}

static void reap(struct slot *slots, const struct supervisor_child *children, size_t count, bool stopping)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		for (size_t i = 0; i < count; i++) {
			struct slot *slot = &slots[i];

			if (slot->pid != pid)
				continue;
			slot->pid = 0;
			if (now_ms() - slot->started >= SUPERVISOR_STEADY_MS || slot->backoff == 0)
				slot->backoff = SUPERVISOR_BACKOFF_MS;
			else if (slot->backoff < SUPERVISOR_BACKOFF_MAX_MS)
				slot->backoff *= 2;
			slot->due = now_ms() + slot->backoff;
			if (stopping)
				break;
			log_warn(log_msg("child ended"), log_str("child", children[i].name), log_i64("pid", pid),
				 log_i64("signal", WIFSIGNALED(status) ? WTERMSIG(status) : 0),
				 log_i64("status", WIFEXITED(status) ? WEXITSTATUS(status) : -1),
				 log_i64("restart_ms", slot->backoff));
			metrics_add(METRIC_PROCESS_RESTARTS, 1);
		}
	}
}

static int64_t restart_due(struct slot *slots, const struct supervisor_child *children, size_t count, const sigset_t *old)
{
	int64_t now = now_ms(), next = now + 60000;

	for (size_t i = 0; i < count; i++) {
		if (slots[i].pid)
			continue;
		if (slots[i].due <= now && start(&slots[i], &children[i], old) != 0)
			slots[i].due = now + SUPERVISOR_BACKOFF_MAX_MS;
		if (!slots[i].pid && slots[i].due < next)
			next = slots[i].due;
	}
	return next - now > 0 ? next - now : 1;
}

static bool any_alive(const struct slot *slots, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (slots[i].pid)
			return true;
	return false;
}

static void signal_all(const struct slot *slots, size_t count, int number)
{
	for (size_t i = 0; i < count; i++)
		if (slots[i].pid)
			kill(slots[i].pid, number);
}

static void wait_ms(const sigset_t *watched, siginfo_t *info, int64_t ms)
{
	struct timespec ts = {.tv_sec = ms / 1000, .tv_nsec = (ms % 1000) * 1000000};

	if (sigtimedwait(watched, info, &ts) < 0)
		info->si_signo = 0;
}

static void take_down(struct slot *slots, const struct supervisor_child *children, size_t count, const sigset_t *watched)
{
	int64_t deadline = now_ms() + SUPERVISOR_GRACE_MS;
	siginfo_t info;

	signal_all(slots, count, SIGTERM);
	for (;;) {
		reap(slots, children, count, true);
		if (!any_alive(slots, count))
			return;
		if (now_ms() >= deadline)
			signal_all(slots, count, SIGKILL);
		wait_ms(watched, &info, 100);
	}
}

int supervisor_run(const struct supervisor_child *children, size_t count)
{
	static struct slot slots[SUPERVISOR_CHILDREN];
	sigset_t watched, old;
	siginfo_t info;

	if (count == 0 || count > SUPERVISOR_CHILDREN)
		return -EINVAL;
	sigemptyset(&watched);
	sigaddset(&watched, SIGCHLD);
	sigaddset(&watched, SIGTERM);
	sigaddset(&watched, SIGINT);
	sigaddset(&watched, SIGHUP);
	sigprocmask(SIG_BLOCK, &watched, &old);
	for (;;) {
		wait_ms(&watched, &info, restart_due(slots, children, count, &old));
		if (info.si_signo == SIGTERM || info.si_signo == SIGINT || info.si_signo == SIGHUP)
			break;
		reap(slots, children, count, false);
	}
	log_info(log_msg("stopping"), log_i64("signal", info.si_signo));
	take_down(slots, children, count, &watched);
	sigprocmask(SIG_SETMASK, &old, NULL);
	return 0;
}
