# SPDX-License-Identifier: GPL-2.0-only
# Copyright (c) 2026 The looptop authors
"""A process with nothing to do, and what measuring it makes it do."""
import contextlib
import statistics
import time

from compare import COST, prom_client
from rig import NODE, ROUNDS
from support import procfs
from support.workload import Workload
from ways import Bpftrace, Looptop, Nothing

TITLE = "A process with nothing to do"
NOTE = """One timer a second. Each row is a process of its own, all at the same time. What measures from outside does
not wake the process; what measures from inside is a part of it."""
SECONDS = 4

# (what a row says, the process's arguments, how it is measured, scraped once a second)
ROWS = (
    ("nothing", [], Nothing, False),
    ("nothing, in another process", [], Nothing, False),
    ("looptop by default: `phases`, pool, GC", [], Looptop, False),
    ("bpftrace, the probes of `phases`", [], Bpftrace, False),
    ("`monitorEventLoopDelay()`", ["delay"], Nothing, False),
    ("prom-client's default metrics", ["prom-client"], Nothing, False),
    ("the same, scraped once a second", ["prom-client"], Nothing, True),
)


def account(target):
    return procfs.cpu_ns(target.pid), procfs.wakeups(target.pid)


def measure():
    spent = [[] for _ in ROWS]  # (us of CPU, wake-ups) for each second
    with contextlib.ExitStack() as stack:
        env = {"LT_PROM_CLIENT": prom_client()}
        targets = [stack.enter_context(Workload([NODE, COST, "idle", *row[1]], env)) for row in ROWS]
        time.sleep(3)  # Node's own start is over
        for (_, _, way, _), target in zip(ROWS, targets):
            stack.enter_context(way(target.pid))
        for _ in range(ROUNDS):
            before = [account(target) for target in targets]
            for _ in range(SECONDS):
                time.sleep(1)
                for row, target in zip(ROWS, targets):
                    if row[3]:
                        target.call("scrape")
            for figures, target, (cpu, wakeups) in zip(spent, targets, before):
                cpu_now, wakeups_now = account(target)
                figures.append(((cpu_now - cpu) / SECONDS / 1e3, (wakeups_now - wakeups) / SECONDS))
    lines = ["| measured by | CPU, us each second | from … to | wake-ups each second |", "|---|---|---|---|"]
    for row, figures in zip(ROWS, spent):
        cpu = [figure[0] for figure in figures]
        lines.append(f"| {row[0]} | {statistics.median(cpu):.0f} | {min(cpu):.0f} … {max(cpu):.0f} | "
                     f"{statistics.median(figure[1] for figure in figures):.1f} |")
    return lines
