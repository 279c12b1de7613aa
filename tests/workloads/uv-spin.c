/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/*
 * A loop that turns as fast as it can until a line comes on its input, and from then on ten times a second: over any
 * budget, and then under it. The end of the input ends it.
 */
#include <stdio.h>
#include <unistd.h>
#include <uv.h>

static uv_idle_t spin;
static uv_timer_t timer;
static uv_pipe_t input;

static void on_idle(uv_idle_t *handle)
{
	(void)handle;
}

static void on_timer(uv_timer_t *handle)
{
	(void)handle;
}

static void give_buffer(uv_handle_t *handle, size_t size, uv_buf_t *buf)
{
	static char bytes[256];

	(void)handle;
	(void)size;
	*buf = uv_buf_init(bytes, sizeof(bytes));
}

static void on_input(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
	(void)stream;
	(void)buf;
	uv_idle_stop(&spin);
	if (n < 0)
		uv_stop(uv_default_loop());
	else if (n > 0)
		printf("{\"event\":\"done\",\"cmd\":\"calm\",\"truth\":{}}\n");
	fflush(stdout);
}

int main(void)
{
	uv_loop_t *loop = uv_default_loop();

	uv_loop_configure(loop, UV_METRICS_IDLE_TIME);
	uv_idle_init(loop, &spin);
	uv_idle_start(&spin, on_idle);
	uv_timer_init(loop, &timer);
	uv_timer_start(&timer, on_timer, 100, 100);
	uv_pipe_init(loop, &input, 0);
	uv_pipe_open(&input, 0);
	uv_read_start((uv_stream_t *)&input, give_buffer, on_input);
	printf("{\"event\":\"ready\",\"pid\":%d}\n", (int)getpid());
	fflush(stdout);
	return uv_run(loop, UV_RUN_DEFAULT);
}
