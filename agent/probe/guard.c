/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/* Our side of the guard. */
#include "agent/probe/guard_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "agent/util/clock.h"
#include "agent/util/stop.h"
#include "looptop/err.h"

/* Taking all out takes a grace period for a part of the links; more on a busy machine. */
#define END_NS	   10000000000ull
#define LOOK_NS	   2000000ull

#define PF_EXITING 4 /* of the kernel, include/linux/sched.h; part of /proc/PID/stat */

struct lt_guard {
	pid_t pid; /* 0: it has ended */
	int fd; /* -1: nothing more is asked of it */
	int stat_fd; /* what the kernel says of it; -1: not known */
	bool ended; /* by us */
};

static int open_stat(pid_t pid)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	return open(path, O_RDONLY | O_CLOEXEC);
}

static int pidfd_of_self(void)
{
	return (int)syscall(SYS_pidfd_open, getpid(), 0);
}

int lt_guard__new(struct lt_guard **ret_guard)
{
	struct lt_guard *guard = calloc(1, sizeof(*guard));
	int fds[2], self_fd, err;

	if (!guard)
		return lt_err(-ENOMEM, "start the process that holds the probes: out of memory");
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds)) {
		err = -errno;
		goto fail;
	}
	self_fd = pidfd_of_self();
	guard->pid = fork();
	if (guard->pid == 0)
		lt_guard__live(fds[1], self_fd);
	err = guard->pid < 0 ? -errno : 0;
	close(fds[1]);
	if (self_fd >= 0)
		close(self_fd);
	guard->fd = fds[0];
	if (!err) {
		guard->stat_fd = open_stat(guard->pid);
		*ret_guard = guard;
		return 0;
	}
	close(fds[0]);
fail:
	free(guard);
	return lt_err(err, "start the process that holds the probes: %s", strerror(-err));
}

double lt_guard__cpu_seconds(const struct lt_guard *guard)
{
	struct timespec spent;
	clockid_t clock;

	if (!guard || !guard->pid || clock_getcpuclockid(guard->pid, &clock) ||
	    clock_gettime(clock, &spent))
		return 0;
	return (double)spent.tv_sec + (double)spent.tv_nsec / 1e9;
}

/* Has it ended? Its zombie is taken then. */
static bool reap(struct lt_guard *guard)
{
	pid_t ended;

	if (!guard->pid)
		return true;
	do
		ended = waitpid(guard->pid, NULL, WNOHANG);
	while (ended < 0 && errno == EINTR);
	if (ended)
		guard->pid = 0;
	return ended;
}

/* One that was killed takes the probes out one after the other, a grace period for each: it is ending long before it has
 * ended. */
static bool is_ending(const struct lt_guard *guard)
{
	char text[512], *at;
	ssize_t n = pread(guard->stat_fd, text, sizeof(text) - 1, 0);
	unsigned flags;

	if (n <= 0)
		return true;
	text[n] = '\0';
	at = strrchr(text, ')');
	return at && sscanf(at + 1, " %*c %*d %*d %*d %*d %*d %u", &flags) == 1 &&
	       flags & PF_EXITING;
}

bool lt_guard__alive(struct lt_guard *guard)
{
	if (guard->ended)
		return true;
	return !reap(guard) && (guard->stat_fd < 0 || !is_ending(guard));
}

void lt_guard__end(struct lt_guard *guard)
{
	if (!guard || guard->fd < 0)
		return;
	guard->ended = true;
	close(guard->fd);
	guard->fd = -1;
}

void lt_guard__free(struct lt_guard *guard)
{
	uint64_t deadline_ns = lt_now_ns() + END_NS;
	int err = 0;

	if (!guard)
		return;
	lt_guard__end(guard);
	while (!reap(guard) && err != -EINTR && lt_now_ns() < deadline_ns)
		err = lt_stop__wait_on(-1, 0, lt_now_ns() + LOOK_NS);
	if (guard->stat_fd >= 0)
		close(guard->stat_fd);
	free(guard);
}

