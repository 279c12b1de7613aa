/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/* The table of keys. */
#include "ui/keys.h"

#define VIEWS (LT_IN_MAIN | LT_IN_PROCESS | LT_IN_STALLS)
#define ANY (VIEWS | POPUPS)
#define POPUPS (LT_IN_HELP | LT_IN_SORT)

#define KEY(cmd, places, key_type, ...) \
	{ .command = LT_CMD_##cmd, .where = (places), .type = LT_KEY_##key_type, __VA_ARGS__ }
#define CHAR(cmd, places, c, ...) \
	{ .command = LT_CMD_##cmd, .where = (places), .type = LT_KEY_CHAR, .ch = (c), __VA_ARGS__ }

const struct lt_binding lt_bindings[] = {
	KEY(OPEN, LT_IN_MAIN, ENTER, .label = "Enter", .brief = "open",
	    .help = "open the selected process (or a double click)"),
	KEY(OPEN, LT_IN_MAIN, DOUBLE_CLICK),
	KEY(OPEN, LT_IN_PROCESS, ENTER, .label = "Enter", .brief = "stalls",
	    .help = "in a process: its stalls, with cause, function and stack (or s, or a click on one)"),
	KEY(OPEN, LT_IN_PROCESS, DOUBLE_CLICK),
	CHAR(OPEN, LT_IN_PROCESS, 's'),
	KEY(OPEN, LT_IN_STALLS, ENTER, .label = "Enter", .brief = "stack",
	    .help = "in the stalls: show or hide the stack (or the arrows, or a click)"),
	KEY(OPEN, LT_IN_STALLS, DOUBLE_CLICK),
	KEY(EXPAND, LT_IN_STALLS, RIGHT),
	KEY(COLLAPSE, LT_IN_STALLS, LEFT),
	KEY(OPEN, LT_IN_SORT, ENTER, .label = "Enter", .brief = "sort"),
	KEY(OPEN, LT_IN_SORT, DOUBLE_CLICK),
	KEY(BACK, LT_IN_PROCESS | LT_IN_STALLS | POPUPS, ESC, .label = "Esc", .brief = "back",
	    .help = "back (or Backspace); in the list it clears the filter"),
	KEY(BACK, LT_IN_PROCESS | LT_IN_STALLS | POPUPS, BACKSPACE),
	KEY(BACK, LT_IN_MAIN, ESC),
	CHAR(BACK, POPUPS, 'q'),
	KEY(NEXT_LOOP, LT_IN_PROCESS, TAB, .label = "Tab", .brief = "next loop",
	    .help = "in a process: the next loop (or the arrows)"),
	KEY(NEXT_LOOP, LT_IN_PROCESS, RIGHT),
	KEY(PREVIOUS_LOOP, LT_IN_PROCESS, BACKTAB),
	KEY(PREVIOUS_LOOP, LT_IN_PROCESS, LEFT),
	CHAR(SORT_MENU, LT_IN_MAIN, 's', .label = "s", .brief = "sort",
	     .help = "choose the column to sort by (or click its heading)"),
	CHAR(SORT_NEXT, LT_IN_MAIN, '>', .label = "< >",
	     .help = "sort by the column at the left or the right"),
	CHAR(SORT_PREVIOUS, LT_IN_MAIN, '<'),
	KEY(SORT_NEXT, LT_IN_MAIN, RIGHT),
	KEY(SORT_PREVIOUS, LT_IN_MAIN, LEFT),
	CHAR(REVERSE, LT_IN_MAIN, 'r', .label = "r", .help = "sort the other way round"),
	CHAR(FILTER, LT_IN_MAIN, '/', .label = "/", .brief = "filter",
	     .help = "show only what has this text in its name, PID, runtime or container"),
	CHAR(PAUSE, VIEWS, ' ', .label = "Space", .brief = "pause",
	     .help = "freeze the screen; measuring goes on"),
	CHAR(SLOWER, VIEWS, '+', .label = "+ -", .brief = "interval",
	     .help = "a longer or a shorter interval"),
	CHAR(SLOWER, VIEWS, '='),
	CHAR(FASTER, VIEWS, '-'),
	CHAR(TIER, VIEWS, 't', .label = "t", .brief = "tier",
	     .help = "how much to measure: auto, memory, wait, phases, full"),
	CHAR(STRIP, LT_IN_MAIN, 'b', .label = "b", .help = "the strip shows lag or busy"),
	CHAR(DISMISS, LT_IN_MAIN, 'x', .label = "x", .help = "take away the processes that have ended"),
	CHAR(HELP, VIEWS, '?', .label = "?", .brief = "help",
	     .help = "this page: what the columns and the signs mean"),
	CHAR(HELP, VIEWS, 'h'),
	CHAR(BACK, LT_IN_HELP, '?'),
	CHAR(BACK, LT_IN_HELP, 'h'),
	CHAR(BACK, LT_IN_SORT, 's'),
	CHAR(QUIT, VIEWS, 'q', .label = "q", .brief = "quit", .help = "quit"),
	KEY(UP, ANY, UP, .label = "j k", .help = "down and up (or the arrows, or the wheel)"),
	KEY(DOWN, ANY, DOWN),
	CHAR(UP, ANY, 'k'),
	CHAR(DOWN, ANY, 'j'),
	KEY(UP, ANY, WHEEL_UP),
	KEY(DOWN, ANY, WHEEL_DOWN),
	KEY(PAGE_UP, ANY, PAGE_UP, .label = "PgUp PgDn", .help = "a page up or down"),
	KEY(PAGE_DOWN, ANY, PAGE_DOWN),
	KEY(HOME, ANY, HOME, .label = "Home End",
	    .help = "the first row, which is then followed; the last row"),
	CHAR(HOME, ANY, 'g'),
	KEY(END, ANY, END),
	CHAR(END, ANY, 'G'),
};

const size_t lt_n_bindings = sizeof(lt_bindings) / sizeof(lt_bindings[0]);

enum lt_command lt_command_of(const struct lt_key *key, unsigned where)
{
	for (size_t i = 0; i < lt_n_bindings; i++) {
		const struct lt_binding *binding = &lt_bindings[i];

		if (!(binding->where & where) || binding->type != key->type)
			continue;
		if (key->type != LT_KEY_CHAR || (key->text[0] == binding->ch && !key->text[1]))
			return binding->command;
	}
	return LT_CMD_NONE;
}
