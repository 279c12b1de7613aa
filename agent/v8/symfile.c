/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/*
 * The functions of a file, which a process with limits has read, and their names, which are read when they are asked
 * for: the file is kept open. What that process told may be lies: each index and each length is checked.
 */
#include "agent/v8/symfile.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <uthash.h>

#include "agent/target/elf_header.h"
#include "agent/util/bounded.h"
#include "agent/util/budget.h"
#include "agent/util/clock.h"
#include "agent/util/refusal.h"
#include "agent/v8/demangle.h"
#include "agent/v8/symfile_internal.h"

#define NAMES_MAX  64 /* of the same code that are looked at */
#define NAME_BYTES 4096
#define TEXT_BYTES 200
#define TEXTS_MAX  16384 /* of a file */
#define NO_ROOM	   "no room for them in the budget of memory (--target-memory)"
#define LOSS	   "functions in it have no names"

static const struct lt_limits limits = { .memory_bytes = 64u << 20,
					 .cpu_seconds = 3,
					 .wall_ns = 10000000000ull,
					 .result_bytes =
						 LT_FUNCTIONS_MAX * sizeof(struct lt_function) };

struct text {
	uint32_t function;
	UT_hash_handle hh;
	char text[]; /* "": it has none of its own */
};

struct lt_symfile {
	int fd;
	uid_t owner;
	uint64_t begin_ns; /* of the job */
	struct lt_share share; /* of the functions: they are read again */
	struct lt_result functions; /* empty: not read yet, dropped, or refused */
	struct lt_job *job; /* that reads them, NULL: none does */
	bool done; /* they were read once, and there are none; or they are refused */
	bool refused;
	struct text *texts; /* of those that were asked for */
	struct lt_share names; /* of the texts: they are given out, so they stay */
};

static size_t count(const struct lt_symfile *file)
{
	return file->functions.length / sizeof(struct lt_function);
}

static void drop_functions(struct lt_share *share)
{
	struct lt_symfile *file =
		(struct lt_symfile *)((char *)share - offsetof(struct lt_symfile, share));

	lt_result__free(&file->functions);
	lt_budget__give_back(share);
}

/* What the search relies on: indexes only go back. */
static bool are_sane(const struct lt_function *functions, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (functions[i].outer != LT_NO_FUNCTION && functions[i].outer >= i)
			return false;
	return true;
}

static int read_functions(const void *args, const int *fds, size_t n_fds)
{
	(void)args;
	(void)n_fds;
	return lt_symfile__read(fds[0]);
}

static void take_functions(struct lt_symfile *file, int err, struct lt_result *functions)
{
	lt_bounded__charge(file->owner, functions, lt_now_ns() - file->begin_ns);
	if (err == -EDQUOT && !functions->by_chance) {
		lt_refuse(file->fd, functions->why, LOSS);
		file->refused = true;
	}
	file->done = err != -EINTR && !functions->by_chance;
	if (err || !functions->length || functions->length % sizeof(struct lt_function) ||
	    !are_sane(functions->data, functions->length / sizeof(struct lt_function))) {
		lt_result__free(functions);
	} else if (!lt_budget__take(&file->share, functions->length)) {
		lt_refuse(file->fd, NO_ROOM, LOSS);
		file->refused = true;
		lt_result__free(functions);
	} else {
		file->functions = *functions;
		file->done = false;
	}
}

/* Reads them, for as long as a tick may wait; what takes longer is there at a later time. False: not now. */
static bool load(struct lt_symfile *file)
{
	struct lt_task task = {
		.fn = read_functions, .fds = &file->fd, .n_fds = 1, .limits = limits
	};
	struct lt_result functions;
	int err;

	if (file->done)
		return false;
	if (!file->job && !lt_bounded__must_wait(file->owner)) {
		file->job = lt_bounded__begin(&task);
		file->begin_ns = lt_now_ns();
	}
	if (!file->job)
		return false;
	err = lt_bounded__end_soon(file->job, UINT64_MAX, &functions);
	if (err == -EAGAIN)
		return false;
	file->job = NULL;
	take_functions(file, err, &functions);
	return file->functions.length;
}

struct lt_symfile *lt_symfile__new(int take_fd)
{
	struct lt_symfile *file = calloc(1, sizeof(*file));
	const char *why;
	struct stat st;
	int err = file ? lt_elf_header__check(take_fd, &why) : -ENOMEM;

	if (!err && fstat(take_fd, &st))
		err = -errno;
	if (err == -EFBIG)
		lt_refuse(take_fd, why, LOSS);
	if (err && err != -EFBIG) {
		close(take_fd);
		free(file);
		errno = -err;
		return NULL;
	}
	file->fd = take_fd;
	file->owner = err ? 0 : st.st_uid;
	file->done = file->refused = err;
	file->share.drop = drop_functions;
	return file;
}

void lt_symfile__free(struct lt_symfile *file)
{
	struct text *text, *next;

	if (!file)
		return;
	lt_bounded__abandon(file->job);
	drop_functions(&file->share);
	HASH_ITER(hh, file->texts, text, next)
	{
		HASH_DEL(file->texts, text);
		free(text);
	}
	lt_budget__give_back(&file->names);
	close(file->fd);
	free(file);
}

bool lt_symfile__is_refused(const struct lt_symfile *file)
{
	return file->refused;
}

/* The innermost function at an offset, LT_NO_FUNCTION: none. */
static uint32_t find(const struct lt_symfile *file, uint64_t offset)
{
	const struct lt_function *functions = file->functions.data;
	size_t low = 0, high = count(file);
	uint32_t found;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (functions[middle].offset <= offset)
			low = middle + 1;
		else
			high = middle;
	}
	found = low ? (uint32_t)(low - 1) : LT_NO_FUNCTION;
	for (int steps = 0; found != LT_NO_FUNCTION && steps < LT_ENCLOSING_MAX; steps++) {
		if (lt_contains(&functions[found], offset))
			return found;
		found = functions[found].outer;
	}
	return LT_NO_FUNCTION;
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

static bool read_name(const struct lt_symfile *file, const struct lt_function *function,
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
	const struct lt_function *function =
		(const struct lt_function *)file->functions.data + found;
	char name[NAME_BYTES + 1];

	if (!read_name(file, function, best))
		return false;
	for (uint32_t n = 1; n <= found && lt_is_same_code(function - n, function); n++) {
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

/* The text of a function that was asked for before, or is now. */
static struct text *text_of(struct lt_symfile *file, uint32_t found)
{
	char name[NAME_BYTES + 1], buf[TEXT_BYTES];
	const char *readable;
	struct text *text;
	size_t size;

	HASH_FIND(hh, file->texts, &found, sizeof(found), text);
	if (text || HASH_COUNT(file->texts) >= TEXTS_MAX)
		return text;
	readable = best_name(file, found, name) ? lt_symbol_text(buf, sizeof(buf), name) : "";
	size = sizeof(*text) + strlen(readable) + 1;
	text = lt_budget__take(&file->names, file->names.bytes + size) ? malloc(size) : NULL;
	if (!text)
		return NULL;
	text->function = found;
	strcpy(text->text, readable);
	HASH_ADD(hh, file->texts, function, sizeof(text->function), text);
	return text;
}

const char *lt_symfile__name(struct lt_symfile *file, uint64_t offset)
{
	struct text *text;
	uint32_t found;

	if (!file->functions.length && !load(file))
		return NULL;
	lt_budget__touch(&file->share);
	found = find(file, offset);
	text = found == LT_NO_FUNCTION ? NULL : text_of(file, found);
	return text && text->text[0] ? text->text : NULL;
}
