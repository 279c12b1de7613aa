/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/*
 * The last look before probes go in: real sites pass, in all versions; whatever is not the beginning of the very
 * instruction does not, wherever it comes from. And which instructions are no site at all.
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

#include "agent/runtime/registry.h"
#include "agent/target/cache.h"
#include "agent/target/decode.h"
#include "agent/target/elf.h"
#include "agent/target/image.h"
#include "agent/target/machine.h"
#include "agent/target/sites.h"
#include "agent/target/verify.h"
#include "tests/unit/elf_file.h"
#include "tests/unit/node_binary.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* --- real files ------------------------------------------------------------------------------- */

struct binary {
	const char *machine; /* as node_binary_for() wants it */
	int major;
};

static const struct binary binaries[] = { { "", 16 }, { "", 18 }, { "", 20 },
					  { "", 22 }, { "", 24 }, { "", 26 } };
static const struct binary arm64[] = { { "-arm64", 16 }, { "-arm64", 18 }, { "-arm64", 20 },
				       { "-arm64", 22 }, { "-arm64", 24 }, { "-arm64", 26 } };

static const struct lt_machine *machine_of(const struct binary *binary)
{
	return *binary->machine ? &lt_machine_arm64 : &lt_machine_x86;
}

static struct lt_image *analyse(int fd)
{
	struct lt_image *image;

	assert_int_equal(lt_image__analyse_any(fd, &image), 0);
	return image;
}

static int verify(const struct binary *binary, int fd, const struct lt_image *image,
		  enum lt_group group)
{
	const struct lt_site *site = NULL;
	int err = lt_verify_sites_of(machine_of(binary), fd, image, group, &site);

	if (err == -ESTALE) /* it is told which */
		assert_true(site >= image->sites && site < image->sites + image->n_sites &&
			    site->group == group);
	return err;
}

/* A site that is moved, or is said to be another instruction, in each way that a file or an entry could say it. */
static void bend(const struct binary *binary, int fd, struct lt_image *image, size_t index)
{
	struct lt_site *site = &image->sites[index], good = *site;
	const struct lt_site bad[] = {
		{ .vaddr = good.vaddr + 1, .file_offset = good.file_offset + 1 },
		{ .vaddr = good.vaddr - 1, .file_offset = good.file_offset - 1 },
		{ .file_offset = good.file_offset + 4096 },
		{ .file_offset = UINT64_MAX - 8 },
		{ .vaddr = good.vaddr + (1u << 20), .file_offset = good.file_offset + (1u << 20) },
		{ .vaddr = 16 },
		{ .function = good.vaddr + 4 },
		{ .function = 1 },
		{ .length = (uint8_t)(good.length + 1) },
		{ .length = 17 },
		{ .cost = 2 },
	};

	for (size_t i = 0; i < COUNT(bad); i++) {
		if (bad[i].vaddr)
			site->vaddr = bad[i].vaddr;
		if (bad[i].file_offset)
			site->file_offset = bad[i].file_offset;
		if (bad[i].function)
			site->function = bad[i].function;
		if (bad[i].length)
			site->length = bad[i].length;
		if (bad[i].cost)
			site->cost = !good.cost;
		if (verify(binary, fd, image, good.group) != -ESTALE)
			fail_msg("%s passes, bent in way %zu", good.symbol, i);
		*site = good;
	}
	site->length = 0;
	assert_int_equal(verify(binary, fd, image, good.group), -ESTALE);
	*site = good;
	for (size_t i = 0; i < good.length; i++) {
		site->bytes[i] ^= 1;
		assert_int_equal(verify(binary, fd, image, good.group), -ESTALE);
		*site = good;
	}
}

static void test_node(void **state)
{
	const struct binary *binary = *state;
	struct lt_image *image;
	char path[512];
	int fd = node_binary_for(binary->machine, binary->major, path, sizeof(path));

	image = analyse(fd);
	assert_in_range(image->n_sites, 30, LT_IMAGE_SITES_MAX);
	assert_in_range(image->n_parts, 1, LT_IMAGE_PARTS_MAX);
	for (enum lt_group group = 0; group < LT_GROUP_MAX; group++)
		assert_int_equal(verify(binary, fd, image, group), 0);
	for (size_t i = 0; i < image->n_sites; i++)
		bend(binary, fd, image, i);
	for (enum lt_group group = 0; group < LT_GROUP_MAX; group++)
		assert_int_equal(verify(binary, fd, image, group), 0);
	free(image);
	close(fd);
}

