/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
#include "agent/target/files.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/target/image_load.h"
#include "agent/target/maps.h"
#include "agent/target/open.h"

#define FILES_MAX    8192 /* a power of two */
#define FILES_FULL   (FILES_MAX / 4 * 3)
#define MAPPINGS_MAX 256

/* A file that is written to, or another one that got its inode, has another tag. */
struct file {
	uint64_t dev, ino, tag;
	bool used, has_loop;
};

struct lt_files {
	uint64_t patience_ns;
	bool waiting; /* the file that was looked into last is still being read */
	struct file files[FILES_MAX];
	size_t n_files;
	struct lt_mapping mappings[MAPPINGS_MAX]; /* of the process that is looked at */
};

struct lt_files *lt_files__new(void)
{
	struct lt_files *files = calloc(1, sizeof(*files));

	if (files)
		files->patience_ns = LT_PATIENT;
	return files;
}

void lt_files__set_patience(struct lt_files *files, uint64_t patience_ns)
{
	files->patience_ns = patience_ns;
}

void lt_files__free(struct lt_files *files)
{
	free(files);
}

static uint64_t mix(uint64_t hash, uint64_t value)
{
	return (hash ^ value) * 0x9e3779b97f4a7c15ull;
}

/* Its place, or the free one where it belongs. A full table is forgotten: files are looked into again. */
static struct file *place_of(struct lt_files *files, uint64_t dev, uint64_t ino, uint64_t tag)
{
	size_t at = mix(mix(mix(0, dev), ino), tag) >> 32;

	if (files->n_files >= FILES_FULL) {
		for (size_t i = 0; i < FILES_MAX; i++)
			files->files[i].used = false;
		files->n_files = 0;
	}
	for (;; at++) {
		struct file *file = &files->files[at % FILES_MAX];

		if (!file->used || (file->dev == dev && file->ino == ino && file->tag == tag))
			return file;
	}
}

static bool keep(struct lt_files *files, struct file *place, const struct file *file)
{
	*place = *file;
	files->n_files++;
	return file->has_loop;
}

/* True: what is in it is known now, also that it is refused, but not what a process that ends broke off. */
static bool look_into(struct lt_files *files, int fd, bool unless_marked, bool *ret_has_loop)
{
	struct lt_image *image = NULL;
	int err = lt_image__load(fd, unless_marked, files->patience_ns, &image);

	*ret_has_loop = !err;
	if (!err)
		free(image);
	files->waiting = err == -EAGAIN || err == -EINTR;
	return !files->waiting && err != -ENOMEM;
}

bool lt_files__exe_has_loop(struct lt_files *files, int pid)
{
	struct file *place, file = { .used = true };
	struct lt_opened exe;

	if (lt_open(pid, LT_OPEN_LINK, "exe", LT_LOOK, &exe))
		return false;
	file.dev = exe.st.st_dev;
	file.ino = exe.st.st_ino;
	file.tag = mix((uint64_t)exe.st.st_ctim.tv_sec, (uint64_t)exe.st.st_ctim.tv_nsec);
	place = place_of(files, file.dev, file.ino, file.tag);
	if (place->used)
		return place->has_loop;
	if (lt_open(pid, LT_OPEN_LINK, "exe", 0, &exe))
		return false;
	/* The process may run another program by now: what is kept is what was opened. */
	if (exe.st.st_dev == file.dev && exe.st.st_ino == file.ino) {
		if (look_into(files, exe.fd, false, &file.has_loop))
			keep(files, place, &file);
	}
	close(exe.fd);
	return file.has_loop;
}

/* Inodes are used again: the path tells most of those. */
static uint64_t hash_of(const char *path)
{
	uint64_t hash = 0;

	while (*path)
		hash = mix(hash, (unsigned char)*path++);
	return hash;
}

static struct file file_of(const struct lt_mapping *mapping)
{
	return (struct file){ mapping->dev, mapping->ino, hash_of(mapping->path), true, false };
}

static bool is_any_new(struct lt_files *files, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct file file = file_of(&files->mappings[i]);

		if (!place_of(files, file.dev, file.ino, file.tag)->used)
			return true;
	}
	return false;
}

static bool mapping_has_loop(struct lt_files *files, int pid, const struct lt_mapping *mapping)
{
	struct file file = file_of(mapping);
	struct file *place = place_of(files, file.dev, file.ino, file.tag);
	int fd;

	if (place->used)
		return place->has_loop;
	fd = lt_maps_open(pid, mapping);
	if (fd < 0)
		return false;
	if (look_into(files, fd, true, &file.has_loop))
		keep(files, place, &file);
	close(fd);
	return file.has_loop;
}

bool lt_files__any_has_loop(struct lt_files *files, int pid)
{
	int n = lt_maps_files(pid, files->mappings, MAPPINGS_MAX);

	if (n > 0 && is_any_new(files, (size_t)n))
		lt_image__prefetch(pid, files->mappings, (size_t)n, files->patience_ns);
	files->waiting = false;
	for (int i = 0; i < n && !files->waiting; i++) /* each of the others would be waited for, too */
		if (mapping_has_loop(files, pid, &files->mappings[i]))
			return true;
	return false;
}
