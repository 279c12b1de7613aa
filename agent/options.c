/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
#include "agent/options.h"

#include <argp.h>
#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/cmd/cmd.h"
#include "looptop/err.h"
#include "looptop/metric.h"

const char *argp_program_bug_address = NULL;

enum key {
	KEY_TIER = 256,
	KEY_NO_POOL,
	KEY_NO_GC,
	KEY_JIT,
	KEY_NO_JIT,
	KEY_STALL,
	KEY_BUDGET,
	KEY_TOTAL_BUDGET,
	KEY_ATTACH,
	KEY_WAITS,
	KEY_GENERIC,
	KEY_JSON,
	KEY_CSV,
	KEY_LISTEN,
	KEY_NO_PID_LABEL,
	KEY_MAX_SERIES,
	KEY_STALL_FUNCTIONS,
	KEY_NAMES,
	KEY_HTML,
	KEY_ASCII,
	KEY_THEME,
	KEY_TARGET_MEMORY,
	KEY_VERSION,
};

static const struct argp_option argp_options[] = {
	{ "interval", 'i', "SEC", 0, "seconds between two collections, 0.1 to 3600 (1)", 1 },
	{ "count", 'c', "N", 0, "end after N intervals", 1 },
	{ "duration", 'd', "SEC", 0, "end after SEC seconds", 1 },
	{ "name", 'n', "GLOB", 0, "targets by display name, for instance 'server*'", 1 },
	{ "tier", KEY_TIER, "TIER", 0,
	  "how much is measured at most: auto, memory, wait, phases or full (auto: phases, less when "
	  "over the budget)", 2 },
	{ "no-pool", KEY_NO_POOL, NULL, 0, "no probes on the thread pool", 2 },
	{ "no-gc", KEY_NO_GC, NULL, 0, "no probes on garbage collection", 2 },
	{ "jit", KEY_JIT, NULL, 0,
	  "probes on compilation and deoptimisation (default: in doctor, and in the process open in top)", 2 },
	{ "no-jit", KEY_NO_JIT, NULL, 0, "none of them", 2 },
	{ "stall", KEY_STALL, "MS", 0, "a longer turn is a stall (100)", 2 },
	{ "budget", KEY_BUDGET, "PCT", 0,
	  "share of one core that the probes may cost a target; over it the tier drops (1.0)", 2 },
	{ "total-budget", KEY_TOTAL_BUDGET, "PCT", 0,
	  "the same for all targets together (2.0, or twice --budget if that is more)", 2 },
	{ "target-memory", KEY_TARGET_MEMORY, "MB", 0,
	  "memory for what is kept of targets' symbols, source maps and scripts, all together (64)", 2 },
	{ "attach", KEY_ATTACH, "WAY", 0,
	  "how probes are placed: auto (uprobe_multi links where the kernel has them), perf or oldest", 2 },
	{ "generic", KEY_GENERIC, NULL, 0,
	  "without process ids: any program with an epoll loop, not only Node.js and libuv (-n implies it)", 1 },
	{ "waits", KEY_WAITS, "WAY", 0,
	  "how waits are told in programs that are neither Node.js nor libuv: auto, fentry, tracepoint or "
	  "raw_tracepoint (auto: the first of them that works here)", 2 },
	{ "json", KEY_JSON, NULL, 0, "stat, stalls: one JSON object a line; doctor: one object", 3 },
	{ "csv", KEY_CSV, NULL, 0, "stat: comma-separated values", 3 },
	{ "listen", KEY_LISTEN, "ADDRESS:PORT", 0, "agent: where to serve metrics (127.0.0.1:9478)", 3 },
	{ "no-pid-label", KEY_NO_PID_LABEL, NULL, 0, "agent: no pid label; equal series are added up", 3 },
	{ "max-series", KEY_MAX_SERIES, "N", 0, "agent: at most N series (20000)", 3 },
	{ "stall-functions", KEY_STALL_FUNCTIONS, "N", 0,
	  "agent: export the N functions that blocked longest, 1 to 100 (none: names are labels)", 3 },
	{ "names", KEY_NAMES, "SET", 0,
	  "agent: also the names that others gave to such figures: prom-client, otel, or both with a comma", 3 },
	{ "html", KEY_HTML, "FILE", 0, "doctor: also write the report as a web page", 3 },
	{ "ascii", KEY_ASCII, NULL, 0, "no characters beyond ASCII", 3 },
	{ "theme", KEY_THEME, "NAME", 0, "top: default or mono", 3 },
	{ "verbose", 'v', NULL, 0, "tell more; twice: everything", 4 },
	{ "version", KEY_VERSION, NULL, 0, "print the version", 4 },
	{ 0 },
};

