/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
#include "agent/target/elf.h"

#include <errno.h>
#include <gelf.h>
#include <libelf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SEGMENTS_MAX   64
#define NAME_MAX_BYTES 4096

/* Relocations looked at for all the imports of a file. Forty calls in a library with 600,000 of them
 * need less than half. */
#define RELOCATIONS_MAX (64u << 20)

struct lt_elf {
	int fd;
	uint64_t file_size;
	bool is_arm64;
	bool is_program; /* what the kernel or its loader starts, no library */
	Elf *elf;
	size_t shstrndx;
	GElf_Phdr loads[SEGMENTS_MAX];
	size_t n_loads;
	GElf_Phdr tls; /* p_type PT_NULL: none */
	Elf_Scn *symtab, *dynsym;
	size_t relocations_left; /* a file made to be slow must not hold us up */
};

static int read_segments(struct lt_elf *elf)
{
	size_t n = 0;
	GElf_Phdr ph;

	if (elf_getphdrnum(elf->elf, &n))
		return -EINVAL;
	for (size_t i = 0; i < n && elf->n_loads < SEGMENTS_MAX; i++) {
		if (!gelf_getphdr(elf->elf, (int)i, &ph))
			return -EINVAL;
		if (ph.p_type == PT_INTERP)
			elf->is_program = true;
		else if (ph.p_type == PT_TLS)
			elf->tls = ph;
		if (ph.p_type != PT_LOAD || ph.p_offset > elf->file_size ||
		    ph.p_filesz > elf->file_size - ph.p_offset ||
		    ph.p_vaddr > UINT64_MAX - ph.p_filesz)
			continue;
		elf->loads[elf->n_loads++] = ph;
	}
	return elf->n_loads ? 0 : -EINVAL;
}

static void find_symbol_sections(struct lt_elf *elf)
{
	Elf_Scn *scn = NULL;
	GElf_Shdr sh;

	while ((scn = elf_nextscn(elf->elf, scn))) {
		if (!gelf_getshdr(scn, &sh))
			continue;
		if (sh.sh_type == SHT_SYMTAB)
			elf->symtab = scn;
		else if (sh.sh_type == SHT_DYNSYM)
			elf->dynsym = scn;
	}
}

int lt_elf__open(int fd, struct lt_elf **ret_elf)
{
	struct lt_elf *elf = calloc(1, sizeof(*elf));
	GElf_Ehdr eh;
	struct stat st;
	int err = -ENOEXEC;

	if (!elf)
		return -ENOMEM;
	elf->fd = fd;
	elf->relocations_left = RELOCATIONS_MAX;
	elf_version(EV_CURRENT);
	if (fstat(fd, &st)) {
		err = -errno;
		goto fail;
	}
	elf->file_size = (uint64_t)st.st_size;
	elf->elf = elf_begin(fd, ELF_C_READ, NULL);
	if (!elf->elf || elf_kind(elf->elf) != ELF_K_ELF || !gelf_getehdr(elf->elf, &eh))
		goto fail;
	if (gelf_getclass(elf->elf) != ELFCLASS64 || eh.e_ident[EI_DATA] != ELFDATA2LSB ||
	    (eh.e_machine != EM_X86_64 && eh.e_machine != EM_AARCH64) ||
	    (eh.e_type != ET_EXEC && eh.e_type != ET_DYN))
		goto fail;
	elf->is_arm64 = eh.e_machine == EM_AARCH64;
	elf->is_program = eh.e_type == ET_EXEC;
	err = read_segments(elf);
	if (err)
		goto fail;
	if (elf_getshdrstrndx(elf->elf, &elf->shstrndx))
		elf->shstrndx = 0;
	else
		find_symbol_sections(elf);
	*ret_elf = elf;
	return 0;
fail:
	lt_elf__close(elf);
	return err;
}

void lt_elf__close(struct lt_elf *elf)
{
	if (!elf)
		return;
	elf_end(elf->elf);
	free(elf);
}

bool lt_elf__is_arm64(const struct lt_elf *elf)
{
	return elf->is_arm64;
}

bool lt_elf__is_native(const struct lt_elf *elf)
{
#ifdef __aarch64__
	return elf->is_arm64;
#else
	return !elf->is_arm64;
#endif
}

void lt_elf__build_id(struct lt_elf *elf, char *buf, size_t size)
{
	uint64_t vaddr, length;
	unsigned char note[16 + 64];
	uint32_t words[3];

	buf[0] = '\0';
	if (lt_elf__section(elf, ".note.gnu.build-id", &vaddr, &length) || length < 16 ||
	    length > sizeof(note) || lt_elf__read(elf, vaddr, note, length))
		return;
	memcpy(words, note, sizeof(words));
	if (words[0] != 4 || words[1] > length - 16 || memcmp(note + 12, "GNU", 4))
		return;
	for (uint32_t i = 0; i < words[1] && 2 * i + 2 < size; i++)
		snprintf(buf + 2 * i, 3, "%02x", note[16 + i]);
}

