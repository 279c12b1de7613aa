/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/*
 * What is to be done at the end, with rights that are given up at the beginning: a child that keeps them waits for
 * some bytes, which it does not look at, and does it. It reads nothing else.
 */
#ifndef LOOPTOP_ERRAND_H
#define LOOPTOP_ERRAND_H

#include <stdio.h>

/* 0 or -errno, which it does not log. */
typedef int (*lt_errand_fn)(void *ctx, const char *bytes, size_t size);

struct lt_errand;

/* Starts the child, with a copy of what ctx points at. 0, or -errno, logged. */
int lt_errand__new(lt_errand_fn fn, void *ctx, struct lt_errand **ret_errand);

/* Has fn called with the bytes, once; its answer. */
int lt_errand__run(struct lt_errand *errand, const char *bytes, size_t size);

/* Without lt_errand__run() nothing is done. Accepts NULL. */
void lt_errand__free(struct lt_errand *errand);

#endif
