/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
#include "agent/util/refusal.h"

#include <stdbool.h>
#include <stdio.h>
#include <unistd.h>

#include "agent/util/clock.h"
#include "agent/util/fmt.h"
#include "looptop/log.h"

/* Whoever makes such files can make thousands of them. */
#define TOLD_MAX  10
#define WINDOW_NS 60000000000ull

static uint64_t refusals, window_begin_ns;
static unsigned told;

void lt_refuse_named(const char *name, const char *why, const char *loss)
{
	uint64_t now_ns = lt_now_ns();
	char text[256];

	refusals++;
	if (!window_begin_ns || now_ns - window_begin_ns > WINDOW_NS) {
		window_begin_ns = now_ns;
		told = 0;
	}
	if (told > TOLD_MAX)
		return;
	if (told++ == TOLD_MAX)
		lt_warn("more files are refused than are told here for a minute (their number is in the "
			"metrics)");
	else
		lt_warn("read %s: refused: %s; %s", lt_fmt_text(text, sizeof(text), name), why,
			loss);
}

void lt_refuse(int fd, const char *why, const char *loss)
{
	char link[32], name[256];
	ssize_t length;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	length = readlink(link, name, sizeof(name) - 1);
	name[length > 0 ? length : 0] = '\0';
	lt_refuse_named(length > 0 ? name : "a file", why, loss);
}

uint64_t lt_refusals(void)
{
	return refusals;
}
