/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
#include "agent/self_reading.h"

#include <math.h>
#include <string.h>
#include <sys/resource.h>

#include "agent/target/reader.h"
#include "agent/util/budget.h"
#include "agent/util/refusal.h"
#include "agent/util/self.h"

static double cpu_seconds_of(int who)
{
	struct rusage usage;

	getrusage(who, &usage);
	return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
	       (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

void lt_self__read(struct lt_probe *probe, struct lt_guard *guard, const struct lt_features *features,
		   const struct lt_govern *govern, struct lt_self_reading *ret_self)
{
	*ret_self = (struct lt_self_reading){
		.cpu_seconds = cpu_seconds_of(RUSAGE_SELF) + cpu_seconds_of(RUSAGE_CHILDREN) +
			       lt_reader__cpu_seconds() + lt_guard__cpu_seconds(guard),
		.rss_bytes = lt_self_kib("VmRSS") * 1024,
		.peak_rss_bytes = lt_self_kib("VmHWM") * 1024,
		.target_memory_bytes = (double)lt_budget__used(),
		.refused_files = (double)lt_refusals(),
		.hit_cost_ns = features->hit_cost_ns,
		.left_to_scan = NAN,
	};
	if (probe)
		lt_probe__lost(probe, ret_self->lost);
	if (probe && lt_probe__tells_begins(probe))
		ret_self->left_to_scan = (double)lt_probe__begins_left(probe);
	memcpy(ret_self->tier_changes, govern->changes, sizeof(ret_self->tier_changes));
}
