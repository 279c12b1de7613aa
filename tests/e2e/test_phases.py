# SPDX-License-Identifier: GPL-2.0-only
# Copyright (c) 2026 The looptop authors
"""Phases against callbacks that know in which phase they run and for how long."""

import pytest
from support.looptop import measure
from support.series import is_unknown

ROUNDS = 12
PLAN = {"timers_ms": 10, "check_ms": 8, "poll_ms": 6, "closing_ms": 12}


def phases_at(node, tier):
    with node.run("phases.js") as target:
        target.call("prepare", rounds=ROUNDS)
        return measure(target, "start", tier=tier, rounds=ROUNDS, **PLAN)


@pytest.fixture(scope="module")
def full(node):
    return phases_at(node, "full")


@pytest.fixture(scope="module")
def phases(node):
    return phases_at(node, "phases")


def assert_phase(measured, burnt, truth):
    """Never less than was burnt in it; more only by Node's own work around the callbacks. How much
    that was the process tells itself: what its loop was busy with beyond all the burning."""
    own = max(truth["active"] - sum(truth["phases"].values()), 0) + truth["beside"]
    assert burnt - 0.001 <= measured <= burnt * 1.03 + 0.010 + own


@pytest.mark.parametrize("name", ["timers", "check", "poll_callbacks", "closing"])
def test_full_tier_tells_each_phase(full, name):
    truth, process = full
    assert_phase(process.loop().phase(name), truth["phases"][name], truth)


@pytest.mark.parametrize("name", ["pending", "idle", "prepare"])
def test_full_tier_tells_the_empty_phases(full, name):
    truth, process = full
    own = truth["active"] - sum(truth["phases"].values()) + truth["beside"]
    assert 0 <= process.loop().phase(name) <= own + 0.001, "Node puts nothing of its own there"


def test_full_tier_waits_as_long_as_the_loop_was_idle(full):
    process = full[1].since(1)
    loop = process.loop()
    assert loop.phase("poll_wait") == pytest.approx(loop.total("idle_seconds"), rel=0.01, abs=0.01)


def test_full_tier_phases_sum_to_elapsed(full):
    process = full[1].since(1)
    loop = process.loop()
    names = loop.rows[0]["phase_seconds"].keys()
    assert len(names) == 8
    assert sum(loop.phase(name) for name in names) == pytest.approx(process.elapsed, rel=0.01)


def test_phases_tier_puts_the_small_ones_together(phases):
    truth, process = phases
    loop = process.loop()
    spent = truth["phases"]
    assert_phase(loop.phase("timers"), spent["timers"], truth)
    assert_phase(loop.phase("poll_callbacks"), spent["poll_callbacks"], truth)
    assert_phase(loop.phase("check"), spent["check"] + spent["closing"], truth)
    for name in ("pending", "idle", "prepare", "closing"):
        assert loop.phase(name) is None


def test_wait_tier_tells_only_the_wait(node):
    with node.run("phases.js") as target:
        target.call("prepare", rounds=ROUNDS)
        truth, process = measure(target, "start", tier="wait", rounds=ROUNDS, **PLAN)
    loop = process.loop()
    assert {entry["tier"] for entry in process.entries} == {"wait"}
    for name, value in loop.rows[-1]["phase_seconds"].items():
        assert (value is None) == (name != "poll_wait"), name
    loop.assert_busy(truth)
    assert loop.dist("turn_seconds")["count"] > 0
    assert not is_unknown(loop.rows[-1]["lag_seconds"])
    assert process.last["missing"], "it says why the phases are null"
