# SPDX-License-Identifier: GPL-2.0-only
# Copyright (c) 2026 The looptop authors
"""What looptop leaves behind in a target: nothing, however it ends."""

import contextlib
import os
import resource
import shutil
import signal
import subprocess
import time

import pytest
from support import looptop, procfs, torture
from support.looptop import NO_BUDGET, Stat, measure
from support.workload import NOTHING, add_beside


def assert_text_is_the_files(pid, within=60):
    """The kernel takes breakpoints away as it closes a dead program's files: soon, not at once."""
    deadline = time.monotonic() + within
    while changed := procfs.changed_text(pid):
        assert time.monotonic() < deadline, [hex(at) for at in changed]
        time.sleep(0.1)


def assert_works(target, seconds=0.3):
    truth = target.call("start", seconds=seconds)
    assert truth["timers"] > 0


@pytest.mark.parametrize("signum", [signal.SIGKILL, signal.SIGTERM])
def test_text_is_the_files_again(node, signum):
    with node.run("mixed.js") as target:
        assert procfs.changed_text(target.pid) == []
        with Stat(target.pid, tier="full", extra=(*NO_BUDGET, "--jit")) as stat:
            stat.wait_attached()
            target.send("start", seconds=0.8)
            assert procfs.changed_text(target.pid), "no breakpoint: this test would prove nothing"
            stat.process.send_signal(signum)
            stat.process.wait(10)
        assert_text_is_the_files(target.pid)
        target.answer("start")
        assert_works(target)


def test_killed_while_it_ends(one_node):
    """Whoever is impatient sends SIGKILL after SIGTERM: in the middle of taking the probes out."""
    with one_node.run("mixed.js") as target:
        for delay_ms in range(5, 80, 5):
            with Stat(target.pid) as stat:
                stat.wait_attached()
                assert procfs.changed_text(target.pid), "no breakpoint: this test would prove nothing"
                stat.process.terminate()
                time.sleep(delay_ms / 1e3)
                stat.process.kill()
                stat.process.wait(10)
            assert_text_is_the_files(target.pid)


def cycles(node, count):
    with node.run("mixed.js") as target:
        steady = None
        for i in range(count):
            # A little work in each, so that probes are hit as they come and go.
            target.send("start", seconds=0.05)
            extra = (*NO_BUDGET, "--jit", "-c", "1")
            with Stat(target.pid, tier="full", interval=0.1, extra=extra) as stat:
                stat.wait_attached()
                stat.finish()
            target.answer("start")
            if i == 2:
                steady = (procfs.fd_count(target.pid), procfs.map_count(target.pid))
        after = (procfs.fd_count(target.pid), procfs.map_count(target.pid))
        assert_text_is_the_files(target.pid)
        assert_works(target)
    assert after[0] == steady[0], "descriptors of the target"
    # V8 maps and unmaps its heap as it likes; what piles up does so cycle by cycle.
    assert abs(after[1] - steady[1]) <= 8 + count // 20, "mappings of the target"


def test_attach_and_detach_again(node):
    cycles(node, 10)


def test_attach_and_detach_200_times(one_node):
    cycles(one_node, 200)


@pytest.mark.parametrize("action", ["kill", "errno"])
def test_seccomp_target_survives(node, seccomp_run, action):
    """Under a filter that refuses the system calls of uretprobes and optimised uprobes."""
    with node.run("mixed.js", launcher=[seccomp_run, action]) as target:
        truth, process = measure(target, "start", tier="full", seconds=1)
        assert target.alive
        process.loop().assert_busy(truth)
        assert_works(target)


@pytest.mark.parametrize("how", ["deleted", "replaced"])
def test_binary_that_is_no_longer_there(one_node, tmp_path, how):
    """Probes go by the mapped file, not by its path, where another file may lie by now."""
    binary = tmp_path / "node"
    shutil.copy(one_node.path, binary)
    with type(one_node)(one_node.major, binary).run("mixed.js") as target:
        binary.unlink()
        if how == "replaced":
            shutil.copy("/bin/true", binary)
        truth, process = measure(target, "start", seconds=1)
    process.loop().assert_busy(truth)


