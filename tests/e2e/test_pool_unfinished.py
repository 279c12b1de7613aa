# SPDX-License-Identifier: GPL-2.0-only
# Copyright (c) 2026 The looptop authors
"""What has not ended of a pool: tasks that were there before looptop, that wait or run for long, or for ever."""

import json
import re
import time
from contextlib import contextmanager

import pytest
from support import PATIENCE, looptop
from support.agent import Agent, wait_for
from support.looptop import NO_BUDGET, Stat, run

THREADS = 4
WATCH = ("-i", "0.5", "-d", "6", "--budget", "100")
MANY = 3000  # tasks
RATE = 10  # tasks a second, of which half are done


@contextmanager
def flooded(node, n, env=None):
    """All threads wait for somebody to open a pipe, and so many tasks wait for them."""
    with node.run("pool.js", env=env) as target:
        target.call("flood", n=n, held=THREADS, iterations=1000)
        yield target
        assert target.call("drain")["count"] == n


def assert_stands_still(pool, queued):
    assert (pool["size"], pool["busy"], pool["queue_depth"]) == (THREADS, THREADS, queued)
    assert pool["oldest_queued_seconds"] > 0 and pool["oldest_running_seconds"] > 0


def assert_ages(snapshots, pid, since):
    """Each is as old as what has been watched of it, and older than in the snapshot before by what has passed."""
    aged = [(snapshot["time"], process["pool"]) for snapshot in snapshots for process in snapshot["processes"]
            if process["pid"] == pid]
    assert len(aged) > 2
    for (then, before), (now, pool) in zip(aged, aged[1:]):
        for key in ("oldest_queued_seconds", "oldest_running_seconds"):
            assert pool[key] - before[key] == pytest.approx(now - then, abs=0.002), key
            assert pool[key] <= now - since, key


def test_what_was_there_at_attach(node):
    """Its number, its kinds and its age from the first row on; what becomes of it is counted."""
    with flooded(node, 60) as target:
        since = time.time()
        with Stat(target.pid) as stat:
            stat.wait_attached()
            stat.wait_snapshots(4)
            held = list(stat.snapshots)
            target.call("drain")
            stat.settle()
            process = stat.stop().of(target.pid)
    assert_ages(held, target.pid, since)
    for snapshot in held:
        pool = snapshot["processes"][0]["pool"]
        assert_stands_still(pool, 60)
        kinds = {kind: (told["queued"], told["running"]) for kind, told in pool["kinds"].items()}
        assert kinds == {**dict.fromkeys(kinds, (0, 0)), "crypto": (60, 0), "fs": (0, THREADS)}
        assert pool["saturated_seconds"] == pytest.approx(snapshot["interval_seconds"], rel=0.05, abs=0.1)
    assert process.kind("crypto")["started"] == process.kind("crypto")["completed"] == 60
    assert process.kind("fs")["completed"] == THREADS
    for kind in ("crypto", "fs"):
        assert process.kind(kind)["submitted"] == 0 and process.kind(kind)["wait_seconds"]["count"] == 0
    last = process.last["pool"]
    assert last["oldest_queued_seconds"] == last["oldest_running_seconds"] == last["queue_depth"] == 0


def test_without_probes(node):
    """The threads sleep, and have not gone to sleep again: what they run, and what waits for them, is that old."""
    with flooded(node, 60) as target:
        since = time.time()
        with Stat(target.pid, tier="memory") as stat:
            stat.wait_snapshots(4)
            held = list(stat.snapshots)
            target.call("drain")
            stat.settle()
            process = stat.stop().of(target.pid)
    # The first look finds them; the next ones say that they are the same.
    assert_ages(held[1:], target.pid, since)
    for snapshot in held[1:]:
        assert_stands_still(snapshot["processes"][0]["pool"], 60)
    last = process.last["pool"]
    assert last["oldest_queued_seconds"] == last["oldest_running_seconds"] == last["queue_depth"] == 0


@pytest.mark.parametrize("tier", ["memory", "phases"])
def test_a_long_queue(one_node, tier):
    with flooded(one_node, MANY) as target:
        with Stat(target.pid, tier=tier) as stat:
            stat.wait_snapshots(2)
            process = stat.stop().of(target.pid)
        for entry in process.entries:
            assert entry["pool"]["queue_depth"] == MANY
            if tier == "phases":
                assert entry["pool"]["kinds"]["crypto"]["queued"] == MANY


