/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/*
 * What is executable in a process: its files, and anonymous memory, which is code that V8 made. Addresses are
 * taken to places in files by their mapping, never by where a file is thought to begin: V8 maps the part of
 * Node that holds its builtins a second time, beside the code it makes.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/target/elf.h"
#include "agent/target/elf_header.h"
#include "agent/target/maps.h"
#include "agent/target/open.h"
#include "agent/util/array.h"
#include "agent/util/bounded.h"
#include "agent/util/clock.h"
#include "agent/v8/mapfile.h"
#include "agent/v8/symfiles.h"
#include "agent/v8/v8.h"

#define AREAS_MAX	   65536 /* vm.max_map_count */
#define FILES_MAX	   1024
#define REFRESH_NS	   1000000000ull
#define REFRESH_ON_MISS_NS 50000000ull /* JIT areas grow while a process is young */
#define NO_FILE		   SIZE_MAX
#define ASKED_MAX	   4 /* files with code where V8's builtins are, of which one is V8 */
#define IS_V8_NS	   500000000ull

/* One executable mapping. */
struct area {
	uint64_t begin, end;
	uint64_t file_offset;
	size_t file; /* index; NO_FILE: none */
	bool is_jit;
};

struct file {
	struct lt_mapping mapping; /* the lowest of it; how it is opened */
	bool tried; /* to read the symbols */
	struct lt_symfile *symbols;
};

struct lt_symbols {
	int pid;
	struct lt_symfiles *symfiles; /* of all processes; borrowed */
	struct area *areas; /* by address */
	size_t n_areas;
	struct file **files; /* each stays where it is: its path is given out */
	size_t n_files;
	uint64_t read_ns; /* when the areas were read */
	bool is_v8;
	/* The builtins: by their address in the file, 0: unknown; and by their offset in it. */
	uint64_t v8_begin, v8_size;
	uint64_t blob_begin, blob_end;
	size_t v8_file; /* index; NO_FILE: none */
	unsigned n_asked; /* files that may be V8 */
};

/* --- files ------------------------------------------------------------------------------------- */

static size_t find_file(const struct lt_symbols *symbols, uint64_t dev, uint64_t ino)
{
	for (size_t i = 0; i < symbols->n_files; i++)
		if (symbols->files[i]->mapping.ino == ino && symbols->files[i]->mapping.dev == dev)
			return i;
	return NO_FILE;
}

/* The index of the file that is mapped, NO_FILE when there are too many. */
static size_t add_file(struct lt_symbols *symbols, const struct lt_mapping *mapping)
{
	size_t found = find_file(symbols, mapping->dev, mapping->ino);
	struct file *file;

	if (found != NO_FILE || symbols->n_files == FILES_MAX)
		return found;
	if (!(symbols->n_files & (symbols->n_files - 1))) {
		size_t capacity = symbols->n_files ? 2 * symbols->n_files : 1;
		struct file **files = realloc(symbols->files, capacity * sizeof(struct file *));

		if (!files)
			return NO_FILE;
		symbols->files = files;
	}
	file = calloc(1, sizeof(*file));
	if (!file)
		return NO_FILE;
	file->mapping = *mapping;
	symbols->files[symbols->n_files] = file;
	return symbols->n_files++;
}

/* --- maps -------------------------------------------------------------------------------------- */

struct areas {
	struct area *list;
	size_t count, capacity;
};

static int append(struct areas *areas, const struct area *area)
{
	struct area *list;

	if (areas->count == AREAS_MAX)
		return -EFBIG;
	list = lt_array_room(areas->list, areas->count, &areas->capacity, 64, sizeof(*list));
	if (!list)
		return -ENOMEM;
	areas->list = list;
	areas->list[areas->count++] = *area;
	return 0;
}

/* An executable mapping that is no file: memory of no name or one that a program gave it ("[anon:v8]") is
 * code made at run time, the kernel's own pages ("[vdso]") are not. */
static bool parse_anonymous(const char *line, struct area *ret_area)
{
	struct area area = { .file = NO_FILE };
	unsigned long ino;
	char permissions[5];
	int name_at = 0;

	if (sscanf(line, "%lx-%lx %4s %*x %*x:%*x %lu %n", &area.begin, &area.end, permissions,
		   &ino, &name_at) < 4 ||
	    !name_at || area.begin >= area.end || !strchr(permissions, 'x') || ino)
		return false;
	area.is_jit = !line[name_at] || !strncmp(line + name_at, "[anon:", 6);
	*ret_area = area;
	return true;
}

static int add_line(struct lt_symbols *symbols, struct areas *areas, const char *line)
{
	struct lt_mapping mapping;
	struct area area;

	if (lt_parse_mapping(line, &mapping) == 1)
		area = (struct area){
			.begin = mapping.begin,
			.end = mapping.end,
			.file_offset = mapping.file_offset,
			.file = add_file(symbols, &mapping),
		};
	else if (!parse_anonymous(line, &area))
		return 0;
	return append(areas, &area);
}

