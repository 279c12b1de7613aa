/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/*
 * uv-loops LOOPS PERIOD_MS BUSY_US: a cheap process with many event loops. The main thread's, and one on each
 * further thread's stack, as Node's Workers have them; each keeps an account of its idle time, as Node asks libuv
 * to, and is busy for BUSY_US every PERIOD_MS. Says that it is ready on stdout; the end of stdin ends it.
 */
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <uv.h>

#define LOOPS_MAX   64
#define STACK_BYTES (64 * 1024)

static uint64_t period_ms, busy_ns;

static void work(uv_timer_t *timer)
{
	uint64_t end_ns = uv_hrtime() + busy_ns;

	(void)timer;
	while (busy_ns && uv_hrtime() < end_ns)
		;
}

static int begin(uv_loop_t *loop, uv_timer_t *timer)
{
	int err = uv_loop_configure(loop, UV_METRICS_IDLE_TIME);

	if (!err)
		err = uv_timer_init(loop, timer);
	return err ? err : uv_timer_start(timer, work, period_ms, period_ms);
}

static void *run(void *ctx)
{
	uv_loop_t loop;
	uv_timer_t timer;

	(void)ctx;
	if (uv_loop_init(&loop) || begin(&loop, &timer))
		abort();
	uv_run(&loop, UV_RUN_DEFAULT);
	return NULL;
}

static int start_threads(long n)
{
	pthread_attr_t attr;
	pthread_t thread;
	int err;

	pthread_attr_init(&attr);
	err = pthread_attr_setstacksize(&attr, STACK_BYTES);
	for (long i = 0; !err && i < n; i++)
		err = pthread_create(&thread, &attr, run, NULL);
	pthread_attr_destroy(&attr);
	return err;
}

static void alloc_buffer(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
	static char buffer[64];

	(void)handle;
	(void)suggested;
	*buf = uv_buf_init(buffer, sizeof(buffer));
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
	(void)stream;
	(void)buf;
	if (n < 0)
		exit(EXIT_SUCCESS);
}

int main(int argc, char **argv)
{
	static uv_timer_t timer;
	static uv_pipe_t in;
	uv_loop_t *loop = uv_default_loop();
	long loops = argc == 4 ? atol(argv[1]) : 0;

	if (loops < 1 || loops > LOOPS_MAX || atol(argv[2]) < 1) {
		fputs("usage: uv-loops LOOPS PERIOD_MS BUSY_US\n", stderr);
		return 2;
	}
	period_ms = (uint64_t)atol(argv[2]);
	busy_ns = (uint64_t)atol(argv[3]) * 1000;
	if (begin(loop, &timer) || uv_pipe_init(loop, &in, 0) || uv_pipe_open(&in, 0) ||
	    uv_read_start((uv_stream_t *)&in, alloc_buffer, on_read) || start_threads(loops - 1))
		return 1;
	printf("ready, libuv %s\n", uv_version_string());
	fflush(stdout);
	return uv_run(loop, UV_RUN_DEFAULT);
}
