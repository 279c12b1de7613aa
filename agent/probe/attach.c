/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/*
 * Probes in one target: which program at which sites, put in and taken out by group. Everything
 * is entry probes, scoped to the one process. The guard has them in its hands (guard.h).
 */
#include "agent/probe/programs.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/probe/waits.h"
#include "agent/target/verify.h"
#include "looptop/err.h"
#include "looptop/log.h"

/* Tells why the kernel refused, with the capability where that is the reason. A process that has ended meanwhile
 * is an error to those only who were asked for it: they tell. */
static int attach_error(const struct lt_attachment *attachment, enum lt_role role, int err)
{
	char missing[LT_CAPABILITIES_SIZE];
	unsigned n = lt_capabilities(lt_probe__features(attachment->probe)->uprobe_multi, true,
				     missing, sizeof(missing));
	int pid = attachment->target->pid;

	if (err == -ECANCELED)
		return err; /* the user has asked for the end, and knows why */
	if (err == -EOWNERDEAD)
		return lt_err(err, "attach to pid %d: the process that holds the probes was killed", pid);
	if (!lt_target__alive(attachment->target))
		return -ESRCH;
	if (err == -EPERM || err == -EACCES)
		return lt_err(err,
			      "attach to pid %d: permission denied (needs %s; run as root or see "
			      "looptop check)",
			      pid, n ? missing : "a kernel that allows uprobes to this user");
	return lt_err(err, "attach to pid %d: probe %s: %s", pid,
		      bpf_program__name(lt_programs__of_role(attachment->probe, role)),
		      strerror(-err));
}

/* The file as it is now, wherever its sites come from and however long ago they were found: verify.h. */
static int verify(const struct lt_attachment *attachment, const struct lt_module *module,
		  enum lt_group which)
{
	const struct lt_site *site = NULL;
	int err = lt_verify_sites(module->fd, module->image, which, &site);

	if (err == -ESTALE)
		return lt_err(err,
			      "attach to pid %d: %s was changed after it had been read: at %s there "
			      "is another instruction, so no probe goes into it (restart the "
			      "process, or try again when the file stays as it is)",
			      attachment->target->pid, module->path, site->symbol);
	if (err == -EFBIG)
		return lt_err(err,
			      "attach to pid %d: the functions of %s in which probes go are longer "
			      "than those of any known runtime, so none goes into it",
			      attachment->target->pid, module->path);
	if (err)
		return lt_err(err, "attach to pid %d: read %s: %s", attachment->target->pid,
			      module->path, strerror(-err));
	return 0;
}

static uint64_t cookie_of(const struct lt_site *site, size_t index)
{
	return LT_COOKIE(site->role, site->arg, site->sub, index);
}

/* Reads the sites' pages once: the kernel then finds them in the page cache when it attaches. */
static void prefault(const struct lt_module *module, const uint64_t *offsets, size_t n)
{
	char byte;

	for (size_t i = 0; i < n; i++)
		if (pread(module->fd, &byte, 1, (off_t)offsets[i]) != 1)
			lt_debug("read %s at 0x%lx: %s", module->path, offsets[i], strerror(errno));
}

/* Where links carry no cookies, the programs look them up by the address that was hit. */
static int write_cookie(const struct lt_attachment *attachment, const struct lt_module *module,
			const struct lt_site *site, uint64_t cookie)
{
	uint64_t key[2] = { (uint64_t)attachment->target->pid,
			    lt_module__address(module, site->vaddr) };
	int map_fd = bpf_map__fd(lt_probe__skeleton(attachment->probe)->maps.lt_sites);

	if (lt_probe__features(attachment->probe)->attach_cookie)
		return 0;
	return bpf_map_update_elem(map_fd, key, &cookie, BPF_ANY) ? -errno : 0;
}

static int attach_sites(const struct lt_attachment *attachment, struct group *group,
			const struct lt_guard_sites *sites)
{
	int links[LT_GUARD_SITES_MAX], *more;
	int n = lt_guard__attach(lt_probe__guard(attachment->probe), sites, links);

	if (n < 0)
		return n;
	more = reallocarray(group->links, group->n_links + (size_t)n, sizeof(*more));
	if (!more) {
		lt_guard__detach(lt_probe__guard(attachment->probe), links, (size_t)n, true);
		return -ENOMEM;
	}
	memcpy(more + group->n_links, links, (size_t)n * sizeof(*links));
	group->links = more;
	group->n_links += (size_t)n;
	return 0;
}