static int read_maps(struct lt_symbols *symbols)
{
	struct areas areas = { 0 };
	size_t capacity = 0;
	char *line = NULL;
	ssize_t length;
	FILE *file;
	int err = lt_maps_text(symbols->pid, &file);

	if (err)
		return err;
	errno = 0;
	while (!err && (length = getline(&line, &capacity, file)) > 0) {
		if (line[length - 1] == '\n')
			line[length - 1] = '\0';
		err = add_line(symbols, &areas, line);
	}
	if (!err && ferror(file))
		err = -(errno ? errno : EIO);
	if (!err && !areas.count)
		err = -ESRCH; /* it is a zombie */
	free(line);
	fclose(file);
	if (err) {
		free(areas.list);
		return err;
	}
	free(symbols->areas);
	symbols->areas = areas.list; /* the kernel tells them by address */
	symbols->n_areas = areas.count;
	return 0;
}

static const struct area *find_area(const struct lt_symbols *symbols, uint64_t pc)
{
	size_t low = 0, high = symbols->n_areas;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (symbols->areas[middle].begin <= pc)
			low = middle + 1;
		else
			high = middle;
	}
	return low && pc < symbols->areas[low - 1].end ? &symbols->areas[low - 1] : NULL;
}

/* --- the file that V8 is in -------------------------------------------------------------------- */

static int is_get_current(void *ctx, const struct lt_elf_symbol *symbol)
{
	(void)ctx;
	return symbol->is_function && !strcmp(symbol->name, "_ZN2v87Isolate10GetCurrentEv");
}

/* In a process with limits: tells whether the file is V8. */
static int exports_v8(const void *args, const int *fds, size_t n_fds)
{
	struct lt_elf *elf;
	int err = lt_elf__open(fds[0], &elf);
	bool told;

	(void)args;
	(void)n_fds;
	if (err)
		return err;
	told = lt_elf__each_symbol(elf, is_get_current, NULL) > 0;
	lt_elf__close(elf);
	return told ? 0 : -ENOENT;
}

/* False also for a file whose owner has to wait: it is asked again when the areas are read the next time. */
static bool is_v8(struct lt_symbols *symbols, int fd)
{
	struct lt_task task = {
		.fn = exports_v8, .fds = &fd, .n_fds = 1, .limits = { 64u << 20, 1, IS_V8_NS, 0 }
	};
	uint64_t begin_ns = lt_now_ns();
	struct lt_result result;
	struct stat st;
	int err;

	if (symbols->n_asked == ASKED_MAX || fstat(fd, &st) || lt_bounded__must_wait(st.st_uid))
		return false;
	symbols->n_asked++;
	err = lt_bounded__run(&task, &result);
	lt_bounded__charge(st.st_uid, &result, lt_now_ns() - begin_ns);
	lt_result__free(&result);
	return !err;
}

/* The offset of the builtins in the file, -1: they are not in it. must_export: not every file with code at
 * that address is V8. */
static int64_t builtins_in(struct lt_symbols *symbols, size_t file, bool must_export)
{
	int64_t offset;
	int fd = lt_mapfile__open(symbols->pid, &symbols->files[file]->mapping);

	if (fd < 0)
		return -1;
	offset = lt_elf_header__offset(fd, symbols->v8_begin, symbols->v8_size);
	if (offset >= 0 && must_export && !is_v8(symbols, fd))
		offset = -1;
	close(fd);
	return offset;
}

static size_t program(const struct lt_symbols *symbols)
{
	struct lt_opened exe;

	if (lt_open(symbols->pid, LT_OPEN_LINK, "exe", LT_LOOK, &exe))
		return NO_FILE;
	/* device numbers differ on overlay file systems */
	for (size_t i = 0; i < symbols->n_files; i++)
		if (symbols->files[i]->mapping.ino == exe.st.st_ino)
			return i;
	return NO_FILE;
}

/* Where no symbol tells where the builtins are: the part of the program that is mapped twice. */
static void find_twin(struct lt_symbols *symbols, size_t file)
{
	for (size_t i = 0; i < symbols->n_areas; i++) {
		const struct area *copy = &symbols->areas[i];

		for (size_t j = 0; j < i && copy->file == file; j++) {
			const struct area *whole = &symbols->areas[j];

			if (whole->file != file || copy->file_offset < whole->file_offset ||
			    copy->file_offset + (copy->end - copy->begin) >
				    whole->file_offset + (whole->end - whole->begin))
				continue;
			symbols->v8_file = file;
			symbols->blob_begin = copy->file_offset;
			symbols->blob_end = copy->file_offset + (copy->end - copy->begin);
			return;
		}
	}
}

