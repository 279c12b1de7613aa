# SPDX-License-Identifier: GPL-2.0-only
# Copyright (c) 2026 The looptop authors
"""Every end is clean: killed in the middle of attaching nothing stays in the kernel; asked to end it ends, whatever it
is doing; and what was missed while it stood still is one row of its true length."""

import contextlib
import csv
import fcntl
import io
import json
import os
import platform
import random
import select
import signal
import struct
import subprocess
import termios
import time
from pathlib import Path

import pytest
from support import PATIENCE, kernel, procfs, torture
from support.agent import Agent, free_port, get, wait_for
from support.lines import Lines
from support.looptop import BINARY, NO_BUDGET, Stat, assert_says_why, strict_json
from support.screen import Screen
from test_safety import assert_text_is_the_files, assert_works

KILLS = {"multi": 48, "perf": 12}
TARGETS = {"multi": 4, "perf": 1}  # so that attaching takes a while
SOON = 1.0  # seconds, as is promised
SLACK = 0.5  # for a machine that has other things to do …
SLACK_TURNS = 10  # … and so many times what it takes to begin and to end a process that does nothing
INTERVAL = 0.4
TITLE = ("--title=ending",)  # a name that nobody else on the host asks for
STOPPED = 3.5  # intervals
SYS_WRITE, SYS_PPOLL = {"x86_64": (1, 271), "aarch64": (64, 73)}[platform.machine()]
POLLFD = struct.Struct("ihh")
ASKING = (signal.SIGTERM, signal.SIGINT)


# --- killed ------------------------------------------------------------------------------------------------


@pytest.mark.alone
@pytest.mark.parametrize("way", KILLS)
def test_killed_while_it_attaches(one_node, way, tmp_path):
    """At moments all over the time from the first probe to the last; every third kill is of its whole process group."""
    with contextlib.ExitStack() as stack:
        targets = [stack.enter_context(one_node.run("mixed.js", flags=TITLE)) for _ in range(TARGETS[way])]
        log = stack.enter_context(kernel.Log())
        before = kernel.bpf_ids()
        attacker = torture.Attacker([target.pid for target in targets], way, tmp_path, seed=12)
        attacker.measure()
        kills = [attacker.kill(group=i % 3 == 2) for i in range(KILLS[way])]
        assert log.leaks(attacker.started) == []
        for target in targets:
            assert_works(target)
            assert_text_is_the_files(target.pid)
        kernel.assert_vanish(before)
    inside = [kill for kill in kills if kill.links and not kill.attached]
    assert len(inside) >= KILLS[way] // 5, f"too few in the middle of attaching: {kills}"


@contextlib.contextmanager
def measuring(target, *arguments, interval=0.2):
    with Stat(target.pid, interval=interval, extra=(*NO_BUDGET, *arguments)) as stat:
        stat.wait_attached()
        stat.wait_snapshots(1)
        yield stat, torture.guard_of(stat.process.pid)


def test_who_holds_the_probes(idle):
    """Nothing that is meant for looptop hits it: no kill of its name, its group, its session; and it holds nothing else."""
    with measuring(idle) as (stat, guard):
        folder = Path(f"/proc/{guard}")
        assert "looptop" not in (folder / "comm").read_text() + (folder / "cmdline").read_text()
        assert os.getsid(guard) == os.getpgid(guard) == guard != os.getsid(stat.process.pid)
        kinds = [os.readlink(folder / "fd" / name) for name in os.listdir(folder / "fd")]
        rest = [kind for kind in kinds if kind != "/dev/null" and "bpf" not in kind]
        assert sorted(kind.split(":")[0] for kind in rest) in (["anon_inode", "socket"], ["pidfd", "socket"]), kinds
        for signum in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1):
            os.kill(guard, signum)
        stat.wait_snapshots(len(stat.snapshots) + 2)
        stat.stop()
    torture.wait_gone(guard)


def test_killed_holder_is_told(idle):
    """Without it there are no probes: no row says that nothing happened."""
    with measuring(idle) as (stat, guard):
        os.kill(guard, signal.SIGKILL)
        rows = len(stat.snapshots)
        code = stat.process.wait(20)
        assert code == 1, stat.messages
        said = [line for line in stat.messages if "attached" not in line]
        assert len(said) == 1 and "lt-probes" in said[0], said
        assert len(stat.snapshots) <= rows + 1, "one may have been on its way"
    assert_text_is_the_files(idle.pid)


# --- asked to end ------------------------------------------------------------------------------------------


def start(*arguments, **options):
    pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE}
    return subprocess.Popen([str(BINARY), *map(str, arguments)], **{**pipes, **options})


