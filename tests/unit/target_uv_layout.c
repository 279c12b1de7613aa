/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/*
 * Where libuv's structures have what (agent/target/uv_layout.h), for each machine: in the official Node binaries,
 * the functions that are there to read or set one field reach for that field where the header says it is.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "agent/runtime/deduce.h"
#include "agent/target/elf.h"
#include "agent/target/image.h"
#include "agent/target/machine.h"
#include "agent/target/uv_layout.h"
#include "tests/unit/node_binary.h"

#define COUNT(array)  (sizeof(array) / sizeof((array)[0]))
#define FIELDS_MAX    3
#define NO_FIELD      0 /* no structure has anything of interest at its beginning */
#define BEHIND(macro) (macro(0) | MUTEX) /* the machine's mutex is before it */
#define MUTEX	      0x10000

struct reader {
	const char *name, *other_name; /* in other versions */
	int fields[FIELDS_MAX];
};

static const struct reader readers[] = {
	{ "uv_now", NULL, { BEHIND(LT_UV_LOOP_TIME_MS) } },
	{ "uv_loop_alive", NULL, { LT_UV_LOOP_ACTIVE_HANDLES, LT_UV_LOOP_ACTIVE_REQS } },
	{ "uv_backend_fd", NULL, { LT_UV_LOOP_BACKEND_FD } },
	{ "uv_metrics_idle_time", NULL, { LT_UV_LOOP_INTERNAL_FIELDS } },
	{ "uv__io_start", NULL, { LT_UV_LOOP_WATCHERS, LT_UV_LOOP_NWATCHERS } },
	{ "uv__next_timeout", NULL, { BEHIND(LT_UV_LOOP_TIMER_HEAP), BEHIND(LT_UV_LOOP_TIME_MS) } },
	{ "uv_check_start", NULL, { BEHIND(LT_UV_LOOP_CHECK_HANDLES) } },
	{ "uv_prepare_start", NULL, { BEHIND(LT_UV_LOOP_PREPARE_HANDLES) } },
	{ "uv_idle_start", NULL, { BEHIND(LT_UV_LOOP_IDLE_HANDLES) } },
	{ "uv_handle_get_loop", NULL, { LT_UV_HANDLE_LOOP } },
	{ "uv_handle_get_type", NULL, { LT_UV_HANDLE_TYPE } },
	{ "uv_is_active", NULL, { LT_UV_HANDLE_FLAGS } },
	{ "uv_check_init", NULL, { LT_UV_HANDLE_QUEUE, LT_UV_HANDLE_FLAGS, LT_UV_CHECK_CB } },
	{ "uv_timer_start",
	  NULL,
	  { LT_UV_TIMER_CB, LT_UV_TIMER_HEAP_NODE, LT_UV_TIMER_TIMEOUT_MS } },
	{ "uv_stream_get_write_queue_size", NULL, { LT_UV_STREAM_QUEUED_BYTES } },
	{ "uv__stream_open", NULL, { LT_UV_STREAM_FD } },
	{ "uv__tcp_listen", "uv_tcp_listen", { LT_UV_STREAM_CONNECTION_CB, LT_UV_STREAM_WATCHER } },
};

struct file {
	struct lt_elf *elf;
	struct lt_elf_symbol readers[COUNT(readers)], loop_size;
};

static int on_symbol(void *ctx, const struct lt_elf_symbol *symbol)
{
	struct file *file = ctx;

	if (!symbol->is_function)
		return 0;
	for (size_t i = 0; i < COUNT(readers); i++)
		if (!strcmp(symbol->name, readers[i].name) ||
		    (readers[i].other_name && !strcmp(symbol->name, readers[i].other_name)))
			file->readers[i] = *symbol;
	if (!strcmp(symbol->name, "uv_loop_size"))
		file->loop_size = *symbol;
	return 0;
}

static struct lt_function decode(const struct file *file, const struct lt_elf_symbol *symbol)
{
	struct lt_function function;

	assert_int_equal(lt_function__decode(file->elf, symbol->vaddr, symbol->size, &function), 0);
	return function;
}

static bool names(const struct lt_function *function, uint64_t constant)
{
	for (size_t i = 0; i < function->n_insns; i++)
		if (function->insns[i].constant == constant)
			return true;
	return false;
}

