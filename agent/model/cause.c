/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
#include "agent/model/cause.h"

static double seconds_of(uint64_t ns)
{
	return (double)ns / 1e9;
}

static double seconds_since(uint64_t from_ns, uint64_t to_ns)
{
	return to_ns > from_ns ? seconds_of(to_ns - from_ns) : 0;
}

/* Of the sleep, what was not in garbage collection. */
static uint64_t off_total(const struct lt_loop_rec *rec, int why)
{
	uint64_t total = rec->off.total_ns[why], in_gc = rec->gc.slept_ns;

	if (why != LT_OFF_SLEEP)
		return total;
	if (rec->gc.begin_ns && total > rec->gc.begin_slept_ns)
		in_gc += total - rec->gc.begin_slept_ns;
	return total > in_gc ? total - in_gc : 0;
}

/* Adds what the totals have gained since `seen`, and the spans that are running now. */
static void add_recent(struct lt_cause_parts *parts, const struct lt_loop_rec *rec,
		       const __u64 off_seen[LT_OFF_MAX], uint64_t gc_seen, uint64_t from_ns,
		       uint64_t now_ns)
{
	uint64_t since = rec->off.since_ns > from_ns ? rec->off.since_ns : from_ns;
	uint64_t waited = rec->off.total_ns[LT_OFF_RUNQUEUE] + rec->off.total_ns[LT_OFF_THROTTLED];
	bool off = rec->off.why > LT_OFF_NOT && rec->off.why < LT_OFF_MAX;
	double running = off ? seconds_since(since, now_ns) : 0;

	/* The scheduler's counters are written while the record is copied: never less than seen. */
	for (int i = LT_OFF_NOT + 1; i < LT_OFF_MAX; i++)
		parts->off[i] += seconds_since(off_seen[i], off_total(rec, i));
	parts->gc += seconds_since(gc_seen, rec->gc.total_ns);
	if (rec->gc.begin_ns) {
		double gc = seconds_since(rec->gc.begin_ns, now_ns) -
			    seconds_since(rec->gc.begin_waited_ns, waited);

		if (rec->off.why == LT_OFF_SLEEP)
			running = 0; /* it is in gc */
		parts->gc += gc > running ? gc - running : 0;
	}
	if (off)
		parts->off[rec->off.why] += running;
}

struct lt_cause_parts lt_cause__busy(const struct lt_loop_rec *rec, uint64_t now_ns)
{
	struct lt_cause_parts parts = { .gc = seconds_of(rec->gc_busy_ns) };
	bool idle = rec->wait_start_ns && rec->wait_timeout_ns != 0;

	for (int i = 0; i < LT_OFF_MAX; i++)
		parts.off[i] = seconds_of(rec->off_busy_ns[i]);
	if (!idle && !(rec->flags & LT_LOOP_ENDED))
		add_recent(&parts, rec, rec->off_seen_ns, rec->gc_seen_ns, rec->last_ns, now_ns);
	return parts;
}

struct lt_cause_parts lt_cause__turn(const struct lt_loop_rec *rec, uint64_t now_ns)
{
	struct lt_cause_parts parts = { .gc = 0 };

	if (!rec->turn_start_ns)
		return parts;
	add_recent(&parts, rec, rec->off_turn_ns, rec->gc_turn_ns, rec->turn_start_ns, now_ns);
	parts.unseen = seconds_since(rec->turn_start_ns, rec->first_ns);
	return parts;
}

void lt_cause__split(const struct lt_cause_parts *parts, double busy_seconds,
		     struct lt_cause_known known, double ret_seconds[LT_SNAP_CAUSES])
{
	double sum = parts->unseen + (known.gc ? parts->gc : 0), scale = 1;

	for (int i = 0; i < LT_SNAP_CAUSES; i++)
		ret_seconds[i] = NAN;
	if (!known.scheduler || !lt_known(busy_seconds))
		return;
	for (int i = LT_OFF_NOT + 1; i < LT_OFF_MAX; i++)
		sum += parts->off[i];
	if (sum > busy_seconds) /* by the microseconds between the copies of two fields */
		scale = busy_seconds / sum;
	ret_seconds[LT_CAUSE_SYNC_IO] = parts->off[LT_OFF_SLEEP] * scale;
	ret_seconds[LT_CAUSE_RUNQUEUE] = parts->off[LT_OFF_RUNQUEUE] * scale;
	ret_seconds[LT_CAUSE_THROTTLED] = parts->off[LT_OFF_THROTTLED] * scale;
	if (known.gc)
		ret_seconds[LT_CAUSE_GC] = parts->gc * scale;
	ret_seconds[LT_CAUSE_UNKNOWN] = parts->unseen * scale;
	ret_seconds[LT_CAUSE_CPU] = fmax(busy_seconds - sum * scale, 0);
}

enum lt_cause lt_cause__main(const double seconds[LT_SNAP_CAUSES])
{
	enum lt_cause largest = LT_CAUSE_UNKNOWN;
	double most = 0;

	for (int i = 0; i < LT_SNAP_CAUSES; i++) {
		if (lt_known(seconds[i]) && seconds[i] > most) {
			most = seconds[i];
			largest = (enum lt_cause)i;
		}
	}
	return largest;
}
