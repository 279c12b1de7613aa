/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/* How much is kept: each version of a file has an entry of its own, and nobody asks for those before it again. */
#ifndef LOOPTOP_TARGET_CACHE_ROOM_H
#define LOOPTOP_TARGET_CACHE_ROOM_H

#define LT_CACHE_SUFFIX	     ".sites"
#define LT_CACHE_ENTRIES_MAX 64

/* Removes from a directory of entries those of other formats, what a writer that was killed left behind, and the
 * oldest, so that one more is not too many. */
void lt_cache_make_room(int dir, unsigned format);

#endif
