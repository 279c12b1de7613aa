/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/*
 * One process with two copies of libuv: the one that is linked into it runs the loop of the main thread, the
 * shared one that it loads runs the loop of another thread, "second". On a line on stdin each loop fires its
 * timer BLOCKS times and is busy in it, and then tells how long; the second one half as long. The end of
 * stdin ends the process.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <uv.h>

#define BLOCKS	 20
#define PAUSE_MS 5

/* What the loops call: of the one copy, or of the other. */
struct libuv {
	int (*loop_init)(uv_loop_t *);
	int (*run)(uv_loop_t *, uv_run_mode);
	int (*timer_init)(uv_loop_t *, uv_timer_t *);
	int (*timer_start)(uv_timer_t *, uv_timer_cb, uint64_t, uint64_t);
	int (*timer_stop)(uv_timer_t *);
	int (*async_init)(uv_loop_t *, uv_async_t *, uv_async_cb);
	int (*async_send)(uv_async_t *);
	uint64_t (*hrtime)(void);
};

struct side {
	struct libuv uv;
	uv_loop_t loop;
	uv_timer_t timer;
	uv_async_t begin;
	double block_seconds, blocked_seconds;
	int blocks, tid;
	sem_t *done; /* posted when it is ready, and when it has blocked enough */
};

static void block(uv_timer_t *timer)
{
	struct side *side = timer->data;
	uint64_t begin = side->uv.hrtime(), now;

	do
		now = side->uv.hrtime();
	while ((double)(now - begin) < side->block_seconds * 1e9);
	side->blocked_seconds += (double)(now - begin) / 1e9;
	if (++side->blocks < BLOCKS)
		return;
	side->uv.timer_stop(timer);
	sem_post(side->done);
}

static void begin(uv_async_t *async)
{
	struct side *side = async->data;

	side->blocks = 0;
	side->blocked_seconds = 0;
	side->uv.timer_start(&side->timer, block, PAUSE_MS, PAUSE_MS);
}

static void *run(void *arg)
{
	struct side *side = arg;

	side->tid = (int)syscall(SYS_gettid);
	side->uv.loop_init(&side->loop);
	side->uv.timer_init(&side->loop, &side->timer);
	side->timer.data = side;
	side->uv.async_init(&side->loop, &side->begin, begin);
	side->begin.data = side;
	sem_post(side->done);
	side->uv.run(&side->loop, UV_RUN_DEFAULT);
	return NULL;
}

static void *symbol(void *library, const char *name)
{
	void *address = dlsym(library, name);

	if (!address)
		exit(1);
	return address;
}

static struct libuv load(void)
{
	void *library = dlmopen(LM_ID_BASE, "libuv.so.1", RTLD_NOW | RTLD_LOCAL);

	if (!library)
		exit(1);
	return (struct libuv){
		.loop_init = symbol(library, "uv_loop_init"),
		.run = symbol(library, "uv_run"),
		.timer_init = symbol(library, "uv_timer_init"),
		.timer_start = symbol(library, "uv_timer_start"),
		.timer_stop = symbol(library, "uv_timer_stop"),
		.async_init = symbol(library, "uv_async_init"),
		.async_send = symbol(library, "uv_async_send"),
		.hrtime = symbol(library, "uv_hrtime"),
	};
}

static void wait_for_both(sem_t *done)
{
	for (int i = 0; i < 2; i++)
		while (sem_wait(done))
			;
}

/* On a thread without a loop. */
static void *talk(void *arg)
{
	struct side *sides = arg;
	char line[256];

	wait_for_both(sides[0].done);
	printf("{\"event\":\"ready\",\"pid\":%d}\n", (int)getpid());
	fflush(stdout);
	while (fgets(line, sizeof(line), stdin)) {
		for (int i = 0; i < 2; i++)
			sides[i].uv.async_send(&sides[i].begin);
		wait_for_both(sides[0].done);
		printf("{\"event\":\"done\",\"cmd\":\"start\",\"truth\":{\"blocks\":%d,\"blocked_seconds\":"
		       "[%.9f,%.9f],\"tids\":[%d,%d]}}\n",
		       BLOCKS, sides[0].blocked_seconds, sides[1].blocked_seconds, sides[0].tid,
		       sides[1].tid);
		fflush(stdout);
	}
	_exit(0);
}

int main(void)
{
	static const struct libuv linked = { uv_loop_init,   uv_run,	    uv_timer_init, uv_timer_start,
					     uv_timer_stop, uv_async_init, uv_async_send, uv_hrtime };
	sem_t done;
	struct side sides[2] = {
		{ .uv = linked, .block_seconds = 0.02, .done = &done },
		{ .uv = load(), .block_seconds = 0.01, .done = &done },
	};
	pthread_t second, talker;

	if (sem_init(&done, 0, 0) || pthread_create(&second, NULL, run, &sides[1]) || pthread_setname_np(second, "second") ||
	    pthread_create(&talker, NULL, talk, sides))
		return 1;
	run(&sides[0]);
	return 0;
}
