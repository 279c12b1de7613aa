/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/*
 * The stack of a thread that sleeps below JavaScript, by its memory alone: of a heap that the test builds,
 * and of real Node processes of each major version that are blocked at a known place. With LT_RECORD=DIR
 * what was read of those is written there as node-MAJOR.rec, for v8_fuzz.c.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "agent/target/elf.h"
#include "agent/target/memory.h"
#include "tests/unit/node_binary.h"
#include "tests/unit/v8_image.h"
#include "tests/unit/v8_recording.h"

#define STACK_JS      "tests/unit/data/v8/stack.js"
#define READY_SECONDS 120
#define TCB_TID	      0x2d0 /* of glibc's thread descriptor, from the thread pointer on */

/* --- frames that are built ------------------------------------------------------------------------ */

#define STACK_BYTES 8192

struct world {
	struct image image;
	struct lt_v8 *v8;
	uint64_t isolate, stack, function, shared, script;
};

static struct world world;

static int build(void **state)
{
	struct image *image = &world.image;
	struct image_scope scope = { .start = 0, .end = 4 };

	(void)state;
	image_new(image, 4, 1 << 20);
	scope.name = image_string(image, "f");
	world.script =
		image_script(image, image_string(image, "/srv/a.js"), image_string(image, "f();"));
	world.shared =
		image_shared(image, image_scope(image, &scope), world.script, image->undefined);
	world.function = image_function(image, world.shared);
	world.isolate = image_alloc(image, 4096, 8);
	world.stack = image_alloc(image, STACK_BYTES, 16);
	world.v8 = image_resolver(image);
	return 0;
}

static int drop(void **state)
{
	(void)state;
	lt_v8__free(world.v8);
	image_free(&world.image);
	return 0;
}

static void set_c_entry(uint64_t fp)
{
	image_put(&world.image, world.isolate, world.image.layout.c_entry_fp, fp);
}

/* A frame at an offset of the stack; context: also a marker. */
static uint64_t frame(uint64_t at, uint64_t caller, uint64_t pc, uint64_t context,
		      uint64_t function)
{
	uint64_t fp = world.stack + at;

	image_put(&world.image, fp, -40, image_smi(60));
	image_put(&world.image, fp, -16, function);
	image_put(&world.image, fp, -8, context);
	image_put(&world.image, fp, 0, caller ? world.stack + caller : 0);
	image_put(&world.image, fp, 8, pc);
	return fp;
}

static int walk(struct lt_raw_stack *raw)
{
	memset(raw, 0xee, sizeof(*raw));
	return lt_v8__walk(world.v8, world.isolate, 0x1111, raw);
}

static void test_chain(void **state)
{
	struct lt_raw_stack raw;

	(void)state;
	set_c_entry(frame(512, 1024, 0x2222, 6, 0)); /* the exit frame */
	frame(1024, 1536, 0x3333, world.script, world.function);
	frame(1536, 2048, 0x4444, world.script, world.function);
	frame(2048, 0, 0x5555, 0x24, 0);
	assert_int_equal(walk(&raw), 0);
	assert_int_equal(raw.n_frames, 5);
	assert_int_equal(raw.frames[0].pc, 0x1111);
	assert_int_equal(raw.frames[1].pc, 0);
	assert_int_equal(raw.frames[1].flags, LT_FRAME_RESUMED);
	assert_int_equal(raw.frames[1].shared, 0);
	assert_int_equal(raw.frames[2].pc, 0x2222);
	assert_int_equal(raw.frames[2].shared, world.shared - 1);
	assert_int_equal(raw.frames[2].bytecode_offset, image_smi(60));
	assert_int_equal(raw.frames[3].shared, world.shared - 1);
	assert_int_equal(raw.frames[4].pc, 0x4444);
	assert_int_equal(raw.frames[4].context, 0x24);
}

/* JavaScript, C++ without frame pointers, JavaScript again. */
static void test_resumed(void **state)
{
	struct lt_raw_stack raw;
	uint64_t entry;

	(void)state;
	set_c_entry(frame(512, 1024, 0x2222, 6, 0));
	entry = frame(1024, 1536, 0x3333, 2, 0); /* C++ called it, … */
	image_put(&world.image, entry, -64, world.stack + 2048); /* … called from there */
	image_put(&world.image, world.stack + 1536, 0, 0xdeadbeef); /* no frame */
	image_put(&world.image, world.stack + 1536, 8, 0x7777);
	frame(2048, 2560, 0x4444, 6, 0);
	frame(2560, 0, 0x5555, world.script, world.function);
	assert_int_equal(walk(&raw), 0);
	assert_int_equal(raw.frames[raw.n_frames - 2].fp, world.stack + 2048);
	assert_int_equal(raw.frames[raw.n_frames - 2].flags, LT_FRAME_RESUMED);
	assert_int_equal(raw.frames[raw.n_frames - 1].shared, world.shared - 1);
	/* behind itself: not followed */
	image_put(&world.image, entry, -64, world.stack + 512);
	assert_int_equal(walk(&raw), -ENOENT);
}

