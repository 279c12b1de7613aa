/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/*
 * The names of others for our figures, a row each as in metric.c, and the list of all tables. A
 * name is here only if we have the very figure that it promises; where it promises another one
 * than ours, the other one is computed (struct lt_delay) or the row is missing. docs/METRICS.md
 * has both side by side, and what is missing with the reason.
 */
#include "looptop/metric.h"

#include "looptop/abi.h"

#define PROC(member) offsetof(struct lt_process, member)
#define LOOP(member) offsetof(struct lt_loop, member)
#define HEAP(member) offsetof(struct lt_heap, member)
#define ACTIVE(member) offsetof(struct lt_active, member)
#define DELAY(member) offsetof(struct lt_delay, member)

#define HELP_GC "Garbage collection pauses by kind, those of Workers included."
#define HELP_ELU_TIME "Time the main loop was active and idle."
#define LAG_WINDOW " as a timer of 10 ms in the main loop would see them (those 10 ms included), of " \
		   "the last 30 to 60 seconds."

/* A gauge of struct lt_delay. */
#define DELAY_ROW(name, member, what) \
	{ .scope = LT_SCOPE_DELAY, .shape = LT_SHAPE_NUMBER, .unit = LT_UNIT_SECONDS, \
	  .help = what, .prom_type = LT_PROM_GAUGE, .prom_name = name, \
	  .prom_offset = DELAY(member) }

/* A number of the process or of its main loop. */
#define ROW(scope_, type, unit_, name, offset_, what) \
	{ .scope = scope_, .shape = LT_SHAPE_NUMBER, .unit = unit_, .help = what, \
	  .prom_type = type, .prom_name = name, .prom_offset = offset_ }
#define PROC_COUNTER(name, unit_, member, what) \
	ROW(LT_SCOPE_PROCESS, LT_PROM_COUNTER, unit_, name, PROC(member), what)
#define PROC_GAUGE(name, unit_, member, what) \
	ROW(LT_SCOPE_PROCESS, LT_PROM_GAUGE, unit_, name, PROC(member), what)

#define HEAP_GAUGE(name, member, what) \
	ROW(LT_SCOPE_HEAP, LT_PROM_GAUGE, LT_UNIT_BYTES, name, HEAP(member), what)
#define ACTIVE_GAUGE(name, member, what) \
	ROW(LT_SCOPE_ACTIVE, LT_PROM_GAUGE, LT_UNIT_COUNT, name, ACTIVE(member), what)

/* A size of each space of the main loop's heap. */
#define SPACES_ROW(name, shape_, label_, member, what) \
	{ .scope = LT_SCOPE_HEAP, .shape = shape_, .unit = LT_UNIT_BYTES, .help = what, \
	  .prom_type = LT_PROM_GAUGE, .prom_name = name, .prom_offset = HEAP(member), \
	  .label = label_ }

/* One kind of pauses; two of V8's kinds with one label are added up. */
#define GC_ROW(name, bounds_, label_, value, kind) \
	{ .scope = LT_SCOPE_PROCESS, .shape = LT_SHAPE_HIST, .unit = LT_UNIT_SECONDS, \
	  .help = HELP_GC, .prom_type = LT_PROM_HISTOGRAM, .prom_name = name, \
	  .prom_offset = PROC(gc[kind].total), .label = label_, .label_value = value, \
	  .prom_help = HELP_GC, .bounds = bounds_ }

static const double prom_client_gc_bounds[] = { 0.001, 0.01, 0.1, 1, 2, 5, 0 };
static const double otel_gc_bounds[] = { 0.01, 0.1, 1, 10, 0 };

