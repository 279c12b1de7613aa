/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/*
 * The one way in which files are written. The program is root, and the folder that a path leads through may be
 * anybody's: a link that another user made is never followed, what exists is replaced as a whole or not at all, and
 * nothing that belongs to another user is. What is half written never has the file's name.
 */
#ifndef LOOPTOP_UTIL_NEW_FILE_H
#define LOOPTOP_UTIL_NEW_FILE_H

#include <stdbool.h>
#include <stdio.h>
#include <sys/types.h>

#define LT_FILE_NAME_SIZE 256

struct lt_new_file {
	int dir; /* the folder; -1: none */
	bool own_dir; /* to be closed */
	bool direct; /* a device, a pipe or an open descriptor: written to as it is */
	bool replaces; /* there is a file of that name, which is our own */
	mode_t mode; /* of the file that is replaced, with its group */
	gid_t group;
	char name[LT_FILE_NAME_SIZE]; /* in the folder */
	char temporary[LT_FILE_NAME_SIZE]; /* "": none is there */
	int fd; /* -1: nothing was begun */
	FILE *out; /* of fd, made by lt_new_file__begin() */
};

/*
 * Finds the folder and whether a file may be written there; the folder stays open, so that what is found then is what
 * was looked at. A regular file is replaced if it is our own, or if nobody else can write to its folder. A device, a
 * pipe ("/dev/null", a fifo, "/dev/stdout", "/dev/fd/3") is written to. 0, or -errno with *why saying what is wrong.
 */
int lt_new_file__open(struct lt_new_file *file, const char *path, const char **ret_why);

/* Opens file->out. 0 or -errno. */
int lt_new_file__begin(struct lt_new_file *file);

/* Gives what was written its name. Otherwise nothing is left of it: 0 or -errno. */
int lt_new_file__commit(struct lt_new_file *file);

/* Leaves nothing behind; also after the others. */
void lt_new_file__close(struct lt_new_file *file);

#endif
