/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/*
 * Node has 100,000 functions, whose names are up to 17 MB: of each only 16 bytes are kept, with the place of
 * its name in the file, and the file is kept open.
 */
#include "agent/v8/symfile.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/target/elf.h"
#include "agent/v8/demangle.h"

#define FUNCTIONS_MAX (2u << 20)
#define NAME_BYTES    4096
#define TEXT_BYTES    200
#define ENCLOSING_MAX 16
#define NO_FUNCTION   UINT32_MAX
#define NO_NAME	      0 /* the ELF header is at offset 0 */

struct function {
	uint32_t offset, size; /* in the file */
	uint32_t name; /* offset of its name in the file */
	uint32_t outer; /* the function that this one lies in, NO_FUNCTION: none */
};

struct lt_symfile {
	int fd;
	struct function *functions; /* by offset */
	size_t count;
	char **texts; /* of each function, NULL: not asked for yet */
};

/* As it is while the symbols are read. */
struct entry {
	struct function function;
	const char *name;
};

struct loading {
	struct lt_elf *elf;
	struct entry *entries;
	size_t count, capacity;
	int err;
};

static int on_symbol(void *ctx, const struct lt_elf_symbol *symbol)
{
	struct loading *loading = ctx;
	int64_t offset;

	if (!symbol->is_function || !symbol->size || symbol->size > UINT32_MAX ||
	    symbol->name_offset > UINT32_MAX)
		return 0;
	offset = lt_elf__offset(loading->elf, symbol->vaddr, symbol->size, true);
	if (offset < 0 || offset > UINT32_MAX)
		return 0;
	if (loading->count == loading->capacity) {
		size_t capacity = loading->capacity ? 2 * loading->capacity : 1024;
		struct entry *entries;

		if (loading->count == FUNCTIONS_MAX)
			return loading->err = -EFBIG;
		entries = realloc(loading->entries, capacity * sizeof(*entries));
		if (!entries)
			return loading->err = -ENOMEM;
		loading->entries = entries;
		loading->capacity = capacity;
	}
	loading->entries[loading->count++] = (struct entry){
		.function = { .offset = (uint32_t)offset,
			      .size = (uint32_t)symbol->size,
			      .name = (uint32_t)symbol->name_offset,
			      .outer = NO_FUNCTION },
		.name = symbol->name,
	};
	return 0;
}

static size_t underscores(const char *name)
{
	/* those of a mangled name are none of the programmer's */
	return name[0] == '_' && name[1] == 'Z' ? 0 : strspn(name, "_");
}

/* By place; what encloses others is before them; of the names of one function the best is first. */
static int by_offset(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;
	size_t ux, uy;

	if (x->function.offset != y->function.offset)
		return x->function.offset < y->function.offset ? -1 : 1;
	if (x->function.size != y->function.size)
		return x->function.size > y->function.size ? -1 : 1;
	ux = underscores(x->name);
	uy = underscores(y->name);
	return ux != uy ? (ux > uy) - (ux < uy) : strcmp(x->name, y->name);
}

/* "…FooC1Ev", "…FooC2Ev": constructors of whole objects and of bases, the most usual case by far. */
static bool are_structors(const char *a, const char *b)
{
	size_t at = 0;

	while (a[at] && a[at] == b[at])
		at++;
	return at && a[at] && b[at] && (a[at - 1] == 'C' || a[at - 1] == 'D') &&
	       strcmp(a + at + 1, b + at + 1) == 0;
}

/*
 * Do two names of the same code name one function? Those that a C library gives to one do, and the several
 * constructors of a class; but linkers also fold functions that merely look alike.
 */
static bool same_function(const char *a, const char *b)
{
	char text[2][TEXT_BYTES];

	if (!strcmp(a, b) || are_structors(a, b) || !lt_demangle(a, text[0], TEXT_BYTES) ||
	    !lt_demangle(b, text[1], TEXT_BYTES))
		return true;
	return strcmp(text[0], text[1]) == 0;
}

