# SPDX-License-Identifier: GPL-2.0-only
# Copyright (c) 2026 The looptop authors
"""The loop's own figures against what the process says: time, iterations, turns, lag, stalls."""

import time

import pytest
from support.clock import unix_time
from support.looptop import NO_BUDGET, Stat, measure
from support.procfs import stopped
from support.series import is_unknown


@pytest.fixture(scope="module")
def mixed(node):
    with node.run("mixed.js") as target:
        truth, process = measure(target, "start", seconds=2)
        return truth, process


def test_busy_is_event_loop_utilization(mixed):
    truth, process = mixed
    process.loop().assert_busy(truth)


def test_busy_and_idle_are_all_the_time(mixed):
    # The first interval may begin in the middle of a wait of which nobody saw the beginning.
    process = mixed[1].since(1)
    loop = process.loop()
    known = loop.total("busy_seconds") + loop.total("idle_seconds")
    assert known == pytest.approx(process.elapsed, rel=0.01)
    for row, (_, interval) in zip(loop.rows, process.times):
        assert row["utilization"] == pytest.approx(row["busy_seconds"] / interval, abs=0.02)


def test_phases_sum_to_elapsed(mixed):
    mixed[1].assert_phases()


def test_tier_phases_does_not_tell_what_it_cannot(mixed):
    loop = mixed[1].loop()
    assert all(entry["tier"] == "phases" for entry in mixed[1].entries), "the default tier"
    for name in ("pending", "idle", "prepare", "closing"):
        assert loop.phase(name) is None


def test_iterations_are_loop_count(mixed, node):
    truth, process = mixed
    if truth["loop_count"] is None:
        pytest.skip(f"Node {node.version} does not tell its loop count")
    process.loop().assert_iterations(truth)


def test_turns_sum_to_busy(mixed):
    loop = mixed[1].loop()
    turns = loop.dist("turn_seconds")
    assert turns["count"] == loop.total("turns") > 0
    assert turns["sum"] == pytest.approx(loop.total("busy_seconds"), rel=0.02, abs=0.005)


def test_it_says_what_it_measures(mixed, node):
    entry = mixed[1].last
    assert entry["runtime"] == "node"
    assert entry["runtime_version"] == node.version
    assert entry["name"] == "mixed.js"
    assert entry["libuv_version"].split(".")[0] == "1"
    assert entry["start_time"] < time.time()
    assert entry["loops"][0]["name"] == "main"
    assert entry["rss_bytes"] > 20e6


BLOCKS = [[5, 10], [20, 6], [100, 3], [300, 1]]
GAP_MS = 20


@pytest.fixture(scope="module")
def blocks(node):
    """With a stall threshold under the shortest block, the stalls list every block."""
    with node.run("blocks.js") as target:
        extra = (*NO_BUDGET, "--stall", "3")
        truth, process = measure(target, "start", extra=extra, blocks=BLOCKS, gap_ms=GAP_MS)
        return truth, process


def match_blocks(blocks, stalls):
    """Each block's stall, by its start; a turn begins a little before the callback in it, and not
    before its timer was due."""
    pairs = []
    for block in blocks:
        start = unix_time(block["start"])
        earliest = start - max(block["late"], 0) - 0.004
        near = [s for s in stalls if earliest <= s["start_time"] <= start + 0.002]
        assert len(near) == 1, f"block at {start}: {near} of {stalls}"
        pairs.append((block, near[0]))
    return pairs


def test_every_block_is_a_stall_of_its_length(blocks):
    truth, process = blocks
    stalls = process.loop().stalls
    assert len(truth["blocks"]) == sum(count for _, count in BLOCKS)
    pairs = match_blocks(truth["blocks"], stalls)
    assert all(stall["seconds"] >= block["seconds"] for block, stall in pairs), pairs
    # What a turn has beside its block, or a turn without one, is in the process's own account of its active time.
    blocked = sum(block["seconds"] for block in truth["blocks"])
    beyond = sum(s["seconds"] for s in stalls) - blocked
    assert beyond <= (truth["active"] - blocked) * 1.02 + 0.005 + truth["beside"], (beyond, truth)


def test_longest_turn_is_the_longest_block(blocks):
    truth, process = blocks
    longest = max(block["seconds"] for block in truth["blocks"])
    turns = process.loop().dist("turn_seconds")
    assert turns["max"] == max(stall["seconds"] for stall in process.loop().stalls) >= longest
    assert turns["sum"] == pytest.approx(process.loop().total("busy_seconds"), rel=0.02, abs=0.005)


def test_timers_are_late_by_what_they_say(blocks):
    """Each block's timer woke an idle loop, so there is a sample for each. libuv counts in whole
    milliseconds: it may wake one early and ask again, and is late by up to one in the callback."""
    truth, process = blocks
    late = process.loop().dist("timer_lateness_seconds")
    timers = len(truth["blocks"])
    assert timers <= late["count"] <= 2 * timers + 5
    assert 0 <= late["max"] <= max(block["late"] for block in truth["blocks"]) + 0.002
    assert 0 <= late["sum"] <= sum(max(block["late"], 0) + 0.001 for block in truth["blocks"])


def brute_force_lag(turns, window, q):
    """The x at which the share of arrivals that wait longer is 1 - q, found by bisection."""
    low, high = 0.0, max(turns)
    for _ in range(60):
        x = (low + high) / 2
        if sum(max(0.0, turn - x) for turn in turns) / window > 1 - q:
            low = x
        else:
            high = x
    return high


