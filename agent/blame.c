/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
#include "agent/blame.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/target/blocks.h"
#include "agent/target/memory.h"
#include "agent/target/process.h"
#include "agent/target/reader.h"
#include "agent/util/clock.h"
#include "agent/v8/fold.h"
#include "agent/v8/v8.h"
#include "looptop/log.h"

#define TURNS_MAX 64
#define DEAD_MAX  256 /* of one interval; when they are used up, no turn is dropped for a new one */

/* So many stacks of one turn are resolved; the first ones tell it, the later ones only how it goes on. */
#define RESOLVED_MAX   60
#define RESOLVED_EVERY 10 /* beyond, each tenth */

/* Stacks of one turn. */
struct turn {
	int tid;
	uint64_t start_ns;
	size_t samples; /* also those that were not resolved */
	uint64_t asleep_ns; /* until then its sleep has been told of */
	bool ended;
	unsigned age; /* intervals since it ended, or since its latest sample */
	uint64_t sampled_ns; /* its latest sample */
	struct lt_fold *fold;
};

struct lt_blame {
	const struct lt_target *target;
	const struct lt_image *image; /* with V8 in it, or NULL */
	struct lt_symbols *symbols;
	struct lt_v8 *v8;
	struct lt_blocks *blocks;
	struct turn turns[TURNS_MAX];
	size_t n_turns;
	/* Folds that had to go between two readings: the latest snapshot may still point into them. Of this
	 * interval, and of the one before. */
	struct lt_fold *dead[2][DEAD_MAX];
	size_t n_dead[2];
	char doubt[200];
};

static const struct lt_module *v8_module(const struct lt_target *target)
{
	for (size_t m = 0; m < target->n_modules; m++)
		if (target->modules[m].image && target->modules[m].image->v8.level > LT_V8_NONE)
			return &target->modules[m];
	return NULL;
}

static int read_memory(void *ctx, uint64_t address, void *buf, size_t length)
{
	struct lt_blame *blame = ctx;

	return lt_reader__is_used() ? lt_blocks__read(blame->blocks, address, buf, length)
				    : lt_read_memory(blame->target, address, buf, length);
}

/* Until V8 10 the isolate is thread-specific data of glibc: the key is known only to the process. */
static int32_t isolate_tls(const struct lt_target *target, const struct lt_module *module)
{
	const struct lt_v8_layout *layout = &module->image->v8;
	uint32_t key;

	if (layout->isolate_tls != LT_V8_UNKNOWN || !layout->isolate_key)
		return layout->isolate_tls;
	if (lt_read_memory(target, lt_module__address(module, layout->isolate_key), &key,
			   sizeof(key)) ||
	    key >= 32)
		return LT_V8_UNKNOWN;
	return (int32_t)(0x310 + 16 * key + 8);
}

struct lt_walk_cfg lt_blame__walk_cfg(const struct lt_target *target)
{
	const struct lt_module *module = v8_module(target);
	struct lt_walk_cfg cfg = { 0 };
	const struct lt_v8_layout *layout;
	int32_t tls;

	if (!module)
		return cfg;
	layout = &module->image->v8;
	tls = isolate_tls(target, module);
	if (tls != LT_V8_UNKNOWN) {
		cfg.flags |= LT_WALK_ISOLATE;
		cfg.isolate_tls_off = tls;
	}
	if (layout->c_entry_fp != LT_V8_UNKNOWN) {
		cfg.flags |= LT_WALK_C_ENTRY;
		cfg.c_entry_fp_off = layout->c_entry_fp;
	}
	if (layout->function_type_first != LT_V8_UNKNOWN &&
	    layout->function_type_last != LT_V8_UNKNOWN && layout->shared_type != LT_V8_UNKNOWN &&
	    layout->function_shared != LT_V8_UNKNOWN) {
		cfg.flags |= LT_WALK_SHARED;
		cfg.function_type_first = (uint16_t)layout->function_type_first;
		cfg.function_type_last = (uint16_t)layout->function_type_last;
		cfg.shared_type = (uint16_t)layout->shared_type;
		cfg.shared_off = (uint16_t)layout->function_shared;
	}
	return cfg;
}

const char *lt_blame__why_not(const struct lt_target *target)
{
	const struct lt_module *module = v8_module(target);

	return module ? module->image->v8.why_not : "";
}