/* The default metrics of prom-client 15. */
const struct lt_metric lt_prom_client_metrics[] = {
	PROC_COUNTER("process_cpu_user_seconds", LT_UNIT_SECONDS, total.cpu_user_seconds,
		     "User CPU time of the process since its start."),
	PROC_COUNTER("process_cpu_system_seconds", LT_UNIT_SECONDS, total.cpu_system_seconds,
		     "System CPU time of the process since its start."),
	PROC_COUNTER("process_cpu_seconds", LT_UNIT_SECONDS, total.cpu_seconds,
		     "User and system CPU time of the process since its start."),
	PROC_GAUGE("process_start_time_seconds", LT_UNIT_SECONDS, start_time,
		   "Start of the process, in seconds since 1970."),
	PROC_GAUGE("process_resident_memory_bytes", LT_UNIT_BYTES, rss_bytes,
		   "Resident memory of the process."),
	PROC_GAUGE("process_virtual_memory_bytes", LT_UNIT_BYTES, virtual_bytes,
		   "Virtual memory of the process."),
	PROC_GAUGE("process_heap_bytes", LT_UNIT_BYTES, data_bytes,
		   "Data segment of the process, VmData of the kernel."),
	PROC_GAUGE("process_open_fds", LT_UNIT_COUNT, open_fds, "Open file descriptors."),
	PROC_GAUGE("process_max_fds", LT_UNIT_COUNT, max_fds,
		   "How many file descriptors may be open."),
	DELAY_ROW("nodejs_eventloop_lag_seconds", lag,
		  "What an event that comes at a random moment waits for the main loop, on average, "
		  "of the last 30 to 60 seconds."),
	DELAY_ROW("nodejs_eventloop_lag_min_seconds", min, "The least delay," LAG_WINDOW),
	DELAY_ROW("nodejs_eventloop_lag_max_seconds", max, "The longest delay," LAG_WINDOW),
	DELAY_ROW("nodejs_eventloop_lag_mean_seconds", mean, "The mean of the delays," LAG_WINDOW),
	DELAY_ROW("nodejs_eventloop_lag_stddev_seconds", stddev,
		  "The standard deviation of the delays," LAG_WINDOW),
	DELAY_ROW("nodejs_eventloop_lag_p50_seconds", p50, "The median of the delays," LAG_WINDOW),
	DELAY_ROW("nodejs_eventloop_lag_p90_seconds", p90,
		  "The 90th percentile of the delays," LAG_WINDOW),
	DELAY_ROW("nodejs_eventloop_lag_p99_seconds", p99,
		  "The 99th percentile of the delays," LAG_WINDOW),
	GC_ROW("nodejs_gc_duration_seconds", prom_client_gc_bounds, "kind", "major",
	       LT_GC_MARK_COMPACT),
	GC_ROW("nodejs_gc_duration_seconds", prom_client_gc_bounds, "kind", "minor",
	       LT_GC_SCAVENGE),
	GC_ROW("nodejs_gc_duration_seconds", prom_client_gc_bounds, "kind", "minor",
	       LT_GC_MINOR_MARK_SWEEP),
	HEAP_GAUGE("nodejs_heap_size_total_bytes", total_bytes,
		   "Memory that V8 has taken for the heap."),
	HEAP_GAUGE("nodejs_heap_size_used_bytes", used_bytes, "V8 heap in use."),
	HEAP_GAUGE("nodejs_external_memory_bytes", external_bytes,
		   "Memory outside of the heap that its objects hold."),
	SPACES_ROW("nodejs_heap_space_size_total_bytes", LT_SHAPE_SPACES, "space",
		   space_total_bytes, "Memory that V8 has taken for the heap, by space."),
	SPACES_ROW("nodejs_heap_space_size_used_bytes", LT_SHAPE_SPACES, "space", space_used_bytes,
		   "V8 heap in use, by space."),
	SPACES_ROW("nodejs_heap_space_size_available_bytes", LT_SHAPE_SPACES, "space",
		   space_available_bytes, "What objects can still take of the heap, by space."),
	ACTIVE_GAUGE("nodejs_active_handles_total", handles,
		     "Referenced handles, without Node's own."),
	ACTIVE_GAUGE("nodejs_active_requests_total", requests,
		     "Requests that are under way, those for the thread pool included."),
	ACTIVE_GAUGE("nodejs_active_resources_total", resources,
		     "Referenced handles, requests, timers and immediates."),
};
const size_t lt_n_prom_client_metrics =
	sizeof(lt_prom_client_metrics) / sizeof(lt_prom_client_metrics[0]);

