/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
#include "agent/v8/fold.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "agent/util/text.h"

/* Equal stacks, and the time that they stand for. */
struct pile {
	struct lt_stack_frame *frames;
	size_t n;
	double seconds;
};

struct lt_fold {
	struct pile piles[LT_FOLD_STACKS_MAX];
	size_t n_piles;
	size_t samples;
	double seconds; /* that all of them stand for */
	double starved[LT_STARVED_BY_MICROTASKS + 1];
	size_t n_starved; /* samples */
	uint64_t activations[LT_FOLD_STACKS_MAX]; /* of their callbacks, each once */
	size_t n_activations;
	struct lt_stack_frame shown[LT_V8_FRAMES_MAX]; /* the answer's stack */
};

struct lt_fold *lt_fold__new(void)
{
	return calloc(1, sizeof(struct lt_fold));
}

void lt_fold__free(struct lt_fold *fold)
{
	if (!fold)
		return;
	for (size_t i = 0; i < fold->n_piles; i++)
		free(fold->piles[i].frames);
	free(fold);
}

size_t lt_fold__samples(const struct lt_fold *fold)
{
	return fold->samples;
}

/* The same function, wherever in it. Functions without a name are told apart by their place. */
static bool same_function(const struct lt_stack_frame *a, const struct lt_stack_frame *b)
{
	return a->type == b->type && lt_same_text(a->function, b->function) &&
	       lt_same_text(a->file, b->file) && (a->function[0] != '(' || a->line == b->line);
}

static bool same_stack(const struct pile *pile, const struct lt_v8_stack *stack)
{
	if (pile->n != stack->n_frames)
		return false;
	for (size_t i = 0; i < pile->n; i++)
		if (!same_function(&pile->frames[i], &stack->frames[i]) ||
		    pile->frames[i].line != stack->frames[i].line)
			return false;
	return true;
}

static void add_pile(struct lt_fold *fold, const struct lt_v8_stack *stack, double seconds)
{
	size_t bytes = stack->n_frames * sizeof(stack->frames[0]);
	struct pile *pile = &fold->piles[fold->n_piles];

	if (fold->n_piles == LT_FOLD_STACKS_MAX || !bytes)
		return;
	pile->frames = malloc(bytes);
	if (!pile->frames)
		return;
	memcpy(pile->frames, stack->frames, bytes);
	pile->n = stack->n_frames;
	pile->seconds = seconds;
	fold->n_piles++;
}

static void add_activation(struct lt_fold *fold, uint64_t activation)
{
	for (size_t i = 0; i < fold->n_activations; i++)
		if (fold->activations[i] == activation)
			return;
	if (activation && fold->n_activations < LT_FOLD_STACKS_MAX)
		fold->activations[fold->n_activations++] = activation;
}

void lt_fold__add(struct lt_fold *fold, const struct lt_v8_stack *stack, double seconds)
{
	fold->samples++;
	fold->seconds += seconds;
	fold->starved[stack->starvation] += seconds;
	if (stack->starvation != LT_STARVED_NOT && fold->n_starved < LT_FOLD_STACKS_MAX) {
		fold->n_starved++;
		add_activation(fold, stack->activation);
	}
	for (size_t i = 0; i < fold->n_piles; i++) {
		if (same_stack(&fold->piles[i], stack)) {
			fold->piles[i].seconds += seconds;
			return;
		}
	}
	add_pile(fold, stack, seconds);
}

static bool is_user(const struct lt_stack_frame *frame)
{
	return frame->type == LT_FRAME_JS && frame->user;
}

/* The innermost function of the application; where callbacks follow each other without end, the outermost,
 * which is the callback itself, or what it calls if it has no name. n: there is none. */
static size_t user_index(const struct pile *pile, bool outermost)
{
	size_t found = pile->n;

	for (size_t i = 0; i < pile->n; i++) {
		if (!is_user(&pile->frames[i]))
			continue;
		if (!outermost)
			return i;
		if (found == pile->n || pile->frames[i].function[0] != '(')
			found = i;
	}
	return found;
}

/* For how long it is the one that user_index() finds. */
static double votes(const struct lt_fold *fold, const struct lt_stack_frame *frame, bool outermost)
{
	double seconds = 0;

	for (size_t i = 0; i < fold->n_piles; i++) {
		const struct pile *pile = &fold->piles[i];
		size_t user = user_index(pile, outermost);

		if (user < pile->n && same_function(&pile->frames[user], frame))
			seconds += pile->seconds;
	}
	return seconds;
}

static bool contains(const struct pile *pile, const struct lt_stack_frame *frame)
{
	for (size_t i = 0; i < pile->n; i++)
		if (same_function(&pile->frames[i], frame))
			return true;
	return false;
}

static double share_of(const struct lt_fold *fold, const struct lt_stack_frame *frame)
{
	double seconds = 0;

	for (size_t i = 0; i < fold->n_piles; i++)
		if (contains(&fold->piles[i], frame))
			seconds += fold->piles[i].seconds;
	return fold->seconds > 0 ? fmin(1, seconds / fold->seconds) : NAN;
}

/* The most frequent stack among those whose function of the application is the most frequent one; NULL:
 * there is no stack at all. */
static const struct pile *choose(const struct lt_fold *fold, bool outermost, double *ret_votes)
{
	const struct pile *best = NULL;
	double best_votes = 0;

	for (size_t i = 0; i < fold->n_piles; i++) {
		const struct pile *pile = &fold->piles[i];
		size_t user = user_index(pile, outermost);
		double n = user < pile->n ? votes(fold, &pile->frames[user], outermost) : 0;

		if (best && (n < best_votes || (n == best_votes && pile->seconds <= best->seconds)))
			continue;
		best = pile;
		best_votes = n;
	}
	*ret_votes = best_votes;
	return best;
}

/* One long callback, or one after another? The activation of one call changes only when objects of it are
 * moved: twice until they are old, and hardly ever after that. */
#define ACTIVATIONS_LEAST 5

static bool callbacks_follow(const struct lt_fold *fold)
{
	return fold->n_activations >= ACTIVATIONS_LEAST &&
	       2 * fold->n_activations > fold->n_starved;
}

static enum lt_starvation starvation_of(const struct lt_fold *fold)
{
	for (int i = LT_STARVED_BY_NEXT_TICK; i <= LT_STARVED_BY_MICROTASKS; i++)
		if (2 * fold->starved[i] > fold->seconds && callbacks_follow(fold))
			return (enum lt_starvation)i;
	return LT_STARVED_NOT;
}

void lt_fold__answer(struct lt_fold *fold, struct lt_stall *stall)
{
	enum lt_starvation starvation = starvation_of(fold);
	double most;
	const struct pile *pile = choose(fold, starvation != LT_STARVED_NOT, &most);
	size_t user;

	stall->samples = (double)fold->samples;
	stall->starvation = starvation;
	stall->where = stall->below = stall->stack = NULL;
	stall->n_stack = 0;
	if (!pile)
		return;
	memcpy(fold->shown, pile->frames, pile->n * sizeof(fold->shown[0]));
	for (size_t i = 0; i < pile->n; i++)
		fold->shown[i].share = share_of(fold, &fold->shown[i]);
	stall->stack = fold->shown;
	stall->n_stack = pile->n;
	user = user_index(pile, starvation != LT_STARVED_NOT);
	if (user == pile->n)
		return;
	fold->shown[user].share = fold->seconds > 0 ? fmin(1, most / fold->seconds) : NAN;
	stall->where = &fold->shown[user];
	if (user > 0)
		stall->below = &fold->shown[user - 1];
}
