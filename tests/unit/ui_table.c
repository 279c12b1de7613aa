/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/* Order, filter and selection of the main list's rows. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "looptop/abi.h"
#include "ui/table.h"
#include "fixture_snapshot.h"

#define N 6

/* Processes of one loop each, but for the first, which has three. */
struct world {
	struct lt_process processes[N];
	struct lt_loop loops[N + 2];
	struct lt_snapshot snapshot;
	struct lt_keep keep;
	struct lt_table table;
};

static const double lags[N + 2] = { 0.002, 0.5, 0.001, 0.03, NAN, 0.03, 0.2, NAN };

static struct world *world_new(void)
{
	static const char *const names[N] = { "web", "api", "Batch", "cron", "mail", "idle" };
	struct world *world = calloc(1, sizeof(*world));

	for (int i = 0; i < N + 2; i++) {
		world->loops[i] = fixture_unknown_loop(100 + i, i ? "worker" : "main");
		world->loops[i].lag.p99 = lags[i];
	}
	for (int i = 0; i < N; i++)
		world->processes[i] = (struct lt_process){
			.pid = 10 * (N - i),
			.start_time = 1000,
			.name = names[i],
			.tier = "wait",
			.loops = &world->loops[i ? i + 2 : 0],
			.n_loops = i ? 1 : 3,
			.runtime = "node",
			.cpu_seconds = i,
			.rss_bytes = NAN,
			.gc_seconds = NAN,
		};
	world->snapshot = (struct lt_snapshot){
		.time = 5000, .interval_seconds = 1, .processes = world->processes, .n_processes = N
	};
	lt_table__init(&world->table);
	return world;
}

static void world_free(struct world *world)
{
	lt_table__free(&world->table);
	lt_keep__free(&world->keep);
	free(world);
}

static void update(struct world *world)
{
	world->snapshot.time += 1;
	assert_int_equal(lt_keep__update(&world->keep, &world->snapshot), 0);
	assert_int_equal(lt_table__rebuild(&world->table, &world->keep, NULL), 0);
}

/* "web,web/1,…": the rows in their order, by process name and the loop's place. */
static const char *order(const struct world *world)
{
	static char text[512];

	text[0] = '\0';
	for (size_t i = 0; i < world->table.n_rows; i++) {
		const struct lt_row *row = &world->table.rows[i];

		snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s%s", i ? " " : "",
			 row->source.process->name);
		if (row->source.child)
			snprintf(text + strlen(text), sizeof(text) - strlen(text), "/%d",
				 row->id.tid - 100);
	}
	return text;
}

static void test_order(void **state)
{
	struct world *world = world_new();

	(void)state;
	update(world);
	/* web stands where its worst Worker does; equal ones and unknown ones by pid. */
	assert_string_equal(order(world), "web web/1 web/2 mail cron api idle Batch");
	lt_table__reverse(&world->table);
	update(world);
	assert_string_equal(order(world), "web web/2 web/1 cron api mail idle Batch");
	world_free(world);
}

/* Processes of one application stand together, under the first of them, where the worst of them would. */
static void test_clusters(void **state)
{
	struct world *world = world_new();

	(void)state;
	/* api 50 (lag 30 ms), cron 30 (30 ms), mail 20 (200 ms), of which api is the first */
	world->processes[1].group_pid = world->processes[3].group_pid = 50;
	world->processes[4].group_pid = 50;
	update(world);
	assert_string_equal(order(world), "web web/1 web/2 api mail cron idle Batch");
	for (size_t i = 0; i < world->table.n_rows; i++) {
		const struct lt_row *row = &world->table.rows[i];

		assert_int_equal(row->sibling, row->id.pid == 20 || row->id.pid == 30);
		assert_int_equal(row->last_sibling, row->id.pid == 30);
	}
	/* sorted the other way round the best one leads them */
	lt_table__reverse(&world->table);
	update(world);
	assert_true(strstr(order(world), "api cron mail"));
	/* the first one is filtered out: nobody stands under it */
	snprintf(world->table.filter, sizeof(world->table.filter), "m");
	lt_table__reverse(&world->table);
	world->processes[3].name = "crom";
	update(world);
	for (size_t i = 0; i < world->table.n_rows; i++)
		assert_false(world->table.rows[i].sibling);
	world_free(world);
}

/* A Worker of a sibling stays under its process. */
static void test_cluster_with_workers(void **state)
{
	struct world *world = world_new();

	(void)state;
	for (int i = 0; i < N; i++)
		world->processes[i].group_pid = 10; /* idle's */
	update(world);
	assert_string_equal(order(world), "idle web web/1 web/2 mail cron api Batch");
	assert_false(world->table.rows[0].sibling);
	for (size_t i = 1; i < world->table.n_rows; i++) {
		assert_true(world->table.rows[i].sibling);
		assert_int_equal(world->table.rows[i].last_sibling, i + 1 == world->table.n_rows);
	}
	world_free(world);
}

