# SPDX-License-Identifier: GPL-2.0-only
# Copyright (c) 2026 The looptop authors
"""A libuv program that is not Node."""

import pytest
from support.looptop import NO_BUDGET, Stat
from support.pressure import Waited
from support.workload import Workload


@pytest.fixture(scope="module")
def libuv(uv_tasks):
    with Workload([uv_tasks]) as target:
        with Stat(target.pid, tier="full", extra=(*NO_BUDGET, "--stall", "15")) as stat:
            stat.wait_attached()
            with Waited(target.pid) as without_cpu:
                truth = target.call("start")
            stat.settle()
            series = stat.stop()
    series.assert_sound()
    return {**truth, "waited": without_cpu.seconds}, series.of(target.pid)


def test_it_is_known_for_what_it_is(libuv):
    entry = libuv[1].last
    assert entry["runtime"] == "libuv"
    assert entry["libuv_version"] in (None, "1.44.2")
    assert entry["name"] == "uv-tasks"


def test_tasks_and_cancelled_tasks(libuv):
    truth, process = libuv
    record = process.kind("other")
    assert truth["cancelled"] > 0, "libuv cancels what no thread has taken yet"
    assert record["submitted"] == truth["completed"] + truth["cancelled"]
    assert record["completed"] == record["started"] == truth["completed"]
    assert record["cancelled"] == truth["cancelled"]


def test_blocks_are_stalls_of_their_length(libuv):
    truth, process = libuv
    loop = process.loop()
    blocks = sorted(stall["seconds"] for stall in loop.stalls)[-truth["blocks"] :]
    assert len(blocks) == truth["blocks"]
    # Others are turns that were kept from running.
    assert len(loop.own_stalls(0.015)) <= truth["blocks"]
    for told in sum(blocks), loop.phase("timers"):
        assert told == pytest.approx(truth["blocked_seconds"], rel=0.02, abs=0.005 + truth["waited"])


def test_there_is_no_garbage_collector(libuv):
    assert not libuv[1].last["gc"]["kinds"], "neither collections nor zeros"
