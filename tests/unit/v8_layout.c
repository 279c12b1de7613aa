/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/*
 * The layout of V8 in a file. This program has a small V8 of its own, of a version that there is not: its
 * constants, and code that looks as V8's does. Copies of it are bent. Then the real ones, whole and stripped.
 */
#include <elf.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "agent/target/elf.h"
#include "agent/v8/layout.h"
#include "looptop/log.h"
#include "tests/unit/node_binary.h"

/* --- a V8 -------------------------------------------------------------------------------------- */

#define INT(name, value)              \
	extern const int32_t name##_; \
	const int32_t name##_ __asm__(#name) = value
#define CONSTANT(name, value) INT(v8dbg_##name, value)

CONSTANT(TaggedSize, 8);
CONSTANT(SmiValueShift, 1);
CONSTANT(SmiShiftSize, 31);
CONSTANT(FirstNonstringType, 0x80);
CONSTANT(type_JSFunction__JS_FUNCTION_TYPE, 0x777);
CONSTANT(type_SharedFunctionInfo__SHARED_FUNCTION_INFO_TYPE, 0x321);
CONSTANT(type_ScopeInfo__SCOPE_INFO_TYPE, 0x322);
CONSTANT(type_Script__SCRIPT_TYPE, 0x323);
CONSTANT(type_ScriptOrModule__SCRIPT_OR_MODULE_TYPE, 0x3ff);
CONSTANT(class_Map__instance_type__uint16_t, 0xc);
CONSTANT(class_JSFunction__shared__SharedFunctionInfo, 0x28);
CONSTANT(class_SharedFunctionInfo__name_or_scope_info__Tagged_SomethingNew_, 0x18);
CONSTANT(class_SharedFunctionInfo__script_or_debug_info__HeapObject, 0x38);
CONSTANT(class_SharedFunctionInfo__script__Tagged_HeapObject_, 0x30);
CONSTANT(class_SharedFunctionInfo__raw_function_token_offset__int16_t, 0x3c);
CONSTANT(scopeinfo_idx_first_vars, 5);
CONSTANT(class_Script__source__Object, 0x8);
CONSTANT(class_Script__name__Object, 0x10);
CONSTANT(class_Code__instruction_size__int, -4); /* nonsense: an offset is not negative */
CONSTANT(class_Code__flags__uint32_t, 0x12345); /* nor that large */
INT(_ZN2v88internal7Version6major_E, 99);
INT(_ZN2v88internal7Version6minor_E, 7);
INT(_ZN2v88internal7Version6build_E, 42);

/* A 0 is kept in .bss. */
extern int32_t in_bss;
int32_t in_bss __asm__("v8dbg_DeoptimizationDataInlinedFunctionCountIndex");

/* Another size: no constant, though it is called like one. */
extern const int64_t is_wide;
const int64_t is_wide __asm__("v8dbg_class_BytecodeArray__data__uintptr_t") = 0x40;

__thread void *current_isolate __asm__("_ZN2v88internal18g_current_isolate_E")
	__attribute__((used));
__thread char other_variable[24] __attribute__((used)) = "x";

#define BYTECODES 120
#define ROW	  1, 2, 3, 4, 5, 6, 7, 8, 9, 10
#define ROWS	  ROW, ROW, ROW, ROW, ROW, ROW, ROW, ROW, ROW, ROW, ROW, ROW
extern const uint8_t bytecode_sizes[3 * BYTECODES];
const uint8_t bytecode_sizes[3 * BYTECODES] __asm__(
	"_ZN2v88internal11interpreter9Bytecodes14kBytecodeSizesE") = { ROWS, ROWS, ROWS };

#define FUNCTION(name, code) \
	".globl " name "\n.type " name ",@function\n" name ":\n" code ".size " name ",.-" name "\n"

