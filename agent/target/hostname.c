/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/*
 * The host name of a process's container. Its UTS namespace is not entered; container runtimes put the name
 * into the container's /etc/hostname, which is read through /proc/PID/root.
 */
#include "agent/target/hostname.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/target/open.h"

#define FILE_MAX 65536 /* none is longer */

/* Is it in another namespace of this kind than we are? False also if it may not be asked. */
static bool is_elsewhere(int pid, const char *kind)
{
	char path[48];
	struct stat own, its;

	snprintf(path, sizeof(path), "/proc/self/ns/%s", kind);
	if (stat(path, &own))
		return false;
	snprintf(path, sizeof(path), "/proc/%d/ns/%s", pid, kind);
	return stat(path, &its) == 0 && (own.st_ino != its.st_ino || own.st_dev != its.st_dev);
}

int lt_parse_hostname(const char *text, size_t length, char name[LT_HOSTNAME_SIZE])
{
	size_t n = 0;

	while (n < length && text[n] != '\n')
		n++;
	while (n && (text[n - 1] == ' ' || text[n - 1] == '\r'))
		n--;
	if (!n || n >= LT_HOSTNAME_SIZE)
		return -EINVAL;
	for (size_t i = 0; i < n; i++)
		if (!isalnum((unsigned char)text[i]) && !memchr("-._", text[i], 3))
			return -EINVAL;
	memcpy(name, text, n);
	name[n] = '\0';
	return 0;
}

void lt_process_hostname(int pid, char name[LT_HOSTNAME_SIZE])
{
	char text[LT_HOSTNAME_SIZE * 2];
	struct lt_opened file;
	ssize_t n;

	name[0] = '\0';
	/* With our file system, the file has our name, whatever its own is. */
	if (!is_elsewhere(pid, "uts") || !is_elsewhere(pid, "mnt"))
		return;
	if (lt_open(pid, LT_OPEN_BELOW_ROOT, "etc/hostname", FILE_MAX, &file))
		return;
	n = read(file.fd, text, sizeof(text));
	close(file.fd);
	if (n <= 0 || lt_parse_hostname(text, (size_t)n, name))
		name[0] = '\0';
}
