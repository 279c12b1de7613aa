/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/*
 * Loaded into a program by LD_PRELOAD: each of its threads counts its own waits for events in the file that
 * LT_WAITS names, a struct account a thread. Those that bring nothing at once are counted apart: looptop calls no turn
 * what lies between such a wait and the next.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define THREADS_MAX 64

struct account {
	int64_t tid, waits, empty;
};

static struct account *accounts;
static int taken;
static __thread struct account *own;

__attribute__((constructor)) static void open_accounts(void)
{
	const char *path = getenv("LT_WAITS");
	size_t size = THREADS_MAX * sizeof(*accounts);
	int fd = path ? open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600) : -1;

	if (fd < 0 || ftruncate(fd, (off_t)size))
		abort();
	accounts = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (accounts == MAP_FAILED)
		abort();
	close(fd);
}

static int counted(int result, int timeout_ms)
{
	if (!own) {
		int i = __atomic_fetch_add(&taken, 1, __ATOMIC_RELAXED);

		if (i >= THREADS_MAX)
			abort();
		own = &accounts[i];
		own->tid = syscall(SYS_gettid);
	}
	own->empty += result <= 0 && timeout_ms == 0;
	own->waits++;
	return result;
}

int epoll_pwait(int epfd, struct epoll_event *events, int max, int timeout_ms, const sigset_t *mask)
{
	int (*next)(int, struct epoll_event *, int, int, const sigset_t *) = dlsym(RTLD_NEXT, "epoll_pwait");

	return counted(next(epfd, events, max, timeout_ms, mask), timeout_ms);
}

int epoll_wait(int epfd, struct epoll_event *events, int max, int timeout_ms)
{
	int (*next)(int, struct epoll_event *, int, int) = dlsym(RTLD_NEXT, "epoll_wait");

	return counted(next(epfd, events, max, timeout_ms), timeout_ms);
}
