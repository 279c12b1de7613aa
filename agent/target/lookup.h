/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
#ifndef LOOPTOP_TARGET_LOOKUP_H
#define LOOPTOP_TARGET_LOOKUP_H

/*
 * Looks a path up with root_fd for "/", also in symbolic links, however it is renamed meanwhile: nothing leads out of
 * there, nothing is opened. A descriptor of the place (O_PATH), or -errno.
 */
int lt_look_up(int root_fd, const char *path);

#endif
