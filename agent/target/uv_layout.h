/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/* Where libuv's structures have what, in bytes: libuv 1.43 … 1.52 on 64-bit Linux (DWARF; facts 1.5). */
#ifndef LOOPTOP_TARGET_UV_LAYOUT_H
#define LOOPTOP_TARGET_UV_LAYOUT_H

/* uv_loop_t */
enum {
	LT_UV_LOOP_ACTIVE_HANDLES = 8,
	LT_UV_LOOP_HANDLE_QUEUE = 16,
	LT_UV_LOOP_ACTIVE_REQS = 32,
	LT_UV_LOOP_INTERNAL_FIELDS = 40,
	LT_UV_LOOP_BACKEND_FD = 64,
	LT_UV_LOOP_WATCHERS = 104, /* uv__io_t *[], by descriptor */
	LT_UV_LOOP_NWATCHERS = 112,
};

/*
 * What comes behind its wq_mutex, a pthread_mutex_t, whose length is another on each machine: struct lt_machine has
 * them, lt_image.uv that of the file. Nothing else in what is read here has a length of its own.
 */
#define LT_UV_MUTEX_MAX				48
#define LT_UV_LOOP_PREPARE_HANDLES(mutex_bytes) (344 + (mutex_bytes))
#define LT_UV_LOOP_CHECK_HANDLES(mutex_bytes)	(360 + (mutex_bytes))
#define LT_UV_LOOP_IDLE_HANDLES(mutex_bytes)	(376 + (mutex_bytes))
#define LT_UV_LOOP_TIMER_HEAP(mutex_bytes)	(480 + (mutex_bytes)) /* the timer that is due first */
#define LT_UV_LOOP_TIME_MS(mutex_bytes)		(504 + (mutex_bytes))
#define LT_UV_LOOP_BYTES(mutex_bytes)		(808 + (mutex_bytes))

/* uv__loop_internal_fields_t: in so many bytes are its account of idle time and its count of iterations, wherever a
 * version has them. */
#define LT_UV_ACCOUNT_MAX 160

/* uv_handle_t, the beginning of every handle, and what some kinds have behind it */
enum {
	LT_UV_HANDLE_LOOP = 8,
	LT_UV_HANDLE_TYPE = 16,
	LT_UV_HANDLE_QUEUE = 32, /* next, previous */
	LT_UV_HANDLE_FLAGS = 88,
	LT_UV_CHECK_CB = 96,
	LT_UV_TIMER_CB = 96,
	LT_UV_TIMER_HEAP_NODE = 104,
	LT_UV_TIMER_TIMEOUT_MS = 128,
	LT_UV_STREAM_QUEUED_BYTES = 96,
	LT_UV_STREAM_WATCHER = 136,
	LT_UV_STREAM_FD = 184,
	LT_UV_STREAM_CONNECTION_CB = 224,
	LT_UV_CHECK_BYTES = 104,
	LT_UV_TIMER_BYTES = 152,
	LT_UV_HANDLE_LEAST_BYTES = 120, /* of the smallest kind */
};

/* struct uv__work, the task inside of a request; what is before it is of uv_work_t, the request of uv_queue_work() */
enum {
	LT_UV_WORK_USER_CB = -16, /* uv_work_t.work_cb */
	LT_UV_WORK_FUNCTION = 0, /* what a thread of the pool calls; 0: it has been called */
	LT_UV_WORK_LOOP = 16,
	LT_UV_WORK_NODE = 24, /* in the queue: next, previous; both are itself while it runs */
	LT_UV_WORK_BYTES = 40,
};

/* uv_handle_type; LT_UV_TYPES is one more than the largest */
enum {
	LT_UV_ASYNC = 1,
	LT_UV_CHECK = 2,
	LT_UV_FS_EVENT = 3,
	LT_UV_FS_POLL = 4,
	LT_UV_IDLE = 6,
	LT_UV_PIPE = 7,
	LT_UV_POLL = 8,
	LT_UV_PREPARE = 9,
	LT_UV_PROCESS = 10,
	LT_UV_TCP = 12,
	LT_UV_TIMER = 13,
	LT_UV_TTY = 14,
	LT_UV_UDP = 15,
	LT_UV_SIGNAL = 16,
	LT_UV_TYPES = 18,
};

/* Flags of a handle */
enum {
	LT_UV_CLOSING = 0x1,
	LT_UV_CLOSED = 0x2,
	LT_UV_ACTIVE = 0x4,
	LT_UV_REF = 0x8,
	LT_UV_INTERNAL = 0x10, /* libuv's own: uv_walk() does not show it */
};

#endif