static void test_unknown_is_last_both_ways(void **state)
{
	struct world *world = world_new();

	(void)state;
	for (int direction = 0; direction < 2; direction++) {
		bool unknown = false;

		update(world);
		for (size_t i = 0; i < world->table.n_rows; i++) {
			if (world->table.rows[i].source.child)
				continue;
			if (isnan(world->table.rows[i].group_key))
				unknown = true;
			else
				assert_false(unknown);
		}
		assert_true(unknown);
		lt_table__reverse(&world->table);
	}
	world_free(world);
}

static void test_every_column_both_ways(void **state)
{
	struct world *world = world_new();

	(void)state;
	for (int id = 0; id < LT_COL_MAX; id++) {
		char first[512];

		lt_table__sort_by(&world->table, (enum lt_column_id)id);
		for (int direction = 0; direction < 2; direction++) {
			update(world);
			assert_int_equal(world->table.n_rows, N + 2);
			/* Children stay under their process. */
			for (size_t i = 0; i < world->table.n_rows; i++)
				if (world->table.rows[i].source.child)
					assert_int_equal(world->table.rows[i].id.pid,
							 world->table.rows[i - 1].id.pid);
			/* The same again gives the same order. */
			snprintf(first, sizeof(first), "%s", order(world));
			update(world);
			assert_string_equal(order(world), first);
			lt_table__reverse(&world->table);
		}
	}
	world_free(world);
}

static void test_sort_by_names_and_pids(void **state)
{
	struct world *world = world_new();

	(void)state;
	lt_table__sort_by(&world->table, LT_COL_NAME);
	update(world);
	assert_string_equal(order(world), "api Batch cron idle mail web web/1 web/2");
	lt_table__sort_by(&world->table, LT_COL_NAME);
	update(world);
	assert_string_equal(order(world), "web web/1 web/2 mail idle cron Batch api");
	lt_table__sort_by(&world->table, LT_COL_PID);
	update(world);
	assert_string_equal(order(world), "idle mail cron Batch api web web/1 web/2");
	lt_table__sort_by(&world->table, LT_COL_CPU);
	assert_true(world->table.descending);
	update(world);
	assert_string_equal(order(world), "idle mail cron Batch api web web/1 web/2");
	world_free(world);
}

static void test_stable_with_equal_keys(void **state)
{
	struct world *world = world_new();

	(void)state;
	for (int i = 0; i < N + 2; i++)
		world->loops[i].lag.p99 = 0.001;
	update(world);
	assert_string_equal(order(world), "idle mail cron Batch api web web/1 web/2");
	lt_table__reverse(&world->table);
	update(world);
	assert_string_equal(order(world), "idle mail cron Batch api web web/1 web/2");
	world_free(world);
}

static void test_selection_keeps_its_loop(void **state)
{
	struct world *world = world_new();
	const struct lt_row *row;

	(void)state;
	update(world);
	/* Nobody has chosen: the first row, whatever it is. */
	assert_int_equal(world->table.selected, 0);
	world->loops[5].lag.p99 = 9;
	update(world);
	assert_string_equal(lt_table__selected(&world->table)->source.process->name, "cron");
	lt_table__select(&world->table, 3);
	row = lt_table__selected(&world->table);
	assert_string_equal(row->source.process->name, "web");
	assert_int_equal(row->id.tid, 102);
	for (int i = 0; i < LT_COL_MAX; i++) {
		lt_table__sort_by(&world->table, (enum lt_column_id)i);
		update(world);
		assert_int_equal(lt_table__selected(&world->table)->id.tid, 102);
	}
	lt_table__release(&world->table);
	update(world);
	assert_int_equal(world->table.selected, 0);
	world_free(world);
}

static void test_selection_when_it_goes(void **state)
{
	struct world *world = world_new();

	(void)state;
	update(world);
	lt_table__select(&world->table, 1);
	assert_int_equal(lt_table__selected(&world->table)->id.tid, 101);
	/* The Worker ends: its process is selected. */
	world->processes[0].n_loops = 1;
	update(world);
	assert_string_equal(lt_table__selected(&world->table)->source.process->name, "web");
	/* The same pid again, but another process. */
	world->processes[0].start_time = 2000;
	for (int i = 0; i < 5; i++)
		update(world);
	assert_int_equal(world->table.n_rows, N);
	/* None are left. */
	world->snapshot.n_processes = 0;
	for (int i = 0; i < 5; i++)
		update(world);
	assert_int_equal(world->table.n_rows, 0);
	assert_null(lt_table__selected(&world->table));
	lt_table__move(&world->table, 1);
	lt_table__scroll(&world->table, 10);
	lt_table__release(&world->table);
	world_free(world);
}

