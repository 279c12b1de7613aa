/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/*
 * The heap of an isolate: where its sizes are in the real binaries, and reading them from memory that may hold
 * anything: built as each version has it, then bent.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "agent/target/elf.h"
#include "agent/v8/layout_internal.h"
#include "tests/unit/node_binary.h"
#include "tests/unit/v8_heap_image.h"

#define ROUNDS 20000

/* --- in the binaries --------------------------------------------------------------------------- */

static const struct {
	int major;
	int32_t heap; /* as gdb and the process's own figures had it */
} heaps[] = { { 16, 0xa300 }, { 18, 0xc638 }, { 20, 0xd2c0 },
	      { 22, 0xdea0 }, { 24, 0xeff8 }, { 26, 0xf3c0 } };

static int find_marks(void *ctx, const struct lt_elf_symbol *symbol)
{
	struct lt_v8_marks *marks = ctx;
	struct lt_v8_function function = { symbol->vaddr, symbol->size };

	if (!strcmp(symbol->name, "_ZN2v87Isolate17GetHeapStatisticsEPNS_14HeapStatisticsE"))
		marks->heap_statistics = function;
	if (!strcmp(symbol->name,
		    "_ZN2v87Isolate22GetHeapSpaceStatisticsEPNS_19HeapSpaceStatisticsEm"))
		marks->space_statistics = function;
	return 0;
}

/* The right version, and no other: what one version has somewhere the code of another does not read there. */
static void test_node(void **state)
{
	int major = *(const int *)*state, fd, right = -1;
	struct lt_v8_marks marks = { 0 };
	struct lt_v8_layout layout;
	struct lt_elf *elf;
	char path[512];

	fd = node_binary(major, path, sizeof(path));
	assert_int_equal(lt_elf__open(fd, &elf), 0);
	lt_v8_layout__read(elf, &layout);
	assert_string_equal(layout.sizes.why_not, "");
	assert_in_range(layout.sizes.version, 1, lt_heap_n_known);
	for (size_t i = 0; i < sizeof(heaps) / sizeof(heaps[0]); i++)
		if (heaps[i].major == major)
			assert_int_equal(layout.sizes.heap, heaps[i].heap);
	assert_int_equal(layout.sizes.slot_total, 0);
	assert_true((layout.sizes.minor_flag != 0) == (major >= 22));

	lt_elf__each_symbol(elf, find_marks, &marks);
	for (int32_t i = 0; i < lt_heap_n_known; i++) {
		struct lt_v8_layout other = layout;

		other.major = lt_heap_known[i].major;
		other.minor = lt_heap_known[i].minor;
		lt_heap_layout__read(elf, &marks, &other);
		if (other.sizes.version) {
			assert_int_equal(right, -1);
			right = i + 1;
		} else {
			assert_non_null(strstr(other.sizes.why_not, "this version has"));
		}
	}
	assert_int_equal(right, layout.sizes.version);
	lt_elf__close(elf);
	close(fd);
}

/* Its version is told, and that nothing of it is read: not one offset is left that somebody could use. */
static void test_arm64(void **state)
{
	int major = *(const int *)*state, fd;
	struct lt_v8_layout layout;
	struct lt_elf *elf;
	char path[512];

	fd = node_binary_for("-arm64", major, path, sizeof(path));
	assert_int_equal(lt_elf__open(fd, &elf), 0);
	lt_v8_layout__read(elf, &layout);
	assert_int_equal(layout.level, LT_V8_NONE);
	assert_true(layout.major > 0);
	assert_int_equal(layout.sizes.version, 0);
	assert_int_equal(layout.sizes.heap, 0);
	assert_non_null(strstr(layout.sizes.why_not, "not read on arm64"));
	assert_non_null(strstr(layout.why_not, "not read on arm64"));
#define IS_UNKNOWN(member) assert_int_equal(layout.member, LT_V8_UNKNOWN);
	LT_V8_FIELDS(IS_UNKNOWN)
#undef IS_UNKNOWN
	lt_elf__close(elf);
	close(fd);
}

static void test_unknown_version(void **state)
{
	struct lt_v8_marks marks = { .heap_statistics = { 1, 1 } };
	struct lt_v8_layout layout = { .level = LT_V8_LINES, .major = 99 };

	(void)state;
	lt_heap_layout__read(NULL, &marks, &layout);
	assert_int_equal(layout.sizes.version, 0);
	assert_non_null(strstr(layout.sizes.why_not, "unknown to looptop"));
}

/* --- in memory --------------------------------------------------------------------------------- */

static struct heap_image image;

static int find(uint64_t *isolate)
{
	struct lt_heap_source source = hi_source(&image);
	const char *why = NULL;
	int err = lt_heap__find(&source, HI_ENVIRONMENT, isolate, &why);

	assert_true((err == -EOPNOTSUPP) == (why != NULL));
	return err;
}

static int read_heap(struct lt_heap *heap)
{
	struct lt_heap_source source = hi_source(&image);

	return lt_heap__read(&source, HI_ISOLATE, heap);
}

