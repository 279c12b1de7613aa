# SPDX-License-Identifier: GPL-2.0-only
# Copyright (c) 2026 The looptop authors
"""How long it takes until the probes are live."""
import os
import pathlib
import shutil
import statistics
import tempfile
import time

from rig import ROUNDS, TICKER, attach, detach, node, stop

TITLE = "Attaching"
NOTE = "From the start of the command."


def measure():
    target = node(TICKER)
    time.sleep(0.5)
    cold, warm = [], []
    with tempfile.TemporaryDirectory() as cache:
        os.environ["XDG_CACHE_HOME"] = cache
        for _ in range(ROUNDS):
            shutil.rmtree(pathlib.Path(cache) / "looptop", ignore_errors=True)
            for times in (cold, warm):
                looptop, seconds = attach([str(target.pid)])
                times.append(seconds * 1000)
                detach(looptop)
        del os.environ["XDG_CACHE_HOME"]
    stop(target)
    return ["| site cache | start to probes live, median (ms) | longest (ms) |", "|---|---|---|",
            f"| cold | {statistics.median(cold):.0f} | {max(cold):.0f} |",
            f"| warm | {statistics.median(warm):.0f} | {max(warm):.0f} |"]
