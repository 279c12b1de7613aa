/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/* Within agent/runtime: finding libuv's internals in a stripped file. */
#ifndef LOOPTOP_RUNTIME_LIBUV_DEDUCE_H
#define LOOPTOP_RUNTIME_LIBUV_DEDUCE_H

#include <stdbool.h>
#include <stdint.h>

struct lt_deducing;
struct lt_function;

/* Exported functions that lead to the others. */
enum lt_uv_export {
	LT_UV_RUN,
	LT_UV_DEFAULT_LOOP,
	LT_UV_LOOP_INIT,
	LT_UV_TIMER_STOP,
	LT_UV_QUEUE_WORK,
	LT_UV_FS_FSYNC,
	LT_UV_GETADDRINFO,
	LT_UV_GETNAMEINFO,
	LT_UV_RANDOM,
	LT_UV_COND_WAIT,
	LT_UV_COND_SIGNAL,
	LT_UV_MAX,
};

struct lt_uv_exports {
	uint64_t vaddr[LT_UV_MAX]; /* 0: the file has it not */
};

/* Tells what is found of libuv: its loop, its default loop, its pool. */
void lt_uv_deduce(const struct lt_deducing *deducing);
void lt_uv_deduce_pool(const struct lt_deducing *deducing, const struct lt_uv_exports *exports);

/* Does the function call that exported one, directly or as an import? */
bool lt_uv_calls(const struct lt_deducing *deducing, const struct lt_uv_exports *exports,
		 const struct lt_function *function, enum lt_uv_export which);

#endif
