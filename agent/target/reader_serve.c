/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/*
 * The processes that read for the agent, and the one that makes them. It is forked before the agent has anything that
 * must not stay in a process which hangs: it has no probes, no terminal and no files, and of the agent's rights only
 * those that reading takes.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "agent/target/reader_internal.h"
#include "agent/util/clock.h"
#include "agent/util/privilege.h"

#define FDS_MAX 2

int lt_reader__send(int socket, const void *data, size_t size, const int *fds, size_t n)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(FDS_MAX * sizeof(int))];
	} control = { 0 };
	struct iovec iov = { (void *)(uintptr_t)data, size };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };

	if (n) {
		struct cmsghdr *header;

		msg.msg_control = control.bytes;
		msg.msg_controllen = CMSG_SPACE(n * sizeof(int));
		header = CMSG_FIRSTHDR(&msg);
		header->cmsg_level = SOL_SOCKET;
		header->cmsg_type = SCM_RIGHTS;
		header->cmsg_len = CMSG_LEN(n * sizeof(int));
		memcpy(CMSG_DATA(header), fds, n * sizeof(int));
	}
	return sendmsg(socket, &msg, MSG_NOSIGNAL) == (ssize_t)size ? 0 : errno ? -errno : -EIO;
}

int lt_reader__receive(int socket, void *data, size_t size, int *fds, size_t n, int flags)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(FDS_MAX * sizeof(int))];
	} control;
	struct iovec iov = { data, size };
	struct msghdr msg = { .msg_iov = &iov,
			      .msg_iovlen = 1,
			      .msg_control = control.bytes,
			      .msg_controllen = sizeof(control.bytes) };
	struct cmsghdr *header;
	int came[FDS_MAX];
	size_t n_came = 0;
	ssize_t got;

	for (size_t i = 0; i < n; i++)
		fds[i] = -1;
	do
		got = recvmsg(socket, &msg, flags | MSG_CMSG_CLOEXEC);
	while (got < 0 && errno == EINTR);
	if (got < 0)
		return -errno;
	header = CMSG_FIRSTHDR(&msg);
	if (header && header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_RIGHTS) {
		n_came = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		memcpy(came, CMSG_DATA(header), n_came * sizeof(int));
	}
	/* whoever sends may send more than was asked for, or of another length */
	for (size_t i = 0; i < n_came; i++) {
		if (i < n && got == (ssize_t)size)
			fds[i] = came[i];
		else
			close(came[i]);
	}
	return got == (ssize_t)size ? 0 : -EPIPE;
}

/* --- a reader -------------------------------------------------------------------------------- */

static struct lt_reader_shared *mine;

static void moved(void)
{
	atomic_store_explicit(&mine->moved_ns, lt_now_ns(), memory_order_relaxed);
}

static ssize_t read_memory(struct lt_reader_shared *shared)
{
	const struct lt_reader_request *request = &shared->request;
	struct iovec local = { shared->data, request->size };
	ssize_t n = process_vm_readv(request->pid, &local, 1, request->pieces, request->n_pieces, 0);

	return n < 0 ? -errno : n;
}

/* As struct lt_source has it; ctx: the request. */
static ssize_t read_pieces(void *ctx, void *buf, size_t size, const struct iovec *pieces, size_t n)
{
	const struct lt_reader_request *request = ctx;
	struct iovec local = { buf, size };
	ssize_t got = process_vm_readv(request->pid, &local, 1, pieces, n, 0);

	return got < 0 ? -errno : got;
}

static ssize_t read_ring(struct lt_reader_shared *shared)
{
	struct lt_source source = { read_pieces, &shared->request };
	const struct lt_ring *ring = &shared->request.ring;

	if (ring->size && ring->max > LT_READER_DATA / LT_RING_ENTRY(ring))
		return -EINVAL;
	return lt_ring_walk(&source, ring, shared->data, &shared->whole);
}

static ssize_t read_text(struct lt_reader_shared *shared)
{
	const struct lt_reader_request *request = &shared->request;
	char path[128];
	size_t used = 0;
	ssize_t n = 0;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/%.96s", request->pid, request->path);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return errno == ENOENT ? -ESRCH : -errno;
	while (used < request->size) {
		n = read(fd, shared->data + used, request->size - used);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		used += (size_t)n;
		moved();
	}
	if (n < 0)
		n = errno == ENOENT ? -ESRCH : -errno;
	close(fd);
	return n < 0 ? n : (ssize_t)used;
}

static ssize_t open_file(struct lt_reader_shared *shared, int socket)
{
	const struct lt_reader_request *request = &shared->request;
	int err = lt_open_here(request->pid, request->what, request->path, request->size, moved,
			       &shared->opened);

	if (err || shared->opened.fd < 0)
		return err;
	err = lt_reader__send(socket, "f", 1, &shared->opened.fd, 1);
	close(shared->opened.fd);
	return err;
}

