# SPDX-License-Identifier: GPL-2.0-only
# Copyright (c) 2026 The looptop authors
"""The worst case: a loop that does nothing but turn, at each tier."""
import statistics
import sys
import time

from rig import ROUNDS, floor, node, snapshots, stop

TITLE = "A `setImmediate` spinner"
NOTE = "The loop does nothing but turn, the worst case. `memory` has no probe."

SPINNER = "const f=()=>setImmediate(f);f()"


def measure():
    cases = ["memory", "wait", "phases", "full"]
    spin = node(SPINNER)
    time.sleep(0.7)
    ns, hits = {case: [] for case in cases}, {case: [] for case in cases}
    for _ in range(ROUNDS):
        for case in cases:
            shot = snapshots(["-c", "1", "-i", "0.6", "--tier", case, "--no-pool", "--no-gc",
                              str(spin.pid)])[-1]
            process = shot["processes"][0]
            loop = process["loops"][0]
            turns = loop["iterations"]
            if not turns:
                sys.exit(f"tier {case}: the spinner's iterations are unknown")
            ns[case].append(shot["interval_seconds"] * 1e9 / turns)
            hits[case].append(process["probe_hits"] / turns)
    stop(spin)
    base = statistics.median(ns["memory"])
    rows = ["| tier | traps per iteration | ns per iteration | more than none | noise floor |",
            "|---|---|---|---|---|"]
    for case in cases:
        median = statistics.median(ns[case])
        rows.append(f"| {case} | {statistics.median(hits[case]):.2f} | {median:.0f} | "
                    f"{median - base:+.0f} ns | {floor(ns[case]) * 100:.1f} % |")
    return rows
