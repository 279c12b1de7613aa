/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/*
 * The side that asks. A result is a file in memory: its length is bounded by the limit on files, and once it is
 * sealed nobody can change what was checked.
 */
#include "agent/util/bounded.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/util/bounded_child.h"
#include "agent/util/bounded_worker.h"
#include "agent/util/clock.h"
#include "agent/util/stop.h"
#include "looptop/log.h"

#define UNIT_STEPS   500000 /* of arithmetic that waits for the step before */
#define UNIT_NS	     1500000ull /* 0.9 ms where limits were chosen */
#define SLOWNESS_MAX 40
#define SLICE_NS   20000000ull /* between two looks for a signal that ends the program */
#define NAP_NS	   1000000ull /* where the kernel has no descriptors of processes */
#define LEFT_MAX   64

#define OWNERS_MAX 16
#define PENALTY	   10
#define SLOW_NS	   500000000ull /* of CPU time: Node takes 100 ms, stripped 150 ms */

/* The share of the time that ticks may wait, and what may be put aside. Node's symbols take 50 ms. */
#define CREDIT_PART   5
#define CREDIT_MAX_NS 600000000ull

struct lt_job {
	pid_t pid;
	int pidfd; /* -1: there are none */
	int out;
	struct lt_limits limits;
	uint64_t deadline_ns;
	bool in_background;
};

static unsigned in_background;

/* Those that could not be ended, or that nobody waited for; they are reaped when they have ended. */
static pid_t left[LEFT_MAX];
static size_t n_left;

static void reap_left(void)
{
	size_t kept = 0;

	for (size_t i = 0; i < n_left; i++)
		if (waitpid(left[i], NULL, WNOHANG) == 0)
			left[kept++] = left[i];
	n_left = kept;
}

void lt_result__free(struct lt_result *result)
{
	if (result->length)
		munmap((void *)(uintptr_t)result->data, result->length);
	memset(result, 0, sizeof(*result));
}

static pid_t begin_here(const struct lt_task *task, int out)
{
	int kept[LT_BOUNDED_FDS_MAX + 1];
	pid_t self = getpid(), pid;

	if (task->n_fds)
		memcpy(kept, task->fds, task->n_fds * sizeof(*kept));
	kept[task->n_fds] = out;
	pid = fork();
	if (pid)
		return pid < 0 ? -errno : pid;
	lt_child__enter(kept, task->n_fds + 1, self);
	lt_child__run(task, out);
}

/* How many times slower than the machines for which limits were chosen this one is, in CPU time: an emulated one takes
 * thirty times as long for an honest file. Between 1 and SLOWNESS_MAX. */
static unsigned slowness(void)
{
	static unsigned times;
	volatile uint64_t number = 1;
	uint64_t begin_ns = lt_thread_cpu_ns();

	if (times)
		return times;
	for (int i = 0; i < UNIT_STEPS; i++)
		number = number * 6364136223846793005u + 1442695040888963407u;
	times = (unsigned)((lt_thread_cpu_ns() - begin_ns) / UNIT_NS) + 1;
	if (times > SLOWNESS_MAX)
		times = SLOWNESS_MAX;
	return times;
}

static struct lt_job *begin(const struct lt_task *asked)
{
	struct lt_task scaled = *asked;
	const struct lt_task *task = &scaled;
	struct lt_job *job;
	int err = 0;

	scaled.limits.cpu_seconds *= slowness();
	scaled.limits.wall_ns *= slowness();
	if (task->n_fds > LT_BOUNDED_FDS_MAX || task->args_bytes > LT_BOUNDED_ARGS_MAX) {
		errno = E2BIG;
		return NULL;
	}
	job = calloc(1, sizeof(*job));
	if (!job)
		return NULL;
	reap_left();
	job->limits = task->limits;
	job->out = memfd_create("looptop-result", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (job->out < 0)
		err = -errno;
	if (!err) {
		job->pid = lt_worker__begin(task, job->out);
		if (job->pid < 0)
			job->pid = begin_here(task, job->out);
		err = job->pid < 0 ? job->pid : 0;
	}
	if (err) {
		if (job->out >= 0)
			close(job->out);
		free(job);
		errno = -err;
		return NULL;
	}
	job->pidfd = (int)syscall(SYS_pidfd_open, job->pid, 0);
	job->deadline_ns = lt_now_ns() + task->limits.wall_ns;
	return job;
}

struct lt_job *lt_bounded__begin(const struct lt_task *task)
{
	struct lt_job *job = NULL;

