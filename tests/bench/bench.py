#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
# Copyright (c) 2026 The looptop authors
"""What looptop costs, written to docs/BENCHMARKS.md. Root; node and wrk on the PATH.

Each comparison alternates its cases in one run, so that a machine that drifts drifts for all of them;
the noise floor is the spread between the two halves of the same case's rounds.

`bench.py SECTION…` measures only those (the names of their modules) and prints them; the file stays.
"""
import os
import subprocess
import sys

import attaching
import own
import requests
import spinner
import stacks
from rig import NODE, ROOT, ROUNDS

# A section is a module: TITLE, NOTE, and measure(), which gives its table's lines.
SECTIONS = (
    spinner,
    requests,
    stacks,
    attaching,
    own,
)


def introduction():
    version = subprocess.run([NODE, "--version"], stdout=subprocess.PIPE, text=True, check=True)
    return ["# What looptop costs", "",
            f"Made by `make bench` ({ROUNDS} alternated rounds, medians) with Node "
            f"{version.stdout.strip()[1:]} on Linux {os.uname().release}, {os.cpu_count()} CPUs of a shared "
            "virtual machine: compare within a table, not with other machines.", ""]


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
