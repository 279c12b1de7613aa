/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/* Looking into the table of metrics, and into what they are of. */
#include <string.h>

#include "looptop/metric.h"

const struct lt_metric *lt_metric_find(enum lt_scope scope, const char *key)
{
	for (size_t i = 0; i < lt_n_metrics; i++) {
		const struct lt_metric *metric = &lt_metrics[i];

		if (metric->scope == scope && metric->key && strcmp(metric->key, key) == 0)
			return metric;
	}
	return NULL;
}

double lt_metric_number(const struct lt_metric *metric, const void *base)
{
	double number;

	memcpy(&number, (const char *)base + metric->offset, sizeof(number));
	return number;
}
