/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/* Opening a process: who it is, which of its files hold an event loop, where they are mapped. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/target/elf_header.h"
#include "agent/target/hostname.h"
#include "agent/target/image_load.h"
#include "agent/target/images.h"
#include "agent/target/maps.h"
#include "agent/target/open.h"
#include "agent/target/process.h"
#include "agent/target/procfs.h"
#include "agent/target/reader.h"
#include "agent/target/recall.h"
#include "agent/target/waits.h"
#include "looptop/err.h"
#include "looptop/log.h"

#define MAPPINGS_MAX 256

/* 0: added; 1: not a file with an event loop; -errno. */
static int add_module(struct lt_target *target, const struct lt_mapping *mapping,
		      struct lt_images *images)
{
	struct lt_module module = { .dev = mapping->dev, .ino = mapping->ino };
	int err, fd = lt_maps_open(target->pid, mapping);

	if (fd < 0)
		return fd;
	err = lt_images__take(images, fd, strcmp(mapping->path, target->exe) != 0, &module.file);
	if (err)
		return err == -ENOEXEC || err == -EINVAL || err == -EDQUOT ? 1 : err;
	module.fd = module.file->fd;
	module.image = module.file->image;
	err = lt_elf_header__bias(module.fd, mapping, &module.bias);
	if (err) {
		lt_images__give_back(module.file);
		return err == -ENOEXEC ? 1 : err;
	}
	snprintf(module.path, sizeof(module.path), "%s", mapping->path);
	target->modules[target->n_modules++] = module;
	return 0;
}

static void set_runtime(struct lt_target *target)
{
	if (!target->n_modules) {
		target->generic = true;
		target->runtime = "generic";
		target->runtime_version = target->uv_version = "";
	}
	for (size_t i = 0; i < target->n_modules; i++) {
		const struct lt_image *image = target->modules[i].image;
		bool node = !strcmp(image->runtime, "node");

		if (!target->runtime || node) {
			target->runtime = image->runtime;
			target->runtime_version = image->runtime_version;
		}
		if (!target->uv_version || image->uv_version[0])
			target->uv_version = image->uv_version;
	}
}

static int find_modules(struct lt_target *target, struct lt_images *images)
{
	struct lt_mapping *mappings = calloc(MAPPINGS_MAX, sizeof(*mappings));
	int n = mappings ? lt_maps_files(target->pid, mappings, MAPPINGS_MAX) : -ENOMEM;
	int err = n < 0 ? n : 0, unread = 0;

	if (n > 0)
		lt_image__prefetch(target->pid, mappings, (size_t)n, lt_images__patience_ns(images));
	for (int i = 0; !err && i < n && target->n_modules < LT_MODULES_MAX; i++) {
		int added = add_module(target, &mappings[i], images);

		/* Which loops it has is known when all of it is. */
		if (added == -EAGAIN || added == -EINTR)
			err = added;
		if (added < 0 && added != -ESTALE)
			unread = added;
	}
	free(mappings);
	/* A library that may not be read matters only where nothing else was found. */
	return err || target->n_modules ? err : unread;
}

static int open_error(int pid, int err)
{
	if (err == -EINTR || err == -ECANCELED) /* the program is about to end */
		return -ECANCELED;
	if (err == -ESRCH && lt_procfs_hides(pid))
		return lt_err(-EPERM, "attach to pid %d: /proc hides it (mounted with hidepid; needs "
				      "CAP_SYS_PTRACE; run as root or see looptop check)", pid);
	if (err == -ESRCH)
		return lt_err(err, "attach to pid %d: no such process", pid);
	if (err == -EACCES || err == -EPERM)
		return lt_err(err, "attach to pid %d: permission denied (needs CAP_SYS_PTRACE; run as root "
				   "or see looptop check)", pid);
	if (err == -ETIMEDOUT)
		return lt_err(err, "attach to pid %d: %s", pid, lt_reader__says());
	if (err == -LT_NOT_LOCAL)
		return lt_err(err, "attach to pid %d: its program is on a file system that may never answer "
				   "(a network's, or one in user space), so it is not read; run it from a "
				   "local one", pid);
	return lt_err(err, "attach to pid %d: %s", pid, strerror(-err));
}

