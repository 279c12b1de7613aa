/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
#include "agent/target/recall.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent/target/reader.h"
#include "agent/util/array.h"
#include "agent/util/clock.h"

#define ASKS_MAX   2048 /* of a round */
#define PIECES_MAX 64 /* of one request; larger ones are one call anyway */
#define ASK_MAX	   16384 /* bytes, likewise */
#define CALL_MAX   256 /* asks that one call reads ahead: some 50 us */
#define BYTES_MAX  65536 /* likewise */
#define PASSED_MAX 64 /* asks that are passed by when they are not asked for again */
#define MISSED_MAX 2 /* rounds in which an ask may be missing: not all is asked for in each */
#define CALLS_MAX  16 /* that read ahead in one round: then it is too different from the last one */

struct ask {
	uint64_t address;
	uint32_t size;
	uint32_t missed; /* rounds in a row */
};

struct asks {
	struct ask *items;
	size_t n, room;
};

struct lt_recall {
	struct lt_source source;
	bool running;
	struct asks kinds[2]; /* of the last round of each kind */
	struct asks *before, now; /* the running one's; before points into kinds */
	size_t next; /* of before: what is expected to be asked for */
	unsigned char *copies; /* one behind the other; NULL: none yet in this round */
	size_t end; /* of before: there are copies of what comes before it */
	size_t at; /* in copies: that of next */
	uint64_t read_ns; /* when they were made, at the latest */
	int calls;
};

struct lt_recall *lt_recall__new(const struct lt_source *source)
{
	struct lt_recall *recall = calloc(1, sizeof(*recall));

	if (recall)
		recall->source = *source;
	return recall;
}

void lt_recall__free(struct lt_recall *recall)
{
	if (!recall)
		return;
	free(recall->kinds[0].items);
	free(recall->kinds[1].items);
	free(recall->now.items);
	free(recall->copies);
	free(recall);
}

static void forget_copies(struct lt_recall *recall)
{
	recall->end = recall->at = 0;
}

void lt_recall__begin(struct lt_recall *recall, bool other_kind)
{
	recall->before = &recall->kinds[other_kind];
	recall->running = true;
	recall->calls = 0;
	recall->next = 0;
	forget_copies(recall);
}

static void note(struct lt_recall *recall, uint64_t address, size_t size, uint32_t missed)
{
	struct asks *now = &recall->now;
	struct ask *items;

	if (now->n == ASKS_MAX || size > ASK_MAX || missed > MISSED_MAX)
		return;
	items = lt_array_room(now->items, now->n, &now->room, 16, sizeof(*items));
	if (!items)
		return;
	now->items = items;
	now->items[now->n++] = (struct ask){ address, (uint32_t)size, missed };
}

/* Passes by what was not asked for this time, up to an index. */
static void pass_by(struct lt_recall *recall, size_t end)
{
	for (; recall->next < end; recall->next++) {
		const struct ask *ask = &recall->before->items[recall->next];

		note(recall, ask->address, ask->size, ask->missed + 1);
		recall->at += ask->size;
	}
}

void lt_recall__end(struct lt_recall *recall)
{
	struct asks before;

	pass_by(recall, recall->before->n);
	before = *recall->before;
	*recall->before = recall->now;
	recall->now = before;
	recall->now.n = 0;
	recall->running = false;
	free(recall->copies);
	recall->copies = NULL;
}

