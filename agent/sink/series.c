/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
#include "agent/sink/series.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#include "agent/util/fmt.h"

#define LABEL_BYTES_MAX 128
#define KEY_MAX 1024

/* One line to be: series with the same name and labels are added up (no pid label). */
struct sample {
	char *key;
	double value;
	UT_hash_handle hh;
};

struct lt_page {
	struct lt_prom_opts opts;
	char *text;
	size_t length;
	FILE *out; /* into text */
	const char *family;
	enum lt_prom_type type;
	struct sample *samples; /* of the family, in the order of their coming */
	size_t n_series, n_dropped;
};

struct lt_page *lt_page__new(const struct lt_prom_opts *opts)
{
	struct lt_page *page = calloc(1, sizeof(*page));

	if (!page)
		return NULL;
	page->opts = *opts;
	page->out = open_memstream(&page->text, &page->length);
	if (!page->out) {
		free(page);
		return NULL;
	}
	return page;
}

void lt_page__family(struct lt_page *page, const char *name, enum lt_prom_type type,
		     const char *help)
{
	static const char *const types[] = { "untyped", "counter", "gauge", "histogram" };
	/* OpenMetrics names a counter's family without the suffix that its sample has. */
	const char *suffix = type == LT_PROM_COUNTER && !page->opts.openmetrics ? "_total" : "";

	fprintf(page->out, "# HELP %s%s %s\n# TYPE %s%s %s\n", name, suffix, help, name, suffix,
		types[type]);
	page->family = name;
	page->type = type;
}

/* Appends name="value", with the value cut, made well-formed and escaped. */
static void add_label(char *key, size_t size, const char *name, const char *value)
{
	char clean[LABEL_BYTES_MAX + 1];
	size_t used = strlen(key);

	if (!value || used + strlen(name) + 2 * LABEL_BYTES_MAX + 8 > size)
		return;
	lt_fmt_utf8(clean, sizeof(clean), value);
	used += (size_t)snprintf(key + used, size - used, "%c%s=\"", strchr(key, '{') ? ',' : '{', name);
	for (const char *s = clean; *s; s++) {
		if (*s == '\\' || *s == '"' || *s == '\n')
			key[used++] = '\\';
		key[used++] = *s == '\n' ? 'n' : *s;
	}
	key[used++] = '"';
	key[used] = '\0';
}

static void begin_key(const struct lt_page *page, char *key, size_t size, const char *suffix,
		      const struct lt_labels *labels)
{
	char pid[16];

	snprintf(key, size, "%s%s", page->family, suffix);
	if (labels && labels->process) {
		snprintf(pid, sizeof(pid), "%d", labels->process->pid);
		if (!page->opts.no_pid_label)
			add_label(key, size, "pid", pid);
		add_label(key, size, "name", labels->process->name);
		add_label(key, size, "container",
			  labels->process->container ? labels->process->container : "");
	}
	if (labels) {
		add_label(key, size, "loop", labels->loop);
		add_label(key, size, "kind", labels->kind);
	}
}

static void put(struct lt_page *page, char *key, double value)
{
	struct sample *sample;

	if (!lt_known(value))
		return;
	if (strchr(key, '{'))
		strcat(key, "}");
	HASH_FIND_STR(page->samples, key, sample);
	if (sample) {
		/* A share or a worst case of several is the worst of them; all else adds up. */
		if (strstr(page->family, "_ratio") || strstr(page->family, "stalled_seconds"))
			sample->value = fmax(sample->value, value);
		else
			sample->value += value;
		return;
	}
	if (page->opts.max_series && page->n_series >= page->opts.max_series) {
		page->n_dropped++;
		return;
	}
	sample = calloc(1, sizeof(*sample));
	if (sample)
		sample->key = strdup(key);
	if (!sample || !sample->key) {
		free(sample);
		page->n_dropped++;
		return;
	}
	sample->value = value;
	HASH_ADD_KEYPTR(hh, page->samples, sample->key, strlen(sample->key), sample);
	page->n_series++;
}

