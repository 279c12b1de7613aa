# SPDX-License-Identifier: GPL-2.0-only
# Copyright (c) 2026 The looptop authors
"""Tier memory: what can be known of a process without a single probe in it."""

import pytest
from support import procfs
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
    assert loop.peak("stalled_seconds") > 0.5
    assert loop.peak("stalled_seconds") <= truth["blocks"][0]["seconds"] + 0.01
    assert loop.rows[-1]["stalled_seconds"] == 0


def test_pool_state_without_probes(node, pool_addon):
    """Eight sleeping tasks on four threads, long enough for some readings."""
    with node.run("pool.js", env={"LT_POOL_ADDON": str(pool_addon)}) as target:
        _, process = measure(target, "moments", tier="memory", interval=0.2, n=4, sleep_ms=400)
    assert max(process.pool("busy")) == 4
    assert max(process.pool("queue_depth")) == 4
    assert process.pool("size")[-1] == 4
    assert process.last["pool"]["busy"] == 0 and process.last["pool"]["queue_depth"] == 0


def test_there_is_no_probe(idle):
    with Stat(idle.pid, tier="memory") as stat:
        stat.wait_attached()
        stat.wait_snapshots(2)
        assert procfs.changed_text(idle.pid) == []
        series = stat.stop()
    assert all(snapshot["self"]["probe_hits"] == 0 for snapshot in series.snapshots)
