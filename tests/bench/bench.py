#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
# Copyright (c) 2026 The looptop authors
"""What looptop costs, written to docs/BENCHMARKS.md: ten minutes, root, a machine that does nothing else.

Each comparison alternates its cases in one run, so that a machine that drifts drifts for all of them.
LT_BENCH_ROUNDS says how often (5), LT_BENCH_NODE which Node (24, as tests/get-node fetches it).

`bench.py SECTION…` measures only those (the names of their modules) and prints them; the file stays.
"""
import os
import subprocess
import sys

import attaching
import idle
import own
import pool
import requests
import scale
import spinner
import stacks
from compare import prom_client
from rig import NODE, ROOT, ROUNDS

# A section is a module: TITLE, NOTE, and measure(), which gives its table's lines.
SECTIONS = (
    spinner,
    requests,
    pool,
    idle,
    stacks,
    attaching,
    own,
    scale,
)


def said(*command):
    """The last word of what a program says, as with --version."""
    return subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout.split()[-1].lstrip("v")


def introduction():
    return ["# What looptop costs", "",
            f"Made by `make bench` ({ROUNDS} rounds) with Node {said(NODE, '--version')}, bpftrace "
            f"{said('bpftrace', '--version')} and {prom_client().rsplit('/', 1)[1].replace('-1', ' 1')} on Linux {os.uname().release}, "
            f"{os.cpu_count()} CPUs of a shared virtual machine: compare within a table, not with other machines.",
            "",
            "Traps are counted and exact. Times are of CPU, as the kernel accounts for them to the process, medians. "
            "In each round every row has its turn; \"more than nothing\" is the median of what a row's turn cost "
            "against the unmeasured one of the same round, \"noise floor\" how far the medians of the odd and the "
            "even rounds are apart. Where several rows have nothing in them, their differences are noise too.", ""]


def measured(section):
    print(section.TITLE, file=sys.stderr)
    return [f"## {section.TITLE}", "", section.NOTE, "", *section.measure(), ""]


def main():
    names = sys.argv[1:]
    known = {section.__name__: section for section in SECTIONS}
    unknown = [name for name in names if name not in known]
    if unknown:
        sys.exit(f"bench.py: {unknown[0]}: not one of {', '.join(known)}")
    if names:
        for name in names:
            print("\n".join(measured(known[name])))
        return
    lines = introduction()
    for section in SECTIONS:
        lines += measured(section)
    (ROOT / "docs/BENCHMARKS.md").write_text("\n".join(lines))


if __name__ == "__main__":
    main()
