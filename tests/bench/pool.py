# SPDX-License-Identifier: GPL-2.0-only
# Copyright (c) 2026 The looptop authors
"""The thread pool's worst case: tasks that do nearly nothing, one after the other."""
import time

from compare import MEMORY, compare, table

TITLE = "A storm in the thread pool"
NOTE = """`fs.stat()` of one file, 64 at a time, all the time: tasks of a few microseconds. CPU time is that of all
threads. A task has a trap where it is submitted, started, finished and delivered."""


def measure():
    costs = compare("pool", {"tasks": lambda target: time.sleep(0.5)}, without=(MEMORY,))
    return table(costs["tasks"], "task")
