#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
# Copyright (c) 2026 The looptop authors
"""Who may include whom (docs/ARCHITECTURE.md), and a few rules that the compiler cannot check."""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
CURSES = {"curses.h", "ncurses.h", "term.h"}

# folder: (project headers it may include, by prefix; system headers it must not)
RULES = [
    ("bpf/", ["looptop/abi.h", "looptop/hist.h", "bpf/"], CURSES),
    ("include/", ["looptop/"], CURSES),
    ("agent/util/", ["looptop/", "agent/util/"], CURSES | {"bpf/libbpf.h", "bpf/bpf.h"}),
    ("agent/target/", ["looptop/", "agent/util/", "agent/target/", "agent/runtime/registry.h"],
     CURSES | {"bpf/libbpf.h", "bpf/bpf.h"}),
    ("agent/runtime/", ["looptop/", "agent/util/", "agent/target/", "agent/runtime/",
                       "agent/v8/layout.h"],
     CURSES | {"bpf/libbpf.h", "bpf/bpf.h"}),
    ("agent/probe/", ["looptop/", "agent/util/", "agent/target/", "agent/runtime/", "agent/probe/",
                      "agent/v8/layout.h", "looptop.skel.h", "caps.skel.h"], CURSES),
    ("agent/model/", ["looptop/abi.h", "looptop/hist.h", "looptop/snapshot.h", "looptop/metric.h",
                      "looptop/runtime.h", "agent/util/", "agent/model/"],
     CURSES | {"bpf/libbpf.h", "bpf/bpf.h"}),
    ("agent/v8/", ["looptop/", "agent/util/", "agent/target/", "agent/v8/"],
     CURSES | {"bpf/libbpf.h", "bpf/bpf.h"}),
    ("agent/doctor/", ["looptop/snapshot.h", "looptop/metric.h", "looptop/sink.h", "looptop/err.h",
                       "looptop/log.h", "agent/util/", "agent/doctor/"],
     CURSES | {"bpf/libbpf.h", "bpf/bpf.h"}),
    ("agent/sink/", ["looptop/snapshot.h", "looptop/metric.h", "looptop/sink.h", "looptop/err.h",
                     "looptop/log.h", "agent/util/", "agent/sink/"],
     CURSES | {"bpf/libbpf.h", "bpf/bpf.h"}),
    ("ui/", ["looptop/snapshot.h", "looptop/metric.h", "looptop/sink.h", "looptop/err.h",
             "looptop/log.h", "agent/util/", "ui/"], {"bpf/libbpf.h", "bpf/bpf.h"}),
]
PROJECT = ("looptop/", "agent/", "bpf/", "ui/", "looptop.skel.h", "caps.skel.h")
LIBBPF_SYSTEM = ("bpf/libbpf.h", "bpf/bpf.h", "bpf/bpf_helpers.h", "bpf/bpf_tracing.h")
LINES_MAX = 450


def includes(text):
    for match in re.finditer(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', text, re.M):
        yield match.group(1) == "<", match.group(2)


def check_file(path, problems):
    name = str(path.relative_to(ROOT))
    text = path.read_text(encoding="utf-8")
    if "SPDX-License-Identifier: GPL-2.0-only" not in text.split("\n", 1)[0]:
        problems.append(f"{name}: its first line names no licence")
    if text.count("\n") > LINES_MAX:
        problems.append(f"{name}: {text.count(chr(10))} lines, more than {LINES_MAX}")
    if re.search(r"retprobe\s*=\s*true|UPROBE_MULTI_RETURN|SEC\(\"u(ret|probe\.session)", text):
        problems.append(f"{name}: return probes are not used, ever")
    for folder, allowed, forbidden in RULES:
        if not name.startswith(folder):
            continue
        for system, header in includes(text):
            if header in forbidden and name != "ui/term.c":
                problems.append(f"{name}: must not include <{header}>")
            if system or header in LIBBPF_SYSTEM or not header.startswith(PROJECT):
                continue
            if not any(header.startswith(prefix) for prefix in allowed):
                problems.append(f"{name}: must not include \"{header}\"")


def main():
    problems, files = [], 0
    for folder in ("agent", "bpf", "ui", "include"):
        for path in sorted((ROOT / folder).rglob("*.[ch]")):
            files += 1
            check_file(path, problems)
    for problem in problems:
        print(problem)
    print(f"layers: {files} files, {len(problems)} problems")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
