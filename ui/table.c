/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/* Rows, their order and the selection. Unknown sorts last in both directions. */
#include "ui/table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void lt_table__init(struct lt_table *table)
{
	*table = (struct lt_table){ .sort = LT_COL_LAG_P99, .descending = true };
}

void lt_table__free(struct lt_table *table)
{
	free(table->rows);
	*table = (struct lt_table){ 0 };
}

static bool contains(const char *text, const char *part)
{
	return text && strcasestr(text, part);
}

static bool pid_contains(int pid, const char *part)
{
	char digits[12];
	size_t at = sizeof(digits);
	unsigned rest = pid > 0 ? (unsigned)pid : 0;

	digits[--at] = '\0';
	do {
		digits[--at] = (char)('0' + rest % 10);
		rest /= 10;
	} while (rest);
	return contains(digits + at, part);
}

static bool process_matches(const char *filter, const struct lt_process *process)
{
	return !*filter || contains(process->name, filter) || contains(process->exe, filter) ||
	       contains(process->runtime, filter) || contains(process->container, filter) ||
	       contains(process->pod, filter) || contains(process->hostname, filter) ||
	       pid_contains(process->pid, filter);
}

bool lt_filter_matches(const char *filter, const struct lt_process *process,
		       const struct lt_loop *loop)
{
	return process_matches(filter, process) || (loop && contains(loop->name, filter));
}

static int reserve(struct lt_table *table, size_t room)
{
	struct lt_row *rows;

	if (room <= table->room)
		return 0;
	rows = realloc(table->rows, room * sizeof(*rows));
	if (!rows)
		return -ENOMEM;
	table->rows = rows;
	table->room = room;
	return 0;
}

/* Where the rows come from. */
struct origin {
	const struct lt_keep *keep;
	const struct lt_stall_log *stalls;
};

/* Of the stalls in the last minute, the running one included; 0: none is known of. */
static double worst_seconds(const struct origin *from, struct lt_loop_id id,
			    const struct lt_loop *loop)
{
	const struct lt_past_stall *worst =
		from->stalls
			? lt_stall_log__worst(from->stalls, id, from->keep->time, LT_WORST_SECONDS)
			: NULL;
	double longest = worst ? lt_past_stall__seconds(worst, from->keep->time) : 0;

	return loop && loop->stalled_seconds > longest ? loop->stalled_seconds : longest;
}

static struct lt_row make_row(const struct lt_table *table, const struct origin *from,
			      const struct lt_kept *kept, const struct lt_loop *loop, bool child)
{
	const struct lt_process *process = kept->process;
	struct lt_row row = {
		.id = { process->pid, process->start_time, loop ? loop->tid : 0 },
		.source = { process, loop, child, from->keep->interval_seconds, 0 },
		.gone = kept->gone || (loop && loop->ended),
	};

	row.source.worst_seconds = worst_seconds(from, row.id, loop);
	row.key = lt_column_value(table->sort, &row.source);
	row.text_key = lt_columns[table->sort].text ? lt_column_text(table->sort, &row.source) : "";
	return row;
}

/* A process' own row stays when one of its Workers matches: it says whose Worker that is. */
static bool any_matches(const char *filter, const struct lt_process *process)
{
	bool any = process_matches(filter, process);

	for (size_t i = 0; i < process->n_loops && !any; i++)
		any = lt_filter_matches(filter, process, &process->loops[i]);
	return any;
}

static bool better(const struct lt_table *table, double a, double b)
{
	if (isnan(a) || isnan(b))
		return !isnan(a) && isnan(b);
	return table->descending ? a > b : a < b;
}

/* A process stands where its loop stands that comes first. */
static void group(struct lt_table *table, size_t first)
{
	double key = table->rows[first].key;

	for (size_t i = first; i < table->n_rows; i++)
		if (better(table, table->rows[i].key, key))
			key = table->rows[i].key;
	for (size_t i = first; i < table->n_rows; i++) {
		table->rows[i].group_key = key;
		table->rows[i].group_text_key = table->rows[first].text_key;
	}
}