static void test_move_and_scroll(void **state)
{
	struct world *world = world_new();

	(void)state;
	update(world);
	lt_table__move(&world->table, 100);
	assert_int_equal(world->table.selected, N + 1);
	lt_table__scroll(&world->table, 3);
	assert_int_equal(world->table.top, N + 2 - 3);
	lt_table__move(&world->table, -100);
	assert_int_equal(world->table.selected, 0);
	lt_table__scroll(&world->table, 3);
	assert_int_equal(world->table.top, 0);
	lt_table__scroll(&world->table, 0);
	world_free(world);
}

static void test_filter(void **state)
{
	struct world *world = world_new();
	static const struct {
		const char *filter, *rows;
	} cases[] = {
		{ "BATCH", "Batch" },	{ "i", "web mail api idle" }, { "web", "web web/1 web/2" },
		{ "nothing here", "" }, { "60", "web web/1 web/2" },  { "", NULL },
	};

	(void)state;
	world->loops[2].name = "imap";
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		snprintf(world->table.filter, sizeof(world->table.filter), "%s", cases[i].filter);
		update(world);
		if (!cases[i].rows)
			assert_int_equal(world->table.n_rows, N + 2);
		else if (strcmp(cases[i].filter, "i") == 0)
			/* A Worker that matches brings the row of its process with it. */
			assert_non_null(strstr(order(world), "web web/2"));
		else
			assert_string_equal(order(world), cases[i].rows);
		/* The counts are of all that is there. */
		assert_int_equal(world->table.n_processes, N);
		assert_int_equal(world->table.n_loops, N + 2);
	}
	world_free(world);
}

static void test_ended_stays_a_moment(void **state)
{
	struct world *world = world_new();

	(void)state;
	update(world);
	world->snapshot.n_processes = N - 1; /* idle goes */
	update(world);
	assert_int_equal(world->table.n_rows, N + 2);
	assert_string_equal(world->table.rows[N + 1].source.process->name, "idle");
	assert_true(world->table.rows[N + 1].gone);
	assert_int_equal(world->table.n_processes, N - 1);
	for (int i = 0; i < 4; i++)
		update(world);
	assert_int_equal(world->table.n_rows, N + 1);
	/* Ended, as its last snapshot says itself. */
	world->processes[1].ended = true;
	update(world);
	for (size_t i = 0; i < world->table.n_rows; i++)
		assert_int_equal(world->table.rows[i].gone,
				 strcmp(world->table.rows[i].source.process->name, "api") == 0);
	/* A clock set back by a day does not keep what is gone. */
	world->snapshot.n_processes = 1;
	world->snapshot.time -= 86400;
	update(world);
	assert_int_equal(world->table.n_rows, 3 + 1);
	lt_keep__dismiss(&world->keep);
	update(world);
	assert_int_equal(world->table.n_rows, 3);
	world_free(world);
}

/* One that ended keeps its row, and what was read of it last, until it is dismissed; behind all that are there. */
static void test_ended_stays_until_dismissed(void **state)
{
	struct world *world = world_new();
	struct lt_loop *loop = (struct lt_loop *)world->processes[1].loops;

	(void)state;
	world->processes[1].rss_bytes = 5e6;
	loop->heap.used_bytes = 1e6;
	loop->lag.p99 = 100; /* the worst of all */
	update(world);
	assert_string_equal(world->table.rows[0].source.process->name, "api");
	world->processes[1].ended = true;
	world->processes[1].end = (struct lt_end){ .time = 5001, .how = LT_END_SIGNAL, .code = -1, .signal = 9 };
	world->processes[1].rss_bytes = loop->heap.used_bytes = NAN;
	update(world);
	world->processes[1] = world->processes[N - 1];
	world->snapshot.n_processes = N - 1;
	for (int i = 0; i < 500; i++) {
		const struct lt_row *last;

		update(world);
		last = &world->table.rows[world->table.n_rows - 1];
		assert_string_equal(last->source.process->name, "api");
		assert_true(last->gone);
		assert_int_equal(last->source.process->end.signal, 9);
		assert_true(last->source.process->rss_bytes == 5e6);
		assert_true(last->source.loop->heap.used_bytes == 1e6);
	}
	assert_int_equal(world->table.n_processes, N - 1);
	lt_keep__dismiss(&world->keep);
	update(world);
	assert_null(strstr(order(world), "api"));
	world_free(world);
}

