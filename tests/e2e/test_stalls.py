# SPDX-License-Identifier: GPL-2.0-only
# Copyright (c) 2026 The looptop authors
"""Which function blocked: looptop's stacks against the stacks that the process tells of itself."""

import os

import pytest
from support.looptop import NO_BUDGET, Running, Stat
from support.pressure import waited_seconds
from support.stalls import Follow, Matrix, covers, is_user, path_of
from support.workload import WORKLOADS

THRESHOLD = 0.1  # the default


@pytest.fixture(scope="module")
def matrix(node):
    return Matrix(node)


def test_each_block_is_one_stall(matrix):
    assert len(matrix.cases) >= 35
    assert matrix.mistakes("count") == []
    for case in matrix.cases:
        # Blocks that begin after something else was awaited are a little shorter than their window.
        assert covers(case.stall, case.block["end"] - 0.03), case.name
        assert case.stall["pid"] == matrix.pid


def test_the_function_that_blocks(matrix):
    assert matrix.mistakes("where") == []


def test_callers_are_those_of_the_process_itself(matrix):
    assert matrix.mistakes("callers") == []


def test_no_other_function_is_named(matrix):
    assert matrix.mistakes("foreign") == []


def test_what_the_function_called(matrix):
    assert matrix.mistakes("below") == []


def test_where_mapped_code_was_written(matrix):
    assert matrix.mistakes("original") == []


def test_nothing_else_is_a_stall(matrix):
    """A turn beside the blocks does too little to be one by itself: it was kept from running."""
    for stall in matrix.left_over():
        kept = sum(stall["cause_seconds"][cause] or 0 for cause in ("runqueue", "throttled"))
        assert stall["seconds"] - kept < THRESHOLD, stall


def test_causes_of_each_stall_are_all_of_it(matrix):
    for case in matrix.cases:
        stall = case.stall
        known = [seconds for seconds in stall["cause_seconds"].values() if seconds is not None]
        assert sum(known) == pytest.approx(stall["seconds"], rel=0.01), case.name
        assert stall["cause_seconds"][stall["cause"]] == max(known), case.name
        if case.scenario["asleep"]:
            assert stall["cause"] == "sync_io", case.name


def test_a_worker_is_told_apart(matrix):
    case = next(case for case in matrix.cases if case.name == "workerBlock")
    assert case.stall["tid"] == case.block["tid"] != matrix.pid
    assert case.stall["loop"].startswith("worker")


WAYS = {
    "loop": ("endlessLoop", None),
    "next_tick": ("endlessTick", "next_tick"),
    "promise": ("endlessPromise", "microtasks"),
}


def run_delay(*pids):
    """For how long the threads of these processes were ready and had no CPU, in seconds."""
    return sum(map(waited_seconds, pids))


@pytest.mark.parametrize("way", list(WAYS))
def test_a_stall_is_seen_while_it_runs(node, way):
    """Within 1.5 × the threshold, and what the machine kept all who take part from running."""
    function, starvation = WAYS[way]
    with node.run("stalls.js") as target, Follow(target.pid) as follow:
        follow.wait_attached()
        waited = run_delay(target.pid, follow.process.pid, os.getpid())
        truth = target.call("endless", way=way, seconds=0.8)
        ended = follow.wait_ended(truth["ended"] - 0.05)
        waited = run_delay(target.pid, follow.process.pid, os.getpid()) - waited
        events = follow.stop()
    running = [e for e in events if e["ongoing"] and covers(ended, e["start_time"] + 0.001)]
    assert running, "not seen while it ran"
    # A turn is as old as its timer; Date.now() is in whole milliseconds.
    seen = running[0]["read_time"] - truth["begun"]
    assert THRESHOLD - 0.03 <= seen <= 1.5 * THRESHOLD + waited + 0.002, (seen, waited)
    assert running[0]["seconds"] <= seen + 0.03
    assert all(event["start_time"] < event["time"] <= event["read_time"] for event in running)
    length = truth["ended"] - truth["begun"]
    assert length - 0.002 <= ended["seconds"] <= length + 0.03 + waited
    for event in [running[-1], ended]:
        assert event["where"], event
        assert event["where"]["function"] == function
        assert path_of(event["where"]["file"]) == str(WORKLOADS / "stalls" / "endless.js")
        assert event["starvation"] == starvation, event


def test_stalls_are_in_snapshots_too(one_node):
    """The same objects under the loop in `stat --json`; running ones while they run."""
    with one_node.run("stalls.js") as target, Stat(target.pid, interval=0.2, extra=NO_BUDGET) as stat:
        stat.wait_attached()
        truth = target.call("endless", way="loop", seconds=0.9)
        stat.settle()
        loop = stat.stop().of(target.pid).loop()
    assert loop.ongoing and len(loop.stalls) == 1
    for stall in [loop.ongoing[-1][1], loop.stalls[0]]:
        assert stall["where"]["function"] == "endlessLoop"
        causes = stall["cause_seconds"]
        assert stall["samples"] > 0 and causes["cpu"] > 0
        assert max(causes, key=lambda cause: causes[cause] or 0) == stall["cause"]
        assert any(is_user(frame) for frame in stall["stack"])
    assert covers(loop.stalls[0], truth["ended"] - 0.05)
    assert loop.ongoing[-1][1]["samples"] <= loop.stalls[0]["samples"]


def test_stalls_as_text(one_node):
    """For people: the function and its place, while a row of blocks goes by."""
    names = ["nested", "arrowBlock", "methodBlock", "staticBlock", "objectBlock", "manyLocals"]
    functions = ["innerNested", "arrowBlock", "heavyMethod", "staticHeavy", "objectMethod", "manyLocals"]
    with one_node.run("stalls.js") as target:
        with Running("stalls", *NO_BUDGET, target.pid, parse=str.rstrip) as follow:
            told = set()
            for _ in range(10):  # blocks that come before its probes are not seen
                target.call("block", timeout=120, ms=200, gap_ms=100, names=names)
                text = "\n".join(follow.told())
                told = {name for name in functions if name in text}
                if len(told) >= 3:
                    break
            follow.stop()
    assert len(told) >= 3, text
    assert "stalls/language.js:" in text