static void check_file(const struct file *file, const struct lt_machine *machine)
{
	struct lt_function function;

	assert_in_range(machine->mutex_bytes, 1, LT_UV_MUTEX_MAX);
	for (size_t i = 0; i < COUNT(readers); i++) {
		const struct reader *reader = &readers[i];

		function = decode(file, &file->readers[i]);
		assert_ptr_equal(function.machine, machine);
		for (size_t f = 0; f < FIELDS_MAX && reader->fields[f] != NO_FIELD; f++) {
			int at = reader->fields[f] & ~MUTEX;

			if (reader->fields[f] & MUTEX)
				at += machine->mutex_bytes;
			if (!lt_deduce_touches(&function, at))
				fail_msg("%s does not reach for offset %d", reader->name, at);
		}
		lt_function__free(&function);
	}
	function = decode(file, &file->loop_size);
	assert_true(names(&function, (uint64_t)LT_UV_LOOP_BYTES(machine->mutex_bytes)));
	lt_function__free(&function);
}

static void check_major(const char *name, const struct lt_machine *machine, int major)
{
	struct file file = { 0 };
	char path[512];
	int fd = node_binary_for(name, major, path, sizeof(path));

	assert_int_equal(lt_elf__open(fd, &file.elf), 0);
	lt_elf__each_symbol(file.elf, on_symbol, &file);
	check_file(&file, machine);
	lt_elf__close(file.elf);
	close(fd);
}

static void test_x86(void **state)
{
	check_major("", &lt_machine_x86, *(const int *)*state);
}

static void test_arm64(void **state)
{
	check_major("-arm64", &lt_machine_arm64, *(const int *)*state);
}

/* A copy of Debian's libuv.so.1 that this process may write, in memory alone. */
static int copy_libuv(void)
{
	int from = open_libuv(LIBUV), to = memfd_create("libuv", MFD_CLOEXEC);
	struct stat st;

	assert_true(from >= 0 && to >= 0);
	assert_int_equal(fstat(from, &st), 0);
	assert_int_equal(sendfile(to, from, NULL, (size_t)st.st_size), st.st_size);
	close(from);
	return to;
}

static int match_now(void *ctx, const struct lt_elf_symbol *symbol)
{
	struct lt_elf_symbol *now = ctx;

	if (strcmp(symbol->name, "uv_now"))
		return 0;
	*now = *symbol;
	return 1;
}

static int32_t mutex_bytes_of(int fd, size_t *ret_n_missing)
{
	struct lt_image *image = NULL;
	int32_t mutex_bytes;

	assert_int_equal(lt_image__analyse(fd, &image), 0);
	mutex_bytes = image->uv.mutex_bytes;
	*ret_n_missing = image->n_missing;
	free(image);
	return mutex_bytes;
}

/* A libuv that has its time elsewhere, as one for another libc may: its loops are not read, and that is told. */
static void test_another_libc(void **state)
{
	static const unsigned char time[] = { 0x20, 2, 0, 0 }, other[] = { 0x28, 2, 0, 0 };
	struct lt_elf_symbol now = { 0 };
	size_t missing, missing_before;
	unsigned char code[16], *found;
	struct lt_elf *elf;
	int64_t offset;
	int fd = copy_libuv();

	(void)state;
	assert_int_equal(mutex_bytes_of(fd, &missing_before), lt_machine_x86.mutex_bytes);
	assert_int_equal(lt_elf__open(fd, &elf), 0);
	assert_int_equal(lt_elf__each_symbol(elf, match_now, &now), 1);
	offset = lt_elf__offset(elf, now.vaddr, sizeof(code), true);
	lt_elf__close(elf);
	assert_true(offset > 0);
	assert_int_equal(pread(fd, code, sizeof(code), offset), sizeof(code));
	found = memmem(code, sizeof(code), time, sizeof(time));
	assert_non_null(found);
	assert_int_equal(pwrite(fd, other, sizeof(other), offset + (found - code)), sizeof(other));
	assert_int_equal(mutex_bytes_of(fd, &missing), 0);
	assert_int_equal(missing, missing_before + 1);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		NODE_TESTS("x86-64", test_x86, node_majors),
		NODE_TESTS("arm64", test_arm64, node_majors),
		cmocka_unit_test(test_another_libc),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
