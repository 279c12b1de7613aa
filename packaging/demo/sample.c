/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/*
 * A small libuv program with trouble, for a machine without Node: a timer every 10 ms, one block
 * of 150 ms in 2.5 s, and bursts of pool work.
 */
#include <time.h>
#include <uv.h>

#define BURST 12

static void burn(int ms)
{
	struct timespec begin, now;

	clock_gettime(CLOCK_MONOTONIC, &begin);
	do
		clock_gettime(CLOCK_MONOTONIC, &now);
	while ((now.tv_sec - begin.tv_sec) * 1000 + (now.tv_nsec - begin.tv_nsec) / 1000000 < ms);
}

static void on_tick(uv_timer_t *timer)
{
	(void)timer;
	burn(3);
}

static void on_block(uv_timer_t *timer)
{
	(void)timer;
	burn(150);
}

static void work(uv_work_t *req)
{
	(void)req;
	burn(30);
}

static int under_way;

static void on_done(uv_work_t *req, int status)
{
	(void)req;
	(void)status;
	under_way--;
}

static void on_burst(uv_timer_t *timer)
{
	static uv_work_t reqs[BURST];

	if (under_way) /* the last burst's requests are still in use */
		return;
	for (int i = 0; i < BURST; i++)
		if (uv_queue_work(timer->loop, &reqs[i], work, on_done) == 0)
			under_way++;
}

int main(void)
{
	uv_loop_t *loop = uv_default_loop();
	uv_timer_t tick, block, burst;

	uv_timer_init(loop, &tick);
	uv_timer_init(loop, &block);
	uv_timer_init(loop, &burst);
	uv_timer_start(&tick, on_tick, 10, 10);
	uv_timer_start(&block, on_block, 2500, 2500);
	uv_timer_start(&burst, on_burst, 1000, 1000);
	return uv_run(loop, UV_RUN_DEFAULT);
}
