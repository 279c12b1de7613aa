/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/*
 * A timer inside the loop, computed from its turns instead of run. It is due a step after it ran
 * last. A turn longer than a step always meets it once, within its first step: then it waits for the
 * turn's end, and the times that it misses it does not make up for. One block of a second is one run
 * in a hundred, and not one arrival in ten. In the rest of the time, in a wait or a shorter turn, it
 * is due at any moment alike, as often as makes all times from run to run add up to the whole.
 */
#include "agent/util/delay.h"

#include <math.h>

#define STEP	     LT_DELAY_STEP_SECONDS
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
	struct late late = { chance->rate * count * length / STEP, 0, length };

	if (length > STEP)
		late = (struct late){ count, length - STEP, length - chance->from };
	timer->late[timer->n_late++] = late;
	timer->latest = fmax(timer->latest, late.high);
	timer->sum += late.runs * (late.low + late.high) / 2;
	timer->squares += late.runs *
			  (late.low * late.low + late.low * late.high + late.high * late.high) / 3;
}

/* How many runs there are in all, and where. */
static double count_runs(const struct lt_hist *turns, double observed, struct chance *chance)
{
	double n_long = 0, rest = observed, late = 0;

	for (uint32_t i = 0; i < LT_HIST_BUCKETS; i++) {
		double count = turns->bucket_count[i], sum = turns->bucket_sum[i];

		if (count > 0 && sum > count * STEP) {
			n_long += count;
			rest -= sum;
		} else if (count > 0) {
			late += sum * sum / count / STEP / 2;
		}
	}
	rest = fmax(rest, 0);
	/* A long turn meets it half a step after its begin, unless there is hardly anything between them. */
	chance->rate = rest > 0 ? fmax(rest - n_long * STEP / 2, 0) / (rest + late) : 0;
	chance->from = n_long > 0 ? fmax(STEP - 2 * rest / n_long, 0) : 0;
	return n_long + chance->rate * rest / STEP;
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
		.min = STEP + lateness(&timer, timer.runs - 0.5),
		.max = STEP + lateness(&timer, 0.5),
		.mean = STEP + mean,
		.stddev = sqrt(fmax(timer.squares / timer.runs - mean * mean, 0)),
		.p50 = STEP + lateness(&timer, 0.5 * timer.runs),
		.p90 = STEP + lateness(&timer, fmax(0.1 * timer.runs, 0.5)),
		.p99 = STEP + lateness(&timer, fmax(0.01 * timer.runs, 0.5)),
		.lag = waits / observed_seconds,
	};
	return true;
}
