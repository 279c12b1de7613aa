# SPDX-License-Identifier: GPL-2.0-only
# Copyright (c) 2026 The looptop authors
"""A failure counts, unless the host took CPU time meanwhile."""

import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent

CONFTEST = """
import sys
sys.path.insert(0, {here!r})
from support import disturbed
taken = [0.0]
disturbed.stolen_seconds = lambda: taken[0]
def pytest_configure(config):
    config.pluginmanager.register(disturbed.Disturbed())
"""

TESTS = """
import pytest
from conftest import taken
times = dict.fromkeys(("shared", "own", "undisturbed", "a little"), 0)
def again(name, seconds):
    times[name] += 1
    if times[name] == 1:
        taken[0] += seconds
    return times[name] > 1
@pytest.fixture(scope="module")
def shared():
    return again("shared", 0.2)
def test_first_of_two(shared):
    assert shared
def test_second_of_two(shared):
    assert shared
def test_own():
    assert again("own", 0.1), "as the first time"
def test_fails_both_times():
    taken[0] += 0.1
    assert False
def test_undisturbed():
    assert again("undisturbed", 0)
def test_a_little():
    assert again("a little", 0.01), "a little was enough"
def test_fails_always():
    assert False
"""


def test_what_is_repeated_and_that_it_is_told(tmp_path):
    (tmp_path / "conftest.py").write_text(CONFTEST.format(here=str(HERE)))
    (tmp_path / "test_some.py").write_text(TESTS)
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-q", "--rootdir", tmp_path, tmp_path]
    result = subprocess.run(command, capture_output=True, text=True, timeout=60, cwd=tmp_path)
    assert "4 failed, 3 passed" in result.stdout, result.stdout
    for failed in ("test_fails_both_times", "test_fails_always", "test_undisturbed", "test_a_little"):
        assert f"FAILED test_some.py::{failed}" in result.stdout
    assert "3 repeated: the host had taken the CPUs away" in result.stdout
    assert "test_some.py::test_first_of_two: 200 ms were taken" in result.stdout
    assert "test_some.py::test_own: 100 ms were taken; AssertionError: as the first time" in result.stdout
