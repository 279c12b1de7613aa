/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/*
 * The display name of a process: the script of an interpreter, the title that a process gave
 * itself, or its command. Secrets stand in command lines, so nothing but the script's basename
 * and the first words of a title leave this file.
 */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "agent/runtime/registry.h"
#include "agent/target/process.h"
#include "agent/util/fmt.h"
#include "agent/util/text.h"

/* Options of node that take the next argument as their value when no "=" follows (16 to 26).
 * Those of V8 never do. */
static const char *const value_options[] = {
	"-C", "-r", "--allow-fs-read", "--allow-fs-write", "--build-sea", "--build-snapshot-config",
	"--conditions", "--cpu-prof-dir", "--cpu-prof-interval", "--cpu-prof-name", "--debug-port",
	"--diagnostic-dir", "--disable-proto", "--disable-warning", "--dns-result-order",
	"--env-file", "--env-file-if-exists", "--es-module-specifier-resolution",
	"--experimental-config-file", "--experimental-default-type", "--experimental-loader",
	"--experimental-package-map", "--experimental-policy", "--experimental-sea-config",
	"--experimental-specifier-resolution", "--experimental-test-isolation",
	"--experimental-test-tag-filter", "--heap-prof-dir", "--heap-prof-interval",
	"--heap-prof-name", "--heapsnapshot-near-heap-limit", "--heapsnapshot-signal",
	"--icu-data-dir", "--import", "--input-type", "--inspect-port", "--inspect-publish-uid",
	"--loader", "--localstorage-file", "--max-http-header-size",
	"--max-old-space-size-percentage", "--network-family-autoselection-attempt-timeout",
	"--openssl-config", "--policy-integrity", "--redirect-warnings", "--report-dir",
	"--report-directory", "--report-filename", "--report-signal", "--require", "--secure-heap",
	"--secure-heap-min", "--snapshot-blob", "--test-concurrency", "--test-coverage-branches",
	"--test-coverage-exclude", "--test-coverage-functions", "--test-coverage-include",
	"--test-coverage-lines", "--test-global-setup", "--test-isolation", "--test-name-pattern",
	"--test-random-seed", "--test-reporter", "--test-reporter-destination",
	"--test-rerun-failures", "--test-shard", "--test-skip-pattern", "--test-timeout", "--title",
	"--tls-cipher-list", "--tls-keylog", "--trace-event-categories",
	"--trace-event-file-pattern", "--trace-require-module", "--unhandled-rejections",
	"--use-largepages", "--v8-pool-size", "--watch-kill-signal", "--watch-path",
};

/* Options whose value is the program itself: the name then is "node" and the option. */
static const struct {
	const char *option, *shown;
} program_options[] = {
	{ "-e", "-e" },	      { "--eval", "-e" }, { "-p", "-p" },	{ "--print", "-p" },
	{ "-pe", "-p" },      { "-", "-" },	  { "-i", "-i" },	{ "--interactive", "-i" },
	{ "--run", "--run" }, { "-c", "-c" },	  { "--check", "-c" },
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* What stands behind the last slash; the whole text if nothing does. */
static const char *base_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash && slash[1] ? slash + 1 : path;
}

/* "node", "nodejs", "node20", "node-v18.1": a file name of Node's interpreter. */
static bool is_node(const char *base)
{
	if (strncmp(base, "node", 4))
		return false;
	base += 4;
	if (!strncmp(base, "js", 2))
		base += 2;
	return base[strspn(base, "0123456789.-v")] == '\0';
}

/* The name that Node from version 24 on gives its first thread, whatever the program is called. */
static bool is_thread_name(const char *comm)
{
	return !strcmp(comm, "MainThread") || !strcmp(comm, "node-MainThread");
}

static bool takes_value(const char *option)
{
	for (size_t i = 0; i < COUNT(value_options); i++)
		if (!strcmp(option, value_options[i]))
			return true;
	return false;
}

