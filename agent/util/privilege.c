/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
#include "agent/util/privilege.h"

#include <errno.h>
#include <linux/capability.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "agent/util/privilege_internal.h"
#include "looptop/err.h"
#include "looptop/log.h"

#define CAP(name) (1ull << CAP_##name)

/* Memory and links of other processes; files and lists of descriptors that only their owner may read; mapped files
 * whose names lead elsewhere (/proc/PID/map_files). */
#define READING (CAP(SYS_PTRACE) | CAP(DAC_READ_SEARCH) | CAP(CHECKPOINT_RESTORE))

static const struct {
	const char *name;
	uint64_t kept;
	bool attaches;
	bool other_user;
} duties[LT_DUTY_MAX] = {
	[LT_DUTY_MAIN] = { "main process", READING, true, false },
	[LT_DUTY_GUARDIAN] = { "guardian", CAP(SYS_PTRACE), true, false },
	[LT_DUTY_SPAWNER] = { "spawner", READING, false, true },
	[LT_DUTY_READER] = { "reader", READING, false, true },
	[LT_DUTY_ANALYST] = { "analyst", 0, false, true },
	[LT_DUTY_SERVER] = { "server", 0, false, false },
};

static const struct {
	int number;
	const char *name;
} capabilities_known[] = {
	{ CAP_BPF, "CAP_BPF" },
	{ CAP_PERFMON, "CAP_PERFMON" },
	{ CAP_SYS_ADMIN, "CAP_SYS_ADMIN" },
	{ CAP_SYS_PTRACE, "CAP_SYS_PTRACE" },
	{ CAP_SYS_RESOURCE, "CAP_SYS_RESOURCE" },
	{ CAP_DAC_READ_SEARCH, "CAP_DAC_READ_SEARCH" },
	{ CAP_DAC_OVERRIDE, "CAP_DAC_OVERRIDE" },
	{ CAP_CHECKPOINT_RESTORE, "CAP_CHECKPOINT_RESTORE" },
};

#define N_KNOWN (sizeof(capabilities_known) / sizeof(capabilities_known[0]))

unsigned lt_capability_names(uint64_t capabilities, char *text, size_t size)
{
	size_t used = 0;
	unsigned n = 0, left = 0;

	for (size_t i = 0; i < N_KNOWN; i++)
		left += capabilities >> capabilities_known[i].number & 1;
	snprintf(text, size, "none");
	for (size_t i = 0; i < N_KNOWN && used < size; i++) {
		if (!(capabilities >> capabilities_known[i].number & 1))
			continue;
		used += (size_t)snprintf(text + used, size - used, "%s%s",
					 !n	     ? ""
					 : left == 1 ? " and "
						     : ", ",
					 capabilities_known[i].name);
		n++;
		left--;
	}
	return n;
}

struct sets {
	uint64_t effective, permitted;
};

static int read_sets(struct sets *ret_sets)
{
	struct __user_cap_header_struct head = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct data[2] = { 0 };

	if (syscall(SYS_capget, &head, data))
		return -errno;
	ret_sets->effective = data[0].effective | (uint64_t)data[1].effective << 32;
	ret_sets->permitted = data[0].permitted | (uint64_t)data[1].permitted << 32;
	return 0;
}

/* Nothing is inheritable: nothing is ever executed. */
static int write_sets(const struct sets *sets)
{
	struct __user_cap_header_struct head = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct data[2] = {
		{ (uint32_t)sets->effective, (uint32_t)sets->permitted, 0 },
		{ (uint32_t)(sets->effective >> 32), (uint32_t)(sets->permitted >> 32), 0 },
	};

	return syscall(SYS_capset, &head, data) ? -errno : 0;
}

uint64_t lt_capabilities__effective(void)
{
	struct sets sets;

	return read_sets(&sets) ? UINT64_MAX : sets.effective;
}

uint64_t lt_privilege__kept(enum lt_duty duty, uint64_t attaching)
{
	uint64_t wanted = duties[duty].kept | (duties[duty].attaches ? attaching : 0);
	struct sets sets;

	if (read_sets(&sets))
		return 0;
	/* What contains a right that is not there by itself. */
	if (wanted & ~sets.permitted & CAP(CHECKPOINT_RESTORE))
		wanted |= CAP(SYS_ADMIN);
	if (wanted & ~sets.permitted & CAP(DAC_READ_SEARCH))
		wanted |= CAP(DAC_OVERRIDE);
	wanted &= sets.permitted;
	/* It contains what stands for it in smaller sets. */
	if (wanted & CAP(SYS_ADMIN))
		wanted &= ~(CAP(BPF) | CAP(PERFMON) | CAP(CHECKPOINT_RESTORE));
	return wanted;
}

