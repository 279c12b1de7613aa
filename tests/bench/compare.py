# SPDX-License-Identifier: GPL-2.0-only
# Copyright (c) 2026 The looptop authors
"""One load under each of the ways to measure it, in alternation: what a unit of its work costs.

In a round each way has its turn, and its cost is divided by what the same round's unmeasured turn cost; the
figure is the median of those ratios. What the machine does to all of them alike is not in it.
"""
import contextlib
import statistics
import subprocess

from rig import NODE, ROOT, ROUNDS, floor
from support.workload import Workload
from ways import Bpftrace, Looptop, Nothing, tier

COST = ROOT / "tests/workloads/cost.js"
NOTHING = "nothing"
MEMORY = "looptop, tier `memory`"

# (what a row says, the process it is done to, how, the process whose work is counted)
ROWS = (
    (NOTHING, "plain", Nothing, "plain"),
    ("nothing, once more", "plain", Nothing, "plain"),
    ("nothing, in another process", "other", Nothing, "other"),
    ("looptop, in another process", "other", Looptop, "plain"),
    (MEMORY, "plain", tier("memory"), "plain"),
    ("looptop, tier `wait`", "plain", tier("wait"), "plain"),
    ("looptop, tier `phases`", "plain", tier("phases"), "plain"),
    ("looptop, tier `full`", "plain", tier("full"), "plain"),
    ("looptop by default: `phases`, pool, GC", "plain", Looptop, "plain"),
    ("bpftrace, the probes of `phases`", "plain", Bpftrace, "plain"),
    ("`monitorEventLoopDelay()`", "delay", Nothing, "delay"),
    ("prom-client's default metrics", "prom-client", Nothing, "prom-client"),
)


def prom_client():
    done = subprocess.run([ROOT / "tests/get-prom-client"], check=True, text=True, stdout=subprocess.PIPE)
    return done.stdout.strip()


@contextlib.contextmanager
def processes(load):
    """The same load in four processes: {plain, other, delay, prom-client}."""
    env = {"LT_PROM_CLIENT": prom_client()}
    with contextlib.ExitStack() as stack:
        yield {name: stack.enter_context(Workload([NODE, COST, load, *inside], env)) for name, inside in
               (("plain", []), ("other", []), ("delay", ["delay"]), ("prom-client", ["prom-client"]))}


class Costs:
    """What was measured for one row: seconds of CPU for a unit, and hits for one, round by round."""

    def __init__(self):
        self.seconds, self.hits = [], []

    def add(self, truth, hits):
        self.seconds.append(truth["cpu"] / truth["units"])
        if hits is not None:
            self.hits.append(hits / truth["units"])


def window(target, run):
    target.call("begin")
    run(target)
    return target.call("end")


def one_round(targets, runs, tables, rows):
    for row, done_to, way, counted in rows:
        with way(targets[done_to].pid) as measuring:
            for name, run in runs.items():
                truth = window(targets[counted], run)
                hits = measuring.hits() if done_to == counted else None
                tables[name][row].add(truth, hits)


def table(rows, unit):
    """The lines of a table; of a unit's CPU time in us."""
    lines = [f"| measured by | traps for each {unit} | CPU for each {unit} (us) | more than nothing | noise floor |",
             "|---|---|---|---|---|"]
    base = rows[NOTHING].seconds
    for row, costs in rows.items():
        ratios = [ours / theirs for ours, theirs in zip(costs.seconds, base)]
        hits = f"{statistics.median(costs.hits):.2f}" if costs.hits else ""
        more = "" if row == NOTHING else f"{(statistics.median(ratios) - 1) * 100:+.1f} %"
        noise = "" if row == NOTHING else f"{floor(ratios) * 100:.1f} %"
        lines.append(f"| {row} | {hits} | {statistics.median(costs.seconds) * 1e6:.2f} | {more} | {noise} |")
    return lines


def compare(load, runs, prepare=None, without=()):
    """runs: {name: what a window does while the load runs}. {name: {row: Costs}}."""
    rows = [row for row in ROWS if row[0] not in without]
    tables = {name: {row[0]: Costs() for row in rows} for name in runs}
    with processes(load) as targets:
        for target in targets.values():
            if prepare:
                prepare(target)
            for run in runs.values():  # compiled and warm before the first round
                window(target, run)
        for _ in range(ROUNDS):
            one_round(targets, runs, tables, rows)
    return tables
