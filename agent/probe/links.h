/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/* The links that hold probes in place: many sites by a multi link, or one site by perf events. */
#ifndef LOOPTOP_PROBE_LINKS_H
#define LOOPTOP_PROBE_LINKS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct bpf_link;

struct lt_link {
	int fd; /* of a multi link, -1: none */
	struct bpf_link *perf; /* NULL: none */
};

/* Takes the link over: when there is no memory for it, it is destroyed at once, with -ENOMEM. */
int lt_links__add(struct lt_link **links, size_t *n, struct lt_link take_link);

/* Destroys n links at the same time. Does not free the array. */
void lt_links__destroy(struct lt_link *links, size_t n);

/* Children that have links in their hands, and end with them. */
struct lt_parting {
	pid_t *children; /* owned */
	size_t n, room;
};

/* The same, without waiting until the kernel is done: for a process that has ended, which cannot run into them. */
void lt_links__part(struct lt_link *links, size_t n, struct lt_parting *parting);

/* Takes leave of the children that have ended; wait: of all. */
void lt_parting__reap(struct lt_parting *parting, bool wait);

#endif
