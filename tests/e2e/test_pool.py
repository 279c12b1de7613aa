# SPDX-License-Identifier: GPL-2.0-only
# Copyright (c) 2026 The looptop authors
"""The thread pool: what was asked of it, by kind, and how long it took, against those who asked."""

import pytest
from support.looptop import Stat, measure
from support.pressure import waited_seconds

COUNTS = {"fs": 200, "dns": 20, "crypto": 20, "random": 10, "zlib": 10}
THREADS = 4  # of the pool, unless somebody asks for more


def assert_latency(measured, truth, count, waited=0):
    """The issue's 10 %; the floor of 50 µs a task is the JavaScript or C between the process's own
    timestamp and libuv's functions, and the trap of a probe there; and for how long the kernel says
    that its threads waited for a CPU, which may have been just there."""
    assert measured == pytest.approx(truth, rel=0.10, abs=50e-6 * count + waited)


def assert_exact(record, count):
    assert record["submitted"] == record["started"] == record["completed"] == count
    assert record["cancelled"] == 0
    for key in ("wait_seconds", "run_seconds", "delivery_seconds"):
        assert record[key]["count"] == count, key


@pytest.fixture(scope="module")
def pool(node, pool_addon):
    """A process that has used its pool once before, so that nothing is loaded lazily."""
    with node.run("pool.js", env={"LT_POOL_ADDON": str(pool_addon)}) as target:
        target.call("kinds", **{kind: 1 for kind in COUNTS})
        yield target


def measure_waiting(pool, cmd, **arguments):
    """(truth, process, for how long its threads wanted a CPU meanwhile)."""
    before = waited_seconds(pool.pid)
    truth, process = measure(pool, cmd, **arguments)
    return truth, process, waited_seconds(pool.pid) - before


@pytest.fixture(scope="module")
def kinds(pool):
    return measure_waiting(pool, "kinds", held=THREADS, **COUNTS)


def counts_of(truth):
    return {kind: told["count"] for kind, told in truth["kinds"].items()}


def test_tasks_of_each_kind_are_exact(kinds):
    truth, process, _ = kinds
    for kind, count in counts_of(truth).items():
        assert_exact(process.kind(kind), count)
    assert process.submitted() == counts_of(truth)


def whole_seconds(record):
    """From their submission to their delivery."""
    return sum(record[key]["sum"] for key in ("wait_seconds", "run_seconds", "delivery_seconds"))


def test_latency_is_what_those_who_asked_saw(kinds):
    truth, process, waited = kinds
    for kind in ("fs", "dns", "crypto"):
        record = process.kind(kind)
        assert_latency(whole_seconds(record), truth["kinds"][kind]["seconds"], record["completed"], waited)


def test_nothing_is_left_when_all_is_done(kinds):
    last = kinds[1].last["pool"]
    assert last["queue_depth"] == 0 and last["busy"] == 0 and last["slow_queue_depth"] == 0


def test_all_that_was_asked_for_queued_behind_threads_that_were_held(kinds):
    """A stream of zlib has one write under way at a time."""
    queued = sum(COUNTS.values())
    assert queued <= max(kinds[1].pool("queue_depth_max")) <= queued + THREADS


def test_whole_files_are_files(pool):
    """However a version of Node divides that into tasks."""
    _, process = measure(pool, "files", n=10)
    assert set(process.submitted()) == {"fs"}
    assert process.submitted()["fs"] >= 40


def test_name_lookups_queue_apart(pool):
    """libuv lets slow work have half of the threads: 20 lookups on 2 threads must queue, with nothing else there."""
    truth, process = measure(pool, "kinds", fs=0, dns=20, crypto=0, random=0, zlib=0)
    assert_exact(process.kind("dns"), truth["kinds"]["dns"]["count"])
    assert max(process.pool("busy_max")) <= THREADS // 2
    assert process.kind("dns")["wait_seconds"]["max"] > 0


def test_moments_of_tasks_that_know_them(pool):
    """Sleeping tasks, by Node-API and by libuv: each span by itself within 10 %."""
    truth, process, waited = measure_waiting(pool, "moments", n=12, sleep_ms=25)
    for kind in ("napi", "other"):
        told = truth["kinds"][kind]
        record = process.kind(kind)
        assert_exact(record, told["count"])
        for span in ("wait", "run", "delivery"):
            assert_latency(record[f"{span}_seconds"]["sum"], told[span], told["count"], waited)
    assert set(process.submitted()) == {"napi", "other"}


def test_without_a_queue_nothing_waits(pool):
    truth, process, waited = measure_waiting(pool, "one_by_one", n=10)
    record = process.kind("crypto")
    assert_exact(record, 10)
    assert max(process.pool("queue_depth_max")) <= 1
    assert max(process.pool("busy_max")) == 1
    assert record["run_seconds"]["sum"] <= truth["seconds"]
    assert_latency(whole_seconds(record), truth["seconds"], 10, waited)


