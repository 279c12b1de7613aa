/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/* The host name that a process in a container has. */
#ifndef LOOPTOP_TARGET_HOSTNAME_H
#define LOOPTOP_TARGET_HOSTNAME_H

#include <stddef.h>

#define LT_HOSTNAME_SIZE 65

/* "" if the process has the host name and the files of this one, or if its name cannot be told. */
void lt_process_hostname(int pid, char name[LT_HOSTNAME_SIZE]);

/* From the text of /etc/hostname; 0, or -EINVAL: no host name is its first line. */
int lt_parse_hostname(const char *text, size_t length, char name[LT_HOSTNAME_SIZE]);

#endif