/* clang-format off */
__asm__(".text\n.p2align 5\n"
	"blob_begin:\n"
	FUNCTION("Builtins_First", "ret\n.skip 31,0xcc\n")
	/* another store, and another builtin's marker */
	FUNCTION("Builtins_Other",
		 "push $8\npush $0\nmov %rbp,0x999(%r13)\nlea -0x80(%r13),%rdx\nret\n")
	FUNCTION("Builtins_CEntry_Return1_SaveFPRegs_ArgvOnStack_NoBuiltinExit",
		 "push %rbp\nmov %rsp,%rbp\npush $6\npush $0\nmov %rbp,0x1234(%r13)\n"
		 ".skip 100,0x90\nlea -0x80(%r13),%rdx\nret\n")
	FUNCTION("Builtins_CEntry_Return1_ArgvOnStack_NoBuiltinExit",
		 "push %rbp\nmov %rsp,%rbp\npush $6\npush $0\nmov %r8,%r12\nmov %rbp,0x1234(%r13)\n"
		 "mov %rsi,0x1240(%r13)\nlea -0x80(%r13),%rdx\ncall *%rbx\nret\n.skip 64,0xcc\n")
	"blob_end:\n"
	FUNCTION("_ZN2v88internal23DefaultEmbeddedBlobCodeEv",
		 "push %rbp\nmov %rsp,%rbp\nlea blob_begin(%rip),%rax\npop %rbp\nret\n")
	FUNCTION("_ZN2v88internal27DefaultEmbeddedBlobCodeSizeEv", "mov blob_size(%rip),%eax\nret\n")
	FUNCTION("_ZN2v87Isolate10GetCurrentEv",
		 ".byte 0x64,0x48,0x8b,0x04,0x25\n.long -0x158\nret\n")
	".skip 128,0xcc\n"
	".section .rodata\n.p2align 2\nblob_size: .long blob_end-blob_begin\n.text\n");
/* clang-format on */

extern const char blob_begin[], blob_end[];

/* --- files ------------------------------------------------------------------------------------- */

struct file {
	uint8_t *bytes; /* shared with fd */
	size_t size;
	int fd;
};

/* A copy in memory, which may be changed. */
static struct file copy_of(int fd)
{
	struct file file = { .fd = memfd_create("v8", MFD_CLOEXEC) };
	struct stat st;
	off_t at = 0;

	assert_true(file.fd >= 0);
	assert_int_equal(fstat(fd, &st), 0);
	while (at < st.st_size)
		assert_true(sendfile(file.fd, fd, &at, (size_t)(st.st_size - at)) > 0);
	file.size = (size_t)st.st_size;
	file.bytes = mmap(NULL, file.size, PROT_READ | PROT_WRITE, MAP_SHARED, file.fd, 0);
	assert_true(file.bytes != MAP_FAILED);
	return file;
}

static struct file copy_of_self(void)
{
	int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	struct file file;

	assert_true(fd >= 0);
	file = copy_of(fd);
	close(fd);
	return file;
}

static void drop(struct file *file)
{
	munmap(file->bytes, file->size);
	close(file->fd);
}

static Elf64_Shdr *section(const struct file *file, uint32_t type)
{
	const Elf64_Ehdr *eh = (const Elf64_Ehdr *)file->bytes;
	Elf64_Shdr *sh = (Elf64_Shdr *)(file->bytes + eh->e_shoff);

	for (int i = 0; i < eh->e_shnum; i++)
		if (sh[i].sh_type == type)
			return &sh[i];
	return NULL;
}

static char *name_of(const struct file *file, const Elf64_Shdr *table, const Elf64_Sym *sym)
{
	const Elf64_Ehdr *eh = (const Elf64_Ehdr *)file->bytes;
	const Elf64_Shdr *sh = (const Elf64_Shdr *)(file->bytes + eh->e_shoff);

	return (char *)file->bytes + sh[table->sh_link].sh_offset + sym->st_name;
}

/* Forgets the symbols whose names begin like that. */
static void hide(struct file *file, const char *prefix)
{
	const Elf64_Shdr *table = section(file, SHT_SYMTAB);
	Elf64_Sym *sym = (Elf64_Sym *)(file->bytes + table->sh_offset);
	int n = 0;

	for (size_t i = 0; i < table->sh_size / sizeof(*sym); i++)
		if (!strncmp(name_of(file, table, &sym[i]), prefix, strlen(prefix))) {
			sym[i].st_shndx = SHN_UNDEF;
			n++;
		}
	assert_true(n > 0);
}

static void set_int(struct file *file, const char *name, int32_t value)
{
	const Elf64_Ehdr *eh = (const Elf64_Ehdr *)file->bytes;
	const Elf64_Phdr *ph = (const Elf64_Phdr *)(file->bytes + eh->e_phoff);
	const Elf64_Shdr *table = section(file, SHT_SYMTAB);
	const Elf64_Sym *sym = (const Elf64_Sym *)(file->bytes + table->sh_offset);

	for (size_t i = 0; i < table->sh_size / sizeof(*sym); i++) {
		if (strcmp(name_of(file, table, &sym[i]), name))
			continue;
		for (int p = 0; p < eh->e_phnum; p++)
			if (ph[p].p_type == PT_LOAD && sym[i].st_value >= ph[p].p_vaddr &&
			    sym[i].st_value - ph[p].p_vaddr < ph[p].p_filesz) {
				memcpy(file->bytes + sym[i].st_value - ph[p].p_vaddr +
					       ph[p].p_offset,
				       &value, sizeof(value));
				return;
			}
	}
	fail_msg("no %s in the file", name);
}

