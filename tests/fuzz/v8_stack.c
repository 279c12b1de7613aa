/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/*
 * libFuzzer target: the resolver on recorded memory of a real Node. The input says which words of what is
 * read are replaced, by what, and which reads fail: 8 bytes each.
 */
#include <assert.h>
#include <stdbool.h>

#include "agent/v8/heap.h"
#include "tests/unit/v8_recording.h"

#define READS_MAX  6000 /* for one stack, as in heap.c */
#define STEP_BYTES 8

static const char *const names[] = { "16", "18", "20", "22", "24", "26" };

struct memory {
	struct recording recording;
	struct lt_v8_layout layout;
	const uint8_t *steps;
	size_t n_steps;
	uint64_t reads;
};

static struct memory memories[sizeof(names) / sizeof(names[0])];

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A step: number of the read (2 bytes), place in it (1), what (1), its operand (4). */
static int apply(const struct memory *memory, const uint8_t *step, uint64_t address, uint8_t *buf,
		 size_t length)
{
	const struct recording *recording = &memory->recording;
	size_t at = length < 8 ? 0 : step[2] * 8u % (length - 7);
	uint32_t operand;
	uint64_t word;

	memcpy(&operand, step + 4, sizeof(operand));
	switch (step[3] % 6) {
	case 0:
		return operand % 7 ? -EFAULT : -ESRCH;
	case 1: /* the beginning of something that was recorded */
		word = recording->ranges[operand % recording->head.n_ranges].address + 1;
		break;
	case 2: /* some word */
		memcpy(&word, recording->bytes + operand % (recording->head.n_bytes - 8), 8);
		break;
	case 3:
		word = (uint64_t)operand << 32;
		break;
	case 4:
		word = address + 1;
		break;
	default:
		word = operand;
	}
	memcpy(buf + at, &word, length < 8 ? length : 8);
	return 0;
}

static int read_memory(void *ctx, uint64_t address, void *buf, size_t length)
{
	struct memory *memory = ctx;
	int64_t at = recording_find(&memory->recording, address, length);
	int err = at < 0 ? -EFAULT : 0;

	memory->reads++;
	if (!err)
		memcpy(buf, memory->recording.bytes + at, length);
	for (size_t i = 0; i < memory->n_steps && !err && length; i++) {
		const uint8_t *step = memory->steps + i * STEP_BYTES;

		if ((step[0] | (uint64_t)step[1] << 8) == memory->reads)
			err = apply(memory, step, address, buf, length);
	}
	return err;
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		char path[64];

		snprintf(path, sizeof(path), "tests/unit/data/v8/node-%s.rec", names[i]);
		if (recording_load(&memories[i].recording, path)) {
			fprintf(stderr, "%s: cannot be read; run this in the top folder\n", path);
			exit(1);
		}
		memories[i].layout = recording_layout(&memories[i].recording);
	}
	return 0;
}

static void check(const struct lt_v8_stack *stack)
{
	assert(stack->n_frames <= LT_V8_FRAMES_MAX);
	for (size_t i = 0; i < stack->n_frames; i++) {
		const struct lt_stack_frame *frame = &stack->frames[i];

		assert(*frame->function && strlen(frame->function) <= 256);
		assert(frame->line >= 0 && frame->column >= 0);
		assert(!frame->file || *frame->file);
	}
}

/* Those of the stack, each by itself, as the ones that are deoptimised are told. */
static void check_functions(struct lt_v8 *v8, const struct lt_raw_stack *raw)
{
	static struct lt_v8_stack stack;

	stack.n_frames = 0;
	for (uint32_t i = 0; i < raw->n_frames && stack.n_frames < LT_V8_FRAMES_MAX; i++)
		if (raw->frames[i].shared &&
		    !lt_v8__function(v8, raw->frames[i].shared, &stack.frames[stack.n_frames]))
			stack.n_frames++;
	check(&stack);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct lt_v8_stack stack;
	struct memory *memory = &memories[size ? data[0] % (sizeof(names) / sizeof(names[0])) : 0];
	struct lt_v8_opts opts = { .pid = -1,
				   .layout = &memory->layout,
				   .memory = { read_memory, memory } };
	struct lt_raw_stack raw;
	struct lt_v8 *v8 = lt_v8__new(&opts);

	assert(v8);
	memory->steps = data + 1;
	memory->n_steps = size ? (size - 1) / STEP_BYTES : 0;
	memory->reads = 0;
	if (!lt_v8__walk(v8, memory->recording.head.isolate, 0, &raw)) {
		assert(memory->reads <= READS_MAX);
		lt_v8__resolve(v8, &raw, &stack);
		assert(memory->reads <= 2 * READS_MAX);
		check(&stack);
		/* and with what was kept; the steps are over */
		lt_v8__resolve(v8, &raw, &stack);
		check(&stack);
		check_functions(v8, &raw);
	}
	lt_v8__free(v8);
	return 0;
}