/* A storm of ends leaves the latest. */
static void test_ended_are_bounded(void **state)
{
	struct world *world = world_new();
	int first = 1000, n = 3 * LT_KEEP_ENDED_MAX;

	(void)state;
	world->processes[1].ended = true;
	world->processes[1].end.how = LT_END_EXIT;
	for (int i = 0; i < n; i++) {
		world->processes[1].pid = first + i;
		update(world);
	}
	world->processes[1].ended = false;
	for (int i = 0; i < 5; i++)
		update(world);
	assert_int_equal(world->table.n_rows, N + 2 + LT_KEEP_ENDED_MAX - 1);
	assert_null(lt_keep__find(&world->keep, first, 1000));
	assert_null(lt_keep__find(&world->keep, first + n - LT_KEEP_ENDED_MAX - 1, 1000));
	assert_non_null(lt_keep__find(&world->keep, first + n - LT_KEEP_ENDED_MAX, 1000));
	world_free(world);
}

static void test_no_loops(void **state)
{
	struct world *world = world_new();

	(void)state;
	world->processes[2].loops = NULL;
	world->processes[2].n_loops = 0;
	update(world);
	assert_int_equal(world->table.n_rows, N + 2);
	for (int id = 0; id < LT_COL_MAX; id++)
		for (size_t i = 0; i < world->table.n_rows; i++) {
			char text[64];

			lt_column_format((enum lt_column_id)id, &world->table.rows[i].source, ".",
					 text, sizeof(text));
			assert_true(strlen(text) > 0);
		}
	world_free(world);
}

static void test_cells(void **state)
{
	struct fixture *fx = fixture_new();
	struct lt_source server = { &fx->processes[0], &fx->loops[0], false, 1, 1.3 };
	struct lt_source worker = { &fx->processes[0], &fx->loops[1], true, 1, 0 };
	struct lt_source memory = { &fx->processes[2], &fx->loops[4], false, 1, 0 };
	static const struct {
		enum lt_column_id id;
		const char *server, *worker, *memory;
	} cells[] = {
		{ LT_COL_PID, "4121", ".", "812" },
		{ LT_COL_NAME, "server.js", "worker-1", "uvserver" },
		{ LT_COL_BUSY, "34 %", "34 %", "3 %" },
		{ LT_COL_LAG_P99, "11ms", "11ms", "-" },
		{ LT_COL_POOL, "4/4 +37", ".", "." },
		{ LT_COL_POOL_WAIT, ">12s", ".", "." },
		{ LT_COL_GC, "6 %", ".", "-" },
		{ LT_COL_WORST, "1.30s", ".", "-" },
		{ LT_COL_TURNS, "812/s", "812/s", "-" },
		{ LT_COL_CPU, "41 %", ".", "-" },
		{ LT_COL_RSS, "80M", ".", "-" },
		{ LT_COL_TIER, "phases", ".", "memory" },
		{ LT_COL_COST, "0.5 %", ".", "0 %" },
	};
	char text[64];

	(void)state;
	/* No stall was seen in the one; in the other none could be seen. */
	fx->loops[4].stalled_seconds = NAN;
	for (size_t i = 0; i < sizeof(cells) / sizeof(cells[0]); i++) {
		enum lt_column_id id = cells[i].id;

		lt_column_format(id, &server, ".", text, sizeof(text));
		assert_string_equal(text, cells[i].server);
		lt_column_format(id, &worker, ".", text, sizeof(text));
		assert_string_equal(text, cells[i].worker);
		lt_column_format(id, &memory, ".", text, sizeof(text));
		assert_string_equal(text, cells[i].memory);
	}
	for (int id = 0; id < LT_COL_MAX; id++)
		assert_true(strlen(lt_column_help((enum lt_column_id)id)) > 0);
	free(fx);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_clusters),
		cmocka_unit_test(test_cluster_with_workers),
		cmocka_unit_test(test_unknown_is_last_both_ways),
		cmocka_unit_test(test_every_column_both_ways),
		cmocka_unit_test(test_sort_by_names_and_pids),
		cmocka_unit_test(test_stable_with_equal_keys),
		cmocka_unit_test(test_selection_keeps_its_loop),
		cmocka_unit_test(test_selection_when_it_goes),
		cmocka_unit_test(test_move_and_scroll),
		cmocka_unit_test(test_filter),
		cmocka_unit_test(test_ended_stays_a_moment),
		cmocka_unit_test(test_ended_stays_until_dismissed),
		cmocka_unit_test(test_ended_are_bounded),
		cmocka_unit_test(test_no_loops),
		cmocka_unit_test(test_cells),
	};

	return cmocka_run_group_tests_name("ui_table", tests, NULL, NULL);
}
