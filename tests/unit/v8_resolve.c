/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/*
 * From raw stacks to frames, on a heap with one function run in every way: interpreted, baseline, optimised
 * with others inlined. Then everything of it is broken, one thing after the other.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "tests/unit/v8_image.h"
#include "tests/unit/v8_moving.h"

#define READS_MAX 6000 /* for one stack */

/* Line 1 … 4 */
#define SOURCE                               \
	"function outer() { middle();\n"     \
	"}; function middle() { leaf(); }\n" \
	"function leaf() {\n  wait(); }\n"

enum {
	OUTER,
	MIDDLE,
	LEAF,
	FUNCTIONS
};

static const struct {
	const char *name;
	int32_t start, end;
	int line; /* where it begins */
} functions[FUNCTIONS] = { { "outer", 14, 31, 1 }, { "middle", 47, 60, 2 }, { "leaf", 75, 90, 3 } };

#define CALL_MIDDLE 19 /* positions: line 1, column 20 */
#define CALL_LEAF   52 /* line 2, column 24 */
#define CALL_WAIT   82 /* line 4, column 3 */

struct world {
	struct image image;
	struct lt_v8 *v8;
	uint64_t script, shared[FUNCTIONS], node_shared, builtin_shared;
	uint64_t bytecodes; /* of outer, its call at offset 4 */
	uint64_t baseline, optimised; /* first instructions */
	uint64_t inlining, deopt; /* words */
	struct lt_raw_stack raw;
};

static struct world world;

static uint64_t text(const char *latin1)
{
	return image_string(&world.image, latin1);
}

static uint64_t function(const char *name, uint64_t script, int32_t start, int32_t end,
			 uint64_t data)
{
	struct image_scope scope = { .name = text(name), .start = start, .end = end };

	return image_shared(&world.image, image_scope(&world.image, &scope), script, data);
}

/* leaf in middle in outer, which is the function that was compiled. */
static void build_optimised(void)
{
	struct image *image = &world.image;
	const struct lt_v8_layout *layout = &image->layout;
	struct image_table table = { .n = 0 };
	struct {
		uint64_t position;
		int32_t function, padding;
	} inlining[] = { { image_position(CALL_MIDDLE, -1), 0, 0 },
			 { image_position(CALL_LEAF, 0), 1, 0 } };
	uint64_t literals[] = { world.shared[MIDDLE], world.shared[LEAF] }, deopt[16] = { 0 };

	if (layout->shared_wrapper_type >= 0) {
		uint64_t wrapper = image_object(image, layout->shared_wrapper_type, 32);

		image_put(image, wrapper, 8, world.shared[LEAF]);
		literals[1] = wrapper;
	}
	image_table_add(&table, layout->new_positions, 0, image_position(15, -1));
	image_table_add(&table, layout->new_positions, 64, image_position(CALL_WAIT, 1));
	image_table_add(&table, layout->new_positions, 128, image_position(CALL_LEAF, 0));
	image_table_add(&table, layout->new_positions, 192, image_position(CALL_MIDDLE, -1));
	world.inlining = image_bytes(image, inlining, sizeof(inlining));
	deopt[layout->deopt_inlined_count] = image_smi(2);
	deopt[layout->deopt_literals] = image_array(image, literals, 2);
	deopt[layout->deopt_shared] = world.shared[OUTER];
	deopt[layout->deopt_inlining_positions] = world.inlining;
	world.deopt = image_array(image, deopt, 16);
	world.optimised = image_code(image, layout->code_kind_baseline + 1, 256,
				     image_bytes(image, table.bytes, table.n), world.deopt);
}

