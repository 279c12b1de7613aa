#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
# Copyright (c) 2026 The looptop authors
"""What looptop costs, written to docs/BENCHMARKS.md. Root; node and wrk on the PATH.

Each comparison alternates its cases in one run, so that a machine that drifts drifts for all of them;
the noise floor is the spread between the two halves of the same case's rounds.
"""
import json
import os
import pathlib
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
LOOPTOP = str(ROOT / "build/looptop")
NODE = os.environ.get("LT_BENCH_NODE", "node")
ROUNDS = int(os.environ.get("LT_BENCH_ROUNDS", "7"))

SPINNER = "const f=()=>setImmediate(f);f()"
TICKER = "setInterval(()=>{},50)"
WORKER = """function work() {
  let units = 0;
  const end = performance.now() + 1500;
  while (performance.now() < end) units++;
  console.log(units);
  setTimeout(work, 20);
}
work()"""
SERVER = """const s=require('http').createServer((q,r)=>r.end('hello world'));
s.listen(0,'127.0.0.1',()=>console.log(s.address().port))"""


def node(script):
    return subprocess.Popen([NODE, "-e", script], stdout=subprocess.PIPE, text=True)


def stop(process):
    process.kill()
    process.wait()


def snapshots(arguments):
    done = subprocess.run([LOOPTOP, "stat", "--json", "--budget", "1000", *arguments],
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


def attach(arguments):
    """Starts looptop and waits until its probes are live; the process and the seconds it took."""
    began = time.monotonic()
    looptop = subprocess.Popen([LOOPTOP, "stat", "--json", "--budget", "1000", *arguments],
                               stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    looptop.stderr.readline()
    return looptop, time.monotonic() - began


def detach(looptop):
    looptop.terminate()
    looptop.wait()


def floor(values):
    """Relative distance of the medians of the odd and the even rounds."""
    halves = [statistics.median(values[0::2]), statistics.median(values[1::2])]
    return abs(halves[0] - halves[1]) / statistics.median(values)


def tiers():
    cases = ["memory", "wait", "phases", "full"]
    spin = node(SPINNER)
    time.sleep(0.7)
    ns, hits = {case: [] for case in cases}, {case: [] for case in cases}
    for _ in range(ROUNDS):
        for case in cases:
            shot = snapshots(["-c", "1", "-i", "0.6", "--tier", case, "--no-pool", "--no-gc",
                              str(spin.pid)])[-1]
            process = shot["processes"][0]
            loop = process["loops"][0]
            turns = loop["iterations"]
            if not turns:
                sys.exit(f"tier {case}: the spinner's iterations are unknown")
            ns[case].append(shot["interval_seconds"] * 1e9 / turns)
            hits[case].append(process["probe_hits"] / turns)
    stop(spin)
    base = statistics.median(ns["memory"])
    rows = ["| tier | traps per iteration | ns per iteration | more than none | noise floor |",
            "|---|---|---|---|---|"]
    for case in cases:
        median = statistics.median(ns[case])
        rows.append(f"| {case} | {statistics.median(hits[case]):.2f} | {median:.0f} | "
                    f"{median - base:+.0f} ns | {floor(ns[case]) * 100:.1f} % |")
    return rows


def cpu_seconds(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def cpu_per_request(pid, port, connections):
    before = cpu_seconds(pid)
    done = subprocess.run(["wrk", "-t1", f"-c{connections}", "-d2", f"http://127.0.0.1:{port}/"],
                          stdout=subprocess.PIPE, text=True, check=True)
    requests = int(re.search(r"(\d+) requests in", done.stdout).group(1))
    return (cpu_seconds(pid) - before) / requests * 1e6


def http():
    rows = ["| connections | none (us) | never-hit control (us) | default tier, pool, GC (us) | "
            "against the control | noise floor of the control |", "|---|---|---|---|---|---|"]
    server, other = node(SERVER), node(TICKER)
    port = int(server.stdout.readline())
    cpu_per_request(server.pid, port, 8)
    for connections in (1, 8, 64):
        cost = {"none": [], "control": [], "default": []}
        for _ in range(ROUNDS):
            for case, values in cost.items():
                looptop = None
                if case != "none":  # the control: the same probes, in another process
                    looptop, _ = attach([str(other.pid if case == "control" else server.pid)])
                values.append(cpu_per_request(server.pid, port, connections))
                if looptop:
                    detach(looptop)
        medians = {case: statistics.median(values) for case, values in cost.items()}
        rows.append(f"| {connections} | {medians['none']:.2f} | {medians['control']:.2f} | "
                    f"{medians['default']:.2f} | "
                    f"{(medians['default'] / medians['control'] - 1) * 100:+.1f} % | "
                    f"{floor(cost['control']) * 100:.1f} % |")
    stop(server)
    stop(other)
    return rows


def attach_times():
    target = node(TICKER)
    time.sleep(0.5)
    cold, warm = [], []
    with tempfile.TemporaryDirectory() as cache:
        os.environ["XDG_CACHE_HOME"] = cache
        for _ in range(ROUNDS):
            shutil.rmtree(pathlib.Path(cache) / "looptop", ignore_errors=True)
            for times in (cold, warm):
                looptop, seconds = attach([str(target.pid)])
                times.append(seconds * 1000)
                detach(looptop)
        del os.environ["XDG_CACHE_HOME"]
    stop(target)
    return ["| site cache | start to probes live, median (ms) | longest (ms) |", "|---|---|---|",
            f"| cold | {statistics.median(cold):.0f} | {max(cold):.0f} |",
            f"| warm | {statistics.median(warm):.0f} | {max(warm):.0f} |"]


def own_cost():
    rows = ["| targets | CPU of looptop, share of a core | resident memory |", "|---|---|---|"]
    for count in (1, 10, 50):
        targets = [node(TICKER) for _ in range(count)]
        time.sleep(1 + count / 15)
        shots = snapshots(["-c", "16", "-i", "1", *[str(target.pid) for target in targets]])[11:]
        cpu = statistics.median(shot["self"]["cpu_seconds"] / shot["interval_seconds"] for shot in shots)
        rows.append(f"| {count} | {cpu * 100:.2f} % | {shots[-1]['self']['rss_bytes'] / 2**20:.0f} MiB |")
        for target in targets:
            stop(target)
    return rows


def own_cpu(script):
    """looptop's CPU on one such target, share of a core, once it has found all that there is to find."""
    target = node(script)
    time.sleep(1)
    shots = snapshots(["-c", "18", "-i", "1", str(target.pid)])[11:]
    stop(target)
    return statistics.mean(shot["self"]["cpu_seconds"] / shot["interval_seconds"] for shot in shots)


def stacks():
    """A turn that is late all the time: its stack is taken, read from memory and named 99 times a second."""
    target = node(WORKER)
    units = {"none": [], "sampled": []}
    target.stdout.readline()
    for _ in range(ROUNDS):
        target.stdout.readline()
        units["none"].append(int(target.stdout.readline()))
        looptop, _ = attach([str(target.pid)])
        target.stdout.readline()
        target.stdout.readline()
        units["sampled"].append(int(target.stdout.readline()))
        detach(looptop)
    stop(target)
    medians = {case: statistics.median(values) for case, values in units.items()}
    idle, stalled = own_cpu(TICKER), own_cpu(WORKER)
    return ["| what | figure | noise floor |", "|---|---|---|",
            f"| work done in a stalled turn, sampled against not | "
            f"{(medians['sampled'] / medians['none'] - 1) * 100:+.2f} % | {floor(units['none']) * 100:.2f} % |",
            f"| CPU of looptop while nothing is late, share of a core | {idle * 100:.2f} % | |",
            f"| CPU of looptop while all turns are | {stalled * 100:.2f} % | |",
            f"| of that for each stack, taken, read and named | {(stalled - idle) / 99 * 1e6:.0f} us | |"]


def main():
    version = subprocess.run([NODE, "--version"], stdout=subprocess.PIPE, text=True, check=True)
    lines = ["# What looptop costs", "",
             f"Made by `make bench` ({ROUNDS} alternated rounds, medians) with Node "
             f"{version.stdout.strip()[1:]} on Linux {os.uname().release}, {os.cpu_count()} CPUs of a shared "
             "virtual machine: compare within a table, not with other machines.", ""]
    for title, measure, note in (
            ("A `setImmediate` spinner", tiers,
             "The loop does nothing but turn, the worst case. `memory` has no probe."),
            ("An HTTP server under full load: CPU per request", http,
             "The control has the same probes placed in another process of the same binary."),
            ("The stack of a turn that is late", stacks,
             "A function of JavaScript that runs for 1.5 s at a time; its stack is taken 99 times a second."),
            ("Attaching", attach_times, "From the start of the command."),
            ("looptop itself, at 1 s", own_cost,
             "Idle targets with a timer of 50 ms, after the first ten intervals.")):
        print(title, file=sys.stderr)
        lines += [f"## {title}", "", note, "", *measure(), ""]
    (ROOT / "docs/BENCHMARKS.md").write_text("\n".join(lines))


if __name__ == "__main__":
    main()
