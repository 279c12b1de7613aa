/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
#include "agent/util/budget.h"

TAILQ_HEAD(shares, lt_share);

static struct shares shares = TAILQ_HEAD_INITIALIZER(shares); /* the least recently used first */
static size_t limit = 64u << 20, used, pinned;

size_t lt_budget__used(void)
{
	return used;
}

static void account(struct lt_share *share, size_t bytes)
{
	used += bytes - share->bytes;
	if (!share->drop)
		pinned += bytes - share->bytes;
	share->bytes = bytes;
}

void lt_budget__give_back(struct lt_share *share)
{
	if (!share->bytes)
		return;
	TAILQ_REMOVE(&shares, share, entry);
	account(share, 0);
}

void lt_budget__touch(struct lt_share *share)
{
	if (!share->bytes)
		return;
	TAILQ_REMOVE(&shares, share, entry);
	TAILQ_INSERT_TAIL(&shares, share, entry);
}

/* Frees the least recently used one but this. False: there is none that can go. */
static bool drop_one(const struct lt_share *kept)
{
	struct lt_share *share;

	TAILQ_FOREACH(share, &shares, entry)
	{
		if (share == kept || !share->drop)
			continue;
		share->drop(share);
		lt_budget__give_back(share); /* if it has not done so */
		return true;
	}
	return false;
}

void lt_budget__set(size_t bytes)
{
	limit = bytes;
	while (used > limit && drop_one(NULL))
		;
}

bool lt_budget__take(struct lt_share *share, size_t bytes)
{
	size_t most = share->drop ? limit - (pinned < limit ? pinned : limit) : limit / 2;
	size_t others = share->drop ? 0 : pinned - share->bytes;

	if (bytes > most || others > most - bytes)
		return false;
	while (used - share->bytes > limit - bytes)
		if (!drop_one(share))
			return false;
	lt_budget__give_back(share);
	if (bytes) {
		account(share, bytes);
		TAILQ_INSERT_TAIL(&shares, share, entry);
	}
	return true;
}
