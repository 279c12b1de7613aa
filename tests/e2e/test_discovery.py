# SPDX-License-Identifier: GPL-2.0-only
# Copyright (c) 2026 The looptop authors
"""Processes that come and go while nobody names them: seen soon, never mixed up, at a bounded cost."""

import json
import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest
from support import PATIENCE, looptop, procfs
from support.lines import Lines
from support.looptop import NO_BUDGET, Stat, run
from support.pressure import waited_seconds
from support.workload import WORKLOADS

# Seconds from the exec, but for those in which looptop wanted a CPU and had none. Without the kernel's events a scan
# each ten seconds would find it.
SEEN_WITHIN = 0.1

LIVES = ("-e", "setInterval(() => {}, 20)")

# How the processes of these tests call themselves: looptop is not to attach to whatever else is there.
OURS = f"ltd{os.getpid()}"

# Loads libuv, and becomes Node when its input ends.
LOADS_LATE = """
import ctypes, os, sys
sys.stdin.readline()
ctypes.CDLL("libuv.so.1")
print("loaded", flush=True)
sys.stdin.readline()
os.execv(sys.argv[1], sys.argv[2:])
"""


# All of ours have probes from the start; what nobody named is measured by its memory.
MODES = {
    "by name": (*NO_BUDGET, "-n", OURS + "*"),
    "all": ("--budget", "0.01", "--total-budget", "0.01"),
}
IN_BOTH_MODES = pytest.mark.parametrize("everything", MODES, indirect=True)


@pytest.fixture
def everything(request, start, one_node):
    """looptop on whatever there is of ours, or on all of this host, running."""
    anchor, _ = start([one_node.path, *LIVES])
    mode = getattr(request, "param", "by name")
    with Stat(interval=0.3, extra=MODES[mode]) as stat:
        stat.wait_attached()
        stat.wait_snapshots(2)
        stat.mode = mode
        stat.anchor = anchor.pid
        yield stat
        stat.stop()


@pytest.fixture
def start():
    """Starts processes that end with the test: start(argv, …) is (process, Unix time of its exec)."""
    processes = []

    def begin(argv, called=OURS, **options):
        process = subprocess.Popen(
            [str(called), *map(str, argv[1:])],
            executable=str(argv[0]),
            stdin=options.pop("stdin", subprocess.DEVNULL),
            stdout=options.pop("stdout", subprocess.DEVNULL),
            **options,
        )
        processes.append(process)
        return process, time.time()  # Popen returns when the program runs

    yield begin
    for process in processes:
        process.kill()
        process.wait(PATIENCE)
        if process.stdout:
            process.stdout.close()


def rows_of(snapshots, pid):
    return [p for snapshot in snapshots for p in snapshot["processes"] if p["pid"] == pid]


def wait_row(stat, pid, condition=lambda row: True, timeout=PATIENCE):
    """The first row of a process that fulfils a condition."""

    def found(snapshots):
        return next((row for row in rows_of(snapshots, pid) if condition(row)), None)

    return stat._output.wait(found, timeout, f"a row of process {pid}")


def held_seconds(stat):
    """For how long looptop's main thread ever wanted a CPU and had none."""
    return waited_seconds(stat.process.pid, stat.process.pid)


def snapshots_until(stat, moment, last):
    """Of those that were made after a moment, how many there are up to a certain one: the first may have been begun
    before."""
    return len([s for s in stat.snapshots if moment < s["time"] <= last["time"]])


def has_loop(row):
    return row["loops"] and row["loops"][0]["turns"]


def is_measured(row):
    """By probes, or by its memory."""
    return row["loops"] and row["loops"][0]["utilization"] is not None


@IN_BOTH_MODES
def test_an_exec_is_seen_at_once(everything, start, one_node):
    """By looptop's own timestamp; the median, for one of the five may meet a machine that is busy."""
    late = []
    for _ in range(5):
        before, held = time.time(), held_seconds(everything)
        process, executed = start([one_node.path, *LIVES])
        row = wait_row(everything, process.pid)
        assert row["seen_time"] >= before - 0.01
        assert row["runtime"] == "node" and row["runtime_version"] == one_node.version
        late.append(row["seen_time"] - executed - (held_seconds(everything) - held))
    assert sorted(late)[2] < SEEN_WITHIN, late


