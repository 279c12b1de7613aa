/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/*
 * A snapshot as one JSON object in one line: schema 1 of the contract. The figures come from the
 * descriptor table in its order; only what is text or a list is written here by name. Unknown is
 * null at the leaves, so that a script's paths hold; a pool that is not there, and kinds of tasks
 * and pauses that nobody counts, are null as a whole. Text from a target is made well-formed UTF-8
 * before it is escaped.
 */
#include "looptop/sink.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent/sink/json.h"
#include "agent/sink/out.h"
#include "looptop/metric.h"

/* All builders below return a new reference; NULL only when memory ran out. */

static json_t *dist(const struct lt_dist *d)
{
	static const char *const names[] = { "sum", "p50", "p90", "p99", "max" };
	const double seconds[] = { d->sum, d->p50, d->p90, d->p99, d->max };
	json_t *object = json_pack("{s:o}", "count", lt_json_number(LT_UNIT_COUNT, d->count));
	json_t *rest = lt_json_keyed(LT_UNIT_SECONDS, seconds, names, 5);
	int err = json_object_update(object, rest);

	json_decref(rest);
	if (!err)
		return object;
	json_decref(object);
	return NULL;
}

static json_t *lag(const struct lt_lag *l)
{
	static const char *const names[] = { "mean", "p50", "p90", "p99", "p999", "max" };
	const double seconds[] = { l->mean, l->p50, l->p90, l->p99, l->p999, l->max };

	return lt_json_keyed(LT_UNIT_SECONDS, seconds, names, 6);
}

static json_t *metric_value(const struct lt_metric *metric, const void *base)
{
	const void *at = (const char *)base + metric->offset;

	switch (metric->shape) {
	case LT_SHAPE_DIST:
		return dist(at);
	case LT_SHAPE_LAG:
		return lag(at);
	case LT_SHAPE_PHASES:
		return lt_json_keyed(metric->unit, at, lt_phase_names, LT_SNAP_PHASES);
	case LT_SHAPE_CAUSES:
		return lt_json_keyed(metric->unit, at, lt_cause_names, LT_SNAP_CAUSES);
	case LT_SHAPE_TIER_REASONS:
		return lt_json_keyed(metric->unit, at, lt_tier_reason_names, LT_SNAP_TIER_REASONS);
	case LT_SHAPE_HANDLES:
		return lt_json_keyed(metric->unit, at, lt_handle_names, LT_SNAP_HANDLES);
	case LT_SHAPE_COMPILERS:
		return lt_json_keyed(metric->unit, at, lt_compiler_names, LT_SNAP_COMPILERS);
	case LT_SHAPE_LOST:
		return lt_json_keyed(metric->unit, at, lt_lost_names, LT_SNAP_LOST);
	default:
		return lt_json_number(metric->unit, lt_metric_number(metric, base));
	}
}

/* Adds the table's figures of a scope to an object; 0 or -ENOMEM. */
static int add_scope(json_t *object, enum lt_scope scope, const void *base)
{
	for (size_t i = 0; i < lt_n_metrics; i++) {
		const struct lt_metric *metric = &lt_metrics[i];

		if (metric->scope != scope || !metric->key)
			continue;
		if (json_object_set_new(object, metric->key, metric_value(metric, base)))
			return -ENOMEM;
	}
	return 0;
}

/* An object of the table's figures alone. */
static json_t *scope_object(enum lt_scope scope, const void *base)
{
	json_t *object = json_object();

	if (object && add_scope(object, scope, base)) {
		json_decref(object);
		return NULL;
	}
	return object;
}

/* The spaces that there are, or null if none is known. */
static json_t *spaces(const struct lt_heap *h)
{
	json_t *object = lt_known(h->total_bytes) ? json_object() : json_null();

	for (size_t i = 0; i < LT_SNAP_SPACES && lt_known(h->total_bytes); i++) {
		json_t *space;

		if (!lt_known(h->space_total_bytes[i]))
			continue;
		space = json_pack(
			"{s:o, s:o, s:o}", "used_bytes",
			lt_json_number(LT_UNIT_BYTES, h->space_used_bytes[i]), "total_bytes",
			lt_json_number(LT_UNIT_BYTES, h->space_total_bytes[i]), "available_bytes",
			lt_json_number(LT_UNIT_BYTES, h->space_available_bytes[i]));
		if (json_object_set_new(object, lt_space_names[i], space)) {
			json_decref(object);
			return NULL;
		}
	}
	return object;
}

