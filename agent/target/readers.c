/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
#include "agent/target/readers.h"

#include <errno.h>
#include <linux/futex.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "agent/target/process.h"
#include "agent/target/reader.h"
#include "agent/util/clock.h"
#include "agent/util/stop.h"

#define SLICE_NS     50000000ull /* between two looks at what it does */
#define PATIENCE_NS  2000000000ull /* with one that is not let run */
#define HURRY_NS     300000000ull /* the same when we are to end */
#define STARTING_NS  5000000000ull /* until a new one is there */

static struct {
	int owner; /* the process that they are for; 0: there are none */
	int parent_pid, socket;
	struct lt_reader_shared *shared;
	struct lt_reader readers[LT_READER_SLOTS];
	uint64_t number; /* of the latest message to their parent */
	double ended_seconds; /* CPU time of those that are gone */
	double told_seconds; /* of all, as it was told: one that died by itself takes its own with it */
} all;

/* --- their parent ---------------------------------------------------------------------------- */

static int start_parent(void)
{
	struct timeval patience = { STARTING_NS / 1000000000, 0 };
	int pair[2], pid;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair))
		return -errno;
	pid = fork();
	if (pid == 0)
		lt_reader__parent(pair[1], all.shared);
	close(pair[1]);
	if (pid < 0) {
		int err = -errno;

		close(pair[0]);
		return err;
	}
	setsockopt(pair[0], SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	all.parent_pid = pid;
	all.socket = pair[0];
	return 0;
}

