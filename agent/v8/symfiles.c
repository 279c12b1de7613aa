/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/*
 * A file is told by what the kernel says of it, never by its path: containers have other files of the same path,
 * and a program that is replaced keeps its path while the old one runs.
 */
#include "agent/v8/symfiles.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/util/array.h"

#define REFUSED_MAX 64

struct entry {
	dev_t dev;
	ino_t ino;
	off_t size;
	struct timespec changed; /* one that was written to is another file */
	struct lt_symfile *file;
	size_t users;
};

struct lt_symfiles {
	struct entry *entries;
	size_t n, room;
};

struct lt_symfiles *lt_symfiles__new(void)
{
	return calloc(1, sizeof(struct lt_symfiles));
}

void lt_symfiles__free(struct lt_symfiles *files)
{
	if (!files)
		return;
	for (size_t i = 0; i < files->n; i++)
		lt_symfile__free(files->entries[i].file);
	free(files->entries);
	free(files);
}

static bool is_of(const struct entry *entry, const struct stat *st)
{
	return entry->dev == st->st_dev && entry->ino == st->st_ino && entry->size == st->st_size &&
	       entry->changed.tv_sec == st->st_ctim.tv_sec &&
	       entry->changed.tv_nsec == st->st_ctim.tv_nsec;
}

static struct lt_symfile *add(struct lt_symfiles *files, int take_fd, const struct stat *st)
{
	struct entry *entries =
		lt_array_room(files->entries, files->n, &files->room, 8, sizeof(*entries));
	struct lt_symfile *file;

	if (!entries) {
		close(take_fd);
		errno = ENOMEM;
		return NULL;
	}
	files->entries = entries;
	file = lt_symfile__new(take_fd);
	if (file)
		files->entries[files->n++] = (struct entry){
			.dev = st->st_dev,
			.ino = st->st_ino,
			.size = st->st_size,
			.changed = st->st_ctim,
			.file = file,
			.users = 1,
		};
	return file;
}

struct lt_symfile *lt_symfiles__get(struct lt_symfiles *files, int take_fd)
{
	struct stat st;

	if (fstat(take_fd, &st)) {
		int err = errno;

		close(take_fd);
		errno = err;
		return NULL;
	}
	for (size_t i = 0; i < files->n; i++) {
		struct entry *entry = &files->entries[i];

		if (!is_of(entry, &st))
			continue;
		close(take_fd);
		entry->users++;
		return entry->file;
	}
	return add(files, take_fd, &st);
}

/* Those that nobody uses are kept to be known when they come again, in some number. */
static bool keep_refused(const struct lt_symfiles *files)
{
	size_t kept = 0;

	for (size_t i = 0; i < files->n; i++)
		kept += !files->entries[i].users;
	return kept <= REFUSED_MAX;
}

void lt_symfiles__put(struct lt_symfiles *files, struct lt_symfile *file)
{
	for (size_t i = 0; file && i < files->n; i++) {
		if (files->entries[i].file != file)
			continue;
		if (--files->entries[i].users)
			return;
		if (lt_symfile__is_refused(file) && keep_refused(files))
			return;
		lt_symfile__free(file);
		files->entries[i] = files->entries[--files->n];
		return;
	}
}