@IN_BOTH_MODES
def test_it_is_measured_from_then_on(everything, start, one_node):
    process, _ = start([one_node.path, *LIVES])
    row = wait_row(everything, process.pid, is_measured)
    assert row["loops"][0]["name"] == "main"
    if everything.mode == "all" and row["tier"] == "phases":
        # Only who is late or among the busiest is looked at, as a machine that is slow may make anybody.
        changes = [snapshot["self"]["tier_changes"] for snapshot in everything.snapshots]
        assert sum(change["late"] + change["busy"] for change in changes) > 0
    elif everything.mode == "all":
        assert row["tier"] == "memory" and row["probe_hits"] == 0
        assert any("as long as nobody looks at it" in sentence for sentence in row["missing"])
    else:
        assert row["tier"] == "phases" and has_loop(row)


@IN_BOTH_MODES
def test_an_end_is_told_once(everything, start, one_node):
    """A last row that says so, in the interval of its end; then none."""
    process, _ = start([one_node.path, *LIVES])
    wait_row(everything, process.pid, is_measured)
    process.kill()
    process.wait(PATIENCE)
    ended = time.time()
    wait_row(everything, process.pid, lambda row: row["ended"])
    everything.settle(PATIENCE)
    with_it = [s for s in everything.snapshots if rows_of([s], process.pid)]
    last = [row["ended"] for row in rows_of(with_it, process.pid)]
    assert last == [False] * (len(last) - 1) + [True]
    # the interval in which it ended, or the next if that was just being read
    assert snapshots_until(everything, ended, with_it[-1]) <= 2


