/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
#include "agent/probe/guard_links.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/perf_event.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/probe/multi.h"

#define CHILDREN_MAX	 16
#define CHILDREN_AT_END	 64
#define CHILDREN_PARTING 4
#define DESCRIPTORS_MAX	 16384

static uint64_t held[DESCRIPTORS_MAX / 64]; /* the descriptors that are links */
static size_t parting; /* children that nobody waits for */

static uint64_t *word_of(int fd)
{
	return fd >= 0 && fd < DESCRIPTORS_MAX ? &held[fd / 64] : NULL;
}

static bool is_held(int fd)
{
	const uint64_t *word = word_of(fd);

	return word && (*word >> fd % 64 & 1);
}

static int hold(int fd)
{
	uint64_t *word = word_of(fd);

	if (!word) {
		close(fd);
		return -EMFILE;
	}
	*word |= 1ull << fd % 64;
	return 0;
}

static void wait_for_end(int fd)
{
	char byte;

	while (read(fd, &byte, 1) < 0 && errno == EINTR)
		;
}

/* A child that has one share of the links in its hands when it ends: the last that has them, if told so. */
static _Noreturn void hold_share(const int *links, size_t n, size_t share, size_t shares,
				 const int ready[2], const int go[2])
{
	close(ready[0]);
	close(go[1]);
	for (size_t i = 0; i < n; i++)
		if (i % shares != share)
			close(links[i]);
	close(ready[1]);
	wait_for_end(go[0]);
	_exit(0);
}

/*
 * When the last descriptor of a link is closed the kernel takes the breakpoints out, and waits for a grace period,
 * some 50 ms. So the last to have the links are children that have nothing to do but end, several of them: all wait
 * for the same grace period. How many there are.
 */
static size_t give_away(const int *links, size_t n, pid_t *children, size_t shares)
{
	int ready[2] = { -1, -1 }, go[2] = { -1, -1 };
	size_t n_children = 0;

	if (pipe2(ready, O_CLOEXEC) || pipe2(go, O_CLOEXEC))
		shares = 0;
	for (size_t share = 0; share < shares; share++) {
		pid_t child = fork();

		if (child == 0)
			hold_share(links, n, share, shares, ready, go);
		if (child > 0)
			children[n_children++] = child;
	}
	close(ready[1]);
	close(go[0]);
	wait_for_end(ready[0]);
	for (size_t i = 0; i < n; i++) {
		close(links[i]);
		held[links[i] / 64] &= ~(1ull << links[i] % 64);
	}
	close(go[1]);
	close(ready[0]);
	return n_children;
}

static void wait_for(pid_t child)
{
	while (waitpid(child, NULL, 0) < 0 && errno == EINTR)
		;
}

static void close_links(const int *links, size_t n, size_t shares, bool wait)
{
	pid_t children[CHILDREN_AT_END];
	size_t n_children;

	if (!n)
		return;
	n_children = give_away(links, n, children, n < shares ? n : shares);
	if (!wait)
		parting += n_children;
	for (size_t i = 0; wait && i < n_children; i++)
		wait_for(children[i]);
}

void lt_guard_links__close(const int32_t *links, size_t n, bool wait)
{
	int fds[LT_GUARD_LINKS_MAX];
	size_t kept = 0;

	for (size_t i = 0; i < n && i < LT_GUARD_LINKS_MAX; i++)
		if (is_held(links[i]))
			fds[kept++] = links[i];
	close_links(fds, kept, wait ? CHILDREN_MAX : CHILDREN_PARTING, wait);
}

void lt_guard_links__close_all(void)
{
	static int fds[DESCRIPTORS_MAX];
	size_t n = 0;

	for (int fd = 0; fd < DESCRIPTORS_MAX; fd++)
		if (is_held(fd))
			fds[n++] = fd;
	close_links(fds, n, CHILDREN_AT_END, true);
	while (waitpid(-1, NULL, 0) > 0 || errno == EINTR)
		;
}

size_t lt_guard_links__reap(void)
{
	while (parting && waitpid(-1, NULL, WNOHANG) > 0)
		parting--;
	return parting;
}

/* The number that this kernel has given to uprobes as perf events. */
static int uprobe_type(void)
{
	static int type;
	char text[16] = "";
	int fd;

	if (type)
		return type;
	fd = open("/sys/bus/event_source/devices/uprobe/type", O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (read(fd, text, sizeof(text) - 1) > 0)
		type = atoi(text);
	close(fd);
	return type > 0 ? type : -EOPNOTSUPP;
}

/* Gives the event its program, by a link where links carry cookies: a descriptor that holds both. */
static int give_program(int event_fd, int prog_fd, const struct lt_guard_request *request, size_t i)
{
	LIBBPF_OPTS(bpf_link_create_opts, opts, .perf_event.bpf_cookie = request->cookies[i]);
	int fd = event_fd, err;

	if (request->has_cookies)
		fd = bpf_link_create(prog_fd, event_fd, BPF_PERF_EVENT, &opts);
	else if (ioctl(event_fd, PERF_EVENT_IOC_SET_BPF, prog_fd))
		fd = -1;
	err = fd < 0 || ioctl(event_fd, PERF_EVENT_IOC_ENABLE, 0) ? -errno : 0;
	if (fd != event_fd)
		close(event_fd);
	if (err && fd >= 0)
		close(fd);
	return err ? err : fd;
}

static int open_event(const struct lt_guard_request *request, int prog_fd, int file_fd, size_t i)
{
	int type = uprobe_type(), event_fd;
	struct perf_event_attr attr = { .size = sizeof(attr) };
	char path[64];

	if (type < 0)
		return type;
	/* The kernel wants a path; this one leads to the open inode, whatever became of its name. */
	snprintf(path, sizeof(path), "/proc/self/fd/%d", file_fd);
	attr.type = (uint32_t)type;
	attr.config1 = (uintptr_t)path;
	attr.config2 = request->offsets[i];
	event_fd = (int)syscall(SYS_perf_event_open, &attr, request->pid, -1, -1,
				PERF_FLAG_FD_CLOEXEC);
	return event_fd < 0 ? -errno : give_program(event_fd, prog_fd, request, i);
}

static int open_next(const struct lt_guard_request *request, int prog_fd, int file_fd, size_t i)
{
	int fd = request->multi ? lt_multi_attach(prog_fd, file_fd, request->pid, request->offsets,
						  request->cookies, request->n)
				: open_event(request, prog_fd, file_fd, i);
	int err = fd < 0 ? fd : hold(fd);

	return err ? err : fd;
}

int lt_guard_links__open(const struct lt_guard_request *request, int prog_fd, int file_fd,
			 int32_t ret_links[LT_GUARD_SITES_MAX])
{
	size_t n = request->multi ? 1 : request->n;

	for (size_t i = 0; i < n; i++) {
		int fd = open_next(request, prog_fd, file_fd, i);

		if (fd < 0) {
			lt_guard_links__close(ret_links, i, false);
			return fd;
		}
		ret_links[i] = fd;
	}
	return (int)n;
}