/* The sites of one role in one module. */
static int attach_role(struct lt_attachment *attachment, enum lt_group which,
		       const struct lt_module *module, enum lt_role role)
{
	const struct lt_features *features = lt_probe__features(attachment->probe);
	const struct bpf_program *program = lt_programs__of_role(attachment->probe, role);
	struct group *group = &attachment->groups[which];
	uint64_t offsets[LT_IMAGE_SITES_MAX], cookies[LT_IMAGE_SITES_MAX];
	size_t n = 0;
	int err;

	for (size_t i = 0; i < module->image->n_sites; i++) {
		const struct lt_site *site = &module->image->sites[i];

		if (site->role != role || site->group != which)
			continue;
		offsets[n] = site->file_offset;
		cookies[n] = cookie_of(site, i);
		err = write_cookie(attachment, module, site, cookies[n++]);
		if (err)
			return attach_error(attachment, role, err);
	}
	if (!n)
		return 0;
	prefault(module, offsets, n);
	err = attach_sites(attachment, group,
			   &(struct lt_guard_sites){ .prog_fd = bpf_program__fd(program),
						     .file_fd = module->fd,
						     .pid = attachment->target->pid,
						     .offsets = offsets,
						     .cookies = cookies,
						     .n = n,
						     .multi = features->uprobe_multi,
						     .has_cookies = features->attach_cookie });
	if (err)
		return attach_error(attachment, role, err);
	group->n_sites += n;
	return 0;
}

/* Takes out the probes of groups first to last. Who has ended cannot run into them: nobody waits until they are out. */
static void detach_groups(struct lt_attachment *attachment, enum lt_group first, enum lt_group last)
{
	struct lt_guard *guard = lt_probe__guard(attachment->probe);
	bool wait = !attachment->target_ended;
	int *links;
	size_t n = 0;

	if (attachment->target->generic && attachment->groups[first].n_sites)
		lt_waits__unwatch(lt_probe__waits(attachment->probe), attachment->target->pid);
	for (enum lt_group g = first; g <= last; g++)
		n += attachment->groups[g].n_links;
	links = calloc(n + 1, sizeof(*links));
	n = 0;
	for (enum lt_group g = first; g <= last; g++) {
		struct group *group = &attachment->groups[g];

		if (links && group->n_links)
			memcpy(links + n, group->links, group->n_links * sizeof(*links));
		else
			lt_guard__detach(guard, group->links, group->n_links, wait);
		n += group->n_links;
		free(group->links);
		*group = (struct group){ 0 };
	}
	if (links)
		lt_guard__detach(guard, links, n, wait);
	free(links);
}

/* No site of its own is probed: its waits are told by its system calls, a beginning and an end. */
static int watch_calls(struct lt_attachment *attachment)
{
	struct group *group = &attachment->groups[LT_GROUP_WAIT];
	int err = group->n_sites ? 0 :
				   lt_waits__watch(lt_probe__waits(attachment->probe),
						   attachment->target->pid);

	if (!err)
		group->n_sites = 2;
	return err;
}

static int attach_group(struct lt_attachment *attachment, enum lt_group which)
{
	const struct lt_target *target = attachment->target;
	int err = 0;

	if (target->generic)
		return which == LT_GROUP_WAIT ? watch_calls(attachment) : 0;
	if (attachment->groups[which].n_links)
		return 0;
	for (size_t m = 0; !err && m < target->n_modules; m++) {
		if (!target->modules[m].image)
			continue;
		err = verify(attachment, &target->modules[m], which);
		for (enum lt_role role = LT_ROLE_NONE + 1; !err && role < LT_ROLE_MAX; role++)
			err = attach_role(attachment, which, &target->modules[m], role);
	}
	if (err)
		detach_groups(attachment, which, which);
	return err;
}

static const enum lt_tier tier_of_group[] = {
	[LT_GROUP_WAIT] = LT_TIER_WAIT,
	[LT_GROUP_PHASES] = LT_TIER_PHASES,
	[LT_GROUP_FULL] = LT_TIER_FULL,
};

