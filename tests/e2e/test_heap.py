# SPDX-License-Identifier: GPL-2.0-only
# Copyright (c) 2026 The looptop authors
"""The V8 heap of main thread and Worker, read from outside, against what the process says of itself."""

import subprocess
import time

import pytest
from conftest import NodeBinary
from support.looptop import Stat, run
from test_agent import Agent, get
from test_shared_libuv import debian  # noqa: F401

LOOPS = ("main", "worker-1")
KIB = 1024
FLAGS = ["--expose-gc"]
# A new space that V8 does not make smaller after a collection.
ROOMY = [*FLAGS, "--min-semi-space-size=16"]
TRIES = 30  # until nothing is collected between three looks


def heaps(stat):
    """The next whole interval's heap of each loop."""
    stat.settle()
    loops = stat.snapshots[-1]["processes"][0]["loops"]
    return {loop["name"]: loop["heap"] for loop in loops}


def swept(before, after):
    """No page was swept between the two, which would have made more available."""
    return all(
        abs(space["available"] - after["spaces"][name]["available"]) <= 64 * KIB
        for name, space in before["spaces"].items()
    )


def quiet_reading(target, stat):
    """What looptop and the process say with no collection in between: the process's own figures only grow."""
    for _ in range(TRIES):
        before = target.call("statistics")
        seen = heaps(stat)
        after = target.call("statistics")
        if all(
            before[name]["total"] == after[name]["total"]
            and before[name]["used"] <= after[name]["used"]
            and swept(before[name], after[name])
            and name in seen
            for name in LOOPS
        ):
            return before, seen, after
    pytest.fail(f"V8 collected in each of {TRIES} tries")


def assert_same_heap(before, seen, after):
    assert seen["limit_bytes"] == after["limit"]
    assert seen["total_bytes"] == after["total"] == after["heapTotal"]
    assert before["used"] - 64 * KIB <= seen["used_bytes"] <= after["used"] + 64 * KIB
    assert before["external"] - 64 * KIB <= seen["external_bytes"] <= after["external"] + 64 * KIB
    assert seen["external_bytes"] >= after["outside"]


def assert_same_spaces(before, seen, after):
    told = {name: space for name, space in after["spaces"].items() if space["total"]}
    assert {name for name, space in seen["spaces"].items() if space["total_bytes"]} <= set(after["spaces"])
    for name, space in told.items():
        if name not in seen["spaces"]:
            assert name == "read_only", f"{name} is not told"
            continue
        assert seen["spaces"][name]["total_bytes"] == space["total"], name
        # What its answers take is in use, and no longer available: about 10 KB.
        for what in ("used", "available"):
            low = min(space[what], before["spaces"][name][what]) - 64 * KIB
            high = max(space[what], before["spaces"][name][what]) + 64 * KIB
            assert low <= seen["spaces"][name][f"{what}_bytes"] <= high, (name, what)
    assert sum(space["total_bytes"] for space in seen["spaces"].values()) == seen["total_bytes"]
    assert sum(space["used_bytes"] for space in seen["spaces"].values()) == seen["used_bytes"]


def assert_as_the_process_says(target):
    """At tier memory: not one probe. With little in it, with much, and with a new space of many full pages."""
    with Stat(target.pid, tier="memory", interval=0.2) as stat:
        stat.wait_attached()
        for kept, litter in ((0, 0), (20, 0), (0, 7)):
            target.call("fill", megabytes=kept)
            target.call("collect")
            target.call("litter", megabytes=litter)
            before, seen, after = quiet_reading(target, stat)
            for name in LOOPS:
                assert_same_heap(before[name], seen[name], after[name])
                assert_same_spaces(before[name], seen[name], after[name])
                assert seen[name]["used_after_gc_bytes"] is None
                assert not litter or seen[name]["spaces"]["new"]["used_bytes"] > 5e6, "it was collected"
        last = stat.stop().of(target.pid).last
    assert any("after a full collection" in text for text in last["missing"])
    assert not any("available" in text for text in last["missing"]), last["missing"]


def test_it_is_what_the_process_says(node):
    with node.run("heap.js", flags=ROOMY) as target:
        assert_as_the_process_says(target)


def test_of_a_stripped_node(node, tmp_path):
    path = tmp_path / "node"
    subprocess.run(["strip", "-o", path, node.path], check=True, timeout=120)
    with NodeBinary(node.major, path).run("heap.js", flags=ROOMY) as target:
        assert_as_the_process_says(target)
    path.unlink()


def test_of_debians_shared_libnode(debian):  # noqa: F811
    with debian.run("heap.js", flags=ROOMY) as target:
        assert_as_the_process_says(target)


