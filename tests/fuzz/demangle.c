/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/* libFuzzer target: names of symbols. The input: the room for what comes out (1 byte), then the name. */
#include "agent/v8/demangle.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input input = { data, size };
	size_t room = 1 + (size_t)input_byte(&input);
	char *symbol = input_text(&input), *text = malloc(room);

	CHECK(text);
	if (lt_demangle(symbol, text, room))
		CHECK(text[0] && strnlen(text, room) < room);
	else
		CHECK(!text[0]);
	CHECK(lt_symbol_text(text, room, symbol) == text);
	check_printable(text, room);
	free(text);
	free(symbol);
	return 0;
}
