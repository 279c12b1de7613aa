/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/*
 * Runs the dashboard in a real terminal on a synthetic sequence of snapshots, ten a second, for
 * the tests in tmux: no privilege, no kernel, no Node. Options: --ascii, --mono, --empty,
 * --own-term (a handler for SIGTERM, as the program has one: ends normally), --from N (so many
 * steps at once before the first is shown), --steps N (and no more after so many), --pulse (then the
 * last one again and again, in which the stall that runs goes on).
 */
#include <curses.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/util/clock.h"
#include "tests/unit/ui_sequence.h"
#include "ui/ui.h"

static volatile sig_atomic_t ended;

static void on_term(int number)
{
	(void)number;
	ended = 1;
}

struct feed {
	struct lt_ui *ui;
	struct sequence *sequence;
	bool empty, pulse;
	int step, from, steps;
	double interval_seconds;
};

/* The latest snapshot again, as it comes between two intervals. */
static void feed_pulse(struct feed *feed)
{
	struct lt_loop *loop = &feed->sequence->server[0];

	if (!(loop->stalled_seconds > 0))
		return;
	feed->sequence->stalls[1].seconds += 0.02;
	loop->stalled_seconds = feed->sequence->stalls[1].seconds;
	lt_ui__update(feed->ui, &feed->sequence->snapshot);
}

static void feed_next(struct feed *feed)
{
	struct lt_snapshot snapshot;

	if (feed->step >= feed->steps) {
		if (feed->pulse)
			feed_pulse(feed);
		return;
	}
	snapshot = *sequence_step(feed->sequence, feed->step++);
	if (feed->empty)
		snapshot.n_processes = 0;
	lt_ui__update(feed->ui, &snapshot);
}

static void tell(const char *title)
{
	(void)!write(STDOUT_FILENO, title, strlen(title));
}

/* The linker puts this in place of ncurses' own (--wrap), around each frame: by the terminal's title, whoever looks at
 * the screen knows that a frame is there whole. */
int __real_wrefresh(WINDOW *window);
int __wrap_wrefresh(WINDOW *window);

int __wrap_wrefresh(WINDOW *window)
{
	int status;

	tell("\033]2;drawing\a");
	status = __real_wrefresh(window);
	tell("\033]2;whole\a");
	return status;
}

static void act(struct feed *feed, enum lt_ui_action action)
{
	char text[64];

	if (action == LT_UI_QUIT)
		ended = 1;
	if (action == LT_UI_TIER) {
		snprintf(text, sizeof(text), "tier wished: %s", lt_ui__tier(feed->ui));
		lt_ui__message(feed->ui, text);
	}
	if (action == LT_UI_INTERVAL_CHANGED)
		feed->interval_seconds = lt_ui__interval(feed->ui);
}

static void run(struct feed *feed)
{
	uint64_t next = lt_now_ns();

	while (!ended) {
		struct pollfd fd = { .fd = lt_ui__fd(feed->ui), .events = POLLIN };
		uint64_t now = lt_now_ns();

		while (feed->step < feed->from)
			feed_next(feed);
		if (now >= next) {
			feed_next(feed);
			/* Ten times as fast as it says, but not when a test slows it down. */
			next = now + (uint64_t)(feed->interval_seconds * 1e8);
		}
		if (poll(&fd, 1, 20) > 0)
			act(feed, lt_ui__input(feed->ui));
	}
}

static void own_term(void)
{
	struct sigaction action = { .sa_handler = on_term };

	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGINT, &action, NULL);
}

int main(int argc, char **argv)
{
	struct lt_ui_opts opts = { .interval_seconds = 1, .version = "0.1.0" };
	struct feed feed = { .steps = 1000000, .interval_seconds = 1 };

	for (int i = 1; i < argc; i++) {
		opts.ascii |= strcmp(argv[i], "--ascii") == 0;
		feed.empty |= strcmp(argv[i], "--empty") == 0;
		feed.pulse |= strcmp(argv[i], "--pulse") == 0;
		if (strcmp(argv[i], "--mono") == 0)
			opts.theme = "mono";
		if (strcmp(argv[i], "--own-term") == 0)
			own_term();
		if (strcmp(argv[i], "--steps") == 0 && i + 1 < argc)
			feed.steps = atoi(argv[++i]);
		if (strcmp(argv[i], "--from") == 0 && i + 1 < argc)
			feed.from = atoi(argv[++i]);
	}
	feed.ui = lt_ui__new(&opts);
	if (!feed.ui)
		return errno == ENOTTY ? 3 : 1;
	feed.sequence = sequence_new();
	run(&feed);
	lt_ui__free(feed.ui);
	sequence_free(feed.sequence);
	puts("ended normally");
	return 0;
}
