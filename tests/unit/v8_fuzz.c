/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/*
 * The resolver on recorded memory of real Node processes that is broken in thousands of ways, before it is
 * read and while it is. Whatever it reads, it ends soon, and each name that it tells is a string that was
 * there. The seed is fixed: a failure comes again.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <unistd.h>

#include <cmocka.h>

#include "agent/util/fmt.h"
#include "agent/v8/heap.h"
#include "tests/unit/node_binary.h"
#include "tests/unit/random.h"
#include "tests/unit/v8_recording.h"

#define ITERATIONS    1000 /* of each recording */
#define READS_MAX     6000 /* for one stack, as in heap.c */
#define BYTES_MAX     (192u << 20)
#define SECONDS_MAX   600 /* for all, so that what has no end has one; with sanitizers it takes ten */
#define TOUCHED_MAX   8192
#define OBJECT_BYTES  256 /* reads up to this size are of objects, longer ones of code and text */
#define CHANGES_MAX   12
#define CHANGED_BYTES 64
#define NAME_BYTES    256 /* that are told, at most */
#define STRING_LENGTH 12 /* in an object */
#define STRING_CHARS  16
#define STRING_BYTES  32

struct change {
	size_t at;
	uint8_t old[CHANGED_BYTES];
};

struct fuzz {
	struct recording recording;
	uint64_t offsets[RECORDING_RANGES_MAX]; /* of each range in the bytes */
	struct lt_v8_layout layout;
	uint8_t *bytes; /* what the reader gives */
	uint8_t *
		before; /* what it was before it changed, if it did since the caches were emptied */
	bool two_states;
	struct lt_raw_stack raw; /* as it was in the process */
	struct lt_v8_stack good;
	struct {
		uint64_t address;
		size_t length;
	} touched[TOUCHED_MAX]; /* what was read in turn */
	size_t n_touched;
	bool recording_reads;
	struct change changes[CHANGES_MAX];
	size_t n_changes;
	uint64_t seed;
	/* Of one call: */
	uint64_t reads, bytes_read, fail_at, change_at;
	int fail_err;
	bool fail_once;
};

static struct fuzz fuzz;

static uint64_t draw(uint64_t n)
{
	return (next_random(&fuzz.seed) >> 11) % n;
}

/* --- memory ------------------------------------------------------------------------------------------ */

/* Where a range of memory is in the bytes, -1: nowhere. */
static int64_t find(uint64_t address, size_t length)
{
	const struct recording_range *ranges = fuzz.recording.ranges;
	size_t low = 0, high = fuzz.recording.head.n_ranges;

	while (low < high) { /* the first that begins behind the address */
		size_t middle = low + (high - low) / 2;

		if (ranges[middle].address <= address)
			low = middle + 1;
		else
			high = middle;
	}
	if (!low || address - ranges[low - 1].address > ranges[low - 1].length ||
	    length > ranges[low - 1].length - (address - ranges[low - 1].address))
		return -1;
	return (int64_t)(fuzz.offsets[low - 1] + (address - ranges[low - 1].address));
}

static void change_some(void);

static int read_memory(void *ctx, uint64_t address, void *buf, size_t length)
{
	int64_t at = find(address, length);

	(void)ctx;
	fuzz.reads++;
	fuzz.bytes_read += length;
	if (fuzz.reads == fuzz.change_at) {
		memcpy(fuzz.before, fuzz.bytes, fuzz.recording.head.n_bytes);
		fuzz.two_states = true;
		change_some();
	}
	if (fuzz.reads == fuzz.fail_at ||
	    (fuzz.reads > fuzz.fail_at && fuzz.fail_at && !fuzz.fail_once))
		return fuzz.fail_err;
	if (at < 0)
		return -EFAULT;
	if (fuzz.recording_reads && fuzz.n_touched < TOUCHED_MAX) {
		fuzz.touched[fuzz.n_touched].address = address;
		fuzz.touched[fuzz.n_touched++].length = length;
	}
	memcpy(buf, fuzz.bytes + at, length);
	return 0;
}

/* --- what is done to it -------------------------------------------------------------------------------- */

/* A place that is read, most often in an object: its address too. */
static size_t draw_place(uint64_t *ret_object)
{
	size_t i = draw(fuzz.n_touched), tries = 0;
	uint64_t at;

	while (fuzz.touched[i].length > OBJECT_BYTES && tries++ < 8)
		i = draw(fuzz.n_touched);
	*ret_object = fuzz.touched[i].address;
	at = (uint64_t)find(*ret_object, fuzz.touched[i].length) + draw(fuzz.touched[i].length);
	return at > fuzz.recording.head.n_bytes - CHANGED_BYTES
		       ? fuzz.recording.head.n_bytes - CHANGED_BYTES
		       : at;
}

