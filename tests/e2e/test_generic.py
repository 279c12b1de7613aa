# SPDX-License-Identifier: GPL-2.0-only
# Copyright (c) 2026 The looptop authors
"""Any program with an epoll loop: Python's asyncio, Redis, memcached, nginx, and one without any library,
by each way in which their waits can be seen, against what they and the test know themselves."""

import time

import pytest
from conftest import compile_c
from support.generic import (
    WAYS,
    Account,
    Server,
    ask,
    free_port,
    hold,
    host_has_fentry,
)
from support.looptop import NO_BUDGET, Running, Stat, assert_says_why, run
from support.clock import unix_time
from support.pressure import Waited
from support.stalls import covers
from support.series import is_unknown
from support.waits import Waits, Window
from support.workload import WORKLOADS, Workload

BLOCK_SECONDS = 0.2
SLACK = 0.025  # of a block: the rest of its turn; beside it counts what the kernel says that the thread had no CPU


@pytest.fixture(scope="module")
def has_fentry():
    return host_has_fentry()


@pytest.fixture(params=WAYS)
def way(request, has_fentry):
    if request.param == "fentry" and not has_fentry:
        pytest.skip("this kernel lets nobody attach to its functions (looptop check says so)")
    return request.param


class Watch(Stat):
    """looptop on one process, by that way."""

    def __init__(self, way, *pids, extra=()):
        super().__init__(*pids, extra=(*NO_BUDGET, "--waits", way, *extra), launcher=WAYS[way])
        self.way = way
        self.wait_attached()

    def end(self):
        self.settle()
        series = self.stop()
        if self.way == "fentry":
            # The kernel leaves out a program that it has interrupted on the same CPU: counted, and rare.
            assert series.lost()["unpaired"] <= 2
            for snapshot in series.snapshots:
                snapshot["self"]["lost"]["unpaired"] = 0
        series.assert_sound()
        return series


def unseen(way):
    """The wait that ran when looptop came: only tracepoints see its end, and the turn behind it."""
    return 1 if way == "fentry" else 0


# --- Python's asyncio, which counts its own selects ----------------------------------------------


@pytest.fixture
def asyncio(tmp_path):
    account = Account(tmp_path / "account")
    script = WORKLOADS / "asyncio-blocks.py"
    with Workload(["/usr/bin/python3", script, account.path]) as target:
        target.call("ping")
        target.account = account
        yield target


def test_asyncio_counts_the_same(asyncio, way):
    with Watch(way, asyncio.pid, extra=("--stall", "100")) as watch:
        selects, busy = asyncio.account.read()
        with Waited(asyncio.pid) as waited:
            truth = asyncio.call("start", blocks=3, block_ms=150)
        watch.settle()
        selects, busy = (now - was for now, was in zip(asyncio.account.read(), (selects, busy)))
        process = watch.end().of(asyncio.pid)
    hits = sum(entry["probe_hits"] for entry in process.entries)
    assert hits == 2 * selects - unseen(way)
    loop = process.loop()
    assert loop.total("turns") <= selects
    # Between a system call and a look at the clock the thread may lose its CPU: that is busy time, too.
    loop.assert_busy({"active": busy, "beside": waited.seconds})
    for kind, cause in ("burn", "cpu"), ("sleep", "sync_io"):
        for begin, length in truth[kind]:
            (stall,) = [stall for stall in loop.stalls if covers(stall, unix_time(begin + length / 2))]
            assert length - 1e-3 <= stall["seconds"] <= length + SLACK + waited.seconds
            # a machine that is short of CPUs may keep it waiting, but not make it sleep
            assert (stall["cause"] == "sync_io") == (cause == "sync_io"), stall
            assert stall["cause_seconds"][cause] > 0.5 * length or cause == "cpu"
            # whether its code keeps frame pointers is not known: the function that runs, or none
            assert len(stall["stack"] or []) <= 1 and stall["where"] is None


def test_what_cannot_be_known_is_null(asyncio, way):
    with Watch(way, asyncio.pid) as watch:
        asyncio.call("start", blocks=1, block_ms=10)
        process = watch.end().of(asyncio.pid)
    entry = process.last
    assert entry["runtime"] == "generic" and entry["tier"] == "wait"
    assert entry["runtime_version"] is None and entry["libuv_version"] is None
    assert is_unknown(entry["pool"]) and is_unknown(entry["gc"]) and is_unknown(entry["sync_fs"])
    row = process.loop().rows[-1]
    assert row["iterations"] is None and row["cause_seconds"]["gc"] is None
    phases = {name for name, value in row["phase_seconds"].items() if value is not None}
    assert phases == {"poll_wait"}
    assert any("system calls" in sentence for sentence in entry["missing"])


