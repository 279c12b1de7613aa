# SPDX-License-Identifier: GPL-2.0-only
# Copyright (c) 2026 The looptop authors
"""Prometheus text, read strictly enough for the tests."""

import re

SAMPLE = re.compile(r"^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)(?: \S+)?$")
LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\.)*)"(?:,|$)')


class Exposition:
    def __init__(self, text):
        self.types = {}
        self.samples = []  # (name, labels, value)
        for line in text.splitlines():
            if line.startswith("# TYPE "):
                _, _, name, kind = line.split(" ", 3)
                assert name not in self.types, f"{name} has its type twice"
                self.types[name] = kind
            elif line and not line.startswith("#"):
                self.samples.append(parse_sample(line))
        keys = [(name, tuple(sorted(labels.items()))) for name, labels, _ in self.samples]
        assert len(set(keys)) == len(keys), "a series twice"

    def values(self, name, /, **labels):
        """The values of all series of that name with at least those labels."""
        return [
            value
            for found, has, value in self.samples
            if found == name and labels.items() <= has.items()
        ]

    def value(self, name, /, **labels):
        values = self.values(name, **labels)
        assert len(values) == 1, f"{name} {labels}: {len(values)} series"
        return values[0]


def parse_sample(line):
    match = SAMPLE.match(line)
    assert match, f"no sample: {line}"
    labels = dict(LABEL.findall(match.group(2) or ""))
    return match.group(1), labels, float(match.group(3))