static void build_baseline(void)
{
	static const uint8_t bytecodes[] = { 4, 4, 5, 0, 5, 0, 5, 0 }; /* of 1, 1, 2, 2, 2 bytes */
	const bool new_positions = world.image.layout.new_positions;
	struct image *image = &world.image;
	struct image_table positions = { .n = 0 }, table = { .n = 0 };
	uint64_t sizes = image_alloc(image, 3 * 16, 8);

	memset(image_at(image, sizes, 0), 1, 3 * 16);
	*image_at(image, sizes, 5) = 2;
	image->layout.bytecode_sizes = sizes;
	image->layout.bytecode_count = 16;
	image_table_add(&positions, new_positions, 0, image_position(16, -1));
	image_table_add(&positions, new_positions, 4, image_position(CALL_MIDDLE, -1));
	world.bytecodes = image_bytecodes(image, bytecodes, sizeof(bytecodes),
					  image_bytes(image, positions.bytes, positions.n));
	image_put(image, world.shared[OUTER], image->layout.shared_function_data, world.bytecodes);
	image_table_vlq(&table, 16); /* before the first bytecode, then of each */
	for (int i = 0; i < 5; i++)
		image_table_vlq(&table, 16);
	world.baseline = image_code(image, image->layout.code_kind_baseline, 96,
				    image_bytes(image, table.bytes, table.n), 0);
}

static void build(size_t version)
{
	struct image *image = &world.image;
	uint64_t node;

	memset(&world, 0, sizeof(world));
	image_new(image, version, 1 << 20);
	image_alloc(image, 200000, 8); /* there is memory below the code */
	world.script = image_script(image, text("/srv/app.js"), text(SOURCE));
	for (int i = 0; i < FUNCTIONS; i++)
		world.shared[i] = function(functions[i].name, world.script, functions[i].start,
					   functions[i].end, image->undefined);
	node = image_script(image, text("node:internal/process/task_queues"),
			    text("one\ntwo\nthree"));
	world.node_shared = function("processTicksAndRejections", node, 4, 13, image->undefined);
	world.builtin_shared = image_shared(image, text("sort"), image->undefined, image_smi(77));
	build_baseline();
	build_optimised();
	world.v8 = image_resolver(image);
}

static void drop(void)
{
	lt_v8__free(world.v8);
	image_free(&world.image);
}

/* Adds a frame; pc is that of the instruction, in all but the first a return address is behind it. */
static struct lt_raw_frame *add(uint64_t pc, uint64_t shared)
{
	struct lt_raw_frame *frame = &world.raw.frames[world.raw.n_frames];

	frame->pc = world.raw.n_frames ? pc + 1 : pc;
	frame->shared = shared ? shared - 1 : 0;
	frame->context = world.script;
	frame->bytecode_array = 0x1234567;
	frame->bytecode_offset = 0x7654321;
	world.raw.n_frames++;
	return frame;
}

static void add_interpreted(uint64_t shared, uint64_t bytecodes, int offset)
{
	struct lt_raw_frame *frame = add(IMAGE_BLOB + 0x100, shared);

	frame->bytecode_array = bytecodes;
	frame->bytecode_offset = image_smi(offset + world.image.layout.bytecode_array_data - 1);
}

/* One frame of each kind. */
static void add_all(void)
{
	world.raw.n_frames = 0;
	add(IMAGE_BLOB + 0x200, world.builtin_shared);
	add(world.optimised + 70, world.shared[OUTER]);
	add(world.baseline + 70, world.shared[OUTER])->bytecode_array = world.bytecodes;
	add_interpreted(world.shared[OUTER], world.bytecodes, 4);
	add(IMAGE_BLOB + 0x300, world.node_shared);
	add(0x7f0000001000, 0); /* native code that nobody knows */
}

static void expect(const struct lt_v8_stack *stack, const char *expected)
{
	char buf[4096] = "", *p = buf;

	for (size_t i = 0; i < stack->n_frames; i++) {
		const struct lt_stack_frame *frame = &stack->frames[i];

		p += snprintf(p, (size_t)(buf + sizeof(buf) - p), "%s%s %s:%d:%d", i ? ", " : "",
			      frame->function, frame->file ? frame->file : "-", frame->line,
			      frame->column);
	}
	assert_string_equal(buf, expected);
}