static struct lt_v8_layout layout_of(int fd)
{
	struct lt_v8_layout layout;
	struct lt_elf *elf;

	memset(&layout, 0xee, sizeof(layout));
	assert_int_equal(lt_elf__open(fd, &elf), 0);
	lt_v8_layout__read(elf, &layout);
	lt_elf__close(elf);
	assert_non_null(memchr(layout.why_not, '\0', sizeof(layout.why_not)));
	assert_int_equal(layout.level == LT_V8_LINES, layout.why_not[0] == '\0');
	return layout;
}

/* --- tests ------------------------------------------------------------------------------------- */

static void test_unknown_version(void **state)
{
	struct file file = copy_of_self();
	struct lt_v8_layout layout = layout_of(file.fd);
	int64_t tls = (char *)&current_isolate - (char *)__builtin_thread_pointer();

	(void)state;
	assert_int_equal(layout.level, LT_V8_NAMES);
	assert_non_null(strstr(layout.why_not, "99.7.42"));
	assert_int_equal(layout.function_type_first, 0x777);
	assert_int_equal(layout.function_type_last, 0x777);
	assert_int_equal(layout.script_type, 0x323);
	assert_int_equal(layout.shared_name_or_scope, 0x18); /* whatever its type is called */
	assert_int_equal(layout.shared_script, 0x30); /* the better of two names */
	assert_int_equal(layout.deopt_inlined_count, 0);
	assert_int_equal(layout.bytecode_array_data, LT_V8_UNKNOWN);
	assert_int_equal(layout.code_instruction_size, LT_V8_UNKNOWN);
	assert_int_equal(layout.code_flags, LT_V8_UNKNOWN);
	assert_int_equal(layout.script_source_url, LT_V8_UNKNOWN); /* it is nobody's guess */
	assert_int_equal(layout.bytecode_count, BYTECODES);
	assert_int_equal(layout.c_entry_fp, 0x1234 + 0x80);
	assert_int_equal(layout.isolate_tls, tls);
	assert_int_equal(layout.isolate_key, 0);
	assert_int_equal(layout.blob_end - layout.blob_begin, blob_end - blob_begin);
	drop(&file);
}

static void test_verified_version(void **state)
{
	struct file file = copy_of_self();
	struct lt_v8_layout layout;

	(void)state;
	set_int(&file, "_ZN2v88internal7Version6major_E", 13);
	set_int(&file, "_ZN2v88internal7Version6minor_E", 6);
	layout = layout_of(file.fd);
	assert_int_equal(layout.level, LT_V8_LINES);
	assert_int_equal(layout.new_positions, 0);
	assert_int_equal(layout.script_type, 0x323); /* what it says itself is right for it */
	assert_int_equal(layout.debug_info_type, 0x9a); /* the table fills in */
	assert_int_equal(layout.script_source_url, 0x70);
	assert_int_equal(layout.code_flags, 0x34);
#define CHECK(member) assert_int_not_equal(layout.member, LT_V8_UNKNOWN);
	LT_V8_FIELDS(CHECK)
#undef CHECK
	set_int(&file, "_ZN2v88internal7Version6minor_E", 7);
	assert_int_equal(layout_of(file.fd).level, LT_V8_NAMES);
	set_int(&file, "_ZN2v88internal7Version6major_E", 14);
	set_int(&file, "_ZN2v88internal7Version6minor_E", 6);
	assert_int_equal(layout_of(file.fd).new_positions, 1);
	drop(&file);
}

