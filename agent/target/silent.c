/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
#include "agent/target/silent.h"

#include <stdlib.h>

#include "agent/target/reader.h"
#include "agent/util/array.h"

#define SHORTEST_NS   20000000ull
#define CREDIT_PART   5
#define CREDIT_MAX_NS (2 * LT_READER_DEADLINE_NS)

static struct lt_silence *entry_of(const struct lt_silences *silences, int pid, enum lt_part part)
{
	for (size_t i = 0; i < silences->n; i++)
		if (silences->items[i].pid == pid && silences->items[i].part == part)
			return &silences->items[i];
	return NULL;
}

struct lt_silence *lt_silences__find(const struct lt_silences *silences, int pid, enum lt_part part)
{
	struct lt_silence *entry = entry_of(silences, pid, part);

	return entry && entry->silent ? entry : NULL;
}

/* Those that began together must not come together. */
static uint64_t next_ns(const struct lt_silence *silence, uint64_t now_ns)
{
	return now_ns + silence->pause_ns +
	       silence->pause_ns / 64 * ((uint64_t)(unsigned)silence->pid % 16);
}

struct lt_silence *lt_silences__add(struct lt_silences *silences, int pid, enum lt_part part,
				    uint64_t start_ticks, uint64_t now_ns)
{
	struct lt_silence *entry = entry_of(silences, pid, part);
	struct lt_silence *items;

	if (entry && entry->start_ticks != start_ticks) {
		lt_silences__drop(silences, entry);
		entry = NULL;
	}
	if (!entry) {
		items = lt_array_room(silences->items, silences->n, &silences->room, 16,
				      sizeof(*items));
		if (!items)
			return NULL;
		silences->items = items;
		entry = &items[silences->n++];
		*entry = (struct lt_silence){ .pid = pid, .part = part, .start_ticks = start_ticks };
	}
	if (!entry->silent)
		entry->since_ns = now_ns;
	entry->silent = true;
	lt_silence__still(entry, now_ns);
	return entry;
}

bool lt_silence__is_due(const struct lt_silence *silence, uint64_t now_ns)
{
	return silence->silent && !silence->asking && now_ns >= silence->until_ns;
}

void lt_silence__answered(struct lt_silence *silence, uint64_t now_ns)
{
	silence->silent = silence->asking = false;
	silence->until_ns = now_ns;
}

void lt_silence__still(struct lt_silence *silence, uint64_t now_ns)
{
	silence->asking = false;
	silence->pause_ns = silence->pause_ns ? 2 * silence->pause_ns : LT_SILENT_FIRST_NS;
	if (silence->pause_ns > LT_SILENT_LONGEST_NS)
		silence->pause_ns = LT_SILENT_LONGEST_NS;
	silence->until_ns = next_ns(silence, now_ns);
}

void lt_silences__drop(struct lt_silences *silences, struct lt_silence *silence)
{
	free(silence->request);
	*silence = silences->items[--silences->n];
}

void lt_silences__sweep(struct lt_silences *silences, uint64_t now_ns)
{
	for (size_t i = silences->n; i-- > 0;) {
		struct lt_silence *entry = &silences->items[i];

		if (!entry->silent && now_ns - entry->until_ns > LT_SILENT_GOOD_NS)
			lt_silences__drop(silences, entry);
	}
}

void lt_silences__clear(struct lt_silences *silences)
{
	while (silences->n)
		lt_silences__drop(silences, &silences->items[0]);
	free(silences->items);
	*silences = (struct lt_silences){ 0 };
}

uint64_t lt_patience__deadline_ns(struct lt_patience *patience, uint64_t now_ns)
{
	if (!patience->begun)
		*patience = (struct lt_patience){ CREDIT_MAX_NS, now_ns, true };
	patience->credit_ns += (now_ns - patience->credited_ns) / CREDIT_PART;
	patience->credited_ns = now_ns;
	if (patience->credit_ns > CREDIT_MAX_NS)
		patience->credit_ns = CREDIT_MAX_NS;
	if (patience->credit_ns >= LT_READER_DEADLINE_NS)
		return LT_READER_DEADLINE_NS;
	return patience->credit_ns > SHORTEST_NS ? patience->credit_ns : SHORTEST_NS;
}

void lt_patience__spent(struct lt_patience *patience, uint64_t ns)
{
	patience->credit_ns = patience->credit_ns > ns ? patience->credit_ns - ns : 0;
}