/* From so many frames on a share of failures says something. */
#define DOUBT_FRAMES 50

const char *lt_blame__doubt(struct lt_blame *blame)
{
	const struct lt_v8_stats *stats = lt_v8__stats(blame->v8);
	uint64_t all = stats->frames + stats->failed;
	const char *refused = lt_symbols__refused(blame->symbols);

	blame->doubt[0] = '\0';
	if (refused)
		snprintf(blame->doubt, sizeof(blame->doubt),
			 "stacks: the symbols of %.100s take too much to be read: its functions have no names",
			 refused);
	if (all >= DOUBT_FRAMES && 2 * stats->failed > all)
		snprintf(
			blame->doubt, sizeof(blame->doubt),
			"stacks: V8's objects are not as expected (%llu of %llu frames): functions are missing",
			(unsigned long long)stats->failed, (unsigned long long)all);
	return blame->doubt;
}

struct lt_blame *lt_blame__new(const struct lt_target *target, struct lt_symfiles *symfiles)
{
	static const struct lt_v8_layout no_v8;
	struct lt_blame *blame = calloc(1, sizeof(*blame));
	const struct lt_module *module = v8_module(target);
	struct lt_v8_opts opts = { .pid = target->pid };
	struct lt_source source = lt_process_memory(target->pid);
	int err;

	if (!blame)
		return NULL;
	blame->target = target;
	blame->image = module ? module->image : NULL;
	opts.layout = blame->image ? &blame->image->v8 : &no_v8;
	opts.memory = (struct lt_v8_memory){ read_memory, blame };
	err = lt_symbols__new(target->pid, opts.layout, symfiles, &blame->symbols);
	blame->blocks = lt_blocks__new(&source);
	if (!err && !blame->blocks)
		err = -ENOMEM;
	if (!err) {
		opts.symbols = blame->symbols;
		blame->v8 = lt_v8__new(&opts);
	}
	if (!blame->v8) {
		if (err)
			errno = -err;
		lt_blame__free(blame);
		return NULL;
	}
	return blame;
}

/* Frees what nobody points into any more. */
static void bury(struct lt_blame *blame)
{
	for (size_t i = 0; i < blame->n_dead[1]; i++)
		lt_fold__free(blame->dead[1][i]);
	memcpy(blame->dead[1], blame->dead[0], sizeof(blame->dead[0]));
	blame->n_dead[1] = blame->n_dead[0];
	blame->n_dead[0] = 0;
}

void lt_blame__free(struct lt_blame *blame)
{
	if (!blame)
		return;
	for (size_t i = 0; i < blame->n_turns; i++)
		lt_fold__free(blame->turns[i].fold);
	bury(blame);
	bury(blame);
	lt_v8__free(blame->v8);
	lt_blocks__free(blame->blocks);
	lt_symbols__free(blame->symbols);
	free(blame);
}

/* Makes room for a turn by the one whose latest sample is the oldest: a stall that goes on has a new one
 * all the time. False: no more may go in this interval. */
static bool drop_stalest(struct lt_blame *blame)
{
	size_t stalest = 0;

	if (blame->n_dead[0] == DEAD_MAX)
		return false;
	for (size_t i = 1; i < blame->n_turns; i++)
		if (blame->turns[i].sampled_ns < blame->turns[stalest].sampled_ns)
			stalest = i;
	blame->dead[0][blame->n_dead[0]++] = blame->turns[stalest].fold;
	blame->turns[stalest] = blame->turns[--blame->n_turns];
	return true;
}

static void drop(struct lt_blame *blame, size_t index)
{
	lt_fold__free(blame->turns[index].fold);
	blame->turns[index] = blame->turns[--blame->n_turns];
}

void lt_blame__begin(struct lt_blame *blame)
{
	bury(blame);
	for (size_t i = blame->n_turns; i-- > 0;) {
		struct turn *turn = &blame->turns[i];

		/* An ended turn was told in the interval before; one that never became a stall has had time
		 * enough. A turn that goes on has a sample, or is seen asleep, in each interval. */
		if (turn->age++ >= (turn->ended ? 1 : 3))
			drop(blame, i);
	}
}

static struct turn *find_turn(struct lt_blame *blame, int tid, uint64_t start_ns)
{
	for (size_t i = 0; i < blame->n_turns; i++)
		if (blame->turns[i].tid == tid && blame->turns[i].start_ns == start_ns)
			return &blame->turns[i];
	return NULL;
}