static void test_read(void **state)
{
	(void)state;
	for (int32_t version = 0; version < lt_heap_n_known; version++) {
		double more = lt_heap_known[version].external_more.at ? 1000000 : 0;
		struct lt_heap heap;
		uint64_t isolate;

		hi_build(&image, version);
		assert_int_equal(find(&isolate), 0);
		assert_true(isolate == HI_ISOLATE);
		assert_int_equal(read_heap(&heap), 0);
		assert_true(heap.present);
		assert_true(heap.used_bytes == (double)image.used);
		assert_true(heap.total_bytes == (double)image.total);
		assert_true(heap.limit_bytes == (3 * 16 + 2048) * 1048576.0);
		assert_true(heap.external_bytes == 3000000 + more);
		assert_false(lt_known(heap.used_after_gc_bytes));
		assert_true(heap.space_total_bytes[LT_SPACE_NEW] == 3145728);
		assert_true(lt_known(heap.space_used_bytes[LT_SPACE_MAP]) == (version < 2));
	}
}

/* A collection runs: what V8 has taken is known, what is used is not. */
static void test_collecting(void **state)
{
	(void)state;
	for (int32_t version = 0; version < lt_heap_n_known; version++) {
		struct lt_heap heap;

		hi_build(&image, version);
		hi_put(&image, HI_ISOLATE + HI_HEAP + (uint64_t)lt_heap_known[version].gc_state, 2);
		assert_int_equal(read_heap(&heap), 0);
		assert_false(lt_known(heap.used_bytes));
		assert_false(lt_known(heap.space_used_bytes[LT_SPACE_OLD]));
		assert_true(heap.total_bytes == (double)image.total);
		assert_true(lt_known(heap.limit_bytes));
	}
}

/* Other getters than the table's, a space of all isolates, the other collector: refused, with a reason. */
static void test_refused(void **state)
{
	(void)state;
	for (int32_t version = 0; version < lt_heap_n_known; version++) {
		uint64_t isolate;

		hi_build(&image, version);
		hi_put(&image, HI_VTABLES + 2 * 0x80, hi_getter(&image, 0x20, 0));
		assert_int_equal(find(&isolate), -EOPNOTSUPP);
		hi_build(&image, version);
		hi_put(&image, HI_VTABLES + 2 * 0x80 + HI_SLOT_USED, HI_BASE + 0x100);
		assert_int_equal(find(&isolate), -EOPNOTSUPP);
		hi_build(&image, version);
		image.layout.minor_flag = HI_BASE + 0x10;
		assert_int_equal(find(&isolate), 0);
		image.bytes[0x10] = 1;
		assert_int_equal(find(&isolate), -EOPNOTSUPP);
		/* a space that points at another heap: no isolate at all */
		hi_build(&image, version);
		hi_put(&image, HI_SPACES + 3 * HI_SPACE_BYTES + LT_SPACE_HEAP, HI_BASE);
		assert_int_equal(find(&isolate), -ENOENT);
	}
}

/* Figures that contradict each other are no figures. */
static void test_contradictions(void **state)
{
	uint64_t heap_at = HI_ISOLATE + HI_HEAP;

	(void)state;
	for (int32_t version = 0; version < lt_heap_n_known; version++) {
		const struct lt_heap_known *known = &lt_heap_known[version];
		uint64_t space = HI_SPACES + 2 * HI_SPACE_BYTES; /* old or code */
		size_t used = lt_heap_space_used(known, (enum lt_space)known->order[2]);
		struct lt_heap heap;

		hi_build(&image, version);
		hi_put(&image, space + used, 4 * HI_MIB); /* more than it has */
		assert_int_equal(read_heap(&heap), -EAGAIN);
		hi_build(&image, version);
		hi_put(&image, space + LT_SPACE_TOTAL, 3 * HI_MIB + 8); /* no pages */
		assert_int_equal(read_heap(&heap), -EAGAIN);
		hi_build(&image, version);
		hi_put(&image, space + LT_SPACE_TOTAL, 4096 * HI_MIB); /* beyond the limit */
		assert_int_equal(read_heap(&heap), -EAGAIN);
		if (hi_first_lab(known) >= 0) { /* a buffer of no space */
			hi_build(&image, version);
			hi_put(&image,
			       HI_ALLOCATOR + (uint64_t)known->labs[hi_first_lab(known)].at +
				       LT_HEAP_LAB_SPACE,
			       HI_BASE);
			assert_int_equal(read_heap(&heap), -EAGAIN);
		}
		hi_build(&image, version);
		hi_word(&image, heap_at, known->old, UINT64_MAX);
		assert_int_equal(read_heap(&heap), -EAGAIN);
		hi_build(&image, version);
		hi_word(&image, heap_at, known->external, UINT64_MAX); /* that alone is unknown */
		assert_int_equal(read_heap(&heap), 0);
		assert_true(!lt_known(heap.external_bytes) && lt_known(heap.used_bytes));
		hi_build(&image, version);
		hi_put(&image, HI_PAGE + (uint64_t)known->young_space.area_start,
		       hi_area_start(known) + 8); /* a page that holds less than the others */
		assert_int_equal(read_heap(&heap), -EAGAIN);
	}
}

