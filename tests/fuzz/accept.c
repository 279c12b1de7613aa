/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/* libFuzzer target: the Accept header of a scrape. */
#include "agent/sink/negotiate.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input input = { data, size };
	char *text = input_text(&input), *more = malloc(size + 64);

	CHECK(more);
	/* what it never heard of it does not want; one wish more never makes it want less */
	if (lt_wants_openmetrics(text))
		CHECK(strcasestr(text, "application/openmetrics-text"));
	snprintf(more, size + 64, "%s,application/openmetrics-text;q=1", text);
	CHECK(lt_wants_openmetrics(more) ||
	      !lt_wants_openmetrics("application/openmetrics-text;q=1,text/plain;q=1"));
	free(more);
	free(text);
	return 0;
}
