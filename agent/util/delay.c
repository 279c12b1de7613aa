/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/*
 * A timer inside the loop, computed from its turns instead of run. It is due a step after it ran
 * last. A turn longer than a step always meets it once, within its first step: then it waits for the
 * turn's end, and the times that it misses it does not make up for. One block of a second is one run
 * in a hundred, and not one arrival in ten. In the rest of the time, in a wait or a shorter turn, it
 * is due at any moment alike, as often as makes all times from run to run add up to the whole.
 * libuv's clock has whole milliseconds: a timer that a turn's end finds due is so from the last of
 * them on, half a millisecond early on average; a wait makes up for that.
 */
#include "agent/util/delay.h"

#include <math.h>

#define STEP	     LT_DELAY_STEP_SECONDS
#define EARLY	     0.0005
#define HALVINGS_MAX 48 /* from the longest turn to well below a nanosecond */

/* The runs that turns of one length hold up: so late, evenly from low to high. */
struct late {
	double runs, low, high;
};

struct timer {
	struct late late[LT_HIST_BUCKETS];
	size_t n_late;
	double runs; /* all of them */
	double latest;
	double sum, squares; /* of how late they are */
};

/* What becomes of the timer, by all turns together. */
struct chance {
	double step; /* from a run to the next time that it is due */
	double rate; /* runs in a step of the time that is no long turn */
	double from; /* of a long turn: it is due after so much of it at the earliest */
};

/* How many runs come more than so late. */
static double later_than(const struct timer *timer, double seconds)
{
	double sum = 0;

	for (size_t i = 0; i < timer->n_late; i++) {
		const struct late *late = &timer->late[i];

		if (seconds < late->low)
			sum += late->runs;
		else if (seconds < late->high)
			sum += late->runs * (late->high - seconds) / (late->high - late->low);
	}
	return sum;
}

/* So late or later are that many of the runs. */
static double lateness(const struct timer *timer, double that_many)
{
	double low = 0, high = timer->latest;

	if (later_than(timer, 0) <= that_many)
		return 0;
	for (int i = 0; i < HALVINGS_MAX; i++) {
		double middle = (low + high) / 2;

		if (later_than(timer, middle) > that_many)
			low = middle;
		else
			high = middle;
	}
	return high;
}

static void take(struct timer *timer, const struct chance *chance, double count, double length)
{
	struct late late = { chance->rate * count * length / chance->step, 0, length };

	if (length > chance->step)
		late = (struct late){ count, length - chance->step, length - chance->from };
	timer->late[timer->n_late++] = late;
	timer->latest = fmax(timer->latest, late.high);
	timer->sum += late.runs * (late.low + late.high) / 2;
	timer->squares += late.runs *
			  (late.low * late.low + late.low * late.high + late.high * late.high) / 3;
}

/* How many runs there are in all, and where. */
static double count_runs(const struct lt_hist *turns, double observed, struct chance *chance)
{
	double busy = 0, n_long = 0, rest = observed, late = 0, before;

	for (uint32_t i = 0; i < LT_HIST_BUCKETS; i++)
		busy += turns->bucket_sum[i];
	chance->step = STEP - EARLY * fmin(busy / observed, 1);
	for (uint32_t i = 0; i < LT_HIST_BUCKETS; i++) {
		double count = turns->bucket_count[i], sum = turns->bucket_sum[i];

		if (count > 0 && sum > count * chance->step) {
			n_long += count;
			rest -= sum;
		} else if (count > 0) {
			late += sum * sum / count / chance->step / 2;
		}
	}
	rest = fmax(rest, 0);
	/* A long turn meets it half a step after its begin, unless there is hardly anything between them. */
	before = n_long > 0 ? fmin(rest / n_long, chance->step / 2) : 0;
	chance->rate = rest > 0 ? fmax(rest - n_long * before, 0) / (rest + late) : 0;
	chance->from = fmax(chance->step - 2 * before, 0);
	return n_long + chance->rate * rest / chance->step;
}

bool lt_delay_of(const struct lt_hist *turns, double observed_seconds, struct lt_delay *ret_delay)
{
	struct timer timer = { .n_late = 0 };
	double waits = 0, mean;
	struct chance chance;

	if (!(observed_seconds > 0))
		return false;
	timer.runs = count_runs(turns, observed_seconds, &chance);
	if (!(timer.runs >= 1))
		return false;
	for (uint32_t i = 0; i < LT_HIST_BUCKETS; i++) {
		double count = turns->bucket_count[i], sum = turns->bucket_sum[i];

		if (!(count > 0))
			continue;
		take(&timer, &chance, count, sum / count);
		waits += sum * sum / count / 2;
	}
	mean = timer.sum / timer.runs;
	*ret_delay = (struct lt_delay){
		.min = chance.step + lateness(&timer, timer.runs - 0.5),
		.max = chance.step + lateness(&timer, 0.5),
		.mean = chance.step + mean,
		.stddev = sqrt(fmax(timer.squares / timer.runs - mean * mean, 0)),
		.p50 = chance.step + lateness(&timer, 0.5 * timer.runs),
		.p90 = chance.step + lateness(&timer, fmax(0.1 * timer.runs, 0.5)),
		.p99 = chance.step + lateness(&timer, fmax(0.01 * timer.runs, 0.5)),
		.lag = waits / observed_seconds,
	};
	return true;
}