static struct lt_v8_stack *resolve(void)
{
	static struct lt_v8_stack stack;
	uint64_t reads = world.image.reads;

	memset(&stack, 0xee, sizeof(stack));
	assert_int_equal(lt_v8__resolve(world.v8, &world.raw, &stack), 0);
	assert_true(world.image.reads - reads <= READS_MAX);
	return &stack;
}

#define INLINED "leaf /srv/app.js:4:3, middle /srv/app.js:2:24, outer /srv/app.js:1:20"
#define NODE	"processTicksAndRejections node:internal/process/task_queues:2:0"

static void test_all(void **state)
{
	(void)state;
	for (size_t version = 0; version < IMAGE_VERSIONS; version++) {
		struct lt_v8_stack *stack;

		build(version);
		add_all();
		for (int i = 0; i < 3; i++) { /* from the memory, and from what is kept */
			stack = resolve();
			expect(stack, "sort -:0:0, " INLINED ", outer /srv/app.js:1:20, "
				      "outer /srv/app.js:1:20, " NODE);
			assert_int_equal(stack->frames[0].type, LT_FRAME_BUILTIN);
			assert_int_equal(stack->frames[1].type, LT_FRAME_JS);
			assert_true(stack->frames[1].user);
			assert_false(stack->frames[6].user);
			assert_int_equal(stack->starvation, LT_STARVED_BY_NEXT_TICK);
		}
		assert_int_equal(lt_v8__stats(world.v8)->stacks, 3);
		assert_int_equal(lt_v8__stats(world.v8)->failed, 0);
		drop();
	}
}

/* An unknown V8: functions and where they begin, nothing that depends on what was not verified. */
static void test_names_only(void **state)
{
	(void)state;
	build(4);
	world.image.layout.level = LT_V8_NAMES;
	add_all();
	world.raw.frames[1].pc =
		0x7f0000002000; /* no code is looked for: it is not known to be JavaScript */
	expect(resolve(), "sort -:0:0, outer /srv/app.js:1:0, outer /srv/app.js:1:0, " NODE);
	drop();
}

static void test_positions(void **state)
{
	(void)state;
	build(5);
	add(world.optimised + 0, world.shared[OUTER]);
	expect(resolve(), "outer /srv/app.js:1:16");
	world.raw.frames[0].pc = world.optimised + 130;
	expect(resolve(), "middle /srv/app.js:2:24, outer /srv/app.js:1:20");
	world.raw.frames[0].pc = world.optimised + 255;
	expect(resolve(), "outer /srv/app.js:1:20");
	world.raw.frames[0].pc = world.optimised + 256; /* behind it: not of this code */
	expect(resolve(), "");
	world.raw.frames[0].pc = world.baseline + 15; /* before the first bytecode */
	world.raw.frames[0].bytecode_array = world.bytecodes;
	expect(resolve(), "outer /srv/app.js:1:0");
	world.raw.frames[0].pc = world.baseline + 17;
	expect(resolve(), "outer /srv/app.js:1:17");
	world.raw.frames[0].pc = world.baseline + 95;
	expect(resolve(), "outer /srv/app.js:1:20");
	drop();
}