	/* What one may take is bounded, so their number must be too. */
	if (in_background)
		errno = EAGAIN;
	else
		job = begin(task);
	if (job) {
		job->in_background = true;
		in_background++;
	}
	return job;
}

static bool is_interrupted(void)
{
	sigset_t pending;

	if (lt_stop__asked())
		return true;
	return !sigpending(&pending) &&
	       (sigismember(&pending, SIGTERM) || sigismember(&pending, SIGINT) ||
		sigismember(&pending, SIGHUP));
}

/* Waits until it has ended, or then; true: it has. */
static bool wait_until(const struct lt_job *job, uint64_t until_ns)
{
	struct pollfd ended = { .fd = job->pidfd, .events = POLLIN };
	uint64_t now_ns = lt_now_ns(), left_ns = until_ns > now_ns ? until_ns - now_ns : 0;
	struct timespec pause = { (time_t)(left_ns / 1000000000), (long)(left_ns % 1000000000) };
	siginfo_t info = { 0 };

	if (job->pidfd >= 0)
		return ppoll(&ended, 1, &pause, NULL) == 1;
	if (left_ns > NAP_NS)
		pause = (struct timespec){ 0, NAP_NS };
	if (left_ns)
		nanosleep(&pause, NULL);
	return !waitid(P_PID, (id_t)job->pid, &info, WEXITED | WNOHANG | WNOWAIT) && info.si_pid;
}

static double cpu_seconds_of(pid_t pid)
{
	struct timespec spent;
	clockid_t clock;

	return clock_getcpuclockid(pid, &clock) || clock_gettime(clock, &spent) ?
		       0 :
		       (double)spent.tv_sec + (double)spent.tv_nsec / 1e9;
}

/* A process of another user: that takes a capability, or one of that user's. */
static void kill_job(const struct lt_job *job)
{
	if (kill(job->pid, SIGKILL) && errno != ESRCH)
		lt_worker__kill(job->pid);
}

static void free_job(struct lt_job *job)
{
	in_background -= job->in_background;
	if (job->pidfd >= 0)
		close(job->pidfd);
	if (job->out >= 0)
		close(job->out);
	free(job);
}

void lt_bounded__abandon(struct lt_job *job)
{
	if (!job)
		return;
	kill_job(job);
	/* What was killed is gone in a moment; what could not be must not hold us up. */
	for (int i = 0; i < 50; i++) {
		pid_t ended = waitpid(job->pid, NULL, WNOHANG);

		if (ended) {
			free_job(job);
			return;
		}
		wait_until(job, lt_now_ns() + NAP_NS);
	}
	if (n_left < LEFT_MAX)
		left[n_left++] = job->pid;
	free_job(job);
}

static void take_result(struct lt_job *job, struct lt_result *result)
{
	struct stat st;
	void *data;

	/* Sealing fails while anybody has it mapped for writing. */
	if (fcntl(job->out, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) ||
	    fstat(job->out, &st) || st.st_size <= 0 ||
	    (uint64_t)st.st_size > job->limits.result_bytes)
		return;
	data = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED, job->out, 0);
	if (data == MAP_FAILED)
		return;
	result->data = data;
	result->length = (size_t)st.st_size;
}

static void tell_signal(const struct lt_limits *limits, int number, struct lt_result *result)
{
	char *why = result->why;

	switch (number) {
	case SIGXCPU:
		snprintf(why, LT_BOUNDED_WHY_SIZE, "more than %u s of CPU time",
			 limits->cpu_seconds);
		break;
	case SIGXFSZ:
		snprintf(why, LT_BOUNDED_WHY_SIZE, "a result of more than %zu KB",
			 limits->result_bytes >> 10);
		break;
	case SIGALRM: /* its own: nobody could end it (bounded_child.c) */
		snprintf(why, LT_BOUNDED_WHY_SIZE, "more than %.1f s",
			 (double)limits->wall_ns / 1e9);
		result->by_chance = true;
		break;
	case SIGKILL: /* the kernel out of memory, or somebody who may */
		snprintf(why, LT_BOUNDED_WHY_SIZE, "its reader was killed");
		result->by_chance = true;
		break;
	default:
		snprintf(why, LT_BOUNDED_WHY_SIZE, "its reader crashed (signal %d)", number);
	}
}

/* What honest code says of a file; another number is of one that lies, and would mean something else to who asked. */
static bool is_told(int err)
{
	static const int told[] = { 0, ENOEXEC, EINVAL, ENOENT, EIO, EILSEQ, EFAULT, EOPNOTSUPP };

	for (size_t i = 0; i < sizeof(told) / sizeof(told[0]); i++)
		if (err == -told[i])
			return true;
	return false;
}

