/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
#include "agent/target/image.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/runtime/registry.h"
#include "agent/target/frames.h"
#include "agent/util/text.h"
#include "looptop/log.h"

#define HITS_MAX	 64
#define VTABLE_BYTES_MAX 4096
#define OBJECT_BYTES_MAX 65536

/* A function that a rule wants; kept until all symbols are seen, for uv_run needs the others. */
struct hit {
	const struct lt_rule *rule;
	struct lt_elf_symbol symbol;
	char name[64]; /* what symbol.name points at here */
};

struct analysis {
	struct lt_finding finding;
	bool present[4]; /* by index in lt_runtimes */
	uint64_t decoded[4][LT_DECODED_MAX];
	struct hit hits[HITS_MAX];
	size_t n_hits;
	bool has_locals; /* symbols of functions that are not exported */
};

static bool matches(const char *name, const char *wanted, bool prefix)
{
	return prefix ? lt_starts_with(name, wanted) : strcmp(name, wanted) == 0;
}

/* Parts of a function that the compiler put elsewhere have its name too, but not its entry. */
static bool is_fragment(const char *name)
{
	return strstr(name, ".cold") || strstr(name, ".part.");
}

static void add_class(struct lt_image *image, uint64_t vtable, enum lt_kind kind)
{
	if (image->n_classes < LT_IMAGE_CLASSES_MAX)
		image->classes[image->n_classes++] = (struct lt_task_class){ vtable, kind };
}

/*
 * Vtables of a class with several bases: each begins with an offset to the object's top, a small
 * negative number, and the same type information (0 in builds without). Pool work is one of the bases that are not the
 * first, or the only one.
 */
static void add_classes(struct analysis *an, const struct lt_elf_symbol *symbol, enum lt_kind kind)
{
	struct lt_image *image = an->finding.image;
	uint64_t words[VTABLE_BYTES_MAX / 8];
	size_t n = symbol->size / 8, found = 0;

	if (n < 3 || symbol->size > sizeof(words) ||
	    lt_elf__read(an->finding.elf, symbol->vaddr, words, n * 8))
		return;
	for (size_t i = 2; i + 1 < n; i++) {
		int64_t to_top = (int64_t)words[i - 1];

		if (words[i] != words[1] || to_top >= 0 || to_top < -OBJECT_BYTES_MAX)
			continue;
		add_class(image, symbol->vaddr + 8 * (i + 1), kind);
		found++;
	}
	if (!found)
		add_class(image, symbol->vaddr + 16, kind);
}

static void match_rules(struct analysis *an, const struct lt_runtime *runtime,
			const struct lt_elf_symbol *symbol)
{
	for (const struct lt_rule *rule = runtime->rules; rule->symbol; rule++) {
		struct hit *hit;

		if (!matches(symbol->name, rule->symbol, rule->prefix) || an->n_hits == HITS_MAX)
			continue;
		hit = &an->hits[an->n_hits++];
		hit->rule = rule;
		hit->symbol = *symbol;
		snprintf(hit->name, sizeof(hit->name), "%.63s", symbol->name);
		hit->symbol.name = hit->name;
	}
}

static void match_addresses(struct analysis *an, const struct lt_runtime *runtime,
			    const struct lt_elf_symbol *symbol)
{
	for (const struct lt_address_rule *rule = runtime->addresses; rule->symbol; rule++)
		if (matches(symbol->name, rule->symbol, rule->prefix))
			*(uint64_t *)((char *)an->finding.image + rule->offset) = symbol->vaddr;
}

static int on_symbol(void *ctx, const struct lt_elf_symbol *symbol)
{
	struct analysis *an = ctx;
	const char *name = symbol->name;

	an->has_locals |= symbol->is_local && symbol->is_function;
	for (size_t r = 0; lt_runtimes[r]; r++) {
		const struct lt_runtime *runtime = lt_runtimes[r];

		if (lt_starts_with(name, runtime->mark))
			an->present[r] = true;
		if (runtime->class_kind && name[0] == '_' && name[1] == 'Z' && name[2] == 'T') {
			enum lt_kind kind = runtime->class_kind(name);

			if (kind < LT_KIND_MAX)
				add_classes(an, symbol, kind);
		}
		match_addresses(an, runtime, symbol);
		if (!symbol->is_function || is_fragment(name))
			continue;
		for (size_t k = 0; k < LT_DECODED_MAX; k++)
			if (runtime->decoded[k] && !strcmp(name, runtime->decoded[k]))
				an->decoded[r][k] = symbol->vaddr;
		if (!strcmp(name, "uv__run_timers"))
			an->finding.run_timers = symbol->vaddr;
		else if (!strcmp(name, "uv__run_check"))
			an->finding.run_check = symbol->vaddr;
		match_rules(an, runtime, symbol);
	}
	return 0;
}

static void miss_rule(struct lt_image *image, const struct lt_rule *rule, int err)
{
	size_t at = image->n_missing;

	lt_image__miss(image, "%.60s: %s; %s", rule->symbol,
		       err == -ENOENT ? "not found" : strerror(-err), rule->cost);
	if (image->n_missing > at && rule->group == LT_GROUP_JIT)
		image->missing_jit |= 1u << at;
}

/* Finds the sites of one rule in all functions that match it; says what is lost if there are none. */
static void apply_rule(struct analysis *an, const struct lt_rule *rule)
{
	int n = 0, err = -ENOENT;

	for (size_t i = 0; i < an->n_hits; i++) {
		int found;

		if (an->hits[i].rule != rule)
			continue;
		found = rule->find(&an->finding, rule, &an->hits[i].symbol);
		if (found > 0)
			n += found;
		else if (found < 0)
			err = found;
	}
	if (!n && !rule->optional)
		miss_rule(an->finding.image, rule, err);
}

