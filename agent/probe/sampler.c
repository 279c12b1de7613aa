/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/* One software clock for each sampled thread (perf_event_open(2)). */
#include "agent/probe/internal.h"

#include <errno.h>
#include <linux/perf_event.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "agent/util/array.h"

struct clock_link {
	int tid;
	struct bpf_link *link;
};

struct lt_sampler {
	struct lt_probe *probe;
	struct clock_link *clocks;
	size_t n, capacity;
};

struct lt_sampler *lt_sampler__new(struct lt_probe *probe)
{
	struct lt_sampler *sampler = calloc(1, sizeof(*sampler));

	if (sampler)
		sampler->probe = probe;
	return sampler;
}

void lt_sampler__free(struct lt_sampler *sampler)
{
	if (!sampler)
		return;
	for (size_t i = 0; i < sampler->n; i++)
		bpf_link__destroy(sampler->clocks[i].link);
	free(sampler->clocks);
	free(sampler);
}

int lt_sampler__add(struct lt_sampler *sampler, int tid, uint64_t async_hooks)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_SOFTWARE,
		.size = sizeof(attr),
		.config = PERF_COUNT_SW_CPU_CLOCK,
		.sample_freq = LT_SAMPLE_HZ,
		.freq = 1,
	};
	LIBBPF_OPTS(bpf_perf_event_opts, opts, .bpf_cookie = async_hooks);
	struct bpf_link *link;
	struct clock_link *clocks;
	int fd, err;

	for (size_t i = 0; i < sampler->n; i++)
		if (sampler->clocks[i].tid == tid)
			return 0;
	clocks = lt_array_room(sampler->clocks, sampler->n, &sampler->capacity, 8, sizeof(*clocks));
	if (!clocks)
		return -ENOMEM;
	sampler->clocks = clocks;
	fd = (int)syscall(SYS_perf_event_open, &attr, tid, -1, -1, PERF_FLAG_FD_CLOEXEC);
	if (fd < 0)
		return -errno;
	link = bpf_program__attach_perf_event_opts(
		lt_probe__skeleton(sampler->probe)->progs.lt_sample, fd, &opts);
	if (!link) {
		err = -errno;
		close(fd);
		return err;
	}
	sampler->clocks[sampler->n++] = (struct clock_link){ tid, link };
	return 0;
}

void lt_sampler__remove(struct lt_sampler *sampler, int tid)
{
	for (size_t i = 0; i < sampler->n; i++) {
		if (sampler->clocks[i].tid != tid)
			continue;
		bpf_link__destroy(sampler->clocks[i].link);
		sampler->clocks[i] = sampler->clocks[--sampler->n];
		return;
	}
}
