/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/* Where libuv's structures have what, in bytes: libuv 1.43 … 1.52 on 64-bit Linux (DWARF; facts 1.5). */
#ifndef LOOPTOP_TARGET_UV_LAYOUT_H
#define LOOPTOP_TARGET_UV_LAYOUT_H

/* uv_loop_t */
enum {
	LT_UV_LOOP_ACTIVE_HANDLES = 8,
	LT_UV_LOOP_HANDLE_QUEUE = 16,
	LT_UV_LOOP_INTERNAL_FIELDS = 40,
	LT_UV_LOOP_BACKEND_FD = 64,
	LT_UV_LOOP_PREPARE_HANDLES = 384,
	LT_UV_LOOP_CHECK_HANDLES = 400,
	LT_UV_LOOP_IDLE_HANDLES = 416,
	LT_UV_LOOP_TIMER_HEAP = 520,
	LT_UV_LOOP_TIME_MS = 544,
	LT_UV_LOOP_BYTES = 848,
};

/* uv_handle_t, the beginning of every handle, and uv_check_t */
enum {
	LT_UV_HANDLE_LOOP = 8,
	LT_UV_HANDLE_TYPE = 16,
	LT_UV_HANDLE_QUEUE = 32,
	LT_UV_CHECK_CB = 96,
	LT_UV_CHECK_BYTES = 104,
};

#endif