def test_a_pool_that_computes(one_node):
    """Its threads are not asleep: without probes no age is certain, and none is told."""
    with one_node.run("pool.js") as target:
        target.send("saturate", n=300)
        with Stat(target.pid, tier="memory") as stat:
            stat.wait_snapshots(3)
            entries = stat.stop().of(target.pid).entries
        target.answer("saturate", PATIENCE)
    for entry in entries:
        pool = entry["pool"]
        assert pool["busy"] == THREADS and pool["queue_depth"] > 0
        assert pool["oldest_queued_seconds"] is None
        assert pool["oldest_running_seconds"] is None or pool["oldest_running_seconds"] < 0.5


def test_nothing_is_left_of_what_was_found(one_node):
    """Probes come again and again while tasks come and go: one that left unseen would stay in the pool for ever."""
    with one_node.run("pool.js") as target:
        for _ in range(8):
            target.send("saturate", n=40)
            with Stat(target.pid, interval=0.2) as stat:
                stat.wait_attached()
                target.answer("saturate")
                stat.settle()
                seen = len(stat.snapshots)
                target.call("one_by_one", n=3)
                stat.settle()
                pools = [snapshot["processes"][0]["pool"] for snapshot in stat.stop().snapshots[seen:]]
            # These are of the probes' own account, which knows of no other tasks than these.
            assert max(pool["busy_max"] for pool in pools) == 1
            assert max(pool["queue_depth_max"] for pool in pools) <= 1
            for pool in pools:
                assert all(kind["queued"] <= 1 and kind["running"] <= 1 for kind in pool["kinds"].values())


# --- what is said of it ----------------------------------------------------------------------------------------------


def findings(pid, *extra):
    result = looptop.run("doctor", "--json", *WATCH, *extra, pid, timeout=PATIENCE)
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)["findings"]


@pytest.mark.parametrize("tier", ["memory", "phases"])
def test_doctor_says_that_nothing_ends(one_node, tier):
    with flooded(one_node, 60) as target:
        found = findings(target.pid, "--tier", tier)
    assert [finding["id"] for finding in found] == ["pool-stuck"]
    text = json.dumps(found[0])
    assert "60 wait" in text and f"{THREADS} threads (fs) asleep" in text
    assert f"openat of /tmp/looptop-hold-{target.pid}" in text
    assert not found[0].get("estimates"), "nothing is known of what a cure would bring"


def test_doctor_says_that_the_queue_grows(one_node, pool_addon, tmp_path):
    """One thread, tasks of 200 ms, one more every 100 ms: half of them are done, on any machine."""
    script = tmp_path / "behind.js"
    script.write_text(
        "const { work } = require(process.env.LT_POOL_ADDON);"
        f"setInterval(() => work(true, {2000 // RATE}, () => {{}}), {1000 // RATE});"
        "console.log(JSON.stringify({ event: 'ready', pid: process.pid }));"
        "process.stdin.on('end', process.exit).resume();"
    )
    env = {"LT_POOL_ADDON": str(pool_addon), "UV_THREADPOOL_SIZE": "1"}
    with one_node.run(script, env=env) as target:
        time.sleep(1)
        found = findings(target.pid)
    assert [finding["id"] for finding in found] == ["pool-backlog"]
    grows = re.search(r"([\d.]+) tasks wait, ([\d.]+) more each second", found[0]["title"])
    assert grows and 0 < float(grows[2]) <= RATE
    assert "more than" in json.dumps(found[0])


def test_on_screen_and_in_text(one_node):
    with flooded(one_node, 60) as target:
        told = run("stat", "-i", "0.4", "-c", "3", *NO_BUDGET, target.pid)
    assert told.returncode == 0
    assert re.search(r"4/4 +60 +>[\d.]+m?s", told.stdout), told.stdout


def test_in_the_metrics(one_node):
    with flooded(one_node, 60) as target, Agent("--tier", "memory", "-i", "0.5", target.pid) as agent:
        agent.wait_ready()

        def age():
            told = agent.metrics().values("looptop_pool_oldest_queued_seconds", pid=str(target.pid))
            return told and told[0] > 1

        wait_for(age, PATIENCE, "the age of what waits")
        agent.stop()
