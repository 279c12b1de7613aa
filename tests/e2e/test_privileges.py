# SPDX-License-Identifier: GPL-2.0-only
# Copyright (c) 2026 The looptop authors
"""Without root: the smallest set of capabilities is enough, and each that is missing is named."""

import json
import os
import re
import shutil
import subprocess

import pytest
from support.looptop import BINARY

NOBODY, SOMEBODY = 65534, 5
SETS = {
    "auto": ("CAP_BPF", "CAP_PERFMON", "CAP_SYS_PTRACE"),
    "perf": ("CAP_SYS_ADMIN", "CAP_SYS_PTRACE"),
}


@pytest.fixture(scope="module")
def for_everybody(tmp_path_factory, one_node):
    """Copies of the programs, and a script, where a user without rights may run and read them."""
    folder = tmp_path_factory.mktemp("public")
    for part in (folder, *folder.parents[:2]):
        part.chmod(part.stat().st_mode | 0o055)
    for source, name in ((BINARY, "looptop"), (one_node.path, "node")):
        shutil.copy(source, folder / name)
        (folder / name).chmod(0o755)
    script = folder / "busy.js"
    script.write_text(
        "setInterval(() => { const t = Date.now(); while (Date.now() - t < 30); }, 100);\n"
        "console.log('ready');\n"
    )
    script.chmod(0o644)
    return folder


def as_user(uid, capabilities):
    names = ",".join(["-all", *("+" + c.removeprefix("CAP_").lower() for c in capabilities)])
    return ["setpriv", f"--reuid={uid}", f"--regid={uid}", "--clear-groups", f"--inh-caps={names}",
            f"--ambient-caps={names}", f"--bounding-set={names}"]  # fmt: skip


@pytest.fixture
def foreign(for_everybody):
    """A process of another user."""
    argv = [*as_user(SOMEBODY, ()), for_everybody / "node", for_everybody / "busy.js"]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, cwd="/") as process:
        assert process.stdout.readline().strip() == b"ready"
        assert os.stat(f"/proc/{process.pid}").st_uid == SOMEBODY
        yield process.pid
        process.kill()


def looptop(folder, capabilities, *arguments):
    return subprocess.run(
        [*as_user(NOBODY, capabilities), str(folder / "looptop"), *map(str, arguments)],
        capture_output=True, text=True, timeout=30, stdin=subprocess.DEVNULL, cwd="/",
        env={**os.environ, "HOME": "/nonexistent", "XDG_CACHE_HOME": "/nonexistent"},
    )  # fmt: skip


def smallest_set(folder, way, capabilities=()):
    result = looptop(folder, capabilities, "check", "--attach", way)
    found = re.search(r"smallest set +(.*)", result.stdout)
    assert found, result.stdout
    return tuple(re.findall(r"CAP_\w+", found[1])), result


@pytest.mark.parametrize("way", SETS)
def test_the_smallest_set_is_enough(for_everybody, foreign, way):
    needed, _ = smallest_set(for_everybody, way)
    result = looptop(
        for_everybody, needed, "stat", "--json", "-i", "0.5", "-c", "3", "--budget", "100",
        "--attach", way, foreign,
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    for line in result.stdout.splitlines():
        process = json.loads(line)["processes"][0]
        loop = process["loops"][0]
        assert process["tier"] == "phases"
        waited = loop["cause_seconds"]["runqueue"]  # 30 ms of work last longer then
        assert 0.2 <= loop["utilization"] <= 0.4 + waited / 0.5
        assert 0.015 <= loop["turn_seconds"]["max"] <= 0.045 + waited
        busy, timers = loop["busy_seconds"], loop["phase_seconds"]["timers"]
        assert 0.9 * busy - 0.01 - waited <= timers <= busy + 0.001
        assert process["gc"]["kinds"]["scavenge"]["count"] is not None
        assert process["pool"]["kinds"]["fs"]["submitted"] is not None


@pytest.mark.parametrize(
    "way, missing", [(way, name) for way, names in SETS.items() for name in names]
)
def test_each_that_is_missing_is_named(for_everybody, foreign, way, missing):
    needed, _ = smallest_set(for_everybody, way)
    assert missing in needed
    rest = [name for name in needed if name != missing]
    result = looptop(for_everybody, rest, "stat", "-c", "1", "--attach", way, foreign)
    assert result.returncode == 4, (result.returncode, result.stderr)
    assert set(re.findall(r"CAP_\w+", result.stderr)) == {missing}, result.stderr
    assert result.stdout == ""
    # And check says the same.
    _, told = smallest_set(for_everybody, way, rest)
    assert re.search(rf"privileges +missing: {missing}$", told.stdout, re.M), told.stdout


@pytest.mark.parametrize("way", SETS)
def test_check_names_the_whole_set(for_everybody, way):
    """The same answer with all of them, with none, and to root."""
    needed, without = smallest_set(for_everybody, way)
    assert needed == SETS[way] or (way == "auto" and needed == SETS["perf"])
    assert without.returncode == 4
    missing = re.search(r"privileges +missing: (.*)", without.stdout)[1]
    assert tuple(re.findall(r"CAP_\w+", missing)) == needed
    with_all, told = smallest_set(for_everybody, way, needed)
    assert with_all == needed and told.returncode == 0
    assert re.search(r"privileges +all that are needed", told.stdout)
