/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
#include "agent/errand.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include "looptop/err.h"

#define BYTES_MAX     (256u << 20)
#define GRACE_SECONDS 5

struct lt_errand {
	pid_t child;
	int fd;
};

static int read_all(int fd, void *buf, size_t size)
{
	for (size_t done = 0; done < size;) {
		ssize_t n = read(fd, (char *)buf + done, size - done);

		if (n <= 0 && !(n < 0 && errno == EINTR))
			return n ? -errno : -EPIPE;
		done += n > 0 ? (size_t)n : 0;
	}
	return 0;
}

static int write_all(int fd, const void *buf, size_t size)
{
	for (size_t done = 0; done < size;) {
		ssize_t n = send(fd, (const char *)buf + done, size - done, MSG_NOSIGNAL);

		if (n < 0 && errno != EINTR)
			return -errno;
		done += n > 0 ? (size_t)n : 0;
	}
	return 0;
}

/* Time to finish what it writes; one that waits for somebody to open a pipe has nothing to finish. */
static void on_parents_end(int number)
{
	(void)number;
	alarm(GRACE_SECONDS);
}

/* Its parent's end is its own; a key that is meant for the parent (Ctrl-C) is not. */
static _Noreturn void wait_for_it(int fd, lt_errand_fn fn, void *ctx)
{
	static const int ignored[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP };
	uint64_t size;
	char *bytes = NULL;
	int answer = -ENOMEM;

	for (size_t i = 0; i < sizeof(ignored) / sizeof(ignored[0]); i++)
		signal(ignored[i], SIG_IGN);
	signal(SIGALRM, SIG_DFL);
	signal(SIGUSR1, on_parents_end);
	prctl(PR_SET_PDEATHSIG, SIGUSR1, 0, 0, 0);
	if (read_all(fd, &size, sizeof(size)))
		_exit(0);
	if (size <= BYTES_MAX)
		bytes = malloc(size + 1);
	if (bytes)
		answer = read_all(fd, bytes, size);
	if (!answer)
		answer = fn(ctx, bytes, size);
	write_all(fd, &answer, sizeof(answer));
	_exit(0);
}

int lt_errand__new(lt_errand_fn fn, void *ctx, struct lt_errand **ret_errand)
{
	struct lt_errand *errand = calloc(1, sizeof(*errand));
	int fds[2] = { -1, -1 }, err;

	if (!errand || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds))
		goto fail;
	errand->child = fork();
	if (errand->child == 0) {
		close(fds[0]);
		wait_for_it(fds[1], fn, ctx);
	}
	if (errand->child < 0)
		goto fail;
	close(fds[1]);
	errand->fd = fds[0];
	*ret_errand = errand;
	return 0;
fail:
	err = -errno;
	free(errand);
	for (int i = 0; i < 2 && fds[i] >= 0; i++)
		close(fds[i]);
	return lt_err(err, "start the process that writes the report: %s", strerror(-err));
}

int lt_errand__run(struct lt_errand *errand, const char *bytes, size_t size)
{
	uint64_t length = size;
	int answer, err = write_all(errand->fd, &length, sizeof(length));

	if (!err)
		err = write_all(errand->fd, bytes, size);
	if (!err)
		err = read_all(errand->fd, &answer, sizeof(answer));
	return err ? err : answer;
}

void lt_errand__free(struct lt_errand *errand)
{
	if (!errand)
		return;
	close(errand->fd);
	while (waitpid(errand->child, NULL, 0) < 0 && errno == EINTR)
		;
	free(errand);
}
