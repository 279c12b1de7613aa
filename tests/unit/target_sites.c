/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/*
 * What is found in real Node binaries, each major version: runtime and versions, the exact number of
 * probe sites by role (counted in the disassembly), their order, price and bytes. A binary that is
 * not there is told and counted.
 */
#include <errno.h>
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

#include "agent/target/image.h"
#include "tests/unit/node_binary.h"

struct expected {
	const char *machine; /* as node_binary_for() wants it */
	int major;
	const char *uv; /* libuv that this line of Node has, its beginning */
	size_t waits; /* calls of epoll in uv__io_poll */
	size_t gc_kinds; /* Heap::PerformGarbageCollection and its clones */
	size_t step_ends; /* exits of IncrementalMarking::Step */
	size_t sync_ends; /* exits of uv__fs_work */
	uint8_t node_register; /* at the end of a task: that which points at its node in the queue */
	uint8_t result_register; /* at the end of a wait: that which holds what epoll_wait returned */
	struct lt_uv_layout layout;
	int task_type_off;
};

static const struct expected expected[] = {
	{ "", 16, "1.43.", 4, 2, 1, 1, LT_REG_RBX, LT_REG_RAX, { 16, 8, -1, 40 }, 0 },
	{ "", 18, "1.44.", 4, 2, 1, 1, LT_REG_RBX, LT_REG_RAX, { 16, 8, -1, 40 }, 0 },
	{ "", 20, "1.46.", 1, 1, 1, 1, LT_REG_RBX, LT_REG_RAX, { 144, 136, 8, 40 }, 40 },
	{ "", 22, "1.51.", 1, 1, 2, 1, LT_REG_RBX, LT_REG_RAX, { 144, 136, 8, 40 }, 40 },
	{ "", 24, "1.52.", 1, 1, 2, 1, LT_REG_RBX, LT_REG_RAX, { 144, 136, 8, 40 }, 40 },
	{ "", 26, "1.52.", 1, 1, 1, 1, LT_REG_R12, LT_REG_RAX, { 144, 136, 8, 40 }, 40 },
};

