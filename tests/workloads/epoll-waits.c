/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/*
 * A program with two threads that wait in epoll, without any library for it. On a line on stdin its main
 * thread works between waits on two descriptors in turn, and then between waits that may not block; its
 * other thread, "ticker", waits by epoll_pwait2 for parts of a millisecond. Then it tells what both did.
 * The end of stdin ends it.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define ROUNDS	20 /* of two waits each */
#define WAIT_MS 5
#define WORK_MS 3
#define POLLS	300 /* waits that may not block */
#define POLL_US 200 /* of work between them */
#define TICKS	100
#define TICK_NS 2500000

struct state {
	int in, other, ticker_epoll; /* epoll descriptors */
	int start, ticked; /* eventfds */
	int ticker_tid;
	double ticker_waited; /* seconds */
	double call_seconds; /* of a wait that does not block, with the clock read around it */
};

static double now_seconds(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static double burn(double seconds)
{
	double begin = now_seconds(), now;

	do
		now = now_seconds();
	while (now - begin < seconds);
	return now - begin;
}

static int epoll_of(int fd)
{
	struct epoll_event event = { .events = EPOLLIN };
	int epoll = epoll_create1(0);

	if (fd >= 0 && epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event))
		exit(1);
	return epoll;
}

static void wait_for(int epoll, int fd)
{
	struct epoll_event event;
	uint64_t value;

	while (epoll_wait(epoll, &event, 1, -1) != 1)
		;
	if (read(fd, &value, sizeof(value)) != sizeof(value))
		exit(1);
}

static void *tick(void *arg)
{
	const struct timespec timeout = { .tv_nsec = TICK_NS }, at_once = { 0 };
	struct state *state = arg;
	struct epoll_event event;
	int none = epoll_of(-1);
	uint64_t one = 1;

	state->ticker_tid = (int)syscall(SYS_gettid);
	if (write(state->ticked, &one, sizeof(one)) != sizeof(one))
		exit(1);
	for (;;) {
		double begin;

		wait_for(state->ticker_epoll, state->start);
		begin = now_seconds();
		for (int i = 0; i < TICKS; i++) {
			syscall(SYS_epoll_pwait2, none, &event, 1, &at_once, NULL, 8);
			now_seconds();
		}
		state->call_seconds = (now_seconds() - begin) / TICKS;
		state->ticker_waited = 0;
		for (int i = 0; i < TICKS; i++) {
			begin = now_seconds();
			syscall(SYS_epoll_pwait2, none, &event, 1, &timeout, NULL, 8);
			state->ticker_waited += now_seconds() - begin;
		}
		if (write(state->ticked, &one, sizeof(one)) != sizeof(one))
			exit(1);
	}
	return NULL;
}

static double work(const struct state *state)
{
	struct epoll_event event;
	double busy = 0;

	for (int i = 0; i < ROUNDS; i++) {
		int nothing = epoll_wait(state->other, &event, 1, WAIT_MS);

		busy += burn(WORK_MS / 1e3);
		nothing += epoll_wait(state->ticker_epoll, &event, 1, WAIT_MS);
		busy += burn(WORK_MS / 1e3);
		if (nothing)
			exit(1);
	}
	for (int i = 0; i < POLLS; i++) {
		epoll_wait(state->other, &event, 1, 0);
		busy += burn(POLL_US / 1e6);
	}
	return busy;
}

int main(void)
{
	struct state state = { .start = eventfd(0, 0), .ticked = eventfd(0, 0) };
	uint64_t one = 1, value;
	pthread_t thread;
	char line[256];

	state.in = epoll_of(STDIN_FILENO);
	state.other = epoll_of(-1);
	state.ticker_epoll = epoll_of(state.start);
	if (pthread_create(&thread, NULL, tick, &state) || pthread_setname_np(thread, "ticker") ||
	    read(state.ticked, &value, sizeof(value)) != sizeof(value))
		return 1;
	printf("{\"event\":\"ready\",\"pid\":%d}\n", (int)getpid());
	fflush(stdout);
	for (;;) {
		struct epoll_event event;
		double busy;

		epoll_wait(state.in, &event, 1, -1);
		if (read(STDIN_FILENO, line, sizeof(line)) <= 0)
			return 0;
		busy = work(&state);
		if (write(state.start, &one, sizeof(one)) != sizeof(one) ||
		    read(state.ticked, &value, sizeof(value)) != sizeof(value))
			return 1;
		printf("{\"event\":\"done\",\"cmd\":\"start\",\"truth\":{\"busy\":%.9f,\"turns\":%d,"
		       "\"timeouts\":%d,\"ticker\":%d,\"ticks\":%d,\"ticker_waited\":%.9f,\"tick_seconds\":%.9f,"
		       "\"call_seconds\":%.9f}}\n",
		       busy, 2 * ROUNDS + POLLS, 2 * ROUNDS, state.ticker_tid, TICKS,
		       state.ticker_waited, TICK_NS / 1e9, state.call_seconds);
		fflush(stdout);
	}
}
