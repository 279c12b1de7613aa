/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/*
 * The descriptor table of every metric: JSON key, column title, unit, width, help, Prometheus
 * name. Sinks and the dashboard walk it; a new metric is one row (agent/model/metric.c).
 */
#ifndef LOOPTOP_METRIC_H
#define LOOPTOP_METRIC_H

#include "looptop/snapshot.h"

enum lt_unit { LT_UNIT_COUNT, LT_UNIT_SECONDS, LT_UNIT_BYTES, LT_UNIT_RATIO, LT_UNIT_BOOL };

/* Which structure a row's offsets are in. */
enum lt_scope {
	LT_SCOPE_SELF, /* struct lt_self */
	LT_SCOPE_PROCESS, /* struct lt_process */
	LT_SCOPE_LOOP, /* struct lt_loop */
	LT_SCOPE_HEAP, /* struct lt_heap; JSON object "heap" in a loop */
	LT_SCOPE_POOL, /* struct lt_pool */
	LT_SCOPE_POOL_KIND, /* struct lt_pool_kind */
	LT_SCOPE_GC_KIND, /* struct lt_gc_kind */
	LT_SCOPE_SYNC_FS, /* struct lt_process; JSON object "sync_fs" */
	LT_SCOPE_GC, /* struct lt_process; JSON object "gc" */
	LT_SCOPE_THROTTLED, /* struct lt_process; JSON object "throttled" */
	LT_SCOPE_DELAY, /* struct lt_delay; no JSON: only names of others have it */
	LT_SCOPE_ACTIVE, /* struct lt_active; likewise */
	LT_SCOPE_HANDLES, /* struct lt_loop; JSON object "handles" */
	LT_SCOPE_STREAMS, /* struct lt_loop; JSON object "streams" */
	LT_SCOPE_JS, /* struct lt_loop; JSON object "js" */
	LT_SCOPE_JIT, /* struct lt_loop; JSON object "jit" */
	LT_SCOPE_MAX,
};

/* What stands at the offset. */
enum lt_shape {
	LT_SHAPE_NUMBER, /* double */
	LT_SHAPE_DIST, /* struct lt_dist; prom_offset: const struct lt_hist * */
	LT_SHAPE_LAG, /* struct lt_lag */
	LT_SHAPE_PHASES, /* double[LT_SNAP_PHASES], keyed by lt_phase_names */
	LT_SHAPE_CAUSES, /* double[LT_SNAP_CAUSES], keyed by lt_cause_names */
	LT_SHAPE_TIER_REASONS, /* double[LT_SNAP_TIER_REASONS], keyed by lt_tier_reason_names */
	LT_SHAPE_SPACES, /* double[LT_SNAP_SPACES], keyed by lt_space_names; unknown ones are left out */
	LT_SHAPE_V8_SPACES, /* the same, keyed by lt_v8_space_names */
	LT_SHAPE_HANDLES, /* double[LT_SNAP_HANDLES], keyed by lt_handle_names */
	LT_SHAPE_COMPILERS, /* double[LT_SNAP_COMPILERS], keyed by lt_compiler_names */
	LT_SHAPE_LOST, /* double[LT_SNAP_LOST], keyed by lt_lost_names */
	LT_SHAPE_ENDS, /* double[LT_SNAP_END_HOWS][LT_SNAP_END_REASONS]; for Prometheus only */
	LT_SHAPE_HIST, /* const struct lt_hist *: totals for Prometheus only */
	LT_SHAPE_LAG_HIST, /* struct lt_loop: the histogram of virtual arrivals (contract, 4) */
};

enum lt_prom_type { LT_PROM_NONE, LT_PROM_COUNTER, LT_PROM_GAUGE, LT_PROM_HISTOGRAM };

struct lt_metric {
	enum lt_scope scope;
	enum lt_shape shape;
	enum lt_unit unit;
	const char *key; /* JSON key within its scope's object; NULL: not in JSON */
	size_t offset; /* of the interval's figure (JSON, CSV, screen) */
	const char *title; /* column heading; NULL: no column */
	int width; /* columns on screen, heading included */
	const char *help; /* one sentence, for --help, the help screen and # HELP */
	enum lt_prom_type prom_type;
	const char *prom_name; /* full name without the _total, _bucket … suffix that its type adds */
	size_t prom_offset; /* of the figure that Prometheus gets (a total, or a gauge) */
	const char *label, *label_value; /* a fixed further label, or NULL */
	const char *prom_help; /* # HELP where rows share a prom_name or it means more than help; or NULL */
	const double *bounds; /* of a histogram's buckets, up to a 0; NULL: the sink's own */
};

extern const struct lt_metric lt_metrics[];
extern const size_t lt_n_metrics;

/*
 * The names that others gave to such figures, with the meaning that they have there (docs/METRICS.md): rows for
 * Prometheus only, exported beside the native ones for those who ask. Of a Node.js process they tell what an
 * exporter inside its main thread tells: rows of a loop are of the main one.
 */
enum lt_names { LT_NAMES_NATIVE, LT_NAMES_PROM_CLIENT, LT_NAMES_OTEL, LT_NAMES_MAX };

struct lt_name_set {
	const char *name; /* as --names has it */
	const struct lt_metric *rows;
	const size_t *n;
};

extern const struct lt_name_set lt_name_sets[LT_NAMES_MAX];
extern const struct lt_metric lt_prom_client_metrics[], lt_otel_metrics[];
extern const size_t lt_n_prom_client_metrics, lt_n_otel_metrics;

/* The metric with this scope and JSON key, or NULL. */
const struct lt_metric *lt_metric_find(enum lt_scope scope, const char *key);

/* The number at a metric's offset in the structure of its scope; only for LT_SHAPE_NUMBER. */
double lt_metric_number(const struct lt_metric *metric, const void *base);

extern const char *const lt_phase_names[LT_SNAP_PHASES];
extern const char *const lt_space_names[LT_SNAP_SPACES];
extern const char *const lt_v8_space_names[LT_SNAP_SPACES]; /* as V8 itself has them: "new_space" */
extern const char *const lt_cause_names[LT_SNAP_CAUSES];
extern const char *const lt_kind_names[LT_SNAP_KINDS];
extern const char *const lt_handle_names[LT_SNAP_HANDLES];
extern const char *const lt_compiler_names[LT_SNAP_COMPILERS]; /* as V8 calls them */
extern const char *const lt_gc_names[LT_SNAP_GCS];
extern const char *const lt_tier_reason_names[LT_SNAP_TIER_REASONS];
extern const char *const lt_end_hows[LT_SNAP_END_HOWS];
extern const char *const lt_end_reasons[LT_SNAP_END_REASONS]; /* "": none */
extern const char *const lt_lost_names[LT_SNAP_LOST];
extern const char *const lt_lost_help[LT_SNAP_LOST];

#endif