static uint64_t draw_word(uint64_t object)
{
	const uint64_t extremes[] = { 0,
				      1,
				      UINT64_MAX,
				      1ull << 47 | 1,
				      0x7fffffffull << 32,
				      0xffffffffull << 32,
				      1ull << 32,
				      0x80000000ull << 32,
				      0x20000000ull << 32,
				      0x40000000ull << 32,
				      0x1fffffffull << 32,
				      object + 1,
				      object,
				      fuzz.recording.head.isolate,
				      0x4141414141414141 };
	uint64_t other;
	size_t at;

	switch (draw(3)) {
	case 0:
		return extremes[draw(sizeof(extremes) / sizeof(extremes[0]))];
	case 1: /* some object of the heap */
		draw_place(&other);
		return other + 1;
	default: /* some word of an object */
		at = draw_place(&other);
		return lt_word(fuzz.bytes, at & ~7ul);
	}
}

static void change_one(struct change *change)
{
	uint64_t object, word;
	size_t at = draw_place(&object), length;
	/* words are aligned in memory, the ranges begin with an object's first */
	size_t aligned = at - (size_t)((at - (size_t)find(object, 1)) % 8);

	change->at = aligned;
	memcpy(change->old, fuzz.bytes + aligned, CHANGED_BYTES);
	switch (draw(8)) {
	case 0:
		fuzz.bytes[at] ^= (uint8_t)(1 << draw(8));
		break;
	case 1:
		fuzz.bytes[at] = (uint8_t)draw(256);
		break;
	case 2:
		length = 8 * (1 + draw(CHANGED_BYTES / 8));
		memset(fuzz.bytes + aligned, draw(2) ? 0 : (int)draw(256), length);
		break;
	case 3: /* nearly the right object */
		word = lt_word(fuzz.bytes, aligned) + (draw(2) ? 8 : (uint64_t)-8);
		memcpy(fuzz.bytes + aligned, &word, sizeof(word));
		break;
	case 4: /* a length */
		word = draw_word(object) >> 32;
		memcpy(fuzz.bytes + aligned + 4, &word, 4);
		break;
	default:
		word = draw_word(object);
		memcpy(fuzz.bytes + aligned, &word, sizeof(word));
	}
}

static void change_some(void)
{
	size_t n = 1 + draw(CHANGES_MAX / 2);

	for (size_t i = 0; i < n && fuzz.n_changes < CHANGES_MAX; i++)
		change_one(&fuzz.changes[fuzz.n_changes++]);
}

static void undo(void)
{
	while (fuzz.n_changes) {
		const struct change *change = &fuzz.changes[--fuzz.n_changes];

		memcpy(fuzz.bytes + change->at, change->old, CHANGED_BYTES);
	}
}

static void break_frames(struct lt_raw_stack *raw)
{
	for (uint64_t n = draw(4); n; n--) {
		struct lt_raw_frame *frame = &raw->frames[draw(raw->n_frames ? raw->n_frames : 1)];
		uint64_t *words = (uint64_t *)(void *)frame, object;

		draw_place(&object);
		words[draw(sizeof(*frame) / sizeof(*words))] = draw_word(object);
		if (!draw(8))
			frame->pc += draw(4096);
	}
	if (!draw(64))
		raw->n_frames = (uint32_t)draw(UINT32_MAX);
}

static void draw_failures(void)
{
	static const int errs[] = { -EFAULT, -EFAULT, -EIO, -ESRCH, -EPERM };

	fuzz.fail_at = draw(4) ? 0 : 1 + draw(600);
	fuzz.fail_err = errs[draw(5)];
	fuzz.fail_once = draw(2);
	fuzz.change_at = draw(4) ? 0 : 1 + draw(600);
}

/* --- what must hold ------------------------------------------------------------------------------------- */

#define UNIT_TEXT 14

/* Each UTF-16 unit as it is shown; and of surrogates the replacement character. */
static char shown[65536][UNIT_TEXT];

static void show(uint32_t c, char *buf)
{
	char text[5] = "?";

	if (c >= 0xd800 && c < 0xe000)
		c = 0xfffd;
	if (c >= 0x10000)
		snprintf(text, sizeof(text), "%c%c%c%c", (int)(0xf0 | c >> 18),
			 (int)(0x80 | (c >> 12 & 63)), (int)(0x80 | (c >> 6 & 63)),
			 (int)(0x80 | (c & 63)));
	else if (c >= 0x800)
		snprintf(text, sizeof(text), "%c%c%c", (int)(0xe0 | c >> 12),
			 (int)(0x80 | (c >> 6 & 63)), (int)(0x80 | (c & 63)));
	else if (c >= 0x80)
		snprintf(text, sizeof(text), "%c%c", (int)(0xc0 | c >> 6), (int)(0x80 | (c & 63)));
	else if (c)
		snprintf(text, sizeof(text), "%c", (int)c);
	lt_fmt_text(buf, UNIT_TEXT, text);
}