@pytest.mark.parametrize("delay_ms", [0, 10, 30, 60, 100, 150, 250, 400])
def test_target_that_dies_while_we_attach(one_node, delay_ms):
    with one_node.run("mixed.js") as target:
        with Stat(target.pid) as stat:
            time.sleep(delay_ms / 1e3)
            target.process.kill()
            code = stat.process.wait(10)
        # 3: nothing was measured yet; 0: an end like any other.
        assert code in (0, 3), (code, stat.messages)
        if code == 3:
            assert 1 <= len([m for m in stat.messages if "attached" not in m]) <= 3, stat.messages


def test_target_that_dies_while_we_measure(one_node):
    with one_node.run("mixed.js") as target:
        target.send("start", seconds=5)
        with Stat(target.pid) as stat:
            stat.wait_attached()
            stat.wait_snapshots(2)
            target.process.kill()
            series = stat.finish(0, timeout=5)
    assert len(series) >= 2


def test_one_of_two_targets_dies(one_node):
    with one_node.run("mixed.js") as target, one_node.run("mixed.js") as other:
        with Stat(target.pid, other.pid) as stat:
            stat.wait_attached()
            stat.wait_snapshots(1)
            other.process.kill()
            truth = target.call("start", seconds=1)
            stat.settle()
            series = stat.stop()
        add_beside(truth, NOTHING, target.account())
    assert series.of(other.pid).entries
    assert other.pid not in [p["pid"] for p in series.snapshots[-1]["processes"]]
    series.of(target.pid).loop().assert_busy(truth)


def test_many_targets_die_at_once(one_node):
    """The kernel takes its time with their probes: that is left to children, of whom none stays."""
    generic = subprocess.Popen(["/usr/bin/python3", "-c", "import asyncio; asyncio.run(asyncio.sleep(60))"])
    with contextlib.ExitStack() as stack:
        stack.callback(generic.wait, 10)
        stack.callback(generic.kill)
        targets = [stack.enter_context(one_node.run("mixed.js")) for _ in range(6)]
        pids = [target.pid for target in targets]
        with Stat(generic.pid, *pids, tier="full") as stat:
            stat.wait_attached()
            stat.wait_snapshots(1)
            generic.kill()  # it has no probes of its own in it
            generic.wait(10)
            stat.settle()
            guard = torture.guard_of(stat.process.pid)
            links = torture.link_count(guard)
            helpers = torture.children(stat.process.pid)
            for target in targets[1:]:
                target.process.kill()
            stat.settle()
            truth = targets[0].call("start", seconds=1)
            stat.settle()
            deadline = time.monotonic() + 60
            while (left := torture.children(guard) + torture.children(stat.process.pid)) != helpers:
                assert time.monotonic() < deadline, left
                time.sleep(0.1)
            assert 0 < torture.link_count(guard) <= links // len(targets)
            assert procfs.changed_text(pids[0])
            series = stat.stop()
        assert_text_is_the_files(pids[0])
        add_beside(truth, NOTHING, targets[0].account())
    series.of(pids[0]).loop().assert_busy(truth)
    assert [p["pid"] for p in series.snapshots[-1]["processes"]] == pids[:1]


def test_two_targets_and_two_observers(one_node):
    """Two processes in one run, and a second looptop beside it: all see the same."""
    with one_node.run("mixed.js") as first, one_node.run("mixed.js") as second:
        with Stat(first.pid, second.pid, tier="full") as both, Stat(first.pid) as one:
            both.wait_attached()
            one.wait_attached()
            first.send("start", seconds=1)
            truth_second = second.call("start", seconds=1)
            truth_first = first.answer("start")
            both.settle()
            one.settle()
            seen, beside = both.stop(), one.stop()
        add_beside(truth_first, NOTHING, first.account())
        add_beside(truth_second, NOTHING, second.account())
    for series, target, truth in (
        (seen, first, truth_first),
        (seen, second, truth_second),
        (beside, first, truth_first),
    ):
        series.assert_sound()
        series.of(target.pid).loop().assert_busy(truth)