static void add_process(struct lt_table *table, const struct origin *from,
			const struct lt_kept *kept)
{
	const struct lt_process *process = kept->process;
	size_t first = table->n_rows;

	if (!any_matches(table->filter, process))
		return;
	table->rows[table->n_rows++] =
		make_row(table, from, kept, process->n_loops ? &process->loops[0] : NULL, false);
	for (size_t i = 1; i < process->n_loops; i++)
		if (lt_filter_matches(table->filter, process, &process->loops[i]))
			table->rows[table->n_rows++] =
				make_row(table, from, kept, &process->loops[i], true);
	group(table, first);
}

static int compare_numbers(double a, double b)
{
	return (a > b) - (a < b);
}

static int cluster_of(const struct lt_row *row)
{
	const struct lt_process *process = row->source.process;

	return process->group_pid ? process->group_pid : process->pid;
}

static bool is_head(const struct lt_row *row)
{
	return row->id.pid == cluster_of(row);
}

static int compare_clusters(const void *left, const void *right)
{
	const struct lt_row *a = left, *b = right;
	int order = compare_numbers(cluster_of(a), cluster_of(b));

	if (!order) /* the first of a cluster before its others */
		order = (is_head(b) ? 1 : 0) - (is_head(a) ? 1 : 0);
	return order ? order : compare_numbers(a->id.pid, b->id.pid);
}

/* A cluster stands where its best process stands, which is not its first one as a rule. */
static void find_clusters(struct lt_table *table)
{
	struct lt_row *rows = table->rows;

	if (table->n_rows)
		qsort(rows, table->n_rows, sizeof(*rows), compare_clusters);
	for (size_t i = 0, end; i < table->n_rows; i = end) {
		double key = rows[i].group_key;
		bool gone = true;

		for (end = i + 1; end < table->n_rows && cluster_of(&rows[end]) == cluster_of(&rows[i]);
		     end++)
			if (better(table, rows[end].group_key, key))
				key = rows[end].group_key;
		for (size_t k = i; k < end; k++)
			gone &= rows[k].gone;
		for (size_t k = i; k < end; k++) {
			rows[k].cluster_gone = gone;
			rows[k].cluster_key = key;
			rows[k].cluster_text_key = rows[i].group_text_key;
			rows[k].sibling = is_head(&rows[i]) && !is_head(&rows[k]);
		}
	}
}

/* Unknown last, whatever the direction. */
static int compare_keys(const struct lt_table *table, double a, double b)
{
	if (isnan(a) || isnan(b))
		return (isnan(a) ? 1 : 0) - (isnan(b) ? 1 : 0);
	return table->descending ? compare_numbers(b, a) : compare_numbers(a, b);
}

static int compare_texts(const struct lt_table *table, const char *a, const char *b)
{
	return table->descending ? strcasecmp(b, a) : strcasecmp(a, b);
}

static int compare_rows(const void *left, const void *right, void *ctx)
{
	const struct lt_row *a = left, *b = right;
	const struct lt_table *table = ctx;
	bool text = lt_columns[table->sort].text;
	int order = (a->cluster_gone ? 1 : 0) - (b->cluster_gone ? 1 : 0);

	if (!order)
		order = text ? compare_texts(table, a->cluster_text_key, b->cluster_text_key)
			     : compare_keys(table, a->cluster_key, b->cluster_key);
	if (!order)
		order = compare_numbers(cluster_of(a), cluster_of(b));
	if (!order)
		order = (a->sibling ? 1 : 0) - (b->sibling ? 1 : 0);
	if (!order)
		order = text ? compare_texts(table, a->group_text_key, b->group_text_key)
			     : compare_keys(table, a->group_key, b->group_key);
	if (!order)
		order = compare_numbers(a->id.pid, b->id.pid);
	if (!order)
		order = compare_numbers(a->id.start_time, b->id.start_time);
	/* Of one process: its own row first. */
	if (!order)
		order = (a->source.child ? 1 : 0) - (b->source.child ? 1 : 0);
	if (!order)
		order = text ? compare_texts(table, a->text_key, b->text_key)
			     : compare_keys(table, a->key, b->key);
	return order ? order : compare_numbers(a->id.tid, b->id.tid);
}