def soon():
    begin = time.monotonic()
    subprocess.run(["true"], check=True)
    return SOON + SLACK + SLACK_TURNS * (time.monotonic() - begin)


def assert_ends_soon(process, signum, statuses=(0,)):
    begin = time.monotonic()
    process.send_signal(signum)
    try:
        status = process.wait(20)
    finally:
        process.kill()
    took = time.monotonic() - begin
    assert took < soon(), f"{took:.2f} s"
    assert status in statuses, status


@pytest.mark.parametrize("signum", ASKING)
def test_asked_while_it_attaches(one_node, signum, tmp_path):
    """From its first moment, when it does not hear yet, to its first row; with what it analyses in the cache, and not."""
    with one_node.run("mixed.js", flags=TITLE) as target, kernel.Log() as log:
        attacker = torture.Attacker([target.pid], "multi", tmp_path, seed=signum)
        attacker.measure(times=1)
        moments = random.Random(signum)
        for i in range(16):
            if i % 4 == 3:
                attacker.env["XDG_CACHE_HOME"] = str(tmp_path / str(i))
            with attacker.start() as process:
                time.sleep(moments.uniform(0, 1.1 * attacker.takes))
                assert_ends_soon(process, signum, (0, -signum))
                said = process.stderr.read().decode()
            assert [line for line in said.splitlines() if "attached" not in line] == [], said
        assert_text_is_the_files(target.pid)
        assert log.leaks(attacker.started) == []


def leave_signals():
    """As a careless parent does; nohup means the first."""
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())


@pytest.mark.parametrize("signum", ASKING)
def test_signals_that_a_parent_has_shut_off(one_node, signum, tmp_path):
    """It measures, analyses anew (whose children end), outlives the terminal under nohup, and ends when it is asked."""
    env = {**os.environ, "XDG_CACHE_HOME": str(tmp_path)}
    arguments = ("stat", "--json", "-i", "0.1", *NO_BUDGET)
    with one_node.run("mixed.js", flags=TITLE) as target:
        target.send("start", seconds=8)
        with start(*arguments, target.pid, stdout=subprocess.PIPE, env=env, preexec_fn=leave_signals) as process:
            rows = Lines(process.stdout, json.loads)
            rows.wait(lambda items: len(items) > 2, PATIENCE, "its rows")
            process.send_signal(signal.SIGHUP)
            seen = len(rows.items)
            rows.wait(lambda items: len(items) > seen + 2, PATIENCE, "rows after SIGHUP")
            assert_ends_soon(process, signum)
        loops = [row["processes"][0]["loops"][0] for row in rows.items]
        assert sum(loop["iterations"] or 0 for loop in loops) > 0, "it has probes"
        assert_text_is_the_files(target.pid)


@pytest.mark.parametrize("closed", [(0,), (1,), (2,), (0, 1, 2)])
def test_descriptors_that_a_parent_has_closed(idle, closed):
    """What would be written there gets into none of looptop's own files; a closed output is told, and is a failure."""

    def close():
        for fd in closed:
            os.close(fd)

    process = start("stat", "-i", "0.1", "-c", 3, *NO_BUDGET, idle.pid, stdout=subprocess.PIPE, preexec_fn=close)
    with process:
        rows, said = (text.decode() for text in process.communicate(timeout=PATIENCE))
        assert process.returncode == (1 if 1 in closed else 0), said
        assert ("mixed.js" in rows) == (1 not in closed)
        assert ("write rows" in said) == (1 in closed and 2 not in closed), said
    assert_text_is_the_files(idle.pid)


@pytest.mark.parametrize("signum", ASKING)
@pytest.mark.parametrize(
    "target", [("-n", "no-such-name*"), pytest.param((), marks=pytest.mark.alone)], ids=["one that does not come", "any"]
)
def test_asked_while_it_waits(signum, target, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))  # who knows what runs on this host
    port = free_port()
    with start("agent", "--listen", f"127.0.0.1:{port}", *target) as process:
        wait_for(lambda: get(f"http://127.0.0.1:{port}/healthz")[0] == 200, PATIENCE, "the exporter")
        assert_ends_soon(process, signum)
    with Screen(*target) as screen:
        assert screen.shows(b"looptop", 10)
        begin = time.monotonic()
        screen.process.send_signal(signum)
        screen.comes(lambda: False, SOON + SLACK)
        assert screen.process.wait(20) == 0
        assert time.monotonic() - begin < soon()


@contextlib.contextmanager
def full_pipe():
    """Its end to write to: there is no room, and nobody reads."""
    reader, writer = os.pipe()
    try:
        fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, 4096)
        os.set_blocking(writer, False)
        with contextlib.suppress(BlockingIOError):
            while True:
                os.write(writer, b"x" * 512)
        os.set_blocking(writer, True)
        yield writer, reader
    finally:
        os.close(writer)
        os.close(reader)


