/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/*
 * Three bounds from the moment of the signal. Whoever looks at the flag, or waits here, ends at once. What has to be
 * written or taken out at the end may wait until SOFT_NS. What does neither, since it is in the middle of an analysis
 * or in a call of the kernel or a library that waits for somebody else, is ended where it is at HARD_NS: nothing of ours
 * outside of this process needs it, as the probes are held by another (agent/probe/guard.h).
 */
#include "agent/util/stop.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/util/clock.h"

#define SOFT_NS	    600000000ull
#define HARD_NS	    900000000l
#define IN_ORDER_S  5
#define NS_A_SECOND 1000000000ull

static struct {
	volatile sig_atomic_t asked;
	uint64_t asked_ns;
	int fd; /* readable when it is asked for */
	pid_t owner; /* a child that has inherited the handler is not meant */
	timer_t timer;
	bool has_timer;
	volatile sig_atomic_t in_order;
	void (*volatile last_act)(void);
} stop = { .fd = -1 };

static void set_timer(void)
{
	struct itimerspec hard = { .it_value = { .tv_nsec = HARD_NS } };

	if (stop.in_order)
		hard.it_value = (struct timespec){ .tv_sec = IN_ORDER_S };
	if (stop.has_timer)
		timer_settime(stop.timer, 0, &hard, NULL);
}

static void on_end(int number)
{
	uint64_t one = 1;
	int saved = errno;
	ssize_t ignored;

	(void)number;
	if (getpid() != stop.owner || stop.asked)
		return;
	stop.asked_ns = lt_now_ns();
	stop.asked = 1;
	set_timer();
	ignored = write(stop.fd, &one, sizeof(one));
	(void)ignored;
	errno = saved;
}

static void on_time_over(int number)
{
	(void)number;
	if (getpid() != stop.owner)
		return;
	if (stop.last_act)
		stop.last_act();
	_exit(0);
}

static bool is_ignored(int number)
{
	struct sigaction now;

	return sigaction(number, NULL, &now) == 0 && now.sa_handler == SIG_IGN;
}

/* What the parent has blocked is heard all the same. SIGHUP stays ignored: nohup(1) means it. SIGINT does not: a shell
 * ignores it for all that it runs in the background, where `kill -INT` is nevertheless asked for. */
void lt_stop__install(void)
{
	static const int numbers[] = { SIGINT, SIGTERM, SIGHUP };
	struct sigaction action = { .sa_handler = on_end, .sa_flags = SA_RESTART };
	struct sigaction over = { .sa_handler = on_time_over };
	struct sigevent event = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGALRM };
	sigset_t heard;

	stop.owner = getpid();
	stop.fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	stop.has_timer = timer_create(CLOCK_MONOTONIC, &event, &stop.timer) == 0;
	sigaction(SIGALRM, &over, NULL);
	sigemptyset(&heard);
	sigaddset(&heard, SIGALRM);
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		sigaddset(&heard, numbers[i]);
		if (numbers[i] != SIGHUP || !is_ignored(SIGHUP))
			sigaction(numbers[i], &action, NULL);
	}
	sigprocmask(SIG_UNBLOCK, &heard, NULL);
}

bool lt_stop__asked(void)
{
	return stop.asked;
}

void lt_stop__in_order(void)
{
	stop.in_order = 1;
	if (stop.asked)
		set_timer();
}

void lt_stop__set_last_act(void (*act)(void))
{
	stop.last_act = act;
}

static struct timespec time_until(uint64_t deadline_ns)
{
	uint64_t now_ns = lt_now_ns(), left_ns = deadline_ns > now_ns ? deadline_ns - now_ns : 0;

	return (struct timespec){ (time_t)(left_ns / NS_A_SECOND), (long)(left_ns % NS_A_SECOND) };
}

int lt_stop__wait(int fd, short events, uint64_t deadline_ns)
{
	struct pollfd polled[] = { { .fd = stop.fd, .events = POLLIN },
				   { .fd = fd, .events = events } };
	struct timespec timeout = time_until(deadline_ns);
	int n = ppoll(polled, 2, &timeout, NULL);

	if (n < 0)
		return -errno;
	if (stop.asked)
		return -EINTR;
	return polled[1].revents != 0;
}

int lt_stop__wait_on(int fd, short events, uint64_t deadline_ns)
{
	for (;;) {
		struct pollfd polled = { .fd = fd, .events = events };
		struct timespec timeout;
		uint64_t until_ns = deadline_ns;
		int n;

		if (!stop.asked) {
			n = lt_stop__wait(fd, events, deadline_ns);
			if (n != -EINTR)
				return n;
			continue;
		}
		if (stop.asked_ns + SOFT_NS < until_ns)
			until_ns = stop.asked_ns + SOFT_NS;
		timeout = time_until(until_ns);
		n = ppoll(&polled, 1, &timeout, NULL);
		if (n > 0)
			return 1;
		if (n == 0)
			return until_ns < deadline_ns ? -EINTR : 0;
		if (errno != EINTR)
			return -errno;
	}
}

/* A pipe that is ready takes so many bytes at once: the write does not wait. */
static ssize_t write_patiently(void *cookie, const char *bytes, size_t size)
{
	int fd = *(const int *)cookie, err;
	size_t done = 0;

	while (done < size) {
		size_t part = size - done < PIPE_BUF ? size - done : PIPE_BUF;
		ssize_t n;

		err = lt_stop__wait_on(fd, POLLOUT, UINT64_MAX);
		if (err < 0) {
			errno = -err;
			break;
		}
		n = write(fd, bytes + done, part);
		if (n < 0 && errno != EINTR && errno != EAGAIN)
			break;
		if (n > 0)
			done += (size_t)n;
	}
	return (ssize_t)done;
}

/* As it is where nobody has to read: a file takes what it is given. */
static FILE *patient(const int *fd, FILE *as_it_is)
{
	cookie_io_functions_t functions = { .write = write_patiently };
	struct stat file;

	if (fstat(*fd, &file) || S_ISREG(file.st_mode))
		return as_it_is;
	return fopencookie((void *)fd, "w", functions);
}

void lt_stop__patient_output(void)
{
	static const int out = STDOUT_FILENO, err = STDERR_FILENO;
	FILE *stream = patient(&out, stdout);

	if (stream && stream != stdout) {
		setvbuf(stream, NULL, isatty(out) ? _IOLBF : _IOFBF, 1 << 16);
		stdout = stream;
	}
	stream = patient(&err, stderr);
	if (stream && stream != stderr) {
		setvbuf(stream, NULL, _IOLBF, 4096);
		stderr = stream;
	}
}