static int judge(const struct lt_limits *limits, int status, struct lt_result *result)
{
	int err = WIFEXITED(status) ? -WEXITSTATUS(status) : 0;

	if (WIFSIGNALED(status))
		tell_signal(limits, WTERMSIG(status), result);
	else if (err == -ENOMEM)
		snprintf(result->why, sizeof(result->why), "more than %zu MB of memory",
			 limits->memory_bytes >> 20);
	else if (err == -EFBIG || err == -E2BIG)
		snprintf(result->why, sizeof(result->why), "more of it than is ever read");
	else if (!is_told(err)) /* also a sanitizer's exit, or that its parent had gone */
		snprintf(result->why, sizeof(result->why), "its reader crashed");
	return result->why[0] ? -EDQUOT : err;
}

int lt_bounded__end(struct lt_job *job, uint64_t patience_ns, struct lt_result *ret_result)
{
	uint64_t until_ns = lt_now_ns() + patience_ns, now_ns;
	struct rusage usage = { 0 };
	int status = 0;
	bool ended;

	memset(ret_result, 0, sizeof(*ret_result));
	if (until_ns < patience_ns || until_ns > job->deadline_ns)
		until_ns = job->deadline_ns;
	do {
		now_ns = lt_now_ns();
		ended = wait_until(job,
				   until_ns < now_ns + SLICE_NS ? until_ns : now_ns + SLICE_NS);
		if (!ended && is_interrupted()) {
			lt_bounded__abandon(job);
			return -EINTR;
		}
	} while (!ended && now_ns < until_ns);
	if (!ended && now_ns < job->deadline_ns)
		return -EAGAIN;
	if (!ended) {
		snprintf(ret_result->why, sizeof(ret_result->why), "more than %.1f s",
			 (double)job->limits.wall_ns / 1e9);
		/* One that had little of a CPU is slow for the machine's sake, or the file system's. */
		ret_result->by_chance =
			cpu_seconds_of(job->pid) < (double)job->limits.cpu_seconds / 2;
		lt_bounded__abandon(job);
		return -EDQUOT;
	}
	while (wait4(job->pid, &status, 0, &usage) < 0 && errno == EINTR)
		;
	take_result(job, ret_result);
	ret_result->cpu_ns =
		(uint64_t)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000000000 +
		(uint64_t)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * 1000;
	lt_debug("a reader took %ld KB, %lu ms of CPU time", usage.ru_maxrss,
		 (unsigned long)(ret_result->cpu_ns / 1000000));
	status = judge(&job->limits, status, ret_result);
	free_job(job);
	return status;
}

static struct {
	uid_t owner;
	uint64_t until_ns;
} owners[OWNERS_MAX];

bool lt_bounded__must_wait(uid_t owner)
{
	for (size_t i = 0; owner && i < OWNERS_MAX; i++)
		if (owners[i].owner == owner)
			return lt_now_ns() < owners[i].until_ns;
	return false;
}

void lt_bounded__charge(uid_t owner, const struct lt_result *result, uint64_t spent_ns)
{
	size_t at = 0;

	if (result->why[0]) /* CPU time, if it was asked for it: others may have kept it waiting */
		spent_ns = result->cpu_ns ? result->cpu_ns : spent_ns;
	else
		spent_ns = result->cpu_ns < SLOW_NS ? 0 : result->cpu_ns;
	if (!owner || !spent_ns)
		return;

	for (size_t i = 0; i < OWNERS_MAX && owners[at].owner != owner; i++)
		if (owners[i].owner == owner || owners[i].until_ns < owners[at].until_ns)
			at = i;
	owners[at].owner = owner;
	owners[at].until_ns = lt_now_ns() + PENALTY * spent_ns;
}

/* Time is earned while it goes by. */
static uint64_t credit_ns = CREDIT_MAX_NS, credited_ns;

static uint64_t earn_credit(void)
{
	uint64_t now_ns = lt_now_ns();

	credit_ns += credited_ns ? (now_ns - credited_ns) / CREDIT_PART : 0;
	credited_ns = now_ns;
	if (credit_ns > CREDIT_MAX_NS)
		credit_ns = CREDIT_MAX_NS;
	return credit_ns;
}

int lt_bounded__end_soon(struct lt_job *job, uint64_t patience_ns, struct lt_result *ret_result)
{
	uint64_t begin_ns, spent_ns, most_ns = earn_credit();
	int err;

	begin_ns = lt_now_ns();
	err = lt_bounded__end(job, patience_ns < most_ns ? patience_ns : most_ns, ret_result);
	spent_ns = lt_now_ns() - begin_ns;
	credit_ns -= spent_ns < credit_ns ? spent_ns : credit_ns;
	return err;
}

int lt_bounded__run(const struct lt_task *task, struct lt_result *ret_result)
{
	struct lt_job *job = begin(task);

	memset(ret_result, 0, sizeof(*ret_result));
	return job ? lt_bounded__end(job, UINT64_MAX, ret_result) : -errno;
}
