# SPDX-License-Identifier: GPL-2.0-only
# Copyright (c) 2026 The looptop authors
"""Event loops in other shapes: packaged in one executable, two libuvs in a process, a name server's network threads
on the shared one, libuv's names alone; one file under the overlays of several containers."""

import contextlib
import json
import shutil
import subprocess
import time

import pytest
from conftest import compile_c, fetch_node
from support.generic import Server, free_port
from support.looptop import NO_BUDGET, Stat, run
from support.pressure import waited_seconds
from support.waits import Waits, Window
from support.workload import WORKLOADS, Workload
from test_loop import match_blocks

APPLICATION = """
function parseOrders(ms) { const end = performance.now() + ms; while (performance.now() < end); }
setInterval(() => parseOrders(30), 100);
console.log(JSON.stringify({event: "ready", pid: process.pid}));
process.stdin.on("end", () => process.exit()).resume();
"""


@pytest.fixture(scope="module")
def packaged(built):
    """Node and a script in one file, as Node makes it by itself since 25.5."""
    (built / "orders.js").write_text(APPLICATION)
    (built / "orders.json").write_text(json.dumps({"main": "orders.js", "output": "orders"}))
    subprocess.run([fetch_node(26).path, "--build-sea", "orders.json"], cwd=built, check=True, timeout=60)
    yield built / "orders"
    (built / "orders").unlink()


def test_a_packaged_application_is_node(packaged):
    with Workload([packaged]) as target:
        with Stat(target.pid, extra=(*NO_BUDGET, "--stall", "15")) as stat:
            stat.wait_attached()

            def told(snapshots):
                rows = [row for one in snapshots for process in one["processes"] for row in process["loops"]]
                return [stall["where"] for row in rows for stall in row["stalls"] or [] if stall["where"]]

            # A callback of 30 ms that hardly gets a CPU has no sample: there will be another.
            stat.wait_for(lambda snapshots: "parseOrders" in {at["function"] for at in told(snapshots)}, 60, "its stalls")
            places = told(stat.snapshots)
            process = stat.stop().of(target.pid)
    assert process.last["runtime"] == "node" and process.last["name"] == "orders"
    assert {place["file"] for place in places if not place["file"].startswith("node:")} == {"orders.js"}


def test_each_of_two_libuvs_has_its_loop(built):
    program = compile_c(WORKLOADS / "uv-two.c", built / "uv-two", "-l:libuv_a.a", "-lpthread", "-ldl")
    with Workload([program]) as target:
        with Stat(target.pid, extra=NO_BUDGET) as stat:
            stat.wait_attached()
            waited = waited_seconds(target.pid)
            truth = target.call("start")
            waited = waited_seconds(target.pid) - waited
            stat.settle()
            series = stat.stop()
    series.assert_sound()
    process = series.of(target.pid)
    for tid, name, blocked in zip(truth["tids"], ("main", "second"), truth["blocked_seconds"]):
        loop = process.loop(tid)
        assert loop.name == name
        # the thread may wait for a CPU between two looks at its clock
        assert blocked - 0.001 <= loop.phase("timers") <= blocked * 1.02 + 0.005 + waited, name
        assert loop.dist("turn_seconds")["count"] >= truth["blocks"], name


NAMED = """
options {{
    directory "{folder}"; pid-file none; session-keyfile none; recursion no; minimal-responses yes;
    listen-on port {port} {{ 127.0.0.1; }}; listen-on-v6 {{ none; }};
}};
controls {{ }};
zone "example" {{ type primary; file "{folder}/example"; }};
"""
ZONE = "$TTL 60\n@ IN SOA a b 1 1 1 1 1\n@ IN NS a\na IN A 127.0.0.1\n"
QUERY = b"\0\x1bab\0\0\0\1\0\0\0\0\0\0\1a\7example\0\0\1\0\1"  # over TCP, for a.example
ADDRESS = bytes((127, 0, 0, 1))


def resolve(client, times):
    """One query after the other; the last answer."""
    for _ in range(times):
        client.sendall(QUERY)
        with client.makefile("rb") as answers:
            answer = answers.read(int.from_bytes(answers.read(2), "big"))
    return answer


@pytest.fixture
def named(tmp_path, waits_counter):
    port = free_port()
    (tmp_path / "named.conf").write_text(NAMED.format(folder=tmp_path, port=port))
    (tmp_path / "example").write_text(ZONE)
    waits = Waits(waits_counter, tmp_path / "waits")
    argv = ["/usr/sbin/named", "-f", "-n", "2", "-c", tmp_path / "named.conf", "-L", tmp_path / "log"]
    with Server([*waits.argv, *argv], port, tmp_path) as server:
        server.waits = waits
        yield server


