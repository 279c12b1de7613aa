/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
#ifndef LOOPTOP_TARGET_IMAGE_CHECK_H
#define LOOPTOP_TARGET_IMAGE_CHECK_H

#include "looptop/runtime.h"

/* Whatever a broken cache holds or a hostile file made its reader tell: the image's figures and texts stay within
 * their bounds. Where they lead to in a process is for those to check who go there. */
bool lt_image__is_sane(const struct lt_image *image);

#endif
