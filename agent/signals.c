/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
#include "agent/signals.h"

#include <poll.h>
#include <signal.h>
#include <stddef.h>

#include "agent/util/clock.h"

static volatile sig_atomic_t stopped;

static void on_signal(int number)
{
	(void)number;
	stopped = 1;
}

void lt_signals__install(void)
{
	static const int numbers[] = { SIGINT, SIGTERM, SIGHUP };
	struct sigaction action = { .sa_handler = on_signal };
	sigset_t set;

	/* Blocked but for the moment of waiting: one that comes between a check and the wait is not
	 * slept over. */
	sigemptyset(&set);
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		sigaction(numbers[i], &action, NULL);
		sigaddset(&set, numbers[i]);
	}
	sigprocmask(SIG_BLOCK, &set, NULL);
}

bool lt_signals__stopped(void)
{
	return stopped;
}

bool lt_sleep_until(uint64_t deadline_ns, int fd)
{
	struct pollfd input = { .fd = fd, .events = POLLIN };
	uint64_t now = lt_now_ns(), left = deadline_ns > now ? deadline_ns - now : 0;
	struct timespec timeout = { (time_t)(left / 1000000000), (long)(left % 1000000000) };
	sigset_t none;
	int n;

	sigemptyset(&none);
	n = ppoll(&input, fd >= 0, &timeout, &none);
	return n == 0;
}
