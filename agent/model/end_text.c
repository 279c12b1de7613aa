/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/* How a process ended, in words: the same ones in every output. */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "looptop/snapshot.h"

const char *lt_signal__text(char buf[LT_SIGNAL_TEXT_SIZE], int number)
{
	const char *name = sigabbrev_np(number);

	if (name)
		snprintf(buf, LT_SIGNAL_TEXT_SIZE, "SIG%s", name);
	else
		snprintf(buf, LT_SIGNAL_TEXT_SIZE, "SIG%d", number);
	return buf;
}

static const char *why_of(enum lt_end_reason reason)
{
	switch (reason) {
	case LT_END_HEAP_OUT_OF_MEMORY:
		return ", its heap was out of memory";
	case LT_END_OUT_OF_MEMORY:
		return ", its engine got no memory";
	case LT_END_OOM_KILLER:
		return ", by the kernel's out-of-memory killer";
	default:
		return "";
	}
}

const char *lt_end__text(char buf[LT_END_TEXT_SIZE], const struct lt_end *end)
{
	char name[LT_SIGNAL_TEXT_SIZE];

	switch (end->how) {
	case LT_END_EXIT:
		snprintf(buf, LT_END_TEXT_SIZE, "exit status %d%s", end->code, why_of(end->reason));
		break;
	case LT_END_SIGNAL:
		snprintf(buf, LT_END_TEXT_SIZE, "%s by %s%s", end->signal == SIGABRT ? "aborted" : "killed",
			 lt_signal__text(name, end->signal), why_of(end->reason));
		break;
	case LT_END_EXEC:
		snprintf(buf, LT_END_TEXT_SIZE, "runs another program now");
		break;
	default:
		snprintf(buf, LT_END_TEXT_SIZE, "nobody told how%s", why_of(end->reason));
	}
	return buf;
}