static ssize_t answer(struct lt_reader_shared *shared, int socket)
{
	struct timespec span = { (time_t)(shared->request.size / 1000),
				 (long)(shared->request.size % 1000) * 1000000 };

	switch (shared->request.call) {
	case LT_READER_MEMORY:
		return read_memory(shared);
	case LT_READER_TEXT:
		return read_text(shared);
	case LT_READER_OPEN:
		return open_file(shared, socket);
	case LT_READER_RING:
		return read_ring(shared);
	case LT_READER_SLEEP:
		return nanosleep(&span, NULL) ? -errno : 0;
	}
	return -EINVAL;
}

static void wake(_Atomic uint32_t *word)
{
	syscall(SYS_futex, word, FUTEX_WAKE, 1, NULL, NULL, 0);
}

static _Noreturn void serve(struct lt_reader_shared *shared, int socket)
{
	mine = shared;
	for (;;) {
		uint32_t state = atomic_load(&shared->state);

		if (state != LT_READER_ASKED) {
			syscall(SYS_futex, &shared->state, FUTEX_WAIT, state, NULL, NULL, 0);
			continue;
		}
		atomic_store(&shared->began_ns, lt_now_ns());
		shared->answer = answer(shared, socket);
		shared->ended_ns = lt_now_ns();
		atomic_store(&shared->state, LT_READER_DONE);
		wake(&shared->state);
	}
}

/* --- their parent ---------------------------------------------------------------------------- */

/* Its own files are the first ones; nobody must wait for the end of a pipe that a reader has. */
static void leave_files(int *socket)
{
	int null = open("/dev/null", O_RDONLY); /* the filter of who starts it may refuse more */

	for (int fd = 0; fd <= 2 && null >= 0; fd++)
		dup2(null, fd);
	if (*socket != 3)
		dup2(*socket, 3);
	*socket = 3;
	fcntl(3, F_SETFD, FD_CLOEXEC);
	if (syscall(SYS_close_range, 4u, ~0u, 0) == 0)
		return;
	for (int fd = 4; fd < 1024; fd++)
		close(fd);
}

/* Ends one that hangs, whenever it can be: it is of our user, and not of the agent's. */
static void end_reader(int *pidfd)
{
	if (*pidfd < 0)
		return;
	syscall(SYS_pidfd_send_signal, *pidfd, SIGKILL, NULL, 0);
	close(*pidfd);
	*pidfd = -1;
}

/* A child, with a descriptor that is its own whatever becomes of its number. */
static int fork_with_pidfd(int *ret_pidfd)
{
	long pid = syscall(SYS_clone, CLONE_PIDFD | SIGCHLD, 0, ret_pidfd, 0, 0);

	return pid < 0 ? -errno : (int)pid;
}

static int make_reader(int socket, struct lt_reader_shared *shared, int *ret_pidfd, int *ret_end)
{
	int pair[2], pid, parent = getpid();

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair))
		return -errno;
	pid = fork_with_pidfd(ret_pidfd);
	if (pid == 0) {
		lt_privilege__enter(LT_DUTY_READER, 0);
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != parent)
			_exit(0);
		close(socket);
		close(pair[0]);
		serve(shared, pair[1]);
	}
	close(pair[1]);
	if (pid < 0)
		close(pair[0]);
	else
		*ret_end = pair[0];
	return pid;
}

static void take_order(int socket, const struct lt_reader_spawn *spawn,
		       struct lt_reader_shared *shared, int *pidfd)
{
	struct lt_reader_spawned spawned = { .number = spawn->number };
	int fds[2];

	end_reader(pidfd);
	if (spawn->end)
		return;
	spawned.pid = make_reader(socket, shared, &fds[0], &fds[1]);
	if (spawned.pid > 0)
		*pidfd = fds[0];
	lt_reader__send(socket, &spawned, sizeof(spawned), fds, spawned.pid > 0 ? 2 : 0);
	if (spawned.pid > 0)
		close(fds[1]);
}

void lt_reader__parent(int socket, struct lt_reader_shared *slots)
{
	static const int ignored[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP, SIGCHLD };
	int pidfds[LT_READER_SLOTS];
	struct lt_reader_spawn spawn;

	/* A key that is meant for the agent goes to all of its group; it ends us when it has ended. */
	for (size_t i = 0; i < sizeof(ignored) / sizeof(ignored[0]); i++)
		signal(ignored[i], SIG_IGN);
	for (size_t i = 0; i < LT_READER_SLOTS; i++)
		pidfds[i] = -1;
	setpgid(0, 0);
	prctl(PR_SET_NAME, "looptop-reader", 0, 0, 0);
	leave_files(&socket);
	lt_privilege__enter(LT_DUTY_SPAWNER, 0);
	prctl(PR_SET_PDEATHSIG, SIGKILL); /* again: another user does not have it any more */
	while (!lt_reader__receive(socket, &spawn, sizeof(spawn), NULL, 0, 0))
		if (spawn.slot < LT_READER_SLOTS)
			take_order(socket, &spawn, &slots[spawn.slot], &pidfds[spawn.slot]);
	_exit(0);
}
