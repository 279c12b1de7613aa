/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/*
 * A stall and an end as JSON objects, for snapshots and for the lines of `stalls --json`, and the numbers that
 * all JSON here is made of.
 */
#include "agent/sink/json.h"

/* Doubles hold every integer up to here. */
#define EXACT_MAX 9007199254740992.0

json_t *lt_json_number(enum lt_unit unit, double x)
{
	if (!isfinite(x))
		return json_null();
	if (unit == LT_UNIT_BOOL)
		return json_boolean(x != 0);
	if ((unit == LT_UNIT_COUNT || unit == LT_UNIT_BYTES) && fabs(x) < EXACT_MAX && x == rint(x))
		return json_integer((json_int_t)x);
	return json_real(rint(x * 1e9) / 1e9);
}

json_t *lt_json_keyed(enum lt_unit unit, const double *numbers, const char *const *names, size_t n)
{
	json_t *object = json_object();

	for (size_t i = 0; i < n; i++) {
		if (json_object_set_new(object, names[i], lt_json_number(unit, numbers[i]))) {
			json_decref(object);
			return NULL;
		}
	}
	return object;
}

/* A line or a column: they count from 1. */
static json_t *position(int n)
{
	return n > 0 ? json_integer(n) : json_null();
}

/* Adds where a frame is, and where that was written; 0 or -1. */
static int add_place(json_t *object, const struct lt_stack_frame *frame)
{
	if (json_object_set_new(object, "function", lt_json_text(frame->function)) ||
	    json_object_set_new(object, "file", lt_json_text(frame->file)) ||
	    json_object_set_new(object, "line", position(frame->line)) ||
	    json_object_set_new(object, "column", position(frame->column)))
		return -1;
	if (!frame->original_file)
		return 0;
	return json_object_set_new(object, "original",
				   json_pack("{s:o, s:o, s:o}", "file",
					     lt_json_text(frame->original_file), "line",
					     position(frame->original_line), "column",
					     position(frame->original_column)));
}

static json_t *frame_object(const struct lt_stack_frame *frame, bool with_type)
{
	static const char *const types[] = {
		[LT_FRAME_JS] = "js",
		[LT_FRAME_BUILTIN] = "builtin",
		[LT_FRAME_NATIVE] = "native",
	};
	json_t *object = json_object();

	if (with_type && json_object_set_new(object, "type", json_string(types[frame->type])))
		goto fail;
	if (add_place(object, frame) ||
	    json_object_set_new(object, "share", lt_json_number(LT_UNIT_RATIO, frame->share)))
		goto fail;
	return object;
fail:
	json_decref(object);
	return NULL;
}

static json_t *stack(const struct lt_stall *stall)
{
	json_t *array = json_array();

	for (size_t i = 0; stall->stack && i < stall->n_stack; i++) {
		if (json_array_append_new(array, frame_object(&stall->stack[i], true))) {
			json_decref(array);
			return NULL;
		}
	}
	return array;
}

static json_t *cause(const struct lt_stall *stall)
{
	for (int i = 0; i < LT_SNAP_CAUSES; i++)
		if (lt_known(stall->cause_seconds[i]))
			return json_string(lt_cause_names[stall->cause]);
	return json_null(); /* nothing was measured; "unknown" is what a measured rest is called */
}

static json_t *starvation(enum lt_starvation by)
{
	switch (by) {
	case LT_STARVED_BY_NEXT_TICK:
		return json_string("next_tick");
	case LT_STARVED_BY_MICROTASKS:
		return json_string("microtasks");
	default:
		return json_null();
	}
}

json_t *lt_json_stall(const struct lt_stall *stall)
{
	return json_pack("{s:o, s:o, s:b, s:b, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "start_time",
			 isfinite(stall->start_time) ? json_real(stall->start_time) : json_null(),
			 "seconds", lt_json_number(LT_UNIT_SECONDS, stall->seconds), "ongoing",
			 stall->ongoing, "cut_short", stall->cut_short, "cause", cause(stall), "cause_seconds",
			 lt_json_keyed(LT_UNIT_SECONDS, stall->cause_seconds, lt_cause_names,
				       LT_SNAP_CAUSES),
			 "samples", lt_json_number(LT_UNIT_COUNT, stall->samples), "where",
			 stall->where ? frame_object(stall->where, false) : json_null(), "below",
			 stall->below ? lt_json_text(stall->below->function) : json_null(),
			 "starvation", starvation(stall->starvation), "stack", stack(stall));
}

json_t *lt_json_deopt(const struct lt_deopt *deopt)
{
	json_t *object = json_object();

	if (!add_place(object, &deopt->where) &&
	    !json_object_set_new(object, "deopts", lt_json_number(LT_UNIT_COUNT, deopt->count)))
		return object;
	json_decref(object);
	return NULL;
}

json_t *lt_json_end(const struct lt_process *p)
{
	const char *reason = lt_end_reasons[p->end.reason];
	char name[LT_SIGNAL_TEXT_SIZE];

	if (!p->ended)
		return json_null();
	return json_pack("{s:o, s:o, s:o, s:o, s:o}", "time",
			 isfinite(p->end.time) ? json_real(p->end.time) : json_null(), "how",
			 p->end.how == LT_END_UNKNOWN ? json_null() : json_string(lt_end_hows[p->end.how]), "code",
			 p->end.how == LT_END_EXIT ? json_integer(p->end.code) : json_null(), "signal",
			 p->end.how == LT_END_SIGNAL ? json_string(lt_signal__text(name, p->end.signal)) :
						       json_null(),
			 "reason", reason[0] ? json_string(reason) : json_null());
}
