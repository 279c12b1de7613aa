/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/*
 * Programs that say more of themselves in /proc than the name of their command: which part of it is a name.
 * They are told by the executable's file name, for nothing but the name hangs on it.
 */
#include "agent/runtime/registry.h"

const struct lt_name_rule lt_name_rules[] = {
	{ "nginx", LT_NAME_PART }, /* "nginx: worker process" */
	{ "redis-", LT_NAME_TITLE }, /* "redis-server 127.0.0.1:6379" */
	{ "valkey-", LT_NAME_TITLE },
	{ "python", LT_NAME_SCRIPT }, /* asyncio and uvloop alike: "python3 -u /srv/app.py" */
	{ 0 },
};
