/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/* How a process ended, in words. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "looptop/metric.h"

static void test_words(void **state)
{
	static const struct {
		struct lt_end end;
		const char *text;
	} cases[] = {
		{ { .how = LT_END_EXIT, .code = 0 }, "exit status 0" },
		{ { .how = LT_END_EXIT, .code = 255 }, "exit status 255" },
		{ { .how = LT_END_SIGNAL, .signal = SIGTERM }, "killed by SIGTERM" },
		{ { .how = LT_END_SIGNAL, .signal = SIGABRT }, "aborted by SIGABRT" },
		{ { .how = LT_END_SIGNAL, .signal = 63 }, "killed by SIG63" },
		{ { .how = LT_END_SIGNAL, .signal = SIGABRT, .reason = LT_END_HEAP_OUT_OF_MEMORY },
		  "aborted by SIGABRT, its heap was out of memory" },
		{ { .how = LT_END_SIGNAL, .signal = SIGTRAP, .reason = LT_END_OUT_OF_MEMORY },
		  "killed by SIGTRAP, its engine got no memory" },
		{ { .how = LT_END_SIGNAL, .signal = SIGKILL, .reason = LT_END_OOM_KILLER },
		  "killed by SIGKILL, by the kernel's out-of-memory killer" },
		{ { .how = LT_END_EXEC }, "runs another program now" },
		{ { .how = LT_END_UNKNOWN }, "nobody told how" },
		{ { .how = LT_END_UNKNOWN, .reason = LT_END_HEAP_OUT_OF_MEMORY },
		  "nobody told how, its heap was out of memory" },
	};
	char text[LT_END_TEXT_SIZE];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_string_equal(lt_end__text(text, &cases[i].end), cases[i].text);
}

/* The longest of all that can be is not cut. */
static void test_room(void **state)
{
	char text[LT_END_TEXT_SIZE];

	(void)state;
	for (int how = 0; how < LT_SNAP_END_HOWS; how++)
		for (int reason = 0; reason < LT_SNAP_END_REASONS; reason++)
			for (int signal = 0; signal < 128; signal++) {
				struct lt_end end = { .how = (enum lt_end_how)how,
						      .reason = (enum lt_end_reason)reason,
						      .signal = signal,
						      .code = 255 };

				assert_in_range(strlen(lt_end__text(text, &end)), 1, sizeof(text) - 2);
			}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_words),
		cmocka_unit_test(test_room),
	};

	return cmocka_run_group_tests_name("model_end", tests, NULL, NULL);
}