def test_queries_of_bind_are_turns(named):
    queries = 200
    with named.connect() as client:
        while not resolve(client, 1).endswith(ADDRESS):
            time.sleep(0.02)  # it listens before it has read its zones
        before = named.waits.read()
        with Stat(named.pid, extra=NO_BUDGET) as stat:
            stat.wait_attached()
            begin = named.waits.read()
            assert resolve(client, queries).endswith(ADDRESS)
            end = named.waits.read()
            stat.settle()
            series = stat.stop()
        window = Window(before, begin, end, named.waits.read())
    series.assert_sound()
    process = series.of(named.pid)
    assert process.last["runtime"] == "libuv" and process.last["libuv_version"]
    loops = [process.loop(tid) for tid in process.tids]
    assert all(loop.name.startswith("isc-net") for loop in loops), [loop.name for loop in loops]
    for loop in loops:
        window.assert_turns(loop)
    # A connection stays with one thread.
    assert max(loop.total("turns", may_change=True) for loop in loops) >= queries


@pytest.mark.parametrize("stripped", (False, True), ids=("symbols", "stripped"))
def test_libuvs_names_are_no_loop_of_libuv(built, stripped):
    """Bun exports all of libuv's functions; its loop waits in epoll by itself."""
    options = ["-rdynamic", WORKLOADS / "uv-names.c", "-lpthread", *(["-s"] if stripped else [])]
    program = compile_c(WORKLOADS / "epoll-waits.c", built / f"uv-names-{stripped}", *options)
    with Workload([program]) as target:
        assert " generic " in run("list", target.pid).stdout
        with Stat(target.pid, extra=NO_BUDGET) as stat:
            stat.wait_attached()
            truth = target.call("start")
            stat.settle()
            process = stat.stop().of(target.pid)
    assert process.last["runtime"] == "generic"
    assert process.loop().total("turns") >= truth["turns"]


# --- containers that share a layer ---------------------------------------------------------------

# As runtimes stack an image's layers: the lower one is every container's, what is written is its own.
OVERLAY = """
set -e
mkdir "$1/upper" "$1/work" "$1/root"
mount -t overlay overlay -o lowerdir="$2",upperdir="$1/upper",workdir="$1/work" "$1/root"
[ "$4" = shared ] || { cp "$1/root/node" "$1/root/node.own"; mv "$1/root/node.own" "$1/root/node"; }
exec "$1/root/node" "$3"
"""


@contextlib.contextmanager
def in_container(folder, layer, which):
    folder.mkdir()
    script = WORKLOADS / "blocks.js"
    with Workload(["unshare", "-m", "sh", "-c", OVERLAY, "sh", folder, layer, script, which]) as target:
        yield target


def test_one_file_in_several_containers(one_node, tmp_path):
    """Two run the same file of a lower layer, the third its own copy: each has its own figures."""
    layer = tmp_path / "layer"
    layer.mkdir()
    shutil.copy2(one_node.path, layer / "node")
    with contextlib.ExitStack() as stack:
        targets = [
            stack.enter_context(in_container(tmp_path / name, layer, name.rstrip("12")))
            for name in ("shared1", "shared2", "own")
        ]
        with Stat(*(target.pid for target in targets), extra=(*NO_BUDGET, "--stall", "15")) as stat:
            stat.wait_attached()
            waited = [waited_seconds(target.pid) for target in targets]
            truths = [target.call("start", blocks=[[20, n]], gap_ms=5) for n, target in zip((10, 20, 30), targets)]
            waited = [waited_seconds(target.pid) - before for target, before in zip(targets, waited)]
            stat.settle()
            series = stat.stop()
    for copy in (layer, tmp_path / "own" / "upper"):
        (copy / "node").unlink()
    series.assert_sound()
    for target, truth, n, held_up in zip(targets, truths, (10, 20, 30), waited):
        process = series.of(target.pid)
        assert process.last["runtime_version"] == one_node.version
        blocks = [stall for _, stall in match_blocks(truth["blocks"], process.loop().stalls)]
        assert len(blocks) == n
        assert [stall for stall in process.loop().own_stalls(0.015) if stall not in blocks] == []
        blocked = sum(block["seconds"] for block in truth["blocks"])
        assert blocked - 0.001 <= process.loop().phase("timers") <= blocked * 1.02 + 0.020 + held_up
