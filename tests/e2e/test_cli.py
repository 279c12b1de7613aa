# SPDX-License-Identifier: GPL-2.0-only
# Copyright (c) 2026 The looptop authors
"""The command line: what it prints, how it ends, and what it says when it cannot."""

import csv
import os
import re
import shutil
import signal
import socket
import subprocess
import time

import pytest
from support import PATIENCE, looptop
from support.looptop import BINARY, Stat, assert_says_why, run, strict_json
from support.series import Series
from support.workload import WORKLOADS

NOBODY = 65534


@pytest.fixture(scope="module")
def for_everybody(public):
    """A copy of the program where a user without rights may run it."""
    copy = public / "looptop"
    shutil.copy(BINARY, copy)
    copy.chmod(0o755)
    return copy


def unprivileged(binary, *arguments):
    return subprocess.run(
        ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", "--bounding-set=-all",
         str(binary), *map(str, arguments)],
        capture_output=True, text=True, timeout=PATIENCE, stdin=subprocess.DEVNULL, cwd="/",
    )  # fmt: skip


def test_help_and_version():
    help_text = run("--help")
    assert help_text.returncode == 0
    for word in ("top", "stat", "agent", "list", "check", "--interval", "--tier"):
        assert word in help_text.stdout
    version = run("--version")
    assert version.returncode == 0
    assert re.search(r"\d+\.\d+\.\d+", version.stdout)


@pytest.mark.parametrize(
    "arguments",
    [
        ["--no-such-option"],
        ["stat", "--tier", "turbo", "1"],
        ["stat", "-i", "0", "1"],
        ["stat", "-i", "-1", "1"],
        ["stat", "-i", "soon", "1"],
        ["stat", "-i", "nan", "1"],
        ["stat", "-c", "few", "1"],
        ["stat", "--stall", "-5", "1"],
        ["stat", "--budget", "much", "1"],
        ["stat", "12monkeys"],
        ["stat", "-1"],
        ["stat", "99999999999999999999"],
        ["agent", "--listen", "nowhere:-1"],
        ["agent", "--listen", "127.0.0.1:70000"],
        ["no-such-command"],
    ],
    ids=" ".join,
)
def test_bad_usage(arguments):
    result = run(*arguments)
    assert result.returncode == 2, (result.returncode, result.stderr)
    assert result.stderr.strip() and not result.stdout


@pytest.mark.parametrize("command", ["stat", "check"])
def test_no_such_process(command, ended_pid):
    assert_says_why(run(command, ended_pid), 3, str(ended_pid))


def test_no_process_of_that_name():
    assert_says_why(run("stat", "-n", "no-such-name-*"), 3, "no-such-name-*")


def test_process_without_a_loop(sleeper):
    """It says what it is."""
    assert_says_why(run("stat", "--json", "-c", "1", sleeper), (1, 3), "sleep", str(sleeper))


@pytest.mark.parametrize("command", ["stat", "top", "agent"])
def test_no_privilege(command, for_everybody, idle):
    arguments = ["--listen", "127.0.0.1:0"] if command == "agent" else [idle.pid]
    result = unprivileged(for_everybody, command, *arguments)
    if command == "top":  # without a terminal it says that first
        assert result.returncode in (1, 2, 4) and "stat" in result.stderr + result.stdout
        return
    assert result.returncode == 4, (result.returncode, result.stderr)
    assert re.search(r"CAP_(BPF|PERFMON|SYS_ADMIN|SYS_PTRACE)", result.stderr), result.stderr


def test_top_without_a_terminal_points_to_stat(idle):
    result = run("top", idle.pid)
    assert result.returncode != 0
    assert "stat" in result.stderr and not result.stdout


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_is_a_normal_end(idle, signum):
    with Stat(idle.pid) as stat:
        stat.wait_attached()
        stat.wait_snapshots(1)
        stat.stop(signum, timeout=PATIENCE)


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_does_not_wait_for_the_interval(idle, signum):
    with Stat(idle.pid, interval=2 * PATIENCE) as stat:
        stat.wait_attached(PATIENCE)
        stat.stop(signum, timeout=PATIENCE)


def test_count(idle):
    result = run("stat", "--json", "-i", "0.2", "-c", "3", idle.pid)
    assert result.returncode == 0
    snapshots = [strict_json(line) for line in result.stdout.splitlines()]
    assert len(snapshots) == 3
    Series(snapshots).assert_sound()


def test_duration(idle):
    """It ends with the first interval behind which so much time has passed. The first may begin before the clock of -d
    does, by what looptop does in between."""
    begun = time.monotonic()
    result = run("stat", "--json", "-i", "0.25", "-d", "1.5", idle.pid)
    elapsed = time.monotonic() - begun
    assert result.returncode == 0
    intervals = [strict_json(line)["interval_seconds"] for line in result.stdout.splitlines()]
    assert sum(intervals[1:-1]) < 1.5 <= sum(intervals) + 0.001 and elapsed > 1.5, intervals
    assert 1 <= len(intervals) <= 6, intervals


