# SPDX-License-Identifier: GPL-2.0-only
# Copyright (c) 2026 The looptop authors
"""A libuv program that is not Node."""

import pytest
from support.looptop import NO_BUDGET, Stat
from support.workload import Workload


@pytest.fixture(scope="module")
def libuv(uv_tasks):
    with Workload([uv_tasks]) as target:
        with Stat(target.pid, tier="full", extra=(*NO_BUDGET, "--stall", "15")) as stat:
            stat.wait_attached()
            truth = target.call("start")
            stat.settle()
            series = stat.stop()
    series.assert_sound()
    return truth, series.of(target.pid)


def test_it_is_known_for_what_it_is(libuv):
    entry = libuv[1].last
    assert entry["runtime"] == "libuv"
    assert entry["libuv_version"] in (None, "1.44.2")
    assert entry["name"] == "uv-tasks"


def test_tasks_and_cancelled_tasks(libuv):
    truth, process = libuv
    record = process.kind("other")
    assert truth["cancelled"] == 8
    assert record["submitted"] == truth["completed"] + truth["cancelled"]
    assert record["completed"] == record["started"] == truth["completed"]
    assert record["cancelled"] == truth["cancelled"]


def test_blocks_are_stalls_of_their_length(libuv):
    truth, process = libuv
    loop = process.loop()
    assert len(loop.stalls) == truth["blocks"]
    lengths = sum(stall["seconds"] for stall in loop.stalls)
    assert lengths == pytest.approx(truth["blocked_seconds"], rel=0.02, abs=0.005)
    assert loop.phase("timers") == pytest.approx(truth["blocked_seconds"], rel=0.02, abs=0.005)


def test_there_is_no_garbage_collector(libuv):
    assert not libuv[1].last["gc"]["kinds"], "neither collections nor zeros"
