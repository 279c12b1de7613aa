/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/*
 * The end that the user asks for, by SIGINT, SIGTERM or SIGHUP: whoever waits learns of it, and nothing keeps the
 * program longer than a second, whatever it is doing.
 */
#ifndef LOOPTOP_UTIL_STOP_H
#define LOOPTOP_UTIL_STOP_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/* These signals ask for the end from now on; but not SIGHUP where it is ignored, as under nohup(1). */
void lt_stop__install(void);

bool lt_stop__asked(void);

/* Waits until fd is ready for events, as poll(2) has them, or -1 for none, until CLOCK_MONOTONIC deadline_ns, or until the
 * end is asked for. 1: ready; 0: the deadline; -EINTR: the end, or some other signal. */
int lt_stop__wait(int fd, short events, uint64_t deadline_ns);

/* The same where something is to be done even at the end: then it waits for a part of the last second. -EINTR: that is
 * over. */
int lt_stop__wait_on(int fd, short events, uint64_t deadline_ns);

/* The program ends in order from now on and waits by lt_stop__wait_on() alone: it is given more time for its work. */
void lt_stop__in_order(void);

/* What to do when there is no end in order: safe in a signal handler. NULL: nothing. */
void lt_stop__set_last_act(void (*act)(void));

/* stdout and stderr wait for their readers by lt_stop__wait_on(): what is full at the end is not waited for longer. Not
 * for who needs their descriptors (curses). */
void lt_stop__patient_output(void);

#endif