static bool has_role(const struct lt_image *image, enum lt_role role)
{
	for (size_t i = 0; i < image->n_sites; i++)
		if (image->sites[i].role == role)
			return true;
	return false;
}

/* A runtime with another loop may have libuv's functions by name, for its native modules: Bun exports all of
 * them. Its loop is measured as any epoll loop is. */
static bool has_names_only(const struct lt_image *image)
{
	return !strcmp(image->runtime, "libuv") && !image->default_loop &&
	       !has_role(image, LT_ROLE_WAIT_BEGIN);
}

/* A pause needs both ends; with only one of them none is measured. */
static void check_pairs(struct lt_image *image)
{
	if (!strcmp(image->runtime, "node") &&
	    (!has_role(image, LT_ROLE_GC_BEGIN) || !has_role(image, LT_ROLE_GC_END)))
		lt_image__miss(image,
			       "V8's GCTracer: not found; garbage collection pauses are unknown");
}

/* How it ended is told by the kernel; that it was for lack of memory, by its engine alone. */
static void check_fatal(struct lt_image *image)
{
	if (!strcmp(image->runtime, "node") && !has_role(image, LT_ROLE_OUT_OF_MEMORY))
		lt_image__miss(image, "V8::FatalProcessOutOfMemory: not found; an end for lack of memory is told "
				      "as the abort that it is");
}

void lt_image__describe(const struct lt_image *image)
{
	char names[100] = "";
	size_t n = 0, used = 0;

	for (size_t i = 0; i < image->n_sites; i++) {
		if (image->sites[i].cost != LT_SITE_STEPPED)
			continue;
		if (!strstr(names, image->sites[i].symbol) &&
		    used + strlen(image->sites[i].symbol) + 2 < sizeof(names))
			used += (size_t)snprintf(names + used, sizeof(names) - used, "%s%s",
						 n ? " " : "", image->sites[i].symbol);
		n++;
	}
	lt_debug("%s: %zu sites, %zu task classes", image->runtime, image->n_sites,
		 image->n_classes);
	if (n)
		lt_debug("%zu sites are single-stepped, five times as dear: %s …", n, names);
}

/* A stripped file tells its exported functions only; the others are found by how those use them. */
static int deduce(struct analysis *an)
{
	struct lt_deducing deducing = { .elf = an->finding.elf, .tell = on_symbol, .ctx = an };
	struct lt_frames *frames;
	int err = lt_frames__read(an->finding.elf, &frames);

	if (err) {
		lt_image__miss(an->finding.image,
			       "the file is stripped, and its .eh_frame tells no functions: %s",
			       strerror(-err));
		return err == -ENOMEM || err == -E2BIG ? err : 0;
	}
	deducing.frames = frames;
	for (size_t r = 0; lt_runtimes[r]; r++)
		if (an->present[r] && lt_runtimes[r]->deduce)
			lt_runtimes[r]->deduce(&deducing);
	lt_frames__free(frames);
	return 0;
}

static int analyse(int fd, bool any_machine, struct lt_image **ret_image)
{
	struct analysis *an = calloc(1, sizeof(*an));
	struct lt_image *image = calloc(1, sizeof(*image));
	struct lt_elf *elf = NULL;
	int err = an && image ? lt_elf__open(fd, &elf) : -ENOMEM;

	if (!err && !any_machine && !lt_elf__is_native(elf))
		err = -ENOEXEC;
	if (err)
		goto out;
	an->finding.elf = elf;
	an->finding.image = image;
	lt_elf__build_id(elf, image->build_id, sizeof(image->build_id));
	lt_elf__each_symbol(elf, on_symbol, an);
	err = lt_elf__error(elf);
	if (err)
		goto out;
	image->stripped = !an->has_locals;
	if (image->stripped)
		err = deduce(an);
	if (err)
		goto out;
	err = -ENOEXEC;
	for (size_t r = 0; lt_runtimes[r]; r++) {
		const struct lt_runtime *runtime = lt_runtimes[r];

		if (!an->present[r])
			continue;
		err = 0;
		if (!image->runtime[0])
			snprintf(image->runtime, sizeof(image->runtime), "%s", runtime->name);
		for (const struct lt_rule *rule = runtime->rules; rule->symbol; rule++)
			apply_rule(an, rule);
		runtime->finish(elf, image, an->decoded[r]);
	}
	if (!err && has_names_only(image))
		err = -ENOEXEC;
	if (!err) {
		check_pairs(image);
		check_fatal(image);
	}
	if (!err)
		image->n_parts = lt_elf__read_parts(elf, image->parts, LT_IMAGE_PARTS_MAX);
out:
	lt_elf__close(elf);
	free(an);
	if (err)
		free(image);
	else
		*ret_image = image;
	return err;
}

int lt_image__analyse(int fd, struct lt_image **ret_image)
{
	return analyse(fd, false, ret_image);
}

int lt_image__analyse_any(int fd, struct lt_image **ret_image)
{
	return analyse(fd, true, ret_image);
}

static int find_mark(void *ctx, const struct lt_elf_symbol *symbol)
{
	(void)ctx;
	for (size_t r = 0; lt_runtimes[r]; r++)
		if (lt_starts_with(symbol->name, lt_runtimes[r]->mark))
			return 1;
	return 0;
}

int lt_image__is_marked(int fd)
{
	struct lt_elf *elf;
	int marked, err = lt_elf__open(fd, &elf);

	if (err)
		return err == -ENOMEM || err == -EFBIG ? err : 0;
	marked = lt_elf__is_native(elf) && lt_elf__each_symbol(elf, find_mark, NULL) > 0;
	err = lt_elf__error(elf);
	lt_elf__close(elf);
	return err ? err : marked;
}
