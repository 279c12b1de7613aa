/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/*
 * The guard's own life. It is forked from a program that may have threads: nothing here allocates memory but the filter
 * of system calls, once, and nothing is said but by the answers.
 */
#include "agent/probe/guard_internal.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/probe/guard_links.h"
#include "agent/probe/guard_self.h"

/* Children that take out what nobody waits for are looked at so often. */
#define REAP_MS 100

static void attach(const struct lt_guard_request *request, const int fds[2],
		   struct lt_guard_answer *answer)
{
	int err = -EINVAL;

	if (request->n <= LT_GUARD_SITES_MAX && fds[0] >= 0 && fds[1] >= 0)
		err = lt_guard_links__open(request, fds[0], fds[1], answer->links);
	if (err > 0 && request->multi && !request->is_trial)
		lt_guard_self__has_multi();
	answer->n = err;
}

static void detach(const struct lt_guard_request *request, struct lt_guard_answer *answer)
{
	answer->n = 0;
	if (request->n <= LT_GUARD_LINKS_MAX)
		lt_guard_links__close(request->links, request->n, request->wait);
}

/* False: there is nobody any more who could ask. */
static bool take_request(int socket_fd, struct lt_guard_request *request, int fds[2])
{
	char control[CMSG_SPACE(2 * sizeof(int))] __attribute__((aligned(8)));
	struct iovec body = { request, sizeof(*request) };
	struct msghdr message = { .msg_iov = &body,
				  .msg_iovlen = 1,
				  .msg_control = control,
				  .msg_controllen = sizeof(control) };
	const struct cmsghdr *header;
	ssize_t n;

	fds[0] = fds[1] = -1;
	do
		n = recvmsg(socket_fd, &message, MSG_CMSG_CLOEXEC);
	while (n < 0 && errno == EINTR);
	if (n != sizeof(*request))
		return false;
	header = CMSG_FIRSTHDR(&message);
	if (header && header->cmsg_type == SCM_RIGHTS &&
	    header->cmsg_len == CMSG_LEN(2 * sizeof(int)))
		memcpy(fds, CMSG_DATA(header), 2 * sizeof(int));
	return true;
}

static bool serve(int socket_fd)
{
	static struct lt_guard_request request;
	static struct lt_guard_answer answer;
	int fds[2];

	if (!take_request(socket_fd, &request, fds))
		return false;
	memset(&answer, 0, sizeof(answer));
	if (request.what == LT_GUARD_ATTACH)
		attach(&request, fds, &answer);
	else
		detach(&request, &answer);
	for (int i = 0; i < 2; i++)
		if (fds[i] >= 0)
			close(fds[i]);
	return send(socket_fd, &answer, sizeof(answer), MSG_NOSIGNAL) == sizeof(answer);
}

_Noreturn void lt_guard__live(int socket_fd, int parent_fd)
{
	struct pollfd polled[] = { { .fd = LT_GUARD_SOCKET, .events = POLLIN },
				   { .events = POLLIN } };

	polled[1].fd = lt_guard_self__begin(socket_fd, parent_fd);
	for (;;) {
		int n = poll(polled, 2, lt_guard_links__reap() ? REAP_MS : -1);

		if (n < 0 && errno != EINTR)
			break;
		if (n <= 0)
			continue;
		/* What it has asked for is done even when it has ended: its answer is not taken then. */
		if (polled[0].revents ? !serve(LT_GUARD_SOCKET) : polled[1].revents)
			break;
	}
	lt_guard_links__close_all();
	_exit(0);
}
