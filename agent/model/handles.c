/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
#include "agent/model/handles.h"

/* uv_handle_type of each of lt_handle_names. */
static const uint8_t uv_kinds[LT_SNAP_HANDLES] = { 1, 2, 3, 4, 6, 7, 8, 9, 10, 12, 13, 14, 15, 16 };

/* libuv takes a timer out of its heap before it calls back, and Node has one for all of JavaScript: with none there,
 * nothing is overdue for certain only while the loop waits. */
static bool is_waiting(const struct lt_loop_mem *mem)
{
	return mem && mem->metrics_on && mem->entry_ns;
}

static void set_timer(const struct lt_handles_mem *mem, const struct lt_loop_mem *loop_mem,
		      struct lt_handles *handles)
{
	double seconds;

	if (!mem->timer_due_ns)
		return;
	if (mem->timer_due_ns == UINT64_MAX) {
		if (is_waiting(loop_mem))
			handles->timer_overdue_seconds = 0;
		return;
	}
	seconds = mem->timer_due_ns > mem->read_ns
			  ? (double)(mem->timer_due_ns - mem->read_ns) / 1e9
			  : -(double)(mem->read_ns - mem->timer_due_ns) / 1e9;
	handles->next_timer_seconds = fmax(seconds, 0);
	handles->timer_overdue_seconds = fmax(-seconds, 0);
}

static void set_walked(const struct lt_handles_mem *mem, struct lt_loop *loop)
{
	struct lt_streams *streams = &loop->streams;

	for (int i = 0; i < LT_SNAP_HANDLES; i++) {
		loop->handles.types[i] = mem->kinds[uv_kinds[i]].open;
		loop->handles.held[i] = mem->kinds[uv_kinds[i]].held;
		loop->handles.referenced[i] = mem->kinds[uv_kinds[i]].referenced;
	}
	loop->handles.listening = mem->listening;
	streams->blocked = mem->blocked;
	streams->queued_bytes = (double)mem->queued_bytes;
	streams->longest_blocked_seconds = 0;
	if (!mem->blocked)
		return;
	streams->longest_blocked_seconds = (double)mem->worst.blocked_ns / 1e9;
	streams->worst.fd = mem->worst.fd;
	streams->worst.queued_bytes = (double)mem->worst.queued_bytes;
	streams->worst.peer = mem->worst.peer[0] ? mem->worst.peer : NULL;
}

static double known(int64_t count)
{
	return count < 0 ? NAN : (double)count;
}

static void set_unknown(struct lt_loop *loop)
{
	for (int i = 0; i < LT_SNAP_HANDLES; i++)
		loop->handles.types[i] = loop->handles.held[i] = loop->handles.referenced[i] =
			NAN;
	loop->handles.active = loop->handles.listening = loop->handles.requests = NAN;
	loop->handles.next_timer_seconds = loop->handles.timer_overdue_seconds = NAN;
	loop->streams.blocked = loop->streams.queued_bytes = NAN;
	loop->streams.longest_blocked_seconds = loop->streams.worst.queued_bytes = NAN;
	loop->streams.worst.fd = -1;
	loop->streams.worst.peer = NULL;
	loop->js = (struct lt_js){ NAN, NAN, NAN };
}

void lt_model_handles(const struct lt_handles_mem *handles, const struct lt_loop_mem *mem,
		      struct lt_loop *loop)
{
	set_unknown(loop);
	if (!handles)
		return;
	loop->handles.active = (double)handles->active;
	loop->handles.requests = (double)handles->requests;
	set_timer(handles, mem, &loop->handles);
	if (handles->walked)
		set_walked(handles, loop);
	loop->js.immediates = known(handles->immediates);
	loop->js.timers = known(handles->timers);
	loop->js.next_tick_pending = known(handles->next_tick);
}
