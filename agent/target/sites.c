/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
#include "agent/target/sites.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "agent/runtime/registry.h"
#include "agent/target/decode.h"

/* How far behind a call its cheap instruction may be. */
#define BEHIND_CALL_MAX 64
/* How far behind an entry a cheap instruction is looked for. */
#define ENTRY_BYTES_MAX 128

#define REG(reg)	(1u << (reg))

void lt_image__miss(struct lt_image *image, const char *fmt, ...)
{
	const size_t max = sizeof(image->missing) / sizeof(image->missing[0]);
	va_list args;

	if (image->n_missing >= max)
		return;
	va_start(args, fmt);
	vsnprintf(image->missing[image->n_missing++], sizeof(image->missing[0]), fmt, args);
	va_end(args);
}

struct site_spec {
	enum lt_role role;
	uint8_t arg, sub;
	enum lt_group group;
};

/* Adds a site at a decoded instruction; 1 or -errno. */
static int add_site(struct lt_finding *finding, const struct site_spec *spec,
		    const struct lt_elf_symbol *function, const struct lt_insn *in)
{
	struct lt_image *image = finding->image;
	int64_t offset = lt_elf__offset(finding->elf, in->vaddr, in->length, true);
	struct lt_site *site;

	if (!in->probeable)
		return -EOPNOTSUPP;
	if (offset < 0)
		return -EFAULT;
	if (image->n_sites == LT_IMAGE_SITES_MAX)
		return -ENOSPC;
	site = &image->sites[image->n_sites];
	*site = (struct lt_site){
		.role = spec->role,
		.group = spec->group,
		.cost = in->emulated ? LT_SITE_EMULATED : LT_SITE_STEPPED,
		.arg = spec->arg,
		.sub = spec->sub,
		.file_offset = (uint64_t)offset,
		.vaddr = in->vaddr,
		.function = function->vaddr,
		.length = in->length,
	};
	if (lt_elf__read(finding->elf, in->vaddr, site->bytes, in->length))
		return -EIO;
	if (in->vaddr == function->vaddr)
		snprintf(site->symbol, sizeof(site->symbol), "%.63s", function->name);
	else
		snprintf(site->symbol, sizeof(site->symbol), "%.50s+0x%x", function->name,
			 (unsigned)(in->vaddr - function->vaddr));
	image->n_sites++;
	return 1;
}

static struct site_spec spec_of(const struct lt_rule *rule)
{
	return (struct site_spec){ rule->role, rule->arg, rule->sub, rule->group };
}

/* The arguments that probes at entries look at. */
static uint32_t arguments(const struct lt_machine *machine)
{
	return REG(machine->argument[0]) | REG(machine->argument[1]) | REG(machine->argument[2]);
}

int lt_find_entry(struct lt_finding *finding, const struct lt_rule *rule,
		  const struct lt_elf_symbol *function)
{
	struct lt_elf_symbol head = *function;
	struct site_spec spec = spec_of(rule);
	const struct lt_insn *best = NULL;
	struct lt_function code;
	int err;

	err = lt_function__decode(finding->elf, head.vaddr, head.size, &code);
	if (err == -E2BIG) {
		/* Only its beginning matters; jumps back to it from beyond are not seen then, and the
		 * first instruction is taken as it is. */
		head.size = 16;
		err = lt_function__decode(finding->elf, head.vaddr, head.size, &code);
	}
	if (err)
		return err;
	for (size_t i = 0; i < code.n_insns; i++) {
		const struct lt_insn *in = &code.insns[i];

		if (in->is_endbr)
			continue;
		if (in->vaddr - head.vaddr > ENTRY_BYTES_MAX)
			break;
		if (in->vaddr != head.vaddr && lt_function__joins(&code, head.vaddr, in->vaddr))
			break; /* a loop comes back here: it would be counted more than once */
		if (!best && in->probeable)
			best = in;
		if (in->emulated) {
			best = in;
			break;
		}
		if (in->flow != LT_FLOW_NEXT || in->writes & arguments(code.machine))
			break;
	}
	err = best ? add_site(finding, &spec, function, best) : -ENOENT;
	lt_function__free(&code);
	return err;
}

static bool is_inside(const struct lt_function *code, uint64_t vaddr)
{
	return vaddr >= code->vaddr && vaddr < code->vaddr + code->size;
}

int lt_find_exits(struct lt_finding *finding, const struct lt_rule *rule,
		  const struct lt_elf_symbol *function)
{
	struct site_spec spec = spec_of(rule);
	struct lt_function code;
	int err, n = 0;

	err = lt_function__decode(finding->elf, function->vaddr, function->size, &code);
	for (size_t i = 0; !err && i < code.n_insns; i++) {
		const struct lt_insn *in = &code.insns[i];
		bool leaves = in->flow == LT_FLOW_RETURN ||
			      (in->flow == LT_FLOW_JUMP && !is_inside(&code, in->target));
		int added = leaves && in->probeable ? add_site(finding, &spec, function, in) : 0;

		if (added < 0)
			err = added;
		n += added;
	}
	if (!err)
		lt_function__free(&code);
	return err ? err : n ? n : -ENOENT;
}

/*
 * The first emulated instruction behind insns[at] on the straight line that no jump leads into and
 * before which none of the registers in keep is changed; NULL if there is none.
 */