/* The semantic conventions of OpenTelemetry for nodejs.* and v8js.*, as Prometheus spells them. */
const struct lt_metric lt_otel_metrics[] = {
	DELAY_ROW("nodejs_eventloop_delay_min_seconds", min, "The least delay," LAG_WINDOW),
	DELAY_ROW("nodejs_eventloop_delay_max_seconds", max, "The longest delay," LAG_WINDOW),
	DELAY_ROW("nodejs_eventloop_delay_mean_seconds", mean,
		  "The mean of the delays," LAG_WINDOW),
	DELAY_ROW("nodejs_eventloop_delay_stddev_seconds", stddev,
		  "The standard deviation of the delays," LAG_WINDOW),
	DELAY_ROW("nodejs_eventloop_delay_p50_seconds", p50,
		  "The median of the delays," LAG_WINDOW),
	DELAY_ROW("nodejs_eventloop_delay_p90_seconds", p90,
		  "The 90th percentile of the delays," LAG_WINDOW),
	DELAY_ROW("nodejs_eventloop_delay_p99_seconds", p99,
		  "The 99th percentile of the delays," LAG_WINDOW),
	ROW(LT_SCOPE_LOOP, LT_PROM_GAUGE, LT_UNIT_RATIO, "nodejs_eventloop_utilization_ratio",
	    LOOP(utilization),
	    "Utilization of the main loop in the agent's last collection interval."),
	{ .scope = LT_SCOPE_LOOP, .shape = LT_SHAPE_NUMBER, .unit = LT_UNIT_SECONDS,
	  .help = HELP_ELU_TIME, .prom_type = LT_PROM_COUNTER,
	  .prom_name = "nodejs_eventloop_time_seconds", .prom_offset = LOOP(total.busy_seconds),
	  .label = "nodejs_eventloop_state", .label_value = "active", .prom_help = HELP_ELU_TIME },
	{ .scope = LT_SCOPE_LOOP, .shape = LT_SHAPE_NUMBER, .unit = LT_UNIT_SECONDS,
	  .help = HELP_ELU_TIME, .prom_type = LT_PROM_COUNTER,
	  .prom_name = "nodejs_eventloop_time_seconds", .prom_offset = LOOP(total.idle_seconds),
	  .label = "nodejs_eventloop_state", .label_value = "idle", .prom_help = HELP_ELU_TIME },
	GC_ROW("v8js_gc_duration_seconds", otel_gc_bounds, "v8js_gc_type", "major",
	       LT_GC_MARK_COMPACT),
	GC_ROW("v8js_gc_duration_seconds", otel_gc_bounds, "v8js_gc_type", "minor",
	       LT_GC_SCAVENGE),
	GC_ROW("v8js_gc_duration_seconds", otel_gc_bounds, "v8js_gc_type", "minor",
	       LT_GC_MINOR_MARK_SWEEP),
	SPACES_ROW("v8js_memory_heap_space_size_bytes", LT_SHAPE_V8_SPACES, "v8js_heap_space_name",
		   space_total_bytes, "Memory that V8 has taken for the heap, by space."),
	SPACES_ROW("v8js_memory_heap_limit_bytes", LT_SHAPE_V8_SPACES, "v8js_heap_space_name",
		   space_total_bytes, "The former name of v8js_memory_heap_space_size_bytes."),
	SPACES_ROW("v8js_memory_heap_used_bytes", LT_SHAPE_V8_SPACES, "v8js_heap_space_name",
		   space_used_bytes, "V8 heap in use, by space."),
	SPACES_ROW("v8js_memory_heap_space_available_size_bytes", LT_SHAPE_V8_SPACES,
		   "v8js_heap_space_name", space_available_bytes,
		   "What objects can still take of the heap, by space."),
};
const size_t lt_n_otel_metrics = sizeof(lt_otel_metrics) / sizeof(lt_otel_metrics[0]);

const struct lt_name_set lt_name_sets[LT_NAMES_MAX] = {
	[LT_NAMES_NATIVE] = { "native", lt_metrics, &lt_n_metrics },
	[LT_NAMES_PROM_CLIENT] = { "prom-client", lt_prom_client_metrics,
				   &lt_n_prom_client_metrics },
	[LT_NAMES_OTEL] = { "otel", lt_otel_metrics, &lt_n_otel_metrics },
};
