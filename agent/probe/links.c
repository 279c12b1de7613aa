/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
#include "agent/probe/links.h"

#include <bpf/libbpf.h>
#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>

#define DESTROY_THREADS 32

static void *destroy_link(void *ctx)
{
	struct lt_link *link = ctx;

	if (link->fd >= 0)
		close(link->fd);
	bpf_link__destroy(link->perf);
	return NULL;
}

/*
 * Closing a link waits for a grace period of the kernel, some 50 ms. They are closed at the same
 * time, by a thread each, so that all of them wait for the same one.
 */
void lt_links__destroy(struct lt_link *links, size_t n)
{
	pthread_t threads[DESTROY_THREADS];

	for (size_t begin = 0; begin < n; begin += DESTROY_THREADS) {
		size_t count = n - begin < DESTROY_THREADS ? n - begin : DESTROY_THREADS;
		bool started[DESTROY_THREADS];

		for (size_t i = 0; i < count; i++) {
			started[i] = !pthread_create(&threads[i], NULL, destroy_link,
						     &links[begin + i]);
			if (!started[i])
				destroy_link(&links[begin + i]);
		}
		for (size_t i = 0; i < count; i++)
			if (started[i])
				pthread_join(threads[i], NULL);
	}
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