/* --- functions without end --------------------------------------------------------------------- */

#define PUSHES	   (300u << 10)
#define CODE_BEGIN 0x1000u

/* A program that is one byte's instruction again and again. */
static int file_of_pushes(void)
{
	Elf64_Phdr ph = { .p_type = PT_LOAD,
			  .p_flags = PF_R | PF_X,
			  .p_vaddr = CODE_BEGIN,
			  .p_filesz = PUSHES,
			  .p_memsz = PUSHES,
			  .p_offset = CODE_BEGIN };
	Elf64_Ehdr eh = { .e_phoff = sizeof(eh), .e_phnum = 1 };
	unsigned char *bytes = calloc(1, CODE_BEGIN + PUSHES);
	int fd;

	memcpy(eh.e_ident, ELFMAG, SELFMAG);
	eh.e_ident[EI_CLASS] = ELFCLASS64;
	memcpy(bytes, &eh, sizeof(eh));
	memcpy(bytes + sizeof(eh), &ph, sizeof(ph));
	memset(bytes + CODE_BEGIN, 0x55, PUSHES);
	fd = file_open(bytes, CODE_BEGIN + PUSHES);
	free(bytes);
	return fd;
}

static struct lt_site site_at(uint64_t function, uint64_t vaddr)
{
	return (struct lt_site){ .function = function,
				 .vaddr = vaddr,
				 .file_offset = vaddr,
				 .length = 1,
				 .cost = LT_SITE_EMULATED,
				 .bytes = { 0x55 } };
}

/* Decoding happens in the agent: what all functions of a group take together has a bound. */
static void test_long_functions(void **state)
{
	struct lt_image *image = calloc(1, sizeof(*image));
	const struct lt_site *told;
	int fd = file_of_pushes();

	(void)state;
	image->n_sites = 2;
	image->sites[0] = site_at(CODE_BEGIN, CODE_BEGIN + (90 << 10));
	image->sites[1] = site_at(CODE_BEGIN + (100 << 10), CODE_BEGIN + (110 << 10));
	assert_int_equal(
		lt_verify_sites_of(&lt_machine_x86, fd, image, image->sites[0].group, &told), 0);
	image->sites[1] = site_at(CODE_BEGIN + (100 << 10), CODE_BEGIN + (190 << 10));
	assert_int_equal(
		lt_verify_sites_of(&lt_machine_x86, fd, image, image->sites[0].group, &told),
		-EFBIG);
	assert_ptr_equal(told, &image->sites[1]);
	free(image);
	close(fd);
}

/* --- a copy with a moved symbol --------------------------------------------------------------- */

/* In the middle of an instruction of the function: its address, where the file has push %rbp's byte. */
static uint64_t push_inside(const struct file *file, int fd, const struct lt_site *site)
{
	struct lt_function code;
	struct lt_elf *elf;
	uint64_t found = 0;

	assert_int_equal(lt_elf__open(fd, &elf), 0);
	assert_int_equal(lt_function__decode(elf, site->function, 4096, &code), 0);
	for (size_t i = 0; i < code.n_insns && !found; i++) {
		const struct lt_insn *in = &code.insns[i];
		int64_t at = lt_elf__offset(elf, in->vaddr, in->length, true);

		for (uint8_t k = 1; k < in->length && !found; k++)
			if (file->bytes[at + k] == 0x55)
				found = in->vaddr + k;
	}
	lt_function__free(&code);
	lt_elf__close(elf);
	return found;
}

static void move_symbol(struct file *file, const char *name, uint64_t vaddr)
{
	const Elf64_Shdr *symtab = file_section(file->bytes, ".symtab"),
			 *strtab = file_section(file->bytes, ".strtab");
	Elf64_Sym *sym = (Elf64_Sym *)(file->bytes + symtab->sh_offset);
	bool moved = false;

	for (size_t i = 0; i < symtab->sh_size / sizeof(*sym); i++)
		if (!strcmp((char *)file->bytes + strtab->sh_offset + sym[i].st_name, name)) {
			sym[i].st_value = vaddr;
			sym[i].st_size = 1;
			moved = true;
		}
	assert_true(moved);
}

