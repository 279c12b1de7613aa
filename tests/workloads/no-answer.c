// SPDX-License-Identifier: GPL-2.0-only
// Copyright (c) 2026 The looptop authors
// Preloaded into a program: takes away a page of it while the file NO_ANSWER_WHEN is there, so that whoever reads that page
// hangs, the process itself included. NO_ANSWER_PAGE: loop (uv_default_loop()), handle (the first handle of that loop), or
// argv. With NO_ANSWER_FILE the page becomes one of that file, for good; otherwise a userfaultfd keeps it and gives it back
// as it was when the file goes. That takes CAP_SYS_PTRACE, which is given up when it is done.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/userfaultfd.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define PAGE 4096ul

static char kept[PAGE] __attribute__((aligned(PAGE)));
static char **arguments;

static void fail(const char *what)
{
	perror(what);
	_exit(70);
}

static uintptr_t page_of(const char *which)
{
	void *(*default_loop)(void) = (void *(*)(void))dlsym(RTLD_DEFAULT, "uv_default_loop");
	uintptr_t at = (uintptr_t)arguments[0];

	if (strcmp(which, "argv"))
		at = default_loop ? (uintptr_t)default_loop() : 0;
	if (!strcmp(which, "handle"))
		at = *(uintptr_t *)(at + 16);
	if (!at)
		fail(which);
	return at & ~(PAGE - 1);
}

static int make_keeper(void)
{
	struct __user_cap_header_struct header = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct none[2] = { { 0 } };
	struct uffdio_api api = { .api = UFFD_API };
	int fd = (int)syscall(SYS_userfaultfd, O_CLOEXEC);

	if (fd < 0 || ioctl(fd, UFFDIO_API, &api))
		fail("userfaultfd");
	syscall(SYS_capset, &header, none);
	return fd;
}

static void take(int keeper, uintptr_t page)
{
	struct uffdio_register area = { .range = { page, PAGE },
					.mode = UFFDIO_REGISTER_MODE_MISSING };

	memcpy(kept, (void *)page, PAGE);
	if (ioctl(keeper, UFFDIO_REGISTER, &area) || madvise((void *)page, PAGE, MADV_DONTNEED))
		fail("take the page");
}

static void give_back(int keeper, uintptr_t page)
{
	struct uffdio_copy copy = { .dst = page, .src = (uintptr_t)kept, .len = PAGE };
	struct uffdio_range range = { page, PAGE };

	if (ioctl(keeper, UFFDIO_COPY, &copy) || ioctl(keeper, UFFDIO_UNREGISTER, &range))
		fail("give the page back");
}

static void map_file(const char *path, uintptr_t page)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || mmap((void *)page, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_FIXED, fd,
			   0) == MAP_FAILED)
		fail(path);
}

static void *run(void *ctx)
{
	const char *when = getenv("NO_ANSWER_WHEN"), *file = getenv("NO_ANSWER_FILE");
	const char *which = getenv("NO_ANSWER_PAGE");
	int keeper = (int)(intptr_t)ctx;
	bool taken = false;
	uintptr_t page = 0;

	for (;; usleep(5000)) {
		bool wanted = access(when, F_OK) == 0;

		if (wanted == taken)
			continue;
		taken = wanted;
		if (!page)
			page = page_of(which);
		if (file && wanted)
			map_file(file, page);
		else if (!file && wanted)
			take(keeper, page);
		else if (!file)
			give_back(keeper, page);
	}
	return NULL;
}

__attribute__((constructor)) static void begin(int argc, char **argv)
{
	pthread_t thread;
	intptr_t keeper;

	(void)argc;
	arguments = argv;
	if (!getenv("NO_ANSWER_WHEN"))
		return;
	keeper = getenv("NO_ANSWER_FILE") ? -1 : make_keeper();
	if (pthread_create(&thread, NULL, run, (void *)keeper))
		fail("pthread_create");
}
