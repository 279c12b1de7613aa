/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
#include "agent/probe/links.h"

#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#define CHILDREN_MAX 16

static void destroy_link(struct lt_link *link)
{
	if (link->fd >= 0)
		close(link->fd);
	bpf_link__destroy(link->perf);
}

static void wait_for_end(int fd)
{
	char byte;

	while (read(fd, &byte, 1) < 0 && errno == EINTR)
		;
}

/* A child that has one share of the links in its hands when it ends: the last that has them, if told so. */
static _Noreturn void hold_share(struct lt_link *links, size_t n, size_t share, size_t shares,
				 const int ready[2], const int go[2])
{
	close(ready[0]);
	close(go[1]);
	for (size_t i = 0; i < n; i++)
		if (i % shares != share)
			destroy_link(&links[i]);
	close(ready[1]);
	wait_for_end(go[0]);
	_exit(0);
}

/*
 * When the last descriptor of a link is closed the kernel takes the breakpoints out, and waits for a grace period,
 * some 50 ms. It gives up, and leaves them in the target, if its thread is about to be killed: see
 * register_for_each_vma() and get_user_pages(), Linux 6.18 "failed to unregister, leaking uprobe". A process that
 * is ending already cannot be killed any more. So the last to have the links are children that have nothing to do
 * but end, several of them, so that all wait for the same grace period.
 */
void lt_links__destroy(struct lt_link *links, size_t n)
{
	size_t shares = n < CHILDREN_MAX ? n : CHILDREN_MAX;
	pid_t children[CHILDREN_MAX];
	int ready[2] = { -1, -1 }, go[2] = { -1, -1 };

	if (pipe2(ready, O_CLOEXEC) || pipe2(go, O_CLOEXEC))
		shares = 0;
	for (size_t share = 0; share < shares; share++) {
		children[share] = fork();
		if (children[share] == 0)
			hold_share(links, n, share, shares, ready, go);
	}
	close(ready[1]);
	close(go[0]);
	wait_for_end(ready[0]);
	for (size_t i = 0; i < n; i++)
		destroy_link(&links[i]);
	close(go[1]);
	close(ready[0]);
	for (size_t share = 0; share < shares; share++)
		while (children[share] > 0 && waitpid(children[share], NULL, 0) < 0 && errno == EINTR)
			;
}

int lt_links__add(struct lt_link **links, size_t *n, struct lt_link take_link)
{
	struct lt_link *more = reallocarray(*links, *n + 1, sizeof(*more));

	if (!more) {
		destroy_link(&take_link);
		return -ENOMEM;
	}
	more[(*n)++] = take_link;
	*links = more;
	return 0;
}
