# SPDX-License-Identifier: GPL-2.0-only
# Copyright (c) 2026 The looptop authors
"""Does it grow? The last third of a run against the second; the first is for warming up.

What the agent takes goes up and down with who is there and who has probes. What has leaked is there at all times: so
the least of each third is compared. The noise floor is how far the leasts of five parts of the second third are
apart: less than that is no growth. A floor that is itself large says that nothing can be said, which is no pass.
"""
BLOCKS = 5
PEAK_MAX_MIB = 100
WORTHLESS = 0.25  # a floor of more than this share of the value


def blocks(values):
    size = len(values) / BLOCKS
    return [min(values[int(i * size):int((i + 1) * size)]) for i in range(BLOCKS)]


class Flatness:
    def __init__(self, what, unit, values, least):
        """least: what growth is no growth even in a run without noise (pages, a descriptor in use)."""
        third = len(values) // 3
        self.what, self.unit = what, unit
        second = blocks(values[third:2 * third])
        self.second = min(second)
        self.last = min(values[2 * third:])
        self.floor = max(max(second) - min(second), least)
        self.worthless = self.floor > max(WORTHLESS * self.second, least)

    def __str__(self):
        return (f"{self.what}: {self.second:.4g} {self.unit} at least in the second third, {self.last:.4g} in the last: "
                f"{self.last - self.second:+.3g}, noise floor {self.floor:.3g}")

    def problem(self):
        if self.last - self.second > self.floor:
            return f"{self.what} grow: {self}"
        if self.worthless:
            return f"{self.what} vary too much to say whether they grow: {self}"
        return None


def flatness(readings):
    mib = 1024
    return [
        Flatness("memory (RSS)", "MiB", [r.rss / mib for r in readings], 0.25),
        Flatness("the peak of memory (VmHWM)", "MiB", [r.peak / mib for r in readings], 0.25),
        Flatness("anonymous memory", "MiB", [r.anon / mib for r in readings], 0.25),
    ]


def too_high(readings):
    """What an agent takes at its worst moment, whoever its targets are: half of what its unit permits."""
    peak = max(r.peak for r in readings) / 1024
    print(f"the peak of memory (VmHWM): {peak:.4g} MiB")
    return f"memory was {peak:.4g} MiB at its peak, more than {PEAK_MAX_MIB} MiB" if peak > PEAK_MAX_MIB else None


def left_behind(before, after, strange):
    """What is more than it was, when as many targets are there as before, and none has probes.

    Descriptors come and go with probes, so that this says more of them than their number over time does. Those
    of files are told by name: the symbols of a program are kept as long as it runs, and residents do.
    """
    for what, count in (
        ("descriptors", lambda r: r.fds - r.files),
        ("BPF maps", lambda r: r.maps),
        ("BPF programs", lambda r: r.progs),
        ("BPF links", lambda r: r.links),
        ("threads", lambda r: r.threads),
    ):
        least, now = min(map(count, before)), min(map(count, after))
        print(f"{what} with the residents alone: {least} before the others came, {now} when they had gone")
        if now > least:
            yield f"{now - least} {what} were left behind by targets that are gone"
    if strange:
        yield f"files of programs that no longer run are open: {', '.join(strange)}"
