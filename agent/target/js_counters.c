/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
#include "agent/target/js_counters.h"

#include "agent/target/handle_walk.h"
#include "agent/target/uv_layout.h"

#define SCAN_WORDS 256 /* behind the check handle of the immediates */
#define CHECKS_MAX 8 /* check handles that are looked behind where the right one cannot be told */
#define WORDS	   4 /* {isolate, count, 0, buffer} */
#define IMMEDIATES 3 /* ImmediateInfo: count, those that hold the loop, any left over */
#define TIMERS	   1 /* TimeoutInfo */
#define TICK	   2 /* TickInfo: queue not empty, rejection to warn of */
#define COUNT_MAX  (1u << 30)

static bool is_buffer(const uint64_t *words, uint64_t isolate, uint64_t count)
{
	return words[0] == isolate && words[1] == count && words[2] == 0 && lt_is_pointer(words[3]);
}

/* The contents of a buffer of `count` elements, if it still is one. */
static bool read_buffer(const struct lt_source *source, uint64_t isolate, uint64_t address,
			uint64_t count, void *buf, size_t size)
{
	uint64_t words[WORDS];

	return address && !lt_source_read(source, address, words, sizeof(words)) &&
	       is_buffer(words, isolate, count) && !lt_source_read(source, words[3], buf, size);
}

static bool read_immediates(const struct lt_js_counters *js, const struct lt_source *source,
			    uint32_t values[IMMEDIATES])
{
	return read_buffer(source, js->isolate, js->immediates, IMMEDIATES, values,
			   IMMEDIATES * sizeof(*values)) &&
	       values[0] < COUNT_MAX && values[1] <= values[0] + 1 && values[2] <= 1;
}

static bool read_tick(const struct lt_js_counters *js, const struct lt_source *source,
		      uint8_t values[TICK])
{
	return read_buffer(source, js->isolate, js->tick, TICK, values, TICK) && values[0] <= 1 &&
	       values[1] <= 1;
}

/* In the words behind a handle: immediates, then timers (since Node 18), then the tick. */
static bool find_in(const uint64_t *words, size_t n, uint64_t base, struct lt_js_counters *js)
{
	*js = (struct lt_js_counters){ 0 };
	for (size_t i = 0; i + WORDS <= n; i++) {
		const uint64_t *at = words + i;

		if (!js->isolate && lt_is_pointer(at[0]) && is_buffer(at, at[0], IMMEDIATES)) {
			js->isolate = at[0];
			js->immediates = base + 8 * i;
		} else if (js->isolate && !js->timers && is_buffer(at, js->isolate, TIMERS)) {
			js->timers = base + 8 * i;
		} else if (js->isolate && is_buffer(at, js->isolate, TICK)) {
			js->tick = base + 8 * i;
			return true;
		}
	}
	return false;
}

static bool find_behind(const struct lt_source *source, uint64_t handle, struct lt_js_counters *js)
{
	uint64_t words[SCAN_WORDS];
	uint32_t immediates[IMMEDIATES];
	uint8_t tick[TICK];

	return !lt_source_read(source, handle, words, sizeof(words)) &&
	       find_in(words, SCAN_WORDS, handle, js) && read_immediates(js, source, immediates) &&
	       read_tick(js, source, tick);
}

void lt_js_counters__find(struct lt_js_counters *js, const struct lt_target *target,
			  uint64_t loop_ptr)
{
	struct lt_source source = lt_target_memory(target);
	uint64_t callback = lt_check_immediate(target), handle = 0;
	uint8_t tick[TICK];

	if (js->isolate && read_tick(js, &source, tick))
		return;
	for (int i = 0; i < CHECKS_MAX; i++) {
		handle = lt_find_handle(&source, loop_ptr, LT_UV_CHECK, callback, handle);
		if (!handle)
			break;
		if (find_behind(&source, handle, js))
			return;
	}
	*js = (struct lt_js_counters){ 0 };
}

void lt_js_counters__read(const struct lt_js_counters *js, const struct lt_source *source,
			  struct lt_handles_mem *mem)
{
	uint32_t immediates[IMMEDIATES];
	int32_t timers;
	uint8_t tick[TICK];

	mem->immediates = mem->timers = mem->next_tick = -1;
	if (!js->isolate)
		return;
	if (read_immediates(js, source, immediates))
		mem->immediates = immediates[0];
	if (read_buffer(source, js->isolate, js->timers, TIMERS, &timers, sizeof(timers)) &&
	    timers >= 0)
		mem->timers = timers;
	if (read_tick(js, source, tick))
		mem->next_tick = tick[0];
}