static json_t *heap(const struct lt_heap *h)
{
	json_t *object;

	if (!h->present)
		return json_null();
	object = scope_object(LT_SCOPE_HEAP, h);
	if (json_object_set_new(object, "spaces", spaces(h))) {
		json_decref(object);
		return NULL;
	}
	return object;
}

static json_t *streams(const struct lt_loop *l)
{
	json_t *object = scope_object(LT_SCOPE_STREAMS, l), *worst = json_null();

	if (l->streams.blocked > 0)
		worst = json_pack("{s:i, s:o, s:o}", "fd", l->streams.worst.fd, "queued_bytes",
				  lt_json_number(LT_UNIT_BYTES, l->streams.worst.queued_bytes),
				  "peer", lt_json_text(l->streams.worst.peer));
	if (json_object_set_new(object, "worst", worst)) {
		json_decref(object);
		return NULL;
	}
	return object;
}

static json_t *jit(const struct lt_loop *l)
{
	json_t *object = scope_object(LT_SCOPE_JIT, l);
	json_t *functions = lt_known(l->jit.deopts) ? json_array() : json_null();

	for (size_t i = 0; lt_known(l->jit.deopts) && i < l->jit.n_functions; i++)
		if (json_array_append_new(functions, lt_json_deopt(&l->jit.functions[i])))
			goto fail;
	if (json_object_set_new(object, "functions", functions) == 0)
		return object;
	json_decref(object);
	return NULL;
fail:
	json_decref(functions);
	json_decref(object);
	return NULL;
}

static json_t *loop(const struct lt_loop *l)
{
	json_t *stalls = json_array();
	json_t *object = json_pack("{s:i, s:o, s:b}", "tid", l->tid, "name", lt_json_text(l->name),
				   "ended", l->ended);

	for (size_t i = 0; i < l->n_stalls; i++)
		if (json_array_append_new(stalls, lt_json_stall(&l->stalls[i])))
			goto fail;
	if (!object || add_scope(object, LT_SCOPE_LOOP, l) ||
	    json_object_set_new(object, "handles", scope_object(LT_SCOPE_HANDLES, l)) ||
	    json_object_set_new(object, "streams", streams(l)) ||
	    json_object_set_new(object, "js", scope_object(LT_SCOPE_JS, l)) ||
	    json_object_set_new(object, "jit", jit(l)))
		goto fail;
	if (json_object_set_new(object, "heap", heap(&l->heap)) ||
	    json_object_set(object, "stalls", stalls))
		goto fail;
	json_decref(stalls);
	return object;
fail:
	json_decref(stalls);
	json_decref(object);
	return NULL;
}

/* An object that has one object for each name, filled by the scope's figures. */
static json_t *kinds(enum lt_scope scope, const void *array, size_t stride,
		     const char *const *names, size_t n)
{
	json_t *object = json_object();

	for (size_t i = 0; i < n; i++) {
		const void *base = (const char *)array + i * stride;

		if (json_object_set_new(object, names[i], scope_object(scope, base))) {
			json_decref(object);
			return NULL;
		}
	}
	return object;
}

static json_t *pool(const struct lt_pool *p)
{
	json_t *object, *by_kind;

	if (!p->present)
		return json_null();
	object = scope_object(LT_SCOPE_POOL, p);
	by_kind = p->kinds_known ? kinds(LT_SCOPE_POOL_KIND, p->kinds, sizeof(p->kinds[0]),
					 lt_kind_names, LT_SNAP_KINDS)
				 : json_null();
	if (json_object_set_new(object, "kinds", by_kind)) {
		json_decref(object);
		return NULL;
	}
	return object;
}

static json_t *gc(const struct lt_process *p)
{
	json_t *object, *by_kind;

	object = scope_object(LT_SCOPE_GC, p);
	by_kind = p->gc_known ? kinds(LT_SCOPE_GC_KIND, p->gc, sizeof(p->gc[0]), lt_gc_names,
				      LT_SNAP_GCS)
			      : json_null();
	if (json_object_set_new(object, "kinds", by_kind)) {
		json_decref(object);
		return NULL;
	}
	return object;
}

static json_t *missing(const struct lt_process *p)
{
	json_t *array = json_array();

	for (size_t i = 0; i < p->n_missing; i++) {
		if (json_array_append_new(array, lt_json_text(p->missing[i]))) {
			json_decref(array);
			return NULL;
		}
	}
	return array;
}