def test_idle_target_is_not_woken(idle):
    """An idle process sleeps on: no context switch and no CPU time more than by itself."""
    seconds = 3
    before, spent_before = procfs.wakeups(idle.pid), procfs.cpu_ns(idle.pid)
    time.sleep(seconds)
    by_itself = procfs.wakeups(idle.pid) - before
    spends = procfs.cpu_ns(idle.pid) - spent_before
    with Stat(idle.pid, tier="full", interval=0.2) as stat:
        stat.wait_attached()
        stat.wait_snapshots(1)
        switches, spent = procfs.wakeups(idle.pid), procfs.cpu_ns(idle.pid)
        time.sleep(seconds)
        watched = procfs.wakeups(idle.pid) - switches
        spent = procfs.cpu_ns(idle.pid) - spent
        stat.stop()
    assert watched <= by_itself + 1
    assert spent <= 1.5 * spends + 1e5, f"{spent} ns of CPU time in {seconds} s, {spends} by itself"


def process_start_seconds():
    """What it takes of this machine's CPU to start a process that does nothing."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    for _ in range(50):
        subprocess.run(["/bin/true"], check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime) / 50


def test_looptop_itself_is_small(idle):
    """An interval costs it less than starting eight processes would."""
    with Stat(idle.pid, interval=0.2) as stat:
        stat.wait_attached()
        stat.wait_snapshots(2)
        before, begun = procfs.cpu_ns(stat.process.pid), len(stat.snapshots)
        stat.wait_snapshots(12)
        each = (procfs.cpu_ns(stat.process.pid) - before) / 1e9 / (len(stat.snapshots) - begun)
        with open(f"/proc/{stat.process.pid}/statm", encoding="ascii") as statm:
            resident = int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
        stat.stop()
    unit = process_start_seconds()
    print(f"an interval: {each * 1e3:.2f} ms, a process: {unit * 1e3:.2f} ms")
    assert each < 8 * unit
    assert resident < 30e6


def cpu_to_attach(pid, cache):
    """What looptop uses of a CPU until it has measured once, with that cache."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    with Stat(pid, interval=0.1, extra=(*NO_BUDGET, "-c", "1"), env={"XDG_CACHE_HOME": str(cache)}) as stat:
        stat.wait_attached()
        stat.finish()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def test_a_file_that_is_known_is_not_analysed_again(one_node, tmp_path):
    """With a cache it costs less than without one, in turns. Of several the cheapest: what the machine does beside only
    ever adds to it. How long it takes is in the bench."""
    with one_node.run("mixed.js") as target:
        caches = [tmp_path / f"cache{i}" for i in range(5)]
        pairs = [(cpu_to_attach(target.pid, cache), cpu_to_attach(target.pid, cache)) for cache in caches]
    cold, warm = (sorted(costs) for costs in zip(*pairs))
    print(f"CPU seconds: cold {cold}, warm {warm}")
    assert warm[0] < cold[0]


def test_budget_takes_the_tier_down(one_node):
    """Immediates hit the probes without end: over the budget, less is measured, and it says so."""
    with one_node.run("spin.js") as target:
        target.call("ping")
        with Stat(target.pid, tier="auto", extra=("--budget", "1")) as stat:
            stat.wait_attached()
            target.call("immediates", seconds=3)
            stat.settle()
            series = stat.stop()
    entries = series.of(target.pid).entries
    tiers = [entry["tier"] for entry in entries]
    assert tiers[0] == "phases"
    assert "memory" in tiers or "wait" in tiers, tiers
    low = next(entry for entry in entries if entry["tier"] != "phases")
    assert any("budget" in sentence.lower() for sentence in low["missing"]), low["missing"]


def test_probes_are_gone_after_a_failed_run(one_node):
    """An error after attaching: output that cannot be written."""
    with one_node.run("mixed.js") as target:
        with open("/dev/full", "w", encoding="ascii") as full:
            result = looptop.subprocess.run(
                [str(looptop.BINARY), "stat", "--json", "-i", "0.2", "-c", "5", str(target.pid)],
                stdout=full,
                stderr=looptop.subprocess.PIPE,
                text=True,
                timeout=20,
            )
        assert result.returncode == 1
        assert "space" in result.stderr.lower(), result.stderr
        assert_text_is_the_files(target.pid)
        assert_works(target)
