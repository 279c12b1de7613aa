# SPDX-License-Identifier: GPL-2.0-only
# Copyright (c) 2026 The looptop authors
"""The worst case: a loop that does nothing but turn."""
import time

from compare import compare, table

TITLE = "A `setImmediate` spinner"
NOTE = """The loop does nothing but turn, and every turn is a hit for each probe: the worst case. The budget (1 % of a
core by default) is off here; with it, the probes would be gone after 1.5 s."""


def measure():
    costs = compare("spinner", {"turns": lambda target: time.sleep(0.5)})
    return table(costs["turns"], "turn")
