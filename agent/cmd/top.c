/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/* looptop top: the dashboard. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/cmd/cmd.h"
#include "agent/pipeline.h"
#include "agent/signals.h"
#include "agent/util/clock.h"
#include "agent/util/stop.h"
#include "looptop/log.h"
#include "ui/ui.h"

#define ERROR_SIZE 512

struct dashboard {
	const struct lt_options *options;
	struct lt_pipeline *pipeline;
	struct lt_ui *ui;
	uint64_t interval_ns;
	uint64_t deadline_ns;
	char error[ERROR_SIZE]; /* the latest */
};

static void show_message(enum lt_log_level level, const char *line, void *ctx)
{
	struct dashboard *dashboard = ctx;

	if (level == LT_LOG_ERROR)
		snprintf(dashboard->error, sizeof(dashboard->error), "%s", line);
	lt_ui__message(dashboard->ui, line);
}

static enum lt_tier tier_of(const char *name)
{
	static const char *const names[] = { "memory", "wait", "phases", "full" };

	for (int i = 0; i < LT_TIER_MAX; i++)
		if (!strcmp(name, names[i]))
			return (enum lt_tier)i;
	return LT_TIER_PHASES; /* auto */
}

/* Handles all input that is there; false when the user wants to leave. */
static bool handle_input(struct dashboard *dashboard)
{
	for (;;) {
		switch (lt_ui__input(dashboard->ui)) {
		case LT_UI_QUIT:
			return false;
		case LT_UI_INTERVAL_CHANGED:
			dashboard->interval_ns = (uint64_t)(lt_ui__interval(dashboard->ui) * 1e9);
			dashboard->deadline_ns = lt_now_ns() + dashboard->interval_ns;
			break;
		case LT_UI_TIER:
			lt_pipeline__set_tier(dashboard->pipeline,
					      tier_of(lt_ui__tier(dashboard->ui)),
					      !strcmp(lt_ui__tier(dashboard->ui), "auto"));
			break;
		case LT_UI_NONE:
			return true;
		}
	}
}

static int loop(struct dashboard *dashboard)
{
	uint64_t end_ns =
		dashboard->options->duration_seconds
			? lt_now_ns() + (uint64_t)(dashboard->options->duration_seconds * 1e9)
			: UINT64_MAX;

	/* A first, short interval: figures on the screen at once. */
	dashboard->deadline_ns =
		lt_now_ns() +
		(dashboard->interval_ns < 200000000 ? dashboard->interval_ns : 200000000);
	for (long n = 0; !lt_signals__stopped() && lt_now_ns() < end_ns;) {
		const struct lt_snapshot *snapshot;
		bool changed;

		if (!lt_pipeline__wait(dashboard->pipeline, dashboard->deadline_ns,
				       lt_ui__fd(dashboard->ui), &changed)) {
			/* Between intervals only the running stalls have changed. */
			if (changed)
				lt_ui__update(dashboard->ui,
					      lt_pipeline__latest(dashboard->pipeline));
			else if (!handle_input(dashboard))
				return 0;
			continue;
		}
		lt_pipeline__look_at(dashboard->pipeline, lt_ui__looks_at(dashboard->ui));
		snapshot = lt_pipeline__tick(dashboard->pipeline);
		if (!snapshot)
			return errno == EOWNERDEAD ? -errno
						   : lt_err(-errno, "collect: %s", strerror(errno));
		/* At the beginning of an interval: its figures are those of all of it. */
		lt_pipeline__open(dashboard->pipeline, lt_ui__opened(dashboard->ui));
		lt_ui__update(dashboard->ui, snapshot);
		dashboard->deadline_ns =
			lt_grid_next(dashboard->deadline_ns, dashboard->interval_ns,
				     lt_pipeline__tick_ns(dashboard->pipeline));
		if (dashboard->options->count && ++n >= dashboard->options->count)
			break;
	}
	return 0;
}

static const char *wished_tier(const struct lt_options *options)
{
	static const char *const names[] = { "memory", "wait", "phases", "full" };

	return options->tier_auto ? "auto" : names[options->tier];
}

static enum lt_exit run(const struct lt_options *options)
{
	struct dashboard dashboard = { .options = options,
				       .interval_ns = (uint64_t)(options->interval_seconds * 1e9) };
	struct lt_ui_opts ui_opts = { .ascii = options->ascii,
				      .theme = options->theme,
				      .interval_seconds = options->interval_seconds,
				      .tier = wished_tier(options),
				      .version = LT_VERSION };
	int err;

	if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO)) {
		lt_err(-ENOTTY,
		       "open the dashboard: no terminal on stdin and stdout (looptop stat prints "
		       "rows, looptop stat --json one object a line)");
		return LT_EXIT_USAGE;
	}
	lt_signals__install();
	err = lt_pipeline__new(options, LT_START_SOON, &dashboard.pipeline);
	if (err)
		return lt_exit_of(err);
	dashboard.ui = lt_ui__new(&ui_opts);
	if (!dashboard.ui) {
		err = -errno;
		lt_pipeline__free(dashboard.pipeline);
		return lt_exit_of(err) == LT_EXIT_USAGE ? LT_EXIT_USAGE : LT_EXIT_FAILED;
	}
	lt_stop__set_last_act(lt_ui__give_terminal_back);
	lt_log_set_sink(show_message, &dashboard);
	err = loop(&dashboard);
	lt_log_set_sink(NULL, NULL);
	lt_ui__free(dashboard.ui);
	lt_stop__set_last_act(NULL);
	lt_pipeline__free(dashboard.pipeline);
	/* What ended it went with the screen. */
	if (err && dashboard.error[0])
		fprintf(stderr, "%s\n", dashboard.error);
	return lt_exit_of(err);
}

const struct lt_cmd lt_cmd_top = { "top", run };
