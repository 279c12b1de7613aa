# SPDX-License-Identifier: GPL-2.0-only
# Copyright (c) 2026 The looptop authors
"""What looptop leaves behind in a target: nothing, however it ends."""

import contextlib
import os
import shutil
import signal
import subprocess
import time

import pytest
from support import looptop, procfs, torture
from support.looptop import NO_BUDGET, Stat, measure


def assert_text_is_the_files(pid, within=3):
    """The kernel takes breakpoints away as it closes a dead program's files: soon, not at once."""
    deadline = time.monotonic() + within
    while procfs.changed_text(pid):
        assert time.monotonic() < deadline, [hex(at) for at in procfs.changed_text(pid)]
        time.sleep(0.1)


def assert_works(target, seconds=0.3):
    truth = target.call("start", seconds=seconds)
    assert truth["timers"] > 5 and truth["immediates"] > 0


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
        process.loop().assert_busy(truth["active"])
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
    process.loop().assert_busy(truth["active"])


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
    assert series.of(other.pid).entries
    assert other.pid not in [p["pid"] for p in series.snapshots[-1]["processes"]]
    series.of(target.pid).loop().assert_busy(truth["active"])


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
            for target in targets[1:]:
                target.process.kill()
            stat.settle()
            truth = targets[0].call("start", seconds=1)
            stat.settle()
            deadline = time.monotonic() + 5
            while (left := torture.children(guard) + torture.children(stat.process.pid)) != [guard]:
                assert time.monotonic() < deadline, left
                time.sleep(0.1)
            assert 0 < torture.link_count(guard) <= links // len(targets)
            assert procfs.changed_text(pids[0])
            series = stat.stop()
        assert_text_is_the_files(pids[0])
    series.of(pids[0]).loop().assert_busy(truth["active"])
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
    for series, target, truth in (
        (seen, first, truth_first),
        (seen, second, truth_second),
        (beside, first, truth_first),
    ):
        series.assert_sound()
        series.of(target.pid).loop().assert_busy(truth["active"])


def test_idle_target_is_not_woken(idle):
    """An idle process sleeps on: no context switch and no CPU time more than by itself."""
    seconds = 3
    before = procfs.wakeups(idle.pid)
    time.sleep(seconds)
    by_itself = procfs.wakeups(idle.pid) - before
    with Stat(idle.pid, tier="full", interval=0.2) as stat:
        stat.wait_attached()
        stat.wait_snapshots(1)
        switches, spent = procfs.wakeups(idle.pid), procfs.cpu_ns(idle.pid)
        time.sleep(seconds)
        watched = procfs.wakeups(idle.pid) - switches
        spent = procfs.cpu_ns(idle.pid) - spent
        stat.stop()
    assert watched <= by_itself + 1
    assert spent < 1e6, f"{spent} ns of CPU time in {seconds} s"


def test_looptop_itself_is_small(idle):
    """At an interval of 0.2 s, five times more often than by default, under 5 % of a core."""
    with Stat(idle.pid, interval=0.2) as stat:
        stat.wait_attached()
        stat.wait_snapshots(2)
        before, begun = procfs.cpu_ns(stat.process.pid), time.monotonic()
        stat.wait_snapshots(12)
        share = (procfs.cpu_ns(stat.process.pid) - before) / 1e9 / (time.monotonic() - begun)
        with open(f"/proc/{stat.process.pid}/statm", encoding="ascii") as statm:
            resident = int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
        stat.stop()
    assert share < 0.05
    assert resident < 30e6


def test_attach_is_quick(one_node, tmp_path):
    """Cold: under 1.5 s with an empty cache; warm: under 300 ms. The fastest of five: what else the machine
    does only ever adds to it."""

    def seconds_to_attach(pid, cache):
        with Stat(pid, env={"XDG_CACHE_HOME": str(cache)}) as stat:
            took = stat.wait_attached()
            stat.stop()
        return took

    with one_node.run("mixed.js") as target:
        caches = [tmp_path / f"cache{i}" for i in range(5)]
        cold = sorted(seconds_to_attach(target.pid, cache) for cache in caches)
        warm = sorted(seconds_to_attach(target.pid, cache) for cache in caches)
    print(f"attach: cold {cold}, warm {warm}")
    assert cold[0] < 1.5
    assert warm[0] < 0.3


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
