/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
#include "agent/sink/blockers.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent/sink/stall_seen.h"
#include "agent/util/array.h"
#include "agent/util/fmt.h"
#include "agent/util/text.h"

#define TEXT_MAX 256

struct entry {
	char *process, *function, *file;
	double all_seconds; /* ever: the rank */
	double seconds; /* while it had a counter */
	bool shown;
};

struct lt_blockers {
	size_t n_shown, max_shown;
	struct entry *entries;
	size_t n, room;
	double rest;
	struct lt_stall_seen *seen;
};

struct lt_blockers *lt_blockers__new(size_t shown)
{
	struct lt_blockers *blockers = calloc(1, sizeof(*blockers));

	if (!blockers)
		return NULL;
	blockers->max_shown = shown;
	blockers->seen = lt_stall_seen__new();
	if (blockers->seen)
		return blockers;
	free(blockers);
	return NULL;
}

static void free_entry(struct entry *entry)
{
	free(entry->process);
	free(entry->function);
	free(entry->file);
}

void lt_blockers__free(struct lt_blockers *blockers)
{
	if (!blockers)
		return;
	for (size_t i = 0; i < blockers->n; i++)
		free_entry(&blockers->entries[i]);
	free(blockers->entries);
	lt_stall_seen__free(blockers->seen);
	free(blockers);
}

static struct entry *find(struct lt_blockers *blockers, const struct entry *like)
{
	for (size_t i = 0; i < blockers->n; i++) {
		struct entry *entry = &blockers->entries[i];

		if (lt_same_text(entry->function, like->function) &&
		    lt_same_text(entry->file, like->file) &&
		    lt_same_text(entry->process, like->process))
			return entry;
	}
	return NULL;
}

static char *copy(const char *text)
{
	char clean[TEXT_MAX];

	return text ? strdup(lt_fmt_text(clean, sizeof(clean), text)) : NULL;
}

/* The entry of who blocked; NULL with 0: there is no room for more, nobody is known, or with -ENOMEM. */
static struct entry *get(struct lt_blockers *blockers, const struct lt_stall_news *news,
			 int *ret_err)
{
	const struct lt_stack_frame *where = news->stall->where;
	struct entry like = { 0 }, *found = NULL, *entries;

	*ret_err = 0;
	if (!where)
		return NULL;
	like.process = copy(news->process->name ? news->process->name : "-");
	like.function = copy(where->function);
	like.file = copy(where->original_file ? where->original_file : where->file);
	if (!like.process || !like.function)
		goto fail;
	found = find(blockers, &like);
	if (found || blockers->n == LT_BLOCKERS_KEPT)
		goto out;
	entries = lt_array_room(blockers->entries, blockers->n, &blockers->room, 16,
				sizeof(*entries));
	if (!entries)
		goto fail;
	blockers->entries = entries;
	blockers->entries[blockers->n] = like;
	return &blockers->entries[blockers->n++];
fail:
	*ret_err = -ENOMEM;
out:
	free_entry(&like);
	return found;
}

/* Gives an entry a counter if one is free, or if it has blocked longer than the least that has one. */
static void rank(struct lt_blockers *blockers, struct entry *entry)
{
	struct entry *least = NULL;

	if (entry->shown)
		return;
	for (size_t i = 0; i < blockers->n; i++) {
		struct entry *other = &blockers->entries[i];

		if (other->shown && (!least || other->all_seconds < least->all_seconds))
			least = other;
	}
	if (blockers->n_shown == blockers->max_shown) {
		if (!least || entry->all_seconds <= least->all_seconds)
			return;
		least->shown = false;
		blockers->rest += least->seconds;
		least->seconds = 0;
		blockers->n_shown--;
	}
	entry->shown = true;
	blockers->n_shown++;
}

static int count(void *ctx, const struct lt_stall_news *news)
{
	struct lt_blockers *blockers = ctx;
	double seconds = news->stall->seconds;
	struct entry *entry;
	int err;

	if (news->stall->ongoing || !(seconds > 0))
		return 0;
	entry = get(blockers, news, &err);
	if (entry) {
		entry->all_seconds += seconds;
		rank(blockers, entry);
	}
	if (entry && entry->shown)
		entry->seconds += seconds;
	else
		blockers->rest += seconds;
	return err;
}

int lt_blockers__look(struct lt_blockers *blockers, const struct lt_snapshot *snapshot)
{
	return lt_stall_seen__look(blockers->seen, snapshot, count, blockers);
}

bool lt_blockers__get(const struct lt_blockers *blockers, size_t index, struct lt_blocking *ret)
{
	for (size_t i = 0; i < blockers->n; i++) {
		const struct entry *entry = &blockers->entries[i];

		if (!entry->shown || index-- > 0)
			continue;
		*ret = (struct lt_blocking){ entry->process, entry->function, entry->file,
					     entry->seconds };
		return true;
	}
	return false;
}

double lt_blockers__rest(const struct lt_blockers *blockers)
{
	return blockers->rest;
}