/* Drops what is twice there. */
static void merge(struct loading *loading)
{
	struct entry *entries = loading->entries;
	size_t n = 0;

	for (size_t i = 0; i < loading->count; i++) {
		struct entry *last = n ? &entries[n - 1] : NULL;

		if (last && last->function.offset == entries[i].function.offset &&
		    last->function.size == entries[i].function.size) {
			if (!same_function(last->name, entries[i].name))
				last->function.name = NO_NAME;
			continue;
		}
		entries[n++] = entries[i];
	}
	loading->count = n;
}

static bool contains(const struct function *function, uint64_t offset)
{
	return offset >= function->offset && offset - function->offset < function->size;
}

/* Finds which function lies in which: the chain from the one before it leads to all that are still open. */
static void find_outer(struct function *functions, size_t count)
{
	for (size_t i = 1; i < count; i++) {
		uint32_t outer = (uint32_t)(i - 1);

		for (int steps = 0; outer != NO_FUNCTION; steps++) {
			if (steps == ENCLOSING_MAX)
				outer = NO_FUNCTION;
			else if (!contains(&functions[outer], functions[i].offset))
				outer = functions[outer].outer;
			else
				break;
		}
		functions[i].outer = outer;
	}
}

static int take_functions(struct lt_symfile *file, const struct loading *loading)
{
	size_t n = loading->count ? loading->count : 1;

	file->functions = malloc(n * sizeof(*file->functions));
	file->texts = calloc(n, sizeof(*file->texts));
	if (!file->functions || !file->texts)
		return -ENOMEM;
	for (size_t i = 0; i < loading->count; i++)
		file->functions[i] = loading->entries[i].function;
	file->count = loading->count;
	find_outer(file->functions, file->count);
	return 0;
}

struct lt_symfile *lt_symfile__new(int take_fd)
{
	struct lt_symfile *file = calloc(1, sizeof(*file));
	struct loading loading = { 0 };
	int err;

	if (!file) {
		close(take_fd);
		errno = ENOMEM;
		return NULL;
	}
	file->fd = take_fd;
	err = lt_elf__open(take_fd, &loading.elf);
	if (!err) {
		lt_elf__each_symbol(loading.elf, on_symbol, &loading);
		err = loading.err;
	}
	if (!err && loading.count)
		qsort(loading.entries, loading.count, sizeof(*loading.entries), by_offset);
	if (!err) {
		merge(&loading);
		err = take_functions(file, &loading);
	}
	free(loading.entries);
	lt_elf__close(loading.elf);
	if (err) {
		lt_symfile__free(file);
		errno = -err;
		return NULL;
	}
	return file;
}

void lt_symfile__free(struct lt_symfile *file)
{
	if (!file)
		return;
	for (size_t i = 0; file->texts && i < file->count; i++)
		free(file->texts[i]);
	free(file->texts);
	free(file->functions);
	close(file->fd);
	free(file);
}

/* The innermost function at an offset, NO_FUNCTION: none. */
static uint32_t find(const struct lt_symfile *file, uint64_t offset)
{
	size_t low = 0, high = file->count;
	uint32_t found;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (file->functions[middle].offset <= offset)
			low = middle + 1;
		else
			high = middle;
	}
	found = low ? (uint32_t)(low - 1) : NO_FUNCTION;
	for (int steps = 0; found != NO_FUNCTION && steps < ENCLOSING_MAX; steps++) {
		if (contains(&file->functions[found], offset))
			return found;
		found = file->functions[found].outer;
	}
	return NO_FUNCTION;
}

const char *lt_symfile__name(struct lt_symfile *file, uint64_t offset)
{
	uint32_t found = find(file, offset);
	char name[NAME_BYTES + 1], text[TEXT_BYTES];
	ssize_t n;

	if (found == NO_FUNCTION || file->functions[found].name == NO_NAME)
		return NULL;
	if (file->texts[found])
		return file->texts[found];
	n = pread(file->fd, name, NAME_BYTES, file->functions[found].name);
	if (n <= 0 || !name[0])
		return NULL;
	name[n] = '\0';
	file->texts[found] = strdup(lt_symbol_text(text, sizeof(text), name));
	return file->texts[found];
}