/* How much of a name n units at a place are, all of them or up to the first that differs. */
static size_t match(const uint8_t *bytes, size_t at, size_t unit_bytes, size_t n, const char *name,
		    bool *ret_all)
{
	size_t size = fuzz.recording.head.n_bytes, matched = 0;

	*ret_all = false;
	for (; n && at + unit_bytes <= size && name[matched]; n--, at += unit_bytes) {
		uint16_t unit = bytes[at], low = 0;
		char pair[UNIT_TEXT];
		const char *text = pair;

		if (unit_bytes == 2)
			memcpy(&unit, bytes + at, sizeof(unit));
		if (unit_bytes == 2 && n > 1 && at + 4 <= size)
			memcpy(&low, bytes + at + 2, sizeof(low));
		if (unit >> 10 == 0xd800 >> 10 && low >> 10 == 0xdc00 >> 10) {
			show(0x10000 + ((unit & 0x3ffu) << 10) + (low & 0x3ffu), pair);
			at += 2;
			n--;
		} else {
			text = shown[unit];
		}
		if (strncmp(name + matched, text, strlen(text)) != 0)
			return matched;
		matched += strlen(text);
	}
	*ret_all = !n;
	return matched;
}

/* Whether a name is anywhere in the memory, in one piece. */
static bool is_piece(const uint8_t *bytes, const char *name)
{
	bool all;

	for (size_t at = 0; at < fuzz.recording.head.n_bytes; at++)
		for (size_t unit_bytes = 1; unit_bytes <= 2; unit_bytes++)
			if (!name[match(bytes, at, unit_bytes, SIZE_MAX, name, &all)])
				return true;
	return false;
}

/* The same of n units at a place: marks what they end at. */
static void mark(const uint8_t *bytes, int64_t at, uint32_t n, const char *name, bool *marks)
{
	for (size_t unit_bytes = 1; at >= 0 && unit_bytes <= 2; unit_bytes++) {
		bool all;
		size_t matched = match(bytes, (size_t)at, unit_bytes, n, name, &all);

		if (all || !name[matched])
			marks[matched] = true;
	}
}

/* Marks where a name may go on behind a string that it begins with: one that has its characters itself, has
 * them elsewhere, or is a part of another. */
static void mark_ends(const uint8_t *bytes, const char *name, bool *marks)
{
	for (size_t at = 0; at + STRING_BYTES < fuzz.recording.head.n_bytes; at++) {
		uint32_t n = lt_half(bytes, at + STRING_LENGTH);
		uint64_t parent, from;
		int64_t start;

		if (!n || n >= NAME_BYTES)
			continue;
		parent = lt_word(bytes, at + STRING_CHARS);
		from = lt_word(bytes, at + STRING_CHARS + 8);
		mark(bytes, (int64_t)at + STRING_CHARS, n, name, marks);
		mark(bytes, find(from, n), n, name, marks);
		if (!lt_v8_is_object(parent) || !lt_v8_is_smi(from))
			continue;
		start = find(lt_v8_address(parent) + STRING_CHARS, 8);
		for (uint32_t unit_bytes = 1; start >= 0 && unit_bytes <= 2; unit_bytes++)
			mark(bytes, start + (int64_t)unit_bytes * (uint32_t)lt_v8_smi(from), n,
			     name, marks);
	}
}

/* Whether a name is made of strings that are in the memory, as V8 makes "M.proto.f" of five. */
static bool is_made(const char *name)
{
	bool marks[NAME_BYTES + 1] = { true };
	size_t length = strlen(name);

	for (size_t from = 0; from < length && !marks[length]; from++) {
		if (!marks[from])
			continue;
		mark_ends(fuzz.bytes, name + from, marks + from);
		if (fuzz.two_states)
			mark_ends(fuzz.before, name + from, marks + from);
	}
	return marks[length];
}

static bool is_known(const char *name)
{
	if (!strcmp(name, "(anonymous)"))
		return true;
	for (size_t i = 0; i < fuzz.good.n_frames; i++)
		if (!strcmp(fuzz.good.frames[i].function, name))
			return true;
	return is_piece(fuzz.bytes, name) || (fuzz.two_states && is_piece(fuzz.before, name)) ||
	       is_made(name);
}

static void check_frame(const struct lt_stack_frame *frame)
{
	assert_in_range(frame->type, LT_FRAME_JS,
			LT_FRAME_BUILTIN); /* no symbols, nothing native */
	assert_non_null(frame->function);
	assert_in_range(strlen(frame->function), 1, NAME_BYTES);
	if (!is_known(frame->function))
		fail_msg("\"%s\" is nowhere in the memory", frame->function);
	assert_true(!frame->file || *frame->file);
	assert_true(frame->line >= 0 && frame->column >= 0);
	assert_true(frame->line || !frame->column);
	assert_null(frame->original_file);
}