void lt_page__sample(struct lt_page *page, const struct lt_metric *metric,
		     const struct lt_labels *labels, const char *further, double value)
{
	char key[KEY_MAX];

	begin_key(page, key, sizeof(key), page->type == LT_PROM_COUNTER ? "_total" : "", labels);
	if (metric && metric->label)
		add_label(key, sizeof(key), metric->label, further);
	put(page, key, value);
}

void lt_page__bucket(struct lt_page *page, const struct lt_metric *metric,
		     const struct lt_labels *labels, double le, double count)
{
	char key[KEY_MAX], bound[32];

	(void)metric;
	begin_key(page, key, sizeof(key), "_bucket", labels);
	snprintf(bound, sizeof(bound), "%.12g", le);
	add_label(key, sizeof(key), "le", bound);
	put(page, key, count);
}

void lt_page__histogram_end(struct lt_page *page, const struct lt_metric *metric,
			    const struct lt_labels *labels, double count, double sum)
{
	char key[KEY_MAX];

	(void)metric;
	begin_key(page, key, sizeof(key), "_bucket", labels);
	add_label(key, sizeof(key), "le", "+Inf");
	put(page, key, count);
	begin_key(page, key, sizeof(key), "_sum", labels);
	put(page, key, sum);
	begin_key(page, key, sizeof(key), "_count", labels);
	put(page, key, count);
}

void lt_page__family_end(struct lt_page *page)
{
	struct sample *sample, *next;

	HASH_ITER(hh, page->samples, sample, next) {
		fprintf(page->out, "%s %.12g\n", sample->key, sample->value);
		HASH_DEL(page->samples, sample);
		free(sample->key);
		free(sample);
	}
}

static void put_process_info(struct lt_page *page, const struct lt_process *process)
{
	struct lt_labels labels = { .process = process };
	char key[KEY_MAX];

	begin_key(page, key, sizeof(key), "", &labels);
	add_label(key, sizeof(key), "runtime", process->runtime ? process->runtime : "");
	add_label(key, sizeof(key), "runtime_version",
		  process->runtime_version ? process->runtime_version : "");
	add_label(key, sizeof(key), "libuv_version",
		  process->libuv_version ? process->libuv_version : "");
	add_label(key, sizeof(key), "tier", process->tier ? process->tier : "");
	put(page, key, 1);
}

void lt_page__info(struct lt_page *page, const struct lt_snapshot *snapshot)
{
	char key[KEY_MAX];

	lt_page__family(page, "looptop_build_info", LT_PROM_GAUGE, "The looptop that answers.");
	begin_key(page, key, sizeof(key), "", NULL);
	add_label(key, sizeof(key), "version", LT_VERSION);
	add_label(key, sizeof(key), "kernel", snapshot->host.kernel);
	put(page, key, 1);
	lt_page__family_end(page);
	lt_page__family(page, "looptop_process_info", LT_PROM_GAUGE,
			"A process that is measured, and how.");
	for (size_t i = 0; i < snapshot->n_processes; i++)
		put_process_info(page, &snapshot->processes[i]);
	lt_page__family_end(page);
}

char *lt_page__finish(struct lt_page *page, size_t *ret_length)
{
	char *text;

	page->opts.max_series = 0;
	lt_page__family(page, "looptop_self_series_dropped", LT_PROM_GAUGE,
			"Series left out of this page by the bound on their number.");
	lt_page__sample(page, NULL, NULL, NULL, (double)page->n_dropped);
	lt_page__family_end(page);
	if (page->opts.openmetrics)
		fputs("# EOF\n", page->out);
	if (fclose(page->out)) {
		int saved = errno;

		free(page->text);
		free(page);
		errno = saved;
		return NULL;
	}
	text = page->text;
	if (ret_length)
		*ret_length = page->length;
	free(page);
	return text;
}