static int send_request(const struct lt_guard *guard, const struct lt_guard_request *request,
			const int *fds)
{
	char control[CMSG_SPACE(2 * sizeof(int))] __attribute__((aligned(8))) = { 0 };
	struct iovec body = { (void *)request, sizeof(*request) };
	struct msghdr message = { .msg_iov = &body, .msg_iovlen = 1 };
	struct cmsghdr *header;

	if (fds) {
		message.msg_control = control;
		message.msg_controllen = sizeof(control);
		header = CMSG_FIRSTHDR(&message);
		header->cmsg_level = SOL_SOCKET;
		header->cmsg_type = SCM_RIGHTS;
		header->cmsg_len = CMSG_LEN(2 * sizeof(int));
		memcpy(CMSG_DATA(header), fds, 2 * sizeof(int));
	}
	while (sendmsg(guard->fd, &message, MSG_NOSIGNAL) < 0)
		if (errno != EINTR)
			return errno == EPIPE || errno == ECONNRESET ? -EOWNERDEAD : -errno;
	return 0;
}

/* The kernel may take its time with it: who wants to end waits for a moment only, and never asks again. */
static int take_answer(struct lt_guard *guard, struct lt_guard_answer *answer)
{
	ssize_t n;
	int err;

	do
		err = lt_stop__wait_on(guard->fd, POLLIN, UINT64_MAX);
	while (!err);
	if (err < 0) {
		lt_guard__end(guard);
		return -ECANCELED;
	}
	do
		n = recv(guard->fd, answer, sizeof(*answer), 0);
	while (n < 0 && errno == EINTR);
	return n == sizeof(*answer) ? 0 : -EOWNERDEAD;
}

static int ask(struct lt_guard *guard, const struct lt_guard_request *request, const int *fds,
	       struct lt_guard_answer *answer)
{
	int err = guard->fd < 0 ? -ECANCELED : send_request(guard, request, fds);

	return err ? err : take_answer(guard, answer);
}

int lt_guard__attach(struct lt_guard *guard, const struct lt_guard_sites *sites,
		     int ret_links[LT_GUARD_SITES_MAX])
{
	int fds[] = { sites->prog_fd, sites->file_fd }, err;
	struct lt_guard_request request = {
		.what = LT_GUARD_ATTACH,
		.n = (uint32_t)sites->n,
		.pid = sites->pid,
		.multi = sites->multi,
		.has_cookies = sites->has_cookies,
		.is_trial = sites->is_trial,
	};
	struct lt_guard_answer answer;

	if (sites->n > LT_GUARD_SITES_MAX)
		return -E2BIG;
	if (lt_stop__asked())
		return -ECANCELED;
	memcpy(request.offsets, sites->offsets, sites->n * sizeof(*sites->offsets));
	memcpy(request.cookies, sites->cookies, sites->n * sizeof(*sites->cookies));
	err = ask(guard, &request, fds, &answer);
	if (err || answer.n < 0)
		return err ? err : answer.n;
	if (answer.n > LT_GUARD_SITES_MAX)
		return -EPROTO;
	memcpy(ret_links, answer.links, (size_t)answer.n * sizeof(*ret_links));
	return answer.n;
}

void lt_guard__detach(struct lt_guard *guard, const int *links, size_t n, bool wait)
{
	struct lt_guard_request request = { .what = LT_GUARD_DETACH };
	struct lt_guard_answer answer;

	for (size_t i = 0; i < n; i += request.n) {
		request.n = n - i < LT_GUARD_LINKS_MAX ? (uint32_t)(n - i) : LT_GUARD_LINKS_MAX;
		/* Once for all of them: those of the other messages are out by then, or nearly so. */
		request.wait = wait && i + request.n == n && !lt_stop__asked();
		memcpy(request.links, links + i, request.n * sizeof(*links));
		if (ask(guard, &request, NULL, &answer))
			return; /* it has been killed, or was told to end: then all are taken out */
	}
}
