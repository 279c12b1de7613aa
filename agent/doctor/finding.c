/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
#include "agent/doctor/finding.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

struct lt_finding *lt_finding__new(struct lt_diagnosis *diagnosis, const char *id,
				   const struct lt_dr_process *process,
				   const struct lt_dr_loop *loop)
{
	struct lt_finding *finding;

	if (diagnosis->n_findings == LT_FINDINGS_MAX) {
		diagnosis->left_out++;
		return NULL;
	}
	finding = &diagnosis->findings[diagnosis->n_findings++];
	memset(finding, 0, sizeof(*finding));
	finding->id = id;
	finding->process = process;
	finding->loop = loop;
	return finding;
}

void lt_finding__seen(struct lt_finding *finding, const char *fmt, ...)
{
	va_list args;

	if (finding->n_seen == LT_FINDING_SEEN)
		return;
	va_start(args, fmt);
	vsnprintf(finding->seen[finding->n_seen++], LT_FINDING_TEXT, fmt, args);
	va_end(args);
}

void lt_finding__advise(struct lt_finding *finding, const char *advice)
{
	if (finding->n_advice < LT_FINDING_ADVICE)
		finding->advice[finding->n_advice++] = advice;
}

/* What the cures of this figure bring by now. */
static double best_gain(const struct lt_finding *finding, const char *key)
{
	double best = 0;

	for (size_t i = 0; i < finding->n_estimates; i++)
		if (!strcmp(finding->estimates[i].key, key))
			best = fmax(best,
				    finding->estimates[i].before - finding->estimates[i].after);
	return best;
}

void lt_finding__estimate(struct lt_finding *finding, const char *figure, const char *key,
			  double before, double after, const char *cure_fmt, ...)
{
	struct lt_estimate *estimate;
	double gain = best_gain(finding, key);
	va_list args;

	if (finding->n_estimates == LT_FINDING_ESTIMATES || !lt_known(before) || !lt_known(after))
		return;
	estimate = &finding->estimates[finding->n_estimates++];
	estimate->figure = figure;
	estimate->key = key;
	estimate->before = before;
	estimate->after = fmin(after, before);
	va_start(args, cure_fmt);
	vsnprintf(estimate->cure, sizeof(estimate->cure), cure_fmt, args);
	va_end(args);
	finding->weight_seconds += fmax(0, before - estimate->after - gain);
}

bool lt_diagnosis__has(const struct lt_diagnosis *diagnosis, const char *id,
		       const struct lt_dr_process *process)
{
	for (size_t i = 0; i < diagnosis->n_findings; i++)
		if (diagnosis->findings[i].process == process &&
		    !strcmp(diagnosis->findings[i].id, id))
			return true;
	return false;
}
