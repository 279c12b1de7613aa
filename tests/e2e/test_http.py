# SPDX-License-Identifier: GPL-2.0-only
# Copyright (c) 2026 The looptop authors
"""Attach to an HTTP server in the middle of its life, while it serves as fast as it can."""

import time
from bisect import bisect_right

import pytest
from support.looptop import Stat


def active_at(diary, moment):
    """The active time up to a moment, between two entries of the server's diary."""
    at = bisect_right(diary, [moment, float("inf")])
    assert 0 < at < len(diary), "the moment is outside the diary"
    (t0, a0), (t1, a1) = diary[at - 1], diary[at]
    return a0 + (a1 - a0) * (moment - t0) / (t1 - t0)


@pytest.fixture(scope="module")
def served(node):
    with node.run("http-server.js") as server, node.run("http-client.js") as client:
        port = server.call("listen")["port"]
        client.send("load", port=port, connections=16, seconds=4)
        time.sleep(0.5)
        with Stat(server.pid) as stat:
            attach_seconds = stat.wait_attached()
            stat.wait_snapshots(5)
            series = stat.stop()
        load = client.answer("load")
        diary = server.call("diary")
    series.assert_sound()
    return {
        "process": series.of(server.pid),
        "diary": diary["diary"],
        "requests": diary["requests"],
        "asked": load["requests"],
        "attach_seconds": attach_seconds,
    }


def test_the_server_serves_on(served):
    assert served["requests"] == served["asked"] > 500


def test_busy_is_event_loop_utilization(served):
    """Windows are aligned by the clock here: the diary has an entry each 20 ms."""
    process = served["process"].since(1)
    shift = time.time() - time.monotonic()
    begin = process.times[0][0] - process.times[0][1] - shift
    end = process.times[-1][0] - shift
    truth = active_at(served["diary"], end) - active_at(served["diary"], begin)
    busy = process.loop().total("busy_seconds")
    assert truth > 0.3 * process.elapsed, "the server was hardly loaded"
    # 2 % and 5 ms, and what up to 20 ms at each end may hold besides.
    assert busy == pytest.approx(truth, rel=0.02, abs=0.005 + 0.02)


def test_figures_are_plausible(served):
    process = served["process"].since(1)
    loop = process.loop()
    turns = loop.dist("turn_seconds")
    assert turns["count"] > 100
    for row in loop.rows:
        lag = row["lag_seconds"]
        # A random arrival waits for half a turn at least, weighted by length.
        assert 0 < lag["mean"] < lag["max"] <= row["turn_seconds"]["max"] * 1.001
    assert loop.phase("poll_callbacks") > 0.5 * loop.total("busy_seconds"), "HTTP is poll work"
    spent = [entry["cpu_seconds"] for entry in process.entries]
    assert sum(spent) > 0.5 * loop.total("busy_seconds")


def test_the_cost_is_told(served):
    entries = served["process"].entries
    assert len(entries) >= 5
    assert served["attach_seconds"] < 3
