# SPDX-License-Identifier: GPL-2.0-only
# Copyright (c) 2026 The looptop authors
"""Worker threads: each has a loop of its own, a row of its own, and a life of its own."""

import pytest
from support import procfs
from support.looptop import Stat
from support.workload import add_beside

SHARES = [0.25, 0.6]


class Run:
    """Two Workers that start, work and end while looptop watches."""

    def __init__(self, node, early):
        """early: the Workers are there before looptop is."""
        names = ["parser", None]
        with node.run("workers.js") as target:
            if early:
                target.call("spawn", names=names)
            with Stat(target.pid) as stat:
                stat.wait_attached()
                stat.wait_snapshots(1)
                if not early:
                    target.call("spawn", names=names)
                # What a Worker does to start is in none of the truths: begin after it.
                before = target.call("accounts")
                begin = stat.settle()
                self.tids = set(procfs.threads(target.pid))
                self.truth = target.call("start", loads=SHARES, seconds=1.5)
                end = stat.settle()
                after = target.call("accounts")
                target.call("end")
                stat.settle()
                self.tids_after = set(procfs.threads(target.pid))
                series = stat.stop()
            series.assert_sound()
            add_beside(self.truth, before["main"], after["main"])
            for accounts in zip(self.truth["workers"], before["workers"], after["workers"]):
                add_beside(*accounts)
            self.pid = target.pid
            self.process = series.of(target.pid)
            self.loaded = self.process.until(end).since(begin)

    def workers(self):
        """The Workers' loops under load, the less busy one first."""
        loops = [self.loaded.loop(tid) for tid in self.loaded.tids - {self.pid}]
        return sorted(loops, key=lambda loop: loop.total("busy_seconds"))


@pytest.fixture(scope="module", params=["late", "early"])
def run(request, node):
    return Run(node, early=request.param == "early")


def test_each_worker_has_a_row_with_its_own_figures(run):
    loops = run.workers()
    assert len(loops) == 2
    truths = sorted(run.truth["workers"], key=lambda truth: truth["active"])
    for loop, truth in zip(loops, truths):
        loop.assert_busy(truth)
        assert loop.tid in run.tids
        if truth["loop_count"] is not None:
            loop.assert_iterations(truth)


def test_the_main_loop_is_not_mixed_with_theirs(run):
    main = run.loaded.loop()
    assert main.name == "main"
    main.assert_busy(run.truth)


def test_workers_have_names(run):
    names = {loop.name for loop in run.workers()}
    assert len(names) == 2, names
    for name in names:
        assert name == "parser" or name.startswith("worker-"), name


def test_rows_go_when_workers_end(run):
    assert not run.tids_after >= {loop.tid for loop in run.workers()}
    rows = [row["tid"] for row in run.process.last["loops"]]
    assert rows == [run.pid], "only the main loop is left"


def test_workers_time_is_all_told(run):
    for loop in run.workers():
        known = loop.total("busy_seconds") + loop.total("idle_seconds")
        assert known == pytest.approx(run.loaded.elapsed, rel=0.01)