def test_a_loop_that_sleeps_is_there_at_once(asyncio, way):
    """Its wait began before looptop did, and ends only when it is told to."""
    with Watch(way, asyncio.pid) as watch:
        watch.wait_snapshots(3)
        series = watch.end()
    loop = series.of(asyncio.pid).loop()
    assert len(loop.rows) == len(series)
    assert loop.total("turns") == 0 and loop.total("busy_seconds") == 0
    assert loop.total("idle_seconds") == pytest.approx(series.of(asyncio.pid).elapsed, rel=0.01)


# --- a program without a library: two threads, two descriptors, parts of a millisecond -----------


@pytest.fixture(scope="module")
def epoll_waits(built):
    return compile_c(WORKLOADS / "epoll-waits.c", built / "epoll-waits", "-lpthread")


def test_two_descriptors_on_one_thread(epoll_waits, way):
    with Workload([epoll_waits]) as target:
        with Watch(way, target.pid) as watch:
            with Waited(target.pid) as without_cpu:
                truth = target.call("start")
            process = watch.end().of(target.pid)
    loop = process.loop()
    # The line that starts it ends a wait, and work is done until the first of those that are counted.
    begun = 1 - unseen(way)
    assert loop.total("turns") == truth["turns"] + begun
    # Each is a turn of some length: a wait that may not block is no idle time.
    lengths = loop.dist("turn_seconds")
    assert lengths["count"] == truth["turns"] + begun
    waited = truth["ticks"] * truth["tick_seconds"]
    busy = loop.total("busy_seconds")
    # main sleeps in read() until its ticker is done: no wait for events, hence busy
    assert truth["busy"] + waited <= busy <= truth["busy"] + truth["ticker_waited"] * 1.05 + 0.05 + without_cpu.seconds
    assert loop.dist("timer_lateness_seconds")["count"] == truth["timeouts"]


def test_timeouts_below_a_millisecond(epoll_waits, way):
    with Workload([epoll_waits]) as target:
        with Watch(way, target.pid) as watch:
            with Waited(target.pid) as without_cpu:
                truth = target.call("start")
            process = watch.end().of(target.pid)
    ticker = process.loop(truth["ticker"])
    assert ticker.name == "ticker" and process.loop().name == "main"
    late = ticker.dist("timer_lateness_seconds")
    assert late["count"] == truth["ticks"]
    expected = truth["ticker_waited"] - truth["ticks"] * truth["tick_seconds"]
    # The thread reads its clock before and after the call, which takes it some time too, and its CPU may be taken there.
    overhead = 2 * truth["ticks"] * truth["call_seconds"] + 1e-3 + without_cpu.seconds
    assert expected - overhead - 0.02 * expected <= late["sum"] <= expected + 1e-3


# --- servers ------------------------------------------------------------------------------------


def assert_all_time_is_told(process, way, stopped=BLOCK_SECONDS):
    """Behind the first interval; but with fentry, of a thread that slept when looptop came, not what it did
    between the end of that wait, which nobody saw, and the next: a stop of the process, here."""
    untold = unseen(way) * (stopped + 2 * SLACK)
    for tid in process.tids:
        rows = list(zip(reversed(process.loop(tid).rows), reversed(process.times)))[:-1]
        unknown = [i for i, (row, _) in enumerate(rows) if row["busy_seconds"] is None]
        assert not unknown or way == "fentry"
        rows = rows[: max(unknown[0] - 1, 0)] if unknown else rows
        known = sum(row["busy_seconds"] + row["idle_seconds"] for row, _ in rows)
        elapsed = sum(interval for _, (_, interval) in rows)
        assert elapsed * 0.99 - 0.005 - untold <= known <= elapsed * 1.01 + 0.005


def assert_stall(loop, least, most, cause="sync_io"):
    stalls = [stall for stall in loop.own_stalls() if stall["seconds"] >= least - 2e-3]
    assert len(stalls) == 1, (least, loop.stalls)
    assert stalls[0]["seconds"] <= most + SLACK and stalls[0]["cause"] == cause, stalls


@pytest.fixture(scope="module")
def redis(tmp_path_factory):
    port = free_port()
    options = ("--save", "", "--enable-debug-command", "local", "--bind", "127.0.0.1")
    argv = ["redis-server", "--port", port, *options]
    with Server(argv, port, tmp_path_factory.mktemp("redis")) as server:
        yield server


