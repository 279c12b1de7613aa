/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/* The descriptor table keeps its own rules: what every sink and column relies on. */
#include "looptop/metric.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const size_t scope_sizes[LT_SCOPE_MAX] = {
	[LT_SCOPE_SELF] = sizeof(struct lt_self),
	[LT_SCOPE_PROCESS] = sizeof(struct lt_process),
	[LT_SCOPE_LOOP] = sizeof(struct lt_loop),
	[LT_SCOPE_HEAP] = sizeof(struct lt_heap),
	[LT_SCOPE_POOL] = sizeof(struct lt_pool),
	[LT_SCOPE_POOL_KIND] = sizeof(struct lt_pool_kind),
	[LT_SCOPE_GC_KIND] = sizeof(struct lt_gc_kind),
	[LT_SCOPE_SYNC_FS] = sizeof(struct lt_process),
	[LT_SCOPE_GC] = sizeof(struct lt_process),
	[LT_SCOPE_THROTTLED] = sizeof(struct lt_process),
	[LT_SCOPE_DELAY] = sizeof(struct lt_delay),
	[LT_SCOPE_ACTIVE] = sizeof(struct lt_active),
	[LT_SCOPE_HANDLES] = sizeof(struct lt_loop),
	[LT_SCOPE_STREAMS] = sizeof(struct lt_loop),
	[LT_SCOPE_JS] = sizeof(struct lt_loop),
	[LT_SCOPE_JIT] = sizeof(struct lt_loop),
};

static const size_t shape_sizes[] = {
	[LT_SHAPE_NUMBER] = sizeof(double),
	[LT_SHAPE_DIST] = sizeof(struct lt_dist),
	[LT_SHAPE_LAG] = sizeof(struct lt_lag),
	[LT_SHAPE_PHASES] = LT_SNAP_PHASES * sizeof(double),
	[LT_SHAPE_CAUSES] = LT_SNAP_CAUSES * sizeof(double),
	[LT_SHAPE_TIER_REASONS] = LT_SNAP_TIER_REASONS * sizeof(double),
	[LT_SHAPE_SPACES] = LT_SNAP_SPACES * sizeof(double),
	[LT_SHAPE_V8_SPACES] = LT_SNAP_SPACES * sizeof(double),
	[LT_SHAPE_HANDLES] = LT_SNAP_HANDLES * sizeof(double),
	[LT_SHAPE_COMPILERS] = LT_SNAP_COMPILERS * sizeof(double),
	[LT_SHAPE_LOST] = LT_SNAP_LOST * sizeof(double),
	[LT_SHAPE_HIST] = sizeof(const struct lt_hist *),
	[LT_SHAPE_LAG_HIST] = 0,
};

static bool ends_with(const char *s, const char *end)
{
	size_t n = strlen(s), m = strlen(end);

	return n >= m && !strcmp(s + n - m, end);
}

static void test_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < lt_n_metrics; i++) {
		const struct lt_metric *metric = &lt_metrics[i];

		assert_true(metric->scope < LT_SCOPE_MAX);
		assert_true(metric->offset + shape_sizes[metric->shape] <=
			    scope_sizes[metric->scope]);
		assert_true(metric->prom_offset < scope_sizes[metric->scope]);
		assert_int_equal(metric->offset % sizeof(double), 0);
		assert_int_equal(metric->prom_offset % sizeof(double), 0);
		assert_true(metric->help && ends_with(metric->help, "."));
		assert_true(metric->key || metric->prom_name);
		assert_true(!metric->title || (size_t)metric->width >= strlen(metric->title));
		assert_true(!metric->label_value || metric->label);
		/* The unit is in the key, where the key is that of a duration or a size. */
		if (metric->key && metric->unit == LT_UNIT_SECONDS)
			assert_true(ends_with(metric->key, "seconds"));
		if (metric->key && metric->unit == LT_UNIT_BYTES)
			assert_true(ends_with(metric->key, "_bytes"));
	}
}

static void test_keys_are_unique(void **state)
{
	(void)state;
	for (size_t i = 0; i < lt_n_metrics; i++)
		if (lt_metrics[i].key)
			assert_ptr_equal(lt_metric_find(lt_metrics[i].scope, lt_metrics[i].key),
					 &lt_metrics[i]);
	assert_null(lt_metric_find(LT_SCOPE_LOOP, "size"));
	assert_null(lt_metric_find(LT_SCOPE_POOL, ""));
}

