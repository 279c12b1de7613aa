# SPDX-License-Identifier: GPL-2.0-only
# Copyright (c) 2026 The looptop authors
"""Garbage collections against a PerformanceObserver in the same process that reads all entries."""

import time
from collections import namedtuple

import pytest
from support.looptop import NO_BUDGET, Stat
from support.pressure import waited_seconds

KINDS = ("scavenge", "mark_compact")

# What the process tells of itself, what looptop saw, and for how long the loop's thread wanted a CPU.
Watched = namedtuple("Watched", "entries process waited")


def watch(node, cmd, flags=(), **arguments):
    """Runs a command under looptop."""
    with node.run("gc.js", flags=flags) as target:
        target.call("ping")
        with Stat(target.pid, extra=NO_BUDGET) as stat:
            stat.wait_attached()
            waited = waited_seconds(target.pid, only=target.pid)
            begin = time.monotonic()
            target.call(cmd, **arguments)
            waited = waited_seconds(target.pid, only=target.pid) - waited
            stat.settle()
            end = time.monotonic()
            series = stat.stop()
        entries = target.call("entries")["entries"]
    series.assert_sound()
    inside = [entry for entry in entries if begin <= entry["start"] <= end]
    return Watched(inside, series.of(target.pid), waited)


def assert_same_collections(watched):
    """The same number, the time within 3 %. The floor of 50 µs a pause is what V8 does between its own
    callbacks, where Node takes the time, and the pause's two ends; there the thread may lose its CPU too."""
    entries, process, waited = watched
    for kind in KINDS:
        truth = [entry["seconds"] for entry in entries if entry["kind"] == kind]
        seen = process.gc(kind)
        assert seen["count"] == len(truth), kind
        assert seen["seconds"] == pytest.approx(sum(truth), rel=0.03, abs=50e-6 * len(truth) + waited)
        if truth:
            assert seen["max_seconds"] == pytest.approx(max(truth), rel=0.03, abs=200e-6 + waited)


@pytest.fixture(scope="module")
def churn(node):
    return watch(node, "churn", seconds=2.5)


def test_collections_of_a_load(churn):
    kinds = [entry["kind"] for entry in churn.entries]
    assert kinds.count("scavenge") > 5 and kinds.count("mark_compact") > 0, "the load is too small"
    assert_same_collections(churn)


def test_kinds_that_did_not_come_are_zero(churn):
    assert churn.process.gc("minor_mark_sweep")["count"] == 0


def test_collections_count_as_busy(churn):
    pauses = sum(churn.process.gc(kind)["seconds"] for kind in KINDS)
    assert 0 < pauses < churn.process.loop().total("busy_seconds")


def test_marking_slices_of_a_large_heap(churn):
    """A heap that is marked step by step has slices, and they are none of the pauses."""
    if not any(entry["kind"] == "incremental" for entry in churn.entries):
        pytest.skip("V8 did not mark this heap incrementally in this run")
    slices = churn.process.gc("incremental_step")
    assert slices["count"] > 0 and slices["seconds"] > 0
    assert slices["seconds"] < churn.process.loop().total("busy_seconds")


def test_collections_that_were_asked_for(node):
    collect = watch(node, "collect", flags=["--expose-gc"], minor=6, major=4)
    kinds = [entry["kind"] for entry in collect.entries]
    assert kinds.count("scavenge") >= 6 and kinds.count("mark_compact") >= 4
    assert_same_collections(collect)