static void find_builtins(struct lt_symbols *symbols)
{
	size_t exe = program(symbols);

	if (!symbols->v8_size) {
		if (exe != NO_FILE)
			find_twin(symbols, exe);
		return;
	}
	for (size_t i = 0; i <= symbols->n_files; i++) {
		size_t file = i ? i - 1 : exe; /* the program first */
		int64_t offset;

		if (file == NO_FILE || (i && file == exe))
			continue;
		offset = builtins_in(symbols, file, file != exe);
		if (offset < 0)
			continue;
		symbols->v8_file = file;
		symbols->blob_begin = (uint64_t)offset;
		symbols->blob_end = (uint64_t)offset + symbols->v8_size;
		return;
	}
}

/* --- the object -------------------------------------------------------------------------------- */

int lt_symbols__new(int pid, const struct lt_v8_layout *layout, struct lt_symfiles *symfiles,
		    struct lt_symbols **ret_symbols)
{
	struct lt_symbols *symbols = calloc(1, sizeof(*symbols));
	int err;

	if (!symbols)
		return -ENOMEM;
	symbols->pid = pid;
	symbols->symfiles = symfiles;
	symbols->v8_file = NO_FILE;
	symbols->is_v8 = layout && layout->level != LT_V8_NONE;
	if (layout && layout->blob_begin && layout->blob_end > layout->blob_begin) {
		symbols->v8_begin = layout->blob_begin;
		symbols->v8_size = layout->blob_end - layout->blob_begin;
	}
	err = read_maps(symbols);
	if (err) {
		lt_symbols__free(symbols);
		return err;
	}
	symbols->read_ns = lt_now_ns();
	if (symbols->is_v8)
		find_builtins(symbols);
	*ret_symbols = symbols;
	return 0;
}

void lt_symbols__free(struct lt_symbols *symbols)
{
	if (!symbols)
		return;
	for (size_t i = 0; i < symbols->n_files; i++) {
		lt_symfiles__put(symbols->symfiles, symbols->files[i]->symbols);
		free(symbols->files[i]);
	}
	free(symbols->files);
	free(symbols->areas);
	free(symbols);
}

static bool refresh(struct lt_symbols *symbols, uint64_t at_least_ns)
{
	uint64_t now = lt_now_ns();

	if (now - symbols->read_ns < at_least_ns)
		return false;
	symbols->read_ns = now;
	if (read_maps(symbols))
		return false; /* what was known stays: the process may just have ended */
	if (symbols->is_v8 && symbols->v8_file == NO_FILE)
		find_builtins(symbols); /* V8 was not up yet */
	return true;
}

void lt_symbols__refresh(struct lt_symbols *symbols)
{
	refresh(symbols, REFRESH_NS);
}

static const struct area *area_of(struct lt_symbols *symbols, uint64_t pc)
{
	const struct area *area = find_area(symbols, pc);

	if (!area && pc && refresh(symbols, REFRESH_ON_MISS_NS))
		area = find_area(symbols, pc);
	return area;
}

enum lt_pc_class lt_symbols__class(struct lt_symbols *symbols, uint64_t pc)
{
	const struct area *area = area_of(symbols, pc);
	uint64_t offset;

	if (!area)
		return LT_PC_UNKNOWN;
	if (area->is_jit)
		return LT_PC_JIT;
	offset = pc - area->begin + area->file_offset;
	return area->file != NO_FILE && area->file == symbols->v8_file &&
			       offset >= symbols->blob_begin && offset < symbols->blob_end
		       ? LT_PC_BUILTIN
		       : LT_PC_NATIVE;
}

const char *lt_symbols__name(struct lt_symbols *symbols, uint64_t pc, const char **ret_file)
{
	const struct area *area = area_of(symbols, pc);
	struct file *file;

	if (ret_file)
		*ret_file = NULL;
	if (!area || area->file == NO_FILE)
		return NULL;
	file = symbols->files[area->file];
	if (ret_file)
		*ret_file = file->mapping.path;
	if (!file->tried) {
		int fd = lt_mapfile__open(symbols->pid, &file->mapping);

		file->tried = true;
		if (fd >= 0)
			file->symbols = lt_symfiles__get(symbols->symfiles, fd);
	}
	if (!file->symbols)
		return NULL;
	return lt_symfile__name(file->symbols, pc - area->begin + area->file_offset);
}

const char *lt_symbols__refused(const struct lt_symbols *symbols)
{
	for (size_t i = 0; i < symbols->n_files; i++)
		if (symbols->files[i]->symbols && lt_symfile__is_refused(symbols->files[i]->symbols))
			return symbols->files[i]->mapping.path;
	return NULL;
}
