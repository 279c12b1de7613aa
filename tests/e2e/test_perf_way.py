# SPDX-License-Identifier: GPL-2.0-only
# Copyright (c) 2026 The looptop authors
"""The ways of kernels without uprobe_multi links: a perf event for each probe; and before Linux 5.12
probes told apart by their addresses, and a lock around what has many writers. Same figures, same
manners. tests/vm has the kernels."""

import signal
import subprocess

import pytest
from support import looptop, procfs
from support.looptop import NO_BUDGET, Stat, measure
from test_safety import assert_text_is_the_files, assert_works

PERF = (*NO_BUDGET, "--attach", "perf")
OLDEST = (*NO_BUDGET, "--attach", "oldest")


@pytest.fixture(params=[PERF, OLDEST], ids=["perf", "oldest"])
def way(request):
    return request.param


def assert_same_figures(node, way):
    with node.run("mixed.js") as target:
        truth, process = measure(target, "start", tier="full", extra=way, seconds=1)
        process.loop().assert_busy(truth)
        if truth["loop_count"] is not None:
            process.loop().assert_iterations(truth)
        assert process.kind("fs")["completed"] == truth["timers"], "one fs.stat for each timer"
        assert_text_is_the_files(target.pid)


def test_same_figures(node):
    assert_same_figures(node, PERF)


def test_same_figures_in_the_oldest_way(one_node):
    assert_same_figures(one_node, OLDEST)


@pytest.mark.alone
def test_a_pool_that_is_used_from_many_threads(one_node):
    """Under the lock nothing is lost: 400 short tasks on four threads, each change of the pool's state
    seen by one of them. Here others could take the CPU from who holds it, for so long that somebody gives up and
    counts a loss; the kernels for which the lock is let nobody do that (tests/vm)."""
    with one_node.run("pool.js") as target:
        target.call("kinds", fs=1, dns=1, crypto=1, random=1, zlib=1)
        counts = {"fs": 400, "dns": 20, "crypto": 8, "random": 50, "zlib": 10}
        truth, process = measure(target, "kinds", extra=OLDEST, held=4, **counts)
    assert process.submitted() == {kind: told["count"] for kind, told in truth["kinds"].items()}
    for kind, told in truth["kinds"].items():
        record = process.kind(kind)
        assert record["started"] == record["completed"] == told["count"], kind
        for key in ("wait_seconds", "run_seconds", "delivery_seconds"):
            assert record[key]["count"] == told["count"], (kind, key)
    assert max(process.pool("busy_max")) == 4
    queued = sum(counts.values())  # behind the tasks that hold the threads until all is submitted
    assert queued <= max(process.pool("queue_depth_max")) <= queued + 4
    assert sum(process.pool("saturated_seconds")) > 0
    assert process.pool("saturated_seconds")[-1] == 0, "its end was seen"
    assert process.last["pool"]["queue_depth"] == process.last["pool"]["busy"] == 0


@pytest.mark.parametrize("signum", [signal.SIGKILL, signal.SIGTERM])
def test_nothing_stays(one_node, signum, way):
    with one_node.run("mixed.js") as target:
        with Stat(target.pid, tier="full", extra=way) as stat:
            stat.wait_attached()
            target.send("start", seconds=0.5)
            assert procfs.changed_text(target.pid), "no breakpoint: this test would prove nothing"
            stat.process.send_signal(signum)
            stat.process.wait(20)
        assert_text_is_the_files(target.pid)
        target.answer("start")
        assert_works(target)


def test_without_the_kernels_types(one_node, tmp_path, monkeypatch):
    """Its BTF is hidden: no causes and no stacks, which is said; all else as before."""
    hidden = tmp_path / "looptop"
    hidden.write_text(
        "#!/bin/sh\n"
        "exec unshare -m sh -c 'mount --bind /dev/null /sys/kernel/btf/vmlinux && exec \"$@\"' "
        f'sh {looptop.BINARY} "$@"\n'
    )
    hidden.chmod(0o755)
    check = subprocess.run([hidden, "check"], capture_output=True, text=True, check=True)
    assert check.stdout.count("no: they need the kernel's BTF") == 2, check.stdout
    monkeypatch.setattr(looptop, "BINARY", hidden)
    with one_node.run("mixed.js") as target:
        truth, process = measure(target, "start", tier="full", seconds=1)
    process.loop().assert_busy(truth)
    assert process.kind("fs")["completed"] == truth["timers"], "one fs.stat for each timer"
    assert set(process.loop().rows[-1]["cause_seconds"].values()) == {None}
    missing = " ".join(process.last["missing"])
    assert "causes" in missing and "stack" in missing and missing.count("kernel's BTF") == 2