static int refuse(const struct lt_proc_info *info)
{
	if (info->kernel_thread)
		return lt_err(-ENOEXEC, "attach to pid %d: it is a kernel thread (%s), which runs no event "
					"loop", info->pid, info->comm);
	return lt_err(-ENOEXEC, "attach to pid %d: %s (%s) runs no event loop that looptop knows (it knows "
				"Node.js, programs with libuv inside, and threads that wait in epoll)",
		      info->pid, info->comm, info->exe[0] ? info->exe : "no file");
}

static int identify(struct lt_target *target, struct lt_proc_info *info)
{
	int leader, err = lt_process_info(target->pid, info);

	if (err)
		return open_error(target->pid, err);
	leader = lt_process_leader(target->pid);
	if (leader > 0 && leader != target->pid)
		return lt_err(-ESRCH, "attach to pid %d: it is a thread of process %d; name that one",
			      target->pid, leader);
	if (info->state == 'Z' || info->state == 'X')
		return lt_err(-ESRCH, "attach to pid %d: it has ended (a zombie)", target->pid);
	target->start_ticks = info->start_ticks;
	target->start_time = info->start_time;
	snprintf(target->name, sizeof(target->name), "%s", info->name);
	snprintf(target->comm, sizeof(target->comm), "%s", info->comm);
	snprintf(target->exe, sizeof(target->exe), "%s", info->exe);
	snprintf(target->cgroup, sizeof(target->cgroup), "%s", info->cgroup);
	snprintf(target->container, sizeof(target->container), "%s", info->container);
	snprintf(target->pod, sizeof(target->pod), "%s", info->pod);
	lt_process_hostname(target->pid, target->hostname);
	target->parent_pid = info->parent_pid;
	target->place = info->place;
	return 0;
}

int lt_target__open(int pid, struct lt_target **ret_target)
{
	return lt_target__open_with(pid, NULL, ret_target);
}

int lt_target__open_with(int pid, struct lt_images *images, struct lt_target **ret_target)
{
	struct lt_target *target = calloc(1, sizeof(*target));
	struct lt_proc_info info;
	int err;

	if (!target)
		return lt_err(-ENOMEM, "attach to pid %d: out of memory", pid);
	target->pid = pid;
	err = identify(target, &info);
	if (err)
		goto fail;
	err = find_modules(target, images);
	if (err) {
		open_error(pid, err);
		goto fail;
	}
	if (!target->n_modules && (!lt_process_has_epoll(pid) || !lt_process_is_native(pid))) {
		err = refuse(&info);
		goto fail;
	}
	set_runtime(target);
	if (!lt_target__alive(target)) {
		err = open_error(pid, -ESRCH);
		goto fail;
	}
	*ret_target = target;
	return 0;
fail:
	lt_target__close(target);
	return err;
}

void lt_target__close(struct lt_target *target)
{
	if (!target)
		return;
	for (size_t i = 0; i < target->n_modules; i++)
		lt_images__give_back(target->modules[i].file);
	lt_recall__free(target->recall);
	free(target);
}

bool lt_target__alive(const struct lt_target *target)
{
	struct lt_proc_stat stat;

	return lt_process_stat(target->pid, &stat) == 0 && stat.start_ticks == target->start_ticks &&
	       stat.state != 'Z' && stat.state != 'X';
}

uint64_t lt_module__address(const struct lt_module *module, uint64_t addr)
{
	return addr ? addr + module->bias : 0;
}

static bool has_waits(const struct lt_image *image)
{
	for (size_t i = 0; i < image->n_sites; i++)
		if (image->sites[i].role == LT_ROLE_WAIT_BEGIN)
			return true;
	return false;
}

/* With libnode.so and libuv.so both have sites, but only one has the loop. */
const struct lt_module *lt_target__uv_module(const struct lt_target *target)
{
	const struct lt_module *found = NULL;

	for (size_t i = 0; i < target->n_modules; i++) {
		const struct lt_module *module = &target->modules[i];

		if (has_waits(module->image))
			return module;
		if (!found || (!found->image->default_loop && module->image->default_loop))
			found = module;
	}
	return found;
}