/* A frame whose words are not what they should be: the function without its line, or nothing. */
static void test_frames_lie(void **state)
{
	static const int offsets[] = { -2, 8, 9, INT32_MAX / 2, INT32_MIN / 2 };
	struct lt_raw_frame *frame;

	(void)state;
	build(4);
	add_interpreted(world.shared[OUTER], world.bytecodes, 4);
	expect(resolve(), "outer /srv/app.js:1:20");
	frame = &world.raw.frames[0];
	for (size_t i = 0; i < sizeof(offsets) / sizeof(offsets[0]); i++) {
		frame->bytecode_offset =
			image_smi(offsets[i] + world.image.layout.bytecode_array_data - 1);
		expect(resolve(), "outer /srv/app.js:1:0");
	}
	frame->bytecode_offset = image_smi(INT32_MIN);
	expect(resolve(), "outer /srv/app.js:1:0");
	frame->bytecode_offset = world.script;
	expect(resolve(), "outer /srv/app.js:1:0");
	frame->bytecode_offset = image_smi(4 + world.image.layout.bytecode_array_data - 1);
	frame->bytecode_array = world.script;
	expect(resolve(), "outer /srv/app.js:1:0");
	frame->bytecode_array = world.bytecodes;
	/* bytecode of another function: its positions are not in this one */
	frame->shared = world.shared[LEAF] - 1;
	expect(resolve(), "leaf /srv/app.js:3:0");
	frame->shared = world.shared[OUTER] - 1;
	frame->context = 0x24; /* a marker: no function has this frame */
	expect(resolve(), "");
	frame->context = world.script;
	frame->shared = world.script - 1;
	expect(resolve(), "");
	frame->shared = 0xdeadbeef;
	expect(resolve(), "");
	frame->shared = UINT64_MAX;
	expect(resolve(), "");
	frame->shared = world.shared[OUTER] - 1;
	frame->pc = 0x7f0000001000; /* native code may hold by chance what looks like a function */
	frame->bytecode_array = 0;
	expect(resolve(), "");
	frame->pc = 0;
	expect(resolve(), "");
	assert_true(lt_v8__stats(world.v8)->failed > 0);
	world.raw.n_frames = UINT32_MAX;
	resolve();
	world.raw.n_frames = 0;
	world.raw.ip = 0x7f0000001000;
	expect(resolve(), "");
	drop();
}

/* Optimised code whose tables are broken stands for its own function only, without a line. */
static void test_optimised_lies(void **state)
{
	const uint64_t bad[] = { 0, image_smi(-1), image_smi(INT32_MAX), 0xdeadbeef, UINT64_MAX };

	(void)state;
	for (size_t version = 0; version < IMAGE_VERSIONS; version++)
		for (size_t i = 0; i < 4 * sizeof(bad) / sizeof(bad[0]); i++) {
			struct lt_v8_stack *stack;
			int indexes[4];

			build(version);
			indexes[0] = world.image.layout.deopt_inlined_count;
			indexes[1] = world.image.layout.deopt_literals;
			indexes[2] = world.image.layout.deopt_shared;
			indexes[3] = world.image.layout.deopt_inlining_positions;
			image_put(&world.image, world.deopt, 16 + 8 * indexes[i % 4], bad[i / 4]);
			add(world.optimised + 70, world.shared[OUTER]);
			stack = resolve();
			if (i % 4 || bad[i / 4] != image_smi(INT32_MAX))
				expect(stack, "outer /srv/app.js:1:0");
			else
				expect(stack,
				       INLINED); /* more literals than there are: never asked for */
			/* of another function */
			image_put(&world.image, world.deopt, 16 + 8 * indexes[2],
				  world.shared[LEAF]);
			lt_v8__forget(world.v8);
			expect(resolve(), "outer /srv/app.js:1:0");
			drop();
		}
}

