/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/* What the members of a snapshot's arrays are called, in JSON, in labels and on the screen. */
#include "looptop/abi.h"
#include "looptop/metric.h"

const char *const lt_phase_names[LT_SNAP_PHASES] = {
	[LT_PHASE_TIMERS] = "timers",	    [LT_PHASE_PENDING] = "pending",
	[LT_PHASE_IDLE] = "idle",	    [LT_PHASE_PREPARE] = "prepare",
	[LT_PHASE_POLL_WAIT] = "poll_wait", [LT_PHASE_POLL_CALLBACKS] = "poll_callbacks",
	[LT_PHASE_CHECK] = "check",	    [LT_PHASE_CLOSING] = "closing",
};

const char *const lt_space_names[LT_SNAP_SPACES] = {
	[LT_SPACE_NEW] = "new",
	[LT_SPACE_OLD] = "old",
	[LT_SPACE_CODE] = "code",
	[LT_SPACE_MAP] = "map",
	[LT_SPACE_TRUSTED] = "trusted",
	[LT_SPACE_NEW_LARGE] = "new_large_object",
	[LT_SPACE_LARGE] = "large_object",
	[LT_SPACE_CODE_LARGE] = "code_large_object",
	[LT_SPACE_TRUSTED_LARGE] = "trusted_large_object",
	[LT_SPACE_READ_ONLY] = "read_only",
};

const char *const lt_v8_space_names[LT_SNAP_SPACES] = {
	[LT_SPACE_NEW] = "new_space",
	[LT_SPACE_OLD] = "old_space",
	[LT_SPACE_CODE] = "code_space",
	[LT_SPACE_MAP] = "map_space",
	[LT_SPACE_TRUSTED] = "trusted_space",
	[LT_SPACE_NEW_LARGE] = "new_large_object_space",
	[LT_SPACE_LARGE] = "large_object_space",
	[LT_SPACE_CODE_LARGE] = "code_large_object_space",
	[LT_SPACE_TRUSTED_LARGE] = "trusted_large_object_space",
	[LT_SPACE_READ_ONLY] = "read_only_space",
};

const char *const lt_cause_names[LT_SNAP_CAUSES] = {
	[LT_CAUSE_CPU] = "cpu",
	[LT_CAUSE_GC] = "gc",
	[LT_CAUSE_SYNC_IO] = "sync_io",
	[LT_CAUSE_RUNQUEUE] = "runqueue",
	[LT_CAUSE_THROTTLED] = "throttled",
	[LT_CAUSE_UNKNOWN] = "unknown",
};

const char *const lt_kind_names[LT_SNAP_KINDS] = {
	[LT_KIND_FS] = "fs",	 [LT_KIND_DNS] = "dns",	  [LT_KIND_CRYPTO] = "crypto",
	[LT_KIND_ZLIB] = "zlib", [LT_KIND_NAPI] = "napi", [LT_KIND_OTHER] = "other",
};

/* In the order of libuv's numbers (agent/model/handles.c). */
const char *const lt_handle_names[LT_SNAP_HANDLES] = {
	"async",   "check",   "fs_event", "fs_poll", "idle", "pipe", "poll",
	"prepare", "process", "tcp",	  "timer",   "tty",  "udp",  "signal",
};

const char *const lt_compiler_names[LT_SNAP_COMPILERS] = {
	[LT_COMPILER_BYTECODE] = "ignition",
	[LT_COMPILER_BASELINE] = "sparkplug",
	[LT_COMPILER_MIDTIER] = "maglev",
	[LT_COMPILER_OPTIMISING] = "turbofan",
};

const char *const lt_gc_names[LT_SNAP_GCS] = {
	[LT_GC_SCAVENGE] = "scavenge",
	[LT_GC_MARK_COMPACT] = "mark_compact",
	[LT_GC_MINOR_MARK_SWEEP] = "minor_mark_sweep",
	[LT_GC_INCREMENTAL_STEP] = "incremental_step",
};

const char *const lt_end_hows[LT_SNAP_END_HOWS] = {
	[LT_END_UNKNOWN] = "unknown",
	[LT_END_EXIT] = "exit",
	[LT_END_SIGNAL] = "signal",
	[LT_END_EXEC] = "exec",
};

const char *const lt_end_reasons[LT_SNAP_END_REASONS] = {
	[LT_END_NO_REASON] = "",
	[LT_END_HEAP_OUT_OF_MEMORY] = "heap_out_of_memory",
	[LT_END_OUT_OF_MEMORY] = "out_of_memory",
	[LT_END_OOM_KILLER] = "oom_killer",
};

const char *const lt_tier_reason_names[LT_SNAP_TIER_REASONS] = {
	[LT_REASON_ASKED] = "asked",
	[LT_REASON_LOOKED_AT] = "looked_at",
	[LT_REASON_LATE] = "late",
	[LT_REASON_BUSY] = "busy",
	[LT_REASON_QUIET] = "quiet",
	[LT_REASON_BUDGET] = "budget",
	[LT_REASON_TOTAL_BUDGET] = "total_budget",
	[LT_REASON_RECOVERED] = "recovered",
	[LT_REASON_SAMPLE] = "sample",
	[LT_REASON_SAMPLE_END] = "sample_end",
};

#define LOST_NAME(id, name, help) [LT_LOST_##id] = name,
const char *const lt_lost_names[LT_SNAP_LOST] = { LT_LOST_CAUSES(LOST_NAME) };

#define LOST_HELP(id, name, help) [LT_LOST_##id] = help,
const char *const lt_lost_help[LT_SNAP_LOST] = { LT_LOST_CAUSES(LOST_HELP) };
