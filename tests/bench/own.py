# SPDX-License-Identifier: GPL-2.0-only
# Copyright (c) 2026 The looptop authors
"""What looptop itself takes, by the number of targets."""
import statistics
import time

from rig import TICKER, node, snapshots, stop

TITLE = "looptop itself, at 1 s"
NOTE = "Idle targets with a timer of 50 ms, after the first ten intervals."


def measure():
    rows = ["| targets | CPU of looptop, share of a core | resident memory |", "|---|---|---|"]
    for count in (1, 10, 50):
        targets = [node(TICKER) for _ in range(count)]
        time.sleep(1 + count / 15)
        shots = snapshots(["-c", "16", "-i", "1", *[str(target.pid) for target in targets]])[11:]
        cpu = statistics.median(shot["self"]["cpu_seconds"] / shot["interval_seconds"] for shot in shots)
        rows.append(f"| {count} | {cpu * 100:.2f} % | {shots[-1]['self']['rss_bytes'] / 2**20:.0f} MiB |")
        for target in targets:
            stop(target)
    return rows
