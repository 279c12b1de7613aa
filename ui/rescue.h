/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/*
 * Gives the terminal back when a signal ends the program, and wakes the dashboard for a new size.
 * It knows no curses: it gets the bytes and the modes that restore the terminal beforehand, because
 * a handler may do no more than write them.
 */
#ifndef LOOPTOP_UI_RESCUE_H
#define LOOPTOP_UI_RESCUE_H

#include <stddef.h>
#include <termios.h>

/* Remembers the modes of this terminal and the signals' handlers, to be called before curses
 * changes either. 0 or -errno. */
int lt_rescue_begin(int tty_fd);

/* Sets the handlers, with the bytes to write. wake_fd: an eventfd that becomes readable with each
 * SIGWINCH and SIGCONT. 0 or -errno. */
int lt_rescue_arm(const char *sequence, size_t length, int wake_fd);

/* Gives the terminal back at once; safe in a signal handler. */
void lt_rescue_now(void);

/* Puts the signals back as they were. */
void lt_rescue_end(void);

#endif
