#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
# Copyright (c) 2026 The looptop authors
"""looptop, killed at random moments while it attaches, and attached and detached without end.

    make torture KILLS=1000 CYCLES=2000

Three quarters of the kills are by multi links, one quarter by perf events; every third is of the process group. After each one
no page of a target differs from its file. Then one looptop puts the probes of a living target in and takes them out again,
CYCLES times: its descriptors and mappings, those of the process that holds the probes, and those of the target are counted
before and after. In the end the BPF objects of the host are those from before, and the kernel has complained of nothing.
"""
import argparse
import collections
import contextlib
import pathlib
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/e2e"))

from support import kernel, procfs, torture  # noqa: E402
from support.looptop import NO_BUDGET  # noqa: E402
from support.screen import Screen  # noqa: E402
from support.workload import node_workload  # noqa: E402

# A name that nobody else on the host asks for.
TITLE = ("--title=tortured",)

TARGETS = {"multi": 4, "perf": 1}  # so that attaching takes a while
SHARES = {"multi": 0.75, "perf": 0.25}
REPORT_EVERY = 50
BUCKETS = 8
LOOKS = 15
STEADY_AFTER = 20  # cycles: what is made once is made by then
PATIENCE = 120
WAIT_FOR_PROBES = 20  # seconds


def say(text):
    print(f"{time.strftime('%H:%M:%S')}  {text}", flush=True)


def kill_all(node, way, count, log, cache):
    """The kills of one way; false if a probe stayed."""
    with contextlib.ExitStack() as stack:
        targets = [stack.enter_context(node_workload(node, "mixed.js", flags=TITLE)) for _ in range(TARGETS[way])]
        attacker = torture.Attacker([target.pid for target in targets], way, cache, seed=count)
        attacker.measure()
        say(f"{way}: {attacker.links} probes in {len(targets)} targets, all in after {attacker.takes * 1e3:.0f} ms; {count} kills")
        kills = []
        for i in range(count):
            kills.append(attacker.kill(group=i % 3 == 2))
            if leaks := log.leaks(attacker.started):
                say(f"kill {i}, {kills[-1]}: {leaks}")
                return False
            if (i + 1) % REPORT_EVERY == 0:
                say(f"{way}: {i + 1} killed")
        for target in targets:
            target.call("start", seconds=0.3)
        torture.wait_clean(attacker.pids, "in the end")
    tell_kills(way, kills, attacker.links)
    return True


def tell_kills(way, kills, all_links):
    """How the moments are spread over attaching."""
    before = sum(not kill.links for kill in kills)
    attached = sum(kill.attached for kill in kills)
    inside = [kill for kill in kills if kill.links and not kill.attached]
    spread = collections.Counter(min(kill.links * BUCKETS // (all_links + 1), BUCKETS - 1) for kill in inside)
    say(
        f"{way}: {len(kills)} kills, {before} with no probe in, {len(inside)} in the middle of attaching, {attached} after it; "
        f"those in the middle by eighths of the probes that were in: {[spread[i] for i in range(BUCKETS)]}"
    )


def objects_of(pid, kind):
    """The numbers of the BPF objects that a process has descriptors of."""
    found = set()
    for info in pathlib.Path(f"/proc/{pid}/fdinfo").iterdir():
        with contextlib.suppress(FileNotFoundError):
            found.update(line for line in info.read_text().splitlines() if line.startswith(f"{kind}_id:"))
    return found


class Cycler(Screen):
    """A dashboard, on which somebody presses t."""

    def __init__(self, pid):
        super().__init__("-i", "0.5", "--tier", "full", *NO_BUDGET, pid)
        self.wait(lambda: self.links() > 4, WAIT_FOR_PROBES, "probes")

    def links(self):
        guard = torture.guard_of(self.process.pid)
        return torture.link_count(guard) if guard else 0

    def press_until_changed(self):
        """To the next tier; how many links there are then."""
        before = self.links()
        self.press("t")
        deadline = time.monotonic() + WAIT_FOR_PROBES
        while self.links() == before and time.monotonic() < deadline:
            self.read()
            time.sleep(0.002)
        return self.links()

    def cycle(self):
        """Down to the fewest probes and up again."""
        low = high = self.links()
        for _ in range(5):  # auto, memory, wait, phases, full
            links = self.press_until_changed()
            low, high = min(low, links), max(high, links)
        assert low < high, "no probe came or went: this would prove nothing"

    def counts(self, target_pid):
        """The least of some looks: what is on its way, as a child that takes links out, is not there at each."""
        looks = []
        for _ in range(LOOKS):
            looks.append(self.counts_now(target_pid))
            time.sleep(0.1)
            self.read()
        return {key: min(look[key] for look in looks) for key in looks[0]}

    def counts_now(self, target_pid):
        guard = torture.guard_of(self.process.pid)
        return {
            "descriptors": procfs.fd_count(self.process.pid) + procfs.fd_count(guard),
            "mappings": procfs.map_count(self.process.pid) + procfs.map_count(guard),
            "probes": self.links(),
            "target's descriptors": procfs.fd_count(target_pid),
            "children": len(torture.children(self.process.pid)) + len(torture.children(guard)),
            **{kind: len(objects_of(self.process.pid, kind) | objects_of(guard, kind)) for kind in ("map", "prog", "link")},
        }


def cycle_all(node, count):
    with node_workload(node, "mixed.js", flags=TITLE) as target:
        with Cycler(target.pid) as screen:
            for i in range(count):
                screen.cycle()
                if i + 1 == min(STEADY_AFTER, count):
                    steady = screen.counts(target.pid)
                    say(f"after {i + 1} cycles: {steady}")
                if (i + 1) % (4 * REPORT_EVERY) == 0:
                    say(f"{i + 1} cycles")
            after = screen.counts(target.pid)
            say(f"after {count} cycles: {after}")
            guard = torture.guard_of(screen.process.pid)
            status = screen.quit()
        torture.wait_gone(guard)
        torture.wait_clean([target.pid], "in the end")
        target.call("start", seconds=0.3)
    # glibc maps and unmaps as it likes: what piles up does so cycle by cycle.
    grown = {key: (steady[key], after[key]) for key in after if after[key] > steady.get(key, 0) + (key == "mappings") * 8}
    for key, (was, now) in grown.items():
        say(f"{key} have grown from {was} to {now}")
    return not grown and status == 0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=1000)
    parser.add_argument("--cycles", type=int, default=2000)
    args = parser.parse_args()
    node = subprocess.run([ROOT / "tests/get-node", "24"], capture_output=True, text=True, check=True).stdout.strip()
    begin, before, fine = time.monotonic(), kernel.bpf_ids(), True
    with kernel.Log() as log, tempfile.TemporaryDirectory() as cache:
        for way, share in SHARES.items() if args.kills else ():
            fine = fine and kill_all(node, way, round(args.kills * share), log, cache)
        fine = fine and (not args.cycles or cycle_all(node, args.cycles))
        kernel.assert_vanish(before, within=PATIENCE)
        if leaks := log.leaks(set()):
            say(f"the kernel's log: {leaks}")
            fine = False
    say(f"{'clean' if fine else 'NOT clean'}, after {(time.monotonic() - begin) / 60:.1f} minutes")
    return 0 if fine else 1


if __name__ == "__main__":
    sys.exit(main())
