/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
#include "agent/v8/mapfile.h"

#include <errno.h>
#include <unistd.h>

#include "agent/target/maps.h"
#include "agent/target/open.h"

static int open_by_path(int pid, const struct lt_mapping *mapping)
{
	struct lt_opened file;
	int err = lt_open(pid, LT_OPEN_BELOW_ROOT, mapping->path, 0, &file);

	if (err)
		return err == -EINVAL || err == -EISDIR ? -ESTALE : err;
	if (file.st.st_ino == mapping->ino)
		return file.fd;
	close(file.fd);
	return -ESTALE;
}

int lt_mapfile__open(int pid, const struct lt_mapping *mapping)
{
	int fd = lt_maps_open(pid, mapping);

	return fd >= 0 || (fd != -EPERM && fd != -EACCES) ? fd : open_by_path(pid, mapping);
}
