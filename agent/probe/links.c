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

#include "agent/util/array.h"

#define CHILDREN_MAX	 16
#define CHILDREN_PARTING 4

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

/* Gives the links to children that end as soon as nobody else has them. How many there are. */
static size_t give_away(struct lt_link *links, size_t n, pid_t *children, size_t shares)
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
	for (size_t i = 0; i < n; i++)
		destroy_link(&links[i]);
	close(go[1]);
	close(ready[0]);
	return n_children;
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
	pid_t children[CHILDREN_MAX];
	size_t n_children = give_away(links, n, children, n < CHILDREN_MAX ? n : CHILDREN_MAX);

	for (size_t i = 0; i < n_children; i++)
		while (waitpid(children[i], NULL, 0) < 0 && errno == EINTR)
			;
}

/* A few children, each of which waits for one grace period after the other: nobody waits for them. */
void lt_links__part(struct lt_link *links, size_t n, struct lt_parting *parting)
{
	size_t shares = n < CHILDREN_PARTING ? n : CHILDREN_PARTING;
	pid_t *children;

	if (!n)
		return;
	children = lt_array_room(parting->children, parting->n + shares - 1, &parting->room, 16,
				 sizeof(*children));
	if (!children) {
		lt_links__destroy(links, n);
		return;
	}
	parting->children = children;
	parting->n += give_away(links, n, children + parting->n, shares);
}

void lt_parting__reap(struct lt_parting *parting, bool wait)
{
	size_t kept = 0;

	for (size_t i = 0; i < parting->n; i++) {
		pid_t child = parting->children[i], ended;

		do
			ended = waitpid(child, NULL, wait ? 0 : WNOHANG);
		while (ended < 0 && errno == EINTR);
		if (!ended)
			parting->children[kept++] = child;
	}
	parting->n = kept;
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