static void test_inlining_lies(void **state)
{
	(void)state;
	for (size_t version = 0; version < IMAGE_VERSIONS; version++) {
		build(version);
		add(world.optimised + 70, world.shared[OUTER]);
		/* inlined into itself, for ever */
		image_put(&world.image, world.inlining, 16 + 16, image_position(CALL_LEAF, 1));
		expect(resolve(), "outer /srv/app.js:1:0");
		/* in an entry that is not there */
		image_put(&world.image, world.inlining, 16 + 16, image_position(CALL_LEAF, 2));
		expect(resolve(), "outer /srv/app.js:1:0");
		image_put(&world.image, world.inlining, 16 + 16, image_position(CALL_LEAF, 65533));
		expect(resolve(), "outer /srv/app.js:1:0");
		image_put(&world.image, world.inlining, 16 + 16, image_position(CALL_LEAF, 0));
		expect(resolve(), INLINED);
		/* a function that is no literal, or none */
		image_put_half(&world.image, world.inlining, 16 + 16 + 8, 2);
		expect(resolve(), "outer /srv/app.js:1:0");
		image_put_half(&world.image, world.inlining, 16 + 16 + 8, (uint32_t)-7);
		expect(resolve(), "outer /srv/app.js:1:0");
		/* -1: the function's own */
		image_put_half(&world.image, world.inlining, 16 + 16 + 8, UINT32_MAX);
		expect(resolve(),
		       "outer /srv/app.js:1:0, middle /srv/app.js:2:24, outer /srv/app.js:1:20");
		/* a position outside of the function that is said to be there */
		image_put_half(&world.image, world.inlining, 16 + 16 + 8, 1);
		image_put(&world.image, world.inlining, 16, image_position(CALL_WAIT, -1));
		expect(resolve(),
		       "leaf /srv/app.js:4:3, middle /srv/app.js:2:24, outer /srv/app.js:1:0");
		drop();
	}
}

/* What a stack may say when something failed: these functions, each at its line or without one. */
static void check_true(const struct lt_v8_stack *stack)
{
	for (size_t i = 0; i < stack->n_frames; i++) {
		const struct lt_stack_frame *frame = &stack->frames[i];
		int at = 0;

		if (!strcmp(frame->function, "sort")) {
			assert_null(frame->file);
			continue;
		}
		if (!strcmp(frame->function, "processTicksAndRejections")) {
			assert_true(frame->line == 0 || frame->line == 2);
			continue;
		}
		while (at < FUNCTIONS && strcmp(frame->function, functions[at].name) != 0)
			at++;
		assert_true(at < FUNCTIONS);
		assert_true(!frame->file || !strcmp(frame->file, "/srv/app.js"));
		if (!frame->line)
			assert_int_equal(frame->column, 0);
		else if (!frame->column)
			assert_int_equal(frame->line, functions[at].line);
		else
			assert_int_equal(frame->line * 100 + frame->column, at == OUTER	   ? 120
									    : at == MIDDLE ? 224
											   : 403);
	}
}

/* What is told of a function is true, or it is not told. */
static void check_function(int which)
{
	struct lt_stack_frame frame;

	memset(&frame, 0xee, sizeof(frame));
	if (lt_v8__function(world.v8, world.shared[which] - 1, &frame))
		return;
	assert_string_equal(frame.function, functions[which].name);
	assert_true(!frame.file || !strcmp(frame.file, "/srv/app.js"));
	assert_true(!frame.line || frame.line == functions[which].line);
}

static void test_function(void **state)
{
	struct lt_stack_frame frame;

	(void)state;
	for (size_t version = 0; version < IMAGE_VERSIONS; version++) {
		build(version);
		for (int i = 0; i < 2 * FUNCTIONS; i++) { /* from the memory, and from what is kept */
			int which = i % FUNCTIONS;

			assert_int_equal(lt_v8__function(world.v8, world.shared[which] - 1, &frame), 0);
			assert_string_equal(frame.function, functions[which].name);
			assert_string_equal(frame.file, "/srv/app.js");
			assert_int_equal(frame.line, functions[which].line);
			assert_true(frame.user && frame.column > 0 && !frame.original_file);
		}
		assert_int_equal(lt_v8__function(world.v8, world.node_shared - 1, &frame), 0);
		assert_false(frame.user);
		assert_int_equal(lt_v8__stats(world.v8)->failed, 0);
		/* A builtin is never deoptimised; a script is no function; nor is what is not there. */
		assert_true(lt_v8__function(world.v8, world.builtin_shared - 1, &frame) < 0);
		assert_true(lt_v8__function(world.v8, world.script - 1, &frame) < 0);
		assert_true(lt_v8__function(world.v8, 0x7f0000001000, &frame) < 0);
		drop();
	}
}