/* Base units, no suffix that the type adds, one type and help for all rows of a name. */
static void test_prometheus_names(void **state)
{
	(void)state;
	for (size_t i = 0; i < lt_n_metrics; i++) {
		const struct lt_metric *a = &lt_metrics[i];

		assert_int_equal(a->prom_type == LT_PROM_NONE, a->prom_name == NULL);
		if (!a->prom_name)
			continue;
		assert_int_equal(strncmp(a->prom_name, "looptop_", 8), 0);
		assert_false(ends_with(a->prom_name, "_total"));
		assert_int_equal(a->unit == LT_UNIT_SECONDS, ends_with(a->prom_name, "_seconds"));
		assert_int_equal(a->unit == LT_UNIT_BYTES, ends_with(a->prom_name, "_bytes"));
		assert_int_equal(a->unit == LT_UNIT_RATIO, ends_with(a->prom_name, "_ratio"));
		for (size_t j = i + 1; j < lt_n_metrics; j++) {
			const struct lt_metric *b = &lt_metrics[j];

			if (!b->prom_name || strcmp(a->prom_name, b->prom_name))
				continue;
			assert_int_equal(a->scope, b->scope);
			assert_int_equal(a->prom_type, b->prom_type);
			assert_string_equal(a->label, b->label);
			assert_string_not_equal(a->label_value, b->label_value);
			assert_string_equal(a->prom_help, b->prom_help);
		}
	}
}

/* Those of others have their spelling, and nothing but Prometheus. */
static void names_of_others(const struct lt_name_set *names)
{
	for (size_t i = 0; i < *names->n; i++) {
		const struct lt_metric *a = &names->rows[i];

		assert_non_null(a->prom_name);
		assert_null(a->key);
		assert_null(a->title);
		assert_true(a->help && ends_with(a->help, "."));
		assert_int_equal(a->prom_offset % sizeof(double), 0);
		assert_true(a->prom_offset < scope_sizes[a->scope]);
		assert_true(!a->bounds || a->shape == LT_SHAPE_HIST);
		for (const double *bound = a->bounds; bound && *bound > 0; bound++)
			assert_true(bound == a->bounds || bound[0] > bound[-1]);
		if (a->prom_type == LT_PROM_COUNTER)
			assert_false(ends_with(a->prom_name, "_total"));
		for (size_t j = 0; j < lt_n_metrics; j++)
			if (lt_metrics[j].prom_name)
				assert_string_not_equal(a->prom_name, lt_metrics[j].prom_name);
	}
}

static void test_names_of_others(void **state)
{
	(void)state;
	for (int i = 0; i < LT_NAMES_MAX; i++)
		assert_non_null(lt_name_sets[i].name);
	assert_ptr_equal(lt_name_sets[LT_NAMES_NATIVE].rows, lt_metrics);
	for (int i = LT_NAMES_NATIVE + 1; i < LT_NAMES_MAX; i++)
		names_of_others(&lt_name_sets[i]);
	/* The two sets can be on one page. */
	for (size_t i = 0; i < lt_n_prom_client_metrics; i++)
		for (size_t j = 0; j < lt_n_otel_metrics; j++)
			assert_string_not_equal(lt_prom_client_metrics[i].prom_name,
						lt_otel_metrics[j].prom_name);
}

static void names_are_good(const char *const *names, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		assert_non_null(names[i]);
		assert_int_equal(strspn(names[i], "abcdefghijklmnopqrstuvwxyz_"), strlen(names[i]));
		for (size_t j = 0; j < i; j++)
			assert_string_not_equal(names[i], names[j]);
	}
}

static void test_names(void **state)
{
	(void)state;
	names_are_good(lt_phase_names, LT_SNAP_PHASES);
	names_are_good(lt_cause_names, LT_SNAP_CAUSES);
	names_are_good(lt_kind_names, LT_SNAP_KINDS);
	names_are_good(lt_gc_names, LT_SNAP_GCS);
	names_are_good(lt_lost_names, LT_SNAP_LOST);
	for (size_t i = 0; i < LT_SNAP_LOST; i++)
		assert_non_null(lt_lost_help[i]);
}

static void test_number(void **state)
{
	struct lt_loop loop = { .turns = 7, .utilization = NAN };

	(void)state;
	assert_true(lt_metric_number(lt_metric_find(LT_SCOPE_LOOP, "turns"), &loop) == 7);
	assert_true(isnan(lt_metric_number(lt_metric_find(LT_SCOPE_LOOP, "utilization"), &loop)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_keys_are_unique),
		cmocka_unit_test(test_prometheus_names),
		cmocka_unit_test(test_names_of_others),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_number),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