static double number(struct argp_state *state, const char *name, const char *arg, double min,
		     double max)
{
	char *end;
	double value;

	errno = 0;
	value = strtod(arg, &end);
	if (errno || end == arg || *end || !(value >= min && value <= max))
		argp_error(state, "%s %s: not a number from %g to %g", name, arg, min, max);
	return value;
}

static void set_tier(struct argp_state *state, struct lt_options *options, const char *arg)
{
	static const char *const names[] = { "memory", "wait", "phases", "full" };

	options->tier_auto = !strcmp(arg, "auto");
	if (options->tier_auto) {
		options->tier = LT_TIER_PHASES;
		return;
	}
	for (int i = 0; i < LT_TIER_MAX; i++)
		if (!strcmp(arg, names[i])) {
			options->tier = (enum lt_tier)i;
			return;
		}
	argp_error(state, "--tier %s: not one of auto, memory, wait, phases, full", arg);
}

static enum lt_wait_way wait_way(struct argp_state *state, const char *arg)
{
	for (enum lt_wait_way way = LT_WAITS_NONE; way <= LT_WAITS_ALL_CALLS; way++)
		if (!strcmp(arg, lt_wait_way__name(way)))
			return way;
	argp_error(state, "--waits %s: not one of auto, fentry, tracepoint, raw_tracepoint", arg);
	return LT_WAITS_NONE;
}

/* A list with commas; a set that comes twice is one. */
static void add_names(struct argp_state *state, struct lt_options *options, const char *arg)
{
	for (const char *name = arg, *end; name; name = *end ? end + 1 : NULL) {
		unsigned set = LT_NAMES_NATIVE + 1;

		end = strchrnul(name, ',');
		while (set < LT_NAMES_MAX && (strlen(lt_name_sets[set].name) != (size_t)(end - name) ||
					      memcmp(lt_name_sets[set].name, name, (size_t)(end - name))))
			set++;
		if (set == LT_NAMES_MAX)
			argp_error(state, "--names %s: not prom-client, otel, or both with a comma", arg);
		options->names |= 1u << set;
	}
}

