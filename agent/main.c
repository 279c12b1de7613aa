/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
#include <fcntl.h>
#include <locale.h>
#include <malloc.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/cmd/cmd.h"
#include "agent/target/procfs.h"
#include "agent/target/reader.h"
#include "agent/util/bounded.h"
#include "agent/util/budget.h"
#include "looptop/err.h"
#include "looptop/log.h"

static const struct lt_cmd *const commands[] = { &lt_cmd_top,    &lt_cmd_stat,   &lt_cmd_agent,
						 &lt_cmd_stalls, &lt_cmd_doctor, &lt_cmd_list,
						 &lt_cmd_check,  NULL };

const struct lt_cmd *lt_cmd_find(const char *name)
{
	for (size_t i = 0; commands[i]; i++)
		if (!strcmp(commands[i]->name, name))
			return commands[i];
	return NULL;
}

/* What is big here is the symbols of a program, sections, pages, and each is gone at some time. glibc would put it
 * on the heap once some have been freed, between what stays, and the heap would keep it. */
#define MMAP_BYTES (256 << 10)

/* What a parent can leave us that we could not work with: no descriptors 0 to 2, so that one of our own would become
 * the output (reading alone: what is written there fails, as if it were closed), and children whose end nobody tells. */
static void make_usual(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDONLY);
	while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd >= 0)
		close(fd);
	signal(SIGCHLD, SIG_DFL);
	signal(SIGPIPE, SIG_IGN); /* a reader that has gone is an error of write, not our death */
}

int main(int argc, char **argv)
{
	struct lt_options options;
	enum lt_exit status;
	int err;

	mallopt(M_MMAP_THRESHOLD, MMAP_BYTES);
	setlocale(LC_CTYPE, "");
	make_usual();
	lt_options__parse(&options, argc, argv);
	if (options.verbose)
		lt_log_set_level(options.verbose > 1 ? LT_LOG_DEBUG : LT_LOG_INFO);
	lt_budget__set(options.target_memory_bytes);
	lt_bounded__prepare();
	err = lt_reader__start();
	if (err) {
		lt_err(err, "start: no process can be made to read the memory of others: %s",
		       strerror(-err));
		return LT_EXIT_FAILED;
	}
	status = lt_exit_of(lt_procfs_check());
	if (status == LT_EXIT_OK)
		status = lt_cmd_find(options.command)->run(&options);
	lt_reader__stop();
	free(options.pids);
	return status;
}