static void test_refused(void **state)
{
	static const char *const needed[] = { "v8dbg_type_Script__", "v8dbg_FirstNonstringType",
					      "v8dbg_type_JSFunction__",
					      "v8dbg_class_JSFunction__" };
	struct file file = copy_of_self();
	struct lt_v8_layout layout;

	(void)state;
	set_int(&file, "v8dbg_TaggedSize", 4);
	layout = layout_of(file.fd);
	assert_int_equal(layout.level, LT_V8_NONE);
	assert_non_null(strstr(layout.why_not, "pointer compression"));
	set_int(&file, "v8dbg_TaggedSize", 8);
	set_int(&file, "v8dbg_SmiShiftSize", 0);
	assert_int_equal(layout_of(file.fd).level, LT_V8_NONE);
	set_int(&file, "v8dbg_SmiShiftSize", 31);
	assert_int_equal(layout_of(file.fd).level, LT_V8_NAMES);
	hide(&file, "v8dbg_SmiShiftSize");
	assert_int_equal(layout_of(file.fd).level, LT_V8_NONE);
	drop(&file);
	for (size_t i = 0; i < sizeof(needed) / sizeof(needed[0]); i++) {
		file = copy_of_self();
		hide(&file, needed[i]);
		layout = layout_of(file.fd);
		assert_int_equal(layout.level, LT_V8_NONE);
		assert_non_null(strstr(layout.why_not, "does not tell"));
		drop(&file);
	}
	file = copy_of_self();
	hide(&file, "v8dbg_");
	layout = layout_of(file.fd);
	assert_int_equal(layout.level, LT_V8_NONE);
	assert_int_equal(layout.script_type, LT_V8_UNKNOWN);
	assert_int_equal(layout.c_entry_fp, LT_V8_UNKNOWN);
	drop(&file);
}

/* Without the symbols of builtins and of the isolate: by the code of exported functions. */
static void test_decoded(void **state)
{
	struct file file = copy_of_self();
	struct lt_v8_layout whole = layout_of(file.fd), layout;

	(void)state;
	hide(&file, "Builtins_");
	hide(&file, "_ZN2v88internal18g_current_isolate_E");
	layout = layout_of(file.fd);
	assert_int_equal(layout.blob_begin, whole.blob_begin);
	assert_int_equal(layout.blob_end, whole.blob_end);
	assert_int_equal(layout.c_entry_fp, whole.c_entry_fp);
	assert_int_equal(layout.isolate_tls, -0x158);
	/* nor the functions: the whole code is searched, the isolate is unknown */
	hide(&file, "_ZN2v88internal23DefaultEmbeddedBlobCodeEv");
	hide(&file, "_ZN2v87Isolate10GetCurrentEv");
	layout = layout_of(file.fd);
	assert_int_equal(layout.blob_begin, 0);
	assert_int_equal(layout.c_entry_fp, whole.c_entry_fp);
	assert_int_equal(layout.isolate_tls, LT_V8_UNKNOWN);
	drop(&file);
}

static void test_bytecode_sizes(void **state)
{
	struct file file = copy_of_self();
	uint8_t *row = memmem(file.bytes, file.size, bytecode_sizes, sizeof(bytecode_sizes));

	(void)state;
	assert_non_null(row);
	row[2 * BYTECODES + 3] = 0; /* a bytecode of no length would never end */
	assert_int_equal(layout_of(file.fd).bytecode_sizes, 0);
	assert_int_equal(layout_of(file.fd).bytecode_count, 0);
	drop(&file);
}

/* Symbols that tell nonsense, and code that ends early. */
static void test_garbage(void **state)
{
	struct file file = copy_of_self();
	const Elf64_Shdr *table = section(&file, SHT_SYMTAB);
	uint64_t seed = 42;

	(void)state;
	for (int round = 0; round < 300; round++) {
		uint64_t at, old, *word;
		struct lt_v8_layout layout;

		seed = seed * 6364136223846793005u + 1442695040888963407u;
		at = table->sh_offset + (seed >> 20) % (table->sh_size - 8);
		word = (uint64_t *)(file.bytes + (at & ~7ul));
		old = *word;
		*word = round & 1 ? seed : old ^ (1ull << (seed >> 58));
		layout = layout_of(file.fd);
		assert_true(layout.blob_begin <= layout.blob_end);
		assert_in_range(layout.level, LT_V8_NONE, LT_V8_LINES);
		if (round % 3)
			*word = old;
	}
	drop(&file);
}

static void test_keys(void **state)
{
	(void)state;
	assert_int_equal(lt_v8_layout__key_tls(4), 0x358);
	assert_int_equal(lt_v8_layout__key_tls(6), 0x378);
	assert_int_equal(lt_v8_layout__key_tls(-1), LT_V8_UNKNOWN);
	assert_int_equal(lt_v8_layout__key_tls(31), 0x310 + 31 * 16 + 8);
	assert_int_equal(lt_v8_layout__key_tls(32), LT_V8_UNKNOWN);
}

/* --- real ones --------------------------------------------------------------------------------- */