static const struct expected arm64[] = {
	{ "-arm64", 16, "1.43.", 4, 2, 1, 2, 19, 0, { 16, 8, -1, 48 }, 0 },
	{ "-arm64", 18, "1.44.", 4, 2, 1, 2, 19, 0, { 16, 8, -1, 48 }, 0 },
	{ "-arm64", 20, "1.46.", 1, 1, 1, 2, 19, 0, { 144, 136, 8, 48 }, 40 },
	{ "-arm64", 22, "1.51.", 1, 1, 2, 2, 19, 0, { 144, 136, 8, 48 }, 40 },
	{ "-arm64", 24, "1.52.", 1, 1, 2, 2, 19, 25, { 144, 136, 8, 48 }, 40 },
	{ "-arm64", 26, "1.52.", 1, 1, 1, 1, 19, 24, { 144, 136, 8, 48 }, 40 },
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* The image of a major version. */
static struct lt_image *analyse(const char *machine, int major, int *ret_fd)
{
	struct lt_image *image = NULL;
	char path[512];

	*ret_fd = node_binary_for(machine, major, path, sizeof(path));
	if (*machine) /* nothing of it could be measured here */
		assert_int_equal(lt_image__analyse(*ret_fd, &image), -ENOEXEC);
	assert_int_equal(lt_image__analyse_any(*ret_fd, &image), 0);
	assert_non_null(image);
	return image;
}

static size_t count_role(const struct lt_image *image, enum lt_role role)
{
	size_t n = 0;

	for (size_t i = 0; i < image->n_sites; i++)
		n += image->sites[i].role == role;
	return n;
}

static size_t count_arg(const struct lt_image *image, enum lt_role role, uint8_t arg)
{
	size_t n = 0;

	for (size_t i = 0; i < image->n_sites; i++)
		n += image->sites[i].role == role && image->sites[i].arg == arg;
	return n;
}

static void check_versions(const struct expected *want, const struct lt_image *image)
{
	assert_string_equal(image->runtime, "node");
	assert_int_equal(atoi(image->runtime_version), want->major);
	assert_int_equal(strncmp(image->uv_version, want->uv, strlen(want->uv)), 0);
	assert_int_equal(strlen(image->build_id), 40);
	assert_int_equal(strspn(image->build_id, "0123456789abcdef"), 40);
	for (size_t i = 0; i < image->n_missing; i++)
		print_error("missing: %s\n", image->missing[i]);
	assert_int_equal(image->n_missing, 0);
}

static void check_loop_counts(const struct expected *want, const struct lt_image *image)
{
	assert_int_equal(count_role(image, LT_ROLE_WAIT_BEGIN), want->waits);
	assert_int_equal(count_role(image, LT_ROLE_WAIT_END), want->waits);
	assert_int_equal(count_role(image, LT_ROLE_PHASE), 8);
	assert_int_equal(count_arg(image, LT_ROLE_PHASE, LT_PHASE_TIMERS), 1);
	assert_int_equal(count_arg(image, LT_ROLE_PHASE, LT_PHASE_CHECK), 1);
	assert_int_equal(count_arg(image, LT_ROLE_PHASE, LT_PHASE_IDLE), 1);
	assert_int_equal(count_arg(image, LT_ROLE_PHASE, LT_PHASE_PREPARE), 1);
	assert_int_equal(count_arg(image, LT_ROLE_PHASE, LT_PHASE_POLL_SETUP), 1);
	/* uv_run calls uv__run_timers twice and uv__run_check once */
	assert_int_equal(count_arg(image, LT_ROLE_PHASE, LT_PHASE_PENDING), 2);
	assert_int_equal(count_arg(image, LT_ROLE_PHASE, LT_PHASE_CLOSING), 1);
}

static void check_other_counts(const struct expected *want, const struct lt_image *image)
{
	assert_int_equal(count_role(image, LT_ROLE_TASK_SUBMIT), 2);
	assert_int_equal(count_arg(image, LT_ROLE_TASK_SUBMIT, LT_SUBMIT_QUEUE_WORK), 1);
	assert_int_equal(count_role(image, LT_ROLE_TASK_START), 5);
	assert_int_equal(count_arg(image, LT_ROLE_TASK_START, LT_KIND_FS), 1);
	assert_int_equal(count_arg(image, LT_ROLE_TASK_START, LT_KIND_DNS), 2);
	assert_int_equal(count_arg(image, LT_ROLE_TASK_START, LT_KIND_MAX), 1);
	assert_int_equal(count_role(image, LT_ROLE_TASK_END), 1);
	assert_int_equal(count_arg(image, LT_ROLE_TASK_END, want->node_register), 1);
	assert_int_equal(count_role(image, LT_ROLE_TASK_DELIVER), 5);
	assert_int_equal(count_role(image, LT_ROLE_SYNC_END), want->sync_ends);
	assert_int_equal(count_role(image, LT_ROLE_GC_BEGIN), 1);
	assert_int_equal(count_role(image, LT_ROLE_GC_END), 1);
	assert_int_equal(count_role(image, LT_ROLE_GC_KIND), want->gc_kinds);
	assert_int_equal(count_role(image, LT_ROLE_STEP_BEGIN), 1);
	assert_int_equal(count_role(image, LT_ROLE_STEP_END), want->step_ends);
	assert_int_equal(count_role(image, LT_ROLE_DEOPT), 1);
	assert_int_equal(count_role(image, LT_ROLE_COMPILED), want->major >= 24 ? 4 : 3);
	for (int compiler = 0; compiler < LT_COMPILER_MAX; compiler++)
		assert_int_equal(count_arg(image, LT_ROLE_COMPILED, (uint8_t)compiler),
				 compiler != LT_COMPILER_MIDTIER || want->major >= 24);
}

/* The call itself, and its fourth argument */
static void check_wait_begin(const struct expected *want, const struct lt_site *site)
{
	if (*want->machine) {
		assert_int_equal(site->bytes[3] & 0xfc, 0x94); /* bl */
		assert_int_equal(site->sub, 3);
	} else {
		assert_int_equal(site->bytes[0], 0xe8);
		assert_int_equal(site->sub, LT_REG_RCX);
	}
}

/* Each end stands behind its begin, close, and before the next begin; both in the same function. */
static void check_wait_pairs(const struct expected *want, const struct lt_image *image)
{
	const struct lt_site *begin = NULL;

	for (size_t i = 0; i < image->n_sites; i++) {
		const struct lt_site *site = &image->sites[i];

		if (site->role == LT_ROLE_WAIT_BEGIN) {
			assert_null(begin);
			begin = site;
			check_wait_begin(want, site);
		} else if (site->role == LT_ROLE_WAIT_END) {
			assert_non_null(begin);
			assert_in_range(site->vaddr - begin->vaddr, 4, 64);
			assert_int_equal(site->sub, want->result_register);
			begin = NULL;
		} else {
			continue;
		}
		assert_int_equal(strncmp(site->symbol, "uv__io_poll+0x", 14), 0);
	}
	assert_null(begin);
}

/* What an iteration pays for at the tiers that stay on must be cheap, but that gcc's functions for arm64 may
 * begin with nothing cheap; the bytes are the file's. */
static void check_prices(const struct expected *want, int fd, const struct lt_image *image)
{
	for (size_t i = 0; i < image->n_sites; i++) {
		const struct lt_site *site = &image->sites[i];
		uint8_t byte = 0;

		assert_in_range(site->group, LT_GROUP_WAIT, LT_GROUP_MAX - 1);
		if (site->group == LT_GROUP_WAIT ||
		    (site->group == LT_GROUP_PHASES && (!*want->machine || want->major == 26)))
			assert_int_equal(site->cost, LT_SITE_EMULATED);
		assert_int_equal(pread(fd, &byte, 1, (off_t)site->file_offset), 1);
		assert_int_equal(byte, site->bytes[0]);
		/* a role is found only once at an instruction */
		for (size_t k = 0; k < i; k++)
			assert_false(image->sites[k].vaddr == site->vaddr &&
				     image->sites[k].role == site->role);
	}
}

static void check_data(const struct expected *want, const struct lt_image *image)
{
	size_t kinds[LT_KIND_MAX] = { 0 };

	assert_int_equal(image->uv.idle_time, want->layout.idle_time);
	assert_int_equal(image->uv.entry_time, want->layout.entry_time);
	assert_int_equal(image->uv.loop_count, want->layout.loop_count);
	assert_int_equal(image->uv.mutex_bytes, want->layout.mutex_bytes);
	assert_int_not_equal(image->default_loop, 0);
	assert_int_not_equal(image->nthreads, 0);
	assert_int_not_equal(image->idle_threads, 0);
	assert_int_not_equal(image->slow_running, 0);
	assert_int_not_equal(image->pool_queue, 0);
	assert_int_not_equal(image->slow_queue, 0);
	assert_int_not_equal(image->task_cb, 0);
	assert_int_not_equal(image->check_immediate, 0);
	assert_int_not_equal(image->run_timers, 0);
	assert_int_equal(image->task_class_off, -104);
	assert_int_equal(image->task_type_off, want->task_type_off);
	assert_in_range(image->n_classes, 41, LT_IMAGE_CLASSES_MAX - 1);
	for (size_t i = 0; i < image->n_classes; i++) {
		assert_in_range(image->classes[i].kind, 0, LT_KIND_MAX - 1);
		kinds[image->classes[i].kind]++;
	}
	assert_in_range(kinds[LT_KIND_CRYPTO], 40, 150);
	assert_in_range(kinds[LT_KIND_ZLIB], 6, 30);
	assert_int_equal(kinds[LT_KIND_NAPI], 1);
}

static void test_node(void **state)
{
	const struct expected *want = *state;
	struct lt_image *image;
	int fd;

	image = analyse(want->machine, want->major, &fd);
	check_versions(want, image);
	check_loop_counts(want, image);
	check_other_counts(want, image);
	check_wait_pairs(want, image);
	check_prices(want, fd, image);
	check_data(want, image);
	close(fd);
	free(image);
}

/* The same file twice gives the same image: nothing depends on memory that was not set. */
static void test_repeatable(void **state)
{
	struct lt_image *first, *second;
	int fd;

	(void)state;
	first = analyse("", 20, &fd);
	assert_int_equal(lt_image__analyse(fd, &second), 0);
	assert_memory_equal(first, second, sizeof(*first));
	free(first);
	free(second);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		NODE_TESTS("node", test_node, expected),
		NODE_TESTS("node for arm64", test_node, arm64),
		cmocka_unit_test(test_repeatable),
	};

	_Static_assert(COUNT(expected) + COUNT(arm64) + 1 == COUNT(tests),
		       "a test for each version");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
