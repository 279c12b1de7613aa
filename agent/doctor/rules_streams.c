/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/* Streams that do not drain: whoever is at their other end reads too slowly, or not at all. */
#include <stdio.h>

#include "agent/doctor/rules.h"
#include "agent/util/fmt.h"

#define BLOCKED_SECONDS 10 /* without an end: a slow reader, not a burst */
#define WEIGHT		1e-4 /* it delays nobody by itself: behind whatever does */

static void report(const struct lt_case *c, const struct lt_dr_loop *loop)
{
	const struct lt_dr_streams *streams = &loop->streams;
	struct lt_finding *finding =
		lt_finding__new(c->diagnosis, "backpressure", c->process, loop);

	if (!finding)
		return;
	snprintf(finding->title, sizeof(finding->title),
		 "%s does not take what is written to it: a stream has been blocked for %s",
		 streams->peer[0] ? streams->peer : "a reader",
		 LT_SECONDS(streams->longest_seconds));
	lt_finding__seen(finding, "fd %d has %s queued in libuv, and may have more in JavaScript",
			 streams->fd, LT_BYTES(streams->queued_bytes));
	if (streams->most_blocked > 1)
		lt_finding__seen(finding, "%s streams were blocked at one time, with %s in all",
				 LT_COUNT(streams->most_blocked), LT_BYTES(streams->most_bytes));
	if (!streams->peer[0])
		lt_finding__seen(finding, "the other end is not known: ss -tnp says it");
	finding->why =
		"What a reader does not take waits in this process. A writer that does not wait for it fills "
		"the memory, and all of it is lost if the connection breaks.";
	lt_finding__advise(
		finding,
		"Stop writing when write() returns false, and go on at 'drain'; pipeline() from "
		"node:stream/promises does that.");
	lt_finding__advise(
		finding,
		"Look at the other end: is it overloaded, stuck, or a client on a slow line?");
	lt_finding__advise(
		finding,
		"End what never drains: socket.setTimeout(), or a limit on writableLength.");
	finding->weight_seconds = WEIGHT;
}

bool lt_rule__backpressure(const struct lt_case *c)
{
	bool known = false;

	for (size_t i = 0; i < c->process->n_loops; i++) {
		const struct lt_dr_loop *loop = c->process->loops[i];

		known |= loop->streams.known;
		if (loop->streams.longest_seconds >= BLOCKED_SECONDS)
			report(c, loop);
	}
	return known;
}
