# SPDX-License-Identifier: GPL-2.0-only
# Copyright (c) 2026 The looptop authors
"""Which process is measured how closely, and the budgets: of a target, of the host."""

import contextlib
import json
import os
import re
import subprocess
import time

import pytest
from support import PATIENCE, looptop, procfs
from support.looptop import Stat, run
from support.pressure import waited_seconds
from support.screen import Screen

BUDGET = ("--budget", "1")
# For spinners: so little that they are over it on a machine that lets them turn a hundredth as often as they would.
TINY, TINY_RATIO, TINY_TOLD = ("--budget", "0.1"), 0.001, "over the budget of 0.1 %"


def is_told(entry, text):
    return any(text in sentence for sentence in entry["missing"])


def wait_until(stat, condition, seconds, what):
    """Waits for a snapshot that fulfils the condition, and returns it."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        for snapshot in stat.snapshots:
            if condition(snapshot):
                return snapshot
        time.sleep(0.05)
    raise AssertionError(f"no {what}: {str(stat.snapshots[-1])[:3000]}")


def process_of(snapshot, pid):
    return next((p for p in snapshot["processes"] if p["pid"] == pid), None)


@contextlib.contextmanager
def spinning(node):
    """Immediates without end: hundreds of thousands of turns a second, each of which would be a hit."""
    with node.run("spin.js") as target:
        target.call("ping")
        target.send("immediates", seconds=10 * PATIENCE)  # until its input ends
        yield target


def counted(stat, target):
    """How often the loop went round between two of its own counts: (all of the intervals between them, the process
    itself, all of the intervals that have a part of it)."""
    times = [time.time()]
    first = target.account()["loop_count"]
    times.append(time.time())
    stat.settle(PATIENCE)
    stat.settle(PATIENCE)
    times.append(time.time())
    second = target.account()["loop_count"]
    times.append(time.time())
    stat.settle(PATIENCE)
    inner = outer = 0
    for snapshot in stat.snapshots:
        begin, end = snapshot["time"] - snapshot["interval_seconds"], snapshot["time"]
        iterations = process_of(snapshot, target.pid)["loops"][0]["iterations"]
        inner += iterations if times[1] <= begin and end <= times[2] else 0
        outer += iterations if times[0] < end and begin < times[3] else 0
    return inner, second - first, outer


def test_spinner_is_held_under_the_budget(one_node):
    with spinning(one_node) as target:
        with Stat(target.pid, interval=1, extra=TINY) as stat:
            stat.wait_attached(PATIENCE)
            attached, held = time.time(), waited_seconds(stat.process.pid, stat.process.pid)
            wait_until(stat, lambda s: process_of(s, target.pid)["tier"] == "memory", PATIENCE, "lower tier")
            held = waited_seconds(stat.process.pid, stat.process.pid) - held
            inner, told, outer = counted(stat, target)
            series = stat.stop(timeout=PATIENCE)
    rows = [(s, process_of(s, target.pid)) for s in series.snapshots]
    assert rows[0][0]["self"]["overhead_ratio"] > TINY_RATIO, "no spinner: this test would prove nothing"
    # Its true rate, once nobody is in its way.
    assert 0 < inner <= told <= outer
    for snapshot, row in rows:
        began = snapshot["time"] - snapshot["interval_seconds"]
        if began < attached + held + 3 - 0.1:
            continue
        assert row["tier"] == "memory"
        assert snapshot["self"]["overhead_ratio"] <= TINY_RATIO
        loop = row["loops"][0]
        assert loop["turns"] is None and loop["lag_seconds"]["p99"] is None
        # What memory tells is still told, and right.
        assert loop["utilization"] == pytest.approx(1, abs=0.05)
        assert is_told(row, TINY_TOLD), row["missing"]
    assert began >= attached + held + 3 - 0.1, "not one interval was looked at"
    assert sum(s["self"]["tier_changes"]["budget"] for s in series.snapshots) == 1
    assert sum(sum(s["self"]["tier_changes"].values()) for s in series.snapshots) == 1


def test_the_budget_holds_in_long_intervals_too(one_node):
    """The tier drops in the middle of an interval of 8 s; the figures of it are those of its memory."""
    with spinning(one_node) as target:
        with Stat(target.pid, interval=8, extra=(*TINY, "-c", "1")) as stat:
            stat.wait_attached(PATIENCE)
            probed = left = len(procfs.changed_text(target.pid))
            while left >= probed and stat.process.poll() is None:
                time.sleep(0.1)
                left = len(procfs.changed_text(target.pid))
            assert stat.snapshots == [] and left < probed, "the loop's breakpoints go before the interval ends"
            series = stat.finish(timeout=PATIENCE)
    snapshot = series.snapshots[0]
    row = process_of(snapshot, target.pid)
    assert row["tier"] == "memory"
    assert is_told(row, "over the budget")
    loop = row["loops"][0]
    assert loop["lag_seconds"]["p99"] is None and loop["turns"] is None
    assert loop["utilization"] == pytest.approx(1, abs=0.05)
    assert loop["busy_seconds"] + loop["idle_seconds"] == pytest.approx(snapshot["interval_seconds"], rel=0.05)


def test_one_that_calms_down_comes_back(one_node):
    with spinning(one_node) as target:
        with Stat(target.pid, interval=0.5, extra=TINY) as stat:
            stat.wait_attached(PATIENCE)
            low = wait_until(
                stat, lambda s: process_of(s, target.pid)["tier"] == "memory", PATIENCE, "lower tier"
            )
            target.call("stop")
            target.answer("immediates")
            calm = time.time()
            back = wait_until(
                stat,
                lambda s: s["time"] > calm and process_of(s, target.pid)["tier"] == "phases",
                PATIENCE,
                "way back",
            )
            stat.settle(PATIENCE)
            series = stat.stop(timeout=PATIENCE)
    assert low["time"] < back["time"]
    last = process_of(series.snapshots[-1], target.pid)
    assert last["tier"] == "phases" and not is_told(last, "budget")
    loop = last["loops"][0]
    assert loop["utilization"] is not None and loop["turns"] is not None
    assert last["gc"]["kinds"]["scavenge"]["count"] is not None, "its other probes are back too"
    changes = [s["self"]["tier_changes"] for s in series.snapshots]
    assert sum(c["recovered"] for c in changes) == 1


def test_what_collections_leave_is_unknown_without_their_probes(one_node, tmp_path):
    """Pool tasks without end cost more than the budget: all of these probes go, and collections go on unseen."""
    script = tmp_path / "collects.js"
    script.write_text(
        "const fs = require('fs'), task = () => fs.stat('/', task);"
        "setInterval(gc, 100);"
        "process.stdin.once('data', () => { for (let i = 0; i < 8; i++) task(); }).on('end', process.exit);"
        "console.log('ready');"
    )
    pipe = subprocess.PIPE

    def left(snapshot):
        return process_of(snapshot, target.pid)["loops"][0]["heap"]["used_after_gc_bytes"]

    with subprocess.Popen([one_node.path, "--expose-gc", script], stdin=pipe, stdout=pipe) as target:
        assert target.stdout.readline().strip() == b"ready"
        with Stat(target.pid, interval=0.5, extra=("--budget", "0.1")) as stat:
            stat.wait_attached()
            wait_until(stat, left, PATIENCE, "collection that was seen")
            target.stdin.write(b"go\n")
            target.stdin.flush()
            dropped = wait_until(
                stat, lambda s: process_of(s, target.pid)["gc"]["seconds"] is None, PATIENCE, "drop"
            )
            stat.settle()
            series = stat.stop()
        target.stdin.close()
    for snapshot in series.snapshots:
        entry = process_of(snapshot, target.pid)
        if snapshot["time"] >= dropped["time"] and entry["gc"]["seconds"] is None:
            assert left(snapshot) is None
            assert is_told(entry, "needs garbage collection probes")


def test_looks_keep_distributions_alive(one_node, tmp_path):
    """Five times over the budget all the time: known for 1 s in 10, and the average is within it."""
    script = tmp_path / "ticks.js"
    script.write_text("setInterval(() => {}, 1); console.log('ready'); "
                      "process.stdin.on('end', process.exit).resume();")
    pipe = subprocess.PIPE
    with subprocess.Popen([one_node.path, script], stdin=pipe, stdout=pipe) as target:
        assert target.stdout.readline().strip() == b"ready"
        free = run("stat", "--json", "-i", "1", "-c", "2", "--budget", "100", target.pid)
        costs = [json.loads(line)["self"]["overhead_ratio"] for line in free.stdout.splitlines()]
        budget = costs[-1] / 5
        assert budget > 0.0001, costs
        with Stat(target.pid, interval=0.5, extra=("--budget", str(budget * 100))) as stat:
            stat.wait_attached()
            wait_until(
                stat, lambda s: s["self"]["tier_changes"]["sample_end"], PATIENCE, "end of a look"
            )
            stat.settle()
            series = stat.stop()
    rows = [(s["self"], process_of(s, target.pid)) for s in series.snapshots]
    dropped = next(i for i, (_, row) in enumerate(rows) if row["tier"] == "memory")
    rows = rows[dropped:]
    looks = [row for _, row in rows if row["tier"] == "phases"]
    assert 1 <= len(looks) <= 3, [row["tier"] for _, row in rows]
    for _, row in rows:
        loop = row["loops"][0]
        if row["tier"] == "phases":
            # What is told is of the look alone, and whole.
            assert loop["turns"] == pytest.approx(loop["iterations"], rel=0.1, abs=5)
            assert loop["lag_seconds"]["p99"] is not None
        else:
            assert loop["turns"] is None and loop["lag_seconds"]["p99"] is None
        assert loop["utilization"] is not None
        assert row is looks[-1] or row["tier"] == "phases" or is_told(row, "over the budget")
    assert all(is_told(row, "a tenth of the time") for row in looks)
    # A fifth of what it costs without: as much as was measured before, or more if the machine lets it tick more often now.
    spent = [own["overhead_ratio"] for own, _ in rows]
    assert sum(spent) / len(spent) <= max(costs + spent) / 5 * 1.2, spent


def test_the_loss_is_on_screen(one_node):
    """As text: the tier and the reason, in lines between the rows."""
    with spinning(one_node) as target:
        result = run("stat", "-c", "6", *TINY, target.pid, timeout=PATIENCE)
    assert result.returncode == 0, result.stderr
    assert re.search(r"\[\d+\]: now at tier memory", result.stdout), result.stdout
    assert re.search(rf"missing: tier memory.* {TINY_TOLD}", result.stdout)


def test_total_budget_is_held(one_node):
    """Two that are each within their budget, and together over that of all."""
    with spinning(one_node) as first, spinning(one_node) as second:
        extra = ("--budget", "1000", "--total-budget", "0.1")
        with Stat(first.pid, second.pid, interval=0.5, extra=extra) as stat:
            stat.wait_attached(PATIENCE)

            def is_held(snapshot):
                told = any(is_told(p, "total budget") for p in snapshot["processes"])
                return told and snapshot["self"]["overhead_ratio"] <= TINY_RATIO

            wait_until(stat, is_held, PATIENCE, "snapshot within the budget")
            series = stat.stop(timeout=PATIENCE)
    assert series.snapshots[0]["self"]["overhead_ratio"] > TINY_RATIO, "this test would prove nothing"
    assert sum(s["self"]["tier_changes"]["total_budget"] for s in series.snapshots) >= 1


def is_idle(row):
    utilization = row and row["loops"] and row["loops"][0]["utilization"]
    return utilization is not None and utilization < 0.05


def is_late(row):
    """Late, or among the busiest."""
    return row["stalled_seconds"] or row["stalls"] or (row["utilization"] or 0) >= 0.05


def cpu_of(what):
    """CPU time of the children that it starts and waits for."""
    before = os.times()
    what()
    after = os.times()
    return after.children_user + after.children_system - before.children_user - before.children_system


@pytest.mark.alone
def test_nobody_named(one_node):
    """20 processes that idle have no probe; the busy and the late one have; and it costs little."""
    with contextlib.ExitStack() as stack:
        idle = [stack.enter_context(one_node.run("mixed.js")) for _ in range(20)]
        busy = stack.enter_context(one_node.run("spin.js"))
        spinner = stack.enter_context(one_node.run("spin.js"))
        with Stat(interval=0.5, extra=BUDGET) as stat:
            stat.wait_attached()
            stat.wait_snapshots(4)
            quiet = wait_until(
                stat, lambda s: all(is_idle(process_of(s, t.pid)) for t in idle), PATIENCE, "snapshot of idle ones"
            )
            intervals, spent = len(stat.snapshots), procfs.cpu_ns(stat.process.pid)
            stat.wait_snapshots(10, PATIENCE)
            intervals = len(stat.snapshots) - intervals
            cost = (procfs.cpu_ns(stat.process.pid) - spent) / 1e9 / intervals
            patched = [t.pid for t in idle if procfs.changed_text(t.pid)]
            # One nextTick after the other: the loop stands.
            busy.send("starve", seconds=4)
            spinner.send("immediates", seconds=4)
            late = wait_until(
                stat, lambda s: process_of(s, busy.pid)["tier"] == "phases", PATIENCE, "closer look"
            )
            busy.answer("starve", PATIENCE)
            spinner.answer("immediates", PATIENCE)
            stat.settle(PATIENCE)
            series = stat.stop(timeout=PATIENCE)
        anew = cpu_of(lambda: run("list", timeout=PATIENCE))
    print(f"looptop: {cost * 1e3:.2f} ms of CPU time in an interval, {anew * 1e3:.2f} ms to look at all anew")
    assert cost < anew
    # A machine that keeps even those from running makes them late, and then they are looked at.
    late_ones = {p["pid"] for s in series.snapshots for p in s["processes"] if any(map(is_late, p["loops"]))}
    for target in idle:
        row = process_of(quiet, target.pid)
        if target.pid in late_ones:
            continue
        assert row["tier"] == "memory" and is_told(row, "measured by its memory alone")
        assert row["probe_hits"] == 0
    assert set(patched) <= late_ones, "breakpoints in processes that nobody wants to know about"
    ours = {t.pid for t in (*idle, busy, spinner)}
    assert sum(p["overhead_ratio"] for p in late["processes"] if p["pid"] in ours) <= 0.02
    ours = {t.pid for t in idle} - late_ones
    for snapshot in series.snapshots:
        for row in snapshot["processes"]:
            if row["pid"] in ours:
                assert row["tier"] == "memory", row
    spun = [p for s in series.snapshots for p in s["processes"] if p["pid"] == spinner.pid]
    assert any(is_told(p, "would cost") for p in spun)
    # Its price is known from its own counters: no probe is put in behind an interval in which it spun all the time.
    for before, row in zip(spun, spun[1:]):
        assert row["tier"] == "memory" or before["loops"][0]["utilization"] < 0.9, (before, row)


@pytest.mark.parametrize("argument", ["0", "-1", "nan", "much"])
def test_budgets_are_numbers(argument):
    looptop.assert_says_why(run("stat", "--total-budget", argument, 1), 2, "--total-budget")


@pytest.mark.alone
def test_the_one_that_is_open_on_the_screen(one_node):
    """Of two that idle, and that nobody named, it alone gets probes; the other one is not touched."""
    with one_node.run("mixed.js") as looked_at, one_node.run("mixed.js") as other:
        with Screen("-i", "0.5") as screen:
            screen.wait(lambda: b"mixed.js" in screen.shown, PATIENCE, "list")
            assert procfs.changed_text(looked_at.pid) == []
            screen.press(f"/{looked_at.pid}\r")
            time.sleep(0.3)
            screen.press("\r")
            screen.wait(lambda: procfs.changed_text(looked_at.pid), PATIENCE, "closer look")
            screen.wait(lambda: b"phases" in screen.shown, PATIENCE, "tier on the screen")
            assert procfs.changed_text(other.pid) == []
            assert screen.quit() == 0
        procfs.wait_text_back(looked_at.pid)
