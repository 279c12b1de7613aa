# SPDX-License-Identifier: GPL-2.0-only
# Copyright (c) 2026 The looptop authors
"""What root writes where others can play tricks, and what is said when /proc is not what it should be."""

import os
import pwd
import stat
import subprocess
import time

import pytest
from support import PATIENCE, procfs
from support.agent import wait_for
from support.looptop import BINARY, assert_says_why, run

NOBODY = pwd.getpwnam("nobody").pw_uid


@pytest.fixture
def theirs(tmp_path):
    """A folder of nobody's, below one that nobody else can write to."""
    folder = tmp_path / "theirs"
    folder.mkdir()
    os.chown(folder, NOBODY, -1)
    return folder


@pytest.fixture
def precious(tmp_path):
    file = tmp_path / "precious"
    file.write_text("precious")
    return file


def examine(pid, page, seconds=0.5):
    return run("doctor", "-d", seconds, "--html", page, pid)


def test_a_planted_link(idle, theirs, precious):
    page = theirs / "report.html"
    os.symlink(precious, page)
    os.lchown(page, NOBODY, -1)
    begin = time.monotonic()
    result = examine(idle.pid, page, seconds=20)
    assert_says_why(result, 1, str(page), "symbolic link")
    assert not result.stdout
    assert time.monotonic() - begin < 15, "it is said before anything is watched"
    assert precious.read_text() == "precious"
    assert os.listdir(theirs) == ["report.html"]


def test_a_link_on_the_way(idle, theirs, tmp_path):
    ours = tmp_path / "ours"
    ours.mkdir()
    os.symlink(ours, theirs / "way")
    os.lchown(theirs / "way", NOBODY, -1)
    assert_says_why(examine(idle.pid, theirs / "way" / "report.html"), 1, "symbolic link")
    assert os.listdir(ours) == []


def test_a_link_that_comes_while_it_watches(idle, theirs, precious):
    page = theirs / "report.html"
    process = subprocess.Popen(
        [BINARY, "doctor", "-d", "3", "--html", page, str(idle.pid)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        wait_for(lambda: procfs.status(process.pid)["Seccomp"] == "2", PATIENCE, "its watching")
        os.symlink(precious, page)
        os.lchown(page, NOBODY, -1)
        out, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 1 and str(page) in err, err
    assert out, "what was found is told all the same"
    assert precious.read_text() == "precious"
    assert os.listdir(theirs) == ["report.html"]


def test_a_file_of_theirs(idle, tmp_path):
    sticky = tmp_path / "sticky"
    sticky.mkdir()
    sticky.chmod(0o1777)
    page = sticky / "report.html"
    page.write_text("theirs")
    os.chown(page, NOBODY, -1)
    assert_says_why(examine(idle.pid, page), 1, str(page), "another user")
    assert page.read_text() == "theirs" and os.listdir(sticky) == ["report.html"]


def test_an_own_file_is_replaced_as_a_whole(idle, theirs):
    page = theirs / "report.html"
    for _ in range(2):
        result = examine(idle.pid, page)
        assert result.returncode == 0, result.stderr
        assert page.read_text().endswith("</html>\n")
        assert stat.S_IMODE(page.stat().st_mode) == 0o644
        page.chmod(0o600)
        with open(page, encoding="utf-8") as old:
            before = old.read()
            assert examine(idle.pid, page).returncode == 0
            old.seek(0)
            assert old.read() == before
        assert stat.S_IMODE(page.stat().st_mode) == 0o600
        page.unlink()
    assert os.listdir(theirs) == []


def test_what_is_no_file(idle, tmp_path):
    """As a user of tee would have it: devices and pipes are written to."""
    result = examine(idle.pid, "/dev/stdout")
    assert result.returncode == 0 and "<!DOCTYPE html>" in result.stdout
    assert examine(idle.pid, "/dev/null").returncode == 0
    assert stat.S_ISCHR(os.stat("/dev/null").st_mode)
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = subprocess.Popen(["cat", pipe], stdout=subprocess.PIPE, text=True)
    assert examine(idle.pid, pipe).returncode == 0
    assert reader.communicate(timeout=10)[0].endswith("</html>\n")
    assert_says_why(examine(idle.pid, tmp_path), 1, "folder")
    assert_says_why(examine(idle.pid, "/dev/full"), 1, "no space left")


def in_namespace(command, *arguments, options=("-m",)):
    line = f'{command}; shift; exec "$0" "$@"'
    return subprocess.run(
        ["unshare", *options, "sh", "-c", line, BINARY, "-", *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=20,
    )


@pytest.mark.parametrize("command", ["stat", "check", "doctor"])
def test_no_proc(idle, command):
    result = in_namespace("umount -l /proc", command, idle.pid)
    assert_says_why(result, 1, "/proc", "not mounted")


def test_a_proc_of_others(idle):
    result = in_namespace(":", "stat", idle.pid, options=("-p", "-f"))
    assert_says_why(result, 1, "/proc", "another pid namespace")


def test_a_proc_that_hides(idle):
    line = "mount -t proc -o hidepid=2 proc /proc"
    drop = ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups"]
    result = subprocess.run(
        ["unshare", "-m", "sh", "-c", f'{line}; exec "$@"', "-", *drop, BINARY, "list", str(idle.pid)],
        capture_output=True,
        text=True,
        timeout=20,
    )
    if "Permission denied" in result.stderr and BINARY.name in result.stderr and result.returncode == 126:
        pytest.skip("nobody may not execute the program where it is")
    assert_says_why(result, 4, f"pid {idle.pid}", "hides")
