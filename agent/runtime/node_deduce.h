/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The looptop authors */
/* Within agent/runtime: what Node's exported functions lead to in a stripped file. */
#ifndef LOOPTOP_RUNTIME_NODE_DEDUCE_H
#define LOOPTOP_RUNTIME_NODE_DEDUCE_H

struct lt_deducing;

/* The beginning of the mangled name of the lambda in ThreadPoolWork::ScheduleWork(). */
#define LT_NODE_SCHEDULE_WORK "_ZZN4node14ThreadPoolWork12ScheduleWorkEvEN"

/* Tells the work callback of pool tasks, and the clone of V8's PerformGarbageCollection if it has one. */
void lt_node_deduce(const struct lt_deducing *deducing);

#endif
