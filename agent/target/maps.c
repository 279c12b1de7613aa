/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
#include "agent/target/maps.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "agent/target/open.h"
#include "agent/util/fmt.h"

#define MAPS_BYTES_MAX (16u << 20) /* a process may have 65,530 mappings, and more where that was raised */

int lt_parse_mapping(const char *line, struct lt_mapping *ret_mapping)
{
	struct lt_mapping m = { 0 };
	unsigned major, minor;
	char permissions[5];
	int path_at = 0;

	if (sscanf(line, "%lx-%lx %4s %lx %x:%x %lu %n", &m.begin, &m.end, permissions,
		   &m.file_offset, &major, &minor, &m.ino, &path_at) < 7 ||
	    !path_at || m.begin >= m.end)
		return -EINVAL;
	if (!strchr(permissions, 'x') || !m.ino || line[path_at] != '/')
		return 0;
	m.dev = makedev(major, minor);
	lt_fmt_text(m.path, sizeof(m.path), line + path_at);
	*ret_mapping = m;
	return 1;
}

static int add(struct lt_mapping *mappings, size_t n, size_t max, const struct lt_mapping *m)
{
	for (size_t i = 0; i < n; i++)
		if (mappings[i].dev == m->dev && mappings[i].ino == m->ino)
			return 0;
	if (n == max)
		return 0;
	mappings[n] = *m;
	return 1;
}

int lt_maps_text(int pid, FILE **ret_file)
{
	struct lt_opened maps;
	int err = lt_open(pid, LT_OPEN_PROC, "maps", MAPS_BYTES_MAX, &maps);

	if (err)
		return err;
	*ret_file = fdopen(maps.fd, "r");
	if (*ret_file)
		return 0;
	close(maps.fd);
	return -ENOMEM;
}

int lt_maps_files(int pid, struct lt_mapping *mappings, size_t max)
{
	size_t n = 0, capacity = 0;
	char *line = NULL;
	ssize_t length;
	FILE *file;
	int err = lt_maps_text(pid, &file);

	if (err)
		return err;
	errno = 0;
	while ((length = getline(&line, &capacity, file)) > 0) {
		struct lt_mapping m;

		if (line[length - 1] == '\n')
			line[length - 1] = '\0';
		if (lt_parse_mapping(line, &m) == 1)
			n += (size_t)add(mappings, n, max, &m);
	}
	err = ferror(file) ? -(errno ? errno : EIO) : 0;
	free(line);
	fclose(file);
	return err ? err : (int)n;
}

static int open_checked(int pid, const char *path, const struct lt_mapping *mapping)
{
	struct lt_opened file;
	/* A device may be mapped too (-EINVAL). */
	int err = lt_open(pid, LT_OPEN_LINK, path, 0, &file);

	if (err)
		return err == -ENOENT || err == -EINVAL || err == -EISDIR ? -ESTALE : err;
	/* Overlay file systems tell different device numbers here and in maps: the inode decides. */
	if (file.st.st_ino != mapping->ino) {
		close(file.fd);
		return -ESTALE;
	}
	return file.fd;
}

int lt_maps_open(int pid, const struct lt_mapping *mapping)
{
	char path[64];
	int fd = open_checked(pid, "exe", mapping);

	if (fd >= 0 || (fd != -ESTALE && fd != -EACCES && fd != -EPERM && fd != -LT_NOT_LOCAL))
		return fd;
	/* needs CAP_CHECKPOINT_RESTORE or CAP_SYS_ADMIN, and the mapping to be there still */
	snprintf(path, sizeof(path), "map_files/%lx-%lx", mapping->begin, mapping->end);
	return open_checked(pid, path, mapping);
}
