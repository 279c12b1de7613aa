/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/*
 * A census of the classes of pool tasks in the official Node binaries: each that can be given to the pool has a kind. With
 * a new major version a class that nobody has thought of fails here, and is not counted as "other" in silence.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include <cmocka.h>

#include "agent/runtime/registry.h"
#include "agent/target/elf.h"
#include "agent/util/text.h"
#include "tests/unit/node_binary.h"

#define CLASSES_MAX 256
#define NAME_SIZE   256
#define WORK	    "16DoThreadPoolWorkEv" /* the function that a thread of the pool calls, mangled */

struct census {
	char vtables[CLASSES_MAX][NAME_SIZE]; /* that a class with this function would have */
	bool has_vtable[CLASSES_MAX];
	size_t n;
};

/* "_ZN4node2fs11ReadFileJob16DoThreadPoolWorkEv" is of the class with "_ZTVN4node2fs11ReadFileJobE". Thunks are
 * of the same classes. */
static int note_class(void *ctx, const struct lt_elf_symbol *symbol)
{
	struct census *census = ctx;
	size_t length = strlen(symbol->name), end = strlen(WORK);

	if (length <= end || strncmp(symbol->name, "_ZN", 3) || strcmp(symbol->name + length - end, WORK))
		return 0;
	assert_true(census->n < CLASSES_MAX && length < NAME_SIZE);
	snprintf(census->vtables[census->n++], NAME_SIZE, "_ZTV%.*sE", (int)(length - end - 2),
		 symbol->name + 2);
	return 0;
}

static int note_vtable(void *ctx, const struct lt_elf_symbol *symbol)
{
	struct census *census = ctx;

	for (size_t i = 0; i < census->n; i++)
		if (!strcmp(census->vtables[i], symbol->name))
			census->has_vtable[i] = true;
	return 0;
}

/* What a task does its work with: it has a function of that name, and is given to nobody. */
static bool is_part(const char *vtable)
{
	static const char *const parts[] = { "11ZlibContextE", "21ZstdDecompressContextE" };

	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		if (lt_ends_with(vtable, parts[i]))
			return true;
	return false;
}

static void test_census(void **state)
{
	static struct census census;
	char path[512];
	struct lt_elf *elf;
	int fd = node_binary(*(const int *)*state, path, sizeof(path));
	unsigned counted = 0, unknown = 0;

	census = (struct census){ 0 };
	assert_int_equal(lt_elf__open(fd, &elf), 0);
	assert_int_equal(lt_elf__each_symbol(elf, note_class, &census), 0);
	assert_int_equal(lt_elf__each_symbol(elf, note_vtable, &census), 0);
	for (size_t i = 0; i < census.n; i++) {
		if (!census.has_vtable[i] || is_part(census.vtables[i]))
			continue;
		counted++;
		if (lt_runtime_node.class_kind(census.vtables[i]) < LT_KIND_MAX)
			continue;
		print_error("%s: the class of %s has no kind\n", path, census.vtables[i]);
		unknown++;
	}
	assert_true(counted >= 20);
	assert_int_equal(unknown, 0);
	lt_elf__close(elf);
	close(fd);
}

static void test_kinds(void **state)
{
	static const struct {
		const char *vtable;
		enum lt_kind kind;
	} classes[] = {
		{ "_ZTVN4node2fs11ReadFileJobE", LT_KIND_FS },
		{ "_ZTVN4node2fs12_GLOBAL__N_120ReadDirRecursiveWorkE", LT_KIND_FS },
		{ "_ZTVN4node6sqlite9BackupJobE", LT_KIND_FS },
		{ "_ZTVN4node2fs13FSReqCallbackE", LT_KIND_MAX },
		{ "_ZTVN4node6crypto9CipherJobINS0_15AESCipherTraitsEEE", LT_KIND_CRYPTO },
		{ "_ZTVN4node6crypto10SecureHeapE", LT_KIND_MAX },
		{ "_ZTVN12_GLOBAL__N_16uvimpl4WorkE", LT_KIND_NAPI },
		{ "_ZTIN4node2fs11ReadFileJobE", LT_KIND_MAX },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(classes) / sizeof(classes[0]); i++)
		assert_int_equal(lt_runtime_node.class_kind(classes[i].vtable), classes[i].kind);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_kinds),
		NODE_TESTS("census", test_census, node_majors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
