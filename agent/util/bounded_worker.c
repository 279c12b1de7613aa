/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/*
 * To fork the agent takes a millisecond or more, and its child has the agent's memory to read. The worker is forked
 * at the start and has given up everything by the time that there is anything to see. Its children are children of
 * the agent (CLONE_PARENT), which waits for them itself: the worker never waits for anything but requests.
 */
#include "agent/util/bounded_worker.h"

#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/util/bounded_child.h"

#define MADE_MAX  8 /* processes that may still run at the end: one or two do */
#define ANSWER_MS 2000 /* a worker that was stopped is none */

struct request {
	lt_bounded_fn
		fn; /* the worker is a copy of this process: its functions are where ours are */
	struct lt_limits limits;
	pid_t killed; /* not 0: this one is to be ended, and nothing else */
	size_t args_bytes, n_fds;
	char args[LT_BOUNDED_ARGS_MAX] __attribute__((aligned(16)));
};

static struct {
	pid_t pid;
	int socket;
} worker = { .socket = -1 };

union descriptors {
	struct cmsghdr head;
	char bytes[CMSG_SPACE((LT_BOUNDED_FDS_MAX + 1) * sizeof(int))];
};

/* --- the worker -------------------------------------------------------------------------------- */

static bool receive(int from, struct request *request, int *fds, size_t *ret_n_fds)
{
	union descriptors control;
	struct iovec text = { request, sizeof(*request) };
	struct msghdr message = { .msg_iov = &text,
				  .msg_iovlen = 1,
				  .msg_control = &control,
				  .msg_controllen = sizeof(control) };
	struct cmsghdr *head;
	ssize_t n;

	do
		n = recvmsg(from, &message, 0);
	while (n < 0 && errno == EINTR);
	if (n != sizeof(*request))
		return false;
	*ret_n_fds = 0;
	head = CMSG_FIRSTHDR(&message);
	if (head && head->cmsg_type == SCM_RIGHTS) {
		*ret_n_fds = (head->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		memcpy(fds, CMSG_DATA(head), *ret_n_fds * sizeof(int));
	}
	return true;
}

/* In a child of the agent. The last descriptor is where the result goes. */
static _Noreturn void run(const struct request *request, const int *fds, size_t n_fds, pid_t agent)
{
	struct lt_task task = { .fn = request->fn,
				.args = request->args,
				.fds = fds,
				.n_fds = n_fds - 1,
				.limits = request->limits };

	lt_child__enter(fds, n_fds, agent);
	lt_child__run(&task, fds[n_fds - 1]);
}

static _Noreturn void serve(int socket, pid_t agent)
{
	static struct request request;
	int fds[LT_BOUNDED_FDS_MAX + 1];
	pid_t made[MADE_MAX] = { 0 };
	size_t n_fds, n_made = 0;

	lt_child__enter(&socket, 1, agent);
	prctl(PR_SET_NAME, "looptop-reader");
	while (receive(socket, &request, fds, &n_fds)) {
		long pid;

		if (request.killed) {
			kill(request.killed, SIGKILL);
			continue;
		}
		pid = n_fds ? syscall(SYS_clone, CLONE_PARENT | SIGCHLD, 0, 0, 0, 0) : -1;
		if (!pid)
			run(&request, fds, n_fds, agent);
		if (pid < 0)
			pid = n_fds ? -errno : -EINVAL;
		else
			made[n_made++ % MADE_MAX] = (pid_t)pid;
		for (size_t i = 0; i < n_fds; i++)
			close(fds[i]);
		if (send(socket, &pid, sizeof(pid), MSG_NOSIGNAL) != sizeof(pid))
			break;
	}
	/* The agent's death is no signal to those of another user. What else is of that user is ours, too, so that a
	 * number which is somebody else's by now does no harm. */
	for (size_t i = 0; i < MADE_MAX && geteuid() == LT_NO_USER; i++)
		if (made[i])
			kill(made[i], SIGKILL);
	_exit(0);
}

/* --- the agent --------------------------------------------------------------------------------- */

/* Without its socket it ends, in its own time; one that does not is no reason to wait. */
static void reap_worker(void)
{
	if (worker.pid && waitpid(worker.pid, NULL, WNOHANG))
		worker.pid = 0;
}

static void end_worker(void)
{
	close(worker.socket);
	worker.socket = -1;
	reap_worker();
}

void lt_bounded__prepare(void)
{
	int sockets[2];
	pid_t agent = getpid(), pid;

	if (worker.socket >= 0 || socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets))
		return;
	pid = fork();
	if (!pid)
		serve(sockets[1], agent);
	close(sockets[1]);
	if (pid < 0) {
		close(sockets[0]);
		return;
	}
	worker.pid = pid;
	worker.socket = sockets[0];
}

static bool send_request(const struct request *request, const int *fds, size_t n_fds)
{
	union descriptors control = { { 0 } };
	struct iovec text = { (void *)(uintptr_t)request, sizeof(*request) };
	struct msghdr message = { .msg_iov = &text, .msg_iovlen = 1 };

	if (n_fds) {
		message.msg_control = &control;
		message.msg_controllen = CMSG_SPACE(n_fds * sizeof(int));
		control.head = (struct cmsghdr){ .cmsg_len = CMSG_LEN(n_fds * sizeof(int)),
						 .cmsg_level = SOL_SOCKET,
						 .cmsg_type = SCM_RIGHTS };
		memcpy(CMSG_DATA(&control.head), fds, n_fds * sizeof(int));
	}
	return sendmsg(worker.socket, &message, MSG_NOSIGNAL | MSG_DONTWAIT) == sizeof(*request);
}

static bool read_answer(long *ret_pid)
{
	struct pollfd answer = { .fd = worker.socket, .events = POLLIN };
	int n;

	do
		n = poll(&answer, 1, ANSWER_MS);
	while (n < 0 && errno == EINTR);
	return n == 1 &&
	       recv(worker.socket, ret_pid, sizeof(*ret_pid), MSG_DONTWAIT) == sizeof(*ret_pid);
}

pid_t lt_worker__begin(const struct lt_task *task, int out)
{
	static struct request request;
	int fds[LT_BOUNDED_FDS_MAX + 1];
	long pid;

	if (worker.socket < 0) {
		reap_worker();
		return -ENOTCONN;
	}
	request = (struct request){ .fn = task->fn,
				    .limits = task->limits,
				    .args_bytes = task->args_bytes,
				    .n_fds = task->n_fds };
	if (task->args_bytes)
		memcpy(request.args, task->args, task->args_bytes);
	if (task->n_fds)
		memcpy(fds, task->fds, task->n_fds * sizeof(*fds));
	fds[task->n_fds] = out;
	if (!send_request(&request, fds, task->n_fds + 1) || !read_answer(&pid)) {
		end_worker();
		return -EPIPE;
	}
	return (pid_t)pid;
}

void lt_worker__kill(pid_t pid)
{
	struct request request = { .killed = pid };

	if (worker.socket >= 0)
		send_request(&request, NULL, 0);
}
