/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/*
 * Keys as the terminal told them, and the one table of what they mean where: the footer, the help
 * and the handling all come from it.
 */
#ifndef LOOPTOP_UI_KEYS_H
#define LOOPTOP_UI_KEYS_H

#include <stddef.h>

enum lt_key_type {
	LT_KEY_NONE,
	LT_KEY_CHAR, /* text holds it in UTF-8 */
	LT_KEY_ENTER,
	LT_KEY_ESC,
	LT_KEY_BACKSPACE,
	LT_KEY_TAB,
	LT_KEY_BACKTAB,
	LT_KEY_UP,
	LT_KEY_DOWN,
	LT_KEY_LEFT,
	LT_KEY_RIGHT,
	LT_KEY_PAGE_UP,
	LT_KEY_PAGE_DOWN,
	LT_KEY_HOME,
	LT_KEY_END,
	LT_KEY_CLICK, /* x, y */
	LT_KEY_DOUBLE_CLICK,
	LT_KEY_WHEEL_UP,
	LT_KEY_WHEEL_DOWN,
};

struct lt_key {
	enum lt_key_type type;
	char text[5];
	int x, y;
};

enum lt_command {
	LT_CMD_NONE,
	LT_CMD_OPEN,
	LT_CMD_EXPAND,
	LT_CMD_COLLAPSE,
	LT_CMD_BACK,
	LT_CMD_NEXT_LOOP,
	LT_CMD_PREVIOUS_LOOP,
	LT_CMD_SORT_MENU,
	LT_CMD_SORT_NEXT,
	LT_CMD_SORT_PREVIOUS,
	LT_CMD_REVERSE,
	LT_CMD_FILTER,
	LT_CMD_PAUSE,
	LT_CMD_SLOWER,
	LT_CMD_FASTER,
	LT_CMD_TIER,
	LT_CMD_STRIP,
	LT_CMD_DISMISS,
	LT_CMD_HELP,
	LT_CMD_QUIT,
	LT_CMD_UP,
	LT_CMD_DOWN,
	LT_CMD_PAGE_UP,
	LT_CMD_PAGE_DOWN,
	LT_CMD_HOME,
	LT_CMD_END,
};

/* Where a key is pressed. */
#define LT_IN_MAIN    1u
#define LT_IN_PROCESS 2u
#define LT_IN_HELP    4u
#define LT_IN_SORT    8u
#define LT_IN_STALLS  16u

struct lt_binding {
	enum lt_command command;
	unsigned where;
	enum lt_key_type type;
	char ch; /* of LT_KEY_CHAR */
	const char *label; /* what the footer and the help call the key; NULL: another row does */
	const char *brief; /* for the footer; NULL: not there */
	const char *help; /* for the help */
};

extern const struct lt_binding lt_bindings[];
extern const size_t lt_n_bindings;

/* What the key means there; LT_CMD_NONE: nothing. */
enum lt_command lt_command_of(const struct lt_key *key, unsigned where);

#endif