def test_a_library_that_is_loaded_later(everything, start, one_node):
    """Found without an event; and exec: the pid and the start time stay, the loop does not."""
    process, _ = start(
        ["/usr/bin/python3", "-c", LOADS_LATE, one_node.path, OURS, *LIVES],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    everything.settle(PATIENCE)
    everything.settle(PATIENCE)
    assert rows_of(everything.snapshots, process.pid) == [], "no loop is mapped yet"
    process.stdin.write("load\n")
    process.stdin.flush()
    assert process.stdout.readline() == "loaded\n"
    before = wait_row(everything, process.pid)
    assert before["runtime"] == "libuv"
    process.stdin.close()
    after = wait_row(everything, process.pid, lambda row: row["runtime"] == "node")
    assert after["start_time"] == pytest.approx(before["start_time"], abs=0.05)
    runtimes = [(row["runtime"], row["ended"]) for row in rows_of(everything.snapshots, process.pid)]
    change = runtimes.index(("libuv", True))
    assert set(runtimes[:change]) == {("libuv", False)}
    assert set(runtimes[change + 1 :]) == {("node", False)}


def test_a_name_that_is_taken_later(everything, start, one_node):
    """process.title, which a program sets when it has begun: until then nobody asked for it."""
    script = (
        f"process.stdin.once('data', () => {{ process.title = '{OURS} serves'; }});"
        "setInterval(() => {}, 20); console.log('runs')"
    )
    process, _ = start(
        [one_node.path, "-e", script], called="node",
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout.readline() == "runs\n"
    everything.settle(PATIENCE)
    everything.settle(PATIENCE)
    assert rows_of(everything.snapshots, process.pid) == []
    process.stdin.write("now\n")
    process.stdin.flush()
    row = wait_row(everything, process.pid, has_loop)
    assert row["name"].startswith(OURS)
    process.stdin.close()


FORKS = """
import ctypes, os, sys
ctypes.CDLL("libuv.so.1")
print("loaded", flush=True)
sys.stdin.readline()
pid = os.fork()
if pid:
    print(pid, flush=True)
sys.stdin.readline()
"""


@IN_BOTH_MODES
def test_a_child_that_runs_no_other_program(everything, start):
    """fork alone, by a process that is watched: no exec tells of it, and the scan would come later."""
    parent, _ = start(
        ["/usr/bin/python3", "-c", FORKS],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert parent.stdout.readline() == "loaded\n"
    wait_row(everything, parent.pid)
    held = held_seconds(everything)
    parent.stdin.write("fork\n")
    parent.stdin.flush()
    child = int(parent.stdout.readline())
    forked = time.time()
    row = wait_row(everything, child)
    late = row["seen_time"] - forked - (held_seconds(everything) - held)
    assert late < 1 and row["parent_pid"] == parent.pid
    parent.stdin.close()


@pytest.fixture
def brief(uv_tasks, tmp_path):
    """A program with a loop that is over soon, under a name of ours."""
    return shutil.copy(uv_tasks, tmp_path / (OURS + "-tasks"))


@pytest.mark.parametrize("what", ["with loops", "without"])
def test_a_storm_of_short_lived_processes(everything, start, one_node, brief, what):
    """It costs little, harms nobody who is measured, and is silent; what comes after it is seen."""
    lasting, _ = start([one_node.path, *LIVES])
    wait_row(everything, lasting.pid, has_loop)
    everything.settle(PATIENCE)
    before, spent = len(everything.snapshots), os.times()
    for _ in range(300):
        program = [str(brief)] if what == "with loops" else ["true"]
        subprocess.run(program, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, timeout=PATIENCE)
    everything.settle(PATIENCE)
    cost = sum(os.times()[:4]) - sum(spent[:4])
    during = everything.snapshots[before:]
    rows = rows_of(during, lasting.pid)
    assert len(rows) == len(during) and not any(row["ended"] for row in rows)
    turns = [row["loops"][0]["turns"] for row in rows]
    assert None not in turns and sum(turns) > 0
    assert all(not any(s["self"]["lost"].values()) for s in during)
    # To begin and end a process costs the others of this machine more than it costs looptop to look at it.
    own = sum(s["self"]["cpu_seconds"] for s in during)
    print(f"looptop {own:.3f} s, the storm {cost:.3f} s of CPU time in {len(during)} intervals")
    assert own < cost
    assert [line for line in everything.messages if '"attached"' not in line] == []
    process, _ = start([one_node.path, *LIVES])
    wait_row(everything, process.pid)


WORKERS = 8


def group_of(snapshot, pid):
    return {p["pid"] for p in snapshot["processes"] if p["group_pid"] == pid and not p["ended"]}


def test_a_cluster(everything, start, one_node, tmp_path):
    """Eight workers under their primary; one is killed, and the one that takes its place is there soon."""
    name = OURS + "-c.js"
    script = shutil.copy(WORKLOADS / "cluster.js", tmp_path / name)
    primary, _ = start(
        [one_node.path, script, WORKERS],
        called=one_node.path,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    lines = Lines(primary.stdout, json.loads)

    def online(items):
        return [item["pid"] for item in items if item["event"] == "online"]

    def all_there(pids):
        return lambda snapshots: snapshots and group_of(snapshots[-1], primary.pid) == pids

    lines.wait(lambda items: len(online(items)) == WORKERS, PATIENCE, "workers")
    pids = {primary.pid, *online(lines.items)}
    assert len(pids) == WORKERS + 1
    everything._output.wait(all_there(pids), PATIENCE, f"a row for each of {pids}")

    listed = [line.split() for line in run("list").stdout.splitlines()]
    rows = [line for line in listed if line[0].isdigit() and int(line[0]) in pids]
    assert int(rows[0][0]) == primary.pid and rows[0][1] == name
    assert len(rows) == WORKERS + 1 and all(row[1:3] == ["+-", name] for row in rows[1:])
    first = listed.index(rows[0])
    assert listed[first : first + len(rows)] == rows, "they stand together"

    victim = online(lines.items)[3]
    os.kill(victim, signal.SIGKILL)
    lines.wait(lambda items: len(online(items)) == WORKERS + 1, PATIENCE, "a new worker")
    born = time.time()
    successor = online(lines.items)[-1]
    row = wait_row(everything, successor)
    # it is up when the primary hears of it; a tick later it has a row
    appeared = next(s for s in everything.snapshots if rows_of([s], successor))
    assert snapshots_until(everything, born, appeared) <= 2
    assert row["group_pid"] == primary.pid and row["parent_pid"] == primary.pid
    everything._output.wait(all_there(pids - {victim} | {successor}), PATIENCE, "the new group")
    last = rows_of(everything.snapshots, victim)
    assert [row["ended"] for row in last] == [False] * (len(last) - 1) + [True]
    primary.stdin.close()
    primary.wait(PATIENCE)
    lines.join()


# A container as runtimes make them: namespaces of its own, and a file for its host name.
CONTAINER = """
set -e
mount --make-rprivate /
hostname web-1
echo web-1 > "$1/hostname"
mount --bind "$1/hostname" /etc/hostname
mount -t tmpfs none "$1/private"
cp "$2" "$1/private/$3"
exec "$1/private/$3" -e 'setInterval(() => {}, 20)'
"""


@pytest.fixture
def container(tmp_path, start, one_node):
    """The pid that a process in other mount, pid and UTS namespaces has outside of them."""
    (tmp_path / "private").mkdir()
    outer, _ = start(
        ["unshare", "-m", "-u", "-p", "-f", "--mount-proc", "--kill-child",
         "sh", "-c", CONTAINER, "sh", tmp_path, one_node.path, OURS + "-shop"],
        stderr=subprocess.PIPE,
    )  # fmt: skip
    children = Path(f"/proc/{outer.pid}/task/{outer.pid}/children")
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        pids = children.read_text().split()
        # By its file: later versions of Node give their first thread another name than the file's.
        if pids and os.readlink(f"/proc/{pids[0]}/exe").endswith(OURS + "-shop"):
            yield int(pids[0])
            break
        assert outer.poll() is None, outer.stderr.read()
        time.sleep(0.05)
    else:
        outer.kill()
        pytest.fail(f"the container did not start: {outer.stderr.read()}")
    outer.stderr.close()


def test_a_container(everything, container, one_node, tmp_path):
    """Its file is on no file system of ours, its name is not node, its pid is 1 for itself."""
    assert not (tmp_path / "private" / (OURS + "-shop")).exists()
    row = wait_row(everything, container, has_loop)
    assert row["runtime"] == "node" and row["runtime_version"] == one_node.version
    assert row["hostname"] == "web-1"
    listed = [line for line in run("list").stdout.splitlines() if str(container) in line.split()]
    assert len(listed) == 1 and "host web-1" in listed[0], listed


def test_a_process_of_this_host_has_no_other_name(everything):
    assert wait_row(everything, everything.anchor)["hostname"] is None
    assert wait_row(everything, everything.anchor)["pod"] is None


@pytest.mark.parametrize("what", ["link", "fifo", "endless", "directory", "nothing"])
def test_a_hostile_hostname_file(tmp_path, start, one_node, what):
    """What it leads to is not read, and nobody waits for it."""
    secret = tmp_path / "secret"
    secret.write_text("secret-1\n")
    make = {
        "link": f"ln -s /proc/1/root{secret} /etc/hostname",
        "fifo": "mkfifo /etc/hostname",
        "endless": "yes | head -c 1000000 | tr -d '\\n' > /etc/hostname",
        "directory": "mkdir /etc/hostname",
        "nothing": "true",
    }[what]
    script = f"mount -t tmpfs none /etc && {make} && exec $0 -e 'setInterval(() => {{}}, 20)'"
    process, _ = start(["unshare", "-m", "-u", "sh", "-c", script, one_node.path])
    deadline = time.monotonic() + PATIENCE
    while not Path(f"/proc/{process.pid}/comm").read_text().startswith(("node", "Main")):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    result = run("stat", "--json", "-i", "0.2", "-c", "1", process.pid)
    assert result.returncode == 0, result.stderr
    rows = rows_of([json.loads(result.stdout)], process.pid)
    assert [row["hostname"] for row in rows] == [None]


@pytest.mark.parametrize("fate", ["renamed", "deleted", "replaced"])
def test_an_executable_that_is_not_where_it_was(tmp_path, start, one_node, fate):
    """Copied to another name, and then gone from there while it runs."""
    program = tmp_path / "billing"
    shutil.copy(one_node.path, program)
    process, _ = start([program, *LIVES])
    time.sleep(0.3)
    if fate == "renamed":
        program.rename(tmp_path / "other")
    elif fate == "deleted":
        program.unlink()
    else:
        shutil.copy("/bin/sleep", tmp_path / "new")
        (tmp_path / "new").rename(program)
    listed = [line for line in run("list").stdout.splitlines() if str(process.pid) in line.split()]
    assert len(listed) == 1 and one_node.version in listed[0], listed
    with Stat(process.pid, interval=0.2) as stat:
        row = wait_row(stat, process.pid, has_loop)
        stat.stop()
    assert row["runtime_version"] == one_node.version and row["tier"] == "phases"


def test_a_pid_that_is_used_again(one_node, tmp_path):
    """In a pid namespace of its own; the second is another row, and the first one's last is told."""
    script = f"""
import json, os, subprocess, sys, time
looptop = subprocess.Popen(
    [{str(looptop.BINARY)!r}, "stat", "--json", "-i", "0.2", "--tier", "memory"],
    stdout=open(sys.argv[1], "w"))
live = [{str(one_node.path)!r}, "-e", "setInterval(() => {{}}, 20)"]
def rows():
    return [p for l in open(sys.argv[1]) if l.endswith("\\n") for p in json.loads(l)["processes"]]
def wait(condition):
    deadline = time.monotonic() + 120
    while not [row for row in rows() if condition(row)]:
        assert time.monotonic() < deadline, rows()[-3:]
        time.sleep(0.05)
first = subprocess.Popen(live)
wait(lambda row: row["pid"] == first.pid)
time.sleep(1)
first.kill()
first.wait()
with open("/proc/sys/kernel/ns_last_pid", "w") as file:
    file.write(str(first.pid - 1))
second = subprocess.Popen(live)
assert second.pid == first.pid, (second.pid, first.pid)
begun = time.time()
wait(lambda row: row["pid"] == second.pid and row["start_time"] > begun - 0.5)
looptop.terminate()
assert looptop.wait(120) == 0
second.kill()
print(json.dumps(dict(pid=first.pid, begun=begun)))
"""
    anchor = [str(one_node.path), *LIVES]
    launcher = (
        "import subprocess, sys; a = subprocess.Popen(sys.argv[3:]);"
        "exec(compile(open(sys.argv[2]).read(), 'reuse', 'exec'))"
    )
    (tmp_path / "reuse.py").write_text(script)
    result = subprocess.run(
        ["unshare", "-p", "-f", "-m", "--mount-proc", "--kill-child", "/usr/bin/python3", "-c",
         launcher, str(tmp_path / "rows"), str(tmp_path / "reuse.py"), *anchor],
        capture_output=True, text=True, timeout=4 * PATIENCE,
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    truth = json.loads(result.stdout)
    snapshots = [json.loads(line) for line in (tmp_path / "rows").read_text().splitlines()]
    rows = rows_of(snapshots, truth["pid"])
    first = [row for row in rows if row["start_time"] < truth["begun"] - 0.1]
    second = [row for row in rows if row not in first]
    assert rows == first + second and first and second
    assert [row["ended"] for row in first] == [False] * (len(first) - 1) + [True]
    assert not any(row["ended"] for row in second)
    assert len({round(row["start_time"], 1) for row in second}) <= 2


def test_more_at_once_than_are_told_of(everything, start, one_node):
    """looptop is held while they begin: the kernel's queue is full, its rest is counted and then found."""
    told = 128  # LT_BEGINS_MAX
    before = sum(s["self"]["left_to_scan"] or 0 for s in everything.snapshots)
    with procfs.stopped(everything.process.pid):
        for _ in range(2 * told):
            subprocess.run(["true"], timeout=PATIENCE)
        process, _ = start([one_node.path, *LIVES])
    wait_row(everything, process.pid)
    left = sum(s["self"]["left_to_scan"] or 0 for s in everything.snapshots) - before
    # At least those and Node, but for one a CPU that got in while another did; others of the machine may be among them.
    assert left >= told + 1 - (os.cpu_count() - 1), left