static void begin_call(void)
{
	fuzz.reads = fuzz.bytes_read = 0;
}

static void end_call(int err)
{
	assert_true(fuzz.reads <= READS_MAX);
	assert_true(fuzz.bytes_read <= BYTES_MAX);
	assert_true(err == 0 || err == -ENOENT || err == -EFAULT ||
		    (err == fuzz.fail_err && fuzz.fail_at && (err == -ESRCH || err == -EPERM)));
}

static int walk(struct lt_v8 *v8, struct lt_raw_stack *raw)
{
	int err;

	begin_call();
	err = lt_v8__walk(v8, fuzz.recording.head.isolate, 0, raw);
	end_call(err);
	assert_in_range(raw->n_frames, 0, LT_STACK_FRAMES_MAX);
	return err;
}

static void resolve(struct lt_v8 *v8, const struct lt_raw_stack *raw, struct lt_v8_stack *stack)
{
	int err;

	begin_call();
	err = lt_v8__resolve(v8, raw, stack);
	end_call(err);
	assert_true(err != -ENOENT && err != -EFAULT);
	assert_in_range(stack->n_frames, 0, LT_V8_FRAMES_MAX);
	for (size_t i = 0; i < stack->n_frames; i++)
		check_frame(&stack->frames[i]);
}

/* --- the loop --------------------------------------------------------------------------------------------- */

static struct lt_v8 *resolver(void)
{
	struct lt_v8_opts opts = { .pid = -1,
				   .layout = &fuzz.layout,
				   .memory = { read_memory, NULL } };
	struct lt_v8 *v8 = lt_v8__new(&opts);

	assert_non_null(v8);
	return v8;
}

static void iterate(struct lt_v8 *v8)
{
	static struct lt_v8_stack stack;
	struct lt_raw_stack raw = fuzz.raw;

	lt_v8__forget(v8);
	fuzz.two_states = false;
	if (draw(8))
		change_some();
	draw_failures();
	if (draw(2))
		walk(v8, &raw);
	if (draw(2))
		break_frames(&raw);
	resolve(v8, &raw, &stack);
	/* again with what was kept, of memory that may have changed since */
	if (!fuzz.two_states && draw(2)) {
		memcpy(fuzz.before, fuzz.bytes, fuzz.recording.head.n_bytes);
		fuzz.two_states = true;
		undo();
	}
	fuzz.fail_at = fuzz.change_at = 0;
	resolve(v8, &raw, &stack);
	undo();
}

static void load(int major)
{
	char path[64];

	memset(&fuzz, 0, sizeof(fuzz));
	snprintf(path, sizeof(path), "tests/unit/data/v8/node-%d.rec", major);
	assert_int_equal(recording_load(&fuzz.recording, path), 0);
	for (size_t i = 1; i < fuzz.recording.head.n_ranges; i++)
		fuzz.offsets[i] = fuzz.offsets[i - 1] + fuzz.recording.ranges[i - 1].length;
	fuzz.layout = recording_layout(&fuzz.recording);
	fuzz.bytes = malloc(fuzz.recording.head.n_bytes);
	fuzz.before = malloc(fuzz.recording.head.n_bytes);
	memcpy(fuzz.bytes, fuzz.recording.bytes, fuzz.recording.head.n_bytes);
	fuzz.seed = 0x10075ee0 + (uint64_t)major;
}

static void test_fuzz(void **state)
{
	const int major = *(const int *)*state;
	struct lt_v8 *v8, *good; /* good keeps the names of the whole memory */

	load(major);
	v8 = resolver();
	good = resolver();
	fuzz.recording_reads = true;
	assert_int_equal(walk(good, &fuzz.raw), 0);
	assert_int_equal(lt_v8__resolve(good, &fuzz.raw, &fuzz.good), 0);
	fuzz.recording_reads = false;
	assert_in_range(fuzz.good.n_frames, 14, 20);
	assert_string_equal(fuzz.good.frames[0].function, "waitHere");
	assert_int_equal(lt_v8__stats(good)->failed, 0);
	for (int i = 0; i < ITERATIONS; i++)
		iterate(v8);
	assert_memory_equal(fuzz.bytes, fuzz.recording.bytes, fuzz.recording.head.n_bytes);
	lt_v8__free(v8);
	lt_v8__free(good);
	free(fuzz.bytes);
	free(fuzz.before);
	recording_free(&fuzz.recording);
}

static int set_up(void **state)
{
	(void)state;
	alarm(SECONDS_MAX);
	for (uint32_t c = 0; c < 65536; c++)
		show(c, shown[c]);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = { NODE_TESTS("stacks of node", test_fuzz, node_majors) };

	return cmocka_run_group_tests(tests, set_up, NULL);
}