static bool same_process(const struct lt_loop_id *a, const struct lt_loop_id *b)
{
	return a->pid == b->pid && a->start_time == b->start_time;
}

/* Back to the selected loop's new place; if it has gone, to its process, or to what took its place. */
static void find_selected(struct lt_table *table)
{
	size_t own_process = table->n_rows;

	if (!table->chosen)
		table->selected = 0;
	for (size_t i = 0; i < table->n_rows && table->chosen; i++) {
		const struct lt_loop_id *id = &table->rows[i].id;

		if (!same_process(id, &table->selected_id))
			continue;
		if (id->tid == table->selected_id.tid) {
			table->selected = i;
			return;
		}
		if (own_process == table->n_rows)
			own_process = i;
	}
	if (table->chosen && own_process < table->n_rows)
		table->selected = own_process;
	if (table->selected >= table->n_rows)
		table->selected = table->n_rows ? table->n_rows - 1 : 0;
	if (table->n_rows)
		table->selected_id = table->rows[table->selected].id;
}

static void count(struct lt_table *table, const struct lt_keep *keep)
{
	table->n_processes = table->n_loops = table->n_stalled = 0;
	for (size_t i = 0; i < keep->n_kept; i++) {
		const struct lt_process *process = keep->kept[i].process;

		if (keep->kept[i].gone)
			continue;
		table->n_processes++;
		table->n_loops += process->n_loops;
		for (size_t j = 0; j < process->n_loops; j++)
			table->n_stalled += process->loops[j].stalled_seconds > 0;
	}
}

/* From the end: is there another process of the cluster below? */
static void find_last_siblings(struct lt_table *table)
{
	bool below = false;

	for (size_t i = table->n_rows; i-- > 0;) {
		struct lt_row *row = &table->rows[i];

		row->last_sibling = row->sibling && !below;
		if (!row->source.child)
			below = row->sibling;
	}
}

int lt_table__rebuild(struct lt_table *table, const struct lt_keep *keep,
		      const struct lt_stall_log *stalls)
{
	struct origin from = { keep, stalls };
	size_t room = 0;
	int err;

	for (size_t i = 0; i < keep->n_kept; i++)
		room += keep->kept[i].process->n_loops + 1;
	err = reserve(table, room);
	if (err)
		return err;
	table->n_rows = 0;
	for (size_t i = 0; i < keep->n_kept; i++)
		add_process(table, &from, &keep->kept[i]);
	find_clusters(table);
	if (table->n_rows)
		qsort_r(table->rows, table->n_rows, sizeof(*table->rows), compare_rows, table);
	for (size_t i = 0; i < table->n_rows; i++)
		table->rows[i].last_child =
			i + 1 == table->n_rows || !table->rows[i + 1].source.child;
	find_last_siblings(table);
	count(table, keep);
	find_selected(table);
	return 0;
}

void lt_table__sort_by(struct lt_table *table, enum lt_column_id column)
{
	table->descending =
		table->sort == column ? !table->descending : !lt_columns[column].ascending;
	table->sort = column;
}

void lt_table__reverse(struct lt_table *table)
{
	table->descending = !table->descending;
}

void lt_table__select(struct lt_table *table, size_t row)
{
	if (!table->n_rows)
		return;
	table->selected = row < table->n_rows ? row : table->n_rows - 1;
	table->selected_id = table->rows[table->selected].id;
	table->chosen = true;
}

void lt_table__move(struct lt_table *table, long rows)
{
	long to = (long)table->selected + rows;

	lt_table__select(table, to > 0 ? (size_t)to : 0);
}

void lt_table__release(struct lt_table *table)
{
	table->chosen = false;
	table->selected = 0;
	if (table->n_rows)
		table->selected_id = table->rows[0].id;
}

const struct lt_row *lt_table__selected(const struct lt_table *table)
{
	return table->selected < table->n_rows ? &table->rows[table->selected] : NULL;
}

void lt_table__scroll(struct lt_table *table, size_t height)
{
	size_t most = table->n_rows > height ? table->n_rows - height : 0;

	if (table->selected < table->top)
		table->top = table->selected;
	if (height && table->selected >= table->top + height)
		table->top = table->selected - height + 1;
	if (table->top > most)
		table->top = most;
}