static void test_function_reads_fail(void **state)
{
	(void)state;
	for (size_t i = 0; i < 2 * IMAGE_VERSIONS; i++) {
		uint64_t n = 0;

		build(i / 2);
		world.image.fail_err = -EFAULT;
		world.image.fail_once = i % 2;
		do {
			lt_v8__forget(world.v8);
			world.image.fail_at = world.image.reads + ++n;
			check_function((int)n % FUNCTIONS);
			check_function((int)n % FUNCTIONS);
		} while (world.image.reads >= world.image.fail_at && n < 2000);
		assert_in_range(n, 8, 1999);
		drop();
	}
}

static void test_reads_fail(void **state)
{
	(void)state;
	for (size_t i = 0; i < 2 * IMAGE_VERSIONS; i++) {
		uint64_t n = 0;

		build(i / 2);
		add_all();
		world.image.fail_err = -EFAULT;
		world.image.fail_once = i % 2;
		do {
			lt_v8__forget(world.v8);
			world.image.fail_at = world.image.reads + ++n;
			check_true(resolve());
			/* and again with what was kept */
			check_true(resolve());
		} while (world.image.reads >= world.image.fail_at && n < 2000);
		assert_in_range(n, 60, 1999);
		drop();
	}
}

struct erasing {
	uint64_t at_read;
	uint8_t pattern;
};

static void erase_now(struct image *image, uint64_t address, size_t length)
{
	struct erasing *erasing = image->ctx;

	(void)address;
	(void)length;
	if (image->reads == erasing->at_read)
		memset(image->bytes, erasing->pattern, image->used);
}

/* Between any two reads the whole memory becomes something else. */
static void test_erased(void **state)
{
	static const uint8_t patterns[] = { 0, 1, 'A', 0x80, 0xff };
	unsigned n_erased = 0;

	(void)state;
	build(6);
	add_all();
	for (uint64_t n = 1; n < 200; n++) {
		struct erasing erasing = { .at_read = n, .pattern = patterns[n % 5] };
		struct image whole = world.image;

		world.image.bytes = malloc(whole.size);
		memcpy(world.image.bytes, whole.bytes, whole.size);
		world.image.reads = 0;
		world.image.before_read = erase_now;
		world.image.ctx = &erasing;
		lt_v8__forget(world.v8);
		check_true(resolve());
		n_erased += world.image.reads >= n;
		check_true(resolve());
		free(world.image.bytes);
		world.image.bytes = whole.bytes;
	}
	assert_in_range(n_erased, 60, 198);
	drop();
}

/* A table of positions is moved between two reads, and another function's gets its place. */
static void check_moving(uint64_t holder, int offset)
{
	struct image *image = &world.image;
	struct image_table table = { .n = 0 };
	struct move move = { .size = 48, .holder = holder, .offset = offset };
	uint8_t saved[48];

	for (int i = 0; i < 12; i++) /* of any offset: another place in the function */
		image_table_add(&table, image->layout.new_positions, 20 * i,
				image_position(16 + i % 2, -1));
	memcpy(&move.to, image_at(image, holder, (size_t)offset), 8);
	memcpy(saved, image_at(image, move.to, 0), 48);
	move.from = image_bytes(image, table.bytes, table.n);
	move.copy = image_bytes(image, table.bytes, 40);
	memcpy(image_at(image, move.copy, 0), saved, 48);
	image->before_read = move_now;
	image->ctx = &move;
	for (uint64_t n = 1; n < 300; n++) {
		lt_v8__forget(world.v8);
		move.at_read = image->reads + n;
		check_true(resolve());
		memcpy(image_at(image, move.to, 0), saved, 48);
		image_put(image, holder, offset, move.to);
	}
	image->before_read = NULL;
}