int lt_readers__start(void)
{
	int err;

	if (all.owner)
		return 0;
	all.shared = mmap(NULL, LT_READER_SLOTS * sizeof(*all.shared), PROT_READ | PROT_WRITE,
			  MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (all.shared == MAP_FAILED)
		return -errno;
	for (size_t i = 0; i < LT_READER_SLOTS; i++)
		all.readers[i].shared = &all.shared[i];
	err = start_parent();
	if (err) {
		munmap(all.shared, LT_READER_SLOTS * sizeof(*all.shared));
		return err;
	}
	all.owner = getpid();
	return 0;
}

void lt_readers__stop(void)
{
	if (!lt_readers__usable())
		return;
	for (size_t i = 0; i < LT_READER_SLOTS; i++)
		if (all.readers[i].use != LT_READER_NONE)
			lt_readers__abandon(&all.readers[i], 0);
	lt_readers__reap();
	close(all.socket);
	/* It never waits for anybody but us, and ends by itself. */
	waitpid(all.parent_pid, NULL, 0);
	munmap(all.shared, LT_READER_SLOTS * sizeof(*all.shared));
	memset(&all, 0, sizeof(all));
}

bool lt_readers__usable(void)
{
	return all.owner && all.owner == getpid();
}

/* --- one of them ----------------------------------------------------------------------------- */

static double cpu_seconds_of(int pid)
{
	clockid_t clock = (clockid_t)(~(unsigned)pid << 3 | 2 /* CPUCLOCK_SCHED */);
	struct timespec ts;

	return clock_gettime(clock, &ts) ? 0 : (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

double lt_readers__cpu_seconds(void)
{
	double seconds = all.ended_seconds;

	if (!all.owner)
		return 0;
	seconds += cpu_seconds_of(all.parent_pid);
	for (size_t i = 0; i < LT_READER_SLOTS; i++)
		if (all.readers[i].use == LT_READER_FREE_TO_ASK ||
		    all.readers[i].use == LT_READER_IN_USE)
			seconds += cpu_seconds_of(all.readers[i].pid);
	if (seconds > all.told_seconds)
		all.told_seconds = seconds;
	return all.told_seconds;
}

static void close_both(int fds[2])
{
	for (int i = 0; i < 2; i++) {
		if (fds[i] >= 0)
			close(fds[i]);
		fds[i] = -1;
	}
}

static int tell_parent(const struct lt_reader *reader, bool end)
{
	struct lt_reader_spawn spawn = { (uint32_t)(reader - all.readers), end, ++all.number };

	return lt_reader__send(all.socket, &spawn, sizeof(spawn), NULL, 0);
}

/* The answer to the latest message: one that came too late for its own is nobody's. */
static int hear_parent(struct lt_reader_spawned *ret_spawned, int fds[2])
{
	for (;;) {
		int err = lt_reader__receive(all.socket, ret_spawned, sizeof(*ret_spawned), fds, 2,
					     0);

		if (err)
			return err;
		if (ret_spawned->number == all.number)
			return ret_spawned->pid < 0	  ? ret_spawned->pid
			       : fds[0] < 0 || fds[1] < 0 ? -EMFILE
							  : 0;
		close_both(fds);
	}
}

static int make(struct lt_reader *reader)
{
	struct lt_reader_spawned spawned;
	int fds[2] = { -1, -1 }, err;

	atomic_store(&reader->shared->state, LT_READER_IDLE);
	err = tell_parent(reader, false);
	if (!err)
		err = hear_parent(&spawned, fds);
	if (err) {
		close_both(fds);
		tell_parent(reader, true); /* it may be there, or come yet */
		return err;
	}
	reader->pid = spawned.pid;
	reader->pidfd = fds[0];
	reader->socket = fds[1];
	return 0;
}

struct lt_reader *lt_readers__take(void)
{
	struct lt_reader *place = NULL;

	for (size_t i = 0; i < LT_READER_SLOTS; i++) {
		struct lt_reader *reader = &all.readers[i];

		if (reader->use == LT_READER_FREE_TO_ASK) {
			reader->use = LT_READER_IN_USE;
			return reader;
		}
		if (reader->use == LT_READER_NONE && !place)
			place = reader;
	}
	if (!place) {
		lt_readers__reap();
		return NULL;
	}
	if (make(place)) {
		/* Somebody has killed it. */
		if (waitpid(all.parent_pid, NULL, WNOHANG) != all.parent_pid)
			return NULL;
		close(all.socket);
		if (start_parent() || make(place))
			return NULL;
	}
	place->use = LT_READER_IN_USE;
	return place;
}

void lt_readers__ask(struct lt_reader *reader)
{
	struct lt_reader_shared *shared = reader->shared;

	reader->asked_ns = lt_now_ns();
	reader->switches = UINT64_MAX;
	shared->opened.fd = -1;
	atomic_store(&shared->began_ns, 0);
	atomic_store(&shared->moved_ns, 0);
	atomic_store(&shared->state, LT_READER_ASKED);
	syscall(SYS_futex, &shared->state, FUTEX_WAKE, 1, NULL, NULL, 0);
}

void lt_readers__give_back(struct lt_reader *reader)
{
	atomic_store(&reader->shared->state, LT_READER_IDLE);
	reader->asking_pid = 0;
	reader->use = LT_READER_FREE_TO_ASK;
}

void lt_readers__abandon(struct lt_reader *reader, uid_t uid)
{
	all.ended_seconds += cpu_seconds_of(reader->pid);
	tell_parent(reader, true);
	close(reader->socket);
	reader->uid = uid;
	reader->asking_pid = 0;
	reader->use = LT_READER_STUCK;
}

static bool has_gone(const struct lt_reader *reader)
{
	struct pollfd end = { reader->pidfd, POLLIN, 0 };

	return poll(&end, 1, 0) == 1;
}

void lt_readers__reap(void)
{
	for (size_t i = 0; i < LT_READER_SLOTS; i++) {
		struct lt_reader *reader = &all.readers[i];

		if (reader->use != LT_READER_STUCK || !has_gone(reader))
			continue;
		close(reader->pidfd);
		reader->use = LT_READER_NONE;
	}
}

/* --- waiting for it -------------------------------------------------------------------------- */

/* Whether it sleeps in the kernel, and has not done anything else since the look before. */
static bool has_slept_on(struct lt_reader *reader)
{
	uint64_t switches, before = reader->switches;
	char text[4096], task_state;
	const char *line;

	if (lt_proc_read(reader->pid, "status", text, sizeof(text)) < 0)
		return false;
	line = strstr(text, "\nState:");
	if (!line || sscanf(line, "\nState: %c", &task_state) != 1)
		return false;
	line = strstr(text, "\nvoluntary_ctxt_switches:");
	if (!line || sscanf(line, "\nvoluntary_ctxt_switches: %lu", &switches) != 1)
		return false;
	reader->switches = switches;
	return (task_state == 'D' || task_state == 'S') && switches == before;
}

static uint64_t still_since(const struct lt_reader *reader)
{
	uint64_t began_ns = atomic_load(&reader->shared->began_ns);
	uint64_t moved_ns = atomic_load(&reader->shared->moved_ns);

	return began_ns && moved_ns > began_ns ? moved_ns : began_ns;
}

/*
 * It is the target's fault only if the reader has begun, has slept ever since, and was asleep at two looks with nothing
 * in between: one that waits for a CPU, or for one page after the other, is none that hangs.
 */
static int judge(struct lt_reader *reader, uint64_t deadline_ns, uint64_t patience_ns)
{
	uint64_t now_ns = lt_now_ns(), since_ns = still_since(reader);
	bool late = since_ns && now_ns - since_ns >= deadline_ns;
	bool asleep = since_ns && has_slept_on(reader);

	if (atomic_load(&reader->shared->state) == LT_READER_DONE)
		return 0;
	if (has_gone(reader))
		return -ECHILD;
	if (late && asleep)
		return -ETIMEDOUT;
	return now_ns - reader->asked_ns >= patience_ns ? -EBUSY : -EAGAIN;
}

int lt_readers__look(struct lt_reader *reader)
{
	int err;

	if (atomic_load(&reader->shared->state) == LT_READER_DONE)
		return 0;
	err = judge(reader, LT_READER_DEADLINE_NS, PATIENCE_NS);
	return err;
}

static bool must_end(void)
{
	sigset_t set;

	if (lt_stop__asked())
		return true;
	return sigpending(&set) == 0 && (sigismember(&set, SIGTERM) || sigismember(&set, SIGINT) ||
					 sigismember(&set, SIGHUP));
}

int lt_readers__wait(struct lt_reader *reader, uint64_t deadline_ns)
{
	uint64_t slice_ns = deadline_ns / 4 < SLICE_NS ? deadline_ns / 4 : SLICE_NS;
	struct timespec slice = { 0, (long)slice_ns };
	_Atomic uint32_t *word = &reader->shared->state;
	int err;

	for (;;) {
		syscall(SYS_futex, word, FUTEX_WAIT, LT_READER_ASKED, &slice, NULL, 0);
		if (atomic_load(word) == LT_READER_DONE)
			return 0;
		if (lt_now_ns() - reader->asked_ns < slice_ns)
			continue; /* woken for nothing */
		err = judge(reader, deadline_ns, must_end() ? HURRY_NS : PATIENCE_NS);
		if (err != -EAGAIN)
			return err;
	}
}

/* --- how many -------------------------------------------------------------------------------- */

struct lt_reader *lt_readers__asking(int pid, int part)
{
	for (size_t i = 0; i < LT_READER_SLOTS; i++)
		if (all.readers[i].use == LT_READER_IN_USE && all.readers[i].asking_pid == pid &&
		    all.readers[i].asking_part == part)
			return &all.readers[i];
	return NULL;
}

size_t lt_readers__stuck(void)
{
	size_t n = 0;

	for (size_t i = 0; i < LT_READER_SLOTS; i++)
		n += all.readers[i].use == LT_READER_STUCK;
	return n;
}

size_t lt_readers__stuck_of(uid_t uid)
{
	size_t n = 0;

	for (size_t i = 0; i < LT_READER_SLOTS; i++)
		n += all.readers[i].use == LT_READER_STUCK && all.readers[i].uid == uid;
	return n;
}

size_t lt_readers__free(void)
{
	size_t n = 0;

	for (size_t i = 0; i < LT_READER_SLOTS; i++)
		n += all.readers[i].use == LT_READER_NONE ||
		     all.readers[i].use == LT_READER_FREE_TO_ASK;
	return n;
}
