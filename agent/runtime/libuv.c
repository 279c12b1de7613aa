/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/*
 * libuv 1.43 … 1.52, static in a program or shared: its loop, its phases, its thread pool.
 * uv__work_submit is inlined into uv_queue_work in every build seen, hence both.
 */
#include <stdio.h>
#include <string.h>

#include "agent/runtime/libuv_deduce.h"
#include "agent/runtime/registry.h"
#include "agent/target/decode.h"
#include "agent/target/uv_layout.h"

/* So much of uv_version() is looked at. */
#define VERSION_BYTES 24
#define NOW_BYTES     16 /* of uv_now(), which may have a frame */

/* Functions that finish() decodes. */
enum { VERSION, NOW };

#define PHASE(name, which, phase) \
	{ .symbol = name, .find = lt_find_entry, .role = LT_ROLE_PHASE, .group = which, .arg = phase, \
	  .cost = "the phase that begins there is counted with the one before" }
#define START(name, kind) \
	{ .symbol = name, .find = lt_find_entry, .role = LT_ROLE_TASK_START, \
	  .group = LT_GROUP_POOL, .arg = kind, .cost = "wait times of its pool tasks are unknown" }
#define DELIVER(name) \
	{ .symbol = name, .find = lt_find_entry, .role = LT_ROLE_TASK_DELIVER, \
	  .group = LT_GROUP_POOL, .cost = "the delivery of its pool tasks is unknown" }

static const struct lt_rule rules[] = {
	{ .symbol = "uv__io_poll", .find = lt_find_waits, .group = LT_GROUP_WAIT,
	  .cost = "turns, lag and stalls are unknown" },
	PHASE("uv__run_timers", LT_GROUP_PHASES, LT_PHASE_TIMERS),
	PHASE("uv__run_check", LT_GROUP_PHASES, LT_PHASE_CHECK),
	PHASE("uv__run_idle", LT_GROUP_FULL, LT_PHASE_IDLE),
	PHASE("uv__run_prepare", LT_GROUP_FULL, LT_PHASE_PREPARE),
	PHASE("uv__io_poll", LT_GROUP_FULL, LT_PHASE_POLL_SETUP),
	{ .symbol = "uv_run", .find = lt_find_phase_ends, .role = LT_ROLE_PHASE,
	  .group = LT_GROUP_FULL, .cost = "pending and closing are counted with the phases before" },
	{ .symbol = "uv_queue_work", .find = lt_find_entry, .role = LT_ROLE_TASK_SUBMIT,
	  .group = LT_GROUP_POOL, .arg = LT_SUBMIT_QUEUE_WORK,
	  .cost = "crypto, zlib and other queued work is not counted" },
	{ .symbol = "uv__work_submit", .find = lt_find_entry, .role = LT_ROLE_TASK_SUBMIT,
	  .group = LT_GROUP_POOL, .arg = LT_SUBMIT_WORK,
	  .cost = "file system and DNS work is not counted" },
	START("uv__fs_work", LT_KIND_FS),
	START("uv__queue_work", LT_KIND_MAX),
	START("uv__getaddrinfo_work", LT_KIND_DNS),
	START("uv__getnameinfo_work", LT_KIND_DNS),
	START("uv__random_work", LT_KIND_OTHER),
	{ .symbol = "worker", .find = lt_find_task_end, .role = LT_ROLE_TASK_END,
	  .group = LT_GROUP_POOL, .cost = "run times of pool tasks are unknown" },
	DELIVER("uv__fs_done"),
	DELIVER("uv__queue_done"),
	DELIVER("uv__getaddrinfo_done"),
	DELIVER("uv__getnameinfo_done"),
	DELIVER("uv__random_done"),
	{ .symbol = "uv__fs_work", .find = lt_find_exits, .role = LT_ROLE_SYNC_END,
	  .group = LT_GROUP_POOL, .cost = "synchronous file system calls are not timed" },
	{ 0 },
};

#define ADDRESS(name, field) { .symbol = name, .offset = offsetof(struct lt_image, field) }

static const struct lt_address_rule addresses[] = {
	ADDRESS("default_loop_struct", default_loop),
	ADDRESS("nthreads", nthreads),
	ADDRESS("idle_threads", idle_threads),
	ADDRESS("slow_io_work_running", slow_running),
	ADDRESS("wq", pool_queue),
	ADDRESS("slow_io_pending_wq", slow_queue),
	{ 0 },
};

