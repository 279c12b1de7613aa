/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/* The symbols of an ELF file: those of its table, thread-local ones, and those that its relocations name. */
#include <errno.h>
#include <string.h>

#include "agent/target/elf_internal.h"
#include "agent/target/extents.h"

#define NAME_MAX_BYTES 4096

/* Of a table of symbols, and of their names. Node has 10 and 17 MB of them. */
#define SYMBOLS_BYTES_MAX (48u << 20)
#define NAMES_BYTES_MAX	  (64u << 20)

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

/* A table as a whole, unless it is too large. */
static Elf_Data *read_table(struct lt_elf *elf, Elf_Scn *scn, uint64_t bytes_max)
{
	Elf_Data *data;
	GElf_Shdr sh;

	if (gelf_getshdr(scn, &sh) && sh.sh_size > bytes_max && sh.sh_type != SHT_NOBITS) {
		elf->error = -EFBIG;
		return NULL;
	}
	errno = 0;
	data = lt_elf__data(elf, scn);
	if (!data && errno == ENOMEM)
		elf->error = -ENOMEM;
	return data;
}

static bool open_table(struct lt_elf *elf, bool with_names, struct symbol_table *ret_table)
{
	Elf_Scn *scn = elf->symtab ? elf->symtab : elf->dynsym, *names_scn;
	struct symbol_table table = { 0 };
	GElf_Shdr sh, names_sh;

	if (!scn || !gelf_getshdr(scn, &sh) || sh.sh_entsize != sizeof(Elf64_Sym))
		return false;
	names_scn = elf_getscn(elf->elf, sh.sh_link);
	table.symbols = read_table(elf, scn, SYMBOLS_BYTES_MAX);
	table.names = with_names ? read_table(elf, names_scn, NAMES_BYTES_MAX) : NULL;
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

/* Of one symbol of the many: only that, and its name, count as read. */
static const char *dynamic_name(struct lt_elf *elf, const GElf_Shdr *dyn_sh, uint64_t index,
				const GElf_Sym *sym)
{
	const char *name = elf_strptr(elf->elf, dyn_sh->sh_link, sym->st_name);
	GElf_Shdr names_sh;

	lt_extents__note(elf->read, dyn_sh->sh_offset + index * sizeof(Elf64_Sym),
			 sizeof(Elf64_Sym));
	if (name && gelf_getshdr(elf_getscn(elf->elf, dyn_sh->sh_link), &names_sh))
		lt_extents__note(elf->read, names_sh.sh_offset + sym->st_name, strlen(name) + 1);
	return name;
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
		data = lt_elf__data(elf, scn);
		for (size_t i = 0; data && i < data->d_size / sizeof(Elf64_Rela); i++) {
			GElf_Rela rela;

			if (!elf->relocations_left)
				return NULL;
			elf->relocations_left--;
			if (!gelf_getrela(data, (int)i, &rela) || rela.r_offset != slot)
				continue;
			if (gelf_getsym(syms, (int)GELF_R_SYM(rela.r_info), &sym))
				return dynamic_name(elf, &dyn_sh, GELF_R_SYM(rela.r_info), &sym);
		}
	}
	return NULL;
}