bool lt_elf__has_symtab(const struct lt_elf *elf)
{
	return elf->symtab;
}

/*
 * A name that ends within the table, and soon. elf_strptr() would look for the end of a table that
 * has none, megabytes of it, for each of 100,000 symbols.
 */
static const char *name_at(const Elf_Data *names, size_t offset)
{
	const char *name;
	size_t left;

	if (!names->d_buf || offset >= names->d_size)
		return NULL;
	name = (const char *)names->d_buf + offset;
	left = names->d_size - offset;
	return memchr(name, '\0', left < NAME_MAX_BYTES ? left : NAME_MAX_BYTES) ? name : NULL;
}

/* The best table of symbols that there is. */
struct symbol_table {
	Elf_Data *symbols, *names; /* names NULL: not read */
	uint64_t names_offset, names_size; /* in the file */
	size_t count;
};

static bool open_table(struct lt_elf *elf, bool with_names, struct symbol_table *ret_table)
{
	Elf_Scn *scn = elf->symtab ? elf->symtab : elf->dynsym, *names_scn;
	struct symbol_table table = { 0 };
	GElf_Shdr sh, names_sh;

	if (!scn || !gelf_getshdr(scn, &sh) || sh.sh_entsize != sizeof(Elf64_Sym))
		return false;
	names_scn = elf_getscn(elf->elf, sh.sh_link);
	table.symbols = elf_getdata(scn, NULL);
	table.names = with_names ? elf_getdata(names_scn, NULL) : NULL;
	if (!table.symbols || (with_names && !table.names) || !gelf_getshdr(names_scn, &names_sh))
		return false;
	table.names_offset = names_sh.sh_offset;
	table.names_size = names_sh.sh_size;
	table.count = table.symbols->d_size / sizeof(Elf64_Sym);
	*ret_table = table;
	return true;
}

/* All of a symbol but its name. False: it is not defined here, or neither code nor data. */
static bool read_symbol(const struct symbol_table *table, size_t index,
			struct lt_elf_symbol *ret_symbol)
{
	GElf_Sym sym;
	int type;

	if (!gelf_getsym(table->symbols, (int)index, &sym) || sym.st_shndx == SHN_UNDEF ||
	    !sym.st_value || sym.st_name >= table->names_size)
		return false;
	type = GELF_ST_TYPE(sym.st_info);
	*ret_symbol = (struct lt_elf_symbol){
		.vaddr = sym.st_value,
		.size = sym.st_size,
		.name_offset = table->names_offset + sym.st_name,
		.is_function = type == STT_FUNC,
		.is_local = GELF_ST_BIND(sym.st_info) == STB_LOCAL,
	};
	return type == STT_FUNC || type == STT_OBJECT;
}

int lt_elf__each_symbol(struct lt_elf *elf, lt_elf_symbol_fn fn, void *ctx)
{
	struct symbol_table table;
	int ret = 0;

	if (!open_table(elf, true, &table))
		return 0;
	for (size_t i = 0; !ret && i < table.count; i++) {
		struct lt_elf_symbol symbol;

		if (!read_symbol(&table, i, &symbol))
			continue;
		symbol.name = name_at(table.names, symbol.name_offset - table.names_offset);
		if (symbol.name && *symbol.name)
			ret = fn(ctx, &symbol);
	}
	return ret;
}

int lt_elf__each_function(struct lt_elf *elf, lt_elf_symbol_fn fn, void *ctx)
{
	struct symbol_table table;
	int ret = 0;

	if (!open_table(elf, false, &table))
		return 0;
	for (size_t i = 0; !ret && i < table.count; i++) {
		struct lt_elf_symbol symbol;

		if (read_symbol(&table, i, &symbol) && symbol.is_function)
			ret = fn(ctx, &symbol);
	}
	return ret;
}

/* From the thread pointer: the program's variables end there on x86-64; on arm64 they begin behind two words. */
static int64_t tls_begin(const struct lt_elf *elf, uint64_t align)
{
	uint64_t before = elf->is_arm64 ? 16 : elf->tls.p_memsz;
	int64_t aligned = (int64_t)((before + align - 1) & ~(align - 1));

	return elf->is_arm64 ? aligned : -aligned;
}

int lt_elf__tls_offset(struct lt_elf *elf, const char *name, int64_t *ret_offset)
{
	uint64_t align = elf->tls.p_align ? elf->tls.p_align : 1;
	struct symbol_table table;

	/* the bounds also keep the sums below from running over */
	if (elf->tls.p_type != PT_TLS || elf->tls.p_memsz > 1u << 30 || align > 1u << 20 ||
	    (align & (align - 1)) || !open_table(elf, true, &table))
		return -ENOENT;
	for (size_t i = 0; i < table.count; i++) {
		const char *found;
		GElf_Sym sym;

		if (!gelf_getsym(table.symbols, (int)i, &sym) ||
		    GELF_ST_TYPE(sym.st_info) != STT_TLS || sym.st_shndx == SHN_UNDEF ||
		    sym.st_value >= elf->tls.p_memsz)
			continue;
		found = name_at(table.names, sym.st_name);
		if (!found || strcmp(found, name))
			continue;
		if (!elf->is_program)
			return -EOPNOTSUPP;
		*ret_offset = (int64_t)sym.st_value + tls_begin(elf, align);
		return 0;
	}
	return -ENOENT;
}

