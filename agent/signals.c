/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
#include "agent/signals.h"

#include <errno.h>
#include <poll.h>

#include "agent/util/stop.h"

void lt_signals__install(void)
{
	lt_stop__install();
}

bool lt_signals__stopped(void)
{
	return lt_stop__asked();
}

bool lt_sleep_until(uint64_t deadline_ns, int fd)
{
	int n;

	do
		n = lt_stop__wait(fd, POLLIN, deadline_ns);
	while (n == -EINTR && fd < 0 && !lt_stop__asked());
	return n == 0;
}
