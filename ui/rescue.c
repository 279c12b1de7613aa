/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/*
 * One static record, because signal handlers reach nothing else. A handler that the caller has set
 * for an ordinary end (SIGTERM …) stays: it leads to lt_ui__free. A crash restores the terminal
 * and then goes on as it would have without us, so that a core dump or a sanitizer's report remain.
 */
#include "ui/rescue.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SEQUENCE_MAX 512
#define STACK_SIZE   32768
#define PATIENCE_MS  50

static const struct {
	int number;
	bool crash;
} fatal[] = {
	{ SIGSEGV, true }, { SIGABRT, true }, { SIGBUS, true },
	{ SIGFPE, true },  { SIGILL, true },  { SIGTERM, false },
	{ SIGHUP, false }, { SIGINT, false }, { SIGQUIT, false },
};

#define N_FATAL (sizeof(fatal) / sizeof(fatal[0]))

static struct {
	int tty_fd, wake_fd;
	bool armed, at_exit;
	struct termios modes;
	char sequence[SEQUENCE_MAX];
	size_t length;
	struct sigaction before[N_FATAL], before_winch, before_cont;
	bool ours[N_FATAL]; /* our handler is set: for a crash, or where the caller had none */
	void *stack; /* for a handler that runs because the stack is full */
	stack_t stack_before;
} rescue;

/* Only functions that are safe in a signal handler. A terminal that stands still (Ctrl-S, nobody reads) is not waited
 * for: its modes are all that can be mended then. */
static void restore(void)
{
	int flags = fcntl(rescue.tty_fd, F_GETFL);
	struct pollfd tty = { .fd = rescue.tty_fd, .events = POLLOUT };
	size_t done = 0;

	fcntl(rescue.tty_fd, F_SETFL, flags | O_NONBLOCK);
	while (done < rescue.length && poll(&tty, 1, PATIENCE_MS) == 1) {
		ssize_t n = write(rescue.tty_fd, rescue.sequence + done, rescue.length - done);

		if (n <= 0)
			break;
		done += (size_t)n;
	}
	fcntl(rescue.tty_fd, F_SETFL, flags);
	tcsetattr(rescue.tty_fd, TCSANOW, &rescue.modes);
}

static void on_fatal(int number, siginfo_t *info, void *context)
{
	int saved = errno;
	bool fault = info->si_code > 0 && (number == SIGSEGV || number == SIGBUS ||
					   number == SIGFPE || number == SIGILL);

	(void)context;
	restore();
	for (size_t i = 0; i < N_FATAL; i++)
		if (fatal[i].number == number)
			sigaction(number, &rescue.before[i], NULL);
	errno = saved;
	/* A fault happens again at its own place; what was sent is sent again, and comes when this
	 * handler returns. */
	if (!fault)
		raise(number);
}

static void on_wake(int number)
{
	int saved = errno;
	uint64_t one = 1;
	ssize_t ignored = write(rescue.wake_fd, &one, sizeof(one));

	(void)ignored;
	(void)number;
	errno = saved;
}

/* exit() from anywhere, with the dashboard still up. */
static void at_exit(void)
{
	if (rescue.armed)
		restore();
}

int lt_rescue_begin(int tty_fd)
{
	rescue.tty_fd = tty_fd;
	for (size_t i = 0; i < N_FATAL; i++)
		sigaction(fatal[i].number, NULL, &rescue.before[i]);
	sigaction(SIGWINCH, NULL, &rescue.before_winch);
	sigaction(SIGCONT, NULL, &rescue.before_cont);
	return tcgetattr(tty_fd, &rescue.modes) ? -errno : 0;
}

static void set_stack(void)
{
	stack_t stack = { .ss_size = STACK_SIZE };

	rescue.stack = malloc(STACK_SIZE);
	stack.ss_sp = rescue.stack;
	/* Without one the handlers still run, unless the stack itself is what has run out. */
	if (rescue.stack && sigaltstack(&stack, &rescue.stack_before)) {
		free(rescue.stack);
		rescue.stack = NULL;
	}
}

int lt_rescue_arm(const char *sequence, size_t length, int wake_fd)
{
	struct sigaction action = { .sa_sigaction = on_fatal, .sa_flags = SA_ONSTACK | SA_SIGINFO };
	struct sigaction wake = { .sa_handler = on_wake, .sa_flags = SA_RESTART };

	if (length > sizeof(rescue.sequence))
		return -E2BIG;
	memcpy(rescue.sequence, sequence, length);
	rescue.length = length;
	rescue.wake_fd = wake_fd;
	set_stack();
	sigemptyset(&action.sa_mask);
	/* Or a program in the background would be stopped for touching the terminal's modes. */
	sigaddset(&action.sa_mask, SIGTTOU);
	sigemptyset(&wake.sa_mask);
	for (size_t i = 0; i < N_FATAL; i++) {
		rescue.ours[i] = fatal[i].crash || rescue.before[i].sa_handler == SIG_DFL;
		sigaction(fatal[i].number, rescue.ours[i] ? &action : &rescue.before[i], NULL);
	}
	sigaction(SIGWINCH, &wake, NULL);
	sigaction(SIGCONT, &wake, NULL);
	if (!rescue.at_exit)
		rescue.at_exit = atexit(at_exit) == 0;
	rescue.armed = true;
	return 0;
}

void lt_rescue_now(void)
{
	if (rescue.armed)
		restore();
}

void lt_rescue_end(void)
{
	if (!rescue.armed)
		return;
	rescue.armed = false;
	for (size_t i = 0; i < N_FATAL; i++)
		sigaction(fatal[i].number, &rescue.before[i], NULL);
	sigaction(SIGWINCH, &rescue.before_winch, NULL);
	sigaction(SIGCONT, &rescue.before_cont, NULL);
	if (rescue.stack)
		sigaltstack(&rescue.stack_before, NULL);
	free(rescue.stack);
	rescue.stack = NULL;
}
