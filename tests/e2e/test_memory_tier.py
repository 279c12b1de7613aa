# SPDX-License-Identifier: GPL-2.0-only
# Copyright (c) 2026 The looptop authors
"""Tier memory: what can be known of a process without a single probe in it."""

import pytest
from support import procfs
from support.clock import unix_time
from support.looptop import Stat, measure
from support.series import is_unknown


@pytest.fixture(scope="module")
def memory(node):
    with node.run("mixed.js") as target:
        return measure(target, "start", tier="memory", seconds=2)


def test_utilization_is_event_loop_utilization(memory):
    truth, process = memory
    loop = process.loop()
    # A reading in the middle of a turn or a wait accounts for it up to that moment.
    loop.assert_busy(truth)
    utilization = sum(
        row["utilization"] * interval for row, (_, interval) in zip(loop.rows, process.times)
    )
    assert utilization == pytest.approx(loop.total("busy_seconds"), rel=0.02, abs=0.010)


def test_iterations_where_libuv_counts_them(memory, node):
    truth, process = memory
    if truth["loop_count"] is None:
        assert process.loop().total("iterations") is None, f"Node {node.version} has no counter to read"
    else:
        process.loop().assert_iterations(truth)


def test_what_needs_probes_is_unknown(memory):
    process = memory[1]
    for entry in process.entries:
        assert entry["tier"] == "memory"
        assert is_unknown(entry["gc"]["kinds"])
        assert is_unknown(entry["pool"]["kinds"])
        assert is_unknown(entry["sync_fs"])
        assert entry["missing"], "it says why"
        for row in entry["loops"]:
            for key in ("turns", "turn_seconds", "lag_seconds", "timer_lateness_seconds"):
                assert is_unknown(row[key]), key
            for phase, value in row["phase_seconds"].items():
                assert value is None, phase


def test_running_stall_is_seen(node):
    with node.run("blocks.js") as target:
        truth, process = measure(
            target, "start", tier="memory", interval=0.25, blocks=[[1200, 1]], gap_ms=20
        )
    loop = process.loop()
    block = truth["blocks"][0]
    begin = unix_time(block["start"])
    # Each look at it shows it, from the threshold on. The turn may have begun when the block's timer was due, and the
    # loop's own clock has whole milliseconds.
    during = [
        (row["stalled_seconds"], time - begin)
        for row, (time, _) in zip(loop.rows, process.times)
        if begin + 0.11 < time < begin + block["seconds"] - 0.01
    ]
    assert len(during) >= 2, "a stall over several intervals"
    for stalled, since in during:
        assert since - 0.01 <= stalled <= since + max(block["late"], 0) + 0.012
    assert loop.rows[-1]["stalled_seconds"] == 0


def test_pool_state_without_probes(node):
    """Four tasks that hold the threads and four behind them, until a look has seen them."""
    with node.run("pool.js") as target:
        with Stat(target.pid, tier="memory", interval=0.2) as stat:
            stat.wait_attached()
            target.call("flood", n=4, held=4)
            held = stat.settle() - 1
            target.call("drain")
            stat.settle()
            process = stat.stop().of(target.pid)
    assert process.pool("busy")[held] == process.pool("size")[held] == 4
    assert process.pool("queue_depth")[held] == 4
    assert process.last["pool"]["busy"] == 0 and process.last["pool"]["queue_depth"] == 0


def test_there_is_no_probe(idle):
    with Stat(idle.pid, tier="memory") as stat:
        stat.wait_attached()
        stat.wait_snapshots(2)
        assert procfs.changed_text(idle.pid) == []
        series = stat.stop()
    assert all(snapshot["self"]["probe_hits"] == 0 for snapshot in series.snapshots)