/* The thread was stopped when it had taken a new page and not begun it: all but that page is in use. But if the
 * figures change meanwhile, it was a torn reading. */
static void test_between_pages(void **state)
{
	(void)state;
	for (int32_t version = 0; version < lt_heap_n_known; version++) {
		const struct lt_heap_known *known = &lt_heap_known[version];
		struct lt_heap heap;

		hi_build(&image, version);
		hi_put(&image, HI_PAGE + (uint64_t)known->young_space.area_start,
		       hi_area_start(known) + 0x40000);
		assert_int_equal(read_heap(&heap), 0);
		assert_true(heap.used_bytes == (double)(image.used - 0x1000));
		image.moves = true;
		assert_int_equal(read_heap(&heap), -EAGAIN);
	}
}

/* Whenever the process takes a new buffer while we read: a space's figure and its buffer are of one moment. */
static void test_refill(void **state)
{
	int n_tested = 0;

	(void)state;
	for (int32_t version = 0; version < lt_heap_n_known; version++) {
		struct lt_heap heap;
		double available;
		uint64_t all;

		if (hi_first_lab(&lt_heap_known[version]) < 0)
			continue;
		n_tested++;
		hi_build(&image, version);
		assert_int_equal(read_heap(&heap), 0);
		available = heap.space_available_bytes[LT_SPACE_OLD];
		all = image.reads;
		for (uint64_t i = 1; i <= all; i++) {
			hi_build(&image, version);
			image.refill_at = i;
			assert_int_equal(read_heap(&heap), 0);
			assert_true(heap.used_bytes == (double)image.used);
			assert_true(heap.space_available_bytes[LT_SPACE_OLD] == available);
		}
	}
	assert_true(n_tested >= 2);
}

/* Whichever read fails: an error, or all of it from another try. */
static void test_reads_fail(void **state)
{
	(void)state;
	for (int32_t version = 0; version < lt_heap_n_known; version++) {
		uint64_t all;

		hi_build(&image, version);
		assert_int_equal(read_heap(&(struct lt_heap){ 0 }), 0);
		all = image.reads;
		assert_true(all < 64);
		for (uint64_t i = 1; i <= all; i++) {
			struct lt_heap heap;
			int err;

			image.reads = 0;
			image.fail_at = i;
			err = read_heap(&heap);
			assert_true(err ? i == 1 : heap.used_bytes == (double)image.used);
		}
	}
}

static void check_sense(int err, const struct lt_heap *heap)
{
	double sum = 0;

	if (err)
		return;
	assert_true(heap->limit_bytes > 0 && heap->total_bytes > 0);
	if (!lt_known(heap->used_bytes))
		return;
	assert_true(heap->used_bytes > 0 && heap->used_bytes <= heap->total_bytes);
	for (int i = 0; i < LT_SNAP_SPACES; i++)
		if (lt_known(heap->space_used_bytes[i])) {
			assert_true(heap->space_used_bytes[i] >= 0);
			sum += heap->space_used_bytes[i];
			assert_false(heap->space_available_bytes[i] < 0);
		}
	assert_true(sum == heap->used_bytes);
}

/* Words replaced anywhere by anything: bounded, and what is told makes sense. */
static void test_bent(void **state)
{
	unsigned seed = 20261121;
	size_t refused = 0, told = 0;

	(void)state;
	for (int round = 0; round < ROUNDS; round++) {
		struct lt_heap heap;
		uint64_t isolate;
		int err;

		hi_build(&image, round % lt_heap_n_known);
		for (int i = rand_r(&seed) % 24; i >= 0; i--) {
			uint64_t word = (uint64_t)rand_r(&seed) << (rand_r(&seed) % 40);

			if (rand_r(&seed) % 2)
				word = HI_BASE + (uint64_t)rand_r(&seed) % HI_BYTES;
			hi_put(&image, HI_BASE + 8 * ((uint64_t)rand_r(&seed) % (HI_BYTES / 8)),
			       word);
		}
		find(&isolate);
		assert_true(image.reads < 4000);
		image.reads = 0;
		/* a collection that never ends would take its time in each round */
		hi_put(&image, HI_ISOLATE + HI_HEAP + ((uint64_t)image.known->gc_state & ~7ull), 0);
		err = read_heap(&heap);
		assert_true(image.reads < 64 * 8);
		check_sense(err, &heap);
		told += !err;
		refused += err != 0;
	}
	assert_true(told > ROUNDS / 10 && refused > ROUNDS / 100);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		NODE_TESTS("node", test_node, node_majors),
		NODE_TESTS("arm64", test_arm64, node_majors),
		cmocka_unit_test(test_unknown_version),
		cmocka_unit_test(test_read),
		cmocka_unit_test(test_collecting),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_contradictions),
		cmocka_unit_test(test_between_pages),
		cmocka_unit_test(test_refill),
		cmocka_unit_test(test_reads_fail),
		cmocka_unit_test(test_bent),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