struct expected {
	int node, major, minor, shared_type, code_header, c_entry_fp, isolate_tls;
	bool has_key;
	unsigned bytecodes;
	bool exports; /* what is decoded when only exported symbols are left */
};

static const struct expected expected[] = {
	{ 16, 9, 4, 0xb3, 0x60, 0x36b8, LT_V8_UNKNOWN, true, 197, true },
	{ 18, 10, 2, 0x101, 0x80, 0x4538, LT_V8_UNKNOWN, true, 198, true },
	{ 20, 11, 3, 0x106, 0x10, 0x180, -0x50, false, 198, true },
	{ 22, 12, 4, 0x112, 0x20, 0x110, -0x78, false, 203, true },
	{ 24, 13, 6, 0x11a, 0x20, 0x140, -0xa0, false, 208, false },
	{ 26, 14, 6, 0x120, 0x20, 0x148, -0x178, false, 212, false },
};

static int open_node(int major)
{
	char path[512];

	return node_binary(major, path, sizeof(path));
}

static void count_line(enum lt_log_level level, const char *line, void *ctx)
{
	(void)level;
	print_error("%s\n", line);
	++*(int *)ctx;
}

static void check_layout(const struct expected *want, const struct lt_v8_layout *layout)
{
	assert_int_equal(layout->level, LT_V8_LINES);
	assert_int_equal(layout->major, want->major);
	assert_int_equal(layout->minor, want->minor);
	assert_int_equal(layout->new_positions, want->node >= 25);
	assert_int_equal(layout->shared_type, want->shared_type);
	assert_int_equal(layout->code_header, want->code_header);
	assert_int_equal(layout->c_entry_fp, want->c_entry_fp);
	assert_int_equal(layout->isolate_tls, want->isolate_tls);
	assert_int_equal(layout->isolate_key != 0, want->has_key);
	assert_int_equal(layout->shared_wrapper_type != LT_V8_UNKNOWN, want->node >= 24);
	assert_int_equal(layout->code_instruction_start != LT_V8_UNKNOWN, want->node >= 20);
}

/* The symbols and the table agree on every constant that both have. */
static void test_node(void **state)
{
	const struct expected *want = *state;
	struct lt_v8_layout layout;
	int fd = open_node(want->node), differences = 0;

	lt_log_set_level(LT_LOG_DEBUG);
	lt_log_set_sink(count_line, &differences);
	layout = layout_of(fd);
	lt_log_set_sink(NULL, NULL);
	lt_log_set_level(LT_LOG_WARN);
	assert_int_equal(differences, 0);
	check_layout(want, &layout);
	assert_int_equal(layout.bytecode_count, want->bytecodes);
	assert_in_range(layout.blob_end - layout.blob_begin, 1u << 20, 4u << 20);
	close(fd);
}

/* Only the exported symbols are left; without the pthread key's, for that can be decoded. */
static void test_stripped(void **state)
{
	const struct expected *want = *state;
	int fd = open_node(want->node);
	struct file file = copy_of(fd);
	struct lt_v8_layout whole = layout_of(file.fd), layout;
	const Elf64_Shdr *dynsym = section(&file, SHT_DYNSYM);
	Elf64_Sym *sym = (Elf64_Sym *)(file.bytes + dynsym->sh_offset);

	section(&file, SHT_SYMTAB)->sh_type = SHT_PROGBITS;
	layout = layout_of(file.fd);
	check_layout(want, &layout);
	for (size_t i = 0; i < dynsym->sh_size / sizeof(*sym); i++)
		if (strstr(name_of(&file, dynsym, &sym[i]), "isolate_key_"))
			sym[i].st_info = STT_NOTYPE;
	layout = layout_of(file.fd);
	check_layout(want, &layout);
	assert_int_equal(layout.isolate_key, whole.isolate_key);
	assert_int_equal(layout.blob_begin, want->exports ? whole.blob_begin : 0);
	/* symbols leave out what fills up the last page */
	if (want->exports)
		assert_in_range(layout.blob_end, whole.blob_end, whole.blob_end + 64);
	assert_int_equal(layout.bytecode_sizes, want->exports ? whole.bytecode_sizes : 0);
	drop(&file);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_unknown_version),
		cmocka_unit_test(test_verified_version),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_decoded),
		cmocka_unit_test(test_bytecode_sizes),
		cmocka_unit_test(test_garbage),
		cmocka_unit_test(test_keys),
		NODE_TESTS("node", test_node, expected),
		NODE_TESTS("stripped node", test_stripped, expected),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