static const struct lt_site *site_of(const struct lt_image *image, const char *symbol)
{
	for (size_t i = 0; i < image->n_sites; i++)
		if (!strcmp(image->sites[i].symbol, symbol))
			return &image->sites[i];
	fail_msg("no site %s", symbol);
	return NULL;
}

struct lie {
	struct lt_image *genuine, *lying;
	int fd, copy; /* of the files */
	const struct lt_site *host,
		*moved; /* that of whose function the middle of an instruction is in; that which is there */
};

/* A copy in which a symbol says that its function begins in the middle of another's instruction, at a push's byte. */
static void lie(struct lie *lie)
{
	struct file file;
	char path[512];
	uint64_t inside = 0;

	lie->fd = node_binary(22, path, sizeof(path));
	lie->genuine = analyse(lie->fd);
	file = file_read(path);
	for (size_t i = 0; i < lie->genuine->n_sites && !inside; i++) {
		lie->host = &lie->genuine->sites[i];
		inside = push_inside(&file, lie->fd, lie->host);
	}
	assert_int_not_equal(inside, 0);
	move_symbol(&file, "uv__getnameinfo_done", inside);
	lie->copy = file_open(file.bytes, file.size);
	lie->lying = analyse(lie->copy);
	lie->moved = site_of(lie->lying, "uv__getnameinfo_done");
	assert_int_equal(lie->moved->vaddr, inside);
	free(file.bytes);
}

static void end_lie(struct lie *lie)
{
	free(lie->genuine);
	free(lie->lying);
	close(lie->fd);
	close(lie->copy);
}

/* What was found in the copy is true of both, to the byte: the build-id, the size, the instruction at the site. Only
 * decoding from where the function begins tells. */
static void test_moved_symbol(void **state)
{
	static const struct binary node = { "", 22 };
	struct lie l;
	const struct lt_site *told;
	uint8_t byte;

	(void)state;
	lie(&l);
	assert_string_equal(l.lying->build_id, l.genuine->build_id);
	assert_int_equal(l.moved->cost, LT_SITE_EMULATED);
	assert_int_equal(pread(l.fd, &byte, 1, (off_t)l.moved->file_offset), 1);
	assert_int_equal(byte, l.moved->bytes[0]);
	/* in its own file the symbol is what it says: that is its owner's affair */
	assert_int_equal(verify(&node, l.copy, l.lying, l.moved->group), 0);
	((struct lt_site *)l.moved)->function = l.host->function;
	assert_int_equal(lt_verify_sites(l.fd, l.lying, l.moved->group, &told), -ESTALE);
	assert_ptr_equal(told, l.moved);
	end_lie(&l);
}

/* Nor does what is kept of one of them come back for the other, if it were given even the other's inode and times. */
static void test_moved_symbol_kept(void **state)
{
	const struct lt_identity identity = { 1, 2, 3, 4, 5, 6, 7 };
	char dir[] = "/tmp/looptop-test-verify-XXXXXX", command[64];
	struct lt_image *back = NULL;
	struct lie l;

	(void)state;
	lie(&l);
	assert_non_null(mkdtemp(dir));
	snprintf(command, sizeof(command), "rm -r %s/looptop", dir);
	setenv("XDG_CACHE_HOME", dir, 1);
	lt_cache_store(l.copy, &identity, l.lying);
	assert_int_equal(lt_cache_load(l.fd, &identity, &back), -ENOENT);
	assert_int_equal(lt_cache_load(l.copy, &identity, &back), 0);
	free(back);
	assert_int_equal(system(command), 0);
	/* an honest one was there first */
	lt_cache_store(l.fd, &identity, l.genuine);
	lt_cache_store(l.copy, &identity, l.lying);
	assert_int_equal(lt_cache_load(l.copy, &identity, &back), -ENOENT);
	assert_int_equal(lt_cache_load(l.fd, &identity, &back), 0);
	assert_memory_equal(back, l.genuine, sizeof(*back));
	free(back);
	assert_int_equal(system(command), 0);
	unsetenv("XDG_CACHE_HOME");
	rmdir(dir);
	end_lie(&l);
}

/* --- a file that is changed in place ----------------------------------------------------------- */