/* Deletes the entries of a table whose key begins with the process's id, of key_size bytes. */
static void forget(int map_fd, uint32_t tgid, size_t key_size)
{
	uint32_t key[4], next[4];
	bool have = false;

	while (bpf_map_get_next_key(map_fd, have ? key : NULL, next) == 0) {
		/* Deleting the previous key only now keeps the walk in its place. */
		if (have && key[0] == tgid)
			bpf_map_delete_elem(map_fd, key);
		memcpy(key, next, key_size);
		have = true;
	}
	if (have && key[0] == tgid)
		bpf_map_delete_elem(map_fd, key);
}

/*
 * Lets the probes of loops count, or not. They are put in and taken out one after the other, and a loop that
 * turns 200,000 times a second goes through half of them meanwhile: its waits would seem to have no end.
 */
static void count_loops(const struct lt_attachment *attachment, bool on)
{
	const struct lt_looptop_bpf *skel = lt_probe__skeleton(attachment->probe);
	uint32_t tgid = (uint32_t)attachment->target->pid;
	int procs = bpf_map__fd(skel->maps.lt_procs);
	struct lt_proc_cfg cfg;

	if (bpf_map_lookup_elem(procs, &tgid, &cfg))
		return; /* nothing of it counts yet */
	cfg.flags = on ? cfg.flags & ~LT_PROC_NO_LOOPS : cfg.flags | LT_PROC_NO_LOOPS;
	bpf_map_update_elem(procs, &tgid, &cfg, BPF_EXIST);
	if (!on)
		forget(bpf_map__fd(skel->maps.lt_loops), tgid, sizeof(struct lt_loop_key));
}

int lt_attachment__set_tier(struct lt_attachment *attachment, enum lt_tier tier)
{
	bool from_memory = attachment->tier == LT_TIER_MEMORY;
	int err = 0;

	if (from_memory || tier == LT_TIER_MEMORY)
		count_loops(attachment, false);
	for (enum lt_group g = LT_GROUP_WAIT; !err && g <= LT_GROUP_FULL; g++) {
		if (tier >= tier_of_group[g])
			err = attach_group(attachment, g);
		else
			detach_groups(attachment, g, g);
	}
	if (err)
		return err;
	attachment->tier = tier;
	if (from_memory && tier != LT_TIER_MEMORY)
		count_loops(attachment, true);
	return 0;
}

void lt_attachment__drop_extras(struct lt_attachment *attachment)
{
	detach_groups(attachment, LT_GROUP_POOL, LT_GROUP_JIT);
}

enum lt_tier lt_attachment__tier(const struct lt_attachment *attachment)
{
	return attachment->tier;
}

bool lt_attachment__has(const struct lt_attachment *attachment, enum lt_group group)
{
	return attachment->groups[group].n_sites > 0;
}

/* The classes of pool tasks, by their vtables' run-time addresses. */
static int write_classes(const struct lt_attachment *attachment, const struct lt_module *module)
{
	int map_fd = bpf_map__fd(lt_probe__skeleton(attachment->probe)->maps.lt_classes);

	for (size_t i = 0; i < module->image->n_classes; i++) {
		uint64_t key[2] = { (uint64_t)attachment->target->pid,
				    lt_module__address(module, module->image->classes[i].vtable) };
		uint32_t kind = module->image->classes[i].kind;

		if (bpf_map_update_elem(map_fd, key, &kind, BPF_ANY))
			return -errno;
	}
	return 0;
}

/*
 * Makes the programs count for this process: until it has its records they ignore it, so that all
 * sites become live at the same moment, and a half attached target counts nothing wrong.
 */
