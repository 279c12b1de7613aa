/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
#include "agent/target/doing.h"

#include <poll.h>
#include <seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>

#include "agent/target/memory.h"
#include "agent/target/waits.h"
#include "agent/util/fmt.h"
#include "looptop/runtime.h"

#define PAGE 4096u

/* What the arguments of a call say of its object. */
enum object { ON_NOTHING, ON_FD, ON_PATH, ON_PATH_AT, ON_POLL };

static enum object object_of(int number)
{
	static const struct {
		int number;
		enum object object;
	} calls[] = {
#ifdef SYS_open /* not on machines that came later */
		{ SYS_open, ON_PATH },	       { SYS_stat, ON_PATH },	  { SYS_lstat, ON_PATH },
		{ SYS_access, ON_PATH },       { SYS_unlink, ON_PATH },	  { SYS_mkdir, ON_PATH },
		{ SYS_rmdir, ON_PATH },	       { SYS_rename, ON_PATH },	  { SYS_readlink, ON_PATH },
		{ SYS_poll, ON_POLL },	       { SYS_chmod, ON_PATH },
#endif
		{ SYS_openat, ON_PATH_AT },    { SYS_statx, ON_PATH_AT }, { SYS_newfstatat, ON_PATH_AT },
		{ SYS_unlinkat, ON_PATH_AT },  { SYS_mkdirat, ON_PATH_AT }, { SYS_readlinkat, ON_PATH_AT },
		{ SYS_faccessat, ON_PATH_AT }, { SYS_renameat2, ON_PATH_AT }, { SYS_statfs, ON_PATH },
		{ SYS_read, ON_FD },	       { SYS_write, ON_FD },	  { SYS_pread64, ON_FD },
		{ SYS_pwrite64, ON_FD },       { SYS_readv, ON_FD },	  { SYS_writev, ON_FD },
		{ SYS_preadv, ON_FD },	       { SYS_pwritev, ON_FD },	  { SYS_fsync, ON_FD },
		{ SYS_fdatasync, ON_FD },      { SYS_ftruncate, ON_FD },  { SYS_getdents64, ON_FD },
		{ SYS_fstat, ON_FD },	       { SYS_flock, ON_FD },	  { SYS_fcntl, ON_FD },
		{ SYS_close, ON_FD },	       { SYS_connect, ON_FD },	  { SYS_recvfrom, ON_FD },
		{ SYS_recvmsg, ON_FD },	       { SYS_sendto, ON_FD },	  { SYS_sendmsg, ON_FD },
		{ SYS_accept4, ON_FD },	       { SYS_ppoll, ON_POLL },
	};

	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
		if (calls[i].number == number)
			return calls[i].object;
	return ON_NOTHING;
}

/* A path in the target's memory; the page behind its end need not be there. */
static void read_path(const struct lt_target *target, uint64_t address, char on[LT_PEER_SIZE])
{
	char path[LT_PEER_SIZE * 2] = "";
	size_t size = sizeof(path) - 1, first = PAGE - address % PAGE;

	first = first < size ? first : size;
	if (lt_read_memory(target, address, path, first))
		return;
	if (!memchr(path, '\0', first) && first < size &&
	    lt_read_memory(target, address + first, path + first, size - first))
		return;
	lt_fmt_text(on, LT_PEER_SIZE, path);
}

/* What the first of the descriptors is that it polls: whoever asks a name server has one. */
static int polled_fd(const struct lt_target *target, const struct lt_syscall *call)
{
	struct pollfd first;

	if (!call->args[1] || lt_read_memory(target, call->args[0], &first, sizeof(first)))
		return -1;
	return first.fd;
}

static void name_object(const struct lt_target *target, const struct lt_syscall *call,
			struct lt_peer *peer, uint64_t budget_ns, char on[LT_PEER_SIZE])
{
	int fd = -1;

	switch (object_of(call->number)) {
	case ON_PATH:
		read_path(target, call->args[0], on);
		return;
	case ON_PATH_AT:
		read_path(target, call->args[1], on);
		if (on[0])
			return;
		fd = (int)call->args[0]; /* an empty path: the descriptor itself */
		break;
	case ON_FD:
		fd = (int)call->args[0];
		break;
	case ON_POLL:
		fd = polled_fd(target, call);
		break;
	case ON_NOTHING:
		return;
	}
	if (fd >= 0)
		snprintf(on, LT_PEER_SIZE, "%s", lt_peer__of(peer, fd, false, budget_ns));
}

int lt_doing__read(const struct lt_target *target, int tid, struct lt_peer *peer, uint64_t budget_ns,
		   struct lt_doing *ret_doing)
{
	struct lt_syscall call;
	char *name;
	int err = lt_thread_call(target->pid, tid, &call);

	*ret_doing = (struct lt_doing){ 0 };
	if (err)
		return err;
	name = call.number >= 0 ?
		       seccomp_syscall_resolve_num_arch(seccomp_arch_native(), call.number) :
		       NULL;
	if (name)
		lt_fmt_text(ret_doing->call, sizeof(ret_doing->call), name);
	free(name);
	if (call.number >= 0)
		name_object(target, &call, peer, budget_ns, ret_doing->on);
	return 0;
}