static struct turn *add_turn(struct lt_blame *blame, int tid, uint64_t start_ns)
{
	struct turn *turn = find_turn(blame, tid, start_ns);
	struct lt_fold *fold;

	if (turn)
		return turn;
	if (blame->n_turns == TURNS_MAX && !drop_stalest(blame))
		return NULL;
	fold = lt_fold__new();
	if (!fold)
		return NULL;
	blame->turns[blame->n_turns] =
		(struct turn){ .tid = tid, .start_ns = start_ns, .fold = fold };
	return &blame->turns[blame->n_turns++];
}

/* The stack stands for so many seconds of the turn. */
static void resolve(struct lt_blame *blame, struct turn *turn, const struct lt_raw_stack *raw,
		    double seconds)
{
	struct lt_v8_stack *stack;

	turn->age = 0;
	turn->sampled_ns = raw->time_ns;
	turn->samples++;
	if (turn->samples > RESOLVED_MAX) {
		if (turn->samples % RESOLVED_EVERY)
			return;
		seconds *= RESOLVED_EVERY;
	}
	stack = malloc(sizeof(*stack));
	lt_blocks__begin(blame->blocks);
	if (stack && lt_v8__resolve(blame->v8, raw, stack) == 0)
		lt_fold__add(turn->fold, stack, seconds);
	free(stack);
}

void lt_blame__sample(struct lt_blame *blame, const struct lt_raw_stack *raw)
{
	struct turn *turn = add_turn(blame, (int)raw->tid, raw->turn_start_ns);

	if (turn)
		resolve(blame, turn, raw, 1.0 / LT_SAMPLE_HZ);
}

/* Where the thread entered the kernel; 0: it is not in a system call, or may not be asked. */
static uint64_t syscall_ip(int pid, int tid)
{
	char path[64], text[256], *last;

	snprintf(path, sizeof(path), "task/%d/syscall", tid);
	if (lt_proc_read(pid, path, text, sizeof(text)) <= 0)
		return 0;
	last = strrchr(text, ' ');
	return last ? strtoull(last + 1, NULL, 16) : 0;
}

/* Seconds of a sleep that began then which no stack stands for yet. */
static double asleep_for(struct turn *turn, uint64_t since_ns)
{
	uint64_t now_ns = lt_now_ns(),
		 from = turn->asleep_ns > since_ns ? turn->asleep_ns : since_ns;

	turn->asleep_ns = now_ns;
	return now_ns > from ? (double)(now_ns - from) / 1e9 : 0;
}

void lt_blame__sleeper(struct lt_blame *blame, int tid, uint64_t turn_start_ns, uint64_t isolate,
		       uint64_t since_ns)
{
	struct lt_raw_stack *raw;
	struct turn *turn;
	uint64_t ip = syscall_ip(blame->target->pid, tid);

	if (!isolate || !ip)
		return;
	raw = calloc(1, sizeof(*raw));
	turn = raw ? add_turn(blame, tid, turn_start_ns) : NULL;
	lt_blocks__begin(blame->blocks);
	if (turn && lt_v8__walk(blame->v8, isolate, ip, raw) == 0) {
		raw->tgid = (uint32_t)blame->target->pid;
		raw->tid = (uint32_t)tid;
		raw->turn_start_ns = turn_start_ns;
		resolve(blame, turn, raw, asleep_for(turn, since_ns));
	} else if (turn) {
		turn->age = 0;
	}
	free(raw);
}

void lt_blame__answer(struct lt_blame *blame, int tid, uint64_t turn_start_ns, bool ended,
		      struct lt_stall *stall)
{
	struct turn *turn = find_turn(blame, tid, turn_start_ns);

	if (!turn)
		return;
	if (ended && !turn->ended) {
		turn->ended = true;
		turn->age = 0;
	}
	lt_fold__answer(turn->fold, stall);
	stall->samples = (double)turn->samples;
}

int lt_blame__function(struct lt_blame *blame, uint64_t shared, struct lt_stack_frame *ret_frame)
{
	lt_blocks__begin(blame->blocks);
	return blame->image ? lt_v8__function(blame->v8, shared, ret_frame) : -ENOENT;
}