int64_t lt_elf__offset(const struct lt_elf *elf, uint64_t vaddr, uint64_t length, bool executable)
{
	for (size_t i = 0; i < elf->n_loads; i++) {
		const GElf_Phdr *ph = &elf->loads[i];

		if (vaddr < ph->p_vaddr || vaddr - ph->p_vaddr > ph->p_filesz ||
		    length > ph->p_filesz - (vaddr - ph->p_vaddr))
			continue;
		if (executable && !(ph->p_flags & PF_X))
			continue;
		return (int64_t)(vaddr - ph->p_vaddr + ph->p_offset);
	}
	return -1;
}

bool lt_elf__is_variable(const struct lt_elf *elf, uint64_t vaddr, uint64_t length)
{
	for (size_t i = 0; i < elf->n_loads; i++) {
		const GElf_Phdr *ph = &elf->loads[i];

		if (vaddr >= ph->p_vaddr && vaddr - ph->p_vaddr <= ph->p_memsz &&
		    length <= ph->p_memsz - (vaddr - ph->p_vaddr))
			return (ph->p_flags & PF_W) && !(ph->p_flags & PF_X);
	}
	return false;
}

int lt_elf__read(const struct lt_elf *elf, uint64_t vaddr, void *buf, size_t length)
{
	int64_t offset = lt_elf__offset(elf, vaddr, length, false);
	ssize_t n;

	if (offset < 0)
		return -EFAULT;
	n = pread(elf->fd, buf, length, offset);
	if (n < 0)
		return -errno;
	return (size_t)n == length ? 0 : -EIO;
}

int lt_elf__read_data(const struct lt_elf *elf, uint64_t vaddr, void *buf, size_t length)
{
	for (size_t i = 0; i < elf->n_loads; i++) {
		const GElf_Phdr *ph = &elf->loads[i];
		uint64_t at = vaddr - ph->p_vaddr, in_file;

		if (vaddr < ph->p_vaddr || at > ph->p_memsz || length > ph->p_memsz - at)
			continue;
		in_file = at >= ph->p_filesz ? 0 : ph->p_filesz - at;
		if (in_file > length)
			in_file = length;
		memset((char *)buf + in_file, 0, length - in_file);
		return in_file ? lt_elf__read(elf, vaddr, buf, in_file) : 0;
	}
	return -EFAULT;
}

int lt_elf__section(struct lt_elf *elf, const char *name, uint64_t *ret_vaddr, uint64_t *ret_size)
{
	Elf_Scn *scn = NULL;
	GElf_Shdr sh;

	while (elf->shstrndx && (scn = elf_nextscn(elf->elf, scn))) {
		const char *found;

		if (!gelf_getshdr(scn, &sh))
			continue;
		found = elf_strptr(elf->elf, elf->shstrndx, sh.sh_name);
		if (!found || strcmp(found, name))
			continue;
		*ret_vaddr = sh.sh_addr;
		*ret_size = sh.sh_size;
		return 0;
	}
	return -ENOENT;
}

const char *lt_elf__slot_symbol(struct lt_elf *elf, uint64_t slot)
{
	Elf_Scn *scn = NULL;
	GElf_Shdr sh, dyn_sh;
	GElf_Sym sym;
	Elf_Data *syms;

	if (!elf->dynsym || !gelf_getshdr(elf->dynsym, &dyn_sh))
		return NULL;
	syms = elf_getdata(elf->dynsym, NULL);
	while (syms && (scn = elf_nextscn(elf->elf, scn))) {
		Elf_Data *data;

		if (!gelf_getshdr(scn, &sh) || sh.sh_type != SHT_RELA ||
		    sh.sh_entsize != sizeof(Elf64_Rela) || !(sh.sh_flags & SHF_ALLOC))
			continue;
		data = elf_getdata(scn, NULL);
		for (size_t i = 0; data && i < data->d_size / sizeof(Elf64_Rela); i++) {
			GElf_Rela rela;

			if (!elf->relocations_left)
				return NULL;
			elf->relocations_left--;
			if (!gelf_getrela(data, (int)i, &rela) || rela.r_offset != slot)
				continue;
			if (gelf_getsym(syms, (int)GELF_R_SYM(rela.r_info), &sym))
				return elf_strptr(elf->elf, dyn_sh.sh_link, sym.st_name);
		}
	}
	return NULL;
}