static void add_word(struct argp_state *state, struct lt_options *options, const char *arg)
{
	char *end;
	long pid;
	int *pids;

	if (!state->arg_num && lt_cmd_find(arg)) {
		options->command = arg;
		return;
	}
	errno = 0;
	pid = strtol(arg, &end, 10);
	if (!isdigit((unsigned char)arg[0]) || *end)
		argp_error(state, "%s: neither a command nor a process id (names are given with -n)", arg);
	if (errno || pid <= 0 || pid > INT_MAX)
		argp_error(state, "%.40s: no process can have this id", arg);
	pids = reallocarray(options->pids, options->n_pids + 1, sizeof(*pids));
	if (!pids)
		exit(LT_EXIT_FAILED);
	options->pids = pids;
	for (size_t i = 0; i < options->n_pids; i++)
		if (pids[i] == pid)
			return;
	pids[options->n_pids++] = (int)pid;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct lt_options *options = state->input;

	switch (key) {
	case 'i':
		options->interval_seconds = number(state, "--interval", arg, 0.1, 3600);
		break;
	case 'c':
		options->count = (long)number(state, "--count", arg, 1, 1e9);
		break;
	case 'd':
		options->duration_seconds = number(state, "--duration", arg, 0.1, 1e9);
		break;
	case 'n':
		options->name_glob = arg;
		break;
	case 'v':
		options->verbose++;
		break;
	case KEY_TIER:
		set_tier(state, options, arg);
		break;
	case KEY_NO_POOL:
		options->pool = false;
		break;
	case KEY_NO_GC:
		options->gc = false;
		break;
	case KEY_JIT:
		options->jit = LT_JIT_ON;
		break;
	case KEY_NO_JIT:
		options->jit = LT_JIT_OFF;
		break;
	case KEY_STALL:
		options->stall_seconds = number(state, "--stall", arg, 1, 1e6) / 1000;
		break;
	case KEY_BUDGET:
		options->budget_ratio = number(state, "--budget", arg, 0.01, 1000) / 100;
		break;
	case KEY_TOTAL_BUDGET:
		options->total_budget_ratio = number(state, "--total-budget", arg, 0.01, 100000) / 100;
		break;
	case KEY_TARGET_MEMORY:
		options->target_memory_bytes = (size_t)number(state, "--target-memory", arg, 4, 65536) << 20;
		break;
	case KEY_ATTACH:
		options->oldest_way = !strcmp(arg, "oldest");
		options->perf_only = options->oldest_way || !strcmp(arg, "perf");
		if (!options->perf_only && strcmp(arg, "auto"))
			argp_error(state, "--attach %s: not one of auto, perf, oldest", arg);
		break;
	case KEY_GENERIC:
		options->generic = true;
		break;
	case KEY_WAITS:
		options->waits = wait_way(state, arg);
		break;
	case KEY_JSON:
		options->format = LT_FORMAT_JSON;
		break;
	case KEY_CSV:
		options->format = LT_FORMAT_CSV;
		break;
	case KEY_LISTEN:
		options->listen = arg;
		break;
	case KEY_NO_PID_LABEL:
		options->no_pid_label = true;
		break;
	case KEY_MAX_SERIES:
		options->max_series = (size_t)number(state, "--max-series", arg, 1, 1e8);
		break;
	case KEY_STALL_FUNCTIONS:
		options->stall_functions = (size_t)number(state, "--stall-functions", arg, 1, 100);
		break;
	case KEY_NAMES:
		add_names(state, options, arg);
		break;
	case KEY_HTML:
		options->html_path = arg;
		break;
	case KEY_ASCII:
		options->ascii = true;
		break;
	case KEY_THEME:
		options->theme = arg;
		break;
	case KEY_VERSION:
		printf("looptop %s\n", LT_VERSION);
		exit(LT_EXIT_OK);
	case ARGP_KEY_ARG:
		add_word(state, options, arg);
		break;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

void lt_options__parse(struct lt_options *options, int argc, char **argv)
{
	static const char doc[] =
		"See inside event-loop servers: how long work waits for the loop, in which phase the time "
		"goes, which function blocks it, whether the thread pool is the queue, what garbage collection "
		"costs. Attaches to "
		"running Node.js processes; nothing is changed in them.\v"
		"Commands:\n"
		"  top     the dashboard (default)\n"
		"  stat    one row for each loop and interval\n"
		"  stalls  each stall as it happens: how long, why, which function, its stack\n"
		"  doctor  watch for a while (-d, 30 s), then say what holds the process back\n"
		"  agent   Prometheus exporter\n"
		"  list    the processes with event loops that are there\n"
		"  check   what this host, and a process, allow to measure\n\n"
		"A target is a process id; with none, every process with an event loop that can be seen.\n"
		"Exit status: 0 done, 1 failed, 2 usage, 3 no such target, 4 missing privilege, 5 the kernel "
		"lacks something.";
	static const struct argp argp = { argp_options, parse, "[COMMAND] [PID…]", doc, NULL, NULL, NULL };

	*options = (struct lt_options){
		.command = "top",
		.interval_seconds = 1,
		.tier_auto = true,
		.tier = LT_TIER_PHASES,
		.pool = true,
		.gc = true,
		.stall_seconds = 0.1,
		.budget_ratio = 0.01,
		.listen = "127.0.0.1:9478",
		.max_series = 20000,
		.target_memory_bytes = 64u << 20,
	};
	argp_err_exit_status = LT_EXIT_USAGE;
	argp_parse(&argp, argc, argv, 0, NULL, options);
	options->all_tiers = !strcmp(options->command, "stalls") ||
			     !strcmp(options->command, "doctor");
	if (options->jit == LT_JIT_AUTO && !strcmp(options->command, "doctor"))
		options->jit = LT_JIT_ON;
	options->generic |= options->name_glob != NULL;
	if (!(options->total_budget_ratio > 0))
		options->total_budget_ratio = fmax(0.02, 2 * options->budget_ratio);
}
