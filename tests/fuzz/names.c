/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/*
 * libFuzzer target: what a process calls itself, on its way to the screen and to formats. The input: which (1 byte),
 * how (1 byte), then the text.
 */
#include <fnmatch.h>

#include "agent/target/process.h"
#include "agent/util/fmt.h"
#include "agent/util/json.h"
#include "tests/fuzz/fuzz.h"

static const char *const executables[] = {
	"/usr/bin/node",
	"/opt/node20 (deleted)",
	"/usr/bin/python3.11",
	"/usr/sbin/nginx",
	"/usr/bin/redis-server",
	"",
	"/bin/x",
	"node-v18.1",
};

#define N_EXECUTABLES (sizeof(executables) / sizeof(executables[0]))

/* A title must not tell what no name is made of: code that was given with -e. */
static void display(const char *text, size_t length, uint8_t how)
{
	char name[LT_NAME_SIZE];

	lt_display_name(name, text, length, executables[how % N_EXECUTABLES],
			how & 0x80 ? "MainThread" : "co\x1b[m");
	check_printable(name, sizeof(name));
	fnmatch("*node*[a-z]?", name, 0);
}

/* The text as it is may be the executable's path, too. */
static void executable(const char *text)
{
	static const char command[] = "node\0--import\0x\0./server.js";
	char name[LT_NAME_SIZE];

	lt_display_name(name, command, sizeof(command), text, text);
	check_printable(name, sizeof(name));
}

static void cell(const char *text, int cells, bool ascii)
{
	size_t size = 4 * (size_t)cells + 5;
	char *buf = malloc(size);

	CHECK(buf);
	lt_fmt_cell(buf, size, text, cells, ascii);
	check_printable(buf, size);
	for (size_t i = 0; ascii && buf[i]; i++)
		CHECK((unsigned char)buf[i] < 0x80);
	free(buf);
}

static void formats(const char *text, uint8_t how)
{
	size_t size = 1 + how;
	char *buf = malloc(size), *whole = malloc(3 * strlen(text) + 1);
	json_t *json = lt_json_text(text);

	CHECK(buf && whole && json);
	lt_fmt_text(buf, size, text);
	check_printable(buf, size);
	lt_fmt_utf8(buf, size, text);
	CHECK(strnlen(buf, size) < size);
	/* what is JSON's text must be the whole text, made UTF-8 */
	lt_fmt_utf8(whole, 3 * strlen(text) + 1, text);
	CHECK(!strcmp(json_string_value(json), whole));
	CHECK(strlen(whole) >= strlen(text));
	json_decref(json);
	free(whole);
	free(buf);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input input = { data, size };
	uint8_t which = input_byte(&input), how = input_byte(&input);
	char *text = input_text(&input);

	switch (which % 4) {
	case 0:
		display(text, input.left, how);
		break;
	case 1:
		executable(text);
		break;
	case 2:
		cell(text, how % 80, how & 0x80);
		break;
	default:
		formats(text, how);
	}
	free(text);
	return 0;
}
