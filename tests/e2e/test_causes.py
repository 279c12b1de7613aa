# SPDX-License-Identifier: GPL-2.0-only
# Copyright (c) 2026 The looptop authors
"""What busy time was spent on, against the kernel's account of the thread and the process's own.

Each piece of work is a turn longer than the stall threshold, so that every stall's causes are
compared with the account of the same turn (workloads/causes.js), and the sums with all of it.
"""

from contextlib import nullcontext

import pytest
from support.clock import unix_time
from support.looptop import measure
from support.pressure import CpuLimit, Hog, Waited, one_cpu, pin, unlimited
from support.stalls import covers

CAUSES = ("cpu", "gc", "sync_io", "runqueue", "throttled", "unknown")
ALONE = [["cpu", 250, 2], ["gc", 300, 2], ["exec", 250, 1], ["fifo", 250, 1]]
MIXED = [["cpu+exec+gc+fifo", 90, 2]]


class Turn:
    """A turn of the workload: its own account, and the stall that looptop told for it."""

    def __init__(self, account, stall, pauses):
        self.kind = account["kind"]
        self.seconds = account["end"] - account["start"]
        self.ran = account["ran"]
        self.delayed = account["delayed"]
        self.asleep = account["away"] - account["delayed"]
        self.held = account["held"]
        inside = [p for p in pauses if account["start"] <= p["start"] <= account["end"]]
        self.gc = sum(pause["seconds"] for pause in inside if pause["kind"] != "incremental")
        # Node's entries of this kind are about beginning and end of marking; looptop times its slices.
        self.marking = sum(pause["seconds"] for pause in inside if pause["kind"] == "incremental")
        self.stall = stall
        self.causes = {cause: stall["cause_seconds"][cause] for cause in CAUSES}
        # The kernel adds to a running thread's account at each tick only (4 ms at most), at both
        # ends; the turn has what Node does around the callback, which is in no account.
        self.floor = 0.008 + max(stall["seconds"] - self.seconds, 0)

    def assert_is(self, causes, truth):
        """The sum of these causes is the truth, to 5 % and the floor."""
        seen = sum(self.causes[cause] for cause in causes.split("+"))
        told = (causes, seen, truth, self.kind, self.causes, vars(self))
        assert seen == pytest.approx(truth, rel=0.05, abs=self.floor), told

    def assert_is_collecting(self, slices):
        """As Node's own entries have it, but for what the thread wanted a CPU for in the middle."""
        assert self.causes["gc"] >= self.gc * 0.95 - self.delayed - 0.005, vars(self)
        assert self.causes["gc"] <= (self.gc + self.marking) * 1.05 + slices + 0.005, vars(self)


class Run:
    def __init__(self, truth, process):
        self.truth = truth
        self.process = process
        self.loop = process.loop()
        self.slices = process.gc("incremental_step")["seconds"]
        stalls = [self.stall_of(account) for account in truth["turns"]]
        # Others are turns outside of the work that were kept from running, or whose collector's helpers were.
        for stall in self.loop.stalls:
            causes = stall["cause_seconds"]
            assert stall in stalls or causes["cpu"] + causes["sync_io"] < 0.1, stall
        self.turns = [Turn(*pair, truth["pauses"]) for pair in zip(truth["turns"], stalls)]

    def stall_of(self, account):
        moment = unix_time((account["start"] + account["end"]) / 2)
        found = [stall for stall in self.loop.stalls if covers(stall, moment)]
        assert len(found) == 1, (account, self.loop.stalls)
        return found[0]

    def of(self, kind):
        return [turn for turn in self.turns if turn.kind == kind]

    def total(self, cause):
        return sum(row["cause_seconds"][cause] for row in self.loop.rows)


@pytest.fixture(scope="module")
def run(node):
    with node.run("causes.js") as target:
        unlimited(target.pid)
        with Waited(target.pid) as waited:
            truth, process = measure(target, "run", parts=ALONE + MIXED, gap_ms=30)
        return Run({**truth, "waited": waited.seconds}, process)


def assert_sums_are_busy(run):
    for row in run.loop.rows:
        total = sum(row["cause_seconds"][cause] for cause in CAUSES)
        assert total == pytest.approx(row["busy_seconds"], rel=0.01, abs=1e-5), row
        assert all(row["cause_seconds"][cause] >= 0 for cause in CAUSES), row
    for turn in run.turns:
        assert sum(turn.causes.values()) == pytest.approx(turn.stall["seconds"], rel=0.01)
        largest = max(turn.causes, key=turn.causes.get)
        assert turn.stall["cause"] == largest, turn.causes
    assert run.total("unknown") <= 0.01 * run.loop.total("busy_seconds")