def saturated_seconds(tasks):
    """For how long all threads ran a task while others waited, by the tasks' own moments."""
    changes = []
    for submitted, started, finished in tasks:
        changes += [(submitted, 1, 0), (started, -1, 1), (finished, 0, -1)]
    saturated, since, queued, running = 0, None, 0, 0
    for moment, more_queued, more_running in sorted(changes):
        if since is not None:
            saturated += moment - since
        queued, running = queued + more_queued, running + more_running
        since = moment if queued > 0 and running == THREADS else None
    return saturated


def test_saturation(pool):
    """80 sleeping tasks at once on 4 threads, which know when each began and ended."""
    truth, process, waited = measure_waiting(pool, "moments", n=40, sleep_ms=15)
    tasks = [task for told in truth["kinds"].values() for task in told["tasks"]]
    expected = saturated_seconds(tasks)
    assert len(tasks) == 80 and expected > 0.15, "the pool was hardly saturated: no proof"
    assert process.pool("size")[-1] == max(process.pool("busy_max")) == THREADS
    saturated = sum(process.pool("saturated_seconds"))
    # A thread that has ended a task takes the next one at once: looptop sees it free meanwhile, as do the tasks.
    assert saturated == pytest.approx(expected, rel=0.02, abs=50e-6 * len(tasks) + waited)


def test_cancelled_tasks(pool):
    truth, process = measure(pool, "cancel", n=10, sleep_ms=200)
    assert truth["cancelled"] > 0, "libuv cancels what no thread has taken yet"
    record = process.kind("napi")
    assert record["cancelled"] == truth["cancelled"]
    assert record["submitted"] == truth["submitted"]
    assert record["started"] == record["completed"] == truth["completed"]
    assert process.last["pool"]["queue_depth"] == 0


def test_synchronous_file_calls_are_apart(pool):
    truth, process, waited = measure_waiting(pool, "sync", stats=200, bytes=64 << 20)
    # Besides the 200: write (open, write…, close), open, the timed read, close, unlink.
    calls = process.sync_fs("calls")
    assert 200 + 6 <= calls <= 200 + 12
    assert process.submitted() == {}, "none of it is the pool's"
    # The long read alone is most of the time; writing the file is not in the truth.
    assert process.sync_fs("seconds") >= truth["read"] * 0.9 - waited


def test_synchronous_file_calls_are_exact(pool):
    """The same work twice, once with 300 more calls: the difference is exact."""
    _, few = measure(pool, "sync", stats=100, bytes=1024)
    _, many = measure(pool, "sync", stats=400, bytes=1024)
    assert many.sync_fs("calls") - few.sync_fs("calls") == 300


def test_work_under_way_at_attach(pool):
    """Four tasks run and 60 are queued when the probes come, and stay so until 20 more have followed."""
    pool.call("flood", n=60, held=THREADS)
    with Stat(pool.pid) as stat:
        stat.wait_attached()
        pool.send("saturate", n=20)
        pool.send("drain")
        assert pool.answer("drain")["count"] == 60
        assert pool.answer("saturate")["count"] == 20
        stat.settle()
        series = stat.stop()
    series.assert_sound()
    process = series.of(pool.pid)
    record = process.kind("crypto")
    assert record["submitted"] == 20, "only what was submitted under our eyes"
    assert record["wait_seconds"]["count"] == 20, "no wait is known of the others"
    assert record["started"] == record["completed"] == 80, "what was queued before was found, and is told of once"
    for key in ("busy", "busy_max", "queue_depth", "queue_depth_max"):
        assert all(value is None or 0 <= value <= 84 for value in process.pool(key)), key
    assert max(process.pool("busy_max")) <= 4
    assert process.last["pool"]["queue_depth"] == 0 and process.last["pool"]["busy"] == 0


@pytest.mark.parametrize("size, by_javascript", [(9, False), (7, True)])
def test_pool_size(node, size, by_javascript):
    """Set in the environment, or by JavaScript, where the environment of the process is silent."""
    env = {} if by_javascript else {"UV_THREADPOOL_SIZE": str(size)}
    with node.run("pool.js", env=env) as target:
        if by_javascript:
            target.call("resize", size=size)
        _, process = measure(target, "saturate", interval=0.3, n=30, held=size)
    assert process.pool("size")[-1] == size
    assert max(process.pool("busy_max")) == size


def test_unused_pool_has_no_threads_yet(idle):
    with Stat(idle.pid) as stat:
        stat.wait_attached()
        stat.wait_snapshots(2)
        process = stat.stop().of(idle.pid)
    assert process.last["pool"]["size"] is None, "that is decided at its first use"
    assert process.last["pool"]["busy"] == 0 and process.last["pool"]["queue_depth"] == 0


def test_pool_and_gc_can_be_switched_off(one_node):
    with one_node.run("pool.js") as target:
        extra = ("--budget", "100", "--no-pool", "--no-gc")
        _, process = measure(target, "saturate", extra=extra, n=8)
    for entry in process.entries:
        assert not entry["pool"]["kinds"] and not entry["gc"]["kinds"]
    assert process.loop().total("busy_seconds") > 0