/* What the tests of functions in this program look for. */
#define CODE(name, code)                                                             \
	__asm__(".pushsection .text\n\t.p2align 4\n\t.globl " name "\n\t.type " name \
		", @function\n" name ":\n\t" code "\n\t.size " name ", .-" name "\n\t.popsection")

#ifdef __x86_64__

CODE("test_plain", "mov %edi,%eax\n\tadd $1,%eax\n\tpush %rbp\n\tpop %rbp\n\tret");
CODE("test_nop5", ".byte 0x0f,0x1f,0x44,0x00,0x00\n\tpush %rbp\n\tpop %rbp\n\tret");
CODE("test_nop5_mov", ".byte 0x0f,0x1f,0x44,0x00,0x00\n\tmov %rbp,%rax\n\tret");
CODE("test_data16", ".byte 0x66,0x66,0x66,0x66,0x90\n\tmov %rbp,%rax\n\tret");
CODE("test_nop10", ".byte 0x66,0x2e,0x0f,0x1f,0x84,0,0,0,0,0\n\tmov %rbp,%rax\n\tret");
CODE("test_jump_to_next", ".byte 0xe9,0,0,0,0\n\tmov %rbp,%rax\n\tret");
CODE("test_nop1", "nop\n\tmov %rbp,%rax\n\tret");
CODE("test_only_nop5", ".byte 0x0f,0x1f,0x44,0x00,0x00");

struct found {
	const char *name;
	struct lt_elf_symbol symbol;
};

static int find(void *ctx, const struct lt_elf_symbol *symbol)
{
	struct found *found = ctx;

	if (strcmp(symbol->name, found->name) != 0)
		return 0;
	found->symbol = *symbol;
	return 1;
}

/* The site at the entry of a function of this program. */
static struct lt_image *entry_of(int fd, const char *name, int *ret_err)
{
	struct lt_image *image = calloc(1, sizeof(*image));
	const struct lt_rule rule = { .role = LT_ROLE_TASK_START, .group = LT_GROUP_POOL };
	struct lt_finding finding = { .image = image };
	struct found found = { .name = name };

	assert_int_equal(lt_elf__open(fd, &finding.elf), 0);
	assert_int_equal(lt_elf__each_symbol(finding.elf, find, &found), 1);
	*ret_err = lt_find_entry(&finding, &rule, &found.symbol);
	lt_elf__close(finding.elf);
	return image;
}

static int copy_self(void)
{
	struct file self = file_read("/proc/self/exe");
	int fd = file_open(self.bytes, self.size);

	free(self.bytes);
	return fd;
}

/* Written to after the sites were found, through the same inode that processes have mapped. */
static void test_rewritten(void **state)
{
	/* what is written, how far before the site; all keep the site's own byte */
	static const struct {
		int before;
		uint8_t size, bytes[8];
	} changes[] = {
		{ 5, 2, { 0x48, 0xb8 } }, /* movabs: the site is in its operand */
		{ 3, 1, { 0xb9 } }, /* mov $,%ecx: the same */
		{ 5, 1, { 0x06 } }, /* no instruction at all */
	};
	const struct lt_site *site;
	struct lt_image *image;
	int err, fd = copy_self();
	uint8_t code[8];
	off_t at;

	(void)state;
	image = entry_of(fd, "test_plain", &err);
	assert_int_equal(err, 1);
	assert_int_equal(lt_verify_sites(fd, image, LT_GROUP_POOL, &site), 0);
	assert_int_equal(lt_verify_sites(fd, image, LT_GROUP_WAIT, &site), 0); /* it has none */
	/* the first cheap instruction: push, behind mov and add */
	assert_string_equal(image->sites[0].symbol, "test_plain+0x5");
	at = (off_t)image->sites[0].file_offset;
	for (size_t i = 0; i < COUNT(changes); i++) {
		assert_int_equal(pread(fd, code, 8, at - 5), 8);
		assert_int_equal(
			pwrite(fd, changes[i].bytes, changes[i].size, at - changes[i].before),
			changes[i].size);
		assert_int_equal(lt_verify_sites(fd, image, LT_GROUP_POOL, &site), -ESTALE);
		assert_ptr_equal(site, &image->sites[0]);
		assert_int_equal(pwrite(fd, code, 8, at - 5), 8);
		assert_int_equal(lt_verify_sites(fd, image, LT_GROUP_POOL, &site), 0);
	}
	assert_int_equal(pwrite(fd, "\x53", 1, at), 1); /* push of another register */
	assert_int_equal(lt_verify_sites(fd, image, LT_GROUP_POOL, &site), -ESTALE);
	assert_int_equal(pwrite(fd, code + 5, 1, at), 1);
	/* its code is not executable any more, is elsewhere, or is not there */
	assert_int_equal(ftruncate(fd, at), 0);
	assert_int_equal(lt_verify_sites(fd, image, LT_GROUP_POOL, &site), -ESTALE);
	assert_int_equal(ftruncate(fd, 0), 0);
	assert_int_equal(lt_verify_sites(fd, image, LT_GROUP_POOL, &site), -ESTALE);
	close(fd);
	free(image);
}

