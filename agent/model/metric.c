/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/*
 * The descriptor table: one row for every figure, read by the sinks and the dashboard. The order
 * of rows within a scope is the order of keys in JSON and of columns in CSV. Rows that share a
 * Prometheus name are told apart by their fixed label. Names, units and meanings are promises to
 * the people who write scripts and alerts: adding a row is free, changing one is not.
 */
#include "looptop/metric.h"

#include <string.h>

#include "looptop/abi.h"

_Static_assert(LT_SNAP_PHASES == LT_PHASE_MAX, "a snapshot has all phases");
_Static_assert(LT_SNAP_KINDS == LT_KIND_MAX, "a snapshot has all kinds of tasks");
_Static_assert(LT_SNAP_GCS == LT_GC_MAX, "a snapshot has all kinds of pauses");
_Static_assert(LT_SNAP_LOST == LT_LOST_MAX, "a snapshot has all causes of loss");

#define SELF(member) offsetof(struct lt_self, member)
#define PROC(member) offsetof(struct lt_process, member)
#define LOOP(member) offsetof(struct lt_loop, member)
#define POOL(member) offsetof(struct lt_pool, member)
#define KIND(member) offsetof(struct lt_pool_kind, member)
#define GC(member) offsetof(struct lt_gc_kind, member)

#define HELP_TIME "Time the loop was busy and idle; busy/(busy+idle) is its utilization."
#define HELP_TASKS "Thread pool tasks by what became of them."