/* Nobody else is this user, and he is in no group. Capabilities survive that, until they are written. */
static int become_other_user(const char *duty)
{
	gid_t gid = LT_PRIVILEGE_UID;
	uid_t uid = LT_PRIVILEGE_UID;
	struct sets sets;
	int err = read_sets(&sets);

	if (geteuid() == uid) /* as its spawner */
		return prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	if (!err && !(sets.permitted & CAP(SETUID) && sets.permitted & CAP(SETGID)))
		err = -EPERM;
	if (!err) {
		sets.effective = sets.permitted;
		err = write_sets(&sets);
	}
	/* The calls themselves: glibc's functions would have other threads follow. */
	if (!err &&
	    (prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) || syscall(SYS_setgroups, 0, NULL) ||
	     syscall(SYS_setresgid, gid, gid, gid) || syscall(SYS_setresuid, uid, uid, uid)))
		err = -errno;
	if (err)
		lt_debug("run the %s as uid %u: %s; it runs as uid %u", duty, uid, strerror(-err),
			 geteuid());
	return err;
}

/* Of the bounding set only who has CAP_SETPCAP can drop; without execve it gives nothing to anybody. */
static void drop_bounds(uint64_t kept)
{
	prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	for (int cap = 0; prctl(PR_CAPBSET_READ, cap, 0, 0, 0) >= 0; cap++)
		if (!(kept >> cap & 1) && prctl(PR_CAPBSET_DROP, cap, 0, 0, 0))
			return;
}

int lt_capabilities__keep(uint64_t kept)
{
	struct sets sets;
	int err = read_sets(&sets);

	if (err)
		return err;
	drop_bounds(0); /* it may be called again, with less and without the right to drop any */
	sets.effective &= kept;
	sets.permitted &= kept;
	return write_sets(&sets);
}

static void tell(enum lt_duty duty, const struct sets *before, const struct sets *now,
		 bool attaches)
{
	char kept[LT_CAPABILITY_NAMES_SIZE];

	if (lt_log_level() < LT_LOG_INFO)
		return;
	lt_capability_names(now->effective, kept, sizeof(kept));
	lt_info("privileges of the %s: %d capabilities given up, kept %s; uid %u; %zu system calls allowed",
		duties[duty].name, __builtin_popcountll(before->permitted & ~now->permitted), kept,
		geteuid(), lt_privilege__n_calls(duty, attaches));
}

static bool keeps_all(void)
{
	const char *keep = getenv("LT_KEEP_PRIVILEGES");

	return keep && keep[0];
}

int lt_privilege__limit_calls(enum lt_duty duty, bool attaches)
{
	int err;

	if (keeps_all())
		return 0;
	err = prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ? -errno : 0;
	return err ? err : lt_privilege__filter(duty, attaches);
}

int lt_privilege__enter(enum lt_duty duty, uint64_t attaching)
{
	const char *name = duties[duty].name;
	bool attaches = duties[duty].attaches && attaching;
	struct sets before, sets;
	int err, filter_err;

	if (keeps_all()) {
		lt_info("privileges of the %s: all kept (LT_KEEP_PRIVILEGES)", name);
		return 0;
	}
	err = read_sets(&before);
	if (err)
		return lt_err(err, "give up privileges: capget: %s", strerror(-err));
	sets.effective = sets.permitted = lt_privilege__kept(duty, attaching);
	drop_bounds(sets.permitted);
	if (duties[duty].other_user)
		become_other_user(name);
	err = write_sets(&sets);
	filter_err = lt_privilege__limit_calls(duty, attaches);
	if (err)
		return lt_err(err, "give up capabilities: %s", strerror(-err));
	if (filter_err)
		return lt_err(
			filter_err,
			"give up system calls: %s (needs a kernel with CONFIG_SECCOMP_FILTER)",
			strerror(-filter_err));
	tell(duty, &before, &sets, attaches);
	return 0;
}