/* Reads what is expected next. False: nothing of it can be had. */
static bool read_ahead(struct lt_recall *recall)
{
	const struct asks *before = recall->before;
	struct iovec pieces[CALL_MAX];
	size_t n = 0, bytes = 0;
	uint64_t begin_ns;
	ssize_t got;

	forget_copies(recall);
	if (++recall->calls > CALLS_MAX)
		return false;
	if (!recall->copies)
		recall->copies = malloc(BYTES_MAX);
	if (!recall->copies)
		return false;
	while (n < CALL_MAX && recall->next + n < before->n) {
		const struct ask *ask = &before->items[recall->next + n];

		if (bytes + ask->size > BYTES_MAX)
			break;
		bytes += ask->size;
		pieces[n++] = (struct iovec){ (void *)(uintptr_t)ask->address, ask->size };
	}
	begin_ns = lt_now_ns();
	got = recall->source.read(recall->source.ctx, recall->copies, bytes, pieces, n);
	recall->read_ns = lt_memory_ns();
	if (lt_reader__is_used())
		begin_ns = lt_reader__began_ns();
	if (recall->read_ns - begin_ns > LT_RECALL_AGE_NS)
		return false; /* held up in the middle of it */
	/* Up to the first that is not there (any more), or only in part. */
	for (size_t i = 0; i < n && got >= (ssize_t)pieces[i].iov_len; i++) {
		got -= (ssize_t)pieces[i].iov_len;
		recall->end = recall->next + i + 1;
	}
	return recall->end > recall->next;
}

/* Finds the ask among those that are expected, and passes by those before it. */
static bool is_expected(struct lt_recall *recall, uint64_t address, size_t size)
{
	const struct asks *before = recall->before;

	for (size_t i = recall->next; i < before->n && i - recall->next < PASSED_MAX; i++) {
		if (before->items[i].address != address || before->items[i].size != size)
			continue;
		pass_by(recall, i);
		return true;
	}
	return false;
}

static uint64_t age_max_ns(void)
{
	return lt_reader__is_used() ? LT_RECALL_LATE_NS : LT_RECALL_AGE_NS;
}

/* Hands out a copy. False: there is none, it must be read. */
static bool hand_out(struct lt_recall *recall, uint64_t address, size_t size, unsigned char *buf)
{
	if (!is_expected(recall, address, size))
		return false;
	if ((recall->next >= recall->end || lt_now_ns() - recall->read_ns > age_max_ns()) &&
	    !read_ahead(recall))
		return false;
	memcpy(buf, recall->copies + recall->at, size);
	recall->at += size;
	recall->next++;
	return true;
}

/* What is read now is newer than the copies: they must not be handed out after it. */
static ssize_t read_now(struct lt_recall *recall, void *buf, size_t size,
			const struct iovec *pieces, size_t n)
{
	ssize_t got, left;

	forget_copies(recall);
	got = left = recall->source.read(recall->source.ctx, buf, size, pieces, n);
	for (size_t i = 0; n <= PIECES_MAX && i < n && left >= (ssize_t)pieces[i].iov_len; i++) {
		note(recall, (uint64_t)(uintptr_t)pieces[i].iov_base, pieces[i].iov_len, 0);
		left -= (ssize_t)pieces[i].iov_len;
	}
	return got;
}

static ssize_t read_recalled(void *ctx, void *buf, size_t size, const struct iovec *pieces,
			     size_t n)
{
	struct lt_recall *recall = ctx;
	size_t done = 0;
	ssize_t rest;

	if (!recall->running)
		return recall->source.read(recall->source.ctx, buf, size, pieces, n);
	for (size_t i = 0; i < n && n <= PIECES_MAX; i++) {
		uint64_t address = (uint64_t)(uintptr_t)pieces[i].iov_base;
		size_t length = pieces[i].iov_len;

		if (length > size - done ||
		    !hand_out(recall, address, length, (unsigned char *)buf + done)) {
			rest = read_now(recall, (unsigned char *)buf + done, size - done,
					pieces + i, n - i);
			return rest < 0 && !done ? rest : (ssize_t)done + (rest > 0 ? rest : 0);
		}
		note(recall, address, length, 0);
		done += length;
	}
	return n <= PIECES_MAX ? (ssize_t)done : read_now(recall, buf, size, pieces, n);
}

struct lt_source lt_recall__source(struct lt_recall *recall)
{
	return (struct lt_source){ read_recalled, recall };
}
