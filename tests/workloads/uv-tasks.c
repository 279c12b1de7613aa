/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/*
 * A libuv program that is not Node: says it is ready, waits for a line on stdin, then puts TASKS
 * sleeping tasks on the thread pool, cancels those that it can, keeps its loop busy with a timer
 * for BLOCKS blocks, and tells how many tasks were completed and cancelled. Linked statically, so
 * that libuv's symbols are there. The end of stdin ends it.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <uv.h>

#define TASKS	    20
#define CANCEL_FROM 12 /* the first task that is tried to cancel */
#define TASK_MS	    40
#define BLOCKS	    10
#define BLOCK_MS    20

struct state {
	uv_work_t tasks[TASKS];
	uv_timer_t timer;
	uv_pipe_t in;
	char buffer[256];
	int ended, cancelled, blocks;
	double blocked_seconds, start, end;
	bool running;
};

static double now_seconds(void)
{
	return (double)uv_hrtime() / 1e9;
}

static void sleep_task(uv_work_t *request)
{
	struct timespec ts = { .tv_nsec = TASK_MS * 1000000L };

	(void)request;
	nanosleep(&ts, NULL);
}

static void tell_when_done(struct state *state)
{
	if (state->ended < TASKS || state->blocks < BLOCKS)
		return;
	state->end = now_seconds();
	printf("{\"event\":\"done\",\"cmd\":\"start\",\"truth\":{\"start\":%.9f,\"end\":%.9f,"
	       "\"completed\":%d,\"cancelled\":%d,\"blocks\":%d,\"blocked_seconds\":%.9f}}\n",
	       state->start, state->end, TASKS - state->cancelled, state->cancelled, state->blocks,
	       state->blocked_seconds);
	fflush(stdout);
}

static void task_done(uv_work_t *request, int status)
{
	struct state *state = request->data;

	state->ended++;
	state->cancelled += status == UV_ECANCELED;
	tell_when_done(state);
}

static void block(uv_timer_t *timer)
{
	struct state *state = timer->data;
	double start = now_seconds(), now = start;

	while (now - start < BLOCK_MS / 1e3)
		now = now_seconds();
	state->blocked_seconds += now - start;
	if (++state->blocks == BLOCKS)
		uv_timer_stop(timer);
	tell_when_done(state);
}

static void start(struct state *state)
{
	state->start = now_seconds();
	for (int i = 0; i < TASKS; i++) {
		state->tasks[i].data = state;
		uv_queue_work(uv_default_loop(), &state->tasks[i], sleep_task, task_done);
	}
	for (int i = CANCEL_FROM; i < TASKS; i++)
		uv_cancel((uv_req_t *)&state->tasks[i]);
	uv_timer_start(&state->timer, block, 10, 50);
}

static void alloc_buffer(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
	struct state *state = handle->data;

	(void)suggested;
	*buf = uv_buf_init(state->buffer, sizeof(state->buffer));
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
	struct state *state = stream->data;

	(void)buf;
	if (n < 0)
		exit(EXIT_SUCCESS);
	if (n > 0 && !state->running) {
		state->running = true;
		start(state);
	}
}

int main(void)
{
	static struct state state;
	uv_loop_t *loop = uv_default_loop();

	state.timer.data = &state;
	state.in.data = &state;
	uv_timer_init(loop, &state.timer);
	uv_pipe_init(loop, &state.in, 0);
	uv_pipe_open(&state.in, 0);
	uv_read_start((uv_stream_t *)&state.in, alloc_buffer, on_read);
	printf("{\"event\":\"ready\",\"pid\":%d,\"version\":\"%s\"}\n", (int)uv_os_getpid(),
	       uv_version_string());
	fflush(stdout);
	return uv_run(loop, UV_RUN_DEFAULT);
}