static void test_broken(void **state)
{
	static const uint64_t fps[] = {
		1, 8, 39, 40, 0xdeadbeef, UINT64_MAX, UINT64_MAX - 7, 1ull << 47, IMAGE_BASE
	};
	struct lt_raw_stack raw;
	uint64_t fp;

	(void)state;
	set_c_entry(0);
	assert_int_equal(walk(&raw), -ENOENT);
	for (size_t i = 0; i < sizeof(fps) / sizeof(fps[0]); i++) {
		set_c_entry(fps[i]);
		assert_true(walk(&raw) < 0);
	}
	fp = frame(512, 512, 0x2222, world.script, world.function); /* its own caller */
	set_c_entry(fp);
	assert_int_equal(walk(&raw), 0);
	assert_int_equal(raw.n_frames, 2);
	frame(512, 1024, 0x2222, world.script, world.function);
	frame(1024, 512, 0x2222, world.script, world.function); /* back again */
	assert_int_equal(walk(&raw), 0);
	assert_int_equal(raw.n_frames, 3);
	/* more frames than any record has */
	for (uint64_t at = 512; at + 128 < STACK_BYTES; at += 64)
		frame(at, at + 64, 0x2222, world.script, world.function);
	assert_int_equal(walk(&raw), 0);
	assert_int_equal(raw.n_frames, LT_STACK_FRAMES_MAX);
	assert_int_equal(lt_v8__walk(world.v8, 0, 0, &raw), -ENOENT);
	assert_int_equal(lt_v8__walk(world.v8, 0xdeadbeef, 0, &raw), -EFAULT);
	assert_int_equal(lt_v8__walk(world.v8, UINT64_MAX - 8, 0, &raw), -EFAULT);
	world.image.layout.c_entry_fp = LT_V8_UNKNOWN;
	assert_int_equal(walk(&raw), -ENOENT);
}

static void test_gone(void **state)
{
	struct lt_raw_stack raw;

	(void)state;
	set_c_entry(frame(512, 1024, 0x2222, 6, 0));
	frame(1024, 0, 0x3333, world.script, world.function);
	world.image.fail_err = -ESRCH;
	for (uint64_t n = 1; n < 10; n++) {
		uint64_t reads = world.image.reads;

		lt_v8__forget(world.v8);
		world.image.fail_at = reads + n;
		if (walk(&raw) != -ESRCH)
			assert_true(n > 4);
		assert_true(world.image.reads - reads <= n);
	}
}

/* --- real ones ------------------------------------------------------------------------------------ */

struct node {
	pid_t pid;
	int out;
	char dir[64], script[80]; /* a copy, for no recording is to tell where this was built */
	struct lt_v8_layout layout;
	uint64_t isolate;
};

static int read_process(void *ctx, uint64_t address, void *buf, size_t length)
{
	struct lt_source source = lt_process_memory(((const struct node *)ctx)->pid);

	return lt_source_read(&source, address, buf, length);
}

static void copy_script(struct node *node)
{
	char text[8192];
	FILE *from = fopen(STACK_JS, "re"), *to;
	size_t n;

	snprintf(node->dir, sizeof(node->dir), "/tmp/looptop-walk-XXXXXX");
	assert_non_null(mkdtemp(node->dir));
	snprintf(node->script, sizeof(node->script), "%s/stack.js", node->dir);
	to = fopen(node->script, "we");
	assert_true(from && to);
	n = fread(text, 1, sizeof(text), from);
	assert_in_range(n, 1, sizeof(text) - 1);
	assert_int_equal(fwrite(text, 1, n, to), n);
	fclose(from);
	fclose(to);
}

static void start(struct node *node, int fd)
{
	char link[64], name[] = "node";
	char *const argv[] = { name, node->script, NULL };
	int out[2];

	copy_script(node);
	assert_int_equal(pipe2(out, O_CLOEXEC), 0);
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	node->pid = fork();
	assert_true(node->pid >= 0);
	if (!node->pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		dup2(out[1], 1);
		execv(link, argv);
		_exit(127);
	}
	close(out[1]);
	node->out = out[0];
}

static void end(struct node *node)
{
	kill(node->pid, SIGKILL);
	assert_int_equal(waitpid(node->pid, NULL, 0), node->pid);
	close(node->out);
	assert_int_equal(unlink(node->script), 0);
	assert_int_equal(rmdir(node->dir), 0);
}

