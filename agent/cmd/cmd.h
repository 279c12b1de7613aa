/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/* A command is one file with one descriptor. */
#ifndef LOOPTOP_CMD_CMD_H
#define LOOPTOP_CMD_CMD_H

#include "agent/options.h"
#include "looptop/err.h"

struct lt_cmd {
	const char *name;
	enum lt_exit (*run)(const struct lt_options *options);
};

extern const struct lt_cmd lt_cmd_top, lt_cmd_stat, lt_cmd_agent, lt_cmd_stalls, lt_cmd_doctor,
	lt_cmd_list, lt_cmd_check;

/* The command of this name, or NULL. */
const struct lt_cmd *lt_cmd_find(const char *name);

#endif