def test_limit_that_was_set(one_node):
    flags = [*FLAGS, "--max-old-space-size=300", "--max-semi-space-size=4"]
    with one_node.run("heap.js", flags=flags) as target:
        with Stat(target.pid, tier="memory", interval=0.2) as stat:
            stat.wait_attached()
            _, seen, after = quiet_reading(target, stat)
            stat.stop()
    for name in LOOPS:
        assert seen[name]["limit_bytes"] == after[name]["limit"] < 400 * KIB * KIB


def test_no_impossible_value_in_a_storm(node):
    """What is alive is always in use; nothing is ever more than the whole, nor the whole more than the most
    that the process saw, but for what it took between two looks."""
    with node.run("heap.js", flags=FLAGS) as target:
        target.call("fill", megabytes=12)
        target.call("collect")
        alive = target.call("statistics")
        with Stat(target.pid, tier="memory", interval=0.1) as stat:
            stat.wait_attached()
            storms = [target.call("storm", seconds=2)]
            while len(stat.snapshots) < 15:
                storms.append(target.call("storm", seconds=2))
            series = stat.stop().of(target.pid)
    most = {name: {"highest_total": max(storm[name]["highest_total"] for storm in storms)} for name in LOOPS}
    for name in LOOPS:
        loops = [
            (row, interval)
            for entry, (_, interval) in zip(series.entries, series.times)
            for row in entry["loops"]
            if row["name"] == name
        ]
        rows = [row["heap"] for row, _ in loops if row["heap"]["total_bytes"]]
        used = [row["used_bytes"] for row in rows if row["used_bytes"] is not None]
        assert len(rows) >= 10, f"{name}: {len(rows)} readings"
        # One that meets a collection is told as it was before (a third met one, and more, in a storm), unless looptop
        # itself did not get to look for so long that this is too old.
        in_time = [row["heap"] for row, interval in loops if interval < 0.2 and row["heap"]["total_bytes"]]
        known = [row for row in in_time if row["used_bytes"] is not None]
        assert used and len(known) >= 0.8 * len(in_time), f"{name}: {len(in_time)} readings, {len(known)} with what is used"
        assert {row["limit_bytes"] for row in rows} == {alive[name]["limit"]}
        assert max(row["total_bytes"] for row in rows) <= most[name]["highest_total"] + 64 * KIB * KIB
        assert all(row["used_bytes"] <= row["total_bytes"] for row in rows if row["used_bytes"])
        live = alive[name]["used"] - KIB * KIB  # what it needed to answer is garbage by then
        assert min(used) >= live, f"{name}: {min(used)} of {live} that are alive"


def test_what_a_collection_leaves(node):
    """Read from outside within a moment; nothing else runs in between. What a collection left whose moment was missed
    is unknown: never what the one before it left."""
    seen = {name: False for name in LOOPS}
    with node.run("heap.js", flags=FLAGS) as target:
        with Stat(target.pid, interval=0.2) as stat:
            stat.wait_attached()
            stat.settle()
            assert heaps(stat)["main"]["used_after_gc_bytes"] is None, "no collection has been seen"
            deadline = time.monotonic() + 60
            while not all(seen.values()):
                assert time.monotonic() < deadline, f"the moment was missed each time: {seen}"
                target.call("fill", megabytes=2)  # each leaves more than the one before
                target.call("collect")
                truth = target.call("statistics")
                for name, heap in heaps(stat).items():
                    left = heap["used_after_gc_bytes"]
                    assert left in (None, pytest.approx(truth[name]["used"], abs=512 * KIB)), name
                    seen[name] |= left is not None
            stat.stop()


def test_prometheus_has_it(one_node):
    with one_node.run("heap.js", flags=FLAGS) as target:
        target.call("fill", megabytes=1)
        with Agent("-i", "0.5", target.pid) as agent:
            agent.wait_ready()
            page = get(agent.url + "/metrics")[2]
        truth = target.call("statistics")
    labels = f'pid="{target.pid}",name="heap.js",container="",loop="main"'
    assert f'looptop_heap_limit_bytes{{{labels}}} {truth["main"]["limit"]}\n' in page
    for what in ("used", "total", "available"):
        assert f'looptop_heap_space_{what}_bytes{{{labels},space="old"}} ' in page


def test_check_says_how_it_was_found(node):
    with node.run("heap.js", flags=FLAGS) as target:
        target.call("fill", megabytes=0)
        result = run("check", target.pid)
    assert result.returncode == 0, result.stderr
    assert "V8 heap" in result.stdout and "GetHeapStatistics" in result.stdout, result.stdout