def waits_to_write(pid, fd):
    """Does the process wait for somebody to read what it writes there, by write(2) or by ppoll(2)?"""
    said = Path(f"/proc/{pid}/syscall").read_text().split()
    if len(said) < 3 or int(said[0]) not in (SYS_WRITE, SYS_PPOLL):
        return False
    first, second = (int(argument, 16) for argument in said[1:3])
    if int(said[0]) == SYS_WRITE:
        return first == fd
    with open(f"/proc/{pid}/mem", "rb", buffering=0) as memory:
        memory.seek(first)
        polled = POLLFD.iter_unpack(memory.read(second * POLLFD.size))
        return any(one == fd and events & select.POLLOUT for one, events, _ in polled)


def read_to_the_end(process, reader):
    """What comes there until the process has ended, and all that is left then."""
    text, deadline = b"", time.monotonic() + PATIENCE
    while True:
        ended = process.poll() is not None
        ready, _, _ = select.select([reader], [], [], 0.05)
        if ready:
            text += os.read(reader, 65536)
        elif ended:
            return text
        assert time.monotonic() < deadline, "it does not end"


WRITERS = {
    "text": ("stat",),
    "json": ("stat", "--json"),
    "csv": ("stat", "--csv"),
    "stalls": ("stalls", "--stall", 2),
    "stalls json": ("stalls", "--stall", 2, "--json"),
    "doctor": ("doctor", "-d", 1),
    "doctor json": ("doctor", "-d", 1, "--json"),
    "list": ("list",),
    "check": ("check",),
}


@pytest.mark.parametrize("signum", ASKING)
@pytest.mark.parametrize("which", WRITERS)
def test_asked_while_nobody_reads(one_node, which, signum):
    """Those that have nothing to put in order die of the signal."""
    statuses = (-signum,) if which in ("list", "check") else (0,)
    command, *options = WRITERS[which]
    watches = () if which in ("list", "check") else ("-i", 0.1, *NO_BUDGET)
    with one_node.run("mixed.js", flags=TITLE) as target, full_pipe() as (writer, _):
        target.send("start", seconds=8)
        with start(command, *watches, *options, target.pid, stdout=writer) as process:
            wait_for(lambda: waits_to_write(process.pid, 1), PATIENCE, "its writing")
            assert_ends_soon(process, signum, statuses)
            said = process.stderr.read().decode().splitlines()
        assert [line for line in said if "attached" not in line] == [], said
        assert_text_is_the_files(target.pid)


def test_asked_while_nobody_reads_its_messages(idle):
    with full_pipe() as (writer, _):
        with start("stat", "--json", "-i", "0.1", idle.pid, stderr=writer) as process:
            wait_for(lambda: waits_to_write(process.pid, 2), PATIENCE, "its writing")
            assert_ends_soon(process, signal.SIGTERM)


def test_asked_while_the_terminal_stands_still(idle):
    """Ctrl-S, then SIGTERM: the terminal gets its modes back, and what it can still take."""
    with Screen("-i", "0.1", idle.pid) as screen:
        assert screen.shows(b"mixed.js", 10)
        before = termios.tcgetattr(screen.terminal)
        termios.tcflow(screen.terminal, termios.TCOOFF)
        time.sleep(1)
        assert not before[3] & termios.ICANON, "the dashboard takes single keys"
        assert_ends_soon(screen.process, signal.SIGTERM)
        assert termios.tcgetattr(screen.terminal)[3] & termios.ICANON
    assert_text_is_the_files(idle.pid)


@pytest.mark.parametrize("signum", ASKING)
def test_asked_while_it_stands_still(idle, signum):
    with measuring(idle) as (stat, _):
        with procfs.stopped(stat.process.pid):
            stat.process.send_signal(signum)
            time.sleep(0.5)
        begin = time.monotonic()
        assert stat.process.wait(20) == 0
        assert time.monotonic() - begin < soon()


def test_a_reader_that_comes_late_loses_nothing(idle):
    """Who reads again within the last second gets all that was written, whole lines."""
    with full_pipe() as (writer, reader):
        with start("doctor", "-i", "0.1", "-d", "0.5", idle.pid, stdout=writer) as process:
            wait_for(lambda: waits_to_write(process.pid, 1), PATIENCE, "its writing")
            process.send_signal(signal.SIGTERM)
            time.sleep(0.1)
            text = read_to_the_end(process, reader)
            assert process.wait(10) == 0
    assert text.lstrip(b"x").endswith(b"\n") and len(text.lstrip(b"x").splitlines()) > 3, text