/* uv_version() returns 0xMMmmpp: one constant, made by one instruction or two. */
static uint32_t decode_version(struct lt_elf *elf, uint64_t vaddr)
{
	struct lt_function function;
	uint64_t version = 0;

	if (!vaddr || lt_function__decode(elf, vaddr, VERSION_BYTES, &function))
		return 0;
	for (size_t i = 0; i < function.n_insns && !version; i++) {
		const struct lt_insn *in = &function.insns[i];

		if (in->flow != LT_FLOW_NEXT)
			break;
		if (in->constant >> 16 == 1)
			version = in->constant;
	}
	lt_function__free(&function);
	return (uint32_t)version;
}

/* Offsets in uv__loop_internal_fields_t, by the DWARF of 1.43, 1.44, 1.46, 1.51, 1.52. */
static void set_layout(struct lt_image *image, uint32_t version)
{
	uint32_t minor = version >> 8 & 0xff;

	image->uv = (struct lt_uv_layout){ -1, -1, -1, 0 };
	if (minor >= 39 && minor <= 44)
		image->uv = (struct lt_uv_layout){ .entry_time = 8, .idle_time = 16, .loop_count = -1 };
	else if (minor >= 46 && minor <= 52)
		image->uv = (struct lt_uv_layout){ .entry_time = 136, .idle_time = 144, .loop_count = 8 };
	else if (!version)
		lt_image__miss(image, "the version of libuv was not found, and so not the layout of its loop "
				      "metrics; tier memory has no utilization");
	else
		lt_image__miss(image, "libuv 1.%u: the layout of its loop metrics is not known; tier "
				      "memory has no utilization", minor);
}

/* What uv_now() reads of the loop that is its argument; 0: its code does not tell. */
static int32_t time_offset(struct lt_elf *elf, uint64_t vaddr)
{
	struct lt_function function;
	int32_t offset = 0;

	if (!vaddr || lt_function__decode(elf, vaddr, NOW_BYTES, &function))
		return 0;
	for (size_t i = 0; i < function.n_insns && !offset; i++) {
		const struct lt_insn *in = &function.insns[i];

		if (in->flow != LT_FLOW_NEXT)
			break;
		if (in->base == function.machine->argument[0] &&
		    in->writes == 1u << function.machine->result)
			offset = in->disp;
	}
	lt_function__free(&function);
	return offset;
}

/* The machine says how long the mutex in a loop is. Another libc may have another one: the file's own code must not
 * read the time elsewhere. */
static void set_mutex(struct lt_elf *elf, struct lt_image *image, uint64_t uv_now)
{
	int32_t mutex = lt_machine_of(elf)->mutex_bytes, told = time_offset(elf, uv_now);

	if (!told || told == LT_UV_LOOP_TIME_MS(mutex))
		image->uv.mutex_bytes = mutex;
	else
		lt_image__miss(image, "its uv_loop_t is not that of libuv with glibc; tier memory has no "
				      "figures, handles are not read");
}

static void finish(struct lt_elf *elf, struct lt_image *image, const uint64_t functions[LT_DECODED_MAX])
{
	uint32_t version = decode_version(elf, functions[VERSION]);

	if (version)
		snprintf(image->uv_version, sizeof(image->uv_version), "%u.%u.%u", version >> 16,
			 version >> 8 & 0xff, version & 0xff);
	set_layout(image, version);
	set_mutex(elf, image, functions[NOW]);
	if (image->stripped && !image->default_loop)
		lt_image__miss(image, "the file is stripped: its default loop was not found; tier memory has "
				      "no figures");
	if (image->stripped && !(image->nthreads && image->idle_threads))
		lt_image__miss(image, "the file is stripped: the thread pool's counters were not found; its "
				      "size and saturation are unknown");
}

const struct lt_runtime lt_runtime_libuv = {
	.name = "libuv",
	.mark = "uv_run",
	.rules = rules,
	.addresses = addresses,
	.finish = finish,
	.deduce = lt_uv_deduce,
	.decoded = { [VERSION] = "uv_version", [NOW] = "uv_now" },
};