def test_redis_debug_sleep(redis, way):
    with redis.connect() as client:
        ask(client, b"PING\r\n")
        with Watch(way, redis.pid) as watch:
            ask(client, b"PING\r\n")  # the first turn, which fentry does not see
            blocked = []
            with Waited(redis.pid) as without_cpu:
                for _ in range(3):
                    begin = time.monotonic()
                    ask(client, f"DEBUG SLEEP {BLOCK_SECONDS}\r\n".encode())
                    blocked.append(time.monotonic() - begin)
            process = watch.end().of(redis.pid)
    loop = process.loop()
    stalls = loop.own_stalls()
    assert len(stalls) == 3 and loop.name == "main"
    for stall, most in zip(stalls, blocked):
        assert BLOCK_SECONDS <= stall["seconds"] <= most + SLACK + without_cpu.seconds
        assert stall["cause"] == "sync_io"
    assert_all_time_is_told(process, way)


def test_redis_commands_are_turns(redis, way):
    """Each command that waits for the answer to the one before ends a wait of its own. Redis wakes ten
    times a second besides, to look after itself."""
    commands = 2000
    with redis.connect() as client:
        ask(client, b"PING\r\n")
        with Watch(way, redis.pid) as watch:
            begin = time.monotonic()
            ask(client, b"PING\r\n", times=commands)
            process = watch.end().of(redis.pid)
            elapsed = time.monotonic() - begin
    turns = process.loop().total("turns")
    assert commands - unseen(way) <= turns <= commands + 12 * (elapsed + 1) + 5


@pytest.fixture(scope="module")
def memcached(tmp_path_factory, waits_counter):
    port = free_port()
    folder = tmp_path_factory.mktemp("memcached")
    waits = Waits(waits_counter, folder / "waits")
    argv = ["memcached", "-l", "127.0.0.1", "-p", port, "-U", 0, "-t", 2, "-u", "nobody"]
    with Server([*waits.argv, *argv], port, folder) as server:
        server.waits = waits
        yield server


def test_memcached_has_a_loop_for_each_worker(memcached, way):
    requests = 1000
    with memcached.connect() as client:
        ask(client, b"version\r\n")
        before = memcached.waits.read()
        with Watch(way, memcached.pid) as watch:
            begin = memcached.waits.read()
            ask(client, b"get nothing\r\n", times=requests)
            end = memcached.waits.read()
            _, most = hold(memcached.pid, BLOCK_SECONDS)
            process = watch.end().of(memcached.pid)
        window = Window(before, begin, end, memcached.waits.read())
    loops = [process.loop(tid) for tid in process.tids]
    names = [loop.name for loop in loops]
    assert len(set(names)) == len(names) >= 3 and "main" in names, "main and two workers"
    busiest = max(loops, key=lambda loop: loop.total("turns", may_change=True))
    assert busiest.total("turns", may_change=True) >= requests - unseen(way) and busiest.name != "main"
    for loop in loops:
        window.assert_turns(loop)
    assert_all_time_is_told(process, way, most)


NGINX = """
worker_processes 1; pid {folder}/pid; error_log {folder}/error.log;
events {{ worker_connections 64; }}
http {{
    access_log off; keepalive_requests 100000; client_body_temp_path {folder}/body;
    server {{ listen 127.0.0.1:{port}; location / {{ return 200 "ok\\n"; }} }}
}}
"""


@pytest.fixture(scope="module")
def nginx(tmp_path_factory, waits_counter):
    folder = tmp_path_factory.mktemp("nginx")
    waits = Waits(waits_counter, folder / "waits")
    port = free_port()
    config = folder / "nginx.conf"
    config.write_text(NGINX.format(folder=folder, port=port))
    argv = ["/usr/sbin/nginx", "-e", folder / "error.log", "-c", config, "-g", "daemon off;"]
    with Server([*waits.argv, *argv], port, folder) as server:
        server.worker = server.child(10)
        server.waits = waits
        yield server


def test_nginx_requests_are_turns_and_a_stop_is_a_stall(nginx, way):
    requests = 1000
    with nginx.connect() as client:
        get = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
        ask(client, get, end=b"ok\n")
        before = nginx.waits.read()
        with Watch(way, nginx.worker) as watch:
            begin = nginx.waits.read()
            ask(client, get, end=b"ok\n", times=requests)
            end = nginx.waits.read()
            watch.settle()
            # A process that is stopped in its wait has left it: nobody looks for new work.
            least, most = hold(nginx.worker, BLOCK_SECONDS)
            with Waited(nginx.worker) as without_cpu:
                ask(client, get, end=b"ok\n")
            process = watch.end().of(nginx.worker)
        window = Window(before, begin, end, nginx.waits.read())
    loop = process.loop()
    assert loop.total("turns") >= requests + 1 - unseen(way)
    window.assert_turns(loop)
    assert_stall(loop, least, most + without_cpu.seconds)
    assert_all_time_is_told(process, way, most)


