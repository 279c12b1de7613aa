#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
# Copyright (c) 2026 The looptop authors
"""An agent without a target, for so many minutes, while targets come and go and someone scrapes it.

    make soak MINUTES=15              the first third is for warming up
    make soak MINUTES=2 SANITIZE=1    does it leak, by its own account at its end

Ends with a verdict: nothing grows, nothing is lost that is not counted, no scrape fails, nothing is said on
stderr, the spinners lose their probes, no breakpoint stays in a target, the end is a normal one.
"""
import argparse
import csv
import pathlib
import signal
import subprocess
import sys
import tempfile
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/e2e"))

import gauges  # noqa: E402
from cast import Stage  # noqa: E402
from support import procfs  # noqa: E402
from support.agent import free_port, get, wait_for  # noqa: E402
from support.exposition import Exposition  # noqa: E402
from support.looptop import BINARY  # noqa: E402
from support.workload import WORKLOADS, node_workload  # noqa: E402
from verdict import flatness, left_behind, too_high  # noqa: E402

MAJORS = (16, 18, 20, 22, 24, 26)
OPENMETRICS = "application/openmetrics-text; version=1.0.0"
LEAST_MINUTES = 12  # targets of all kinds with stacks to read come once in two minutes or so
READ_EVERY = 2  # seconds
CALM_SECONDS = 90
DROPPED_WITHIN = 6  # seconds: 1.5 over the budget for a tier, of which there may be two, and a scrape
SCRAPED = 0.5  # of the seconds, at the least; reading a page takes Python a while on a busy machine
SANITIZED = "/san/" in str(BINARY)


class Scraper(threading.Thread):
    """Once a second, as text and as OpenMetrics in turn, on a connection of its own each time."""

    def __init__(self, url):
        super().__init__(daemon=True)
        self.url, self.page = url, None
        self.done, self.failures, self.slowest = 0, [], 0.0
        self.over = threading.Event()

    def scrape(self, openmetrics):
        headers = {"Accept": OPENMETRICS} if openmetrics else {}
        begin = time.monotonic()
        status, kind, text = get(self.url + "/metrics", timeout=10, **headers)
        self.slowest = max(self.slowest, time.monotonic() - begin)
        if status != 200:
            raise ValueError(f"status {status}")
        if openmetrics != kind.startswith("application/openmetrics-text"):
            raise ValueError(f"answered with {kind}")
        if openmetrics and not text.endswith("# EOF\n"):
            raise ValueError("cut off")
        return Exposition(text)

    def run(self):
        due = time.monotonic()
        while not self.over.wait(max(0.0, due - time.monotonic())):
            due = max(due + 1, time.monotonic())
            try:
                self.page = self.scrape(self.done % 2 == 1)
                self.done += 1
            except Exception as err:  # whatever went wrong, it was this scrape
                self.failures.append(f"{type(err).__name__}: {err}")

    def end(self):
        self.over.set()
        self.join(20)

    def tier_of(self, pid):
        page = self.page
        for name, labels, _ in page.samples if page else ():
            if name == "looptop_process_info" and labels.get("pid") == str(pid):
                return labels["tier"]
        return None

    def lost(self):
        """{cause: count}, since the agent's start."""
        return {labels["cause"]: int(value) for name, labels, value in self.page.samples
                if name == "looptop_self_lost_total"}

    def targets(self):
        return int(self.page.value("looptop_self_targets"))


def fetch_nodes():
    done = subprocess.run([ROOT / "tests/get-node", *map(str, MAJORS)], check=True, text=True,
                          stdout=subprocess.PIPE)
    return dict(zip(MAJORS, done.stdout.split()))


def build_uv_tasks(folder):
    program = folder / "uv-tasks"
    subprocess.run(["cc", "-O2", WORKLOADS / "uv-tasks.c", "-o", program, "-l:libuv_a.a", "-lpthread",
                    "-ldl", "-lrt"], check=True)
    return program