static const char *program_option(const char *option)
{
	size_t length = strcspn(option, "=");

	for (size_t i = 0; i < COUNT(program_options); i++)
		if (strlen(program_options[i].option) == length &&
		    !strncmp(option, program_options[i].option, length))
			return program_options[i].shown;
	return NULL;
}

/* The string behind the one at s, or end. Every string ends with a NUL: see lt_display_name(). */
static const char *next_argument(const char *s, const char *end)
{
	s += strlen(s) + 1;
	return s < end ? s : end;
}

/* The script's basename, without a slash at its end. */
static void script_name(char name[LT_NAME_SIZE], const char *script)
{
	char path[LT_PATH_SIZE];
	size_t length = strlen(script);
	const char *start = script;

	while (length > 1 && script[length - 1] == '/')
		length--;
	while (length > 1 && memchr(start, '/', length - 1)) {
		const char *behind = (const char *)memchr(start, '/', length - 1) + 1;

		length -= (size_t)(behind - start);
		start = behind;
	}
	snprintf(path, sizeof(path), "%.*s", (int)(length < sizeof(path) ? length : sizeof(path) - 1),
		 start);
	/* "node ." says more than "." */
	if (!strcmp(path, ".") || !strcmp(path, ".."))
		snprintf(name, LT_NAME_SIZE, "node %.2s", path);
	else
		lt_fmt_text(name, LT_NAME_SIZE, path);
}

/* From the arguments behind argv[0]. False: there is no script, as in an interactive node. */
static bool node_name(char name[LT_NAME_SIZE], const char *arg, const char *end)
{
	while (arg < end && *arg) {
		const char *shown = *arg == '-' ? program_option(arg) : NULL;

		if (*arg != '-') {
			script_name(name, arg);
			return true;
		}
		if (shown && strcmp(shown, "-c")) {
			snprintf(name, LT_NAME_SIZE, "node %s", shown);
			return true;
		}
		if (!strcmp(arg, "--")) {
			arg = next_argument(arg, end);
			if (arg >= end || !*arg)
				return false;
			script_name(name, arg);
			return true;
		}
		if (takes_value(arg))
			arg = next_argument(arg, end);
		if (arg < end)
			arg = next_argument(arg, end);
	}
	return false;
}

/* Is argv[0] just a way to call the executable: same name, a prefix of it, a login shell? */
static bool looks_like(const char *argv0, const char *exe_base)
{
	char word[LT_PATH_SIZE];
	size_t length;

	if (*argv0 == '-')
		argv0++;
	/* nginx and others: "nginx: master process …" */
	length = strcspn(argv0, ": ");
	snprintf(word, sizeof(word), "%.*s", (int)(length < sizeof(word) ? length : sizeof(word) - 1),
		 argv0);
	if (!*word)
		return false;
	argv0 = base_of(word);
	return lt_starts_with(exe_base, argv0) || (is_node(argv0) && is_node(exe_base));
}

/* A title's first word, and the second when it is a plain word too: "npm install", "ng serve". */
static void title_name(char name[LT_NAME_SIZE], const char *title)
{
	char words[LT_PATH_SIZE];
	const char *start, *second;
	size_t first, length = 0;

	title += strspn(title, " ");
	first = strcspn(title, " ");
	start = title;
	for (size_t i = 0; i + 1 < first; i++)
		if (title[i] == '/')
			start = title + i + 1;
	first -= (size_t)(start - title);
	second = start + first + strspn(start + first, " ");
	if (isalnum((unsigned char)*second) || !strncmp(second, "*:", 2)) /* "*:6379" */
		length = strcspn(second, " ");
	if (first > LT_NAME_SIZE)
		first = LT_NAME_SIZE;
	if (memchr(second, '=', length) || memchr(second, '/', length) || length > LT_NAME_SIZE / 2)
		length = 0;
	snprintf(words, sizeof(words), "%.*s%s%.*s", (int)first, start, length ? " " : "",
		 (int)length, second);
	lt_fmt_text(name, LT_NAME_SIZE, words);
}