const struct lt_metric lt_metrics[] = {
	/* looptop itself */
	{ .scope = LT_SCOPE_SELF, .shape = LT_SHAPE_NUMBER, .unit = LT_UNIT_SECONDS,
	  .key = "cpu_seconds", .offset = SELF(cpu_seconds), .title = "SELF CPU", .width = 8,
	  .help = "CPU time that looptop itself used.",
	  .prom_type = LT_PROM_COUNTER, .prom_name = "looptop_self_cpu_seconds",
	  .prom_offset = SELF(total_cpu_seconds) },
	{ .scope = LT_SCOPE_SELF, .shape = LT_SHAPE_NUMBER, .unit = LT_UNIT_BYTES,
	  .key = "rss_bytes", .offset = SELF(rss_bytes), .title = "SELF RSS", .width = 8,
	  .help = "Resident memory of looptop itself.",
	  .prom_type = LT_PROM_GAUGE, .prom_name = "looptop_self_rss_bytes",
	  .prom_offset = SELF(rss_bytes) },
	{ .scope = LT_SCOPE_SELF, .shape = LT_SHAPE_NUMBER, .unit = LT_UNIT_COUNT,
	  .key = "probe_hits", .offset = SELF(probe_hits), .title = "HITS", .width = 6,
	  .help = "Probe hits in all targets together.",
	  .prom_type = LT_PROM_COUNTER, .prom_name = "looptop_self_probe_hits",
	  .prom_offset = SELF(total_probe_hits) },
	{ .scope = LT_SCOPE_SELF, .shape = LT_SHAPE_NUMBER, .unit = LT_UNIT_RATIO,
	  .key = "overhead_ratio", .offset = SELF(overhead_ratio), .title = "COST", .width = 6,
	  .help = "Share of one core that the probes cost all targets together.",
	  .prom_type = LT_PROM_GAUGE, .prom_name = "looptop_self_overhead_ratio",
	  .prom_offset = SELF(overhead_ratio) },
	{ .scope = LT_SCOPE_SELF, .shape = LT_SHAPE_NUMBER, .unit = LT_UNIT_COUNT,
	  .key = "targets", .offset = SELF(targets), .title = "TARGETS", .width = 7,
	  .help = "Processes being measured.",
	  .prom_type = LT_PROM_GAUGE, .prom_name = "looptop_self_targets",
	  .prom_offset = SELF(targets) },
	{ .scope = LT_SCOPE_SELF, .shape = LT_SHAPE_LOST, .unit = LT_UNIT_COUNT,
	  .key = "lost", .offset = SELF(lost), .title = "LOST", .width = 6,
	  .help = "What could not be delivered, by cause; other figures miss exactly this.",
	  .prom_type = LT_PROM_COUNTER, .prom_name = "looptop_self_lost",
	  .prom_offset = SELF(total_lost), .label = "cause" },
	{ .scope = LT_SCOPE_SELF, .shape = LT_SHAPE_NUMBER, .unit = LT_UNIT_COUNT,
	  .key = "left_to_scan", .offset = SELF(left_to_scan), .title = "LEFT", .width = 6,
	  .help = "Processes that began when too many did at once: a scan finds those that stay.",
	  .prom_type = LT_PROM_COUNTER, .prom_name = "looptop_self_left_to_scan",
	  .prom_offset = SELF(total_left_to_scan) },
	{ .scope = LT_SCOPE_SELF, .shape = LT_SHAPE_TIER_REASONS, .unit = LT_UNIT_COUNT,
	  .key = "tier_changes", .offset = SELF(tier_changes), .title = "TIER CHANGES", .width = 12,
	  .help = "Times that a process was measured more or less from then on, by reason.",
	  .prom_type = LT_PROM_COUNTER, .prom_name = "looptop_self_tier_changes",
	  .prom_offset = SELF(total_tier_changes), .label = "reason" },

	/* a process */
	{ .scope = LT_SCOPE_PROCESS, .shape = LT_SHAPE_NUMBER, .unit = LT_UNIT_SECONDS,
	  .key = "cpu_seconds", .offset = PROC(cpu_seconds), .title = "CPU", .width = 6,
	  .help = "CPU time of the process, all threads." },
	{ .scope = LT_SCOPE_PROCESS, .shape = LT_SHAPE_NUMBER, .unit = LT_UNIT_BYTES,
	  .key = "rss_bytes", .offset = PROC(rss_bytes), .title = "RSS", .width = 6,
	  .help = "Resident memory of the process." },
	{ .scope = LT_SCOPE_PROCESS, .shape = LT_SHAPE_NUMBER, .unit = LT_UNIT_COUNT,
	  .key = "probe_hits", .offset = PROC(probe_hits), .title = "HITS", .width = 6,
	  .help = "Probe hits in this process." },
	{ .scope = LT_SCOPE_PROCESS, .shape = LT_SHAPE_NUMBER, .unit = LT_UNIT_RATIO,
	  .key = "overhead_ratio", .offset = PROC(overhead_ratio), .title = "COST", .width = 6,
	  .help = "Share of one core that the probes cost this process.",
	  .prom_type = LT_PROM_GAUGE, .prom_name = "looptop_process_overhead_ratio",
	  .prom_offset = PROC(overhead_ratio) },

	{ .scope = LT_SCOPE_PROCESS, .shape = LT_SHAPE_NUMBER, .unit = LT_UNIT_COUNT,
	  .key = "cpu_limit", .offset = PROC(cpu_limit), .title = "CPU LIMIT", .width = 9,
	  .help = "CPUs that the process's cgroup may use." },
	{ .scope = LT_SCOPE_PROCESS, .shape = LT_SHAPE_NUMBER, .unit = LT_UNIT_BYTES,
	  .key = "memory_limit_bytes", .offset = PROC(memory_limit_bytes), .title = "MEM LIMIT",
	  .width = 9,
	  .help = "Memory that the process's cgroup may use." },

	/* the CPU limit of a process's cgroup, at work */
	{ .scope = LT_SCOPE_THROTTLED, .shape = LT_SHAPE_NUMBER, .unit = LT_UNIT_COUNT,
	  .key = "periods", .offset = PROC(periods), .title = "PERIODS", .width = 7,
	  .help = "Periods of the cgroup's CPU limit in which it ran." },
	{ .scope = LT_SCOPE_THROTTLED, .shape = LT_SHAPE_NUMBER, .unit = LT_UNIT_COUNT,
	  .key = "throttled_periods", .offset = PROC(throttled_periods), .title = "THROTTLED",
	  .width = 9,
	  .help = "Those periods in which the cgroup was held because it had used up its share." },
	{ .scope = LT_SCOPE_THROTTLED, .shape = LT_SHAPE_NUMBER, .unit = LT_UNIT_SECONDS,
	  .key = "seconds", .offset = PROC(throttled_seconds), .title = "HELD", .width = 6,
	  .help = "Time in which the cgroup's threads were held, all of them added up." },

	/* a loop */
	{ .scope = LT_SCOPE_LOOP, .shape = LT_SHAPE_NUMBER, .unit = LT_UNIT_COUNT,
	  .key = "iterations", .offset = LOOP(iterations), .title = "ITER", .width = 6,
	  .help = "Passes through the loop's poll phase, as libuv counts them.",
	  .prom_type = LT_PROM_COUNTER, .prom_name = "looptop_loop_iterations",
	  .prom_offset = LOOP(total.iterations) },
	{ .scope = LT_SCOPE_LOOP, .shape = LT_SHAPE_NUMBER, .unit = LT_UNIT_COUNT,
	  .key = "turns", .offset = LOOP(turns), .title = "TURNS", .width = 6,
	  .help = "Turns: from the return of one wait for events to the call of the next.",
	  .prom_type = LT_PROM_COUNTER, .prom_name = "looptop_loop_turns",
	  .prom_offset = LOOP(total.turns) },
	{ .scope = LT_SCOPE_LOOP, .shape = LT_SHAPE_NUMBER, .unit = LT_UNIT_SECONDS,
	  .key = "busy_seconds", .offset = LOOP(busy_seconds),
	  .help = "Time outside waits that may block.",
	  .prom_type = LT_PROM_COUNTER, .prom_name = "looptop_loop_time_seconds",
	  .prom_offset = LOOP(total.busy_seconds), .label = "state", .label_value = "busy",
	  .prom_help = HELP_TIME },
	{ .scope = LT_SCOPE_LOOP, .shape = LT_SHAPE_NUMBER, .unit = LT_UNIT_SECONDS,
	  .key = "idle_seconds", .offset = LOOP(idle_seconds),
	  .help = "Time inside waits that may block.",
	  .prom_type = LT_PROM_COUNTER, .prom_name = "looptop_loop_time_seconds",
	  .prom_offset = LOOP(total.idle_seconds), .label = "state", .label_value = "idle",
	  .prom_help = HELP_TIME },
	{ .scope = LT_SCOPE_LOOP, .shape = LT_SHAPE_NUMBER, .unit = LT_UNIT_RATIO,
	  .key = "utilization", .offset = LOOP(utilization), .title = "BUSY", .width = 6,
	  .help = "Busy share of the time, as Node's eventLoopUtilization() tells it.",
	  .prom_type = LT_PROM_GAUGE, .prom_name = "looptop_loop_utilization_ratio",
	  .prom_offset = LOOP(utilization),
	  .prom_help = "Busy share of the agent's last collection interval, 0 to 1." },
	{ .scope = LT_SCOPE_LOOP, .shape = LT_SHAPE_DIST, .unit = LT_UNIT_SECONDS,
	  .key = "turn_seconds", .offset = LOOP(turn), .title = "TURN", .width = 7,
	  .help = "How long the turns took: for so long the loop did not look for new work.",
	  .prom_type = LT_PROM_HISTOGRAM, .prom_name = "looptop_loop_turn_seconds",
	  .prom_offset = LOOP(total.turn) },
	{ .scope = LT_SCOPE_LOOP, .shape = LT_SHAPE_LAG, .unit = LT_UNIT_SECONDS,
	  .key = "lag_seconds", .offset = LOOP(lag), .title = "LAG", .width = 7,
	  .help = "How long new work that comes at a random moment waits for the loop." },
	{ .scope = LT_SCOPE_LOOP, .shape = LT_SHAPE_LAG_HIST, .unit = LT_UNIT_SECONDS,
	  .help = "How long new work that comes at a random moment waits for the loop.",
	  .prom_type = LT_PROM_HISTOGRAM, .prom_name = "looptop_loop_lag_seconds",
	  .prom_help = "How long new work waits for the loop: virtual arrivals, 1000 for each "
		       "observed second." },
	{ .scope = LT_SCOPE_LOOP, .shape = LT_SHAPE_DIST, .unit = LT_UNIT_SECONDS,
	  .key = "timer_lateness_seconds", .offset = LOOP(timer_lateness), .title = "LATE",
	  .width = 7,
	  .help = "How late the loop woke after the timeout that it had asked for.",
	  .prom_type = LT_PROM_HISTOGRAM, .prom_name = "looptop_loop_timer_lateness_seconds",
	  .prom_offset = LOOP(total.timer_lateness) },
	{ .scope = LT_SCOPE_LOOP, .shape = LT_SHAPE_PHASES, .unit = LT_UNIT_SECONDS,
	  .key = "phase_seconds", .offset = LOOP(phase_seconds), .title = "PHASES", .width = 7,
	  .help = "Time in each phase of the loop.",
	  .prom_type = LT_PROM_COUNTER, .prom_name = "looptop_loop_phase_seconds",
	  .prom_offset = LOOP(total.phase_seconds), .label = "phase" },
	{ .scope = LT_SCOPE_LOOP, .shape = LT_SHAPE_CAUSES, .unit = LT_UNIT_SECONDS,
	  .key = "cause_seconds", .offset = LOOP(cause_seconds), .title = "CAUSES", .width = 7,
	  .help = "Busy time by what it was spent on.",
	  .prom_type = LT_PROM_COUNTER, .prom_name = "looptop_loop_cause_seconds",
	  .prom_offset = LOOP(total.cause_seconds), .label = "cause" },
	{ .scope = LT_SCOPE_LOOP, .shape = LT_SHAPE_NUMBER, .unit = LT_UNIT_SECONDS,
	  .key = "stalled_seconds", .offset = LOOP(stalled_seconds), .title = "STALL", .width = 7,
	  .help = "Length so far of the stall that is going on now, 0 if there is none.",
	  .prom_type = LT_PROM_GAUGE, .prom_name = "looptop_loop_stalled_seconds",
	  .prom_offset = LOOP(stalled_seconds) },
	{ .scope = LT_SCOPE_LOOP, .shape = LT_SHAPE_CAUSES, .unit = LT_UNIT_COUNT,
	  .help = "Turns longer than the stall threshold that have ended, by their main cause.",
	  .prom_type = LT_PROM_COUNTER, .prom_name = "looptop_loop_stalls",
	  .prom_offset = LOOP(total.stalls_by_cause), .label = "cause" },
	{ .scope = LT_SCOPE_LOOP, .shape = LT_SHAPE_CAUSES, .unit = LT_UNIT_SECONDS,
	  .help = "Length of the turns longer than the stall threshold that have ended, by their "
		  "main cause.",
	  .prom_type = LT_PROM_COUNTER, .prom_name = "looptop_loop_stall_seconds",
	  .prom_offset = LOOP(total.stall_seconds_by_cause), .label = "cause" },

	/* what a loop holds open */
	{ .scope = LT_SCOPE_HANDLES, .shape = LT_SHAPE_NUMBER, .unit = LT_UNIT_COUNT,
	  .key = "active", .offset = LOOP(handles.active), .title = "HANDLES", .width = 7,
	  .help = "Handles that keep the loop alive: active and referenced.",
	  .prom_type = LT_PROM_GAUGE, .prom_name = "looptop_handles_active",
	  .prom_offset = LOOP(handles.active) },
	{ .scope = LT_SCOPE_HANDLES, .shape = LT_SHAPE_HANDLES, .unit = LT_UNIT_COUNT,
	  .key = "types", .offset = LOOP(handles.types),
	  .help = "Open handles by type, active or not.",
	  .prom_type = LT_PROM_GAUGE, .prom_name = "looptop_handles",
	  .prom_offset = LOOP(handles.types), .label = "type" },
	{ .scope = LT_SCOPE_HANDLES, .shape = LT_SHAPE_HANDLES, .unit = LT_UNIT_COUNT,
	  .key = "held", .offset = LOOP(handles.held),
	  .help = "Those of them that keep the loop alive." },
	{ .scope = LT_SCOPE_HANDLES, .shape = LT_SHAPE_NUMBER, .unit = LT_UNIT_COUNT,
	  .key = "listening", .offset = LOOP(handles.listening), .title = "LISTENING", .width = 9,
	  .help = "Sockets that take connections.",
	  .prom_type = LT_PROM_GAUGE, .prom_name = "looptop_listening_sockets",
	  .prom_offset = LOOP(handles.listening) },
	{ .scope = LT_SCOPE_HANDLES, .shape = LT_SHAPE_NUMBER, .unit = LT_UNIT_COUNT,
	  .key = "requests", .offset = LOOP(handles.requests), .title = "REQUESTS", .width = 8,
	  .help = "Requests of the loop that are under way: writes, connects, look-ups, pool tasks.",
	  .prom_type = LT_PROM_GAUGE, .prom_name = "looptop_requests",
	  .prom_offset = LOOP(handles.requests) },
	{ .scope = LT_SCOPE_HANDLES, .shape = LT_SHAPE_NUMBER, .unit = LT_UNIT_SECONDS,
	  .key = "next_timer_seconds", .offset = LOOP(handles.next_timer_seconds),
	  .help = "Time until the loop's next timer is due, 0 when it is." },
	{ .scope = LT_SCOPE_HANDLES, .shape = LT_SHAPE_NUMBER, .unit = LT_UNIT_SECONDS,
	  .key = "timer_overdue_seconds", .offset = LOOP(handles.timer_overdue_seconds),
	  .title = "OVERDUE", .width = 7,
	  .help = "How long the loop's next timer has been due.",
	  .prom_type = LT_PROM_GAUGE, .prom_name = "looptop_timer_overdue_seconds",
	  .prom_offset = LOOP(handles.timer_overdue_seconds) },

	/* streams that the other end does not read fast enough */
	{ .scope = LT_SCOPE_STREAMS, .shape = LT_SHAPE_NUMBER, .unit = LT_UNIT_COUNT,
	  .key = "blocked", .offset = LOOP(streams.blocked), .title = "BLOCKED", .width = 7,
	  .help = "Streams with bytes that the kernel does not take: their reader is too slow.",
	  .prom_type = LT_PROM_GAUGE, .prom_name = "looptop_streams_blocked",
	  .prom_offset = LOOP(streams.blocked) },
	{ .scope = LT_SCOPE_STREAMS, .shape = LT_SHAPE_NUMBER, .unit = LT_UNIT_BYTES,
	  .key = "queued_bytes", .offset = LOOP(streams.queued_bytes), .title = "QUEUED", .width = 7,
	  .help = "Bytes in libuv's write queues; Node may keep more behind them.",
	  .prom_type = LT_PROM_GAUGE, .prom_name = "looptop_stream_queued_bytes",
	  .prom_offset = LOOP(streams.queued_bytes) },
	{ .scope = LT_SCOPE_STREAMS, .shape = LT_SHAPE_NUMBER, .unit = LT_UNIT_SECONDS,
	  .key = "longest_blocked_seconds", .offset = LOOP(streams.longest_blocked_seconds),
	  .title = "LONGEST", .width = 7,
	  .help = "For how long one stream was blocked at every look.",
	  .prom_type = LT_PROM_GAUGE, .prom_name = "looptop_stream_longest_blocked_seconds",
	  .prom_offset = LOOP(streams.longest_blocked_seconds) },

	/* what JavaScript has in store for a loop */
	{ .scope = LT_SCOPE_JS, .shape = LT_SHAPE_NUMBER, .unit = LT_UNIT_COUNT,
	  .key = "immediates", .offset = LOOP(js.immediates), .title = "IMMEDIATES", .width = 10,
	  .help = "Callbacks of setImmediate() that wait.",
	  .prom_type = LT_PROM_GAUGE, .prom_name = "looptop_js_immediates",
	  .prom_offset = LOOP(js.immediates) },
	{ .scope = LT_SCOPE_JS, .shape = LT_SHAPE_NUMBER, .unit = LT_UNIT_COUNT,
	  .key = "timers", .offset = LOOP(js.timers), .title = "JS TIMERS", .width = 9,
	  .help = "Timers of setTimeout() and setInterval() that keep the loop alive.",
	  .prom_type = LT_PROM_GAUGE, .prom_name = "looptop_js_timers",
	  .prom_offset = LOOP(js.timers) },
	{ .scope = LT_SCOPE_JS, .shape = LT_SHAPE_NUMBER, .unit = LT_UNIT_BOOL,
	  .key = "next_tick_pending", .offset = LOOP(js.next_tick_pending),
	  .help = "Whether callbacks of process.nextTick() wait." },

	/* a thread pool */
	{ .scope = LT_SCOPE_POOL, .shape = LT_SHAPE_NUMBER, .unit = LT_UNIT_COUNT,
	  .key = "size", .offset = POOL(size), .title = "POOL", .width = 4,
	  .help = "Threads of the pool, 0 before its first use.",
	  .prom_type = LT_PROM_GAUGE, .prom_name = "looptop_pool_threads",
	  .prom_offset = POOL(size) },
	{ .scope = LT_SCOPE_POOL, .shape = LT_SHAPE_NUMBER, .unit = LT_UNIT_COUNT,
	  .key = "busy", .offset = POOL(busy), .title = "POOL BUSY", .width = 9,
	  .help = "Pool threads that run a task now.",
	  .prom_type = LT_PROM_GAUGE, .prom_name = "looptop_pool_busy_threads",
	  .prom_offset = POOL(busy) },
	{ .scope = LT_SCOPE_POOL, .shape = LT_SHAPE_NUMBER, .unit = LT_UNIT_COUNT,
	  .key = "busy_max", .offset = POOL(busy_max), .title = "BUSY MAX", .width = 8,
	  .help = "Most pool threads that ran a task at one time." },
	{ .scope = LT_SCOPE_POOL, .shape = LT_SHAPE_NUMBER, .unit = LT_UNIT_COUNT,
	  .key = "queue_depth", .offset = POOL(queue_depth), .title = "QUEUE", .width = 6,
	  .help = "Tasks that wait for a pool thread now.",
	  .prom_type = LT_PROM_GAUGE, .prom_name = "looptop_pool_queue_depth",
	  .prom_offset = POOL(queue_depth) },
	{ .scope = LT_SCOPE_POOL, .shape = LT_SHAPE_NUMBER, .unit = LT_UNIT_COUNT,
	  .key = "queue_depth_max", .offset = POOL(queue_depth_max), .title = "QUEUE MAX",
	  .width = 9,
	  .help = "Most tasks that waited at one time.",
	  .prom_type = LT_PROM_GAUGE, .prom_name = "looptop_pool_queue_depth_max",
	  .prom_offset = POOL(queue_depth_max),
	  .prom_help = "Most tasks that waited at one time in the agent's last collection interval." },
	{ .scope = LT_SCOPE_POOL, .shape = LT_SHAPE_NUMBER, .unit = LT_UNIT_COUNT,
	  .key = "slow_queue_depth", .offset = POOL(slow_queue_depth), .title = "SLOW", .width = 6,
	  .help = "Slow tasks (DNS look-ups) among the waiting; half of the threads take them.",
	  .prom_type = LT_PROM_GAUGE, .prom_name = "looptop_pool_slow_queue_depth",
	  .prom_offset = POOL(slow_queue_depth) },
	{ .scope = LT_SCOPE_POOL, .shape = LT_SHAPE_NUMBER, .unit = LT_UNIT_SECONDS,
	  .key = "saturated_seconds", .offset = POOL(saturated_seconds), .title = "SATURATED",
	  .width = 9,
	  .help = "Time in which there was more work than pool threads.",
	  .prom_type = LT_PROM_COUNTER, .prom_name = "looptop_pool_saturated_seconds",
	  .prom_offset = POOL(total_saturated_seconds) },

	/* one kind of pool tasks */
	{ .scope = LT_SCOPE_POOL_KIND, .shape = LT_SHAPE_NUMBER, .unit = LT_UNIT_COUNT,
	  .key = "submitted", .offset = KIND(submitted), .title = "SUBMITTED", .width = 9,
	  .help = "Tasks given to the pool.",
	  .prom_type = LT_PROM_COUNTER, .prom_name = "looptop_pool_tasks",
	  .prom_offset = KIND(total.submitted), .label = "state", .label_value = "submitted",
	  .prom_help = HELP_TASKS },
	{ .scope = LT_SCOPE_POOL_KIND, .shape = LT_SHAPE_NUMBER, .unit = LT_UNIT_COUNT,
	  .key = "started", .offset = KIND(started), .title = "STARTED", .width = 7,
	  .help = "Tasks that a pool thread took up." },
	{ .scope = LT_SCOPE_POOL_KIND, .shape = LT_SHAPE_NUMBER, .unit = LT_UNIT_COUNT,
	  .key = "completed", .offset = KIND(completed), .title = "TASKS", .width = 6,
	  .help = "Tasks that were finished.",
	  .prom_type = LT_PROM_COUNTER, .prom_name = "looptop_pool_tasks",
	  .prom_offset = KIND(total.completed), .label = "state", .label_value = "completed",
	  .prom_help = HELP_TASKS },
	{ .scope = LT_SCOPE_POOL_KIND, .shape = LT_SHAPE_NUMBER, .unit = LT_UNIT_COUNT,
	  .key = "cancelled", .offset = KIND(cancelled), .title = "CANCELLED", .width = 9,
	  .help = "Tasks that were withdrawn before a thread took them up.",
	  .prom_type = LT_PROM_COUNTER, .prom_name = "looptop_pool_tasks",
	  .prom_offset = KIND(total.cancelled), .label = "state", .label_value = "cancelled",
	  .prom_help = HELP_TASKS },
	{ .scope = LT_SCOPE_POOL_KIND, .shape = LT_SHAPE_DIST, .unit = LT_UNIT_SECONDS,
	  .key = "wait_seconds", .offset = KIND(wait), .title = "WAIT", .width = 7,
	  .help = "From the submission of a task to its start.",
	  .prom_type = LT_PROM_HISTOGRAM, .prom_name = "looptop_pool_wait_seconds",
	  .prom_offset = KIND(total.wait) },
	{ .scope = LT_SCOPE_POOL_KIND, .shape = LT_SHAPE_DIST, .unit = LT_UNIT_SECONDS,
	  .key = "run_seconds", .offset = KIND(run), .title = "RUN", .width = 7,
	  .help = "From the start of a task to its end.",
	  .prom_type = LT_PROM_HISTOGRAM, .prom_name = "looptop_pool_run_seconds",
	  .prom_offset = KIND(total.run) },
	{ .scope = LT_SCOPE_POOL_KIND, .shape = LT_SHAPE_DIST, .unit = LT_UNIT_SECONDS,
	  .key = "delivery_seconds", .offset = KIND(delivery), .title = "DELIVERY", .width = 8,
	  .help = "From the end of a task to its callback on the loop.",
	  .prom_type = LT_PROM_HISTOGRAM, .prom_name = "looptop_pool_delivery_seconds",
	  .prom_offset = KIND(total.delivery) },

	/* file system calls made on a loop's own thread */
	{ .scope = LT_SCOPE_SYNC_FS, .shape = LT_SHAPE_NUMBER, .unit = LT_UNIT_COUNT,
	  .key = "calls", .offset = PROC(sync_fs_calls), .title = "SYNC FS", .width = 7,
	  .help = "Synchronous file system calls, made on a loop's own thread.",
	  .prom_type = LT_PROM_COUNTER, .prom_name = "looptop_sync_fs_calls",
	  .prom_offset = PROC(total_sync_fs_calls) },
	{ .scope = LT_SCOPE_SYNC_FS, .shape = LT_SHAPE_NUMBER, .unit = LT_UNIT_SECONDS,
	  .key = "seconds", .offset = PROC(sync_fs_seconds), .title = "SYNC TIME", .width = 9,
	  .help = "Time that loops spent in synchronous file system calls.",
	  .prom_type = LT_PROM_COUNTER, .prom_name = "looptop_sync_fs_seconds",
	  .prom_offset = PROC(total_sync_fs_seconds) },

	/* garbage collection: the process, and one kind of pauses */
	{ .scope = LT_SCOPE_GC, .shape = LT_SHAPE_NUMBER, .unit = LT_UNIT_SECONDS,
	  .key = "seconds", .offset = PROC(gc_seconds), .title = "GC", .width = 6,
	  .help = "Time in garbage collection pauses and marking slices." },
	{ .scope = LT_SCOPE_GC_KIND, .shape = LT_SHAPE_NUMBER, .unit = LT_UNIT_COUNT,
	  .key = "count", .offset = GC(count), .title = "PAUSES", .width = 6,
	  .help = "Garbage collection pauses." },
	{ .scope = LT_SCOPE_GC_KIND, .shape = LT_SHAPE_NUMBER, .unit = LT_UNIT_SECONDS,
	  .key = "seconds", .offset = GC(seconds), .title = "PAUSED", .width = 7,
	  .help = "Time in garbage collection pauses." },
	{ .scope = LT_SCOPE_GC_KIND, .shape = LT_SHAPE_NUMBER, .unit = LT_UNIT_SECONDS,
	  .key = "max_seconds", .offset = GC(max_seconds), .title = "MAX", .width = 7,
	  .help = "The longest garbage collection pause." },
	{ .scope = LT_SCOPE_GC_KIND, .shape = LT_SHAPE_HIST, .unit = LT_UNIT_SECONDS,
	  .help = "Garbage collection pauses and marking slices.",
	  .prom_type = LT_PROM_HISTOGRAM, .prom_name = "looptop_gc_pause_seconds",
	  .prom_offset = GC(total) },
};

const size_t lt_n_metrics = sizeof(lt_metrics) / sizeof(lt_metrics[0]);

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