def line(*columns):
    widths = (6, 7, 7, 8, 4, 4, 5, 5, 7, 6, 7, 9, 6)
    print("  ".join(str(column).rjust(width) for column, width in zip(columns, widths)), flush=True)


def headings():
    line("minute", "targets", "RSS MiB", "anon MiB", "fds", "maps", "progs", "links", "threads", "CPU %",
         "scrapes", "processes", "lost")


def tell(begin, minute_ago, reading, scraper, stage):
    cpu = (reading.cpu - minute_ago.cpu) / (reading.at - minute_ago.at) * 100
    line(f"{(reading.at - begin) / 60:.0f}", scraper.targets(), f"{reading.rss / 1024:.2f}",
         f"{reading.anon / 1024:.2f}", reading.fds, reading.maps, reading.progs, reading.links,
         reading.threads, f"{cpu:.2f}", scraper.done, sum(stage.started.values()),
         sum(scraper.lost().values()))


def watch(agent, scraper, stage, residents, minutes):
    """Reads the agent's gauges until the time is over or something broke; one line a minute."""
    readings = [gauges.read(agent.pid)]
    begin, minute_ago = readings[0].at, readings[0]
    headings()
    for n in range(1, int(minutes * 60 / READ_EVERY) + 1):
        stage.over.wait(max(0.0, begin + n * READ_EVERY - time.monotonic()))
        if stage.over.is_set() or agent.poll() is not None:
            break
        readings.append(gauges.read(agent.pid))
        if n % 5 == 0:  # the residents work a little, in turn
            resident = residents[n // 5 % len(residents)]
            resident.call("start", seconds=0.3)
        if n % (60 // READ_EVERY) == 0:
            tell(begin, minute_ago, readings[-1], scraper, stage)
            minute_ago = readings[-1]
    return readings


def calm(agent, before=None):
    """Readings while the residents are alone: some, or as long as it takes until it is as it was before."""
    end = time.monotonic() + CALM_SECONDS
    least = min(reading.fds - reading.files for reading in before) if before else None
    readings = [gauges.read(agent.pid)]
    while (len(readings) < 5 if least is None else
           readings[-1].fds - readings[-1].files > least and time.monotonic() < end):
        time.sleep(READ_EVERY)
        readings.append(gauges.read(agent.pid))
    return readings


def strange_files(agent, known, residents):
    """The files that it has open, was not told to, and none of the residents runs."""
    mapped = {line.split(maxsplit=5)[-1].strip() for resident in residents
              for line in open(f"/proc/{resident.pid}/maps")}
    return [path for path in gauges.files(agent.pid) if path not in known and path not in mapped]


def probed(residents):
    return [resident.pid for resident in residents if procfs.changed_text(resident.pid)]


def end_of_agent(agent, residents):
    """Ends it while its probes are in; (exit status, pids with breakpoints before, pids with some after)."""
    deadline = time.monotonic() + 30
    before = []
    while not before and time.monotonic() < deadline:
        for resident in residents:
            resident.send("start", seconds=1)
        for resident in residents:
            resident.answer("start")
        before = probed(residents)
    agent.send_signal(signal.SIGTERM)
    try:
        status = agent.wait(60 if SANITIZED else 10)
    except subprocess.TimeoutExpired:
        agent.kill()
        agent.wait(10)
        status = "none within 10 s"
    # The kernel takes breakpoints away as it closes a program's files: soon, not at once.
    deadline = time.monotonic() + 10
    while probed(residents) and time.monotonic() < deadline:
        time.sleep(0.5)
    return status, before, probed(residents)


def judge_spinners(spinners):
    """A spinner that has got probes must lose them soon; those that end before are no witnesses."""
    dropped = 0
    for tiers in spinners:
        had = next((at for at, tier in tiers if tier not in ("memory", "end")), None)
        if had is None:
            continue
        lost = next((at for at, tier in tiers if at > had and tier == "memory"), None)
        dropped += lost is not None
        if (lost or tiers[-1][0]) - had > DROPPED_WITHIN:
            yield f"a spinner kept its probes: {tiers}"
    print(f"spinners: {len(spinners)}, of which {dropped} had probes and lost them")
    if not dropped:
        yield "no spinner had probes and lost them: the governor was not tried"


def judge(args, readings, alone, scraper, stage, told, end):
    """Every problem, as a sentence."""
    status, before, after = end
    problems = [f"the soak itself broke: {failure}" for failure in stage.failures]
    problems += left_behind(*alone)
    if args.minutes < LEAST_MINUTES or SANITIZED:
        print(f"not judged: growth (it takes {LEAST_MINUTES} minutes, and a build without sanitizers)")
    else:
        if len(readings) < args.minutes * 60 / READ_EVERY * 0.9:
            problems.append(f"only {len(readings)} readings were made")
        problems.append(too_high(readings))
        for flat in flatness(readings):
            print(flat)
            problems.append(flat.problem())
    lost = {cause: count for cause, count in scraper.lost().items() if count}
    print(f"lost, all counted: {lost or 'nothing'}")
    print(f"scrapes: {scraper.done} answered, the slowest after {scraper.slowest * 1e3:.0f} ms; "
          f"{len(scraper.failures)} failed")
    if scraper.failures:
        problems.append(f"{len(scraper.failures)} scrapes failed, the first: {scraper.failures[0]}")
    if scraper.done < args.minutes * 60 * SCRAPED:
        problems.append(f"only {scraper.done} scrapes were made: this machine is too busy to say anything")
    problems += judge_spinners(stage.spinners)
    if told:
        problems.append(f"the agent said on stderr: {told[:2000]}")
    if not before:
        problems.append("no resident had a probe before the end: breakpoints were not tried")
    if after:
        problems.append(f"breakpoints stayed in {after}")
    if status != 0:
        problems.append(f"exit status after SIGTERM: {status}")
    return [problem for problem in problems if problem]


def write(path, readings):
    with open(path, "w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(gauges.Reading._fields)
        rows.writerows(readings)


def soak(args, folder):
    nodes, uv_tasks = fetch_nodes(), build_uv_tasks(folder)
    port = free_port()
    stderr = open(folder / "stderr", "w+")
    agent = subprocess.Popen([str(BINARY), "agent", "--listen", f"127.0.0.1:{port}", "--names",
                              "prom-client,otel", "--stall-functions", "20", "--jit"],
                             stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=stderr)
    residents = []
    try:
        wait_for(lambda: get(f"http://127.0.0.1:{port}/readyz")[0] == 200, 20, "ready")
        residents += [node_workload(node, "mixed.js") for node in nodes.values()]
        scraper = Scraper(f"http://127.0.0.1:{port}")
        stage = Stage(nodes, uv_tasks, folder, scraper.tier_of)
        scraper.start()
        wait_for(lambda: scraper.page, 20, "a first scrape")
        before, known = calm(agent), gauges.files(agent.pid)
        stage.begin()
        readings = watch(agent, scraper, stage, residents, args.minutes)
        stage.end()
        after = calm(agent, before)
        strange = strange_files(agent, known, residents)
        scraper.end()
        end = end_of_agent(agent, residents)
    finally:
        if agent.poll() is None:
            agent.kill()
            agent.wait(10)
        for resident in residents:
            resident.close()
    stderr.seek(0)
    print(", ".join(f"{count} {what}" for what, count in sorted(stage.started.items())))
    if args.readings:
        write(args.readings, readings)
    return judge(args, readings, (before, after, strange), scraper, stage, stderr.read(), end)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=15)
    parser.add_argument("--readings", metavar="FILE", help="write all readings to it, as CSV")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="looptop-soak-") as folder:
        problems = soak(args, pathlib.Path(folder))
    for problem in problems:
        print(f"FAILED: {problem}")
    print("soak: failed" if problems else "soak: passed")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