static void test_segments(void **state)
{
	struct file self = file_read("/proc/self/exe");
	const struct lt_site *site;
	struct lt_image *image;
	Elf64_Phdr *ph;
	int err, fd = file_open(self.bytes, self.size);

	(void)state;
	image = entry_of(fd, "test_plain", &err);
	close(fd);
	ph = (Elf64_Phdr *)(self.bytes + ((Elf64_Ehdr *)self.bytes)->e_phoff);
	while (ph->p_type != PT_LOAD || !(ph->p_flags & PF_X))
		ph++;
	for (int way = 0; way < 3; way++) {
		Elf64_Phdr good = *ph;

		if (way == 0)
			ph->p_flags &= ~(Elf64_Word)PF_X;
		else if (way == 1)
			ph->p_offset += 4096;
		else
			ph->p_filesz = 16;
		fd = file_open(self.bytes, self.size);
		assert_int_equal(lt_verify_sites(fd, image, LT_GROUP_POOL, &site), -ESTALE);
		close(fd);
		*ph = good;
	}
	fd = file_open(self.bytes, self.size);
	assert_int_equal(lt_verify_sites(fd, image, LT_GROUP_POOL, &site), 0);
	close(fd);
	free(image);
	free(self.bytes);
}

/* --- nops ------------------------------------------------------------------------------------- */

static void test_entries(void **state)
{
	static const struct {
		const char *name, *site; /* NULL: there is none */
		enum lt_site_cost cost;
	} cases[] = {
		{ "test_nop5", "test_nop5+0x5", LT_SITE_EMULATED },
		{ "test_nop5_mov", "test_nop5_mov+0x5", LT_SITE_STEPPED },
		{ "test_data16", "test_data16+0x5", LT_SITE_STEPPED },
		{ "test_nop10", "test_nop10+0xa", LT_SITE_STEPPED },
		{ "test_jump_to_next", NULL, 0 }, /* it ends the straight line */
		{ "test_nop1", "test_nop1", LT_SITE_EMULATED },
		{ "test_only_nop5", NULL, 0 },
	};
	int fd = copy_self();

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		int err;
		struct lt_image *image = entry_of(fd, cases[i].name, &err);

		assert_int_equal(err, cases[i].site ? 1 : -ENOENT);
		assert_int_equal(image->n_sites, cases[i].site ? 1 : 0);
		if (cases[i].site) {
			assert_string_equal(image->sites[0].symbol, cases[i].site);
			assert_int_equal(image->sites[0].cost, cases[i].cost);
		}
		free(image);
	}
	close(fd);
}

/* A kept entry that says so is no reason either: as of a version of looptop that did not know. */
static void test_kept_nop(void **state)
{
	const struct lt_site *told;
	struct lt_image *image;
	struct lt_site *site;
	int err, fd = copy_self();

	(void)state;
	image = entry_of(fd, "test_nop5", &err);
	site = &image->sites[0];
	site->vaddr -= 5;
	site->file_offset -= 5;
	site->length = 5;
	assert_int_equal(pread(fd, site->bytes, 5, (off_t)site->file_offset), 5);
	for (int cost = 0; cost < 2; cost++) {
		site->cost = (enum lt_site_cost)cost;
		assert_int_equal(lt_verify_sites(fd, image, LT_GROUP_POOL, &told), -ESTALE);
	}
	free(image);
	close(fd);
}

#endif