def test_lag_is_that_of_a_random_arrival(node):
    """One interval that holds all blocks; what else the loop does is too short to count."""
    with node.run("blocks.js") as target:
        target.call("ping")
        extra = (*NO_BUDGET, "-c", "1", "--stall", "3")
        with Stat(target.pid, interval=3, extra=extra) as stat:
            stat.wait_attached()
            truth = target.call("start", blocks=[[100, 1], [300, 1]], gap_ms=200)
            series = stat.finish()
    series.assert_sound()
    window = series.snapshots[0]["interval_seconds"]
    row = series.of(target.pid).loop().rows[0]
    # The turns as they were, which test_every_block_is_a_stall_of_its_length compares with the blocks.
    turns = [stall["seconds"] for stall in row["stalls"]]
    assert len(turns) >= 2 and all(t > b["seconds"] for t, b in zip(sorted(turns)[-2:], truth["blocks"]))
    lag = row["lag_seconds"]
    assert lag["mean"] == pytest.approx(sum(b * b for b in turns) / (2 * window), rel=0.03)
    assert lag["max"] == pytest.approx(max(turns), rel=1e-6)
    for key, q in (("p50", 0.5), ("p90", 0.9), ("p99", 0.99), ("p999", 0.999)):
        # Buckets are at most 5 % wide; the milliseconds are the rest of the loop's work.
        expected = brute_force_lag(turns, window, q)
        assert lag[key] == pytest.approx(expected, rel=0.06, abs=0.003), key


def test_stall_is_seen_while_it_runs(node):
    """A block of 1.5 s shows as it goes on, and then once with its length. Blocks under the
    threshold are no stalls."""
    with node.run("blocks.js") as target:
        truth, process = measure(
            target, "start", interval=0.25, blocks=[[50, 3], [1500, 1]], gap_ms=GAP_MS
        )
    loop = process.loop()
    block = truth["blocks"][-1]
    begin = unix_time(block["start"])
    rows = list(zip(loop.rows, process.times))
    # Each look at it shows it, from the threshold on; a turn begins before the callback in it, when its timer was due.
    during = [(row, time) for row, (time, _) in rows if begin + 0.11 < time < begin + block["seconds"] - 0.01]
    assert len(during) >= 2, "a stall over several intervals"
    for row, time in during:
        running = [stall for stall in row["stalls"] if stall["ongoing"]]
        assert len(running) == 1 and running[0]["seconds"] == pytest.approx(row["stalled_seconds"], rel=0.02)
        assert -0.002 <= begin - running[0]["start_time"] <= max(block["late"], 0) + 0.01
        assert row["stalled_seconds"] == pytest.approx(time - running[0]["start_time"], rel=0.02, abs=0.01)
    assert len(loop.own_stalls()) == 1, loop.stalls
    stall = loop.own_stalls()[0]
    rest = truth["active"] - sum(b["seconds"] for b in truth["blocks"]) + truth["beside"]
    assert block["seconds"] <= stall["seconds"] <= block["seconds"] + rest + 0.005
    assert loop.rows[-1]["stalled_seconds"] == 0
    # Also while it runs, the time counts as busy, in the interval in which it passes.
    for row, (_, interval) in rows:
        assert row["busy_seconds"] >= 0.98 * min(row["stalled_seconds"], interval) - 0.005
    loop.assert_busy(truth)


def test_immediates_are_many_short_turns(node):
    with node.run("spin.js") as target:
        truth, process = measure(target, "immediates", tier="full", seconds=1)
    loop = process.loop()
    # One immediate an iteration; beyond the window the turns of the commands.
    assert 0 <= loop.total("iterations") - truth["count"] <= truth.get("loop_count_beside", 10)
    assert loop.total("turns") == pytest.approx(truth["count"], rel=0.01)
    loop.assert_busy(truth)
    assert loop.own_stalls() == []


def test_attaching_in_the_middle_of_a_wait_loses_nothing(one_node):
    """Stopped anywhere in its turns, and so in some of eight times between the two ends of a wait that may not
    block, of which the loop's memory does not tell."""
    with one_node.run("spin.js") as target:
        target.send("immediates", seconds=600)
        for _ in range(8):
            with Stat(target.pid, interval=0.1) as stat:
                with stopped(target.pid):
                    stat.wait_attached()
                stat.wait_snapshots(2)
                series = stat.stop()
            series.assert_sound()


def test_next_ticks_that_starve_the_loop_are_a_stall(node):
    with node.run("spin.js") as target:
        truth, process = measure(target, "starve", seconds=1)
    loop = process.loop()
    assert loop.peak("stalled_seconds") > 0.1, "seen while it runs"
    assert len(loop.own_stalls()) == 1
    assert loop.own_stalls()[0]["seconds"] == pytest.approx(truth["elapsed"], rel=0.02, abs=0.005 + truth["beside"])
    loop.assert_busy(truth)


def test_lag_is_known_when_nothing_happens(idle):
    """An idle loop has no lag; that is 0, not unknown."""
    with Stat(idle.pid) as stat:
        stat.wait_attached()
        stat.wait_snapshots(3)
        process = stat.stop().of(idle.pid)
    row = process.loop().rows[-1]
    assert row["utilization"] == pytest.approx(0, abs=0.01)
    assert row["idle_seconds"] == pytest.approx(process.times[-1][1], rel=0.02)
    assert row["lag_seconds"]["mean"] == pytest.approx(0, abs=0.001)
    assert row["stalls"] == [] and row["stalled_seconds"] == 0
    assert not is_unknown(row["phase_seconds"])
