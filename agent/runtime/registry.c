/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
#include "agent/runtime/registry.h"

const struct lt_runtime *const lt_runtimes[] = { &lt_runtime_node, &lt_runtime_libuv, NULL };
