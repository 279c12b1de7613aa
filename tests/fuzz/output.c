/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/*
 * libFuzzer target: a text as every name that a target chooses, printed in every format. Whatever it is, the format stays
 * what it is: no line, no field and no label is forged. The input: flags (1 byte), then the text.
 */
#include <jansson.h>

#include "agent/util/fmt.h"
#include "looptop/sink.h"
#include "tests/fuzz/fuzz.h"
#include "tests/unit/fixture_snapshot.h"

/* What is printed, and how many lines it has with harmless names. */
enum {
	PAGE,
	OPENMETRICS,
	CSV,
	TEXT,
	STALLS,
	STALLS_JSON,
	KINDS
};

static size_t plain_lines[KINDS], plain_fields;
static struct fixture *fixture; /* large: made once */

static void name_all(const char *text)
{
	struct lt_process *process = &fixture->processes[1];

	process->name = process->exe = process->cgroup = process->hostname = text;
	process->container = process->pod = process->runtime_version = text;
	fixture->loops[3].name = text;
	fixture->loops[2].streams.worst.peer = text;
	for (size_t i = 0; i < sizeof(fixture->frames) / sizeof(fixture->frames[0]); i++)
		fixture->frames[i].function = fixture->frames[i].file = text;
}

static size_t count(const char *text, char wanted)
{
	size_t n = 0;

	for (; *text; text++)
		n += *text == wanted;
	return n;
}

/* To be freed. */
static char *print_page(bool openmetrics)
{
	struct lt_prom_opts opts = { .openmetrics = openmetrics };
	size_t length;
	char *text = lt_prometheus_page(&fixture->snapshot, &opts, &length);

	CHECK(text && strlen(text) == length);
	return text;
}

/* To be freed. */
static char *print(const struct lt_sink *sink)
{
	struct lt_sink_opts opts = { .header_every = 1000 };
	size_t size;
	char *text;
	void *state;

	opts.out = open_memstream(&text, &size);
	CHECK(opts.out);
	state = sink->open(&opts);
	CHECK(state && !sink->write(state, &fixture->snapshot) && !sink->close(state));
	CHECK(!fclose(opts.out) && strlen(text) == size);
	return text;
}

static char *print_as(int kind)
{
	switch (kind) {
	case PAGE:
	case OPENMETRICS:
		return print_page(kind == OPENMETRICS);
	case CSV:
		return print(&lt_sink_csv);
	case TEXT:
		return print(&lt_sink_text);
	case STALLS:
		return print(&lt_sink_stalls);
	default:
		return print(&lt_sink_stalls_json);
	}
}

/* Commas that part fields, those in quotes are none. */
static size_t fields(const char *text)
{
	bool quoted = false;
	size_t n = 0;

	for (; *text; text++) {
		quoted ^= *text == '"';
		n += !quoted && *text == ',';
	}
	CHECK(!quoted);
	return n;
}

static void check_json(const char *text)
{
	char *line = lt_json_line(&fixture->snapshot), *clean = malloc(3 * strlen(text) + 1);
	json_t *json, *process;

	CHECK(line && clean && !strchr(line, '\n'));
	json = json_loads(line, 0, NULL);
	process = json_array_get(json_object_get(json, "processes"), 1);
	CHECK(process);
	CHECK(!strcmp(json_string_value(json_object_get(process, "name")),
		      lt_fmt_utf8(clean, 3 * strlen(text) + 1, text)));
	json_decref(json);
	free(clean);
	free(line);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	fixture = fixture_new();
	name_all("plain");
	for (int kind = 0; kind < KINDS; kind++) {
		char *text = print_as(kind);

		plain_lines[kind] = count(text, '\n');
		CHECK(plain_lines[kind]);
		if (kind == CSV)
			plain_fields = fields(text);
		free(text);
	}
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input input = { data, size };
	int kind = input_byte(&input) % (KINDS + 1);
	char *name = input_text(&input), *text;

	name_all(name);
	if (kind == KINDS) {
		check_json(name);
	} else if (*name) {
		text = print_as(kind);
		CHECK(count(text, '\n') == plain_lines[kind]);
		CHECK(!strchr(text, '\r') && !strchr(text, '\x1b'));
		CHECK(kind != CSV || fields(text) == plain_fields);
		free(text);
	}
	name_all("plain");
	free(name);
	return 0;
}