def test_causes_add_up_to_busy(run):
    assert_sums_are_busy(run)


def test_work_on_the_cpu(run):
    for turn in run.of("cpu"):
        # The burning itself never sleeps; the collector may, and a page of code that has to be read again.
        turn.assert_is("cpu+gc+sync_io", turn.ran + turn.asleep)
        assert turn.causes["sync_io"] <= turn.asleep + turn.floor, vars(turn)
        turn.assert_is_collecting(run.slices)


def test_no_more_cpu_than_the_process_used(run):
    """Of its own account of all its threads. Helpers of the collector run beside the loop, which waits for them in a
    pause: also while they want a CPU themselves."""
    spent = run.total("cpu") + run.total("gc")
    floor = sum(turn.floor for turn in run.turns)
    assert spent <= run.truth["cpu"] * 1.02 + floor + run.truth["waited"]


def test_collections(run):
    assert sum(turn.gc for turn in run.of("gc")) > 0.015, ("the load makes too little garbage", run.truth["pauses"])
    for turn in run.of("gc"):
        turn.assert_is_collecting(run.slices)
        # Waiting for the collector's own helpers is no input or output; for memory that they map, it is.
        assert turn.causes["sync_io"] <= turn.asleep + turn.floor, vars(turn)


@pytest.mark.parametrize("kind", ["exec", "fifo"])
def test_asleep_in_a_system_call(run, kind):
    for turn in run.of(kind):
        assert turn.asleep > 0.2
        turn.assert_is("sync_io", turn.asleep)
        turn.assert_is("cpu+gc", turn.ran)
        assert turn.stall["cause"] == "sync_io"


def test_waiting_for_a_cpu_is_as_the_scheduler_says(run):
    for turn in run.turns:
        turn.assert_is("runqueue", turn.delayed)
        turn.assert_is("throttled", 0)


def test_several_causes_in_one_turn(run):
    for turn in run.of("cpu+exec+gc+fifo"):
        turn.assert_is("cpu+gc+sync_io", turn.ran + turn.asleep)
        assert turn.causes["sync_io"] >= 2 * 0.09
        assert turn.causes["gc"] >= turn.gc * 0.95 - turn.delayed - 0.005
        assert turn.causes["cpu"] >= 0.09 * 0.9 - turn.delayed


def test_another_process_on_the_same_cpu(one_node):
    cpu = one_cpu()
    with one_node.run("causes.js") as target:
        unlimited(target.pid)
        pin(target.pid, cpu)
        with Hog(cpu):
            run = Run(*measure(target, "run", parts=[["cpu", 400, 2]], gap_ms=30))
    assert_sums_are_busy(run)
    for turn in run.turns:
        assert turn.delayed > 0.1, "the other process had too little of the CPU"
        turn.assert_is("runqueue", turn.delayed)
        turn.assert_is("cpu+gc", turn.ran + turn.asleep)  # in the collector
        turn.assert_is("throttled", 0)


def limited(node, with_other):
    """A process with a tenth of one CPU, which it gets on a busy machine too; also with another one on that CPU."""
    cpu = one_cpu()
    with node.run("causes.js") as target, CpuLimit(target.pid, 0.1) as limit:
        pin(target.pid, cpu)
        target.call("ping")
        with Hog(cpu) if with_other else nullcontext():
            return Run(*measure(target, "run", parts=[["cpu", 500, 2]], gap_ms=150, limit=str(limit.stat)))


def test_a_cpu_limit(one_node):
    run = limited(one_node, with_other=False)
    assert_sums_are_busy(run)
    for turn in run.turns:
        turn.assert_is("throttled+runqueue", turn.seconds - turn.ran)
        turn.assert_is("cpu+gc", turn.ran)
        assert turn.held > 0.1, "the kernel held it for too short a time"
        turn.assert_is("throttled", turn.held)


def test_a_cpu_limit_and_another_process(one_node):
    """Held by the limit, and without a CPU between: both, and neither for the other."""
    run = limited(one_node, with_other=True)
    assert_sums_are_busy(run)
    for turn in run.turns:
        turn.assert_is("throttled+runqueue", turn.seconds - turn.ran)
        assert turn.held > 0.1, "the kernel held it for too short a time"
        assert turn.causes["runqueue"] > 0.02, turn.causes
        turn.assert_is("throttled", turn.held)