# --- stood still -------------------------------------------------------------------------------------------


def assert_whole(lengths, count, stopped):
    """The lengths of the rows but the first, of which nothing is said."""
    assert len(lengths) == count
    assert all(length >= 0.5 * INTERVAL - 0.01 for length in lengths), lengths
    longest = max(lengths)
    assert longest >= stopped, lengths
    assert longest <= stopped + 2 * INTERVAL + SLACK, lengths
    # Its end was late for the grid; the next one is on it again, and so are all behind it.
    behind = lengths[lengths.index(longest) + 2 :]
    assert all(abs(length - INTERVAL) < 0.5 * INTERVAL for length in behind), lengths


def stand_still(process, after):
    """Stops it some time behind its start, for the time that it must tell."""
    time.sleep(after)
    begin = time.monotonic()
    with procfs.stopped(process.pid):
        time.sleep(STOPPED * INTERVAL)
        return time.monotonic() - begin


COUNT = 7


def test_stood_still_json(idle):
    with Stat(idle.pid, interval=INTERVAL, extra=(*NO_BUDGET, "-c", COUNT)) as stat:
        stat.wait_snapshots(2)
        stopped = stand_still(stat.process, INTERVAL / 2)
        rows = stat.finish().snapshots
    assert_whole([row["interval_seconds"] for row in rows], COUNT, stopped)
    for before, row in zip(rows, rows[1:]):
        assert row["time"] - before["time"] == pytest.approx(row["interval_seconds"], abs=0.02)
        assert row["processes"][0]["loops"][0]["idle_seconds"] <= row["interval_seconds"] * 1.02 + 0.01


def rows_of(idle, *options):
    """The output of a run that stood still, and for how long; all behind its first lines."""
    process = start("stat", "-i", INTERVAL, "-c", COUNT, *NO_BUDGET, *options, idle.pid, stdout=subprocess.PIPE)
    with process:
        head = process.stdout.readline() + process.stdout.readline()
        stopped = stand_still(process, 1.5 * INTERVAL)
        text = (head + process.stdout.read()).decode()
        assert process.wait(20) == 0
    return text, stopped


def test_stood_still_csv(idle):
    text, stopped = rows_of(idle, "--csv")
    rows = list(csv.DictReader(io.StringIO(text)))
    assert_whole([float(row["interval_seconds"]) for row in rows], COUNT, stopped)


def test_stood_still_text(idle):
    text, _ = rows_of(idle)
    rows = [line for line in text.splitlines() if f" {idle.pid} " in line and "mixed.js" in line]
    assert len(rows) == COUNT, text


def test_stood_still_agent(idle):
    """As many intervals as were asked for, each in its time: the run lasts longer by the time that it stood still."""
    with Agent("-i", INTERVAL, "-c", COUNT, idle.pid) as agent:
        agent.wait_ready()
        begin = time.monotonic()
        stopped = stand_still(agent.process, INTERVAL / 2)
        agent.finish()
        took = time.monotonic() - begin
    # It was ready at its first or second interval; the long one may have swallowed a part of one.
    assert took - stopped >= (COUNT - 4) * INTERVAL, (took, stopped)


def test_a_reader_that_pauses(idle):
    """What was not written in its time is one row, too, and the rows go on."""
    count, paused = 40, 4.0
    process = start("stat", "--json", "-i", "0.1", "-c", count, *NO_BUDGET, idle.pid, stdout=subprocess.PIPE)
    with process:
        fcntl.fcntl(process.stdout.fileno(), fcntl.F_SETPIPE_SZ, 4096)
        process.stdout.readline()
        time.sleep(paused)
        rows = [strict_json(line) for line in process.stdout]
        assert process.wait(20) == 0
    assert len(rows) == count - 1
    lengths = [row["interval_seconds"] for row in rows]
    assert min(lengths) >= 0.045, lengths
    assert max(lengths) > paused / 2, "it was not held up: this test would prove nothing"


def test_no_guard_no_probes(idle):
    """Where no process may be made any more behind those that read, it says so and measures nothing."""
    result = subprocess.run(
        ["setpriv", "--reuid=12345", "--clear-groups", "--inh-caps=-all,+bpf,+perfmon,+sys_ptrace,+dac_read_search",
         "--ambient-caps=-all,+bpf,+perfmon,+sys_ptrace,+dac_read_search", "prlimit", "--nproc=3",
         str(BINARY), "stat", "-c", "1", str(idle.pid)],
        capture_output=True, text=True, timeout=30, cwd="/",
    )  # fmt: skip
    assert_says_why(result, 1, "process that holds the probes")