static void test_nops(void **state)
{
	static const struct {
		uint8_t length, bytes[15];
		bool probeable, emulated;
	} cases[] = {
		{ 1, { 0x90 }, true, true },
		{ 2, { 0x66, 0x90 }, true, true },
		{ 3, { 0x66, 0x66, 0x90 }, true, true },
		{ 3,
		  { 0x0f, 0x1f, 0x00 },
		  true,
		  false }, /* the kernel's branch emulation has it since 6.18 */
		{ 4, { 0x0f, 0x1f, 0x40, 0x00 }, true, false },
		{ 4, { 0x66, 0x66, 0x66, 0x90 }, true, true },
		{ 5, { 0x0f, 0x1f, 0x44, 0x00, 0x00 }, false, false },
		{ 5, { 0x66, 0x0f, 0x1f, 0x40, 0x00 }, false, false },
		{ 5, { 0x66, 0x66, 0x66, 0x66, 0x90 }, false, false },
		{ 5, { 0x48, 0x0f, 0x1f, 0x40, 0x00 }, false, false },
		{ 5, { 0x41, 0x0f, 0x1f, 0x40, 0x00 }, false, false },
		{ 5, { 0x67, 0x0f, 0x1f, 0x40, 0x00 }, false, false },
		{ 5, { 0xf2, 0x0f, 0x1f, 0x40, 0x00 }, false, false },
		{ 5, { 0x48, 0x8d, 0x64, 0x24, 0x00 }, false, false }, /* lea 0(%rsp),%rsp */
		{ 5, { 0x48, 0x8d, 0x74, 0x26, 0x00 }, false, false }, /* lea 0(%rsi,%riz),%rsi */
		{ 5, { 0xe9, 0, 0, 0, 0 }, false, false }, /* jmp to what is next */
		{ 5, { 0x66, 0x66, 0x66, 0x89, 0xc0 }, false, false }, /* mov %ax,%ax */
		{ 6, { 0x66, 0x0f, 0x1f, 0x44, 0x00, 0x00 }, false, false },
		{ 7, { 0x0f, 0x1f, 0x80, 0, 0, 0, 0 }, false, false },
		{ 8, { 0x0f, 0x1f, 0x84, 0, 0, 0, 0, 0 }, false, false },
		{ 9, { 0x66, 0x0f, 0x1f, 0x84, 0, 0, 0, 0, 0 }, false, false },
		{ 10, { 0x66, 0x2e, 0x0f, 0x1f, 0x84, 0, 0, 0, 0, 0 }, false, false },
		{ 15,
		  { 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66,
		    0x66, 0x90 },
		  false,
		  false },
		/* five bytes and more that do something */
		{ 5, { 0xe8, 1, 0, 0, 0 }, true, true },
		{ 5, { 0xe9, 1, 0, 0, 0 }, true, true },
		{ 5, { 0xb8, 0, 0, 0, 0 }, true, false }, /* mov $0,%eax */
		{ 5, { 0x48, 0x8d, 0x64, 0x24, 0x08 }, true, false }, /* lea 8(%rsp),%rsp */
		{ 5, { 0x48, 0x8d, 0x74, 0x24, 0x00 }, true, false }, /* lea 0(%rsp),%rsi */
		{ 5, { 0x48, 0x89, 0x44, 0x24, 0x08 }, true, false }, /* mov %rax,8(%rsp) */
		{ 1, { 0x55 }, true, true },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct lt_function code;

		if (lt_function__decode_code(&lt_machine_x86, cases[i].bytes, 0x1000,
					     cases[i].length, &code) ||
		    code.n_insns != 1 || code.insns[0].length != cases[i].length)
			fail_msg("case %zu is not one instruction", i);
		if (code.insns[0].probeable != cases[i].probeable ||
		    code.insns[0].emulated != cases[i].emulated)
			fail_msg("case %zu: probeable %d, emulated %d", i, code.insns[0].probeable,
				 code.insns[0].emulated);
		lt_function__free(&code);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		NODE_TESTS("node", test_node, binaries),
		NODE_TESTS("node for arm64", test_node, arm64),
		cmocka_unit_test(test_long_functions),
		cmocka_unit_test(test_moved_symbol),
		cmocka_unit_test(test_moved_symbol_kept),
		cmocka_unit_test(test_nops),
#ifdef __x86_64__
		cmocka_unit_test(test_rewritten),
		cmocka_unit_test(test_segments),
		cmocka_unit_test(test_entries),
		cmocka_unit_test(test_kept_nop),
#endif
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