# --- what it says -------------------------------------------------------------------------------


def test_list_and_check_know_it(redis):
    listed = run("list", redis.pid)
    assert listed.returncode == 0
    row = listed.stdout.splitlines()[1].split()
    assert row[0] == str(redis.pid) and "generic" in row and "wait" in row
    checked = run("check", redis.pid)
    assert checked.returncode == 0, checked.stderr
    assert "generic" in checked.stdout and "any epoll loop" in checked.stdout


@pytest.mark.alone
def test_without_a_target_it_must_be_asked_for(redis, idle):
    """`idle` is there so that there is something to see."""
    plain = run("stat", "--json", "-i", "0.3", "-c", 1)
    assert f'"pid":{redis.pid},' not in plain.stdout and f'"pid":{idle.pid},' in plain.stdout
    with Stat(extra=(*NO_BUDGET, "--generic")) as stat:
        stat.wait_attached()
        stat.wait_snapshots(2)
        before = stat.stop().of(redis.pid)
    assert before.last["runtime"] == "generic"
    assert before.last["tier"] in ("memory", "wait")
    assert before.last["cpu_seconds"] is not None, "what /proc tells is free"


@pytest.mark.alone
def test_a_busy_one_gets_its_probes(redis):
    """What is busy for more than half of the time has them, whoever else is there."""
    burn = b"EVAL 'for i = 1, 100000000 do end' 0\r\n"
    deadline = time.monotonic() + 20
    with redis.connect() as client:
        with Stat(extra=(*NO_BUDGET, "--generic")) as stat:
            stat.wait_attached()
            while not any(
                entry["pid"] == redis.pid and any(row["stalls"] for row in entry["loops"])
                for snapshot in stat.snapshots
                for entry in snapshot["processes"]
            ):
                assert time.monotonic() < deadline, "its stalls are not seen"
                ask(client, burn)
            process = stat.stop().of(redis.pid)
    assert process.entries[0]["tier"] == "memory" and process.last["tier"] == "wait"
    for stall in process.loop().stalls:
        assert stall["cause_seconds"]["sync_io"] < 0.1 * stall["seconds"], "it computes"


def test_a_name_is_asking_for_it(redis):
    with Stat(extra=(*NO_BUDGET, "-n", f"redis-server*:{redis.port}")) as stat:
        stat.wait_attached()
        stat.settle()
        process = stat.stop().of(redis.pid)
    assert process.last["tier"] == "wait" and process.loop().total("turns") > 0


def test_no_epoll_is_no_loop(sleeper):
    assert_says_why(run("stat", "-c", 1, sleeper), (1, 3), "no event loop", "epoll")


def test_a_way_that_is_not_there_is_named(redis, has_fentry):
    if has_fentry:
        pytest.skip("fentry works here")
    assert_says_why(run("stat", "-c", 1, "--waits", "fentry", redis.pid), 5, "--waits fentry")


def test_tracepoints_say_what_they_cost(redis, has_fentry):
    """One line, and only where it is so: each system call of the host is slowed down."""
    said = run("stat", "-c", 1, "-i", "0.2", redis.pid).stderr
    assert ("each system call" in said) <= (not has_fentry)
    assert len([line for line in said.splitlines() if "attached" not in line]) <= 1


def test_tier_memory_has_nothing_and_says_so(redis):
    result = run("stat", "--json", "--tier", "memory", "-i", "0.2", "-c", "2", redis.pid)
    assert result.returncode == 0
    assert "nothing is known of an epoll loop without probes" in result.stdout


def test_stalls_are_told_while_they_run(redis):
    with redis.connect() as client:
        with Running("stalls", "--json", "-i", "0.2", redis.pid) as stalls:
            stalls.wait_attached()
            client.sendall(b"DEBUG SLEEP 0.5\r\n")
            assert client.recv(64).startswith(b"+OK")
            time.sleep(1)  # some intervals: an end is told at the end of its interval
            told = stalls.stop()
    running, ended = ([entry for entry in told if entry["ongoing"] is is_so] for is_so in (True, False))
    assert running and running[0]["seconds"] < 0.3, "long before its end"
    assert len(ended) == 1 and 0.5 <= ended[0]["seconds"] <= 0.5 + SLACK
    assert not ended[0]["stack"], "a thread that sleeps has no stack, and none is made up"