static const struct lt_insn *behind(const struct lt_function *code, size_t at, uint32_t keep)
{
	const struct lt_insn *call = &code->insns[at];

	for (size_t i = at + 1; i < code->n_insns; i++) {
		const struct lt_insn *in = &code->insns[i];

		if (in->vaddr - call->vaddr > BEHIND_CALL_MAX ||
		    lt_function__joins(code, call->vaddr, in->vaddr))
			return NULL;
		if (in->emulated)
			return in;
		if (in->flow != LT_FLOW_NEXT || in->writes & keep)
			return NULL;
	}
	return NULL;
}

/* No cheap one: the next instruction is certain to come, at a higher price. NULL: not even that. */
static const struct lt_insn *next_after(const struct lt_function *code, size_t at)
{
	const struct lt_insn *next = at + 1 < code->n_insns ? &code->insns[at + 1] : NULL;

	return next && next->probeable ? next : NULL;
}

static bool calls_epoll(struct lt_finding *finding, const struct lt_insn *in)
{
	const char *import =
		in->flow == LT_FLOW_CALL ? lt_elf__import(finding->elf, in->target) : NULL;

	return import && (!strcmp(import, "epoll_wait") || !strcmp(import, "epoll_pwait"));
}

/*
 * Where a wait has ended: an instruction behind its call, and the register that holds its result there. If that
 * register is soon needed for something else, compilers copy it first.
 */
static const struct lt_insn *wait_end(const struct lt_function *code, size_t call,
				      uint8_t *ret_result)
{
	const struct lt_insn *after = behind(code, call, REG(code->machine->result)), *copy;

	*ret_result = code->machine->result;
	if (after)
		return after;
	after = next_after(code, call);
	copy = after;
	if (!copy || copy->copies != code->machine->result ||
	    lt_function__joins(code, copy->vaddr - 1, copy->vaddr))
		return after;
	after = behind(code, call + 1, copy->writes);
	if (!after)
		return copy;
	*ret_result = (uint8_t)__builtin_ctz(copy->writes);
	return after;
}

int lt_find_waits(struct lt_finding *finding, const struct lt_rule *rule,
		  const struct lt_elf_symbol *function)
{
	struct site_spec begin = { LT_ROLE_WAIT_BEGIN, LT_WAIT_CALL, 0, LT_GROUP_WAIT };
	struct site_spec end = { LT_ROLE_WAIT_END, LT_WAIT_CALL, 0, LT_GROUP_WAIT };
	size_t sites_before = finding->image->n_sites;
	struct lt_function code;
	int err, n = 0;

	(void)rule;
	err = lt_function__decode(finding->elf, function->vaddr, function->size, &code);
	if (err)
		return err;
	begin.sub = code.machine->argument[3];
	for (size_t i = 0; err >= 0 && i < code.n_insns; i++) {
		const struct lt_insn *after;

		if (!calls_epoll(finding, &code.insns[i]))
			continue;
		after = wait_end(&code, i, &end.sub);
		err = after ? add_site(finding, &begin, function, &code.insns[i]) : -ENOENT;
		if (err >= 0)
			err = add_site(finding, &end, function, after);
		n += 2;
	}
	lt_function__free(&code);
	if (err < 0 || !n) { /* half of a pair is worse than none */
		finding->image->n_sites = sites_before;
		return err < 0 ? err : -ENOENT;
	}
	return n;
}

int lt_find_phase_ends(struct lt_finding *finding, const struct lt_rule *rule,
		       const struct lt_elf_symbol *function)
{
	struct lt_function code;
	int err, n = 0;

	err = lt_function__decode(finding->elf, function->vaddr, function->size, &code);
	if (err)
		return err;
	for (size_t i = 0; err >= 0 && i < code.n_insns; i++) {
		const struct lt_insn *in = &code.insns[i], *after;
		bool timers = in->target && in->target == finding->run_timers;
		struct site_spec spec = { LT_ROLE_PHASE, 0, 0, rule->group };

		if (in->flow != LT_FLOW_CALL ||
		    !(timers || (in->target && in->target == finding->run_check)))
			continue;
		spec.arg = timers ? LT_PHASE_PENDING : LT_PHASE_CLOSING;
		after = behind(&code, i, 0);
		if (!after)
			after = next_after(&code, i);
		err = after ? add_site(finding, &spec, function, after) : -ENOENT;
		n++;
	}
	lt_function__free(&code);
	return err < 0 ? err : n ? n : -ENOENT;
}

int lt_find_task_end(struct lt_finding *finding, const struct lt_rule *rule,
		     const struct lt_elf_symbol *function)
{
	struct site_spec spec = spec_of(rule);
	const struct lt_insn *after = NULL;
	struct lt_function code;
	int err;

	err = lt_function__decode(finding->elf, function->vaddr, function->size, &code);
	if (err)
		return err;
	for (size_t i = 0; i < code.n_insns && !after; i++) {
		const struct lt_insn *in = &code.insns[i];

		/* w->work(w), with the register still at w->wq, 24 bytes into w */
		if (in->flow != LT_FLOW_CALL_INDIRECT || in->base < 0 || in->disp != -24)
			continue;
		spec.arg = (uint8_t)in->base;
		after = behind(&code, i, REG(in->base));
		if (!after)
			after = next_after(&code, i);
	}
	err = after ? add_site(finding, &spec, function, after) : -ENOENT;
	lt_function__free(&code);
	return err;
}