def test_name_pattern(one_node, idle, tmp_path):
    """A glob on the display name; another process of the same runtime is left alone."""
    script = tmp_path / f"spin-{os.getpid()}.js"
    script.symlink_to(WORKLOADS / "spin.js")
    with one_node.run(script) as other:
        result = run("stat", "--json", "-i", "0.2", "-c", "2", "-n", f"spin-{os.getpid()}*")
        assert result.returncode == 0
        for line in result.stdout.splitlines():
            assert [p["pid"] for p in strict_json(line)["processes"]] == [other.pid]


def test_human_rows(idle):
    result = run("stat", "-i", "0.1", "-c", "30", idle.pid)
    assert result.returncode == 0
    lines = result.stdout.splitlines()
    rows = [line for line in lines if str(idle.pid) in line.split()]
    assert len(rows) == 30
    headers = [line for line in lines if "util" in line.lower() or "lag" in line.lower()]
    assert len(headers) >= 2, "repeated, as vmstat does"
    assert "nan" not in result.stdout.lower()


def test_csv(idle):
    result = run("stat", "--csv", "-i", "0.2", "-c", "3", idle.pid)
    assert result.returncode == 0
    rows = list(csv.DictReader(result.stdout.splitlines()))
    assert len(rows) == 3
    assert {row["pid"] for row in rows} == {str(idle.pid)}
    assert all(None not in row and None not in row.values() for row in rows), "equal columns"
    assert not any(value.lower() in ("nan", "null") for row in rows for value in row.values())


@pytest.mark.parametrize("output", [["--json"], ["--csv"], []])
def test_closed_pipe(idle, output):
    """`looptop stat … | head -1`: it ends by itself, soon and quietly."""
    process = subprocess.Popen(
        [str(BINARY), "stat", *output, "-i", "0.1", str(idle.pid)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    try:
        process.stdout.readline()
        process.stdout.close()
        code = process.wait(PATIENCE)
        errors = [line for line in process.stderr.read().splitlines() if "attached" not in line]
    finally:
        process.kill()
        process.wait(PATIENCE)
        process.stderr.close()
    assert code in (0, 1), (code, errors)
    assert len(errors) <= 1, errors


def test_list(one_node, idle, sleeper):
    result = run("list")
    assert result.returncode == 0
    rows = [line for line in result.stdout.splitlines() if str(idle.pid) in line.split()]
    assert len(rows) == 1
    for word in ("mixed.js", "node", one_node.version):
        assert word in rows[0], rows[0]
    assert not any(str(sleeper) in line.split() for line in result.stdout.splitlines())


def test_check_of_this_host():
    result = run("check")
    assert result.returncode == 0, result.stdout + result.stderr
    for word in ("uprobe", "BTF", "CAP_"):
        assert word.lower() in result.stdout.lower(), word


def test_check_of_a_process(node):
    with node.run("mixed.js") as target:
        result = run("check", target.pid)
        assert result.returncode == 0, result.stdout + result.stderr
        for word in (node.version, "uv__io_poll", "uv__run_check"):
            assert word in result.stdout, word


def test_check_leaves_nothing_behind(idle):
    from support import procfs

    assert run("check", idle.pid).returncode == 0
    procfs.wait_text_back(idle.pid)


def test_check_without_privilege(for_everybody):
    result = unprivileged(for_everybody, "check")
    assert result.returncode == 4
    assert re.search(r"CAP_(BPF|PERFMON|SYS_ADMIN)", result.stdout + result.stderr)


def test_unrelated_descriptors_do_not_matter(idle):
    """Started with stdin closed and a stray descriptor open, as a supervisor may do."""
    left, right = socket.socketpair()
    with left, right:
        process = subprocess.run(
            f"exec {BINARY} stat --json -i 0.2 -c 1 {idle.pid} 0<&-",
            shell=True, capture_output=True, text=True, timeout=PATIENCE, pass_fds=[left.fileno()],
        )  # fmt: skip
    assert process.returncode == 0, process.stderr
    assert len(process.stdout.splitlines()) == 1


def test_output_is_the_same_in_any_locale(idle):
    env = {**os.environ, "LC_ALL": "de_DE.UTF-8", "LANG": "de_DE.UTF-8"}
    result = looptop.run("stat", "--json", "-i", "0.2", "-c", "1", idle.pid, env=env)
    assert result.returncode == 0
    Series([strict_json(line) for line in result.stdout.splitlines()]).assert_sound()
