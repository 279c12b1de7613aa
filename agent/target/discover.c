/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
#include "agent/target/discover.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>
#include <uthash.h>

#include "agent/target/files.h"
#include "agent/target/process.h"
#include "agent/target/waits.h"
#include "agent/util/clock.h"

#define MS	       1000000ull
#define PROCESSES_MAX  32768
#define SETTLE_NS      (50 * MS) /* from its recognition until its libraries are mapped */
#define READING_NS     (150 * MS) /* that a look waits for a file to be read; it is read on without it */
#define READING_ALL_NS (5000 * MS) /* the same where there is only one look */
#define FORK_SETTLE_NS (60 * MS) /* most children run another program within that */

/* After each look in vain the next one comes later: the program loads its libraries, its runtime loads
 * others, and much later a plug-in may load one more. */
static const uint64_t pauses_ns[] = { 20 * MS,	 100 * MS,   400 * MS,	 1500 * MS, 3000 * MS,
				      6000 * MS, 12000 * MS, 24000 * MS, 48000 * MS };
/* Before this look a runtime may still be on its way into the process. */
#define GENERIC_LOOK 3

#define PAUSES (sizeof(pauses_ns) / sizeof(pauses_ns[0]))

enum state {
	STATE_LOOKING, /* no loop found so far */
	STATE_FOUND,
	STATE_TAKEN,
	STATE_NEVER, /* a kernel thread */
};

struct process {
	int pid;
	uint64_t start_ticks; /* 0: not asked yet */
	enum state state;
	unsigned looks;
	uint64_t next_ns; /* LOOKING: the next look; FOUND: from when on it is told */
	uint64_t seen_ns;
	double seen_time;
	bool here; /* in the running scan */
	bool told; /* why nobody attaches to it */
	UT_hash_handle hh;
};

struct lt_discovery {
	struct process *processes; /* by pid */
	struct lt_files *files;
	uint64_t due_ns; /* before this nobody's time has come: it is asked many times a second */
	bool generic;
	bool all_at_once; /* those that have been there for long are looked through */
};

struct lt_discovery *lt_discovery__new(bool generic)
{
	struct lt_discovery *discovery = calloc(1, sizeof(*discovery));

	if (discovery) {
		discovery->generic = generic;
		discovery->files = lt_files__new();
	}
	if (discovery && discovery->files) {
		lt_files__set_patience(discovery->files, READING_NS);
		return discovery;
	}
	free(discovery);
	errno = ENOMEM;
	return NULL;
}

static void forget(struct lt_discovery *discovery, struct process *process)
{
	HASH_DEL(discovery->processes, process);
	free(process);
}

void lt_discovery__free(struct lt_discovery *discovery)
{
	struct process *process, *next;

	if (!discovery)
		return;
	HASH_ITER(hh, discovery->processes, process, next)
	forget(discovery, process);
	lt_files__free(discovery->files);
	free(discovery);
}

static struct process *find(const struct lt_discovery *discovery, int pid)
{
	struct process *process;

	HASH_FIND_INT(discovery->processes, &pid, process);
	return process;
}

/* The process, known or new; NULL: there is no room, a later scan finds it. */
static struct process *find_or_add(struct lt_discovery *discovery, int pid)
{
	struct process *process = find(discovery, pid);

	if (process || HASH_COUNT(discovery->processes) >= PROCESSES_MAX)
		return process;
	process = calloc(1, sizeof(*process));
	if (!process)
		return NULL;
	process->pid = pid;
	HASH_ADD_INT(discovery->processes, pid, process);
	return process;
}

static void be_due(struct lt_discovery *discovery, struct process *process, uint64_t next_ns)
{
	process->next_ns = next_ns;
	if (next_ns < discovery->due_ns)
		discovery->due_ns = next_ns;
}

static void begin_anew(struct lt_discovery *discovery, struct process *process,
		       uint64_t start_ticks, uint64_t next_ns)
{
	process->state = STATE_LOOKING;
	process->looks = 0;
	process->told = false;
	process->start_ticks = start_ticks;
	be_due(discovery, process, next_ns);
}

static void scan_one(struct lt_discovery *discovery, int pid, uint64_t now_ns)
{
	struct lt_proc_stat stat;
	struct process *process;

	if (lt_process_stat(pid, &stat) || stat.state == 'Z' || stat.state == 'X')
		return;
	process = find_or_add(discovery, pid);
	if (!process)
		return;
	process->here = true;
	if (!process->start_ticks)
		process->start_ticks = stat.start_ticks;
	if (process->next_ns && process->start_ticks == stat.start_ticks)
		return;
	begin_anew(discovery, process, stat.start_ticks, now_ns); /* new, or another one under that pid */
	if (stat.kernel_thread)
		process->state = STATE_NEVER;
}