static int go_live(const struct lt_attachment *attachment, const struct lt_wish *wish)
{
	const struct lt_looptop_bpf *skel = lt_probe__skeleton(attachment->probe);
	const struct lt_module *uv = lt_target__uv_module(attachment->target);
	struct lt_proc_cfg cfg = { 0 };
	struct lt_proc_rec rec = { 0 };
	struct lt_loop_mem mem;
	uint32_t tgid = (uint32_t)attachment->target->pid;
	int err = 0;

	if (wish->tasks)
		cfg.flags |= LT_PROC_TASKS;
	if (attachment->target->generic && attachment->groups[LT_GROUP_WAIT].n_sites)
		cfg.flags |= LT_PROC_ANY_WAIT;
	if (wish->walk)
		cfg.walk = *wish->walk;
	if (uv) {
		cfg.pool_size_addr = lt_module__address(uv, uv->image->nthreads);
		if (lt_read_loop(attachment->target, 0, &mem) == 0 && mem.metrics_on)
			cfg.flags |= LT_PROC_DOUBLE_POLL;
	}
	for (size_t m = 0; !err && m < attachment->target->n_modules; m++) {
		const struct lt_module *module = &attachment->target->modules[m];

		if (!module->image || !module->image->task_cb)
			continue;
		cfg.task_cb = lt_module__address(module, module->image->task_cb);
		cfg.task_class_off = module->image->task_class_off;
		cfg.task_type_off = module->image->task_type_off;
		err = write_classes(attachment, module);
	}
	if (!err && bpf_map__update_elem(skel->maps.lt_proc_recs, &tgid, sizeof(tgid), &rec,
					 sizeof(rec), BPF_ANY))
		err = -errno;
	if (!err && bpf_map__update_elem(skel->maps.lt_procs, &tgid, sizeof(tgid), &cfg,
					 sizeof(cfg), BPF_ANY))
		err = -errno;
	if (err)
		return lt_err(err, "attach to pid %u: too many targets for the kernel tables: %s",
			      tgid, strerror(-err));
	return 0;
}

int lt_attachment__new(struct lt_probe *probe, const struct lt_target *target,
		       const struct lt_wish *wish, struct lt_attachment **ret_attachment)
{
	struct lt_attachment *attachment = calloc(1, sizeof(*attachment));
	int err;

	if (!attachment)
		return lt_err(-ENOMEM, "attach to pid %d: out of memory", target->pid);
	attachment->probe = probe;
	attachment->target = target;
	err = lt_attachment__set_tier(attachment, wish->tier);
	if (!err && wish->pool)
		err = attach_group(attachment, LT_GROUP_POOL);
	if (!err && wish->gc)
		err = attach_group(attachment, LT_GROUP_GC);
	if (!err && wish->jit)
		err = attach_group(attachment, LT_GROUP_JIT);
	if (!err)
		err = go_live(attachment, wish);
	if (err) {
		lt_attachment__free(attachment, false);
		return err;
	}
	*ret_attachment = attachment;
	return 0;
}

/* Without these the programs ignore the process. */
static void stop_counting(const struct lt_looptop_bpf *skel, uint32_t tgid)
{
	bpf_map_delete_elem(bpf_map__fd(skel->maps.lt_procs), &tgid);
	bpf_map_delete_elem(bpf_map__fd(skel->maps.lt_proc_recs), &tgid);
	forget(bpf_map__fd(skel->maps.lt_loops), tgid, sizeof(struct lt_loop_key));
}

int lt_attachment__set_jit(struct lt_attachment *attachment, bool on)
{
	if (on)
		return attach_group(attachment, LT_GROUP_JIT);
	detach_groups(attachment, LT_GROUP_JIT, LT_GROUP_JIT);
	/* What came behind the last reading would be told as that of the time when they are there again. */
	forget(bpf_map__fd(lt_probe__skeleton(attachment->probe)->maps.lt_jits),
	       (uint32_t)attachment->target->pid, sizeof(struct lt_loop_key));
	return 0;
}

void lt_attachment__free(struct lt_attachment *attachment, bool target_ended)
{
	const struct lt_looptop_bpf *skel;
	uint32_t tgid;

	if (!attachment)
		return;
	skel = lt_probe__skeleton(attachment->probe);
	tgid = (uint32_t)attachment->target->pid;
	attachment->target_ended = target_ended;
	stop_counting(skel, tgid);
	detach_groups(attachment, 0, LT_GROUP_MAX - 1);
	stop_counting(skel, tgid); /* again: what a program had begun to make */
	forget(bpf_map__fd(skel->maps.lt_jits), tgid, sizeof(struct lt_loop_key));
	forget(bpf_map__fd(skel->maps.lt_kinds), tgid, sizeof(struct lt_kind_key));
	forget(bpf_map__fd(skel->maps.lt_gcs), tgid, sizeof(struct lt_kind_key));
	forget(bpf_map__fd(skel->maps.lt_classes), tgid, 16);
	forget(bpf_map__fd(skel->maps.lt_sites), tgid, 16);
	forget(bpf_map__fd(skel->maps.lt_tasks), tgid, 16);
	free(attachment);
}
