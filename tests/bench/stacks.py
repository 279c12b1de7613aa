# SPDX-License-Identifier: GPL-2.0-only
# Copyright (c) 2026 The looptop authors
"""The stack of a turn that is late."""
import statistics
import time

from rig import ROUNDS, TICKER, attach, detach, floor, node, snapshots, stop

TITLE = "The stack of a turn that is late"
NOTE = "A function of JavaScript that runs for 1.5 s at a time; its stack is taken 99 times a second."

WORKER = """function work() {
  let units = 0;
  const end = performance.now() + 1500;
  while (performance.now() < end) units++;
  console.log(units);
  setTimeout(work, 20);
}
work()"""


def own_cpu(script):
    """looptop's CPU on one such target, share of a core, once it has found all that there is to find."""
    target = node(script)
    time.sleep(1)
    shots = snapshots(["-c", "18", "-i", "1", str(target.pid)])[11:]
    stop(target)
    return statistics.mean(shot["self"]["cpu_seconds"] / shot["interval_seconds"] for shot in shots)


def measure():
    """A turn that is late all the time: its stack is taken, read from memory and named 99 times a second."""
    target = node(WORKER)
    units = {"none": [], "sampled": []}
    target.stdout.readline()
    for _ in range(ROUNDS):
        target.stdout.readline()
        units["none"].append(int(target.stdout.readline()))
        looptop, _ = attach([str(target.pid)])
        target.stdout.readline()
        target.stdout.readline()
        units["sampled"].append(int(target.stdout.readline()))
        detach(looptop)
    stop(target)
    medians = {case: statistics.median(values) for case, values in units.items()}
    idle, stalled = own_cpu(TICKER), own_cpu(WORKER)
    return ["| what | figure | noise floor |", "|---|---|---|",
            f"| work done in a stalled turn, sampled against not | "
            f"{(medians['sampled'] / medians['none'] - 1) * 100:+.2f} % | {floor(units['none']) * 100:.2f} % |",
            f"| CPU of looptop while nothing is late, share of a core | {idle * 100:.2f} % | |",
            f"| CPU of looptop while all turns are | {stalled * 100:.2f} % | |",
            f"| of that for each stack, taken, read and named | {(stalled - idle) / 99 * 1e6:.0f} us | |"]
