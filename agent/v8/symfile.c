/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/*
 * Node has 100,000 functions, whose names are up to 17 MB, and the first stack that needs one must not wait for
 * all: of each only 16 bytes are read, with the place of its name in the file, and the file is kept open.
 */
#include "agent/v8/symfile.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/target/elf.h"
#include "agent/util/array.h"
#include "agent/v8/demangle.h"

#define FUNCTIONS_MAX (2u << 20)
#define NAMES_MAX     64 /* of the same code that are looked at */
#define NAME_BYTES    4096
#define TEXT_BYTES    200
#define ENCLOSING_MAX 16
#define NO_FUNCTION   UINT32_MAX

/* Digits by which functions are sorted. */
#define DIGIT_BITS 16
#define DIGITS	   (1u << DIGIT_BITS)

struct function {
	uint32_t offset, size; /* in the file */
	uint32_t name; /* offset of its name in the file */
	uint32_t outer; /* the function that this one lies in, NO_FUNCTION: none */
};

struct lt_symfile {
	int fd;
	struct function *functions; /* by offset; what encloses others is before them */
	size_t count, capacity;
	char **texts; /* of each function, NULL: not asked for yet; "": it has none of its own */
};

struct loading {
	struct lt_symfile *file;
	struct lt_elf *elf;
	int err;
};

static int on_function(void *ctx, const struct lt_elf_symbol *symbol)
{
	struct loading *loading = ctx;
	struct lt_symfile *file = loading->file;
	struct function *functions;
	int64_t offset;

	if (!symbol->size || symbol->size > UINT32_MAX || symbol->name_offset > UINT32_MAX)
		return 0;
	offset = lt_elf__offset(loading->elf, symbol->vaddr, symbol->size, true);
	if (offset < 0 || offset > UINT32_MAX)
		return 0;
	if (file->count == FUNCTIONS_MAX)
		return loading->err = -EFBIG;
	functions = lt_array_room(file->functions, file->count, &file->capacity, 1024,
				  sizeof(*functions));
	if (!functions)
		return loading->err = -ENOMEM;
	file->functions = functions;
	file->functions[file->count++] = (struct function){
		.offset = (uint32_t)offset,
		.size = (uint32_t)symbol->size,
		.name = (uint32_t)symbol->name_offset,
		.outer = NO_FUNCTION,
	};
	return 0;
}

/* By offset, the larger of two at the same place first. */
static uint64_t order(const struct function *function)
{
	return (uint64_t)function->offset << 32 | (uint32_t)~function->size;
}

/* By one digit of their order, those of the same digit as they were; starts has room for all digits. */
static void sort_digit(const struct function *from, struct function *to, size_t count, int shift,
		       uint32_t *starts)
{
	memset(starts, 0, DIGITS * sizeof(*starts));
	for (size_t i = 0; i < count; i++)
		starts[order(&from[i]) >> shift & (DIGITS - 1)]++;
	for (uint32_t digit = 0, start = 0; digit < DIGITS; digit++) {
		uint32_t n = starts[digit];

		starts[digit] = start;
		start += n;
	}
	for (size_t i = 0; i < count; i++)
		to[starts[order(&from[i]) >> shift & (DIGITS - 1)]++] = from[i];
}

/* Digit by digit from the last: seven times as fast as qsort(), and as fast for a file made to be slow. */
static int sort(struct lt_symfile *file)
{
	struct function *spare = malloc(file->count * sizeof(*spare) + 1), *sorted;
	uint32_t *starts = malloc(DIGITS * sizeof(*starts));
	int err = spare && starts ? 0 : -ENOMEM;

	for (int shift = 0; !err && shift < 64; shift += DIGIT_BITS) {
		sort_digit(file->functions, spare, file->count, shift, starts);
		sorted = spare;
		spare = file->functions;
		file->functions = sorted;
	}
	free(spare);
	free(starts);
	return err;
}

static bool is_same_code(const struct function *a, const struct function *b)
{
	return a->offset == b->offset && a->size == b->size;
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

		if (is_same_code(&functions[i], &functions[outer]))
			outer = functions[outer].outer;
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

static int load(struct lt_symfile *file)
{
	struct loading loading = { .file = file };
	int err = lt_elf__open(file->fd, &loading.elf);

	if (!err) {
		lt_elf__each_function(loading.elf, on_function, &loading);
		err = loading.err;
	}
	lt_elf__close(loading.elf);
	if (!err && file->count)
		err = sort(file);
	if (err)
		return err;
	find_outer(file->functions, file->count);
	file->texts = calloc(file->count ? file->count : 1, sizeof(*file->texts));
	return file->texts ? 0 : -ENOMEM;
}

struct lt_symfile *lt_symfile__new(int take_fd)
{
	struct lt_symfile *file = calloc(1, sizeof(*file));
	int err;

	if (!file) {
		close(take_fd);
		errno = ENOMEM;
		return NULL;
	}
	file->fd = take_fd;
	err = load(file);
	if (!err)
		return file;
	lt_symfile__free(file);
	errno = -err;
	return NULL;
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

static size_t underscores(const char *name)
{
	/* those of a mangled name are none of the programmer's */
	return name[0] == '_' && name[1] == 'Z' ? 0 : strspn(name, "_");
}

static bool is_better(const char *name, const char *than)
{
	size_t a = underscores(name), b = underscores(than);

	return a != b ? a < b : strcmp(name, than) < 0;
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

static bool read_name(const struct lt_symfile *file, const struct function *function,
		      char name[static NAME_BYTES + 1])
{
	ssize_t n = pread(file->fd, name, NAME_BYTES, function->name);

	name[n > 0 ? n : 0] = '\0';
	return name[0];
}

/* The best of the names that a function's code has; false: none, or those of several functions. */
static bool best_name(const struct lt_symfile *file, uint32_t found,
		      char best[static NAME_BYTES + 1])
{
	const struct function *function = &file->functions[found];
	char name[NAME_BYTES + 1];

	if (!read_name(file, function, best))
		return false;
	for (uint32_t n = 1; n <= found && is_same_code(function - n, function); n++) {
		if (n == NAMES_MAX)
			return false;
		if (!read_name(file, function - n, name))
			continue;
		if (!same_function(best, name))
			return false;
		if (is_better(name, best))
			memcpy(best, name, sizeof(name));
	}
	return true;
}

const char *lt_symfile__name(struct lt_symfile *file, uint64_t offset)
{
	uint32_t found = find(file, offset);
	char name[NAME_BYTES + 1], text[TEXT_BYTES];

	if (found == NO_FUNCTION)
		return NULL;
	if (!file->texts[found])
		file->texts[found] = strdup(best_name(file, found, name)
						    ? lt_symbol_text(text, sizeof(text), name)
						    : "");
	return file->texts[found] && file->texts[found][0] ? file->texts[found] : NULL;
}
