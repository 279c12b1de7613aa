# SPDX-License-Identifier: GPL-2.0-only
# Copyright (c) 2026 The looptop authors
"""Many processes: from 100 loops on memory is read ahead, from 250 on in brief, and the figures are as right as
those of one."""

import os
import subprocess
import time

import pytest
from support import PATIENCE
from support.agent import Agent, wait_for
from support.workload import WORKLOADS

from conftest import compile_c

pytestmark = pytest.mark.alone

PROCESSES = 75
LOOPS = 4  # of each: more than 100 in all, from where on they are read ahead, and than 250: in brief
BUSY_MS = 20  # of each loop of the first process, each second
SOON = 4  # collections: one in which it is found, and one that is measured; both may be met half way


@pytest.fixture(scope="module")
def many(built):
    """The pids of processes with four loops each; the first is the busy one."""
    program = compile_c(WORKLOADS / "uv-loops.c", built / "uv-loops", "-l:libuv_a.a", "-lpthread", "-ldl", "-lrt")
    output, source = os.pipe()
    processes = []
    for i in range(PROCESSES):
        busy_us = 0 if i else BUSY_MS * 1000
        command = [str(program), str(LOOPS), "1000", str(busy_us)]
        processes.append(subprocess.Popen(command, stdin=output, stdout=subprocess.PIPE, text=True))
    for process in processes:
        assert process.stdout.readline().startswith("ready")
        process.stdout.close()
    yield [process.pid for process in processes]
    os.close(source)  # the end of their stdin ends them
    for process in processes:
        process.wait(PATIENCE)
    os.close(output)


@pytest.fixture
def agent():
    with Agent("--tier", "memory", "--max-series", "10000000") as running:
        running.wait_ready()
        yield running


def all_found(agent, pids):
    metrics = agent.metrics()
    loops = [metrics.values("looptop_loop_utilization_ratio", pid=str(pid)) for pid in pids]
    return all(len(values) == LOOPS for values in loops)


def busy_and_idle(metrics, pid):
    name = "looptop_loop_time_seconds_total"
    return {
        loop: (metrics.value(name, pid=str(pid), loop=loop, state="busy"),
               metrics.value(name, pid=str(pid), loop=loop, state="idle"))
        for loop in ("main", "worker-1", "worker-2", "worker-3")
    }


class Pages:
    """The agent's pages, one after the other. What a page tells was read after the one before it was made: not before
    an older one was asked for, and not after it was answered itself."""

    def __init__(self, agent, pid):
        self.agent = agent
        self.pid = pid
        self.current, self.older_asked = None, None  # a page; when one before the one before it was still there
        self.last_asked = None

    def times(self, page):
        return page.values("looptop_loop_time_seconds_total", pid=str(self.pid), loop="main")

    def next(self):
        """(page, not read before, not read after)."""
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until:
            asked = time.monotonic()
            page = self.agent.metrics()
            answered = time.monotonic()
            if self.current and self.times(page) == self.times(self.current):
                self.last_asked = asked
                time.sleep(0.05)
                continue
            self.current, self.older_asked, self.last_asked = page, self.last_asked, asked
            return page, self.older_asked, answered
        raise AssertionError("no new page")


def test_the_figures_of_many_are_right(many, agent):
    """Each loop's time is all there, and the busy ones' work is in it."""
    wait_for(lambda: all_found(agent, many), PATIENCE, "all loops")
    pages = Pages(agent, many[0])
    bounds = [pages.next() for _ in range(9)]
    # of the page before: what is told now was read after that was made
    (first, _, first_after), (second, _, second_after) = bounds[2], bounds[-1]
    first_before, second_before = bounds[1][1], bounds[-2][1]
    for pid in many:
        before, after = busy_and_idle(first, pid), busy_and_idle(second, pid)
        for loop, (busy, idle) in after.items():
            elapsed = busy + idle - sum(before[loop])
            assert second_before - first_after < elapsed < second_after - first_before
            if pid == many[0]:
                assert busy - before[loop][0] > 3 * BUSY_MS / 1e3


def test_a_worker_in_the_place_of_another_is_seen(many, agent, one_node):
    """The number of threads stays the same, and its loop often lies where the other's was."""
    with one_node.run("workers.js") as target:
        wait_for(lambda: all_found(agent, many), PATIENCE, "all loops")

        def loops():
            metrics = agent.metrics()
            names = ["main", *(f"worker-{i}" for i in range(1, 5))]
            return [name for name in names
                    if metrics.values("looptop_loop_utilization_ratio", pid=str(target.pid), loop=name)]

        target.call("spawn", names=[None])
        wait_for(lambda: loops() == ["main", "worker-1"], PATIENCE, "the first worker")
        for i in range(2, 5):
            time.sleep(1.3)  # they come at other moments of the interval each time
            target.call("end")
            target.call("spawn", names=[None])
            pages = Pages(agent, many[0])
            for _ in range(SOON + 1):  # the first is the one that was there
                pages.next()
                if loops() == ["main", f"worker-{i}"]:
                    break
            assert loops() == ["main", f"worker-{i}"], f"not in {SOON} collections"
