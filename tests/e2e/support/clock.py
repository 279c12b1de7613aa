# SPDX-License-Identifier: GPL-2.0-only
# Copyright (c) 2026 The looptop authors
"""Moments of CLOCK_MONOTONIC, which the workloads tell, as looptop tells them."""

import time


def unix_time(monotonic):
    """Read again and again: the narrowest reading is of a thread that was not held up in it."""
    readings = []
    for _ in range(20):
        before = time.monotonic()
        wall = time.time()
        readings.append((time.monotonic() - before, wall - before))
    return monotonic + min(readings)[1]
