# SPDX-License-Identifier: GPL-2.0-only
# Copyright (c) 2026 The looptop authors
"""Without root: the smallest set of capabilities is enough, and each that is missing is named."""

import json
import os
import re
import shutil
import subprocess
import time
from collections import namedtuple

import pytest
from support import PATIENCE
from support.clock import unix_time
from support.lines import Lines
from support.looptop import BINARY

NOBODY, SOMEBODY = 65534, 5
SETS = {
    "auto": ("CAP_BPF", "CAP_PERFMON", "CAP_SYS_PTRACE"),
    "perf": ("CAP_SYS_ADMIN", "CAP_SYS_PTRACE"),
}


@pytest.fixture(scope="module")
def for_everybody(public, one_node):
    """Copies of the programs, and a script, where a user without rights may run and read them."""
    folder = public
    for source, name in ((BINARY, "looptop"), (one_node.path, "node")):
        shutil.copy(source, folder / name)
        (folder / name).chmod(0o755)
    script = folder / "busy.js"
    # A diary: at the beginning of each turn the moment, the active time so far, how long the turn before worked, and the
    # moment when that was read.
    script.write_text(
        "let worked = 0;\n"
        "setInterval(() => {\n"
        "  const begun = performance.now(), monotonic = Number(process.hrtime.bigint()) / 1e9;\n"
        "  const active = performance.eventLoopUtilization().active / 1e3;\n"
        "  console.log([monotonic, active, worked, Number(process.hrtime.bigint()) / 1e9].join(' '));\n"
        "  while (performance.now() - begun < 30);\n"
        "  worked = (performance.now() - begun) / 1e3;\n"
        "}, 100);\n"
    )
    script.chmod(0o644)
    return folder


def as_user(uid, capabilities):
    names = ",".join(["-all", *("+" + c.removeprefix("CAP_").lower() for c in capabilities)])
    return ["setpriv", f"--reuid={uid}", f"--regid={uid}", "--clear-groups", f"--inh-caps={names}",
            f"--ambient-caps={names}", f"--bounding-set={names}"]  # fmt: skip


Entry = namedtuple("Entry", "moment active worked read")


class Foreign:
    """A process of another user, and its diary."""

    def __init__(self, folder):
        argv = [*as_user(SOMEBODY, ()), folder / "node", folder / "busy.js"]
        self.process = subprocess.Popen(argv, stdout=subprocess.PIPE, text=True, cwd="/")
        self.pid = self.process.pid
        self._lines = Lines(self.process.stdout, lambda line: Entry(*map(float, line.split())))
        self.wait(0)
        assert os.stat(f"/proc/{self.pid}").st_uid == SOMEBODY

    def wait(self, moment):
        """The diary, when it has an entry after this moment."""
        self._lines.wait(lambda entries: entries and entries[-1].moment > moment, PATIENCE, "its diary")
        return list(self._lines.items)

    def close(self):
        self.process.kill()
        self.process.wait(PATIENCE)
        self._lines.join()
        self.process.stdout.close()


@pytest.fixture
def foreign(for_everybody):
    process = Foreign(for_everybody)
    yield process
    process.close()


def looptop(folder, capabilities, *arguments):
    return subprocess.run(
        [*as_user(NOBODY, capabilities), str(folder / "looptop"), *map(str, arguments)],
        capture_output=True, text=True, timeout=PATIENCE, stdin=subprocess.DEVNULL, cwd="/",
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
        "--attach", way, foreign.pid,
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    diary = foreign.wait(time.monotonic())
    snapshots = [json.loads(line) for line in result.stdout.splitlines()]
    assert len(snapshots) == 3
    for snapshot in snapshots:
        process = snapshot["processes"][0]
        assert process["tier"] == "phases"
        assert_as_in_diary(process["loops"][0], snapshot["time"] - unix_time(0), snapshot["interval_seconds"], diary)
        assert process["gc"]["kinds"]["scavenge"]["count"] is not None
        assert process["pool"]["kinds"]["fs"]["submitted"] is not None


def assert_as_in_diary(loop, end, seconds, diary):
    """An interval of half a second, against the entries before and after its beginning and its end."""
    begin = end - seconds
    before = max(i for i, entry in enumerate(diary) if entry.read <= begin)
    last = max(i for i, entry in enumerate(diary) if entry.moment <= end)
    first = next(entry for entry in diary if entry.moment >= begin)
    ended = max((entry for entry in diary if entry.read <= end), key=lambda entry: entry.read)
    least = ended.active - first.active
    most = diary[last + 1].active - diary[before].active
    busy = loop["busy_seconds"]
    assert least * 0.98 - 0.005 <= busy <= most * 1.02 + 0.005, (diary[before : last + 2], loop)
    # A turn works for so long at least, and ends before the next one begins. Those that end within the interval count.
    works = [entry.worked for entry in diary[before + 2 : last + 1]]
    gaps = [after.moment - now.moment for now, after in zip(diary[before : last + 1], diary[before + 1 : last + 2])]
    longest = loop["turn_seconds"]["max"]
    assert max(works, default=0) <= longest + 0.001 and longest <= max(gaps) + 0.001, (works, gaps, loop)
    held = loop["cause_seconds"]["runqueue"] + (loop["cause_seconds"]["throttled"] or 0)
    assert 0.9 * busy - 0.01 - held <= loop["phase_seconds"]["timers"] <= busy + 0.001


@pytest.mark.parametrize(
    "way, missing", [(way, name) for way, names in SETS.items() for name in names]
)
def test_each_that_is_missing_is_named(for_everybody, foreign, way, missing):
    needed, _ = smallest_set(for_everybody, way)
    assert missing in needed
    rest = [name for name in needed if name != missing]
    result = looptop(for_everybody, rest, "stat", "-c", "1", "--attach", way, foreign.pid)
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