static void test_moving(void **state)
{
	(void)state;
	for (size_t version = 0; version < IMAGE_VERSIONS; version++) {
		const struct lt_v8_layout *layout = &world.image.layout;
		uint64_t codes[2], code;

		build(version);
		add_all();
		codes[0] = world.baseline;
		codes[1] = world.optimised;
		check_moving(world.bytecodes, layout->bytecode_array_positions);
		for (int i = 0; i < 2; i++) {
			uint64_t stream = codes[i] - (uint64_t)layout->code_header;

			code = stream + 1;
			if (layout->code_instruction_start >= 0)
				memcpy(&code, image_at(&world.image, stream, 8), 8);
			check_moving(code, layout->code_positions);
		}
		check_moving(world.deopt, 16 + 8 * layout->deopt_inlining_positions);
		drop();
	}
}

/* The process ends while its stack is read. */
static void test_gone(void **state)
{
	static const int errs[] = { -ESRCH, -EPERM };
	static struct lt_v8_stack stack;

	(void)state;
	build(4);
	add_all();
	for (size_t i = 0; i < 2; i++)
		for (uint64_t n = 1; n < 100; n += 7) {
			uint64_t fail_at = world.image.reads + n;

			lt_v8__forget(world.v8);
			world.image.fail_err = errs[i];
			world.image.fail_at = fail_at;
			if (lt_v8__resolve(world.v8, &world.raw, &stack))
				assert_int_equal(world.image.reads, fail_at);
			else
				assert_true(world.image.reads < fail_at);
			check_true(&stack);
		}
	world.image.fail_at = 0;
	check_true(resolve());
	drop();
}

/* All frames at code that is looked for in vain: the cost is bounded. */
static void test_cost(void **state)
{
	struct image *image = &world.image;
	uint64_t bytes_read, low;

	(void)state;
	build(4);
	low = image_alloc(image, 600000, 4096);
	for (uint64_t at = 0; at + 8 < 600000; at += 8)
		image_put(image, low + at, 0,
			  image_map(image, image->layout.script_type) + 64 * (at / 8 % 512));
	for (int i = 0; i < LT_STACK_FRAMES_MAX; i++)
		add(low + 500000 + 128u * (unsigned)i, world.shared[OUTER]);
	bytes_read = image->bytes_read;
	resolve();
	assert_true(image->bytes_read - bytes_read < 200u << 20);
	drop();
}

static void test_starvation(void **state)
{
	(void)state;
	build(4);
	add_interpreted(world.shared[OUTER], world.bytecodes, 4);
	assert_int_equal(resolve()->starvation, LT_STARVED_NOT);
	add(IMAGE_BLOB + 0x400, 0)->context = 1 << 1; /* C++ called it: as it does for microtasks */
	add(IMAGE_BLOB + 0x300, world.node_shared);
	assert_int_equal(resolve()->starvation, LT_STARVED_BY_MICROTASKS);
	world.raw.frames[1].context = 0x24;
	assert_int_equal(resolve()->starvation, LT_STARVED_BY_NEXT_TICK);
	world.raw.frames[0].shared = world.builtin_shared - 1; /* nobody's callback */
	assert_int_equal(resolve()->starvation, LT_STARVED_NOT);
	drop();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all),
		cmocka_unit_test(test_names_only),
		cmocka_unit_test(test_function),
		cmocka_unit_test(test_function_reads_fail),
		cmocka_unit_test(test_positions),
		cmocka_unit_test(test_frames_lie),
		cmocka_unit_test(test_optimised_lies),
		cmocka_unit_test(test_inlining_lies),
		cmocka_unit_test(test_reads_fail),
		cmocka_unit_test(test_erased),
		cmocka_unit_test(test_moving),
		cmocka_unit_test(test_gone),
		cmocka_unit_test(test_cost),
		cmocka_unit_test(test_starvation),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
