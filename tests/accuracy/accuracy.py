#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
# Copyright (c) 2026 The looptop authors
"""How right looptop's stacks are, written to docs/ACCURACY.md. Root; looptop built, tests/get-node.

Runs every scenario of tests/workloads/stalls.js on every Node and compares each stall with what the
process tells of itself, by the comparisons of tests/e2e/test_stalls.py. Exits with 1 if a stall names
a function that cannot have been on the stack.
"""

import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "e2e"))

from conftest import MAJORS, fetch_node  # noqa: E402
from support.stalls import Matrix, is_user, own_user  # noqa: E402

COMPARISONS = {
    "count": "one stall",
    "where": "function, file, line",
    "callers": "callers, line and column",
    "foreign": "no other function",
    "below": "what it called",
    "original": "source map",
}


def mistakes_of(case):
    return {key: getattr(case, key)() for key in COMPARISONS}


def cell(case):
    """The samples of a case, and what was not right."""
    wrong = [COMPARISONS[key] for key, found in mistakes_of(case).items() if found]
    samples = sum(stall["samples"] or 0 for stall in case.stalls)
    return f"{samples:.0f}" if not wrong else f"**{samples:.0f}, not: {'; '.join(wrong)}**"


def compared_frames(case):
    """How many callers of the function that blocked could be compared."""
    truth = case.stall and case.stall["where"] and case.truth_of(case.stall["where"])
    return min(len(own_user(truth["stack"])), len(case.user_frames())) - 1 if truth else 0


def summary(matrices):
    rows = [
        "| Node | scenarios | samples | " + " | ".join(COMPARISONS.values()) + " | frames compared |",
        "|---" * (len(COMPARISONS) + 4) + "|",
    ]
    for major, matrix in matrices.items():
        right = {
            key: sum(not getattr(case, key)() for case in matrix.cases) for key in COMPARISONS
        }
        samples = sum(stall["samples"] or 0 for case in matrix.cases for stall in case.stalls)
        total = len(matrix.cases)
        cells = [f"{right[key]}/{total}" for key in COMPARISONS]
        frames = sum(compared_frames(case) for case in matrix.cases)
        rows.append(f"| {major} | {total} | {samples:.0f} | {' | '.join(cells)} | {frames} |")
    return rows


def table(matrices):
    names = [case.name for case in next(iter(matrices.values())).cases]
    rows = [
        "| scenario | " + " | ".join(f"Node {major}" for major in matrices) + " |",
        "|---" * (len(matrices) + 1) + "|",
    ]
    for name in names:
        cases = [next(c for c in matrix.cases if c.name == name) for matrix in matrices.values()]
        rows.append(f"| {name} | {' | '.join(map(cell, cases))} |")
    return rows


def details(matrices):
    found = [
        f"* Node {major}, {mistake}"
        for major, matrix in matrices.items()
        for case in matrix.cases
        for mistakes in mistakes_of(case).values()
        for mistake in mistakes
    ]
    return found or ["Nothing."]


def document(matrices):
    versions = ", ".join(matrix.version for matrix in matrices.values())
    stalls = [stall for matrix in matrices.values() for stall in matrix.ended]
    users = sum(is_user(frame) for stall in stalls for frame in stall["stack"] or [])
    return [
        "# How right the stacks are",
        "",
        f"Made by `make accuracy` on Linux {os.uname().release}, {os.cpu_count()} CPUs of a "
        f"shared virtual machine, with Node.js {versions}, started without any flag.",
        "",
        "Each scenario blocks the loop for about 200 ms in a way of its own (`tests/workloads/stalls`), "
        "while `looptop stalls` watches with its defaults. Afterwards the process runs the same way once "
        "more and tells its own stack, as `new Error().stack` has it, in every function that takes part. "
        "Compared are: whether there is exactly one stall; the function that blocked, its file, and that "
        "the line is inside of it; its callers, frame by frame, to line and column; that no function of "
        "the application is in any stack that the process does not have there; what the function called, "
        "where that has a name; and for mapped sources the original file and line.",
        "",
        f"{len(stalls)} stalls with {users} frames of the application in all.",
        "",
        *summary(matrices),
        "",
        "## Samples in each scenario",
        "",
        "The stacks that were taken in the stall; bold where something was not right.",
        "",
        *table(matrices),
        "",
        "## What was not right",
        "",
        *details(matrices),
        "",
    ]


def main():
    matrices = {}
    for major in MAJORS:
        print(f"Node {major}", file=sys.stderr)
        matrices[major] = Matrix(fetch_node(major))
    (ROOT / "docs" / "ACCURACY.md").write_text("\n".join(document(matrices)))
    return 1 if any(matrix.mistakes("foreign") for matrix in matrices.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