static json_t *loops(const struct lt_process *p)
{
	json_t *array = json_array();

	for (size_t i = 0; i < p->n_loops; i++) {
		if (json_array_append_new(array, loop(&p->loops[i]))) {
			json_decref(array);
			return NULL;
		}
	}
	return array;
}

static json_t *process(const struct lt_process *p)
{
	json_t *object = json_pack(
		"{s:i, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:b}", "pid", p->pid,
		"start_time", isfinite(p->start_time) ? json_real(p->start_time) : json_null(),
		"seen_time", isfinite(p->seen_time) ? json_real(p->seen_time) : json_null(), "name",
		lt_json_text(p->name), "exe", lt_json_text(p->exe), "runtime",
		lt_json_text(p->runtime), "runtime_version", lt_json_text(p->runtime_version),
		"libuv_version", lt_json_text(p->libuv_version), "container",
		lt_json_text(p->container), "cgroup", lt_json_text(p->cgroup), "tier",
		lt_json_text(p->tier), "missing", missing(p), "ended", p->ended);

	if (!object || json_object_set_new(object, "answers", json_boolean(!p->silent)) ||
	    json_object_set_new(object, "end", lt_json_end(p)) ||
	    json_object_set_new(object, "pod", lt_json_text(p->pod)) ||
	    json_object_set_new(object, "hostname", lt_json_text(p->hostname)) ||
	    json_object_set_new(object, "parent_pid",
				p->parent_pid ? json_integer(p->parent_pid) : json_null()) ||
	    json_object_set_new(object, "group_pid",
				json_integer(p->group_pid ? p->group_pid : p->pid)) ||
	    add_scope(object, LT_SCOPE_PROCESS, p) ||
	    json_object_set_new(object, "throttled", scope_object(LT_SCOPE_THROTTLED, p)) ||
	    json_object_set_new(object, "loops", loops(p)) ||
	    json_object_set_new(object, "pool", pool(&p->pool)) ||
	    json_object_set_new(object, "sync_fs", scope_object(LT_SCOPE_SYNC_FS, p)) ||
	    json_object_set_new(object, "gc", gc(p))) {
		json_decref(object);
		return NULL;
	}
	return object;
}

static json_t *processes(const struct lt_snapshot *s)
{
	json_t *array = json_array();

	for (size_t i = 0; i < s->n_processes; i++) {
		if (json_array_append_new(array, process(&s->processes[i]))) {
			json_decref(array);
			return NULL;
		}
	}
	return array;
}

static json_t *host(const struct lt_host *h)
{
	return json_pack("{s:o, s:o, s:i}", "name", lt_json_text(h->name), "kernel",
			 lt_json_text(h->kernel), "cpus", h->cpus);
}

char *lt_json_line(const struct lt_snapshot *snapshot)
{
	json_t *object = json_pack(
		"{s:i, s:o, s:o, s:o, s:o, s:o}", "schema", snapshot->schema, "time",
		isfinite(snapshot->time) ? json_real(snapshot->time) : json_null(),
		"interval_seconds", lt_json_number(LT_UNIT_SECONDS, snapshot->interval_seconds),
		"host", host(&snapshot->host), "self", scope_object(LT_SCOPE_SELF, &snapshot->self),
		"processes", processes(snapshot));
	char *line = object ? lt_json_dump(object, LT_JSON_FLAGS) : NULL;

	json_decref(object);
	if (!line)
		errno = ENOMEM;
	return line;
}

static void *json_open(const struct lt_sink_opts *opts)
{
	struct lt_sink_opts *state = malloc(sizeof(*state));

	if (state)
		*state = *opts;
	return state;
}

static int json_write(void *state, const struct lt_snapshot *snapshot)
{
	const struct lt_sink_opts *opts = state;
	char *line = lt_json_line(snapshot);

	if (!line)
		return -errno;
	lt_out_begin();
	fputs(line, opts->out);
	fputc('\n', opts->out);
	free(line);
	return lt_out_end(opts->out);
}

static int json_close(void *state)
{
	struct lt_sink_opts *opts = state;
	int err = lt_out_end(opts->out);

	free(opts);
	return err;
}

const struct lt_sink lt_sink_json = {
	.name = "json",
	.open = json_open,
	.write = json_write,
	.close = json_close,
};
