/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/* The two sets of characters. */
#include "ui/glyph.h"

static const struct lt_glyphs utf8 = {
	.rise = { " ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█" },
	.bar = { " ", "▏", "▎", "▍", "▌", "▋", "▊", "▉", "█" },
	.shade = { " ", "░", "▒", "▓", "█" },
	.phase = { "▒", "▚", "▞", "▛", "·", "█", "▓", "▟", "?" },
	.cause = { "█", "▓", "▒", "▚", "▞", "?" },
	.track = "·",
	.horizontal = "─",
	.vertical = "│",
	.corner = { "┌", "┐", "└", "┘" },
	.tree = "├",
	.tree_last = "└",
	.marker = "▶",
	.warning = "⚠",
	.descending = "▼",
	.ascending = "▲",
	.thread_busy = "■",
	.thread_idle = "□",
	.not_applicable = "·",
	.separator = "·",
	.more = "…",
};

static const struct lt_glyphs ascii = {
	.rise = { " ", "_", ".", ":", "-", "=", "+", "*", "#" },
	.bar = { " ", " ", " ", " ", "#", "#", "#", "#", "#" },
	.shade = { " ", ".", "-", "=", "#" },
	.phase = { "T", "P", "I", "R", ".", "#", "C", "X", "?" },
	.cause = { "#", "G", "I", "Q", "T", "?" },
	.track = ".",
	.horizontal = "-",
	.vertical = "|",
	.corner = { "+", "+", "+", "+" },
	.tree = "|",
	.tree_last = "`",
	.marker = ">",
	.warning = "!",
	.descending = "v",
	.ascending = "^",
	.thread_busy = "#",
	.thread_idle = ".",
	.not_applicable = ".",
	.separator = "-",
	.more = "~",
};

const struct lt_glyphs *lt_glyphs_for(bool is_ascii)
{
	return is_ascii ? &ascii : &utf8;
}