/* The thread pointer of the main thread, if it is in a piece of memory. */
static uint64_t find_tcb(const struct node *node, uint64_t begin, uint64_t end)
{
	const size_t step = 1 << 20;
	uint8_t *block = malloc(step);
	uint64_t found = 0;

	for (uint64_t at = begin; at < end && !found; at += step) {
		size_t n = end - at < step ? end - at : step;

		if (read_process((void *)node, at, block, n))
			continue;
		for (size_t i = 0; i + TCB_TID + 4 <= n && !found; i += 64)
			if (lt_word(block, i) == at + i && lt_word(block, i + 16) == at + i &&
			    lt_half(block, i + TCB_TID) == (uint32_t)node->pid)
				found = at + i;
	}
	free(block);
	return found;
}

/* The isolate of the main thread: where its thread-local pointer is. */
static uint64_t find_isolate(const struct node *node)
{
	int32_t tls = node->layout.isolate_tls, key;
	uint64_t tcb = 0, isolate = 0;
	char path[64], line[512];
	FILE *maps;

	if (node->layout.isolate_key &&
	    !read_process((void *)node, node->layout.isolate_key, &key, sizeof(key)))
		tls = lt_v8_layout__key_tls(key);
	snprintf(path, sizeof(path), "/proc/%d/maps", node->pid);
	maps = fopen(path, "re");
	assert_non_null(maps);
	while (!tcb && fgets(line, sizeof(line), maps)) {
		unsigned long begin, stop;
		char access[8];

		if (sscanf(line, "%lx-%lx %7s", &begin, &stop, access) == 3 &&
		    !strncmp(access, "rw", 2))
			tcb = find_tcb(node, begin, stop);
	}
	fclose(maps);
	assert_true(tcb != 0 && tls != LT_V8_UNKNOWN);
	assert_int_equal(read_process((void *)node, tcb + (uint64_t)(int64_t)tls, &isolate, 8), 0);
	return isolate;
}

static bool is_on_stack(const struct lt_raw_stack *raw, uint64_t begin, uint64_t stop)
{
	for (size_t i = 0; i < raw->n_frames; i++)
		if (raw->frames[i].pc >= begin && raw->frames[i].pc < stop)
			return true;
	return false;
}

/* V8 may map the builtins a second time, beside the code that it makes, and use only those. */
static void find_blob(struct node *node, const struct lt_raw_stack *raw)
{
	char path[64], line[512];
	FILE *maps;

	if (is_on_stack(raw, node->layout.blob_begin, node->layout.blob_end))
		return;
	snprintf(path, sizeof(path), "/proc/%d/maps", node->pid);
	maps = fopen(path, "re");
	assert_non_null(maps);
	while (fgets(line, sizeof(line), maps)) {
		unsigned long begin, stop;
		char access[8], file[256];

		if (sscanf(line, "%lx-%lx %7s %*s %*s %*s %255s", &begin, &stop, access, file) ==
			    4 &&
		    begin > UINT32_MAX && !strcmp(access, "r-xp") && strlen(file) > 5 &&
		    !strcmp(file + strlen(file) - 5, "/node") && is_on_stack(raw, begin, stop)) {
			node->layout.blob_begin = begin;
			node->layout.blob_end = stop;
		}
	}
	fclose(maps);
}

/* The line of a mark in the script. */
static int line_of(const char *mark)
{
	char text[512], whole[128];
	FILE *file = fopen(STACK_JS, "re");
	int line = 1;

	assert_non_null(file);
	snprintf(whole, sizeof(whole), "// mark:%s\n", mark);
	while (fgets(text, sizeof(text), file)) {
		const char *found = strstr(text, whole);

		if (found && !strcmp(found, whole)) {
			fclose(file);
			return line;
		}
		line++;
	}
	fclose(file);
	fail_msg("no mark %s", mark);
	return 0;
}

/* The user's functions, all of them and in order, each at its line; around them only Node's own. */
static void check_stack(const struct lt_v8_stack *stack, const char *script)
{
	static const char *const functions[] = {
		"waitHere",  "leaf",	  "middle", "hotLoop", "M.proto.assigned", "größe𝒳",
		"evaluated", "get summe", "prüfe",  "",	       "sortAll",	   "onTimer"
	};
	const size_t n_functions = sizeof(functions) / sizeof(functions[0]);
	size_t n = 0;

	for (size_t i = 0; i < stack->n_frames; i++) {
		const struct lt_stack_frame *frame = &stack->frames[i];
		const char *expected = n < n_functions ? functions[n] : "nothing";

		if (frame->type != LT_FRAME_JS || !frame->user)
			continue;
		n++;
		assert_true(frame->column > 0);
		if (!strcmp(expected, "evaluated")) {
			assert_string_equal(frame->function, "evaluated");
			assert_int_equal(strncmp(frame->file, "eval in ", 8), 0);
			assert_int_equal(frame->line, 1);
			continue;
		}
		assert_string_equal(frame->file, script);
		if (!*expected) {
			assert_string_equal(frame->function, "(anonymous)");
			expected = "sortAll"; /* in its line */
		} else {
			assert_string_equal(frame->function, expected);
		}
		assert_int_equal(frame->line, line_of(expected));
	}
	assert_int_equal(n, n_functions);
}

