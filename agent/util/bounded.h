/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/*
 * Runs a function on what others wrote, in a process of its own: with no rights, little memory, little time, and
 * a result of a bounded length. What it was given may make it crash, or do whatever its author likes: then there
 * is no result, or one that lies, so whoever asked must check each result as if the author had written it.
 */
#ifndef LOOPTOP_UTIL_BOUNDED_H
#define LOOPTOP_UTIL_BOUNDED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define LT_BOUNDED_FDS_MAX  64
#define LT_BOUNDED_ARGS_MAX 8192
#define LT_BOUNDED_WHY_SIZE 96

struct lt_limits {
	size_t memory_bytes; /* beyond what the process has when it begins */
	unsigned cpu_seconds;
	uint64_t wall_ns;
	size_t result_bytes;
};

/* What the other process runs. It has a copy of args, without what pointers in it point at, and the descriptors;
 * nothing else is open. It tells its result with lt_bounded__tell(). 0 or -errno. */
typedef int (*lt_bounded_fn)(const void *args, const int *fds, size_t n_fds);

/* For such a function: appends to the result. 0 or -errno. */
int lt_bounded__tell(const void *data, size_t length);

/* The same for one that is called by a library which would not survive to say so. Returns only if it is not run with
 * limits. */
void lt_bounded__give_up(int err);

struct lt_task {
	lt_bounded_fn fn;
	const void *args;
	size_t args_bytes;
	const int *fds; /* borrowed */
	size_t n_fds;
	struct lt_limits limits;
};

struct lt_result {
	const void *data; /* NULL if length is 0; nobody can change it any more */
	size_t length;
	/* Which limit ended it, "more than 96 MB of memory"; "": it came to its own end. What it had told by then is
	 * there all the same. */
	char why[LT_BOUNDED_WHY_SIZE];
	uint64_t cpu_ns;
	bool by_chance; /* why is no fault of what was read: the next time may be another */
};

void lt_result__free(struct lt_result *result);

/* Runs a task to its end. 0 or what the function returned; -EDQUOT: a limit ended it (ret_result->why); -EINTR: a
 * signal waits that ends the program; another -errno: it could not be begun. ret_result is to be freed in any case. */
int lt_bounded__run(const struct lt_task *task, struct lt_result *ret_result);

/* The same without waiting for its end: a task that runs. NULL with errno; EAGAIN: there is one already. */
struct lt_job;
struct lt_job *lt_bounded__begin(const struct lt_task *task);

/* Waits for so long, at most until its time is over. -EAGAIN: it still runs; else as lt_bounded__run(), and the job
 * is freed. */
int lt_bounded__end(struct lt_job *job, uint64_t patience_ns, struct lt_result *ret_result);

/* The same for a tick, which may spend no more than a fifth of the time on waiting for such jobs, all together. */
int lt_bounded__end_soon(struct lt_job *job, uint64_t patience_ns, struct lt_result *ret_result);

/* Ends and frees one that nobody waits for any more. */
void lt_bounded__abandon(struct lt_job *job);

/*
 * Whoever owns a file that was refused, or that took long: tasks on that user's other files wait ten times as long as
 * it took, so that nobody takes more than a tenth of the time from the others. Not root, whose files nobody else makes.
 */
void lt_bounded__charge(uid_t owner, const struct lt_result *result, uint64_t spent_ns);
bool lt_bounded__must_wait(uid_t owner);

/*
 * Begins the process that makes the others, while this one is small, has nothing open and may still change its user:
 * what it makes has none of our memory, none of our descriptors and none of our rights. Without it they are forked
 * from this process. To be called from the main thread, as all of these.
 */
void lt_bounded__prepare(void);

#endif
