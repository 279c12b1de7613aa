# SPDX-License-Identifier: GPL-2.0-only
# Copyright (c) 2026 The looptop authors
"""The way of kernels without uprobe_multi links: a perf event for each probe. Same figures, same
manners."""

import signal

import pytest
from support import procfs
from support.looptop import NO_BUDGET, Stat, measure
from test_safety import assert_text_is_the_files, assert_works

PERF = (*NO_BUDGET, "--attach", "perf")


def test_same_figures(node):
    with node.run("mixed.js") as target:
        truth, process = measure(target, "start", tier="full", extra=PERF, seconds=1)
        process.loop().assert_busy(truth["active"])
        if truth["loop_count"] is not None:
            assert 0 <= process.loop().total("iterations") - truth["loop_count"] <= 10
        assert process.kind("fs")["completed"] == truth["timers"], "one fs.stat for each timer"
        assert_text_is_the_files(target.pid)


@pytest.mark.parametrize("signum", [signal.SIGKILL, signal.SIGTERM])
def test_nothing_stays(one_node, signum):
    with one_node.run("mixed.js") as target:
        with Stat(target.pid, tier="full", extra=PERF) as stat:
            stat.wait_attached()
            target.send("start", seconds=0.5)
            assert procfs.changed_text(target.pid), "no breakpoint: this test would prove nothing"
            stat.process.send_signal(signum)
            stat.process.wait(20)
        assert_text_is_the_files(target.pid, within=10)
        target.answer("start")
        assert_works(target)
