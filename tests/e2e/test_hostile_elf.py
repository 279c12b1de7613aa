# SPDX-License-Identifier: GPL-2.0-only
# Copyright (c) 2026 The looptop authors
"""Programs whose files are damaged or lie, and run all the same."""

import pytest
from conftest import NodeBinary
from support import PATIENCE, procfs
from support.elf import DAMAGES, damaged_copy
from support.looptop import run, strict_json
from support.series import Series
from support.workload import add_beside


@pytest.mark.parametrize("damage", DAMAGES)
def test_damaged_program(one_node, tmp_path, damage):
    """Measured, or refused with a sentence; never a crash, a hang, or harm to the target."""
    binary = damaged_copy(one_node.path, tmp_path / "node", damage)
    node = NodeBinary(one_node.major, binary)
    with node.run("mixed.js") as target:
        target.send("start", seconds=1)
        for command in (["stat", "--json", "-i", "0.3", "-c", "2"], ["check"]):
            result = run(*command, target.pid, timeout=PATIENCE, env={"XDG_CACHE_HOME": str(tmp_path / "cache")})
            assert 0 <= result.returncode <= 5 and result.returncode != 2, result.returncode
            errors = result.stderr.splitlines()
            assert len(errors) <= 6, errors
            if result.returncode != 0:
                assert result.stderr.strip() or command == ["check"]
            elif command[0] == "stat":
                Series([strict_json(line) for line in result.stdout.splitlines()]).assert_sound()
        procfs.wait_text_back(target.pid)
        assert target.answer("start", PATIENCE)["timers"] > 0
    binary.unlink()


def test_busy_is_right_or_unknown_when_symbols_lie(one_node, tmp_path):
    """A file whose symbols point nowhere must not lead to figures from there."""
    binary = damaged_copy(one_node.path, tmp_path / "node", "symbols-beyond-everything")
    with NodeBinary(one_node.major, binary).run("mixed.js") as target:
        before = target.account()
        target.send("start", seconds=1.5)
        result = run("stat", "--json", "-i", "0.3", "-c", "6", target.pid, timeout=PATIENCE)
        truth = target.answer("start", PATIENCE)
        add_beside(truth, before, target.account())
    if result.returncode == 0:
        series = Series([strict_json(line) for line in result.stdout.splitlines()])
        for row in series.of(target.pid).loop().rows:
            if row["busy_seconds"] is not None:
                assert row["busy_seconds"] <= truth["active"] * 1.02 + truth["beside"] + 0.005
    else:
        assert result.stderr.strip()