int lt_discovery__scan(struct lt_discovery *discovery, uint64_t now_ns)
{
	DIR *proc = opendir("/proc");
	struct process *process, *next;
	struct dirent *entry;

	if (!proc)
		return -errno;
	HASH_ITER(hh, discovery->processes, process, next)
	process->here = false;
	while ((entry = readdir(proc))) {
		char *end;
		long pid = strtol(entry->d_name, &end, 10);

		if (pid > 0 && pid < 1 << 30 && !*end && pid != getpid())
			scan_one(discovery, (int)pid, now_ns);
	}
	closedir(proc);
	HASH_ITER(hh, discovery->processes, process, next)
	if (!process->here)
		forget(discovery, process);
	return 0;
}

void lt_discovery__began(struct lt_discovery *discovery, int pid, bool forked, uint64_t now_ns)
{
	struct process *process = pid == getpid() ? NULL : find_or_add(discovery, pid);

	if (process)
		begin_anew(discovery, process, 0, now_ns + (forked ? FORK_SETTLE_NS : 0));
}

void lt_discovery__ended(struct lt_discovery *discovery, int pid)
{
	struct process *process = find(discovery, pid);

	if (process)
		forget(discovery, process);
}

static bool has_loop(const struct lt_discovery *discovery, const struct process *process)
{
	if (process->looks ? lt_files__any_has_loop(discovery->files, process->pid)
			   : lt_files__exe_has_loop(discovery->files, process->pid))
		return true;
	return discovery->generic && process->looks &&
	       (process->looks >= GENERIC_LOOK || discovery->all_at_once) &&
	       lt_process_has_epoll(process->pid) && lt_process_is_native(process->pid);
}

/* The first look asks only for the executable: most processes that begin are gone before the second. */
static void look_at(struct lt_discovery *discovery, struct process *process)
{
	uint64_t now_ns = lt_now_ns();
	struct lt_proc_stat stat;

	if (lt_process_stat(process->pid, &stat) || stat.state == 'Z' || stat.state == 'X' ||
	    (process->start_ticks && process->start_ticks != stat.start_ticks)) {
		forget(discovery, process);
		return;
	}
	process->start_ticks = stat.start_ticks;
	if (has_loop(discovery, process)) {
		process->state = STATE_FOUND;
		process->seen_time = lt_wall_now(&process->seen_ns);
		process->next_ns = now_ns + SETTLE_NS;
		return;
	}
	process->next_ns =
		now_ns + pauses_ns[process->looks < PAUSES ? process->looks : PAUSES - 1];
	process->looks++;
}

static uint64_t earliest_ns(const struct lt_discovery *discovery)
{
	const struct process *process;
	uint64_t earliest = UINT64_MAX;

	for (process = discovery->processes; process; process = process->hh.next)
		if ((process->state == STATE_LOOKING || process->state == STATE_FOUND) &&
		    process->next_ns < earliest)
			earliest = process->next_ns;
	return earliest;
}

void lt_discovery__look(struct lt_discovery *discovery, uint64_t now_ns, uint64_t deadline_ns)
{
	struct process *process, *next;

	if (now_ns < discovery->due_ns)
		return;
	/* Those that have just begun first: a storm of old ones must not keep them waiting. */
	for (int old = 0; old <= 1; old++) {
		HASH_ITER(hh, discovery->processes, process, next)
		{
			if (process->state != STATE_LOOKING || process->next_ns > now_ns ||
			    (process->looks != 0) != old)
				continue;
			if (lt_now_ns() > deadline_ns)
				return;
			look_at(discovery, process);
		}
	}
	discovery->due_ns = earliest_ns(discovery);
}

void lt_discovery__look_through(struct lt_discovery *discovery, uint64_t deadline_ns)
{
	/* The executables, and then all that is mapped into those that have not shown one. */
	discovery->all_at_once = true;
	lt_files__set_patience(discovery->files, deadline_ns == UINT64_MAX ? READING_ALL_NS : READING_NS);
	lt_discovery__look(discovery, UINT64_MAX, deadline_ns);
	lt_discovery__look(discovery, UINT64_MAX, deadline_ns);
	lt_files__set_patience(discovery->files, READING_NS);
	discovery->all_at_once = false;
}

bool lt_discovery__next(struct lt_discovery *discovery, uint64_t now_ns, struct lt_found *ret_found)
{
	struct process *process, *next;

	if (now_ns < discovery->due_ns)
		return false;
	HASH_ITER(hh, discovery->processes, process, next)
	{
		if (process->state != STATE_FOUND || process->next_ns > now_ns)
			continue;
		process->state = STATE_TAKEN;
		*ret_found =
			(struct lt_found){ process->pid, process->seen_ns, process->seen_time };
		return true;
	}
	return false;
}

bool lt_discovery__mark_told(struct lt_discovery *discovery, int pid)
{
	struct process *process = find(discovery, pid);
	bool first = process && !process->told;

	if (process)
		process->told = true;
	return first;
}

void lt_discovery__postpone(struct lt_discovery *discovery, int pid, uint64_t until_ns)
{
	struct process *process = find(discovery, pid);

	if (process && process->state == STATE_TAKEN) {
		process->state = STATE_FOUND;
		be_due(discovery, process, until_ns);
	}
}