/* Waits until it sleeps where it is to sleep; finds the isolate on the way. */
static void await(struct node *node, struct lt_v8 *v8, struct lt_v8_stack *stack)
{
	time_t end_time = time(NULL) + READY_SECONDS;
	struct lt_raw_stack raw;
	char ready[16] = "";

	assert_true(read(node->out, ready, sizeof(ready)) > 0);
	assert_int_equal(strncmp(ready, "ready", 5), 0);
	node->isolate = find_isolate(node);
	do {
		const struct timespec pause = { 0, 20000000 };

		nanosleep(&pause, NULL);
		lt_v8__forget(v8);
		if (!lt_v8__walk(v8, node->isolate, 0, &raw) && !lt_v8__resolve(v8, &raw, stack))
			for (size_t i = 0; i < stack->n_frames; i++)
				if (!strcmp(stack->frames[i].function, "waitHere")) {
					find_blob(node, &raw);
					return;
				}
	} while (time(NULL) < end_time);
	fail_msg("it does not come to its place");
}

static void record(const struct node *node, int major, struct recording *recording)
{
	const char *dir = getenv("LT_RECORD");
	const struct lt_v8_layout *layout = &node->layout;
	char path[512];

	if (!dir)
		return;
	recording->head.major = layout->major;
	recording->head.minor = layout->minor;
	recording->head.new_positions = layout->new_positions;
	recording->head.c_entry_fp = layout->c_entry_fp;
	recording->head.blob_begin = layout->blob_begin;
	recording->head.blob_end = layout->blob_end;
	recording->head.bytecode_sizes = layout->bytecode_sizes;
	recording->head.bytecode_count = layout->bytecode_count;
	recording->head.isolate = node->isolate;
	snprintf(path, sizeof(path), "%s/node-%d.rec", dir, major);
	assert_int_equal(recording_save(recording, path), 0);
}

/* Starts a Node of a major version with the script. */
static void start_major(struct node *node, int major)
{
	struct lt_elf *elf;
	char path[512];
	int fd = node_binary(major, path, sizeof(path));

	assert_int_equal(lt_elf__open(fd, &elf), 0);
	lt_v8_layout__read(elf, &node->layout);
	lt_elf__close(elf);
	assert_int_equal(node->layout.level, LT_V8_LINES);
	start(node, fd);
	close(fd);
}

static struct lt_v8 *resolver(struct node *node, struct lt_v8_memory memory)
{
	struct lt_v8_opts opts = { .pid = node->pid, .layout = &node->layout, .memory = memory };
	struct lt_v8 *v8 = lt_v8__new(&opts);

	assert_non_null(v8);
	return v8;
}

static void test_node(void **state)
{
	const int major = *(const int *)*state;
	struct recording *recording;
	struct lt_v8_stack *stack;
	struct node node = { 0 };
	struct lt_raw_stack raw;
	struct lt_v8 *v8;

	start_major(&node, major);
	stack = calloc(1, sizeof(*stack));
	recording = calloc(1, sizeof(*recording));
	assert_true(stack && recording);
	recording->source = (struct lt_v8_memory){ read_process, &node };
	v8 = resolver(&node, recording->source);
	await(&node, v8, stack);
	lt_v8__free(v8);
	v8 = resolver(&node, (struct lt_v8_memory){ recording_read_through, recording });
	assert_int_equal(lt_v8__walk(v8, node.isolate, 0, &raw), 0);
	assert_int_equal(lt_v8__resolve(v8, &raw, stack), 0);
	check_stack(stack, node.script);
	assert_int_equal(lt_v8__stats(v8)->failed, 0);
	record(&node, major, recording);
	end(&node);
	lt_v8__free(v8);
	recording_free(recording);
	free(recording);
	free(stack);
}

int main(void)
{
#define BUILT(name) cmocka_unit_test_setup_teardown(test_##name, build, drop)
	const struct CMUnitTest tests[] = {
		BUILT(chain),
		BUILT(resumed),
		BUILT(broken),
		BUILT(gone),
		NODE_TESTS("node", test_node, node_majors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