/* "nginx: worker process" → "nginx worker". Plain words only: what follows may be a command line. */
static bool part_name(char name[LT_NAME_SIZE], const char *title)
{
	size_t program = strcspn(title, ":"), length;
	const char *part = title + program;
	char words[LT_PATH_SIZE];

	if (strncmp(part, ": ", 2))
		return false;
	part += 2;
	length = strspn(part, "abcdefghijklmnopqrstuvwxyz");
	if (!length || length > LT_NAME_SIZE / 2 || program > LT_NAME_SIZE / 2)
		return false;
	snprintf(words, sizeof(words), "%.*s %.*s", (int)program, title, (int)length, part);
	lt_fmt_text(name, LT_NAME_SIZE, words);
	return true;
}

/* Python's options that take the next argument as their value, where it is not part of the same word. */
static bool python_takes_value(const char *option)
{
	return !strcmp(option, "-W") || !strcmp(option, "-X") ||
	       !strcmp(option, "--check-hash-based-pycs");
}

/* From the arguments behind argv[0]. */
static bool python_name(char name[LT_NAME_SIZE], const char *arg, const char *end)
{
	while (arg < end && *arg == '-') {
		if (!strcmp(arg, "-c") || !arg[1])
			return false;
		if (!strcmp(arg, "-m")) {
			arg = next_argument(arg, end);
			break;
		}
		if (python_takes_value(arg))
			arg = next_argument(arg, end);
		if (arg < end)
			arg = next_argument(arg, end);
	}
	if (arg >= end || !*arg)
		return false;
	script_name(name, arg);
	return true;
}

/* The name by the table of programs that say more of themselves. False: it has no row, or its command line
 * does not have that form. */
static bool program_name(char name[LT_NAME_SIZE], const char *base, const char *cmdline,
			 const char *end)
{
	const struct lt_name_rule *rule = lt_name_rules;

	while (rule->exe && !lt_starts_with(base, rule->exe))
		rule++;
	if (!rule->exe || !*cmdline)
		return false;
	if (rule->form == LT_NAME_PART)
		return part_name(name, cmdline);
	if (rule->form == LT_NAME_SCRIPT)
		return looks_like(cmdline, base) &&
		       python_name(name, next_argument(cmdline, end), end);
	if (!strchr(cmdline, ' ')) /* no title: its arguments stand apart */
		return false;
	title_name(name, cmdline);
	return true;
}

/* The executable's basename without the kernel's " (deleted)". */
static void exe_basename(char base[LT_PATH_SIZE], const char *exe)
{
	static const char deleted[] = " (deleted)";
	size_t length;

	snprintf(base, LT_PATH_SIZE, "%s", base_of(exe));
	length = strlen(base);
	if (length > strlen(deleted) && !strcmp(base + length - strlen(deleted), deleted))
		base[length - strlen(deleted)] = '\0';
}

void lt_display_name(char name[LT_NAME_SIZE], const char *cmdline, size_t length, const char *exe,
		     const char *comm)
{
	char base[LT_PATH_SIZE];
	const char *end;

	exe_basename(base, exe);
	lt_fmt_text(name, LT_NAME_SIZE,
		    *base && (is_node(base) || is_thread_name(comm)) ? base : comm);
	/* Only whole strings count: one that was cut has no NUL, except for the reader's own. */
	while (length && cmdline[length - 1])
		length--;
	end = cmdline + length;
	if (!length || !*base || program_name(name, base, cmdline, end))
		return;
	if (*cmdline && !looks_like(cmdline, base)) {
		if (cmdline[strspn(cmdline, " /")])
			title_name(name, cmdline);
	} else if (is_node(base)) {
		node_name(name, next_argument(cmdline, end), end);
	}
}
